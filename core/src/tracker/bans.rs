//! Who is shut out, found by key, by address, by prefix and by name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Bound;

use crate::model::ban_terms::AddressPrefix;
use crate::model::binding::{Ban, BanQuery, BanTarget};
use crate::model::key::PublicKey;
use crate::model::username::Username;

/// Most bans that are in force before another one is taken; an owner who wants more has another problem.
pub const BANS_MAX: usize = 10_000;

/// Everybody who is shut out. Times are seconds since 1970.
#[derive(Debug, Default)]
pub struct Bans {
    by_target: BTreeMap<BanTarget, Ban>,
    /// Banned names regardless of case, as they were written.
    names: BTreeMap<String, Username>,
    prefixes: BTreeSet<AddressPrefix>,
}

impl Bans {
    /// Those of the settings, then those that the owner ordered.
    pub fn new(bans: impl IntoIterator<Item = Ban>) -> Self {
        let mut all = Self::default();
        bans.into_iter().for_each(|ban| _ = all.insert(ban));
        all
    }

    /// Shuts somebody out, or on other terms than before; `false` if nothing changes.
    pub fn insert(&mut self, ban: Ban) -> bool {
        let ban = self.as_kept(&ban);
        match &ban.target {
            BanTarget::Name(name) => _ = self.names.insert(name.folded(), name.clone()),
            BanTarget::Prefix(prefix) => _ = self.prefixes.insert(*prefix),
            BanTarget::Key(_) | BanTarget::Address(_) => {}
        }
        let before = self.by_target.insert(ban.target.clone(), ban.clone());
        before.is_none_or(|before| before != ban)
    }

    /// A ban as it will be kept: one entry a name, whatever its case, and what they were called is not forgotten.
    pub fn as_kept(&self, ban: &Ban) -> Ban {
        let target = self.as_written(&ban.target);
        let before = self.by_target.get(&target);
        let username = ban.username.clone().or_else(|| before.and_then(|before| before.username.clone()));
        Ban { target, username, terms: ban.terms.clone() }
    }

    /// The target as it was written when it was shut out.
    pub fn as_written(&self, target: &BanTarget) -> BanTarget {
        match target {
            BanTarget::Name(name) => BanTarget::Name(self.names.get(&name.folded()).unwrap_or(name).clone()),
            other => other.clone(),
        }
    }

    /// Lets somebody in again; gives who it was, as it was written, if they were shut out.
    pub fn remove(&mut self, target: &BanTarget) -> Option<BanTarget> {
        let ban = self.by_target.remove(&self.as_written(target))?;
        match &ban.target {
            BanTarget::Name(name) => _ = self.names.remove(&name.folded()),
            BanTarget::Prefix(prefix) => _ = self.prefixes.remove(prefix),
            BanTarget::Key(_) | BanTarget::Address(_) => {}
        }
        Some(ban.target)
    }

    /// The ban of just this one.
    pub fn get(&self, target: &BanTarget) -> Option<&Ban> {
        self.by_target.get(&self.as_written(target))
    }

    /// Forgets those that are over, and gives them with when they ended.
    pub fn forget_past(&mut self, unix_seconds: u64) -> Vec<(BanTarget, u64)> {
        let past = self.by_target.values().filter(|ban| ban.terms.is_over(unix_seconds));
        let past: Vec<_> = past.filter_map(|ban| Some((ban.target.clone(), ban.terms.until?))).collect();
        past.iter().for_each(|(target, _)| _ = self.remove(target));
        past
    }

    /// Why a connection is not let in.
    pub fn connection(&self, unix_seconds: u64, key: Option<PublicKey>, address: IpAddr) -> Option<&Ban> {
        if self.by_target.is_empty() {
            return None;
        }
        let prefixes = self.prefixes.iter().filter(|prefix| prefix.contains(address)).map(|it| BanTarget::Prefix(*it));
        let targets = key.map(BanTarget::Key).into_iter().chain([BanTarget::Address(address)]).chain(prefixes);
        let bans = targets.filter_map(|target| self.by_target.get(&target));
        bans.filter(|ban| !ban.terms.is_over(unix_seconds)).max_by_key(|ban| ban.terms.until.unwrap_or(u64::MAX))
    }

    /// Why nobody may have this name.
    pub fn name(&self, unix_seconds: u64, name: &Username) -> Option<&Ban> {
        let target = BanTarget::Name(self.names.get(&name.folded())?.clone());
        self.by_target.get(&target).filter(|ban| !ban.terms.is_over(unix_seconds))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_target.len()
    }

    /// Whether nobody is shut out.
    pub fn is_empty(&self) -> bool {
        self.by_target.is_empty()
    }

    /// All of them, in one order.
    pub fn iter(&self) -> impl Iterator<Item = &Ban> {
        self.by_target.values()
    }

