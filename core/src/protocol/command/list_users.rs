//! `list-users [after=<cursor>] [limit=<n>]`.

use std::fmt;

use crate::protocol::code::Refusal;
use crate::protocol::command::arguments::read_page;
use crate::protocol::command::{Page, Verb};

/// Asks who is here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListUsers {
    /// Which part of the list.
    pub page: Page,
}

impl Verb for ListUsers {
    const NAME: &'static str = "list-users";
    const USAGE: &'static str = "list-users [after=<cursor>] [limit=<n>]: who is here: name, address, key";
    const EXAMPLES: &'static [&'static str] = &["list-users", "list-users after=YSBiAHg limit=7"];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        let (words, page) = read_page(rest, Self::usage)?;
        if words.is_empty() { Ok(Self { page }) } else { Err(Self::usage()) }
    }
}

impl fmt::Display for ListUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::NAME, self.page)
    }
}
