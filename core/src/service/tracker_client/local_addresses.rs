//! Tells the tracker where we are in our own home, so that people in it reach us without the way round through the
//! Internet, which many routers do not even offer.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use crate::model::lan_address::LanAddress;
use crate::model::port::PeerPort;
use crate::protocol::code::Code;
use crate::protocol::code::ReplyCode;
use crate::protocol::command::Addresses;
use crate::service::surroundings::Surroundings;
use crate::service::tracker_client::{AskError, ClientMessage};

/// When it is tried again to tell them to a tracker that did not take them.
const TELL_AGAIN_AFTER: Duration = Duration::from_secs(20);

/// Whom to tell what.
pub(super) struct LocalAddresses {
    /// The session; it does not stay open for this.
    pub(super) asks: mpsc::WeakSender<ClientMessage>,
    /// Where the peer server listens.
    pub(super) port: Option<PeerPort>,
    /// Whether anything is told.
    pub(super) may_tell: watch::Receiver<bool>,
    /// In which networks we are.
    pub(super) surroundings: watch::Receiver<Surroundings>,
}

/// Tells them now and whenever they change, for as long as the future is waited for.
pub(super) async fn keep_telling(what: LocalAddresses) -> Infallible {
    let LocalAddresses { asks, port, mut may_tell, mut surroundings } = what;
    // A tracker knows nothing of a new session.
    let mut told = Vec::new();
    loop {
        let port = port.filter(|_| *may_tell.borrow_and_update());
        let addresses = {
            let now = surroundings.borrow_and_update();
            port.map(|port| now.networks.addresses(port.get())).unwrap_or_default()
        };
        let mut is_told = true;
        if addresses != told {
            match tell(&asks, addresses.clone()).await {
                // A tracker of an earlier version; it does not change while the session lasts.
                Some(Err(AskError::Refused { code: ReplyCode::Known(Code::UnknownCommand), .. })) => break,
                Some(Ok(())) => told = addresses,
                Some(Err(error)) => {
                    tracing::debug!(%error, "the tracker does not take our local addresses");
                    is_told = false;
                }
                None => break,
            }
        }
        tokio::select! {
            Ok(()) = surroundings.changed() => {}
            Ok(()) = may_tell.changed() => {}
            () = sleep(TELL_AGAIN_AFTER), if !is_told => {}
            else => break,
        }
    }
    std::future::pending().await
}

/// `None` if the session is over.
async fn tell(asks: &mpsc::WeakSender<ClientMessage>, addresses: Vec<LanAddress>) -> Option<Result<(), AskError>> {
    let (answer, answered) = oneshot::channel();
    let command = Box::new(Addresses { addresses }.into());
    asks.upgrade()?.send(ClientMessage::Question { command, answer, sessions: 0 }).await.ok()?;
    Some(answered.await.ok()?.map(drop))
}
