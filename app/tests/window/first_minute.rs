//! From the first start to an invite, from an invite to a file, and back into a network that one was in.

use std::net::TcpListener;
use std::time::{Duration, SystemTime};

use potok_core::model::invite::TrackerAddress;
use potok_core::node::work::FailedWork;
use potok_tests::connection_refused;

use super::people::hosting;
use super::*;

const LINK: &str =
    "potok://tracker.example.org:7686/?key=cc892c02f64987b9c47ac971bf0dc5bab5788f63cff6529a185d06b7edccb441";

pub(super) fn first_start() -> Test {
    Test::with(
        Screen::Welcome,
        Settings { name: "boris".parse().ok(), language: "en".into(), theme: "dark".into(), ..Settings::default() },
    )
}

pub(super) fn invite() -> Invite {
    LINK.parse().expect("valid")
}

fn online(tracker: &str, network: &str) -> NodeEvent {
    NodeEvent::Connection(TrackerConnection::Online {
        tracker: tracker.to_owned(),
        network: network.to_owned(),
        message_of_the_day: Vec::new(),
    })
}

pub(super) fn connecting(tracker: &str, why: Option<&str>) -> NodeEvent {
    let offline = |why: &str| Failure::Offline { tracker: tracker.to_owned(), why: why.into() };
    NodeEvent::Connection(TrackerConnection::Connecting { tracker: tracker.to_owned(), why: why.map(offline) })
}

/// After a click on *Start a network here*.
fn hosts(test: &mut Test) {
    test.tell(online("h:1", "Network of boris"));
    test.answer(|i| matches!(i, Intent::Status), hosting());
    test.answer(|i| matches!(i, Intent::Invite), Outcome::Invite(invite()));
    let me = Me { username: name("boris"), address: None, key: PublicKey::from_bytes([1; 32]) };
    test.answer(|i| matches!(i, Intent::WhoAmI), Outcome::Me(me));
    let line = UserLine { username: name("boris"), address: None, key: Some(PublicKey::from_bytes([1; 32])) };
    test.answer(|i| matches!(i, Intent::ListUsers), Outcome::Users(vec![line]));
}

fn screen(test: &Test) -> Screen {
    test.window.state().state.screen
}

#[test]
fn from_the_start_to_an_invite_in_two_clicks() {
    let mut test = first_start();
    test.click("Start a network here");
    hosts(&mut test);
    assert_eq!(screen(&test), Screen::Invite, "what comes next is shown by itself");
    assert!(test.is_seen(LINK) && test.is_seen("The invite as a QR code") && test.is_seen("Network of boris"));
    test.click("Copy the invite");
    assert!(test.is_seen("Copied"));

    assert!(test.is_seen("Waiting for the first one…") && test.is_seen("Share something"));
    let anna = UserLine { username: name("anna"), address: None, key: Some(PublicKey::from_bytes([9; 32])) };
    test.tell(NodeEvent::Joined { user: anna, at: SystemTime::now() });
    assert!(test.is_seen("anna has joined") && !test.is_seen("Waiting for the first one"));
    let before = test.asked_so_far();
    test.click("Share a folder…");
    let asked = test.asked_since(before);
    assert!(matches!(asked[..], [Intent::PreviewShare(_)]), "it is said first what it will be: {asked:?}");
    test.answer_preview(true, 5);
    test.click("Share");
    assert!(matches!(test.last(), Intent::Share(_)));
}

#[test]
fn the_network_gets_a_name_of_its_own() {
    let mut test = first_start();
    test.click("Start a network here");
    let applied = |test: &Test| {
        let asked = test.asked_since(0).into_iter().rev();
        let mut applied =
            asked.filter_map(|intent| if let Intent::Apply(settings) = intent { Some(settings) } else { None });
        applied.next().expect("applied").network_name
    };
    assert_eq!(applied(&test), "Network of boris");
    assert_eq!(test.last(), Intent::HostTracker("[::]:7686".parse().expect("address")), "it starts with its name");
    hosts(&mut test);
    test.window.get_by_role_and_label(Role::TextInput, "Name of the network").focus();
    test.press(Modifiers::COMMAND, Key::A);
    test.type_into("Name of the network", "Семейство");
    test.press(Modifiers::NONE, Key::Enter);
    assert_eq!(applied(&test), "Семейство");
    // An empty name is none.
    test.window.get_by_role_and_label(Role::TextInput, "Name of the network").focus();
    test.press(Modifiers::COMMAND, Key::A);
    test.press(Modifiers::NONE, Key::Backspace);
    test.press(Modifiers::NONE, Key::Enter);
    assert_eq!(applied(&test), "Семейство");
}

