//! Reaching somebody by TCP, and whom we refuse to reach.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use crate::model::invite::HostPort;
use crate::model::shared_address::is_carrier_grade;
use crate::net::race::{Race, RaceEvent};
use crate::reach::{DialCandidate, ReachAttempt};

/// Connects to the first address of a host that answers in time: the addresses of both families, in turn and without
/// waiting for one that is silent (RFC 8305).
pub(super) async fn host(to: &HostPort, each: Duration) -> io::Result<TcpStream> {
    let mut attempt = ReachAttempt::new(Instant::now().into_std());
    addresses_of(to, each).await?.into_iter().for_each(|address| attempt.offer(DialCandidate::at(address)));
    let mut race = Race::new(attempt);
    match race.next(|candidate| address(candidate.address, each)).await {
        RaceEvent::Won(stream, _way) => Ok(stream),
        RaceEvent::Lost(error) => Err(error),
        RaceEvent::AskToBeDialled | RaceEvent::ComeToRelay => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Every address that a host has.
pub(super) async fn addresses_of(host: &HostPort, within: Duration) -> io::Result<Vec<SocketAddr>> {
    let addresses = timeout(within, lookup_host((host.host(), host.port()))).await.map_err(timed_out)??;
    Ok(addresses.collect())
}

/// Connects to one address in time, without Nagle's delay and with keep-alive.
pub(super) async fn address(to: SocketAddr, within: Duration) -> io::Result<TcpStream> {
    let stream = timeout(within, TcpStream::connect(to)).await.map_err(timed_out)??;
    tune(&stream)?;
    Ok(stream)
}

/// What every connection of ours has: small writes leave at once, and a vanished other side is noticed.
pub fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(20));
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn timed_out(_elapsed: tokio::time::error::Elapsed) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

/// Whether a tracker that we reach at `tracker` may send us to `peer`. A tracker on the Internet must not be able to
/// aim us at this computer or at the router: nearer addresses are for trackers that are as near.
pub fn may_dial(peer: IpAddr, tracker: IpAddr) -> bool {
    let (peer, tracker) = (peer.to_canonical(), tracker.to_canonical());
    match distance(peer) {
        None => false,
        Some(of_peer) => distance(tracker).is_some_and(|of_tracker| of_tracker <= of_peer),
    }
}

/// 0: this computer, 1: the local network, 2: the world. `None`: nobody's address.
fn distance(ip: IpAddr) -> Option<u8> {
    if ip.is_unspecified() || ip.is_multicast() {
        return None;
    }
    if ip.is_loopback() {
        return Some(0);
    }
    let near = match ip {
        IpAddr::V4(v4) if v4.is_link_local() || matches!(v4.octets()[0], 0 | 240..) => return None,
        IpAddr::V4(v4) => v4.is_private() || is_carrier_grade(v4) || is_within_a_network(v4),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => return None,
        IpAddr::V6(v6) => match stands_for(v6) {
            // A translator for one's own network only (RFC 8215).
            Some(v4) if v6.segments()[..3] == [0x64, 0xff9b, 1] => return Some(distance(v4.into())?.min(1)),
            Some(v4) => return distance(v4.into()),
            None => v6.is_unique_local() || is_site_local(v6),
        },
    };
    Some(if near { 1 } else { 2 })
}

/// The IPv4 address for which this one stands: a translator (RFC 6052, RFC 7915, RFC 8215) or a tunnel (RFC 3056, RFC 4291,
/// RFC 4380, RFC 5214) of one's own network leads there, also where IPv4 itself would not be dialled.
fn stands_for(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let from_bits = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(from_bits(high, low)),
        // Written the other way round, lest a router on the way translates it.
        [0x2001, 0, _, _, _, _, high, low] => Some(from_bits(!high, !low)),
        _ => None,
    }
}

/// What is between a provider and its customers besides the shared addresses (RFC 7335), and what devices are measured with
/// (RFC 2544), which proxies give out for names: no computer on the Internet has such an address.
fn is_within_a_network(v4: Ipv4Addr) -> bool {
    matches!(v4.octets(), [192, 0, 0, _] | [198, 18 | 19, _, _])
}

