//! The embedded tracker: the same code as `potok-tracker`, in this process.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::disk::private;
use crate::model::binding::{Ban, BanQuery, BanTarget};
use crate::model::invite::{HostPort, Invite, TrackerAddress};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::net::identity::Identity;
use crate::net::local;
use crate::node::event::{Hosted, NodeEvent, Outcome};
use crate::node::failure::Failure;
use crate::node::outbox::Outbox;
use crate::node::settings::Settings;
use crate::service::tracker_server::{self, TrackerHandle};
use crate::store::Store;
use crate::tracker::input::OwnerOrder;
use crate::tracker::log::LogEntry;
use crate::tracker::machine::{NameHolder, Tracker};
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
    let (identity, store) = opened.map_err(|_panic| failed("the tracker's data cannot be read"))??;
    let at = settings.listen;
    let listener = local::listen(at).map_err(|error| failed(&format!("{at}: {error}")))?;
    let handle = tracker_server::start(listener, settings, &identity, store, cancel).await;
    let handle = handle.map_err(|error| failed(&error.to_string()))?;
    let invite = handle.invite().map_err(|error| failed(&error.to_string()))?;
    // Through the address that others use, so that the tracker sees us there and can tell it to them.
    let address = HostPort::new(&dialled_ip(&handle).to_string(), handle.address().port());
    let address = address.map_err(|error| failed(&error.to_string()))?;
    let joined_at = TrackerAddress { address, key: Some(handle.key()) };
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
        let TrackerSettings { network_name, message_of_the_day, shares_per_user, local_discovery, .. } =
            tracker_settings(settings, tracker.address());
        async move {
            tracker.order(OwnerOrder::SetGreeting { network_name, message_of_the_day }).await;
            tracker.order(OwnerOrder::SetSharesPerUser(shares_per_user)).await;
            tracker.order(OwnerOrder::SetLocalDiscovery(local_discovery)).await;
        }
    }
}

/// How long who was sent away stays away.
const SENT_AWAY_MINUTES: u64 = 10;

/// Sends a user away for a while; `own` is the key of the tracker's owner.
pub(super) async fn kick(tracker: Arc<TrackerHandle>, own: PublicKey, user: Username) -> Result<Outcome, Failure> {
    let bans = bans_of(&tracker, own, &user).await?;
    tracker.order(OwnerOrder::SendAway { username: user, bans, minutes: SENT_AWAY_MINUTES }).await;
    Ok(Outcome::Done)
}

/// Shuts a user out; `own` is the key of the tracker's owner.
pub(super) async fn ban(tracker: Arc<TrackerHandle>, own: PublicKey, user: Username) -> Result<Outcome, Failure> {
    let bans = bans_of(&tracker, own, &user).await?;
    for ban in &bans {
        tracker.order(OwnerOrder::Ban(ban.clone())).await;
    }
    Ok(Outcome::Bans(bans))
}

/// What somebody is known by who is to be kept out.
async fn bans_of(tracker: &TrackerHandle, own: PublicKey, user: &Username) -> Result<Vec<Ban>, Failure> {
    let known = known_at(tracker, user).await?;
    let targets = match known.key {
        Some(key) if key == own => return Err(Failure::Yourself),
        Some(key) => vec![BanTarget::Key(key)],
        None => {
            // Who has no key is known by their name and address. From where we are ourselves others may be too.
            let ours = address_of(tracker, own).await;
            let address = known.address.filter(|address| !address.is_loopback() && Some(*address) != ours);
            [Some(BanTarget::Name(user.clone())), address.map(BanTarget::Address)].into_iter().flatten().collect()
        }
    };
    Ok(targets.into_iter().map(|target| Ban { target, username: Some(user.clone()) }).collect())
}

/// Lets somebody in again.
pub(super) async fn unban(tracker: Arc<TrackerHandle>, who: BanQuery) -> Result<Outcome, Failure> {
    let meant = who.clone();
    let find =
        move |tracker: &Tracker| [tracker.bans().meant_by(&meant), tracker.sent_away().meant_by(&meant)].concat();
    let targets = tracker.look(find).await.unwrap_or_default();
    if targets.is_empty() {
        return Err(Failure::NotBanned { who: who.as_str().to_owned() });
    }
    for target in targets {
        tracker.order(OwnerOrder::Unban(target)).await;
    }
    Ok(Outcome::Done)
}

/// Who is shut out.
pub(super) async fn list_bans(tracker: Arc<TrackerHandle>) -> Result<Outcome, Failure> {
    let bans = tracker.look(|tracker| tracker.bans().iter().collect()).await;
    bans.map(Outcome::Bans).ok_or(Failure::NotHosting)
}

/// How the tracker is; `None` if it has stopped.
pub(super) async fn condition(tracker: Arc<TrackerHandle>) -> Option<Hosted> {
    let counts = tracker.counts().await?;
    let (bytes_in, bytes_out) = tracker.traffic();
    Some(Hosted {
        address: tracker.address(),
        connections: counts.sessions as u64,
        users: counts.users as u64,
        files: counts.shares as u64,
        bytes_in,
        bytes_out,
        since: tracker.since(),
    })
}

async fn known_at(tracker: &TrackerHandle, user: &Username) -> Result<NameHolder, Failure> {
    let looked_for = user.clone();
    let known = tracker.look(move |tracker| tracker.known(&looked_for)).await.ok_or(Failure::NotHosting)?;
    known.ok_or_else(|| Failure::NotAtYours { user: user.to_string() })
}

/// From where the tracker sees whoever has proven this key.
async fn address_of(tracker: &TrackerHandle, key: PublicKey) -> Option<IpAddr> {
    let address = move |tracker: &Tracker| tracker.users().find(|user| user.key == Some(key)).map(|user| user.seen);
    tracker.look(address).await.flatten()
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
    private::create_dir(dir).map_err(|error| failed(&error.to_string()))?;
    let store = Store::open(&dir.join("tracker.redb")).map_err(|error| failed(&error.to_string()))?.store;
    let loaded = Identity::load_or_create(&dir.join("identity.key")).map_err(|error| failed(&error.to_string()))?;
    Ok((loaded.identity, Arc::new(store)))
}

/// What of our settings is the embedded tracker's own.
pub(super) fn tracker_settings(settings: &Settings, listen: SocketAddr) -> TrackerSettings {
    let greeting = settings.message_of_the_day.lines().map(ToOwned::to_owned).collect();
    TrackerSettings {
        listen,
        network_name: settings.network_name.clone(),
        message_of_the_day: greeting,
        local_discovery: settings.local_discovery,
        shares_per_user: settings.shares_max.max(TrackerSettings::default().shares_per_user),
        ..TrackerSettings::default()
    }
}

fn failed(why: &str) -> Failure {
    Failure::Internal { what: "starting the tracker".into(), why: why.to_owned() }
}
