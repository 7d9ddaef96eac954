//! Which share path is which file with which content, and what changes when the disk does.
//!
//! The table holds only what may be served at this moment. What is in it came from a root, was seen on the disk, and was
//! hashed; whoever serves it looks it up by content, so a request never becomes a path.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::library::changes::ShareChanges;
use crate::library::collision::Collision;
use crate::library::exclusions::Exclusions;
use crate::library::root::{Root, RootId};
use crate::library::roots::Roots;
use crate::model::file_stamp::{FileStamp, FileSystemId};
use crate::model::hash::ContentHash;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::protocol::reply::Totals;

/// One shared file: where it is and what was hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareEntry {
    /// Which root it belongs to.
    pub root: RootId,
    /// Where it is below the root's base.
    pub relative: String,
    /// The hash of its content, under which peers ask for it.
    pub hash: ContentHash,
    /// What the file was when it was hashed; its size is the share's.
    pub stamp: FileStamp,
    /// Whether an equal stamp proves equal content.
    pub is_settled: bool,
}

/// The table of all that this computer shares, and the roots it comes from.
#[derive(Debug, Clone)]
pub struct Library {
    pub(super) roots: Roots,
    pub(super) entries: BTreeMap<SharePath, ShareEntry>,
    by_content: BTreeSet<(ContentHash, SharePath)>,
    totals: Totals,
    shares_max: usize,
    next_root: RootId,
}

impl Library {
    /// An empty library of at most so many shares.
    pub fn new(shares_max: usize) -> Self {
        Self {
            roots: Roots::default(),
            entries: BTreeMap::new(),
            by_content: BTreeSet::new(),
            totals: Totals::default(),
            shares_max,
            next_root: RootId(1),
        }
    }

    /// What is shared in all, counted as files come and go.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// What was thrown away since it was asked for last. It may be much: whoever holds the library lets go of it first.
    pub fn take_discarded(&mut self) -> Vec<Exclusions> {
        self.roots.take_discarded()
    }

    /// Adds a root of which nothing is taken out, or takes the place of the one with its number. Its files come with
    /// [`Library::announce`].
    pub fn set_root(&mut self, root: Root) {
        self.restore_root(root, Exclusions::default());
    }

    /// The same with what was taken out of it.
    pub fn restore_root(&mut self, root: Root, excluded: Exclusions) {
        self.next_root = self.next_root.max(RootId(root.id.0.saturating_add(1)));
        self.roots.set(root, excluded);
    }

    /// Remembers on which file system a root is.
    pub fn set_file_system(&mut self, id: RootId, file_system: FileSystemId) {
        self.roots.update(id, |root| root.file_system = Some(file_system));
    }

    /// What the person took out of a root.
    pub fn exclusions(&self, id: RootId) -> Option<&Exclusions> {
        self.roots.exclusions(id)
    }

    /// Whether a file that was found is one that the person shares: it is in the folder, or it is the one file, and it
    /// was not taken out.
    pub fn holds(&self, id: RootId, relative: &str) -> bool {
        self.roots.hold(id, relative)
    }

    /// A number that no root has or had.
    pub fn next_root(&self) -> RootId {
        self.next_root
    }

    /// How many files are shared, of all roots together.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no file is shared; there may be roots all the same, which are empty or not hashed yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The most files that may be shared, of all roots together.
    pub fn shares_max(&self) -> usize {
        self.shares_max
    }

    /// Sets another limit. What is shared beyond it stays shared until it is given up.
    pub fn set_shares_max(&mut self, shares_max: usize) {
        self.shares_max = shares_max;
    }

    /// How many more files may be shared before the limit of [`Library::new`].
    pub fn room(&self) -> usize {
        self.shares_max.saturating_sub(self.entries.len())
    }

    /// Everything that is shared, in the order of share paths.
    pub fn shares(&self) -> impl Iterator<Item = Share> {
        self.entries.iter().map(|(path, entry)| share_of(path, entry))
    }

