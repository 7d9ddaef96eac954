//! How the files and folders are that the person shares: what is shared of each, whether it is watched, what is being
//! done about it, and why nothing of it is shared at present.

use std::time::SystemTime;

use crate::library::root::RootId;
use crate::model::share_path::SharePath;
use crate::protocol::reply::Totals;
use crate::service::share_indexer::event::LeftOutReason;
use crate::service::share_indexer::watch_fault::WatchFault;

/// Most roots that are listed at a time.
pub const ROOTS_PER_PAGE_MAX: usize = 1000;

/// Behind which root a page of roots goes on.
pub type RootCursor = (SharePath, RootId);

/// A file or folder that the person shares, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedRoot {
    /// The number that names it.
    pub id: RootId,
    /// Where it lies on this disk; never told to others.
    pub local: String,
    /// Whether it is a folder, shared with all in it.
    pub is_folder: bool,
    /// What it is announced under.
    pub share_as: SharePath,
    /// What is shared of it now.
    pub totals: Totals,
    /// Whether the system tells us of changes in it.
    pub watching: RootWatching,
    /// When all of it was compared with the disk last; `None`: not since the program started.
    pub looked_at: Option<SystemTime>,
    /// What is being done about it.
    pub work: RootWork,
    /// Why nothing of it is shared at present.
    pub paused: Option<Absence>,
    /// How many places in it the person stopped sharing.
    pub stopped_places: usize,
    /// What was left out of it when all of it was looked at last, and why.
    pub left_out: Vec<(LeftOutReason, u64)>,
}

/// Whether the system tells us of changes in a root. What it does not tell is found by looking, a little later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RootWatching {
    /// Of all of them.
    #[default]
    Whole,
    /// Not of those in some folders of it.
    Partly {
        /// What the system does not do, or what it said.
        why: WatchFault,
    },
    /// Of no change in it.
    Polled {
        /// What the system does not do, or what it said.
        why: WatchFault,
    },
}

/// What is being done about a root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RootWork {
    /// Nothing: it is in step with the disk as far as is known.
    #[default]
    Resting,
    /// It is looked what lies in it.
    Scanning,
    /// Files in it are read.
    Hashing {
        /// How many are left.
        files_left: u64,
        /// How many bytes those have.
        bytes_left: u64,
    },
}

/// Why nothing of a root is shared at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// It is not there: its drive is unplugged, say.
    Gone,
    /// It is on another file system than when the person shared it: another stick at the same place, say.
    OtherFileSystem,
}

/// A part of the list of roots, in the order of their share paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RootPage {
    /// At most [`ROOTS_PER_PAGE_MAX`].
    pub roots: Vec<SharedRoot>,
    /// Where the next page begins, if there is one.
    pub more: Option<RootCursor>,
    /// How many there are in all.
    pub count: usize,
    /// What is shared of all of them.
    pub totals: Totals,
}
