//! What a session can ask of a tracker: one variant a verb, read once from a line and written back the same.

use std::fmt;

use crate::model::hash::ContentHash;
use crate::model::limits;
use crate::model::port::PeerPort;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::field::{self, AsField, Field, Quoted};

/// One request. The grammar of each is in the doc comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `register-user <username> [port]`
    RegisterUser {
        /// Who this session wants to be.
        username: Username,
        /// Where their peer server listens.
        port: Option<PeerPort>,
    },
    /// `unregister-user <username>`
    UnregisterUser {
        /// Must be the session's own.
        username: Username,
    },
    /// `register-files <username> <list>`
    RegisterFiles {
        /// Must be the session's own.
        username: Username,
        /// What is announced, all or nothing.
        shares: Vec<Share>,
    },
    /// `unregister-files <username> <list>`
    UnregisterFiles {
        /// Must be the session's own.
        username: Username,
        /// What is no longer shared, all or nothing.
        paths: Vec<SharePath>,
    },
    /// `list-users [after=<cursor>] [limit=<n>]`
    ListUsers {
        /// Which part of the list.
        page: Page,
    },
    /// `list-files [username] [after=<cursor>] [limit=<n>]`
    ListFiles {
        /// Only what this user shares.
        username: Option<Username>,
        /// Which part of the list.
        page: Page,
    },
    /// `search <words> [after=<cursor>] [limit=<n>]`
    Search {
        /// Every one of these occurs in the path, whatever its case.
        words: Vec<String>,
        /// Which part of the list.
        page: Page,
    },
    /// `sources <hash> [after=<cursor>] [limit=<n>]`
    Sources {
        /// The content that is looked for.
        hash: ContentHash,
        /// Which part of the list.
        page: Page,
    },
    /// `watch`
    Watch,
    /// `unwatch`
    Unwatch,
    /// `whoami`
    WhoAmI,
    /// `ping`
    Ping,
    /// `help [verb]`
    Help {
        /// About which command.
        verb: Option<String>,
    },
    /// `quit`
    Quit,
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Go on behind the line that this cursor names.
    pub after: Option<Cursor>,
    /// At most so many lines; without it as many as the session may have.
    pub limit: Option<usize>,
}

/// The place in a list where a page ended: the sort key of its last line. For people it is an opaque word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Path of the last line; empty in a list of users.
    pub path: String,
    /// Username of the last line.
    pub username: String,
}

/// The verbs, with what a person reads in `help`.
pub const VERBS: &[(&str, &str)] = &[
    ("register-user", "register-user <username> [port]: be this user; others reach your files at that port"),
    ("unregister-user", "unregister-user <username>: give your own name and files up"),
    ("register-files", "register-files <username> file1, \"file, 2\" size=120 hash=<64 hex>: announce your files"),
    ("unregister-files", "unregister-files <username> file1, file2: stop announcing them"),
    ("list-users", "list-users [after=<cursor>] [limit=<n>]: who is here: name, address, key"),
    ("list-files", "list-files [username] [after=<cursor>] [limit=<n>]: what is shared: user, size, hash, path"),
    ("search", "search <words>: shared files whose path has all the words"),
    ("sources", "sources <hash>: everyone who shares exactly this content"),
    ("watch", "watch: be told of changes as they happen"),
    ("unwatch", "unwatch: no longer be told"),
    ("whoami", "whoami: the name, address and key of this session"),
    ("ping", "ping: answers OK"),
    ("help", "help [verb]: this list, or one line of it"),
    ("quit", "quit: end the session"),
];

