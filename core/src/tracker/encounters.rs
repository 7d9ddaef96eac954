//! Encounters: who asked to be met by whom. The tickets are made here, and how many there may be is kept here, so that
//! nobody can have others' programs knock at a door again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::model::key::PublicKey;
use crate::model::ticket::EncounterTicket;
use crate::tracker::input::SessionId;

/// How long a ticket is good for.
pub const ENCOUNTER_LASTS: Duration = Duration::from_secs(30);
/// Somebody who was not met asks again; more often than this would be knocking.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// What one user may ask for at once; one more comes back every [`OF_ASKER_EVERY`].
const OF_ASKER_AT_ONCE: u32 = 20;
const OF_ASKER_EVERY: Duration = Duration::from_secs(1);
/// Open encounters that one user is asked for: what their program dials for others in half a minute.
pub(super) const OF_TARGET_MAX: usize = 16;

/// How long one side that has shown its port, or has come to the relay, waits for the other.
const PROBE_WAITS: Duration = Duration::from_secs(10);

/// All that are open.
#[derive(Debug, Default)]
pub struct Encounters {
    /// What tickets are made of; without it there are none.
    secret: Option<[u8; 32]>,
    issued: u64,
    /// By who is asked, then by who asks.
    open: BTreeMap<(PublicKey, PublicKey), Encounter>,
    /// When each who asked may ask for as much as at the beginning again; those who may now are left out with time.
    of_asker: BTreeMap<PublicKey, Instant>,
    rested: BTreeSet<(Instant, PublicKey)>,
    ends: BTreeSet<(Instant, PublicKey, PublicKey)>,
    /// Whose each ticket is: who is asked, who asks, and which of them.
    by_ticket: BTreeMap<EncounterTicket, (PublicKey, PublicKey, Side)>,
    /// Sides that have shown a port and wait for the other.
    waiting: BTreeSet<(Instant, SessionId)>,
}

#[derive(Debug)]
struct Encounter {
    began: Instant,
    tickets: Tickets,
    /// What came of each family of addresses: IPv4, then IPv6.
    probes: [Rendezvous; 2],
    /// Who has come to the relay.
    relay: Rendezvous,
}

/// Both sides come to the tracker by themselves, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rendezvous {
    NotBegun,
    /// One side is here, through this session, from this address.
    Waits(Side, Instant, SessionId, SocketAddr),
    /// Both were told; nobody is told again.
    Met,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Asker,
    Target,
}

/// What comes of a side that comes.
enum Come {
    Gone,
    Waits,
    /// The side that comes, and the session and address of the other.
    Meet {
        asker: PublicKey,
        target: PublicKey,
        side: Side,
        other: (SessionId, SocketAddr),
    },
}

/// What comes of a side that shows its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    /// There is no such encounter, or this side of it was here already.
    Gone,
    /// The other side is not here yet.
    Waits,
    /// Both are here: the other's session, and its address.
    Meet(SessionId, SocketAddr),
}

/// What comes of a side that comes to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComeToRelay {
    /// There is no such encounter, or this side of it was here already.
    Gone,
    /// The other side is not here yet.
    Waits,
    /// Both are here.
    Meet(RelayPair),
}

/// Both sides of an encounter at the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayPair {
    /// Who asked to meet the other.
    pub asker: PublicKey,
    /// Who was asked.
    pub target: PublicKey,
    /// The plain sessions of the asker and of who was asked.
    pub sessions: [SessionId; 2],
    /// From where the asker has come.
    pub asker_address: SocketAddr,
}

/// The tickets of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tickets {
    /// Of who asks.
    pub asker: EncounterTicket,
    /// Of who is asked.
    pub target: EncounterTicket,
}

/// Why two are not to meet now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEncounter {
    /// Who asks does so too often.
    TooOften,
    /// Too many want to meet who is asked.
    TooMany,
    /// This tracker makes no tickets.
    NoTickets,
}

impl Encounters {
    /// From now on there are tickets, made of these bytes, which nobody else may know.
    pub fn set_secret(&mut self, secret: [u8; 32]) {
        self.secret = Some(secret);
    }

