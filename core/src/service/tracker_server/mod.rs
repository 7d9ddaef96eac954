//! A tracker that runs: one function for the program on a server and for the one inside the app.
//!
//! | task | does | ends when |
//! |---|---|---|
//! | `accept` | lets connections in, tells TLS from text | the tracker stops |
//! | `session`, one a connection | bytes to requests, effects to bytes | its connection ends, or the tracker stops |
//! | `driver` | owns the machine: inputs in, effects out | the tracker stops |
//! | `trial` | dials a user who asked for it | it was tried, or the tracker stops |
//! | `announcing` | says in the local network that it is here | the tracker stops |
//! | `relay` | two sessions that are one connection, in the tasks of the two | either end closes |
//! | `writer`, a thread | puts records on disk | the driver has ended |
//! | `ledger` | keeps a ledger that is shared with other trackers, instead of the writer | the driver has ended |
//! | `shard_threads` | keep the catalog, if it is parted | the driver has ended |
//! | `scan_threads` | look through the catalog while the driver waits | the driver has ended |

mod accept;
#[cfg(feature = "nearby")]
mod announcing;
mod driver;
mod figures;
pub mod ledger;
mod relay;
mod scan_threads;
mod session;
mod shard_threads;
mod trial;
mod writer;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::model::cluster::ClusterTracker;
use crate::model::invite::{BadInvite, HostPort, Invite};
use crate::model::key::PublicKey;
use crate::net::admission::{Admission, AdmissionLimits};
use crate::net::identity::Identity;
use crate::net::local;
use crate::net::send_queue::SendQueue;
use crate::net::tls::{Purpose, TlsClient, TlsServer};
use crate::service::mesh::MeshLinks;
use crate::service::occasional::Occasional;
use crate::service::tracker_server::driver::Outside;
use crate::service::tracker_server::figures::DriverFigures;
pub use crate::service::tracker_server::figures::{Figures, LATENCY_BOUNDS, Latency, ShardFigures};
use crate::service::tracker_server::ledger::{Ledger, LedgerWriter, SharedLedger};
use crate::service::tracker_server::relay::RelayRoom;
use crate::service::tracker_server::scan_threads::ScanThreads;
use crate::service::tracker_server::shard_threads::ShardThreads;
use crate::service::tracker_server::trial::TrialDialler;
use crate::store::Store;
use crate::tracker::input::{Input, OwnerOrder, SessionId, SessionOpened, SessionRequest};
use crate::tracker::links::MeshInput;
use crate::tracker::log::LogEntry;
use crate::tracker::machine::{Tracker, TrackerCounts};
use crate::tracker::mesh::{ListedTracker, Mesh};
use crate::tracker::remembered::Remembered;
use crate::tracker::settings::{BadSetting, TrackerSettings};

/// Inputs that wait for the machine; who brings more waits.
const INBOX_MAX: usize = 1024;
/// Entries of the log that wait for the owner.
const LOG_MAX: usize = 256;
/// How long sessions may take to send their last bytes when the tracker stops.
const LAST_BYTES_MAX: Duration = Duration::from_millis(1200);

/// A running tracker. Dropping it stops the tracker without waiting.
#[derive(Debug)]
pub struct TrackerHandle {
    address: SocketAddr,
    key: PublicKey,
    inbox: mpsc::Sender<Message>,
    cancel: CancellationToken,
    driver: Mutex<Option<JoinHandle<()>>>,
    traffic: Arc<Traffic>,
    since: SystemTime,
    /// Where people reach this tracker of a cluster, and all that are there.
    cluster: Option<(HostPort, watch::Receiver<Arc<[ClusterTracker]>>)>,
}

/// Bytes of lines, counted by the sessions.
#[derive(Debug, Default)]
struct Traffic {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    resyncs: AtomicU64,
}

/// Why a tracker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// The socket cannot be used.
    #[error("the tracker cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// The records cannot be read.
    #[error("the tracker's records cannot be read: {0}")]
    Records(#[from] redb::Error),
}

/// Something to be looked up on the thread that owns the tracker.
type Look = Box<dyn FnOnce(&Tracker, &DriverFigures) + Send>;

/// What the driver is brought.
enum Message {
    Opened(SessionId, SessionOpened, Arc<SendQueue>),
    Input(SessionId, Input),
    /// Lines of a session, and when they were brought.
    Lines(SessionId, Vec<SessionRequest>, Instant),
    Look(Look),
    ReadLog(mpsc::Sender<(SystemTime, LogEntry)>),
    ConfigureBy(ReadConfiguration),
    Reload,
}

