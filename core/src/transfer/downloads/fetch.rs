//! Peers and requests: what each is asked next, what their answers mean.

use std::time::{Duration, Instant};

use super::ahead::take_ahead;
use super::metered::may_be_asked;
use super::{AskOutcome, DownloadEffect, Downloads, FoundUser, Stage};
use crate::model::attempt::AttemptRecord;
use crate::model::block_list::BlockList;
use crate::model::relaying::NoRelay;
use crate::model::transfer::{TransferError, TransferId};
use crate::model::transfer_details::SourceStanding;
use crate::model::username::Username;
use crate::model::way::Way;
use crate::protocol::peer::PeerRefusal;
use crate::transfer::SourceId;
use crate::transfer::job::{FileId, is_large};
use crate::transfer::plan::Done;
use crate::transfer::source::{Ask, Link, Source, What};

/// Blocks of one file that are asked for in a row before the next file has its turn: long reads and writes.
const RUN_BLOCKS: usize = 4;
/// A list that did not come in this time is asked of somebody else.
const LIST_LATE: Duration = Duration::from_secs(2);

impl Downloads {
    /// What was tried to reach a source, whether it is reached or not.
    pub fn attempted(&mut self, id: SourceId, attempt: AttemptRecord) {
        if let Some(source) = self.sources.get_mut(id) {
            source.attempt = attempt;
        }
    }

    /// A connection stands, its key proven, and came about like this.
    pub fn connected(&mut self, id: SourceId, way: Way, now: Instant) {
        self.sources.link(id, Link::Up);
        let Some(source) = self.sources.get_mut(id) else { return };
        let before = source.way.replace(way);
        source.has_not_answered = false;
        source.no_relay = None;
        source.backoff.connected(now);
        source.may_fill = true;
        self.may_connect = true;
        self.way_changed(id, before);
        self.all_changed();
    }

    /// The connection goes on by another way, or it is known better by which.
    pub fn goes_another_way(&mut self, id: SourceId, way: Way) {
        if let Some(source) = self.sources.get_mut(id).filter(|source| source.is_connected()) {
            let before = source.way.replace(way);
            self.way_changed(id, before);
        }
        self.all_changed();
    }

    /// No connection came about, though the tracker has asked them to meet us; and why its relay did not help.
    pub fn no_way(&mut self, id: SourceId, no_relay: NoRelay, now: Instant) {
        self.disconnected(id, now);
        if let Some(source) = self.sources.get_mut(id) {
            source.no_relay = Some(no_relay);
        }
    }

    /// No connection came about, or it is gone. Its open requests need no answers.
    pub fn disconnected(&mut self, id: SourceId, now: Instant) {
        let Some(source) = self.sources.get_mut(id) else { return };
        source.has_not_answered |= source.link == Link::Connecting;
        source.backoff.failed(now);
        let open = source.disconnected(now);
        self.may_connect = true;
        let user = source.contact.username.clone();
        for ask in open {
            self.give_back(&ask, id);
        }
        // They may have come back somewhere else.
        if self.lanes.get(&user).is_some_and(|lane| lane.source == Some(id)) {
            self.effects.push(DownloadEffect::FindUser(user));
        }
        self.search_without(id, now);
        self.all_changed();
    }

    /// The peer serves others first.
    pub fn queued(&mut self, id: SourceId, place: u32, now: Instant) {
        if let Some(source) = self.sources.get_mut(id).filter(|source| source.is_connected()) {
            source.waits(place, now);
        }
        self.all_changed();
    }

    /// The wait for an upload slot is over.
    pub fn granted(&mut self, id: SourceId) {
        if let Some(source) = self.sources.get_mut(id).filter(|source| source.is_connected()) {
            source.waits_no_more();
            source.may_fill = true;
        }
        self.all_changed();
    }

