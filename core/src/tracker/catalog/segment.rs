//! A run of leaves in the order of lists, with the grid in which they are searched.
//!
//! The leaves are shared with running lists: what changes here is copied first if a list still reads it, one leaf at a
//! time. The grid is of the leaves as they are now and belongs to nobody else.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::tracker::catalog::grid::{COLUMNS_MAX, Candidates, Column, Grid, Term};
use crate::tracker::catalog::leaf::{Key, Leaf};
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::query;
use crate::tracker::catalog::{Content, OwnerId};

/// Most leaves of one segment: less than a grid has columns, as columns wait to be cleared.
/// Tests have few shares and still want many segments.
pub(super) const SEGMENT_LEAVES_MAX: usize = if cfg!(test) { 6 } else { COLUMNS_MAX - 32 };
/// A segment and the next with so many leaves together become one.
const JOIN_LEAVES_MAX: usize = SEGMENT_LEAVES_MAX / 2;
/// A leaf that lost so many shares since it was last indexed, and more than it still has, is indexed again.
const GHOSTS_MIN: u16 = 8;

/// The leaves of one segment, as lists hold them.
pub(super) type Leaves = Arc<Vec<Arc<Leaf>>>;

/// Never empty while it is in the catalog.
#[derive(Debug)]
pub(super) struct Segment {
    leaves: Leaves,
    /// One for each leaf.
    notes: Vec<Note>,
    grid: Grid,
    shares: usize,
}

/// What is known of a leaf and of no use to a list.
#[derive(Debug)]
struct Note {
    /// No share of this leaf has a path before this, none of the leaf before has one behind.
    fence: Box<str>,
    column: Column,
    /// How many shares left bits in the column that they no longer need.
    ghosts: u16,
}

/// Where in a segment a share is or belongs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub(super) leaf: usize,
    pub(super) at: usize,
}

impl Segment {
    /// A segment of one share.
    pub(super) fn new(seed: u64, path: &str, owner: OwnerId, content: Content) -> Self {
        let mut segment = Self { leaves: Leaves::default(), notes: Vec::new(), grid: Grid::new(seed, 1), shares: 0 };
        segment.add_leaf(0, path, owner, content);
        segment
    }

    pub(super) fn leaves(&self) -> &Leaves {
        &self.leaves
    }

    pub(super) fn shares(&self) -> usize {
        self.shares
    }

    /// Size and hash of the share at this place.
    pub(super) fn content(&self, place: Place) -> Content {
        self.leaves[place.leaf].content(place.at)
    }

    /// How many shares come before a place.
    pub(super) fn shares_before(&self, place: Place) -> usize {
        self.leaves[..place.leaf].iter().map(|leaf| leaf.len()).sum::<usize>() + place.at
    }

