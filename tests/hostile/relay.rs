//! Those who would use the relay for something else, or keep others from it: each row is done to one tracker, and two who
//! may are relayed after each.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use potok_core::model::key::PublicKey;
use potok_core::net::identity::Identity;
use potok_core::net::tls::{Encrypted, Purpose, TlsClient};
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::world::TestTracker;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A user with a session, seen at this address.
struct Member {
    name: String,
    stream: BufReader<Encrypted<TcpStream>>,
}

async fn from(at: u8, tracker: &TestTracker) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(IpAddr::from([127, 0, 0, at]), 0)).expect("an address of loopback");
    socket.connect(tracker.handle.address()).await.expect("connects")
}

impl Member {
    async fn join(tracker: &TestTracker, name: &str, at: u8) -> Self {
        let identity = Identity::generate();
        let key: PublicKey = tracker.handle.key();
        let client = TlsClient::new(&identity, Purpose::Tracker);
        let (stream, _key) = client.connect(from(at, tracker).await, Some(key)).await.expect("a handshake");
        let mut member = Self { name: name.to_owned(), stream: BufReader::new(stream) };
        member.say(&format!("register-user {name} 4001")).await;
        member.hear("OK 0").await;
        member
    }

    async fn say(&mut self, line: &str) {
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes()).await.expect("sent");
        self.stream.get_mut().flush().await.expect("flushed");
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(PATIENCE, self.stream.read_line(&mut line)).await.expect("in time").expect("read");
        assert!(!line.is_empty(), "{}: the session has ended", self.name);
        line.trim_end().to_owned()
    }

    /// The first line that begins like this.
    async fn hear(&mut self, begin: &str) -> String {
        loop {
            let line = self.line().await;
            if line.starts_with(begin) {
                return line;
            }
        }
    }
}

/// The tickets of an encounter: of who asks, and of who is asked.
async fn encounter(asker: &mut Member, target: &mut Member) -> (String, String) {
    asker.say(&format!("connect {}", target.name)).await;
    let asker_ticket = asker.hear("ticket ").await["ticket ".len()..].to_owned();
    let notice = target.hear("* connect ").await;
    (asker_ticket, notice.split(' ').nth(2).expect("a ticket").to_owned())
}

/// Says a line on a plain connection from there; what comes behind the greeting is left.
async fn ask(tracker: &TestTracker, at: u8, line: &str) -> BufReader<TcpStream> {
    let mut stream = from(at, tracker).await;
    stream.write_all(format!("{line}\n").as_bytes()).await.expect("sent");
    let mut stream = BufReader::new(stream);
    let mut greeting = String::new();
    timeout(PATIENCE, stream.read_line(&mut greeting)).await.expect("in time").expect("read");
    stream
}

async fn answer(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    timeout(PATIENCE, stream.read_line(&mut line)).await.expect("in time").expect("read");
    line.trim_end().to_owned()
}

