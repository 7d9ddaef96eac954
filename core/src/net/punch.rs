//! Two computers behind routers that let only answers in: both dial at the same moment from ports that the tracker has
//! seen, so that each router takes the other's dialling for an answer (TCP simultaneous open, RFC 9293, section 3.5).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::model::ticket::EncounterTicket;
use crate::net::{dial, short_reply};

/// Reaching the tracker, for the port to be seen.
const TRACKER_CONNECT_MAX: Duration = Duration::from_secs(5);
/// The tracker waits ten seconds for the other side.
const OTHER_SIDE_MAX: Duration = Duration::from_secs(11);
/// How long both sides dial.
const PUNCH_MAX: Duration = Duration::from_secs(8);
/// How often one dials: an address that we were given by mistake, or in bad faith, is left alone then.
const PUNCHES_MAX: u32 = 100;
/// A router that refuses must be met in the moment in which ours has just let the other's packet out: quick tries first,
/// then slower ones. In microseconds, each up to so much.
const QUICK_TRIES: u32 = 60;
const QUICK_PAUSE_MICROS_MAX: u64 = 8_000;
const SLOW_PAUSE_MICROS: std::ops::Range<u64> = 20_000..200_000;

/// Meets the other side of an encounter, if `may_dial` its address. What comes of it has proven nothing yet.
pub async fn meet(
    tracker: SocketAddr,
    ticket: EncounterTicket,
    may_dial: impl Fn(SocketAddr) -> bool,
) -> io::Result<TcpStream> {
    let any: IpAddr = if tracker.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // A fresh port, never the one of the peer server: a router that has seen it in use may treat it otherwise.
    let socket = socket_at(SocketAddr::new(any, 0))?;
    let own = socket.local_addr()?;
    let mut seen = timeout(TRACKER_CONNECT_MAX, socket.connect(tracker)).await??;
    seen.write_all(format!("probe {ticket}\n").as_bytes()).await?;
    let answer = timeout(OTHER_SIDE_MAX, short_reply::read(&mut seen)).await??;
    let lines = answer.map_err(|code| io::Error::other(format!("the tracker says {}", code.as_str())))?;
    let other: Option<SocketAddr> = lines.first().and_then(|line| line.parse().ok());
    let other = other.filter(|other| may_dial(*other)).ok_or(io::ErrorKind::InvalidData)?;
    let stream = timeout(PUNCH_MAX, both_dial(own, other)).await??;
    dial::tune(&stream)?;
    // Until now the router must remember that this port is ours.
    drop(seen);
    Ok(stream)
}

async fn both_dial(own: SocketAddr, other: SocketAddr) -> io::Result<TcpStream> {
    let listener = socket_at(own)?.listen(1)?;
    tokio::select! {
        dialled = dial_again(own, other) => dialled,
        accepted = accept_from(&listener, other.ip()) => accepted,
    }
}

async fn dial_again(own: SocketAddr, other: SocketAddr) -> io::Result<TcpStream> {
    for tries in 0..PUNCHES_MAX {
        let connected = match socket_at(own) {
            Ok(socket) => socket.connect(other).await,
            Err(error) => Err(error),
        };
        if let Ok(stream) = connected {
            return Ok(stream);
        }
        let pause = if tries < QUICK_TRIES {
            rand::random_range(0..QUICK_PAUSE_MICROS_MAX)
        } else {
            rand::random_range(SLOW_PAUSE_MICROS)
        };
        sleep(Duration::from_micros(pause)).await;
    }
    Err(io::ErrorKind::ConnectionRefused.into())
}

/// Their dialling may be here before ours has left.
async fn accept_from(listener: &TcpListener, other: IpAddr) -> io::Result<TcpStream> {
    loop {
        let (stream, from) = listener.accept().await?;
        if from.ip().to_canonical() == other.to_canonical() {
            return Ok(stream);
        }
    }
}

/// Several sockets have one port: the one that the tracker has seen, one that listens, one that dials.
fn socket_at(own: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if own.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(own)?;
    Ok(socket)
}
