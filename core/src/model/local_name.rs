//! From somebody else's name to a name for this computer's disk.
//!
//! A name is refused, or written under another name if the person says so; it is never rewritten in silence: that has
//! let names out of the folder again and again in other programs. What is refused everywhere would lead elsewhere or
//! mislead whoever reads it; beyond that each system refuses what it cannot hold or acts on by itself.

use std::fmt;

use crate::model::limits;
use crate::model::name_fault::NameFault;
use crate::model::share_path::SharePath;
use crate::model::shown;

/// What a system can hold as the name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux and its kind: any byte but `/` and NUL.
    Unix,
    /// As Unix, but a colon stands for a slash, and case does not matter.
    Mac,
    /// Devices, reserved characters and endings; case does not matter.
    Windows,
}

impl Platform {
    /// The one this runs on.
    pub const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_vendor = "apple") {
        Self::Mac
    } else {
        Self::Unix
    };

    /// Every one, for tables.
    pub const ALL: [Self; 3] = [Self::Unix, Self::Mac, Self::Windows];
}

/// One part of a path that is harmless as a file or folder name on this system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalName(String);

/// Why a name from somebody else is not written to disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name '{shown}' {why}; give a name of your own as local path, or add --rename-unsafe",
    shown = shown::Shown(name)
)]
pub struct UnsafeName {
    name: String,
    why: NameFault,
}

impl UnsafeName {
    /// This name, and what is wrong with it.
    pub(in crate::model) fn new(name: String, why: NameFault) -> Self {
        Self { name, why }
    }

    /// The name, which is a stranger's text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is wrong with it.
    pub fn fault(&self) -> NameFault {
        self.why
    }
}

impl LocalName {
    /// Checks one part of a remote path.
    pub fn new(part: &str) -> Result<Self, UnsafeName> {
        Self::on(Platform::HERE, part)
    }

    /// Checks it for a system.
    pub fn on(platform: Platform, part: &str) -> Result<Self, UnsafeName> {
        match fault_of(platform, part) {
            None => Ok(Self(part.to_owned())),
            Some(why) => Err(UnsafeName { name: part.to_owned(), why }),
        }
    }

    /// The nearest name that passes: what does not becomes `_`. A name that passes stays.
    pub fn near(platform: Platform, part: &str) -> Self {
        if let Ok(name) = Self::on(platform, part) {
            return name;
        }
        let is_bad = |c: char| is_misleading(c) || c == '/' || reserved(platform).contains(&c);
        let mut name: String = part.chars().map(|c| if is_bad(c) { '_' } else { c }).collect();
        if platform == Platform::Windows && name.ends_with(['.', ' ']) {
            name.pop();
            name.push('_');
        }
        if name.len() > limits::PATH_PART_BYTES_MAX - 2 {
            let end = (0..=limits::PATH_PART_BYTES_MAX - 2).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
            name.truncate(end);
        }
        if fault_of(platform, &name).is_some() && name.ends_with(limits::PART_SUFFIX) {
            name.push('_');
        }
        if fault_of(platform, &name).is_some() {
            name.insert(0, '_');
        }
        // `.potok-part` in other letters, or a device whose ending was the fault.
        if fault_of(platform, &name).is_some() {
            name.push('_');
        }
        Self(name)
    }

    /// Whether a system writes a file under exactly this name, if the person in front of it asks for it: Windows opens a
    /// device for `nul.txt`, and leaves the dot of `tail.` away.
    pub fn can_be_typed(platform: Platform, name: &str) -> bool {
        platform != Platform::Windows
            || !(name.ends_with(['.', ' ']) || is_device(name) || name.contains(reserved(platform)))
    }

    /// The same with a number, to tell it from another one.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        Self(numbered(&self.0, number))
    }

    /// Checks every part of what lies below a downloaded folder.
    pub fn parts_of(path: &SharePath) -> Result<Vec<Self>, UnsafeName> {
        path.parts().map(Self::new).collect()
    }

    /// The name as it is written to the disk.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is to a disk that ignores case: two names with one key are one file there. Whoever writes several names
    /// into one folder compares them (`service/downloader/adding`).
    pub fn case_key(&self) -> String {
        crate::model::username::fold_case(&self.0)
    }
}

