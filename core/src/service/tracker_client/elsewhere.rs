//! The other trackers of the network, while ours does not answer: whether it is worth leaving ours.
//!
//! A tracker that is only slow would be left by everybody at once, and those who take them in would be slow next; and whose own
//! line is down is nowhere better off. So ours is left when it cannot even be connected to any more, and another one can.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::model::invite::{HostPort, NetworkAddress};
use crate::net::outgoing::Outgoing;

/// How long a connection may take that only shows that it is possible.
const REACH_MAX: Duration = Duration::from_secs(2);
/// How long until it is tried again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Where else the network is met.
#[derive(Debug, Clone)]
pub(super) struct OtherTrackers {
    here: HostPort,
    others: Vec<HostPort>,
    outgoing: Outgoing,
}

impl OtherTrackers {
    /// Everywhere but at one tracker.
    pub(super) fn than(here: &HostPort, network: &NetworkAddress, outgoing: Outgoing) -> Self {
        let others = network.iter().filter(|address| *address != here).cloned().collect();
        Self { here: here.clone(), others, outgoing }
    }

    /// Whether there is anywhere else.
    pub(super) fn is_anywhere(&self) -> bool {
        !self.others.is_empty()
    }

    /// Waits until ours is not to be reached, and another one is; gives that one.
    pub(super) async fn found_better(self) -> HostPort {
        loop {
            let (ours, other) = tokio::join!(self.reaches(&self.here), self.any_other());
            if let (false, Some(other)) = (ours, other) {
                return other;
            }
            sleep(LOOK_AGAIN_AFTER).await;
        }
    }

    async fn reaches(&self, address: &HostPort) -> bool {
        self.outgoing.host(address, REACH_MAX).await.is_ok()
    }

    /// The first that can be connected to.
    async fn any_other(&self) -> Option<HostPort> {
        let mut asked = JoinSet::new();
        for other in self.others.iter().cloned() {
            let this = self.clone();
            asked.spawn(async move { this.reaches(&other).await.then_some(other) });
        }
        while let Some(reached) = asked.join_next().await {
            if let Ok(Some(other)) = reached {
                return Some(other);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    /// An address at which nobody listens, and one at which somebody does.
    async fn closed_and_open() -> (String, String, TcpListener) {
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("bound").local_addr().expect("bound");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let open = listener.local_addr().expect("bound");
        (closed.to_string(), open.to_string(), listener)
    }

    #[tokio::test]
    async fn ours_is_left_only_if_it_is_gone_and_another_one_is_not() {
        let (closed, open, _listener) = closed_and_open().await;
        for (here, network, is_left) in [
            (&closed, format!("{closed},{open}"), true),
            // It is there and slow.
            (&open, format!("{open},{closed}"), false),
            // It is our own line.
            (&closed, format!("{closed},127.0.0.2:1"), false),
        ] {
            let (here, network): (HostPort, NetworkAddress) =
                (here.parse().expect("an address"), network.parse().expect("some"));
            let elsewhere = OtherTrackers::than(&here, &network, Outgoing::Direct);
            assert!(elsewhere.is_anywhere());
            // Two looks are enough.
            let found = timeout(LOOK_AGAIN_AFTER + LOOK_AGAIN_AFTER / 2, elsewhere.found_better()).await;
            assert_eq!(found.ok(), is_left.then(|| open.parse().expect("an address")), "{network}");
        }
    }
}
