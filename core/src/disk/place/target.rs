//! Where a download is written: a folder that the person chose, below it folders and names that were checked, and the
//! unfinished file beside its target until it is whole.
//!
//! It does not know what is in the file, nor which blocks are there.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use crate::disk::at;
use crate::disk::dir::{self, Dir, EntryKind, IfTaken};
use crate::disk::place::mark;
use crate::disk::place::place_error::PlaceError;
use crate::disk::place::rights::give_ordinary_rights;
use crate::model::file_stamp::FileStamp;
use crate::model::limits::{PART_SUFFIX, PATH_PART_BYTES_MAX};
use crate::model::local_name::LocalName;

/// The open handle of a folder to write into, and its path for people to read.
#[derive(Debug, Clone)]
pub struct TargetDir {
    dir: Arc<Dir>,
    path: PathBuf,
}

impl TargetDir {
    /// Opens a folder that the person chose; links on the way to it are theirs.
    pub fn open(path: &Path) -> Result<Self, PlaceError> {
        Ok(Self { dir: Arc::new(Dir::open(path)?), path: path.to_owned() })
    }

    /// The folder with these names below this one; what is missing of it is created. No link is followed.
    pub fn below(&self, names: &[LocalName]) -> Result<Self, PlaceError> {
        let mut here = self.clone();
        for name in names {
            let part = Path::new(name.as_str());
            let dir = match here.dir.below(part) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => match here.dir.create_folder(part) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
                    _created_by_us_or_by_another_transfer => here.dir.below(part)?,
                },
                other => other?,
            };
            here = Self { dir: Arc::new(dir), path: here.path.join(part) };
        }
        Ok(here)
    }

    /// A file in this folder under a name that somebody else gave and [`LocalName`] found harmless.
    pub fn target(&self, name: &LocalName) -> Target {
        Target::new(self.clone(), OsString::from(name.as_str()))
    }

    /// A file in this folder under a name that the person in front of this computer typed.
    pub fn target_typed(&self, name: &OsStr) -> Result<Target, PlaceError> {
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(only)), None) if only == name => Ok(Target::new(self.clone(), name.to_owned())),
            _ => Err(PlaceError::BadName),
        }
    }

    /// Room left for us on the disk, in bytes; `None` where it cannot be known.
    pub fn free_bytes(&self) -> Result<Option<u64>, PlaceError> {
        Ok(self.dir.free_bytes()?)
    }

    /// The folder as it was given, for people to read.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Where one file will be when it is whole.
#[derive(Debug, Clone)]
pub struct Target {
    folder: TargetDir,
    name: OsString,
    part_name: OsString,
}

impl Target {
    fn new(folder: TargetDir, name: OsString) -> Self {
        let part_name = part_name_of(&name);
        Self { folder, name, part_name }
    }

    /// The whole path, for people to read.
    pub fn path(&self) -> PathBuf {
        self.folder.path.join(&self.name)
    }

    /// Whether something of that name is there already.
    pub fn is_taken(&self) -> Result<bool, PlaceError> {
        Ok(self.folder.dir.look_at(Path::new(&self.name))?.is_some())
    }

    /// Opens what has the target's name, to read it: a regular file, no link.
    pub fn open_whole(&self) -> Result<(File, FileStamp), PlaceError> {
        let file = self.folder.dir.open_to_read(Path::new(&self.name))?;
        match dir::inspect(&file)? {
            (EntryKind::File, stamp) => Ok((file, stamp)),
            _ => Err(PlaceError::InTheWay),
        }
    }

    /// Whether a download to this target was begun.
    pub fn has_part(&self) -> Result<bool, PlaceError> {
        Ok(self.folder.dir.look_at(Path::new(&self.part_name))?.is_some())
    }

