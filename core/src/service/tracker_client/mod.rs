//! Our session at a tracker: it connects, proves who we are, announces what we share, keeps a picture of who is there,
//! answers questions, and comes back by itself.
//!
//! ```text
//!            +-> connecting -> online -+          a question asked while we are away waits
//!   start ---+        ^          |     +-> stop   for up to [`PARKED_MAX`], then fails
//!            |        +- waiting-+                (for a moment, if the network has another tracker to try)
//!            +-> refused (a changed key, a name that is taken): no further try without a person
//! ```
//!
//! It moves no file contents; that is between peers.

mod announcer;
mod arriving_answer;
mod backoff;
mod client_event;
mod connecting;
mod elsewhere;
pub mod known_names;
mod liveness;
mod local_addresses;
mod partial;
mod people;
mod reasons;
mod round;
mod second_family;
mod session;
mod session_context;
mod setup;
mod shut_out_pause;
pub mod tap;
mod trials;
mod wire;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::model::absence::AbsenceReason;
use crate::model::invite::{HostPort, NetworkAddress};
use crate::model::keeping_away::KeptAway;
use crate::model::key::PublicKey;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::command::{self, Command, Cursor};
use crate::protocol::line::{Flavor, Line, LineDecoder};
use crate::protocol::reply::PartialAnswer;
use crate::service::tracker_client::announcer::Announcer;
use crate::service::tracker_client::backoff::ReconnectBackoff;
use crate::service::tracker_client::connecting::Connecting;
use crate::service::tracker_client::elsewhere::OtherTrackers;
use crate::service::tracker_client::known_names::{KnownNames, MeetError};
use crate::service::tracker_client::local_addresses::LocalAddresses;
use crate::service::tracker_client::people::People;
use crate::service::tracker_client::reasons::will_pass;
use crate::service::tracker_client::round::Round;
use crate::service::tracker_client::second_family::SecondFamily;
use crate::service::tracker_client::session::{ClientSession, SessionEnd};
use crate::service::tracker_client::session_context::SessionContext;
use crate::service::tracker_client::shut_out_pause::ShutOutPause;
use crate::transfer::Contact;

pub use crate::service::tracker_client::client_event::ClientEvent;
pub use crate::service::tracker_client::reasons::{AskError, AwayReason, TypeError};
pub use crate::service::tracker_client::setup::ClientSetup;

/// Questions that may wait for their turn.
const CLIENT_MESSAGES_MAX: usize = 256;
/// How long a question waits for a tracker that is away.
const PARKED_MAX: Duration = Duration::from_secs(10);

/// Commands that come between us and the tracker when a person types them: who we are, what is announced, and what we
/// are told are the client's own affair.
const SENT_BY_ITSELF: &[&str] =
    &["register-user", "unregister-user", "register-files", "unregister-files", "unwatch", "quit"];

/// An answer: its data lines, and where the next page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// As they came.
    pub lines: Vec<String>,
    /// If the list goes on.
    pub more: Option<Cursor>,
    /// If something is missing in it.
    pub partial: Option<PartialAnswer>,
}

/// A running session, or the tries to have one. Cheap to clone.
#[derive(Clone)]
pub struct TrackerClient {
    asks: mpsc::Sender<ClientMessage>,
    people: Arc<People>,
    known_names: Arc<KnownNames>,
    network: NetworkAddress,
    at: watch::Receiver<HostPort>,
    key: watch::Receiver<Option<PublicKey>>,
    kept_away: watch::Receiver<Option<KeptAway>>,
}

enum ClientMessage {
    Question {
        command: Box<Command>,
        answer: oneshot::Sender<Result<Reply, AskError>>,
        /// How many sessions have ended before they answered it.
        sessions: u32,
    },
    Announce {
        added: Vec<Share>,
        removed: Vec<SharePath>,
        done: Option<oneshot::Sender<Result<(), AskError>>>,
    },
    /// A line as a person typed it.
    Typed {
        line: String,
        answered: oneshot::Sender<Result<(), AskError>>,
    },
    /// Time has jumped, or we are in another network: look at once whether the other side is still there.
    Probe,
}

