//! A tracker that greets, answers and tells what it likes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use potok_core::model::invite::{HostPort, TrackerAddress};
use potok_core::net::identity::Identity;
use potok_core::net::tls::{Purpose, TlsServer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::evil_peer::Say;
use crate::forged::{self, Forgery};

/// What it is before it greets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A handshake with its own key.
    Honest,
    /// Accepts and says nothing.
    Silent,
    /// Accepts and closes.
    Closes,
    /// Says this instead of a handshake, without end.
    Babbles(&'static [u8]),
    /// Proves another key than the invite has.
    Stranger,
    /// Shows the key of the invite and cannot prove it.
    Forged(Forgery),
    /// Closes right after the handshake.
    HandshakeOnly,
    /// Is a peer.
    OtherProtocol,
}

/// What it says to one line; the number counts the lines of a session from 0.
pub type Answers = fn(line: &str, number: usize) -> Say;

/// What it does.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// How it comes to its session.
    pub manner: Manner,
    /// What it says unasked at the beginning.
    pub greeting: fn() -> Say,
    /// What it says to each line.
    pub answers: Answers,
}

/// A tracker that runs until it is dropped.
#[derive(Debug)]
pub struct EvilTracker {
    address: SocketAddr,
    identity: Identity,
    met: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl EvilTracker {
    /// Listens on loopback.
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("address");
        let met = Arc::new(AtomicUsize::new(0));
        let identity = Identity::generate();
        let purpose = if script.manner == Manner::OtherProtocol { Purpose::Peer } else { Purpose::Tracker };
        let shown = match script.manner {
            Manner::Stranger => TlsServer::new(&Identity::generate(), purpose),
            _ => TlsServer::new(&identity, purpose),
        };
        let (counter, key) = (met.clone(), identity.public_key());
        let task = tokio::spawn(async move {
            let mut sessions = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let shown = shown.clone();
                sessions.spawn(async move {
                    // A broken session is what this is about.
                    let _broken = receive(stream, script, &shown, key).await;
                });
            }
        });
        Self { address, identity, met, task }
    }

    /// Where it is, and the key that its invite has.
    pub fn invite(&self) -> TrackerAddress {
        let address = HostPort::new("127.0.0.1", self.address.port()).expect("an address");
        TrackerAddress { address: address.into(), key: Some(self.identity.public_key()), token: None }
    }

    /// How often somebody came.
    pub fn met(&self) -> usize {
        self.met.load(Ordering::Relaxed)
    }
}

impl Drop for EvilTracker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(
    mut stream: TcpStream,
    script: Script,
    shown: &TlsServer,
    key: potok_core::model::key::PublicKey,
) -> std::io::Result<()> {
    match script.manner {
        Manner::Silent => stay(stream).await,
        Manner::Closes => Ok(()),
        Manner::Babbles(bytes) => loop {
            stream.write_all(bytes).await?;
        },
        Manner::Forged(forgery) => {
            let stream = forged::server(forgery, key, b"potok-tracker/1").accept(stream).await?;
            session(stream, script).await
        }
        Manner::HandshakeOnly => shown.accept(stream).await.map(drop),
        Manner::Honest if !is_handshake(&stream).await? => plain(stream, script).await,
        Manner::Honest | Manner::Stranger | Manner::OtherProtocol => {
            let (stream, _) = shown.accept(stream).await?;
            session(stream, script).await
        }
    }
}

/// Whether it begins as TLS does.
async fn is_handshake(stream: &TcpStream) -> std::io::Result<bool> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    Ok(first == [0x16])
}

/// A connection that shows a ticket: it is answered, and not greeted.
async fn plain(stream: TcpStream, script: Script) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    say(&mut stream, (script.answers)(line.trim_end(), 0)).await?;
    stay(stream).await
}

async fn stay<T>(stream: T) -> std::io::Result<()> {
    tokio::time::sleep(Duration::from_secs(600)).await;
    drop(stream);
    Ok(())
}

async fn session<S: AsyncRead + AsyncWrite + Unpin>(stream: S, script: Script) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    if !say(&mut stream, (script.greeting)()).await? {
        return stay(stream).await;
    }
    let mut line = String::new();
    for number in 0.. {
        line.clear();
        if stream.read_line(&mut line).await? == 0
            || !say(&mut stream, (script.answers)(line.trim_end(), number)).await?
        {
            break;
        }
    }
    Ok(())
}

/// `false` if it goes no further than this.
async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>, what: Say) -> std::io::Result<bool> {
    match what {
        Say::Bytes(bytes) => stream.write_all(&bytes).await?,
        Say::Last(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await?;
            return Ok(false);
        }
        Say::Slowly(bytes) => {
            for byte in bytes.chunks(1) {
                stream.write_all(byte).await?;
                stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Say::Forever(bytes) => loop {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
        },
        Say::Nothing => return Ok(false),
        Say::Reset => return Ok(false),
    }
    stream.flush().await?;
    Ok(true)
}
