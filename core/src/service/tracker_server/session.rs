//! One connection: reads in large pieces, brings all whole lines at once, and sends all that waits in one write.
//!
//! A `ping` while nothing is unanswered is answered here, shortly after lines were brought: anybody may ask it, and the
//! machine would say the same. When it has heard nothing for a moment it is brought one, as it ends who says nothing.
//!
//! While bytes wait to be sent nothing is read, and while a batch of lines waits to be taken no further one is read:
//! so a session holds a bounded amount of memory, and its client feels it. An idle session holds no buffer at all.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::{Sleep, sleep, timeout};

use crate::net::send_queue::SendQueue;
use crate::net::tls::HANDSHAKE_BYTE;
use crate::protocol::line::{Flavor, LineDecoder};
use crate::service::tracker_server::{Message, Traffic};
use crate::tracker::input::{Input, SessionId, SessionRequest};

/// What a session runs on.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// What `ping` is answered with.
const PONG: [u8; 5] = *b"OK 0\n";
/// So many answers go out as one piece.
const PONGS_MAX: usize = 64;
static PONGS: [[u8; PONG.len()]; PONGS_MAX] = [PONG; PONGS_MAX];
/// How long `ping` is answered without the machine: who pings more often than every second is heard there as often, and it
/// counts the silence of sessions in seconds.
const PINGS_MAX: Duration = Duration::from_millis(500);

/// Bytes read at once. The lines of one read wait decoded while those before it are worked on: that is what a session that
/// announces very much takes.
const SESSION_READ_BYTES: usize = 32 * 1024;
/// Pieces written at once.
const PIECES_MAX: usize = 64;
/// How long the other side may take to read the last bytes and close.
const LINGER_MAX: Duration = Duration::from_secs(1);
/// Bytes of the other side that are thrown away at the end, so that closing does not take our last bytes with it.
const LINGER_BYTES_MAX: usize = 4 * 1024 * 1024;
const LINGER_READ_BYTES: usize = 16 * 1024;

thread_local! {
    /// Where a worker reads into: what is read is decoded before the next session has its turn.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SESSION_READ_BYTES].into());
}

/// How many `ping`s these bytes begin with, as a program writes them, and what follows.
fn leading_pings(mut bytes: &[u8]) -> (usize, &[u8]) {
    let mut pings = 0;
    while let Some(rest) = bytes.strip_prefix(b"ping\n").or_else(|| bytes.strip_prefix(b"ping\r\n")) {
        (pings, bytes) = (pings + 1, rest);
    }
    (pings, bytes)
}

/// A session's line to the machine.
pub(super) struct SessionLine {
    pub(super) id: SessionId,
    pub(super) queue: Arc<SendQueue>,
    pub(super) inbox: mpsc::Sender<Message>,
    pub(super) stall_max: Duration,
    pub(super) traffic: Arc<Traffic>,
}

impl SessionLine {
    fn bring(&self, input: Input) -> Bringing {
        bring(&self.inbox, Message::Input(self.id, input))
    }
}

/// What becomes of a connection whose session is over.
pub(super) enum AfterSession<S> {
    /// It is lost.
    Lost,
    /// It is to be closed: all that the machine wanted sent has left.
    Closing(Box<Session<S>>),
    /// Whoever was greeted as a person at a terminal begins a handshake of TLS, with these bytes.
    Handshake(S, Bytes),
}

/// Runs until the connection is lost, the machine has closed it, it turns out to be TLS, or it has panicked; the others go
/// on.
pub(super) async fn run<S: Stream>(mut session: Box<Session<S>>) -> AfterSession<S> {
    while let Some(bringing) = poll_fn(|cx| session.poll_guarded(cx)).await {
        if !bringing.await {
            return AfterSession::Lost;
        }
    }
    match session.handshake.take() {
        Some(begun) => AfterSession::Handshake(session.stream, begun.into()),
        None if session.is_closing => AfterSession::Closing(session),
        None => AfterSession::Lost,
    }
}

