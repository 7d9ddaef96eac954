//! What is told of a transfer, as plain data.

use std::path::PathBuf;

use crate::model::hash::ContentHash;
use crate::model::share_path::SharePath;
use crate::model::shown::Shown;
use crate::model::username::Username;

/// The number of a transfer among those of its direction. That of a download stays the same over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId(pub u64);

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To this computer.
    Download,
    /// From this computer.
    Upload,
}

/// A download or an upload. A folder is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferState {
    /// Which one.
    pub id: TransferId,
    /// In or out.
    pub direction: Direction,
    /// Where a download stands in the queue: a lower one is begun first. An upload has 0.
    pub position: u64,
    /// With whom.
    pub user: Username,
    /// The file or folder, as its owner calls it.
    pub label: String,
    /// Where it goes; none for an upload.
    pub target: Option<PathBuf>,
    /// How many files it has.
    pub files: u64,
    /// How many of them are finished.
    pub files_done: u64,
    /// All bytes.
    pub total_bytes: u64,
    /// Verified bytes.
    pub done_bytes: u64,
    /// Smoothed.
    pub bytes_per_second: u64,
    /// Peers that send now.
    pub sources: u32,
    /// What it is doing.
    pub state: State,
}

/// What is told when it happens. [`TransferEvent::Changed`] is latest-wins, the others come each and in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferEvent {
    /// How a transfer is now.
    Changed(TransferState),
    /// One file of a download is verified, flushed, in its place.
    FileFinished {
        /// Of which download.
        id: TransferId,
        /// Where it is.
        target: PathBuf,
        /// Its length in bytes.
        size: u64,
        /// Its content.
        hash: ContentHash,
    },
    /// One file of a download is not coming; the others go on.
    FileFailed {
        /// Of which download.
        id: TransferId,
        /// As its owner calls it.
        remote: SharePath,
        /// Why.
        error: FileError,
    },
    /// Every file of a download is here.
    Finished(TransferId),
    /// Nothing more of a download is coming.
    Failed(TransferId, FileError),
    /// A transfer is gone from the list.
    Gone(Direction, TransferId),
    /// This user sent something else than was announced, and was dropped.
    PeerLied(Username),
}

/// What a transfer is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Others of the same user come first.
    Queued,
    /// Nobody who has it is connected.
    Looking,
    /// A source is being reached.
    Connecting,
    /// The source serves others first; 1 is next.
    WaitingForSlot(u32),
    /// What is on disk is being checked.
    Verifying,
    /// Bytes are moving.
    Running,
    /// A person paused it.
    Paused,
    /// The disk is full; it goes on alone when there is room.
    DiskFull,
    /// All of it is here.
    Finished,
    /// It will not go on by itself.
    Failed(FileError),
}

/// Why one file of a download is not here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is a file at the target already. It is left as it is.
    #[error("there is a file of that name already")]
    Exists,
    /// Who shared it does so no more.
    #[error("it is not shared any more")]
    NotShared,
    /// Its owner has changed it: what was asked for is no more.
    #[error("it was changed by its owner")]
    Changed,
    /// The owner's computer cannot read it.
    #[error("its owner's computer cannot read it")]
    Unreadable,
    /// What was sent is not what was announced, and nobody else has it.
    #[error("{} sent something else than was announced", Shown(user.as_str()))]
    Lied {
        /// Who.
        user: Username,
    },
    /// Larger than peers move.
    #[error("it is larger than 4 TiB")]
    TooLarge,
    /// It cannot be written here, in the system's words.
    #[error("it cannot be written: {0}")]
    Disk(String),
}
