//! From what a person typed to the share path that others see, and back: what the owner typed also works as the remote
//! path of a download, without the owner's folders ever being told to anybody.

use crate::model::local_name::may_be_short;
use crate::model::share_path::{BadSharePath, SharePath};
use crate::model::shown::read_back;

/// Which characters separate the parts of a typed path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separators {
    /// `/` only; a backslash is a letter like any other.
    Slash,
    /// `/` and `\`, and a letter with a colon in front is a drive.
    SlashAndBackslash,
}

impl Separators {
    /// Those of the system this runs on.
    pub const HERE: Self = if cfg!(windows) { Self::SlashAndBackslash } else { Self::Slash };

    fn contains(self, c: char) -> bool {
        c == '/' || (c == '\\' && self == Self::SlashAndBackslash)
    }
}

/// The share path of a file: the path as typed where that stays below the current folder, else its file name.
pub fn of_file(typed: &str, separators: Separators) -> Result<SharePath, BadSharePath> {
    let read = TypedPath::read(typed, separators);
    if read.is_below { SharePath::normalized(&read.parts.join("/")) } else { SharePath::normalized(read.last()) }
}

/// The share path of a folder: its own name. `resolved_name` is that of the folder itself, for when it was typed as `.`
/// or `..`, or in the short form of Windows; a folder without a name, such as `/`, has no share path.
pub fn of_folder(typed: &str, resolved_name: &str, separators: Separators) -> Result<SharePath, BadSharePath> {
    let read = TypedPath::read(typed, separators);
    let is_short = |name: &str| separators == Separators::SlashAndBackslash && may_be_short(name);
    let typed_name = read.parts.last().copied().filter(|last| *last != ".." && !is_short(last));
    SharePath::normalized(typed_name.unwrap_or(resolved_name))
}

/// What the remote path of a download may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// One file, by its share path.
    File(SharePath),
    /// A folder: every share whose path lies below this one.
    Folder(SharePath),
}

/// The shares that a remote path may mean, the likeliest first: as it is; without `.` and `..`; and as its owner may
/// have typed it, an absolute or climbing path of a file by the file's name, a folder by its name; and all of that once
/// more as it was printed, if it has characters that were made visible. A path that ends in a separator is a folder only.
pub fn candidates(typed: &str) -> Vec<Candidate> {
    let mut found = as_typed(typed);
    let printed = read_back(typed);
    if printed != typed {
        let more: Vec<_> = as_typed(&printed).into_iter().filter(|candidate| !found.contains(candidate)).collect();
        found.extend(more);
    }
    found
}

fn as_typed(typed: &str) -> Vec<Candidate> {
    let readings =
        [Separators::Slash, Separators::SlashAndBackslash].map(|separators| TypedPath::read(typed, separators));
    let mut found = Vec::new();
    let mut add = |candidate: Candidate| {
        if !found.contains(&candidate) {
            found.push(candidate);
        }
    };
    let is_folder = typed.ends_with(['/', '\\']);
    if !is_folder {
        let joined =
            readings.iter().map(|read| if read.is_below { read.parts.join("/") } else { read.last().to_owned() });
        let texts = std::iter::once(typed.to_owned()).chain(joined);
        texts.filter_map(|text| SharePath::normalized(&text).ok()).for_each(|path| add(Candidate::File(path)));
    }
    let as_it_is = typed.trim_end_matches(['/', '\\']).to_owned();
    let joined = readings.iter().filter(|read| read.is_below).map(|read| read.parts.join("/"));
    let names = readings.iter().map(|read| read.last().to_owned());
    let texts = std::iter::once(as_it_is).chain(joined).chain(names);
    texts.filter_map(|text| SharePath::normalized(&text).ok()).for_each(|path| add(Candidate::Folder(path)));
    found
}

/// A typed path without empty parts and `.`, and with `..` taken off where there is something to take off.
struct TypedPath<'a> {
    parts: Vec<&'a str>,
    /// Whether it is relative and never climbs above where it began.
    is_below: bool,
}

impl<'a> TypedPath<'a> {
    fn read(typed: &'a str, separators: Separators) -> Self {
        let drive = match typed.as_bytes() {
            [letter, b':', ..] if separators == Separators::SlashAndBackslash && letter.is_ascii_alphabetic() => 2,
            _ => 0,
        };
        let at_home =
            typed == "~" || typed.strip_prefix('~').is_some_and(|rest| rest.starts_with(|c| separators.contains(c)));
        let is_absolute = drive > 0 || at_home || typed.starts_with(|c| separators.contains(c));
        let mut read = Self { parts: Vec::new(), is_below: !is_absolute };
        for part in typed[drive..].split(|c| separators.contains(c)) {
            match part {
                "" | "." => {}
                ".." if read.parts.last().is_some_and(|last| *last != "..") => {
                    read.parts.pop();
                }
                ".." => {
                    read.parts.push(part);
                    read.is_below = false;
                }
                _ => read.parts.push(part),
            }
        }
        read
    }

