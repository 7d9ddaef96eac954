//! What is told of transfers when it happens, as plain data.

use std::path::PathBuf;

use crate::model::hash::ContentHash;
use crate::model::share_path::SharePath;
use crate::model::transfer::{Transfer, TransferError, TransferId};
use crate::model::username::Username;

/// What is told when it happens. [`TransferEvent::Changed`] is latest-wins, the others come each and in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferEvent {
    /// How a transfer is now.
    Changed(Transfer),
    /// One file of a download is verified, flushed, in its place.
    FileFinished {
        /// Of which download.
        id: TransferId,
        /// Where it is.
        target: PathBuf,
        /// Its length in bytes.
        size: u64,
        /// The hash of what is in it, verified.
        hash: ContentHash,
    },
    /// One file of a download is not coming; the others go on.
    FileFailed {
        /// Of which download.
        id: TransferId,
        /// As its owner calls it.
        remote: SharePath,
        /// The reason why it does not come.
        error: TransferError,
        /// How many more of the download do not come either and are not told one by one: that was so in an earlier run.
        more: u64,
    },
    /// One file of a download goes elsewhere, because something else is at its place and stays.
    Renamed {
        /// Of which download.
        id: TransferId,
        /// As its owner calls it.
        remote: SharePath,
        /// Where it goes.
        target: PathBuf,
    },
    /// Every file of a download is here.
    Finished(TransferId),
    /// Nothing more of a download is coming.
    Failed(TransferId, TransferError),
    /// All of a transfer has just come to where it was to go. Told once, not again after a restart.
    Ended(Transfer),
    /// A transfer is gone from the list.
    Gone(TransferId),
    /// This user sent something else than was announced, and was dropped.
    PeerLied(Username),
}
