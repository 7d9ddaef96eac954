//! How long it takes to share, to look at again and to stop sharing very many files, and how long others wait meanwhile:
//! `cargo run --release -p potok-core --example share_figures -- 100000`; with `--json` the figures come once more as one
//! line for programs.
//!
//! It makes as many small files in a temporary folder, shares them as one folder, looks at all of them again, stops sharing
//! all of them one by one in one request and again in requests of 500, and all the time asks for a content as a peer does.

#![allow(clippy::print_stdout, reason = "figures are its output")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use potok_core::library::typed::ShareOrLocalPath;
use potok_core::service::share_indexer::content::SharedTable;
use potok_core::service::share_indexer::{ShareIndexer, ShareIndexerConfig, ShareRequest, ShareRules};
use potok_core::store::Store;
use tokio_util::sync::CancellationToken;

/// As many files as a person may name in one command of the console.
const FILES_PER_REQUEST: usize = 500;

/// What was measured: its name, how long it took, and how long another had to wait for the library meanwhile.
#[derive(Default)]
struct Figures(Vec<(&'static str, Duration, Duration)>);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = args.iter().find(|arg| !arg.starts_with("--"));
    let count: usize = number.map_or(Ok(100_000), |text| text.parse())?;
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
    let rules = ShareRules { leave_out_hidden: true, reconcile_every: config.reconcile_every, shares_max: count };
    let (sender, mut events) = tokio::sync::mpsc::channel(64);
    let cancel = CancellationToken::new();
    let (share_indexer, task) = ShareIndexer::start(config, sender, cancel.clone())?;
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let mut figures = Figures::default();
    let all = &share_indexer;

    println!("{count} files");
    figures.measure(all, "shared, with hashing", share(all, &cwd)).await?;
    figures.measure(all, "looked at again", reconcile(all, rules)).await?;
    let paths = all.shares().into_iter().map(|share| share.path.to_string()).collect::<Vec<_>>();
    let one = vec![paths.clone()];
    figures.measure(all, "stopped one by one, in one request", unshare(all, &cwd, one)).await?;
    figures.measure(all, "shared again, nothing is read", share(all, &cwd)).await?;
    let many = paths.chunks(FILES_PER_REQUEST).map(<[String]>::to_vec).collect();
    figures.measure(all, "stopped one by one, in requests of 500", unshare(all, &cwd, many)).await?;
    figures.measure(all, "shared once more", share(all, &cwd)).await?;
    figures.measure(all, "renamed", rename(all)).await?;
    let renamed = vec![vec!["renamed".into()]];
    figures.measure(all, "stopped as a folder", unshare(all, &cwd, renamed)).await?;
    cancel.cancel();
    task.await?;
    if args.iter().any(|arg| arg == "--json") {
        figures.write_json();
    }
    Ok(())
}

type Done = Result<(), Box<dyn std::error::Error>>;

async fn share(share_indexer: &ShareIndexer, cwd: &Path) -> Done {
    let request = ShareRequest { typed: "files".into(), cwd: cwd.to_owned(), share_as: None };
    share_indexer.share(vec![request]).await?;
    Ok(())
}

/// Has everything compared with the disk, as happens from time to time, and waits until it is.
async fn reconcile(share_indexer: &ShareIndexer, rules: ShareRules) -> Done {
    let looked_at = || share_indexer.roots(None).roots.first().and_then(|root| root.looked_at);
    let before = looked_at();
    share_indexer.follow(rules).await;
    while looked_at() == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

async fn rename(share_indexer: &ShareIndexer) -> Done {
    share_indexer.rename("files".parse()?, "renamed".parse()?).await?;
    Ok(())
}

async fn unshare(share_indexer: &ShareIndexer, cwd: &Path, requests: Vec<Vec<String>>) -> Done {
    for items in requests {
        let items = items.into_iter().map(|item| ShareOrLocalPath::new(item, cwd)).collect::<Result<_, _>>()?;
        share_indexer.unshare(items).await?;
    }
    assert_eq!(share_indexer.totals().files, 0, "something is left");
    Ok(())
}

impl Figures {
    /// Prints how long something took, and the longest time that another had to wait for the library meanwhile.
    async fn measure(
        &mut self,
        share_indexer: &ShareIndexer,
        what: &'static str,
        work: impl Future<Output = Done>,
    ) -> Done {
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
        self.0.push((what, took, waited));
        result
    }

    /// One line: what was measured, its seconds, and the milliseconds that others waited.
    fn write_json(&self) {
        let figure = |(what, took, waited): &(&str, Duration, Duration)| {
            format!("\"{what}\": [{}, {}]", took.as_secs_f64(), waited.as_secs_f64() * 1000.0)
        };
        println!("{{{}}}", self.0.iter().map(figure).collect::<Vec<_>>().join(", "));
    }
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
