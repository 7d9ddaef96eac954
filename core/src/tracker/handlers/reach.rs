//! `also` and `list-addresses`: where users can be reached. Nobody can publish an address of somebody else: the tracker
//! tells what it sees.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::protocol::address_line::{AddressLine, AddressScope, Openness};
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::{Also, ListAddresses, Verb};
use crate::protocol::reply::OrDash;
use crate::tracker::effect::Effects;
use crate::tracker::handlers::{Asker, CommandOutcome, CommandReply, Handle};
use crate::tracker::machine::Tracker;
use crate::tracker::roster::{ReaderView, SecondAddress};

/// How long a second address is told after it was seen: a network that has lost one family is not told by it for days.
const SECOND_ADDRESS_LASTS: Duration = Duration::from_secs(3600);

impl Handle for Also {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.see_also(asker, &self.username, self.port)
    }
}

impl Handle for ListAddresses {
    fn carry_out(self, tracker: &mut Tracker, asker: &Asker, _effects: &mut Effects) -> CommandOutcome {
        tracker.list_addresses(asker, &self.username)
    }
}

impl Tracker {
    fn see_also(&mut self, asker: &Asker, username: &Username, port: Option<PeerPort>) -> CommandOutcome {
        let not_yours = || Refusal::new(Code::NotYours, "only the key that is here under this name can say where else");
        let online = self.roster.get(username).filter(|online| asker.key.is_some() && online.key == asker.key);
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
        }
        Ok(CommandReply::Lines { lines: 1, bytes: format!("{}\n", OrDash(address)).into(), more: None })
    }

    fn list_addresses(&self, asker: &Asker, username: &Username) -> CommandOutcome {
        let nobody = || Refusal::new(Code::NoSuchUser, "nobody of this name is here; see list-users");
        let online = self.roster.get(username).ok_or_else(nobody)?;
        let (mut bytes, mut lines) = (String::new(), 0);
        for address in online.addresses(asker.view, asker.now) {
            let line = AddressLine { scope: AddressScope::Direct, address, openness: Openness::Unknown };
            writeln!(bytes, "{line}").expect("a text in memory takes everything");
            lines += 1;
        }
        Ok(CommandReply::Lines { lines, bytes: bytes.into(), more: None })
    }
}
