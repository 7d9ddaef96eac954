//! Notices that this computer is in another network: a cable is pulled, a radio goes elsewhere, an address is another one.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::net::lan::OwnNetworks;
use crate::net::router::{self, WayOut};

/// How often it is looked. The system is asked a few things that it knows; a person who changes rooms waits so long.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where this computer is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The networks that it is in.
    pub networks: OwnNetworks,
    /// By which router it goes to the Internet, by IPv4 and by IPv6.
    pub ways_out: [Option<WayOut>; 2],
}

impl Surroundings {
    /// Looks. Blocks for a moment.
    fn read() -> Self {
        Self { networks: OwnNetworks::read().unwrap_or_default(), ways_out: router::ways_out() }
    }
}

/// Looks now and then until `cancel` is cancelled. It changes only when something is another than before.
pub async fn watch(cancel: CancellationToken) -> (watch::Receiver<Surroundings>, JoinHandle<()>) {
    let first = tokio::task::spawn_blocking(Surroundings::read).await.unwrap_or_default();
    let (told, surroundings) = watch::channel(first);
    let looking = async move {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            let Ok(now) = tokio::task::spawn_blocking(Surroundings::read).await else { continue };
            told.send_if_modified(|before| {
                let is_other = *before != now;
                if is_other {
                    tracing::debug!(?now, "this computer is in another network");
                    *before = now;
                }
                is_other
            });
        }
    };
    let task = tokio::spawn(async move {
        cancel.run_until_cancelled(looking).await;
    });
    (surroundings, task)
}
