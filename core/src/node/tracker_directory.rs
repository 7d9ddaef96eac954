//! The tracker that is joined now, as downloads see it: who is where, and has what.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::model::hash::ContentHash;
use crate::model::key::PublicKey;
use crate::model::lan_address::{LAN_ADDRESSES_MAX, LanAddress};
use crate::model::limits;
use crate::model::relaying::RelayOffer;
use crate::model::share_path::SharePath;
use crate::model::ticket::EncounterTicket;
use crate::model::username::Username;
use crate::model::way::Way;
use crate::net::lan::OwnNetworks;
use crate::net::outgoing::Outgoing;
use crate::node::known_users;
use crate::node::lookup;
use crate::node::reaching_us::KnownReach;
use crate::node::tracker_session::SessionView;
use crate::protocol::address_line::{AddressLine, AddressScope, Openness};
use crate::protocol::code::Code;
use crate::protocol::command::{Connect, ListAddresses, ListSources, Page, Sources};
use crate::protocol::encounter::ConnectReply;
use crate::protocol::peer::Content;
use crate::protocol::reply::FileLine;
use crate::reach::DialCandidate;
use crate::reach::reachability::ReachVerdict;
use crate::service::downloader::{BoxFuture, Directory, Introduction, NoIntroduction};
use crate::service::meeting::{Meeting, RelayPlace};
use crate::service::nearby::Nearby;
use crate::service::tracker_client::{AskError, TrackerClient};
use crate::transfer::Contact;
use crate::transfer::downloads::{Announced, FoundUser};

/// Most users that are wanted of one content: more of them make nothing faster, and among so many somebody has it.
const CONTENT_USERS_MAX: usize = 256;
/// Lines of the first page that is read: nearly always all there are.
const FIRST_LINES: usize = 200;
/// Most lines that are read. At a tracker of an earlier version a user who announces a content under as many paths as they
/// share files stands in the list as often; others are behind them.
const CONTENT_LINES_MAX: usize = 1_000_000;
/// How long a list of sources may take; what has come by then is used.
const SOURCES_TIME_MAX: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug)]
pub(super) struct TrackerDirectory {
    pub(super) session: SessionView,
    /// Ours: we are no further source of what we fetch.
    pub(super) own: PublicKey,
    /// Whether we dial at the same moment as others, as the setting says.
    pub(super) may_punch: watch::Receiver<bool>,
    pub(super) nearby: Arc<Nearby>,
    /// Whether the tracker's relay is used, as the setting says.
    pub(super) may_use_relay: watch::Receiver<bool>,
    /// How connections leave.
    pub(super) outgoing: watch::Receiver<Outgoing>,
    /// Whether others can dial us, as far as it was tried.
    pub(super) reach: watch::Receiver<KnownReach>,
}

impl TrackerDirectory {
    /// Users who share this content, as many as are of use. Each counts once, however many paths they have it under.
    async fn users(&self, hash: ContentHash) -> Vec<Contact> {
        let mut users = Users::default();
        let until = Instant::now() + SOURCES_TIME_MAX;
        let mut page = Page { after: None, limit: Some(FIRST_LINES) };
        let mut is_each_once = true;
        while let Ok(client) = self.session.client() {
            let page_of = Page::clone(&page);
            let command = if is_each_once {
                ListSources { hash, page: page_of }.into()
            } else {
                Sources { hash, page: page_of }.into()
            };
            let Ok(answer) = timeout_at(until, client.ask(command)).await else { break };
            let answer = match answer {
                Ok(answer) => answer,
                // A tracker of an earlier version gives a line a path.
                Err(AskError::Refused { code, .. }) if is_each_once && code == Code::UnknownCommand => {
                    is_each_once = false;
                    continue;
                }
                Err(_) => break,
            };
            let files = answer.lines.iter().filter_map(|line| FileLine::parse(line).ok());
            let new = users.take(answer.lines.len(), files.map(|file| file.username), |user| match self.find(user) {
                FoundUser::Here(contact) => Some(contact).filter(|contact| contact.key != self.own),
                FoundUser::Away | FoundUser::OtherKey | FoundUser::Unknown | FoundUser::KeptAway(_) => None,
            });
            match answer.more {
                Some(more) if new => page = Page { after: Some(more), limit: Some(limits::PAGE_LINES_MAX) },
                _ => break,
            }
        }
        users.contacts
    }

