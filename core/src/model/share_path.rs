//! The name under which a file is announced.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::model::limits;
use crate::model::shown;

/// A share path such as `Trip/day 1.jpg`: relative, `/` between parts, NFC, at most 1,024 bytes and 255 a part.
///
/// It is a label in the tracker's catalog. It never becomes a path on anybody's disk: a peer looks content up in its
/// table of shares, and a downloader goes through [`crate::model::local_name`].
///
/// ```
/// use potok_core::model::share_path::{BadSharePath, SharePath};
///
/// let photo = SharePath::new("Trip/day 1.jpg")?;
/// assert_eq!((photo.file_name(), photo.below("Trip")), ("day 1.jpg", Some("day 1.jpg")));
/// assert_eq!(SharePath::new("../secret"), Err(BadSharePath::Dots));
/// assert_eq!(SharePath::new("/etc/passwd"), Err(BadSharePath::Empty));
/// # Ok::<(), BadSharePath>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SharePath(Arc<str>);

/// Why a text is no share path; the message says what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSharePath {
    /// Nothing, or nothing between two slashes, or a slash at an end.
    #[error("a path has no empty part: no '/' at either end, no '//'")]
    Empty,
    /// More than [`limits::PATH_BYTES_MAX`] or [`limits::PATH_PART_BYTES_MAX`].
    #[error("a path has at most {max} bytes, and {part} between two '/'",
        max = limits::PATH_BYTES_MAX, part = limits::PATH_PART_BYTES_MAX)]
    Length,
    /// A part is `.` or `..`.
    #[error("a path has no part '.' or '..'")]
    Dots,
    /// It begins with a letter and a colon, as `C:` does.
    #[error("a path is relative: no drive letter")]
    Drive,
    /// There is a control, direction or line-separating character in it.
    #[error("a path has no control or text-direction characters")]
    Character,
    /// Not in the composed form that the protocol asks for.
    #[error("a path is written in Unicode NFC")]
    NotNfc,
}

impl SharePath {
    /// Checks a path that comes from the wire: it must be in NFC already.
    pub fn new(text: &str) -> Result<Self, BadSharePath> {
        check(text)?;
        if !is_nfc(text) {
            return Err(BadSharePath::NotNfc);
        }
        Ok(Self(text.into()))
    }

    /// Makes a path of a name found on disk or typed by a person, which may be in another normal form.
    pub fn normalized(text: &str) -> Result<Self, BadSharePath> {
        if is_nfc(text) {
            return Self::new(text);
        }
        if text.len() > limits::PATH_BYTES_MAX * 3 {
            return Err(BadSharePath::Length);
        }
        Self::new(&text.nfc().collect::<String>())
    }

    /// The whole path, in NFC and with `/` between parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last `/`; all of it where there is none.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The parts between the `/`, in order; there is at least one, and none is empty.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// What is left below `folder` (which has no `/` at its end), if this path is below it.
    pub fn below(&self, folder: &str) -> Option<&str> {
        self.0.strip_prefix(folder)?.strip_prefix('/')
    }

    /// This path with one more part or relative path behind it.
    pub fn join(&self, rest: &str) -> Result<Self, BadSharePath> {
        Self::normalized(&format!("{}/{rest}", self.0))
    }
}

fn is_nfc(text: &str) -> bool {
    text.is_ascii()
        || match is_nfc_quick(text.chars()) {
            IsNormalized::Yes => true,
            IsNormalized::No => false,
            IsNormalized::Maybe => text.nfc().eq(text.chars()),
        }
}

fn check(text: &str) -> Result<(), BadSharePath> {
    if text.len() > limits::PATH_BYTES_MAX {
        return Err(BadSharePath::Length);
    }
    for part in text.split('/') {
        match part {
            "" => return Err(BadSharePath::Empty),
            "." | ".." => return Err(BadSharePath::Dots),
            _ if part.len() > limits::PATH_PART_BYTES_MAX => return Err(BadSharePath::Length),
            _ => {}
        }
    }
    if let [letter, b':', ..] = text.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Err(BadSharePath::Drive);
    }
    if has_forbidden(text) {
        return Err(BadSharePath::Character);
    }
    Ok(())
}

fn has_forbidden(text: &str) -> bool {
    if text.is_ascii() {
        // Without a way out in the middle the compiler looks at many bytes at once.
        return text.bytes().fold(false, |found, byte| found | byte.is_ascii_control());
    }
    text.chars().any(is_forbidden)
}

