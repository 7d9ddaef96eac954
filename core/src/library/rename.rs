//! Announcing what is shared under another share path: the same files with the same hashes, so nothing is read again.
//!
//! A root that is renamed becomes another root, and what is renamed in a folder becomes a root of its own, taken out of
//! the folder: whoever still looks at the old one finds nothing to say about the new name. It is planned and done a
//! bounded part at a time; a file has the old name or the new one at every moment, so that who fetches it goes on.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::library::changes::ShareChanges;
use crate::library::exclusions::Exclusions;
use crate::library::root::{Root, RootId};
use crate::library::table::{Collision, Library, ShareEntry};
use crate::library::unsaved::Unsaved;
use crate::model::share_path::{BadSharePath, SharePath};

/// Why nothing was renamed; all is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// Nothing is shared under the old name.
    #[error("not shared")]
    NotShared,
    /// What is below the new name would have no share path.
    #[error(transparent)]
    BadName(#[from] BadSharePath),
    /// Another file is shared under the new name, or under one below it.
    #[error(transparent)]
    Collision(#[from] Collision),
}

/// A rename that is under way: first planned, then done.
#[derive(Debug)]
pub struct Renaming {
    from: SharePath,
    to: SharePath,
    /// Old roots that are renamed as a whole or in part, with the place in them, and what they become.
    moves: BTreeMap<(RootId, String), NewRoot>,
    /// The share that was planned last.
    after: Option<SharePath>,
    shares: Vec<ShareMove>,
    is_begun: bool,
}

#[derive(Debug, Clone)]
struct NewRoot {
    root: Root,
    excluded: Exclusions,
}

/// One share that gets another name.
#[derive(Debug)]
struct ShareMove {
    old: SharePath,
    new: SharePath,
    /// The root it comes to; its number is known when that is set.
    key: (RootId, String),
    relative: String,
}

impl Renaming {
    /// Begins to plan that what is shared at and below `from` is announced at and below `to` instead.
    pub fn new(library: &Library, from: &SharePath, to: &SharePath) -> Result<Self, RenameError> {
        let mut moves = BTreeMap::new();
        let mut by_name = BTreeMap::new();
        for root in library.roots.announced_at_or_below(from) {
            let share_as = renamed(&root.share_as, from, to)?;
            // The same file may be shared by itself and with its folder, but not twice under one name.
            if by_name.insert((root.local.clone(), share_as.clone()), ()).is_none() {
                let excluded = library.exclusions(root.id).cloned().unwrap_or_default();
                moves.insert(
                    (root.id, String::new()),
                    NewRoot { root: Root { share_as, ..Root::clone(root) }, excluded },
                );
            }
        }
        if moves.is_empty() && library.at_or_below(from.as_str()).next().is_none() {
            return Err(RenameError::NotShared);
        }
        let (from, to) = (from.clone(), to.clone());
        Ok(Self { from, to, moves, after: None, shares: Vec::new(), is_begun: false })
    }

    /// Plans at most so many shares more; whether all are planned. After an error nothing was changed.
    pub fn plan(&mut self, library: &Library, most: usize) -> Result<bool, RenameError> {
        if self.from == self.to {
            return Ok(true);
        }
        let page = library.page_below(&self.from, self.after.as_ref(), most);
        for (old, entry) in page.entries {
            self.plan_one(library, old, entry)?;
        }
        let is_done = page.next.is_none();
        self.after = page.next;
        if is_done {
            // A name that is moved to may be one that is still to be moved from: that one goes first.
            if self.to.as_str().len() > self.from.as_str().len() {
                self.shares.sort_by_key(|share| share.old.as_str().len());
            } else {
                self.shares.sort_by_key(|share| Reverse(share.old.as_str().len()));
            }
        }
        Ok(is_done)
    }

    fn plan_one(&mut self, library: &Library, old: &SharePath, entry: &ShareEntry) -> Result<(), RenameError> {
        let Some(root) = library.root(entry.root) else { return Ok(()) };
        let new = renamed(old, &self.from, &self.to)?;
        let whole = (root.id, String::new());
        let (key, relative) = if self.moves.contains_key(&whole) || is_at_or_below(&root.share_as, &self.from) {
            (whole, entry.relative.clone())
        } else {
            // The name on the disk may be in another normal form than the share path, part for part.
            let below = old.parts().count() - self.from.parts().count();
            let parts: Vec<&str> = entry.relative.split('/').collect();
            let (at, rest) = parts.split_at(parts.len().saturating_sub(below));
            let is_folder = !rest.is_empty();
            let key = (root.id, at.join("/"));
            let new_root = self.moves.entry(key.clone()).or_insert_with(|| {
                let place = SharePath::normalized(&key.1).ok();
                // What was taken out of the folder stays out.
                let excluded = library.exclusions(root.id).zip(place).map(|(excluded, place)| excluded.below(&place));
                let local = root.local_path(&key.1);
                let root = Root { local, is_folder, share_as: self.to.clone(), ..Root::clone(root) };
                NewRoot { root, excluded: excluded.unwrap_or_default() }
            });
            let relative = if is_folder { rest.join("/") } else { new_root.root.start().to_owned() };
            (key, relative)
        };
        let second = library.local_path(entry);
        if let Some(other) = library.entry(&new).filter(|_| !is_at_or_below(&new, &self.from)) {
            let first = library.local_path(other);
            if Path::new(&first) != Path::new(&second) {
                return Err(Collision { path: new, first, second }.into());
            }
        }
        self.shares.push(ShareMove { old: old.clone(), new, key, relative });
        Ok(())
    }

    /// Does at most so much of it; whether all of it is done.
    pub fn step(
        &mut self,
        library: &mut Library,
        most: usize,
        changes: &mut ShareChanges,
        unsaved: &mut Unsaved,
    ) -> bool {
        if !self.is_begun {
            self.is_begun = true;
            self.begin(library, unsaved);
            return false;
        }
        for _ in 0..most {
            let Some(ShareMove { old, new, key, relative }) = self.shares.pop() else {
                self.moves.keys().filter(|(_, at)| at.is_empty()).for_each(|(id, _)| _ = library.roots.remove(*id));
                return true;
            };
            if let Some(new_root) = self.moves.get(&key) {
                library.rehome(&old, new, new_root.root.id, relative, changes);
            }
        }
        false
    }

    /// Sets the new roots, and adds nothing to the old ones any more.
    fn begin(&mut self, library: &mut Library, unsaved: &mut Unsaved) {
        let mut ended = BTreeSet::new();
        for ((old, at), new) in &mut self.moves {
            let place = SharePath::normalized(at).ok();
            match (place, library.roots.exclusions_mut(*old)) {
                (Some(place), Some(excluded)) => {
                    excluded.insert(place.clone());
                    unsaved.places.insert((*old, place));
                }
                _ => _ = ended.insert(*old),
            }
            new.root.id = library.next_root();
            unsaved.roots.insert(new.root.id);
            library.restore_root(new.root.clone(), new.excluded.clone());
        }
        for old in &ended {
            library.roots.end(*old);
            unsaved.roots.insert(*old);
            let hidden = library.root(*old).map(|root| library.hidden_by(root)).unwrap_or_default();
            for (folder, place) in hidden.into_iter().filter(|(folder, _)| !ended.contains(folder)) {
                library.exclude(folder, place, unsaved);
            }
        }
    }

    /// The roots under their new names, which are to be looked at.
    pub fn roots(&self) -> Vec<RootId> {
        self.moves.values().map(|new| new.root.id).collect()
    }
}

/// A path that is at or below `from`, at or below `to`.
fn renamed(path: &SharePath, from: &SharePath, to: &SharePath) -> Result<SharePath, BadSharePath> {
    path.below(from.as_str()).map_or_else(|| Ok(to.clone()), |below| to.join(below))
}

fn is_at_or_below(path: &SharePath, folder: &SharePath) -> bool {
    path == folder || path.below(folder.as_str()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::table::tests::{library, path, paths, root, scan};
    use std::sync::Arc;

    const FILES: [(&str, u8); 4] = [("a", 1), ("b", 2), ("sub/c", 3), ("sub/secret", 4)];

    /// A folder, of which something was taken out, one of its files under its own name too, and another file.
    fn fresh() -> Library {
        let excluded = [path("sub/secret")].into_iter().collect();
        let mut library = library(&[root(2, "/h/Trip/a", false, "Trip/a"), root(3, "/h/x", false, "x")]);
        library.restore_root(root(1, "/h/Trip", true, "Trip"), excluded);
        scan(&mut library, 2, "a", &[("a", 1)], 1);
        look(&mut library);
        scan(&mut library, 3, "x", &[("x", 9)], 1);
        library
    }

    /// Planned and done in small steps, so that every border between two of them is crossed.
    fn rename(
        library: &mut Library,
        from: &str,
        to: &str,
        changes: &mut ShareChanges,
    ) -> Result<(Vec<RootId>, Unsaved), RenameError> {
        let mut renaming = Renaming::new(library, &path(from), &path(to))?;
        while !renaming.plan(library, 1)? {}
        let mut unsaved = Unsaved::default();
        let count = library.len();
        while !renaming.step(library, 1, changes, &mut unsaved) {
            assert_eq!(library.len(), count, "each file has one name at every moment");
        }
        Ok((renaming.roots(), unsaved))
    }

    /// Everything that is on the disk is found again.
    fn look(library: &mut Library) {
        let roots: Vec<Arc<Root>> = library.roots().cloned().collect();
        for root in roots.iter().filter(|root| root.is_folder && root.local.starts_with("/h/Trip")) {
            let below = root.local["/h/Trip".len()..].trim_start_matches('/');
            let inside = FILES.iter().filter_map(|(name, content)| Some((name.strip_prefix(below)?, *content)));
            let inside: Vec<(&str, u8)> =
                inside.map(|(name, content)| (name.trim_start_matches('/'), content)).collect();
            scan(library, root.id.0, "", &inside, 1);
        }
    }

    #[test]
    fn what_is_renamed_has_the_new_name_and_stays_so() {
        for (from, to, after) in [
            ("Trip", "Journey", &["Journey/a", "Journey/b", "Journey/sub/c", "x"][..]),
            ("Trip", "x y/z", &["x", "x y/z/a", "x y/z/b", "x y/z/sub/c"]),
            ("Trip", "Trip/deeper", &["Trip/deeper/a", "Trip/deeper/b", "Trip/deeper/sub/c", "x"]),
            ("Trip/a", "first", &["Trip/b", "Trip/sub/c", "first", "x"]),
            ("Trip/b", "Trip/c", &["Trip/a", "Trip/c", "Trip/sub/c", "x"]),
            ("Trip/sub", "Sub", &["Sub/c", "Trip/a", "Trip/b", "x"]),
            ("Trip/sub/c", "c", &["Trip/a", "Trip/b", "c", "x"]),
            ("x", "X", &["Trip/a", "Trip/b", "Trip/sub/c", "X"]),
            ("x", "x", &["Trip/a", "Trip/b", "Trip/sub/c", "x"]),
        ] {
            let mut library = fresh();
            let before = library.shares().collect::<Vec<_>>();
            let mut changes = ShareChanges::default();
            let (look_at, unsaved) = rename(&mut library, from, to, &mut changes).expect(from);
            assert_eq!(paths(&library), after, "{from} to {to}");
            let contents = |shares: &[crate::model::share::Share]| {
                let mut hashes: Vec<_> = shares.iter().map(|share| share.hash).collect();
                hashes.sort();
                hashes
            };
            assert_eq!(contents(&before), contents(&library.shares().collect::<Vec<_>>()), "nothing was read");
            let (added, removed) = changes.into_parts();
            let told = before.iter().filter(|share| !removed.contains(&share.path)).chain(&added);
            let mut told: Vec<_> = told.map(|share| share.path.as_str().to_owned()).collect();
            told.sort();
            assert_eq!(told, after, "what others are told, {from} to {to}");
            assert!(look_at.iter().all(|id| library.root(*id).is_some() && unsaved.roots.contains(id)));

            look(&mut library);
            assert_eq!(paths(&library), after, "nothing comes back, {from} to {to}");
        }
    }

    #[test]
    fn a_name_that_is_taken_changes_nothing() {
        let long = format!("{}/y", "z/".repeat(509).trim_end_matches('/'));
        for (from, to, refused) in [
            ("Trip/b", "x", "taken"),
            ("x", "Trip/sub/c", "taken"),
            ("Trip/b", "Trip/a", "taken"),
            ("Trip", &long, "bad name"),
            ("none", "x", "not shared"),
            ("Trip/sub/secret", "mine", "not shared"),
        ] {
            let mut library = fresh();
            let mut changes = ShareChanges::default();
            let (before, roots) = (paths(&library), library.roots().cloned().collect::<Vec<_>>());
            let why = match rename(&mut library, from, to, &mut changes).expect_err(from) {
                RenameError::NotShared => "not shared",
                RenameError::BadName(_) => "bad name",
                RenameError::Collision(_) => "taken",
            };
            assert_eq!(why, refused, "{from} to {to}");
            assert_eq!((paths(&library), library.roots().cloned().collect::<Vec<_>>()), (before, roots));
            assert!(changes.is_empty());
        }
    }
}
