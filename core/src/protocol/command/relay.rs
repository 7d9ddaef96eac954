//! `relay <ticket>`.

use std::fmt;

use crate::model::ticket::EncounterTicket;
use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take};

/// Asks the tracker to carry the bytes of an encounter from one side to the other. Said first on a plain connection, which
/// after `OK 0` is one to the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Whose side of which encounter this is.
    pub ticket: EncounterTicket,
}

impl Verb for Relay {
    const NAME: &'static str = "relay";
    const USAGE: &'static str =
        "relay <ticket>: a connection through the tracker to the other side of an encounter, once it is there";
    const EXAMPLES: &'static [&'static str] = &["relay AAAAAAAAAAAAAAAAAAAAAQ"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let word = take(&mut rest)?.ok_or_else(Self::usage)?;
        let ticket = word.text.parse().map_err(|_no_ticket| Self::usage())?;
        no_more(rest, Self::usage).map(|()| Self { ticket })
    }
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.ticket)
    }
}
