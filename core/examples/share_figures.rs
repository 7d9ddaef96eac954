//! How long it takes to share and to stop sharing very many files, and how long others wait meanwhile:
//! `cargo run --release -p potok-core --example share_figures -- 100000`.
//!
//! It makes as many small files in a temporary folder, shares them as one folder, stops sharing all of them one by one in
//! one request and again in requests of 500, and all the time asks for a content as a peer does.

#![allow(clippy::print_stdout, reason = "figures are its output")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use potok_core::library::typed::ShareOrLocalPath;
use potok_core::service::share_indexer::content::SharedTable;
use potok_core::service::share_indexer::{ShareIndexer, ShareIndexerConfig, ShareRequest};
use potok_core::store::Store;
use tokio_util::sync::CancellationToken;

/// As many files as a person may name in one command of the console.
const FILES_PER_REQUEST: usize = 500;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let cwd = folder.path().canonicalize()?;
    std::fs::create_dir(cwd.join("data"))?;
    for at in 0..count {
        let parent = cwd.join(format!("files/{}", at / 1000));
        if at % 1000 == 0 {
            std::fs::create_dir_all(&parent)?;
        }
        std::fs::write(parent.join(format!("{at}.txt")), at.to_string())?;
    }
    let store = Arc::new(Store::open(&cwd.join("data/potok.redb"))?.store);
    let config = ShareIndexerConfig { shares_max: count, ..ShareIndexerConfig::new(store, cwd.join("data")) };
    let (sender, mut events) = tokio::sync::mpsc::channel(64);
    let cancel = CancellationToken::new();
    let (share_indexer, task) = ShareIndexer::start(config, sender, cancel.clone())?;
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let folder_of = |count: usize| format!("{count} files");

    share(&share_indexer, &cwd, "shared, with hashing", &folder_of(count)).await?;
    let paths = share_indexer.shares().into_iter().map(|share| share.path.to_string()).collect::<Vec<_>>();
    let one = vec![paths.clone()];
    unshare(&share_indexer, &cwd, one, "stopped one by one, in one request").await?;
    share(&share_indexer, &cwd, "shared again, nothing is read", &folder_of(count)).await?;
    let many = paths.chunks(FILES_PER_REQUEST).map(<[String]>::to_vec).collect();
    unshare(&share_indexer, &cwd, many, "stopped one by one, in requests of 500").await?;
    share(&share_indexer, &cwd, "shared again, nothing is read", &folder_of(count)).await?;
    measure(&share_indexer, "renamed", share_indexer.rename("files".parse()?, "renamed".parse()?)).await?;
    unshare(&share_indexer, &cwd, vec![vec!["renamed".into()]], "stopped as a folder").await?;
    cancel.cancel();
    task.await?;
    Ok(())
}

async fn share(
    share_indexer: &ShareIndexer,
    cwd: &Path,
    what: &str,
    of: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let request = ShareRequest { typed: "files".into(), cwd: cwd.to_owned(), share_as: None };
    measure(share_indexer, &format!("{of} {what}"), share_indexer.share(vec![request])).await?;
    Ok(())
}

async fn unshare(
    share_indexer: &ShareIndexer,
    cwd: &Path,
    requests: Vec<Vec<String>>,
    what: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let all = async {
        let mut removed = 0;
        for items in requests {
            let items = items.into_iter().map(|item| ShareOrLocalPath::new(item, cwd)).collect::<Result<_, _>>()?;
            removed += share_indexer.unshare(items).await?.paths.len();
        }
        Ok::<usize, Box<dyn std::error::Error>>(removed)
    };
    measure(share_indexer, what, all).await?;
    assert!(share_indexer.shares().is_empty(), "something is left");
    Ok(())
}

/// Prints how long something took, and the longest time that another had to wait for the library meanwhile.
async fn measure<T, E>(
    share_indexer: &ShareIndexer,
    what: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let is_done = Arc::new(AtomicBool::new(false));
    let asker = std::thread::spawn({
        let (table, is_done) = (share_indexer.table(), Arc::clone(&is_done));
        move || longest_wait(&table, &is_done)
    });
    let began = Instant::now();
    let result = work.await;
    let took = began.elapsed();
    is_done.store(true, Ordering::Relaxed);
    let waited = asker.join().unwrap_or_default();
    println!("{what}: {:.2} s, others waited at most {:.1} ms", took.as_secs_f64(), waited.as_secs_f64() * 1000.0);
    result
}

fn longest_wait(table: &SharedTable, is_done: &AtomicBool) -> Duration {
    let hash = blake3::hash(b"7").into();
    let mut longest = Duration::ZERO;
    while !is_done.load(Ordering::Relaxed) {
        let began = Instant::now();
        let _found = table.find(hash);
        longest = longest.max(began.elapsed());
        std::thread::sleep(Duration::from_micros(200));
    }
    longest
}
