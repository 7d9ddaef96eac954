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
    /// A few letters of a search key, by their [gram](for_each_gram).
    Gram(u32),
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

/// The grams of a search key: what words are found by. Three letters that follow each other are one; of scripts that
/// say more with a letter (all that UTF-8 writes with three bytes or four) one letter is, and two are. So whatever occurs
/// in a key has only grams of that key.
#[inline]
pub(super) fn for_each_gram(key: &[u8], mut each: impl FnMut(u32)) {
    if key.is_ascii() {
        key.windows(3).for_each(|three| each(u32::from_be_bytes([0, three[0], three[1], three[2]])));
        return;
    }
    let (mut first, mut second) = (None, None);
    for letter in std::str::from_utf8(key).expect("made of text").chars() {
        if is_dense(letter) {
            each(gram('\0', '\0', letter));
            second.filter(|second| is_dense(*second)).into_iter().for_each(|second| each(gram('\0', second, letter)));
        } else if let (Some(first), Some(second)) = (first, second)
            && !is_dense(first)
            && !is_dense(second)
        {
            each(gram(first, second, letter));
        }
        (first, second) = (second, Some(letter));
    }
}

fn is_dense(letter: char) -> bool {
    letter >= '\u{800}'
}

fn gram(first: char, second: char, third: char) -> u32 {
    let [first, second, third] = [first, second, third].map(u32::from);
    if first | second | third < 0x80 {
        return first << 16 | second << 8 | third;
    }
    let letters = u64::from(first) << 42 | u64::from(second) << 21 | u64::from(third);
    let [a, b, c, ..] = mix(letters).to_le_bytes();
    u32::from_le_bytes([a, b, c, 1])
}

/// Which rows a term has in a grid.
pub(super) struct RowHash<'a> {
    seed: u64,
    common: &'a Common,
    /// How many bits choose one of the rows behind those of common grams.
    bits: u32,
}

impl<'a> RowHash<'a> {
    pub(super) fn new(seed: u64, rows: usize, common: &'a Common) -> Self {
        Self { seed, common, bits: (rows - COMMON_ROWS).ilog2() }
    }

    /// Two each of two blocks for a value.
    pub(super) fn rows_of(&self, term: Term) -> [usize; 4] {
        match term {
            Term::Gram(gram) => {
                let [one, two, three] = self.rows_of_gram(gram);
                [one, two, three, three]
            }
            Term::Value(value) => {
                let hash = mix(value ^ self.seed);
                let (one, two) = (self.row(hash), self.row(hash << 32));
                [one, in_block(one, hash), two, in_block(two, hash >> 3)]
            }
        }
    }

    /// The one row that a common gram has to itself, or three of two blocks: seldom do others set all three.
    #[inline]
    pub(super) fn rows_of_gram(&self, gram: u32) -> [usize; 3] {
        let hash = (u64::from(gram) ^ self.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let two = self.row(hash << 12);
        // Which it is nobody can guess, the processor neither: choosing without a branch is faster.
        let (is_common, own) = self.common.row(gram);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(key: &str) -> Vec<u32> {
        let mut grams = Vec::new();
        for_each_gram(key.as_bytes(), |gram| grams.push(gram));
        grams
    }

    #[test]
    fn letters_that_say_more_are_found_by_fewer() {
        for (key, count) in
            [("", 0), ("ab", 0), ("abc", 1), ("море", 2), ("猫", 1), ("猫と犬", 5), ("a猫b", 1), ("12.猫", 2)]
        {
            assert_eq!(grams(key).len(), count, "{key}");
        }
        assert_eq!(grams("море.mp3").last(), grams("mp3").first());
    }

    proptest::proptest! {
        #[test]
        fn a_part_has_only_grams_of_the_whole(before in ".{0,5}", part in ".{0,8}|[a-cб-г猫犬]{0,8}", behind in ".{0,5}") {
            let whole = grams(&format!("{before}{part}{behind}"));
            proptest::prop_assert!(grams(&part).iter().all(|gram| whole.contains(gram)));
        }
    }
}
