//! The trackers of one network, as one of them sees them: a pure machine that tells the others of its own users and knows
//! theirs, over links that may be cut at any moment.
//!
//! ```text
//!  own users   -> telling -> lines -> links          links -> lines -> mirror (one a tracker) -> claims -> MeshEffect
//!  came, left     numbered changes                                     who is there              whose a name is
//! ```
//!
//! (`following` is from `mirror` on.) Each tracker tells of its own users only. What is missing after a cut is told again; what cannot be is told as a whole and
//! applied as a difference, so that nobody is seen to go who has stayed. A tracker that is not heard of is dead; its users are
//! shown for some seconds more, since they come back at another one. A tracker that was started anew has another epoch.

mod claims;
mod following;
mod mirror;
mod telling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::model::key::PublicKey;
use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::protocol::mesh_line::{KnownUpTo, MESH_VERSION, MeshLine, MeshUser};
use crate::protocol::reply::Totals;
use crate::tracker::mesh::claims::{ClaimSource, Claims};
use crate::tracker::mesh::mirror::Mirror;
use crate::tracker::mesh::telling::{Telling, Told};

/// How often each side says that it lives.
pub const BEAT_EVERY: Duration = Duration::from_millis(500);
/// Who says nothing for so long is dead.
pub const DEAD_AFTER: Duration = Duration::from_secs(2);
/// How long users of a tracker that is dead are still shown.
pub const SHOWN_AFTER: Duration = Duration::from_secs(3);
/// How long until a tracker that could not be reached is dialled again.
pub const DIAL_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// What users share is told at most so often, however many lines announce it: the first change at once, those that follow
/// within this time together at its end.
pub const SHARES_WINDOW: Duration = Duration::from_millis(50);
/// Most links at once: two to each tracker, while one takes the place of the other.
pub const LINKS_MAX: usize = 32;

/// One of the trackers of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedTracker {
    /// Where it listens for the others, which is what they call it.
    pub at: SocketAddr,
    /// The key that it must prove.
    pub key: PublicKey,
}

/// A connection to another tracker. Numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// What one's own tracker says of a user of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnUser {
    /// Their name as they write it.
    pub username: Username,
    /// The key that they proved.
    pub key: Option<PublicKey>,
    /// Where they are seen; none: on this computer.
    pub seen: Option<IpAddr>,
    /// Where their peer server listens.
    pub port: Option<PeerPort>,
}

/// What is to be done about links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEffect {
    /// Dial a tracker, which must prove its key; say [`Mesh::connected`] or [`Mesh::not_reached`].
    Dial(ListedTracker),
    /// Send whole lines, and say [`Mesh::passed`] when they have left.
    Send {
        /// The link that they go by.
        link: LinkId,
        /// With their LF.
        bytes: Bytes,
    },
    /// Close a link, which the machine has forgotten.
    Cut(LinkId),
    /// Only who proves the key of one of these may link from now on.
    Admit(Vec<ListedTracker>),
}

/// What the machine wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshEffect {
    /// Something about links.
    Link(LinkEffect),
    /// A user of another tracker is here, or is otherwise than before.
    Here {
        /// Whose they are.
        tracker: SocketAddr,
        /// As they are now.
        user: Arc<MeshUser>,
        /// The address of their tracker, as it is seen from here.
        host: Option<IpAddr>,
    },
    /// No other tracker has this user any more.
    Gone(Username),
    /// A user of one's own has lost the name to one of another tracker.
    Displaced {
        /// Whose session ends, or goes on without a name.
        username: Username,
        /// The key of who has it now.
        by: Option<PublicKey>,
    },
}

#[derive(Debug)]
struct Link {
    key: PublicKey,
    /// The address of the other end.
    peer: IpAddr,
    /// Who it is, once it has said so.
    tracker: Option<SocketAddr>,
    told: Told,
    heard_at: Instant,
}

/// Another tracker.
#[derive(Debug, Default)]
struct Other {
    /// As the list of trackers has it now; one that left the list is known until its users are gone.
    listed: Option<ListedTracker>,
    link: Option<LinkId>,
    /// Its address, as the last link had it.
    host: Option<IpAddr>,
    mirror: Mirror,
    /// It is being dialled.
    is_dialled: bool,
    /// When it may be dialled again.
    dial_at: Option<Instant>,
}

