//! The built programs against evil ones: what is promised of the engine holds for the whole process.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use potok_core::model::invite::{HostPort, Invite, TrackerAddress};
use potok_core::model::key::PublicKey;
use potok_core::net::identity::Identity;
use potok_core::node::intent::{Intent, ShareRequest};
use tokio::runtime::Runtime;

use crate::evil_peer::Say;
use crate::evil_tracker::{EvilTracker, Manner, Script};
use crate::lines::Lines;
use crate::program::{PATIENCE, Running};
use crate::vectors::{self, Row};
use crate::world::{Person, scaled};

/// Most memory of a client that is told things without end, in bytes: what it remembers of people is part of it. One that
/// kept what it is told in these few seconds would have more.
const CLIENT_BYTES_MAX: u64 = 96 * 1024 * 1024;

/// `potok-tracker`, running.
#[derive(Debug)]
pub struct Tracker {
    /// The process.
    pub running: Running,
    /// Where it listens, as it says.
    pub address: std::net::SocketAddr,
    /// What it proves.
    pub key: PublicKey,
    /// The addresses in its invite.
    pub named: Vec<HostPort>,
}

impl Tracker {
    /// Starts it at an address, with its records below a folder.
    pub fn start(program: &Path, listen: &str, data: &Path, more: &[&str]) -> Self {
        let data = data.to_str().expect("text");
        let running = Running::start(program, &[&["--listen", listen, "--data-dir", data], more].concat());
        let first = running.line();
        let address = first.strip_prefix("listening on ").and_then(|a| a.parse().ok()).expect(&first);
        let invite: Invite = running.line().parse().expect("an invite");
        Self { running, address, key: invite.key, named: invite.address.iter().cloned().collect() }
    }

    /// Whom to join.
    pub fn invite(&self) -> TrackerAddress {
        format!("potok://{}/?key={}", self.address, self.key).parse().expect("an invite")
    }

    /// A session with a key.
    pub async fn session(&self, identity: &Identity) -> Lines {
        Lines::tls(self.address, self.key, identity).await
    }
}

