//! Encounters that other trackers of the network have arranged, with users who are here. The tracker of who asks keeps the
//! encounter itself; here is only where each ticket is good, and how often somebody is knocked at.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::model::key::PublicKey;
use crate::model::ticket::EncounterTicket;
use crate::tracker::encounters::{AGAIN_AFTER, ENCOUNTER_LASTS, NoEncounter, OF_TARGET_MAX};

/// One that another tracker has arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarded {
    /// Which tracker it was.
    pub tracker: SocketAddr,
    /// Who asked to meet the other.
    pub asker: PublicKey,
    /// Who was asked, and has the ticket.
    pub target: PublicKey,
    /// From where who asked has come, as far as that is known.
    pub home: IpAddr,
}

/// All that are open.
#[derive(Debug, Default)]
pub struct ForwardedEncounters {
    /// By who is asked, then by who asks.
    of_both: BTreeMap<(PublicKey, PublicKey), (Instant, EncounterTicket)>,
    by_ticket: BTreeMap<EncounterTicket, Forwarded>,
    ends: BTreeSet<(Instant, PublicKey, PublicKey)>,
}

impl ForwardedEncounters {
    /// Somebody is to be told of one, unless they are told too often. Asked again, an earlier one of the two is over.
    pub fn begin(&mut self, now: Instant, ticket: EncounterTicket, of: Forwarded) -> Result<(), NoEncounter> {
        self.end_old(now);
        let Forwarded { asker, target, .. } = of;
        if self.of_both.get(&(target, asker)).is_some_and(|(began, _)| now < *began + AGAIN_AFTER) {
            return Err(NoEncounter::TooOften);
        }
        let everybody = (target, PublicKey::from_bytes([0; 32]))..=(target, PublicKey::from_bytes([0xff; 32]));
        if self.of_both.range(everybody).filter(|((_, other), _)| *other != asker).count() >= OF_TARGET_MAX {
            return Err(NoEncounter::TooMany);
        }
        self.end(target, asker);
        self.of_both.insert((target, asker), (now, ticket));
        self.by_ticket.insert(ticket, of);
        self.ends.insert((now + ENCOUNTER_LASTS, target, asker));
        Ok(())
    }

    /// Where a ticket is good.
    pub fn get(&mut self, now: Instant, ticket: EncounterTicket) -> Option<Forwarded> {
        self.end_old(now);
        self.by_ticket.get(&ticket).copied()
    }

    fn end_old(&mut self, now: Instant) {
        while let Some((_, target, asker)) = self.ends.first().copied().filter(|(at, ..)| *at <= now) {
            self.end(target, asker);
        }
    }

    fn end(&mut self, target: PublicKey, asker: PublicKey) {
        if let Some((began, ticket)) = self.of_both.remove(&(target, asker)) {
            self.by_ticket.remove(&ticket);
            self.ends.remove(&(began + ENCOUNTER_LASTS, target, asker));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nobody_is_knocked_at_without_end_and_every_ticket_ends() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let key = |n: u8| PublicKey::from_bytes([n; 32]);
        let ticket = |n: u8| EncounterTicket::from_bytes([n; 16]);
        let of = |asker| {
            let (tracker, home) = (([192, 0, 2, 9], 7688).into(), [192, 0, 2, asker].into());
            Forwarded { tracker, asker: key(asker), target: key(100), home }
        };
        let mut all = ForwardedEncounters::default();
        for n in 0..16 {
            all.begin(start, ticket(n), of(n)).expect("room");
        }
        assert_eq!(all.begin(start, ticket(50), of(16)), Err(NoEncounter::TooMany));
        assert_eq!(all.begin(at(1), ticket(50), of(0)), Err(NoEncounter::TooOften), "the same two at once");
        all.begin(at(2), ticket(50), of(0)).expect("not met, asked again");
        assert_eq!((all.get(at(2), ticket(0)), all.get(at(2), ticket(50))), (None, Some(of(0))));
        assert_eq!((all.get(at(30), ticket(1)), all.get(at(30), ticket(50))), (None, Some(of(0))));
        assert_eq!(all.get(at(32), ticket(50)), None);
        assert!(all.of_both.is_empty() && all.by_ticket.is_empty() && all.ends.is_empty());
    }
}
