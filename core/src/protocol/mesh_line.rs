//! What the trackers of one network tell each other about their own users.
//!
//! Everything that changes has a number, counted by the tracker whose users they are. Who has missed something says up to
//! which number it knows, and is told the rest, or everything.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::model::key::PublicKey;
use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::protocol::reply::OrDash;

/// The name of this protocol in TLS handshakes.
pub const MESH_ALPN: &[u8] = b"potok-mesh/1";
/// The same for a connection by which one tracker asks another in the words of a client.
pub const MESH_ASK_ALPN: &[u8] = b"potok-mesh/1+ask";
/// The version of these lines.
pub const MESH_VERSION: u64 = 1;

/// A user, as their tracker tells the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshUser {
    /// Their name as they write it.
    pub username: Username,
    /// The key that they proved.
    pub key: Option<PublicKey>,
    /// Orders the registrations of one name at several trackers: the later one has the larger stamp.
    pub stamp: u64,
    /// Where their tracker sees them; none: on its own computer.
    pub seen: Option<IpAddr>,
    /// Where their peer server listens.
    pub port: Option<PeerPort>,
    /// How many files they share.
    pub files: u64,
    /// How many bytes these have in all.
    pub bytes: u64,
    /// Counts how often what they share has changed.
    pub revision: u64,
}

/// How far somebody knows what a tracker has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownUpTo {
    /// Which start of the tracker; 0: none.
    pub epoch: u64,
    /// Up to which number.
    pub number: u64,
}

impl KnownUpTo {
    /// Nothing at all.
    pub const NOTHING: Self = Self { epoch: 0, number: 0 };
}

/// One line between trackers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeshLine {
    /// The first line of both sides.
    Hello {
        /// [`MESH_VERSION`]; of another version nothing else is understood.
        version: u64,
        /// Who speaks: where others link to it.
        tracker: SocketAddr,
        /// Which start of it this is, never 0.
        epoch: u64,
        /// What it knows of the other side.
        known: KnownUpTo,
    },
    /// Something is missing: this is what the speaker knows.
    Again(KnownUpTo),
    /// The speaker lives, has told up to this number, and has so many users.
    Beat {
        /// Of the last change.
        number: u64,
        /// Of its own.
        users: u64,
    },
    /// A user of the speaker came, or is otherwise than before.
    Here {
        /// Of this change.
        number: u64,
        /// As they are now.
        user: Box<MeshUser>,
    },
    /// A user of the speaker went.
    Gone {
        /// Of this change.
        number: u64,
        /// Who has gone.
        username: Username,
    },
    /// Everybody follows, in items; what changes meanwhile comes in between.
    Snapshot {
        /// Which snapshot of this start.
        id: u64,
        /// The last change before it.
        number: u64,
    },
    /// One of everybody.
    Item {
        /// Of which snapshot.
        id: u64,
        /// Counted from 0.
        index: u64,
        /// The last change that was told before it.
        number: u64,
        /// As they are now.
        user: Box<MeshUser>,
    },
    /// That was everybody.
    Whole {
        /// Which snapshot ends.
        id: u64,
        /// How many items it had.
        items: u64,
        /// The last change that was told before.
        number: u64,
    },
}

/// A line that is none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a line between trackers")]
pub struct BadMeshLine;

impl FromStr for MeshLine {
    type Err = BadMeshLine;

    fn from_str(line: &str) -> Result<Self, BadMeshLine> {
        let mut words = Words(line.split(' '));
        let parsed = match words.text()? {
            "hello" => Self::Hello {
                version: words.read()?,
                tracker: words.read()?,
                epoch: words.read()?,
                known: words.known()?,
            },
            "again" => Self::Again(words.known()?),
            "beat" => Self::Beat { number: words.read()?, users: words.read()? },
            "here" => Self::Here { number: words.read()?, user: words.user()? },
            "gone" => Self::Gone { number: words.read()?, username: words.read()? },
            "snapshot" => Self::Snapshot { id: words.read()?, number: words.read()? },
            "item" => {
                Self::Item { id: words.read()?, index: words.read()?, number: words.read()?, user: words.user()? }
            }
            "whole" => Self::Whole { id: words.read()?, items: words.read()?, number: words.read()? },
            _ => return Err(BadMeshLine),
        };
        // What a later version writes behind it is passed over.
        Ok(parsed)
    }
}

