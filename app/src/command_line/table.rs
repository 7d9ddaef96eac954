//! The commands as data: name, arguments, what they need of the tracker, how they are completed, how they are read.
//!
//! A new command is a row here, its sentence `command.<name>` in the translations, and nothing else.

use std::path::PathBuf;

use potok_core::library::typed::{self, BadRemotePath, EmptyPath, LocalPath, RemotePath, ShareOrLocalPath};
use potok_core::model::binding::BadBanQuery;
use potok_core::model::share_path::BadSharePath;
use potok_core::model::username::Username;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{DownloadRequest, Intent, QueueMove, ShareRequest, TransferId, TransferSelection};
use potok_core::protocol::field;

use crate::command_line::{BadLine, LineRequest, Rest, list};
use crate::texts;

/// One command of the console: its verb, its words, and what it needs.
#[derive(Debug)]
pub struct ConsoleCommand {
    /// Its verb. The sentence that explains it is `command.<name>` in the translations.
    pub name: &'static str,
    /// What stands behind the verb, as `help` shows it.
    pub arguments: &'static str,
    /// What it needs of the tracker.
    pub tracker: TrackerNeed,
    /// What its arguments are, for completion.
    pub completes: Completes,
    pub(super) read: fn(Rest<'_>) -> Result<LineRequest, BadLine>,
}

/// What a command needs of the tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackerNeed {
    /// It works without a tracker.
    No,
    /// It is better off when connected, and the engine knows what to do when not.
    Better,
    /// Without a tracker it fails.
    Needed,
}

/// What arguments are completed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completes {
    /// Nothing can be completed.
    Nothing,
    /// Fields, each of its own kind.
    Fields(&'static [WordKind]),
    /// A list of the same kind.
    List(WordKind),
}

/// What a word can be completed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    /// The verbs of the commands.
    Command,
    /// Users who are connected.
    User,
    /// What the user in the field before shares.
    RemotePath,
    /// Files and folders of this computer.
    LocalPath,
    /// What I share.
    MyShare,
    /// Numbers of transfers, and `all`.
    Transfer,
}

impl ConsoleCommand {
    /// How the command is written: its verb and its arguments.
    pub fn usage(&self) -> String {
        format!("{} {}", self.name, self.arguments).trim_end().to_owned()
    }

    /// What the command does, in the person's language.
    pub fn explanation(&self) -> String {
        texts::text("command", self.name, &[])
    }
}

