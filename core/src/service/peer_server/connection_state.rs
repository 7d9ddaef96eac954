//! What the two halves of a connection that asks us share, and how it ends.

use std::io;
use std::sync::Arc;

use tokio::time::Instant;

use crate::service::limiter::Limiter;
use crate::service::peer_server::content_source::ContentSource;
use crate::service::peer_server::inbox::Inbox;
use crate::service::peer_server::scheduler::Place;

/// What a connection works with.
pub(super) struct UploadResources {
    pub(super) content_source: Arc<dyn ContentSource>,
    pub(super) limiter: Arc<Limiter>,
}

/// Why a connection ends from our side.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the peer closed it")]
    Closed,
    #[error("not the peer protocol")]
    BadFrame,
    #[error("it was idle")]
    Idle,
    #[error("the peer takes nothing")]
    Stalled,
    #[error("what was being sent is no longer shared")]
    Unshared,
    #[error("a person stopped it")]
    Stopped,
    #[error("a person stopped it in the middle of an answer")]
    Cut,
}

/// There are no requests; unless one came this very moment.
pub(super) fn rest(place: &Place, inbox: &Inbox) {
    place.idle(now());
    if !inbox.is_idle() {
        place.want(now());
    }
}

pub(super) fn now() -> std::time::Instant {
    Instant::now().into_std()
}
