//! The leaves of one segment with the sum of each. Running lists share it: it is copied when it changes while one reads.

use std::ops::Deref;
use std::sync::Arc;

use crate::tracker::catalog::leaf::{Leaf, NewShare};
use crate::tracker::catalog::sum::LeafSum;

/// A row as lists hold it.
pub(super) type Leaves = Arc<LeafRow>;

/// Leaves in order. All changes go through it, so that the sums are right.
#[derive(Debug, Clone, Default)]
pub(super) struct LeafRow {
    leaves: Vec<Arc<Leaf>>,
    sums: Vec<LeafSum>,
}

impl Deref for LeafRow {
    type Target = [Arc<Leaf>];

    fn deref(&self) -> &[Arc<Leaf>] {
        &self.leaves
    }
}

impl LeafRow {
    /// The sums of the leaves.
    pub(super) fn sums(&self) -> &[LeafSum] {
        &self.sums
    }

    /// Puts a leaf before the one at this place.
    pub(super) fn insert(&mut self, at: usize, leaf: Leaf) {
        self.sums.insert(at, leaf.sum());
        self.leaves.insert(at, Arc::new(leaf));
    }

    /// Puts a leaf in the place of another.
    pub(super) fn set(&mut self, at: usize, leaf: Leaf) {
        self.sums[at] = leaf.sum();
        self.leaves[at] = Arc::new(leaf);
    }

    /// Takes a leaf out.
    pub(super) fn remove(&mut self, at: usize) -> Arc<Leaf> {
        self.sums.remove(at);
        self.leaves.remove(at)
    }

    /// Puts a share into a leaf.
    pub(super) fn insert_share(&mut self, leaf: usize, at: usize, share: &NewShare<'_>) {
        Arc::make_mut(&mut self.leaves[leaf]).insert(at, share);
        self.sums[leaf].add(share.owner, share.content.size);
    }

    /// Changes a leaf in any way.
    pub(super) fn change(&mut self, at: usize, change: impl FnOnce(&mut Leaf)) {
        let leaf = Arc::make_mut(&mut self.leaves[at]);
        change(leaf);
        self.sums[at] = leaf.sum();
    }

    /// Cuts off the leaves from this place on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self { leaves: self.leaves.split_off(at), sums: self.sums.split_off(at) }
    }

    /// Takes over the leaves that come behind.
    pub(super) fn append(&mut self, next: &Self) {
        self.leaves.extend_from_slice(&next.leaves);
        self.sums.extend_from_slice(&next.sums);
    }

    /// Checks the sums.
    #[cfg(test)]
    pub(super) fn assert_sound(&self) {
        assert!(self.sums.iter().copied().eq(self.leaves.iter().map(|leaf| leaf.sum())));
    }
}
