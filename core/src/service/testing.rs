//! For the tests of this floor: content in memory, a peer server on loopback, a peer that says what the test wants.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::model::block_list::{BlockList, block_hash};
use crate::model::key::PublicKey;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::net::identity::Identity;
use crate::net::tls::{Encrypted, Purpose, TlsClient, TlsServer};
use crate::protocol::peer::{ANSWER_BYTES, Answer, Content, PeerRefusal, Request};
use crate::service::peer_server::content_source::{ContentSource, OpenContent, Shared};
use crate::service::peer_server::{PeerServer, PeerServerSetup, UploadSettings};
use crate::service::transfer_numbers::TransferNumbers;
use crate::store::Store;
use crate::transfer::Contact;
use crate::transfer::event::TransferEvent;

pub(crate) fn bytes(seed: usize, size: usize) -> Vec<u8> {
    let mut state = seed as u64 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()
    };
    (0..size.div_ceil(8)).flat_map(|_| next()).take(size).collect()
}

pub(crate) fn content_of(data: &[u8]) -> Content {
    Content { hash: blake3::hash(data).into(), size: data.len() as u64 }
}

pub(crate) fn list_of(data: &[u8]) -> BlockList {
    let geometry = content_of(data).geometry();
    let block = |n: u32| {
        let from = usize::try_from(geometry.offset_of(n).expect("exists")).expect("small");
        block_hash(geometry, n, &data[from..from + geometry.bytes_of(n).expect("exists")]).expect("fits")
    };
    BlockList::computed(geometry, (0..geometry.blocks()).map(block).collect()).expect("complete")
}

type Files = Arc<Mutex<HashMap<Content, Arc<Vec<u8>>>>>;

/// Content in memory, shared or not.
#[derive(Default)]
pub(crate) struct MemoryContent {
    files: Files,
    /// How many blocks were read.
    pub(crate) reads: Arc<Mutex<usize>>,
}

impl MemoryContent {
    pub(crate) fn with(files: &[Vec<u8>]) -> Arc<Self> {
        let content_source = Self::default();
        for file in files {
            content_source.share(file);
        }
        Arc::new(content_source)
    }

    pub(crate) fn share(&self, data: &[u8]) {
        self.files.lock().insert(content_of(data), Arc::new(data.to_vec()));
    }

    pub(crate) fn unshare(&self, data: &[u8]) {
        self.files.lock().remove(&content_of(data));
    }

    pub(crate) fn unshare_all(&self) {
        self.files.lock().clear();
    }
}

struct Found {
    content: Content,
    files: Files,
    data: Arc<Vec<u8>>,
    reads: Arc<Mutex<usize>>,
}

struct InMemory {
    found: Found,
    list: BlockList,
}

impl ContentSource for MemoryContent {
    fn find(&self, content: &Content) -> Option<Box<dyn Shared>> {
        let data = Arc::clone(self.files.lock().get(content)?);
        let (files, reads) = (Arc::clone(&self.files), Arc::clone(&self.reads));
        Some(Box::new(Found { content: *content, files, data, reads }))
    }

    /// By its content: `Shared/<hash>`.
    fn path(&self, content: &Content) -> Option<SharePath> {
        self.files.lock().get(content)?;
        SharePath::new(&format!("Shared/{}", content.hash)).ok()
    }
}

impl Shared for Found {
    fn open(&self) -> Result<Box<dyn OpenContent>, PeerRefusal> {
        let Self { content, files, data, reads } = self;
        let found =
            Self { content: *content, files: Arc::clone(files), data: Arc::clone(data), reads: Arc::clone(reads) };
        Ok(Box::new(InMemory { found, list: list_of(&self.data) }))
    }
}

impl OpenContent for InMemory {
    fn block_list(&self) -> &BlockList {
        &self.list
    }

    fn read_block(&self, block: u32, buffer: &mut Vec<u8>) -> Result<(), PeerRefusal> {
        if !self.found.files.lock().contains_key(&self.found.content) {
            return Err(PeerRefusal::NotShared);
        }
        let geometry = self.list.geometry();
        let from = geometry.offset_of(block).ok_or(PeerRefusal::BadRequest)?;
        let from = usize::try_from(from).expect("small");
        buffer.clear();
        buffer.extend_from_slice(&self.found.data[from..from + geometry.bytes_of(block).expect("exists")]);
        *self.found.reads.lock() += 1;
        Ok(())
    }
}

