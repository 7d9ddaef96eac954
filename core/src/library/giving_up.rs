//! What the person wants to share no longer: whole roots, and what is taken out of the folders that stay. It is done a
//! bounded part at a time, so that others are served meanwhile, however much it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::library::changes::ShareChanges;
use crate::library::root::{Root, RootId};
use crate::library::table::Library;
use crate::library::unsaved::Unsaved;
use crate::model::share_path::SharePath;

/// What is to be shared no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unwanted {
    /// Whatever is announced under this path or below it.
    Announced(SharePath),
    /// Whatever lies at this place on the disk or below it.
    OnDisk(PathBuf),
    /// One root that could not be shared, with what is shared of it already.
    Root(RootId),
    /// A place in a root, whether anything of it is shared at present or not.
    Branch(RootId, SharePath),
}

/// Something that is being given up, for good: it does not come back by itself.
#[derive(Debug)]
pub struct GivingUp {
    unwanted: Unwanted,
    /// What was taken out and of which shares may be left.
    leaving: Vec<Leaving>,
    /// The folders above were looked through.
    has_folders: bool,
}

#[derive(Debug)]
struct Leaving {
    root: Arc<Root>,
    at: String,
    after: Option<SharePath>,
    /// What is taken out of the root as soon as a share is found there.
    place: Option<SharePath>,
}

impl Library {
    /// The places below roots at which what is meant would be.
    pub(super) fn places_held(&self, meant: &Unwanted) -> Vec<(Arc<Root>, SharePath)> {
        match meant {
            Unwanted::Announced(path) => {
                let ends = path.as_str().match_indices('/').map(|(at, _)| at);
                let above: Vec<SharePath> = ends.filter_map(|end| SharePath::new(&path.as_str()[..end]).ok()).collect();
                let place = |root: &Arc<Root>| {
                    let below = path.below(root.share_as.as_str()).filter(|_| root.is_folder)?;
                    Some((Arc::clone(root), SharePath::new(below).ok()?))
                };
                above.iter().flat_map(|above| self.roots.announced_as(above)).filter_map(place).collect()
            }
            Unwanted::OnDisk(local) => {
                let place =
                    |root: &Arc<Root>| Some((Arc::clone(root), SharePath::normalized(&root.relative_of(local)?).ok()?));
                self.roots.folders_holding(local).filter_map(place).collect()
            }
            Unwanted::Branch(id, place) => {
                self.root(*id).map(|root| (Arc::clone(root), place.clone())).into_iter().collect()
            }
            Unwanted::Root(_) => Vec::new(),
        }
    }

    /// Takes a root out of the table; its shares are left. What it hides of folders is taken out of them too.
    fn give_up_root(&mut self, id: RootId, unsaved: &mut Unsaved) -> Option<Arc<Root>> {
        let root = self.take_root(id, unsaved)?;
        for (folder, place) in self.hidden_by(&root) {
            self.exclude(folder, place, unsaved);
        }
        Some(root)
    }

    fn take_root(&mut self, id: RootId, unsaved: &mut Unsaved) -> Option<Arc<Root>> {
        let root = self.roots.remove(id)?;
        unsaved.roots.insert(id);
        Some(root)
    }

    /// What a root hides of folders, being the same file under the same path: that must not come back in its place.
    pub(super) fn hidden_by(&self, root: &Root) -> Vec<(RootId, SharePath)> {
        let local = Path::new(&root.local);
        let hidden = |folder: &Arc<Root>| {
            let at = folder.relative_of(local).filter(|at| !at.is_empty())?;
            let is_same = folder.share_path(&at).as_ref() == Ok(&root.share_as);
            is_same.then(|| Some((folder.id, SharePath::normalized(&at).ok()?))).flatten()
        };
        self.roots.folders_holding(local).filter_map(hidden).collect()
    }

