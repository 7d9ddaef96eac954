//! The roots of the library, by what they are looked up by; of many, a bounded part at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::library::root::{Root, RootId};
use crate::library::table::Library;
use crate::model::share_path::SharePath;
use crate::protocol::reply::Totals;

impl Library {
    /// The files and folders that the person shares.
    pub fn roots(&self) -> impl Iterator<Item = &Arc<Root>> {
        self.roots.iter()
    }

    /// At most so many of them, in the order of their numbers, after one.
    pub fn roots_after(&self, after: RootId, most: usize) -> Vec<Arc<Root>> {
        self.roots.after(after).take(most).cloned().collect()
    }

    /// At most so many of them in the order of their share paths, after one.
    pub fn roots_by_path(&self, after: Option<&(SharePath, RootId)>, most: usize) -> Vec<Arc<Root>> {
        self.roots.by_path_after(after, most).into_iter().cloned().collect()
    }

    /// What is shared of one of them. It is counted as files come and go, not when it is asked for.
    pub fn totals_of(&self, id: RootId) -> Totals {
        self.roots.totals(id)
    }

    /// How many there are.
    pub fn roots_len(&self) -> usize {
        self.roots.len()
    }

    /// One of them.
    pub fn root(&self, id: RootId) -> Option<&Arc<Root>> {
        self.roots.get(id)
    }

    /// The root with this place on the disk and this share path, if there is one.
    pub fn root_named(&self, local: &str, share_as: &SharePath) -> Option<&Arc<Root>> {
        self.roots.announced_as(share_as).find(|root| root.local == local)
    }

    /// At most so many of the folders in which something is shared after one, each once, and whether all in it is.
    pub fn bases_after(&self, after: Option<&Path>, most: usize) -> Vec<(PathBuf, bool)> {
        self.roots.bases_after(after).take(most).map(|(path, is_whole)| (path.to_owned(), is_whole)).collect()
    }

    /// Whether something in a folder is shared from there; and then, whether all in it is.
    pub fn base(&self, folder: &Path) -> Option<bool> {
        self.roots.base(folder)
    }

    /// At most so many of the roots that are this folder, or lie in it, after one; each with where it lies.
    pub fn roots_at(&self, folder: &Path, after: Option<&(String, RootId)>, most: usize) -> Vec<(String, RootId)> {
        self.roots.lying_at_or_below(folder, after).take(most).map(|root| (root.local.clone(), root.id)).collect()
    }

    /// The roots that a place on this disk belongs to, and where in them it is.
    pub fn places_at(&self, local: &Path) -> Vec<(RootId, String)> {
        let files = local.to_str().into_iter().flat_map(|text| self.roots.lying_at(text));
        let files = files.filter(|root| !root.is_folder).map(|root| (root.id, root.start().to_owned()));
        let folders = self.roots.folders_holding(local).filter_map(|root| Some((root.id, root.relative_of(local)?)));
        files.chain(folders).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::table::tests::{library, on_disk, root};

    #[test]
    fn a_place_on_the_disk_is_found_in_its_roots() {
        let library = library(&[root(1, "/a", true, "a"), root(2, "/a/b/c", false, "c"), root(3, "/a/b", true, "b")]);
        let found = |local: &str| {
            let mut found: Vec<_> =
                library.places_at(Path::new(&on_disk(local))).into_iter().map(|(id, at)| (id.0, at)).collect();
            found.sort();
            found
        };
        let place = |id: u64, at: &str| (id, at.to_owned());
        assert_eq!(found("/a/b/c"), [place(1, "b/c"), place(2, "c"), place(3, "c")]);
        assert_eq!(found("/a"), [place(1, "")]);
        assert_eq!(found("/a/b/cc"), [place(1, "b/cc"), place(3, "cc")]);
        assert_eq!(found("/x"), []);
    }
}
