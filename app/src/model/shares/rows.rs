//! The rows of the page: files and folders as they were shared, and below each that is open what lies in it.

use std::collections::HashMap;

use potok_core::library::level::LevelEntry;
use potok_core::library::root::RootId;
use potok_core::library::sharing_again::StoppedPlace;
use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;
use potok_core::protocol::reply::Totals;
use potok_core::service::share_indexer::root_status::SharedRoot;

use crate::model::shares::{LEVELS_SHOWN_MAX, Shares};

/// A folder of a root: the root itself is its share path.
pub type ShareFolder = (RootId, SharePath);

/// A row of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct ShareRow {
    /// The root that it belongs to.
    pub root: RootId,
    /// Its share path.
    pub path: SharePath,
    /// How many folders it is in.
    pub depth: u16,
    /// What it is.
    pub kind: ShareRowKind,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq)]
pub enum ShareRowKind {
    /// Something as it was shared; a folder is open or not.
    Root {
        /// How it is.
        root: Box<SharedRoot>,
        /// Whether its folder is open; a file has none.
        is_open: Option<bool>,
    },
    /// A folder in it.
    Folder {
        /// What is shared of all below it.
        totals: Totals,
        /// Whether it is open.
        is_open: bool,
    },
    /// A file in it, or one that the filter found.
    File {
        /// Its length in bytes.
        bytes: u64,
    },
    /// What the person stopped sharing of it.
    Stopped,
    /// The rest of its level is not here.
    Rest(RestOfLevel),
}

/// Why what lies in a folder is not all here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestOfLevel {
    /// It is on its way, or asked for when it comes into view.
    Coming,
    /// It is too much to be shown: the filter finds it.
    TooLong,
    /// Too many folders are open.
    TooManyOpen,
    /// So many further places that the person stopped sharing.
    Stopped(usize),
}

/// By what a row is known when others come and go.
pub type ShareRowKey = (SharePath, RootId, u8);

impl ShareRow {
    /// By what it is known.
    pub fn key(&self) -> ShareRowKey {
        let kind = match self.kind {
            ShareRowKind::Root { .. } => 0,
            ShareRowKind::Folder { .. } | ShareRowKind::File { .. } => 1,
            ShareRowKind::Stopped => 2,
            ShareRowKind::Rest(RestOfLevel::Stopped(_)) => 4,
            ShareRowKind::Rest(_) => 3,
        };
        (self.path.clone(), self.root, kind)
    }

    /// Whether something lies below it that can be shown.
    pub fn is_open(&self) -> Option<bool> {
        match &self.kind {
            ShareRowKind::Root { is_open, .. } => *is_open,
            ShareRowKind::Folder { is_open, .. } => Some(*is_open),
            _ => None,
        }
    }
}

impl Shares {
    /// Makes the rows anew.
    pub(super) fn grow(&mut self) {
        self.is_changed = false;
        let mut rows = Vec::new();
        if self.found.words.is_empty() {
            self.roots.iter().for_each(|root| self.grow_root(root, &mut rows));
        } else {
            let folders: HashMap<&str, &SharedRoot> =
                self.roots.iter().map(|root| (root.share_as.as_str(), root)).collect();
            rows.extend(self.found.shares.iter().map(|share| found_row(share, &folders)));
        }
        self.rows = rows;
        self.version += 1;
    }

    fn grow_root(&self, root: &SharedRoot, rows: &mut Vec<ShareRow>) {
        let folder = (root.id, root.share_as.clone());
        let is_open = self.shown.0.contains(&folder);
        let kind = ShareRowKind::Root { root: Box::new(root.clone()), is_open: root.is_folder.then_some(is_open) };
        rows.push(ShareRow { root: root.id, path: root.share_as.clone(), depth: 0, kind });
        if !is_open || !root.is_folder {
            return;
        }
        self.grow_level(&folder, 1, rows);
        let Some(list) = self.stopped.get(&root.id) else { return };
        let stopped = |place: &StoppedPlace| ShareRow {
            root: root.id,
            path: place.path.clone(),
            depth: 1,
            kind: ShareRowKind::Stopped,
        };
        rows.extend(list.places.iter().map(stopped));
        let more = root.stopped_places.saturating_sub(list.places.len());
        if more > 0 && !list.places.is_empty() {
            let kind = ShareRowKind::Rest(RestOfLevel::Stopped(more));
            rows.push(ShareRow { root: root.id, path: root.share_as.clone(), depth: 1, kind });
        }
    }

    fn grow_level(&self, folder: &ShareFolder, depth: u16, rows: &mut Vec<ShareRow>) {
        let rest = |why| ShareRow { root: folder.0, path: folder.1.clone(), depth, kind: ShareRowKind::Rest(why) };
        let Some(level) = self.levels.get(folder) else {
            let is_kept = self.shown.0.iter().take(LEVELS_SHOWN_MAX).any(|open| open == folder);
            return rows.push(rest(if is_kept { RestOfLevel::Coming } else { RestOfLevel::TooManyOpen }));
        };
        for entry in level.in_order() {
            let path = entry.path().clone();
            match entry {
                LevelEntry::File(share) => {
                    let kind = ShareRowKind::File { bytes: share.size.unwrap_or(0) };
                    rows.push(ShareRow { root: folder.0, path, depth, kind });
                }
                LevelEntry::Folder { totals, .. } => {
                    let below = (folder.0, path.clone());
                    let is_open = self.shown.0.contains(&below);
                    let kind = ShareRowKind::Folder { totals: *totals, is_open };
                    rows.push(ShareRow { root: folder.0, path, depth, kind });
                    if is_open {
                        self.grow_level(&below, depth + 1, rows);
                    }
                }
            }
        }
        if !level.is_whole() {
            rows.push(rest(if level.is_full() { RestOfLevel::TooLong } else { RestOfLevel::Coming }));
        }
    }
}

/// A file that was found, as a row of the root that it is nearest to, of these by their share paths. Of one that is not
/// listed it is a row all the same.
fn found_row(share: &Share, roots: &HashMap<&str, &SharedRoot>) -> ShareRow {
    let path = share.path.as_str();
    let above = path.rmatch_indices('/').map(|(at, _)| &path[..at]);
    let folder = above.filter_map(|above| roots.get(above)).find(|root| root.is_folder);
    let root = roots.get(path).or(folder).map_or(RootId(0), |root| root.id);
    let kind = ShareRowKind::File { bytes: share.size.unwrap_or(0) };
    ShareRow { root, path: share.path.clone(), depth: 0, kind }
}
