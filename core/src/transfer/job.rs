//! One download in the list: a file, or a folder of thousands. It knows which of its files are finished, failed, in
//! work or not begun, and whether it may go on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::model::transfer::{TransferError, TransferId};
use crate::model::username::Username;
use crate::model::way::Way;
use crate::protocol::peer::Content;
use crate::transfer::speed::Speed;

/// One file of one download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// Of which download.
    pub job: TransferId,
    /// Counted from 0.
    pub index: u32,
}

/// Whether a download may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Nothing keeps it from going on.
    Go,
    /// A person paused it.
    Paused,
    /// Only who is nearby is asked, until the way to the Internet is not metered any more, or a person lets it go on all the same.
    Metered,
    /// Until so many bytes are free on its disk.
    DiskFull {
        /// How many bytes must be free first.
        needed: u64,
    },
}

/// Where one file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// The file has not been begun.
    Pending,
    /// The file is being fetched.
    Active,
    /// What is at its place has to be looked at first.
    Held,
    /// Verified, flushed, in its place.
    Done,
    /// Something else is at its place and stays there: the file is not wanted.
    LeftOut,
    /// The file does not come.
    Failed,
}

/// One download: a file, or a folder with its files.
#[derive(Debug)]
pub struct DownloadJob {
    /// Who shares it.
    pub user: Username,
    /// What is wanted, in order.
    pub files: Vec<Content>,
    /// Whether it may go on.
    pub control: Control,
    /// Its place in the queue.
    pub(crate) rank: u64,
    states: Vec<FileState>,
    /// Every file before this one is not pending.
    pending_from: usize,
    pub(crate) active: BTreeSet<u32>,
    /// How many active ones have more than one block.
    pub(crate) active_large: usize,
    counts: Counts,
    /// Finished files that were in their places before.
    here: BTreeSet<u32>,
    /// Bytes of files that are held which were looked at.
    looked_bytes: u64,
    /// Verified bytes of files that are not finished.
    partial: BTreeMap<u32, u64>,
    done_bytes: u64,
    total_bytes: u64,
    speed: Option<Speed>,
    /// How the last bytes of it came; none if none did.
    pub last_way: Option<Way>,
    /// Why the last file failed.
    pub last_error: Option<TransferError>,
}

/// How many files are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many of them are finished.
    pub done: usize,
    /// Those that are not coming.
    pub failed: usize,
    /// Those at whose places something lies that was not looked at.
    pub held: usize,
    /// Those that are not wanted any more.
    pub left_out: usize,
}

impl DownloadJob {
    /// Whether anybody may be asked for its files.
    pub(crate) fn may_work(&self) -> bool {
        matches!(self.control, Control::Go | Control::Metered)
    }

    /// A download of which nothing is here yet.
    pub fn new(user: Username, files: Vec<Content>) -> Self {
        let total_bytes = files.iter().fold(0u64, |sum, content| sum.saturating_add(content.size));
        Self {
            user,
            states: vec![FileState::Pending; files.len()],
            files,
            control: Control::Go,
            rank: 0,
            pending_from: 0,
            active: BTreeSet::new(),
            active_large: 0,
            counts: Counts::default(),
            here: BTreeSet::new(),
            looked_bytes: 0,
            partial: BTreeMap::new(),
            done_bytes: 0,
            total_bytes,
            speed: None,
            last_way: None,
            last_error: None,
        }
    }

    /// What an earlier run of the program knew of a file: done, failed, or partly here.
    pub fn restore(&mut self, index: u32, state: FileState, partial_bytes: u64) {
        if index as usize >= self.states.len() {
            return;
        }
        self.set(index, if state == FileState::Active { FileState::Pending } else { state });
        if partial_bytes > 0 {
            self.progressed(index, partial_bytes);
        }
    }

    /// A file was in its place before anything of it came.
    pub fn restore_here(&mut self, index: u32) {
        self.restore(index, FileState::Done, 0);
        if self.state(index) == FileState::Done {
            self.here.insert(index);
        }
    }

    /// How many of the finished files were in their places before.
    pub fn was_here(&self) -> usize {
        self.here.len()
    }

    /// So many bytes of files that are held were looked at.
    pub(crate) fn looked(&mut self, bytes: u64) {
        self.looked_bytes = bytes;
    }

    /// Where a file is.
    pub fn state(&self, index: u32) -> FileState {
        self.states.get(index as usize).copied().unwrap_or(FileState::Failed)
    }

    /// How many are finished, failed, held or left out.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether nothing more is coming.
    pub fn is_over(&self) -> bool {
        self.counts.done + self.counts.failed + self.counts.left_out == self.files.len()
    }