/// Reads a tracker's configuration anew, or says in one sentence why it cannot be used. It may wait for the disk.
pub type ReadConfiguration = Arc<dyn Fn() -> Result<TrackerSettings, String> + Send + Sync>;

/// What every connection needs.
struct Shared {
    inbox: mpsc::Sender<Message>,
    tls: TlsServer,
    admission: Arc<Admission>,
    refused: Mutex<Occasional>,
    last_session: AtomicU64,
    cancel: CancellationToken,
    tls_first_command_max: Duration,
    notice_bytes_max: usize,
    send_stall_max: Duration,
    traffic: Arc<Traffic>,
    relays: Arc<RelayRoom>,
}

/// Starts a tracker on a socket that listens. Its tasks run on the current runtime until `cancel` is cancelled or
/// [`TrackerHandle::stop`] is called.
pub async fn start(
    listener: TcpListener,
    settings: TrackerSettings,
    identity: &Identity,
    store: Arc<Store>,
    cancel: CancellationToken,
) -> Result<TrackerHandle, StartError> {
    start_on(listener, settings, identity, Ledger::Own(store), cancel).await
}

/// Starts a tracker whose records are in this ledger.
pub async fn start_on(
    listener: TcpListener,
    settings: TrackerSettings,
    identity: &Identity,
    ledger: Ledger,
    cancel: CancellationToken,
) -> Result<TrackerHandle, StartError> {
    settings.check()?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;

    let cancel = cancel.child_token();
    let (inbox, to_driver) = mpsc::channel(INBOX_MAX);
    let traffic = Arc::new(Traffic::default());
    let relays = Arc::new(RelayRoom::new(settings.relay_bytes_per_second, cancel.clone()));
    let shared = Arc::new(Shared {
        inbox: inbox.clone(),
        tls: TlsServer::new(identity, Purpose::Tracker),
        admission: Admission::new(admission_limits(&settings)),
        refused: Mutex::default(),
        last_session: AtomicU64::new(0),
        cancel: cancel.clone(),
        tls_first_command_max: Duration::from_secs(settings.tls_first_command_seconds),
        notice_bytes_max: settings.send_queue_bytes,
        send_stall_max: Duration::from_secs(settings.send_stall_seconds),
        traffic: Arc::clone(&traffic),
        relays: Arc::clone(&relays),
    });
    let (mesh_at, shards) = (settings.mesh.0, shard_threads::count(settings.shards));
    let now = Instant::now();
    let mut cluster = None;
    let (mut tracker, ledger) = match ledger {
        Ledger::Own(store) => {
            let (store, remembered) = read_records(store).await?;
            let tracker = Tracker::new(now, settings, unix_seconds(), remembered);
            (tracker, LedgerWriter::own(store, inbox.clone())?)
        }
        Ledger::Shared(shared) => {
            let SharedLedger { remembered, own, trackers, keep } = *shared;
            let mut tracker = Tracker::new(now, settings, unix_seconds(), remembered);
            tracker.share_ledger(now);
            cluster = Some((own.host, trackers));
            (tracker, LedgerWriter::shared(keep, inbox.clone()))
        }
    };
    // One shard is the machine's own: asking a thread would take longer than most answers. Several look through their parts
    // at the same time anyway.
    let (shards, shard_answers) = if shards > 1 {
        tracker.part_catalog(shards, rand::random());
        let (threads, answers) = ShardThreads::start(shards)?;
        (Some(threads), Some(answers))
    } else {
        if let Some(threads) = ScanThreads::start().map_err(io::Error::other)? {
            tracker.set_scan_workers(Arc::new(threads));
        }
        (None, None)
    };
    tracker.set_ticket_secret(rand::random());
    let sessions = TaskTracker::new();
    if let Some((own, listed)) = &cluster {
        drop(sessions.spawn(ledger::tell_trackers(own.clone(), listed.clone(), inbox.clone(), cancel.clone())));
    }
    let links = match mesh_at {
        Some(at) => Some(link_up(at, &mut tracker, identity, &shared, &sessions)?),
        None => None,
    };
    let accepting = tokio::spawn(accept::run(listener, shared, sessions.clone()));
    let trials = TrialDialler {
        tls: TlsClient::new(identity, Purpose::Peer),
        inbox: inbox.clone(),
        tasks: sessions.clone(),
        cancel: cancel.clone(),
    };
    let outside = Outside { trials, relays, links, shards };
    let driving = driver::run(tracker, (inbox.clone(), to_driver), shard_answers, ledger, outside, cancel.clone());
    #[cfg(feature = "nearby")]
    let announcing = tokio::spawn(announcing::run(inbox.downgrade(), address, identity.public_key(), cancel.clone()));
    let driver = tokio::spawn(async move {
        let ending = driving.await;
        let _accepted = accepting.await;
        #[cfg(feature = "nearby")]
        let _announced = announcing.await;
        sessions.close();
        if timeout(LAST_BYTES_MAX, sessions.wait()).await.is_err() {
            ending.iter().for_each(|queue| queue.stop());
            sessions.wait().await;
        }
    });
    let (key, since) = (identity.public_key(), SystemTime::now());
    Ok(TrackerHandle { address, key, inbox, cancel, driver: Mutex::new(Some(driver)), traffic, since, cluster })
}

