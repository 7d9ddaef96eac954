//! Where a download goes: from what the person typed to a folder of this computer, and a name in it perhaps.

use std::ffi::{OsStr, OsString};
use std::path::{Component, MAIN_SEPARATOR_STR, Path, PathBuf, is_separator};

use crate::disk::place::place_error::PlaceError;
use crate::disk::typed;
use crate::library::typed::LocalPath;
use crate::model::local_name::{LocalName, Platform};
use crate::model::shown_path::usual_path;
use crate::node::failure::Failure;

/// Where a download goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DownloadPlace {
    /// Into this folder, under its own name.
    Into(PathBuf),
    /// Into this folder, which is not there: it is made, in one that is there, when it is known what comes.
    IntoNew(PathBuf),
    /// Under this name in this folder.
    As(PathBuf, OsString),
}

impl DownloadPlace {
    /// What is meant by what was typed; `usual` if nothing was. Blocks: it looks at the disk.
    pub(super) fn find(local: Option<&LocalPath>, usual: PathBuf) -> Result<Self, Failure> {
        Self::find_on(Platform::HERE, local, usual)
    }

    fn find_on(platform: Platform, local: Option<&LocalPath>, usual: PathBuf) -> Result<Self, Failure> {
        let Some(local) = local else {
            let made = std::fs::create_dir_all(&usual);
            return made.map(|()| Self::Into(usual.clone())).map_err(|error| place_failed(error.into(), &usual));
        };
        let path = without_dots(&typed::path(local));
        let LocalPath { typed: local, .. } = local;
        let failed = |error: PlaceError| place_failed(error, Path::new(local));
        match std::fs::metadata(&path) {
            Ok(there) if there.is_dir() => return Ok(Self::Into(path)),
            // What the system says of a device, or of a name that it cuts short, is not about what was typed.
            _ if !path.file_name().is_none_or(|name| can_hold(platform, name)) => {
                return Err(failed(PlaceError::NameRefused));
            }
            Ok(_) if names_a_folder(local) => return Err(failed(PlaceError::InTheWay)),
            Ok(_) => {}
            // What is missing is the name itself, or a folder above it.
            Err(error) => match PlaceError::from(error) {
                PlaceError::NoParent => {}
                // A file where a folder should be.
                PlaceError::InTheWay => return Err(failed(PlaceError::NoParent)),
                other => return Err(failed(other)),
            },
        }
        let Self::As(parent, name) = Self::named(&path).ok_or_else(|| failed(PlaceError::NoParent))? else {
            return Err(failed(PlaceError::NoParent));
        };
        Ok(if names_a_folder(local) { Self::IntoNew(parent.join(name)) } else { Self::As(parent, name) })
    }

    /// A name in a folder that is there.
    fn named(path: &Path) -> Option<Self> {
        let (parent, name) = (path.parent()?, path.file_name()?);
        parent.is_dir().then(|| Self::As(parent.to_owned(), name.to_owned()))
    }

    /// A folder that is there because the same was asked for before, under this very name, is that name: what is asked
    /// for again is not meant to go below it.
    pub(super) fn where_it_was(self, was_to_be: impl FnOnce(&Path) -> bool) -> Self {
        match self {
            Self::Into(folder) if was_to_be(&folder) => Self::named(&folder).unwrap_or(Self::Into(folder)),
            other => other,
        }
    }

    /// The folder that the person chose, and what comes is below it.
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Into(folder) | Self::IntoNew(folder) | Self::As(folder, _) => folder,
        }
    }

    /// Makes the folder, if it is to be made. Blocks.
    pub(super) fn make(&self) -> Result<(), Failure> {
        let Self::IntoNew(folder) = self else { return Ok(()) };
        match std::fs::create_dir(folder) {
            // Somebody else made it in between.
            Err(_) if folder.is_dir() => Ok(()),
            made => made.map_err(|error| place_failed(error.into(), folder)),
        }
    }

    /// Whether a download that goes there may be one that goes here.
    pub(super) fn may_be(&self, target: &Path) -> bool {
        match self {
            Self::Into(folder) | Self::IntoNew(folder) => target == folder || target.parent() == Some(folder),
            Self::As(folder, name) => target == folder.join(name),
        }
    }
}

/// The same path without a separator at its end, and without `.` in it. Parts are not joined as paths are, since to Windows
/// a part like `a:b` would be another drive then.
fn without_dots(path: &Path) -> PathBuf {
    let (mut text, mut needs_separator) = (OsString::new(), false);
    for part in path.components() {
        let is_name = !matches!(part, Component::Prefix(_) | Component::RootDir);
        if is_name && needs_separator {
            text.push(MAIN_SEPARATOR_STR);
        }
        text.push(part);
        needs_separator = is_name;
    }
    text.into()
}

