//! The console against a scripted engine: what it asks, what it writes, and whether it says that all went well.

mod downloads;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;
use potok_app::client::Client;
use potok_app::command_line::completion::Completions;
use potok_app::console::input::ConsoleInput;
use potok_app::console::session::{ConsoleSession, Options};
use potok_app::render::output::{Audience, Output};
use potok_app::signals::Interrupt;
use potok_core::disk::walk::WhySkipped;
use potok_core::library::typed::{RemotePath, ShareOrLocalPath};
use potok_core::model::hash::ContentHash;
use potok_core::model::share::Share;
use potok_core::model::share_path::SharePath;
use potok_core::model::transfer::{TransferError, TransferId};
use potok_core::model::username::Username;
use potok_core::node::event::{Direction, Me, NodeEvent, Outcome, TrackerConnection, Transfer, TransferState};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId, TransferSelection};
use potok_core::node::warning::Warning;
use potok_core::node::work::FailedWork;
use potok_core::protocol::reply::{FileLine, UserLine};

/// What follows an intent.
enum Then {
    Outcome(Result<Outcome, Failure>),
    Files(Vec<FileLine>),
    Tell(NodeEvent),
    Signal(Interrupt),
}

/// Answers each intent with the next entry of its script, at once and in order.
struct Scripted {
    script: Mutex<VecDeque<(Intent, Vec<Then>)>>,
    notices: (Sender<NodeEvent>, Receiver<NodeEvent>),
    signals: (Sender<Interrupt>, Receiver<Interrupt>),
    next_id: Mutex<u64>,
}

impl Client for Scripted {
    fn ask(&self, intent: Intent) -> IntentId {
        let mut next_id = self.next_id.lock();
        *next_id += 1;
        let id = IntentId(*next_id);
        let (expected, follows) = self.script.lock().pop_front().unwrap_or_else(|| panic!("unexpected {intent:?}"));
        assert_eq!(intent, expected);
        for then in follows {
            match then {
                Then::Outcome(result) => self.tell(NodeEvent::Outcome { id, result }),
                Then::Files(files) => self.tell(NodeEvent::Files { id, files }),
                Then::Tell(notice) => self.tell(notice),
                Then::Signal(interrupt) => self.signals.0.send(interrupt).expect("room"),
            }
        }
        id
    }

    fn notices(&self) -> &Receiver<NodeEvent> {
        &self.notices.1
    }
}

impl Scripted {
    fn new(script: Vec<(Intent, Vec<Then>)>) -> Self {
        Self {
            script: Mutex::new(script.into()),
            notices: crossbeam_channel::bounded(1000),
            signals: crossbeam_channel::bounded(10),
            next_id: Mutex::new(0),
        }
    }

    fn tell(&self, notice: NodeEvent) {
        self.notices.0.send(notice).expect("the test has the other end");
    }
}

/// Bytes that a test can look at afterwards.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).expect("text")
    }
}

/// Somebody closed the other end of the pipe.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
struct Ran {
    out: String,
    err: String,
    succeeded: bool,
}

fn ran(out: &str, err: &str, succeeded: bool) -> Ran {
    Ran { out: out.to_owned(), err: err.to_owned(), succeeded }
}

fn options(keep_sharing: bool) -> Options {
    Options { cwd: PathBuf::from("/here"), tracker_wait: Duration::ZERO, keep_sharing }
}

fn run_with(engine: &Scripted, audience: Audience, options: Options, lines: &[&str]) -> Ran {
    let (out, err) = (Sink::default(), Sink::default());
    let output = Output::new(audience, Box::new(out.clone()), Box::new(err.clone()));
    let input = ConsoleInput::of_commands(lines.iter().map(ToString::to_string).collect());
    let session = ConsoleSession::new(engine, output, engine.signals.1.clone(), Completions::default(), options);
    let succeeded = session.run(&input);
    assert!(engine.script.lock().is_empty(), "not everything was asked");
    Ran { out: out.text(), err: err.text(), succeeded }
}

fn run(lines: &[&str], script: Vec<(Intent, Vec<Then>)>) -> Ran {
    run_with(&Scripted::new(script), Audience::Programs, options(false), lines)
}

