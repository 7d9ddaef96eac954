//! A file leaves a computer only if it is shared: files with marks lie beside, above and around what is shared, all that
//! a peer server says is kept, decrypted and raw, and no mark may be in it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
use std::time::{Duration, Instant};

use potok_core::library::typed::ShareOrLocalPath;
use potok_core::model::binding::{Ban, BanTarget};
use potok_core::model::key::PublicKey;
use potok_core::node::event::Outcome;
use potok_core::node::intent::Intent;
use potok_core::protocol::peer::{Content, PeerRefusal, Request};
use potok_core::tracker::input::OwnerOrder;
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::asking::{Asker, Got, content_of};
use potok_tests::chaos::{Chaos, Weather};
#[cfg(unix)]
use potok_tests::evil_peer::block_of;
use potok_tests::program::PATIENCE;
use potok_tests::world::{Person, TestTracker, noise, scaled};
use tokio::runtime::Runtime;

/// What is in a file that must not leave: its mark, everywhere.
fn canary(n: usize, bytes: usize) -> Vec<u8> {
    mark(n).into_iter().cycle().take(bytes).collect()
}

fn mark(n: usize) -> Vec<u8> {
    noise(n as u64 + 1_000_000, 24)
}

fn has_mark(heard: &[u8], mark: &[u8]) -> bool {
    heard.windows(8).any(|window| *window == mark[..8])
}

/// Somebody who shares, and where their peer server is.
struct Anna {
    person: Person,
    address: SocketAddr,
    key: PublicKey,
}

fn anna(tracker: &TestTracker, change: impl FnOnce(&mut potok_core::node::settings::Settings)) -> Anna {
    let person = Person::with("anna", change);
    person.join(&tracker.address());
    let Ok(Outcome::Status(status)) = person.ask(Intent::Status) else { panic!("no status") };
    let Ok(Outcome::Me(me)) = person.ask(Intent::WhoAmI) else { panic!("no name") };
    Anna { person, address: status.listening.expect("listens"), key: me.key }
}

#[test]
fn no_canary_leaves_whatever_is_asked_for() {
    let runtime = Runtime::new().expect("a runtime");
    let tracker = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let anna = anna(&tracker, |_| {});
    let home = anna.person.home().to_owned();
    let shared = anna.person.write("Trip/shared.bin", &noise(1, 300_000));
    // The search itself must be able to find one: this one is shared.
    let bait = canary(0, 1_000);
    anna.person.write("Trip/bait.txt", &bait);
    let mut canaries = Vec::new();
    let mut hide = |path: PathBuf| {
        let n = canaries.len() + 1;
        let data = canary(n, 500 + n * 3_000 % 600_000);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("folder");
        std::fs::write(&path, &data).expect("written");
        canaries.push((path, data));
    };
    for n in 0..40 {
        hide(home.join(format!("canary-{n}.txt")));
        hide(anna.person.path(&format!("canary-{n}.txt")));
        hide(anna.person.path(&format!("Trips/canary-{n}.txt")));
        hide(anna.person.path(&format!("Trip.old/shared-{n}.bin")));
        hide(home.join(format!("data/canary-{n}.txt")));
    }
    leave_ways_out(&anna.person.path("Trip"), &home, &canaries[0].0, &canaries[1].0);
    anna.person.share(&anna.person.path("Trip")).expect("shared");
    let Ok(Outcome::Shared(shares)) = anna.person.ask(Intent::ListShares) else { panic!("no list") };
    let paths: Vec<String> = shares.iter().map(|share| share.path.to_string()).collect();
    assert_eq!(paths, ["Trip/bait.txt", "Trip/shared.bin"], "what a link leads to is not shared");
    assert!(canaries.len() >= 200);

    let identity = std::fs::read(home.join("data/identity.key")).expect("anna's own key");
    let (heard, raw) = runtime.block_on(async {
        let eve = Asker::come(&tracker, "eve").await;
        let proxy = Chaos::start(anna.address, &[Weather::Clear]).await;
        let mut heard = Vec::new();
        let mut requests = 0;
        for targets in [canaries.iter().map(|(_, data)| content_of(data)).collect(), made_up(&shared, &identity)] {
            let targets: Vec<Content> = targets;
            let mut asking = eve.connect(proxy.address, anna.key).await;
            for content in targets {
                // The hash of a canary is known to whoever asks, and its size, or nearly.
                for (id, block) in [(1, 0), (2, 1)] {
                    asking.ask(&[Request::Read { id, content, block }, Request::List { id: 9, content }]).await;
                    for _ in 0..2 {
                        match asking.answer().await {
                            Got::Refused(_, PeerRefusal::NotShared | PeerRefusal::BadRequest) => requests += 1,
                            other => panic!("{content:?}: {other:?}"),
                        }
                    }
                }
            }
            heard.append(&mut asking.heard);
        }
        assert!(requests >= 500, "{requests}");
        // What is shared is given, and the search finds it.
        let mut asking = eve.connect(proxy.address, anna.key).await;
        asking.ask(&[Request::Read { id: 1, content: content_of(&bait), block: 0 }]).await;
        assert_eq!(asking.answer().await, Got::Bytes(1, bait.clone()));
        heard.append(&mut asking.heard);
        (heard, proxy.said_by_server())
    });
    assert!(has_mark(&heard, &mark(0)), "the search finds nothing at all");
    for n in 1..=canaries.len() {
        assert!(!has_mark(&heard, &mark(n)), "{} has left", canaries[n - 1].0.display());
        assert!(!has_mark(&raw, &mark(n)), "{} has left, unencrypted", canaries[n - 1].0.display());
    }
    assert!(!has_mark(&raw, &mark(0)), "what is shared is not sent for everybody to read");
    for word in [home.to_str().expect("text"), "anna", "Trip", "files/", "identity"] {
        for bytes in [&heard, &raw] {
            assert!(!bytes.windows(word.len()).any(|w| w == word.as_bytes()), "'{word}' was told to a peer");
        }
    }
}

