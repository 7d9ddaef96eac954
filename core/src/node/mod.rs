//! Floor 5: the whole client as one thing that a window, a console or a test starts and stops.
//!
//! [`intent::Intent`] goes in, [`notice::Notice`] comes out, over crossbeam channels; a `wake` closure tells the other
//! side that something is there. Nothing here knows a toolkit, and nothing here waits for whoever listens.

mod bridge;
mod clock_watch;
pub mod failure;
pub mod intent;
pub mod notice;
mod outbox;
pub mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};

use crate::node::intent::{Intent, IntentId};
use crate::node::notice::Notice;
use crate::node::settings::Settings;

/// What a client needs to start.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where identity, database and the embedded tracker's data are.
    pub data_dir: PathBuf,
    /// As read from the settings file and changed by arguments.
    pub settings: Settings,
    /// Run the embedded tracker here, and join it.
    pub host_tracker: Option<SocketAddr>,
}

/// Why a client cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A second program on the same data folder.
    #[error("another Potok uses the data folder {0}; close it, or choose another with --data-dir")]
    InUse(PathBuf),
    /// A setting that cannot be used.
    #[error("{0}")]
    Setting(String),
    /// The identity, the database or a socket.
    #[error("{what}: {why}")]
    System {
        /// What was being opened.
        what: String,
        /// What the system said.
        why: String,
    },
}

/// A running client.
#[derive(Debug)]
pub struct Node {
    intents: Sender<(IntentId, Intent)>,
    notices: Receiver<Notice>,
    next_id: std::sync::atomic::AtomicU64,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Called whenever a notice is there to be read; it must return at once.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

impl Node {
    /// Starts everything. Returns once identity, database and peer port are there; joining goes on behind it.
    pub fn start(setup: Setup, wake: Wake) -> Result<Self, StartError> {
        let _ = (setup, wake);
        Err(StartError::Setting("not built yet".into()))
    }

    /// Sends a wish; its outcome comes as a notice with the same id.
    pub fn ask(&self, intent: Intent) -> IntentId {
        let id = IntentId(self.next_id.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        // The other end is gone only after `Notice::Stopped`, which the asker sees.
        let _ = self.intents.send((id, intent));
        id
    }

    /// What has happened, in order.
    pub fn notices(&self) -> &Receiver<Notice> {
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
