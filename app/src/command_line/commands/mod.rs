//! Every command, a file for each subject. A new one is a row there, with its sentence `command.<name>` in both
//! translations.

mod listing;
mod network;
mod owner;
mod program;
mod shares;
mod transfers;

use potok_core::model::username::Username;
use potok_core::node::failure::Failure;
use potok_core::node::intent::Intent;
use potok_core::protocol::field::Quoted;

use crate::command_line::BadLine;
use crate::command_line::command::ConsoleCommand;
use crate::command_line::dialect::Dialect;
use crate::misspelt;

/// Every command, in the order of `help`.
pub fn all() -> impl Iterator<Item = &'static ConsoleCommand> {
    [
        listing::LISTING_COMMANDS,
        shares::SHARE_COMMANDS,
        transfers::TRANSFER_COMMANDS,
        network::NETWORK_COMMANDS,
        owner::OWNER_COMMANDS,
        program::PROGRAM_COMMANDS,
    ]
    .into_iter()
    .flatten()
}

/// What a shell has taught people to type, and the command that it means.
const OTHER_NAMES: [(&str, &str); 1] = [("exit", "quit")];

/// The command of this name, in any ASCII case.
pub fn find(name: &str) -> Option<&'static ConsoleCommand> {
    let other = OTHER_NAMES.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    let name = other.map_or(name, |(_, name)| *name);
    all().find(|command| command.name.eq_ignore_ascii_case(name))
}

/// The command that is meant by a name that none has: one with another letter or two, or the only one of which it is a word.
pub fn meant(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let names = || all().map(|command| command.name);
    let mut with_the_word = names().filter(|known| known.split('-').any(|word| word == name));
    misspelt::meant(&name, names()).or_else(|| with_the_word.next().filter(|_first| with_the_word.next().is_none()))
}

/// What a click asked for, as the line that would have done the same: the window teaches its own console. None where
/// there is no such line, or where it would be a secret or noise.
pub fn line_of(intent: &Intent) -> Option<String> {
    line_in(Dialect::HERE, intent)
}

/// The same, as it is typed on one of the systems.
pub fn line_in(dialect: Dialect, intent: &Intent) -> Option<String> {
    all().find_map(|command| {
        let arguments = (command.write)(intent)?;
        Some(format!("{} {}", command.name, dialect.write(arguments)).trim_end().to_owned())
    })
}

/// The arguments of a command without any, if this is its intent.
fn alone(intent: &Intent, its: &Intent) -> Option<String> {
    (intent == its).then(String::new)
}

/// A word as it must stand in a line: in quotes, if it could be read as something else.
fn word(text: &str) -> String {
    let is_plain =
        !text.is_empty() && !text.starts_with('-') && text.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
    if is_plain { text.to_owned() } else { Quoted(text).to_string() }
}

/// A name as typed; one that cannot be a username is nobody's.
fn user(typed: String) -> Result<Username, BadLine> {
    Username::new(&typed).map_err(|_bad_name| BadLine::Meaningless(Failure::NotAtYours { user: typed }))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use potok_core::library::typed::{self, LocalPath, RemotePath, ShareOrLocalPath};
    use potok_core::node::intent::{
        DownloadRequest, Existing, FileQuery, FolderOfAllRequest, QueueMove, ShareRequest, TransferId,
        TransferSelection, UnsafeNames,
    };

    use super::*;
    use crate::command_line::{self, LineRequest};

    #[test]
    fn the_command_does_what_the_click_did() {
        let here = PathBuf::from("/here");
        let share = |typed: &str, share_as: Option<&str>| ShareRequest {
            typed: typed.into(),
            cwd: here.clone(),
            share_as: share_as.map(str::to_owned),
        };
        let unshared = |typed: &str| ShareOrLocalPath::new(typed, &here).expect("a path");
        let path = |typed: &str| typed::share_path(typed).expect(typed);
        let order = |line: &str| {
            let read = command_line::parse(line, Path::new("/here")).expect(line).expect("a command");
            let LineRequest::Ask(intent @ Intent::Order(_)) = read.request else { panic!("{line}") };
            assert_eq!(line_of(&intent).as_deref(), Some(line));
            intent
        };
        let maria = Username::new("Мария").expect("a name");
        for intent in [
            Intent::ListUsers,
            Intent::Share(vec![share("a, \"b\".txt", None), share("x y", Some("z/ я"))]),
            Intent::ShareWhatFits(vec![share("a", None), share("--what-fits", None)]),
            Intent::Unshare { paths: ["Trip/day 1.jpg", "b"].map(unshared).into() },
            Intent::ShareAgain { paths: ["Trip/day 1", "/b c"].map(unshared).into() },
            Intent::ListRoots { after: None },
            Intent::ListStopped { root: None, after: None },
            Intent::DownloadOfAll(FolderOfAllRequest {
                folder: path("Trip/day 1"),
                local_path: Some(LocalPath::new("/tmp/x", &here)),
                existing: Existing::KeepBoth,
                unsafe_names: UnsafeNames::LeaveOut,
            }),
            Intent::Download(DownloadRequest {
                user: maria.clone(),
                remote_path: RemotePath::new("--wait \\ me").expect("a path"),
                local_path: Some(LocalPath::new("/tmp/my copy", &here)),
                existing: Existing::Replace,
                unsafe_names: UnsafeNames::Rename,
                wait: false,
            }),
            Intent::Pause(TransferSelection::One(TransferId(7))),
            Intent::Cancel(TransferSelection::All),
            Intent::Reorder { number: TransferId(7), to: QueueMove::Later },
            Intent::RenameShare { from: path("Trip/"), to: path("a \"b\"") },
            Intent::Trust { user: maria },
            order("ban Мария"),
            order("ban @Мария 2h \"a, b\""),
            order("kick Мария 0 \"30 times\""),
            order("unban @Мария"),
            order("bans"),
            order("motd \"\""),
            order("motd \"Hello, you\" \"there\""),
            order("rename-network"),
            order("limits shares_per_user=1000 names_per_key=default"),
            order("broadcast \"back in 5 minutes\""),
            order("reload"),
            order("invite 5 1d \"for the class\""),
            order("invites"),
            order("revoke 7"),
            order("waiting"),
            order("approve Мария"),
            order("deny Мария"),
            Intent::Join("tracker.example.org:7686".parse().expect("an address")),
            Intent::Join(format!("potok://h:1/?key={}", "0a".repeat(32)).parse().expect("an invite")),
            Intent::Leave,
            Intent::HostTracker("0.0.0.0:7686".parse().expect("an address")),
            Intent::StopTracker,
            Intent::Acknowledge(TransferId(7)),
            Intent::ListTransfers,
            Intent::DescribeTransfer { number: TransferId(7), files: FileQuery::default() },
            Intent::Status,
        ] {
            for dialect in [Dialect::Unix, Dialect::Windows] {
                let typed = line_in(dialect, &intent).expect("there is one");
                let read = command_line::parse_in(dialect, &typed, Path::new("/here")).expect(&typed);
                let request = read.expect("a command").request;
                assert_eq!(request, LineRequest::Ask(intent.clone()), "{typed}");
            }
        }
    }
}
