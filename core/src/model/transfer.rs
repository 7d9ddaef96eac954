//! Transfers as everybody speaks of them, from the machines that decide about them to the face that shows them: one
//! number, direction, state, error, place in the queue and selection for downloads and uploads alike.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::model::keeping_away::KeptAway;
use crate::model::relaying::NoRelay;
use crate::model::shown::Shown;
use crate::model::username::Username;
use crate::model::way::Way;

/// The number of a transfer, as a person sees it. Downloads and uploads share one row of numbers. That of a download
/// stays the same over restarts; that of an upload holds until the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId(pub u64);

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Something comes to this computer.
    Download,
    /// Something is taken from this computer.
    Upload,
}

/// A download or an upload as a person sees it. A folder is one transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The number that names it; downloads and uploads are counted apart.
    pub number: TransferId,
    /// Which way it goes.
    pub direction: Direction,
    /// Where a download stands in the queue: a lower one is begun first. Only the order counts. An upload has 0.
    pub position: u64,
    /// The owner of what is downloaded, or who takes what is uploaded.
    pub user: Username,
    /// The share path of the file, or of the folder with a `/` behind it.
    pub label: String,
    /// Where a download goes; none for an upload.
    pub local_path: Option<PathBuf>,
    /// How many files it has, without those that are left out; of a folder that somebody takes from us, those that they
    /// have asked for so far.
    pub files: u64,
    /// How many of them are finished.
    pub files_done: u64,
    /// The length of all its files together, in bytes.
    pub total_bytes: u64,
    /// Bytes of it that are verified here, or that the other side has from us; each counts once. While it is looked what
    /// is at the places of its files, those that were looked at too.
    pub done_bytes: u64,
    /// Bytes a second, smoothed.
    pub bytes_per_second: u64,
    /// Peers that send or receive it now.
    pub sources: u32,
    /// What lay at the places of its files before they came.
    pub there: AlreadyThere,
    /// How the other side is reached; none while it is not. Of several, how the one it was asked of is. When it is over, how
    /// the last bytes went; none if none did.
    pub way: Option<Way>,
    /// What it is doing.
    pub state: TransferState,
}

impl Transfer {
    /// How the other side is reached now; none when the transfer is over, whatever way its bytes went.
    pub fn connected_by(&self) -> Option<Way> {
        self.way.filter(|_| !self.state.is_final())
    }
}

/// What lay at the places of a download's files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlreadyThere {
    /// How many of its files were there with the very content, so that they did not have to come.
    pub same: u64,
    /// How many of its files are left out, because something else is at their places and stays.
    pub left_out: u64,
}

/// What a transfer is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferState {
    /// It has not begun: others come first.
    Queued,
    /// Nobody who has it is connected.
    WaitingForUser,
    /// Nobody knows whether its owner is there: the tracker is away.
    WaitingForTracker,
    /// The owner of the network keeps us out; it goes on when we are let in again.
    KeptAway(KeptAway),
    /// Its owner is connected to the tracker, and no way leads to them.
    Unreachable {
        /// Where the tracker says that they are, if they can be dialled at all.
        address: Option<SocketAddr>,
        /// They were asked to meet us, and no way led to them: why the tracker's relay did not help.
        no_relay: Option<NoRelay>,
    },
    /// Whoever has its owner's name proves another key than before: nothing is asked of them unless a person trusts it.
    OtherKey,
    /// Its owner is changing it; it is asked for again, as what it is then.
    Changing,
    /// A source is being reached.
    Connecting,
    /// The source serves others first, or we do.
    WaitingForSlot {
        /// 1 is next.
        place: u32,
    },
    /// The source says that it sends nothing for now; it is asked again later.
    Declined,
    /// What is on disk is being checked.
    Checking,
    /// Bytes are moving.
    Running,
    /// Nothing of an upload is asked for at present: they have the rest from others, have paused, or are away.
    NotAsked,
    /// A person paused it.
    Paused,
    /// The way to the Internet is metered, and nothing is moved while it is.
    Metered,
    /// The disk is full; it goes on by itself when there is room.
    DiskFull,
    /// All of it is where it was to go.
    Finished,
    /// It will not go on by itself.
    Failed(TransferError),
}

impl TransferState {
    /// Whether nothing more happens without a person.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Finished | Self::Failed(_))
    }
}

