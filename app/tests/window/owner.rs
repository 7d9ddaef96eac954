//! What an owner sees and does on the page of a network that is far away.

use potok_core::protocol::command::owner::{Approve, Deny, ListWaiting, RenameNetwork};
use potok_core::protocol::notice::Role;
use potok_core::protocol::owner_line::WaitingLine;

use super::*;

fn from_afar() -> Test {
    let mut test = Test::new(Screen::Tracker);
    test.go_online();
    test.tell(NodeEvent::Role(Role::Owner));
    test
}

#[test]
fn who_asks_to_be_let_in_is_known_by_name_and_key() {
    let mut test = from_afar();
    assert!(!test.is_seen("They ask to be let in"));
    let key = |n: u8| PublicKey::from_bytes([n; 32]);
    let line = |n: u8| WaitingLine {
        username: name("eve"),
        key: key(n),
        address: "192.0.2.7".parse().expect("an address"),
        since: 1_800_000_000,
    };
    test.tell(NodeEvent::AsksToComeIn(name("eve")));
    let waiting = Outcome::WaitingUsers(vec![line(1), line(2)]);
    test.answer(|i| *i == Intent::Order(ListWaiting.into()), waiting);
    assert!(test.is_seen("0101 0101 0101 0101 … · 192.0.2.7") && test.is_seen("0202 0202 0202 0202 …"));
    // Of two who ask for one name each is answered by the key.
    for (label, of, expected) in [
        ("Let in: eve", 0, Intent::Order(Approve { username: name("eve"), key: Some(key(1)) }.into())),
        ("Do not let in: eve", 1, Intent::Order(Deny { username: name("eve"), key: Some(key(2)) }.into())),
    ] {
        test.window.query_all_by_label(label).nth(of).expect("a button a row").click_accesskit();
        test.steps();
        assert!(test.was_asked(&expected), "{expected:?}, not {:?}", test.asked_since(0));
    }
}

/// Somebody waits at the door: from every page it is one click to where they are let in.
#[test]
fn who_asks_to_be_let_in_is_one_click_away() {
    let mut test = from_afar();
    test.window.state_mut().state.screen = Screen::Transfers;
    test.tell(NodeEvent::AsksToComeIn(name("eve")));
    let line = WaitingLine {
        username: name("eve"),
        key: PublicKey::from_bytes([1; 32]),
        address: "192.0.2.7".parse().expect("an address"),
        since: 1_800_000_000,
    };
    test.answer(|i| *i == Intent::Order(ListWaiting.into()), Outcome::WaitingUsers(vec![line]));
    test.window.get_by_role_and_label(eframe::egui::accesskit::Role::Button, "Network").click();
    test.steps();
    test.click("Let in: eve");
    assert!(matches!(test.last(), Intent::Order(OwnerCommand::Approve(_))));
}

#[test]
fn a_greeting_is_kept_when_the_tracker_says_so() {
    let mut test = from_afar();
    let saved = "Whoever joins from now on sees it";
    test.type_into("Name of the network", "land");
    test.click("Save");
    let order =
        test.asked_since(0).into_iter().rev().find(|i| matches!(i, Intent::Order(OwnerCommand::RenameNetwork(_))));
    let typed = match order {
        Some(Intent::Order(OwnerCommand::RenameNetwork(RenameNetwork { name: Some(name) }))) => name.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(typed.contains("land") && !test.is_seen(saved), "{typed}");
    // What the tracker did not take is still there to be sent again.
    let id = |test: &Test| {
        let asked = test.asked.lock().expect("no panic");
        let order = asked.iter().rev().find(|(_, i)| matches!(i, Intent::Order(OwnerCommand::RenameNetwork(_))));
        order.expect("asked").0
    };
    let why = Failure::Refused { code: "internal".into(), text: "the disk is full".into() };
    let first = id(&test);
    test.tell(NodeEvent::Outcome { id: first, result: Err(why) });
    assert!(!test.is_seen(saved));
    test.click("Save");
    let again = id(&test);
    assert!(again != first);
    test.tell(NodeEvent::Outcome { id: again, result: Ok(Outcome::Done) });
    assert!(test.is_seen(saved));
}
