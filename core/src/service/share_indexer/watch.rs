//! Being told by the system of changes in shared folders. What it says is a hint only: whatever happened is found by
//! looking, and what it does not say is found by looking from time to time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};
use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;

use crate::disk::place::shared::{SharedFolder, stamp_of_folder};
use crate::library::table::Library;
use crate::service::share_indexer::content::STEPS_PER_HOLD;
use crate::service::share_indexer::watch_fault::WatchFault;

/// Most messages of the system that wait for us; beyond it everything is looked at.
const TOUCHED_MAX: usize = 4096;

/// What the system said since it was asked last.
#[derive(Debug)]
pub(super) struct Touches {
    paths: mpsc::Receiver<Vec<PathBuf>>,
    overflowed: Arc<AtomicBool>,
}

/// Some paths changed, or more than could be said.
#[derive(Debug)]
pub(super) enum Touched {
    Paths(Vec<PathBuf>),
    Everything,
}

impl Touches {
    pub(super) async fn next(&mut self) -> Option<Touched> {
        let paths = self.paths.recv().await?;
        if self.overflowed.swap(false, Ordering::AcqRel) {
            return Some(Touched::Everything);
        }
        Some(Touched::Paths(paths))
    }
}

/// Whether a folder is being watched.
#[derive(Debug)]
pub(super) struct WatchHealthChange {
    pub(super) folder: String,
    pub(super) problem: Option<WatchProblem>,
}

/// Why not all of a folder is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WatchProblem {
    pub(super) why: WatchFault,
    /// Nothing of it is: the folder itself cannot be watched.
    pub(super) is_whole: bool,
}

/// Whether a watch of a folder is one of all in it; where it is not, each folder is watched by itself as it is found, so
/// that what is mounted below is not, and what cannot be watched is known.
const IS_RECURSIVE: bool = !cfg!(any(target_os = "linux", target_os = "android"));
/// What the system is asked to tell: what may change a file, and not our own reading, of which it would tell at every file
/// that is sent.
const CHANGES: EventKindMask = EventKindMask::CORE.union(EventKindMask::ACCESS_CLOSE);
/// Folders that went away and were not taken up yet; beyond it all are watched anew.
const GONE_MAX: usize = 4096;

/// The folders that the system watches for us. Its methods may take long in a large tree: call them on a blocking thread.
/// Several may run at once; each holds what is inside for a folder or a page of them, and never while it looks at the disk.
#[derive(Debug)]
pub(super) struct Watches {
    held: Mutex<HeldWatches>,
    listener: Listener,
}

/// Where what the system says goes to.
#[derive(Debug, Clone)]
struct Listener {
    sender: mpsc::Sender<Vec<PathBuf>>,
    overflowed: Arc<AtomicBool>,
    /// Folders that were removed or got another name, so that the system watches them no more.
    gone: Arc<Mutex<Vec<PathBuf>>>,
}

impl Listener {
    fn watcher(&self) -> Result<RecommendedWatcher, WatchFault> {
        let listener = self.clone();
        let tell = move |event| listener.hear(event);
        let config = notify::Config::default().with_follow_symlinks(false).with_event_kinds(CHANGES);
        RecommendedWatcher::new(tell, config).map_err(|error| fault_of(&error))
    }

    fn hear(&self, event: notify::Result<notify::Event>) {
        let paths = match event {
            Ok(event) if event.need_rescan() => None,
            // Our own reading is no news.
            Ok(event) if !is_change(event.kind) => return,
            Ok(event) => {
                if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) {
                    let mut gone = self.gone.lock();
                    let room = (GONE_MAX + 1).saturating_sub(gone.len());
                    gone.extend(event.paths.iter().take(room).cloned());
                }
                Some(event.paths)
            }
            Err(error) => {
                tracing::debug!(%error, "watching failed");
                None
            }
        };
        if paths.is_none() {
            self.overflowed.store(true, Ordering::Release);
        }
        if self.sender.try_send(paths.unwrap_or_default()).is_err() {
            self.overflowed.store(true, Ordering::Release);
        }
    }
}

