//! How long somebody waits whom the owner of a network keeps out, before they try again by themselves: until their time is
//! over, and once in a while before, since an owner may let them in sooner.

use std::time::{Duration, SystemTime};

use rand::RngExt;

use crate::model::keeping_away::KeptAway;
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::shut_out::ShutOut;
use crate::service::tracker_client::reasons::AwayReason;

/// Nobody waits longer for the next try. Many may be shut out for good, and each try costs the tracker a handshake.
const SHUT_OUT_WAIT_MAX: Duration = Duration::from_secs(30 * 60);
/// The wait is longer by up to a tenth of it, within these bounds: those who were sent away together come back one by one.
const SHUT_OUT_JITTER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3 * 60));

/// What a tracker has said to somebody who is shut out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ShutOutPause {
    /// In the words of a tracker of another kind nothing is read.
    told: Option<ShutOut>,
}

impl ShutOutPause {
    /// None if that is not why we are away.
    pub(super) fn of(why: &AwayReason) -> Option<Self> {
        let AwayReason::Refused { code: ReplyCode::Known(Code::Banned), text } = why else { return None };
        Some(Self { told: ShutOut::parse(text) })
    }

    /// What others are told of it.
    pub(super) fn kept_away(&self, now: SystemTime) -> KeptAway {
        let until = self.time_left().and_then(|left| now.checked_add(left));
        KeptAway { until, reason: self.told.as_ref().and_then(|told| told.reason.clone()) }
    }

    /// How long to wait, drawn at random.
    pub(super) fn wait(&self) -> Duration {
        let least = self.least_wait();
        least + rand::rng().random_range(Duration::ZERO..=jitter_of(least))
    }

    fn least_wait(&self) -> Duration {
        self.time_left().map_or(SHUT_OUT_WAIT_MAX, |left| left.min(SHUT_OUT_WAIT_MAX))
    }

    fn time_left(&self) -> Option<Duration> {
        let minutes = self.told.as_ref()?.minutes_left?;
        Some(Duration::from_secs(minutes.saturating_mul(60)))
    }
}

fn jitter_of(wait: Duration) -> Duration {
    let (least, most) = SHUT_OUT_JITTER;
    (wait / 10).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::absence::AbsenceReason;

    fn pause(text: &str) -> ShutOutPause {
        let why = AwayReason::Refused { code: Code::Banned.into(), text: text.into() };
        ShutOutPause::of(&why).expect("shut out")
    }

    #[test]
    fn who_is_shut_out_comes_back_when_it_is_over_and_looks_now_and_then() {
        let out = "the owner of this tracker has shut you out";
        let away = "the owner of this tracker has sent you away";
        let now = SystemTime::UNIX_EPOCH;
        for (text, minutes, least, most_seconds) in [
            (out.to_owned(), None, 1800, 1980),
            (format!("{out}; reason: loud"), None, 1800, 1980),
            (format!("{out}; you may come back in 10080 minutes"), Some(10_080), 1800, 1980),
            (format!("{away}; you may come back in 10 minutes; reason: loud"), Some(10), 600, 660),
            (format!("{away}; you may come back in 1 minutes"), Some(1), 60, 66),
            (format!("{away}; you may come back in 0 minutes"), Some(0), 0, 5),
            (format!("{away}; you may come back in {} minutes", u64::MAX), None, 1800, 1980),
            ("go away".to_owned(), None, 1800, 1980),
        ] {
            let pause = pause(&text);
            let until = minutes.map(|minutes: u64| now + Duration::from_secs(minutes * 60));
            let told = pause.kept_away(now);
            assert_eq!(told.until, until, "{text}");
            assert_eq!(told.reason.is_some(), text.ends_with("loud"), "{text}");
            for _ in 0..100 {
                let wait = pause.wait().as_secs_f64();
                assert!((f64::from(least)..=f64::from(most_seconds)).contains(&wait), "{text}: {wait}");
            }
        }
        let other = AwayReason::Refused { code: Code::NameTaken.into(), text: out.into() };
        for why in [other, AwayReason::KeyChanged, AwayReason::Unreachable(AbsenceReason::Silent)] {
            assert_eq!(ShutOutPause::of(&why), None, "{why:?}");
        }
    }
}
