//! `list-addresses <username>`.

use std::fmt;

use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take_username};

/// Asks for every address at which a user may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListAddresses {
    /// The user whose addresses are asked for.
    pub username: Username,
}

impl Verb for ListAddresses {
    const NAME: &'static str = "list-addresses";
    const USAGE: &'static str = "list-addresses <username>: every address at which this user may be reached";
    const EXAMPLES: &'static [&'static str] = &["list-addresses anna"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        no_more(rest, Self::usage).map(|()| Self { username })
    }
}

impl fmt::Display for ListAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)
    }
}
