//! What outlives sessions. A change that is to last is written down first: it comes into force, and whoever wants it is
//! told so, when it is on disk. What cannot be written has not happened.

use std::time::Instant;

use crate::model::binding::{Ban, BanTarget, Binding, ClaimFate, Record};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::VerbKind;
use crate::protocol::sentence::Sentence;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::{Clock, OwnerOrder, SessionId, Ticket};
use crate::tracker::log::LogEntry;
use crate::tracker::machine::Tracker;
use crate::tracker::output::write_refusal;
use crate::tracker::overrides::{MESSAGE_OF_THE_DAY, NETWORK_NAME, Ordered, Overrides};
use crate::tracker::pending_save::{LastingChange, PendingSave};
use crate::tracker::session::Turn;

/// Lapsed names that are forgotten at once: their records wait for the disk, as those of new names do.
pub(super) const LAPSED_AT_ONCE: usize = 1024;

impl Tracker {
    pub(super) fn obey(&mut self, now: Instant, order: OwnerOrder, effects: &mut Effects) {
        match order {
            OwnerOrder::Kick(username) => self.end_session_of(now, &username, None, effects),
            OwnerOrder::SendAway { username, bans, minutes } => self.send_away(now, username, bans, minutes, effects),
            OwnerOrder::Ban(ban) => _ = self.begin_change(LastingChange::Bans(vec![ban]), effects),
            OwnerOrder::Unban(target) => _ = self.lift(vec![target], effects),
            OwnerOrder::Release(username) => _ = self.release(&username, effects),
            OwnerOrder::SetGreeting { network_name, message_of_the_day } => {
                // What is said here last counts, whoever said something by a command before.
                (self.configured.network_name, self.configured.message_of_the_day) = (network_name, message_of_the_day);
                let ordered = [NETWORK_NAME, MESSAGE_OF_THE_DAY].into_iter().filter(|name| self.overrides.has(name));
                let given_back: Vec<Ordered> = ordered.map(|name| (name.to_owned(), None)).collect();
                if !given_back.is_empty() {
                    self.begin_change(LastingChange::Settings(given_back), effects);
                }
                self.use_configured(now, effects);
            }
            OwnerOrder::SetSharesPerUser(most) => {
                self.configured.shares_per_user = most.max(1);
                self.use_configured(now, effects);
            }
            OwnerOrder::SetLocalDiscovery(is_on) => {
                self.configured.local_discovery = is_on;
                self.use_configured(now, effects);
            }
            OwnerOrder::SetRelay(limits) => {
                self.configured.set_relay_limits(limits);
                self.use_configured(now, effects);
            }
        }
    }

    /// Writes a change down. It comes into force when it is on disk.
    pub(super) fn begin_change(&mut self, change: LastingChange, effects: &mut Effects) -> Ticket {
        let (ticket, records) = (self.next_ticket(), self.records_of(&change));
        self.begin_save(ticket, change, records, effects);
        ticket
    }

    /// Somebody may wait for this.
    pub(super) fn expect(&mut self, ticket: Ticket, change: LastingChange) {
        let pending = PendingSave { change, for_the_name: Vec::new(), for_their_turn: Vec::new(), answer: None };
        self.saves.insert(ticket, pending);
    }

    fn begin_save(&mut self, ticket: Ticket, change: LastingChange, records: Vec<Record>, effects: &mut Effects) {
        self.expect(ticket, change);
        effects.push(Effect::Save { ticket, records });
    }

    fn records_of(&self, change: &LastingChange) -> Vec<Record> {
        let of_settings = |ordered: &[Ordered]| -> Vec<Record> {
            let record =
                |(setting, value): &Ordered| Record::Ordered { setting: setting.clone(), value: value.clone() };
            ordered.iter().map(record).collect()
        };
        match change {
            LastingChange::Name { .. } => Vec::new(),
            LastingChange::Bans(bans) => bans.iter().map(|ban| Record::Banned(self.bans.as_kept(ban))).collect(),
            LastingChange::Lift { targets, ordered } => {
                let unbanned = targets.iter().map(|target| Record::Unbanned(self.bans.as_written(target)));
                unbanned.chain(of_settings(ordered)).collect()
            }
            LastingChange::Release(binding) => vec![Record::Released { folded: binding.username.folded() }],
            LastingChange::Settings(ordered) => of_settings(ordered),
            LastingChange::Invite(invite) => vec![Record::Invited(invite.clone())],
            LastingChange::Revoke(invite) => vec![Record::Revoked { number: invite.number }],
            LastingChange::StopWaiting(key, _) => vec![Record::WaitsNoMore { key: *key }],
        }
    }

