//! One list out of several: what one catalog with everything would have answered, made of the lists of catalogs that have
//! the shares of some owners each. They were asked the same question with the same cursor and limit.

use std::sync::Arc;

use bytes::BytesMut;

use crate::protocol::page::Cursor;
use crate::protocol::reply::Totals;
use crate::tracker::catalog::list::ShareList;
use crate::tracker::catalog::owner_names::OwnerNames;
use crate::tracker::catalog::piece::ListPiece;

/// A list that is written as a [`ShareList`] is. It holds what its parts hold.
#[derive(Debug)]
pub struct MergedList {
    lines: u64,
    left: u64,
    more: Option<Cursor>,
    source: MergedSource,
}

/// Where its lines come from.
#[derive(Debug)]
enum MergedSource {
    /// From the part that has the next one.
    Parts(PartOrder),
    /// They are in order: each with the place of its names.
    InOrder {
        pieces: std::vec::IntoIter<(usize, ListPiece)>,
        current: Option<(usize, ListPiece)>,
        names: Vec<OwnerNames>,
    },
}

impl MergedList {
    /// Makes one list of these, all of which are ready and nothing of which was written. `limit` is what was asked with.
    pub fn new(parts: Vec<ShareList>, limit: Option<usize>) -> Self {
        let Some(limit) = limit else {
            let lines = parts.iter().map(ShareList::lines).sum();
            return Self { lines, left: lines, more: None, source: MergedSource::Parts(PartOrder::new(parts)) };
        };
        let names: Vec<OwnerNames> = parts.iter().map(|part| part.names().clone()).collect();
        // Who has more than it gave has given as much as was asked for.
        let mut merging = Merging { is_cut: parts.iter().any(|part| part.more().is_some()), ..Merging::default() };
        let mut parts = PartOrder::new(parts);
        while let Some((part, Some(piece))) = parts.take_next(ShareList::take_line) {
            if !merging.add(part, piece, limit) {
                break;
            }
        }
        let Merging { pieces, lines, is_cut } = merging;
        let last = pieces.last().filter(|_| is_cut);
        let more = last.and_then(|(part, piece)| piece.cursor(&names[*part]));
        let source = MergedSource::InOrder { pieces: pieces.into_iter(), current: None, names };
        Self { lines: lines as u64, left: lines as u64, more, source }
    }

    /// Makes one count of these, all of which are counts that are ready.
    pub fn sum(parts: Vec<ShareList>) -> Self {
        let names: Vec<OwnerNames> = parts.iter().take(1).map(|part| part.names().clone()).collect();
        let counts = parts.into_iter().filter_map(|mut part| match part.take_line()? {
            ListPiece::Totals(totals) => Some(*totals),
            ListPiece::Shares(..) | ListPiece::Folder(_) => None,
        });
        let totals = counts.fold(Totals::default(), Totals::plus);
        let pieces = vec![(0, ListPiece::Totals(Box::new(totals)))].into_iter();
        let source = MergedSource::InOrder { pieces, current: None, names };
        Self { lines: 1, left: 1, more: None, source }
    }

    /// How many lines it has in all, whatever was written of it.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Where the next page begins, if a limit ended this one.
    pub fn more(&self) -> Option<&Cursor> {
        self.more.as_ref()
    }

    /// Writes the next lines, each with its LF, until `out` has grown by `bytes_max` or up to a line more; `true` when
    /// the list is written to its end.
    pub fn write_lines(&mut self, out: &mut BytesMut, bytes_max: usize) -> bool {
        let end = out.len().saturating_add(bytes_max);
        while self.left > 0 && out.len() < end {
            self.left -= 1;
            match &mut self.source {
                MergedSource::Parts(parts) => {
                    let Some(_written) = parts.take_next(|part| part.write_one(out)) else { break };
                }
                MergedSource::InOrder { pieces, current, names } => {
                    let Some((part, piece)) = current.take().or_else(|| pieces.next()) else { break };
                    *current = piece.write_line(&names[part], out).map(|rest| (part, rest));
                }
            }
        }
        self.left == 0
    }
}

/// Lists, and in which order their next lines come: after each line only the place of one list is looked for.
#[derive(Debug)]
struct PartOrder {
    parts: Vec<ShareList>,
    /// Those that have lines left, the one with the next line first; of equal lines the first of the parts.
    order: Vec<usize>,
}

impl PartOrder {
    fn new(mut parts: Vec<ShareList>) -> Self {
        parts.iter_mut().for_each(ShareList::prepare);
        let mut order: Vec<usize> = (0..parts.len()).filter(|part| parts[*part].key().is_some()).collect();
        order.sort_by_key(|part| (parts[*part].key(), *part));
        Self { parts, order }
    }

    /// Has the next line taken from the part that has it; what comes of it, and which part that is.
    fn take_next<T>(&mut self, take: impl FnOnce(&mut ShareList) -> T) -> Option<(usize, T)> {
        let Self { parts, order } = self;
        let part = *order.first()?;
        let taken = take(&mut parts[part]);
        parts[part].prepare();
        if parts[part].key().is_none() {
            order.remove(0);
        } else {
            let place = |of: usize| (parts[of].key(), of);
            let before = order[1..].partition_point(|other| place(*other) < place(part));
            order[..=before].rotate_left(1);
        }
        Some((part, taken))
    }
}

/// Lines in order, as they are found.
#[derive(Debug, Default)]
struct Merging {
    pieces: Vec<(usize, ListPiece)>,
    lines: usize,
    /// There is one more than the limit allows.
    is_cut: bool,
}

impl Merging {
    /// Takes the next line; `false` if there is no room for it.
    fn add(&mut self, part: usize, piece: ListPiece, limit: usize) -> bool {
        match (self.pieces.last_mut(), &piece) {
            // A folder of which several have something is one line.
            (Some((_, ListPiece::Folder(last))), ListPiece::Folder(folder)) if last.path == folder.path => {
                last.sum.add_foreign(&folder.sum);
                return true;
            }
            _ if self.lines == limit => {
                self.is_cut = true;
                return false;
            }
            (Some((of, ListPiece::Shares(last, mask))), ListPiece::Shares(leaf, one))
                if *of == part && Arc::ptr_eq(last, leaf) =>
            {
                *mask |= one;
            }
            _ => self.pieces.push((part, piece)),
        }
        self.lines += 1;
        true
    }
}
