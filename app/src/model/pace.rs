//! When what is no longer certain is asked for again: soon after a change, and less often while changes go on.

use std::time::{Duration, Instant};

/// Changes that come together are one question.
const FIRST_WAIT: Duration = Duration::from_millis(600);
/// What changes all the time is shown so late at most.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What was not answered is asked for again so much later.
pub const RETRY_AFTER: Duration = Duration::from_secs(3);

/// The pace of one kind of question.
#[derive(Debug, Default)]
pub struct Pace {
    stale_since: Option<Instant>,
    asked_at: Option<Instant>,
    wait: Duration,
}

impl Pace {
    /// Something may have changed.
    pub fn doubt(&mut self, now: Instant) {
        self.stale_since.get_or_insert(now);
    }

    /// Whether something may have changed since it was asked last.
    pub fn is_stale(&self) -> bool {
        self.stale_since.is_some()
    }

    /// Whether it was asked at all.
    pub fn was_asked(&self) -> bool {
        self.asked_at.is_some()
    }

    /// When to ask again; `None`: nothing has changed.
    pub fn due_at(&self) -> Option<Instant> {
        let since = self.stale_since?;
        let soonest = since + FIRST_WAIT;
        Some(self.asked_at.map_or(soonest, |at| soonest.max(at + self.wait)))
    }

    /// Whether it is time.
    pub fn is_due(&self, now: Instant) -> bool {
        self.due_at().is_some_and(|at| at <= now)
    }

    /// It is asked now.
    pub fn asked(&mut self, now: Instant) {
        let is_again = self.asked_at.is_some_and(|at| now.duration_since(at) < 2 * self.wait.max(FIRST_WAIT));
        self.wait = if is_again { (2 * self.wait).min(LONGEST_WAIT) } else { FIRST_WAIT };
        self.asked_at = Some(now);
        self.stale_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_changing_is_asked_for_less_and_less_often() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.due_at(), None);
        let mut at = start;
        let mut waits = Vec::new();
        for _ in 0..8 {
            pace.doubt(at);
            let due = pace.due_at().expect("it is stale");
            assert!(!pace.is_due(due - Duration::from_millis(1)) && pace.is_due(due));
            waits.push((due - at).as_millis());
            at = due;
            pace.asked(at);
            assert!(!pace.is_stale());
        }
        assert_eq!(waits, [600, 600, 1_200, 2_400, 4_800, 9_600, 10_000, 10_000]);
        // After a rest it is quick again.
        at += 3 * LONGEST_WAIT;
        pace.doubt(at);
        assert_eq!(pace.due_at(), Some(at + FIRST_WAIT));
        pace.asked(at + FIRST_WAIT);
        assert_eq!(pace.wait, FIRST_WAIT);
    }
}