    /// Lets somebody in again; none if all of them were sent away only, which is not on disk.
    pub(super) fn lift(&mut self, targets: Vec<BanTarget>, effects: &mut Effects) -> Option<Ticket> {
        for target in &targets {
            if self.sent_away.remove(target) {
                self.log.push(LogEntry::Unbanned { who: target.to_string() });
            }
        }
        let targets: Vec<BanTarget> = targets.into_iter().filter(|target| self.bans.get(target).is_some()).collect();
        if targets.is_empty() {
            return None;
        }
        let ordered = Overrides::lifting(&self.settings.bans, &targets);
        Some(self.begin_change(LastingChange::Lift { targets, ordered }, effects))
    }

    /// Makes a name free; none if nobody owns it.
    pub(super) fn release(&mut self, username: &Username, effects: &mut Effects) -> Option<Ticket> {
        let binding = self.names.binding(&username.folded())?.clone();
        Some(self.begin_change(LastingChange::Release(binding), effects))
    }

    /// Starts writing a new name down, and with it what it takes: the use of an invite, and that somebody waits no more.
    pub(super) fn save_name(
        &mut self,
        name: &Username,
        key: PublicKey,
        invite: Option<u64>,
        effects: &mut Effects,
    ) -> Ticket {
        if self.is_sharing() {
            return self.claim_name(name, key, invite, effects);
        }
        let ticket = self.next_ticket();
        let (binding, lapsed) = self.names.bind(name, key, ticket);
        let mut records: Vec<Record> = lapsed.into_iter().map(|folded| Record::Released { folded }).collect();
        records.push(Record::Bound(binding));
        let used = invite.and_then(|number| self.doors.use_one(number));
        records.extend(used.map(|invite| match invite.uses_left {
            Some(0) => Record::Revoked { number: invite.number },
            _ => Record::Invited(invite),
        }));
        let waits = self.doors.waits(key).map(|_| key);
        records.extend(waits.map(|key| Record::WaitsNoMore { key }));
        let change = LastingChange::Name { folded: name.folded(), invite, waits };
        self.begin_save(ticket, change, records, effects);
        ticket
    }

    pub(super) fn stored(&mut self, now: Instant, ticket: Ticket, done: bool, effects: &mut Effects) {
        self.settle(now, ticket, if done { ClaimFate::Done } else { ClaimFate::Failed }, effects);
    }

    /// What became of a change or a claim is known: who waits for it goes on. Whoever wants a name of the shared ledger is
    /// judged once more, by what the replica shows now.
    pub(super) fn settle(&mut self, now: Instant, ticket: Ticket, fate: ClaimFate, effects: &mut Effects) {
        let (done, is_sharing) = (fate == ClaimFate::Done, self.is_sharing());
        let Some(PendingSave { change, for_the_name, for_their_turn, answer }) = self.saves.remove(&ticket) else {
            return;
        };
        if self.ordering == Some(ticket) {
            self.ordering = None;
        }
        if let (false, true, LastingChange::Invite(invite)) = (done, is_sharing, &change)
            && self.doors.is_number_of_others(invite)
            && let Some((change, reply)) = self.draft_invite(|_, _| invite.clone())
        {
            // Another tracker's owner was faster with the number, and wants nothing else.
            let answer = answer.map(|(id, verb, _)| (id, verb, reply));
            return self.begin_again(ticket, PendingSave { change, for_the_name, for_their_turn, answer }, effects);
        }
        if done {
            self.carry_into_force(now, ticket, change, effects);
        } else {
            if fate == ClaimFate::Failed {
                self.log.push(LogEntry::NotSaved);
            }
            self.take_back(ticket, change, effects);
        }
        let waits_for_it = Turn::Saving(ticket);
        if let Some((id, verb, reply)) = answer {
            let refusal = || if is_sharing { not_written() } else { Refusal::new(Code::Internal, Sentence::NotSaved) };
            let outcome = if done { Ok(reply) } else { Err(refusal()) };
            match &outcome {
                Ok(_) => self.tally.done(verb),
                Err(refusal) => self.tally.refused(Some(verb), refusal.code),
            }
            if let Some(asker) = self.asker(now, id).filter(|_| self.waits_for(id, waits_for_it)) {
                self.answer(&asker, outcome, effects);
            }
            self.go_on(now, id, waits_for_it, effects);
        }
        for id in for_the_name {
            let is_waiting = self.waits_for(id, waits_for_it);
            if let Some(session) = self.sessions.get_mut(&id).filter(|_| is_waiting) {
                session.has_claimed = is_sharing && fate != ClaimFate::Failed;
                if fate == ClaimFate::Failed {
                    session.waiting.pop_front();
                }
            }
            if fate == ClaimFate::Failed && is_waiting {
                let refusal = match is_sharing {
                    true => not_agreed(),
                    false => Refusal::new(Code::Internal, Sentence::NameNotSaved),
                };
                self.tally.refused(Some(VerbKind::RegisterUser), refusal.code);
                self.write(id, effects, |out| write_refusal(out, &refusal));
            }
            self.go_on(now, id, waits_for_it, effects);
        }
        for id in for_their_turn {
            self.go_on(now, id, waits_for_it, effects);
        }
    }

