//! Allowances that are used up and come back with time, one for each address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::model::household::household;

/// How much may be used at once, and how fast it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The most that can be there.
    pub burst: u64,
    /// What comes back in an hour.
    pub per_hour: u64,
}

/// What each address has used of its allowance.
#[derive(Debug)]
pub struct Budgets {
    allowance: Allowance,
    used: BTreeMap<IpAddr, Used>,
}

#[derive(Debug, Clone, Copy)]
struct Used {
    amount: u64,
    at: Instant,
}

/// Most addresses that are remembered; those whose allowance is whole again are forgotten first.
const BUDGET_ADDRESSES_MAX: usize = 65_536;

impl Budgets {
    /// Nobody has used anything.
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, used: BTreeMap::new() }
    }

    /// Gives everybody another allowance from now on.
    pub fn set_allowance(&mut self, allowance: Allowance) {
        self.allowance = allowance;
    }

    /// Whether anything is left. What is charged afterwards may go beyond it: the size of an answer is known only then.
    pub fn has_left(&self, now: Instant, address: IpAddr) -> bool {
        let allowance = self.allowance;
        self.used.get(&household(address)).is_none_or(|used| used.later(now, allowance).amount < allowance.burst)
    }

    /// Takes some of an address's allowance.
    pub fn charge(&mut self, now: Instant, address: IpAddr, amount: u64) {
        self.make_room(now);
        let used = self.used.entry(household(address)).or_insert(Used { amount: 0, at: now });
        *used = used.later(now, self.allowance);
        used.amount = used.amount.saturating_add(amount);
    }

    fn make_room(&mut self, now: Instant) {
        if self.used.len() >= BUDGET_ADDRESSES_MAX {
            let allowance = self.allowance;
            self.used.retain(|_, used| used.later(now, allowance).amount > 0);
        }
        // More addresses than that are an attack: then the first ones start anew, and memory stays bounded.
        while self.used.len() >= BUDGET_ADDRESSES_MAX {
            self.used.pop_first();
        }
    }
}

impl Used {
    /// What is used of it after some time. Time in which nothing whole has come back yet is kept.
    fn later(self, now: Instant, allowance: Allowance) -> Self {
        const HOUR_MILLIS: u128 = 3_600_000;
        let per_hour = u128::from(allowance.per_hour.max(1));
        let elapsed = now.saturating_duration_since(self.at).as_millis();
        let back = elapsed.saturating_mul(per_hour) / HOUR_MILLIS;
        let amount = self.amount.saturating_sub(u64::try_from(back).unwrap_or(u64::MAX));
        if amount == 0 {
            return Self { amount, at: now };
        }
        let used_up = u64::try_from(back.saturating_mul(HOUR_MILLIS) / per_hour).unwrap_or(u64::MAX);
        Self { amount, at: self.at + Duration::from_millis(used_up) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_comes_back() {
        let start = Instant::now();
        let mut budgets = Budgets::new(Allowance { burst: 100, per_hour: 36_000 });
        let (anna, ivan): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        assert!(budgets.has_left(start, anna));
        budgets.charge(start, anna, 150);
        for (seconds, left) in [(0, false), (4, false), (5, false), (6, true), (1000, true)] {
            assert_eq!(budgets.has_left(start + Duration::from_secs(seconds), anna), left, "after {seconds} s");
        }
        assert!(budgets.has_left(start, ivan));
    }

    #[test]
    fn little_comes_back_as_well_however_often_one_asks() {
        let start = Instant::now();
        let mut budgets = Budgets::new(Allowance { burst: 2, per_hour: 60 });
        let anna: IpAddr = [192, 0, 2, 1].into();
        let mut taken = 0;
        for seconds in (0..3600).step_by(7) {
            let now = start + Duration::from_secs(seconds);
            if budgets.has_left(now, anna) {
                budgets.charge(now, anna, 1);
                taken += 1;
            }
        }
        assert_eq!(taken, 61, "two at once, then one a minute");
    }

    #[test]
    fn memory_is_bounded() {
        let start = Instant::now();
        let mut budgets = Budgets::new(Allowance { burst: 1, per_hour: 3600 });
        for n in 0..u32::try_from(BUDGET_ADDRESSES_MAX).expect("small") + 10 {
            budgets.charge(start, IpAddr::V4(n.into()), 5);
        }
        assert!(budgets.used.len() <= BUDGET_ADDRESSES_MAX);
    }
}
