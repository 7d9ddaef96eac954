//! Who has shares in the catalog.

use crate::model::username::Username;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::owner_names::OwnerNames;

/// Everybody who has shares. Lists have the names of when they were started, so that a place is free at once.
#[derive(Debug, Default)]
pub(super) struct Owners {
    slots: Vec<Owner>,
    free: Vec<OwnerId>,
    names: OwnerNames,
}

/// What is counted of one owner.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) name: Username,
    pub(super) shares: usize,
    pub(super) path_bytes: usize,
    /// The sum of the announced sizes: more than 64 bits, as each may say anything.
    pub(super) bytes: u128,
}

impl Owners {
    pub(super) fn add(&mut self, name: Username) -> OwnerId {
        let id = self.free.pop().unwrap_or_else(|| OwnerId::numbered(self.slots.len()));
        self.names.set(id, name.clone());
        let owner = Owner { name, shares: 0, path_bytes: 0, bytes: 0 };
        match self.slots.get_mut(id.0 as usize) {
            Some(slot) => *slot = owner,
            None => self.slots.push(owner),
        }
        id
    }

    /// Forgets an owner who has no shares any more.
    pub(super) fn remove(&mut self, id: OwnerId) {
        self.free.push(id);
    }

    /// How many places there are, taken or free.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Everybody's names as they are now.
    pub(super) fn names(&self) -> OwnerNames {
        self.names.clone()
    }

    pub(super) fn get(&self, id: OwnerId) -> &Owner {
        &self.slots[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: OwnerId) -> &mut Owner {
        &mut self.slots[id.0 as usize]
    }

    pub(super) fn name(&self, id: OwnerId) -> &str {
        self.get(id).name.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_names_of_when_it_was_started() {
        let name = |text: String| Username::new(&text).expect("valid");
        let mut owners = Owners::default();
        let ids: Vec<OwnerId> = (0..200).map(|n| owners.add(name(format!("u{n}")))).collect();
        let before = owners.names();
        owners.remove(ids[70]);
        let again = owners.add(name("ivan".to_owned()));
        assert_eq!(again, ids[70], "a place is given again at once");
        assert_eq!((owners.name(again), owners.names().get(again)), ("ivan", "ivan"));
        assert!(ids.iter().enumerate().all(|(n, id)| before.get(*id) == format!("u{n}")));
        assert_eq!(owners.len(), 200);
    }
}
