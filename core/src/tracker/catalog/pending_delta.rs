//! What has come and is not marked in a signature index yet. Marking one thing alone costs fetching most of a plane from memory;
//! marking many of a plane one behind the other costs it once. Until then a search looks at all that is pending: at the
//! keys of shares that have come to a leaf, and at whole leaves that are new.

use crate::tracker::catalog::leaf::{Mask, NewShare};
use crate::tracker::catalog::term::Term;

/// So many are marked together. A [`Mask`] has a bit for each.
pub(super) const PENDING_MAX: usize = if cfg!(test) { 5 } else { 32 };
const _: () = assert!(PENDING_MAX <= Mask::BITS as usize);

/// So many new leaves of a plane are marked together.
const PENDING_COLUMNS_MAX: u32 = if cfg!(test) { 3 } else { 24 };

/// What is pending in one plane.
#[derive(Debug, Default)]
pub(super) struct PendingDelta {
    /// Columns in which nothing is marked yet.
    columns: u64,
    shares: Vec<PendingShare>,
    /// Their search keys, an LF behind each.
    keys: Vec<u8>,
}

/// What is to be marked of a share besides its key.
#[derive(Debug, Clone, Copy)]
struct PendingShare {
    /// The column as a bit of the plane; zero if there is nothing to mark any more.
    bit: u64,
    owner: Term,
    hash: Option<Term>,
    /// So many bytes of the key are marked already or belong to another pending share of the same leaf.
    known: usize,
}

impl PendingDelta {
    /// Whether it is time to mark.
    pub(super) fn is_much(&self) -> bool {
        self.shares.len() == PENDING_MAX || self.columns.count_ones() >= PENDING_COLUMNS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns == 0 && self.shares.is_empty()
    }

    /// All of a column is pending.
    pub(super) fn add_column(&mut self, bit: u64) {
        self.columns |= bit;
    }

    /// A share is pending, if not all of its column is.
    pub(super) fn add(&mut self, bit: u64, share: &NewShare<'_>, known: usize) {
        if self.columns & bit != 0 {
            return;
        }
        self.shares.push(PendingShare { bit, owner: share.owner_term(), hash: share.hash_term(), known });
        self.keys.extend_from_slice(share.search_key);
        self.keys.push(b'\n');
    }

    /// Forgets what is pending of some columns.
    pub(super) fn forget(&mut self, columns: u64) {
        self.columns &= !columns;
        self.shares.iter_mut().for_each(|share| share.bit &= !columns);
    }

    /// The search keys, an LF behind each.
    pub(super) fn keys(&self) -> &[u8] {
        &self.keys
    }

    /// Those that have an owner or a hash.
    pub(super) fn with_value(&self, value: Term) -> Mask {
        let has = |share: &PendingShare| share.owner == value || share.hash == Some(value);
        self.shares.iter().enumerate().fold(0, |found, (at, share)| found | Mask::from(has(share)) << at)
    }

    /// All pending columns, and those of some pending shares.
    pub(super) fn columns(&self, some: Mask) -> u64 {
        let is_meant = |at: usize| some >> at & 1 != 0;
        let shares = self.shares.iter().enumerate();
        shares.fold(self.columns, |columns, (at, share)| if is_meant(at) { columns | share.bit } else { columns })
    }

    /// Gives the column of each share with the key, how much of that is known, and the values. What comes back are the
    /// pending columns; nothing is pending any more.
    pub(super) fn take(&mut self, mut mark: impl FnMut(u64, &[u8], usize, [Option<Term>; 2])) -> u64 {
        for (share, key) in self.shares.drain(..).zip(self.keys.split(|byte| *byte == b'\n')) {
            if share.bit != 0 {
                mark(share.bit, key, share.known, [Some(share.owner), share.hash]);
            }
        }
        self.keys.clear();
        std::mem::take(&mut self.columns)
    }
}
