//! Wishes to be elsewhere: those that wait, the one under way, and where we are.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::time::Instant;

use crate::model::invite::TrackerAddress;
use crate::node::event::Outcome;
use crate::node::failure::Failure;
use crate::node::hosting::Hosting;
use crate::node::intent::IntentId;
use crate::node::settings::Settings;

/// Where to be.
#[derive(Debug, Clone)]
pub(super) enum Move {
    /// At this tracker.
    Join(TrackerAddress),
    /// To be at no tracker.
    Leave,
    /// At the embedded tracker, which runs here from now on.
    Host(SocketAddr),
    /// At none, and the embedded tracker runs no more.
    StopHosting,
    /// Where other settings say.
    Follow(Box<SettingsChange>),
}

/// Settings that have changed.
#[derive(Debug, Clone)]
pub(super) struct SettingsChange {
    pub(super) before: Settings,
    pub(super) now: Settings,
}

/// A wish to be elsewhere.
#[derive(Debug)]
pub(super) struct QueuedMove {
    pub(super) asked: Option<IntentId>,
    pub(super) to: Move,
    /// The outcome of settings is known before the tracker's word.
    pub(super) outcome: Option<Result<Outcome, Failure>>,
}

/// Where one step has led.
#[derive(Debug)]
pub(super) enum Arrival {
    /// The session before is closed.
    Left,
    /// The embedded tracker runs.
    Hosted(Box<Hosting>),
    /// The session is closed if it was to be, and the embedded tracker has stopped.
    StoppedHosting,
    /// The services go by other settings; whether peers are served at another place, or why they could not be.
    Followed(Result<bool, Failure>),
}

/// Somebody who waits for the word of the tracker that is being joined.
#[derive(Debug)]
pub(super) struct AwaitedJoin {
    pub(super) id: IntentId,
    pub(super) until: Instant,
}

/// Where we are at, on the way to, and yet to go.
#[derive(Debug, Default)]
pub(super) struct Moves {
    pub(super) waiting: VecDeque<QueuedMove>,
    pub(super) under_way: Option<QueuedMove>,
    /// The tracker that we are at, or on the way to.
    pub(super) here: Option<TrackerAddress>,
    pub(super) awaited: Option<AwaitedJoin>,
}

impl Moves {
    /// Goes there as soon as the node runs; nobody waits for it.
    pub(super) fn to(tracker: Option<TrackerAddress>) -> Self {
        let wish = tracker.map(|tracker| QueuedMove { asked: None, to: Move::Join(tracker), outcome: None });
        Self { waiting: wish.into_iter().collect(), ..Self::default() }
    }

    /// When the one who waits for the tracker's word has waited long enough.
    pub(super) fn join_until(&self) -> Option<Instant> {
        self.awaited.as_ref().map(|awaited| awaited.until)
    }

    /// Whether a newer wish says where to be.
    pub(super) fn is_overtaken(&self) -> bool {
        self.waiting.iter().any(|wish| !matches!(wish.to, Move::Follow(_)))
    }

    /// Whether a newer wish says whether to host.
    pub(super) fn is_hosting_overtaken(&self) -> bool {
        self.waiting.iter().any(|wish| matches!(wish.to, Move::Host(_) | Move::StopHosting))
    }
}
