//! All shares in the order of lists, as a row of segments, and an overview of which segments an owner or a content can
//! be in.

use std::sync::Arc;

use crate::model::search_key::push_key;
use crate::tracker::catalog::common::{Common, SAMPLE_LEAVES};
use crate::tracker::catalog::fences::Fences;
use crate::tracker::catalog::leaf::{Key, NewShare};
use crate::tracker::catalog::leaf_row::Leaves;
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::segment::{Segment, SharePlace};
use crate::tracker::catalog::signature_index::{Candidates, SEGMENT_ROWS, SignatureIndex};
use crate::tracker::catalog::term::Term;
use crate::tracker::catalog::{OwnerId, ShareContent};

/// A segment that lost so many shares since it was noted in the overview, and more than it still has, is noted again.
const SEGMENT_TOMBSTONES_MIN: usize = if cfg!(test) { 8 } else { 1024 };
/// What is common is learnt again when so many shares have come, and three times as many as there were.
const LEARN_FROM: usize = if cfg!(test) { 50 } else { 4096 };
/// After so many new shares one more segment is indexed by what is common now. It takes a millisecond or two.
const INDEX_AGAIN_EVERY: usize = if cfg!(test) { 20 } else { 16_384 };

/// Where a share is or belongs as far as fences tell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LikelyPlace {
    segment: usize,
    leaf: usize,
}

#[derive(Debug)]
pub(super) struct Segments {
    /// The segments in the order of their keys, and where each begins.
    all: Vec<Segment>,
    fences: Fences,
    overview: SignatureIndex,
    /// One for each signature index that was ever made.
    seeds: u64,
    common: Arc<Common>,
    /// How many shares there were when that was learnt, and how many have come since.
    learnt_at: usize,
    new_since: usize,
    /// Where marking what is pending goes on, and whether any may be pending at all.
    catching_up_at: usize,
    is_pending: bool,
    /// Where the search key of a share that comes is made.
    scratch: Vec<u8>,
}

impl Default for Segments {
    fn default() -> Self {
        let (all, fences) = (Vec::new(), Fences::default());
        let (overview, common) = (SignatureIndex::new(0, SEGMENT_ROWS, Arc::default()), Arc::default());
        let (learnt_at, new_since, catching_up_at, is_pending) = (0, 0, 0, false);
        let scratch = Vec::new();
        Self { all, fences, overview, seeds: 0, common, learnt_at, new_since, catching_up_at, is_pending, scratch }
    }
}

impl Segments {
    pub(super) fn all(&self) -> &[Segment] {
        &self.all
    }

    /// Finds the segments that may have all terms.
    pub(super) fn find_segments(&self, terms: &[Term], found: &mut Candidates) {
        // Nothing is pending there.
        self.overview.find(terms, |_none| 0, found);
    }

    /// Where the share of a key is.
    pub(super) fn find(&self, key: &Key<'_>, owners: &Owners) -> Option<(usize, SharePlace)> {
        let at = self.segment_of(key, owners)?;
        self.all[at].find(key, owners).ok().map(|place| (at, place))
    }

    /// Where the shares behind a key begin.
    pub(super) fn find_behind(&self, key: &Key<'_>, owners: &Owners) -> (usize, SharePlace) {
        self.segment_of(key, owners).map_or_else(Default::default, |at| {
            let (Ok(place) | Err(place)) = self.all[at].find(key, owners);
            (at, place)
        })
    }

    /// The segment that still has exactly these leaves.
    pub(super) fn with_leaves(&self, leaves: &Leaves, owners: &Owners) -> Option<&Segment> {
        let key = leaves.first()?.key(0, owners);
        let segment = &self.all[self.segment_of(&key, owners)?];
        Arc::ptr_eq(segment.leaves(), leaves).then_some(segment)
    }

    /// Puts down where shares with these paths and hashes probably belong, and has the processor fetch what is there, for
    /// all at the same time.
    pub(super) fn fetch<'a>(
        &self,
        shares: impl Iterator<Item = (&'a str, Option<Term>)> + Clone,
        places: &mut Vec<LikelyPlace>,
    ) {
        places.clear();
        places.extend(shares.clone().map(|(path, _)| self.likely_place(path)));
        if self.all.is_empty() {
            return;
        }
        let leaf = |place: &LikelyPlace| &self.all[place.segment].leaves()[place.leaf];
        places.iter().for_each(|place| leaf(place).fetch_self());
        for (place, (_, hash)) in places.iter().zip(shares) {
            self.overview.fetch_values(place.segment, hash.into_iter());
        }
        places.iter().for_each(|place| leaf(place).fetch_all());
    }

