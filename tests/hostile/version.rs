//! What an evil tracker says to the question which version it is, which only those ask who want to hear of newer ones.

use potok_core::node::event::{Outcome, TrackerConnection};
use potok_core::node::intent::Intent;
use potok_tests::evil_peer::Say;
use potok_tests::evil_tracker::{Answers, EvilTracker};
use potok_tests::program::PATIENCE;
use potok_tests::world::Person;
use tokio::runtime::Runtime;

use crate::evil_tracker::{but, listing, says, text, wait_until};

/// What a tracker says to the question which version it is, and the version that is believed; the rest is a fault of the answer, or
/// of the session. Nothing in it is ever opened: where newer versions are is in the program.
const VERSIONS: &[(&str, Answers, Option<&str>)] = &[
    ("a newer one", |line, _| but(line, "version", || text("OK 1\n999.0.0\n")), Some("999.0.0")),
    ("an older one", |line, _| but(line, "version", || text("OK 1\n0.0.1\n")), Some("0.0.1")),
    ("byte by byte", |line, _| but(line, "version", || Say::Slowly(b"OK 1\n999.0.0\n".to_vec())), Some("999.0.0")),
    ("nothing", |line, _| but(line, "version", || text("OK 0\n")), None),
    ("half an answer, and the end", |line, _| but(line, "version", || Say::Last(b"OK 1\n999.0".to_vec())), None),
    (
        "a huge line",
        |line, _| but(line, "version", || text([b"OK 1\n".as_slice(), &[b'9'; 60_000], b"\n"].concat())),
        None,
    ),
    (
        "a line without end",
        |line, _| but(line, "version", || Say::Forever([b"OK 1\n".as_slice(), &[b'9'; 65_536]].concat())),
        None,
    ),
    ("lines without end", |line, _| but(line, "version", || Say::Forever(b"OK 10001\n999.0.0\n".repeat(1_000))), None),
    ("too large a number", |line, _| but(line, "version", || text("OK 1\n99999.0.0\n")), None),
    (
        "a web page",
        |line, _| but(line, "version", || text("OK 1\n<html><a href=\"https://evil.example\">999.0.0</a>\n")),
        None,
    ),
    (
        "a web server's redirect",
        |line, _| but(line, "version", || text("HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\n\r\n")),
        None,
    ),
    ("a link", |line, _| but(line, "version", || text("OK 1\nhttps://evil.example/999.0.0\n")), None),
    ("a link of another scheme", |line, _| but(line, "version", || text("OK 1\n999.0.0 file:///etc/passwd\n")), None),
    ("what drives a terminal", |line, _| but(line, "version", || text("OK 1\n\x1b[2J999.0.0\n")), None),
    ("what is not seen", |line, _| but(line, "version", || text("OK 1\n\u{202e}999.0.0\n")), None),
    ("a refusal", |line, _| but(line, "version", || text("ERR unknown-command no\n")), None),
];

#[test]
fn of_what_a_tracker_says_of_its_version_only_a_version_is_believed() {
    let runtime = Runtime::new().expect("a runtime");
    // Where the session ends with the answer, the client asks again in the next ones, and waits before each.
    std::thread::scope(|scope| {
        for rows in VERSIONS.chunks(4) {
            let runtime = &runtime;
            scope.spawn(move || ask_all(rows, runtime));
        }
    });
}

fn ask_all(rows: &[(&str, Answers, Option<&str>)], runtime: &Runtime) {
    let victim = Person::new("victim");
    let before = listing(&victim);
    for (what, answers, believed) in rows {
        let evil = runtime.block_on(EvilTracker::start(says(*answers)));
        victim.begin(Intent::Join(evil.invite()));
        let address = evil.invite().address.to_string();
        let is_there =
            |connection| matches!(connection, Some(TrackerConnection::Online { tracker, .. }) if tracker == address);
        wait_until(what, || is_there(victim.connection()));
        let asked = victim.begin(Intent::TrackerVersion);
        let answer = victim.outcome(asked, PATIENCE).unwrap_or_else(|| panic!("{what}: never answered"));
        let version = match answer {
            Ok(Outcome::TrackerVersion(version)) => Some(version.to_string()),
            _ => None,
        };
        assert_eq!(version.as_deref(), *believed, "{what}");
    }
    assert_eq!(listing(&victim), before, "nothing was written");
}