impl Command {
    /// Reads one line.
    pub fn parse(line: &str) -> Result<Self, Refusal> {
        let mut rest = line;
        let verb = take_verb(&mut rest).map_err(|why| Refusal::new(Code::Usage, why))?;
        match verb.as_str() {
            "register-user" => parse_register_user(rest),
            "unregister-user" => {
                let username = parse_username(&mut rest, "unregister-user")?;
                no_more(rest, "unregister-user").map(|()| Self::UnregisterUser { username })
            }
            "register-files" => {
                let username = parse_username(&mut rest, "register-files")?;
                Ok(Self::RegisterFiles { username, shares: parse_shares(rest)? })
            }
            "unregister-files" => {
                let username = parse_username(&mut rest, "unregister-files")?;
                Ok(Self::UnregisterFiles { username, paths: parse_paths(rest)? })
            }
            "list-users" => match parse_words(rest, "list-users")? {
                (words, page) if words.is_empty() => Ok(Self::ListUsers { page }),
                _ => Err(usage("list-users")),
            },
            "list-files" => {
                let (words, page) = parse_words(rest, "list-files")?;
                match words.as_slice() {
                    [] => Ok(Self::ListFiles { username: None, page }),
                    [name] => Ok(Self::ListFiles { username: Some(username(name)?), page }),
                    _ => Err(usage("list-files")),
                }
            }
            "search" => match parse_words(rest, "search")? {
                (words, _) if words.iter().all(|w| w.is_empty()) => Err(usage("search")),
                (words, page) => Ok(Self::Search { words, page }),
            },
            "sources" => {
                let (words, page) = parse_words(rest, "sources")?;
                let [hash] = words.as_slice() else { return Err(usage("sources")) };
                let hash = hash.parse().map_err(|why| Refusal::new(Code::Usage, why))?;
                Ok(Self::Sources { hash, page })
            }
            "watch" => no_more(rest, "watch").map(|()| Self::Watch),
            "unwatch" => no_more(rest, "unwatch").map(|()| Self::Unwatch),
            "whoami" => no_more(rest, "whoami").map(|()| Self::WhoAmI),
            "ping" => no_more(rest, "ping").map(|()| Self::Ping),
            "quit" => no_more(rest, "quit").map(|()| Self::Quit),
            "help" => match parse_words(rest, "help")?.0.as_slice() {
                [] => Ok(Self::Help { verb: None }),
                [verb] => Ok(Self::Help { verb: Some(verb.to_ascii_lowercase()) }),
                _ => Err(usage("help")),
            },
            _ => Err(Refusal::new(Code::UnknownCommand, "no such command; 'help' lists the commands")),
        }
    }
}

/// Whom a refused line was about, if it names somebody's files: whether they are the session's own is judged before
/// the list is.
pub fn named_user(line: &str) -> Option<Username> {
    let mut rest = line;
    let verb = take_verb(&mut rest).ok()?;
    let names_somebody = matches!(verb.as_str(), "register-files" | "unregister-files");
    names_somebody.then(|| parse_username(&mut rest, &verb).ok())?
}

/// The verb of a line, in small letters; empty if it has none.
pub fn verb(line: &str) -> Result<String, field::BadFields> {
    take_verb(&mut &*line)
}

fn take_verb(rest: &mut &str) -> Result<String, field::BadFields> {
    Ok(field::take_field(rest)?.map(|field| field.text.to_ascii_lowercase()).unwrap_or_default())
}

fn parse_register_user(mut rest: &str) -> Result<Command, Refusal> {
    let username = parse_username(&mut rest, "register-user")?;
    let port = take(&mut rest)?.map(|f| f.text.parse().map_err(|why| Refusal::new(Code::Usage, why))).transpose()?;
    no_more(rest, "register-user").map(|()| Command::RegisterUser { username, port })
}

fn parse_username(rest: &mut &str, verb: &str) -> Result<Username, Refusal> {
    let field = take(rest)?.ok_or_else(|| usage(verb))?;
    username(&field.text)
}

fn username(text: &str) -> Result<Username, Refusal> {
    Username::new(text).map_err(|why| Refusal::new(Code::BadName, why))
}

fn parse_shares(list: &str) -> Result<Vec<Share>, Refusal> {
    let items = items(list, "register-files")?;
    items.into_iter().map(|item| parse_share(&item)).collect()
}

fn parse_share(item: &field::Item<'_>) -> Result<Share, Refusal> {
    let mut share = Share { path: path(&item.text)?, size: None, hash: None };
    for &(name, value) in &item.attributes {
        match name {
            "size" if share.size.is_none() => share.size = Some(number(value)?),
            "hash" if share.hash.is_none() => {
                share.hash = Some(value.parse().map_err(|why| Refusal::new(Code::Usage, why))?);
            }
            _ => return Err(Refusal::new(Code::Usage, "a file has at most one size=<bytes> and one hash=<64 hex>")),
        }
    }
    Ok(share)
}

fn parse_paths(list: &str) -> Result<Vec<SharePath>, Refusal> {
    let items = items(list, "unregister-files")?;
    items
        .into_iter()
        .map(|item| if item.attributes.is_empty() { path(&item.text) } else { Err(usage("unregister-files")) })
        .collect()
}

fn items<'a>(list: &'a str, verb: &str) -> Result<Vec<field::Item<'a>>, Refusal> {
    let items = field::items(list).map_err(|why| {
        let code = if why == field::BadFields::TooMany { Code::TooLong } else { Code::Usage };
        Refusal::new(code, why)
    })?;
    if items.is_empty() { Err(usage(verb)) } else { Ok(items) }
}

fn path(text: &str) -> Result<SharePath, Refusal> {
    // A person's keyboard may produce the decomposed form; the catalog holds the composed one.
    SharePath::normalized(text).map_err(|why| Refusal::new(Code::BadPath, why))
}

