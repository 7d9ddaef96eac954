//! Where each leaf of a segment begins, so that the leaf of a path is found without looking into any but one or two.
//!
//! A fence is a few bytes of the first path of a leaf, behind what all these paths begin with. It may be of a path that
//! is gone. Where a fence does not decide, the leaf does.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::tracker::catalog::leaf::{self, Leaf};

#[derive(Debug, Default)]
pub(super) struct Fences {
    /// What all first paths began with when this was made.
    prefix: Box<[u8]>,
    /// The next bytes of each, as a number: of two paths, the one with the smaller number comes first.
    heads: Vec<u128>,
}

impl Fences {
    pub(super) fn of(leaves: &[Arc<Leaf>]) -> Self {
        let ([first, ..], [.., last]) = (leaves, leaves) else { return Self::default() };
        let (first, last) = (first.path(0).as_bytes(), last.path(0).as_bytes());
        // They are in order: what the first and the last have in common, all have.
        let common = leaf::common_bytes(first, last);
        let heads = leaves.iter().map(|leaf| head(&leaf.path(0).as_bytes()[common..])).collect();
        Self { prefix: first[..common].into(), heads }
    }

    /// A leaf has come. All fences are made again only if what they have in common has become less.
    pub(super) fn insert(&mut self, at: usize, leaves: &[Arc<Leaf>]) {
        match leaves[at].path(0).as_bytes().strip_prefix(&*self.prefix) {
            Some(rest) => self.heads.insert(at, head(rest)),
            None => *self = Self::of(leaves),
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.heads.remove(at);
    }

    /// How a fence stands to a path. `Equal` means that only the leaf can tell.
    pub(super) fn compare(&self, at: usize, path: &str) -> Ordering {
        match path.as_bytes().strip_prefix(&*self.prefix) {
            Some(rest) => self.heads[at].cmp(&head(rest)),
            None => (*self.prefix).cmp(path.as_bytes()),
        }
    }

    /// The last leaf that does not begin behind a path, or the first one. `is_behind` is asked where only a leaf can
    /// tell.
    pub(super) fn find(&self, path: &str, is_behind: impl Fn(usize) -> bool) -> usize {
        let Some(rest) = path.as_bytes().strip_prefix(&*self.prefix) else {
            let is_before_all = *path.as_bytes() < *self.prefix;
            return if is_before_all { 0 } else { self.heads.len() - 1 };
        };
        let head = head(rest);
        let (mut low, mut high) = (1, self.heads.len());
        while low < high {
            let middle = low.midpoint(high);
            let fence = self.heads[middle];
            if fence > head || fence == head && is_behind(middle) { high = middle } else { low = middle + 1 }
        }
        low - 1
    }
}

/// A path has no zero byte, so that one that ends comes before one that goes on.
fn head(rest: &[u8]) -> u128 {
    let mut head = [0; 16];
    let len = rest.len().min(head.len());
    head[..len].copy_from_slice(&rest[..len]);
    u128::from_be_bytes(head)
}