    /// Has two meet. Asked again, an earlier encounter of the two is over.
    pub fn begin(&mut self, now: Instant, asker: PublicKey, target: PublicKey) -> Result<Tickets, NoEncounter> {
        self.end_old(now);
        let secret = self.secret.ok_or(NoEncounter::NoTickets)?;
        if self.open.get(&(target, asker)).is_some_and(|encounter| now < encounter.began + AGAIN_AFTER) {
            return Err(NoEncounter::TooOften);
        }
        let rested_at = self.of_asker.get(&asker).copied().unwrap_or(now).max(now) + OF_ASKER_EVERY;
        if rested_at > now + OF_ASKER_EVERY * OF_ASKER_AT_ONCE {
            return Err(NoEncounter::TooOften);
        }
        let everybody = (target, PublicKey::from_bytes([0; 32]))..=(target, PublicKey::from_bytes([0xff; 32]));
        let others = self.open.range(everybody).filter(|((_, other), _)| *other != asker);
        if others.count() >= OF_TARGET_MAX {
            return Err(NoEncounter::TooMany);
        }
        self.end(asker, target);
        if let Some(before) = self.of_asker.insert(asker, rested_at) {
            self.rested.remove(&(before, asker));
        }
        self.rested.insert((rested_at, asker));
        self.ends.insert((now + ENCOUNTER_LASTS, asker, target));
        self.issued += 1;
        let ticket = |side| ticket(&secret, self.issued, side);
        let tickets = Tickets { asker: ticket(0), target: ticket(1) };
        self.by_ticket.insert(tickets.asker, (target, asker, Side::Asker));
        self.by_ticket.insert(tickets.target, (target, asker, Side::Target));
        self.open.insert(
            (target, asker),
            Encounter { began: now, tickets, probes: [Rendezvous::NotBegun; 2], relay: Rendezvous::NotBegun },
        );
        Ok(tickets)
    }

    /// A side shows the port from which it will dial. Each family of addresses is a meeting of its own.
    pub fn probe(&mut self, now: Instant, ticket: EncounterTicket, session: SessionId, seen: SocketAddr) -> Probed {
        let family = usize::from(seen.is_ipv6());
        match self.come(now, ticket, session, seen, |encounter| &mut encounter.probes[family]) {
            Come::Gone => Probed::Gone,
            Come::Waits => Probed::Waits,
            Come::Meet { other: (session, seen), .. } => Probed::Meet(session, seen),
        }
    }

    /// A side comes to the relay.
    pub fn relay(
        &mut self,
        now: Instant,
        ticket: EncounterTicket,
        session: SessionId,
        seen: SocketAddr,
    ) -> ComeToRelay {
        match self.come(now, ticket, session, seen, |encounter| &mut encounter.relay) {
            Come::Gone => ComeToRelay::Gone,
            Come::Waits => ComeToRelay::Waits,
            Come::Meet { asker, target, side, other } => {
                let (of_asker, of_target) = match side {
                    Side::Asker => ((session, seen), other),
                    Side::Target => (other, (session, seen)),
                };
                let sessions = [of_asker.0, of_target.0];
                ComeToRelay::Meet(RelayPair { asker, target, sessions, asker_address: of_asker.1 })
            }
        }
    }

    fn come(
        &mut self,
        now: Instant,
        ticket: EncounterTicket,
        session: SessionId,
        seen: SocketAddr,
        to: impl FnOnce(&mut Encounter) -> &mut Rendezvous,
    ) -> Come {
        self.end_old(now);
        let Some((target, asker, side)) = self.by_ticket.get(&ticket).copied() else { return Come::Gone };
        let Some(encounter) = self.open.get_mut(&(target, asker)) else { return Come::Gone };
        let state = to(encounter);
        match *state {
            Rendezvous::NotBegun => {
                let until = now + PROBE_WAITS;
                *state = Rendezvous::Waits(side, until, session, seen);
                self.waiting.insert((until, session));
                Come::Waits
            }
            Rendezvous::Waits(other_side, until, other, address) if other_side != side => {
                *state = Rendezvous::Met;
                self.waiting.remove(&(until, other));
                Come::Meet { asker, target, side, other: (other, address) }
            }
            // Shown twice: whoever has seen the ticket on its way learns nothing by it.
            Rendezvous::Waits(..) | Rendezvous::Met => Come::Gone,
        }
    }

