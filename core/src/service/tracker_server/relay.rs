//! Two sessions that have become one connection: bytes are passed on as they come, unread. Who may, and how fast, is for
//! [`crate::tracker::relays`] and [`crate::tracker::relay_shares`] to say.
//!
//! The driver gives each of the two sessions a seat. One hands its stream over and waits, the other passes the bytes on, so
//! that both keep their places among the connections of the tracker.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::model::key::PublicKey;
use crate::service::tracker_server::Message;
use crate::tracker::effect::RelayStart;
use crate::tracker::input::{Input, SessionId};
use crate::tracker::relay_shares::{Passing, RelayShares};
use crate::tracker::relays::RelayId;

/// Room for bytes of one direction: with both, and the rest of a relay, well below 256 KiB.
const RELAY_BUFFER_BYTES: usize = 64 * 1024;
/// How long the second session may take to hand its stream over; both are here already.
const HAND_OVER_MAX: Duration = Duration::from_secs(10);
/// How often the tracker is told what has passed.
const TELL_PASSED_EVERY: Duration = Duration::from_secs(1);

/// All relays of a tracker.
pub(super) struct RelayRoom {
    shares: Mutex<RelayShares>,
    /// Those that sessions will take when they are closed.
    seats: Mutex<HashMap<SessionId, Seat>>,
    /// How each relay is ended.
    ends: Mutex<HashMap<RelayId, CancellationToken>>,
    cancel: CancellationToken,
}

/// A connection whose bytes are carried: that of a session, or one of another tracker, which carries them further.
pub(super) type Carried = Box<dyn CarriedStream>;

/// What such a connection can do.
pub(super) trait CarriedStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> CarriedStream for S {}

/// One session's part in a relay.
pub(super) struct Seat {
    relay: RelayId,
    part: Part,
}

enum Part {
    /// Hands its stream over, and waits until that is done with.
    Gives(oneshot::Sender<Carried>, oneshot::Receiver<()>),
    /// Waits for the other's, and passes bytes on.
    Passes {
        other: oneshot::Receiver<Carried>,
        done: oneshot::Sender<()>,
        start: RelayStart,
        cancel: CancellationToken,
    },
}

impl RelayRoom {
    /// No relay yet. All of them end with `cancel`.
    pub(super) fn new(bytes_per_second: u64, cancel: CancellationToken) -> Self {
        let shares = RelayShares::new(now(), bytes_per_second);
        Self { shares: Mutex::new(shares), seats: Mutex::default(), ends: Mutex::default(), cancel }
    }

    /// Prepares seats for two sessions, which are to be closed then.
    pub(super) fn begin(&self, start: RelayStart) {
        let cancel = self.cancel.child_token();
        self.ends.lock().insert(start.relay, cancel.clone());
        let (give, other) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let [asker, target] = start.sessions;
        let mut seats = self.seats.lock();
        seats.insert(asker, Seat { relay: start.relay, part: Part::Gives(give, is_done) });
        seats.insert(target, Seat { relay: start.relay, part: Part::Passes { other, done, start, cancel } });
    }

    /// Prepares the seat of one session, which is to be closed then; the other side is this connection.
    pub(super) fn go_on(&self, start: RelayStart, other: impl CarriedStream + 'static) {
        let cancel = self.cancel.child_token();
        self.ends.lock().insert(start.relay, cancel.clone());
        let ((give, given), (done, _nobody_waits)) = (oneshot::channel(), oneshot::channel());
        // It is received by the seat, or closed with it.
        drop(give.send(Box::new(other) as Carried));
        let [_, target] = start.sessions;
        let seat = Seat { relay: start.relay, part: Part::Passes { other: given, done, start, cancel } };
        self.seats.lock().insert(target, seat);
    }

    /// The seat of a session that was told to close, if it has one.
    pub(super) fn take_seat(&self, session: SessionId) -> Option<Seat> {
        self.seats.lock().remove(&session)
    }

    /// A session has ended. Gives the relay that will not be, because it has not taken its seat.
    pub(super) fn session_ended(&self, session: SessionId) -> Option<RelayId> {
        let seat = self.take_seat(session)?;
        self.end(seat.relay);
        Some(seat.relay)
    }

    /// Ends a relay at once.
    pub(super) fn end(&self, relay: RelayId) {
        if let Some(cancel) = self.ends.lock().remove(&relay) {
            cancel.cancel();
        }
    }

