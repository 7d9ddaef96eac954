//! Paths as a person types them. What they mean is found only by looking: on this disk, among my shares, or among those
//! of somebody else.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::library::name::{self, Candidate};
use crate::model::share_path::{BadSharePath, SharePath};

/// A path of this computer. A leading `~/` is the person's home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPath {
    /// The path as the person typed it.
    pub typed: String,
    /// What a relative path counts from.
    pub cwd: PathBuf,
}

impl LocalPath {
    /// A path as it was typed while `cwd` was the current folder.
    pub fn new(typed: impl Into<String>, cwd: &Path) -> Self {
        Self { typed: typed.into(), cwd: cwd.to_owned() }
    }

    /// A whole path that was chosen in a dialog.
    pub fn chosen(path: &Path) -> Self {
        Self { typed: path.to_string_lossy().into_owned(), cwd: PathBuf::new() }
    }
}

/// Something that I share, named by its share path or else by where it is on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareOrLocalPath(LocalPath);

/// Nothing was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a path is not empty")]
pub struct EmptyPath;

impl ShareOrLocalPath {
    /// Anything but nothing may be a path of this computer.
    pub fn new(typed: impl Into<String>, cwd: &Path) -> Result<Self, EmptyPath> {
        let path = LocalPath::new(typed, cwd);
        if path.typed.is_empty() { Err(EmptyPath) } else { Ok(Self(path)) }
    }

    /// The text as the person typed it.
    pub fn as_str(&self) -> &str {
        &self.0.typed
    }

    /// If it is a share path.
    pub fn share_path(&self) -> Option<SharePath> {
        share_path(&self.0.typed).ok()
    }

    /// If it is a path of this computer.
    pub fn local(&self) -> &LocalPath {
        &self.0
    }
}

/// A share path as typed; that of a folder may end in `/`.
pub fn share_path(typed: &str) -> Result<SharePath, BadSharePath> {
    SharePath::normalized(typed.strip_suffix('/').unwrap_or(typed))
}

/// A file or folder that somebody else shares: its share path, or the path as its owner typed it. A folder may end in `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePath(String);

/// No share can be meant by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no share can have such a path")]
pub struct BadRemotePath;

impl RemotePath {
    /// A path that at least one share could have.
    pub fn new(typed: impl Into<String>) -> Result<Self, BadRemotePath> {
        let path = Self(typed.into());
        if path.candidates().is_empty() { Err(BadRemotePath) } else { Ok(path) }
    }

    /// Everything below a share path.
    pub fn folder(path: &SharePath) -> Self {
        Self(format!("{path}/"))
    }

    /// The text as the person typed it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether only a folder can be meant.
    pub fn is_folder(&self) -> bool {
        self.0.ends_with(['/', '\\'])
    }

    /// The shares that it may mean, the likeliest first.
    pub fn candidates(&self) -> Vec<Candidate> {
        name::candidates(&self.0)
    }
}

impl From<SharePath> for RemotePath {
    fn from(path: SharePath) -> Self {
        Self(path.to_string())
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_path_is_one_that_could_be_meant() {
        for good in ["a", "Trip/", "/home/anna/my file.txt", r"C:\x\y.txt", "../a", "--wait \\ me"] {
            assert_eq!(RemotePath::new(good).map(|path| path.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "/", "..", "../..", "./"] {
            assert_eq!(RemotePath::new(bad), Err(BadRemotePath), "{bad:?}");
        }
        let here = Path::new("/here");
        assert_eq!(ShareOrLocalPath::new("", here), Err(EmptyPath));
        let share_path = |typed| ShareOrLocalPath::new(typed, here).expect("not empty").share_path();
        assert_eq!(share_path("Trip/").map(|path| path.to_string()).as_deref(), Some("Trip"));
        assert_eq!(share_path("../x"), None);
    }
}
