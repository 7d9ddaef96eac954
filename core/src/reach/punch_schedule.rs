//! When one side of an encounter dials, again and again, until the other's dialling gets through.
//!
//! A router that refuses must be met in the moment in which ours has just let the other's packet out, so the first tries
//! come in quick succession; the others are spread over the time that is left, for a side that comes late, or a computer
//! that is busy. There is no clock and no chance in here.

use std::ops::RangeInclusive;
use std::time::Duration;

/// How long both sides dial.
pub const PUNCH_MAX: Duration = Duration::from_secs(8);
/// How often one dials. A system repeats a packet that nobody answers once a second, so no address gets more than a
/// hundred of them: one that we were given by mistake, or in bad faith, is left alone then.
pub const PUNCHES_MAX: u32 = 92;
/// So many come first, each with a pause of up to [`QUICK_PAUSE_MAX`].
const QUICK_TRIES: u32 = 60;
const QUICK_PAUSE_MAX: Duration = Duration::from_millis(8);
/// Between the others, whatever is left of the time.
const SLOW_PAUSE_MIN: Duration = Duration::from_millis(20);

/// The tries of one side.
#[derive(Debug, Default)]
pub struct PunchSchedule {
    tries: u32,
}

impl PunchSchedule {
    /// How long to wait before the next try, which is counted; `None` when it was tried long or often enough. `elapsed` since
    /// both sides were there; `chance` at least 0 and below 1, so that two do not miss each other for ever.
    pub fn next_pause(&mut self, elapsed: Duration, chance: f64) -> Option<Duration> {
        let left = PUNCH_MAX.checked_sub(elapsed).filter(|left| !left.is_zero())?;
        let tries_left = PUNCHES_MAX.checked_sub(self.tries).filter(|left| *left > 0)?;
        let pauses = if self.tries < QUICK_TRIES { Duration::ZERO..=QUICK_PAUSE_MAX } else { slow(left / tries_left) };
        self.tries += 1;
        Some(pauses.start().saturating_add((*pauses.end() - *pauses.start()).mul_f64(chance)).min(left))
    }
}

/// Pauses of this length on the average.
fn slow(mean: Duration) -> RangeInclusive<Duration> {
    SLOW_PAUSE_MIN..=(mean * 2).saturating_sub(SLOW_PAUSE_MIN).max(SLOW_PAUSE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When it is tried, in milliseconds, if each try is refused after so many and chance has always this value.
    fn tries(refused_after_millis: u64, chance: f64) -> Vec<u128> {
        let (mut schedule, mut now, mut tried) = (PunchSchedule::default(), Duration::ZERO, Vec::new());
        while let Some(pause) = schedule.next_pause(now, chance) {
            now += pause;
            tried.push(now.as_millis());
            now += Duration::from_millis(refused_after_millis);
        }
        tried
    }

    #[test]
    fn quick_tries_come_first_and_the_others_until_the_time_is_over() {
        // Refused after, chance, how many tries, how many in the first half second, and how many in the last two.
        for (refused_after, chance, all, first, last) in [
            (0, 0.5, 92, 61, 9),
            (0, 0.25, 92, 62, 3),
            (0, 0.75, 92, 60, 13),
            (40, 0.5, 92, 12, 15),
            (160, 0.5, 49, 4, 12),
            (8000, 0.5, 1, 1, 0),
        ] {
            let tried = tries(refused_after, chance);
            let between = |from, to| tried.iter().filter(|at| (from..to).contains(*at)).count();
            let found = (tried.len(), between(0, 500), between(6000, 8001));
            assert_eq!(found, (all, first, last), "refused after {refused_after} ms, {chance}: {tried:?}");
            assert!(tried.iter().all(|at| *at <= 8000), "{tried:?}");
        }
    }

    #[test]
    fn the_times_of_the_first_tries_are_never_the_same_twice() {
        let pauses = |chance| PunchSchedule::default().next_pause(Duration::ZERO, chance);
        assert_eq!((pauses(0.0), pauses(0.5)), (Some(Duration::ZERO), Some(Duration::from_millis(4))));
        assert_eq!(PunchSchedule::default().next_pause(PUNCH_MAX, 0.5), None, "the time is over");
    }
}
