//! `unregister-user <username>`.

use std::fmt;

use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take_username};

/// The session gives its name and files up, and stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnregisterUser {
    /// Must be the session's own.
    pub username: Username,
}

impl Verb for UnregisterUser {
    const NAME: &'static str = "unregister-user";
    const USAGE: &'static str = "unregister-user <username>: give your own name and files up";
    const EXAMPLES: &'static [&'static str] = &["unregister-user anna"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        no_more(rest, Self::usage).map(|()| Self { username })
    }
}

impl fmt::Display for UnregisterUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)
    }
}
