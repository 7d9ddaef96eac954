//! What comes without being asked for moves nothing that one is about to click.

use std::net::SocketAddr;
use std::time::SystemTime;

use eframe::egui::Rect;
use potok_core::protocol::command::owner::ListWaiting;
use potok_core::protocol::notice::Role as OwnerRole;
use potok_core::protocol::owner_line::WaitingLine;
use potok_core::reach::nearby::NearbyNetwork;

use super::first_minute::{connecting, first_start, invite};
use super::*;

/// Where everything is that can be clicked or typed into, by what it is and is called.
fn places(test: &Test) -> Vec<(Role, String, Rect)> {
    let roles = [Role::Button, Role::TextInput, Role::Tab, Role::Row, Role::Switch, Role::Link];
    let of_role = |role| test.window.query_all_by_role(role).map(move |node| (role, node));
    let name = |node: &egui_kittest::Node<'_>| egui_kittest::kittest::NodeT::accesskit_node(node).label();
    roles
        .into_iter()
        .flat_map(of_role)
        .map(|(role, node)| (role, name(&node).unwrap_or_default(), node.rect()))
        .collect()
}

/// Lets something happen. All that was there before and still is has to be where it was.
fn nothing_moves(test: &mut Test, what: &str, happens: impl FnOnce(&mut Test)) {
    let before = places(test);
    assert!(!before.is_empty());
    happens(test);
    // What slides or fades has come to rest.
    (0..20).for_each(|_| test.window.step());
    let after = places(test);
    let mut seen_again = 0;
    for (role, name, was) in before.iter().filter(|(_, name, _)| !name.is_empty()) {
        if before.iter().filter(|(other, of, _)| (other, of) == (role, name)).count() > 1 {
            continue;
        }
        let Some((_, _, is)) = after.iter().find(|(other, of, _)| (other, of) == (role, name)) else { continue };
        seen_again += 1;
        let moved = (is.min - was.min).length();
        assert!(moved < 0.5, "{what}: {role:?} '{name}' moved from {was} to {is}");
    }
    assert!(seen_again > 5, "{what}: {seen_again}");
}

fn point_at(test: &mut Test, label: &str) {
    let at = test.window.query_all_by_label(label).next().expect(label).rect().center();
    test.window.input_mut().events.push(Event::PointerMoved(at));
    test.steps();
}

fn nearby(n: u8) -> NearbyNetwork {
    let at = SocketAddr::from(([192, 168, 1, n], 7686));
    NearbyNetwork { name: format!("Network {n}"), key: PublicKey::from_bytes([n; 32]), addresses: vec![at] }
}

#[test]
fn the_first_page_keeps_still() {
    let mut test = first_start();
    nothing_moves(&mut test, "an invite on the clipboard", |test| {
        test.window.state_mut().state.welcome.offer(invite());
        test.steps();
    });
    assert!(test.is_seen("Join it"));
    for count in [1, 2, 5] {
        let networks: Vec<_> = (1..=count).rev().map(nearby).collect();
        nothing_moves(&mut test, "networks nearby", |test| test.tell(NodeEvent::Nearby(networks)));
        assert!(test.is_seen("Join: Network 1"));
    }
    nothing_moves(&mut test, "on the way", |test| test.tell(connecting("h:1", None)));
    nothing_moves(&mut test, "not reached", |test| test.tell(connecting("h:1", Some("refused"))));
    nothing_moves(&mut test, "nowhere", |test| test.tell(NodeEvent::Connection(TrackerConnection::None)));
}

#[test]
fn a_network_that_goes_away_takes_no_row_from_under_the_pointer() {
    let mut test = first_start();
    test.tell(NodeEvent::Nearby(vec![nearby(1), nearby(2)]));
    point_at(&mut test, "Join: Network 2");
    nothing_moves(&mut test, "the first one goes", |test| test.tell(NodeEvent::Nearby(vec![nearby(2)])));
    assert!(test.is_seen("Network 1"), "its row is there, and cannot be clicked");
    point_at(&mut test, "Start a network here");
    assert!(!test.is_seen("Network 1"));
}