/// Becomes one of several trackers: listens for the others, and brings what they say to the driver.
fn link_up(
    at: SocketAddr,
    tracker: &mut Tracker,
    identity: &Identity,
    shared: &Arc<Shared>,
    tasks: &TaskTracker,
) -> io::Result<Arc<MeshLinks>> {
    let listener = tokio::net::TcpListener::from_std(local::listen(at)?)?;
    let (unix_millis, at) = (unix_time().as_millis().try_into().unwrap_or(u64::MAX), listener.local_addr()?);
    // No two starts are in one millisecond.
    tracker.join_mesh(Instant::now(), at, unix_millis, unix_millis);
    let (inputs, mut heard) = mpsc::channel(INBOX_MAX);
    let inbox = shared.inbox.clone();
    drop(tasks.spawn(async move {
        while let Some(input) = heard.recv().await {
            let message = Message::Input(SessionId::NONE, input);
            if inbox.send(message).await.is_err() {
                return;
            }
        }
    }));
    let (answering, sessions) = (Arc::clone(shared), tasks.clone());
    let answering = move |stream, key, peer| accept::answer_tracker(stream, key, peer, &answering, &sessions);
    Ok(MeshLinks::start(listener, identity, Arc::new(answering), inputs, tasks.clone(), shared.cancel.clone()))
}

impl TrackerHandle {
    /// The list of the network's trackers is this now.
    pub async fn set_trackers(&self, listed: Vec<ListedTracker>) {
        let input = Input::Mesh(MeshInput::Trackers(listed));
        let _has_stopped = self.inbox.send(Message::Input(SessionId::NONE, input)).await;
    }

    /// Where other trackers of the network link to this one, if it is one of several.
    pub async fn mesh_address(&self) -> Option<SocketAddr> {
        self.look(|tracker| tracker.mesh().map(Mesh::at)).await.flatten()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key it proves.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// The link that lets people in. A tracker that listens everywhere is named by the address under which others most
    /// likely reach this computer; one of a cluster comes first, and then the others that are there.
    pub fn invite(&self) -> Result<Invite, BadInvite> {
        if let Some((own, trackers)) = &self.cluster {
            let others: Vec<HostPort> = trackers.borrow().iter().map(|tracker| tracker.host.clone()).collect();
            return Ok(Invite { address: ledger::meeting_place(own, others)?, key: self.key, token: None });
        }
        Ok(Invite { address: host_of(self.address)?.into(), key: self.key, token: None })
    }

    /// Gives an order of the owner's; `false` if the tracker has stopped.
    pub async fn order(&self, order: OwnerOrder) -> bool {
        self.inbox.send(Message::Input(SessionId::NONE, Input::Owner(order))).await.is_ok()
    }

    /// How many sessions, users, shares and names there are; `None` if the tracker has stopped.
    pub async fn counts(&self) -> Option<TrackerCounts> {
        self.look(Tracker::counts).await
    }

    /// Looks something up in the machine; `None` if the tracker has stopped. Everybody waits meanwhile.
    pub async fn look<T: Send + 'static>(&self, look: impl FnOnce(&Tracker) -> T + Send + 'static) -> Option<T> {
        let (answer, seen) = oneshot::channel();
        let look = move |tracker: &Tracker, _: &DriverFigures| drop(answer.send(look(tracker)));
        self.inbox.send(Message::Look(Box::new(look))).await.ok()?;
        seen.await.ok()
    }

