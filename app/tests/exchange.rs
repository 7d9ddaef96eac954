//! Two consoles and a tracker, started as a person would, exchange real files: the whole mission from outside.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use potok_tests::program::{Running, run, sibling};

const POTOK: &str = env!("CARGO_BIN_EXE_potok");

/// A tracker and a folder for everybody's things.
struct World {
    tracker: Option<Running>,
    address: String,
    /// Where consoles are told to listen, if they are.
    listen: Option<&'static str>,
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::at("127.0.0.1:0", Some("127.0.0.1:0"))
    }

    fn at(tracker: &str, listen: Option<&'static str>) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let mut world = Self { tracker: None, address: tracker.into(), listen, dir };
        world.start_tracker();
        world
    }

    fn start_tracker(&mut self) {
        let data = self.path("tracker");
        let tracker =
            Running::start(sibling(POTOK, "potok-tracker"), &["--listen", &self.address, "--data-dir", str(&data)]);
        let first = tracker.line();
        self.address = first.strip_prefix("listening on ").expect(&first).to_owned();
        let invite = tracker.line();
        if !self.address.starts_with("[::]") {
            assert!(invite.starts_with(&format!("potok://{}/?key=", self.address)), "{invite}");
        }
        self.tracker = Some(tracker);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, bytes: usize) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("has one")).expect("folder");
        fs::write(&path, noise(bytes)).expect("written");
        path
    }

    fn args<'a>(&'a self, data: &'a Path, name: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec!["console", "--data-dir", str(data), "--name", name, "--tracker", &self.address];
        args.extend(self.listen.iter().flat_map(|listen| ["--listen", listen]));
        args.extend(rest);
        args
    }

    /// A console that goes on serving.
    fn sharer(&self, name: &str) -> Running {
        let data = self.path(name);
        Running::start(POTOK, &self.args(&data, name, &["--keep-sharing"]))
    }

    /// A console that carries out commands and ends.
    fn once(&self, name: &str, commands: &[&str]) -> Output {
        let data = self.path(name);
        let commands: Vec<&str> = commands.iter().flat_map(|command| ["-c", command]).collect();
        run(POTOK, &self.args(&data, name, &commands))
    }
}

fn str(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Bytes that look like nothing else, different for each length.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ bytes as u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(bytes).collect()
}

fn hash(path: &Path) -> String {
    blake3::hash(&fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).to_string()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[test]
fn a_file_goes_from_one_console_to_another() {
    let world = World::new();
    let song = world.file("music/song one.flac", 3_000_000);
    let mut alice = world.sharer("alice");
    alice.say(&format!("register \"{}\"", str(&song)));
    let shared = format!("shared\tsong one.flac\t3000000\t{}", hash(&song));
    assert_eq!(alice.line(), shared);

    let target = world.path("here");
    fs::create_dir(&target).expect("folder");
    let bob = world.once(
        "bob",
        &[
            "list-users",
            "list-files",
            "list-files alice",
            "search SONG",
            &format!("download alice \"song one.flac\" \"{}\"", str(&target)),
        ],
    );
    assert!(bob.status.success(), "{}", stderr(&bob));
    let copy = target.join("song one.flac");
    let line = format!("alice\t3000000\t{}\tsong one.flac", hash(&song));
    let lines: Vec<String> = stdout(&bob).lines().map(ToOwned::to_owned).collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines[0].starts_with("alice\t127.0.0.1:") && lines[1].starts_with("bob\t127.0.0.1:"), "{lines:?}");
    assert_eq!(lines[0].split('\t').nth(2).map(str::len), Some(64));
    assert_eq!(lines[2..5], [line.clone(), line.clone(), line]);
    assert_eq!(lines[5], format!("downloaded\t{}\t3000000\t{}", str(&copy), hash(&song)));
    assert_eq!(hash(&copy), hash(&song));
    let left: Vec<_> = fs::read_dir(&target).expect("listed").collect();
    assert_eq!(left.len(), 1, "nothing else lies there");
}

#[test]
fn a_network_of_either_family_needs_no_settings() {
    for tracker in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
        // There are computers without IPv6, and nothing to show on them.
        if std::net::TcpListener::bind(tracker).is_err() {
            continue;
        }
        let mut world = World::at(tracker, None);
        world.address = world.address.replace("[::]", "localhost");
        let song = world.file("song.flac", 300_000);
        let mut alice = world.sharer("alice");
        alice.say(&format!("register {}", str(&song)));
        alice.line();
        let target = world.path("copy.flac");
        let bob = world.once("bob", &[&format!("download alice song.flac {}", str(&target))]);
        assert!(bob.status.success(), "{tracker}: {}", stderr(&bob));
        assert_eq!(hash(&target), hash(&song), "{tracker}");
    }
}

