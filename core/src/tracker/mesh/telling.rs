//! What a tracker tells the others of its own users: numbered changes, of which the latest are kept, so that a short
//! absence is made up for by the rest; after a long one everybody is told, in the order of names, with what changes
//! meanwhile in between. A slow reader makes nobody wait and nothing grow: it is told no faster than it takes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use crate::model::username::Username;
use crate::protocol::mesh_line::{KnownUpTo, MeshLine, MeshUser};

/// Changes that are kept to be told again: those of some minutes.
const KEPT_MAX: usize = 65_536;
/// Bytes that may be on their way on one link.
const AHEAD_BYTES: usize = 256 * 1024;

/// One's own users, and how they became who they are.
#[derive(Debug)]
pub(super) struct Telling {
    epoch: u64,
    users: BTreeMap<Box<str>, Arc<MeshUser>>,
    /// The last changes, oldest first; the last of them has the number `number`.
    kept: VecDeque<Change>,
    number: u64,
    last_snapshot: u64,
}

#[derive(Debug, Clone)]
enum Change {
    Here(Arc<MeshUser>),
    Gone(Username),
}

/// How far one link has been told.
#[derive(Debug)]
pub(super) struct Told {
    sent: u64,
    snapshot: Option<SnapshotSent>,
    /// Bytes that are on their way.
    ahead: usize,
}

#[derive(Debug)]
struct SnapshotSent {
    id: u64,
    items: u64,
    /// The name, case folded, behind which it goes on.
    after: Option<Box<str>>,
}

impl Telling {
    pub(super) fn new(epoch: u64) -> Self {
        Self { epoch, users: BTreeMap::new(), kept: VecDeque::new(), number: 0, last_snapshot: 0 }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn get(&self, folded: &str) -> Option<&Arc<MeshUser>> {
        self.users.get(folded)
    }

    pub(super) fn users(&self) -> u64 {
        self.users.len() as u64
    }

    pub(super) fn beat(&self) -> MeshLine {
        MeshLine::Beat { number: self.number, users: self.users.len() as u64 }
    }

    pub(super) fn here(&mut self, folded: &str, user: Arc<MeshUser>) {
        self.users.insert(folded.into(), Arc::clone(&user));
        self.keep(Change::Here(user));
    }

    pub(super) fn gone(&mut self, folded: &str) {
        if let Some(user) = self.users.remove(folded) {
            self.keep(Change::Gone(user.username.clone()));
        }
    }

    fn keep(&mut self, change: Change) {
        self.number += 1;
        if self.kept.len() == KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(change);
    }

    /// How a link goes on whose other side knows so much.
    pub(super) fn told(&self, known: KnownUpTo, ahead: usize) -> Told {
        // Before the first change nothing was kept, so that the whole is told.
        let sent = if known.epoch == self.epoch { known.number } else { u64::MAX };
        Told { sent, snapshot: None, ahead }
    }

    fn line(&self, number: u64) -> Option<MeshLine> {
        let back = usize::try_from(self.number.checked_sub(number)?).ok()?;
        let change = self.kept.get(self.kept.len().checked_sub(back + 1)?)?;
        Some(match change {
            Change::Here(user) => MeshLine::Here { number, user: Box::new(MeshUser::clone(user)) },
            Change::Gone(username) => MeshLine::Gone { number, username: username.clone() },
        })
    }

    /// The next line for a link, if there is one and it has room.
    pub(super) fn next(&mut self, told: &mut Told) -> Option<MeshLine> {
        if told.ahead >= AHEAD_BYTES {
            return None;
        }
        if told.sent == self.number {
            return self.next_item(told);
        }
        if let Some(line) = told.sent.checked_add(1).and_then(|number| self.line(number)) {
            told.sent += 1;
            return Some(line);
        }
        // It is too far behind, or of another start.
        self.last_snapshot += 1;
        told.sent = self.number;
        told.snapshot = Some(SnapshotSent { id: self.last_snapshot, items: 0, after: None });
        Some(MeshLine::Snapshot { id: self.last_snapshot, number: self.number })
    }

    fn next_item(&self, told: &mut Told) -> Option<MeshLine> {
        let SnapshotSent { id, items, after } = told.snapshot.as_mut()?;
        let (id, number) = (*id, told.sent);
        let start = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        match self.users.range::<str, _>((start, Bound::Unbounded)).next() {
            Some((folded, user)) => {
                let line = MeshLine::Item { id, index: *items, number, user: Box::new(MeshUser::clone(user)) };
                *items += 1;
                *after = Some(folded.clone());
                Some(line)
            }
            None => {
                let line = MeshLine::Whole { id, items: *items, number };
                told.snapshot = None;
                Some(line)
            }
        }
    }
}

impl Told {
    /// So many bytes more are on their way.
    pub(super) fn send(&mut self, bytes: usize) {
        self.ahead += bytes;
    }

    /// So many bytes have left.
    pub(super) fn passed(&mut self, bytes: usize) {
        self.ahead = self.ahead.saturating_sub(bytes);
    }

    /// Bytes that are on their way.
    pub(super) fn ahead(&self) -> usize {
        self.ahead
    }

    /// Whether nothing more goes until something has left.
    pub(super) fn is_full(&self) -> bool {
        self.ahead >= AHEAD_BYTES
    }
}
