//! Everything that a running client tells, as plain data.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::library::level::LevelPage;
use crate::library::root::RootId;
use crate::library::sharing_again::StoppedPlace;
use crate::model::ban_terms::Remark;
use crate::model::binding::Ban;
use crate::model::hash::ContentHash;
use crate::model::invite::Invite;
use crate::model::key::PublicKey;
use crate::model::metering::Metering;
use crate::model::program_version::ProgramVersion;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::transfer::TransferId;
pub use crate::model::transfer::{Direction, Transfer, TransferState};
pub use crate::model::transfer_details::{PastTransfer, TransferDetails};
use crate::model::username::Username;
use crate::model::way::Way;
use crate::node::failure::Failure;
use crate::node::intent::IntentId;
use crate::node::warning::Warning;
use crate::protocol::command::Cursor;
use crate::protocol::notice::Role;
use crate::protocol::owner_line::{FigureLine, InviteLine, ReloadedSetting, TrackerLine, WaitingLine};
use crate::protocol::reply::{FileLine, FolderEntry, PartialAnswer, Totals, UserLine, UserTotals};
use crate::reach::nearby::NearbyNetwork;
use crate::reach::reachability::Reachability;
use crate::service::share_indexer::event::WhyNotShared;
use crate::service::share_indexer::preview::SharePreview;
use crate::service::share_indexer::root_status::RootPage;
use crate::tracker::log::LogEntry;
use crate::tracker::relays::RelayUse;

/// One fact. Facts come in order; [`NodeEvent::Transfer`] and [`NodeEvent::Hashing`] are latest-wins, about 30 a second.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeEvent {
    /// What an intent came to. Every intent has exactly one.
    Outcome {
        /// The intent that this belongs to.
        id: IntentId,
        /// What came of it.
        result: Result<Outcome, Failure>,
    },
    /// The way to the Internet is metered, or is so no longer, as the system says.
    Metering(Metering),
    /// A part of a list that an intent asked for; `Outcome` ends it.
    Files {
        /// The intent that this belongs to.
        id: IntentId,
        /// In the tracker's order.
        files: Vec<FileLine>,
    },
    /// A download that waits for its user has begun to wait.
    WaitingFor {
        /// The intent that this belongs to.
        id: IntentId,
        /// The name that was asked for.
        user: String,
    },
    /// Whether we are at a tracker.
    Connection(TrackerConnection),
    /// Whether others can reach us, as far as it is known now.
    Reachability(Box<Reachability>),
    /// Somebody shares this from now on, or shares it otherwise than before.
    Shared(FileLine),
    /// Somebody no longer shares this.
    Unshared {
        /// The name of the other user.
        user: Username,
        /// The share path that it is about.
        path: SharePath,
    },
    /// Several shares of this user came or went at once.
    UserChanged(Username),
    /// Changes on the tracker were left out of what is told: ask again for what is shown.
    Resync,
    /// Somebody came, or came back.
    Joined {
        /// The user, with address and key.
        user: UserLine,
        /// When we heard of it. Of those who were there before us nobody says since when.
        at: SystemTime,
    },
    /// The user with this name is gone from the tracker.
    Left(Username),
    /// Files are being hashed.
    Hashing {
        /// Bytes hashed since the queue was last empty.
        done_bytes: u64,
        /// Bytes to hash in all since then.
        total_bytes: u64,
        /// Files still to hash.
        files_left: u64,
    },
    /// A file in a shared folder is not shared, and others of it for the same reason.
    Skipped {
        /// Its local path.
        path: String,
        /// What keeps it from being shared.
        why: WhyNotShared,
        /// How many others.
        more: u64,
    },
    /// What I share has changed by itself.
    SharesChanged {
        /// New or changed.
        added: Vec<Share>,
        /// No longer shared.
        removed: Vec<SharePath>,
    },
    /// The state of a transfer.
    Transfer(Transfer),
    /// One file of a download is finished: verified, flushed, in its place.
    Downloaded {
        /// Of which transfer.
        number: TransferId,
        /// Where it is.
        local_path: PathBuf,
        /// Its length in bytes.
        size: u64,
        /// The hash of what is in it, verified.
        hash: ContentHash,
    },
    /// One file of a download failed for good; the others go on.
    FileFailed {
        /// Of which transfer.
        number: TransferId,
        /// Which file, as its owner calls it.
        remote_path: String,
        /// The reason, which asks something else of the person each time.
        failure: Failure,
        /// How many more of it failed and are not told one by one: that was in an earlier run.
        more: u64,
    },
    /// A file of a download is written under another name than its owner's, because the person said so.
    Renamed {
        /// Of which transfer.
        number: TransferId,
        /// Which file, as its owner calls it.
        original: String,
        /// Where it will be.
        local_path: PathBuf,
    },
    /// A transfer is gone from the list.
    TransferGone {
        /// The number of the transfer.
        number: TransferId,
    },
    /// A peer sent something that it had not announced, and was dropped.
    PeerLied {
        /// The name of the other user.
        user: Username,
    },
    /// The listener was too slow and facts were left out: ask for the lists again.
    Lagged,
    /// Something that a person should read: a database set aside, a watch limit reached.
    Warning(Warning),
    /// Whether we may give an owner's commands where we are; told when we are online, and when it changes.
    Role(Role),
    /// The invite to where we are names other addresses than before.
    InviteChanged,
    /// Somebody asks to be let into the network that we own, under this name.
    AsksToComeIn(Username),
    /// What was listed last lacks what some trackers of the network have; none: it does so no more.
    Partial(Option<PartialAnswer>),
    /// An owner of the tracker has a word for everybody.
    Broadcast {
        /// Which owner, if they have a name now.
        by: Option<Username>,
        /// Their words: a stranger's text.
        text: Remark,
    },
    /// What happened at the embedded tracker. Beyond a bound the latest are left out, and counted.
    TrackerLog {
        /// The time of day at which it happened.
        at: SystemTime,
        /// The thing that happened.
        entry: LogEntry,
    },
    /// A line to or from the tracker, while the wire is tapped.
    Wire {
        /// From here; else from the tracker.
        sent: bool,
        /// Without its LF. No secret is ever in it: who we are is proven by TLS.
        line: String,
    },
    /// So many lines of the wire came faster than they were taken, and were left out here.
    WireLeftOut {
        /// How many lines were left out.
        lines: u64,
    },
    /// The networks in the local network that can be joined: all of them, after a change.
    Nearby(Vec<NearbyNetwork>),
    /// The client has stopped; nothing follows.
    Stopped,
}

