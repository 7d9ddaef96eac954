//! Announcing what is shared under another share path: the same files with the same hashes, so nothing is read again.
//!
//! A root that is renamed becomes another root, and what is renamed in a folder becomes a root of its own, taken out of
//! the folder: whoever still looks at the old one finds nothing to say about the new name. It is planned and done a
//! bounded part at a time; a file has the old name or the new one at every moment, so that who fetches it goes on. What
//! was stopped before stays stopped under the new name. Nothing else is stopped until all of it is done and written.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::library::changes::ShareChanges;
use crate::library::collision::Collision;
use crate::library::exclusions::Exclusions;
use crate::library::root::{Root, RootId};
use crate::library::table::{Library, ShareEntry};
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

/// An old root that is renamed, and the place in it; the empty one is the whole.
type OldPlace = (RootId, String);

/// A rename that is being planned: nothing is changed.
#[derive(Debug)]
pub struct RenamePlan {
    from: SharePath,
    to: SharePath,
    /// What becomes what. The new roots have no numbers yet.
    moves: BTreeMap<OldPlace, Root>,
    /// Files and folders with what they become, each once.
    names: BTreeSet<(String, SharePath)>,
    stage: PlanStage,
    shares: Vec<ShareMove>,
}

#[derive(Debug)]
enum PlanStage {
    /// Roots that have the name as a whole; the next one is after this one.
    Roots(Option<(SharePath, RootId)>),
    /// Shares, after this one.
    Shares(Option<SharePath>),
}

/// One share that gets another name.
#[derive(Debug)]
struct ShareMove {
    old: SharePath,
    new: SharePath,
    /// The root it comes to; its number is known when that is set.
    key: OldPlace,
    relative: String,
}

impl RenamePlan {
    /// Begins to plan that what is shared at and below `from` is announced at and below `to` instead.
    pub fn new(from: &SharePath, to: &SharePath) -> Self {
        let (from, to, stage) = (from.clone(), to.clone(), PlanStage::Roots(None));
        Self { from, to, moves: BTreeMap::new(), names: BTreeSet::new(), stage, shares: Vec::new() }
    }

    /// Plans at most so many roots or shares more; whether all are planned.
    pub fn step(&mut self, library: &Library, most: usize) -> Result<bool, RenameError> {
        match &self.stage {
            PlanStage::Roots(after) => {
                let found: Vec<_> =
                    library.roots.announced_at_or_below(&self.from, after.as_ref()).take(most).collect();
                let last = found.last().filter(|_| found.len() == most);
                let last = last.map(|root| (root.share_as.clone(), root.id));
                for root in found {
                    let share_as = renamed(&root.share_as, &self.from, &self.to)?;
                    // The same file may be shared by itself and with its folder, but not twice under one name.
                    if self.names.insert((root.local.clone(), share_as.clone())) {
                        self.moves.insert((root.id, String::new()), Root { share_as, ..Root::clone(root) });
                    }
                }
                self.stage = if last.is_some() { PlanStage::Roots(last) } else { PlanStage::Shares(None) };
                Ok(false)
            }
            PlanStage::Shares(after) => {
                let page = library.page_below(&self.from, after.as_ref(), most);
                for (old, entry) in page.entries {
                    self.plan_one(library, old, entry)?;
                }
                let is_done = page.next.is_none();
                self.stage = PlanStage::Shares(page.next);
                Ok(is_done)
            }
        }
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
                let local = root.local_path(&key.1);
                Root { local, is_folder, share_as: self.to.clone(), ..Root::clone(root) }
            });
            let relative = if is_folder { rest.join("/") } else { new_root.start().to_owned() };
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

    /// The rename as it was planned. Sorts all of it, so nobody waits for who calls it.
    pub fn finish(self) -> Result<Renaming, RenameError> {
        let Self { from, to, mut moves, mut shares, .. } = self;
        if moves.is_empty() && shares.is_empty() {
            return Err(RenameError::NotShared);
        }
        if from == to {
            (moves, shares) = (BTreeMap::new(), Vec::new());
        }
        // A name that is moved to may be one that is still to be moved from: that one goes first.
        if to.as_str().len() > from.as_str().len() {
            shares.sort_by_key(|share| share.old.as_str().len());
        } else {
            shares.sort_by_key(|share| Reverse(share.old.as_str().len()));
        }
        let whole: BTreeSet<RootId> = moves.keys().filter(|(_, at)| at.is_empty()).map(|(id, _)| *id).collect();
        let left = whole.iter().copied().collect();
        let places: Vec<OldPlace> = moves.keys().cloned().collect();
        let stage = Stage::Beginning(places.clone());
        Ok(Renaming { moves, whole, places, left, stage, shares })
    }
}

/// A rename that is under way.
#[derive(Debug)]
pub struct Renaming {
    moves: BTreeMap<OldPlace, Root>,
    /// The old roots of which nothing is left.
    whole: BTreeSet<RootId>,
    /// The old places in which nothing may be left.
    places: Vec<OldPlace>,
    /// The old roots that are still to be ended.
    left: Vec<RootId>,
    stage: Stage,
    shares: Vec<ShareMove>,
}

