//! Both translations have every sentence that the app uses, and no other; they say what the English of the code says.

mod absences;
mod examples;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use potok_core::model::absence::AbsenceReason;
use potok_core::model::attempt::TryOutcome;
use potok_core::model::metering::Metering;
use potok_core::model::name_fault::NameFault;
use potok_core::model::proxy::ProxyFault;
use potok_core::model::relaying::NoRelay;
use potok_core::model::transfer::TransferError;
use potok_core::model::way::Way;
use potok_core::node::failure::Failure;
use potok_core::node::not_shareable::NotShareable;
use potok_core::node::settings::Settings;
use potok_core::node::warning::Warning;
use potok_core::node::work::{FailedWork, WorkFault};
use potok_core::protocol::code::Code;
use potok_core::protocol::field::BadFields;
use potok_core::protocol::line::Fault;
use potok_core::protocol::owner_line::{CountsFrom, TrackerStanding};
use potok_core::protocol::sentence::{SENTENCE_NUMBERS_MAX, Sentence};
use potok_core::service::share_indexer::event::LeftOutReason;
use potok_core::tracker::log::LogEntry;
use potok_core::tracker::overrides::LIMITS;
use potok_core::tracker::setting_fault::SettingFault;

use crate::command_line::dialect::Dialect;
use crate::command_line::{BadLine, commands};
use crate::model::reach_advice;
use crate::render::words;
use crate::texts::{
    BAD_WORDS, LANGUAGES, SPAN_UNITS, TRIED_OF_ITS_OWN, in_language, in_window_in, of_failure, of_not_shared, text,
    try_text,
};
use crate::translations::absences::absences;
use crate::translations::examples::*;

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
    family("window-failure", WINDOW_FAILURES);
    family("window-warning", &["user-key-changed", "folder-still-shared", "folders-still-shared"]);
    family("transfer-error", &transfer_errors().iter().map(TransferError::key).collect::<Vec<_>>());
    family("warning", &warnings().iter().map(Warning::key).collect::<Vec<_>>());
    family("tracker-log", &log_entries().iter().map(LogEntry::key).collect::<Vec<_>>());
    family("refused", &Code::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>());
    family("shut-out", &["banned", "sent-away", "ended", "reason"]);
    family("shut-out", SPAN_UNITS);
    family("kept-away", &["until", "for-good", "reason"]);
    family("span", SPAN_UNITS);
    family("limit", &LIMITS.iter().map(|limit| limit.name).collect::<Vec<_>>());
    family("counts-from", &CountsFrom::ALL.map(CountsFrom::as_str));
    family("tracker-standing", &TrackerStanding::ALL.map(TrackerStanding::as_str));
    family("grammar", &["unclosed", "escape", "quote", "empty-item", "attribute", "too-many"]);
    family("grammar", &["unclosed-windows", "quote-windows"]);
    family("no-relay", &[NoRelay::Off, NoRelay::UsedUp, NoRelay::NotUsed, NoRelay::NotMet].map(NoRelay::key));
    family("line", &["unknown", "misspelt", "sent-by-itself", "usage", "option", "too-long", "not-text"]);
    family("start", &["in-use", "system", "no-place", "settings-file"]);
    family("command", &commands::all().map(|command| command.name).collect::<Vec<_>>());
    family("state", words::STATE_WORDS);
    family("system-error", SYSTEM_ERRORS);
    family("absence", &absences().iter().map(AbsenceReason::key).collect::<Vec<_>>());
    family("database", &["damaged", "failed-before"]);
    family("config-fault", &["number", "switch", "text"]);
    family("proxy-fault", &ProxyFault::ALL.iter().filter_map(ProxyFault::key).collect::<Vec<_>>());
    family("way", &Way::ALL.map(Way::key));
    family("tried", &TryOutcome::ALL.map(TryOutcome::key));
    family("tried-by-them", &TryOutcome::ALL.map(TryOutcome::key));
    family("tried-way", &TRIED_OF_ITS_OWN);
    family("tried-way-by-them", &TRIED_OF_ITS_OWN);
    family("connection", words::CONNECTION_WORDS);
    family("root-state", words::ROOT_STATE_WORDS);
    family("watching", words::WATCHING_WORDS);
    family("reach", reach_advice::VERDICT_WORDS);
    family("reach-trial", reach_advice::TRIAL_WORDS);
    family("reach-advice", reach_advice::ADVICE_WORDS);
    family("reach-family", reach_advice::FAMILY_WORDS);
    family("mapping", reach_advice::MAPPING_WORDS);
    family("left-out", &LeftOutReason::ALL.map(LeftOutReason::word));
    family(
        "tracker-says",
        &Sentence::all([0; SENTENCE_NUMBERS_MAX]).into_iter().map(Sentence::key).collect::<Vec<_>>(),
    );
    family("name-fault", &NameFault::ALL.map(NameFault::key));
    family("work", &works().iter().map(FailedWork::key).collect::<Vec<_>>());
    family("line-fault", &Fault::ALL.map(Fault::key));
    family("setting-fault", &SettingFault::ALL.map(SettingFault::key));
    family("bad-word", BAD_WORDS);
    family("work-fault", &work_faults().iter().filter_map(WorkFault::key).collect::<Vec<_>>());
    family("not-shareable", &not_shareable().iter().filter_map(NotShareable::key).collect::<Vec<_>>());
    family("why-not-shared", &not_shared().iter().map(|why| why.reason().word()).collect::<Vec<_>>());
    family("status", words::STATUS_WORDS);
    family("metering", &[Metering::Unknown, Metering::Unmetered, Metering::Metered].map(Metering::as_str));
    let settings = toml::Table::try_from(Settings::default()).expect("plain values");
    family("settings", &settings.keys().map(String::as_str).chain(["head"]).collect::<Vec<_>>());
    used
}

