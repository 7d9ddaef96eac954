//! Every sentence a person reads, in their language: `assets/translations/<language>.yml`.
//!
//! A sentence that stands in the code is a `t!` with its name; one whose name is computed (a failure, a help text, a
//! setting) goes through the functions here. Records and codes for programs are never translated.

mod known_faults;

use std::io::{self, ErrorKind};

use potok_core::model::absence::AbsenceReason;
use potok_core::model::attempt::TriedWay;
use potok_core::model::ban_terms::Remark;
use potok_core::model::invite::BadInvite;
use potok_core::model::limits;
use potok_core::model::relaying::NoRelay;
use potok_core::model::share_path::BadSharePath;
use potok_core::model::shown::Shown;
use potok_core::model::transfer::TransferError;
use potok_core::model::transfer_details::SourceStanding;
use potok_core::model::username::{BadUsername, Username};
use potok_core::model::way::Way;
use potok_core::node::NodeStartError;
use potok_core::node::failure::Failure;
use potok_core::node::not_shareable::NotShareable;
use potok_core::node::warning::Warning;
use potok_core::node::work::WorkFault;
use potok_core::protocol::code::{Code, ReplyCode};
use potok_core::protocol::reply::PartialAnswer;
use potok_core::protocol::sentence::Sentence;
use potok_core::protocol::shut_out::{ShutOut, ShutOutKind};
use potok_core::service::share_indexer::event::WhyNotShared;
use potok_core::service::share_indexer::watch_fault::WatchFault;
use potok_core::tracker::log::LogEntry;
use potok_core::tracker::setting_fault::SettingFault;

use rust_i18n::t;

#[cfg(test)]
pub(crate) use crate::texts::known_faults::BAD_WORDS;

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

/// A file that is not shared, and how many others for the same reason.
pub fn of_skipped(path: &str, why: &WhyNotShared, more: u64) -> String {
    let (path, why) = (Shown(path).to_string(), of_not_shared(&rust_i18n::locale(), why));
    if more == 0 {
        t!("console.skipped", path = path, why = why).into_owned()
    } else {
        t!("console.skipped-several", path = path, why = why, more = more).into_owned()
    }
}

/// The sentence of this name in this language, if there is one.
pub(crate) fn try_text(language: &str, family: &str, name: &str, args: &[(&str, String)]) -> Option<String> {
    let text = crate::_rust_i18n_try_translate(language, format!("{family}.{name}"))?;
    let names: Vec<&str> = args.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = args.iter().map(|(_, value)| value.clone()).collect();
    Some(rust_i18n::replace_patterns(&text, &names, &values))
}

/// Why something that was asked for did not happen.
pub fn of_failure(failure: &Failure) -> String {
    in_language(&rust_i18n::locale(), failure)
}

/// The same in the window, where no commands and options are typed.
pub fn in_window(failure: &Failure) -> String {
    in_window_in(&rust_i18n::locale(), failure)
}

pub(crate) fn in_window_in(language: &str, failure: &Failure) -> String {
    let mut args = failure.args();
    if let Failure::UnsafeName { why, .. } = failure {
        args.retain(|(name, _)| *name != "why");
        args.extend(try_text(language, "name-fault", why.key(), &[]).map(|why| ("why", why)));
    }
    try_text(language, "window-failure", failure.key(), &args).unwrap_or_else(|| in_language(language, failure))
}

/// Why a file in a shared folder is not shared, in this language.
pub(crate) fn of_not_shared(language: &str, why: &WhyNotShared) -> String {
    let args = match why {
        WhyNotShared::BadName(why) => return bad_share_path(language, *why),
        WhyNotShared::Collision(why) => {
            let ((first, second), shown) = (why.told_apart(), |text: &str| Shown(text).to_string());
            vec![("first", shown(&first)), ("second", shown(&second)), ("path", shown(why.path.as_str()))]
        }
        WhyNotShared::Skipped(_) | WhyNotShared::TooMany => Vec::new(),
    };
    let text = try_text(language, "why-not-shared", why.reason().word(), &args);
    text.unwrap_or_else(|| Shown(&why.to_string()).to_string())
}