#[derive(Debug)]
enum Stage {
    /// These become new roots.
    Beginning(Vec<OldPlace>),
    /// Of the last of those to begin, what was taken out of it before is collected.
    Gathering(Vec<OldPlace>, Exclusions),
    Moving,
    /// What was found in the old places after all was planned is given up, since it is found again under the new name. The
    /// next of the last place is after this one.
    Leaving(Option<SharePath>),
    /// Nothing is left of the old roots.
    Ending,
}

impl Renaming {
    /// Does at most so much of it; whether all of it is done.
    pub fn step(
        &mut self,
        library: &mut Library,
        most: usize,
        changes: &mut ShareChanges,
        unsaved: &mut Unsaved,
    ) -> bool {
        let mut steps_left = most;
        while steps_left > 0 {
            steps_left -= 1;
            match &mut self.stage {
                Stage::Beginning(left) => match left.last().cloned() {
                    Some((old, at)) if at.is_empty() => {
                        left.pop();
                        self.begin_whole(library, old, unsaved);
                    }
                    Some((old, at)) => {
                        if let Ok(place) = SharePath::normalized(&at) {
                            library.exclude(old, place, unsaved);
                        }
                        self.stage = Stage::Gathering(std::mem::take(left), Exclusions::default());
                    }
                    None => self.stage = Stage::Moving,
                },
                Stage::Gathering(left, excluded) => {
                    let Some((old, at)) = left.last() else { return true };
                    match take_stopped(library, *old, at, unsaved) {
                        Some(place) => excluded.insert(place),
                        None => {
                            let (key, excluded) = ((*old, at.clone()), std::mem::take(excluded));
                            left.pop();
                            self.stage = Stage::Beginning(std::mem::take(left));
                            self.set_new(library, &key, excluded, unsaved);
                        }
                    }
                }
                Stage::Moving => match self.shares.pop() {
                    Some(ShareMove { old, new, key, relative }) => {
                        if let Some(root) = self.moves.get(&key) {
                            library.rehome(&old, new, root.id, relative, changes);
                        }
                    }
                    None => self.stage = Stage::Leaving(None),
                },
                Stage::Leaving(after) => match self.places.last() {
                    Some((old, at)) => {
                        let is_empty = at.is_empty() && library.totals_of(*old).files == 0;
                        *after = match library.root(*old).filter(|_| !is_empty).cloned() {
                            Some(root) => {
                                // As many are looked at as may be.
                                steps_left = 0;
                                library.withdraw_some(&root, at, after.as_ref(), most, changes)
                            }
                            None => None,
                        };
                        if after.is_none() {
                            self.places.pop();
                        }
                    }
                    None => self.stage = Stage::Ending,
                },
                Stage::Ending => match self.left.pop() {
                    Some(old) => _ = library.roots.remove(old),
                    None => return true,
                },
            }
        }
        false
    }

    /// Sets the new root of one that is renamed as a whole, and adds nothing to the old one any more.
    fn begin_whole(&mut self, library: &mut Library, old: RootId, unsaved: &mut Unsaved) {
        library.roots.end(old);
        unsaved.roots.insert(old);
        let excluded = library.roots.take_exclusions(old);
        self.set_new(library, &(old, String::new()), excluded, unsaved);
        let hidden = library.root(old).map(|root| library.hidden_by(root)).unwrap_or_default();
        for (folder, place) in hidden.into_iter().filter(|(folder, _)| !self.whole.contains(folder)) {
            library.exclude(folder, place, unsaved);
        }
    }

    fn set_new(&mut self, library: &mut Library, key: &OldPlace, excluded: Exclusions, unsaved: &mut Unsaved) {
        let Some(new) = self.moves.get_mut(key) else { return };
        new.id = library.next_root();
        unsaved.roots.insert(new.id);
        library.restore_root(new.clone(), excluded);
    }

    /// The roots under their new names, which are to be looked at.
    pub fn roots(&self) -> Vec<RootId> {
        self.moves.values().map(|new| new.id).collect()
    }
}

/// Takes one of the places that were stopped in what is renamed out of the old root; as it is called in the new one.
fn take_stopped(library: &mut Library, old: RootId, at: &str, unsaved: &mut Unsaved) -> Option<SharePath> {
    let place = if at.is_empty() { None } else { Some(SharePath::normalized(at).ok()?) };
    let (old_place, new_place) = library.exclusions(old)?.first_below(place.as_ref())?;
    library.roots.include(old, &old_place);
    unsaved.places.insert((old, old_place));
    Some(new_place)
}

/// A path that is at or below `from`, at or below `to`.
fn renamed(path: &SharePath, from: &SharePath, to: &SharePath) -> Result<SharePath, BadSharePath> {
    path.below(from.as_str()).map_or_else(|| Ok(to.clone()), |below| to.join(below))
}

fn is_at_or_below(path: &SharePath, folder: &SharePath) -> bool {
    path == folder || path.below(folder.as_str()).is_some()
}

#[cfg(test)]
mod tests;
