//! What shares take of the memory, counted for each household and for all. A line that is being announced counts whole from
//! its beginning, so that many at once do not go beyond a bound together.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::household::household;
use crate::model::share::Share;
use crate::tracker::catalog::OwnerId;
use crate::tracker::settings::TrackerSettings;

/// Shares, and the bytes of their paths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many shares.
    pub shares: usize,
    /// How long their paths are together.
    pub path_bytes: usize,
}

/// What everybody takes.
#[derive(Debug, Default)]
pub struct Quotas {
    owners: BTreeMap<OwnerId, Counted>,
    households: BTreeMap<IpAddr, ByProof>,
    all: ByProof,
}

#[derive(Debug)]
struct Counted {
    household: IpAddr,
    has_key: bool,
    taken: Taken,
}

/// What those take who have proven a key, and those who have not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ByProof {
    with_key: Taken,
    without_key: Taken,
}

/// The bound that more shares would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaBroken {
    /// So many shares of one address.
    AddressShares(usize),
    /// So many bytes of paths of one address.
    AddressBytes(usize),
    /// So many shares of all who have no key.
    SharesWithoutKey(usize),
    /// So many bytes of paths of all.
    AllBytes(usize),
}

impl Quotas {
    /// Somebody is here, who takes nothing yet.
    pub fn enter(&mut self, owner: OwnerId, address: IpAddr, has_key: bool) {
        let household = household(address);
        self.owners.insert(owner, Counted { household, has_key, taken: Taken::default() });
    }

    /// Somebody is gone, with all they took.
    pub fn leave(&mut self, owner: OwnerId) {
        self.settle(owner, Taken::default());
        self.owners.remove(&owner);
    }

    /// Which bound would be broken if they took so much more.
    pub fn broken_by(&self, settings: &TrackerSettings, owner: OwnerId, more: Taken) -> Option<QuotaBroken> {
        let Counted { household, has_key, .. } = self.owners.get(&owner)?;
        let here = self.households.get(household).copied().unwrap_or_default();
        let exceeds = |before: usize, more: usize, max: usize| before.saturating_add(more) > max;
        let (shares_max, bytes_max, taken) = if *has_key {
            (settings.shares_per_address, settings.path_bytes_per_address, here.both())
        } else {
            (settings.keyless_shares_per_address, settings.keyless_path_bytes_per_address, here.without_key)
        };
        if exceeds(taken.shares, more.shares, shares_max) {
            return Some(QuotaBroken::AddressShares(shares_max));
        }
        if exceeds(taken.path_bytes, more.path_bytes, bytes_max) {
            return Some(QuotaBroken::AddressBytes(bytes_max));
        }
        let keyless_max = settings.keyless_shares_in_all;
        if !has_key && exceeds(self.all.without_key.shares, more.shares, keyless_max) {
            return Some(QuotaBroken::SharesWithoutKey(keyless_max));
        }
        let all_max = settings.path_bytes_in_all;
        exceeds(self.all.both().path_bytes, more.path_bytes, all_max).then_some(QuotaBroken::AllBytes(all_max))
    }

    /// They may take so much more from now on; [`Self::settle`] follows when it is known how much it is.
    pub fn reserve(&mut self, owner: OwnerId, more: Taken) {
        let Some(counted) = self.owners.get(&owner) else { return };
        self.settle(owner, counted.taken.plus(more));
    }

    /// They take exactly so much now.
    pub fn settle(&mut self, owner: OwnerId, taken: Taken) {
        let Some(counted) = self.owners.get_mut(&owner) else { return };
        let before = std::mem::replace(&mut counted.taken, taken);
        let (has_key, household) = (counted.has_key, counted.household);
        self.all.change(has_key, before, taken);
        let here = self.households.entry(household).or_default();
        here.change(has_key, before, taken);
        if *here == ByProof::default() {
            self.households.remove(&household);
        }
    }
}

impl Taken {
    /// What these take if all of them are new.
    pub(super) fn of(shares: &[Share]) -> Self {
        Self { shares: shares.len(), path_bytes: shares.iter().map(|share| share.path.as_str().len()).sum() }
    }

    /// What this and that take together.
    pub(super) fn plus(self, more: Self) -> Self {
        Self {
            shares: self.shares.saturating_add(more.shares),
            path_bytes: self.path_bytes.saturating_add(more.path_bytes),
        }
    }

    fn minus(self, less: Self) -> Self {
        Self {
            shares: self.shares.saturating_sub(less.shares),
            path_bytes: self.path_bytes.saturating_sub(less.path_bytes),
        }
    }
}

impl ByProof {
    fn both(self) -> Taken {
        self.with_key.plus(self.without_key)
    }

    fn change(&mut self, has_key: bool, before: Taken, now: Taken) {
        let of_them = if has_key { &mut self.with_key } else { &mut self.without_key };
        *of_them = of_them.minus(before).plus(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::username::Username;
    use crate::tracker::catalog::Catalog;

    fn taken(shares: usize, path_bytes: usize) -> Taken {
        Taken { shares, path_bytes }
    }

    #[test]
    fn a_household_and_those_without_a_key_have_bounds_of_their_own() {
        let settings = TrackerSettings {
            shares_per_address: 10,
            path_bytes_per_address: 100,
            keyless_shares_per_address: 4,
            keyless_path_bytes_per_address: 40,
            keyless_shares_in_all: 6,
            path_bytes_in_all: 150,
            ..TrackerSettings::default()
        };
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        let mut catalog = Catalog::new();
        let owners: Vec<OwnerId> =
            (0..6).map(|n| catalog.add_owner(Username::new(&format!("u{n}")).expect("a name"))).collect();
        let owner = |n: usize| owners[n];
        let mut quotas = Quotas::default();
        for (n, at, has_key) in [(1, 1, true), (2, 1, true), (3, 1, false), (4, 2, false), (5, 3, true)] {
            quotas.enter(owner(n), address(at), has_key);
        }
        use QuotaBroken::*;
        quotas.reserve(owner(1), taken(6, 50));
        for (n, more, broken) in [
            (2, taken(4, 50), None),
            (2, taken(5, 50), Some(AddressShares(10))),
            (2, taken(4, 51), Some(AddressBytes(100))),
            (3, taken(4, 40), None),
            (3, taken(5, 40), Some(AddressShares(4))),
            (3, taken(4, 41), Some(AddressBytes(40))),
            (5, taken(10, 100), None),
        ] {
            assert_eq!(quotas.broken_by(&settings, owner(n), more), broken, "{n} {more:?}");
        }
        quotas.reserve(owner(3), taken(4, 40));
        assert_eq!(quotas.broken_by(&settings, owner(4), taken(3, 3)), Some(SharesWithoutKey(6)));
        assert_eq!(quotas.broken_by(&settings, owner(5), taken(1, 61)), Some(AllBytes(150)));
        // Less was new than could have been, and whoever leaves takes nothing any more.
        quotas.settle(owner(1), taken(1, 10));
        assert_eq!(quotas.broken_by(&settings, owner(2), taken(5, 50)), None);
        quotas.leave(owner(3));
        assert_eq!(quotas.broken_by(&settings, owner(4), taken(3, 3)), None);
        [1, 2, 4, 5].into_iter().for_each(|n| quotas.leave(owner(n)));
        assert!(quotas.owners.is_empty() && quotas.households.is_empty());
        assert_eq!(quotas.all, ByProof::default());
    }
}
