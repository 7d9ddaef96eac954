//! `also <username> [port]`.

use std::fmt;

use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take_port, take_username};

/// The user of this key, who is registered through another session, can be reached here too. Said in a session by the
/// other family of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Also {
    /// As whom the other session is registered.
    pub username: Username,
    /// Where their peer server listens; none: the port that they are registered with.
    pub port: Option<PeerPort>,
}

impl Verb for Also {
    const NAME: &'static str = "also";
    const USAGE: &'static str =
        "also <username> [port]: you, who are here by IPv4, are here by IPv6 too, or the reverse";
    const EXAMPLES: &'static [&'static str] = &["also anna", "also anna 4001"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        let port = take_port(&mut rest)?;
        no_more(rest, Self::usage).map(|()| Self { username, port })
    }
}

impl fmt::Display for Also {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)?;
        self.port.map_or(Ok(()), |port| write!(f, " {port}"))
    }
}