impl PartialEq for ConsoleCommand {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Every command, in the order of `help`.
pub const COMMANDS: &[ConsoleCommand] = &[
    ConsoleCommand {
        name: "list-users",
        arguments: "",
        tracker: TrackerNeed::Needed,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::ListUsers),
    },
    ConsoleCommand {
        name: "list-files",
        arguments: "[user]",
        tracker: TrackerNeed::Needed,
        completes: Completes::Fields(&[WordKind::User]),
        read: |rest| Ok(LineRequest::Ask(Intent::ListFiles { user: rest.words(0, 1)?.pop().map(user).transpose()? })),
    },
    ConsoleCommand {
        name: "search",
        arguments: "words",
        tracker: TrackerNeed::Needed,
        completes: Completes::Nothing,
        read: read_search,
    },
    ConsoleCommand {
        name: "register",
        arguments: "file1 [, file2, ...] | \"file\" as \"name\"",
        tracker: TrackerNeed::Better,
        completes: Completes::List(WordKind::LocalPath),
        read: read_register,
    },
    ConsoleCommand {
        name: "unregister",
        arguments: "file1 [, file2, ...]",
        tracker: TrackerNeed::Better,
        completes: Completes::List(WordKind::MyShare),
        read: read_unregister,
    },
    ConsoleCommand {
        name: "rename-share",
        arguments: "old new",
        tracker: TrackerNeed::Better,
        completes: Completes::Fields(&[WordKind::MyShare]),
        read: read_rename,
    },
    ConsoleCommand {
        name: "shares",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::ListShares),
    },
    ConsoleCommand {
        name: "download",
        arguments: "user remote_path [local_path] [--overwrite] [--wait]",
        tracker: TrackerNeed::Needed,
        completes: Completes::Fields(&[WordKind::User, WordKind::RemotePath, WordKind::LocalPath]),
        read: read_download,
    },
    ConsoleCommand {
        name: "transfers",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::ListTransfers),
    },
    ConsoleCommand {
        name: "pause",
        arguments: WHICH,
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: |rest| which(rest).map(Intent::Pause).map(LineRequest::Ask),
    },
    ConsoleCommand {
        name: "resume",
        arguments: WHICH,
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: |rest| which(rest).map(Intent::Resume).map(LineRequest::Ask),
    },
    ConsoleCommand {
        name: "cancel",
        arguments: WHICH,
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: |rest| which(rest).map(Intent::Cancel).map(LineRequest::Ask),
    },
    ConsoleCommand {
        name: "retry",
        arguments: WHICH,
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: |rest| which(rest).map(Intent::Retry).map(LineRequest::Ask),
    },
    ConsoleCommand {
        name: "move",
        arguments: "N first | earlier | later | last",
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: read_move,
    },
    ConsoleCommand {
        name: "forget",
        arguments: "N",
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Transfer]),
        read: read_forget,
    },
    ConsoleCommand {
        name: "whoami",
        arguments: "",
        tracker: TrackerNeed::Better,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::WhoAmI),
    },
    ConsoleCommand {
        name: "invite",
        arguments: "",
        tracker: TrackerNeed::Better,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::Invite),
    },
    ConsoleCommand {
        name: "status",
        arguments: "",
        tracker: TrackerNeed::Better,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::Status),
    },
    ConsoleCommand {
        name: "join",
        arguments: "host:port | invite",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: read_join,
    },
    ConsoleCommand {
        name: "leave",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::Leave),
    },
    ConsoleCommand {
        name: "host",
        arguments: "ip:port",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: read_host,
    },
    ConsoleCommand {
        name: "stop-hosting",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::StopTracker),
    },
    ConsoleCommand {
        name: "kick",
        arguments: "user",
        tracker: TrackerNeed::Better,
        completes: Completes::Fields(&[WordKind::User]),
        read: |rest| Ok(LineRequest::Ask(Intent::Kick { user: user_at_ours(rest)? })),
    },
    ConsoleCommand {
        name: "ban",
        arguments: "user",
        tracker: TrackerNeed::Better,
        completes: Completes::Fields(&[WordKind::User]),
        read: |rest| Ok(LineRequest::Ask(Intent::Ban { user: user_at_ours(rest)? })),
    },
    ConsoleCommand {
        name: "unban",
        arguments: "user | key | address",
        tracker: TrackerNeed::Better,
        completes: Completes::Nothing,
        read: read_unban,
    },
    ConsoleCommand {
        name: "bans",
        arguments: "",
        tracker: TrackerNeed::Better,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::ListBans),
    },
    ConsoleCommand {
        name: "help",
        arguments: "[command]",
        tracker: TrackerNeed::No,
        completes: Completes::Fields(&[WordKind::Command]),
        read: read_help,
    },
    ConsoleCommand {
        name: "quit",
        arguments: "",
        tracker: TrackerNeed::No,
        completes: Completes::Nothing,
        read: |rest| rest.words(0, 0).map(|_none| LineRequest::Quit),
    },
];

const WHICH: &str = "N | all";

/// The command of this name, in any ASCII case.
pub fn find(name: &str) -> Option<&'static ConsoleCommand> {
    COMMANDS.iter().find(|command| command.name.eq_ignore_ascii_case(name))
}

fn ask_alone(rest: Rest<'_>, intent: Intent) -> Result<LineRequest, BadLine> {
    rest.words(0, 0).map(|_none| LineRequest::Ask(intent))
}

fn read_search(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let mut words = rest.words(1, SEARCH_WORDS_MAX)?;
    words.retain(|word| !word.trim().is_empty());
    if words.is_empty() { Err(rest.usage()) } else { Ok(LineRequest::Ask(Intent::Search { words })) }
}

/// What a tracker takes.
const SEARCH_WORDS_MAX: usize = 32;

