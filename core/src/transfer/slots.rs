//! Who is served now, and who waits at which place.
//!
//! A slot is held by one connection while it has open requests. Households take turns, whatever number of keys each has,
//! and in a household keys do, whatever number of connections or requests each has: keys cost nothing, addresses do. A
//! household that was not served lately comes first. It does not know what is sent.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::model::key::PublicKey;
use crate::transfer::slot_queue::SlotQueue;
pub use crate::transfer::slot_queue::{ConnectionId, Taker};

/// After so many bytes a slot goes on to whoever waits.
pub const TURN_BYTES: u64 = 64 * 1024 * 1024;
/// Or after this time.
pub const TURN_TIME: Duration = Duration::from_secs(30);
/// Or after this time, if its household has another slot and somebody of a household that has none waits.
pub const CROWDED_TURN_TIME: Duration = Duration::from_secs(2);
/// A slot without requests is kept this long: the next request is often on its way.
pub const IDLE_GRACE: Duration = Duration::from_millis(250);

/// What a connection is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has no slot and asked for none.
    Idle,
    /// It waits; 1 is next.
    Waiting(u32),
    /// It has a slot.
    Serving,
}

#[derive(Debug)]
struct Served {
    taker: Taker,
    since: Instant,
    bytes: u64,
    idle_since: Option<Instant>,
}

/// The upload slots and their queue.
#[derive(Debug)]
pub struct Slots {
    total: usize,
    per_key: usize,
    serving: BTreeMap<ConnectionId, Served>,
    waiting: SlotQueue,
    /// What each waiting connection was told last.
    told: BTreeMap<ConnectionId, Standing>,
}

/// A connection's standing has changed.
pub type Change = (ConnectionId, Standing);

impl Slots {
    /// So many slots in all, so many of one key; at least one each.
    pub fn new(total: usize, per_key: usize) -> Self {
        let waiting = SlotQueue::default();
        Self { total: total.max(1), per_key: per_key.max(1), serving: BTreeMap::new(), waiting, told: BTreeMap::new() }
    }

    /// Other settings hold at once; with fewer slots the longest served go back to the queue.
    pub fn set(&mut self, total: usize, per_key: usize, now: Instant) -> Vec<Change> {
        (self.total, self.per_key) = (total.max(1), per_key.max(1));
        loop {
            let over_total = self.serving.len() > self.total;
            let longest = self
                .serving
                .iter()
                .filter(|(_, served)| over_total || self.serving_of(&served.taker.key) > self.per_key)
                .min_by_key(|(_, served)| served.since);
            match longest.map(|(connection, _)| *connection) {
                Some(connection) => self.send_back(connection, now),
                None => return self.settle(now),
            }
        }
    }

    /// A connection has requests.
    pub fn want(&mut self, connection: ConnectionId, taker: Taker, now: Instant) -> Vec<Change> {
        if let Some(served) = self.serving.get_mut(&connection) {
            served.idle_since = None;
            return Vec::new();
        }
        if !self.told.contains_key(&connection) {
            self.enqueue(connection, taker, now);
        }
        self.settle(now)
    }

    /// A connection that is served has sent something.
    pub fn sent(&mut self, connection: ConnectionId, bytes: u64, now: Instant) -> Vec<Change> {
        let Some(served) = self.serving.get_mut(&connection) else { return Vec::new() };
        served.bytes = served.bytes.saturating_add(bytes);
        if served.bytes >= TURN_BYTES && !self.waiting.is_empty() { self.tick(now) } else { Vec::new() }
    }

    /// A connection has no requests any more. It keeps its slot for [`IDLE_GRACE`].
    pub fn idle(&mut self, connection: ConnectionId, now: Instant) -> Vec<Change> {
        if let Some(served) = self.serving.get_mut(&connection) {
            served.idle_since.get_or_insert(now);
            return Vec::new();
        }
        if self.told.contains_key(&connection) {
            self.dequeue(connection);
            let mut changes = self.settle(now);
            changes.push((connection, Standing::Idle));
            return changes;
        }
        Vec::new()
    }

    /// A connection is gone.
    pub fn leave(&mut self, connection: ConnectionId, now: Instant) -> Vec<Change> {
        self.serving.remove(&connection);
        self.dequeue(connection);
        self.settle(now)
    }

    /// Time has passed: turns end, idle slots become free. To be called about once a second.
    pub fn tick(&mut self, now: Instant) -> Vec<Change> {
        let is_over =
            |served: &Served| served.idle_since.is_some_and(|since| now.saturating_duration_since(since) >= IDLE_GRACE);
        let idle: Vec<ConnectionId> = self.serving.iter().filter(|(_, s)| is_over(s)).map(|(c, _)| *c).collect();
        let mut changes: Vec<Change> = idle.iter().map(|connection| (*connection, Standing::Idle)).collect();
        for connection in &idle {
            self.serving.remove(connection);
        }
        changes.extend(self.settle(now));
        while let Some(connection) = self.whose_turn_ends(now) {
            self.send_back(connection, now);
            changes.extend(self.settle(now));
        }
        changes
    }