#[test]
fn what_is_there_is_never_replaced_unasked() {
    let world = World::new();
    let file = world.file("a.txt", 100);
    let mut alice = world.sharer("alice");
    alice.say(&format!("register {}", str(&file)));
    alice.line();
    let target = world.file("mine.txt", 7);
    let before = hash(&target);
    let download = format!("download alice a.txt {}", str(&target));
    let bob = world.once("bob", &[&download]);
    assert_eq!(bob.status.code(), Some(1));
    assert!(stderr(&bob).starts_with("error: exists: "), "{}", stderr(&bob));
    assert_eq!(hash(&target), before);

    let bob = world.once("bob", &[&format!("{download} --overwrite"), &download]);
    assert_eq!(bob.status.code(), Some(1), "finished and told, it exists again");
    assert_eq!(stdout(&bob).lines().count(), 1);
    assert_eq!(hash(&target), hash(&file));

    let missing = world.path("no/such/folder/x");
    let bob = world.once(
        "bob",
        &[
            &format!("download alice a.txt {}", str(&missing)),
            "download alice b.txt",
            "download nobody-here a.txt",
            "nonsense",
            "whoami",
        ],
    );
    let errors = stderr(&bob);
    let codes: Vec<&str> = errors.lines().filter_map(|l| l.strip_prefix("error: ")?.split(':').next()).collect();
    assert_eq!(codes, ["no-parent", "not-shared", "no-such-user", "unknown-command"], "{errors}");
    assert!(stdout(&bob).starts_with("bob\t127.0.0.1:"), "the commands after a failure are carried out");
}

#[test]
fn a_folder_arrives_whole_and_stays_up_to_date() {
    let world = World::new();
    for (name, bytes) in [("Trip/day 1.jpg", 10), ("Trip/day 2/море.jpg", 300_000), ("Trip/empty", 0), ("Trip/one", 1)]
    {
        world.file(name, bytes);
    }
    let mut alice = world.sharer("alice");
    alice.say(&format!("register \"{}\"", str(&world.path("Trip"))));
    let mut shared: Vec<String> = (0..4).map(|_| alice.line()).collect();
    shared.sort();
    assert!(shared[0].starts_with("shared\tTrip/day 1.jpg\t10\t"), "{shared:?}");

    let bob = world.once("bob", &[&format!("download alice Trip/ \"{}\"", str(&world.path("Copy")))]);
    assert!(bob.status.success(), "{}", stderr(&bob));
    assert_eq!(stdout(&bob).lines().count(), 4);
    for name in ["day 1.jpg", "day 2/море.jpg", "empty", "one"] {
        assert_eq!(hash(&world.path("Copy").join(name)), hash(&world.path("Trip").join(name)), "{name}");
    }

    // A new file in the shared folder is announced by itself.
    world.file("Trip/day 3.jpg", 33);
    let until = std::time::Instant::now() + potok_tests::program::PATIENCE;
    while !stdout(&world.once("carol", &["search \"day 3\""])).contains("Trip/day 3.jpg") {
        assert!(std::time::Instant::now() < until, "never announced");
    }

    alice.say("unregister Trip/");
    let mut gone: Vec<String> = (0..5).map(|_| alice.line()).collect();
    gone.sort();
    assert_eq!(gone[0], "unshared\tTrip/day 1.jpg");
    let bob = world.once("bob", &["list-files"]);
    assert_eq!(stdout(&bob), "");
}

