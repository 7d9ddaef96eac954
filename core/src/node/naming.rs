//! What somebody's files are called on this disk: as they are, or, if the person says so, under the nearest name that
//! does no harm here.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::disk::place::case::tells_case_apart;
use crate::model::acted_on::{self, ChosenFolder};
use crate::model::local_name::{LocalName, Platform, UnsafeName};
use crate::node::failure::Failure;

/// Names that one download would get and that this system takes for the same; a number more tells them apart.
const SAME_NAMES_MAX: usize = 10_000;

/// Gives names to the files of one download.
pub(super) struct Naming {
    platform: Platform,
    /// The folder that they go into, from the top of the disk.
    into: Vec<String>,
    /// How many names of it are those of the home folder, if it lies there.
    home: Option<usize>,
    rename_unsafe: bool,
    /// Whether the disk takes `Makefile` and `makefile` for one; it is asked when that matters.
    ignores_case: LazyCell<bool, Box<dyn FnOnce() -> bool + Send>>,
    /// What each name was made of.
    taken: BTreeMap<String, String>,
    /// The same by the names without case.
    taken_but_for_case: BTreeMap<String, String>,
    /// The number that is tried next, by the name without case and with the longest number. Long names are cut for their
    /// numbers, so that many that differ in their ends alone share theirs.
    next_numbers: BTreeMap<String, usize>,
}

impl Naming {
    /// Names for files that go into a folder. Blocks: it looks at the disk.
    pub(super) fn new(into: &Path, rename_unsafe: bool) -> Self {
        let into = resolved(into);
        let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        let home = home.filter(|home| into.starts_with(home)).map(|home| names_of(&home).len());
        let names = names_of(&into);
        let ignores_case = move || Platform::HERE != Platform::Unix || ignores_case(&into);
        Self::on(Platform::HERE, ignores_case, names, home, rename_unsafe)
    }

    fn on(
        platform: Platform,
        ignores_case: impl FnOnce() -> bool + Send + 'static,
        into: Vec<String>,
        home: Option<usize>,
        rename_unsafe: bool,
    ) -> Self {
        let ignores_case = LazyCell::new(Box::new(ignores_case) as Box<dyn FnOnce() -> bool + Send>);
        let (taken, taken_but_for_case, next_numbers) = Default::default();
        Self { platform, into, home, rename_unsafe, ignores_case, taken, taken_but_for_case, next_numbers }
    }

    /// The names for a file: below `top`, which the person chose or which passed before, those of its path.
    pub(super) fn names(&mut self, top: Option<&LocalName>, path: &str) -> Result<Vec<LocalName>, Failure> {
        let mut names: Vec<LocalName> = top.into_iter().cloned().collect();
        for part in path.split('/') {
            match LocalName::on(self.platform, part) {
                Ok(name) => names.push(name),
                Err(_) if self.rename_unsafe => names.push(LocalName::near(self.platform, part)),
                Err(why) => return Err(why.into()),
            }
        }
        let first = usize::from(top.is_some());
        while let Some(why) = self.why_acted_on(&names, first) {
            // What begins with a dot is not found any more by who acts on it, and neither is what has another first name.
            let hidden = names.iter().skip(first).position(|name| name.as_str().starts_with('.'));
            let at = hidden.map_or(first, |at| at + first);
            if !self.rename_unsafe || names[at].as_str().starts_with("__") {
                return Err(why.into());
            }
            let name = names[at].as_str();
            let renamed = name.strip_prefix('.').map_or_else(|| format!("_{name}"), |rest| format!("_{rest}"));
            names[at] = LocalName::near(self.platform, &renamed);
        }
        self.tell_apart(path, names)
    }

    /// The name for a folder that all of them go into.
    pub(super) fn top(&mut self, name: &str) -> Result<LocalName, Failure> {
        // Judged as what it is: something is in it.
        Ok(self.names(None, &format!("{name}/_"))?.swap_remove(0))
    }

    /// The folder that all of them go into has this name, which the person chose or which passed.
    pub(super) fn go_into(&mut self, top: &LocalName) {
        self.into.push(top.as_str().to_owned());
    }

    fn why_acted_on(&self, names: &[LocalName], first: usize) -> Option<UnsafeName> {
        let parts: Vec<&str> = names.iter().skip(first).map(LocalName::as_str).collect();
        let below_home = self.home.and_then(|home| self.into.get(home..));
        acted_on::why(&ChosenFolder { whole: Some(&self.into), below_home }, &parts)
    }

