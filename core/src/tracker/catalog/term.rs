//! What can be looked for in a signature index.

use crate::model::hash::ContentHash;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::mix::mix;

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
    pub(super) before: u32,
}

impl Gram {
    /// No letters: a gram has fewer bits.
    pub(super) const NONE: u32 = u32::MAX;

    /// The letters of three that are ASCII.
    #[inline]
    pub(super) fn letters_of_ascii(three: &[u8]) -> u32 {
        u32::from_be_bytes([0, three[0], three[1], three[2]])
    }
}

/// The grams of a search key. Whatever occurs in a key has only grams of that key, but that its first has none before.
#[inline]
pub(super) fn for_each_gram(key: &[u8], mut each: impl FnMut(Gram)) {
    let mut before = Gram::NONE;
    if key.is_ascii() {
        for three in key.windows(3) {
            let letters = Gram::letters_of_ascii(three);
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