/// Users of a start of a tracker that has ended.
#[derive(Debug)]
struct Ended {
    until: Instant,
    source: ClaimSource,
    names: Vec<Box<str>>,
}

/// See the module.
#[derive(Debug)]
pub struct Mesh {
    at: SocketAddr,
    telling: Telling,
    claims: Claims,
    others: BTreeMap<SocketAddr, Other>,
    links: BTreeMap<LinkId, Link>,
    ended: VecDeque<Ended>,
    beat_at: Instant,
    /// The largest stamp so far.
    stamp: u64,
    /// What the clock on the wall said, in milliseconds since 1970, and when.
    clock: (u64, Instant),
    last_ended: u64,
    /// What users share, as it is not yet told, when it will be, and when it was told last.
    shares: BTreeMap<String, Totals>,
    shares_at: Option<Instant>,
    shares_told_at: Option<Instant>,
}

impl Mesh {
    /// A tracker without links. `epoch` tells this start from all others, and is not 0; `unix_millis` is the clock on the wall.
    pub fn new(now: Instant, at: SocketAddr, epoch: u64, unix_millis: u64) -> Self {
        Self {
            at,
            telling: Telling::new(epoch.max(1)),
            claims: Claims::default(),
            others: BTreeMap::new(),
            links: BTreeMap::new(),
            ended: VecDeque::new(),
            beat_at: now + BEAT_EVERY,
            stamp: 0,
            clock: (unix_millis, now),
            last_ended: 0,
            shares: BTreeMap::new(),
            shares_at: None,
            shares_told_at: None,
        }
    }

    /// Where the others link to it, which is what they call it.
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// The list of trackers is this now. One's own name in it is passed over. Who is no longer in it is not met again; a link
    /// that is there lasts until it is cut.
    pub fn set_trackers(&mut self, now: Instant, listed: Vec<ListedTracker>, effects: &mut Vec<MeshEffect>) {
        effects.push(MeshEffect::Link(LinkEffect::Admit(listed.clone())));
        self.others.values_mut().for_each(|other| other.listed = None);
        for tracker in listed.into_iter().filter(|tracker| tracker.at != self.at) {
            self.others.entry(tracker.at).or_default().listed = Some(tracker);
        }
        self.dial(now, effects);
    }

    /// Other trackers that there are to be, and those of them that are there.
    pub fn trackers(&self) -> impl Iterator<Item = (SocketAddr, bool)> {
        let others = self.others.iter().filter(|(_, other)| other.listed.is_some() || other.link.is_some());
        others.map(|(at, other)| (*at, other.link.is_some()))
    }

    /// How many users it has itself.
    pub fn own_users(&self) -> u64 {
        self.telling.users()
    }

    /// How many users another tracker has, as far as it has told.
    pub fn users_of(&self, tracker: SocketAddr) -> u64 {
        self.others.get(&tracker).map_or(0, |other| other.mirror.names.len() as u64)
    }

    /// Who proves this key may speak.
    pub fn may_speak(&self, key: PublicKey) -> bool {
        self.links.len() < LINKS_MAX && self.others.values().any(|other| other.is_listed_with(key))
    }

    /// A user of one's own has registered, from now on.
    pub fn came(&mut self, now: Instant, user: OwnUser, effects: &mut Vec<MeshEffect>) {
        let OwnUser { username, key, seen, port } = user;
        self.stamp = self.millis(now).max(self.stamp.saturating_add(1));
        let user = MeshUser { username, key, stamp: self.stamp, seen, port, files: 0, bytes: 0, revision: 0 };
        self.set_own(Arc::new(user), effects);
    }

    /// The peer server of a user of one's own is elsewhere now.
    pub fn moved(&mut self, username: &Username, port: Option<PeerPort>, effects: &mut Vec<MeshEffect>) {
        if let Some(user) = self.telling.get(&username.folded()).filter(|user| user.port != port) {
            self.set_own(Arc::new(MeshUser { port, ..MeshUser::clone(user) }), effects);
        }
    }

    /// What a user of one's own shares is otherwise now. The others are told at the next [`Self::tick`], or a moment later if
    /// they were told just now: then once for all of the moment.
    pub fn shares(&mut self, now: Instant, username: &Username, totals: Totals) {
        let at = self.shares_told_at.map_or(now, |told_at| now.max(told_at + SHARES_WINDOW));
        self.shares_at.get_or_insert(at);
        self.shares.insert(username.folded(), totals);
    }

