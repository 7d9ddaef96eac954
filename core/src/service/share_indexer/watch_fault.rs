//! Why changes in a shared folder are found by looking only.

use crate::model::shown::Shown;

/// Why the system does not tell us of changes in a folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchFault {
    /// It watches as many folders as it may.
    #[error("the system watches no more folders (on Linux, raise fs.inotify.max_user_watches)")]
    TooMany,
    /// The folder is not there.
    #[error("the folder is not there")]
    Gone,
    /// In its own words.
    #[error("{}", Shown(.0))]
    Told(String),
}
