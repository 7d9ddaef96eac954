//! A tracker that is killed under many clients: all are back soon, and not all in the same moment. And a network on which
//! nothing passes any more: they find out.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use potok_core::model::invite::TrackerAddress;
use potok_core::model::own_ports::OwnPorts;
use potok_core::net::identity::Identity;
use potok_core::net::outgoing::Outgoing;
use potok_core::net::tls::{Purpose, TlsClient};
use potok_core::service::surroundings::Surroundings;
use potok_core::service::tracker_client::tap::Tap;
use potok_core::service::tracker_client::{ClientEvent, ClientSetup, TrackerClient};
use potok_core::store::Store;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::black_box::Tracker;
use crate::chaos::{Chaos, Weather};
use crate::lines::Lines;
use crate::program::PATIENCE;

/// Nobody comes back later than this: twice the promise, which is judged elsewhere.
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// Nobody needs longer than this to find out that nothing passes any more.
const FOUND_WITHIN: Duration = Duration::from_secs(160);

/// Clients of one tracker, through a proxy or not.
struct Clients {
    running: Vec<(mpsc::Receiver<ClientEvent>, TrackerClient, JoinHandle<()>)>,
    cancel: CancellationToken,
}

impl Clients {
    fn start(tracker: &TrackerAddress, clients: usize, store: &Arc<Store>) -> Self {
        let cancel = CancellationToken::new();
        let client = |n: usize| {
            let (events, heard) = mpsc::channel(64);
            let setup = ClientSetup {
                tracker: tracker.clone(),
                username: format!("client-{n}").parse().expect("a name"),
                ports: watch::Sender::new(OwnPorts::default()).subscribe(),
                tls: TlsClient::new(&Identity::generate(), Purpose::Tracker),
                store: store.clone(),
                shares: Arc::new(Vec::new),
                tap: Arc::new(Tap::new(|_, _| {})),
                tells_local_addresses: watch::Sender::new(false).subscribe(),
                surroundings: watch::Sender::new(Surroundings::default()).subscribe(),
                outgoing: Outgoing::Direct,
            };
            let (client, task) = TrackerClient::start(setup, events, cancel.clone());
            (heard, client, task)
        };
        Self { running: (0..clients).map(client).collect(), cancel }
    }

    async fn stop(self) {
        self.cancel.cancel();
        for (_, _, task) in self.running {
            task.await.expect("no panic");
        }
    }
}

fn start_tracker(potok_tracker: &Path, dir: &Path, listen: &str) -> Tracker {
    // All of them have one address here.
    let config = dir.join("tracker.toml");
    std::fs::write(&config, "connections_per_address = 5000\nhandshakes_per_address = 1000\n").expect("written");
    let more = ["--config", config.to_str().expect("text")];
    Tracker::start(potok_tracker, listen, &dir.join("data"), &more)
}

/// Kills it so often under so many clients. Says how they came back; `tests/promises.py` judges it.
pub fn killed_under_clients(potok_tracker: &Path, clients: usize, kills: usize) -> String {
    let dir = tempfile::tempdir().expect("folder");
    let mut tracker = start_tracker(potok_tracker, dir.path(), "127.0.0.1:0");
    let address = tracker.address.to_string();
    let runtime = Runtime::new().expect("a runtime");
    let store = Arc::new(Store::open(&dir.path().join("clients.redb")).expect("opens").store);
    let mut running = runtime.block_on(async { Clients::start(&tracker.invite(), clients, &store) });
    for (heard, ..) in &mut running.running {
        let mut heard = std::mem::replace(heard, mpsc::channel(1).1);
        runtime.spawn(async move { while heard.recv().await.is_some() {} });
    }
    runtime.block_on(all_are_there(&tracker, clients, PATIENCE));
    let mut took = Vec::new();
    for _ in 0..kills {
        tracker.running.kill();
        tracker = start_tracker(potok_tracker, dir.path(), &address);
        took.push(runtime.block_on(all_are_there(&tracker, clients, BACK_WITHIN)));
    }
    runtime.block_on(running.stop());
    let longest = took.iter().map(|(took, _)| took.as_secs_f64()).fold(0.0, f64::max);
    let crowd = took.iter().map(|(_, crowd)| *crowd).fold(0.0, f64::max);
    format!(
        "{kills} kills under {clients} clients: all back within {longest:.1} s, in the busiest second {crowd:.1} times the \
         mean"
    )
}

/// From one moment on nothing passes between some clients and their tracker, and nobody is told. Says when they found out.
pub fn half_open(potok_tracker: &Path, clients: usize) -> String {
    let dir = tempfile::tempdir().expect("folder");
    let tracker = start_tracker(potok_tracker, dir.path(), "127.0.0.1:0");
    let runtime = Runtime::new().expect("a runtime");
    let store = Arc::new(Store::open(&dir.path().join("clients.redb")).expect("opens").store);
    let (proxy, mut running) = runtime.block_on(async {
        let proxy = Chaos::start(tracker.address, &[Weather::Clear]).await;
        let invite = format!("potok://{}/?key={}", proxy.address, tracker.key).parse().expect("an invite");
        let running = Clients::start(&invite, clients, &store);
        all_are_there(&tracker, clients, PATIENCE).await;
        (proxy, running)
    });
    let found: Vec<Duration> = runtime.block_on(async {
        // Not in the moment of a sign of life.
        sleep(Duration::from_secs(2)).await;
        for (heard, ..) in &mut running.running {
            while heard.try_recv().is_ok() {}
        }
        proxy.freeze();
        let frozen = Instant::now();
        let mut found = Vec::new();
        for (heard, ..) in &mut running.running {
            let lost = async { while !matches!(heard.recv().await, Some(ClientEvent::Connecting(Some(_))) | None) {} };
            tokio::time::timeout(FOUND_WITHIN, lost).await.expect("a connection on which nothing passes is given up");
            found.push(frozen.elapsed());
        }
        // What comes after it is a new connection, and works.
        all_are_there(&tracker, clients, PATIENCE).await;
        found
    });
    runtime.block_on(running.stop());
    let longest = found.iter().max().copied().unwrap_or_default();
    format!("{clients} clients: found within {:.1} s", longest.as_secs_f64())
}

/// How long it took, and how many came in the busiest second, as a multiple of the mean.
async fn all_are_there(tracker: &Tracker, clients: usize, within: Duration) -> (Duration, f64) {
    let begun = Instant::now();
    let mut watcher = Lines::plain(tracker.address).await;
    let mut seen: Vec<(Instant, usize)> = vec![(begun, 0)];
    loop {
        let (_, users) = watcher.list("list-users limit=1000").await.expect("a list");
        let now = Instant::now();
        seen.push((now, users.len()));
        if users.len() >= clients.min(1000) {
            break;
        }
        assert!(begun.elapsed() < within, "only {} of {clients} are back after {within:?}", users.len());
        sleep(Duration::from_millis(50)).await;
    }
    let took = begun.elapsed();
    let there_at = |second: u64| {
        let until = begun + Duration::from_secs(second);
        seen.iter().rev().find(|(at, _)| *at <= until).map_or(0, |(_, count)| *count)
    };
    let busiest = (0..=took.as_secs()).map(|second| there_at(second + 1) - there_at(second)).max().unwrap_or(0);
    // In less than a second there is no busier one.
    (took, busiest as f64 * took.as_secs_f64().max(1.0) / clients as f64)
}
