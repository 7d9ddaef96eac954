//! Which of many things in a row can have what is looked for: a table of bits, a column for each thing, a row for each
//! of some thousand values of a hash. A thing that has a term has bits in the term's rows; so everything that has the
//! term is among the columns in which those rows are all set, together with a few that are not meant.
//!
//! Things are known by their places, which shift as things come and go; columns stay. Bits are only ever set: what a
//! thing no longer has leaves its bits behind until the thing gets a fresh column. Columns that nobody uses are cleared
//! many at a time.

use std::sync::Arc;

use crate::tracker::catalog::bits::{Pack, bits_of};
use crate::tracker::catalog::common::Common;
use crate::tracker::catalog::leaf::{Mask, NewShare};
use crate::tracker::catalog::mix::mix;
use crate::tracker::catalog::pending_delta::PendingDelta;
use crate::tracker::catalog::row_hash::{BLOCK_ROWS, OWN_ROWS, RowHash};
use crate::tracker::catalog::term::{Gram, Term, for_each_gram};

/// Rows of a signature index of leaves. More of them make fewer wrong candidates and take an eighth of a byte each a leaf.
pub(super) const LEAF_ROWS: usize = OWN_ROWS + if cfg!(test) { 1 << 8 } else { 3 << 10 };
/// Rows of the signature index of segments: they have hundreds of times as many owners and hashes.
pub(super) const SEGMENT_ROWS: usize = OWN_ROWS + if cfg!(test) { 1 << 9 } else { 1 << 17 };

/// So many words are fetched from memory together.
const CACHE_LINE_WORDS: usize = 64 / size_of::<u64>();

/// So many unused columns are worth clearing before a signature index is made wider.
const SWEEP_MIN: usize = if cfg!(test) { 4 } else { 16 };

/// The places of what may have all terms.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    places: Vec<u64>,
    /// Where the rows of what is looked for are put down meanwhile.
    rows: Vec<usize>,
}

impl Candidates {
    /// From the first to the last.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        bits_of(&self.places)
    }
}

#[derive(Debug)]
pub(super) struct SignatureIndex {
    /// Makes every signature index hash differently, so that what meets by chance in one does not meet in all.
    seed: u64,
    /// The first rows are theirs.
    common: Arc<Common>,
    rows: usize,
    /// 64 columns each: the rows of a plane lie together, as marking a leaf is what happens most.
    planes: Vec<Plane>,
    /// The column of each place, and the place of each column that is used.
    columns: Vec<u32>,
    places: Vec<u32>,
    clean: Vec<u32>,
    dirty: Vec<u32>,
}

#[derive(Debug)]
struct Plane {
    bits: Box<[u64]>,
    pending: PendingDelta,
}

