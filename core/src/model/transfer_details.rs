//! What is behind one transfer, for whoever looks at it: who sends, which parts of it are here, how its files are. And what
//! is remembered of those that are over.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::model::attempt::{TriedWay, TryOutcome};
use crate::model::transfer::{Direction, TransferError, TransferId};
use crate::model::username::Username;
use crate::model::way::Way;

/// Sources of one transfer that are told; those who send come first.
pub const SOURCES_TOLD_MAX: usize = 64;
/// Files of one transfer that are told at once: more than a screen has rows.
pub const FILES_OF_PAGE_MAX: usize = 200;
/// Runs in a map of a transfer: more than a screen has points across.
pub const RUNS_TOLD_MAX: usize = 2048;

/// What is behind one transfer now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferDetails {
    /// The number of the transfer.
    pub number: TransferId,
    /// Who sends it, or takes it.
    pub sources: Vec<SourceDetails>,
    /// Sources that are not among them.
    pub sources_left_out: u64,
    /// Which parts of it are here, or at whoever takes it, from its first byte to its last.
    pub map: PartMap,
    /// The files that were asked for; none of an upload, of which nobody knows what else will be asked for.
    pub files: FilePage,
    /// Room on the disk that it goes to, in bytes; none where it cannot be known.
    pub free_bytes: Option<u64>,
}

/// Which files of a transfer are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileQuery {
    /// Only those that failed.
    pub only_failed: bool,
    /// So many of them are passed over.
    pub from: u64,
}

/// A part of the files of a transfer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePage {
    /// What was asked for.
    pub query: FileQuery,
    /// At most [`FILES_OF_PAGE_MAX`], in the order in which they are fetched.
    pub files: Vec<FileDetails>,
    /// How many there are of those that were asked for, with those before and behind the page.
    pub total: u64,
    /// How many failed, whatever was asked for.
    pub failed: u64,
}

/// One file of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDetails {
    /// As its owner calls it.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// Bytes of it that are verified here.
    pub done_bytes: u64,
    /// How far it is.
    pub stage: FileStage,
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileStage {
    /// It has not begun.
    Waiting,
    /// It is being fetched.
    UnderWay,
    /// What lies at its place is looked at first.
    Held,
    /// It is in its place.
    Finished,
    /// Something else is at its place and stays there.
    LeftOut,
    /// It does not come; why, where that is known.
    Failed(Option<TransferError>),
}

/// A peer, as far as one transfer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDetails {
    /// The name of the other user.
    pub user: Username,
    /// What it does for this transfer.
    pub standing: SourceStanding,
    /// How the connection to it came about, while there is one.
    pub way: Option<Way>,
    /// What was tried the last time to reach it, the better ways first.
    pub tried: Vec<TriedWay>,
    /// They tried it, to reach us, and say so themselves; otherwise it was we.
    pub tried_by_them: bool,
    /// Bytes a second that move between us and it, for whatever transfer.
    pub bytes_per_second: u64,
}

impl SourceDetails {
    /// Whether what was tried says more than the way does.
    pub fn is_worth_telling(&self) -> bool {
        self.tried.iter().any(|tried| tried.outcome != TryOutcome::Reached)
    }
}

/// What a source does for a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceStanding {
    /// Something that was asked of it is on its way.
    Sending,
    /// Connected; nothing is asked of it for this.
    Connected,
    /// It serves others first; 1 is next.
    Waiting(u32),
    /// It is being reached.
    Connecting,
    /// It answers and sends nothing; it is asked again later.
    Declines,
    /// It could not be reached, or the connection broke; it is tried again later.
    Unreachable,
    /// It is here, and there is no connection.
    NotConnected,
    /// It is not at the tracker.
    Away,
    /// Whoever has its name proves another key than before: nothing is asked of them unless a person trusts it.
    OtherKey,
    /// Nobody knows whether it is there: the tracker is away.
    Unknown,
    /// Nobody says whether it is there: the owner of the network keeps us out.
    KeptAway,
    /// It says that it has not got this.
    HasNot,
    /// It answered too often without sending anything.
    GivenUp,
    /// It sent something else than was announced.
    Lied,
}

