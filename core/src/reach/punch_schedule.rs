//! When one side of an encounter dials, again and again, until the other's dialling gets through.
//!
//! A router that refuses must be met in the moment in which ours has just let the other's packet out: both packets must be
//! under way at once. The faster a refusal is back, the shorter that moment, and the shorter the pause before the next try,
//! so that as many tries meet however near the two are. The first tries come in quick succession; the others are spread
//! over the time that is left, for a side that comes late, or a computer that is busy. There is no clock and no chance in
//! here.

use std::ops::RangeInclusive;
use std::time::Duration;

/// How long both sides dial.
pub const PUNCH_MAX: Duration = Duration::from_secs(8);
/// How often one dials. A system repeats a packet that nobody answers once a second, so no address gets more than a
/// hundred of them: one that we were given by mistake, or in bad faith, is left alone then.
pub const PUNCHES_MAX: u32 = 92;
/// So many come first, each with a pause of up to [`QUICK_PAUSE_MAX`]; and of them so many with a pause that is no longer
/// than some times what the refusal took.
const QUICK_TRIES: u32 = 60;
const NEAR_TRIES: u32 = 40;
const QUICK_PAUSE_MAX: Duration = Duration::from_millis(8);
const PAUSE_OF_REFUSAL: u32 = 4;
/// Between the others, whatever is left of the time.
const SLOW_PAUSE_MIN: Duration = Duration::from_millis(20);

/// The tries of one side.
#[derive(Debug, Default)]
pub struct PunchSchedule {
    tries: u32,
}

impl PunchSchedule {
    /// How long to wait before the next try, which is counted; `None` when it was tried long or often enough. `elapsed` since
    /// both sides were there, `refused_after`: what the refusal of the last try took; `chance` at least 0 and below 1, so that
    /// two do not miss each other for ever.
    pub fn next_pause(&mut self, elapsed: Duration, refused_after: Option<Duration>, chance: f64) -> Option<Duration> {
        let left = PUNCH_MAX.checked_sub(elapsed).filter(|left| !left.is_zero())?;
        let tries_left = PUNCHES_MAX.checked_sub(self.tries).filter(|left| *left > 0)?;
        let pauses = match self.tries {
            0..NEAR_TRIES => {
                // Both are told at the same moment: the first try is made in it.
                let near = refused_after.map_or(Duration::ZERO, |took| took * PAUSE_OF_REFUSAL);
                Duration::ZERO..=near.min(QUICK_PAUSE_MAX)
            }
            NEAR_TRIES..QUICK_TRIES => Duration::ZERO..=QUICK_PAUSE_MAX,
            _ => slow(left / tries_left),
        };
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

    /// When it is tried if each try is refused after so long.
    fn tries(refused_after: Duration, mut chance: impl FnMut() -> f64) -> Vec<Duration> {
        let (mut schedule, mut now, mut tried) = (PunchSchedule::default(), Duration::ZERO, Vec::new());
        let mut took = None;
        while let Some(pause) = schedule.next_pause(now, took, chance()) {
            now += pause;
            tried.push(now);
            now += refused_after;
            took = Some(refused_after);
        }
        tried
    }

    #[test]
    fn quick_tries_come_first_and_the_others_until_the_time_is_over() {
        // Refused after, chance, how many tries, how many in the first half second, and how many in the last two.
        for (refused_after, chance, all, first, last) in [
            (0, 0.5, 92, 61, 9),
            (0, 0.25, 92, 63, 3),
            (0, 0.75, 92, 61, 13),
            (40, 0.5, 92, 12, 15),
            (160, 0.5, 49, 4, 12),
            (8000, 0.5, 1, 1, 0),
        ] {
            let tried = tries(Duration::from_millis(refused_after), || chance);
            let tried: Vec<u128> = tried.iter().map(Duration::as_millis).collect();
            let between = |from, to| tried.iter().filter(|at| (from..to).contains(*at)).count();
            let found = (tried.len(), between(0, 500), between(6000, 8001));
            assert_eq!(found, (all, first, last), "refused after {refused_after} ms, {chance}: {tried:?}");
            assert!(tried.iter().all(|at| *at <= 8000), "{tried:?}");
        }
    }

    #[test]
    fn the_times_of_the_first_tries_are_never_the_same_twice() {
        let pauses = |refused_after, chance| PunchSchedule::default().next_pause(Duration::ZERO, refused_after, chance);
        let after = |micros| Some(Duration::from_micros(micros));
        assert_eq!(pauses(None, 0.5), Some(Duration::ZERO), "both are told in the same moment");
        assert_eq!((pauses(after(100), 0.0), pauses(after(100), 0.5)), (after(0), after(200)), "the next router");
        assert_eq!(pauses(after(40_000), 0.5), after(4000), "a far one");
        assert_eq!(PunchSchedule::default().next_pause(PUNCH_MAX, None, 0.5), None, "the time is over");
    }

    /// Two routers that refuse: they let through what meets their own packet under way. However near the two are, and
    /// though one begins a little later.
    #[test]
    fn two_that_refuse_are_met_at_every_distance() {
        // Between the two, and how much later one begins at most, in microseconds.
        for (one_way, later_max) in
            [(30, 200), (30, 3000), (100, 3000), (1000, 5000), (5000, 20_000), (80_000, 100_000)]
        {
            let (one_way, mut met) = (Duration::from_micros(one_way), 0);
            for seed in 0..200_u64 {
                let mut noise = seed * 7919 + 1;
                let mut chance = || {
                    noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    f64::from(u32::try_from(noise >> 32).expect("32 bits")) / f64::from(u32::MAX) * 0.999
                };
                let later = Duration::from_micros(later_max).mul_f64(chance());
                // No system is always equally fast.
                let busy = |tries: Vec<Duration>, chance: &mut dyn FnMut() -> f64| -> Vec<Duration> {
                    tries.iter().map(|at| *at + Duration::from_micros(50).mul_f64(chance())).collect()
                };
                let (one, other) = (tries(one_way * 2, &mut chance), tries(one_way * 2, &mut chance));
                let (one, other) = (busy(one, &mut chance), busy(other, &mut chance));
                met += u32::from(one.iter().any(|at| other.iter().any(|then| at.abs_diff(*then + later) < one_way)));
            }
            assert!(met >= 198, "{one_way:?} apart, {later_max} µs later: {met} of 200");
        }
    }
}
