//! What a download is doing, for people.

use std::collections::BTreeSet;

use super::{Downloads, Stage};
use crate::model::transfer::{TransferId, TransferState};
use crate::transfer::job::{Control, DownloadJob, FileId};
use crate::transfer::source::Link;

impl Downloads {
    /// What a download is doing, and how many peers send for it.
    pub fn state(&self, id: TransferId) -> (TransferState, u32) {
        let Some(job) = self.jobs.get(&id) else { return (TransferState::Queued, 0) };
        match job.control {
            _ if job.is_over() => (job.last_error.clone().map_or(TransferState::Finished, TransferState::Failed), 0),
            Control::Paused => (TransferState::Paused, 0),
            Control::DiskFull { .. } => (TransferState::DiskFull, 0),
            Control::Go => self.state_of_work(id, job),
        }
    }

    fn state_of_work(&self, id: TransferId, job: &DownloadJob) -> (TransferState, u32) {
        if job.active.is_empty() {
            return (TransferState::Queued, 0);
        }
        // The first ones say enough, and a folder may have thousands in work.
        let first = job.active.iter().take(64).filter_map(|index| self.active.get(&FileId { job: id, index: *index }));
        let mut senders = BTreeSet::new();
        let (mut is_checking, mut is_finishing, mut is_connecting, mut is_declining) = (false, false, false, false);
        let mut place = None;
        for active in first {
            is_checking |= matches!(active.stage, Stage::Checking);
            is_finishing |= matches!(active.stage, Stage::Finishing);
            for id in &active.offers {
                let source = self.sources.get(*id);
                is_declining |= source.is_some_and(|source| source.strikes > 0);
                match source.map(|source| source.link) {
                    Some(Link::Up) => {
                        senders.insert(*id);
                    }
                    Some(Link::Waiting(at)) => place = Some(place.map_or(at, |best: u32| best.min(at))),
                    Some(Link::Connecting) => is_connecting = true,
                    Some(Link::Down) | None => {}
                }
            }
        }
        let sources = u32::try_from(senders.len()).unwrap_or(u32::MAX);
        let state = match place {
            _ if is_checking => TransferState::Checking,
            _ if is_finishing || sources > 0 => TransferState::Running,
            Some(place) => TransferState::WaitingForSlot { place },
            None if is_declining => TransferState::Declined,
            None if is_connecting => TransferState::Connecting,
            None => TransferState::WaitingForUser,
        };
        (state, sources)
    }
}
