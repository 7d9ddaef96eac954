//! Allowances that are used up and come back with time, one for each address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// An address as far as it stands for one household: the whole of IPv4, the network half of IPv6, in which everybody
/// can choose the other half.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

/// How much may be used at once, and how fast it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The most that can be there.
    pub burst: u64,
    /// What comes back in a second.
    pub per_second: u64,
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

    /// Whether anything is left. What is charged afterwards may go beyond it: the size of an answer is known only then.
    pub fn has_left(&self, now: Instant, address: IpAddr) -> bool {
        let allowance = self.allowance;
        self.used.get(&household(address)).is_none_or(|used| used.later(now, allowance) < allowance.burst)
    }

    /// Takes some of an address's allowance.
    pub fn charge(&mut self, now: Instant, address: IpAddr, amount: u64) {
        self.make_room(now);
        let used = self.used.entry(household(address)).or_insert(Used { amount: 0, at: now });
        *used = Used { amount: used.later(now, self.allowance).saturating_add(amount), at: now };
    }

    fn make_room(&mut self, now: Instant) {
        if self.used.len() >= BUDGET_ADDRESSES_MAX {
            let allowance = self.allowance;
            self.used.retain(|_, used| used.later(now, allowance) > 0);
        }
        // More addresses than that are an attack: then the first ones start anew, and memory stays bounded.
        while self.used.len() >= BUDGET_ADDRESSES_MAX {
            self.used.pop_first();
        }
    }
}

impl Used {
    fn later(self, now: Instant, allowance: Allowance) -> u64 {
        let elapsed: Duration = now.saturating_duration_since(self.at);
        let back = elapsed.as_millis().saturating_mul(u128::from(allowance.per_second)) / 1000;
        self.amount.saturating_sub(u64::try_from(back).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_comes_back() {
        let start = Instant::now();
        let mut budgets = Budgets::new(Allowance { burst: 100, per_second: 10 });
        let (anna, ivan): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        assert!(budgets.has_left(start, anna));
        budgets.charge(start, anna, 150);
        for (seconds, left) in [(0, false), (4, false), (5, false), (6, true), (1000, true)] {
            assert_eq!(budgets.has_left(start + Duration::from_secs(seconds), anna), left, "after {seconds} s");
        }
        assert!(budgets.has_left(start, ivan));
    }

    #[test]
    fn a_household_is_one_address() {
        let parse = |text: &str| text.parse::<IpAddr>().expect(text);
        for (a, b, same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:0:0:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            assert_eq!(household(parse(a)) == household(parse(b)), same, "{a} {b}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let start = Instant::now();
        let mut budgets = Budgets::new(Allowance { burst: 1, per_second: 1 });
        for n in 0..u32::try_from(BUDGET_ADDRESSES_MAX).expect("small") + 10 {
            budgets.charge(start, IpAddr::V4(n.into()), 5);
        }
        assert!(budgets.used.len() <= BUDGET_ADDRESSES_MAX);
    }
}
