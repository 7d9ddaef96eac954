//! A network that breaks, between a client and its tracker, and between two peers: nothing wrong is finished, and when
//! the weather clears all is as it should be.

use std::sync::Arc;

use potok_core::model::invite::{HostPort, TrackerAddress};
use potok_core::net::identity::Identity;
use potok_core::node::intent::Intent;
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::chaos::{Chaos, Weather};
use potok_tests::evil_peer::{EvilPeer, Manner, Say, right};
use potok_tests::lines::Lines;
use potok_tests::program::PATIENCE;
use potok_tests::world::{Person, TestTracker, noise, scaled};
use tokio::runtime::Runtime;

use Weather::{
    Bytewise, Clear, CorruptAfter, CutAfter, Delay, EndsAfter, HalfOpenAfter, LosesAfter, Nobody, RepeatsAfter,
};

/// Bad for the first connections, then clear. A connection that fails is tried again a few seconds later.
const PEERS: &[(&str, &[Weather])] = &[
    ("slow", &[Delay(20)]),
    ("cut in the handshake", &[CutAfter(100), Clear]),
    ("ends in the handshake", &[EndsAfter(400), Clear]),
    ("cut in the list", &[CutAfter(900), Clear]),
    ("cut in a block", &[CutAfter(400_000), Clear]),
    ("ends in a block", &[EndsAfter(300_000), Clear]),
    ("ends in two blocks", &[EndsAfter(300_000), EndsAfter(300_000), Clear]),
    ("one wrong bit in the handshake", &[CorruptAfter(50), Clear]),
    ("one wrong bit in a block", &[CorruptAfter(350_000), Clear]),
    ("bytes left out", &[LosesAfter(350_000), Clear]),
    ("bytes twice", &[RepeatsAfter(350_000), Clear]),
    ("byte by byte at first", &[CutAfter(20_000), Bytewise]),
];

/// Noticed only by waiting: 20 seconds of silence.
const SILENT_PEERS: &[(&str, &[Weather])] = &[
    ("half-open in a block", &[HalfOpenAfter(400_000), Clear]),
    ("half-open in the handshake", &[HalfOpenAfter(100), Clear]),
    ("nobody there at first", &[Nobody, Clear]),
];

const TRACKERS: &[(&str, &[Weather])] = &[
    ("slow", &[Delay(20)]),
    ("byte by byte", &[Bytewise]),
    ("cut in the handshake", &[CutAfter(100), Clear]),
    ("ends in the handshake", &[EndsAfter(300), Clear]),
    ("cut behind the handshake", &[CutAfter(900), Clear]),
    ("ends again and again", &[EndsAfter(800), EndsAfter(900), Clear]),
    ("one wrong bit in the handshake", &[CorruptAfter(50), Clear]),
    ("one wrong bit later", &[CorruptAfter(800), Clear]),
    ("bytes left out", &[LosesAfter(800), Clear]),
    ("bytes twice", &[RepeatsAfter(800), Clear]),
];

fn honest(request: potok_core::protocol::peer::Request, data: &[u8]) -> Say {
    Say::Bytes(right(request, data))
}