fn ok(outcome: Outcome) -> Vec<Then> {
    vec![Then::Outcome(Ok(outcome))]
}

fn name(name: &str) -> Username {
    Username::new(name).expect(name)
}

const HASH: ContentHash = ContentHash::from_bytes([0xab; 32]);

fn hex() -> String {
    "ab".repeat(32)
}

fn file(path: &str) -> FileLine {
    FileLine { username: name("ivan"), size: Some(5), hash: Some(HASH), path: SharePath::new(path).expect(path) }
}

fn anna() -> UserLine {
    UserLine { username: name("anna"), address: None, key: None }
}

#[test]
fn writes_one_record_a_line() {
    let share = Share { path: SharePath::new("a.txt").unwrap(), size: Some(5), hash: Some(HASH) };
    let me = Me { username: name("anna"), address: None, key: hex().parse().unwrap() };
    let unshared = ShareOrLocalPath::new("a.txt", std::path::Path::new("/here")).unwrap();
    let script = vec![
        (Intent::ListUsers, ok(Outcome::Users(vec![anna()]))),
        (
            Intent::ListFiles { user: None },
            vec![Then::Files(vec![file("a b")]), Then::Files(vec![file("c")]), Then::Outcome(Ok(Outcome::Done))],
        ),
        (Intent::Search { words: vec!["x".into()] }, ok(Outcome::Done)),
        (Intent::ListShares, ok(Outcome::Shared(vec![share.clone()]))),
        (
            Intent::Share(vec![potok_core::node::intent::ShareRequest {
                typed: "a.txt".into(),
                cwd: "/here".into(),
                share_as: None,
            }]),
            ok(Outcome::Shared(vec![share.clone()])),
        ),
        (Intent::Unshare { paths: vec![unshared] }, ok(Outcome::Unshared(vec![share.path]))),
        (Intent::WhoAmI, ok(Outcome::Me(me))),
        (Intent::Pause(TransferSelection::All), ok(Outcome::Done)),
    ];
    let lines = [
        "list-users",
        "",
        "list-files",
        "search x",
        "shares",
        "register a.txt",
        "unregister a.txt",
        "whoami",
        "pause all",
    ];
    let hex = hex();
    let out = format!(
        "anna\t-\t-\nivan\t5\t{hex}\ta b\nivan\t5\t{hex}\tc\na.txt\t5\t{hex}\nshared\ta.txt\t5\t{hex}\nunshared\ta.txt\n\
         anna\t-\t{hex}\n"
    );
    assert_eq!(run(&lines, script), ran(&out, "", true));
}

#[test]
fn a_failure_does_not_stop_the_next_command() {
    let no_file = Failure::NoSuchFile { path: "a\tb".into() };
    let script = vec![
        (Intent::ListUsers, vec![Then::Outcome(Err(no_file))]),
        (Intent::ListUsers, ok(Outcome::Users(vec![anna()]))),
    ];
    let err = "error: no-such-file: there is no file or folder 'a⟨U+0009⟩b'\n\
               error: unknown-command: there is no command 'frob'; 'help' lists them\n\
               error: unknown-command: register-user is sent by itself on connecting; your name is --name, or 'name' in \
               config.toml\nerror: usage: expected: pause N | all\n";
    let lines = ["list-users", "frob", "register-user eva", "pause", "list-users"];
    assert_eq!(run(&lines, script), ran("anna\t-\t-\n", err, false));
}

#[test]
fn what_happens_meanwhile_is_told_to_people_only() {
    let told = || {
        vec![
            Then::Tell(NodeEvent::Joined { user: anna(), at: std::time::SystemTime::now() }),
            Then::Tell(NodeEvent::Skipped { path: "x".into(), why: WhySkipped::Link.into(), more: 0 }),
            Then::Tell(NodeEvent::Resync),
            Then::Outcome(Ok(Outcome::Users(vec![anna()]))),
        ]
    };
    let warning = "warning: 'x' is not shared: it is a link\n";
    assert_eq!(run(&["list-users"], vec![(Intent::ListUsers, told())]), ran("anna\t-\t-\n", warning, true));

    let engine =
        Scripted::new(vec![(Intent::ListUsers, told()), (Intent::ListTransfers, ok(Outcome::Transfers(vec![])))]);
    let ran = run_with(&engine, Audience::People, options(false), &["list-users", "transfers"]);
    assert!(ran.err.contains("anna is here") && ran.err.contains("'x' is not shared: it is a link"), "{ran:?}");
    assert!(ran.out.contains("anna") && ran.out.contains("unverified") && ran.out.ends_with("nothing\n"), "{ran:?}");
}

