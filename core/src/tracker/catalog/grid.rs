//! Which of many things in a row can have what is looked for: a table of bits, a column for each thing, a row for each
//! of some thousand values of a hash. A thing that has a term has bits in the term's rows; so everything that has the
//! term is among the columns in which those rows are all set, together with a few that are not meant.
//!
//! Things are known by their places, which shift as things come and go; columns stay. Bits are only ever set: what a
//! thing no longer has leaves its bits behind until the thing gets a fresh column. Columns that nobody uses are cleared
//! many at a time.

use std::sync::Arc;

use crate::model::hash::ContentHash;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::common::{COMMON_ROWS, Common};

/// Rows of a grid of leaves. More of them make fewer wrong candidates and take an eighth of a byte each a leaf.
pub(super) const LEAF_ROWS: usize = if cfg!(test) { COMMON_ROWS + 256 } else { 4096 };
/// Rows of the grid of segments: they have hundreds of times as many owners and hashes.
pub(super) const SEGMENT_ROWS: usize = if cfg!(test) { 1 << 9 } else { 1 << 17 };

/// How many rows a term has. A common trigram has one to itself; where others share rows, two that are wrong seldom
/// meet in a column. More would fill the table.
const TRIGRAM_ROWS: usize = 2;
const VALUE_ROWS: usize = 4;
const ROWS_MAX: usize = if TRIGRAM_ROWS > VALUE_ROWS { TRIGRAM_ROWS } else { VALUE_ROWS };

/// So many unused columns are worth clearing before a grid is made wider.
const WASH_MIN: usize = if cfg!(test) { 4 } else { 32 };

/// Something that can be had and looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// Three bytes of a search key.
    Trigram(u32),
    /// Whatever is different for different owners and hashes.
    Value(u64),
}

impl Term {
    pub(super) fn owner(owner: OwnerId) -> Self {
        Self::Value(u64::from(owner.0))
    }

    pub(super) fn hash(hash: &ContentHash) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
        Self::Value(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// Each three bytes of a search key that follow each other.
pub(super) fn trigrams(key: &[u8]) -> impl Iterator<Item = u32> {
    key.windows(3).map(|three| u32::from_be_bytes([0, three[0], three[1], three[2]]))
}

/// The places of what may have all terms.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    columns: Vec<u64>,
    places: Vec<u64>,
}

impl Candidates {
    /// From the first to the last.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        bits_of(&self.places)
    }
}

/// Which bits are set, from the first to the last.
fn bits_of(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(word, bits)| {
        let mut rest = *bits;
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            rest &= rest.checked_sub(1)?;
            Some(word * 64 + bit)
        })
    })
}

/// The rows of one term.
struct Rows {
    rows: [usize; ROWS_MAX],
    count: usize,
}

impl Rows {
    fn as_slice(&self) -> &[usize] {
        &self.rows[..self.count]
    }
}

#[derive(Debug)]
pub(super) struct Grid {
    /// Makes every grid hash differently, so that what meets by chance in one does not meet in all.
    seed: u64,
    common: Option<Arc<Common>>,
    rows: usize,
    /// 64 columns each.
    words: usize,
    bits: Vec<u64>,
    /// The column of each place, and the place of each column that is used.
    columns: Vec<u32>,
    places: Vec<u32>,
    clean: Vec<u32>,
    dirty: Vec<u32>,
}