/// Why a transfer, or one file of it, does not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// There is a file at the target already. It is left as it is.
    #[error("there is a file of that name already")]
    Exists,
    /// Another file of the same download has a name that is the same to a disk which ignores case or how letters are
    /// composed: one would take the place of the other.
    #[error("another file of this folder has the same name but for upper and lower case or accents")]
    SameName,
    /// Who shared it does so no more.
    #[error("it is not shared any more")]
    NotShared,
    /// Its owner has changed it: what was asked for is no more.
    #[error("it has changed at its owner since it was announced; ask again")]
    Changed,
    /// The owner's computer cannot read it.
    #[error("its owner's computer cannot read it")]
    Unreadable,
    /// The owner's computer answers, again and again, and sends nothing.
    #[error("{} answers, but does not send it", Shown(user.as_str()))]
    NotSent {
        /// The owner, who answers and sends nothing.
        user: Username,
    },
    /// What was sent is not what was announced, and nobody else has it.
    #[error("{} sent something else than was announced", Shown(user.as_str()))]
    Lied {
        /// Who sent it.
        user: Username,
    },
    /// It is larger than 4 TiB, which is the most that peers move.
    #[error("it is larger than 4 TiB")]
    TooLarge,
    /// The folder that it was to go into is not there, or not any more.
    #[error("the folder that it goes into does not exist")]
    NoParent,
    /// The system does not let us write there.
    #[error("there is no permission to write there")]
    Denied,
    /// Nothing can be written to the disk that it goes to.
    #[error("the disk that it goes to is read-only")]
    ReadOnly,
    /// A link, a folder or a device lies where it should be, or something else where a folder above it should be.
    #[error("something of another kind lies there (a folder, a file, a link or a device)")]
    InTheWay,
    /// Another download, or another program, writes there.
    #[error("another download or program writes to the same file")]
    InUse,
    /// The disk cannot hold a file of that name.
    #[error("the disk that it goes to cannot hold a file of that name; give it another one as local path")]
    NameRefused,
    /// The disk cannot hold a file of that length, as FAT beyond 4 GiB.
    #[error("the disk that it goes to cannot hold a file this large")]
    TooLargeHere,
    /// It cannot be written here, in the system's words.
    #[error("it cannot be written: {0}")]
    Disk(String),
    /// An upload that was stopped here, for its taker.
    #[error("you stopped it for this person")]
    Stopped,
}

impl TransferError {
    /// One of each kind, for whoever has something for all of them: their sentences, their form on the disk.
    pub fn one_of_each(user: &Username) -> Vec<Self> {
        let user = || user.clone();
        vec![
            Self::Exists,
            Self::SameName,
            Self::NotShared,
            Self::Changed,
            Self::Unreadable,
            Self::NotSent { user: user() },
            Self::Lied { user: user() },
            Self::TooLarge,
            Self::NoParent,
            Self::Denied,
            Self::ReadOnly,
            Self::InTheWay,
            Self::InUse,
            Self::NameRefused,
            Self::TooLargeHere,
            Self::Disk("no such folder".into()),
            Self::Stopped,
        ]
    }

    /// The key of its sentence in the translations, below `transfer-error`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::SameName => "same-name",
            Self::NotShared => "not-shared",
            Self::Changed => "changed",
            Self::Unreadable => "unreadable",
            Self::NotSent { .. } => "not-sent",
            Self::Lied { .. } => "lied",
            Self::TooLarge => "too-large",
            Self::NoParent => "no-parent",
            Self::Denied => "denied",
            Self::ReadOnly => "read-only",
            Self::InTheWay => "in-the-way",
            Self::InUse => "in-use",
            Self::NameRefused => "name-refused",
            Self::TooLargeHere => "too-large-here",
            Self::Disk(_) => "disk",
            Self::Stopped => "stopped",
        }
    }

    /// The word in `error: <code>: <text>`, which programs know.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists | Self::SameName | Self::InTheWay => "exists",
            Self::NoParent => "no-parent",
            Self::Denied | Self::ReadOnly => "denied",
            Self::InUse => "in-use",
            Self::NameRefused => "unsafe-name",
            Self::TooLargeHere => "no-space",
            Self::NotShared => "not-shared",
            Self::Changed => "changed",
            Self::Stopped => "cancelled",
            Self::Unreadable | Self::NotSent { .. } | Self::Lied { .. } | Self::TooLarge => self.key(),
            Self::Disk(_) => "internal",
        }
    }

    /// The values in its sentence, ready to be shown.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NotSent { user } | Self::Lied { user } => vec![("user", Shown(user.as_str()).to_string())],
            Self::Disk(why) => vec![("why", Shown(why).to_string())],
            _ => Vec::new(),
        }
    }
}

/// How a download moves in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueMove {
    /// Before all others.
    First,
    /// Before the one that is before it.
    Earlier,
    /// Behind the one that is behind it.
    Later,
    /// Behind all others.
    Last,
}

/// Which transfers a person means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferSelection {
    /// This one, a download or an upload.
    One(TransferId),
    /// Every download that the wish is for: `pause` and `cancel` are for those that are not over, `resume` for those that
    /// stand still, `retry` for those that failed. Uploads are somebody else's downloads: one must name them.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new kind does not compile here: it gets the next number, and its place in the list above.
    fn place(error: &TransferError) -> usize {
        match error {
            TransferError::Exists => 0,
            TransferError::SameName => 1,
            TransferError::NotShared => 2,
            TransferError::Changed => 3,
            TransferError::Unreadable => 4,
            TransferError::NotSent { .. } => 5,
            TransferError::Lied { .. } => 6,
            TransferError::TooLarge => 7,
            TransferError::NoParent => 8,
            TransferError::Denied => 9,
            TransferError::ReadOnly => 10,
            TransferError::InTheWay => 11,
            TransferError::InUse => 12,
            TransferError::NameRefused => 13,
            TransferError::TooLargeHere => 14,
            TransferError::Disk(_) => 15,
            TransferError::Stopped => 16,
        }
    }

    #[test]
    fn one_of_each_is_one_of_each() {
        let all = TransferError::one_of_each(&Username::new("anna").expect("valid"));
        assert_eq!(all.iter().map(place).collect::<Vec<_>>(), (0..all.len()).collect::<Vec<_>>());
        assert_eq!(all.len(), place(&TransferError::Stopped) + 1);
    }
}
