//! Which key each username proved when we dealt with it, tracker by tracker.

use redb::{ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::model::key::PublicKey;
use crate::store::Store;

/// By the tracker's key and the name regardless of case: the key, and its place in the order of coming.
const KNOWN_NAMES: TableDefinition<'_, At<'_>, Known<'_>> = TableDefinition::new("known_names");

type At<'a> = (&'a [u8; 32], &'a str);
type Known<'a> = (&'a [u8; 32], u64);

/// Most names that are remembered, of all trackers together; the first ones make room. Only a person's own deeds add one.
const KNOWN_NAMES_MAX: u64 = 20_000;

impl Store {
    /// The names that are known at the tracker with this key, regardless of case.
    pub fn known_names(&self, tracker: PublicKey) -> Result<Vec<(String, PublicKey)>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(KNOWN_NAMES) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut names = Vec::new();
        for entry in table.range((tracker.as_bytes(), "")..)? {
            let (at, value) = entry?;
            let (at_tracker, folded) = at.value();
            if at_tracker != tracker.as_bytes() {
                break;
            }
            names.push((folded.to_owned(), PublicKey::from_bytes(*value.value().0)));
        }
        Ok(names)
    }

    /// Remembers a name's key, durably when this returns; an older one is replaced.
    pub fn remember_name(&self, tracker: PublicKey, folded: &str, key: PublicKey) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        {
            let mut table = write.open_table(KNOWN_NAMES)?;
            let mut places = Vec::new();
            for entry in table.iter()? {
                let (at, value) = entry?;
                let (at_tracker, name) = at.value();
                places.push((value.value().1, *at_tracker, name.to_owned()));
            }
            let last = places.iter().map(|(place, ..)| *place).max().unwrap_or(0);
            table.insert((tracker.as_bytes(), folded), (key.as_bytes(), last + 1))?;
            if table.len()? > KNOWN_NAMES_MAX
                && let Some((_, at_tracker, name)) = places.into_iter().min()
            {
                table.remove((&at_tracker, name.as_str()))?;
            }
        }
        Ok(write.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_tracker_by_tracker() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("potok.redb");
        let key = |n: u8| PublicKey::from_bytes([n; 32]);
        {
            let store = Store::open(&path).expect("opens").store;
            assert_eq!(store.known_names(key(1)).expect("read"), []);
            store.remember_name(key(1), "anna", key(7)).expect("written");
            store.remember_name(key(1), "boris", key(8)).expect("written");
            store.remember_name(key(2), "anna", key(9)).expect("written");
        }
        let store = Store::open(&path).expect("opens").store;
        let known = |n| store.known_names(key(n)).expect("read");
        assert_eq!(known(1), [("anna".to_owned(), key(7)), ("boris".to_owned(), key(8))]);
        assert_eq!(known(2), [("anna".to_owned(), key(9))]);
        assert_eq!(known(3), []);
        store.remember_name(key(1), "anna", key(5)).expect("written");
        assert_eq!(known(1)[0], ("anna".to_owned(), key(5)), "accepted");
    }
}