    pub(super) fn exclude(&mut self, id: RootId, place: SharePath, unsaved: &mut Unsaved) {
        if self.roots.exclude(id, place.clone()) {
            unsaved.places.insert((id, place));
        }
    }
}

impl GivingUp {
    /// Begins to give up what is unwanted; nothing has left yet.
    pub fn new(unwanted: Unwanted) -> Self {
        Self { unwanted, leaving: Vec::new(), has_folders: false }
    }

    /// Does a part of it, of about so many steps, and takes them off; whether all of it is done.
    pub fn step(
        &mut self,
        library: &mut Library,
        steps_left: &mut usize,
        changes: &mut ShareChanges,
        unsaved: &mut Unsaved,
    ) -> bool {
        while *steps_left > 0 {
            if let Some(leaving) = self.leaving.last_mut() {
                let before = library.len();
                let Leaving { root, at, after, place } = leaving;
                if place.is_some() && !library.page_of(root, at, after.as_ref(), *steps_left).entries.is_empty() {
                    place.take().into_iter().for_each(|place| library.exclude(root.id, place, unsaved));
                }
                *after = library.withdraw_some(root, at, after.as_ref(), *steps_left, changes);
                if after.is_some() {
                    // As many were looked at as might be.
                    *steps_left = 0;
                } else {
                    self.leaving.pop();
                    *steps_left = steps_left.saturating_sub((before - library.len()).max(1));
                }
            } else if self.next(library, steps_left, changes, unsaved) {
                return true;
            }
        }
        false
    }

    /// Finds what is to leave next; whether there is nothing more.
    fn next(
        &mut self,
        library: &mut Library,
        steps_left: &mut usize,
        changes: &mut ShareChanges,
        unsaved: &mut Unsaved,
    ) -> bool {
        *steps_left = steps_left.saturating_sub(1);
        let of_many = match &self.unwanted {
            Unwanted::Announced(path) => library.roots.announced_at_or_below(path, None).next().map(|root| root.id),
            Unwanted::OnDisk(local) => library.roots.lying_at_or_below(local, None).next().map(|root| root.id),
            Unwanted::Root(_) | Unwanted::Branch(..) => None,
        };
        let root = match self.unwanted {
            // A folder that has the same file goes on sharing it.
            Unwanted::Root(id) => library.take_root(id, unsaved),
            _ => of_many.and_then(|id| library.give_up_root(id, unsaved)),
        };
        if let Some(root) = root {
            self.leaving.push(Leaving { root, at: String::new(), after: None, place: None });
            return false;
        }
        match &self.unwanted {
            Unwanted::Announced(path) => take_out(library, path, steps_left, changes, unsaved),
            Unwanted::OnDisk(local) => {
                if std::mem::replace(&mut self.has_folders, true) {
                    return true;
                }
                let leaving = |root: &Arc<Root>| {
                    let at = root.relative_of(local)?;
                    let place = SharePath::normalized(&at).ok();
                    Some(Leaving { root: Arc::clone(root), at, after: None, place })
                };
                self.leaving = library.roots.folders_holding(local).filter_map(leaving).collect();
                self.leaving.is_empty()
            }
            Unwanted::Root(_) => true,
            Unwanted::Branch(id, place) => {
                let root = library.roots.get(*id).filter(|_| library.holds(*id, place.as_str())).cloned();
                let Some(root) = root else { return true };
                library.exclude(*id, place.clone(), unsaved);
                self.leaving.push(Leaving { root, at: place.to_string(), after: None, place: None });
                false
            }
        }
    }
}

