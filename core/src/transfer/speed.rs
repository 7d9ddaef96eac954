//! How fast something goes, smoothed so that a person can read it.
//!
//! What comes in blocks over a slow line comes every few seconds; the time between two of them is no standstill. So nothing
//! is said of a pause until it is longer than the ones before it.

use std::time::{Duration, Instant};

/// Half of what is shown is younger than about this.
const SMOOTHING: Duration = Duration::from_secs(2);
/// Shorter spans are counted together: they say nothing about speed.
const SAMPLE: Duration = Duration::from_millis(200);
/// A pause of so many usual ones is a standstill, and so is one of this length.
const USUAL_PAUSES: u32 = 2;
const STANDSTILL: Duration = Duration::from_secs(30);
/// How much of a pause counts on when a shorter one follows: several blocks come in a row, and then those of another file.
const PAUSE_KEPT: f64 = 0.8;

/// A meter of bytes a second.
#[derive(Debug, Clone)]
pub struct Speed {
    since: Instant,
    bytes: u64,
    rate: f64,
    /// How long it took lately until something came again.
    pause: Duration,
    /// For how long nothing has come, as far as that counts already.
    still: Duration,
    /// Before the first sample there is nothing to smooth with.
    fresh: bool,
}

impl Speed {
    /// A speed of nothing, from now on.
    pub fn new(now: Instant) -> Self {
        Self { since: now, bytes: 0, rate: 0.0, pause: Duration::ZERO, still: Duration::ZERO, fresh: true }
    }

    /// Counts bytes that moved.
    pub fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Bytes a second, now. Falls by itself when nothing moves.
    pub fn rate(&mut self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.since);
        let without = self.still + elapsed;
        let is_standstill = without > (self.pause * USUAL_PAUSES).min(STANDSTILL);
        if elapsed >= SAMPLE && (self.bytes > 0 || is_standstill) {
            let sample = self.bytes as f64 / elapsed.as_secs_f64();
            let smoothing = SMOOTHING.max(self.pause).as_secs_f64();
            let weight = if self.fresh { 1.0 } else { 1.0 - (-elapsed.as_secs_f64() / smoothing).exp() };
            // Nothing yet: the first bytes are the first sample.
            self.fresh = self.fresh && self.bytes == 0;
            self.rate += weight * (sample - self.rate);
            if self.bytes > 0 {
                (self.pause, self.still) = (without.max(self.pause.mul_f64(PAUSE_KEPT)), Duration::ZERO);
            } else {
                self.still = without;
            }
            self.since = now;
            self.bytes = 0;
        }
        whole(self.rate)
    }

    /// Forgets the past: what comes next is not compared with it.
    pub fn restart(&mut self, now: Instant) {
        *self = Self::new(now);
    }
}

/// A rate below one byte a second is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float becomes the nearest u64")]
fn whole(rate: f64) -> u64 {
    if rate < 1.0 { 0 } else { rate as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_and_falls() {
        let mut now = Instant::now();
        let mut speed = Speed::new(now);
        for _ in 0..20 {
            now += Duration::from_millis(250);
            speed.add(250_000);
            let rate = speed.rate(now);
            assert!((999_000..=1_000_001).contains(&rate), "{rate}");
        }
        now += Duration::from_secs(20);
        assert!(speed.rate(now) < 1_000);
        speed.restart(now);
        assert_eq!(speed.rate(now), 0);
    }

    #[test]
    fn blocks_that_come_now_and_then_are_a_steady_speed() {
        // A block of 256 KiB every so many looks, four looks a second.
        for looks in [2_u32, 4, 12, 26] {
            let mut now = Instant::now();
            let mut speed = Speed::new(now);
            let steady = 262_144.0 / (f64::from(looks) * 0.25);
            for look in 1..=looks * 25 {
                now += Duration::from_millis(250);
                if look.is_multiple_of(looks) {
                    speed.add(262_144);
                }
                let rate = speed.rate(now) as f64;
                assert!(look < looks * 20 || (0.9..1.1).contains(&(rate / steady)), "{rate} of {steady} at {looks}");
            }
            for _ in 0..800 {
                now += Duration::from_millis(250);
                speed.rate(now);
            }
            assert_eq!(speed.rate(now), 0, "then it stands still");
        }
    }

    /// Two files of one slow source: four blocks of one, four of the other.
    #[test]
    fn blocks_in_turns_with_others_are_no_standstill() {
        let mut now = Instant::now();
        let mut speed = Speed::new(now);
        for second in 0..600 {
            now += Duration::from_secs(1);
            if second % 48 < 24 && second % 6 == 0 {
                speed.add(262_144);
            }
            let rate = speed.rate(now) as f64 / (262_144.0 / 12.0);
            assert!(second < 200 || (0.4..2.5).contains(&rate), "{rate} of the mean, after {second} s");
        }
    }
}
