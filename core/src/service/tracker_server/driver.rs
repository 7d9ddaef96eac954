//! The one owner of the machine: brings it inputs and the time, and carries out every effect before the next input.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::model::binding::ClaimFate;
use crate::net::send_queue::{SendQueue, Signs};
use crate::protocol::command::VerbKind;
use crate::protocol::sentence::Sentence;
use crate::service::mesh::MeshLinks;
use crate::service::tracker_server::figures::DriverFigures;
use crate::service::tracker_server::ledger::{LedgerJob, LedgerWork, LedgerWriter};
use crate::service::tracker_server::relay::RelayRoom;
use crate::service::tracker_server::shard_threads::{ShardAnswers, ShardThreads};
use crate::service::tracker_server::trial::TrialDialler;
use crate::service::tracker_server::{Message, ReadConfiguration, unix_seconds};
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::{Clock, Input, SessionId, SessionRequest, Ticket};
use crate::tracker::log::LogEntry;
use crate::tracker::machine::Tracker;
use crate::tracker::shards::ask::ShardAnswer;

/// Messages taken from the inbox before the time is looked at.
const MESSAGES_AT_ONCE: usize = 64;
/// When a shard that had no room is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(2);
/// How often the machine is told what the clock on the wall says.
const CLOCK_EVERY: Duration = Duration::from_secs(15 * 60);

struct Driver {
    tracker: Tracker,
    sessions: HashMap<SessionId, OpenSession>,
    figures: DriverFigures,
    ledger: LedgerWriter,
    outside: Outside,
    log: Log,
    /// Where what is read for the machine is brought.
    inbox: mpsc::Sender<Message>,
    configuration: Option<ReadConfiguration>,
}

/// Where effects go that are about the world outside sessions.
pub(super) struct Outside {
    pub(super) trials: TrialDialler,
    pub(super) relays: Arc<RelayRoom>,
    /// If it is one of several trackers.
    pub(super) links: Option<Arc<MeshLinks>>,
    /// If its catalog is parted.
    pub(super) shards: Option<ShardThreads>,
}

/// A session, as the driver sees it.
struct OpenSession {
    queue: Arc<SendQueue>,
    /// The verb of the first of the lines that are worked on, and when they were brought.
    since: Option<(Option<VerbKind>, Instant)>,
}

/// Passes the machine's log on.
#[derive(Default)]
struct Log {
    reader: Option<mpsc::Sender<(SystemTime, LogEntry)>>,
    left_out: u64,
}

impl Log {
    /// Never waits: a reader that is behind is told how much it missed.
    fn tell(&mut self, entry: LogEntry) {
        match &entry {
            LogEntry::Ordered { .. } | LogEntry::Configured { .. } => tracing::info!("{entry}"),
            _ => tracing::debug!(%entry, "the tracker's log"),
        }
        let Some(reader) = &self.reader else { return };
        let now = SystemTime::now();
        if self.left_out > 0 && reader.try_send((now, LogEntry::LeftOut { count: self.left_out })).is_ok() {
            self.left_out = 0;
        }
        if reader.try_send((now, entry)).is_err() {
            self.left_out += 1;
        }
    }
}

