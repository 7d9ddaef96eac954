//! A thread for each shard of the catalog, if it is parted. The driver asks and goes on; what they answer comes to it as
//! inputs, before what sessions bring.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
/// So many processors there are for one shard where there are many: the driver, sessions and the system need as many as the
/// shards.
const PROCESSORS_A_SHARD: usize = 2;
/// On two processors two shards announce 1.5 times as fast as one piece.
const SHARDS_OF_FEW_PROCESSORS: usize = 2;

/// What shards answer, each with its number.
pub(super) type ShardAnswers = mpsc::Receiver<(usize, ShardAnswer)>;

/// The threads, as the driver sees them.
pub(super) struct ShardThreads {
    asks: Vec<SyncSender<ShardAsk>>,
    /// What finds no room there: little, as a session asks for one thing at a time and sessions have a bound.
    waiting: Vec<VecDeque<ShardAsk>>,
    queues: Arc<[ShardQueue]>,
    threads: Vec<JoinHandle<()>>,
}

/// What a shard has to do, for who watches over the tracker.
#[derive(Debug, Default)]
pub(super) struct ShardQueue {
    /// Asked, and not yet taken by the thread.
    asked: AtomicUsize,
    /// Taken, and not yet answered.
    taken: AtomicUsize,
}

impl ShardQueue {
    /// How much it was asked and has not answered.
    pub(super) fn len(&self) -> usize {
        self.asked.load(Ordering::Relaxed) + self.taken.load(Ordering::Relaxed)
    }
}

/// How many shards there are to be if the settings say so many; zero leaves it to the processors.
pub(super) fn count(setting: usize) -> usize {
    let processors = available_parallelism().map_or(1, NonZeroUsize::get);
    if setting == 0 { shards_for(processors) } else { setting.clamp(1, SHARDS_MAX) }
}

fn shards_for(processors: usize) -> usize {
    let of_many = processors / PROCESSORS_A_SHARD;
    of_many.max(SHARDS_OF_FEW_PROCESSORS).min(processors).clamp(1, SHARDS_MAX)
}

impl ShardThreads {
    /// Starts so many.
    pub(super) fn start(shards: usize) -> io::Result<(Self, ShardAnswers)> {
        let (answers, answered) = mpsc::channel(SHARD_ANSWERS_MAX);
        let queues: Arc<[ShardQueue]> = (0..shards).map(|_| ShardQueue::default()).collect();
        let mut started = Self { asks: Vec::new(), waiting: Vec::new(), queues, threads: Vec::new() };
        for number in 0..shards {
            let (ask, asks) = sync_channel(SHARD_ASKS_MAX);
            let (answers, queues) = (answers.clone(), Arc::clone(&started.queues));
            let named = std::thread::Builder::new().name(format!("shard-{number}"));
            started.threads.push(named.spawn(move || run(number, &asks, &answers, &queues[number]))?);
            started.asks.push(ask);
            started.waiting.push(VecDeque::new());
        }
        Ok((started, answered))
    }

    /// Asks one of them. It never waits.
    pub(super) fn ask(&mut self, shard: usize, ask: ShardAsk) {
        self.queues[shard].asked.fetch_add(1, Ordering::Relaxed);
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

    /// What each has to do.
    pub(super) fn queues(&self) -> Arc<[ShardQueue]> {
        Arc::clone(&self.queues)
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
fn run(number: usize, asks: &Receiver<ShardAsk>, answers: &mpsc::Sender<(usize, ShardAnswer)>, queue: &ShardQueue) {
    let mut shard = Shard::new(Instant::now());
    let mut said = Vec::new();
    while let Ok(first) = next(&shard, asks) {
        for ask in first.into_iter().chain(asks.try_iter().take(ASKS_AT_ONCE)) {
            queue.asked.fetch_sub(1, Ordering::Relaxed);
            guarded(number, || shard.take(ask, &mut said));
        }
        guarded(number, || shard.work(Instant::now(), &mut said));
        queue.taken.store(shard.jobs(), Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_shared_with_sessions() {
        let shards = [1, 2, 3, 4, 8, 16].map(shards_for);
        assert_eq!(shards, [1, 2, 2, 2, 4, 8]);
        assert_eq!(shards_for(100_000), SHARDS_MAX);
    }
}