impl TrackerClient {
    /// Starts the task. It ends, and its socket with it, when `cancel` is.
    pub fn start(
        setup: ClientSetup,
        events: mpsc::Sender<ClientEvent>,
        cancel: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (asks, asked) = mpsc::channel(CLIENT_MESSAGES_MAX);
        let people = Arc::new(People::default());
        let (key_known, key) = watch::channel(setup.tracker.key);
        let (at_known, at) = watch::channel(setup.tracker.address.first().clone());
        let (kept_away_known, kept_away) = watch::channel(None);
        let known_names = Arc::new(KnownNames::new(Arc::clone(&setup.store)));
        let client = Self {
            asks: asks.clone(),
            people: people.clone(),
            known_names: Arc::clone(&known_names),
            network: setup.tracker.address.clone(),
            at,
            key,
            kept_away,
        };
        let task = ClientTask {
            asks: asks.downgrade(),
            setup,
            events,
            asked,
            people,
            known_names,
            key_known,
            at_known,
            kept_away_known,
            parked: VecDeque::new(),
            why_away: None,
        };
        (client, tokio::spawn(task.run(cancel)))
    }

    /// Asks the tracker one thing.
    pub async fn ask(&self, command: Command) -> Result<Reply, AskError> {
        let (answer, answered) = oneshot::channel();
        let ask = ClientMessage::Question { command: Box::new(command), answer, sessions: 0 };
        let gone = || AskError::Away(AwayReason::Unreachable(AbsenceReason::Left));
        self.asks.send(ask).await.map_err(|_closed| gone())?;
        answered.await.unwrap_or_else(|_dropped| Err(gone()))
    }

    /// Sends a line as it was typed, and waits for its answer, which the tap shows. Fails at once while we are away.
    pub async fn type_line(&self, line: String) -> Result<(), TypeError> {
        let mut decoder = LineDecoder::new(Flavor::Clean);
        decoder.feed(line.as_bytes());
        decoder.feed(b"\n");
        match decoder.next_line() {
            Some(Line::Text(text)) if text == line && !line.trim().is_empty() => {}
            Some(Line::Faulty(fault)) => return Err(TypeError::Fault(fault)),
            _ => return Err(TypeError::NotOneLine),
        }
        // A line that is no command at all is answered too.
        let verb = command::verb(&line).unwrap_or_default();
        if SENT_BY_ITSELF.contains(&verb.as_str()) {
            return Err(TypeError::SentByItself(verb));
        }
        let (answered, answer) = oneshot::channel();
        let gone = || AskError::Away(AwayReason::Unreachable(AbsenceReason::Left));
        self.asks.send(ClientMessage::Typed { line, answered }).await.map_err(|_closed| gone())?;
        Ok(answer.await.unwrap_or_else(|_dropped| Err(gone()))?)
    }

    /// Tells the tracker what has changed, and waits until it has taken it. Without a session there is nothing to wait
    /// for: everything is announced when there is one.
    pub async fn announce(&self, added: Vec<Share>, removed: Vec<SharePath>) -> Result<(), AskError> {
        let (done, answered) = oneshot::channel();
        // A task that has ended announces nothing, and nothing is lost: the next one announces all.
        if self.asks.send(ClientMessage::Announce { added, removed, done: Some(done) }).await.is_err() {
            return Ok(());
        }
        answered.await.unwrap_or(Ok(()))
    }

    /// The computer was asleep, or the network has changed: find out at once whether the session still lives.
    pub fn probe(&self) {
        // A full queue means that the session is being used, which finds it out as well.
        let _ = self.asks.try_send(ClientMessage::Probe);
    }

    /// Who is there, as far as we have been told.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Whom we know there.
    pub fn known_names(&self) -> &KnownNames {
        &self.known_names
    }

    /// Whom to expect of a user, and where they can be dialled; `None` if they are not here, have no key, or if their name was
    /// another key's when we dealt with it.
    pub fn contact(&self, name: &Username) -> Option<Contact> {
        let is_changed = |user: &Contact| self.known_names.is_changed(&user.username, Some(user.key));
        self.people.contact(name).filter(|user| !is_changed(user))
    }

    /// We deal with somebody under this name: the key is remembered, and must be the same the next time.
    pub async fn meet(&self, name: Username, key: PublicKey) -> Result<(), MeetError> {
        let known_names = Arc::clone(&self.known_names);
        remembered(tokio::task::spawn_blocking(move || known_names.meet(&name, key)).await)
    }

    /// A person says that this key is the name's from now on.
    pub async fn trust(&self, name: Username, key: PublicKey) -> Result<(), MeetError> {
        let known_names = Arc::clone(&self.known_names);
        let trusted = remembered(tokio::task::spawn_blocking(move || known_names.trust(&name, key)).await);
        // Who could not be reached under that name can be now.
        self.people.touch();
        trusted
    }

    /// Where the network is met, as it was given.
    pub fn network(&self) -> &NetworkAddress {
        &self.network
    }

    /// Where the tracker is that we are at, or were at last, or try now.
    pub fn tracker(&self) -> HostPort {
        self.at.borrow().clone()
    }

