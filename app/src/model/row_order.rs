//! In which order rows are shown. The tracker lists by path; every other order is made here, of rows that are all loaded.

use std::cmp::Ordering;
use std::collections::HashMap;

use potok_core::model::file_kind::FileKind;
use potok_core::model::hash::ContentHash;
use potok_core::model::username::Username;
use potok_core::protocol::reply::FolderEntry;

use crate::model::pages::{RowEdit, compare};

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortColumn {
    /// The whole path: the order of the tracker.
    #[default]
    Path,
    /// The length in bytes.
    Size,
    /// What the file is for.
    Kind,
    /// The name of its owner.
    Person,
    /// How many have it.
    Sources,
}

/// A column, and whether it goes from the largest down.
pub type Sort = (SortColumn, bool);

/// How many people share each content that more than one shares.
pub type Copies = HashMap<ContentHash, u32>;

/// Places of the rows, from top to bottom.
#[derive(Debug, Default)]
pub struct RowOrder(Vec<u32>);

/// Counts contents that more than one person shares; the rest is not kept.
pub fn copies(rows: &[FolderEntry]) -> Copies {
    let known = |row: &FolderEntry| match row {
        FolderEntry::File(file) => file.hash.map(|hash| (*hash.as_bytes(), file.username.clone())),
        FolderEntry::Folder(_) => None,
    };
    let mut all: Vec<([u8; 32], Username)> = rows.iter().filter_map(known).collect();
    all.sort_unstable();
    all.dedup();
    let groups = all.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
    groups.map(|group| (ContentHash::from_bytes(group[0].0), u32::try_from(group.len()).unwrap_or(u32::MAX))).collect()
}

impl RowOrder {
    /// Sorts. Folders come first; among equals the order of paths stays.
    pub fn new(rows: &[FolderEntry], sort: Sort, copies: &Copies) -> Self {
        let mut places: Vec<u32> = (0..u32::try_from(rows.len()).unwrap_or(u32::MAX)).collect();
        match sort.0 {
            // A name is read from its end, so each is looked at once.
            SortColumn::Kind => places.sort_by_cached_key(|at| (is_file(rows, *at), kind(&rows[*at as usize]))),
            SortColumn::Path => places.sort_by_key(|at| is_file(rows, *at)),
            _ => places.sort_by(|a, b| by(rows, copies, sort.0, *a, *b)),
        }
        if sort.1 {
            let files = places.partition_point(|at| !is_file(rows, *at));
            places[..files].reverse();
            places[files..].reverse();
        }
        Self(places)
    }

    /// So many rows as they are.
    pub fn all(rows: usize) -> Self {
        Self((0..u32::try_from(rows).unwrap_or(u32::MAX)).collect())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which row stands here.
    pub fn row(&self, at: usize) -> Option<usize> {
        self.0.get(at).map(|row| *row as usize)
    }

    /// A row came into the rows: where it is shown.
    pub fn insert(&mut self, rows: &[FolderEntry], row: usize, sort: Sort, copies: &Copies) -> usize {
        let Ok(row) = u32::try_from(row) else { return self.0.len() };
        self.0.iter_mut().filter(|at| **at >= row).for_each(|at| *at += 1);
        let is_before = |other: &u32| {
            let order = by(rows, copies, sort.0, *other, row);
            let is_same_sort = is_file(rows, *other) == is_file(rows, row);
            let order = order.then_with(|| compare(&rows[*other as usize], &rows[row as usize]));
            (if sort.1 && is_same_sort { order.reverse() } else { order }) == Ordering::Less
        };
        let at = self.0.partition_point(is_before);
        self.0.insert(at, row);
        at
    }

    /// A row went from the rows: where it was shown.
    pub fn remove(&mut self, row: usize) -> Option<usize> {
        let row = u32::try_from(row).ok()?;
        let at = self.0.iter().position(|other| *other == row)?;
        self.0.remove(at);
        self.0.iter_mut().filter(|at| **at > row).for_each(|at| *at -= 1);
        Some(at)
    }

    /// Where each shown row of an older order is now, when the rows themselves have moved like this.
    pub fn since(&self, before: &Self, rows: &[RowEdit]) -> RowEdit {
        let mut shown_at = vec![None; self.0.len()];
        for (at, row) in (0..).zip(&self.0) {
            if let Some(place) = shown_at.get_mut(*row as usize) {
                *place = Some(at);
            }
        }
        let now = |row: &u32| {
            let row = rows.iter().try_fold(*row as usize, |row, edit| edit.moved(row))?;
            shown_at.get(row).copied().flatten()
        };
        RowEdit::Mapped(before.0.iter().map(now).collect())
    }
}

fn is_file(rows: &[FolderEntry], at: u32) -> bool {
    matches!(rows[at as usize], FolderEntry::File(_))
}

/// Folders first, then by the column; equals are equal.
fn by(rows: &[FolderEntry], copies: &Copies, column: SortColumn, a: u32, b: u32) -> Ordering {
    let (one, other) = (&rows[a as usize], &rows[b as usize]);
    let order = match column {
        SortColumn::Path => Ordering::Equal,
        SortColumn::Size => bytes_of(one).cmp(&bytes_of(other)),
        SortColumn::Kind => kind(one).cmp(&kind(other)),
        SortColumn::Person => username_of(one).cmp(&username_of(other)),
        SortColumn::Sources => sources_of(one, copies).cmp(&sources_of(other, copies)),
    };
    is_file(rows, a).cmp(&is_file(rows, b)).then(order)
}

/// The bytes of a file, or of all below a folder.
pub fn bytes_of(row: &FolderEntry) -> u64 {
    match row {
        FolderEntry::File(file) => file.size.unwrap_or(0),
        FolderEntry::Folder(folder) => folder.totals.bytes,
    }
}

/// Whose it is; nobody's if it is a folder of several people.
pub fn username_of(row: &FolderEntry) -> Option<&Username> {
    match row {
        FolderEntry::File(file) => Some(&file.username),
        FolderEntry::Folder(folder) => folder.username.as_ref(),
    }
}

/// How many people share the content, as far as it is known.
pub fn sources_of(row: &FolderEntry, copies: &Copies) -> u32 {
    match row {
        FolderEntry::File(file) => file.hash.and_then(|hash| copies.get(&hash).copied()).unwrap_or(1),
        FolderEntry::Folder(_) => 0,
    }
}

fn kind(row: &FolderEntry) -> FileKind {
    match row {
        FolderEntry::File(file) => FileKind::of(file.path.as_str()),
        FolderEntry::Folder(_) => FileKind::Other,
    }
}
