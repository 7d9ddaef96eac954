//! Why something did not happen: failures of what was asked for, transfers that do not come to their end, trackers that
//! are not there and what they say.

use std::time::SystemTime;

use potok_core::model::absence::AbsenceReason;
use potok_core::model::limits;
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
use potok_core::model::transfer::TransferError;
use potok_core::node::NodeStartError;
use potok_core::node::failure::Failure;
use potok_core::node::not_shareable::NotShareable;
use potok_core::node::work::WorkFault;
use potok_core::protocol::code::{Code, ReplyCode};
use potok_core::protocol::sentence::Sentence;
use potok_core::protocol::shut_out::{ShutOut, ShutOutKind};
use potok_core::service::share_indexer::event::WhyNotShared;
use rust_i18n::t;

use crate::human;
use crate::texts::system_errors::{of_reason, with_reasons};
use crate::texts::{bad_setting, bad_share_path, capital, in_one_unit, known_faults, text, try_text};

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
    let mut args = failure.args();
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
        Failure::AwaitsApproval { since, .. } => {
            say("since", Some(human::time_to_the_minute(*since, SystemTime::now())));
        }
        Failure::NotListed { why, .. } => say("why", of_tracker(language, why)),
        Failure::NotShareable { why: NotShareable::BadName(why), .. } => {
            say("why", Some(bad_share_path(language, *why)));
        }
        Failure::NotShareable { why: NotShareable::Told(why), .. } => say("why", Some(said_by_system(why))),
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
                WorkFault::Told(why) => Some(said_by_system(why)),
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

/// What the system or a library says, in words for a person.
fn said_by_system(why: &str) -> String {
    Shown(&of_reason(why)).to_string()
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
        AbsenceReason::Closed(text) => {
            let known = of_tracker(language, text);
            vec![("text", known.unwrap_or_else(|| Shown(text).to_string()))]
        }
        AbsenceReason::Told(text) => vec![("text", said_by_system(text))],
        _ => Vec::new(),
    };
    try_text(language, "absence", why.key(), &args).unwrap_or_else(|| Shown(&why.to_string()).to_string())
}

/// Why a transfer, or a file of it, does not come to its end.
pub fn of_transfer_error(error: &TransferError) -> String {
    text("transfer-error", error.key(), &with_reasons(error.args()))
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

/// Why the engine did not start, with its code.
pub fn of_start_error(error: &NodeStartError) -> (&'static str, String) {
    match error {
        NodeStartError::InUse(folder) => {
            ("in-use", text("start", "in-use", &[("folder", ShownPath(folder).to_string())]))
        }
        NodeStartError::Failed(why) => ("setting", of_failure(why)),
        NodeStartError::System { what, why } => {
            let what = text("work", what.key(), &what.args());
            let args = [("what", what), ("why", Shown(&of_reason(why)).to_string())];
            ("internal", text("start", "system", &args))
        }
    }
}

/// What a tracker says, if it is one of the sentences that those of Potok say.
pub(super) fn of_tracker(language: &str, text: &str) -> Option<String> {
    if let Some(told) = ShutOut::parse(text) {
        return Some(of_shut_out(language, &told));
    }
    let Some(sentence) = Sentence::known(text) else { return known_faults::of(language, text) };
    try_text(language, "tracker-says", sentence.key(), &sentence.args())
}

#[cfg(test)]
mod tests {
    use super::*;

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