    /// What others know of the file that is shared under exactly this path.
    pub fn share(&self, path: &SharePath) -> Option<Share> {
        self.entries.get(path).map(|entry| share_of(path, entry))
    }

    /// The file that is shared under exactly this path.
    pub fn entry(&self, path: &SharePath) -> Option<&ShareEntry> {
        self.entries.get(path)
    }

    /// The shares that have exactly this content, in the order of share paths: a file may be shared under several.
    pub fn with_content(&self, hash: ContentHash) -> impl Iterator<Item = (&SharePath, &ShareEntry)> {
        let same = self.by_content.range((hash, first_path())..).take_while(move |(other, _)| *other == hash);
        same.filter_map(|(_, path)| self.entries.get_key_value(path))
    }

    /// Whether any share has this content.
    pub fn has_content(&self, hash: ContentHash) -> bool {
        self.with_content(hash).next().is_some()
    }

    /// Whether a new root's files can be shared beside what is shared already and beside `claimed`, which they join as
    /// the root of that number. Two names in one folder that are one share path are no obstacle to the others in it: one
    /// of them is left out when they are looked at.
    pub fn claim<'a>(
        &self,
        root: &Root,
        number: usize,
        relatives: impl Iterator<Item = &'a str>,
        claimed: &mut BTreeMap<SharePath, (usize, String)>,
    ) -> Result<(), Collision> {
        let is_same =
            |other: &Arc<Root>| other.is_folder && (&other.local, &other.share_as) == (&root.local, &root.share_as);
        for relative in relatives {
            let Ok(path) = root.share_path(relative) else { continue };
            let second = root.local_path(relative);
            let (is_own, first) = match self.entries.get(&path) {
                Some(entry) => (self.root(entry.root).is_some_and(is_same), self.local_path(entry)),
                None => {
                    let (other, first) = claimed.entry(path.clone()).or_insert_with(|| (number, second.clone()));
                    (*other == number, first.clone())
                }
            };
            if first != second && !is_own {
                return Err(Collision { path, first, second });
            }
        }
        Ok(())
    }

    /// Shares a file that was hashed. Nothing happens if that is not wanted any more, or if the path is another file's;
    /// `false` if there are too many shares already.
    pub fn announce(&mut self, path: SharePath, entry: ShareEntry, changes: &mut ShareChanges) -> bool {
        if self.room() == 0 && !self.entries.contains_key(&path) && self.roots.hold(entry.root, &entry.relative) {
            return false;
        }
        self.put(path, entry, changes);
        true
    }

    /// The same, however many there are.
    fn put(&mut self, path: SharePath, entry: ShareEntry, changes: &mut ShareChanges) {
        if !self.roots.hold(entry.root, &entry.relative) {
            return;
        }
        match self.entries.get(&path) {
            Some(known) if known.root != entry.root => return,
            Some(known) => {
                if (known.hash, known.stamp.size) != (entry.hash, entry.stamp.size) {
                    self.by_content.remove(&(known.hash, path.clone()));
                    changes.add(share_of(&path, &entry));
                }
                let before = known.stamp.size;
                self.count(entry.root, |totals| totals.take_away(before));
            }
            None => changes.add(share_of(&path, &entry)),
        }
        self.count(entry.root, |totals| totals.add(entry.stamp.size));
        self.by_content.insert((entry.hash, path.clone()));
        self.entries.insert(path, entry);
    }

    /// Stops sharing these paths as far as they are that root's.
    pub fn withdraw(&mut self, root: RootId, paths: &[SharePath], changes: &mut ShareChanges) {
        for path in paths {
            if self.entries.get(path).is_some_and(|entry| entry.root == root) {
                self.remove(path, changes);
            }
        }
    }

    /// Announces a share under another path and as another root's, unless that path is somebody else's: then it is no
    /// share any more. It is no further share, so the limit is none for it.
    pub(super) fn rehome(
        &mut self,
        old: &SharePath,
        new: SharePath,
        root: RootId,
        relative: String,
        changes: &mut ShareChanges,
    ) {
        let Some(entry) = self.entries.get(old).cloned() else { return };
        self.remove(old, changes);
        self.put(new, ShareEntry { root, relative, ..entry }, changes);
    }

    pub(super) fn remove(&mut self, path: &SharePath, changes: &mut ShareChanges) {
        if let Some(entry) = self.entries.remove(path) {
            self.by_content.remove(&(entry.hash, path.clone()));
            self.count(entry.root, |totals| totals.take_away(entry.stamp.size));
            changes.remove(path.clone());
        }
    }

    fn count(&mut self, root: RootId, count: impl Fn(&mut Totals)) {
        count(&mut self.totals);
        self.roots.count(root, count);
    }

    pub(super) fn local_path(&self, entry: &ShareEntry) -> String {
        self.roots.get(entry.root).map_or_else(|| entry.relative.clone(), |root| root.local_path(&entry.relative))
    }
}

