//! One level of what is shared of a root: the folders and files that lie directly in a folder of it, listed a bounded part
//! at a time, so that others are served meanwhile, however much lies below.

use std::ops::Bound;

use crate::library::root::RootId;
use crate::library::table::Library;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::protocol::reply::Totals;

/// A folder or a file that lies directly in a folder of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LevelEntry {
    /// A folder, and what is shared of all that lies below it.
    Folder {
        /// What the share paths of its files begin with.
        path: SharePath,
        /// How many files, and how many bytes.
        totals: Totals,
    },
    /// One file that lies in it.
    File(Share),
}

impl LevelEntry {
    /// The share path, without a `/` at the end.
    pub fn path(&self) -> &SharePath {
        match self {
            Self::Folder { path, .. } => path,
            Self::File(share) => &share.path,
        }
    }

    /// Where the listing goes on behind this entry.
    pub fn cursor(&self) -> LevelCursor {
        LevelCursor(match self {
            Self::Folder { path, .. } => Bound::Included(behind_folder(path)),
            Self::File(share) => Bound::Excluded(share.path.to_string()),
        })
    }
}

/// A place in the listing of a level: behind an entry, whether that is still there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelCursor(Bound<String>);

/// A part of a level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LevelPage {
    /// In the order of their paths; a folder stands where its files would.
    pub entries: Vec<LevelEntry>,
    /// Where the next page begins, if there is one.
    pub more: Option<LevelCursor>,
}

/// A listing that is under way.
#[derive(Debug)]
pub struct LevelListing {
    root: RootId,
    folder: SharePath,
    next: Bound<String>,
    most: usize,
    entries: Vec<LevelEntry>,
}

impl LevelListing {
    /// Begins to list what lies directly in a folder of a root, at most so many entries, from a place on.
    pub fn new(root: RootId, folder: SharePath, after: Option<LevelCursor>, most: usize) -> Self {
        let next = after.map_or_else(|| Bound::Included(format!("{folder}/")), |cursor| cursor.0);
        Self { root, folder, next, most, entries: Vec::new() }
    }

    /// Looks at no more than so many shares; the page when it is full or nothing is left.
    pub fn step(&mut self, library: &Library, most: usize) -> Option<LevelPage> {
        let end = behind_folder(&self.folder);
        let from = self.next.as_ref().map(String::as_str);
        if matches!(from, Bound::Included(from) | Bound::Excluded(from) if *from >= *end) {
            return Some(self.page(None));
        }
        let mut looked_at = 0;
        let mut last = None;
        for (path, share) in library.range(from, &end).take(most) {
            looked_at += 1;
            last = Some(path);
            if share.root != self.root {
                continue;
            }
            if !self.take(path, share.stamp.size, || library.share(path)) {
                let more = self.entries.last().map(LevelEntry::cursor);
                return Some(self.page(more));
            }
        }
        match last {
            Some(last) if looked_at == most => {
                self.next = Bound::Excluded(last.to_string());
                None
            }
            _ => Some(self.page(None)),
        }
    }

    /// Adds a share to the level; `false` if that would be one entry too many.
    fn take(&mut self, path: &SharePath, bytes: u64, share: impl FnOnce() -> Option<Share>) -> bool {
        let Some(below) = path.below(self.folder.as_str()) else { return true };
        let Some((name, _)) = below.split_once('/') else {
            if self.entries.len() >= self.most {
                return false;
            }
            self.entries.extend(share().map(LevelEntry::File));
            return true;
        };
        if let Some(LevelEntry::Folder { path: folder, totals }) = self.entries.last_mut()
            && folder.below(self.folder.as_str()) == Some(name)
        {
            totals.add(bytes);
            return true;
        }
        if self.entries.len() >= self.most {
            return false;
        }
        // A part of a valid path is one.
        let Ok(path) = self.folder.join(name) else { return true };
        self.entries.push(LevelEntry::Folder { path, totals: Totals { files: 1, bytes } });
        true
    }

    fn page(&mut self, more: Option<LevelCursor>) -> LevelPage {
        LevelPage { entries: std::mem::take(&mut self.entries), more }
    }
}

/// The first text that is behind everything in a folder: `0` is the character after `/`.
fn behind_folder(folder: &SharePath) -> String {
    format!("{folder}0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::table::tests::{library, path, root, scan};

    fn listed(library: &Library, root: u64, folder: &str, page: usize, step: usize) -> Vec<String> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let mut listing = LevelListing::new(RootId(root), path(folder), after, page);
            let found = loop {
                if let Some(found) = listing.step(library, step) {
                    break found;
                }
            };
            assert!(found.entries.len() <= page);
            all.extend(found.entries.iter().map(|entry| match entry {
                LevelEntry::Folder { path, totals } => format!("{path}/ {} {}", totals.files, totals.bytes),
                LevelEntry::File(share) => format!("{} {}", share.path, share.size.unwrap_or(0)),
            }));
            match found.more {
                Some(more) => after = Some(more),
                None => return all,
            }
        }
    }

    #[test]
    fn a_level_is_folders_with_their_totals_and_files() {
        let mut library =
            library(&[root(1, "/h/T", true, "T"), root(2, "/h/U", true, "T"), root(3, "/h/V", true, "T0")]);
        let files = ["a/1", "a/2", "a/b/3", "a-b", "a0", "c", "d/e/f"].map(|name| (name, 1));
        scan(&mut library, 1, "", &files, 1);
        scan(&mut library, 2, "", &[("a/other", 1), ("z", 1)], 1);
        scan(&mut library, 3, "", &[("x", 1)], 1);
        for (page, step) in [(100, 100), (1, 1), (2, 1), (1, 3), (3, 2)] {
            let top = ["T/a-b 10", "T/a/ 3 30", "T/a0 10", "T/c 10", "T/d/ 1 10"];
            assert_eq!(listed(&library, 1, "T", page, step), top, "{page} {step}");
            assert_eq!(listed(&library, 1, "T/a", page, step), ["T/a/1 10", "T/a/2 10", "T/a/b/ 1 10"]);
            assert_eq!(listed(&library, 2, "T", page, step), ["T/a/ 1 10", "T/z 10"], "of each root by itself");
            assert_eq!(listed(&library, 1, "T/none", page, step), [""; 0]);
        }
    }
}
