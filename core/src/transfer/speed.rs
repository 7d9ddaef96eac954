//! How fast something goes, smoothed so that a person can read it.

use std::time::{Duration, Instant};

/// Half of what is shown is younger than about this.
const SMOOTHING: Duration = Duration::from_secs(2);
/// Shorter spans are counted together: they say nothing about speed.
const SAMPLE: Duration = Duration::from_millis(200);

/// A meter of bytes a second.
#[derive(Debug, Clone)]
pub struct Speed {
    since: Instant,
    bytes: u64,
    rate: f64,
    /// Before the first sample there is nothing to smooth with.
    fresh: bool,
}

impl Speed {
    /// A speed of nothing, from now on.
    pub fn new(now: Instant) -> Self {
        Self { since: now, bytes: 0, rate: 0.0, fresh: true }
    }

    /// Counts bytes that moved.
    pub fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Bytes a second, now. Falls by itself when nothing moves.
    pub fn rate(&mut self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= SAMPLE {
            let sample = self.bytes as f64 / elapsed.as_secs_f64();
            let weight = if self.fresh { 1.0 } else { 1.0 - (-elapsed.as_secs_f64() / SMOOTHING.as_secs_f64()).exp() };
            // Nothing yet: the first bytes are the first sample.
            self.fresh = self.fresh && self.bytes == 0;
            self.rate += weight * (sample - self.rate);
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
}
