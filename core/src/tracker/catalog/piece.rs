//! What the lines of a list are made of.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::BytesMut;

use crate::protocol::reply::Totals;
use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::sum::ShareSum;

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

impl FolderSum {
    /// Writes the line, as [`FolderLine`](crate::protocol::reply::FolderLine) prints it, and its LF.
    pub(super) fn write(&self, owners: &Owners, out: &mut BytesMut) {
        let name = self.sum.owner().map_or("*", |owner| owners.name(owner));
        let totals = self.sum.totals();
        writeln!(out, "{name} {} {} {}/", totals.bytes, totals.files, self.path)
            .expect("a buffer in memory takes everything");
    }
}
