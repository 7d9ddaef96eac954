//! What outlives sessions: names on their way to the disk, the clock on the wall, and what the owner orders.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::ban_terms::Remark;
use crate::model::binding::{Ban, BanTarget, Binding, Record};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::sentence::Sentence;
use crate::protocol::shut_out::ShutOut;
use crate::tracker::derived::{away_text, ban_text};
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::{Clock, OwnerOrder, SessionId, Ticket};
use crate::tracker::log::LogEntry;
use crate::tracker::machine::{PendingName, Tracker};
use crate::tracker::output::write_refusal;
use crate::tracker::overrides::{MESSAGE_OF_THE_DAY, NETWORK_NAME};
use crate::tracker::session::{SessionState, Turn};

/// Lapsed names that are forgotten at once: their records wait for the disk, as those of new names do.
pub(super) const LAPSED_AT_ONCE: usize = 1024;

impl Tracker {
    pub(super) fn obey(&mut self, now: Instant, order: OwnerOrder, effects: &mut Effects) {
        match order {
            OwnerOrder::Kick(username) => self.end_session_of(now, &username, None, effects),
            OwnerOrder::SendAway { username, bans, minutes } => self.send_away(now, username, bans, minutes, effects),
            OwnerOrder::Ban(ban) => _ = self.ban(now, ban, effects),
            OwnerOrder::Unban(target) => self.lift(&target, effects),
            OwnerOrder::Release(username) => _ = self.release(now, &username, effects),
            OwnerOrder::SetGreeting { network_name, message_of_the_day } => {
                // What is said here last counts, whoever said something by a command before.
                (self.configured.network_name, self.configured.message_of_the_day) = (network_name, message_of_the_day);
                let ordered = [NETWORK_NAME, MESSAGE_OF_THE_DAY].into_iter().filter(|name| self.overrides.has(name));
                let given_back = ordered.map(|name| (name, None)).collect();
                let _not_right = self.order_settings(now, given_back, effects);
            }
            OwnerOrder::SetSharesPerUser(most) => {
                self.configured.shares_per_user = most.max(1);
                let _not_right = self.order_settings(now, Vec::new(), effects);
            }
            OwnerOrder::SetLocalDiscovery(is_on) => {
                self.configured.local_discovery = is_on;
                let _not_right = self.order_settings(now, Vec::new(), effects);
            }
            OwnerOrder::SetRelay(limits) => {
                self.configured.set_relay_limits(limits);
                let _not_right = self.order_settings(now, Vec::new(), effects);
            }
        }
    }

    /// Ends a user's session; they may come back at once.
    pub(super) fn end_session_of(
        &mut self,
        now: Instant,
        username: &Username,
        reason: Option<&Remark>,
        effects: &mut Effects,
    ) {
        if let Some((session, user)) = self.own_online(username).map(|on| (on.session, on.username.clone())) {
            self.log.push(LogEntry::Kicked { user, minutes: 0 });
            let said = reason.map_or(String::new(), |reason| format!("; reason: {reason}"));
            let why = format!("the owner of this tracker has ended this session{said}");
            self.close(now, session, Some(&why), effects);
        }
    }

    /// Ends the sessions of somebody, who is known by all of these, and keeps them away for a while.
    pub(super) fn send_away(
        &mut self,
        now: Instant,
        user: Username,
        bans: Vec<Ban>,
        minutes: u64,
        effects: &mut Effects,
    ) {
        self.log.push(LogEntry::Kicked { user, minutes });
        let until = now + Duration::from_secs(minutes.saturating_mul(60));
        for ban in bans {
            let away = (ban, until);
            let told = away_text(now, &away);
            self.sent_away.insert(now, away.0.clone(), until);
            self.close_those(now, &away.0.target, &told, effects);
        }
    }

    /// Shuts somebody out, or on other terms; `false` if nothing changes or there is no room.
    pub(super) fn ban(&mut self, now: Instant, ban: Ban, effects: &mut Effects) -> bool {
        if !self.bans.insert(ban.clone()) {
            return false;
        }
        self.log.push(LogEntry::Banned { who: ban.target.to_string() });
        self.save(Record::Banned(ban.clone()), effects);
        self.close_banned(now, &ban, effects);
        true
    }

    /// Ends the sessions of those whom a new ban is of.
    pub(super) fn close_banned(&mut self, now: Instant, ban: &Ban, effects: &mut Effects) {
        let told = ban_text(ban, self.unix_seconds(now));
        self.close_those(now, &ban.target, &told, effects);
    }

    /// Lets somebody in again.
    pub(super) fn lift(&mut self, target: &BanTarget, effects: &mut Effects) {
        if self.sent_away.remove(target) {
            self.log.push(LogEntry::Unbanned { who: target.to_string() });
        }
        if let Some(target) = self.bans.remove(target) {
            self.log.push(LogEntry::Unbanned { who: target.to_string() });
            self.save(Record::Unbanned(target), effects);
        }
    }