    /// One session that has waited long enough for the other side of its encounter.
    pub fn waited_enough(&mut self, now: Instant) -> Option<SessionId> {
        let first = self.waiting.first().copied().filter(|(until, _)| *until <= now)?;
        self.waiting.remove(&first);
        Some(first.1)
    }

    /// When [`Encounters::waited_enough`] has something at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.waiting.first().map(|(until, _)| *until)
    }

    /// How many are open, those that have just lapsed perhaps among them.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn end_old(&mut self, now: Instant) {
        while let Some((at, asker, target)) = self.ends.first().copied().filter(|(at, ..)| *at <= now) {
            self.ends.remove(&(at, asker, target));
            self.end(asker, target);
        }
        while let Some((at, asker)) = self.rested.first().copied().filter(|(at, _)| *at <= now) {
            self.rested.remove(&(at, asker));
            self.of_asker.remove(&asker);
        }
    }

    fn end(&mut self, asker: PublicKey, target: PublicKey) {
        let Some(over) = self.open.remove(&(target, asker)) else { return };
        self.ends.remove(&(over.began + ENCOUNTER_LASTS, asker, target));
        self.by_ticket.remove(&over.tickets.asker);
        self.by_ticket.remove(&over.tickets.target);
    }
}

/// The n-th ticket of a side: nobody who has seen others can guess it.
fn ticket(secret: &[u8; 32], number: u64, side: u8) -> EncounterTicket {
    let hash = blake3::Hasher::new_keyed(secret).update(&number.to_le_bytes()).update(&[side]).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    EncounterTicket::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> PublicKey {
        PublicKey::from_bytes([n; 32])
    }

    fn with_tickets() -> (Encounters, Instant) {
        let mut encounters = Encounters::default();
        encounters.set_secret([7; 32]);
        (encounters, Instant::now())
    }

    #[test]
    fn every_ticket_is_another_one() {
        let (mut encounters, now) = with_tickets();
        let mut seen = BTreeSet::new();
        for n in 1..=16 {
            let tickets = encounters.begin(now, key(n), key(100)).expect("room");
            assert!(seen.insert(tickets.asker) && seen.insert(tickets.target));
        }
        assert_eq!(Encounters::default().begin(now, key(1), key(2)), Err(NoEncounter::NoTickets));
    }

    #[test]
    fn nobody_is_knocked_at_without_end() {
        let (mut encounters, start) = with_tickets();
        let at = |seconds| start + Duration::from_secs(seconds);
        for n in 0..16 {
            encounters.begin(start, key(n), key(100)).expect("room");
        }
        assert_eq!(encounters.begin(start, key(16), key(100)), Err(NoEncounter::TooMany));
        assert_eq!(encounters.begin(at(1), key(0), key(100)), Err(NoEncounter::TooOften), "the same two at once");
        encounters.begin(at(2), key(0), key(100)).expect("not met, asked again");
        assert_eq!(encounters.begin(at(29), key(16), key(100)), Err(NoEncounter::TooMany));
        encounters.begin(at(30), key(16), key(100)).expect("those of the beginning are over");
        assert_eq!(encounters.len(), 2);
        assert_eq!((encounters.by_ticket.len(), encounters.ends.len()), (4, 2));
    }

    #[test]
    fn nobody_asks_without_end() {
        let (mut encounters, start) = with_tickets();
        let at = |millis| start + Duration::from_millis(millis);
        // When, how many others are asked for one after the other, and how many of them are met.
        let mut others = (0..=254).map(key);
        for (millis, asked, met) in
            [(0, 30, 20), (999, 5, 0), (1000, 5, 1), (1500, 5, 0), (5000, 10, 4), (60_000, 30, 20), (60_000, 5, 0)]
        {
            let begun = others.by_ref().take(asked).map(|other| encounters.begin(at(millis), key(255), other));
            let begun: Vec<_> = begun.collect();
            assert_eq!(begun.iter().filter(|begun| begun.is_ok()).count(), met, "after {millis} ms");
            assert!(begun.iter().all(|begun| matches!(begun, Ok(_) | Err(NoEncounter::TooOften))), "{begun:?}");
        }
        encounters.begin(at(60_000), key(254), key(255)).expect("another one asks");
        assert_eq!(encounters.len(), 21, "those of the beginning are over");
        encounters.begin(at(200_000), key(1), key(2)).expect("room");
        let sizes = (encounters.len(), encounters.of_asker.len(), encounters.rested.len(), encounters.ends.len());
        assert_eq!((sizes, encounters.by_ticket.len()), ((1, 1, 1, 1), 2), "all others are forgotten");
    }

    #[test]
    fn both_sides_are_told_the_others_address_once() {
        let (mut encounters, start) = with_tickets();
        let at = |seconds| start + Duration::from_secs(seconds);
        let address = |text: &str| text.parse::<SocketAddr>().expect(text);
        let (a, b, a6) = (address("192.0.2.1:50001"), address("192.0.2.2:50002"), address("[2001:db8::1]:50001"));
        let session = SessionId::new;
        let Tickets { asker, target } = encounters.begin(start, key(1), key(2)).expect("room");
        assert_eq!(encounters.probe(start, asker, session(1), a), Probed::Waits);
        assert_eq!(encounters.probe(start, asker, session(9), b), Probed::Gone, "a stolen ticket is no second side");
        assert_eq!(
            encounters.probe(start, asker, session(2), a6),
            Probed::Waits,
            "the other family is another meeting"
        );
        assert_eq!(encounters.probe(at(1), target, session(3), b), Probed::Meet(session(1), a));
        assert_eq!(encounters.probe(at(1), target, session(9), b), Probed::Gone, "shown again");
        assert_eq!(encounters.waited_enough(at(9)), None);
        assert_eq!(encounters.next_deadline(), Some(at(10)));
        assert_eq!(encounters.waited_enough(at(10)), Some(session(2)));
        assert_eq!((encounters.waited_enough(at(10)), encounters.next_deadline()), (None, None));
        assert_eq!(encounters.probe(at(30), target, session(4), a6), Probed::Gone, "its time is over");
        let guessed = EncounterTicket::from_bytes([1; 16]);
        assert_eq!(encounters.probe(start, guessed, session(5), a), Probed::Gone);
    }

    #[test]
    fn only_the_two_sides_of_one_encounter_meet_at_the_relay() {
        let (mut encounters, start) = with_tickets();
        let at = |seconds| start + Duration::from_secs(seconds);
        let address = |text: &str| text.parse::<SocketAddr>().expect(text);
        let (a, b) = (address("192.0.2.1:50001"), address("192.0.2.2:50002"));
        let session = SessionId::new;
        let one = encounters.begin(start, key(1), key(2)).expect("room");
        let other = encounters.begin(start, key(1), key(3)).expect("room");
        assert_eq!(encounters.relay(start, one.target, session(1), b), ComeToRelay::Waits);
        assert_eq!(encounters.relay(start, one.target, session(2), b), ComeToRelay::Gone, "the same side twice");
        assert_eq!(encounters.relay(start, other.asker, session(3), a), ComeToRelay::Waits, "another encounter");
        assert_eq!(
            encounters.probe(start, one.asker, session(4), a),
            Probed::Waits,
            "what is said to `probe` is apart"
        );
        let pair = RelayPair { asker: key(1), target: key(2), sessions: [session(5), session(1)], asker_address: a };
        assert_eq!(encounters.relay(start, one.asker, session(5), a), ComeToRelay::Meet(pair));
        for ticket in [one.asker, one.target, EncounterTicket::from_bytes([1; 16])] {
            assert_eq!(encounters.relay(at(1), ticket, session(6), b), ComeToRelay::Gone, "shown again, or guessed");
        }
        assert_eq!(encounters.waited_enough(at(10)), Some(session(3)));
    }
}