#[derive(Debug)]
struct HeldWatches {
    watcher: Result<RecommendedWatcher, WatchFault>,
    watched: BTreeMap<PathBuf, WatchedFolder>,
    /// What cannot be watched, by the folder that the person shared.
    broken: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WatchedFolder {
    is_recursive: bool,
    /// Which folder it is: another one under the same name must be watched anew.
    number: (u64, u64),
}

impl Watches {
    pub(super) fn new() -> (Self, Touches) {
        let (sender, paths) = mpsc::channel(TOUCHED_MAX);
        let overflowed = Arc::new(AtomicBool::new(false));
        let listener = Listener { sender, overflowed: Arc::clone(&overflowed), gone: Arc::default() };
        let held = HeldWatches { watcher: listener.watcher(), watched: BTreeMap::new(), broken: BTreeMap::new() };
        (Self { held: Mutex::new(held), listener }, Touches { paths, overflowed })
    }

    /// Watches these of the folders in which something is shared. Says where that became impossible or possible again, and
    /// which were not watched before: what came into those until now was not told.
    pub(super) fn watch<'a>(
        &self,
        bases: impl IntoIterator<Item = &'a Path>,
        library: &RwLock<Library>,
    ) -> (Vec<WatchHealthChange>, Vec<PathBuf>) {
        self.take_up_gone();
        self.held.lock().renew(&self.listener);
        let (mut news, mut new) = (Vec::new(), Vec::new());
        for base in bases {
            let Some(is_whole) = library.read().base(base) else { continue };
            if is_covered(base, &library.read()) {
                continue;
            }
            let Some(number) = number_of(base) else {
                self.held.lock().unwatch(base);
                continue;
            };
            let folder = WatchedFolder { is_recursive: is_whole && IS_RECURSIVE, number };
            if self.held.lock().watched.get(base) != Some(&folder) {
                new.push(base.to_owned());
                if folder.is_recursive {
                    self.unwatch_below(base);
                }
            }
            news.extend(self.held.lock().watch(base, base.to_owned(), folder));
        }
        (news, new)
    }

    /// Watches nothing else any more than the folders in which something is shared, and of those of which all is shared what
    /// was found in them; and says the same. Takes as long as there are folders.
    pub(super) fn watch_only(&self, library: &RwLock<Library>) -> (Vec<WatchHealthChange>, Vec<PathBuf>) {
        let mut after = None;
        loop {
            let page = self.held.lock().after(after.as_deref());
            let Some(last) = page.last() else { break };
            after = Some(last.0.clone());
            for (path, watched) in page {
                if !is_wanted(&path, watched, &library.read()) {
                    self.held.lock().unwatch(&path);
                }
            }
        }
        for base in self.broken_bases(Path::new("")) {
            if library.read().base(&base).is_none() {
                let broken = self.held.lock().broken.remove(&base);
                // It may be much, and is done away with while nobody waits.
                drop(broken);
            }
        }
        let (mut news, mut new, mut after) = (Vec::new(), Vec::new(), None::<PathBuf>);
        loop {
            let page = library.read().bases_after(after.as_deref(), STEPS_PER_HOLD);
            let Some((last, _)) = page.last() else { return (news, new) };
            after = Some(last.clone());
            let (more_news, more_new) = self.watch(page.iter().map(|(path, _)| path.as_path()), library);
            news.extend(more_news);
            new.extend(more_new);
        }
    }

    /// Watches a folder that was found in `base`.
    pub(super) fn see(&self, base: &Path, folder: &Path) -> Option<WatchHealthChange> {
        if IS_RECURSIVE {
            return None;
        }
        self.take_up_gone();
        let number = number_of(folder)?;
        self.held.lock().watch(base, folder.to_owned(), WatchedFolder { is_recursive: false, number })
    }