    /// How it does, in numbers; `None` if it has stopped.
    pub async fn figures(&self) -> Option<Figures> {
        let (answer, seen) = oneshot::channel();
        let (bytes_in, bytes_out) = self.traffic();
        let resyncs = self.traffic.resyncs.load(Ordering::Relaxed);
        let inbox_messages = (self.inbox.max_capacity() - self.inbox.capacity()) as u64;
        let look = move |tracker: &Tracker, driver: &DriverFigures| {
            let (tls_sessions, users_with_key, queued_sessions) = tracker.by_kind();
            let (invites, waiting_users) = tracker.doors().counts();
            let figures = Figures {
                counts: tracker.counts(),
                tally: tracker.tally().clone(),
                tls_sessions,
                users_with_key,
                bans: tracker.bans().len() as u64,
                invites: invites as u64,
                waiting_users: waiting_users as u64,
                inbox_messages,
                queued_sessions,
                bytes_in,
                bytes_out,
                notices: driver.notices,
                resyncs,
                latencies: driver.latencies(),
                shards: driver.shards(tracker),
                cluster: tracker.cluster(Instant::now()),
            };
            drop(answer.send(figures));
        };
        self.inbox.send(Message::Look(Box::new(look))).await.ok()?;
        seen.await.ok()
    }

    /// What happens from now on, for the owner to read; it replaces an earlier reader. Ends when the tracker does. A
    /// reader that is more than `LOG_MAX` entries behind misses the next ones, and is told how many.
    pub async fn read_log(&self) -> mpsc::Receiver<(SystemTime, LogEntry)> {
        let (reader, log) = mpsc::channel(LOG_MAX);
        let _has_stopped = self.inbox.send(Message::ReadLog(reader)).await;
        log
    }

    /// How the configuration is read anew when an owner or [`TrackerHandle::reload`] asks for it. Without it there is none.
    pub async fn configure_by(&self, read: ReadConfiguration) {
        let _has_stopped = self.inbox.send(Message::ConfigureBy(read)).await;
    }

    /// Reads the configuration anew. Nobody is dropped over it; the log says what came of it.
    pub async fn reload(&self) {
        let _has_stopped = self.inbox.send(Message::Reload).await;
    }

    /// Bytes of lines that came in and went out so far, before TLS.
    pub fn traffic(&self) -> (u64, u64) {
        (self.traffic.bytes_in.load(Ordering::Relaxed), self.traffic.bytes_out.load(Ordering::Relaxed))
    }

    /// Since when it runs.
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// Begins to stop: no new connections, sessions get what is on its way to them, records are written.
    pub fn stop(&self) {
        self.cancel.cancel();
    }

    /// Waits until it has stopped, of itself or because it was told to.
    pub async fn join(&self) {
        let driver = self.driver.lock().take();
        if let Some(driver) = driver {
            let _ended = driver.await;
        }
    }
}

impl Drop for TrackerHandle {
    fn drop(&mut self) {
        if self.driver.lock().is_some() {
            self.cancel.cancel();
        }
    }
}

/// The address under which others most likely reach what listens here.
pub fn host_of(listens: SocketAddr) -> Result<HostPort, BadInvite> {
    let ip = if listens.ip().is_unspecified() { local::best_address() } else { listens.ip() };
    HostPort::new(&ip.to_string(), listens.port())
}

fn admission_limits(settings: &TrackerSettings) -> AdmissionLimits {
    AdmissionLimits {
        per_household: settings.connections_per_address,
        in_all: settings.connections,
        unproven_per_household: settings.handshakes_per_address,
        unproven_in_all: settings.handshakes,
    }
}

async fn read_records(store: Arc<Store>) -> Result<(Arc<Store>, Remembered), StartError> {
    let reading = tokio::task::spawn_blocking(move || {
        let remembered = Remembered {
            bindings: store.bindings()?,
            bans: store.bans()?,
            invites: store.invites()?,
            last_invite: store.last_invite()?,
            waiting: store.waiting_users()?,
            ordered: store.ordered_settings()?,
            run_seconds: store.run_seconds()?,
        };
        Ok::<_, redb::Error>((store, remembered))
    });
    let read = reading.await.map_err(|error| StartError::Listen(io::Error::other(error)))?;
    Ok(read?)
}

fn unix_seconds() -> u64 {
    unix_time().as_secs()
}

fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests;
