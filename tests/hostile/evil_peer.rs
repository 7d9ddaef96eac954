//! Evil peers against one downloader: no wrong byte is ever in a finished file, an honest source is enough, and the same
//! engine goes on serving its owner.

use std::time::Duration;

use potok_core::net::identity::Identity;
use potok_core::node::intent::{Intent, TransferSelection};
use potok_core::protocol::peer::{Answer, PeerRefusal, Request};
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::evil_peer::{Answers, EvilPeer, Manner, Say, block_of, length, list_of, right};
use potok_tests::forged::Forgery;
use potok_tests::lines::Lines;
use potok_tests::program::PATIENCE;
use potok_tests::world::{PROMISED, Person, TestTracker, noise};
use tokio::runtime::Runtime;

const BLOCK: usize = 256 * 1024;

/// A small lie in an answer that is otherwise right, at one block.
fn bent(request: Request, data: &[u8], bend: impl FnOnce(&mut Vec<u8>)) -> Say {
    let mut bytes = right(request, data);
    if matches!(request, Request::Read { block: 1, .. }) {
        bend(&mut bytes);
    }
    Say::Bytes(bytes)
}

fn listed(request: Request, data: &[u8], lie: impl FnOnce(u32, Vec<u8>) -> Say) -> Say {
    match request {
        Request::List { id, .. } => lie(id, list_of(data)),
        _ => Say::Bytes(right(request, data)),
    }
}

fn with_head(head: Answer, body: &[u8]) -> Say {
    Say::Bytes([&head.encode()[..], body].concat())
}

fn refuses(request: Request, why: PeerRefusal) -> Say {
    Say::Bytes(Answer::Refused { id: request.id(), why }.encode().to_vec())
}

fn honest(request: Request, data: &[u8]) -> Say {
    Say::Bytes(right(request, data))
}

