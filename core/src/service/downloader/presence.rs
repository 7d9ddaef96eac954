//! What lies at the places of a download's files, and what becomes of it by the person's word. A file that is there with
//! the very content is done, and nothing of it is fetched. Blocks: what has the right length is read, unless it was read
//! before and has not changed since.

use std::collections::HashSet;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, available_parallelism};

use parking_lot::Mutex;

use crate::disk::hash::{hash_here, now_ns};
use crate::disk::place::place_error::PlaceError;
use crate::disk::place::target::{Target, TargetDir};
use crate::model::block_list::BlockList;
use crate::model::existing::Existing;
use crate::protocol::peer::Content;
use crate::service::downloader::adding::Folders;
use crate::service::downloader::files::{JobFiles, patiently};
use crate::store::Store;
use crate::store::downloads::TargetName;
use crate::store::hash_cache::CachedHash;

/// Threads that read what is there.
const READING_MAX: usize = 4;
/// Hashes that are written down together.
const HASHES_TOGETHER: usize = 256;
/// Numbers that are tried behind a name that is taken.
pub const NAME_NUMBERS_MAX: usize = 10_000;

/// What becomes of a file that was to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is fetched: nothing is at its place, or it is replaced.
    Wanted,
    /// It is there, with the very content.
    Here,
    /// Something else is there and stays, and this one is not wanted.
    LeftOut,
    /// Something else is there and stays, and this one gets another name; whether it is there under that.
    Beside(TargetName, bool),
    /// Something else is there, and nobody has said what becomes of it.
    Differing,
}

/// Files of one download at whose places something may lie.
pub(super) struct PlaceLook {
    pub(super) store: Arc<Store>,
    pub(super) job: Arc<JobFiles>,
    pub(super) indexes: Vec<u32>,
    /// Names that others have who are not on the disk yet.
    pub(super) avoid: HashSet<PathBuf>,
    /// How many bytes were looked at.
    pub(super) looked: Arc<AtomicU64>,
    pub(super) is_stopped: Arc<AtomicBool>,
}

/// What is at the place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Same,
    Other,
}

/// A file that is read to know what it is.
struct Candidate {
    at: usize,
    index: u32,
    content: Content,
}

