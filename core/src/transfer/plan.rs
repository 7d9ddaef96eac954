//! The blocks of one file: each is exactly one of missing, asked for, done.
//!
//! It does not know bytes or hashes: whoever calls [`Plan::done`] has verified and written the block.

use std::collections::HashMap;
use std::time::Instant;

use crate::model::geometry::Geometry;
use crate::model::transfer_details::{PartMap, PartState};
use crate::transfer::SourceId;
use crate::transfer::source::STALLED_AFTER;

/// Which blocks are done: one bit each.
///
/// A bit set of a library (`fixedbitset`) would give `insert` and `contains` and leave the rest to do here: it counts by
/// going through all words, and its absent bits are listed from the first on, while a plan asks for the first one behind a
/// place at every block of a file that may have millions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocks {
    words: Vec<u64>,
    count: u32,
}

impl Blocks {
    /// None of them, for this file.
    pub fn none(geometry: Geometry) -> Self {
        Self { words: vec![0; (geometry.blocks() as usize).div_ceil(64)], count: 0 }
    }

    /// Adds a block; `false` if it was in already or there is no such block.
    pub fn insert(&mut self, block: u32) -> bool {
        let Some(word) = self.words.get_mut(block as usize / 64) else { return false };
        let bit = 1 << (block % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        self.count += u32::from(is_new);
        is_new
    }

    /// Takes a block out.
    pub fn remove(&mut self, block: u32) {
        if self.contains(block) {
            self.words[block as usize / 64] &= !(1 << (block % 64));
            self.count -= 1;
        }
    }

    /// Whether a block is in.
    pub fn contains(&self, block: u32) -> bool {
        self.words.get(block as usize / 64).is_some_and(|word| word & (1 << (block % 64)) != 0)
    }

    /// Tells which parts are here, from the first block to the last.
    pub fn tell(&self, geometry: Geometry, map: &mut PartMap) {
        let (end, size) = (geometry.blocks(), geometry.size());
        let offset = |block| geometry.offset_of(block).unwrap_or(size);
        let mut from = 0;
        while from < end {
            let (state, to) = if self.contains(from) {
                (PartState::Here, self.first_absent(from, end))
            } else {
                (PartState::Missing, self.first_present(from, end))
            };
            map.push(offset(to) - offset(from), state);
            from = to;
        }
    }

    /// How many are in.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The first that is not in, from `from` on.
    fn first_absent(&self, from: u32, end: u32) -> u32 {
        let mut block = from;
        while block < end {
            let rest = !self.words[block as usize / 64] >> (block % 64);
            if rest != 0 {
                return (block + rest.trailing_zeros()).min(end);
            }
            block = (block / 64 + 1) * 64;
        }
        end
    }

    /// The first that is in, from `from` on.
    fn first_present(&self, from: u32, end: u32) -> u32 {
        let mut block = from;
        while block < end {
            let rest = self.words[block as usize / 64] >> (block % 64);
            if rest != 0 {
                return (block + rest.trailing_zeros()).min(end);
            }
            block = (block / 64 + 1) * 64;
        }
        end
    }
}

/// Who was asked for a block, and when: one, and a second when it is late.
#[derive(Debug, Clone)]
struct Asked {
    first: (SourceId, Instant),
    others: Vec<(SourceId, Instant)>,
}

impl Asked {
    fn only(first: SourceId, at: Instant) -> Self {
        Self { first: (first, at), others: Vec::new() }
    }

    fn all(&self) -> impl Iterator<Item = (SourceId, Instant)> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// Whether one more may be asked: two may have it on its way. Those who have stalled are not counted, or two who never
    /// answer would keep everybody else from the block; and of a crowd of them one more is asked than there are, so that it is
    /// soon got through.
    fn has_room(&self, now: Instant) -> bool {
        let has_stalled = |at: Instant| now.saturating_duration_since(at) >= STALLED_AFTER;
        let stalled = self.all().filter(|(_, at)| has_stalled(*at)).count();
        self.all().count() - stalled <= stalled.max(1)
    }
}

/// Which blocks of a file are missing, asked for, done.
#[derive(Debug)]
pub struct Plan {
    geometry: Geometry,
    done: Blocks,
    /// Done or asked for.
    taken: Blocks,
    asked: HashMap<u32, Asked>,
    /// Every block before this one is taken.
    missing_from: u32,
    done_bytes: u64,
}

/// What a block that came in was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It counts. Others who were asked for it need not send it.
    First {
        /// Whether anybody else was asked.
        also_asked: bool,
    },
    /// It was done already.
    Again,
}

