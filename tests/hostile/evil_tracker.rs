//! Evil trackers against one client: whatever they say, the same engine joins a good tracker within a second, nothing is
//! written to its disk, and nobody is dialled who must not be.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use potok_core::library::typed::RemotePath;
use potok_core::model::username::Username;
use potok_core::node::event::{Outcome, TrackerConnection};
use potok_core::node::intent::{DownloadRequest, Existing, Intent, UnsafeNames};
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::evil_peer::Say;
use potok_tests::evil_tracker::{Answers, EvilTracker, Manner, Script};
use potok_tests::forged::Forgery;
use potok_tests::program::PATIENCE;
use potok_tests::vectors;
use potok_tests::world::{PROMISED, Person, TestTracker, noise};
use tokio::runtime::Runtime;

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const TICKET: &str = "AAAAAAAAAAAAAAAAAAAAAA";

pub(super) fn text(text: impl Into<Vec<u8>>) -> Say {
    Say::Bytes(text.into())
}

fn hello() -> Say {
    text("* potok 1 \"Evil\"\n")
}

/// What an honest tracker with one user and one file would say.
fn honest(line: &str, _number: usize) -> Say {
    text(match line.split(' ').next().unwrap_or_default() {
        "list-users" => format!("OK 1\nmallory 127.0.0.1:4009 {KEY}\n"),
        "list-files" | "search" | "sources" | "list-sources" => format!("OK 1\nmallory 5 {KEY} evil.txt\n"),
        "whoami" => "OK 1\nvictim 127.0.0.1:4009 -\n".into(),
        _ => "OK 0\n".into(),
    })
}

/// Honest but for the commands that begin like this.
pub(super) fn but(line: &str, verb: &str, lie: impl FnOnce() -> Say) -> Say {
    if line.starts_with(verb) { lie() } else { honest(line, 0) }
}

fn user_list(line: &str, users: &str) -> Say {
    let count = users.lines().count();
    but(line, "list-users", || text(format!("OK {count}\n{users}\n")))
}

/// Honest, with something told behind the answer to `watch`.
fn told(line: &str, tell: Say) -> Say {
    but(line, "watch", || match tell {
        Say::Bytes(bytes) => text([b"OK 0\n".as_slice(), &bytes].concat()),
        other => other,
    })
}

/// Every kind of data line with this address or path of somebody.
fn files(line: &str, lines: &str) -> Say {
    let count = lines.lines().count();
    match line.split(' ').next().unwrap_or_default() {
        "list-files" | "search" | "sources" | "list-sources" => text(format!("OK {count}\n{lines}\n")),
        _ => honest(line, 0),
    }
}

/// Every name of the vectors as somebody's file, as it is.
fn hostile_files() -> Vec<u8> {
    let rows = vectors::rows(&potok_tests::read("tests/vectors/names-hostile.tsv"));
    let rows: Vec<_> = rows.iter().filter(|row| row.bytes(1).len() < 2_000 && !row.bytes(1).contains(&b'\n')).collect();
    let mut out = format!("OK {}\n", rows.len()).into_bytes();
    for row in rows {
        out.extend(format!("mallory 5 {KEY} ").bytes());
        out.extend(row.bytes(1));
        out.push(b'\n');
    }
    out
}

const fn with(manner: Manner, answers: Answers) -> Script {
    Script { manner, greeting: hello, answers }
}

pub(super) const fn says(answers: Answers) -> Script {
    with(Manner::Honest, answers)
}

const fn greets(greeting: fn() -> Say) -> Script {
    Script { manner: Manner::Honest, greeting, answers: honest }
}

