//! `invite`, `invites`, `revoke`, `waiting`, `approve` and `deny`: who comes into a closed network.

use std::fmt;

use crate::model::ban_terms::Remark;
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::arguments::{no_more, take, take_username};
use crate::protocol::command::owner::keeping_out::{MinutesSpan, is_like_a_span, read_span, split_word};
use crate::protocol::command::owner::take_remark;
use crate::protocol::command::{Verb, bare_verb};
use crate::protocol::field::Quoted;
use crate::protocol::value;

/// Issues an invite: a token that lets people in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueInvite {
    /// How many may come in by it; none: any number.
    pub uses: Option<u32>,
    /// For how long it is good; none: until it is revoked.
    pub span: Option<MinutesSpan>,
    /// What is noted with it, for owners.
    pub note: Option<Remark>,
}

/// Of an invite for which nothing is said: one person, within a week.
impl Default for IssueInvite {
    fn default() -> Self {
        Self { uses: Some(1), span: MinutesSpan::new(7 * 24 * 60), note: None }
    }
}

const ANY: &str = "any";
const FOR_EVER: &str = "always";

impl Verb for IssueInvite {
    const NAME: &'static str = "invite";
    const USAGE: &'static str = "invite [number | any] [30m|12h|7d|4w | always] [note]: for owners: a token that lets so many in, one within \
                                 a week unless said: <number> <token> <uses or -> <until or ->";
    const EXAMPLES: &'static [&'static str] =
        &["invite 1 1w", "invite 30 1d \"for the class\"", "invite any always", "invite any 12h \"5 more\""];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        let mut read = Self::default();
        let (word, behind) = split_word(rest);
        let is_number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
        let rest = if is_number {
            let uses = u32::try_from(value::number(word)?).ok().filter(|uses| *uses > 0);
            read.uses = Some(uses.ok_or_else(Self::usage)?);
            behind
        } else if word == ANY {
            read.uses = None;
            behind
        } else {
            rest
        };
        let (word, behind) = split_word(rest);
        let rest = if is_like_a_span(word) {
            read.span = Some(read_span(word)?);
            behind
        } else if word == FOR_EVER {
            read.span = None;
            behind
        } else {
            rest
        };
        read.note = take_remark(rest, Self::usage)?;
        Ok(read)
    }
}

impl fmt::Display for IssueInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        match self.uses {
            Some(uses) => write!(f, " {uses}")?,
            None => write!(f, " {ANY}")?,
        }
        match self.span {
            Some(span) => write!(f, " {span}")?,
            None => write!(f, " {FOR_EVER}")?,
        }
        self.note.as_ref().map_or(Ok(()), |note| write!(f, " {}", Quoted(note.as_str())))
    }
}

bare_verb!(
    /// Lists the invites that are good.
    ListInvites,
    "invites",
    "for owners: a line for each invite that is good: <number> <uses left or -> <until or -> <by or -> <note>"
);

/// Makes an invite useless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokeInvite {
    /// The number of the invite.
    pub number: u64,
}

impl Verb for RevokeInvite {
    const NAME: &'static str = "revoke";
    const USAGE: &'static str = "revoke <number>: for owners: nobody comes in by this invite any more";
    const EXAMPLES: &'static [&'static str] = &["revoke 7"];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let number = value::number(&take(&mut rest)?.ok_or_else(Self::usage)?.text)?;
        no_more(rest, Self::usage).map(|()| Self { number })
    }
}

impl fmt::Display for RevokeInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Self::NAME, self.number)
    }
}

bare_verb!(
    /// Lists those who ask to be let in.
    ListWaiting,
    "waiting",
    "for owners: a line for everybody who asks to be let in: <username> <key> <ip> <since>"
);

/// Answers somebody who asks to be let in, under the name that they asked for. Several may ask for one name, each with a key
/// of their own: then it takes the key to say who is meant.
macro_rules! answer_verb {
    ($(#[$doc:meta])* $verb:ident, $name:literal, $does:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $verb {
            /// The name that they asked for.
            pub username: Username,
            /// Who asks for it; none: the only one who does.
            pub key: Option<PublicKey>,
        }

        impl Verb for $verb {
            const NAME: &'static str = $name;
            const USAGE: &'static str = concat!($name, " <username> [key]: for owners: ", $does);
            const EXAMPLES: &'static [&'static str] = &[
                concat!($name, " anna"),
                concat!($name, " anna 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
            ];

            fn parse(mut rest: &str) -> Result<Self, Refusal> {
                let username = take_username(&mut rest, Self::usage)?;
                let key = take(&mut rest)?.map(|word| word.text.parse().map_err(|_no_key| Self::usage())).transpose()?;
                no_more(rest, Self::usage).map(|()| Self { username, key })
            }
        }

        impl fmt::Display for $verb {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", Self::NAME, self.username)?;
                self.key.map_or(Ok(()), |key| write!(f, " {key}"))
            }
        }
    };
}

answer_verb!(
    /// Lets somebody in who waits: the name is theirs.
    Approve,
    "approve",
    "let somebody in who waits, under the name that they asked for"
);
answer_verb!(
    /// Does not let somebody in who waits.
    Deny,
    "deny",
    "do not let somebody in who waits"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Code;

    #[test]
    fn one_person_within_a_week_unless_said() {
        for (line, written) in [
            ("", "invite 1 1w"),
            ("5", "invite 5 1w"),
            ("2d", "invite 1 2d"),
            ("any", "invite any 1w"),
            ("always for anna", "invite 1 always \"for anna\""),
            ("for anna", "invite 1 1w \"for anna\""),
            ("3 12h", "invite 3 12h"),
        ] {
            assert_eq!(IssueInvite::parse(line).expect(line).to_string(), written, "{line}");
        }
        for bad in ["0", "99999999999", "0d", "1 0h", "1 1d \"a\" b"] {
            assert_eq!(IssueInvite::parse(bad).map_err(|refusal| refusal.code), Err(Code::Usage), "{bad}");
        }
        assert!(
            RevokeInvite::parse("").is_err() && RevokeInvite::parse("x").is_err() && RevokeInvite::parse("01").is_err()
        );
    }
}
