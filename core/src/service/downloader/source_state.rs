//! What the two halves of a connection to a peer share, and what they tell.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::model::attempt::AttemptRecord;
use crate::model::relaying::NoRelay;
use crate::model::way::Way;
use crate::service::downloader::Event;
use crate::transfer::SourceId;
use crate::transfer::downloads::AskOutcome;
use crate::transfer::source::Ask;

/// Words about our place in the peer's queue that are heard at once, and those a second afterwards. Honest ones come
/// when others come and go, at most some tens a second; all of them together when our computer was asleep.
const STANDINGS_AT_ONCE: f64 = 4096.0;
const STANDINGS_PER_SECOND: f64 = 256.0;

/// What a connection tells.
#[derive(Debug)]
pub(super) enum Report {
    /// What was tried to reach the peer; whether it is reached comes next.
    Attempted(AttemptRecord),
    /// It stands, and came about like this.
    Up(Way),
    /// It is another way now, by which it goes on.
    Way(Way),
    Queued(u32),
    Granted,
    Answered(Vec<(u32, AskOutcome)>),
    /// It is gone, or never came about.
    Down(Why),
}

/// Why a connection is gone.
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// They were asked to meet us, and no way led to them.
    #[error("no way leads there, nor a relay ({})", .0.key())]
    NoWay(NoRelay),
    /// Our address of it is ours no more.
    #[error("this computer is in another network")]
    Elsewhere,
    #[error("nothing came for too long")]
    Silent,
    #[error("the peer closed the connection")]
    Closed,
    /// Nothing that it says is of use.
    #[error("the peer does not keep to the protocol")]
    Misbehaved,
    #[error("the peer says where we stand in its queue, again and again")]
    Flapping,
}

impl Why {
    /// Whether the peer has done what it must not: that counts more than anything else that ends its connections.
    pub(super) fn is_fault(&self) -> bool {
        matches!(self, Self::Misbehaved | Self::Flapping)
    }
}

/// Tells in the name of one connection.
#[derive(Debug, Clone)]
pub(super) struct Reporter {
    pub(super) source: SourceId,
    /// Which of the source's connections it is: a late word of an old one must not count for the next.
    pub(super) connection: u64,
    pub(super) events: mpsc::Sender<Event>,
}

impl Reporter {
    pub(super) async fn send(&self, report: Report) {
        self.room().await.send(report);
    }

    /// Waits until something can be told. What is told then is not lost with a future that is dropped.
    pub(super) async fn room(&self) -> Room<'_> {
        Room { reporter: self, permit: self.events.reserve().await.ok() }
    }
}

/// Room for one report.
pub(super) struct Room<'a> {
    reporter: &'a Reporter,
    /// Nobody listens when everything ends.
    permit: Option<mpsc::Permit<'a, Event>>,
}

impl Room<'_> {
    pub(super) fn send(self, report: Report) {
        if let Some(permit) = self.permit {
            permit.send(Event::Source(self.reporter.source, self.reporter.connection, report));
        }
    }
}

/// What the two halves of a connection know together; both are on its thread.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) open: RefCell<HashMap<u32, Ask>>,
    /// The request whose answer is being read.
    pub(super) taking: Cell<Option<Ask>>,
    /// Our place in the peer's queue, while it has us wait.
    pub(super) place: Cell<Option<u32>>,
    /// The peer says that we came through a port that a router has opened for it.
    pub(super) is_mapped: Cell<bool>,
    /// Where we stand is not told: there are two connections.
    pub(super) is_mute: Cell<bool>,
    /// It is over, and everything is told.
    pub(super) has_ended: Cell<bool>,
    /// Counts what came, so that silence is noticed.
    pub(super) came: Cell<u64>,
    /// How many words about our place were heard, less what time allows; and when that was.
    pub(super) standings: Cell<Option<(f64, Instant)>>,
}

impl State {
    /// The request that this answers; what nobody asked for is not read.
    pub(super) fn close(&self, id: u32) -> Result<Ask, Why> {
        let ask = self.open.borrow_mut().remove(&id).ok_or(Why::Misbehaved)?;
        self.taking.set(Some(ask));
        Ok(ask)
    }

    /// The peer says where we stand; not more often than it makes sense.
    pub(super) fn told_standing(&self) -> Result<(), Why> {
        let now = Instant::now();
        let (told, at) = self.standings.get().unwrap_or((0.0, now));
        let told = (told - (now - at).as_secs_f64() * STANDINGS_PER_SECOND).max(0.0) + 1.0;
        self.standings.set(Some((told, now)));
        if told > STANDINGS_AT_ONCE { Err(Why::Flapping) } else { Ok(()) }
    }

    /// Notes that something came from the source: it is alive.
    pub(super) fn heard(&self) {
        self.came.set(self.came.get().wrapping_add(1));
    }
}