impl Grid {
    /// An empty grid; `common` has rows of their own in it.
    pub(super) fn new(seed: u64, rows: usize, common: Option<Arc<Common>>) -> Self {
        let (seed, words, bits, columns) = (mix(seed), 0, Vec::new(), Vec::new());
        let (places, clean, dirty) = (Vec::new(), Vec::new(), Vec::new());
        Self { seed, common, rows, words, bits, columns, places, clean, dirty }
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn common(&self) -> Option<&Arc<Common>> {
        self.common.as_ref()
    }

    /// Makes room for so many places at once.
    pub(super) fn reserve(&mut self, places: usize) {
        let words = (self.len() + places).div_ceil(64);
        if words > self.words {
            self.widen(words);
        }
    }

    /// Makes a place for something that has nothing yet.
    pub(super) fn insert(&mut self, place: usize) {
        let column = self.fresh_column();
        self.columns.insert(place, column);
        self.set_places_from(place);
    }

    pub(super) fn remove(&mut self, place: usize) {
        let column = self.columns.remove(place);
        self.dirty.push(column);
        self.set_places_from(place);
    }

    /// Forgets what was marked at a place.
    pub(super) fn renew(&mut self, place: usize) {
        let column = self.fresh_column();
        self.dirty.push(std::mem::replace(&mut self.columns[place], column));
        self.places[column as usize] = u32::try_from(place).expect("as many places as columns");
    }

    /// Notes that this is to be had at that place.
    pub(super) fn mark(&mut self, place: usize, term: Term) {
        let column = self.columns[place];
        let (word, bit) = (column as usize / 64, 1 << (column % 64));
        let words = self.words;
        for row in self.rows_of(term).as_slice() {
            self.bits[row * words + word] |= bit;
        }
    }

    /// Notes all that is to be had at a place.
    pub(super) fn mark_all(&mut self, place: usize, terms: impl Iterator<Item = Term>) {
        // Most terms are there several times, and a table is slower to reach than a column.
        let mut rows = vec![0u64; self.rows.div_ceil(64)];
        for term in terms {
            self.rows_of(term).as_slice().iter().for_each(|row| rows[row / 64] |= 1 << (row % 64));
        }
        let column = self.columns[place] as usize;
        let (word, bit) = (column / 64, 1 << (column % 64));
        for row in bits_of(&rows) {
            self.bits[row * self.words + word] |= bit;
        }
    }

    /// Cuts off the places from this one on.
    pub(super) fn split_off(&mut self, place: usize) -> Self {
        let right = self.only(&self.columns[place..]);
        *self = self.only(&self.columns[..place]);
        right
    }

    /// A copy with only these columns, packed.
    fn only(&self, columns: &[u32]) -> Self {
        let mut masks = vec![0u64; self.words];
        columns.iter().for_each(|column| masks[*column as usize / 64] |= 1 << (column % 64));
        let mut copy = Self::new(0, self.rows, self.common.clone());
        copy.seed = self.seed;
        copy.reserve(columns.len());
        let packs: Vec<Pack> = masks.iter().map(|mask| Pack::new(*mask)).collect();
        let mut first = 0;
        for (word, pack) in packs.iter().enumerate() {
            let (at, shift) = (first / 64, first % 64);
            for row in 0..self.rows {
                let packed = pack.apply(self.bits[row * self.words + word]);
                if packed != 0 {
                    let row = &mut copy.bits[row * copy.words..][..copy.words];
                    row[at] |= packed << shift;
                    if shift > 0 && packed >> (64 - shift) != 0 {
                        row[at + 1] |= packed >> (64 - shift);
                    }
                }
            }
            first += masks[word].count_ones() as usize;
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

    /// Finds the places that may have all terms; `false` if there surely is none. Without terms all may.
    pub(super) fn find(&self, terms: &[Term], found: &mut Candidates) -> bool {
        let (columns, places) = (&mut found.columns, &mut found.places);
        places.clear();
        columns.clear();
        columns.resize(self.words, u64::MAX);
        for term in terms {
            for row in self.rows_of(*term).as_slice() {
                let row = &self.bits[row * self.words..][..self.words];
                columns.iter_mut().zip(row).for_each(|(found, bits)| *found &= bits);
            }
            if columns.iter().all(|bits| *bits == 0) {
                return false;
            }
        }
        places.resize(self.len().div_ceil(64), 0);
        if terms.is_empty() {
            (0..self.len()).for_each(|place| places[place / 64] |= 1 << (place % 64));
            return true;
        }
        for (word, bits) in columns.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let column = word * 64 + bits.trailing_zeros() as usize;
                let place = self.places[column] as usize;
                // A column that is no longer used still has its bits until it is cleared.
                if self.columns.get(place).is_some_and(|used| *used as usize == column) {
                    places[place / 64] |= 1 << (place % 64);
                }
                bits &= bits - 1;
            }
        }
        true
    }

    /// Checks that places and columns agree and that a fresh column is empty.
    #[cfg(test)]
    pub(super) fn assert_sound(&self) {
        for (place, column) in self.columns.iter().enumerate() {
            assert_eq!(self.places[*column as usize] as usize, place);
            assert!(!self.clean.contains(column) && !self.dirty.contains(column));
        }
        assert_eq!(self.columns.len() + self.clean.len() + self.dirty.len(), self.words * 64);
        for column in &self.clean {
            let mask = 1 << (column % 64);
            assert!(self.bits.chunks_exact(self.words).all(|row| row[*column as usize / 64] & mask == 0));
        }
    }

    #[inline]
    fn rows_of(&self, term: Term) -> Rows {
        let (value, count, first) = match (term, &self.common) {
            (Term::Trigram(trigram), Some(common)) => match common.row(trigram) {
                Some(row) => return Rows { rows: [row; ROWS_MAX], count: 1 },
                None => (u64::from(trigram), TRIGRAM_ROWS, COMMON_ROWS),
            },
            (Term::Trigram(trigram), None) => (u64::from(trigram), TRIGRAM_ROWS, 0),
            (Term::Value(value), Some(_)) => (value, VALUE_ROWS, COMMON_ROWS),
            (Term::Value(value), None) => (value, VALUE_ROWS, 0),
        };
        let hash = mix(value ^ self.seed);
        let rows = std::array::from_fn(|n| {
            let part = hash.rotate_left(16 * n as u32) & 0xffff_ffff;
            first + (part * (self.rows - first) as u64 >> 32) as usize
        });
        Rows { rows, count }
    }

    fn fresh_column(&mut self) -> u32 {
        if self.clean.is_empty() && self.dirty.len() >= WASH_MIN {
            self.wash();
        }
        if self.clean.is_empty() {
            self.widen(self.words + 1);
        }
        self.clean.pop().expect("just made")
    }

    fn wash(&mut self) {
        let mut keep = vec![u64::MAX; self.words];
        for column in &self.dirty {
            keep[*column as usize / 64] &= !(1 << (column % 64));
        }
        for row in self.bits.chunks_exact_mut(self.words) {
            row.iter_mut().zip(&keep).for_each(|(bits, keep)| *bits &= keep);
        }
        self.clean.append(&mut self.dirty);
    }

    fn widen(&mut self, words: usize) {
        let mut bits = vec![0; self.rows * words];
        if self.words > 0 {
            for (wide, narrow) in bits.chunks_exact_mut(words).zip(self.bits.chunks_exact(self.words)) {
                wide[..self.words].copy_from_slice(narrow);
            }
        }
        let new = (self.words * 64..words * 64).rev();
        self.clean.extend(new.map(|column| u32::try_from(column).expect("columns are fewer than shares")));
        self.places.resize(words * 64, u32::MAX);
        (self.words, self.bits) = (words, bits);
    }

    fn set_places_from(&mut self, from: usize) {
        for (place, column) in self.columns.iter().enumerate().skip(from) {
            self.places[*column as usize] = u32::try_from(place).expect("as many places as columns");
        }
    }
}

/// Moves the bits of a mask together (Hacker's Delight, 7-4), with what depends on the mask only worked out before.
struct Pack {
    mask: u64,
    moves: [u64; 6],
}

impl Pack {
    fn new(mask: u64) -> Self {
        let (mut rest, mut to_right) = (mask, !mask << 1);
        let moves = std::array::from_fn(|n| {
            let parity = (0..6).fold(to_right, |parity, n| parity ^ parity << (1 << n));
            let moved = parity & rest;
            rest = (rest ^ moved) | moved >> (1 << n);
            to_right &= !parity;
            moved
        });
        Self { mask, moves }
    }

