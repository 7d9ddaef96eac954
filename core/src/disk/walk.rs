//! What lies in a shared folder: regular files, with their stamps. Nothing is opened but folders, and no link is
//! followed.

use std::io;
use std::path::Path;

use crate::disk::dir::{DirEntry, EntryKind};
use crate::disk::place::DataFolder;
use crate::disk::place::shared::{OwnFiles, ReadFault, SharedFolder};
use crate::disk::secrets;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
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
    #[error("it belongs to a data folder of Potok")]
    Own,
    /// Passwords and keys live in it.
    #[error("passwords or keys live in it; share it by its own name if you mean to")]
    Secret,
    /// It is hidden, and the settings leave that out.
    #[error("it is hidden, and your settings leave out what is hidden")]
    Hidden,
    /// Another file system, or another part of this one.
    #[error("something else is mounted there; share it by its own name if you mean to")]
    Mounted,
    /// The system makes it up when it is read.
    #[error("its size is not known")]
    NoSize,
    /// The system does not let us look into it.
    #[error("no permission to read it")]
    Denied,
    /// The system failed to read it for another reason, mostly a bad disk.
    #[error("it cannot be read")]
    Unreadable,
}

impl WhySkipped {
    /// The word for it, in records and as a key of the translations.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotUnicode => "not-unicode",
            Self::TooLong => "too-long",
            Self::Link => "link",
            Self::Special => "special",
            Self::Own => "own",
            Self::Secret => "secret",
            Self::Hidden => "hidden",
            Self::Mounted => "mounted",
            Self::NoSize => "no-size",
            Self::Denied => "denied",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What of a folder is left out besides what no person ever shares.
#[derive(Clone, Copy)]
pub struct WalkRules<'a> {
    /// Our own files, wherever they lie.
    pub own: &'a OwnFiles,
    /// Where the folder lies on this disk.
    pub base: &'a Path,
    /// The person named the very file that is looked for, so nothing in its name forbids it.
    pub is_named: bool,
    /// What is hidden is left out.
    pub leave_out_hidden: bool,
    /// What is in a part of the folder is not asked for, so it is not looked at.
    pub is_excluded: &'a dyn Fn(&str) -> bool,
}

/// What is met on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A folder, before what is in it is looked at.
    Folder(String),
    /// A regular file.
    File(FoundFile),
    /// Something that is not shared.
    LeftOut(Skipped),
}

/// Walks everything at and below `start`, which may be a file, a folder, or gone (then nothing is found). `see` is told
/// of each folder and file, in no order, and of each thing that is left out. Downloads that are not finished are passed
/// over in silence.
pub fn walk(
    folder: &SharedFolder,
    start: &str,
    rules: &WalkRules<'_>,
    mut see: impl FnMut(Seen),
) -> Result<(), ReadFault> {
    let mut folders = Vec::new();
    if !rules.is_named && folder.dir.is_made_up() {
        see(left_out(start, WhySkipped::NoSize));
        return Ok(());
    }
    if let Some((at, why)) = rules.why_left_out_on_the_way(folder, start) {
        see(left_out(at, why));
        return Ok(());
    }
    match folder.look_at(Path::new(start)) {
        // A part of the way there became a link or a file, or something was mounted on it: what was there is gone.
        Err(ReadFault::Gone | ReadFault::NotRegular) => return Ok(()),
        Err(ReadFault::Denied) if !start.is_empty() => see(left_out(start, WhySkipped::Denied)),
        Err(fault) => return Err(fault),
        Ok(None) => see(left_out(start, WhySkipped::Link)),
        Ok(Some((_, stamp))) if rules.own.contains(&stamp) => see(left_out(start, WhySkipped::Own)),
        Ok(Some((true, _))) if (rules.is_excluded)(start) => {}
        Ok(Some((true, _))) => folders.push(start.to_owned()),
        Ok(Some((false, _))) if start.ends_with(PART_SUFFIX) => {}
        Ok(Some((false, _))) if rules.has_credentials(folder, start) => see(left_out(start, WhySkipped::Secret)),
        Ok(Some((false, stamp))) => see(Seen::File(FoundFile { relative: start.to_owned(), stamp })),
    }
    while let Some(parent) = folders.pop() {
        see(Seen::Folder(parent.clone()));
        let opened = folder.dir.below(Path::new(&parent));
        let kind = opened.as_ref().map_or(DataFolder::No, DataFolder::look_at);
        if kind == DataFolder::Whole {
            see(left_out(&parent, WhySkipped::Own));
            continue;
        }
        let entries = match opened.and_then(|dir| dir.entries()) {
            Ok(entries) => entries,
            Err(error) if parent.is_empty() => return Err(error.into()),
            Err(error) => {
                if let Some(why) = why_unreadable(&error) {
                    see(left_out(&parent, why));
                }
                continue;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    if let Some(why) = why_unreadable(&error) {
                        see(left_out(&parent, why));
                    }
                    continue;
                }
            };
            let name = entry.name.to_string_lossy();
            let relative = join(&parent, &name);
            match (rules.why_entry_left_out(&parent, &entry, kind), entry.kind) {
                (Some(why), _) => see(left_out(&relative, why)),
                (None, EntryKind::File) if relative.ends_with(PART_SUFFIX) => {}
                (None, EntryKind::File) if rules.has_credentials(folder, &relative) => {
                    see(left_out(&relative, WhySkipped::Secret));
                }
                (None, EntryKind::File) => see(Seen::File(FoundFile { relative, stamp: entry.stamp })),
                (None, EntryKind::Folder) if (rules.is_excluded)(&relative) => {}
                (None, EntryKind::Folder) => folders.push(relative),
                (None, EntryKind::Link) => see(left_out(&relative, WhySkipped::Link)),
                (None, EntryKind::Other) => see(left_out(&relative, WhySkipped::Special)),
            }
        }
    }
    Ok(())
}

