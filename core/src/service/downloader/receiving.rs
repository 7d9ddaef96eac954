//! What comes over one connection: read, verified and written, one after the other. A block is in the processor's cache
//! from its decryption to its place in the file; and while the disk is behind, nothing more is read. Blocks on the disk.

use std::convert::Infallible;
use std::ops::Range;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::yield_now;

use crate::model::way::Way;
use crate::protocol::about::{self, About};
use crate::protocol::peer::{ANSWER_BYTES, Answer, PeerRefusal};
use crate::protocol::reached;
use crate::service::downloader::source_state::{Report, Reporter, State, Why};
use crate::service::downloader::writer::BlockWriter;
use crate::service::limiter::Limiter;
use crate::transfer::downloads::AskOutcome;
use crate::transfer::source::{Ask, What};

/// Answers are read from the stream in pieces of this size; larger ones go straight to where they are verified.
const INPUT_BYTES: usize = 32 * 1024;
/// Room for data that is kept: a block. The list of a huge file is not worth keeping room for.
const DATA_BYTES: usize = 1024 * 1024;
/// Data that is told to the engine at once; little enough that requests follow in time.
const TOLD_BYTES: usize = 512 * 1024;
/// Small files that are told at once.
const TOLD_COUNT: usize = 64;

/// What a peer may tell besides answers; anything else is no frame of the protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct ToldOnce {
    /// What its owner's system says of files.
    pub(super) about: bool,
    /// By which way we came; ours, where that is told.
    pub(super) reached: Option<Way>,
}

/// See the module.
pub(super) struct Receiving<'a, R> {
    reader: R,
    told: ToldOnce,
    state: &'a State,
    limiter: &'a Limiter,
    reporter: &'a Reporter,
    writer: BlockWriter,
    input: Input,
    /// The data of one answer; filled again and again.
    data: Vec<u8>,
    /// Not told yet, and how much data that was.
    outcomes: Vec<(u32, AskOutcome)>,
    outcome_bytes: usize,
}

impl<'a, R: AsyncRead + Unpin> Receiving<'a, R> {
    pub(super) fn new(
        reader: R,
        told: ToldOnce,
        state: &'a State,
        limiter: &'a Limiter,
        reporter: &'a Reporter,
        writer: BlockWriter,
    ) -> Self {
        Self {
            reader,
            told,
            state,
            limiter,
            reporter,
            writer,
            input: Input { buffer: vec![0; INPUT_BYTES], filled: 0..0 },
            data: Vec::new(),
            outcomes: Vec::new(),
            outcome_bytes: 0,
        }
    }

    /// Until the connection ends; says why.
    pub(super) async fn run(&mut self) -> Why {
        match self.receive().await {
            Ok(never) => match never {},
            Err(why) => why,
        }
    }

    async fn receive(&mut self) -> Result<Infallible, Why> {
        loop {
            self.state.taking.set(None);
            let mut frame = self.frame().await?;
            if self.take_way(&frame).await? {
                continue;
            }
            if let Some((of, about)) = self.about(&frame).await? {
                self.writer.told_about(about);
                frame = self.frame().await?;
                // It comes with the answer that it is about, or it would be a way to say nothing for ever.
                match Answer::decode(&frame) {
                    Ok(Answer::Data { id, .. } | Answer::List { id, .. }) if id == of => {}
                    _ => return Err(Why::Misbehaved),
                }
            }
            match Answer::decode(&frame).map_err(|_bad| Why::Misbehaved)? {
                Answer::Data { id, bytes } => {
                    let ask = self.state.close(id)?;
                    self.take(ask, bytes, matches!(ask.what, What::Block(_))).await?;
                }
                Answer::List { id, bytes } => {
                    let ask = self.state.close(id)?;
                    self.take(ask, bytes, ask.what == What::List).await?;
                }
                Answer::Refused { id, why } => {
                    self.state.close(id)?;
                    self.refused(id, why).await?;
                }
                standing @ (Answer::Queued { .. } | Answer::Granted) => self.standing(standing).await?,
            }
        }
    }

    /// By which way we came, as the peer says once. That a router lets us in is known there alone; everything else we know
    /// ourselves.
    async fn take_way(&mut self, frame: &[u8; ANSWER_BYTES]) -> Result<bool, Why> {
        let Some(told) = reached::decode_way(frame) else { return Ok(false) };
        // Said again it is no frame of the protocol.
        let Some(ours) = self.told.reached.take() else { return Ok(false) };
        if told.map_err(|_bad| Why::Misbehaved)? == Some(Way::Mapped) && ours == Way::Direct {
            self.state.is_mapped.set(true);
            self.reporter.send(Report::Way(Way::Mapped)).await;
        }
        Ok(true)
    }

    /// What is told about the file that the next frame answers for.
    async fn about(&mut self, frame: &[u8; ANSWER_BYTES]) -> Result<Option<(u32, About)>, Why> {
        let Some(head) = about::decode_head(frame).filter(|_| self.told.about) else { return Ok(None) };
        let (id, bytes) = head.map_err(|_bad| Why::Misbehaved)?;
        let mut data = vec![0; bytes];
        let mut at = self.input.move_to(&mut data);
        while at < bytes {
            match self.reader.read(&mut data[at..]).await? {
                0 => return Err(Why::Closed),
                bytes => at += bytes,
            }
        }
        let about = About::decode(&data).map_err(|_bad| Why::Misbehaved)?;
        Ok(Some((id, about)))
    }

