//! One peer that files are fetched from: how it is reached, what it was asked and has not answered.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::model::attempt::AttemptRecord;
use crate::model::key::PublicKey;
use crate::model::relaying::NoRelay;
use crate::model::way::Way;
use crate::protocol::peer::{Content, Request};
use crate::transfer::backoff::Backoff;
use crate::transfer::job::FileId;
use crate::transfer::speed::Speed;
use crate::transfer::window::Window;
use crate::transfer::{Contact, SourceId};

/// A source that sent nothing of use is tried anew from elsewhere, and not more often.
const EXCUSED_EVERY: Duration = Duration::from_secs(300);

/// Whoever owes us something for longer, or has us wait, is not waited for alone: it costs them nothing, and others may have
/// it.
pub(crate) const STALLED_AFTER: Duration = Duration::from_secs(20);
/// How often the time doubles after which one who owes makes room for somebody else: honest queues can be long.
const DOUBLINGS_MAX: u32 = 6;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The hashes of all blocks.
    List,
    /// The block with this number.
    Block(u32),
}

/// A request to one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Unique among the open requests of a connection.
    pub id: u32,
    /// For which file of ours.
    pub file: FileId,
    /// The content that is named to the peer.
    pub content: Content,
    /// Which part of it.
    pub what: What,
}

impl Ask {
    /// The length of the data that answers it.
    pub fn bytes(&self) -> u64 {
        match self.what {
            What::List => self.content.list_bytes(),
            What::Block(block) => self.content.geometry().bytes_of(block).unwrap_or(0) as u64,
        }
    }

    /// As it goes over the wire.
    pub fn request(&self) -> Request {
        let (id, content) = (self.id, self.content);
        match self.what {
            What::List => Request::List { id, content },
            What::Block(block) => Request::Read { id, content, block },
        }
    }
}

/// How a source can be reached now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// There is no connection.
    Down,
    /// TCP and TLS are on their way.
    Connecting,
    /// Connected, in the queue for an upload slot at this place.
    Waiting(u32),
    /// There is a connection, and its key is proven.
    Up,
}

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) contact: Contact,
    pub(crate) link: Link,
    /// How the connection came about, while there is one.
    pub(crate) way: Option<Way>,
    /// What was tried the last time to reach it.
    pub(crate) attempt: AttemptRecord,
    pub(crate) backoff: Backoff,
    /// Blocks that came from it and were right.
    pub(crate) delivered: u64,
    /// The last try to connect came to nothing.
    pub(crate) has_not_answered: bool,
    /// They were asked to meet us, and no way led to them: why the tracker's relay did not help.
    pub(crate) no_relay: Option<NoRelay>,
    /// It sent something else than was announced: nothing is asked of it again.
    pub(crate) is_liar: bool,
    /// Since when it sends nothing although it was asked, or has us wait; and it does so for [`STALLED_AFTER`].
    owing_since: Option<Instant>,
    pub(crate) is_stalled: bool,
    /// How often in a row its connection was ended because it answered without sending anything.
    pub(crate) strikes: u32,
    /// How often in a row its connection ended while it owed answers, or had us wait.
    pub(crate) unanswered: u32,
    /// When that was forgotten last, because it came back from elsewhere.
    excused_at: Option<Instant>,
    /// That was too often: nothing is asked of it until it comes back from elsewhere, or a person tries again.
    pub(crate) is_given_up: bool,
    pub(crate) window: Window,
    /// What it sends, for people to read.
    pub(crate) speed: Speed,
    pub(crate) open: BTreeMap<u32, (Ask, Instant)>,
    next_id: u32,
    /// Files with something to ask this source for, in turn. May hold some that are no longer wanted.
    pub(crate) ring: VecDeque<FileId>,
    /// What it was asked in a row for the file at the front of the ring. A slow one is asked for a block or two at a time,
    /// so this outlives the moment in which its window is filled.
    pub(crate) in_a_row: usize,
    /// Something is likely to be wanted of it in a moment.
    pub(crate) is_expected: bool,
    /// How many active files it is a source of.
    pub(crate) offers: usize,
    /// Since when nobody wants anything of it.
    pub(crate) unused_since: Option<Instant>,
    /// Its window may have room.
    pub(crate) may_fill: bool,
    /// Open requests that it was told to leave.
    left: HashSet<u32>,
}

