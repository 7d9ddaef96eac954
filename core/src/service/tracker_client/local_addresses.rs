//! Tells the tracker where we are in our own home, so that people in it reach us without the way round through the
//! Internet, which many routers do not even offer.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use crate::model::lan_address::LanAddress;
use crate::model::port::PeerPort;
use crate::net::lan::OwnNetworks;
use crate::protocol::code::Code;
use crate::protocol::code::ReplyCode;
use crate::protocol::command::Addresses;
use crate::service::tracker_client::{AskError, ClientMessage};

/// How often it is looked whether they are others: cables are pulled and radios go elsewhere.
const ADDRESSES_LOOK_EVERY: Duration = Duration::from_secs(20);

/// Whom to tell what.
pub(super) struct LocalAddresses {
    /// The session; it does not stay open for this.
    pub(super) asks: mpsc::WeakSender<ClientMessage>,
    /// Where the peer server listens.
    pub(super) port: Option<PeerPort>,
    /// Whether anything is told.
    pub(super) may_tell: watch::Receiver<bool>,
}

/// Tells them now and whenever they change, for as long as the future is waited for.
pub(super) async fn keep_telling(what: LocalAddresses) -> Infallible {
    let LocalAddresses { asks, port, mut may_tell } = what;
    // A tracker knows nothing of a new session.
    let mut told = Vec::new();
    loop {
        let addresses = match port.filter(|_| *may_tell.borrow_and_update()) {
            Some(port) => read(port).await,
            None => Vec::new(),
        };
        if addresses != told {
            match tell(&asks, addresses.clone()).await {
                // A tracker of an earlier version; it does not change while the session lasts.
                Some(Err(AskError::Refused { code: ReplyCode::Known(Code::UnknownCommand), .. })) => break,
                Some(Ok(())) => told = addresses,
                Some(Err(error)) => tracing::debug!(%error, "the tracker does not take our local addresses"),
                None => break,
            }
        }
        tokio::select! {
            () = sleep(ADDRESSES_LOOK_EVERY) => {}
            Ok(()) = may_tell.changed() => {}
        }
    }
    std::future::pending().await
}

async fn read(port: PeerPort) -> Vec<LanAddress> {
    let read = tokio::task::spawn_blocking(move || OwnNetworks::read().map(|networks| networks.addresses(port.get())));
    read.await.ok().and_then(Result::ok).unwrap_or_default()
}

/// `None` if the session is over.
async fn tell(asks: &mpsc::WeakSender<ClientMessage>, addresses: Vec<LanAddress>) -> Option<Result<(), AskError>> {
    let (answer, answered) = oneshot::channel();
    let command = Box::new(Addresses { addresses }.into());
    asks.upgrade()?.send(ClientMessage::Question { command, answer }).await.ok()?;
    Some(answered.await.ok()?.map(drop))
}
