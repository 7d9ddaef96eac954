//! One peer that asks us: reads its requests, tells it its place, sends what the feeder has read.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::protocol::peer::{Answer, Content, REQUEST_BYTES, Refusal, Request};
use crate::service::limiter::Limiter;
use crate::service::peer_server::desk::Place;
use crate::service::peer_server::feeder::{Feeder, PIECES, Piece};
use crate::service::peer_server::inbox::Inbox;
use crate::service::peer_server::shelf::Shelf;
use crate::transfer::slots::Standing;

/// Who waits is told its place again, so that silence means something.
const QUEUED_EVERY: Duration = Duration::from_secs(15);
/// A connection without requests.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// How often it is asked whether what is being sent is still shared.
const STILL_SHARED_EVERY: Duration = Duration::from_millis(400);
/// Nothing at all could be sent.
const STALL_MAX: Duration = Duration::from_secs(30);
/// In this time at least [`SLOW_BYTES_MIN`] must be taken, or somebody holds a slot for nothing.
const SLOW_AFTER: Duration = Duration::from_secs(60);
const SLOW_BYTES_MIN: u64 = 60 * 1024;
/// Refusals that wait to be sent; beyond it no more requests are read.
const REFUSALS_MAX: usize = 64;

/// How long a thread that reads a file is waited for; a disk may hang.
const THREAD_END_MAX: Duration = Duration::from_secs(1);

/// What a connection works with.
pub(super) struct Surroundings {
    pub(super) shelf: Arc<dyn Shelf>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) cancel: CancellationToken,
}

/// Why a connection ends from our side.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the peer closed it")]
    Closed,
    #[error("not the peer protocol")]
    BadFrame,
    #[error("it was idle")]
    Idle,
    #[error("the peer takes nothing")]
    Stalled,
    #[error("what was being sent is no longer shared")]
    Unshared,
    #[error("the server stops")]
    Stopped,
}

/// Serves until the peer goes or misbehaves.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    place: &Place,
    standing: watch::Receiver<Standing>,
    around: &Surroundings,
) -> Ended {
    let (reader, writer) = tokio::io::split(stream);
    let inbox = Arc::new(Inbox::default());
    let (refusals, refused) = mpsc::channel(REFUSALS_MAX);
    let asking = Asking { place, inbox: &inbox, shelf: around.shelf.as_ref(), refusals };
    let (filled, pieces) = mpsc::channel(PIECES);
    let (empties, empty) = mpsc::channel(PIECES);
    for _ in 0..PIECES {
        let _has_room = empties.try_send(Piece::default());
    }
    let feeder = Feeder::new(Arc::clone(&around.shelf), Arc::clone(&inbox), empty, filled);
    let mut feeding = Feeding { resting: Some(Box::new(feeder)), working: None };
    let sending = Sending {
        writer,
        place,
        inbox: &inbox,
        around,
        empties,
        taken: Taken { since: Instant::now(), bytes: 0, waited: Duration::ZERO },
        leaving: Vec::new(),
    };
    let ended = tokio::select! {
        () = around.cancel.cancelled() => Ended::Stopped,
        ended = asking.run(reader) => ended,
        ended = sending.run(standing, refused, pieces, &mut feeding) => ended,
    };
    // The thread finds nobody who asks or takes what it reads.
    inbox.set_may_serve(false);
    if let Some(work) = feeding.working {
        let _hung_disk = timeout(THREAD_END_MAX, work).await;
    }
    ended
}

/// The half that reads requests.
struct Asking<'a> {
    place: &'a Place,
    inbox: &'a Inbox,
    shelf: &'a dyn Shelf,
    refusals: mpsc::Sender<Answer>,
}

