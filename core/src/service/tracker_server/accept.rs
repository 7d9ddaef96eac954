//! Lets connections in, and finds out what each one is: TLS or text.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout, timeout_at};
use tokio_util::task::TaskTracker;

use crate::model::key::PublicKey;
use crate::model::limits;
use crate::net::descriptors::{self, Spare};
use crate::net::local;
use crate::net::send_queue::SendQueue;
use crate::net::tls::{Encrypted, HANDSHAKE_BYTE};
use crate::protocol::line::Flavor;
use crate::service::tracker_server::session::{self, Session, SessionLine};
use crate::service::tracker_server::{Message, Shared};
use crate::tracker::admission::NotAdmitted;
use crate::tracker::input::{Input, SessionId, SessionOpened};

/// How long to wait when the system has no descriptor for a new connection: trying at once would use a whole core.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(100);
/// A log line a kind of refusal, at most so often: else refusing is an amplifier.
const LOG_EVERY: Duration = Duration::from_secs(60);
/// The system asks after a silent connection this late and this often, besides our own deadlines.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// Accepts until the tracker stops. Every connection is a task of `sessions`.
pub(super) async fn run(listener: TcpListener, shared: Arc<Shared>, sessions: TaskTracker) {
    let mut spare = Spare::new();
    let (mut refused, mut failed) = (Occasional::default(), Occasional::default());
    loop {
        let accepted = tokio::select! {
            () = shared.cancel.cancelled() => return,
            accepted = local::accept(&listener) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match Admitted::enter(&shared, peer.ip()) {
                Ok(admitted) => drop(sessions.spawn(receive(stream, peer, admitted, sessions.clone()))),
                Err(why) => {
                    if let Some(count) = refused.note() {
                        tracing::warn!(count, %why, "connections were refused");
                    }
                }
            },
            Err(error) => {
                if let Some(count) = failed.note() {
                    tracing::warn!(count, %error, "connections could not be accepted");
                }
                if descriptors::are_used_up(&error) {
                    spare.give();
                    let _closed = timeout(Duration::from_millis(1), listener.accept()).await;
                    spare.take_back();
                    sleep(NO_DESCRIPTOR_PAUSE).await;
                } else if !is_the_connections_own(&error) {
                    sleep(NO_DESCRIPTOR_PAUSE).await;
                }
            }
        }
    }
}

/// A connection that ended before it was accepted says nothing about the next one.
fn is_the_connections_own(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// A place among the connections that are let in. It is given back when this is dropped, also by a panic.
struct Admitted {
    shared: Arc<Shared>,
    address: IpAddr,
}

impl Admitted {
    fn enter(shared: &Arc<Shared>, address: IpAddr) -> Result<Self, NotAdmitted> {
        shared.admission.lock().enter(address)?;
        Ok(Self { shared: shared.clone(), address })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.shared.admission.lock().leave(self.address);
    }
}

/// A handshake under way.
struct Handshake<'a>(&'a Admitted);

impl<'a> Handshake<'a> {
    fn begin(admitted: &'a Admitted) -> Result<Self, NotAdmitted> {
        admitted.shared.admission.lock().begin_handshake(admitted.address)?;
        Ok(Self(admitted))
    }
}

impl Drop for Handshake<'_> {
    fn drop(&mut self) {
        self.0.shared.admission.lock().end_handshake(self.0.address);
    }
}

/// Finds out what a connection is. Its session is then a task of its own: that one is small, and there are thousands.
async fn receive(stream: TcpStream, peer: SocketAddr, admitted: Admitted, sessions: TaskTracker) {
    let accepted_at = Instant::now();
    let Ok(local) = stream.local_addr() else { return };
    // A lone answer must not wait for the next one.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let _older_systems_lack_it = SockRef::from(&stream).set_tcp_keepalive(&keepalive);

    let opened = SessionOpened { peer, local, key: None, accepted_at };
    match unless_stopped(&admitted.shared, begins_with_handshake(&stream)).await {
        None | Some(Err(_)) => {}
        Some(Ok(false)) => drop(sessions.spawn(open(stream, opened, Flavor::Telnet, admitted))),
        Some(Ok(true)) => {
            if let Some((stream, key)) = accept_tls(stream, accepted_at, &admitted).await {
                drop(sessions.spawn(open(stream, SessionOpened { key: Some(key), ..opened }, Flavor::Clean, admitted)));
            }
        }
    }
}

/// What a future comes to, unless the tracker stops first.
async fn unless_stopped<T>(shared: &Shared, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = shared.cancel.cancelled() => None,
        output = future => Some(output),
    }
}

/// Looks at the first byte without taking it. Who says nothing for a moment is a person at telnet.
async fn begins_with_handshake(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    match timeout(limits::PLAIN_GREETING_DELAY, stream.peek(&mut first)).await {
        Err(_silent) => Ok(false),
        Ok(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(Ok(_)) => Ok(first[0] == HANDSHAKE_BYTE),
        Ok(Err(error)) => Err(error),
    }
}

/// The handshake, if it comes to an end in time. A failed one is the other side's affair: strangers knock at every port.
async fn accept_tls(
    stream: TcpStream,
    accepted_at: Instant,
    admitted: &Admitted,
) -> Option<(Encrypted<TcpStream>, PublicKey)> {
    let shared = &admitted.shared;
    let _handshake =
        Handshake::begin(admitted).inspect_err(|why| tracing::debug!(%why, "a handshake was refused")).ok()?;
    let by = tokio::time::Instant::from_std(accepted_at + shared.tls_first_command_max);
    let accepted = unless_stopped(shared, timeout_at(by, shared.tls.accept(stream))).await?;
    accepted.ok()?.ok()
}

/// Runs a session to its end; the machine hears of its beginning and of its end, whatever happens in between.
fn open<S: session::Stream>(
    stream: S,
    opened: SessionOpened,
    flavor: Flavor,
    admitted: Admitted,
) -> impl Future<Output = ()> + Send + use<S> {
    let shared = &admitted.shared;
    let id = SessionId::new(shared.last_session.fetch_add(1, Ordering::Relaxed) + 1);
    let queue = Arc::new(SendQueue::new(shared.notice_bytes_max));
    let inbox = shared.inbox.clone();
    let opening = session::bring(&inbox, Message::Opened(id, opened, queue.clone()));
    let traffic = Arc::clone(&shared.traffic);
    let line = SessionLine { id, queue, inbox, stall_max: shared.send_stall_max, traffic };
    // In a box: a future that is handed on is stored twice otherwise.
    let session = Box::new(Session::new(stream, flavor, line));
    async move {
        if !opening.await {
            return;
        }
        session::run(session).await;
        session::bring(&admitted.shared.inbox, Message::Input(id, Input::Closed)).await;
    }
}

/// TrackerCounts what happens too often to be logged each time.
#[derive(Debug, Default)]
struct Occasional {
    count: u64,
    logged_at: Option<Instant>,
}

impl Occasional {
    /// Notes one; gives the count when it is time for a line.
    fn note(&mut self) -> Option<u64> {
        self.count += 1;
        if self.logged_at.is_some_and(|at| at.elapsed() < LOG_EVERY) {
            return None;
        }
        self.logged_at = Some(Instant::now());
        Some(std::mem::take(&mut self.count))
    }
}