impl Plan {
    /// A file of which these blocks are verified on disk.
    pub fn new(geometry: Geometry, done: Blocks) -> Self {
        let bytes = |block| geometry.bytes_of(block).unwrap_or(0) as u64;
        let done_bytes = (0..geometry.blocks()).filter(|&block| done.contains(block)).map(bytes).sum();
        Self { geometry, taken: done.clone(), done, asked: HashMap::new(), missing_from: 0, done_bytes }
    }

    /// How the file is cut.
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Bytes of all blocks that are done.
    pub fn done_bytes(&self) -> u64 {
        self.done_bytes
    }

    /// Whether every block is done.
    pub fn is_complete(&self) -> bool {
        self.done.count() == self.geometry.blocks()
    }

    /// Tells how its parts are, from the first block to the last.
    pub fn tell(&self, map: &mut PartMap) {
        let (end, size) = (self.geometry.blocks(), self.geometry.size());
        let offset = |block| self.geometry.offset_of(block).unwrap_or(size);
        let mut from = 0;
        while from < end {
            let (state, to) = if self.done.contains(from) {
                (PartState::Here, self.done.first_absent(from, end))
            } else if self.taken.contains(from) {
                (PartState::UnderWay, self.taken.first_absent(from, end).min(self.done.first_present(from, end)))
            } else {
                (PartState::Missing, self.taken.first_present(from, end))
            };
            map.push(offset(to) - offset(from), state);
            from = to;
        }
    }

    /// Whether a block is neither done nor asked for.
    pub fn has_missing(&self) -> bool {
        self.taken.count() < self.geometry.blocks()
    }

    /// The first missing block, which is asked of `source` from now on.
    pub fn take(&mut self, source: SourceId, now: Instant) -> Option<u32> {
        let end = self.geometry.blocks();
        let block = self.taken.first_absent(self.missing_from, end);
        self.missing_from = block;
        if block == end {
            return None;
        }
        self.taken.insert(block);
        self.asked.insert(block, Asked::only(source, now));
        Some(block)
    }

    /// A block that `source` was asked for before there was a plan.
    pub fn take_this(&mut self, block: u32, source: SourceId, at: Instant) {
        if self.taken.insert(block) {
            self.asked.insert(block, Asked::only(source, at));
        }
    }

    /// When nothing is missing: asks `source` for a block that somebody else was asked for and that is late. `false` if there is
    /// a reason not to.
    pub fn take_too(&mut self, block: u32, source: SourceId, now: Instant) -> bool {
        let nothing_is_missing = !self.has_missing();
        let Some(asked) = self.asked.get_mut(&block).filter(|_| nothing_is_missing) else { return false };
        let may_ask = asked.has_room(now) && asked.all().all(|(other, _)| other != source);
        if may_ask {
            asked.others.push((source, now));
        }
        may_ask
    }

    /// A block is verified and written.
    pub fn done(&mut self, block: u32, by: SourceId) -> Done {
        if block >= self.geometry.blocks() || !self.done.insert(block) {
            return Done::Again;
        }
        self.taken.insert(block);
        self.done_bytes += self.geometry.bytes_of(block).unwrap_or(0) as u64;
        let asked = self.asked.remove(&block);
        Done::First { also_asked: asked.is_some_and(|asked| asked.all().any(|(other, _)| other != by)) }
    }