const EVIL: &[(&str, Script)] = &[
    ("accepts and says nothing", with(Manner::Silent, honest)),
    ("accepts and closes", with(Manner::Closes, honest)),
    ("junk instead of a handshake", with(Manner::Babbles(&[0x55; 4096]), honest)),
    ("a web page instead of a handshake", with(Manner::Babbles(b"HTTP/1.1 200 OK\r\n\r\n"), honest)),
    ("plain text instead of a handshake", with(Manner::Babbles(b"* potok 1 \"Potok\"\nOK 0\n"), honest)),
    ("proves another key than the invite has", with(Manner::Stranger, honest)),
    ("shows the invite's key and signs with another", with(Manner::Forged(Forgery::OwnSignature), honest)),
    ("shows the invite's key and signs with zeros", with(Manner::Forged(Forgery::Zeros), honest)),
    ("shows the invite's key and repeats another signature", with(Manner::Forged(Forgery::OfSomethingElse), honest)),
    ("shows the invite's key and signs by another scheme", with(Manner::Forged(Forgery::OtherScheme), honest)),
    ("shows a key of another kind", with(Manner::Forged(Forgery::P256), honest)),
    ("shows nothing that is a key", with(Manner::Forged(Forgery::Nothing), honest)),
    ("closes after the handshake", with(Manner::HandshakeOnly, honest)),
    ("is a peer", with(Manner::OtherProtocol, honest)),
    ("greets with nothing", greets(|| Say::Nothing)),
    ("greets with another version", greets(|| text("* potok 2 \"Evil\"\n"))),
    ("greets with a version that is no number", greets(|| text("* potok 99999999999999999999 \"Evil\"\n"))),
    ("greets with a name that drives a terminal", greets(|| text("* potok 1 \"\u{202e}\u{200b}Evil\"\n"))),
    ("greets with control characters", greets(|| text("* potok 1 \"\x1b[2J\"\n"))),
    ("greets with a name of a whole line", greets(|| text(format!("* potok 1 \"{}\"\n", "n".repeat(65_000))))),
    ("greets with messages without end", greets(|| Say::Forever(b"* motd \"welcome\"\n".repeat(200)))),
    ("greets with a line without end", greets(|| Say::Forever(vec![b'x'; 65_536]))),
    ("greets with bytes that are not UTF-8", greets(|| text(b"\xff\xfe\xfd\n".as_slice()))),
    ("greets with a web page", greets(|| text("HTTP/1.1 200 OK\r\n\r\n<html>"))),
    ("greets byte by byte", greets(|| Say::Slowly(b"* potok 1 \"Evil\"\n".to_vec()))),
    ("answers before it is asked", greets(|| text("OK 0\nOK 0\nOK 0\nOK 0\n"))),
    ("never answers a registration", says(|line, _| but(line, "register-user", || Say::Nothing))),
    ("refuses a registration", says(|line, _| but(line, "register-user", || text("ERR name-taken no\n")))),
    ("refuses it with a code that is new", says(|line, _| but(line, "register-user", || text("ERR \u{202e}x y\n")))),
    ("answers a registration with a list", says(|line, _| but(line, "register-user", || text("OK 2\na\nb\n")))),
    (
        "answers a registration with a list of 2^64",
        says(|line, _| but(line, "register-user", || text("OK 18446744073709551615\n"))),
    ),
    (
        "says at once that it is busy, for ever",
        says(|line, _| but(line, "register-user", || text("ERR slow-down no\n"))),
    ),
    ("never answers again", says(|line, _| but(line, "watch", || Say::Nothing))),
    ("answers everything twice", says(|_, _| text("OK 0\nOK 0\n"))),
    (
        "answers everything with an error",
        says(|line, n| if n == 0 { honest(line, n) } else { text("ERR internal no\n") }),
    ),
    ("answers everything with junk", says(|line, n| if n == 0 { honest(line, n) } else { text("hello\n") })),
    (
        "answers in another order",
        says(|line, _| match line.split(' ').next() {
            Some("watch") => text(""),
            Some("list-users") => text(format!("OK 1\nmallory 127.0.0.1:4009 {KEY}\nOK 0\n")),
            _ => honest(line, 0),
        }),
    ),
    ("a page of more lines than were asked for", says(|line, _| but(line, "list-users", || text("OK 10001\n")))),
    (
        "a page of long lines without end",
        says(|line, n| match n {
            0 | 1 => honest(line, n),
            _ => text([b"OK 10000\n".as_slice(), &[&[b'x'; 60_000][..], b"\n"].concat().repeat(400)].concat()),
        }),
    ),
    ("an empty page after the other", says(|line, _| but(line, "list-", || text("OK 0 more=AGE\n")))),
    (
        "the same page again and again",
        says(|line, _| but(line, "list-", || text(format!("OK 1 more=AGE\nmallory 127.0.0.1:4009 {KEY}\n")))),
    ),
    ("a cursor that is none", says(|line, _| but(line, "list-", || text("OK 0 more=???\n")))),
    ("a list that breaks off", says(|line, _| but(line, "list-users", || Say::Last(b"OK 9\na - -\n".to_vec())))),
    ("a list that stops", says(|line, _| but(line, "list-users", || text("OK 9\na - -\n")))),
    ("a list with notices in it", says(|line, _| but(line, "list-users", || text("OK 2\n* left mallory\na - -\n")))),
    ("users that are none", says(|line, _| user_list(line, "../x 1.2.3.4:5 -\n\u{202e}x - -\na b - -"))),
    (
        "everybody is the same key",
        says(|line, _| {
            user_list(
                line,
                &format!("anna 127.0.0.1:4009 {KEY}\nbob 127.0.0.1:4009 {KEY}\nvictim 127.0.0.1:4009 {KEY}"),
            )
        }),
    ),
    ("the same name a thousand times", says(|line, _| user_list(line, &["anna 127.0.0.1:4009 -"; 1000].join("\n")))),
    (
        "addresses that nobody has",
        says(|line, _| {
            user_list(
                line,
                &format!(
                    "a 0.0.0.0:9 {KEY}\nb 255.255.255.255:9 {KEY}\nc 224.0.0.1:9 {KEY}\nd 169.254.169.254:80 {KEY}\ne [::]:9 {KEY}"
                ),
            )
        }),
    ),
    (
        "ports of the system",
        says(|line, _| user_list(line, &format!("mallory 127.0.0.1:22 {KEY}\nb 127.0.0.1:0 {KEY}"))),
    ),
    (
        "we are somebody else, it says",
        says(|line, _| told(line, text(format!("* joined victim 127.0.0.1:4009 {KEY}\n")))),
    ),
    ("we have left, it says", says(|line, _| told(line, text("* left victim\n* displaced victim\n")))),
    ("it closes, and says so every time", says(|line, _| told(line, text("* closing \"\u{202e}again\"\n")))),
    ("it closes every time", says(|line, _| told(line, Say::Last(b"OK 0\n".to_vec())))),
    (
        "somebody joins without end",
        says(|line, n| {
            let joined = |k: usize| format!("* joined u{n}x{k} 127.0.0.1:4009 {KEY}\n");
            told(line, Say::Forever((0..2000).map(joined).collect::<String>().into_bytes()))
        }),
    ),
    (
        "somebody joins and leaves without end",
        says(|line, _| told(line, Say::Forever(b"* joined a 127.0.0.1:4009 -\n* left a\n".repeat(500)))),
    ),
    ("everything changes without end", says(|line, _| told(line, Say::Forever(b"* changed mallory\n".repeat(1000))))),
    ("it resyncs without end", says(|line, _| told(line, Say::Forever(b"* resync\n".repeat(5000))))),
    ("it tells new things without end", says(|line, _| told(line, Say::Forever(b"* weather sunny\n".repeat(1000))))),
    (
        "we are to knock at ports of the system and at nobody's addresses",
        says(|line, _| {
            let knock = |at: &str| format!("* connect {TICKET} mallory {KEY} {at} open back={TICKET}\n");
            let places = ["127.0.0.1:22", "127.0.0.1:0", "0.0.0.0:4009", "169.254.169.254:8080", "224.0.0.1:4009", "-"];
            told(line, text(places.map(knock).concat()))
        }),
    ),
    ("we are to knock without end", says(|line, _| told(line, Say::Forever(knock_at(4009).repeat(500).into_bytes())))),
    (
        "encounters that are none",
        says(|line, _| told(line, text(format!("* connect {TICKET} mallory {KEY} x open\n")))),
    ),
    ("notices that are none", says(|line, _| told(line, text("* \n* joined\n* left ../x\n*\n")))),
    ("notices with hostile paths", says(|line, _| told(line, text("* shared a - - ../x\n* unshared a \"/etc\"\n")))),
    ("a notice without end", says(|line, _| told(line, Say::Forever(vec![b'*'; 65_536])))),
    (
        "every hostile name as a file",
        says(|line, _| match line.split(' ').next().unwrap_or_default() {
            "list-files" | "search" | "sources" | "list-sources" => text(hostile_files()),
            _ => honest(line, 0),
        }),
    ),
    (
        "files that are lies",
        says(|line, _| {
            files(
                line,
                &format!("a -1 {KEY} x\nmallory 18446744073709551615 {KEY} evil.txt\nmallory 99999999999999999999 - y"),
            )
        }),
    ),
    ("a file of somebody else than was asked for", says(|line, _| files(line, &format!("anna 5 {KEY} evil.txt")))),
    ("a file without size and hash", says(|line, _| files(line, "mallory - - evil.txt"))),
    (
        "two hundred sources at forbidden addresses",
        says(|line, _| {
            if line.starts_with("sources") || line.starts_with("list-sources") {
                let all: String = (0..200).map(|n| format!("s{n} 5 {KEY} evil.txt\n")).collect();
                return text(format!("OK 200\n{all}"));
            }
            honest(line, 0)
        }),
    ),
    (
        "tells of trials that nobody asked for",
        says(|line, _| told(line, text("* reach 6.6.6.6:4001 open\n* reach 127.0.0.1:22 refused\n".repeat(5_000)))),
    ),
    (
        "has dialled somebody else than was asked for",
        says(|line, _| but(line, "reach", || text("OK 0\n* reach 127.0.0.1:22 open\n* reach [::1]:22 stranger\n"))),
    ),
    ("trials of another kind", says(|line, _| told(line, text("* reach here ajar\n")))),
    ("never says what came of a trial", says(|line, _| but(line, "reach", || text("OK 0\n")))),
    ("answers a trial with a list", says(|line, _| but(line, "reach", || text("OK 3\na\nb\nc\n")))),
    ("refuses trials with a code that is new", says(|line, _| but(line, "reach", || text("ERR \u{202e}x y\n")))),
    ("who we are is told wrongly", says(|line, _| but(line, "whoami", || text("OK 1\nroot 6.6.6.6:6 -\n")))),
    ("byte by byte", says(|line, n| if n == 0 { honest(line, n) } else { Say::Slowly(b"OK 0\n".to_vec()) })),
];

