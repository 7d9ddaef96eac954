//! What outlives sessions: names on their way to the disk, the clock on the wall, and what the owner orders.

use std::time::Instant;

use crate::model::binding::{Binding, Record};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::{Order, SessionId, Ticket};
use crate::tracker::machine::{PendingName, Tracker, greeting};
use crate::tracker::session::{Session, Turn};
use crate::tracker::settings::is_line;
use crate::tracker::turns::write_refusal;

impl Tracker {
    pub(super) fn obey(&mut self, now: Instant, order: Order, effects: &mut Effects) {
        match order {
            Order::Kick(username) => {
                if let Some(session) = self.roster.get(&username).map(|online| online.session) {
                    self.close(now, session, Some("the owner of this tracker has ended this session"), effects);
                }
            }
            Order::Ban(target) => {
                self.bans.insert(target);
                self.save(Record::Banned(target), effects);
                let banned = self.sessions.iter().filter(|(_, s)| self.is_banned(s.key, s.peer.ip()));
                let banned: Vec<SessionId> = banned.map(|(id, _)| *id).collect();
                for id in banned {
                    self.close(now, id, Some("the owner of this tracker has shut you out"), effects);
                }
            }
            Order::Unban(target) => {
                self.bans.remove(&target);
                self.save(Record::Unbanned(target), effects);
            }
            Order::Release(username) => {
                let folded = username.folded();
                if let Some(session) = self.roster.get(&username).filter(|online| online.key.is_some()) {
                    self.close(now, session.session, Some("the owner of this tracker has freed the name"), effects);
                }
                if self.names.release(&folded) {
                    self.save(Record::Released { folded }, effects);
                }
            }
            Order::SetMessageOfTheDay(lines) => {
                self.settings.message_of_the_day = lines.into_iter().filter(|line| is_line(line)).collect();
                self.greeting = greeting(&self.settings);
            }
        }
    }

    pub(super) fn stored(&mut self, now: Instant, ticket: Ticket, done: bool, effects: &mut Effects) {
        let Some(save) = self.saves.remove(&ticket) else { return };
        self.names.stored(&save.folded, ticket, done);
        for id in save.waiting {
            let waits = |session: &&mut Box<Session>| session.turn == Turn::Saving(ticket);
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
        let binding = self.names.bind(name, key, ticket);
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

    pub(super) fn set_clock(&mut self, unix_seconds: u64, effects: &mut Effects) {
        self.names.set_clock(unix_seconds);
        let used: Vec<Binding> = {
            let owners = self.roster.iter().filter(|online| online.key.is_some());
            owners.filter_map(|online| self.names.used(&online.username)).collect()
        };
        for binding in used {
            self.save(Record::Bound(binding), effects);
        }
    }
}
