//! Every sentence a person reads, in their language: `assets/translations/<language>.yml`.
//!
//! A sentence that stands in the code is a `t!` with its name; one whose name is computed (a failure, a help text, a
//! setting) goes through the functions here. Records and codes for programs are never translated.

use potok_core::model::invite::BadInvite;
use potok_core::model::shown::Shown;
use potok_core::node::StartError;
use potok_core::node::failure::Failure;
use potok_core::node::warning::Warning;
use potok_core::protocol::field::BadFields;
use potok_core::tracker::log::LogEntry;

use rust_i18n::t;

use crate::command_line::BadLine;
use crate::command_line::table::Command;
use crate::settings_file::SettingsError;

/// The languages there are.
pub const LANGUAGES: &[&str] = &["en", "bg"];

// Makes the compiler notice a changed file; the translations themselves are read by `rust_i18n::i18n!`.
const _: [&str; 2] =
    [include_str!("../../assets/translations/en.yml"), include_str!("../../assets/translations/bg.yml")];

/// Uses this language from now on; empty or unknown: the system's, or English.
pub fn use_language(chosen: &str) {
    let known = |language: &str| {
        let language = language.split(['-', '_', '.']).next().unwrap_or_default();
        LANGUAGES.iter().copied().find(|known| known.eq_ignore_ascii_case(language))
    };
    let language = known(chosen).or_else(|| sys_locale::get_locales().find_map(|locale| known(&locale)));
    rust_i18n::set_locale(language.unwrap_or("en"));
}

/// A sentence whose name is computed. A name that is in no file comes out as itself.
pub fn text(family: &str, name: &str, args: &[(&str, String)]) -> String {
    try_text(&rust_i18n::locale(), family, name, args).unwrap_or_else(|| name.to_owned())
}

fn try_text(language: &str, family: &str, name: &str, args: &[(&str, String)]) -> Option<String> {
    let text = crate::_rust_i18n_try_translate(language, format!("{family}.{name}"))?;
    let names: Vec<&str> = args.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = args.iter().map(|(_, value)| value.clone()).collect();
    Some(rust_i18n::replace_patterns(&text, &names, &values))
}

/// Why something that was asked for did not happen.
pub fn of_failure(failure: &Failure) -> String {
    in_language(&rust_i18n::locale(), failure)
}

fn in_language(language: &str, failure: &Failure) -> String {
    let args = failure.args();
    let of_code = match failure {
        Failure::Refused { code, .. } => try_text(language, "refused", code, &args),
        _ => None,
    };
    of_code.or_else(|| try_text(language, "failure", failure.key(), &args)).unwrap_or_else(|| failure.to_string())
}

/// Something that a person should read although nobody asked.
pub fn of_warning(warning: &Warning) -> String {
    let mut args = warning.args();
    if let Warning::NotAnnounced { why } = warning {
        args = vec![("why", of_failure(why))];
    }
    text("warning", warning.key(), &args)
}

/// What happened at the embedded tracker.
pub fn of_log_entry(entry: &LogEntry) -> String {
    text("tracker-log", entry.key(), &entry.args())
}

/// Why a line was not understood.
pub fn of_bad_line(bad: &BadLine) -> String {
    let shown = |text: &str| Shown(text).to_string();
    match bad {
        BadLine::Unknown(verb) => text("line", "unknown", &[("verb", shown(verb))]),
        BadLine::SentByItself => text("line", "sent-by-itself", &[]),
        BadLine::Usage(command) => text("line", "usage", &[("usage", usage(command))]),
        BadLine::Option { word, command } => {
            text("line", "option", &[("word", shown(word)), ("command", command.name.to_owned())])
        }
        BadLine::Grammar(why) => text("grammar", grammar_name(*why), &[("max", items_max())]),
        BadLine::TooLong => text("line", "too-long", &[("max", crate::command_line::LINE_BYTES_MAX.to_string())]),
        BadLine::NotText => text("line", "not-text", &[]),
    }
}

fn grammar_name(why: BadFields) -> &'static str {
    match why {
        BadFields::Unclosed => "unclosed",
        BadFields::Escape => "escape",
        BadFields::Quote => "quote",
        BadFields::EmptyItem => "empty-item",
        BadFields::Attribute => "attribute",
        BadFields::TooMany => "too-many",
    }
}

