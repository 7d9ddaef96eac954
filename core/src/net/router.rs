//! Which router this computer is behind, and our own address there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

use crate::model::address_family::AddressFamily;
#[cfg(target_os = "linux")]
use crate::net::default_route::{self, DefaultRoute};

/// The port at which routers take requests for mappings (RFC 6886, RFC 6887).
const MAPPING_PORT: u16 = 5351;
/// Somewhere in the Internet, for asking the system by which address it would go there. Nothing is sent.
const FAR_IPV4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
const FAR_IPV6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xffff)), 9);

/// The way out of this computer by one family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WayOut {
    /// The router of the default route, where it takes requests for mappings.
    pub router: SocketAddr,
    /// Our address in its network.
    pub own: IpAddr,
}

/// The address by which this computer goes to the Internet; `None` if it does not by this family. It is quick.
pub fn own_address(family: AddressFamily) -> Option<IpAddr> {
    source_of(family).ok().filter(|own| !own.is_unspecified() && !own.is_loopback())
}

fn source_of(family: AddressFamily) -> io::Result<IpAddr> {
    let (any, far) = match family {
        AddressFamily::Ipv4 => (IpAddr::from(Ipv4Addr::UNSPECIFIED), FAR_IPV4),
        AddressFamily::Ipv6 => (IpAddr::from(Ipv6Addr::UNSPECIFIED), FAR_IPV6),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(far)?;
    Ok(socket.local_addr()?.ip())
}

/// The ways out of this computer, by IPv4 and by IPv6. Blocks for a moment.
pub fn ways_out() -> [Option<WayOut>; 2] {
    let routers = routers();
    AddressFamily::ALL.map(|family| {
        let router = match family {
            AddressFamily::Ipv4 => routers[0],
            AddressFamily::Ipv6 => routers[1],
        };
        Some(WayOut { router: router?, own: own_address(family)? })
    })
}

/// Where the routers take requests, by IPv4 and by IPv6.
#[cfg(target_os = "linux")]
fn routers() -> [Option<SocketAddr>; 2] {
    let index = |card: &str| {
        let all = if_addrs::get_if_addrs().unwrap_or_default();
        all.iter().find(|known| known.name == card).and_then(|known| known.index).unwrap_or(0)
    };
    let at = |route: DefaultRoute| match route.router {
        IpAddr::V6(ip) => mapping_port_of(ip, || index(&route.card)),
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, MAPPING_PORT),
    };
    [default_route::ipv4().map(at), default_route::ipv6().map(at)]
}

/// The same, as the system says it when it is asked.
#[cfg(not(target_os = "linux"))]
fn routers() -> [Option<SocketAddr>; 2] {
    let Ok(interface) = netdev::get_default_interface() else { return [None, None] };
    let Some(gateway) = &interface.gateway else { return [None, None] };
    let ipv4 = gateway.ipv4.first().map(|ip| SocketAddr::new((*ip).into(), MAPPING_PORT));
    // A request comes from an address of the kind that it goes to, and is for the one that it comes from.
    let ipv6 = gateway.ipv6.iter().min_by_key(|ip| ip.is_unicast_link_local());
    [ipv4, ipv6.map(|ip| mapping_port_of(*ip, || interface.index))]
}

/// A link-local address says nothing without the card before it.
fn mapping_port_of(router: Ipv6Addr, card: impl FnOnce() -> u32) -> SocketAddr {
    let scope = if router.is_unicast_link_local() { card() } else { 0 };
    SocketAddrV6::new(router, MAPPING_PORT, 0, scope).into()
}
