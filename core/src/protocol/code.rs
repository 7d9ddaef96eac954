//! The names of everything a tracker can refuse.

use std::fmt;
use std::str::FromStr;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// Why a tracker refused a command: the word after `ERR`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])* $variant),+
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its place in [`Self::ALL`].
            pub const fn index(self) -> usize {
                self as usize
            }

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }
    };
}

codes! {
    /// A verb that this tracker does not know.
    UnknownCommand = "unknown-command",
    /// The words do not fit the command.
    Usage = "usage",
    /// Only a registered session may do this.
    NotRegistered = "not-registered",
    /// This session has another name already.
    AlreadyRegistered = "already-registered",
    /// The name in the command is somebody else's.
    NotYours = "not-yours",
    /// The name belongs to another key.
    NameTaken = "name-taken",
    /// The name is kept for the tracker itself.
    NameReserved = "name-reserved",
    /// The name looks like one that is there already.
    NameConfusable = "name-confusable",
    /// The text is no username.
    BadName = "bad-name",
    /// The text is no share path.
    BadPath = "bad-path",
    /// The user does not share this.
    NotShared = "not-shared",
    /// Nobody of this name is here.
    NoSuchUser = "no-such-user",
    /// They have no key or no room, so that nobody can meet them.
    Unreachable = "unreachable",
    /// The encounter or invite is over, or was never one.
    Gone = "gone",
    /// A line, a name or a list is too long.
    TooLong = "too-long",
    /// A quota is used up.
    Limit = "limit",
    /// Too much in too short a time.
    SlowDown = "slow-down",
    /// The tracker's owner has shut this user or address out.
    Banned = "banned",
    /// This network is closed, and nobody has let this key in.
    NotInvited = "not-invited",
    /// An owner is asked whether this key may come in.
    Waiting = "waiting",
    /// An owner would keep themselves out, or another owner.
    Yourself = "yourself",
    /// Nobody of that name, key or address is shut out.
    NotBanned = "not-banned",
    /// The configuration cannot be read, or is wrong; the one before still counts.
    BadConfiguration = "bad-configuration",
    /// What trackers must agree on cannot be agreed on now; it may be in a moment.
    Unavailable = "unavailable",
    /// The tracker itself failed.
    Internal = "internal",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no code of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown error code")]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(UnknownCode)
    }
}

/// The code of a refusal as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ReplyCode {
    /// One of this version of the protocol.
    Known(Code),
    /// The word of a later tracker. It is a stranger's text: show it through [`crate::model::shown::Shown`].
    Later(String),
}

impl ReplyCode {
    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(code) => code.as_str(),
            Self::Later(word) => word,
        }
    }
}

impl From<Code> for ReplyCode {
    fn from(code: Code) -> Self {
        Self::Known(code)
    }
}

impl From<&str> for ReplyCode {
    fn from(word: &str) -> Self {
        word.parse().map_or_else(|UnknownCode| Self::Later(word.to_owned()), Self::Known)
    }
}

impl PartialEq<Code> for ReplyCode {
    fn eq(&self, code: &Code) -> bool {
        matches!(self, Self::Known(known) if known == code)
    }
}

/// A command that was not carried out: which rule it broke, and one sentence that says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
pub struct Refusal {
    /// The rule that was broken, for programs.
    pub code: Code,
    /// The sentence. It has no line break.
    pub text: String,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(code: Code, text: impl fmt::Display) -> Self {
        Self { code, text: text.to_string() }
    }
}
