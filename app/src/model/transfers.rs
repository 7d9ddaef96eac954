//! Downloads and uploads as the window knows them: how they go, how fast, and what failed of them.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use potok_core::model::transfer::TransferError;
use potok_core::model::username::Username;
use potok_core::model::way::Way;
use potok_core::node::event::{Direction, Transfer, TransferState};
use potok_core::node::failure::Failure;
use potok_core::node::intent::TransferId;
use potok_core::node::partly_there::PartlyThere;
use rust_i18n::t;

use crate::model::{Model, Remedy, SPEEDS_MAX, Tone, short};
use crate::texts;

/// Failed files of one transfer that are remembered, the newest; the engine tells all of them by pages.
pub const FAILED_FILES_MAX: usize = 50;

/// Files that failed or were refused, by transfer.
#[derive(Debug, Default)]
pub struct FailedFiles(HashMap<TransferId, VecDeque<(String, Failure)>>);

impl FailedFiles {
    /// This file failed, perhaps once more.
    pub fn add(&mut self, number: TransferId, path: String, why: Failure) {
        let files = self.0.entry(number).or_default();
        files.retain(|(known, _)| *known != path);
        files.push_back((path, why));
        if files.len() > FAILED_FILES_MAX {
            files.pop_front();
        }
    }

    /// Nothing is known of this transfer any more, or it is tried again.
    pub fn forget(&mut self, number: TransferId) {
        self.0.remove(&number);
    }

    /// Those of one transfer, the oldest first.
    pub fn of(&self, number: TransferId) -> impl Iterator<Item = &(String, Failure)> {
        self.0.get(&number).into_iter().flatten()
    }
}

impl Model {
    /// What a person is asked before a transfer is tried again: what becomes of what is at the places of its files.
    pub fn question_of_retry(&self, number: TransferId) -> Option<(&Transfer, PartlyThere)> {
        let transfer = self.transfers.get(&number)?;
        if transfer.state != TransferState::Failed(TransferError::Exists) {
            return None;
        }
        let is_taken = |failure: &Failure| matches!(failure, Failure::NotComing { error: TransferError::Exists, .. });
        let failed = self.failed_files.of(number).filter(|(_, failure)| is_taken(failure));
        let folder = transfer.local_path.as_deref().unwrap_or(Path::new(""));
        let place = |(path, _): &(String, Failure)| match path.strip_prefix(&transfer.label) {
            Some(below) if transfer.label.ends_with('/') => folder.join(below),
            _ => folder.to_owned(),
        };
        let there = PartlyThere {
            path: folder.display().to_string(),
            files: transfer.files,
            same: transfer.files_done,
            differing: transfer.files.saturating_sub(transfer.files_done),
            places: failed.map(place).collect(),
        };
        Some((transfer, there))
    }

    /// Takes a sample of the speeds once a second; whether it wants another one.
    pub fn tick(&mut self, now: Instant) -> bool {
        let (down, up) = self.speed();
        let is_moving = down + up > 0 || self.transfers.values().any(|t| t.state == TransferState::Running);
        let quiet = self.speeds.iter().all(|sample| *sample == (0, 0));
        if !is_moving && quiet {
            self.speeds.clear();
            self.sampled_at = None;
            return false;
        }
        if self.sampled_at.is_none_or(|at| now.duration_since(at) >= Duration::from_secs(1)) {
            self.sampled_at = Some(now);
            self.speeds.push_back((down, up));
            if self.speeds.len() > SPEEDS_MAX {
                self.speeds.pop_front();
            }
        }
        true
    }

    /// Bytes a second, in and out.
    pub fn speed(&self) -> (u64, u64) {
        let sum = |direction| {
            let of = self.transfers.values().filter(|t| t.direction == direction && t.state == TransferState::Running);
            of.map(|t| t.bytes_per_second).fold(0, u64::saturating_add)
        };
        (sum(Direction::Download), sum(Direction::Upload))
    }

    /// By which way transfers are connected to each person; of several ways the worst.
    pub fn ways(&self) -> HashMap<&Username, Way> {
        let mut ways = HashMap::new();
        for (user, way) in
            self.transfers.values().filter_map(|transfer| Some((&transfer.user, transfer.connected_by()?)))
        {
            let known = ways.entry(user).or_insert(way);
            *known = way.max(*known);
        }
        ways
    }

    /// Transfers that are not over.
    pub fn unfinished(&self) -> usize {
        self.transfers.values().filter(|t| !t.state.is_final() && t.state != TransferState::NotAsked).count()
    }

    pub(super) fn apply_transfer(&mut self, now: Instant, transfer: Transfer) {
        let key = transfer.number;
        self.marks.transfer(&transfer);
        let before = self.transfers.get(&key).map(|t| t.state.clone());
        if before.as_ref() != Some(&transfer.state) {
            self.looked_at.doubt(key);
            self.looked_at.doubt_history();
            if before.as_ref().is_some_and(TransferState::is_final) && !transfer.state.is_final() {
                self.failed_files.forget(key);
            }
        }
        let is_new_state = before.is_some_and(|before| before != transfer.state);
        if transfer.direction == Direction::Download && is_new_state {
            let name = short(&transfer.label);
            match &transfer.state {
                TransferState::Finished => {
                    let text = t!("window.toast.finished", name = name).into();
                    self.toast_with(now, Tone::Good, text, transfer.local_path.clone().map(Remedy::Show));
                }
                TransferState::Failed(why) => {
                    let text = format!("{name}: {}", texts::of_transfer_error(why));
                    self.toast_with(now, Tone::Bad, text, Some(Remedy::Retry(transfer.number)));
                }
                TransferState::DiskFull => self.toast(now, Tone::Bad, t!("window.state.disk-full").into()),
                _ => {}
            }
        }
        self.transfers.insert(key, transfer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_failed_files_are_remembered_each_once() {
        let mut failed = FailedFiles::default();
        let (one, other) = (TransferId(1), TransferId(2));
        for n in 0..100_000 {
            failed.add(one, format!("{n}"), Failure::NoTracker);
        }
        failed.add(one, "99999".into(), Failure::Cancelled);
        failed.add(other, "a".into(), Failure::NoTracker);
        assert_eq!(failed.of(one).count(), FAILED_FILES_MAX);
        assert_eq!(failed.of(one).last(), Some(&("99999".to_owned(), Failure::Cancelled)));
        failed.forget(one);
        assert_eq!((failed.of(one).count(), failed.of(other).count()), (0, 1));
    }
}
