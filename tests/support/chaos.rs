//! A network that breaks: a proxy between two programs that delays, cuts, stalls, corrupts, and records.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to one connection, on its way to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes.
    Clear,
    /// Every piece takes so many milliseconds.
    Delay(u64),
    /// Every byte in a packet of its own.
    Bytewise,
    /// Ends in order after so many bytes.
    EndsAfter(usize),
    /// Is reset after so many bytes.
    CutAfter(usize),
    /// Nothing more passes after so many bytes, in either direction, and neither side is told.
    HalfOpenAfter(usize),
    /// One bit is wrong after so many bytes.
    CorruptAfter(usize),
    /// Some bytes are left out after so many.
    LosesAfter(usize),
    /// The bytes after so many come twice.
    RepeatsAfter(usize),
    /// Is never accepted to the end: the client is connected to nobody.
    Nobody,
}

/// What has passed.
#[derive(Debug, Default)]
struct Captured {
    /// On the connections with a lower number nothing passes any more.
    frozen_below: AtomicUsize,
    to_server: Mutex<Vec<u8>>,
    to_client: Mutex<Vec<u8>>,
}

impl Captured {
    async fn unless_frozen(&self, number: usize) {
        if number < self.frozen_below.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

/// A proxy on loopback that runs until it is dropped. The first connections have the weather of the list, later ones its
/// last.
#[derive(Debug)]
pub struct Chaos {
    /// Where it listens.
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    captured: Arc<Captured>,
    task: JoinHandle<()>,
}

impl Chaos {
    /// A proxy to this address.
    pub async fn start(to: SocketAddr, forecast: &'static [Weather]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("address");
        let connections = Arc::new(AtomicUsize::new(0));
        let captured = Arc::<Captured>::default();
        let (counter, record) = (connections.clone(), captured.clone());
        let task = tokio::spawn(async move {
            let mut running = tokio::task::JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::Relaxed);
                let weather = forecast.get(number).or(forecast.last()).copied().unwrap_or(Weather::Clear);
                running.spawn(carry(near, to, weather, number, record.clone()));
            }
        });
        Self { address, connections, captured, task }
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// From now on nothing passes on the connections that are there, in either direction, and nobody is told.
    pub fn freeze(&self) {
        self.captured.frozen_below.store(self.connections(), Ordering::Relaxed);
    }

    /// Everything that has passed to the clients.
    pub fn said_by_server(&self) -> Vec<u8> {
        self.captured.to_client.lock().clone()
    }

    /// Everything that the clients have sent.
    pub fn said_by_client(&self) -> Vec<u8> {
        self.captured.to_server.lock().clone()
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(near: TcpStream, to: SocketAddr, weather: Weather, number: usize, captured: Arc<Captured>) {
    if weather == Weather::Nobody {
        return std::future::pending().await;
    }
    let Ok(far) = TcpStream::connect(to).await else { return };
    let reset = socket2::SockRef::from(&near).try_clone_linger();
    for stream in [&near, &far] {
        let _set = stream.set_nodelay(true);
    }
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = forward(near_read, far_write, number, &captured) => {}
        cut = back(far_read, near_write, weather, number, &captured) => if cut { reset() },
    }
}

/// Closing with unread or unsent data is a reset if it is asked for.
trait Linger {
    fn try_clone_linger(&self) -> Box<dyn FnOnce() + Send>;
}

impl Linger for socket2::SockRef<'_> {
    fn try_clone_linger(&self) -> Box<dyn FnOnce() + Send> {
        let socket = self.try_clone();
        Box::new(move || {
            let _set = socket.map(|socket| socket.set_linger(Some(Duration::ZERO)));
        })
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, number: usize, captured: &Captured) {
    let mut buffer = vec![0; 65_536];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        captured.unless_frozen(number).await;
        captured.to_server.lock().extend_from_slice(&buffer[..bytes]);
        if to.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
    let _closed = to.shutdown().await;
    // The answers still come.
    std::future::pending::<()>().await;
}

/// `true` if the connection is to be reset.
async fn back(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    weather: Weather,
    number: usize,
    captured: &Captured,
) -> bool {
    let mut buffer = vec![0; 65_536];
    let mut passed = 0;
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        let mut piece = buffer[..bytes].to_vec();
        captured.unless_frozen(number).await;
        captured.to_client.lock().extend_from_slice(&piece);
        // Where in this piece it happens, if it does.
        let at = |after: usize| after.checked_sub(passed).filter(|at| *at < bytes);
        match weather {
            Weather::Clear | Weather::Nobody => {}
            Weather::Delay(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
            Weather::Bytewise => {
                for byte in piece.chunks(1) {
                    if to.write_all(byte).await.is_err() {
                        return false;
                    }
                }
                continue;
            }
            Weather::EndsAfter(after) | Weather::CutAfter(after) | Weather::HalfOpenAfter(after) => {
                if let Some(at) = at(after) {
                    let _gone = to.write_all(&piece[..at]).await;
                    match weather {
                        Weather::EndsAfter(_) => drop(to.shutdown().await),
                        Weather::CutAfter(_) => return true,
                        _ => std::future::pending().await,
                    }
                    return false;
                }
            }
            Weather::CorruptAfter(after) => {
                if let Some(at) = at(after) {
                    piece[at] ^= 0x10;
                }
            }
            Weather::LosesAfter(after) => {
                if let Some(at) = at(after) {
                    piece.drain(at..(at + 100).min(bytes));
                }
            }
            Weather::RepeatsAfter(after) => {
                if let Some(at) = at(after) {
                    piece.extend_from_within(at..);
                }
            }
        }
        passed += bytes;
        if to.write_all(&piece).await.is_err() {
            return false;
        }
    }
    let _closed = to.shutdown().await;
    false
}
