//! The node's one task. It owns everything that changes; what wakes it is an [`Event`], and handling one never waits.
//! What takes long is a child task that gets what it needs by value and reports back.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::model::invite::NetworkAddress;
use crate::model::metering::Metering;
use crate::net::identity::Identity;
use crate::net::outgoing::Outgoing;
use crate::node::children::{ChildReport, Children};
use crate::node::clock_watch::ClockWatch;
use crate::node::event::{NodeEvent, Outcome, TrackerConnection};
use crate::node::failure::Failure;
use crate::node::fetching;
use crate::node::hosting::Hosting;
use crate::node::intent::{Intent, IntentId};
use crate::node::moves::Moves;
use crate::node::outbox::Outbox;
use crate::node::past::History;
use crate::node::reaching_us::ReachingUs;
use crate::node::settings::Settings;
use crate::node::tracker_session::{SessionEvent, TrackerSession};
use crate::service::downloader::{DownloadSettings, Downloader};
use crate::service::nearby::{Nearby, NearbyWish};
use crate::service::peer_server::{PeerServer, UploadSettings};
use crate::service::port_mapper::{Mappings, PortMapper};
use crate::service::share_indexer::ShareIndexer;
use crate::service::share_indexer::event::LibraryEvent;
use crate::service::surroundings::Surroundings;
use crate::service::tracker_client::tap::Tap;
use crate::store::Store;
use crate::transfer::event::TransferEvent;

/// Everything is asked to stop at once; what has not stopped by then is left behind.
const NODE_STOP_MAX: Duration = Duration::from_millis(1800);

/// What wakes the node.
enum Event {
    /// A person asks for something.
    Asked(IntentId, Intent),
    /// The app has dropped its end: it is over.
    AppGone,
    /// A child task is done.
    Reported(ChildReport),
    /// The tracker session says something.
    Session(SessionEvent),
    /// Somebody waited long enough for the tracker's word.
    JoinTookTooLong,
    /// A download or an upload goes on.
    Transfer(TransferEvent),
    /// What I share has changed by itself, or could not be shared.
    Library(LibraryEvent),
    /// How it stands with the routers.
    Mapped(Mappings),
    /// The computer was asleep.
    ClockJumped,
    /// It is in another network.
    Elsewhere,
    /// The way to the Internet is metered, or is so no longer.
    Metered(Metering),
}

/// The running client: what it knows, and handles to what runs.
pub(super) struct NodeTask {
    pub(super) data_dir: PathBuf,
    pub(super) usual_download_folder: PathBuf,
    pub(super) settings: Settings,
    pub(super) metering: Metering,
    pub(super) store: Arc<Store>,
    pub(super) identity: Arc<Identity>,
    pub(super) share_indexer: ShareIndexer,
    pub(super) downloader: Downloader,
    pub(super) peer_server: Arc<PeerServer>,
    pub(super) uploading: watch::Sender<UploadSettings>,
    pub(super) downloading: watch::Sender<DownloadSettings>,
    pub(super) may_punch: watch::Sender<bool>,
    pub(super) tells_local_addresses: watch::Sender<bool>,
    pub(super) outgoing: watch::Sender<Outgoing>,
    pub(super) nearby: Arc<Nearby>,
    pub(super) nearby_wish: watch::Sender<NearbyWish>,
    pub(super) may_use_relay: watch::Sender<bool>,
    pub(super) session: TrackerSession,
    pub(super) reaching_us: ReachingUs,
    pub(super) port_mapper: PortMapper,
    pub(super) surroundings: watch::Receiver<Surroundings>,
    /// How it stood with the routers when it was told last.
    pub(super) mappings: Mappings,
    /// Names, regardless of case, of which it was told that they are another key's than we know.
    pub(super) warned_of: HashSet<String>,
    pub(super) tap: Arc<Tap>,
    pub(super) connection: TrackerConnection,
    /// Since when the owners of the network are asked to let us in, if they are.
    pub(super) owners_asked_at: Option<SystemTime>,
    /// Where a network was joined, and where it says that it is met.
    pub(super) met_at: Option<(NetworkAddress, NetworkAddress)>,
    pub(super) moves: Moves,
    pub(super) hosting: Option<Hosting>,
    pub(super) files_to_hash: u64,
    pub(super) is_announcing: bool,
    pub(super) outbox: Outbox,
    /// Where what has ended is written down.
    pub(super) history: History,
    pub(super) children: Children,
    /// The services' own tasks.
    pub(super) services: TaskTracker,
    pub(super) cancel: CancellationToken,
}

/// What others send to the node.
pub(super) struct NodeInbox {
    pub(super) transfers: mpsc::Receiver<TransferEvent>,
    pub(super) library: mpsc::Receiver<LibraryEvent>,
    pub(super) mappings: watch::Receiver<Mappings>,
    pub(super) surroundings: watch::Receiver<Surroundings>,
    pub(super) metering: watch::Receiver<Metering>,
}

