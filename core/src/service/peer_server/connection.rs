//! One peer that asks us: reads its requests, and says at once what is not shared. The other half is
//! [`crate::service::peer_server::sending`].

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::{mpsc, watch};

use crate::model::way::Way;
use crate::net::tls::{self, Encrypted};
use crate::protocol::peer::{Answer, PeerRefusal, REQUEST_BYTES, Request};
use crate::protocol::reached;
use crate::service::peer_server::connection_state::{Ended, UploadResources, now, rest};
use crate::service::peer_server::content_source::ContentSource;
use crate::service::peer_server::feeder::Feeder;
use crate::service::peer_server::inbox::Inbox;
use crate::service::peer_server::scheduler::Place;
use crate::service::peer_server::sending::Sending;
use crate::transfer::slots::Standing;

/// How often a peer may tell what it tried: once a connection, and when it looks for a better way.
const TRIED_FRAMES_MAX: u32 = 64;
/// Refusals that wait to be sent; beyond it no more requests are read.
const REFUSALS_MAX: usize = 64;

/// Serves until the peer goes or misbehaves.
pub(super) async fn serve<S>(
    stream: Encrypted<S>,
    way: Way,
    place: &Arc<Place>,
    standing: watch::Receiver<Option<Standing>>,
    around: &Arc<UploadResources>,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let feeder = Feeder::new(Arc::clone(&around.content_source), tls::tells_about(&stream));
    let tells_reached = tls::tells_reached(&stream);
    let (reader, writer) = tokio::io::split(stream);
    let inbox = Arc::new(Inbox::default());
    let (refusals, refused) = mpsc::channel(REFUSALS_MAX);
    let asking =
        Asking { place, inbox: &inbox, content_source: around.content_source.as_ref(), refusals, tells_reached };
    let told_way = tells_reached.then_some(way);
    let (place, inbox, around) = (Arc::clone(place), Arc::clone(&inbox), Arc::clone(around));
    let sending = Sending::new(writer, feeder, told_way, place, inbox, around, standing, refused);
    tokio::select! {
        ended = asking.run(reader) => ended,
        ended = sending.run() => ended,
    }
}

/// The half that reads requests.
struct Asking<'a> {
    place: &'a Place,
    inbox: &'a Inbox,
    content_source: &'a dyn ContentSource,
    refusals: mpsc::Sender<Answer>,
    /// What the peer has tried is read; otherwise it is no frame of the protocol.
    tells_reached: bool,
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
        let mut tried_told = 0;
        loop {
            self.inbox.room().await;
            if reader.read_buf(&mut input).await? == 0 {
                return Err(Ended::Closed);
            }
            let is_stopped = self.place.is_stopped();
            while let Some((frame, _)) = input.split_first_chunk::<REQUEST_BYTES>() {
                if let Some(tried) = reached::decode_tried(frame).filter(|_| self.tells_reached) {
                    tried_told += 1;
                    if tried_told > TRIED_FRAMES_MAX {
                        return Err(Ended::BadFrame);
                    }
                    self.place.tried(tried.map_err(|_bad| Ended::BadFrame)?);
                    input.advance(REQUEST_BYTES);
                    continue;
                }
                let request = Request::decode(frame).map_err(|_bad| Ended::BadFrame)?;
                input.advance(REQUEST_BYTES);
                match self.refusal_of(&request, is_stopped) {
                    Some(why) => self.refuse(request.id(), why).await,
                    None => match request {
                        Request::Cancel { id } => self.cancel(id, &mut requests).await,
                        _ => requests.push(request),
                    },
                }
            }
            self.place.asked(&requests, self.content_source);
            if self.inbox.put(requests.drain(..)) {
                self.place.want(now());
            }
            input.reserve(64 * REQUEST_BYTES);
        }
    }

    /// What is not shared is said at once, not after a wait for a slot.
    fn refusal_of(&self, request: &Request, is_stopped: bool) -> Option<PeerRefusal> {
        match request {
            Request::Cancel { .. } => None,
            _ if is_stopped => Some(PeerRefusal::Busy),
            Request::Read { content, block, .. } if *block >= content.geometry().blocks() => {
                Some(PeerRefusal::BadRequest)
            }
            Request::Read { content, .. } | Request::List { content, .. } => {
                self.content_source.find(content).is_none().then_some(PeerRefusal::NotShared)
            }
        }
    }

    /// What is being sent already is its own answer.
    async fn cancel(&self, id: u32, just_read: &mut Vec<Request>) {
        let before = just_read.len();
        just_read.retain(|request| request.id() != id);
        if just_read.len() < before {
            return self.refuse(id, PeerRefusal::Cancelled).await;
        }
        if let Some(cancelled) = self.inbox.cancel(id) {
            self.place.refused(&cancelled);
            self.refuse(id, PeerRefusal::Cancelled).await;
            if self.inbox.is_idle() {
                rest(self.place, self.inbox);
            }
        }
    }

    async fn refuse(&self, id: u32, why: PeerRefusal) {
        // The other half is gone only together with this one.
        let _ended = self.refusals.send(Answer::Refused { id, why }).await;
    }
}