impl SignatureIndex {
    pub(super) fn new(seed: u64, rows: usize, common: Arc<Common>) -> Self {
        debug_assert!(rows.is_multiple_of(BLOCK_ROWS), "a block lies in the signatures as a whole");
        let (seed, planes, columns, places) = (mix(seed), Vec::new(), Vec::new(), Vec::new());
        Self { seed, common, rows, planes, columns, places, clean: Vec::new(), dirty: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn common(&self) -> &Arc<Common> {
        &self.common
    }

    /// Makes a place for something that has nothing yet.
    pub(super) fn insert(&mut self, place: usize) {
        let column = self.fresh_column();
        self.columns.insert(place, column);
        self.set_places_from(place);
    }

    pub(super) fn remove(&mut self, place: usize) {
        let column = self.columns.remove(place);
        self.forget(column);
        self.set_places_from(place);
    }

    /// Forgets what was marked at a place.
    pub(super) fn renew(&mut self, place: usize) {
        let column = self.fresh_column();
        let old = std::mem::replace(&mut self.columns[place], column);
        self.forget(old);
        self.places[column as usize] = u32::try_from(place).expect("as many places as columns");
    }

    /// Notes what words can find at a place: the grams of a search key, but for those of its first `known` bytes, which
    /// must be ASCII.
    pub(super) fn mark_key(&mut self, place: usize, key: &[u8], known: usize) {
        let hash = RowHash::new(self.seed, self.rows, &self.common);
        let (plane, bit) = plane_of(&mut self.planes, self.columns[place]);
        mark_key(&mut plane.bits, &hash, bit, key, known);
    }

    /// Notes the owners and hashes at a place.
    pub(super) fn mark_values(&mut self, place: usize, values: impl Iterator<Item = Term>) {
        let hash = RowHash::new(self.seed, self.rows, &self.common);
        let (plane, bit) = plane_of(&mut self.planes, self.columns[place]);
        mark_values(&mut plane.bits, &hash, bit, values);
    }

    /// Has the processor fetch what marking values at a place will need.
    pub(super) fn fetch_values(&self, place: usize, values: impl Iterator<Item = Term>) {
        let hash = RowHash::new(self.seed, self.rows, &self.common);
        let bits = &self.planes[self.plane(place)].bits;
        for value in values {
            let [one, _of_its_block, two, _] = hash.rows_of(value);
            std::hint::black_box(bits[one] ^ bits[two]);
        }
    }

    /// Nothing is noted at this fresh place yet.
    pub(super) fn set_pending(&mut self, place: usize) {
        let (plane, bit) = plane_of(&mut self.planes, self.columns[place]);
        plane.pending.add_column(bit);
    }

    /// A share at this place is not noted yet; `true` if it is time to [`catch_up`](Self::catch_up).
    pub(super) fn add_late(&mut self, place: usize, share: &NewShare<'_>, known: usize) -> bool {
        let (plane, bit) = plane_of(&mut self.planes, self.columns[place]);
        plane.pending.add(bit, share, known);
        plane.pending.is_much()
    }

    pub(super) fn planes(&self) -> usize {
        self.planes.len()
    }

    /// The plane in which a place is noted.
    pub(super) fn plane(&self, place: usize) -> usize {
        self.columns[place] as usize / 64
    }

    /// Notes the pending shares of a plane. What comes back are places at which nothing is noted yet: the caller notes them.
    pub(super) fn catch_up(&mut self, plane: usize) -> impl Iterator<Item = usize> + use<> {
        let hash = RowHash::new(self.seed, self.rows, &self.common);
        let Plane { bits, pending } = &mut self.planes[plane];
        // Nearly all of it will be marked, here and there: one part behind the other it comes from memory much faster.
        fetch(bits);
        let columns = pending.take(|bit, key, known, values| {
            mark_key(bits, &hash, bit, key, known);
            mark_values(bits, &hash, bit, values.into_iter().flatten());
        });
        let places: Vec<usize> = bits_of(&[columns]).map(|bit| self.places[plane * 64 + bit] as usize).collect();
        places.into_iter()
    }

    /// Whether anything of a plane is pending.
    pub(super) fn has_pending(&self, plane: usize) -> bool {
        !self.planes[plane].pending.is_empty()
    }

    /// Gives up the room for what is pending in a plane in which nothing is.
    pub(super) fn drop_room(&mut self, plane: usize) {
        debug_assert!(!self.has_pending(plane), "what is pending would be lost");
        self.planes[plane].pending = PendingDelta::default();
    }

    /// Cuts off the places from this one on. Nothing may be pending.
    pub(super) fn split_off(&mut self, place: usize) -> Self {
        let right = self.only(&self.columns[place..]);
        *self = self.only(&self.columns[..place]);
        right
    }

    /// A copy with only these columns, packed.
    fn only(&self, columns: &[u32]) -> Self {
        let mut masks = vec![0u64; self.planes.len()];
        columns.iter().for_each(|column| masks[*column as usize / 64] |= 1 << (column % 64));
        let mut copy = Self::new(0, self.rows, self.common.clone());
        copy.seed = self.seed;
        while copy.planes.len() * 64 < columns.len() {
            copy.widen();
        }
        let mut first = 0;
        for (plane, mask) in self.planes.iter().zip(&masks) {
            let (at, shift, pack) = (first / 64, first % 64, Pack::new(*mask));
            first += mask.count_ones() as usize;
            for (to, bits) in copy.planes[at..].iter_mut().take(1).flat_map(|to| to.bits.iter_mut().zip(&plane.bits)) {
                *to |= pack.apply(*bits) << shift;
            }
            if shift > 0 && first > (at + 1) * 64 {
                for (to, bits) in copy.planes[at + 1].bits.iter_mut().zip(&plane.bits) {
                    *to |= pack.apply(*bits) >> (64 - shift);
                }
            }
        }
        for (place, column) in columns.iter().enumerate() {
            let (word, below) = (*column as usize / 64, (1u64 << (column % 64)) - 1);
            let before: u32 = masks[..word].iter().map(|mask| mask.count_ones()).sum();
            let packed = before + (masks[word] & below).count_ones();
            copy.columns.push(packed);
            copy.places[packed as usize] = u32::try_from(place).expect("as many places as columns");
        }
        let used = u32::try_from(columns.len()).expect("columns are fewer than shares");
        copy.clean.retain(|column| *column >= used);
        copy
    }

    /// Finds the places that may have all terms. Without terms all may. `pending` says which of the pending shares are meant.
    pub(super) fn find(&self, terms: &[Term], pending: impl Fn(&PendingDelta) -> Mask, found: &mut Candidates) {
        let Candidates { rows, places } = found;
        places.clear();
        places.resize(self.len().div_ceil(64), 0);
        if terms.is_empty() {
            (0..self.len()).for_each(|place| places[place / 64] |= 1 << (place % 64));
            return;
        }
        rows.clear();
        let hash = RowHash::new(self.seed, self.rows, &self.common);
        terms.iter().for_each(|term| rows.extend_from_slice(&hash.rows_of(*term)));
        for (n, plane) in self.planes.iter().enumerate() {
            let mut bits = u64::MAX;
            for row in rows.iter() {
                bits &= plane.bits[*row];
                if bits == 0 {
                    break;
                }
            }
            if !plane.pending.is_empty() {
                bits |= plane.pending.columns(pending(&plane.pending));
            }
            while bits != 0 {
                let column = n * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let place = self.places[column] as usize;
                // A column that is no longer used still has its bits until it is cleared.
                if self.columns.get(place).is_some_and(|used| *used as usize == column) {
                    places[place / 64] |= 1 << (place % 64);
                }
            }
        }
    }

    /// Checks that places and columns agree and that a fresh column is empty.
    #[cfg(test)]
    pub(super) fn assert_sound(&self) {
        for (place, column) in self.columns.iter().enumerate() {
            assert_eq!(self.places[*column as usize] as usize, place);
            assert!(!self.clean.contains(column) && !self.dirty.contains(column));
        }
        assert_eq!(self.columns.len() + self.clean.len() + self.dirty.len(), self.planes.len() * 64);
        for column in &self.clean {
            assert!(self.planes[*column as usize / 64].bits.iter().all(|bits| bits & 1 << (column % 64) == 0));
        }
    }

    /// A column is no longer used.
    fn forget(&mut self, column: u32) {
        let (plane, bit) = plane_of(&mut self.planes, column);
        plane.pending.forget(bit);
        self.dirty.push(column);
    }

    fn fresh_column(&mut self) -> u32 {
        if self.clean.is_empty() && self.dirty.len() >= SWEEP_MIN {
            self.sweep();
        }
        if self.clean.is_empty() {
            self.widen();
        }
        self.clean.pop().expect("just made")
    }

    fn sweep(&mut self) {
        let mut keep = vec![u64::MAX; self.planes.len()];
        for column in &self.dirty {
            keep[*column as usize / 64] &= !(1 << (column % 64));
        }
        for (plane, keep) in self.planes.iter_mut().zip(keep).filter(|(_, keep)| *keep != u64::MAX) {
            plane.bits.iter_mut().for_each(|bits| *bits &= keep);
        }
        self.clean.append(&mut self.dirty);
    }

    fn widen(&mut self) {
        let new = (self.planes.len() * 64..self.planes.len() * 64 + 64).rev();
        self.clean.extend(new.map(|column| u32::try_from(column).expect("columns are fewer than shares")));
        self.planes.push(Plane { bits: vec![0; self.rows].into(), pending: PendingDelta::default() });
        self.places.resize(self.planes.len() * 64, u32::MAX);
    }

    fn set_places_from(&mut self, from: usize) {
        for (place, column) in self.columns.iter().enumerate().skip(from) {
            self.places[*column as usize] = u32::try_from(place).expect("as many places as columns");
        }
    }
}

/// Has the processor fetch a plane.
fn fetch(bits: &[u64]) {
    std::hint::black_box(bits.iter().step_by(CACHE_LINE_WORDS).fold(0, |all, bits| all | bits));
}

fn mark_key(rows: &mut [u64], hash: &RowHash<'_>, bit: u64, key: &[u8], known: usize) {
    let key = &key[known.saturating_sub(3)..];
    if key.is_ascii() {
        return mark_ascii_key(rows, hash, bit, key);
    }
    let (mut last, mut is_last_common) = (Gram::NONE, false);
    for_each_gram(key, |gram| {
        let is_common_before = if gram.before == last { is_last_common } else { hash.is_common(gram.before) };
        let (rows_of_gram, is_common) = hash.rows_of_next(gram, is_common_before);
        (last, is_last_common) = (gram.letters, is_common);
        rows_of_gram.iter().for_each(|row| rows[*row] |= bit);
    });
}

/// The same for what nearly all keys are, in one loop: half of announcing is this.
fn mark_ascii_key(rows: &mut [u64], hash: &RowHash<'_>, bit: u64, key: &[u8]) {
    let (mut before, mut is_common_before) = (Gram::NONE, false);
    for three in key.windows(3) {
        let gram = Gram { letters: Gram::letters_of_ascii(three), before };
        let (rows_of_gram, is_common) = hash.rows_of_next(gram, is_common_before);
        (before, is_common_before) = (gram.letters, is_common);
        rows_of_gram.iter().for_each(|row| rows[*row] |= bit);
    }
}

fn mark_values(rows: &mut [u64], hash: &RowHash<'_>, bit: u64, values: impl Iterator<Item = Term>) {
    for value in values {
        hash.rows_of(value).iter().for_each(|row| rows[*row] |= bit);
    }
}

fn plane_of(planes: &mut [Plane], column: u32) -> (&mut Plane, u64) {
    (&mut planes[column as usize / 64], 1 << (column % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_grid_finds_what_the_whole_one_found() {
        let mut signatures = SignatureIndex::new(1, OWN_ROWS + 304, Arc::default());
        let mut n = 0;
        for round in 0..500u64 {
            let places = signatures.len();
            n = mix(n);
            let place = usize::try_from(n % 1000).expect("small") % (places + 1);
            if round % 5 == 4 && place < places {
                signatures.remove(place);
            } else {
                signatures.insert(place);
                signatures.mark_values(place, (0..n % 7).map(|term| Term::Value(n >> 20 & 7 | term << 3)));
            }
        }
        let find = |signatures: &SignatureIndex, term| {
            let mut found = Candidates::default();
            signatures.find(&[term], |_none| 0, &mut found);
            found.places().collect::<Vec<_>>()
        };
        let terms = || (0..60).map(Term::Value);
        let before: Vec<_> = terms().map(|term| find(&signatures, term)).collect();
        let cut = signatures.len() / 3;
        let right = signatures.split_off(cut);
        signatures.assert_sound();
        right.assert_sound();
        for (term, before) in terms().zip(before) {
            let mut after = find(&signatures, term);
            after.extend(find(&right, term).iter().map(|place| place + cut));
            assert_eq!(after, before);
        }
    }
}
