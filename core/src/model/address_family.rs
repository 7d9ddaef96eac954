//! The two families of Internet addresses.

use std::net::IpAddr;

/// Which addresses two meet by; whoever has both tries both, each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// Addresses as in 192.0.2.1.
    Ipv4,
    /// Addresses as in 2001:db8::1.
    Ipv6,
}

impl AddressFamily {
    /// The two of them, the older one first.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// That of an address, however it is written.
    pub fn of(ip: IpAddr) -> Self {
        if ip.to_canonical().is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Ipv4 => Self::Ipv6,
            Self::Ipv6 => Self::Ipv4,
        }
    }
}