/// Those whose sentences name commands or options, which nobody types in the window.
const WINDOW_FAILURES: &[&str] = &[
    "no-tracker",
    "no-such-user",
    "user-key-changed",
    "not-shared",
    "not-yours",
    "not-stopped",
    "too-many-shares",
    "path-taken",
    "exists",
    "exists-in-part",
    "unsafe-name",
    "same-name",
    "is-upload",
    "no-such-transfer",
    "not-hosting",
    "not-owner",
    "not-banned",
];

/// What `texts::of_io` knows.
const SYSTEM_ERRORS: &[&str] = &[
    "not-found",
    "denied",
    "connection-refused",
    "no-answer",
    "connection-lost",
    "no-route",
    "taken",
    "no-such-address",
    "disk-full",
    "read-only",
    "exists",
    "is-folder",
    "not-folder",
    "too-many-open",
    "no-memory",
    "other",
    "numbered",
    "in-log",
    "link",
    "no-key",
];

fn collect_literals(folder: &Path, used: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect_literals(&path, used);
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("text");
        let calls =
            source.match_indices(concat!("t", "!(")).filter(|(at, _)| !source[..*at].ends_with(char::is_alphanumeric));
        for (at, call) in calls {
            let inside = source[at + call.len()..].trim_start();
            if let Some(literal) = inside.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                used.insert(literal.to_owned());
            }
        }
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
        // Since when an owner is asked only a person's clock says.
        if !matches!(failure, Failure::AwaitsApproval { .. }) {
            assert_eq!(in_language("en", &failure), failure.to_string());
        }
        assert!(!in_language("bg", &failure).contains("%{"), "{failure:?}");
    }
    let taken = Failure::Refused { code: "name-taken".into(), text: "taken".into() };
    assert_eq!(in_language("en", &taken), "taken");
    assert!(in_language("bg", &taken).contains("името"));
}

