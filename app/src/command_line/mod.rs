//! One line that a person types → what it asks for. The console and the window's console page share it.
//!
//! What the commands are stands in [`commands`]; the grammar of fields and lists is the tracker's
//! ([`potok_core::protocol::field`]) and nothing here sends or prints.

pub mod command;
pub mod commands;
pub mod completion;
pub mod dialect;
pub mod list;
pub mod typed_path;

use std::path::Path;

use potok_core::model::limits;
use potok_core::model::shown::Shown;
use potok_core::node::failure::Failure;
use potok_core::node::intent::Intent;
use potok_core::protocol::field::{self, BadFields, Field};

use crate::command_line::command::ConsoleCommand;
use crate::command_line::dialect::Dialect;
use crate::texts::{of_failure, text};

/// What a line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum LineRequest {
    /// Something of the engine.
    Ask(Intent),
    /// All commands, or one of them, explained.
    Help(Option<&'static ConsoleCommand>),
    /// The end of the program.
    Quit,
}

/// A line that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedLine {
    /// The command of its verb, as the table has it.
    pub command: &'static ConsoleCommand,
    /// What is asked for, from the words behind the verb.
    pub request: LineRequest,
}

/// A line that cannot be meant.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadLine {
    /// No such verb.
    #[error("there is no command '{verb}'; {}", .meant.map_or("'help' lists them".to_owned(), |meant| format!("is '{meant}' meant?")))]
    Unknown {
        /// The verb as it was typed.
        verb: String,
        /// The one that is meant, as far as one can tell.
        meant: Option<&'static str>,
    },
    /// `register-user`: the client says it on connecting.
    #[error("register-user is sent by itself on connecting; your name is --name, or 'name' in config.toml")]
    SentByItself,
    /// The words do not fit the verb.
    #[error("expected: {}", .0.usage())]
    Usage(&'static ConsoleCommand),
    /// `--something` that the verb does not have.
    #[error("{} has no option {word}; a name that begins with -- is put into quotes", .command.name)]
    Option {
        /// The option as it was typed.
        word: String,
        /// The command that does not have it.
        command: &'static ConsoleCommand,
    },
    /// Quotes or commas in the wrong places.
    #[error(transparent)]
    Grammar(#[from] BadFields),
    /// A name or a path that cannot be meant.
    #[error("{0}")]
    Meaningless(Failure),
    /// Longer than anything that could be meant.
    #[error("the line is longer than {max} bytes", max = COMMAND_BYTES_MAX)]
    TooLong,
    /// Bytes that are no text.
    #[error("the line is not UTF-8 text")]
    NotText,
}

/// Longest line in bytes: a list of [`potok_core::model::limits::ITEMS_PER_LINE_MAX`] long paths fits.
pub const COMMAND_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads one line as it is typed here. `Ok(None)`: nothing is on it. Relative paths are relative to `cwd`.
pub fn parse(line: &str, cwd: &Path) -> Result<Option<TypedLine>, BadLine> {
    parse_in(Dialect::HERE, line, cwd)
}

/// The same, as it is typed on one of the systems.
pub fn parse_in(dialect: Dialect, line: &str, cwd: &Path) -> Result<Option<TypedLine>, BadLine> {
    if line.len() > COMMAND_BYTES_MAX {
        return Err(BadLine::TooLong);
    }
    let line = line.trim();
    let (verb, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    if verb.is_empty() {
        return Ok(None);
    }
    if verb.eq_ignore_ascii_case("register-user") {
        return Err(BadLine::SentByItself);
    }
    let command = commands::find(verb).ok_or_else(|| BadLine::unknown(verb))?;
    let request = (command.read)(Rest { command, text: &dialect.read(rest.trim()), cwd })?;
    Ok(Some(TypedLine { command, request }))
}

/// What stands behind a verb.
#[derive(Debug, Clone, Copy)]
pub struct Rest<'a> {
    command: &'static ConsoleCommand,
    text: &'a str,
    cwd: &'a Path,
}

impl<'a> Rest<'a> {
    /// The fields, quoted or not.
    fn fields(&self) -> Result<Vec<Field<'a>>, BadLine> {
        Ok(field::fields(self.text)?)
    }

    /// The words, when there are from `least` to `most` of them.
    fn words(&self, least: usize, most: usize) -> Result<Vec<String>, BadLine> {
        let words: Vec<String> = self.fields()?.into_iter().map(|field| field.text.into_owned()).collect();
        let are_all = (least..=most).contains(&words.len()) && !words.iter().any(String::is_empty);
        if are_all { Ok(words) } else { Err(self.usage()) }
    }

    /// The one word.
    fn one_word(&self) -> Result<String, BadLine> {
        let mut words = self.words(1, 1)?;
        Ok(words.remove(0))
    }

    /// This intent, when nothing stands there.
    fn ask_alone(&self, intent: Intent) -> Result<LineRequest, BadLine> {
        self.words(0, 0).map(|_none| LineRequest::Ask(intent))
    }

    fn usage(&self) -> BadLine {
        BadLine::Usage(self.command)
    }
}

