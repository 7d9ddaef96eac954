//! Several trackers of one network, and strangers at the port by which they link.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use potok_core::net::identity::Identity;
use potok_core::net::tls::{Purpose, TlsClient};
use potok_core::tracker::mesh::{BEAT_EVERY, ListedTracker};
use potok_tests::lines::{Lines, connect};
use potok_tests::program::PATIENCE;
use potok_tests::world::TestTracker;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

async fn session(tracker: &TestTracker, name: &str, identity: &Identity) -> Lines {
    let mut lines = Lines::tls(tracker.handle.address(), tracker.handle.key(), identity).await;
    lines.expect(&format!("register-user {name} 4001"), "OK 0").await;
    lines
}

/// Asks until the answer is so.
async fn until(lines: &mut Lines, question: &str, is_so: impl Fn(&str, &[String]) -> bool) -> Vec<String> {
    let by = Instant::now() + PATIENCE;
    loop {
        let (head, data) = lines.list(question).await.expect("an answer");
        if is_so(&head, &data) {
            return data;
        }
        assert!(Instant::now() < by, "{question}: {head} {data:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_trackers_are_one_network() {
    let mut trackers = TestTracker::start_linked(3).await;
    let ids: Vec<Identity> = (0..3).map(|_| Identity::generate()).collect();
    let mut people = Vec::new();
    for (tracker, (name, id)) in trackers.iter().zip(["anna", "boris", "carol"].into_iter().zip(&ids)) {
        let mut person = session(tracker, name, id).await;
        person.expect(&format!("register-files {name} Trip/{name}.txt, {name}.pdf"), "OK 0").await;
        people.push(person);
    }
    for person in &mut people {
        until(person, "list-users", |_, users| users.len() == 3).await;
        let found = until(person, "search trip limit=10", |_, files| files.len() == 3).await;
        assert!(found[0].ends_with("Trip/anna.txt") && found[2].ends_with("Trip/carol.txt"), "{found:?}");
        until(person, "count-files", |_, count| count == ["6 0"]).await;
        until(person, "list-files boris", |_, files| files.len() == 2).await;
        until(person, "list-totals", |_, totals| totals == ["anna 2 0", "boris 2 0", "carol 2 0"]).await;
    }
    // Who comes anew at another tracker takes over from their own session there.
    let mut again = session(&trackers[1], "anna", &ids[0]).await;
    let last = people[0].to_end().await;
    assert!(last.last().is_some_and(|line| line.starts_with("* closing")), "{last:?}");
    until(&mut again, "list-users", |_, users| users.len() == 3).await;
    // With a tracker go its users, a moment later; what is asked is said to be a part until then.
    let carol = trackers.pop().expect("the third");
    carol.handle.stop();
    carol.handle.join().await;
    until(&mut again, "list-users", |_, users| users.len() == 2).await;
    until(&mut again, "count-files", |_, count| count == ["2 0"]).await;
}

/// A tracker of the list that says what it likes; it dials those whose addresses come after its own.
struct FaultyTracker {
    lines: Lines,
}

const FAULTY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

impl FaultyTracker {
    /// Links to a tracker, and has read how that greets: what it knows already.
    async fn link(to: &TestTracker) -> (Self, String) {
        let tls = TlsClient::new(to.identity(), Purpose::Mesh);
        let stream = connect(to.mesh().await, 1).await.expect("connected");
        let (stream, _) = tls.connect(stream, Some(to.handle.key())).await.expect("its key is listed");
        let mut faulty = Self { lines: Lines::on(stream) };
        faulty.say(&format!("hello 1 {FAULTY} 5 0 0")).await;
        let hello = faulty.hears("hello 1 ").await;
        (faulty, hello)
    }

    async fn say(&mut self, line: &str) {
        assert!(self.lines.send(format!("{line}\n").as_bytes()).await, "{line}: the link is cut");
    }

    /// What the other side says that begins so.
    async fn hears(&mut self, start: &str) -> String {
        loop {
            let line = self.lines.line().await.unwrap_or_else(|| panic!("the link is cut before {start}"));
            if line.starts_with(start) {
                return line;
            }
        }
    }

    /// Lives on until somebody sees these users.
    async fn until_seen(&mut self, by: &mut Lines, beat: &str, users: &[&str]) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.say(beat).await;
            let (_, seen) = by.list("list-users").await.expect("an answer");
            let seen: Vec<&str> = seen.iter().filter_map(|line| line.split(' ').next()).collect();
            if seen == users {
                return;
            }
            assert!(Instant::now() < end, "{seen:?}, not {users:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_tracker_of_the_network_is_cut_and_goes_on_where_it_was() {
    let trackers = TestTracker::start_linked(2).await;
    for tracker in &trackers {
        let mut listed = Vec::new();
        for one in &trackers {
            listed.push(ListedTracker { at: one.mesh().await, key: one.handle.key() });
        }
        listed.push(ListedTracker { at: FAULTY, key: tracker.handle.key() });
        tracker.handle.set_trackers(listed).await;
    }
    let (anna, boris) = (Identity::generate(), Identity::generate());
    let mut person = session(&trackers[0], "anna", &anna).await;
    let mut other = session(&trackers[1], "boris", &boris).await;
    until(&mut person, "list-users", |_, users| users.len() == 2).await;
    let mut watcher = Lines::plain(trackers[0].handle.address()).await;
    watcher.expect("watch", "OK 0").await;

    let (mut faulty, hello) = FaultyTracker::link(&trackers[0]).await;
    assert!(hello.ends_with(" 5 0"), "it knows nothing of this start: {hello}");
    // The same thing again, and what belongs to no snapshot, is nothing new.
    for line in
        ["snapshot 1 1", "item 1 0 1 eve - 5 - - 0 0 0", "item 1 0 1 eve - 5 - - 0 0 0", "snapshot 1 1", "whole 1 1 1"]
    {
        faulty.say(line).await;
    }
    faulty.until_seen(&mut person, "beat 1 1", &["anna", "boris", "eve"]).await;
    for line in
        ["whole 1 1 1", "whole 9 1 1", "here 1 eve - 5 - - 0 0 0", "item 7 0 1 olga - 5 - - 0 0 0", "gone 1 eve"]
    {
        faulty.say(line).await;
    }
    // What has something missing before it, and what cannot be so, is asked for again.
    faulty.say("here 9 olga - 5 - - 0 0 0").await;
    assert_eq!(faulty.hears("again ").await, "again 5 1");
    faulty.until_seen(&mut person, "beat 1 1", &["anna", "boris", "eve"]).await;
    // It asks no more often than trackers beat.
    sleep(BEAT_EVERY).await;
    faulty.say("beat 1 7").await;
    assert_eq!(faulty.hears("again ").await, "again 0 0");

    let long = format!("here 2 {} - 5 - - 0 0 0", "x".repeat(5000));
    for wrong in [&b"what is this\n"[..], b"\xff\xfe\n", b"here 2 eve - - - - 0 0 0\n", long.as_bytes(), b"\n"] {
        // What is left of the line does not come any more if the link is cut in its middle.
        let _maybe_cut = faulty.lines.send(wrong).await;
        let _rest = faulty.lines.rest().await;
        let hello;
        (faulty, hello) = FaultyTracker::link(&trackers[0]).await;
        assert!(hello.ends_with(" 5 1"), "it goes on behind what was told: {hello}");
        faulty.until_seen(&mut person, "beat 1 1", &["anna", "boris", "eve"]).await;
    }
    // Those of the other trackers have heard nothing of all that.
    other.expect("register-files boris notes.txt", "OK 0").await;
    until(&mut person, "search notes limit=5", |_, files| files.len() == 1).await;
    drop(faulty);
    until(&mut person, "list-users", |_, users| users.len() == 2).await;
    let mut told: Vec<String> = Vec::new();
    while told.last().is_none_or(|line| !line.starts_with("* left eve")) {
        told.push(watcher.line().await.expect("it is told of who goes"));
    }
    let of = |name: &str| told.iter().filter(|line| line.split(' ').any(|word| word == name)).count();
    assert_eq!((of("eve"), of("olga"), of("anna")), (2, 0, 0), "eve came and went, and nobody else: {told:?}");
}

/// What a stranger does at the port of the links.
async fn knock(what: &str, at: SocketAddr, own: &TestTracker) {
    let wrong = Identity::generate();
    let tls = |identity: &Identity, purpose| TlsClient::new(identity, purpose);
    let stream = || async { connect(at, 1).await.expect("connected") };
    let says_nothing = |stream: Lines| async move {
        let mut stream = stream;
        let rest = stream.rest().await;
        assert!(rest.is_empty(), "{what}: {:?}", String::from_utf8_lossy(&rest));
    };
    match what {
        "text" => {
            let mut lines = Lines::on(stream().await);
            lines.send(b"hello 1 127.0.0.1:1 5 0 0\nlist-users\n").await;
            // An alert of TLS is no line.
            let rest = lines.rest().await;
            assert!(!rest.contains(&b'\n') || rest.len() < 16, "{rest:?}");
        }
        "another key" | "another key that asks" => {
            let purpose = if what == "another key" { Purpose::Mesh } else { Purpose::MeshAsk };
            if let Ok((stream, _)) = tls(&wrong, purpose).connect(stream().await, Some(own.handle.key())).await {
                let mut lines = Lines::on(stream);
                lines.send(b"hello 1 127.0.0.1:1 5 0 0\nlist-users\n").await;
                says_nothing(lines).await;
            }
        }
        "a client" => {
            let connected = tls(&wrong, Purpose::Tracker).connect(stream().await, Some(own.handle.key())).await;
            assert!(connected.is_err(), "{what}: another protocol is not spoken here");
        }
        "nothing" => drop(stream().await),
        "a name that is in no list" | "no line" | "a long line" | "a later version" => {
            let (stream, _) = tls(own.identity(), Purpose::Mesh)
                .connect(stream().await, Some(own.handle.key()))
                .await
                .expect("a key");
            let mut lines = Lines::on(stream);
            let said = match what {
                "a name that is in no list" => b"hello 1 127.0.0.1:1 5 0 0\n".to_vec(),
                "no line" => b"\xff\n".to_vec(),
                "a later version" => b"hello 2 127.0.0.1:1 5 0 0\n".to_vec(),
                _ => vec![b'x'; 100_000],
            };
            lines.send(&said).await;
            says_nothing(lines).await;
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_at_the_links_port_learn_and_change_nothing() {
    let trackers = TestTracker::start_linked(2).await;
    let (anna, boris) = (Identity::generate(), Identity::generate());
    let mut person = session(&trackers[0], "anna", &anna).await;
    let mut other = session(&trackers[1], "boris", &boris).await;
    until(&mut person, "list-users", |_, users| users.len() == 2).await;
    let at = trackers[0].mesh().await;
    for what in [
        "text",
        "another key",
        "another key that asks",
        "a client",
        "nothing",
        "a name that is in no list",
        "no line",
        "a long line",
        "a later version",
    ] {
        timeout(PATIENCE, knock(what, at, &trackers[0])).await.unwrap_or_else(|_| panic!("{what}: no end"));
        until(&mut person, "list-users", |_, users| users.len() == 2).await;
    }
    // Who was in the list and is no more is a stranger again.
    let (gone, mut stay) = (Identity::generate(), Vec::new());
    for tracker in &trackers {
        stay.push(ListedTracker { at: tracker.mesh().await, key: tracker.handle.key() });
    }
    for more in [Some(ListedTracker { at: FAULTY, key: gone.public_key() }), None] {
        trackers[0].handle.set_trackers(stay.iter().cloned().chain(more).collect()).await;
    }
    let _it_has_heard = trackers[0].handle.counts().await;
    let tls = TlsClient::new(&gone, Purpose::Mesh);
    if let Ok((stream, _)) = tls.connect(connect(at, 1).await.expect("connected"), Some(trackers[0].handle.key())).await
    {
        let mut lines = Lines::on(stream);
        lines.send(format!("hello 1 {FAULTY} 5 0 0\n").as_bytes()).await;
        assert!(lines.rest().await.is_empty(), "nothing is said to it");
    }
    until(&mut person, "list-users", |_, users| users.len() == 2).await;
    // Very many who prove nothing: those who are linked already stay so, and new ones come in between.
    let crowd: Vec<TcpStream> = {
        let mut crowd = Vec::new();
        for _ in 0..300 {
            crowd.extend(connect(at, 2).await);
        }
        crowd
    };
    other.expect("register-files boris notes.txt", "OK 0").await;
    until(&mut person, "search notes limit=5", |_, files| files.len() == 1).await;
    for mut stream in crowd {
        let mut byte = [0];
        let closed = timeout(PATIENCE, stream.read(&mut byte)).await.expect("nobody waits for ever");
        assert!(matches!(closed, Ok(0) | Err(_)));
    }
}