/// What it does, how it comes to the handshake, and what it answers.
type Evil = (&'static str, Manner, Answers);

const EVIL: &[Evil] = &[
    ("accepts and says nothing", Manner::Silent, honest),
    ("accepts and closes", Manner::Closes, honest),
    ("answers a handshake as a web server", Manner::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), honest),
    ("answers a handshake as a tracker", Manner::Says(b"* potok 1 \"Potok\"\n"), honest),
    ("answers a handshake with a record that is too long", Manner::Says(b"\x16\x03\x03\xff\xff\x02"), honest),
    ("answers a handshake with an alert", Manner::Says(b"\x15\x03\x03\x00\x02\x02\x28"), honest),
    ("answers a handshake with data", Manner::Says(b"\x17\x03\x03\x00\x05hello"), honest),
    ("answers a handshake with junk without end", Manner::Babbles(&[0x55; 4096]), honest),
    ("answers a handshake with empty records without end", Manner::Babbles(b"\x16\x03\x03\x00\x00"), honest),
    ("takes half a minute for a handshake", Manner::SlowHandshake, honest),
    ("proves another key", Manner::Stranger, honest),
    ("shows the right key and signs with another", Manner::Forged(Forgery::OwnSignature), honest),
    ("shows the right key and signs with zeros", Manner::Forged(Forgery::Zeros), honest),
    ("shows the right key and signs nothing", Manner::Forged(Forgery::Empty), honest),
    ("shows the right key and signs by halves", Manner::Forged(Forgery::Truncated), honest),
    ("shows the right key and repeats another signature", Manner::Forged(Forgery::OfSomethingElse), honest),
    ("shows the right key and signs by another scheme", Manner::Forged(Forgery::OtherScheme), honest),
    ("shows a key of another kind", Manner::Forged(Forgery::P256), honest),
    ("shows a key that is cut off", Manner::Forged(Forgery::ShortKey), honest),
    ("shows a key that is none", Manner::Forged(Forgery::Nothing), honest),
    ("shows a key of small order", Manner::Forged(Forgery::SmallOrder), honest),
    ("closes after the handshake", Manner::HandshakeOnly, honest),
    ("speaks a tracker's protocol", Manner::OtherProtocol, honest),
    ("answers before it is asked", Manner::Eager(&[1, 0, 0, 0, 1, 0, 0, 0, 4, b'e', b'v', b'i', b'l']), honest),
    ("refuses what nobody asked for", Manner::Eager(&[3, 0, 0, 0, 99, 0, 0, 0, 1]), honest),
    ("says granted before anything", Manner::Eager(&[5, 0, 0, 0, 0, 0, 0, 0, 0]), honest),
    ("one wrong bit in a block", Manner::Honest, |r, d| bent(r, d, |b| *b.last_mut().expect("data") ^= 1)),
    ("zeros for a block", Manner::Honest, |r, d| bent(r, d, |b| b[9..].fill(0))),
    ("another block at its place", Manner::Honest, |request, data| match request {
        Request::Read { id, content, block: 1 } => Say::Bytes(right(Request::Read { id, content, block: 0 }, data)),
        _ => honest(request, data),
    }),
    ("all of it wrong", Manner::Honest, |request, data| Say::Bytes(right(request, &noise(99, data.len())))),
    ("a block that is shorter", Manner::Honest, |request, data| match request {
        Request::Read { id, block: 1, .. } => with_head(Answer::Data { id, bytes: 100 }, &data[..100]),
        _ => honest(request, data),
    }),
    ("a block that is longer", Manner::Honest, |request, data| match request {
        Request::Read { id, block: 1, .. } => {
            with_head(Answer::Data { id, bytes: 300_000 }, &[block_of(data, 1), &[0; 300_000 - BLOCK]].concat())
        }
        _ => honest(request, data),
    }),
    ("a block of nothing", Manner::Honest, |request, data| match request {
        Request::Read { id, block: 1, .. } => with_head(Answer::Data { id, bytes: 0 }, &[]),
        _ => honest(request, data),
    }),
    ("a block of two gigabytes", Manner::Honest, |r, d| {
        bent(r, d, |b| b[5..9].copy_from_slice(&[0x7f, 255, 255, 255]))
    }),
    ("a block of four gigabytes", Manner::Honest, |r, d| bent(r, d, |b| b[5..9].fill(255))),
    ("a block as large as a frame may be", Manner::Honest, |request, data| match request {
        Request::Read { id, block: 1, .. } => with_head(Answer::Data { id, bytes: 4 << 20 }, &vec![7; 4 << 20]),
        _ => honest(request, data),
    }),
    ("half a block, then the end", Manner::Honest, |request, data| match request {
        Request::Read { block: 1, .. } => Say::Last(right(request, data)[..BLOCK / 2].to_vec()),
        _ => honest(request, data),
    }),
    ("half a block, then silence", Manner::Honest, |request, data| match request {
        Request::Read { block: 2, .. } => Say::Nothing,
        _ => honest(request, data),
    }),
    ("half a frame, then the end", Manner::Honest, |request, data| match request {
        Request::Read { block: 1, .. } => Say::Last(right(request, data)[..4].to_vec()),
        _ => honest(request, data),
    }),
    ("a byte twenty times a second", Manner::Honest, |request, data| Say::Slowly(right(request, data))),
    ("data without end", Manner::Honest, |_, _| Say::Forever(vec![0x55; 65_536])),
    ("the same block without end", Manner::Honest, |request, data| Say::Forever(right(request, data))),
    ("each answer twice", Manner::Honest, |request, data| Say::Bytes(right(request, data).repeat(2))),
    ("nothing at all", Manner::Honest, |_, _| Say::Nothing),
    ("closes at the first request", Manner::Honest, |_, _| Say::Reset),
    ("an answer to another request", Manner::Honest, |r, d| {
        bent(r, d, |b| b[1..5].copy_from_slice(&[0, 1, 0x2f, 0xd1]))
    }),
    ("a list for a block", Manner::Honest, |r, d| bent(r, d, |b| b[0] = 2)),
    ("a frame of no kind", Manner::Honest, |r, d| bent(r, d, |b| b[0] = 0x77)),
    ("a request for an answer", Manner::Honest, |request, _| Say::Bytes(request.encode().to_vec())),
    ("a web page for an answer", Manner::Honest, |_, _| {
        Say::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n".to_vec())
    }),
    ("the list of another file", Manner::Honest, |request, data| {
        listed(request, data, |id, list| {
            with_head(Answer::List { id, bytes: 96 }, &list_of(&noise(5, data.len()))[..list.len()])
        })
    }),
    ("a list with one hash wrong", Manner::Honest, |request, data| {
        listed(request, data, |id, mut list| {
            list[40] ^= 1;
            with_head(Answer::List { id, bytes: 96 }, &list)
        })
    }),
    ("a list in another order", Manner::Honest, |request, data| {
        listed(request, data, |id, mut list| {
            list.rotate_left(32);
            with_head(Answer::List { id, bytes: 96 }, &list)
        })
    }),
    ("a list that is shorter", Manner::Honest, |request, data| {
        listed(request, data, |id, list| with_head(Answer::List { id, bytes: 32 }, &list[..32]))
    }),
    ("a list that is longer", Manner::Honest, |request, data| {
        listed(request, data, |id, list| with_head(Answer::List { id, bytes: 128 }, &[&list[..], &[0; 32]].concat()))
    }),
    ("a list of 32 megabytes", Manner::Honest, |request, data| {
        listed(request, data, |id, _| with_head(Answer::List { id, bytes: 32 << 20 }, &vec![0; 1 << 20]))
    }),
    ("a data frame for a list", Manner::Honest, |request, data| {
        listed(request, data, |id, list| with_head(Answer::Data { id, bytes: 96 }, &list))
    }),
    ("not shared, though it is listed", Manner::Honest, |request, _| refuses(request, PeerRefusal::NotShared)),
    ("changed, every time", Manner::Honest, |request, _| refuses(request, PeerRefusal::Changed)),
    ("busy, for ever", Manner::Honest, |request, _| refuses(request, PeerRefusal::Busy)),
    ("a bad request, it says", Manner::Honest, |request, _| refuses(request, PeerRefusal::BadRequest)),
    ("cancelled, though nobody did", Manner::Honest, |request, _| refuses(request, PeerRefusal::Cancelled)),
    ("an error of its own, for ever", Manner::Honest, |request, _| refuses(request, PeerRefusal::Internal)),
    ("a refusal for no reason that there is", Manner::Honest, |request, _| {
        let mut frame = Answer::Refused { id: request.id(), why: PeerRefusal::Busy }.encode();
        frame[8] = 77;
        Say::Bytes(frame.to_vec())
    }),
    ("queued without end", Manner::Honest, |_, _| Say::Forever(Answer::Queued { place: 1 }.encode().repeat(500))),
    ("queued at the last place, then silence", Manner::Honest, |_, _| {
        Say::Bytes(Answer::Queued { place: u32::MAX }.encode().to_vec())
    }),
    ("granted without end", Manner::Honest, |_, _| Say::Forever(Answer::Granted.encode().repeat(500))),
];