    /// The length of all files that are wanted together, in bytes.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// How many bytes of them are verified, or were looked at.
    pub fn done_bytes(&self) -> u64 {
        let looked = if self.counts.held > 0 { self.looked_bytes } else { 0 };
        let done = self.partial.values().fold(self.done_bytes, |sum, bytes| sum.saturating_add(*bytes));
        done.saturating_add(looked).min(self.total_bytes)
    }

    /// Bytes a second; 0 while it rests.
    pub fn speed(&mut self, now: Instant) -> u64 {
        self.speed.get_or_insert_with(|| Speed::new(now)).rate(now)
    }

    pub(crate) fn speed_add(&mut self, bytes: u64) {
        if let Some(speed) = &mut self.speed {
            speed.add(bytes);
        }
    }

    /// Files that are begun and not finished, with their verified bytes.
    pub fn partial(&self) -> impl Iterator<Item = (u32, u64)> {
        self.partial.iter().map(|(index, bytes)| (*index, *bytes))
    }

    /// Whether something of a file is here that is not finished.
    pub(crate) fn has_part_of(&self, index: u32) -> bool {
        self.partial.contains_key(&index)
    }

    /// The first file that is not begun.
    pub(crate) fn next_pending(&mut self) -> Option<u32> {
        while self.states.get(self.pending_from).is_some_and(|state| *state != FileState::Pending) {
            self.pending_from += 1;
        }
        let index = u32::try_from(self.pending_from).ok()?;
        (self.pending_from < self.states.len()).then_some(index)
    }

    /// Moves a file to another state.
    pub(crate) fn set(&mut self, index: u32, state: FileState) {
        let Some(content) = self.files.get(index as usize).copied() else { return };
        let old = std::mem::replace(&mut self.states[index as usize], state);
        match old {
            FileState::Done => {
                self.counts.done -= 1;
                self.here.remove(&index);
                self.done_bytes = self.done_bytes.saturating_sub(content.size);
            }
            FileState::Failed => self.counts.failed -= 1,
            FileState::Held => self.counts.held -= 1,
            FileState::LeftOut => {
                self.counts.left_out -= 1;
                self.total_bytes = self.total_bytes.saturating_add(content.size);
            }
            FileState::Active => {
                self.active.remove(&index);
                self.active_large -= usize::from(is_large(&content));
            }
            FileState::Pending => {}
        }
        match state {
            FileState::Done => {
                self.counts.done += 1;
                self.done_bytes = self.done_bytes.saturating_add(content.size);
                self.partial.remove(&index);
            }
            FileState::Failed => {
                self.counts.failed += 1;
                self.partial.remove(&index);
            }
            FileState::Held => self.counts.held += 1,
            FileState::LeftOut => {
                self.counts.left_out += 1;
                self.partial.remove(&index);
                self.total_bytes = self.total_bytes.saturating_sub(content.size);
            }
            FileState::Active => {
                self.active.insert(index);
                self.active_large += usize::from(is_large(&content));
            }
            FileState::Pending => self.pending_from = self.pending_from.min(index as usize),
        }
    }

    /// So many bytes of a file are verified.
    pub(crate) fn progressed(&mut self, index: u32, bytes: u64) {
        self.partial.insert(index, bytes);
    }

    /// These files, which are not begun, are to be fetched as what they are now; and others besides.
    pub(crate) fn grow(&mut self, renewed: &[(u32, Content)], added: Vec<Content>) {
        for (index, content) in renewed {
            if let Some(file) = self.files.get_mut(*index as usize) {
                *file = *content;
            }
        }
        self.states.resize(self.files.len() + added.len(), FileState::Pending);
        self.files.extend(added);
        let wanted = self.files.iter().zip(&self.states).filter(|(_, state)| **state != FileState::LeftOut);
        self.total_bytes = wanted.fold(0u64, |sum, (content, _)| sum.saturating_add(content.size));
        if self.counts.failed == 0 {
            self.last_error = None;
        }
    }

    /// The files that are in a state.
    pub fn those(&self, state: FileState) -> Vec<u32> {
        (0u32..).zip(&self.states).filter(|(_, other)| **other == state).map(|(index, _)| index).collect()
    }

    /// Lets what failed be tried once more; what it was.
    pub(crate) fn retry(&mut self) -> Vec<u32> {
        let failed = self.those(FileState::Failed);
        for index in &failed {
            self.set(*index, FileState::Pending);
        }
        self.last_error = None;
        failed
    }
}

/// Whether a file has more than one block: it needs a list, and a part file that is filled in any order.
pub(crate) fn is_large(content: &Content) -> bool {
    content.geometry().blocks() > 1
}
