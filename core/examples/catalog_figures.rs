//! What the tracker's catalog costs with a million shares: memory, announcing, searching, listing, leaving.
//!
//! ```text
//! cargo run --release -p potok-core --no-default-features --example catalog_figures -- [shares] [sorted|random] [ascii|cyrillic]
//! ```
//!
//! Names are reproducible, 53 bytes on average, with words by Zipf's law; needles are cut out of them.
//! Memory is what the process has resident (Linux only) less what it had before; times are of one thread, on Unix
//! what it had of the processor. Nobody helps a search, as other threads do in a tracker.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that measures")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its numbers are small")]

mod corpus;

use std::collections::HashMap;
use std::time::Duration;

use bytes::BytesMut;
use potok_core::model::file_kind::FileKind;
use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::tracker::catalog::filter::ShareFilter;
use potok_core::tracker::catalog::merged::MergedList;
use potok_core::tracker::catalog::query::WordQuery;
use potok_core::tracker::catalog::{Catalog, Insert, OwnerId};

use crate::corpus::Corpus;

const OWNERS: usize = 1_000;

fn main() {
    let mut args = std::env::args().skip(1);
    let count: usize = args.next().map_or(1_000_000, |n| n.parse().unwrap());
    let order = args.next().unwrap_or_else(|| "sorted".into());
    let script = args.next().unwrap_or_else(|| "ascii".into());
    let corpus = Corpus::new(count, &script, order == "sorted");
    println!("{count} shares, {order}, {script}, {:.1} bytes a path", corpus.text.len() as f64 / count as f64);

    let mut catalog = Catalog::new();
    let owners: Vec<OwnerId> =
        (0..OWNERS).map(|n| catalog.add_owner(Username::new(&format!("user{n}")).unwrap())).collect();
    let resident_before = resident_bytes();
    announce(&mut catalog, &corpus, &owners);
    let before = now();
    let mut steps = Pauses::default();
    while catalog.is_pending() {
        steps.time(|| catalog.catch_up());
    }
    println!("working in what is pending: {:?}; {steps}", now() - before);
    println!("memory: {:.1} bytes a share resident", (resident_bytes() - resident_before) as f64 / count as f64);
    anchor(&corpus);
    if args.next().is_some() {
        return;
    }
    search(&catalog, &corpus);
    look_up(&catalog, &corpus, &owners);
    list(&mut catalog, &corpus, &owners);
    level(&catalog, &owners);
    come_and_go(&mut catalog, &corpus, &owners);
    leave(&mut catalog, &corpus);
    drop(catalog);
    merge(&corpus);
    folders(count);
}

/// What an ordinary table takes that can only tell whether a name is there: machines differ, ratios less.
fn anchor(corpus: &Corpus) {
    let mut table: HashMap<String, (u64, [u8; 32], u32)> = HashMap::new();
    let mut busy = Duration::ZERO;
    for from in (0..corpus.count).step_by(100) {
        let line: Vec<_> = (from..(from + 100).min(corpus.count)).map(|n| corpus.share(n)).collect();
        let before = now();
        for share in &line {
            let hash = share.hash.map_or([0; 32], |hash| *hash.as_bytes());
            table.insert(share.path.as_str().to_owned(), (share.size.unwrap_or(0), hash, 0));
        }
        busy += now() - before;
    }
    println!("a HashMap of names: {:.0} shares a second of processor time", corpus.count as f64 / busy.as_secs_f64());
}

fn announce(catalog: &mut Catalog, corpus: &Corpus, owners: &[OwnerId]) {
    let mut pauses = Pauses::default();
    let mut busy = Duration::ZERO;
    for from in (0..corpus.count).step_by(100) {
        let line: Vec<_> = (from..(from + 100).min(corpus.count)).map(|n| corpus.share(n)).collect();
        let before = now();
        pauses.time(|| {
            catalog.insert_all(owners[from / 1_000 % OWNERS], &line, |_, inserted| assert_eq!(inserted, Insert::New));
        });
        busy += now() - before;
    }
    println!(
        "announce: {:.0} shares a second of processor time; 100 at once: {pauses}",
        corpus.count as f64 / busy.as_secs_f64()
    );
}

