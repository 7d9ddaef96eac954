//! What Potok was doing when it failed, and whose word there is for why.
//!
//! The English text is the `Display` form. The app translates by [`FailedWork::key`] and [`FailedWork::args`].

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::model::shown::Shown;
use crate::model::shown_path::ShownPath;
use crate::model::username::Username;
use crate::service::tracker_server::StartError;
use crate::store::StoreError;
use crate::tracker::settings::BadSetting;

/// Something that Potok does by itself or for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailedWork {
    /// Something that somebody asked for.
    CarryingOut,
    /// Asking the tracker.
    AskingWhoWeAre,
    /// Reading what it said.
    ReadingAnswer,
    /// Reading who is there.
    ReadingList,
    /// Making this program host a tracker.
    StartingTracker,
    /// Opening the port for others.
    ListeningAt(SocketAddr),
    /// Writing down whose a name is.
    RememberingKey(Username),
    /// Looking where a download goes.
    LookingAtTarget,
    /// Writing a download down.
    QueueingDownload,
    /// Reading or forgetting what was fetched.
    KeepingHistory,
    /// Looking which contents are on this computer.
    LookingForContents,
    /// Looking at what is to be shared.
    Sharing,
    /// Writing down what is shared.
    SavingShares,
    /// Sending files to others.
    ServingPeers,
    /// What tasks run on.
    StartingRuntime,
    /// A thread of the engine.
    StartingThread,
    /// Where all data is.
    OpeningDataFolder,
    /// Making a folder for data.
    OpeningFolder(PathBuf),
    /// What is remembered.
    OpeningDatabase,
    /// The key that a person is.
    ReadingIdentity,
    /// What this computer shares.
    OpeningLibrary,
    /// What is to be fetched.
    OpeningQueue,
}

impl FailedWork {
    /// The key of its translations, below `work`.
    pub fn key(&self) -> &'static str {
        self.words().0
    }

    /// The value in its text, ready to be shown.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::ListeningAt(address) => vec![("address", address.to_string())],
            Self::RememberingKey(user) => vec![("user", Shown(user.as_str()).to_string())],
            Self::OpeningFolder(path) => vec![("path", ShownPath(path).to_string())],
            _ => Vec::new(),
        }
    }

    /// Its key, and its text up to its value.
    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::CarryingOut => ("carrying-out", "carrying this out"),
            Self::AskingWhoWeAre => ("asking-who-we-are", "asking the tracker who we are"),
            Self::ReadingAnswer => ("reading-answer", "reading the tracker's answer"),
            Self::ReadingList => ("reading-list", "reading the tracker's list"),
            Self::StartingTracker => ("starting-tracker", "starting the tracker"),
            Self::ListeningAt(_) => ("listening-at", "listening at "),
            Self::RememberingKey(_) => ("remembering-key", "remembering the key of "),
            Self::LookingAtTarget => ("looking-at-target", "looking at the target"),
            Self::QueueingDownload => ("queueing-download", "queueing the download"),
            Self::KeepingHistory => ("keeping-history", "the history"),
            Self::LookingForContents => ("looking-for-contents", "looking for what is here"),
            Self::Sharing => ("sharing", "sharing"),
            Self::SavingShares => ("saving-shares", "saving the list of shares"),
            Self::ServingPeers => ("serving-peers", "the peer server"),
            Self::StartingRuntime => ("starting-runtime", "the runtime"),
            Self::StartingThread => ("starting-thread", "a thread"),
            Self::OpeningDataFolder => ("opening-data-folder", "the data folder"),
            Self::OpeningFolder(_) => ("opening-folder", ""),
            Self::OpeningDatabase => ("opening-database", "the database"),
            Self::ReadingIdentity => ("reading-identity", "the identity"),
            Self::OpeningLibrary => ("opening-library", "the library"),
            Self::OpeningQueue => ("opening-queue", "the queue of downloads"),
        }
    }
}

impl fmt::Display for FailedWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)?;
        self.args().iter().try_for_each(|(_, value)| f.write_str(value))
    }
}

/// Why Potok failed at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkFault {
    /// A mistake in the program, of which the log tells.
    Panic,
    /// The tracker's answer makes no sense.
    BadAnswer,
    /// Nobody waits for it any more.
    Ending,
    /// No file, or more than one download has.
    FileCount,
    /// Another Potok uses the data.
    InUse,
    /// A newer Potok wrote the data.
    Newer,
    /// A setting cannot be used.
    Setting(BadSetting),
    /// The system or the database, in its own words.
    Told(String),
}

impl WorkFault {
    /// The key of its translations, below `work-fault`; what was told has none, and a setting has those of `setting-fault`.
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::Panic => Some("panic"),
            Self::BadAnswer => Some("bad-answer"),
            Self::Ending => Some("ending"),
            Self::FileCount => Some("file-count"),
            Self::InUse => Some("in-use"),
            Self::Newer => Some("newer"),
            Self::Setting(_) | Self::Told(_) => None,
        }
    }
}

impl fmt::Display for WorkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic => f.write_str("a panic, which the log tells"),
            Self::BadAnswer => f.write_str("the tracker's answer makes no sense"),
            Self::Ending => f.write_str("the program is ending"),
            Self::FileCount => f.write_str("it has no files, or more than a million"),
            Self::InUse => f.write_str("another Potok uses this data folder"),
            Self::Newer => f.write_str("a newer Potok wrote the data"),
            Self::Setting(bad) => write!(f, "{bad}"),
            Self::Told(text) => write!(f, "{}", Shown(text)),
        }
    }
}

impl From<StoreError> for WorkFault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InUse => Self::InUse,
            StoreError::Newer { .. } => Self::Newer,
            StoreError::Database(redb::Error::Io(error)) => Self::Told(error.to_string()),
            StoreError::Database(error) => Self::Told(error.to_string()),
        }
    }
}

impl From<StartError> for WorkFault {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Setting(bad) => Self::Setting(bad),
            StartError::Listen(why) => Self::Told(why.to_string()),
            StartError::Records(why) => Self::Told(why.to_string()),
        }
    }
}

impl From<String> for WorkFault {
    fn from(text: String) -> Self {
        Self::Told(text)
    }
}
