//! An etcd that is full, slow, restored from a backup, or has what nobody can read: names stay whose they are, and a tracker
//! that runs goes on.

use std::time::Duration;

use potok_core::net::identity::Identity;
use potok_tests::black_box::Tracker;
use potok_tests::cluster::{EtcdServers, TrackerFolders};
use potok_tests::lines::Lines;
use potok_tests::program::run;

use super::{program, register, until};

/// What `potok-tracker status` says of a tracker.
fn status(folders: &TrackerFolders, n: usize) -> String {
    let data = folders.data(n);
    let output = run(program(), &["status", "--data-dir", data.to_str().expect("text")]);
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn two_trackers_that_lift_different_bans_at_once_lift_all() {
    const EACH: usize = 12;
    let boss = Identity::generate();
    let etcd = EtcdServers::start(1);
    let name = |side: usize, n: usize| format!("@Banned{side}x{n}");
    let bans: Vec<String> = (0..2).flat_map(|side| (0..EACH).map(move |n| format!("{:?}", name(side, n)))).collect();
    let settings = format!("owners = [\"{}\"]\nbans = [{}, \"@long\"]\n", boss.public_key(), bans.join(", "));
    let folders = TrackerFolders::new(&etcd, &settings);
    // A version of before has lifted one, as a list.
    etcd.etcdctl(&["put", "potok/g/bans", "@long"]);
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let lift = async |at: &Tracker, side: usize| {
        let mut session = at.session(&boss).await;
        for n in 0..EACH {
            session.expect(&format!("unban {}", name(side, n).to_lowercase()), "OK ").await;
        }
        session
    };
    let (mut here, mut there) = tokio::join!(lift(&one, 0), lift(&two, 1));
    for session in [&mut here, &mut there] {
        until(session, "bans", "OK 0").await;
    }
    let third = folders.start(program(), 3);
    until(&mut third.session(&boss).await, "bans", "OK 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_clock_is_everybodys() {
    let etcd = EtcdServers::start(1);
    let folders = TrackerFolders::new(&etcd, "");
    let _one = folders.start(program(), 1);
    let first = etcd.etcdctl(&["get", "--print-value-only", "potok/c"]);
    assert!(first.trim().parse::<u64>().is_ok(), "it stands there before anybody is let in: {first:?}");
    let _two = folders.start(program(), 2);
    assert_eq!(etcd.etcdctl(&["get", "--print-value-only", "potok/c"]), first, "the second one takes it");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_etcd_is_full_owners_of_names_come_in_and_trackers_stay_linked() {
    let etcd = EtcdServers::start_small(1, 2 * 1024 * 1024);
    let folders = TrackerFolders::new(&etcd, "");
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let anna = Identity::generate();
    assert_eq!(register(&one, &anna, "anna").await.0, "OK 0");
    let large = "x".repeat(100_000);
    let is_full = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).contains("space exceeded");
    let filled = (0..100).map(|n| etcd.try_etcdctl(&["put", &format!("potok/z/{n}"), &large])).any(|put| is_full(&put));
    assert!(filled, "it has room without end");
    // Longer than the trackers' leases last.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let (said, mut session) = register(&two, &anna, "anna").await;
    assert_eq!(said, "OK 0");
    let mut stranger = one.session(&Identity::generate()).await;
    stranger.expect("register-user eve", "ERR unavailable").await;
    stranger.expect("register-user anna", "ERR name-taken").await;
    until(&mut stranger, "list-users", "anna ").await;
    session.expect("register-files anna notes.txt", "OK 0").await;
    until(&mut stranger, "search notes limit=5", "OK 1").await;
    let said = status(&folders, 1);
    assert!(said.contains(" linked 1 users"), "{said}");
    let told = one.running.errors().into_iter().filter(|line| line.contains("etcd is full")).count();
    assert_eq!(told, 1, "once, and not at every beat");
    // With room again everything goes on.
    etcd.etcdctl(&["del", "--prefix", "potok/z/"]);
    let endpoint: serde_json::Value =
        serde_json::from_str(&etcd.etcdctl(&["endpoint", "status", "--write-out=json"])).expect("JSON");
    let revision = endpoint[0]["Status"]["header"]["revision"].as_u64().expect("a revision").to_string();
    etcd.etcdctl(&["compact", &revision]);
    etcd.etcdctl(&["defrag"]);
    etcd.etcdctl(&["alarm", "disarm"]);
    until(&mut stranger, "register-user eve", "OK 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_that_runs_reads_a_restored_etcd_anew() {
    let mut etcd = EtcdServers::start(1);
    let folders = TrackerFolders::new(&etcd, "");
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let (anna, vera, eve) = (Identity::generate(), Identity::generate(), Identity::generate());
    assert_eq!(register(&one, &anna, "anna").await.0, "OK 0");
    let dir = tempfile::tempdir().expect("folder");
    let snapshot = dir.path().join("snapshot.db");
    etcd.etcdctl(&["snapshot", "save", snapshot.to_str().expect("text")]);
    assert_eq!(register(&one, &vera, "vera").await.0, "OK 0");
    let mut other = two.session(&eve).await;
    until(&mut other, "register-user vera", "ERR name-taken").await;
    etcd.restore(&snapshot);
    // What was written behind the snapshot is gone, at every tracker, and is anybody's.
    until(&mut other, "register-user vera", "OK 0").await;
    let mut stranger = one.session(&vera).await;
    until(&mut stranger, "register-user vera", "ERR name-taken").await;
    stranger.expect("register-user anna", "ERR name-taken").await;
    until(&mut stranger, "register-user olga", "OK 0").await;
    until(&mut other, "list-users", "olga ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_in_etcd_is_left_alone_and_harms_nobody() {
    let boss = Identity::generate();
    let etcd = EtcdServers::start(1);
    let folders = TrackerFolders::new(&etcd, &format!("owners = [\"{}\"]\n", boss.public_key()));
    let (anna, eve) = (Identity::generate(), Identity::generate());
    let runs = folders.start(program(), 1);
    let (said, mut session) = register(&runs, &anna, "anna").await;
    assert_eq!(said, "OK 0");
    let wrong = [
        ("n/olga", "{"),
        ("n/vera", r#"{"name":"eve"}"#),
        ("s/x", ""),
        ("k/x", "1"),
        ("b/@eve", "later"),
        ("b/nobody", "{}"),
        ("g/names_per_key", "0"),
        ("g/a_later_setting", "x"),
        ("i/7", "{}"),
        ("l", "many"),
        ("w/x", "{}"),
        ("c", "noon"),
        ("t/127.0.0.1:1", "{}"),
        ("z", "x"),
    ];
    for (key, value) in wrong {
        etcd.etcdctl(&["put", &format!("potok/{key}"), value]);
    }
    let starts = folders.start(program(), 2);
    for tracker in [&runs, &starts] {
        let mut stranger = tracker.session(&eve).await;
        until(&mut stranger, "register-user anna", "ERR name-taken").await;
        // It is somebody's, though nobody can say whose.
        stranger.expect("register-user olga", "ERR unavailable").await;
        let mut owner = tracker.session(&boss).await;
        let (_, limits) = owner.list("limits").await.expect("an answer");
        assert!(!limits.iter().any(|line| line == "names_per_key 0"), "{limits:?}");
        owner.expect("limits faulty_lines=4", "OK ").await;
        owner.expect("invite", "OK 1").await;
    }
    session.expect("whoami", "OK 1").await;
    assert_eq!(register(&starts, &eve, "eve").await.0, "OK 0");
    let olga = etcd.etcdctl(&["get", "--print-value-only", "potok/n/olga"]);
    assert_eq!(olga.trim(), "{", "nobody has touched it");
    let told = starts.running.errors().into_iter().filter(|line| line.contains("cannot all be read")).count();
    assert!(told > 0, "an owner reads of it in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_while_etcd_stands_still_is_done_or_refused_and_never_half() {
    let etcd = EtcdServers::start(1);
    let folders = TrackerFolders::new(&etcd, "new_names_per_address = 100000\nnames_per_key = 100000\n");
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let (anna, eve) = (Identity::generate(), Identity::generate());
    let mut here = one.session(&anna).await;
    let mut there = two.session(&eve).await;
    // As on a disk that takes a second, or five, for a write.
    for (round, pause) in
        [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(4)].into_iter().enumerate()
    {
        let name = format!("slow{round}");
        let claim = format!("register-user {name}");
        etcd.signal(0, "STOP");
        let (mine, theirs, ()) = tokio::join!(here.ask(&claim), there.ask(&claim), async {
            tokio::time::sleep(pause).await;
            etcd.signal(0, "CONT");
        });
        let said = [mine.expect("an answer"), theirs.expect("an answer")];
        assert!(said.iter().filter(|said| *said == "OK 0").count() <= 1, "{said:?}");
        for said in &said {
            let is_known = ["OK 0", "ERR unavailable ", "ERR name-taken "].iter().any(|start| said.starts_with(start));
            assert!(is_known, "{said}");
        }
        // Asked again, it is one's, and the other's it is not.
        let mut owners = 0;
        for session in [&mut here, &mut there] {
            owners += usize::from(settled(session, &name).await);
        }
        assert_eq!(owners, 1, "{name}");
    }
}

/// Asks for a name until its fate is known; whether it is theirs.
async fn settled(session: &mut Lines, name: &str) -> bool {
    loop {
        let said = session.ask(&format!("register-user {name}")).await.expect("an answer");
        if said == "OK 0" || said.starts_with("ERR already-registered") {
            session.expect(&format!("unregister-user {name}"), "OK 0").await;
            return true;
        }
        if said.starts_with("ERR name-taken") {
            return false;
        }
        assert!(said.starts_with("ERR unavailable"), "{said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
