//! Sends what is shared to peers that ask for it by its hash; and nothing else.
//!
//! | module | its job |
//! |---|---|
//! | [`content_source`] | what may be sent |
//! | `incoming` | one connection: who it is, and how long they may ask |
//! | `connection`, `sending` | one peer: the half that reads its requests, the half that sends answers |
//! | [`dial_back`] | peers that ask to be dialled |
//! | `inbox`, `feeder` | requests without an answer; what reads files for them |
//! | `scheduler` | who has an upload slot, who waits |

mod connection;
mod connection_state;
pub mod content_source;
pub mod dial_back;
mod feeder;
mod inbox;
mod incoming;
mod scheduler;
mod sending;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::model::key::PublicKey;
use crate::model::limits;
use crate::model::transfer::{Transfer, TransferId, TransferState};
use crate::model::transfer_details::TransferDetails;
use crate::model::username::Username;
use crate::model::way::Way;
use crate::net::admission::{Admission, AdmissionLimits};
use crate::net::local;
use crate::net::outgoing::Outgoing;
use crate::net::tls::TlsServer;
use crate::service::arrivals::Arrivals;
use crate::service::limiter::Limiter;
use crate::service::peer_server::connection_state::UploadResources;
use crate::service::peer_server::content_source::ContentSource;
use crate::service::peer_server::dial_back::{DIAL_BACKS_AT_ONCE, DialBack, DialBackBudget};
use crate::service::peer_server::incoming::IncomingPeer;
use crate::service::peer_server::scheduler::{UploadChange, UploadScheduler};
use crate::service::transfer_numbers::TransferNumbers;
use crate::transfer::event::TransferEvent;

/// How often what changed is told.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Connections that do not end by themselves in this time are cut off.
const SERVER_STOP_MAX: Duration = Duration::from_millis(1500);
/// After an error of the listener (no file descriptors left, say) there is a pause.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that are open. Each has a thread and the buffers of a TLS session, also while nobody knows who it is.
const INCOMING: AdmissionLimits =
    AdmissionLimits { per_household: 64, in_all: 256, unproven_per_household: 64, unproven_in_all: 256 };

/// What an owner may change; it holds at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadSettings {
    /// Connections that are served at the same time.
    pub slots: usize,
    /// Of them, those of one user.
    pub slots_per_user: usize,
    /// In all; 0 is no limit.
    pub bytes_per_second: u64,
    /// The way to the Internet is metered, so that nothing is sent by it.
    pub is_metered: bool,
}

impl Default for UploadSettings {
    fn default() -> Self {
        let (slots, slots_per_user) = (limits::UPLOAD_SLOTS, limits::UPLOAD_SLOTS_PER_USER);
        Self { slots, slots_per_user, bytes_per_second: 0, is_metered: false }
    }
}

/// Says who may ask us.
pub trait PeerAdmission: Send + Sync {
    /// Who a proven key is, if they may ask us: a user who is on the tracker and not banned.
    fn name_of(&self, key: &PublicKey) -> Option<Username>;

    /// Whether somebody who was admitted may ask no more, asked again and again while they are served. A tracker that is
    /// away has not sent them away.
    fn has_left(&self, key: &PublicKey) -> bool {
        self.name_of(key).is_none()
    }
}

/// Admits those whom it names.
impl<F: Fn(&PublicKey) -> Option<Username> + Send + Sync> PeerAdmission for F {
    fn name_of(&self, key: &PublicKey) -> Option<Username> {
        self(key)
    }
}

/// What the server works with.
pub struct PeerServerSetup {
    /// Proves our identity; for [`crate::net::tls::Purpose::Peer`].
    pub tls: TlsServer,
    /// What may be sent.
    pub content_source: Arc<dyn ContentSource>,
    /// Who may ask.
    pub admission: Arc<dyn PeerAdmission>,
    /// As they are now.
    pub settings: watch::Receiver<UploadSettings>,
    /// Where the numbers of uploads come from.
    pub numbers: Arc<TransferNumbers>,
    /// Peers whom we asked to dial us come by this server too.
    pub arrivals: Arc<Arrivals>,
    /// How connections leave.
    pub outgoing: watch::Receiver<Outgoing>,
}

impl fmt::Debug for PeerServerSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerServerSetup").field("settings", &*self.settings.borrow()).finish_non_exhaustive()
    }
}