    /// Two files whose names this system takes for the same are two files all the same.
    fn tell_apart(&mut self, path: &str, mut names: Vec<LocalName>) -> Result<Vec<LocalName>, Failure> {
        let Some(last) = names.pop() else { return Ok(names) };
        let key_of = |name: &LocalName, of: fn(&LocalName) -> String| {
            names.iter().chain([name]).map(of).collect::<Vec<_>>().join("/")
        };
        let numbers = key_of(&last.numbered(SAME_NAMES_MAX), LocalName::case_key);
        let mut number = 1;
        while number < SAME_NAMES_MAX {
            let name = if number == 1 { last.clone() } else { last.numbered(number) };
            let exact = key_of(&name, |name| name.as_str().to_owned());
            let but_for_case = key_of(&name, LocalName::case_key);
            let same = self.taken.get(&exact).filter(|other| *other != path).cloned();
            let Some(other) = same.or_else(|| self.same_but_for_case(&but_for_case, path)) else {
                self.taken.insert(exact, path.to_owned());
                self.taken_but_for_case.entry(but_for_case).or_insert_with(|| path.to_owned());
                names.push(name);
                return Ok(names);
            };
            if !self.rename_unsafe {
                return Err(Failure::SameName { path: path.to_owned(), other });
            }
            let next = self.next_numbers.entry(numbers.clone()).or_insert(2);
            (number, *next) = (*next, *next + 1);
        }
        Err(Failure::TooManyAlike { path: path.to_owned() })
    }

    /// Whose name this one is, where only case tells them apart and the disk does not look at it.
    fn same_but_for_case(&self, key: &str, path: &str) -> Option<String> {
        let other = self.taken_but_for_case.get(key).filter(|other| *other != path)?;
        self.ignores_case.then(|| other.clone())
    }
}

impl fmt::Debug for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Naming").field("platform", &self.platform).field("into", &self.into).finish_non_exhaustive()
    }
}

/// Whether the disk of a folder, which need not be there yet, takes `Makefile` and `makefile` for one.
fn ignores_case(folder: &Path) -> bool {
    folder.ancestors().find(|above| above.is_dir()).is_some_and(|above| !tells_case_apart(above))
}

/// A file that is written under another name than its owner's, and where. The first names, `chosen` of them, are the
/// person's own.
pub(super) fn renamed(original: &str, into: &Path, names: &[LocalName], chosen: usize) -> Option<(String, PathBuf)> {
    let is_same = names.iter().skip(chosen).rev().zip(original.rsplit('/')).all(|(name, part)| name.as_str() == part);
    (!is_same).then(|| (original.to_owned(), names.iter().fold(into.to_owned(), |path, name| path.join(name.as_str()))))
}

/// A folder without links on the way, also if it, or what is above it, is not there yet.
fn resolved(folder: &Path) -> PathBuf {
    let known = folder.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    match known {
        Some((above, resolved)) => folder.strip_prefix(above).map_or(resolved.clone(), |rest| resolved.join(rest)),
        None => folder.to_owned(),
    }
}

