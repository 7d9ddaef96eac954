//! What the lines of a list are made of.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::BytesMut;

use crate::protocol::page::Cursor;
use crate::protocol::reply::Totals;
use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::owner_names::OwnerNames;
use crate::tracker::catalog::sum::ShareSum;
use crate::tracker::line_key::LineKey;

/// Lines that follow each other in a list.
#[derive(Debug)]
pub(super) enum ListPiece {
    /// Some shares of a leaf.
    Shares(Arc<Leaf>, Mask),
    /// A folder, with what is below it.
    Folder(Box<FolderSum>),
    /// Files and bytes, instead of the shares themselves.
    Totals(Box<Totals>),
}

/// A folder among the lines of a list.
#[derive(Debug)]
pub(super) struct FolderSum {
    /// Without a `/` at its end.
    pub(super) path: Box<str>,
    /// What is below it and meant.
    pub(super) sum: ShareSum,
}

impl ListPiece {
    /// Whether all its lines were taken.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Shares(_, 0))
    }

    /// Where its next line is in the order of lists; a count is in none.
    pub(super) fn key<'a>(&'a self, names: &'a OwnerNames) -> Option<LineKey<'a>> {
        match self {
            Self::Shares(leaf, mask) => {
                let at = mask.trailing_zeros() as usize;
                Some(LineKey::file(leaf.path(at), names.get(leaf.owner(at))))
            }
            Self::Folder(folder) => Some(LineKey::folder(&folder.path)),
            Self::Totals(_) => None,
        }
    }

    /// The cursor that goes on behind its last line.
    pub(super) fn cursor(&self, names: &OwnerNames) -> Option<Cursor> {
        match self {
            Self::Shares(leaf, mask) => Some(leaf.cursor(mask.checked_ilog2()? as usize, names)),
            Self::Folder(folder) => Some(Cursor::behind_folder(&folder.path)),
            Self::Totals(_) => None,
        }
    }

    /// Writes its next line, with its LF; what is left of it, if anything.
    pub(super) fn write_line(self, names: &OwnerNames, out: &mut BytesMut) -> Option<Self> {
        match self {
            Self::Shares(leaf, mask) => {
                leaf.write_line(mask.trailing_zeros() as usize, names, out);
                return Some(Self::Shares(leaf, mask & (mask - 1))).filter(|left| !left.is_empty());
            }
            Self::Folder(folder) => folder.write(names, out),
            Self::Totals(totals) => writeln!(out, "{totals}").expect("a buffer in memory takes everything"),
        }
        None
    }
}

impl FolderSum {
    /// Writes the line, as [`FolderLine`](crate::protocol::reply::FolderLine) prints it, and its LF.
    pub(super) fn write(&self, names: &OwnerNames, out: &mut BytesMut) {
        let name = self.sum.owner().map_or("*", |owner| names.get(owner));
        let totals = self.sum.totals();
        writeln!(out, "{name} {} {} {}/", totals.bytes, totals.files, self.path)
            .expect("a buffer in memory takes everything");
    }
}
