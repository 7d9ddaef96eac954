//! How a path of this computer is told to the person who sits at it.
//!
//! Windows resolves a path to its literal form, `\\?\C:\dir` or `\\?\UNC\server\share`, and inside Potok it stays that: it may be
//! long, and names in it are taken as they are. Explorer and most programs know `C:\dir` and `\\server\share` only, so this is
//! what a person sees, copies and pipes, and what other programs are given.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::local_name::{LocalName, Platform};
use crate::model::shown::Shown;

/// What a literal path of Windows begins with.
const LITERAL: &str = r"\\?\";
/// What a literal path of another computer's share begins with.
const LITERAL_SHARE: &str = r"\\?\UNC\";

/// Prints a path in its usual form, with everything in it made visible as [`Shown`] does.
#[derive(Debug)]
pub struct ShownPath<'a, P: ?Sized>(pub &'a P);

impl<P: AsRef<Path> + ?Sized> fmt::Display for ShownPath<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(&usual_path(self.0.as_ref())).fmt(f)
    }
}

/// The path as the programs of this system write it.
pub fn usual_path(path: &Path) -> Cow<'_, str> {
    match path.to_string_lossy() {
        Cow::Borrowed(text) => usual_on(Platform::HERE, text),
        Cow::Owned(text) => Cow::Owned(usual_on(Platform::HERE, &text).into_owned()),
    }
}

/// The same for whoever wants a path. What is not Unicode stays as it is.
pub fn usual_path_buf(path: &Path) -> PathBuf {
    path.to_str().map_or_else(|| path.to_owned(), |text| usual_on(Platform::HERE, text).into_owned().into())
}

/// An absolute path in the form in which roots are kept, on a system that has one of its own; nothing is looked at on the disk.
pub fn literal_path(path: &Path) -> Option<PathBuf> {
    literal_on(Platform::HERE, path.to_str()?).map(PathBuf::from)
}

fn usual_on(platform: Platform, text: &str) -> Cow<'_, str> {
    if platform != Platform::Windows {
        return Cow::Borrowed(text);
    }
    // In the usual form Windows would take these for something else: a device, `tail` for `tail.`, the folder above.
    let is_same = |below: &str| {
        let is_name = |part: &str| {
            !matches!(part, "." | "..") && !part.contains('/') && LocalName::can_be_typed(Platform::Windows, part)
        };
        below.split('\\').all(is_name)
    };
    let share = text.get(..LITERAL_SHARE.len()).filter(|start| start.eq_ignore_ascii_case(LITERAL_SHARE));
    if share.is_some() {
        let share = &text[LITERAL_SHARE.len()..];
        return if is_same(share) { Cow::Owned(format!(r"\\{share}")) } else { Cow::Borrowed(text) };
    }
    let on_drive = text.strip_prefix(LITERAL).filter(|rest| is_on_drive(rest) && is_same(&rest[2..]));
    Cow::Borrowed(on_drive.unwrap_or(text))
}

fn literal_on(platform: Platform, text: &str) -> Option<String> {
    if platform != Platform::Windows || text.starts_with(LITERAL) || text.starts_with(r"\\.\") {
        return None;
    }
    if let Some(share) = text.strip_prefix(r"\\") {
        return Some(format!("{LITERAL_SHARE}{share}"));
    }
    is_on_drive(text).then(|| format!("{LITERAL}{text}"))
}

/// Whether a path begins with a drive and its root: `C:\`.
fn is_on_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', b'\\', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_windows_is_shown_as_explorer_shows_it() {
        let long = format!(r"C:\{}", vec!["folder"; 100].join(r"\"));
        for (literal, usual) in [
            (r"\\?\C:\Users\Anna\снимка 1.jpg", r"C:\Users\Anna\снимка 1.jpg"),
            (r"\\?\c:\", r"c:\"),
            (r"\\?\UNC\nas\our files\a.txt", r"\\nas\our files\a.txt"),
            (r"\\?\UNC\nas\C$", r"\\nas\C$"),
            (&format!(r"\\?\{long}"), &long),
        ] {
            assert_eq!(usual_on(Platform::Windows, literal), usual);
            assert_eq!(literal_on(Platform::Windows, usual).as_deref(), Some(literal));
            // It may be shown twice.
            assert_eq!(usual_on(Platform::Windows, usual), usual);
            for other in [Platform::Unix, Platform::Mac] {
                assert_eq!(usual_on(other, literal), literal, "there it is a name like any other");
                assert_eq!(literal_on(other, usual), None);
            }
        }
        assert_eq!(usual_on(Platform::Windows, r"\\?\unc\nas\x"), r"\\nas\x");
    }

    #[test]
    fn what_has_no_usual_form_stays_literal() {
        for stays in [
            r"\\?\C:\a\CON",
            r"\\?\C:\nul.txt\x",
            r"\\?\C:\tail.",
            r"\\?\C:\a \b",
            r"\\?\C:\a\..\b",
            r"\\?\C:\a/b",
            r"\\?\UNC\nas\x\COM1",
            r"\\?\C:",
            r"\\?\Volume{b75e2c83-0000-0000-0000-602f00000000}\x",
            r"\\?\GLOBALROOT\Device\x",
            r"\\?\",
            r"\\.\COM1",
            r"C:\plain",
            r"\\nas\plain",
            "relative",
            "",
        ] {
            assert_eq!(usual_on(Platform::Windows, stays), stays);
        }
        for none in [r"\\?\C:\x", r"\\.\COM1", "C:", "C:x", r"\x", "x", "", "é:\\"] {
            assert_eq!(literal_on(Platform::Windows, none), None, "{none}");
        }
    }

    #[test]
    fn strange_characters_are_made_visible() {
        assert_eq!(ShownPath("a\u{202e}b").to_string(), "a⟨U+202E⟩b");
        assert_eq!(ShownPath(Path::new("/home/a")).to_string(), "/home/a");
    }

    proptest::proptest! {
        #[test]
        fn the_literal_form_leads_to_the_same(text in r"(\\\\\?\\)?(UNC\\|[cC]:)?[a .\\/~1éCON:]{0,12}") {
            let usual = usual_on(Platform::Windows, &text);
            if usual != text {
                let again = literal_on(Platform::Windows, &usual).expect("it was literal");
                proptest::prop_assert!(again.eq_ignore_ascii_case(&text), "{} {}", again, text);
            }
        }
    }
}
