//! A thread for each shard of the catalog, if it is parted. The driver asks and goes on; what they answer comes to it as
//! inputs, before what sessions bring.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::{JoinHandle, available_parallelism};
use std::time::Instant;

use tokio::sync::mpsc;

use crate::tracker::settings::SHARDS_MAX;
use crate::tracker::shards::ask::{ShardAnswer, ShardAsk};
use crate::tracker::shards::shard::Shard;

/// What waits for a shard in its queue, and the answers that wait for the driver. What the driver asks beyond that waits with
/// it, and a shard waits until the driver has taken what it said.
const SHARD_ASKS_MAX: usize = 4096;
const SHARD_ANSWERS_MAX: usize = 1024;
/// What a shard takes before it does its next step.
const ASKS_AT_ONCE: usize = 64;
/// So many processors there are for one shard: the driver, sessions and the system need as many as the shards.
const PROCESSORS_A_SHARD: usize = 2;

/// What shards answer, each with its number.
pub(super) type ShardAnswers = mpsc::Receiver<(usize, ShardAnswer)>;

/// The threads, as the driver sees them.
pub(super) struct ShardThreads {
    asks: Vec<SyncSender<ShardAsk>>,
    /// What finds no room there: little, as a session asks for one thing at a time and sessions have a bound.
    waiting: Vec<VecDeque<ShardAsk>>,
    threads: Vec<JoinHandle<()>>,
}

/// How many shards there are to be if the settings say so many; zero leaves it to the processors.
pub(super) fn count(setting: usize) -> usize {
    let processors = available_parallelism().map_or(1, NonZeroUsize::get);
    let wanted = if setting == 0 { processors / PROCESSORS_A_SHARD } else { setting };
    wanted.clamp(1, SHARDS_MAX)
}

impl ShardThreads {
    /// Starts so many.
    pub(super) fn start(shards: usize) -> io::Result<(Self, ShardAnswers)> {
        let (answers, answered) = mpsc::channel(SHARD_ANSWERS_MAX);
        let mut started = Self { asks: Vec::new(), waiting: Vec::new(), threads: Vec::new() };
        for number in 0..shards {
            let (ask, asks) = sync_channel(SHARD_ASKS_MAX);
            let answers = answers.clone();
            let named = std::thread::Builder::new().name(format!("shard-{number}"));
            started.threads.push(named.spawn(move || run(number, &asks, &answers))?);
            started.asks.push(ask);
            started.waiting.push(VecDeque::new());
        }
        Ok((started, answered))
    }

    /// Asks one of them. It never waits.
    pub(super) fn ask(&mut self, shard: usize, ask: ShardAsk) {
        self.waiting[shard].push_back(ask);
        self.pass_on();
    }

    /// Passes on what has found no room, as far as there is some.
    pub(super) fn pass_on(&mut self) {
        for (asks, waiting) in self.asks.iter().zip(&mut self.waiting) {
            while let Some(ask) = waiting.pop_front() {
                // A thread that has ended has no more answers; the tracker is ending too.
                if let Err(TrySendError::Full(ask)) = asks.try_send(ask) {
                    waiting.push_front(ask);
                    break;
                }
            }
        }
    }

    /// Whether [`Self::pass_on`] must be called again.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.iter().any(|waiting| !waiting.is_empty())
    }

    /// Ends them. What they have not answered is asked by nobody any more.
    pub(super) async fn finish(self) {
        drop(self.asks);
        let joining = move || self.threads.into_iter().for_each(|thread| drop(thread.join()));
        let _ended = tokio::task::spawn_blocking(joining).await;
    }
}

/// Drives a shard until nobody can ask it any more.
fn run(number: usize, asks: &Receiver<ShardAsk>, answers: &mpsc::Sender<(usize, ShardAnswer)>) {
    let mut shard = Shard::new(Instant::now());
    let mut said = Vec::new();
    while let Ok(first) = next(&shard, asks) {
        for ask in first.into_iter().chain(asks.try_iter().take(ASKS_AT_ONCE)) {
            guarded(number, || shard.take(ask, &mut said));
        }
        guarded(number, || shard.work(Instant::now(), &mut said));
        for answer in said.drain(..) {
            if let ShardAnswer::Failed(ticket) = &answer {
                tracing::error!(number, ?ticket, "a shard has panicked over a session; it is closed");
            }
            if answers.blocking_send((number, answer)).is_err() {
                return;
            }
        }
    }
}

/// The next thing that is asked, if there is one when the shard has something to do; an error at the end.
fn next(shard: &Shard, asks: &Receiver<ShardAsk>) -> Result<Option<ShardAsk>, TryRecvError> {
    let asked = match (shard.has_work(), shard.next_deadline()) {
        (true, _) => asks.try_recv(),
        (false, None) => asks.recv().map_err(|_end| TryRecvError::Disconnected),
        (false, Some(at)) => asks.recv_timeout(at.saturating_duration_since(Instant::now())).map_err(|why| match why {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        }),
    };
    match asked {
        Ok(ask) => Ok(Some(ask)),
        Err(TryRecvError::Empty) => Ok(None),
        Err(end @ TryRecvError::Disconnected) => Err(end),
    }
}

/// A panic is a bug of ours; the shard goes on for the others.
fn guarded(number: usize, step: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(step)).is_err() {
        tracing::error!(number, "a shard has panicked");
    }
}
