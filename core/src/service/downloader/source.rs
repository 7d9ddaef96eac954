//! One connection to a peer: sends requests, reads answers into batches, hands them to the thread that verifies and
//! writes. It decides nothing.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::model::limits;
use crate::net::dial;
use crate::net::tls::TlsClient;
use crate::protocol::peer::{ANSWER_BYTES, Answer, REQUEST_BYTES, Refusal, Request};
use crate::service::downloader::Event;
use crate::service::downloader::files::Files;
use crate::service::downloader::finisher::Finisher;
use crate::service::downloader::writer::{BATCHES, Batch, Writer};
use crate::service::limiter::Limiter;
use crate::transfer::downloads::Outcome;
use crate::transfer::source::{Ask, What};
use crate::transfer::{Contact, SourceId};

/// Orders that a connection has not carried out yet: more than it can have open requests.
pub(super) const ORDERS_MAX: usize = 4096;
/// Answers are expected and nothing at all comes: the peer is given up.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// While we wait for a slot the peer says so every 15 seconds.
const QUEUED_SILENCE_MAX: Duration = Duration::from_secs(50);
/// Answers are read from the stream in pieces of this size; larger ones go straight into a batch.
const INPUT_BYTES: usize = 32 * 1024;

/// What a connection is to do.
#[derive(Debug)]
pub(super) enum Order {
    Ask(Vec<Ask>),
    Cancel(Vec<u32>),
}

/// What a connection tells.
#[derive(Debug)]
pub(super) enum Report {
    Up,
    Queued(u32),
    Granted,
    Answered(Vec<(u32, Outcome)>),
    /// It is gone, or never came about.
    Down(Why),
}

/// Why a connection is gone.
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("no answer in time")]
    Unreachable,
    #[error("nothing came for too long")]
    Silent,
    #[error("the peer closed the connection")]
    Closed,
    /// Nothing that it says is of use.
    #[error("the peer does not keep to the protocol")]
    Misbehaved,
}

/// Tells in the name of one connection.
#[derive(Debug, Clone)]
pub(super) struct Reporter {
    pub(super) source: SourceId,
    /// Which of the source's connections it is: a late word of an old one must not count for the next.
    pub(super) connection: u64,
    pub(super) events: mpsc::Sender<Event>,
}

impl Reporter {
    pub(super) async fn send(&self, report: Report) {
        // Nobody listens when everything ends.
        let _ended = self.events.send(Event::Source(self.source, self.connection, report)).await;
    }

    pub(super) fn blocking_send(&self, report: Report) {
        let _ended = self.events.blocking_send(Event::Source(self.source, self.connection, report));
    }
}

/// What connections work with.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) tls: TlsClient,
    pub(super) limiter: Arc<Limiter>,
    pub(super) files: Arc<Files>,
    pub(super) finisher: Finisher,
}

/// Connects and works until told otherwise; then says that it is gone.
pub(super) async fn run(
    contact: Contact,
    around: Surroundings,
    orders: mpsc::Receiver<Order>,
    reporter: Reporter,
    cancel: CancellationToken,
) {
    let why = connect_and_work(&contact, &around, orders, &reporter, &cancel).await;
    if !cancel.is_cancelled() {
        tracing::debug!(user = %contact.username, %why, "a source is gone");
        reporter.send(Report::Down(why)).await;
    }
}