/// Runs until the tracker is stopped. When it returns, every session was told to end and every record is on disk.
/// The queues are those of sessions that may still be sending their last bytes.
pub(super) async fn run(
    tracker: Tracker,
    (to_inbox, mut inbox): (mpsc::Sender<Message>, mpsc::Receiver<Message>),
    mut shard_answers: Option<ShardAnswers>,
    ledger: LedgerWriter,
    outside: Outside,
    cancel: CancellationToken,
) -> Vec<Arc<SendQueue>> {
    let mut driver = Driver {
        tracker,
        sessions: HashMap::new(),
        figures: DriverFigures::new(outside.shards.as_ref()),
        ledger,
        outside,
        log: Log::default(),
        inbox: to_inbox,
        configuration: None,
    };
    let mut messages = Vec::with_capacity(MESSAGES_AT_ONCE);
    let mut run_clock = RunClock { before: driver.tracker.run_seconds(), since: Instant::now() };
    let mut clock_at = run_clock.since + CLOCK_EVERY;
    loop {
        let mut deadline = driver.tracker.next_deadline().map_or(clock_at, |at| at.min(clock_at));
        if let Some(shards) = &mut driver.outside.shards {
            shards.pass_on();
            if shards.is_full() {
                deadline = deadline.min(Instant::now() + ASK_AGAIN_AFTER);
            }
        }
        if deadline > Instant::now() {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                Some((shard, answer)) = next_answer(&mut shard_answers) => driver.take_answer(shard, answer),
                _ = inbox.recv_many(&mut messages, MESSAGES_AT_ONCE) => {}
                () = sleep_until(deadline.into()) => {}
            }
        } else {
            // There is work: take only what is there already.
            while messages.len() < MESSAGES_AT_ONCE
                && let Ok(message) = inbox.try_recv()
            {
                messages.push(message);
            }
            // Sessions may have nobody to look at their sockets but this thread: a worker that sleeps is not woken for that.
            tokio::task::yield_now().await;
            if cancel.is_cancelled() {
                break;
            }
        }
        for _ in 0..MESSAGES_AT_ONCE {
            let Some(Ok((shard, answer))) = shard_answers.as_mut().map(ShardAnswers::try_recv) else { break };
            driver.take_answer(shard, answer);
        }
        for message in messages.drain(..) {
            driver.take(message);
        }
        let now = Instant::now();
        run_clock.learn(driver.tracker.run_seconds(), now);
        if now >= clock_at {
            clock_at = now + CLOCK_EVERY;
            driver.apply(SessionId::NONE, Input::Clock(run_clock.tell(now)));
        }
        if driver.tracker.next_deadline().is_some_and(|at| at <= now) {
            driver.guarded(SessionId::NONE, |tracker| tracker.tick(now));
        }
    }
    inbox.close();
    while let Ok(message) = inbox.try_recv() {
        driver.take(message);
    }
    driver.apply(SessionId::NONE, Input::Clock(run_clock.tell(Instant::now())));
    let queues = driver.sessions.values().map(|session| Arc::clone(&session.queue)).collect();
    driver.apply(SessionId::NONE, Input::Stopping);
    driver.ledger.finish().await;
    // A shard that waits to be heard is let go.
    drop(shard_answers);
    if let Some(shards) = driver.outside.shards {
        shards.finish().await;
    }
    queues
}

/// What a shard answers next; without shards nothing ever.
async fn next_answer(answers: &mut Option<ShardAnswers>) -> Option<(usize, ShardAnswer)> {
    match answers {
        Some(answers) => answers.recv().await,
        None => std::future::pending().await,
    }
}

/// A tracker's own clock: what it said before, and how long ago that was.
struct RunClock {
    before: u64,
    since: Instant,
}

impl RunClock {
    /// Of several trackers the one whose clock is ahead says what time it is.
    fn learn(&mut self, run_seconds: u64, now: Instant) {
        if run_seconds > self.seconds(now) {
            *self = Self { before: run_seconds, since: now };
        }
    }

    fn tell(&self, now: Instant) -> Clock {
        Clock { run_seconds: self.seconds(now), unix_seconds: unix_seconds() }
    }

    fn seconds(&self, now: Instant) -> u64 {
        self.before.saturating_add(now.saturating_duration_since(self.since).as_secs())
    }
}

