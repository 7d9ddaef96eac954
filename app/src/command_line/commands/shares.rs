//! Commands about what I share.

use potok_core::library::typed::{self, EmptyPath, ShareOrLocalPath};
use potok_core::model::share_path::BadSharePath;
use potok_core::model::shown::read_back;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, ShareRequest};
use potok_core::node::not_shareable::NotShareable;
use potok_core::protocol::field::{self, Quoted};

use crate::command_line::command::{Completes, ConsoleCommand, TrackerNeed, WordKind};
use crate::command_line::commands::alone;
use crate::command_line::typed_path::typed_path;
use crate::command_line::{BadLine, LineRequest, Rest, list};

/// These commands, in the order of `help`.
pub(super) const SHARE_COMMANDS: &[ConsoleCommand] = &[
    ConsoleCommand {
        name: "register",
        arguments: "[--what-fits] file1 [, file2, ...] | \"file\" as \"name\"",
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
        read: |rest| Ok(LineRequest::Ask(Intent::Unshare { paths: read_paths(rest)? })),
        write: |intent| match intent {
            Intent::Unshare { paths } => Some(write_paths(paths)),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "share-again",
        arguments: "file1 [, file2, ...]",
        tracker: TrackerNeed::Better,
        completes: Completes::List(WordKind::Stopped),
        read: |rest| Ok(LineRequest::Ask(Intent::ShareAgain { paths: read_paths(rest)? })),
        write: |intent| match intent {
            Intent::ShareAgain { paths } => Some(write_paths(paths)),
            _ => None,
        },
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
    ConsoleCommand {
        name: "roots",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::ListRoots { after: None }),
        write: |intent| alone(intent, &Intent::ListRoots { after: None }),
    },
    ConsoleCommand {
        name: "stopped",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::ListStopped { root: None, after: None }),
        write: |intent| alone(intent, &Intent::ListStopped { root: None, after: None }),
    },
];

/// Share as much as may be shared.
const WHAT_FITS: &str = "--what-fits";
const WHAT_FITS_AND_SPACE: &str = "--what-fits ";

fn read_register(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let what_fits = rest.text.strip_prefix(WHAT_FITS).filter(|list| list.starts_with([' ', '\t']));
    let items = list::named_items(what_fits.unwrap_or(rest.text).trim())?;
    if items.is_empty() {
        return Err(rest.usage());
    }
    let request = |item: list::Named| ShareRequest {
        typed: typed_path(item.path),
        cwd: rest.cwd.to_owned(),
        share_as: item.name,
    };
    let requests = items.into_iter().map(request).collect();
    let is_what_fits = what_fits.is_some();
    Ok(LineRequest::Ask(if is_what_fits { Intent::ShareWhatFits(requests) } else { Intent::Share(requests) }))
}

fn write_register(intent: &Intent) -> Option<String> {
    let (option, requests) = match intent {
        Intent::Share(requests) => ("", requests),
        Intent::ShareWhatFits(requests) => (WHAT_FITS_AND_SPACE, requests),
        _ => return None,
    };
    let one = |request: &ShareRequest| match &request.share_as {
        Some(name) => format!("{} as {}", Quoted(&request.typed), Quoted(name)),
        None => Quoted(&request.typed).to_string(),
    };
    Some(option.to_owned() + &requests.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn read_paths(rest: Rest<'_>) -> Result<Vec<ShareOrLocalPath>, BadLine> {
    let items = field::items(rest.text)?;
    if items.is_empty() {
        return Err(rest.usage());
    }
    if items.iter().any(|item| !item.attributes.is_empty()) {
        return Err(field::BadFields::Attribute.into());
    }
    // As `shares` printed it.
    let path = |text: &str| {
        let text = typed_path(read_back(text).into_owned());
        ShareOrLocalPath::new(text, rest.cwd).map_err(|EmptyPath| rest.usage())
    };
    items.into_iter().map(|item| path(&item.text)).collect()
}

fn write_paths(paths: &[ShareOrLocalPath]) -> String {
    paths.iter().map(|path| Quoted(path.as_str()).to_string()).collect::<Vec<_>>().join(", ")
}

fn read_rename(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let mut words = rest.words(2, 2)?.into_iter();
    let (Some(from), Some(to)) = (words.next(), words.next()) else { return Err(rest.usage()) };
    let not_yours = |_no_share_path| BadLine::Meaningless(Failure::NotYours { path: from.clone() });
    let not_shareable = |why: BadSharePath| {
        BadLine::Meaningless(Failure::NotShareable { path: to.clone(), why: NotShareable::BadName(why) })
    };
    let from = typed::share_path(&read_back(&from)).map_err(not_yours)?;
    let to = typed::share_path(&to).map_err(not_shareable)?;
    Ok(LineRequest::Ask(Intent::RenameShare { from, to }))
}
