//! The network page while a network runs here.

use potok_core::model::address_family::AddressFamily;
use potok_core::model::port::PeerPort;
use potok_core::protocol::command::owner::{BanUser, KickUser};
use potok_core::protocol::trial::{TrialNotice, TrialResult};
use potok_core::reach::mapping::{MappedPort, MappingProtocol, MappingState, NoMapping};
use potok_core::reach::reachability::{Reachability, TrialEvent};
use potok_core::tracker::log::LogEntry;

use super::people::at_my_network;
use super::*;

#[test]
fn the_owner_sees_figures_people_and_what_happened() {
    let mut test = at_my_network(Screen::Tracker);
    assert!(test.is_seen("1\u{a0}234") && test.is_seen("Announced files"));
    assert!(test.is_seen("not checked"), "nobody asked from outside");
    let entry = LogEntry::Joined { user: name("eve"), address: "192.0.2.7".parse().expect("an address") };
    test.tell(NodeEvent::TrackerLog { at: std::time::SystemTime::now(), entry });
    assert_eq!(test.window.state().model.tracker_log.len(), 1);
    test.click("Send away: eve");
    assert_eq!(test.last(), Intent::Order(KickUser::of(name("eve")).into()));
    test.click("Shut out: eve");
    assert_eq!(test.last(), Intent::Order(BanUser::of(name("eve")).into()));
}

#[test]
fn the_message_of_the_day_is_edited() {
    let mut test = at_my_network(Screen::Tracker);
    test.type_into("Message of the day", "Welcome!");
    test.click("Save");
    let applied = test.asked_since(0).into_iter().rev().find_map(|intent| match intent {
        Intent::Apply(settings) => Some(settings),
        _ => None,
    });
    assert_eq!(applied.expect("applied").message_of_the_day, "Welcome!");
}

#[test]
fn figures_are_read_while_somebody_looks() {
    let mut test = at_my_network(Screen::Tracker);
    let count = |test: &Test| test.asked_since(0).iter().filter(|i| matches!(i, Intent::Status)).count();
    let before = count(&test);
    test.steps();
    assert!(count(&test) <= before + 1, "not in every frame");
}

#[test]
fn whether_others_can_reach_us_is_said_with_what_to_do() {
    let mut test = Test::new(Screen::Tracker);
    test.go_online();
    let told = |result| {
        let address = "203.0.113.7:4001".parse().expect("an address");
        let mut reach = Reachability { port: PeerPort::new(4001).ok(), ..Reachability::default() };
        reach.hear(AddressFamily::Ipv4, TrialEvent::Told(TrialNotice { address, result }), false);
        reach
    };
    let mut closed = told(TrialResult::Silent);
    closed.mapping_ipv4 = MappingState::Failed(NoMapping::NoAnswer);
    test.tell(NodeEvent::Reachability(Box::new(closed)));
    assert!(test.is_seen("Others cannot reach this computer by themselves"));
    assert!(test.is_seen("have it forward TCP port 4001 to this computer"));
    test.click("Try again");
    assert!(test.was_asked(&Intent::Reach));

    // A router's promise is no proof.
    let port = PeerPort::new(4001).expect("a port");
    let mapped = MappedPort { address: None, port, lasts: std::time::Duration::from_secs(1200) };
    let promised =
        Reachability { mapping_ipv4: MappingState::Mapped(MappingProtocol::Pcp, mapped), ..Reachability::default() };
    test.tell(NodeEvent::Reachability(Box::new(promised)));
    assert!(test.is_seen("Not known whether others can reach this computer"));
    test.tell(NodeEvent::Reachability(Box::new(told(TrialResult::Open))));
    assert!(test.is_seen("Others can reach this computer") && !test.is_seen("have it forward TCP port"));
}
