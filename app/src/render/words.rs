//! The words for states: one list for records, which programs read, and for the translations that people read.

use potok_core::node::event::{Direction, TrackerConnection, TransferState};

/// What a transfer can be doing.
pub const STATE_WORDS: &[&str] = &[
    "queued",
    "waiting-for-user",
    "connecting",
    "waiting-for-slot",
    "declined",
    "checking",
    "running",
    "not-asked",
    "paused",
    "disk-full",
    "finished",
    "failed",
];

/// How we can stand with the tracker.
pub const CONNECTION_WORDS: &[&str] = &["none", "connecting", "online", "refused"];

/// The lines of `status`.
pub const STATUS_WORDS: &[&str] = &[
    "connection",
    "tracker",
    "network",
    "listening",
    "hosting",
    "shares",
    "share-bytes",
    "files-to-hash",
    "downloads",
    "uploads",
    "down-bytes-per-second",
    "up-bytes-per-second",
    "download-folder",
];

/// The word for what a transfer is doing.
pub fn state(state: &TransferState) -> &'static str {
    match state {
        TransferState::Queued => "queued",
        TransferState::WaitingForUser => "waiting-for-user",
        TransferState::Connecting => "connecting",
        TransferState::WaitingForSlot { .. } => "waiting-for-slot",
        TransferState::Checking => "checking",
        TransferState::Running => "running",
        TransferState::Paused => "paused",
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
        TrackerConnection::Connecting { .. } => "connecting",
        TrackerConnection::Online { .. } => "online",
        TrackerConnection::Refused { .. } => "refused",
    }
}

/// The word for a direction.
pub fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Download => "download",
        Direction::Upload => "upload",
    }
}
