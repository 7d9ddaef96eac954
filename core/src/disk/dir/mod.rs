//! A folder's handle. What is opened through it lies below it: `..`, absolute paths and links lead nowhere.
//!
//! Two implementations with the same methods: system calls on Unix, `cap-std` elsewhere. Both are built and tested on
//! Unix, so that the second cannot rot unseen.

use std::ffi::OsString;

use crate::model::file_stamp::FileStamp;

// Tried on Unix too, but where what tries it is not all there.
#[cfg(any(not(unix), all(test, not(target_vendor = "apple"))))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use portable::{Dir, inspect};
#[cfg(unix)]
pub(crate) use unix::{Dir, inspect};

/// What a name stands for, without following it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    Link,
    /// A pipe, a socket, a device: opening one may wait for ever or do something.
    Other,
}

/// One name in a folder, as it was when the folder was read.
#[derive(Debug)]
pub(crate) struct DirEntry {
    pub(crate) name: OsString,
    pub(crate) kind: EntryKind,
    pub(crate) stamp: FileStamp,
    /// Another file system, or another part of this one, is mounted there.
    pub(crate) is_mount: bool,
}

/// What a rename does if the new name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfTaken {
    /// The new name keeps what it stands for, and the answer is `AlreadyExists`.
    Refuse,
    Replace,
}

/// A refusal to go through a link, whatever the system calls it.
fn link_in_the_way() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::NotADirectory, "a link is not followed")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read, Write};
    use std::os::unix::fs::symlink;
    use std::path::Path;

    /// One set of rules for both implementations.
    macro_rules! rules {
        ($module:ident) => {
            mod $module {
                use super::*;
                use crate::disk::dir::$module::{Dir, inspect};

                fn read(dir: &Dir, relative: &str) -> std::io::Result<String> {
                    let mut text = String::new();
                    dir.open_to_read(Path::new(relative))?.read_to_string(&mut text)?;
                    Ok(text)
                }

                #[test]
                fn opens_below_and_nowhere_else() {
                    let outside = tempfile::tempdir().expect("folder");
                    let root = outside.path().join("root");
                    std::fs::create_dir_all(root.join("a/b")).expect("folders");
                    std::fs::write(root.join("a/b/good"), "good").expect("file");
                    std::fs::write(outside.path().join("secret"), "secret").expect("file");
                    symlink("good", root.join("a/b/link")).expect("link");
                    symlink("b", root.join("a/dir")).expect("link");
                    symlink("../../..", root.join("a/b/up")).expect("link");
                    symlink(outside.path().join("secret"), root.join("absolute")).expect("link");
                    symlink("nothing", root.join("dangling")).expect("link");
                    let resolved = root.canonicalize().expect("resolves");
                    let dir = Dir::open_resolved(&resolved).expect("opens");
                    assert!(Dir::open_resolved(&resolved.join("a/dir")).is_err());
                    let same = Dir::open(&root).expect("opens").stamp().expect("asks");
                    assert!(dir.stamp().expect("asks").is_same_file(&same));
                    assert!(!dir.is_made_up());

                    assert_eq!(read(&dir, "a/b/good").expect("reads"), "good");
                    std::fs::create_dir(root.join("Sho~1")).expect("folder");
                    assert!(dir.below(Path::new("Sho~1")).is_ok(), "it has this very name");
                    let absolute = outside.path().join("secret");
                    for refused in [
                        "a/b/link",
                        "a/dir/good",
                        "a/b/up/secret",
                        "absolute",
                        "dangling",
                        "../secret",
                        "a/../../secret",
                        absolute.to_str().expect("text"),
                        "/proc/self/root/etc/passwd",
                    ] {
                        assert!(read(&dir, refused).is_err(), "{refused}");
                        assert!(dir.below(Path::new(refused)).is_err(), "{refused}");
                    }
                    assert_eq!(read(&dir, "missing").expect_err("missing").kind(), ErrorKind::NotFound);
                    assert_eq!(read(&dir.below(Path::new("a/b")).expect("opens"), "good").expect("reads"), "good");
                }

                /// `/proc` is mounted on every Linux.
                #[test]
                #[cfg(target_os = "linux")]
                fn what_is_mounted_below_is_not_part_of_a_confined_folder() {
                    let open = || Dir::open_resolved(Path::new("/")).expect("opens");
                    assert!(open().open_to_read(Path::new("proc/version")).is_ok());
                    assert!(open().confined().open_to_read(Path::new("proc/version")).is_err());
                    assert!(open().confined().below(Path::new("proc")).is_err());
                    let entries = open().confined().entries().expect("lists");
                    let proc = entries.into_iter().flatten().find(|entry| entry.name == "proc").expect("is there");
                    assert!(proc.is_mount);
                    let here = open().file_system().expect("asks");
                    let there = open().below(Path::new("proc")).and_then(|dir| dir.file_system()).expect("asks");
                    assert!(here.is_same(&here) && !here.is_same(&there));
                }

                // The call that makes a pipe is not known for Apple's systems to the crate that makes it.
                #[test]
                #[cfg(not(target_vendor = "apple"))]
                fn a_pipe_does_not_make_it_wait() {
                    let folder = tempfile::tempdir().expect("folder");
                    let pipe = folder.path().join("pipe");
                    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
                        .expect("pipe");
                    let dir = Dir::open(folder.path()).expect("opens");
                    if let Ok(file) = dir.open_to_read(Path::new("pipe")) {
                        assert_eq!(inspect(&file).expect("inspects").0, EntryKind::Other);
                    }
                    let kinds: Vec<_> =
                        dir.entries().expect("lists").into_iter().map(|e| e.expect("entry").kind).collect();
                    assert_eq!(kinds, [EntryKind::Other]);
                }

                #[test]
                fn creates_and_renames_without_replacing() {
                    let folder = tempfile::tempdir().expect("folder");
                    let dir = Dir::open(folder.path()).expect("opens");
                    let (part, name) = (Path::new("x.part"), Path::new("x"));
                    let mut file = dir.create_new(part).expect("creates");
                    file.write_all(b"new").expect("writes");
                    assert_eq!(dir.create_new(part).expect_err("there").kind(), ErrorKind::AlreadyExists);
                    std::fs::write(folder.path().join("x"), "old").expect("file");
                    let taken = dir.rename(part, name, IfTaken::Refuse).expect_err("taken");
                    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
                    assert_eq!(read(&dir, "x").expect("reads"), "old");
                    dir.rename(part, name, IfTaken::Replace).expect("replaces");
                    assert_eq!(read(&dir, "x").expect("reads"), "new");
                    assert!(dir.look_at(part).expect("looks").is_none());
                    let (kind, stamp) = dir.look_at(name).expect("looks").expect("there");
                    assert_eq!((kind, stamp), inspect(&file).expect("inspects"));
                    dir.sync().expect("syncs");
                    dir.sync_file_system().expect("syncs");
                    symlink("elsewhere", folder.path().join("link")).expect("link");
                    assert!(dir.create_new(Path::new("link")).is_err());
                    assert!(dir.open_to_write(Path::new("link")).is_err());
                    dir.create_folder(Path::new("sub")).expect("creates");
                    assert_eq!(
                        dir.create_folder(Path::new("sub")).expect_err("there").kind(),
                        ErrorKind::AlreadyExists
                    );
                    dir.remove_file(name).expect("removes");
                    assert!(dir.free_bytes().expect("asks").is_none_or(|free| free > 0));
                }
            }
        };
    }

    rules!(unix);
    #[cfg(not(target_vendor = "apple"))]
    rules!(portable);
}
