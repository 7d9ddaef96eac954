//! What a router is asked for and what it promises: a port of its own, through which others reach us. When it is asked, and
//! by which protocol, is for the mapper to say (`reach/mapper.rs`).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::model::port::PeerPort;
use crate::model::shared_address::is_carrier_grade;

/// How a router is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MappingProtocol {
    /// RFC 6887: answered at once where it is known, and for IPv6 too.
    Pcp,
    /// RFC 6886, its predecessor.
    NatPmp,
    /// UPnP's Internet Gateway Device: the most common one, and the slowest.
    Igd,
}

impl MappingProtocol {
    /// Those that are tried for IPv4, in this order.
    pub const OF_IPV4: &'static [Self] = &[Self::Pcp, Self::NatPmp, Self::Igd];
    /// The one that opens a firewall for IPv6.
    pub const OF_IPV6: &'static [Self] = &[Self::Pcp];
}

/// What is wanted: connections to this port of the router's go to this port of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappingWish {
    /// The router, as this computer's default route says; the scope tells links apart.
    pub router: SocketAddr,
    /// Our address in its network.
    pub own: IpAddr,
    /// Where our peer server listens; the same is wished for outside.
    pub port: PeerPort,
}

/// What a router has promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappedPort {
    /// The address that it says it has outside, if it says so.
    pub address: Option<IpAddr>,
    /// The port outside.
    pub port: PeerPort,
    /// For how long; zero is for ever, as some routers have it no other way.
    pub lasts: Duration,
}

/// Why there is no mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoMapping {
    /// There is no router, or it is not known.
    NoRouter,
    /// No router has answered in time.
    NoAnswer,
    /// The router does not want to.
    Refused,
    /// What came is no answer.
    Rubbish,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappingStep {
    /// Ask for a mapping; renew the one that is held if there is one, and say what came of it.
    Map(MappingProtocol, MappingWish),
    /// Give the mapping that is held back, and say when that was tried.
    Remove,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MappingState {
    /// Nothing is wanted: it is switched off, or there is nobody to be reached by.
    #[default]
    Off,
    /// Nothing is needed: the computer itself is on the Internet.
    NotNeeded,
    /// A router is being asked.
    Asking(MappingProtocol),
    /// A router has promised.
    Mapped(MappingProtocol, MappedPort),
    /// No router did.
    Failed(NoMapping),
}

impl MappingState {
    /// What is mapped now.
    pub fn mapped(&self) -> Option<(MappingProtocol, MappedPort)> {
        match *self {
            Self::Mapped(by, mapped) => Some((by, mapped)),
            Self::Off | Self::NotNeeded | Self::Asking(_) | Self::Failed(_) => None,
        }
    }

    /// Whether the router that has promised is itself behind another one, a provider's for example: the world does not
    /// reach it.
    pub fn is_below_another_router(&self) -> bool {
        let address = self.mapped().and_then(|(_, mapped)| mapped.address);
        address.is_some_and(|address| !is_global(address))
    }
}

/// Whether an address means the same everywhere.
pub(super) fn is_global(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || is_carrier_grade(ip))
        }
        IpAddr::V6(ip) => {
            !(ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_below_another_says_so() {
        for (address, is_below) in
            [("203.0.113.7", false), ("100.64.0.2", true), ("192.168.0.7", true), ("fd00::1", true)]
        {
            let address = Some(address.parse().expect(address));
            let port = PeerPort::new(4001).expect("a port");
            let state = MappingState::Mapped(MappingProtocol::Igd, MappedPort { address, port, lasts: Duration::ZERO });
            assert_eq!(state.is_below_another_router(), is_below, "{address:?}");
        }
    }
}
