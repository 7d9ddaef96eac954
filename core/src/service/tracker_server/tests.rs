//! The shell over real sockets, on loopback.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::model::binding::{Ban, BanTarget};
use crate::net::identity::Identity;
use crate::net::local;
use crate::net::tls::{Purpose, TlsClient};
use crate::service::tracker_server::{TrackerHandle, start};
use crate::store::Store;
use crate::tracker::input::OwnerOrder;
use crate::tracker::machine::Tracker;
use crate::tracker::settings::TrackerSettings;

/// Longer than anything here takes; a test that waits so long has failed.
const TOO_LONG: Duration = Duration::from_secs(20);

struct Fixture {
    handle: TrackerHandle,
    identity: Identity,
    store: Arc<Store>,
    _dir: tempfile::TempDir,
}

impl Fixture {
    async fn new(settings: TrackerSettings) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let store = Arc::new(Store::open(&dir.path().join("tracker.redb")).expect("opens").store);
        let identity = Identity::generate();
        let handle = run(settings, &identity, &store).await;
        Self { handle, identity, store, _dir: dir }
    }

    async fn plain(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.handle.address()).await.expect("connected");
        stream.set_nodelay(true).expect("set");
        Client::new(stream)
    }

    async fn tls(&self, identity: &Identity) -> Client<crate::net::tls::Encrypted<TcpStream>> {
        let stream = TcpStream::connect(self.handle.address()).await.expect("connected");
        let client = TlsClient::new(identity, Purpose::Tracker);
        Client::new(client.connect(stream, Some(self.handle.key())).await.expect("handshake").0)
    }
}

async fn run(settings: TrackerSettings, identity: &Identity, store: &Arc<Store>) -> TrackerHandle {
    let listener = local::listen(([127, 0, 0, 1], 0).into()).expect("listens");
    start(listener, settings, identity, store.clone(), CancellationToken::new()).await.expect("starts")
}

struct Client<S> {
    stream: BufReader<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.expect("written");
        self.stream.get_mut().flush().await.expect("flushed");
    }

    /// The next line, without its LF; nothing at the end.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(TOO_LONG, self.stream.read_line(&mut line)).await.expect("in time").expect("read");
        (read > 0).then(|| line.trim_end_matches('\n').to_owned())
    }

    async fn expect(&mut self, line: &str) {
        assert_eq!(self.line().await.as_deref(), Some(line));
    }

    async fn ask_behind_notices(&mut self, question: &str, resyncs: &mut u32) {
        self.send(format!("{question}\n").as_bytes()).await;
        loop {
            let line = self.line().await.expect("an answer");
            *resyncs += u32::from(line == "* resync");
            if line.starts_with("OK ") {
                return;
            }
        }
    }

    async fn ask(&mut self, question: &str, answer: &str) {
        self.send(format!("{question}\n").as_bytes()).await;
        let line = self.line().await.expect("an answer");
        assert!(line.starts_with(answer), "{question}: {line}");
    }
}

#[tokio::test]
async fn a_person_at_telnet_is_greeted_after_a_moment() {
    let fixture = Fixture::new(TrackerSettings::default()).await;
    let mut anna = fixture.plain().await;
    anna.expect("* potok 1 \"Potok\"").await;
    anna.ask("register-user anna 4001", "OK 0").await;
    anna.ask("list-users", "OK 1").await;
    anna.expect("anna 127.0.0.1:4001 -").await;
    assert_eq!(fixture.handle.counts().await.map(|c| (c.sessions, c.users)), Some((1, 1)));
    anna.ask("quit", "OK 0 bye").await;
    assert_eq!(anna.line().await, None);
}

