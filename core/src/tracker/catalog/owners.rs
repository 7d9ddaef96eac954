//! Who has shares in the catalog, and the names that running lists still have to write.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::username::Username;
use crate::tracker::catalog::OwnerId;

/// Everybody who has shares. The place of one who left is given to nobody else while a list that may name them runs.
#[derive(Debug, Default)]
pub(super) struct Owners {
    slots: Vec<Owner>,
    free: Vec<OwnerId>,
    /// Those who left, oldest first, each with what the lists held that were started while they were here.
    left: VecDeque<(Hold, OwnerId)>,
    current: Hold,
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

/// Keeps the names of those who are here now readable until it is dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Hold(Arc<()>);

impl Owners {
    pub(super) fn add(&mut self, name: Username) -> OwnerId {
        while let Some((_, gone)) = self.left.pop_front_if(|(hold, _)| Arc::strong_count(&hold.0) == 1) {
            self.free.push(gone);
        }
        let owner = Owner { name, shares: 0, path_bytes: 0, bytes: 0 };
        if let Some(id) = self.free.pop() {
            *self.get_mut(id) = owner;
            return id;
        }
        let id = u32::try_from(self.slots.len()).ok().filter(|id| *id < OwnerId::MAX.0);
        let id = id.expect("fewer users than a thousand million fit into memory");
        self.slots.push(owner);
        OwnerId(id)
    }

    pub(super) fn remove(&mut self, id: OwnerId) {
        self.left.push_back((std::mem::take(&mut self.current), id));
    }

    /// How many places there are, taken or free.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn hold(&self) -> Hold {
        self.current.clone()
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
    fn a_place_is_given_again_when_no_list_can_name_it() {
        let name = |text: &str| Username::new(text).expect("valid");
        let mut owners = Owners::default();
        let anna = owners.add(name("anna"));
        let early = owners.hold();
        owners.remove(anna);
        let pending = owners.hold();
        let ivan = owners.add(name("ivan"));
        assert_ne!(anna, ivan);
        assert_eq!(owners.name(anna), "anna");
        owners.remove(ivan);
        drop(pending);
        // `early` was started before either left.
        let maria = owners.add(name("maria"));
        assert!(maria != anna && maria != ivan);
        drop(early);
        let reused = [owners.add(name("a")), owners.add(name("b"))];
        assert!(reused.contains(&anna) && reused.contains(&ivan));
    }
}
