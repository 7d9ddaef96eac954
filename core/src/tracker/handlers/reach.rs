//! `also`, `list-addresses`, `connect` and `probe`: where users can be reached, and how they meet. Nobody can publish an
//! address of somebody else: the tracker tells what it sees.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::model::lan_address::LanAddress;
use crate::model::port::PeerPort;
use crate::model::relaying::RelayOffer;
use crate::model::ticket::EncounterTicket;
use crate::model::username::Username;
use crate::protocol::address_line::{AddressLine, AddressScope, Openness};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Also, Connect, ListAddresses, Probe, Verb};
use crate::protocol::encounter::{ConnectNotice, ConnectReply};
use crate::protocol::notice::Notice;
use crate::protocol::reply::OrDash;
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::Effects;
use crate::tracker::encounters::{NoEncounter, Probed};
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Rights, lines};
use crate::tracker::machine::Tracker;
use crate::tracker::output::{write_head, write_refusal};
use crate::tracker::roster::{ReaderView, SecondAddress};

/// How long a second address is told after it was seen: a network that has lost one family is not told by it for days.
const SECOND_ADDRESS_LASTS: Duration = Duration::from_secs(3600);

impl Handle for Also {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.see_also(asker, &self.username, self.port)
    }
}

impl Handle for ListAddresses {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.list_addresses(asker, &self.username)
    }
}

impl Handle for Connect {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        tracker.have_meet(asker, &self.username, effects)
    }
}

impl Handle for Probe {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        tracker.probe(asker, self.ticket, effects)
    }
}

impl Tracker {
    /// A side of an encounter shows its port, and waits for the other's.
    fn probe(&mut self, asker: &Asker, ticket: EncounterTicket, effects: &mut Effects) -> CommandOutcome {
        let Some(seen) = self.sessions.get(&asker.session).map(|session| session.peer) else { return Err(gone()) };
        match self.encounters.probe(asker.now, ticket, asker.session, seen) {
            Probed::Gone => Err(gone()),
            Probed::Waits => Ok(CommandReply::Sent),
            Probed::Meet(other, address) => {
                self.write(other, effects, |out| {
                    write_head(out, 1, None);
                    out.extend_from_slice(format!("{seen}\n").as_bytes());
                });
                Ok(lines([address]))
            }
        }
    }

    /// Sides whose other side has not come are told so.
    pub(in crate::tracker) fn end_waiting_probes(&mut self, now: Instant, effects: &mut Effects) {
        while let Some(session) = self.encounters.waited_enough(now) {
            self.write(session, effects, |out| write_refusal(out, &gone()));
        }
    }

    /// Tells somebody that the asker would be met. Both have proven a key, so each knows whom to insist on.
    fn have_meet(&mut self, asker: &Asker, username: &Username, effects: &mut Effects) -> CommandOutcome {
        let not_registered = || Refusal::new(Code::NotRegistered, Sentence::NotRegistered);
        let own = asker.user.as_ref().ok_or_else(not_registered)?;
        let own_key = asker.key.ok_or_else(|| Refusal::new(Code::Unreachable, Sentence::NoKeyToMeet))?;
        let own = self.roster.get(&own.username).ok_or_else(not_registered)?;
        let nobody = || Refusal::new(Code::NoSuchUser, Sentence::NobodyHere);
        let target = self.roster.get(username).ok_or_else(nobody)?;
        // Who is at another tracker could only be met there.
        let target_key = target.key.filter(|key| *key != own_key && target.elsewhere.is_none());
        let target_key = target_key.ok_or_else(|| Refusal::new(Code::Unreachable, Sentence::NobodyToMeet))?;
        let tickets = self.encounters.begin(asker.now, own_key, target_key).map_err(|why| match why {
            NoEncounter::TooOften => Refusal::new(Code::SlowDown, Sentence::AsksTooOften),
            NoEncounter::TooMany => Refusal::new(Code::SlowDown, Sentence::AskedTooOften),
            NoEncounter::NoTickets => Refusal::new(Code::Unreachable, Sentence::NobodyMeets),
        })?;
        let lan = self.lan_addresses(asker, target).iter().map(|address| lan_line(*address));
        let addresses = target.addresses(asker.view, asker.now).map(direct).chain(lan).collect();
        let relay = self.relay_offer(asker, own_key, target_key);
        let (to, view) =
            (target.session, self.sessions.get(&target.session).map_or(asker.view, |session| session.view));
        let notice = ConnectNotice {
            ticket: tickets.target,
            username: own.username.clone(),
            key: own_key,
            address: own.line(view).address,
            openness: own.line(view).address.map_or(Openness::Unknown, |address| own.openness_of(address)),
            back: Some(tickets.asker),
            lan: Self::lan_addresses_for(own, target, asker.now),
            relay: if relay == RelayOffer::Open { relay } else { RelayOffer::Off },
        };
        self.notify(to, &Notice::Connect(Box::new(notice)), effects);
        let (lines, bytes) = ConnectReply { ticket: tickets.asker, addresses, relay }.lines();
        Ok(CommandReply::Lines { lines, bytes: bytes.into(), more: None })
    }

    fn see_also(&mut self, asker: &Asker, username: &Username, port: Option<PeerPort>) -> CommandOutcome {
        let not_yours = || Refusal::new(Code::NotYours, Sentence::NotYourAddress);
        let online = self
            .roster
            .get(username)
            .filter(|online| asker.key.is_some() && online.key == asker.key && online.elsewhere.is_none());
        let online = online.ok_or_else(not_yours)?;
        if online.seen.is_ipv4() == asker.address.is_ipv4() {
            return Err(Refusal::new(
                Code::Usage,
                format!("you are here by this family of addresses; {}", Also::USAGE),
            ));
        }
        let port = port.or(online.port);
        let address = port.map(|port| SocketAddr::new(asker.address, port.get()));
        // Who is on this host is shown to everybody at the address by which they come themselves.
        if let Some(address) = address.filter(|_| asker.view != ReaderView::SameHost) {
            let until = asker.now + SECOND_ADDRESS_LASTS;
            let username = online.username.clone();
            self.roster.set_second(&username, SecondAddress { address, until });
            if let Some(session) = self.sessions.get_mut(&asker.session) {
                session.shown = Some(username);
            }
        }
        Ok(lines([OrDash(address)]))
    }

    fn list_addresses(&self, asker: &Asker, username: &Username) -> CommandOutcome {
        let nobody = || Refusal::new(Code::NoSuchUser, Sentence::NobodyHere);
        let online = self.roster.get(username).ok_or_else(nobody)?;
        let lan = self.lan_addresses(asker, online).iter().map(|address| lan_line(*address));
        Ok(lines(online.addresses(asker.view, asker.now).map(direct).chain(lan)))
    }
}

pub(super) fn gone() -> Refusal {
    Refusal::new(Code::Gone, Sentence::EncounterOver)
}

/// An address that somebody says they have in the home that is the asker's too.
fn lan_line(address: LanAddress) -> AddressLine {
    AddressLine { scope: AddressScope::Lan, address: address.get(), openness: Openness::Unknown }
}

/// An address that the tracker has seen.
fn direct((address, openness): (SocketAddr, Openness)) -> AddressLine {
    AddressLine { scope: AddressScope::Direct, address, openness }
}
