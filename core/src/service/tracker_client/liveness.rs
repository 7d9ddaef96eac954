//! Whether the tracker of a session is there: when it is asked, by when it must have answered, and where else to go meanwhile.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::model::invite::HostPort;
use crate::model::limits;
use crate::service::tracker_client::elsewhere::OtherTrackers;

/// How long a ping is unanswered when we begin to look whether another tracker is better.
const DOUBT_AFTER: Duration = Duration::from_secs(1);

/// What a session knows of its tracker's being there.
pub(super) struct Liveness {
    said_at: Instant,
    heard_at: Instant,
    /// After how long without a word we ask.
    ping_every: Duration,
    /// When the answer to a ping must have come.
    pong_due: Option<Instant>,
    /// While it has not: the one task that finds a tracker which is better.
    doubt: JoinSet<HostPort>,
}

impl Liveness {
    /// Of a session that begins.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { said_at: now, heard_at: now, ping_every: limits::PING_EVERY, pong_due: None, doubt: JoinSet::new() }
    }

    /// We have said something.
    pub(super) fn said(&mut self) {
        self.said_at = Instant::now();
    }

    /// Something has come.
    pub(super) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// What came is an answer, so the tracker is there.
    pub(super) fn answered(&mut self) {
        self.pong_due = None;
        if !self.doubt.is_empty() {
            self.doubt = JoinSet::new();
        }
    }

    /// Whether a ping is unanswered.
    pub(super) fn awaits_pong(&self) -> bool {
        self.pong_due.is_some()
    }

    /// The answer to a ping must come within this time, or sooner if that was said before.
    pub(super) fn await_pong(&mut self, within: Duration) {
        let due = Instant::now() + within;
        self.pong_due = Some(self.pong_due.map_or(due, |before| before.min(due)));
    }

    /// When the tracker is to be asked, or the session is over if it was.
    pub(super) fn wake(&self) -> Instant {
        self.pong_due.unwrap_or_else(|| {
            let silent = self.said_at.min(self.heard_at) + limits::PING_EVERY;
            silent.min(self.heard_at + self.ping_every)
        })
    }

    /// The tracker says how often it is asked: it knows how many do.
    pub(super) fn set_ping(&mut self, seconds: u16) {
        self.ping_every = Duration::from_secs(seconds.into()).clamp(limits::PING_EVERY_MIN, limits::PING_EVERY);
    }

    /// Looks for a tracker that is better, if the answer does not come soon and this network has several.
    pub(super) fn doubt(&mut self, elsewhere: &OtherTrackers) {
        if self.ping_every < limits::PING_EVERY && elsewhere.is_anywhere() {
            let elsewhere = elsewhere.clone();
            self.doubt.spawn(async move {
                sleep(DOUBT_AFTER).await;
                elsewhere.found_better().await
            });
        }
    }

    /// Waits for a tracker that is better; none while none is looked for.
    pub(super) async fn better(&mut self) -> Option<HostPort> {
        self.doubt.join_next().await?.ok()
    }
}