    /// `source` will not send this block.
    pub fn give_back(&mut self, block: u32, source: SourceId) {
        let Some(asked) = self.asked.get_mut(&block) else { return };
        if asked.first.0 != source {
            asked.others.retain(|(other, _)| *other != source);
        } else if asked.others.is_empty() {
            self.asked.remove(&block);
            self.taken.remove(block);
            self.missing_from = self.missing_from.min(block);
        } else {
            asked.first = asked.others.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::model::geometry::BLOCK_BYTES_MIN;

    #[derive(Debug, Clone)]
    enum Step {
        Take(u32),
        TakeToo(u32, u32),
        Done(u32, usize),
        GiveBack(u32, usize),
        Lose(u32),
        Wait(u64),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let source = 0..4u32;
        prop_oneof![
            4 => source.clone().prop_map(Step::Take),
            2 => (source.clone(), 0..100u32).prop_map(|(s, block)| Step::TakeToo(s, block)),
            4 => (source.clone(), any::<usize>()).prop_map(|(s, n)| Step::Done(s, n)),
            1 => (source.clone(), any::<usize>()).prop_map(|(s, n)| Step::GiveBack(s, n)),
            1 => source.prop_map(Step::Lose),
            1 => (0..30u64).prop_map(Step::Wait),
        ]
    }

    /// What each source was asked for and has not answered, as a plain table beside the plan.
    #[derive(Default)]
    struct Table {
        open: BTreeMap<SourceId, BTreeMap<u32, Instant>>,
        done: BTreeSet<u32>,
    }

    impl Table {
        fn nth(&self, source: SourceId, n: usize) -> Option<u32> {
            let open = self.open.get(&source)?;
            open.keys().nth(n % open.len().max(1)).copied()
        }

        fn askers(&self, block: u32) -> usize {
            self.open.values().filter(|open| open.contains_key(&block)).count()
        }

        fn ask(&mut self, source: SourceId, block: u32, now: Instant) {
            assert!(self.open.entry(source).or_default().insert(block, now).is_none(), "not the same one");
        }
    }

    proptest! {
        #[test]
        fn every_block_is_missing_or_asked_for_or_done(
            size in 0..100 * BLOCK_BYTES_MIN,
            already in proptest::collection::vec(0..100u32, 0..20),
            steps in proptest::collection::vec(any_step(), 0..400),
        ) {
            let geometry = Geometry::of(size);
            let mut table = Table::default();
            let mut blocks = Blocks::none(geometry);
            for block in already.into_iter().filter(|block| *block < geometry.blocks()) {
                prop_assert_eq!(blocks.insert(block), table.done.insert(block));
            }
            let mut plan = Plan::new(geometry, blocks);
            let mut now = Instant::now();

            for step in steps {
                match step {
                    Step::Take(n) => {
                        let source = SourceId(n);
                        if let Some(block) = plan.take(source, now) {
                            prop_assert!(!table.done.contains(&block), "done blocks are not asked for");
                            prop_assert_eq!(table.askers(block), 0, "nobody else was asked for it");
                            table.ask(source, block, now);
                        }
                    }
                    Step::TakeToo(n, block) => {
                        let source = SourceId(n);
                        if plan.take_too(block, source, now) {
                            prop_assert!(!table.done.contains(&block));
                            let asked = table.open.values().filter_map(|open| open.get(&block)).copied();
                            let (new, stalled): (Vec<Instant>, Vec<Instant>) = asked.partition(|at| now - *at < STALLED_AFTER);
                            prop_assert!(new.len() + stalled.len() > 0, "somebody was asked before");
                            prop_assert!(new.len() <= stalled.len().max(1), "not more than those who may answer");
                            table.ask(source, block, now);
                        }
                    }
                    Step::Done(n, nth) => {
                        let source = SourceId(n);
                        if let Some(block) = table.nth(source, nth) {
                            table.open.entry(source).or_default().remove(&block);
                            let also_asked = table.askers(block) > 0;
                            let expected = if table.done.insert(block) {
                                Done::First { also_asked }
                            } else {
                                Done::Again
                            };
                            prop_assert_eq!(plan.done(block, source), expected);
                        }
                    }
                    Step::GiveBack(n, nth) => {
                        let source = SourceId(n);
                        if let Some(block) = table.nth(source, nth) {
                            table.open.entry(source).or_default().remove(&block);
                            plan.give_back(block, source);
                        }
                    }
                    Step::Lose(n) => {
                        for block in table.open.remove(&SourceId(n)).unwrap_or_default().into_keys() {
                            plan.give_back(block, SourceId(n));
                        }
                    }
                    Step::Wait(seconds) => now += Duration::from_secs(seconds),
                }
                let asked: BTreeSet<u32> =
                    table.open.values().flat_map(BTreeMap::keys).copied().filter(|block| !table.done.contains(block)).collect();
                let missing = geometry.blocks() as usize - table.done.len() - asked.len();
                prop_assert_eq!(plan.has_missing(), missing > 0);
                prop_assert_eq!(plan.is_complete(), table.done.len() == geometry.blocks() as usize);
                let bytes: u64 = table.done.iter().filter_map(|block| geometry.bytes_of(*block)).map(|n| n as u64).sum();
                prop_assert_eq!(plan.done_bytes(), bytes);
            }

            // One honest source that answers finishes the file, whatever went before.
            for source in 0..4 {
                for block in table.open.remove(&SourceId(source)).unwrap_or_default().into_keys() {
                    plan.give_back(block, SourceId(source));
                }
            }
            let mut asked = 0;
            while let Some(block) = plan.take(SourceId(9), now) {
                asked += 1;
                prop_assert_eq!(plan.done(block, SourceId(9)), Done::First { also_asked: false });
            }
            prop_assert!(plan.is_complete());
            prop_assert_eq!(asked + table.done.len(), geometry.blocks() as usize, "nothing was fetched twice");
        }
    }

    #[test]
    fn tells_how_its_blocks_are() {
        let told = |plan: &Plan| {
            let mut map = PartMap::of(plan.geometry().size());
            plan.tell(&mut map);
            map.runs()
        };
        let (b, size) = (BLOCK_BYTES_MIN, 200 * BLOCK_BYTES_MIN + 1);
        let geometry = Geometry::of(size);
        let mut blocks = Blocks::none(geometry);
        assert_eq!(told(&Plan::new(geometry, blocks.clone())), [(size, PartState::Missing)]);
        (0..70).chain([199, 200]).for_each(|block| assert!(blocks.insert(block)));
        let mut plan = Plan::new(geometry, blocks);
        let now = Instant::now();
        assert_eq!(plan.take(SourceId(1), now), Some(70));
        assert_eq!(plan.take(SourceId(1), now), Some(71));
        plan.done(71, SourceId(1));
        let expected = [
            (70 * b, PartState::Here),
            (b, PartState::UnderWay),
            (b, PartState::Here),
            (127 * b, PartState::Missing),
            (b + 1, PartState::Here),
        ];
        assert_eq!(told(&plan), expected);
        let none = Geometry::of(0);
        assert_eq!(told(&Plan::new(none, Blocks::none(none))), [], "an empty file has no part");
    }

    #[test]
    fn only_the_last_blocks_are_asked_of_two() {
        let geometry = Geometry::of(2 * BLOCK_BYTES_MIN);
        let mut plan = Plan::new(geometry, Blocks::none(geometry));
        let (slow, fast) = (SourceId(1), SourceId(2));
        let now = Instant::now();
        assert_eq!(plan.take(slow, now), Some(0));
        assert!(!plan.take_too(0, fast, now), "another block is missing yet");
        assert_eq!(plan.take(fast, now), Some(1));
        assert!(!plan.take_too(0, slow, now), "its own");
        let now = now + STALLED_AFTER / 2;
        assert!(plan.take_too(0, fast, now));
        assert!(!plan.take_too(0, SourceId(3), now), "two are asked already");
        let now = now + STALLED_AFTER / 2;
        assert!(plan.take_too(0, SourceId(3), now), "one of them has stalled");
        assert!(!plan.take_too(0, SourceId(4), now), "two may still answer");
        let now = now + STALLED_AFTER;
        assert!(
            [4, 5, 6].map(SourceId).into_iter().all(|other| plan.take_too(0, other, now)),
            "as many as have stalled"
        );
        assert!(plan.take_too(0, SourceId(7), now), "and one");
        assert!(!plan.take_too(0, SourceId(8), now), "and no more");
        assert_eq!(plan.done(0, fast), Done::First { also_asked: true });
        assert_eq!(plan.done(0, slow), Done::Again);
        assert_eq!(plan.done(7, slow), Done::Again, "no such block");
        assert!(!plan.take_too(0, fast, now), "done");
    }
}
