//! How each root is, written down as it changes by whoever works on it: so it can be read at any time, also while the task
//! is busy, and costs nothing that grows with what is shared.

use std::collections::BTreeMap;
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::library::root::{Root, RootId};
use crate::library::table::Library;
use crate::service::share_indexer::event::LeftOutReason;
use crate::service::share_indexer::root_status::{
    Absence, ROOTS_PER_PAGE_MAX, RootCursor, RootPage, RootWatching, RootWork, SharedRoot,
};
use crate::service::share_indexer::watch::{WatchHealthChange, WatchProblem};

/// What was left out of a root, by reason.
pub(super) type LeftOutCounts = BTreeMap<LeftOutReason, u64>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct RootBoard {
    roots: Mutex<BTreeMap<RootId, RootState>>,
    /// By the folder that is not watched as a whole.
    unwatched: Mutex<BTreeMap<String, WatchProblem>>,
}

#[derive(Debug, Default)]
struct RootState {
    /// Jobs that look at it now.
    looks: usize,
    files_left: u64,
    bytes_left: u64,
    looked_at: Option<SystemTime>,
    paused: Option<Absence>,
    left_out: LeftOutCounts,
}

impl RootBoard {
    /// A job begins to look at these.
    pub(super) fn begin(&self, roots: impl IntoIterator<Item = RootId>) {
        roots.into_iter().for_each(|id| self.roots.lock().entry(id).or_default().looks += 1);
    }

    /// A job has ended.
    pub(super) fn end(&self, roots: impl IntoIterator<Item = RootId>) {
        for id in roots {
            if let Some(state) = self.roots.lock().get_mut(&id) {
                state.looks = state.looks.saturating_sub(1);
                if state.looks == 0 {
                    (state.files_left, state.bytes_left) = (0, 0);
                }
            }
        }
    }

    /// Files of a root are to be read.
    pub(super) fn to_hash(&self, id: RootId, files: u64, bytes: u64) {
        let mut states = self.roots.lock();
        let state = states.entry(id).or_default();
        state.files_left += files;
        state.bytes_left += bytes;
    }

    /// A file of a root was read, or will not be.
    pub(super) fn hashed(&self, id: RootId, bytes: u64) {
        if let Some(state) = self.roots.lock().get_mut(&id) {
            state.files_left = state.files_left.saturating_sub(1);
            state.bytes_left = state.bytes_left.saturating_sub(bytes);
        }
    }

    /// All of a root was compared with the disk.
    pub(super) fn looked(&self, id: RootId, left_out: LeftOutCounts) {
        let mut states = self.roots.lock();
        let state = states.entry(id).or_default();
        state.looked_at = Some(SystemTime::now());
        state.left_out = left_out;
    }

    /// Nothing of a root is shared at present, or it is there again.
    pub(super) fn pause(&self, id: RootId, why: Option<Absence>) {
        self.roots.lock().entry(id).or_default().paused = why;
    }

    /// What is watched, or no longer.
    pub(super) fn watched(&self, news: &[WatchHealthChange]) {
        for WatchHealthChange { folder, problem } in news {
            match problem {
                Some(problem) => _ = self.unwatched.lock().insert(folder.clone(), problem.clone()),
                None => _ = self.unwatched.lock().remove(folder),
            }
        }
    }

    /// These are no roots any more.
    pub(super) fn forget(&self, roots: impl IntoIterator<Item = RootId>) {
        roots.into_iter().for_each(|id| _ = self.roots.lock().remove(&id));
    }

    /// A page of all roots.
    pub(super) fn page(&self, library: &Library, after: Option<&RootCursor>) -> RootPage {
        let found = library.roots_by_path(after, ROOTS_PER_PAGE_MAX);
        let last = found.last().filter(|_| found.len() == ROOTS_PER_PAGE_MAX);
        let more = last.map(|root| (root.share_as.clone(), root.id));
        let roots = found.iter().map(|root| self.status(library, root)).collect();
        RootPage { roots, more, count: library.roots_len(), totals: library.totals() }
    }

    fn status(&self, library: &Library, root: &Root) -> SharedRoot {
        let states = self.roots.lock();
        let fresh = RootState::default();
        let state = states.get(&root.id).unwrap_or(&fresh);
        let problem = root.base().to_str().and_then(|base| self.unwatched.lock().get(base).cloned());
        SharedRoot {
            id: root.id,
            local: root.local.clone(),
            is_folder: root.is_folder,
            share_as: root.share_as.clone(),
            totals: library.totals_of(root.id),
            watching: match problem {
                None => RootWatching::Whole,
                Some(WatchProblem { why, is_whole: true }) => RootWatching::Polled { why },
                Some(WatchProblem { why, is_whole: false }) => RootWatching::Partly { why },
            },
            looked_at: state.looked_at,
            work: match (state.files_left, state.looks) {
                (0, 0) => RootWork::Resting,
                (0, _) => RootWork::Scanning,
                (files_left, _) => RootWork::Hashing { files_left, bytes_left: state.bytes_left },
            },
            paused: state.paused,
            stopped_places: library.exclusions(root.id).map_or(0, |excluded| excluded.len()),
            left_out: state.left_out.iter().map(|(reason, count)| (*reason, *count)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::share_path::SharePath;
    use crate::service::share_indexer::watch_fault::WatchFault;

    #[test]
    fn a_root_is_what_was_said_of_it() {
        let id = RootId(1);
        let mut library = Library::new(10);
        let share_as = SharePath::new("Trip").expect("valid");
        let root = Root { id, local: "/h/Trip".into(), is_folder: true, share_as, file_system: None };
        library.set_root(root);
        let board = RootBoard::default();
        let now = |board: &RootBoard| board.page(&library, None).roots.remove(0);
        assert_eq!((now(&board).work, now(&board).looked_at), (RootWork::Resting, None));
        board.begin([id]);
        assert_eq!(now(&board).work, RootWork::Scanning);
        board.to_hash(id, 2, 30);
        board.hashed(id, 10);
        assert_eq!(now(&board).work, RootWork::Hashing { files_left: 1, bytes_left: 20 });
        board.end([id]);
        board.looked(id, LeftOutCounts::from([(LeftOutReason::TooMany, 3)]));
        board.pause(id, Some(Absence::Gone));
        let seen = now(&board);
        assert_eq!((seen.work, seen.paused), (RootWork::Resting, Some(Absence::Gone)));
        assert!(seen.looked_at.is_some() && seen.left_out == [(LeftOutReason::TooMany, 3)]);
        for (is_whole, watching) in [
            (false, RootWatching::Partly { why: WatchFault::TooMany }),
            (true, RootWatching::Polled { why: WatchFault::TooMany }),
        ] {
            let problem = Some(WatchProblem { why: WatchFault::TooMany, is_whole });
            board.watched(&[WatchHealthChange { folder: "/h/Trip".into(), problem }]);
            assert_eq!(now(&board).watching, watching);
        }
        board.watched(&[WatchHealthChange { folder: "/h/Trip".into(), problem: None }]);
        assert_eq!(now(&board).watching, RootWatching::Whole);
        board.forget([id]);
        assert_eq!(now(&board).paused, None);
    }
}
