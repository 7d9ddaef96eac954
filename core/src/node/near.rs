//! Who is in the local network: what we say of ourselves there, and what the app is told of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::model::port::PeerPort;
use crate::node::event::{NodeEvent, Outcome};
use crate::node::failure::Failure;
use crate::node::main_loop::NodeTask;
use crate::node::outbox::Outbox;
use crate::service::nearby::{Nearby, NearbyPerson, NearbyWish};

/// Between two lists that the app is told: whoever comes and goes in a flood is not shown at once.
const TOLD_EVERY: Duration = Duration::from_millis(500);

impl NodeTask {
    /// Says of us what is true now: members of the network that we are in find us.
    pub(super) fn say_nearby(&self) {
        let listening = self.peer_server.address();
        // Who listens to this computer alone is reached by nobody else.
        let port = PeerPort::new(listening.port()).ok().filter(|_| !listening.ip().to_canonical().is_loopback());
        let tracker = self.moves.here.as_ref().and_then(|here| here.key.or_else(|| self.proven_tracker_key()));
        let key = self.identity.public_key();
        let person = port.zip(tracker).map(|(port, tracker)| NearbyPerson { tracker, key, port });
        let wish = NearbyWish { is_on: self.settings.discovers(), person };
        self.nearby_wish.send_if_modified(|before| std::mem::replace(before, wish.clone()) != wish);
    }

    /// Lists who is there, when there was time to hear them.
    pub(super) fn list_nearby(&self) -> impl Future<Output = Result<Outcome, Failure>> + Send + 'static {
        let (nearby, is_on) = (Arc::clone(&self.nearby), self.settings.discovers());
        async move {
            if !is_on {
                return Ok(Outcome::Nearby { networks: Vec::new(), is_on });
            }
            nearby.settled().await;
            let networks = nearby.networks().borrow().clone();
            Ok(Outcome::Nearby { networks, is_on })
        }
    }
}

/// Tells the app which networks can be joined here, whenever they are others.
pub(super) async fn tell(nearby: Arc<Nearby>, outbox: Outbox, cancel: CancellationToken) {
    let mut networks = nearby.networks();
    let telling = async {
        while networks.changed().await.is_ok() {
            outbox.push(NodeEvent::Nearby(networks.borrow_and_update().clone()));
            sleep(TOLD_EVERY).await;
        }
    };
    cancel.run_until_cancelled(telling).await;
}
