//! The console against a scripted engine: what it asks, what it writes, and whether it says that all went well.

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

fn download_intent() -> Intent {
    Intent::Download(potok_core::node::intent::DownloadRequest {
        user: name("ivan"),
        remote_path: RemotePath::new("Trip/").expect("a path"),
        local_path: None,
        existing: potok_core::node::intent::Existing::Refuse,
        unsafe_names: potok_core::node::intent::UnsafeNames::LeaveOut,
        wait: false,
    })
}

fn transfer(number: TransferId, state: TransferState) -> Transfer {
    Transfer {
        number,
        direction: Direction::Download,
        position: 0,
        user: name("ivan"),
        label: "Trip/".into(),
        local_path: None,
        files: 2,
        files_done: 0,
        total_bytes: 10,
        done_bytes: 0,
        bytes_per_second: 0,
        sources: 0,
        way: None,
        state,
    }
}

fn moved(state: TransferState) -> Then {
    Then::Tell(NodeEvent::Transfer(transfer(NUMBER, state)))
}

fn downloaded(number: TransferId, path: &str) -> Then {
    Then::Tell(NodeEvent::Downloaded { number, local_path: path.into(), size: 5, hash: HASH })
}

/// Queue, list, acknowledge; `early` comes before the number is known, `then` after it.
fn download_script(early: Vec<Then>, listed: Vec<Transfer>, then: Vec<Then>) -> Vec<(Intent, Vec<Then>)> {
    let mut queued = early;
    queued.push(Then::Outcome(Ok(Outcome::Queued(NUMBER))));
    let mut list = ok(Outcome::Transfers(listed));
    list.extend(then);
    vec![(download_intent(), queued), (Intent::ListTransfers, list), (Intent::Acknowledge(NUMBER), ok(Outcome::Done))]
}

const DOWNLOAD: &[&str] = &["download ivan Trip/"];

fn record(path: &str) -> String {
    format!("downloaded\t{path}\t5\t{}\n", hex())
}

#[test]
fn a_download_returns_when_it_is_finished() {
    let queued = || vec![transfer(TransferId(3), TransferState::Running), transfer(NUMBER, TransferState::Queued)];
    let then = vec![
        moved(TransferState::Connecting),
        downloaded(NUMBER, "/d/a"),
        downloaded(TransferId(3), "/d/other"),
        moved(TransferState::Running),
        downloaded(NUMBER, "/d/b"),
        moved(TransferState::Finished),
    ];
    let out = record("/d/a") + &record("/d/b");
    assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran(&out, "", true));

    // Faster than its number.
    let early = vec![downloaded(NUMBER, "/d/a"), downloaded(NUMBER, "/d/b"), moved(TransferState::Finished)];
    let mut script = download_script(early, vec![], vec![]);
    script.remove(1);
    assert_eq!(run(DOWNLOAD, script), ran(&out, "", true));

    // The list runs ahead of the facts.
    let then = vec![downloaded(NUMBER, "/d/a"), downloaded(NUMBER, "/d/b"), moved(TransferState::Finished)];
    let listed = vec![transfer(NUMBER, TransferState::Finished)];
    assert_eq!(run(DOWNLOAD, download_script(vec![], listed, then)), ran(&out, "", true));

    // Went on from an earlier run, and was half done when it was asked for again.
    let mut script =
        download_script(vec![], queued(), vec![downloaded(NUMBER, "/d/b"), moved(TransferState::Finished)]);
    script.insert(0, (Intent::ListShares, ok(Outcome::Shared(vec![]))));
    script[0].1.insert(0, downloaded(NUMBER, "/d/a"));
    script[0].1.insert(1, downloaded(TransferId(3), "/d/other"));
    assert_eq!(run(&["shares", DOWNLOAD[0]], script), ran(&out, "", true));

    // Too much was told at once, and the end was among what was left out.
    let mut script = download_script(vec![], queued(), vec![Then::Tell(NodeEvent::Lagged)]);
    let listed = vec![transfer(NUMBER, TransferState::Finished)];
    script.insert(2, (Intent::ListTransfers, ok(Outcome::Transfers(listed))));
    assert_eq!(run(DOWNLOAD, script), ran("", "", true));

    // Joined when it was finished already, its last fact on the way.
    let mut script = download_script(vec![], vec![transfer(NUMBER, TransferState::Finished)], vec![]);
    script[2].1.insert(0, downloaded(NUMBER, "/d/a"));
    assert_eq!(run(DOWNLOAD, script), ran(&record("/d/a"), "", true));
}

#[test]
fn a_download_that_waits_says_for_what() {
    let then = vec![
        moved(TransferState::WaitingForUser),
        moved(TransferState::WaitingForUser),
        moved(TransferState::Running),
        moved(TransferState::DiskFull),
        moved(TransferState::Finished),
    ];
    let err = "warning: waiting for ivan to come back\nwarning: the disk is full; goes on when there is room\n";
    let listed = vec![transfer(NUMBER, TransferState::Queued)];
    assert_eq!(run(DOWNLOAD, download_script(vec![], listed, then)), ran("", err, true));
}

