//! Whether the shared folders are there. A drive that is unplugged tells nobody, and neither does one that comes back; so
//! it is looked from time to time, which costs a few system calls and reads nothing. Of the folders on one drive the first
//! speaks for all: they come and go together. Each by itself has its turn, too, which may be a little later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::disk::place::shared::{SharedFolder, stamp_of_folder};

/// Most folders that are asked by themselves at a time; the others have their turn after.
const FOLDERS_PER_LOOK: usize = 2000;

/// Which folder it is: the number of its drive, and its own there.
type FolderNumber = (u64, u64);

/// Which folder each of them was when it was looked at last; `None` was not there.
#[derive(Debug, Default)]
pub(super) struct Presence {
    seen: BTreeMap<PathBuf, Option<FolderNumber>>,
    next: PathBuf,
}

impl Presence {
    /// Looks at the folders, and says which came, went, or are others than they were. Blocks.
    pub(super) fn look(&mut self, mut folders: Vec<(PathBuf, bool)>) -> Vec<PathBuf> {
        let mut changed = self.look_at_drives(&folders);
        let first = folders.partition_point(|(path, _)| *path < self.next);
        folders.rotate_left(first);
        self.next = folders.get(FOLDERS_PER_LOOK).map(|(path, _)| path.clone()).unwrap_or_default();
        let is_all = folders.len() <= FOLDERS_PER_LOOK;
        let mut kept = BTreeMap::new();
        for (path, _) in folders.into_iter().take(FOLDERS_PER_LOOK) {
            let now = number_of(&path);
            // One that is not there at the first look went after it was shared.
            if self.seen.remove(&path).map_or(now.is_none(), |before| before != now) {
                changed.push(path.clone());
            }
            kept.insert(path, now);
        }
        if is_all {
            // What is shared no longer is forgotten.
            self.seen.clear();
        }
        self.seen.append(&mut kept);
        changed
    }

    /// Where there are more folders than are looked at each time: if the first on a drive, or the first of those that are
    /// not there, is otherwise than it was, all of them are looked at now.
    fn look_at_drives(&mut self, folders: &[(PathBuf, bool)]) -> Vec<PathBuf> {
        if folders.len() <= FOLDERS_PER_LOOK {
            return Vec::new();
        }
        let mut by_drive: BTreeMap<Option<u64>, Vec<&Path>> = BTreeMap::new();
        for (path, _) in folders {
            if let Some(before) = self.seen.get(path) {
                by_drive.entry(before.map(|(drive, _)| drive)).or_default().push(path);
            }
        }
        let mut changed = Vec::new();
        for paths in by_drive.into_values() {
            let is_as_before = paths.first().is_none_or(|first| self.seen.get(*first) == Some(&number_of(first)));
            if is_as_before {
                continue;
            }
            for path in paths {
                let now = number_of(path);
                if self.seen.insert(path.to_owned(), now) != Some(now) {
                    changed.push(path.to_owned());
                }
            }
        }
        changed
    }
}

fn number_of(folder: &Path) -> Option<FolderNumber> {
    let stamp = SharedFolder::open(folder).ok().and_then(|folder| stamp_of_folder(&folder).ok())?;
    Some((stamp.device, stamp.inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_goes_and_comes_is_noticed_once() {
        let guard = tempfile::tempdir().expect("folder");
        let top = guard.path().canonicalize().expect("resolves");
        let drive = top.join("drive");
        std::fs::create_dir_all(&drive).expect("folder");
        let bases = || vec![(top.clone(), false), (drive.clone(), true)];
        let mut presence = Presence::default();
        assert!(presence.look(bases()).is_empty(), "the first look at it is not for us");
        assert!(presence.look(bases()).is_empty());
        std::fs::rename(&drive, top.join("unplugged")).expect("renames");
        assert_eq!(presence.look(bases()), std::slice::from_ref(&drive));
        assert!(presence.look(bases()).is_empty());
        std::fs::rename(top.join("unplugged"), &drive).expect("renames");
        assert_eq!(presence.look(bases()), std::slice::from_ref(&drive));
        let gone_at_once = top.join("unplugged");
        let looked = |presence: &mut Presence| presence.look([bases(), vec![(gone_at_once.clone(), true)]].concat());
        assert_eq!(looked(&mut presence), std::slice::from_ref(&gone_at_once), "it was there when it was shared");
        assert!(looked(&mut presence).is_empty(), "once");
        assert!(presence.look(Vec::new()).is_empty());
        assert!(presence.seen.is_empty(), "what is shared no longer is forgotten");
    }

    #[test]
    fn of_very_many_folders_all_are_noticed_when_the_first_is_gone() {
        let guard = tempfile::tempdir().expect("folder");
        let top = guard.path().canonicalize().expect("resolves");
        let drive = top.join("drive");
        let folders: Vec<(PathBuf, bool)> =
            (0..FOLDERS_PER_LOOK + 500).map(|at| (drive.join(format!("{at:05}")), true)).collect();
        folders.iter().for_each(|(path, _)| std::fs::create_dir_all(path).expect("folder"));
        let mut presence = Presence::default();
        assert!(presence.look(folders.clone()).is_empty() && presence.look(folders.clone()).is_empty());
        std::fs::rename(&drive, top.join("unplugged")).expect("renames");
        assert_eq!(presence.look(folders.clone()).len(), folders.len(), "at the first look");
        assert!(presence.look(folders.clone()).is_empty(), "once");
        std::fs::rename(top.join("unplugged"), &drive).expect("renames");
        assert_eq!(presence.look(folders.clone()).len(), folders.len());
    }
}
