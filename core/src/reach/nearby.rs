//! Who is in the local network, as far as they say it themselves by DNS-SD. Anybody there may say anything, and much of it:
//! what is known is bounded, those who were there first stay, and nothing of it proves who somebody is.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::model::invite::{HostPort, Invite};
use crate::model::key::PublicKey;
use crate::protocol::nearby::{PersonMark, TrackerNotice};

/// Services of trackers that are known: more of them than a page shows.
const TRACKERS_MAX: usize = 32;
/// Services of people that are known: a school, or a LAN party.
const PEOPLE_MAX: usize = 1024;
/// Addresses of one service: by a cable and a radio, of both families.
const ADDRESSES_MAX: usize = 4;
/// Bytes of the name of a service; DNS has no longer ones (RFC 1035, section 2.3.4).
const SERVICE_BYTES_MAX: usize = 255;

/// A network that can be joined here: offered, and never joined unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearbyNetwork {
    /// What its owner calls it: a stranger's text.
    pub name: String,
    /// The key that its tracker must prove.
    pub key: PublicKey,
    /// Where the tracker is, the best first. Never empty.
    pub addresses: Vec<SocketAddr>,
}

impl NearbyNetwork {
    /// The link that leads there, as it was announced: whoever answers must prove this key.
    pub fn invite(&self) -> Option<Invite> {
        let at = self.addresses.first()?;
        let address = HostPort::new(&at.ip().to_string(), at.port()).ok()?;
        Some(Invite { address: address.into(), key: self.key, token: None })
    }
}

/// All who are known. Services are told apart by their names, which their owners choose.
#[derive(Debug, Default)]
pub struct NearbyBook {
    trackers: BTreeMap<String, NearbyNetwork>,
    people: BTreeMap<String, (PersonMark, Vec<SocketAddr>)>,
    by_mark: BTreeMap<PersonMark, String>,
}

impl NearbyBook {
    /// A tracker says that it is here, or says something else than before. Whether anything has changed.
    pub fn see_tracker(&mut self, service: &str, notice: TrackerNotice, port: u16, addresses: &[IpAddr]) -> bool {
        let addresses = usable(addresses, port);
        let is_full = self.trackers.len() >= TRACKERS_MAX && !self.trackers.contains_key(service);
        if addresses.is_empty() || is_full || service.len() > SERVICE_BYTES_MAX {
            return false;
        }
        let network = NearbyNetwork { name: notice.network, key: notice.key, addresses };
        self.trackers.insert(service.to_owned(), network.clone()) != Some(network)
    }

    /// A person says that they are here, or at other addresses than before.
    pub fn see_person(&mut self, service: &str, mark: PersonMark, port: u16, addresses: &[IpAddr]) {
        let addresses = usable(addresses, port);
        // Whoever has seen a mark can show it too: the first one stays.
        let is_taken = self.by_mark.get(&mark).is_some_and(|known| known != service);
        let is_full = self.people.len() >= PEOPLE_MAX && !self.people.contains_key(service);
        if addresses.is_empty() || is_taken || is_full || service.len() > SERVICE_BYTES_MAX {
            return;
        }
        self.forget_person(service);
        self.by_mark.insert(mark, service.to_owned());
        self.people.insert(service.to_owned(), (mark, addresses));
    }

    /// A service is gone. Whether a network has gone with it.
    pub fn forget(&mut self, service: &str) -> bool {
        self.forget_person(service);
        self.trackers.remove(service).is_some()
    }

    fn forget_person(&mut self, service: &str) {
        if let Some((mark, _)) = self.people.remove(service) {
            self.by_mark.remove(&mark);
        }
    }

    /// The networks, by name. Several services of one tracker are one.
    pub fn networks(&self) -> Vec<NearbyNetwork> {
        let mut networks: Vec<NearbyNetwork> = Vec::new();
        for network in self.trackers.values() {
            match networks.iter_mut().find(|known| known.key == network.key) {
                Some(known) => {
                    let new = network.addresses.iter().filter(|address| !known.addresses.contains(address));
                    let new: Vec<SocketAddr> = new.copied().collect();
                    known.addresses.extend(new);
                }
                None => networks.push(network.clone()),
            }
        }
        networks.sort_by(|a, b| (&a.name, &a.key).cmp(&(&b.name, &b.key)));
        networks
    }

    /// Where the person with one of these marks is.
    pub fn addresses(&self, marks: impl IntoIterator<Item = PersonMark>) -> Vec<SocketAddr> {
        let services = marks.into_iter().filter_map(|mark| self.by_mark.get(&mark));
        let mut addresses: Vec<SocketAddr> = services
            .filter_map(|service| self.people.get(service))
            .flat_map(|(_, addresses)| addresses.clone())
            .collect();
        addresses.truncate(ADDRESSES_MAX);
        addresses
    }
}