#[test]
fn the_invite_is_always_one_click_away() {
    let mut test = Test::new(Screen::Browse);
    hosts(&mut test);
    for page in [Screen::Browse, Screen::Transfers, Screen::Shared, Screen::People, Screen::Console, Screen::Settings] {
        test.window.state_mut().state.screen = page;
        test.steps();
        test.window.get_by_role_and_label(Role::Button, "Invite").click();
        test.steps();
        assert!(test.is_seen(LINK), "{page:?}");
    }
    test.tell(NodeEvent::Connection(TrackerConnection::None));
    assert!(!test.is_seen(LINK) && test.is_seen("You are not in a network"));
    test.click("Choose a network");
    assert_eq!(screen(&test), Screen::Welcome);
}

#[test]
fn a_friend_has_a_file_in_two_clicks() {
    let mut test = first_start();
    test.window.state_mut().state.welcome.offer(invite());
    test.steps();
    test.click("Join it");
    assert_eq!(test.last(), Intent::Join(invite().into()));
    test.list(vec![file("anna", "Trip.jpg", 5, 1)]);
    assert_eq!(screen(&test), Screen::Browse);
    let row = test.window.get_by_label("Trip.jpg").rect().center();
    for _ in 0..2 {
        let button = |pressed| {
            let button = eframe::egui::PointerButton::Primary;
            Event::PointerButton { pos: row, button, pressed, modifiers: Modifiers::NONE }
        };
        test.window.input_mut().events.extend([Event::PointerMoved(row), button(true), button(false)]);
        test.window.step();
    }
    test.steps();
    let Intent::Download(request) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!((request.user.as_str(), request.remote_path.as_str()), ("anna", "Trip.jpg"));
}

#[test]
fn whoever_types_an_invite_needs_no_click_before() {
    let mut test = first_start();
    test.steps();
    test.window.get_by_label("Paste the invite or address").type_text(LINK);
    test.steps();
    test.press(Modifiers::NONE, Key::Enter);
    assert_eq!(test.last(), Intent::Join(invite().into()));
}

#[test]
fn a_trial_says_so_and_becomes_real_by_one_click() {
    let mut test = first_start();
    test.click("Try it alone");
    let at: std::net::SocketAddr = "127.0.0.1:0".parse().expect("address");
    assert_eq!(test.last(), Intent::HostTracker(at));
    // Without an invite the friend does not come in this test.
    test.tell(online("127.0.0.1:5", "Potok"));
    assert_eq!(screen(&test), Screen::Browse);
    for page in [Screen::Browse, Screen::Shared, Screen::People, Screen::Tracker] {
        test.window.state_mut().state.screen = page;
        test.steps();
        assert!(test.is_seen("This is a trial") && test.is_seen("Make it a real network"), "{page:?}");
        assert!(!test.is_seen("Copy the invite"), "{page:?}");
    }
    test.window.get_by_role_and_label(Role::Button, "Invite").click();
    test.steps();
    assert!(test.is_seen("no invite to send") && !test.is_seen("Copy the invite"));
    test.click("Make it a real network");
    assert_eq!(test.last(), Intent::HostTracker("[::]:7686".parse().expect("address")));
    hosts(&mut test);
    assert!(!test.is_seen("This is a trial") && test.is_seen(LINK));
}

#[test]
fn a_trial_ends_where_another_network_begins() {
    let mut test = first_start();
    test.click("Try it alone");
    test.tell(online("127.0.0.1:5", "Potok"));
    test.window.state_mut().state.screen = Screen::Welcome;
    test.steps();
    test.type_into("Paste the invite or address", LINK);
    test.click("Join");
    assert!(test.was_asked(&Intent::StopTracker));
    assert_eq!(test.last(), Intent::Join(invite().into()));
    test.tell(online("tracker.example.org:7686", "Family"));
    assert!(!test.is_seen("This is a trial"));
}

