//! Joining and leaving a tracker.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::model::invite::{Invite, TrackerAddress};
use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::net::tls::{Purpose, TlsClient};
use crate::node::engine::Engine;
use crate::node::event::{Connection, NodeEvent, Outcome};
use crate::node::failure::Failure;
use crate::node::intent::IntentId;
use crate::node::tracker_session::away;
use crate::service::tracker_client::{ClientEvent, ClientSetup, TrackerClient};

/// How long the one who asked to join waits; the tries go on behind it.
const JOIN_MAX: Duration = Duration::from_secs(15);
/// Events of a session that wait for the node.
const EVENTS_MAX: usize = 1024;

impl Engine {
    /// Begins to join; what comes of it is told by [`NodeEvent::Connection`].
    pub(super) async fn begin_join(
        self: &Arc<Self>,
        asked: Option<IntentId>,
        tracker: TrackerAddress,
    ) -> Result<(), Failure> {
        let _one_at_a_time = self.joining.lock().await;
        self.not_overtaken(asked)?;
        self.tracker_session.leave().await;
        let username = self.own_name()?;
        let address = tracker.address.to_string();
        *self.at_tracker.lock() = Some(tracker.clone());
        self.set_connection(Connection::Connecting { tracker: address.clone(), why: None });
        let share_indexer = self.share_indexer.clone();
        let setup = ClientSetup {
            tracker,
            username,
            peer_port: PeerPort::new(self.peer_server.address().port()).ok(),
            tls: TlsClient::new(&self.identity, Purpose::Tracker),
            store: self.store.clone(),
            tap: Arc::clone(&self.tap),
            shares: Arc::new(move || share_indexer.shares()),
        };
        let cancel = self.cancel.child_token();
        let (events, heard) = mpsc::channel(EVENTS_MAX);
        let (client, task) = TrackerClient::start(setup, events, cancel.clone());
        let hearing = tokio::spawn(Arc::clone(self).hear_session(address, heard));
        self.tracker_session.begin(client, vec![task, hearing], cancel);
        Ok(())
    }

    pub(super) async fn join(self: &Arc<Self>, id: IntentId, tracker: TrackerAddress) -> Result<Outcome, Failure> {
        self.begin_join(Some(id), tracker).await?;
        self.wait_until_joined().await
    }

    /// Waits for the word of the tracker that is being joined.
    pub(super) async fn wait_until_joined(&self) -> Result<Outcome, Failure> {
        let mut connection = self.connection.subscribe();
        let decided = connection.wait_for(|now| matches!(now, Connection::Online { .. } | Connection::Refused { .. }));
        let decided = timeout(JOIN_MAX, decided).await.map(|now| now.map(|now| now.clone()));
        match decided {
            Ok(Ok(Connection::Refused { why, .. })) => Err(why),
            Ok(Ok(_online)) => Ok(Outcome::Done),
            Ok(Err(_)) | Err(_) => Err(self.why_offline()),
        }
    }

    pub(super) async fn leave(&self, id: IntentId) -> Result<Outcome, Failure> {
        let _one_at_a_time = self.joining.lock().await;
        self.not_overtaken(Some(id))?;
        self.tracker_session.leave().await;
        *self.at_tracker.lock() = None;
        self.set_connection(Connection::None);
        Ok(Outcome::Done)
    }

    /// Intents run side by side, so an older one may come to its turn after a newer one: the newest says where we are.
    fn not_overtaken(&self, asked: Option<IntentId>) -> Result<(), Failure> {
        let newest = self.newest_move.load(Ordering::Relaxed);
        if asked.is_some_and(|id| id.0 < newest) { Err(Failure::Cancelled) } else { Ok(()) }
    }

    /// The link to the tracker that we are at.
    pub(super) fn invite(&self) -> Result<Outcome, Failure> {
        if let Some(invite) = self.hosted_invite() {
            return Ok(Outcome::Invite(invite));
        }
        let client = self.tracker_session.client()?;
        let key = client.tracker_key().ok_or_else(|| self.why_offline())?;
        Ok(Outcome::Invite(Invite { address: client.tracker().clone(), key }))
    }

    fn own_name(&self) -> Result<Username, Failure> {
        let name = self.settings.borrow().name.clone();
        Username::new(&name).map_err(|why| Failure::Refused { code: "bad-name".into(), text: why.to_string() })
    }

    fn why_offline(&self) -> Failure {
        match &*self.connection.borrow() {
            Connection::None => Failure::NoTracker,
            Connection::Refused { why, .. } | Connection::Connecting { why: Some(why), .. } => why.clone(),
            Connection::Connecting { tracker, why: None } => {
                Failure::Offline { tracker: tracker.clone(), why: "no answer yet".into() }
            }
            Connection::Online { tracker, .. } => {
                Failure::Offline { tracker: tracker.clone(), why: "the connection was just lost".into() }
            }
        }
    }

    async fn hear_session(self: Arc<Self>, tracker: String, mut heard: mpsc::Receiver<ClientEvent>) {
        while let Some(event) = heard.recv().await {
            let tracker = tracker.clone();
            match event {
                ClientEvent::Connecting(why) => {
                    let why = why.map(|why| away(&tracker, why));
                    self.set_connection(Connection::Connecting { tracker, why });
                }
                ClientEvent::Online { network, message_of_the_day } => {
                    self.set_connection(Connection::Online { tracker, network, message_of_the_day });
                }
                ClientEvent::Refused(why) => {
                    let why = away(&tracker, why);
                    self.set_connection(Connection::Refused { tracker, why });
                }
                ClientEvent::Joined(user) => self.outbox.push(NodeEvent::Joined { user, at: SystemTime::now() }),
                ClientEvent::Left(user) => self.outbox.push(NodeEvent::Left(user)),
                ClientEvent::Shared(file) => self.outbox.push(NodeEvent::Shared(file)),
                ClientEvent::Unshared(user, path) => self.outbox.push(NodeEvent::Unshared { user, path }),
                ClientEvent::Changed(user) => self.outbox.push(NodeEvent::UserChanged(user)),
                ClientEvent::Resync => self.outbox.push(NodeEvent::Resync),
            }
        }
    }

    fn set_connection(&self, now: Connection) {
        let changed = self.connection.send_if_modified(|before| {
            let changed = *before != now;
            before.clone_from(&now);
            changed
        });
        if changed {
            self.outbox.push(NodeEvent::Connection(now));
        }
    }
}
