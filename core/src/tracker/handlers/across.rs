//! Encounters of users who are at two trackers of one network. The tracker of who asks arranges it and keeps it; that of who
//! is asked tells them, and brings them to it: by asking it, in the words in which they asked here.

use std::net::{IpAddr, SocketAddr};

use crate::model::key::PublicKey;
use crate::model::relaying::RelayOffer;
use crate::model::ticket::EncounterTicket;
use crate::model::username::Username;
use crate::protocol::address_line::{AddressLine, Openness};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Command, Connect, ListAddresses};
use crate::protocol::encounter::{ConnectNotice, ConnectReply, ForwardedConnect};
use crate::protocol::notice::Notice;
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::{Effect, Effects, RelayStart, WantedAnswer};
use crate::tracker::forwarded::Forwarded;
use crate::tracker::handlers::addresses::{are_one_home, seen_at};
use crate::tracker::handlers::reach::{address_lines, gone, no_encounter, nobody_here, nobody_to_meet};
use crate::tracker::handlers::relay::no_relay;
use crate::tracker::handlers::{Asker, CommandOutcome, lines};
use crate::tracker::input::{AnsweredPage, SessionId, Ticket};
use crate::tracker::long_command::{AskedAbout, AskingElsewhere, LongCommand};
use crate::tracker::machine::Tracker;
use crate::tracker::roster::{Online, ReaderView};

/// The line by which a tracker says that it would carry the bytes of both to the other one.
const RELAYS_TOO: &str = "relay open";

impl Tracker {
    /// Has another tracker answer; the session goes on when it has.
    pub(super) fn ask_elsewhere(
        &mut self,
        asker: &Asker,
        tracker: SocketAddr,
        (command, wants): (&Command, WantedAnswer),
        about: AskedAbout,
        effects: &mut Effects,
    ) -> CommandOutcome {
        let ticket = self.next_ticket();
        self.gatherings.insert(ticket, asker.session);
        effects.push(Effect::Ask { ticket, trackers: vec![tracker], line: command.to_string(), wants });
        Ok(CommandReply::LongCommand(Box::new(LongCommand::Ask(AskingElsewhere { ticket, about, answer: None }))))
    }

    /// The tracker of a user who is at another one, if it can be asked.
    pub(super) fn tracker_of(&self, online: &Online) -> Option<SocketAddr> {
        let tracker = online.elsewhere.as_ref()?.tracker;
        let mut trackers = self.mesh()?.trackers();
        trackers.any(|(at, is_linked)| at == tracker && is_linked).then_some(tracker)
    }

    /// What another tracker has answered.
    pub(in crate::tracker) fn finish_asking(
        &mut self,
        asker: &Asker,
        about: &AskedAbout,
        ticket: Ticket,
        answer: Option<AnsweredPage>,
        effects: &mut Effects,
    ) -> CommandOutcome {
        let page = match &answer {
            Some(AnsweredPage::Page(page)) => Some(page.lines.as_slice()),
            _ => None,
        };
        let refused = if let Some(AnsweredPage::Refused(code)) = answer { Some(code) } else { None };
        match about {
            AskedAbout::Addresses(username) => {
                if answer == Some(AnsweredPage::Nobody) {
                    return Err(nobody_here());
                }
                match page.and_then(addresses_of) {
                    Some(addresses) => Ok(lines(addresses)),
                    // What was told of them before has to do.
                    None => self.known_addresses(asker, username),
                }
            }
            AskedAbout::Meeting(own_ticket, relay) => {
                let met = page.and_then(|page| {
                    let (relays, addresses): (Vec<&String>, Vec<&String>) =
                        page.iter().partition(|line| *line == RELAYS_TOO);
                    let relay = if relays.is_empty() { RelayOffer::Off } else { *relay };
                    Some(ConnectReply { ticket: *own_ticket, addresses: addresses_of(&addresses)?, relay })
                });
                match met {
                    Some(met) => {
                        let (lines, bytes) = met.lines();
                        Ok(CommandReply::Lines { lines, bytes: bytes.into(), more: None })
                    }
                    None if answer == Some(AnsweredPage::Nobody) => Err(nobody_here()),
                    None if refused == Some(Code::SlowDown) => {
                        Err(Refusal::new(Code::SlowDown, Sentence::AskedTooOften))
                    }
                    None => Err(nobody_to_meet()),
                }
            }
            AskedAbout::Probe => {
                let address = page.and_then(|page| page.first()?.parse::<SocketAddr>().ok());
                address.map(|address| lines([address])).ok_or_else(gone)
            }
            AskedAbout::Relay(of) => match (page, refused) {
                (Some(_), _) => self.relay_on(asker, *of, ticket, effects),
                (None, Some(Code::Limit)) => Err(no_relay()),
                (None, _) => Err(gone()),
            },
        }
    }

    /// Where a user of another tracker is, as that one knows.
    pub(super) fn list_addresses_elsewhere(
        &mut self,
        asker: &Asker,
        tracker: SocketAddr,
        username: Username,
        effects: &mut Effects,
    ) -> CommandOutcome {
        let own = asker.user.as_ref().and_then(|user| self.roster.get(&user.username));
        let homes = own.filter(|own| own.key.is_some()).map_or(Vec::new(), |own| homes_of(own, asker));
        let command = Command::ListAddresses(ListAddresses { username: username.clone(), homes });
        self.ask_elsewhere(asker, tracker, (&command, WantedAnswer::Answer), AskedAbout::Addresses(username), effects)
    }

