//! One connection to a peer: sends requests, watches for silence; what comes is the other half's
//! ([`crate::service::downloader::receiving`]). It decides nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::net::tls::{self, TlsClient};
use crate::protocol::peer::{REQUEST_BYTES, Request};
use crate::service::arrivals::Arrivals;
use crate::service::downloader::Directory;
use crate::service::downloader::files::Files;
use crate::service::downloader::finisher::Finisher;
use crate::service::downloader::reaching;
use crate::service::downloader::receiving::Receiving;
use crate::service::downloader::source_state::{Report, Reporter, State, Why};
use crate::service::downloader::writer::BlockWriter;
use crate::service::limiter::Limiter;
use crate::service::own_thread;
use crate::transfer::Contact;
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
}

/// What connections work with.
#[derive(Clone)]
pub(super) struct DownloadResources {
    pub(super) tls: TlsClient,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) files: Arc<Files>,
    pub(super) finisher: Finisher,
}

/// Connects and works on a thread of its own until told otherwise; then says that it is gone.
pub(super) async fn run(
    contact: Contact,
    around: DownloadResources,
    orders: mpsc::Receiver<Order>,
    reporter: Reporter,
    cancel: CancellationToken,
) {
    let user = contact.username.clone();
    let (told, stop) = (reporter.clone(), cancel.clone());
    let work = move || async move { connect_and_work(&contact, &around, orders, &told, &stop).await };
    let why = own_thread::run("download", work).await.unwrap_or_else(Why::Io);
    if !cancel.is_cancelled() {
        tracing::debug!(%user, %why, "a source is gone");
        reporter.send(Report::Down(why)).await;
    }
}

async fn connect_and_work(
    contact: &Contact,
    around: &DownloadResources,
    orders: mpsc::Receiver<Order>,
    reporter: &Reporter,
    cancel: &CancellationToken,
) -> Why {
    let reaching = reaching::reach(contact, &around.tls, around.directory.as_ref(), &around.arrivals);
    let Some((reached, attempt)) = cancel.run_until_cancelled(reaching).await else { return Why::Closed };
    reporter.send(Report::Attempted(attempt)).await;
    let (stream, way) = match reached {
        Ok(reached) => reached,
        Err(error) => return Why::Io(error),
    };
    reporter.send(Report::Up(way)).await;

    let tells_about = tls::tells_about(&stream);
    let (reader, writer) = tokio::io::split(stream);
    let state = State::default();
    let writes = BlockWriter::new(Arc::clone(&around.files), around.finisher.clone());
    let mut receiving = Receiving::new(reader, tells_about, &state, &around.limiter, reporter, writes);
    let why = tokio::select! {
        why = receiving.run() => why,
        why = write(writer, orders, &state) => why,
        why = watch(&state) => why,
        () = cancel.cancelled() => Why::Closed,
    };
    // What has come counts before the end of the connection does.
    receiving.tell().await;
    why
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
        let most = if state.is_queued.get() { QUEUED_SILENCE_MAX } else { SILENCE_MAX };
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
    let mut open = state.open.borrow_mut();
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
