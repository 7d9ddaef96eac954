//! `help [verb]`.

use std::fmt;

use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take};
use crate::protocol::field::AsField;

/// Asks for lines that a person can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// About which command, in small letters; without it about all.
    pub verb: Option<String>,
}

impl Verb for Help {
    const NAME: &'static str = "help";
    const USAGE: &'static str = "help [verb]: this list, or one line of it";
    const EXAMPLES: &'static [&'static str] = &["help", "help watch"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let verb = take(&mut rest)?.map(|field| field.text.to_ascii_lowercase());
        no_more(rest, Self::usage).map(|()| Self { verb })
    }
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        self.verb.as_ref().map_or(Ok(()), |verb| write!(f, " {}", AsField(verb)))
    }
}