#[test]
fn a_download_that_fails_fails_its_command() {
    let changed = || Failure::NotComing { path: "Trip/a".into(), error: TransferError::Changed };
    let sentence = "it has changed at its owner since it was announced; ask again";
    // It stays on the list, so that it can be tried again.
    let download_script = |early, listed, then| {
        let mut script = download_script(early, listed, then);
        script.pop();
        script
    };
    let queued = || vec![transfer(NUMBER, TransferState::Queued)];
    let failed_file =
        |failure: Failure| Then::Tell(NodeEvent::FileFailed { number: NUMBER, remote_path: "Trip/a".into(), failure });

    let then = vec![moved(TransferState::Failed(TransferError::Changed))];
    let err = format!("error: changed: 'Trip/': {sentence}\n");
    assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran("", &err, false));

    // One file of the folder: told once, whatever the end of the whole.
    let err = format!("error: changed: 'Trip/a': {sentence}\n");
    for end in [TransferState::Finished, TransferState::Failed(TransferError::Changed)] {
        let then = vec![failed_file(changed()), downloaded(NUMBER, "/d/b"), moved(end)];
        assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran(&record("/d/b"), &err, false));
    }

    let io = Failure::Internal { what: FailedWork::QueueingDownload, why: "I/O error".to_owned().into() };
    let then = vec![failed_file(io), moved(TransferState::Finished)];
    let err = "error: internal: Trip/a: queueing the download failed: I/O error\n";
    assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran("", err, false));

    let then = vec![Then::Tell(NodeEvent::TransferGone { number: NUMBER })];
    let err = "error: cancelled: cancelled\n";
    assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran("", err, false));
    assert_eq!(run(DOWNLOAD, download_script(vec![], vec![], vec![])), ran("", err, false));

    let exists = Failure::Exists { path: "/d/a".into() };
    let script = vec![(download_intent(), vec![Then::Outcome(Err(exists))])];
    assert!(run(DOWNLOAD, script).err.starts_with("error: exists: '/d/a' exists"));
}

#[test]
fn a_signal_ends_a_download_and_the_program() {
    let mut script = download_script(vec![], vec![transfer(NUMBER, TransferState::Running)], vec![]);
    script.pop();
    script[1].1.push(Then::Signal(Interrupt::Terminate));
    let err = "error: interrupted: stopped before it was done; what is in the queue goes on at the next start\n";
    let engine = Scripted::new(script);
    let ran_by_now = run_with(&engine, Audience::Programs, options(true), &[DOWNLOAD[0], "list-users"]);
    assert_eq!(ran_by_now, ran("", err, false));
}

#[test]
fn at_a_prompt_ctrl_c_pauses_and_the_next_command_follows() {
    let mut script = download_script(vec![], vec![transfer(NUMBER, TransferState::Running)], vec![]);
    script.pop();
    script[1].1.push(Then::Signal(Interrupt::CtrlC));
    script.push((Intent::Pause(TransferSelection::One(NUMBER)), ok(Outcome::Done)));
    script.push((Intent::ListUsers, ok(Outcome::Users(vec![anna()]))));
    let engine = Scripted::new(script);
    let ran_by_now = run_with(&engine, Audience::People, options(false), &[DOWNLOAD[0], "list-users"]);
    assert!(ran_by_now.succeeded && ran_by_now.out.starts_with("paused; 'resume 7' goes on\n"), "{ran_by_now:?}");
}

#[test]
fn a_ctrl_c_that_comes_too_late_does_not_end_the_prompt() {
    let engine = Scripted::new(vec![(Intent::ListUsers, ok(Outcome::Users(vec![])))]);
    engine.signals.0.send(Interrupt::CtrlC).expect("room");
    let (ready, is_ready) = crossbeam_channel::bounded(1);
    let (sender, lines) = crossbeam_channel::bounded(1);
    let input = ConsoleInput { lines, wants: crossbeam_channel::never(), ready: Some(ready) };
    let (signals, pending) = (engine.signals.1.clone(), engine.signals.1.clone());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            is_ready.recv().expect("asked for a line");
            while !pending.is_empty() {
                std::thread::yield_now();
            }
            sender.send(Ok("list-users".to_owned())).expect("still there");
            is_ready.recv().expect("asked for a line");
            drop(sender);
        });
        let out = Sink::default();
        let output = Output::new(Audience::People, Box::new(out.clone()), Box::new(Sink::default()));
        let session = ConsoleSession::new(&engine, output, signals, Completions::default(), options(false));
        assert!(session.run(&input));
        assert_eq!(out.text(), "nothing\n");
    });
}
