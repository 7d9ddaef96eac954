//! What becomes of downloads while the way to the Internet is metered: what nobody lets go on all the same is asked only of who is
//! nearby, where bytes cost nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use super::{Active, DownloadEffect, Downloads};
use crate::model::transfer::{TransferId, TransferState};
use crate::model::way::Way;
use crate::transfer::SourceId;
use crate::transfer::job::{Control, DownloadJob, FileId};
use crate::transfer::source::{Link, Source};

impl Downloads {
    /// Whether the way to the Internet is metered, so that nothing is to be fetched by it. What a person lets go on all the same
    /// goes on until it is metered anew.
    pub fn set_metered(&mut self, is_metered: bool) {
        if std::mem::replace(&mut self.is_metered, is_metered) == is_metered {
            return;
        }
        let (before, now) = if is_metered { (Control::Go, Control::Metered) } else { (Control::Metered, Control::Go) };
        self.control_all(before, now);
        if !is_metered {
            self.reach_anew();
        }
    }

    /// Begins those anew that are on their way over what has become the Internet.
    fn leave_metered_way(&mut self) {
        self.control_all(Control::Metered, Control::Metered);
    }

    fn control_all(&mut self, before: Control, now: Control) {
        let meant = self.jobs.iter().filter(|(_, job)| job.control == before && !job.is_over());
        let meant: Vec<TransferId> = meant.map(|(id, _)| *id).collect();
        meant.into_iter().for_each(|id| self.control(id, now));
    }

    /// The control of a download that nothing keeps from going on but the meter.
    pub(super) fn going(&self) -> Control {
        if self.is_metered { Control::Metered } else { Control::Go }
    }

    /// A source is reached by another way than before.
    pub(super) fn way_changed(&mut self, id: SourceId, before: Option<Way>) {
        let now = self.sources.get(id).and_then(|source| source.way);
        if !self.is_metered || before == now {
            return;
        }
        if now == Some(Way::Nearby) {
            self.offer_all_again(|active_job, offers| active_job == Control::Metered && offers.contains(&id));
        } else if before == Some(Way::Nearby) {
            self.leave_metered_way();
        }
    }

    /// Whoever was not reached nearby is worth reaching otherwise.
    pub(super) fn reach_anew(&mut self) {
        for (_, source) in self.sources.iter_mut().filter(|(_, source)| !source.is_connected()) {
            source.backoff.reset();
            source.has_not_answered = false;
        }
    }

    /// Those who are not nearby may be asked too for what is in work of a download.
    pub(super) fn goes_by_every_way(&mut self, id: TransferId) {
        let files = self.jobs.get(&id).into_iter().flat_map(|job| job.active.iter());
        let files: Vec<FileId> = files.map(|index| FileId { job: id, index: *index }).collect();
        files.into_iter().for_each(|file| self.offer_again(file));
    }

    fn offer_all_again(&mut self, is_meant: impl Fn(Control, &[SourceId]) -> bool) {
        let control = |file: &FileId| self.jobs.get(&file.job).map(|job| job.control);
        let meant = self
            .active
            .iter()
            .filter(|(file, active)| control(file).is_some_and(|control| is_meant(control, &active.offers)));
        let mut files: Vec<FileId> = meant.map(|(file, _)| *file).collect();
        files.sort_unstable();
        files.into_iter().for_each(|file| self.offer_again(file));
    }

    /// Ends connections over the Internet that nobody may be asked by: they may come about nearby, or another time.
    pub(super) fn end_metered(&mut self, now: Instant) {
        if !self.is_metered {
            return;
        }
        let wanted = wanted_by_every_way(&self.jobs, &self.active);
        let is_idle = |source: &Source| {
            source.is_connected() && source.way != Some(Way::Nearby) && source.offers > 0 && source.open.is_empty()
        };
        for id in self.sources.linked_ids() {
            let source = self.sources.get_mut(id).filter(|source| is_idle(source) && !wanted.contains(&id));
            let Some(source) = source else { continue };
            source.disconnected(now);
            source.backoff.failed(now);
            self.effects.push(DownloadEffect::Disconnect(id));
        }
    }

    /// What a download is doing that only who is nearby is asked for: it goes on, or rests.
    pub(super) fn state_while_metered(&self, id: TransferId, job: &DownloadJob) -> (TransferState, u32) {
        let (state, sources) = self.state_of_work(id, job);
        let owner = self.lanes.get(&job.user).and_then(|lane| lane.source).and_then(|id| self.sources.get(id));
        let is_owner_nearby = owner.is_some_and(|owner| owner.way == Some(Way::Nearby));
        let goes_on = match state {
            TransferState::Running | TransferState::WaitingForSlot { .. } | TransferState::Checking => true,
            TransferState::Connecting => owner.is_some_and(|owner| owner.link == Link::Connecting),
            TransferState::Queued | TransferState::Declined | TransferState::Changing => is_owner_nearby,
            _ => false,
        };
        if goes_on { (state, sources) } else { (TransferState::Metered, 0) }
    }
}

/// Whether a source may be asked for the files of a download.
pub(super) fn may_be_asked(source: &Source, job: Option<&DownloadJob>) -> bool {
    source.way == Some(Way::Nearby) || job.is_some_and(|job| job.control == Control::Go)
}

/// The sources of those downloads that go by every way.
pub(super) fn wanted_by_every_way(
    jobs: &BTreeMap<TransferId, DownloadJob>,
    active: &HashMap<FileId, Active>,
) -> HashSet<SourceId> {
    let goes = |file: &FileId| jobs.get(&file.job).is_some_and(|job| job.control == Control::Go);
    active.iter().filter(|(file, _)| goes(file)).flat_map(|(_, active)| active.offers.iter().copied()).collect()
}
