//! What the person wants to share no longer: whole roots, and what is taken out of the folders that stay.

use std::collections::BTreeSet;
use std::path::Path;

use crate::library::changes::ShareChanges;
use crate::library::root::RootId;
use crate::library::table::Library;
use crate::model::share_path::SharePath;

/// What the person wants to share no longer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    roots: BTreeSet<RootId>,
    excluded: BTreeSet<(RootId, String)>,
}

impl Selection {
    /// All that these roots share.
    pub fn of_roots(roots: impl Iterator<Item = RootId>) -> Self {
        Self { roots: roots.collect(), excluded: BTreeSet::new() }
    }

    /// Every root of which something is in it.
    pub fn roots(&self) -> impl Iterator<Item = RootId> {
        self.roots.iter().copied().chain(self.excluded.iter().map(|(root, _)| *root))
    }

    /// What is in it: a root and a place in it, which is empty for the whole root.
    pub(super) fn places(&self) -> impl Iterator<Item = (RootId, &str)> {
        let whole = self.roots.iter().map(|root| (*root, ""));
        whole.chain(self.excluded.iter().map(|(root, at)| (*root, at.as_str())))
    }

    fn is_empty(&self) -> bool {
        self.roots.is_empty() && self.excluded.is_empty()
    }
}

impl Library {
    /// What sharing `path` no longer means: every root that is announced under it or below, and out of the roots above
    /// it what lies there. `None` if nothing is.
    pub fn select_share_path(&self, path: &SharePath) -> Option<Selection> {
        let mut selection = Selection::default();
        selection.roots.extend(self.roots.announced_at_or_below(path).map(|root| root.id));
        let depth = path.parts().count();
        for (found, entry) in self.at_or_below(path.as_str()) {
            let Some(root) = self.roots.get(entry.root).filter(|root| !selection.roots.contains(&root.id)) else {
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
        selection.roots.extend(self.roots.lying_at_or_below(local).map(|root| root.id));
        for root in self.roots.folders().filter(|root| !selection.roots.contains(&root.id)) {
            if let Some(relative) = root.relative_of(local)
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
        for given_up in selection.roots.iter().filter_map(|id| self.roots.get(*id)) {
            for folder in self.roots.folders().filter(|root| !selection.roots.contains(&root.id)) {
                if let Some(relative) = folder.relative_of(Path::new(&given_up.local))
                    && folder.share_path(&relative).as_ref() == Ok(&given_up.share_as)
                {
                    selection.excluded.insert((folder.id, relative));
                }
            }
        }
    }

    /// Stops sharing what was selected, for good: it does not come back by itself.
    pub fn give_up(&mut self, selection: &Selection, changes: &mut ShareChanges) {
        for id in &selection.roots {
            self.withdraw_all(*id, changes);
            self.roots.remove(*id);
        }
        for (id, relative) in &selection.excluded {
            let Some(mut root) = self.roots.get(*id).cloned() else { continue };
            root.excluded.insert(relative.clone());
            self.roots.set(root);
            let paths: Vec<SharePath> = self.entries_of(*id, relative).map(|(path, _)| path.clone()).collect();
            self.withdraw(*id, &paths, changes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::table::tests::{library, path, paths, root, scan};

    #[test]
    fn what_is_given_up_is_all_that_was_meant_and_no_more() {
        let roots = [
            root(1, "/h/Trip", true, "Trip"),
            root(2, "/h/Trip/a", false, "Trip/a"),
            root(3, "/h/Trip/a", false, "Reports/a"),
            root(4, "/h/other", true, "Tripod"),
        ];
        let fresh = || {
            let mut library = library(&roots);
            scan(&mut library, 2, "a", &[("a", 1)], 1);
            scan(&mut library, 3, "a", &[("a", 1)], 1);
            scan(&mut library, 1, "", &[("a", 1), ("b", 1), ("sub/c", 1), ("sub2/e\u{301}", 1)], 1);
            scan(&mut library, 4, "", &[("x", 1)], 1);
            library
        };
        let by_path = |text: &str| {
            let library = fresh();
            library.select_share_path(&path(text)).map(|selection| (library, selection))
        };
        let by_local = |text: &str| {
            let library = fresh();
            library.select_local(Path::new(text)).map(|selection| (library, selection))
        };
        let all = ["Reports/a", "Trip/a", "Trip/b", "Trip/sub/c", "Trip/sub2/é", "Tripod/x"];
        for (given_up, removed) in [
            (by_path("Trip"), vec![1, 2, 3, 4]),
            (by_path("Trip/a"), vec![1]),
            (by_path("Reports/a"), vec![0]),
            (by_path("Reports"), vec![0]),
            (by_path("Trip/sub"), vec![3]),
            (by_path("Trip/sub/c"), vec![3]),
            (by_path("Trip/sub2/é"), vec![4]),
            (by_path("Trip/sub2"), vec![4]),
            (by_path("Tripod"), vec![5]),
            (by_local("/h/Trip"), vec![0, 1, 2, 3, 4]),
            (by_local("/h/Trip/a"), vec![0, 1]),
            (by_local("/h/Trip/sub"), vec![3]),
            (by_local("/h/other/x"), vec![5]),
            (by_local("/h"), vec![0, 1, 2, 3, 4, 5]),
        ] {
            let (mut library, selection) = given_up.expect("is shared");
            let mut changes = ShareChanges::default();
            library.give_up(&selection, &mut changes);
            let expected: Vec<SharePath> = removed.iter().map(|at: &usize| path(all[*at])).collect();
            assert_eq!(changes.into_parts().1, expected, "{selection:?}");
            // Nothing of it comes back at the next look.
            scan(&mut library, 1, "", &[("a", 1), ("b", 1), ("sub/c", 1), ("sub2/e\u{301}", 1)], 1);
            scan(&mut library, 4, "", &[("x", 1)], 1);
            assert!(paths(&library).iter().all(|left| !expected.contains(&path(left))), "{selection:?}");
        }
        for nothing in
            [by_path("Tri"), by_path("Trip/none"), by_path("x"), by_local("/h/Tri"), by_local("/h/Trip/none")]
        {
            assert!(nothing.is_none());
        }
    }
}
