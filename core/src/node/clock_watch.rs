//! Notices that the computer was asleep. tokio's clock stands still in sleep, so a woken program would believe for
//! minutes that its dead connections live.

use std::time::{Duration, Instant, SystemTime};

/// How often the two clocks are compared.
const EVERY: Duration = Duration::from_secs(2);
/// A difference below this is a corrected clock, not a sleep.
const JUMP_MIN: Duration = Duration::from_secs(10);

/// Returns after a sleep, or after the wall clock was set forward, which is harmless: the connection is probed. A
/// program that was stopped for a while shows as a late tick.
pub(super) async fn jumped() {
    loop {
        let (wall, monotonic) = (SystemTime::now(), Instant::now());
        tokio::time::sleep(EVERY).await;
        let wall_passed = wall.elapsed().unwrap_or_default();
        if wall_passed.saturating_sub(EVERY) > JUMP_MIN || monotonic.elapsed().saturating_sub(EVERY) > JUMP_MIN {
            return;
        }
    }
}
