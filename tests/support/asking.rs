//! A peer that asks another one what it likes, and keeps every byte that it is told.

use std::net::SocketAddr;

use potok_core::model::key::PublicKey;
use potok_core::net::identity::Identity;
use potok_core::net::tls::{Encrypted, Purpose, TlsClient};
use potok_core::protocol::peer::{ANSWER_BYTES, Answer, Content, PeerRefusal, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::lines::{Lines, connect};
use crate::world::TestTracker;

/// A user of the network, so that peers listen to them.
#[derive(Debug)]
pub struct Asker {
    /// Who they are.
    pub identity: Identity,
    _session: Option<Lines>,
}

impl Asker {
    /// Comes to the tracker under this name.
    pub async fn come(tracker: &TestTracker, name: &str) -> Self {
        let identity = Identity::generate();
        let mut session = Lines::tls(tracker.handle.address(), tracker.handle.key(), &identity).await;
        session.expect(&format!("register-user {name} 4001"), "OK 0").await;
        Self { identity, _session: Some(session) }
    }

    /// Somebody who is at no tracker.
    pub fn of(identity: Identity) -> Self {
        Self { identity, _session: None }
    }

    /// A connection to somebody's peer server.
    pub async fn connect(&self, to: SocketAddr, key: PublicKey) -> Asking {
        let stream = connect(to, 1).await.expect("connected");
        let client = TlsClient::new(&self.identity, Purpose::Peer);
        let (stream, _) = client.connect(stream, Some(key)).await.expect("handshake");
        Asking { stream, heard: Vec::new() }
    }
}

/// One connection.
#[derive(Debug)]
pub struct Asking {
    stream: Encrypted<TcpStream>,
    /// Every byte, decrypted.
    pub heard: Vec<u8>,
}

/// An answer with its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// Of a block or a list.
    Bytes(u32, Vec<u8>),
    /// No.
    Refused(u32, PeerRefusal),
    /// To wait or go on.
    Place,
    /// The connection is over.
    End,
}

impl Asking {
    /// Sends requests; `false` if nobody takes them.
    pub async fn ask(&mut self, requests: &[Request]) -> bool {
        let frames: Vec<u8> = requests.iter().flat_map(Request::encode).collect();
        self.send(&frames).await
    }

    /// Sends bytes that may be no requests.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// The next answer.
    pub async fn got(&mut self) -> Got {
        let mut frame = [0; ANSWER_BYTES];
        if self.read(&mut frame).await.is_none() {
            return Got::End;
        }
        match Answer::decode(&frame).expect("a peer keeps to the protocol") {
            Answer::Data { id, bytes } | Answer::List { id, bytes } => {
                let mut data = vec![0; usize::try_from(bytes).expect("small")];
                match self.read(&mut data).await {
                    Some(()) => Got::Bytes(id, data),
                    None => Got::End,
                }
            }
            Answer::Refused { id, why } => Got::Refused(id, why),
            Answer::Queued { .. } | Answer::Granted => Got::Place,
        }
    }

    /// The next answer that is one.
    pub async fn answer(&mut self) -> Got {
        loop {
            match self.got().await {
                Got::Place => {}
                other => return other,
            }
        }
    }

    async fn read(&mut self, into: &mut [u8]) -> Option<()> {
        let mut filled = 0;
        while filled < into.len() {
            let bytes = self.stream.read(&mut into[filled..]).await.unwrap_or(0);
            self.heard.extend_from_slice(&into[filled..filled + bytes]);
            filled += bytes;
            if bytes == 0 {
                return None;
            }
        }
        Some(())
    }
}

/// As its announcement would name it.
pub fn content_of(data: &[u8]) -> Content {
    Content { hash: blake3::hash(data).into(), size: data.len() as u64 }
}
