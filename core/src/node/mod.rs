//! Floor 5: the whole client as one thing that a window, a console or a test starts and stops.
//!
//! [`intent::Intent`] goes in, [`event::NodeEvent`] comes out, over crossbeam channels; a `wake` closure tells the other
//! side that something is there. Nothing here knows a toolkit, and nothing here waits for whoever listens.

mod asking;
mod awaiting;
mod bridge;
mod carrying_out;
mod children;
mod clock_watch;
mod download_place;
pub mod event;
pub mod failure;
mod fetching;
mod gathering;
mod here;
mod hosting;
pub mod intent;
mod known_users;
mod listing;
mod lookup;
mod main_loop;
mod moves;
mod moving;
mod naming;
mod near;
pub mod not_shareable;
mod outbox;
mod owning;
pub mod partly_there;
mod past;
mod placing;
mod reach_news;
mod reaching_us;
pub mod settings;
mod sharing;
mod starting;
#[cfg(all(test, unix))]
mod tests;
mod tracker_directory;
mod tracker_session;
pub mod warning;
pub mod work;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::watch;

use crate::model::metering::Metering;
use crate::node::event::NodeEvent;
use crate::node::failure::Failure;
use crate::node::intent::{Intent, IntentId};
use crate::node::outbox::Outbox;
use crate::node::settings::Settings;
use crate::node::work::FailedWork;

/// How long the last notices may take to be read.
const LAST_WORDS_MAX: Duration = Duration::from_millis(50);
/// How long blocking work, a file that is being hashed for example, may take to see that it is over.
const BLOCKING_MAX: Duration = Duration::from_millis(100);

/// What a client needs to start.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where identity, database and the embedded tracker's data are.
    pub data_dir: PathBuf,
    /// As read from the settings file and changed by arguments.
    pub settings: Settings,
    /// Where downloads go if the settings do not say: the system's folder for them. Without one it is `downloads` below
    /// the data folder.
    pub download_folder: Option<PathBuf>,
    /// Run the embedded tracker here, and join it.
    pub host_tracker: Option<SocketAddr>,
    /// Whether the way to the Internet is metered, as the system says; without it nothing says so.
    pub metering: Option<watch::Receiver<Metering>>,
}

/// Why a client cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NodeStartError {
    /// A second program on the same data folder.
    #[error("another Potok uses the data folder {0}; close it, or choose another with --data-dir")]
    InUse(PathBuf),
    /// The embedded tracker cannot be started, or the name cannot be used.
    #[error(transparent)]
    Failed(Failure),
    /// The identity, the database or a socket.
    #[error("{what}: {why}")]
    System {
        /// What was being opened.
        what: FailedWork,
        /// What the system said.
        why: String,
    },
}

impl From<std::io::Error> for NodeStartError {
    fn from(error: std::io::Error) -> Self {
        Self::System { what: FailedWork::ServingPeers, why: error.to_string() }
    }
}

/// A running client: it is asked with intents and tells events. It stops when [`Node::stop`] is called.
///
/// ```
/// use std::sync::Arc;
///
/// use potok_core::node::event::{NodeEvent, Outcome};
/// use potok_core::node::intent::Intent;
/// use potok_core::node::settings::Settings;
/// use potok_core::node::{Node, Setup};
///
/// let folder = tempfile::tempdir()?;
/// let settings = Settings { name: Some("anna".parse()?), listen: "127.0.0.1:0".parse()?, ..Settings::default() };
/// let setup = Setup { data_dir: folder.path().to_owned(), settings, download_folder: None, host_tracker: None, metering: None };
/// let node = Node::start(setup, Arc::new(|| {}))?;
///
/// let asked = node.ask(Intent::ListShares);
/// let outcome = node.notices().iter().find_map(|event| match event {
///     NodeEvent::Outcome { id, result } if id == asked => Some(result),
///     _ => None,
/// });
/// assert_eq!(outcome, Some(Ok(Outcome::Shared(Vec::new()))));
/// node.stop();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Node {
    intents: Sender<(IntentId, Intent)>,
    notices: Receiver<NodeEvent>,
    next_id: AtomicU64,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Called whenever a notice is there to be read; it must return at once.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

impl Node {
    /// Starts everything. Returns once identity, database and peer port are there; joining goes on behind it.
    pub fn start(setup: Setup, wake: Wake) -> Result<Self, NodeStartError> {
        let (intents, from_app) = crossbeam_channel::bounded(bridge::INTENTS_MAX);
        let (to_app, notices) = crossbeam_channel::bounded(outbox::CHANNEL_MAX);
        let system =
            |what: FailedWork| move |error: std::io::Error| NodeStartError::System { what, why: error.to_string() };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("potok").build();
        let runtime = runtime.map_err(system(FailedWork::StartingRuntime))?;
        // What is told of paths stays right when the current folder changes.
        let data_dir = std::path::absolute(&setup.data_dir).map_err(system(FailedWork::OpeningDataFolder))?;
        let setup = Setup { data_dir, ..setup };
        let opened = starting::open(&setup)?;
        let outbox = Outbox::new();
        let (node, inbox) = runtime.block_on(starting::start(setup, opened, outbox.clone()))?;
        let intents_of_app = bridge::start(from_app).map_err(system(FailedWork::StartingThread))?;
        let run = move || {
            let pump = runtime.spawn(outbox.clone().pump(to_app, wake));
            runtime.block_on(node.run(intents_of_app, inbox));
            outbox.push(NodeEvent::Stopped);
            // An app that has gone reads no more; one that waits for the end gets it.
            let _ = runtime.block_on(async { tokio::time::timeout(LAST_WORDS_MAX, outbox.emptied()).await });
            pump.abort();
            runtime.shutdown_timeout(BLOCKING_MAX);
        };
        let thread = std::thread::Builder::new()
            .name("potok-engine".into())
            .spawn(run)
            .map_err(system(FailedWork::StartingThread))?;
        Ok(Self { intents, notices, next_id: AtomicU64::new(1), thread: Some(thread) })
    }

    /// Sends a wish; its outcome comes as a notice with the same id.
    pub fn ask(&self, intent: Intent) -> IntentId {
        let id = IntentId(self.next_id.fetch_add(1, Ordering::Relaxed));
        // The other end is gone only after `NodeEvent::Stopped`, which the asker sees.
        let _ = self.intents.send((id, intent));
        id
    }

    /// What has happened, in order.
    pub fn notices(&self) -> &Receiver<NodeEvent> {
        &self.notices
    }

    /// Stops everything in order and waits for it: at most two seconds.
    pub fn stop(mut self) {
        let (closed, _) = crossbeam_channel::bounded(0);
        self.intents = closed;
        if let Some(thread) = self.thread.take() {
            // A panic in there was reported by its own hook.
            let _ = thread.join();
        }
    }
}