struct Words<'a>(std::str::Split<'a, char>);

impl<'a> Words<'a> {
    fn text(&mut self) -> Result<&'a str, BadMeshLine> {
        self.0.next().ok_or(BadMeshLine)
    }

    fn read<T: FromStr>(&mut self) -> Result<T, BadMeshLine> {
        self.text()?.parse().map_err(|_bad| BadMeshLine)
    }

    fn or_dash<T: FromStr>(&mut self) -> Result<Option<T>, BadMeshLine> {
        match self.text()? {
            "-" => Ok(None),
            text => text.parse().map(Some).map_err(|_bad| BadMeshLine),
        }
    }

    fn known(&mut self) -> Result<KnownUpTo, BadMeshLine> {
        Ok(KnownUpTo { epoch: self.read()?, number: self.read()? })
    }

    fn user(&mut self) -> Result<Box<MeshUser>, BadMeshLine> {
        Ok(Box::new(MeshUser {
            username: self.read()?,
            key: self.or_dash()?,
            stamp: self.read()?,
            seen: self.or_dash()?,
            port: self.or_dash()?,
            files: self.read()?,
            bytes: self.read()?,
            revision: self.read()?,
        }))
    }
}

impl fmt::Display for KnownUpTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.epoch, self.number)
    }
}

impl fmt::Display for MeshUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { username, key, stamp, seen, port, files, bytes, revision } = self;
        let (key, seen, port) = (OrDash(*key), OrDash(*seen), OrDash(*port));
        write!(f, "{username} {key} {stamp} {seen} {port} {files} {bytes} {revision}")
    }
}

impl fmt::Display for MeshLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello { version, tracker, epoch, known } => write!(f, "hello {version} {tracker} {epoch} {known}"),
            Self::Again(known) => write!(f, "again {known}"),
            Self::Beat { number, users } => write!(f, "beat {number} {users}"),
            Self::Here { number, user } => write!(f, "here {number} {user}"),
            Self::Gone { number, username } => write!(f, "gone {number} {username}"),
            Self::Snapshot { id, number } => write!(f, "snapshot {id} {number}"),
            Self::Item { id, index, number, user } => write!(f, "item {id} {index} {number} {user}"),
            Self::Whole { id, items, number } => write!(f, "whole {id} {items} {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let key = "ab".repeat(32);
        for line in [
            "hello 1 192.0.2.9:7688 17 0 0".to_owned(),
            "again 17 9".into(),
            "beat 9 2".into(),
            format!("here 10 anna {key} 5 192.0.2.1 4001 3 120 2"),
            "here 11 иван - 6 - - 0 0 0".into(),
            "gone 12 anna".into(),
            "snapshot 1 12".into(),
            format!("item 1 0 12 anna {key} 5 2001:db8::1 - 3 120 2"),
            "whole 1 1 12".into(),
        ] {
            assert_eq!(line.parse::<MeshLine>().expect(&line).to_string(), line);
        }
        assert_eq!("beat 9 2 more".parse::<MeshLine>(), Ok(MeshLine::Beat { number: 9, users: 2 }));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "hello",
            "hello 1 h:7688 17 0 0",
            "hello 1 192.0.2.9:7688 17 0",
            "beat",
            "beat -1 2",
            "beat 9",
            "here 1",
            "whole 1 1",
        ] {
            assert_eq!(bad.parse::<MeshLine>(), Err(BadMeshLine), "{bad}");
        }
        for (at, wrong) in ["x y", "zz", "-", "1.2.3", "80", "-", "-", "-"].into_iter().enumerate() {
            let mut words = ["anna", "-", "5", "192.0.2.1", "4001", "3", "120", "2"];
            words[at] = wrong;
            let line = format!("here 10 {}", words.join(" "));
            assert_eq!(line.parse::<MeshLine>(), Err(BadMeshLine), "{line}");
        }
    }
}
