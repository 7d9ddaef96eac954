//! Commands about what I fetch, and in which order.

use potok_core::library::typed::{self, BadRemotePath, LocalPath, RemotePath};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{
    DownloadRequest, Existing, FileQuery, FolderOfAllRequest, Intent, QueueMove, TransferId, TransferSelection,
    UnsafeNames,
};
use potok_core::protocol::field::Quoted;

use crate::command_line::command::{Completes, ConsoleCommand, TrackerNeed, WordKind};
use crate::command_line::commands::{alone, user, word};
use crate::command_line::typed_path::typed_path;
use crate::command_line::{BadLine, LineRequest, Rest};

/// These commands, in the order of `help`.
pub(super) const TRANSFER_COMMANDS: &[ConsoleCommand] = &[
    ConsoleCommand {
        name: "download",
        arguments: "user | * remote_path [local_path] [--overwrite | --keep-both | --skip-existing] [--rename-unsafe] [--wait]",
        tracker: TrackerNeed::Needed,
        completes: Completes::Fields(&[WordKind::User, WordKind::RemotePath, WordKind::LocalPath]),
        read: read_download,
        write: write_download,
    },
    ConsoleCommand {
        name: "transfers",
        arguments: "[N]",
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: read_transfers,
        write: |intent| match intent {
            Intent::DescribeTransfer { number, files } if *files == FileQuery::default() => Some(number.to_string()),
            intent => alone(intent, &Intent::ListTransfers),
        },
    },
    ConsoleCommand {
        name: "pause",
        arguments: WHICH,
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: |rest| which(rest).map(Intent::Pause).map(LineRequest::Ask),
        write: |intent| match intent {
            Intent::Pause(which) => Some(write_which(*which)),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "resume",
        arguments: WHICH,
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: |rest| which(rest).map(Intent::Resume).map(LineRequest::Ask),
        write: |intent| match intent {
            Intent::Resume(which) => Some(write_which(*which)),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "cancel",
        arguments: WHICH,
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: |rest| which(rest).map(Intent::Cancel).map(LineRequest::Ask),
        write: |intent| match intent {
            Intent::Cancel(which) => Some(write_which(*which)),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "retry",
        arguments: "N | all [--overwrite | --keep-both | --skip-existing]",
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: read_retry,
        write: |intent| match intent {
            Intent::Retry(which) => Some(write_which(*which)),
            Intent::RetryWith { which, existing } => Some(write_which(*which) + write_existing(*existing)),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "move",
        arguments: "N first | earlier | later | last",
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: read_move,
        write: write_move,
    },
    ConsoleCommand {
        name: "forget",
        arguments: "N",
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: read_forget,
        write: |intent| match intent {
            Intent::Acknowledge(number) => Some(number.to_string()),
            _ => None,
        },
    },
    ConsoleCommand {
        name: "history",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::ListHistory),
        write: |intent| alone(intent, &Intent::ListHistory),
    },
    ConsoleCommand {
        name: "clear-history",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.ask_alone(Intent::ClearHistory),
        write: |intent| alone(intent, &Intent::ClearHistory),
    },
];

/// Stands for the name of a user: whoever shares what is in a folder.
const EVERYBODY: &str = "*";

/// How the arguments of a command are written that is about one transfer or all.
const WHICH: &str = "N | all";

/// The options that say what becomes of what is there.
const EXISTING_WORDS: &[(&str, Existing)] =
    &[("--overwrite", Existing::Replace), ("--keep-both", Existing::KeepBoth), ("--skip-existing", Existing::LeaveOut)];

/// The words for places in the queue.
const PLACE_WORDS: &[(&str, QueueMove)] = &[
    ("first", QueueMove::First),
    ("earlier", QueueMove::Earlier),
    ("later", QueueMove::Later),
    ("last", QueueMove::Last),
];

fn read_download(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let (mut existing, mut unsafe_names, mut wait) = (Existing::Refuse, UnsafeNames::LeaveOut, false);
    let mut words = Vec::new();
    for field in rest.fields()? {
        match field.text.as_ref() {
            word if !field.quoted && read_existing(word).is_some() => {
                existing = read_existing(word).unwrap_or(existing);
            }
            "--rename-unsafe" if !field.quoted => unsafe_names = UnsafeNames::Rename,
            "--wait" if !field.quoted => wait = true,
            word if !field.quoted && word.starts_with("--") => {
                return Err(BadLine::Option { word: word.to_owned(), command: rest.command });
            }
            _ => words.push(field.text.into_owned()),
        }
    }
    if words.iter().any(String::is_empty) {
        return Err(rest.usage());
    }
    let mut words = words.into_iter();
    let (Some(owner), Some(remote_path), local_path, None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(rest.usage());
    };
    let local_path = local_path.map(|typed| LocalPath::new(typed_path(typed), rest.cwd));
    if owner == EVERYBODY {
        let folder = typed::share_path(&remote_path).map_err(|_bad| rest.usage())?;
        // What everybody shares of it is a folder, with or without its `/`.
        if wait {
            return Err(rest.usage());
        }
        let request = FolderOfAllRequest { folder, local_path, existing, unsafe_names };
        return Ok(LineRequest::Ask(Intent::DownloadOfAll(request)));
    }
    let owner = user(owner)?;
    let remote_path = RemotePath::new(remote_path.as_str()).map_err(|BadRemotePath| {
        BadLine::Meaningless(Failure::NotShared { user: owner.to_string(), path: remote_path })
    })?;
    Ok(LineRequest::Ask(Intent::Download(DownloadRequest {
        user: owner,
        remote_path,
        local_path,
        existing,
        unsafe_names,
        wait,
    })))
}

fn write_download(intent: &Intent) -> Option<String> {
    let (mut line, local_path, existing, unsafe_names, wait) = match intent {
        Intent::Download(request) => {
            let line = format!("{} {}", word(request.user.as_str()), Quoted(request.remote_path.as_str()));
            (line, &request.local_path, request.existing, request.unsafe_names, request.wait)
        }
        Intent::DownloadOfAll(request) => {
            let line = format!("{EVERYBODY} {}", Quoted(&format!("{}/", request.folder)));
            (line, &request.local_path, request.existing, request.unsafe_names, false)
        }
        _ => return None,
    };
    if let Some(local) = local_path {
        line += &format!(" {}", Quoted(&local.typed));
    }
    line += write_existing(existing);
    line += match unsafe_names {
        UnsafeNames::LeaveOut | UnsafeNames::Ask => "",
        UnsafeNames::Rename => " --rename-unsafe",
    };
    if wait {
        line += " --wait";
    }
    Some(line)
}

/// What is to become of what is there, as an option says it.
fn read_existing(option: &str) -> Option<Existing> {
    EXISTING_WORDS.iter().find(|(word, _)| *word == option).map(|(_, existing)| *existing)
}

/// The same as a part of a line.
fn write_existing(existing: Existing) -> &'static str {
    match existing {
        Existing::Refuse => "",
        Existing::Replace => " --overwrite",
        Existing::KeepBoth => " --keep-both",
        Existing::LeaveOut => " --skip-existing",
    }
}

fn read_retry(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let fields = rest.fields()?;
    let mut words: Vec<&str> = fields.iter().map(|field| field.text.as_ref()).collect();
    let existing = match words.as_slice() {
        [_, option] if !fields[1].quoted => match read_existing(option) {
            Some(existing) => Some(existing),
            None if option.starts_with("--") => {
                return Err(BadLine::Option { word: (*option).to_owned(), command: rest.command });
            }
            None => None,
        },
        _ => None,
    };
    if existing.is_some() {
        words.pop();
    }
    let [word] = words.as_slice() else { return Err(rest.usage()) };
    let which = which_of(word).ok_or_else(|| rest.usage())?;
    Ok(LineRequest::Ask(match existing {
        Some(existing) => Intent::RetryWith { which, existing },
        None => Intent::Retry(which),
    }))
}

fn which(rest: Rest<'_>) -> Result<TransferSelection, BadLine> {
    let words = rest.words(1, 1)?;
    which_of(&words[0]).ok_or_else(|| rest.usage())
}

fn which_of(word: &str) -> Option<TransferSelection> {
    match word {
        all if all.eq_ignore_ascii_case("all") => Some(TransferSelection::All),
        number if number.bytes().all(|b| b.is_ascii_digit()) => {
            number.parse().ok().map(|number| TransferSelection::One(TransferId(number)))
        }
        _ => None,
    }
}

fn read_transfers(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    if rest.words(0, 1)?.is_empty() {
        return rest.ask_alone(Intent::ListTransfers);
    }
    match which(rest)? {
        TransferSelection::One(number) => {
            Ok(LineRequest::Ask(Intent::DescribeTransfer { number, files: FileQuery::default() }))
        }
        TransferSelection::All => Err(rest.usage()),
    }
}

fn write_which(which: TransferSelection) -> String {
    match which {
        TransferSelection::One(number) => number.to_string(),
        TransferSelection::All => "all".to_owned(),
    }
}

fn read_move(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let words = rest.words(2, 2)?;
    let number = Some(&words[0]).filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
    let number = number.and_then(|number| number.parse().ok()).map(TransferId).ok_or_else(|| rest.usage())?;
    let to = PLACE_WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&words[1])).ok_or_else(|| rest.usage())?.1;
    Ok(LineRequest::Ask(Intent::Reorder { number, to }))
}

fn write_move(intent: &Intent) -> Option<String> {
    let Intent::Reorder { number, to } = intent else { return None };
    let (word, _) = PLACE_WORDS.iter().find(|(_, place)| place == to)?;
    Some(format!("{number} {word}"))
}

fn read_forget(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    match which(rest)? {
        TransferSelection::One(number) => Ok(LineRequest::Ask(Intent::Acknowledge(number))),
        TransferSelection::All => Err(rest.usage()),
    }
}
