//! Where each leaf of a segment begins, or each segment of all, so that the one of a path is found without looking into any
//! but one or two.
//!
//! A fence is a few bytes of the first path of a part, behind what all these paths begin with. It may be of a path that
//! is gone. Where a fence does not decide, the part does.

use crate::tracker::catalog::leaf;

#[derive(Debug, Default)]
pub(super) struct Fences {
    /// What all first paths began with when this was made.
    prefix: Box<[u8]>,
    /// The next bytes of each, as a number: of two paths, the one with the smaller number comes first.
    heads: Vec<u128>,
}

impl Fences {
    /// Of so many parts with these first paths.
    pub(super) fn of<'a>(count: usize, first_path: impl Fn(usize) -> &'a str) -> Self {
        let Some(last) = count.checked_sub(1) else { return Self::default() };
        // They are in order: what the first and the last have in common, all have.
        let common = leaf::common_bytes(first_path(0).as_bytes(), first_path(last).as_bytes());
        let heads = (0..count).map(|at| head(&first_path(at).as_bytes()[common..])).collect();
        Self { prefix: first_path(0).as_bytes()[..common].into(), heads }
    }

    /// A part has come. All fences are made again only if what they have in common has become less.
    pub(super) fn insert<'a>(&mut self, at: usize, first_path: impl Fn(usize) -> &'a str) {
        match first_path(at).as_bytes().strip_prefix(&*self.prefix) {
            Some(rest) => self.heads.insert(at, head(rest)),
            None => *self = Self::of(self.heads.len() + 1, first_path),
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.heads.remove(at);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// The last part that does not begin behind a path, or the first one. `is_behind` is asked where only a part can
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

    /// Whether the fences alone say that [`find`](Self::find) finds this part.
    pub(super) fn is_found(&self, at: usize, path: &str) -> bool {
        let Some(rest) = path.as_bytes().strip_prefix(&*self.prefix) else { return false };
        let head = head(rest);
        let begins_before = |fence: &u128| at == 0 || *fence < head;
        self.heads.get(at).is_some_and(begins_before) && self.heads.get(at + 1).is_none_or(|next| head < *next)
    }
}

/// A path has no zero byte, so that one that ends comes before one that goes on.
fn head(rest: &[u8]) -> u128 {
    let mut head = [0; 16];
    let len = rest.len().min(head.len());
    head[..len].copy_from_slice(&rest[..len]);
    u128::from_be_bytes(head)
}