/// Control characters, and those that reorder or hide text. A backslash is a letter like any other on the systems where
/// it can be in a file name; it is dealt with where a local name is made.
fn is_forbidden(c: char) -> bool {
    c.is_control() || shown::is_direction_control(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A table of share paths can be asked for everything below a folder.
impl Borrow<str> for SharePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SharePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SharePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharePath({:?})", self.0)
    }
}

impl std::str::FromStr for SharePath {
    type Err = BadSharePath;

    fn from_str(text: &str) -> Result<Self, BadSharePath> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors;

    #[test]
    fn accepts_honest_names() {
        for good in [
            "a.txt",
            "Trip/day 1.jpg",
            "foo... bar",
            "a..b",
            "...",
            ".hidden",
            "-rf",
            "#1 %41 & $(x) `y`",
            "снимки/море.jpg",
            "写真/猫.png",
            "emoji 😀.txt",
            "a, b \"quoted\".txt",
            " leading and trailing ",
            "back\\slash",
            "con.txt",
            "1:2",
        ] {
            assert_eq!(SharePath::new(good).unwrap_or_else(|why| panic!("{good}: {why}")).as_str(), good);
        }
        let long_part = "п".repeat(127);
        assert!(SharePath::new(&long_part).is_ok());
        assert!(SharePath::new(&format!("{}a", "abc/".repeat(255))).is_ok());
    }

    #[test]
    fn refuses_what_leads_elsewhere_or_deceives() {
        use BadSharePath::*;
        for (bad, why) in [
            ("", Empty),
            ("/", Empty),
            ("/etc/passwd", Empty),
            ("//x", Empty),
            ("a//b", Empty),
            ("a/", Empty),
            ("..", Dots),
            ("a/../b", Dots),
            ("./a", Dots),
            ("C:/x", Drive),
            ("c:x", Drive),
            ("a\0b", Character),
            ("a\nb", Character),
            ("a\u{7f}b", Character),
            ("a\u{9b}b", Character),
            ("invoice\u{202e}fdp.exe", Character),
            ("a\u{2066}b", Character),
            ("a\u{2028}b", Character),
            ("e\u{301}", NotNfc),
            (&"a".repeat(256), Length),
            (&"ab/".repeat(400), Length),
        ] {
            assert_eq!(SharePath::new(bad).map(|p| p.to_string()), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn every_name_of_the_vectors_is_judged_as_it_stands_there() {
        let mut wrong = Vec::new();
        for row in vectors::rows(include_str!("../../../tests/vectors/names-hostile.tsv")) {
            use BadSharePath::*;
            let found = match SharePath::new(row.text(1)) {
                Ok(_) => "ok",
                Err(Empty) => "empty",
                Err(Length) => "length",
                Err(Dots) => "dots",
                Err(Drive) => "drive",
                Err(Character) => "character",
                Err(NotNfc) => "not-nfc",
            };
            if found != row.text(0) {
                wrong.push(format!("{:?} is {found}, not {}", row.text(1), row.text(0)));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        for row in vectors::rows(include_str!("../../../tests/vectors/names-honest.tsv")) {
            let (name, announced) = (row.text(0), row.text_or_same(1, 0));
            let path = SharePath::normalized(name).unwrap_or_else(|why| panic!("{name:?}: {why}"));
            assert_eq!(path.as_str(), announced);
            assert_eq!(SharePath::new(announced), Ok(path));
            assert_eq!(SharePath::new(name).is_ok(), name == announced, "{name:?}");
        }
    }

    #[test]
    fn normalizes_what_a_disk_holds() {
        assert_eq!(SharePath::normalized("e\u{301}/x").expect("composes").as_str(), "é/x");
        assert_eq!(SharePath::new("Trip/a/b").expect("valid").below("Trip"), Some("a/b"));
        assert_eq!(SharePath::new("Tripod/a").expect("valid").below("Trip"), None);
    }

    proptest::proptest! {
        #[test]
        fn a_valid_path_has_no_way_out(text in "(?s).{0,60}") {
            if let Ok(path) = SharePath::new(&text) {
                proptest::prop_assert!(path.parts().all(|p| !p.is_empty() && p != "." && p != ".."));
                proptest::prop_assert!(!path.as_str().chars().any(char::is_control));
                proptest::prop_assert_eq!(SharePath::normalized(path.as_str()), Ok(path));
            }
        }
    }
}
