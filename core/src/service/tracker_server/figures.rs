//! How a tracker does, in numbers, for who watches over it. They are counted where things happen, as plain integers; nothing
//! is made of them until somebody asks.

use std::sync::Arc;
use std::time::Duration;

use crate::protocol::command::{VERBS, VerbKind};
use crate::protocol::owner_line::TrackerLine;
use crate::service::tracker_server::shard_threads::{ShardQueue, ShardThreads};
use crate::tracker::machine::{Tracker, TrackerCounts};
use crate::tracker::shards::parted::ShardCounts;
use crate::tracker::tally::Tally;

/// Up to which time a request belongs to a bucket; the last bucket has none.
pub const LATENCY_BOUNDS: [Duration; 14] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
];
const BUCKETS: usize = LATENCY_BOUNDS.len() + 1;

/// How long requests took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Latency {
    buckets: [u64; BUCKETS],
    sum: Duration,
}

impl Latency {
    /// One more that took so long.
    pub(super) fn record(&mut self, took: Duration) {
        let bucket = LATENCY_BOUNDS.partition_point(|bound| *bound < took);
        self.buckets[bucket] += 1;
        self.sum += took;
    }

    /// How many took at most the bound of each bucket and more than that of the one before.
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// How long all took together.
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

/// What the driver counts.
#[derive(Debug)]
pub(super) struct DriverFigures {
    /// Notices that were given to sessions to be sent.
    pub(super) notices: u64,
    /// By the verb of the first line, from when lines were brought until all were answered; the last is of lines that are
    /// no command.
    latencies: Vec<Latency>,
    shard_queues: Arc<[ShardQueue]>,
}

impl DriverFigures {
    pub(super) fn new(shards: Option<&ShardThreads>) -> Self {
        let shard_queues = shards.map(ShardThreads::queues).unwrap_or_default();
        Self { notices: 0, latencies: vec![Latency::default(); VERBS.len() + 1], shard_queues }
    }

    /// Each shard; none if the catalog is in one piece.
    pub(super) fn shards(&self, tracker: &Tracker) -> Vec<ShardFigures> {
        let shard = |(counts, queue): (&ShardCounts, &ShardQueue)| ShardFigures {
            users: counts.users as u64,
            shares: counts.shares as u64,
            unanswered: queue.len() as u64,
        };
        tracker.shards().iter().zip(self.shard_queues.iter()).map(shard).collect()
    }

    pub(super) fn answered(&mut self, verb: Option<VerbKind>, took: Duration) {
        self.latencies[verb.map_or(VERBS.len(), VerbKind::index)].record(took);
    }

    /// Each verb with its latencies.
    pub(super) fn latencies(&self) -> Vec<(&'static str, Latency)> {
        let names = VERBS.iter().map(|(name, _)| *name).chain(["none"]);
        names.zip(self.latencies.iter().copied()).collect()
    }
}

/// How a shard of the catalog does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardFigures {
    /// Users whose files are there.
    pub users: u64,
    /// Files that are announced there.
    pub shares: u64,
    /// What it was asked and has not answered.
    pub unanswered: u64,
}

/// Everything at one moment.
#[derive(Debug)]
pub struct Figures {
    /// Sessions, users, shares and names.
    pub counts: TrackerCounts,
    /// What was asked and answered.
    pub tally: Tally,
    /// Sessions with a key.
    pub tls_sessions: u64,
    /// Users with a key.
    pub users_with_key: u64,
    /// Who is shut out.
    pub bans: u64,
    /// Invites with a token that are good, or were until a few minutes ago.
    pub invites: u64,
    /// Who waits to be let in.
    pub waiting_users: u64,
    /// Inputs that wait for the machine.
    pub inbox_messages: u64,
    /// Sessions that wait for their turn.
    pub queued_sessions: u64,
    /// Bytes of lines that came, before TLS.
    pub bytes_in: u64,
    /// Bytes of lines that left, before TLS.
    pub bytes_out: u64,
    /// Notices that were given to sessions to be sent.
    pub notices: u64,
    /// Sessions that read too slowly and were told so.
    pub resyncs: u64,
    /// Each verb with its latencies.
    pub latencies: Vec<(&'static str, Latency)>,
    /// Each shard; none if the catalog is in one piece.
    pub shards: Vec<ShardFigures>,
    /// All trackers of the network, this one first; none if it is alone.
    pub cluster: Vec<TrackerLine>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_belongs_to_the_first_bucket_that_holds_it() {
        let mut latency = Latency::default();
        for micros in [0, 50, 51, 5_000_000, 5_000_001, 60_000_000] {
            latency.record(Duration::from_micros(micros));
        }
        assert_eq!((latency.buckets()[0], latency.buckets()[1]), (2, 1));
        assert_eq!(latency.buckets()[13..], [1, 2]);
        assert_eq!((latency.count(), latency.sum()), (6, Duration::from_micros(70_000_102)));
    }
}
