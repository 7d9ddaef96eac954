//! Which connections are let in: counted when they are accepted, before a byte of them is read.
//!
//! Those that have proven nothing yet have an allowance of their own, so that they take nobody's place who has. In it
//! nobody is refused: the oldest of the household that has most gives way. So whoever opens very many connections and
//! leaves them so pushes out their own, and a newcomer finds room beside any number of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::model::household::household;

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionLimits {
    /// Those of one household that have proven enough.
    pub per_household: usize,
    /// Those of all that have proven enough.
    pub in_all: usize,
    /// Those of one household that have proven nothing yet.
    pub unproven_per_household: usize,
    /// Those of all that have proven nothing yet.
    pub unproven_in_all: usize,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// This address has as many as it may.
    #[error("too many connections from one address")]
    Address,
    /// There are as many as there may be.
    #[error("too many connections")]
    Full,
}

/// Counts the connections of one listening socket.
#[derive(Debug)]
pub struct Admission {
    places: Mutex<Places>,
}

impl Admission {
    /// Nobody is connected.
    pub fn new(limits: AdmissionLimits) -> Arc<Self> {
        Arc::new(Self { places: Mutex::new(Places::new(limits)) })
    }

    /// Other limits hold at once, for those who come.
    pub fn set(&self, limits: AdmissionLimits) {
        self.places.lock().limits = limits;
    }

    /// Lets a connection in that has proven nothing yet. Another one may have to give way.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Newcomer {
        let (gives_way, household) = (CancellationToken::new(), household(address));
        let (number, evicted) = self.places.lock().enter(household, gives_way.clone());
        evicted.iter().for_each(CancellationToken::cancel);
        Newcomer { admission: Arc::clone(self), household, number, gives_way }
    }
}

/// A connection that has proven nothing yet. Its place is given back when this is dropped, also by a panic.
#[derive(Debug)]
pub struct Newcomer {
    admission: Arc<Admission>,
    household: IpAddr,
    number: u64,
    gives_way: CancellationToken,
}

impl Newcomer {
    /// What a future comes to, unless the connection has to give way to others first.
    pub async fn unless_it_gives_way<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.gives_way.run_until_cancelled(future).await
    }

    /// It has proven enough to be counted among those that stay, if there is room for it among them.
    pub fn prove(self) -> Result<Admitted, NotAdmitted> {
        self.admission.places.lock().prove(self.household, self.number)?;
        Ok(Admitted { admission: Arc::clone(&self.admission), household: self.household })
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        self.admission.places.lock().leave_unproven(self.household, self.number);
    }
}

/// The place of a connection that stays. It is given back when this is dropped, also by a panic.
#[derive(Debug)]
pub struct Admitted {
    admission: Arc<Admission>,
    household: IpAddr,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.places.lock().leave(self.household);
    }
}

/// The counts, without a lock or a clock.
#[derive(Debug)]
struct Places<Token = CancellationToken> {
    limits: AdmissionLimits,
    households: BTreeMap<IpAddr, Household<Token>>,
    /// The households that have unproven ones, the one whose oldest gives way next last.
    crowded: BTreeSet<(usize, Reverse<u64>, IpAddr)>,
    proven: usize,
    unproven: usize,
    last: u64,
}

#[derive(Debug)]
struct Household<Token> {
    proven: usize,
    /// By number, so oldest first.
    unproven: BTreeMap<u64, Token>,
}

impl<Token> Household<Token> {
    /// Its place among the crowded; none without unproven ones.
    fn crowd(&self, household: IpAddr) -> Option<(usize, Reverse<u64>, IpAddr)> {
        let (oldest, _) = self.unproven.first_key_value()?;
        Some((self.unproven.len(), Reverse(*oldest), household))
    }
}

impl<Token> Places<Token> {
    fn new(limits: AdmissionLimits) -> Self {
        Self { limits, households: BTreeMap::new(), crowded: BTreeSet::new(), proven: 0, unproven: 0, last: 0 }
    }

    /// The number of the new one, and who gives way.
    fn enter(&mut self, household: IpAddr, token: Token) -> (u64, Option<Token>) {
        let here = self.households.get(&household).map_or(0, |here| here.unproven.len());
        let evicted = if here >= self.limits.unproven_per_household {
            self.evict(household)
        } else if self.unproven >= self.limits.unproven_in_all {
            self.crowded.last().copied().and_then(|(_, _, most)| self.evict(most))
        } else {
            None
        };
        self.last += 1;
        let number = self.last;
        self.change(household, |here| here.unproven.insert(number, token));
        self.unproven += 1;
        (number, evicted)
    }

    fn evict(&mut self, household: IpAddr) -> Option<Token> {
        let evicted = self.change(household, |here| here.unproven.pop_first().map(|(_, token)| token));
        self.unproven -= usize::from(evicted.is_some());
        evicted
    }

    fn prove(&mut self, household: IpAddr, number: u64) -> Result<(), NotAdmitted> {
        let here = self.households.get(&household);
        if !here.is_some_and(|here| here.unproven.contains_key(&number)) {
            // It has given way already.
            return Err(NotAdmitted::Full);
        }
        if here.is_some_and(|here| here.proven >= self.limits.per_household) {
            return Err(NotAdmitted::Address);
        }
        if self.proven >= self.limits.in_all {
            return Err(NotAdmitted::Full);
        }
        self.change(household, |here| {
            here.unproven.remove(&number);
            here.proven += 1;
        });
        self.unproven -= 1;
        self.proven += 1;
        Ok(())
    }

