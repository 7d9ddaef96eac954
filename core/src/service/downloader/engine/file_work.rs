//! Files that are checked, written and finished, and downloads that wait for room; the work is done on other threads.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::model::block_list::BlockList;
use crate::model::transfer::TransferId;
use crate::service::downloader::Event;
use crate::service::downloader::files::{Files, Found, JobFiles};
use crate::service::downloader::finisher::finish_large;
use crate::store::Store;
use crate::transfer::downloads::Checked;
use crate::transfer::job::FileId;

/// What is under way on the disk.
pub(super) struct FileWork {
    files: Arc<Files>,
    /// What is whole is written down before anybody is told.
    store: Arc<Store>,
    checks: HashMap<FileId, Check>,
    /// How many there have been; the number of the newest.
    check_count: u64,
    /// How many bytes a download needs that waits for room.
    rooms: HashMap<TransferId, u64>,
    events: mpsc::Sender<Event>,
}

/// What is at a file's place is being looked at.
struct Check {
    number: u64,
    is_stopped: Arc<AtomicBool>,
}

impl FileWork {
    pub(super) fn new(files: Arc<Files>, store: Arc<Store>, events: mpsc::Sender<Event>) -> Self {
        Self { files, store, checks: HashMap::new(), check_count: 0, rooms: HashMap::new(), events }
    }

    /// Where downloads are on disk.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Where one download is on disk.
    pub(super) fn job(&self, id: TransferId) -> Option<Arc<JobFiles>> {
        self.files.job(id)
    }

    /// Looks at what is at a file's place; what is found is an [`Event::Checked`].
    pub(super) fn check(&mut self, file: FileId, list: BlockList, tasks: &mut JoinSet<()>) {
        self.files.close(file);
        self.check_count += 1;
        let number = self.check_count;
        let is_stopped = Arc::new(AtomicBool::new(false));
        self.checks.insert(file, Check { number, is_stopped: Arc::clone(&is_stopped) });
        let (files, events) = (Arc::clone(&self.files), self.events.clone());
        tasks.spawn_blocking(move || {
            let found = files.check(file, list, &|| is_stopped.load(Ordering::Relaxed));
            let _ended = events.blocking_send(Event::Checked(file, number, found));
        });
    }

    /// Takes what a check found, and opens the file for what is to come; `None` if that check was given up.
    pub(super) fn checked(&mut self, file: FileId, number: u64, found: Found) -> Option<Checked> {
        if self.checks.get(&file)?.number != number {
            return None;
        }
        self.checks.remove(&file);
        if let Some(open) = found.open {
            self.files.open(file, open);
        }
        Some(found.checked)
    }

    /// Gives a file its name; an [`Event::Finished`] tells. A small one is on its way to the finisher already.
    pub(super) fn finish(&self, file: FileId, tasks: &mut JoinSet<()>) {
        let Some(open) = self.files.close(file) else { return };
        let (files, store, events) = (Arc::clone(&self.files), Arc::clone(&self.store), self.events.clone());
        tasks.spawn_blocking(move || {
            let finished = finish_large(&files, &store, file, &open);
            drop(open);
            let _ended = events.blocking_send(Event::Finished(finished));
        });
    }

    /// Nothing is written to a file any more, and nothing of it looked at.
    pub(super) fn close(&mut self, file: FileId) {
        self.files.close(file);
        if let Some(check) = self.checks.remove(&file) {
            check.is_stopped.store(true, Ordering::Relaxed);
        }
    }

    /// Leaves a download's unfinished files for ever.
    pub(super) fn forget(&mut self, id: TransferId, unfinished: Vec<u32>, tasks: &mut JoinSet<()>) {
        self.rooms.remove(&id);
        if let Some(files) = self.files.remove_job(id)
            && !unfinished.is_empty()
        {
            tasks.spawn_blocking(move || files.remove_parts(&unfinished));
        }
    }

    /// The disk of a download is full: it waits for so many bytes.
    pub(super) fn await_room(&mut self, id: TransferId, needed: u64) {
        self.rooms.insert(id, needed);
    }

    /// It does not wait for room any more.
    pub(super) fn leave_room(&mut self, id: TransferId) {
        self.rooms.remove(&id);
    }

    pub(super) fn awaits_room(&self) -> bool {
        !self.rooms.is_empty()
    }

    /// Asks the disks on which something waits; they answer with [`Event::Free`].
    pub(super) fn look_for_room(&self, tasks: &mut JoinSet<()>) {
        for id in self.rooms.keys() {
            let Some(job) = self.files.job(*id) else { continue };
            let (disk, events, id) = (Arc::clone(&self.files.disk), self.events.clone(), *id);
            tasks.spawn_blocking(move || {
                let _ended = events.blocking_send(Event::Free(id, job.free_bytes(disk.as_ref())));
            });
        }
    }

    /// Takes what a disk answered; a disk that does not know is tried. Whether a download's wait is over.
    pub(super) fn take_free(&mut self, id: TransferId, free: Option<u64>) -> bool {
        let has_room = |needed: &u64| free.is_none_or(|free| free >= *needed);
        let is_over = self.rooms.get(&id).is_some_and(has_room);
        if is_over {
            self.rooms.remove(&id);
        }
        is_over
    }

    /// Gives up all checks; what is half looked at is looked at by the next run.
    pub(super) fn stop_checks(&self) {
        for check in self.checks.values() {
            check.is_stopped.store(true, Ordering::Relaxed);
        }
    }
}
