//! The share indexer: keeps what I share in step with the disk. It finds files, hashes them, watches their folders, and says
//! what changed; it never talks to anybody outside.
//!
//! | module | its job |
//! |---|---|
//! | [`content`] | what the peer server may read |
//! | [`event`] | what others are told |
//! | `task` | the task: what is looked at when, and who is told |
//! | `plan` | from what was typed to roots |
//! | `scan` | a job: looks at places, and shares what it finds |
//! | `hashing` | the part of a job that reads |
//! | `dirty` | what must be looked at, and when |
//! | `event_queue` | what waits to be told |
//! | `presence` | whether the shared folders are there |
//! | `watch` | being told of changes by the system |

pub mod content;
mod dirty;
pub mod event;
mod event_queue;
mod hashing;
mod plan;
mod presence;
mod scan;
mod scan_job;
mod task;
mod watch;

#[cfg(all(test, unix))]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::disk::hash::Hasher;
use crate::disk::place::shared::ReadFault;
use crate::library::table::{Collision, Library};
use crate::library::typed::ShareOrLocalPath;
use crate::model::limits;
use crate::model::share::Share;
use crate::model::share_path::{BadSharePath, SharePath};
use crate::service::share_indexer::content::{SharedLibrary, SharedTable};
use crate::service::share_indexer::event::LibraryEvent;
use crate::service::share_indexer::task::IndexerTask;
use crate::store::Store;

/// Commands that wait; more wait at their senders.
const ASKS_MAX: usize = 64;
/// Files to be looked at because an upload found them changed.
const SUSPECTS_MAX: usize = 256;

/// What a share indexer works with.
#[derive(Debug)]
pub struct ShareIndexerConfig {
    /// Where roots and hashes are remembered.
    pub store: Arc<Store>,
    /// Our own data folder, of which nothing is ever shared.
    pub data_dir: PathBuf,
    /// What is hidden in a shared folder is left out.
    pub leave_out_hidden: bool,
    /// How often everything is compared with the disk, whatever the watching says.
    pub reconcile_every: Duration,
    /// How many threads hash; 0 is one a core.
    pub hash_threads: usize,
    /// Most files that may be shared, of all roots together.
    pub shares_max: usize,
}

impl ShareIndexerConfig {
    /// The usual settings.
    pub fn new(store: Arc<Store>, data_dir: PathBuf) -> Self {
        Self {
            store,
            data_dir,
            leave_out_hidden: false,
            reconcile_every: Duration::from_secs(600),
            hash_threads: 0,
            shares_max: limits::SHARES_PER_USER_MAX,
        }
    }
}

/// A file or folder that the person wants to share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareRequest {
    /// The path as typed; a leading `~/` is the person's home.
    pub typed: String,
    /// What a relative path counts from.
    pub cwd: PathBuf,
    /// Another name to announce it under.
    pub share_as: Option<String>,
}

