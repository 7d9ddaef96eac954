//! Looking for the lines of a list, in steps that are short even if there is much to look through.
//!
//! A search that goes on looks at the shares that there were when it was started. Where they are still the same it asks
//! the grid; a segment that has changed meanwhile is looked through leaf by leaf.

use std::sync::Arc;

use crate::model::hash::ContentHash;
use crate::protocol::command::Cursor;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::grid::Candidates;
use crate::tracker::catalog::late::Late;
use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::query::Query;
use crate::tracker::catalog::segment::{Leaves, Place, Segment};
use crate::tracker::catalog::term::Term;

/// How much text one step looks through: a few milliseconds.
const STEP_BYTES: usize = if cfg!(test) { 512 } else { 4 << 20 };
/// What a look into the grid of a segment costs, in bytes looked through.
const GRID_BYTES: usize = if cfg!(test) { 16 } else { 2 << 10 };

/// How many leaves are fetched from memory together.
const FETCH_LEAVES: usize = 8;

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

    /// The terms that the grid of segments has, too: not those of words.
    pub(super) fn segment_terms(&self) -> Vec<Term> {
        if matches!(self, Self::Words(_)) { Vec::new() } else { self.terms() }
    }

    /// How many times a text is looked through at worst.
    fn looks(&self) -> usize {
        if let Self::Words(query) = self { query.words_len().max(1) } else { 1 }
    }

    /// What of the shares that are not in a grid yet can be wanted.
    pub(super) fn matches_late(&self, late: &Late) -> Mask {
        match self {
            Self::Owner(owner) => late.with_value(Term::owner(*owner)),
            Self::Hash(hash) => late.with_value(Term::hash(hash)),
            Self::Words(query) => query.matches_of(late.keys()),
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

/// A search on its way.
#[derive(Debug)]
pub(super) struct Gathering {
    filter: Filter,
    terms: Vec<Term>,
    candidates: Candidates,
    scratch: Vec<u8>,
    found: Found,
    /// What is to be looked through, as it was when the search was started.
    rest: std::vec::IntoIter<Leaves>,
    /// How much of this step is left.
    bytes_left: usize,
}

/// What was found until now.
#[derive(Debug)]
pub(super) struct Found {
    leaves: Vec<(Arc<Leaf>, Mask)>,
    lines: usize,
    limit: usize,
    /// There is one more than the limit allows.
    is_cut: bool,
}

impl Gathering {
    pub(super) fn new(filter: Filter, limit: Option<usize>) -> Self {
        let found = Found { leaves: Vec::new(), lines: 0, limit: limit.unwrap_or(usize::MAX), is_cut: false };
        let (terms, rest) = (filter.terms(), Vec::new().into_iter());
        let (candidates, scratch) = (Candidates::default(), Vec::new());
        Self { filter, terms, candidates, scratch, found, rest, bytes_left: STEP_BYTES }
    }

    /// The first step: each of these segments, from a place in it on; `true` if it was the last.
    pub(super) fn start<'a>(&mut self, mut segments: impl Iterator<Item = (&'a Segment, Place)>) -> bool {
        while let Some((segment, from)) = segments.next().filter(|_| !self.found.is_cut) {
            if self.bytes_left == 0 {
                let rest: Vec<_> = segments.map(|(segment, _)| segment.leaves().clone()).collect();
                self.rest = std::iter::once(segment.leaves().clone()).chain(rest).collect::<Vec<_>>().into_iter();
                return false;
            }
            self.look_into(segment, from);
        }
        true
    }

    /// One more step; `true` if it was the last. `same` finds the segment that still has exactly these leaves.
    pub(super) fn go_on<'a>(&mut self, same: impl Fn(&Leaves) -> Option<&'a Segment>) -> bool {
        self.bytes_left = STEP_BYTES;
        while self.bytes_left > 0 && !self.found.is_cut {
            let Some(leaves) = self.rest.next() else { return true };
            match same(&leaves) {
                Some(segment) => self.look_into(segment, Place::default()),
                None => _ = leaves.iter().all(|leaf| self.look_at(leaf, 0)),
            }
        }
        self.found.is_cut || self.rest.len() == 0
    }

    pub(super) fn into_found(self) -> Found {
        self.found
    }

    fn look_into(&mut self, segment: &Segment, from: Place) {
        self.bytes_left = self.bytes_left.saturating_sub(GRID_BYTES);
        let mut candidates = std::mem::take(&mut self.candidates);
        segment.find_leaves(&self.terms, |late| self.filter.matches_late(late), &mut candidates);
        let mut places = candidates.places().skip_while(|at| *at < from.leaf);
        let leaves = segment.leaves();
        'search: loop {
            let mut some = [0; FETCH_LEAVES];
            let count = some.iter_mut().zip(&mut places).map(|(to, at)| *to = at).count();
            // Most of the time goes into waiting for memory: all are asked for before the first is looked at.
            some[..count].iter().for_each(|at| leaves[*at].fetch());
            for at in &some[..count] {
                if !self.look_at(&leaves[*at], if *at == from.leaf { from.at } else { 0 }) {
                    break 'search;
                }
            }
            if count < some.len() {
                break;
            }
        }
        drop(places);
        self.candidates = candidates;
    }

    /// Takes what matches from a share of this leaf on; `false` when there is more than the limit allows.
    fn look_at(&mut self, leaf: &Arc<Leaf>, from: usize) -> bool {
        self.bytes_left = self.bytes_left.saturating_sub(leaf.text_bytes() * self.filter.looks());
        let mask = self.filter.matches(leaf, &mut self.scratch) >> from << from;
        if mask != 0 {
            self.found.add(leaf, mask);
        }
        !self.found.is_cut
    }
}

impl Found {
    fn add(&mut self, leaf: &Arc<Leaf>, mut mask: Mask) {
        while self.lines + mask.count_ones() as usize > self.limit {
            self.is_cut = true;
            mask &= !(1 << mask.ilog2());
        }
        if mask != 0 {
            self.lines += mask.count_ones() as usize;
            self.leaves.push((leaf.clone(), mask));
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