impl BadLine {
    /// There is no such verb.
    fn unknown(verb: &str) -> Self {
        Self::Unknown { verb: verb.to_owned(), meant: commands::meant(verb) }
    }

    /// The word in `error: <code>: <text>`.
    pub fn code(&self) -> &str {
        match self {
            Self::Meaningless(why) => why.code(),
            Self::Unknown { .. } | Self::SentByItself => "unknown-command",
            Self::TooLong | Self::Grammar(BadFields::TooMany) => "too-long",
            Self::Usage(_) | Self::Option { .. } | Self::Grammar(_) | Self::NotText => "usage",
        }
    }

    /// Why the line was not understood, in the person's language.
    pub fn sentence(&self) -> String {
        let shown = |text: &str| Shown(text).to_string();
        match self {
            Self::Unknown { verb, meant: None } => text("line", "unknown", &[("verb", shown(verb))]),
            Self::Unknown { verb, meant: Some(meant) } => {
                text("line", "misspelt", &[("verb", shown(verb)), ("meant", (*meant).to_owned())])
            }
            Self::SentByItself => text("line", "sent-by-itself", &[]),
            Self::Usage(command) => text("line", "usage", &[("usage", command.usage())]),
            Self::Option { word, command } => {
                text("line", "option", &[("word", shown(word)), ("command", command.name.to_owned())])
            }
            Self::Grammar(why) => {
                text("grammar", grammar_name(Dialect::HERE, *why), &[("max", limits::ITEMS_PER_LINE_MAX.to_string())])
            }
            Self::Meaningless(why) => of_failure(why),
            Self::TooLong => text("line", "too-long", &[("max", COMMAND_BYTES_MAX.to_string())]),
            Self::NotText => text("line", "not-text", &[]),
        }
    }
}