/// Addresses that others can be dialled at, IPv4 first: it is what people know and can read out.
fn usable(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    let is_usable = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
        // A link-local address says nothing without its interface.
        IpAddr::V6(ip) => {
            !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast() && !ip.is_unicast_link_local()
        }
    };
    let mut usable: Vec<IpAddr> = addresses.iter().map(IpAddr::to_canonical).filter(is_usable).collect();
    usable.sort();
    usable.dedup();
    usable.truncate(if port == 0 { 0 } else { ADDRESSES_MAX });
    usable.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> PublicKey {
        PublicKey::from_bytes([n; 32])
    }

    fn notice(name: &str, of: u8) -> TrackerNotice {
        TrackerNotice::new(name, key(of))
    }

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().expect(text)).collect()
    }

    fn shown(book: &NearbyBook) -> Vec<String> {
        let show = |network: &NearbyNetwork| format!("{} {:?}", network.name, network.addresses);
        book.networks().iter().map(show).collect()
    }

    #[test]
    fn a_tracker_is_one_network_however_it_is_seen() {
        let mut book = NearbyBook::default();
        let both =
            ips(&["fe80::1", "fd00::1", "192.168.1.2", "::ffff:192.168.1.2", "127.0.0.1", "0.0.0.0", "224.0.0.1"]);
        assert!(book.see_tracker("b", notice("Work", 1), 7686, &both));
        assert!(!book.see_tracker("b", notice("Work", 1), 7686, &both), "the same again");
        assert!(book.see_tracker("a", notice("Home", 2), 7686, &ips(&["192.168.1.3"])));
        assert!(book.see_tracker("c", notice("Work", 1), 7687, &ips(&["192.168.1.2"])));
        assert_eq!(
            shown(&book),
            ["Home [192.168.1.3:7686]", "Work [192.168.1.2:7686, [fd00::1]:7686, 192.168.1.2:7687]"]
        );
        assert!(book.see_tracker("a", notice("At home", 2), 7686, &ips(&["192.168.1.3"])), "another name");
        assert!(!book.see_tracker("d", notice("Nowhere", 3), 7686, &ips(&["127.0.0.1", "fe80::1"])));
        assert!(!book.see_tracker("d", notice("Nowhere", 3), 0, &ips(&["192.168.1.4"])));
        assert!(book.forget("b") && !book.forget("b"));
        assert_eq!(shown(&book), ["At home [192.168.1.3:7686]", "Work [192.168.1.2:7687]"]);
    }

    #[test]
    fn a_flood_finds_an_end_and_pushes_nobody_out() {
        let mut book = NearbyBook::default();
        let one = ips(&["192.168.1.2"]);
        let mark = |n: u64| PersonMark::new(&key(1), &key(2), n);
        assert!(book.see_tracker("ours", notice("Home", 1), 7686, &one));
        book.see_person("friend", mark(0), 4001, &one);
        let many: Vec<IpAddr> = (0..100u8).map(|n| IpAddr::from([10, 0, 0, n])).collect();
        for n in 1..10_000u64 {
            book.see_tracker(&format!("t{n}"), notice(&"x".repeat(5000), 3), 7686, &many);
            book.see_person(&format!("p{n}"), mark(n), 4001, &many);
            book.see_person(&format!("friend{n}"), mark(0), 4001, &many);
        }
        assert_eq!(
            (book.trackers.len(), book.people.len(), book.by_mark.len()),
            (TRACKERS_MAX, PEOPLE_MAX, PEOPLE_MAX)
        );
        assert!(book.trackers.values().all(|known| known.addresses.len() <= ADDRESSES_MAX && known.name.len() <= 255));
        assert_eq!(shown(&book)[0], "Home [192.168.1.2:7686]");
        assert_eq!(book.addresses([mark(0)]), ["192.168.1.2:4001".parse().expect("an address")]);
        assert!(!book.see_tracker(&"s".repeat(256), notice("Long", 4), 7686, &one));
    }

    #[test]
    fn a_person_is_found_by_the_mark_of_a_day_near_by() {
        let mut book = NearbyBook::default();
        let mark = |day| PersonMark::new(&key(1), &key(2), day);
        book.see_person("a", mark(20_000), 4001, &ips(&["192.168.1.2", "fd00::2"]));
        assert_eq!(book.addresses([mark(19_999), mark(20_000), mark(20_001)]).len(), 2);
        assert!(book.addresses([mark(19_998), mark(19_999)]).is_empty());
        book.see_person("a", mark(20_001), 4002, &ips(&["192.168.1.3"]));
        assert_eq!(book.addresses([mark(20_000), mark(20_001)]), ["192.168.1.3:4002".parse().expect("an address")]);
        book.forget("a");
        assert!(book.addresses([mark(20_001)]).is_empty() && book.by_mark.is_empty());
    }
}
