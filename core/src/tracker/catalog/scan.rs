//! Looking for the lines of a list, in steps that are short even if there is much to look through.
//!
//! A step takes runs of leaves one after the other; [`ScanWorkers`] may take some of them at the same time.
//! A search that goes on looks at the shares that there were when it was started. Where they are still the same it asks
//! the signature index; a segment that has changed meanwhile is looked through leaf by leaf.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::hash::ContentHash;
use crate::protocol::command::Cursor;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::pending_delta::PendingDelta;
use crate::tracker::catalog::query::Query;
use crate::tracker::catalog::scan_workers::ScanWorkers;
use crate::tracker::catalog::segment::{Leaves, Place, Segment};
use crate::tracker::catalog::signature_index::Candidates;
use crate::tracker::catalog::term::Term;

/// How much text one step looks through: a few milliseconds.
const STEP_BYTES: usize = if cfg!(test) { 2048 } else { 4 << 20 };
/// What a look into the signature index of a segment costs, in bytes looked through.
const SIGNATURE_BYTES: usize = if cfg!(test) { 16 } else { 2 << 10 };

/// How many leaves are fetched from memory together.
const FETCH_LEAVES: usize = 8;

/// So many segments are looked through before workers are asked: words that many have are found in them, and waking a
/// thread takes as long.
const ALONE_RUNS: usize = if cfg!(test) { 2 } else { 6 };

/// Which shares are wanted.
#[derive(Debug)]
pub(super) enum Filter {
    Owner(OwnerId),
    Hash(ContentHash),
    Words(Query),
}

impl Filter {
    fn terms(&self) -> Vec<Term> {
        match self {
            Self::Owner(owner) => vec![Term::owner(*owner)],
            Self::Hash(hash) => vec![Term::hash(hash)],
            Self::Words(query) => query.terms().to_vec(),
        }
    }

    /// The terms that the signature index of segments has, too: not those of words.
    pub(super) fn segment_terms(&self) -> Vec<Term> {
        if matches!(self, Self::Words(_)) { Vec::new() } else { self.terms() }
    }

    /// How many times a text is looked through at worst.
    fn looks(&self) -> usize {
        if let Self::Words(query) = self { query.words_len().max(1) } else { 1 }
    }

    /// What of the shares that are not in a signature index yet can be wanted.
    pub(super) fn matches_pending(&self, pending: &PendingDelta) -> Mask {
        match self {
            Self::Owner(owner) => pending.with_value(Term::owner(*owner)),
            Self::Hash(hash) => pending.with_value(Term::hash(hash)),
            Self::Words(query) => query.matches_of(pending.keys()),
        }
    }

    fn matches(&self, leaf: &Leaf, scratch: &mut Vec<u8>) -> Mask {
        match self {
            Self::Owner(owner) => leaf.of_owner(*owner),
            Self::Hash(hash) => leaf.of_hash(hash),
            Self::Words(query) => query.matches(leaf, scratch),
        }
    }
}

/// A scan on its way.
#[derive(Debug)]
pub(super) struct Scan {
    filter: Filter,
    terms: Vec<Term>,
    hits: ScanHits,
    /// What is to be looked through, as it was when the scan was started.
    rest: VecDeque<Leaves>,
}

/// What was found until now.
#[derive(Debug)]
pub(super) struct ScanHits {
    leaves: Vec<(Arc<Leaf>, Mask)>,
    lines: usize,
    limit: usize,
    /// There is one more than the limit allows.
    is_cut: bool,
}

impl Scan {
    pub(super) fn new(filter: Filter, limit: Option<usize>) -> Self {
        let hits = ScanHits { leaves: Vec::new(), lines: 0, limit: limit.unwrap_or(usize::MAX), is_cut: false };
        Self { terms: filter.terms(), filter, hits, rest: VecDeque::new() }
    }

