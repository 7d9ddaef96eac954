//! Looking for the lines of a list, in steps that are short even if there is much to look through.
//!
//! A step takes runs of leaves one after the other; [`ScanWorkers`] may take some of them at the same time.
//! A search that goes on looks at the shares that there were when it was started. Where they are still the same it asks
//! the signature index; a segment that has changed meanwhile is looked through leaf by leaf.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::protocol::page::Cursor;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::filter::ShareFilter;
use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::leaf_row::Leaves;
use crate::tracker::catalog::level::LevelLines;
use crate::tracker::catalog::owner_names::OwnerNames;
use crate::tracker::catalog::piece::ListPiece;
use crate::tracker::catalog::scan_workers::ScanWorkers;
use crate::tracker::catalog::segment::{Segment, SharePlace};
use crate::tracker::catalog::signature_index::Candidates;
use crate::tracker::catalog::sum::ShareSum;
use crate::tracker::catalog::term::Term;

/// How much text one step looks through: a few milliseconds.
const STEP_BYTES: usize = if cfg!(test) { 2048 } else { 4 << 20 };
/// What a look into the signature index of a segment costs, in bytes looked through.
const SIGNATURE_BYTES: usize = if cfg!(test) { 16 } else { 2 << 10 };

/// What it costs to find the child of a folder that a share is below, in bytes looked through.
const CHILD_BYTES: usize = if cfg!(test) { 16 } else { 128 };

/// How many leaves are fetched from memory together.
const FETCH_LEAVES: usize = 8;

/// So many segments are looked through before workers are asked: words that many have are found in them, and waking a
/// thread takes as long.
const ALONE_RUNS: usize = if cfg!(test) { 2 } else { 6 };

/// A scan on its way.
#[derive(Debug)]
pub(super) struct Scan {
    filter: ShareFilter,
    terms: Vec<Term>,
    hits: ScanHits,
    /// What is to be looked through, as it was when the scan was started.
    rest: VecDeque<Leaves>,
}

/// What is made of the shares that are found, as far as it is made.
#[derive(Debug)]
pub(super) enum ScanHits {
    /// They are lines themselves.
    Shares(ShareLines),
    /// They are lines of one level of a folder.
    Level(LevelLines),
    /// They are counted.
    Totals(ShareSum),
}

/// Shares that are lines of a list.
#[derive(Debug)]
pub(super) struct ShareLines {
    pieces: Vec<ListPiece>,
    lines: usize,
    limit: usize,
    /// There is one more than the limit allows.
    is_cut: bool,
    /// Those who have a line, if each owner is to have one only.
    owners: Option<HashSet<OwnerId>>,
}

impl Scan {
    pub(super) fn new(filter: ShareFilter, hits: ScanHits) -> Self {
        Self { terms: filter.terms(), filter, hits, rest: VecDeque::new() }
    }