/// What has a client dial somebody.
fn knock_at(port: u16) -> String {
    format!("* connect {TICKET} mallory {KEY} 127.0.0.1:{port} open back={TICKET}\n")
}

/// The port at which the next test counts who comes.
static DOOR: AtomicU16 = AtomicU16::new(0);

#[test]
fn a_tracker_cannot_aim_a_client_at_somebody() {
    let runtime = Runtime::new().expect("a runtime");
    let door = TcpListener::bind("127.0.0.1:0").expect("bound");
    door.set_nonblocking(true).expect("set");
    DOOR.store(door.local_addr().expect("bound").port(), Ordering::Relaxed);
    // Before the list of users nobody is dialled at all.
    let script = says(|line, _| {
        let knocks = || knock_at(DOOR.load(Ordering::Relaxed)).repeat(5_000);
        but(line, "list-users", || text(format!("OK 1\nmallory 127.0.0.1:4009 {KEY}\n{}", knocks())))
    });
    let (evil, good) = runtime
        .block_on(async { (EvilTracker::start(script).await, TestTracker::start(TrackerSettings::default()).await) });
    let victim = Person::new("victim");
    let begun = Instant::now();
    victim.begin(Intent::Join(evil.invite()));
    let mut knocks = 0;
    wait_until("it knocks", || {
        knocks += std::iter::from_fn(|| door.accept().ok()).count() as u64;
        knocks > 0
    });
    // Everything that it was told has been heard when it is elsewhere.
    victim.join(&good.address());
    knocks += std::iter::from_fn(|| door.accept().ok()).count() as u64;
    assert!(knocks <= 16 + begun.elapsed().as_secs(), "{knocks} knocks in {:?}", begun.elapsed());
}

