//! The queue of downloads, as it survives the end of the program: what is wanted, where it goes, and which files of it
//! are finished. Which blocks of a file are here is not written down: the part file itself says it.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use redb::{Durability, ReadableTable, TableDefinition, WriteTransaction};

use crate::model::existing::Existing;
use crate::model::hash::ContentHash;
use crate::model::local_name::{self, LocalName};
use crate::model::share_path::SharePath;
use crate::model::transfer::{TransferError, TransferId};
use crate::model::username::Username;
use crate::protocol::peer::Content;
use crate::store::saved_state::{SavedState, StateRow, is_done};
use crate::store::{Store, answers, ways};

/// Number, to user, label, whether it is a folder, target folder, whether files are replaced, whether it is paused.
pub(super) type JobRow = (&'static str, &'static str, bool, &'static [u8], bool, bool);
pub(super) const JOBS: TableDefinition<'_, u64, JobRow> = TableDefinition::new("downloads");
/// Number and index, to share path, size, hash, whether the name was typed, the name.
pub(super) type FileRow = (&'static str, u64, [u8; 32], bool, &'static [u8]);
pub(super) const FILES: TableDefinition<'_, (u64, u32), FileRow> = TableDefinition::new("download-files");
/// Number and index, to what became of the file. A file without a row has not begun.
pub(super) const STATES: TableDefinition<'_, (u64, u32), StateRow<'_>> = TableDefinition::new("download-states");
/// Number, to rank in the queue; without a row it is the number.
const RANKS: TableDefinition<'_, u64, u64> = TableDefinition::new("download-ranks");
/// The number that the next download gets: a number is never used twice.
const NEXT: TableDefinition<'_, (), u64> = TableDefinition::new("download-next");

/// A download as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedDownload {
    /// Who shares it.
    pub user: Username,
    /// What the person asked for.
    pub label: String,
    /// Whether a folder was asked for.
    pub is_folder: bool,
    /// A folder on this computer that the person chose.
    pub into: PathBuf,
    /// What is done where something else is at the place of a file.
    pub existing: Existing,
    /// Whether a person paused it.
    pub is_paused: bool,
    /// The files in the order in which the download was made of them; their indexes count from 0.
    pub files: Vec<WantedFile>,
    /// What became of them, by index; a file that is not named has not begun.
    pub states: Vec<(u32, SavedState)>,
}

impl SavedDownload {
    /// The file, or the folder that all of it goes into.
    pub fn top(&self) -> Option<PathBuf> {
        self.files.first().map(|file| file.name.top_below(&self.into))
    }

    /// The files that do not come, and why.
    pub fn failed(&self) -> impl Iterator<Item = (&SharePath, &TransferError)> {
        self.states.iter().filter_map(|(index, state)| match state {
            SavedState::Failed(error) => Some((&self.files.get(*index as usize)?.remote, error)),
            _ => None,
        })
    }
}

/// One file of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedFile {
    /// As its owner calls it.
    pub remote: SharePath,
    /// What was announced.
    pub content: Content,
    /// Where it goes below the target folder.
    pub name: TargetName,
}

/// The name of a target below the folder that the person chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetName {
    /// The person typed it.
    Typed(OsString),
    /// Others gave it: folders that may have to be made, and the file, each found harmless.
    Below(Vec<LocalName>),
}

impl TargetName {
    /// As a path below the folder, for people and for comparing.
    pub fn path_below(&self, folder: &Path) -> PathBuf {
        match self {
            Self::Typed(name) => folder.join(name),
            Self::Below(names) => names.iter().fold(folder.to_owned(), |path, name| path.join(name.as_str())),
        }
    }

    /// What lies in the folder itself: the file, or the folder on the way to it.
    pub fn top_below(&self, folder: &Path) -> PathBuf {
        match self {
            Self::Typed(name) => folder.join(name),
            Self::Below(names) => folder.join(names.first().map_or("", |name| name.as_str())),
        }
    }