impl Driver {
    fn take(&mut self, message: Message) {
        match message {
            Message::Opened(id, opened, queue) => {
                self.sessions.insert(id, OpenSession { queue, since: None });
                self.apply(id, Input::Opened(opened));
            }
            Message::Input(id, input) => {
                if matches!(input, Input::Closed) {
                    self.sessions.remove(&id);
                    if let Some(relay) = self.outside.relays.session_ended(id) {
                        self.apply(SessionId::NONE, Input::RelayEnded(relay));
                    }
                }
                let answered = if let Input::Answered { ticket, .. } = &input { Some(*ticket) } else { None };
                self.apply(id, input);
                if let (Some(ticket), Some(links)) = (answered, &self.outside.links) {
                    // Whoever wanted it has gone meanwhile.
                    drop(links.take_kept(ticket));
                }
            }
            Message::Lines(id, requests, brought_at) => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    let first = requests.iter().find(|request| !matches!(request, SessionRequest::Pinged(_)));
                    let verb = match first {
                        Some(SessionRequest::Command(command)) => Some(command.kind()),
                        _ => None,
                    };
                    session.since = Some((verb, brought_at));
                }
                self.apply(id, Input::Requests(requests));
            }
            Message::Look(look) => look(&self.tracker, &self.figures),
            Message::ConfigureBy(read) => self.configuration = Some(read),
            Message::Reload => self.read_configuration(None),
            Message::ReadLog(reader) => self.log = Log { reader: Some(reader), left_out: 0 },
        }
    }

    fn take_answer(&mut self, shard: usize, answer: ShardAnswer) {
        self.apply(SessionId::NONE, Input::ShardAnswered { shard, answer });
    }

    fn apply(&mut self, from: SessionId, input: Input) {
        let now = Instant::now();
        self.guarded(from, |tracker| tracker.apply(now, from, input));
    }

    /// Reads the configuration beside everything else; what it says comes as an input.
    fn read_configuration(&mut self, ticket: Option<Ticket>) {
        let Some(read) = self.configuration.clone() else {
            let read = Err(Sentence::NoConfiguration.to_string());
            return self.apply(SessionId::NONE, Input::Configured { ticket, read });
        };
        let inbox = self.inbox.clone();
        // Nobody waits for it at the end: then it comes to nothing.
        drop(tokio::spawn(async move {
            let read = tokio::task::spawn_blocking(move || read()).await;
            let read = read.unwrap_or_else(|_panic| Err("the configuration could not be read".into()));
            if let Err(why) = &read {
                tracing::error!("the configuration was not taken: {why}");
            }
            let read = read.map(Box::new);
            let _has_stopped = inbox.send(Message::Input(SessionId::NONE, Input::Configured { ticket, read })).await;
        }));
    }

    /// A panic in the machine is a bug of ours; it ends the session that met it, not everybody's.
    fn guarded(&mut self, from: SessionId, step: impl FnOnce(&mut Tracker) -> Effects) {
        let effects = catch_unwind(AssertUnwindSafe(|| step(&mut self.tracker)));
        let effects = effects.or_else(|_panic| {
            tracing::error!(?from, "the tracker has panicked over a session; it is closed");
            if let Some(session) = self.sessions.remove(&from) {
                session.queue.close();
            }
            catch_unwind(AssertUnwindSafe(|| self.tracker.apply(Instant::now(), from, Input::Closed)))
        });
        if let Ok(effects) = effects {
            self.carry_out(effects);
        }
    }

    fn carry_out(&mut self, effects: Effects) {
        let mut effects = effects.into_iter().peekable();
        while let Some(effect) = effects.next() {
            match effect {
                Effect::Send { to, bytes } => {
                    // Together, so that the session is woken once, and nothing comes in between.
                    let mut answers = vec![bytes];
                    let is_same = |next: &Effect| matches!(next, Effect::Send { to: next, .. } if *next == to);
                    while let Some(Effect::Send { bytes, .. }) = effects.next_if(is_same) {
                        answers.push(bytes);
                    }
                    let with = Signs {
                        is_ready: effects.next_if_eq(&Effect::Ready(to)).is_some(),
                        tell_drained: effects.next_if_eq(&Effect::TellDrained(to)).is_some(),
                        is_closing: false,
                        is_resynced: false,
                    };
                    if with.is_ready {
                        self.note_answered(to);
                    }
                    self.with_queue(to, |queue| queue.send(answers, with));
                }
                Effect::Notify { to, bytes } => {
                    self.figures.notices += to.len() as u64;
                    to.iter().for_each(|to| self.with_queue(*to, |queue| queue.notify(bytes.clone())));
                }
                Effect::Ready(id) => {
                    self.note_answered(id);
                    self.with_queue(id, SendQueue::ready);
                }
                Effect::TellDrained(id) => self.with_queue(id, SendQueue::tell_drained),
                Effect::Close(id) => {
                    self.note_answered(id);
                    if let Some(session) = self.sessions.remove(&id) {
                        session.queue.close();
                    }
                }
                Effect::Reload(ticket) => self.read_configuration(Some(ticket)),
                Effect::Relay(start) => {
                    self.outside.relays.begin(start);
                    for id in start.sessions {
                        if let Some(OpenSession { queue, .. }) = self.sessions.remove(&id) {
                            // In one piece: nothing that comes after it is taken for a line.
                            let with = Signs { is_closing: true, ..Signs::default() };
                            queue.send([Bytes::from_static(b"OK 0\n")], with);
                        }
                    }
                }
                Effect::RelayOn { start, ticket } => {
                    let other = self.outside.links.as_ref().and_then(|links| links.take_kept(ticket));
                    let [_, session] = start.sessions;
                    let Some(OpenSession { queue, .. }) = self.sessions.remove(&session) else { continue };
                    if let Some(other) = other {
                        self.outside.relays.go_on(start, other);
                        queue.send([Bytes::from_static(b"OK 0\n")], Signs { is_closing: true, ..Signs::default() });
                    } else {
                        queue.close();
                        self.apply(SessionId::NONE, Input::RelayEnded(start.relay));
                    }
                }
                Effect::EndRelay(relay) => self.outside.relays.end(relay),
                Effect::SetRelayRate(bytes_per_second) => self.outside.relays.set_rate(bytes_per_second),
                Effect::Link(effect) => {
                    if let Some(links) = &self.outside.links {
                        links.carry_out(effect);
                    }
                }
                Effect::Ask { ticket, trackers, line, wants } => match &self.outside.links {
                    Some(links) => links.ask(ticket, trackers, line, wants),
                    None => self.apply(SessionId::NONE, Input::Answered { ticket, answers: Vec::new() }),
                },
                Effect::AskShard { shard, ask } => {
                    if let Some(shards) = &mut self.outside.shards {
                        shards.ask(shard, ask);
                    }
                }
                Effect::Log(entry) => self.log.tell(entry),
                Effect::Try { trial, address, key } => self.outside.trials.begin(trial, address, key),
                Effect::Save { ticket, records } => {
                    if !self.ledger.write(LedgerJob { ticket, work: LedgerWork::Write(records) }) {
                        self.apply(SessionId::NONE, Input::Stored { ticket, done: false });
                    }
                }
                Effect::Claim { ticket, claim } => {
                    if !self.ledger.write(LedgerJob { ticket, work: LedgerWork::Claim(claim) }) {
                        self.apply(SessionId::NONE, Input::Claimed { ticket, fate: ClaimFate::Failed });
                    }
                }
            }
        }
    }

    /// All lines that a session has brought are answered.
    fn note_answered(&mut self, id: SessionId) {
        let since = self.sessions.get_mut(&id).and_then(|session| session.since.take());
        if let Some((verb, brought_at)) = since {
            self.figures.answered(verb, brought_at.elapsed());
        }
    }

    fn with_queue(&self, id: SessionId, act: impl FnOnce(&SendQueue)) {
        if let Some(session) = self.sessions.get(&id) {
            act(&session.queue);
        }
    }
}