/// Links of every kind out of a shared folder; none of them is followed.
#[cfg(unix)]
fn leave_ways_out(folder: &Path, home: &Path, one: &Path, other: &Path) {
    use std::os::unix::fs::symlink;
    symlink(one, folder.join("absolute.txt")).expect("link");
    symlink("../canary-0.txt", folder.join("relative.txt")).expect("link");
    symlink("relative.txt", folder.join("chain.txt")).expect("link");
    symlink(home, folder.join("home")).expect("link");
    symlink("..", folder.join("up")).expect("link");
    symlink(home.join("data"), folder.join("data")).expect("link");
    symlink("/proc/self/root", folder.join("root")).expect("link");
    symlink("/dev/zero", folder.join("zero")).expect("link");
    symlink("nowhere", folder.join("dangling")).expect("link");
    // A link to the key by another name of the same file.
    std::fs::hard_link(home.join("data/identity.key"), folder.join("hard.key")).expect("link");
    assert!(other.exists());
    let socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).expect("socket");
    drop(socket);
}

#[cfg(not(unix))]
fn leave_ways_out(_folder: &Path, _home: &Path, _one: &Path, _other: &Path) {}

/// Contents that nobody has announced: paths instead of hashes, other sizes of what is shared, and the key.
fn made_up(shared: &Path, identity: &[u8]) -> Vec<Content> {
    let shared = content_of(&std::fs::read(shared).expect("read"));
    let padded = |text: &str| {
        let mut hash = [0; 32];
        hash.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = byte);
        hash
    };
    let paths = ["../canary-0.txt", "Trip/shared.bin", "/etc/passwd", "data/identity.key", "", "*", "..", "\\\\x"];
    let mut contents: Vec<Content> = paths
        .iter()
        .map(|path| Content { hash: blake3::Hash::from_bytes(padded(path)).into(), size: 300_000 })
        .collect();
    for size in [0, 1, 299_999, 300_001, 600_000, 1 << 40] {
        contents.push(Content { hash: shared.hash, size });
    }
    contents.push(content_of(identity));
    contents.push(Content { hash: blake3::Hash::from_bytes([255; 32]).into(), size: 1 });
    contents.push(Content { hash: blake3::hash(b"").into(), size: 0 });
    contents
}

/// What takes a shared file's place at one moment or the other.
#[cfg(unix)]
const SWAPS: &[&str] =
    &["written over", "a link to a canary", "a canary moved over it", "another name of a canary", "its folder"];

#[cfg(unix)]
fn swap(kind: usize, folder: &Path, canary: &Path) -> std::io::Result<()> {
    use std::fs;
    use std::io::{Seek, Write};
    let (file, aside) = (folder.join("a/file.bin"), folder.join("a/aside"));
    match SWAPS[kind % SWAPS.len()] {
        "its folder" => {
            fs::rename(folder.join("a"), folder.join("b"))?;
            std::os::unix::fs::symlink(canary.parent().expect("has one"), folder.join("a"))?;
            std::thread::yield_now();
            fs::remove_file(folder.join("a"))?;
            fs::rename(folder.join("b"), folder.join("a"))
        }
        "written over" => {
            // In place and as long as before: whoever has it open reads other bytes, of a file with the same times.
            let (right, other) = (fs::read(&file)?, fs::read(canary)?);
            let modified = fs::metadata(&file)?.modified()?;
            let mut open = fs::File::options().write(true).open(&file)?;
            open.write_all(&other[..right.len()])?;
            std::thread::sleep(Duration::from_millis(if kind < SWAPS.len() { 5 } else { 0 }));
            open.rewind()?;
            open.write_all(&right)?;
            open.set_modified(modified)
        }
        how => {
            fs::rename(&file, &aside)?;
            match how {
                "a link to a canary" => std::os::unix::fs::symlink(canary, &file)?,
                "another name of a canary" => fs::hard_link(canary, &file)?,
                _ => fs::copy(canary, &file).map(drop)?,
            }
            std::thread::yield_now();
            fs::remove_file(&file)?;
            fs::rename(&aside, &file)
        }
    }
}