impl Source {
    fn new(contact: Contact, now: Instant) -> Self {
        Self {
            contact,
            link: Link::Down,
            way: None,
            attempt: AttemptRecord::default(),
            backoff: Backoff::default(),
            delivered: 0,
            has_not_answered: false,
            no_relay: None,
            is_liar: false,
            owing_since: None,
            is_stalled: false,
            strikes: 0,
            unanswered: 0,
            excused_at: None,
            is_given_up: false,
            window: Window::new(now),
            speed: Speed::new(now),
            open: BTreeMap::new(),
            next_id: 0,
            ring: VecDeque::new(),
            in_a_row: 0,
            is_expected: false,
            offers: 0,
            unused_since: None,
            may_fill: false,
            left: HashSet::new(),
        }
    }

    /// Whether anything may be asked of it.
    pub(crate) fn is_trusted(&self) -> bool {
        !self.is_liar && !self.is_given_up
    }

    /// Whether it may well send something: it is connected or may be soon, does not answer for nothing, and has not been
    /// silent when it was asked.
    pub(crate) fn is_promising(&self) -> bool {
        let is_idle_talk = self.strikes > 0 || self.unanswered > 0 || self.is_stalled;
        !is_idle_talk && (self.is_connected() || !self.has_not_answered)
    }

    /// It has us wait, from now on.
    pub(crate) fn waits(&mut self, place: u32, now: Instant) {
        self.link = Link::Waiting(place);
        self.owing_since.get_or_insert(now);
    }

    /// The wait is over. What it was asked it still owes: to say that we are next, and then that we have a slot, costs nothing.
    pub(crate) fn waits_no_more(&mut self) {
        self.link = Link::Up;
        if self.open.is_empty() {
            self.owes_nothing();
        }
    }

    fn owes_nothing(&mut self) {
        (self.owing_since, self.is_stalled) = (None, false);
    }

    /// Whether it has stalled by now, and how fast it is; and its window is looked at again.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.is_stalled |= self.owing_for(now) >= STALLED_AFTER;
        // Blocks that others were asked for may be late by now.
        self.may_fill = true;
        // Smoothed also while nobody reads it.
        self.speed.rate(now);
    }

    fn owing_for(&self, now: Instant) -> Duration {
        self.owing_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Whether its connection may make room for another: it has sent nothing for long, and longer each time.
    pub(crate) fn gives_way(&self, now: Instant) -> bool {
        let patience = STALLED_AFTER * (1 << self.unanswered.min(DOUBLINGS_MAX));
        self.is_stalled && self.owing_for(now) >= patience
    }

    /// By what it did so far: whom to ask first, the least first.
    pub(crate) fn preference(&self) -> impl Ord + use<> {
        let is_tried = self.delivered > 0 && !self.has_not_answered && !self.is_stalled;
        (!is_tried, self.has_not_answered || self.is_stalled, self.strikes.saturating_add(self.unanswered))
    }

    /// It is worth asking once more, whatever it did.
    pub(crate) fn forgive(&mut self) {
        (self.is_liar, self.is_given_up, self.strikes) = (false, false, 0);
    }

    /// It comes back from elsewhere, where it may do better. Another port costs nothing, so this counts now and then only.
    fn excuse(&mut self, now: Instant) {
        let is_soon = self.excused_at.is_some_and(|at| now.saturating_duration_since(at) < EXCUSED_EVERY);
        if self.strikes > 0 && !is_soon {
            (self.is_given_up, self.strikes, self.excused_at) = (false, 0, Some(now));
        }
    }

    /// Those of its open requests that are meant: they are of no use any more, and it is told so once.
    pub(crate) fn leave(&mut self, is_meant: impl Fn(&Ask) -> bool) -> Vec<u32> {
        let awaited = self.open.values().map(|(ask, _)| ask).filter(|ask| !self.left.contains(&ask.id));
        let ids: Vec<u32> = awaited.filter(|ask| is_meant(ask)).map(|ask| ask.id).collect();
        self.left.extend(&ids);
        ids
    }

    /// Its open requests for a file that are still of use, and since when they are open.
    pub(crate) fn awaited(&self, file: FileId) -> impl Iterator<Item = &(Ask, Instant)> {
        let is_meant = move |(ask, _): &&(Ask, Instant)| ask.file == file && !self.left.contains(&ask.id);
        self.open.values().filter(is_meant)
    }

    /// Whether it was asked for the list of a file and has not answered.
    pub(crate) fn owes_list(&self, file: FileId) -> bool {
        self.open.values().any(|(ask, _)| ask.file == file && ask.what == What::List)
    }

    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.link, Link::Up | Link::Waiting(_))
    }

    /// Writes a request down as open.
    pub(crate) fn ask(&mut self, file: FileId, content: Content, what: What, now: Instant) -> Ask {
        while self.open.contains_key(&self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let ask = Ask { id: self.next_id, file, content, what };
        self.next_id = self.next_id.wrapping_add(1);
        self.window.asked(ask.bytes(), now);
        self.owing_since.get_or_insert(now);
        self.open.insert(ask.id, (ask, now));
        ask
    }

    /// Strikes a request out; `with_data` if its answer says something about the speed.
    /// Says too whether it was told to leave it.
    pub(crate) fn answered(&mut self, id: u32, with_data: bool, now: Instant) -> Option<(Ask, bool)> {
        let (ask, at) = self.open.remove(&id)?;
        let was_left = self.left.remove(&id);
        if with_data {
            self.speed.add(ask.bytes());
            self.window.answered(ask.bytes(), now.saturating_duration_since(at), now);
        } else {
            self.window.closed(ask.bytes());
        }
        if self.open.is_empty() {
            self.owes_nothing();
        } else if with_data {
            (self.owing_since, self.is_stalled) = (Some(now), false);
        }
        self.may_fill = true;
        Some((ask, was_left))
    }

    /// Every open request of a connection that is gone.
    pub(crate) fn disconnected(&mut self, now: Instant) -> Vec<Ask> {
        let is_useless = self.is_stalled || !self.open.is_empty();
        self.unanswered = self.unanswered.saturating_add(u32::from(is_useless));
        self.link = Link::Down;
        self.owes_nothing();
        self.way = None;
        self.window = Window::new(now);
        self.next_id = 0;
        self.left.clear();
        std::mem::take(&mut self.open).into_values().map(|(ask, _)| ask).collect()
    }

    /// How long a block may be on its way to somebody before this source is asked for it too.
    pub(crate) fn late(&self) -> Duration {
        (self.window.answer_time() * 2).max(Duration::from_millis(100))
    }
}