    /// Opens the unfinished file, or begins an empty one that only its owner can read. Until it is closed nobody else
    /// writes it: a second opening is [`PlaceError::InUse`].
    pub fn open_part(&self) -> Result<Part, PlaceError> {
        let name = Path::new(&self.part_name);
        let (file, is_new) = match self.folder.dir.create_new(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (self.folder.dir.open_to_write(name)?, false),
            other => (other?, true),
        };
        if !is_new {
            check_is_ours(&file)?;
        }
        match file.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => Err(PlaceError::InUse),
            // A file system without locks: one writer a target is then kept by the queue alone.
            Ok(()) | Err(std::fs::TryLockError::Error(_)) => {
                Ok(Part { target: self.clone(), file, is_new, kept: Mutex::default() })
            }
        }
    }

    /// What was begun here goes on under another name in the same folder.
    pub fn move_part(&self, to: &Self) -> Result<(), PlaceError> {
        let (from, to) = (Path::new(&self.part_name), Path::new(&to.part_name));
        Ok(self.folder.dir.rename(from, to, IfTaken::Refuse)?)
    }

    /// Removes the unfinished file, if there is one.
    pub fn remove_part(&self) -> Result<(), PlaceError> {
        match self.folder.dir.remove_file(Path::new(&self.part_name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _gone => Ok(()),
        }
    }
}

/// An unfinished file that lay there before: a regular one, under one name only, and our own. Otherwise writing to it
/// would write to somebody else's file.
fn check_is_ours(file: &File) -> Result<(), PlaceError> {
    if dir::inspect(file)?.0 != EntryKind::File {
        return Err(PlaceError::InTheWay);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata()?;
        if metadata.nlink() != 1 || metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(PlaceError::InTheWay);
        }
    }
    Ok(())
}

/// The unfinished file of a target. May be written by several threads at once, at different offsets.
#[derive(Debug)]
pub struct Part {
    target: Target,
    file: File,
    is_new: bool,
    kept: Mutex<Kept>,
}

/// What a file keeps of what it was at its owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// When it was changed last; none: when it came.
    pub modified: Option<SystemTime>,
    /// Whether it can be run.
    pub can_run: bool,
}

impl Part {
    /// What it keeps when it gets its name.
    pub fn keep(&self, kept: Kept) {
        *self.kept.lock() = kept;
    }

    /// Whether it was begun by this opening, rather than found with content.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The target that the unfinished file becomes.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Its length as it is now, in bytes.
    pub fn bytes(&self) -> Result<u64, PlaceError> {
        Ok(dir::inspect(&self.file)?.1.size)
    }

    /// Makes it this long; what was not written reads as zeros and takes no room.
    pub fn set_bytes(&self, bytes: u64) -> Result<(), PlaceError> {
        Ok(self.file.set_len(bytes)?)
    }

    /// Fills all of `buffer` from `offset` on, in bytes; an earlier end of the file is an error.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), PlaceError> {
        Ok(at::read_exact_at(&self.file, buffer, offset)?)
    }

    /// Writes all of `data` at `offset`, in bytes. It is on the disk only after [`Part::sync`].
    pub fn write_at(&self, data: &[u8], offset: u64) -> Result<(), PlaceError> {
        Ok(at::write_all_at(&self.file, data, offset)?)
    }

    /// Waits until everything written is on the disk.
    pub fn sync(&self) -> Result<(), PlaceError> {
        Ok(self.file.sync_data()?)
    }

    /// Gives the whole file its name: content on the disk, then the name, then the folder. The part can be finished
    /// again after a failure.
    pub fn finish(&self, replace: bool) -> Result<FileStamp, PlaceError> {
        self.sync()?;
        self.take_name(replace)?;
        self.target.folder.dir.sync()?;
        Ok(dir::inspect(&self.file)?.1)
    }

    /// Removes the unfinished file, with all that was downloaded of it.
    pub fn remove(self) -> Result<(), PlaceError> {
        self.target.remove_part()
    }

    fn take_name(&self, replace: bool) -> Result<(), PlaceError> {
        let dir = &self.target.folder.dir;
        let (from, to) = (Path::new(&self.target.part_name), Path::new(&self.target.name));
        // What is renamed must be what was written and verified, not something that was put in its place.
        let there = dir.look_at(from)?.map(|(_, stamp)| stamp);
        let ours = dir::inspect(&self.file)?.1;
        if !there.is_some_and(|there| there.is_same_file(&ours)) {
            return Err(PlaceError::InTheWay);
        }
        let kept = *self.kept.lock();
        give_ordinary_rights(&self.file, kept.can_run)?;
        mark::as_downloaded(&self.file, &self.target.folder.path.join(&self.target.part_name));
        // A disk that keeps no such times has a file all the same.
        if let Some(modified) = kept.modified
            && let Err(error) = self.file.set_modified(modified)
        {
            tracing::debug!(%error, "a downloaded file does not keep its time");
        }
        let if_taken = if replace { IfTaken::Replace } else { IfTaken::Refuse };
        dir.rename(from, to, if_taken)?;
        Ok(())
    }
}

