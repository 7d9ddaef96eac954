//! Links to the other trackers of one network: dials them, lets them in, and passes lines between the wire and the machine.
//!
//! | task | does | ends when |
//! |---|---|---|
//! | `accepting` | lets trackers in that prove a listed key | the tracker stops |
//! | `dialling` | one a tracker that is dialled | it is reached, or not |
//! | `link`, one a link | lines in, lines out | its connection ends, the machine cuts it, or the tracker stops |
//!
//! Strangers find a port that says nothing: a connection counts from the moment in which a listed key was proven, only so many
//! may be proving theirs, and none of them for long.

mod asking;
mod link;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::model::key::PublicKey;
use crate::net::identity::Identity;
use crate::net::tls::{self, Encrypted, Purpose, TlsClient, TlsServer};
use crate::service::mesh::asking::{Asking, MeshQuestion};
use crate::service::mesh::link::LinkEnds;
use crate::tracker::effect::WantedAnswer;
use crate::tracker::input::{Input, Ticket};
use crate::tracker::links::MeshInput;
use crate::tracker::mesh::{LINKS_MAX, LinkEffect, LinkId, ListedTracker};

/// Connection and handshake together, on either side.
const LINK_CONNECT_MAX: Duration = Duration::from_secs(2);
/// Connections that are proving their key at the same time; further ones wait in the system's queue.
const LINK_HANDSHAKES_MAX: usize = 64;
/// Sends that wait for one link. The machine bounds them in bytes; a link that has fallen this far behind is cut, and what
/// it missed is made up for when it is there again.
const LINK_SENDS_MAX: usize = 4096;
/// How long to wait when the system has no descriptor for a new connection.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What all links need. The driver of the machine carries out its effects here.
pub struct MeshLinks {
    identity: TlsClients,
    asking: Asking,
    /// Takes over a connection by which another tracker asks.
    answering: Answering,
    /// To the machine.
    inputs: mpsc::Sender<Input>,
    open: Mutex<HashMap<LinkId, OpenLink>>,
    last_link: AtomicU64,
    admitted: Mutex<Vec<PublicKey>>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

/// Takes over a connection by which another tracker, whose key this is, asks from this address.
pub type Answering = Arc<dyn Fn(Encrypted<TcpStream>, PublicKey, SocketAddr) + Send + Sync>;

/// Prove our key to those who are dialled: for links, and for questions.
struct TlsClients(TlsClient, TlsClient);

/// How a link that runs is told what to send, and when to end.
#[derive(Debug)]
struct OpenLink {
    out: mpsc::Sender<Bytes>,
    cancel: CancellationToken,
}

impl MeshLinks {
    /// Begins to let trackers in. Its tasks are among `tasks` and end when `cancel` is cancelled.
    pub fn start(
        listener: TcpListener,
        identity: &Identity,
        answering: Answering,
        inputs: mpsc::Sender<Input>,
        tasks: TaskTracker,
        cancel: CancellationToken,
    ) -> Arc<Self> {
        let links = Arc::new(Self {
            identity: TlsClients(TlsClient::new(identity, Purpose::Mesh), TlsClient::new(identity, Purpose::MeshAsk)),
            asking: Asking::default(),
            answering,
            inputs,
            open: Mutex::default(),
            last_link: AtomicU64::new(0),
            admitted: Mutex::default(),
            tasks: tasks.clone(),
            cancel: cancel.clone(),
        });
        let accepting = accept(listener, TlsServer::new(identity, Purpose::Mesh), Arc::clone(&links));
        drop(tasks.spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = accepting => {}
            }
        }));
        links
    }

    /// Carries out what the machine wants.
    pub fn carry_out(self: &Arc<Self>, effect: LinkEffect) {
        match effect {
            LinkEffect::Dial(to) => self.dial(to),
            LinkEffect::Send { link, bytes } => {
                if let Some(open) = self.open.lock().get(&link)
                    && let Err(TrySendError::Full(_)) = open.out.try_send(bytes)
                {
                    // It says so by itself when it has ended.
                    open.cancel.cancel();
                }
            }
            LinkEffect::Cut(link) => {
                if let Some(open) = self.open.lock().remove(&link) {
                    open.cancel.cancel();
                }
            }
            LinkEffect::Admit(listed) => {
                *self.admitted.lock() = listed.iter().map(|tracker| tracker.key).collect();
                self.asking.set_trackers(listed.iter().map(|tracker| (tracker.at, tracker.key)).collect());
            }
        }
    }

    /// Asks other trackers, and tells the machine what they have answered.
    pub fn ask(self: &Arc<Self>, ticket: Ticket, trackers: Vec<SocketAddr>, line: String, wants: WantedAnswer) {
        let (links, question) = (Arc::clone(self), Arc::new(MeshQuestion { ticket, line, wants }));
        drop(self.tasks.spawn(async move {
            let asked = async {
                let mut asked = JoinSet::new();
                for (n, at) in trackers.iter().copied().enumerate() {
                    let (links, question) = (Arc::clone(&links), Arc::clone(&question));
                    asked.spawn(async move { (n, links.asking.ask(&links.identity.1, at, &question).await) });
                }
                let mut answers = vec![None; trackers.len()];
                while let Some(answered) = asked.join_next().await {
                    if let Ok((n, answer)) = answered {
                        answers[n] = answer;
                    }
                }
                answers
            };
            let answers = tokio::select! {
                () = links.cancel.cancelled() => return,
                answers = asked => answers,
            };
            let _has_stopped = links.inputs.send(Input::Answered { ticket, answers }).await;
        }));
    }

    /// The connection that was asked for with this ticket. After the answer was told there is none.
    pub fn take_kept(&self, ticket: Ticket) -> Option<Encrypted<TcpStream>> {
        self.asking.take_kept(ticket)
    }

    fn dial(self: &Arc<Self>, to: ListedTracker) {
        let links = Arc::clone(self);
        drop(self.tasks.spawn(async move {
            let reached = timeout(LINK_CONNECT_MAX, links.reach(to));
            let reached = tokio::select! {
                () = links.cancel.cancelled() => return,
                reached = reached => reached,
            };
            match reached {
                Ok(Ok(stream)) => links.run(stream, to.key, to.at.ip(), Some(to.at)).await,
                Ok(Err(error)) => links.not_reached(to.at, &error).await,
                Err(elapsed) => links.not_reached(to.at, &elapsed.into()).await,
            }
        }));
    }

    async fn reach(&self, to: ListedTracker) -> io::Result<Encrypted<TcpStream>> {
        let stream = TcpStream::connect(to.at).await?;
        stream.set_nodelay(true)?;
        Ok(self.identity.0.connect(stream, Some(to.key)).await?.0)
    }

    async fn not_reached(&self, at: SocketAddr, error: &io::Error) {
        tracing::debug!(%at, %error, "another tracker cannot be reached");
        self.bring(MeshInput::NotReached(at)).await;
    }

    /// Runs a link to its end; the machine hears of its beginning and of its end.
    async fn run(&self, stream: Encrypted<TcpStream>, key: PublicKey, peer: IpAddr, to: Option<SocketAddr>) {
        let link = LinkId(self.last_link.fetch_add(1, Ordering::Relaxed) + 1);
        let (out, sent) = mpsc::channel(LINK_SENDS_MAX);
        let cancel = self.cancel.child_token();
        self.open.lock().insert(link, OpenLink { out, cancel: cancel.clone() });
        self.bring(MeshInput::Connected { link, key, peer: peer.to_canonical(), to }).await;
        let ended = tokio::select! {
            () = cancel.cancelled() => Ok(()),
            ended = link::run(stream, LinkEnds { link, sent, inputs: &self.inputs }) => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a link to another tracker has ended");
        }
        self.open.lock().remove(&link);
        self.bring(MeshInput::Cut(link)).await;
    }

    async fn bring(&self, input: MeshInput) {
        // A machine that has ended needs to hear nothing.
        let _has_stopped = self.inputs.send(Input::Mesh(input)).await;
    }
}

