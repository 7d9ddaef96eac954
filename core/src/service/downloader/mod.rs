//! Fetches what was asked for: connects to those who have it, verifies, writes, finishes; keeps the queue over restarts.
//!
//! | module | its job |
//! |---|---|
//! | `engine` | the one loop: feeds the machine ([`crate::transfer::downloads`]) and carries out what it wants |
//! | `source` | one peer: reached, asked, and reached by a better way |
//! | `link` | one connection to it: what is sent |
//! | `reaching` | how a peer is reached, by whichever way opens first |
//! | `receiving`, `writer` | what comes over it: read, verified and written on one thread |
//! | `finisher` | the thread that gives whole files their names |
//! | [`files`] | where downloads are on disk |
//! | `adding` | new downloads, and those of an earlier run |
//! | `joining` | the same, asked for again |
//! | [`presence`] | what of a download is at its place already |

mod adding;
mod engine;
pub mod files;
mod finisher;
mod joining;
mod link;
pub mod presence;
mod reaching;
mod receiving;
mod source;
mod source_state;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::disk::place::place_error::PlaceError;
use crate::model::existing::Existing;
use crate::model::hash::ContentHash;
use crate::model::relaying::RelayOffer;
use crate::model::share_path::SharePath;
use crate::model::ticket::EncounterTicket;
use crate::model::transfer::{QueueMove, Transfer, TransferId, TransferSelection};
use crate::model::transfer_details::{FileQuery, TransferDetails};
use crate::model::username::Username;
use crate::model::way::Way;
use crate::net::outgoing::Outgoing;
use crate::net::tls::TlsClient;
use crate::reach::DialCandidate;
use crate::service::arrivals::Arrivals;
use crate::service::downloader::adding::{Added, LookedAtOver};
use crate::service::downloader::engine::Engine;
use crate::service::downloader::files::{Disk, Found};
use crate::service::downloader::finisher::Finished;
use crate::service::downloader::joining::Grown;
use crate::service::downloader::presence::Verdict;
use crate::service::downloader::source_state::Report;
use crate::service::meeting::{Meeting, RelayPlace};
use crate::service::transfer_numbers::TransferNumbers;
use crate::store::Store;
use crate::store::downloads::WantedFile;
use crate::transfer::downloads::{Announced, FoundUser};
use crate::transfer::event::TransferEvent;
use crate::transfer::job::FileId;
use crate::transfer::{Contact, SourceId};

/// Commands that wait for their turn.
const COMMANDS_MAX: usize = 64;
/// Files of one download; a list of more is refused.
pub const FILES_MAX: usize = 1_000_000;

/// A future that a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who is where and has what: the tracker's knowledge.
pub trait Directory: Send + Sync + 'static {
    /// Where a user is now.
    fn find(&self, user: &Username) -> FoundUser;

    /// Where somebody says in the local network that they are.
    fn nearby(&self, _contact: &Contact) -> Vec<DialCandidate> {
        Vec::new()
    }

    /// Every address at which a user may be, that of [`Directory::find`] perhaps among them; empty while the tracker is
    /// away.
    fn addresses(&self, _user: &Username) -> BoxFuture<'_, Vec<DialCandidate>> {
        Box::pin(async { Vec::new() })
    }

    /// Has the tracker ask a user to dial us.
    fn introduce(&self, _user: &Username) -> BoxFuture<'_, Result<Introduction, NoIntroduction>> {
        Box::pin(async { Err(NoIntroduction::Impossible) })
    }

    /// Everybody but ourselves who shares exactly this; empty when the tracker is away.
    fn sources(&self, hash: ContentHash) -> BoxFuture<'_, Vec<Contact>>;

    /// What this user shares under this path now.
    fn announced(&self, user: Username, path: SharePath) -> BoxFuture<'_, Announced>;

    /// Counts up whenever users or shares changed, or the tracker is back.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// Why somebody was not asked to dial us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoIntroduction {
    /// The tracker is asked too often, by us or for them: later it will.
    TooSoon,
    /// The tracker cannot, or is away.
    Impossible,
}

/// Somebody was asked to dial us.
#[derive(Debug, Clone)]
pub struct Introduction {
    /// What they show us.
    pub ticket: EncounterTicket,
    /// Where they may be dialled meanwhile.
    pub addresses: Vec<DialCandidate>,
    /// Where both may dial at once, if we do that.
    pub meeting: Option<Meeting>,
    /// Whether everybody can dial us, as the tracker has tried: then they come, and nobody need dial at once.
    pub are_dialled: bool,
    /// What there is of the tracker's relay.
    pub relay: RelayOffer,
    /// Where it is, if there is one for us and we use it.
    pub relay_place: Option<RelayPlace>,
}

/// What a person may change; it holds at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownloadSettings {
    /// Files of more than one block that are fetched from one user at the same time.
    pub at_once: usize,
    /// In all; 0 is no limit.
    pub bytes_per_second: u64,
    /// The way to the Internet is metered, so that nothing is fetched by it but what a person lets go on.
    pub is_metered: bool,
    /// A file gets the time at which its owner changed it last.
    pub keep_times: bool,
    /// A file may be run if its owner may run it.
    pub keep_executable: bool,
}

