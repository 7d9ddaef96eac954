//! Why something that a person asked for did not happen: one sentence with what would be right.
//!
//! The English sentence is the `Display` form. The app translates by [`Failure::key`] and [`Failure::args`].

use std::time::SystemTime;

use crate::model::absence::AbsenceReason;
use crate::model::local_name::UnsafeName;
use crate::model::name_fault::NameFault;
use crate::model::shown::Shown;
use crate::model::shown_path::ShownPath;
use crate::model::transfer::{TransferError, TransferId};
use crate::node::not_shareable::NotShareable;
use crate::node::partly_there::PartlyThere;
use crate::node::work::{FailedWork, WorkFault};
use crate::protocol::code::{Code, ReplyCode};
use crate::protocol::line::Fault;

/// A failed intent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The tracker refused, in its own words.
    #[error("{}", Shown(text))]
    Refused {
        /// The tracker's error code.
        code: ReplyCode,
        /// What it said.
        text: String,
    },
    /// No tracker was ever joined.
    #[error("no tracker yet: join one with --tracker HOST:PORT or an invite, or start one with --host-tracker")]
    NoTracker,
    /// The tracker cannot be reached now.
    #[error("the tracker {tracker} cannot be reached ({why}); Potok keeps trying")]
    Offline {
        /// The tracker's address, as it was given.
        tracker: String,
        /// What the last try said.
        why: AbsenceReason,
    },
    /// The network takes in whom its owners let in, and none of them has said so yet.
    #[error("an owner of {tracker} has yet to let you in; Potok comes in by itself once one agrees")]
    AwaitsApproval {
        /// The tracker's address, as it was given.
        tracker: String,
        /// Since when they are asked.
        since: SystemTime,
    },
    /// Somebody else answers at the tracker's address.
    #[error(
        "the tracker at {tracker} proves another key than before, so it may not be the same one: nothing was sent. \
         Ask its owner; if the key was changed on purpose, join again with a new invite"
    )]
    TrackerKeyChanged {
        /// The tracker's address, as it was given.
        tracker: String,
    },
    /// The name was another key's when we dealt with it.
    #[error(
        "{0} proves another key than when you dealt with them, so it may be somebody else: nothing was fetched. Ask them; \
         if they have a new computer or key, 'trust {0}' accepts it",
        Shown(user)
    )]
    UserKeyChanged {
        /// The name of the user.
        user: String,
    },
    /// Nobody of that name is connected.
    #[error("{} is not connected; --wait waits until they are", Shown(user))]
    NoSuchUser {
        /// The name that was asked for.
        user: String,
    },
    /// The user has no key, so nobody can tell who would answer.
    #[error(
        "{} has not proven a key, so a download could come from anybody; they need to connect with Potok",
        Shown(user)
    )]
    Unverified {
        /// The name that was asked for.
        user: String,
    },
    /// The user does not share that.
    #[error("{} does not share '{}'; 'list-files {}' shows what they do", Shown(user), Shown(path), Shown(user))]
    NotShared {
        /// The name of its owner.
        user: String,
        /// As it was asked for.
        path: String,
    },
    /// Nothing is shared here under that name.
    #[error("you do not share '{}'; 'shares' shows what you do", Shown(path))]
    NotYours {
        /// As it was typed.
        path: String,
    },
    /// It is shared here, and the tracker has no more room for it.
    #[error(
        "'{}' and what else was just shared can be taken, but the tracker does not list it: {}",
        Shown(path),
        Shown(why)
    )]
    NotListed {
        /// The first share path.
        path: String,
        /// What the tracker said.
        why: String,
    },
    /// Nothing of that was stopped.
    #[error("you did not stop sharing '{}', nor anything in it; 'stopped' shows what you did", Shown(path))]
    NotStopped {
        /// As it was typed.
        path: String,
    },
    /// More files than may be shared.
    #[error(
        "'{}' would make {new_files} more shared files, and there is room for {room}: at most {max} are shared in all. \
         Raise shares_max in the settings, or share what fits: register --what-fits",
        Shown(path)
    )]
    TooManyShares {
        /// As it was typed.
        path: String,
        /// How many new ones it would be.
        new_files: usize,
        /// How many more may be shared.
        room: usize,
        /// The limit, as it is set.
        max: usize,
    },
    /// A folder of more files than one transfer can have.
    #[error("'{}/' has more than {max} files: take the folders in it one by one", Shown(path))]
    FolderTooLarge {
        /// Its share path.
        path: String,
        /// Most files of a transfer.
        max: usize,
    },
    /// There is no such file or folder on this computer.
    #[error("there is no file or folder '{}'", Shown(path))]
    NoSuchFile {
        /// As it was typed.
        path: String,
    },
    /// Something that is neither a regular file nor a folder, or that may not be shared.
    #[error("'{}' cannot be shared: {why}", Shown(path))]
    NotShareable {
        /// As it was typed.
        path: String,
        /// What keeps it from being shared.
        why: NotShareable,
    },
    /// Two files would be announced under one name.
    #[error(
        "'{}' and '{}' would both be shared as '{}'; name one of them: register \"...\" as \"...\"",
        Shown(first),
        Shown(second),
        Shown(path)
    )]
    PathTaken {
        /// The file that has the name.
        first: String,
        /// The file that wants it.
        second: String,
        /// The share path that both would have.
        path: String,
    },
    /// The target is there already.
    #[error("'{}' exists and is never replaced unasked: choose another name, or add --overwrite", Shown(path))]
    Exists {
        /// The local path.
        path: String,
    },
    /// A folder is there in part, with other files at the places of some that are wanted. Nothing was begun.
    #[error(
        "of {} files, '{}' has {} already, and at the places of {} something else is: {}; add --keep-both, --overwrite or \
         --skip-existing for these",
        .0.files,
        ShownPath(&.0.path),
        .0.same,
        .0.differing,
        .0.some_names()
    )]
    ExistsInPart(Box<PartlyThere>),
    /// The folder of the target is missing.
    #[error("the folder of '{}' does not exist; create it first", Shown(path))]
    NoParent {
        /// The local path.
        path: String,
    },
    /// A remote name that could do harm on a disk.
    #[error("the name '{}' {why}; give a name of your own as local path, or add --rename-unsafe", Shown(name))]
    UnsafeName {
        /// The name, or the path.
        name: String,
        /// What is wrong with it.
        why: NameFault,
    },
    /// Two remote names that this system takes for one.
    #[error("'{}' and '{}' are one file on this disk; add --rename-unsafe to have both", Shown(path), Shown(other))]
    SameName {
        /// The share path.
        path: String,
        /// The other file's.
        other: String,
    },
    /// More remote names than can be told apart that this system takes for one.
    #[error("too many files are called like '{}'", Shown(path))]
    TooManyAlike {
        /// The share path of one of them.
        path: String,
    },
    /// The system does not let us read or write there.
    #[error("no permission for '{}'", Shown(path))]
    Denied {
        /// The local path.
        path: String,
    },
    /// The disk is full; the transfer goes on by itself when there is room.
    #[error("the disk of '{}' is full; the transfer goes on when there is room", Shown(path))]
    DiskFull {
        /// The local path.
        path: String,
    },
    /// A file of a download is not coming.
    #[error("'{}': {error}", Shown(path))]
    NotComing {
        /// The share path.
        path: String,
        /// The reason, in the words of a transfer.
        error: TransferError,
    },
    /// What can be done with a download only.
    #[error("{number} is an upload: 'cancel {number}' stops it for its taker, 'resume {number}' lets them go on")]
    IsUpload {
        /// The number of the transfer.
        number: TransferId,
    },
    /// There is no transfer with this number.
    #[error("there is no transfer {number}; 'transfers' lists them")]
    NoSuchTransfer {
        /// As it was typed.
        number: TransferId,
    },
    /// The person stopped it.
    #[error("cancelled")]
    Cancelled,
    /// This program hosts no tracker.
    #[error("no tracker runs in this program; start one with --host-tracker")]
    NotHosting,
    /// Only an owner of the tracker may do it.
    #[error(
        "only an owner of this tracker may do that: whom its configuration names, or who has started it with --host-tracker"
    )]
    NotOwner,
    /// Nobody of that name is at the tracker, and nobody owns it.
    #[error("nobody called {} is at this tracker, or owns that name", Shown(user))]
    NotAtYours {
        /// The name that was asked for.
        user: String,
    },
    /// A tracker's owners cannot be shut out of it.
    #[error("that would shut out you, or another owner of this tracker")]
    Yourself,
    /// Nobody of that name, key or address is shut out.
    #[error("{} is not shut out; 'bans' shows who is", Shown(who))]
    NotBanned {
        /// As it was typed.
        who: String,
    },
    /// A line that would come between the engine and the tracker.
    #[error("'{}' is sent by Potok itself: by hand it would change who you are or what is announced", Shown(verb))]
    SentByItself {
        /// The command's verb, as it was typed.
        verb: String,
    },
    /// Nothing, or more than one line, where one line is expected.
    #[error("that is no line: one line is expected")]
    NotOneLine,
    /// A line that no tracker takes.
    #[error("that is no line: {why}")]
    BadLine {
        /// What is wrong with it.
        why: Fault,
    },
    /// Potok or the computer is at fault.
    #[error("{what} failed: {why}")]
    Internal {
        /// What was being done.
        what: FailedWork,
        /// The reason, as far as it is known.
        why: WorkFault,
    },
}

