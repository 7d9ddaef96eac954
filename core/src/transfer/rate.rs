//! A speed limit as a token bucket. It says how long to wait; waiting is the caller's part.
//!
//! Ours and not the crate `governor`: there a quota is fixed when the limiter is made (another one would forget who waits
//! and let a burst through), more than a burst at once is refused, and bytes are asked for before they move. Here a rate
//! changes while transfers run, and what a socket took is counted when it is known, beyond what there was, as a debt.

use std::time::{Duration, Instant};

/// What may move at once after a pause, as a time at full speed: short enough that a limit is kept within every second.
const BURST: Duration = Duration::from_millis(100);

/// One direction's limit, shared by all transfers.
#[derive(Debug)]
pub struct Bucket {
    /// Bytes a second; 0 is no limit.
    rate: u64,
    /// What may move now, in bytes. Below zero is a debt that time pays.
    balance: f64,
    refilled_at: Instant,
}

impl Bucket {
    /// A bucket that begins empty. A rate of 0 bytes a second is no limit.
    pub fn new(rate: u64, now: Instant) -> Self {
        Self { rate, balance: 0.0, refilled_at: now }
    }

    /// Takes another limit at once. What was saved or owed under the old one is forgotten.
    pub fn set_rate(&mut self, rate: u64, now: Instant) {
        if rate != self.rate {
            *self = Self::new(rate, now);
        }
    }

    /// Bytes a second; 0 is no limit.
    pub fn rate(&self) -> u64 {
        self.rate
    }

    /// How long until the next bytes may move; zero is now.
    pub fn wait(&mut self, now: Instant) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        let rate = self.rate as f64;
        let elapsed = now.saturating_duration_since(self.refilled_at);
        self.refilled_at = now;
        self.balance = (self.balance + rate * elapsed.as_secs_f64()).min(rate * BURST.as_secs_f64());
        // A limit of a few bytes a second still says "in a while", never "in a year".
        let seconds = (-self.balance / rate).clamp(0.0, 60.0);
        if self.balance < 0.0 { Duration::from_secs_f64(seconds).max(Duration::from_millis(1)) } else { Duration::ZERO }
    }

    /// Counts bytes that move now.
    pub fn spend(&mut self, bytes: usize) {
        if self.rate > 0 {
            self.balance -= bytes as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moves pieces whenever it may, for some virtual time.
    fn moved(bucket: &mut Bucket, mut now: Instant, piece: usize, time: Duration) -> usize {
        let end = now + time;
        let mut bytes = 0;
        while now < end {
            match bucket.wait(now) {
                Duration::ZERO => {
                    bucket.spend(piece);
                    bytes += piece;
                }
                wait => now += wait,
            }
        }
        bytes
    }

    #[test]
    fn keeps_the_rate() {
        let start = Instant::now();
        for rate in [1_000usize, 1_000_000, 100_000_000] {
            for piece in [rate / 100, rate / 10, rate] {
                let mut bucket = Bucket::new(rate as u64, start);
                let bytes = moved(&mut bucket, start, piece, Duration::from_secs(10));
                assert!(bytes <= rate * 10 + rate / 10 + 2 * piece, "{bytes} at {rate}");
                assert!(bytes + rate / 10 + piece >= rate * 10, "{bytes} at {rate}");
            }
        }
    }

    #[test]
    fn no_limit_and_a_changed_limit_hold_at_once() {
        let start = Instant::now();
        let mut bucket = Bucket::new(0, start);
        bucket.spend(1 << 40);
        assert_eq!(bucket.wait(start), Duration::ZERO);
        bucket.set_rate(1000, start);
        bucket.spend(1 << 30);
        assert_eq!(bucket.wait(start), Duration::from_secs(60));
        bucket.set_rate(0, start);
        assert_eq!(bucket.wait(start), Duration::ZERO, "an old debt does not outlive its limit");
    }
}