#[test]
fn lists_keep_still_when_the_network_goes_away_and_comes_back() {
    for page in [Screen::Browse, Screen::People, Screen::Shared, Screen::Transfers] {
        let mut test = Test::new(page);
        test.list((0..20).map(|n| file("anna", &format!("Trip/{n}.jpg"), 5, n)).collect());
        let users = (0..20).map(|n| UserLine { username: name(&format!("u{n}")), address: None, key: None }).collect();
        test.answer(|i| *i == Intent::ListUsers, Outcome::Users(users));
        test.shares((0..20).map(|n| shared_file(n + 1, &format!("{n}.jpg"))).collect());
        test.tell(NodeEvent::Transfer(transfer(1, TransferState::Running)));
        nothing_moves(&mut test, &format!("{page:?}: away"), |test| test.tell(connecting("h:1", Some("refused"))));
        assert!(test.is_seen("Waiting for h:1"), "{page:?}");
        nothing_moves(&mut test, &format!("{page:?}: back"), Test::go_online);
    }
}

#[test]
fn what_is_shared_keeps_still() {
    let mut test = Test::new(Screen::Shared);
    test.shares((0..20).map(|n| shared_file(n + 1, &format!("{n}.jpg"))).collect());
    let hashing = NodeEvent::Hashing { done_bytes: 5, total_bytes: 100, files_left: 3 };
    nothing_moves(&mut test, "files are read", |test| test.tell(hashing));
    let warning = potok_core::node::warning::Warning::Missing { path: "/home/me/Music".into() };
    nothing_moves(&mut test, "a warning", |test| test.tell(NodeEvent::Warning(warning)));
}

#[test]
fn who_comes_moves_nothing_below_the_invite() {
    let mut test = Test::new(Screen::Invite);
    test.go_online();
    test.answer(|i| matches!(i, Intent::Invite), Outcome::Invite(invite()));
    assert!(test.is_seen("Share a folder…"));
    for n in 0..5 {
        let user = UserLine { username: name(&format!("anna{n}")), address: None, key: None };
        nothing_moves(&mut test, "somebody comes", |test| {
            test.tell(NodeEvent::Joined { user, at: SystemTime::now() });
        });
    }
    assert!(test.is_seen("has joined"));
}

#[test]
fn a_newer_version_moves_nothing() {
    let settings = Settings { tracker: "h:1".parse().ok(), language: "en".into(), ..Settings::default() };
    let mut test = Test::with(Screen::Browse, Settings { tell_newer_version: true, ..settings });
    test.go_online();
    nothing_moves(&mut test, "a newer version", |test| {
        let newer = Outcome::TrackerVersion("999.1.0".parse().expect("a version"));
        test.answer(|intent| *intent == Intent::TrackerVersion, newer);
    });
    assert!(test.is_seen("Potok 999.1.0 is there"));
}

#[test]
fn who_asks_to_come_in_moves_nothing_under_the_pointer() {
    let mut test = Test::new(Screen::Tracker);
    test.go_online();
    test.tell(NodeEvent::Role(OwnerRole::Owner));
    let below = "Host a network on this computer";
    point_at(&mut test, below);
    let place = |test: &Test| test.window.query_all_by_label(below).next().expect("is there").rect();
    let before = place(&test);
    let line = |n: u8| WaitingLine {
        username: name(&format!("eve{n}")),
        key: PublicKey::from_bytes([200 - n; 32]),
        address: "192.0.2.7".parse().expect("an address"),
        since: 1_800_000_000 + u64::from(n),
    };
    for count in [1, 3, 9, 0] {
        test.tell(NodeEvent::AsksToComeIn(name("eve1")));
        let waiting = Outcome::WaitingUsers((0..count).map(line).collect());
        test.answer(|i| *i == Intent::Order(ListWaiting.into()), waiting);
        (0..20).for_each(|_| test.window.step());
        let now = place(&test);
        assert!((now.min - before.min).length() < 0.5, "{count} wait: {before} → {now}");
    }
}

#[test]
fn what_can_be_clicked_below_the_page_is_not_replaced_under_the_pointer() {
    let mut test = Test::new(Screen::Browse);
    test.go_online();
    let finish = |test: &mut Test, number: u64| {
        test.tell(NodeEvent::Transfer(transfer(number, TransferState::Running)));
        test.tell(NodeEvent::Transfer(transfer(number, TransferState::Finished)));
    };
    finish(&mut test, 1);
    assert!(test.is_seen("day 1.jpg is here"));
    point_at(&mut test, "Show in folder");
    finish(&mut test, 2);
    assert!(test.is_seen("day 1.jpg is here") && !test.is_seen("day 2.jpg is here"));
    point_at(&mut test, "Browse");
    assert!(test.is_seen("day 2.jpg is here"));
}