/// Why something that was asked for did not happen, in this language.
pub(crate) fn in_language(language: &str, failure: &Failure) -> String {
    let mut args = with_reasons(failure.args());
    let mut say = |name: &'static str, text: Option<String>| {
        let Some(text) = text else { return };
        args.retain(|(other, _)| *other != name);
        args.push((name, text));
    };
    match failure {
        Failure::Refused { text, .. } => {
            if let Some(sentence) = of_tracker(language, text) {
                return sentence;
            }
        }
        Failure::NotComing { error, .. } => {
            say("why", try_text(language, "transfer-error", error.key(), &with_reasons(error.args())));
        }
        Failure::Offline { why, .. } => say("why", Some(of_absence(language, why))),
        Failure::NotListed { why, .. } => say("why", of_tracker(language, why)),
        Failure::NotShareable { why: NotShareable::BadName(why), .. } => {
            say("why", Some(bad_share_path(language, *why)));
        }
        Failure::NotShareable { why, .. } => {
            say("why", why.key().and_then(|key| try_text(language, "not-shareable", key, &[])));
        }
        Failure::BadLine { why } => {
            let max = [("max", limits::LINE_BYTES_MAX.to_string())];
            say("why", try_text(language, "line-fault", why.key(), &max));
        }
        Failure::UnsafeName { why, .. } => say("why", try_text(language, "name-fault", why.key(), &[])),
        Failure::Internal { what, why } => {
            say("what", try_text(language, "work", what.key(), &what.args()));
            let why = match why {
                WorkFault::Setting(bad) => Some(bad_setting(language, bad.setting, bad.what)),
                why => why.key().and_then(|key| try_text(language, "work-fault", key, &[])),
            };
            say("why", why);
        }
        _ => {}
    }
    let of_code = match failure {
        Failure::Refused { code, .. } => try_text(language, "refused", code.as_str(), &args),
        _ => None,
    };
    of_code.or_else(|| try_text(language, "failure", failure.key(), &args)).unwrap_or_else(|| failure.to_string())
}

/// What somebody reads who is shut out or sent away.
fn of_shut_out(language: &str, told: &ShutOut) -> String {
    let part = |name, args: &[_]| try_text(language, "shut-out", name, args).unwrap_or_default();
    let kind = match told.kind {
        ShutOutKind::Banned => "banned",
        ShutOutKind::SentAway => "sent-away",
        ShutOutKind::Ended => "ended",
    };
    let mut text = part(kind, &[]);
    if let Some(minutes) = told.minutes_left {
        let (unit, count) = in_one_unit(minutes);
        text += &part(unit, &[("count", count.to_string())]);
    }
    if let Some(reason) = &told.reason {
        text += &part("reason", &[("reason", Shown(reason.as_str()).to_string())]);
    }
    text
}

/// A number of minutes as a person says it: a unit, and how many of it, rounded up. The units are those of
/// [`SPAN_UNITS`].
fn in_one_unit(minutes: u64) -> (&'static str, u64) {
    match minutes {
        0..=120 => ("minutes", minutes),
        121..=2880 => ("hours", minutes.div_ceil(60)),
        _ => ("days", minutes.div_ceil(24 * 60)),
    }
}

/// What long times are told in.
pub const SPAN_UNITS: &[&str] = &["minutes", "hours", "days"];

/// A time in words: `10 minutes`, `7 days`.
pub fn span(minutes: u64) -> String {
    let (unit, count) = in_one_unit(minutes);
    text("span", unit, &[("count", count.to_string())])
}

fn of_absence(language: &str, why: &AbsenceReason) -> String {
    let args = match why {
        AbsenceReason::OtherVersion(version) => vec![("version", version.to_string())],
        AbsenceReason::ProxyAway { proxy, why } => {
            vec![("proxy", Shown(proxy).to_string()), ("why", Shown(&of_reason(why)).to_string())]
        }
        AbsenceReason::ProxyRefused { proxy, why } => {
            let of_key = why.key().and_then(|key| try_text(language, "proxy-fault", key, &[]));
            let why = of_key.unwrap_or_else(|| Shown(&of_reason(&why.to_string())).to_string());
            vec![("proxy", Shown(proxy).to_string()), ("why", why)]
        }
        AbsenceReason::Told(text) => {
            let known = of_tracker(language, text);
            vec![("text", known.unwrap_or_else(|| Shown(&of_reason(text)).to_string()))]
        }
        _ => Vec::new(),
    };
    try_text(language, "absence", why.key(), &args).unwrap_or_else(|| Shown(&why.to_string()).to_string())
}

/// Why a transfer, or a file of it, does not come to its end.
pub fn of_transfer_error(error: &TransferError) -> String {
    text("transfer-error", error.key(), &with_reasons(error.args()))
}

/// How somebody is reached.
pub fn of_way(way: Way) -> String {
    text("way", way.key(), &[])
}

/// One try of ours to reach somebody, or of theirs to reach us, and what came of it: "direct, 192.0.2.1:4001: nothing answers".
pub fn of_tried(tried: &TriedWay, by_them: bool) -> String {
    let whose = if by_them { "tried-by-them" } else { "tried" };
    let (way, outcome) = (of_way(tried.way), text(whose, tried.outcome.key(), &[]));
    match tried.address {
        Some(address) => format!("{way}, {address}: {outcome}"),
        None => format!("{way}: {outcome}"),
    }
}

