//! Being told by the system of changes in shared folders. What it says is a hint only: whatever happened is found by
//! looking, and what it does not say is found by looking from time to time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
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
    pub(super) problem: Option<String>,
}

/// The folders that the system watches for us. Its methods may take long in a large tree: call them on a blocking thread.
#[derive(Debug)]
pub(super) struct Watches {
    watcher: Result<RecommendedWatcher, String>,
    active: BTreeMap<PathBuf, WatchedFolder>,
    broken: BTreeMap<PathBuf, String>,
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
        let tell = move |event: notify::Result<notify::Event>| {
            let paths = match event {
                Ok(event) if event.need_rescan() => None,
                // Our own reading is no news.
                Ok(event) if !is_change(event.kind) => return,
                Ok(event) => Some(event.paths),
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
        let config = notify::Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(tell, config).map_err(|error| error.to_string());
        (Self { watcher, active: BTreeMap::new(), broken: BTreeMap::new() }, Touches { paths, overflowed })
    }

    /// Watches exactly these folders, some of them with all in them, and says where that became impossible or possible again.
    pub(super) fn follow(&mut self, bases: &[(PathBuf, bool)]) -> Vec<WatchHealthChange> {
        let wanted = wanted(bases);
        let outdated: Vec<PathBuf> =
            self.active.keys().filter(|path| self.active.get(*path) != wanted.get(*path)).cloned().collect();
        for path in outdated {
            self.active.remove(&path);
            if let Ok(watcher) = &mut self.watcher {
                // A folder that is gone is not watched any more anyhow.
                let _gone = watcher.unwatch(&path);
            }
        }
        self.broken.retain(|path, _| wanted.contains_key(path));
        let mut news = Vec::new();
        for (path, active) in wanted {
            if self.active.contains_key(&path) {
                continue;
            }
            let folder = path.to_string_lossy().into_owned();
            match self.watch(&path, active.is_recursive) {
                Ok(()) => {
                    if self.broken.remove(&path).is_some() {
                        news.push(WatchHealthChange { folder, problem: None });
                    }
                    self.active.insert(path, active);
                }
                Err(problem) => {
                    if self.broken.insert(path, problem.clone()).is_none() {
                        news.push(WatchHealthChange { folder, problem: Some(problem) });
                    }
                }
            }
        }
        news
    }

    /// Whether some folder is not watched.
    pub(super) fn is_partial(&self) -> bool {
        !self.broken.is_empty()
    }

    fn watch(&mut self, path: &Path, is_recursive: bool) -> Result<(), String> {
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
    let is_covered = |path: &Path| path.ancestors().skip(1).any(|above| folders.get(above) == Some(&true));
    let there = |(path, is_recursive): (&&Path, &bool)| {
        let number = stamp_of_folder(&SharedFolder::open(path).ok()?).ok()?;
        Some((path.to_path_buf(), WatchedFolder { is_recursive: *is_recursive, number: (number.device, number.inode) }))
    };
    folders.iter().filter(|(path, _)| !is_covered(path)).filter_map(there).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_watched_once_and_as_they_are_now() {
        let folder = tempfile::tempdir().expect("folder");
        let top = folder.path().canonicalize().expect("resolves");
        for name in ["a/b", "c"] {
            std::fs::create_dir_all(top.join(name)).expect("folders");
        }
        let bases = [(top.join("a"), true), (top.join("a/b"), true), (top.join("c"), false), (top.join("gone"), true)];
        let paths = |bases: &[(PathBuf, bool)]| -> Vec<(PathBuf, bool)> {
            wanted(bases).into_iter().map(|(path, active)| (path, active.is_recursive)).collect()
        };
        assert_eq!(paths(&bases), [(top.join("a"), true), (top.join("c"), false)]);
        assert_eq!(paths(&bases[1..]), [(top.join("a/b"), true), (top.join("c"), false)]);
        assert_eq!(paths(&bases[2..3]), [(top.join("c"), false)]);
        let before = wanted(&bases[2..3]);
        std::fs::rename(top.join("c"), top.join("d")).expect("renames");
        std::fs::create_dir(top.join("c")).expect("folder");
        assert_ne!(wanted(&bases[2..3]), before, "another folder of the same name");

        let (mut watches, _touches) = Watches::new();
        assert!(watches.follow(&bases).is_empty() && !watches.is_partial());
        assert_eq!(watches.active.len(), 2);
        assert!(watches.follow(&bases[2..]).is_empty());
        assert_eq!(watches.active.len(), 1);
        watches.watcher = Err("out of order".to_owned());
        let news = watches.follow(&bases);
        assert_eq!(news.len(), 1, "told once: {news:?}");
        assert!(watches.follow(&bases).is_empty() && watches.is_partial());
    }
}