/// Two who may are relayed, and what one says the other hears, not a byte more.
async fn relayed(tracker: &TestTracker, number: u8, after: &str) {
    let mut asker = Member::join(tracker, &format!("one{number}"), 1).await;
    let mut target = Member::join(tracker, &format!("two{number}"), 2).await;
    let tickets = encounter(&mut asker, &mut target).await;
    let mut one = ask(tracker, 1, &format!("relay {}", tickets.0)).await;
    let mut two = ask(tracker, 2, &format!("relay {}", tickets.1)).await;
    assert_eq!((answer(&mut one).await, answer(&mut two).await), ("OK 0".into(), "OK 0".into()), "after {after}");
    one.get_mut().write_all(b"ping\nregister-user mallory\n").await.expect("sent");
    one.get_mut().shutdown().await.expect("shut");
    let mut heard = String::new();
    timeout(PATIENCE, two.read_to_string(&mut heard)).await.expect("in time").expect("read");
    assert_eq!(heard, "ping\nregister-user mallory\n", "after {after}: it is no command any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_serves_the_two_of_an_encounter_and_nobody_else() {
    let settings = TrackerSettings { relay: true, ..TrackerSettings::default() };
    let tracker = TestTracker::start(settings).await;
    let (mut anna, mut ivan) = (Member::join(&tracker, "anna", 1).await, Member::join(&tracker, "ivan", 2).await);
    let mut mallory = Member::join(&tracker, "mallory", 66).await;
    relayed(&tracker, 1, "nothing").await;

    // A tunnel to elsewhere, and what is no ticket of anybody.
    for line in [
        "relay",
        "relay 192.0.2.1:80",
        "relay AAAAAAAAAAAAAAAAAAAAAA",
        "relay AAAAAAAAAAAAAAAAAAAAAA 192.0.2.1:80",
        "relay http://192.0.2.1/",
        "relay localhost:22",
        "CONNECT 192.0.2.1:80 HTTP/1.1",
        "relay ivan",
    ] {
        let mut stream = ask(&tracker, 66, line).await;
        let said = answer(&mut stream).await;
        assert!(said.is_empty() || said.starts_with("ERR "), "{line}: {said}");
    }
    relayed(&tracker, 2, "tunnels to elsewhere").await;

    // Tickets of two encounters do not fit together; one that was shown is worth nothing.
    let (to_ivan, of_ivan) = encounter(&mut mallory, &mut ivan).await;
    let (to_anna, _of_anna) = encounter(&mut mallory, &mut anna).await;
    let mut waits = ask(&tracker, 66, &format!("relay {to_anna}")).await;
    let mut stolen = ask(&tracker, 66, &format!("relay {to_anna}")).await;
    assert!(answer(&mut stolen).await.starts_with("ERR gone"), "one side is not both");
    let mut other = ask(&tracker, 66, &format!("relay {to_ivan}")).await;
    let mut thief = ask(&tracker, 67, &format!("relay {of_ivan}")).await;
    // Whoever stole both tickets of an encounter has a connection between two sockets of their own.
    assert_eq!((answer(&mut other).await, answer(&mut thief).await), ("OK 0".into(), "OK 0".into()));
    for ticket in [&to_ivan, &of_ivan] {
        let mut again = ask(&tracker, 67, &format!("relay {ticket}")).await;
        assert!(answer(&mut again).await.starts_with("ERR gone"), "shown again");
    }
    assert!(answer(&mut waits).await.starts_with("ERR gone"), "nobody came");
    drop((other, thief));
    relayed(&tracker, 3, "stolen tickets").await;

    // Floods: by thousands of lines on one connection, and by many that wait.
    let flood = format!("{}\n", vec!["relay AAAAAAAAAAAAAAAAAAAAAA"; 2_000].join("\n"));
    let mut stream = ask(&tracker, 66, "ping").await;
    stream.get_mut().write_all(flood.as_bytes()).await.expect("sent");
    assert_eq!(answer(&mut stream).await, "OK 0");
    let (flooding, _of_anna) = encounter(&mut mallory, &mut anna).await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(ask(&tracker, 66, &format!("relay {flooding}")).await);
    }
    relayed(&tracker, 4, "floods").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_with_many_keys_does_not_take_it_all() {
    let settings =
        TrackerSettings { relay: true, relays: 12, relay_bytes_per_user_day: 100_000, ..TrackerSettings::default() };
    let tracker = TestTracker::start(settings).await;
    let mut held = Vec::new();
    let mut targets = Vec::new();
    for name in ["t1", "t2"] {
        targets.push(Member::join(&tracker, name, 66).await);
    }
    for name in ["m1", "m2", "m3", "m4", "m5", "m6"] {
        let mut key = Member::join(&tracker, name, 66).await;
        for target in &mut targets {
            let (one, two) = encounter(&mut key, target).await;
            let mut one = ask(&tracker, 66, &format!("relay {one}")).await;
            let mut two = ask(&tracker, 66, &format!("relay {two}")).await;
            let said = (answer(&mut one).await, answer(&mut two).await);
            let is_relayed = said.0 == "OK 0";
            assert!(is_relayed || said.0.starts_with("ERR limit"), "{said:?}");
            held.extend(is_relayed.then_some((one, two)));
        }
    }
    assert_eq!(held.len(), 8, "four users of one household, two relays each, however many keys there are");
    relayed(&tracker, 5, "one who holds relays and says nothing").await;

    // What a day has for one user ends in the middle of a relay.
    let (one, mut two) = held.pop().expect("one of them");
    let mut one = one.into_inner();
    let sending = tokio::spawn(async move { while one.write_all(&[7; 10_000]).await.is_ok() {} });
    let mut came = Vec::new();
    let _cut_off = timeout(PATIENCE, two.read_to_end(&mut came)).await.expect("it is ended");
    assert!(came.len() >= 100_000, "all of it: {}", came.len());
    sending.abort();
    relayed(&tracker, 6, "one who has used up their day").await;
}
