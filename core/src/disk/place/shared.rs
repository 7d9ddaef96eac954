//! Opening what is shared, to read it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::at;
use crate::disk::dir::{self, Dir, EntryKind};
use crate::disk::place::data_folder::DataFolder;
use crate::model::file_stamp::{FileStamp, FileSystemId};

/// Most files of our own that are told apart by number; a data folder holds a handful.
const OWN_FILES_MAX: usize = 10_000;

/// Why something on this computer cannot be read as a share.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// There is no such file or folder, or not any more.
    #[error("there is no such file or folder")]
    Gone,
    /// The system does not let us read it.
    #[error("no permission to read it")]
    Denied,
    /// A link, a pipe, a socket or a device.
    #[error("it is no regular file")]
    NotRegular,
    /// It is part of Potok's own data folder, which holds the identity key.
    #[error("it belongs to a data folder of Potok")]
    Own,
    /// Any other failure of the system, in its own words.
    #[error(transparent)]
    Io(io::Error),
    /// It says that it is empty and is not: the system makes it up when it is read.
    #[error("its size is not known")]
    NoSize,
}

impl From<io::Error> for ReadFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Gone,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => Self::NotRegular,
            _ => Self::Io(error),
        }
    }
}

impl ReadFault {
    /// The same fault once more, for a second person who is to be told: an [`io::Error`] cannot be cloned.
    pub fn again(&self) -> Self {
        match self {
            Self::Gone => Self::Gone,
            Self::Denied => Self::Denied,
            Self::NotRegular => Self::NotRegular,
            Self::Own => Self::Own,
            Self::NoSize => Self::NoSize,
            Self::Io(error) => Self::Io(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

/// Which files are ours and never leave, whatever name they are found under: by their numbers, so that links and other
/// spellings do not help.
#[derive(Debug, Clone, Default)]
pub struct OwnFiles {
    numbers: HashSet<(u64, u64)>,
    folder: Option<(u64, u64)>,
}

impl OwnFiles {
    /// Looks at the data folder as it is now, with all in it.
    pub fn of(data_dir: &Path) -> io::Result<Self> {
        let folder = Dir::open(data_dir)?;
        let number = number_of(&folder.stamp()?);
        let mut own = Self { numbers: HashSet::from([number]), folder: Some(number) };
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in folder.entries()?.into_iter().flatten() {
                if own.numbers.len() >= OWN_FILES_MAX {
                    return Ok(own);
                }
                own.numbers.insert(number_of(&entry.stamp));
                if entry.kind == EntryKind::Folder {
                    folders.extend(folder.below(Path::new(&entry.name)));
                }
            }
        }
        Ok(own)
    }

    /// Whether the file or folder with this stamp is one of ours.
    pub fn contains(&self, stamp: &FileStamp) -> bool {
        self.numbers.contains(&number_of(stamp))
    }

    /// Whether the path leads into the data folder.
    fn hold(&self, resolved: &Path) -> bool {
        resolved.ancestors().any(|folder| {
            let stamp = Dir::open(folder).and_then(|dir| dir.stamp());
            stamp.is_ok_and(|stamp| Some(number_of(&stamp)) == self.folder)
        })
    }
}

fn number_of(stamp: &FileStamp) -> (u64, u64) {
    (stamp.device, stamp.inode)
}

/// What a path that the person named leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The path without links, `.` and `..`: this is what is shared from then on.
    pub resolved: PathBuf,
    /// Whether it is a folder; if not, it is a regular file.
    pub is_folder: bool,
}

/// Resolves a path that the person named. Links on the way are theirs and are followed this once.
pub fn locate(path: &Path, own: &OwnFiles) -> Result<Located, ReadFault> {
    let resolved = path.canonicalize()?;
    let is_folder = std::fs::metadata(&resolved)?.is_dir();
    let folder = if is_folder { &resolved } else { resolved.parent().unwrap_or(&resolved) };
    if own.hold(&resolved) || DataFolder::holds(folder) {
        return Err(ReadFault::Own);
    }
    if is_folder {
        SharedFolder::open(&resolved)?.dir.entries()?;
    } else {
        let parent = resolved.parent().ok_or(ReadFault::NotRegular)?;
        let name = resolved.file_name().ok_or(ReadFault::NotRegular)?;
        let parent = SharedFolder::open(parent)?;
        let (_file, stamp) = parent.open_file(Path::new(name))?;
        let is_identity = name.to_str().is_some_and(|name| DataFolder::look_at(&parent.dir).is_identity(name));
        if own.contains(&stamp) || is_identity {
            return Err(ReadFault::Own);
        }
    }
    Ok(Located { resolved, is_folder })
}

/// The open handle of a folder from which files are shared; they are opened through it, so that nothing outside can be.
#[derive(Debug)]
pub struct SharedFolder {
    pub(in crate::disk) dir: Dir,
}

impl SharedFolder {
    /// Opens a folder by its resolved path. It is opened anew for each use: a handle that is kept would keep a drive
    /// from being unplugged.
    pub fn open(resolved: &Path) -> Result<Self, ReadFault> {
        match Dir::open_resolved(resolved) {
            // A link or a file took the place of a part of the path: what was shared is not there.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(ReadFault::Gone),
            other => Ok(Self { dir: other?.confined() }),
        }
    }

    /// Which file system it is on.
    pub fn file_system(&self) -> Result<FileSystemId, ReadFault> {
        Ok(self.dir.file_system()?)
    }

    /// Opens a regular file below that was found once, unless it came to lie in a data folder of Potok since. What lies
    /// above the base is judged whenever the base is scanned.
    pub fn open_shared(&self, base: &Path, relative: &Path) -> Result<(File, FileStamp), ReadFault> {
        let opened = self.open_file(relative)?;
        let path = base.join(relative);
        let (parent, name) = (path.parent().unwrap_or(base), path.file_name().and_then(|name| name.to_str()));
        let is_identity = DataFolder::may_be_identity(name)
            && Dir::open(parent).is_ok_and(|dir| name.is_some_and(|name| DataFolder::look_at(&dir).is_identity(name)));
        if is_identity || DataFolder::holds_below(base, parent) { Err(ReadFault::Own) } else { Ok(opened) }
    }

    /// Opens a regular file below, by what it was found under. The stamp is that of the very handle.
    pub fn open_file(&self, relative: &Path) -> Result<(File, FileStamp), ReadFault> {
        let file = self.dir.open_to_read(relative)?;
        match dir::inspect(&file)? {
            (EntryKind::File, stamp) => Ok((file, stamp)),
            _ => Err(ReadFault::NotRegular),
        }
    }

    /// Whether something lies at a place below.
    pub fn is_there(&self, relative: &Path) -> bool {
        !matches!(self.look_at(relative), Err(ReadFault::Gone | ReadFault::NotRegular))
    }

    /// What a name below stands for: `None` for a link or something that is neither file nor folder.
    pub(in crate::disk) fn look_at(&self, relative: &Path) -> Result<Option<(bool, FileStamp)>, ReadFault> {
        let Some(name) = relative.file_name() else { return Ok(Some((true, self.dir.stamp()?))) };
        let parent = relative.parent().unwrap_or(Path::new(""));
        match self.dir.below(parent)?.look_at(Path::new(name))?.ok_or(ReadFault::Gone)? {
            (EntryKind::Folder, stamp) => Ok(Some((true, stamp))),
            (EntryKind::File, stamp) => Ok(Some((false, stamp))),
            _ => Ok(None),
        }
    }
}

/// Whether a folder lies in a data folder of Potok, or is one.
pub fn is_in_data_folder(folder: &Path) -> bool {
    DataFolder::holds(folder)
}

/// Whether a file that says that it is empty is not: some are made by the system when they are read.
pub fn is_of_no_size(file: &File, stamp: &FileStamp) -> bool {
    stamp.size == 0 && at::read_exact_at(file, &mut [0], 0).is_ok()
}

/// The stamp of a folder that is open already.
pub fn stamp_of_folder(folder: &SharedFolder) -> Result<FileStamp, ReadFault> {
    Ok(folder.dir.stamp()?)
}

/// The stamp of a file that is open already.
pub fn stamp_of(file: &File) -> Result<FileStamp, ReadFault> {
    Ok(dir::inspect(file)?.1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn resolved_tempdir() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().canonicalize().expect("resolves");
        (folder, path)
    }

    #[test]
    fn only_regular_files_are_opened() {
        let (_guard, path) = resolved_tempdir();
        std::fs::create_dir(path.join("sub")).expect("folder");
        std::fs::write(path.join("sub/file"), "x").expect("file");
        symlink("sub/file", path.join("link")).expect("link");
        let socket = std::os::unix::net::UnixListener::bind(path.join("socket")).expect("socket");
        let folder = SharedFolder::open(&path).expect("opens");
        assert_eq!(folder.open_file(Path::new("sub/file")).expect("opens").1.size, 1);
        for (name, gone) in [("sub", false), ("link", false), ("socket", false), ("none", true), ("sub/none", true)] {
            let fault = folder.open_file(Path::new(name)).expect_err(name);
            assert_eq!(matches!(fault, ReadFault::Gone), gone, "{name}: {fault:?}");
        }
        drop(socket);
        symlink(&path, path.join("me")).expect("link");
        assert!(matches!(SharedFolder::open(&path.join("me/sub")), Err(ReadFault::Gone)));
    }

    #[test]
    fn our_own_files_are_refused_under_every_name() {
        let (_guard, path) = resolved_tempdir();
        let data = path.join("data");
        std::fs::create_dir_all(data.join("deep/er")).expect("folders");
        std::fs::write(data.join("identity.key"), "secret").expect("file");
        std::fs::write(data.join("deep/er/late"), "secret").expect("file");
        std::fs::write(path.join("honest"), "x").expect("file");
        symlink("data", path.join("soft")).expect("link");
        std::fs::hard_link(data.join("identity.key"), path.join("hard")).expect("link");
        let own = OwnFiles::of(&data).expect("looks");
        std::fs::write(data.join("newer"), "secret").expect("file");
        for name in [
            "data",
            "data/identity.key",
            "soft",
            "soft/identity.key",
            "data/../data/identity.key",
            "hard",
            "data/deep/er",
            "data/deep/er/late",
            "data/newer",
            "./soft/../data",
        ] {
            assert!(matches!(locate(&path.join(name), &own), Err(ReadFault::Own)), "{name}");
        }
        assert!(locate(&path.join("honest"), &own).is_ok());
        assert_eq!(locate(&path, &own).expect("may be shared without it"), Located { resolved: path, is_folder: true });
    }

    struct StopAtTheEnd<'a>(&'a AtomicBool);

    impl Drop for StopAtTheEnd<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Somebody swaps a file for a link to a secret while it is opened again and again.
    #[test]
    fn a_swapped_link_never_leads_out() {
        let (_guard, path) = resolved_tempdir();
        std::fs::create_dir_all(path.join("share/sub")).expect("folders");
        std::fs::create_dir(path.join("other")).expect("folder");
        std::fs::write(path.join("share/sub/file"), "honest").expect("file");
        std::fs::write(path.join("other/file"), "secret").expect("file");
        let (real, aside) = (path.join("share/sub"), path.join("share/aside"));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::fs::rename(&real, &aside).expect("aside");
                    symlink("../other", &real).expect("link");
                    std::fs::remove_file(&real).expect("removed");
                    std::fs::rename(&aside, &real).expect("back");
                }
            });
            // Also when something here fails: the scope waits for the other thread.
            let _stopped = StopAtTheEnd(&stop);
            let folder = SharedFolder::open(&path.join("share")).expect("opens");
            let (mut opened, mut tries) = (0, 0);
            // However the two threads are scheduled: many tries, and on until the honest file was met.
            while tries < 5_000 || (opened == 0 && tries < 5_000_000) {
                tries += 1;
                if let Ok((mut file, _)) = folder.open_file(Path::new("sub/file")) {
                    let mut text = String::new();
                    file.read_to_string(&mut text).expect("reads");
                    assert_eq!(text, "honest");
                    opened += 1;
                }
            }
            assert!(opened > 0, "the honest file was there at times");
        });
    }
}
