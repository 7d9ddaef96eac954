//! `watch [username …] [under=<folder>]`.

use std::fmt;

use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::command::Verb;
use crate::protocol::command::arguments::{WORDS_MAX, take, take_option};
use crate::protocol::field::AsField;
use crate::protocol::value::{path, username};

/// From now on the session is sent notices of changes: of all, or of what it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// Only of these users, at most [`WORDS_MAX`]; without any of everybody.
    pub usernames: Vec<Username>,
    /// Only of what is shared below this folder.
    pub folder: Option<SharePath>,
}

const UNDER: &str = "under";

impl Verb for Watch {
    const NAME: &'static str = "watch";
    const USAGE: &'static str = "watch [username ...] [under=<folder>]: be told of changes as they happen; of these users \
        alone, or of what is shared below this folder alone";
    const EXAMPLES: &'static [&'static str] = &["watch", "watch anna boris", r#"watch anna under="Trip/day \"1\"""#];

    fn parse(mut rest: &str) -> Result<Self, Refusal> {
        let mut watch = Self::default();
        loop {
            if let Some(folder) = take_option(&mut rest, &[UNDER])?.map(|(_, folder)| path(&folder)).transpose()? {
                if watch.folder.replace(folder).is_some() {
                    return Err(Refusal::new(Code::Usage, format!("{UNDER}= is there twice")));
                }
                continue;
            }
            let Some(word) = take(&mut rest)? else { return Ok(watch) };
            if watch.usernames.len() == WORDS_MAX {
                return Err(Refusal::new(Code::Usage, format!("a command takes at most {WORDS_MAX} words")));
            }
            watch.usernames.push(username(&word.text)?);
        }
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAME)?;
        self.usernames.iter().try_for_each(|username| write!(f, " {username}"))?;
        self.folder.as_ref().map_or(Ok(()), |folder| write!(f, " {UNDER}={}", AsField(folder.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_would_be_right() {
        for (rest, code) in [
            (" a/b", Code::BadName),
            (" in=a", Code::BadName),
            (" under=", Code::BadPath),
            (" under=../a", Code::BadPath),
            (" under= a", Code::BadPath),
            (" under=a under=b", Code::Usage),
            (" under=a\"b", Code::Usage),
        ] {
            assert_eq!(Watch::parse(rest).expect_err(rest).code, code, "{rest}");
        }
        assert_eq!(Watch::parse(&" a".repeat(33)).expect_err("too many").code, Code::Usage);
        assert_eq!(Watch::parse(" under=a anna ").expect("in any order").to_string(), "watch anna under=a");
    }
}
