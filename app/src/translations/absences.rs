//! One of each reason why a tracker is away.

use potok_core::model::absence::AbsenceReason;
use potok_core::model::proxy::ProxyFault;

pub(super) fn absences() -> Vec<AbsenceReason> {
    use AbsenceReason as Why;
    vec![
        Why::NotYet,
        Why::JustLost,
        Why::Silent,
        Why::Ended,
        Why::Left,
        Why::FaultyLine,
        Why::FaultyList,
        Why::EndlessList,
        Why::TooMuch,
        Why::Unasked,
        Why::NoSuchHost,
        Why::NotATracker,
        Why::CutOff,
        Why::OtherVersion(2),
        Why::ProxyAway { proxy: "h:1".into(), why: "x".into() },
        Why::ProxyRefused { proxy: "h:1".into(), why: ProxyFault::Login },
        Why::Closed("x".into()),
        Why::Told("x".into()),
    ]
}
