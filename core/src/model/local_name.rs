//! From somebody else's name to a name for this computer's disk.
//!
//! A name is refused, never rewritten: rewriting has let names out of the folder again and again in other programs. The
//! rules are those of every system together, so that what arrives on one can be copied to another.

use std::fmt;

use crate::model::limits;
use crate::model::share_path::SharePath;
use crate::model::shown;

/// One part of a path that is harmless as a file or folder name on every system.
///
/// ```
/// use potok_core::model::local_name::LocalName;
///
/// assert_eq!(LocalName::new("day 1.jpg")?.as_str(), "day 1.jpg");
/// for bad in ["..", "a/b", "nul.txt", ".bashrc", "day 1.jpg."] {
///     assert!(LocalName::new(bad).is_err(), "{bad}");
/// }
/// # Ok::<(), potok_core::model::local_name::UnsafeName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalName(String);

/// Why a name from somebody else is not written to disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name '{shown}' {why}; give a name of your own as local path", shown = shown::Shown(name))]
pub struct UnsafeName {
    name: String,
    why: &'static str,
}

impl LocalName {
    /// Checks one part of a remote path; an error says what about it is unsafe.
    pub fn new(part: &str) -> Result<Self, UnsafeName> {
        match fault_of(part) {
            None => Ok(Self(part.to_owned())),
            Some(why) => Err(UnsafeName { name: part.to_owned(), why }),
        }
    }

    /// Checks every part of what lies below a downloaded folder.
    pub fn parts_of(path: &SharePath) -> Result<Vec<Self>, UnsafeName> {
        path.parts().map(Self::new).collect()
    }

    /// The name as it will be on the disk, which is exactly as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is to a disk that ignores case: two names with one key are one file there. Whoever writes several names
    /// into one folder compares them (`service/downloader/adding`).
    pub fn case_key(&self) -> String {
        crate::model::username::fold_case(&self.0)
    }
}

impl fmt::Display for LocalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn fault_of(part: &str) -> Option<&'static str> {
    if part.is_empty() || part == "." || part == ".." {
        return Some("is no file name");
    }
    if part.len() > limits::PATH_PART_BYTES_MAX {
        return Some("is longer than 255 bytes");
    }
    if part.starts_with('.') {
        return Some("would be hidden");
    }
    if part.chars().any(shown::is_hidden) {
        return Some("has control, text-direction or invisible characters");
    }
    if part.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) {
        return Some("has a character that is not allowed on every system");
    }
    if part.ends_with(['.', ' ']) {
        return Some("ends in a dot or a space");
    }
    if is_device(part) {
        return Some("is the name of a device on Windows");
    }
    let folded = part.to_ascii_lowercase();
    if folded.ends_with(limits::PART_SUFFIX) {
        return Some("is that of an unfinished download");
    }
    if matches!(folded.as_str(), "desktop.ini" | "autorun.inf") {
        return Some("is that of a file which Windows acts on by itself");
    }
    None
}

/// `CON`, `nul.txt`, `COM1.tar.gz`, `com¹`: Windows opens the device whatever the ending.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$") {
        return true;
    }
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    port.is_some_and(|number| {
        let mut digits = number.chars();
        matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn honest_names_pass() {
        for good in [
            "a.txt",
            "a..b",
            "foo... bar",
            "#x",
            "%41",
            "-rf",
            "снимка 1.jpg",
            "😀.png",
            "console.txt",
            "com10",
            "nullify",
        ] {
            assert!(LocalName::new(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn no_hostile_name_of_the_vectors_is_written_and_every_honest_one_is() {
        let harmless = |name: &str| name.split('/').all(|part| LocalName::new(part).is_ok());
        let hostile = vectors::rows(include_str!("../../../tests/vectors/names-hostile.tsv"));
        let honest = vectors::rows(include_str!("../../../tests/vectors/names-honest.tsv"));
        assert!(hostile.len() >= 400 && honest.len() >= 200, "{} and {}", hostile.len(), honest.len());
        // A whole path is refused as such, or at one of its parts.
        let passes = |name: &str| SharePath::new(name).is_ok() && harmless(name);
        let written: Vec<_> = hostile.iter().filter(|row| passes(row.text(1))).collect();
        assert!(written.is_empty(), "{written:#?}");
        let refused: Vec<_> = honest.iter().filter(|row| !passes(row.text_or_same(1, 0))).collect();
        assert!(refused.is_empty(), "{refused:#?}");
    }

    #[test]
    fn dangerous_names_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "...",
            ".bashrc",
            "a/b",
            "a\\b",
            "C:x",
            "a:b",
            "CON",
            "con.txt",
            "NUL",
            "nul.tar.gz",
            "COM1",
            "com¹.x",
            "LPT9",
            "CONIN$",
            "a.",
            "a ",
            "a\0",
            "a\u{1b}[2J",
            "a\u{202e}b",
            "a|b",
            "a?b",
            "a*",
            "<a>",
            "\"a\"",
            "aux .txt",
        ] {
            assert!(LocalName::new(bad).is_err(), "{bad:?}");
        }
        assert!(LocalName::new(&"a".repeat(256)).is_err());
    }
}
