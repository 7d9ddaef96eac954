//! What a relay costs, and whether it is fair and keeps its limit: 32 of them at once through a tracker that is a program
//! of its own.
//!
//! ```text
//! cargo build --release -p potok-tracker
//! cargo run --release -p potok-core --example relay_figures -- target/release/potok-tracker [--seconds N]
//! ```
//! Linux only. Each asker is at an address of its own of 127.0.0.0/8, as those of as many homes. The first part has the
//! usual limit of 2 MB a second; the second has none, for processor time and memory.

#![allow(clippy::print_stdout, reason = "it prints figures")]

mod process;

use std::fs;
use std::io::BufRead;
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use potok_core::net::identity::Identity;
use potok_core::net::relay;
use potok_core::net::tls::{Encrypted, Purpose, TlsClient};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use process::{Error, cpu_seconds, memory_bytes};

const RELAYS: u8 = 32;
const LIMIT: u64 = 2_000_000;
const NO_LIMIT: u64 = 1 << 40;

fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let program = args.first().ok_or("relay_figures POTOK-TRACKER [--seconds N]")?;
    let seconds = args.iter().position(|word| word == "--seconds").and_then(|at| args.get(at + 1));
    let seconds: u64 = seconds.map_or(Ok(20), |text| text.parse())?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        limited(program, seconds).await?;
        unlimited(program, seconds).await
    })
}

/// Fairness, and the limit.
async fn limited(program: &str, seconds: u64) -> Result<(), Error> {
    let tracker = Tracker::start(program, LIMIT)?;
    let counts = all_relays(&tracker).await?;
    // What the first slices and buffers bring does not count.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (before, began) = (passed(&counts), Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let (after, took) = (passed(&counts), began.elapsed().as_secs_f64());
    let each: Vec<u64> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
    let all: u64 = each.iter().sum();
    let mean = all as f64 / f64::from(RELAYS);
    let worst = each.iter().map(|one| (*one as f64 - mean).abs() / mean).fold(0.0, f64::max);
    println!(
        "limit: {:.0} bytes a second of {LIMIT} ({:+.1} %)",
        all as f64 / took,
        percent(all as f64 / took, LIMIT as f64)
    );
    println!("fair: at most {:.1} % from the mean of {RELAYS}", worst * 100.0);
    Ok(())
}

/// Processor time and memory.
async fn unlimited(program: &str, seconds: u64) -> Result<(), Error> {
    let tracker = Tracker::start(program, NO_LIMIT)?;
    let memory_before = memory_bytes(tracker.program.id(), "VmRSS")?;
    let counts = all_relays(&tracker).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (before, busy, began) =
        (passed(&counts).iter().sum::<u64>(), cpu_seconds(tracker.program.id())?, Instant::now());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let bytes = (passed(&counts).iter().sum::<u64>() - before) as f64;
    let (busy, took) = (cpu_seconds(tracker.program.id())? - busy, began.elapsed().as_secs_f64());
    let memory = memory_bytes(tracker.program.id(), "VmRSS")?.saturating_sub(memory_before);
    println!("unlimited: {:.0} MB a second", bytes / took / 1e6);
    println!("processor: {:.2} s a GB", busy / (bytes / 1e9));
    println!("memory: {} KiB a relay", memory / 1024 / u64::from(RELAYS));
    Ok(())
}

fn percent(is: f64, should: f64) -> f64 {
    (is / should - 1.0) * 100.0
}

fn passed(counts: &[Arc<AtomicU64>]) -> Vec<u64> {
    counts.iter().map(|count| count.load(Ordering::Relaxed)).collect()
}

/// The tracker, as a program of its own.
struct Tracker {
    program: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Tracker {
    fn start(program: &str, bytes_per_second: u64) -> Result<Self, Error> {
        let dir = tempfile::tempdir()?;
        let config = dir.path().join("relay.toml");
        let settings = format!(
            "relay = true\nrelay_bytes_per_second = {bytes_per_second}\nrelay_bytes_per_user_per_day = {}\n",
            1_u64 << 50
        );
        fs::write(&config, settings)?;
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(dir.path().join("data"));
        command.arg("--config").arg(config).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = command.spawn()?;
        let mut lines = std::io::BufReader::new(program.stdout.take().ok_or("no output")?).lines();
        let line = lines.next().ok_or("it has ended")??;
        let address = line.strip_prefix("listening on ").ok_or("no address")?.parse()?;
        Ok(Self { program, address, _dir: dir })
    }

    async fn connect(&self, at: u8) -> Result<TcpStream, Error> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(IpAddr::from([127, 0, 1, at]), 0))?;
        Ok(socket.connect(self.address).await?)
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        let _ended = self.program.kill().and_then(|()| self.program.wait());
    }
}

/// A registered user.
struct User(BufReader<Encrypted<TcpStream>>);

impl User {
    async fn join(tracker: &Tracker, name: &str, at: u8) -> Result<Self, Error> {
        let client = TlsClient::new(&Identity::generate(), Purpose::Tracker);
        let (stream, _key) = client.connect(tracker.connect(at).await?, None).await?;
        let mut user = Self(BufReader::new(stream));
        user.say(&format!("register-user {name} 4001")).await?;
        user.hear("OK 0").await?;
        Ok(user)
    }

    async fn say(&mut self, line: &str) -> Result<(), Error> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).await?;
        Ok(self.0.get_mut().flush().await?)
    }

    /// What follows the first of these words.
    async fn hear(&mut self, begin: &str) -> Result<String, Error> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await? == 0 {
                return Err("the session has ended".into());
            }
            if let Some(rest) = line.trim_end().strip_prefix(begin) {
                return Ok(rest.split(' ').next().unwrap_or_default().to_owned());
            }
        }
    }
}

/// Opens all of them, sends as much as goes through each, and counts what comes out.
async fn all_relays(tracker: &Tracker) -> Result<Vec<Arc<AtomicU64>>, Error> {
    let mut counts = Vec::new();
    for number in 1..=RELAYS {
        let mut asker = User::join(tracker, &format!("a{number}"), number).await?;
        let mut target = User::join(tracker, &format!("t{number}"), 100 + number).await?;
        asker.say(&format!("connect t{number}")).await?;
        let of_asker = asker.hear("ticket ").await?.parse()?;
        let of_target = target.hear("* connect ").await?.parse()?;
        let (one, other) = (tracker.connect(number).await?, tracker.connect(100 + number).await?);
        let (from, to) = tokio::try_join!(relay::enter(other, of_target), relay::enter(one, of_asker))?;
        let count = Arc::new(AtomicU64::new(0));
        counts.push(Arc::clone(&count));
        tokio::spawn(send(from));
        tokio::spawn(receive(to, count));
        // Their sessions need not stay.
        drop((asker, target));
    }
    Ok(counts)
}

async fn send(mut stream: TcpStream) {
    let bytes = vec![7; 256 * 1024];
    while stream.write_all(&bytes).await.is_ok() {}
}

async fn receive(mut stream: TcpStream, count: Arc<AtomicU64>) {
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(bytes) = stream.read(&mut buffer).await {
        if bytes == 0 {
            return;
        }
        count.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
