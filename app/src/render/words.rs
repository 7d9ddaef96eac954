//! The words for states: one list for records, which programs read, and for the translations that people read.

use potok_core::model::transfer_details::SourceStanding;
use potok_core::node::event::{Direction, TrackerConnection, TransferState};
use potok_core::service::share_indexer::root_status::{Absence, RootWatching, RootWork, SharedRoot};

/// What a transfer can be doing.
pub const STATE_WORDS: &[&str] = &[
    "queued",
    "waiting-for-user",
    "waiting-for-tracker",
    "kept-away",
    "unreachable",
    "other-key",
    "changing",
    "connecting",
    "waiting-for-slot",
    "declined",
    "checking",
    "running",
    "not-asked",
    "paused",
    "metered",
    "disk-full",
    "finished",
    "failed",
];

/// How we can stand with the tracker.
pub const CONNECTION_WORDS: &[&str] = &["none", "connecting", "awaits-approval", "online", "refused"];

/// How a root can be.
pub const ROOT_STATE_WORDS: &[&str] = &["shared", "scanning", "hashing", "unplugged", "other-device"];

/// How we can learn of changes in a root.
pub const WATCHING_WORDS: &[&str] = &["watched", "partly", "polled"];

/// The lines of `status`.
pub const STATUS_WORDS: &[&str] = &[
    "connection",
    "tracker",
    "network",
    "listening",
    "reachable",
    "hosting",
    "shares",
    "share-bytes",
    "files-to-hash",
    "downloads",
    "uploads",
    "ways",
    "down-bytes-per-second",
    "up-bytes-per-second",
    "download-folder",
    "metered",
];

/// The word for what a transfer is doing.
pub fn state(state: &TransferState) -> &'static str {
    match state {
        TransferState::Queued => "queued",
        TransferState::WaitingForUser => "waiting-for-user",
        TransferState::WaitingForTracker => "waiting-for-tracker",
        TransferState::KeptAway(_) => "kept-away",
        TransferState::Unreachable { .. } => "unreachable",
        TransferState::OtherKey => "other-key",
        TransferState::Changing => "changing",
        TransferState::Connecting => "connecting",
        TransferState::WaitingForSlot { .. } => "waiting-for-slot",
        TransferState::Checking => "checking",
        TransferState::Running => "running",
        TransferState::Paused => "paused",
        TransferState::Metered => "metered",
        TransferState::DiskFull => "disk-full",
        TransferState::Declined => "declined",
        TransferState::NotAsked => "not-asked",
        TransferState::Finished => "finished",
        TransferState::Failed(_) => "failed",
    }
}

/// The word for how we stand with the tracker.
pub fn connection(connection: &TrackerConnection) -> &'static str {
    match connection {
        TrackerConnection::None => "none",
        TrackerConnection::Connecting { .. } if connection.awaits_approval() => "awaits-approval",
        TrackerConnection::Connecting { .. } => "connecting",
        TrackerConnection::Online { .. } => "online",
        TrackerConnection::Refused { .. } => "refused",
    }
}

/// The word for how a root is.
pub fn root_state(root: &SharedRoot) -> &'static str {
    match (root.paused, root.work) {
        (Some(Absence::Gone), _) => "unplugged",
        (Some(Absence::OtherFileSystem), _) => "other-device",
        (None, RootWork::Scanning) => "scanning",
        (None, RootWork::Hashing { .. }) => "hashing",
        (None, RootWork::Resting) => "shared",
    }
}

/// The word for how we learn of changes in a root.
pub fn watching(watching: &RootWatching) -> &'static str {
    match watching {
        RootWatching::Whole => "watched",
        RootWatching::Partly { .. } => "partly",
        RootWatching::Polled { .. } => "polled",
    }
}

/// The word for what a source does.
pub fn standing(standing: SourceStanding) -> &'static str {
    match standing {
        SourceStanding::Sending => "sending",
        SourceStanding::Connected => "connected",
        SourceStanding::Waiting(_) => "waiting",
        SourceStanding::Connecting => "connecting",
        SourceStanding::Declines => "declines",
        SourceStanding::Unreachable => "unreachable",
        SourceStanding::NotConnected => "not-connected",
        SourceStanding::Away => "away",
        SourceStanding::OtherKey => "other-key",
        SourceStanding::KeptAway => "kept-away",
        SourceStanding::Unknown => "unknown",
        SourceStanding::HasNot => "has-not",
        SourceStanding::GivenUp => "given-up",
        SourceStanding::Lied => "lied",
    }
}

/// The word for a direction.
pub fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => "download",
        Direction::Upload => "upload",
    }
}