    fn tell_shares(&mut self, effects: &mut Vec<MeshEffect>) {
        for (folded, Totals { files, bytes }) in std::mem::take(&mut self.shares) {
            if let Some(user) = self.telling.get(&folded) {
                let revision = user.revision + 1;
                self.set_own(Arc::new(MeshUser { files, bytes, revision, ..MeshUser::clone(user) }), effects);
            }
        }
    }

    /// A user of one's own has gone.
    pub fn left(&mut self, username: &Username, effects: &mut Vec<MeshEffect>) {
        let folded = username.folded();
        self.shares.remove(&folded);
        self.telling.gone(&folded);
        let turn = self.claims.take(&folded, ClaimSource::Tracker(self.at));
        self.settle(turn, effects);
        self.tell_all(effects);
    }

    /// A link is there: the other end has proven this key. A key that is not listed is refused before.
    pub fn connected(
        &mut self,
        now: Instant,
        link: LinkId,
        key: PublicKey,
        peer: IpAddr,
        to: Option<SocketAddr>,
        effects: &mut Vec<MeshEffect>,
    ) {
        if let Some(other) = to.and_then(|to| self.others.get_mut(&to)) {
            other.is_dialled = false;
        }
        let told = self.telling.told(KnownUpTo::NOTHING, 0);
        self.links.insert(link, Link { key, peer, tracker: None, told, heard_at: now });
        // Who was dialled is known; who dials says who it is first.
        if let Some(to) = to {
            self.say_hello(link, to, effects);
        }
    }

    /// A tracker could not be reached.
    pub fn not_reached(&mut self, now: Instant, tracker: SocketAddr) {
        if let Some(other) = self.others.get_mut(&tracker) {
            other.is_dialled = false;
            other.dial_at = Some(now + DIAL_AGAIN_AFTER);
        }
    }

    /// A link is gone.
    pub fn cut(&mut self, now: Instant, link: LinkId) {
        let Some(Link { tracker: Some(tracker), .. }) = self.links.remove(&link) else { return };
        let Some(other) = self.others.get_mut(&tracker) else { return };
        other.dial_at = Some(now + DIAL_AGAIN_AFTER);
        if other.link == Some(link) {
            other.link = None;
            other.mirror.away_since = Some(now);
        }
    }

    /// So many bytes have left on a link.
    pub fn passed(&mut self, link: LinkId, bytes: usize, effects: &mut Vec<MeshEffect>) {
        if let Some(found) = self.links.get_mut(&link) {
            found.told.passed(bytes);
            self.tell(link, effects);
        }
    }

    /// A line has come by a link.
    pub fn heard(&mut self, now: Instant, link: LinkId, line: MeshLine, effects: &mut Vec<MeshEffect>) {
        let Some(from) = self.links.get_mut(&link) else { return };
        from.heard_at = now;
        match (line, from.tracker) {
            (MeshLine::Hello { version, tracker, epoch, known }, _) => {
                if version != MESH_VERSION || epoch == 0 || !self.greet(now, link, tracker, epoch, known, effects) {
                    self.cut(now, link);
                    effects.push(MeshEffect::Link(LinkEffect::Cut(link)));
                }
            }
            (_, None) => {}
            (MeshLine::Again(known), Some(_)) => {
                from.told = self.telling.told(known, from.told.ahead());
                self.tell(link, effects);
            }
            (line, Some(tracker)) => self.mirror(now, link, tracker, line, effects),
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant, effects: &mut Vec<MeshEffect>) {
        let dead: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.heard_at + DEAD_AFTER <= now).map(|(id, _)| *id).collect();
        for link in dead {
            self.cut(now, link);
            effects.push(MeshEffect::Link(LinkEffect::Cut(link)));
        }
        if self.beat_at <= now {
            self.beat_at = now + BEAT_EVERY;
            let links: Vec<LinkId> = self.links.keys().copied().collect();
            for link in links {
                self.beat(link, effects);
            }
        }
        if self.shares_at.take_if(|at| *at <= now).is_some() {
            self.shares_told_at = Some(now);
            self.tell_shares(effects);
        }
        self.forget_the_dead(now, effects);
        self.dial(now, effects);
    }