/// As through a proxy that is far from whom it connects for.
#[tokio::test]
async fn who_begins_a_handshake_after_the_greeting_is_no_person_at_telnet() {
    let fixture =
        Fixture::new(TrackerSettings { message_of_the_day: vec!["hello".into(), "all".into()], ..Default::default() })
            .await;
    let stream = TcpStream::connect(fixture.handle.address()).await.expect("connected");
    // The greeting is there, and nobody has read it.
    let mut first = [0];
    assert_eq!(stream.peek(&mut first).await.expect("greeted"), 1);
    assert_eq!(&first, b"*");
    let (identity, client) = (Identity::generate(), TlsClient::new(&Identity::generate(), Purpose::Tracker));
    drop(client.connect(stream, Some(identity.public_key())).await.expect_err("another key than this tracker's"));

    let stream = TcpStream::connect(fixture.handle.address()).await.expect("connected");
    stream.peek(&mut first).await.expect("greeted");
    let client = TlsClient::new(&identity, Purpose::Tracker);
    let (stream, _) = client.connect(stream, Some(fixture.handle.key())).await.expect("handshake");
    let mut anna = Client::new(stream);
    for line in ["* potok 1 \"Potok\"", "* motd \"hello\"", "* motd \"all\""] {
        anna.expect(line).await;
    }
    anna.ask("register-user anna 4001", "OK 0").await;
    anna.ask("list-users", "OK 1").await;
    anna.expect(&format!("anna 127.0.0.1:4001 {}", identity.public_key())).await;
    assert_eq!(fixture.handle.counts().await.map(|c| (c.sessions, c.users)), Some((1, 1)), "none is left of before");
}

/// Text is text for good.
#[tokio::test]
async fn who_has_said_a_word_in_plain_begins_no_handshake() {
    let fixture = Fixture::new(TrackerSettings::default()).await;
    let mut anna = fixture.plain().await;
    anna.expect("* potok 1 \"Potok\"").await;
    anna.ask("ping", "OK 0").await;
    anna.ask("\x16\x03\x01", "ERR ").await;
    anna.ask("ping", "OK 0").await;
}

#[tokio::test]
async fn the_last_answers_come_after_the_last_question() {
    let fixture = Fixture::new(TrackerSettings::default()).await;
    let mut anna = fixture.plain().await;
    anna.send(b"register-user anna\nregister-files anna a, b\nlist-files\nhalf a li").await;
    anna.stream.get_mut().shutdown().await.expect("shut");
    for line in ["* potok 1 \"Potok\"", "OK 0", "OK 0", "OK 2", "anna - - a", "anna - - b"] {
        anna.expect(line).await;
    }
    assert_eq!(anna.line().await, None);
}

/// With the catalog on threads of their own: several people announce and search at once, some go in the middle, and in the
/// end everybody finds exactly what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_have_what_everybody_shares() {
    let settings = TrackerSettings { shards: 3, ..TrackerSettings::default() };
    let fixture = Arc::new(Fixture::new(settings).await);
    let people: Vec<_> = (0..12)
        .map(|n| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move {
                let mut client = fixture.plain().await;
                client.expect("* potok 1 \"Potok\"").await;
                client.ask(&format!("register-user u{n:02}"), "OK 0").await;
                let lines: String = (0..40)
                    .map(|line| format!("register-files u{n:02} {line:02}/a, {line:02}/b, \"c {line:02}\"\n"))
                    .collect();
                client.send(lines.as_bytes()).await;
                if n % 4 == 3 {
                    // They go while they are answered.
                    client.expect("OK 0").await;
                    return None;
                }
                for _ in 0..40 {
                    client.expect("OK 0").await;
                }
                client.ask(&format!("list-files u{n:02} limit=1"), "OK 1 more=").await;
                client.expect(&format!("u{n:02} - - 00/a")).await;
                Some(client)
            })
        })
        .collect();
    let mut stay = Vec::new();
    for person in people {
        stay.extend(person.await.expect("done"));
    }
    assert_eq!(stay.len(), 9);
    // Who is gone is gone as soon as the tracker has seen it.
    while fixture.handle.counts().await.is_some_and(|counts| (counts.users, counts.shares) != (9, 9 * 120)) {
        tokio::task::yield_now().await;
    }
    let mut reader = fixture.plain().await;
    reader.expect("* potok 1 \"Potok\"").await;
    reader.ask("count-files", "OK 1").await;
    reader.expect("1080 0").await;
    reader.send(b"register-user reader\nlist-files\n").await;
    reader.expect("OK 0").await;
    reader.expect("OK 1080").await;
    let mut before = String::new();
    for _ in 0..1080 {
        let line = reader.line().await.expect("a line");
        let key = line.splitn(4, ' ').nth(3).expect("a path").to_owned() + " " + &line[..3];
        assert!(before < key, "in order: {before}, {key}");
        before = key;
    }
    reader.ask("list-folder", "OK 400").await;
    reader.expect("* 0 18 00/").await;
    fixture.handle.stop();
    fixture.handle.join().await;
}

