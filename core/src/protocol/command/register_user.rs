//! `register-user <username> [port]`.

use std::fmt;

use crate::model::port::PeerPort;
use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{no_more, take_port, take_username};

/// From now on the session is this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterUser {
    /// Who it wants to be.
    pub username: Username,
    /// Where their peer server listens.
    pub port: Option<PeerPort>,
}

impl Verb for RegisterUser {
    const NAME: &'static str = "register-user";
    const USAGE: &'static str = "register-user <username> [port]: be this user; others reach your files at that port";
    const EXAMPLES: &'static [&'static str] = &["register-user anna", "register-user anna 4001"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let username = take_username(&mut rest, Self::usage)?;
        let port = take_port(&mut rest)?;
        no_more(rest, Self::usage).map(|()| Self { username, port })
    }
}

impl fmt::Display for RegisterUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.username)?;
        self.port.map_or(Ok(()), |port| write!(f, " {port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Code;

    #[test]
    fn says_what_would_be_right() {
        for (rest, code) in [
            ("", Code::Usage),
            (" anna 80", Code::Usage),
            (" anna 4001 x", Code::Usage),
            (" a\u{430}nna", Code::BadName),
        ] {
            assert_eq!(RegisterUser::parse(rest).expect_err(rest).code, code, "{rest}");
        }
    }
}