impl Default for DownloadSettings {
    fn default() -> Self {
        Self { at_once: 4, bytes_per_second: 0, is_metered: false, keep_times: true, keep_executable: false }
    }
}

/// What the downloader works with.
pub struct DownloaderSetup {
    /// Keeps the queue.
    pub store: Arc<Store>,
    /// Proves our identity; for [`crate::net::tls::Purpose::Peer`].
    pub tls: TlsClient,
    /// Who is where.
    pub directory: Arc<dyn Directory>,
    /// Where those come whom we asked to dial us.
    pub arrivals: Arc<Arrivals>,
    /// How connections leave.
    pub outgoing: watch::Receiver<Outgoing>,
    /// As they are now.
    pub settings: watch::Receiver<DownloadSettings>,
    /// Where the numbers of downloads come from.
    pub numbers: Arc<TransferNumbers>,
    /// [`files::RealDisk`], but in tests.
    pub disk: Arc<dyn Disk>,
}

impl fmt::Debug for DownloaderSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloaderSetup").field("settings", &*self.settings.borrow()).finish_non_exhaustive()
    }
}

/// Something to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDownload {
    /// Who shares it.
    pub user: Username,
    /// What the person asked for, as it is shown.
    pub label: String,
    /// Whether a folder was asked for.
    pub is_folder: bool,
    /// A folder on this computer that the person chose.
    pub into: PathBuf,
    /// What is done where something else is at the place of a file.
    pub existing: Existing,
    /// In the order in which they are fetched; at most [`FILES_MAX`].
    pub files: Vec<WantedFile>,
}

/// What lies at the places of files that were asked for, and is something else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DifferingFiles {
    /// How many files were asked for.
    pub files: u64,
    /// How many of them are there with the very content.
    pub same: u64,
    /// At the places of how many something else is.
    pub differing: u64,
    /// Those places; of many the first.
    pub places: Vec<PathBuf>,
}

/// Why something is not fetched.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// There is a file at the target, and it was not asked to replace it.
    #[error("there is a file '{path}' already")]
    Exists {
        /// Its path.
        path: PathBuf,
    },
    /// Something else lies at the places of some files, and nobody has said what becomes of it.
    #[error("something else is at the places of {} files", .0.differing)]
    Differing(Box<DifferingFiles>),
    /// It was taken off the list meanwhile.
    #[error("it was cancelled")]
    Cancelled,
    /// Another download goes there.
    #[error("another download goes to '{path}'")]
    Taken {
        /// Its path.
        path: PathBuf,
    },
    /// The target folder cannot be used.
    #[error("'{path}': {why}")]
    Folder {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        why: PlaceError,
    },
    /// No file, or more than [`FILES_MAX`].
    #[error("a download has 1 to {FILES_MAX} files")]
    Count,
    /// The queue cannot be saved.
    #[error("the queue cannot be saved: {0}")]
    Save(#[from] redb::Error),
    /// The program is ending.
    #[error("the program is ending")]
    Stopped,
}

/// A handle on the downloads; clones are cheap.
#[derive(Debug, Clone)]
pub struct Downloader {
    commands: mpsc::Sender<Command>,
    list: Arc<List>,
    /// Grows whenever this computer is in another network.
    networks: watch::Sender<u64>,
}

/// The downloads as they were told last.
type List = Mutex<BTreeMap<TransferId, Transfer>>;

/// What a person wants.
#[derive(Debug)]
enum Command {
    Expect(Username),
    Add(NewDownload, oneshot::Sender<Result<TransferId, AddError>>),
    Settle(Vec<TransferId>, oneshot::Sender<Result<(), AddError>>),
    Pause(TransferSelection, oneshot::Sender<()>),
    Resume(TransferSelection, oneshot::Sender<()>),
    Cancel(TransferSelection, oneshot::Sender<()>),
    Retry(TransferSelection, Existing, oneshot::Sender<()>),
    Reorder(TransferId, QueueMove, oneshot::Sender<()>),
    Acknowledge(TransferId, oneshot::Sender<()>),
    Describe(TransferId, FileQuery, oneshot::Sender<Option<TransferDetails>>),
}

/// What wakes the engine, besides commands and time.
#[derive(Debug)]
enum Event {
    /// A connection says something.
    Source(SourceId, u64, Report),
    /// Who has the content of a file.
    Sources(FileId, Vec<Contact>),
    /// What its owner shares under the path of a file.
    Announced(FileId, Announced),
    /// What is at a file's place; the number is that of the check.
    Checked(FileId, u64, Found),
    /// What becomes of files that were held; the number is that of the look.
    Looked(TransferId, u64, Vec<(u32, Verdict)>),
    /// Files are finished, or not.
    Finished(Finished),
    /// A download is on disk, or was refused.
    Added(Box<Added>),
    /// What a download gets besides is on disk, or was refused.
    Grown(Box<Grown>),
    /// The target of a download that is over is asked for again.
    LookedAtOver(Box<LookedAtOver>),
    /// How much room there is on the disk of a download.
    Free(TransferId, Option<u64>),
}

