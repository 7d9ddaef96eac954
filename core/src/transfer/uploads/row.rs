//! One row: a file, or a folder with those of its files that were asked for, and how much of it somebody has.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::model::key::PublicKey;
use crate::model::share_path::SharePath;
use crate::model::transfer::{AlreadyThere, Direction, Transfer, TransferId, TransferState};
use crate::model::username::Username;
use crate::model::way::Way;
use crate::transfer::speed::Speed;
use crate::transfer::uploads::ContentKey;

/// A folder of which nothing more is asked for in this time has been taken; what is asked for later is another row.
const FOLDER_RESTS: Duration = Duration::from_secs(10);
/// Between two requests of somebody slow nothing is owed for a moment; bytes are moving all the same.
const STILL_RUNNING: Duration = Duration::from_secs(2);

/// The connections of somebody who takes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TakerConnections {
    /// How many of them receive.
    pub(super) serving: u32,
    /// How the newest came about; none when there is none.
    pub(super) way: Option<Way>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct UploadRow {
    pub(super) taker: PublicKey,
    /// The first part of the path of every file in it.
    top: String,
    /// The path of its file; of several, the folder that holds them all.
    path: String,
    is_folder: bool,
    files: u64,
    total_bytes: u64,
    done_bytes: u64,
    /// The files that they have to the last block.
    pub(super) whole: HashSet<ContentKey>,
    /// Requests that have no answer yet.
    pub(super) owed: u64,
    active_at: Instant,
    speed: Speed,
    /// How the last bytes of it went; none if none did.
    last_way: Option<Way>,
    /// It is on the list: its taker is here, or was a moment ago.
    pub(super) is_shown: bool,
    pub(super) is_changed: bool,
    /// That it came to its end was noted.
    pub(super) is_remembered: bool,
    /// It was told to whoever listens, and not yet that it is gone.
    pub(super) is_told: bool,
}

impl UploadRow {
    pub(super) fn new(taker: PublicKey, path: &SharePath, now: Instant) -> Self {
        Self {
            taker,
            top: path.parts().next().unwrap_or_default().to_owned(),
            path: path.as_str().to_owned(),
            is_folder: false,
            files: 0,
            total_bytes: 0,
            done_bytes: 0,
            whole: HashSet::new(),
            owed: 0,
            active_at: now,
            speed: Speed::new(now),
            last_way: None,
            is_shown: true,
            is_changed: true,
            is_remembered: false,
            is_told: false,
        }
    }

    /// Whether a file of this path is below the same folder at the top.
    pub(super) fn takes_in(&self, path: &SharePath) -> bool {
        path.parts().next() == Some(self.top.as_str())
    }

    /// A file of it is asked for, for the first time.
    pub(super) fn add_file(&mut self, path: &SharePath, size: u64) {
        if self.files > 0 && self.path != path.as_str() {
            let folder = if self.is_folder { self.path.as_str() } else { parent(&self.path) };
            self.path = common_folder(folder, parent(path.as_str())).to_owned();
            self.is_folder = true;
        }
        self.files += 1;
        self.total_bytes = self.total_bytes.saturating_add(size);
        self.is_changed = true;
    }

    /// A file of it is forgotten, with what they had of it.
    pub(super) fn remove_file(&mut self, size: u64, done_bytes: u64) {
        self.files = self.files.saturating_sub(1);
        self.total_bytes = self.total_bytes.saturating_sub(size);
        self.done_bytes = self.done_bytes.saturating_sub(done_bytes);
        self.is_changed = true;
    }

    pub(super) fn asked(&mut self, now: Instant) {
        self.owed += 1;
        self.active_at = now;
        self.is_shown = true;
        self.is_changed = true;
    }

    /// So many requests have their answer, or need none.
    pub(super) fn answered(&mut self, requests: u64) {
        self.owed = self.owed.saturating_sub(requests);
        self.is_changed = true;
    }

    /// Bytes have left for them by a way; of these so many are of a block that they had not got yet.
    pub(super) fn sent(&mut self, bytes: u64, new_bytes: u64, by: Way, now: Instant) {
        self.last_way = Some(by);
        self.speed.add(bytes);
        self.done_bytes = self.done_bytes.saturating_add(new_bytes);
        self.active_at = now;
        self.is_changed = true;
    }

    pub(super) fn is_complete(&self) -> bool {
        self.files > 0 && self.whole.len() as u64 == self.files
    }

    /// Whether another file of its folder belongs to it.
    pub(super) fn goes_on(&self, now: Instant) -> bool {
        self.owed > 0 || !self.is_complete() || now.saturating_duration_since(self.active_at) < FOLDER_RESTS
    }

    /// As it is told when they have all of it.
    pub(super) fn as_ended(&self, id: TransferId, user: &Username) -> Transfer {
        let ended = self.told(id, user, TransferState::Finished);
        Transfer { files_done: self.files, done_bytes: self.total_bytes, ..ended }
    }

    /// What is told of it in any state, as long as nothing moves.
    fn told(&self, id: TransferId, user: &Username, state: TransferState) -> Transfer {
        Transfer {
            number: id,
            direction: Direction::Upload,
            position: 0,
            user: user.clone(),
            label: self.label(),
            local_path: None,
            files: self.files,
            files_done: self.whole.len() as u64,
            total_bytes: self.total_bytes,
            done_bytes: self.done_bytes,
            bytes_per_second: 0,
            sources: 0,
            there: AlreadyThere::default(),
            way: self.last_way,
            state,
        }
    }

    /// The share path of its file, or of the folder with a `/` behind it.
    fn label(&self) -> String {
        if self.is_folder { format!("{}/", self.path) } else { self.path.clone() }
    }

    /// As it is told. `standing` is what its taker's connections are doing, `connections` which they are.
    pub(super) fn as_told(
        &mut self,
        id: TransferId,
        user: &Username,
        standing: TransferState,
        connections: TakerConnections,
        now: Instant,
    ) -> Transfer {
        let was_active = now.saturating_duration_since(self.active_at) < STILL_RUNNING;
        let state = match standing {
            TransferState::Failed(_) | TransferState::Metered if !self.is_complete() => standing,
            standing if self.owed > 0 => standing,
            _ if self.is_complete() => TransferState::Finished,
            TransferState::Running if was_active => TransferState::Running,
            _ => TransferState::NotAsked,
        };
        let is_running = state == TransferState::Running;
        let way = if state.is_final() { self.last_way } else { connections.way };
        let rest = Transfer { way, ..self.told(id, user, state) };
        if !is_running {
            return rest;
        }
        Transfer { bytes_per_second: self.speed.rate(now), sources: connections.serving, ..rest }
    }
}

/// The folder that a file is in, as a part of its path; empty at the top.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The deepest folder that both of these are, or are below.
fn common_folder<'a>(one: &'a str, other: &str) -> &'a str {
    let mut end = 0;
    let mut others = other.split('/');
    for part in one.split('/') {
        if others.next() != Some(part) {
            break;
        }
        end += part.len() + 1;
    }
    &one[..end.saturating_sub(1).min(one.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_two_is_the_deepest_that_holds_both() {
        for (one, other, expected) in [
            ("Trip", "Trip", "Trip"),
            ("Trip/day 1", "Trip/day 2", "Trip"),
            ("Trip/day 1", "Trip/day 10", "Trip"),
            ("Trip", "Trip/day 1", "Trip"),
            ("Trip/day 1/raw", "Trip/day 1", "Trip/day 1"),
            ("Снимки/лято/a", "Снимки/лято/b", "Снимки/лято"),
        ] {
            assert_eq!(common_folder(one, other), expected, "{one} and {other}");
        }
    }
}