#[test]
fn a_client_outlives_every_evil_tracker() {
    assert!(EVIL.len() >= 40, "{}", EVIL.len());
    let runtime = Runtime::new().expect("a runtime");
    let good = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let victim = Person::new("victim");
    let mine = victim.write("mine.txt", &noise(1, 1_000));
    victim.join(&good.address());
    victim.share(&mine).expect("shared");
    let before = listing(&victim);
    let mut waiting = Vec::new();
    for (what, script) in EVIL {
        let evil = runtime.block_on(EvilTracker::start(*script));
        waiting.push((*what, victim.begin(Intent::Join(evil.invite()))));
        wait_until(what, || evil.met() > 0);
        // Everything that a person would try there.
        for intent in tries() {
            waiting.push((*what, victim.begin(intent)));
        }
        std::thread::sleep(Duration::from_millis(60));
        if matches!(script.manner, Manner::Stranger | Manner::Forged(_)) {
            wait_until(what, || !matches!(victim.connection(), Some(TrackerConnection::Online { .. })));
        }
        joins_in_time(what, &victim, &good);
    }
    // Nobody waits for ever for an answer that will not come.
    for (what, id) in waiting {
        assert!(victim.outcome(id, PATIENCE).is_some(), "{what}: something was asked and never answered");
    }
    assert_eq!(listing(&victim), before, "nothing was written or lost");
}

