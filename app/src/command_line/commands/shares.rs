//! Commands about what I share.

use potok_core::library::typed::{self, EmptyPath, ShareOrLocalPath};
use potok_core::model::share_path::BadSharePath;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, ShareRequest};
use potok_core::protocol::field::{self, Quoted};

use crate::command_line::command::{Completes, ConsoleCommand, TrackerNeed, WordKind};
use crate::command_line::commands::{alone, from_home};
use crate::command_line::{BadLine, LineRequest, Rest, list};

/// These commands, in the order of `help`.
pub(super) const SHARE_COMMANDS: &[ConsoleCommand] = &[
    ConsoleCommand {
        name: "register",
        arguments: "file1 [, file2, ...] | \"file\" as \"name\"",
        tracker: TrackerNeed::Better,
        completes: Completes::List(WordKind::LocalPath),
        read: read_register,
        write: write_register,
    },
    ConsoleCommand {
        name: "unregister",
        arguments: "file1 [, file2, ...]",
        tracker: TrackerNeed::Better,
        completes: Completes::List(WordKind::MyShare),
        read: read_unregister,
        write: write_unregister,
    },
    ConsoleCommand {
        name: "rename-share",
        arguments: "old new",
        tracker: TrackerNeed::Better,
        completes: Completes::Fields(&[WordKind::MyShare]),
        read: read_rename,
        write: |intent| match intent {
            Intent::RenameShare { from, to } => Some(format!("{} {}", Quoted(from.as_str()), Quoted(to.as_str()))),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "shares",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::ListShares),
        write: |intent| alone(intent, &Intent::ListShares),
    },
];

fn read_register(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let items = list::named_items(rest.text)?;
    if items.is_empty() {
        return Err(rest.usage());
    }
    let request =
        |item: list::Named| ShareRequest { typed: from_home(item.path), cwd: rest.cwd.to_owned(), share_as: item.name };
    Ok(LineRequest::Ask(Intent::Share(items.into_iter().map(request).collect())))
}

fn write_register(intent: &Intent) -> Option<String> {
    let Intent::Share(requests) = intent else { return None };
    let one = |request: &ShareRequest| match &request.share_as {
        Some(name) => format!("{} as {}", Quoted(&request.typed), Quoted(name)),
        None => Quoted(&request.typed).to_string(),
    };
    Some(requests.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn read_unregister(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let items = field::items(rest.text)?;
    if items.is_empty() {
        return Err(rest.usage());
    }
    if items.iter().any(|item| !item.attributes.is_empty()) {
        return Err(field::BadFields::Attribute.into());
    }
    let path = |text: String| ShareOrLocalPath::new(from_home(text), rest.cwd).map_err(|EmptyPath| rest.usage());
    let paths = items.into_iter().map(|item| path(item.text.into_owned())).collect::<Result<_, _>>()?;
    Ok(LineRequest::Ask(Intent::Unshare { paths }))
}

fn write_unregister(intent: &Intent) -> Option<String> {
    let Intent::Unshare { paths } = intent else { return None };
    Some(paths.iter().map(|path| Quoted(path.as_str()).to_string()).collect::<Vec<_>>().join(", "))
}

fn read_rename(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let mut words = rest.words(2, 2)?.into_iter();
    let (Some(from), Some(to)) = (words.next(), words.next()) else { return Err(rest.usage()) };
    let not_yours = |_no_share_path| BadLine::Meaningless(Failure::NotYours { path: from.clone() });
    let not_shareable =
        |why: BadSharePath| BadLine::Meaningless(Failure::NotShareable { path: to.clone(), why: why.to_string() });
    let from = typed::share_path(&from).map_err(not_yours)?;
    let to = typed::share_path(&to).map_err(not_shareable)?;
    Ok(LineRequest::Ask(Intent::RenameShare { from, to }))
}
