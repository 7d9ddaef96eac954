//! Where we meet others now: the session at the tracker that is joined, if one is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::model::key::PublicKey;
use crate::model::limits;
use crate::model::username::Username;
use crate::node::failure::Failure;
use crate::node::work::{FailedWork, WorkFault};
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::command::{Command, Cursor, Page};
use crate::protocol::reply::PartialAnswer;
use crate::protocol::sentence::Sentence;
use crate::service::peer_server::PeerAdmission;
use crate::service::tracker_client::{AskError, AwayReason, ClientEvent, ClientSetup, TrackerClient};

/// Events of the session that wait for the node.
const SESSION_EVENTS_MAX: usize = 1024;

/// What the session at a tracker says.
#[derive(Debug)]
pub(super) struct SessionEvent {
    /// The tracker's address, as it was given.
    pub(super) tracker: String,
    pub(super) event: ClientEvent,
}

/// The current session. The node owns it; others see it through [`SessionView`].
#[derive(Debug)]
pub(super) struct TrackerSession {
    client: watch::Sender<Option<TrackerClient>>,
    /// Changes whenever users or shares have changed, or another tracker was joined.
    version: watch::Sender<u64>,
    open: Option<OpenSession>,
    /// Counts the sessions, and the refusals of each.
    sessions: Arc<AtomicU64>,
    /// The person has left; none is begun instead.
    has_left: Arc<AtomicBool>,
}

#[derive(Debug)]
struct OpenSession {
    tracker: String,
    events: mpsc::Receiver<ClientEvent>,
    people: watch::Receiver<u64>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl TrackerSession {
    pub(super) fn new() -> Self {
        let (client, version) = (watch::Sender::new(None), watch::Sender::new(0));
        Self { client, version, open: None, sessions: Arc::default(), has_left: Arc::default() }
    }

    /// The session to ask.
    pub(super) fn client(&self) -> Result<TrackerClient, Failure> {
        self.client.borrow().clone().ok_or(Failure::NoTracker)
    }

    /// What others see of it.
    pub(super) fn view(&self) -> SessionView {
        let (client, version) = (self.client.subscribe(), self.version.subscribe());
        let (sessions, has_left) = (Arc::clone(&self.sessions), Arc::clone(&self.has_left));
        SessionView { client, version, sessions, has_left }
    }

    /// Whether there is one, or the tries to have one.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Begins another session; end the one before with [`TrackerSession::end`] first.
    pub(super) fn begin(&mut self, setup: ClientSetup, cancel: CancellationToken) {
        self.has_left.store(false, Ordering::Release);
        let tracker = setup.tracker.address.to_string();
        let (events, heard) = mpsc::channel(SESSION_EVENTS_MAX);
        let (client, task) = TrackerClient::start(setup, events, cancel.clone());
        let people = client.people().changes();
        self.open = Some(OpenSession { tracker, events: heard, people, cancel, task });
        self.client.send_replace(Some(client));
        // A quick session knew everybody before anyone listened here.
        self.count_session();
    }

    /// The person has left, and joins nothing instead: nobody is anybody's peer any more.
    pub(super) fn leave(&self) {
        self.has_left.store(true, Ordering::Release);
    }

    /// Ends the session at once; the future is ready when its socket is closed.
    pub(super) fn end(&mut self) -> impl Future<Output = ()> + Send + use<> {
        self.client.send_replace(None);
        let open = self.open.take();
        async move {
            if let Some(OpenSession { cancel, task, .. }) = open {
                cancel.cancel();
                // A session that panicked has ended as well.
                let _panicked = task.await;
            }
        }
    }

    /// The next thing the session says; never while there is none. Those who look at the view are told of changes here.
    pub(super) async fn next(&mut self) -> SessionEvent {
        loop {
            let Some(open) = &mut self.open else { return std::future::pending().await };
            tokio::select! {
                Some(event) = open.events.recv() => {
                    let event = SessionEvent { tracker: open.tracker.clone(), event };
                    // Whether anybody is to be found has changed with it.
                    if matches!(event.event, ClientEvent::Refused(_)) {
                        self.count_session();
                    }
                    return event;
                }
                Ok(()) = open.people.changed() => self.count_change(),
                else => return std::future::pending().await,
            }
        }
    }

    /// The computer was asleep: finds out at once whether the session still lives.
    pub(super) fn probe(&self) {
        if let Some(client) = &*self.client.borrow() {
            client.probe();
        }
    }

    pub(super) fn count_session(&self) {
        self.sessions.fetch_add(1, Ordering::Release);
        self.count_change();
    }

    pub(super) fn count_change(&self) {
        self.version.send_modify(|version| *version = version.wrapping_add(1));
    }
}

/// The tracker session as others see it: whom to ask now, and when there is something new to ask about. Clones are cheap.
#[derive(Debug, Clone)]
pub(super) struct SessionView {
    client: watch::Receiver<Option<TrackerClient>>,
    version: watch::Receiver<u64>,
    sessions: Arc<AtomicU64>,
    has_left: Arc<AtomicBool>,
}

/// What there is to know of one user; another one whenever there is something new to ask about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UserNews {
    session: u64,
    version: Option<u64>,
}

