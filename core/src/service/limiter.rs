//! A speed limit that tasks wait for. One for each direction, shared by all connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::transfer::rate::Bucket;

/// What moves at once under a limit: pieces small enough that many connections share it evenly.
const PIECE_BYTES_MAX: u64 = 64 * 1024;
/// So slow a limit still moves something each time.
const PIECE_BYTES_MIN: u64 = 512;

/// Bytes a second, changed at any time.
#[derive(Debug)]
pub struct Limiter {
    /// Most have no limit; they need not ask the bucket.
    is_limited: AtomicBool,
    bucket: Mutex<Bucket>,
    changed: Notify,
}

impl Limiter {
    /// A limit in bytes a second; 0 is none.
    pub fn new(rate: u64) -> Self {
        Self {
            is_limited: AtomicBool::new(rate > 0),
            bucket: Mutex::new(Bucket::new(rate, now())),
            changed: Notify::new(),
        }
    }

    /// Another limit, which holds at once, also for those who wait.
    pub fn set(&self, rate: u64) {
        self.is_limited.store(rate > 0, Ordering::Relaxed);
        self.bucket.lock().set_rate(rate, now());
        self.changed.notify_waiters();
    }

    /// How many of `bytes` are best moved in one piece.
    pub fn piece(&self, bytes: usize) -> usize {
        if !self.is_limited.load(Ordering::Relaxed) {
            return bytes;
        }
        match self.bucket.lock().rate() {
            0 => bytes,
            rate => {
                let piece = (rate / 20).clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX);
                bytes.min(usize::try_from(piece).unwrap_or(bytes))
            }
        }
    }

    /// Waits until something may move. Count what does with [`Limiter::spend`].
    pub async fn ready(&self) {
        while self.is_limited.load(Ordering::Relaxed) {
            let changed = self.changed.notified();
            let wait = self.bucket.lock().wait(now());
            if wait.is_zero() {
                return;
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = changed => {}
            }
        }
    }

    /// Counts bytes that moved.
    pub fn spend(&self, bytes: usize) {
        if self.is_limited.load(Ordering::Relaxed) {
            self.bucket.lock().spend(bytes);
        }
    }
}

/// Tokio's clock, which tests can turn.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_kept_and_a_change_wakes_those_who_wait() {
        let limiter = Limiter::new(1000);
        let begun = now();
        for _ in 0..10 {
            limiter.ready().await;
            limiter.spend(1000);
        }
        let took = now() - begun;
        assert!((Duration::from_secs(8)..=Duration::from_secs(10)).contains(&took), "{took:?}");

        limiter.spend(1_000_000);
        let begun = now();
        tokio::join!(limiter.ready(), async {
            sleep(Duration::from_secs(1)).await;
            limiter.set(0);
        });
        assert_eq!(now() - begun, Duration::from_secs(1));
        assert_eq!(limiter.piece(1 << 30), 1 << 30);
        limiter.set(1);
        assert_eq!(limiter.piece(1 << 30), 512);
    }
}
