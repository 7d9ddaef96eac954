//! What a search looks for, and what "whatever its case, in any script" means.
//!
//! A path and a word are compared by their keys. The key of a text is the keys of its characters one behind the other,
//! so a word that occurs in a path as it is written always occurs in it by key too. The key of a character is the case
//! folding of its upper case: `ß` and `SS`, `ς` and `Σ` meet, and also the few letters such as `ΐ` and `ǰ` whose upper
//! case is a letter and a mark behind it, which folding alone keeps apart. Nothing is composed or taken apart beyond
//! that: `cafe` does not occur in `café`.

use std::cmp::Reverse;
use std::sync::Arc;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memrchr};
use unicode_normalization::UnicodeNormalization;

use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::term::{self, Term};

/// The words of one search, ready to be looked for.
#[derive(Debug, Clone)]
pub struct Query {
    words: Arc<[Finder<'static>]>,
    terms: Arc<[Term]>,
    /// A word has a character that no path has.
    is_vain: bool,
}

/// Terms of one search at most: more of them rule nothing out that these do not.
const TERMS_MAX: usize = 48;

impl Query {
    /// Takes the words as typed, in any normal form. Empty ones ask for nothing and are left out.
    pub fn new<W: AsRef<str>>(words: &[W]) -> Self {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut is_vain = false;
        for word in words {
            // Paths are in NFC.
            let composed: String = word.as_ref().nfc().collect();
            is_vain |= composed.chars().any(char::is_control);
            let mut key = Vec::new();
            push_key(&composed, &mut key);
            if !key.is_empty() && !keys.contains(&key) {
                keys.push(key);
            }
        }
        // The longest word is likely the rarest: it is looked for first.
        keys.sort_by_key(|key| Reverse(key.len()));
        let mut terms: Vec<Term> = Vec::new();
        for term in keys.iter().flat_map(|key| term::trigrams(key)).map(Term::Trigram) {
            if terms.len() < TERMS_MAX && !terms.contains(&term) {
                terms.push(term);
            }
        }
        let words = keys.iter().map(|key| Finder::new(key).into_owned()).collect();
        Self { words, terms: terms.into(), is_vain }
    }

    pub(super) fn words_len(&self) -> usize {
        self.words.len()
    }

    /// What the grids know of leaves that can match.
    pub(super) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The shares of a leaf whose paths have all words. `scratch` is where keys are made.
    pub(super) fn matches(&self, leaf: &Leaf, scratch: &mut Vec<u8>) -> Mask {
        if self.is_vain {
            return 0;
        }
        let Some((lead, others)) = self.words.split_first() else { return leaf.all() };
        let keys = leaf.keys(scratch);
        let (mut slots, mut from, mut slot) = (0, 0, 0);
        while let Some(hit) = lead.find(&keys[from..]) {
            let hit = from + hit;
            slot += memchr_iter(b'\n', &keys[from..hit]).count();
            let start = memrchr(b'\n', &keys[..hit]).map_or(0, |lf| lf + 1);
            let end = memchr(b'\n', &keys[hit..]).map_or(keys.len(), |lf| hit + lf);
            if others.iter().all(|word| word.find(&keys[start..end]).is_some()) {
                slots |= 1 << slot;
            }
            slot += 1;
            from = (end + 1).min(keys.len());
        }
        leaf.of_slots(slots)
    }
}

/// Appends the key of a text in NFC.
pub(super) fn push_key(text: &str, key: &mut Vec<u8>) {
    if text.is_ascii() {
        key.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
        return;
    }
    let mapper = CaseMapper::new();
    let mut utf8 = [0; 4];
    for c in text.chars() {
        if c.is_ascii() {
            key.extend_from_slice(c.to_ascii_lowercase().encode_utf8(&mut utf8).as_bytes());
        } else {
            push_char_key(&mapper, c, key);
        }
    }
}

fn push_char_key(mapper: &CaseMapperBorrowed<'_>, c: char, key: &mut Vec<u8>) {
    let mut utf8 = [0; 4];
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.len()) {
        (Some(single), 0) => push_folded(mapper, single.encode_utf8(&mut utf8), key),
        _ => push_folded(mapper, &c.to_uppercase().nfc().collect::<String>(), key),
    }
}

fn push_folded(mapper: &CaseMapperBorrowed<'_>, text: &str, key: &mut Vec<u8>) {
    key.extend_from_slice(mapper.fold_string(text).as_bytes());
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    fn key(text: &str) -> String {
        let mut key = Vec::new();
        push_key(text, &mut key);
        String::from_utf8(key).expect("a key is text")
    }

    #[test]
    fn every_case_of_a_text_has_one_key() {
        for (one, other) in [
            ("Trip/Day 1.JPG", "trip/DAY 1.jpg"),
            ("Снимки/МОРЕ", "снимки/море"),
            ("Straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς"),
            ("ταΐζω", "ΤΑΪ\u{301}ΖΩ"),
            ("ǰ", "J\u{30c}"),
            ("İ", "i\u{307}"),
            ("ﬁn", "FIN"),
            ("ᏸ", "Ᏸ"),
            ("ǆ", "ǅ"),
        ] {
            assert_eq!(key(one), key(other), "{one} and {other}");
        }
        for (one, other) in [("cafe", "café"), ("и", "й"), ("а", "a")] {
            assert!(!key(other).contains(&key(one)), "{one} in {other}");
        }
    }

    #[test]
    fn every_character_meets_its_other_cases() {
        for c in ('\0'..=char::MAX).filter(|c| iter::once(*c).nfc().eq(iter::once(*c))) {
            let written = key(&c.to_string());
            let upper = key(&c.to_uppercase().nfc().collect::<String>());
            let lower = key(&c.to_lowercase().nfc().collect::<String>());
            assert!(written == upper && written == lower, "{c:?}: {written:?} {upper:?} {lower:?}");
        }
    }

    #[test]
    fn words_are_folded_composed_and_kept_once() {
        let query = Query::new(&["E\u{301}", "é", "", "ABC"]);
        let words: Vec<&[u8]> = query.words.iter().map(Finder::needle).collect();
        assert_eq!(words, [b"abc", "é".as_bytes()]);
    }
}