/// A message on its way to the driver; `false` if it has ended. There is nearly always room, so the waiting has a box of
/// its own instead of a place in every session.
pub(super) enum Bringing {
    Done(bool),
    Waiting(Pin<Box<dyn Future<Output = bool> + Send>>),
}

pub(super) fn bring(inbox: &mpsc::Sender<Message>, message: Message) -> Bringing {
    match inbox.try_send(message) {
        Ok(()) => Bringing::Done(true),
        Err(TrySendError::Closed(_)) => Bringing::Done(false),
        Err(TrySendError::Full(message)) => {
            let inbox = inbox.clone();
            Bringing::Waiting(Box::pin(async move { inbox.send(message).await.is_ok() }))
        }
    }
}

impl Future for Bringing {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        match &mut *self {
            Self::Done(done) => Poll::Ready(*done),
            Self::Waiting(waiting) => waiting.as_mut().poll(cx),
        }
    }
}

/// A connection and what is on its way through it.
pub(super) struct Session<S> {
    stream: S,
    line: SessionLine,
    decoder: LineDecoder,
    /// Nothing was read of it yet, so it may turn out to be TLS.
    may_be_handshake: bool,
    /// The first bytes of a handshake.
    handshake: Option<Box<[u8]>>,
    unsent: VecDeque<Bytes>,
    must_flush: bool,
    /// Runs while the other side takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
    /// Lines that are read and not brought.
    batch: Option<Vec<SessionRequest>>,
    may_bring: bool,
    has_ended: bool,
    is_closing: bool,
    /// Until when it answers `ping` by itself, and how many it has answered since lines were brought last.
    pings_until: Option<Instant>,
    pinged: u64,
}

impl<S: Stream> Session<S> {
    pub(super) fn new(stream: S, flavor: Flavor, line: SessionLine) -> Self {
        Self {
            stream,
            line,
            decoder: LineDecoder::new(flavor),
            may_be_handshake: flavor == Flavor::Telnet,
            handshake: None,
            unsent: VecDeque::new(),
            must_flush: false,
            stall: None,
            batch: None,
            may_bring: true,
            has_ended: false,
            is_closing: false,
            pings_until: None,
            pinged: 0,
        }
    }