#[test]
fn quit_and_the_end_of_input_end() {
    assert_eq!(run(&[], vec![]), ran("", "", true));
    assert_eq!(run(&["quit", "list-users"], vec![]), ran("", "", true));
    let engine = Scripted::new(vec![]);
    assert_eq!(run_with(&engine, Audience::Programs, options(true), &["QUIT"]), ran("", "", true));
}

#[test]
fn keeps_sharing_until_a_signal() {
    let engine = Scripted::new(vec![(Intent::ListUsers, ok(Outcome::Users(vec![])))]);
    let signals = engine.signals.0.clone();
    std::thread::scope(|scope| {
        let ran_by_now = scope.spawn(|| run_with(&engine, Audience::Programs, options(true), &["list-users"]));
        // The scripted engine answers on the session's own thread, which must find room.
        while !engine.script.lock().is_empty() {
            std::thread::yield_now();
        }
        // Facts are still taken while it serves, however many: the channel would be full otherwise.
        for _ in 0..5000 {
            engine.tell(NodeEvent::Resync);
        }
        engine.tell(NodeEvent::Warning(Warning::Back { path: "disk\u{7}".into() }));
        while !engine.notices.1.is_empty() {
            std::thread::yield_now();
        }
        signals.send(Interrupt::Terminate).unwrap();
        assert_eq!(ran_by_now.join().unwrap(), ran("", "warning: 'disk⟨U+0007⟩' is back and shared again\n", true));
    });
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let script = vec![(Intent::ListUsers, ok(Outcome::Users(vec![anna()])))];
    let engine = Scripted::new(script);
    let err = Sink::default();
    let output = Output::new(Audience::Programs, Box::new(Closed), Box::new(err.clone()));
    let input = ConsoleInput::of_commands(vec!["list-users".into(), "list-users".into()]);
    let never = crossbeam_channel::never();
    assert!(ConsoleSession::new(&engine, output, never, Completions::default(), options(false)).run(&input));
    assert_eq!(err.text(), "");
}

#[test]
fn an_engine_that_stops_ends_the_program() {
    let stops = vec![(Intent::ListUsers, vec![Then::Tell(NodeEvent::Stopped)])];
    let err = "error: internal: Potok has stopped by itself; start it again\n";
    assert_eq!(run(&["list-users", "list-users"], stops), ran("", err, false));
}

fn waiting() -> Options {
    Options { tracker_wait: Duration::from_secs(3600), ..options(false) }
}

fn connecting() -> NodeEvent {
    NodeEvent::Connection(TrackerConnection::Connecting { tracker: "h:1".into(), why: None })
}

#[test]
fn gives_the_first_connection_a_moment() {
    let engine = Scripted::new(vec![
        (Intent::ListShares, ok(Outcome::Shared(vec![]))),
        (Intent::ListUsers, ok(Outcome::Users(vec![anna()]))),
    ]);
    let online = TrackerConnection::Online { tracker: "h:1".into(), network: "n".into(), message_of_the_day: vec![] };
    std::thread::scope(|scope| {
        let ran_by_now = scope.spawn(|| run_with(&engine, Audience::Programs, waiting(), &["shares", "list-users"]));
        engine.tell(connecting());
        // The fact is taken, and still nothing is asked that needs the tracker.
        while !engine.notices.1.is_empty() || engine.script.lock().len() == 2 {
            std::thread::yield_now();
        }
        assert_eq!(engine.script.lock().len(), 1);
        engine.tell(NodeEvent::Connection(online));
        assert_eq!(ran_by_now.join().unwrap(), ran("anna\t-\t-\n", "", true));
    });
}