/// Lets in whoever proves a listed key.
async fn accept(listener: TcpListener, tls: TlsServer, links: Arc<MeshLinks>) {
    let room = Arc::new(Semaphore::new(LINK_HANDSHAKES_MAX));
    loop {
        // Never closed.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            sleep(ACCEPT_AGAIN_AFTER).await;
            continue;
        };
        let (tls, links) = (tls.clone(), Arc::clone(&links));
        drop(links.tasks.clone().spawn(async move {
            let proven = timeout(LINK_CONNECT_MAX, async {
                stream.set_nodelay(true)?;
                tls.accept(stream).await
            });
            let proven = tokio::select! {
                () = links.cancel.cancelled() => return,
                proven = proven => proven,
            };
            drop(place);
            // Strangers knock at every port.
            let Ok(Ok((stream, key))) = proven else { return };
            let is_admitted = links.admitted.lock().contains(&key) && links.open.lock().len() < LINKS_MAX;
            if is_admitted && tls::is_for_questions(&stream) {
                (links.answering)(stream, key, peer);
            } else if is_admitted {
                links.run(stream, key, peer.ip(), None).await;
            } else {
                tracing::debug!(%peer, "somebody who is not in the list of trackers came to link");
            }
        }));
    }
}

impl std::fmt::Debug for MeshLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeshLinks").field("open", &self.open.lock().len()).finish_non_exhaustive()
    }
}
