//! What a tracker answers with: the data lines behind the [head](crate::protocol::head) of a reply, and how a client reads
//! them.

use std::fmt;
use std::net::SocketAddr;

use crate::model::hash::ContentHash;
use crate::model::key::PublicKey;
use crate::model::share_path::SharePath;
use crate::model::username::Username;

/// A line from a tracker that does not follow the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tracker sent a line that is not of the protocol")]
pub struct BadReply;

/// One line of `list-users` and `whoami`: `<username> <ip:port or -> <key or ->`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLine {
    /// The name that they are registered under.
    pub username: Username,
    /// Where their peer server is, as the tracker sees it.
    pub address: Option<SocketAddr>,
    /// The key they proved; without one they are unverified.
    pub key: Option<PublicKey>,
}

impl UserLine {
    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let mut words = line.split(' ');
        let mut next = || words.next().ok_or(BadReply);
        let username = Username::new(next()?).map_err(|_bad_name| BadReply)?;
        let address: Option<SocketAddr> = optional(next()?)?;
        // An address of IPv4 is one, however it is written.
        let address = address.map(|at| SocketAddr::new(at.ip().to_canonical(), at.port()));
        let key = optional(next()?)?;
        if words.next().is_some() { Err(BadReply) } else { Ok(Self { username, address, key }) }
    }
}

impl fmt::Display for UserLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.username, OrDash(self.address), OrDash(self.key))
    }
}

/// One line of `list-files`, `search` and `sources`, and a file in `list-folder`: `<username> <size or -> <hash or -> <path>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// The name of the user who shares it.
    pub username: Username,
    /// The length in bytes, if it was announced.
    pub size: Option<u64>,
    /// The hash of the content, if it was announced.
    pub hash: Option<ContentHash>,
    /// The share path that it is announced under.
    pub path: SharePath,
}

impl FileLine {
    /// Reads one data line. The path is the rest of it.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let mut words = line.splitn(4, ' ');
        let mut next = || words.next().ok_or(BadReply);
        let username = Username::new(next()?).map_err(|_bad_name| BadReply)?;
        let size = match next()? {
            "-" => None,
            digits => Some(decimal(digits).ok_or(BadReply)?),
        };
        let hash = optional(next()?)?;
        let path = SharePath::new(next()?).map_err(|_bad_path| BadReply)?;
        Ok(Self { username, size, hash, path })
    }
}

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.username, OrDash(self.size), OrDash(self.hash), self.path)
    }
}

/// One folder in `list-folder`: `<username or *> <bytes> <files> <path>/`. The `/` at the end tells it from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderLine {
    /// Whose everything below it is; `None` if it is of several users.
    pub username: Option<Username>,
    /// How much is below it, at any depth.
    pub totals: Totals,
    /// The path of the folder, without the `/`.
    pub path: SharePath,
}

/// One line of `list-folder`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderEntry {
    /// A folder, with what is below it.
    Folder(FolderLine),
    /// A file that lies in the folder itself.
    File(FileLine),
}

/// Files and bytes of something: the line of `count-files`, `<files> <bytes>`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many shares there are.
    pub files: u64,
    /// The sum of their announced sizes in bytes; a larger one than fits is [`u64::MAX`].
    pub bytes: u64,
}

impl Totals {
    /// Both together. A sum that does not fit is the largest number, which it stays whatever is added.
    pub fn plus(self, other: Self) -> Self {
        Self { files: self.files.saturating_add(other.files), bytes: self.bytes.saturating_add(other.bytes) }
    }
}

/// One line of `list-totals`: `<username> <files> <bytes>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserTotals {
    /// The name of the user who shares them.
    pub username: Username,
    /// How much they share.
    pub totals: Totals,
}

impl FolderLine {
    /// Reads one data line. The path is the rest of it.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let mut words = line.splitn(4, ' ');
        let mut next = || words.next().ok_or(BadReply);
        let username = match next()? {
            "*" => None,
            name => Some(Username::new(name).map_err(|_bad_name| BadReply)?),
        };
        let (bytes, files) = (number(next()?)?, number(next()?)?);
        let path = next()?.strip_suffix('/').ok_or(BadReply)?;
        let path = SharePath::new(path).map_err(|_bad_path| BadReply)?;
        Ok(Self { username, totals: Totals { files, bytes }, path })
    }
}

impl fmt::Display for FolderLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { username, totals, path } = self;
        match username {
            Some(username) => write!(f, "{username}")?,
            None => f.write_str("*")?,
        }
        write!(f, " {} {} {path}/", totals.bytes, totals.files)
    }
}

