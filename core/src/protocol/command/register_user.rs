//! `register-user <username> [port] [invite=<token>]`.

use std::fmt;

use crate::model::invite_token::{BadToken, InviteToken};
use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take_port, take_username};

/// From now on the session is this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterUser {
    /// Who it wants to be.
    pub username: Username,
    /// Where their peer server listens.
    pub port: Option<PeerPort>,
    /// What lets them into a closed network.
    pub token: Option<InviteToken>,
}

impl Verb for RegisterUser {
    const NAME: &'static str = "register-user";
    const USAGE: &'static str =
        "register-user <username> [port] [invite=<token>]: be this user; others reach your files at that port";
    const EXAMPLES: &'static [&'static str] = &[
        "register-user anna",
        "register-user anna 4001",
        "register-user anna 4001 invite=-_v7-_v7-_v7-_v7-_v7-w",
        "register-user anna invite=-_v7-_v7-_v7-_v7-_v7-w",
    ];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        // The last word, so that it is never taken for a port.
        let (before, token) = match rest.rsplit_once(" invite=") {
            Some((before, token)) => {
                let token = token.trim_end_matches(' ').parse();
                (before, Some(token.map_err(|why: BadToken| Refusal::new(Code::Usage, why))?))
            }
            None => (rest, None),
        };
        let mut before = before;
        let port = take_port(&mut before)?;
        no_more(before, Self::usage).map(|()| Self { username, port, token })
    }
}

impl fmt::Display for RegisterUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)?;
        self.port.map_or(Ok(()), |port| write!(f, " {port}"))?;
        self.token.map_or(Ok(()), |token| write!(f, " invite={token}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_would_be_right() {
        for (rest, code) in [
            ("", Code::Usage),
            (" anna 80", Code::Usage),
            (" anna 4001 x", Code::Usage),
            (" anna invite=", Code::Usage),
            (" anna invite=AAAA", Code::Usage),
            (" anna invite=-_v7-_v7-_v7-_v7-_v7-w 4001", Code::Usage),
            (" anna invite=-_v7-_v7-_v7-_v7-_v7-w invite=-_v7-_v7-_v7-_v7-_v7-w", Code::Usage),
            (" a\u{430}nna", Code::BadName),
        ] {
            assert_eq!(RegisterUser::parse(rest).expect_err(rest).code, code, "{rest}");
        }
    }
}