/// A peer server on loopback.
pub(crate) struct Server {
    pub(crate) contact: Contact,
    pub(crate) settings: watch::Sender<UploadSettings>,
    pub(crate) events: mpsc::Receiver<TransferEvent>,
    pub(crate) running: PeerServer,
}

/// Numbers from 1 on.
pub(crate) fn numbers() -> Arc<TransferNumbers> {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(&dir.path().join("potok.redb")).expect("opens").store;
    Arc::new(TransferNumbers::after(&store).expect("read"))
}

pub(crate) fn user(name: &str) -> Username {
    Username::new(name).expect("valid")
}

/// Serves to everybody.
pub(crate) async fn serve(name: &str, content_source: Arc<dyn ContentSource>, settings: UploadSettings) -> Server {
    let identity = Identity::generate();
    serve_as(&identity, name, content_source, settings, "127.0.0.1:0".parse().expect("address"), |_| {
        Some(user("guest"))
    })
    .await
}

pub(crate) async fn serve_as(
    identity: &Identity,
    name: &str,
    content_source: Arc<dyn ContentSource>,
    settings: UploadSettings,
    address: SocketAddr,
    admission: impl Fn(&PublicKey) -> Option<Username> + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind(address).await.expect("bound");
    let (settings, told) = watch::channel(settings);
    let setup = PeerServerSetup {
        tls: TlsServer::new(identity, Purpose::Peer),
        content_source,
        admission: Arc::new(admission),
        settings: told,
        numbers: numbers(),
        arrivals: Arc::default(),
        outgoing: watch::Sender::default().subscribe(),
    };
    let (sender, events) = mpsc::channel(1024);
    let running = PeerServer::start(listener, setup, sender, CancellationToken::new()).expect("started");
    let contact = Contact { username: user(name), address: Some(running.address()), key: identity.public_key() };
    Server { contact, settings, events, running }
}

/// A connection to a peer server, with nothing decided.
pub(crate) struct TestClient {
    pub(crate) stream: Encrypted<TcpStream>,
}

/// An answer with its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Got {
    Data(u32, Vec<u8>),
    List(u32, Vec<u8>),
    Refused(u32, PeerRefusal),
    Queued(u32),
    Granted,
    End,
}

impl TestClient {
    pub(crate) async fn connect(to: &Contact) -> Self {
        Self::connect_as(&Identity::generate(), to).await.expect("connected")
    }

    pub(crate) async fn connect_as(identity: &Identity, to: &Contact) -> std::io::Result<Self> {
        Self::connect_from(Ipv4Addr::LOCALHOST, identity, to).await
    }

    /// From an address of this host.
    pub(crate) async fn connect_from(from: Ipv4Addr, identity: &Identity, to: &Contact) -> std::io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let tcp = socket.connect(to.address.expect("can be dialled")).await?;
        let (stream, _) = TlsClient::new(identity, Purpose::Peer).connect(tcp, Some(to.key)).await?;
        Ok(Self { stream })
    }

    pub(crate) async fn ask(&mut self, requests: &[Request]) {
        let frames: Vec<u8> = requests.iter().flat_map(Request::encode).collect();
        self.stream.write_all(&frames).await.expect("written");
        self.stream.flush().await.expect("flushed");
    }

    pub(crate) async fn got(&mut self) -> Got {
        let mut frame = [0; ANSWER_BYTES];
        if self.stream.read_exact(&mut frame).await.is_err() {
            return Got::End;
        }
        match Answer::decode(&frame).expect("a frame") {
            Answer::Data { id, bytes } => Got::Data(id, self.exactly(bytes).await),
            Answer::List { id, bytes } => Got::List(id, self.exactly(bytes).await),
            Answer::Refused { id, why } => Got::Refused(id, why),
            Answer::Queued { place } => Got::Queued(place),
            Answer::Granted => Got::Granted,
        }
    }

    async fn exactly(&mut self, bytes: u32) -> Vec<u8> {
        let mut data = vec![0; bytes as usize];
        match self.stream.read_exact(&mut data).await {
            Ok(_) => data,
            Err(_) => Vec::new(),
        }
    }
}