/// The shared file is swapped for others again and again while it is fetched: only its own bytes come, or none.
#[cfg(unix)]
#[test]
fn a_swapped_file_is_never_sent_in_place_of_the_shared_one() {
    let runtime = Runtime::new().expect("a runtime");
    let tracker = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let anna = anna(&tracker, |settings| settings.upload_slots_per_user = 4);
    let data = noise(7, 2 * 256 * 1024 + 5);
    anna.person.write("Swap/a/file.bin", &data);
    let canary_path = anna.person.home().join("secret/file.bin");
    std::fs::create_dir(anna.person.home().join("secret")).expect("folder");
    // As long as the shared one, so that only its content tells them apart.
    std::fs::write(&canary_path, canary(1, data.len())).expect("written");
    let folder = anna.person.path("Swap");
    anna.person.share(&folder).expect("shared");
    let (over, came) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let swapping = {
        let (over, came) = (over.clone(), came.clone());
        std::thread::spawn(move || {
            let mut swaps = 0;
            for _burst in 0..scaled(8) {
                for kind in 0..50 * SWAPS.len() {
                    swap(kind, &folder, &canary_path).unwrap_or_else(|why| panic!("{}: {why}", SWAPS[kind % 5]));
                    swaps += 1;
                }
                // It is itself until it has been sent again: the next swaps come in the middle of an upload.
                let before = came.load(Ordering::Relaxed);
                let until = Instant::now() + PATIENCE;
                while came.load(Ordering::Relaxed) < before + 5 && Instant::now() < until {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            over.store(true, Ordering::Relaxed);
            swaps
        })
    };
    let (right, refused) = runtime.block_on(async {
        let eve = Asker::come(&tracker, "eve").await;
        let (mut right, mut refused) = (0, 0);
        let secret = content_of(&canary(1, data.len()));
        while !over.load(Ordering::Relaxed) {
            let mut asking = eve.connect(anna.address, anna.key).await;
            for id in 0..100 {
                let block = id % 3;
                asking.ask(&[Request::Read { id, content: content_of(&data), block }]).await;
                match asking.answer().await {
                    Got::Bytes(_, bytes) => {
                        assert!(bytes == block_of(&data, block), "other bytes than were announced have left");
                        right += 1;
                        came.fetch_add(1, Ordering::Relaxed);
                    }
                    Got::Refused(_, PeerRefusal::NotShared | PeerRefusal::Changed) => refused += 1,
                    other => panic!("{other:?}"),
                }
            }
            assert!(!has_mark(&asking.heard, &mark(1)));
            // Nor by the hash of what lies there for a moment.
            asking.ask(&[Request::List { id: 1_000, content: secret }]).await;
            asking.answer().await;
        }
        (right, refused)
    });
    let swaps = swapping.join().expect("no panic");
    assert!(swaps >= 2_000 && right >= 40 && refused > 0, "{swaps} swaps, {right} right answers, {refused} refusals");
}

/// Many files are unshared while they are being sent: nothing of any of them leaves later than a second after.
#[test]
fn what_is_unshared_stops_within_a_second() {
    const KEYS: usize = 10;
    const PER_KEY: usize = 4;
    let runtime = Runtime::new().expect("a runtime");
    let tracker = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    // So slow that nothing waits in buffers on the way, which would be our own slowness.
    let anna = anna(&tracker, |settings| {
        settings.upload_slots = 100;
        settings.upload_slots_per_user = 100;
        settings.upload_bytes_per_second = 12_000_000;
    });
    let (mut stopped, mut latest) = (0, Duration::ZERO);
    let mut round = 0;
    // On a busy machine not all of a round are being sent yet.
    while stopped < scaled(300) {
        round += 1;
        assert!(round <= scaled(30), "{stopped} were being sent");
        // They only ask: the tracker takes who is silent for a minute for gone.
        let eves: Vec<Asker> = runtime.block_on(async {
            let mut eves = Vec::new();
            for n in 0..KEYS {
                eves.push(Asker::come(&tracker, &format!("eve-{round}-{n}")).await);
            }
            eves
        });
        let files: Vec<(PathBuf, Content)> = (0..KEYS * PER_KEY)
            .map(|n| {
                let data = noise((round * 1_000 + n) as u64, 600_000);
                (anna.person.write(&format!("un-{round}-{n}.bin"), &data), content_of(&data))
            })
            .collect();
        for (path, _) in &files {
            anna.person.share(path).expect("shared");
        }
        let taking: Vec<_> = files
            .iter()
            .enumerate()
            .map(|(n, (_, content))| {
                let (content, eve) = (*content, &eves[n / PER_KEY]);
                let mut asking = runtime.block_on(eve.connect(anna.address, anna.key));
                runtime.spawn(async move {
                    let mut last = None;
                    for id in 0.. {
                        asking.ask(&[Request::Read { id, content, block: id % 3 }]).await;
                        match asking.answer().await {
                            Got::Bytes(..) => last = Some(Instant::now()),
                            Got::Refused(_, PeerRefusal::NotShared)
                                if last.is_none_or(|at| at.elapsed().as_secs() >= 2) =>
                            {
                                break;
                            }
                            Got::Refused(..) => tokio::time::sleep(Duration::from_millis(100)).await,
                            _ => break,
                        }
                    }
                    last
                })
            })
            .collect();
        // So long that nearly all of them are being sent.
        std::thread::sleep(Duration::from_millis(700));
        let mut unshared = Vec::new();
        for (n, (path, _)) in files.iter().enumerate() {
            // At moments that have nothing to do with anything.
            std::thread::sleep(Duration::from_millis((n as u64 * 7_919 + round as u64 * 31) % 40));
            let paths = vec![ShareOrLocalPath::new(path.to_str().expect("text"), anna.person.home()).expect("a path")];
            anna.person.ask(Intent::Unshare { paths }).expect("unshared");
            unshared.push(Instant::now());
        }
        for (task, unshared) in taking.into_iter().zip(unshared) {
            let last = runtime.block_on(task).expect("no panic");
            if let Some(last) = last {
                let late = last.saturating_duration_since(unshared);
                assert!(late <= Duration::from_secs(1), "bytes came {late:?} after they were unshared");
                stopped += 1;
                latest = latest.max(late);
            }
        }
    }
    println!(
        "figures: {stopped} files unshared while they were sent, nothing later than {} ms after",
        latest.as_millis()
    );
}

/// Who is on a connection that was open when they left, were sent away or shut out is sent nothing more; a tracker that is
/// away has done none of that to anybody.
#[test]
fn who_has_left_is_served_no_more() {
    let runtime = Runtime::new().expect("a runtime");
    let tracker = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let anna = anna(&tracker, |_| {});
    let data = noise(7, 600_000);
    let path = anna.person.write("shared.bin", &data);
    anna.person.share(&path).expect("shared");
    let read = |id: u32| Request::Read { id, content: content_of(&data), block: id % 3 };
    let is_served = async |asking: &mut potok_tests::asking::Asking, id: u32| {
        asking.ask(&[read(id)]).await && matches!(asking.answer().await, Got::Bytes(..))
    };
    // Until the connection ends, which it does however busy they keep it.
    let ends = async |mut asking: potok_tests::asking::Asking| {
        let since = Instant::now();
        let mut id = 10;
        while is_served(&mut asking, id).await {
            assert!(since.elapsed() < PATIENCE, "is served on and on");
            id += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    runtime.block_on(async {
        for way in ["left", "kicked", "banned"] {
            let eve = Asker::come(&tracker, way).await;
            let mut asking = eve.connect(anna.address, anna.key).await;
            assert!(is_served(&mut asking, 1).await, "{way}: is one of the network");
            match way {
                "left" => drop(eve),
                "kicked" => _ = tracker.handle.order(OwnerOrder::Kick(way.parse().expect("a name"))).await,
                _ => {
                    let ban = Ban::new(BanTarget::Key(eve.identity.public_key()), None);
                    tracker.handle.order(OwnerOrder::Ban(ban)).await;
                }
            }
            ends(asking).await;
        }
    });
    let stays = runtime.block_on(Asker::come(&tracker, "stays"));
    let mut asking = runtime.block_on(stays.connect(anna.address, anna.key));
    assert!(runtime.block_on(is_served(&mut asking, 1)));
    let _tracker = runtime.block_on(tracker.restart());
    let since = Instant::now();
    while anna.person.ask(Intent::ListUsers).is_err() {
        assert!(since.elapsed() < PATIENCE, "comes back");
        std::thread::sleep(Duration::from_millis(50));
    }
    runtime.block_on(async {
        // She is back, the one who is served is not yet; longer than it takes to be found gone.
        for id in 2..60 {
            assert!(is_served(&mut asking, id).await, "the tracker was away, nobody has left");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}
