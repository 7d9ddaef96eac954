//! `addresses`: where users are in their own homes. It is what they claim, so it is told only to those whom the tracker
//! sees in the same home.

use std::net::IpAddr;
use std::time::Instant;

use crate::model::household::household;
use crate::model::lan_address::LanAddress;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::Addresses;
use crate::protocol::sentence::Sentence;
use crate::tracker::command_reply::CommandReply;
use crate::tracker::effect::Effects;
use crate::tracker::handlers::{Asker, CommandOutcome, Handle};
use crate::tracker::machine::Tracker;
use crate::tracker::roster::Online;

impl Handle for Addresses {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        let not_registered = || Refusal::new(Code::NotRegistered, Sentence::NotRegistered);
        let user = asker.user.as_ref().ok_or_else(not_registered)?;
        if asker.key.is_none() {
            return Err(Refusal::new(Code::Unreachable, Sentence::NoKeyToSend));
        }
        tracker.roster.set_lan(&user.username, self.addresses);
        Ok(CommandReply::Done)
    }
}

impl Tracker {
    /// The addresses that a user has said of their home, if the asker is in it too and is known by a key.
    pub(super) fn lan_addresses<'a>(&'a self, asker: &Asker, target: &'a Online) -> &'a [LanAddress] {
        let own = asker.user.as_ref().and_then(|user| self.roster.get(&user.username));
        match own.filter(|own| own.key.is_some()) {
            Some(own) if are_in_one_home(own, target, asker.now) => &target.lan,
            _ => &[],
        }
    }

    /// The addresses that the asker has said of their home, if who is asked is in it too.
    pub(super) fn lan_addresses_for(own: &Online, target: &Online, now: Instant) -> Vec<LanAddress> {
        if are_in_one_home(own, target, now) { own.lan.clone() } else { Vec::new() }
    }
}

/// Whether the tracker sees two behind one connection to the Internet, by either family of addresses.
fn are_in_one_home(one: &Online, other: &Online, now: Instant) -> bool {
    are_one_home(&seen_at(one, now), &seen_at(other, now))
}

/// Where somebody is seen, by each family of addresses.
pub(super) fn seen_at(online: &Online, now: Instant) -> Vec<IpAddr> {
    let second = online.second.filter(|second| second.until > now).map(|second| second.address.ip());
    [Some(online.seen), second].into_iter().flatten().collect()
}

/// Whether two who are seen at these addresses are behind one connection to the Internet.
pub(super) fn are_one_home(ones: &[IpAddr], others: &[IpAddr]) -> bool {
    ones.iter().any(|one| others.iter().any(|other| household(*one) == household(*other)))
}
