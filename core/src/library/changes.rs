//! What others must be told: the last word on each share path.

use std::collections::BTreeMap;

use crate::model::share::Share;
use crate::model::share_path::SharePath;

/// Announcements that wait to be told. Later ones on the same path take the place of earlier ones, so that there is
/// never more to tell than there are paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShareChanges {
    last: BTreeMap<SharePath, Option<Share>>,
}

impl ShareChanges {
    /// The path is shared, with this content from now on.
    pub fn add(&mut self, share: Share) {
        self.last.insert(share.path.clone(), Some(share));
    }

    /// Adds that the path is not shared any more.
    pub fn remove(&mut self, path: SharePath) {
        self.last.insert(path, None);
    }

    /// Adds what happened after these changes: on a path that both name, `later` has the last word.
    pub fn then(&mut self, later: Self) {
        self.last.extend(later.last);
    }

    /// Whether it is told that a path is not shared any more.
    pub fn is_removed(&self, path: &SharePath) -> bool {
        matches!(self.last.get(path), Some(None))
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// Takes at most so many out, those of the first paths: what is shared now, and what is not any more.
    pub fn take(&mut self, most: usize) -> (Vec<Share>, Vec<SharePath>) {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for _ in 0..most {
            match self.last.pop_first() {
                Some((_, Some(share))) => added.push(share),
                Some((path, None)) => removed.push(path),
                None => break,
            }
        }
        (added, removed)
    }

    /// Everything that is to be told: what is shared now, and the paths of what is not any more.
    pub fn into_parts(mut self) -> (Vec<Share>, Vec<SharePath>) {
        self.take(usize::MAX)
    }
}
