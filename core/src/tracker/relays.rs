//! Who may have the tracker carry their bytes: how many relays there are, and how much went through them on one day. Who
//! asked to meet somebody is the one whom it is counted for. How fast it may go is in [`super::relay_shares`].

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::model::household::household;
use crate::model::key::PublicKey;
use crate::model::relaying::RelayOffer;
use crate::model::username::Username;

/// What one household may have at most, as a multiple of what one user may: a family, and not one person with many keys.
const USERS_OF_HOUSEHOLD: u32 = 4;
/// How long what was used counts, from the first byte on.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Most keys, and most households, whose day is remembered. More of them are an attack: the first ones start anew, and
/// memory stays bounded.
const DAYS_MAX: usize = 65_536;

/// One relay. Numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayId(u64);

/// What the tracker's owner offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayLimits {
    /// Whether anything is carried at all.
    pub is_on: bool,
    /// All relays together, both directions.
    pub bytes_per_second: u64,
    /// For one user in 24 hours, both directions.
    pub bytes_per_user_day: u64,
    /// Relays at one time.
    pub in_all: usize,
    /// Of them, those of one user.
    pub per_user: usize,
    /// A relay that carries nothing ends after this time.
    pub idle_max: Duration,
}

/// What a relay has carried for somebody on their day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayUse {
    /// Who asked for it.
    pub key: PublicKey,
    /// Their name, if they are here.
    pub username: Option<Username>,
    /// From them and to them, together.
    pub bytes: u64,
}

/// The relays that are open, and what was used.
#[derive(Debug)]
pub struct Relays {
    limits: RelayLimits,
    open: BTreeMap<RelayId, OpenRelay>,
    count: u64,
    users: Days<PublicKey>,
    households: Days<IpAddr>,
}

/// Between whom a relay is. The household is that of who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OpenRelay {
    asker: PublicKey,
    target: PublicKey,
    household: IpAddr,
}

impl Relays {
    /// None is open, and nothing was used.
    pub fn new(limits: RelayLimits) -> Self {
        Self { limits, open: BTreeMap::new(), count: 0, users: Days::default(), households: Days::default() }
    }

    /// What is offered now.
    pub fn limits(&self) -> RelayLimits {
        self.limits
    }

    /// Offers something else from now on. Gives the relays that end by it.
    pub fn set_limits(&mut self, limits: RelayLimits) -> Vec<RelayId> {
        self.limits = limits;
        if limits.is_on { Vec::new() } else { self.open.keys().copied().collect() }
    }

    /// What somebody who asks from this address would get.
    pub fn offer(&self, now: Instant, asker: PublicKey, address: IpAddr) -> RelayOffer {
        let (limits, home) = (self.limits, household(address));
        if !limits.is_on {
            return RelayOffer::Off;
        }
        let of_user = self.open.values().filter(|relay| relay.asker == asker).count();
        let of_home = self.open.values().filter(|relay| relay.household == home).count();
        let of_home_max = limits.per_user.saturating_mul(usize::try_from(USERS_OF_HOUSEHOLD).unwrap_or(usize::MAX));
        let has_room = self.open.len() < limits.in_all && of_user < limits.per_user && of_home < of_home_max;
        let has_bytes = self.users.used(now, &asker) < limits.bytes_per_user_day
            && self.households.used(now, &home) < self.bytes_per_household_day();
        if has_room && has_bytes { RelayOffer::Open } else { RelayOffer::UsedUp }
    }

    /// Begins one, if it is to be had; `address` is that of who asked.
    pub fn open(&mut self, now: Instant, asker: PublicKey, target: PublicKey, address: IpAddr) -> Option<RelayId> {
        if self.offer(now, asker, address) != RelayOffer::Open {
            return None;
        }
        self.count += 1;
        let id = RelayId(self.count);
        self.open.insert(id, OpenRelay { asker, target, household: household(address) });
        Some(id)
    }

    /// Whether there is one between these two already, which this one asked for.
    pub fn connects(&self, asker: PublicKey, target: PublicKey) -> bool {
        self.open.values().any(|relay| relay.asker == asker && relay.target == target)
    }

    /// So many bytes went through one; `false` if it must end, because its user, or their household, has had enough today.
    pub fn passed(&mut self, now: Instant, id: RelayId, bytes: u64) -> bool {
        let Some(relay) = self.open.get(&id).copied() else { return false };
        let of_user = self.users.add(now, relay.asker, bytes);
        let of_household = self.households.add(now, relay.household, bytes);
        of_user < self.limits.bytes_per_user_day && of_household < self.bytes_per_household_day()
    }

    /// One has ended.
    pub fn ended(&mut self, id: RelayId) {
        self.open.remove(&id);
    }

    /// Those that one of the users of this key is a side of.
    pub fn of_key(&self, key: PublicKey) -> Vec<RelayId> {
        let is_theirs = |relay: &OpenRelay| relay.asker == key || relay.target == key;
        self.open.iter().filter(|(_, relay)| is_theirs(relay)).map(|(id, _)| *id).collect()
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// What went through relays for each user on their day, in bytes, in the order of their keys.
    pub fn used_by_key(&self, now: Instant) -> impl Iterator<Item = (PublicKey, u64)> {
        self.users.current(now)
    }

    fn bytes_per_household_day(&self) -> u64 {
        self.limits.bytes_per_user_day.saturating_mul(u64::from(USERS_OF_HOUSEHOLD))
    }
}

/// What each has used on their day, which begins with its first byte.
#[derive(Debug)]
struct Days<K> {
    used: BTreeMap<K, Day>,
}

#[derive(Debug, Clone, Copy)]
struct Day {
    began: Instant,
    bytes: u64,
}

impl<K> Default for Days<K> {
    fn default() -> Self {
        Self { used: BTreeMap::new() }
    }
}

impl<K: Ord + Copy> Days<K> {
    fn used(&self, now: Instant, of: &K) -> u64 {
        self.used.get(of).filter(|day| now < day.began + DAY).map_or(0, |day| day.bytes)
    }