/// Every name of the vectors through two consoles and a tracker: hostile ones do no harm, honest ones arrive.
pub fn names(potok: &Path, potok_tracker: &Path) {
    let dir = tempfile::tempdir().expect("folder");
    let tracker = Tracker::start(potok_tracker, "127.0.0.1:0", &dir.path().join("tracker"), &[]);
    let hostile = vectors::rows(&crate::read("tests/vectors/names-hostile.tsv"));
    let honest = vectors::rows(&crate::read("tests/vectors/names-honest.tsv"));
    let announced: Vec<&Row> = hostile.iter().filter(|row| row.text(0) == "ok").collect();
    let runtime = Runtime::new().expect("a runtime");
    let _mallory = runtime.block_on(announce(&tracker, &announced));
    let _anna = share(&tracker, &honest);

    let bob = dir.path().join("bob");
    let downloads = dir.path().join("downloads");
    std::fs::create_dir_all(&bob).expect("folder");
    std::fs::write(bob.join("config.toml"), format!("download_folder = {:?}\n", text(&downloads))).expect("written");
    let address = tracker.address.to_string();
    let mut console = Running::start(
        potok,
        &["console", "--data-dir", text(&bob), "--name", "bob", "--tracker", &address, "--listen", "127.0.0.1:0"],
    );
    console.say("list-files");
    console.say("search a");
    // Of a single file only the last part of its path becomes a name; and what ends like a folder is asked for as one.
    let is_one = |name: &str| !name.contains('/') && !name.ends_with('\\');
    let here = if cfg!(windows) {
        "windows"
    } else if cfg!(target_vendor = "apple") {
        "mac"
    } else {
        "unix"
    };
    let is_refused = |row: &Row| row.text(3).split(' ').any(|place| place == "all" || place == here);
    let asked: Vec<&&Row> = announced.iter().filter(|row| is_one(row.text(1)) && is_refused(row)).collect();
    for row in &asked {
        console.say(&format!("download mallory {}", typed(row.text(1))));
    }
    for (n, row) in honest.iter().enumerate() {
        let into = dir.path().join(format!("in/{n}"));
        std::fs::create_dir_all(&into).expect("folder");
        console.say(&format!("download anna {} {}", typed(row.text_or_same(1, 0)), typed(text(&into))));
    }
    // Each file is on the disk before it is told, and there are hundreds.
    let (lines, errors) = console.rest_within(5 * PATIENCE);

    // What cannot be seen is part of some honest names: a joiner in Persian, a selector in an emoji.
    let without_honest =
        |line: &String| honest.iter().fold(line.clone(), |line, row| line.replace(row.text_or_same(1, 0), ""));
    for line in lines.iter().chain(&errors) {
        let bad = without_honest(line).chars().find(|c| c.is_control() && *c != '\t' || is_unseen(*c));
        assert!(bad.is_none(), "{:?} was printed: {line:?}", bad);
    }
    let listed = lines.iter().filter(|line| line.split('\t').count() == 4 && line.starts_with("mallory\t")).count();
    assert!(listed >= announced.len(), "{listed} of {} were listed", announced.len());
    let (refused, other): (Vec<_>, Vec<_>) =
        errors.iter().partition(|line| line.starts_with("error: unsafe-name: the name '"));
    assert!(other.is_empty() && refused.len() == asked.len(), "{} of {}; {other:#?}", refused.len(), asked.len());
    let left: Vec<_> = std::fs::read_dir(&downloads).map(|all| all.collect()).unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
    for (n, row) in honest.iter().enumerate() {
        let name = row.text_or_same(1, 0).rsplit('/').next().expect("has a last part");
        let path = dir.path().join(format!("in/{n}")).join(name);
        let found = std::fs::read(&path).unwrap_or_else(|why| panic!("{name:?}: {why}"));
        assert_eq!(found, content(n), "{name:?}");
    }
    let names = ["bob", "in", "tracker"];
    let mut beside: Vec<_> =
        std::fs::read_dir(dir.path()).expect("lists").map(|entry| entry.expect("entry").file_name()).collect();
    beside.retain(|name| !names.contains(&name.to_str().expect("text")) && name != "downloads");
    assert!(beside.is_empty(), "{beside:?}");
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn content(n: usize) -> Vec<u8> {
    format!("the content of honest file {n}\n").repeat(n % 7 + 1).into_bytes()
}

async fn announce(tracker: &Tracker, rows: &[&Row]) -> Lines {
    let mut mallory = tracker.session(&Identity::generate()).await;
    mallory.expect("register-user mallory 4001", "OK 0").await;
    let hash = "ab".repeat(32);
    for some in rows.chunks(20) {
        let items: Vec<String> = some.iter().map(|row| format!("{} size=5 hash={hash}", quoted(row.text(1)))).collect();
        mallory.expect(&format!("register-files mallory {}", items.join(", ")), "OK 0").await;
    }
    mallory
}

fn share(tracker: &Tracker, rows: &[Row]) -> Person {
    let anna = Person::new("anna");
    anna.join(&tracker.invite());
    let requests = rows.iter().enumerate().map(|(n, row)| ShareRequest {
        typed: text(&anna.write(&format!("{n}"), &content(n))).to_owned(),
        cwd: anna.home().into(),
        share_as: Some(row.text(0).to_owned()),
    });
    let requests = requests.collect();
    anna.ask(Intent::Share(requests)).expect("shared");
    anna
}

/// A text in quotes as a person types it: where backslashes part folders, they are letters like any other.
fn typed(text: &str) -> String {
    if cfg!(windows) { format!("\"{}\"", text.replace('"', "\"\"")) } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

const GREETING: &[u8] = b"* potok 1 \"Evil\"\n";

fn hello() -> Say {
    Say::Bytes(GREETING.to_vec())
}

fn ok_but_watch(line: &str, tell: fn() -> Vec<u8>) -> Say {
    if line.starts_with("watch") { Say::Forever(tell()) } else { Say::Bytes(b"OK 0\n".to_vec()) }
}

/// Trackers that say something without end.
const ENDLESS: &[(&str, Script)] = &[
    ("resync", endless(|line, _| ok_but_watch(line, || b"* resync\n".repeat(5_000)))),
    ("new notices", endless(|line, _| ok_but_watch(line, || b"* weather sunny\n".repeat(3_000)))),
    (
        "people who come",
        endless(|line, _| {
            let joined = |n: usize| format!("* joined user-with-a-rather-long-name{n} 127.0.0.1:4009 -\n");
            if !line.starts_with("watch") {
                return Say::Bytes(b"OK 0\n".to_vec());
            }
            Say::Forever((0..100_000).map(joined).collect::<String>().replace("long-name", "ln").into_bytes())
        }),
    ),
    (
        "files that come",
        endless(|line, _| {
            ok_but_watch(line, || {
                format!("* shared anna 5 - \"{}\"\n", "long/".repeat(150) + "x").repeat(80).into_bytes()
            })
        }),
    ),
    (
        "messages of the day",
        Script {
            manner: Manner::Honest,
            greeting: || Say::Forever([GREETING, &b"* motd \"welcome\"\n".repeat(3_000)].concat()),
            answers: |_, _| Say::Bytes(b"OK 0\n".to_vec()),
        },
    ),
    (
        "greetings",
        endless(|line, _| {
            ok_but_watch(line, || {
                [GREETING, format!("* motd \"{}\"\n", "w".repeat(400)).repeat(99).as_bytes()].concat()
            })
        }),
    ),
    (
        "long lines of one list",
        endless(|line, number| match number {
            0 | 1 => Say::Bytes([if line.starts_with("watch") { b"".as_slice() } else { b"OK 0\n" }].concat()),
            _ => Say::Bytes(
                [b"OK 0\nOK 10000\n".as_slice(), &[&[b'x'; 60_000][..], b"\n"].concat().repeat(500)].concat(),
            ),
        }),
    ),
    ("a line", endless(|line, _| ok_but_watch(line, || vec![b'x'; 100_000]))),
];

const fn endless(answers: crate::evil_tracker::Answers) -> Script {
    Script { manner: Manner::Honest, greeting: hello, answers }
}

/// A client that is told things without end stays small, and ends when it is told to. Gives its sizes.
pub fn endless_trackers(potok: &Path) -> Vec<String> {
    let runtime = Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("folder");
    let mut running: Vec<(&str, EvilTracker, Running)> = Vec::new();
    for (n, (what, script)) in ENDLESS.iter().enumerate() {
        let evil = runtime.block_on(EvilTracker::start(*script));
        let data: PathBuf = dir.path().join(n.to_string());
        let invite = evil.invite();
        let link = Invite { address: invite.address, key: invite.key.expect("has one"), token: None }.to_string();
        let args = ["console", "--data-dir", text(&data), "--name", "bob", "--tracker", &link];
        let mut console = Running::start(potok, &[&args[..], &["--listen", "127.0.0.1:0", "--keep-sharing"]].concat());
        console.say("list-users");
        running.push((what, evil, console));
    }
    // Each of them says as much as it can for so long.
    let until = Instant::now() + Duration::from_secs(4 * scaled(1) as u64);
    while Instant::now() < until {
        std::thread::sleep(Duration::from_millis(100));
        for (what, _, console) in &mut running {
            assert!(console.is_alive(), "{what}: the client has died: {:?}", console.errors());
        }
    }
    let mut figures = Vec::new();
    for (what, evil, console) in running {
        assert!(evil.met() > 0, "{what}: the client never came");
        let peak = console.peak_bytes();
        figures.push(format!("told {what} without end: {} MiB at most", peak.unwrap_or(0) >> 20));
        assert!(peak.is_none_or(|bytes| bytes < CLIENT_BYTES_MAX), "{what}: {peak:?} bytes");
        assert!(console.terminate().is_some(), "{what}: it does not end in order");
    }
    figures
}