impl PlaceLook {
    /// What becomes of each file; `None` if it was stopped.
    pub(super) fn look(&self) -> Option<Vec<(u32, Verdict)>> {
        let existing = self.job.saved.existing;
        let found = self.look_at_all()?;
        let mut taken = None;
        let mut verdict = |index: u32, found: Found| match found {
            Found::Nothing => Verdict::Wanted,
            Found::Same => Verdict::Here,
            Found::Other => match existing {
                Existing::Refuse => Verdict::Differing,
                Existing::Replace => Verdict::Wanted,
                Existing::LeaveOut => Verdict::LeftOut,
                Existing::KeepBoth => {
                    let taken = taken.get_or_insert_with(|| self.names());
                    self.beside(index, taken).unwrap_or(Verdict::Differing)
                }
            },
        };
        let verdicts = self.indexes.iter().zip(found).map(|(index, found)| (*index, verdict(*index, found))).collect();
        (!self.is_stopped()).then_some(verdicts)
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// What all files of the download are called, and those of others.
    fn names(&self) -> HashSet<PathBuf> {
        let into = &self.job.saved.into;
        let own = self.job.saved.files.iter().map(|file| file.name.path_below(into));
        own.chain(self.avoid.iter().cloned()).collect()
    }

    fn look_at_all(&self) -> Option<Vec<Found>> {
        let mut folders = Folders::default();
        let mut found = vec![Found::Nothing; self.indexes.len()];
        let mut to_read = Vec::new();
        for (at, index) in self.indexes.iter().enumerate() {
            if self.is_stopped() {
                return None;
            }
            let path = self.job.path(*index);
            if !folders.may_hold(&path) {
                continue;
            }
            let Ok(metadata) = path.symlink_metadata() else { continue };
            found[at] = Found::Other;
            match self.job.content(*index) {
                Some(content) if metadata.is_file() && metadata.len() == content.size => {
                    to_read.push(Candidate { at, index: *index, content });
                }
                _ => {}
            }
        }
        if !to_read.is_empty() {
            for at in self.read_all(&to_read)? {
                found[at] = Found::Same;
            }
        }
        Some(found)
    }

    /// Those that are what is wanted. Several threads take the next one each.
    fn read_all(&self, to_read: &[Candidate]) -> Option<Vec<usize>> {
        let (next, hashed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let read_some = || {
            let mut same = Vec::new();
            while let Some(Candidate { at, index, content }) = to_read.get(next.fetch_add(1, Ordering::Relaxed)) {
                if self.is_stopped() {
                    break;
                }
                let Ok(target) = patiently(|| self.job.target(*index)) else { continue };
                if self.is_content(&target, *content, &hashed) {
                    self.remove_part(&target);
                    same.push(*at);
                }
            }
            same
        };
        let threads = available_parallelism().map_or(1, NonZero::get).min(READING_MAX).min(to_read.len());
        let same = thread::scope(|scope| {
            let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(read_some)).collect();
            let mut same = read_some();
            for helper in helpers {
                same.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            same
        });
        self.remember(&hashed.into_inner());
        (!self.is_stopped()).then_some(same)
    }

    /// What was begun of a file that is there is of no use.
    fn remove_part(&self, target: &Target) {
        if !target.has_part().unwrap_or(false) {
            return;
        }
        if let Err(error) = target.remove_part() {
            tracing::warn!(%error, "an unfinished file of no use stays");
        }
    }

    fn is_content(&self, target: &Target, content: Content, hashed: &Mutex<Vec<(CachedHash, BlockList)>>) -> bool {
        let Ok((file, stamp)) = patiently(|| target.open_whole()) else { return false };
        if stamp.size != content.size {
            return false;
        }
        let cached = self.store.cached_hashes(&[stamp]).ok().and_then(|mut rows| rows.pop().flatten());
        if let Some(cached) = cached.filter(|cached| cached.stamp == stamp && cached.is_settled) {
            self.looked.fetch_add(content.size, Ordering::Relaxed);
            return cached.hash == content.hash;
        }
        let hashed_at_ns = now_ns();
        let go_on = |bytes| {
            self.looked.fetch_add(bytes, Ordering::Relaxed);
            if self.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let Ok(list) = hash_here(&file, &stamp, &go_on) else { return false };
        let hash = list.root();
        let is_settled = stamp.is_settled_at(hashed_at_ns);
        let full = {
            let mut hashed = hashed.lock();
            hashed.push((CachedHash { stamp, hash, hashed_at_ns, is_settled }, list));
            (hashed.len() >= HASHES_TOGETHER).then(|| std::mem::take(&mut *hashed))
        };
        self.remember(&full.unwrap_or_default());
        hash == content.hash
    }

    /// So that nothing is read again when the person has answered, or the program was ended meanwhile.
    fn remember(&self, hashed: &[(CachedHash, BlockList)]) {
        if !hashed.is_empty()
            && let Err(error) = self.store.remember_hashes(hashed)
        {
            tracing::warn!(%error, "hashes cannot be remembered; the files will be read again");
        }
    }

    /// The first name with a number that nothing has, or this very content; and whether that is here.
    fn beside(&self, index: u32, taken: &mut HashSet<PathBuf>) -> Option<Verdict> {
        let into = &self.job.saved.into;
        let (name, content) = (&self.job.saved.files.get(index as usize)?.name, self.job.content(index)?);
        let hashed = Mutex::default();
        let free = (2..NAME_NUMBERS_MAX).find_map(|number| {
            let name = name.numbered(number);
            let path = name.path_below(into);
            if taken.contains(&path) {
                return None;
            }
            if path.symlink_metadata().is_err() {
                return Some((name, false));
            }
            let target = TargetDir::open(into).and_then(|root| target_in(&root, &name)).ok()?;
            self.is_content(&target, content, &hashed).then_some((name, true))
        });
        self.remember(&hashed.into_inner());
        let (name, is_here) = free?;
        if let Err(error) = self.take_part_along(index, &name, is_here) {
            tracing::warn!(%error, "what was begun of a file is fetched again under its other name");
        }
        taken.insert(name.path_below(into));
        Some(Verdict::Beside(name, is_here))
    }

    /// What was begun of a file goes on under its other name; if that is there it is of no use.
    fn take_part_along(&self, index: u32, name: &TargetName, is_here: bool) -> Result<(), PlaceError> {
        let target = patiently(|| self.job.target(index))?;
        if !target.has_part()? {
            return Ok(());
        }
        let other = TargetDir::open(&self.job.saved.into).and_then(|root| target_in(&root, name))?;
        if is_here { target.remove_part() } else { target.move_part(&other) }
    }
}

/// A target below a folder; the folders above it are made.
fn target_in(root: &TargetDir, name: &TargetName) -> Result<Target, PlaceError> {
    match name {
        TargetName::Typed(name) => root.target_typed(name),
        TargetName::Below(names) => {
            let Some((name, folders)) = names.split_last() else { return Err(PlaceError::BadName) };
            Ok(root.below(folders)?.target(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::local_name::LocalName;
    use crate::model::share_path::SharePath;
    use crate::store::downloads::{SavedDownload, WantedFile};

    struct Here {
        home: tempfile::TempDir,
        store: Arc<Store>,
    }

    impl Here {
        /// A folder in which these files are.
        fn with(files: &[(&str, &str)]) -> Self {
            let home = tempfile::tempdir().expect("a folder");
            let store = Arc::new(Store::open(&home.path().join("potok.redb")).expect("opens").store);
            for (name, data) in files {
                let path = home.path().join(name);
                std::fs::create_dir_all(path.parent().expect("below")).expect("made");
                std::fs::write(path, data).expect("written");
            }
            Self { home, store }
        }

        fn look(&self, existing: Existing, files: &[(&str, &str)]) -> PlaceLook {
            let file = |(name, data): &(&str, &str)| WantedFile {
                remote: SharePath::new(name).expect("a path"),
                content: Content { hash: blake3::hash(data.as_bytes()).into(), size: data.len() as u64 },
                name: TargetName::Below(name.split('/').map(|part| LocalName::new(part).expect("harmless")).collect()),
            };
            let saved = SavedDownload {
                user: "anna".parse().expect("a name"),
                label: "F/".into(),
                is_folder: true,
                into: self.home.path().to_owned(),
                existing,
                is_paused: false,
                files: files.iter().map(file).collect(),
                states: Vec::new(),
            };
            PlaceLook {
                store: Arc::clone(&self.store),
                indexes: (0..u32::try_from(files.len()).expect("few")).collect(),
                job: JobFiles::new(saved),
                avoid: HashSet::new(),
                looked: Arc::default(),
                is_stopped: Arc::default(),
            }
        }
    }

    /// What becomes of each file, in a word.
    fn words(look: &PlaceLook) -> String {
        let word = |(index, verdict): (u32, Verdict)| {
            let name = look.job.saved.files[index as usize].remote.to_string();
            match verdict {
                Verdict::Wanted => name,
                Verdict::Here => format!("{name}: here"),
                Verdict::LeftOut => format!("{name}: left out"),
                Verdict::Differing => format!("{name}: differing"),
                Verdict::Beside(other, is_here) => {
                    let other = other.path_below(Path::new("")).display().to_string().replace('\\', "/");
                    format!("{name}: {other}{}", if is_here { ", here" } else { "" })
                }
            }
        };
        look.look().expect("not stopped").into_iter().map(word).collect::<Vec<_>>().join("; ")
    }

    const WANTED: [(&str, &str); 6] = [
        ("F/same", "as it is"),
        ("F/other", "theirs"),
        ("F/longer", "theirs"),
        ("F/sub/new", "new"),
        ("F/folder", "a file"),
        ("F/sub/same.txt", "too"),
    ];
    const THERE: [(&str, &str); 6] = [
        ("F/same", "as it is"),
        ("F/other", "mine!!"),
        ("F/longer", "longer than theirs"),
        ("F/folder/x", "in a folder"),
        ("F/sub/same.txt", "too"),
        ("F/other (2)", "mine!!"),
    ];

    #[test]
    fn what_is_the_same_is_done_and_the_rest_is_as_the_person_says() {
        for (existing, expected) in [
            (
                Existing::Refuse,
                "F/same: here; F/other: differing; F/longer: differing; F/sub/new; F/folder: differing; \
                 F/sub/same.txt: here",
            ),
            (Existing::Replace, "F/same: here; F/other; F/longer; F/sub/new; F/folder; F/sub/same.txt: here"),
            (
                Existing::LeaveOut,
                "F/same: here; F/other: left out; F/longer: left out; F/sub/new; F/folder: left out; \
                 F/sub/same.txt: here",
            ),
            (
                Existing::KeepBoth,
                "F/same: here; F/other: F/other (3); F/longer: F/longer (2); F/sub/new; F/folder: F/folder (2); \
                 F/sub/same.txt: here",
            ),
        ] {
            let here = Here::with(&THERE);
            let look = here.look(existing, &WANTED);
            assert_eq!(words(&look), expected, "{existing:?}");
            // Those of the right length: two that are the same, and one that is not.
            let read: u64 = ["as it is", "mine!!", "too"].map(|data| data.len() as u64).iter().sum();
            let numbered = if existing == Existing::KeepBoth { "mine!!".len() as u64 } else { 0 };
            assert_eq!(look.looked.load(Ordering::Relaxed), read + numbered, "{existing:?}");
            for (name, data) in THERE {
                let now = std::fs::read_to_string(here.home.path().join(name)).expect("still there");
                assert_eq!(now, data, "nothing is written");
            }
        }
    }

    #[test]
    fn what_is_kept_beside_another_may_be_there_already() {
        let here = Here::with(&[("F/other", "mine"), ("F/other (2)", "theirs")]);
        let look = here.look(Existing::KeepBoth, &[("F/other", "theirs")]);
        assert_eq!(words(&look), "F/other: F/other (2), here");
        // Another download has that name.
        let mut look = here.look(Existing::KeepBoth, &[("F/other", "of boris")]);
        look.avoid.insert(here.home.path().join("F/other (3)"));
        assert_eq!(words(&look), "F/other: F/other (4)");
    }

    #[test]
    fn who_stops_a_look_gets_no_verdict() {
        let here = Here::with(&THERE);
        let look = here.look(Existing::Refuse, &WANTED);
        look.is_stopped.store(true, Ordering::Relaxed);
        assert_eq!(look.look(), None);
    }

    #[test]
    fn an_unfinished_file_beside_the_whole_one_goes() {
        let here = Here::with(&[("F/same", "as it is"), ("F/same.potok-part", "as"), ("F/x.potok-part", "ne")]);
        assert_eq!(words(&here.look(Existing::Refuse, &[("F/same", "as it is"), ("F/x", "new")])), "F/same: here; F/x");
        let left = ["F/same.potok-part", "F/x.potok-part"].map(|name| here.home.path().join(name).exists());
        assert_eq!(left, [false, true]);
    }

    #[test]
    fn nothing_is_read_twice() {
        let here = Here::with(&[("F/a", "theirs")]);
        let path = here.home.path().join("F/a");
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        std::fs::File::options().write(true).open(&path).expect("opens").set_modified(old).expect("set");
        let look = || here.look(Existing::Refuse, &[("F/a", "theirs")]);
        // The stamp is trusted once it is a tick old.
        let stamp = || look().job.target(0).and_then(|target| target.open_whole()).expect("there").1;
        while !stamp().is_settled_at(now_ns()) {
            std::thread::yield_now();
        }
        assert_eq!(words(&look()), "F/a: here");
        let mut row = here.store.cached_hashes(&[stamp()]).expect("reads")[0].expect("remembered");
        assert!(row.is_settled);
        // A false word in the database shows that it is believed.
        row.hash = blake3::hash(b"another").into();
        let list = BlockList::single(crate::model::geometry::Geometry::of(6), row.hash).expect("one block");
        here.store.remember_hashes(&[(row, list)]).expect("written");
        assert_eq!(words(&look()), "F/a: differing");
    }
}