/// What an intent came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done, and there is nothing to say.
    Done,
    /// Who is connected.
    Users(Vec<UserLine>),
    /// What is shared now by this intent, or all of it.
    Shared(Vec<Share>),
    /// What is no longer shared.
    Unshared(Vec<SharePath>),
    /// What came of each of several commands to stop sharing.
    UnsharedEach(Vec<Result<Vec<SharePath>, Failure>>),
    /// What would be shared.
    SharePreview(SharePreview),
    /// A page of what I share, as it was shared.
    Roots(RootPage),
    /// A page of what lies directly in a folder that I share.
    Level(LevelPage),
    /// Some of my shares, in the order of their paths.
    FoundShares {
        /// At most as many as were asked for.
        shares: Vec<Share>,
        /// There are others besides.
        has_more: bool,
    },
    /// A page of what I stopped sharing.
    Stopped {
        /// In the order of roots and places.
        places: Vec<StoppedPlace>,
        /// Where the next page begins, if there is one.
        more: Option<(RootId, SharePath)>,
    },
    /// The download is in the queue, or was there already.
    Queued(TransferId),
    /// Nothing is queued yet: these names may not be written here. With [`UnsafeNames::Rename`] it is written like this.
    ///
    /// [`UnsafeNames::Rename`]: crate::node::intent::UnsafeNames::Rename
    UnsafeNames {
        /// What a file is called by its owner, and where it would be. The first thousand.
        names: Vec<(String, PathBuf)>,
        /// How many there are in all.
        count: usize,
    },
    /// All that is wanted is there already with another content, and the person has it left out.
    NothingToFetch,
    /// The downloads are in the queue, or were there already: one a person. Never empty.
    QueuedAll(Vec<TransferId>),
    /// All downloads in the order of the queue, then all uploads.
    Transfers(Vec<Transfer>),
    /// Who I am.
    Me(Me),
    /// The version of the tracker's program.
    TrackerVersion(ProgramVersion),
    /// The link that lets others in.
    Invite(Invite),
    /// How things are.
    Status(Box<Status>),
    /// Whether others can reach us.
    Reachability(Box<Reachability>),
    /// Who is shut out.
    Bans(Vec<Ban>),
    /// What is in the local network.
    Nearby {
        /// Networks that can be joined, by name.
        networks: Vec<NearbyNetwork>,
        /// Whether it is listened for at all.
        is_on: bool,
    },
    /// The limits of the tracker that can be changed while it runs.
    Limits(Vec<FigureLine>),
    /// The invites that are good.
    Invites(Vec<InviteLine>),
    /// Those who ask to be let in.
    WaitingUsers(Vec<WaitingLine>),
    /// How much there is at the tracker, and what was asked.
    Figures(Vec<FigureLine>),
    /// The trackers of the network; none if there is one alone.
    Trackers(Vec<TrackerLine>),
    /// All is listed but for what some trackers of the network have, which did not answer.
    Partial(PartialAnswer),
    /// What of a configuration that was read anew is another one.
    Reloaded(Vec<ReloadedSetting>),
    /// A page of files.
    FilePage {
        /// In the tracker's order.
        files: Vec<FileLine>,
        /// Where the next page begins, if there is one.
        more: Option<Cursor>,
    },
    /// A page of a folder.
    FolderPage {
        /// In the tracker's order: a folder as its path with a `/` at the end.
        entries: Vec<FolderEntry>,
        /// Where the next page begins, if there is one.
        more: Option<Cursor>,
    },
    /// How many files something is, and how many bytes.
    Totals(Totals),
    /// How much each user shares.
    UserTotals(Vec<UserTotals>),
    /// Everybody's shares of one content.
    Sources(Vec<FileLine>),
    /// What is behind one transfer.
    TransferDetails(Box<TransferDetails>),
    /// Room where downloads go, in bytes; none where it cannot be known.
    FreeSpace(Option<u64>),
    /// What came to its end, the newest first.
    History(Vec<PastTransfer>),
    /// Those contents that are on this computer.
    Here(Vec<HereFile>),
}

