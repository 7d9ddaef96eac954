//! The thread of one connection that verifies what came and writes it. Nothing counts before it is verified.

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::disk::place::target::{Part, PlaceError};
use crate::model::block_list::BlockList;
use crate::protocol::peer::{Content, Refusal};
use crate::service::downloader::files::{Disk, Files, JobFiles, fault_of, open_part};
use crate::service::downloader::finisher::{Finisher, Small};
use crate::service::downloader::source::{Report, Reporter};
use crate::transfer::downloads::Outcome;
use crate::transfer::source::{Ask, What};

/// Batches between the network and the disk.
pub(super) const BATCHES: usize = 4;
/// What a batch holds: one block, or many small files.
pub(super) const BATCH_BYTES: usize = 256 * 1024;

/// Answers that are told to the engine at once; few enough that requests follow in time.
const TOLD_TOGETHER: usize = 4;

/// Data of several answers, one after the other.
#[derive(Debug)]
pub(super) struct Batch {
    /// Longer than what is used: it is filled again and again.
    pub(super) buffer: Vec<u8>,
    pub(super) used: usize,
    pub(super) parts: Vec<(Ask, Range<usize>)>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; BATCH_BYTES], used: 0, parts: Vec::new() }
    }

    /// Whether so many bytes fit behind what is there.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.parts.is_empty() || self.used + bytes <= BATCH_BYTES
    }

    /// Room for so many bytes behind what is there.
    pub(super) fn room(&mut self, bytes: usize) -> Range<usize> {
        let room = self.used..self.used + bytes;
        if self.buffer.len() < room.end {
            self.buffer.resize(room.end, 0);
        }
        room
    }

    fn clear(&mut self) {
        self.used = 0;
        self.parts.clear();
        // The list of a huge file is not worth keeping room for.
        self.buffer.truncate(4 * BATCH_BYTES);
        self.buffer.shrink_to(4 * BATCH_BYTES);
    }
}

pub(super) struct Writer {
    pub(super) files: Arc<Files>,
    pub(super) finisher: Finisher,
    pub(super) reporter: Reporter,
    pub(super) filled: mpsc::Receiver<Batch>,
    pub(super) empties: mpsc::Sender<Batch>,
    /// Small files of this batch that are to be finished.
    pub(super) small: Vec<Small>,
}

impl Writer {
    /// Until nothing comes any more. Blocks.
    pub(super) fn run(mut self) {
        let mut outcomes = Vec::new();
        while let Some(mut batch) = self.filled.blocking_recv() {
            for (ask, range) in &batch.parts {
                outcomes.push((ask.id, self.outcome(ask, &batch.buffer[range.clone()])));
            }
            batch.clear();
            // Nobody reads any more: the connection is gone, its blocks are written all the same.
            let _gone = self.empties.try_send(batch);
            // While the disk is behind, the engine hears of several blocks at once.
            if self.filled.is_empty() || outcomes.len() >= TOLD_TOGETHER {
                // First that they are written, then that they are finished.
                self.reporter.blocking_send(Report::Answered(std::mem::take(&mut outcomes)));
                for small in self.small.drain(..) {
                    self.finisher.finish(small);
                }
            }
        }
    }

    fn outcome(&mut self, ask: &Ask, data: &[u8]) -> Outcome {
        match ask.what {
            What::List => match proven_list(ask.content, data) {
                Some(list) => Outcome::List(list),
                None => Outcome::Wrong,
            },
            What::Block(_) if ask.content.geometry().blocks() == 1 => self.write_small(ask, data),
            What::Block(block) => self.write_block(ask, block, data),
        }
    }

    fn write_block(&self, ask: &Ask, block: u32, data: &[u8]) -> Outcome {
        // Paused or cancelled in between.
        let Some(open) = self.files.opened(ask.file) else { return Outcome::Refused(Refusal::Cancelled) };
        if !open.list.is_block(block, data) {
            return Outcome::Wrong;
        }
        let Some(offset) = open.list.geometry().offset_of(block) else { return Outcome::Wrong };
        match self.files.disk.write_at(&open.part, data, offset) {
            Ok(()) => Outcome::Written,
            Err(error) => Outcome::NotWritten(fault_of(error)),
        }
    }

    /// A whole file in one piece: verified before it touches the disk, named by the finisher together with others.
    fn write_small(&mut self, ask: &Ask, data: &[u8]) -> Outcome {
        // Cancelled in between.
        let Some(job) = self.files.job(ask.file.job) else { return Outcome::Refused(Refusal::Cancelled) };
        if ask.content.hash != blake3::hash(data).into() {
            return Outcome::Wrong;
        }
        if !self.files.claim_small(ask.file) {
            return Outcome::Written;
        }
        match begin_small(self.files.disk.as_ref(), &job, ask.file.index, data) {
            Ok(part) => {
                self.small.push(Small { file: ask.file, part, replace: job.saved.overwrite });
                Outcome::Written
            }
            Err(error) => {
                self.files.release_small(ask.file);
                Outcome::NotWritten(fault_of(error))
            }
        }
    }
}

fn begin_small(disk: &dyn Disk, job: &JobFiles, index: u32, data: &[u8]) -> Result<Part, PlaceError> {
    let part = open_part(&job.target(index)?)?;
    disk.write_at(&part, data, 0)?;
    if !part.is_new() {
        part.set_bytes(data.len() as u64)?;
    }
    Ok(part)
}

fn proven_list(content: Content, data: &[u8]) -> Option<BlockList> {
    let (blocks, rest) = data.as_chunks::<32>();
    if !rest.is_empty() {
        return None;
    }
    BlockList::proven(content.geometry(), content.hash, blocks.to_vec()).ok()
}