/// A decimal number in its one spelling: digits, no sign, no leading zero.
fn number(text: &str) -> Result<u64, Refusal> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let one_spelling = digits && (text == "0" || !text.starts_with('0'));
    let value = if one_spelling { text.parse().ok() } else { None };
    value.ok_or_else(|| Refusal::new(Code::Usage, "a number is written in digits, from 0 to 18446744073709551615"))
}

/// Words and the options `after=` and `limit=`, which are never quoted.
fn parse_words(rest: &str, verb: &str) -> Result<(Vec<String>, Page), Refusal> {
    let mut words = Vec::new();
    let mut page = Page::default();
    for Field { text, quoted } in field::fields(rest).map_err(|why| Refusal::new(Code::Usage, why))? {
        if let Some(cursor) = text.strip_prefix("after=").filter(|_| !quoted) {
            page.after = Some(cursor.parse().map_err(|why| Refusal::new(Code::Usage, why))?);
        } else if let Some(limit) = text.strip_prefix("limit=").filter(|_| !quoted) {
            let limit = usize::try_from(number(limit)?).ok().filter(|n| (1..=limits::PAGE_LINES_MAX).contains(n));
            page.limit = Some(limit.ok_or_else(|| {
                Refusal::new(Code::Usage, format!("limit is a number from 1 to {}", limits::PAGE_LINES_MAX))
            })?);
        } else {
            words.push(text.into_owned());
        }
    }
    if words.len() > WORDS_MAX {
        return Err(Refusal::new(Code::Usage, format!("{verb} takes at most {WORDS_MAX} words")));
    }
    Ok((words, page))
}

/// Most words of one command: a search looks for each of them.
const WORDS_MAX: usize = 32;

fn take<'a>(rest: &mut &'a str) -> Result<Option<Field<'a>>, Refusal> {
    field::take_field(rest).map_err(|why| Refusal::new(Code::Usage, why))
}

fn no_more(rest: &str, verb: &str) -> Result<(), Refusal> {
    if rest.trim_matches(' ').is_empty() { Ok(()) } else { Err(usage(verb)) }
}

fn usage(verb: &str) -> Refusal {
    let help = VERBS.iter().find(|(name, _)| *name == verb).map_or("", |(_, help)| help);
    Refusal::new(Code::Usage, help)
}

impl fmt::Display for Command {
    /// The line, without its LF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegisterUser { username, port: None } => write!(f, "register-user {username}"),
            Self::RegisterUser { username, port: Some(port) } => write!(f, "register-user {username} {port}"),
            Self::UnregisterUser { username } => write!(f, "unregister-user {username}"),
            Self::RegisterFiles { username, shares } => {
                write!(f, "register-files {username} ")?;
                write_list(f, shares, |f, share| {
                    write!(f, "{}", Quoted(share.path.as_str()))?;
                    share.size.map_or(Ok(()), |size| write!(f, " size={size}"))?;
                    share.hash.map_or(Ok(()), |hash| write!(f, " hash={hash}"))
                })
            }
            Self::UnregisterFiles { username, paths } => {
                write!(f, "unregister-files {username} ")?;
                write_list(f, paths, |f, path| write!(f, "{}", Quoted(path.as_str())))
            }
            Self::ListUsers { page } => write!(f, "list-users{page}"),
            Self::ListFiles { username: None, page } => write!(f, "list-files{page}"),
            Self::ListFiles { username: Some(username), page } => write!(f, "list-files {username}{page}"),
            Self::Search { words, page } => {
                f.write_str("search")?;
                words.iter().try_for_each(|word| write!(f, " {}", AsField(word)))?;
                write!(f, "{page}")
            }
            Self::Sources { hash, page } => write!(f, "sources {hash}{page}"),
            Self::Watch => f.write_str("watch"),
            Self::Unwatch => f.write_str("unwatch"),
            Self::WhoAmI => f.write_str("whoami"),
            Self::Ping => f.write_str("ping"),
            Self::Help { verb: None } => f.write_str("help"),
            Self::Help { verb: Some(verb) } => write!(f, "help {}", AsField(verb)),
            Self::Quit => f.write_str("quit"),
        }
    }
}

fn write_list<T>(
    f: &mut fmt::Formatter<'_>,
    list: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in list.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(after) = &self.after {
            write!(f, " after={after}")?;
        }
        self.limit.map_or(Ok(()), |limit| write!(f, " limit={limit}"))
    }
}

impl fmt::Display for Cursor {
    /// `path NUL username` in unpadded base64url (RFC 4648, section 5): neither has a NUL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = format!("{}\0{}", self.path, self.username);
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(key.as_bytes()))
    }
}

/// A word that no tracker gave out as a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("after=<cursor> takes the word that the page before gave as more=<cursor>")]
pub struct BadCursor;