/// A running peer server.
#[derive(Debug)]
pub struct PeerServer {
    address: Mutex<SocketAddr>,
    moves: mpsc::Sender<Move>,
    dial_backs: mpsc::Sender<DialBack>,
    scheduler: Arc<UploadScheduler>,
    is_mapped: Arc<AtomicBool>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl PeerServer {
    /// Serves on a bound listener until `cancel` is, or [`PeerServer::stop`]. Events are told when there is room.
    pub fn start(
        listener: TcpListener,
        setup: PeerServerSetup,
        events: mpsc::Sender<TransferEvent>,
        cancel: CancellationToken,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let settings = *setup.settings.borrow();
        let scheduler = UploadScheduler::new(settings.slots, settings.slots_per_user, Arc::clone(&setup.numbers));
        scheduler.set_metered(settings.is_metered, now());
        let around = UploadResources {
            content_source: Arc::clone(&setup.content_source),
            limiter: Arc::new(Limiter::new(settings.bytes_per_second)),
        };
        let is_mapped = Arc::new(AtomicBool::new(false));
        let server = Server {
            is_mapped: Arc::clone(&is_mapped),
            setup,
            around: Arc::new(around),
            scheduler: Arc::clone(&scheduler),
            incoming: Admission::new(INCOMING),
            events,
            cancel: cancel.clone(),
        };
        let (moves, moved) = mpsc::channel(1);
        let (dial_backs, asked) = mpsc::channel(DIAL_BACKS_AT_ONCE);
        let task = tokio::spawn(server.run(listener, moved, asked));
        Ok(Self { address: Mutex::new(address), moves, dial_backs, scheduler, is_mapped, cancel, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        *self.address.lock()
    }

    /// Listens at another place from now on; whoever is being served goes on being served. The old place is free while
    /// `bind` looks for the new one, and is taken again if that fails. `bind` may block.
    pub async fn move_to<E: From<std::io::Error>>(
        &self,
        bind: impl FnOnce() -> Result<std::net::TcpListener, E>,
    ) -> Result<(), E> {
        let (freed, is_freed) = oneshot::channel();
        // A server that has ended listens nowhere.
        let _ended = self.moves.send(Move::Leave(freed)).await;
        let _ended = is_freed.await;
        let before = self.address();
        let (listener, result) = match tokio::task::block_in_place(bind) {
            Ok(listener) => (listener, Ok(())),
            Err(why) => (local::listen(before)?, Err(why)),
        };
        let listener = TcpListener::from_std(listener)?;
        *self.address.lock() = listener.local_addr()?;
        let _ended = self.moves.send(Move::Arrive(listener)).await;
        result
    }

    /// Whether those who come from elsewhere by IPv4 come through a port that a router has opened for us.
    pub fn set_mapped(&self, is_mapped: bool) {
        self.is_mapped.store(is_mapped, Ordering::Relaxed);
    }

    /// Meets somebody who asked for it, and serves them. Too many at once are left out.
    pub fn dial_back(&self, to: DialBack) {
        if self.dial_backs.try_send(to).is_err() {
            tracing::debug!("too many ask to be met");
        }
    }

    /// What others take: a row for each file, or folder, and person.
    pub fn uploads(&self) -> Vec<Transfer> {
        self.scheduler.uploads(now())
    }

    /// How many uploads there are that move or wait, and how fast they go in all, in bytes a second.
    pub fn running(&self) -> (u64, u64) {
        let uploads = self.scheduler.uploads(now());
        let is_running = |upload: &&Transfer| !upload.state.is_final() && upload.state != TransferState::NotAsked;
        let running = uploads.iter().filter(is_running);
        running.fold((0, 0), |(count, speed), upload| (count + 1, speed + upload.bytes_per_second))
    }

    /// By which ways those who take are connected.
    pub fn ways(&self) -> Vec<Way> {
        self.scheduler.uploads(now()).iter().filter_map(Transfer::connected_by).collect()
    }

    /// Whether there is an upload with this number.
    pub fn has(&self, id: TransferId) -> bool {
        self.scheduler.has(id)
    }

    /// Sends nothing more to whoever takes this, for [`crate::transfer::uploads::STOPPED_FOR`]; what they asked for is
    /// refused as [`crate::protocol::peer::PeerRefusal::Busy`]. Others go on. `false` if there is no such upload.
    pub fn stop_taker(&self, id: TransferId) -> bool {
        self.scheduler.stop_taker(id, now())
    }

    /// Lets whoever takes this ask again. `false` if there is no such upload.
    pub fn let_taker_go_on(&self, id: TransferId) -> bool {
        self.scheduler.let_taker_go_on(id)
    }

    /// What is behind an upload; `None` if there is no such upload.
    pub fn describe(&self, id: TransferId) -> Option<TransferDetails> {
        self.scheduler.describe(id, now())
    }

    /// Takes an upload that rests off the list. `false` if there is no such upload.
    pub fn acknowledge(&self, id: TransferId) -> bool {
        self.scheduler.acknowledge(id)
    }

    /// Ends all connections and waits until nothing of it runs any more.
    pub async fn stop(self) {
        self.cancel.cancel();
        let _panicked = self.task.await;
    }
}

/// The two steps from one place to another.
#[derive(Debug)]
enum Move {
    /// Listen nowhere, and say when.
    Leave(oneshot::Sender<()>),
    /// Listen here.
    Arrive(TcpListener),
}

struct Server {
    setup: PeerServerSetup,
    around: Arc<UploadResources>,
    scheduler: Arc<UploadScheduler>,
    incoming: Arc<Admission>,
    /// A router takes connections of IPv4 for us.
    is_mapped: Arc<AtomicBool>,
    events: mpsc::Sender<TransferEvent>,
    cancel: CancellationToken,
}

impl Server {
    async fn run(
        mut self,
        listener: TcpListener,
        mut moves: mpsc::Receiver<Move>,
        mut dial_backs: mpsc::Receiver<DialBack>,
    ) {
        let mut dial_back_budget = DialBackBudget::default();
        let mut listener = Some(listener);
        let mut connections = JoinSet::new();
        let mut tell = interval(TELL_EVERY);
        tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut settings_may_change = true;
        loop {
            tokio::select! {
                () = self.cancel.cancelled() => break,
                Some(next) = moves.recv() => match next {
                    Move::Leave(freed) => {
                        listener = None;
                        // Whoever asked may have gone.
                        let _gone = freed.send(());
                    }
                    Move::Arrive(place) => listener = Some(place),
                },
                Some(to) = dial_backs.recv() => {
                    if dial_back_budget.take(now()) {
                        self.meet(to, &mut connections);
                    }
                }
                accepted = accept(listener.as_ref()) => match accepted {
                    Ok((stream, from)) => self.admit(stream, from, &mut connections),
                    Err(error) => {
                        tracing::warn!(%error, "no connection can be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_ended) = connections.join_next() => {}
                changed = self.setup.settings.changed(), if settings_may_change => {
                    settings_may_change = changed.is_ok();
                    let settings = *self.setup.settings.borrow_and_update();
                    self.scheduler.set(settings.slots, settings.slots_per_user, now());
                    self.scheduler.set_metered(settings.is_metered, now());
                    self.around.limiter.set(settings.bytes_per_second);
                }
                _ = tell.tick() => {
                    self.scheduler.tick(now());
                    for ended in self.scheduler.take_ended() {
                        // It is remembered if there is room.
                        let _full = self.events.try_send(TransferEvent::Ended(ended));
                    }
                    self.scheduler.tell(now(), |told| {
                        let event = match told {
                            UploadChange::Changed(upload) => TransferEvent::Changed(upload),
                            UploadChange::Gone(id) => TransferEvent::Gone(id),
                        };
                        self.events.try_send(event).is_ok()
                    });
                }
            }
        }
        drop(listener);
        let all = async { while connections.join_next().await.is_some() {} };
        let _some_hang = timeout(SERVER_STOP_MAX, all).await;
        connections.shutdown().await;
    }

    fn admit(&self, stream: TcpStream, from: SocketAddr, connections: &mut JoinSet<()>) {
        let newcomer = self.incoming.enter(from.ip());
        let way = match Way::of(from) {
            Way::Direct if self.is_mapped.load(Ordering::Relaxed) => Way::Mapped,
            way => way,
        };
        connections.spawn(self.peer_by(way).serve_on_a_thread(stream, from, newcomer));
    }

    /// Meets somebody, who is then as one who came.
    fn meet(&self, asker: DialBack, connections: &mut JoinSet<()>) {
        // Whoever was met by a better way needs no relay, and need not be dialled at the same moment.
        let is_met = CancellationToken::new();
        let seen_at = asker.address.map(|(seen_at, _ticket)| seen_at);
        for way in asker.ways() {
            let cancel = self.cancel.child_token();
            let incoming = IncomingPeer { cancel: cancel.clone(), is_met: is_met.clone(), ..self.peer_by(way.way()) };
            let (is_met, admission) = (is_met.clone(), Arc::clone(&self.incoming));
            let mut leaving = self.setup.outgoing.clone();
            let outgoing = leaving.borrow_and_update().clone();
            let serving = async move {
                let met = incoming.cancel.run_until_cancelled(async {
                    match way.way() {
                        Way::Relayed | Way::Punched => {
                            let connected = is_met.run_until_cancelled(way.connect(&outgoing)).await;
                            connected.unwrap_or_else(|| Err(io::Error::other("they were met otherwise")))
                        }
                        _ => way.connect(&outgoing).await,
                    }
                });
                let met = met.await;
                match met.map(|met| met.and_then(|stream| stream.peer_addr().map(|other_end| (stream, other_end)))) {
                    Some(Ok((stream, other_end))) => {
                        let from = dial_back::comes_from(incoming.way, &outgoing, seen_at, other_end);
                        let newcomer = admission.enter(from.ip());
                        incoming.serve_on_a_thread(stream, from, newcomer).await;
                    }
                    Some(Err(error)) => tracing::debug!(%error, "somebody who asked for it was not met"),
                    None => {}
                }
            };
            connections.spawn(async move {
                tokio::pin!(serving);
                tokio::select! {
                    () = &mut serving => return,
                    // What goes another way from now on goes no further by this one.
                    Ok(()) = leaving.changed() => cancel.cancel(),
                }
                serving.await;
            });
        }
    }

    fn peer_by(&self, way: Way) -> IncomingPeer {
        IncomingPeer {
            tls: self.setup.tls.clone(),
            admission: Arc::clone(&self.setup.admission),
            arrivals: Arc::clone(&self.setup.arrivals),
            scheduler: Arc::clone(&self.scheduler),
            around: Arc::clone(&self.around),
            cancel: self.cancel.clone(),
            is_met: CancellationToken::new(),
            way,
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> std::io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => local::accept(listener).await,
        None => std::future::pending().await,
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