/// Whether Windows may take a name for the short one that it gave to another file or folder: `PROGRA~1` is `Program Files`.
/// As a name it is harmless; what it opens must be looked at.
pub fn may_be_short(name: &str) -> bool {
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    let number = stem.rsplit_once('~').map_or("", |(_, number)| number);
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    is_number && stem.chars().count() <= 8 && ending.chars().count() <= 3 && !ending.contains('.')
}

/// A name with a number behind it, before its ending: `a (2).txt`. It stays as short as a name must be.
pub fn numbered(name: &str, number: usize) -> String {
    let (stem, ending) = match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    };
    let tail = format!(" ({number}){ending}");
    let room = limits::PATH_PART_BYTES_MAX.saturating_sub(tail.len());
    let end = (0..=stem.len().min(room)).rev().find(|at| stem.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{tail}", &stem[..end])
}

impl fmt::Display for LocalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Characters that nobody sees and that make a name look like another, or drive what shows it.
fn is_misleading(c: char) -> bool {
    c.is_control() || shown::is_direction_control(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Characters that a system keeps for itself.
fn reserved(platform: Platform) -> &'static [char] {
    match platform {
        Platform::Unix => &[],
        Platform::Mac => &[':'],
        Platform::Windows => &['\\', ':', '*', '?', '"', '<', '>', '|'],
    }
}

fn fault_of(platform: Platform, part: &str) -> Option<NameFault> {
    if part.is_empty() || part == "." || part == ".." {
        return Some(NameFault::NoName);
    }
    if part.len() > limits::PATH_PART_BYTES_MAX {
        return Some(NameFault::TooLong);
    }
    if part.chars().any(is_misleading) {
        return Some(NameFault::Invisible);
    }
    if part.chars().all(|c| c.is_whitespace() || shown::is_hidden(c)) {
        return Some(NameFault::Blank);
    }
    if part.contains('/') || part.contains(reserved(platform)) {
        return Some(NameFault::Reserved);
    }
    if part.to_ascii_lowercase().ends_with(limits::PART_SUFFIX) {
        return Some(NameFault::Unfinished);
    }
    if platform == Platform::Windows { fault_on_windows(part) } else { None }
}

fn fault_on_windows(part: &str) -> Option<NameFault> {
    if part.ends_with(['.', ' ']) {
        return Some(NameFault::Ending);
    }
    if is_device(part) {
        return Some(NameFault::Device);
    }
    if matches!(part.to_ascii_lowercase().as_str(), "desktop.ini" | "autorun.inf") {
        return Some(NameFault::WindowsActs);
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
    use crate::model::acted_on::{self, ChosenFolder};
    use crate::vectors;

    #[test]
    fn a_name_is_refused_where_it_does_harm() {
        use Platform::{Mac, Unix, Windows};
        for (name, refused) in [
            ("a.txt", &[][..]),
            ("a..b", &[]),
            ("foo... bar", &[]),
            ("#x", &[]),
            ("-rf", &[]),
            ("снимка 1.jpg", &[]),
            ("😀.png", &[]),
            ("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}.png", &[]),
            ("zero\u{200b}width", &[]),
            ("console.txt", &[]),
            (".gitignore", &[]),
            ("What now?.md", &[Windows]),
            ("Shot 12:34:56.png", &[Mac, Windows]),
            ("con.txt", &[Windows]),
            ("COM1", &[Windows]),
            ("com¹.x", &[Windows]),
            ("CONIN$", &[Windows]),
            ("aux .txt", &[Windows]),
            ("a.", &[Windows]),
            ("a ", &[Windows]),
            ("a\\b", &[Windows]),
            ("\"a\"", &[Windows]),
            ("desktop.ini", &[Windows]),
            ("", &Platform::ALL),
            ("..", &Platform::ALL),
            ("a/b", &Platform::ALL),
            ("a\0", &Platform::ALL),
            ("a\u{1b}[2J", &Platform::ALL),
            ("a\u{202e}b", &Platform::ALL),
            (" ", &Platform::ALL),
            ("\u{200b}", &Platform::ALL),
            ("x.Potok-Part", &Platform::ALL),
            (&"a".repeat(256), &Platform::ALL),
        ] {
            for platform in Platform::ALL {
                let result = LocalName::on(platform, name);
                assert_eq!(result.is_err(), refused.contains(&platform), "{name:?} {platform:?}");
                let near = LocalName::near(platform, name);
                assert!(LocalName::on(platform, near.as_str()).is_ok(), "{name:?} as {near} {platform:?}");
                assert_eq!(near.as_str() == name, result.is_ok(), "{name:?} as {near} {platform:?}");
            }
        }
        let near = |name| LocalName::near(Windows, name).to_string();
        assert_eq!([near("a?b.txt"), near("con.txt"), near("a.")], ["a_b.txt", "_con.txt", "a_"]);
        let number = |name| LocalName::on(Unix, name).expect("passes").numbered(2).to_string();
        assert_eq!([number("a.txt"), number("a"), number(".env")], ["a (2).txt", "a (2)", ".env (2)"]);
        let keys = Platform::ALL.map(|platform| LocalName::on(platform, "A.txt").expect("passes").case_key());
        assert_eq!(keys, ["a.txt"; 3]);
    }

    #[test]
    fn a_person_types_what_the_system_can_hold() {
        for (name, on_windows) in [
            ("a.txt", true),
            ("desktop.ini", true),
            ("PROGRA~1", true),
            ("мои снимки", true),
            ("CON", false),
            ("nul", false),
            ("nul.txt", false),
            ("tail.", false),
            ("tail ", false),
            ("a:b", false),
            ("what?", false),
        ] {
            assert_eq!(LocalName::can_be_typed(Platform::Windows, name), on_windows, "{name}");
            assert!(LocalName::can_be_typed(Platform::Unix, name), "{name}");
        }
    }

    #[test]
    fn short_names_are_known_by_their_form() {
        for name in ["PROGRA~1", "git~1", "x~1", "~1", "A~12.TXT", "TE021F~1.htm"] {
            assert!(may_be_short(name), "{name}");
        }
        for name in ["~", "a~", "~x", "a~b", "a~1b", "IMG_0001~2.jpg", "a~1.jpeg", "a~1.b.c", "a~1.x.potok-part"] {
            assert!(!may_be_short(name), "{name}");
        }
    }

    #[test]
    fn the_vectors_say_where_a_name_is_refused() {
        let hostile = vectors::rows(include_str!("../../../tests/vectors/names-hostile.tsv"));
        let honest = vectors::rows(include_str!("../../../tests/vectors/names-honest.tsv"));
        assert!(hostile.len() >= 400 && honest.len() >= 200, "{} and {}", hostile.len(), honest.len());
        // A whole path is refused as such, or at one of its parts, or because of where it leads.
        let is_refused = |platform, home: Option<&[String]>, name: &str| {
            let parts: Vec<&str> = name.split('/').collect();
            let is_bad = |part: &&str| LocalName::on(platform, part).is_err();
            SharePath::new(name).is_err()
                || parts.iter().any(is_bad)
                || acted_on::why(&ChosenFolder { below_home: home, ..ChosenFolder::default() }, &parts).is_some()
        };
        for row in &hostile {
            let (name, places) = (row.text_or_same(1, 1), row.text(3));
            for (place, platform) in [("unix", Platform::Unix), ("mac", Platform::Mac), ("windows", Platform::Windows)]
            {
                let is_listed = places == "all" || places.split(' ').any(|listed| listed == place);
                assert_eq!(is_refused(platform, None, name), is_listed, "{row:?} on {place}");
            }
            let is_listed = places == "all" || places.split(' ').any(|listed| matches!(listed, "home" | "unix"));
            assert_eq!(is_refused(Platform::Unix, Some(&[]), name), is_listed, "{row:?} in a home folder");
        }
        for row in honest {
            let name = row.text_or_same(1, 0);
            assert!(Platform::ALL.iter().all(|platform| !is_refused(*platform, None, name)), "{row:?}");
        }
    }
}