    /// Forgets what was watched at and below a place and is not among what was found there.
    pub(super) fn forget(&self, place: &Path, found: &BTreeSet<PathBuf>) -> Vec<WatchHealthChange> {
        if IS_RECURSIVE {
            return Vec::new();
        }
        let mut after = None;
        loop {
            let page = self.held.lock().below(place, after.as_deref());
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            page.iter().filter(|path| !found.contains(*path)).for_each(|path| self.held.lock().unwatch(path));
        }
        let mut news = Vec::new();
        // What is found in a folder lies in it, so no other folders have any of it.
        let is_broken = |above: &&Path| self.held.lock().broken.contains_key(*above);
        let above = place.ancestors().skip(1).filter(is_broken).map(Path::to_owned);
        for base in above.chain(self.broken_bases(place)) {
            let mut after = None;
            loop {
                let page = self.held.lock().broken_below(&base, place, after.as_deref());
                let Some(last) = page.last() else { break };
                after = Some(last.clone());
                let mended = page.iter().filter(|path| !found.contains(*path));
                news.extend(mended.filter_map(|path| self.held.lock().mend(&base, path)));
            }
        }
        news
    }

    /// Whether some folder is not watched.
    pub(super) fn is_partial(&self) -> bool {
        !self.held.lock().broken.is_empty()
    }

    /// The folders at and below a place in which something cannot be watched.
    fn broken_bases(&self, place: &Path) -> Vec<PathBuf> {
        let mut bases: Vec<PathBuf> = Vec::new();
        loop {
            let page = self.held.lock().broken_bases_below(place, bases.last().map(PathBuf::as_path));
            if page.is_empty() {
                return bases;
            }
            bases.extend(page);
        }
    }

    /// The system has dropped its watches of what went away; what came to be there since must be watched anew.
    fn take_up_gone(&self) {
        let gone = std::mem::take(&mut *self.listener.gone.lock());
        if gone.len() > GONE_MAX {
            let all = std::mem::take(&mut self.held.lock().watched);
            drop(all);
            return;
        }
        gone.iter().for_each(|place| self.unwatch_below(place));
    }

    /// Watches nothing at and below a place any more.
    fn unwatch_below(&self, place: &Path) {
        loop {
            let page = self.held.lock().below(place, None);
            if page.is_empty() {
                return;
            }
            page.iter().for_each(|path| self.held.lock().unwatch(path));
        }
    }
}

impl HeldWatches {
    /// Other programs may have had all watchers that the system gives out, and some are free again.
    fn renew(&mut self, listener: &Listener) {
        if self.watcher.is_err() {
            self.watcher = listener.watcher();
        }
    }

    /// At most so many watched folders as are looked at in one hold, after one.
    fn after(&self, path: Option<&Path>) -> Vec<(PathBuf, WatchedFolder)> {
        let from = path.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.watched.range::<Path, _>((from, Bound::Unbounded)).take(STEPS_PER_HOLD);
        page.map(|(path, watched)| (path.clone(), *watched)).collect()
    }

    /// The same of those at and below a place.
    fn below(&self, place: &Path, after: Option<&Path>) -> Vec<PathBuf> {
        let from = after.map_or(Bound::Included(place), Bound::Excluded);
        let paths = self.watched.range::<Path, _>((from, Bound::Unbounded)).map(|(path, _)| path);
        paths.take_while(|path| path.starts_with(place)).take(STEPS_PER_HOLD).cloned().collect()
    }

    /// The same of the folders in which something cannot be watched.
    fn broken_bases_below(&self, place: &Path, after: Option<&Path>) -> Vec<PathBuf> {
        let from = after.map_or(Bound::Included(place), Bound::Excluded);
        let bases = self.broken.range::<Path, _>((from, Bound::Unbounded)).map(|(base, _)| base);
        bases.take_while(|base| base.starts_with(place)).take(STEPS_PER_HOLD).cloned().collect()
    }

