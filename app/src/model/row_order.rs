//! In which order rows are shown. The tracker lists by path; every other order is made here, of rows that are all loaded.

use std::cmp::Ordering;

use potok_core::model::file_kind::FileKind;
use potok_core::model::username::Username;
use potok_core::protocol::reply::FolderEntry;

use crate::model::natural_order;
use crate::model::pages::compare;

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortColumn {
    /// The path as people count: `2` before `10`. While not all rows are here, the order of the tracker.
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

/// How rows are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowOrder {
    /// By which column.
    pub sort: Sort,
    /// All rows are here; while they are not, [`SortColumn::Path`] is the order of the tracker, in which more come.
    pub is_whole: bool,
}

/// Sorts places of these rows, which come in the order of paths. Folders come first; among equals the order of paths
/// stays. `people` says how many have what is at a place.
pub fn sorted(rows: &[FolderEntry], mut places: Vec<u32>, order: RowOrder, people: impl Fn(u32) -> u32) -> Vec<u32> {
    let RowOrder { sort, is_whole } = order;
    let is_file = |at: &u32| !is_folder(&rows[*at as usize]);
    match sort.0 {
        // A name is read from its end, so each is looked at once.
        SortColumn::Kind => places.sort_by_cached_key(|at| (is_file(at), kind(&rows[*at as usize]))),
        SortColumn::Path if !is_whole => places.sort_by_key(is_file),
        // A path is made a key once; the rows come in the order of paths, which stays among equals.
        SortColumn::Path => places.sort_by_cached_key(|at| (is_file(at), natural_order::key_of(path_of(rows, *at)))),
        SortColumn::Sources => places.sort_by_cached_key(|at| (is_file(at), people(*at))),
        SortColumn::Size | SortColumn::Person => places.sort_by(|a, b| by(rows, order, *a as usize, *b as usize)),
    }
    if sort.1 {
        let files = places.partition_point(|at| !is_file(at));
        places[..files].reverse();
        places[files..].reverse();
    }
    places
}

/// Whether one row stands before another. By [`SortColumn::Sources`] all are equal until they are sorted anew.
pub fn is_before(rows: &[FolderEntry], order: RowOrder, one: usize, other: usize) -> bool {
    let (_, is_descending) = order.sort;
    let order = by(rows, order, one, other).then_with(|| compare(&rows[one], &rows[other]));
    let is_same_sort = is_folder(&rows[one]) == is_folder(&rows[other]);
    (if is_descending && is_same_sort { order.reverse() } else { order }) == Ordering::Less
}

fn path_of(rows: &[FolderEntry], at: u32) -> &str {
    rows[at as usize].path().as_str()
}

fn is_folder(row: &FolderEntry) -> bool {
    matches!(row, FolderEntry::Folder(_))
}

/// Folders first, then by the column; equals are equal.
fn by(rows: &[FolderEntry], order: RowOrder, one: usize, other: usize) -> Ordering {
    let (one, other) = (&rows[one], &rows[other]);
    let order = match order.sort.0 {
        SortColumn::Path if !order.is_whole => Ordering::Equal,
        SortColumn::Path => natural_order::compare(one.path().as_str(), other.path().as_str()),
        SortColumn::Sources => Ordering::Equal,
        SortColumn::Size => bytes_of(one).cmp(&bytes_of(other)),
        SortColumn::Kind => kind(one).cmp(&kind(other)),
        SortColumn::Person => match (username_of(one), username_of(other)) {
            (Some(one), Some(other)) => natural_order::compare(one.as_str(), other.as_str()),
            (one, other) => one.is_some().cmp(&other.is_some()),
        },
    };
    is_folder(other).cmp(&is_folder(one)).then(order)
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

fn kind(row: &FolderEntry) -> FileKind {
    match row {
        FolderEntry::File(file) => FileKind::of(file.path.as_str()),
        FolderEntry::Folder(_) => FileKind::Other,
    }
}