/// A client does not go on with a tracker that lies, and says why.
const NAMED: &[(&str, &str)] = &[
    ("proves another key than the invite has", "another key"),
    ("greets with another version", "version 2"),
    ("answers a registration with a list", "not asked"),
    ("answers everything twice", "not asked"),
    ("a page of more lines than were asked for", "more than was asked for"),
    ("a page of long lines without end", "more than was asked for"),
    ("an empty page after the other", "does not end"),
    ("users that are none", "faulty list"),
    ("notices that are none", "faulty line"),
    ("a notice without end", "faulty line"),
    ("it closes, and says so every time", "again"),
];

#[test]
fn what_a_tracker_does_wrong_is_named() {
    let runtime = Runtime::new().expect("a runtime");
    let victim = Person::new("victim");
    for (what, reason) in NAMED {
        let (_, script) = EVIL.iter().find(|(name, _)| name == what).unwrap_or_else(|| panic!("{what}: no such row"));
        let evil = runtime.block_on(EvilTracker::start(*script));
        victim.begin(Intent::Join(evil.invite()));
        let address = evil.invite().address.to_string();
        wait_until(what, || match victim.connection() {
            Some(
                TrackerConnection::Connecting { tracker, why: Some(why) } | TrackerConnection::Refused { tracker, why },
            ) => tracker == address && why.to_string().contains(reason),
            _ => false,
        });
    }
}

/// What others see of the good tracker again, and what the victim shares there.
fn joins_in_time(what: &str, victim: &Person, good: &TestTracker) {
    let mut took = Vec::new();
    for _ in 0..6 {
        let begun = Instant::now();
        victim.join(&good.address());
        let Ok(Outcome::Users(users)) = victim.ask(Intent::ListUsers) else { panic!("{what}: no list") };
        let names: Vec<&str> = users.iter().map(|user| user.username.as_str()).collect();
        assert_eq!(names, ["victim"], "{what}");
        if begun.elapsed() <= PROMISED {
            return;
        }
        took.push(begun.elapsed());
    }
    panic!("{what}: the good tracker was joined after {took:?}");
}

fn mallory() -> Username {
    Username::new("mallory").expect("a name")
}

fn tries() -> Vec<Intent> {
    let download = |remote_path: &str| {
        Intent::Download(DownloadRequest {
            user: mallory(),
            remote_path: RemotePath::new(remote_path).expect(remote_path),
            local_path: None,
            existing: Existing::Refuse,
            unsafe_names: UnsafeNames::LeaveOut,
            wait: false,
        })
    };
    vec![
        Intent::ListUsers,
        Intent::ListFiles { user: None },
        Intent::ListFiles { user: Some(mallory()) },
        Intent::Search { words: vec!["evil".into()] },
        Intent::WhoAmI,
        Intent::Status,
        download("evil.txt"),
        download("../x"),
    ]
}

/// Everything below the victim's home but the data folder, whose database changes.
pub(super) fn listing(victim: &Person) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![victim.home().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("lists") {
            let path = entry.expect("entry").path();
            match path.is_dir() {
                true if path.ends_with("data") || path == victim.downloads() => {}
                true => folders.push(path),
                false => found.push(path.display().to_string()),
            }
        }
    }
    if let Ok(entries) = std::fs::read_dir(victim.downloads()) {
        found.extend(entries.map(|entry| entry.expect("entry").path().display().to_string()));
    }
    found.sort();
    found
}

pub(super) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}
