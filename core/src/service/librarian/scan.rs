//! A job: looks at places in roots, hashes what is new there, and brings the table in step with it. Runs on a blocking
//! thread; what is left to be done it says at its end.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::disk::hash::{HashFault, hash_here};
use crate::disk::place::shared::{OwnFiles, ReadFault, SharedFolder};
use crate::disk::walk::{WhySkipped, walk};
use crate::library::root::{Root, RootId};
use crate::library::table::{Entry, Fresh};
use crate::model::block_list::BlockList;
use crate::model::file_stamp::FileStamp;
use crate::model::share_path::SharePath;
use crate::service::librarian::content::Shared;
use crate::service::librarian::event::WhyNotShared;
use crate::service::librarian::watch::{Health, Watches};
use crate::store::hash_cache::CachedHash;

/// A file that nobody asked for by name is left alone until it was not written to for so long.
pub(super) const QUIET: Duration = Duration::from_secs(1);
/// How often a file that changes while it is hashed is tried when somebody waits for it.
const TRIES_MAX: usize = 5;
/// Up to this size one core hashes a file alone, and many at once.
const SMALL_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Small files that the cores get at a time.
const SMALL_FILES_PER_TURN: usize = 256;
/// Hashed files are remembered and announced in batches: of so many,
const BATCH_FILES_MAX: usize = 1000;
/// or after so long.
const BATCH_TIME_MAX: Duration = Duration::from_secs(1);

/// Somewhere in a root.
pub(super) type Place = (RootId, String);

/// What a job is to do, and with what.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) places: Vec<Place>,
    /// Roots to be remembered before anything of them is announced.
    pub(super) save: Vec<RootId>,
    /// Somebody named these places and waits: what is being written is hashed all the same.
    pub(super) is_asked: bool,
    /// What files that were not quiet were when they were seen last.
    pub(super) seen_before: HashMap<Place, FileStamp>,
    pub(super) shared: Arc<Shared>,
    pub(super) watches: Arc<Mutex<Watches>>,
    pub(super) board: Arc<Board>,
    pub(super) data_dir: PathBuf,
    /// Released when everything is shared that needs no hashing.
    pub(super) known: Option<oneshot::Sender<()>>,
    pub(super) cancel: CancellationToken,
}

/// What a job came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Roots that are there.
    pub(super) present: Vec<RootId>,
    /// Roots that are not.
    pub(super) missing: Vec<RootId>,
    /// Files that are being written to.
    pub(super) unquiet: Vec<(Place, FileStamp)>,
    /// Files that are not shared.
    pub(super) skipped: Vec<(Place, WhyNotShared)>,
    /// Files that somebody waits for and that cannot be shared.
    pub(super) failed: Vec<(Place, HashFault)>,
    pub(super) watch_news: Vec<Health>,
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
}

