//! What others take from us, as a person sees it: one row for each file that somebody takes, or for the folder when
//! they take several files below one. It knows which part of each file they have: a bit a block, none for a file that
//! they have to the end. Peers ask for content, never for paths; the path of a row is that of the share with this content.
//!
//! Everything is bounded beside a stranger who asks for a million files or comes and goes: rows belong to a person, not
//! to a connection, and each table has a limit. What is beyond a limit is sent all the same, and not shown.

mod describe;
mod row;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::attempt::TriedWay;
use crate::model::key::PublicKey;
use crate::model::share_path::SharePath;
use crate::model::transfer::{Transfer, TransferError, TransferId, TransferState};
use crate::model::username::Username;
use crate::model::way::Way;
use crate::protocol::peer::Content;
use crate::transfer::plan::Blocks;
use crate::transfer::slots::{ConnectionId, Standing};
use crate::transfer::uploads::row::{TakerConnections, UploadRow};

/// People of whom something is remembered; beyond it those who left longest ago are forgotten.
pub const TAKERS_MAX: usize = 512;
/// Rows of one person; beyond it those that are over make room, the oldest first.
pub const ROWS_PER_TAKER_MAX: usize = 64;
/// Files that one person has asked for and does not have to the end: more than can be asked for at once over all their
/// connections. Beyond it those of which nothing is asked for now are forgotten.
pub const OPEN_FILES_PER_TAKER_MAX: usize = 4096;
/// Files that others have to the end, in all rows together; each costs about 16 bytes. Further ones are not counted.
pub const WHOLE_FILES_MAX: usize = 1_000_000;
/// The rows of somebody who has left are shown for so long: they often come back at once.
pub const SHOWN_AFTER_LEAVING: Duration = Duration::from_secs(5);
/// What they have of a file is remembered for so long, should they come back for the rest.
pub const REMEMBERED: Duration = Duration::from_secs(30 * 60);
/// Somebody for whom a person stopped an upload is sent nothing for so long.
pub const STOPPED_FOR: Duration = Duration::from_secs(10 * 60);

/// Enough of a content's hash to tell those that one person takes apart.
type ContentKey = u64;

/// What a request was answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Of which content.
    pub content: Content,
    /// The block that was sent; none if it was refused, cancelled, or the list of block hashes.
    pub block: Option<u32>,
    /// Bytes that left for it.
    pub bytes: u64,
}