    fn likely_place(&self, path: &str) -> LikelyPlace {
        if self.all.is_empty() {
            return LikelyPlace::default();
        }
        let segment = self.fences.find(path, |_only_the_segment_can_tell| false);
        LikelyPlace { segment, leaf: self.all[segment].likely_leaf(path) }
    }

    /// Adds a share or replaces it; returns what was there before.
    pub(super) fn insert(
        &mut self,
        key: &Key<'_>,
        content: ShareContent,
        likely: Option<LikelyPlace>,
        owners: &Owners,
    ) -> Option<ShareContent> {
        let mut search_key = std::mem::take(&mut self.scratch);
        search_key.clear();
        push_key(key.path, &mut search_key);
        let share = NewShare { path: key.path, search_key: &search_key, owner: key.owner, content };
        let before = self.insert_share(key, &share, likely, owners);
        self.scratch = search_key;
        before
    }

    fn insert_share(
        &mut self,
        key: &Key<'_>,
        share: &NewShare<'_>,
        likely: Option<LikelyPlace>,
        owners: &Owners,
    ) -> Option<ShareContent> {
        let content = share.content;
        loop {
            let Some((at, found)) = self.place_of(key, likely, owners) else {
                self.add(0, share);
                break;
            };
            let segment = &mut self.all[at];
            match found {
                Ok(place) => {
                    let before = segment.content(place);
                    if before != content {
                        segment.replace(place, content);
                        self.overview.mark_values(at, share.values());
                    }
                    return Some(before);
                }
                Err(place) if !segment.is_full_for(place, key.path) => {
                    segment.insert(place, share);
                    self.overview.mark_values(at, share.values());
                    break;
                }
                // Shares often come in order: a segment that was filled from the front stays full.
                Err(place) if segment.is_end(place) => {
                    self.add(at + 1, share);
                    break;
                }
                Err(_) => self.split(at),
            }
        }
        self.is_pending = true;
        self.new_since += 1;
        self.learn();
        None
    }

    /// Takes away what [`find`](Self::find) has found.
    pub(super) fn remove(&mut self, (at, place): (usize, SharePlace)) {
        self.all[at].remove(place);
        self.tidy(at);
    }

    /// Takes about so many shares of one owner away, and calls `gone` with the path and size of each.
    pub(super) fn remove_owner(
        &mut self,
        owner: OwnerId,
        max: usize,
        mut gone: impl FnMut(&str, Option<u64>),
    ) -> usize {
        let mut removed = 0;
        let mut candidates = Candidates::default();
        self.find_segments(&[Term::owner(owner)], &mut candidates);
        for at in candidates.places() {
            removed += self.all[at].remove_owner(owner, max - removed, &mut gone);
            if removed >= max {
                break;
            }
        }
        (0..self.all.len()).rev().for_each(|at| self.tidy(at));
        removed
    }

    /// Whether some shares are not in the signature indexes yet.
    pub(super) fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// Puts the pending shares of one segment into its signature index.
    pub(super) fn catch_up(&mut self) {
        let count = self.all.len();
        let next = (0..count).map(|step| (self.catching_up_at + step) % count).find(|at| self.all[*at].catch_up());
        self.is_pending = next.is_some();
        self.catching_up_at = next.map_or(0, |at| at + 1);
    }

    /// Checks what the parts promise each other, and that nothing is missing in the overview.
    #[cfg(test)]
    pub(super) fn assert_sound(&self, owners: &Owners) {
        let leaves: Vec<_> = self.all.iter().flat_map(|segment| segment.leaves().iter()).collect();
        for pair in leaves.windows(2) {
            let first = pair[1].key(0, owners);
            assert_eq!(pair[0].compare(pair[0].len() - 1, &first, owners), std::cmp::Ordering::Less);
        }
        assert_eq!((self.overview.len(), self.fences.len()), (self.all.len(), self.all.len()));
        self.overview.assert_sound();
        for (at, segment) in self.all.iter().enumerate() {
            segment.assert_sound(owners);
            assert_eq!(self.segment_of(&segment.leaves()[0].key(0, owners), owners), Some(at));
            let mut found = Candidates::default();
            let values: Vec<_> = segment.values().collect();
            self.find_segments(&values, &mut found);
            assert!(found.places().any(|place| place == at));
        }
    }