/// How a part of a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartState {
    /// Not here, and not asked for.
    Missing,
    /// It was asked for and has not come.
    UnderWay,
    /// Verified and here.
    Here,
    /// So much of it is here, in percent, and which part cannot be told, or would be more than is told.
    Mixed(u8),
}

/// Which parts of a transfer are here, as runs from its first byte to its last: [`RUNS_TOLD_MAX`] at most. What has more is
/// told in as many equal pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartMap {
    total_bytes: u64,
    told_bytes: u64,
    runs: Vec<(u64, PartState)>,
    /// Bytes that are here and bytes that are under way, for each of so many equal pieces; empty while runs do.
    pieces: Vec<(u64, u64)>,
}

impl PartMap {
    /// Of a transfer of so many bytes. Nothing is told of it yet.
    pub fn of(total_bytes: u64) -> Self {
        Self { total_bytes, told_bytes: 0, runs: Vec::new(), pieces: Vec::new() }
    }

    /// Tells of the next bytes that they are all so.
    pub fn push(&mut self, bytes: u64, state: PartState) {
        let bytes = bytes.min(self.total_bytes - self.told_bytes);
        if bytes == 0 {
            return;
        }
        if self.pieces.is_empty() {
            let has_room = self.runs.len() < RUNS_TOLD_MAX;
            match self.runs.last_mut() {
                Some((run, last)) if *last == state => *run += bytes,
                _ if has_room => self.runs.push((bytes, state)),
                _ => self.cut(),
            }
        }
        if !self.pieces.is_empty() {
            self.spread(self.told_bytes, bytes, state);
        }
        self.told_bytes += bytes;
    }

    /// Tells of the next bytes that so many of them are here, nobody knows which.
    pub fn push_part(&mut self, bytes: u64, here: u64) {
        let state = match here {
            0 => PartState::Missing,
            here if here >= bytes => PartState::Here,
            here => PartState::Mixed(percent(here, bytes)),
        };
        self.push(bytes, state);
    }

    /// The runs, from the first byte to the last: how many bytes, and how they are. Neighbours differ.
    pub fn runs(&self) -> Vec<(u64, PartState)> {
        if self.pieces.is_empty() {
            return self.runs.clone();
        }
        let mut runs: Vec<(u64, PartState)> = Vec::new();
        for (at, (here, under_way)) in self.pieces.iter().enumerate() {
            let bytes = self.piece_start(at + 1) - self.piece_start(at);
            let state = match (*here, *under_way) {
                (here, _) if here >= bytes => PartState::Here,
                (0, 0) => PartState::Missing,
                (0, _) => PartState::UnderWay,
                (here, _) => PartState::Mixed(percent(here, bytes)),
            };
            match runs.last_mut() {
                Some((run, last)) if *last == state => *run += bytes,
                _ => runs.push((bytes, state)),
            }
        }
        runs
    }

    /// From now on in equal pieces.
    fn cut(&mut self) {
        self.pieces = vec![(0, 0); RUNS_TOLD_MAX];
        let mut from = 0;
        for (bytes, state) in std::mem::take(&mut self.runs) {
            self.spread(from, bytes, state);
            from += bytes;
        }
    }

    fn spread(&mut self, from: u64, bytes: u64, state: PartState) {
        let end = from + bytes;
        let mut at = self.piece_of(from);
        let mut from = from;
        while from < end && at < self.pieces.len() {
            let until = self.piece_start(at + 1).min(end);
            let part = until.saturating_sub(from);
            match state {
                PartState::Here => self.pieces[at].0 += part,
                PartState::UnderWay => self.pieces[at].1 += part,
                PartState::Mixed(percent) => {
                    self.pieces[at].0 += wide(u128::from(part) * u128::from(percent) / 100);
                }
                PartState::Missing => {}
            }
            (from, at) = (until, at + 1);
        }
    }

    /// The first byte of a piece.
    fn piece_start(&self, at: usize) -> u64 {
        wide(u128::from(self.total_bytes) * at as u128 / RUNS_TOLD_MAX as u128)
    }