    /// Has a user of another tracker told that the asker would be met.
    pub(super) fn have_meet_elsewhere(
        &mut self,
        asker: &Asker,
        (own, own_key): (&Online, PublicKey),
        (target, target_key): (&Online, PublicKey),
        effects: &mut Effects,
    ) -> CommandOutcome {
        let (Some(tracker), Some(at)) = (self.tracker_of(target), self.mesh().map(|mesh| mesh.at())) else {
            return Err(nobody_to_meet());
        };
        let tickets = self.encounters.begin(asker.now, own_key, target_key).map_err(no_encounter)?;
        let relay = self.relay_offer(asker, own_key, target_key);
        let address = own.line(ReaderView::SameHost).address;
        let notice = ConnectNotice {
            ticket: tickets.target,
            username: own.username.clone(),
            key: own_key,
            // Who is on this computer is where the other tracker sees this computer.
            address: address.filter(|_| !own.is_on_this_host),
            openness: address.map_or(Openness::Unknown, |address| own.openness_of(address)),
            back: Some(tickets.asker),
            lan: own.lan.clone(),
            relay: if relay == RelayOffer::Open { relay } else { RelayOffer::Off },
        };
        let forwarded = ForwardedConnect { tracker: at, target: target_key, homes: homes_of(own, asker), notice };
        let (username, forwarded) = (target.username.clone(), Some(Box::new(forwarded)));
        let command = Command::Connect(Connect { username, forwarded });
        let about = AskedAbout::Meeting(tickets.asker, relay);
        self.ask_elsewhere(asker, tracker, (&command, WantedAnswer::Answer), about, effects)
    }

    /// Another tracker has a user of ours meet somebody of its own. It is told where they are, and whether we relay.
    pub(super) fn tell_forwarded(
        &mut self,
        asker: &Asker,
        username: &Username,
        forwarded: ForwardedConnect,
        effects: &mut Effects,
    ) -> CommandOutcome {
        let ForwardedConnect { tracker, target: target_key, homes, mut notice } = forwarded;
        if !self.mesh().is_some_and(|mesh| mesh.trackers().any(|(at, _)| at == tracker)) {
            return Err(nobody_to_meet());
        }
        let target = self.own_online(username).filter(|online| online.key == Some(target_key));
        let target = target.ok_or_else(nobody_here)?.clone();
        let home = homes.first().copied().unwrap_or(tracker.ip());
        let of = Forwarded { tracker, asker: notice.key, target: target_key, home };
        self.forwarded.begin(asker.now, notice.ticket, of).map_err(no_encounter)?;
        let is_one_home = are_one_home(&homes, &seen_at(&target, asker.now));
        if !is_one_home {
            notice.lan.clear();
        }
        if notice.address.is_none() {
            let view = self.sessions.get(&target.session).map_or(asker.view, |session| session.view);
            let there = self.roster.get(&notice.username).filter(|there| there.key == Some(notice.key));
            notice.address = there.and_then(|there| there.line(view).address);
        }
        if !self.relays.limits().is_on || self.relays.connects(notice.key, target_key) {
            notice.relay = RelayOffer::Off;
        }
        let relays = (notice.relay == RelayOffer::Open).then(|| RELAYS_TOO.to_owned());
        let lan = if is_one_home { target.lan.as_slice() } else { &[] };
        let told = address_lines(&target, asker, lan).map(|line| line.to_string()).chain(relays);
        let told: Vec<String> = told.collect();
        self.notify(target.session, &Notice::Connect(Box::new(notice)), effects);
        Ok(lines(told))
    }

    /// The other tracker has a connection ready for who has come here to be relayed.
    fn relay_on(&mut self, asker: &Asker, of: Forwarded, ticket: Ticket, effects: &mut Effects) -> CommandOutcome {
        let Forwarded { asker: user, target, home, .. } = of;
        let relay = self.relays.open(asker.now, user, target, home).ok_or_else(no_relay)?;
        self.forget(asker.now, asker.session);
        let (sessions, idle_max) = ([SessionId::NONE, asker.session], self.relays.limits().idle_max);
        effects.push(Effect::RelayOn { start: RelayStart { relay, sessions, user, idle_max }, ticket });
        Ok(CommandReply::Sent)
    }

    /// Which other tracker has arranged the encounter of a ticket.
    pub(super) fn forwarded_by(&mut self, asker: &Asker, ticket: EncounterTicket) -> Option<Forwarded> {
        if asker.is_tracker { None } else { self.forwarded.get(asker.now, ticket) }
    }
}

/// Where the asker is seen, as another tracker is told: it has no address of ours for who is on this computer.
fn homes_of(own: &Online, asker: &Asker) -> Vec<IpAddr> {
    if own.is_on_this_host { Vec::new() } else { seen_at(own, asker.now) }
}

fn addresses_of<L: AsRef<str>>(page: &[L]) -> Option<Vec<AddressLine>> {
    page.iter().map(|line| AddressLine::parse(line.as_ref()).ok()).collect()
}
