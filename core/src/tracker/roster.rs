//! Who is here now, and what each reader is shown of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Bound;
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};

use crate::model::key::PublicKey;
use crate::model::lan_address::LanAddress;
use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::protocol::address_line::Openness;
use crate::protocol::command::{Cursor, Page};
use crate::protocol::reply::{Totals, UserLine};
use crate::tracker::catalog::OwnerId;
use crate::tracker::input::SessionId;
use crate::tracker::look_alikes::LookAlikes;

/// A user who is here.
#[derive(Debug, Clone)]
pub struct Online {
    /// Through which session.
    pub session: SessionId,
    /// Their name as they write it.
    pub username: Username,
    /// The key they proved; without one they are unverified.
    pub key: Option<PublicKey>,
    /// The address the tracker sees, never one that was claimed.
    pub seen: IpAddr,
    /// They are on the tracker's own host: the address that is shown depends on who looks.
    pub is_on_this_host: bool,
    /// Where their peer server listens.
    pub port: Option<PeerPort>,
    /// Where they are by the other family of addresses, if they have shown it.
    pub second: Option<SecondAddress>,
    /// Where they are in their own home, as they say: told only to who is in it too.
    pub lan: Vec<LanAddress>,
    /// What came of dialling them, at their own addresses.
    pub openness: Vec<(SocketAddr, Openness)>,
    /// Their shares in the catalog.
    pub owner: OwnerId,
    /// At which other tracker they are, if they are not at this one.
    pub elsewhere: Option<Elsewhere>,
}

/// What another tracker tells of a user of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Which tracker it is.
    pub tracker: SocketAddr,
    /// How much they share there.
    pub totals: Totals,
    /// Counts how often what they share has changed.
    pub revision: u64,
}

/// The address of a user by the other family than that of their session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondAddress {
    /// As the tracker saw it.
    pub address: SocketAddr,
    /// It is told until then.
    pub until: Instant,
}

/// From where a reader looks. Somebody on the tracker's own host is seen at one of its addresses: a loopback one is of no
/// use elsewhere, and one of IPv4 none to who has only IPv6. Readers elsewhere are shown the address under which they
/// themselves reach that host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReaderView {
    /// The reader is on the tracker's host too.
    SameHost,
    /// The reader reaches the tracker's host at this address.
    From(IpAddr),
}

impl ReaderView {
    /// The view of a connection with these two ends.
    pub fn of(peer: SocketAddr, local: SocketAddr) -> Self {
        let (peer, local) = (peer.ip().to_canonical(), local.ip().to_canonical());
        if peer.is_loopback() || peer == local { Self::SameHost } else { Self::From(local) }
    }
}

impl Online {
    /// What a reader is shown.
    pub fn line(&self, view: ReaderView) -> UserLine {
        let ip = match view {
            ReaderView::From(host) if self.is_on_this_host => host,
            _ => self.seen,
        };
        let address = self.port.map(|port| SocketAddr::new(ip, port.get()));
        UserLine { username: self.username.clone(), address, key: self.key }
    }

    /// Every address at which a reader may reach them, and whether it can be dialled.
    pub fn addresses(&self, view: ReaderView, now: Instant) -> impl Iterator<Item = (SocketAddr, Openness)> {
        let second = self.second.filter(|second| second.until > now).map(|second| second.address);
        let addresses = self.line(view).address.into_iter().chain(second);
        addresses.map(|address| (address, self.openness_of(address)))
    }

    /// Whether an address of theirs can be dialled, as far as it was tried.
    pub fn openness_of(&self, address: SocketAddr) -> Openness {
        let tried = self.openness.iter().find(|(at, _)| *at == address);
        tried.map_or(Openness::Unknown, |(_, openness)| *openness)
    }
}

/// Everybody who is here.
#[derive(Debug, Default)]
pub struct Roster {
    by_name: BTreeMap<Username, Online>,
    by_folded: BTreeMap<Box<str>, Username>,
    look_alikes: LookAlikes,
    with_key: usize,
    /// The whole list as it was last asked for, until somebody comes, goes or changes.
    whole: BTreeMap<ReaderView, Whole>,
}

#[derive(Debug, Clone)]
struct Whole {
    lines: usize,
    bytes: Bytes,
}

/// Views whose whole list is kept. Nearly everybody has the same.
const VIEWS_MAX: usize = 4;

/// A list of users, or a page of it.
#[derive(Debug, PartialEq, Eq)]
pub struct UsersPage {
    /// How many lines.
    pub lines: usize,
    /// The lines, each with its LF.
    pub bytes: Bytes,
    /// Where the next page begins, if a limit ended this one.
    pub more: Option<Cursor>,
}

