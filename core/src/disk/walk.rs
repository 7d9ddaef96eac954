//! What lies in a shared folder: regular files, with their stamps. Nothing is opened but folders, and no link is
//! followed.

use std::io;
use std::path::Path;

use crate::disk::dir::FileKind;
use crate::disk::place::shared::{OwnFiles, ReadFault, SharedFolder};
use crate::model::file_stamp::FileStamp;
use crate::model::limits::{PART_SUFFIX, PATH_BYTES_MAX};

/// A regular file that was seen and may be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is below the folder, `/` between parts.
    pub relative: String,
    /// What the file was when it was seen; it may change before it is read.
    pub stamp: FileStamp,
}

/// Something that is not shared although it lies in a shared folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is below the folder; a name that is no text is shown as well as it can be.
    pub relative: String,
    /// The reason, which asks something else of the person each time.
    pub why: WhySkipped,
}

/// Why something is not shared although it lies in a shared folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WhySkipped {
    /// A name that is not Unicode has no share path.
    #[error("its name is not Unicode")]
    NotUnicode,
    /// It lies so deep that no share path can be so long.
    #[error("its path is too long")]
    TooLong,
    /// A link; it is not followed.
    #[error("it is a link")]
    Link,
    /// A pipe, a socket or a device.
    #[error("it is no regular file")]
    Special,
    /// Potok's own data, which holds the identity key.
    #[error("it belongs to Potok's own data folder")]
    Own,
    /// The system does not let us look into it.
    #[error("no permission to read it")]
    Denied,
    /// The system failed to read it for another reason, mostly a bad disk.
    #[error("it cannot be read")]
    Unreadable,
}

/// Walks everything at and below `start`, which may be a file, a folder, or gone (then nothing is found). `see` is told
/// of each file, in no order, and of each thing that is left out. Downloads that are not finished are passed over in
/// silence.
pub fn walk(
    folder: &SharedFolder,
    start: &str,
    own: &OwnFiles,
    mut see: impl FnMut(Result<FoundFile, Skipped>),
) -> Result<(), ReadFault> {
    let skipped = |relative: &str, why| Err(Skipped { relative: relative.to_owned(), why });
    let mut folders = Vec::new();
    match folder.look_at(Path::new(start)) {
        // A part of the way there became a link or a file: what was there is gone.
        Err(ReadFault::Gone | ReadFault::NotRegular) => return Ok(()),
        Err(ReadFault::Denied) if !start.is_empty() => see(skipped(start, WhySkipped::Denied)),
        Err(fault) => return Err(fault),
        Ok(None) => see(skipped(start, WhySkipped::Link)),
        Ok(Some((_, stamp))) if own.contains(&stamp) => see(skipped(start, WhySkipped::Own)),
        Ok(Some((true, _))) => folders.push(start.to_owned()),
        Ok(Some((false, _))) if start.ends_with(PART_SUFFIX) => {}
        Ok(Some((false, stamp))) => see(Ok(FoundFile { relative: start.to_owned(), stamp })),
    }
    while let Some(parent) = folders.pop() {
        let entries = match folder.dir.below(Path::new(&parent)).and_then(|dir| dir.entries()) {
            Ok(entries) => entries,
            Err(error) if parent.is_empty() => return Err(error.into()),
            Err(error) => {
                if let Some(why) = why_unreadable(&error) {
                    see(skipped(&parent, why));
                }
                continue;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    if let Some(why) = why_unreadable(&error) {
                        see(skipped(&parent, why));
                    }
                    continue;
                }
            };
            let relative = join(&parent, &entry.name.to_string_lossy());
            if entry.name.to_str().is_none() {
                see(skipped(&relative, WhySkipped::NotUnicode));
            } else if own.contains(&entry.stamp) {
                see(skipped(&relative, WhySkipped::Own));
            } else if relative.len() > PATH_BYTES_MAX * 3 {
                see(skipped(&relative, WhySkipped::TooLong));
            } else {
                match entry.kind {
                    FileKind::File if relative.ends_with(PART_SUFFIX) => {}
                    FileKind::File => see(Ok(FoundFile { relative, stamp: entry.stamp })),
                    FileKind::Folder => folders.push(relative),
                    FileKind::Link => see(skipped(&relative, WhySkipped::Link)),
                    FileKind::Other => see(skipped(&relative, WhySkipped::Special)),
                }
            }
        }
    }
    Ok(())
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

/// A folder that vanished or was swapped while we walked is no news: the next walk finds what is there then.
fn why_unreadable(error: &io::Error) -> Option<WhySkipped> {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => None,
        io::ErrorKind::PermissionDenied => Some(WhySkipped::Denied),
        _ => Some(WhySkipped::Unreadable),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    fn walked(root: &Path, start: &str, own: &OwnFiles) -> (Vec<String>, Vec<(String, WhySkipped)>) {
        let (mut found, mut skipped) = (Vec::new(), Vec::new());
        walk(&SharedFolder::open(root).expect("opens"), start, own, |seen| match seen {
            Ok(file) => found.push(file.relative),
            Err(skip) => skipped.push((skip.relative, skip.why)),
        })
        .expect("walks");
        found.sort();
        skipped.sort_by(|a, b| a.0.cmp(&b.0));
        (found, skipped)
    }

    #[test]
    fn finds_files_and_says_what_it_leaves_out() {
        let guard = tempfile::tempdir().expect("folder");
        let root = guard.path().canonicalize().expect("resolves");
        std::fs::create_dir_all(root.join("a/b")).expect("folders");
        std::fs::create_dir_all(root.join("data/deep")).expect("folders");
        for name in ["a/b/one", "two", ".hidden", "three.potok-part", "data/identity.key", "data/deep/x"] {
            std::fs::write(root.join(name), name).expect("file");
        }
        std::fs::write(root.join(OsStr::from_bytes(b"bad\xff")), "x").expect("file");
        symlink("a", root.join("link")).expect("link");
        std::fs::hard_link(root.join("data/identity.key"), root.join("a/innocent")).expect("link");
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).expect("socket");
        let own = OwnFiles::of(&root.join("data")).expect("looks");

        let (found, skipped) = walked(&root, "", &own);
        assert_eq!(found, [".hidden", "a/b/one", "two"]);
        let skip = |name: &str, why| (name.to_owned(), why);
        assert_eq!(
            skipped,
            [
                skip("a/innocent", WhySkipped::Own),
                skip("bad\u{fffd}", WhySkipped::NotUnicode),
                skip("data", WhySkipped::Own),
                skip("link", WhySkipped::Link),
                skip("socket", WhySkipped::Special),
            ]
        );
        assert_eq!(walked(&root, "a", &own).0, ["a/b/one"]);
        assert_eq!(walked(&root, "two", &own).0, ["two"]);
        assert_eq!(walked(&root, "gone", &own), (vec![], vec![]));
        assert_eq!(walked(&root, "link/b", &own), (vec![], vec![]));
        assert_eq!(walked(&root, "two/x", &own), (vec![], vec![]));
    }
}