fn names_of(path: &Path) -> Vec<String> {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn named(platform: Platform, rename: bool, paths: &[&str]) -> Vec<Option<String>> {
        named_on_disk(platform, platform != Platform::Unix, rename, paths)
    }

    fn named_on_disk(platform: Platform, ignores_case: bool, rename: bool, paths: &[&str]) -> Vec<Option<String>> {
        let mut naming = Naming::on(platform, move || ignores_case, Vec::new(), None, rename);
        let top = LocalName::on(platform, "proj").expect("passes");
        let name = |path: &&str| {
            let names = naming.names(Some(&top), path).ok()?;
            Some(names.iter().map(LocalName::as_str).collect::<Vec<_>>().join("/"))
        };
        paths.iter().map(name).collect()
    }

    #[test]
    fn names_are_kept_refused_or_changed_if_the_person_says_so() {
        use Platform::{Unix, Windows};
        let some = |name: &str| Some(name.to_owned());
        let paths = ["a?", ".gitignore", ".git/hooks/x", "a/b", "A/b"];
        assert_eq!(
            named(Unix, false, &paths),
            [some("proj/a?"), some("proj/.gitignore"), None, some("proj/a/b"), some("proj/A/b")]
        );
        assert_eq!(
            named(Windows, false, &paths),
            [None, some("proj/.gitignore"), None, some("proj/a/b"), None],
            "two names that are one there"
        );
        assert_eq!(
            named(Windows, true, &paths),
            [
                some("proj/a_"),
                some("proj/.gitignore"),
                some("proj/_git/hooks/x"),
                some("proj/a/b"),
                some("proj/A/b (2)")
            ]
        );
        let into_home = |rename, path| {
            let mut naming = Naming::on(Unix, || false, vec!["home".into(), "anna".into()], Some(2), rename);
            let names = naming.names(None, path).ok()?;
            Some(names.iter().map(LocalName::as_str).collect::<Vec<_>>().join("/"))
        };
        assert_eq!(into_home(false, ".bashrc"), None);
        assert_eq!(into_home(true, ".bashrc"), some("_bashrc"));
        assert_eq!(into_home(true, "Library/LaunchAgents/x"), some("_Library/LaunchAgents/x"));
        assert_eq!(into_home(false, "x/.bashrc"), some("x/.bashrc"));
        // A folder of that name is one; a file of that name says where git finds what it runs.
        let git = |rename| Naming::on(Unix, || false, Vec::new(), None, rename);
        assert_eq!(git(false).top(".git").map(|name| name.to_string()), Ok(".git".to_owned()));
        assert!(git(false).names(None, ".git").is_err());
        let mut below = git(false);
        below.go_into(&LocalName::on(Unix, ".git").expect("passes"));
        assert!(below.names(None, "hooks/update").is_err() && below.names(None, "objects/ab").is_ok());
    }

    #[test]
    fn two_names_that_are_one_on_this_disk_are_told_apart() {
        let some = |name: &str| Some(name.to_owned());
        let paths =
            ["src/Makefile", "src/makefile", "SRC/Makefile", "src/MAKEFILE", "src/makefile (2)", "b\u{1}", "b\u{2}"];
        assert_eq!(
            named_on_disk(Platform::Unix, true, true, &paths),
            [
                some("proj/src/Makefile"),
                some("proj/src/makefile (2)"),
                some("proj/SRC/Makefile (3)"),
                some("proj/src/MAKEFILE (4)"),
                some("proj/src/makefile (2) (2)"),
                some("proj/b_"),
                some("proj/b_ (2)"),
            ]
        );
        let refused = named_on_disk(Platform::Unix, true, false, &paths[..3]);
        assert_eq!(refused, [some("proj/src/Makefile"), None, None]);
        let kept = named_on_disk(Platform::Unix, false, false, &paths[..4]);
        assert!(kept.iter().zip(paths).all(|(name, path)| *name == some(&format!("proj/{path}"))), "{kept:?}");
        // Thousands of them are numbered in turn, none from the start again.
        let many: Vec<String> = (0..1 << 12)
            .map(|bits: u32| (0..12).map(|at| if bits >> at & 1 == 0 { 'a' } else { 'A' }).collect())
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let names = named_on_disk(Platform::Windows, true, true, &many);
        assert_eq!(names.last(), Some(&some("proj/AAAAAAAAAAAA (4096)")));
        // So are those that are too long for their ends to stay when they are numbered.
        let long = |at: usize| [format!("{}{at:04}", "x".repeat(251)), format!("{}{at:04}", "X".repeat(251))];
        let long: Vec<String> = (0..300).flat_map(long).collect();
        let mut naming = Naming::on(Platform::Windows, || true, Vec::new(), None, true);
        let taken: BTreeSet<String> =
            long.iter().map(|path| naming.names(None, path).expect(path)[0].case_key()).collect();
        assert_eq!((taken.len(), naming.next_numbers.into_values().collect::<Vec<_>>()), (600, vec![302]));
    }

    #[test]
    fn a_folder_that_is_not_there_yet_is_where_it_will_be() {
        let home = tempfile::tempdir().expect("a folder");
        let real = home.path().canonicalize().expect("resolves");
        std::fs::create_dir(real.join("there")).expect("made");
        assert_eq!(resolved(&real.join("there")), real.join("there"));
        assert_eq!(resolved(&real.join("there/new/x")), real.join("there/new/x"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("there", real.join("link")).expect("made");
            assert_eq!(resolved(&real.join("link/new")), real.join("there/new"));
        }
    }

    #[test]
    fn what_is_changed_is_told() {
        let names = |parts: &[&str]| parts.iter().map(|part| LocalName::new(part).expect("passes")).collect::<Vec<_>>();
        let into = Path::new("in");
        assert_eq!(
            renamed("P/a?", into, &names(&["mine", "a_"]), 1),
            Some(("P/a?".into(), into.join("mine").join("a_")))
        );
        assert_eq!(
            renamed("P/sub/a", into, &names(&["mine", "sub", "a"]), 1),
            None,
            "the top is the person's own name"
        );
    }
}
