//! Which places must be looked at, and when. Without a clock of its own.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::library::root::RootId;
use crate::service::share_indexer::scan_job::RootPlace;

/// More changed places in one root than these, and all of it is looked at.
const PLACES_MAX: usize = 1000;

/// The places that changed since they were looked at.
#[derive(Debug, Default)]
pub(super) struct Dirty {
    roots: BTreeMap<RootId, DirtyRoot>,
}

#[derive(Debug)]
struct DirtyRoot {
    due: Instant,
    /// The empty text is everything.
    starts: BTreeSet<String>,
}

impl Dirty {
    /// Has a place looked at after so long; what is due sooner stays so.
    pub(super) fn mark(&mut self, now: Instant, (root, start): RootPlace, delay: Duration) {
        let due = now + delay;
        let dirty = self.roots.entry(root).or_insert_with(|| DirtyRoot { due, starts: BTreeSet::new() });
        dirty.due = dirty.due.min(due);
        let is_too_much = dirty.starts.len() >= PLACES_MAX;
        if is_too_much {
            dirty.starts.clear();
        }
        dirty.starts.insert(if is_too_much { String::new() } else { start });
    }

    /// When the next place is due that is in no busy root.
    pub(super) fn next_due(&self, is_busy: impl Fn(RootId) -> bool) -> Option<Instant> {
        self.roots.iter().filter(|(root, _)| !is_busy(**root)).map(|(_, dirty)| dirty.due).min()
    }

    /// Takes out what is due and in no busy root; nothing that lies below something else that is taken.
    pub(super) fn take_due(&mut self, now: Instant, is_busy: impl Fn(RootId) -> bool) -> Vec<RootPlace> {
        let due = self.roots.extract_if(.., |root, dirty| dirty.due <= now && !is_busy(*root));
        due.flat_map(|(root, dirty)| topmost(dirty.starts).into_iter().map(move |start| (root, start))).collect()
    }
}

fn topmost(starts: BTreeSet<String>) -> Vec<String> {
    let mut kept: HashSet<String> = HashSet::new();
    // A folder comes before what is in it.
    for start in starts {
        let mut folders = std::iter::once("").chain(start.match_indices('/').map(|(at, _)| &start[..at]));
        if start.is_empty() || !folders.any(|folder| kept.contains(folder)) {
            kept.insert(start);
        }
    }
    kept.into_iter().collect()
}

/// Whether a place is the start or lies below it.
pub(super) fn is_at_or_below(relative: &str, start: &str) -> bool {
    start.is_empty() || relative.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(dirty: &mut Dirty, now: Instant, busy: u64) -> Vec<(u64, String)> {
        let mut places: Vec<_> =
            dirty.take_due(now, |root| root.0 == busy).into_iter().map(|(root, start)| (root.0, start)).collect();
        places.sort();
        places
    }

    #[test]
    fn places_come_when_they_are_due_and_once() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut dirty = Dirty::default();
        for (root, start, delay) in [(1, "a/b", 3), (1, "a", 2), (1, "ab", 5), (2, "x", 1), (2, "", 9), (3, "y", 0)] {
            dirty.mark(now, (RootId(root), start.to_owned()), second * delay);
        }
        assert_eq!(dirty.next_due(|_| false), Some(now));
        assert_eq!(dirty.next_due(|root| root == RootId(3)), Some(now + second));
        assert_eq!(taken(&mut dirty, now + second, 3), [(2, String::new())]);
        assert_eq!(taken(&mut dirty, now + second * 2, 3), [(1, "a".to_owned()), (1, "ab".to_owned())]);
        assert_eq!(taken(&mut dirty, now, 0), [(3, "y".to_owned())]);
        assert_eq!(dirty.next_due(|_| false), None);
    }

    #[test]
    fn too_many_places_become_one() {
        let now = Instant::now();
        let mut dirty = Dirty::default();
        for at in 0..PLACES_MAX + 1 {
            dirty.mark(now, (RootId(1), at.to_string()), Duration::ZERO);
        }
        assert_eq!(taken(&mut dirty, now, 0), [(1, String::new())]);
    }

    #[test]
    fn below_is_part_by_part() {
        for (relative, start, is) in
            [("a/b", "a", true), ("a", "a", true), ("ab", "a", false), ("a", "", true), ("a", "a/b", false)]
        {
            assert_eq!(is_at_or_below(relative, start), is, "{relative} {start}");
        }
    }
}
