//! `search [words] [user=<username>] [kind=<kind>] [min-size=<bytes>] [in=<folder>] [after=<cursor>] [limit=<n>]`.

use std::fmt;

use crate::protocol::code::Refusal;
use crate::protocol::command::arguments::{Arguments, read};
use crate::protocol::command::{Page, Verb};
use crate::protocol::selection::Selection;

/// Asks for the shares of a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Which; it has at least one word that is not empty, or one option.
    pub selection: Selection,
    /// Which part of the list.
    pub page: Page,
}

impl Verb for Search {
    const NAME: &'static str = "search";
    const USAGE: &'static str = "search [words] [user=<username>] [kind=<kind>] [min-size=<bytes>] [in=<folder>] \
        [after=<cursor>] [limit=<n>]: shared files whose path has all the words, and that are as the options say";
    const EXAMPLES: &'static [&'static str] = &[
        r#"search "a\"b" after=YSBiAHg limit=7"#,
        r#"search "two words" "limit=5" "" user=anna kind=picture min-size=0 in="Trip \"1\"/a=b" after=YSBiAHg limit=7"#,
    ];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        let Arguments { words, selection, page } = read(rest)?;
        let selection = Selection { words, ..selection };
        if selection.is_everything() { Err(Self::usage()) } else { Ok(Self { selection, page }) }
    }
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", Self::NAME, self.selection, self.page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Code;

    #[test]
    fn something_is_looked_for() {
        for rest in ["", " \"\"", " limit=5", " a\"b", " kind=all"] {
            assert_eq!(Search::parse(rest).expect_err(rest).code, Code::Usage, "{rest}");
        }
        for rest in [" a", " \"kind=audio\"", " kind=audio", " min-size=1", " in=a", " user=anna", " \"\" a"] {
            assert_eq!(Search::parse(rest).expect(rest).to_string(), format!("search{rest}"));
        }
    }
}
