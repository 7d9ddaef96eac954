//! The embedded tracker: the same code as `potok-tracker`, in this process.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::disk::private;
use crate::model::invite::{HostPort, Invite, TrackerAddress};
use crate::net::identity::Identity;
use crate::net::local;
use crate::node::event::{Hosted, NodeEvent};
use crate::node::failure::Failure;
use crate::node::outbox::Outbox;
use crate::node::settings::Settings;
use crate::node::work::{FailedWork, WorkFault};
use crate::service::tracker_server::{self, TrackerHandle};
use crate::store::Store;
use crate::tracker::input::OwnerOrder;
use crate::tracker::log::LogEntry;
use crate::tracker::settings::TrackerSettings;

/// A tracker that runs here.
#[derive(Debug)]
pub(super) struct Hosting {
    pub(super) handle: Arc<TrackerHandle>,
    /// The link that lets others in.
    pub(super) invite: Invite,
    /// Where we join it ourselves.
    pub(super) joined_at: TrackerAddress,
    /// Passes its log on; ends when it does.
    log: JoinHandle<()>,
}

/// What an embedded tracker is started with.
pub(super) struct HostingSetup {
    /// Its identity and names.
    pub(super) dir: PathBuf,
    pub(super) settings: TrackerSettings,
    /// Where its log is told.
    pub(super) outbox: Outbox,
    pub(super) cancel: CancellationToken,
}

/// Starts the embedded tracker.
pub(super) async fn start(setup: HostingSetup) -> Result<Hosting, Failure> {
    let HostingSetup { dir, settings, outbox, cancel } = setup;
    let opened = tokio::task::spawn_blocking(move || open(&dir)).await;
    let (identity, store) = opened.map_err(|_panic| failed(WorkFault::Panic))??;
    let at = settings.listen;
    let listener = local::listen(at).map_err(|error| failed(format!("{at}: {error}").into()))?;
    let handle = tracker_server::start(listener, settings, &identity, store, cancel).await;
    let handle = handle.map_err(|error| failed(error.into()))?;
    let invite = handle.invite().map_err(|error| failed(error.to_string().into()))?;
    // Through the address that others use, so that the tracker sees us there and can tell it to them.
    let address = HostPort::new(&dialled_ip(&handle).to_string(), handle.address().port());
    let address = address.map_err(|error| failed(error.to_string().into()))?;
    let joined_at = TrackerAddress { address: address.into(), key: Some(handle.key()), token: None };
    let log = tokio::spawn(pass_log_on(handle.read_log().await, outbox));
    Ok(Hosting { handle: Arc::new(handle), invite, joined_at, log })
}

impl Hosting {
    /// Stops the tracker and waits for it.
    pub(super) async fn stop(self) {
        self.handle.stop();
        self.handle.join().await;
        // It ended with the tracker, or panicked.
        let _ended = self.log.await;
    }

    /// Tells the tracker what of our settings is its own.
    pub(super) fn follow(&self, settings: &Settings) -> impl Future<Output = ()> + Send + use<> {
        let tracker = Arc::clone(&self.handle);
        let settings = tracker_settings(settings, tracker.address());
        let relay = settings.relay_limits();
        let TrackerSettings { network_name, message_of_the_day, shares_per_user, local_discovery, .. } = settings;
        async move {
            tracker.order(OwnerOrder::SetGreeting { network_name, message_of_the_day }).await;
            tracker.order(OwnerOrder::SetSharesPerUser(shares_per_user)).await;
            tracker.order(OwnerOrder::SetLocalDiscovery(local_discovery)).await;
            tracker.order(OwnerOrder::SetRelay(relay)).await;
        }
    }
}

/// Users whose use of the relay is told, those who use it most.
const RELAYED_TOLD_MAX: usize = 100;
/// Less than this a second is no relay.
const RELAY_BYTES_PER_SECOND_MIN: u64 = 1024;

/// How the tracker is; `None` if it has stopped.
pub(super) async fn condition(tracker: Arc<TrackerHandle>) -> Option<Hosted> {
    let counts = tracker.counts().await?;
    let now = Instant::now();
    let (relays, relayed) = tracker.look(move |tracker| (tracker.relays().0, tracker.relay_use(now))).await?;
    let (bytes_in, bytes_out) = tracker.traffic();
    Some(Hosted {
        address: tracker.address(),
        connections: counts.sessions as u64,
        users: counts.users as u64,
        files: counts.shares as u64,
        bytes_in,
        bytes_out,
        since: tracker.since(),
        relays: relays as u64,
        relayed: relayed.into_iter().take(RELAYED_TOLD_MAX).collect(),
    })
}

async fn pass_log_on(mut log: mpsc::Receiver<(SystemTime, LogEntry)>, outbox: Outbox) {
    while let Some((at, entry)) = log.recv().await {
        outbox.push(NodeEvent::TrackerLog { at, entry });
    }
}

fn dialled_ip(handle: &TrackerHandle) -> IpAddr {
    let ip = handle.address().ip();
    if ip.is_unspecified() { local::best_address() } else { ip }
}

fn open(dir: &Path) -> Result<(Identity, Arc<Store>), Failure> {
    private::create_dir(dir).map_err(|error| failed(error.to_string().into()))?;
    let store = Store::open(&dir.join("tracker.redb")).map_err(|error| failed(error.into()))?.store;
    let loaded =
        Identity::load_or_create(&dir.join("identity.key")).map_err(|error| failed(error.to_string().into()))?;
    Ok((loaded.identity, Arc::new(store)))
}

/// What of our settings is the embedded tracker's own.
pub(super) fn tracker_settings(settings: &Settings, listen: SocketAddr) -> TrackerSettings {
    let greeting = settings.message_of_the_day.lines().map(ToOwned::to_owned).collect();
    TrackerSettings {
        listen,
        network_name: settings.network_name.clone(),
        message_of_the_day: greeting,
        local_discovery: settings.discovers(),
        shares_per_user: settings.shares_max.max(TrackerSettings::default().shares_per_user),
        relay: settings.host_relay,
        relay_bytes_per_second: settings.host_relay_bytes_per_second.max(RELAY_BYTES_PER_SECOND_MIN),
        relay_bytes_per_user_per_day: settings.host_relay_bytes_per_user_day.max(1),
        // It shares the computer with everything else.
        shards: 1,
        ..TrackerSettings::default()
    }
}

fn failed(why: WorkFault) -> Failure {
    Failure::Internal { what: FailedWork::StartingTracker, why }
}
