//! The half of a connection that sends: it tells the peer its place, and when it has a slot answers requests. What was read
//! from the disk and hashed is encrypted at once, while it is in the processor's cache. Blocks on the disk.

use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

use crate::model::way::Way;
use crate::protocol::peer::{Answer, Content, PeerRefusal};
use crate::protocol::reached;
use crate::service::peer_server::connection_state::{Ended, UploadResources, now, rest};
use crate::service::peer_server::feeder::{Feeder, Piece};
use crate::service::peer_server::inbox::Inbox;
use crate::service::peer_server::scheduler::Place;
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
/// Somebody who is sent nothing any more is told so for this long; they need not ask again before that.
const TURNED_AWAY_MAX: Duration = Duration::from_secs(5);
/// How long files are kept open without requests: most come at once.
const PATIENCE: Duration = Duration::from_millis(200);

/// See the module.
pub(super) struct Sending<W> {
    writer: W,
    place: Arc<Place>,
    inbox: Arc<Inbox>,
    around: Arc<UploadResources>,
    standing: watch::Receiver<Option<Standing>>,
    refused: mpsc::Receiver<Answer>,
    feeder: Feeder,
    /// By which way the peer has come, until it is told; none if it would not understand.
    told_way: Option<Way>,
    /// Filled and sent again and again.
    piece: Piece,
    /// What may still be in our buffers.
    leaving: Vec<Content>,
    taken: Taken,
    /// The peer was told that it waits.
    has_waited: bool,
}

/// How fast the peer takes what it asked for, without the time that our own limit costs.
struct Taken {
    since: Instant,
    bytes: u64,
    waited: Duration,
}

impl<W: AsyncWrite + Unpin> Sending<W> {
    #[allow(clippy::too_many_arguments, reason = "each is a part of one connection, which is made in one place")]
    pub(super) fn new(
        writer: W,
        feeder: Feeder,
        told_way: Option<Way>,
        place: Arc<Place>,
        inbox: Arc<Inbox>,
        around: Arc<UploadResources>,
        standing: watch::Receiver<Option<Standing>>,
        refused: mpsc::Receiver<Answer>,
    ) -> Self {
        let taken = Taken { since: Instant::now(), bytes: 0, waited: Duration::ZERO };
        Self {
            writer,
            place,
            inbox,
            around,
            standing,
            refused,
            feeder,
            told_way,
            piece: Piece::default(),
            leaving: Vec::new(),
            taken,
            has_waited: false,
        }
    }

    /// Waits and sends, turn by turn, until the connection ends.
    pub(super) async fn run(mut self) -> Ended {
        match self.serve().await {
            Ended::Stopped => self.turn_away().await.err().unwrap_or(Ended::Stopped),
            ended => ended,
        }
    }

    async fn serve(&mut self) -> Ended {
        if let Some(way) = self.told_way.take()
            && let Err(ended) = self.write(&Piece::of(reached::encode_way(way).to_vec())).await
        {
            return ended;
        }
        loop {
            if let Err(ended) = self.wait().await {
                return ended;
            }
            if let Err(ended) = self.turn().await {
                return ended;
            }
            self.feeder.rest();
        }
    }

    /// A person stopped it for this peer: whatever waits and whatever comes is refused, long enough for them to hear it.
    async fn turn_away(&mut self) -> Result<(), Ended> {
        self.feeder.rest();
        let until = Instant::now() + TURNED_AWAY_MAX;
        loop {
            let mut frames = Vec::new();
            let mut count = 0;
            while let Some(request) = self.inbox.next() {
                self.place.refused(&request);
                frames.extend(Answer::Refused { id: request.id(), why: PeerRefusal::Busy }.encode());
                count += 1;
            }
            if count > 0 {
                self.write(&Piece::of(frames)).await?;
                self.flush().await?;
                self.inbox.sent(count);
            }
            tokio::select! {
                Some(answer) = self.refused.recv() => self.refuse(answer).await?,
                () = self.inbox.news() => {}
                () = sleep_until(until) => return Ok(()),
            }
        }
    }

