//! When to try again somebody who could not be reached.

use std::time::{Duration, Instant};

/// After the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// After many: somebody who comes back is noticed within half a minute, also without the tracker's word.
const LONGEST: Duration = Duration::from_secs(30);
/// A connection that held this long was a good one; one that flaps does not begin anew each time.
const STABLE: Duration = Duration::from_secs(30);

/// The wait doubles with each failure in a row.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
    until: Option<Instant>,
    connected_at: Option<Instant>,
}

impl Backoff {
    /// A connection stands.
    pub fn connected(&mut self, now: Instant) {
        self.connected_at = Some(now);
        self.until = None;
    }

    /// No connection came about, or it was lost.
    pub fn failed(&mut self, now: Instant) {
        let held = self.connected_at.take().map(|at| now.saturating_duration_since(at));
        if held.is_some_and(|held| held >= STABLE) {
            self.failures = 0;
        }
        let wait = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.until = Some(now + wait);
    }

    /// There is news of them: try at once.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Whether a try is due.
    pub fn is_due(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    /// When the next try is due, if it is not yet.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_and_forgets_only_after_a_stable_time() {
        let mut now = Instant::now();
        let mut backoff = Backoff::default();
        assert!(backoff.is_due(now));
        let mut waits = Vec::new();
        for _ in 0..7 {
            backoff.failed(now);
            let until = backoff.until().expect("waits");
            assert!(!backoff.is_due(now));
            waits.push((until - now).as_secs());
            now = until;
            assert!(backoff.is_due(now));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);

        backoff.connected(now);
        backoff.failed(now + Duration::from_secs(3));
        assert_eq!(backoff.until(), Some(now + Duration::from_secs(33)), "it flaps");
        backoff.connected(now);
        backoff.failed(now + Duration::from_secs(31));
        assert_eq!(backoff.until(), Some(now + Duration::from_secs(32)), "it was stable");
        backoff.reset();
        assert!(backoff.is_due(now));
    }
}