    /// The same with a number behind the name of the file.
    pub fn numbered(&self, number: usize) -> Self {
        match self {
            Self::Typed(name) => Self::Typed(local_name::numbered(&name.to_string_lossy(), number).into()),
            Self::Below(names) => {
                let mut names = names.clone();
                if let Some(last) = names.last_mut() {
                    *last = last.numbered(number);
                }
                Self::Below(names)
            }
        }
    }

    /// What it is below its folder, to a disk that ignores case.
    pub fn case_key(&self) -> String {
        match self {
            Self::Typed(name) => name.to_string_lossy().into_owned(),
            Self::Below(names) => names.iter().map(LocalName::case_key).collect::<Vec<_>>().join("/"),
        }
    }
}

impl Store {
    /// The first number that no download has had, here or in an earlier run.
    pub fn next_transfer_id(&self) -> Result<TransferId, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(NEXT) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(TransferId(1)),
            other => other?,
        };
        let next = table.get(())?.map_or(1, |id| id.value());
        let behind_last = match read.open_table(JOBS) {
            Err(redb::TableError::TableDoesNotExist(_)) => 1,
            other => other?.last()?.map_or(1, |(id, _)| id.value().saturating_add(1)),
        };
        Ok(TransferId(next.max(behind_last)))
    }

    /// Writes a new download with its number, durably when this returns. The number is not given out again.
    pub fn save_download(&self, id: TransferId, download: &SavedDownload) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        {
            let mut next = write.open_table(NEXT)?;
            let before = next.get(())?.map_or(1, |id| id.value());
            next.insert((), before.max(id.0.saturating_add(1)))?;
        }
        write_job(&write, id, download)?;
        write_wanted(&write, id, (0u32..).zip(&download.files))?;
        write_states(&write, download.states.iter().map(|(index, state)| (id, *index, state)))?;
        Ok(write.commit()?)
    }

    /// Writes these files of a download anew, with what is known of them, and whether it replaces what is there; durably
    /// when this returns.
    pub fn write_files(&self, id: TransferId, download: &SavedDownload, indexes: &[u32]) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        write_job(&write, id, download)?;
        let wanted = |index: &u32| Some((*index, download.files.get(*index as usize)?));
        write_wanted(&write, id, indexes.iter().filter_map(wanted))?;
        let indexes: HashSet<u32> = indexes.iter().copied().collect();
        let states = download.states.iter().filter(|(index, _)| indexes.contains(index));
        write_states(&write, states.map(|(index, state)| (id, *index, state)))?;
        Ok(write.commit()?)
    }

    /// Writes one file of a download anew, of which nothing is known then.
    pub fn write_file(&self, id: TransferId, index: u32, file: &WantedFile) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        write_wanted(&write, id, std::iter::once((index, file)))?;
        write_states(&write, std::iter::once((id, index, &SavedState::Open)))?;
        Ok(write.commit()?)
    }

    /// Writes what became of files. Not waiting for the disk is for what the part files say as well. What is finished by
    /// now, and was written so by whoever finished it, is not held any more.
    pub fn record_download(
        &self,
        changes: &[(TransferId, u32, SavedState)],
        wait_for_disk: bool,
    ) -> Result<(), redb::Error> {
        let mut write = self.begin_write()?;
        if !wait_for_disk {
            write.set_durability(Durability::None)?;
        }
        let finished = finished_among(&write, changes)?;
        let changes = changes.iter().filter(|(id, index, _)| !finished.contains(&(*id, *index)));
        write_states(&write, changes.map(|(id, index, state)| (*id, *index, state)))?;
        Ok(write.commit()?)
    }

    /// Why these files of a download failed, as far as it was written.
    pub fn download_failures(
        &self,
        id: TransferId,
        indexes: &[u32],
    ) -> Result<HashMap<u32, TransferError>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(STATES) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(HashMap::new()),
            other => other?,
        };
        let mut failures = HashMap::new();
        for index in indexes {
            let Some(row) = table.get((id.0, *index))? else { continue };
            if let SavedState::Failed(why) = SavedState::of_row(row.value()) {
                failures.insert(*index, why);
            }
        }
        Ok(failures)
    }

    /// Writes whether a download is paused.
    pub fn pause_download(&self, id: TransferId, is_paused: bool) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        {
            let mut jobs = write.open_table(JOBS)?;
            let row = jobs.get(id.0)?.map(|row| {
                let (user, label, is_folder, into, overwrite, _) = row.value();
                (user.to_owned(), label.to_owned(), is_folder, into.to_owned(), overwrite)
            });
            if let Some((user, label, is_folder, into, overwrite)) = row {
                let row = (user.as_str(), label.as_str(), is_folder, into.as_slice(), overwrite, is_paused);
                jobs.insert(id.0, row)?;
            }
        }
        Ok(write.commit()?)
    }

    /// Writes where downloads stand in the queue.
    pub fn rank_downloads(&self, ranks: &[(TransferId, u64)]) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        {
            let mut table = write.open_table(RANKS)?;
            for (id, rank) in ranks {
                table.insert(id.0, rank)?;
            }
        }
        Ok(write.commit()?)
    }

    /// Where downloads stand in the queue; one that is not named has its number for a rank.
    pub fn download_ranks(&self) -> Result<Vec<(TransferId, u64)>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(RANKS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let rank = |row: Result<(redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, u64>), redb::StorageError>| {
            let (id, rank) = row?;
            Ok((TransferId(id.value()), rank.value()))
        };
        table.iter()?.map(rank).collect()
    }

    /// Forgets these downloads and all that is known of their files.
    pub fn forget_downloads(&self, ids: &[TransferId]) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        {
            let mut jobs = write.open_table(JOBS)?;
            let mut files = write.open_table(FILES)?;
            let mut states = write.open_table(STATES)?;
            let mut ranks = write.open_table(RANKS)?;
            for TransferId(id) in ids {
                jobs.remove(id)?;
                ranks.remove(id)?;
                answers::forget(&write, TransferId(*id))?;
                ways::forget(&write, TransferId(*id))?;
                files.retain_in((*id, 0)..=(*id, u32::MAX), |_, _| false)?;
                states.retain_in((*id, 0)..=(*id, u32::MAX), |_, _| false)?;
            }
        }
        Ok(write.commit()?)
    }

    /// Every download, in the order of their numbers.
    pub fn downloads(&self) -> Result<Vec<(TransferId, SavedDownload)>, redb::Error> {
        let read = self.begin_read()?;
        let jobs = match read.open_table(JOBS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let files = read.open_table(FILES)?;
        let states = read.open_table(STATES)?;
        let mut downloads = Vec::new();
        'jobs: for row in jobs.iter()? {
            let (id, row) = row?;
            let id = id.value();
            let (user, label, is_folder, into, replaces, is_paused) = row.value();
            // Written from valid values. Should a later version be stricter, what it refuses is left where it is.
            let Ok(user) = Username::new(user) else { continue };
            let mut download = SavedDownload {
                user,
                label: label.to_owned(),
                is_folder,
                into: PathBuf::from(os_string_of(into)),
                existing: answers::read(&read, TransferId(id), replaces)?,
                is_paused,
                files: Vec::new(),
                states: Vec::new(),
            };
            for row in files.range((id, 0)..=(id, u32::MAX))? {
                let (_, row) = row?;
                let (remote, size, hash, is_typed, name) = row.value();
                let (Ok(remote), Some(name)) = (SharePath::new(remote), decode_name(is_typed, name)) else {
                    continue 'jobs;
                };
                let content = Content { hash: ContentHash::from_bytes(hash), size };
                download.files.push(WantedFile { remote, content, name });
            }
            for row in states.range((id, 0)..=(id, u32::MAX))? {
                let (key, row) = row?;
                download.states.push((key.value().1, SavedState::of_row(row.value())));
            }
            downloads.push((TransferId(id), download));
        }
        Ok(downloads)
    }
}

