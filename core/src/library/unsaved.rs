//! What of the library must be written so that it is the same after a restart.

use std::collections::BTreeSet;

use crate::library::root::{Root, RootId};
use crate::library::table::Library;
use crate::model::share_path::SharePath;

/// Which rows changed. Only the names of them: what is written is what they are when it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsaved {
    /// Roots that are new, others, or no more; with all that was taken out of them.
    pub roots: BTreeSet<RootId>,
    /// Single places that were taken out of a root or back in.
    pub places: BTreeSet<(RootId, SharePath)>,
}

impl Unsaved {
    /// These roots, with all that was taken out of them.
    pub fn of_roots(roots: impl IntoIterator<Item = RootId>) -> Self {
        Self { roots: roots.into_iter().collect(), places: BTreeSet::new() }
    }

    /// Adds what others changed.
    pub fn extend(&mut self, more: &Self) {
        self.roots.extend(&more.roots);
        self.places.extend(more.places.iter().cloned());
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty() && self.places.is_empty()
    }
}

/// One row as it is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootRow {
    /// A root, of which nothing is taken out but what rows after this one say; `None` is no more.
    Root(RootId, Option<Root>),
    /// Whether a place is out of a root.
    Place(RootId, SharePath, bool),
}

impl Library {
    /// What a root is now.
    pub fn root_row(&self, id: RootId) -> RootRow {
        RootRow::Root(id, self.root(id).map(|root| Root::clone(root)))
    }

    /// At most so many of the places that are out of a root now, after one.
    pub fn place_rows(&self, id: RootId, after: Option<&SharePath>, most: usize) -> Vec<RootRow> {
        let places = self.exclusions(id).into_iter().flat_map(|excluded| excluded.after(after, most));
        places.map(|place| RootRow::Place(id, place.clone(), true)).collect()
    }

    /// Whether a place is out of a root now.
    pub fn place_row(&self, id: RootId, place: &SharePath) -> RootRow {
        let is_out = self.exclusions(id).is_some_and(|excluded| excluded.contains(place));
        RootRow::Place(id, place.clone(), is_out)
    }
}
