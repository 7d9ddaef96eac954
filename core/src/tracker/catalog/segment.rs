//! A run of leaves in the order of lists, with the signature index in which they are searched.
//!
//! The leaves are shared with running lists: what changes here is copied first if a list still reads it, one leaf at a
//! time. The signature index is of the leaves as they are now and belongs to nobody else.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::tracker::catalog::common::Common;
use crate::tracker::catalog::fences::Fences;
use crate::tracker::catalog::leaf::{self, Key, Leaf, Mask, NewShare};
use crate::tracker::catalog::leaf_row::Leaves;
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::pending_delta::PendingDelta;
#[cfg(test)]
use crate::tracker::catalog::query::WordQuery;
use crate::tracker::catalog::signature_index::{Candidates, LEAF_ROWS, SignatureIndex};
use crate::tracker::catalog::term::Term;
use crate::tracker::catalog::{OwnerId, ShareContent};

/// Most leaves of one segment. To index them all again takes some milliseconds; each segment costs a search half a
/// microsecond. Tests have few shares and still want many segments.
pub(super) const SEGMENT_LEAVES_MAX: usize = if cfg!(test) { 6 } else { 480 };
/// A segment and the next with so many leaves together become one.
const JOIN_LEAVES_MAX: usize = SEGMENT_LEAVES_MAX / 2;
/// A leaf that lost so many shares since it was last indexed, and more than it still has, is indexed again.
const LEAF_TOMBSTONES_MIN: u16 = 8;

/// So few shares are taken out of a leaf one by one; if there are more, the leaf is made anew.
const FEW: u32 = 4;

/// Never empty while it is in the catalog.
#[derive(Debug)]
pub(super) struct Segment {
    leaves: Leaves,
    fences: Fences,
    /// How many shares of each leaf have left bits in the signature index that they no longer need.
    leaf_tombstones: Vec<u16>,
    signatures: SignatureIndex,
    shares: usize,
    /// How many shares left bits in the signature index of segments that they no longer need.
    pub(super) tombstones: usize,
}

/// Where in a segment a share is or belongs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SharePlace {
    pub(super) leaf: usize,
    pub(super) at: usize,
}

impl Segment {
    /// A segment of one share.
    pub(super) fn new(seed: u64, common: Arc<Common>, share: &NewShare<'_>) -> Self {
        let signatures = SignatureIndex::new(seed, LEAF_ROWS, common);
        let (leaves, fences, leaf_tombstones) = (Leaves::default(), Fences::default(), Vec::new());
        let mut segment = Self { leaves, fences, leaf_tombstones, signatures, shares: 0, tombstones: 0 };
        segment.add_leaf(0, share);
        segment
    }

    pub(super) fn leaves(&self) -> &Leaves {
        &self.leaves
    }

    pub(super) fn shares(&self) -> usize {
        self.shares
    }

    /// Size and hash of the share at this place.
    pub(super) fn content(&self, place: SharePlace) -> ShareContent {
        self.leaves[place.leaf].content(place.at)
    }

    /// How many shares come before a place.
    pub(super) fn shares_before(&self, place: SharePlace) -> usize {
        self.leaves[..place.leaf].iter().map(|leaf| leaf.len()).sum::<usize>() + place.at
    }

    /// Finds the leaves that may have all terms. `pending` says which of the pending shares are meant.
    pub(super) fn find_leaves(&self, terms: &[Term], pending: impl Fn(&PendingDelta) -> Mask, found: &mut Candidates) {
        self.signatures.find(terms, pending, found);
    }

    /// Marks all that is pending; whether there was any.
    pub(super) fn catch_up(&mut self) -> bool {
        (0..self.signatures.planes()).fold(false, |was_pending, plane| {
            let is_pending = self.signatures.has_pending(plane);
            if is_pending {
                self.catch_up_plane(plane);
            } else {
                self.signatures.drop_room(plane);
            }
            was_pending | is_pending
        })
    }

    fn catch_up_plane(&mut self, plane: usize) {
        let mut scratch = Vec::new();
        for at in self.signatures.catch_up(plane) {
            mark_leaf(&mut self.signatures, at, &self.leaves[at], &mut scratch);
        }
    }

    /// Whether the signature index was made for these common grams.
    pub(super) fn knows(&self, common: &Arc<Common>) -> bool {
        Arc::ptr_eq(self.signatures.common(), common)
    }

