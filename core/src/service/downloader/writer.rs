//! Verifies what came over one connection and writes it. Nothing counts before it is verified. Blocks.

use std::sync::Arc;

use crate::disk::place::place_error::PlaceError;
use crate::disk::place::target::Part;
use crate::model::block_list::BlockList;
use crate::protocol::about::About;
use crate::protocol::peer::Content;
use crate::service::downloader::files::{Disk, Files, JobFiles, SmallRoom, fault_of, patiently};
use crate::service::downloader::finisher::{Finisher, Small};
use crate::transfer::downloads::AskOutcome;
use crate::transfer::source::{Ask, What};

/// See the module.
pub(super) struct BlockWriter {
    files: Arc<Files>,
    finisher: Finisher,
    /// Small files that are written and to be finished.
    small: Vec<Small>,
    /// Room for the next one.
    room: Option<SmallRoom>,
    /// What was told about the file that is answered for next.
    about: Option<About>,
}

impl BlockWriter {
    pub(super) fn new(files: Arc<Files>, finisher: Finisher) -> Self {
        Self { files, finisher, small: Vec::new(), room: None, about: None }
    }

    /// Something was told about the file that the next answer is for.
    pub(super) fn told_about(&mut self, about: About) {
        self.about = Some(about);
    }

    /// What an answer with this data comes to.
    pub(super) fn outcome(&mut self, ask: &Ask, data: &[u8]) -> AskOutcome {
        let about = self.about.take();
        match ask.what {
            What::List => match proven_list(ask.content, data) {
                Some(list) => {
                    if let Some(about) = about {
                        self.files.keep(ask.file, self.files.kept(ask.file, &about));
                    }
                    if self.files.begin(ask.file, &list) { AskOutcome::Begun } else { AskOutcome::List(list) }
                }
                None => AskOutcome::Wrong,
            },
            What::Block(_) if ask.content.geometry().blocks() == 1 => self.write_small(ask, about.as_ref(), data),
            What::Block(block) => self.write_block(ask, block, data),
        }
    }

    /// Takes room for what this asks for, if it needs some; without it [`BlockWriter::await_room`].
    pub(super) fn take_room(&mut self, ask: &Ask) -> bool {
        let is_small = matches!(ask.what, What::Block(_)) && ask.content.geometry().blocks() == 1;
        if is_small && self.room.is_none() {
            self.room = self.files.small_room();
        }
        !is_small || self.room.is_some()
    }

    /// Waits until one more small file may be open. Those that were written are on their way to be finished.
    pub(super) async fn await_room(&mut self) {
        self.room = self.files.await_small_room().await;
    }

    /// Has the small files finished that were written.
    pub(super) async fn finish_small(&mut self) {
        self.room = None;
        for small in self.small.drain(..) {
            self.finisher.finish(small).await;
        }
    }

    fn write_block(&self, ask: &Ask, block: u32, data: &[u8]) -> AskOutcome {
        // Paused or cancelled in between.
        let Some(open) = self.files.opened(ask.file) else { return AskOutcome::Unwanted };
        if !open.list.is_block(block, data) {
            return AskOutcome::Wrong;
        }
        let Some(offset) = open.list.geometry().offset_of(block) else { return AskOutcome::Wrong };
        match self.files.disk.write_at(&open.part, data, offset) {
            Ok(()) => AskOutcome::Written,
            Err(error) => AskOutcome::NotWritten(fault_of(error)),
        }
    }

    /// A whole file in one piece: verified before it touches the disk, named by the finisher together with others.
    fn write_small(&mut self, ask: &Ask, about: Option<&About>, data: &[u8]) -> AskOutcome {
        // Cancelled in between.
        let Some(job) = self.files.job(ask.file.job) else { return AskOutcome::Unwanted };
        if ask.content.hash != blake3::hash(data).into() {
            return AskOutcome::Wrong;
        }
        if !self.files.claim_small(ask.file) {
            return AskOutcome::Written;
        }
        match begin_small(self.files.disk.as_ref(), &job, ask.file.index, data) {
            Ok(part) => {
                if let Some(about) = about {
                    part.keep(self.files.kept(ask.file, about));
                }
                let (replace, room) = (job.saved.existing.is_replace(), self.room.take());
                self.small.push(Small { file: ask.file, part, replace, room });
                AskOutcome::Written
            }
            Err(error) => {
                self.files.release_small(ask.file);
                AskOutcome::NotWritten(fault_of(error))
            }
        }
    }
}

fn begin_small(disk: &dyn Disk, job: &JobFiles, index: u32, data: &[u8]) -> Result<Part, PlaceError> {
    let part = patiently(|| job.target(index)?.open_part())?;
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
