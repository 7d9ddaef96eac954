//! What is told to whoever listens, and written for the next start.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::{Engine, now};
use crate::model::transfer::{Direction, Transfer, TransferId, TransferState};
use crate::service::downloader::Event;
use crate::store::Store;
use crate::store::downloads::SavedState;
use crate::transfer::event::TransferEvent;

impl Engine {
    pub(super) fn tell_facts(&mut self, permit: Option<mpsc::Permit<'_, TransferEvent>>) {
        let Some(permit) = permit else { return self.facts.clear() };
        if let Some(fact) = self.facts.pop_front() {
            permit.send(fact);
        }
        while let Some(fact) = self.facts.pop_front() {
            if let Err(TrySendError::Full(fact)) = self.listener.try_send(fact) {
                self.facts.push_front(fact);
                return;
            }
        }
        self.tell_changed();
    }

    /// Puts the states of what changed on the list. They are told after all facts, when there is room: the next ones say
    /// it better.
    pub(super) fn tell_changed(&mut self) {
        let changed = self.machine.take_changed();
        self.unsaved.extend(&changed);
        self.told.extend(changed);
        let now = now();
        let mut moving = BTreeSet::new();
        for id in std::mem::take(&mut self.told) {
            let Some(state) = self.state_of(id, now) else { continue };
            if state.bytes_per_second > 0 {
                moving.insert(id);
            }
            self.list.lock().insert(id, state.clone());
            let is_told = self.facts.is_empty() && self.listener.try_send(TransferEvent::Changed(state)).is_ok();
            if !is_told {
                moving.insert(id);
            }
        }
        self.told = moving;
    }

    fn state_of(&mut self, id: TransferId, now: std::time::Instant) -> Option<Transfer> {
        let files = self.files.job(id)?;
        let (state, sources) = self.machine.state(id);
        let position = self.machine.rank(id);
        let job = self.machine.job_mut(id)?;
        let speed = job.speed(now);
        Some(Transfer {
            number: id,
            direction: Direction::Download,
            position,
            user: job.user.clone(),
            label: files.saved.label.clone(),
            local_path: Some(files.shown_path()),
            files: job.files.len() as u64,
            files_done: job.counts().done as u64,
            total_bytes: job.total_bytes(),
            done_bytes: job.done_bytes(),
            bytes_per_second: if state == TransferState::Running { speed } else { 0 },
            sources,
            state,
        })
    }

    pub(super) fn look_for_room(&mut self) {
        for id in self.rooms.keys() {
            let Some(job) = self.files.job(*id) else { continue };
            let (disk, events, id) = (Arc::clone(&self.files.disk), self.events.clone(), *id);
            self.tasks.spawn_blocking(move || {
                let _ended = events.blocking_send(Event::Free(id, job.free_bytes(disk.as_ref())));
            });
        }
    }

    pub(super) fn save_progress(&mut self, wait_for_disk: bool) {
        let mut partial = Vec::new();
        for id in std::mem::take(&mut self.unsaved) {
            let Some(job) = self.machine.job(id) else { continue };
            partial.extend(job.partial().map(|(index, bytes)| (id, index, SavedState::Partial(bytes))));
        }
        if !partial.is_empty() {
            self.save(move |store| store.record_download(&partial, wait_for_disk));
        }
    }

    pub(super) fn save_paused(&mut self, id: TransferId, is_paused: bool) {
        self.save(move |store| store.pause_download(id, is_paused));
    }

    pub(super) fn record(&mut self, changes: Vec<(TransferId, u32, SavedState)>) {
        self.save(move |store| store.record_download(&changes, true));
    }

    pub(super) fn save(&mut self, write: impl FnOnce(&Store) -> Result<(), redb::Error> + Send + 'static) {
        self.writes.push_back(Box::new(move |store: &Store| {
            if let Err(error) = write(store) {
                tracing::warn!(%error, "the queue of downloads cannot be saved");
            }
        }));
        if self.saving.is_none() {
            self.save_next();
        }
    }

    pub(super) fn save_next(&mut self) {
        let writes = std::mem::take(&mut self.writes);
        let store = Arc::clone(&self.store);
        self.saving = (!writes.is_empty())
            .then(|| tokio::task::spawn_blocking(move || writes.into_iter().for_each(|write| write(&store))));
    }

    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    pub(super) fn spawn_blocking(&mut self, work: impl FnOnce() + Send + 'static) {
        self.tasks.spawn_blocking(work);
    }
}
