//! What a search looks for, and where it finds it.

use std::cmp::Reverse;
use std::sync::Arc;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memrchr};

use crate::model::search_key::word_keys;
use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::term::{self, Term};

/// The words of one search, ready to be looked for.
#[derive(Debug, Clone)]
pub struct WordQuery {
    words: Arc<[Finder<'static>]>,
    terms: Arc<[Term]>,
    /// A word has a character that no path has.
    is_vain: bool,
}

impl PartialEq for WordQuery {
    fn eq(&self, other: &Self) -> bool {
        let words = |query: &Self| query.words.iter().map(|word| word.needle().to_owned()).collect::<Vec<_>>();
        self.is_vain == other.is_vain && words(self) == words(other)
    }
}

impl Eq for WordQuery {}

/// Terms of one search at most: more of them rule nothing out that these do not.
const TERMS_MAX: usize = 48;

impl WordQuery {
    /// Takes the words as typed, in any normal form. Empty ones ask for nothing and are left out.
    pub fn new<W: AsRef<str>>(words: &[W]) -> Self {
        let keys = word_keys(words);
        let is_vain = keys.is_none();
        let mut keys = keys.unwrap_or_default();
        // The longest word is likely the rarest: it is looked for first.
        keys.sort_by_key(|key| Reverse(key.len()));
        let mut terms: Vec<Term> = Vec::new();
        for key in &keys {
            term::for_each_gram(key, |gram| {
                if terms.len() < TERMS_MAX && !terms.contains(&Term::Gram(gram)) {
                    terms.push(Term::Gram(gram));
                }
            });
        }
        let words = keys.iter().map(|key| Finder::new(key).into_owned()).collect();
        Self { words, terms: terms.into(), is_vain }
    }

    pub(super) fn words_len(&self) -> usize {
        self.words.len()
    }

    /// What the signature indexes know of leaves that can match.
    pub(super) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The shares of a leaf whose paths have all words. `scratch` is where keys are made.
    pub(super) fn matches(&self, leaf: &Leaf, scratch: &mut Vec<u8>) -> Mask {
        leaf.of_slots(self.matches_of(leaf.keys(scratch)))
    }

    /// Which of some search keys, an LF behind each, have all words.
    pub(super) fn matches_of(&self, keys: &[u8]) -> Mask {
        if self.is_vain {
            return 0;
        }
        let Some((lead, others)) = self.words.split_first() else { return Mask::MAX };
        let (mut matching, mut from, mut at) = (0, 0, 0);
        while let Some(hit) = lead.find(&keys[from..]) {
            let hit = from + hit;
            at += memchr_iter(b'\n', &keys[from..hit]).count();
            let start = memrchr(b'\n', &keys[..hit]).map_or(0, |lf| lf + 1);
            let end = memchr(b'\n', &keys[hit..]).map_or(keys.len(), |lf| hit + lf);
            if others.iter().all(|word| word.find(&keys[start..end]).is_some()) {
                matching |= 1 << at;
            }
            at += 1;
            from = (end + 1).min(keys.len());
        }
        matching
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_composed_and_kept_once() {
        let query = WordQuery::new(&["E\u{301}", "é", "", "ABC"]);
        let words: Vec<&[u8]> = query.words.iter().map(Finder::needle).collect();
        assert_eq!(words, [b"abc", "é".as_bytes()]);
    }
}
