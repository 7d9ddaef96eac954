//! Where contents are that were downloaded, so that a person sees what is here already. It outlives the list of downloads;
//! beyond a bound the oldest are forgotten.

use std::path::PathBuf;

use redb::{ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::model::hash::ContentHash;
use crate::model::transfer::TransferId;
use crate::store::Store;
use crate::store::downloads::{FILES, JOBS, STATES, bytes_of, decode_name, os_string_of};
use crate::store::saved_state::is_done;

/// Contents that are remembered: some 20 MB.
const FETCHED_MAX: u64 = 100_000;

/// Hash, to the place in [`ORDER`], the length, and the path.
const FETCHED: TableDefinition<'_, [u8; 32], (u64, u64, &[u8])> = TableDefinition::new("fetched");
/// Counted up, to the hash: the first is the oldest.
const ORDER: TableDefinition<'_, u64, [u8; 32]> = TableDefinition::new("fetched-order");

/// A content that was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedFile {
    /// The hash of what was verified when it came.
    pub hash: ContentHash,
    /// Its length in bytes.
    pub size: u64,
    /// Where it was put; a person may have moved it since.
    pub local_path: PathBuf,
}

impl Store {
    /// What was fetched of these contents.
    pub fn fetched(&self, contents: &[ContentHash]) -> Result<Vec<FetchedFile>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(FETCHED) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let mut found = Vec::new();
        for hash in contents {
            if let Some(row) = table.get(hash.as_bytes())? {
                let (_, size, path) = row.value();
                found.push(FetchedFile { hash: *hash, size, local_path: PathBuf::from(os_string_of(path)) });
            }
        }
        Ok(found)
    }

    /// Remembers the finished files of a download that is on the list.
    pub fn remember_fetched(&self, id: TransferId) -> Result<(), redb::Error> {
        self.remember_fetched_up_to(FETCHED_MAX, id)
    }

    fn remember_fetched_up_to(&self, most: u64, TransferId(id): TransferId) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        {
            let (jobs, files, states) = (write.open_table(JOBS)?, write.open_table(FILES)?, write.open_table(STATES)?);
            let (mut fetched, mut order) = (write.open_table(FETCHED)?, write.open_table(ORDER)?);
            let Some(job) = jobs.get(id)? else { return Ok(()) };
            let into = PathBuf::from(os_string_of(job.value().3));
            let mut next = order.last()?.map_or(0, |(place, _)| place.value() + 1);
            for row in states.range((id, 0)..=(id, u32::MAX))? {
                let (key, state) = row?;
                let Some(file) = files.get(key.value())?.filter(|_| is_done(state.value().0)) else { continue };
                let (_, size, hash, is_typed, name) = file.value();
                let Some(name) = decode_name(is_typed, name) else { continue };
                let path = bytes_of(name.path_below(&into).as_os_str());
                if let Some(before) = fetched.insert(hash, (next, size, path.as_slice()))? {
                    order.remove(before.value().0)?;
                }
                order.insert(next, hash)?;
                next += 1;
                if order.len()? > most
                    && let Some((_, oldest)) = order.pop_first()?
                {
                    fetched.remove(oldest.value())?;
                }
            }
        }
        Ok(write.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::existing::Existing;
    use crate::model::local_name::LocalName;
    use crate::model::share_path::SharePath;
    use crate::protocol::peer::Content;
    use crate::store::downloads::{SavedDownload, TargetName, WantedFile};
    use crate::store::saved_state::SavedState;

    fn content(n: u8) -> ContentHash {
        ContentHash::from_bytes([n; 32])
    }

    fn download(contents: &[u8], done: &[u32]) -> SavedDownload {
        let file = |n: &u8| WantedFile {
            remote: SharePath::new(&format!("Trip/{n}")).expect("valid"),
            content: Content { hash: content(*n), size: u64::from(*n) },
            name: TargetName::Below(
                ["Trip".into(), n.to_string()].map(|part| LocalName::new(&part).expect("fine")).into(),
            ),
        };
        SavedDownload {
            user: "anna".parse().expect("a name"),
            label: "Trip/".into(),
            is_folder: true,
            into: "/d".into(),
            existing: Existing::Refuse,
            is_paused: false,
            files: contents.iter().map(file).collect(),
            states: done.iter().map(|index| (*index, SavedState::Done)).collect(),
        }
    }

    #[test]
    fn what_was_fetched_is_known_when_the_download_is_off_the_list() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let store = Store::open(&dir.path().join("potok.redb")).expect("opens").store;
        assert_eq!(store.fetched(&[content(1)]).expect("read"), [], "no table yet");
        let (first, second) = (TransferId(1), TransferId(2));
        store.save_download(first, &download(&[1, 2, 3], &[0, 2])).expect("saved");
        store.remember_fetched_up_to(3, first).expect("written");
        store.remember_fetched_up_to(3, first).expect("once more is the same");
        store.forget_downloads(&[first]).expect("forgotten");
        let paths = |contents: &[u8]| -> Vec<(u64, PathBuf)> {
            let contents: Vec<ContentHash> = contents.iter().copied().map(content).collect();
            let found = store.fetched(&contents).expect("read");
            found.into_iter().map(|file| (file.size, file.local_path)).collect()
        };
        let path = |n: u64| (n, PathBuf::from(format!("/d/Trip/{n}")));
        assert_eq!(paths(&[1, 2, 3]), [path(1), path(3)], "2 did not come");
        store.save_download(second, &download(&[4, 1, 5], &[0, 1, 2])).expect("saved");
        store.remember_fetched_up_to(3, second).expect("written");
        assert_eq!(paths(&[1, 3, 4, 5]), [path(1), path(4), path(5)], "the oldest is forgotten");
        store.remember_fetched_up_to(3, TransferId(9)).expect("nobody's");
    }
}
