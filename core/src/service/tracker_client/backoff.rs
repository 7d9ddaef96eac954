//! How long to wait before the next try.

use std::time::{Duration, Instant};

use rand::RngExt;

/// The first waits are at most this, so that a restart of the tracker is hardly noticed.
const RECONNECT_WAIT_MIN: Duration = Duration::from_secs(3);
/// No wait is longer: people expect to be back half a minute after the tracker is, and one try may fail in the crowd.
const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(14);
/// A session that lasted this long was a good one: the next loss begins anew.
const SESSION_STABLE_AFTER: Duration = Duration::from_secs(30);

/// Draws each wait at random below a bound that grows with the time since the last good session, so that a thousand
/// clients of a restarted tracker do not come back in the same second. It does not grow with the number of failures:
/// those few who knocked too early would come long after all others, who come in a crowd.
#[derive(Debug, Default)]
pub(super) struct ReconnectBackoff {
    troubled_since: Option<Instant>,
}

impl ReconnectBackoff {
    /// The wait after one more failure.
    pub(super) fn next_wait(&mut self, now: Instant) -> Duration {
        rand::rng().random_range(Duration::ZERO..=self.bound(now))
    }

    /// A session ended. Whether it was a good one: a link that flaps every few seconds does not count as mended.
    pub(super) fn session_lasted(&mut self, time: Duration) -> bool {
        let was_good = time >= SESSION_STABLE_AFTER;
        if was_good {
            self.troubled_since = None;
        }
        was_good
    }

    fn bound(&mut self, now: Instant) -> Duration {
        let since = *self.troubled_since.get_or_insert(now);
        now.saturating_duration_since(since).clamp(RECONNECT_WAIT_MIN, RECONNECT_WAIT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_with_the_time_to_a_bound_and_begin_anew() {
        let mut backoff = ReconnectBackoff::default();
        let begun = Instant::now();
        for (after, bound) in [(0, 3), (1, 3), (3, 3), (5, 5), (12, 12), (14, 14), (15, 14), (90_000, 14)] {
            let now = begun + Duration::from_secs(after);
            assert_eq!(backoff.bound(now), Duration::from_secs(bound), "after {after} s");
            assert!(backoff.next_wait(now) <= Duration::from_secs(bound));
        }
        let now = begun + Duration::from_secs(100_000);
        assert!(!backoff.session_lasted(Duration::from_secs(3)));
        assert_eq!(backoff.bound(now), RECONNECT_WAIT_MAX, "a flapping link goes on waiting");
        assert!(backoff.session_lasted(SESSION_STABLE_AFTER));
        assert_eq!(backoff.bound(now), RECONNECT_WAIT_MIN);
    }
}
