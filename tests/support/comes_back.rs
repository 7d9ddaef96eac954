//! A tracker that is killed under many clients: all are back soon, and not all in the same moment.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use potok_core::net::identity::Identity;
use potok_core::net::tls::{Purpose, TlsClient};
use potok_core::service::tracker_client::tap::Tap;
use potok_core::service::tracker_client::{ClientSetup, TrackerClient};
use potok_core::store::Store;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::black_box::Tracker;
use crate::lines::Lines;
use crate::program::PATIENCE;

/// All are back after this; it is the promise.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// Kills it so often under so many clients. Says how they came back.
pub fn killed_under_clients(potok_tracker: &Path, clients: usize, kills: usize) -> Vec<String> {
    let dir = tempfile::tempdir().expect("folder");
    let data = dir.path().join("data");
    // All of them have one address here.
    let config = dir.path().join("tracker.toml");
    std::fs::write(&config, "connections_per_address = 5000\nhandshakes_per_address = 1000\n").expect("written");
    let more = ["--config", config.to_str().expect("text")];
    let mut tracker = Tracker::start(potok_tracker, "127.0.0.1:0", &data, &more);
    let address = tracker.address.to_string();
    let runtime = Runtime::new().expect("a runtime");
    let store = Arc::new(Store::open(&dir.path().join("clients.redb")).expect("opens").store);
    let cancel = CancellationToken::new();
    let running: Vec<_> = runtime.block_on(async {
        let client = |n: usize| {
            let (events, mut heard) = mpsc::channel(64);
            tokio::spawn(async move { while heard.recv().await.is_some() {} });
            let setup = ClientSetup {
                tracker: tracker.invite(),
                username: format!("client-{n}").parse().expect("a name"),
                peer_port: None,
                tls: TlsClient::new(&Identity::generate(), Purpose::Tracker),
                store: store.clone(),
                shares: Arc::new(Vec::new),
                tap: Arc::new(Tap::new(|_, _| {})),
            };
            TrackerClient::start(setup, events, cancel.clone())
        };
        (0..clients).map(client).collect()
    });
    runtime.block_on(all_are_there(&tracker, clients, PATIENCE));
    let mut figures = Vec::new();
    for kill in 0..kills {
        tracker.running.kill();
        tracker = Tracker::start(potok_tracker, &address, &data, &more);
        let (took, peak) = runtime.block_on(all_are_there(&tracker, clients, BACK_WITHIN));
        let mean = clients as f64 / took.as_secs_f64().max(0.25);
        figures.push(format!(
            "kill {kill}: {clients} back after {took:?}, {peak} in the busiest second, {mean:.0} a second on average"
        ));
    }
    cancel.cancel();
    runtime.block_on(async {
        for (_, task) in running {
            task.await.expect("no panic");
        }
    });
    figures
}

/// How long it took, and how many came in the busiest second.
async fn all_are_there(tracker: &Tracker, clients: usize, within: Duration) -> (Duration, usize) {
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
    let in_a_second = |(end, count): &(Instant, usize)| {
        let before = seen.iter().rev().find(|(at, _)| *end - Duration::from_secs(1) >= *at).map_or(0, |(_, n)| *n);
        count - before.min(*count)
    };
    (begun.elapsed(), seen.iter().map(in_a_second).max().unwrap_or(0))
}
