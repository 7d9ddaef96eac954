//! `relay`: two who cannot reach each other have the tracker carry their bytes. It connects the two sides of one encounter
//! and nobody else, and knows nothing of what they say.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Instant;

use crate::model::key::PublicKey;
use crate::model::relaying::RelayOffer;
use crate::model::ticket::EncounterTicket;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Command, Relay, Verb};
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::{Effect, Effects, RelayStart, WantedAnswer};
use crate::tracker::encounters::ComeToRelay;
use crate::tracker::handlers::reach::gone;
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Rights};
use crate::tracker::long_command::AskedAbout;
use crate::tracker::machine::Tracker;
use crate::tracker::output::write_refusal;
use crate::tracker::relays::{RelayId, RelayLimits, RelayUse};

impl Handle for Relay {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        tracker.come_to_relay(asker, self.ticket, effects)
    }
}

impl Tracker {
    /// What the relay has carried for whom today, most first.
    pub fn relay_use(&self, now: Instant) -> Vec<RelayUse> {
        let names: BTreeMap<PublicKey, &Username> =
            self.roster.iter().filter_map(|online| Some((online.key?, &online.username))).collect();
        let used = self.relays.used_by_key(now);
        let used = used.map(|(key, bytes)| RelayUse { key, username: names.get(&key).copied().cloned(), bytes });
        let mut used: Vec<RelayUse> = used.collect();
        used.sort_by_key(|used| Reverse(used.bytes));
        used
    }

    /// How many relays are open, and what is offered.
    pub fn relays(&self) -> (usize, RelayLimits) {
        (self.relays.len(), self.relays.limits())
    }

    /// Whether these two could be relayed. While they are, nobody need come for it once more.
    pub(super) fn relay_offer(&self, asker: &Asker, own: PublicKey, target: PublicKey) -> RelayOffer {
        if self.relays.connects(own, target) {
            return RelayOffer::Off;
        }
        self.relays.offer(asker.now, own, asker.address)
    }

    /// So much has gone through a relay, which may have been enough.
    pub(in crate::tracker) fn relay_passed(&mut self, now: Instant, relay: RelayId, bytes: u64, effects: &mut Effects) {
        if !self.relays.passed(now, relay, bytes) {
            effects.push(Effect::EndRelay(relay));
        }
    }

    /// Other limits from now on.
    pub(in crate::tracker) fn set_relay(&mut self, limits: RelayLimits, effects: &mut Effects) {
        let over = self.relays.set_limits(limits);
        end_relays(over, effects);
        effects.push(Effect::SetRelayRate(limits.bytes_per_second));
    }

    /// Carries nothing more for, or to, the user of this key.
    pub(in crate::tracker) fn end_relays_of(&mut self, key: PublicKey, effects: &mut Effects) {
        end_relays(self.relays.of_key(key), effects);
    }

    fn come_to_relay(&mut self, asker: &Asker, ticket: EncounterTicket, effects: &mut Effects) -> CommandOutcome {
        let Some(session) = self.sessions.get(&asker.session) else { return Err(gone()) };
        // What came behind the line would be lost, and a session of somebody is not to become something else.
        // Another tracker says it for a user of its own who has said it so.
        let has_key = session.key.is_some() && !session.is_tracker;
        if has_key || session.user.is_some() || !session.waiting.is_empty() {
            return Err(Refusal::new(Code::Usage, format!("said alone on a plain connection; {}", Relay::USAGE)));
        }
        if !self.relays.limits().is_on {
            return Err(no_relay());
        }
        let peer = session.peer;
        if let Some(of) = self.forwarded_by(asker, ticket) {
            let command = Command::Relay(Relay { ticket });
            let about = AskedAbout::Relay(of);
            return self.ask_elsewhere(asker, of.tracker, (&command, WantedAnswer::Connection), about, effects);
        }
        let pair = match self.encounters.relay(asker.now, ticket, asker.session, peer) {
            ComeToRelay::Gone => return Err(gone()),
            ComeToRelay::Waits => return Ok(CommandReply::Sent),
            ComeToRelay::Meet(pair) => pair,
        };
        let other = pair.sessions.into_iter().find(|session| *session != asker.session);
        let other = other.filter(|other| self.sessions.contains_key(other)).ok_or_else(gone)?;
        let opened = self.relays.open(asker.now, pair.asker, pair.target, pair.asker_address.ip());
        let Some(relay) = opened else {
            self.write(other, effects, |out| write_refusal(out, &no_relay()));
            return Err(no_relay());
        };
        pair.sessions.into_iter().for_each(|session| self.forget(asker.now, session));
        let idle_max = self.relays.limits().idle_max;
        effects.push(Effect::Relay(RelayStart { relay, sessions: pair.sessions, user: pair.asker, idle_max }));
        Ok(CommandReply::Sent)
    }
}

fn end_relays(relays: Vec<RelayId>, effects: &mut Effects) {
    relays.into_iter().for_each(|relay| effects.push(Effect::EndRelay(relay)));
}

pub(super) fn no_relay() -> Refusal {
    Refusal::new(Code::Limit, Sentence::NoRelayNow)
}
