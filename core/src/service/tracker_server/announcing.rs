//! Says in the local network that a tracker is here, for as long as its owner wants that.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::model::key::PublicKey;
use crate::service::nearby::{self, TrackerHere};
use crate::service::tracker_server::Message;
use crate::service::tracker_server::figures::DriverFigures;
use crate::tracker::machine::Tracker;

/// How often the tracker is asked what it is called, and whether it is to be found.
const NAME_LOOK_EVERY: Duration = Duration::from_secs(2);

/// Says it until the tracker stops. One that listens to its own computer alone is found by nobody.
pub(super) async fn run(inbox: mpsc::WeakSender<Message>, at: SocketAddr, key: PublicKey, cancel: CancellationToken) {
    if at.ip().to_canonical().is_loopback() {
        return;
    }
    let (here, what) = watch::channel(None);
    let looking = async {
        while let Some(network) = name(&inbox).await {
            let now = network.map(|network| TrackerHere { network, key, at });
            here.send_if_modified(|before| std::mem::replace(before, now.clone()) != now);
            sleep(NAME_LOOK_EVERY).await;
        }
    };
    let saying = nearby::announce_tracker(what, cancel.clone());
    let looked = async {
        cancel.run_until_cancelled(looking).await;
    };
    tokio::join!(looked, saying);
}

/// What the network is called, if the tracker is to be found; `None`: it has stopped.
async fn name(inbox: &mpsc::WeakSender<Message>) -> Option<Option<String>> {
    let (answer, seen) = oneshot::channel();
    let look = move |tracker: &Tracker, _: &DriverFigures| {
        // Whoever asked has gone: nothing is left to say.
        let _gone = answer.send(tracker.discoverable_name().map(ToOwned::to_owned));
    };
    inbox.upgrade()?.send(Message::Look(Box::new(look))).await.ok()?;
    seen.await.ok()
}