/// All sources there ever were since the program began; one entry a key, whatever it is called and where it is.
#[derive(Debug, Default)]
pub(crate) struct SourceTable {
    by_id: BTreeMap<SourceId, Source>,
    by_key: HashMap<PublicKey, SourceId>,
    /// All that have a connection or one on its way, and perhaps some that had.
    linked: BTreeSet<SourceId>,
}

impl SourceTable {
    /// The source with this key; a new address or name takes the place of the old.
    pub(crate) fn meet(&mut self, contact: &Contact, now: Instant) -> SourceId {
        let next = SourceId(u32::try_from(self.by_id.len()).unwrap_or(u32::MAX));
        let id = *self.by_key.entry(contact.key).or_insert(next);
        let source = self.by_id.entry(id).or_insert_with(|| Source::new(contact.clone(), now));
        if source.contact != *contact {
            source.contact = contact.clone();
            source.backoff.reset();
            source.has_not_answered = false;
            source.no_relay = None;
            source.excuse(now);
        }
        id
    }

    pub(crate) fn get(&self, id: SourceId) -> Option<&Source> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: SourceId) -> Option<&mut Source> {
        self.by_id.get_mut(&id)
    }

    /// A connection is on its way to a source, or stands.
    pub(crate) fn link(&mut self, id: SourceId, link: Link) {
        if let Some(source) = self.by_id.get_mut(&id) {
            (source.link, source.is_expected) = (link, false);
            self.linked.insert(id);
        }
    }

    /// Those with a connection, or one that is on its way: few, however many sources there ever were.
    pub(crate) fn linked(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        let all = self.linked.iter().filter_map(|id| Some((*id, self.by_id.get(id)?)));
        all.filter(|(_, source)| source.link != Link::Down)
    }

    /// The same, to change them meanwhile.
    pub(crate) fn linked_ids(&mut self) -> Vec<SourceId> {
        self.linked.retain(|id| self.by_id.get(id).is_some_and(|source| source.link != Link::Down));
        self.linked.iter().copied().collect()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (SourceId, &mut Source)> {
        self.by_id.iter_mut().map(|(id, source)| (*id, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::username::Username;

    #[test]
    fn another_port_is_an_excuse_now_and_then_only() {
        let mut table = SourceTable::default();
        let mut now = Instant::now();
        let contact = |port: u16| Contact {
            username: Username::new("eve").expect("a name"),
            address: Some(([10, 0, 0, 1], port).into()),
            key: PublicKey::from_bytes([1; 32]),
        };
        let id = table.meet(&contact(4000), now);
        for (port, after_secs, is_excused) in [(4001, 1, true), (4002, 1, false), (4003, 298, false), (4004, 1, true)] {
            now += Duration::from_secs(after_secs);
            if let Some(source) = table.get_mut(id) {
                (source.strikes, source.is_given_up) = (10, true);
            }
            assert_eq!(table.meet(&contact(port), now), id);
            assert_eq!(table.get(id).is_some_and(Source::is_trusted), is_excused, "{port}");
        }
    }
}