#[test]
fn a_network_that_one_was_in_is_offered_and_can_be_forgotten() {
    let mut test = first_start();
    assert!(!test.is_seen("Recent networks"));
    test.type_into("Paste the invite or address", LINK);
    test.click("Join");
    test.tell(online("tracker.example.org:7686", "Family\u{202e}"));
    test.answer(|i| matches!(i, Intent::Invite), Outcome::Invite(invite()));
    test.window.state_mut().state.screen = Screen::Tracker;
    test.steps();
    test.click("Leave");
    assert_eq!(test.last(), Intent::Leave);
    test.tell(NodeEvent::Connection(TrackerConnection::None));
    assert_eq!(screen(&test), Screen::Welcome);
    assert!(test.is_seen("Recent networks") && test.is_seen("Family⟨U+202E⟩"));
    assert!(test.is_seen("tracker.example.org:7686 · last seen"));
    test.click("Join: Family⟨U+202E⟩");
    assert_eq!(test.last(), Intent::Join(invite().into()));
    test.click("Forget: Family⟨U+202E⟩");
    assert!(!test.is_seen("Recent networks"));
}

#[test]
fn the_recent_networks_survive_a_restart() {
    let folder = tempfile::tempdir().expect("folder");
    let mut test = Test::in_folder(Screen::Welcome, folder.path());
    test.tell(online("tracker.example.org:7686", "Family"));
    test.answer(|i| matches!(i, Intent::Invite), Outcome::Invite(invite()));
    drop(test);
    let test = Test::in_folder(Screen::Welcome, folder.path());
    assert!(test.is_seen("Recent networks") && test.is_seen("Family"));
    drop(test);
    std::fs::write(folder.path().join("networks.toml"), "no list").expect("written");
    assert!(!Test::in_folder(Screen::Welcome, folder.path()).is_seen("Recent networks"), "damage is no network");
}

#[test]
fn who_is_on_the_way_is_told_to_whom_and_since_when() {
    let mut test = Test::new(Screen::Browse);
    let long_ago = SystemTime::now() - Duration::from_secs(400_000);
    test.window.state_mut().model.recent.met(&invite(), "Family", long_ago);
    test.tell(connecting("tracker.example.org:7686", None));
    assert!(test.is_seen("Waiting for Family") && test.is_seen("Last seen: "));
    assert!(!test.is_seen("You are not in a network"));
    test.tell(connecting("tracker.example.org:7686", Some(&connection_refused())));
    assert!(test.is_seen("nobody answers there") && !test.is_seen("os error"));

    test.list(vec![file("anna", "Trip.jpg", 5, 1)]);
    assert!(test.is_seen("Trip.jpg") && !test.is_seen("Waiting for"), "an old error goes when it is over");
    assert!(!test.is_seen("nobody answers there"));
    test.tell(connecting("h:1", Some("the tracker ended the session")));
    assert!(test.is_seen("Trip.jpg") && test.is_seen("Waiting for h:1") && test.is_seen("What is listed is from then"));
}

#[test]
fn errors_of_joining_stand_beside_the_field_and_once() {
    for page in [Screen::Welcome, Screen::Tracker] {
        let mut test = first_start();
        test.window.state_mut().state.screen = page;
        test.steps();
        test.type_into("Paste the invite or address", "tracker.example.org");
        test.click("Join");
        let tracker: TrackerAddress = "tracker.example.org:7686".parse().expect("address");
        assert_eq!(test.last(), Intent::Join(tracker.clone()));
        let address = tracker.address.to_string();
        test.tell(connecting(&address, Some(&connection_refused())));
        let id = test
            .asked
            .lock()
            .expect("no panic")
            .iter()
            .rev()
            .find(|(_, i)| matches!(i, Intent::Join(_)))
            .expect("asked")
            .0;
        let why = Failure::Offline { tracker: address.clone(), why: connection_refused().into() };
        test.tell(NodeEvent::Outcome { id, result: Err(why) });
        let count = |test: &Test| test.window.query_all_by_label_contains("nobody answers there").count();
        assert_eq!(count(&test), 1, "{page:?}");
        assert_eq!(
            test.window.get_by_label("Paste the invite or address").value().as_deref(),
            Some("tracker.example.org")
        );
        test.tell(online(&address, "Family"));
        assert_eq!(count(&test), 0, "it is over");
    }
}

#[test]
fn a_network_that_cannot_be_started_says_why() {
    let mut test = first_start();
    test.click("Start a network here");
    let id = test.asked.lock().expect("no panic").last().expect("asked").0;
    let taken = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = taken.local_addr().expect("has one");
    let error = TcpListener::bind(address).expect_err("is in use");
    let why = Failure::Internal { what: FailedWork::StartingTracker, why: format!("{address}: {error}").into() };
    test.tell(NodeEvent::Outcome { id, result: Err(why) });
    assert_eq!(test.window.query_all_by_label_contains("another program uses this address").count(), 1);
    assert_eq!(screen(&test), Screen::Welcome);
}