/// One downloader, all kinds of weather at the same time.
#[test]
fn a_download_comes_through_any_weather() {
    let runtime = Runtime::new().expect("a runtime");
    let tracker = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let bob = Person::with("bob", |settings| settings.downloads_at_once = 32);
    bob.join(&tracker.address());
    let long_run = scaled(1) > 1;
    let kinds: Vec<_> = PEERS.iter().chain(SILENT_PEERS.iter().filter(|_| long_run)).collect();
    let mut owners = Vec::new();
    for (n, (what, forecast)) in kinds.iter().enumerate() {
        let data = noise(n as u64, 700_000);
        let (identity, name) = (Identity::generate(), format!("owner-{n}"));
        owners.push(runtime.block_on(async {
            let peer = EvilPeer::start(&identity, Manner::Honest, honest, data.clone()).await;
            let proxy = Chaos::start(peer.address, forecast).await;
            let mut session = Lines::tls(tracker.handle.address(), tracker.handle.key(), &identity).await;
            session.expect(&format!("register-user {name} {}", proxy.address.port()), "OK 0").await;
            let (size, hash) = (data.len(), blake3::hash(&data));
            session.expect(&format!("register-files {name} \"f-{n}\" size={size} hash={hash}"), "OK 0").await;
            (peer, proxy, session)
        }));
        let number = bob.download(&name, &format!("f-{n}"), &format!("f-{n}")).expect(what);
        assert_eq!(number, potok_core::model::transfer::TransferId(n as u64 + 1), "numbers are given in order");
    }
    for (n, (what, forecast)) in kinds.iter().enumerate() {
        assert_eq!(bob.over(potok_core::model::transfer::TransferId(n as u64 + 1), PATIENCE), Some(None), "{what}");
        assert!(std::fs::read(bob.path(&format!("f-{n}"))).expect("read") == noise(n as u64, 700_000), "{what}");
        assert!(owners[n].1.connections() >= forecast.len(), "{what}: the weather was not met");
    }
    assert_eq!(bob.liars(), Vec::<String>::new(), "the network is nobody's lie");
}

/// Ten clients, each behind a weather of its own.
#[test]
fn a_client_finds_its_way_back_through_any_weather() {
    let runtime = Runtime::new().expect("a runtime");
    let tracker = Arc::new(runtime.block_on(TestTracker::start(TrackerSettings::default())));
    let mut people = Vec::new();
    for (n, (what, forecast)) in TRACKERS.iter().enumerate() {
        let proxy = runtime.block_on(Chaos::start(tracker.handle.address(), forecast));
        let address = HostPort::new("127.0.0.1", proxy.address.port()).expect("an address").into();
        let person = Person::new(&format!("person-{n}"));
        let file = person.write("mine.txt", &noise(n as u64, 5_000));
        person.share(&file).expect("shared");
        person.begin(Intent::Join(TrackerAddress { address, key: Some(tracker.handle.key()), token: None }));
        people.push((what, person, proxy));
    }
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        // All may be there for a moment on connections that are about to break.
        let sunny =
            people.iter().zip(TRACKERS).all(|((_, _, proxy), (_, forecast))| proxy.connections() >= forecast.len());
        let counts = runtime.block_on(tracker.handle.counts()).expect("runs");
        if sunny && (counts.users, counts.shares) == (TRACKERS.len(), TRACKERS.len()) {
            break;
        }
        let connections: Vec<_> = people.iter().map(|(what, _, proxy)| (what, proxy.connections())).collect();
        assert!(std::time::Instant::now() < until, "not all are back: {counts:?}, {connections:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for (what, person, _) in &people {
        assert!(person.ask(Intent::WhoAmI).is_ok(), "{what}");
    }
}

/// Several addresses of one network: one where nobody is, one where somebody else answers, two that lead there.
#[test]
fn who_loses_one_tracker_of_a_network_is_at_another() {
    let runtime = Runtime::new().expect("a runtime");
    let tracker = Arc::new(runtime.block_on(TestTracker::start(TrackerSettings::default())));
    let impostor = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let way = || runtime.block_on(Chaos::start(tracker.handle.address(), &[Clear]));
    let (one, other) = (way(), way());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("an address");
    let addresses = [nobody, impostor.handle.address(), one.address, other.address].map(|at| at.to_string());
    let key = tracker.handle.key();
    let invite: TrackerAddress = format!("potok://{}/?key={key}", addresses.join(",")).parse().expect("an invite");
    let people: Vec<Person> = (0..4).map(|n| Person::new(&format!("person-{n}"))).collect();
    people.iter().for_each(|person| person.join(&invite));
    // Nobody comes by this way any more.
    drop(one);
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let counts = runtime.block_on(tracker.handle.counts()).expect("runs");
        let are_there = people.iter().all(|person| person.ask(Intent::WhoAmI).is_ok());
        if are_there && counts.users == people.len() && other.connections() >= people.len() {
            break;
        }
        assert!(std::time::Instant::now() < until, "not all are back: {counts:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let counts = runtime.block_on(impostor.handle.counts()).expect("runs");
    assert_eq!(counts.users, 0, "nobody says a word to somebody else");
}