    /// All owners and hashes.
    pub(super) fn values(&self) -> impl Iterator<Item = Term> {
        self.leaves.iter().flat_map(|leaf| leaf.values())
    }

    /// Whether all shares of this segment come behind a key.
    pub(super) fn is_behind(&self, key: &Key<'_>, owners: &Owners) -> bool {
        self.leaves[0].compare(0, key, owners) == Ordering::Greater
    }

    pub(super) fn first_path(&self) -> &str {
        self.leaves[0].path(0)
    }

    /// Where a share is, or where it belongs.
    pub(super) fn find(&self, key: &Key<'_>, owners: &Owners) -> Result<SharePlace, SharePlace> {
        let is_behind = |leaf: usize| self.leaves[leaf].compare(0, key, owners) == Ordering::Greater;
        self.find_in(self.fences.find(key.path, is_behind), key, owners)
    }

    /// The same if the leaf is known already.
    pub(super) fn find_in(&self, leaf: usize, key: &Key<'_>, owners: &Owners) -> Result<SharePlace, SharePlace> {
        let place = |at| SharePlace { leaf, at };
        self.leaves[leaf].find(key, owners).map(place).map_err(place)
    }

    /// The leaf in which a share probably is or belongs: nothing is looked at that is not fetched from memory for all.
    pub(super) fn likely_leaf(&self, path: &str) -> usize {
        self.fences.find(path, |_only_the_leaf_can_tell| false)
    }

    /// Whether a share surely is or belongs in this leaf.
    pub(super) fn is_in_leaf(&self, leaf: usize, path: &str) -> bool {
        self.fences.is_found(leaf, path)
    }

    /// Whether a share can only come to this place after [`split`](Self::split).
    pub(super) fn is_full_for(&self, place: SharePlace, path: &str) -> bool {
        self.leaves.len() == SEGMENT_LEAVES_MAX && self.leaves[place.leaf].is_full_for(path.len())
    }

    /// Whether this is the place behind all shares.
    pub(super) fn is_end(&self, place: SharePlace) -> bool {
        place.leaf + 1 == self.leaves.len() && place.at == self.leaves[place.leaf].len()
    }

    /// Puts a share where [`find`](Self::find) says that it belongs.
    pub(super) fn insert(&mut self, mut place: SharePlace, share: &NewShare<'_>) {
        let leaf = &self.leaves[place.leaf];
        if leaf.is_full_for(share.path.len()) {
            // Shares often come in order: a leaf that was filled from the front stays full.
            if place.at == leaf.len() {
                self.add_leaf(place.leaf + 1, share);
                return;
            }
            place = self.split_leaf(place);
        }
        // Only of ASCII are the keys as long as the texts.
        let is_ascii = share.path.is_ascii();
        let known = if is_ascii { self.leaves[place.leaf].known_bytes(place.at, share.path) } else { 0 };
        Arc::make_mut(&mut self.leaves).insert_share(place.leaf, place.at, share);
        self.shares += 1;
        self.note_pending(place.leaf, share, known);
    }

    /// Gives a share another size and hash.
    pub(super) fn replace(&mut self, place: SharePlace, content: ShareContent) {
        self.change_leaf(place.leaf, |leaf| leaf.replace(place.at, content));
        self.leaf_tombstones[place.leaf] += 1;
        self.tombstones += 1;
        if let Some(hash) = &content.hash {
            self.signatures.mark_values(place.leaf, [Term::hash(hash)].into_iter());
        }
        self.index_again_if_worn(place.leaf);
    }

    pub(super) fn remove(&mut self, place: SharePlace) {
        self.shares -= 1;
        self.tombstones += 1;
        if self.leaves[place.leaf].len() == 1 {
            self.remove_leaf(place.leaf);
            return;
        }
        self.change_leaf(place.leaf, |leaf| leaf.remove(place.at));
        self.leaf_tombstones[place.leaf] += 1;
        if place.leaf > 0 && self.join_leaves(place.leaf - 1) {
            return;
        }
        if !self.join_leaves(place.leaf) {
            self.index_again_if_worn(place.leaf);
        }
    }