/// Takes what is announced at and below a path out of the folders above it; whether nothing was left.
fn take_out(
    library: &mut Library,
    path: &SharePath,
    steps_left: &mut usize,
    changes: &mut ShareChanges,
    unsaved: &mut Unsaved,
) -> bool {
    let found: Vec<(SharePath, RootId)> = library
        .at_or_below(path.as_str())
        .take((*steps_left).max(1))
        .map(|(found, entry)| (found.clone(), entry.root))
        .collect();
    for (_, id) in &found {
        let place = library.root(*id).and_then(|root| SharePath::new(path.below(root.share_as.as_str())?).ok());
        if let Some(place) = place {
            library.exclude(*id, place, unsaved);
        }
    }
    found.iter().for_each(|(found, _)| library.remove(found, changes));
    *steps_left = steps_left.saturating_sub(found.len());
    found.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::meaning::Meant;
    use crate::library::meaning::tests::found;
    use crate::library::table::tests::{library, on_disk, path, paths, root, scan};

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
            let unwanted = Unwanted::Announced(path(text));
            found(&library, &unwanted).is_shared.then_some((library, unwanted))
        };
        let by_local = |text: &str| {
            let library = fresh();
            let unwanted = Unwanted::OnDisk(on_disk(text).into());
            found(&library, &unwanted).is_shared.then_some((library, unwanted))
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
            let (mut library, unwanted) = given_up.expect("is shared");
            let (mut changes, mut unsaved) = (ShareChanges::default(), Unsaved::default());
            let mut giving_up = GivingUp::new(unwanted.clone());
            // A step at a time, so that every border between two of them is crossed.
            while !giving_up.step(&mut library, &mut 1, &mut changes, &mut unsaved) {}
            let expected: Vec<SharePath> = removed.iter().map(|at: &usize| path(all[*at])).collect();
            assert_eq!(changes.into_parts().1, expected, "{unwanted:?}");
            // Nothing of it comes back at the next look.
            scan(&mut library, 1, "", &[("a", 1), ("b", 1), ("sub/c", 1), ("sub2/e\u{301}", 1)], 1);
            scan(&mut library, 4, "", &[("x", 1)], 1);
            assert!(paths(&library).iter().all(|left| !expected.contains(&path(left))), "{unwanted:?}");
        }
        // A root that could not be shared hides nothing of the folder that has the same file.
        let mut library = library(&roots);
        scan(&mut library, 1, "", &[("a", 1), ("b", 1)], 1);
        let (mut changes, mut unsaved) = (ShareChanges::default(), Unsaved::default());
        let mut giving_up = GivingUp::new(Unwanted::Root(RootId(2)));
        while !giving_up.step(&mut library, &mut 1, &mut changes, &mut unsaved) {}
        scan(&mut library, 1, "", &[("a", 2), ("b", 1)], 2);
        assert_eq!(
            (paths(&library), unsaved),
            (vec!["Trip/a".into(), "Trip/b".into()], Unsaved::of_roots([RootId(2)]))
        );
        let (mut library, empty) = by_path("Trip/sub").expect("is shared");
        scan(&mut library, 1, "", &[("b", 1)], 1);
        let Meant { is_shared, branches } = found(&library, &empty);
        assert!(!is_shared, "there is nothing in it now");
        assert_eq!(branches.iter().map(|(root, place)| (root.id.0, place.as_str())).collect::<Vec<_>>(), [(1, "sub")]);
        let mut giving_up = GivingUp::new(Unwanted::Branch(branches[0].0.id, branches[0].1.clone()));
        let (mut changes, mut unsaved) = (ShareChanges::default(), Unsaved::default());
        while !giving_up.step(&mut library, &mut 1, &mut changes, &mut unsaved) {}
        scan(&mut library, 1, "", &[("b", 1), ("sub/new", 1)], 1);
        assert!(
            paths(&library).contains(&"Trip/b".to_owned()) && !paths(&library).contains(&"Trip/sub/new".to_owned())
        );
        assert_eq!(found(&library, &empty).branches.len(), 0, "it is stopped already");
        for nothing in
            [by_path("Tri"), by_path("Trip/none"), by_path("x"), by_local("/h/Tri"), by_local("/h/Trip/none")]
        {
            assert!(nothing.is_none());
        }
    }
}
