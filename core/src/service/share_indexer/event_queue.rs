//! What waits to be told. A slow listener is never waited for: changes of shares are merged where they are kept,
//! progress is the latest only, and of the rest the oldest is lost beyond a bound.

use std::collections::{BTreeMap, HashSet, VecDeque};

use parking_lot::RwLock;

use crate::library::root::RootId;
use crate::library::table::Library;
use crate::service::share_indexer::content::SharedLibrary;
use crate::service::share_indexer::event::{HashProgress, LibraryEvent, SKIPPED_SHOWN_MAX, SkippedFile, WhyNotShared};
use crate::service::share_indexer::root_board::LeftOutCounts;
use crate::service::share_indexer::scan_job::RootPlace;
use crate::service::share_indexer::watch::WatchHealthChange;

/// Announcements in one event.
const CHANGES_PER_EVENT: usize = 1000;
/// Events that wait, besides changes of shares.
const NOTICES_MAX: usize = 1024;
/// Skipped files that are remembered, so that each is told once.
const TOLD_MAX: usize = 100_000;

/// Events in the order they are told.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    notices: VecDeque<LibraryEvent>,
    progress: Option<HashProgress>,
    told: HashSet<RootPlace>,
}

impl EventQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.notices.is_empty() && self.progress.is_none()
    }

    /// The next event, if there is one.
    pub(super) fn next(&mut self, shared: &SharedLibrary) -> Option<LibraryEvent> {
        if let Some(notice) = self.notices.pop_front() {
            return Some(notice);
        }
        let (added, removed) = shared.take_untold(CHANGES_PER_EVENT);
        if !added.is_empty() || !removed.is_empty() {
            return Some(LibraryEvent::Changed { added, removed });
        }
        self.progress.take().map(LibraryEvent::Progress)
    }

    pub(super) fn progressed(&mut self, progress: HashProgress) {
        self.progress = Some(progress);
    }

    pub(super) fn tell(&mut self, notice: LibraryEvent) {
        if self.notices.len() >= NOTICES_MAX {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
    }

    /// Tells which folders are watched no more, or again.
    pub(super) fn watched(&mut self, news: Vec<WatchHealthChange>) {
        for WatchHealthChange { folder, problem } in news {
            self.tell(LibraryEvent::WatchHealth { folder, problem: problem.map(|problem| problem.why) });
        }
    }

    /// Tells of each file once, in one event a root.
    pub(super) fn skipped(&mut self, skipped: Vec<(RootPlace, WhyNotShared)>, library: &RwLock<Library>) {
        let mut by_root: BTreeMap<RootId, (Vec<SkippedFile>, LeftOutCounts)> = BTreeMap::new();
        for (place, why) in skipped {
            let Some(root) = library.read().root(place.0).cloned() else { continue };
            if self.told.len() >= TOLD_MAX {
                self.told.clear();
            }
            let path = root.local_path(&place.1);
            if !self.told.insert(place) {
                continue;
            }
            let (files, reasons) = by_root.entry(root.id).or_default();
            let of_reason = reasons.entry(why.reason()).or_default();
            *of_reason += 1;
            if files.len() < SKIPPED_SHOWN_MAX || *of_reason == 1 {
                files.push(SkippedFile { path, why });
            }
        }
        for (id, (files, reasons)) in by_root {
            if let Some(root) = library.read().root(id) {
                let count = usize::try_from(reasons.values().sum::<u64>()).unwrap_or(usize::MAX);
                let reasons = reasons.into_iter().collect();
                self.tell(LibraryEvent::Skipped { root: root.local.clone(), files, count, reasons });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::disk::hash::Hasher;
    use crate::disk::walk::WhySkipped;
    use crate::library::root::Root;
    use crate::model::share::Share;
    use crate::model::share_path::SharePath;
    use crate::service::share_indexer::event::LeftOutReason;
    use crate::store::Store;

    fn shared(library: Library) -> (tempfile::TempDir, SharedLibrary) {
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::open(&folder.path().join("potok.redb")).expect("opens").store;
        let (suspects, _) = tokio::sync::mpsc::channel(1);
        let shared = SharedLibrary::new(library, Arc::new(store), Hasher::new(1).expect("starts"), suspects);
        (folder, shared)
    }

    #[test]
    fn news_stay_within_bounds_and_changes_are_never_lost() {
        let (_folder, shared) = shared(Library::new(1));
        let mut news = EventQueue::default();
        for at in 0..NOTICES_MAX + 5 {
            news.tell(LibraryEvent::Missing { root: at.to_string() });
        }
        let path = |at: usize| SharePath::new(&format!("{at:05}")).expect("valid");
        for at in 0..CHANGES_PER_EVENT + 1 {
            shared.change(|_, changes| changes.add(Share { path: path(at), size: Some(1), hash: None }));
        }
        shared.change(|_, changes| changes.remove(path(0)));
        news.progressed(HashProgress::default());
        news.progressed(HashProgress { files_left: 7, ..HashProgress::default() });

        for at in 5..NOTICES_MAX + 5 {
            assert_eq!(news.next(&shared), Some(LibraryEvent::Missing { root: at.to_string() }));
        }
        let (mut added, mut removed) = (0, 0);
        while let Some(event) = news.next(&shared) {
            match event {
                LibraryEvent::Changed { added: a, removed: r } => {
                    added += a.len();
                    removed += r.len();
                }
                other => {
                    assert_eq!(
                        other,
                        LibraryEvent::Progress(HashProgress { files_left: 7, ..HashProgress::default() })
                    );
                }
            }
        }
        assert_eq!((added, removed), (CHANGES_PER_EVENT, 1));
    }

    #[test]
    fn a_skipped_file_is_told_once() {
        let mut library = Library::new(1);
        library.set_root(Root {
            id: RootId(1),
            local: "/d".into(),
            is_folder: true,
            share_as: SharePath::new("d").expect("valid"),
            file_system: None,
        });
        let (_folder, shared) = shared(library);
        let mut news = EventQueue::default();
        let skip = |at: usize| ((RootId(1), at.to_string()), WhyNotShared::Skipped(WhySkipped::Link));
        for _ in 0..2 {
            news.skipped((0..SKIPPED_SHOWN_MAX + 9).map(skip).collect(), &shared.library);
        }
        let Some(LibraryEvent::Skipped { files, count, reasons, .. }) = news.next(&shared) else { panic!("not told") };
        assert_eq!((files.len(), count), (SKIPPED_SHOWN_MAX, SKIPPED_SHOWN_MAX + 9));
        assert_eq!(reasons, [(LeftOutReason::Skipped(WhySkipped::Link), SKIPPED_SHOWN_MAX as u64 + 9)]);
        assert!(news.is_empty());
    }
}
