//! Comparing what was found on the disk with what is shared, a bounded part at a time: whoever holds the library for it
//! holds it shortly, however large the folder is.

use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use crate::library::collision::Collision;
use crate::library::root::Root;
use crate::library::table::{Library, ShareEntry};
use crate::model::file_stamp::FileStamp;
use crate::model::share_path::{BadSharePath, SharePath};

/// A file that was seen on the disk and must be hashed before it can be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// What it will be announced under.
    pub path: SharePath,
    /// Where it is below the root's base.
    pub relative: String,
    /// Size and times of the file when it was seen, so that a later change is noticed.
    pub stamp: FileStamp,
}

/// What differs between the table and the disk, for one root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Paths that are announced and whose files were not found.
    pub gone: Vec<SharePath>,
    /// New, or not surely the same as it was.
    pub fresh: Vec<Fresh>,
    /// Cannot be shared, because their path is another file's.
    pub collisions: Vec<Collision>,
    /// Folders that have to be looked at as a whole: a file in them has the share path of another, which was not looked for.
    pub unclear: BTreeSet<String>,
    /// Cannot be shared, because no share path can be made of their name.
    pub unnameable: Vec<(String, BadSharePath)>,
}

/// A comparison that is under way.
#[derive(Debug)]
pub struct Comparison {
    root: Arc<Root>,
    start: String,
    found: std::vec::IntoIter<(String, FileStamp)>,
    seen: BTreeMap<SharePath, (String, FileStamp)>,
    stage: Stage,
    difference: Difference,
}

#[derive(Debug)]
enum Stage {
    /// What was found gets its share paths.
    Naming,
    /// What is shared is looked for in it; the page after this path is next.
    Missing(Option<SharePath>),
    /// What was found is looked for in what is shared.
    New,
}

impl Comparison {
    /// Begins to compare what was found at and below `start` of a root.
    pub fn new(root: Arc<Root>, start: &str, found: Vec<(String, FileStamp)>) -> Self {
        Self {
            root,
            start: start.to_owned(),
            found: found.into_iter(),
            seen: BTreeMap::new(),
            stage: Stage::Naming,
            difference: Difference::default(),
        }
    }

    /// Does at most so much of it; the result when nothing is left.
    pub fn step(&mut self, library: &Library, most: usize) -> Option<Difference> {
        match &self.stage {
            Stage::Naming => {
                let part: Vec<_> = self.found.by_ref().take(most).collect();
                if part.is_empty() {
                    self.stage = Stage::Missing(None);
                }
                part.into_iter().for_each(|(relative, stamp)| self.name(library, relative, stamp));
            }
            Stage::Missing(after) => {
                let page = library.page_of(&self.root, &self.start, after.as_ref(), most);
                // What the root holds no longer is being given up, or gets another name: whoever does that has it in hand.
                let is_gone = |(path, entry): &&(&SharePath, &ShareEntry)| {
                    !self.seen.contains_key(*path) && library.holds(self.root.id, &entry.relative)
                };
                let gone = page.entries.iter().filter(is_gone).map(|(path, _)| SharePath::clone(path));
                self.difference.gone.extend(gone);
                self.stage = page.next.map_or(Stage::New, |next| Stage::Missing(Some(next)));
            }
            Stage::New => {
                for _ in 0..most {
                    let Some((path, (relative, stamp))) = self.seen.pop_first() else {
                        return Some(std::mem::take(&mut self.difference));
                    };
                    self.compare(library, path, relative, stamp);
                }
            }
        }
        None
    }

    fn name(&mut self, library: &Library, relative: String, stamp: FileStamp) {
        if !library.holds(self.root.id, &relative) {
            return;
        }
        let path = match self.root.share_path(&relative) {
            Ok(path) => path,
            Err(why) => return self.difference.unnameable.push((relative, why)),
        };
        match self.seen.entry(path) {
            Vacant(free) => _ = free.insert((relative, stamp)),
            Occupied(mut other) => {
                // Two names of one folder are one share path, being different normal forms of one text. The one that is
                // shared keeps it, else the first; whichever was found first.
                let shared = library.entry(other.key()).map(|entry| entry.relative.as_str());
                let rank = |relative: &str| (shared != Some(relative), relative.to_owned());
                let is_better = rank(&relative) < rank(&other.get().0);
                let loser = if is_better { other.insert((relative, stamp)).0 } else { relative };
                let (first, second) = (self.root.local_path(&other.get().0), self.root.local_path(&loser));
                self.difference.collisions.push(Collision { path: other.key().clone(), first, second });
            }
        }
    }

    fn compare(&mut self, library: &Library, path: SharePath, relative: String, stamp: FileStamp) {
        match library.entry(&path) {
            Some(entry) if entry.root != self.root.id => {
                let (first, second) = (library.local_path(entry), self.root.local_path(&relative));
                if first != second {
                    self.difference.collisions.push(Collision { path, first, second });
                }
            }
            // Another normal form of the same name. Whether that file is still there was not looked at.
            Some(entry) if entry.relative != relative && !is_at_or_below(&entry.relative, &self.start) => {
                self.difference.unclear.insert(common_folder(&entry.relative, &relative).to_owned());
            }
            Some(entry) if entry.relative == relative && entry.stamp == stamp && entry.is_settled => {}
            _ => self.difference.fresh.push(Fresh { path, relative, stamp }),
        }
    }
}

/// What the same name may be in another normal form: it has the same share path.
pub fn other_forms(relative: &str) -> Vec<String> {
    if relative.is_ascii() {
        return Vec::new();
    }
    let forms = [relative.nfc().collect::<String>(), relative.nfd().collect()];
    forms.into_iter().filter(|form| form != relative).collect()
}

fn is_at_or_below(relative: &str, start: &str) -> bool {
    start.is_empty() || relative.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The deepest folder that both are in.
fn common_folder<'a>(one: &'a str, other: &str) -> &'a str {
    let ends = one.match_indices('/').map(|(at, _)| at);
    ends.take_while(|at| other.get(..=*at) == one.get(..=*at)).last().map_or("", |end| &one[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_are_in_one_folder() {
        for (one, other, expected) in [
            ("a", "b", ""),
            ("d/a", "d/b", "d"),
            ("d/e/a", "d/e/b", "d/e"),
            ("caf\u{e9}/a", "cafe\u{301}/a", ""),
            ("d/caf\u{e9}/a", "d/cafe\u{301}/a", "d"),
            ("d/a", "dd/a", ""),
        ] {
            assert_eq!(common_folder(one, other), expected, "{one} {other}");
            assert!(is_at_or_below(one, expected) && is_at_or_below(other, expected), "{one} {other}");
        }
        assert_eq!(other_forms("caf\u{e9}"), ["cafe\u{301}"]);
        assert_eq!(other_forms("cafe\u{301}"), ["caf\u{e9}"]);
        assert!(other_forms("cafe").is_empty() && other_forms("\u{444}").is_empty());
        assert!(!is_at_or_below("dd/a", "d") && is_at_or_below("d", "d") && !is_at_or_below("d", "d/a"));
    }
}
