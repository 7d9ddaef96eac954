//! By which way two people's programs reach each other.

use std::net::{IpAddr, SocketAddr};

/// How a connection between two peers came about. All are TCP with TLS between the two; the way says who could reach whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// In the same local network, or another private one that leads there.
    Nearby,
    /// By IPv6, as the tracker sees them.
    Ipv6,
    /// By IPv4, as the tracker sees them.
    Direct,
    /// Through a port that their router opened for them.
    Mapped,
    /// They were asked to dial, because they cannot be dialled.
    Reversed,
    /// Both dialled at the same moment, so that the routers of both took it for an answer.
    Punched,
    /// Through the tracker, which carries sealed bytes.
    Relayed,
}

impl Way {
    /// All of them, the better ones first.
    pub const ALL: [Self; 7] =
        [Self::Nearby, Self::Ipv6, Self::Direct, Self::Mapped, Self::Reversed, Self::Punched, Self::Relayed];

    /// By which way somebody at this address is dialled, or dials us.
    pub fn of(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) if ip.is_loopback() || ip.is_private() || ip.is_link_local() => Self::Nearby,
            IpAddr::V6(ip) if ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() => Self::Nearby,
            IpAddr::V4(_) => Self::Direct,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// The word for it: of its texts in the translations, below `way`, and for programs.
    pub fn key(self) -> &'static str {
        match self {
            Self::Nearby => "nearby",
            Self::Ipv6 => "direct6",
            Self::Direct => "direct",
            Self::Mapped => "mapped",
            Self::Reversed => "reversed",
            Self::Punched => "punched",
            Self::Relayed => "relayed",
        }
    }

    /// The way of this word.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.key() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_known_by_its_word() {
        assert!(Way::ALL.iter().all(|way| Way::of_key(way.key()) == Some(*way)));
        assert_eq!(["", "-", "Direct", "teleported"].map(Way::of_key), [None; 4]);
    }

    #[test]
    fn an_address_says_the_way() {
        for (address, way) in [
            ("127.0.0.1:4001", "nearby"),
            ("[::1]:4001", "nearby"),
            ("192.168.1.2:4001", "nearby"),
            ("[::ffff:10.0.0.1]:4001", "nearby"),
            ("[fd00::1]:4001", "nearby"),
            ("100.64.0.1:4001", "direct"),
            ("192.0.2.1:4001", "direct"),
            ("[::ffff:192.0.2.1]:4001", "direct"),
            ("[2001:db8::1]:4001", "direct6"),
        ] {
            assert_eq!(Way::of(address.parse().expect(address)).key(), way, "{address}");
        }
    }
}
