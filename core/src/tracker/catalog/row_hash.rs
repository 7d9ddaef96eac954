//! In which rows of a signature index each term is noted.

use std::hint::select_unpredictable;

use crate::tracker::catalog::common::{COMMON_ROWS, Common};
use crate::tracker::catalog::mix::{GOLDEN, mix};
use crate::tracker::catalog::term::{Gram, Term};

/// Rows that lie together: a term has its rows in one or two blocks, as what it costs to mark is fetching them.
pub(super) const BLOCK_ROWS: usize = 8;

/// Rows for runs of four letters that are two common grams: where many have each of the grams of a word, few have them one
/// behind the other.
const RUN_ROWS: usize = 1024;
/// Behind the rows of common grams and of runs of them come those that all other terms share.
pub(super) const OWN_ROWS: usize = COMMON_ROWS + RUN_ROWS;
const _: () = assert!(OWN_ROWS.is_multiple_of(BLOCK_ROWS));

/// Which rows a term has in a signature index.
pub(super) struct RowHash<'a> {
    seed: u64,
    common: &'a Common,
    /// How many rows are shared.
    shared: u64,
}

impl<'a> RowHash<'a> {
    pub(super) fn new(seed: u64, rows: usize, common: &'a Common) -> Self {
        Self { seed, common, shared: (rows - OWN_ROWS) as u64 }
    }

    /// Two rows each of two blocks, or those of a common gram: seldom do others set all of them.
    pub(super) fn rows_of(&self, term: Term) -> [usize; 4] {
        match term {
            Term::Gram(gram) => self.rows_of_gram(gram),
            Term::Value(value) => {
                let hash = mix(value ^ self.seed);
                let (one, two) = (self.row(hash), self.row(hash << 32));
                [one, in_block(one, hash), two, in_block(two, hash >> 3)]
            }
        }
    }

    /// The rows of a gram.
    fn rows_of_gram(&self, gram: Gram) -> [usize; 4] {
        self.rows_of_next(gram, self.is_common(gram.before)).0
    }

    /// Whether a gram has a row to itself.
    #[inline]
    pub(super) fn is_common(&self, letters: u32) -> bool {
        self.common.row(letters).0
    }

    /// The rows of a gram of which it is known whether the one before it is common, and whether it is common itself. Such
    /// a one has one row to itself, and one that it shares with other runs if the gram before it is common, too.
    #[inline]
    pub(super) fn rows_of_next(&self, gram: Gram, is_common_before: bool) -> ([usize; 4], bool) {
        let hash = (u64::from(gram.letters) ^ self.seed).wrapping_mul(GOLDEN);
        let (one, two) = (self.row(hash), self.row(hash << 16));
        let run = (hash ^ u64::from(gram.before)).wrapping_mul(GOLDEN);
        let run = COMMON_ROWS + ((run >> 32) as u32 >> (u32::BITS - RUN_ROWS.ilog2())) as usize;
        // Which it is nobody can guess, the processor neither: choosing without a branch is faster.
        let (is_common, own) = self.common.row(gram.letters);
        let is_run = is_common & is_common_before;
        let pick = |row| select_unpredictable(is_common, own, row);
        let last = select_unpredictable(is_run, run, pick(in_block(two, hash >> 24)));
        ([pick(one), pick(in_block(one, hash >> 21)), pick(two), last], is_common)
    }

    /// The shared row that the highest 32 bits of a hash choose.
    #[inline]
    fn row(&self, hash: u64) -> usize {
        // It cannot overflow, and would be checked for that: 32 bits times fewer.
        OWN_ROWS + ((hash >> 32).wrapping_mul(self.shared) >> 32) as u32 as usize
    }
}

/// Another row of the same block, by the lowest bits of a hash.
#[inline]
fn in_block(row: usize, hash: u64) -> usize {
    let [byte, ..] = hash.to_le_bytes();
    row ^ (1 + ((usize::from(byte) * (BLOCK_ROWS - 1)) >> 8))
}
