//! Potok's data folders, whoever runs them: recognised by what lies in them, so that none is ever shared.

use std::io::Read;
use std::path::Path;

use crate::disk::dir::{Dir, EntryKind};
use crate::net::identity::PEM_BEGIN;

/// The key that says who somebody is.
const IDENTITY: &str = "identity.key";
/// What lies beside it and nowhere else: a client's database and a tracker's.
const DATABASES: [&str; 2] = ["potok.redb", "tracker.redb"];
/// What lies beside it and may lie anywhere.
const SETTINGS: [&str; 2] = ["config.toml", "window.toml"];

/// What a folder has of a Potok's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::disk) enum DataFolder {
    /// The folder has nothing of a Potok's data.
    No,
    /// An identity, and nothing else that says whose: only that file is left out.
    IdentityOnly,
    /// All in it is Potok's.
    Whole,
}

impl DataFolder {
    /// Whether a file of this name can be one that [`DataFolder::is_identity`] leaves out.
    pub(in crate::disk) fn may_be_identity(name: Option<&str>) -> bool {
        name == Some(IDENTITY)
    }

    /// Whether this is the file to be left out.
    pub(in crate::disk) fn is_identity(self, name: &str) -> bool {
        self == Self::IdentityOnly && name == IDENTITY
    }

    /// What an open folder is.
    pub(in crate::disk) fn look_at(dir: &Dir) -> Self {
        let has_file = |name: &str| matches!(dir.look_at(Path::new(name)), Ok(Some((EntryKind::File, _))));
        if !has_file(IDENTITY) {
            return Self::No;
        }
        if DATABASES.into_iter().any(has_file) {
            return Self::Whole;
        }
        if !is_private_key(dir) {
            return Self::No;
        }
        if SETTINGS.into_iter().any(has_file) { Self::Whole } else { Self::IdentityOnly }
    }

    /// Whether a folder lies in one or is one.
    pub(in crate::disk) fn holds(folder: &Path) -> bool {
        folder.ancestors().any(is_whole)
    }

    /// The same, looking no higher than `top`, which lies above the folder or is it.
    pub(in crate::disk) fn holds_below(top: &Path, folder: &Path) -> bool {
        folder.ancestors().take_while(|above| above.starts_with(top)).any(is_whole)
    }
}

/// Asked at every file that is sent: of a folder without an identity it takes one question to the system.
fn is_whole(folder: &Path) -> bool {
    may_have_identity(folder) && Dir::open(folder).is_ok_and(|dir| DataFolder::look_at(&dir) == DataFolder::Whole)
}

/// Only where there is surely no such file the rest need not be looked at.
fn may_have_identity(folder: &Path) -> bool {
    let found = std::fs::symlink_metadata(folder.join(IDENTITY));
    !found.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// A file that cannot be read is no key for whoever looks, and is not shared either.
fn is_private_key(dir: &Dir) -> bool {
    let mut head = [0; PEM_BEGIN.len()];
    let read = dir.open_to_read(Path::new(IDENTITY)).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == PEM_BEGIN.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_is_known_by_what_lies_in_it() {
        let key = "-----BEGIN PRIVATE KEY-----\nMC4C";
        for (files, expected) in [
            (&[][..], DataFolder::No),
            (&[("identity.key", key)], DataFolder::IdentityOnly),
            (&[("identity.key", "a poem")], DataFolder::No),
            (&[("identity.key", key), ("config.toml", "")], DataFolder::Whole),
            (&[("identity.key", "a poem"), ("config.toml", "")], DataFolder::No),
            (&[("identity.key", "damaged"), ("potok.redb", "")], DataFolder::Whole),
            (&[("identity.key", key), ("tracker.redb", "")], DataFolder::Whole),
            (&[("potok.redb", ""), ("config.toml", "")], DataFolder::No),
        ] {
            let folder = tempfile::tempdir().expect("folder");
            for (name, contents) in files {
                std::fs::write(folder.path().join(name), contents).expect("writes");
            }
            let below = folder.path().join("a/b");
            std::fs::create_dir_all(&below).expect("folders");
            let dir = Dir::open(folder.path()).expect("opens");
            assert_eq!(DataFolder::look_at(&dir), expected, "{files:?}");
            assert_eq!(DataFolder::holds(&below), expected == DataFolder::Whole, "{files:?}");
            assert_eq!(DataFolder::holds_below(folder.path(), &below), expected == DataFolder::Whole, "{files:?}");
            assert!(!DataFolder::holds_below(&below, &below), "{files:?}");
        }
    }
}
