//! Which share path is which file with which content, and what changes when the disk does.
//!
//! The table holds only what may be served at this moment. What is in it came from a root, was seen on the disk, and was
//! hashed; whoever serves it looks it up by content, so a request never becomes a path.

use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::collections::btree_map::OccupiedEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::Path;

use crate::library::changes::Changes;
use crate::library::root::{Root, RootId};
use crate::model::file_stamp::FileStamp;
use crate::model::hash::ContentHash;
use crate::model::share::Share;
use crate::model::share_path::{BadSharePath, SharePath};

/// One shared file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which root it belongs to.
    pub root: RootId,
    /// Where it is below the root's base.
    pub relative: String,
    /// Its content.
    pub hash: ContentHash,
    /// What the file was when it was hashed; its size is the share's.
    pub stamp: FileStamp,
    /// Whether an equal stamp proves equal content.
    pub is_settled: bool,
}

/// A file that was seen on the disk and must be hashed before it can be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// What it will be announced under.
    pub path: SharePath,
    /// Where it is below the root's base.
    pub relative: String,
    /// What it was when it was seen.
    pub stamp: FileStamp,
}

/// Two files that would get one share path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{first}' and '{second}' would both be shared as '{path}'")]
pub struct Collision {
    /// The share path.
    pub path: SharePath,
    /// The file that has it.
    pub first: String,
    /// The file that cannot have it too.
    pub second: String,
}

/// What differs between the table and the disk, for one root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// No longer there.
    pub gone: Vec<SharePath>,
    /// New, or not surely the same as it was.
    pub fresh: Vec<Fresh>,
    /// Cannot be shared, because their path is another file's.
    pub collisions: Vec<Collision>,
    /// Cannot be shared, because no share path can be made of their name.
    pub unnameable: Vec<(String, BadSharePath)>,
}

/// What the person wants to share no longer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    roots: BTreeSet<RootId>,
    excluded: BTreeSet<(RootId, String)>,
}

impl Selection {
    /// All of these roots.
    pub fn of_roots(roots: impl Iterator<Item = RootId>) -> Self {
        Self { roots: roots.collect(), excluded: BTreeSet::new() }
    }

    /// Every root of which something is in it.
    pub fn roots(&self) -> impl Iterator<Item = RootId> {
        self.roots.iter().copied().chain(self.excluded.iter().map(|(root, _)| *root))
    }

    fn is_empty(&self) -> bool {
        self.roots.is_empty() && self.excluded.is_empty()
    }
}

/// What I share.
#[derive(Debug, Clone)]
pub struct Library {
    roots: BTreeMap<RootId, Root>,
    entries: BTreeMap<SharePath, Entry>,
    by_content: BTreeSet<(ContentHash, SharePath)>,
    shares_max: usize,
}

impl Library {
    /// An empty library of at most so many shares.
    pub fn new(shares_max: usize) -> Self {
        Self { roots: BTreeMap::new(), entries: BTreeMap::new(), by_content: BTreeSet::new(), shares_max }
    }

