//! A file or folder that the person shares.

use std::path::Path;

use crate::model::file_stamp::FileSystemId;
use crate::model::share_path::{BadSharePath, SharePath};

/// A root's number; never used twice in one data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RootId(pub u64);

/// A file or folder on this disk, and the share path it is announced under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The number by which the table and the database know it.
    pub id: RootId,
    /// The absolute path without links; never told to others.
    pub local: String,
    /// A folder, shared with all in it, or else one file.
    pub is_folder: bool,
    /// The share path of the file, or what the share paths of the folder's files begin with.
    pub share_as: SharePath,
    /// The file system it was on when it was shared; `None` until it is looked at for the first time.
    pub file_system: Option<FileSystemId>,
}

impl Root {
    /// The folder from which the relative paths of this root's files count, and through which they are opened.
    pub fn base(&self) -> &Path {
        let local = Path::new(&self.local);
        if self.is_folder { local } else { local.parent().unwrap_or(local) }
    }

    /// Where to look for this root's files, below [`Root::base`]: everywhere, or the one file.
    pub fn start(&self) -> &str {
        if self.is_folder {
            return "";
        }
        // A file's path was text as a whole, so is its name.
        Path::new(&self.local).file_name().and_then(|name| name.to_str()).unwrap_or("")
    }

    /// What a file of this root is announced under.
    pub fn share_path(&self, relative: &str) -> Result<SharePath, BadSharePath> {
        if self.is_folder { self.share_as.join(relative) } else { Ok(self.share_as.clone()) }
    }

    /// The local path of a file of this root; it is shown to its owner and never told to others.
    pub fn local_path(&self, relative: &str) -> String {
        self.base().join(relative).to_string_lossy().into_owned()
    }

    /// Where a path lies below the folder, if it does; the folder itself is the empty text.
    pub fn relative_of(&self, local: &Path) -> Option<String> {
        let below = local.strip_prefix(&self.local).ok().filter(|_| self.is_folder)?;
        let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
        Some(parts?.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::table::tests::{path, root};

    #[test]
    fn relative_paths_count_from_the_base() {
        let file = root(1, "/home/i/docs/a.txt", false, "Reports/y");
        assert_eq!((file.base(), file.start()), (Path::new("/home/i/docs"), "a.txt"));
        assert_eq!(file.local_path(file.start()), file.local);
        assert_eq!(file.share_path("a.txt"), Ok(path("Reports/y")));
        assert_eq!(file.relative_of(Path::new("/home/i/docs/a.txt")), None);

        let folder = root(1, "/home/i/docs", true, "docs");
        assert_eq!((folder.base(), folder.start()), (Path::new("/home/i/docs"), ""));
        assert_eq!(folder.share_path("b/c").expect("valid"), path("docs/b/c"));
        assert_eq!(folder.relative_of(Path::new("/home/i/docs/b/c")).as_deref(), Some("b/c"));
        assert_eq!(folder.relative_of(Path::new("/home/i/docs")).as_deref(), Some(""));
        assert_eq!(folder.relative_of(Path::new("/home/i/docsx")), None);
    }
}