async fn connect_and_work(
    contact: &Contact,
    around: &Surroundings,
    orders: mpsc::Receiver<Order>,
    reporter: &Reporter,
    cancel: &CancellationToken,
) -> Why {
    let connect = async {
        let stream = dial::address(contact.address, limits::PEER_CONNECT_MAX).await?;
        around.tls.connect(stream, Some(contact.key)).await
    };
    let stream = match cancel.run_until_cancelled(timeout(limits::PEER_CONNECT_MAX, connect)).await {
        Some(Ok(Ok((stream, _key)))) => stream,
        Some(Ok(Err(error))) => return Why::Io(error),
        Some(Err(_elapsed)) => return Why::Unreachable,
        None => return Why::Closed,
    };
    reporter.send(Report::Up).await;

    let (reader, writer) = tokio::io::split(stream);
    let (filled, batches) = mpsc::channel(BATCHES);
    let (empties, empty) = mpsc::channel(BATCHES);
    for _ in 1..BATCHES {
        let _has_room = empties.try_send(Batch::new());
    }
    let thread = Writer {
        files: Arc::clone(&around.files),
        finisher: around.finisher.clone(),
        reporter: reporter.clone(),
        filled: batches,
        empties,
        small: Vec::new(),
    };
    let thread = tokio::task::spawn_blocking(move || thread.run());
    let state = State::default();
    let reading = Reading {
        reader,
        state: &state,
        limiter: &around.limiter,
        reporter,
        input: Input { buffer: vec![0; INPUT_BYTES], filled: 0..0 },
        batch: Batch::new(),
        filled,
        empty,
    };
    let why = tokio::select! {
        why = read(reading) => why,
        why = write(writer, orders, &state) => why,
        why = watch(&state) => why,
        () = cancel.cancelled() => Why::Closed,
    };
    // What has come counts before the end of the connection does.
    let _panicked = thread.await;
    why
}

/// What the two halves of a connection know together.
#[derive(Debug, Default)]
struct State {
    open: Mutex<HashMap<u32, Ask>>,
    is_queued: AtomicBool,
    /// Counts what came, so that silence is noticed.
    came: AtomicU64,
}

/// Gives the peer up when it owes answers and is silent.
async fn watch(state: &State) -> Why {
    let tick = Duration::from_secs(1);
    let mut silent = Duration::ZERO;
    let mut seen = 0;
    loop {
        sleep(tick).await;
        let came = state.came.load(Ordering::Relaxed);
        let owes_nothing = state.open.lock().is_empty();
        if came != seen || owes_nothing {
            seen = came;
            silent = Duration::ZERO;
            continue;
        }
        silent += tick;
        let most = if state.is_queued.load(Ordering::Relaxed) { QUEUED_SILENCE_MAX } else { SILENCE_MAX };
        if silent >= most {
            return Why::Silent;
        }
    }
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut orders: mpsc::Receiver<Order>, state: &State) -> Why {
    let mut frames = Vec::new();
    while let Some(order) = orders.recv().await {
        frames.clear();
        let mut next = Some(order);
        while let Some(order) = next {
            encode(order, state, &mut frames);
            next = orders.try_recv().ok().filter(|_| frames.len() < 1000 * REQUEST_BYTES);
        }
        let sent = async {
            writer.write_all(&frames).await?;
            writer.flush().await
        };
        if let Err(error) = sent.await {
            return Why::Io(error);
        }
    }
    Why::Closed
}

fn encode(order: Order, state: &State, frames: &mut Vec<u8>) {
    let mut open = state.open.lock();
    match order {
        Order::Ask(asks) => {
            for ask in asks {
                frames.extend(ask.request().encode());
                open.insert(ask.id, ask);
            }
        }
        Order::Cancel(ids) => {
            // What is answered already has no number that the peer would know.
            for id in ids.into_iter().filter(|id| open.contains_key(id)) {
                frames.extend(Request::Cancel { id }.encode());
            }
        }
    }
}

/// Bytes that were read and not looked at yet.
struct Input {
    buffer: Vec<u8>,
    filled: std::ops::Range<usize>,
}

struct Reading<'a, R> {
    reader: R,
    state: &'a State,
    limiter: &'a Limiter,
    reporter: &'a Reporter,
    input: Input,
    batch: Batch,
    filled: mpsc::Sender<Batch>,
    empty: mpsc::Receiver<Batch>,
}

async fn read(mut reading: Reading<'_, impl AsyncRead + Unpin>) -> Why {
    let why = match reading.run().await {
        Ok(never) => match never {},
        Err(why) => why,
    };
    // The last whole answers count.
    let _ended = reading.hand_over().await;
    why
}

