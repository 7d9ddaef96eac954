//! What strangers can have happen as often as they like is told as often as it helps.

use std::time::{Duration, Instant};

/// A log line of a kind, at most so often: else whoever is refused fills the disk.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Counts what happens too often to be logged each time.
#[derive(Debug, Default)]
pub struct Occasional {
    count: u64,
    logged_at: Option<Instant>,
}

impl Occasional {
    /// Notes one; gives the count when it is time for a line.
    pub fn note(&mut self) -> Option<u64> {
        self.count += 1;
        if self.logged_at.is_some_and(|at| at.elapsed() < LOG_EVERY) {
            return None;
        }
        self.logged_at = Some(Instant::now());
        Some(std::mem::take(&mut self.count))
    }
}