#[test]
fn nobody_else_can_be_alice() {
    let mut world = World::new();
    let mut alice = world.sharer("alice");
    alice.say("whoami");
    let me = alice.line();
    for pretender in ["alice", "Alice", "ALICE", "a1ice"] {
        let data = world.path("mallory");
        let mallory = run(POTOK, &world.args(&data, pretender, &["-c", "whoami"]));
        assert_eq!(mallory.status.code(), Some(1), "{pretender}");
        let errors = stderr(&mallory);
        assert!(
            errors.starts_with("error: name-taken: ") || errors.starts_with("error: name-confusable: "),
            "{errors}"
        );
    }
    drop(alice);
    // Neither while she is away, nor after the tracker has lost everything but its disk.
    world.tracker.take().expect("runs").kill();
    world.start_tracker();
    let data = world.path("mallory");
    let mallory = run(POTOK, &world.args(&data, "alice", &["-c", "whoami"]));
    assert!(stderr(&mallory).starts_with("error: name-taken: "), "{}", stderr(&mallory));
    let again = world.once("alice", &["whoami"]);
    assert_eq!(stdout(&again).split('\t').nth(2), Some(format!("{}\n", me.split('\t').nth(2).expect("key")).as_str()));
}

#[test]
fn a_killed_download_goes_on_where_it_was() {
    let world = World::new();
    let big = world.file("big.bin", 48 << 20);
    // Slow enough to be caught in the middle.
    fs::create_dir_all(world.path("alice")).expect("folder");
    fs::write(world.path("alice/config.toml"), "upload_bytes_per_second = 16000000\n").expect("written");
    let mut alice = world.sharer("alice");
    alice.say(&format!("register {}", str(&big)));
    alice.line();
    let target = world.path("copy.bin");
    let part = world.path("copy.bin.potok-part");
    let download = format!("download alice big.bin {}", str(&target));
    let data = world.path("bob");
    for _ in 0..2 {
        let bob = Running::start(POTOK, &world.args(&data, "bob", &["-c", &download]));
        let before = came(&part);
        let until = std::time::Instant::now() + potok_tests::program::PATIENCE;
        while came(&part) < before + (6 << 20) {
            assert!(std::time::Instant::now() < until, "nothing arrives: {:?}", bob.errors());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        bob.kill();
        assert!(!target.exists(), "an unfinished file has another name");
    }
    let bob = run(POTOK, &world.args(&data, "bob", &["-c", &download]));
    assert!(bob.status.success(), "{}", stderr(&bob));
    assert_eq!(stdout(&bob), format!("downloaded\t{}\t{}\t{}\n", str(&target), 48 << 20, hash(&big)));
    assert_eq!(hash(&target), hash(&big));
    assert!(!part.exists());
}

#[test]
fn the_queue_goes_on_by_itself_and_tells_who_asks_later() {
    let world = World::new();
    let big = world.file("big.bin", 24 << 20);
    fs::create_dir_all(world.path("alice")).expect("folder");
    fs::write(world.path("alice/config.toml"), "upload_bytes_per_second = 16000000\n").expect("written");
    let mut alice = world.sharer("alice");
    alice.say(&format!("register {}", str(&big)));
    alice.line();
    let target = world.path("copy.bin");
    let part = world.path("copy.bin.potok-part");
    let download = format!("download alice big.bin {}", str(&target));
    let data = world.path("bob");
    let bob = Running::start(POTOK, &world.args(&data, "bob", &["-c", &download]));
    let until = std::time::Instant::now() + potok_tests::program::PATIENCE;
    while came(&part) < 2 << 20 {
        assert!(std::time::Instant::now() < until, "nothing arrives: {:?}", bob.errors());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    bob.kill();
    // A program that was not asked for anything finishes it ...
    let bob = world.sharer("bob");
    while !target.exists() {
        assert!(std::time::Instant::now() < until, "not finished: {:?}", bob.errors());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    bob.terminate();
    // ... and the one who asks again learns it, once.
    let asked = world.once("bob", &[&download]);
    assert_eq!(stdout(&asked), format!("downloaded\t{}\t{}\t{}\n", str(&target), 24 << 20, hash(&big)));
    assert!(asked.status.success());
    let again = world.once("bob", &[&download]);
    assert!(stderr(&again).starts_with("error: exists: "), "{}", stderr(&again));
}

/// Bytes of an unfinished file that have come: its blocks come in their order, and what is missing is zeros.
fn came(path: &Path) -> u64 {
    let Ok(mut file) = fs::File::open(path) else { return 0 };
    let mut chunk = vec![0; 64 << 10];
    let mut came = 0;
    while file.read_exact(&mut chunk).is_ok() && chunk.iter().any(|byte| *byte != 0) {
        came += chunk.len() as u64;
    }
    came
}

#[test]
fn a_download_waits_for_an_owner_who_went_away() {
    let mut world = World::new();
    let big = world.file("big.bin", 32 << 20);
    fs::create_dir_all(world.path("alice")).expect("folder");
    fs::write(world.path("alice/config.toml"), "upload_bytes_per_second = 16000000\n").expect("written");
    let mut alice = world.sharer("alice");
    alice.say(&format!("register {}", str(&big)));
    alice.line();
    let target = world.path("copy.bin");
    let part = world.path("copy.bin.potok-part");
    let data = world.path("bob");
    let mut bob =
        Running::start(POTOK, &world.args(&data, "bob", &["-c", &format!("download alice big.bin {}", str(&target))]));
    while came(&part) < 4 << 20 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    alice.kill();
    // The tracker goes as well, and comes back; what alice shares is remembered on her side.
    world.tracker.take().expect("runs").kill();
    world.start_tracker();
    let _alice = world.sharer("alice");
    assert_eq!(bob.wait(), Some(0), "{:?}", bob.errors());
    assert_eq!(hash(&target), hash(&big));
}

#[test]
fn two_programs_do_not_share_a_data_folder() {
    let world = World::new();
    let mut alice = world.sharer("alice");
    alice.say("whoami");
    alice.line();
    let second = world.once("alice", &["whoami"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr(&second).starts_with("error: in-use: "), "{}", stderr(&second));
    assert_eq!(alice.terminate(), Some(0));
}

#[test]
fn a_console_hosts_the_tracker_itself() {
    let dir = tempfile::tempdir().expect("folder");
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let file = dir.path().join("x.txt");
    fs::write(&file, "hello").expect("written");
    let host = ["console", "--data-dir", str(&a), "--name", "alice", "--host-tracker", "127.0.0.1:0", "--keep-sharing"];
    let mut alice = Running::start(POTOK, &host);
    alice.say(&format!("register {}", str(&file)));
    alice.line();
    alice.say("invite");
    let invite = alice.line();
    assert!(invite.starts_with("potok://127.0.0.1:"), "{invite}");
    let copy = dir.path().join("y.txt");
    let join =
        ["console", "--data-dir", str(&b), "--name", "bob", "--tracker", &invite, "--listen", "127.0.0.1:0", "-c"];
    let bob = run(POTOK, &[&join[..], &[&format!("download alice x.txt {}", str(&copy))]].concat());
    assert!(bob.status.success(), "{}", stderr(&bob));
    assert_eq!(fs::read(&copy).expect("read"), b"hello");

    // Somebody else's key in the invite is a full stop.
    let (link, _) = invite.split_once("key=").expect("has a key");
    let wrong = format!("{link}key={}", "ab".repeat(32));
    let c = dir.path().join("c");
    let join = ["console", "--data-dir", str(&c), "--name", "carol", "--tracker", &wrong, "-c", "list-users"];
    let carol = run(POTOK, &join);
    assert_eq!(carol.status.code(), Some(1));
    assert!(stderr(&carol).starts_with("error: tracker-key-changed: "), "{}", stderr(&carol));
}

#[test]
fn a_name_that_is_another_keys_now_is_a_full_stop() {
    let mut world = World::new();
    let file = world.file("x.txt", 100);
    let mut alice = world.sharer("alice");
    alice.say(&format!("register {}", str(&file)));
    alice.line();
    let target = world.path("first.txt");
    let bob = world.once("bob", &[&format!("download alice x.txt {}", str(&target))]);
    assert!(bob.status.success(), "{}", stderr(&bob));
    assert_eq!(alice.terminate(), Some(0));

    // The tracker loses its names, and somebody else comes as alice with the same file.
    world.tracker.take().expect("runs").kill();
    fs::remove_file(world.path("tracker/tracker.redb")).expect("removed");
    world.start_tracker();
    let data = world.path("mallory");
    let mut mallory = Running::start(POTOK, &world.args(&data, "alice", &["--keep-sharing"]));
    mallory.say(&format!("register {}", str(&file)));
    mallory.line();
    let target = world.path("second.txt");
    let again = format!("download alice x.txt {}", str(&target));
    let bob = world.once("bob", &[&again]);
    assert_eq!(bob.status.code(), Some(1));
    assert!(stderr(&bob).contains("error: user-key-changed: alice "), "{}", stderr(&bob));
    assert!(!target.exists());
    // A person who has asked her says so; from then on it is her key.
    let bob = world.once("bob", &["trust alice", &again]);
    assert!(bob.status.success(), "{}", stderr(&bob));
    assert_eq!(hash(&target), hash(&file));
}