/// Whom bob must find out and name: what they send is wrong, or no answer of this protocol.
const FOUND_OUT: &[&str] = &[
    "answers before it is asked",
    "refuses what nobody asked for",
    "one wrong bit in a block",
    "zeros for a block",
    "another block at its place",
    "all of it wrong",
    "a block that is shorter",
    "a block that is longer",
    "a block of nothing",
    "a block of two gigabytes",
    "a block of four gigabytes",
    "a block as large as a frame may be",
    "data without end",
    "the same block without end",
    "each answer twice",
    "an answer to another request",
    "a list for a block",
    "a frame of no kind",
    "a request for an answer",
    "a web page for an answer",
    "the list of another file",
    "a list with one hash wrong",
    "a list in another order",
    "a list that is shorter",
    "a list that is longer",
    "a list of 32 megabytes",
    "a data frame for a list",
    "a refusal for no reason that there is",
];

/// The tracker, an honest owner of everything, and the one who downloads.
struct Scene {
    runtime: Runtime,
    tracker: TestTracker,
    anna: Person,
    bob: Person,
    carol: Person,
}

/// Somebody at the tracker; one who was found to lie is asked nothing more, so each row has its own.
struct Mallory {
    name: String,
    identity: Identity,
    session: Lines,
}

impl Scene {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        // Who comes is told at once, to save time.
        let settings = TrackerSettings { notice_window_milliseconds: 1, ..TrackerSettings::default() };
        let tracker = runtime.block_on(TestTracker::start(settings));
        let [anna, bob, carol] = ["anna", "bob", "carol"].map(Person::new);
        for person in [&anna, &bob, &carol] {
            person.join(&tracker.address());
        }
        Self { runtime, tracker, anna, bob, carol }
    }

    /// Comes to the tracker; bob has heard of it when this returns.
    fn mallory(&self, round: usize) -> Mallory {
        let identity = Identity::generate();
        let name = format!("mallory-{round}");
        let tracker = &self.tracker.handle;
        let session = self.runtime.block_on(Lines::tls(tracker.address(), tracker.key(), &identity));
        Mallory { name, identity, session }
    }

    /// They listen there and announce this content under this name.
    fn announce(&self, mallory: &mut Mallory, peer: &EvilPeer, path: &str, data: &[u8]) {
        let Mallory { name, session, .. } = mallory;
        let (size, hash) = (data.len(), blake3::hash(data));
        self.runtime.block_on(async {
            session.expect(&format!("register-user {name} {}", peer.address.port()), "OK 0").await;
            session.expect(&format!("register-files {name} \"{path}\" size={size} hash={hash}"), "OK 0").await;
        });
    }

    /// Bob gets something from Anna within the promised time.
    fn bob_is_served(&self, what: &str, round: usize) {
        let mut took = Vec::new();
        for attempt in 0..6 {
            let begun = std::time::Instant::now();
            let number = self.bob.download("anna", "honest.bin", &format!("honest-{round}-{attempt}")).expect(what);
            let over = self.bob.over(number, PATIENCE);
            assert_eq!(over, Some(None), "{what}: bob is not served");
            if begun.elapsed() <= PROMISED {
                return;
            }
            took.push(begun.elapsed());
        }
        panic!("{what}: bob waited {took:?}");
    }

    /// There is no file of this name, or the right one.
    fn is_right_or_not_there(&self, what: &str, name: &str, data: &[u8]) {
        if let Ok(found) = std::fs::read(self.bob.path(name)) {
            assert!(found == data, "{what}: a wrong file was finished");
        }
    }
}

