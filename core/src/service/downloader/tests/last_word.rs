//! How a connection to a peer ends is for what the peer has sent to say, whatever else happens at that moment.

use std::future::poll_fn;

use super::super::files::Files;
use super::super::finisher::Finisher;
use super::super::link::{DownloadResources, Order, PeerLink};
use super::super::source_state::{Reporter, Why};
use super::*;
use crate::model::way::Way;
use crate::service::limiter::Limiter;
use crate::transfer::SourceId;
use crate::transfer::job::FileId;
use crate::transfer::source::{Ask, What};

/// An answer to a request that was never made.
const UNASKED: [u8; 13] = [1, 0, 0, 0, 1, 0, 0, 0, 4, b'e', b'v', b'i', b'l'];

/// What a connection works with, and what it tells.
fn around(home: &tempfile::TempDir) -> (DownloadResources, Reporter, mpsc::Receiver<super::super::Event>) {
    let store = Arc::new(Store::open(&home.path().join("potok.redb")).expect("opens").store);
    let (events, told) = mpsc::channel(4096);
    let files = Arc::new(Files::new(Arc::new(RealDisk), watch::Sender::new(DownloadSettings::default()).subscribe()));
    let (finisher, _task) = Finisher::start(Arc::clone(&files), store, events.clone());
    let around = DownloadResources {
        tls: TlsClient::new(&Identity::generate(), Purpose::Peer),
        directory: Book::of(&[]),
        arrivals: Arc::default(),
        outgoing: watch::Sender::default().subscribe(),
        networks: watch::Sender::default().subscribe(),
        limiter: Arc::new(Limiter::new(0)),
        files,
        finisher,
    };
    (around, Reporter { source: SourceId(0), connection: 1, events }, told)
}

/// A peer that has sent this when it is met, and keeps the connection open.
async fn eager(tls: &TlsClient, bytes: &'static [u8]) -> (Encrypted<TcpStream>, JoinHandle<Encrypted<TcpStream>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address");
    let peer = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("comes");
        let server = TlsServer::new(&Identity::generate(), Purpose::Peer);
        let (mut stream, _) = server.accept(stream).await.expect("a handshake");
        stream.write_all(bytes).await.expect("sent");
        stream.flush().await.expect("sent");
        stream
    });
    let stream = TcpStream::connect(address).await.expect("connected");
    let (stream, _key) = tls.connect(stream, None).await.expect("a handshake");
    (stream, peer)
}

#[tokio::test]
async fn an_order_that_comes_while_it_ends_does_not_hide_why() {
    let home = tempfile::tempdir().expect("folder");
    let (around, reporter, _told) = around(&home);
    let (stream, peer) = eager(&around.tls, &UNASKED).await;
    let _open = peer.await.expect("runs");
    let mut link = PeerLink::new((stream, Way::Direct), &around, &reporter);
    // Until it has read it, and tells what has come before it ends.
    let content = content_of(b"evil");
    let ask = |id| Ask { id, file: FileId { job: TransferId(1), index: 0 }, content, what: What::Block(0) };
    let mut asked = 100;
    let why = poll_fn(|context| {
        let polled = link.work.as_mut().poll(context);
        // Something is asked of it at every moment.
        if polled.is_pending() && asked < 1000 {
            asked += 1;
            assert!(link.give(Order::Ask(vec![ask(asked)])).is_ok(), "it would be left for another reason");
        }
        polled
    })
    .await;
    assert!(matches!(why, Why::Misbehaved), "{why}");
    assert!(link.has_ended());
}