fn write_job(write: &WriteTransaction, id: TransferId, download: &SavedDownload) -> Result<(), redb::Error> {
    let SavedDownload { user, label, is_folder, into, existing, is_paused, .. } = download;
    let into = bytes_of(into.as_os_str());
    let row = (user.as_str(), label.as_str(), *is_folder, into.as_slice(), existing.is_replace(), *is_paused);
    write.open_table(JOBS)?.insert(id.0, row)?;
    answers::write(write, id, *existing)
}

fn write_wanted<'a>(
    write: &WriteTransaction,
    id: TransferId,
    wanted: impl Iterator<Item = (u32, &'a WantedFile)>,
) -> Result<(), redb::Error> {
    let mut files = write.open_table(FILES)?;
    for (index, file) in wanted {
        let (is_typed, name) = encode_name(&file.name);
        let content = &file.content;
        let row = (file.remote.as_str(), content.size, *content.hash.as_bytes(), is_typed, name.as_slice());
        files.insert((id.0, index), row)?;
    }
    Ok(())
}

/// Those that are to be held and are finished.
fn finished_among(
    write: &WriteTransaction,
    changes: &[(TransferId, u32, SavedState)],
) -> Result<HashSet<(TransferId, u32)>, redb::Error> {
    let mut held = changes.iter().filter(|(.., state)| *state == SavedState::Held).peekable();
    let mut finished = HashSet::new();
    if held.peek().is_some() {
        let states = write.open_table(STATES)?;
        for (id, index, _) in held {
            if states.get((id.0, *index))?.is_some_and(|row| is_done(row.value().0)) {
                finished.insert((*id, *index));
            }
        }
    }
    Ok(finished)
}

