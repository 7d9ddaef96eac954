//! Everybody who is connected: who has a slot, who waits, what each was sent. One lock, never held while waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::model::attempt::TriedWay;
use crate::model::key::PublicKey;
use crate::model::share_path::SharePath;
use crate::model::transfer::{Transfer, TransferId};
use crate::model::transfer_details::TransferDetails;
use crate::model::username::Username;
use crate::model::way::Way;
use crate::protocol::peer::{Content, Request};
use crate::service::peer_server::content_source::ContentSource;
use crate::service::transfer_numbers::TransferNumbers;
use crate::transfer::slots::{Change, ConnectionId, Slots, Standing, Taker};
use crate::transfer::uploads::{Answered, Uploads};

/// Connections of one key: one is enough, a second while the first is lost and not yet noticed.
const CONNECTIONS_PER_KEY_MAX: usize = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct UploadScheduler {
    inner: Mutex<Inner>,
    numbers: Arc<TransferNumbers>,
}

#[derive(Debug)]
struct Inner {
    slots: Slots,
    uploads: Uploads,
    /// Nothing is sent over the Internet: see [`UploadScheduler::set_metered`].
    is_metered: bool,
    connections: HashMap<ConnectionId, Connection>,
    next: u64,
}

#[derive(Debug)]
struct Connection {
    key: PublicKey,
    way: Way,
    /// `None` when it is stopped: by a person, or because the way to the Internet is metered.
    standing: watch::Sender<Option<Standing>>,
}

impl UploadScheduler {
    pub(super) fn new(slots: usize, slots_per_key: usize, numbers: Arc<TransferNumbers>) -> Arc<Self> {
        let slots = Slots::new(slots, slots_per_key);
        let uploads = Uploads::default();
        let inner = Inner { slots, uploads, is_metered: false, connections: HashMap::new(), next: 1 };
        Arc::new(Self { inner: Mutex::new(inner), numbers })
    }

    /// Somebody is here; `None` if they are here often enough already.
    pub(super) fn enter(
        self: &Arc<Self>,
        taker: Taker,
        user: Username,
        way: Way,
        now: Instant,
    ) -> Option<(Place, watch::Receiver<Option<Standing>>)> {
        let key = taker.key;
        let mut inner = self.inner.lock();
        if inner.connections.values().filter(|other| other.key == key).count() >= CONNECTIONS_PER_KEY_MAX {
            return None;
        }
        let id = ConnectionId(inner.next);
        inner.next += 1;
        let is_stopped = (inner.is_metered && way != Way::Nearby) || inner.uploads.is_stopped(&key, now);
        inner.uploads.enter(id, key, user, way);
        let (standing, told) = watch::channel((!is_stopped).then_some(Standing::Idle));
        inner.connections.insert(id, Connection { key, way, standing });
        Some((Place { scheduler: Arc::clone(self), id, taker }, told))
    }

    pub(super) fn set(&self, slots: usize, slots_per_key: usize, now: Instant) {
        self.inner.lock().apply(|machine| machine.set(slots, slots_per_key, now));
    }

    pub(super) fn tick(&self, now: Instant) {
        let mut inner = self.inner.lock();
        inner.apply(|slots| slots.tick(now));
        inner.uploads.tick(now);
    }

    /// All uploads, by number.
    pub(super) fn uploads(&self, now: Instant) -> Vec<Transfer> {
        self.inner.lock().uploads.all(now)
    }

    pub(super) fn has(&self, id: TransferId) -> bool {
        self.inner.lock().uploads.has(id)
    }

    /// Tells what is gone, then what has changed, as long as `tell` takes it. What is left is told the next time.
    pub(super) fn tell(&self, now: Instant, mut tell: impl FnMut(UploadChange) -> bool) {
        let mut inner = self.inner.lock();
        while let Some(id) = inner.uploads.gone() {
            if !tell(UploadChange::Gone(id)) {
                return;
            }
            inner.uploads.gone_told();
        }
        for changed in inner.uploads.changed(now) {
            if !tell(UploadChange::Changed(changed.clone())) {
                return;
            }
            inner.uploads.told(&changed);
        }
    }

    /// Sends nothing more to whoever takes this, for a while. `false` if there is no such upload.
    pub(super) fn stop_taker(&self, id: TransferId, now: Instant) -> bool {
        let mut inner = self.inner.lock();
        let Some(connections) = inner.uploads.stop(id, now) else { return false };
        inner.stop(connections, now);
        true
    }

    /// Whether the way to the Internet is metered, so that nothing is to be sent over it. Whoever asks is told to come
    /// again later, and does so by themselves. Who is nearby is served all the same: there bytes cost nothing.
    pub(super) fn set_metered(&self, is_metered: bool, now: Instant) {
        let mut inner = self.inner.lock();
        if std::mem::replace(&mut inner.is_metered, is_metered) == is_metered {
            return;
        }
        inner.uploads.set_metered(is_metered);
        if is_metered {
            let far = inner.connections.iter().filter(|(_, connection)| connection.way != Way::Nearby);
            let far = far.map(|(id, _)| *id).collect();
            inner.stop(far, now);
        }
    }

