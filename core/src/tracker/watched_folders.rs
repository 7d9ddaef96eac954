//! The folders that somebody watches, and in which of them something changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::share_path::SharePath;

/// Where something was shared or unshared, as far as a watcher asked for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TouchedFolders {
    /// Nobody knows where.
    is_anywhere: bool,
    /// The folders that are watched, and in which it was.
    folders: BTreeSet<SharePath>,
}

impl TouchedFolders {
    /// Something changed, and nobody knows where.
    pub fn anywhere() -> Self {
        Self { is_anywhere: true, folders: BTreeSet::new() }
    }

    /// Whether nobody knows where.
    pub fn is_anywhere(&self) -> bool {
        self.is_anywhere
    }

    /// The folders that are watched, and in which it was.
    pub fn folders(&self) -> impl Iterator<Item = &SharePath> {
        self.folders.iter()
    }

    /// Something else changed too.
    pub fn add(&mut self, other: Self) {
        self.is_anywhere |= other.is_anywhere;
        self.folders.extend(other.folders);
    }

    /// Whether it may have been below this folder.
    pub fn is_below(&self, folder: &SharePath) -> bool {
        self.is_anywhere || self.folders.contains(folder)
    }
}

/// The folders that are watched, and by how many.
#[derive(Debug, Clone, Default)]
pub struct WatchedFolders(BTreeMap<SharePath, usize>);

impl WatchedFolders {
    /// Whether none is watched.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more watches a folder; `true` if it is the first.
    pub fn begin(&mut self, folder: &SharePath) -> bool {
        let watchers = self.0.entry(folder.clone()).or_default();
        *watchers += 1;
        *watchers == 1
    }

    /// One of them watches it no longer; `true` if it was the last.
    pub fn end(&mut self, folder: &SharePath) -> bool {
        let Some(watchers) = self.0.get_mut(folder) else { return false };
        *watchers -= 1;
        let was_last = *watchers == 0;
        if was_last {
            self.0.remove(folder);
        }
        was_last
    }

    /// Notes a path at which something changed.
    pub fn touch(&self, path: &SharePath, touched: &mut TouchedFolders) {
        if self.0.is_empty() {
            return;
        }
        let path = path.as_str();
        for (end, _) in path.match_indices('/') {
            if let Some((folder, _)) = self.0.get_key_value(&path[..end]) {
                touched.folders.insert(folder.clone());
            }
        }
    }
}
