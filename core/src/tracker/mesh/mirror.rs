//! What is known of one other tracker's users, and whether what comes fits to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use crate::protocol::mesh_line::{KnownUpTo, MeshLine, MeshUser};

/// Most users of one tracker; one that tells of more is not believed.
pub(super) const USERS_MAX: usize = 1_000_000;

/// The rest of a snapshot of which nothing has come for so many beats is lost.
const BEATS_WITHOUT_ITEM_MAX: u32 = 4;

/// What is known.
#[derive(Debug)]
pub(super) struct Mirror {
    pub(super) known: KnownUpTo,
    /// Their names, case folded.
    pub(super) names: BTreeSet<Box<str>>,
    snapshot: Option<SnapshotHeard>,
    /// Since when it is away.
    pub(super) away_since: Option<Instant>,
    /// When it was asked for what is missing, last.
    pub(super) asked_at: Option<Instant>,
}

#[derive(Debug)]
struct SnapshotHeard {
    id: u64,
    number: u64,
    items: u64,
    users: BTreeMap<Box<str>, Arc<MeshUser>>,
    /// Beats since the last item.
    beats: u32,
}

/// What follows from a line.
#[derive(Debug)]
pub(super) enum Heard {
    /// Nothing: it is known already, or waits for the rest.
    Nothing,
    /// A user is as told now.
    Here(Arc<MeshUser>),
    /// This name is gone.
    Gone(Box<str>),
    /// These are all users now; of those that were known these names are gone.
    All { users: Vec<Arc<MeshUser>>, gone: Vec<Box<str>> },
    /// Something is missing.
    Gap,
    /// What is known is not so: everything is to be told anew.
    Wrong,
}

impl Default for Mirror {
    fn default() -> Self {
        Self { known: KnownUpTo::NOTHING, names: BTreeSet::new(), snapshot: None, away_since: None, asked_at: None }
    }
}

impl Mirror {
    /// Nothing is known yet of this start of a tracker.
    pub(super) fn of(epoch: u64) -> Self {
        Self { known: KnownUpTo { epoch, number: 0 }, ..Self::default() }
    }

    /// The link is a new one: what was in the middle is begun anew.
    pub(super) fn begin(&mut self) {
        self.snapshot = None;
        self.away_since = None;
        self.asked_at = None;
    }

    /// Takes a line, unless something before it is missing.
    pub(super) fn hear(&mut self, line: MeshLine) -> Heard {
        match line {
            MeshLine::Here { number, user } => {
                self.change(number, user.username.folded().into(), Some(Arc::new(*user)))
            }
            MeshLine::Gone { number, username } => self.change(number, username.folded().into(), None),
            MeshLine::Snapshot { id, number } => {
                if self.snapshot.as_ref().is_none_or(|snapshot| snapshot.id < id) {
                    self.snapshot = Some(SnapshotHeard { id, number, items: 0, users: BTreeMap::new(), beats: 0 });
                }
                Heard::Nothing
            }
            MeshLine::Item { id, index, number, user } => {
                let Some(snapshot) = self.snapshot.as_mut().filter(|snapshot| snapshot.id == id) else {
                    return Heard::Nothing;
                };
                if index < snapshot.items {
                    return Heard::Nothing;
                }
                if (index, number) != (snapshot.items, snapshot.number) || snapshot.users.len() >= USERS_MAX {
                    return self.gap();
                }
                snapshot.items += 1;
                snapshot.beats = 0;
                snapshot.users.insert(user.username.folded().into(), Arc::new(*user));
                Heard::Nothing
            }
            MeshLine::Whole { id, items, number } => match self.snapshot.take_if(|snapshot| snapshot.id == id) {
                Some(all) if (all.items, all.number) == (items, number) => {
                    self.known.number = number;
                    let names = all.users.keys().cloned().collect();
                    let before = std::mem::replace(&mut self.names, names);
                    let gone = before.into_iter().filter(|name| !all.users.contains_key(name)).collect();
                    Heard::All { users: all.users.into_values().collect(), gone }
                }
                Some(_) => self.gap(),
                None => Heard::Nothing,
            },
            MeshLine::Beat { number, users } => {
                let up_to = self.snapshot.as_ref().map_or(self.known.number, |snapshot| snapshot.number);
                match &mut self.snapshot {
                    _ if number > up_to => self.gap(),
                    None if number == up_to && users != self.names.len() as u64 => Heard::Wrong,
                    None => Heard::Nothing,
                    Some(snapshot) => {
                        snapshot.beats += 1;
                        if snapshot.beats > BEATS_WITHOUT_ITEM_MAX { self.gap() } else { Heard::Nothing }
                    }
                }
            }
            MeshLine::Hello { .. } | MeshLine::Again(_) => Heard::Nothing,
        }
    }

    fn gap(&mut self) -> Heard {
        self.snapshot = None;
        Heard::Gap
    }

    fn change(&mut self, number: u64, folded: Box<str>, user: Option<Arc<MeshUser>>) -> Heard {
        let known = self.snapshot.as_mut().map_or(&mut self.known.number, |snapshot| &mut snapshot.number);
        if number <= *known {
            return Heard::Nothing;
        }
        if number - 1 > *known || self.names.len() >= USERS_MAX {
            return self.gap();
        }
        *known = number;
        if let Some(snapshot) = &mut self.snapshot {
            match user {
                Some(user) => drop(snapshot.users.insert(folded, user)),
                None => drop(snapshot.users.remove(&folded)),
            }
            return Heard::Nothing;
        }
        match user {
            Some(user) => {
                self.names.insert(folded);
                Heard::Here(user)
            }
            None => {
                self.names.remove(&folded);
                Heard::Gone(folded)
            }
        }
    }
}
