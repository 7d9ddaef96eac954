//! One level of a folder: its files, and its folders with what is below each.
//!
//! If all shares are meant, a [`LevelWalk`] steps from child to child and adds whole leaves up. Otherwise a scan hands
//! every share that is meant to [`LevelLines`] in order, which adds up those of one folder.

use std::sync::Arc;

use crate::protocol::page::Cursor;
use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::piece::{FolderSum, ListPiece};
use crate::tracker::catalog::span::{Span, SpanPlace};
use crate::tracker::catalog::sum::ShareSum;

/// How much one step of a walk does, a few milliseconds: a share looked at is one.
const WALK_STEP: usize = if cfg!(test) { 20 } else { 16 << 10 };
/// What finding the end of a folder costs, in shares looked at.
const SEEK_WORK: usize = if cfg!(test) { 5 } else { 32 };

/// The path with a `/` at its end of a folder, or nothing at the top: what the paths of its children begin with.
pub(super) type LevelPrefix = Box<str>;

/// The lines of a level, as they are found.
#[derive(Debug)]
pub(super) struct LevelLines {
    prefix: LevelPrefix,
    limit: usize,
    pieces: Vec<ListPiece>,
    lines: usize,
    /// There is one more than the limit allows.
    is_cut: bool,
}

impl LevelLines {
    pub(super) fn new(prefix: LevelPrefix, limit: usize) -> Self {
        Self { prefix, limit, pieces: Vec::new(), lines: 0, is_cut: false }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Takes the next shares that are meant, all of which are below the folder.
    pub(super) fn add_shares(&mut self, leaf: &Arc<Leaf>, mut mask: Mask) {
        while mask != 0 && !self.is_cut {
            let at = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            let path = leaf.path(at);
            let Some(slash) = path[self.prefix.len()..].find('/') else {
                self.add_file(leaf, at);
                continue;
            };
            let folder = &path[..self.prefix.len() + slash];
            if !matches!(self.pieces.last(), Some(ListPiece::Folder(last)) if *last.path == *folder) {
                self.add_folder(folder, ShareSum::default());
            }
            if let Some(ListPiece::Folder(last)) = self.pieces.last_mut().filter(|_| !self.is_cut) {
                last.sum.add(leaf.owner(at), leaf.content(at).size);
            }
        }
    }

    fn add_file(&mut self, leaf: &Arc<Leaf>, at: usize) {
        if self.begin_line() {
            match self.pieces.last_mut() {
                Some(ListPiece::Shares(last, mask)) if Arc::ptr_eq(last, leaf) => *mask |= 1 << at,
                _ => self.pieces.push(ListPiece::Shares(leaf.clone(), 1 << at)),
            }
        }
    }

    fn add_folder(&mut self, path: &str, sum: ShareSum) {
        if self.begin_line() {
            self.pieces.push(ListPiece::Folder(Box::new(FolderSum { path: path.into(), sum })));
        }
    }

    /// Whether there may be one more line.
    fn begin_line(&mut self) -> bool {
        self.is_cut |= self.lines == self.limit;
        self.lines += usize::from(!self.is_cut);
        !self.is_cut
    }

    /// How many lines they are, and where the next page begins if there are more.
    pub(super) fn end(&self, owners: &Owners) -> (usize, Option<Cursor>) {
        let more = self.pieces.last().filter(|_| self.is_cut).map(|last| match last {
            ListPiece::Shares(leaf, mask) => leaf.cursor(mask.ilog2() as usize, owners),
            ListPiece::Folder(folder) => Cursor::behind_folder(&folder.path),
            ListPiece::Totals(_) => unreachable!("a level has none"),
        });
        (self.lines, more)
    }

    pub(super) fn into_pieces(self) -> Vec<ListPiece> {
        self.pieces
    }
}

/// A level of everything, on its way from child to child.
#[derive(Debug)]
pub(super) struct LevelWalk {
    span: Span,
    next: SpanPlace,
    lines: LevelLines,
}

impl LevelWalk {
    /// Begins at a place that is not before the first child.
    pub(super) fn new(span: Span, from: SpanPlace, lines: LevelLines) -> Self {
        Self { span, next: from, lines }
    }

    /// One more step; `true` if it was the last.
    pub(super) fn go_on(&mut self) -> bool {
        let Self { span, next, lines } = self;
        let mut work = 0;
        while work < WALK_STEP {
            let Some(leaf) = span.leaf_at(next) else { return true };
            let path = leaf.path(next.at);
            let Some(rest) = path.strip_prefix(&*lines.prefix) else { return true };
            match rest.find('/') {
                None => {
                    lines.add_file(leaf, next.at);
                    next.at += 1;
                    work += 1;
                }
                Some(slash) => {
                    let end = span.end_of(*next, &path[..=lines.prefix.len() + slash]);
                    let (sum, looked) = span.sum(*next, end);
                    lines.add_folder(&path[..lines.prefix.len() + slash], sum);
                    *next = end;
                    work += SEEK_WORK + looked;
                }
            }
            if lines.is_cut {
                return true;
            }
        }
        false
    }

    pub(super) fn into_lines(self) -> LevelLines {
        self.lines
    }
}
