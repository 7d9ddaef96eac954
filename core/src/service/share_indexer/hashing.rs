//! The part of a job that reads: hashes the files whose content is not known, and shares them in batches.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::disk::hash::{HashFault, hash_here, now_ns};
use crate::disk::place::shared::{OwnFiles, ReadFault, SharedFolder, is_of_no_size};
use crate::library::comparison::Fresh;
use crate::library::root::{Root, RootId};
use crate::library::table::ShareEntry;
use crate::model::block_list::BlockList;
use crate::model::file_stamp::FileStamp;
use crate::model::share_path::SharePath;
use crate::net::descriptors;
use crate::service::share_indexer::scan_job::{RootPlace, ScanJob, ScanReport};
use crate::store::hash_cache::CachedHash;

/// A file that nobody asked for by name is left alone until it was not written to for so long.
pub(super) const QUIET: Duration = Duration::from_secs(1);
/// How often a file that changes while it is hashed is tried when somebody waits for it.
const HASH_TRIES_MAX: usize = 5;
/// Up to this size one core hashes a file alone, and many at once.
const SMALL_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Small files that the cores get at a time.
const SMALL_FILES_PER_TURN: usize = 256;
/// Hashed files are remembered and announced in batches: of so many,
const ANNOUNCED_BATCH_FILES_MAX: usize = 1000;
/// or after so long.
const BATCH_TIME_MAX: Duration = Duration::from_secs(1);

/// A file that must be read.
#[derive(Debug)]
pub(super) struct Unknown {
    pub(super) root: RootId,
    pub(super) file: Fresh,
    /// The stamp is the same as when it was hashed before, but was too young then to be trusted.
    pub(super) unsettled: Option<CachedHash>,
}

/// Why a file is not hashed.
enum NotHashed {
    Unquiet(FileStamp),
    /// Nobody wants it any more, or the program ends.
    Unwanted,
    Fault(HashFault),
}

type Hashed = Result<(CachedHash, BlockList), NotHashed>;

/// The part of a job that reads.
pub(super) struct HashStage<'a> {
    job: &'a ScanJob,
    own: &'a OwnFiles,
    roots: &'a HashMap<RootId, Arc<Root>>,
    outcome: &'a mut ScanReport,
    batch: Batch,
}

/// What was hashed and not yet reported.
struct Batch {
    rows: Vec<(CachedHash, BlockList)>,
    hashed: Vec<(SharePath, ShareEntry)>,
    gone: Vec<(RootId, SharePath)>,
    began: Instant,
}

impl Batch {
    fn new() -> Self {
        Self { rows: Vec::new(), hashed: Vec::new(), gone: Vec::new(), began: Instant::now() }
    }

    fn is_full(&self) -> bool {
        self.hashed.len() + self.gone.len() >= ANNOUNCED_BATCH_FILES_MAX || self.began.elapsed() >= BATCH_TIME_MAX
    }
}

impl<'a> HashStage<'a> {
    pub(super) fn new(
        job: &'a ScanJob,
        own: &'a OwnFiles,
        roots: &'a HashMap<RootId, Arc<Root>>,
        outcome: &'a mut ScanReport,
    ) -> Self {
        Self { job, own, roots, outcome, batch: Batch::new() }
    }

