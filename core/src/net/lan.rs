//! The networks that this computer is in: where others in the same home find it, and whom of them it may be sent to.

use std::io;
use std::net::IpAddr;

use if_addrs::{IfAddr, IfOperStatus};

use crate::model::lan_address::{LAN_ADDRESSES_MAX, LanAddress};

/// Networks that are looked at: a computer with hundreds of virtual ones names the first of them.
const NETWORKS_MAX: usize = 64;

/// The networks that this computer is in, as they were when it was looked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnNetworks {
    own: Vec<OwnAddress>,
}

/// An address of this computer, and which others are in the same network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OwnAddress {
    ip: IpAddr,
    /// Leading bits that the whole network has in common.
    network_bits: u32,
}

impl OwnNetworks {
    /// Looks. Lines to one other computer (a VPN) and this computer itself are no home, and an address that says nothing
    /// without its line leads nobody there. Blocks for a moment.
    pub fn read() -> io::Result<Self> {
        let mut interfaces = if_addrs::get_if_addrs()?;
        let is_of_its_line = |ip: IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
        interfaces.retain(|at| !at.is_loopback() && !at.is_p2p && at.oper_status != IfOperStatus::Down);
        interfaces.retain(|at| !is_of_its_line(at.ip()));
        // Cables and radios come before what programs have added later.
        interfaces.sort_by_key(|at| at.index);
        let own = interfaces.into_iter().map(|interface| match interface.addr {
            IfAddr::V4(at) => OwnAddress { ip: at.ip.into(), network_bits: at.prefixlen.into() },
            IfAddr::V6(at) => OwnAddress { ip: at.ip.into(), network_bits: at.prefixlen.into() },
        });
        Ok(Self { own: own.take(NETWORKS_MAX).collect() })
    }

    /// Networks of these addresses, each with the leading bits that its network has in common.
    #[cfg(test)]
    pub(crate) fn of(own: &[(&str, u32)]) -> Self {
        let own = own.iter().map(|(ip, network_bits)| (ip.parse().expect(ip), *network_bits));
        Self { own: own.map(|(ip, network_bits)| OwnAddress { ip, network_bits }).collect() }
    }

    /// Where others in the home find a server that listens at this port, at most [`LAN_ADDRESSES_MAX`].
    pub fn addresses(&self, port: u16) -> Vec<LanAddress> {
        let mut addresses: Vec<LanAddress> = Vec::new();
        for address in self.own.iter().filter_map(|own| LanAddress::new(own.ip, port).ok()) {
            if !addresses.contains(&address) && addresses.len() < LAN_ADDRESSES_MAX {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Whether an address is in one of these networks. Somebody else's word for it must not lead any further.
    pub fn contains(&self, address: LanAddress) -> bool {
        self.contains_ip(address.get().ip())
    }

    /// The same for an address that need not be a private one.
    pub fn contains_ip(&self, address: IpAddr) -> bool {
        self.own.iter().any(|own| own.is_beside(address.to_canonical()))
    }
}

impl OwnAddress {
    fn is_beside(&self, other: IpAddr) -> bool {
        let in_common = match (self.ip, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            _ => return false,
        };
        // A network of all addresses is none.
        self.network_bits > 0 && in_common >= self.network_bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_and_few_of_them() {
        let own = OwnNetworks::of(&[
            ("192.0.2.1", 24),
            ("192.168.1.2", 24),
            ("fe80::1", 64),
            ("fd00::2", 64),
            ("2001:db8::1", 64),
        ]);
        let told: Vec<String> = own.addresses(4001).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["192.168.1.2:4001", "[fd00::2]:4001"]);
        assert!(own.addresses(80).is_empty(), "no port of people");
        let many: Vec<String> = (1..100).map(|n| format!("10.0.{n}.1")).collect();
        let many: Vec<(&str, u32)> = many.iter().map(|ip| (ip.as_str(), 24)).collect();
        assert_eq!(OwnNetworks::of(&many).addresses(4001).len(), LAN_ADDRESSES_MAX);
    }

    #[test]
    fn nobody_is_sent_out_of_their_own_networks() {
        let own = OwnNetworks::of(&[("192.168.1.2", 24), ("10.0.0.1", 8), ("fd00::2", 64), ("172.16.0.1", 0)]);
        for (address, is_inside) in [
            ("192.168.1.77:4001", true),
            ("192.168.1.2:4001", true),
            ("192.168.2.1:4001", false),
            ("10.255.1.1:4001", true),
            ("[fd00::9]:4001", true),
            ("[fd00:0:0:1::9]:4001", false),
            ("172.16.0.2:4001", false),
        ] {
            assert_eq!(own.contains(address.parse().expect(address)), is_inside, "{address}");
        }
        assert!(!OwnNetworks::default().contains("192.168.1.2:4001".parse().expect("an address")));
    }
}