pub(super) fn share_of(path: &SharePath, entry: &ShareEntry) -> Share {
    Share { path: path.clone(), size: Some(entry.stamp.size), hash: Some(entry.hash) }
}

/// No share path is before this one: a path has no character below the space, and no empty part.
fn first_path() -> SharePath {
    SharePath::new(" ").expect("a space is a valid path")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::library::comparison::{Comparison, Difference, Fresh};
    use proptest::prelude::*;

    pub(in crate::library) fn path(text: &str) -> SharePath {
        SharePath::new(text).expect(text)
    }

    /// A path on the disk with the separators of this system, as roots have it.
    pub(in crate::library) fn on_disk(path: &str) -> String {
        path.replace('/', std::path::MAIN_SEPARATOR_STR)
    }

    pub(in crate::library) fn root(id: u64, local: &str, is_folder: bool, share_as: &str) -> Root {
        Root { id: RootId(id), local: on_disk(local), is_folder, share_as: path(share_as), file_system: None }
    }

    pub(in crate::library) fn stamp(inode: u64, version: u8) -> FileStamp {
        FileStamp { device: 1, inode, size: 10, mtime_ns: i128::from(version), ctime_ns: i128::from(version) }
    }

    fn hash(content: u8) -> ContentHash {
        ContentHash::from_bytes([content; 32])
    }

    /// Looks, hashes everything that is new to `content`, and announces it.
    pub(in crate::library) fn scan(
        library: &mut Library,
        id: u64,
        start: &str,
        found: &[(&str, u8)],
        content: u8,
    ) -> (Difference, ShareChanges) {
        let found = found.iter().map(|(relative, version)| ((*relative).to_owned(), stamp(0, *version)));
        let difference = differ(library, id, start, found.collect());
        let mut changes = ShareChanges::default();
        library.withdraw(RootId(id), &difference.gone, &mut changes);
        for Fresh { path, relative, stamp } in difference.fresh.clone() {
            let entry = ShareEntry { root: RootId(id), relative, hash: hash(content), stamp, is_settled: true };
            library.announce(path, entry, &mut changes);
        }
        (difference, changes)
    }

    /// Compared in small steps, so that every border between two of them is crossed.
    fn differ(library: &Library, id: u64, start: &str, found: Vec<(String, FileStamp)>) -> Difference {
        let Some(root) = library.root(RootId(id)) else { return Difference::default() };
        let mut comparison = Comparison::new(Arc::clone(root), start, found);
        loop {
            if let Some(difference) = comparison.step(library, 2) {
                return difference;
            }
        }
    }

    pub(in crate::library) fn paths(library: &Library) -> Vec<String> {
        library.shares().map(|share| share.path.to_string()).collect()
    }

    pub(in crate::library) fn library(roots: &[Root]) -> Library {
        let mut library = Library::new(100);
        roots.iter().for_each(|root| library.set_root(root.clone()));
        library
    }

    #[test]
    fn a_scan_becomes_announcements() {
        let mut library = library(&[root(1, "/d/Trip", true, "Trip"), root(2, "/d/Tripod", true, "Tripod")]);
        scan(&mut library, 2, "", &[("x", 1)], 1);
        let (_, changes) = scan(&mut library, 1, "", &[("a", 1), ("sub/b", 1), ("sub-c", 1)], 1);
        assert_eq!(changes.into_parts().0.len(), 3);
        assert_eq!(scan(&mut library, 1, "", &[("a", 1), ("sub/b", 1), ("sub-c", 1)], 2).1, ShareChanges::default());

        let (_, changes) = scan(&mut library, 1, "", &[("a", 2), ("sub/b", 1)], 2);
        let (added, removed) = changes.into_parts();
        assert_eq!((added.len(), added[0].hash), (1, Some(hash(2))), "replaced");
        assert_eq!(removed, [path("Trip/sub-c")]);

        let (_, changes) = scan(&mut library, 1, "sub", &[], 2);
        assert_eq!(changes.into_parts().1, [path("Trip/sub/b")], "only what lies below the place");
        let (_, changes) = scan(&mut library, 1, "a", &[("a", 3)], 2);
        assert!(changes.is_empty(), "touched but the same");
        assert_eq!(paths(&library), ["Trip/a", "Tripod/x"]);
        assert_eq!(library.with_content(hash(2)).count(), 1);
        assert!(library.has_content(hash(1)) && !library.has_content(hash(3)));
    }

    #[test]
    fn an_unsettled_stamp_is_looked_at_again() {
        let mut library = library(&[root(1, "/d", true, "d")]);
        let mut changes = ShareChanges::default();
        let entry =
            ShareEntry { root: RootId(1), relative: "a".into(), hash: hash(1), stamp: stamp(0, 1), is_settled: false };
        library.announce(path("d/a"), entry, &mut changes);
        assert_eq!(differ(&library, 1, "", vec![("a".to_owned(), stamp(0, 1))]).fresh.len(), 1);
    }

    #[test]
    fn one_path_is_one_file() {
        let mut library =
            library(&[root(1, "/d/a", false, "x/a"), root(2, "/e/x", true, "x"), root(3, "/d", true, "x")]);
        scan(&mut library, 1, "a", &[("a", 1)], 1);
        let (difference, _) = scan(&mut library, 2, "", &[("a", 1), ("b", 1)], 2);
        let collision = Collision { path: path("x/a"), first: on_disk("/d/a"), second: on_disk("/e/x/a") };
        assert_eq!(difference.collisions.first(), Some(&collision));
        let both = on_disk("'/d/a' and '/e/x/a' would both be shared as ");
        assert_eq!(collision.to_string(), both + "'x/a'");
        let (difference, _) = scan(&mut library, 3, "", &[("a", 1)], 1);
        assert_eq!(difference, Difference::default(), "the same file under the same path");
        assert_eq!(paths(&library), ["x/a", "x/b"]);

        // Two normal forms of one name: the same one wins, in whatever order they are found.
        library.set_root(root(4, "/f", true, "f"));
        for found in [[("e\u{301}", 1), ("é", 1)], [("é", 1), ("e\u{301}", 1)]] {
            let (difference, _) = scan(&mut library, 4, "", &found, 3);
            assert_eq!(difference.collisions.len(), 1);
            assert_eq!(library.entry(&path("f/é")).expect("shared").relative, "e\u{301}");
            let text = difference.collisions[0].to_string();
            let folder = on_disk("/f/");
            let both = format!(r"'{folder}e\u{{301}}' and '{folder}\u{{e9}}' would both be shared as 'f/é'");
            assert_eq!(text, both, "they look alike");
        }

        let mut claimed = BTreeMap::new();
        let new = |local: &str| root(0, local, false, "n");
        assert!(library.claim(&new("/d/n"), 0, ["n"].into_iter(), &mut claimed).is_ok());
        assert!(library.claim(&new("/d/n"), 0, ["n"].into_iter(), &mut claimed).is_ok());
        let folder = root(0, "/g", true, "g");
        let pair = ["e\u{301}", "é", "x"].into_iter();
        assert!(library.claim(&folder, 3, pair, &mut claimed).is_ok(), "the others of the folder are shared");
        assert!(library.claim(&new("/e/n"), 2, ["n"].into_iter(), &mut claimed).is_err());
    }

    #[test]
    fn only_what_the_root_holds_is_shared() {
        let mut library = library(&[root(1, "/d/a", false, "a")]);
        let (difference, _) = scan(&mut library, 1, "", &[("a", 1), ("b", 1), ("a/b", 1)], 1);
        assert_eq!(difference.fresh.len(), 1);
        let mut changes = ShareChanges::default();
        for (root, relative) in [(1, "b"), (9, "a")] {
            let entry = ShareEntry {
                root: RootId(root),
                relative: relative.into(),
                hash: hash(9),
                stamp: stamp(0, 1),
                is_settled: true,
            };
            library.announce(path("b"), entry, &mut changes);
        }
        assert!(changes.is_empty() && !library.has_content(hash(9)));
    }

    #[test]
    fn too_many_are_refused() {
        let mut library = Library::new(2);
        library.set_root(root(1, "/d", true, "d"));
        scan(&mut library, 1, "", &[("a", 1), ("b", 1), ("c", 1)], 1);
        assert_eq!((library.len(), library.room()), (2, 0));
        scan(&mut library, 1, "", &[("b", 2)], 2);
        assert_eq!(paths(&library), ["d/b"]);
    }

    proptest! {
        /// Whoever hears every announcement knows exactly what is shared, and what is shared is what was on the disk
        /// at the last look.
        #[test]
        fn announcements_tell_all(
            scans in prop::collection::vec((1..4u64, prop::collection::btree_map("[ab](/[ab])?", 0..3u8, 0..5)), 1..20),
        ) {
            let mut library = library(&[
                root(1, "/1", true, "one"), root(2, "/2", true, "two"), root(3, "/1/b", true, "one/b"),
            ]);
            let mut heard: BTreeMap<SharePath, Share> = BTreeMap::new();
            for (at, (id, disk)) in scans.into_iter().enumerate() {
                let disk: Vec<(&str, u8)> = disk.iter().map(|(name, version)| (name.as_str(), *version)).collect();
                let content = u8::try_from(at % 3).expect("small");
                let (difference, changes) = scan(&mut library, id, "", &disk, content);
                let (added, removed) = changes.into_parts();
                for share in added {
                    prop_assert!(heard.insert(share.path.clone(), share.clone()) != Some(share), "told twice");
                }
                for path in removed {
                    prop_assert!(heard.remove(&path).is_some(), "not told before");
                }
                prop_assert!(heard.values().cloned().eq(library.shares()));
                let root = library.root(RootId(id)).expect("there").clone();
                for (relative, _) in disk {
                    let path = root.share_path(relative).expect("valid");
                    let collides = difference.collisions.iter().any(|collision| collision.path == path);
                    prop_assert!(collides || heard.contains_key(&path), "{path} is not shared");
                }
                for (hash, path) in &library.by_content {
                    prop_assert_eq!(library.entries.get(path).map(|entry| entry.hash), Some(*hash));
                }
                prop_assert_eq!(library.by_content.len(), library.entries.len());
                let counted = |of: Option<RootId>| {
                    let mut totals = Totals::default();
                    let those = library.entries.values().filter(|entry| of.is_none_or(|root| entry.root == root));
                    those.for_each(|entry| totals.add(entry.stamp.size));
                    totals
                };
                prop_assert_eq!(library.totals(), counted(None));
                for root in library.roots() {
                    prop_assert_eq!(library.totals_of(root.id), counted(Some(root.id)));
                }
            }
        }
    }
}
