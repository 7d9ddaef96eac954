//! By which way two people's programs reach each other.

use std::net::{IpAddr, SocketAddr};

/// How a connection between two peers came about. All are TCP with TLS between the two; the way says who could reach whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// In the same local network.
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
    /// By which way this address is dialled when a tracker, or a name, gives it.
    pub fn to_address(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
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
}