impl Board {
    /// Nothing is being done.
    pub(super) fn reset(&self) {
        for counter in [&self.hashed_bytes, &self.total_bytes, &self.files_left] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

impl Job {
    /// Does all of it.
    pub(super) fn run(mut self) -> Outcome {
        let mut outcome = Outcome::default();
        self.work(&mut outcome);
        outcome
    }

    fn work(&mut self, outcome: &mut Outcome) {
        let shared = Arc::clone(&self.shared);
        if !self.save.is_empty()
            && let Err(error) = shared.save_roots(&self.save)
        {
            outcome.save_error = Some(error);
            return;
        }
        // Watch first and look then, so that no change falls between.
        let roots: Vec<Root> = shared.library.read().roots().cloned().collect();
        {
            let mut watches = self.watches.lock();
            outcome.watch_news = watches.follow(&roots);
            outcome.watch_is_partial = watches.is_partial();
        }
        let own = match OwnFiles::of(&self.data_dir) {
            Ok(own) => own,
            Err(error) => {
                // Without knowing what is ours nothing more can be shared.
                tracing::error!(%error, "the data folder cannot be read; shared folders are not looked at");
                return;
            }
        };
        let mut folders = HashMap::new();
        let mut fresh = Vec::new();
        for (id, start) in std::mem::take(&mut self.places) {
            if self.cancel.is_cancelled() {
                return;
            }
            let Some(root) = shared.library.read().root(id).cloned() else { continue };
            match self.look(&root, &start, &own, &mut fresh, outcome) {
                Ok(folder) => {
                    outcome.present.push(id);
                    folders.insert(id, (root, folder));
                }
                Err(fault) => {
                    tracing::debug!(root = root.id.0, %fault, "a root is not there");
                    shared.change(|library, changes| library.withdraw_all(id, changes));
                    outcome.missing.push(id);
                }
            }
        }
        self.leave_out_what_is_too_much(&mut fresh, outcome);
        let unknown = self.share_known(fresh);
        if let Some(known) = self.known.take() {
            let _nobody_waits = known.send(());
        }
        Hashing { job: self, own: &own, folders: &folders, outcome, batch: Batch::new() }.hash(unknown);
    }

    /// Walks one place, withdraws what is gone, and collects what may have to be hashed.
    fn look(
        &self,
        root: &Root,
        start: &str,
        own: &OwnFiles,
        fresh: &mut Vec<(RootId, Fresh)>,
        outcome: &mut Outcome,
    ) -> Result<SharedFolder, ReadFault> {
        // A file's folder is never looked at as a whole, whoever asks.
        let start = if root.is_folder { start } else { root.start() };
        let folder = SharedFolder::open(root.base())?;
        let mut found = Vec::new();
        walk(&folder, start, own, |seen| match seen {
            Ok(file) => found.push((file.relative, file.stamp)),
            Err(skip) => outcome.skipped.push(((root.id, skip.relative), skip.why.into())),
        })?;
        if !root.is_folder && found.is_empty() {
            return Err(ReadFault::Gone);
        }
        let difference = self.shared.library.read().differ(root.id, start, found);
        let unnameable = difference.unnameable.into_iter().map(|(relative, why)| ((root.id, relative), why.into()));
        outcome.skipped.extend(unnameable);
        let colliding = difference.collisions.into_iter().map(|why| ((root.id, why.second.clone()), why.into()));
        outcome.skipped.extend(colliding);
        self.share(difference.gone.into_iter().map(|path| (root.id, path)).collect(), Vec::new());
        fresh.extend(difference.fresh.into_iter().map(|file| (root.id, file)));
        Ok(folder)
    }

    fn leave_out_what_is_too_much(&self, fresh: &mut Vec<(RootId, Fresh)>, outcome: &mut Outcome) {
        let library = self.shared.library.read();
        let mut room = library.room();
        fresh.retain(|(root, file)| {
            if library.entry(&file.path).is_some() {
                return true;
            }
            if room == 0 {
                outcome.skipped.push(((*root, file.relative.clone()), WhyNotShared::TooMany));
                return false;
            }
            room -= 1;
            true
        });
    }

    /// Shares the files whose hash is remembered, and returns the others, with what was remembered of them.
    fn share_known(&self, fresh: Vec<(RootId, Fresh)>) -> Vec<Unknown> {
        let mut unknown = Vec::new();
        let mut fresh = fresh.into_iter();
        loop {
            let chunk: Vec<(RootId, Fresh)> = fresh.by_ref().take(BATCH_FILES_MAX).collect();
            if chunk.is_empty() {
                return unknown;
            }
            let stamps: Vec<FileStamp> = chunk.iter().map(|(_, file)| file.stamp).collect();
            let cached = self.shared.store.cached_hashes(&stamps).unwrap_or_else(|error| {
                tracing::warn!(%error, "the remembered hashes cannot be read; files are hashed again");
                vec![None; stamps.len()]
            });
            let mut known = Vec::new();
            for ((root, file), cached) in chunk.into_iter().zip(cached) {
                let unsettled = cached.filter(|cached| cached.stamp == file.stamp);
                let Some(CachedHash { hash, stamp, is_settled, .. }) = unsettled else {
                    unknown.push(Unknown { root, file, unsettled });
                    continue;
                };
                // Very likely right even if the stamp is too young to prove it: announced at once and read again to be
                // sure. Whatever is sent meanwhile is compared with the hash anyhow.
                let entry = Entry { root, relative: file.relative.clone(), hash, stamp, is_settled };
                known.push((file.path.clone(), entry));
                if !is_settled {
                    unknown.push(Unknown { root, file, unsettled });
                }
            }
            self.share(Vec::new(), known);
        }
    }

    fn share(&self, gone: Vec<(RootId, SharePath)>, hashed: Vec<(SharePath, Entry)>) {
        if gone.is_empty() && hashed.is_empty() {
            return;
        }
        self.shared.change(|library, changes| {
            for (root, path) in gone {
                library.withdraw(root, &[path], changes);
            }
            for (path, entry) in hashed {
                // If there are too many shares by now, the next look says so.
                library.announce(path, entry, changes);
            }
        });
    }
}

/// A file that must be read.
#[derive(Debug)]
struct Unknown {
    root: RootId,
    file: Fresh,
    /// The stamp is the same as when it was hashed before, but was too young then to be trusted.
    unsettled: Option<CachedHash>,
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
struct Hashing<'a> {
    job: &'a Job,
    own: &'a OwnFiles,
    folders: &'a HashMap<RootId, (Root, SharedFolder)>,
    outcome: &'a mut Outcome,
    batch: Batch,
}

/// What was hashed and not yet reported.
struct Batch {
    rows: Vec<(CachedHash, BlockList)>,
    hashed: Vec<(SharePath, Entry)>,
    gone: Vec<(RootId, SharePath)>,
    began: Instant,
}

impl Batch {
    fn new() -> Self {
        Self { rows: Vec::new(), hashed: Vec::new(), gone: Vec::new(), began: Instant::now() }
    }

    fn is_full(&self) -> bool {
        self.hashed.len() + self.gone.len() >= BATCH_FILES_MAX || self.began.elapsed() >= BATCH_TIME_MAX
    }
}

impl Hashing<'_> {
    fn hash(mut self, unknown: Vec<Unknown>) {
        let board = Arc::clone(&self.job.board);
        board.total_bytes.fetch_add(unknown.iter().map(|one| one.file.stamp.size).sum(), Ordering::Relaxed);
        board.files_left.fetch_add(u64::try_from(unknown.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
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
        let Some((root, folder)) = self.folders.get(&one.root) else { return Err(NotHashed::Unwanted) };
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
            let (file, stamp) = folder.open_file(Path::new(&one.file.relative)).map_err(fault)?;
            if self.own.contains(&stamp) {
                return Err(fault(ReadFault::Own));
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
                Err(HashFault::Changed) if tries < TRIES_MAX => {}
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

    fn is_quiet(&self, place: &Place, stamp: &FileStamp) -> bool {
        stamp.is_quiet_at(now_ns(), QUIET) || self.job.seen_before.get(place) == Some(stamp)
    }

    fn is_wanted(&self, place: &Place, version: &AtomicU64) -> bool {
        if self.job.cancel.is_cancelled() {
            return false;
        }
        let now = self.job.shared.version();
        if version.swap(now, Ordering::Relaxed) == now {
            return true;
        }
        let library = self.job.shared.library.read();
        library.root(place.0).is_some_and(|root| root.holds(&place.1))
    }

    fn take(&mut self, one: Unknown, result: Hashed) {
        let Unknown { root, file, .. } = one;
        self.job.board.files_left.fetch_sub(1, Ordering::Relaxed);
        match result {
            Ok((cached, list)) => {
                let CachedHash { hash, stamp, is_settled, .. } = cached;
                self.batch.hashed.push((file.path, Entry { root, relative: file.relative, hash, stamp, is_settled }));
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

/// Why a file in a folder is not shared; `None` if that is no news.
pub(super) fn why_skipped(fault: &HashFault) -> Option<WhySkipped> {
    match fault {
        HashFault::Changed | HashFault::Stopped | HashFault::Read(ReadFault::Gone) => None,
        HashFault::Read(ReadFault::Denied) => Some(WhySkipped::Denied),
        HashFault::Read(ReadFault::NotRegular) => Some(WhySkipped::Special),
        HashFault::Read(ReadFault::Own) => Some(WhySkipped::Own),
        HashFault::Read(ReadFault::Io(_)) => Some(WhySkipped::Unreadable),
    }
}

fn now_ns() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or(i128::MAX)
}