impl<R: AsyncRead + Unpin> Reading<'_, R> {
    async fn run(&mut self) -> Result<std::convert::Infallible, Why> {
        loop {
            let frame = self.frame().await?;
            match Answer::decode(&frame).map_err(|_bad| Why::Misbehaved)? {
                Answer::Data { id, bytes } => {
                    let ask = self.closed(id)?;
                    self.receive(ask, bytes, matches!(ask.what, What::Block(_))).await?;
                }
                Answer::List { id, bytes } => {
                    let ask = self.closed(id)?;
                    self.receive(ask, bytes, ask.what == What::List).await?;
                }
                Answer::Refused { id, why } => {
                    self.closed(id)?;
                    self.refused(id, why).await?;
                }
                Answer::Queued { place } => {
                    self.state.is_queued.store(true, Ordering::Relaxed);
                    self.reporter.send(Report::Queued(place)).await;
                }
                Answer::Granted => {
                    self.state.is_queued.store(false, Ordering::Relaxed);
                    self.reporter.send(Report::Granted).await;
                }
            }
        }
    }

    /// The request that this answers; what nobody asked for is not read.
    fn closed(&self, id: u32) -> Result<Ask, Why> {
        self.state.open.lock().remove(&id).ok_or(Why::Misbehaved)
    }

    async fn refused(&mut self, id: u32, why: Refusal) -> Result<(), Why> {
        let mut outcomes = vec![(id, Outcome::Refused(why))];
        // Thousands of files may be refused in a row: tell them together.
        while let Some(frame) = self.input.peek() {
            let Ok(Answer::Refused { id, why }) = Answer::decode(&frame) else { break };
            self.input.take(ANSWER_BYTES);
            self.closed(id)?;
            outcomes.push((id, Outcome::Refused(why)));
        }
        self.reporter.send(Report::Answered(outcomes)).await;
        Ok(())
    }

    async fn frame(&mut self) -> Result<[u8; ANSWER_BYTES], Why> {
        loop {
            if let Some(frame) = self.input.peek() {
                self.input.take(ANSWER_BYTES);
                return Ok(frame);
            }
            self.fill().await?;
        }
    }

    /// Reads what is there; before it has to wait, what is whole goes to the disk.
    async fn fill(&mut self) -> Result<(), Why> {
        let room = self.input.room();
        let has_whole = !self.batch.parts.is_empty();
        let bytes = tokio::select! {
            biased;
            bytes = self.reader.read(room) => bytes?,
            () = std::future::ready(()), if has_whole => return self.hand_over().await,
        };
        self.came(bytes)?;
        self.input.filled.end += bytes;
        Ok(())
    }

    fn came(&self, bytes: usize) -> Result<(), Why> {
        self.state.came.fetch_add(1, Ordering::Relaxed);
        self.limiter.spend(bytes);
        if bytes == 0 { Err(Why::Closed) } else { Ok(()) }
    }

    /// Reads the data of an answer behind what the batch holds.
    async fn receive(&mut self, ask: Ask, bytes: u32, is_what_was_asked: bool) -> Result<(), Why> {
        if !is_what_was_asked || u64::from(bytes) != ask.bytes() {
            // The announced size or the peer is wrong; either way it is not what was announced.
            self.reporter.send(Report::Answered(vec![(ask.id, Outcome::Wrong)])).await;
            return Err(Why::Misbehaved);
        }
        let bytes = usize::try_from(bytes).map_err(|_too_long| Why::Misbehaved)?;
        if !self.batch.has_room(bytes) {
            self.hand_over().await?;
        }
        let room = self.batch.room(bytes);
        let mut at = room.start;
        at += self.input.move_to(&mut self.batch.buffer[at..room.end]);
        while at < room.end {
            self.limiter.ready().await;
            let piece = self.limiter.piece(room.end - at);
            let bytes = self.reader.read(&mut self.batch.buffer[at..at + piece]).await?;
            self.came(bytes)?;
            at += bytes;
        }
        self.batch.used = room.end;
        self.batch.parts.push((ask, room));
        Ok(())
    }

    /// Gives what is whole to the thread that writes.
    async fn hand_over(&mut self) -> Result<(), Why> {
        if self.batch.parts.is_empty() {
            return Ok(());
        }
        let next = self.empty.recv().await.ok_or(Why::Closed)?;
        let batch = std::mem::replace(&mut self.batch, next);
        self.filled.send(batch).await.map_err(|_ended| Why::Closed)?;
        // Requests leave by this same task: as long as data keeps coming, they would wait until the peer has run dry.
        tokio::task::yield_now().await;
        Ok(())
    }
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
