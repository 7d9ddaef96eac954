//! What of a download lies at its place already, and what becomes of it by the person's word. A file that is there with
//! the very content is done, and nothing of it is fetched. Blocks: what has the right length is read, unless it was read
//! before and has not changed since.

use std::collections::HashSet;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, available_parallelism};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::disk::hash::{hash_here, now_ns};
use crate::disk::place::place_error::PlaceError;
use crate::disk::place::target::{Target, TargetDir};
use crate::model::block_list::BlockList;
use crate::model::existing::Existing;
use crate::protocol::peer::Content;
use crate::service::downloader::adding::{Folders, to_save};
use crate::service::downloader::files::{JobFiles, patiently};
use crate::service::downloader::{AddError, NewDownload};
use crate::store::Store;
use crate::store::downloads::TargetName;
use crate::store::hash_cache::CachedHash;

/// Threads that read what is there.
const READING_MAX: usize = 4;
/// Hashes that are written down together.
const HASHES_TOGETHER: usize = 256;
/// Numbers that are tried behind a name that is taken.
pub const NAME_NUMBERS_MAX: usize = 10_000;

/// A download with what is at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// As it is to be queued: what is left out is not in it any more, and what is kept beside another has its number.
    pub download: NewDownload,
    /// The places of files that are there with another content, if nobody has said what becomes of them. It is not to be
    /// queued then.
    pub differing: Vec<PathBuf>,
    /// How many files are left out.
    pub left_out: u64,
    /// What gets a number behind its name, as its owner calls it, and where it goes.
    pub renamed: Vec<(String, PathBuf)>,
}

/// What is known of a download that is asked for again.
#[derive(Default)]
pub(super) struct Known {
    /// What the person said when it was asked for; nothing of one that is finished.
    pub(super) existing: Existing,
    /// Which of its files are done.
    pub(super) done: Vec<u32>,
    pub(super) files: Option<Arc<JobFiles>>,
}

/// What is at the place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Same,
    /// Something else, and whether the download that is asked for again has put a file there.
    Other {
        was_ours: bool,
    },
}

/// Looks at the places of downloads that are asked for together, and does with what is there as the person said.
pub(super) fn place(
    store: &Store,
    parts: Vec<(NewDownload, Known)>,
    stop: &CancellationToken,
) -> Result<Vec<Placed>, AddError> {
    let paths = parts.iter().flat_map(|(download, _)| paths_of(download));
    let mut taken: HashSet<PathBuf> = paths.collect();
    parts.into_iter().map(|(download, known)| place_one(store, download, &known, &mut taken, stop)).collect()
}

fn place_one(
    store: &Store,
    download: NewDownload,
    known: &Known,
    taken: &mut HashSet<PathBuf>,
    stop: &CancellationToken,
) -> Result<Placed, AddError> {
    let look = Look { store, stop };
    let found = look.at_all(&download, known)?;
    let paths = || paths_of(&download).zip(&found);
    let answer = |was_ours: bool| {
        // What it has put there is the person's now: that they once had something else replaced is not about this.
        download.existing.or(if was_ours { Existing::Refuse } else { known.existing })
    };
    let unanswered = paths()
        .filter(|(_, found)| matches!(found, Found::Other { was_ours } if answer(*was_ours) == Existing::Refuse));
    let differing: Vec<PathBuf> = unanswered.map(|(path, _)| path).collect();
    let existing = download.existing.or(known.existing);
    let mut placed = Placed { differing, left_out: 0, renamed: Vec::new(), download };
    placed.download.existing = existing;
    let files = std::mem::take(&mut placed.download.files);
    for (mut file, found) in files.into_iter().zip(found) {
        let index = u32::try_from(placed.download.files.len()).unwrap_or(u32::MAX);
        match found {
            Found::Other { .. } if !placed.differing.is_empty() => {}
            Found::Other { .. } if existing == Existing::LeaveOut => {
                placed.left_out += 1;
                continue;
            }
            Found::Other { .. } if existing == Existing::KeepBoth => {
                let into = &placed.download.into;
                if let Some((name, is_here)) = look.free_name(into, &file.name, file.content, taken) {
                    taken.insert(name.path_below(into));
                    placed.renamed.push((file.remote.to_string(), name.path_below(into)));
                    file.name = name;
                    placed.download.here.extend(is_here.then_some(index));
                }
            }
            Found::Same => placed.download.here.push(index),
            Found::Nothing | Found::Other { .. } => {}
        }
        placed.download.files.push(file);
    }
    Ok(placed)
}

fn paths_of(download: &NewDownload) -> impl Iterator<Item = PathBuf> + '_ {
    download.files.iter().map(|file| file.name.path_below(&download.into))
}

/// A file that is read to know what it is.
struct Candidate {
    at: usize,
    content: Content,
}

struct Look<'a> {
    store: &'a Store,
    stop: &'a CancellationToken,
}