    /// Why the owner of the network keeps us out, while they do.
    pub fn kept_away(&self) -> Option<KeptAway> {
        self.kept_away.borrow().clone()
    }

    /// Which key it has proven, or is expected to prove.
    pub fn tracker_key(&self) -> Option<PublicKey> {
        *self.key.borrow()
    }
}

struct ClientTask {
    asks: mpsc::WeakSender<ClientMessage>,
    setup: ClientSetup,
    events: mpsc::Sender<ClientEvent>,
    asked: mpsc::Receiver<ClientMessage>,
    people: Arc<People>,
    known_names: Arc<KnownNames>,
    key_known: watch::Sender<Option<PublicKey>>,
    at_known: watch::Sender<HostPort>,
    kept_away_known: watch::Sender<Option<KeptAway>>,
    /// Questions that wait for a session, each with the time when it fails.
    parked: VecDeque<(Instant, ClientMessage)>,
    why_away: Option<AwayReason>,
}

/// What ended a wait.
enum Waited<T> {
    /// What was waited for.
    Done(T),
    /// It is to be looked at once whether the other side is there.
    Probed,
}

impl ClientTask {
    async fn run(mut self, cancel: CancellationToken) {
        let cancelled = cancel.clone();
        tokio::select! {
            () = cancelled.cancelled() => {}
            () = self.stay_connected() => {}
        }
    }

    async fn stay_connected(&mut self) {
        let mut backoff = ReconnectBackoff::default();
        let mut round = Round::new(&self.setup.tracker.address);
        loop {
            let Some(at) = round.next() else {
                round = Round::new(&self.setup.tracker.address);
                continue;
            };
            self.at_known.send_replace(at.clone());
            self.tell(ClientEvent::Connecting(self.why_away.clone())).await;
            let why = match self.connect_while_asked(&at).await {
                // From where it was begun it leads nowhere now.
                Waited::Probed => {
                    round = Round::new(&self.setup.tracker.address);
                    continue;
                }
                Waited::Done(Ok(session)) => {
                    self.kept_away_known.send_replace(None);
                    let since = Instant::now();
                    let (ended, better) = self.be_online(session, &at).await;
                    // Of a link that flaps the others of the round come next, and then a longer wait.
                    if backoff.session_lasted(since.elapsed()) {
                        round = Round::after_loss_of(&at, &self.setup.tracker.address);
                    }
                    if let Some(better) = better {
                        round.begin_with(&better);
                    }
                    ended
                }
                Waited::Done(Err(why)) => why,
            };
            self.why_away = Some(why.clone());
            let shut_out = ShutOutPause::of(&why);
            let now = SystemTime::now();
            self.kept_away_known.send_replace(shut_out.as_ref().map(|pause| pause.kept_away(now)));
            if let Some(pause) = shut_out {
                self.tell(ClientEvent::Refused(why.clone())).await;
                self.refuse_until(now + pause.wait(), &why).await;
                self.why_away = None;
                round = Round::new(&self.setup.tracker.address);
                continue;
            }
            // What one tracker of a network refuses the others refuse too; who only answers in its place does not count.
            let is_refused = matches!(why, AwayReason::Refused { .. }) && !will_pass(&why);
            if round.fails(&why) || is_refused {
                self.tell(ClientEvent::Refused(why.clone())).await;
                self.refuse_all(&why).await;
                return;
            }
            self.tell(ClientEvent::Connecting(Some(why.clone()))).await;
            let now = Instant::now();
            let wait = if round.is_over() { backoff.next_wait(now.into_std()) } else { Round::next_wait() };
            // Who is in another network need not wait: what has failed in the one before says nothing.
            let _waited = self.park_until(sleep_until(now + wait), &why).await;
        }
    }

    async fn connect_while_asked(&mut self, at: &HostPort) -> Waited<Result<ClientSession, AwayReason>> {
        let why = self.why_away.clone().unwrap_or(AwayReason::Unreachable(AbsenceReason::NotYet));
        let connecting = connecting::connect(Connecting {
            at: at.clone(),
            key: self.setup.tracker.key,
            token: self.setup.tracker.token,
            username: self.setup.username.clone(),
            ports: self.setup.ports.clone(),
            tls: self.setup.tls.clone(),
            store: Arc::clone(&self.setup.store),
            tap: Arc::clone(&self.setup.tap),
            key_known: self.key_known.clone(),
            outgoing: self.setup.outgoing.clone(),
            known_names: Arc::clone(&self.known_names),
        });
        self.park_until(connecting, &why).await
    }

