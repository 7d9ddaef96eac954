//! What a session at a tracker needs.

use std::sync::Arc;

use tokio::sync::watch;

use crate::model::invite::TrackerAddress;
use crate::model::own_ports::OwnPorts;
use crate::model::share::Share;
use crate::model::username::Username;
use crate::net::outgoing::Outgoing;
use crate::net::tls::TlsClient;
use crate::service::surroundings::Surroundings;
use crate::service::tracker_client::tap::Tap;
use crate::store::Store;

/// What a session needs.
pub struct ClientSetup {
    /// Where to, and whom to expect there.
    pub tracker: TrackerAddress,
    /// Who we want to be.
    pub username: Username,
    /// Where others dial us.
    pub ports: watch::Receiver<OwnPorts>,
    /// Proves our identity.
    pub tls: TlsClient,
    /// Remembers the keys of trackers.
    pub store: Arc<Store>,
    /// Shows the lines to whoever wants to see them.
    pub tap: Arc<Tap>,
    /// Everything that we share now; asked for at every new session.
    pub shares: Arc<dyn Fn() -> Vec<Share> + Send + Sync>,
    /// Whether the tracker is told where we are in our own network.
    pub tells_local_addresses: watch::Receiver<bool>,
    /// In which networks we are.
    pub surroundings: watch::Receiver<Surroundings>,
    /// How the connections to the tracker leave.
    pub outgoing: Outgoing,
}

impl std::fmt::Debug for ClientSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientSetup")
            .field("tracker", &self.tracker)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