impl NodeTask {
    /// Runs until the app drops its end of the intents.
    pub(super) async fn run(mut self, mut intents: mpsc::Receiver<(IntentId, Intent)>, mut inbox: NodeInbox) {
        let mut clocks = ClockWatch::new();
        self.next_move();
        loop {
            let event = self.next_event(&mut intents, &mut inbox, &mut clocks).await;
            match event {
                Event::Asked(id, intent) => self.carry_out(id, intent),
                Event::AppGone => break,
                Event::Reported(report) => self.reported(report),
                Event::Session(event) => self.hear_session(event),
                Event::JoinTookTooLong => self.give_join_up(),
                Event::Transfer(event) => self.hear_transfer(event),
                Event::Library(event) => self.hear_library(event),
                Event::Mapped(mappings) => self.hear_mappings(mappings),
                Event::ClockJumped => {
                    self.port_mapper.wake();
                    self.look_around();
                }
                Event::Elsewhere => self.look_around(),
                Event::Metered(metering) => self.hear_metering(metering),
            }
            self.want_mappings();
        }
        self.stop(inbox).await;
    }

    async fn next_event(
        &mut self,
        intents: &mut mpsc::Receiver<(IntentId, Intent)>,
        inbox: &mut NodeInbox,
        clocks: &mut ClockWatch,
    ) -> Event {
        let join_until = self.moves.join_until();
        tokio::select! {
            asked = intents.recv() => asked.map_or(Event::AppGone, |(id, intent)| Event::Asked(id, intent)),
            Some(report) = self.children.next() => Event::Reported(report),
            event = self.session.next() => Event::Session(event),
            () = tokio::time::sleep_until(join_until.unwrap_or_else(tokio::time::Instant::now)), if join_until.is_some() => {
                Event::JoinTookTooLong
            }
            Some(event) = inbox.transfers.recv() => Event::Transfer(event),
            // While the tracker is told of the last change, further ones are merged where they come from.
            Some(event) = inbox.library.recv(), if !self.is_announcing => Event::Library(event),
            Ok(()) = inbox.mappings.changed() => Event::Mapped(*inbox.mappings.borrow_and_update()),
            () = clocks.jumped() => Event::ClockJumped,
            Ok(()) = inbox.surroundings.changed() => Event::Elsewhere,
            Ok(()) = inbox.metering.changed() => Event::Metered(*inbox.metering.borrow_and_update()),
        }
    }

    fn reported(&mut self, report: ChildReport) {
        match report {
            ChildReport::Answered(id, result) => self.answer(Some(id), result),
            ChildReport::Announced => self.is_announcing = false,
            ChildReport::Moved(result) => self.moved(result),
        }
    }

    /// Tells the outcome of an intent. What was not asked for has none.
    pub(super) fn answer(&self, asked: Option<IntentId>, result: Result<Outcome, Failure>) {
        if let Some(id) = asked {
            self.outbox.push(NodeEvent::Outcome { id, result });
        }
    }

    fn hear_transfer(&self, event: TransferEvent) {
        remember(&self.history, &event);
        if let Some(event) = fetching::told_by(event) {
            self.outbox.push(event);
        }
    }

    /// First nothing new begins, then everything that runs ends together. What it says at its end is still told.
    async fn stop(mut self, mut inbox: NodeInbox) {
        self.cancel.cancel();
        self.children.cancel();
        self.give_moves_up();
        let all = async {
            while let Some(report) = self.children.next().await {
                match report {
                    // It was on its way when the end came: what it opened is closed like the rest.
                    ChildReport::Moved(arrival) => self.close_what_was_opened(arrival).await,
                    report => self.reported(report),
                }
            }
            self.session.end().await;
            if let Some(hosting) = self.hosting.take() {
                hosting.stop().await;
            }
            self.services.close();
            let (outbox, history) = (&self.outbox, self.history);
            let last_transfers = async move {
                while let Some(event) = inbox.transfers.recv().await {
                    remember(&history, &event);
                    fetching::told_by(event).into_iter().for_each(|event| outbox.push(event));
                }
            };
            let peer_server = async {
                // The children that had it have ended.
                if let Some(server) = Arc::into_inner(self.peer_server) {
                    server.stop().await;
                }
            };
            let last_shares = async { while inbox.library.recv().await.is_some() {} };
            tokio::join!(self.services.wait(), peer_server, last_transfers, last_shares);
        };
        if timeout(NODE_STOP_MAX, all).await.is_err() {
            tracing::warn!("some tasks did not stop in time");
        }
    }
}

/// What ended is written down.
fn remember(history: &History, event: &TransferEvent) {
    if let TransferEvent::Ended(transfer) = event {
        history.note(transfer.clone());
    }
}
