//! All roots, found by number, by share path, and by where they lie. A person may share ten thousand files one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::sync::Arc;

use crate::library::exclusions::Exclusions;
use crate::library::root::{Root, RootId};
use crate::library::text_range::below;
use crate::model::share_path::SharePath;
use crate::protocol::reply::Totals;

/// Every root with its exclusions, under each of the names that it is looked up by.
#[derive(Debug, Clone, Default)]
pub(super) struct Roots {
    by_id: BTreeMap<RootId, HeldRoot>,
    by_share_path: BTreeMap<SharePath, BTreeSet<RootId>>,
    by_local: BTreeMap<String, BTreeSet<RootId>>,
    bases: BTreeMap<PathBuf, BaseUse>,
}

#[derive(Debug, Clone)]
struct HeldRoot {
    root: Arc<Root>,
    excluded: Exclusions,
    /// Nothing is added to it any more.
    is_ending: bool,
    /// What is shared of it, counted as it comes and goes.
    totals: Totals,
}

/// How many roots have a folder as their base.
#[derive(Debug, Clone, Copy, Default)]
struct BaseUse {
    files: usize,
    folders: usize,
}

impl Roots {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Root>> {
        self.by_id.values().map(|held| &held.root)
    }

    /// The roots with a number above this one.
    pub(super) fn after(&self, id: RootId) -> impl Iterator<Item = &Arc<Root>> {
        self.by_id.range((Bound::Excluded(id), Bound::Unbounded)).map(|(_, held)| &held.root)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn get(&self, id: RootId) -> Option<&Arc<Root>> {
        self.by_id.get(&id).map(|held| &held.root)
    }

    pub(super) fn exclusions(&self, id: RootId) -> Option<&Exclusions> {
        self.by_id.get(&id).map(|held| &held.excluded)
    }

    /// What is shared of a root.
    pub(super) fn totals(&self, id: RootId) -> Totals {
        self.by_id.get(&id).map(|held| held.totals).unwrap_or_default()
    }

    /// Counts what comes to a root or goes.
    pub(super) fn count(&mut self, id: RootId, count: impl FnOnce(&mut Totals)) {
        if let Some(held) = self.by_id.get_mut(&id) {
            count(&mut held.totals);
        }
    }

    /// At most so many roots in the order of their share paths, after one.
    pub(super) fn by_path_after(&self, after: Option<&(SharePath, RootId)>, most: usize) -> Vec<&Arc<Root>> {
        let from = after.map_or(Bound::Unbounded, |(path, _)| Bound::Included(path.as_str()));
        let all = self.by_share_path.range::<str, _>((from, Bound::Unbounded));
        let all = all.flat_map(|(path, ids)| ids.iter().map(move |id| (path, *id)));
        let new = all.filter(|(path, id)| after.is_none_or(|(of, last)| (*path, id) > (of, last)));
        new.filter_map(|(_, id)| self.get(id)).take(most).collect()
    }

    /// Whether a file that was found is one that the person shares: it is in the folder, or it is the one file, and it
    /// was not taken out.
    pub(super) fn hold(&self, id: RootId, relative: &str) -> bool {
        self.by_id.get(&id).is_some_and(|held| {
            let is_in =
                if held.root.is_folder { !held.excluded.cover(relative) } else { relative == held.root.start() };
            is_in && !held.is_ending
        })
    }

    pub(super) fn set(&mut self, root: Root, excluded: Exclusions) {
        let totals = self.totals(root.id);
        self.remove(root.id);
        self.by_share_path.entry(root.share_as.clone()).or_default().insert(root.id);
        self.by_local.entry(root.local.clone()).or_default().insert(root.id);
        let uses = self.bases.entry(root.base().to_owned()).or_default();
        *(if root.is_folder { &mut uses.folders } else { &mut uses.files }) += 1;
        self.by_id.insert(root.id, HeldRoot { root: Arc::new(root), excluded, is_ending: false, totals });
    }

    pub(super) fn remove(&mut self, id: RootId) -> Option<Arc<Root>> {
        let HeldRoot { root, .. } = self.by_id.remove(&id)?;
        if let Some(ids) = self.by_share_path.get_mut(&root.share_as) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_share_path.remove(&root.share_as);
            }
        }
        if let Some(ids) = self.by_local.get_mut(&root.local) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_local.remove(&root.local);
            }
        }
        if let Some(uses) = self.bases.get_mut(root.base()) {
            *(if root.is_folder { &mut uses.folders } else { &mut uses.files }) -= 1;
            if uses.folders + uses.files == 0 {
                self.bases.remove(root.base());
            }
        }
        Some(root)
    }

    /// Changes what does not decide where a root is found.
    pub(super) fn update(&mut self, id: RootId, update: impl FnOnce(&mut Root)) {
        if let Some(held) = self.by_id.get_mut(&id) {
            update(Arc::make_mut(&mut held.root));
        }
    }

    /// Adds nothing to this root any more; what is shared of it stays until it is taken out.
    pub(super) fn end(&mut self, id: RootId) {
        if let Some(held) = self.by_id.get_mut(&id) {
            held.is_ending = true;
        }
    }

    /// What was taken out of a root, to be changed.
    pub(super) fn exclusions_mut(&mut self, id: RootId) -> Option<&mut Exclusions> {
        self.by_id.get_mut(&id).map(|held| &mut held.excluded)
    }

    /// The folders in which something is shared, each once, and whether all in it is.
    pub(super) fn bases(&self) -> impl Iterator<Item = (&Path, bool)> {
        self.bases.iter().map(|(path, uses)| (path.as_path(), uses.folders > 0))
    }

    /// The folders of which a place on this disk is a part, or which are it.
    pub(super) fn folders_holding<'a>(&'a self, local: &'a Path) -> impl Iterator<Item = &'a Arc<Root>> {
        let above = local.ancestors().filter_map(|folder| self.by_local.get(folder.to_str()?));
        above.flatten().filter_map(|id| self.get(*id)).filter(|root| root.is_folder)
    }

    /// The roots that are exactly this file or folder.
    pub(super) fn lying_at<'a>(&'a self, local: &str) -> impl Iterator<Item = &'a Arc<Root>> {
        self.by_local.get(local).into_iter().flatten().filter_map(|id| self.get(*id))
    }

    /// Those with exactly this share path.
    pub(super) fn announced_as(&self, path: &SharePath) -> impl Iterator<Item = &Arc<Root>> {
        self.by_share_path.get(path).into_iter().flatten().filter_map(|id| self.get(*id))
    }

    /// Those with this share path or one below it.
    pub(super) fn announced_at_or_below(&self, path: &SharePath) -> impl Iterator<Item = &Arc<Root>> {
        let (from, to) = below(path.as_str(), '/');
        let below = self.by_share_path.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to)));
        self.announced_as(path).chain(below.flat_map(|(_, ids)| ids).filter_map(|id| self.get(*id)))
    }

    /// Those that are this file or folder, or lie in it.
    pub(super) fn lying_at_or_below<'a>(&'a self, local: &Path) -> impl Iterator<Item = &'a Arc<Root>> {
        // Of the root of a disk the separator is a part.
        let text = local.to_str().map(|text| text.strip_suffix(MAIN_SEPARATOR).unwrap_or(text));
        let below = text.into_iter().flat_map(|text| {
            let (from, to) = below(text, MAIN_SEPARATOR);
            let below = self.by_local.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to)));
            self.by_local.get(text).into_iter().chain(below.map(|(_, ids)| ids)).flatten()
        });
        below.filter_map(|id| self.get(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_found_by_all_their_names() {
        let path = |text: &str| SharePath::new(text).expect(text);
        let root = |id: u64, local: &str, is_folder: bool, share_as: &str| Root {
            id: RootId(id),
            local: local.into(),
            is_folder,
            share_as: path(share_as),
            file_system: None,
        };
        let ids = |roots: Vec<&Arc<Root>>| roots.into_iter().map(|root| root.id.0).collect::<Vec<_>>();
        let mut roots = Roots::default();
        roots.set(root(1, "/a/b", true, "b"), Exclusions::default());
        roots.set(root(2, "/a/b/c", false, "b/c"), Exclusions::default());
        roots.set(root(3, "/a/b-c", false, "b-c"), Exclusions::default());
        roots.set(root(4, "/a/b", true, "other"), Exclusions::default());
        assert_eq!(ids(roots.announced_at_or_below(&path("b")).collect()), [1, 2]);
        assert_eq!(ids(roots.lying_at_or_below(Path::new("/a/b")).collect()), [1, 4, 2]);
        assert_eq!(ids(roots.lying_at_or_below(Path::new("/")).collect()), [1, 4, 3, 2]);
        assert_eq!(ids(roots.folders_holding(Path::new("/a/b/x")).collect()), [1, 4]);
        roots.set(root(1, "/x", false, "y"), Exclusions::default());
        assert_eq!(ids(roots.announced_at_or_below(&path("b")).collect()), [2]);
        assert_eq!(ids(roots.lying_at_or_below(Path::new("/a/b")).collect()), [4, 2]);
        let mut by_path = Vec::new();
        while let [root] = roots.by_path_after(by_path.last(), 1)[..] {
            by_path.push((root.share_as.clone(), root.id));
        }
        assert_eq!(by_path.iter().map(|(_, id)| id.0).collect::<Vec<_>>(), [3, 2, 4, 1]);
        roots.remove(RootId(2));
        roots.remove(RootId(2));
        assert_eq!(ids(roots.announced_at_or_below(&path("b")).collect()), [0; 0]);
        assert_eq!(ids(roots.folders_holding(Path::new("/a/b")).collect()), [4]);
        assert_eq!(ids(roots.iter().collect()), [1, 3, 4]);
    }
}
