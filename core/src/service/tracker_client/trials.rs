//! When the tracker is asked to dial us, and what of its answers is believed.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::address_family::AddressFamily;
use crate::model::port::PeerPort;
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::trial::TrialNotice;
use crate::reach::reachability::{NotTold, TrialEvent};

/// What was true changes unseen: a router forgets, another one is plugged in.
const TRIED_EVERY: Duration = Duration::from_secs(30 * 60);
/// The tracker tries once a minute for a household.
const SOON: Duration = Duration::from_secs(61);
/// The tracker gives up after five seconds.
pub(super) const TRIAL_ANSWER_MAX: Duration = Duration::from_secs(12);

/// The trials of one session.
#[derive(Debug)]
pub(super) struct TrialAsking {
    by: AddressFamily,
    /// As it is registered; without one there is nothing to try.
    port: Option<PeerPort>,
    /// When to ask next, or to wait no longer.
    due: Option<Instant>,
    is_under_way: bool,
}

impl TrialAsking {
    /// Of a session by this family, which registered this port. Nothing is asked before [`TrialAsking::begin`].
    pub(super) fn new(by: AddressFamily, port: Option<PeerPort>) -> Self {
        Self { by, port, due: None, is_under_way: false }
    }

    /// By which family the session is.
    pub(super) fn by(&self) -> AddressFamily {
        self.by
    }

    /// The port that is registered.
    pub(super) fn port(&self) -> Option<PeerPort> {
        self.port
    }

    /// Ask as soon as possible, at this port from now on.
    pub(super) fn begin(&mut self, now: Instant, port: Option<PeerPort>) {
        self.port = port;
        self.is_under_way = false;
        self.due = port.map(|_| now);
    }

    /// When [`TrialAsking::turn`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// It is due: whether the tracker is asked, and what is to be told.
    pub(super) fn turn(&mut self, now: Instant) -> (bool, TrialEvent) {
        if std::mem::take(&mut self.is_under_way) {
            self.due = Some(now + SOON);
            return (false, TrialEvent::NotTold(NotTold::Silent));
        }
        self.is_under_way = true;
        self.due = Some(now + TRIAL_ANSWER_MAX);
        (true, TrialEvent::Asked)
    }

    /// The tracker does not try.
    pub(super) fn refused(&mut self, now: Instant, code: &ReplyCode) -> TrialEvent {
        self.is_under_way = false;
        let why = not_told(code);
        self.due = match why {
            NotTold::EarlierVersion => None,
            NotTold::TooOften | NotTold::Silent => Some(now + SOON),
            NotTold::Refused => Some(now + TRIED_EVERY),
        };
        TrialEvent::NotTold(why)
    }

    /// The tracker has told something. It is believed if it was asked, of the port that we told.
    pub(super) fn told(&mut self, now: Instant, notice: TrialNotice) -> Option<TrialEvent> {
        if !self.is_under_way || !is_about(notice, self.by, self.port) {
            return None;
        }
        self.is_under_way = false;
        self.due = Some(now + TRIED_EVERY);
        Some(TrialEvent::Told(notice))
    }
}

/// Whether a notice is of this family and port: anything else was not asked about.
pub(super) fn is_about(notice: TrialNotice, by: AddressFamily, port: Option<PeerPort>) -> bool {
    AddressFamily::of(notice.address.ip()) == by && port.is_some_and(|port| port.get() == notice.address.port())
}

/// What a refusal of `reach` means.
pub(super) fn not_told(code: &ReplyCode) -> NotTold {
    match code {
        ReplyCode::Known(Code::UnknownCommand) => NotTold::EarlierVersion,
        ReplyCode::Known(Code::SlowDown) => NotTold::TooOften,
        _ => NotTold::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::trial::TrialResult;

    fn notice(address: &str) -> TrialNotice {
        TrialNotice { address: address.parse().expect(address), result: TrialResult::Open }
    }

    #[test]
    fn it_is_asked_again_and_only_what_was_asked_is_believed() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let port = PeerPort::new(4001).ok();
        let mut trial = TrialAsking::new(AddressFamily::Ipv4, port);
        assert_eq!((trial.due(), trial.told(start, notice("192.0.2.1:4001"))), (None, None), "not asked");
        trial.begin(start, port);
        assert_eq!(trial.due(), Some(start));
        assert_eq!(trial.turn(start), (true, TrialEvent::Asked));
        for other in ["192.0.2.1:22222", "[2001:db8::1]:4001"] {
            assert_eq!(trial.told(at(1), notice(other)), None, "{other} was not asked about");
        }
        let open = notice("192.0.2.1:4001");
        assert_eq!(trial.told(at(1), open), Some(TrialEvent::Told(open)));
        assert_eq!(trial.told(at(1), open), None, "told twice");
        assert_eq!(trial.due(), Some(at(1801)));

        assert_eq!(trial.turn(at(1801)).1, TrialEvent::Asked);
        let slow = trial.refused(at(1801), &ReplyCode::Known(Code::SlowDown));
        assert_eq!((slow, trial.due()), (TrialEvent::NotTold(NotTold::TooOften), Some(at(1862))));
        assert_eq!(trial.turn(at(1862)).1, TrialEvent::Asked);
        assert_eq!(trial.due(), Some(at(1874)));
        assert_eq!(trial.turn(at(1874)), (false, TrialEvent::NotTold(NotTold::Silent)));
        let never = trial.refused(at(2000), &ReplyCode::Known(Code::UnknownCommand));
        assert_eq!((never, trial.due()), (TrialEvent::NotTold(NotTold::EarlierVersion), None));
        trial.begin(at(3000), None);
        assert_eq!(trial.due(), None, "nobody is to dial us");
    }
}