    /// A request has its answer.
    pub fn answered(&mut self, id: SourceId, request: u32, outcome: AskOutcome, now: Instant) {
        let Some(source) = self.sources.get_mut(id) else { return };
        let with_data = matches!(
            outcome,
            AskOutcome::List(_) | AskOutcome::Begun | AskOutcome::Written | AskOutcome::NotWritten(_)
        );
        let Some((ask, was_left)) = source.answered(request, with_data, now) else { return };
        if self.is_stale(&ask) && !matches!(outcome, AskOutcome::Wrong) {
            return self.put_down_stale(&ask, &outcome);
        }
        if matches!(outcome, AskOutcome::Written)
            && let Some(source) = self.sources.get_mut(id)
        {
            (source.strikes, source.unanswered) = (0, 0);
            source.delivered += 1;
        }
        // What it was told to leave is not its to give back: the same may have been asked of it anew.
        let give_back = |this: &mut Self| {
            if !was_left {
                this.give_back(&ask, id);
            }
        };
        match outcome {
            AskOutcome::List(list) => self.listed(ask.file, list),
            AskOutcome::Begun => self.begun(ask.file),
            AskOutcome::Written => self.written(id, &ask),
            AskOutcome::NotWritten(fault) => {
                give_back(self);
                if self.active.contains_key(&ask.file) {
                    self.not_written(ask.file, fault);
                }
            }
            AskOutcome::Unwanted => give_back(self),
            AskOutcome::Refused(why) => {
                give_back(self);
                self.refused(id, ask.file, why, was_left, now);
            }
            AskOutcome::Wrong => {
                give_back(self);
                self.lied(id, now);
            }
        }
    }

    fn listed(&mut self, file: FileId, list: BlockList) {
        let Some(active) = self.active.get_mut(&file) else { return };
        if matches!(active.stage, Stage::NeedsList | Stage::ListAsked(..)) {
            active.stage = Stage::Checking;
            self.effects.push(DownloadEffect::Check(file, list));
            self.changed.insert(file.job);
        }
    }

    fn written(&mut self, by: SourceId, ask: &Ask) {
        if let Some(job) = self.jobs.get_mut(&ask.file.job) {
            job.speed_add(ask.bytes());
            job.last_way = self.sources.get(by).and_then(|source| source.way).or(job.last_way);
        }
        let Some(active) = self.active.get_mut(&ask.file) else { return };
        active.is_changing = false;
        let (Stage::Blocks(plan), What::Block(block)) = (&mut active.stage, ask.what) else { return };
        let Done::First { also_asked } = plan.done(block, by) else { return };
        let (done_bytes, is_complete) = (plan.done_bytes(), plan.is_complete());
        if is_complete {
            active.stage = Stage::Finishing;
            self.effects.push(DownloadEffect::Finish(ask.file));
        }
        if is_large(&ask.content) {
            self.progressed(ask.file, done_bytes);
        }
        if also_asked {
            self.cancel_asks(|open| open.file == ask.file && open.what == ask.what);
        }
    }

    fn refused(&mut self, id: SourceId, file: FileId, why: PeerRefusal, was_left: bool, now: Instant) {
        let error = match why {
            PeerRefusal::Cancelled if was_left => return,
            // It will not answer more now; another connection later. Nobody cancelled: it costs the peer nothing, and
            // asked again at once it would say so for ever.
            PeerRefusal::Busy | PeerRefusal::Cancelled => return self.strike(id, now),
            PeerRefusal::NotShared | PeerRefusal::BadRequest => TransferError::NotShared,
            PeerRefusal::Changed => TransferError::Changed,
            PeerRefusal::Internal => TransferError::Unreadable,
        };
        self.withdraw(file, id, error, now);
    }

    /// A request will not be answered with data: what it asked for is missing again.
    fn give_back(&mut self, ask: &Ask, id: SourceId) {
        let Some(active) = self.active.get_mut(&ask.file) else { return };
        let is_missing = match (&mut active.stage, ask.what) {
            (Stage::ListAsked(asked, _), What::List) if *asked == id => {
                active.stage = Stage::NeedsList;
                // Whoever is asked for the list next is asked for the first blocks too.
                self.cancel_asks(|open| open.file == ask.file && open.what != What::List);
                true
            }
            (Stage::Blocks(plan), What::Block(block)) => {
                plan.give_back(block, id);
                plan.has_missing()
            }
            _ => false,
        };
        if is_missing {
            self.offer_again(ask.file);
        }
    }

