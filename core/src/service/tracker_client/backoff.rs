//! How long to wait before the next try.

use std::time::Duration;

use rand::RngExt;

/// The first wait is at most this, so that a restart of the tracker is hardly noticed.
const FIRST: Duration = Duration::from_secs(1);
/// No wait is longer: people expect to be back half a minute after the tracker is.
const LONGEST: Duration = Duration::from_secs(20);
/// A session that lasted this long was a good one: the next loss begins anew.
const STABLE_AFTER: Duration = Duration::from_secs(30);

/// Doubles the bound at each failure and draws the wait below it at random, so that a thousand clients of a restarted
/// tracker do not come back in the same second.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure.
    pub(super) fn next_wait(&mut self) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        rand::rng().random_range(Duration::ZERO..=bound)
    }

    /// A session ended. A link that flaps every few seconds does not count as mended.
    pub(super) fn session_lasted(&mut self, time: Duration) {
        if time >= STABLE_AFTER {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_anew() {
        let mut backoff = Backoff::default();
        let mut bound = FIRST;
        for _ in 0..50 {
            assert!(backoff.next_wait() <= bound);
            bound = (bound * 2).min(LONGEST);
        }
        backoff.session_lasted(Duration::from_secs(3));
        assert!(backoff.failures > 0, "a flapping link goes on waiting");
        backoff.session_lasted(STABLE_AFTER);
        assert!(backoff.next_wait() <= FIRST);
    }
}