    fn poll_guarded(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bringing>> {
        catch_unwind(AssertUnwindSafe(|| self.poll_bring(cx))).unwrap_or_else(|_panic| {
            tracing::error!(id = ?self.line.id, "a session has panicked; it is closed");
            Poll::Ready(None)
        })
    }

    /// Moves bytes until there is something for the driver, or nothing more will come.
    fn poll_bring(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bringing>> {
        loop {
            if self.line.queue.is_stopped() || ready!(self.poll_send(cx)).is_err() {
                return Poll::Ready(None);
            }
            let signs = self.line.queue.take(cx.waker(), &mut self.unsent);
            self.may_bring |= signs.is_ready;
            if signs.is_resynced {
                self.line.traffic.resyncs.fetch_add(1, Ordering::Relaxed);
            }
            if signs.tell_drained {
                return Poll::Ready(Some(self.line.bring(Input::Drained)));
            }
            if !self.unsent.is_empty() {
                continue;
            }
            if signs.is_closing {
                self.is_closing = true;
                return Poll::Ready(None);
            }
            if self.may_bring
                && let Some(mut batch) = self.batch.take()
            {
                self.may_bring = false;
                if self.pinged > 0 {
                    batch.insert(0, SessionRequest::Pinged(std::mem::take(&mut self.pinged)));
                }
                let now = Instant::now();
                self.pings_until = Some(now + PINGS_MAX);
                let lines = Message::Lines(self.line.id, batch, now);
                return Poll::Ready(Some(bring(&self.line.inbox, lines)));
            }
            if self.batch.is_some() || self.has_ended {
                return Poll::Pending;
            }
            if ready!(self.poll_read(cx)).is_err() {
                return Poll::Ready(None);
            }
        }
    }

    /// Sends everything that was taken.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let written = if let ([only], []) = self.unsent.as_slices() {
                Pin::new(&mut self.stream).poll_write(cx, only)
            } else {
                let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
                let count = self.unsent.len().min(PIECES_MAX);
                for (piece, bytes) in pieces.iter_mut().zip(&self.unsent) {
                    *piece = IoSlice::new(bytes);
                }
                Pin::new(&mut self.stream).poll_write_vectored(cx, &pieces[..count])
            };
            match written {
                Poll::Pending => return self.poll_stall(cx),
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => self.take_sent(written?),
            }
        }
        if self.must_flush {
            if Pin::new(&mut self.stream).poll_flush(cx)?.is_pending() {
                return self.poll_stall(cx);
            }
            self.must_flush = false;
            self.stall = None;
            // An idle session keeps no room.
            self.unsent = VecDeque::new();
        }
        Poll::Ready(Ok(()))
    }

    fn take_sent(&mut self, mut bytes: usize) {
        self.line.traffic.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
        self.must_flush = true;
        self.stall = None;
        while let Some(first) = self.unsent.front_mut() {
            let taken = bytes.min(first.len());
            first.advance(taken);
            bytes -= taken;
            if !first.is_empty() {
                return;
            }
            self.unsent.pop_front();
        }
    }

    fn poll_stall(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(self.line.stall_max)));
        stall.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads once and decodes what came.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut read = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                // The unfinished line, if there is one, is no line.
                self.has_ended = true;
                self.batch = Some(vec![SessionRequest::End]);
                return Poll::Ready(Ok(()));
            }
            self.line.traffic.bytes_in.fetch_add(read.filled().len() as u64, Ordering::Relaxed);
            if std::mem::take(&mut self.may_be_handshake) && read.filled().starts_with(&[HANDSHAKE_BYTE]) {
                self.handshake = Some(read.filled().into());
                return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
            }
            // Most of what most sessions say is one `ping`: it becomes no line, and no room is made for it.
            let (pings, rest) = leading_pings(read.filled());
            let pings_are_answered = pings > 0 && self.may_answer_pings();
            if pings_are_answered {
                self.answer_pings(pings);
            }
            self.decoder.feed(if pings_are_answered { rest } else { read.filled() });
            let requests: Vec<SessionRequest> =
                std::iter::from_fn(|| self.decoder.next_line()).map(SessionRequest::read).collect();
            self.batch = Some(requests).filter(|requests| !requests.is_empty());
            Poll::Ready(Ok(()))
        })
    }

    /// Whether the machine need not hear now of `ping`s that begin here.
    fn may_answer_pings(&self) -> bool {
        self.may_bring
            && self.decoder.is_between_lines()
            && self.pings_until.is_some_and(|until| Instant::now() < until)
    }

    fn answer_pings(&mut self, mut count: usize) {
        self.pinged += count as u64;
        while count > 0 {
            let some = count.min(PONGS_MAX);
            self.unsent.push_back(Bytes::from_static(&PONGS.as_flattened()[..some * PONG.len()]));
            count -= some;
        }
    }

    /// The connection alone: nothing of it is read that was not a line.
    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    /// Ends the stream so that its last bytes arrive: closing while the other side still sends would discard them.
    pub(super) async fn close(mut self) {
        let _in_time = timeout(LINGER_MAX, async {
            self.stream.shutdown().await?;
            let mut thrown_away = 0;
            let mut room = vec![0; LINGER_READ_BYTES];
            while thrown_away < LINGER_BYTES_MAX {
                match self.stream.read(&mut room).await? {
                    0 => break,
                    bytes => thrown_away += bytes,
                }
            }
            Ok::<(), io::Error>(())
        })
        .await;
    }
}
