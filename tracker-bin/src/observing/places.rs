//! Where it is asked: an address, and a place that only the owner of the data folder can open. One connection is one request.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use potok_core::net::admission::{Admission, AdmissionLimits};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::observing::answering::{Asker, Site};
use crate::observing::owner_place::{self, OwnerListener};

/// Connections at once, of one address and in all: a few programs that watch, and people who read a page.
const PER_ADDRESS_MAX: usize = 16;
const IN_ALL_MAX: usize = 256;
/// How long a client may take to send what it wants, and to take the answer.
const HEADERS_MAX: Duration = Duration::from_secs(5);
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// Bytes of the head of a request; hyper reads no less.
const HEAD_BYTES_MAX: usize = 8 * 1024;
const HEADER_LINES_MAX: usize = 64;
/// When the system has no descriptor left, trying at once would use a whole core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Largest answer that is read from a running tracker: the names of a million users.
const ANSWER_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Serves on an address until the tracker stops.
pub(crate) async fn serve_address(listener: TcpListener, site: Arc<Site>, cancel: CancellationToken) {
    let admission = Admission::new(AdmissionLimits {
        per_household: PER_ADDRESS_MAX,
        in_all: IN_ALL_MAX,
        unproven_per_household: PER_ADDRESS_MAX,
        unproven_in_all: IN_ALL_MAX,
    });
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let address: IpAddr = peer.ip().to_canonical();
        // The oldest of an address that has too many gives way.
        let newcomer = admission.enter(address);
        let (site, cancel) = (Arc::clone(&site), cancel.clone());
        drop(tokio::spawn(async move {
            let asker = if address.is_loopback() { Asker::SameComputer } else { Asker::Stranger };
            newcomer.unless_it_gives_way(answer(stream, site, asker, cancel)).await;
        }));
    }
}

/// Serves where only the owner of the data folder can ask, until the tracker stops.
pub(crate) fn serve_owner(data_dir: &Path, site: Arc<Site>, cancel: CancellationToken) -> io::Result<()> {
    let mut listener = OwnerListener::bind(data_dir)?;
    let places = Arc::new(tokio::sync::Semaphore::new(PER_ADDRESS_MAX));
    drop(tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = cancel.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let Ok(stream) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let (site, cancel) = (Arc::clone(&site), cancel.clone());
            drop(tokio::spawn(async move {
                answer(stream, site, Asker::Owner, cancel).await;
                drop(place);
            }));
        }
    }));
    Ok(())
}

/// One request and its answer.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    site: Arc<Site>,
    asker: Asker,
    cancel: CancellationToken,
) {
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(site.answer(&request, asker).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADER_LINES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // What becomes of it is the client's affair.
    tokio::select! {
        () = cancel.cancelled() => {}
        _over = timeout(REQUEST_MAX, serving) => {}
    }
}

/// Asks the tracker that runs on a data folder. `NotFound` or `ConnectionRefused` if none does.
pub(crate) async fn ask_owner(data_dir: &Path, what: &str) -> io::Result<String> {
    ask(owner_place::connect(data_dir).await?, what).await
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, what: &str) -> io::Result<String> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let driven = tokio::spawn(connection);
    let request = hyper::Request::get(what).header("host", "tracker").body(Empty::<Bytes>::new());
    let request = request.map_err(io::Error::other)?;
    let answered = timeout(REQUEST_MAX, async {
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status();
        let limited = http_body_util::Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let bytes = limited.collect().await.map_err(io::Error::other)?.to_bytes();
        let text = String::from_utf8(bytes.to_vec()).map_err(io::Error::other)?;
        if status.is_success() { Ok(text) } else { Err(io::Error::other(text.trim().to_owned())) }
    });
    let answered = answered.await.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()));
    driven.abort();
    answered
}