    /// The same of what cannot be watched in one of these at and below a place.
    fn broken_below(&self, base: &Path, place: &Path, after: Option<&Path>) -> Vec<PathBuf> {
        let Some(broken) = self.broken.get(base) else { return Vec::new() };
        let from = after.map_or(Bound::Included(place), Bound::Excluded);
        let paths = broken.range::<Path, _>((from, Bound::Unbounded));
        paths.take_while(|path| path.starts_with(place)).take(STEPS_PER_HOLD).cloned().collect()
    }

    fn unwatch(&mut self, path: &Path) {
        if self.watched.remove(path).is_some()
            && let Ok(watcher) = &mut self.watcher
        {
            // A folder that is gone is not watched any more anyhow.
            let _gone = watcher.unwatch(path);
        }
    }

    /// Watches a folder; says so if that is the first in its base that cannot be watched, or if all can again.
    fn watch(&mut self, base: &Path, path: PathBuf, folder: WatchedFolder) -> Option<WatchHealthChange> {
        match self.watched.get(&path) {
            Some(watched) if *watched == folder => return None,
            Some(_another_of_that_name) => self.unwatch(&path),
            None => {}
        }
        match self.try_watch(&path, folder.is_recursive) {
            Ok(()) => {
                self.watched.insert(path.clone(), folder);
                self.mend(base, &path)
            }
            Err(problem) => {
                let is_first = !self.broken.contains_key(base);
                let problem = WatchProblem { why: problem, is_whole: path == base };
                self.broken.entry(base.to_owned()).or_default().insert(path);
                is_first.then(|| WatchHealthChange { folder: name_of(base), problem: Some(problem) })
            }
        }
    }

    /// A folder is watched, or need not be any more; says so if all in its base is.
    fn mend(&mut self, base: &Path, path: &Path) -> Option<WatchHealthChange> {
        let broken = self.broken.get_mut(base)?;
        broken.remove(path);
        if !broken.is_empty() {
            return None;
        }
        self.broken.remove(base);
        Some(WatchHealthChange { folder: name_of(base), problem: None })
    }

    fn try_watch(&mut self, path: &Path, is_recursive: bool) -> Result<(), WatchFault> {
        let mode = if is_recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        let watcher = self.watcher.as_mut().map_err(|problem| problem.clone())?;
        watcher.watch(path, mode).map_err(|error| {
            // What was watched of the tree before it failed.
            let _nothing = watcher.unwatch(path);
            fault_of(&error)
        })
    }
}

/// A folder's name in what is told.
fn name_of(folder: &Path) -> String {
    folder.to_string_lossy().into_owned()
}

fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// Whether a folder is watched with all in it as a part of another.
fn is_covered(folder: &Path, library: &Library) -> bool {
    IS_RECURSIVE && folder.ancestors().skip(1).any(|above| library.base(above) == Some(true))
}

/// Whether a folder is one to be watched, and so.
fn is_wanted(folder: &Path, watched: WatchedFolder, library: &Library) -> bool {
    match library.base(folder) {
        Some(is_whole) if !is_covered(folder, library) => watched.is_recursive == (is_whole && IS_RECURSIVE),
        _ => !IS_RECURSIVE && folder.ancestors().skip(1).any(|above| library.base(above) == Some(true)),
    }
}

fn number_of(folder: &Path) -> Option<(u64, u64)> {
    let stamp = stamp_of_folder(&SharedFolder::open(folder).ok()?).ok()?;
    Some((stamp.device, stamp.inode))
}

/// Which folder it is about is told beside it.
fn fault_of(error: &notify::Error) -> WatchFault {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => WatchFault::TooMany,
        notify::ErrorKind::PathNotFound => WatchFault::Gone,
        notify::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::NotFound => WatchFault::Gone,
        notify::ErrorKind::Io(error) => WatchFault::Told(error.to_string()),
        _ => WatchFault::Told(error.to_string()),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
