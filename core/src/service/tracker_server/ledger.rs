//! Where what outlives sessions is written: the tracker's own database, or a ledger that it shares with other trackers.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::model::binding::{ClaimFate, NameClaim, Record};
use crate::model::cluster::ClusterTracker;
use crate::model::invite::{BadInvite, HostPort, NetworkAddress};
use crate::model::limits;
use crate::service::tracker_server::writer::{RecordWriter, SaveJob};
use crate::service::tracker_server::{Message, writer};
use crate::store::Store;
use crate::tracker::input::{Input, Learned, SessionId, Ticket};
use crate::tracker::links::MeshInput;
use crate::tracker::mesh::ListedTracker;
use crate::tracker::remembered::Remembered;

/// Jobs that wait for the ledger. Beyond it a registration is refused: the ledger is too slow or stuck.
const WAITING_JOBS_MAX: usize = 16 * 1024;
/// How long a shared ledger may take to write what waits when the tracker stops.
const LAST_JOBS_MAX: Duration = Duration::from_secs(1);

/// Where a tracker's records are.
#[derive(Debug)]
pub enum Ledger {
    /// In a database of its own.
    Own(Arc<Store>),
    /// Where other trackers have theirs too.
    Shared(Box<SharedLedger>),
}

/// A ledger that several trackers share, and those trackers.
pub struct SharedLedger {
    /// What it said when it was read whole.
    pub remembered: Remembered,
    /// This tracker, as the others know it.
    pub own: ClusterTracker,
    /// All trackers that are there now, this one too, by [`ClusterTracker::mesh`].
    pub trackers: watch::Receiver<Arc<[ClusterTracker]>>,
    /// Writes what is wanted and tells what is learned, until there are no more jobs.
    pub keep: Keep,
}

/// A task that keeps a ledger: it ends after the last job.
pub type Keep = Box<dyn FnOnce(mpsc::Receiver<LedgerJob>, LedgerAnswers) -> Keeping + Send>;
/// The future of that task.
pub type Keeping = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something to be written.
#[derive(Debug)]
pub struct LedgerJob {
    /// Repeated in the answer.
    pub ticket: Ticket,
    /// What it is.
    pub work: LedgerWork,
}

/// What a ledger does for a tracker.
#[derive(Debug)]
pub enum LedgerWork {
    /// Write these, all of them or none; [`LedgerAnswers::stored`] says how it went.
    Write(Vec<Record>),
    /// Claim a name; [`LedgerAnswers::claimed`] says what became of it. A ledger that is nobody else's has none.
    Claim(NameClaim),
}

/// Where a shared ledger tells its tracker how it fares. The tracker hears it in the order in which it is told.
#[derive(Clone)]
pub struct LedgerAnswers {
    inbox: mpsc::Sender<Message>,
}

/// The tracker has stopped.
#[derive(Debug)]
pub struct HasStopped;

impl LedgerAnswers {
    /// A record is written for good, or is not.
    pub async fn stored(&self, ticket: Ticket, done: bool) -> Result<(), HasStopped> {
        self.tell(Input::Stored { ticket, done }).await
    }

    /// A claim has its fate. What it is about must have been told before.
    pub async fn claimed(&self, ticket: Ticket, fate: ClaimFate) -> Result<(), HasStopped> {
        self.tell(Input::Claimed { ticket, fate }).await
    }

    /// The ledger says something.
    pub async fn learned(&self, learned: Learned) -> Result<(), HasStopped> {
        self.tell(Input::Learned(learned)).await
    }

    async fn tell(&self, input: Input) -> Result<(), HasStopped> {
        self.inbox.send(Message::Input(SessionId::NONE, input)).await.map_err(|_closed| HasStopped)
    }
}

impl fmt::Debug for SharedLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedLedger({:?})", self.own)
    }
}

impl fmt::Debug for LedgerAnswers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LedgerAnswers")
    }
}

/// Tells the tracker which trackers there are, as often as that changes.
pub(super) async fn tell_trackers(
    own: HostPort,
    mut listed: watch::Receiver<Arc<[ClusterTracker]>>,
    inbox: mpsc::Sender<Message>,
    cancel: CancellationToken,
) {
    loop {
        let hosts: Vec<HostPort> = listed.borrow().iter().map(|one| one.host.clone()).collect();
        if let Ok(addresses) = meeting_place(&own, hosts)
            && inbox.send(Message::Input(SessionId::NONE, Input::Addresses(addresses))).await.is_err()
        {
            return;
        }
        let all: Vec<ListedTracker> =
            listed.borrow_and_update().iter().map(|one| ListedTracker { at: one.mesh, key: one.key }).collect();
        let input = Input::Mesh(MeshInput::Trackers(all));
        if inbox.send(Message::Input(SessionId::NONE, input)).await.is_err() {
            return;
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            changed = listed.changed() => if changed.is_err() { return },
        }
    }
}

/// Where a cluster is met: at this tracker first, then at the others.
pub(super) fn meeting_place(own: &HostPort, others: Vec<HostPort>) -> Result<NetworkAddress, BadInvite> {
    let all = std::iter::once(own.clone()).chain(others.into_iter().filter(|other| other != own));
    NetworkAddress::new(all.take(limits::NETWORK_ADDRESSES_MAX))
}

/// The ledger, as the driver sees it.
pub(super) enum LedgerWriter {
    Own(RecordWriter),
    Shared { jobs: mpsc::Sender<LedgerJob>, task: JoinHandle<()> },
}

impl LedgerWriter {
    /// Starts writing to a database of the tracker's own.
    pub(super) fn own(store: Arc<Store>, answers: mpsc::Sender<Message>) -> io::Result<Self> {
        writer::start(store, answers).map(Self::Own)
    }

    /// Starts keeping a shared ledger.
    pub(super) fn shared(keep: Keep, answers: mpsc::Sender<Message>) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_JOBS_MAX);
        let task = tokio::spawn(keep(waiting, LedgerAnswers { inbox: answers }));
        Self::Shared { jobs, task }
    }

    /// Hands a job over; `false` if too many wait.
    pub(super) fn write(&self, job: LedgerJob) -> bool {
        match (self, job.work) {
            (Self::Shared { jobs, .. }, work) => jobs.try_send(LedgerJob { work, ..job }).is_ok(),
            (Self::Own(writer), LedgerWork::Write(records)) => writer.write(SaveJob { ticket: job.ticket, records }),
            // Nobody claims what nobody shares.
            (Self::Own(_), LedgerWork::Claim(_)) => false,
        }
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self) {
        match self {
            Self::Own(writer) => writer.finish().await,
            Self::Shared { jobs, mut task } => {
                drop(jobs);
                if timeout(LAST_JOBS_MAX, &mut task).await.is_err() {
                    task.abort();
                }
            }
        }
    }
}
