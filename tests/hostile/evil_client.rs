//! Evil clients against one tracker: each row does its worst, and the same tracker serves a good client afterwards, and
//! has lost nothing of what others had.

use std::time::Duration;

use potok_core::net::identity::Identity;
use potok_core::net::tls::{Purpose, TlsClient};
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::forged::{self, Forgery};
use potok_tests::lines::{Lines, connect};
use potok_tests::vectors;
use potok_tests::world::{TestTracker, promised, scaled};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What an evil client does, in order.
#[derive(Debug, Clone, Copy)]
enum Do {
    /// These bytes.
    Say(&'static [u8]),
    /// The same bytes many times, without reading in between.
    Times(usize, &'static [u8]),
    /// So many times a line of this beginning and so many of that.
    Lines(usize, &'static str, &'static str, usize),
    /// Each byte in a packet of its own.
    Bytewise(&'static [u8]),
    /// Reads replies until one begins like this.
    Hear(&'static str),
    /// The tracker ends the session.
    Ended,
    /// Ends its own half, and reads the rest.
    Shut,
    /// Goes without a word, with RST if something is left unread.
    Go,
    /// Stays, says and reads nothing.
    Stay,
}

/// How it comes.
#[derive(Debug, Clone, Copy)]
enum By {
    Plain,
    Tls,
    /// Several at once, from an address of their own.
    Crowd(usize),
}

use By::{Crowd, Plain, Tls};
use Do::{Bytewise, Ended, Go, Hear, Lines as LongLines, Say, Shut, Stay, Times};

const HELLO_OF_TLS_1_2: &[u8] = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03\
    \x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\
    \x00\x00\x04\xc0\x2f\xc0\x30\x01\x00";

const EVIL: &[(&str, By, &[Do])] = &[
    ("says nothing", Plain, &[Stay]),
    ("says nothing after a TLS handshake", Tls, &[Stay]),
    ("trickles half a command and stays", Plain, &[Bytewise(b"register-user mal"), Stay]),
    ("trickles half a command in TLS and stays", Tls, &[Bytewise(b"register-user mal"), Stay]),
    ("half a line, then the end", Plain, &[Say(b"register-user mallory"), Shut]),
    ("half a line, then gone", Plain, &[Say(b"register-user mallory"), Go]),
    ("half a line in TLS, then gone", Tls, &[Say(b"register-user mallory"), Go]),
    ("half of every command, then the end", Plain, &[Say(b"ping\nunregister-user witn"), Shut]),
    ("a line without end", Plain, &[Times(300, &[b'x'; 10_000]), Ended]),
    ("a line without end in TLS", Tls, &[Times(300, &[b'x'; 10_000]), Ended]),
    ("a name without end", Plain, &[Say(b"register-user "), Times(200, &[b'a'; 1_000]), Ended]),
    ("a quoted list without end", Plain, &[Say(b"register-files m \""), Times(200, &[b'\\'; 1_000]), Ended]),
    ("ten thousand commands without reading", Plain, &[Times(10_000, b"ping\n"), Stay]),
    ("ten thousand questions for all lists without reading", Plain, &[Times(10_000, b"list-files\nlist-users\n"), Stay]),
    ("ten thousand questions in TLS without reading", Tls, &[Times(10_000, b"list-files\nlist-users\n"), Stay]),
    ("ten thousand questions, then gone", Tls, &[Times(10_000, b"list-files\n"), Go]),
    ("binary junk", Plain, &[Times(100, b"\x00\x01\x02\xfe\xfd\x80\x81\n\x9b\x1b[2J\n"), Ended]),
    ("zeros", Plain, &[Times(100, &[0; 10_000]), Ended]),
    ("lines that are not UTF-8", Plain, &[Times(20, b"\xc3\x28\n"), Hear("ERR usage"), Ended]),
    ("lines with control characters", Tls, &[Times(20, b"pi\x07ng\n"), Hear("ERR usage"), Ended]),
    ("a browser asks", Plain, &[Say(b"GET / HTTP/1.1\r\nHost: tracker\r\n\r\n"), Ended]),
    (
        "a browser is made to post commands",
        Plain,
        &[Say(b"POST / HTTP/1.1\r\nHost: t\r\n\r\nregister-user mallory\r\nunregister-user witness\r\n"), Ended],
    ),
    ("a header of a browser comes later", Plain, &[Say(b"ping\nHost: tracker\r\nping\n"), Hear("OK"), Ended]),
    ("the beginning of a TLS handshake", Plain, &[Say(b"\x16\x03\x01"), Stay]),
    ("a TLS handshake byte by byte", Plain, &[Bytewise(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), Stay]),
    ("a TLS record that is too long", Plain, &[Say(b"\x16\x03\x01\xff\xff\x01"), Times(100, &[0; 1_000]), Ended]),
    ("a TLS record of another kind", Plain, &[Say(b"\x16\x03\x01\x00\x05hello"), Ended]),
    ("a hello of TLS 1.2", Plain, &[Say(HELLO_OF_TLS_1_2), Ended]),
    ("a hello of SSL 2", Plain, &[Say(b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\n"), Hear("ERR usage"), Go]),
    ("a TLS handshake behind a command", Plain, &[Say(b"ping\n\x16\x03\x01\x02\x00\n"), Hear("OK"), Hear("ERR usage"), Go]),
    ("a command before a TLS handshake, glued to it", Plain, &[Say(b"\x16register-user mallory\n"), Ended]),
    ("telnet options without end", Plain, &[Times(10_000, b"\xff\xfb\x01\xff\xfd\x03"), Say(b"ping\n"), Hear("OK"), Go]),
    ("a telnet sub-negotiation without end", Plain, &[Say(b"\xff\xfa\x18"), Times(300, &[b'x'; 10_000]), Stay]),
    ("telnet options inside of a command", Plain, &[Say(b"pi\xff\xf1n\xff\xfb\x01g\n"), Hear("OK"), Go]),
    ("backspaces without end", Plain, &[Times(60, &[8; 1_000]), Say(b"ping\n"), Hear("OK"), Go]),
    ("empty lines without end", Plain, &[Times(10_000, b"\r\n\n"), Say(b"ping\n"), Hear("OK"), Go]),
    ("another's files", Tls, &[
        Say(b"register-user mallory\nregister-files witness evil.txt\nunregister-files witness mine.txt\n"),
        Hear("OK"), Hear("ERR not-yours"), Hear("ERR not-yours"), Go,
    ]),
    ("another's farewell", Tls, &[
        Say(b"register-user mallory\nunregister-user witness\nunregister-user WITNESS\n"),
        Hear("OK"), Hear("ERR not-yours"), Hear("ERR not-yours"), Go,
    ]),
    ("another's name, in every case", Tls, &[
        Say(b"register-user witness\nregister-user Witness\nregister-user WITNESS 4001\n"),
        Hear("ERR name-taken"), Hear("ERR name-taken"), Hear("ERR name-taken"), Go,
    ]),
    ("another's name as a person", Plain, &[Say(b"register-user witness\nwhoami\n"), Hear("ERR name-taken"), Hear("OK"), Go]),
    ("a name that looks like another's", Tls, &[Say(b"register-user w1tness\nregister-user wItness\n"), Hear("OK"), Go]),
    ("another's second address", Tls, &[
        Say(b"also witness 4001\nregister-user mallory\nalso witness 4001\nalso mallory 4001\n"),
        Hear("ERR not-yours"), Hear("OK"), Hear("ERR not-yours"), Hear("ERR usage"), Go,
    ]),
    ("another is to meet it without end", Tls, &[
        Say(b"register-user mallory 4001\nconnect witness\n"), Hear("OK 0"), Hear("OK"),
        Times(1_000, b"connect witness\n"), Hear("ERR slow-down"), Stay,
    ]),
    ("another is to meet nobody", Plain, &[
        Say(b"connect witness\nregister-user nobody 4001\nconnect witness\n"),
        Hear("ERR not-registered"), Hear("OK"), Hear("ERR unreachable"), Go,
    ]),
    ("is to be dialled where it is not", Tls, &[
        Say(b"reach\nreach 192.0.2.1:4001\nregister-user mallory 22\nreach\nregister-user mallory\nreach\nalso mallory 4001\nreach\n"),
        Hear("ERR not-registered"), Hear("ERR usage"), Hear("ERR usage"), Hear("ERR not-registered"), Hear("OK 0"),
        Hear("ERR unreachable"), Hear("ERR usage"), Hear("ERR unreachable"), Go,
    ]),
    ("is to be dialled for another", Tls, &[
        Say(b"also witness 22222\nreach\nregister-user mallory 22222\nalso witness 22223\n"),
        Hear("ERR not-yours"), Hear("ERR not-registered"), Hear("OK 0"), Hear("ERR not-yours"), Go,
    ]),
    ("is to be dialled without a key", Plain, &[
        Say(b"register-user nobody 22222\nreach\n"), Hear("OK"), Hear("ERR unreachable"), Go,
    ]),
    ("is to be dialled without end", Tls, &[
        Say(b"register-user mallory 22222\n"), Hear("OK 0"), Times(10_000, b"reach\n"), Hear("ERR slow-down"), Stay,
    ]),
    ("has port after port dialled", Tls, &[
        Say(b"register-user mallory 22222\n"), Hear("OK 0"),
        Times(1_000, b"register-user mallory 22223\nreach\nregister-user mallory 22224\nreach\n"), Hear("ERR slow-down"), Go,
    ]),
    ("files without a name", Plain, &[
        Say(b"register-files mallory a\nunregister-files witness mine.txt\n"),
        Hear("ERR not-registered"), Hear("ERR not-registered"), Go,
    ]),
    ("the tracker's own name", Tls, &[Say(b"register-user tracker\nregister-user ROOT\n"), Hear("ERR name-reserved"), Hear("ERR name-reserved"), Go]),
    ("ports and addresses that are not its own", Tls, &[
        Say(b"register-user mallory 22\nregister-user mallory 0\nregister-user mallory 192.0.2.1:4001\nregister-user mallory 70000\n"),
        Hear("ERR usage"), Hear("ERR usage"), Hear("ERR usage"), Hear("ERR usage"), Go,
    ]),
    ("many names, one after the other", Tls, &[
        Say(b"register-user m1\nunregister-user m1\nregister-user m2\nunregister-user m2\nregister-user m3\nunregister-user m3\n"),
        Say(b"register-user m4\nunregister-user m4\nregister-user m5\nunregister-user m5\nregister-user m6\nunregister-user m6\n"),
        Say(b"register-user m7\nunregister-user m7\nregister-user m8\nunregister-user m8\nregister-user m9\n"),
        Hear("ERR limit"), Go,
    ]),
    ("comes and goes without end", Tls, &[
        Say(b"register-user mallory\n"), Times(500, b"unregister-user mallory\nregister-user mallory 4001\n"), Go,
    ]),
    ("a person comes and goes without end", Plain, &[Times(500, b"register-user flap\nunregister-user flap\n"), Go]),
    ("announces and withdraws without end", Tls, &[
        Say(b"register-user mallory\n"), Times(1_000, b"register-files mallory a\nunregister-files mallory a\n"), Go,
    ]),
    ("watches a storm and reads nothing", Tls, &[
        Say(b"register-user mallory\nwatch\n"), Times(1_000, b"register-files mallory a\nunregister-files mallory a\n"), Stay,
    ]),
    ("lines of ten thousand items", Tls, &[Say(b"register-user mallory\n"), LongLines(40, "register-files mallory a", ",a", 9_999), Go]),
    ("lines of nothing but commas", Plain, &[LongLines(50, "register-files mallory ", ",", 30_000), Hear("ERR "), Go]),
    ("searches for as much as fits", Plain, &[LongLines(200, "search ", "eeeeeeee ", 31), Hear("OK"), Go]),
    ("counts for as much as fits", Plain, &[LongLines(200, "count-files min-size=0 ", "eeeeeeee ", 31), Hear("OK"), Go]),
    ("counts everything without reading", Plain, &[
        Times(10_000, b"count-files kind=other min-size=1\nlist-folder kind=other\nlist-totals\n"), Stay,
    ]),
    ("counts everything under a name, then gone", Tls, &[
        Say(b"register-user mallory\n"), Times(5_000, b"count-files e\nlist-folder \"\" e\nlist-folder\nlist-totals\n"), Go,
    ]),
    ("makes ten thousand folders and asks for them again and again", Tls, &[
        Say(b"register-user mallory\n"), LongLines(4, "register-files mallory a", ",a/b/c/d/e/f/g", 4_000),
        Times(500, b"list-folder\nlist-folder a\nlist-folder a/b/c limit=1\nlist-folder after=YS9iAA\n"), Go,
    ]),
    ("sizes that no sum holds", Tls, &[
        Say(b"register-user mallory\nregister-files mallory \"x/a\" size=18446744073709551615, \"x/b\" size=18446744073709551615\n"),
        Say(b"count-files user=mallory\nlist-folder user=mallory\nregister-files mallory \"x/a\" size=1\nunregister-user mallory\n"),
        Hear("OK"), Hear("OK"), Hear("OK 1"), Hear("OK 1"), Hear("OK"), Hear("OK"), Go,
    ]),
    ("folders of junk", Plain, &[
        Times(50, b"list-folder ../..\nlist-folder /\nlist-folder after=____\nlist-folder a//b\nsearch in=\ncount-files in=..\n"), Go,
    ]),
    ("cursors of junk", Plain, &[
        Times(50, b"list-files after=AAAAAAAAAAAA\nlist-users after=____ limit=1\nlist-files after=/w limit=1\n"), Go,
    ]),
    ("forges notices in names", Tls, &[
        Say(b"register-user mallory\nregister-files mallory \"* left witness\", \"OK 0\", \"ERR x y\", \"* resync\"\n"),
        Hear("OK"), Hear("OK"), Go,
    ]),
    ("an owner's commands", Tls, &[
        Say(b"register-user mallory\nkick witness\nban witness 1d \"x\"\nban 127.0.0.1\nunban witness\nbans\nrelease witness\n"),
        Say(b"motd \"mine\"\nrename-network mine\nlimits shares_per_user=1\nbroadcast \"obey\"\nstats\nreload\n"),
        Hear("OK"), Hear("ERR not-yours"), Hear("ERR not-yours"), Hear("ERR not-yours"), Hear("ERR not-yours"),
        Hear("ERR not-yours"), Hear("ERR not-yours"), Hear("ERR not-yours"), Hear("ERR not-yours"), Hear("ERR not-yours"),
        Hear("ERR not-yours"), Hear("ERR not-yours"), Hear("ERR not-yours"), Go,
    ]),
    ("what an owner says about a closed network", Tls, &[
        Say(b"invite any always\ninvites\nrevoke 1\nwaiting\napprove witness\ndeny witness\n"),
        Hear("ERR not-yours"), Hear("ERR not-yours"), Hear("ERR not-yours"), Hear("ERR not-yours"),
        Hear("ERR not-yours"), Hear("ERR not-yours"), Go,
    ]),
    ("tokens of junk", Tls, &[
        Say(b"register-user mallory invite=\nregister-user mallory invite=AAAA\nregister-user mallory invite=\xd0\xb6\n"),
        Hear("ERR usage"), Hear("ERR usage"), Hear("ERR usage"),
        Times(500, b"register-user mallory invite=AAAAAAAAAAAAAAAAAAAAAA\nunregister-user mallory\n"), Go,
    ]),
    ("an owner's commands without end", Plain, &[Times(3_000, b"kick witness\nbans\nstats\nreload\n"), Stay]),
    ("reasons without end", Tls, &[
        Say(b"register-user mallory\n"), LongLines(40, "ban witness 1d ", "x", 60_000), Hear("OK"), Hear("ERR "), Go,
    ]),
    ("half the world, and control characters", Tls, &[
        Say(b"ban 0.0.0.0/0\nban ::/0\nban witness \x1b[2J\nkick witness \xe2\x80\xae\n"),
        Hear("ERR usage"), Hear("ERR usage"), Hear("ERR usage"), Hear("ERR not-yours"), Go,
    ]),
    ("goes on after quit", Plain, &[Say(b"register-user guest\nquit\nregister-files guest a\n"), Hear("OK"), Hear("OK 0 bye"), Ended]),
    ("goes on after its end", Plain, &[Say(b"list-users\n"), Shut]),
    ("asks for help without end", Plain, &[Times(3_000, b"help\n"), Go]),
    ("a crowd that says nothing", Crowd(100), &[Stay]),
    ("a crowd in the middle of handshakes", Crowd(100), &[Say(b"\x16\x03\x01\x02\x00\x01"), Stay]),
    ("a crowd that asks for everything and reads nothing", Crowd(50), &[Times(500, b"list-files\n"), Stay]),
    ("a crowd that wants the same name", Crowd(50), &[Say(b"register-user crowd\nping\n"), Hear("OK"), Go]),
    ("a crowd beyond what an address may have", Crowd(200), &[Say(b"ping\n"), Go]),
    ("a crowd that comes and goes at once", Crowd(200), &[Go]),
];

/// Small enough that a test reaches its bounds.
fn settings() -> TrackerSettings {
    TrackerSettings {
        connections_per_address: 120,
        unregistered_sessions: 150,
        handshakes_per_address: 40,
        shares_per_user: 5_000,
        unregistered_answer_bytes: 1 << 30,
        ..TrackerSettings::default()
    }
}

/// Somebody with a name, a share and a session of their own, all the time.
struct Witness {
    session: Lines,
    identity: Identity,
}

impl Witness {
    async fn come(tracker: &TestTracker) -> Self {
        let identity = Identity::generate();
        let mut session = Lines::tls(tracker.handle.address(), tracker.handle.key(), &identity).await;
        session.expect("register-user witness 4001", "OK 0").await;
        session.expect("register-files witness mine.txt, other.txt", "OK 0").await;
        Self { session, identity }
    }

    /// Still here, with everything.
    async fn is_unharmed(&mut self, what: &str) {
        let (_, me) = self.session.list("whoami").await.unwrap_or_else(|| panic!("{what}: the witness was thrown out"));
        assert_eq!(me, [format!("witness 127.0.0.1:4001 {}", self.identity.public_key())], "{what}");
        let (_, files) = self.session.list("list-files witness").await.expect("a list");
        assert_eq!(files, ["witness - - mine.txt", "witness - - other.txt"], "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_outlives_every_evil_client() {
    assert!(EVIL.len() >= 40, "{}", EVIL.len());
    let tracker = TestTracker::start(settings()).await;
    let mut witness = Witness::come(&tracker).await;
    let mallory = Identity::generate();
    let mut stayed = Vec::new();
    for (what, by, deeds) in EVIL {
        let evil = async {
            match by {
                Plain => stayed.extend(act(what, plain(&tracker).await, deeds).await),
                Tls => stayed.extend(act(what, tls(&tracker, &mallory).await, deeds).await),
                Crowd(many) => stayed.extend(crowd(what, &tracker, scaled(*many), deeds).await),
            }
        };
        timeout(potok_tests::program::PATIENCE, evil).await.unwrap_or_else(|_| panic!("{what}: not over in time"));
        promised(what, || good_client(&tracker)).await;
        witness.is_unharmed(what).await;
        // Too many that stay would be the next row's affair.
        if stayed.len() > 20 {
            stayed.clear();
        }
    }
    let counts = tracker.handle.counts().await.expect("it is the same tracker, and it runs");
    assert!(counts.users < 10, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_takes_no_proof_that_is_none() {
    let tracker = TestTracker::start(settings()).await;
    let mut witness = Witness::come(&tracker).await;
    // What fits one handshake in a few is tried more often.
    let often = std::iter::repeat_n(Forgery::SmallOrder, scaled(30));
    for forgery in Forgery::ALL.into_iter().chain(often) {
        let what = format!("{forgery:?}");
        let stream = connect(tracker.handle.address(), 1).await.expect("connected");
        let connector = forged::client(forgery, witness.identity.public_key(), b"potok-tracker/1");
        // Its own side of the handshake may be over before the tracker has judged it.
        if let Ok(stream) = connector.connect(forged::nobody(), stream).await {
            let mut session = Lines::on(stream);
            session.send(b"register-user witness 6666\nunregister-user witness\nregister-user mallory\n").await;
            // Not even a greeting: the first byte that comes is too many.
            assert_eq!(session.line().await, None, "{what}: the tracker spoke to a forger");
        }
        promised(&what, || good_client(&tracker)).await;
        witness.is_unharmed(&what).await;
    }
    assert_eq!(tracker.bindings().into_iter().filter(|(name, _)| name == "mallory").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_of_the_vectors_is_answered_as_it_stands_there() {
    let tracker = TestTracker::start(TrackerSettings::default()).await;
    let mut wrong = Vec::new();
    for row in vectors::rows(&potok_tests::read("tests/vectors/lines.tsv")) {
        let mut session = Lines::plain(tracker.handle.address()).await;
        session.expect("register-user tester", "OK 0").await;
        session.expect("register-files tester a.txt", "OK 0").await;
        session.send(row.bytes(1)).await;
        session.send(b"\nping\n").await;
        let answer = session.reply().await.unwrap_or("closed".into());
        if !answer.starts_with(row.text(0)) {
            wrong.push(format!("{}: {answer}", row.text(0)));
        }
        session.send(b"unregister-user tester\nquit\n").await;
        session.to_end().await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn good_client(tracker: &TestTracker) {
    let identity = Identity::generate();
    let mut good = Lines::tls(tracker.handle.address(), tracker.handle.key(), &identity).await;
    // The name is free again when its release by the one before is on the disk. Evil ones may be served first, but not instead.
    while good.ask("register-user good 4002").await.is_some_and(|head| head.starts_with("ERR name-taken")) {}
    good.expect("register-user good 4002", "OK 0").await;
    good.expect("register-files good a.txt", "OK 0").await;
    good.expect("list-users", "OK ").await;
    good.expect("unregister-user good", "OK 0").await;
    tracker.handle.order(potok_core::tracker::input::OwnerOrder::Release("good".parse().expect("a name"))).await;
    good.expect("quit", "OK 0 bye").await;
}

async fn plain(tracker: &TestTracker) -> Lines {
    Lines::on(connect(tracker.handle.address(), 66).await.expect("connected"))
}

async fn tls(tracker: &TestTracker, identity: &Identity) -> Lines {
    let stream = connect(tracker.handle.address(), 66).await.expect("connected");
    let client = TlsClient::new(identity, Purpose::Tracker);
    Lines::on(client.connect(stream, Some(tracker.handle.key())).await.expect("handshake").0)
}

/// Carries out what a row says; gives the session back if it stays.
async fn act(what: &str, mut session: Lines, deeds: &[Do]) -> Option<Lines> {
    for deed in deeds {
        match deed {
            Say(bytes) => drop(session.send(bytes).await),
            Times(times, bytes) => pour(&mut session, *times, bytes, Duration::from_millis(1_500)).await,
            LongLines(times, head, unit, many) => {
                let line = format!("{head}{}\n", unit.repeat(*many));
                pour(&mut session, *times, line.as_bytes(), Duration::from_millis(1_500)).await;
            }
            Bytewise(bytes) => {
                for byte in bytes.chunks(1) {
                    session.send(byte).await;
                }
            }
            Hear(start) => loop {
                match session.reply().await {
                    Some(line) if line.starts_with(start) => break,
                    Some(_) => {}
                    None => panic!("{what}: closed before '{start}' came"),
                }
            },
            Ended => drop(session.to_end().await),
            Shut => {
                session.shut().await;
                session.to_end().await;
            }
            Go => return None,
            Stay => return Some(session),
        }
    }
    None
}

/// A tracker that takes no more has closed, or waits until we read; neither may hang us.
async fn pour(session: &mut Lines, times: usize, bytes: &[u8], within: Duration) {
    let all = async {
        for _ in 0..times {
            if !session.send(bytes).await {
                return;
            }
        }
    };
    let _stuck = timeout(within, all).await;
}

async fn crowd(what: &'static str, tracker: &TestTracker, many: usize, deeds: &'static [Do]) -> Vec<Lines> {
    let address = tracker.handle.address();
    let mut tasks = Vec::new();
    for _ in 0..many {
        tasks.push(tokio::spawn(async move {
            let stream: TcpStream = connect(address, 77).await.ok()?;
            let mut session = Lines::on(stream);
            let mut stays = false;
            for deed in deeds {
                match deed {
                    Say(bytes) => drop(session.send(bytes).await),
                    Times(times, bytes) => pour(&mut session, *times, bytes, Duration::from_millis(500)).await,
                    // Some of a crowd are sent away, so what one of them hears is its own affair.
                    Hear(_) => drop(session.reply().await),
                    Stay => stays = true,
                    Go => return None,
                    other => panic!("{what}: no crowd does {other:?}"),
                }
            }
            stays.then_some(session)
        }));
    }
    let mut stayed = Vec::new();
    for task in tasks {
        stayed.extend(task.await.expect("no panic"));
    }
    stayed
}

/// Sixteen connections, one after the other, from a machine that takes no answer and closes with RST.
#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_outlives_resets_in_the_middle_of_everything() {
    let tracker = TestTracker::start(settings()).await;
    let mut witness = Witness::come(&tracker).await;
    let script =
        b"ping\nregister-user mallory 4001\nregister-files mallory \"a\" size=1, \"b\"\nwatch\nlist-files\nquit\n";
    for cut in 0..script.len() {
        let mut stream = connect(tracker.handle.address(), 66).await.expect("connected");
        stream.write_all(&script[..cut]).await.expect("written");
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("set");
        drop(stream);
    }
    promised("resets", || good_client(&tracker)).await;
    witness.is_unharmed("resets").await;
}
