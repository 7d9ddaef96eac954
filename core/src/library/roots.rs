//! All roots, found by number, by share path, and by where they lie. A person may share ten thousand files one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{MAIN_SEPARATOR, Path};

use crate::library::root::{Root, RootId};
use crate::model::share_path::SharePath;

/// All roots, with an index for each way of asking.
#[derive(Debug, Clone, Default)]
pub(super) struct Roots {
    by_id: BTreeMap<RootId, Root>,
    by_share_path: BTreeMap<SharePath, BTreeSet<RootId>>,
    by_local: BTreeMap<String, BTreeSet<RootId>>,
    folders: BTreeSet<RootId>,
}

impl Roots {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Root> {
        self.by_id.values()
    }

    pub(super) fn get(&self, id: RootId) -> Option<&Root> {
        self.by_id.get(&id)
    }

    pub(super) fn set(&mut self, root: Root) {
        self.remove(root.id);
        self.by_share_path.entry(root.share_as.clone()).or_default().insert(root.id);
        self.by_local.entry(root.local.clone()).or_default().insert(root.id);
        if root.is_folder {
            self.folders.insert(root.id);
        }
        self.by_id.insert(root.id, root);
    }

    pub(super) fn remove(&mut self, id: RootId) {
        let Some(root) = self.by_id.remove(&id) else { return };
        self.folders.remove(&id);
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
    }

    /// The roots that are folders.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Root> {
        self.folders.iter().filter_map(|id| self.get(*id))
    }

    /// Those with exactly this share path.
    pub(super) fn announced_as(&self, path: &SharePath) -> impl Iterator<Item = &Root> {
        self.by_share_path.get(path).into_iter().flatten().filter_map(|id| self.get(*id))
    }

    /// Those with this share path or one below it.
    pub(super) fn announced_at_or_below(&self, path: &SharePath) -> impl Iterator<Item = &Root> {
        let (from, to) = below(path.as_str(), '/');
        let below = self.by_share_path.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to)));
        let ids: Vec<RootId> = below.flat_map(|(_, ids)| ids.iter().copied()).collect();
        self.announced_as(path).chain(ids.into_iter().filter_map(|id| self.get(id)))
    }

    /// Those that are this file or folder, or lie in it.
    pub(super) fn lying_at_or_below(&self, local: &Path) -> impl Iterator<Item = &Root> {
        // Of the root of a disk the separator is a part.
        let text = local.to_str().map(|text| text.strip_suffix(MAIN_SEPARATOR).unwrap_or(text));
        let ids: Vec<RootId> = text.map_or_else(Vec::new, |text| {
            let (from, to) = below(text, MAIN_SEPARATOR);
            let below = self.by_local.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to)));
            let itself = self.by_local.get(text).into_iter();
            itself.chain(below.map(|(_, ids)| ids)).flatten().copied().collect()
        });
        ids.into_iter().filter_map(|id| self.get(id))
    }
}

/// The range of the texts that begin with a folder and a separator.
pub(super) fn below(folder: &str, separator: char) -> (String, String) {
    let next = char::from_u32(u32::from(separator) + 1).expect("both separators are followed by a character");
    (format!("{folder}{separator}"), format!("{folder}{next}"))
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
            excluded: BTreeSet::new(),
        };
        let ids = |roots: Vec<&Root>| roots.into_iter().map(|root| root.id.0).collect::<Vec<_>>();
        let mut roots = Roots::default();
        roots.set(root(1, "/a/b", true, "b"));
        roots.set(root(2, "/a/b/c", false, "b/c"));
        roots.set(root(3, "/a/b-c", false, "b-c"));
        roots.set(root(4, "/a/b", true, "other"));
        assert_eq!(ids(roots.announced_at_or_below(&path("b")).collect()), [1, 2]);
        assert_eq!(ids(roots.lying_at_or_below(Path::new("/a/b")).collect()), [1, 4, 2]);
        assert_eq!(ids(roots.lying_at_or_below(Path::new("/")).collect()), [1, 4, 3, 2]);
        assert_eq!(ids(roots.folders().collect()), [1, 4]);
        roots.set(root(1, "/x", false, "y"));
        assert_eq!(ids(roots.announced_at_or_below(&path("b")).collect()), [2]);
        assert_eq!(ids(roots.lying_at_or_below(Path::new("/a/b")).collect()), [4, 2]);
        roots.remove(RootId(2));
        roots.remove(RootId(2));
        assert_eq!(ids(roots.announced_at_or_below(&path("b")).collect()), [0; 0]);
        assert_eq!(ids(roots.folders().collect()), [4]);
        assert_eq!(ids(roots.iter().collect()), [1, 3, 4]);
    }
}