#[test]
fn a_downloader_outlives_every_evil_peer() {
    assert!(EVIL.len() >= 40, "{}", EVIL.len());
    let scene = Scene::new();
    let honest = scene.anna.write("honest.bin", &noise(1, 10_000));
    scene.anna.share(&honest).expect("shared");
    for (round, (what, manner, answers)) in EVIL.iter().enumerate() {
        let data = noise(round as u64 + 100, 2 * BLOCK + 777);
        let mut mallory = scene.mallory(round);
        let start = EvilPeer::start(&mallory.identity, *manner, *answers, data.clone());
        let peer = scene.runtime.block_on(start);
        let path = format!("evil-{round}.bin");
        scene.announce(&mut mallory, &peer, &path, &data);
        let (alone, both) = (format!("alone-{round}"), format!("both-{round}"));
        let number = scene.bob.download(&mallory.name, &path, &alone).expect(what);
        wait_until(what, || peer.met() > 0);
        // However it goes on, nobody else waits for it.
        scene.bob_is_served(what, round);
        scene.is_right_or_not_there(what, &alone, &data);
        if FOUND_OUT.contains(what) {
            wait_until(what, || scene.bob.liars().contains(&mallory.name));
        }
        scene.bob.ask(Intent::Cancel(TransferSelection::One(number))).expect("cancelled");
        // With one honest source it is finished, also by somebody who has not met the evil one.
        let copy = scene.anna.write(&format!("copy-{round}.bin"), &data);
        scene.anna.share(&copy).expect("shared");
        let number = scene.carol.download("anna", &format!("copy-{round}.bin"), &both).expect(what);
        let over = scene.carol.over(number, PATIENCE);
        assert_eq!(over, Some(None), "{what}: one honest source is not enough");
        assert!(std::fs::read(scene.carol.path(&both)).expect("read") == data, "{what}: a wrong file was finished");
        scene.is_right_or_not_there(what, &alone, &data);
    }
    let named = scene.bob.liars();
    assert!(named.len() >= FOUND_OUT.len() && FOUND_OUT.len() >= 25, "{named:?}");
    assert!(named.iter().all(|name| name.starts_with("mallory")), "{named:?}");
}

/// What comes in one piece is checked in one piece.
const SMALL: &[(&str, Answers)] = &[
    ("one wrong bit", |request, data| {
        let mut bytes = right(request, data);
        *bytes.last_mut().expect("data") ^= 1;
        Say::Bytes(bytes)
    }),
    ("zeros", |request, data| with_head(Answer::Data { id: request.id(), bytes: length(data) }, &vec![0; data.len()])),
    ("another file of that length", |request, data| Say::Bytes(right(request, &noise(5, data.len())))),
];