    /// Lets whoever takes this go on. `false` if there is no such upload.
    pub(super) fn let_taker_go_on(&self, id: TransferId) -> bool {
        self.inner.lock().uploads.let_go_on(id)
    }

    /// What came to its end since this was asked last.
    pub(super) fn take_ended(&self) -> Vec<Transfer> {
        self.inner.lock().uploads.take_ended()
    }

    /// What is behind an upload; `None` if there is no such upload.
    pub(super) fn describe(&self, id: TransferId, now: Instant) -> Option<TransferDetails> {
        self.inner.lock().uploads.describe(id, now)
    }

    /// Takes an upload that rests off the list. `false` if there is no such upload.
    pub(super) fn acknowledge(&self, id: TransferId) -> bool {
        self.inner.lock().uploads.acknowledge(id)
    }
}

/// What is told of uploads.
#[derive(Debug)]
pub(super) enum UploadChange {
    /// It is so now.
    Changed(Transfer),
    /// It is gone from the list.
    Gone(TransferId),
}

impl Inner {
    fn apply(&mut self, input: impl FnOnce(&mut Slots) -> Vec<Change>) {
        for (id, standing) in input(&mut self.slots) {
            let Some(connection) = self.connections.get(&id) else { continue };
            let is_stopped = connection.standing.borrow().is_none();
            if !is_stopped {
                connection.standing.send_replace(Some(standing));
                self.uploads.stands(id, standing);
            }
        }
    }

    /// These are sent nothing more, and end.
    fn stop(&mut self, connections: Vec<ConnectionId>, now: Instant) {
        for connection in connections {
            self.apply(|slots| slots.leave(connection, now));
            if let Some(connection) = self.connections.get(&connection) {
                connection.standing.send_replace(None);
            }
        }
    }

    fn is_stopped(&self, id: ConnectionId) -> bool {
        self.connections.get(&id).is_none_or(|connection| connection.standing.borrow().is_none())
    }
}

/// One connection's place at the scheduler; it leaves when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    scheduler: Arc<UploadScheduler>,
    id: ConnectionId,
    taker: Taker,
}

impl Place {
    /// Whether it is stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.scheduler.inner.lock().is_stopped(self.id)
    }

    /// What the peer says it has tried to reach us.
    pub(super) fn tried(&self, tried: Vec<TriedWay>) {
        self.scheduler.inner.lock().uploads.tried(self.id, tried);
    }

    /// There are requests.
    pub(super) fn want(&self, now: Instant) {
        let mut inner = self.scheduler.inner.lock();
        if !inner.is_stopped(self.id) {
            inner.apply(|slots| slots.want(self.id, self.taker, now));
        }
    }

    /// There are none any more.
    pub(super) fn idle(&self, now: Instant) {
        self.scheduler.inner.lock().apply(|slots| slots.idle(self.id, now));
    }

    /// These requests wait for their answers from now on.
    pub(super) fn asked(&self, requests: &[Request], content_source: &dyn ContentSource) {
        let contents: Vec<Content> = requests.iter().filter_map(Request::content).collect();
        let new: Vec<Content> = {
            let inner = self.scheduler.inner.lock();
            contents.iter().filter(|content| inner.uploads.needs_path(self.id, content)).copied().collect()
        };
        // The library is asked while nobody waits for the scheduler.
        let paths: HashMap<Content, SharePath> =
            new.into_iter().filter_map(|content| Some((content, content_source.path(&content)?))).collect();
        let now = tokio::time::Instant::now().into_std();
        let mut inner = self.scheduler.inner.lock();
        for content in contents {
            inner.uploads.asked(self.id, content, paths.get(&content), || self.scheduler.numbers.take(), now);
        }
    }

    /// Bytes have left, with the answers to these requests.
    pub(super) fn sent(&self, answered: &[Answered], bytes: usize, now: Instant) {
        let mut inner = self.scheduler.inner.lock();
        for answered in answered {
            inner.uploads.answered(self.id, answered, now);
        }
        inner.apply(|slots| slots.sent(self.id, bytes as u64, now));
    }

    /// A request that waited will have no data.
    pub(super) fn refused(&self, request: &Request) {
        let Some(content) = request.content() else { return };
        let now = tokio::time::Instant::now().into_std();
        self.scheduler.inner.lock().uploads.answered(self.id, &Answered { content, block: None, bytes: 0 }, now);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let now = tokio::time::Instant::now().into_std();
        let mut inner = self.scheduler.inner.lock();
        inner.connections.remove(&self.id);
        inner.uploads.leave(self.id, now);
        inner.apply(|slots| slots.leave(self.id, now));
    }
}
