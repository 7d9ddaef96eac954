//! Folders by system calls relative to a descriptor; on Linux one `openat2` checks the whole path at once.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::disk::dir::{DirEntry, EntryKind, IfTaken, link_in_the_way};
use crate::model::file_stamp::{FileStamp, FileSystemId};

/// Without `NONBLOCK` the opening of a pipe waits for a writer.
const OPEN_FOR_READING: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);
const WRITE: OFlags =
    OFlags::RDWR.union(OFlags::NONBLOCK).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);
const OPEN_FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// File systems whose files the kernel makes up, by the numbers that `statfs` tells: proc, sysfs, debugfs, tracefs, cgroup
/// and cgroup2, securityfs, configfs, bpf, binfmt_misc, devpts, efivarfs, pstore.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MADE_UP_KINDS: &[u64] = &[
    0x9fa0,
    0x6265_6572,
    0x6462_6720,
    0x7472_6163,
    0x0027_e0eb,
    0x6367_7270,
    0x7363_6673,
    0x6265_6570,
    0xcafe_4a11,
    0x4249_4e4d,
    0x1cd1,
    0xde5e_81e4,
    0x6165_676c,
];

/// An open folder's descriptor: what is opened through it lies below it.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    /// Nothing is opened through it that lies on what is mounted below it.
    is_confined: bool,
}