    /// Those addresses that the tracker may send us to: the ones that it has seen, and of those that others claim only what
    /// is in a network of ours. No proxy knows what is there.
    async fn told(&self, client: &TrackerClient, lines: impl IntoIterator<Item = AddressLine>) -> Vec<DialCandidate> {
        let (at_home, direct): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.scope == AddressScope::Lan);
        let at_home = at_home.into_iter().filter(|_| !self.outgoing.borrow().is_proxied()).map(|line| line.address);
        let at_home =
            at_home.filter_map(|at| LanAddress::new(at.ip(), at.port()).ok()).take(LAN_ADDRESSES_MAX).collect();
        let direct = direct.into_iter().filter(|line| client.people().may_be_peer(line.address));
        let direct = direct.map(|line| DialCandidate {
            is_closed: line.openness == Openness::Closed,
            ..DialCandidate::at(line.address)
        });
        in_own_networks(at_home).await.into_iter().map(DialCandidate::at).chain(direct).collect()
    }
}

/// Those who share a content, as far as the list was read.
#[derive(Debug, Default)]
struct Users {
    seen: HashSet<Username>,
    contacts: Vec<Contact>,
    lines: usize,
}

impl Users {
    /// Takes a page of the list; whether the next one is wanted.
    fn take(
        &mut self,
        lines: usize,
        users: impl Iterator<Item = Username>,
        contact: impl Fn(&Username) -> Option<Contact>,
    ) -> bool {
        self.lines += lines;
        for user in users {
            if self.contacts.len() < CONTENT_USERS_MAX && !self.seen.contains(&user) {
                self.contacts.extend(contact(&user));
                self.seen.insert(user);
            }
        }
        lines > 0 && self.lines < CONTENT_LINES_MAX && self.contacts.len() < CONTENT_USERS_MAX
    }
}

impl Directory for TrackerDirectory {
    fn find(&self, user: &Username) -> FoundUser {
        let Ok(client) = self.session.client() else { return FoundUser::Unknown };
        // Where others were before says nothing: they serve nobody who is not in the network.
        if let Some(why) = client.kept_away() {
            return FoundUser::KeptAway(why);
        }
        let is_changed = || client.people().user(user).is_some_and(|user| known_users::is_changed(&client, &user));
        match client.contact(user) {
            Some(contact) => FoundUser::Here(contact),
            None if is_changed() => FoundUser::OtherKey,
            None if !client.people().are_told() => FoundUser::Unknown,
            None => FoundUser::Away,
        }
    }

    fn nearby(&self, contact: &Contact) -> Vec<DialCandidate> {
        let Some(tracker) = self.session.client().ok().and_then(|client| client.tracker_key()) else {
            return Vec::new();
        };
        let addresses = self.nearby.addresses(&tracker, &contact.key).into_iter();
        addresses.map(|address| DialCandidate { way: Way::Nearby, ..DialCandidate::at(address) }).collect()
    }