/// What a source does for a transfer.
pub fn of_standing(standing: SourceStanding) -> String {
    match standing {
        SourceStanding::Sending => t!("window.source.sending"),
        SourceStanding::Connected => t!("window.source.connected"),
        SourceStanding::Waiting(place) => t!("window.source.waiting", place = place),
        SourceStanding::Connecting => t!("window.source.connecting"),
        SourceStanding::Declines => t!("window.source.declines"),
        SourceStanding::Unreachable => t!("window.source.unreachable"),
        SourceStanding::NotConnected => t!("window.source.not-connected"),
        SourceStanding::Away => t!("window.source.away"),
        SourceStanding::OtherKey => t!("window.source.other-key"),
        SourceStanding::Unknown => t!("window.source.unknown"),
        SourceStanding::KeptAway => t!("window.source.kept-away"),
        SourceStanding::HasNot => t!("window.source.has-not"),
        SourceStanding::GivenUp => t!("window.source.given-up"),
        SourceStanding::Lied => t!("window.source.lied"),
    }
    .into_owned()
}

/// Why nobody is reached by any way, not even through the tracker.
pub fn of_no_relay(why: NoRelay, user: &Username) -> String {
    text("no-relay", why.key(), &[("user", Shown(user.as_str()).to_string())])
}

/// Why somebody is not reached who cannot be dialled, at a tracker that has nobody meet.
pub fn of_no_way(user: &Username) -> String {
    t!("no-way", user = Shown(user.as_str())).into_owned()
}

/// Something that a person should read although nobody asked.
pub fn of_warning(warning: &Warning) -> String {
    let mut args = with_reasons(warning.args());
    match warning {
        Warning::NotAnnounced { why } => args = vec![("why", of_failure(why))],
        Warning::NotWatched { why, .. } => {
            args.retain(|(name, _)| *name != "why");
            args.push(("why", of_watch_fault(why)));
        }
        _ => {}
    }
    text("warning", warning.key(), &args)
}

/// The same in the window, where no commands are typed.
pub fn warning_in_window(warning: &Warning) -> String {
    let said = match warning {
        Warning::NotAnnounced { why } => Some(t!("warning.not-announced", why = in_window(why)).into_owned()),
        _ => try_text(&rust_i18n::locale(), "window-warning", warning.key(), &warning.args()),
    };
    said.unwrap_or_else(|| of_warning(warning))
}

/// Why the system does not tell of changes in a folder.
pub fn of_watch_fault(why: &WatchFault) -> String {
    match why {
        WatchFault::TooMany => t!("watch-fault.too-many").into_owned(),
        WatchFault::Gone => t!("watch-fault.gone").into_owned(),
        WatchFault::Told(why) => Shown(&of_reason(why)).to_string(),
    }
}

/// What a tracker says, if it is one of the sentences that those of Potok say.
fn of_tracker(language: &str, text: &str) -> Option<String> {
    if let Some(told) = ShutOut::parse(text) {
        return Some(of_shut_out(language, &told));
    }
    let Some(sentence) = Sentence::known(text) else { return known_faults::of(language, text) };
    try_text(language, "tracker-says", sentence.key(), &sentence.args())
}

/// What happened at the embedded tracker.
pub fn of_log_entry(entry: &LogEntry) -> String {
    let mut args = entry.args();
    if let LogEntry::Refused { text, .. } = entry
        && let Some(known) = of_tracker(&rust_i18n::locale(), text)
    {
        args.retain(|(name, _)| *name != "text");
        args.push(("text", known));
    }
    text("tracker-log", entry.key(), &args)
}

/// What people read when a list lacks what some trackers have.
pub fn of_partial(partial: &PartialAnswer) -> String {
    t!("console.partial", missing = partial.missing, of = partial.of).into_owned()
}

/// A word of a tracker's owner to everybody.
pub fn of_broadcast(by: Option<&Username>, text: &Remark) -> String {
    let text = Shown(text.as_str()).to_string();
    match by {
        Some(by) => t!("console.broadcast", by = Shown(by.as_str()).to_string(), text = text).into_owned(),
        None => t!("console.broadcast-unnamed", text = text).into_owned(),
    }
}

/// Why a text is no address of a tracker.
pub fn of_bad_invite(why: BadInvite) -> String {
    match why {
        BadInvite::Host => t!("window.bad-invite.host"),
        BadInvite::Port => t!("window.bad-invite.port"),
        BadInvite::Link => t!("window.bad-invite.link"),
        BadInvite::TooMany => t!("window.bad-invite.too-many", max = limits::NETWORK_ADDRESSES_MAX),
    }
    .into_owned()
}