    /// Takes about so many shares of one owner away, and calls `gone` with the path and size of each.
    pub(super) fn remove_owner(
        &mut self,
        owner: OwnerId,
        max: usize,
        gone: &mut impl FnMut(&str, Option<u64>),
    ) -> usize {
        let mut candidates = Candidates::default();
        let mut removed = 0;
        let term = Term::owner(owner);
        self.signatures.find(&[term], |pending| pending.with_value(term), &mut candidates);
        for at in candidates.places() {
            if removed >= max {
                break;
            }
            let leaf = &self.leaves[at];
            let theirs = leaf.of_owner(owner);
            if theirs == 0 {
                continue;
            }
            (0..leaf.len()).filter(|share| theirs & 1 << share != 0).for_each(|share| {
                gone(leaf.path(share), leaf.content(share).size);
            });
            let lost = theirs.count_ones();
            removed += lost as usize;
            self.leaf_tombstones[at] += u16::try_from(lost).expect("a leaf has few shares");
            if lost <= FEW {
                self.change_leaf(at, |leaf| {
                    (0..leaf.len()).rev().filter(|share| theirs & 1 << share != 0).for_each(|share| leaf.remove(share));
                });
            } else {
                let rest = leaf.only(leaf.all() & !theirs);
                Arc::make_mut(&mut self.leaves).set(at, rest);
            }
        }
        if removed > 0 {
            self.shares -= removed;
            self.tombstones += removed;
            self.tidy();
        }
        removed
    }

    /// Drops empty leaves, joins small ones and indexes worn ones again.
    fn tidy(&mut self) {
        for at in (0..self.leaves.len()).rev() {
            if self.leaves[at].len() == 0 {
                self.remove_leaf(at);
            } else if !self.join_leaves(at) {
                self.index_again_if_worn(at);
            }
        }
    }

    /// Cuts off the second half. What is noted of it elsewhere as of this segment counts as left behind.
    pub(super) fn split(&mut self) -> Self {
        self.catch_up();
        let middle = self.leaves.len() / 2;
        let leaves = Arc::make_mut(&mut self.leaves).split_off(middle);
        let shares = leaves.iter().map(|leaf| leaf.len()).sum();
        self.shares -= shares;
        let (leaf_tombstones, signatures) = (self.leaf_tombstones.split_off(middle), self.signatures.split_off(middle));
        self.fences = Fences::of(self.leaves.len(), |at| self.leaves[at].path(0));
        self.tombstones += shares;
        Self {
            fences: Fences::of(leaves.len(), |at| leaves[at].path(0)),
            leaves: Arc::new(leaves),
            leaf_tombstones,
            signatures,
            shares,
            tombstones: 0,
        }
    }

    /// Takes over the leaves of the segment behind this one, if both are small.
    pub(super) fn can_take(&self, next: &Self) -> bool {
        self.leaves.len() + next.leaves.len() <= JOIN_LEAVES_MAX
    }

    /// Takes over the leaves of the segment behind this one.
    pub(super) fn append(&mut self, next: Self) {
        let mut scratch = Vec::new();
        for leaf in next.leaves.iter() {
            let place = self.signatures.len();
            self.signatures.insert(place);
            mark_leaf(&mut self.signatures, place, leaf, &mut scratch);
            self.leaf_tombstones.push(0);
        }
        Arc::make_mut(&mut self.leaves).append(&next.leaves);
        self.fences = Fences::of(self.leaves.len(), |at| self.leaves[at].path(0));
        self.shares += next.shares;
    }

    /// Checks what the parts promise each other, and that nothing is missing in the signature index.
    #[cfg(test)]
    pub(super) fn assert_sound(&self, owners: &Owners) {
        assert_eq!(self.leaves.len(), self.leaf_tombstones.len());
        assert_eq!(self.shares, self.leaves.iter().map(|leaf| leaf.len()).sum::<usize>());
        assert_eq!(self.signatures.len(), self.leaves.len());
        self.signatures.assert_sound();
        self.leaves.assert_sound();
        for (at, leaf) in self.leaves.iter().enumerate() {
            leaf.assert_sound(owners);
            for share in 0..leaf.len() {
                let found = self.find(&leaf.key(share, owners), owners).expect("is there");
                assert_eq!((found.leaf, found.at), (at, share));
            }
            let mut found = Candidates::default();
            for value in leaf.values() {
                self.signatures.find(&[value], |pending| pending.with_value(value), &mut found);
                assert!(found.places().any(|place| place == at));
            }
            for share in 0..leaf.len() {
                let whole = WordQuery::new(&[leaf.path(share)]);
                self.signatures.find(whole.terms(), |pending| whole.matches_of(pending.keys()), &mut found);
                assert!(found.places().any(|place| place == at));
            }
        }
    }

