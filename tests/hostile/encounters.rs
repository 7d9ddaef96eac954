//! Encounters that are abused: tickets that were stolen, guessed or shown again, floods of them, and a tracker that has a
//! client meet whom it likes.

use std::net::{SocketAddr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use potok_core::library::typed::RemotePath;
use potok_core::node::intent::{DownloadRequest, Existing, Intent, UnsafeNames};
use potok_core::tracker::settings::TrackerSettings;
use potok_tests::encounter::{show, tickets, user};
use potok_tests::evil_peer::Say;
use potok_tests::evil_tracker::{EvilTracker, Manner, Script};
use potok_tests::lines::Lines;
use potok_tests::program::PATIENCE;
use potok_tests::world::{Person, TestTracker, promised, scaled};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const TICKET: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// A connection that has shown a ticket, and its address.
async fn probe(tracker: &TestTracker, ticket: &str) -> (Lines, SocketAddr) {
    show(tracker, &format!("probe {ticket}"), 9).await
}

/// The answer to a ticket that was shown.
async fn answer(lines: &mut Lines) -> String {
    let mut answer = lines.reply().await.expect("an answer");
    if answer == "OK 1" {
        answer = lines.line().await.expect("an address");
    }
    answer
}

/// Somebody else is served as ever.
async fn serves_others(what: &str, tracker: &TestTracker) {
    promised(what, || async { Lines::plain(tracker.handle.address()).await.expect("ping", "OK").await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_of_no_use_to_a_thief() {
    let tracker = TestTracker::start(TrackerSettings::default()).await;
    let mut anna = user(&tracker, "anna", 1).await;

    // Stolen on its way and shown as well: one of the two has the meeting. At worst it is wasted, and nothing else.
    let mut boris = user(&tracker, "boris", 1).await;
    let (asker, target) = tickets(&mut boris, "anna", &mut anna).await;
    let (mut thief, of_thief) = probe(&tracker, &asker).await;
    let (mut right, of_right) = probe(&tracker, &asker).await;
    let (refused, (mut first, of_first)) = tokio::select! {
        refused = answer(&mut right) => (refused, (thief, of_thief)),
        refused = answer(&mut thief) => (refused, (right, of_right)),
    };
    assert!(refused.starts_with("ERR gone"), "the same side twice");
    let (mut other, of_other) = probe(&tracker, &target).await;
    assert_eq!(answer(&mut other).await, of_first.to_string(), "who answers there proves no key");
    assert_eq!(answer(&mut first).await, of_other.to_string());

    // Shown again when both have met, by either side.
    for ticket in [&asker, &target] {
        let (mut again, _) = probe(&tracker, ticket).await;
        assert!(answer(&mut again).await.starts_with("ERR gone"), "shown again");
    }

    // Of one's own encounter: a thief who has both tickets meets nobody but itself.
    let mut vera = user(&tracker, "vera", 1).await;
    let (asker, target) = tickets(&mut vera, "anna", &mut anna).await;
    let (mut one, of_one) = probe(&tracker, &asker).await;
    let (mut two, of_two) = probe(&tracker, &target).await;
    assert_eq!((answer(&mut one).await, answer(&mut two).await), (of_two.to_string(), of_one.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_tickets_cost_others_nothing() {
    let tracker = TestTracker::start(TrackerSettings::default()).await;
    for _ in 0..scaled(300) {
        let (mut guess, _) = probe(&tracker, TICKET).await;
        assert!(answer(&mut guess).await.starts_with("ERR gone"));
    }
    serves_others("guesses", &tracker).await;

    // One who asks for everybody: twenty at once, and one more a second.
    let mut others = Vec::new();
    for n in 0..30 {
        others.push(user(&tracker, &format!("other{n}"), 1).await);
    }
    let mut asker = user(&tracker, "asker", 1).await;
    let begun = Instant::now();
    let mut met = 0;
    for n in 0..30 {
        met += u64::from(asker.ask(&format!("connect other{n}")).await.is_some_and(|head| head.starts_with("OK")));
    }
    assert!((20..=20 + begun.elapsed().as_secs()).contains(&met), "{met} in {:?}", begun.elapsed());

    // Everybody asks for one: sixteen are met in half a minute.
    let mut wanted = user(&tracker, "wanted", 1).await;
    let mut met = 0;
    for other in &mut others {
        met += u64::from(other.ask("connect wanted").await.is_some_and(|head| head.starts_with("OK")));
    }
    assert!(met == 16 || begun.elapsed() > Duration::from_secs(30), "{met}");
    wanted.send(b"ping\n").await;
    let mut told = 0;
    while let Some(line) = wanted.line().await.filter(|line| !line.starts_with("OK")) {
        told += u64::from(line.starts_with("* connect "));
    }
    assert_eq!(told, met, "who is refused is not told either");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_a_ticket_is_not_held_for_ever() {
    let tracker = TestTracker::start(TrackerSettings::default()).await;
    let mut anna = user(&tracker, "anna", 1).await;
    let mut held = Vec::new();
    for n in 0..10 {
        let mut asker = user(&tracker, &format!("asker{n}"), 1).await;
        let (ticket, _) = tickets(&mut asker, "anna", &mut anna).await;
        held.push(probe(&tracker, &ticket).await.0);
    }
    serves_others("held open", &tracker).await;
    for lines in &mut held {
        assert!(answer(lines).await.starts_with("ERR gone"), "the other side has not come");
    }
}

/// Where the next test counts who comes.
static DOOR: OnceLock<SocketAddr> = OnceLock::new();

/// An honest tracker but for this: it has a client meet somebody again and again, at the door.
fn has_meet(line: &str, _number: usize) -> Say {
    let door = DOOR.get().expect("set");
    let answer = match line.split(' ').next().unwrap_or_default() {
        "list-users" => {
            let meet = format!("* connect {TICKET} mallory {KEY} - closed back={TICKET}\n");
            format!("OK 1\nmallory 127.0.0.1:4009 {KEY}\n{}", meet.repeat(5_000))
        }
        "probe" => format!("OK 1\n{door}\n"),
        "whoami" => "OK 1\nvictim 127.0.0.1:4009 -\n".into(),
        _ => "OK 0\n".into(),
    };
    Say::Bytes(answer.into_bytes())
}

/// How often the next one was asked.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Addresses at which a tracker may name nobody: everybody's own, which leads to the door, one without a port of people,
/// everybody's in this network, one of another kind of network, the same in the clothes of IPv6, and none at all.
fn nobodys(door: SocketAddr) -> [String; 10] {
    let at = |place: &str| place.to_owned();
    [
        format!("0.0.0.0:{}", door.port()),
        at("127.0.0.1:22"),
        at("255.255.255.255:4001"),
        at("169.254.169.254:8080"),
        format!("[::ffff:0.0.0.0]:{}", door.port()),
        format!("[::]:{}", door.port()),
        at("[fe80::1%1]:4001"),
        at("[ff02::1]:4001"),
        at("[64:ff9b::a9fe:a9fe]:8080"),
        at("x"),
    ]
}

/// The same with addresses at which a tracker may name nobody.
fn has_meet_nobody(line: &str, number: usize) -> Say {
    if line.starts_with("probe ") {
        let places = nobodys(*DOOR.get().expect("set"));
        let place = &places[ASKED.fetch_add(1, Ordering::Relaxed) % places.len()];
        return Say::Bytes(format!("OK 1\n{place}\n").into_bytes());
    }
    has_meet(line, number)
}

#[test]
fn a_tracker_that_has_others_meet_cannot_aim_a_client() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let door = TcpListener::bind("127.0.0.1:0").expect("bound");
    door.set_nonblocking(true).expect("set");
    DOOR.set(door.local_addr().expect("bound")).expect("once");
    let greeting = || Say::Bytes(b"* potok 1 \"Evil\"\n".to_vec());
    let script = |answers| Script { manner: Manner::Honest, greeting, answers };
    let good = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    let nobodys = nobodys(*DOOR.get().expect("set")).len();
    for (name, answers, knocks_min, shown_min, what) in [
        ("victim", has_meet as fn(&str, usize) -> Say, 1, 2, "at a door that a tracker may name"),
        // One more than there are, so that it is through with each of them.
        ("another", has_meet_nobody, 0, nobodys + 1, "at places that it may not"),
    ] {
        let (victim, begun) = (Person::new(name), Instant::now());
        let evil = runtime.block_on(EvilTracker::start(script(answers)));
        victim.begin(Intent::Join(evil.invite()));
        let mut knocks = 0;
        let until = Instant::now() + PATIENCE;
        // The session, and connections that show their ticket.
        while evil.met() < 1 + shown_min || knocks < knocks_min {
            assert!(Instant::now() < until, "{what}: {knocks} knocks, {} connections", evil.met());
            knocks += std::iter::from_fn(|| door.accept().ok()).count() as u64;
            std::thread::sleep(Duration::from_millis(10));
        }
        victim.join(&good.address());
        knocks += std::iter::from_fn(|| door.accept().ok()).count() as u64;
        let allowed = if knocks_min == 0 { 0 } else { 16 + begun.elapsed().as_secs() };
        assert!(knocks <= allowed, "{what}: {knocks} knocks in {:?}", begun.elapsed());
        // Those that show a ticket, and the session, perhaps anew.
        assert!(evil.met() as u64 <= 20 + begun.elapsed().as_secs(), "{what}: {} connections", evil.met());
    }
}

/// The port of the door at which the owner of a download is said to be; how often their addresses were asked for.
static NAMED_PORT: AtomicU16 = AtomicU16::new(0);
static NAMED: AtomicUsize = AtomicUsize::new(0);

/// An honest tracker with one file, but for where its owner is: in each answer that has addresses.
fn names(line: &str, addresses: &[String]) -> Say {
    let count = addresses.len();
    let lines: String = addresses.iter().map(|line| format!("{line}\n")).collect();
    let answer = match line.split(' ').next().unwrap_or_default() {
        "list-users" => format!("OK 1\nmallory 127.0.0.1:1 {KEY}\n"),
        "list-files" | "search" | "sources" | "list-sources" => format!("OK 1\nmallory 5 {KEY} evil.txt\n"),
        "whoami" => "OK 1\nanybody 127.0.0.1:4009 -\n".into(),
        "list-addresses" => {
            NAMED.fetch_add(1, Ordering::Relaxed);
            format!("OK {count}\n{lines}")
        }
        "connect" => format!("OK {}\nticket {TICKET}\n{lines}", count + 1),
        _ => "OK 0\n".into(),
    };
    Say::Bytes(answer.into_bytes())
}

/// Hundreds of addresses that lead to the door, of a tracker that is as near as they are.
fn names_many(line: &str, _number: usize) -> Say {
    let port = NAMED_PORT.load(Ordering::Relaxed);
    let many = (1..=250).map(|n| format!("direct 127.0.0.{n}:{port} open"));
    names(line, &many.chain((1..=250).map(|n| format!("lan 127.0.1.{n}:{port} unknown"))).collect::<Vec<_>>())
}

/// Addresses at which nobody may be named, and others' claims of homes that are none of ours.
fn names_nobodys(line: &str, _number: usize) -> Say {
    let door = SocketAddr::from(([0, 0, 0, 0], NAMED_PORT.load(Ordering::Relaxed)));
    let mut places: Vec<String> = nobodys(door).into_iter().filter(|place| place != "x").collect();
    let claimed = [format!("127.0.0.1:{}", door.port()), format!("[::1]:{}", door.port()), "8.8.8.8:4001".into()];
    let lines: Vec<String> = places.iter().chain(&claimed).map(|place| format!("lan {place} unknown")).collect();
    places.iter_mut().for_each(|place| *place = format!("direct {place} open"));
    places.extend(lines);
    names(line, &places)
}

#[test]
fn a_tracker_that_says_where_an_owner_is_cannot_aim_a_client() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let greeting = || Say::Bytes(b"* potok 1 \"Evil\"\n".to_vec());
    let good = runtime.block_on(TestTracker::start(TrackerSettings::default()));
    for (name, answers, knocks_min, what) in [
        ("aimed", names_many as fn(&str, usize) -> Say, 1, "hundreds of addresses"),
        ("unaimed", names_nobodys, 0, "addresses that it may not name"),
    ] {
        // Another door for each: somebody of before may still be on their way to theirs.
        let door = TcpListener::bind("0.0.0.0:0").expect("bound");
        door.set_nonblocking(true).expect("set");
        NAMED_PORT.store(door.local_addr().expect("bound").port(), Ordering::Relaxed);
        let (victim, begun, named) = (Person::new(name), Instant::now(), NAMED.load(Ordering::Relaxed));
        let evil = runtime.block_on(EvilTracker::start(Script { manner: Manner::Honest, greeting, answers }));
        victim.begin(Intent::Join(evil.invite()));
        let download = Intent::Download(DownloadRequest {
            user: "mallory".parse().expect("a name"),
            remote_path: RemotePath::new("evil.txt").expect("a path"),
            local_path: None,
            existing: Existing::Refuse,
            unsafe_names: UnsafeNames::LeaveOut,
            wait: true,
        });
        let (mut knocks, until, mut wanted_at) = (0, Instant::now() + PATIENCE, None::<Instant>);
        // Asked for anew when all that was named at first has come to nothing.
        while NAMED.load(Ordering::Relaxed) < named + 2 || knocks < knocks_min {
            let asked = NAMED.load(Ordering::Relaxed) - named;
            assert!(Instant::now() < until, "{what}: {knocks} knocks, asked {asked} times");
            // Before one is at the tracker nothing can be wanted of it.
            if asked == 0 && wanted_at.is_none_or(|at| at.elapsed() > Duration::from_secs(1)) {
                wanted_at = Some(Instant::now());
                victim.begin(download.clone());
            }
            knocks += std::iter::from_fn(|| door.accept().ok()).count();
            std::thread::sleep(Duration::from_millis(10));
        }
        let attempts = NAMED.load(Ordering::Relaxed) - named;
        victim.join(&good.address());
        knocks += std::iter::from_fn(|| door.accept().ok()).count();
        // Four of each way, and all of these are of one.
        let allowed = if knocks_min == 0 { 0 } else { 4 * (attempts + 1) };
        assert!(knocks <= allowed, "{what}: {knocks} knocks in {attempts} attempts, {:?}", begun.elapsed());
    }
}
