//! A tracker under many who want it to fall over at the same time, and what a good client notices of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use potok_core::net::identity::Identity;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::black_box::Tracker;
use crate::lines::{Lines, connect_from};
use crate::world::{promised, scaled};

/// How many of each kind come.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    /// Plain sessions that send a byte a second of a line that never ends.
    pub tricklers: usize,
    /// TLS handshakes that stop in the middle.
    pub stuck_handshakes: usize,
    /// Sessions with a name that ask for everything and read nothing.
    pub non_readers: usize,
    /// New connections a second that go at once.
    pub connects_per_second: usize,
    /// How long all of it goes on.
    pub seconds: usize,
}

impl Flood {
    /// A short one; `POTOK_HOSTILE=10` is the long one, a minute with 5,000 tricklers.
    pub fn ordinary() -> Self {
        Self {
            tricklers: scaled(500),
            stuck_handshakes: scaled(50),
            non_readers: scaled(50),
            connects_per_second: scaled(100),
            seconds: scaled(6),
        }
    }
}

/// Most memory of a tracker in a flood, in bytes.
const TRACKER_BYTES_MAX: u64 = 400 * 1024 * 1024;
/// Whoever is thrown out comes again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// All of them have come after this.
const GATHER: Duration = Duration::from_secs(30);

/// The same process serves its users all the time. Says what they notice; `tests/promises.py` judges it.
pub fn run(potok_tracker: &Path, flood: Flood) -> String {
    let dir = tempfile::tempdir().expect("folder");
    let config = dir.path().join("config.toml");
    // Everybody comes from one address here, and each newcomer has a new name.
    std::fs::write(&config, "new_names_per_address = 1_000_000\n").expect("written");
    let config = ["--config", config.to_str().expect("text")];
    let mut tracker = Tracker::start(potok_tracker, "127.0.0.1:0", &dir.path().join("data"), &config);
    // Apart from each other, so that a good client does not wait for what its evil neighbours do in this process.
    let [good, evil] = [(), ()].map(|()| Runtime::new().expect("a runtime"));
    let crowd = Arc::new(Crowd::default());
    let (lists, sign_ons, normal) = good.block_on(async {
        let mut witness = tracker.session(&Identity::generate()).await;
        witness.expect("register-user witness 4001", "OK 0").await;
        for some in 0..10 {
            let files: Vec<String> = (0..200).map(|n| format!("a folder/file {some} {n}.bin")).collect();
            witness.expect(&format!("register-files witness {}", files.join(",")), "OK 0").await;
        }
        let over = CancellationToken::new();
        {
            let _its_tasks = evil.enter();
            begin(tracker.address, flood, &crowd, &over);
        }
        let until = Instant::now() + GATHER;
        while crowd.here.load(Relaxed) < flood.tricklers + flood.stuck_handshakes + flood.non_readers {
            assert!(Instant::now() < until, "only {} of the flood have come", crowd.here.load(Relaxed));
            sleep(Duration::from_millis(20)).await;
        }
        let until = Instant::now() + Duration::from_secs(flood.seconds as u64);
        let (mut lists, mut sign_ons) = (Vec::new(), Vec::new());
        while Instant::now() < until {
            let begun = Instant::now();
            witness.expect("list-users", "OK ").await;
            lists.push(begun.elapsed());
            let begun = Instant::now();
            let mut new = tracker.session(&Identity::generate()).await;
            let name = format!("new-{}", sign_ons.len());
            new.expect(&format!("register-user {name} 4002"), "OK 0").await;
            sign_ons.push(begun.elapsed());
            new.expect(&format!("unregister-user {name}"), "OK 0").await;
            sleep(Duration::from_millis(20)).await;
        }
        over.cancel();
        let after = Instant::now();
        promised("after the flood", || async {
            let mut new = tracker.session(&Identity::generate()).await;
            new.expect("list-users", "OK ").await;
        })
        .await;
        let normal = after.elapsed();
        witness.expect("ping", "OK 0").await;
        (lists, sign_ons, normal)
    });
    evil.shutdown_timeout(Duration::from_secs(5));
    assert!(tracker.running.is_alive(), "it is the same process");
    let peak = tracker.running.peak_bytes().unwrap_or(0);
    assert!(peak < TRACKER_BYTES_MAX, "{peak} bytes");
    let asked = lists.len();
    let [list, sign_on] = [lists, sign_ons].map(|all| p99(all).as_secs_f64() * 1e3);
    assert!(list.max(sign_on) < 10_000.0, "list-users {list} ms, sign-on {sign_on} ms");
    let Flood { tricklers, stuck_handshakes, non_readers, seconds, .. } = flood;
    format!(
        "{tricklers} tricklers, {stuck_handshakes} stuck handshakes, {non_readers} non-readers, {} connects a second for \
         {seconds} s: list-users p99 {list:.1} ms, sign-on p99 {sign_on:.1} ms of {asked}, at most {} MiB, normal after \
         {:.2} s",
        crowd.connects.load(Relaxed) / seconds,
        peak >> 20,
        normal.as_secs_f64(),
    )
}