/// Those that the machine does not hear of have their place among the others, and are counted.
#[tokio::test]
async fn pings_are_answered_in_their_turn_wherever_they_are() {
    let fixture = Fixture::new(TrackerSettings::default()).await;
    let mut anna = fixture.plain().await;
    anna.expect("* potok 1 \"Potok\"").await;
    anna.ask("register-user anna 4001", "OK 0").await;
    let mut pings = 0;
    for round in 0..200 {
        let (lines, answers): (&str, &[&str]) = match round % 4 {
            0 => ("ping\n", &["OK 0"]),
            1 => ("ping\nping\n", &["OK 0", "OK 0"]),
            2 => ("ping\nwhoami\nping\n", &["OK 0", "OK 1", "anna 127.0.0.1:4001 -", "OK 0"]),
            _ => ("list-files nobody\nping\n", &["ERR no-such-user", "OK 0"]),
        };
        anna.send(lines.as_bytes()).await;
        pings += lines.matches("ping").count() as u64;
        for answer in answers {
            let line = anna.line().await.expect("an answer");
            assert!(line.starts_with(answer), "{round}: {line}");
        }
    }
    anna.ask("quit", "OK 0 bye").await;
    assert_eq!(anna.line().await, None);
    let counted =
        |tracker: &Tracker| tracker.tally().verbs().find(|(verb, _)| *verb == "ping").map(|(_, all)| all.done);
    assert_eq!(fixture.handle.look(counted).await, Some(Some(pings)));
}