    /// There is something to ask for: every source of this file may be asked.
    pub(super) fn offer_again(&mut self, file: FileId) {
        let Some(active) = self.active.get(&file) else { return };
        for id in &active.offers {
            if let Some(source) = self.sources.get_mut(*id) {
                source.may_fill = true;
                if !source.ring.contains(&file) {
                    source.ring.push_front(file);
                }
            }
        }
    }

    /// A source of a file, known from now on.
    pub(super) fn offer(&mut self, file: FileId, id: SourceId) {
        let Some(active) = self.active.get_mut(&file) else { return };
        let Some(source) = self.sources.get_mut(id) else { return };
        if !source.is_trusted() || active.offers.contains(&id) || active.refused.contains(&id) {
            return;
        }
        active.offers.push(id);
        source.offers += 1;
        source.may_fill = true;
        self.may_connect |= source.link == Link::Down;
        source.ring.push_back(file);
        if source.ring.len() > 2 * source.offers + 64 {
            // Files that were put away while nobody asked this source.
            source.ring.retain(|file| self.active.get(file).is_some_and(|active| active.offers.contains(&id)));
        }
    }

    /// Every source is told to leave those of its open requests that are meant.
    pub(super) fn cancel_asks(&mut self, is_meant: impl Fn(&Ask) -> bool) {
        for id in self.sources.linked_ids() {
            let ids = self.sources.get_mut(id).map(|source| source.leave(&is_meant)).unwrap_or_default();
            if !ids.is_empty() {
                self.effects.push(DownloadEffect::Cancel(id, ids));
            }
        }
    }

    pub(super) fn fill_all(&mut self, now: Instant) {
        // Few may be asked for a block at a time: those who do not answer must not stand before one who does.
        let mut ready: Vec<(SourceId, _)> = self
            .sources
            .linked()
            .filter(|(_, source)| source.link == Link::Up && source.may_fill)
            .map(|(id, source)| (id, source.preference()))
            .collect();
        ready.sort_by(|(_, one), (_, other)| one.cmp(other));
        for (id, _) in ready {
            if let Some(source) = self.sources.get_mut(id) {
                source.may_fill = false;
            }
            let mut asks = self.fill(id, now);
            asks.extend(self.fill_late(id, now));
            if !asks.is_empty() {
                self.effects.push(DownloadEffect::Ask(id, asks));
            }
        }
    }

    /// Asks for what is missing, file by file in turn, as much as the window takes.
    fn fill(&mut self, id: SourceId, now: Instant) -> Vec<Ask> {
        let mut asks = Vec::new();
        let Some(source) = self.sources.get_mut(id) else { return asks };
        if !source.window.is_worth_filling() {
            return asks;
        }
        while source.window.has_room() {
            let Some(&file) = source.ring.front() else { break };
            let may_ask = !self.is_metered || may_be_asked(source, self.jobs.get(&file.job));
            let active = self.active.get_mut(&file).filter(|active| may_ask && active.offers.contains(&id));
            let what = active.and_then(|active| {
                let what = match &mut active.stage {
                    Stage::NeedsList => {
                        active.stage = Stage::ListAsked(id, 0);
                        Some(What::List)
                    }
                    Stage::ListAsked(asked, ahead) if *asked == id && active.is_new => {
                        take_ahead(active.content.geometry(), ahead).map(What::Block)
                    }
                    Stage::Blocks(plan) => plan.take(id, now).map(What::Block),
                    Stage::ListAsked(..) | Stage::Checking | Stage::Finishing => None,
                };
                what.map(|what| (active.content, what))
            });
            let Some((content, what)) = what else {
                source.ring.pop_front();
                source.in_a_row = 0;
                continue;
            };
            asks.push(source.ask(file, content, what, now));
            source.in_a_row += 1;
            if source.in_a_row >= RUN_BLOCKS && source.ring.len() > 1 {
                source.ring.rotate_left(1);
                source.in_a_row = 0;
            }
        }
        asks
    }

