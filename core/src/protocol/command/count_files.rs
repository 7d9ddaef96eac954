//! `count-files [words] [user=<username>] [kind=<kind>] [min-size=<bytes>] [in=<folder>]`.

use std::fmt;

use crate::protocol::code::Refusal;
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{Arguments, read};
use crate::protocol::page::Page;
use crate::protocol::selection::Selection;

/// Asks how many shares a selection has, and how many bytes they are together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountFiles {
    /// The shares that are counted.
    pub selection: Selection,
}

impl Verb for CountFiles {
    const NAME: &'static str = "count-files";
    const USAGE: &'static str = "count-files [words] [user=<username>] [kind=<kind>] [min-size=<bytes>] \
        [in=<folder>]: how many files a search finds, and their bytes";
    const EXAMPLES: &'static [&'static str] = &[
        "count-files",
        r#"count-files "two words" "limit=5" "" user=anna kind=picture min-size=0 in="Trip \"1\"/a=b""#,
    ];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        let Arguments { words, selection, page } = read(rest)?;
        if page != Page::default() {
            return Err(Self::usage());
        }
        Ok(Self { selection: Selection { words, ..selection } })
    }
}

impl fmt::Display for CountFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::NAME, self.selection)
    }
}
