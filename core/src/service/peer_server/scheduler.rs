//! Everybody who is connected: who has a slot, who waits, what each was sent. One lock, never held while waiting.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::peer::Content;
use crate::transfer::slots::{Change, ConnectionId, Slots, Standing};
use crate::transfer::speed::Speed;
use crate::transfer::status::{Direction, State, TransferId, TransferState};

/// Connections of one key: one is enough, a second while the first is lost and not yet noticed.
const CONNECTIONS_PER_KEY_MAX: usize = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct UploadScheduler {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    slots: Slots,
    connections: HashMap<ConnectionId, Connection>,
    next: u64,
}

#[derive(Debug)]
struct Connection {
    key: PublicKey,
    user: Username,
    standing: watch::Sender<Standing>,
    content: Option<Content>,
    sent_bytes: u64,
    sent_answers: u64,
    speed: Speed,
    is_changed: bool,
}

impl UploadScheduler {
    pub(super) fn new(slots: usize, slots_per_key: usize) -> Arc<Self> {
        let slots = Slots::new(slots, slots_per_key);
        Arc::new(Self { inner: Mutex::new(Inner { slots, connections: HashMap::new(), next: 1 }) })
    }

    /// Somebody is here; `None` if they are here often enough already.
    pub(super) fn enter(
        self: &Arc<Self>,
        key: PublicKey,
        user: Username,
        now: Instant,
    ) -> Option<(Place, watch::Receiver<Standing>)> {
        let mut inner = self.inner.lock();
        if inner.connections.values().filter(|other| other.key == key).count() >= CONNECTIONS_PER_KEY_MAX {
            return None;
        }
        let id = ConnectionId(inner.next);
        inner.next += 1;
        let (standing, told) = watch::channel(Standing::Idle);
        let connection = Connection {
            key,
            user,
            standing,
            content: None,
            sent_bytes: 0,
            sent_answers: 0,
            speed: Speed::new(now),
            is_changed: false,
        };
        inner.connections.insert(id, connection);
        Some((Place { scheduler: Arc::clone(self), id, key }, told))
    }

    pub(super) fn set(&self, slots: usize, slots_per_key: usize, now: Instant) {
        self.apply(|machine| machine.set(slots, slots_per_key, now));
    }

    pub(super) fn tick(&self, now: Instant) {
        self.apply(|machine| machine.tick(now));
    }

    /// Those of which something changed since this was asked last, or all.
    pub(super) fn uploads(&self, only_changed: bool, now: Instant) -> Vec<TransferState> {
        let mut inner = self.inner.lock();
        let mut states = Vec::new();
        for (id, connection) in &mut inner.connections {
            let rate = connection.speed.rate(now);
            let is_changed = std::mem::take(&mut connection.is_changed);
            let Some(content) = connection.content else { continue };
            if only_changed && !is_changed && rate == 0 {
                continue;
            }
            let state = match *connection.standing.borrow() {
                Standing::Idle => State::Finished,
                Standing::Waiting(place) => State::WaitingForSlot(place),
                Standing::Serving => State::Running,
            };
            states.push(TransferState {
                position: 0,
                id: TransferId(id.0),
                direction: Direction::Upload,
                user: connection.user.clone(),
                label: content.hash.to_string(),
                target: None,
                files: connection.sent_answers,
                files_done: connection.sent_answers,
                total_bytes: connection.sent_bytes,
                done_bytes: connection.sent_bytes,
                bytes_per_second: rate,
                sources: 1,
                state,
            });
        }
        states.sort_by_key(|state| state.id);
        states
    }

    fn apply(&self, input: impl FnOnce(&mut Slots) -> Vec<Change>) {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        for (id, standing) in input(&mut inner.slots) {
            if let Some(connection) = inner.connections.get_mut(&id) {
                connection.is_changed = true;
                connection.standing.send_replace(standing);
            }
        }
    }
}

/// One connection's place at the scheduler; it leaves when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    scheduler: Arc<UploadScheduler>,
    id: ConnectionId,
    key: PublicKey,
}

impl Place {
    pub(super) fn id(&self) -> TransferId {
        TransferId(self.id.0)
    }

    /// There are requests.
    pub(super) fn want(&self, now: Instant) {
        self.scheduler.apply(|slots| slots.want(self.id, self.key, now));
    }

    /// There are none any more.
    pub(super) fn idle(&self, now: Instant) {
        self.scheduler.apply(|slots| slots.idle(self.id, now));
    }

    /// Bytes have left, the last of them of this content.
    pub(super) fn sent(&self, content: Option<&Content>, bytes: usize, answers: usize, now: Instant) {
        let bytes = bytes as u64;
        {
            let mut inner = self.scheduler.inner.lock();
            if let Some(connection) = inner.connections.get_mut(&self.id) {
                connection.sent_bytes = connection.sent_bytes.saturating_add(bytes);
                connection.sent_answers = connection.sent_answers.saturating_add(answers as u64);
                connection.speed.add(bytes);
                connection.content = content.copied().or(connection.content);
                connection.is_changed = true;
            }
        }
        self.scheduler.apply(|slots| slots.sent(self.id, bytes, now));
    }

    /// Whether anything was sent or waited for.
    pub(super) fn was_seen(&self) -> bool {
        self.scheduler.inner.lock().connections.get(&self.id).is_some_and(|connection| connection.content.is_some())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let now = tokio::time::Instant::now().into_std();
        self.scheduler.inner.lock().connections.remove(&self.id);
        self.scheduler.apply(|slots| slots.leave(self.id, now));
    }
}

/// Connections by address, handshakes included: counted before anybody has proven anything.
#[derive(Debug, Default)]
pub(super) struct ConnectionLimit {
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// Connections from one address.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 64;
/// Connections in all; each holds the buffers of a TLS session.
const CONNECTIONS_MAX: usize = 256;

impl ConnectionLimit {
    /// Counts a connection, or refuses it.
    pub(super) fn open(self: &Arc<Self>, address: IpAddr) -> Option<ConnectionPermit> {
        let mut open = self.open.lock();
        let in_all: usize = open.values().sum();
        let here = open.entry(address).or_default();
        if *here >= CONNECTIONS_PER_ADDRESS_MAX || in_all >= CONNECTIONS_MAX {
            if *here == 0 {
                open.remove(&address);
            }
            return None;
        }
        *here += 1;
        Some(ConnectionPermit { connection_limit: Arc::clone(self), address })
    }
}

/// One counted connection.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    connection_limit: Arc<ConnectionLimit>,
    address: IpAddr,
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.connection_limit.open.lock();
        if let Some(here) = open.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                open.remove(&self.address);
            }
        }
    }
}