#[test]
fn a_small_file_is_never_wrong_either() {
    let scene = Scene::new();
    for (round, (what, answers)) in SMALL.iter().enumerate() {
        let data = noise(round as u64 + 900, 5_000);
        let mut mallory = scene.mallory(round);
        let start = EvilPeer::start(&mallory.identity, Manner::Honest, *answers, data.clone());
        let peer = scene.runtime.block_on(start);
        scene.announce(&mut mallory, &peer, "small.bin", &data);
        let local = format!("small-{round}");
        let number = scene.bob.download(&mallory.name, "small.bin", &local).expect(what);
        assert!(matches!(scene.bob.over(number, PATIENCE), Some(Some(_))), "{what}: it did not fail");
        assert!(!scene.bob.path(&local).exists(), "{what}: a wrong file was finished");
        assert!(scene.bob.liars().contains(&mallory.name), "{what}: nobody was named");
    }
}

/// Those who announce a content under very many paths stand before all others in the list of who has it.
#[test]
fn one_user_does_not_hide_other_sources() {
    hide_sources(1, 250);
}

#[test]
fn several_users_do_not_hide_other_sources() {
    hide_sources(3, 5_000);
}

/// Their connections are never silent, so nobody gives them up.
#[test]
fn users_who_send_a_byte_now_and_then_hold_nobody_up() {
    hold_up(|request, data| Say::Slowly(right(request, data)));
}

#[test]
fn users_who_have_others_wait_once_they_are_asked_hold_nobody_up() {
    hold_up(|_, _| Say::Slowly(Answer::Queued { place: 1 }.encode().repeat(1000)));
}

/// Two may be asked for a block, and two such are asked before one who is honest is there.
fn hold_up(answers: Answers) {
    let scene = Scene::new();
    let data = noise(8, 5_000);
    let mut holders = Vec::new();
    for n in 0..2 {
        let mut mallory = scene.mallory(n);
        let start = EvilPeer::start(&mallory.identity, Manner::Honest, answers, data.clone());
        let peer = scene.runtime.block_on(start);
        scene.announce(&mut mallory, &peer, "letter.txt", &data);
        holders.push((mallory, peer));
    }
    let number = scene.bob.download(&holders[0].0.name, "letter.txt", "letter").expect("queued");
    holders.iter().for_each(|(mallory, peer)| wait_until(&mallory.name, || peer.met() > 0));
    // By then both have been asked.
    std::thread::sleep(Duration::from_secs(1));
    let copy = scene.carol.write("the same letter.txt", &data);
    scene.carol.share(&copy).expect("shared");
    assert_eq!(scene.bob.over(number, PATIENCE), Some(None), "the honest source is asked");
    assert!(std::fs::read(scene.bob.path("letter")).expect("read") == data);
}

fn hide_sources(hiders: usize, paths_each: usize) {
    let scene = Scene::new();
    let data = noise(7, 2 * BLOCK + 777);
    let mut owner = scene.mallory(0);
    let away = scene.runtime.block_on(EvilPeer::start(&owner.identity, Manner::Closes, honest, data.clone()));
    scene.announce(&mut owner, &away, "film.bin", &data);
    let (size, hash) = (data.len(), blake3::hash(&data));
    let paths: Vec<String> = (0..paths_each).map(|n| format!("\"{n}\" size={size} hash={hash}")).collect();
    let mut all_hiding = Vec::new();
    for n in 1..=hiders {
        let mut hider = scene.mallory(n);
        let evil = scene.runtime.block_on(EvilPeer::start(&hider.identity, Manner::Silent, honest, data.clone()));
        let Mallory { name, session, .. } = &mut hider;
        scene.runtime.block_on(async {
            session.expect(&format!("register-user {name} {}", evil.address.port()), "OK 0").await;
            for some in paths.chunks(500) {
                session.expect(&format!("register-files {name} {}", some.join(", ")), "OK 0").await;
            }
        });
        all_hiding.push((hider, evil));
    }
    let copy = scene.carol.write("the same film.bin", &data);
    scene.carol.share(&copy).expect("shared");
    let number = scene.bob.download(&owner.name, "film.bin", "film").expect("queued");
    drop((owner, away));
    assert_eq!(scene.bob.over(number, PATIENCE), Some(None), "the honest source is found");
    assert!(std::fs::read(scene.bob.path("film")).expect("read") == data);
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(std::time::Instant::now() < until, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}
