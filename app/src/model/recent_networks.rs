//! The networks that we were in, newest first: what the first page offers, and what a network is called while it is away.
//!
//! Kept as a list in a file of its own; an entry that cannot be understood costs that entry.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use potok_core::model::invite::Invite;
use potok_core::model::limits;
use serde::{Deserialize, Serialize};

/// Networks that are remembered; the one that was not seen for longest goes first.
pub const RECENT_MAX: usize = 8;

/// A network that we were in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentNetwork {
    /// Where it is, and whom to expect there.
    pub invite: Invite,
    /// What it called itself; a stranger's text.
    pub name: String,
    /// When we were last in it.
    pub last_seen: SystemTime,
}

/// The networks that we were in, newest first. A tracker is its key, whatever address it was found at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecentNetworks {
    networks: Vec<RecentNetwork>,
}

/// The file as a whole; an entry is read by itself, so that a bad one costs no other.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    network: Vec<toml::Value>,
}

/// An entry of it.
#[derive(Serialize, Deserialize)]
struct WrittenNetwork {
    invite: String,
    name: String,
    /// Seconds since 1970.
    last_seen: u64,
}

impl RecentNetworks {
    /// What is in this text of a file.
    pub fn read(text: &str) -> Self {
        let written: Written = toml::from_str(text).unwrap_or(Written { network: Vec::new() });
        let entry = |value: toml::Value| -> Option<RecentNetwork> {
            let WrittenNetwork { invite, name, last_seen } = value.try_into().ok()?;
            let last_seen = UNIX_EPOCH.checked_add(Duration::from_secs(last_seen))?;
            let is_name = !name.is_empty() && name.len() <= limits::GREETING_LINE_BYTES_MAX;
            is_name.then_some(RecentNetwork { invite: invite.parse().ok()?, name, last_seen })
        };
        Self { networks: written.network.into_iter().filter_map(entry).take(RECENT_MAX).collect() }
    }

    /// As it is written to the file.
    pub fn to_text(&self) -> String {
        let entry = |of: &RecentNetwork| {
            let last_seen = of.last_seen.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let written = WrittenNetwork { invite: of.invite.to_string(), name: of.name.clone(), last_seen };
            toml::Value::try_from(written).ok()
        };
        let written = Written { network: self.networks.iter().filter_map(entry).collect() };
        // Plain texts and numbers are always written.
        toml::to_string(&written).unwrap_or_default()
    }

    /// We are in this network now; whether anything but the time is new by that.
    pub fn met(&mut self, invite: &Invite, name: &str, now: SystemTime) -> bool {
        let network = RecentNetwork { invite: invite.clone(), name: name.to_owned(), last_seen: now };
        let is_known = self.networks.first().is_some_and(|first| first.invite == *invite && first.name == name);
        self.networks.retain(|other| other.invite.key != invite.key);
        self.networks.insert(0, network);
        self.networks.truncate(RECENT_MAX);
        !is_known
    }

    /// We were in the newest one until now; whether there is one.
    pub fn seen_until(&mut self, now: SystemTime) -> bool {
        let newest = self.networks.first_mut();
        newest.map(|network| network.last_seen = now).is_some()
    }

    /// It is offered no longer.
    pub fn forget(&mut self, invite: &Invite) {
        self.networks.retain(|other| other.invite.key != invite.key);
    }

    /// The network whose tracker is at this address, if we were in it.
    pub fn at(&self, address: &str) -> Option<&RecentNetwork> {
        self.networks.iter().find(|network| network.invite.address.to_string() == address)
    }

    /// All of them, the one that we were in last first.
    pub fn iter(&self) -> impl Iterator<Item = &RecentNetwork> {
        self.networks.iter()
    }
}

#[cfg(test)]
mod tests {
    use potok_core::model::key::PublicKey;

    use super::*;

    fn invite(host: &str, key: u8) -> Invite {
        Invite { address: host.parse().expect("an address"), key: PublicKey::from_bytes([key; 32]), token: None }
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn names(recent: &RecentNetworks) -> Vec<&str> {
        recent.iter().map(|network| network.name.as_str()).collect()
    }

    #[test]
    fn the_newest_comes_first_and_once() {
        let mut recent = RecentNetworks::default();
        assert!(recent.met(&invite("a:1", 1), "Family", at(10)));
        assert!(recent.met(&invite("b:1", 2), "FailedWork", at(20)));
        assert!(!recent.met(&invite("b:1", 2), "FailedWork", at(30)), "only the time is new");
        assert!(recent.met(&invite("c:1", 1), "Family 2", at(40)), "it has moved");
        assert_eq!(names(&recent), ["Family 2", "FailedWork"]);
        assert_eq!(recent.at("c:1").map(|network| network.last_seen), Some(at(40)));
        assert_eq!(recent.at("a:1"), None);
        recent.forget(&invite("elsewhere:1", 1));
        assert_eq!(names(&recent), ["FailedWork"]);
        for n in 10..30 {
            recent.met(&invite("a:1", n), &format!("{n}"), at(50));
        }
        assert_eq!(names(&recent).len(), RECENT_MAX);
        assert_eq!(names(&recent)[0], "29");
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_a_bad_entry_costs_itself() {
        let mut recent = RecentNetworks::default();
        recent.met(&invite("[::1]:7", 1), "Семейство \"\u{202e}\n", at(10));
        recent.met(&invite("b:1", 2), "FailedWork", at(20));
        let text = recent.to_text();
        assert_eq!(RecentNetworks::read(&text), recent);
        let damaged = text.replace("potok://b:1/", "http://b:1/") + "\n[[network]]\nname = 7\n";
        assert_eq!(names(&RecentNetworks::read(&damaged)), ["Семейство \"\u{202e}\n"]);
        for bad in ["", "x", "network = 1", "network = [1]"] {
            assert_eq!(RecentNetworks::read(bad), RecentNetworks::default(), "{bad}");
        }
        let long = RecentNetwork { invite: invite("a:1", 1), name: "x".repeat(9_999), last_seen: at(1) };
        assert_eq!(names(&RecentNetworks::read(&RecentNetworks { networks: vec![long] }.to_text())).len(), 0);
    }
}
