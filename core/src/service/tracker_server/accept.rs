//! Lets connections in, and finds out what each one is: TLS or text.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout, timeout_at};
use tokio_util::task::TaskTracker;

use crate::model::key::PublicKey;
use crate::model::limits;
use crate::net::admission::{Admitted, Newcomer, NotAdmitted};
use crate::net::descriptors::{self, Spare};
use crate::net::local;
use crate::net::send_queue::SendQueue;
use crate::net::tls::{Encrypted, HANDSHAKE_BYTE};
use crate::protocol::line::Flavor;
use crate::service::occasional::Occasional;
use crate::service::tracker_server::relay::Seat;
use crate::service::tracker_server::session::{self, AfterSession, Session, SessionLine};
use crate::service::tracker_server::{Message, Shared};
use crate::tracker::input::{Input, SessionId, SessionOpened};

/// How long to wait when the system has no descriptor for a new connection: trying at once would use a whole core.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(100);
/// The system asks after a silent connection this late and this often, besides our own deadlines.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// Accepts until the tracker stops. Every connection is a task of `sessions`.
pub(super) async fn run(listener: TcpListener, shared: Arc<Shared>, sessions: TaskTracker) {
    let mut spare = Spare::new();
    let mut failed = Occasional::default();
    loop {
        let accepted = tokio::select! {
            () = shared.cancel.cancelled() => return,
            accepted = local::accept(&listener) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let newcomer = shared.admission.enter(peer.ip());
                drop(sessions.spawn(receive(stream, peer, newcomer, shared.clone(), sessions.clone())));
            }
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

/// Finds out what a connection is. Its session is then a task of its own: that one is small, and there are thousands.
async fn receive(stream: TcpStream, peer: SocketAddr, newcomer: Newcomer, shared: Arc<Shared>, sessions: TaskTracker) {
    let accepted_at = Instant::now();
    let Ok(local) = stream.local_addr() else { return };
    // A lone answer must not wait for the next one.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    let _older_systems_lack_it = SockRef::from(&stream).set_tcp_keepalive(&keepalive);

    let opened = SessionOpened { peer, local, key: None, accepted_at, is_tracker: false };
    let known = newcomer.unless_it_gives_way(unless_stopped(&shared, find_out(stream, accepted_at, &shared))).await;
    let Some(Some(Some(kind))) = known else { return };
    let resident = match newcomer.prove() {
        Ok(place) => Resident { shared, _place: place },
        Err(why) => return shared.note_refused(why),
    };
    match kind {
        ConnectionKind::Plain(stream) => {
            let (shared, all_sessions) = (Arc::clone(&resident.shared), sessions.clone());
            let session = open(stream, opened, Flavor::Telnet, resident);
            drop(sessions.spawn(async move {
                if let Some((stream, begun)) = session.await {
                    Box::pin(receive_late(stream, begun, peer, shared, all_sessions)).await;
                }
            }));
        }
        ConnectionKind::Tls(stream, key) => {
            let opened = SessionOpened { key: Some(key), ..opened };
            drop(sessions.spawn(open(*stream, opened, Flavor::Clean, resident)));
        }
    }
}

/// Somebody was silent for so long that they were greeted as a person at telnet, and then a handshake of TLS came: over a
/// slow line, or through a proxy that is far from whom it connects for. They pass over the greeting.
async fn receive_late(stream: TcpStream, begun: Bytes, peer: SocketAddr, shared: Arc<Shared>, sessions: TaskTracker) {
    let accepted_at = Instant::now();
    let Ok(local) = stream.local_addr() else { return };
    // They have proven no more than anybody whose handshake is under way.
    let newcomer = shared.admission.enter(peer.ip());
    let by = tokio::time::Instant::from_std(accepted_at + shared.tls_first_command_max);
    let proving = timeout_at(by, shared.tls.accept_begun(stream, begun));
    let proven = newcomer.unless_it_gives_way(unless_stopped(&shared, proving)).await;
    let Some(Some(Ok(Ok((stream, key))))) = proven else { return };
    match newcomer.prove() {
        Ok(place) => {
            let opened = SessionOpened { peer, local, key: Some(key), accepted_at, is_tracker: false };
            let resident = Resident { shared, _place: place };
            drop(sessions.spawn(open(stream, opened, Flavor::Clean, resident)));
        }
        Err(why) => shared.note_refused(why),
    }
}

/// Takes over a connection by which another tracker of the network asks.
pub(super) fn answer_tracker(
    stream: Encrypted<TcpStream>,
    key: PublicKey,
    peer: SocketAddr,
    shared: &Arc<Shared>,
    sessions: &TaskTracker,
) {
    let Ok(local) = stream.get_ref().0.get_ref().local_addr() else { return };
    let opened = SessionOpened { peer, local, key: Some(key), accepted_at: Instant::now(), is_tracker: true };
    match shared.admission.enter(peer.ip()).prove() {
        Ok(place) => {
            let resident = Resident { shared: Arc::clone(shared), _place: place };
            drop(sessions.spawn(open(stream, opened, Flavor::Clean, resident)));
        }
        Err(why) => shared.note_refused(why),
    }
}

/// What a connection turned out to be.
enum ConnectionKind {
    Plain(TcpStream),
    /// With the key that it proved.
    Tls(Box<Encrypted<TcpStream>>, PublicKey),
}

/// A connection that stays, and what it needs.
struct Resident {
    shared: Arc<Shared>,
    _place: Admitted,
}

async fn find_out(stream: TcpStream, accepted_at: Instant, shared: &Shared) -> Option<ConnectionKind> {
    if !begins_with_handshake(&stream).await.ok()? {
        return Some(ConnectionKind::Plain(stream));
    }
    // A failed handshake is the other side's affair: strangers knock at every port.
    let by = tokio::time::Instant::from_std(accepted_at + shared.tls_first_command_max);
    let (stream, key) = timeout_at(by, shared.tls.accept(stream)).await.ok()?.ok()?;
    Some(ConnectionKind::Tls(Box::new(stream), key))
}

/// What a future comes to, unless the tracker stops first.
async fn unless_stopped<T>(shared: &Shared, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = shared.cancel.cancelled() => None,
        output = future => Some(output),
    }
}

/// Looks at the first byte without taking it. Who says nothing for a moment is a person at telnet, until they begin a
/// handshake.
async fn begins_with_handshake(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    match timeout(limits::PLAIN_GREETING_DELAY, stream.peek(&mut first)).await {
        Err(_silent) => Ok(false),
        Ok(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(Ok(_)) => Ok(first[0] == HANDSHAKE_BYTE),
        Ok(Err(error)) => Err(error),
    }
}

/// Runs a session to its end; the machine hears of its beginning and of its end, whatever happens in between. Gives the
/// connection, with the bytes that were read of it, if it turned out to be TLS.
fn open<S: session::Stream>(
    stream: S,
    opened: SessionOpened,
    flavor: Flavor,
    resident: Resident,
) -> impl Future<Output = Option<(S, Bytes)>> + Send + use<S> {
    let shared = &resident.shared;
    let id = SessionId::new(shared.last_session.fetch_add(1, Ordering::Relaxed) + 1);
    let queue = Arc::new(SendQueue::new(shared.notice_bytes_max));
    let inbox = shared.inbox.clone();
    let opening = session::bring(&inbox, Message::Opened(id, opened, queue.clone()));
    let traffic = Arc::clone(&shared.traffic);
    let line = SessionLine { id, queue, inbox, stall_max: shared.send_stall_max, traffic };
    // In a box: a future that is handed on is stored twice otherwise.
    let session = Box::new(Session::new(stream, flavor, line));
    async move {
        // Its place is taken until the end of this.
        let resident = resident;
        if !opening.await {
            return None;
        }
        let handshake = match session::run(session).await {
            AfterSession::Lost => None,
            AfterSession::Closing(session) => {
                match resident.shared.relays.take_seat(id) {
                    Some(seat) => Box::pin(sit(seat, *session, &resident.shared)).await,
                    None => Box::pin(session.close()).await,
                }
                None
            }
            AfterSession::Handshake(stream, begun) => Some((stream, begun)),
        };
        session::bring(&resident.shared.inbox, Message::Input(id, Input::Closed)).await;
        handshake
    }
}

/// The session is one side of a relay from now on.
async fn sit<S: session::Stream>(seat: Seat, session: Session<S>, shared: &Shared) {
    seat.sit(Box::new(session.into_stream()), &shared.relays, &shared.inbox).await;
}

impl Shared {
    fn note_refused(&self, why: NotAdmitted) {
        if let Some(count) = self.refused.lock().note() {
            tracing::warn!(count, %why, "connections were refused");
        }
    }
}