    /// What the person shares.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.roots.values()
    }

    /// One of them.
    pub fn root(&self, id: RootId) -> Option<&Root> {
        self.roots.get(&id)
    }

    /// Adds a root or takes the place of the one with its number. Its files come with [`Library::announce`].
    pub fn set_root(&mut self, root: Root) {
        self.roots.insert(root.id, root);
    }

    /// How many files are shared.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is shared.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many more may be shared.
    pub fn room(&self) -> usize {
        self.shares_max.saturating_sub(self.entries.len())
    }

    /// Everything that is shared, by path.
    pub fn shares(&self) -> impl Iterator<Item = Share> {
        self.entries.iter().map(|(path, entry)| share_of(path, entry))
    }

    /// What is shared under a path.
    pub fn entry(&self, path: &SharePath) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// What is shared of one root, at and below a place in it.
    pub fn shares_at(&self, root: RootId, start: &str) -> Vec<Share> {
        self.entries_of(root, start).map(|(path, entry)| share_of(path, entry)).collect()
    }

    /// The shares that have exactly this content.
    pub fn with_content(&self, hash: ContentHash) -> impl Iterator<Item = (&SharePath, &Entry)> {
        let same = self.by_content.range((hash, first_path())..).take_while(move |(other, _)| *other == hash);
        same.filter_map(|(_, path)| self.entries.get_key_value(path))
    }

    /// Whether any share has this content.
    pub fn has_content(&self, hash: ContentHash) -> bool {
        self.with_content(hash).next().is_some()
    }

    /// Whether a new root's files can be shared beside what is shared already and beside `claimed`, which they join.
    pub fn claim<'a>(
        &self,
        root: &Root,
        relatives: impl Iterator<Item = &'a str>,
        claimed: &mut BTreeMap<SharePath, String>,
    ) -> Result<(), Collision> {
        for relative in relatives {
            let Ok(path) = root.share_path(relative) else { continue };
            let second = root.local_path(relative);
            let first = match self.entries.get(&path) {
                Some(entry) => self.local_path(entry),
                None => claimed.entry(path.clone()).or_insert_with(|| second.clone()).clone(),
            };
            if first != second {
                return Err(Collision { path, first, second });
            }
        }
        Ok(())
    }

    /// Compares what was found at and below `start` of a root with what is shared of it.
    pub fn differ(
        &self,
        root: RootId,
        start: &str,
        found: impl IntoIterator<Item = (String, FileStamp)>,
    ) -> Difference {
        let mut difference = Difference::default();
        let Some(root) = self.roots.get(&root) else { return difference };
        let mut seen: BTreeMap<SharePath, (String, FileStamp)> = BTreeMap::new();
        for (relative, stamp) in found {
            if !root.holds(&relative) {
                continue;
            }
            match root.share_path(&relative) {
                Err(why) => difference.unnameable.push((relative, why)),
                Ok(path) => match seen.entry(path) {
                    Occupied(other) => difference.collisions.push(self.choose(root, other, relative, stamp)),
                    Vacant(free) => _ = free.insert((relative, stamp)),
                },
            }
        }
        let known = self.entries_of(root.id, start);
        difference.gone = known.filter(|(path, _)| !seen.contains_key(*path)).map(|(path, _)| path.clone()).collect();
        for (path, (relative, stamp)) in seen {
            match self.entries.get(&path) {
                Some(entry) if entry.root != root.id => {
                    let (first, second) = (self.local_path(entry), root.local_path(&relative));
                    if first != second {
                        difference.collisions.push(Collision { path, first, second });
                    }
                }
                Some(entry) if entry.relative == relative && entry.stamp == stamp && entry.is_settled => {}
                _ => difference.fresh.push(Fresh { path, relative, stamp }),
            }
        }
        difference
    }

    /// Two names of one folder are one share path, being different normal forms of one text. The one that is shared
    /// keeps it, else the first; whichever was found first.
    fn choose(
        &self,
        root: &Root,
        mut seen: OccupiedEntry<'_, SharePath, (String, FileStamp)>,
        relative: String,
        stamp: FileStamp,
    ) -> Collision {
        let shared = self.entries.get(seen.key()).map(|entry| entry.relative.as_str());
        let rank = |relative: &str| (shared != Some(relative), relative.to_owned());
        let loser = if rank(&relative) < rank(&seen.get().0) { seen.insert((relative, stamp)).0 } else { relative };
        let (first, second) = (root.local_path(&seen.get().0), root.local_path(&loser));
        Collision { path: seen.key().clone(), first, second }
    }

    /// Shares a file that was hashed. Nothing happens if that is not wanted any more, or if the path is another file's;
    /// `false` if there are too many shares already.
    pub fn announce(&mut self, path: SharePath, entry: Entry, changes: &mut Changes) -> bool {
        let wanted = self.roots.get(&entry.root).is_some_and(|root| root.holds(&entry.relative));
        if !wanted {
            return true;
        }
        match self.entries.get(&path) {
            Some(known) if known.root != entry.root => return true,
            Some(known) => {
                if (known.hash, known.stamp.size) != (entry.hash, entry.stamp.size) {
                    self.by_content.remove(&(known.hash, path.clone()));
                    changes.add(share_of(&path, &entry));
                }
            }
            None if self.room() == 0 => return false,
            None => changes.add(share_of(&path, &entry)),
        }
        self.by_content.insert((entry.hash, path.clone()));
        self.entries.insert(path, entry);
        true
    }

    /// Stops sharing these paths as far as they are that root's.
    pub fn withdraw(&mut self, root: RootId, paths: &[SharePath], changes: &mut Changes) {
        for path in paths {
            if self.entries.get(path).is_some_and(|entry| entry.root == root) {
                self.remove(path, changes);
            }
        }
    }

    /// Stops sharing all of a root, which stays: its drive is unplugged, say.
    pub fn withdraw_all(&mut self, root: RootId, changes: &mut Changes) {
        let paths: Vec<SharePath> = self.entries_of(root, "").map(|(path, _)| path.clone()).collect();
        self.withdraw(root, &paths, changes);
    }

    /// What sharing `path` no longer means: every root that is announced under it or below, and out of the roots above
    /// it what lies there. `None` if nothing is.
    pub fn select_share_path(&self, path: &SharePath) -> Option<Selection> {
        let mut selection = Selection::default();
        for root in self.roots.values() {
            if root.share_as == *path || root.share_as.below(path.as_str()).is_some() {
                selection.roots.insert(root.id);
            }
        }
        let depth = path.parts().count();
        for (found, entry) in self.at_or_below(path.as_str()) {
            let Some(root) = self.roots.get(&entry.root).filter(|root| !selection.roots.contains(&root.id)) else {
                continue;
            };
            // The name on the disk may be in another normal form than the share path, part for part.
            let extra = found.parts().count() - depth;
            let relative: Vec<&str> = entry.relative.split('/').collect();
            let at = relative[..relative.len().saturating_sub(extra)].join("/");
            selection.excluded.insert((root.id, at));
        }
        self.exclude_what_is_shared_twice(&mut selection);
        (!selection.is_empty()).then_some(selection)
    }

    /// The same for a path on this disk.
    pub fn select_local(&self, local: &Path) -> Option<Selection> {
        let mut selection = Selection::default();
        for root in self.roots.values() {
            if Path::new(&root.local).starts_with(local) {
                selection.roots.insert(root.id);
            } else if let Some(relative) = root.relative_of(local)
                && self.entries_of(root.id, &relative).next().is_some()
            {
                selection.excluded.insert((root.id, relative));
            }
        }
        self.exclude_what_is_shared_twice(&mut selection);
        (!selection.is_empty()).then_some(selection)
    }

    /// A root that is given up may hide the same file, under the same path, of a folder that stays: that must not come
    /// back in its place.
    fn exclude_what_is_shared_twice(&self, selection: &mut Selection) {
        for given_up in selection.roots.iter().filter_map(|id| self.roots.get(id)) {
            for folder in self.roots.values().filter(|root| !selection.roots.contains(&root.id)) {
                if let Some(relative) = folder.relative_of(Path::new(&given_up.local))
                    && folder.share_path(&relative).as_ref() == Ok(&given_up.share_as)
                {
                    selection.excluded.insert((folder.id, relative));
                }
            }
        }
    }

    /// Stops sharing what was selected, for good: it does not come back by itself.
    pub fn give_up(&mut self, selection: &Selection, changes: &mut Changes) {
        for id in &selection.roots {
            self.withdraw_all(*id, changes);
            self.roots.remove(id);
        }
        for (id, relative) in &selection.excluded {
            let Some(root) = self.roots.get_mut(id) else { continue };
            root.excluded.insert(relative.clone());
            let paths: Vec<SharePath> = self.entries_of(*id, relative).map(|(path, _)| path.clone()).collect();
            self.withdraw(*id, &paths, changes);
        }
    }

    fn remove(&mut self, path: &SharePath, changes: &mut Changes) {
        if let Some(entry) = self.entries.remove(path) {
            self.by_content.remove(&(entry.hash, path.clone()));
            changes.remove(path.clone());
        }
    }

    fn local_path(&self, entry: &Entry) -> String {
        self.roots.get(&entry.root).map_or_else(|| entry.relative.clone(), |root| root.local_path(&entry.relative))
    }

    /// The shares of a root that lie at or below a place in it.
    fn entries_of<'a>(&'a self, root: RootId, at: &str) -> impl Iterator<Item = (&'a SharePath, &'a Entry)> {
        let root = self.roots.get(&root);
        let path = root.and_then(|root| match at {
            "" => Some(root.share_as.clone()),
            at => root.share_path(at).ok(),
        });
        path.into_iter()
            .flat_map(|path| self.at_or_below(path.as_str()))
            .filter(move |(_, entry)| root.is_some_and(|root| root.id == entry.root))
    }

    /// `folder` itself and everything below it; nothing that only begins alike.
    fn at_or_below(&self, folder: &str) -> impl Iterator<Item = (&SharePath, &Entry)> + use<'_> {
        // '0' comes right after '/'.
        let (from, to) = (format!("{folder}/"), format!("{folder}0"));
        let itself = self.entries.get_key_value(folder);
        itself.into_iter().chain(self.entries.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to))))
    }
}

fn share_of(path: &SharePath, entry: &Entry) -> Share {
    Share { path: path.clone(), size: Some(entry.stamp.size), hash: Some(entry.hash) }
}

/// No share path is before this one: a path has no character below the space, and no empty part.
fn first_path() -> SharePath {
    SharePath::new(" ").expect("a space is a valid path")
}