impl Asking<'_> {
    async fn run(self, reader: impl AsyncRead + Unpin) -> Ended {
        match self.read(reader).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn read(self, mut reader: impl AsyncRead + Unpin) -> Result<std::convert::Infallible, Ended> {
        let mut input = BytesMut::with_capacity(64 * REQUEST_BYTES);
        let mut requests = Vec::new();
        loop {
            self.inbox.room().await;
            if reader.read_buf(&mut input).await? == 0 {
                return Err(Ended::Closed);
            }
            while let Some((frame, _)) = input.split_first_chunk::<REQUEST_BYTES>() {
                let request = Request::decode(frame).map_err(|_bad| Ended::BadFrame)?;
                input.advance(REQUEST_BYTES);
                match self.refusal_of(&request) {
                    Some(why) => self.refuse(request.id(), why).await,
                    None => match request {
                        Request::Cancel { id } => self.cancel(id, &mut requests).await,
                        _ => requests.push(request),
                    },
                }
            }
            if self.inbox.put(requests.drain(..)) {
                self.place.want(now());
            }
            input.reserve(64 * REQUEST_BYTES);
        }
    }

    /// What is not shared is said at once, not after a wait for a slot.
    fn refusal_of(&self, request: &Request) -> Option<Refusal> {
        match request {
            Request::Cancel { .. } => None,
            Request::Read { content, block, .. } if *block >= content.geometry().blocks() => Some(Refusal::BadRequest),
            Request::Read { content, .. } | Request::List { content, .. } => {
                self.shelf.find(content).is_none().then_some(Refusal::NotShared)
            }
        }
    }

    /// What is being sent already is its own answer.
    async fn cancel(&self, id: u32, just_read: &mut Vec<Request>) {
        let before = just_read.len();
        just_read.retain(|request| request.id() != id);
        if just_read.len() < before {
            return self.refuse(id, Refusal::Cancelled).await;
        }
        if self.inbox.cancel(id) {
            self.refuse(id, Refusal::Cancelled).await;
            if self.inbox.is_idle() {
                rest(self.place, self.inbox);
            }
        }
    }

    async fn refuse(&self, id: u32, why: Refusal) {
        // The other half is gone only together with this one.
        let _ended = self.refusals.send(Answer::Refused { id, why }).await;
    }
}

/// The half that sends.
struct Sending<'a, W> {
    writer: W,
    place: &'a Place,
    inbox: &'a Arc<Inbox>,
    around: &'a Surroundings,
    empties: mpsc::Sender<Piece>,
    taken: Taken,
    /// What may still be in our buffers.
    leaving: Vec<Content>,
}

/// How fast the peer takes what it asked for, without the time that our own limit costs.
struct Taken {
    since: Instant,
    bytes: u64,
    waited: Duration,
}

/// The feeder rests, or works on its thread.
struct Feeding {
    resting: Option<Box<Feeder>>,
    working: Option<JoinHandle<Feeder>>,
}

