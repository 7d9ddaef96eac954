//! What a person should read although nobody asked: one sentence each.
//!
//! The English sentence is the `Display` form. The app translates by [`Warning::key`] and [`Warning::args`].

use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::share_path::SharePath;
use crate::model::shown::Shown;
use crate::model::shown_path::ShownPath;
use crate::model::username::Username;
use crate::node::failure::Failure;
use crate::service::share_indexer::watch_fault::WatchFault;

/// Something that a person should read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The database was damaged; an empty one took its place.
    DatabaseSetAside {
        /// Where the damaged one is.
        path: PathBuf,
    },
    /// The key file had too wide rights; they were mended.
    KeyWasReadable,
    /// The tracker did not take what the library announced by itself.
    NotAnnounced {
        /// The reason, in words for the person.
        why: Failure,
    },
    /// It is shared no longer, and the tracker, which says nothing, may list it until it hears so.
    StillListed,
    /// Single files of a shared folder were stopped; what comes into the folder later is shared.
    FolderStillShared {
        /// What the share paths of its files begin with.
        folder: SharePath,
        /// How many other folders it is so with.
        more: usize,
    },
    /// Somebody is here under a name that was another key's when we dealt with it.
    UserKeyChanged {
        /// The name that they have now.
        user: Username,
    },
    /// A shared folder is everything on the disk.
    WholeDisk {
        /// Its local path.
        folder: String,
    },
    /// A shared folder is the home folder, or holds it.
    WholeHome {
        /// Its local path.
        folder: String,
    },
    /// Another drive is where a shared file or folder was.
    OtherFileSystem {
        /// Its local path.
        folder: String,
    },
    /// There are folders without a file to share in a folder that was just shared.
    EmptyFolders {
        /// Its local path.
        folder: String,
        /// How many folders there are without one.
        count: u64,
    },
    /// A shared file or folder is gone for now.
    Missing {
        /// Its local path.
        path: String,
    },
    /// It is there again.
    Back {
        /// Its local path.
        path: String,
    },
    /// The system does not tell of changes in a shared folder.
    NotWatched {
        /// Its local path.
        folder: String,
        /// What the system does not do, or what it said.
        why: WatchFault,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DatabaseSetAside { path } => write!(
                f,
                "the database could not be read; it is kept as '{}', and shares and downloads begin anew",
                ShownPath(path)
            ),
            Self::KeyWasReadable => {
                f.write_str("others on this computer could read your identity key; they no longer can")
            }
            Self::NotAnnounced { why } => write!(f, "not announced: {why}"),
            Self::StillListed => f.write_str(
                "nobody can fetch it any more; the tracker does not answer, and lists it until it hears that it is not shared",
            ),
            Self::FolderStillShared { folder, more: 0 } => write!(
                f,
                "new files in '{folder}' will be shared all the same; to end that, stop the folder: unregister \"{folder}\"",
                folder = Shown(folder.as_str())
            ),
            Self::FolderStillShared { folder, more } => write!(
                f,
                "new files in '{folder}' and {more} other folders will be shared all the same; to end that, stop the \
                 folders: unregister \"{folder}\" and so on",
                folder = Shown(folder.as_str())
            ),
            Self::UserKeyChanged { user } => write!(
                f,
                "{0} proves another key than when you dealt with them, so it may be somebody else: nothing is fetched from \
                 them. Ask them; if they have a new computer or key, 'trust {0}' accepts it",
                Shown(user.as_str())
            ),
            Self::WholeDisk { folder } => {
                write!(f, "'{}' is the whole disk: everybody on the network can fetch every file on it", ShownPath(folder))
            }
            Self::WholeHome { folder } => write!(
                f,
                "'{}' has your home folder in it: everybody on the network can fetch every file in it, hidden ones too, \
                 but for those that passwords and keys live in",
                ShownPath(folder)
            ),
            Self::OtherFileSystem { folder } => write!(
                f,
                "'{}' is on another drive than when you shared it, so nothing of it is shared; it goes on by itself when \
                 that drive is back, or share it again if you mean what is there now",
                ShownPath(folder)
            ),
            Self::EmptyFolders { folder, count } => write!(
                f,
                "folders without a file to share in '{}': {count}; only files are shared, so others do not get them",
                ShownPath(folder)
            ),
            Self::Missing { path } => {
                write!(f, "'{}' is not there; nothing of it is shared until it is back", ShownPath(path))
            }
            Self::Back { path } => write!(f, "'{}' is back and shared again", ShownPath(path)),
            Self::NotWatched { folder, why } => {
                write!(f, "'{}' is not watched ({why}); changes in it are found a little later", ShownPath(folder))
            }
        }
    }
}

impl Warning {
    /// The key of its sentence in the translations, below `warning`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::DatabaseSetAside { .. } => "database-set-aside",
            Self::KeyWasReadable => "key-was-readable",
            Self::NotAnnounced { .. } => "not-announced",
            Self::StillListed => "still-listed",
            Self::FolderStillShared { more: 0, .. } => "folder-still-shared",
            Self::FolderStillShared { .. } => "folders-still-shared",
            Self::UserKeyChanged { .. } => "user-key-changed",
            Self::WholeDisk { .. } => "whole-disk",
            Self::WholeHome { .. } => "whole-home",
            Self::OtherFileSystem { .. } => "other-file-system",
            Self::EmptyFolders { .. } => "empty-folders",
            Self::Missing { .. } => "missing",
            Self::Back { .. } => "back",
            Self::NotWatched { .. } => "not-watched",
        }
    }

    /// The values in its sentence, ready to be shown; that of a failure is its English sentence.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        let shown = |text: &str| Shown(text).to_string();
        let shown_path = |path: &Path| ShownPath(path).to_string();
        match self {
            Self::DatabaseSetAside { path } => vec![("path", shown_path(path.as_ref()))],
            Self::NotAnnounced { why } => vec![("why", why.to_string())],
            Self::FolderStillShared { folder, more } => {
                vec![("folder", shown(folder.as_str())), ("more", more.to_string())]
            }
            Self::UserKeyChanged { user } => vec![("user", shown(user.as_str()))],
            Self::WholeDisk { folder } | Self::WholeHome { folder } | Self::OtherFileSystem { folder } => {
                vec![("folder", shown_path(folder.as_ref()))]
            }
            Self::EmptyFolders { folder, count } => {
                vec![("folder", shown_path(folder.as_ref())), ("count", count.to_string())]
            }
            Self::Missing { path } | Self::Back { path } => vec![("path", shown_path(path.as_ref()))],
            Self::NotWatched { folder, why } => vec![("folder", shown_path(folder.as_ref())), ("why", why.to_string())],
            Self::KeyWasReadable | Self::StillListed => Vec::new(),
        }
    }
}