    fn apply(&self, bits: u64) -> u64 {
        let step = |bits: u64, (n, moved): (usize, &u64)| (bits & !moved) | (bits & moved) >> (1 << n);
        self.moves.iter().enumerate().fold(bits & self.mask, step)
    }
}

/// Every bit of the result depends on every bit of the value (the finalizer of SplitMix64).
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_grid_finds_what_the_whole_one_found() {
        let mut grid = Grid::new(1, 300, None);
        let mut n = 0;
        for round in 0..500u64 {
            let places = grid.len();
            n = mix(n);
            let place = usize::try_from(n % 1000).expect("small") % (places + 1);
            if round % 5 == 4 && place < places {
                grid.remove(place);
            } else {
                grid.insert(place);
                grid.mark_all(place, (0..n % 7).map(|term| Term::Value(n >> 20 & 7 | term << 3)));
            }
        }
        let find = |grid: &Grid, term| {
            let mut found = Candidates::default();
            grid.find(&[term], &mut found);
            found.places().collect::<Vec<_>>()
        };
        let terms = || (0..60).map(Term::Value);
        let before: Vec<_> = terms().map(|term| find(&grid, term)).collect();
        let cut = grid.len() / 3;
        let right = grid.split_off(cut);
        grid.assert_sound();
        right.assert_sound();
        for (term, before) in terms().zip(before) {
            let mut after = find(&grid, term);
            after.extend(find(&right, term).iter().map(|place| place + cut));
            assert_eq!(after, before);
        }
    }
}