    /// The first step: each of these segments, from a place in it on; `true` if it was the last.
    pub(super) fn start(&mut self, segments: &[(&Segment, SharePlace)], workers: Option<&dyn ScanWorkers>) -> bool {
        let run = |at: usize| segments.get(at).map(|(segment, from)| Run::of(segment, *from));
        let done = self.step(run, workers);
        if !self.hits.is_cut() {
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
        if !self.hits.is_cut() {
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
        let (limit, is_count) = (self.hits.shares_left(), matches!(self.hits, ScanHits::Totals(_)));
        let (filter, terms, progress) = (&self.filter, self.terms.as_slice(), StepProgress::default());
        let hit_bytes = if matches!(self.hits, ScanHits::Level(_)) { CHILD_BYTES } else { 0 };
        let step = ScanStep { filter, terms, limit, is_count, hit_bytes, run, progress };
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
    Segment(&'a Segment, SharePlace),
    /// The leaves that a segment had.
    Leaves(&'a Leaves),
}

impl<'a> Run<'a> {
    fn of(segment: &'a Segment, from: SharePlace) -> Self {
        Self::Segment(segment, from)
    }

    fn whole(segment: &'a Segment) -> Self {
        Self::Segment(segment, SharePlace::default())
    }
}

/// A step that several threads may work on.
struct ScanStep<'a, R> {
    filter: &'a ShareFilter,
    terms: &'a [Term],
    /// More shares than these are not needed.
    limit: usize,
    /// The shares themselves are not needed.
    is_count: bool,
    /// What is still to be done with each share that is found, in bytes looked through.
    hit_bytes: usize,
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
#[derive(Default)]
struct RunHits {
    leaves: Vec<(Arc<Leaf>, Mask)>,
    sum: ShareSum,
}

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
            let mut look = Look { step: self, scratch: &mut scratch, hits: RunHits::default(), bytes: 0, lines: 0 };
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
    fn look_into(&mut self, segment: &Segment, from: SharePlace, candidates: &mut Candidates) {
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
            self.bytes += mask.count_ones() as usize * self.step.hit_bytes;
            if self.step.is_count {
                leaf.add_some(&mut self.hits.sum, mask);
            } else {
                self.hits.leaves.push((leaf.clone(), mask));
            }
        }
        self.lines <= self.step.limit
    }
}

impl ScanHits {
    /// At most so many shares are lines.
    pub(super) fn shares(limit: Option<usize>) -> Self {
        let limit = limit.unwrap_or(usize::MAX);
        Self::Shares(ShareLines { pieces: Vec::new(), lines: 0, limit, is_cut: false, owners: None })
    }

    /// The first share of each owner is a line, at most so many.
    pub(super) fn owners(limit: usize) -> Self {
        let owners = Some(HashSet::new());
        Self::Shares(ShareLines { pieces: Vec::new(), lines: 0, limit, is_cut: false, owners })
    }

    /// How many more shares are needed at most.
    fn shares_left(&self) -> usize {
        match self {
            // Whose they are is known when they are taken.
            Self::Shares(ShareLines { owners: Some(_), .. }) => usize::MAX,
            Self::Shares(shares) => shares.limit - shares.lines,
            Self::Level(_) | Self::Totals(_) => usize::MAX,
        }
    }

    /// Whether there is more than what was asked for.
    fn is_cut(&self) -> bool {
        match self {
            Self::Shares(shares) => shares.is_cut,
            Self::Level(level) => level.is_cut(),
            Self::Totals(_) => false,
        }
    }

    /// Takes what was found in each run, in their order; returns how many runs they were.
    fn add_runs(&mut self, looked: Vec<(usize, RunHits)>) -> usize {
        let runs = looked.len();
        for (_, hits) in looked {
            if let Self::Totals(sum) = self {
                sum.add_all(&hits.sum);
            }
            for (leaf, mask) in hits.leaves {
                match self {
                    Self::Shares(shares) => shares.add(leaf, mask),
                    Self::Level(level) => level.add_shares(&leaf, mask),
                    Self::Totals(_) => {}
                }
                if self.is_cut() {
                    return runs;
                }
            }
        }
        runs
    }

    /// How many lines were found, and where the next page begins if there are more.
    pub(super) fn end(&self, names: &OwnerNames) -> (usize, Option<Cursor>) {
        match self {
            Self::Shares(shares) => (shares.lines, shares.more(names)),
            Self::Level(level) => level.end(names),
            Self::Totals(_) => (1, None),
        }
    }

    pub(super) fn into_pieces(self) -> Vec<ListPiece> {
        match self {
            Self::Shares(shares) => shares.pieces,
            Self::Level(level) => level.into_pieces(),
            Self::Totals(sum) => vec![ListPiece::Totals(Box::new(sum.totals()))],
        }
    }
}

impl ShareLines {
    fn add(&mut self, leaf: Arc<Leaf>, mut mask: Mask) {
        if let Some(owners) = &mut self.owners {
            let of_others = |at: &u32| mask & (1 << at) != 0 && owners.insert(leaf.owner(*at as usize));
            mask = (0..Mask::BITS).filter(of_others).fold(0, |some, at| some | 1 << at);
        }
        while self.lines + mask.count_ones() as usize > self.limit {
            self.is_cut = true;
            mask &= !(1 << mask.ilog2());
        }
        if mask != 0 {
            self.lines += mask.count_ones() as usize;
            self.pieces.push(ListPiece::Shares(leaf, mask));
        }
    }

    /// The cursor of the last line, if there are more.
    fn more(&self, names: &OwnerNames) -> Option<Cursor> {
        match self.pieces.last().filter(|_| self.is_cut)? {
            ListPiece::Shares(leaf, mask) => Some(leaf.cursor(mask.ilog2() as usize, names)),
            ListPiece::Folder(_) | ListPiece::Totals(_) => None,
        }
    }
}