impl<W: AsyncWrite + Unpin> Sending<'_, W> {
    async fn run(
        mut self,
        standing: watch::Receiver<Standing>,
        refused: mpsc::Receiver<Answer>,
        pieces: mpsc::Receiver<Piece>,
        feeding: &mut Feeding,
    ) -> Ended {
        match self.send_all(standing, refused, pieces, feeding).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn send_all(
        &mut self,
        mut standing: watch::Receiver<Standing>,
        mut refused: mpsc::Receiver<Answer>,
        mut pieces: mpsc::Receiver<Piece>,
        feeding: &mut Feeding,
    ) -> Result<std::convert::Infallible, Ended> {
        let mut has_waited = false;
        let mut next_told = Instant::now() + QUEUED_EVERY;
        let mut active_at = Instant::now();
        loop {
            tokio::select! {
                changed = standing.changed() => {
                    changed.map_err(|_no_desk| Ended::Closed)?;
                    let now_standing = *standing.borrow_and_update();
                    self.inbox.set_may_serve(now_standing == Standing::Serving);
                    match now_standing {
                        Standing::Waiting(place) => {
                            has_waited = true;
                            self.tell(Answer::Queued { place }).await?;
                        }
                        Standing::Serving if std::mem::take(&mut has_waited) => self.tell(Answer::Granted).await?,
                        Standing::Serving | Standing::Idle => {}
                    }
                    next_told = Instant::now() + QUEUED_EVERY;
                }
                Some(answer) = refused.recv() => {
                    let mut frames = answer.encode().to_vec();
                    while let Ok(answer) = refused.try_recv() {
                        frames.extend(answer.encode());
                    }
                    self.write(&Piece::of(frames)).await?;
                    self.flush().await?;
                }
                Some(piece) = pieces.recv() => {
                    self.send(piece).await?;
                    if pieces.is_empty() {
                        self.flush().await?;
                    }
                }
                rested = feeding.rested() => rested?,
                () = self.inbox.news() => {}
                () = sleep_until(next_told) => {
                    let told = *standing.borrow();
                    if let Standing::Waiting(place) = told {
                        self.tell(Answer::Queued { place }).await?;
                    }
                    next_told = Instant::now() + QUEUED_EVERY;
                }
                () = sleep_until(active_at + IDLE_MAX) => {
                    if self.inbox.is_idle() {
                        return Err(Ended::Idle);
                    }
                }
            }
            if !self.inbox.is_idle() {
                active_at = Instant::now();
            }
            let is_serving = *standing.borrow() == Standing::Serving;
            if is_serving && self.inbox.has_waiting() {
                feeding.start();
            }
        }
    }

    async fn tell(&mut self, answer: Answer) -> Result<(), Ended> {
        self.write(&Piece::of(answer.encode().to_vec())).await?;
        self.flush().await
    }

    async fn send(&mut self, mut piece: Piece) -> Result<(), Ended> {
        self.write(&piece).await?;
        let bytes = piece.answers.len() + piece.body().len();
        self.place.sent(piece.contents.last(), bytes, piece.count, now());
        if self.inbox.sent(piece.count) {
            rest(self.place, self.inbox);
        }
        piece.clear();
        // There are no more pieces than fit.
        let _has_room = self.empties.try_send(piece);
        Ok(())
    }

    async fn write(&mut self, piece: &Piece) -> Result<(), Ended> {
        let (mut answers, mut body) = (piece.answers.as_slice(), piece.body());
        let has_data = !piece.contents.is_empty();
        if has_data {
            self.leaving.clone_from(&piece.contents);
        }
        while !answers.is_empty() || !body.is_empty() {
            if has_data {
                self.wait_for_limit().await?;
            }
            let most = if has_data { self.around.limiter.piece(answers.len() + body.len()) } else { usize::MAX };
            let head = &answers[..answers.len().min(most)];
            let pieces = [IoSlice::new(head), IoSlice::new(&body[..body.len().min(most - head.len())])];
            let begun = Instant::now();
            let written = loop {
                match timeout(STILL_SHARED_EVERY, self.writer.write_vectored(&pieces)).await {
                    Ok(written) => break written?,
                    Err(_elapsed) => self.check(begun)?,
                }
            };
            if written == 0 {
                return Err(Ended::Closed);
            }
            self.took(written, begun)?;
            if has_data {
                self.around.limiter.spend(written);
            }
            let of_answers = written.min(answers.len());
            answers = &answers[of_answers..];
            body = &body[written - of_answers..];
        }
        Ok(())
    }

    async fn wait_for_limit(&self) -> Result<(), Ended> {
        while timeout(STILL_SHARED_EVERY, self.around.limiter.ready()).await.is_err() {
            self.check_shared()?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        let begun = Instant::now();
        loop {
            match timeout(STILL_SHARED_EVERY, self.writer.flush()).await {
                Ok(flushed) => {
                    self.leaving.clear();
                    return Ok(flushed?);
                }
                Err(_elapsed) => self.check(begun)?,
            }
        }
    }

    fn check(&self, begun: Instant) -> Result<(), Ended> {
        if begun.elapsed() >= STALL_MAX {
            return Err(Ended::Stalled);
        }
        self.check_shared()
    }

    fn check_shared(&self) -> Result<(), Ended> {
        let is_shared = |content| self.around.shelf.find(content).is_some();
        if self.leaving.iter().all(is_shared) { Ok(()) } else { Err(Ended::Unshared) }
    }

    /// A peer that takes a little now and then must not hold a slot for ever.
    fn took(&mut self, bytes: usize, begun: Instant) -> Result<(), Ended> {
        let taken = &mut self.taken;
        taken.bytes += bytes as u64;
        taken.waited += begun.elapsed();
        if taken.waited >= SLOW_AFTER {
            if taken.bytes < SLOW_BYTES_MIN {
                return Err(Ended::Stalled);
            }
            *taken = Taken { since: Instant::now(), bytes: 0, waited: Duration::ZERO };
        } else if taken.since.elapsed() >= SLOW_AFTER {
            *taken = Taken { since: Instant::now(), bytes: 0, waited: Duration::ZERO };
        }
        Ok(())
    }
}

impl Feeding {
    /// Puts the feeder to work, if it rests.
    fn start(&mut self) {
        if let Some(feeder) = self.resting.take() {
            self.working = Some(tokio::task::spawn_blocking(move || feeder.run()));
        }
    }

    /// Waits until the feeder has nothing more to do.
    async fn rested(&mut self) -> Result<(), Ended> {
        let Some(work) = &mut self.working else { return std::future::pending().await };
        let feeder = work.await.map_err(|error| Ended::Io(io::Error::other(error)))?;
        self.working = None;
        self.resting = Some(Box::new(feeder));
        Ok(())
    }
}

/// There are no requests; unless one came this very moment.
fn rest(place: &Place, inbox: &Inbox) {
    place.idle(now());
    if !inbox.is_idle() {
        place.want(now());
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
