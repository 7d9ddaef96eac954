//! Notices that the computer was asleep. tokio's clock stands still in sleep, so a woken program would believe for
//! minutes that its dead connections live.

use std::time::{Duration, Instant, SystemTime};

use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often the two clocks are compared.
const COMPARE_EVERY: Duration = Duration::from_secs(2);
/// A difference below this is a corrected clock, not a sleep.
const JUMP_MIN: Duration = Duration::from_secs(10);

/// Compares the wall clock with the monotonic one. It remembers what it saw last, so waiting for it may be given up and
/// begun again at any time.
#[derive(Debug)]
pub(super) struct ClockWatch {
    ticks: Interval,
    seen: (SystemTime, Instant),
}

impl ClockWatch {
    pub(super) fn new() -> Self {
        let mut ticks = interval(COMPARE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, seen: (SystemTime::now(), Instant::now()) }
    }

    /// Returns after a sleep, or after the wall clock was set forward, which is harmless: the connection is probed. A
    /// program that was stopped for a while shows as a late tick.
    pub(super) async fn jumped(&mut self) {
        loop {
            self.ticks.tick().await;
            let (wall, monotonic) = std::mem::replace(&mut self.seen, (SystemTime::now(), Instant::now()));
            let wall_passed = wall.elapsed().unwrap_or_default();
            let is_late = |passed: Duration| passed.saturating_sub(COMPARE_EVERY) > JUMP_MIN;
            if is_late(wall_passed) || is_late(monotonic.elapsed()) {
                return;
            }
        }
    }
}