    /// When [`Self::tick`] must be called at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        let beat = (!self.links.is_empty()).then_some(self.beat_at);
        let dead = self.links.values().map(|link| link.heard_at + DEAD_AFTER);
        let away = self.others.values().filter_map(|other| Some(other.mirror.away_since? + SHOWN_AFTER));
        let dials = self.others.iter().filter(|(name, other)| self.is_to_be_dialled(**name, other));
        let dials = dials.filter_map(|(_, other)| other.dial_at);
        let ended = self.ended.front().map(|ended| ended.until);
        beat.into_iter().chain(dead).chain(away).chain(dials).chain(ended).chain(self.shares_at).min()
    }

    /// Everybody who has a name, and at which tracker.
    pub fn everybody(&self) -> impl Iterator<Item = (SocketAddr, &MeshUser)> {
        self.claims.winners().map(|claim| (claim.source.tracker(), &*claim.user))
    }

    fn set_own(&mut self, user: Arc<MeshUser>, effects: &mut Vec<MeshEffect>) {
        let folded = user.username.folded();
        self.telling.here(&folded, Arc::clone(&user));
        let turn = self.claims.put(&folded, ClaimSource::Tracker(self.at), Arc::clone(&user));
        let lost_to = turn.after.as_ref().filter(|after| after.source.tracker() != self.at).map(|after| after.user.key);
        self.settle(turn, effects);
        if let Some(by) = lost_to {
            effects.push(MeshEffect::Displaced { username: user.username.clone(), by });
        }
        self.tell_all(effects);
    }

    /// Dials those whose names come after one's own: so there is one link between two.
    fn dial(&mut self, now: Instant, effects: &mut Vec<MeshEffect>) {
        let due = |other: &Other| other.dial_at.is_none_or(|at| at <= now);
        let names: Vec<SocketAddr> = self
            .others
            .iter()
            .filter(|(name, other)| self.is_to_be_dialled(**name, other) && due(other))
            .map(|(name, _)| *name)
            .collect();
        for name in names {
            let Some(other) = self.others.get_mut(&name) else { continue };
            other.is_dialled = true;
            effects.extend(other.listed.map(|to| MeshEffect::Link(LinkEffect::Dial(to))));
        }
    }

    fn is_to_be_dialled(&self, name: SocketAddr, other: &Other) -> bool {
        name > self.at && other.listed.is_some() && other.link.is_none() && !other.is_dialled
    }

    fn beat(&mut self, link: LinkId, effects: &mut Vec<MeshEffect>) {
        let line = self.telling.beat();
        if let Some(found) = self.links.get_mut(&link).filter(|link| link.tracker.is_some() && !link.told.is_full()) {
            found.send(link, &line, effects);
        }
    }

    fn tell_all(&mut self, effects: &mut Vec<MeshEffect>) {
        let links: Vec<LinkId> = self.others.values().filter_map(|other| other.link).collect();
        links.into_iter().for_each(|link| self.tell(link, effects));
    }

    fn tell(&mut self, link: LinkId, effects: &mut Vec<MeshEffect>) {
        let Some(found) = self.links.get_mut(&link) else { return };
        if found.tracker.and_then(|tracker| self.others.get(&tracker)?.link) != Some(link) {
            return;
        }
        let mut lines = String::new();
        while let Some(line) = self.telling.next(&mut found.told) {
            let before = lines.len();
            writeln!(lines, "{line}").expect("a text in memory takes everything");
            found.told.send(lines.len() - before);
        }
        if !lines.is_empty() {
            effects.push(MeshEffect::Link(LinkEffect::Send { link, bytes: lines.into() }));
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        let (millis, at) = self.clock;
        let since = now.saturating_duration_since(at).as_millis();
        millis.saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }
}

impl Other {
    fn is_listed_with(&self, key: PublicKey) -> bool {
        self.listed.as_ref().is_some_and(|listed| listed.key == key)
    }
}

impl Link {
    fn send(&mut self, id: LinkId, line: &MeshLine, effects: &mut Vec<MeshEffect>) {
        let bytes = Bytes::from(format!("{line}\n"));
        self.told.send(bytes.len());
        effects.push(MeshEffect::Link(LinkEffect::Send { link: id, bytes }));
    }
}