    /// How many are served and how many wait.
    pub fn counts(&self) -> (usize, usize) {
        (self.serving.len(), self.told.len())
    }

    fn serving_of(&self, key: &PublicKey) -> usize {
        self.serving.values().filter(|served| served.taker.key == *key).count()
    }

    fn serving_in(&self, household: IpAddr) -> usize {
        self.serving.values().filter(|served| served.taker.household == household).count()
    }

    fn enqueue(&mut self, connection: ConnectionId, taker: Taker, now: Instant) {
        self.told.insert(connection, Standing::Idle);
        self.waiting.add(connection, taker, now);
    }

    fn dequeue(&mut self, connection: ConnectionId) {
        if self.told.remove(&connection).is_some() {
            self.waiting.remove(connection);
        }
    }

    fn send_back(&mut self, connection: ConnectionId, now: Instant) {
        if let Some(served) = self.serving.remove(&connection) {
            self.enqueue(connection, served.taker, now);
        }
    }

    /// The longest served connection whose turn is over, if somebody could take its place.
    fn whose_turn_ends(&self, now: Instant) -> Option<ConnectionId> {
        let lasts = |served: &Served| now.saturating_duration_since(served.since);
        let is_over = |served: &Served| served.bytes >= TURN_BYTES || lasts(served) >= TURN_TIME;
        let could_follow = |served: &Served| {
            self.waiting
                .takers()
                .any(|taker| taker.key == served.taker.key || self.serving_of(&taker.key) < self.per_key)
        };
        let some_have_none = self
            .waiting
            .takers()
            .any(|taker| self.serving_in(taker.household) == 0 && self.serving_of(&taker.key) < self.per_key);
        let crowds = |served: &Served| {
            some_have_none && lasts(served) >= CROWDED_TURN_TIME && self.serving_in(served.taker.household) > 1
        };
        let over = self.serving.iter().filter(|(_, s)| (is_over(s) && could_follow(s)) || crowds(s));
        over.min_by_key(|(_, served)| served.since).map(|(connection, _)| *connection)
    }