    fn add(&mut self, now: Instant, of: K, bytes: u64) -> u64 {
        if self.used.len() >= DAYS_MAX && !self.used.contains_key(&of) {
            self.used.retain(|_, day| now < day.began + DAY);
            while self.used.len() >= DAYS_MAX {
                self.used.pop_first();
            }
        }
        let day = self.used.entry(of).or_insert(Day { began: now, bytes: 0 });
        if now >= day.began + DAY {
            *day = Day { began: now, bytes: 0 };
        }
        day.bytes = day.bytes.saturating_add(bytes);
        day.bytes
    }

    fn current(&self, now: Instant) -> impl Iterator<Item = (K, u64)> {
        let of_today = self.used.iter().filter(move |(_, day)| now < day.began + DAY);
        of_today.map(|(of, day)| (*of, day.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RelayLimits = RelayLimits {
        is_on: true,
        bytes_per_second: 1000,
        bytes_per_user_day: 1000,
        in_all: 12,
        per_user: 2,
        idle_max: Duration::from_secs(60),
    };

    fn key(n: u8) -> PublicKey {
        PublicKey::from_bytes([n; 32])
    }

    fn home(n: u8) -> IpAddr {
        [192, 0, 2, n].into()
    }

    #[test]
    fn it_is_off_unless_its_owner_switches_it_on_and_ends_when_they_switch_it_off() {
        let now = Instant::now();
        let mut relays = Relays::new(RelayLimits { is_on: false, ..LIMITS });
        assert_eq!(relays.offer(now, key(1), home(1)), RelayOffer::Off);
        assert_eq!(relays.open(now, key(1), key(2), home(1)), None);
        assert_eq!(relays.set_limits(LIMITS), []);
        let open = relays.open(now, key(1), key(2), home(1)).expect("one");
        assert_eq!(relays.set_limits(RelayLimits { is_on: false, ..LIMITS }), [open]);
    }

    #[test]
    fn a_user_a_household_and_all_together_have_so_many() {
        let now = Instant::now();
        let mut relays = Relays::new(LIMITS);
        let one = relays.open(now, key(1), key(100), home(1)).expect("the first");
        relays.open(now, key(1), key(101), home(1)).expect("the second");
        assert_eq!(relays.offer(now, key(1), home(1)), RelayOffer::UsedUp, "two a user, from wherever");
        assert_eq!(relays.offer(now, key(1), home(2)), RelayOffer::UsedUp);
        for n in 2..=4 {
            relays.open(now, key(n), key(100), home(1)).expect("one more of the household");
            relays.open(now, key(n), key(100), home(1)).expect("one more of the household");
        }
        assert_eq!(relays.offer(now, key(5), home(1)), RelayOffer::UsedUp, "one person with many keys");
        for n in 5..=8 {
            relays.open(now, key(n), key(100), home(n)).expect("other households");
        }
        assert_eq!((relays.len(), relays.offer(now, key(9), home(9))), (12, RelayOffer::UsedUp), "of all");
        relays.ended(one);
        assert_eq!(relays.offer(now, key(9), home(9)), RelayOffer::Open);
        assert_eq!(
            (relays.of_key(key(1)).len(), relays.of_key(key(101)).len(), relays.of_key(key(9)).len()),
            (1, 1, 0)
        );
        assert!(relays.connects(key(1), key(101)) && !relays.connects(key(101), key(1)));
    }

    #[test]
    fn a_day_has_so_many_bytes_for_a_user_and_for_a_household() {
        let start = Instant::now();
        let at = |hours: u64| start + Duration::from_secs(hours * 3600);
        let mut relays = Relays::new(LIMITS);
        let open = relays.open(start, key(1), key(100), home(1)).expect("one");
        assert!(relays.passed(at(1), open, 999));
        assert!(!relays.passed(at(2), open, 1), "that was the last one");
        relays.ended(open);
        assert!(!relays.passed(at(2), open, 1), "it is over");
        assert_eq!(relays.offer(at(24), key(1), home(1)), RelayOffer::UsedUp);
        assert_eq!(relays.offer(at(25), key(1), home(1)), RelayOffer::Open, "a day after the first byte");
        assert_eq!(relays.used_by_key(at(2)).collect::<Vec<_>>(), [(key(1), 1000)]);

        for n in 2..=4 {
            let open = relays.open(at(2), key(n), key(100), home(1)).expect("another key of the household");
            relays.passed(at(2), open, 1000);
            relays.ended(open);
        }
        assert_eq!(relays.offer(at(3), key(5), home(1)), RelayOffer::UsedUp, "a new key each time helps nobody");
        assert_eq!(relays.offer(at(3), key(5), home(2)), RelayOffer::Open);
        assert_eq!(relays.used_by_key(at(26)).count(), 0);
    }

    #[test]
    fn memory_is_bounded() {
        let now = Instant::now();
        let mut days = Days::default();
        for n in 0..DAYS_MAX + 10 {
            days.add(now, n, 1);
        }
        assert_eq!(days.used.len(), DAYS_MAX);
        days.add(now + DAY, 0, 1);
        assert_eq!(days.used.len(), 1);
    }
}
