//! What the person stopped sharing and wants to share again: it is in its folder as if it had never been taken out.

use std::path::Path;
use std::sync::Arc;

use crate::library::giving_up::Unwanted;
use crate::library::root::{Root, RootId};
use crate::library::table::Library;
use crate::library::unsaved::Unsaved;
use crate::model::share_path::SharePath;

/// A place in a root, with all below it, of which something was taken out; `None` is the whole root.
pub type StoppedBranch = (RootId, Option<SharePath>);

/// A place that was taken out of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedPlace {
    /// The root that it lies in.
    pub root: RootId,
    /// Where in the root it is, in the form of share paths.
    pub place: SharePath,
    /// What it would be announced under.
    pub path: SharePath,
}

impl Library {
    /// Where something was taken out of the folders in which what is meant lies.
    pub fn stopped_above(&self, meant: &Unwanted) -> Vec<StoppedBranch> {
        let held = self.places_held(meant).into_iter().map(|(root, place)| (root.id, Some(place)));
        let is_stopped = |(id, place): &StoppedBranch| {
            let excluded = self.exclusions(*id);
            excluded.is_some_and(|excluded| excluded.at_or_below(place.as_ref()).next().is_some())
        };
        let mut found: Vec<StoppedBranch> = held.filter(is_stopped).collect();
        found.sort();
        found.dedup();
        found
    }

    /// The roots at or below what is meant of which something was taken out, among at most so many that are looked at
    /// from one on; and from which one to go on.
    pub fn stopped_roots(&self, meant: &Unwanted, from: RootId, most: usize) -> (Vec<RootId>, Option<RootId>) {
        let is_meant = |root: &&Arc<Root>| match meant {
            Unwanted::Announced(path) => root.share_as == *path || root.share_as.below(path.as_str()).is_some(),
            Unwanted::OnDisk(local) => Path::new(&root.local).starts_with(local),
            Unwanted::Root(id) => root.id == *id,
            Unwanted::Branch(..) => false,
        };
        let looked_at: Vec<_> = self.roots.stopped_in(from).take(most).collect();
        let next = looked_at.last().filter(|_| looked_at.len() == most).map(|root| RootId(root.id.0.saturating_add(1)));
        (looked_at.into_iter().filter(is_meant).map(|root| root.id).collect(), next)
    }

    /// Takes back at most so many places that were taken out at and below a place; whether all are back. If the very
    /// place was taken out only that is taken back: what was taken out below it before stays out.
    pub fn include_some(&mut self, (id, place): &StoppedBranch, most: usize, unsaved: &mut Unsaved) -> bool {
        let Some(excluded) = self.exclusions(*id) else { return true };
        let itself = place.as_ref().filter(|place| excluded.contains(place));
        let most = if itself.is_some() { 1 } else { most };
        let back: Vec<SharePath> = excluded.at_or_below(place.as_ref()).take(most).cloned().collect();
        let is_all = itself.is_some() || back.len() < most;
        for place in back {
            self.roots.include(*id, &place);
            unsaved.places.insert((*id, place));
        }
        is_all
    }

    /// At most so many places that were taken out, in the order of roots and places, after one; of one root or of all.
    pub fn stopped_after(
        &self,
        of: Option<RootId>,
        after: Option<&(RootId, SharePath)>,
        most: usize,
    ) -> Vec<StoppedPlace> {
        let mut found = Vec::new();
        let first = after.map_or(RootId(0), |(root, _)| *root);
        let only = of.and_then(|id| self.root(id));
        let all = of.is_none().then(|| self.roots.stopped_in(first));
        for root in only.into_iter().chain(all.into_iter().flatten()) {
            let after = after.filter(|(of, _)| *of == root.id).map(|(_, place)| place);
            let Some(excluded) = self.exclusions(root.id) else { continue };
            let places = excluded.after(after, most - found.len());
            // What has no share path below this root can never be found in it.
            found.extend(places.filter_map(|place| {
                let path = root.share_as.join(place.as_str()).ok()?;
                Some(StoppedPlace { root: root.id, place: place.clone(), path })
            }));
            if found.len() >= most {
                break;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::table::tests::{self, library, path, root};

    /// Looked for in small steps, so that every border between two of them is crossed.
    fn stopped_at(library: &Library, meant: &Unwanted) -> Vec<StoppedBranch> {
        let (mut found, mut next) = (library.stopped_above(meant), Some(RootId(0)));
        while let Some(from) = next {
            let (roots, more) = library.stopped_roots(meant, from, 1);
            found.extend(roots.into_iter().map(|id| (id, None)));
            next = more;
        }
        found
    }

    #[test]
    fn what_was_stopped_is_found_and_taken_back() {
        let fresh = || {
            let mut library = library(&[root(2, "/h/Trip/sub", true, "Sub"), root(3, "/h/x", false, "x")]);
            let excluded = ["a", "sub/c", "sub/d", "sub2", "sub3", "sub3/x"].map(path).into_iter().collect();
            library.restore_root(root(1, "/h/Trip", true, "Trip"), excluded);
            library
        };
        let by_path = |text: &str| Unwanted::Announced(path(text));
        let on_disk = |text: &str| Unwanted::OnDisk(tests::on_disk(text).into());
        for (meant, left) in [
            (by_path("Trip"), &[][..]),
            (by_path("Trip/sub"), &["Trip/a", "Trip/sub2", "Trip/sub3", "Trip/sub3/x"]),
            (by_path("Trip/sub/d"), &["Trip/a", "Trip/sub/c", "Trip/sub2", "Trip/sub3", "Trip/sub3/x"]),
            (by_path("Trip/sub3"), &["Trip/a", "Trip/sub/c", "Trip/sub/d", "Trip/sub2", "Trip/sub3/x"]),
            (on_disk("/h"), &[]),
            (on_disk("/h/Trip"), &[]),
            (on_disk("/h/Trip/sub"), &["Trip/a", "Trip/sub2", "Trip/sub3", "Trip/sub3/x"]),
            (Unwanted::Root(RootId(1)), &[]),
        ] {
            let mut library = fresh();
            let branches = stopped_at(&library, &meant);
            assert!(!branches.is_empty(), "{meant:?}");
            let mut unsaved = Unsaved::default();
            for branch in &branches {
                while !library.include_some(branch, 1, &mut unsaved) {}
            }
            let (mut found, mut after) = (Vec::new(), None);
            while let [one] = &library.stopped_after(None, after.as_ref(), 1)[..] {
                found.push(one.path.to_string());
                after = Some((one.root, one.place.clone()));
            }
            assert_eq!(found, left, "{meant:?}");
            assert_eq!(unsaved.places.len() + left.len(), 6, "{meant:?}");
        }
        let library = fresh();
        for nothing in [by_path("Trip/sub/e"), by_path("Tri"), by_path("a"), by_path("x"), on_disk("/h/Trip/sub2/y")] {
            assert_eq!(stopped_at(&library, &nothing), [], "{nothing:?}");
        }
        assert_eq!(library.stopped_after(Some(RootId(2)), None, 9), []);
        assert_eq!(library.stopped_after(Some(RootId(1)), None, 3).len(), 3);
    }
}
