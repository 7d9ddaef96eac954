//! Folders through `cap-std`, for Windows.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Component, Path};

use cap_fs_ext::{DirEntryExt, DirExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Metadata, OpenOptions};
use cap_std::time::SystemTime;

use crate::disk::dir::{DirEntry, EntryKind, IfTaken, link_in_the_way};
use crate::model::file_stamp::{FileStamp, FileSystemId};
use crate::model::local_name::may_be_short;

/// An open folder by the means of `cap-std`: what is opened through it lies below it.
#[derive(Debug)]
pub(crate) struct Dir {
    dir: cap_std::fs::Dir,
    /// Nothing is opened through it that lies on what is mounted below it.
    is_confined: bool,
}

impl Dir {
    /// A folder that the person in front of the computer named: links on the way to it are theirs.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { dir: cap_std::fs::Dir::open_ambient_dir(path, ambient_authority())?, is_confined: false })
    }

    /// A folder by the absolute path that it was found to have once; a link that took the place of a part of it since
    /// is not followed.
    pub(crate) fn open_resolved(path: &Path) -> io::Result<Self> {
        if path.canonicalize()? != path {
            return Err(link_in_the_way());
        }
        Self::open(path)
    }

    /// The same folder, through which nothing is opened that lies on what is mounted below it.
    pub(crate) fn confined(self) -> Self {
        Self { is_confined: true, ..self }
    }

    /// A folder somewhere below; the empty path is this folder itself.
    pub(crate) fn below(&self, relative: &Path) -> io::Result<Self> {
        let mut dir = self.dir.try_clone()?;
        for part in relative.components().filter(|part| *part != Component::CurDir) {
            let Component::Normal(name) = part else { return Err(link_in_the_way()) };
            let opened = dir.open_dir_nofollow(name)?;
            if !is_spelled_so(&dir, name)? {
                return Err(link_in_the_way());
            }
            dir = opened;
            if self.is_confined && stamp_of(&dir.dir_metadata()?).device != self.stamp()?.device {
                return Err(link_in_the_way());
            }
        }
        Ok(Self { dir, is_confined: self.is_confined })
    }

    /// A file somewhere below, to be read. What it is must still be asked of the handle: it may be a folder or a pipe.
    pub(crate) fn open_to_read(&self, relative: &Path) -> io::Result<File> {
        let (Some(parent), Some(name)) = (relative.parent(), relative.file_name()) else {
            return Err(link_in_the_way());
        };
        self.below(parent)?.open_file(Path::new(name), OpenOptions::new().read(true))
    }

    /// An existing file in this folder, to be read and written.
    pub(crate) fn open_to_write(&self, name: &Path) -> io::Result<File> {
        self.open_file(name, OpenOptions::new().read(true).write(true))
    }

    /// Makes a new, empty file in this folder; it fails if there is anything of that name, be it a link.
    pub(crate) fn create_new(&self, name: &Path) -> io::Result<File> {
        self.open_file(name, OpenOptions::new().read(true).write(true).create_new(true))
    }

    fn open_file(&self, name: &Path, options: &mut OpenOptions) -> io::Result<File> {
        options.follow(FollowSymlinks::No).nonblock(true);
        Ok(self.dir.open_with(name, options)?.into_std())
    }

    pub(crate) fn create_folder(&self, name: &Path) -> io::Result<()> {
        self.dir.create_dir(name)
    }

    pub(crate) fn remove_file(&self, name: &Path) -> io::Result<()> {
        self.dir.remove_file(name)
    }

    /// What a name in this folder stands for, if there is one.
    pub(crate) fn look_at(&self, name: &Path) -> io::Result<Option<(EntryKind, FileStamp)>> {
        match self.dir.symlink_metadata(name) {
            Ok(metadata) if metadata.is_file() => {
                inspect(&self.open_file(name, OpenOptions::new().read(true))?).map(Some)
            }
            Ok(metadata) => Ok(Some((kind_of(&metadata), nameless_stamp(&metadata)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path, if_taken: IfTaken) -> io::Result<()> {
        if if_taken == IfTaken::Replace {
            return self.dir.rename(from, &self.dir, to);
        }
        // A new link refuses a taken name in every file system that has links.
        match self.dir.hard_link(from, &self.dir, to) {
            Ok(()) => self.dir.remove_file(from),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(_no_links) => match self.look_at(to)? {
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
                None => self.dir.rename(from, &self.dir, to),
            },
        }
    }

    /// Every name in this folder in no order.
    pub(crate) fn entries(&self) -> io::Result<Vec<io::Result<DirEntry>>> {
        let device = self.stamp()?.device;
        let entry = |item: io::Result<cap_std::fs::DirEntry>| {
            let item = item?;
            let metadata = item.full_metadata()?;
            let (kind, stamp) = (kind_of(&metadata), stamp_of(&metadata));
            let is_mount = kind == EntryKind::Folder && stamp.device != device;
            Ok(DirEntry { name: item.file_name(), kind, stamp, is_mount })
        };
        Ok(self.dir.entries()?.map(entry).collect())
    }

    /// Which file system this folder is on.
    pub(crate) fn file_system(&self) -> io::Result<FileSystemId> {
        Ok(FileSystemId { device: self.stamp()?.device, number: 0, is_of_system: false })
    }

    /// Whether the system makes up what is here when it is read.
    pub(crate) fn is_made_up(&self) -> bool {
        false
    }

    /// The stamp of this folder itself, by which it is told from others.
    pub(crate) fn stamp(&self) -> io::Result<FileStamp> {
        Ok(stamp_of(&self.dir.dir_metadata()?))
    }

    /// Windows keeps its names durable by itself.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// Makes everything on this folder's file system durable; `false` where no call does that.
    pub(crate) fn sync_file_system(&self) -> io::Result<bool> {
        Ok(false)
    }

    /// Room left for us on this folder's file system; `None` where it cannot be known.
    pub(crate) fn free_bytes(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

/// Whether what a name opened has this name, and not another one of which this is the short form that Windows gave it:
/// somebody's folder `GIT~1` must not come into `.git`. Only names of that form cost a look at the whole folder.
fn is_spelled_so(parent: &cap_std::fs::Dir, name: &OsStr) -> io::Result<bool> {
    let Some(name) = name.to_str().filter(|name| may_be_short(name)) else { return Ok(true) };
    let is_it = |entry: cap_std::fs::DirEntry| entry.file_name().to_string_lossy().eq_ignore_ascii_case(name);
    Ok(parent.entries()?.flatten().any(is_it))
}

/// What kind of thing an open file is, and its stamp, both asked of the handle and not of a name.
pub(crate) fn inspect(file: &File) -> io::Result<(EntryKind, FileStamp)> {
    let metadata = Metadata::from_file(file)?;
    Ok((kind_of(&metadata), stamp_of(&metadata)))
}

fn kind_of(metadata: &Metadata) -> EntryKind {
    let kind = metadata.file_type();
    if kind.is_file() {
        EntryKind::File
    } else if kind.is_dir() {
        EntryKind::Folder
    } else if kind.is_symlink() {
        EntryKind::Link
    } else {
        EntryKind::Other
    }
}

fn stamp_of(metadata: &Metadata) -> FileStamp {
    FileStamp { device: metadata.dev(), inode: metadata.ino(), ..nameless_stamp(metadata) }
}

/// What is known without a handle: Windows does not say which file it is.
fn nameless_stamp(metadata: &Metadata) -> FileStamp {
    let mtime_ns = metadata.modified().map_or(0, nanoseconds);
    FileStamp { device: 0, inode: 0, size: metadata.len(), mtime_ns, ctime_ns: change_time_ns(metadata, mtime_ns) }
}

fn nanoseconds(time: SystemTime) -> i128 {
    let (time, epoch) = (time.into_std(), std::time::UNIX_EPOCH);
    match time.duration_since(epoch) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, |ns| -ns),
    }
}

#[cfg(unix)]
fn change_time_ns(metadata: &Metadata, _mtime_ns: i128) -> i128 {
    use cap_fs_ext::OsMetadataExt;
    i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn change_time_ns(_metadata: &Metadata, mtime_ns: i128) -> i128 {
    mtime_ns
}