fn write_states<'a>(
    write: &WriteTransaction,
    changes: impl Iterator<Item = (TransferId, u32, &'a SavedState)>,
) -> Result<(), redb::Error> {
    let mut states = write.open_table(STATES)?;
    for (id, index, state) in changes {
        match state.row() {
            Some(row) => _ = states.insert((id.0, index), row)?,
            None => _ = states.remove((id.0, index))?,
        }
    }
    Ok(())
}

fn encode_name(name: &TargetName) -> (bool, Vec<u8>) {
    match name {
        TargetName::Typed(name) => (true, bytes_of(name)),
        TargetName::Below(names) => {
            let names: Vec<&str> = names.iter().map(LocalName::as_str).collect();
            (false, names.join("/").into_bytes())
        }
    }
}

pub(super) fn decode_name(is_typed: bool, bytes: &[u8]) -> Option<TargetName> {
    if is_typed {
        return Some(TargetName::Typed(os_string_of(bytes)));
    }
    let names = std::str::from_utf8(bytes).ok()?.split('/').map(|part| LocalName::new(part).ok());
    names.collect::<Option<Vec<_>>>().map(TargetName::Below)
}

#[cfg(unix)]
pub(super) fn bytes_of(text: &OsStr) -> Vec<u8> {
    std::os::unix::ffi::OsStrExt::as_bytes(text).to_vec()
}

#[cfg(unix)]
pub(super) fn os_string_of(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(windows)]
pub(super) fn bytes_of(text: &OsStr) -> Vec<u8> {
    std::os::windows::ffi::OsStrExt::encode_wide(text).flat_map(u16::to_le_bytes).collect()
}

#[cfg(windows)]
pub(super) fn os_string_of(bytes: &[u8]) -> OsString {
    let wide: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    std::os::windows::ffi::OsStringExt::from_wide(&wide)
}

#[cfg(test)]
mod tests;
