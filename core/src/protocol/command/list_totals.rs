//! `list-totals [username …] [after=<cursor>] [limit=<n>]`.

use std::fmt;

use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::command::arguments::read_page;
use crate::protocol::command::{Page, Verb};
use crate::protocol::value::username;

/// Asks how much each user shares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListTotals {
    /// Only these, at most [`WORDS_MAX`](super::arguments::WORDS_MAX), as far as they are here; without any everybody.
    pub usernames: Vec<Username>,
    /// Which part of the list.
    pub page: Page,
}

impl Verb for ListTotals {
    const NAME: &'static str = "list-totals";
    const USAGE: &'static str =
        "list-totals [username ...] [after=<cursor>] [limit=<n>]: how much everybody shares: name, files, bytes";
    const EXAMPLES: &'static [&'static str] = &["list-totals", "list-totals anna boris after=YSBiAHg limit=7"];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        let (words, page) = read_page(rest, Self::usage)?;
        let usernames = words.iter().map(|word| username(word)).collect::<Result<_, _>>()?;
        Ok(Self { usernames, page })
    }
}

impl fmt::Display for ListTotals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        self.usernames.iter().try_for_each(|username| write!(f, " {username}"))?;
        self.page.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Code;

    #[test]
    fn says_what_would_be_right() {
        for (rest, code) in [(" a/b", Code::BadName), (" kind=audio", Code::Usage), (" limit=0", Code::Usage)] {
            assert_eq!(ListTotals::parse(rest).expect_err(rest).code, code, "{rest}");
        }
        assert_eq!(ListTotals::parse(&" a".repeat(33)).expect_err("too many").code, Code::Usage);
        assert_eq!(ListTotals::parse(&" a".repeat(32)).expect("not too many").usernames.len(), 32);
    }
}
