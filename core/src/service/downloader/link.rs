//! One connection of those to a peer: sends requests, watches for silence; what comes is the other half's
//! ([`crate::service::downloader::receiving`]). It decides nothing.

use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch as watched};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::model::attempt::TriedWay;
use crate::model::limits;
use crate::model::way::Way;
use crate::net::local;
use crate::net::outgoing::Outgoing;
use crate::net::tls::{self, TlsClient};
use crate::protocol::peer::{REQUEST_BYTES, Request};
use crate::protocol::reached;
use crate::service::arrivals::Arrivals;
use crate::service::downloader::Directory;
use crate::service::downloader::files::Files;
use crate::service::downloader::finisher::Finisher;
use crate::service::downloader::reaching::Reached;
use crate::service::downloader::receiving::{Receiving, ToldOnce};
use crate::service::downloader::source_state::{Reporter, State, Why};
use crate::service::downloader::writer::BlockWriter;
use crate::service::limiter::Limiter;
use crate::transfer::source::Ask;

/// Orders that a connection has not carried out yet: more than it can have open requests.
pub(super) const ORDERS_MAX: usize = 4096;
/// Answers are expected and nothing at all comes: the peer is given up.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// While we wait for a slot the peer says so every 15 seconds.
const QUEUED_SILENCE_MAX: Duration = Duration::from_secs(50);

/// What a connection is to do.
#[derive(Debug)]
pub(super) enum Order {
    Ask(Vec<Ask>),
    Cancel(Vec<u32>),
    /// Tell what was tried to reach them.
    Tell(Vec<TriedWay>),
}

/// What connections work with.
#[derive(Clone)]
pub(super) struct DownloadResources {
    pub(super) tls: TlsClient,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) outgoing: watched::Receiver<Outgoing>,
    /// Grows whenever this computer is in another network.
    pub(super) networks: watched::Receiver<u64>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) files: Arc<Files>,
    pub(super) finisher: Finisher,
}

/// A connection that stands.
pub(super) struct PeerLink<'a> {
    pub(super) way: Way,
    pub(super) state: Rc<State>,
    orders: mpsc::Sender<Order>,
    tells_reached: bool,
    /// Our address of the connection.
    own: Option<IpAddr>,
    stop: CancellationToken,
    /// Everything that it does; says why it has ended.
    pub(super) work: Pin<Box<dyn Future<Output = Why> + 'a>>,
}

impl<'a> PeerLink<'a> {
    /// It works as long as [`PeerLink::work`] is waited for.
    pub(super) fn new((stream, way): Reached, around: &'a DownloadResources, reporter: &'a Reporter) -> Self {
        let (state, stop) = (Rc::new(State::default()), CancellationToken::new());
        let (orders, ordered) = mpsc::channel(ORDERS_MAX);
        let own = tls::own_address(&stream);
        let (tells_about, tells_reached) = (tls::tells_about(&stream), tls::tells_reached(&stream));
        let (known, stopped) = (Rc::clone(&state), stop.clone());
        let work = Box::pin(async move {
            let (reader, writer) = tokio::io::split(stream);
            let writes = BlockWriter::new(Arc::clone(&around.files), around.finisher.clone());
            let told = ToldOnce { about: tells_about, reached: tells_reached.then_some(way) };
            let mut receiving = Receiving::new(reader, told, &known, &around.limiter, reporter, writes);
            let why = tokio::select! {
                why = receiving.run() => why,
                why = write(writer, ordered) => why,
                why = watch(&known) => why,
                () = stopped.cancelled() => Why::Closed,
            };
            // What has come counts before the end of the connection does.
            receiving.tell().await;
            known.has_ended.set(true);
            why
        });
        Self { way, state, orders, tells_reached, own, stop, work }
    }

    /// Whether anything can still come over it: not to an address that is ours no more.
    pub(super) fn is_from_here(&self) -> bool {
        self.own.is_none_or(local::is_own)
    }

    /// By which way it goes; the peer may know of a router that lets others in to it.
    pub(super) fn way(&self) -> Way {
        if self.state.is_mapped.get() { Way::Mapped } else { self.way }
    }

    /// Has it do something. One that ends takes it too, and owes it then: why it ends is for [`PeerLink::work`] to say.
    ///
    /// # Errors
    ///
    /// [`Why::Silent`] if it hangs.
    pub(super) fn give(&self, order: Order) -> Result<(), Why> {
        let mut open = self.state.open.borrow_mut();
        let order = match order {
            Order::Tell(_) if !self.tells_reached => return Ok(()),
            tell @ Order::Tell(_) => tell,
            Order::Ask(asks) => {
                open.extend(asks.iter().map(|ask| (ask.id, *ask)));
                Order::Ask(asks)
            }
            // What is answered already has no number that the peer would know.
            Order::Cancel(ids) => Order::Cancel(ids.into_iter().filter(|id| open.contains_key(id)).collect()),
        };
        match self.orders.try_send(order) {
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Why::Silent),
        }
    }

    /// Whether it owes nothing, and nothing of it is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.state.taking.get().is_none() && self.state.open.borrow().is_empty()
    }

    /// What it owed when it ended.
    pub(super) fn owed(&self) -> Vec<Ask> {
        let taking = self.state.taking.take();
        self.state.open.borrow_mut().drain().map(|(_, ask)| ask).chain(taking).collect()
    }

    /// Whether its work was waited for to its end.
    pub(super) fn has_ended(&self) -> bool {
        self.state.has_ended.get()
    }

    /// It is to end by itself, and to tell before what has come.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

/// Gives the peer up when it owes answers and is silent.
async fn watch(state: &State) -> Why {
    let tick = Duration::from_secs(1);
    let mut silent = Duration::ZERO;
    let mut seen = 0;
    loop {
        sleep(tick).await;
        let came = state.came.get();
        let owes_nothing = state.open.borrow().is_empty();
        if came != seen || owes_nothing {
            seen = came;
            silent = Duration::ZERO;
            continue;
        }
        silent += tick;
        let most = if state.place.get().is_some() { QUEUED_SILENCE_MAX } else { SILENCE_MAX };
        if silent >= most {
            return Why::Silent;
        }
    }
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut orders: mpsc::Receiver<Order>) -> Why {
    let mut frames = Vec::new();
    while let Some(order) = orders.recv().await {
        frames.clear();
        let mut next = Some(order);
        while let Some(order) = next {
            encode(order, &mut frames);
            next = orders.try_recv().ok().filter(|_| frames.len() < 1000 * REQUEST_BYTES);
        }
        let sent = async {
            writer.write_all(&frames).await?;
            writer.flush().await
        };
        if let Err(error) = sent.await {
            // Meanwhile the other half reads on, and ends by itself.
            sleep(limits::READ_AFTER_WRITE_ERROR_MAX).await;
            return Why::Io(error);
        }
    }
    Why::Closed
}

fn encode(order: Order, frames: &mut Vec<u8>) {
    match order {
        Order::Ask(asks) => asks.iter().for_each(|ask| frames.extend(ask.request().encode())),
        Order::Tell(tried) => frames.extend(reached::encode_tried(&tried)),
        Order::Cancel(ids) => ids.into_iter().for_each(|id| frames.extend(Request::Cancel { id }.encode())),
    }
}