/// Whether a file of a name that the person typed will have this name.
fn can_hold(platform: Platform, name: &OsStr) -> bool {
    LocalName::can_be_typed(platform, &name.to_string_lossy())
}

/// Whether a text can only mean a folder: it ends in a separator, or in the folder itself (`photos/.`).
fn names_a_folder(typed: &str) -> bool {
    let without_dot = typed.strip_suffix('.').unwrap_or(typed);
    !typed.is_empty() && (typed.ends_with(is_separator) || without_dot.ends_with(is_separator))
}

/// Why nothing can be written at a path, in the words of the node.
pub(super) fn place_failed(error: PlaceError, path: &Path) -> Failure {
    let path = usual_path(path).into_owned();
    match error {
        PlaceError::Exists => Failure::Exists { path },
        PlaceError::NoSpace => Failure::DiskFull { path },
        PlaceError::NoParent => Failure::NoParent { path },
        PlaceError::Denied => Failure::Denied { path },
        other => Failure::NotComing { path, error: other.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_a_folder_or_a_name() {
        use DownloadPlace::{As, Into, IntoNew};
        let home = tempfile::tempdir().expect("folder");
        let here = home.path();
        std::fs::create_dir(here.join("there")).expect("folder");
        std::fs::write(here.join("file"), "x").expect("file");
        let find = |typed: &str| DownloadPlace::find(Some(&LocalPath::new(typed, here)), here.join("unused"));
        let into = |name: &str| Ok(Into(here.join(name)));
        let new = |name: &str| Ok(IntoNew(here.join(name)));
        let named = |folder: &str, name: &str| Ok(As(here.join(folder), name.into()));
        for (typed, expected) in [
            ("there", into("there")),
            ("there/", into("there")),
            ("there/.", into("there")),
            (".", into("")),
            ("./", into("")),
            ("there/..", into("there/..")),
            ("..", into("..")),
            ("new", named("", "new")),
            ("./new", named("", "new")),
            ("there/new", named("there", "new")),
            ("new/", new("new")),
            ("new//", new("new")),
            ("new/.", new("new")),
            ("new/./", new("new")),
            ("there/new/", new("there/new")),
            ("file", named("", "file")),
        ] {
            assert_eq!(find(typed), expected, "{typed}");
        }
        if !cfg!(windows) {
            assert_eq!(find("new."), named("", "new."));
            // Windows takes `none/..` for this folder, without a look at what is in it.
            assert!(matches!(find("none/.."), Err(Failure::NoParent { .. })));
        }
        for typed in ["none/new", "none/new/", "file/new", "file/new/"] {
            assert!(matches!(find(typed), Err(Failure::NoParent { .. })), "{typed}: {:?}", find(typed));
        }
        assert!(matches!(find("file/"), Err(why) if why.code() == "exists"));
        assert!(here.join("new").symlink_metadata().is_err(), "looking makes nothing");
        let place = find("new/").expect("found");
        place.make().expect("made");
        place.make().expect("made again");
        assert_eq!(find("new/"), into("new"));
    }

    #[test]
    fn a_name_that_windows_would_read_otherwise_is_refused() {
        let home = tempfile::tempdir().expect("folder");
        std::fs::create_dir(home.path().join("there")).expect("folder");
        let find = |typed: &str| {
            let local = LocalPath::new(typed, home.path());
            DownloadPlace::find_on(Platform::Windows, Some(&local), home.path().to_owned())
        };
        for typed in ["CON", "there/nul", "NUL.txt", "tail.", "there/what?", "there/a:b", "./a:b", "aux/"] {
            assert!(matches!(find(typed), Err(why) if why.code() == "unsafe-name"), "{typed}: {:?}", find(typed));
        }
        for typed in ["console", "there", ".", "there/..", "PROGRA~1", "desktop.ini"] {
            assert!(find(typed).is_ok(), "{typed}");
        }
    }

    #[test]
    fn a_folder_that_an_earlier_download_made_is_its_name() {
        let home = tempfile::tempdir().expect("folder");
        let folder = home.path().join("got");
        std::fs::create_dir(&folder).expect("folder");
        let place = DownloadPlace::Into(folder.clone());
        assert_eq!(place.clone().where_it_was(|_| false), place);
        let again = place.where_it_was(|path| path == folder);
        assert_eq!(again, DownloadPlace::As(home.path().to_owned(), "got".into()));
    }
}
