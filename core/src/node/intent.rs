//! Everything that a person can ask of a running client.

use std::net::SocketAddr;

use crate::library::level::LevelCursor;
use crate::library::root::RootId;
use crate::library::typed::{LocalPath, RemotePath, ShareOrLocalPath};
pub use crate::model::existing::Existing;
use crate::model::hash::ContentHash;
use crate::model::invite::TrackerAddress;
use crate::model::share_path::SharePath;
pub use crate::model::transfer::{QueueMove, TransferId, TransferSelection};
pub use crate::model::transfer_details::FileQuery;
use crate::model::username::Username;
use crate::node::settings::Settings;
use crate::protocol::command::Page;
use crate::protocol::command::owner::OwnerCommand;
use crate::protocol::selection::Selection;
pub use crate::service::share_indexer::ShareRequest;
use crate::service::share_indexer::root_status::RootCursor;

/// Names one intent; its outcome repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IntentId(pub u64);

/// One wish. What comes back in [`crate::node::event::Outcome`] is named with each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// Join this tracker from now on, and after every restart. `Done` when registered there.
    Join(TrackerAddress),
    /// Which networks are in the local network. `Nearby`.
    ListNearby,
    /// Leave the tracker. `Done`.
    Leave,
    /// Run the embedded tracker, and join it. `Done` when registered there.
    HostTracker(SocketAddr),
    /// Stop the embedded tracker. `Done`.
    StopTracker,
    /// `Users`.
    ListUsers,
    /// `Files` notices, then `Done`.
    ListFiles {
        /// Only what this user shares.
        user: Option<Username>,
    },
    /// `Files` notices, then `Done`.
    Search {
        /// Every one occurs in the path.
        words: Vec<String>,
    },
    /// One page of the shares of a selection, in the order of their paths. `FilePage`.
    FindFiles {
        /// The shares that are meant.
        selection: Selection,
        /// Which part of them.
        page: Page,
    },
    /// One page of what is in a folder. `FolderPage`.
    ListFolder {
        /// Which folder; `None` is the top.
        folder: Option<SharePath>,
        /// Only these files, and folders in which such files are.
        selection: Selection,
        /// Which part of it.
        page: Page,
    },
    /// How many shares a selection has, and how many bytes. `Totals`.
    CountFiles {
        /// The shares that are meant.
        selection: Selection,
    },
    /// How much users share. `UserTotals`.
    ListTotals {
        /// Only these, as far as they are here; without any everybody.
        usernames: Vec<Username>,
    },
    /// Everybody who shares this content. `Sources`.
    ListSources {
        /// The hash of the content.
        hash: ContentHash,
    },
    /// Which of these contents are on this computer, because I share them or have fetched them. `Here`.
    FindHere {
        /// The hashes; beyond a thousand they are not looked for.
        contents: Vec<ContentHash>,
    },
    /// What would be shared, and what left out and why. Nothing is shared. `SharePreview`.
    PreviewShare(Vec<ShareRequest>),
    /// Share files and folders. `Shared` when hashed and announced. If not all of them may be shared none is.
    Share(Vec<ShareRequest>),
    /// The same, and if they are more files than may be shared as many as fit.
    ShareWhatFits(Vec<ShareRequest>),
    /// Share again what was stopped, by share path or by local path, with all that was stopped below. `Shared`.
    ShareAgain {
        /// Files and folders, each by what it was shared as or by where it is.
        paths: Vec<ShareOrLocalPath>,
    },
    /// Stop sharing, by share path or by local path. `Unshared`.
    Unshare {
        /// Files and folders, each by what it is shared as or by where it is.
        paths: Vec<ShareOrLocalPath>,
    },
    /// Several commands to stop sharing, each as if it were asked alone, in their order; they are written in one commit.
    /// `UnsharedEach`.
    UnshareEach {
        /// What each of them names.
        commands: Vec<Vec<ShareOrLocalPath>>,
    },
    /// Announce a shared file or folder under another share path. Nothing is read again. `Shared`, by the new paths.
    RenameShare {
        /// The share path it has.
        from: SharePath,
        /// The share path it gets.
        to: SharePath,
    },
    /// What I share. `Shared`.
    ListShares,
    /// One page of the files and folders that I share, and how they are. `Roots`.
    ListRoots {
        /// The last one of the page before.
        after: Option<RootCursor>,
    },
    /// One page of what is shared directly in a folder of a root. `Level`.
    ListLevel {
        /// The root that it belongs to.
        root: RootId,
        /// Which folder of it.
        folder: SharePath,
        /// Behind which entry; `None` is from the first on.
        after: Option<LevelCursor>,
        /// The most entries of one page.
        most: usize,
    },
    /// The first of my shares that have all these words in their paths. `FoundShares`.
    FindShares {
        /// Each of them occurs in the path, whatever its case.
        words: Vec<String>,
        /// Most of them.
        most: usize,
    },
    /// One page of what I stopped sharing of folders that I share. `Stopped`.
    ListStopped {
        /// Of this root only.
        root: Option<RootId>,
        /// The last place of the page before.
        after: Option<(RootId, SharePath)>,
    },
    /// Fetch a file or folder. `Queued`; the rest is told by `Transfer` notices. `UnsafeNames` if the person wants to be
    /// asked about names, and there are such: then nothing is queued.
    Download(DownloadRequest),
    /// Fetch all that others share in a folder: of each file one copy, each person's part as a download of its own.
    /// `QueuedAll`.
    DownloadOfAll(FolderOfAllRequest),
    /// All transfers: downloads in the order of the queue, then uploads. `Transfers`.
    ListTransfers,
    /// What is behind one transfer, with a page of its files. `TransferDetails`.
    DescribeTransfer {
        /// The number of the transfer.
        number: TransferId,
        /// Which of its files are told.
        files: FileQuery,
    },
    /// How much room there is where downloads go that name no place. `FreeSpace`.
    FreeSpace,
    /// What came to its end, the newest first, as far as it is remembered. `History`.
    ListHistory,
    /// Remember no longer what came to its end. `Done`.
    ClearHistory,
    /// Stop moving bytes of downloads for now. `Done`.
    Pause(TransferSelection),
    /// Go on; of an upload that was stopped, let its taker ask again. `Done`.
    Resume(TransferSelection),
    /// Give up, and remove the unfinished file; of an upload, send its taker nothing more for a while. `Done`.
    Cancel(TransferSelection),
    /// Try what has failed once more. `Done`.
    Retry(TransferSelection),
    /// The same, and say what becomes of what lies at the places of its files: of a folder that is one answer for all of
    /// them. `Done`.
    RetryWith {
        /// Those that are tried again.
        which: TransferSelection,
        /// What is done where something else is.
        existing: Existing,
    },
    /// Give a download another place in the queue: what waits is begun in its order. It is kept. `Done`.
    Reorder {
        /// The number of the download.
        number: TransferId,
        /// Where it goes.
        to: QueueMove,
    },
    /// The person has seen that this one is finished or failed; it leaves the list. `Done`.
    Acknowledge(TransferId),
    /// `Me`.
    WhoAmI,
    /// `TrackerVersion`. Asked only because a person wishes it: by a command, or by their setting.
    TrackerVersion,
    /// `Invite`.
    Invite,
    /// `Status`.
    Status,
    /// Have the tracker try now whether others can reach us. `Reachability`, as far as it is known.
    Reach,
    /// Use these settings from now on. `Done`.
    Apply(Box<Settings>),
    /// Give a command as an owner of the tracker that we are at: our own, or one whose configuration names our key. `Bans`
    /// of those who are shut out now, `Limits`, `Figures`, `Reloaded`, `Invites`, `WaitingUsers`, `Invite` with a token, else `Done`.
    Order(OwnerCommand),
    /// Accept the key that somebody proves now, who proved another one when we dealt with them. `Done`.
    Trust {
        /// The name of the user, who is here.
        user: Username,
    },
    /// Tell each line to and from the tracker as [`crate::node::event::NodeEvent::Wire`], or no longer. `Done`.
    TapWire(bool),
    /// Send a line to the tracker as it was typed. It and its answer are told as `Wire`. `Done` when it is answered.
    SendLine(String),
}

/// What a download does about names that this system cannot hold or that would mislead here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnsafeNames {
    /// What has such a name is not fetched, and that is told.
    #[default]
    LeaveOut,
    /// Nothing is fetched before the person has chosen.
    Ask,
    /// Each is written under the nearest name that does no harm, and that is told.
    Rename,
}

/// A folder to fetch, whoever shares what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderOfAllRequest {
    /// Its share path.
    pub folder: SharePath,
    /// Where to; left out, the download folder.
    pub local_path: Option<LocalPath>,
    /// What is done if there is something at its place; of two people's files of one name the second is left out, or gets
    /// a number if both are kept.
    pub existing: Existing,
    /// What is done about names that may not be written here.
    pub unsafe_names: UnsafeNames,
}

/// One file or folder to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadRequest {
    /// The user who shares it.
    pub user: Username,
    /// Which file or folder of theirs.
    pub remote_path: RemotePath,
    /// Where to; left out, the download folder.
    pub local_path: Option<LocalPath>,
    /// What is done if there is something at its place.
    pub existing: Existing,
    /// What is done about names that may not be written here.
    pub unsafe_names: UnsafeNames,
    /// Wait for a user who is not connected.
    pub wait: bool,
}
