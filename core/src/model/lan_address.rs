//! An address in somebody's own network, as they say it themselves.

use std::net::{IpAddr, SocketAddr};

use crate::model::port::PeerPort;

/// Most that one user says: a computer with a cable and a radio, by both families.
pub const LAN_ADDRESSES_MAX: usize = 4;

/// Where a peer server is within a home: a private address (RFC 1918, RFC 4193) with a port that a user may announce.
/// Anything else would send others to this computer itself, to a system service, or to strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LanAddress(SocketAddr);

/// Not an address and port, or one that leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an address in a home is a private one with a port from {min} on, as in 192.168.1.2:4001", min = crate::model::limits::PEER_PORT_MIN)]
pub struct BadLanAddress;

impl LanAddress {
    /// Takes an address that leads nowhere but into a home.
    pub fn new(address: IpAddr, port: u16) -> Result<Self, BadLanAddress> {
        let ip = address.to_canonical();
        let is_private = match ip {
            IpAddr::V4(ip) => ip.is_private(),
            IpAddr::V6(ip) => ip.is_unique_local(),
        };
        let port = PeerPort::new(port).map_err(|_too_low| BadLanAddress)?;
        if is_private { Ok(Self(SocketAddr::new(ip, port.get()))) } else { Err(BadLanAddress) }
    }

    /// The address and port.
    pub fn get(self) -> SocketAddr {
        self.0
    }
}

impl std::str::FromStr for LanAddress {
    type Err = BadLanAddress;

    fn from_str(text: &str) -> Result<Self, BadLanAddress> {
        let address: SocketAddr = text.parse().map_err(|_no_address| BadLanAddress)?;
        Self::new(address.ip(), address.port())
    }
}

impl std::fmt::Display for LanAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_private_addresses_with_a_port_of_people() {
        for (text, written) in [
            ("192.168.1.2:4001", Some("192.168.1.2:4001")),
            ("10.255.0.1:1024", Some("10.255.0.1:1024")),
            ("172.16.0.1:65535", Some("172.16.0.1:65535")),
            ("[::ffff:192.168.1.2]:4001", Some("192.168.1.2:4001")),
            ("[fd00::2]:4001", Some("[fd00::2]:4001")),
            ("192.168.1.1:80", None),
            ("192.168.1.1:0", None),
            ("127.0.0.1:4001", None),
            ("[::1]:4001", None),
            ("169.254.169.254:4001", None),
            ("[fe80::1]:4001", None),
            ("100.64.0.1:4001", None),
            ("172.32.0.1:4001", None),
            ("192.0.2.1:4001", None),
            ("[2001:db8::1]:4001", None),
            ("0.0.0.0:4001", None),
            ("255.255.255.255:4001", None),
            ("239.1.1.1:4001", None),
            // IPv4 in other clothes, an address of one line, and one that is said to be of it.
            ("[::ffff:127.0.0.1]:4001", None),
            ("[::ffff:169.254.1.1]:4001", None),
            ("[64:ff9b::192.168.1.1]:4001", None),
            ("[64:ff9b:1::192.168.1.1]:4001", None),
            ("[2002:c0a8:101::1]:4001", None),
            ("[2001:0:808:808:0:fbbe:3f57:fefe]:4001", None),
            ("[fe80::1%2]:4001", None),
            ("[fd00::2%2]:4001", Some("[fd00::2]:4001")),
            ("[fec0::1]:4001", None),
            ("[ff02::1]:4001", None),
            ("[::]:4001", None),
            ("[fd00::2]:53", None),
            ("[fd00::2]:0", None),
            ("router.lan:4001", None),
            ("192.168.1.2", None),
            ("", None),
        ] {
            let read = text.parse::<LanAddress>().map(|address| address.to_string());
            assert_eq!(read.ok().as_deref(), written, "{text}");
        }
    }
}
