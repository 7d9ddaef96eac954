//! The grams that very many paths have: endings, years, the usual words. In a signature index they would crowd the
//! rows that they share with rare ones, so they get rows of their own.
//!
//! What is common is learnt from a sample of what is in the catalog, and learnt again when most of that is new.

use std::collections::HashMap;
use std::sync::Arc;

use crate::tracker::catalog::leaf::Leaf;
use crate::tracker::catalog::term::{Gram, for_each_gram};

/// Rows of their own that there are for common grams.
pub(super) const COMMON_ROWS: usize = 2048;
/// Leaves of a sample: enough to see what one leaf in [`COMMON_FROM`] has, and looked through in about two milliseconds.
pub(super) const SAMPLE_LEAVES: usize = 128;
/// A gram is common if one leaf in so many has it.
const COMMON_FROM: usize = 24;

/// Which grams are common: each is in one of the slots of the set that its hash names.
#[derive(Debug)]
pub(super) struct Common {
    sets: Box<[[u32; SET_SLOTS]; SETS]>,
}

const SET_SLOTS: usize = 4;
const SETS: usize = COMMON_ROWS / SET_SLOTS;

impl Default for Common {
    fn default() -> Self {
        Self { sets: Box::new([[EMPTY; SET_SLOTS]; SETS]) }
    }
}

/// In an empty slot. It is no gram, and not [`Gram::NONE`] either, which is looked up too and must not be found.
const EMPTY: u32 = Gram::NONE - 1;

impl Common {
    /// Learns from some leaves.
    pub(super) fn of<'a>(sample: impl Iterator<Item = &'a Arc<Leaf>>) -> Self {
        let mut counts: HashMap<u32, usize> = HashMap::new();
        let (mut grams, mut scratch, mut leaves) = (Vec::new(), Vec::new(), 0);
        for leaf in sample {
            leaves += 1;
            grams.clear();
            for key in leaf.keys(&mut scratch).split(|byte| *byte == b'\n') {
                for_each_gram(key, |gram| grams.push(gram.letters));
            }
            grams.sort_unstable();
            grams.dedup();
            grams.iter().for_each(|gram| *counts.entry(*gram).or_default() += 1);
        }
        let mut often: Vec<_> = counts.into_iter().filter(|(_, count)| *count * COMMON_FROM >= leaves).collect();
        often.sort_unstable_by_key(|(gram, count)| (std::cmp::Reverse(*count), *gram));
        let mut common = Self::default();
        for (gram, _) in often {
            if let Some(free) = common.sets[set(gram)].iter_mut().find(|slot| **slot == EMPTY) {
                *free = gram;
            }
        }
        common
    }

    /// Whether a gram is common, and if so the row that it has to itself.
    #[inline]
    pub(super) fn row(&self, gram: u32) -> (bool, usize) {
        let set = set(gram);
        let slots = self.sets[set].iter().enumerate();
        let at = slots.fold(SET_SLOTS, |found, (at, slot)| if *slot == gram { at } else { found });
        (at < SET_SLOTS, set * SET_SLOTS + at)
    }
}

#[inline]
fn set(gram: u32) -> usize {
    (gram.wrapping_mul(0x9e37_79b1) >> (u32::BITS - SETS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::catalog::leaf::NewShare;
    use crate::tracker::catalog::{OwnerId, ShareContent};

    #[test]
    fn learns_what_many_have() {
        let leaves: Vec<_> = (0..100)
            .map(|n| {
                let mut leaf = Leaf::default();
                let path = &format!("{n:03}.mp3");
                let content = ShareContent { size: None, hash: None };
                leaf.insert(0, &NewShare { path, search_key: path.as_bytes(), owner: OwnerId(0), content });
                Arc::new(leaf)
            })
            .collect();
        let common = Common::of(leaves.iter());
        let row = |text: &[u8; 3]| common.row(u32::from_be_bytes([0, text[0], text[1], text[2]]));
        assert!(row(b".mp").0 && row(b"mp3").0 && row(b"1.m").0);
        assert_ne!(row(b".mp"), row(b"mp3"));
        assert!(!row(b"042").0);
        assert!(!Common::default().row(0).0);
    }
}