    /// The name at the end; empty if there is none.
    fn last(&self) -> &'a str {
        self.parts.last().copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_announced_as_typed_or_by_its_name() {
        for (typed, here, on_windows) in [
            ("a.txt", "a.txt", "a.txt"),
            ("docs/a.txt", "docs/a.txt", "docs/a.txt"),
            ("./docs//a.txt", "docs/a.txt", "docs/a.txt"),
            ("docs/../a.txt", "a.txt", "a.txt"),
            ("docs/x/../../docs/./a.txt", "docs/a.txt", "docs/a.txt"),
            ("../a.txt", "a.txt", "a.txt"),
            ("docs/../../here/docs/a.txt", "a.txt", "a.txt"),
            ("/home/ivan/docs/a.txt", "a.txt", "a.txt"),
            ("/a.txt", "a.txt", "a.txt"),
            ("~/docs/a.txt", "a.txt", "a.txt"),
            ("~x/a.txt", "~x/a.txt", "~x/a.txt"),
            ("docs\\a.txt", "docs\\a.txt", "docs/a.txt"),
            ("..\\a.txt", "..\\a.txt", "a.txt"),
            ("\\\\server\\docs\\a.txt", "\\\\server\\docs\\a.txt", "a.txt"),
            ("снимки/мо\u{438}\u{306}.jpg", "снимки/мой.jpg", "снимки/мой.jpg"),
            ("a..b/...", "a..b/...", "a..b/..."),
        ] {
            assert_eq!(of_file(typed, Separators::Slash).expect(typed).as_str(), here, "{typed}");
            assert_eq!(of_file(typed, Separators::SlashAndBackslash).expect(typed).as_str(), on_windows, "{typed}");
        }
        assert_eq!(of_file("C:\\docs\\a.txt", Separators::SlashAndBackslash).expect("valid").as_str(), "a.txt");
        assert_eq!(of_file("c:a.txt", Separators::SlashAndBackslash).expect("valid").as_str(), "a.txt");
        for bad in ["", "/", "..", "a\nb", "c:a.txt"] {
            assert!(of_file(bad, Separators::Slash).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_folder_is_announced_by_its_name() {
        for (typed, path) in [
            ("Trip", "Trip"),
            ("Trip/", "Trip"),
            ("photos/Trip//", "Trip"),
            ("/home/ivan/Trip", "Trip"),
            (".", "Resolved"),
            ("..", "Resolved"),
            ("../..", "Resolved"),
            ("Trip/..", "Resolved"),
            ("~", "~"),
            ("../Trip", "Trip"),
        ] {
            let resolved = if typed == "~" { "~" } else { "Resolved" };
            assert_eq!(of_folder(typed, resolved, Separators::Slash).expect(typed).as_str(), path, "{typed}");
        }
        assert!(of_folder("/", "", Separators::Slash).is_err());
        assert_eq!(of_folder("D:\\x\\Trip\\", "", Separators::SlashAndBackslash).expect("valid").as_str(), "Trip");
        for (separators, path) in [(Separators::Slash, "PROGRA~1"), (Separators::SlashAndBackslash, "Program Files")] {
            assert_eq!(of_folder("PROGRA~1", "Program Files", separators).expect("valid").as_str(), path);
        }
        for (typed, path) in [(r"\\nas\Trip", "Trip"), (r"\\?\C:\x\Trip", "Trip"), (r"\\?\UNC\nas\Trip\", "Trip")] {
            assert_eq!(of_folder(typed, "", Separators::SlashAndBackslash).expect("valid").as_str(), path);
        }
    }

    #[test]
    fn what_the_owner_typed_works_for_the_downloader() {
        let texts = |typed: &str| -> Vec<String> {
            candidates(typed)
                .iter()
                .map(|candidate| match candidate {
                    Candidate::File(path) => path.to_string(),
                    Candidate::Folder(path) => format!("{path}/"),
                })
                .collect()
        };
        for (typed, expected) in [
            ("a.txt", vec!["a.txt", "a.txt/"]),
            ("docs/a.txt", vec!["docs/a.txt", "docs/a.txt/", "a.txt/"]),
            ("./a.txt", vec!["a.txt", "a.txt/"]),
            ("a/../b", vec!["b", "b/"]),
            ("/x/a.txt", vec!["a.txt", "a.txt/"]),
            ("../a.txt", vec!["a.txt", "a.txt/"]),
            ("~/a", vec!["a", "~/a", "a/", "~/a/"]),
            ("in⟨U+200B⟩a/", vec!["in⟨U+200B⟩a/", "in\u{200b}a/"]),
            ("C:\\x\\a.txt", vec!["a.txt", "a.txt/"]),
            ("Trip/", vec!["Trip/"]),
            ("./photos/Trip/", vec!["photos/Trip/", "Trip/"]),
            ("/home/ivan/Trip/", vec!["Trip/"]),
            ("D:\\x\\Trip\\", vec!["Trip/"]),
            ("/", vec![]),
            ("", vec![]),
        ] {
            let mut found = texts(typed);
            let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            if typed == "~/a" {
                // A folder really called `~` is possible, so the order is by likelihood only.
                found.sort();
                expected.sort();
            }
            assert_eq!(found, expected, "{typed}");
        }
        assert_eq!(texts("docs\\a.txt")[..2], ["docs\\a.txt", "docs/a.txt"]);
    }

    proptest::proptest! {
        #[test]
        fn whatever_was_announced_is_found_by_what_was_typed(typed in "[a.~/\\\\:C]{1,12}") {
            for separators in [Separators::Slash, Separators::SlashAndBackslash] {
                if let Ok(path) = of_file(&typed, separators) && !typed.ends_with(['/', '\\']) {
                    proptest::prop_assert!(candidates(&typed).contains(&Candidate::File(path)));
                }
                if let Ok(path) = of_folder(&typed, "", separators) {
                    proptest::prop_assert!(candidates(&typed).contains(&Candidate::Folder(path)));
                }
            }
        }
    }
}