/// A content that is on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HereFile {
    /// The hash that was asked about.
    pub hash: ContentHash,
    /// Where it is.
    pub local_path: PathBuf,
    /// Whether I share it; else it was fetched.
    pub is_shared: bool,
}

/// Who I am.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The name that we are registered under.
    pub username: Username,
    /// My peer server, as the tracker sees it.
    pub address: Option<SocketAddr>,
    /// The public key of this computer's identity.
    pub key: PublicKey,
}

/// Whether we are at a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrackerConnection {
    /// None was chosen.
    None,
    /// On the way, or between two tries.
    Connecting {
        /// The tracker's address, as it was given.
        tracker: String,
        /// Why the last try failed.
        why: Option<Failure>,
    },
    /// We are registered at a tracker.
    Online {
        /// The tracker's address, as it was given.
        tracker: String,
        /// What its owner calls the network.
        network: String,
        /// The message of the day, line by line.
        message_of_the_day: Vec<String>,
    },
    /// No further try without a person: a changed key, a name that is taken.
    Refused {
        /// The tracker's address, as it was given.
        tracker: String,
        /// The reason, which asks something else of the person each time.
        why: Failure,
    },
}

impl TrackerConnection {
    /// Whether an owner of the network has yet to let us in.
    pub fn awaits_approval(&self) -> bool {
        matches!(self, Self::Connecting { why: Some(Failure::AwaitsApproval { .. }), .. })
    }
}

/// How things are.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// At the tracker or not.
    pub connection: TrackerConnection,
    /// Where the peer server listens.
    pub listening: Option<SocketAddr>,
    /// Whether others can reach it.
    pub reach: Reachability,
    /// The embedded tracker, if one runs here.
    pub hosted: Option<Hosted>,
    /// How many files I share.
    pub shares: u64,
    /// How many bytes they have.
    pub share_bytes: u64,
    /// Files still to hash.
    pub files_to_hash: u64,
    /// Downloads that are not finished.
    pub downloads: u64,
    /// Peers that are being served.
    pub uploads: u64,
    /// How many transfers are connected by each way.
    pub ways: BTreeMap<Way, u64>,
    /// Bytes a second, in.
    pub down_bytes_per_second: u64,
    /// Bytes a second, out.
    pub up_bytes_per_second: u64,
    /// Where downloads go.
    pub download_folder: PathBuf,
    /// Whether the way to the Internet is metered, as the system says.
    pub metering: Metering,
}

/// How the embedded tracker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// Where it listens.
    pub address: SocketAddr,
    /// Connections, registered or not.
    pub connections: u64,
    /// Those that have a name.
    pub users: u64,
    /// Files that are announced.
    pub files: u64,
    /// Bytes of lines that came, before TLS.
    pub bytes_in: u64,
    /// Bytes of lines that left, before TLS.
    pub bytes_out: u64,
    /// When it was started.
    pub since: SystemTime,
    /// How many pairs of users it carries bytes for now.
    pub relays: u64,
    /// For whom it has carried how much on their day, most first; not all of very many.
    pub relayed: Vec<RelayUse>,
}
