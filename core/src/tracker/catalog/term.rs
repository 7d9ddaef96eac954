//! What can be looked for in a grid, and in which rows of it each is noted.

use crate::model::hash::ContentHash;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::common::{COMMON_ROWS, Common};

/// Rows that lie together: a term has its rows in one or two blocks, as what it costs to mark is fetching them.
const BLOCK_ROWS: usize = 8;
const _: () = assert!(COMMON_ROWS.is_multiple_of(BLOCK_ROWS));

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

/// Which rows a term has in a grid.
pub(super) struct RowHash<'a> {
    seed: u64,
    common: &'a Common,
    /// How many bits choose one of the rows behind those of common trigrams.
    bits: u32,
}

impl<'a> RowHash<'a> {
    pub(super) fn new(seed: u64, rows: usize, common: &'a Common) -> Self {
        Self { seed, common, bits: (rows - COMMON_ROWS).ilog2() }
    }

    /// Two each of two blocks for a value.
    pub(super) fn rows_of(&self, term: Term) -> [usize; 4] {
        match term {
            Term::Trigram(trigram) => {
                let [one, two, three] = self.rows_of_trigram(trigram);
                [one, two, three, three]
            }
            Term::Value(value) => {
                let hash = mix(value ^ self.seed);
                let (one, two) = (self.row(hash), self.row(hash << 32));
                [one, in_block(one, hash), two, in_block(two, hash >> 3)]
            }
        }
    }

    /// The one row that a common trigram has to itself, or three of two blocks: seldom do others set all three.
    #[inline]
    pub(super) fn rows_of_trigram(&self, trigram: u32) -> [usize; 3] {
        let hash = (u64::from(trigram) ^ self.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let two = self.row(hash << 12);
        // Which it is nobody can guess, the processor neither: choosing without a branch is faster.
        let (is_common, own) = self.common.row(trigram);
        let pick = |row| std::hint::select_unpredictable(is_common, own, row);
        [pick(self.row(hash)), pick(two), pick(in_block(two, hash >> 32))]
    }

    /// The row that the highest bits of a hash choose.
    #[inline]
    fn row(&self, hash: u64) -> usize {
        // Of at most 17 bits that are left none is lost.
        COMMON_ROWS + ((hash >> 32) as u32 >> (u32::BITS - self.bits)) as usize
    }
}

/// Another row of the same block, by the lowest bits of a hash.
#[inline]
fn in_block(row: usize, hash: u64) -> usize {
    let [byte, ..] = hash.to_le_bytes();
    row ^ (1 + ((usize::from(byte) * (BLOCK_ROWS - 1)) >> 8))
}

/// Every bit of the result depends on every bit of the value (the finalizer of SplitMix64).
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}
