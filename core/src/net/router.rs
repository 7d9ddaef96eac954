//! Which router this computer is behind, and our own address there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

use crate::model::address_family::AddressFamily;

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
    let interface = netdev::get_default_interface().ok();
    let router = |family| {
        let interface = interface.as_ref()?;
        let gateway = interface.gateway.as_ref()?;
        match family {
            AddressFamily::Ipv4 => Some(SocketAddr::new((*gateway.ipv4.first()?).into(), MAPPING_PORT)),
            AddressFamily::Ipv6 => {
                let scope = |ip: &Ipv6Addr| if ip.is_unicast_link_local() { interface.index } else { 0 };
                // A request comes from an address of the kind that it goes to, and is for the one that it comes from.
                let ip = gateway.ipv6.iter().min_by_key(|ip| ip.is_unicast_link_local())?;
                Some(SocketAddrV6::new(*ip, MAPPING_PORT, 0, scope(ip)).into())
            }
        }
    };
    AddressFamily::ALL.map(|family| Some(WayOut { router: router(family)?, own: own_address(family)? }))
}
