//! How much is asked of one peer ahead of its answers: enough that the link is never empty, little enough that the
//! bytes are still in the processor's cache when they are read, and that a lost or slow peer holds up little.

use std::time::{Duration, Instant};

/// What is asked before anything is known of the peer: four blocks of an ordinary file.
const FIRST_BYTES: u64 = 1024 * 1024;
/// Never less: one block on its way, one behind it.
const BYTES_MIN: u64 = 512 * 1024;
/// On a near link more does not help: the data leaves the cache before it is copied.
const NEAR_BYTES: u64 = 4 * 1024 * 1024;
/// On a far and fast link. It bounds what may have to be fetched again.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Small files are bounded by their number: below what a peer accepts ([`crate::protocol::peer::OPEN_REQUESTS_MAX`]).
const REQUESTS_MAX: usize = 768;
/// No more is asked of a slow peer than it gives in this time.
const AHEAD: Duration = Duration::from_millis(500);
/// The rate is measured over spans of at least this.
const SPAN: Duration = Duration::from_millis(50);

/// The open requests of one connection, by bytes and by number.
#[derive(Debug)]
pub struct Window {
    limit: u64,
    open_bytes: u64,
    open_requests: usize,
    span_began: Instant,
    span_bytes: u64,
    /// Bytes a second over the last spans.
    rate: Option<f64>,
    /// The shortest time that an answer took: nearly that of the link alone.
    round_trip: Option<Duration>,
    /// What an answer takes usually, waiting behind others included.
    answer_time: Duration,
}

impl Window {
    /// A new connection.
    pub fn new(now: Instant) -> Self {
        Self {
            limit: FIRST_BYTES,
            open_bytes: 0,
            open_requests: 0,
            span_began: now,
            span_bytes: 0,
            rate: None,
            round_trip: None,
            answer_time: Duration::ZERO,
        }
    }

    /// Whether another request fits. One always does, whatever its length.
    pub fn has_room(&self) -> bool {
        self.open_requests == 0 || (self.open_bytes < self.limit && self.open_requests < REQUESTS_MAX)
    }

    /// Whether so much room is free that it is worth filling: requests travel in groups, not one by one.
    pub fn is_worth_filling(&self) -> bool {
        self.open_requests == 0 || (self.open_bytes <= self.limit / 4 * 3 && self.open_requests <= REQUESTS_MAX / 4 * 3)
    }

    /// Nothing is open.
    pub fn is_idle(&self) -> bool {
        self.open_requests == 0
    }

    /// How long this peer takes for an answer at present.
    pub fn answer_time(&self) -> Duration {
        self.answer_time
    }

    /// A request leaves.
    pub fn asked(&mut self, bytes: u64, now: Instant) {
        if self.open_requests == 0 {
            // The pause says nothing about the peer's speed.
            self.span_began = now;
            self.span_bytes = 0;
        }
        self.open_bytes += bytes;
        self.open_requests += 1;
    }

    /// Its answer is here, or none will come.
    pub fn closed(&mut self, bytes: u64) {
        self.open_bytes = self.open_bytes.saturating_sub(bytes);
        self.open_requests = self.open_requests.saturating_sub(1);
    }

    /// Its answer is data that came after `took`.
    pub fn answered(&mut self, bytes: u64, took: Duration, now: Instant) {
        self.closed(bytes);
        self.round_trip = Some(self.round_trip.map_or(took, |shortest| shortest.min(took)));
        self.answer_time = (self.answer_time * 7 + took) / 8;
        self.span_bytes += bytes;
        let span = now.saturating_duration_since(self.span_began);
        if span >= SPAN {
            let sample = self.span_bytes as f64 / span.as_secs_f64();
            self.rate = Some(self.rate.map_or(sample, |rate| (rate + sample) / 2.0));
            self.span_began = now;
            self.span_bytes = 0;
            self.adapt();
        }
    }

    fn adapt(&mut self) {
        let (Some(rate), Some(round_trip)) = (self.rate, self.round_trip) else { return };
        let far = bytes_in(rate, round_trip * 2).clamp(NEAR_BYTES, BYTES_MAX);
        self.limit = bytes_in(rate, AHEAD).clamp(BYTES_MIN, far);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float becomes the nearest u64")]
fn bytes_in(rate: f64, time: Duration) -> u64 {
    (rate * time.as_secs_f64()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u64 = 256 * 1024;

    /// Asks as much as fits and lets a link with this speed and round trip answer, for some time.
    fn limit_after(rate: u64, round_trip: Duration, time: Duration) -> u64 {
        let start = Instant::now();
        let mut now = start;
        let mut window = Window::new(now);
        let mut open = std::collections::VecDeque::new();
        let per_block = Duration::from_secs_f64(BLOCK as f64 / rate as f64);
        let mut free_at = now;
        while now < start + time {
            while window.has_room() {
                window.asked(BLOCK, now);
                free_at = free_at.max(now + round_trip) + per_block;
                open.push_back((now, free_at));
            }
            let (asked, arrives) = open.pop_front().expect("one always fits");
            now = now.max(arrives);
            window.answered(BLOCK, now - asked, now);
        }
        window.limit
    }

    #[test]
    fn fits_the_link() {
        let ms = Duration::from_millis;
        let second = Duration::from_secs(10);
        assert_eq!(limit_after(1 << 30, ms(0), second), NEAR_BYTES, "near and fast");
        assert_eq!(limit_after(100 << 20, ms(1), second), NEAR_BYTES, "a local network");
        assert_eq!(limit_after(100 << 20, ms(200), second), BYTES_MAX, "far and fast");
        assert_eq!(limit_after(100 << 10, ms(20), second), BYTES_MIN, "slow");
        let middle = limit_after(4 << 20, ms(20), second);
        assert!((1 << 20..=4 << 20).contains(&middle), "{middle}");
    }

    #[test]
    fn many_small_files_are_bounded_by_number() {
        let now = Instant::now();
        let mut window = Window::new(now);
        let mut asked = 0;
        while window.has_room() {
            window.asked(100, now);
            asked += 1;
        }
        assert_eq!(asked, REQUESTS_MAX);
        assert!(asked < crate::protocol::peer::OPEN_REQUESTS_MAX);
        assert!(!window.is_worth_filling());
        for _ in 0..asked {
            window.closed(100);
        }
        assert!(window.is_idle() && window.is_worth_filling());
    }
}
