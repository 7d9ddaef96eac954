//! Every sentence a person reads, in their language: `assets/translations/<language>.yml`.
//!
//! A sentence that stands in the code is a `t!` with its name; one whose name is computed (a failure, a help text, a
//! setting) goes through the functions here. Records and codes for programs are never translated.

mod failures;
mod known_faults;
mod system_errors;

use potok_core::model::attempt::TriedWay;
use potok_core::model::ban_terms::Remark;
use potok_core::model::invite::BadInvite;
use potok_core::model::limits;
use potok_core::model::relaying::NoRelay;
use potok_core::model::share_path::BadSharePath;
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
use potok_core::model::transfer_details::SourceStanding;
use potok_core::model::username::{BadUsername, Username};
use potok_core::model::way::Way;
use potok_core::node::failure::Failure;
use potok_core::node::intent::TransferId;
use potok_core::node::warning::Warning;
use potok_core::protocol::reply::PartialAnswer;
use potok_core::service::share_indexer::event::WhyNotShared;
use potok_core::service::share_indexer::watch_fault::WatchFault;
use potok_core::tracker::log::LogEntry;
use potok_core::tracker::setting_fault::SettingFault;

use rust_i18n::t;

pub(crate) use crate::texts::failures::of_not_shared;
use crate::texts::failures::of_tracker;
#[cfg(test)]
pub(crate) use crate::texts::failures::{in_language, in_window_in};
pub use crate::texts::failures::{in_window, of_failure, of_start_error, of_transfer_error, sentence_of};
#[cfg(test)]
pub(crate) use crate::texts::known_faults::BAD_WORDS;
pub use crate::texts::system_errors::{of_io, of_reason};

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
    let (path, why) = (ShownPath(path).to_string(), of_not_shared(&rust_i18n::locale(), why));
    if more == 0 {
        t!("console.skipped", path = path, why = why).into_owned()
    } else {
        t!("console.skipped-several", path = path, why = why, more = more).into_owned()
    }
}

/// Why one file of a download failed, its name in front unless the sentence has it; and how many others did.
pub fn of_failed_file(number: TransferId, remote_path: &str, failure: &Failure, more: u64) -> String {
    let why = about_file(remote_path, of_failure(failure));
    match more {
        0 => why,
        more => t!("console.failed-several", why = why, number = number, more = more).into_owned(),
    }
}

/// A sentence about one file of several: its name stands in front unless the sentence has it.
pub fn about_file(remote_path: &str, sentence: String) -> String {
    let path = Shown(remote_path).to_string();
    if sentence.contains(&path) { sentence } else { format!("{path}: {sentence}") }
}

/// The sentence of this name in this language, if there is one.
pub(crate) fn try_text(language: &str, family: &str, name: &str, args: &[(&str, String)]) -> Option<String> {
    let text = crate::_rust_i18n_try_translate(language, format!("{family}.{name}"))?;
    let names: Vec<&str> = args.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = args.iter().map(|(_, value)| value.clone()).collect();
    Some(rust_i18n::replace_patterns(&text, &names, &values))
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

/// How somebody is reached.
pub fn of_way(way: Way) -> String {
    text("way", way.key(), &[])
}

/// What came of a try, of ways by which nobody is just dialled: a way and an outcome, which have a sentence of their own.
pub(crate) const TRIED_OF_ITS_OWN: [&str; 5] =
    ["reversed-under-way", "reversed-not-met", "punched-silent", "punched-refused", "relayed-not-met"];

/// One try of ours to reach somebody, or of theirs to reach us, and what came of it: "direct, 192.0.2.1:4001: nothing answers".
pub fn of_tried(tried: &TriedWay, by_them: bool) -> String {
    let [whose, of_its_own] = if by_them { ["tried-by-them", "tried-way-by-them"] } else { ["tried", "tried-way"] };
    let name = format!("{}-{}", tried.way.key(), tried.outcome.key());
    let outcome = match TRIED_OF_ITS_OWN.contains(&name.as_str()) {
        true => text(of_its_own, &name, &[]),
        false => text(whose, tried.outcome.key(), &[]),
    };
    let way = of_way(tried.way);
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
    let mut args = warning.args();
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

/// A sentence that stands alone, though it was written to stand in another.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map_or_else(String::new, |first| first.to_uppercase().collect());
    first + letters.as_str()
}
