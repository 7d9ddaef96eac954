//! The commands as data: name, arguments, what they need of the tracker, how they are completed, how they are read.
//!
//! A new command is a row here, its sentence `command.<name>` in the translations, and nothing else.

use std::path::PathBuf;

use potok_core::node::intent::{DownloadRequest, Intent, Place, ShareRequest, Which};
use potok_core::protocol::field;

use crate::command_line::{BadLine, Request, Rest, list};
use crate::texts;

/// One command.
#[derive(Debug)]
pub struct Command {
    /// Its verb. The sentence that explains it is `command.<name>` in the translations.
    pub name: &'static str,
    /// What stands behind the verb, as `help` shows it.
    pub arguments: &'static str,
    /// What it needs of the tracker.
    pub tracker: Tracker,
    /// What its arguments are, for completion.
    pub completes: Completes,
    pub(super) read: fn(Rest<'_>) -> Result<Request, BadLine>,
}

/// What a command needs of the tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracker {
    /// Nothing.
    No,
    /// It is better off when connected, and the engine knows what to do when not.
    Better,
    /// Without a tracker it fails.
    Needed,
}

/// What arguments are completed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completes {
    /// Nothing.
    Nothing,
    /// Fields, each of its own kind.
    Fields(&'static [Kind]),
    /// A list of the same kind.
    List(Kind),
}

/// What a word can be completed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The commands.
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

impl Command {
    /// How the command is written: its verb and its arguments.
    pub fn usage(&self) -> String {
        format!("{} {}", self.name, self.arguments).trim_end().to_owned()
    }