#[test]
fn the_window_names_no_commands_and_options() {
    for failure in failures() {
        for language in LANGUAGES {
            let said = in_window_in(language, &failure);
            let names_command = commands::all().any(|command| {
                [format!("'{}", command.name), format!("„{}", command.name)].iter().any(|quoted| said.contains(quoted))
            });
            assert!(!said.contains("--") && !said.contains("%{") && !names_command, "{language}: {said}");
        }
    }
}

#[test]
fn reasons_say_in_english_what_the_engine_says_and_something_else_in_bulgarian() {
    let text = |language, family, key: &str, args: &[_]| try_text(language, family, key, args).expect(key);
    let check = |english: String, bulgarian: String, said: String| {
        assert_eq!(english, said);
        assert!(bulgarian != said && !bulgarian.contains("%{"), "{bulgarian}");
    };
    for sentence in Sentence::all([7, 9]) {
        let of = |language| text(language, "tracker-says", sentence.key(), &sentence.args());
        check(of("en"), of("bg"), sentence.to_string());
        let refused = Failure::Refused { code: "limit".into(), text: sentence.to_string() };
        check(in_language("en", &refused), in_language("bg", &refused), sentence.to_string());
    }
    for why in not_shared() {
        check(of_not_shared("en", &why), of_not_shared("bg", &why), why.to_string());
    }
    for why in not_shareable() {
        let failure = Failure::NotShareable { path: "x".into(), why };
        check(in_language("en", &failure), in_language("bg", &failure), failure.to_string());
    }
    for why in Fault::ALL {
        let failure = Failure::BadLine { why };
        check(in_language("en", &failure), in_language("bg", &failure), failure.to_string());
    }
    for why in NameFault::ALL {
        let failure = Failure::UnsafeName { name: "x".into(), why };
        check(in_language("en", &failure), in_language("bg", &failure), failure.to_string());
    }
    for what in works() {
        for why in work_faults() {
            let failure = Failure::Internal { what: what.clone(), why };
            check(in_language("en", &failure), in_language("bg", &failure), failure.to_string());
        }
    }
}

#[test]
fn errors_of_transfers_say_in_english_what_the_engine_says() {
    for error in transfer_errors() {
        let said = |language| try_text(language, "transfer-error", error.key(), &error.args());
        assert_eq!(said("en"), Some(error.to_string()));
        assert!(said("bg").is_some_and(|text| !text.contains("%{") && text != error.to_string()), "{error:?}");
    }
}

#[test]
fn lines_say_in_english_what_the_parser_says() {
    let command = commands::find("download").expect("a command");
    for bad in [
        BadLine::Unknown { verb: "x".into(), meant: None },
        BadLine::Unknown { verb: "x".into(), meant: Some("quit") },
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
        // What a person types on Windows is not what the parser reads.
        let is_of_quotes = matches!(bad, BadLine::Grammar(BadFields::Unclosed | BadFields::Quote));
        let is_as_parsed = !is_of_quotes || Dialect::HERE.has_escapes();
        assert!(!bad.sentence().is_empty() && (bad.sentence() == bad.to_string()) == is_as_parsed, "{bad}");
    }
}

#[test]
fn an_unknown_name_is_shown_as_it_is() {
    assert_eq!(text("failure", "brand-new", &[]), "brand-new");
    let new = Failure::Refused { code: "brand-new".into(), text: "a\u{1b}b".into() };
    assert_eq!(of_failure(&new), "a⟨U+001B⟩b");
}

#[test]
fn why_a_tracker_is_away_is_said_in_both_languages() {
    for why in absences() {
        let failure = Failure::Offline { tracker: "h:1".into(), why: why.clone() };
        assert_eq!(in_language("en", &failure), failure.to_string());
        let bulgarian = in_language("bg", &failure);
        let is_told = matches!(why, AbsenceReason::Told(_) | AbsenceReason::Closed(_));
        assert!(is_told || !bulgarian.contains(&why.to_string()), "{bulgarian}");
    }
}