    /// Those behind one, in the same order, whether it is there still or not.
    pub fn behind(&self, target: Option<&BanTarget>) -> impl Iterator<Item = &Ban> {
        let from = target.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_target.range((from, Bound::Unbounded)).map(|(_, ban)| ban)
    }

    /// Those that a person can mean.
    pub fn meant_by(&self, who: &BanQuery) -> Vec<BanTarget> {
        self.iter().filter(|ban| who.means(ban)).map(|ban| ban.target.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ban_terms::BanTerms;

    fn ban(target: &str, username: Option<&str>) -> Ban {
        let name = |name: &str| Username::new(name).expect(name);
        Ban::new(target.parse().expect(target), username.map(name))
    }

    /// Shut out for a while; the time in these tests is a number.
    fn until(target: &str, until: u64) -> Ban {
        let ban = ban(target, None);
        Ban { terms: BanTerms { until: Some(until), ..BanTerms::default() }, ..ban }
    }

    #[test]
    fn finds_who_is_shut_out_by_all_they_are_known_by() {
        let key = PublicKey::from_bytes([7; 32]);
        let mut bans = Bans::new([
            ban(&key.to_string(), Some("Mallory")),
            ban("192.0.2.7", Some("guest")),
            ban("@Guest", Some("guest")),
            ban("192.0.2.8", None),
        ]);
        let address = |text: &str| text.parse::<IpAddr>().expect(text);
        let name = |text: &str| Username::new(text).expect(text);
        assert!(bans.connection(0, Some(key), address("192.0.2.1")).is_some());
        assert!(bans.connection(0, None, address("192.0.2.8")).is_some());
        assert!(bans.connection(0, Some(PublicKey::from_bytes([8; 32])), address("192.0.2.1")).is_none());
        assert!(bans.name(0, &name("gUEST")).is_some() && bans.name(0, &name("mallory")).is_none());

        let meant = |bans: &Bans, who: &str| {
            bans.meant_by(&who.parse().expect(who)).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(meant(&bans, "MALLORY"), [key.to_string()]);
        assert_eq!(meant(&bans, &key.to_string()), [key.to_string()]);
        assert_eq!(meant(&bans, "guest"), ["192.0.2.7", "@Guest"]);
        assert_eq!(meant(&bans, "192.0.2.8"), ["192.0.2.8"]);
        assert_eq!(meant(&bans, "anna"), [""; 0]);

        for target in bans.meant_by(&"guest".parse().expect("a name")) {
            assert_eq!(bans.remove(&target), Some(target));
        }
        assert!(bans.name(0, &name("guest")).is_none() && bans.remove(&"@guest".parse().expect("name")).is_none());
        assert_eq!(bans.iter().count(), 2);
    }

    #[test]
    fn a_name_is_banned_once() {
        let mut bans = Bans::default();
        assert!(bans.insert(ban("@anna", None)) && !bans.insert(ban("@ANNA", None)));
        assert_eq!(bans.iter().map(|ban| ban.target.to_string()).collect::<Vec<_>>(), ["@anna"]);
        // Who is shut out on other terms is called as before.
        assert!(bans.insert(ban("192.0.2.1", Some("guest"))) && bans.insert(until("192.0.2.1", 9)));
        let kept = bans.get(&"192.0.2.1".parse().expect("an address")).expect("banned");
        assert_eq!((kept.username.as_ref().map(Username::as_str), kept.terms.until), (Some("guest"), Some(9)));
    }

    #[test]
    fn prefixes_and_ends_are_kept_to() {
        let address = |text: &str| text.parse::<IpAddr>().expect(text);
        let mut bans = Bans::new([until("192.0.2.0/24", 100), until("192.0.2.7", 200), until("@anna", 100)]);
        let ends =
            |bans: &Bans, at, from: &str| bans.connection(at, None, address(from)).and_then(|ban| ban.terms.until);
        assert_eq!(ends(&bans, 99, "192.0.2.200"), Some(100));
        assert_eq!(ends(&bans, 100, "192.0.2.200"), None);
        assert_eq!(ends(&bans, 99, "192.0.2.7"), Some(200), "the one that lasts longest is told");
        assert_eq!(ends(&bans, 99, "192.0.3.7"), None);
        let anna = Username::new("Anna").expect("a name");
        assert!(bans.name(99, &anna).is_some() && bans.name(100, &anna).is_none());
        assert!(bans.insert(until("192.0.2.7", 300)) && !bans.insert(until("192.0.2.7", 300)));
        assert_eq!(bans.forget_past(100).len(), 2);
        assert_eq!((bans.len(), ends(&bans, 100, "192.0.2.7")), (1, Some(300)));
        assert!(bans.insert(ban("192.0.2.0/24", None)) && ends(&bans, 0, "192.0.2.1").is_none());
        assert!(bans.connection(u64::MAX, None, address("192.0.2.1")).is_some());
    }
}