    /// What the command does, in the person's language.
    pub fn explanation(&self) -> String {
        texts::text("command", self.name, &[])
    }
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Every command, in the order of `help`.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "list-users",
        arguments: "",
        tracker: Tracker::Needed,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::ListUsers),
    },
    Command {
        name: "list-files",
        arguments: "[user]",
        tracker: Tracker::Needed,
        completes: Completes::Fields(&[Kind::User]),
        read: |rest| Ok(Request::Ask(Intent::ListFiles { user: rest.words(0, 1)?.pop() })),
    },
    Command {
        name: "search",
        arguments: "words",
        tracker: Tracker::Needed,
        completes: Completes::Nothing,
        read: read_search,
    },
    Command {
        name: "register",
        arguments: "file1 [, file2, ...] | \"file\" as \"name\"",
        tracker: Tracker::Better,
        completes: Completes::List(Kind::LocalPath),
        read: read_register,
    },
    Command {
        name: "unregister",
        arguments: "file1 [, file2, ...]",
        tracker: Tracker::Better,
        completes: Completes::List(Kind::MyShare),
        read: read_unregister,
    },
    Command {
        name: "rename-share",
        arguments: "old new",
        tracker: Tracker::Better,
        completes: Completes::Fields(&[Kind::MyShare]),
        read: read_rename,
    },
    Command {
        name: "shares",
        arguments: "",
        tracker: Tracker::No,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::ListShares),
    },
    Command {
        name: "download",
        arguments: "user remote_path [local_path] [--overwrite] [--wait]",
        tracker: Tracker::Needed,
        completes: Completes::Fields(&[Kind::User, Kind::RemotePath, Kind::LocalPath]),
        read: read_download,
    },
    Command {
        name: "transfers",
        arguments: "",
        tracker: Tracker::No,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::ListTransfers),
    },
    Command {
        name: "pause",
        arguments: WHICH,
        tracker: Tracker::No,
        completes: Completes::Fields(&[Kind::Transfer]),
        read: |rest| which(rest).map(Intent::Pause).map(Request::Ask),
    },
    Command {
        name: "resume",
        arguments: WHICH,
        tracker: Tracker::No,
        completes: Completes::Fields(&[Kind::Transfer]),
        read: |rest| which(rest).map(Intent::Resume).map(Request::Ask),
    },
    Command {
        name: "cancel",
        arguments: WHICH,
        tracker: Tracker::No,
        completes: Completes::Fields(&[Kind::Transfer]),
        read: |rest| which(rest).map(Intent::Cancel).map(Request::Ask),
    },
    Command {
        name: "retry",
        arguments: WHICH,
        tracker: Tracker::No,
        completes: Completes::Fields(&[Kind::Transfer]),
        read: |rest| which(rest).map(Intent::Retry).map(Request::Ask),
    },
    Command {
        name: "move",
        arguments: "N first | earlier | later | last",
        tracker: Tracker::No,
        completes: Completes::Fields(&[Kind::Transfer]),
        read: read_move,
    },
    Command {
        name: "forget",
        arguments: "N",
        tracker: Tracker::No,
        completes: Completes::Fields(&[Kind::Transfer]),
        read: read_forget,
    },
    Command {
        name: "whoami",
        arguments: "",
        tracker: Tracker::Better,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::WhoAmI),
    },
    Command {
        name: "invite",
        arguments: "",
        tracker: Tracker::Better,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::Invite),
    },
    Command {
        name: "status",
        arguments: "",
        tracker: Tracker::Better,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::Status),
    },
    Command {
        name: "join",
        arguments: "host:port | invite",
        tracker: Tracker::No,
        completes: Completes::Nothing,
        read: read_join,
    },
    Command {
        name: "leave",
        arguments: "",
        tracker: Tracker::No,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::Leave),
    },
    Command {
        name: "host",
        arguments: "ip:port",
        tracker: Tracker::No,
        completes: Completes::Nothing,
        read: read_host,
    },
    Command {
        name: "stop-hosting",
        arguments: "",
        tracker: Tracker::No,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::StopTracker),
    },
    Command {
        name: "kick",
        arguments: "user",
        tracker: Tracker::Better,
        completes: Completes::Fields(&[Kind::User]),
        read: |rest| Ok(Request::Ask(Intent::Kick { user: one_word(rest)? })),
    },
    Command {
        name: "ban",
        arguments: "user",
        tracker: Tracker::Better,
        completes: Completes::Fields(&[Kind::User]),
        read: |rest| Ok(Request::Ask(Intent::Ban { user: one_word(rest)? })),
    },
    Command {
        name: "unban",
        arguments: "user | key | address",
        tracker: Tracker::Better,
        completes: Completes::Nothing,
        read: |rest| Ok(Request::Ask(Intent::Unban { who: one_word(rest)? })),
    },
    Command {
        name: "bans",
        arguments: "",
        tracker: Tracker::Better,
        completes: Completes::Nothing,
        read: |rest| ask_alone(rest, Intent::ListBans),
    },
    Command {
        name: "help",
        arguments: "[command]",
        tracker: Tracker::No,
        completes: Completes::Fields(&[Kind::Command]),
        read: read_help,
    },
    Command {
        name: "quit",
        arguments: "",
        tracker: Tracker::No,
        completes: Completes::Nothing,
        read: |rest| rest.words(0, 0).map(|_none| Request::Quit),
    },
];

const WHICH: &str = "N | all";

/// The command of this name, in any ASCII case.
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name.eq_ignore_ascii_case(name))
}

fn ask_alone(rest: Rest<'_>, intent: Intent) -> Result<Request, BadLine> {
    rest.words(0, 0).map(|_none| Request::Ask(intent))
}

fn read_search(rest: Rest<'_>) -> Result<Request, BadLine> {
    let mut words = rest.words(1, SEARCH_WORDS_MAX)?;
    words.retain(|word| !word.trim().is_empty());
    if words.is_empty() { Err(rest.usage()) } else { Ok(Request::Ask(Intent::Search { words })) }
}

/// What a tracker takes.
const SEARCH_WORDS_MAX: usize = 32;

