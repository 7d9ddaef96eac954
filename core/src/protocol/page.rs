//! Parts of lists: which page is asked for, and the cursor where one ended.

use std::fmt;
use std::str::FromStr;

use crate::model::limits;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::value::number;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Go on behind the line that this cursor names.
    pub after: Option<Cursor>,
    /// At most so many lines, 1 to [`limits::PAGE_LINES_MAX`]; without it as many as the session may have.
    pub limit: Option<usize>,
}

/// The place in a list where a page ended: the sort key of its last line. For people it is an opaque word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Path of the last line; in a list of bans its target; empty in a list of users.
    pub path: String,
    /// Username of the last line.
    pub username: String,
}

impl Page {
    /// Its options on the wire.
    pub(super) const OPTIONS: [&str; 2] = ["after", "limit"];

    /// Takes one of the [options](Self::OPTIONS); of two with one name the last counts.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "after" => self.after = Some(value.parse().map_err(|why: BadCursor| Refusal::new(Code::Usage, why))?),
            _ => {
                let limit = usize::try_from(number(value)?).ok().filter(|n| (1..=limits::PAGE_LINES_MAX).contains(n));
                self.limit = Some(limit.ok_or_else(|| {
                    Refusal::new(Code::Usage, format!("limit is a number from 1 to {}", limits::PAGE_LINES_MAX))
                })?);
            }
        }
        Ok(())
    }
}

impl Cursor {
    /// The place in a list of files right before a path: every share of the path comes behind it, as no username is
    /// empty.
    pub fn before(path: impl Into<String>) -> Self {
        Self { path: path.into(), username: String::new() }
    }

    /// The place behind everything below a folder, given without a `/` at its end.
    pub fn behind_folder(folder: &str) -> Self {
        Self::before(format!("{folder}{BEHIND_SLASH}"))
    }
}

/// The character after `/`: whatever begins with a folder's name and `/` comes before the name and this.
const BEHIND_SLASH: char = '0';

impl fmt::Display for Page {
    /// The options, a space before each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(after) = &self.after {
            write!(f, " after={after}")?;
        }
        self.limit.map_or(Ok(()), |limit| write!(f, " limit={limit}"))
    }
}

impl fmt::Display for Cursor {
    /// `path NUL username` in unpadded base64url (RFC 4648, section 5): neither has a NUL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = format!("{}\0{}", self.path, self.username);
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(key.as_bytes()))
    }
}

/// A word that no tracker gave out as a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("after=<cursor> takes the word that the page before gave as more=<cursor>")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let key = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_not_base64| BadCursor)?;
        let key = String::from_utf8(key).map_err(|_not_text| BadCursor)?;
        let (path, username) = key.split_once('\0').ok_or(BadCursor)?;
        if username.contains('\0') {
            return Err(BadCursor);
        }
        Ok(Self { path: path.to_owned(), username: username.to_owned() })
    }
}