#[tokio::test]
async fn answers_do_not_depend_on_how_the_bytes_were_cut() {
    let fixture = Fixture::new(TrackerSettings::default()).await;
    let script = "ping\r\nregister-user anna 4001\nlist-users\nhello\nregister-files anna \"a, b\"\nlist-files\nquit\n";
    let mut answers = Vec::new();
    for size in [1, 2, 7, script.len()] {
        let mut client = fixture.plain().await;
        for piece in script.as_bytes().chunks(size) {
            client.send(piece).await;
        }
        let mut received = Vec::new();
        while let Some(line) = client.line().await {
            received.push(line);
        }
        answers.push(received);
    }
    assert_eq!(answers[0].len(), 10);
    assert!(answers.iter().all(|received| *received == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_name_belongs_to_its_key_also_after_a_restart() {
    let fixture = Fixture::new(TrackerSettings::default()).await;
    let (anna, mallory) = (Identity::generate(), Identity::generate());
    let mut session = fixture.tls(&anna).await;
    session.expect("* potok 1 \"Potok\"").await;
    session.ask("register-user anna 4001", "OK 0").await;
    session.ask("whoami", "OK 1").await;
    session.expect(&format!("anna 127.0.0.1:4001 {}", anna.public_key())).await;
    let mut other = fixture.tls(&mallory).await;
    other.expect("* potok 1 \"Potok\"").await;
    other.ask("register-user Anna", "ERR name-taken").await;
    // The same key takes its own stale session over.
    let mut again = fixture.tls(&anna).await;
    again.expect("* potok 1 \"Potok\"").await;
    again.ask("register-user anna", "OK 0").await;
    session.expect("* closing \"taken over by a new connection\"").await;
    assert_eq!(session.line().await, None);

    fixture.handle.stop();
    again.expect("* closing \"the tracker stops\"").await;
    let Fixture { handle, identity, store, _dir } = fixture;
    drop((session, other, again));
    handle.join().await;
    let handle = run(TrackerSettings::default(), &identity, &store).await;
    let fixture = Fixture { handle, identity, store, _dir };
    let mut other = fixture.tls(&mallory).await;
    other.expect("* potok 1 \"Potok\"").await;
    other.ask("register-user anna", "ERR name-taken").await;
    let mut session = fixture.tls(&anna).await;
    session.expect("* potok 1 \"Potok\"").await;
    session.ask("register-user anna", "OK 0").await;
}

#[tokio::test]
async fn of_many_who_want_a_name_at_once_one_has_it() {
    let fixture = Arc::new(Fixture::new(TrackerSettings::default()).await);
    for round in 0..5 {
        let mut racers = Vec::new();
        for racer in 0..8 {
            let fixture = fixture.clone();
            let name = if racer % 2 == 0 { format!("Racer{round}") } else { format!("racer{round}") };
            racers.push(tokio::spawn(async move {
                let identity = Identity::generate();
                let mut session = fixture.tls(&identity).await;
                session.expect("* potok 1 \"Potok\"").await;
                session.send(format!("register-user {name}\nping\n").as_bytes()).await;
                let answer = session.line().await.expect("an answer");
                session.expect("OK 0").await;
                (answer == "OK 0").then(|| identity.public_key())
            }));
        }
        let mut winners = Vec::new();
        for racer in racers {
            winners.extend(racer.await.expect("no panic"));
        }
        assert_eq!(winners.len(), 1);
        let bindings = fixture.store.bindings().expect("read");
        let binding = bindings.iter().find(|b| b.username.folded() == format!("racer{round}")).expect("on disk");
        assert_eq!(binding.key, winners[0]);
    }
}

#[tokio::test]
async fn a_line_without_end_and_a_browser_are_sent_away() {
    let fixture = Fixture::new(TrackerSettings::default()).await;
    let mut endless = fixture.plain().await;
    endless.send(&vec![b'x'; 300_000]).await;
    endless.expect("* potok 1 \"Potok\"").await;
    let line = endless.line().await.expect("an answer");
    assert!(line.starts_with("ERR too-long "), "{line}");
    assert_eq!(endless.line().await, None);

    let mut browser = fixture.plain().await;
    browser.send(b"POST / HTTP/1.1\r\nHost: tracker\r\n\r\nregister-user evil\r\n").await;
    browser.expect("* potok 1 \"Potok\"").await;
    assert_eq!(browser.line().await, None);
    assert_eq!(fixture.handle.counts().await.map(|counts| counts.users), Some(0));
}

#[tokio::test]
async fn a_reader_of_long_lists_holds_nobody_up_and_finds_no_notice_among_their_lines() {
    // Room for one notice: the reader falls behind, too.
    let settings =
        TrackerSettings { notice_window_milliseconds: 1, send_queue_bytes: 50, ..TrackerSettings::default() };
    let fixture = Fixture::new(settings).await;
    let mut anna = fixture.plain().await;
    anna.send(b"register-user anna\n").await;
    anna.expect("* potok 1 \"Potok\"").await;
    anna.expect("OK 0").await;
    for from in (0..20_000).step_by(500) {
        let files: Vec<String> = (from..from + 500).map(|n| format!("a long folder name/file {n:06}.txt")).collect();
        anna.ask(&format!("register-files anna {}", files.join(",")), "OK 0").await;
    }
    // It asks ten times and reads nothing: more than all buffers on the way hold.
    let mut slow = fixture.plain().await;
    slow.send(b"register-user slow\n").await;
    slow.expect("* potok 1 \"Potok\"").await;
    slow.expect("OK 0").await;
    slow.send(b"watch\n").await;
    slow.send(&b"list-files\n".repeat(10)).await;
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(500) {
        anna.ask("unregister-files anna a long folder name/file 000000.txt", "OK 0").await;
        anna.ask("register-files anna a long folder name/file 000000.txt", "OK 0").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (mut lists, mut resyncs) = (0, 0);
    while lists < 10 {
        let line = slow.line().await.expect("a line");
        if line.starts_with("* ") {
            resyncs += u32::from(line == "* resync");
            continue;
        }
        let count = line.strip_prefix("OK ").and_then(|n| n.parse::<u32>().ok()).expect("the first line of an answer");
        lists += u32::from(count > 0);
        for _ in 0..count {
            let line = slow.line().await.expect("a line");
            assert!(line.starts_with("anna - - a long"), "{line}");
        }
    }
    slow.ask_behind_notices("ping", &mut resyncs).await;
    assert!(resyncs > 0, "it was told that it fell behind");
}

#[tokio::test]
async fn connections_of_one_address_are_counted() {
    let settings = TrackerSettings { connections_per_address: 2, ..TrackerSettings::default() };
    let fixture = Fixture::new(settings).await;
    let (mut one, mut two, mut three) = (fixture.plain().await, fixture.plain().await, fixture.plain().await);
    one.send(b"ping\n").await;
    two.send(b"ping\n").await;
    for client in [&mut one, &mut two] {
        client.expect("* potok 1 \"Potok\"").await;
        client.expect("OK 0").await;
    }
    assert_eq!(three.line().await, None);
    one.ask("quit", "OK").await;
    assert_eq!(one.line().await, None);
    drop(one);
    // Its place is free as soon as its session has ended.
    let since = Instant::now();
    loop {
        let mut four = fixture.plain().await;
        if four.line().await.is_some() {
            break;
        }
        assert!(since.elapsed() < TOO_LONG);
    }
}

#[tokio::test]
async fn the_owner_shuts_somebody_out_for_good() {
    let fixture = Fixture::new(TrackerSettings::default()).await;
    let mallory = Identity::generate();
    let mut session = fixture.tls(&mallory).await;
    session.expect("* potok 1 \"Potok\"").await;
    session.ask("register-user mallory", "OK 0").await;
    let ban = Ban::new(BanTarget::Key(mallory.public_key()), None);
    assert!(fixture.handle.order(OwnerOrder::Ban(ban.clone())).await);
    session.expect("* closing \"the owner of this tracker has shut you out\"").await;
    assert_eq!(session.line().await, None);
    let mut session = fixture.tls(&mallory).await;
    session.expect("* potok 1 \"Potok\"").await;
    assert!(session.line().await.expect("a refusal").starts_with("ERR banned "));
    let Fixture { handle, store, .. } = fixture;
    handle.stop();
    handle.join().await;
    assert_eq!(store.bans().expect("read"), [ban]);
}

#[tokio::test]
async fn it_stops_at_once_with_sessions_of_every_kind() {
    let fixture = Fixture::new(TrackerSettings::default()).await;
    let silent = fixture.plain().await;
    let mut idle = fixture.plain().await;
    idle.expect("* potok 1 \"Potok\"").await;
    let tls = fixture.tls(&Identity::generate()).await;
    let mut half = fixture.plain().await;
    half.send(&[0x16, 3, 1]).await;
    let since = Instant::now();
    fixture.handle.stop();
    fixture.handle.join().await;
    assert!(since.elapsed() < Duration::from_secs(2));
    idle.expect("* closing \"the tracker stops\"").await;
    drop((silent, tls, half));
}
