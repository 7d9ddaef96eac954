//! `connect <username>`.

use std::fmt;

use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take_username};

/// Asks the tracker to have somebody meet us, who perhaps cannot be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// Whom to meet.
    pub username: Username,
}

impl Verb for Connect {
    const NAME: &'static str = "connect";
    const USAGE: &'static str = "connect <username>: have this user, who cannot be reached perhaps, reach you";
    const EXAMPLES: &'static [&'static str] = &["connect anna"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        no_more(rest, Self::usage).map(|()| Self { username })
    }
}

impl fmt::Display for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)
    }
}
