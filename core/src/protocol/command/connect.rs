//! `connect <username>`, and between trackers `connect <username> <what their tracker is to tell them>`.

use std::fmt;

use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::take_username;
use crate::protocol::encounter::ForwardedConnect;

/// Asks the tracker to have somebody meet us, who perhaps cannot be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// Whom to meet.
    pub username: Username,
    /// What another tracker has them told; nobody else says it.
    pub forwarded: Option<Box<ForwardedConnect>>,
}

impl Verb for Connect {
    const NAME: &'static str = "connect";
    const USAGE: &'static str = "connect <username>: have this user, who cannot be reached perhaps, reach you";
    const EXAMPLES: &'static [&'static str] = &[
        "connect anna",
        "connect anna 192.0.2.9:7688 abababababababababababababababababababababababababababababababab 192.0.2.1 \
         AAAAAAAAAAAAAAAAAAAAAQ boris cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd 192.0.2.1:4001 \
         unknown back=AAAAAAAAAAAAAAAAAAAAAg relay=open",
    ];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        let words: Vec<&str> = rest.split(' ').filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return Ok(Self { username, forwarded: None });
        }
        let forwarded = ForwardedConnect::parse(&words).map_err(|_not_by_a_tracker| Self::usage())?;
        Ok(Self { username, forwarded: Some(Box::new(forwarded)) })
    }
}

impl fmt::Display for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)?;
        self.forwarded.as_ref().map_or(Ok(()), |forwarded| write!(f, " {forwarded}"))
    }
}