fn search(catalog: &Catalog, corpus: &Corpus) {
    let needles = corpus.needles();
    let mut all = Pauses::default();
    for class in ["rare", "common", "miss"] {
        for len in 3..=8 {
            let mut pauses = Pauses::default();
            let mut hits = 0;
            for (_, _, needle) in needles.iter().filter(|(of, letters, _)| *of == class && *letters == len) {
                hits += first_hundred(catalog, needle, &mut [&mut pauses, &mut all]);
            }
            println!("search, {class}, {len} letters, first 100: {pauses}, hits {hits}");
        }
    }
    println!("search, all: {all}");
    let mut two = Pauses::default();
    for pair in needles.windows(2).step_by(3) {
        first_hundred(catalog, &format!("{} {}", pair[0].2, pair[1].2), &mut [&mut two]);
    }
    println!("search, two words, first 100: {two}");
    for needle in ["e", "q", "mp", "qx", "mp3", "_19", "flac"] {
        let mut page = Pauses::default();
        first_hundred(catalog, needle, &mut [&mut page]);
        let filter = words_of(&[needle]);
        let mut steps = Pauses::default();
        let mut list = steps.time(|| catalog.list(filter, None, None));
        while !steps.time(|| catalog.scan(&mut list)) {}
        println!("search, {needle:?}: first 100 {page}; all {} in steps: {steps}", list.lines());
    }
}

fn first_hundred(catalog: &Catalog, words: &str, pauses: &mut [&mut Pauses]) -> u64 {
    let words: Vec<_> = words.split(' ').collect();
    let mut out = BytesMut::with_capacity(1 << 16);
    let start = now();
    let filter = words_of(&words);
    let mut list = catalog.list(filter, None, Some(100));
    while !catalog.scan(&mut list) {}
    assert!(list.write_lines(&mut out, usize::MAX));
    let took = now() - start;
    pauses.iter_mut().for_each(|pauses| pauses.0.push(took));
    list.lines()
}

fn look_up(catalog: &Catalog, corpus: &Corpus, owners: &[OwnerId]) {
    let (mut sources, mut gets, mut theirs) = (Pauses::default(), Pauses::default(), Pauses::default());
    for n in (0..corpus.count).step_by(corpus.count / 1_000) {
        let share = corpus.share(n);
        let found =
            sources.time(|| catalog.list(ShareFilter { hash: share.hash, ..ShareFilter::default() }, None, Some(100)));
        assert_eq!(found.lines(), 1);
        assert!(gets.time(|| catalog.get(owners[n / 1_000 % OWNERS], &share.path)).is_some());
        let list = theirs.time(|| {
            catalog.list(ShareFilter { owner: Some(owners[n / 1_000 % OWNERS]), ..ShareFilter::default() }, None, None)
        });
        assert_eq!(list.lines() as usize, catalog.shares_of(owners[n / 1_000 % OWNERS]));
    }
    println!("sources: {sources}");
    println!("get: {gets}");
    println!("one owner's list: {theirs}");
}