    /// Hashes all of them: the small ones first, many at once, and then the large ones one after the other.
    pub(super) fn hash(mut self, unknown: Vec<Unknown>) {
        let board = Arc::clone(&self.job.board);
        board.total_bytes.fetch_add(unknown.iter().map(|one| one.file.stamp.size).sum(), Ordering::Relaxed);
        board.files_left.fetch_add(u64::try_from(unknown.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        unknown.iter().for_each(|one| board.roots.to_hash(one.root, 1, one.file.stamp.size));
        let (small, large): (Vec<_>, Vec<_>) =
            unknown.into_iter().partition(|one| one.file.stamp.size <= SMALL_BYTES_MAX);
        let mut small = small.into_iter();
        loop {
            let turn: Vec<Unknown> = small.by_ref().take(SMALL_FILES_PER_TURN).collect();
            if turn.is_empty() || self.job.cancel.is_cancelled() {
                break;
            }
            let results = self.job.shared.hasher.map(&turn, |one| self.hash_one(one, true));
            turn.into_iter().zip(results).for_each(|(one, result)| self.take(one, result));
        }
        for one in large {
            if self.job.cancel.is_cancelled() {
                break;
            }
            let result = self.hash_one(&one, false);
            self.take(one, result);
        }
        self.flush();
    }

    fn hash_one(&self, one: &Unknown, on_this_thread: bool) -> Hashed {
        let Some(root) = self.roots.get(&one.root) else { return Err(NotHashed::Unwanted) };
        let place = (one.root, one.file.relative.clone());
        if !self.job.is_asked && one.unsettled.is_none() && !self.is_quiet(&place, &one.file.stamp) {
            return Err(NotHashed::Unquiet(one.file.stamp));
        }
        *self.job.board.current.lock() = root.local_path(&one.file.relative);
        let version = AtomicU64::new(self.job.shared.version());
        let watch = |bytes| {
            self.job.board.hashed_bytes.fetch_add(bytes, Ordering::Relaxed);
            if self.is_wanted(&place, &version) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let mut tries = 0;
        loop {
            tries += 1;
            // Opened anew for each file: of ten thousand files that are shared one by one each would keep a descriptor.
            let opened = SharedFolder::open(root.base())
                .and_then(|folder| folder.open_shared(root.base(), Path::new(&one.file.relative)));
            let (file, stamp) = match opened {
                Err(ReadFault::Io(error)) if descriptors::are_used_up(&error) => {
                    return Err(NotHashed::Unquiet(one.file.stamp));
                }
                other => other.map_err(fault)?,
            };
            if self.own.contains(&stamp) {
                return Err(fault(ReadFault::Own));
            }
            if is_of_no_size(&file, &stamp) {
                return Err(fault(ReadFault::NoSize));
            }
            if stamp != one.file.stamp && !self.job.is_asked {
                return Err(NotHashed::Unquiet(stamp));
            }
            let hashed_at_ns = now_ns();
            self.job.shared.files_hashed.fetch_add(1, Ordering::Relaxed);
            let hashed = if on_this_thread {
                hash_here(&file, &stamp, &watch)
            } else {
                self.job.shared.hasher.hash(&file, &stamp, &watch)
            };
            match hashed {
                Ok(list) => return Ok((self.judge(one, stamp, &list, hashed_at_ns), list)),
                Err(HashFault::Stopped) => return Err(NotHashed::Unwanted),
                Err(HashFault::Changed) if !self.job.is_asked => return Err(NotHashed::Unquiet(stamp)),
                Err(HashFault::Changed) if tries < HASH_TRIES_MAX => {}
                Err(why) => return Err(NotHashed::Fault(why)),
            }
        }
    }

    /// A stamp is trusted from then on if it was old enough, or if it stood unchanged over two readings that are far
    /// enough apart: that settles files with a date in the future, too.
    fn judge(&self, one: &Unknown, stamp: FileStamp, list: &BlockList, hashed_at_ns: i128) -> CachedHash {
        let hash = list.root();
        let tick_ns = i128::try_from(FileStamp::COARSE_TICK.as_nanos()).unwrap_or(i128::MAX);
        let stood = one.unsettled.is_some_and(|before| {
            before.stamp == stamp && before.hash == hash && hashed_at_ns - before.hashed_at_ns >= tick_ns
        });
        CachedHash { stamp, hash, hashed_at_ns, is_settled: stood || stamp.is_settled_at(hashed_at_ns) }
    }

    fn is_quiet(&self, place: &RootPlace, stamp: &FileStamp) -> bool {
        stamp.is_quiet_at(now_ns(), QUIET) || self.job.seen_before.get(place) == Some(stamp)
    }

    fn is_wanted(&self, place: &RootPlace, version: &AtomicU64) -> bool {
        if self.job.cancel.is_cancelled() {
            return false;
        }
        let now = self.job.shared.version();
        if version.swap(now, Ordering::Relaxed) == now {
            return true;
        }
        self.job.shared.library.read().holds(place.0, &place.1)
    }

    fn take(&mut self, one: Unknown, result: Hashed) {
        let Unknown { root, file, .. } = one;
        self.job.board.files_left.fetch_sub(1, Ordering::Relaxed);
        self.job.board.roots.hashed(root, file.stamp.size);
        match result {
            Ok((cached, list)) => {
                let CachedHash { hash, stamp, is_settled, .. } = cached;
                self.batch
                    .hashed
                    .push((file.path, ShareEntry { root, relative: file.relative, hash, stamp, is_settled }));
                self.batch.rows.push((cached, list));
            }
            Err(NotHashed::Unwanted) => {}
            Err(NotHashed::Unquiet(stamp)) => self.outcome.unquiet.push(((root, file.relative), stamp)),
            Err(NotHashed::Fault(why)) => {
                self.batch.gone.push((root, file.path));
                if matches!(why, HashFault::Changed) {
                    self.outcome.unquiet.push(((root, file.relative.clone()), file.stamp));
                }
                self.outcome.failed.push(((root, file.relative), why));
            }
        }
        if self.batch.is_full() {
            self.flush();
        }
    }

    /// Remembers first: a large share that is announced must not have to be read again for its block hashes.
    fn flush(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Batch::new());
        if !batch.rows.is_empty()
            && let Err(error) = self.job.shared.store.remember_hashes(&batch.rows)
        {
            tracing::warn!(%error, "hashes cannot be remembered; the files will be hashed again at the next start");
        }
        self.job.share(batch.gone, batch.hashed);
    }
}

fn fault(why: ReadFault) -> NotHashed {
    NotHashed::Fault(why.into())
}
