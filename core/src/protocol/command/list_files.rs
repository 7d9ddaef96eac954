//! `list-files [username] [after=<cursor>] [limit=<n>]`.

use std::fmt;

use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::arguments::read_page;
use crate::protocol::command::{Page, Verb};
use crate::protocol::value::username;

/// Asks what is shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFiles {
    /// Only what this user shares.
    pub username: Option<Username>,
    /// Which part of the list.
    pub page: Page,
}

impl Verb for ListFiles {
    const NAME: &'static str = "list-files";
    const USAGE: &'static str =
        "list-files [username] [after=<cursor>] [limit=<n>]: what is shared: user, size, hash, path";
    const EXAMPLES: &'static [&'static str] = &["list-files after=YSBiAHg limit=7", "list-files anna"];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        let (words, page) = read_page(rest, Self::usage)?;
        match words.as_slice() {
            [] => Ok(Self { username: None, page }),
            [name] => Ok(Self { username: Some(username(name)?), page }),
            _ => Err(Self::usage()),
        }
    }
}

impl fmt::Display for ListFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        self.username.as_ref().map_or(Ok(()), |username| write!(f, " {username}"))?;
        self.page.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Code;

    #[test]
    fn says_what_would_be_right() {
        for rest in [" a b", " limit=0", " limit=10001", " after=?", " kind=audio"] {
            assert_eq!(ListFiles::parse(rest).expect_err(rest).code, Code::Usage, "{rest}");
        }
    }
}