    /// The first step: each of these segments, from a place in it on; `true` if it was the last.
    pub(super) fn start(&mut self, segments: &[(&Segment, Place)], workers: Option<&dyn ScanWorkers>) -> bool {
        let run = |at: usize| segments.get(at).map(|(segment, from)| Run::of(segment, *from));
        let done = self.step(run, workers);
        if !self.hits.is_cut {
            self.rest = segments[done..].iter().map(|(segment, _)| segment.leaves().clone()).collect();
        }
        self.rest.is_empty()
    }

    /// One more step; `true` if it was the last. `same` finds the segment that still has exactly these leaves.
    pub(super) fn go_on<'a>(
        &mut self,
        same: impl Fn(&Leaves) -> Option<&'a Segment> + Sync,
        workers: Option<&dyn ScanWorkers>,
    ) -> bool {
        let rest = std::mem::take(&mut self.rest);
        let run = |at: usize| rest.get(at).map(|leaves| same(leaves).map_or(Run::Leaves(leaves), Run::whole));
        let done = self.step(run, workers);
        if !self.hits.is_cut {
            self.rest = rest;
            self.rest.drain(..done);
        }
        self.rest.is_empty()
    }

    pub(super) fn into_hits(self) -> ScanHits {
        self.hits
    }

    /// Looks through one run after the other, for some milliseconds at most; returns how many. Whoever has only few
    /// and rare lines to find looks through all there are: that is shared with the workers.
    fn step<'a>(&mut self, run: impl Fn(usize) -> Option<Run<'a>> + Sync, workers: Option<&dyn ScanWorkers>) -> usize {
        let limit = self.hits.limit - self.hits.lines;
        let step = ScanStep { filter: &self.filter, terms: &self.terms, limit, run, progress: StepProgress::default() };
        let Some(workers) = workers else { return self.hits.add_runs(step.work(usize::MAX)) };
        let mut looked = step.work(ALONE_RUNS);
        if looked.len() == ALONE_RUNS && !step.is_over() {
            let together = Mutex::new(Vec::new());
            workers.run(&|| {
                let some = step.work(usize::MAX);
                together.lock().unwrap_or_else(PoisonError::into_inner).extend(some);
            });
            looked.extend(together.into_inner().unwrap_or_else(PoisonError::into_inner));
            looked.sort_unstable_by_key(|(at, _)| *at);
        }
        self.hits.add_runs(looked)
    }
}

/// What one thread looks through before it asks for more.
enum Run<'a> {
    /// Where a segment was not changed, from a place in it on: its signature index is asked.
    Segment(&'a Segment, Place),
    /// The leaves that a segment had.
    Leaves(&'a Leaves),
}

impl<'a> Run<'a> {
    fn of(segment: &'a Segment, from: Place) -> Self {
        Self::Segment(segment, from)
    }

    fn whole(segment: &'a Segment) -> Self {
        Self::Segment(segment, Place::default())
    }
}

/// A step that several threads may work on.
struct ScanStep<'a, R> {
    filter: &'a Filter,
    terms: &'a [Term],
    /// More lines than these are not needed.
    limit: usize,
    /// The runs, by their places.
    run: R,
    progress: StepProgress,
}

/// Runs are begun in their order and each that was begun is looked through: what is done is without gaps.
#[derive(Default)]
struct StepProgress {
    begun: AtomicUsize,
    bytes: AtomicUsize,
    lines: AtomicUsize,
}

/// What was found in one run.
type RunHits = Vec<(Arc<Leaf>, Mask)>;

