//! Where we meet others now: the session at the tracker that is joined, if one is.

use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::model::hash::ContentHash;
use crate::model::key::PublicKey;
use crate::model::limits;
use crate::model::username::Username;
use crate::node::failure::Failure;
use crate::protocol::command::{Command, Cursor, Page};
use crate::protocol::reply::FileLine;
use crate::service::tracker_client::{AskError, AwayReason, TrackerClient};

/// The current session, replaced when another tracker is joined.
#[derive(Debug)]
pub(super) struct TrackerSession {
    current: RwLock<Option<Current>>,
    /// Changes whenever users or shares have changed, or another tracker was joined.
    version: watch::Sender<u64>,
}

#[derive(Debug)]
struct Current {
    client: TrackerClient,
    cancel: CancellationToken,
    /// The session, and who passes its events on: they end one after the other.
    tasks: Vec<JoinHandle<()>>,
    /// Passes its changes on.
    forward: JoinHandle<()>,
}

impl TrackerSession {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { current: RwLock::new(None), version: watch::Sender::new(0) })
    }

    /// The session to ask.
    pub(super) fn client(&self) -> Result<TrackerClient, Failure> {
        self.current.read().as_ref().map(|current| current.client.clone()).ok_or(Failure::NoTracker)
    }

    /// Begins another session; end the one before with [`TrackerSession::leave`] first.
    pub(super) fn begin(
        self: &Arc<Self>,
        client: TrackerClient,
        tasks: Vec<JoinHandle<()>>,
        cancel: CancellationToken,
    ) {
        let mut changes = client.people().changes();
        let version = self.version.clone();
        let forward = tokio::spawn(async move {
            while changes.changed().await.is_ok() {
                version.send_modify(|version| *version = version.wrapping_add(1));
            }
        });
        *self.current.write() = Some(Current { client, cancel, tasks, forward });
        // A quick session knew everybody before anyone listened here.
        self.version.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Ends the session and waits until its socket is closed.
    pub(super) async fn leave(&self) {
        let current = self.current.write().take();
        if let Some(current) = current {
            current.cancel.cancel();
            for task in current.tasks {
                // A session that panicked has ended as well.
                let _ = task.await;
            }
            current.forward.abort();
        }
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// The user who has this key, if they are on our tracker.
    pub(super) fn name_of(&self, key: &PublicKey) -> Option<Username> {
        self.client().ok()?.people().name_of(key)
    }

    /// Everybody who shares this content; empty while we are away.
    pub(super) async fn sources(&self, hash: ContentHash) -> Vec<FileLine> {
        let Ok(client) = self.client() else { return Vec::new() };
        let page = Page { after: None, limit: Some(SOURCES_MAX) };
        match client.ask(Command::Sources { hash, page }).await {
            Ok(answer) => answer.lines.iter().filter_map(|line| FileLine::parse(line).ok()).collect(),
            Err(_away) => Vec::new(),
        }
    }
}

/// More sources than this make nothing faster.
const SOURCES_MAX: usize = 200;

/// Most lines of one list: as many files as a tracker holds unless its owner raises that. One that lists more is not
/// believed.
const LINES_MAX: usize = 20_000_000;

/// Reads a list of any length page by page; each page is handed on at once. A list that does not go forward does not end
/// either, and is a fault of the tracker.
pub(super) async fn read_pages<Handed: Future<Output = bool>>(
    client: &TrackerClient,
    command: impl Fn(Page) -> Command,
    mut hand_on: impl FnMut(Vec<String>) -> Handed,
    from: Option<Cursor>,
) -> Result<(), Failure> {
    let mut after = from;
    let mut lines = 0;
    loop {
        let page = Page { after: after.clone(), limit: Some(limits::PAGE_LINES_MAX) };
        let answer = client.ask(command(page)).await.map_err(|error| ask_failed(client, error))?;
        let count = answer.lines.len();
        lines += count;
        let go_on = hand_on(answer.lines).await;
        match answer.more {
            Some(more) if go_on => {
                if count == 0 || lines > LINES_MAX || after.as_ref().is_some_and(|before| more <= *before) {
                    let why = "it does not end".to_owned();
                    return Err(Failure::Internal { what: "reading the tracker's list".into(), why });
                }
                after = Some(more);
            }
            _ => return Ok(()),
        }
    }
}

/// A question's failure in the words of the node.
pub(super) fn ask_failed(client: &TrackerClient, error: AskError) -> Failure {
    match error {
        AskError::Away(why) => away(&client.tracker().to_string(), why),
        AskError::Refused { code, text } => Failure::Refused { code, text },
    }
}

/// Why we are not at the tracker, in the words of the node.
pub(super) fn away(tracker: &str, why: AwayReason) -> Failure {
    match why {
        AwayReason::Unreachable(why) => Failure::Offline { tracker: tracker.to_owned(), why },
        AwayReason::KeyChanged => Failure::TrackerKeyChanged { tracker: tracker.to_owned() },
        AwayReason::Refused { code, text } => Failure::Refused { code, text },
    }
}
