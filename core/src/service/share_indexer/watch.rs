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

    /// Watches the folders in which something is shared, and of those of which all is shared what was found in them, and
    /// nothing else any more. Says where that became impossible or possible again.
    pub(super) fn follow(&self, library: &RwLock<Library>) -> Vec<WatchHealthChange> {
        self.take_up_gone();
        self.held.lock().renew(&self.listener);
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
        for base in self.broken_bases() {
            if library.read().base(&base).is_none() {
                let broken = self.held.lock().broken.remove(&base);
                // It may be much, and is done away with while nobody waits.
                drop(broken);
            }
        }
        let (mut news, mut after) = (Vec::new(), None);
        loop {
            let page = library.read().bases_after(after.as_deref(), STEPS_PER_HOLD);
            let Some(last) = page.last() else { return news };
            after = Some(last.0.clone());
            for (path, is_whole) in page {
                if is_covered(&path, &library.read()) {
                    continue;
                }
                match number_of(&path) {
                    Some(number) => {
                        let folder = WatchedFolder { is_recursive: is_whole && IS_RECURSIVE, number };
                        news.extend(self.held.lock().watch(&path, path.clone(), folder));
                    }
                    None => self.held.lock().unwatch(&path),
                }
            }
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
        for base in self.broken_bases() {
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

    fn broken_bases(&self) -> Vec<PathBuf> {
        let mut bases: Vec<PathBuf> = Vec::new();
        loop {
            let page = self.held.lock().broken_after(bases.last().map(PathBuf::as_path));
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
        for place in gone {
            loop {
                let page = self.held.lock().below(&place, None);
                if page.is_empty() {
                    break;
                }
                page.iter().for_each(|path| self.held.lock().unwatch(path));
            }
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
    fn broken_after(&self, base: Option<&Path>) -> Vec<PathBuf> {
        let from = base.map_or(Bound::Unbounded, Bound::Excluded);
        let bases = self.broken.range::<Path, _>((from, Bound::Unbounded)).map(|(base, _)| base);
        bases.take(STEPS_PER_HOLD).cloned().collect()
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::library::root::{Root, RootId};
    use crate::model::share_path::SharePath;

    fn watched(watches: &Watches, top: &Path) -> Vec<String> {
        let held = watches.held.lock();
        let below = held.watched.keys().map(|path| path.strip_prefix(top).expect("below").to_string_lossy());
        below.map(std::borrow::Cow::into_owned).collect()
    }

    /// A library of folders, of which all is shared or one file.
    fn library(bases: &[(PathBuf, bool)]) -> RwLock<Library> {
        let mut library = Library::new(10);
        for (id, (path, is_folder)) in (1..).zip(bases) {
            let local = if *is_folder { path.clone() } else { path.join("file") };
            let share_as = SharePath::new(&id.to_string()).expect("valid");
            let local = local.to_str().expect("text").to_owned();
            library.set_root(Root { id: RootId(id), local, is_folder: *is_folder, share_as, file_system: None });
        }
        RwLock::new(library)
    }

    #[test]
    fn what_the_system_had_not_for_us_is_asked_for_again() {
        let folder = tempfile::tempdir().expect("folder");
        let top = folder.path().canonicalize().expect("resolves");
        let (watches, _touches) = Watches::new();
        watches.held.lock().watcher = Err(WatchFault::Told("Too many open files".to_owned()));
        assert!(watches.follow(&library(&[(top.clone(), true)])).is_empty() && !watches.is_partial());
        assert_eq!(watched(&watches, &top), [""]);
    }

    #[test]
    fn folders_are_watched_as_they_are_found_and_as_they_are_now() {
        let folder = tempfile::tempdir().expect("folder");
        let top = folder.path().canonicalize().expect("resolves");
        for name in ["a/b/c", "d", "e"] {
            std::fs::create_dir_all(top.join(name)).expect("folders");
        }
        let bases = [(top.join("a"), true), (top.join("d"), false), (top.join("gone"), true)];
        let (watches, _touches) = Watches::new();
        assert!(watches.follow(&library(&bases)).is_empty() && !watches.is_partial());
        assert_eq!(watched(&watches, &top), ["a", "d"]);
        for name in ["a", "a/b", "a/b/c"] {
            assert!(watches.see(&top.join("a"), &top.join(name)).is_none());
        }
        assert!(watches.follow(&library(&bases)).is_empty(), "what was found is watched on");
        assert_eq!(watched(&watches, &top), ["a", "a/b", "a/b/c", "d"]);
        let found = ["a/b"].map(|name| top.join(name)).into_iter().collect();
        assert!(watches.forget(&top.join("a/b"), &found).is_empty());
        assert_eq!(watched(&watches, &top), ["a", "a/b", "d"]);

        let before = watches.held.lock().watched.clone();
        std::fs::rename(top.join("a/b"), top.join("a/x")).expect("renames");
        std::fs::create_dir(top.join("a/b")).expect("folder");
        assert!(watches.see(&top.join("a"), &top.join("a/b")).is_none());
        assert_ne!(watches.held.lock().watched, before, "another folder of the same name");
        assert!(watches.follow(&library(&bases[1..])).is_empty());
        assert_eq!(watched(&watches, &top), ["d"]);
    }

    #[test]
    fn what_cannot_be_watched_is_told_once_a_root() {
        let folder = tempfile::tempdir().expect("folder");
        let top = folder.path().canonicalize().expect("resolves");
        std::fs::create_dir_all(top.join("a/b")).expect("folders");
        let (watches, _touches) = Watches::new();
        let bases = [(top.join("a"), true)];
        assert!(watches.follow(&library(&bases)).is_empty());
        let watcher = std::mem::replace(&mut watches.held.lock().watcher, Err(WatchFault::TooMany));
        for name in ["b", "c"] {
            std::fs::create_dir_all(top.join("a").join(name)).expect("folder");
        }
        let news = watches.see(&top.join("a"), &top.join("a/b")).expect("is told");
        let problem = WatchProblem { why: WatchFault::TooMany, is_whole: false };
        assert_eq!((Path::new(&news.folder), news.problem), (&*top.join("a"), Some(problem)));
        assert!(watches.see(&top.join("a"), &top.join("a/c")).is_none(), "told once");
        assert!(watches.is_partial());
        watches.held.lock().watcher = watcher;
        assert!(watches.see(&top.join("a"), &top.join("a/b")).is_none());
        let news = watches.see(&top.join("a"), &top.join("a/c")).expect("is told");
        assert!(news.problem.is_none() && !watches.is_partial());
    }
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
