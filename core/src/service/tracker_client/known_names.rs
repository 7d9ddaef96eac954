//! Who we know at a tracker: the key that each username proved when we dealt with it first. A name that is another key's
//! now is somebody else until a person says that it is not.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::store::Store;

/// The names that are known at one tracker.
#[derive(Debug)]
pub struct KnownNames {
    store: Arc<Store>,
    known: RwLock<KnownHere>,
}

#[derive(Debug, Default)]
struct KnownHere {
    /// None until the tracker has proven its key.
    tracker: Option<PublicKey>,
    /// By the name regardless of case.
    keys: HashMap<String, PublicKey>,
}

/// Why somebody is not met under a name.
#[derive(Debug, thiserror::Error)]
pub enum MeetError {
    /// The name was another key's when we dealt with it.
    #[error("the name has another key than before")]
    KeyChanged,
    /// Remembering it is a mistake in the program, of which the log tells.
    #[error("a panic")]
    Panic,
    /// It cannot be remembered.
    #[error("the database failed: {0}")]
    Database(String),
}

impl KnownNames {
    /// Nobody is known yet.
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store, known: RwLock::default() }
    }

    /// The tracker has proven this key: those are known whom we know there. Blocks for the disk.
    pub(super) fn load(&self, tracker: PublicKey) -> Result<(), redb::Error> {
        if self.known.read().tracker == Some(tracker) {
            return Ok(());
        }
        let keys = self.store.known_names(tracker)?.into_iter().collect();
        *self.known.write() = KnownHere { tracker: Some(tracker), keys };
        Ok(())
    }

    /// Whether this name is known with another key than this one.
    pub fn is_changed(&self, name: &Username, key: Option<PublicKey>) -> bool {
        let known = self.known.read();
        !known.keys.is_empty() && known.keys.get(&name.folded()).is_some_and(|known| key != Some(*known))
    }

    /// The names that are known, regardless of case.
    pub fn names(&self) -> Vec<String> {
        self.known.read().keys.keys().cloned().collect()
    }

    /// We deal with somebody under this name: they are known from now on. Blocks for the disk the first time.
    pub(super) fn meet(&self, name: &Username, key: PublicKey) -> Result<(), MeetError> {
        match self.known.read().keys.get(&name.folded()) {
            Some(known) if *known == key => return Ok(()),
            Some(_) => return Err(MeetError::KeyChanged),
            None => {}
        }
        self.trust(name, key)
    }

    /// A person says that this key is the name's. Blocks for the disk.
    pub(super) fn trust(&self, name: &Username, key: PublicKey) -> Result<(), MeetError> {
        let tracker = self.known.read().tracker;
        let Some(tracker) = tracker else { return Err(MeetError::Database("the tracker is not known yet".into())) };
        let written = self.store.remember_name(tracker, &name.folded(), key);
        written.map_err(|error| MeetError::Database(error.to_string()))?;
        let mut known = self.known.write();
        if known.tracker == Some(tracker) {
            known.keys.insert(name.folded(), key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_who_it_was_until_a_person_says_otherwise() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let store = Arc::new(Store::open(&dir.path().join("potok.redb")).expect("opens").store);
        let name = |text: &str| Username::new(text).expect(text);
        let key = |n: u8| PublicKey::from_bytes([n; 32]);
        let known = KnownNames::new(Arc::clone(&store));
        assert!(known.meet(&name("anna"), key(1)).is_err(), "no tracker yet");
        known.load(key(100)).expect("read");
        known.meet(&name("anna"), key(1)).expect("new");
        known.meet(&name("Anna"), key(1)).expect("the same");
        assert!(matches!(known.meet(&name("ANNA"), key(2)), Err(MeetError::KeyChanged)));
        for (who, changed) in [(Some(key(1)), false), (Some(key(2)), true), (None, true)] {
            assert_eq!(known.is_changed(&name("anna"), who), changed, "{who:?}");
        }
        assert!(!known.is_changed(&name("boris"), None));

        // After a restart, and at another tracker.
        let known = KnownNames::new(store);
        known.load(key(100)).expect("read");
        assert!(known.is_changed(&name("anna"), Some(key(2))));
        known.load(key(101)).expect("read");
        assert!(!known.is_changed(&name("anna"), Some(key(2))));
        known.load(key(100)).expect("read");
        known.trust(&name("anna"), key(2)).expect("accepted");
        known.meet(&name("anna"), key(2)).expect("the new one");
        assert!(matches!(known.meet(&name("anna"), key(1)), Err(MeetError::KeyChanged)));
    }
}
