//! New downloads, and those of an earlier run: what is on disk about them is looked at and written here, off the
//! engine's loop. Blocks.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use tokio::sync::oneshot;

use crate::disk::place::target::TargetDir;
use crate::model::transfer::{TransferError, TransferId};
use crate::service::downloader::{AddError, FILES_MAX, NewDownload};
use crate::service::transfer_numbers::TransferNumbers;
use crate::store::Store;
use crate::store::downloads::{SavedDownload, SavedState};
use crate::transfer::job::{FileState, Job};

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
    /// Every finished file is still there, as long as it was.
    pub(super) is_there: bool,
    pub(super) new: NewDownload,
    pub(super) reply: oneshot::Sender<Result<TransferId, AddError>>,
}

/// Whether files are where they were put. A person may have moved or deleted them since.
pub(super) fn are_there(files: &[(PathBuf, u64)]) -> bool {
    let is_there = |(path, size): &(PathBuf, u64)| {
        path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == *size)
    };
    files.iter().all(is_there)
}

/// A download that is not on disk yet.
pub(super) fn to_save(new: NewDownload) -> Result<SavedDownload, AddError> {
    let NewDownload { user, label, is_folder, into, overwrite, files } = new;
    if files.is_empty() || files.len() > FILES_MAX {
        return Err(AddError::Count);
    }
    Ok(SavedDownload { user, label, is_folder, into, overwrite, is_paused: false, files, states: Vec::new() })
}

/// Looks whether it can go where it is to go, and writes it down.
pub(super) fn save(
    store: &Store,
    numbers: &TransferNumbers,
    download: &mut SavedDownload,
) -> Result<TransferId, AddError> {
    if let Err(error) = TargetDir::open(&download.into) {
        return Err(AddError::Folder { path: download.into.clone(), why: error.to_string() });
    }
    if !download.overwrite {
        download.states = existing(download);
        // Of a folder the others go on; a file that is there already is all that was asked for.
        if !download.is_folder && !download.states.is_empty() {
            let path = download.files.first().map(|file| file.name.path_below(&download.into)).unwrap_or_default();
            return Err(AddError::Exists { path });
        }
    }
    let id = numbers.take();
    store.save_download(id, download)?;
    Ok(id)
}

/// A first look only: what matters is that the finished file is given its name without replacing anything.
fn existing(download: &SavedDownload) -> Vec<(u32, SavedState)> {
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    // Of thousands of files in a folder that is not there yet, none has to be looked for.
    let mut folders: HashMap<PathBuf, bool> = HashMap::new();
    let mut is_taken = |path: PathBuf| {
        let folder = path.parent().unwrap_or(&path);
        let is_folder = match folders.get(folder) {
            Some(known) => *known,
            None => *folders.entry(folder.to_owned()).or_insert(is_there(folder)),
        };
        is_folder && is_there(&path)
    };
    let files = (0u32..).zip(&download.files);
    let there = files.filter(|(_, file)| is_taken(file.name.path_below(&download.into)));
    there.map(|(index, _)| (index, SavedState::Failed(TransferError::Exists))).collect()
}

/// The machine's part of a download.
pub(super) fn job_of(saved: &SavedDownload) -> Job {
    let mut job = Job::new(saved.user.clone(), saved.files.iter().map(|file| file.content).collect());
    for (index, state) in &saved.states {
        match state {
            SavedState::Open => {}
            SavedState::Partial(bytes) => job.restore(*index, FileState::Pending, *bytes),
            SavedState::Done => job.restore(*index, FileState::Done, 0),
            SavedState::Failed(error) => {
                job.restore(*index, FileState::Failed, 0);
                job.last_error = Some(error.clone());
            }
        }
    }
    job
}