impl std::fmt::Debug for WalkRules<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WalkRules").field("base", &self.base).finish_non_exhaustive()
    }
}

fn left_out(relative: &str, why: WhySkipped) -> Seen {
    Seen::LeftOut(Skipped { relative: relative.to_owned(), why })
}

impl WalkRules<'_> {
    fn why_entry_left_out(&self, parent: &str, entry: &DirEntry, folder: DataFolder) -> Option<WhySkipped> {
        let Some(name) = entry.name.to_str() else { return Some(WhySkipped::NotUnicode) };
        if self.own.contains(&entry.stamp) || folder.is_identity(name) {
            return Some(WhySkipped::Own);
        }
        if entry.is_mount {
            return Some(WhySkipped::Mounted);
        }
        if parent.len() + 1 + name.len() > PATH_BYTES_MAX * 3 {
            return Some(WhySkipped::TooLong);
        }
        self.why_name_left_out(parent, name)
    }

    /// Why something is left out because of what it is called.
    fn why_name_left_out(&self, parent: &str, name: &str) -> Option<WhySkipped> {
        let parent = self.base.join(parent);
        if secrets::has_secrets(&parent, name) && !secrets::is_asked_for(&parent) {
            return Some(WhySkipped::Secret);
        }
        (self.leave_out_hidden && name.starts_with('.')).then_some(WhySkipped::Hidden)
    }

    /// Whether there are passwords in a file that many have without: it is read, unless it was named.
    fn has_credentials(&self, folder: &SharedFolder, relative: &str) -> bool {
        let (parent, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let is_read = !self.is_named && secrets::is_suspect(&self.base.join(parent), name);
        // One that cannot be read cannot be shared either, which is found out where it is.
        is_read && folder.open_file(Path::new(relative)).is_ok_and(|(file, _)| secrets::has_credentials(file))
    }

    /// Whether a part of the way to a place is left out, and why; a look may begin anywhere.
    fn why_left_out_on_the_way<'a>(&self, folder: &SharedFolder, start: &'a str) -> Option<(&'a str, WhySkipped)> {
        let ends = start.match_indices('/').map(|(at, _)| at).chain((!start.is_empty()).then_some(start.len()));
        let mut parent = "";
        for end in ends {
            let at = &start[..end];
            let name = at.rsplit('/').next().unwrap_or(at);
            let kind = folder.dir.below(Path::new(parent)).map_or(DataFolder::No, |dir| DataFolder::look_at(&dir));
            if kind == DataFolder::Whole {
                return Some((parent, WhySkipped::Own));
            }
            if kind.is_identity(name) {
                return Some((at, WhySkipped::Own));
            }
            if !self.is_named
                && let Some(why) = self.why_name_left_out(parent, name)
            {
                return Some((at, why));
            }
            parent = at;
        }
        None
    }
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
        let is_excluded = |at: &str| at == "out";
        let rules = WalkRules { own, base: root, is_named: false, leave_out_hidden: false, is_excluded: &is_excluded };
        walk(&SharedFolder::open(root).expect("opens"), start, &rules, |seen| match seen {
            Seen::Folder(_) => {}
            Seen::File(file) => found.push(file.relative),
            Seen::LeftOut(skip) => skipped.push((skip.relative, skip.why)),
        })
        .expect("walks");
        found.sort();
        skipped.sort_by(|a, b| a.0.cmp(&b.0));
        (found, skipped)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_system_makes_up_is_not_shared() {
        let own = OwnFiles::default();
        let folder = Path::new("/proc/self").canonicalize().expect("there");
        assert_eq!(walked(&folder, "", &own), (vec![], vec![(String::new(), WhySkipped::NoSize)]));
        assert_eq!(walked(Path::new("/proc"), "version", &own).1, [("version".to_owned(), WhySkipped::NoSize)]);
    }

    #[test]
    fn finds_files_and_says_what_it_leaves_out() {
        let guard = tempfile::tempdir().expect("folder");
        let root = guard.path().canonicalize().expect("resolves");
        std::fs::create_dir_all(root.join("a/b")).expect("folders");
        for folder in ["data/deep", "out", ".ssh", "other/potok"] {
            std::fs::create_dir_all(root.join(folder)).expect("folders");
        }
        for name in [
            "a/b/one",
            "two",
            ".hidden",
            "three.potok-part",
            "data/identity.key",
            "data/deep/x",
            "out/x",
            ".ssh/id",
            ".netrc",
            "other/potok/identity.key",
            "other/potok/potok.redb",
        ] {
            std::fs::write(root.join(name), name).expect("file");
        }
        for (name, text) in [("repo/.git", "url = https://a:secret@host/x"), ("clean/.git", "url = https://host/x")] {
            std::fs::create_dir_all(root.join(name)).expect("folders");
            std::fs::write(root.join(name).join("config"), text).expect("file");
        }
        std::fs::write(root.join(OsStr::from_bytes(b"bad\xff")), "x").expect("file");
        symlink("a", root.join("link")).expect("link");
        std::fs::hard_link(root.join("data/identity.key"), root.join("a/innocent")).expect("link");
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).expect("socket");
        let own = OwnFiles::of(&root.join("data")).expect("looks");

        let (found, skipped) = walked(&root, "", &own);
        assert_eq!(found, [".hidden", "a/b/one", "clean/.git/config", "two"]);
        let skip = |name: &str, why| (name.to_owned(), why);
        assert_eq!(
            skipped,
            [
                skip(".netrc", WhySkipped::Secret),
                skip(".ssh", WhySkipped::Secret),
                skip("a/innocent", WhySkipped::Own),
                skip("bad\u{fffd}", WhySkipped::NotUnicode),
                skip("data", WhySkipped::Own),
                skip("link", WhySkipped::Link),
                skip("other/potok", WhySkipped::Own),
                skip("repo/.git/config", WhySkipped::Secret),
                skip("socket", WhySkipped::Special),
            ]
        );
        assert_eq!(walked(&root, "a", &own).0, ["a/b/one"]);
        assert_eq!(walked(&root, "two", &own).0, ["two"]);
        assert_eq!(walked(&root, "gone", &own), (vec![], vec![]));
        assert_eq!(walked(&root, "link/b", &own), (vec![], vec![]));
        assert_eq!(walked(&root, "two/x", &own), (vec![], vec![]));
        // Wherever a look begins.
        assert_eq!(walked(&root, "other/potok/potok.redb", &own).1, [skip("other/potok", WhySkipped::Own)]);
        assert_eq!(walked(&root, ".ssh/id", &own).1, [skip(".ssh", WhySkipped::Secret)]);
        assert_eq!(walked(&root.join(".ssh"), "", &own).0, ["id"], "it was asked for");
    }
}
