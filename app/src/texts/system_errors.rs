//! What the system, the database and other libraries say, in words for a person.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};

use parking_lot::Mutex;
use potok_core::model::shown::Shown;

use crate::texts::text;

/// Why the system did not do something, in words for a person. What it says only to programmers comes without its number.
pub fn of_io(error: &io::Error) -> String {
    match (name_of(error), error.raw_os_error()) {
        ("other", Some(number)) if !is_english() => text("system-error", "numbered", &[("number", number.to_string())]),
        ("other", None) => of_foreign(&error.to_string()),
        (name, _) => text("system-error", name, &[("why", Shown(&without_number(&error.to_string())).to_string())]),
    }
}

fn name_of(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "not-found",
        ErrorKind::PermissionDenied => "denied",
        ErrorKind::ConnectionRefused => "connection-refused",
        ErrorKind::TimedOut => "no-answer",
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => "connection-lost",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => "no-route",
        ErrorKind::AddrInUse => "taken",
        ErrorKind::AddrNotAvailable => "no-such-address",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "disk-full",
        ErrorKind::ReadOnlyFilesystem => "read-only",
        ErrorKind::AlreadyExists => "exists",
        ErrorKind::IsADirectory => "is-folder",
        ErrorKind::NotADirectory => "not-folder",
        ErrorKind::OutOfMemory => "no-memory",
        _ if error.raw_os_error().is_some_and(is_too_many_open) => "too-many-open",
        _ => "other",
    }
}

/// The same of a sentence that was made of such an error elsewhere: it ends in the system's number for it.
pub fn of_reason(why: &str) -> String {
    if let Some(key) = DATABASE_SAYS.iter().find_map(|(said, key)| why.starts_with(said).then_some(*key)) {
        return text("database", key, &[]);
    }
    let why = why.strip_prefix(DATABASE_IO).unwrap_or(why);
    let number = why.strip_suffix(')').and_then(|why| why.rsplit_once(OS_ERROR)).and_then(|(_, n)| n.parse().ok());
    let is_whole = |error: &io::Error| error.to_string() == why;
    match number.map(io::Error::from_raw_os_error) {
        Some(error) if is_whole(&error) => of_io(&error),
        // Something stands before it: what it is about.
        Some(error) => match why.strip_suffix(&error.to_string()) {
            Some(about) => about.to_owned() + &of_io(&error),
            None => of_foreign(&without_number(why)),
        },
        None => of_foreign(why),
    }
}

fn is_english() -> bool {
    &*rust_i18n::locale() == "en"
}

/// What a library says, which has no other words than its own. A person who reads another language is told in it that there are
/// details, and the log has them.
fn of_foreign(why: &str) -> String {
    if is_english() {
        return why.to_owned();
    }
    if let Some((_, key)) = OWN_WORDS.iter().find(|(said, _)| *said == why) {
        return text("system-error", key, &[]);
    }
    // Every frame of the window asks for it anew.
    let mut logged = LOGGED.lock();
    if logged.len() < LOGGED_MAX && logged.insert(why.to_owned()) {
        tracing::error!(why = %Shown(why), "this was told to the person without its words");
    }
    text("system-error", "in-log", &[])
}

/// Sentences of Potok's own for what no system says, and the keys of their translations.
const OWN_WORDS: &[(&str, &str)] = &[
    ("no answer in time", "no-answer"),
    ("there is no address to connect to", "no-such-address"),
    ("a link is not followed", "link"),
    ("the other side has proven no key", "no-key"),
];

/// Most sentences that are told apart in the log.
const LOGGED_MAX: usize = 100;
static LOGGED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The values of a sentence; those that say why come in words for a person.
pub(super) fn with_reasons(mut args: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    for (_, value) in args.iter_mut().filter(|(name, _)| *name == "why") {
        *value = of_reason(value);
    }
    args
}

/// How sentences of the database begin, with the keys of ours.
const DATABASE_SAYS: &[(&str, &str)] = &[("DB corrupted", "damaged"), ("Previous I/O error", "failed-before")];
/// What the database puts before a sentence of the system.
const DATABASE_IO: &str = "I/O error: ";

/// How the standard library ends the sentence of an error of the system, with the number behind it.
const OS_ERROR: &str = " (os error ";

fn without_number(why: &str) -> String {
    why.split_once(OS_ERROR).map_or(why, |(why, _)| why).to_owned()
}

/// `EMFILE` and `ENFILE`, and what Windows has in their place.
fn is_too_many_open(number: i32) -> bool {
    if cfg!(windows) { number == 4 } else { matches!(number, 23 | 24) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::try_text;

    /// What the system says, and what a person reads.
    #[test]
    fn what_the_system_says_is_told_without_its_numbers() {
        let of = |number| io::Error::from_raw_os_error(number).to_string();
        let languages = [("en", "it is not permitted"), ("bg", "няма право за това")];
        for (language, denied) in languages {
            let said = |why: &str| try_text(language, "system-error", name_of(&io::Error::other(why)), &[]);
            assert!(said("x").is_some());
            assert_eq!(try_text(language, "system-error", "denied", &[]).as_deref(), Some(denied));
        }
        if cfg!(target_os = "linux") {
            let kinds = [(13, "denied"), (2, "not-found"), (111, "connection-refused"), (110, "no-answer")];
            let more = [(113, "no-route"), (98, "taken"), (28, "disk-full"), (24, "too-many-open"), (95, "other")];
            for (number, name) in kinds.into_iter().chain(more) {
                assert_eq!(name_of(&io::Error::from_raw_os_error(number)), name, "{number}");
            }
        }
        for (why, is_kept) in [
            ("the tracker does not answer".to_owned(), true),
            ("(os error )".to_owned(), true),
            ("x (os error 99999999999999)".to_owned(), true),
            (of(13), false),
            (format!("0.0.0.0:7686: {}", of(98)), false),
            ("in other words (os error 13)".to_owned(), false),
        ] {
            let read = of_reason(&why);
            assert_eq!(read == why, is_kept, "{why}: {read}");
            assert!(is_kept || !read.contains("os error"), "{why}: {read}");
        }
        assert!(of_reason(&format!("0.0.0.0:7686: {}", of(98))).starts_with("0.0.0.0:7686: "));
        assert_eq!(of_reason(&format!("I/O error: {}", of(13))), of_reason(&of(13)), "of the database");
        for said in ["DB corrupted: x", "Previous I/O error occurred. Database must be closed and re-opened."] {
            assert!(of_reason(said).starts_with("the database"), "{said}");
        }
    }
}