    /// Another limit for all of them together.
    pub(super) fn set_rate(&self, bytes_per_second: u64) {
        self.shares.lock().set_rate(bytes_per_second);
    }
}

impl Seat {
    /// Plays its part to the end of the relay.
    pub(super) async fn sit(self, stream: Carried, room: &RelayRoom, inbox: &mpsc::Sender<Message>) {
        match self.part {
            Part::Gives(give, done) => {
                if give.send(stream).is_ok() {
                    let _done_or_gone = done.await;
                }
            }
            Part::Passes { other, done, start, cancel } => {
                let handed_over = cancel.run_until_cancelled(timeout(HAND_OVER_MAX, other)).await;
                if let Some(Ok(Ok(other))) = handed_over {
                    room.shares.lock().enter(start.user);
                    let passed = Passed::default();
                    let carrying = carry(other, stream, room, &start, &passed, inbox);
                    let _ended = cancel.run_until_cancelled(carrying).await;
                    room.shares.lock().leave(start.user);
                    tell(inbox, &start, &passed).await;
                }
                room.end(start.relay);
                bring(inbox, Input::RelayEnded(start.relay)).await;
                drop(done);
            }
        }
    }
}

/// What has passed, both directions, and the tracker was not told yet.
#[derive(Default)]
struct Passed(AtomicU64);

/// Until both directions have ended, one has failed, or nothing has passed for too long.
async fn carry(
    asker: Carried,
    target: Carried,
    room: &RelayRoom,
    start: &RelayStart,
    passed: &Passed,
    inbox: &mpsc::Sender<Message>,
) {
    let ((asker_reads, asker_writes), (target_reads, target_writes)) = (split(asker), split(target));
    let there = pass_on(asker_reads, target_writes, room, start.user, passed);
    let back = pass_on(target_reads, asker_writes, room, start.user, passed);
    tokio::select! {
        _both_ended = async { tokio::try_join!(there, back) } => {}
        () = watch(start, passed, inbox) => {}
    }
}

/// Tells the tracker what has passed, until nothing has for too long.
async fn watch(start: &RelayStart, passed: &Passed, inbox: &mpsc::Sender<Message>) {
    let mut ticks = interval(TELL_PASSED_EVERY);
    let mut seen_at = Instant::now();
    while seen_at.elapsed() < start.idle_max {
        ticks.tick().await;
        if tell(inbox, start, passed).await {
            seen_at = Instant::now();
        }
    }
}

/// Whether anything has passed.
async fn tell(inbox: &mpsc::Sender<Message>, start: &RelayStart, passed: &Passed) -> bool {
    let bytes = passed.0.swap(0, Ordering::Relaxed);
    if bytes > 0 {
        bring(inbox, Input::RelayPassed { relay: start.relay, bytes }).await;
    }
    bytes > 0
}

async fn bring(inbox: &mpsc::Sender<Message>, input: Input) {
    // After the end of the driver nobody wants to know.
    let _stopped = inbox.send(Message::Input(SessionId::NONE, input)).await;
}

/// One direction, to its end.
async fn pass_on(
    mut from: ReadHalf<Carried>,
    mut to: WriteHalf<Carried>,
    room: &RelayRoom,
    user: PublicKey,
    passed: &Passed,
) -> io::Result<()> {
    let mut buffer = vec![0; RELAY_BUFFER_BYTES];
    let mut held = 0;
    loop {
        if held == 0 {
            held = from.read(&mut buffer).await?;
            if held == 0 {
                return to.shutdown().await;
            }
        }
        let taken = room.shares.lock().take(now(), user, held);
        match taken {
            Passing::Bytes(bytes) => {
                to.write_all(&buffer[..bytes]).await?;
                to.flush().await?;
                passed.0.fetch_add(bytes as u64, Ordering::Relaxed);
                buffer.copy_within(bytes..held, 0);
                held -= bytes;
            }
            Passing::Wait(until) => {
                sleep_until(until.into()).await;
                // What has come meanwhile leaves with it: fewer and larger pieces.
                if held < buffer.len()
                    && let Ok(came) = timeout(Duration::ZERO, from.read(&mut buffer[held..])).await
                {
                    held += came?;
                }
            }
        }
    }
}

/// Tokio's clock, which tests can turn.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

impl std::fmt::Debug for RelayRoom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayRoom").field("open", &self.ends.lock().len()).finish_non_exhaustive()
    }
}