    fn change_leaf(&mut self, leaf: usize, change: impl FnOnce(&mut Leaf)) {
        Arc::make_mut(&mut self.leaves).change(leaf, change);
    }

    fn add_leaf(&mut self, at: usize, share: &NewShare<'_>) {
        let mut leaf = Leaf::default();
        leaf.insert(0, share);
        self.signatures.insert(at);
        Arc::make_mut(&mut self.leaves).insert(at, leaf);
        self.fences.insert(at, |at| self.leaves[at].path(0));
        self.leaf_tombstones.insert(at, 0);
        self.shares += 1;
        self.note_pending(at, share, 0);
    }

    /// The first `known` bytes of the search key begin another one of the same leaf.
    fn note_pending(&mut self, leaf: usize, share: &NewShare<'_>, known: usize) {
        if self.signatures.add_late(leaf, share, known) {
            self.catch_up_plane(self.signatures.plane(leaf));
        }
    }

    fn remove_leaf(&mut self, at: usize) -> Arc<Leaf> {
        self.fences.remove(at);
        self.leaf_tombstones.remove(at);
        self.signatures.remove(at);
        Arc::make_mut(&mut self.leaves).remove(at)
    }

    /// Makes two of a full leaf; returns where the place is now.
    fn split_leaf(&mut self, place: SharePlace) -> SharePlace {
        let SharePlace { leaf: at, at: share } = place;
        let leaf = &self.leaves[at];
        let middle = leaf.middle();
        let right_mask = leaf.all() >> middle << middle;
        let (left, right) = (leaf.only(leaf.all() & !right_mask), leaf.only(right_mask));
        let leaves = Arc::make_mut(&mut self.leaves);
        leaves.set(at, left);
        leaves.insert(at + 1, right);
        self.fences.insert(at + 1, |at| self.leaves[at].path(0));
        self.leaf_tombstones.insert(at + 1, 0);
        self.signatures.insert(at + 1);
        self.signatures.set_pending(at + 1);
        self.signatures.renew(at);
        self.signatures.set_pending(at);
        self.leaf_tombstones[at] = 0;
        if share > middle { SharePlace { leaf: at + 1, at: share - middle } } else { place }
    }

    /// Moves the shares of the next leaf into this one, if both are small.
    fn join_leaves(&mut self, at: usize) -> bool {
        let [one, next, ..] = &self.leaves[at..] else { return false };
        if !one.can_take(next) {
            return false;
        }
        let next = self.remove_leaf(at + 1);
        mark_leaf(&mut self.signatures, at, &next, &mut Vec::new());
        self.change_leaf(at, |leaf| leaf.append(&next));
        self.index_again_if_worn(at);
        true
    }

    fn index_again_if_worn(&mut self, at: usize) {
        let tombstones = self.leaf_tombstones[at];
        if tombstones >= LEAF_TOMBSTONES_MIN && usize::from(tombstones) > self.leaves[at].len() {
            self.index_again(at);
        }
    }

    fn index_again(&mut self, at: usize) {
        self.signatures.renew(at);
        mark_leaf(&mut self.signatures, at, &self.leaves[at], &mut Vec::new());
        self.leaf_tombstones[at] = 0;
    }

    /// Makes a signature index of its own for what is common now.
    pub(super) fn index_all(&mut self, seed: u64, common: &Arc<Common>) {
        self.signatures = SignatureIndex::new(seed, LEAF_ROWS, common.clone());
        let mut scratch = Vec::new();
        for (place, leaf) in self.leaves.iter().enumerate() {
            self.signatures.insert(place);
            mark_leaf(&mut self.signatures, place, leaf, &mut scratch);
        }
        self.leaf_tombstones.fill(0);
    }
}

fn mark_leaf(signatures: &mut SignatureIndex, place: usize, leaf: &Leaf, scratch: &mut Vec<u8>) {
    let mut before: &[u8] = &[];
    for key in leaf.keys(scratch).split(|byte| *byte == b'\n') {
        let common = leaf::common_bytes(key, before);
        signatures.mark_key(place, key, if key[..common].is_ascii() { common } else { 0 });
        before = key;
    }
    signatures.mark_values(place, leaf.values());
}
