//! What a download is doing, for people.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::metered::may_be_asked;
use super::{Downloads, Stage};
use crate::model::keeping_away::KeptAway;
use crate::model::relaying::NoRelay;
use crate::model::transfer::{TransferError, TransferId, TransferState};
use crate::model::transfer_details::SourceStanding;
use crate::model::way::Way;
use crate::transfer::SourceId;
use crate::transfer::job::{Control, DownloadJob, FileId};
use crate::transfer::source::{Link, Source};

/// Files in work that are looked at: the first ones say enough, and a folder may have thousands.
const LOOKED_AT_MAX: usize = 64;

impl Downloads {
    /// What a download is doing, and how many peers send for it.
    pub fn state(&self, id: TransferId) -> (TransferState, u32) {
        let Some(job) = self.jobs.get(&id) else { return (TransferState::Queued, 0) };
        match job.control {
            _ if job.is_over() => (job.last_error.clone().map_or(TransferState::Finished, TransferState::Failed), 0),
            Control::Paused => (TransferState::Paused, 0),
            Control::Metered => self.state_while_metered(id, job),
            Control::DiskFull { .. } => (TransferState::DiskFull, 0),
            Control::Go => self.state_of_work(id, job),
        }
    }

    /// How the peer is reached that it is asked of, or another that sends for it; when it is over, how its last bytes came.
    pub fn way(&self, id: TransferId) -> Option<Way> {
        let job = self.jobs.get(&id)?;
        if job.is_over() {
            return job.last_way;
        }
        let way_of = |source: &SourceId| self.sources.get(*source).and_then(|source| source.way);
        let own = self.lanes.get(&job.user).and_then(|lane| lane.source);
        let mut active = job.active.iter().take(LOOKED_AT_MAX);
        let others = || {
            active.find_map(|index| self.active.get(&FileId { job: id, index: *index })?.offers.iter().find_map(way_of))
        };
        own.as_ref().and_then(way_of).or_else(others)
    }

    pub(super) fn state_of_work(&self, id: TransferId, job: &DownloadJob) -> (TransferState, u32) {
        if job.active.is_empty() {
            let state = if job.counts().held > 0 { TransferState::Checking } else { TransferState::Queued };
            return (state, 0);
        }
        let first = job
            .active
            .iter()
            .take(LOOKED_AT_MAX)
            .filter_map(|index| self.active.get(&FileId { job: id, index: *index }));
        let mut senders = BTreeSet::new();
        let (mut is_checking, mut is_finishing, mut is_connecting, mut is_declining) = (false, false, false, false);
        let (mut is_changing, mut place) = (false, None);
        for active in first {
            is_checking |= matches!(active.stage, Stage::Checking);
            is_finishing |= matches!(active.stage, Stage::Finishing);
            is_changing |= active.is_changing;
            // Its owner is here and says that they have it not: perhaps only for a moment.
            is_declining |= !active.is_changing
                && matches!(active.verdict, Some(TransferError::NotShared | TransferError::Unreadable));
            for id in &active.offers {
                let is_asked = |source: &&Source| source.link == Link::Connecting || may_be_asked(source, Some(job));
                let source = self.sources.get(*id).filter(is_asked);
                is_declining |= source.is_some_and(|source| source.strikes > 0);
                match source.map(|source| source.link) {
                    // It sends nothing of what it is changing.
                    Some(Link::Up) if active.is_changing => {}
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
            None if is_changing => TransferState::Changing,
            None => match self.not_answering(job) {
                Some((address, no_relay)) => TransferState::Unreachable { address, no_relay },
                None if is_connecting => TransferState::Connecting,
                None => match self.lanes.get(&job.user).map(|lane| lane.standing) {
                    Some(SourceStanding::KeptAway) => TransferState::KeptAway(self.kept_away(job)),
                    Some(SourceStanding::OtherKey) => TransferState::OtherKey,
                    Some(SourceStanding::Unknown) => TransferState::WaitingForTracker,
                    Some(SourceStanding::NotConnected) => TransferState::Connecting,
                    _ => TransferState::WaitingForUser,
                },
            },
        };
        (state, sources)
    }

    /// Why the owner of the network keeps us out, if that is why nobody is asked for a download.
    fn kept_away(&self, job: &DownloadJob) -> KeptAway {
        self.lanes.get(&job.user).and_then(|lane| lane.kept_away.clone()).unwrap_or_default()
    }

    /// Where the owner of a download is said to be and does not answer, and why the tracker's relay did not help.
    fn not_answering(&self, job: &DownloadJob) -> Option<(Option<SocketAddr>, Option<NoRelay>)> {
        let owner = self.sources.get(self.lanes.get(&job.user)?.source?)?;
        (owner.has_not_answered && !owner.is_connected()).then_some((owner.contact.address, owner.no_relay))
    }
}
