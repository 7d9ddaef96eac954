//! New downloads, and those of an earlier run: what is on disk about them is looked at and written here, off the
//! engine's loop. Blocks.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use tokio::sync::oneshot;

use crate::disk::place::place_error::PlaceError;
use crate::disk::place::target::TargetDir;
use crate::model::transfer::{TransferError, TransferId};
use crate::service::downloader::files::patiently;
use crate::service::downloader::{AddError, FILES_MAX, NewDownload};
use crate::service::transfer_numbers::TransferNumbers;
use crate::store::Store;
use crate::store::downloads::SavedDownload;
use crate::store::saved_state::SavedState;
use crate::transfer::job::{DownloadJob, FileState};

/// What came of a new download.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) download: SavedDownload,
    pub(super) result: Result<TransferId, AddError>,
    pub(super) reply: oneshot::Sender<Result<TransferId, AddError>>,
}

/// What lies where a download that is over has put its files.
#[derive(Debug)]
pub(super) struct LookedAtOver {
    pub(super) id: TransferId,
    /// Its finished files that are not there any more, or of another length.
    pub(super) gone: Vec<u32>,
    pub(super) new: NewDownload,
    pub(super) reply: oneshot::Sender<Result<TransferId, AddError>>,
}

/// Those of these files, each with its length, that are not where they were put. A person may have moved or deleted them
/// since.
pub(super) fn gone(files: &[(u32, PathBuf, u64)]) -> Vec<u32> {
    let is_there = |path: &Path, size: u64| {
        path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == size)
    };
    files.iter().filter(|(_, path, size)| !is_there(path, *size)).map(|(index, ..)| *index).collect()
}

/// A download that is not on disk yet.
pub(super) fn to_save(new: NewDownload) -> Result<SavedDownload, AddError> {
    let NewDownload { user, label, is_folder, into, existing, files } = new;
    if files.is_empty() || files.len() > FILES_MAX {
        return Err(AddError::Count);
    }
    Ok(SavedDownload { user, label, is_folder, into, existing, is_paused: false, files, states: Vec::new() })
}

/// Looks whether it can go where it is to go, and writes it down.
pub(super) fn save(
    store: &Store,
    numbers: &TransferNumbers,
    download: &mut SavedDownload,
    tells_case_apart: impl FnOnce(&Path) -> bool,
) -> Result<TransferId, AddError> {
    if let Err(error) = patiently(|| TargetDir::open(&download.into)) {
        return Err(AddError::Folder { path: download.into.clone(), why: error });
    }
    if download.is_folder {
        if let Some(top) = download.top().filter(|top| top.symlink_metadata().is_ok_and(|there| !there.is_dir())) {
            // None of its files could go there.
            return Err(AddError::Folder { path: top, why: PlaceError::InTheWay });
        }
        download.states.extend(taken(download).into_iter().map(|index| (index, SavedState::Held)));
    } else if !download.existing.is_replace() && !taken(download).is_empty() {
        // A file that is there already is all that was asked for.
        return Err(AddError::Exists { path: download.top().unwrap_or_default() });
    }
    // Where case is ignored one file would take the place of the other, or both would fill one part file.
    let same = same_names(download);
    if !same.is_empty() && !tells_case_apart(&download.into) {
        let same: HashSet<u32> = same.into_iter().collect();
        download.states.retain(|(index, _)| !same.contains(index));
        let mut same: Vec<u32> = same.into_iter().collect();
        same.sort_unstable();
        download.states.extend(same.into_iter().map(|index| (index, SavedState::Failed(TransferError::SameName))));
    }
    let id = numbers.take();
    store.save_download(id, download)?;
    Ok(id)
}

/// The files whose name is, but for case, that of one before them.
fn same_names(download: &SavedDownload) -> Vec<u32> {
    let mut seen = HashSet::with_capacity(download.files.len());
    let files = (0u32..).zip(&download.files);
    files.filter(|(_, file)| !seen.insert(file.name.case_key())).map(|(index, _)| index).collect()
}

/// The files at whose places something lies. A first look only: what matters is that the finished file is given its name
/// without replacing anything.
fn taken(download: &SavedDownload) -> Vec<u32> {
    let mut folders = Folders::default();
    let mut is_taken = |path: PathBuf| folders.may_hold(&path) && path.symlink_metadata().is_ok();
    let files = (0u32..).zip(&download.files);
    let there = files.filter(|(_, file)| is_taken(file.name.path_below(&download.into)));
    there.map(|(index, _)| index).collect()
}

/// Which folders are there: of thousands of files in one that is not there, none has to be looked for.
#[derive(Default)]
pub(super) struct Folders(HashMap<PathBuf, bool>);

