//! Lists: snapshots that are written in pieces, as slowly as their readers like.
//!
//! A list holds on to the leaves that it has still to write. A leaf that changes meanwhile is copied, so a list costs
//! memory only for what has changed since it was started, besides a pointer a segment or a leaf.

use bytes::BytesMut;

use crate::protocol::page::Cursor;
use crate::protocol::reply::Totals;
use crate::tracker::catalog::leaf_row::Leaves;
use crate::tracker::catalog::level::LevelWalk;
use crate::tracker::catalog::owner_names::OwnerNames;
use crate::tracker::catalog::piece::ListPiece;
use crate::tracker::catalog::scan::{Scan, ScanHits};
use crate::tracker::catalog::segment::{Segment, SharePlace};
use crate::tracker::line_key::LineKey;

/// A list that was started and is read in pieces. It keeps its lines, however the catalog changes; dropping it ends it.
#[derive(Debug)]
pub struct ShareList {
    pub(super) search: Option<Box<LineSearch>>,
    source: Source,
    /// What is being written; of a leaf the shares that are still to be.
    current: Option<ListPiece>,
    lines: u64,
    left: u64,
    more: Option<Cursor>,
    /// Whose the shares are, by the names of when it was started.
    names: OwnerNames,
}

/// Where the next leaves come from.
#[derive(Debug)]
enum Source {
    /// All leaves of this segment from `next` on, and of the segments behind it.
    Whole { segment: Leaves, next: usize, behind: std::vec::IntoIter<Leaves> },
    /// What was found.
    Found(std::vec::IntoIter<ListPiece>),
}

/// How the lines of a list are looked for.
#[derive(Debug)]
pub(super) enum LineSearch {
    /// Share by share.
    Scan(Scan),
    /// From child to child of a folder.
    Walk(LevelWalk),
}

impl ShareList {
    /// Whether all lines are found, so that [`lines`](Self::lines) and [`more`](Self::more) are known. If not, call
    /// [`Catalog::scan`](super::Catalog::scan) until it is.
    pub fn is_ready(&self) -> bool {
        self.search.is_none()
    }

    /// How many lines it has in all, whatever was written of it.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Where the next page begins, if a limit ended this one.
    pub fn more(&self) -> Option<&Cursor> {
        self.more.as_ref()
    }

    /// A list whose lines are still looked for.
    pub(super) fn searching(search: LineSearch, names: OwnerNames) -> Self {
        let mut list = Self::new(Source::Found(Vec::new().into_iter()), 0, names);
        list.search = Some(Box::new(search));
        list
    }

    /// A list of one line.
    pub(super) fn totals(totals: Totals, names: OwnerNames) -> Self {
        Self::new(Source::Found(vec![ListPiece::Totals(Box::new(totals))].into_iter()), 1, names)
    }

    /// The lines have been looked for.
    pub(super) fn end_search(&mut self) {
        let Some(search) = self.search.take() else { return };
        let hits = match *search {
            LineSearch::Scan(scan) => scan.into_hits(),
            LineSearch::Walk(walk) => ScanHits::Level(walk.into_lines()),
        };
        let (lines, more) = hits.end(&self.names);
        let lines = u64::try_from(lines).expect("a count in memory has at most 64 bits");
        (self.lines, self.left, self.more) = (lines, lines, more);
        self.source = Source::Found(hits.into_pieces().into_iter());
    }

    /// All shares from a place in the first of these segments on, at most `limit` of them.
    pub(super) fn whole(segments: &[Segment], from: SharePlace, limit: Option<usize>, names: OwnerNames) -> Self {
        let skipped = segments.first().map_or(0, |first| first.shares_before(from));
        let mut shares = 0;
        let mut needed = Vec::new();
        for segment in segments {
            if limit.is_some_and(|limit| shares > limit + skipped) {
                break;
            }
            shares += segment.shares();
            needed.push(segment.leaves().clone());
        }
        let available = shares - skipped;
        let lines = limit.unwrap_or(available).min(available);
        let more = if available > lines { cursor_at(&needed, skipped + lines, &names) } else { None };

        let mut behind = needed.into_iter();
        let segment = behind.next().unwrap_or_default();
        let current =
            segment.get(from.leaf).map(|leaf| ListPiece::Shares(leaf.clone(), leaf.all() >> from.at << from.at));
        let mut list = Self::new(Source::Whole { segment, next: from.leaf + 1, behind }, lines, names);
        (list.current, list.more) = (current, more);
        list
    }

    fn new(source: Source, lines: usize, names: OwnerNames) -> Self {
        let lines = u64::try_from(lines).expect("a count in memory has at most 64 bits");
        let (search, current, more) = (None, None, None);
        Self { search, source, current, lines, left: lines, more, names }
    }

    /// Writes the next lines, each with its LF, until `out` has grown by `bytes_max` or up to a line more; `true` when
    /// the list is written to its end. It must be ready.
    pub fn write_lines(&mut self, out: &mut BytesMut, bytes_max: usize) -> bool {
        let end = out.len().saturating_add(bytes_max);
        while out.len() < end
            && let Some(piece) = self.next_piece()
        {
            self.left -= 1;
            self.current = piece.write_line(&self.names, out);
        }
        self.left == 0
    }

    /// Writes the next line.
    pub(super) fn write_one(&mut self, out: &mut BytesMut) {
        self.write_lines(out, 1);
    }

    /// The names of those who are in it.
    pub(super) fn names(&self) -> &OwnerNames {
        &self.names
    }

    /// Gets its next line ready, for [`key`](Self::key).
    pub(super) fn prepare(&mut self) {
        self.current = self.next_piece();
    }

    /// Where its next line is in the order of lists.
    pub(super) fn key(&self) -> Option<LineKey<'_>> {
        self.current.as_ref()?.key(&self.names)
    }

    /// Takes its next line, as a piece of one line.
    pub(super) fn take_line(&mut self) -> Option<ListPiece> {
        let piece = self.next_piece()?;
        self.left -= 1;
        let ListPiece::Shares(leaf, mask) = piece else { return Some(piece) };
        let rest = mask & (mask - 1);
        if rest != 0 {
            self.current = Some(ListPiece::Shares(leaf.clone(), rest));
        }
        Some(ListPiece::Shares(leaf, mask & !rest))
    }

    /// Takes the piece that begins with the next line, if there is one.
    fn next_piece(&mut self) -> Option<ListPiece> {
        if self.left == 0 {
            return None;
        }
        match self.current.take().filter(|piece| !piece.is_empty()) {
            Some(piece) => Some(piece),
            None => std::iter::from_fn(|| self.source.next()).find(|piece| !piece.is_empty()),
        }
    }
}

impl Source {
    fn next(&mut self) -> Option<ListPiece> {
        match self {
            Self::Found(pieces) => pieces.next(),
            Self::Whole { segment, next, behind } => {
                while *next == segment.len() {
                    (*segment, *next) = (behind.next()?, 0);
                }
                let leaf = segment.get(*next)?;
                *next += 1;
                Some(ListPiece::Shares(leaf.clone(), leaf.all()))
            }
        }
    }
}

/// The cursor behind so many shares.
fn cursor_at(segments: &[Leaves], shares: usize, names: &OwnerNames) -> Option<Cursor> {
    let mut before = shares.checked_sub(1)?;
    for leaf in segments.iter().flat_map(|leaves| leaves.iter()) {
        if before < leaf.len() {
            return Some(leaf.cursor(before, names));
        }
        before -= leaf.len();
    }
    None
}
