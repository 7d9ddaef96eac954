//! Connections to sources, and the tracker's word on who they are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::model::hash::ContentHash;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::service::downloader::Event;
use crate::service::downloader::link::{DownloadResources, ORDERS_MAX, Order};
use crate::service::downloader::reaching::Wanted;
use crate::service::downloader::source;
use crate::service::downloader::source_state::Reporter;
use crate::transfer::downloads::{Announced, FoundUser};
use crate::transfer::job::FileId;
use crate::transfer::{Contact, SourceId};

/// The tracker's answer to who has something.
const SOURCES_ANSWER_MAX: Duration = Duration::from_secs(15);

/// The connections that are open or being opened, one to a source.
pub(super) struct Connections {
    around: DownloadResources,
    open: HashMap<SourceId, Open>,
    /// How many there have been; the number of the newest.
    count: u64,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
}

/// A connection, from here.
struct Open {
    connection: u64,
    orders: mpsc::Sender<Order>,
    cancel: CancellationToken,
}

/// A connection hangs, and is left.
#[derive(Debug)]
pub(super) struct LeftConnection;

impl Connections {
    /// None yet. All of them end with `cancel`.
    pub(super) fn new(around: DownloadResources, events: mpsc::Sender<Event>, cancel: CancellationToken) -> Self {
        Self { around, open: HashMap::new(), count: 0, events, cancel }
    }

    /// Nobody to fetch from.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Counts up whenever it makes sense to look for sources again.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.around.directory.changes()
    }

    /// Counts up whenever this computer is in another network.
    pub(super) fn networks(&self) -> watch::Receiver<u64> {
        self.around.networks.clone()
    }

    /// What all of them together may take in a second; 0 is no limit.
    pub(super) fn set_limit(&self, bytes_per_second: u64) {
        self.around.limiter.set(bytes_per_second);
    }

    /// Where a user is now.
    pub(super) fn find(&self, user: &Username) -> FoundUser {
        self.around.directory.find(user)
    }

    /// Asks who has the content of a file; the answer is an [`Event::Sources`].
    pub(super) fn find_sources(&self, file: FileId, hash: ContentHash, tasks: &mut JoinSet<()>) {
        let (directory, events) = (Arc::clone(&self.around.directory), self.events.clone());
        tasks.spawn(async move {
            let found = timeout(SOURCES_ANSWER_MAX, directory.sources(hash)).await.unwrap_or_default();
            let _ended = events.send(Event::Sources(file, found)).await;
        });
    }

    /// Asks what a user shares under a path; the answer is an [`Event::Announced`].
    pub(super) fn find_share(&self, file: FileId, user: Username, path: SharePath, tasks: &mut JoinSet<()>) {
        let (directory, events) = (Arc::clone(&self.around.directory), self.events.clone());
        tasks.spawn(async move {
            let asked = timeout(SOURCES_ANSWER_MAX, directory.announced(user, path)).await;
            let _ended = events.send(Event::Announced(file, asked.unwrap_or(Announced::Unknown))).await;
        });
    }

    /// Opens a connection; what comes of it are [`Event::Source`]s with its number.
    pub(super) fn connect(&mut self, id: SourceId, contact: Contact, wanted: Wanted, tasks: &mut JoinSet<()>) {
        self.count += 1;
        let (orders, ordered) = mpsc::channel(ORDERS_MAX);
        let cancel = self.cancel.child_token();
        let reporter = Reporter { source: id, connection: self.count, events: self.events.clone() };
        self.open.insert(id, Open { connection: self.count, orders, cancel: cancel.clone() });
        tasks.spawn(source::run(contact, wanted, self.around.clone(), ordered, reporter, cancel));
    }

    /// Ends the connection to a source; nothing is heard of it any more.
    pub(super) fn disconnect(&mut self, id: SourceId) {
        if let Some(open) = self.open.remove(&id) {
            open.cancel.cancel();
        }
    }

    /// Has a connection do something; one that is gone, or whose last word is on the way, has nothing to do.
    ///
    /// # Errors
    ///
    /// [`LeftConnection`] if it hangs.
    pub(super) fn order(&mut self, id: SourceId, order: Order) -> Result<(), LeftConnection> {
        let Some(open) = self.open.get(&id) else { return Ok(()) };
        let Err(TrySendError::Full(_)) = open.orders.try_send(order) else { return Ok(()) };
        self.disconnect(id);
        Err(LeftConnection)
    }

    /// Whether this is the connection to this source, and no earlier one.
    pub(super) fn is_current(&self, id: SourceId, connection: u64) -> bool {
        self.open.get(&id).is_some_and(|open| open.connection == connection)
    }

    /// A connection has ended by itself.
    pub(super) fn ended(&mut self, id: SourceId) {
        self.open.remove(&id);
    }

    /// Ends all of them.
    pub(super) fn disconnect_all(&mut self) {
        for (_, open) in self.open.drain() {
            open.cancel.cancel();
        }
    }
}
