//! A peer that announces a file and then is slow, or lies: every block that it sends has one wrong bit. It speaks as much
//! of the protocol between peers (`docs/protocol.md`) as a source needs, and has no slots.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use blake3::hazmat::HasherExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;

use crate::names::mix;
use crate::tls;

const PEER: &[u8] = b"potok-peer/1";
const BLOCK_BYTES: u64 = 256 * 1024;
const REQUEST_BYTES: usize = 49;
/// Kinds of requests.
const READ: u8 = 1;
const LIST: u8 = 2;
/// A client says something every 30 seconds.
const PING_EVERY: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The tracker
    tracker: SocketAddr,
    /// Name of the user
    #[arg(long)]
    name: String,
    /// Where peers reach it
    #[arg(long)]
    listen: SocketAddr,
    /// The file that it announces
    #[arg(long)]
    file: PathBuf,
    /// Every block has a wrong bit
    #[arg(long)]
    lie: bool,
    /// No faster than this; 0: as fast as it can
    #[arg(long, default_value_t = 0)]
    bytes_per_second: u64,
}

/// What it serves, and how.
struct Source {
    file: File,
    size: u64,
    /// The hash of every block.
    list: Vec<u8>,
    lie: bool,
    bytes_per_second: u64,
}

pub fn run(args: &Args) -> io::Result<()> {
    let (source, hash) = Source::open(args)?;
    let source = Arc::new(source);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let key = tls::key(mix(u64::from(args.listen.port())));
        let listener = TcpListener::bind(args.listen).await?;
        let acceptor = tls::acceptor(key.clone(), PEER);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, source) = (acceptor.clone(), source.clone());
                tokio::spawn(async move { source.serve(acceptor.accept(stream).await?).await });
            }
        });
        let stream = tls::connect(args.tracker, args.listen.ip(), key, tls::TRACKER).await?;
        let mut tracker = BufReader::new(stream);
        let (name, size) = (&args.name, std::fs::metadata(&args.file)?.len());
        let path = args.file.file_name().unwrap_or_default().to_string_lossy();
        tls::ask(&mut tracker, format!("register-user {name} {}\n", args.listen.port()).as_bytes()).await?;
        let announce = format!("register-files {name} \"{path}\" size={size} hash={hash}\n");
        tls::ask(&mut tracker, announce.as_bytes()).await?;
        println!("{{\"announced\":true}}");
        loop {
            tokio::time::sleep(PING_EVERY).await;
            tls::ask(&mut tracker, b"ping\n").await?;
        }
    })
}

impl Source {
    fn open(args: &Args) -> io::Result<(Self, blake3::Hash)> {
        let mut file = File::open(&args.file)?;
        let (mut whole, mut list, mut size) = (blake3::Hasher::new(), Vec::new(), 0);
        let mut block = Vec::new();
        loop {
            block.clear();
            file.by_ref().take(BLOCK_BYTES).read_to_end(&mut block)?;
            if block.is_empty() {
                break;
            }
            whole.update(&block);
            let mut hasher = blake3::Hasher::new();
            list.extend(hasher.set_input_offset(size).update(&block).finalize_non_root());
            size += block.len() as u64;
        }
        let source = Self { file, size, list, lie: args.lie, bytes_per_second: args.bytes_per_second };
        Ok((source, whole.finalize()))
    }

    async fn serve(&self, mut stream: TlsStream<TcpStream>) -> io::Result<()> {
        let mut request = [0; REQUEST_BYTES];
        loop {
            stream.read_exact(&mut request).await?;
            let id = &request[1..5];
            let block = u32::from_be_bytes([request[5], request[6], request[7], request[8]]);
            let data = match request[0] {
                READ => self.block(block).await?,
                LIST => self.list.clone(),
                _ => continue,
            };
            let length = u32::try_from(data.len()).map_err(io::Error::other)?.to_be_bytes();
            stream.write_all(&[&request[..1], id, &length, &data].concat()).await?;
            stream.flush().await?;
        }
    }

    async fn block(&self, number: u32) -> io::Result<Vec<u8>> {
        let start = u64::from(number) * BLOCK_BYTES;
        let length = BLOCK_BYTES.min(self.size.saturating_sub(start));
        let mut data = vec![0; length as usize];
        self.file.read_exact_at(&mut data, start)?;
        if let (true, Some(byte)) = (self.lie, data.first_mut()) {
            *byte ^= 1;
        }
        if self.bytes_per_second > 0 {
            tokio::time::sleep(Duration::from_secs_f64(length as f64 / self.bytes_per_second as f64)).await;
        }
        Ok(data)
    }
}
