//! The one embedded database of a data folder. Each kind of record has its own module with its own tables; this one
//! opens and closes the file.
//!
//! All calls block (a durable commit waits for the disk): call them on a blocking thread.

mod answers;
pub mod downloads;
pub mod fetched;
pub mod hash_cache;
pub mod history;
mod known_names;
pub mod library;
pub mod names;
mod peer_port;
mod pins;
pub mod saved_state;
mod ways;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::disk::save;

/// The format of all tables together. A file with a higher number was written by a newer Potok and is left alone.
const FORMAT: u64 = 1;
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const FORMAT_KEY: &str = "format";
/// Pages of the file kept in memory. Left alone it grows to a gibibyte; everything that is looked at often fits into this.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// The open database of one data folder; as long as it is open, no other program can open it.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

/// Why the database cannot be used, in words for the person.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another program has the database open: a data folder serves one Potok at a time.
    #[error("another Potok uses this data folder")]
    InUse,
    /// A newer version of Potok wrote it; this one leaves it alone.
    #[error("{path} was written by a newer version of Potok (format {found}, this one knows {FORMAT})")]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The number of the format in the file.
        found: u64,
    },
    /// Any other failure: of the disk, mostly.
    #[error(transparent)]
    Database(#[from] redb::Error),
}

/// The open database, and what had to be done for it.
#[derive(Debug)]
pub struct OpenedStore {
    /// The database, ready for use.
    pub store: Store,
    /// A file that could not be read was moved here, and an empty database took its place.
    pub set_aside: Option<PathBuf>,
}

impl Store {
    /// Opens or creates the file. A damaged file is set aside as `<name>.corrupt-<unix seconds>`, never overwritten.
    pub fn open(path: &Path) -> Result<OpenedStore, StoreError> {
        match Self::open_as_it_is(path) {
            Ok(store) => Ok(OpenedStore { store, set_aside: None }),
            Err(StoreError::Database(error)) if is_damage(&error) => {
                let aside = save::set_aside(path).map_err(|e| StoreError::Database(redb::Error::Io(e)))?;
                Ok(OpenedStore { store: Self::open_as_it_is(path)?, set_aside: Some(aside) })
            }
            Err(error) => Err(error),
        }
    }

    fn open_as_it_is(path: &Path) -> Result<Self, StoreError> {
        create_private(path).map_err(|error| StoreError::Database(redb::Error::Io(error)))?;
        let database = match std::panic::catch_unwind(|| open_and_check(path)) {
            Ok(Err(redb::DatabaseError::DatabaseAlreadyOpen)) => return Err(StoreError::InUse),
            Ok(other) => other.map_err(redb::Error::from)?,
            Err(_panic) => return Err(StoreError::Database(redb::Error::Corrupted("it cannot be read".into()))),
        };
        let store = Self { database };
        let write = store.begin_write()?;
        let found = {
            let mut meta = write.open_table(META).map_err(redb::Error::from)?;
            let found = meta.get(FORMAT_KEY).map_err(redb::Error::from)?.map(|guard| guard.value());
            if found.is_none() {
                meta.insert(FORMAT_KEY, FORMAT).map_err(redb::Error::from)?;
            }
            found
        };
        write.commit().map_err(redb::Error::from)?;
        match found {
            Some(found) if found > FORMAT => Err(StoreError::Newer { path: path.to_owned(), found }),
            _ => Ok(store),
        }
    }

    pub(crate) fn begin_write(&self) -> Result<redb::WriteTransaction, redb::Error> {
        Ok(self.database.begin_write()?)
    }

    pub(crate) fn begin_read(&self) -> Result<redb::ReadTransaction, redb::Error> {
        Ok(self.database.begin_read()?)
    }
}

/// redb panics at a page that makes no sense. Here it is known what follows from that; later, in the middle of a call, it
/// would end the program: so every page is compared with its sum now.
fn open_and_check(path: &Path) -> Result<Database, redb::DatabaseError> {
    let mut database = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
    database.check_integrity()?;
    Ok(database)
}

/// Makes an empty file that only its owner can read, if there is none.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Whether the file itself is bad, rather than the disk or the rights on it.
fn is_damage(error: &redb::Error) -> bool {
    match error {
        redb::Error::Corrupted(_) | redb::Error::UpgradeRequired(_) | redb::Error::TableTypeMismatch { .. } => true,
        // A file that was cut short ends too early.
        redb::Error::Io(io) => matches!(io.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_kept_and_an_open_one_refused() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("potok.redb");
        std::fs::write(&path, b"not a database at all").expect("written");
        let opened = Store::open(&path).expect("opens");
        let aside = opened.set_aside.expect("set aside");
        assert_eq!(std::fs::read(aside).expect("kept"), b"not a database at all");
        assert!(matches!(Store::open(&path), Err(StoreError::InUse)));
        drop(opened.store);
        assert!(Store::open(&path).expect("opens again").set_aside.is_none());
    }
}
