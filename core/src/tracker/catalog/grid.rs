//! Which leaves of a segment can have what is looked for: a table of bits, a column for each leaf, a row for each of a
//! few thousand values of a hash. A leaf with a term has bits in the term's rows; so all leaves that have the term are
//! among the columns in which those rows are all set, together with a few that are not meant.
//!
//! Bits are only ever set. What a leaf no longer has leaves its bits behind until the leaf gets a fresh column; columns
//! that nobody uses are cleared many at a time.

use crate::model::hash::ContentHash;
use crate::tracker::catalog::OwnerId;

/// Rows of every grid: more of them make fewer wrong candidates and take an eighth of a byte each a leaf.
const ROWS: usize = 1 << ROW_BITS;
const ROW_BITS: u32 = 12;
/// Rows of each three bytes of a path. Two wrong ones of twelve meet in few columns; more fill the table.
const TRIGRAM_ROWS: u32 = 2;
/// Rows of an owner and of a hash: there are few of these in a leaf, and their lists should be found at once.
const VALUE_ROWS: u32 = 5;
const _: () = assert!(VALUE_ROWS * ROW_BITS <= u64::BITS);

/// Columns of a grid at most: a row is then as long as a cache line.
pub(super) const COLUMNS_MAX: usize = WORDS_MAX * 64;
const WORDS_MAX: usize = 8;
/// So many unused columns are worth clearing before the grid is made wider.
const WASH_MIN: usize = if cfg!(test) { 4 } else { 32 };

/// Something that a leaf can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    value: u64,
    rows: u32,
}

impl Term {
    pub(super) fn owner(owner: OwnerId) -> Self {
        Self { value: 1 << 32 | u64::from(owner.0), rows: VALUE_ROWS }
    }

    pub(super) fn hash(hash: &ContentHash) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
        Self { value: u64::from_le_bytes([a, b, c, d, e, f, g, h]), rows: VALUE_ROWS }
    }

    /// The terms of a search key: each three bytes that follow each other.
    pub(super) fn trigrams(key: &[u8]) -> impl Iterator<Item = Self> {
        key.windows(3).map(|three| match *three {
            [a, b, c] => Self { value: u64::from(u32::from_be_bytes([0, a, b, c])), rows: TRIGRAM_ROWS },
            _ => unreachable!("windows of three"),
        })
    }
}

/// The place of a leaf in the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Column(u16);

/// The columns that may have what was looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidates([u64; WORDS_MAX]);

impl Candidates {
    pub(super) fn has(&self, column: Column) -> bool {
        self.0[usize::from(column.0 / 64)] & 1 << (column.0 % 64) != 0
    }
}

#[derive(Debug)]
pub(super) struct Grid {
    /// Makes every grid hash differently, so that what meets by chance in one does not meet in all.
    seed: u64,
    /// 64 columns each.
    words: usize,
    bits: Vec<u64>,
    clean: Vec<Column>,
    dirty: Vec<Column>,
}

impl Grid {
    pub(super) fn new(seed: u64, columns: usize) -> Self {
        let mut grid = Self { seed: mix(seed), words: 0, bits: Vec::new(), clean: Vec::new(), dirty: Vec::new() };
        grid.widen(columns.div_ceil(64).clamp(1, WORDS_MAX));
        grid
    }

    /// An empty column. There are always less leaves in a segment than columns in a grid.
    pub(super) fn add_column(&mut self) -> Column {
        if self.clean.is_empty() && (self.dirty.len() >= WASH_MIN || self.words == WORDS_MAX) {
            self.wash();
        }
        if self.clean.is_empty() {
            self.widen(self.words + 1);
        }
        self.clean.pop().expect("just made")
    }

    /// Gives a column back.
    pub(super) fn drop_column(&mut self, column: Column) {
        self.dirty.push(column);
    }

    /// Notes that the leaf with this column has this.
    pub(super) fn mark(&mut self, column: Column, term: Term) {
        let (word, bit) = (usize::from(column.0 / 64), 1 << (column.0 % 64));
        let words = self.words;
        for row in rows(self.seed, term) {
            self.bits[row * words + word] |= bit;
        }
    }

    /// The columns that may have all terms; `None` if no column has. Without terms there is nothing to go by.
    pub(super) fn candidates(&self, terms: &[Term]) -> Option<Candidates> {
        let mut found = [u64::MAX; WORDS_MAX];
        for term in terms {
            for row in rows(self.seed, *term) {
                let row = &self.bits[row * self.words..][..self.words];
                found.iter_mut().zip(row).for_each(|(found, bits)| *found &= bits);
            }
            if found[..self.words].iter().all(|bits| *bits == 0) {
                return None;
            }
        }
        Some(Candidates(found))
    }

    fn wash(&mut self) {
        let mut keep = [u64::MAX; WORDS_MAX];
        for column in &self.dirty {
            keep[usize::from(column.0 / 64)] &= !(1 << (column.0 % 64));
        }
        for row in self.bits.chunks_exact_mut(self.words) {
            row.iter_mut().zip(keep).for_each(|(bits, keep)| *bits &= keep);
        }
        self.clean.append(&mut self.dirty);
    }

    fn widen(&mut self, words: usize) {
        assert!(words <= WORDS_MAX, "a segment has less leaves than its grid has columns");
        let mut bits = vec![0; ROWS * words];
        if self.words > 0 {
            for (wide, narrow) in bits.chunks_exact_mut(words).zip(self.bits.chunks_exact(self.words)) {
                wide[..self.words].copy_from_slice(narrow);
            }
        }
        let new = (self.words * 64..words * 64).rev();
        self.clean.extend(new.map(|column| Column(u16::try_from(column).expect("below COLUMNS_MAX"))));
        self.bits = bits;
        self.words = words;
    }
}

fn rows(seed: u64, term: Term) -> impl Iterator<Item = usize> {
    let hash = mix(term.value ^ seed);
    (0..term.rows).map(move |n| {
        let row = hash >> (u64::BITS - ROW_BITS * (n + 1)) & (ROWS as u64 - 1);
        usize::try_from(row).expect("below ROWS")
    })
}

/// Every bit of the result depends on every bit of the value (the finalizer of SplitMix64).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}
