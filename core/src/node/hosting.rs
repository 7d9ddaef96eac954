//! The embedded tracker: the same code as `potok-tracker`, in this process.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::model::binding::{Ban, BanTarget};
use crate::model::invite::{HostPort, Invite, TrackerAddress};
use crate::model::username::Username;
use crate::net::identity::{self, Identity};
use crate::net::local;
use crate::node::engine::Engine;
use crate::node::event::{Hosted, NodeEvent, Outcome};
use crate::node::failure::Failure;
use crate::node::intent::IntentId;
use crate::node::outbox::Outbox;
use crate::node::settings::Settings;
use crate::service::tracker_server::{self, TrackerHandle};
use crate::store::Store;
use crate::tracker::input::Order;
use crate::tracker::log::LogEntry;
use crate::tracker::machine::{Known, Tracker};
use crate::tracker::settings::TrackerSettings;

/// A tracker that runs here.
#[derive(Debug)]
pub(super) struct Hosting {
    handle: Arc<TrackerHandle>,
    invite: Invite,
    /// Passes its log on; ends when it does.
    log: JoinHandle<()>,
}

impl Engine {
    pub(super) async fn host_tracker(self: &Arc<Self>, id: IntentId, at: SocketAddr) -> Result<Outcome, Failure> {
        let tracker = self.begin_hosting(at).await?;
        self.join(id, tracker).await
    }

    /// Starts the embedded tracker in place of one that runs; where to join it.
    pub(super) async fn begin_hosting(&self, at: SocketAddr) -> Result<TrackerAddress, Failure> {
        self.stop_hosting().await;
        let dir = self.data_dir.join("tracker");
        let opened = tokio::task::spawn_blocking(move || open(&dir)).await;
        let (identity, store) = opened.map_err(|_panic| failed("the tracker's data cannot be read"))??;
        let listener = local::listen(at).map_err(|error| failed(&format!("{at}: {error}")))?;
        let settings = tracker_settings(&self.settings.borrow(), at);
        let cancel = self.cancel.child_token();
        let handle = tracker_server::start(listener, settings, &identity, store, cancel).await;
        let handle = handle.map_err(|error| failed(&error.to_string()))?;
        let invite = handle.invite().map_err(|error| failed(&error.to_string()))?;
        // Through the address that others use, so that the tracker sees us there and can tell it to them.
        let joined_at = HostPort::new(&dialled_ip(&handle).to_string(), handle.address().port());
        let address = joined_at.map_err(|error| failed(&error.to_string()))?;
        let tracker = TrackerAddress { address, key: Some(handle.key()) };
        let log = tokio::spawn(pass_log_on(handle.read_log().await, self.outbox.clone()));
        *self.hosting.lock() = Some(Hosting { handle: Arc::new(handle), invite, log });
        Ok(tracker)
    }

    pub(super) async fn stop_tracker(&self, id: IntentId) -> Result<Outcome, Failure> {
        self.tracker()?;
        self.leave(id).await?;
        self.stop_hosting().await;
        Ok(Outcome::Done)
    }

    /// Stops the embedded tracker, if one runs, and waits for it.
    pub(super) async fn stop_hosting(&self) {
        let hosting = self.hosting.lock().take();
        if let Some(Hosting { handle, log, .. }) = hosting {
            handle.stop();
            handle.join().await;
            // It ended with the tracker, or panicked.
            let _ended = log.await;
        }
    }

    /// The embedded tracker.
    fn tracker(&self) -> Result<Arc<TrackerHandle>, Failure> {
        let hosting = self.hosting.lock();
        hosting.as_ref().map(|hosting| Arc::clone(&hosting.handle)).ok_or(Failure::NotHosting)
    }

    pub(super) async fn kick(&self, user: String) -> Result<Outcome, Failure> {
        let tracker = self.tracker()?;
        let (username, _) = self.known_at(&tracker, &user).await?;
        tracker.order(Order::Kick(username)).await;
        Ok(Outcome::Done)
    }