impl Roster {
    /// Somebody comes. Nobody of this name, regardless of case, may be here.
    pub fn add(&mut self, online: Online) {
        self.whole.clear();
        self.look_alikes.add(&online.username);
        self.with_key += usize::from(online.key.is_some());
        self.by_folded.insert(online.username.folded().into(), online.username.clone());
        self.by_name.insert(online.username.clone(), online);
    }

    /// Somebody goes. The name is spelled as it was added.
    pub fn remove(&mut self, username: &Username) -> Option<Online> {
        let online = self.by_name.remove(username)?;
        self.whole.clear();
        self.look_alikes.remove(username);
        self.with_key -= usize::from(online.key.is_some());
        self.by_folded.remove(username.folded().as_str());
        Some(online)
    }

    /// Somebody's peer server is elsewhere now.
    pub fn set_port(&mut self, username: &Username, port: Option<PeerPort>) {
        if let Some(online) = self.by_name.get_mut(username) {
            self.whole.clear();
            online.port = port;
            online.openness.retain(|(at, _)| at.ip() != online.seen);
        }
    }

    /// Somebody was seen at an address of the other family. Lists show the one of their session.
    pub fn set_second(&mut self, username: &Username, second: SecondAddress) {
        if let Some(online) = self.by_name.get_mut(username) {
            if online.second.is_some_and(|before| before.address != second.address) {
                online.openness.retain(|(at, _)| at.ip() == online.seen);
            }
            online.second = Some(second);
        }
    }

    /// Somebody says where they are in their own home. Lists do not show it.
    pub fn set_lan(&mut self, username: &Username, lan: Vec<LanAddress>) {
        if let Some(online) = self.by_name.get_mut(username) {
            online.lan = lan;
        }
    }

    /// Their tracker tells something else of them than before. Lists do not show it.
    pub fn set_elsewhere(&mut self, username: &Username, elsewhere: Option<Elsewhere>) {
        if let Some(online) = self.by_name.get_mut(username) {
            online.elsewhere = elsewhere;
        }
    }

    /// Somebody was dialled. Of each family the latest is kept.
    pub fn set_openness(&mut self, username: &Username, address: SocketAddr, openness: Openness) {
        if let Some(online) = self.by_name.get_mut(username) {
            online.openness.retain(|(at, _)| at.is_ipv4() != address.is_ipv4());
            online.openness.push((address, openness));
        }
    }

    /// The user of this name, regardless of case.
    pub fn get(&self, username: &Username) -> Option<&Online> {
        self.by_name.get(username).or_else(|| self.get_folded(&username.folded()))
    }

    /// The user of this name, case folded.
    pub fn get_folded(&self, folded: &str) -> Option<&Online> {
        self.by_name.get(self.by_folded.get(folded)?)
    }

    /// Whether somebody is here whose other name looks like this one.
    pub fn has_look_alike(&self, username: &Username) -> bool {
        self.look_alikes.others(username, &username.folded()).next().is_some()
    }

