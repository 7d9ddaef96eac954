//! `also`, `list-addresses`, `connect` and `probe`: where users can be reached, and how they meet. Nobody can publish an
//! address of somebody else: the tracker tells what it sees.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::model::lan_address::LanAddress;
use crate::model::port::PeerPort;
use crate::model::relaying::RelayOffer;
use crate::model::username::Username;
use crate::protocol::address_line::{AddressLine, AddressScope, Openness};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Also, Command, Connect, ListAddresses, Probe, Verb};
use crate::protocol::encounter::{ConnectNotice, ConnectReply};
use crate::protocol::notice::Notice;
use crate::protocol::reply::OrDash;
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::{Effects, WantedAnswer};
use crate::tracker::encounters::{NoEncounter, Probed};
use crate::tracker::forwarded::Forwarded;
use crate::tracker::handlers::addresses::{are_one_home, seen_at};
use crate::tracker::handlers::{Asker, CommandOutcome, Handle, Rights, lines};
use crate::tracker::long_command::AskedAbout;
use crate::tracker::machine::Tracker;
use crate::tracker::output::{write_head, write_refusal};
use crate::tracker::roster::{Online, ReaderView, SecondAddress};

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
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        tracker.list_addresses(asker, self, effects)
    }
}

impl Handle for Connect {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        match self.forwarded {
            None => tracker.have_meet(asker, &self.username, effects),
            Some(forwarded) if asker.is_tracker => tracker.tell_forwarded(asker, &self.username, *forwarded, effects),
            Some(_) => Err(Self::usage()),
        }
    }
}

impl Handle for Probe {
    fn rights(&self) -> Rights {
        Rights::Strangers
    }

    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, effects: &mut Effects) -> CommandOutcome {
        tracker.probe(asker, self, effects)
    }
}

impl Tracker {
    /// A side of an encounter shows its port, and waits for the other's.
    fn probe(&mut self, asker: &Asker, probe: Probe, effects: &mut Effects) -> CommandOutcome {
        if probe.seen.is_some() != asker.is_tracker {
            return Err(Probe::usage());
        }
        let peer = self.sessions.get(&asker.session).map(|session| session.peer);
        let (ticket, seen) = (probe.ticket, probe.seen.or(peer).ok_or_else(gone)?);
        if let Some(Forwarded { tracker, .. }) = self.forwarded_by(asker, ticket) {
            let command = Command::Probe(Probe { ticket, seen: Some(seen) });
            return self.ask_elsewhere(asker, tracker, (&command, WantedAnswer::Encounter), AskedAbout::Probe, effects);
        }
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
        let target = self.roster.get(username).ok_or_else(nobody_here)?;
        let target_key = target.key.filter(|key| *key != own_key).ok_or_else(nobody_to_meet)?;
        if target.elsewhere.is_some() {
            let (own, target) = (own.clone(), target.clone());
            return self.have_meet_elsewhere(asker, (&own, own_key), (&target, target_key), effects);
        }
        let tickets = self.encounters.begin(asker.now, own_key, target_key).map_err(no_encounter)?;
        let addresses = address_lines(target, asker, self.lan_addresses(asker, target)).collect();
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

    fn list_addresses(&mut self, asker: &Asker, list: ListAddresses, effects: &mut Effects) -> CommandOutcome {
        let ListAddresses { username, homes } = list;
        if asker.is_tracker {
            let online = self.own_online(&username).ok_or_else(nobody_here)?;
            let is_one_home = are_one_home(&homes, &seen_at(online, asker.now));
            return Ok(lines(address_lines(online, asker, if is_one_home { &online.lan } else { &[] })));
        }
        if !homes.is_empty() {
            return Err(ListAddresses::usage());
        }
        let online = self.roster.get(&username).ok_or_else(nobody_here)?;
        match self.tracker_of(online) {
            Some(tracker) => self.list_addresses_elsewhere(asker, tracker, username, effects),
            None => self.known_addresses(asker, &username),
        }
    }

    /// Where somebody is, as far as it is known here.
    pub(super) fn known_addresses(&self, asker: &Asker, username: &Username) -> CommandOutcome {
        let online = self.roster.get(username).ok_or_else(nobody_here)?;
        Ok(lines(address_lines(online, asker, self.lan_addresses(asker, online))))
    }
}

/// Where a user is: what the tracker has seen, and what they say of the home that is the asker's too.
pub(super) fn address_lines(online: &Online, asker: &Asker, lan: &[LanAddress]) -> impl Iterator<Item = AddressLine> {
    let lan = lan.iter().map(|address| lan_line(*address));
    online.addresses(asker.view, asker.now).map(direct).chain(lan)
}

pub(super) fn nobody_here() -> Refusal {
    Refusal::new(Code::NoSuchUser, Sentence::NobodyHere)
}

pub(super) fn nobody_to_meet() -> Refusal {
    Refusal::new(Code::Unreachable, Sentence::NobodyToMeet)
}

/// Why two do not meet now.
pub(super) fn no_encounter(why: NoEncounter) -> Refusal {
    match why {
        NoEncounter::TooOften => Refusal::new(Code::SlowDown, Sentence::AsksTooOften),
        NoEncounter::TooMany => Refusal::new(Code::SlowDown, Sentence::AskedTooOften),
        NoEncounter::NoTickets => Refusal::new(Code::Unreachable, Sentence::NobodyMeets),
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