    pub(super) async fn ban(&self, user: String) -> Result<Outcome, Failure> {
        let tracker = self.tracker()?;
        let (username, known) = self.known_at(&tracker, &user).await?;
        let targets = match known.key {
            Some(key) if key == self.identity.public_key() => return Err(Failure::Yourself),
            Some(key) => vec![BanTarget::Key(key)],
            None => {
                // Who has no key is known by their name and address. From where we are ourselves others may be too.
                let ours = self.own_address_at(&tracker).await;
                let address = known.address.filter(|address| !address.is_loopback() && Some(*address) != ours);
                [Some(BanTarget::Name(username.clone())), address.map(BanTarget::Address)]
                    .into_iter()
                    .flatten()
                    .collect()
            }
        };
        let bans = targets.into_iter().map(|target| Ban { target, username: Some(username.clone()) });
        let bans: Vec<Ban> = bans.collect();
        for ban in &bans {
            tracker.order(Order::Ban(ban.clone())).await;
        }
        Ok(Outcome::Bans(bans))
    }

    pub(super) async fn unban(&self, who: String) -> Result<Outcome, Failure> {
        let tracker = self.tracker()?;
        let meant = who.clone();
        let targets = tracker.look(move |tracker| tracker.bans().meant_by(&meant)).await.unwrap_or_default();
        if targets.is_empty() {
            return Err(Failure::NotBanned { who });
        }
        for target in targets {
            tracker.order(Order::Unban(target)).await;
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn list_bans(&self) -> Result<Outcome, Failure> {
        let bans = self.tracker()?.look(|tracker| tracker.bans().iter().collect()).await;
        bans.map(Outcome::Bans).ok_or(Failure::NotHosting)
    }

    async fn known_at(&self, tracker: &TrackerHandle, user: &str) -> Result<(Username, Known), Failure> {
        let nobody = || Failure::NotAtYours { user: user.to_owned() };
        let username = Username::new(user).map_err(|_bad_name| nobody())?;
        let looked_for = username.clone();
        let known = tracker.look(move |tracker| tracker.known(&looked_for)).await.ok_or(Failure::NotHosting)?;
        Ok((username, known.ok_or_else(nobody)?))
    }

    async fn own_address_at(&self, tracker: &TrackerHandle) -> Option<IpAddr> {
        let own = self.identity.public_key();
        let address = move |tracker: &Tracker| tracker.users().find(|user| user.key == Some(own)).map(|user| user.seen);
        tracker.look(address).await.flatten()
    }

    /// Tells the embedded tracker what of our settings is its own.
    pub(super) async fn apply_to_tracker(&self, settings: &Settings) {
        let Ok(tracker) = self.tracker() else { return };
        let TrackerSettings { network_name, message_of_the_day, shares_per_user, .. } =
            tracker_settings(settings, tracker.address());
        tracker.order(Order::SetGreeting { network_name, message_of_the_day }).await;
        tracker.order(Order::SetSharesPerUser(shares_per_user)).await;
    }

    /// The link to the embedded tracker.
    pub(super) fn hosted_invite(&self) -> Option<Invite> {
        self.hosting.lock().as_ref().map(|hosting| hosting.invite.clone())
    }

    /// How the embedded tracker is, if one runs.
    pub(super) async fn hosted(&self) -> Option<Hosted> {
        let tracker = self.tracker().ok()?;
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
    identity::create_private_dir(dir).map_err(|error| failed(&error.to_string()))?;
    let store = Store::open(&dir.join("tracker.redb")).map_err(|error| failed(&error.to_string()))?.store;
    let loaded = Identity::load_or_create(&dir.join("identity.key")).map_err(|error| failed(&error.to_string()))?;
    Ok((loaded.identity, Arc::new(store)))
}

fn tracker_settings(settings: &Settings, listen: SocketAddr) -> TrackerSettings {
    let greeting = settings.message_of_the_day.lines().map(ToOwned::to_owned).collect();
    TrackerSettings {
        listen,
        network_name: settings.network_name.clone(),
        message_of_the_day: greeting,
        shares_per_user: settings.shares_max.max(TrackerSettings::default().shares_per_user),
        ..TrackerSettings::default()
    }
}

fn failed(why: &str) -> Failure {
    Failure::Internal { what: "starting the tracker".into(), why: why.to_owned() }
}
