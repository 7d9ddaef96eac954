//! When a better way than the one that carries is looked for. The connection goes on meanwhile.

use std::time::{Duration, Instant};

use crate::model::way::Way;

/// After how long it is tried again at first: a router that was asleep, a mapping that comes late, somebody who has come
/// home. In milliseconds.
const FIRST_MILLIS: [u64; 3] = [5_000, 15_000, 60_000];
/// And then how often.
const EVERY: Duration = Duration::from_secs(300);

/// When it is tried to reach somebody by a better way.
#[derive(Debug, Clone, Copy)]
pub struct Upgrades {
    began: Instant,
    tries: u32,
    /// None: no other way carries more.
    due: Option<Instant>,
}

impl Upgrades {
    /// A connection stands, which came about like this. All ways but the relay go from one to the other: no other of them
    /// carries more.
    pub fn new(way: Way, now: Instant) -> Self {
        let mut this = Self { began: now, tries: 0, due: None };
        this.due = (way == Way::Relayed).then(|| this.after(0));
        this
    }

    /// When it is tried next.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Whether it is to be tried now; then the next time is later.
    pub fn take_due(&mut self, now: Instant) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.tries += 1;
            // A computer that was asleep does not catch up on what it missed.
            while self.after(self.tries) <= now {
                self.tries += 1;
            }
            self.due = Some(self.after(self.tries));
        }
        is_due
    }

    /// This computer is in another network, or was asleep: what failed before may go now.
    pub fn network_changed(&mut self, now: Instant) {
        if self.due.is_some() {
            *self = Self { began: now, tries: 0, due: Some(now) };
        }
    }

    /// When it is tried after so many tries.
    fn after(&self, tries: u32) -> Instant {
        let first = |at: u32| FIRST_MILLIS.get(usize::try_from(at).unwrap_or(usize::MAX));
        let last = Duration::from_millis(FIRST_MILLIS[FIRST_MILLIS.len() - 1]);
        let more = tries.saturating_sub(u32::try_from(FIRST_MILLIS.len()).unwrap_or(u32::MAX)).saturating_add(1);
        self.began + first(tries).map_or_else(|| last + EVERY * more, |millis| Duration::from_millis(*millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which it is tried.
    fn tried(upgrades: &mut Upgrades, start: Instant, until: u64) -> Vec<u64> {
        let mut at = Vec::new();
        while let Some(due) = upgrades.next_deadline().filter(|due| *due <= start + Duration::from_secs(until)) {
            assert!(!upgrades.take_due(due - Duration::from_millis(1)) && upgrades.take_due(due));
            at.push((due - start).as_secs());
        }
        at
    }

    #[test]
    fn often_at_first_and_then_now_and_again() {
        let start = Instant::now();
        let mut relayed = Upgrades::new(Way::Relayed, start);
        assert_eq!(tried(&mut relayed, start, 1000), [5, 15, 60, 360, 660, 960]);
        relayed.network_changed(start + Duration::from_secs(1000));
        assert_eq!(tried(&mut relayed, start, 1100), [1000, 1015, 1060]);
        let awake = start + Duration::from_secs(100_000);
        assert!(relayed.take_due(awake) && !relayed.take_due(awake), "once after a long sleep");
        assert!(relayed.next_deadline().is_some_and(|due| due > awake && due <= awake + EVERY));
    }

    #[test]
    fn what_goes_from_one_to_the_other_is_left_as_it_is() {
        let start = Instant::now();
        for way in Way::ALL.into_iter().filter(|way| *way != Way::Relayed) {
            let mut upgrades = Upgrades::new(way, start);
            upgrades.network_changed(start);
            assert_eq!(tried(&mut upgrades, start, 10_000), [0; 0], "{way:?}");
        }
    }
}