    /// How many are here.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// How many of them have a key.
    pub fn with_key(&self) -> usize {
        self.with_key
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Everybody who is here, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Online> {
        self.by_name.values()
    }

    /// Everybody whose name comes behind this one, by name.
    pub fn behind(&self, username: &str) -> impl Iterator<Item = &Online> {
        self.by_name.range::<str, _>((Bound::Excluded(username), Bound::Unbounded)).map(|(_, online)| online)
    }

    /// The list of users behind `page.after`, at most `page.limit` of them.
    pub fn page(&mut self, view: ReaderView, page: &Page) -> UsersPage {
        let is_whole = page.after.is_none() && page.limit.is_none_or(|limit| limit >= self.by_name.len());
        if !is_whole {
            return self.write_page(view, page);
        }
        if let Some(whole) = self.whole.get(&view) {
            return UsersPage { lines: whole.lines, bytes: whole.bytes.clone(), more: None };
        }
        let written = self.write_page(view, page);
        if self.whole.len() >= VIEWS_MAX {
            self.whole.clear();
        }
        self.whole.insert(view, Whole { lines: written.lines, bytes: written.bytes.clone() });
        written
    }

    fn write_page(&self, view: ReaderView, page: &Page) -> UsersPage {
        let start = match &page.after {
            None => Bound::Unbounded,
            Some(after) => Bound::Excluded(after.username.as_str()),
        };
        let mut rest = self.by_name.range::<str, _>((start, Bound::Unbounded)).map(|(_, online)| online);
        let mut bytes = BytesMut::new();
        let mut lines = 0;
        let mut last = None;
        for online in rest.by_ref().take(page.limit.unwrap_or(usize::MAX)) {
            write_line(&mut bytes, &online.line(view));
            lines += 1;
            last = Some(&online.username);
        }
        let more = last.filter(|_| rest.next().is_some());
        let more = more.map(|name| Cursor { path: String::new(), username: name.as_str().to_owned() });
        UsersPage { lines, bytes: bytes.freeze(), more }
    }
}

fn write_line(bytes: &mut BytesMut, line: &UserLine) {
    use std::fmt::Write as _;
    write!(bytes, "{line}").expect("a buffer in memory takes everything");
    bytes.put_u8(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::catalog::Catalog;

    fn roster(users: &[(&str, &str)]) -> Roster {
        let mut roster = Roster::default();
        let mut catalog = Catalog::new();
        for (at, (name, seen)) in (1..).zip(users) {
            let username = Username::new(name).expect(name);
            roster.add(Online {
                session: SessionId::new(at),
                username: username.clone(),
                key: None,
                seen: seen.parse().expect(seen),
                is_on_this_host: seen.starts_with("127.") || *seen == "192.0.2.1",
                port: Some(PeerPort::new(4001).expect("valid")),
                second: None,
                lan: Vec::new(),
                openness: Vec::new(),
                owner: catalog.add_owner(username),
                elsewhere: None,
            });
        }
        roster
    }

    fn text(page: &UsersPage) -> &str {
        std::str::from_utf8(&page.bytes).expect("text")
    }

    #[test]
    fn pages_join_to_the_whole_list() {
        let mut roster = roster(&[("c", "192.0.2.3"), ("a", "192.0.2.1"), ("B", "192.0.2.2"), ("д", "::1")]);
        let whole = roster.page(ReaderView::SameHost, &Page::default());
        assert_eq!(text(&whole), "B 192.0.2.2:4001 -\na 192.0.2.1:4001 -\nc 192.0.2.3:4001 -\nд [::1]:4001 -\n");
        assert_eq!((whole.lines, &whole.more), (4, &None));
        for limit in 1..=5 {
            let (mut joined, mut after) = (String::new(), None);
            loop {
                let page = roster.page(ReaderView::SameHost, &Page { after, limit: Some(limit) });
                joined.push_str(text(&page));
                after = page.more.clone();
                assert!(after.is_none() || page.lines == limit);
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(joined, text(&whole), "limit {limit}");
        }
        assert_eq!(roster.page(ReaderView::SameHost, &Page::default()), whole, "again, as it is kept");
        roster.remove(&Username::new("c").expect("valid"));
        assert_eq!(roster.page(ReaderView::SameHost, &Page::default()).lines, 3);
    }

    #[test]
    fn the_trackers_own_host_is_shown_as_it_can_be_reached() {
        let roster = roster(&[("host", "127.0.0.1"), ("own", "192.0.2.1"), ("far", "192.0.2.9")]);
        let socket = |text: &str| text.parse::<SocketAddr>().expect(text);
        let far = ReaderView::of(socket("192.0.2.9:50000"), socket("[::ffff:192.0.2.1]:7686"));
        let near = ReaderView::of(socket("127.0.0.5:50000"), socket("127.0.0.1:7686"));
        let shown = |name: &str, view| {
            let online = roster.get(&Username::new(name).expect(name)).expect("online");
            online.line(view).address.expect("has a port").to_string()
        };
        assert_eq!(shown("host", far), "192.0.2.1:4001");
        let ipv6 = ReaderView::of(socket("[2001:db8::9]:50000"), socket("[2001:db8::1]:7686"));
        assert_eq!(shown("own", ipv6), "[2001:db8::1]:4001");
        let own = ReaderView::of(socket("[::ffff:192.0.2.1]:50000"), socket("192.0.2.1:7686"));
        assert_eq!((own, shown("own", own).as_str()), (ReaderView::SameHost, "192.0.2.1:4001"));
        assert_eq!(shown("host", near), "127.0.0.1:4001");
        assert_eq!(shown("far", near), "192.0.2.9:4001");
    }

    #[test]
    fn a_second_address_is_told_until_it_lapses() {
        let mut roster = roster(&[("anna", "192.0.2.1")]);
        let anna = Username::new("anna").expect("valid");
        let (now, hour) = (Instant::now(), std::time::Duration::from_secs(3600));
        let second = SecondAddress { address: "[2001:db8::1]:4001".parse().expect("valid"), until: now + hour };
        roster.set_second(&anna, second);
        let told = |at| {
            let online = roster.get(&anna).expect("online");
            online.addresses(ReaderView::SameHost, at).map(|(address, _)| address.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(told(now), ["192.0.2.1:4001", "[2001:db8::1]:4001"]);
        assert_eq!(told(now + hour), ["192.0.2.1:4001"]);
    }

    #[test]
    fn names_are_found_regardless_of_case_and_look() {
        let roster = roster(&[("Modern", "192.0.2.1")]);
        let name = |text: &str| Username::new(text).expect(text);
        assert!(roster.get(&name("mODERN")).is_some() && roster.get(&name("moder")).is_none());
        for (text, alike) in [("modern", false), ("modem", true), ("MODEM", true), ("madam", false)] {
            assert_eq!(roster.has_look_alike(&name(text)), alike, "{text}");
        }
    }
}
