//! `list-sources <hash> [after=<cursor>] [limit=<n>]`.

use std::fmt;

use crate::model::hash::ContentHash;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::arguments::read_page;
use crate::protocol::command::{Page, Verb};

/// Asks who shares a content, each user once, under however many paths they have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSources {
    /// The content that is looked for.
    pub hash: ContentHash,
    /// Which part of the list.
    pub page: Page,
}

impl Verb for ListSources {
    const NAME: &'static str = "list-sources";
    const USAGE: &'static str =
        "list-sources <hash> [after=<cursor>] [limit=<n>]: each user who shares exactly this content, with one path";
    const EXAMPLES: &'static [&'static str] =
        &["list-sources 0101010101010101010101010101010101010101010101010101010101010101 after=YSBiAHg limit=7"];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        let (words, page) = read_page(rest, Self::usage)?;
        let [hash] = words.as_slice() else { return Err(Self::usage()) };
        let hash = hash.parse().map_err(|why| Refusal::new(Code::Usage, why))?;
        Ok(Self { hash, page })
    }
}

impl fmt::Display for ListSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", Self::NAME, self.hash, self.page)
    }
}
