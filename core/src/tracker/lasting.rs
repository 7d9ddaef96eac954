//! What outlives sessions: names on their way to the disk, the clock on the wall, and what the owner orders.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::binding::{Ban, Binding, Record};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::notice;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::{Clock, OwnerOrder, SessionId, Ticket};
use crate::tracker::log::LogEntry;
use crate::tracker::machine::{PendingName, Tracker, greeting, sent_away_text};
use crate::tracker::output::write_refusal;
use crate::tracker::session::{SessionState, Turn};
use crate::tracker::settings::TrackerSettings;

/// Lapsed names that are forgotten at once: their records wait for the disk, as those of new names do.
pub(super) const LAPSED_AT_ONCE: usize = 1024;

impl Tracker {
    pub(super) fn obey(&mut self, now: Instant, order: OwnerOrder, effects: &mut Effects) {
        match order {
            OwnerOrder::Kick(username) => {
                if let Some((session, user)) = self.roster.get(&username).map(|on| (on.session, on.username.clone())) {
                    self.log.push(LogEntry::Kicked { user, minutes: 0 });
                    self.close(now, session, Some("the owner of this tracker has ended this session"), effects);
                }
            }
            OwnerOrder::SendAway { username, bans, minutes } => {
                self.log.push(LogEntry::Kicked { user: username, minutes });
                let until = now + Duration::from_secs(minutes.saturating_mul(60));
                bans.into_iter().for_each(|ban| self.sent_away.insert(now, ban, until));
                let text = sent_away_text(now, until);
                self.close_those(now, &text, effects, |tracker, session| {
                    let user = session.user.as_ref();
                    tracker.sent_away.connection(now, session.key, session.peer.ip()).is_some()
                        || user.is_some_and(|user| tracker.sent_away.name(now, &user.username).is_some())
                });
            }
            OwnerOrder::Ban(ban) => self.ban(now, ban, effects),
            OwnerOrder::Unban(target) => {
                if self.sent_away.remove(&target) {
                    self.log.push(LogEntry::Unbanned { who: target.to_string() });
                }
                if let Some(target) = self.bans.remove(&target) {
                    self.log.push(LogEntry::Unbanned { who: target.to_string() });
                    self.save(Record::Unbanned(target), effects);
                }
            }
            OwnerOrder::Release(username) => {
                let folded = username.folded();
                if let Some(session) = self.roster.get(&username).filter(|online| online.key.is_some()) {
                    self.close(now, session.session, Some("the owner of this tracker has freed the name"), effects);
                }
                if self.names.release(&folded) {
                    self.save(Record::Released { folded }, effects);
                }
            }
            OwnerOrder::SetGreeting { network_name, message_of_the_day } => {
                let settings = TrackerSettings { network_name, message_of_the_day, ..self.settings.clone() };
                let now = greeting(&settings);
                if settings.check().is_ok() && now != self.greeting {
                    (self.settings, self.greeting) = (settings, now);
                    self.greet_watchers(effects);
                }
            }
            OwnerOrder::SetSharesPerUser(most) => self.settings.shares_per_user = most.max(1),
            OwnerOrder::SetLocalDiscovery(is_on) => self.settings.local_discovery = is_on,
        }
    }

    fn ban(&mut self, now: Instant, ban: Ban, effects: &mut Effects) {
        if !self.bans.insert(ban.clone()) {
            return;
        }
        self.log.push(LogEntry::Banned { who: ban.target.to_string() });
        self.save(Record::Banned(ban), effects);
        self.close_those(now, notice::SHUT_OUT, effects, |tracker, session| {
            let user = session.user.as_ref();
            tracker.bans.has_connection(session.key, session.peer.ip())
                || user.is_some_and(|user| tracker.bans.has_name(&user.username))
        });
    }

    /// Refuses those who are here and may be no more.
    fn close_those(
        &mut self,
        now: Instant,
        why: &str,
        effects: &mut Effects,
        are_out: impl Fn(&Self, &SessionState) -> bool,
    ) {
        let out = self.sessions.iter().filter(|(_, session)| are_out(self, session));
        let out: Vec<(SessionId, IpAddr)> = out.map(|(id, session)| (*id, session.peer.ip())).collect();
        for (id, address) in out {
            self.note_refusal(address, &Refusal::new(Code::Banned, why));
            self.close(now, id, Some(why), effects);
        }
    }

    /// The greeting is another one: whoever watches is told.
    fn greet_watchers(&mut self, effects: &mut Effects) {
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
                let refusal = Refusal::new(Code::Internal, "the tracker could not write the name down; try again");
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

    fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    pub(super) fn set_clock(&mut self, clock: Clock, effects: &mut Effects) {
        self.names.set_clock(clock.run_seconds);
        self.save(Record::Clock { run_seconds: clock.run_seconds }, effects);
        let used: Vec<Binding> = {
            let owners = self.roster.iter().filter(|online| online.key.is_some());
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
