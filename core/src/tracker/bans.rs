//! Who is shut out, found by key, by address and by name.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::binding::{Ban, BanQuery, BanTarget};
use crate::model::key::PublicKey;
use crate::model::username::Username;

/// Most bans that are kept; an owner who wants more has another problem.
pub const BANS_MAX: usize = 10_000;

/// Everybody who is shut out.
#[derive(Debug, Default)]
pub struct Bans {
    by_target: BTreeMap<BanTarget, Option<Username>>,
    /// Banned names regardless of case, as they were written.
    names: BTreeMap<String, Username>,
}

impl Bans {
    /// Those of the settings, then those that the owner ordered.
    pub fn new(bans: impl IntoIterator<Item = Ban>) -> Self {
        let mut all = Self::default();
        for ban in bans {
            all.insert(ban);
        }
        all
    }

    /// Shuts somebody out; `false` if nothing changes: the name is shut out already, or there is no room.
    pub fn insert(&mut self, ban: Ban) -> bool {
        let Ban { target, username } = ban;
        // One entry a name, whatever its case.
        if matches!(&target, BanTarget::Name(name) if self.has_name(name)) {
            return false;
        }
        if self.by_target.len() >= BANS_MAX && !self.by_target.contains_key(&target) {
            return false;
        }
        if let BanTarget::Name(name) = &target {
            self.names.insert(name.folded(), name.clone());
        }
        self.by_target.insert(target, username);
        true
    }

    /// Lets somebody in again; gives who it was, as it was written, if they were shut out.
    pub fn remove(&mut self, target: &BanTarget) -> Option<BanTarget> {
        let target = match target {
            BanTarget::Name(name) => BanTarget::Name(self.names.remove(&name.folded())?),
            other => other.clone(),
        };
        self.by_target.remove(&target).map(|_name| target)
    }

    /// Whether a connection is not let in.
    pub fn has_connection(&self, key: Option<PublicKey>, address: IpAddr) -> bool {
        let has = |target| self.by_target.contains_key(&target);
        !self.by_target.is_empty()
            && (key.is_some_and(|key| has(BanTarget::Key(key))) || has(BanTarget::Address(address)))
    }

    /// Whether nobody may have this name.
    pub fn has_name(&self, name: &Username) -> bool {
        !self.names.is_empty() && self.names.contains_key(&name.folded())
    }

    /// All of them, in one order.
    pub fn iter(&self) -> impl Iterator<Item = Ban> {
        self.by_target.iter().map(|(target, username)| Ban { target: target.clone(), username: username.clone() })
    }

    /// Those that a person can mean.
    pub fn meant_by(&self, who: &BanQuery) -> Vec<BanTarget> {
        self.iter().filter(|ban| who.means(ban)).map(|ban| ban.target).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(target: &str, username: Option<&str>) -> Ban {
        let name = |name: &str| Username::new(name).expect(name);
        Ban { target: target.parse().expect(target), username: username.map(name) }
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
        assert!(bans.has_connection(Some(key), address("192.0.2.1")));
        assert!(bans.has_connection(None, address("192.0.2.8")));
        assert!(!bans.has_connection(Some(PublicKey::from_bytes([8; 32])), address("192.0.2.1")));
        assert!(bans.has_name(&name("gUEST")) && !bans.has_name(&name("mallory")));

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
        assert!(!bans.has_name(&name("guest")) && bans.remove(&"@guest".parse().expect("name")).is_none());
        assert_eq!(bans.iter().count(), 2);
    }

    #[test]
    fn a_name_is_banned_once_and_there_is_an_end() {
        let mut bans = Bans::default();
        assert!(bans.insert(ban("@anna", None)) && !bans.insert(ban("@ANNA", None)));
        assert_eq!(bans.iter().map(|ban| ban.target.to_string()).collect::<Vec<_>>(), ["@anna"]);
        for n in 1..BANS_MAX {
            assert!(bans.insert(ban(&format!("@n{n}"), None)));
        }
        assert!(!bans.insert(ban("192.0.2.1", None)));
        assert!(bans.remove(&"@n5".parse().expect("a name")).is_some());
        assert!(bans.insert(ban("192.0.2.1", None)));
    }
}
