//! Why a file or folder that somebody named cannot be shared.

use std::fmt;

use crate::model::share_path::BadSharePath;
use crate::model::shown::Shown;

/// The reason, which asks something else of the person each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotShareable {
    /// A link, a pipe, a socket or a device.
    NotRegular,
    /// It is part of a data folder of Potok.
    Own,
    /// The system makes it up when it is read.
    NoSize,
    /// Its path is no text.
    NotUnicode,
    /// It is being written to.
    Changing,
    /// It is a download that is not finished.
    Unfinished,
    /// No share path can be made of its name.
    BadName(BadSharePath),
    /// The system failed, in its own words.
    Told(String),
}

impl NotShareable {
    /// The key of its translations, below `not-shareable`; a bad name has those of `bad-path`, and what was told none.
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::NotRegular => Some("not-regular"),
            Self::Own => Some("own"),
            Self::NoSize => Some("no-size"),
            Self::NotUnicode => Some("not-unicode"),
            Self::Changing => Some("changing"),
            Self::Unfinished => Some("unfinished"),
            Self::BadName(_) | Self::Told(_) => None,
        }
    }
}

impl fmt::Display for NotShareable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular => f.write_str("it is no regular file"),
            Self::Own => f.write_str("it belongs to a data folder of Potok"),
            Self::NoSize => f.write_str("its size is not known"),
            Self::NotUnicode => f.write_str("its path is not Unicode"),
            Self::Changing => f.write_str("it is being written to; share it when it is finished"),
            Self::Unfinished => f.write_str("it is a download that is not finished"),
            Self::BadName(why) => write!(f, "{why}"),
            Self::Told(text) => write!(f, "{}", Shown(text)),
        }
    }
}
