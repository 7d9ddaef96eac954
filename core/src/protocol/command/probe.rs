//! `probe <ticket>`, and between trackers `probe <ticket> <ip:port>`.

use std::fmt;
use std::net::SocketAddr;

use crate::model::ticket::EncounterTicket;
use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take};

/// Shows the tracker the port from which the other side of an encounter will be dialled, and asks for theirs. Said first
/// on a plain connection from that port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Whose side of which encounter this is.
    pub ticket: EncounterTicket,
    /// Where another tracker sees that side; nobody else says it.
    pub seen: Option<SocketAddr>,
}

impl Verb for Probe {
    const NAME: &'static str = "probe";
    const USAGE: &'static str =
        "probe <ticket>: the address from which the other side of an encounter comes, once it is there";
    const EXAMPLES: &'static [&'static str] =
        &["probe AAAAAAAAAAAAAAAAAAAAAQ", "probe AAAAAAAAAAAAAAAAAAAAAQ 192.0.2.1:50001"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let word = take(&mut rest)?.ok_or_else(Self::usage)?;
        let ticket = word.text.parse().map_err(|_no_ticket| Self::usage())?;
        let seen = take(&mut rest)?.map(|word| word.text.parse().map_err(|_no_address| Self::usage())).transpose()?;
        no_more(rest, Self::usage).map(|()| Self { ticket, seen })
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.ticket)?;
        self.seen.map_or(Ok(()), |seen| write!(f, " {seen}"))
    }
}