    /// Until there is a slot and something to send.
    async fn wait(&mut self) -> Result<(), Ended> {
        let mut next_told = Instant::now() + QUEUED_EVERY;
        let mut active_at = Instant::now();
        loop {
            let is_serving = self.standing()? == Standing::Serving;
            if is_serving && self.inbox.has_waiting() {
                return Ok(());
            }
            if !self.inbox.is_idle() {
                active_at = Instant::now();
            }
            tokio::select! {
                changed = self.standing.changed() => {
                    changed.map_err(|_no_desk| Ended::Closed)?;
                    self.tell_standing().await?;
                    next_told = Instant::now() + QUEUED_EVERY;
                }
                Some(answer) = self.refused.recv() => self.refuse(answer).await?,
                () = self.inbox.news() => {}
                () = sleep_until(next_told) => {
                    if let Standing::Waiting(place) = self.standing()? {
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
        }
    }

    /// Answers requests until there are none for a while or the slot is lost.
    async fn turn(&mut self) -> Result<(), Ended> {
        loop {
            if let Ok(answer) = self.refused.try_recv() {
                self.refuse(answer).await?;
            }
            if self.standing.has_changed().unwrap_or(true) {
                self.tell_standing().await?;
            }
            if self.standing()? != Standing::Serving {
                return Ok(());
            }
            if let Some(request) = self.inbox.next() {
                let mut piece = std::mem::take(&mut self.piece);
                self.feeder.fill(request, &self.inbox, &mut piece);
                let sent = self.send(&piece).await;
                self.piece = piece;
                sent?;
                // The other half of the connection has requests to read.
                yield_now().await;
                if self.inbox.has_waiting() {
                    continue;
                }
                self.flush().await?;
            }
            tokio::select! {
                () = self.inbox.news() => {}
                changed = self.standing.changed() => {
                    changed.map_err(|_no_desk| Ended::Closed)?;
                    self.tell_standing().await?;
                }
                Some(answer) = self.refused.recv() => self.refuse(answer).await?,
                () = tokio::time::sleep(PATIENCE) => {
                    if !self.inbox.has_waiting() {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn standing(&self) -> Result<Standing, Ended> {
        self.standing.borrow().ok_or(Ended::Stopped)
    }

    async fn tell_standing(&mut self) -> Result<(), Ended> {
        let standing = *self.standing.borrow_and_update();
        match standing.ok_or(Ended::Stopped)? {
            Standing::Waiting(place) => {
                self.has_waited = true;
                self.tell(Answer::Queued { place }).await
            }
            Standing::Serving if std::mem::take(&mut self.has_waited) => self.tell(Answer::Granted).await,
            Standing::Serving | Standing::Idle => Ok(()),
        }
    }

    async fn refuse(&mut self, first: Answer) -> Result<(), Ended> {
        let mut frames = first.encode().to_vec();
        while let Ok(answer) = self.refused.try_recv() {
            frames.extend(answer.encode());
        }
        self.write(&Piece::of(frames)).await?;
        self.flush().await
    }

    async fn tell(&mut self, answer: Answer) -> Result<(), Ended> {
        self.write(&Piece::of(answer.encode().to_vec())).await?;
        self.flush().await
    }

    async fn send(&mut self, piece: &Piece) -> Result<(), Ended> {
        self.write(piece).await?;
        let bytes = piece.answers.len() + piece.body().len();
        self.place.sent(&piece.answered, bytes, now());
        if self.inbox.sent(piece.answered.len()) {
            rest(&self.place, &self.inbox);
        }
        Ok(())
    }

    async fn write(&mut self, piece: &Piece) -> Result<(), Ended> {
        let (mut answers, mut body) = (piece.answers.as_slice(), piece.body());
        let has_data = piece.contents().next().is_some();
        if has_data {
            self.leaving.clear();
            self.leaving.extend(piece.contents());
        }
        while !answers.is_empty() || !body.is_empty() {
            if has_data {
                self.wait_for_limit().await?;
                // In the middle of an answer nothing else can be said.
                self.standing().map_err(|_stopped| Ended::Cut)?;
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
            self.standing().map_err(|_stopped| Ended::Cut)?;
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
        if !self.leaving.is_empty() {
            self.standing().map_err(|_stopped| Ended::Cut)?;
        }
        self.check_shared()
    }

    fn check_shared(&self) -> Result<(), Ended> {
        let is_shared = |content| self.around.content_source.find(content).is_some();
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