impl Dir {
    /// A folder that the person in front of the computer named: links on the way to it are theirs.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let fd = rustix::fs::openat(CWD, path, OPEN_FOLDER.difference(OFlags::NOFOLLOW), Mode::empty())?;
        Ok(Self { fd, is_confined: false })
    }

    /// A folder by the absolute path that it was found to have once; a link that took the place of a part of it since
    /// is not followed.
    pub(crate) fn open_resolved(path: &Path) -> io::Result<Self> {
        let root = Self::open(Path::new("/"))?;
        let below_root = path.strip_prefix("/").map_err(|_relative| io::Error::from(io::ErrorKind::InvalidInput))?;
        root.below(below_root)
    }

    /// The same folder, through which nothing is opened that lies on what is mounted below it.
    pub(crate) fn confined(self) -> Self {
        Self { is_confined: true, ..self }
    }

    /// A folder somewhere below; the empty path is this folder itself.
    pub(crate) fn below(&self, relative: &Path) -> io::Result<Self> {
        let relative = if relative.as_os_str().is_empty() { Path::new(".") } else { relative };
        Ok(Self { fd: self.open_beneath(relative, OPEN_FOLDER)?, is_confined: self.is_confined })
    }

    /// A file somewhere below, to be read. What it is must still be asked of the handle: it may be a folder or a pipe.
    pub(crate) fn open_to_read(&self, relative: &Path) -> io::Result<File> {
        Ok(self.open_beneath(relative, OPEN_FOR_READING)?.into())
    }

    /// An existing file in this folder, to be read and written.
    pub(crate) fn open_to_write(&self, name: &Path) -> io::Result<File> {
        Ok(rustix::fs::openat(&self.fd, name, WRITE, Mode::empty())?.into())
    }

    /// A new file in this folder that only its owner can read.
    pub(crate) fn create_new(&self, name: &Path) -> io::Result<File> {
        let flags = WRITE.union(OFlags::CREATE).union(OFlags::EXCL);
        Ok(rustix::fs::openat(&self.fd, name, flags, Mode::RUSR.union(Mode::WUSR))?.into())
    }

    pub(crate) fn create_folder(&self, name: &Path) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o777))?)
    }

    pub(crate) fn remove_file(&self, name: &Path) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// What a name in this folder stands for, if there is one.
    pub(crate) fn look_at(&self, name: &Path) -> io::Result<Option<(EntryKind, FileStamp)>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(read_stat(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path, if_taken: IfTaken) -> io::Result<()> {
        if if_taken == IfTaken::Replace {
            return Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?);
        }
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            match rustix::fs::renameat_with(&self.fd, from, &self.fd, to, rustix::fs::RenameFlags::NOREPLACE) {
                Ok(()) => return Ok(()),
                // The file system does not know the flag: NFS, some in user space.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.link_then_unlink(from, to)
    }

    /// A new link refuses a taken name in every file system that has links.
    fn link_then_unlink(&self, from: &Path, to: &Path) -> io::Result<()> {
        match rustix::fs::linkat(&self.fd, from, &self.fd, to, AtFlags::empty()) {
            Ok(()) => self.remove_file(from),
            Err(Errno::PERM | Errno::NOTSUP | Errno::MLINK | Errno::NOSYS) => match self.look_at(to)? {
                Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
                None => Ok(rustix::fs::renameat(&self.fd, from, &self.fd, to)?),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Every name in this folder in no order; a name that vanished in between is left out.
    pub(crate) fn entries(&self) -> io::Result<Vec<io::Result<DirEntry>>> {
        let mut entries = Vec::new();
        let device = self.stamp()?.device;
        for item in rustix::fs::Dir::read_from(&self.fd)? {
            let item = item?;
            let name = OsStr::from_bytes(item.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            match self.look_at(Path::new(name)) {
                Ok(Some((kind, stamp))) => {
                    let is_mount =
                        stamp.device != device || (kind == EntryKind::Folder && is_mount_root(&self.fd, name));
                    entries.push(Ok(DirEntry { name: OsString::from(name), kind, stamp, is_mount }));
                }
                Ok(None) => {}
                Err(error) => entries.push(Err(error)),
            }
        }
        Ok(entries)
    }

    /// The stamp of this folder itself, by which it is told from others.
    pub(crate) fn stamp(&self) -> io::Result<FileStamp> {
        Ok(read_stat(&rustix::fs::fstat(&self.fd)?).1)
    }

    /// Which file system this folder is on.
    pub(crate) fn file_system(&self) -> io::Result<FileSystemId> {
        let device = self.stamp()?.device;
        let device_of = |path: &Path| rustix::fs::stat(path).ok().map(|stat| read_stat(&stat).1.device);
        let home = std::env::home_dir();
        let is_of_system =
            [Some(PathBuf::from("/")), home].into_iter().flatten().any(|path| device_of(&path) == Some(device));
        let number = rustix::fs::fstatvfs(&self.fd).map_or(0, |stat| stat.f_fsid);
        Ok(FileSystemId { device, number, is_of_system })
    }

    /// Whether the system makes up what is here when it is read: reading may wait for ever, do something, or say something
    /// else each time.
    pub(crate) fn is_made_up(&self) -> bool {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let kind = rustix::fs::fstatfs(&self.fd).map(|stat| unsigned(stat.f_type));
            kind.is_ok_and(|kind| MADE_UP_KINDS.contains(&kind))
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        false
    }

    /// Makes the names in this folder durable: a file that was renamed has its new name after a power loss too.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(&self.fd) {
            // Some file systems in user space cannot.
            Err(Errno::INVAL | Errno::NOTSUP | Errno::BADF) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes everything on this folder's file system durable; `false` where no call does that.
    pub(crate) fn sync_file_system(&self) -> io::Result<bool> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            rustix::fs::syncfs(&self.fd)?;
            Ok(true)
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Ok(false)
    }

    /// Room left for us on this folder's file system; `None` where it cannot be known.
    pub(crate) fn free_bytes(&self) -> io::Result<Option<u64>> {
        let stat = rustix::fs::fstatvfs(&self.fd)?;
        Ok(Some(stat.f_bavail.saturating_mul(stat.f_frsize)))
    }

    fn open_beneath(&self, relative: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use rustix::fs::ResolveFlags;
            let resolve = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);
            let resolve = if self.is_confined { resolve.union(ResolveFlags::NO_XDEV) } else { resolve };
            match rustix::fs::openat2(&self.fd, relative, flags, Mode::empty(), resolve) {
                Ok(fd) => return Ok(fd),
                Err(Errno::LOOP | Errno::XDEV) => return Err(link_in_the_way()),
                // AGAIN: something on the way was renamed at that moment. NOSYS, PERM: an old kernel, or a container
                // that forbids the call.
                Err(Errno::AGAIN | Errno::NOSYS | Errno::PERM) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.open_step_by_step(relative, flags)
    }

    /// The same promise with a call a part: each is opened in the one before, and none may be a link.
    fn open_step_by_step(&self, relative: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let mut parts = relative.components().filter(|part| *part != Component::CurDir).peekable();
        if parts.peek().is_none() {
            return Ok(rustix::fs::openat(&self.fd, ".", flags, Mode::empty())?);
        }
        let mut folder: Option<OwnedFd> = None;
        let device = self.stamp()?.device;
        while let Some(part) = parts.next() {
            let Component::Normal(name) = part else { return Err(link_in_the_way()) };
            if self.is_confined && is_mount_root(folder.as_ref().unwrap_or(&self.fd), name) {
                return Err(link_in_the_way());
            }
            let flags = if parts.peek().is_some() { OPEN_FOLDER } else { flags };
            let opened = match &folder {
                Some(folder) => rustix::fs::openat(folder, name, flags, Mode::empty()),
                None => rustix::fs::openat(&self.fd, name, flags, Mode::empty()),
            };
            let opened = opened.map_err(|error| if error == Errno::LOOP { link_in_the_way() } else { error.into() })?;
            if self.is_confined && read_stat(&rustix::fs::fstat(&opened)?).1.device != device {
                return Err(link_in_the_way());
            }
            folder = Some(opened);
        }
        folder.ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

/// What kind of thing an open file is, and its stamp, both asked of the descriptor and not of a name.
pub(crate) fn inspect(file: &File) -> io::Result<(EntryKind, FileStamp)> {
    Ok(read_stat(&rustix::fs::fstat(file)?))
}

/// Whether something is mounted at a name; also a part of the same file system, which has the same device.
fn is_mount_root(folder: &OwnedFd, name: &OsStr) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{StatxAttributes, StatxFlags};
        let flags = AtFlags::SYMLINK_NOFOLLOW.union(AtFlags::NO_AUTOMOUNT);
        // An old kernel does not say it; then the device does, where it is another.
        rustix::fs::statx(folder, name, flags, StatxFlags::empty())
            .is_ok_and(|stat| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let _ = (folder, name);
        false
    }
}

fn read_stat(stat: &Stat) -> (EntryKind, FileStamp) {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Folder,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Other,
    };
    let stamp = FileStamp {
        device: unsigned(stat.st_dev),
        inode: unsigned(stat.st_ino),
        size: unsigned(stat.st_size),
        mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
    };
    (kind, stamp)
}

/// The types of these fields differ from system to system; the low 64 bits are the value on all.
fn unsigned(value: impl Into<i128>) -> u64 {
    u64::try_from(value.into() & i128::from(u64::MAX)).expect("masked to 64 bits")
}

fn nanoseconds(seconds: impl Into<i128>, nanoseconds: impl Into<i128>) -> i128 {
    seconds.into() * 1_000_000_000 + nanoseconds.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_by_step_promises_the_same() {
        let outside = tempfile::tempdir().expect("folder");
        let root = outside.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).expect("folders");
        std::fs::write(root.join("a/b/good"), "good").expect("file");
        std::fs::write(outside.path().join("secret"), "secret").expect("file");
        std::os::unix::fs::symlink("b", root.join("a/dir")).expect("link");
        std::os::unix::fs::symlink("good", root.join("a/b/link")).expect("link");
        let dir = Dir::open(&root).expect("opens");
        assert!(dir.open_step_by_step(Path::new("a/./b/good"), OPEN_FOR_READING).is_ok());
        assert!(dir.open_step_by_step(Path::new("."), OPEN_FOLDER).is_ok());
        #[cfg(target_os = "linux")]
        {
            let top = Dir::open(Path::new("/")).expect("opens");
            assert!(top.open_step_by_step(Path::new("proc/version"), OPEN_FOR_READING).is_ok());
            assert!(top.confined().open_step_by_step(Path::new("proc/version"), OPEN_FOR_READING).is_err());
        }
        for refused in
            ["a/dir/good", "a/b/link", "../secret", "a/../../secret", "/etc/passwd", "a/b/none", "a/b/good/x"]
        {
            assert!(dir.open_step_by_step(Path::new(refused), OPEN_FOR_READING).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_resolved_path_has_no_links_left() {
        let folder = tempfile::tempdir().expect("folder");
        let resolved = folder.path().canonicalize().expect("resolves");
        std::fs::create_dir(resolved.join("real")).expect("folder");
        std::os::unix::fs::symlink("real", resolved.join("link")).expect("link");
        assert!(Dir::open_resolved(&resolved.join("real")).is_ok());
        assert!(Dir::open_resolved(&resolved.join("link")).is_err());
        assert!(Dir::open(&resolved.join("link")).is_ok());
        assert!(Dir::open_resolved(Path::new("/")).is_ok());
        assert!(Dir::open_resolved(Path::new("real")).is_err());
    }
}