fn read_register(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let items = list::named_items(rest.text)?;
    if items.is_empty() {
        return Err(rest.usage());
    }
    let request =
        |item: list::Named| ShareRequest { typed: from_home(item.path), cwd: rest.cwd.to_owned(), share_as: item.name };
    Ok(LineRequest::Ask(Intent::Share(items.into_iter().map(request).collect())))
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

fn read_download(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let (mut overwrite, mut wait) = (false, false);
    let mut words = Vec::new();
    for field in rest.fields()? {
        match field.text.as_ref() {
            "--overwrite" if !field.quoted => overwrite = true,
            "--wait" if !field.quoted => wait = true,
            word if !field.quoted && word.starts_with("--") => {
                return Err(BadLine::Option { word: word.to_owned(), command: rest.command });
            }
            _ => words.push(field.text.into_owned()),
        }
    }
    let mut words = words.into_iter();
    let (Some(owner), Some(remote_path), local_path, None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(rest.usage());
    };
    let owner = user(owner)?;
    let remote_path = RemotePath::new(remote_path.as_str()).map_err(|BadRemotePath| {
        BadLine::Meaningless(Failure::NotShared { user: owner.to_string(), path: remote_path })
    })?;
    Ok(LineRequest::Ask(Intent::Download(DownloadRequest {
        user: owner,
        remote_path,
        local_path: local_path.map(|typed| LocalPath::new(from_home(typed), rest.cwd)),
        overwrite,
        wait,
    })))
}

fn which(rest: Rest<'_>) -> Result<TransferSelection, BadLine> {
    let words = rest.words(1, 1)?;
    match words[0].as_str() {
        all if all.eq_ignore_ascii_case("all") => Ok(TransferSelection::All),
        number if number.bytes().all(|b| b.is_ascii_digit()) => {
            number.parse().map(|number| TransferSelection::One(TransferId(number))).map_err(|_too_big| rest.usage())
        }
        _ => Err(rest.usage()),
    }
}

fn read_forget(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    match which(rest)? {
        TransferSelection::One(number) => Ok(LineRequest::Ask(Intent::Acknowledge(number))),
        TransferSelection::All => Err(rest.usage()),
    }
}

fn read_join(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let tracker = one_word(rest)?.parse().map_err(|_no_address| rest.usage())?;
    Ok(LineRequest::Ask(Intent::Join(tracker)))
}

fn read_host(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let at = one_word(rest)?.parse().map_err(|_no_address| rest.usage())?;
    Ok(LineRequest::Ask(Intent::HostTracker(at)))
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

fn read_move(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let words = rest.words(2, 2)?;
    let number = Some(&words[0]).filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
    let number = number.and_then(|number| number.parse().ok()).map(TransferId).ok_or_else(|| rest.usage())?;
    let to = PLACE_WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&words[1])).ok_or_else(|| rest.usage())?.1;
    Ok(LineRequest::Ask(Intent::Reorder { number, to }))
}

/// The words for places in the queue.
pub const PLACE_WORDS: &[(&str, QueueMove)] = &[
    ("first", QueueMove::First),
    ("earlier", QueueMove::Earlier),
    ("later", QueueMove::Later),
    ("last", QueueMove::Last),
];

/// A name as typed; one that cannot be a username is nobody's.
fn user(typed: String) -> Result<Username, BadLine> {
    Username::new(&typed).map_err(|_bad_name| BadLine::Meaningless(Failure::NoSuchUser { user: typed }))
}

/// The same of somebody who is at the embedded tracker, or owns a name there.
fn user_at_ours(rest: Rest<'_>) -> Result<Username, BadLine> {
    let typed = one_word(rest)?;
    Username::new(&typed).map_err(|_bad_name| BadLine::Meaningless(Failure::NotAtYours { user: typed }))
}

fn read_unban(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    let typed = one_word(rest)?;
    let who = typed.parse().map_err(|_nobody: BadBanQuery| BadLine::Meaningless(Failure::NotBanned { who: typed }))?;
    Ok(LineRequest::Ask(Intent::Unban { who }))
}

fn one_word(rest: Rest<'_>) -> Result<String, BadLine> {
    let mut words = rest.words(1, 1)?;
    Ok(words.remove(0))
}

fn read_help(rest: Rest<'_>) -> Result<LineRequest, BadLine> {
    match rest.words(0, 1)?.pop() {
        None => Ok(LineRequest::Help(None)),
        Some(name) => find(&name).map(|command| LineRequest::Help(Some(command))).ok_or(BadLine::Unknown(name)),
    }
}

/// `~/x` is in the home folder, as in a shell; `./~/x` is the folder of that name.
fn from_home(path: String) -> String {
    let home = || std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok());
    in_home(&path, home).unwrap_or(path)
}

fn in_home(path: &str, home: impl FnOnce() -> Option<String>) -> Option<String> {
    let below = path.strip_prefix('~')?;
    if !below.is_empty() && !below.starts_with(std::path::is_separator) {
        return None;
    }
    // Pushing `/etc` would leave the home folder.
    let below = below.trim_start_matches(std::path::is_separator);
    let home = PathBuf::from(home()?);
    let whole = if below.is_empty() { home } else { home.join(below) };
    whole.into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = || Some("/home/a".to_owned());
        assert_eq!(in_home("~/x y", home).as_deref(), Some("/home/a/x y"));
        assert_eq!(in_home("~", home).as_deref(), Some("/home/a"));
        assert_eq!(in_home("~//etc", home).as_deref(), Some("/home/a/etc"));
        for other in ["~x", "./~/x", "a~/x", ""] {
            assert_eq!(in_home(other, home), None, "{other}");
        }
        assert_eq!(in_home("~/x", || None), None);
    }
}
