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
    /// Sent away for a short while; else it is a ban.
    pub is_sent_away: bool,
    /// Whole minutes until they may come back; none if nobody has said.
    pub minutes_left: Option<u64>,
    /// What the owner says of why.
    pub reason: Option<Remark>,
}

const SHUT_OUT: &str = "the owner of this tracker has shut you out";
const SENT_AWAY: &str = "the owner of this tracker has sent you away";
const MINUTES: (&str, &str) = ("; you may come back in ", " minutes");
const REASON: &str = "; reason: ";

impl ShutOut {
    /// Reads the text of an `ERR banned`, or the reason of a `closing`; none if it says something else.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = |sentence| text.strip_prefix(sentence);
        let (is_sent_away, mut rest) =
            rest(SHUT_OUT).map(|rest| (false, rest)).or_else(|| rest(SENT_AWAY).map(|rest| (true, rest)))?;
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
        Some(Self { is_sent_away, minutes_left, reason })
    }
}

impl fmt::Display for ShutOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_sent_away { SENT_AWAY } else { SHUT_OUT })?;
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
        let reason = |text: &str| Some(Remark::new(text).expect(text));
        for (is_sent_away, minutes_left, reason, text) in [
            (false, None, None, "the owner of this tracker has shut you out"),
            (true, Some(10), None, "the owner of this tracker has sent you away; you may come back in 10 minutes"),
            (
                false,
                Some(3),
                reason("a; reason: b"),
                "the owner of this tracker has shut you out; you may come back in 3 \
              minutes; reason: a; reason: b",
            ),
            (false, None, reason("груб"), "the owner of this tracker has shut you out; reason: груб"),
        ] {
            let told = ShutOut { is_sent_away, minutes_left, reason };
            assert_eq!(told.to_string(), text);
            assert_eq!(ShutOut::parse(text), Some(told));
            assert!(shuts_out(text));
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
