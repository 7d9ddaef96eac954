//! `list-addresses <username>`, and between trackers `list-addresses <username> from=<ip>[+<ip>]`.

use std::fmt;
use std::net::IpAddr;

use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take_option, take_username};
use crate::protocol::encounter::{parse_homes, write_homes};

/// Asks for every address at which a user may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListAddresses {
    /// The user whose addresses are asked for.
    pub username: Username,
    /// Where another tracker sees who asks, whom it knows by a key; nobody else says it.
    pub homes: Vec<IpAddr>,
}

impl Verb for ListAddresses {
    const NAME: &'static str = "list-addresses";
    const USAGE: &'static str = "list-addresses <username>: every address at which this user may be reached";
    const EXAMPLES: &'static [&'static str] = &[
        "list-addresses anna",
        "list-addresses anna from=192.0.2.1",
        "list-addresses anna from=192.0.2.1+2001:db8::1",
    ];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        let homes = take_option(&mut rest, &["from"])?;
        let homes =
            homes.map_or(Ok(Vec::new()), |(_, homes)| parse_homes(&homes).map_err(|_no_address| Self::usage()))?;
        no_more(rest, Self::usage).map(|()| Self { username, homes })
    }
}

impl fmt::Display for ListAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)?;
        if self.homes.is_empty() { Ok(()) } else { write!(f, " from={}", write_homes(&self.homes)) }
    }
}
