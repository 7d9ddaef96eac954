//! What a shard is asked, and what it answers.

use std::sync::Arc;

use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::reply::Totals;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::list::ShareList;
use crate::tracker::catalog::question::CatalogQuestion;
use crate::tracker::file_changes::Changed;
use crate::tracker::quotas::Taken;
use crate::tracker::ticket::Ticket;
use crate::tracker::watched_folders::TouchedFolders;

/// Something that a shard is to do. Owners are named as the tracker names them, who are others than those of the shard's
/// catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShardAsk {
    /// Find the lines of a list.
    List {
        /// Repeated in the answer.
        ticket: Ticket,
        /// The same for each shard.
        question: Arc<CatalogQuestion>,
    },
    /// Carry out what somebody wants changed of their shares. The tracker has judged it.
    Change {
        /// Repeated in the answer.
        ticket: Ticket,
        /// Whose shares they are.
        owner: OwnerId,
        /// By which lists name them.
        username: Username,
        /// One behind the other.
        lines: Vec<ChangeLine>,
    },
    /// Say how many of these shares are new.
    CountNew {
        /// Repeated in the answer.
        ticket: Ticket,
        /// Who would announce them.
        owner: OwnerId,
        /// What they would announce.
        shares: Vec<Share>,
    },
    /// Forget an owner, with all their shares and all they asked for.
    Forget(OwnerId),
    /// Nobody waits for this list any more.
    Cancel(Ticket),
    /// Whether somebody wants to know what changes below a folder.
    Watch {
        /// Not what lies beside it.
        folder: SharePath,
        /// From now on, or no longer.
        is_watched: bool,
    },
}

/// A line that changes somebody's shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeLine {
    /// These are shared.
    Announce(Vec<Share>),
    /// These are no longer shared; all, or none if one of them was not.
    Withdraw(Vec<SharePath>),
}

/// What came of something.
#[derive(Debug)]
pub enum ShardAnswer {
    /// A list that is ready.
    Listed {
        /// That of the question.
        ticket: Ticket,
        /// What there was when it was begun.
        list: ShareList,
    },
    /// What somebody wanted changed is.
    Changed {
        /// That of the question.
        ticket: Ticket,
        /// Whose shares they are.
        owner: OwnerId,
        /// What came of each line.
        outcomes: Vec<ChangeOutcome>,
        /// What they share now.
        kept: OwnerShares,
    },
    /// How many shares are new.
    CountedNew {
        /// That of the question.
        ticket: Ticket,
        /// The same as in the question.
        shares: Vec<Share>,
        /// Those of them that are new.
        new: Taken,
    },
    /// Nothing is left of an owner.
    Forgotten(OwnerId),
    /// Whoever asked is forgotten.
    Cancelled(Ticket),
    /// A bug of ours: nothing can be said.
    Failed(Ticket),
}

/// What somebody shares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnerShares {
    /// How many files, and how many bytes they are.
    pub totals: Totals,
    /// The bytes of their paths.
    pub path_bytes: usize,
}

impl OwnerShares {
    /// What it takes of the memory.
    pub(in crate::tracker) fn taken(&self) -> Taken {
        Taken { shares: usize::try_from(self.totals.files).unwrap_or(usize::MAX), path_bytes: self.path_bytes }
    }
}

/// What came of a line.
#[derive(Debug, Default)]
pub struct ChangeOutcome {
    /// What watchers are told.
    pub(in crate::tracker) changed: Changed,
    pub(in crate::tracker) touched: TouchedFolders,
    /// A path that was not shared: then nothing has changed.
    pub(in crate::tracker) missing: Option<SharePath>,
}
