//! The embedded tracker: the same code as `potok-tracker`, in this process.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use crate::model::invite::{HostPort, Invite, TrackerAddress};
use crate::net::identity::{self, Identity};
use crate::net::local;
use crate::node::engine::Engine;
use crate::node::failure::Failure;
use crate::node::notice::Outcome;
use crate::node::settings::Settings;
use crate::service::tracker_server::{self, TrackerHandle};
use crate::store::Store;
use crate::tracker::settings::TrackerSettings;

/// A tracker that runs here.
#[derive(Debug)]
pub(super) struct Hosted {
    handle: TrackerHandle,
    invite: Invite,
}

impl Engine {
    pub(super) async fn host_tracker(self: &Arc<Self>, at: SocketAddr) -> Result<Outcome, Failure> {
        let tracker = self.begin_hosting(at).await?;
        self.join(tracker).await
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
        *self.hosted.lock() = Some(Hosted { handle, invite });
        Ok(tracker)
    }

    pub(super) async fn stop_tracker(&self) -> Result<Outcome, Failure> {
        if self.hosted.lock().is_none() {
            return Err(Failure::NotHosting);
        }
        self.leave().await?;
        self.stop_hosting().await;
        Ok(Outcome::Done)
    }

    /// Stops the embedded tracker, if one runs, and waits for it.
    pub(super) async fn stop_hosting(&self) {
        let hosted = self.hosted.lock().take();
        if let Some(hosted) = hosted {
            hosted.handle.stop();
            hosted.handle.join().await;
        }
    }

    /// The link to the embedded tracker.
    pub(super) fn hosted_invite(&self) -> Option<Invite> {
        self.hosted.lock().as_ref().map(|hosted| hosted.invite.clone())
    }

    /// Where the embedded tracker listens.
    pub(super) fn hosting(&self) -> Option<SocketAddr> {
        self.hosted.lock().as_ref().map(|hosted| hosted.handle.address())
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
