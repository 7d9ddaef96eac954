//! What a scan is to do, with what, and what came of it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::disk::hash::HashFault;
use crate::library::root::RootId;
use crate::library::unsaved::Unsaved;
use crate::model::file_stamp::FileStamp;
use crate::service::share_indexer::content::SharedLibrary;
use crate::service::share_indexer::event::{HashProgress, WhyNotShared};
use crate::service::share_indexer::root_board::RootBoard;
use crate::service::share_indexer::root_status::Absence;
use crate::service::share_indexer::watch::{WatchHealthChange, Watches};

/// Somewhere in a root.
pub(super) type RootPlace = (RootId, String);

/// What a job is to do, and with what.
#[derive(Debug)]
pub(super) struct ScanJob {
    pub(super) places: Vec<RootPlace>,
    /// Roots to be remembered before anything of them is announced.
    pub(super) save: Unsaved,
    /// Somebody named these places and waits: what is being written is hashed all the same.
    pub(super) is_asked: bool,
    /// What files that were not quiet were when they were seen last.
    pub(super) seen_before: HashMap<RootPlace, FileStamp>,
    pub(super) shared: Arc<SharedLibrary>,
    pub(super) watches: Arc<Watches>,
    pub(super) board: Arc<Board>,
    pub(super) data_dir: PathBuf,
    pub(super) leave_out_hidden: bool,
    /// Released when everything is shared that needs no hashing.
    pub(super) known: Option<oneshot::Sender<()>>,
    pub(super) cancel: CancellationToken,
}

/// What a job came to.
#[derive(Debug, Default)]
pub(super) struct ScanReport {
    /// Roots that are there.
    pub(super) present: Vec<RootId>,
    /// Roots that are not, and why.
    pub(super) missing: Vec<(RootId, Absence)>,
    /// Places that could not be looked at now.
    pub(super) again: Vec<RootPlace>,
    /// Roots of which it is known now on which file system they are.
    pub(super) identified: Vec<RootId>,
    /// Files that are being written to.
    pub(super) unquiet: Vec<(RootPlace, FileStamp)>,
    /// Files that are not shared.
    pub(super) skipped: Vec<(RootPlace, WhyNotShared)>,
    /// Files that somebody waits for and that cannot be shared.
    pub(super) failed: Vec<(RootPlace, HashFault)>,
    pub(super) watch_news: Vec<WatchHealthChange>,
    pub(super) watch_is_partial: bool,
    pub(super) save_error: Option<redb::Error>,
}

/// How far all jobs are together.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) hashed_bytes: AtomicU64,
    pub(super) total_bytes: AtomicU64,
    pub(super) files_left: AtomicU64,
    pub(super) current: Mutex<String>,
    /// And each root by itself.
    pub(super) roots: RootBoard,
}

impl Board {
    /// How far they are, if they do anything that takes time.
    pub(super) fn progress(&self, is_running: bool) -> Option<HashProgress> {
        let total_bytes = self.total_bytes.load(Ordering::Relaxed);
        let files_left = if is_running { self.files_left.load(Ordering::Relaxed) } else { 0 };
        (total_bytes > 0 || files_left > 0).then(|| HashProgress {
            hashed_bytes: self.hashed_bytes.load(Ordering::Relaxed).min(total_bytes),
            total_bytes,
            files_left,
            current: self.current.lock().clone(),
        })
    }

    /// Nothing is being done.
    pub(super) fn reset(&self) {
        for counter in [&self.hashed_bytes, &self.total_bytes, &self.files_left] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}
