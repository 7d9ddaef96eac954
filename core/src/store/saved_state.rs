//! What became of a file of a download, as a row of the database.

use crate::model::transfer::TransferError;
use crate::model::username::Username;

/// The state's number, what belongs to it as a number, and as a text.
pub(super) type StateRow<'a> = (u8, u64, &'a str);

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedState {
    /// It is to be begun, once more perhaps.
    Open,
    /// So many bytes were verified; for people, it is counted again.
    Partial(u64),
    /// What is at its place has to be looked at first.
    Held,
    /// It is in its place.
    Done,
    /// It was in its place before.
    Here,
    /// Something else is at its place and stays there.
    LeftOut,
    /// It is not coming.
    Failed(TransferError),
}

impl SavedState {
    /// How it is written; what has not begun has no row.
    pub(super) fn row(&self) -> Option<StateRow<'_>> {
        Some(match self {
            Self::Open => return None,
            Self::Partial(bytes) => (PARTIAL, *bytes, ""),
            Self::Held => (HELD, 0, ""),
            Self::Done => (DONE, 0, ""),
            Self::Here => (DONE, WAS_HERE, ""),
            Self::LeftOut => (LEFT_OUT, 0, ""),
            Self::Failed(error) => match error {
                TransferError::Exists => (EXISTS, 0, ""),
                TransferError::NotShared => (NOT_SHARED, 0, ""),
                TransferError::Changed => (CHANGED, 0, ""),
                TransferError::Unreadable => (UNREADABLE, 0, ""),
                TransferError::Lied { user } => (LIED, 0, user.as_str()),
                TransferError::TooLarge => (TOO_LARGE, 0, ""),
                TransferError::Disk(text) => (DISK, 0, text.as_str()),
                TransferError::SameName => (SAME_NAME, 0, ""),
                TransferError::NoParent => (NO_PARENT, 0, ""),
                TransferError::Denied => (DENIED, 0, ""),
                TransferError::ReadOnly => (READ_ONLY, 0, ""),
                TransferError::InTheWay => (IN_THE_WAY, 0, ""),
                TransferError::InUse => (IN_USE, 0, ""),
                TransferError::NameRefused => (NAME_REFUSED, 0, ""),
                TransferError::TooLargeHere => (TOO_LARGE_HERE, 0, ""),
                TransferError::NotSent { user } => (NOT_SENT, 0, user.as_str()),
                // Never of a download.
                TransferError::Stopped => return None,
            },
        })
    }

    /// What was written. What no version wrote is begun anew.
    pub(super) fn of_row((code, number, text): StateRow<'_>) -> Self {
        Self::Failed(match code {
            PARTIAL => return Self::Partial(number),
            DONE if number == WAS_HERE => return Self::Here,
            DONE => return Self::Done,
            HELD => return Self::Held,
            LEFT_OUT => return Self::LeftOut,
            EXISTS => TransferError::Exists,
            NOT_SHARED => TransferError::NotShared,
            CHANGED => TransferError::Changed,
            UNREADABLE => TransferError::Unreadable,
            LIED => match Username::new(text) {
                Ok(user) => TransferError::Lied { user },
                Err(_bad_name) => return Self::Open,
            },
            NOT_SENT => match Username::new(text) {
                Ok(user) => TransferError::NotSent { user },
                Err(_bad_name) => return Self::Open,
            },
            SAME_NAME => TransferError::SameName,
            NO_PARENT => TransferError::NoParent,
            DENIED => TransferError::Denied,
            READ_ONLY => TransferError::ReadOnly,
            IN_THE_WAY => TransferError::InTheWay,
            IN_USE => TransferError::InUse,
            NAME_REFUSED => TransferError::NameRefused,
            TOO_LARGE_HERE => TransferError::TooLargeHere,
            TOO_LARGE => TransferError::TooLarge,
            DISK => TransferError::Disk(text.to_owned()),
            _ => return Self::Open,
        })
    }
}

/// Whether the number of a state says that the file is in its place.
pub(super) fn is_done(code: u8) -> bool {
    code == DONE
}

const PARTIAL: u8 = 1;
const DONE: u8 = 2;
const HELD: u8 = 3;
const LEFT_OUT: u8 = 4;
/// The number beside `DONE` of what did not have to come.
const WAS_HERE: u64 = 1;
const EXISTS: u8 = 10;
const NOT_SHARED: u8 = 11;
const CHANGED: u8 = 12;
const UNREADABLE: u8 = 13;
const LIED: u8 = 14;
const TOO_LARGE: u8 = 15;
const DISK: u8 = 16;
const SAME_NAME: u8 = 17;
const NOT_SENT: u8 = 18;
const NO_PARENT: u8 = 19;
const DENIED: u8 = 20;
const READ_ONLY: u8 = 21;
const IN_THE_WAY: u8 = 22;
const IN_USE: u8 = 23;
const NAME_REFUSED: u8 = 24;
const TOO_LARGE_HERE: u8 = 25;
