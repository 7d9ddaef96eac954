//! One connection from its first byte: who it is, whether they may ask, and that they may go on asking.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connection_state::UploadResources;
use super::scheduler::UploadScheduler;
use super::{PeerAdmission, connection, now};
use crate::model::key::PublicKey;
use crate::model::limits;
use crate::model::username::Username;
use crate::model::way::Way;
use crate::net::admission::Newcomer;
use crate::net::dial;
use crate::net::tls::{Encrypted, TlsServer};
use crate::service::arrivals::{Arrivals, REVERSED_BYTE};
use crate::service::own_thread;
use crate::transfer::slots::Taker;

/// Somebody who just came may be known to us a moment later: the tracker tells us in groups.
const ADMISSION_TRIES: u32 = 200;
const ADMISSION_PAUSE: Duration = Duration::from_millis(10);
/// How often it is asked whether somebody who is being served may still ask us.
const STILL_ADMITTED_EVERY: Duration = Duration::from_millis(400);
/// So often in a row somebody must be found gone: whoever comes back at once, under another name say, has not left.
const GONE_TIMES: u32 = 2;

/// One connection, from its first byte.
pub(super) struct IncomingPeer {
    pub(super) tls: TlsServer,
    pub(super) admission: Arc<dyn PeerAdmission>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) scheduler: Arc<UploadScheduler>,
    pub(super) around: Arc<UploadResources>,
    pub(super) cancel: CancellationToken,
    /// Is cancelled when they have proven who they are.
    pub(super) is_met: CancellationToken,
    pub(super) way: Way,
}

impl IncomingPeer {
    /// From here on its own thread waits for the socket.
    pub(super) async fn serve_on_a_thread(self, stream: TcpStream, from: SocketAddr, newcomer: Newcomer) {
        let received = match stream.into_std() {
            Ok(stream) => own_thread::run("upload", move || self.receive(stream, from, newcomer)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = received {
            tracing::warn!(%from, %error, "a connection cannot be served");
        }
    }

    async fn receive(self, stream: std::net::TcpStream, from: SocketAddr, newcomer: Newcomer) {
        let cancel = self.cancel.clone();
        let _stopped = cancel.run_until_cancelled(self.attend(stream, from, newcomer)).await;
    }

    async fn attend(self, stream: std::net::TcpStream, from: SocketAddr, newcomer: Newcomer) {
        let Some(met) = newcomer.unless_it_gives_way(self.meet(stream, from)).await else {
            return tracing::debug!(%from, "a connection without a user has given way to others");
        };
        let Some((stream, key, user)) = met else { return };
        self.is_met.cancel();
        let _admitted = match newcomer.prove() {
            Ok(admitted) => admitted,
            Err(why) => return tracing::debug!(%from, %key, %why, "a peer was refused"),
        };
        let Some((place, standing)) = self.scheduler.enter(Taker::new(key, from.ip()), user, self.way, now()) else {
            return tracing::debug!(%from, %key, "too many connections of this key");
        };
        let place = Arc::new(place);
        tokio::select! {
            ended = connection::serve(stream, self.way, &place, standing, &self.around) => {
                tracing::debug!(%from, %key, %ended, "a peer was served");
            }
            () = self.left(&key) => tracing::debug!(%from, %key, "has left the network, was sent away or shut out"),
        }
    }

    /// Until somebody who was admitted is no more.
    async fn left(&self, key: &PublicKey) {
        let mut gone = 0;
        while gone < GONE_TIMES {
            sleep(STILL_ADMITTED_EVERY).await;
            gone = if self.admission.has_left(key) { gone + 1 } else { 0 };
        }
    }

    /// Finds out who it is; `None` if they are nobody whom we serve.
    async fn meet(
        &self,
        stream: std::net::TcpStream,
        from: SocketAddr,
    ) -> Option<(Encrypted<TcpStream>, PublicKey, Username)> {
        let tuned = TcpStream::from_std(stream).and_then(|stream| dial::tune(&stream).map(|()| stream));
        let stream = tuned.inspect_err(|error| tracing::debug!(%from, %error, "a connection cannot be set up")).ok()?;
        let proven = timeout(limits::TLS_HANDSHAKE_MAX, self.prove(stream)).await;
        let proven = proven.inspect_err(|_elapsed| tracing::debug!(%from, "no handshake in time")).ok()?;
        // Without a key it is one whom we asked to dial us.
        let (stream, key) = proven.inspect_err(|error| tracing::debug!(%from, %error, "no handshake")).ok()??;
        let user = self.ask_for(&key).await;
        if user.is_none() {
            tracing::debug!(%from, %key, "not a user of this network");
        }
        Some((stream, key, user?))
    }

    /// Whether they asked us to meet them.
    fn was_met(&self) -> bool {
        matches!(self.way, Way::Reversed | Way::Punched | Way::Relayed)
    }

    /// The key that a peer proves; `None` if it is one whom we asked to dial us, so that it is we who take from it.
    async fn prove(&self, stream: TcpStream) -> io::Result<Option<(Encrypted<TcpStream>, PublicKey)>> {
        let mut first = [0];
        if !self.was_met() && stream.peek(&mut first).await? > 0 && first[0] == REVERSED_BYTE {
            return self.arrivals.bring(stream).await.map(|()| None);
        }
        self.tls.accept(stream).await.map(Some)
    }

    async fn ask_for(&self, key: &PublicKey) -> Option<Username> {
        for _ in 0..ADMISSION_TRIES {
            match self.admission.name_of(key) {
                Some(user) => return Some(user),
                None => sleep(ADMISSION_PAUSE).await,
            }
        }
        None
    }
}