/// Whoever is on our tracker may ask us. Between two sessions, and until a tracker has told who is there, nobody is known
/// to have left.
impl PeerAdmission for SessionView {
    fn name_of(&self, key: &PublicKey) -> Option<Username> {
        self.client.borrow().as_ref()?.people().name_of(key)
    }

    fn has_left(&self, key: &PublicKey) -> bool {
        let is_gone = |client: &TrackerClient| client.people().has_left(key);
        self.has_left.load(Ordering::Acquire) || self.client.borrow().as_ref().is_some_and(is_gone)
    }
}

impl SessionView {
    /// The session to ask.
    pub(super) fn client(&self) -> Result<TrackerClient, Failure> {
        self.client.borrow().clone().ok_or(Failure::NoTracker)
    }

    /// Changes when this user comes, goes or shares something else, and when it is another tracker, or it refuses us.
    pub(super) fn news_of(&self, user: &Username) -> UserNews {
        let session = self.sessions.load(Ordering::Acquire);
        let version = self.client.borrow().as_ref().and_then(|client| client.people().version_of(user));
        UserNews { session, version }
    }

    /// Counts up whenever users or shares have changed, or another tracker was joined.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        let mut changes = self.version.clone();
        changes.mark_unchanged();
        changes
    }
}

/// Most lines of one list: as many files as a tracker holds unless its owner raises that. One that lists more is not
/// believed.
const LISTED_LINES_MAX: usize = 20_000_000;

/// Reads a list of any length page by page; each page is handed on at once. A list that does not go forward does not end
/// either, and is a fault of the tracker.
pub(super) async fn read_pages<Handed: Future<Output = bool>>(
    client: &TrackerClient,
    command: impl Fn(Page) -> Command,
    mut hand_on: impl FnMut(Vec<String>) -> Handed,
    from: Option<Cursor>,
) -> Result<Option<PartialAnswer>, Failure> {
    let mut after = from;
    let (mut lines, mut partial) = (0, None);
    loop {
        let page = Page { after: after.clone(), limit: Some(limits::PAGE_LINES_MAX) };
        let answer = client.ask(command(page)).await.map_err(|error| ask_failed(client, error))?;
        let count = answer.lines.len();
        lines += count;
        partial = answer.partial.or(partial);
        let go_on = hand_on(answer.lines).await;
        match answer.more {
            Some(more) if go_on => {
                if count == 0 || lines > LISTED_LINES_MAX || after.as_ref().is_some_and(|before| more <= *before) {
                    return Err(Failure::Internal { what: FailedWork::ReadingList, why: WorkFault::BadAnswer });
                }
                after = Some(more);
            }
            _ => return Ok(partial),
        }
    }
}

/// A question's failure in the words of the node.
pub(super) fn ask_failed(client: &TrackerClient, error: AskError) -> Failure {
    match error {
        AskError::Away(why) => away(&client.network().to_string(), why),
        AskError::Refused { code, text } => Failure::Refused { code, text },
    }
}

/// Why we are not at the tracker, in the words of the node.
pub(super) fn away(tracker: &str, why: AwayReason) -> Failure {
    match why {
        AwayReason::Unreachable(why) => Failure::Offline { tracker: tracker.to_owned(), why },
        AwayReason::KeyChanged => Failure::TrackerKeyChanged { tracker: tracker.to_owned() },
        AwayReason::Refused { code: ReplyCode::Known(Code::Waiting), text } => {
            let minutes = match Sentence::known(&text) {
                Some(Sentence::OwnerWasAsked { minutes }) => minutes,
                _ => 0,
            };
            let now = SystemTime::now();
            let since = now.checked_sub(Duration::from_secs(minutes.saturating_mul(60))).unwrap_or(now);
            Failure::AwaitsApproval { tracker: tracker.to_owned(), since }
        }
        AwayReason::Refused { code, text } => Failure::Refused { code, text },
    }
}
