//! One of each thing that has a sentence of its own. A new kind of one does not compile here until it has its own too.

use potok_core::library::collision::Collision;
use potok_core::model::name_fault::NameFault;
use potok_core::model::share_path::SharePath;
use potok_core::model::transfer::{TransferError, TransferId};
use potok_core::model::username::Username;
use potok_core::node::failure::Failure;
use potok_core::node::not_shareable::NotShareable;
use potok_core::node::partly_there::PartlyThere;
use potok_core::node::warning::Warning;
use potok_core::node::work::{FailedWork, WorkFault};
use potok_core::protocol::code::Code;
use potok_core::protocol::line::Fault;
use potok_core::service::share_indexer::event::{LeftOutReason, WhyNotShared};
use potok_core::service::share_indexer::watch_fault::WatchFault;
use potok_core::tracker::log::LogEntry;
use potok_core::tracker::setting_fault::SettingFault;
use potok_core::tracker::settings::BadSetting;

pub(super) fn works() -> Vec<FailedWork> {
    let address = "192.0.2.7:4001".parse().expect("an address");
    let user = "anna".parse().expect("a name");
    vec![
        FailedWork::CarryingOut,
        FailedWork::AskingWhoWeAre,
        FailedWork::ReadingAnswer,
        FailedWork::ReadingList,
        FailedWork::StartingTracker,
        FailedWork::ListeningAt(address),
        FailedWork::RememberingKey(user),
        FailedWork::LookingAtTarget,
        FailedWork::QueueingDownload,
        FailedWork::KeepingHistory,
        FailedWork::LookingForContents,
        FailedWork::Sharing,
        FailedWork::SavingShares,
        FailedWork::ServingPeers,
        FailedWork::StartingRuntime,
        FailedWork::StartingThread,
        FailedWork::OpeningDataFolder,
        FailedWork::OpeningFolder("/d".into()),
        FailedWork::OpeningDatabase,
        FailedWork::ReadingIdentity,
        FailedWork::OpeningLibrary,
        FailedWork::OpeningQueue,
    ]
}

pub(super) fn not_shareable() -> Vec<NotShareable> {
    use NotShareable as Why;
    vec![Why::NotRegular, Why::Own, Why::NoSize, Why::NotUnicode, Why::Changing, Why::Unfinished]
}

/// Those with sentences of their own; a bad name has those of `bad-path`.
pub(super) fn not_shared() -> Vec<WhyNotShared> {
    let path = SharePath::new("x").expect("a path");
    let collision = Collision { path, first: "/a".into(), second: "/b".into() };
    let skipped = LeftOutReason::ALL.into_iter().filter_map(|reason| match reason {
        LeftOutReason::Skipped(why) => Some(why.into()),
        LeftOutReason::BadName | LeftOutReason::Collision | LeftOutReason::TooMany => None,
    });
    skipped.chain([collision.into(), WhyNotShared::TooMany]).collect()
}

pub(super) fn failures() -> Vec<Failure> {
    let text = || "x".to_owned();
    vec![
        Failure::Refused { code: text().as_str().into(), text: text() },
        Failure::NoTracker,
        Failure::Offline { tracker: text(), why: text().into() },
        Failure::AwaitsApproval { tracker: text(), since: std::time::SystemTime::UNIX_EPOCH },
        Failure::TrackerKeyChanged { tracker: text() },
        Failure::UserKeyChanged { user: text() },
        Failure::NoSuchUser { user: text() },
        Failure::Unverified { user: text() },
        Failure::NotShared { user: text(), path: text() },
        Failure::NotYours { path: text() },
        Failure::NotListed { path: text(), why: text() },
        Failure::NotStopped { path: text() },
        Failure::TooManyShares { path: text(), new_files: 7, room: 5, max: 100 },
        Failure::FolderTooLarge { path: text(), max: 100 },
        Failure::NoSuchFile { path: text() },
        Failure::NotShareable { path: text(), why: NotShareable::Own },
        Failure::PathTaken { first: text(), second: text(), path: text() },
        Failure::Exists { path: text() },
        Failure::ExistsInPart(Box::new(partly_there())),
        Failure::NoParent { path: text() },
        Failure::UnsafeName { name: text(), why: NameFault::Blank },
        Failure::SameName { path: text(), other: text() },
        Failure::TooManyAlike { path: text() },
        Failure::Denied { path: text() },
        Failure::DiskFull { path: text() },
        Failure::NotComing { path: text(), error: TransferError::Disk(text()) },
        Failure::IsUpload { number: TransferId(7) },
        Failure::NoSuchTransfer { number: TransferId(7) },
        Failure::Cancelled,
        Failure::NotHosting,
        Failure::NotOwner,
        Failure::NotAtYours { user: text() },
        Failure::Yourself,
        Failure::NotBanned { who: text() },
        Failure::SentByItself { verb: text() },
        Failure::BadLine { why: Fault::Control },
        Failure::NotOneLine,
        Failure::Internal { what: FailedWork::Sharing, why: WorkFault::Panic },
    ]
}

pub(super) fn work_faults() -> Vec<WorkFault> {
    use WorkFault::{BadAnswer, Ending, FileCount, InUse, Newer, Panic, Setting, Told};
    let setting = Setting(BadSetting { setting: "network_name", what: SettingFault::Line });
    vec![Panic, BadAnswer, Ending, FileCount, InUse, Newer, setting, Told("x".into())]
}

