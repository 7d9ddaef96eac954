//! `unregister-files <username> <list>`.

use std::fmt;

use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::arguments::{items, take_username};
use crate::protocol::command::{Verb, write_list};
use crate::protocol::field::Quoted;
use crate::protocol::value::path;

/// Takes announced files back, all or none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnregisterFiles {
    /// Must be the session's own.
    pub username: Username,
    /// What is no longer shared.
    pub paths: Vec<SharePath>,
}

impl Verb for UnregisterFiles {
    const NAME: &'static str = "unregister-files";
    const USAGE: &'static str = "unregister-files <username> file1, file2: stop announcing them";
    const EXAMPLES: &'static [&'static str] = &[r#"unregister-files anna "a b", "c""#];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        let items = items(rest, Self::usage)?.into_iter();
        let paths = items.map(|item| if item.attributes.is_empty() { path(&item.text) } else { Err(Self::usage()) });
        Ok(Self { username, paths: paths.collect::<Result<_, _>>()? })
    }

    fn named_user(mut rest: &str) -> Option<Username> {
        take_username(&mut rest, Self::usage).ok()
    }
}

impl fmt::Display for UnregisterFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", Self::NAME, self.username)?;
        write_list(f, &self.paths, |f, path| write!(f, "{}", Quoted(path.as_str())))
    }
}