fn read_register(rest: Rest<'_>) -> Result<Request, BadLine> {
    let items = list::named_items(rest.text)?;
    if items.is_empty() {
        return Err(rest.usage());
    }
    let request =
        |item: list::Named| ShareRequest { typed: from_home(item.path), cwd: rest.cwd.to_owned(), share_as: item.name };
    Ok(Request::Ask(Intent::Share(items.into_iter().map(request).collect())))
}

fn read_unregister(rest: Rest<'_>) -> Result<Request, BadLine> {
    let items = field::items(rest.text)?;
    if items.is_empty() {
        return Err(rest.usage());
    }
    if items.iter().any(|item| !item.attributes.is_empty()) {
        return Err(field::BadFields::Attribute.into());
    }
    let paths = items.into_iter().map(|item| from_home(item.text.into_owned())).collect();
    Ok(Request::Ask(Intent::Unshare { paths, cwd: rest.cwd.to_owned() }))
}

fn read_download(rest: Rest<'_>) -> Result<Request, BadLine> {
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
    let (Some(user), Some(remote_path), local_path, None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(rest.usage());
    };
    Ok(Request::Ask(Intent::Download(DownloadRequest {
        user,
        remote_path,
        local_path: local_path.map(from_home),
        cwd: rest.cwd.to_owned(),
        overwrite,
        wait,
    })))
}

fn which(rest: Rest<'_>) -> Result<Which, BadLine> {
    let words = rest.words(1, 1)?;
    match words[0].as_str() {
        all if all.eq_ignore_ascii_case("all") => Ok(Which::All),
        number if number.bytes().all(|b| b.is_ascii_digit()) => {
            number.parse().map(Which::One).map_err(|_too_big| rest.usage())
        }
        _ => Err(rest.usage()),
    }
}

fn read_forget(rest: Rest<'_>) -> Result<Request, BadLine> {
    match which(rest)? {
        Which::One(number) => Ok(Request::Ask(Intent::Acknowledge(number))),
        Which::All => Err(rest.usage()),
    }
}

fn read_join(rest: Rest<'_>) -> Result<Request, BadLine> {
    let tracker = one_word(rest)?.parse().map_err(|_no_address| rest.usage())?;
    Ok(Request::Ask(Intent::Join(tracker)))
}

fn read_host(rest: Rest<'_>) -> Result<Request, BadLine> {
    let at = one_word(rest)?.parse().map_err(|_no_address| rest.usage())?;
    Ok(Request::Ask(Intent::HostTracker(at)))
}

fn read_rename(rest: Rest<'_>) -> Result<Request, BadLine> {
    let mut words = rest.words(2, 2)?.into_iter();
    let (Some(from), Some(to)) = (words.next(), words.next()) else { return Err(rest.usage()) };
    Ok(Request::Ask(Intent::RenameShare { from, to }))
}

fn read_move(rest: Rest<'_>) -> Result<Request, BadLine> {
    let words = rest.words(2, 2)?;
    let number = Some(&words[0]).filter(|number| number.bytes().all(|b| b.is_ascii_digit()));
    let number = number.and_then(|number| number.parse().ok()).ok_or_else(|| rest.usage())?;
    let to = PLACES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&words[1])).ok_or_else(|| rest.usage())?.1;
    Ok(Request::Ask(Intent::Reorder { number, to }))
}

/// The words for places in the queue.
pub const PLACES: &[(&str, Place)] =
    &[("first", Place::First), ("earlier", Place::Earlier), ("later", Place::Later), ("last", Place::Last)];

fn one_word(rest: Rest<'_>) -> Result<String, BadLine> {
    let mut words = rest.words(1, 1)?;
    Ok(words.remove(0))
}

fn read_help(rest: Rest<'_>) -> Result<Request, BadLine> {
    match rest.words(0, 1)?.pop() {
        None => Ok(Request::Help(None)),
        Some(name) => find(&name).map(|command| Request::Help(Some(command))).ok_or(BadLine::Unknown(name)),
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