    /// Gives free slots away in turn, then tells everybody whose place has changed.
    fn settle(&mut self, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        while self.serving.len() < self.total {
            let (serving, per_key) = (&self.serving, self.per_key);
            let may_have =
                |key: &PublicKey| serving.values().filter(|served| served.taker.key == *key).count() < per_key;
            let Some((connection, taker)) = self.waiting.next(now, may_have) else { break };
            self.told.remove(&connection);
            self.serving.insert(connection, Served { taker, since: now, bytes: 0, idle_since: None });
            changes.push((connection, Standing::Serving));
        }
        for (place, connection) in (1..).zip(self.waiting.in_order()) {
            let standing = Standing::Waiting(place);
            if self.told.insert(connection, standing) != Some(standing) {
                changes.push((connection, standing));
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All of them at one address.
    fn key(n: u8) -> Taker {
        at(n, 1)
    }

    fn at(n: u8, address: u8) -> Taker {
        Taker::new(PublicKey::from_bytes([n; 32]), IpAddr::from([192, 0, 2, address]))
    }

    fn id(n: u64) -> ConnectionId {
        ConnectionId(n)
    }

    use Standing::{Idle, Serving, Waiting};

    #[test]
    fn keys_take_turns() {
        let now = Instant::now();
        let mut slots = Slots::new(2, 1);
        assert_eq!(slots.want(id(1), key(1), now), [(id(1), Serving)]);
        assert_eq!(slots.want(id(2), key(1), now), [(id(2), Waiting(1))], "one slot a key");
        assert_eq!(slots.want(id(3), key(1), now), [(id(3), Waiting(2))]);
        assert_eq!(slots.want(id(4), key(2), now), [(id(4), Serving)], "a slot was free for another key");
        assert_eq!(slots.want(id(5), key(3), now), [(id(5), Waiting(2)), (id(3), Waiting(3))], "before 1's second");
        assert_eq!(slots.want(id(5), key(3), now), [], "nothing new");
        assert_eq!(slots.leave(id(4), now), [(id(5), Serving), (id(3), Waiting(2))]);
        assert_eq!(slots.leave(id(1), now), [(id(2), Serving), (id(3), Waiting(1))]);
        assert_eq!(slots.idle(id(3), now), [(id(3), Idle)]);
        assert_eq!(slots.counts(), (2, 0));
    }

    #[test]
    fn a_newcomer_waits_for_no_crowd_of_keys_of_one_address() {
        let start = Instant::now();
        let mut slots = Slots::new(4, 2);
        for n in 0..60u8 {
            slots.want(id(n.into()), at(n, 1), start);
        }
        assert_eq!(slots.counts(), (4, 56));
        let told = slots.want(id(100), at(100, 2), start);
        assert!(told.contains(&(id(100), Waiting(1))), "{told:?}");
        assert_eq!(slots.tick(start + CROWDED_TURN_TIME - Duration::from_millis(1)), []);
        let told = slots.tick(start + CROWDED_TURN_TIME);
        assert!(told.contains(&(id(100), Serving)), "{told:?}");
        assert_eq!(slots.counts(), (4, 57), "one slot is enough for whoever had none");
        // Whoever was served lately comes behind newcomers, and before the crowd's next ones in turn.
        slots.leave(id(100), start + CROWDED_TURN_TIME);
        slots.want(id(101), at(100, 2), start + CROWDED_TURN_TIME);
        let told = slots.want(id(102), at(102, 3), start + CROWDED_TURN_TIME);
        assert!(told.contains(&(id(102), Waiting(1))), "{told:?}");
    }

    #[test]
    fn a_turn_ends_by_bytes_or_time_only_if_somebody_can_follow() {
        let start = Instant::now();
        let mut slots = Slots::new(2, 1);
        slots.want(id(1), key(1), start);
        slots.want(id(2), key(2), start);
        assert_eq!(slots.sent(id(1), TURN_BYTES, start), [], "nobody waits");
        slots.want(id(3), key(2), start);
        assert_eq!(slots.sent(id(1), 1, start), [], "2 has its slot already");
        assert_eq!(slots.sent(id(2), TURN_BYTES, start), [(id(3), Serving), (id(2), Waiting(1))], "2's own turn");
        slots.want(id(4), key(4), start);
        assert_eq!(slots.sent(id(1), 1, start), [(id(4), Serving), (id(1), Waiting(2))]);
        let later = start + TURN_TIME;
        let changes = slots.tick(later);
        assert!(changes.contains(&(id(2), Serving)) && changes.contains(&(id(1), Serving)), "{changes:?}");
    }

    #[test]
    fn an_idle_slot_is_kept_for_a_moment() {
        let now = Instant::now();
        let mut slots = Slots::new(1, 1);
        slots.want(id(1), key(1), now);
        slots.want(id(2), key(2), now);
        assert_eq!(slots.idle(id(1), now), []);
        assert_eq!(slots.tick(now + IDLE_GRACE / 2), []);
        slots.want(id(1), key(1), now + IDLE_GRACE / 2);
        assert_eq!(slots.tick(now + IDLE_GRACE), [], "it went on");
        slots.idle(id(1), now + IDLE_GRACE);
        assert_eq!(slots.tick(now + IDLE_GRACE * 2), [(id(1), Idle), (id(2), Serving)]);
    }

    #[test]
    fn settings_hold_at_once() {
        let now = Instant::now();
        let mut slots = Slots::new(3, 2);
        for n in 1..=4u8 {
            slots.want(id(n.into()), key(n), now + Duration::from_millis(n.into()));
        }
        assert_eq!(slots.counts(), (3, 1));
        slots.set(1, 1, now);
        assert_eq!(slots.counts(), (1, 3));
        slots.set(0, 0, now);
        assert_eq!(slots.counts(), (1, 3), "one at least, or nobody would ever be served");
        slots.set(9, 9, now);
        assert_eq!(slots.counts(), (4, 0));
    }

    proptest! {
        /// Whatever happens: no more are served than allowed, nobody waits while a slot for them is free, places are
        /// 1, 2, 3 …, and what was told is what is.
        #[test]
        fn slots_are_never_overdrawn_nor_left_free(
            total in 1..5usize,
            per_key in 1..3usize,
            steps in proptest::collection::vec((0..7u8, 0..12u64, 0..40u64), 1..200),
        ) {
            let mut now = Instant::now();
            let mut slots = Slots::new(total, per_key);
            let mut seen: BTreeMap<ConnectionId, Standing> = BTreeMap::new();
            for (what, n, seconds) in steps {
                let owner = key(u8::try_from(n % 4).expect("small"));
                let changes = match what {
                    0 | 1 => slots.want(id(n), owner, now),
                    2 => slots.idle(id(n), now),
                    3 => slots.sent(id(n), TURN_BYTES, now),
                    4 => {
                        seen.remove(&id(n));
                        slots.leave(id(n), now)
                    }
                    5 => {
                        now += Duration::from_secs(seconds);
                        slots.tick(now)
                    }
                    _ => slots.set(total, per_key, now),
                };
                for (connection, standing) in changes {
                    seen.insert(connection, standing);
                }
                let serving = seen.iter().filter(|(_, s)| **s == Serving).count();
                let waiting: Vec<_> = seen.iter().filter(|(_, s)| matches!(s, Waiting(_))).map(|(c, _)| *c).collect();
                prop_assert_eq!(slots.counts(), (serving, waiting.len()));
                prop_assert!(serving <= total);
                let of_key = |n: u64| seen.iter().filter(|(c, s)| **s == Serving && c.0 % 4 == n).count();
                prop_assert!((0..4).all(|n| of_key(n) <= per_key));
                if serving < total {
                    prop_assert!(waiting.iter().all(|c| of_key(c.0 % 4) == per_key), "a slot is free for one who waits");
                }
                let mut places: Vec<u32> = seen
                    .values()
                    .filter_map(|s| if let Waiting(place) = s { Some(*place) } else { None })
                    .collect();
                places.sort_unstable();
                prop_assert_eq!(places, (1..=u32::try_from(waiting.len()).expect("few")).collect::<Vec<_>>());
            }
        }
    }
}
