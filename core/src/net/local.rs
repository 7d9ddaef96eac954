//! This computer's own addresses and ports.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use tokio::net::TcpStream;

/// Ports that a peer server is given: above what systems use for themselves, below the ephemeral ports of some.
const PEER_PORTS: std::ops::Range<u16> = 20_000..60_000;
/// How many ports are tried one after the other.
const PORT_TRIES_MAX: u16 = 200;

/// Opens the peer server's port: `wanted`, else the next free one.
pub fn listen_near(ip: IpAddr, wanted: u16) -> io::Result<TcpListener> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for step in 0..PORT_TRIES_MAX {
        let Some(port) = wanted.checked_add(step) else { break };
        match listen(SocketAddr::new(ip, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            other => return other,
        }
    }
    Err(last)
}

/// Opens exactly this address; port 0 lets the system choose. Ready for tokio. `[::]` is every address of both families,
/// or of IPv4 alone where the system has no IPv6; `0.0.0.0` is every address of IPv4.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let is_everywhere = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match bind(address) {
        Err(error) if is_everywhere && !is_about_the_port(&error) => bind(SocketAddr::new(IPV4_ANY, address.port())),
        other => other,
    }
}

const IPV4_ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = if address.is_ipv4() { socket2::Domain::IPV4 } else { socket2::Domain::IPV6 };
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Systems differ in what they take for granted.
        socket.set_only_v6(false)?;
    }
    // A restarted tracker gets its port back although old connections linger. On Windows the option means something
    // else: it would let two programs share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Whether the other family would be refused as well; every other error of `[::]` is taken for "there is no IPv6".
fn is_about_the_port(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

/// Whether an address is one of this computer's now. A connection from one that is not leads nowhere any more, though nobody ends
/// it. It is quick.
pub fn is_own(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

/// The next connection, and from where it comes. Who comes by IPv4 has an address of IPv4, also where one socket listens
/// for both families: limits and bans know everybody by one address.
pub async fn accept(listener: &tokio::net::TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, from) = listener.accept().await?;
    Ok((stream, canonical(from)))
}

/// An address of IPv4 that is written as one of IPv6 (`::ffff:192.0.2.1`) as the one that it is.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Connections that the system holds until they are accepted; it cuts this to its own maximum.
const BACKLOG: i32 = 4096;

/// A port to begin with, drawn once and then remembered.
pub fn random_peer_port() -> u16 {
    rand::RngExt::random_range(&mut rand::rng(), PEER_PORTS)
}

/// The address under which others most likely reach this computer, for an invite: a local network's before a public
/// one's, IPv4 before IPv6, loopback if there is nothing else.
pub fn best_address() -> IpAddr {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let usable = interfaces.into_iter().map(|interface| interface.ip()).filter(|ip| match ip {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    });
    usable.min_by_key(IpAddr::is_ipv6).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_gives_the_next_free_one() {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let first = listen(SocketAddr::new(ip, 0)).expect("listens");
        let taken = first.local_addr().expect("bound").port();
        let second = listen_near(ip, taken).expect("listens");
        assert!(second.local_addr().expect("bound").port() > taken);
    }

    #[tokio::test]
    async fn everywhere_is_both_families_and_ipv4_is_known_as_such() {
        let listener = listen(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0)).expect("listens");
        let listener = tokio::net::TcpListener::from_std(listener).expect("ready for tokio");
        let port = listener.local_addr().expect("bound").port();
        let has_ipv6 = listener.local_addr().expect("bound").is_ipv6();
        for (ip, is_there) in [("127.0.0.1", true), ("::1", has_ipv6)] {
            let ip: IpAddr = ip.parse().expect(ip);
            let Ok(_stream) = TcpStream::connect((ip, port)).await else {
                assert!(!is_there, "{ip}");
                continue;
            };
            let (_stream, from) = accept(&listener).await.expect("accepted");
            assert_eq!(from.ip(), ip);
        }
    }
}
