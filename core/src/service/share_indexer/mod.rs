//! The share indexer: keeps what I share in step with the disk. It finds files, hashes them, watches their folders, and says
//! what changed; it never talks to anybody outside.
//!
//! | module | its job |
//! |---|---|
//! | [`content`] | what the peer server may read |
//! | [`event`] | what others are told |
//! | `task` | the task: what is looked at when, and who is told |
//! | `plan` | from what was typed to roots |
//! | [`preview`] | what would be shared |
//! | `scan` | a job: looks at places, and shares what it finds |
//! | `hashing` | the part of a job that reads |
//! | `dirty` | what must be looked at, and when |
//! | `event_queue` | what waits to be told |
//! | `presence` | whether the shared folders are there |
//! | [`root_status`], `root_board` | how each root is; where that is written down |
//! | `watch`, [`watch_fault`] | being told of changes by the system; why we are not |

pub mod content;
mod dirty;
pub mod event;
mod event_queue;
mod hashing;
mod plan;
mod presence;
pub mod preview;
mod root_board;
pub mod root_status;
mod scan;
mod scan_job;
mod task;
mod watch;
pub mod watch_fault;

#[cfg(all(test, unix))]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::disk::hash::Hasher;
use crate::disk::place::shared::ReadFault;
use crate::library::collision::Collision;
use crate::library::level::{LevelCursor, LevelListing, LevelPage};
use crate::library::root::RootId;
use crate::library::sharing_again::StoppedPlace;
use crate::library::table::Library;
use crate::library::typed::ShareOrLocalPath;
use crate::model::limits;
use crate::model::search_key::{push_key, word_keys};
use crate::model::share::Share;
use crate::model::share_path::{BadSharePath, SharePath};
use crate::protocol::reply::Totals;
use crate::service::share_indexer::content::{STEPS_PER_HOLD, SharedLibrary, SharedTable};
use crate::service::share_indexer::event::LibraryEvent;
use crate::service::share_indexer::preview::SharePreview;
use crate::service::share_indexer::root_status::{RootCursor, RootPage};
use crate::service::share_indexer::scan_job::Board;
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

/// What is done if not all that is asked for may be shared, being too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareExtent {
    /// Nothing is shared.
    Whole,
    /// As much as fits is.
    WhatFits,
}

/// What may be changed of a running share indexer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareRules {
    /// What is hidden in a shared folder is left out.
    pub leave_out_hidden: bool,
    /// How often everything is compared with the disk, whatever the watching says.
    pub reconcile_every: Duration,
    /// Most files that may be shared, of all roots together.
    pub shares_max: usize,
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
    #[error(
        "'{typed}' would make {new_files} more shared files, and there is room for {room}: at most {max} are shared in all"
    )]
    TooMany {
        /// As it was typed.
        typed: String,
        /// How many new ones it would be, with all that was asked for before it.
        new_files: usize,
        /// How many more may be shared.
        room: usize,
        /// The limit, as it is set.
        max: usize,
    },
    /// This is not shared, so it cannot be unshared.
    #[error("'{item}' is not shared")]
    NotShared {
        /// As it was typed.
        item: String,
    },
    /// Nothing of this was stopped, so it cannot be shared again.
    #[error("nothing of '{item}' was stopped")]
    NotStopped {
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
    board: Arc<Board>,
}

#[derive(Debug)]
pub(super) enum IndexerCommand {
    Preview { requests: Vec<ShareRequest>, reply: oneshot::Sender<Result<SharePreview, ShareError>> },
    Share { requests: Vec<ShareRequest>, extent: ShareExtent, reply: oneshot::Sender<Result<Vec<Share>, ShareError>> },
    ShareAgain { items: Vec<UnshareItem>, reply: oneshot::Sender<Result<Vec<Share>, ShareError>> },
    UnshareEach { commands: Vec<Vec<ShareOrLocalPath>>, reply: oneshot::Sender<Result<UnsharedEach, ShareError>> },
    Follow { rules: ShareRules },
    Rename { from: SharePath, to: SharePath, reply: oneshot::Sender<Result<RenamedShares, ShareError>> },
    Loaded { reply: oneshot::Sender<()> },
}

/// What is announced under new names, and the old names.
pub type RenamedShares = (Vec<Share>, Vec<SharePath>);

/// What is shared no longer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unshared {
    /// The share paths, in order.
    pub paths: Vec<SharePath>,
    /// Folders in which files were stopped one by one: what comes into them later is shared. At most
    /// [`OPEN_FOLDERS_MAX`].
    pub open_folders: Vec<SharePath>,
}

/// What came of each of several commands.
pub type UnsharedEach = Vec<Result<Unshared, ShareError>>;

/// Most folders that are named because what comes into them is shared.
pub const OPEN_FOLDERS_MAX: usize = 100;