/// Finishes many small files with one wait for the disk instead of one a file. The answers are in the order of `parts`;
/// each that is `Ok` is durable.
pub fn finish_many(parts: &[Part], replace: bool) -> Vec<Result<FileStamp, PlaceError>> {
    let mut synced_devices = Vec::new();
    let named: Vec<_> = parts
        .iter()
        .map(|part| {
            sync_device_once(part, &mut synced_devices)?;
            part.take_name(replace)?;
            Ok(part.target.folder.dir.stamp()?)
        })
        .collect();
    let mut synced_folders: Vec<(FileStamp, io::Result<()>)> = Vec::new();
    let mut finish = |(part, folder): (&Part, Result<FileStamp, PlaceError>)| {
        let folder = folder?;
        if !synced_folders.iter().any(|(known, _)| known.is_same_file(&folder)) {
            synced_folders.push((folder, part.target.folder.dir.sync()));
        }
        match synced_folders.iter().find(|(known, _)| known.is_same_file(&folder)) {
            Some((_, Err(error))) => Err(io::Error::new(error.kind(), error.to_string()).into()),
            _durable => Ok(dir::inspect(&part.file)?.1),
        }
    };
    parts.iter().zip(named).map(&mut finish).collect()
}

fn sync_device_once(part: &Part, synced_devices: &mut Vec<u64>) -> Result<(), PlaceError> {
    let device = dir::inspect(&part.file)?.1.device;
    if synced_devices.contains(&device) {
        return Ok(());
    }
    if part.target.folder.dir.sync_file_system()? {
        synced_devices.push(device);
        return Ok(());
    }
    part.sync()
}

