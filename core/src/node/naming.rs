//! What somebody's files are called on this disk: as they are, or, if the person says so, under the nearest name that
//! does no harm here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::local_name::{LocalName, Platform, UnsafeName, why_acted_on};
use crate::node::failure::Failure;

/// Names that one download would get and that this system takes for the same; a number more tells them apart.
const SAME_NAMES_MAX: usize = 10_000;

/// Gives names to the files of one download.
#[derive(Debug)]
pub(super) struct Naming {
    platform: Platform,
    /// Where the folder that they go into lies in the home folder, if it does.
    below_home: Option<Vec<String>>,
    rename_unsafe: bool,
    /// What each name was made of, by what this system tells names apart.
    taken: BTreeMap<String, String>,
}

impl Naming {
    /// Names for files that go into a folder. Blocks: it looks at the disk.
    pub(super) fn new(into: &Path, rename_unsafe: bool) -> Self {
        Self::on(Platform::HERE, below_home(into), rename_unsafe)
    }

    fn on(platform: Platform, below_home: Option<Vec<String>>, rename_unsafe: bool) -> Self {
        Self { platform, below_home, rename_unsafe, taken: BTreeMap::new() }
    }

    /// The names for a file: below `top`, which the person chose or which passed before, those of its path.
    pub(super) fn names(&mut self, top: Option<&LocalName>, path: &str) -> Result<Vec<LocalName>, Failure> {
        let refused = |why: UnsafeName| Failure::UnsafeName { text: why.to_string() };
        let mut names: Vec<LocalName> = top.into_iter().cloned().collect();
        for part in path.split('/') {
            match LocalName::on(self.platform, part) {
                Ok(name) => names.push(name),
                Err(_) if self.rename_unsafe => names.push(LocalName::near(self.platform, part)),
                Err(why) => return Err(refused(why)),
            }
        }
        let first = usize::from(top.is_some());
        while let Some(why) = self.why_acted_on(&names, first) {
            // What begins with a dot is not found any more by who acts on it, and neither is what has another first name.
            let hidden = names.iter().skip(first).position(|name| name.as_str().starts_with('.'));
            let at = hidden.map_or(first, |at| at + first);
            if !self.rename_unsafe || names[at].as_str().starts_with("__") {
                return Err(refused(why));
            }
            let name = names[at].as_str();
            let renamed = name.strip_prefix('.').map_or_else(|| format!("_{name}"), |rest| format!("_{rest}"));
            names[at] = LocalName::near(self.platform, &renamed);
        }
        self.tell_apart(path, names)
    }

    /// The folder that all of them go into has this name, which the person chose or which passed.
    pub(super) fn go_into(&mut self, top: &LocalName) {
        if let Some(below_home) = &mut self.below_home {
            below_home.push(top.as_str().to_owned());
        }
    }

    fn why_acted_on(&self, names: &[LocalName], first: usize) -> Option<UnsafeName> {
        let parts: Vec<&str> = names.iter().map(LocalName::as_str).collect();
        why_acted_on(None, &parts).or_else(|| why_acted_on(self.below_home.as_deref(), parts.get(first..)?))
    }

    /// Two files whose names this system takes for the same are two files all the same.
    fn tell_apart(&mut self, path: &str, mut names: Vec<LocalName>) -> Result<Vec<LocalName>, Failure> {
        let Some(last) = names.pop() else { return Ok(names) };
        for number in 1..SAME_NAMES_MAX {
            let name = if number == 1 { last.clone() } else { last.numbered(number) };
            let keys = names.iter().chain([&name]).map(|name| name.collision_key(self.platform));
            let key = keys.collect::<Vec<_>>().join("/");
            match self.taken.get(&key) {
                Some(other) if other != path => {
                    if !self.rename_unsafe {
                        let text = format!(
                            "'{path}' and '{other}' are one file on this system; add --rename-unsafe to have both"
                        );
                        return Err(Failure::UnsafeName { text });
                    }
                }
                _ => {
                    self.taken.insert(key, path.to_owned());
                    names.push(name);
                    return Ok(names);
                }
            }
        }
        Err(Failure::UnsafeName { text: format!("too many files are called like '{path}'") })
    }
}

/// A file that is written under another name than its owner's, and where. The first names, `chosen` of them, are the
/// person's own.
pub(super) fn renamed(original: &str, into: &Path, names: &[LocalName], chosen: usize) -> Option<(String, PathBuf)> {
    let is_same = names.iter().skip(chosen).rev().zip(original.rsplit('/')).all(|(name, part)| name.as_str() == part);
    (!is_same).then(|| (original.to_owned(), names.iter().fold(into.to_owned(), |path, name| path.join(name.as_str()))))
}

fn below_home(into: &Path) -> Option<Vec<String>> {
    let home = std::env::home_dir()?.canonicalize().ok()?;
    let into = into.canonicalize().ok()?;
    let below = into.strip_prefix(home).ok()?;
    Some(below.iter().map(|part| part.to_string_lossy().into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(platform: Platform, home: Option<&[&str]>, rename: bool, paths: &[&str]) -> Vec<Option<String>> {
        let home = home.map(|parts| parts.iter().map(|part| (*part).to_owned()).collect());
        let mut naming = Naming::on(platform, home, rename);
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
            named(Unix, None, false, &paths),
            [some("proj/a?"), some("proj/.gitignore"), None, some("proj/a/b"), some("proj/A/b")]
        );
        assert_eq!(
            named(Windows, None, false, &paths),
            [None, some("proj/.gitignore"), None, some("proj/a/b"), None],
            "two names that are one there"
        );
        assert_eq!(
            named(Windows, None, true, &paths),
            [
                some("proj/a_"),
                some("proj/.gitignore"),
                some("proj/_git/hooks/x"),
                some("proj/a/b"),
                some("proj/A/b (2)")
            ]
        );
        let into_home = |rename, path| {
            let mut naming = Naming::on(Unix, Some(Vec::new()), rename);
            let names = naming.names(None, path).ok()?;
            Some(names.iter().map(LocalName::as_str).collect::<Vec<_>>().join("/"))
        };
        assert_eq!(into_home(false, ".bashrc"), None);
        assert_eq!(into_home(true, ".bashrc"), some("_bashrc"));
        assert_eq!(into_home(true, "Library/LaunchAgents/x"), some("_Library/LaunchAgents/x"));
        assert_eq!(into_home(false, "x/.bashrc"), some("x/.bashrc"));
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