    /// Gives why it ended, and where it goes on if that is known.
    async fn be_online(&mut self, mut session: ClientSession, at: &HostPort) -> (AwayReason, Option<HostPort>) {
        let mut announcer = Announcer::new(self.setup.username.clone());
        announcer.change((self.setup.shares)(), Vec::new(), None);
        let parked = std::mem::take(&mut self.parked);
        for (_, ask) in parked {
            session.take(ask, &mut announcer);
        }
        // What has changed since the port was registered is seen there.
        let mut ports = self.setup.ports.clone();
        let key = *self.key_known.borrow();
        let showing = SecondFamily::of(&self.setup, (at, session.tracker()), key, self.events.clone());
        let all = SessionContext {
            announcer: &mut announcer,
            people: &self.people,
            events: &self.events,
            username: &self.setup.username,
            ports: &mut ports,
            is_online: false,
            elsewhere: OtherTrackers::than(at, &self.setup.tracker.address, self.setup.outgoing.clone()),
        };
        let at_home = LocalAddresses {
            asks: self.asks.clone(),
            port: self.setup.ports.borrow().listening,
            may_tell: self.setup.tells_local_addresses.clone(),
            surroundings: self.setup.surroundings.clone(),
        };
        let SessionEnd { why, unanswered, better } = tokio::select! {
            ended = session.run(&mut self.asked, all) => ended,
            never = second_family::keep_showing(showing) => match never {},
            never = local_addresses::keep_telling(at_home) => match never {},
        };
        let deadline = Instant::now() + PARKED_MAX;
        self.parked.extend(unanswered.into_iter().map(|ask| (deadline, ask)));
        (why, better)
    }

    /// Waits for something while questions come in; each is kept until its time is up.
    async fn park_until<T>(&mut self, until: impl Future<Output = T>, why: &AwayReason) -> Waited<T> {
        tokio::pin!(until);
        loop {
            let first_deadline = self.parked.front().map(|(deadline, _)| *deadline);
            tokio::select! {
                done = &mut until => return Waited::Done(done),
                Some(ask) = self.asked.recv() => match ask {
                    ClientMessage::Probe => return Waited::Probed,
                    ask => self.park(ask, why),
                },
                () = sleep_until(first_deadline.unwrap_or_else(Instant::now)), if first_deadline.is_some() => {
                    if let Some((_, ask)) = self.parked.pop_front() {
                        ask.fail(why);
                    }
                }
            }
        }
    }

    fn park(&mut self, ask: ClientMessage, why: &AwayReason) {
        match ask {
            // What we share is announced whole when there is a session.
            ClientMessage::Announce { done, .. } => done.map_or((), |done| drop(done.send(Ok(())))),
            ClientMessage::Probe => {}
            // Ten seconds later nobody waits for what they typed.
            typed @ ClientMessage::Typed { .. } => typed.fail(why),
            question if self.parked.len() >= CLIENT_MESSAGES_MAX => question.fail(why),
            question => self.parked.push_back((Instant::now() + PARKED_MAX, question)),
        }
    }

    /// Answers all that is asked with the reason, until then by the wall's clock: it goes on while a computer sleeps.
    async fn refuse_until(&mut self, until: SystemTime, why: &AwayReason) {
        self.refuse_parked(why);
        while let Ok(left) = until.duration_since(SystemTime::now()) {
            tokio::select! {
                () = tokio::time::sleep(left) => return,
                // Whoever slept has the clock looked at.
                Some(ask) = self.asked.recv() => ask.fail(why),
            }
        }
    }

    fn refuse_parked(&mut self, why: &AwayReason) {
        for (_, ask) in std::mem::take(&mut self.parked) {
            ask.fail(why);
        }
    }

    async fn refuse_all(&mut self, why: &AwayReason) {
        self.refuse_parked(why);
        while let Some(ask) = self.asked.recv().await {
            ask.fail(why);
        }
    }

    async fn tell(&self, event: ClientEvent) {
        // Nobody listens only while the node is being taken down.
        let _ = self.events.send(event).await;
    }
}

impl ClientMessage {
    fn fail(self, why: &AwayReason) {
        // An asker that has gone needs no answer.
        match self {
            Self::Question { answer, .. } => drop(answer.send(Err(AskError::Away(why.clone())))),
            Self::Typed { answered, .. } => drop(answered.send(Err(AskError::Away(why.clone())))),
            Self::Announce { done: Some(done), .. } => drop(done.send(Ok(()))),
            Self::Announce { done: None, .. } | Self::Probe => {}
        }
    }
}

fn remembered(done: Result<Result<(), MeetError>, tokio::task::JoinError>) -> Result<(), MeetError> {
    done.unwrap_or(Err(MeetError::Panic))
}

impl std::fmt::Debug for TrackerClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrackerClient").field("tracker", &self.network).finish_non_exhaustive()
    }
}