fn items_max() -> String {
    potok_core::model::limits::ITEMS_PER_LINE_MAX.to_string()
}

/// How a command is written.
pub fn usage(command: &Command) -> String {
    format!("{} {}", command.name, command.arguments).trim_end().to_owned()
}

/// What a command does.
pub fn explanation(command: &Command) -> String {
    text("command", command.name, &[])
}

/// Why a text is no address of a tracker.
pub fn of_bad_invite(why: BadInvite) -> String {
    match why {
        BadInvite::Host => t!("window.bad-invite.host"),
        BadInvite::Port => t!("window.bad-invite.port"),
        BadInvite::Link => t!("window.bad-invite.link"),
    }
    .into_owned()
}

/// Why the engine did not start, with its code.
pub fn of_start_error(error: &StartError) -> (&'static str, String) {
    match error {
        StartError::InUse(folder) => {
            ("in-use", text("start", "in-use", &[("folder", Shown(&folder.to_string_lossy()).to_string())]))
        }
        StartError::BadListen { setting } => {
            ("setting", text("start", "bad-listen", &[("setting", Shown(setting).to_string())]))
        }
        StartError::BadTracker { setting, why } => {
            let args = [("setting", Shown(setting).to_string()), ("why", of_bad_invite(*why))];
            ("setting", text("start", "bad-tracker", &args))
        }
        StartError::Failed(why) => ("setting", of_failure(why)),
        StartError::System { what, why } => {
            let args = [("what", Shown(what).to_string()), ("why", Shown(why).to_string())];
            ("internal", text("start", "system", &args))
        }
    }
}

/// Why the settings cannot be used.
pub fn of_settings_error(error: &SettingsError) -> String {
    match error {
        SettingsError::NoPlace(why) => text("start", "no-place", &[("why", Shown(why).to_string())]),
        SettingsError::File { path, why } => {
            let args = [("path", Shown(&path.to_string_lossy()).to_string()), ("why", Shown(why).to_string())];
            text("start", "settings-file", &args)
        }
    }
}