fn list(catalog: &mut Catalog, corpus: &Corpus, owners: &[OwnerId]) {
    let resident_before = resident_bytes();
    let (mut starts, mut writes, mut pages) = (Pauses::default(), Pauses::default(), Pauses::default());
    let mut list = starts.time(|| catalog.list(ShareFilter::default(), None, None));
    let mut out = BytesMut::with_capacity(1 << 17);
    let mut bytes = 0;
    // Somebody goes on announcing while the list is read.
    let mut n = 0;
    let mut changes = Pauses::default();
    loop {
        let done = writes.time(|| list.write_lines(&mut out, 64 << 10));
        bytes += out.len();
        out.clear();
        if done {
            break;
        }
        let share = corpus.share(n * 7_919 % corpus.count);
        let changed = Share { size: Some(7), ..share.clone() };
        changes.time(|| catalog.insert(owners[n * 7_919 % corpus.count / 1_000 % OWNERS], &changed));
        n += 1;
    }
    println!("whole list of {} lines, {} MB: start {starts}", list.lines(), bytes / 1_000_000);
    println!("  64 KiB: {writes}; a change meanwhile: {changes}");
    println!(
        "  memory while it ran: {:.1} bytes a line",
        (resident_bytes() - resident_before) as f64 / list.lines() as f64
    );
    drop(list);
    let mut after = None;
    loop {
        let page = pages.time(|| {
            let mut page = catalog.list(ShareFilter::default(), after.as_ref(), Some(10_000));
            page.write_lines(&mut out, usize::MAX);
            page
        });
        out.clear();
        after = page.more().cloned();
        if after.is_none() {
            break;
        }
    }
    println!("pages of 10,000, written: {pages}");
}

fn come_and_go(catalog: &mut Catalog, corpus: &Corpus, owners: &[OwnerId]) {
    let (mut removals, mut inserts) = (Pauses::default(), Pauses::default());
    for n in (0..corpus.count).map(|n| n * 7_919 % corpus.count).take(200_000) {
        let share = corpus.share(n);
        let owner = owners[n / 1_000 % OWNERS];
        assert!(removals.time(|| catalog.remove(owner, &share.path)));
        assert_eq!(inserts.time(|| catalog.insert(owner, &share)), Insert::New);
    }
    println!("remove one anywhere: {removals}");
    println!("insert one anywhere: {inserts}");
}

fn leave(catalog: &mut Catalog, corpus: &Corpus) {
    let many = catalog.add_owner(Username::new("many").unwrap());
    for n in 0..100_000.min(corpus.count) {
        catalog.insert(many, &corpus.share(corpus.count - 1 - n * 10 % corpus.count));
    }
    let mut pauses = Pauses::default();
    let left = pauses.time(|| catalog.remove_owner(many));
    println!("{left} shares leave, from everywhere: {pauses}");
    let many = catalog.add_owner(Username::new("many").unwrap());
    for n in 0..100_000.min(corpus.count) {
        let path = SharePath::new(&format!("Music/{:03}/{}", n / 100, corpus.path(n).replace('/', "_"))).unwrap();
        catalog.insert(many, &Share { path, size: Some(1), hash: None });
    }
    let mut pauses = Pauses::default();
    let left = pauses.time(|| catalog.remove_owner(many));
    println!("{left} shares leave, from one folder: {pauses}");
}

/// One list of those of many catalogs, as shards have them.
fn merge(corpus: &Corpus) {
    for parts in [1, 2, 16, 64] {
        let mut catalogs: Vec<Catalog> = (0..parts).map(|_| Catalog::new()).collect();
        for (n, catalog) in catalogs.iter_mut().enumerate() {
            let owner = catalog.add_owner(Username::new(&format!("user{n}")).unwrap());
            for at in (n..corpus.count.min(200_000)).step_by(parts) {
                catalog.insert(owner, &corpus.share(at));
            }
        }
        let lists = catalogs.iter().map(|catalog| catalog.list(ShareFilter::default(), None, None)).collect();
        let (mut out, mut pauses) = (BytesMut::new(), Pauses::default());
        let mut merged = MergedList::new(lists, None);
        let lines = merged.lines();
        pauses.time(|| while !merged.write_lines(&mut out, usize::MAX) {});
        let each = pauses.0[0].as_secs_f64() * 1e9 / lines as f64;
        println!("a list of {lines} lines made of those of {parts} catalogs: {each:.0} ns a line");
    }
}

/// How long each of many things took.
#[derive(Default)]
struct Pauses(Vec<Duration>);

impl Pauses {
    fn time<T>(&mut self, job: impl FnOnce() -> T) -> T {
        let start = now();
        let result = job();
        self.0.push(now() - start);
        result
    }
}

