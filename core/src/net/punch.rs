//! Two computers behind routers that let only answers in: both dial at the same moment from ports that the tracker has
//! seen, so that each router takes the other's dialling for an answer (TCP simultaneous open, RFC 9293, section 3.5).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use crate::model::ticket::EncounterTicket;
use crate::net::{dial, short_reply};
use crate::reach::punch_schedule::{PUNCH_MAX, PunchSchedule};

/// Reaching the tracker, for the port to be seen.
const TRACKER_CONNECT_MAX: Duration = Duration::from_secs(5);
/// The tracker waits ten seconds for the other side.
const OTHER_SIDE_MAX: Duration = Duration::from_secs(11);

/// Pauses that are shorter than this are slept on a thread.
const SHORT_PAUSE_MAX: Duration = Duration::from_millis(2);

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
    let lines = answer
        .map_err(|code| io::Error::new(io::ErrorKind::NotConnected, format!("the tracker says {}", code.as_str())))?;
    let other: Option<SocketAddr> = lines.first().and_then(|line| line.parse().ok());
    let other = other.ok_or(io::ErrorKind::InvalidData)?;
    if !may_dial(other) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let stream = both_dial(own, other).await?;
    dial::tune(&stream)?;
    // Until now the router must remember that this port is ours.
    drop(seen);
    Ok(stream)
}

/// Ends by itself.
async fn both_dial(own: SocketAddr, other: SocketAddr) -> io::Result<TcpStream> {
    let listener = socket_at(own)?.listen(1)?;
    tokio::select! {
        dialled = dial_again(own, other) => dialled,
        accepted = accept_from(&listener, other.ip()) => accepted,
    }
}

async fn dial_again(own: SocketAddr, other: SocketAddr) -> io::Result<TcpStream> {
    let began = Instant::now();
    let until = began + PUNCH_MAX;
    let mut schedule = PunchSchedule::default();
    let mut last_error = io::ErrorKind::TimedOut.into();
    let mut refused_after = None;
    while let Some(pause) = schedule.next_pause(began.elapsed(), refused_after, rand::random()) {
        rest(pause).await;
        let tried = Instant::now();
        match timeout_at(until, async { socket_at(own)?.connect(other).await }).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                last_error = error;
                refused_after = Some(tried.elapsed());
            }
            Err(_over) => break,
        }
    }
    // Theirs may be accepted until then.
    sleep_until(until).await;
    Err(last_error)
}

/// Sleeps. The timers of a runtime know whole milliseconds; somebody in the next house refuses in a fraction of one.
async fn rest(pause: Duration) {
    if pause.is_zero() {
        return;
    }
    if pause < SHORT_PAUSE_MAX {
        // It is not made up for if there is no thread.
        let _no_thread = tokio::task::spawn_blocking(move || std::thread::sleep(pause)).await;
    } else {
        sleep(pause).await;
    }
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