    /// Writes down in another way what could not be written down as it was; whoever waits goes on waiting.
    fn begin_again(&mut self, before: Ticket, pending: PendingSave, effects: &mut Effects) {
        let (ticket, records) = (self.next_ticket(), self.records_of(&pending.change));
        let answered = pending.answer.iter().map(|(id, _, _)| *id);
        for id in answered.chain(pending.for_the_name.iter().chain(&pending.for_their_turn).copied()) {
            let session = self.sessions.get_mut(&id).filter(|session| session.turn == Turn::Saving(before));
            session.into_iter().for_each(|session| session.turn = Turn::Saving(ticket));
        }
        if pending.answer.is_some() {
            self.ordering = Some(ticket);
        }
        self.saves.insert(ticket, pending);
        effects.push(Effect::Save { ticket, records });
    }

    fn waits_for(&self, id: SessionId, turn: Turn) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.turn == turn)
    }

    /// A change is on disk.
    fn carry_into_force(&mut self, now: Instant, ticket: Ticket, change: LastingChange, effects: &mut Effects) {
        if self.is_sharing() {
            return self.note_agreed(&change);
        }
        match change {
            LastingChange::Name { folded, invite, waits } => {
                self.names.stored(&folded, ticket, true);
                invite.into_iter().for_each(|number| self.doors.forget_used_up(number));
                waits.into_iter().for_each(|key| _ = self.doors.stop_waiting(key));
            }
            LastingChange::Bans(bans) => {
                for ban in bans {
                    if self.bans.insert(ban.clone()) {
                        self.log.push(LogEntry::Banned { who: ban.target.to_string() });
                        self.close_banned(now, &ban, effects);
                    }
                }
            }
            LastingChange::Lift { targets, ordered } => {
                for target in targets.iter().filter_map(|target| self.bans.remove(target)) {
                    self.log.push(LogEntry::Unbanned { who: target.to_string() });
                }
                self.use_ordered(now, ordered, effects);
            }
            LastingChange::Release(binding) => self.free_name(now, &binding, effects),
            LastingChange::Settings(ordered) => self.use_ordered(now, ordered, effects),
            LastingChange::Invite(invite) => self.doors.add(invite),
            LastingChange::Revoke(_) | LastingChange::StopWaiting(..) => {}
        }
    }

    /// All trackers have agreed on a change. It is in force by what was learned of that, and may be changed again by now.
    fn note_agreed(&mut self, change: &LastingChange) {
        match change {
            LastingChange::Bans(bans) => {
                self.log.extend(bans.iter().map(|ban| LogEntry::Banned { who: ban.target.to_string() }));
            }
            LastingChange::Lift { targets, .. } => {
                self.log.extend(targets.iter().map(|target| LogEntry::Unbanned { who: target.to_string() }));
            }
            _ => {}
        }
    }

    /// A change could not be written down: everything is as before.
    fn take_back(&mut self, ticket: Ticket, change: LastingChange, effects: &mut Effects) {
        if self.is_sharing() {
            // Nothing was changed for it. If it was done after all, that is learned.
            return;
        }
        match change {
            LastingChange::Name { folded, invite, .. } => {
                self.names.stored(&folded, ticket, false);
                // Somebody else may have used it since, and have written down that this one has too.
                if let Some(invite) = invite.and_then(|number| self.doors.give_back(number)) {
                    self.save(Record::Invited(invite), effects);
                }
            }
            LastingChange::Revoke(invite) => self.doors.add(invite),
            LastingChange::StopWaiting(key, user) => {
                if self.doors.waits(key).is_none() {
                    let _bounded_as_before = self.doors.wait(key, user);
                }
            }
            LastingChange::Bans(_)
            | LastingChange::Lift { .. }
            | LastingChange::Release(_)
            | LastingChange::Settings(_)
            | LastingChange::Invite(_) => {}
        }
    }

    fn free_name(&mut self, now: Instant, released: &Binding, effects: &mut Effects) {
        let folded = released.username.folded();
        let Some(binding) = self.names.binding(&folded).filter(|binding| binding.key == released.key) else {
            // It had lapsed meanwhile, and is somebody else's.
            return;
        };
        if binding != released {
            // Its use was written down since.
            self.save(Record::Released { folded: folded.clone() }, effects);
        }
        if let Some(session) = self.own_online(&released.username).filter(|online| online.key.is_some()) {
            self.close(now, session.session, Some(&Sentence::NameFreed.to_string()), effects);
        }
        self.names.release(&folded);
    }

    /// Writes something down that nobody waits for.
    pub(super) fn save(&mut self, record: Record, effects: &mut Effects) {
        let ticket = self.next_ticket();
        effects.push(Effect::Save { ticket, records: vec![record] });
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    pub(super) fn set_clock(&mut self, now: Instant, clock: Clock, effects: &mut Effects) {
        self.names.set_clock(clock.run_seconds);
        self.wall_clock = (clock.unix_seconds, now);
        // What an owner is changing is not judged by what it was: it is past the next time.
        if self.ordering.is_none() {
            self.forget_lifted(effects);
            for (target, until) in self.bans.forget_past(clock.unix_seconds) {
                if self.settings.bans.contains(&target) {
                    // An owner had shut them out for a while; the configuration does for good.
                    self.bans.insert(Ban::new(target.clone(), None));
                }
                // Another tracker's owner may have ordered it for longer at this moment.
                self.save(Record::BanOver { target, until }, effects);
            }
            let (invites, waiting) = self.doors.forget_past(clock.unix_seconds);
            for number in invites {
                self.save(Record::Revoked { number }, effects);
            }
            for key in waiting {
                self.save(Record::WaitsNoMore { key }, effects);
            }
        }
        self.save(Record::Clock { run_seconds: clock.run_seconds }, effects);
        let used: Vec<Binding> = {
            let owners = self.roster.iter().filter(|online| online.key.is_some() && online.elsewhere.is_none());
            owners.filter_map(|online| self.names.used(&online.username)).collect()
        };
        for binding in used {
            self.save(Record::Used(binding), effects);
        }
        let mut lapsed = if self.is_sharing() { self.names.lapsed(LAPSED_AT_ONCE) } else { Vec::new() };
        // Whose owner is at another tracker is in use, as that one is about to write down.
        lapsed.retain(|(folded, _)| {
            let owner = self.names.binding(folded).map(|binding| binding.key);
            self.roster.get_folded(folded).is_none_or(|online| online.key != owner)
        });
        for (folded, used_at) in lapsed {
            self.save(Record::Lapsed { folded, used_at }, effects);
        }
        self.forget_lapsed_names(LAPSED_AT_ONCE, effects);
    }

    /// Forgets names that have lapsed, at most so many, here and on disk.
    pub(super) fn forget_lapsed_names(&mut self, at_most: usize, effects: &mut Effects) {
        if self.is_sharing() {
            return;
        }
        for folded in self.names.forget_lapsed(at_most) {
            self.save(Record::Released { folded }, effects);
        }
    }
}

/// What an owner reads whose order does not reach the other trackers.
fn not_written() -> Refusal {
    Refusal::new(Code::Unavailable, Sentence::OrderNotAgreed)
}

/// What somebody reads while the trackers cannot agree.
pub(super) fn not_agreed() -> Refusal {
    Refusal::new(Code::Unavailable, Sentence::NameNotAgreed)
}