impl Downloader {
    /// Reads the queue and goes on with it. The task ends when `cancel` is, and then waits for what it began.
    pub async fn start(
        setup: DownloaderSetup,
        events: mpsc::Sender<TransferEvent>,
        cancel: CancellationToken,
    ) -> Result<(Self, JoinHandle<()>), AddError> {
        let list = Arc::new(List::default());
        let (commands, asked) = mpsc::channel(COMMANDS_MAX);
        let networks = watch::Sender::new(0);
        let engine = Engine::restore(setup, Arc::clone(&list), networks.subscribe(), events, cancel).await?;
        let task = tokio::spawn(engine.run(asked));
        Ok((Self { commands, list, networks }, task))
    }

    /// Queues a download, durably when this returns. The same content to the same place, asked for again, is the
    /// download that is there already: it goes on if it was paused or had failed, and if it is finished and not
    /// acknowledged it is just that. A folder of which something is in its place, with [`Existing::Refuse`], begins when
    /// [`Downloader::settle`] was asked.
    pub async fn add(&self, download: NewDownload) -> Result<TransferId, AddError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Add(download, reply)).await.map_err(|_ended| AddError::Stopped)?;
        answer.await.map_err(|_ended| AddError::Stopped)?
    }

    /// Waits until it is known what lies at the places of downloads that were just asked for. If something else does, and
    /// nobody has said what becomes of it, those that are new leave the list: then nothing of them was begun.
    pub async fn settle(&self, ids: Vec<TransferId>) -> Result<(), AddError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Settle(ids, reply)).await.map_err(|_ended| AddError::Stopped)?;
        answer.await.map_err(|_ended| AddError::Stopped)?
    }

    /// Something will be wanted of somebody in a moment: they are reached meanwhile, if they are here.
    pub fn expect(&self, user: &Username) {
        // Only to be faster.
        let _busy = self.commands.try_send(Command::Expect(user.clone()));
    }

    /// What is behind a download, and a page of its files; `None` if there is no such download.
    pub async fn describe(&self, id: TransferId, query: FileQuery) -> Option<TransferDetails> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Describe(id, query, reply)).await.ok()?;
        answer.await.ok().flatten()
    }

    /// All downloads, by number.
    pub fn snapshot(&self) -> Vec<Transfer> {
        self.list.lock().values().cloned().collect()
    }

    /// The first download that is meant.
    pub fn find(&self, is_meant: impl Fn(&Transfer) -> bool) -> Option<TransferId> {
        self.list.lock().values().find(|download| is_meant(download)).map(|download| download.number)
    }

    /// How many downloads there are that are not over, and how fast they come in all, in bytes a second.
    pub fn running(&self) -> (u64, u64) {
        let list = self.list.lock();
        let running = list.values().filter(|download| !download.state.is_final());
        running.fold((0, 0), |(count, speed), download| (count + 1, speed + download.bytes_per_second))
    }

    /// By which ways downloads are connected to those they are asked of.
    pub fn ways(&self) -> Vec<Way> {
        self.list.lock().values().filter_map(Transfer::connected_by).collect()
    }

    /// This computer is in another network, or was asleep: what the tracker carries may find a better way now, and who was not
    /// reached is tried at once.
    pub fn network_changed(&self) {
        self.networks.send_modify(|networks| *networks = networks.wrapping_add(1));
    }

    /// Whether there is a download with this number.
    pub fn has(&self, id: TransferId) -> bool {
        self.list.lock().contains_key(&id)
    }

    /// Stops those that are not over until [`Downloader::resume`], over restarts too.
    pub async fn pause(&self, which: TransferSelection) {
        self.say(|reply| Command::Pause(which, reply)).await;
    }

    /// Lets those that stand still go on.
    pub async fn resume(&self, which: TransferSelection) {
        self.say(|reply| Command::Resume(which, reply)).await;
    }

    /// Takes those that are not over off the list, with their unfinished files; finished files stay. One that is over is
    /// taken off when it is named.
    pub async fn cancel(&self, which: TransferSelection) {
        self.say(|reply| Command::Cancel(which, reply)).await;
    }

    /// Tries what failed once more. What lies at the places of files then, and is something else, is dealt with as was said
    /// before, unless something is said now.
    pub async fn retry(&self, which: TransferSelection, existing: Existing) {
        self.say(|reply| Command::Retry(which, existing, reply)).await;
    }

    /// Gives a download another place in the queue, over restarts too.
    pub async fn reorder(&self, id: TransferId, to: QueueMove) {
        self.say(|reply| Command::Reorder(id, to, reply)).await;
    }

    /// The person knows that a download is over: it leaves the list.
    pub async fn acknowledge(&self, id: TransferId) {
        self.say(|reply| Command::Acknowledge(id, reply)).await;
    }

    async fn say(&self, command: impl FnOnce(oneshot::Sender<()>) -> Command) {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(command(reply)).await.is_ok() {
            let _ended = answer.await;
        }
    }
}