    /// The segment that has or should have a key; `None` if there is no segment.
    fn segment_of(&self, key: &Key<'_>, owners: &Owners) -> Option<usize> {
        let find = || self.fences.find(key.path, |at| self.all[at].is_behind(key, owners));
        (!self.all.is_empty()).then(find)
    }

    /// The segment of a key, and where in it a share is or where it belongs. What is likely is looked at first: others may
    /// have come in between.
    fn place_of(
        &self,
        key: &Key<'_>,
        likely: Option<LikelyPlace>,
        owners: &Owners,
    ) -> Option<(usize, Result<SharePlace, SharePlace>)> {
        let is_still = |place: &LikelyPlace| {
            self.fences.is_found(place.segment, key.path) && self.all[place.segment].is_in_leaf(place.leaf, key.path)
        };
        if let Some(LikelyPlace { segment, leaf }) = likely.filter(is_still) {
            return Some((segment, self.all[segment].find_in(leaf, key, owners)));
        }
        let at = self.segment_of(key, owners)?;
        Some((at, self.all[at].find(key, owners)))
    }

    fn add(&mut self, at: usize, share: &NewShare<'_>) {
        let seed = self.next_seed();
        self.all.insert(at, Segment::new(seed, self.common.clone(), share));
        self.fences.insert(at, |at| self.all[at].first_path());
        self.overview.insert(at);
        self.overview.mark_values(at, share.values());
    }

    fn split(&mut self, at: usize) {
        let right = self.all[at].split();
        self.all.insert(at + 1, right);
        self.fences.insert(at + 1, |at| self.all[at].first_path());
        self.overview.insert(at + 1);
        self.overview.mark_values(at + 1, self.all[at + 1].values());
        self.note_again_if_worn(at);
    }

    /// After a segment has lost shares: drops it if it is empty, and joins it with a neighbour if both are small.
    fn tidy(&mut self, at: usize) {
        if self.all[at].shares() == 0 {
            self.all.remove(at);
            self.fences.remove(at);
            self.overview.remove(at);
            return;
        }
        let is_joined = at > 0 && self.join(at - 1) || self.join(at);
        if !is_joined {
            self.note_again_if_worn(at);
        }
    }

    /// Makes one of this segment and the next, if both are small.
    fn join(&mut self, at: usize) -> bool {
        let [one, next, ..] = &self.all[at..] else { return false };
        let is_small = one.can_take(next);
        if is_small {
            let next = self.all.remove(at + 1);
            self.fences.remove(at + 1);
            self.overview.remove(at + 1);
            self.overview.mark_values(at, next.values());
            self.all[at].append(next);
        }
        is_small
    }

    /// Notes what a segment has, and forgets what it had, if that is more.
    fn note_again_if_worn(&mut self, at: usize) {
        let segment = &self.all[at];
        if segment.tombstones <= segment.shares() + SEGMENT_TOMBSTONES_MIN {
            return;
        }
        self.overview.renew(at);
        self.overview.mark_values(at, self.all[at].values());
        self.all[at].tombstones = 0;
    }

    /// Keeps up with what is common.
    fn learn(&mut self) {
        if self.new_since >= LEARN_FROM && self.new_since >= 3 * self.learnt_at {
            let leaves: usize = self.all.iter().map(|segment| segment.leaves().len()).sum();
            let sample = self.all.iter().flat_map(|segment| segment.leaves().iter());
            self.common = Arc::new(Common::of(sample.step_by(leaves.div_ceil(SAMPLE_LEAVES))));
            self.learnt_at += self.new_since;
            self.new_since = 0;
        }
        if self.new_since.is_multiple_of(INDEX_AGAIN_EVERY) {
            let seed = self.next_seed();
            if let Some(old) = self.all.iter_mut().find(|segment| !segment.knows(&self.common)) {
                old.index_all(seed, &self.common);
            }
        }
    }

    fn next_seed(&mut self) -> u64 {
        self.seeds += 1;
        self.seeds
    }
}
