//! What somebody reads who is shut out or sent away: a sentence for people whose parts a program reads back, so that it
//! can be told in the reader's own language.
//!
//! ```text
//! text = sentence [ "; you may come back in " n " minutes" ] [ "; reason: " reason ]
//! ```

use std::fmt;

use crate::model::ban_terms::Remark;

/// Who is refused, for how long, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutOut {
    /// What has happened.
    pub kind: ShutOutKind,
    /// Whole minutes until they may come back; none if nobody has said.
    pub minutes_left: Option<u64>,
    /// What the owner says of why.
    pub reason: Option<Remark>,
}

/// In which way somebody is not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutOutKind {
    /// They are banned.
    Banned,
    /// They are to stay away for a short while.
    SentAway,
    /// Their session is ended, and they may come back at once.
    Ended,
}

impl ShutOutKind {
    const ALL: [Self; 3] = [Self::Banned, Self::SentAway, Self::Ended];

    fn sentence(self) -> &'static str {
        match self {
            Self::Banned => SHUT_OUT,
            Self::SentAway => SENT_AWAY,
            Self::Ended => ENDED,
        }
    }
}

const SHUT_OUT: &str = "the owner of this tracker has shut you out";
const SENT_AWAY: &str = "the owner of this tracker has sent you away";
const ENDED: &str = "the owner of this tracker has ended this session";
const MINUTES: (&str, &str) = ("; you may come back in ", " minutes");
const REASON: &str = "; reason: ";

impl ShutOut {
    /// Reads the text of an `ERR banned`, or the reason of a `closing`; none if it says something else.
    pub fn parse(text: &str) -> Option<Self> {
        let begun = |kind: ShutOutKind| text.strip_prefix(kind.sentence()).map(|rest| (kind, rest));
        let (kind, mut rest) = ShutOutKind::ALL.into_iter().find_map(begun)?;
        let mut minutes_left = None;
        if let Some((digits, behind)) = rest.strip_prefix(MINUTES.0).and_then(|rest| rest.split_once(MINUTES.1)) {
            minutes_left = Some(digits.parse().ok()?);
            rest = behind;
        }
        let reason = match rest.strip_prefix(REASON) {
            Some(reason) => Some(Remark::new(reason).ok()?),
            None if rest.is_empty() => None,
            None => return None,
        };
        Some(Self { kind, minutes_left, reason })
    }
}

impl fmt::Display for ShutOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.sentence())?;
        if let Some(minutes) = self.minutes_left {
            write!(f, "{}{minutes}{}", MINUTES.0, MINUTES.1)?;
        }
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, "{REASON}{reason}"))
    }
}

/// Whether this reason of a `closing` says that it is of no use to come again, also in the words of a later tracker.
pub fn shuts_out(reason: &str) -> bool {
    reason.starts_with(SHUT_OUT) || reason.starts_with(SENT_AWAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        use ShutOutKind::*;
        let reason = |text: &str| Some(Remark::new(text).expect(text));
        for (kind, minutes_left, reason, text) in [
            (Banned, None, None, "the owner of this tracker has shut you out"),
            (SentAway, Some(10), None, "the owner of this tracker has sent you away; you may come back in 10 minutes"),
            (
                Banned,
                Some(3),
                reason("a; reason: b"),
                "the owner of this tracker has shut you out; you may come back in 3 \
              minutes; reason: a; reason: b",
            ),
            (Ended, None, reason("late"), "the owner of this tracker has ended this session; reason: late"),
            (Banned, None, reason("груб"), "the owner of this tracker has shut you out; reason: груб"),
        ] {
            let told = ShutOut { kind, minutes_left, reason };
            assert_eq!(told.to_string(), text);
            assert_eq!(ShutOut::parse(text), Some(told));
            assert_eq!(shuts_out(text), kind != Ended);
        }
        for other in [
            "",
            "taken over by a new connection",
            "the owner of this tracker has shut you out of the house",
            "the owner of this tracker has shut you out; you may come back in x minutes",
            "the owner of this tracker has sent you away; reason: ",
        ] {
            assert_eq!(ShutOut::parse(other), None, "{other}");
        }
    }
}