impl<'a, R: Fn(usize) -> Option<Run<'a>> + Sync> ScanStep<'_, R> {
    fn is_over(&self) -> bool {
        self.progress.bytes.load(Relaxed) >= STEP_BYTES || self.progress.lines.load(Relaxed) > self.limit
    }

    /// Looks through at most so many of the runs that nobody has begun; returns what was found in each, by its place.
    fn work(&self, runs_max: usize) -> Vec<(usize, RunHits)> {
        let (mut candidates, mut scratch) = (Candidates::default(), Vec::new());
        let next = || {
            let at = self.progress.begun.fetch_add(1, Relaxed);
            (self.run)(at).map(|run| (at, run))
        };
        let mut looked = Vec::new();
        while looked.len() < runs_max
            && !self.is_over()
            && let Some((at, run)) = next()
        {
            let mut look = Look { step: self, scratch: &mut scratch, hits: RunHits::new(), bytes: 0, lines: 0 };
            match run {
                Run::Segment(segment, from) => look.look_into(segment, from, &mut candidates),
                Run::Leaves(leaves) => _ = leaves.iter().all(|leaf| look.look_at(leaf, 0)),
            }
            self.progress.bytes.fetch_add(look.bytes, Relaxed);
            self.progress.lines.fetch_add(look.lines, Relaxed);
            looked.push((at, look.hits));
        }
        looked
    }
}

/// One run being looked through.
struct Look<'a, 'b, R> {
    step: &'a ScanStep<'b, R>,
    scratch: &'a mut Vec<u8>,
    hits: RunHits,
    bytes: usize,
    lines: usize,
}

impl<R> Look<'_, '_, R> {
    fn look_into(&mut self, segment: &Segment, from: Place, candidates: &mut Candidates) {
        self.bytes += SIGNATURE_BYTES;
        let filter = self.step.filter;
        segment.find_leaves(self.step.terms, |pending| filter.matches_pending(pending), candidates);
        let mut places = candidates.places().skip_while(|at| *at < from.leaf);
        let leaves = segment.leaves();
        loop {
            let mut some = [0; FETCH_LEAVES];
            let count = some.iter_mut().zip(&mut places).map(|(to, at)| *to = at).count();
            // Most of the time goes into waiting for memory: all are asked for before the first is looked at.
            some[..count].iter().for_each(|at| leaves[*at].fetch());
            for at in &some[..count] {
                if !self.look_at(&leaves[*at], if *at == from.leaf { from.at } else { 0 }) {
                    return;
                }
            }
            if count < some.len() {
                return;
            }
        }
    }

    /// Takes what matches from a share of this leaf on; `false` when there is more than the limit allows.
    fn look_at(&mut self, leaf: &Arc<Leaf>, from: usize) -> bool {
        self.bytes += leaf.text_bytes() * self.step.filter.looks();
        let mask = self.step.filter.matches(leaf, self.scratch) >> from << from;
        if mask != 0 {
            self.lines += mask.count_ones() as usize;
            self.hits.push((leaf.clone(), mask));
        }
        self.lines <= self.step.limit
    }
}

impl ScanHits {
    /// Takes what was found in each run, in their order; returns how many runs they were.
    fn add_runs(&mut self, looked: Vec<(usize, RunHits)>) -> usize {
        let runs = looked.len();
        for (leaf, mask) in looked.into_iter().flat_map(|(_, hits)| hits) {
            self.add(leaf, mask);
            if self.is_cut {
                break;
            }
        }
        runs
    }

    fn add(&mut self, leaf: Arc<Leaf>, mut mask: Mask) {
        while self.lines + mask.count_ones() as usize > self.limit {
            self.is_cut = true;
            mask &= !(1 << mask.ilog2());
        }
        if mask != 0 {
            self.lines += mask.count_ones() as usize;
            self.leaves.push((leaf, mask));
        }
    }

    pub(super) fn lines(&self) -> u64 {
        u64::try_from(self.lines).expect("a count in memory has at most 64 bits")
    }

    /// The cursor of the last line, if there are more.
    pub(super) fn more(&self, owners: &Owners) -> Option<Cursor> {
        let (leaf, mask) = self.leaves.last().filter(|_| self.is_cut)?;
        Some(leaf.cursor(mask.ilog2() as usize, owners))
    }

    pub(super) fn into_leaves(self) -> std::vec::IntoIter<(Arc<Leaf>, Mask)> {
        self.leaves.into_iter()
    }
}
