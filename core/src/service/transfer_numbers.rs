//! The numbers of transfers: one row of them for downloads and uploads, so that `cancel 7` means one thing.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::transfer::TransferId;
use crate::store::Store;

/// Gives each new transfer its number. Those of downloads are written down with them and never used again; those of
/// uploads, which end with the program, may be.
#[derive(Debug)]
pub struct TransferNumbers {
    next: AtomicU64,
}

impl TransferNumbers {
    /// Goes on behind every download that was ever written down.
    pub fn after(store: &Store) -> Result<Self, redb::Error> {
        Ok(Self { next: AtomicU64::new(store.next_transfer_id()?.0) })
    }

    /// A number that no transfer has.
    pub fn take(&self) -> TransferId {
        TransferId(self.next.fetch_add(1, Ordering::Relaxed))
    }
}