impl Folders {
    /// Whether the folder of a file is there.
    pub(super) fn may_hold(&mut self, path: &Path) -> bool {
        let folder = path.parent().unwrap_or(path);
        match self.0.get(folder) {
            Some(known) => *known,
            None => *self.0.entry(folder.to_owned()).or_insert(folder.symlink_metadata().is_ok()),
        }
    }
}

/// The machine's part of a download.
pub(super) fn job_of(saved: &SavedDownload) -> DownloadJob {
    let mut job = DownloadJob::new(saved.user.clone(), saved.files.iter().map(|file| file.content).collect());
    for (index, state) in &saved.states {
        match state {
            SavedState::Open => {}
            SavedState::Partial(bytes) => job.restore(*index, FileState::Pending, *bytes),
            SavedState::Held => job.restore(*index, FileState::Held, 0),
            SavedState::Done => job.restore(*index, FileState::Done, 0),
            SavedState::Here => job.restore_here(*index),
            SavedState::LeftOut => job.restore(*index, FileState::LeftOut, 0),
            SavedState::Failed(error) => {
                job.restore(*index, FileState::Failed, 0);
                job.last_error = Some(error.clone());
            }
        }
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::existing::Existing;
    use crate::model::hash::ContentHash;
    use crate::model::local_name::LocalName;
    use crate::model::share_path::SharePath;
    use crate::protocol::peer::Content;
    use crate::store::downloads::{TargetName, WantedFile};

    fn download(into: &Path, names: &[&str]) -> SavedDownload {
        let file = |name: &&str| WantedFile {
            remote: SharePath::new(name).expect("a path"),
            content: Content { hash: ContentHash::from_bytes([7; 32]), size: 5 },
            name: TargetName::Below(name.split('/').map(|part| LocalName::new(part).expect("harmless")).collect()),
        };
        SavedDownload {
            user: "anna".parse().expect("a name"),
            label: "Trip/".into(),
            is_folder: true,
            into: into.to_owned(),
            existing: Existing::Replace,
            is_paused: false,
            files: names.iter().map(file).collect(),
            states: Vec::new(),
        }
    }

    #[test]
    fn of_two_names_that_are_one_on_this_disk_the_second_is_refused() {
        let home = tempfile::tempdir().expect("folder");
        let store = Store::open(&home.path().join("potok.redb")).expect("opens").store;
        let numbers = TransferNumbers::after(&store).expect("read");
        let names =
            ["Trip/Makefile", "Trip/makefile", "Trip/Снимка.jpg", "trip/СНИМКА.jpg", "Trip/other", "Trip/day/x"];
        for (tells_apart, expected) in [(false, &[1, 3][..]), (true, &[])] {
            let mut download = download(home.path(), &names);
            save(&store, &numbers, &mut download, |_| tells_apart).expect("saved");
            let refused = |index: &u32| (*index, SavedState::Failed(TransferError::SameName));
            assert_eq!(download.states, expected.iter().map(refused).collect::<Vec<_>>(), "{tells_apart}");
        }
        // Nothing to look for, nothing is written into the folder.
        let mut download = download(home.path(), &["Trip/a", "Trip/b", "day/a"]);
        save(&store, &numbers, &mut download, |_| panic!("no need to look")).expect("saved");
    }

    #[test]
    fn a_folder_does_not_go_where_something_else_lies() {
        let home = tempfile::tempdir().expect("folder");
        let store = Store::open(&home.path().join("potok.redb")).expect("opens").store;
        let numbers = TransferNumbers::after(&store).expect("read");
        let top = home.path().join("Trip");
        std::fs::write(&top, "a file").expect("written");
        let mut new = download(home.path(), &["Trip/a", "Trip/b"]);
        for existing in [Existing::Refuse, Existing::Replace, Existing::KeepBoth, Existing::LeaveOut] {
            new.existing = existing;
            let refused = save(&store, &numbers, &mut new, |_| true);
            let is_right =
                matches!(&refused, Err(AddError::Folder { path, why: PlaceError::InTheWay }) if *path == top);
            assert!(is_right, "{existing:?}: {refused:?}");
        }
        assert!(store.downloads().expect("read").is_empty(), "nothing is in the queue");
        std::fs::remove_file(&top).expect("removed");
        std::fs::create_dir(&top).expect("made");
        save(&store, &numbers, &mut new, |_| true).expect("saved");
    }

    #[test]
    fn the_disk_is_asked_and_left_as_it_was() {
        let home = tempfile::tempdir().expect("folder");
        let tells_apart = crate::disk::place::case::tells_case_apart(home.path());
        assert!(tells_apart || !cfg!(target_os = "linux"));
        assert_eq!(std::fs::read_dir(home.path()).expect("read").count(), 0);
        assert!(!crate::disk::place::case::tells_case_apart(&home.path().join("missing")));
    }
}
