//! What the person means by a share path or a place on the disk, of all that is shared. It is looked for a bounded part at
//! a time: several folders may be announced under one name, and what is there may be all the other's.

use std::sync::Arc;

use crate::library::giving_up::Unwanted;
use crate::library::root::Root;
use crate::library::table::Library;
use crate::model::share_path::SharePath;

/// What is meant, as it is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meant {
    /// Something of it is shared.
    pub is_shared: bool,
    /// The places in folders at which it would be shared, though nothing of it is at present.
    pub branches: Vec<(Arc<Root>, SharePath)>,
}

/// A look for what is meant, under way.
#[derive(Debug)]
pub struct Meaning {
    meant: Unwanted,
    /// Places below roots that are still to be looked at.
    held: Option<Vec<(Arc<Root>, SharePath)>>,
    /// The share that was looked at last, at the last of these.
    after: Option<SharePath>,
    found: Meant,
}

impl Meaning {
    /// Begins to look.
    pub fn new(meant: Unwanted) -> Self {
        Self { meant, held: None, after: None, found: Meant::default() }
    }

    /// Looks at no more than so many shares; the result when nothing is left to look at.
    pub fn step(&mut self, library: &Library, most: usize) -> Option<Meant> {
        let Some(held) = &mut self.held else {
            self.found.is_shared = match &self.meant {
                Unwanted::Announced(path) => library.is_announced(path),
                Unwanted::OnDisk(local) => library.roots.lying_at_or_below(local, None).next().is_some(),
                Unwanted::Root(id) => library.root(*id).is_some(),
                Unwanted::Branch(id, place) => library.holds(*id, place.as_str()),
            };
            self.held = Some(library.places_held(&self.meant));
            return None;
        };
        let Some((root, place)) = held.last() else { return Some(std::mem::take(&mut self.found)) };
        let page = library.page_of(root, place.as_str(), self.after.as_ref(), most);
        let (is_empty, next) = (page.entries.is_empty(), page.next);
        if is_empty && next.is_some() {
            self.after = next;
            return None;
        }
        let (root, place) = held.pop()?;
        self.after = None;
        if !is_empty {
            self.found.is_shared |= matches!(self.meant, Unwanted::OnDisk(_));
        } else if library.holds(root.id, place.as_str()) {
            self.found.branches.push((root, place));
        }
        None
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::library::root::RootId;
    use crate::library::table::tests::{self, library, path, root, scan};

    /// Looked for in small steps, so that every border between two of them is crossed.
    pub(in crate::library) fn found(library: &Library, meant: &Unwanted) -> Meant {
        let mut meaning = Meaning::new(meant.clone());
        loop {
            if let Some(found) = meaning.step(library, 1) {
                return found;
            }
        }
    }

    #[test]
    fn what_is_anothers_is_not_meant() {
        let mut library = library(&[root(1, "/h/T", true, "T"), root(2, "/i/T", true, "T")]);
        let files = ["a/1", "a/2", "a/3", "b"].map(|name| (name, 1));
        scan(&mut library, 1, "", &files, 1);
        scan(&mut library, 2, "", &[("c/1", 1)], 1);
        let on_disk = |local: &str| found(&library, &Unwanted::OnDisk(tests::on_disk(local).into()));
        assert!(on_disk("/h/T/a").is_shared && on_disk("/i/T/c").is_shared);
        let Meant { is_shared, branches } = on_disk("/i/T/a");
        let branches: Vec<_> = branches.iter().map(|(root, place)| (root.id, place.as_str())).collect();
        assert_eq!((is_shared, branches), (false, vec![(RootId(2), "a")]));
        let Meant { is_shared, branches } = found(&library, &Unwanted::Announced(path("T/a")));
        assert_eq!((is_shared, branches.len()), (true, 1));
        assert_eq!(found(&library, &Unwanted::Announced(path("U"))), Meant::default());
    }
}