    /// Makes a name free; `false` if nobody owns it.
    pub(super) fn release(&mut self, now: Instant, username: &Username, effects: &mut Effects) -> bool {
        let folded = username.folded();
        if let Some(session) = self.own_online(username).filter(|online| online.key.is_some()) {
            self.close(now, session.session, Some("the owner of this tracker has freed the name"), effects);
        }
        let is_released = self.names.release(&folded);
        if is_released {
            self.save(Record::Released { folded }, effects);
        }
        is_released
    }

    /// Refuses those who are here and may be no more; an owner always may.
    fn close_those(&mut self, now: Instant, target: &BanTarget, told: &ShutOut, effects: &mut Effects) {
        let name = |session: &SessionState| session.user.as_ref().map(|user| user.username.clone());
        let are_out = |session: &SessionState| {
            !session.is_owner && target.covers(session.key, session.peer.ip(), name(session).as_ref())
        };
        let out = self.sessions.iter().filter(|(_, session)| are_out(session));
        let out: Vec<(SessionId, IpAddr, Option<PublicKey>)> =
            out.map(|(id, session)| (*id, session.peer.ip(), session.key)).collect();
        if let BanTarget::Key(key) = target {
            self.end_relays_of(*key, effects);
        }
        let why = told.to_string();
        for (id, address, key) in out {
            key.into_iter().for_each(|key| self.end_relays_of(key, effects));
            self.note_refusal(address, &Refusal::new(Code::Banned, &why));
            self.close(now, id, Some(&why), effects);
        }
    }

    /// The greeting is another one: whoever watches is told.
    pub(super) fn greet_watchers(&mut self, effects: &mut Effects) {
        let watchers = self.sessions.iter().filter(|(_, session)| session.is_watching);
        let watchers: Vec<SessionId> = watchers.map(|(id, _)| *id).collect();
        let bytes = self.greeting.clone();
        let told: Arc<[SessionId]> =
            watchers.into_iter().filter(|id| !self.readers.hold(*id, || bytes.clone())).collect();
        if !told.is_empty() {
            effects.push(Effect::Notify { to: told, bytes });
        }
    }

    pub(super) fn stored(&mut self, now: Instant, ticket: Ticket, done: bool, effects: &mut Effects) {
        let Some(save) = self.saves.remove(&ticket) else { return };
        self.names.stored(&save.folded, ticket, done);
        for id in save.waiting {
            let waits = |session: &&mut Box<SessionState>| session.turn == Turn::Saving(ticket);
            let Some(session) = self.sessions.get_mut(&id).filter(waits) else { continue };
            if !done {
                session.waiting.pop_front();
                let refusal = Refusal::new(Code::Internal, Sentence::NameNotSaved);
                self.write(id, effects, |out| write_refusal(out, &refusal));
            }
            self.go_on(now, id, Turn::Saving(ticket), effects);
        }
    }

    /// Starts writing a new name down.
    pub(super) fn save_name(&mut self, name: &Username, key: PublicKey, effects: &mut Effects) -> Ticket {
        let ticket = self.next_ticket();
        let (binding, lapsed) = self.names.bind(name, key, ticket);
        for folded in lapsed {
            self.save(Record::Released { folded }, effects);
        }
        self.saves.insert(ticket, PendingName { folded: name.folded(), waiting: Vec::new() });
        effects.push(Effect::Save { ticket, record: Record::Bound(binding) });
        ticket
    }

    /// Writes something down that nobody waits for.
    pub(super) fn save(&mut self, record: Record, effects: &mut Effects) {
        let ticket = self.next_ticket();
        effects.push(Effect::Save { ticket, record });
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    pub(super) fn set_clock(&mut self, now: Instant, clock: Clock, effects: &mut Effects) {
        self.names.set_clock(clock.run_seconds);
        self.wall_clock = (clock.unix_seconds, now);
        for target in self.bans.forget_past(clock.unix_seconds) {
            self.save(Record::Unbanned(target), effects);
        }
        for number in self.doors.forget_past(clock.unix_seconds) {
            self.save(Record::Revoked { number }, effects);
        }
        self.save(Record::Clock { run_seconds: clock.run_seconds }, effects);
        let used: Vec<Binding> = {
            let owners = self.roster.iter().filter(|online| online.key.is_some() && online.elsewhere.is_none());
            owners.filter_map(|online| self.names.used(&online.username)).collect()
        };
        for binding in used {
            self.save(Record::Bound(binding), effects);
        }
        self.forget_lapsed_names(LAPSED_AT_ONCE, effects);
    }

    /// Forgets names that have lapsed, at most so many, here and on disk.
    pub(super) fn forget_lapsed_names(&mut self, at_most: usize, effects: &mut Effects) {
        for folded in self.names.forget_lapsed(at_most) {
            self.save(Record::Released { folded }, effects);
        }
    }
}
