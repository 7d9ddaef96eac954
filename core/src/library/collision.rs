//! Two files that would get one share path.

use unicode_normalization::UnicodeNormalization;

use crate::model::share_path::SharePath;

/// Two files that would get one share path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} would both be shared as '{path}'", self.files())]
pub struct Collision {
    /// The share path that both would have.
    pub path: SharePath,
    /// The local path of the file that has it.
    pub first: String,
    /// The local path of the file that cannot have it too.
    pub second: String,
}

impl Collision {
    /// Both files, so that it is seen how they differ: two forms of one text, such as a letter with an accent and the same
    /// letter and an accent, look alike, so what is not ASCII in them is written by its number.
    pub fn told_apart(&self) -> (String, String) {
        (told_from(&self.first, &self.second), told_from(&self.second, &self.first))
    }

    fn files(&self) -> String {
        let (first, second) = self.told_apart();
        format!("'{first}' and '{second}'")
    }
}

fn told_from(text: &str, other: &str) -> String {
    if text == other || !text.nfc().eq(other.nfc()) {
        return text.to_owned();
    }
    let is_same = |at: usize, c: char| other.get(at..).is_some_and(|rest| rest.starts_with(c));
    let begin = text.char_indices().find(|(at, c)| !is_same(*at, *c)).map_or(text.len(), |(at, _)| at);
    // An accent belongs to the letter before it.
    let begin = text[..begin].char_indices().next_back().map_or(0, |(at, _)| at);
    let escape = |c: char| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() };
    text[..begin].to_owned() + &text[begin..].chars().map(escape).collect::<String>()
}
