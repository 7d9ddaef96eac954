//! Verifies what came over one connection and writes it. Nothing counts before it is verified. Blocks.

use std::sync::Arc;

use crate::disk::place::target::{Part, PlaceError};
use crate::model::block_list::BlockList;
use crate::protocol::peer::Content;
use crate::service::downloader::files::{Disk, Files, JobFiles, fault_of, open_part};
use crate::service::downloader::finisher::{Finisher, Small};
use crate::transfer::downloads::Outcome;
use crate::transfer::source::{Ask, What};

/// See the module.
pub(super) struct Writer {
    files: Arc<Files>,
    finisher: Finisher,
    /// Small files that are written and to be finished.
    small: Vec<Small>,
}

impl Writer {
    pub(super) fn new(files: Arc<Files>, finisher: Finisher) -> Self {
        Self { files, finisher, small: Vec::new() }
    }

    /// What an answer with this data comes to.
    pub(super) fn outcome(&mut self, ask: &Ask, data: &[u8]) -> Outcome {
        match ask.what {
            What::List => match proven_list(ask.content, data) {
                Some(list) => Outcome::List(list),
                None => Outcome::Wrong,
            },
            What::Block(_) if ask.content.geometry().blocks() == 1 => self.write_small(ask, data),
            What::Block(block) => self.write_block(ask, block, data),
        }
    }

    /// Has the small files finished that were written.
    pub(super) async fn finish_small(&mut self) {
        for small in self.small.drain(..) {
            self.finisher.finish(small).await;
        }
    }

    fn write_block(&self, ask: &Ask, block: u32, data: &[u8]) -> Outcome {
        // Paused or cancelled in between.
        let Some(open) = self.files.opened(ask.file) else { return Outcome::Unwanted };
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
        let Some(job) = self.files.job(ask.file.job) else { return Outcome::Unwanted };
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