impl Look<'_> {
    fn at_all(&self, download: &NewDownload, known: &Known) -> Result<Vec<Found>, AddError> {
        let done = known.files.as_ref().map(|files| files.contents_of(&known.done)).unwrap_or_default();
        let mut folders = Folders::default();
        let mut found = vec![Found::Nothing; download.files.len()];
        let mut to_read = Vec::new();
        for (at, file) in download.files.iter().enumerate() {
            let path = file.name.path_below(&download.into);
            if !folders.may_hold(&path) {
                continue;
            }
            let Ok(metadata) = path.symlink_metadata() else { continue };
            let ours = done.get(&file.name);
            found[at] = Found::Other { was_ours: ours.is_some() };
            if metadata.is_file() && metadata.len() == file.content.size {
                match ours {
                    // It was verified when it came.
                    Some(content) if *content == file.content => found[at] = Found::Same,
                    _ => to_read.push(Candidate { at, content: file.content }),
                }
            }
        }
        if !to_read.is_empty() {
            for at in self.read_all(download, &to_read)? {
                found[at] = Found::Same;
            }
        }
        Ok(found)
    }

    /// Those that are what is wanted. Several threads take the next one each.
    fn read_all(&self, download: &NewDownload, to_read: &[Candidate]) -> Result<Vec<usize>, AddError> {
        let job = JobFiles::new(to_save(download.clone())?);
        let (next, hashed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let read_some = || {
            let mut same = Vec::new();
            while let Some(Candidate { at, content }) = to_read.get(next.fetch_add(1, Ordering::Relaxed)) {
                if self.stop.is_cancelled() {
                    break;
                }
                let index = u32::try_from(*at).unwrap_or(u32::MAX);
                let target = patiently(|| job.target(index));
                if target.is_ok_and(|target| self.is_content(&target, *content, &hashed)) {
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
        if self.stop.is_cancelled() { Err(AddError::Stopped) } else { Ok(same) }
    }

    fn is_content(&self, target: &Target, content: Content, hashed: &Mutex<Vec<(CachedHash, BlockList)>>) -> bool {
        let Ok((file, stamp)) = patiently(|| target.open_whole()) else { return false };
        if stamp.size != content.size {
            return false;
        }
        let cached = self.store.cached_hashes(&[stamp]).ok().and_then(|mut rows| rows.pop().flatten());
        if let Some(cached) = cached.filter(|cached| cached.stamp == stamp && cached.is_settled) {
            return cached.hash == content.hash;
        }
        let hashed_at_ns = now_ns();
        let go_on = |_| if self.stop.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
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

    /// So that nothing is read again when the person has answered.
    fn remember(&self, hashed: &[(CachedHash, BlockList)]) {
        if !hashed.is_empty()
            && let Err(error) = self.store.remember_hashes(hashed)
        {
            tracing::warn!(%error, "hashes cannot be remembered; the files will be read again");
        }
    }

    /// The first name with a number that nothing has, or this very content; and whether that is here.
    fn free_name(
        &self,
        into: &Path,
        name: &TargetName,
        content: Content,
        taken: &HashSet<PathBuf>,
    ) -> Option<(TargetName, bool)> {
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
        free
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
    use super::*;
    use crate::model::local_name::LocalName;
    use crate::model::share_path::SharePath;
    use crate::store::downloads::WantedFile;

    struct Here {
        home: tempfile::TempDir,
        store: Store,
    }

    impl Here {
        /// A folder in which these files are.
        fn with(files: &[(&str, &str)]) -> Self {
            let home = tempfile::tempdir().expect("a folder");
            let store = Store::open(&home.path().join("potok.redb")).expect("opens").store;
            for (name, data) in files {
                let path = home.path().join(name);
                std::fs::create_dir_all(path.parent().expect("below")).expect("made");
                std::fs::write(path, data).expect("written");
            }
            Self { home, store }
        }

        fn wanted(&self, existing: Existing, files: &[(&str, &str)]) -> NewDownload {
            let file = |(name, data): &(&str, &str)| WantedFile {
                remote: SharePath::new(name).expect("a path"),
                content: Content { hash: blake3::hash(data.as_bytes()).into(), size: data.len() as u64 },
                name: TargetName::Below(name.split('/').map(|part| LocalName::new(part).expect("harmless")).collect()),
            };
            NewDownload {
                user: "anna".parse().expect("a name"),
                label: "F/".into(),
                is_folder: true,
                into: self.home.path().to_owned(),
                existing,
                files: files.iter().map(file).collect(),
                here: Vec::new(),
            }
        }

        fn place(&self, download: NewDownload, known: Known) -> Placed {
            let placed = place(&self.store, vec![(download, known)], &CancellationToken::new());
            placed.expect("looks").pop().expect("one")
        }

        fn short(&self, placed: &Placed) -> String {
            let name = |path: &Path| path.strip_prefix(self.home.path()).expect("below").display().to_string();
            let Placed { download, differing, left_out, renamed } = placed;
            let files = download.files.iter().zip(0u32..).map(|(file, index)| {
                let name = name(&file.name.path_below(&download.into));
                if download.here.contains(&index) { format!("{name} (here)") } else { name }
            });
            let mut said = vec![files.collect::<Vec<_>>().join(", ")];
            said.extend((!differing.is_empty()).then(|| {
                let names: Vec<String> = differing.iter().map(|path| name(path)).collect();
                format!("differing: {}", names.join(", "))
            }));
            said.extend((*left_out > 0).then(|| format!("{left_out} left out")));
            said.extend(renamed.iter().map(|(from, to)| format!("{from} is {}", name(to))));
            said.join("; ")
        }
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
                "F/same (here), F/other, F/longer, F/sub/new, F/folder, F/sub/same.txt (here); \
                 differing: F/other, F/longer, F/folder",
            ),
            (Existing::Replace, "F/same (here), F/other, F/longer, F/sub/new, F/folder, F/sub/same.txt (here)"),
            (Existing::LeaveOut, "F/same (here), F/sub/new, F/sub/same.txt (here); 3 left out"),
            (
                Existing::KeepBoth,
                "F/same (here), F/other (3), F/longer (2), F/sub/new, F/folder (2), F/sub/same.txt (here); \
                 F/other is F/other (3); F/longer is F/longer (2); F/folder is F/folder (2)",
            ),
        ] {
            let here = Here::with(&THERE);
            let placed = here.place(here.wanted(existing, &WANTED), Known::default());
            assert_eq!(here.short(&placed), expected, "{existing:?}");
            assert_eq!(placed.download.existing, existing);
        }
        let nothing = Here::with(&[]);
        let placed = nothing.place(nothing.wanted(Existing::Refuse, &WANTED), Known::default());
        assert_eq!((placed.download.here.len(), placed.differing.len()), (0, 0));
        assert!(!nothing.home.path().join("F").exists(), "looking makes nothing");
    }

    #[test]
    fn what_was_kept_beside_another_is_known_again() {
        let here = Here::with(&[("F/other", "mine"), ("F/other (2)", "theirs")]);
        let wanted = here.wanted(Existing::KeepBoth, &[("F/other", "theirs")]);
        assert_eq!(here.short(&here.place(wanted, Known::default())), "F/other (2) (here); F/other is F/other (2)");
        // Two people's files that would have one number.
        let two = || here.wanted(Existing::KeepBoth, &[("F/other", "of boris")]);
        let placed =
            place(&here.store, vec![(two(), Known::default()), (two(), Known::default())], &CancellationToken::new());
        let names: Vec<String> = placed.expect("looks").iter().map(|placed| here.short(placed)).collect();
        assert_eq!(names, ["F/other (3); F/other is F/other (3)", "F/other (4); F/other is F/other (4)"]);
    }

    #[test]
    fn an_answer_holds_for_what_the_same_download_has_not_brought() {
        let here = Here::with(&[("F/a", "mine now"), ("F/b", "in the way"), ("F/c", "theirs")]);
        let wanted = [("F/a", "theirs"), ("F/b", "theirs"), ("F/c", "theirs")];
        let saved = to_save(here.wanted(Existing::Refuse, &wanted)).expect("some files");
        let known =
            |existing, done: &[u32]| Known { existing, done: done.to_vec(), files: Some(JobFiles::new(saved.clone())) };
        for (existing, done, expected) in [
            (Existing::Refuse, &[][..], "F/a, F/b, F/c (here); differing: F/a, F/b"),
            (Existing::LeaveOut, &[], "F/c (here); 2 left out"),
            (Existing::Replace, &[], "F/a, F/b, F/c (here)"),
            // It was fetched, and the person has written to it since.
            (Existing::Replace, &[0, 2], "F/a, F/b, F/c (here); differing: F/a"),
        ] {
            let placed = here.place(here.wanted(Existing::Refuse, &wanted), known(existing, done));
            assert_eq!(here.short(&placed), expected, "{existing:?} {done:?}");
        }
        let said = here.place(here.wanted(Existing::LeaveOut, &wanted), known(Existing::Replace, &[0, 2]));
        assert_eq!(here.short(&said), "F/c (here); 2 left out", "what is said now counts");
    }

    #[test]
    fn nothing_is_read_twice() {
        let here = Here::with(&[("F/a", "theirs")]);
        let path = here.home.path().join("F/a");
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        std::fs::File::options().write(true).open(&path).expect("opens").set_modified(old).expect("set");
        let wanted = || here.wanted(Existing::Refuse, &[("F/a", "theirs")]);
        // The stamp is trusted once it is a tick old.
        let stamp = || {
            let target = TargetDir::open(here.home.path()).and_then(|root| target_in(&root, &wanted().files[0].name));
            target.and_then(|target| target.open_whole()).expect("there").1
        };
        while !stamp().is_settled_at(now_ns()) {
            std::thread::yield_now();
        }
        assert_eq!(here.short(&here.place(wanted(), Known::default())), "F/a (here)");
        let mut row = here.store.cached_hashes(&[stamp()]).expect("reads")[0].expect("remembered");
        assert!(row.is_settled);
        // A false word in the database shows that it is believed.
        row.hash = blake3::hash(b"another").into();
        let list = BlockList::single(crate::model::geometry::Geometry::of(6), row.hash).expect("one block");
        here.store.remember_hashes(&[(row, list)]).expect("written");
        assert_eq!(here.short(&here.place(wanted(), Known::default())), "F/a; differing: F/a");
    }
}