/// Why a text is no name for a person.
pub fn of_bad_username(why: BadUsername) -> String {
    bad_username(&rust_i18n::locale(), why)
}

fn bad_username(language: &str, why: BadUsername) -> String {
    match why {
        BadUsername::Length => t!("bad-name.length", locale = language, max = limits::USERNAME_CHARS_MAX),
        BadUsername::First => t!("bad-name.first", locale = language),
        BadUsername::Character => t!("bad-name.character", locale = language),
        BadUsername::MixedScripts => t!("bad-name.mixed-scripts", locale = language),
    }
    .into_owned()
}

/// Why a text is no share path.
pub fn of_bad_share_path(why: BadSharePath) -> String {
    bad_share_path(&rust_i18n::locale(), why)
}

/// What is wrong with a setting of a tracker, behind its name.
fn bad_setting(language: &str, setting: &str, what: SettingFault) -> String {
    let what = try_text(language, "setting-fault", what.key(), &[]).unwrap_or_else(|| what.to_string());
    format!("{setting}: {what}")
}

fn bad_share_path(language: &str, why: BadSharePath) -> String {
    match why {
        BadSharePath::Empty => t!("bad-path.empty", locale = language),
        BadSharePath::Length => {
            let (max, part) = (limits::PATH_BYTES_MAX, limits::PATH_PART_BYTES_MAX);
            t!("bad-path.length", locale = language, max = max, part = part)
        }
        BadSharePath::Dots => t!("bad-path.dots", locale = language),
        BadSharePath::Drive => t!("bad-path.drive", locale = language),
        BadSharePath::Character => t!("bad-path.character", locale = language),
        BadSharePath::NotNfc => t!("bad-path.not-nfc", locale = language),
    }
    .into_owned()
}

/// Why the system did not do something, in words for a person. What it says only to programmers comes without its number.
pub fn of_io(error: &io::Error) -> String {
    text("system-error", name_of(error), &[("why", Shown(&without_number(&error.to_string())).to_string())])
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
            None => without_number(why),
        },
        None => why.to_owned(),
    }
}

/// The values of a sentence; those that say why come in words for a person.
fn with_reasons(mut args: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
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

/// A failure as a sentence that stands alone in the window: with a capital and a full stop, and without the options of
/// the console.
pub fn sentence_of(failure: &Failure) -> String {
    let text = match failure {
        Failure::Refused { code: ReplyCode::Known(Code::NameTaken), .. } => {
            t!("window.name-refused.taken").into_owned()
        }
        Failure::Refused { code: ReplyCode::Known(Code::NameReserved), .. } => {
            t!("window.name-refused.reserved").into_owned()
        }
        Failure::Refused { code: ReplyCode::Known(Code::NameConfusable), .. } => {
            t!("window.name-refused.confusable").into_owned()
        }
        _ => in_window(failure),
    };
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    capital(&text) + end
}

/// A sentence that stands alone, though it was written to stand in another.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map_or_else(String::new, |first| first.to_uppercase().collect());
    first + letters.as_str()
}

/// Why the engine did not start, with its code.
pub fn of_start_error(error: &NodeStartError) -> (&'static str, String) {
    match error {
        NodeStartError::InUse(folder) => {
            ("in-use", text("start", "in-use", &[("folder", Shown(&folder.to_string_lossy()).to_string())]))
        }
        NodeStartError::Failed(why) => ("setting", of_failure(why)),
        NodeStartError::System { what, why } => {
            let what = text("work", what.key(), &what.args());
            let args = [("what", what), ("why", Shown(&of_reason(why)).to_string())];
            ("internal", text("start", "system", &args))
        }
    }
}

/// `1.5` or `1,5`.
pub fn decimal_sign(number: String) -> String {
    if &*rust_i18n::locale() == "bg" { number.replace('.', ",") } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn who_is_shut_out_reads_why_and_until_when_in_their_own_language() {
        let told = |text: &str| Failure::Refused { code: Code::Banned.into(), text: text.into() };
        let out = "the owner of this tracker has shut you out";
        for text in [out.to_owned(), format!("{out}; you may come back in 10 minutes; reason: loud")] {
            assert_eq!(in_language("en", &told(&text)), text);
        }
        let long = told(&format!("{out}; you may come back in 10080 minutes; reason: a\u{202e}b"));
        assert_eq!(in_language("en", &long), format!("{out}; you may come back in 7 days; reason: a⟨U+202E⟩b"));
        let bulgarian = in_language("bg", &long);
        assert!(bulgarian.contains('7') && bulgarian.ends_with("a⟨U+202E⟩b") && !bulgarian.contains("owner"));
        // The words of a later tracker are shown as they are.
        assert!(
            in_language("bg", &told("the owner of this tracker has shut you out of reach")).contains("out of reach")
        );
    }
}
