//! What a tracker's owner may want to read of what happened: who came, who went, who was refused and why.
//!
//! The English sentence is the `Display` form. The app translates by [`LogEntry::key`] and [`LogEntry::args`].

use std::net::IpAddr;

use crate::model::shown::Shown;
use crate::model::username::Username;
use crate::protocol::code::Code;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogEntry {
    /// A user registered a name.
    #[error("{user} has joined from {address}")]
    Joined {
        /// The name of the user.
        user: Username,
        /// The IP address that it came from.
        address: IpAddr,
    },
    /// A user's session ended.
    #[error("{user} has left")]
    Left {
        /// The name of the user.
        user: Username,
    },
    /// Somebody was not let in, or not under that name.
    #[error("{address} was refused ({code}): {}", Shown(text))]
    Refused {
        /// The IP address that it came from.
        address: IpAddr,
        /// The code that was sent.
        code: Code,
        /// The sentence that was sent.
        text: String,
    },
    /// The owner ended a session.
    #[error("{user} was sent away")]
    Kicked {
        /// The name of the user.
        user: Username,
    },
    /// The owner shut somebody out.
    #[error("{who} is shut out")]
    Banned {
        /// The name, key or address.
        who: String,
    },
    /// The owner let somebody in again.
    #[error("{who} may come again")]
    Unbanned {
        /// The name, key or address.
        who: String,
    },
    /// So many entries came faster than they were taken, and were left out here.
    #[error("{count} more entries were left out")]
    LeftOut {
        /// How many there were.
        count: u64,
    },
}

impl LogEntry {
    /// The key of its sentence in the translations, below `tracker-log`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Joined { .. } => "joined",
            Self::Left { .. } => "left",
            Self::Refused { .. } => "refused",
            Self::Kicked { .. } => "kicked",
            Self::Banned { .. } => "banned",
            Self::Unbanned { .. } => "unbanned",
            Self::LeftOut { .. } => "left-out",
        }
    }

    /// The values in its sentence, ready to be shown.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        let name = |user: &Username| ("user", Shown(user.as_str()).to_string());
        match self {
            Self::Joined { user, address } => vec![name(user), ("address", address.to_string())],
            Self::Left { user } | Self::Kicked { user } => vec![name(user)],
            Self::Refused { address, code, text } => {
                let text = Shown(text).to_string();
                vec![("address", address.to_string()), ("code", code.to_string()), ("text", text)]
            }
            Self::Banned { who } | Self::Unbanned { who } => vec![("who", Shown(who).to_string())],
            Self::LeftOut { count } => vec![("count", count.to_string())],
        }
    }
}