/// Why nothing was shared, or nothing unshared.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The file or folder cannot be read.
    #[error("'{typed}': {why}")]
    Unreadable {
        /// As it was typed.
        typed: String,
        /// What is wrong with it.
        why: ReadFault,
    },
    /// No share path can be made of its name.
    #[error("'{typed}': {why}")]
    BadName {
        /// As it was typed.
        typed: String,
        /// What is wrong with it.
        why: BadSharePath,
    },
    /// Its path on this disk is not Unicode.
    #[error("'{typed}': its path is not Unicode")]
    NotUnicode {
        /// As it was typed.
        typed: String,
    },
    /// It is being written to all the time.
    #[error("'{typed}' is being written to; share it when it is finished")]
    Changing {
        /// As it was typed.
        typed: String,
    },
    /// It is a download that is not finished.
    #[error("'{typed}' is a download that is not finished; share it when it is")]
    Unfinished {
        /// As it was typed.
        typed: String,
    },
    /// Our own data folder cannot be read, so it cannot be told what must not be shared.
    #[error("Potok's own data folder cannot be read: {0}")]
    DataFolder(std::io::Error),
    /// Two files would get one share path.
    #[error(transparent)]
    Collision(#[from] Collision),
    /// More files than may be shared.
    #[error("that would be more than {max} shared files")]
    TooMany {
        /// The limit, as it is set.
        max: usize,
    },
    /// This is not shared, so it cannot be unshared.
    #[error("'{item}' is not shared")]
    NotShared {
        /// As it was typed.
        item: String,
    },
    /// What is shared cannot be remembered.
    #[error("the list of shares cannot be saved: {0}")]
    Save(#[from] redb::Error),
    /// The program is ending.
    #[error("the program is ending")]
    Stopped,
}

/// A handle on the share indexer's task; clones are cheap.
#[derive(Debug, Clone)]
pub struct ShareIndexer {
    asks: mpsc::Sender<IndexerCommand>,
    table: SharedTable,
}

#[derive(Debug)]
pub(super) enum IndexerCommand {
    Share { requests: Vec<ShareRequest>, reply: oneshot::Sender<Result<Vec<Share>, ShareError>> },
    Unshare { items: Vec<UnshareItem>, reply: oneshot::Sender<Result<Vec<SharePath>, ShareError>> },
    Rename { from: SharePath, to: SharePath, reply: oneshot::Sender<Result<RenamedShares, ShareError>> },
    Loaded { reply: oneshot::Sender<()> },
}

/// What is announced under new names, and the old names.
pub type RenamedShares = (Vec<Share>, Vec<SharePath>);

/// What the person wants to share no longer.
#[derive(Debug)]
pub(super) struct UnshareItem {
    typed: String,
    path: Option<SharePath>,
    locals: Vec<PathBuf>,
}

impl ShareIndexer {
    /// Starts the task. It ends when `cancel` is, and then waits for what it began.
    ///
    /// Events come in batches; while they are not taken, what they say is merged, and nothing waits for it.
    pub fn start(
        config: ShareIndexerConfig,
        events: mpsc::Sender<LibraryEvent>,
        cancel: CancellationToken,
    ) -> Result<(Self, JoinHandle<()>), ShareError> {
        let roots = config.store.roots()?;
        let hasher = Hasher::new(config.hash_threads).map_err(|error| ShareError::Save(error.into()))?;
        let (asks, asked) = mpsc::channel(ASKS_MAX);
        let (suspects, suspected) = mpsc::channel(SUSPECTS_MAX);
        let mut library = Library::new(config.shares_max);
        roots.into_iter().for_each(|(root, excluded)| library.restore_root(root, excluded));
        let shared = Arc::new(SharedLibrary::new(library, Arc::clone(&config.store), hasher, suspects));
        let (indexer, inbox) = IndexerTask::new(config, Arc::clone(&shared), events, cancel, asked, suspected);
        let task = tokio::spawn(indexer.run(inbox));
        Ok((Self { asks, table: SharedTable::new(shared) }, task))
    }

    /// Shares files and folders. Returns when all of them are hashed and shared, in the order of their paths. If one of
    /// them cannot be shared none is; what cannot be shared in a folder is left out and told as an event.
    pub async fn share(&self, requests: Vec<ShareRequest>) -> Result<Vec<Share>, ShareError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(IndexerCommand::Share { requests, reply }).await.map_err(|_ended| ShareError::Stopped)?;
        answer.await.map_err(|_ended| ShareError::Stopped)?
    }

    /// Stops sharing: each item is a share path, of a file or of a folder, or else a local path. When it returns nothing
    /// of it can be fetched any more. If one of the items is not shared nothing happens.
    pub async fn unshare(&self, items: Vec<ShareOrLocalPath>) -> Result<Vec<SharePath>, ShareError> {
        let read = move || items.iter().map(plan::read_item).collect();
        let items = tokio::task::spawn_blocking(read).await.map_err(|_ended| ShareError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        self.asks.send(IndexerCommand::Unshare { items, reply }).await.map_err(|_ended| ShareError::Stopped)?;
        answer.await.map_err(|_ended| ShareError::Stopped)?
    }

    /// Announces a shared file or folder under another share path. Nothing is read again. Gives what is announced now,
    /// and the paths that are not any more.
    pub async fn rename(&self, from: SharePath, to: SharePath) -> Result<RenamedShares, ShareError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(IndexerCommand::Rename { from, to, reply }).await.map_err(|_ended| ShareError::Stopped)?;
        answer.await.map_err(|_ended| ShareError::Stopped)?
    }

    /// Waits until what was shared when the program ended last is shared again.
    pub async fn loaded(&self) {
        let (reply, answer) = oneshot::channel();
        if self.asks.send(IndexerCommand::Loaded { reply }).await.is_ok() {
            let _ended = answer.await;
        }
    }

    /// What the peer server looks content up in.
    pub fn table(&self) -> SharedTable {
        self.table.clone()
    }

    /// How many files were read to be hashed since the start; a file that is known to be unchanged is not among them.
    pub fn files_hashed(&self) -> u64 {
        self.table.files_hashed()
    }

    /// Everything that is shared at this moment, in the order of the paths.
    pub fn shares(&self) -> Vec<Share> {
        self.table.shares()
    }
}
