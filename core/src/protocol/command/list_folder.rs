//! `list-folder [folder] [words] [user=<username>] [kind=<kind>] [min-size=<bytes>] [after=<cursor>] [limit=<n>]`.

use std::fmt;

use crate::model::share_path::SharePath;
use crate::protocol::code::Refusal;
use crate::protocol::command::arguments::{Arguments, read};
use crate::protocol::command::{Page, Verb};
use crate::protocol::field::AsField;
use crate::protocol::selection::Selection;
use crate::protocol::value::path;

/// Asks for one level of folders and files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFolder {
    /// Whose children are listed; without it those at the top.
    pub folder: Option<SharePath>,
    /// Only files of these, and only folders that have such files below them, with what these make together. Its own
    /// folder is left out: there is no need to say it twice.
    pub selection: Selection,
    /// Which part of the list.
    pub page: Page,
}

impl Verb for ListFolder {
    const NAME: &'static str = "list-folder";
    const USAGE: &'static str = "list-folder [folder, or \"\"] [words] [user=<username>] [kind=<kind>] \
        [min-size=<bytes>] [after=<cursor>] [limit=<n>]: what is in a folder: files, and folders with what they hold";
    const EXAMPLES: &'static [&'static str] = &[
        "list-folder",
        r#"list-folder "" "two words" "limit=5" "" user=anna kind=picture min-size=0 after=YSBiAHg limit=7"#,
        r#"list-folder "limit=5, x" "two words" user=anna after=YSBiAHg limit=7"#,
    ];

    fn parse(rest: &str) -> Result<Self, Refusal> {
        let Arguments { words, mut selection, page } = read(rest)?;
        if selection.folder.is_some() {
            return Err(Self::usage());
        }
        let mut words = words.into_iter();
        let folder = words.next().filter(|folder| !folder.is_empty()).map(|folder| path(&folder)).transpose()?;
        selection.words = words.collect();
        Ok(Self { folder, selection, page })
    }
}

impl fmt::Display for ListFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, selection, page } = self;
        f.write_str(Self::NAME)?;
        match folder {
            Some(folder) => write!(f, " {}", AsField(folder.as_str()))?,
            None if !selection.words.is_empty() => f.write_str(" \"\"")?,
            None => {}
        }
        write!(f, "{}{page}", Selection { folder: None, ..selection.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::code::Code;

    #[test]
    fn the_first_word_is_the_folder() {
        for (rest, folder, words) in [
            ("", None, vec![]),
            (" \"\"", None, vec![]),
            (" \"\" sea", None, vec!["sea"]),
            (" Trip", Some("Trip"), vec![]),
            (" \"Trip/day 1\" sea kind=picture", Some("Trip/day 1"), vec!["sea"]),
            (" kind=picture Trip sea", Some("Trip"), vec!["sea"]),
            (" \"in=x\"", Some("in=x"), vec![]),
        ] {
            let read = ListFolder::parse(rest).expect(rest);
            assert_eq!(read.folder.as_ref().map(SharePath::as_str), folder, "{rest}");
            assert_eq!(read.selection.words, words, "{rest}");
        }
        for (rest, code) in
            [(" in=x", Code::Usage), (" a/", Code::BadPath), (" ../a", Code::BadPath), (" a user=_", Code::BadName)]
        {
            assert_eq!(ListFolder::parse(rest).expect_err(rest).code, code, "{rest}");
        }
    }
}
