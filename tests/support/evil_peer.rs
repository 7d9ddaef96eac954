//! A peer that announces what it likes at a real tracker and answers as it likes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use potok_core::model::block_list::{BlockList, block_hash};
use potok_core::model::geometry::Geometry;
use potok_core::net::identity::Identity;
use potok_core::net::tls::{Purpose, TlsServer};
use potok_core::protocol::peer::{Answer, REQUEST_BYTES, Request};
use potok_core::protocol::reached;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::forged::{self, Forgery};

/// What it says to one request.
#[derive(Debug, Clone)]
pub enum Say {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, and the end of the connection.
    Last(Vec<u8>),
    /// These bytes one by one, with pauses.
    Slowly(Vec<u8>),
    /// These bytes again and again.
    Forever(Vec<u8>),
    /// Nothing, ever.
    Nothing,
    /// The connection is reset.
    Reset,
}

/// What it is before it is asked anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A handshake with its own key.
    Honest,
    /// Accepts and says nothing.
    Silent,
    /// Accepts and closes.
    Closes,
    /// Says this instead of a handshake, and stays.
    Says(&'static [u8]),
    /// Says this without end instead of a handshake.
    Babbles(&'static [u8]),
    /// Proves another key than it is listed with.
    Stranger,
    /// Shows the listed key and cannot prove it.
    Forged(Forgery),
    /// Closes right after the handshake.
    HandshakeOnly,
    /// Speaks another protocol in TLS: a tracker's.
    OtherProtocol,
    /// Sends this before it is asked.
    Eager(&'static [u8]),
    /// The handshake takes longer than anybody waits.
    SlowHandshake,
}

/// Answers one request about `data`.
pub type Answers = fn(Request, &[u8]) -> Say;

/// A peer that runs until it is dropped.
#[derive(Debug)]
pub struct EvilPeer {
    /// Where it listens.
    pub address: SocketAddr,
    met: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl EvilPeer {
    /// Listens as `identity`, or pretends to.
    pub async fn start(identity: &Identity, manner: Manner, answers: Answers, data: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("address");
        let met = Arc::new(AtomicUsize::new(0));
        let counter = met.clone();
        let purpose = if manner == Manner::OtherProtocol { Purpose::Tracker } else { Purpose::Peer };
        let honest = match manner {
            Manner::Stranger => TlsServer::new(&Identity::generate(), purpose),
            _ => TlsServer::new(identity, purpose),
        };
        let key = identity.public_key();
        let data = Arc::new(data);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let (honest, data) = (honest.clone(), data.clone());
                connections.spawn(async move {
                    // A broken connection is what this is about.
                    let _broken = receive(stream, manner, &honest, key, answers, &data).await;
                });
            }
        });
        Self { address, met, task }
    }

    /// How often somebody came.
    pub fn met(&self) -> usize {
        self.met.load(Ordering::Relaxed)
    }
}

impl Drop for EvilPeer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(
    mut stream: TcpStream,
    manner: Manner,
    honest: &TlsServer,
    key: potok_core::model::key::PublicKey,
    answers: Answers,
    data: &[u8],
) -> std::io::Result<()> {
    match manner {
        Manner::Silent => stay(stream).await,
        Manner::Closes => Ok(()),
        Manner::Says(bytes) => {
            stream.write_all(bytes).await?;
            stay(stream).await
        }
        Manner::Babbles(bytes) => loop {
            stream.write_all(bytes).await?;
        },
        Manner::SlowHandshake => {
            stream.write_all(b"\x16\x03\x03").await?;
            for byte in [0x40, 0, 2, 0, 0x3f] {
                tokio::time::sleep(Duration::from_millis(500)).await;
                stream.write_all(&[byte]).await?;
            }
            stay(stream).await
        }
        Manner::Forged(forgery) => {
            let stream = forged::server(forgery, key, b"potok-peer/1").accept(stream).await?;
            answer(stream, answers, data).await
        }
        Manner::Honest | Manner::Stranger | Manner::OtherProtocol => {
            let (stream, _) = honest.accept(stream).await?;
            answer(stream, answers, data).await
        }
        Manner::HandshakeOnly => honest.accept(stream).await.map(drop),
        Manner::Eager(bytes) => {
            let (mut stream, _) = honest.accept(stream).await?;
            stream.write_all(bytes).await?;
            stream.flush().await?;
            answer(stream, answers, data).await
        }
    }
}

async fn stay<T>(stream: T) -> std::io::Result<()> {
    tokio::time::sleep(Duration::from_secs(600)).await;
    drop(stream);
    Ok(())
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    answers: Answers,
    data: &[u8],
) -> std::io::Result<()> {
    let mut frame = [0; REQUEST_BYTES];
    loop {
        stream.read_exact(&mut frame).await?;
        // What was tried to reach us needs no answer.
        if reached::decode_tried(&frame).is_some() {
            continue;
        }
        let Ok(request) = Request::decode(&frame) else { return Ok(()) };
        if matches!(request, Request::Cancel { .. }) {
            continue;
        }
        match answers(request, data) {
            Say::Bytes(bytes) => stream.write_all(&bytes).await?,
            Say::Last(bytes) => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                return Ok(());
            }
            Say::Slowly(bytes) => {
                for byte in bytes.chunks(1) {
                    stream.write_all(byte).await?;
                    stream.flush().await?;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Say::Forever(bytes) => loop {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
            },
            Say::Nothing => return stay(stream).await,
            Say::Reset => return Ok(()),
        }
        stream.flush().await?;
    }
}

/// The hashes of all blocks, as an honest peer would send them.
pub fn list_of(data: &[u8]) -> Vec<u8> {
    let geometry = Geometry::of(data.len() as u64);
    let block = |n: u32| block_hash(geometry, n, block_of(data, n)).expect("fits");
    let list = BlockList::computed(geometry, (0..geometry.blocks()).map(block).collect()).expect("complete");
    list.as_slice().as_flattened().to_vec()
}

/// One block, or nothing if there is none.
pub fn block_of(data: &[u8], n: u32) -> &[u8] {
    let geometry = Geometry::of(data.len() as u64);
    let (Some(from), Some(bytes)) = (geometry.offset_of(n), geometry.bytes_of(n)) else { return &[] };
    let from = usize::try_from(from).expect("small");
    &data[from..from + bytes]
}

/// What an honest peer would say.
pub fn right(request: Request, data: &[u8]) -> Vec<u8> {
    match request {
        Request::List { id, .. } => {
            let list = list_of(data);
            [&Answer::List { id, bytes: length(&list) }.encode()[..], &list].concat()
        }
        Request::Read { id, block, .. } => {
            let block = block_of(data, block);
            [&Answer::Data { id, bytes: length(block) }.encode()[..], block].concat()
        }
        Request::Cancel { .. } => Vec::new(),
    }
}

/// As a number of the protocol.
pub fn length(data: &[u8]) -> u32 {
    u32::try_from(data.len()).expect("small")
}