impl FolderEntry {
    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        if line.ends_with('/') {
            FolderLine::parse(line).map(Self::Folder)
        } else {
            FileLine::parse(line).map(Self::File)
        }
    }

    /// The path of the folder or file.
    pub fn path(&self) -> &SharePath {
        match self {
            Self::Folder(folder) => &folder.path,
            Self::File(file) => &file.path,
        }
    }
}

impl fmt::Display for FolderEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.fmt(f),
            Self::File(file) => file.fmt(f),
        }
    }
}

impl Totals {
    /// One more share of so many bytes.
    pub fn add(&mut self, bytes: u64) {
        self.files = self.files.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// One share of so many bytes less.
    pub fn take_away(&mut self, bytes: u64) {
        self.files = self.files.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let (files, bytes) = line.split_once(' ').ok_or(BadReply)?;
        Ok(Self { files: number(files)?, bytes: number(bytes)? })
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.files, self.bytes)
    }
}

impl UserTotals {
    /// Reads one data line.
    pub fn parse(line: &str) -> Result<Self, BadReply> {
        let (username, totals) = line.split_once(' ').ok_or(BadReply)?;
        let username = Username::new(username).map_err(|_bad_name| BadReply)?;
        Ok(Self { username, totals: Totals::parse(totals)? })
    }
}

impl fmt::Display for UserTotals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.username, self.totals)
    }
}

/// A value, or `-` where there is none.
#[derive(Debug, Clone, Copy)]
pub struct OrDash<T>(pub Option<T>);

impl<T: fmt::Display> fmt::Display for OrDash<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("-"),
        }
    }
}

fn optional<T: std::str::FromStr>(word: &str) -> Result<Option<T>, BadReply> {
    if word == "-" {
        return Ok(None);
    }
    word.parse().map(Some).map_err(|_of_any_kind| BadReply)
}

fn number(digits: &str) -> Result<u64, BadReply> {
    decimal(digits).ok_or(BadReply)
}

pub(super) fn decimal(digits: &str) -> Option<u64> {
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// An answer lacks what some trackers of the network have: they did not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartialAnswer {
    /// How many did not.
    pub missing: usize,
    /// Of so many.
    pub of: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_lines_round_trip() {
        let key = "ab".repeat(32);
        for line in ["anna 127.0.0.1:4001 -", "Мария - -", &format!("ivan [::1]:4001 {key}")] {
            assert_eq!(UserLine::parse(line).expect(line).to_string(), line);
        }
        let mapped = UserLine::parse("anna [::ffff:127.0.0.1]:4001 -").expect("valid");
        assert_eq!(mapped.to_string(), "anna 127.0.0.1:4001 -");
        for line in ["anna - - my file.txt", &format!("ivan 120 {key} Trip/a b, c.jpg")] {
            assert_eq!(FileLine::parse(line).expect(line).to_string(), line);
        }
        for line in ["* 12 3 Trip/day 1/", "anna 0 1 a/", "Мария 18446744073709551615 2 Снимки/"] {
            assert_eq!(FolderLine::parse(line).expect(line).to_string(), line);
            assert!(matches!(FolderEntry::parse(line), Ok(FolderEntry::Folder(_))), "{line}");
        }
        for line in ["anna - - a", "anna 1 - a/b"] {
            assert!(matches!(FolderEntry::parse(line), Ok(FolderEntry::File(_))), "{line}");
        }
        for bad in ["* 1 2 a", "* 1 2 /", "* - 2 a/", "anna 1 a/", "an na 1 2 a/", "* 1 2 ../", "* 1 2 a//"] {
            assert!(FolderLine::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Totals::parse("3 120"), Ok(Totals { files: 3, bytes: 120 }));
        assert_eq!(UserTotals::parse("anna 3 120").expect("valid").to_string(), "anna 3 120");
        for bad in ["", "3", "3 -", "3 1 2", "- 1", "3  1", " 3 1"] {
            assert!(Totals::parse(bad).is_err() && UserTotals::parse(&format!("anna {bad}")).is_err(), "{bad}");
        }
        for bad in ["anna", "anna - - - -", "anna x -", "an na - -"] {
            assert!(UserLine::parse(bad).is_err(), "{bad}");
        }
        for bad in ["anna - -", "anna - - ../x", "anna -1 - x", "anna - zz x", "anna - - /etc/passwd"] {
            assert!(FileLine::parse(bad).is_err(), "{bad}");
        }
    }
}
