//! What a running session works on: what outlives it.

use tokio::sync::{mpsc, watch};

use crate::model::own_ports::OwnPorts;
use crate::model::username::Username;
use crate::service::tracker_client::ClientEvent;
use crate::service::tracker_client::announcer::Announcer;
use crate::service::tracker_client::elsewhere::OtherTrackers;
use crate::service::tracker_client::people::People;

/// What a running session works on.
pub(super) struct SessionContext<'a> {
    pub(super) announcer: &'a mut Announcer,
    pub(super) people: &'a People,
    pub(super) events: &'a mpsc::Sender<ClientEvent>,
    /// As whom we are registered.
    pub(super) username: &'a Username,
    /// Where others dial us.
    pub(super) ports: &'a mut watch::Receiver<OwnPorts>,
    /// Told when the picture of the users is complete.
    pub(super) is_online: bool,
    /// The other trackers.
    pub(super) elsewhere: OtherTrackers,
}

impl SessionContext<'_> {
    pub(super) async fn tell(&self, event: ClientEvent) {
        // Nobody listens only while the node is being taken down.
        let _ = self.events.send(event).await;
    }
}