impl From<UnsafeName> for Failure {
    fn from(unsafe_name: UnsafeName) -> Self {
        Self::UnsafeName { name: unsafe_name.name().to_owned(), why: unsafe_name.fault() }
    }
}

impl Failure {
    /// The word in `error: <code>: <text>`.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code.as_str(),
            Self::NoSuchUser { .. } | Self::NotAtYours { .. } => Code::NoSuchUser.as_str(),
            Self::BadLine { .. } | Self::NotOneLine => Code::Usage.as_str(),
            Self::TooManyShares { .. } | Self::NotListed { .. } | Self::FolderTooLarge { .. } => Code::Limit.as_str(),
            Self::NotStopped { .. } => Code::NotShared.as_str(),
            Self::NotShared { .. } | Self::NotYours { .. } => Code::NotShared.as_str(),
            Self::NotComing { error, .. } => error.code(),
            Self::DiskFull { .. } => "no-space",
            Self::NotOwner => Code::NotYours.as_str(),
            Self::AwaitsApproval { .. } => Code::Waiting.as_str(),
            Self::SameName { .. } | Self::TooManyAlike { .. } => "unsafe-name",
            Self::ExistsInPart(_) => "exists",
            _ => self.key(),
        }
    }

    /// The key of its sentence in the translations, below `failure`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::NoTracker => "no-tracker",
            Self::Offline { .. } => "offline",
            Self::AwaitsApproval { .. } => "awaits-approval",
            Self::TrackerKeyChanged { .. } => "tracker-key-changed",
            Self::UserKeyChanged { .. } => "user-key-changed",
            Self::NoSuchUser { .. } => "no-such-user",
            Self::Unverified { .. } => "unverified",
            Self::NotShared { .. } => "not-shared",
            Self::NotYours { .. } => "not-yours",
            Self::NotListed { .. } => "not-listed",
            Self::NotStopped { .. } => "not-stopped",
            Self::TooManyShares { .. } => "too-many-shares",
            Self::FolderTooLarge { .. } => "folder-too-large",
            Self::NoSuchFile { .. } => "no-such-file",
            Self::NotShareable { .. } => "not-shareable",
            Self::PathTaken { .. } => "path-taken",
            Self::Exists { .. } => "exists",
            Self::ExistsInPart(_) => "exists-in-part",
            Self::NoParent { .. } => "no-parent",
            Self::UnsafeName { .. } => "unsafe-name",
            Self::SameName { .. } => "same-name",
            Self::TooManyAlike { .. } => "too-many-alike",
            Self::Denied { .. } => "denied",
            Self::DiskFull { .. } => "disk-full",
            Self::NotComing { .. } => "not-coming",
            Self::IsUpload { .. } => "is-upload",
            Self::NoSuchTransfer { .. } => "no-such-transfer",
            Self::Cancelled => "cancelled",
            Self::NotHosting => "not-hosting",
            Self::NotOwner => "not-owner",
            Self::NotAtYours { .. } => "not-at-yours",
            Self::Yourself => "yourself",
            Self::NotBanned { .. } => "not-banned",
            Self::SentByItself { .. } => "sent-by-itself",
            Self::NotOneLine => "not-one-line",
            Self::BadLine { .. } => "bad-line",
            Self::Internal { .. } => "internal",
        }
    }

    /// The values in its sentence, ready to be shown.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        let shown = |text: &String| Shown(text).to_string();
        match self {
            Self::Refused { code, text } => vec![("code", Shown(code.as_str()).to_string()), ("text", shown(text))],
            Self::Offline { tracker, why } => vec![("tracker", shown(tracker)), ("why", shown(&why.to_string()))],
            Self::TrackerKeyChanged { tracker } | Self::AwaitsApproval { tracker, .. } => {
                vec![("tracker", shown(tracker))]
            }
            Self::NoSuchUser { user } | Self::Unverified { user } | Self::UserKeyChanged { user } => {
                vec![("user", shown(user))]
            }
            Self::NotShared { user, path } => vec![("user", shown(user)), ("path", shown(path))],
            Self::NotListed { path, why } => vec![("path", shown(path)), ("why", shown(why))],
            Self::TooManyShares { path, new_files, room, max } => vec![
                ("path", shown(path)),
                ("files", new_files.to_string()),
                ("room", room.to_string()),
                ("max", max.to_string()),
            ],
            Self::FolderTooLarge { path, max } => vec![("path", shown(path)), ("max", max.to_string())],
            Self::NotYours { path }
            | Self::NotStopped { path }
            | Self::NoSuchFile { path }
            | Self::Exists { path }
            | Self::NoParent { path }
            | Self::Denied { path }
            | Self::DiskFull { path } => vec![("path", shown(path))],
            Self::ExistsInPart(there) => vec![
                ("path", ShownPath(&there.path).to_string()),
                ("files", there.files.to_string()),
                ("same", there.same.to_string()),
                ("differing", there.differing.to_string()),
                ("names", there.some_names()),
            ],
            Self::NotShareable { path, why } => vec![("path", shown(path)), ("why", why.to_string())],
            Self::PathTaken { first, second, path } => {
                vec![("first", shown(first)), ("second", shown(second)), ("path", shown(path))]
            }
            Self::UnsafeName { name, why } => vec![("name", shown(name)), ("why", why.to_string())],
            Self::SameName { path, other } => vec![("path", shown(path)), ("other", shown(other))],
            Self::TooManyAlike { path } => vec![("path", shown(path))],
            Self::NotComing { path, error } => vec![("path", shown(path)), ("why", error.to_string())],
            Self::NoSuchTransfer { number } | Self::IsUpload { number } => vec![("number", number.to_string())],
            Self::Internal { what, why } => vec![("what", what.to_string()), ("why", why.to_string())],
            Self::NotAtYours { user } => vec![("user", shown(user))],
            Self::NotBanned { who } => vec![("who", shown(who))],
            Self::SentByItself { verb } => vec![("verb", shown(verb))],
            Self::BadLine { why } => vec![("why", why.to_string())],
            Self::NoTracker
            | Self::NotOneLine
            | Self::Cancelled
            | Self::NotHosting
            | Self::NotOwner
            | Self::Yourself => Vec::new(),
        }
    }
}