    /// Where we stand in the peer's queue. Of several words in a row the last one counts.
    async fn standing(&mut self, mut last: Answer) -> Result<(), Why> {
        self.state.told_standing()?;
        while let Some(frame) = self.input.peek() {
            let Ok(next @ (Answer::Queued { .. } | Answer::Granted)) = Answer::decode(&frame) else { break };
            self.input.take(ANSWER_BYTES);
            self.state.told_standing()?;
            last = next;
        }
        let place = if let Answer::Queued { place } = last { Some(place) } else { None };
        self.state.place.set(place);
        if !self.state.is_mute.get() {
            self.reporter.send(place.map_or(Report::Granted, Report::Queued)).await;
        }
        Ok(())
    }

    async fn refused(&mut self, id: u32, why: PeerRefusal) -> Result<(), Why> {
        self.outcomes.push((id, AskOutcome::Refused(why)));
        // Thousands of files may be refused in a row: tell them together.
        while let Some(frame) = self.input.peek() {
            let Ok(Answer::Refused { id, why }) = Answer::decode(&frame) else { break };
            self.input.take(ANSWER_BYTES);
            self.state.close(id)?;
            self.outcomes.push((id, AskOutcome::Refused(why)));
        }
        self.tell().await;
        Ok(())
    }

    async fn frame(&mut self) -> Result<[u8; ANSWER_BYTES], Why> {
        loop {
            if let Some(frame) = self.input.peek() {
                self.input.take(ANSWER_BYTES);
                return Ok(frame);
            }
            let bytes = loop {
                if let Some(bytes) = self.read_or_tell(None).await? {
                    break bytes;
                }
            };
            self.input.filled.end += bytes;
        }
    }

    /// Takes the data of an answer to the end, and has it verified and written.
    async fn take(&mut self, ask: Ask, bytes: u32, is_what_was_asked: bool) -> Result<(), Why> {
        if !is_what_was_asked || u64::from(bytes) != ask.bytes() {
            // The announced size or the peer is wrong; either way it is not what was announced.
            self.outcomes.push((ask.id, AskOutcome::Wrong));
            return Err(Why::Misbehaved);
        }
        let bytes = usize::try_from(bytes).map_err(|_too_long| Why::Misbehaved)?;
        if self.data.len() < bytes {
            self.data.resize(bytes, 0);
        }
        let mut at = self.input.move_to(&mut self.data[..bytes]);
        while at < bytes {
            self.limiter.ready().await;
            let piece = self.limiter.piece(bytes - at);
            at += self.read_or_tell(Some(at..at + piece)).await?.unwrap_or(0);
        }
        if !self.writer.take_room(&ask) {
            self.tell().await;
            self.writer.await_room().await;
        }
        let outcome = self.writer.outcome(&ask, &self.data[..bytes]);
        self.data.truncate(DATA_BYTES);
        self.data.shrink_to(DATA_BYTES);
        self.outcomes.push((ask.id, outcome));
        self.outcome_bytes += bytes;
        if self.outcome_bytes >= TOLD_BYTES || self.outcomes.len() >= TOLD_COUNT {
            self.tell().await;
        }
        Ok(())
    }

    /// Reads what is there, into this part of the data or else into the input. Before it has to wait, what is done is
    /// told instead.
    async fn read_or_tell(&mut self, into: Option<Range<usize>>) -> Result<Option<usize>, Why> {
        let room = match into {
            Some(range) => &mut self.data[range],
            None => self.input.room(),
        };
        let has_news = !self.outcomes.is_empty();
        let bytes = tokio::select! {
            biased;
            bytes = self.reader.read(room) => bytes?,
            () = std::future::ready(()), if has_news => {
                self.tell().await;
                return Ok(None);
            }
        };
        self.state.heard();
        self.limiter.spend(bytes);
        if bytes == 0 { Err(Why::Closed) } else { Ok(Some(bytes)) }
    }

    /// First that files are written, then that they are to be finished.
    pub(super) async fn tell(&mut self) {
        if !self.outcomes.is_empty() {
            let room = self.reporter.room().await;
            self.outcome_bytes = 0;
            room.send(Report::Answered(std::mem::take(&mut self.outcomes)));
        }
        self.writer.finish_small().await;
        // Requests leave by this thread too: as long as data keeps coming, they would wait until the peer has run dry.
        yield_now().await;
    }
}

/// Bytes that were read and not looked at yet.
struct Input {
    buffer: Vec<u8>,
    filled: Range<usize>,
}

impl Input {
    fn peek(&self) -> Option<[u8; ANSWER_BYTES]> {
        self.buffer[self.filled.clone()].first_chunk().copied()
    }

    fn take(&mut self, bytes: usize) {
        self.filled.start += bytes;
    }

    /// Room to read into.
    fn room(&mut self) -> &mut [u8] {
        if self.filled.is_empty() {
            self.filled = 0..0;
        } else if self.buffer.len() - self.filled.end < ANSWER_BYTES {
            self.buffer.copy_within(self.filled.clone(), 0);
            self.filled = 0..self.filled.len();
        }
        &mut self.buffer[self.filled.end..]
    }

    fn move_to(&mut self, to: &mut [u8]) -> usize {
        let bytes = to.len().min(self.filled.len());
        to[..bytes].copy_from_slice(&self.buffer[self.filled.start..self.filled.start + bytes]);
        self.filled.start += bytes;
        bytes
    }
}
