//! Those who wait for a slot: households in the order of their turns, in each the keys in the order of theirs.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::model::household::household;
use crate::model::key::PublicKey;

/// A household that was served within this time is no newcomer.
const SERVED_LATELY: Duration = Duration::from_secs(600);
/// Households that are remembered as served; of more the one that was served first is taken for a newcomer.
const SERVED_MAX: usize = 1024;
/// A household that has waited for this long goes before newcomers, or a stream of them would keep it out.
const WAITED_LONG: Duration = Duration::from_secs(60);

/// One connection of a peer to our server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Who a connection is of, as far as turns go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taker {
    /// Where they are.
    pub household: IpAddr,
    /// Who they are.
    pub key: PublicKey,
}

impl Taker {
    /// Somebody with this key at this address.
    pub fn new(key: PublicKey, address: IpAddr) -> Self {
        Self { household: household(address), key }
    }
}

/// Households that wait, the next one first.
#[derive(Debug, Default)]
pub(super) struct SlotQueue {
    households: VecDeque<Waiting>,
    /// When each was given a slot last.
    served: BTreeMap<IpAddr, Instant>,
}

#[derive(Debug)]
struct Waiting {
    household: IpAddr,
    is_newcomer: bool,
    since: Instant,
    keys: VecDeque<(PublicKey, VecDeque<ConnectionId>)>,
}

impl SlotQueue {
    /// Somebody waits from now on.
    pub(super) fn add(&mut self, connection: ConnectionId, taker: Taker, now: Instant) {
        let Taker { household, key } = taker;
        let at = self.households.iter().position(|waiting| waiting.household == household);
        let at = at.unwrap_or_else(|| self.add_household(household, now));
        let Some(waiting) = self.households.get_mut(at) else { return };
        match waiting.keys.iter_mut().find(|(waiting, _)| *waiting == key) {
            Some((_, connections)) => connections.push_back(connection),
            None => waiting.keys.push_back((key, VecDeque::from([connection]))),
        }
    }

    fn add_household(&mut self, household: IpAddr, now: Instant) -> usize {
        let served = self.served.get(&household);
        let is_newcomer = served.is_none_or(|at| now.saturating_duration_since(*at) >= SERVED_LATELY);
        let newcomers = self.households.iter().take_while(|waiting| waiting.is_newcomer).count();
        let at = if is_newcomer { newcomers } else { self.households.len() };
        self.households.insert(at, Waiting { household, is_newcomer, since: now, keys: VecDeque::new() });
        at
    }

    /// Somebody waits no more.
    pub(super) fn remove(&mut self, connection: ConnectionId) {
        for waiting in &mut self.households {
            for (_, connections) in &mut waiting.keys {
                connections.retain(|waiting| *waiting != connection);
            }
            waiting.keys.retain(|(_, connections)| !connections.is_empty());
        }
        self.households.retain(|waiting| !waiting.keys.is_empty());
    }

    /// Whose turn it is, of those whose key may have a slot. Their household goes to the end, and in it their key.
    pub(super) fn next(
        &mut self,
        now: Instant,
        may_have: impl Fn(&PublicKey) -> bool,
    ) -> Option<(ConnectionId, Taker)> {
        let may = |waiting: &Waiting| waiting.keys.iter().any(|(key, _)| may_have(key));
        let has_waited = |waiting: &Waiting| now.saturating_duration_since(waiting.since) >= WAITED_LONG;
        let long = self.households.iter().position(|waiting| has_waited(waiting) && may(waiting));
        let at = long.or_else(|| self.households.iter().position(may))?;
        let mut waiting = self.households.remove(at)?;
        let of_key = waiting.keys.iter().position(|(key, _)| may_have(key))?;
        let (key, mut connections) = waiting.keys.remove(of_key)?;
        let connection = connections.pop_front()?;
        if !connections.is_empty() {
            waiting.keys.push_back((key, connections));
        }
        let household = waiting.household;
        if !waiting.keys.is_empty() {
            self.households.push_back(Waiting { is_newcomer: false, since: now, ..waiting });
        }
        self.note_served(household, now);
        Some((connection, Taker { household, key }))
    }

    fn note_served(&mut self, household: IpAddr, now: Instant) {
        self.served.insert(household, now);
        if self.served.len() > SERVED_MAX {
            let first = self.served.iter().min_by_key(|(_, at)| **at).map(|(household, _)| *household);
            first.iter().for_each(|first| _ = self.served.remove(first));
        }
    }

    /// Everybody who waits, once for each key.
    pub(super) fn takers(&self) -> impl Iterator<Item = Taker> {
        self.households
            .iter()
            .flat_map(|waiting| waiting.keys.iter().map(|(key, _)| Taker { household: waiting.household, key: *key }))
    }

    /// Those who wait, in the order of their turns.
    pub(super) fn in_order(&self) -> Vec<ConnectionId> {
        let in_turn = self.households.iter().map(|waiting| {
            round_robin(waiting.keys.iter().map(|(_, connections)| connections.iter().copied().collect()).collect())
        });
        round_robin(in_turn.collect())
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.households.is_empty()
    }
}

/// The first of each, then the second of each, and so on.
fn round_robin(lists: Vec<Vec<ConnectionId>>) -> Vec<ConnectionId> {
    let rounds = lists.iter().map(Vec::len).max().unwrap_or(0);
    (0..rounds).flat_map(|round| lists.iter().filter_map(move |list| list.get(round).copied())).collect()
}
