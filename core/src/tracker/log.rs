//! What a tracker's owner may want to read of what happened: who came, who went, who was refused and why. An entry is no
//! error: nothing follows from it.
//!
//! The English sentence is the `Display` form. The app translates by [`LogEntry::key`] and [`LogEntry::args`].

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::model::shown::Shown;
use crate::model::username::Username;
use crate::protocol::code::Code;

/// One thing that happened, with what its sentence names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEntry {
    /// A user registered a name.
    Joined {
        /// The name of the user.
        user: Username,
        /// The IP address that it came from.
        address: IpAddr,
    },
    /// A user's session ended.
    Left {
        /// The name of the user.
        user: Username,
    },
    /// Somebody was not let in, or not under that name.
    Refused {
        /// The IP address that it came from.
        address: IpAddr,
        /// The code that was sent.
        code: Code,
        /// The sentence that was sent.
        text: String,
    },
    /// The owner ended a session.
    Kicked {
        /// The name of the user.
        user: Username,
        /// For how many minutes they stay away; 0 if they may come back at once.
        minutes: u64,
    },
    /// An owner gave a command.
    Ordered {
        /// Who it was: a name, or a key.
        by: String,
        /// The command, as it is written.
        command: String,
    },
    /// The configuration was read anew.
    Configured {
        /// The settings that are other ones now.
        changed: Vec<&'static str>,
        /// Those that will be at the next start.
        at_start: Vec<&'static str>,
    },
    /// The owner shut somebody out.
    Banned {
        /// The name, key or address.
        who: String,
    },
    /// Something that was to last could not be written down, and has not happened.
    NotSaved,
    /// The owner let somebody in again.
    Unbanned {
        /// The name, key or address.
        who: String,
    },
    /// Another tracker of the network says that it has a user who cannot be there.
    NotBelieved {
        /// The name of the user.
        user: Username,
        /// Which tracker says so.
        tracker: SocketAddr,
    },
    /// So many entries came faster than they were taken, and were left out here.
    LeftOut {
        /// How many there were.
        count: u64,
    },
}

impl fmt::Display for LogEntry {
    /// The English sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined { user, address } => write!(f, "{user} has joined from {address}"),
            Self::Left { user } => write!(f, "{user} has left"),
            Self::Refused { address, code, text } => write!(f, "{address} was refused ({code}): {}", Shown(text)),
            Self::Kicked { user, minutes: 0 } => write!(f, "{user} was sent away"),
            Self::Kicked { user, minutes } => write!(f, "{user} was sent away for {minutes} minutes"),
            Self::Ordered { by, command } => write!(f, "{} ordered: {}", Shown(by), Shown(command)),
            Self::Configured { changed, at_start } => {
                write!(
                    f,
                    "the configuration was read; changed: {}; at the next start: {}",
                    list(changed),
                    list(at_start)
                )
            }
            Self::Banned { who } => write!(f, "{who} is shut out"),
            Self::NotSaved => f.write_str("a change could not be written down; everything is as it was before"),
            Self::Unbanned { who } => write!(f, "{who} may come again"),
            Self::NotBelieved { user, tracker } => {
                write!(f, "the tracker {tracker} has a {user} whose name is another key's")
            }
            Self::LeftOut { count } => write!(f, "{count} more entries were left out"),
        }
    }
}

impl LogEntry {
    /// The key of its sentence in the translations, below `tracker-log`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Joined { .. } => "joined",
            Self::Left { .. } => "left",
            Self::Refused { .. } => "refused",
            Self::Kicked { .. } => "kicked",
            Self::Ordered { .. } => "ordered",
            Self::Configured { .. } => "configured",
            Self::Banned { .. } => "banned",
            Self::NotSaved => "not-saved",
            Self::Unbanned { .. } => "unbanned",
            Self::NotBelieved { .. } => "not-believed",
            Self::LeftOut { .. } => "left-out",
        }
    }

    /// The values in its sentence, ready to be shown.
    pub fn args(&self) -> Vec<(&'static str, String)> {
        let name = |user: &Username| ("user", Shown(user.as_str()).to_string());
        match self {
            Self::Joined { user, address } => vec![name(user), ("address", address.to_string())],
            Self::Left { user } => vec![name(user)],
            Self::Kicked { user, minutes } => vec![name(user), ("minutes", minutes.to_string())],
            Self::Refused { address, code, text } => {
                let text = Shown(text).to_string();
                vec![("address", address.to_string()), ("code", code.to_string()), ("text", text)]
            }
            Self::Ordered { by, command } => {
                vec![("by", Shown(by).to_string()), ("command", Shown(command).to_string())]
            }
            Self::Configured { changed, at_start } => vec![("changed", list(changed)), ("start", list(at_start))],
            Self::Banned { who } | Self::Unbanned { who } => vec![("who", Shown(who).to_string())],
            Self::NotBelieved { user, tracker } => vec![name(user), ("tracker", tracker.to_string())],
            Self::NotSaved => Vec::new(),
            Self::LeftOut { count } => vec![("count", count.to_string())],
        }
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}