    /// A newcomer is gone, or is one no more; it may have given way before.
    fn leave_unproven(&mut self, household: IpAddr, number: u64) {
        if self.households.get(&household).is_some_and(|here| here.unproven.contains_key(&number)) {
            self.change(household, |here| here.unproven.remove(&number));
            self.unproven -= 1;
        }
    }

    fn leave(&mut self, household: IpAddr) {
        self.change(household, |here| here.proven = here.proven.saturating_sub(1));
        self.proven = self.proven.saturating_sub(1);
    }

    /// Changes a household, and its place among the crowded with it.
    fn change<T>(&mut self, household: IpAddr, change: impl FnOnce(&mut Household<Token>) -> T) -> T {
        let new = || Household { proven: 0, unproven: BTreeMap::new() };
        let here = self.households.entry(household).or_insert_with(new);
        let before = here.crowd(household);
        let changed = change(here);
        let after = here.crowd(household);
        if here.proven == 0 && here.unproven.is_empty() {
            self.households.remove(&household);
        }
        if before != after {
            before.iter().for_each(|before| _ = self.crowded.remove(before));
            self.crowded.extend(after);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(
        per_household: usize,
        in_all: usize,
        unproven_per_household: usize,
        unproven_in_all: usize,
    ) -> Places<u64> {
        Places::new(AdmissionLimits { per_household, in_all, unproven_per_household, unproven_in_all })
    }

    fn address(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    #[test]
    fn those_who_stay_are_counted_by_household_and_in_all() {
        let mut places = places(2, 3, 9, 9);
        let come = |places: &mut Places<u64>, n| {
            let (number, _) = places.enter(address(n), 0);
            let proven = places.prove(address(n), number);
            places.leave_unproven(address(n), number);
            proven
        };
        assert_eq!(come(&mut places, 1), Ok(()));
        assert_eq!(come(&mut places, 1), Ok(()));
        assert_eq!(come(&mut places, 1), Err(NotAdmitted::Address));
        assert_eq!(come(&mut places, 2), Ok(()));
        assert_eq!(come(&mut places, 3), Err(NotAdmitted::Full));
        places.leave(address(1));
        assert_eq!(come(&mut places, 1), Ok(()));
        for n in [1, 1, 2] {
            places.leave(address(n));
        }
        assert_eq!((places.proven, places.unproven), (0, 0));
        assert!(places.households.is_empty() && places.crowded.is_empty());
    }

    #[test]
    fn the_oldest_of_the_most_crowded_household_gives_way() {
        let mut places = places(9, 9, 3, 6);
        // Each token says whose it is and which of theirs.
        let mut enter = |n: u8, token| places.enter(address(n), token).1;
        assert_eq!([enter(1, 11), enter(1, 12), enter(1, 13)], [None; 3]);
        assert_eq!(enter(1, 14), Some(11), "its own oldest, although there is room");
        assert_eq!([enter(2, 21), enter(2, 22), enter(3, 31)], [None; 3]);
        assert_eq!(enter(4, 41), Some(12), "of those who have most");
        assert_eq!(enter(5, 51), Some(13), "of two that have two the one that has waited longest");
        assert_eq!(enter(6, 61), Some(21), "no newcomer of one connection while somebody has two");
        assert_eq!(enter(7, 71), Some(14), "all have one: the oldest");
        assert_eq!(places.unproven, 6);
    }

    #[test]
    fn who_has_given_way_proves_nothing_any_more() {
        let mut places = places(9, 9, 1, 9);
        let (first, _) = places.enter(address(1), 1);
        let (second, evicted) = places.enter(address(1), 2);
        assert_eq!(evicted, Some(1));
        assert_eq!(places.prove(address(1), first), Err(NotAdmitted::Full));
        places.leave_unproven(address(1), first);
        assert_eq!(places.prove(address(1), second), Ok(()));
        places.leave_unproven(address(1), second);
        assert_eq!((places.proven, places.unproven), (1, 0));
    }

    #[tokio::test]
    async fn whoever_gives_way_is_told_and_whoever_leaves_leaves_nothing_behind() {
        let limits = AdmissionLimits { per_household: 1, in_all: 9, unproven_per_household: 1, unproven_in_all: 9 };
        let admission = Admission::new(limits);
        let first = admission.enter(address(1));
        let waits = first.unless_it_gives_way(std::future::pending::<()>());
        let second = admission.enter(address(1));
        assert_eq!(waits.await, None);
        assert_eq!(second.unless_it_gives_way(async { 7 }).await, Some(7));
        drop(first);
        let admitted = second.prove().expect("room");
        let third = admission.enter(address(1));
        assert_eq!(third.prove().err(), Some(NotAdmitted::Address));
        drop(admitted);
        let admitted = admission.enter(address(1)).prove().expect("room again");
        drop(admitted);
        assert!(admission.places.lock().households.is_empty());
    }
}