impl Answered {
    /// Whether anything of the content has left.
    pub fn has_data(&self) -> bool {
        self.bytes > 0 || self.block.is_some()
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Uploads {
    takers: HashMap<PublicKey, Taker>,
    connections: HashMap<ConnectionId, TakerConnection>,
    rows: BTreeMap<TransferId, UploadRow>,
    /// Nothing is sent over the Internet: see [`Uploads::set_metered`].
    is_metered: bool,
    /// Files in [`UploadRow::whole`] of all rows.
    whole_files: usize,
    /// Rows that were told and are gone, until that is told.
    gone: VecDeque<TransferId>,
    /// Rows that came to their end, until that is told.
    ended: Vec<Transfer>,
}

/// Somebody who takes files, by the key that they proved.
#[derive(Debug)]
struct Taker {
    user: Username,
    connections: usize,
    /// When the last connection ended.
    left_at: Option<Instant>,
    stopped_until: Option<Instant>,
    /// What they asked for and do not have to the end.
    open: HashMap<ContentKey, OpenFile>,
    /// Their rows, the oldest first.
    rows: Vec<TransferId>,
}

#[derive(Debug)]
struct OpenFile {
    row: TransferId,
    content: Content,
    owed: u32,
    /// The blocks that they have; none as long as there is none.
    blocks: Option<Blocks>,
    done_bytes: u64,
}

#[derive(Debug)]
struct TakerConnection {
    taker: PublicKey,
    way: Way,
    /// What they say they tried to reach us, before this way and beside it.
    tried: Vec<TriedWay>,
    standing: Standing,
    /// Its requests that have no answer yet, by content.
    asked: HashMap<ContentKey, u32>,
}

impl Uploads {
    /// A connection of somebody who proved this key, and how it came about.
    pub fn enter(&mut self, connection: ConnectionId, key: PublicKey, user: Username, way: Way) {
        if !self.takers.contains_key(&key) && self.takers.len() >= TAKERS_MAX {
            self.forget_who_left_first();
        }
        let taker = self.takers.entry(key).or_insert_with(|| Taker::new(user.clone()));
        taker.user = user;
        taker.connections += 1;
        taker.left_at = None;
        let new =
            TakerConnection { taker: key, way, tried: Vec::new(), standing: Standing::Idle, asked: HashMap::new() };
        self.connections.insert(connection, new);
    }

    /// What somebody says they have tried to reach us, before the way by which they came and beside it.
    pub fn tried(&mut self, connection: ConnectionId, tried: Vec<TriedWay>) {
        if let Some(known) = self.connections.get_mut(&connection) {
            known.tried = tried;
        }
    }

    /// A connection is gone, and what it asked for needs no answer.
    pub fn leave(&mut self, connection: ConnectionId, now: Instant) {
        let Some(gone) = self.connections.remove(&connection) else { return };
        let Some(taker) = self.takers.get_mut(&gone.taker) else { return };
        taker.connections -= 1;
        if taker.connections == 0 {
            taker.left_at = Some(now);
        }
        for (key, owed) in gone.asked {
            taker.give_up(key, owed, &mut self.rows);
        }
        self.touch(gone.taker);
    }

    /// What a connection is told about its turn.
    pub fn stands(&mut self, connection: ConnectionId, standing: Standing) {
        let Some(known) = self.connections.get_mut(&connection) else { return };
        known.standing = standing;
        let taker = known.taker;
        self.touch(taker);
    }

    /// Whether a path is needed before this content can be counted: see [`Uploads::asked`].
    pub fn needs_path(&self, connection: ConnectionId, content: &Content) -> bool {
        let taker = self.connections.get(&connection).and_then(|connection| self.takers.get(&connection.taker));
        taker.is_some_and(|taker| !taker.open.contains_key(&key_of(content)))
    }

    /// A connection asks for something that is shared. `path` is the share with this content, where it is needed.
    pub fn asked(
        &mut self,
        connection: ConnectionId,
        content: Content,
        path: Option<&SharePath>,
        new_id: impl FnOnce() -> TransferId,
        now: Instant,
    ) {
        let Some(taker) = self.connections.get(&connection).map(|asking| asking.taker) else { return };
        let key = key_of(&content);
        let is_open = |taker: &Taker| taker.open.contains_key(&key);
        if !self.takers.get(&taker).is_some_and(is_open) {
            let Some(row) = path.and_then(|path| self.row_of(taker, path, new_id, now)) else { return };
            let Some(taker) = self.takers.get_mut(&taker) else { return };
            if taker.open.len() >= OPEN_FILES_PER_TAKER_MAX {
                taker.forget_partial(&mut self.rows);
            }
            if let (Some(row), Some(path)) = (self.rows.get_mut(&row), path)
                && !row.whole.contains(&key)
            {
                row.add_file(path, content.size);
            }
            taker.open.insert(key, OpenFile { row, content, owed: 0, blocks: None, done_bytes: 0 });
        }
        let Some(file) = self.takers.get_mut(&taker).and_then(|taker| taker.open.get_mut(&key)) else { return };
        let Some(asking) = self.connections.get_mut(&connection) else { return };
        file.owed += 1;
        *asking.asked.entry(key).or_default() += 1;
        if let Some(row) = self.rows.get_mut(&file.row) {
            row.asked(now);
        }
    }

    /// A request of a connection has its answer.
    pub fn answered(&mut self, connection: ConnectionId, answered: &Answered, now: Instant) {
        let Some(asking) = self.connections.get_mut(&connection) else { return };
        let Some(taker) = self.takers.get_mut(&asking.taker) else { return };
        let key = key_of(&answered.content);
        match asking.asked.get_mut(&key) {
            Some(owed) if *owed > 1 => *owed -= 1,
            Some(_) => _ = asking.asked.remove(&key),
            None => return,
        }
        let Some(file) = taker.open.get_mut(&key) else { return };
        let Some(row) = self.rows.get_mut(&file.row) else { return };
        file.owed = file.owed.saturating_sub(1);
        row.answered(1);
        if !answered.has_data() {
            return;
        }
        let is_whole_before = row.whole.contains(&key);
        let new_bytes = match answered.block {
            Some(block) if !is_whole_before => file.sent(block),
            _ => 0,
        };
        row.sent(answered.bytes, new_bytes, asking.way, now);
        let is_whole = is_whole_before || file.is_whole();
        if is_whole && !is_whole_before && self.whole_files < WHOLE_FILES_MAX {
            row.whole.insert(key);
            self.whole_files += 1;
        }
        if is_whole && file.owed == 0 {
            if !row.whole.contains(&key) {
                row.remove_file(file.content.size, file.done_bytes);
            }
            taker.open.remove(&key);
        }
    }

    /// Sends nothing more to whoever takes this, for [`STOPPED_FOR`]: the connections that end. `None` if there is no such
    /// upload.
    pub fn stop(&mut self, id: TransferId, now: Instant) -> Option<Vec<ConnectionId>> {
        let key = self.rows.get(&id).filter(|row| row.is_shown)?.taker;
        self.takers.get_mut(&key)?.stopped_until = Some(now + STOPPED_FOR);
        self.touch(key);
        let theirs = self.connections.iter().filter(|(_, connection)| connection.taker == key);
        Some(theirs.map(|(connection, _)| *connection).collect())
    }

    /// Whether the way to the Internet is metered, so that nothing is sent but to who is nearby.
    pub fn set_metered(&mut self, is_metered: bool) {
        self.is_metered = is_metered;
        self.rows.values_mut().for_each(|row| row.is_changed = true);
    }

    /// Lets whoever takes this go on before the time is over. `false` if there is no such upload.
    pub fn let_go_on(&mut self, id: TransferId) -> bool {
        let Some(key) = self.rows.get(&id).filter(|row| row.is_shown).map(|row| row.taker) else { return false };
        if let Some(taker) = self.takers.get_mut(&key) {
            taker.stopped_until = None;
        }
        self.touch(key);
        true
    }

    /// Takes a row off the list if nothing is asked for of it. `false` if there is no such upload.
    pub fn acknowledge(&mut self, id: TransferId) -> bool {
        let Some(row) = self.rows.get(&id).filter(|row| row.is_shown) else { return false };
        if row.owed == 0 {
            self.remove_row(id);
        }
        true
    }

    /// Whether there is such an upload.
    pub fn has(&self, id: TransferId) -> bool {
        self.rows.get(&id).is_some_and(|row| row.is_shown)
    }

    /// Whether somebody is sent nothing for now.
    pub fn is_stopped(&self, key: &PublicKey, now: Instant) -> bool {
        self.takers.get(key).is_some_and(|taker| taker.is_stopped(now))
    }

    /// Time has passed: who has left is taken off the list, and forgotten later. To be called about once a second.
    pub fn tick(&mut self, now: Instant) {
        let since = |at: Instant| now.saturating_duration_since(at);
        self.note_ends(now);
        let mut over = Vec::new();
        for taker in self.takers.values_mut().filter(|taker| !taker.is_stopped(now)) {
            taker.stopped_until = None;
            let Some(left) = taker.left_at.filter(|left| since(*left) >= SHOWN_AFTER_LEAVING) else { continue };
            for id in &taker.rows {
                let Some(row) = self.rows.get_mut(id) else { continue };
                row.is_shown = false;
                row.is_changed = false;
                if std::mem::take(&mut row.is_told) {
                    self.gone.push_back(*id);
                }
                if row.is_complete() || since(left) >= REMEMBERED {
                    over.push(*id);
                }
            }
        }
        over.into_iter().for_each(|id| self.remove_row(id));
        let is_known = |taker: &Taker| taker.connections > 0 || taker.stopped_until.is_some() || !taker.rows.is_empty();
        self.takers.retain(|_, taker| is_known(taker));
    }

    /// All rows that are shown, by number.
    pub fn all(&mut self, now: Instant) -> Vec<Transfer> {
        self.rows_where(now, |row| row.is_shown)
    }

    /// The rows of which something changed since they were told last. Each that was passed on is named with
    /// [`Uploads::told`].
    pub fn changed(&mut self, now: Instant) -> Vec<Transfer> {
        self.rows_where(now, |row| row.is_shown && row.is_changed)
    }

    /// A row was told as it is.
    pub fn told(&mut self, told: &Transfer) {
        let Some(row) = self.rows.get_mut(&told.number) else { return };
        row.is_told = true;
        // What moved a moment ago is looked at again, until it has come to rest.
        row.is_changed = told.state == TransferState::Running;
    }

    /// The first row that is gone and was not told to be.
    pub fn gone(&self) -> Option<TransferId> {
        self.gone.front().copied()
    }

    /// That it is gone was told.
    pub fn gone_told(&mut self) {
        self.gone.pop_front();
    }

    fn rows_where(&mut self, now: Instant, is_meant: impl Fn(&UploadRow) -> bool) -> Vec<Transfer> {
        let mut connections: HashMap<PublicKey, (ConnectionId, TakerConnections)> = HashMap::new();
        let mut places: HashMap<PublicKey, u32> = HashMap::new();
        for (id, connection) in &self.connections {
            let (newest, of_taker) = connections.entry(connection.taker).or_insert((*id, TakerConnections::default()));
            if of_taker.way.is_none() || *newest < *id {
                (*newest, of_taker.way) = (*id, Some(connection.way));
            }
            match connection.standing {
                Standing::Serving => of_taker.serving += 1,
                Standing::Waiting(place) => {
                    let best = places.entry(connection.taker).or_insert(place);
                    *best = place.min(*best);
                }
                Standing::Idle => {}
            }
        }
        let mut told = Vec::new();
        for (id, row) in self.rows.iter_mut().filter(|(_, row)| is_meant(row)) {
            let Some(taker) = self.takers.get(&row.taker) else { continue };
            let connections = connections.get(&row.taker).map(|(_, all)| *all).unwrap_or_default();
            let standing = match places.get(&row.taker) {
                _ if taker.is_stopped(now) => TransferState::Failed(TransferError::Stopped),
                _ if self.is_metered && connections.way != Some(Way::Nearby) => TransferState::Metered,
                _ if connections.serving > 0 => TransferState::Running,
                Some(place) => TransferState::WaitingForSlot { place: *place },
                None => TransferState::Queued,
            };
            told.push(row.as_told(*id, &taker.user, standing, connections, now));
        }
        told
    }

    /// Every row of somebody may be another now.
    fn touch(&mut self, key: PublicKey) {
        let Some(taker) = self.takers.get(&key) else { return };
        for id in &taker.rows {
            if let Some(row) = self.rows.get_mut(id) {
                row.is_changed = true;
            }
        }
    }

    /// The row that a file of this path belongs to: a new one, or that of the folder that is being taken. `None` when
    /// there is no room for more.
    fn row_of(
        &mut self,
        key: PublicKey,
        path: &SharePath,
        new_id: impl FnOnce() -> TransferId,
        now: Instant,
    ) -> Option<TransferId> {
        let theirs = &self.takers.get(&key)?.rows;
        let is_its = |id: &&TransferId| self.rows.get(id).is_some_and(|row| row.takes_in(path) && row.goes_on(now));
        if let Some(id) = theirs.iter().rev().find(is_its) {
            return Some(*id);
        }
        if theirs.len() >= ROWS_PER_TAKER_MAX {
            let can_go = |id: &&TransferId| self.rows.get(id).is_none_or(|row| row.owed == 0);
            let is_over = |id: &&TransferId| self.rows.get(id).is_none_or(|row| row.owed == 0 && row.is_complete());
            let first = theirs.iter().find(is_over).or_else(|| theirs.iter().find(can_go)).copied()?;
            self.remove_row(first);
        }
        let id = new_id();
        self.rows.insert(id, UploadRow::new(key, path, now));
        self.takers.get_mut(&key)?.rows.push(id);
        Some(id)
    }

    fn remove_row(&mut self, id: TransferId) {
        self.note_end(id);
        let Some(row) = self.rows.remove(&id) else { return };
        self.whole_files -= row.whole.len();
        if row.is_told {
            self.gone.push_back(id);
        }
        if let Some(taker) = self.takers.get_mut(&row.taker) {
            taker.rows.retain(|other| *other != id);
            taker.open.retain(|_, file| file.row != id);
        }
    }

    fn forget_who_left_first(&mut self) {
        let left = self.takers.iter().filter_map(|(key, taker)| Some((taker.left_at?, *key)));
        let Some((_, key)) = left.min_by_key(|(left, _)| *left) else { return };
        let rows = self.takers.get(&key).map(|taker| taker.rows.clone()).unwrap_or_default();
        rows.into_iter().for_each(|id| self.remove_row(id));
        self.takers.remove(&key);
    }
}

impl Taker {
    fn new(user: Username) -> Self {
        Self { user, connections: 0, left_at: None, stopped_until: None, open: HashMap::new(), rows: Vec::new() }
    }

    fn is_stopped(&self, now: Instant) -> bool {
        self.stopped_until.is_some_and(|until| now < until)
    }

    /// So many requests for a file need no answer any more.
    fn give_up(&mut self, key: ContentKey, requests: u32, rows: &mut BTreeMap<TransferId, UploadRow>) {
        let Some(file) = self.open.get_mut(&key) else { return };
        file.owed = file.owed.saturating_sub(requests);
        let row = rows.get_mut(&file.row);
        let is_whole = row.as_ref().is_some_and(|row| row.whole.contains(&key));
        if let Some(row) = row {
            row.answered(u64::from(requests));
        }
        if file.owed == 0 && is_whole {
            self.open.remove(&key);
        }
    }

    /// Forgets the files of which nothing is asked for now, and what they have of them.
    fn forget_partial(&mut self, rows: &mut BTreeMap<TransferId, UploadRow>) {
        for (key, file) in self.open.extract_if(|_, file| file.owed == 0) {
            if let Some(row) = rows.get_mut(&file.row).filter(|row| !row.whole.contains(&key)) {
                row.remove_file(file.content.size, file.done_bytes);
            }
        }
    }
}

impl OpenFile {
    /// They have a block: so many of its bytes are new to them.
    fn sent(&mut self, block: u32) -> u64 {
        let geometry = self.content.geometry();
        if !self.blocks.get_or_insert_with(|| Blocks::none(geometry)).insert(block) {
            return 0;
        }
        let bytes = geometry.bytes_of(block).unwrap_or(0) as u64;
        self.done_bytes += bytes;
        bytes
    }

    fn is_whole(&self) -> bool {
        self.blocks.as_ref().is_some_and(|blocks| blocks.count() == self.content.geometry().blocks())
    }
}

fn key_of(content: &Content) -> ContentKey {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&content.hash.as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}
