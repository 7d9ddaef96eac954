//! How quotes are typed where a backslash parts folders: `"C:\Users\Anna\"` as Explorer copies it is this very path.
//!
//! Every line is read and written in one grammar ([`potok_core::protocol::field`]), in which a backslash stands before
//! `"` and `\` inside quotes. On Windows a backslash in quotes is a letter like any other, and a quote inside quotes is
//! written twice, as in its own shells: no name there has one, but share paths of others may. A line is turned into the
//! grammar's before anything reads it, and back when Potok shows one.

use std::borrow::Cow;

/// How a text in quotes is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `\"` and `\\`.
    Unix,
    /// `""`; a backslash is itself.
    Windows,
}

impl Dialect {
    /// That of the system this runs on.
    pub const HERE: Self = if cfg!(windows) { Self::Windows } else { Self::Unix };

    /// A typed line as the grammar has it.
    pub fn read(self, line: &str) -> Cow<'_, str> {
        if self == Self::Unix || !line.contains('"') {
            return Cow::Borrowed(line);
        }
        let mut read = String::with_capacity(line.len());
        let mut is_inside = false;
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '\\' if is_inside => read.push_str(r"\\"),
                '"' if is_inside && characters.next_if_eq(&'"').is_some() => read.push_str("\\\""),
                '"' => {
                    is_inside = !is_inside;
                    read.push(c);
                }
                _ => read.push(c),
            }
        }
        Cow::Owned(read)
    }

    /// A line of the grammar as it is typed.
    pub fn write(self, line: String) -> String {
        if self == Self::Unix || !line.contains('"') {
            return line;
        }
        let mut written = String::with_capacity(line.len());
        let mut is_inside = false;
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match c {
                '\\' if is_inside => match characters.next() {
                    Some('"') => written.push_str("\"\""),
                    escaped => written.extend(escaped),
                },
                '"' => {
                    is_inside = !is_inside;
                    written.push(c);
                }
                _ => written.push(c),
            }
        }
        written
    }

    /// Whether a backslash in quotes says that the next character is meant as it is.
    pub fn has_escapes(self) -> bool {
        self == Self::Unix
    }
}

#[cfg(test)]
mod tests {
    use potok_core::protocol::field::{Quoted, fields};

    use super::*;

    #[test]
    fn a_path_is_typed_as_windows_writes_it() {
        for (typed, read) in [
            (r"C:\dir\a.txt", r"C:\dir\a.txt"),
            (r#""C:\dir\a.txt""#, r#""C:\\dir\\a.txt""#),
            (r#""C:\""#, r#""C:\\""#),
            (r#""\\nas\our files\a, b.txt", c"#, r#""\\\\nas\\our files\\a, b.txt", c"#),
            (r#""\\?\C:\very long\x""#, r#""\\\\?\\C:\\very long\\x""#),
            (r#""a ""b"" c""#, r#""a \"b\" c""#),
            (r#""""a""""#, r#""\"a\"""#),
            (r#""" x "" """#, r#""" x "" """#),
            (r#""C:\a" as "b/c""#, r#""C:\\a" as "b/c""#),
            (r#""C:\a"#, r#""C:\\a"#),
        ] {
            assert_eq!(Dialect::Windows.read(typed), read, "{typed}");
            assert_eq!(Dialect::Unix.read(typed), typed, "{typed}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(texts in proptest::collection::vec("[a \"\\\\,я]{0,8}", 1..4)) {
            let line = texts.iter().map(|text| Quoted(text).to_string()).collect::<Vec<_>>().join(" ");
            for dialect in [Dialect::Unix, Dialect::Windows] {
                let typed = dialect.write(line.clone());
                let grammar = dialect.read(&typed).into_owned();
                let read: Vec<String> = fields(&grammar).expect(&typed).into_iter().map(|f| f.text.into_owned()).collect();
                proptest::prop_assert_eq!(&read, &texts, "{}", typed);
            }
        }

        #[test]
        fn any_line_is_turned(line in "(?s).{0,40}") {
            let _ = Dialect::Windows.read(&line);
            let _ = Dialect::Windows.write(line);
        }
    }
}