    fn piece_of(&self, byte: u64) -> usize {
        let guess = u128::from(byte) * RUNS_TOLD_MAX as u128 / u128::from(self.total_bytes.max(1));
        let mut at = usize::try_from(guess).unwrap_or(RUNS_TOLD_MAX);
        while at + 1 < RUNS_TOLD_MAX && self.piece_start(at + 1) <= byte {
            at += 1;
        }
        at
    }
}

/// At least 1 and at most 99: neither nothing nor everything.
fn percent(here: u64, bytes: u64) -> u8 {
    let percent = u128::from(here) * 100 / u128::from(bytes.max(1));
    u8::try_from(percent.clamp(1, 99)).unwrap_or(99)
}

/// A part of a `u64` fits into one.
fn wide(bytes: u128) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A transfer that came to its end, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastTransfer {
    /// Which way it went.
    pub direction: Direction,
    /// The owner of what was downloaded, or who took what was uploaded.
    pub user: Username,
    /// The share path of the file, or of the folder with a `/` behind it.
    pub label: String,
    /// Where a download went; none of an upload.
    pub local_path: Option<PathBuf>,
    /// How many files it had.
    pub files: u64,
    /// The length of all its files together, in bytes.
    pub bytes: u64,
    /// When its last byte was here, or there.
    pub ended_at: SystemTime,
    /// How its last bytes went; none if none did, or if it ended before this was kept.
    pub way: Option<Way>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PartState::{Here, Missing, Mixed, UnderWay};
    use super::*;

    #[test]
    fn a_map_tells_what_it_was_told() {
        let mut map = PartMap::of(100);
        for (bytes, state) in [(10, Here), (20, Here), (0, UnderWay), (5, UnderWay), (60, Missing), (50, Here)] {
            map.push(bytes, state);
        }
        assert_eq!(map.runs(), [(30, Here), (5, UnderWay), (60, Missing), (5, Here)], "no more than there is");
        let mut map = PartMap::of(1000);
        map.push_part(500, 1);
        map.push_part(300, 300);
        map.push_part(200, 0);
        assert_eq!(map.runs(), [(500, Mixed(1)), (300, Here), (200, Missing)]);
        assert_eq!(PartMap::of(0).runs(), []);
    }

    #[test]
    fn a_million_runs_are_told_in_as_many_pieces_as_a_screen_has_points() {
        let mut map = PartMap::of(2_000_000);
        for _ in 0..500_000 {
            map.push(1, Here);
            map.push(1, Missing);
        }
        map.push(900_000, Here);
        map.push(50_000, UnderWay);
        map.push(50_000, Missing);
        let runs = map.runs();
        assert!(runs.len() <= RUNS_TOLD_MAX, "{} runs", runs.len());
        assert_eq!(runs.iter().map(|(bytes, _)| bytes).sum::<u64>(), 2_000_000);
        assert!(matches!(runs[0], (_, Mixed(49..=51))), "{:?}", runs[0]);
        assert_eq!(runs.last().map(|(_, state)| *state), Some(Missing));
        assert!(runs.iter().any(|(bytes, state)| *state == Here && *bytes > 890_000));
        assert!(runs.iter().any(|(_, state)| *state == UnderWay));
    }

    proptest! {
        #[test]
        fn runs_cover_all_of_it_and_neighbours_differ(
            told in proptest::collection::vec((0..u64::MAX / 8, 0..4_u8), 0..20),
            total in prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
            many in 0..3000_u32,
        ) {
            let state = |n: u8| [Missing, UnderWay, Here, Mixed(50)][usize::from(n) % 4];
            let mut map = PartMap::of(total);
            for n in 0..many {
                map.push(1, state(u8::try_from(n % 4).unwrap_or(0)));
            }
            for (bytes, n) in told {
                map.push(bytes, state(n));
            }
            map.push(u64::MAX, Missing);
            let runs = map.runs();
            prop_assert!(runs.len() <= RUNS_TOLD_MAX);
            prop_assert_eq!(runs.iter().map(|(bytes, _)| u128::from(*bytes)).sum::<u128>(), u128::from(total));
            prop_assert!(runs.iter().all(|(bytes, _)| *bytes > 0));
            prop_assert!(runs.windows(2).all(|two| two[0].1 != two[1].1));
        }
    }
}