impl std::fmt::Display for Pauses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let quantile = |q: f64| sorted[((sorted.len() - 1) as f64 * q).round() as usize];
        match sorted.len() {
            0 => f.write_str("none"),
            1 => write!(f, "{:.1?}", sorted[0]),
            _ => {
                let mean = sorted.iter().sum::<Duration>() / sorted.len() as u32;
                let (p50, p99) = (quantile(0.5), quantile(0.99));
                write!(f, "mean {mean:.1?} p50 {p50:.1?} p99 {p99:.1?} max {:.1?}", sorted[sorted.len() - 1])
            }
        }
    }
}

/// Levels and counts. The names have no folders: all are children of the top.
fn level(catalog: &Catalog, owners: &[OwnerId]) {
    let mut pages = Pauses::default();
    let mut after = None;
    for _ in 0..100 {
        let mut list = pages.time(|| catalog.list_level(None, ShareFilter::default(), after.as_ref(), 1_000));
        while !pages.time(|| catalog.scan(&mut list)) {}
        after = list.more().cloned();
    }
    println!("a level of files, pages of 1000, in steps: {pages}");
    let everything = ShareFilter::default();
    for (what, filter) in [
        ("everything", everything.clone()),
        ("of one owner", ShareFilter { owner: Some(owners[0]), ..everything.clone() }),
        ("of one kind", ShareFilter { kind: Some(FileKind::Audio), ..everything.clone() }),
        ("large", ShareFilter { size_min: Some(1 << 33), ..everything.clone() }),
        ("with a frequent word", words_of(&["mp3"])),
        ("below a folder", ShareFilter { folder: SharePath::new("x").ok(), ..everything }),
    ] {
        let mut steps = Pauses::default();
        let mut list = steps.time(|| catalog.count(filter));
        while !steps.time(|| catalog.scan(&mut list)) {}
        println!("count, {what}, in steps: {steps}");
    }
}

/// Ten thousand folders, each of several people, beside one folder with as many files as all of them.
fn folders(count: usize) {
    let mut catalog = Catalog::new();
    let owners: Vec<OwnerId> = (0..3).map(|n| catalog.add_owner(Username::new(&format!("user{n}")).unwrap())).collect();
    for n in 0..count {
        let path = match n % 2 {
            0 => format!("many/{:05}/a picture of the sea {n:07}.jpg", n / 2 % 10_000),
            _ => format!("one/a picture of the sea {n:07}.jpg"),
        };
        let share = Share { path: SharePath::new(&path).unwrap(), size: Some(n as u64), hash: None };
        catalog.insert(owners[n % 3], &share);
    }
    let large = ShareFilter { size_min: Some(1), ..ShareFilter::default() };
    for (what, folder, limit) in [("the top", None, 100), ("many", Some("many"), 200), ("many", Some("many"), 10_000)] {
        let folder = folder.map(|folder| SharePath::new(folder).unwrap());
        for (how, filter) in [("everything", ShareFilter::default()), ("with a size", large.clone())] {
            let mut steps = Pauses::default();
            let mut list = steps.time(|| catalog.list_level(folder.as_ref(), filter.clone(), None, limit));
            while !steps.time(|| catalog.scan(&mut list)) {}
            println!("level, {what}, {} lines, {how}, in steps: {steps}", list.lines());
        }
    }
    let mut steps = Pauses::default();
    let filter = ShareFilter { folder: SharePath::new("many").ok(), ..ShareFilter::default() };
    steps.time(|| catalog.count(filter));
    println!("count, below a folder of half of all: {steps}");
}

fn words_of<W: AsRef<str>>(words: &[W]) -> ShareFilter {
    ShareFilter { words: Some(WordQuery::new(words)), ..ShareFilter::default() }
}

/// What this thread has had of the processor: of wall time, other programs have their part.
#[cfg(unix)]
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Wall time.
#[cfg(not(unix))]
fn now() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