pub(super) fn partly_there() -> PartlyThere {
    PartlyThere { path: "/d/T".into(), files: 9, same: 2, differing: 1, places: vec!["/d/T/a".into()] }
}

pub(super) fn transfer_errors() -> Vec<TransferError> {
    TransferError::one_of_each(&Username::new("anna").expect("a name"))
}

/// A new kind of failure does not compile here: add it to `failures` and to the translations.
pub(super) fn is_in_the_list(failure: &Failure) {
    match failure {
        Failure::Refused { .. }
        | Failure::NoTracker
        | Failure::Offline { .. }
        | Failure::AwaitsApproval { .. }
        | Failure::TrackerKeyChanged { .. }
        | Failure::UserKeyChanged { .. }
        | Failure::NoSuchUser { .. }
        | Failure::Unverified { .. }
        | Failure::NotShared { .. }
        | Failure::NotYours { .. }
        | Failure::NotListed { .. }
        | Failure::NotStopped { .. }
        | Failure::TooManyShares { .. }
        | Failure::FolderTooLarge { .. }
        | Failure::NoSuchFile { .. }
        | Failure::NotShareable { .. }
        | Failure::PathTaken { .. }
        | Failure::Exists { .. }
        | Failure::ExistsInPart(_)
        | Failure::NoParent { .. }
        | Failure::UnsafeName { .. }
        | Failure::SameName { .. }
        | Failure::TooManyAlike { .. }
        | Failure::Denied { .. }
        | Failure::DiskFull { .. }
        | Failure::NotComing { .. }
        | Failure::IsUpload { .. }
        | Failure::NoSuchTransfer { .. }
        | Failure::Cancelled
        | Failure::NotHosting
        | Failure::NotOwner
        | Failure::NotAtYours { .. }
        | Failure::Yourself
        | Failure::NotBanned { .. }
        | Failure::SentByItself { .. }
        | Failure::BadLine { .. }
        | Failure::NotOneLine
        | Failure::Internal { .. } => {}
    }
}

pub(super) fn warnings() -> Vec<Warning> {
    let text = || "x".to_owned();
    vec![
        Warning::DatabaseSetAside { path: "x".into() },
        Warning::KeyWasReadable,
        Warning::UserKeyChanged { user: Username::new("anna").expect("a name") },
        Warning::NotAnnounced { why: Failure::NoTracker },
        Warning::StillListed,
        Warning::FolderStillShared { folder: SharePath::new("x").expect("a path"), more: 0 },
        Warning::FolderStillShared { folder: SharePath::new("x").expect("a path"), more: 7 },
        Warning::WholeDisk { folder: text() },
        Warning::WholeHome { folder: text() },
        Warning::OtherFileSystem { folder: text() },
        Warning::EmptyFolders { folder: text(), count: 7 },
        Warning::Missing { path: text() },
        Warning::Back { path: text() },
        Warning::NotWatched { folder: text(), why: WatchFault::TooMany },
    ]
}

pub(super) fn log_entries() -> Vec<LogEntry> {
    let user = || "anna".parse().expect("a name");
    let address = "192.0.2.7".parse().expect("an address");
    vec![
        LogEntry::Joined { user: user(), address },
        LogEntry::Left { user: user() },
        LogEntry::Refused { address, code: Code::Banned, text: "x".to_owned() },
        LogEntry::Kicked { user: user(), minutes: 10 },
        LogEntry::Ordered { by: "anna".to_owned(), command: "ban x".to_owned() },
        LogEntry::Configured { changed: vec!["owners"], at_start: Vec::new() },
        LogEntry::Banned { who: "x".to_owned() },
        LogEntry::Unbanned { who: "x".to_owned() },
        LogEntry::NotBelieved { user: user(), tracker: ([192, 0, 2, 1], 7688).into() },
        LogEntry::NotSaved,
        LogEntry::LeftOut { count: 7 },
    ]
}

/// As [`is_in_the_list`].
pub(super) fn is_in_a_list(warning: &Warning, entry: &LogEntry) {
    match warning {
        Warning::DatabaseSetAside { .. }
        | Warning::KeyWasReadable
        | Warning::UserKeyChanged { .. }
        | Warning::NotAnnounced { .. }
        | Warning::StillListed
        | Warning::FolderStillShared { .. }
        | Warning::WholeDisk { .. }
        | Warning::WholeHome { .. }
        | Warning::OtherFileSystem { .. }
        | Warning::EmptyFolders { .. }
        | Warning::Missing { .. }
        | Warning::Back { .. }
        | Warning::NotWatched { .. } => {}
    }
    match entry {
        LogEntry::Joined { .. }
        | LogEntry::Left { .. }
        | LogEntry::Refused { .. }
        | LogEntry::Kicked { .. }
        | LogEntry::Ordered { .. }
        | LogEntry::Configured { .. }
        | LogEntry::Banned { .. }
        | LogEntry::Unbanned { .. }
        | LogEntry::NotBelieved { .. }
        | LogEntry::NotSaved
        | LogEntry::LeftOut { .. } => {}
    }
}