#[test]
fn a_tracker_that_refuses_fails_what_needs_it() {
    let taken = Failure::Refused { code: "name-taken".into(), text: "anna belongs to another key".into() };
    let engine = Scripted::new(vec![(Intent::ListShares, ok(Outcome::Shared(vec![])))]);
    engine.tell(connecting());
    engine.tell(NodeEvent::Connection(TrackerConnection::Refused { tracker: "h:1".into(), why: taken.clone() }));
    let line = "error: name-taken: anna belongs to another key\n";
    let ran_by_now = run_with(&engine, Audience::Programs, waiting(), &["list-users", "shares", "search x"]);
    assert_eq!(ran_by_now, ran("", &line.repeat(2), false));

    // What only would be better off with it is asked for, and the refusal is told once.
    for (result, succeeded) in [(Ok(Outcome::Done), true), (Err(taken.clone()), false)] {
        let engine = Scripted::new(vec![(Intent::Status, vec![Then::Outcome(result)])]);
        engine.tell(NodeEvent::Connection(TrackerConnection::Refused { tracker: "h:1".into(), why: taken.clone() }));
        assert_eq!(run_with(&engine, Audience::Programs, waiting(), &["status"]), ran("", line, succeeded));
    }
}

#[test]
fn without_a_connection_in_time_the_engine_decides() {
    let offline = Failure::Offline { tracker: "h:1".into(), why: "refused".into() };
    let engine = Scripted::new(vec![(Intent::ListUsers, vec![Then::Outcome(Err(offline))])]);
    let short = Options { tracker_wait: Duration::from_millis(20), ..options(false) };
    let ran_by_now = run_with(&engine, Audience::Programs, short, &["list-users"]);
    let err = "error: offline: the tracker h:1 cannot be reached (refused); Potok keeps trying\n";
    assert_eq!(ran_by_now, ran("", err, false));
}

// ---- download ----

const NUMBER: TransferId = TransferId(7);

fn unshare_each(paths: &[&str]) -> Intent {
    let path = |path: &&str| vec![ShareOrLocalPath::new(*path, "/here".as_ref()).expect("a path")];
    Intent::UnshareEach { commands: paths.iter().map(path).collect() }
}

#[test]
fn that_new_files_are_shared_is_told_once_a_folder() {
    let open = |folder: &str| {
        let warning = Warning::FolderStillShared { folder: SharePath::new(folder).unwrap(), more: 0 };
        Then::Tell(NodeEvent::Warning(warning))
    };
    let files = ["F/a", "F/b", "G/c", "F/d"];
    let mut then: Vec<Then> = files.iter().map(|file| open(&file[..1])).collect();
    then.push(Then::Outcome(Ok(Outcome::UnsharedEach(vec![Ok(vec![]); 4]))));
    let commands = files.map(|file| format!("unregister {file}"));
    let Ran { err, succeeded, .. } = run(&commands.each_ref().map(String::as_str), vec![(unshare_each(&files), then)]);
    assert!(succeeded);
    let folders: Vec<_> = err.lines().map(|line| line.split('\'').nth(1).unwrap_or_default()).collect();
    assert_eq!(folders, ["F", "G", "F"], "{err}");
}

#[test]
fn what_is_stopped_by_lines_that_are_there_together_is_stopped_together_and_each_is_answered() {
    let path = |path: &str| SharePath::new(path).unwrap();
    let each =
        vec![Ok(vec![path("a")]), Err(Failure::NotYours { path: "b".into() }), Ok(vec![path("c/1"), path("c/2")])];
    let script = vec![
        (unshare_each(&["a", "b", "c"]), ok(Outcome::UnsharedEach(each))),
        (Intent::ListUsers, ok(Outcome::Users(vec![]))),
        (
            Intent::Unshare { paths: vec![ShareOrLocalPath::new("d", "/here".as_ref()).unwrap()] },
            ok(Outcome::Unshared(vec![path("d")])),
        ),
    ];
    let lines = ["unregister a", "unregister b", "unregister c", "list-users", "unregister d", "unregister"];
    let Ran { out, err, succeeded } = run(&lines, script);
    assert_eq!(out, "unshared\ta\nunshared\tc/1\nunshared\tc/2\nunshared\td\n");
    assert!(err.starts_with("error: not-shared: "), "{err}");
    assert_eq!(err.lines().count(), 2, "{err}");
    assert!(!succeeded);
}
