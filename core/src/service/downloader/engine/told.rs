//! What is told to whoever listens.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::model::transfer::{AlreadyThere, Direction, Transfer, TransferId, TransferState};
use crate::service::downloader::List;
use crate::service::downloader::files::Files;
use crate::transfer::downloads::Downloads;
use crate::transfer::event::TransferEvent;

/// Facts that wait for whoever listens; beyond it nothing more is heard until they are taken.
const FACTS_WAITING_MAX: usize = 4096;

/// Facts, each once and in their order; and states, of which the newest counts.
pub(super) struct DownloadNews {
    list: Arc<List>,
    listener: mpsc::Sender<TransferEvent>,
    facts: VecDeque<TransferEvent>,
    /// Whose state is told next: it was not, or it moves.
    moving: BTreeSet<TransferId>,
}

impl DownloadNews {
    pub(super) fn new(list: Arc<List>, listener: mpsc::Sender<TransferEvent>) -> Self {
        Self { list, listener, facts: VecDeque::new(), moving: BTreeSet::new() }
    }

    pub(super) fn listener(&self) -> mpsc::Sender<TransferEvent> {
        self.listener.clone()
    }

    /// Has a fact told.
    pub(super) fn push(&mut self, fact: TransferEvent) {
        self.facts.push_back(fact);
    }

    pub(super) fn has_facts(&self) -> bool {
        !self.facts.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.facts.len() < FACTS_WAITING_MAX
    }

    /// Whether all states have been told, and none moves.
    pub(super) fn is_at_rest(&self) -> bool {
        self.moving.is_empty()
    }

    /// Tells what there is room for; `false` if there is more, or nobody listens.
    pub(super) fn tell_facts(&mut self, permit: Option<mpsc::Permit<'_, TransferEvent>>) -> bool {
        let Some(permit) = permit else {
            self.facts.clear();
            return false;
        };
        if let Some(fact) = self.facts.pop_front() {
            permit.send(fact);
        }
        while let Some(fact) = self.facts.pop_front() {
            if let Err(TrySendError::Full(fact)) = self.listener.try_send(fact) {
                self.facts.push_front(fact);
                return false;
            }
        }
        true
    }

    /// Puts the states of what changed on the list. They are told after all facts, when there is room: the next ones say
    /// it better.
    pub(super) fn tell_changed(
        &mut self,
        changed: BTreeSet<TransferId>,
        machine: &mut Downloads,
        files: &Files,
        now: Instant,
    ) {
        self.moving.extend(changed);
        let mut moving = BTreeSet::new();
        for id in std::mem::take(&mut self.moving) {
            let Some(state) = state_of(id, machine, files, now) else { continue };
            if state.bytes_per_second > 0 {
                moving.insert(id);
            }
            self.list.lock().insert(id, state.clone());
            let is_told = self.facts.is_empty() && self.listener.try_send(TransferEvent::Changed(state)).is_ok();
            if !is_told {
                moving.insert(id);
            }
        }
        self.moving = moving;
    }

    /// All of a download has just come.
    pub(super) fn ended(&mut self, id: TransferId, machine: &mut Downloads, files: &Files, now: Instant) {
        let ended = state_of(id, machine, files, now);
        self.facts.extend(ended.map(TransferEvent::Ended));
    }

    /// A download is off the list.
    pub(super) fn forget(&mut self, id: TransferId) {
        self.moving.remove(&id);
        self.list.lock().remove(&id);
        self.push(TransferEvent::Gone(id));
    }
}

fn state_of(id: TransferId, machine: &mut Downloads, files: &Files, now: Instant) -> Option<Transfer> {
    let files = files.job(id)?;
    let (state, sources) = machine.state(id);
    let (position, way) = (machine.rank(id), machine.way(id));
    let job = machine.job_mut(id)?;
    let speed = job.speed(now);
    Some(Transfer {
        number: id,
        direction: Direction::Download,
        position,
        user: job.user.clone(),
        label: files.saved.label.clone(),
        local_path: Some(files.shown_path()),
        files: (job.files.len() - job.counts().left_out) as u64,
        files_done: job.counts().done as u64,
        total_bytes: job.total_bytes(),
        done_bytes: job.done_bytes(),
        bytes_per_second: if state == TransferState::Running { speed } else { 0 },
        sources,
        there: AlreadyThere { same: job.was_here() as u64, left_out: job.counts().left_out as u64 },
        way,
        state,
    })
}