fn p99(mut all: Vec<Duration>) -> Duration {
    all.sort();
    let at = all.len().saturating_sub(1) * 99 / 100;
    all.get(at).copied().unwrap_or_default()
}

/// What of the flood has really come.
#[derive(Debug, Default)]
struct Crowd {
    here: AtomicUsize,
    connects: AtomicUsize,
}

/// Everybody has one of many loopback addresses, so that what one address may have does not end it.
fn address_of(kind: u8, n: usize) -> Ipv4Addr {
    let [_, high, low] = [0, n / 200, n % 200].map(|n| u8::try_from(n % 250).unwrap_or(0));
    Ipv4Addr::new(127, kind, high, low + 1)
}

fn begin(to: SocketAddr, flood: Flood, crowd: &Arc<Crowd>, over: &CancellationToken) {
    for n in 0..flood.tricklers {
        stay(to, address_of(11, n), crowd, over, |mut stream| async move {
            for byte in b"register-user trickler".iter().cycle() {
                stream.write_all(&[*byte]).await?;
                sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        });
    }
    for n in 0..flood.stuck_handshakes {
        stay(to, address_of(12, n), crowd, over, |mut stream| async move {
            stream.write_all(b"\x16\x03\x01\x02\x00\x01").await?;
            // Until it is thrown out.
            stream.read(&mut [0; 64]).await.map(drop)
        });
    }
    for n in 0..flood.non_readers {
        stay(to, address_of(13, n), crowd, over, move |mut stream| async move {
            stream.write_all(format!("register-user deaf-{n}\nwatch\n").as_bytes()).await?;
            loop {
                stream.write_all(&b"list-files\n".repeat(50)).await?;
                sleep(Duration::from_millis(100)).await;
            }
        });
    }
    // A timer cannot ring a thousand times a second.
    const BATCHES_PER_SECOND: u32 = 50;
    let (crowd, over_too) = (crowd.clone(), over.clone());
    let connects = async move {
        let mut timer = tokio::time::interval(Duration::from_secs(1) / BATCHES_PER_SECOND);
        for batch in 0.. {
            timer.tick().await;
            for n in 0..flood.connects_per_second / BATCHES_PER_SECOND as usize {
                let crowd = crowd.clone();
                tokio::spawn(async move {
                    if connect_from(to, address_of(14, (batch * 100 + n) % 40_000)).await.is_ok() {
                        crowd.connects.fetch_add(1, Relaxed);
                    }
                });
            }
        }
    };
    tokio::spawn(async move { over_too.run_until_cancelled(connects).await });
}

/// Connects and does this until it is thrown out, again and again.
fn stay<D, F>(to: SocketAddr, from: Ipv4Addr, crowd: &Arc<Crowd>, over: &CancellationToken, deed: D)
where
    D: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = std::io::Result<()>> + Send,
{
    let (crowd, over) = (crowd.clone(), over.clone());
    tokio::spawn(async move {
        over.run_until_cancelled(async move {
            let mut is_new = true;
            loop {
                if let Ok(stream) = connect_from(to, from).await {
                    if std::mem::take(&mut is_new) {
                        crowd.here.fetch_add(1, Relaxed);
                    }
                    let _thrown_out = deed(stream).await;
                }
                sleep(AGAIN_AFTER).await;
            }
        })
        .await
    });
}

/// A name is its owner's when `OK` is said, whatever happens to the tracker at that moment.
pub fn killed_after_a_registration(potok_tracker: &Path, rounds: usize) {
    let dir = tempfile::tempdir().expect("folder");
    let data = dir.path().join("data");
    let runtime = Runtime::new().expect("a runtime");
    let mut tracker = Tracker::start(potok_tracker, "127.0.0.1:0", &data, &[]);
    let address = tracker.address.to_string();
    let mut owners: Vec<Identity> = Vec::new();
    for round in 0..rounds {
        let owner = Identity::generate();
        runtime.block_on(async {
            let mut session = tracker.session(&owner).await;
            session.expect(&format!("register-user owner-{round} 4001"), "OK 0").await;
        });
        owners.push(owner);
        let key = tracker.key;
        tracker.running.kill();
        tracker = Tracker::start(potok_tracker, &address, &data, &[]);
        assert_eq!(tracker.key, key, "it is the same tracker");
        runtime.block_on(async {
            let mut mallory = tracker.session(&Identity::generate()).await;
            for taken in 0..=round {
                mallory.expect(&format!("register-user Owner-{taken} 6666"), "ERR name-taken ").await;
            }
            let mut person = Lines::plain(tracker.address).await;
            person.expect(&format!("register-user owner-{round}"), "ERR name-taken ").await;
            let mut session = tracker.session(&owners[round / 2]).await;
            session.expect(&format!("register-user owner-{} 4001", round / 2), "OK 0").await;
        });
    }
}
