//! Announcing what is shared under another share path: the same files with the same hashes, so nothing is read again.
//!
//! A root that is renamed becomes another root, and what is renamed in a folder becomes a root of its own, taken out of
//! the folder: whoever still looks at the old one finds nothing to say about the new name.

use std::collections::BTreeMap;
use std::path::Path;

use crate::library::changes::ShareChanges;
use crate::library::root::{Root, RootId};
use crate::library::table::{Collision, Library, ShareEntry};
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

/// What the caller has to do after a rename.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renamed {
    /// Roots to be remembered, or forgotten if they are no more.
    pub save: Vec<RootId>,
    /// Roots to be looked at, since the old ones are not any more.
    pub look: Vec<RootId>,
}

/// A part of a root, or all of it, that becomes a root.
struct RootMove {
    from: RootId,
    /// Where it is in the old root; empty for all of it.
    at: String,
    new: Root,
}

impl Library {
    /// Announces what is shared at and below `from` at and below `to` instead: all of it or nothing.
    pub fn rename(
        &mut self,
        from: &SharePath,
        to: &SharePath,
        changes: &mut ShareChanges,
    ) -> Result<Renamed, RenameError> {
        let selection = self.select_share_path(from).ok_or(RenameError::NotShared)?;
        if from == to {
            return Ok(Renamed::default());
        }
        let mut moves: Vec<RootMove> = Vec::new();
        let mut next = self.next_root();
        for (id, at) in selection.places() {
            let Some(root) = self.root(id) else { continue };
            let new = Root { id: next, ..self.part(root, at, from, to)? };
            // The same file may be shared by itself and with its folder.
            if !moves.iter().any(|other| (&other.new.local, &other.new.share_as) == (&new.local, &new.share_as)) {
                next = RootId(next.0 + 1);
                moves.push(RootMove { from: id, at: at.to_owned(), new });
            }
        }
        let announced = self.announcements(&moves)?;
        self.give_up(&selection, changes);
        for RootMove { new, .. } in &moves {
            self.set_root(new.clone());
        }
        for (path, entry) in announced {
            // There is room: as many were given up.
            self.announce(path, entry, changes);
        }
        let look: Vec<RootId> = moves.iter().map(|new| new.new.id).collect();
        Ok(Renamed { save: selection.roots().chain(look.iter().copied()).collect(), look })
    }

    /// The root that a place in a root becomes under its new name.
    fn part(&self, root: &Root, at: &str, from: &SharePath, to: &SharePath) -> Result<Root, BadSharePath> {
        let announced = if at.is_empty() { root.share_as.clone() } else { root.share_path(at)? };
        let share_as = match announced.below(from.as_str()).filter(|below| !below.is_empty()) {
            Some(below) => to.join(below)?,
            None => to.clone(),
        };
        if at.is_empty() {
            return Ok(Root { share_as, ..root.clone() });
        }
        let is_file = self.entries_of(root.id, at).any(|(_, entry)| entry.relative == at);
        // What was taken out of the folder stays out.
        let below = root.excluded.iter().filter_map(|excluded| excluded.strip_prefix(at)?.strip_prefix('/'));
        let excluded = below.map(str::to_owned).collect();
        Ok(Root { id: root.id, local: root.local_path(at), is_folder: !is_file, share_as, excluded })
    }

    /// What is announced after the moves, if nobody else's path is among it.
    fn announcements(&self, moves: &[RootMove]) -> Result<BTreeMap<SharePath, ShareEntry>, RenameError> {
        let mut announced = BTreeMap::new();
        let is_moved = |entry: &ShareEntry| {
            let is_in = |at: &str| at.is_empty() || entry.relative.strip_prefix(at).is_some_and(starts_a_part);
            moves.iter().any(|RootMove { from, at, .. }| *from == entry.root && is_in(at))
        };
        for RootMove { from, at, new } in moves {
            for (_, entry) in self.entries_of(*from, at) {
                let relative = match entry.relative.strip_prefix(at.as_str()).map(|rest| rest.trim_start_matches('/')) {
                    Some(rest) if new.is_folder => rest,
                    _ => new.start(),
                };
                let path = new.share_path(relative)?;
                let second = new.local_path(relative);
                if let Some(other) = self.entry(&path).filter(|other| !is_moved(other)) {
                    let first = self.root(other.root).map_or_else(String::new, |root| root.local_path(&other.relative));
                    if Path::new(&first) != Path::new(&second) {
                        return Err(Collision { path, first, second }.into());
                    }
                }
                announced.insert(path, ShareEntry { root: new.id, relative: relative.to_owned(), ..entry.clone() });
            }
        }
        Ok(announced)
    }
}

fn starts_a_part(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::table::tests::{library, path, paths, root, scan};

    const FILES: [(&str, u8); 4] = [("a", 1), ("b", 2), ("sub/c", 3), ("sub/secret", 4)];

    /// A folder, of which something was taken out, one of its files under its own name too, and another file.
    fn fresh() -> Library {
        let mut trip = root(1, "/h/Trip", true, "Trip");
        trip.excluded.insert("sub/secret".into());
        let mut library = library(&[trip, root(2, "/h/Trip/a", false, "Trip/a"), root(3, "/h/x", false, "x")]);
        scan(&mut library, 2, "a", &[("a", 1)], 1);
        look(&mut library);
        scan(&mut library, 3, "x", &[("x", 9)], 1);
        library
    }

    /// Everything that is on the disk is found again.
    fn look(library: &mut Library) {
        let roots: Vec<Root> = library.roots().cloned().collect();
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
            let renamed = library.rename(&path(from), &path(to), &mut changes).expect(from);
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
            assert!(renamed.look.iter().all(|id| library.root(*id).is_some() && renamed.save.contains(id)));

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
            let why = match library.rename(&path(from), &path(to), &mut changes).expect_err(from) {
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