impl std::str::FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let key = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_not_base64| BadCursor)?;
        let key = String::from_utf8(key).map_err(|_not_text| BadCursor)?;
        let (path, username) = key.split_once('\0').ok_or(BadCursor)?;
        if username.contains('\0') {
            return Err(BadCursor);
        }
        Ok(Self { path: path.to_owned(), username: username.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let anna = Username::new("anna").expect("valid");
        let path = |p: &str| SharePath::new(p).expect(p);
        let page = Page { after: Some(Cursor { path: "a b".into(), username: "x".into() }), limit: Some(7) };
        for command in [
            Command::RegisterUser { username: anna.clone(), port: None },
            Command::RegisterUser { username: anna.clone(), port: Some(PeerPort::new(4001).expect("valid")) },
            Command::UnregisterUser { username: anna.clone() },
            Command::RegisterFiles {
                username: anna.clone(),
                shares: vec![
                    Share {
                        path: path("a, \"b\"\\.txt"),
                        size: Some(120),
                        hash: Some(ContentHash::from_bytes([3; 32])),
                    },
                    Share { path: path("x y"), size: None, hash: None },
                ],
            },
            Command::UnregisterFiles { username: anna.clone(), paths: vec![path("a b"), path("c")] },
            Command::ListUsers { page: Page::default() },
            Command::ListFiles { username: None, page: page.clone() },
            Command::ListFiles { username: Some(anna), page: Page::default() },
            Command::Search { words: vec!["two words".into(), "limit=5".into()], page: page.clone() },
            Command::Sources { hash: ContentHash::from_bytes([1; 32]), page },
            Command::Watch,
            Command::Unwatch,
            Command::WhoAmI,
            Command::Ping,
            Command::Help { verb: None },
            Command::Help { verb: Some("watch".into()) },
            Command::Quit,
        ] {
            assert_eq!(Command::parse(&command.to_string()), Ok(command.clone()), "{command}");
        }
    }

    #[test]
    fn reads_what_people_type() {
        let typed = Command::parse("REGISTER-FILES ivan my file.txt, \"a, b.txt\" size=0 , c").expect("valid");
        let Command::RegisterFiles { shares, .. } = typed else { panic!("{typed:?}") };
        let paths: Vec<_> = shares.iter().map(|s| s.path.as_str()).collect();
        assert_eq!(paths, ["my file.txt", "a, b.txt", "c"]);
        assert_eq!(shares[1].size, Some(0));
    }

    #[test]
    fn a_refused_list_still_names_its_user() {
        for (line, expected) in [
            ("register-files anna ../x", Some("anna")),
            ("UNREGISTER-FILES anna", Some("anna")),
            ("register-files", None),
            ("register-files a\"b x", None),
            ("register-user anna 1", None),
            ("hello anna", None),
            ("", None),
        ] {
            assert_eq!(named_user(line).as_ref().map(Username::as_str), expected, "{line}");
        }
    }

    #[test]
    fn says_what_would_be_right() {
        for (line, code) in [
            ("", Code::UnknownCommand),
            ("hello", Code::UnknownCommand),
            ("register-user", Code::Usage),
            ("register-user anna 80", Code::Usage),
            ("register-user anna 4001 x", Code::Usage),
            ("register-user a\u{430}nna", Code::BadName),
            ("register-files anna", Code::Usage),
            ("register-files anna a,,b", Code::Usage),
            ("register-files anna ../x", Code::BadPath),
            ("register-files anna /etc/passwd", Code::BadPath),
            ("register-files anna \"a\" size=-1", Code::Usage),
            ("register-files anna \"a\" size=+1", Code::Usage),
            ("register-files anna \"a\" size=01", Code::Usage),
            ("register-files anna \"a\" size=18446744073709551616", Code::Usage),
            ("register-files anna \"a\" size=1 size=1", Code::Usage),
            ("register-files anna \"a\" hash=12", Code::Usage),
            ("register-files anna \"a\" color=red", Code::Usage),
            ("unregister-files anna \"a\" size=1", Code::Usage),
            ("list-files a b", Code::Usage),
            ("list-files limit=0", Code::Usage),
            ("list-files limit=10001", Code::Usage),
            ("list-files after=?", Code::Usage),
            ("list-users anna", Code::Usage),
            ("search", Code::Usage),
            ("search \"\"", Code::Usage),
            ("sources 12", Code::Usage),
            ("ping now", Code::Usage),
            ("watch \"", Code::Usage),
        ] {
            let refusal = Command::parse(line).expect_err(line);
            assert_eq!(refusal.code, code, "{line}: {refusal}");
            assert!(!refusal.text.is_empty() && !refusal.text.contains('\n'));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in "\\PC{0,100}") {
            if let Ok(command) = Command::parse(&line) {
                proptest::prop_assert_eq!(Command::parse(&command.to_string()), Ok(command));
            }
        }
    }
}
