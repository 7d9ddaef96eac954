//! Whether the shared folders are there. A drive that is unplugged tells nobody, and neither does one that comes back; so
//! each folder is asked from time to time, which costs a few system calls and reads nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::disk::place::shared::{SharedFolder, stamp_of_folder};

/// Most folders that are asked at a time; the others have their turn after.
const FOLDERS_PER_LOOK: usize = 2000;

/// Which folder each of them was when it was looked at last; `None` was not there.
#[derive(Debug, Default)]
pub(super) struct Presence {
    seen: BTreeMap<PathBuf, Option<(u64, u64)>>,
    next: PathBuf,
}

impl Presence {
    /// Looks at the folders, and says which came, went, or are others than they were. Blocks.
    pub(super) fn look(&mut self, mut folders: Vec<(PathBuf, bool)>) -> Vec<PathBuf> {
        let first = folders.partition_point(|(path, _)| *path < self.next);
        folders.rotate_left(first);
        self.next = folders.get(FOLDERS_PER_LOOK).map(|(path, _)| path.clone()).unwrap_or_default();
        let is_all = folders.len() <= FOLDERS_PER_LOOK;
        let mut changed = Vec::new();
        let mut kept = BTreeMap::new();
        for (path, _) in folders.into_iter().take(FOLDERS_PER_LOOK) {
            let stamp = SharedFolder::open(&path).ok().and_then(|folder| stamp_of_folder(&folder).ok());
            let now = stamp.map(|stamp| (stamp.device, stamp.inode));
            if self.seen.remove(&path).is_some_and(|before| before != now) {
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
        assert!(presence.look(Vec::new()).is_empty());
        assert!(presence.seen.is_empty(), "what is shared no longer is forgotten");
    }
}
