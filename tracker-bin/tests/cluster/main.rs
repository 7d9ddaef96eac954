//! Several trackers that are one network, on real servers of etcd: names, bans and settings are everybody's, whatever is
//! killed meanwhile, and however etcd fares.

mod lapse;
mod troubles;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use potok_core::model::key::PublicKey;
use potok_core::net::identity::Identity;
use potok_tests::black_box::Tracker;
use potok_tests::cluster::{EtcdServers, TrackerFolders};
use potok_tests::lines::Lines;
use potok_tests::program::{PATIENCE, run};
use tokio::sync::Barrier;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_potok-tracker"))
}

/// Somebody registers a name: what the tracker says, and the session.
async fn register(at: &Tracker, identity: &Identity, name: &str) -> (String, Lines) {
    let mut session = at.session(identity).await;
    let said = session.ask(&format!("register-user {name} 4001")).await.expect("an answer");
    (said, session)
}

/// Asks until the answer begins so.
async fn until(session: &mut Lines, question: &str, answer: &str) -> Vec<String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let (head, lines) = session.list(question).await.expect("an answer");
        if [vec![head.clone()], lines.clone()].concat().iter().any(|line| line.starts_with(answer)) {
            return lines;
        }
        assert!(Instant::now() < end, "{question}: {head} {lines:?}, not {answer}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_claimed_at_one_tracker_is_everybodys() {
    let etcd = EtcdServers::start(1);
    let folders = TrackerFolders::new(&etcd, "");
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let (anna, eve) = (Identity::generate(), Identity::generate());
    let (said, session) = register(&one, &anna, "modern").await;
    assert_eq!(said, "OK 0");
    drop(session);
    for (name, code) in [("modern", "ERR name-taken"), ("MODERN", "ERR name-taken"), ("modem", "ERR name-confusable")] {
        let (said, _) = register(&two, &eve, name).await;
        assert!(said.starts_with(code), "{name}: {said}");
    }
    let (said, mut there) = register(&two, &anna, "Modern").await;
    assert_eq!(said, "OK 0", "it is theirs at every tracker");
    // Who is at one tracker is seen at the other: etcd says where it is.
    let mut here = Lines::plain(one.address).await;
    until(&mut here, "list-users", "Modern ").await;
    // Whoever is invited by one finds the other too.
    let three = folders.start(program(), 4);
    let named: BTreeSet<String> = three.named.iter().map(ToString::to_string).collect();
    let there_are = [&one, &two, &three].map(|tracker| tracker.address.to_string());
    assert_eq!(named, BTreeSet::from(there_are));
    // What it knows is in etcd, and is kept and brought along there.
    for task in ["export", "import"] {
        let data = folders.data(1);
        let output = run(program(), &[task, "names.toml", "--data-dir", data.to_str().expect("text")]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("etcdctl snapshot save") && output.status.code() == Some(1), "{task}: {said}");
    }
    there.expect("ping", "OK 0").await;
    // Another network's key is none of this cluster.
    let stranger = folders.data(3);
    std::fs::remove_file(stranger.join("identity.key")).expect("removed");
    let output = run(program(), &["--data-dir", stranger.to_str().expect("text")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("error: the trackers of this cluster prove the key"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_alone_brings_what_it_knew_and_certificates_are_proven() {
    let etcd = EtcdServers::start_tls(1);
    let folders = TrackerFolders::new(&etcd, "");
    let data = folders.data(1);
    let configured = std::fs::read_to_string(data.join("config.toml")).expect("read");
    let alone = "listen = \"127.0.0.1:0\"\nlocal_discovery = false\n";
    std::fs::write(data.join("config.toml"), alone).expect("written");
    let (anna, eve) = (Identity::generate(), Identity::generate());
    let before = folders.start(program(), 1);
    assert_eq!(register(&before, &anna, "anna").await.0, "OK 0");
    assert_eq!(before.running.terminate(), Some(0));
    std::fs::write(data.join("config.toml"), configured).expect("written");
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    assert!(register(&two, &eve, "anna").await.0.starts_with("ERR name-taken"));
    assert_eq!(register(&two, &anna, "anna").await.0, "OK 0");
    assert!(etcd.etcdctl(&["get", "--prefix", "potok/t/", "--keys-only"]).lines().count() >= 2);
    assert_eq!(one.running.terminate(), Some(0));
    assert_eq!(two.running.terminate(), Some(0));
    assert_eq!(etcd.etcdctl(&["get", "--prefix", "potok/t/", "--keys-only"]).trim(), "", "they have said that they go");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_race_for_a_name_or_a_look_one_wins() {
    const ROUNDS: usize = 60;
    let etcd = EtcdServers::start(3);
    let more = "new_names_per_address = 100000\nnames_per_key = 100000\n";
    let folders = TrackerFolders::new(&etcd, more);
    let trackers: Vec<Tracker> = (0..3).map(|n| folders.start(program(), n)).collect();
    let start = Arc::new(Barrier::new(3));
    let racers: Vec<_> = (0..3)
        .map(|racer| {
            let (address, key) = (trackers[racer].address, trackers[racer].key);
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                let identity = Identity::generate();
                let mut session = Lines::tls(address, key, &identity).await;
                let mut won = Vec::new();
                for round in 0..ROUNDS {
                    // The same name, in other letters, or one that looks like it.
                    let name = match racer {
                        0 => format!("modern{round}"),
                        1 => format!("MODERN{round}"),
                        _ => format!("modem{round}"),
                    };
                    start.wait().await;
                    let said = session.ask(&format!("register-user {name}")).await.expect("an answer");
                    if said == "OK 0" {
                        won.push(round);
                        session.expect(&format!("unregister-user {name}"), "OK 0").await;
                    } else {
                        let refusals = ["ERR name-taken ", "ERR name-confusable "];
                        assert!(refusals.iter().any(|code| said.starts_with(code)), "{name}: {said}");
                    }
                }
                won
            })
        })
        .collect();
    let mut winners = vec![0; ROUNDS];
    for racer in racers {
        racer.await.expect("no panic").into_iter().for_each(|round| winners[round] += 1);
    }
    assert_eq!(winners, vec![1; ROUNDS], "one winner each");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_owner_orders_at_one_tracker_counts_at_all() {
    let boss = Identity::generate();
    let etcd = EtcdServers::start(1);
    let folders = TrackerFolders::new(&etcd, &format!("owners = [\"{}\"]\njoin = \"invite\"\n", boss.public_key()));
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let (said, mut here) = register(&one, &boss, "boss").await;
    assert_eq!(said, "OK 0");
    let mut there = two.session(&boss).await;
    // An invite for one: at both trackers at once it lets one in.
    let (head, lines) = here.list("invite").await.expect("an answer");
    assert_eq!(head, "OK 1");
    let token = lines[0].split(' ').nth(1).expect("a token").to_owned();
    until(&mut there, "invites", "OK 1").await;
    let (anna, eve) = (Identity::generate(), Identity::generate());
    let come = |at: &'static str| format!("register-user {at} 4001 invite={token}");
    let (mut first, mut second) = (one.session(&anna).await, two.session(&eve).await);
    let (first_line, second_line) = (come("anna"), come("eve"));
    let (first_said, second_said) = tokio::join!(first.ask(&first_line), second.ask(&second_line));
    let said = [first_said.expect("an answer"), second_said.expect("an answer")];
    assert_eq!(said.iter().filter(|said| *said == "OK 0").count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|said| said.starts_with("ERR not-invited")).count(), 1, "{said:?}");
    let (name, session) = if said[0] == "OK 0" { ("anna", &mut first) } else { ("eve", &mut second) };
    // Shut out here, closed there.
    here.expect("rename-network House", "OK 0").await;
    here.expect(&format!("ban {name} 1d spam"), "OK 1").await;
    assert!(session.to_end().await.iter().any(|line| line.contains("spam")));
    until(&mut there, "bans", "OK 1").await;
    there.expect(&format!("unban {name}"), "OK 0").await;
    until(&mut here, "bans", "OK 0").await;
    let mut greeted = Lines::plain(two.address).await;
    greeted.send(b"ping\n").await;
    assert_eq!(greeted.line().await.as_deref(), Some("* potok 1 \"House\""));
    // A name that is released rests everywhere.
    there.expect(&format!("release {name}"), "OK 0").await;
    let rests = etcd.etcdctl(&["get", "--print-value-only", &format!("potok/n/{name}")]);
    assert!(rests.contains(name) && !rests.contains("key"), "{rests}");
    assert!(etcd.etcdctl(&["lease", "list"]).lines().count() >= 3, "that of the name, and of each tracker");
    here.expect("limits faulty_lines=3", "OK ").await;
    until(&mut there, "limits", "faulty_lines 3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_at_one_tracker_is_let_in_at_another() {
    let boss = Identity::generate();
    let etcd = EtcdServers::start(1);
    let folders = TrackerFolders::new(&etcd, &format!("owners = [\"{}\"]\njoin = \"approval\"\n", boss.public_key()));
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let mut owner = two.session(&boss).await;
    owner.expect("register-user boss", "OK 0").await;
    let (vera, eve) = (Identity::generate(), Identity::generate());
    let (said, mut waiting) = register(&one, &vera, "vera").await;
    assert!(said.starts_with("ERR waiting "), "{said}");
    assert!(register(&one, &eve, "eve").await.0.starts_with("ERR waiting "));
    until(&mut owner, "waiting", "OK 2").await;
    owner.expect("deny eve", "OK 0").await;
    owner.expect("approve vera", "OK 0").await;
    until(&mut waiting, "register-user vera 4001", "OK 0").await;
    let mut other_owner = one.session(&boss).await;
    for session in [&mut owner, &mut other_owner] {
        until(session, "waiting", "OK 0").await;
    }
    // Numbers of invites go on when all trackers were away and the invites with them.
    let (_, issued) = owner.list("invite").await.expect("an answer");
    let number: u64 = issued[0].split(' ').next().and_then(|number| number.parse().ok()).expect("a number");
    owner.expect(&format!("revoke {number}"), "OK 0").await;
    assert_eq!((one.running.terminate(), two.running.terminate()), (Some(0), Some(0)));
    let again = folders.start(program(), 1);
    let mut owner = again.session(&boss).await;
    let (_, issued) = owner.list("invite").await.expect("an answer");
    assert!(issued[0].starts_with(&format!("{} ", number + 1)), "{issued:?}");
}

/// A plain connection that has said a line with a ticket, and was greeted.
async fn show(at: &Tracker, line: &str) -> (Lines, std::net::SocketAddr) {
    let stream = potok_tests::lines::connect(at.address, 1).await.expect("connected");
    let address = stream.local_addr().expect("bound");
    let mut lines = Lines::on(stream);
    lines.send(format!("{line}\n").as_bytes()).await;
    let _greeting = lines.line().await;
    (lines, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_two_trackers_meet_and_are_relayed() {
    let etcd = EtcdServers::start(1);
    let folders = TrackerFolders::new(&etcd, "relay = true\n");
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let (said, mut ivan) = register(&one, &Identity::generate(), "ivan").await;
    assert_eq!(said, "OK 0");
    let (said, mut anna) = register(&two, &Identity::generate(), "anna").await;
    assert_eq!(said, "OK 0");
    until(&mut ivan, "list-users", "anna ").await;
    until(&mut anna, "list-users", "ivan ").await;
    let addresses = until(&mut ivan, "list-addresses anna", "direct ").await;
    assert_eq!(addresses, ["direct 127.0.0.1:4001 unknown"]);
    let (head, lines) = ivan.list("connect anna").await.expect("an answer");
    assert_eq!((head.as_str(), lines[1..].join("|").as_str()), ("OK 3", "direct 127.0.0.1:4001 unknown|relay open"));
    let of_ivan = lines[0].strip_prefix("ticket ").expect("a ticket").to_owned();
    let told = anna.line().await.expect("a notice");
    let of_anna = told.strip_prefix("* connect ").and_then(|rest| rest.split(' ').next()).expect("a ticket").to_owned();
    assert!(told.contains(" ivan ") && told.ends_with(&format!("back={of_ivan} relay=open")), "{told}");
    let (mut a, from_a) = show(&two, &format!("probe {of_anna}")).await;
    let (mut i, from_i) = show(&one, &format!("probe {of_ivan}")).await;
    for (side, other) in [(&mut a, from_i), (&mut i, from_a)] {
        assert_eq!(side.line().await.as_deref(), Some("OK 1"));
        assert_eq!(side.line().await, Some(other.to_string()));
    }
    // Whichever side comes first.
    let (mut a, _) = show(&two, &format!("relay {of_anna}")).await;
    let (mut i, _) = show(&one, &format!("relay {of_ivan}")).await;
    for side in [&mut a, &mut i] {
        assert_eq!(side.line().await.as_deref(), Some("OK 0"));
    }
    let long = "x".repeat(60_000);
    for n in 0..20 {
        for (from, to) in [(0, 1), (1, 0)] {
            let sides = [&mut a, &mut i];
            sides[from].send(format!("{n} {long}\n").as_bytes()).await;
            assert_eq!(sides[to].line().await.as_deref(), Some(format!("{n} {long}").as_str()));
        }
    }
    a.shut().await;
    assert_eq!(i.line().await, None, "the end comes through too");
    let (mut thief, _) = show(&two, &format!("relay {of_anna}")).await;
    assert!(thief.line().await.is_some_and(|said| said.starts_with("ERR gone ")));
}

/// What was acknowledged under load.
#[derive(Default)]
struct Acknowledged {
    names: BTreeMap<String, PublicKey>,
    longest: Duration,
    refused: usize,
}

/// Claims names at a tracker until it is told to stop; goes on when the tracker is killed and started again.
async fn claim_on(
    addresses: tokio::sync::watch::Receiver<Vec<(std::net::SocketAddr, PublicKey)>>,
    n: usize,
    stop: tokio_util::sync::CancellationToken,
) -> Acknowledged {
    let mut all = Acknowledged::default();
    let identity = Identity::generate();
    let (mut count, mut last) = (0, Instant::now());
    'sessions: while !stop.is_cancelled() {
        let (address, key) = addresses.borrow()[n];
        let Ok(stream) = potok_tests::lines::connect(address, 1).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let client = potok_core::net::tls::TlsClient::new(&identity, potok_core::net::tls::Purpose::Tracker);
        let Ok((stream, _)) = client.connect(stream, Some(key)).await else { continue };
        let mut session = Lines::on(stream);
        while !stop.is_cancelled() {
            let name = format!("n{n}x{count}");
            let Some(said) = session.ask(&format!("register-user {name}")).await else { continue 'sessions };
            if said == "OK 0" {
                all.names.insert(name.clone(), identity.public_key());
                all.longest = all.longest.max(last.elapsed());
                last = Instant::now();
                count += 1;
                if session.ask(&format!("unregister-user {name}")).await.is_none() {
                    continue 'sessions;
                }
            } else {
                // The same again: it may have been done.
                assert!(said.starts_with("ERR unavailable"), "{name}: {said}");
                all.refused += 1;
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_whatever_is_killed() {
    let mut etcd = EtcdServers::start(3);
    let folders = TrackerFolders::new(&etcd, "new_names_per_address = 1000000\nnames_per_key = 1000000\n");
    let mut trackers: Vec<Option<Tracker>> = (0..3).map(|n| Some(folders.start(program(), n))).collect();
    let places = |trackers: &[Option<Tracker>]| -> Vec<_> {
        trackers.iter().flatten().map(|tracker| (tracker.address, tracker.key)).collect()
    };
    let (tell, told) = tokio::sync::watch::channel(places(&trackers));
    let stop = tokio_util::sync::CancellationToken::new();
    let claimers: Vec<_> = (0..3).map(|n| tokio::spawn(claim_on(told.clone(), n, stop.clone()))).collect();
    let moment = || tokio::time::sleep(Duration::from_millis(700));
    for n in 0..3 {
        moment().await;
        etcd.kill(n);
        moment().await;
        etcd.restart(n);
        moment().await;
        if let Some(tracker) = trackers[n].take() {
            tracker.running.kill();
        }
        trackers[n] = Some(folders.start(program(), n));
        tell.send_replace(places(&trackers));
    }
    moment().await;
    (0..3).for_each(|n| etcd.kill(n));
    etcd.restart_all();
    moment().await;
    stop.cancel();
    let mut all = BTreeMap::new();
    for (n, claimer) in claimers.into_iter().enumerate() {
        let acknowledged = claimer.await.expect("no panic");
        eprintln!(
            "tracker {n}: {} names, {} refused, longest silence {:.1} s",
            acknowledged.names.len(),
            acknowledged.refused,
            acknowledged.longest.as_secs_f64()
        );
        assert!(acknowledged.names.len() > 10, "tracker {n} got no names");
        all.extend(acknowledged.names);
    }
    let kept = etcd.etcdctl(&["get", "--prefix", "potok/n/", "--print-value-only"]);
    let mut owners = BTreeMap::new();
    for line in kept.lines().filter(|line| !line.is_empty()) {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let name = value["name"].as_str().expect("a name").to_owned();
        let key: PublicKey = value["key"].as_str().expect("a key").parse().expect("a key");
        assert!(owners.insert(name.clone(), key).is_none(), "{name} twice");
    }
    let lost: Vec<_> = all.iter().filter(|(name, key)| owners.get(*name) != Some(key)).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), all.len());
    // Every tracker says the same of them.
    let stranger = Identity::generate();
    for tracker in trackers.iter().flatten() {
        let mut session = tracker.session(&stranger).await;
        for name in all.keys().step_by(all.len() / 50 + 1) {
            until(&mut session, &format!("register-user {name}"), "ERR name-taken").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_without_its_etcd_reads_and_lets_owners_in() {
    let mut etcd = EtcdServers::start(1);
    let folders = TrackerFolders::new(&etcd, "");
    let (one, two) = (folders.start(program(), 1), folders.start(program(), 2));
    let (anna, eve) = (Identity::generate(), Identity::generate());
    let (said, mut session) = register(&one, &anna, "anna").await;
    assert_eq!(said, "OK 0");
    let mut stranger = two.session(&eve).await;
    // While nobody is here under it only the replica can say whose it is.
    session.expect("unregister-user anna", "OK 0").await;
    until(&mut stranger, "list-users", "OK 0").await;
    until(&mut stranger, "register-user anna", "ERR name-taken").await;
    session.expect("register-user anna 4001", "OK 0").await;
    etcd.kill(0);
    session.expect("list-users", "OK 1").await;
    assert_eq!(register(&two, &anna, "anna").await.0, "OK 0", "the replica knows whose it is");
    let began = Instant::now();
    stranger.expect("register-user eve", "ERR unavailable").await;
    eprintln!("a new name was refused after {:.1} s", began.elapsed().as_secs_f64());
    stranger.expect("register-user anna", "ERR name-taken").await;
    etcd.restart(0);
    until(&mut stranger, "register-user eve", "OK 0").await;
    // What etcd has forgotten by the time that a tracker listens again is read anew.
    two.running.signal("STOP");
    let vera = Identity::generate();
    let mut newcomer = one.session(&vera).await;
    until(&mut newcomer, "register-user vera", "OK 0").await;
    let status = etcd.etcdctl(&["endpoint", "status", "--write-out=json"]);
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    let revision = status[0]["Status"]["header"]["revision"].as_u64().expect("a revision").to_string();
    etcd.etcdctl(&["compact", &revision]);
    etcd.kill(0);
    etcd.restart(0);
    two.running.signal("CONT");
    let mut other = two.session(&Identity::generate()).await;
    until(&mut other, "register-user vera", "ERR name-taken").await;
    stranger.expect("whoami", "OK 1").await;
}
