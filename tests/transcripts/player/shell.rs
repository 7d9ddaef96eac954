//! What stands in for the shell of the tracker: it feeds the machine, and carries out what it wants.

use potok_core::tracker::effect::{Effect, Effects};
use potok_core::tracker::input::{Input, SessionId};
use potok_core::tracker::machine::Tracker;
use potok_core::tracker::remembered::Remembered;

use super::Player;

impl Player {
    pub(super) fn deliver(&mut self, id: SessionId) {
        while let Some(session) = self.sessions.get_mut(&id).filter(|session| session.is_ready) {
            let Some(requests) = session.to_send.pop_front() else { return };
            session.is_ready = false;
            self.apply(id, Input::Requests(requests));
        }
    }

    pub(super) fn apply(&mut self, from: SessionId, input: Input) {
        let now = self.now;
        let effects = self.tracker().apply(now, from, input);
        self.carry_out(effects);
        self.ask_shards();
        while self.tracker().next_deadline().is_some_and(|at| at <= now) {
            self.tick();
        }
    }

    pub(super) fn tick(&mut self) {
        let now = self.now;
        let effects = self.tracker().tick(now);
        self.carry_out(effects);
        self.ask_shards();
    }

    /// Shards do at once what they are asked.
    fn ask_shards(&mut self) {
        while let Some((number, ask)) = self.asked.pop_front() {
            let (shard, mut said) = (&mut self.shards[number], Vec::new());
            shard.take(ask, &mut said);
            while shard.has_work() {
                shard.work(self.now, &mut said);
            }
            for answer in said {
                self.apply(SessionId::NONE, Input::ShardAnswered { shard: number, answer });
            }
        }
    }

    pub(super) fn tracker(&mut self) -> &mut Tracker {
        let remembered = || Remembered {
            bindings: self.disk.bindings.values().cloned().collect(),
            bans: self.disk.bans.clone(),
            invites: self.disk.invites.values().cloned().collect(),
            last_invite: self.disk.last_invite,
            waiting: self.disk.waiting.clone().into_iter().collect(),
            ordered: self.disk.ordered.clone().into_iter().collect(),
            run_seconds: self.disk.run_seconds,
        };
        let new = || {
            let mut tracker = Tracker::new(self.start, self.settings.clone(), self.unix_seconds, remembered());
            tracker.set_ticket_secret([7; 32]);
            if !self.shards.is_empty() {
                tracker.part_catalog(self.shards.len(), [7; 32]);
            }
            tracker
        };
        self.tracker.get_or_insert_with(new)
    }

    fn carry_out(&mut self, effects: Effects) {
        for effect in effects {
            match effect {
                Effect::Send { to, bytes } => self.receive(to, &bytes),
                Effect::Notify { to, bytes } => to.iter().for_each(|to| self.receive(*to, &bytes)),
                Effect::Ready(id) => {
                    if let Some(session) = self.sessions.get_mut(&id) {
                        session.is_ready = true;
                    }
                    self.deliver(id);
                }
                Effect::TellDrained(id) => {
                    let session = self.sessions.get_mut(&id).expect("open");
                    if session.is_stalled {
                        session.owes_drained = true;
                    } else {
                        self.apply(id, Input::Drained);
                    }
                }
                Effect::Close(id) => self.sessions.get_mut(&id).expect("open").is_closed = true,
                Effect::Reload(ticket) => {
                    let read = self.read_configuration();
                    self.apply(SessionId::NONE, Input::Configured { ticket: Some(ticket), read });
                }
                Effect::Relay(start) => {
                    self.relay = Some(start.relay);
                    for id in start.sessions {
                        self.receive(id, b"OK 0\n");
                        self.sessions.get_mut(&id).expect("open").is_closed = true;
                    }
                }
                Effect::EndRelay(_) => self.log.push_back("a relay is ended".to_owned()),
                // One tracker has no others.
                Effect::SetRelayRate(_) | Effect::Link(_) | Effect::Ask { .. } | Effect::RelayOn { .. } => {}
                Effect::Log(entry) => self.log.push_back(entry.to_string()),
                Effect::Try { trial, address, .. } => self.trials.push_back((address, trial)),
                Effect::Claim { .. } => unreachable!("this tracker is alone"),
                Effect::AskShard { shard, ask } => self.asked.push_back((shard, ask)),
                Effect::Save { ticket, records } if self.disk.waits => self.disk.under_way.push((ticket, records)),
                Effect::Save { ticket, records } => {
                    records.into_iter().for_each(|record| self.disk.write(record));
                    self.apply(SessionId::NONE, Input::Stored { ticket, done: true });
                }
            }
        }
    }

    fn receive(&mut self, to: SessionId, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("the tracker sends text");
        assert!(text.ends_with('\n'), "the tracker sends whole lines: {text:?}");
        let session = self.sessions.get_mut(&to).expect("the tracker sends to sessions that are open");
        assert!(!session.is_closed, "{} is closed, and was sent {text:?}", session.name);
        session.received.extend(text.lines().map(str::to_owned));
    }
}
