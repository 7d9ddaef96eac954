//! Newcomers beside very many connections that have proven nothing: they sign on all the same.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use potok_core::net::identity::Identity;
use potok_core::net::tls::{Purpose, TlsClient};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use crate::black_box::Tracker;
use crate::lines::{Lines, connect};
use crate::program::PATIENCE;

/// Connections that stop after the first byte of a handshake, from so many addresses, so many from each.
#[derive(Debug, Clone, Copy)]
pub struct StuckHandshakes {
    /// How many addresses there are.
    pub addresses: usize,
    /// How many connections each of them keeps open, or opens again when it is thrown out.
    pub each: usize,
}

/// Those who sign on meanwhile, one after the other.
const NEWCOMERS: usize = 20;
/// Whoever is thrown out comes again after this.
const COMES_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Who has not signed on after this has not.
const SIGN_ON_MAX: Duration = Duration::from_secs(5);
/// The tracker holds at least so many of them, or all, before newcomers come.
const CROWD_MIN: usize = 900;

/// All newcomers sign on. Says how long it takes them.
pub fn sign_ons_beside(potok_tracker: &Path, stuck: StuckHandshakes) -> String {
    let dir = tempfile::tempdir().expect("folder");
    let mut tracker = Tracker::start(potok_tracker, "127.0.0.1:0", &dir.path().join("data"), &[]);
    // Apart from each other, so that a newcomer does not wait for what its evil neighbours do in this process.
    let [good, evil] = [(), ()].map(|()| Runtime::new().expect("a runtime"));
    let come = Arc::new(AtomicUsize::new(0));
    {
        let _its_tasks = evil.enter();
        for n in 0..stuck.addresses * stuck.each {
            tokio::spawn(be_stuck(tracker.address, address_of(n % stuck.addresses), Arc::clone(&come)));
        }
    }
    let since = Instant::now();
    while come.load(Relaxed) < CROWD_MIN.min(stuck.addresses * stuck.each) {
        assert!(since.elapsed() < PATIENCE, "only {} of the crowd have come", come.load(Relaxed));
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut took = Vec::new();
    let mut failed = Vec::new();
    for n in 0..NEWCOMERS {
        let begun = Instant::now();
        match good.block_on(async { timeout(SIGN_ON_MAX, sign_on(&tracker, n)).await }) {
            Ok(Ok(())) => took.push(begun.elapsed()),
            Ok(Err(why)) => failed.push(why),
            Err(_elapsed) => failed.push("not in time".into()),
        }
    }
    evil.shutdown_timeout(Duration::from_secs(5));
    assert!(tracker.running.is_alive(), "it is the same process");
    assert!(failed.is_empty(), "{} of {NEWCOMERS} did not sign on: {failed:?}", failed.len());
    took.sort();
    let StuckHandshakes { addresses, each } = stuck;
    let [median, longest] = [took.len() / 2, took.len() - 1].map(|at| took[at].as_secs_f64() * 1e3);
    let peak = tracker.running.peak_bytes().unwrap_or(0) >> 20;
    format!(
        "beside {addresses} addresses with {each} stuck handshakes each {NEWCOMERS} of {NEWCOMERS} sign on, in \
         {median:.1} ms, at most {longest:.1} ms; the tracker has {peak} MiB"
    )
}

async fn sign_on(tracker: &Tracker, n: usize) -> Result<(), String> {
    let stream = connect(tracker.address, 1).await.map_err(|error| error.to_string())?;
    let client = TlsClient::new(&Identity::generate(), Purpose::Tracker);
    let (stream, _) = client.connect(stream, Some(tracker.key)).await.map_err(|error| error.to_string())?;
    let answer = Lines::on(stream).ask(&format!("register-user new-{n} 4001")).await;
    match answer.as_deref() {
        Some("OK 0") => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

async fn be_stuck(to: SocketAddr, from: Ipv4Addr, come: Arc<AtomicUsize>) {
    let mut is_new = true;
    loop {
        if let Ok(mut stream) = crate::lines::connect_from(to, from).await
            && stream.write_all(&[0x16]).await.is_ok()
        {
            if std::mem::take(&mut is_new) {
                come.fetch_add(1, Relaxed);
            }
            let _thrown_out = stream.read(&mut [0; 1]).await;
        }
        sleep(COMES_AGAIN_AFTER).await;
    }
}

/// Another loopback address than the newcomers have.
fn address_of(n: usize) -> Ipv4Addr {
    let [high, low] = [n / 250, n % 250].map(|n| u8::try_from(n).unwrap_or(u8::MAX));
    Ipv4Addr::new(127, 21, high, low + 1)
}