    /// The leaves, each with its column.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&Arc<Leaf>, Column)> {
        self.leaves.iter().zip(self.notes.iter().map(|note| note.column))
    }

    /// The leaves that may have all terms, by their columns.
    pub(super) fn candidates(&self, terms: &[Term]) -> Option<Candidates> {
        self.grid.candidates(terms)
    }

    /// Whether all shares of the leaf at `leaf` come behind the key.
    pub(super) fn is_behind(&self, leaf: usize, key: &Key<'_>, owners: &Owners) -> bool {
        match (*self.notes[leaf].fence).cmp(key.path) {
            Ordering::Less => false,
            Ordering::Equal => self.leaves[leaf].compare(0, key, owners) == Ordering::Greater,
            Ordering::Greater => true,
        }
    }

    /// Where a share is, or where it belongs.
    pub(super) fn find(&self, key: &Key<'_>, owners: &Owners) -> Result<Place, Place> {
        let (mut low, mut high) = (1, self.leaves.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.is_behind(middle, key, owners) { high = middle } else { low = middle + 1 }
        }
        let leaf = low - 1;
        let place = |at| Place { leaf, at };
        self.leaves[leaf].find(key, owners).map(place).map_err(place)
    }

    /// Whether a share can only come to this place after [`split`](Self::split).
    pub(super) fn is_full_for(&self, place: Place, path: &str) -> bool {
        self.leaves.len() == SEGMENT_LEAVES_MAX && self.leaves[place.leaf].is_full_for(path.len())
    }

    /// Whether this is the place behind all shares.
    pub(super) fn is_end(&self, place: Place) -> bool {
        place.leaf + 1 == self.leaves.len() && place.at == self.leaves[place.leaf].len()
    }

    /// Puts a share where [`find`](Self::find) says that it belongs.
    pub(super) fn insert(&mut self, mut place: Place, path: &str, owner: OwnerId, content: Content) {
        let leaf = &self.leaves[place.leaf];
        if leaf.is_full_for(path.len()) {
            // Shares often come in order: a leaf that was filled from the front stays full.
            if place.at == leaf.len() {
                self.add_leaf(place.leaf + 1, path, owner, content);
                return;
            }
            place = self.split_leaf(place);
        }
        let note = &mut self.notes[place.leaf];
        if *path < *note.fence {
            note.fence = path.into();
        }
        let column = note.column;
        mark_share(&mut self.grid, column, path, owner, content);
        self.leaf_mut(place.leaf).insert(place.at, path, owner, content);
        self.shares += 1;
    }

    /// Gives a share another size and hash.
    pub(super) fn replace(&mut self, place: Place, content: Content) {
        self.leaf_mut(place.leaf).replace(place.at, content);
        let note = &mut self.notes[place.leaf];
        note.ghosts = note.ghosts.saturating_add(1);
        if let Some(hash) = &content.hash {
            self.grid.mark(note.column, Term::hash(hash));
        }
        self.index_again_if_worn(place.leaf);
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.shares -= 1;
        if self.leaves[place.leaf].len() == 1 {
            Arc::make_mut(&mut self.leaves).remove(place.leaf);
            self.grid.drop_column(self.notes.remove(place.leaf).column);
            return;
        }
        self.leaf_mut(place.leaf).remove(place.at);
        let note = &mut self.notes[place.leaf];
        note.ghosts = note.ghosts.saturating_add(1);
        if place.leaf > 0 && self.join_leaves(place.leaf - 1) {
            return;
        }
        if !self.join_leaves(place.leaf) {
            self.index_again_if_worn(place.leaf);
        }
    }

    /// Takes at most so many shares of one owner away, and calls `gone` with each path.
    pub(super) fn remove_owner(&mut self, owner: OwnerId, max: usize, mut gone: impl FnMut(&str)) -> usize {
        let Some(candidates) = self.grid.candidates(&[Term::owner(owner)]) else { return 0 };
        let mut removed = 0;
        for (at, note) in self.notes.iter_mut().enumerate() {
            if removed >= max {
                break;
            }
            let leaf = &self.leaves[at];
            let theirs = if candidates.has(note.column) { leaf.of_owner(owner) } else { 0 };
            if theirs == 0 {
                continue;
            }
            (0..leaf.len()).filter(|at| theirs & 1 << at != 0).for_each(|at| gone(leaf.path(at)));
            let rest = leaf.only(leaf.all() & !theirs);
            let lost = leaf.len() - rest.len();
            removed += lost;
            note.ghosts = note.ghosts.saturating_add(u16::try_from(lost).unwrap_or(u16::MAX));
            Arc::make_mut(&mut self.leaves)[at] = Arc::new(rest);
        }
        if removed > 0 {
            self.shares -= removed;
            self.tidy();
        }
        removed
    }

    /// Drops empty leaves and joins small ones.
    fn tidy(&mut self) {
        let leaves = Arc::make_mut(&mut self.leaves);
        let mut at = 0;
        self.notes.retain(|note| {
            let keep = leaves[at].len() > 0;
            at += 1;
            if !keep {
                self.grid.drop_column(note.column);
            }
            keep
        });
        leaves.retain(|leaf| leaf.len() > 0);
        let mut at = 0;
        while at + 1 < self.leaves.len() {
            if !self.join_leaves(at) {
                at += 1;
            }
        }
    }

    /// Cuts off the second half. Takes this seed and the one before.
    pub(super) fn split(&mut self, seed: u64) -> Self {
        let middle = self.leaves.len() / 2;
        let right = Arc::make_mut(&mut self.leaves).split_off(middle);
        let notes = self.notes.split_off(middle);
        let mut right = Self { leaves: Arc::new(right), notes, grid: Grid::new(seed, 0), shares: 0 };
        right.shares = right.leaves.iter().map(|leaf| leaf.len()).sum();
        self.shares -= right.shares;
        self.index_all(seed - 1);
        right.index_all(seed);
        right
    }

    /// Takes over the leaves of the segment behind this one, if both are small.
    pub(super) fn can_take(&self, next: &Self) -> bool {
        self.leaves.len() + next.leaves.len() <= JOIN_LEAVES_MAX
    }

    /// Takes over the leaves of the segment behind this one.
    pub(super) fn append(&mut self, next: Self) {
        let mut scratch = Vec::new();
        for (leaf, note) in next.leaves.iter().zip(next.notes) {
            let column = self.grid.add_column();
            mark_leaf(&mut self.grid, column, leaf, &mut scratch);
            self.notes.push(Note { column, ghosts: 0, ..note });
        }
        Arc::make_mut(&mut self.leaves).extend(next.leaves.iter().cloned());
        self.shares += next.shares;
    }

    /// Checks what the parts promise each other, and that nothing is missing in the grid.
    #[cfg(test)]
    pub(super) fn assert_sound(&self, owners: &Owners) {
        assert_eq!(self.leaves.len(), self.notes.len());
        assert_eq!(self.shares, self.leaves.iter().map(|leaf| leaf.len()).sum::<usize>());
        let mut columns: Vec<_> = self.notes.iter().map(|note| note.column).collect();
        columns.sort_unstable();
        columns.dedup();
        assert_eq!(columns.len(), self.leaves.len());
        for (at, (leaf, note)) in self.leaves.iter().zip(&self.notes).enumerate() {
            leaf.assert_sound(owners);
            assert!(*note.fence <= *leaf.path(0));
            assert!(at == 0 || *note.fence >= *self.leaves[at - 1].path(self.leaves[at - 1].len() - 1));
            let mut terms = Vec::new();
            let mut scratch = Vec::new();
            for key in leaf.keys(&mut scratch).split(|byte| *byte == b'\n') {
                terms.extend(Term::trigrams(key));
            }
            for at in 0..leaf.len() {
                terms.push(Term::owner(leaf.owner(at)));
                terms.extend(leaf.content(at).hash.as_ref().map(Term::hash));
            }
            assert!(self.grid.candidates(&terms).is_some_and(|found| found.has(note.column)));
        }
    }

    fn leaf_mut(&mut self, leaf: usize) -> &mut Leaf {
        Arc::make_mut(&mut Arc::make_mut(&mut self.leaves)[leaf])
    }

    fn add_leaf(&mut self, at: usize, path: &str, owner: OwnerId, content: Content) {
        let mut leaf = Leaf::default();
        leaf.insert(0, path, owner, content);
        let column = self.grid.add_column();
        mark_share(&mut self.grid, column, path, owner, content);
        Arc::make_mut(&mut self.leaves).insert(at, Arc::new(leaf));
        self.notes.insert(at, Note { fence: path.into(), column, ghosts: 0 });
        self.shares += 1;
    }

    /// Makes two of a full leaf; returns where the place is now.
    fn split_leaf(&mut self, place: Place) -> Place {
        let Place { leaf: at, at: share } = place;
        let leaf = &self.leaves[at];
        let middle = leaf.len() / 2;
        let right_mask = leaf.all() >> middle << middle;
        let (left, right) = (leaf.only(leaf.all() & !right_mask), leaf.only(right_mask));
        let fence = right.path(0).into();
        let leaves = Arc::make_mut(&mut self.leaves);
        leaves[at] = Arc::new(left);
        leaves.insert(at + 1, Arc::new(right));
        let column = self.grid.add_column();
        self.notes.insert(at + 1, Note { fence, column, ghosts: 0 });
        mark_leaf(&mut self.grid, column, &self.leaves[at + 1], &mut Vec::new());
        self.index_again(at);
        if share > middle { Place { leaf: at + 1, at: share - middle } } else { place }
    }

    /// Moves the shares of the next leaf into this one, if both are small.
    fn join_leaves(&mut self, at: usize) -> bool {
        let [one, next, ..] = &self.leaves[at..] else { return false };
        if !one.can_take(next) {
            return false;
        }
        let next = Arc::make_mut(&mut self.leaves).remove(at + 1);
        let gone = self.notes.remove(at + 1);
        self.grid.drop_column(gone.column);
        mark_leaf(&mut self.grid, self.notes[at].column, &next, &mut Vec::new());
        self.leaf_mut(at).append(&next);
        self.index_again_if_worn(at);
        true
    }

    fn index_again_if_worn(&mut self, at: usize) {
        let ghosts = self.notes[at].ghosts;
        if ghosts >= GHOSTS_MIN && usize::from(ghosts) > self.leaves[at].len() {
            self.index_again(at);
        }
    }

    fn index_again(&mut self, at: usize) {
        let column = self.grid.add_column();
        mark_leaf(&mut self.grid, column, &self.leaves[at], &mut Vec::new());
        let note = &mut self.notes[at];
        self.grid.drop_column(note.column);
        (note.column, note.ghosts) = (column, 0);
    }

    fn index_all(&mut self, seed: u64) {
        self.grid = Grid::new(seed, self.leaves.len());
        let mut scratch = Vec::new();
        for (leaf, note) in self.leaves.iter().zip(&mut self.notes) {
            let column = self.grid.add_column();
            mark_leaf(&mut self.grid, column, leaf, &mut scratch);
            (note.column, note.ghosts) = (column, 0);
        }
    }
}

fn mark_share(grid: &mut Grid, column: Column, path: &str, owner: OwnerId, content: Content) {
    let mut key = Vec::with_capacity(path.len());
    query::push_key(path, &mut key);
    Term::trigrams(&key).for_each(|term| grid.mark(column, term));
    mark_values(grid, column, owner, content);
}

fn mark_leaf(grid: &mut Grid, column: Column, leaf: &Leaf, scratch: &mut Vec<u8>) {
    for key in leaf.keys(scratch).split(|byte| *byte == b'\n') {
        Term::trigrams(key).for_each(|term| grid.mark(column, term));
    }
    for at in 0..leaf.len() {
        mark_values(grid, column, leaf.owner(at), leaf.content(at));
    }
}

fn mark_values(grid: &mut Grid, column: Column, owner: OwnerId, content: Content) {
    grid.mark(column, Term::owner(owner));
    if let Some(hash) = &content.hash {
        grid.mark(column, Term::hash(hash));
    }
}
