//! Two files that would get one share path.

use unicode_normalization::UnicodeNormalization;

use crate::model::share_path::SharePath;

/// Two files that would get one share path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} would both be shared as '{path}'", told_apart(first, second))]
pub struct Collision {
    /// The share path that both would have.
    pub path: SharePath,
    /// The local path of the file that has it.
    pub first: String,
    /// The local path of the file that cannot have it too.
    pub second: String,
}

/// Two texts so that it is seen how they differ: two forms of one text, such as a letter with an accent and
/// the same letter and an accent, look alike, so what is not ASCII in them is written by its number.
fn told_apart(first: &str, second: &str) -> String {
    format!("'{}' and '{}'", told_from(first, second), told_from(second, first))
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