/// `<name>.potok-part`; where that is too long for a file name, the beginning of the name and a hash of all of it.
fn part_name_of(name: &OsStr) -> OsString {
    let mut whole = name.to_owned();
    whole.push(PART_SUFFIX);
    if whole.len() <= PATH_PART_BYTES_MAX {
        return whole;
    }
    let hash = &blake3::hash(name.as_encoded_bytes()).to_hex()[..16];
    let room = PATH_PART_BYTES_MAX - PART_SUFFIX.len() - hash.len() - 1;
    let text = name.to_string_lossy();
    let begin = &text[..text.floor_char_boundary(room)];
    format!("{begin}~{hash}{PART_SUFFIX}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parts: &[&str]) -> Vec<LocalName> {
        parts.iter().map(|part| LocalName::new(part).expect(part)).collect()
    }

    fn listing(path: &Path) -> Vec<String> {
        let mut found: Vec<String> = std::fs::read_dir(path)
            .expect("lists")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        found.sort();
        found
    }

    #[test]
    fn a_file_keeps_what_it_is_told_to_keep() {
        let folder = tempfile::tempdir().expect("folder");
        let dir = TargetDir::open(folder.path()).expect("opens");
        let modified = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        for (name, kept) in [
            ("both", Kept { modified: Some(modified), can_run: true }),
            ("time", Kept { modified: Some(modified), can_run: false }),
            ("neither", Kept::default()),
        ] {
            let part = dir.target(&LocalName::new(name).expect("good")).open_part().expect("begins");
            part.keep(kept);
            part.write_at(b"x", 0).expect("writes");
            if name == "both" {
                part.finish(false).expect("finishes");
            } else {
                assert!(finish_many(std::slice::from_ref(&part), false).iter().all(Result::is_ok));
            }
            let metadata = folder.path().join(name).metadata().expect("is there");
            let is_old = metadata.modified().expect("has a time") == modified;
            assert_eq!(is_old, kept.modified.is_some(), "{name}");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(metadata.permissions().mode() & 0o100 != 0, kept.can_run, "{name}");
            }
        }
    }

    #[test]
    fn a_file_appears_only_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("folder");
        let dir = TargetDir::open(folder.path()).expect("opens").below(&names(&["Trip", "day 1"])).expect("creates");
        let target = dir.target(&LocalName::new("a.jpg").expect("good"));
        assert!(!target.is_taken().expect("looks") && !target.has_part().expect("looks"));
        let part = target.open_part().expect("begins");
        assert!(part.is_new());
        assert!(matches!(target.open_part(), Err(PlaceError::InUse)));
        part.set_bytes(6).expect("sets");
        part.write_at(b"def", 3).expect("writes");
        part.write_at(b"abc", 0).expect("writes");
        assert_eq!(listing(dir.path()), ["a.jpg.potok-part"]);
        drop(part);

        let part = target.open_part().expect("goes on");
        assert!(!part.is_new());
        assert_eq!(part.bytes().expect("asks"), 6);
        let mut buffer = [0; 4];
        part.read_at(&mut buffer, 2).expect("reads");
        assert_eq!(&buffer, b"cdef");
        let stamp = part.finish(false).expect("finishes");
        assert_eq!(stamp.size, 6);
        assert_eq!(listing(dir.path()), ["a.jpg"]);
        assert_eq!(std::fs::read(target.path()).expect("reads"), b"abcdef");
    }

    #[test]
    fn nothing_is_replaced_unless_asked_for() {
        let folder = tempfile::tempdir().expect("folder");
        let dir = TargetDir::open(folder.path()).expect("opens");
        let target = dir.target_typed(OsStr::new("x")).expect("good");
        let part = target.open_part().expect("begins");
        part.write_at(b"new", 0).expect("writes");
        std::fs::write(target.path(), "old").expect("file");
        assert!(target.is_taken().expect("looks"));
        assert!(matches!(part.finish(false), Err(PlaceError::Exists)));
        assert_eq!(std::fs::read(target.path()).expect("reads"), b"old");
        part.finish(true).expect("replaces");
        assert_eq!(std::fs::read(target.path()).expect("reads"), b"new");

        let part = dir.target_typed(OsStr::new("y")).expect("good").open_part().expect("begins");
        part.remove().expect("removes");
        assert_eq!(listing(folder.path()), ["x"]);
    }

    #[test]
    fn many_files_are_finished_at_once() {
        let folder = tempfile::tempdir().expect("folder");
        let dir = TargetDir::open(folder.path()).expect("opens");
        std::fs::write(folder.path().join("7"), "old").expect("file");
        let begin = |number: u32| {
            let target = dir.target(&LocalName::new(&number.to_string()).expect("good"));
            let part = target.open_part().expect("begins");
            part.write_at(b"new", 0).expect("writes");
            part
        };
        let parts: Vec<Part> = (0..20).map(begin).collect();
        let results = finish_many(&parts, false);
        for (number, result) in results.iter().enumerate() {
            assert_eq!(matches!(result, Err(PlaceError::Exists)), number == 7, "{number}: {result:?}");
            assert_eq!(result.is_ok(), number != 7);
        }
        assert_eq!(listing(folder.path()).len(), 21, "the one that is in the way kept its part");
    }

    #[test]
    fn the_longest_name_has_a_part_too() {
        let folder = tempfile::tempdir().expect("folder");
        let dir = TargetDir::open(folder.path()).expect("opens");
        for name in ["a".repeat(255), "ж".repeat(127), "a".repeat(244), "a".repeat(245)] {
            let target = dir.target(&LocalName::new(&name).expect("good"));
            let other = dir.target(&LocalName::new(&format!("{}b", &name[..name.len() - 2])).expect("good"));
            assert!(target.part_name.len() <= 255);
            assert_ne!(target.part_name, other.part_name);
            target.open_part().expect("begins").finish(false).expect("finishes");
            assert!(target.is_taken().expect("looks"));
        }
    }

    #[test]
    fn typed_names_are_one_part() {
        let folder = tempfile::tempdir().expect("folder");
        let dir = TargetDir::open(folder.path()).expect("opens");
        for good in ["a", ".bashrc", "a b", "..."] {
            assert!(dir.target_typed(OsStr::new(good)).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "/a", "a/", "../a", "./a"] {
            assert!(matches!(dir.target_typed(OsStr::new(bad)), Err(PlaceError::BadName)), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_in_the_way_are_not_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let outside = tempfile::tempdir().expect("folder");
        let root = outside.path().join("downloads");
        std::fs::create_dir(&root).expect("folder");
        std::fs::create_dir(outside.path().join("elsewhere")).expect("folder");
        std::fs::write(outside.path().join("victim"), "untouched").expect("file");
        symlink("../elsewhere", root.join("dir")).expect("link");
        symlink("nowhere", root.join("dangling")).expect("link");
        symlink("../victim", root.join("a.potok-part")).expect("link");
        symlink("../victim", root.join("b")).expect("link");
        std::fs::hard_link(outside.path().join("victim"), root.join("c.potok-part")).expect("link");
        std::fs::create_dir(root.join("d.potok-part")).expect("folder");
        std::fs::write(root.join("file"), "x").expect("file");
        let dir = TargetDir::open(&root).expect("opens");
        let target = |name: &str| dir.target(&LocalName::new(name).expect("good"));

        for name in ["dir", "dangling", "file"] {
            let result = dir.below(&names(&[name, "sub"]));
            assert!(matches!(result, Err(PlaceError::InTheWay)), "{name}: {result:?}");
        }
        for name in ["a", "c", "d"] {
            let result = target(name).open_part();
            assert!(matches!(result, Err(PlaceError::InTheWay)), "{name}: {result:?}");
        }
        let part = target("b").open_part().expect("begins");
        assert_eq!(part.file.metadata().expect("asks").permissions().mode() & 0o777, 0o600);
        assert!(matches!(part.finish(false), Err(PlaceError::Exists)));
        part.finish(true).expect("replaces the link itself");
        assert!(root.join("b").symlink_metadata().expect("asks").is_file());
        assert_eq!(part.file.metadata().expect("asks").permissions().mode() & 0o600, 0o600);
        assert_eq!(std::fs::read(outside.path().join("victim")).expect("reads"), b"untouched");
        assert!(listing(&outside.path().join("elsewhere")).is_empty());
        assert!(matches!(TargetDir::open(&root.join("none")), Err(PlaceError::NoParent)));
        assert!(matches!(TargetDir::open(&root.join("file")), Err(PlaceError::InTheWay)));

        let swapped = target("e").open_part().expect("begins");
        std::fs::rename(root.join("e.potok-part"), root.join("aside")).expect("renames");
        std::fs::write(root.join("e.potok-part"), "something else").expect("file");
        assert!(matches!(swapped.finish(false), Err(PlaceError::InTheWay)));
        assert!(!target("e").is_taken().expect("looks"));
    }
}