    fn addresses(&self, user: &Username) -> BoxFuture<'_, Vec<DialCandidate>> {
        let command = ListAddresses { username: user.clone(), homes: Vec::new() };
        Box::pin(async move {
            let Ok(client) = self.session.client() else { return Vec::new() };
            // A tracker of an earlier version knows one address, which is known here too.
            let Ok(answer) = client.ask(command.into()).await else { return Vec::new() };
            self.told(&client, answer.lines.iter().filter_map(|line| AddressLine::parse(line).ok())).await
        })
    }

    fn introduce(&self, user: &Username) -> BoxFuture<'_, Result<Introduction, NoIntroduction>> {
        let command = Connect { username: user.clone(), forwarded: None };
        Box::pin(async move {
            let client = self.session.client().map_err(|_away| NoIntroduction::Impossible)?;
            let answer = client.ask(command.into()).await.map_err(|why| match why {
                AskError::Refused { code, .. } if code == Code::SlowDown => NoIntroduction::TooSoon,
                AskError::Refused { .. } | AskError::Away(_) => NoIntroduction::Impossible,
            })?;
            let reply = ConnectReply::parse(&answer.lines).map_err(|_garbled| NoIntroduction::Impossible)?;
            let meeting = self.may_punch.borrow().then(|| meeting(&client, reply.ticket));
            let uses_relay = *self.may_use_relay.borrow() && reply.relay == RelayOffer::Open;
            let relay_place = uses_relay.then(|| relay_place(&client, reply.ticket));
            let (ticket, relay) = (reply.ticket, reply.relay);
            let addresses = self.told(&client, reply.addresses).await;
            let are_dialled = self.reach.borrow().reach.verdict() == ReachVerdict::Everybody;
            Ok(Introduction { ticket, addresses, meeting, are_dialled, relay, relay_place })
        })
    }

    fn sources(&self, hash: ContentHash) -> BoxFuture<'_, Vec<Contact>> {
        Box::pin(self.users(hash))
    }

    fn announced(&self, user: Username, path: SharePath) -> BoxFuture<'_, Announced> {
        Box::pin(async move {
            let Ok(client) = self.session.client() else { return Announced::Unknown };
            match lookup::find_file(&client, &user, &path).await {
                Ok(Some(FileLine { size: Some(size), hash: Some(hash), .. })) => {
                    Announced::Content(Content { hash, size })
                }
                // Without a hash nobody could check what comes.
                Ok(_) => Announced::Nothing,
                // They are away, or the tracker is: both are waited for.
                Err(_) => Announced::Unknown,
            }
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.session.changes()
    }
}

/// Our part in an encounter that the tracker arranged.
pub(super) fn meeting(client: &TrackerClient, ticket: EncounterTicket) -> Meeting {
    let asked = client.clone();
    let may_dial = move |address| asked.people().may_be_peer(address);
    Meeting { tracker: client.tracker(), ticket, may_dial: Arc::new(may_dial) }
}

/// Our side of the tracker's relay.
pub(super) fn relay_place(client: &TrackerClient, ticket: EncounterTicket) -> RelayPlace {
    RelayPlace { tracker: client.tracker(), ticket }
}

async fn in_own_networks(addresses: Vec<LanAddress>) -> Vec<SocketAddr> {
    if addresses.is_empty() {
        return Vec::new();
    }
    let networks = tokio::task::spawn_blocking(OwnNetworks::read).await;
    let networks = networks.ok().and_then(Result::ok).unwrap_or_default();
    addresses.into_iter().filter(|at| networks.contains(*at)).map(LanAddress::get).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(n: usize) -> Username {
        Username::new(&format!("user{n}")).expect("a name")
    }

    fn contact(user: &Username) -> Option<Contact> {
        let key = PublicKey::from_bytes([7; 32]);
        (user.as_str() != "user3").then(|| Contact {
            username: user.clone(),
            address: Some(([10, 0, 0, 1], 4000).into()),
            key,
        })
    }

    #[test]
    fn users_count_and_not_their_lines() {
        let mut users = Users::default();
        assert!(users.take(250, (0..250).map(|_| user(1)), contact), "there may be others behind them");
        assert!(users.take(10_000, (0..10_000).map(|n| user(1 + n % 3)), contact));
        let names: Vec<_> = users.contacts.iter().map(|contact| contact.username.as_str()).collect();
        assert_eq!(names, ["user1", "user2"], "each once, and who is away not at all");
        assert!(!users.take(300, (0..300).map(user), contact), "enough");
        assert_eq!(users.contacts.len(), CONTENT_USERS_MAX);
        assert!(!Users::default().take(0, std::iter::empty(), contact), "a list that does not go on");
        let mut long = Users::default();
        let pages = (0..).take_while(|_| long.take(10_000, std::iter::repeat_n(user(1), 10_000), contact)).count();
        assert_eq!(pages, 99, "nor is it read for ever");
    }
}