/// What the person wants to share no longer, or again.
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
        let board: Arc<Board> = Arc::default();
        let (indexer, inbox) =
            IndexerTask::new(config, Arc::clone(&shared), Arc::clone(&board), events, cancel, asked, suspected);
        let task = tokio::spawn(indexer.run(inbox));
        Ok((Self { asks, table: SharedTable::new(shared), board }, task))
    }

    /// Shares files and folders. Returns when all of them are hashed and shared, in the order of their paths. If one of
    /// them cannot be shared none is; what cannot be shared in a folder is left out and told as an event.
    pub async fn share(&self, requests: Vec<ShareRequest>) -> Result<Vec<Share>, ShareError> {
        self.share_to_extent(requests, ShareExtent::Whole).await
    }

    /// The same; says whether as much is shared as fits, if not all of it does.
    pub async fn share_to_extent(
        &self,
        requests: Vec<ShareRequest>,
        extent: ShareExtent,
    ) -> Result<Vec<Share>, ShareError> {
        self.ask(|reply| IndexerCommand::Share { requests, extent, reply }).await
    }

    /// Says what would be shared. Nothing is.
    pub async fn preview(&self, requests: Vec<ShareRequest>) -> Result<SharePreview, ShareError> {
        self.ask(|reply| IndexerCommand::Preview { requests, reply }).await
    }

    /// Shares again what was stopped: each item is a share path, or else a local path, with all that was stopped below
    /// it. Returns when it is hashed and shared; what is not there now is shared when it is. If one of the items was not
    /// stopped nothing happens.
    pub async fn share_again(&self, items: Vec<ShareOrLocalPath>) -> Result<Vec<Share>, ShareError> {
        let read = move || plan::read_items(&items, |_| false);
        let items = tokio::task::spawn_blocking(read).await.map_err(|_ended| ShareError::Stopped)?;
        self.ask(|reply| IndexerCommand::ShareAgain { items, reply }).await
    }

    /// Goes by other rules from now on.
    pub async fn follow(&self, rules: ShareRules) {
        // One that has ended follows none.
        let _ended = self.asks.send(IndexerCommand::Follow { rules }).await;
    }

    async fn ask<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<T, ShareError>>) -> IndexerCommand,
    ) -> Result<T, ShareError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(ask(reply)).await.map_err(|_ended| ShareError::Stopped)?;
        answer.await.map_err(|_ended| ShareError::Stopped)?
    }

    /// Stops sharing: each item is a share path, of a file or of a folder, or else a local path. When it returns nothing
    /// of it can be fetched any more. If one of the items is not shared nothing happens.
    pub async fn unshare(&self, items: Vec<ShareOrLocalPath>) -> Result<Unshared, ShareError> {
        let mut each = self.unshare_each(vec![items]).await?;
        each.pop().unwrap_or(Err(ShareError::Stopped))
    }

    /// The same for several commands, one after the other, as if each had been asked alone; but they go to the disk in one
    /// commit, which is what takes the time. What came of each, in their order.
    pub async fn unshare_each(&self, commands: Vec<Vec<ShareOrLocalPath>>) -> Result<UnsharedEach, ShareError> {
        self.ask(|reply| IndexerCommand::UnshareEach { commands, reply }).await
    }

    /// Announces a shared file or folder under another share path. Nothing is read again. Gives what is announced now,
    /// and the paths that are not any more.
    pub async fn rename(&self, from: SharePath, to: SharePath) -> Result<RenamedShares, ShareError> {
        self.ask(|reply| IndexerCommand::Rename { from, to, reply }).await
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

    /// The files and folders that the person shares and how they are, from one on. Quick, whatever is shared.
    pub fn roots(&self, after: Option<&RootCursor>) -> RootPage {
        self.board.roots.page(&self.table.library().read(), after)
    }

    /// What is shared in all. Quick, whatever is shared.
    pub fn totals(&self) -> Totals {
        self.table.library().read().totals()
    }

    /// A page of the folders and files that lie directly in a folder of a root. Blocks as long as all that lies below it
    /// takes to be counted.
    pub fn level(&self, root: RootId, folder: SharePath, after: Option<LevelCursor>, most: usize) -> LevelPage {
        let mut listing = LevelListing::new(root, folder, after, most);
        loop {
            if let Some(page) = listing.step(&self.table.library().read(), STEPS_PER_HOLD) {
                return page;
            }
        }
    }

    /// At most so many shares of which these words are part, in the order of their paths, and whether there are more.
    /// Blocks as long as it takes to look at all that is shared.
    pub fn find(&self, words: &[String], most: usize) -> (Vec<Share>, bool) {
        let Some(words) = word_keys(words) else { return (Vec::new(), false) };
        let (mut found, mut after, mut key) = (Vec::new(), None, Vec::new());
        let mut has_words = |share: &Share| {
            key.clear();
            push_key(share.path.as_str(), &mut key);
            words.iter().all(|word| memmem::find(&key, word).is_some())
        };
        loop {
            let page = self.table.library().read().shares_after(after.as_ref(), STEPS_PER_HOLD);
            let Some(last) = page.last() else { return (found, false) };
            after = Some(last.path.clone());
            found.extend(page.into_iter().filter(&mut has_words));
            if found.len() > most {
                found.truncate(most);
                return (found, true);
            }
        }
    }

    /// At most so many places that the person stopped sharing, of one root or of all, after one.
    pub fn stopped(&self, root: Option<RootId>, after: Option<&(RootId, SharePath)>, most: usize) -> Vec<StoppedPlace> {
        self.table.library().read().stopped_after(root, after, most)
    }

    /// Everything that is shared at this moment, in the order of the paths.
    pub fn shares(&self) -> Vec<Share> {
        self.table.shares()
    }
}
