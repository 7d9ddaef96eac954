//! Parts of the table, a bounded one at a time: whoever holds the library for one holds it shortly.

use std::ops::Bound;

use crate::library::changes::ShareChanges;
use crate::library::root::Root;
use crate::library::table::{Library, ShareEntry, share_of};
use crate::library::text_range::below;
use crate::model::share::Share;
use crate::model::share_path::SharePath;

/// Some shares of a root, and after which path to go on.
pub(super) struct TablePage<'a> {
    pub(super) entries: Vec<(&'a SharePath, &'a ShareEntry)>,
    pub(super) next: Option<SharePath>,
}

impl Library {
    /// At most so many shares in the order of their paths, after one; all of them by asking again after the last.
    pub fn shares_after(&self, after: Option<&SharePath>, most: usize) -> Vec<Share> {
        let from = after.map_or(Bound::Unbounded, |path| Bound::Excluded(path.clone()));
        self.entries.range((from, Bound::Unbounded)).take(most).map(|(path, entry)| share_of(path, entry)).collect()
    }

    /// The same of one root, at and below a place in it; and after which path to go on.
    pub fn shares_of(
        &self,
        root: &Root,
        at: &str,
        after: Option<&SharePath>,
        most: usize,
    ) -> (Vec<Share>, Option<SharePath>) {
        let page = self.page_of(root, at, after, most);
        (page.entries.into_iter().map(|(path, entry)| share_of(path, entry)).collect(), page.next)
    }

    /// Stops sharing what is at and below a place in a root, looking at no more than so many shares after one; and after
    /// which path to go on. The root stays: its drive is unplugged, say.
    pub fn withdraw_some(
        &mut self,
        root: &Root,
        at: &str,
        after: Option<&SharePath>,
        most: usize,
        changes: &mut ShareChanges,
    ) -> Option<SharePath> {
        let page = self.page_of(root, at, after, most);
        let next = page.next.clone();
        let paths: Vec<SharePath> = page.entries.into_iter().map(|(path, _)| path.clone()).collect();
        self.withdraw(root.id, &paths, changes);
        next
    }

    /// The same, of at most so many shares that are looked at, after one.
    pub(super) fn page_of(&self, root: &Root, at: &str, after: Option<&SharePath>, most: usize) -> TablePage<'_> {
        let Some(path) = path_at(root, at) else { return TablePage { entries: Vec::new(), next: None } };
        let mut page = self.page_below(&path, after, most);
        page.entries.retain(|(_, entry)| entry.root == root.id);
        page
    }

    /// At most so many shares at and below a path, after one.
    pub(super) fn page_below(&self, path: &SharePath, after: Option<&SharePath>, most: usize) -> TablePage<'_> {
        let (from, to) = below(path.as_str(), '/');
        let itself = self.entries.get_key_value(path.as_str()).filter(|_| after.is_none());
        let from = match after.filter(|after| *after != path) {
            Some(after) => Bound::Excluded(after.as_str()),
            None => Bound::Included(&*from),
        };
        let below = self.entries.range::<str, _>((from, Bound::Excluded(&*to)));
        let entries: Vec<_> = itself.into_iter().chain(below).take(most).collect();
        let next = entries.last().filter(|_| entries.len() == most).map(|(path, _)| SharePath::clone(path));
        TablePage { entries, next }
    }

    /// What is shared from one text on and before another, in the order of the paths.
    pub(super) fn range<'a>(
        &'a self,
        from: Bound<&str>,
        before: &str,
    ) -> impl Iterator<Item = (&'a SharePath, &'a ShareEntry)> + use<'a> {
        self.entries.range::<str, _>((from, Bound::Excluded(before)))
    }

    /// Whether anything is announced under a path or below it.
    pub fn is_announced(&self, path: &SharePath) -> bool {
        self.roots.announced_at_or_below(path, None).next().is_some()
            || self.at_or_below(path.as_str()).next().is_some()
    }

    /// `folder` itself and everything below it; nothing that only begins alike.
    pub(super) fn at_or_below(&self, folder: &str) -> impl Iterator<Item = (&SharePath, &ShareEntry)> + use<'_> {
        let (from, to) = below(folder, '/');
        let itself = self.entries.get_key_value(folder);
        itself.into_iter().chain(self.entries.range::<str, _>((Bound::Included(&*from), Bound::Excluded(&*to))))
    }
}

/// What a place in a root is announced under.
fn path_at(root: &Root, at: &str) -> Option<SharePath> {
    if at.is_empty() { Some(root.share_as.clone()) } else { root.share_path(at).ok() }
}
