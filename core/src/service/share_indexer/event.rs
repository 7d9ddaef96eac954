//! What the share indexer tells.

use crate::disk::walk::WhySkipped;
use crate::library::collision::Collision;
use crate::model::share::Share;
use crate::model::share_path::{BadSharePath, SharePath};
use crate::service::share_indexer::watch_fault::WatchFault;

/// Something to tell the tracker or the person. Local paths in it are for the person only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LibraryEvent {
    /// What is shared changed. A path that was announced before and is in `added` again has new content.
    Changed {
        /// To be announced.
        added: Vec<Share>,
        /// To be withdrawn.
        removed: Vec<SharePath>,
    },
    /// How far the hashing is; the latest is all that counts.
    Progress(HashProgress),
    /// Files that lie in a shared folder and are not shared.
    Skipped {
        /// The file or folder that the person shared.
        root: String,
        /// The first of them, at most [`SKIPPED_SHOWN_MAX`].
        files: Vec<SkippedFile>,
        /// How many there are.
        count: usize,
        /// How many there are of each reason; the first of each is among `files`.
        reasons: Vec<(LeftOutReason, u64)>,
    },
    /// A folder that was just shared has folders in it without a file to share, which others do not get.
    EmptyFolders {
        /// The folder that the person shared.
        root: String,
        /// How many folders there are without one.
        count: u64,
    },
    /// Something that the person should know before it is too late.
    Warning {
        /// The folder that the person shared.
        root: String,
        /// What about it.
        warning: ShareWarning,
    },
    /// A shared file or folder is not there: nothing of it is shared until it is back.
    Missing {
        /// The file or folder that the person shared.
        root: String,
    },
    /// It is there again.
    Back {
        /// The file or folder that the person shared.
        root: String,
    },
    /// Whether the system tells us of changes in a folder. Where it does not, they are found by looking.
    WatchHealth {
        /// The local path of the folder.
        folder: String,
        /// Why not; `None` if it does again.
        problem: Option<WatchFault>,
    },
}

/// How far the hashing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashProgress {
    /// Bytes read so far.
    pub hashed_bytes: u64,
    /// Bytes to read in all, as far as is known.
    pub total_bytes: u64,
    /// Files to go; 0 is the end.
    pub files_left: u64,
    /// A file that is being read, as a local path.
    pub current: String,
}

/// Most skipped files that are named in one event.
pub const SKIPPED_SHOWN_MAX: usize = 100;

/// A file that is not shared although it lies in a shared folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// Where it lies on this disk.
    pub path: String,
    /// The reason, which asks something else of the person each time.
    pub why: WhyNotShared,
}

/// Why a file is not shared although it lies in a shared folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhyNotShared {
    /// What it is forbids it.
    #[error(transparent)]
    Skipped(#[from] WhySkipped),
    /// No share path can be made of its name.
    #[error(transparent)]
    BadName(#[from] BadSharePath),
    /// Another file has its share path.
    #[error(transparent)]
    Collision(#[from] Collision),
    /// There are as many shares as there may be.
    #[error("there are as many shared files as there may be")]
    TooMany,
}

impl WhyNotShared {
    /// What kind of reason it is.
    pub fn reason(&self) -> LeftOutReason {
        match self {
            Self::Skipped(why) => LeftOutReason::Skipped(*why),
            Self::BadName(_) => LeftOutReason::BadName,
            Self::Collision(_) => LeftOutReason::Collision,
            Self::TooMany => LeftOutReason::TooMany,
        }
    }
}

/// Why files are left out, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeftOutReason {
    /// What they are forbids it.
    Skipped(WhySkipped),
    /// No share path can be made of their names.
    BadName,
    /// Other files have their share paths.
    Collision,
    /// There are as many shares as there may be.
    TooMany,
}

impl LeftOutReason {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Skipped(WhySkipped::NotUnicode),
        Self::Skipped(WhySkipped::TooLong),
        Self::Skipped(WhySkipped::Link),
        Self::Skipped(WhySkipped::Special),
        Self::Skipped(WhySkipped::Own),
        Self::Skipped(WhySkipped::Secret),
        Self::Skipped(WhySkipped::Hidden),
        Self::Skipped(WhySkipped::Mounted),
        Self::Skipped(WhySkipped::NoSize),
        Self::Skipped(WhySkipped::Denied),
        Self::Skipped(WhySkipped::Unreadable),
        Self::BadName,
        Self::Collision,
        Self::TooMany,
    ];

    /// The word for it, in records and as a key of the translations.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skipped(why) => why.word(),
            Self::BadName => "bad-name",
            Self::Collision => "collision",
            Self::TooMany => "too-many",
        }
    }
}

/// What the person may not have meant to share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShareWarning {
    /// Everything on the disk.
    #[error("this is the whole disk: everybody on the network can fetch every file on it")]
    WholeDisk,
    /// The home folder, with the keys and letters in it.
    #[error("this is your home folder: everybody on the network can fetch every file in it, hidden ones too")]
    WholeHome,
    /// Another drive is where it was.
    #[error(
        "this is on another drive than when you shared it, so nothing of it is shared; it goes on by itself when the \
         other drive is back, or share it again if you mean what is there now"
    )]
    OtherFileSystem,
}