fn grammar_name(dialect: Dialect, why: BadFields) -> &'static str {
    match why {
        BadFields::Unclosed if !dialect.has_escapes() => "unclosed-windows",
        BadFields::Quote if !dialect.has_escapes() => "quote-windows",
        BadFields::Unclosed => "unclosed",
        BadFields::Escape => "escape",
        BadFields::Quote => "quote",
        BadFields::EmptyItem => "empty-item",
        BadFields::Attribute => "attribute",
        BadFields::TooMany => "too-many",
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use potok_core::library::typed::{LocalPath, RemotePath, ShareOrLocalPath};
    use potok_core::model::share_path::SharePath;
    use potok_core::model::username::Username;
    use potok_core::node::intent::{
        DownloadRequest, Existing, QueueMove, ShareRequest, TransferId, TransferSelection, UnsafeNames,
    };

    use potok_core::protocol::command::owner::{BanUser, KickUser, LiftBan, ListBanned};

    use super::*;

    fn ask(line: &str) -> Result<Intent, BadLine> {
        match parse(line, Path::new("/here"))?.expect("something on it").request {
            LineRequest::Ask(intent) => Ok(intent),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn share(items: &[(&str, Option<&str>)]) -> Intent {
        let request = |(typed, share_as): &(&str, Option<&str>)| ShareRequest {
            typed: (*typed).to_owned(),
            cwd: PathBuf::from("/here"),
            share_as: share_as.map(str::to_owned),
        };
        Intent::Share(items.iter().map(request).collect())
    }

    fn name(user: &str) -> Username {
        Username::new(user).expect(user)
    }

    fn path(typed: &str) -> SharePath {
        SharePath::new(typed).expect(typed)
    }

    fn download(user: &str, remote: &str, local: Option<&str>, existing: Existing, wait: bool) -> Intent {
        Intent::Download(DownloadRequest {
            user: name(user),
            remote_path: RemotePath::new(remote).expect(remote),
            local_path: local.map(|local| LocalPath::new(local, Path::new("/here"))),
            existing,
            unsafe_names: UnsafeNames::LeaveOut,
            wait,
        })
    }

    #[test]
    fn reads_every_command() {
        for (line, intent) in [
            ("list-users", Intent::ListUsers),
            ("  LIST-Users\t", Intent::ListUsers),
            ("list-files", Intent::ListFiles { user: None }),
            ("list-files Мария", Intent::ListFiles { user: Some(name("Мария")) }),
            ("search day \"1 jpg\"", Intent::Search { words: vec!["day".into(), "1 jpg".into()] }),
            ("shares", Intent::ListShares),
            ("transfers", Intent::ListTransfers),
            ("pause 3", Intent::Pause(TransferSelection::One(TransferId(3)))),
            ("resume ALL", Intent::Resume(TransferSelection::All)),
            ("cancel all", Intent::Cancel(TransferSelection::All)),
            ("retry 18446744073709551615", Intent::Retry(TransferSelection::One(TransferId(u64::MAX)))),
            (
                "retry 7 --keep-both",
                Intent::RetryWith { which: TransferSelection::One(TransferId(7)), existing: Existing::KeepBoth },
            ),
            (
                "retry all --skip-existing",
                Intent::RetryWith { which: TransferSelection::All, existing: Existing::LeaveOut },
            ),
            ("move 7 First", Intent::Reorder { number: TransferId(7), to: QueueMove::First }),
            ("rename-share \"a, b/\" c", Intent::RenameShare { from: path("a, b"), to: path("c") }),
            ("kick anna", Intent::Order(KickUser::of(name("anna")).into())),
            ("ban Мария", Intent::Order(BanUser::of(name("Мария")).into())),
            ("unban 192.0.2.7", Intent::Order(LiftBan { who: "192.0.2.7".parse().expect("an address") }.into())),
            ("bans", Intent::Order(ListBanned::default().into())),
            ("whoami", Intent::WhoAmI),
            ("invite\r", Intent::Invite),
            ("status", Intent::Status),
            ("nearby", Intent::ListNearby),
            ("register a.txt", share(&[("a.txt", None)])),
            ("register\ta.txt", share(&[("a.txt", None)])),
            ("register my file.txt, b.txt", share(&[("my file.txt", None), ("b.txt", None)])),
            (
                r#"register "long/name.pdf" as "Reports/name.pdf""#,
                share(&[("long/name.pdf", Some("Reports/name.pdf"))]),
            ),
            (
                r#"register a.txt, b c.txt, "d, e.txt" as "x/d.txt""#,
                share(&[("a.txt", None), ("b c.txt", None), ("d, e.txt", Some("x/d.txt"))]),
            ),
            ("download ivan a.txt", download("ivan", "a.txt", None, Existing::Refuse, false)),
            (
                r#"download ivan "Trip/day 1.jpg" "my copy.jpg""#,
                download("ivan", "Trip/day 1.jpg", Some("my copy.jpg"), Existing::Refuse, false),
            ),
            ("download --wait ivan Trip/ . --overwrite", download("ivan", "Trip/", Some("."), Existing::Replace, true)),
            ("download ivan a.txt --keep-both", download("ivan", "a.txt", None, Existing::KeepBoth, false)),
            ("download ivan T/ d --skip-existing", download("ivan", "T/", Some("d"), Existing::LeaveOut, false)),
            (r#"download ivan "--wait" x"#, download("ivan", "--wait", Some("x"), Existing::Refuse, false)),
        ] {
            assert_eq!(ask(line), Ok(intent), "{line}");
        }
        assert!(
            matches!(ask(r#"unregister a b.txt, "c,d""#), Ok(Intent::Unshare { paths }) if paths.iter().map(ShareOrLocalPath::as_str).eq(["a b.txt", "c,d"]))
        );
    }

    #[test]
    fn a_path_is_taken_as_explorer_copies_it() {
        let windows = |line: &str| match parse_in(Dialect::Windows, line, Path::new("/here"))?.expect("a line").request
        {
            LineRequest::Ask(intent) => Ok::<_, BadLine>(intent),
            other => panic!("{line}: {other:?}"),
        };
        for (line, intent) in [
            (r#"register "C:\dir\a.txt""#, share(&[(r"C:\dir\a.txt", None)])),
            (r#"register "D:\", C:\x y\b.txt"#, share(&[(r"D:\", None), (r"C:\x y\b.txt", None)])),
            (r#"register "\\nas\our, files\" as "Ours""#, share(&[(r"\\nas\our, files\", Some("Ours"))])),
            (r#"register "\\?\C:\long\a.txt""#, share(&[(r"\\?\C:\long\a.txt", None)])),
            (
                r#"download ivan "a ""b"".txt" "D:\my files\""#,
                download("ivan", r#"a "b".txt"#, Some(r"D:\my files\"), Existing::Refuse, false),
            ),
        ] {
            assert_eq!(windows(line), Ok(intent), "{line}");
        }
        assert_eq!(windows(r#"register "C:\a"#), Err(BadFields::Unclosed.into()));
        assert_eq!(grammar_name(Dialect::Windows, BadFields::Unclosed), "unclosed-windows");
    }

    #[test]
    fn reads_what_the_console_does_itself() {
        let request = |line: &str| parse(line, Path::new("/")).map(|line| line.map(|line| line.request));
        assert_eq!(request(""), Ok(None));
        assert_eq!(request(" \t\r"), Ok(None));
        for line in ["quit", "exit", "EXIT "] {
            assert_eq!(request(line), Ok(Some(LineRequest::Quit)), "{line}");
        }
        assert_eq!(request("help exit"), Ok(Some(LineRequest::Help(commands::find("quit")))));
        assert_eq!(request("help"), Ok(Some(LineRequest::Help(None))));
        assert_eq!(request("help Download"), Ok(Some(LineRequest::Help(commands::find("download")))));
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        let meaningless = BadLine::Meaningless;
        let unknown = |verb: &str, meant| BadLine::Unknown { verb: verb.into(), meant };
        let usage = |name: &str| BadLine::Usage(commands::find(name).expect("a command"));
        for (line, why) in [
            ("frobnicate", unknown("frobnicate", None)),
            ("help me", unknown("me", None)),
            ("Donwload anna a.txt", unknown("Donwload", Some("download"))),
            ("list-filez", unknown("list-filez", Some("list-files"))),
            ("users", unknown("users", Some("list-users"))),
            ("list", unknown("list", None)),
            ("help transfer", unknown("transfer", Some("transfers"))),
            ("register-user anna", BadLine::SentByItself),
            ("list-users all", usage("list-users")),
            ("list-files a b", usage("list-files")),
            ("search", usage("search")),
            ("search \"\"", usage("search")),
            ("list-files \"\"", usage("list-files")),
            ("download \"\" a", usage("download")),
            ("download ivan a \"\"", usage("download")),
            ("register", usage("register")),
            ("register a.txt,", BadFields::EmptyItem.into()),
            ("unregister \"a", BadFields::Unclosed.into()),
            ("unregister \"a\" as \"b\"", BadFields::Attribute.into()),
            ("download ivan", usage("download")),
            ("download ivan a b c", usage("download")),
            ("download ivan a,b", BadFields::Quote.into()),
            (
                "download ivan a --force",
                BadLine::Option { word: "--force".into(), command: commands::find("download").expect("a command") },
            ),
            ("pause", usage("pause")),
            ("pause -1", usage("pause")),
            ("pause 1 2", usage("pause")),
            ("retry 18446744073709551616", usage("retry")),
            ("move 7", usage("move")),
            ("move 7 up", usage("move")),
            ("move x first", usage("move")),
            ("rename-share a", usage("rename-share")),
            ("kick", usage("kick")),
            ("bans all", usage("bans")),
            ("quit now", usage("quit")),
            ("list-files no,name", BadFields::Quote.into()),
            ("list-files no/name", meaningless(Failure::NotAtYours { user: "no/name".into() })),
            ("kick \"no name!\"", meaningless(Failure::NotAtYours { user: "no name!".into() })),
            ("ban \"no name!\"", meaningless(Failure::NotAtYours { user: "no name!".into() })),
            ("unban \"no name!\"", meaningless(Failure::NotBanned { who: "no name!".into() })),
            ("rename-share ../c x", meaningless(Failure::NotYours { path: "../c".into() })),
            ("download no/name a", meaningless(Failure::NotAtYours { user: "no/name".into() })),
            ("download ivan ..", meaningless(Failure::NotShared { user: "ivan".into(), path: "..".into() })),
        ] {
            assert_eq!(parse(line, Path::new("/")), Err(why), "{line}");
        }
        assert_eq!(parse(&"a".repeat(COMMAND_BYTES_MAX + 1), Path::new("/")), Err(BadLine::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in "(?s)(register|unregister|download|search|pause|help)? ?.{0,60}") {
            let _ = parse(&line, Path::new("/"));
        }
    }
}
