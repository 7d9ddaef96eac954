//! Which key each tracker proved when it was joined first.

use redb::TableDefinition;

use crate::model::invite::HostPort;
use crate::model::key::PublicKey;
use crate::store::Store;

const PINS: TableDefinition<'_, &str, &[u8; 32]> = TableDefinition::new("tracker_pins");

impl Store {
    /// The remembered key of the tracker at this address.
    pub fn pinned_key(&self, tracker: &HostPort) -> Result<Option<PublicKey>, redb::Error> {
        let read = self.begin_read()?;
        let table = match read.open_table(PINS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            other => other?,
        };
        let found = table.get(tracker.to_string().as_str())?;
        Ok(found.map(|key| PublicKey::from_bytes(*key.value())))
    }

    /// Remembers the key of the tracker at this address, durably when this returns; an older key is replaced.
    pub fn pin_key(&self, tracker: &HostPort, key: PublicKey) -> Result<(), redb::Error> {
        let write = self.begin_write()?;
        write.open_table(PINS)?.insert(tracker.to_string().as_str(), key.as_bytes())?;
        Ok(write.commit()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_stays() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("potok.redb");
        let (at, key) = ("localhost:7686".parse().expect("address"), PublicKey::from_bytes([5; 32]));
        let store = Store::open(&path).expect("opens").store;
        assert_eq!(store.pinned_key(&at).expect("read"), None);
        store.pin_key(&at, key).expect("written");
        drop(store);
        let store = Store::open(&path).expect("opens").store;
        assert_eq!(store.pinned_key(&at).expect("read"), Some(key));
        assert_eq!(store.pinned_key(&"localhost:7687".parse().expect("address")).expect("read"), None);
    }
}