    /// When nothing is missing that this source has: asks it for what others were asked for and is late.
    fn fill_late(&mut self, id: SourceId, now: Instant) -> Vec<Ask> {
        let mut asks = Vec::new();
        let Some(source) = self.sources.get(id) else { return asks };
        if !source.window.is_worth_filling() || !source.ring.is_empty() {
            return asks;
        }
        let late = source.late();
        let late_asks: Vec<(Ask, Duration)> = self
            .sources
            .linked()
            .filter(|(other, _)| *other != id)
            .flat_map(|(_, other)| {
                let open = other.open.values().map(|(ask, at)| (*ask, now.saturating_duration_since(*at)));
                open.take_while(|(_, age)| *age >= late)
            })
            .collect();
        for (late_ask, age) in late_asks {
            let Some(source) = self.sources.get_mut(id).filter(|source| source.window.has_room()) else { break };
            let Some(active) = self.active.get_mut(&late_ask.file) else { continue };
            let may_ask = !self.is_metered || may_be_asked(source, self.jobs.get(&late_ask.file.job));
            if !may_ask || !active.offers.contains(&id) {
                continue;
            }
            let is_taken = match (&mut active.stage, late_ask.what) {
                (Stage::Blocks(plan), What::Block(block)) => plan.take_too(block, id, now),
                (Stage::ListAsked(asked, _), What::List) if age >= LIST_LATE && !source.owes_list(late_ask.file) => {
                    *asked = id;
                    true
                }
                _ => false,
            };
            if is_taken {
                asks.push(source.ask(late_ask.file, late_ask.content, late_ask.what, now));
            }
        }
        asks
    }

    /// The user of a lane is here, or not.
    pub fn user_found(&mut self, user: &Username, whom: &FoundUser, now: Instant) {
        let found = match whom {
            FoundUser::Here(contact) => Some(self.sources.meet(contact, now)),
            FoundUser::Away | FoundUser::OtherKey | FoundUser::Unknown | FoundUser::KeptAway(_) => None,
        };
        let Some(lane) = self.lanes.get_mut(user) else { return };
        let standing = match whom {
            FoundUser::Here(_) => SourceStanding::NotConnected,
            FoundUser::Away => SourceStanding::Away,
            FoundUser::OtherKey => SourceStanding::OtherKey,
            FoundUser::Unknown => SourceStanding::Unknown,
            FoundUser::KeptAway(_) => SourceStanding::KeptAway,
        };
        let kept_away = match whom {
            FoundUser::KeptAway(why) => Some(why),
            _ => None,
        };
        if lane.standing != standing || lane.kept_away.as_ref() != kept_away {
            (lane.standing, lane.kept_away) = (standing, kept_away.cloned());
            self.changed.extend(&lane.jobs);
        }
        let before = lane.source;
        let is_connected = |id| self.sources.get(id).is_some_and(Source::is_connected);
        // A transfer that runs does not need the tracker.
        if before == found || (found.is_none() && before.is_some_and(is_connected)) {
            return;
        }
        lane.source = found;
        if let Some(source) = found.and_then(|id| self.sources.get_mut(id)) {
            // They were away and are back: no reason to wait longer.
            source.backoff.reset();
            self.may_connect = true;
        }
        let of_job = |id: &TransferId| {
            let job = self.jobs.get(id).map(|job| (*id, job));
            job.into_iter().flat_map(|(id, job)| job.active.iter().map(move |index| FileId { job: id, index: *index }))
        };
        let mut files: Vec<FileId> = lane.jobs.iter().flat_map(of_job).collect();
        files.sort_unstable();
        for file in files {
            if let Some(gone) = before {
                self.take_offer_back(file, gone);
            }
            if let Some(id) = found {
                self.offer(file, id);
            }
            self.consider_search(file, now);
        }
        self.all_changed();
    }

    pub(super) fn take_offer_back(&mut self, file: FileId, id: SourceId) {
        let Some(active) = self.active.get_mut(&file) else { return };
        if active.offers.contains(&id) {
            active.offers.retain(|offer| *offer != id);
            if let Some(source) = self.sources.get_mut(id) {
                source.offers = source.offers.saturating_sub(1);
            }
        }
    }

    pub(super) fn all_changed(&mut self) {
        self.changed.extend(self.jobs.iter().filter(|(_, job)| !job.active.is_empty()).map(|(id, _)| *id));
    }
}