/// What private addresses were before unique local ones (RFC 3879); virtual machines have them.
fn is_site_local(v6: Ipv6Addr) -> bool {
    v6.segments()[0] & 0xffc0 == 0xfec0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_tracker_cannot_aim_us_at_near_addresses() {
        for (peer, tracker, allowed) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.2", "127.0.0.1", true),
            ("192.168.1.5", "127.0.0.1", true),
            ("127.0.0.1", "192.168.1.1", false),
            ("127.0.0.1", "8.8.8.8", false),
            ("::ffff:127.0.0.1", "8.8.8.8", false),
            ("192.168.1.1", "8.8.8.8", false),
            ("10.0.0.1", "192.168.1.9", true),
            ("100.64.1.1", "100.64.1.2", true),
            ("9.9.9.9", "8.8.8.8", true),
            ("9.9.9.9", "192.168.1.1", true),
            ("169.254.169.254", "127.0.0.1", false),
            ("0.0.0.0", "127.0.0.1", false),
            ("224.0.0.1", "127.0.0.1", false),
            ("fe80::1", "::1", false),
            ("fd00::1", "2001:db8::1", false),
            ("2001:db8::2", "fd00::1", true),
            // Nobody's.
            ("0.1.2.3", "127.0.0.1", false),
            ("::", "::1", false),
            ("::ffff:0.0.0.0", "127.0.0.1", false),
            ("::ffff:224.0.0.1", "127.0.0.1", false),
            ("::ffff:169.254.169.254", "127.0.0.1", false),
            ("ff02::1", "::1", false),
            // IPv4 in other clothes.
            ("::7f00:1", "8.8.8.8", false),
            ("::c0a8:101", "2001:db8::1", false),
            ("64:ff9b::c0a8:101", "8.8.8.8", false),
            ("64:ff9b::7f00:1", "2001:db8::1", false),
            ("64:ff9b:1::a00:1", "2001:db8::1", false),
            ("2002:c0a8:101::1", "2001:db8::1", false),
            ("64:ff9b::909:909", "8.8.8.8", true),
            ("64:ff9b::a9fe:a9fe", "::1", false),
            ("9.9.9.9", "64:ff9b::808:808", true),
            ("192.168.1.1", "64:ff9b::808:808", false),
            ("192.168.1.1", "64:ff9b::c0a8:101", true),
            ("64:ff9b:1::909:909", "8.8.8.8", false),
            ("64:ff9b:1::909:909", "192.168.1.1", true),
            ("64:ff9b:1:7f00:0:100::", "8.8.8.8", false),
            ("::ffff:0:192.168.1.1", "8.8.8.8", false),
            ("2001:0:808:808:0:fbbe:3f57:fefe", "8.8.8.8", false),
            ("2001:0:808:808:0:fbbe:f6f6:f6f6", "8.8.8.8", true),
            ("2001:db8::5efe:192.168.1.1", "2001:db8::1", false),
            ("2001:db8::200:5efe:127.0.0.1", "2001:db8::1", false),
            ("2001:db8::200:5efe:9.9.9.9", "2001:db8::1", true),
            ("240.0.0.1", "127.0.0.1", false),
            ("255.255.255.255", "127.0.0.1", false),
            ("192.0.0.1", "8.8.8.8", false),
            ("198.18.0.1", "8.8.8.8", false),
            ("198.20.0.1", "8.8.8.8", true),
            ("ff0e::1", "2001:db8::1", false),
            ("fdff::1", "8.8.8.8", false),
            ("fec0::2", "2001:db8::1", false),
            ("fec0::2", "fec0::1", true),
        ] {
            let (p, t) = (peer.parse().expect(peer), tracker.parse().expect(tracker));
            assert_eq!(may_dial(p, t), allowed, "{peer} told by {tracker}");
        }
    }
}
