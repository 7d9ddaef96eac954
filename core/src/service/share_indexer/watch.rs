//! Being told by the system of changes in shared folders. What it says is a hint only: whatever happened is found by
//! looking, and what it does not say is found by looking from time to time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::disk::place::shared::{SharedFolder, stamp_of_folder};

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
    /// What the system said.
    pub(super) why: String,
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
#[derive(Debug)]
pub(super) struct Watches {
    watcher: Result<RecommendedWatcher, String>,
    watched: BTreeMap<PathBuf, WatchedFolder>,
    /// What cannot be watched, by the folder that the person shared.
    broken: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// Folders that were removed or got another name, so that the system watches them no more.
    gone: Arc<Mutex<Vec<PathBuf>>>,
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
        let overflows = Arc::clone(&overflowed);
        let gone = Arc::new(Mutex::new(Vec::new()));
        let goes = Arc::clone(&gone);
        let tell = move |event: notify::Result<notify::Event>| {
            let paths = match event {
                Ok(event) if event.need_rescan() => None,
                // Our own reading is no news.
                Ok(event) if !is_change(event.kind) => return,
                Ok(event) => {
                    if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))) {
                        let mut goes = goes.lock();
                        let room = (GONE_MAX + 1).saturating_sub(goes.len());
                        goes.extend(event.paths.iter().take(room).cloned());
                    }
                    Some(event.paths)
                }
                Err(error) => {
                    tracing::debug!(%error, "watching failed");
                    None
                }
            };
            if paths.is_none() {
                overflows.store(true, Ordering::Release);
            }
            if sender.try_send(paths.unwrap_or_default()).is_err() {
                overflows.store(true, Ordering::Release);
            }
        };
        let config = notify::Config::default().with_follow_symlinks(false).with_event_kinds(CHANGES);
        let watcher = RecommendedWatcher::new(tell, config).map_err(|error| error.to_string());
        (Self { watcher, watched: BTreeMap::new(), broken: BTreeMap::new(), gone }, Touches { paths, overflowed })
    }

    /// Watches these folders, and of those of which all is shared what was found in them, and nothing else any more.
    /// Says where that became impossible or possible again.
    pub(super) fn follow(&mut self, bases: &[(PathBuf, bool)]) -> Vec<WatchHealthChange> {
        self.take_up_gone();
        let wanted = wanted(bases);
        let whole: BTreeSet<&Path> = bases.iter().filter(|base| base.1).map(|base| base.0.as_path()).collect();
        let is_wanted = |path: &PathBuf, watched: &WatchedFolder| match wanted.get(path) {
            Some(wanted) => wanted == watched,
            None => !IS_RECURSIVE && path.ancestors().skip(1).any(|above| whole.contains(above)),
        };
        let outdated = self.watched.iter().filter(|(path, watched)| !is_wanted(path, watched));
        let outdated: Vec<PathBuf> = outdated.map(|(path, _)| path.clone()).collect();
        outdated.iter().for_each(|path| self.unwatch(path));
        let bases: BTreeSet<&Path> = bases.iter().map(|base| base.0.as_path()).collect();
        self.broken.retain(|base, _| bases.contains(base.as_path()));
        wanted.into_iter().filter_map(|(path, folder)| self.watch(&path.clone(), path, folder)).collect()
    }

    /// Watches a folder that was found in `base`.
    pub(super) fn see(&mut self, base: &Path, folder: &Path) -> Option<WatchHealthChange> {
        if IS_RECURSIVE {
            return None;
        }
        self.take_up_gone();
        let number = number_of(folder)?;
        if self.watched.get(folder).is_some_and(|watched| watched.number != number) {
            self.unwatch(folder);
        }
        self.watch(base, folder.to_owned(), WatchedFolder { is_recursive: false, number })
    }

    /// Forgets what was watched at and below a place and is not among what was found there.
    pub(super) fn forget(&mut self, place: &Path, found: &BTreeSet<PathBuf>) -> Vec<WatchHealthChange> {
        if IS_RECURSIVE {
            return Vec::new();
        }
        let lost = self.below(place).filter(|path| !found.contains(*path)).cloned().collect::<Vec<_>>();
        lost.iter().for_each(|path| self.unwatch(path));
        let mut news = Vec::new();
        self.broken.retain(|base, broken| {
            broken.retain(|path| !path.starts_with(place) || found.contains(path));
            if broken.is_empty() {
                news.push(WatchHealthChange { folder: base.to_string_lossy().into_owned(), problem: None });
            }
            !broken.is_empty()
        });
        news
    }

    /// Whether some folder is not watched.
    pub(super) fn is_partial(&self) -> bool {
        !self.broken.is_empty()
    }

    fn below<'a>(&'a self, place: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
        let from = self.watched.range::<Path, _>((Bound::Included(place), Bound::Unbounded));
        from.map(|(path, _)| path).take_while(move |path| path.starts_with(place))
    }

    /// The system has dropped its watches of what went away; what came to be there since must be watched anew.
    fn take_up_gone(&mut self) {
        let gone = std::mem::take(&mut *self.gone.lock());
        if gone.len() > GONE_MAX {
            self.watched.clear();
        }
        for place in gone {
            let lost = self.below(&place).cloned().collect::<Vec<_>>();
            lost.iter().for_each(|path| self.unwatch(path));
        }
    }

    fn unwatch(&mut self, path: &Path) {
        self.watched.remove(path);
        if let Ok(watcher) = &mut self.watcher {
            // A folder that is gone is not watched any more anyhow.
            let _gone = watcher.unwatch(path);
        }
    }

    /// Watches a folder; says so if that is the first in its base that cannot be watched, or if all can again.
    fn watch(&mut self, base: &Path, path: PathBuf, folder: WatchedFolder) -> Option<WatchHealthChange> {
        if self.watched.contains_key(&path) {
            return None;
        }
        let name = || base.to_string_lossy().into_owned();
        match self.try_watch(&path, folder.is_recursive) {
            Ok(()) => {
                self.watched.insert(path.clone(), folder);
                let broken = self.broken.get_mut(base)?;
                broken.remove(&path);
                let is_whole = broken.is_empty();
                if is_whole {
                    self.broken.remove(base);
                }
                is_whole.then(|| WatchHealthChange { folder: name(), problem: None })
            }
            Err(problem) => {
                let is_first = !self.broken.contains_key(base);
                let problem = WatchProblem { why: problem, is_whole: path == base };
                self.broken.entry(base.to_owned()).or_default().insert(path);
                is_first.then(|| WatchHealthChange { folder: name(), problem: Some(problem) })
            }
        }
    }

    fn try_watch(&mut self, path: &Path, is_recursive: bool) -> Result<(), String> {
        let mode = if is_recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        let watcher = self.watcher.as_mut().map_err(|problem| problem.clone())?;
        watcher.watch(path, mode).map_err(|error| {
            // What was watched of the tree before it failed.
            let _nothing = watcher.unwatch(path);
            match error.kind {
                notify::ErrorKind::MaxFilesWatch => {
                    "the system watches no more folders (on Linux, raise fs.inotify.max_user_watches)".to_owned()
                }
                _ => error.to_string(),
            }
        })
    }
}

fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

/// The folders to watch: those that are there, and none that lies in another that is watched with all in it.
fn wanted(bases: &[(PathBuf, bool)]) -> BTreeMap<PathBuf, WatchedFolder> {
    let folders: BTreeMap<&Path, bool> = bases.iter().map(|(path, is_whole)| (path.as_path(), *is_whole)).collect();
    let is_covered =
        |path: &Path| IS_RECURSIVE && path.ancestors().skip(1).any(|above| folders.get(above) == Some(&true));
    let there = |(path, is_whole): (&&Path, &bool)| {
        let folder = WatchedFolder { is_recursive: *is_whole && IS_RECURSIVE, number: number_of(path)? };
        Some((path.to_path_buf(), folder))
    };
    folders.iter().filter(|(path, _)| !is_covered(path)).filter_map(there).collect()
}

fn number_of(folder: &Path) -> Option<(u64, u64)> {
    let stamp = stamp_of_folder(&SharedFolder::open(folder).ok()?).ok()?;
    Some((stamp.device, stamp.inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(watches: &Watches, top: &Path) -> Vec<String> {
        let below = watches.watched.keys().map(|path| path.strip_prefix(top).expect("below").to_string_lossy());
        below.map(std::borrow::Cow::into_owned).collect()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn folders_are_watched_as_they_are_found_and_as_they_are_now() {
        let folder = tempfile::tempdir().expect("folder");
        let top = folder.path().canonicalize().expect("resolves");
        for name in ["a/b/c", "d", "e"] {
            std::fs::create_dir_all(top.join(name)).expect("folders");
        }
        let bases = [(top.join("a"), true), (top.join("d"), false), (top.join("gone"), true)];
        let (mut watches, _touches) = Watches::new();
        assert!(watches.follow(&bases).is_empty() && !watches.is_partial());
        assert_eq!(watched(&watches, &top), ["a", "d"]);
        for name in ["a", "a/b", "a/b/c"] {
            assert!(watches.see(&top.join("a"), &top.join(name)).is_none());
        }
        assert!(watches.follow(&bases).is_empty(), "what was found is watched on");
        assert_eq!(watched(&watches, &top), ["a", "a/b", "a/b/c", "d"]);
        let found = ["a/b"].map(|name| top.join(name)).into_iter().collect();
        assert!(watches.forget(&top.join("a/b"), &found).is_empty());
        assert_eq!(watched(&watches, &top), ["a", "a/b", "d"]);

        let before = watches.watched.clone();
        std::fs::rename(top.join("a/b"), top.join("a/x")).expect("renames");
        std::fs::create_dir(top.join("a/b")).expect("folder");
        assert!(watches.see(&top.join("a"), &top.join("a/b")).is_none());
        assert_ne!(watches.watched, before, "another folder of the same name");
        assert!(watches.follow(&bases[1..]).is_empty());
        assert_eq!(watched(&watches, &top), ["d"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_cannot_be_watched_is_told_once_a_root() {
        let folder = tempfile::tempdir().expect("folder");
        let top = folder.path().canonicalize().expect("resolves");
        std::fs::create_dir_all(top.join("a/b")).expect("folders");
        let (mut watches, _touches) = Watches::new();
        let bases = [(top.join("a"), true)];
        assert!(watches.follow(&bases).is_empty());
        let watcher = std::mem::replace(&mut watches.watcher, Err("out of order".to_owned()));
        for name in ["b", "c"] {
            std::fs::create_dir_all(top.join("a").join(name)).expect("folder");
        }
        let news = watches.see(&top.join("a"), &top.join("a/b")).expect("is told");
        let problem = WatchProblem { why: "out of order".to_owned(), is_whole: false };
        assert_eq!((Path::new(&news.folder), news.problem), (&*top.join("a"), Some(problem)));
        assert!(watches.see(&top.join("a"), &top.join("a/c")).is_none(), "told once");
        assert!(watches.is_partial());
        watches.watcher = watcher;
        assert!(watches.see(&top.join("a"), &top.join("a/b")).is_none());
        let news = watches.see(&top.join("a"), &top.join("a/c")).expect("is told");
        assert!(news.problem.is_none() && !watches.is_partial());
    }
}
