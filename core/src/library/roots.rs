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
    /// The roots of which something was taken out.
    stopped_in: BTreeSet<RootId>,
    /// What was taken out of roots that are no more. It may be much, so who holds the library does not do away with it.
    discarded: Vec<Exclusions>,
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
        if !excluded.is_empty() {
            self.stopped_in.insert(root.id);
        }
        self.by_id.insert(root.id, HeldRoot { root: Arc::new(root), excluded, is_ending: false, totals });
    }

    pub(super) fn remove(&mut self, id: RootId) -> Option<Arc<Root>> {
        let HeldRoot { root, excluded, .. } = self.by_id.remove(&id)?;
        self.stopped_in.remove(&id);
        if !excluded.is_empty() {
            self.discarded.push(excluded);
        }
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

    /// Takes a place out of a root; `false` if it was out, or if there is no such root.
    pub(super) fn exclude(&mut self, id: RootId, place: SharePath) -> bool {
        let Some(held) = self.by_id.get_mut(&id).filter(|held| !held.excluded.contains(&place)) else { return false };
        held.excluded.insert(place);
        self.stopped_in.insert(id);
        true
    }

    /// Takes a place back in; `false` if it was not out.
    pub(super) fn include(&mut self, id: RootId, place: &SharePath) -> bool {
        let Some(held) = self.by_id.get_mut(&id) else { return false };
        let was_out = held.excluded.remove(place);
        if held.excluded.is_empty() {
            self.stopped_in.remove(&id);
        }
        was_out
    }

    /// Takes all that was taken out of a root away from it.
    pub(super) fn take_exclusions(&mut self, id: RootId) -> Exclusions {
        self.stopped_in.remove(&id);
        self.by_id.get_mut(&id).map(|held| std::mem::take(&mut held.excluded)).unwrap_or_default()
    }

    /// The roots of which something was taken out, from this one on.
    pub(super) fn stopped_in(&self, from: RootId) -> impl Iterator<Item = &Arc<Root>> {
        self.stopped_in.range(from..).filter_map(|id| self.get(*id))
    }

    /// What was thrown away since it was asked for last.
    pub(super) fn take_discarded(&mut self) -> Vec<Exclusions> {
        std::mem::take(&mut self.discarded)
    }

    /// The folders in which something is shared after one, each once, and whether all in it is.
    pub(super) fn bases_after(&self, after: Option<&Path>) -> impl Iterator<Item = (&Path, bool)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.bases.range::<Path, _>((from, Bound::Unbounded)).map(|(path, uses)| (path.as_path(), uses.folders > 0))
    }

    /// Whether something in a folder is shared from there; and then, whether all in it is.
    pub(super) fn base(&self, folder: &Path) -> Option<bool> {
        self.bases.get(folder).map(|uses| uses.folders > 0)
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

    /// Those with this share path or one below it, after one in their order.
    pub(super) fn announced_at_or_below<'a>(
        &'a self,
        path: &SharePath,
        after: Option<&(SharePath, RootId)>,
    ) -> impl Iterator<Item = &'a Arc<Root>> + use<'a> {
        let (begin, end) = below(path.as_str(), '/');
        let (last, last_id) = after.map_or((None, RootId(0)), |(last, id)| (Some(last), *id));
        let itself = self.by_share_path.get_key_value(path).filter(|_| last.is_none_or(|last| last == path));
        let from = last.filter(|last| *last != path).map_or(&*begin, |last| last.as_str());
        let below = self.by_share_path.range::<str, _>((Bound::Included(from), Bound::Excluded(&*end)));
        let last = last.cloned();
        let ids = itself.into_iter().chain(below).flat_map(move |(path, ids)| {
            let is_last = last.as_ref() == Some(path);
            ids.range((if is_last { Bound::Excluded(last_id) } else { Bound::Unbounded }, Bound::Unbounded))
        });
        ids.filter_map(|id| self.get(*id))
    }

    /// Those that are this file or folder, or lie in it, after one in their order.
    pub(super) fn lying_at_or_below<'a>(
        &'a self,
        local: &Path,
        after: Option<&(String, RootId)>,
    ) -> impl Iterator<Item = &'a Arc<Root>> + use<'a> {
        // Of the root of a disk the separator is a part.
        let text = local.to_str().map(|text| text.strip_suffix(MAIN_SEPARATOR).unwrap_or(text).to_owned());
        let after = after.cloned();
        let ids = text.into_iter().flat_map(move |text| {
            let (begin, end) = below(&text, MAIN_SEPARATOR);
            let last = after.clone();
            let last_text = last.as_ref().map(|(last, _)| last.as_str());
            let itself = self.by_local.get_key_value(&text).filter(|_| last_text.is_none_or(|last| last == text));
            let from = last_text.filter(|last| *last != text).unwrap_or(&begin);
            let below = self.by_local.range::<str, _>((Bound::Included(from), Bound::Excluded(&*end)));
            itself.into_iter().chain(below).flat_map(move |(at, ids)| {
                let last = last.as_ref().filter(|(last, _)| last == at).map(|(_, id)| *id);
                ids.range((last.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
            })
        });
        ids.filter_map(|id| self.get(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::table::tests::{on_disk, path, root};

    #[test]
    fn roots_are_found_by_all_their_names() {
        let ids = |roots: Vec<&Arc<Root>>| roots.into_iter().map(|root| root.id.0).collect::<Vec<_>>();
        let mut roots = Roots::default();
        roots.set(root(1, "/a/b", true, "b"), Exclusions::default());
        roots.set(root(2, "/a/b/c", false, "b/c"), Exclusions::default());
        roots.set(root(3, "/a/b-c", false, "b-c"), Exclusions::default());
        roots.set(root(4, "/a/b", true, "other"), Exclusions::default());
        assert_eq!(ids(roots.announced_at_or_below(&path("b"), None).collect()), [1, 2]);
        assert_eq!(ids(roots.lying_at_or_below(Path::new(&on_disk("/a/b")), None).collect()), [1, 4, 2]);
        assert_eq!(ids(roots.lying_at_or_below(Path::new(&on_disk("/")), None).collect()), [1, 4, 3, 2]);
        assert_eq!(ids(roots.folders_holding(Path::new(&on_disk("/a/b/x"))).collect()), [1, 4]);
        let (mut announced, mut lying) = (Vec::new(), Vec::new());
        while let Some(root) = roots.announced_at_or_below(&path("b"), announced.last()).next() {
            announced.push((root.share_as.clone(), root.id));
        }
        assert_eq!(announced.iter().map(|(_, id)| id.0).collect::<Vec<_>>(), [1, 2]);
        while let Some(root) = roots.lying_at_or_below(Path::new(&on_disk("/")), lying.last()).next() {
            lying.push((root.local.clone(), root.id));
        }
        assert_eq!(lying.iter().map(|(_, id)| id.0).collect::<Vec<_>>(), [1, 4, 3, 2]);
        roots.set(root(1, "/x", false, "y"), Exclusions::default());
        assert_eq!(ids(roots.announced_at_or_below(&path("b"), None).collect()), [2]);
        assert_eq!(ids(roots.lying_at_or_below(Path::new(&on_disk("/a/b")), None).collect()), [4, 2]);
        let mut by_path = Vec::new();
        while let [root] = roots.by_path_after(by_path.last(), 1)[..] {
            by_path.push((root.share_as.clone(), root.id));
        }
        assert_eq!(by_path.iter().map(|(_, id)| id.0).collect::<Vec<_>>(), [3, 2, 4, 1]);
        assert!(roots.exclude(RootId(4), path("out")) && !roots.exclude(RootId(4), path("out")));
        assert_eq!(ids(roots.stopped_in(RootId(2)).collect()), [4]);
        roots.set(root(4, "/a/b", true, "other"), Exclusions::default());
        assert_eq!(ids(roots.stopped_in(RootId(0)).collect()), [0; 0]);
        assert_eq!(roots.take_discarded().len(), 1, "who holds the library does not do away with it");
        roots.remove(RootId(2));
        roots.remove(RootId(2));
        assert_eq!(ids(roots.announced_at_or_below(&path("b"), None).collect()), [0; 0]);
        assert_eq!(ids(roots.folders_holding(Path::new(&on_disk("/a/b"))).collect()), [4]);
        assert_eq!(ids(roots.iter().collect()), [1, 3, 4]);
    }
}
