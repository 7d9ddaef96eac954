//! What can be looked for in a signature index, and in which rows of it each is noted.

use std::hint::select_unpredictable;

use crate::model::hash::ContentHash;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::common::{COMMON_ROWS, Common};

/// Rows that lie together: a term has its rows in one or two blocks, as what it costs to mark is fetching them.
pub(super) const BLOCK_ROWS: usize = 8;

/// Something that can be had and looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// A few letters of a search key.
    Gram(Gram),
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

/// What words are found by. Three letters that follow each other are one gram; of scripts that say more with a letter
/// (all that UTF-8 writes with three bytes or four) one letter is, and two are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gram {
    pub(super) letters: u32,
    /// The three letters that begin one letter earlier, or [`NONE`](Self::NONE): together they are a run of four.
    before: u32,
}

impl Gram {
    /// No letters: a gram has fewer bits.
    pub(super) const NONE: u32 = u32::MAX;
}

/// The grams of a search key. Whatever occurs in a key has only grams of that key, but that its first has none before.
#[inline]
pub(super) fn for_each_gram(key: &[u8], mut each: impl FnMut(Gram)) {
    let mut before = Gram::NONE;
    if key.is_ascii() {
        for three in key.windows(3) {
            let letters = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            each(Gram { letters, before });
            before = letters;
        }
        return;
    }
    let (mut first, mut second) = (None, None);
    for letter in std::str::from_utf8(key).expect("made of text").chars() {
        let mut three = Gram::NONE;
        if is_dense(letter) {
            each(Gram { letters: letters_of('\0', '\0', letter), before: Gram::NONE });
            if let Some(second) = second.filter(|second| is_dense(*second)) {
                each(Gram { letters: letters_of('\0', second, letter), before: Gram::NONE });
            }
        } else if let (Some(first), Some(second)) = (first, second)
            && !is_dense(first)
            && !is_dense(second)
        {
            three = letters_of(first, second, letter);
            each(Gram { letters: three, before });
        }
        (first, second, before) = (second, Some(letter), three);
    }
}

fn is_dense(letter: char) -> bool {
    letter >= '\u{800}'
}

fn letters_of(first: char, second: char, third: char) -> u32 {
    let [first, second, third] = [first, second, third].map(u32::from);
    if first | second | third < 0x80 {
        return first << 16 | second << 8 | third;
    }
    let letters = u64::from(first) << 42 | u64::from(second) << 21 | u64::from(third);
    let [a, b, c, ..] = mix(letters).to_le_bytes();
    u32::from_le_bytes([a, b, c, 1])
}

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

    /// A common gram has one row to itself, and one that it shares with other runs if the gram before it is common, too.
    #[inline]
    pub(super) fn rows_of_gram(&self, gram: Gram) -> [usize; 4] {
        let hash = (u64::from(gram.letters) ^ self.seed).wrapping_mul(GOLDEN);
        let (one, two) = (self.row(hash), self.row(hash << 16));
        let run = (hash ^ u64::from(gram.before)).wrapping_mul(GOLDEN);
        let run = COMMON_ROWS + ((run >> 32) as u32 >> (u32::BITS - RUN_ROWS.ilog2())) as usize;
        // Which it is nobody can guess, the processor neither: choosing without a branch is faster.
        let (is_common, own) = self.common.row(gram.letters);
        let is_run = is_common & self.common.row(gram.before).0;
        let pick = |row| select_unpredictable(is_common, own, row);
        let last = select_unpredictable(is_run, run, pick(in_block(two, hash >> 24)));
        [pick(one), pick(in_block(one, hash >> 21)), pick(two), last]
    }

    /// The shared row that the highest 32 bits of a hash choose.
    #[inline]
    fn row(&self, hash: u64) -> usize {
        OWN_ROWS + (((hash >> 32) * self.shared) >> 32) as u32 as usize
    }
}

/// Spreads what is next to each other over all bits (2⁶⁴ divided by the golden ratio).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Another row of the same block, by the lowest bits of a hash.
#[inline]
fn in_block(row: usize, hash: u64) -> usize {
    let [byte, ..] = hash.to_le_bytes();
    row ^ (1 + ((usize::from(byte) * (BLOCK_ROWS - 1)) >> 8))
}

/// Every bit of the result depends on every bit of the value (the finalizer of SplitMix64).
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(GOLDEN);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(key: &str) -> Vec<Gram> {
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
        assert_eq!(grams("море.mp3").last().map(|gram| gram.letters), grams("mp3").first().map(|gram| gram.letters));
    }

    proptest::proptest! {
        #[test]
        fn a_part_has_only_grams_of_the_whole(before in ".{0,5}", part in ".{0,8}|[a-cб-г猫犬]{0,8}", behind in ".{0,5}") {
            let whole = grams(&format!("{before}{part}{behind}"));
            for gram in grams(&part) {
                let is_same = |other: &Gram| *other == gram || gram.before == Gram::NONE && other.letters == gram.letters;
                proptest::prop_assert!(whole.iter().any(is_same));
            }
        }
    }
}
