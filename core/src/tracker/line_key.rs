//! The order of lists: what everybody goes by who makes one list of several.

use std::cmp::Ordering;

use crate::protocol::page::Cursor;

/// The sort key of a line: its path as it stands there, a folder's with its `/`, then the username; both by their bytes.
#[derive(Debug, Clone, Copy)]
pub struct LineKey<'a> {
    path: &'a str,
    is_folder: bool,
    username: &'a str,
}

impl<'a> LineKey<'a> {
    /// That of somebody's file, or, without a path, of somebody.
    pub fn file(path: &'a str, username: &'a str) -> Self {
        Self { path, is_folder: false, username }
    }

    /// That of a folder, whose path has no `/` at its end.
    pub fn folder(path: &'a str) -> Self {
        Self { path, is_folder: true, username: "" }
    }

    /// The last key that is not behind a cursor.
    pub fn at(cursor: &'a Cursor) -> Self {
        Self::file(&cursor.path, &cursor.username)
    }
}

impl Ord for LineKey<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, two) = (self.path.as_bytes(), other.path.as_bytes());
        let both = one.len().min(two.len());
        let by_rest = || with_slash(&one[both..], self.is_folder).cmp(with_slash(&two[both..], other.is_folder));
        one[..both].cmp(&two[..both]).then_with(by_rest).then_with(|| self.username.cmp(other.username))
    }
}

fn with_slash(rest: &[u8], is_folder: bool) -> impl Iterator<Item = u8> {
    rest.iter().copied().chain(is_folder.then_some(b'/'))
}

impl PartialOrd for LineKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for LineKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for LineKey<'_> {}