/// `1.5` or `1,5`.
pub fn decimal_sign(number: String) -> String {
    if &*rust_i18n::locale() == "bg" { number.replace('.', ",") } else { number }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use potok_core::node::settings::Settings;
    use potok_core::protocol::code::Code;

    use super::*;
    use crate::command_line::table::COMMANDS;
    use crate::console::words;

    fn catalogue(language: &str) -> BTreeMap<String, String> {
        let messages = crate::_rust_i18n_backend().messages_for_locale(language).expect(language);
        messages.into_iter().map(|(key, text)| (key.into_owned(), text.into_owned())).collect()
    }

    /// The names in every `t!` of every source file of the app, and those that are computed.
    fn used() -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        collect_literals(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);
        let mut family = |family: &str, names: &[&str]| {
            used.extend(names.iter().map(|name| format!("{family}.{name}")));
        };
        family("failure", &failures().iter().map(Failure::key).collect::<Vec<_>>());
        family("warning", &warnings().iter().map(Warning::key).collect::<Vec<_>>());
        family("tracker-log", &log_entries().iter().map(LogEntry::key).collect::<Vec<_>>());
        family("refused", &Code::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>());
        family("grammar", &["unclosed", "escape", "quote", "empty-item", "attribute", "too-many"]);
        family("line", &["unknown", "sent-by-itself", "usage", "option", "too-long", "not-text"]);
        family("start", &["in-use", "system", "bad-listen", "bad-tracker", "no-place", "settings-file"]);
        family("command", &COMMANDS.iter().map(|command| command.name).collect::<Vec<_>>());
        family("state", words::STATES);
        family("connection", words::CONNECTIONS);
        family("status", words::STATUS);
        let settings = toml_edit::ser::to_document(&Settings::default()).expect("plain values");
        family("settings", &settings.iter().map(|(key, _)| key).chain(["head"]).collect::<Vec<_>>());
        used
    }

    fn collect_literals(folder: &Path, used: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                collect_literals(&path, used);
                continue;
            }
            let source = std::fs::read_to_string(&path).expect("text");
            let calls = source
                .match_indices(concat!("t", "!("))
                .filter(|(at, _)| !source[..*at].ends_with(char::is_alphanumeric));
            for (at, call) in calls {
                let inside = source[at + call.len()..].trim_start();
                if let Some(literal) = inside.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                    used.insert(literal.to_owned());
                }
            }
        }
    }

    fn failures() -> Vec<Failure> {
        let text = || "x".to_owned();
        vec![
            Failure::Refused { code: text(), text: text() },
            Failure::NoTracker,
            Failure::Offline { tracker: text(), why: text() },
            Failure::TrackerKeyChanged { tracker: text() },
            Failure::NoSuchUser { user: text() },
            Failure::Unverified { user: text() },
            Failure::NotShared { user: text(), path: text() },
            Failure::NotYours { path: text() },
            Failure::NoSuchFile { path: text() },
            Failure::NotShareable { path: text(), why: text() },
            Failure::PathTaken { first: text(), second: text(), path: text() },
            Failure::Exists { path: text() },
            Failure::NoParent { path: text() },
            Failure::UnsafeName { text: text() },
            Failure::Denied { path: text() },
            Failure::DiskFull { path: text() },
            Failure::Changed { path: text() },
            Failure::NoSuchTransfer { number: 7 },
            Failure::Cancelled,
            Failure::NotHosting,
            Failure::NotAtYours { user: text() },
            Failure::Yourself,
            Failure::NotBanned { who: text() },
            Failure::SentByItself { verb: text() },
            Failure::BadLine { why: text() },
            Failure::Internal { what: text(), why: text() },
        ]
    }

    /// A new kind of failure does not compile here: add it to `failures` and to the translations.
    fn is_in_the_list(failure: &Failure) {
        match failure {
            Failure::Refused { .. }
            | Failure::NoTracker
            | Failure::Offline { .. }
            | Failure::TrackerKeyChanged { .. }
            | Failure::NoSuchUser { .. }
            | Failure::Unverified { .. }
            | Failure::NotShared { .. }
            | Failure::NotYours { .. }
            | Failure::NoSuchFile { .. }
            | Failure::NotShareable { .. }
            | Failure::PathTaken { .. }
            | Failure::Exists { .. }
            | Failure::NoParent { .. }
            | Failure::UnsafeName { .. }
            | Failure::Denied { .. }
            | Failure::DiskFull { .. }
            | Failure::Changed { .. }
            | Failure::NoSuchTransfer { .. }
            | Failure::Cancelled
            | Failure::NotHosting
            | Failure::NotAtYours { .. }
            | Failure::Yourself
            | Failure::NotBanned { .. }
            | Failure::SentByItself { .. }
            | Failure::BadLine { .. }
            | Failure::Internal { .. } => {}
        }
    }

    fn warnings() -> Vec<Warning> {
        let text = || "x".to_owned();
        vec![
            Warning::DatabaseSetAside { path: "x".into() },
            Warning::KeyWasReadable,
            Warning::NotAnnounced { why: Failure::NoTracker },
            Warning::MoreSkipped { count: 7 },
            Warning::WholeDisk { folder: text() },
            Warning::WholeHome { folder: text() },
            Warning::Missing { path: text() },
            Warning::Back { path: text() },
            Warning::NotWatched { folder: text(), why: text() },
        ]
    }

    fn log_entries() -> Vec<LogEntry> {
        let user = || "anna".parse().expect("a name");
        let address = "192.0.2.7".parse().expect("an address");
        vec![
            LogEntry::Joined { user: user(), address },
            LogEntry::Left { user: user() },
            LogEntry::Refused { address, code: Code::Banned, text: "x".to_owned() },
            LogEntry::Kicked { user: user() },
            LogEntry::Banned { who: "x".to_owned() },
            LogEntry::Unbanned { who: "x".to_owned() },
            LogEntry::LeftOut { count: 7 },
        ]
    }

    /// As [`is_in_the_list`].
    fn is_in_a_list(warning: &Warning, entry: &LogEntry) {
        match warning {
            Warning::DatabaseSetAside { .. }
            | Warning::KeyWasReadable
            | Warning::NotAnnounced { .. }
            | Warning::MoreSkipped { .. }
            | Warning::WholeDisk { .. }
            | Warning::WholeHome { .. }
            | Warning::Missing { .. }
            | Warning::Back { .. }
            | Warning::NotWatched { .. } => {}
        }
        match entry {
            LogEntry::Joined { .. }
            | LogEntry::Left { .. }
            | LogEntry::Refused { .. }
            | LogEntry::Kicked { .. }
            | LogEntry::Banned { .. }
            | LogEntry::Unbanned { .. }
            | LogEntry::LeftOut { .. } => {}
        }
    }

    #[test]
    fn warnings_and_the_log_say_in_english_what_the_engine_says() {
        let entries = log_entries();
        for (warning, entry) in warnings().iter().zip(entries.iter().cycle()) {
            is_in_a_list(warning, entry);
            let of = |language: &str, family, key, args: &[_]| try_text(language, family, key, args).expect(key);
            assert_eq!(of("en", "warning", warning.key(), &warning.args()), warning.to_string());
            assert_eq!(of("en", "tracker-log", entry.key(), &entry.args()), entry.to_string());
            assert!(!of("bg", "warning", warning.key(), &warning.args()).contains("%{"), "{warning:?}");
            assert!(!of("bg", "tracker-log", entry.key(), &entry.args()).contains("%{"), "{entry:?}");
        }
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split("%{").skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn both_languages_have_exactly_the_sentences_that_are_used() {
        let used = used();
        for language in LANGUAGES {
            let there: BTreeSet<String> = catalogue(language).into_keys().collect();
            let missing: Vec<_> = used.difference(&there).collect();
            let unused: Vec<_> = there.difference(&used).collect();
            assert!(missing.is_empty() && unused.is_empty(), "{language}: missing {missing:?}, unused {unused:?}");
        }
    }

    #[test]
    fn both_languages_name_the_same_values() {
        let bulgarian = catalogue("bg");
        for (key, english) in catalogue("en") {
            let there = &bulgarian[&key];
            assert_eq!(placeholders(&english), placeholders(there), "{key}");
            assert!(!there.trim().is_empty(), "{key}");
            assert!(english != *there || !has_words(&english), "{key} is not translated");
        }
    }

    /// Whether anything but values and signs is in it.
    fn has_words(text: &str) -> bool {
        let outside = text.split("%{").enumerate().map(|(n, part)| match part.split_once('}') {
            Some((_value, after)) if n > 0 => after,
            _ => part,
        });
        outside.flat_map(str::chars).any(char::is_alphabetic)
    }

    #[test]
    fn failures_say_in_english_what_the_engine_says() {
        for failure in failures() {
            is_in_the_list(&failure);
            assert_eq!(in_language("en", &failure), failure.to_string());
            assert!(!in_language("bg", &failure).contains("%{"), "{failure:?}");
        }
        let taken = Failure::Refused { code: "name-taken".into(), text: "taken".into() };
        assert_eq!(in_language("en", &taken), "taken");
        assert!(in_language("bg", &taken).contains("името"));
    }

    #[test]
    fn lines_say_in_english_what_the_parser_says() {
        let command = crate::command_line::table::find("download").expect("a command");
        for bad in [
            BadLine::Unknown("x".into()),
            BadLine::SentByItself,
            BadLine::Usage(command),
            BadLine::Option { word: "--x".into(), command },
            BadLine::Grammar(BadFields::Unclosed),
            BadLine::Grammar(BadFields::Escape),
            BadLine::Grammar(BadFields::Quote),
            BadLine::Grammar(BadFields::EmptyItem),
            BadLine::Grammar(BadFields::TooMany),
            BadLine::TooLong,
            BadLine::NotText,
        ] {
            assert_eq!(of_bad_line(&bad), bad.to_string());
        }
    }

    #[test]
    fn an_unknown_name_is_shown_as_it_is() {
        assert_eq!(text("failure", "brand-new", &[]), "brand-new");
        let new = Failure::Refused { code: "brand-new".into(), text: "a\u{1b}b".into() };
        assert_eq!(of_failure(&new), "a⟨U+001B⟩b");
    }
}
