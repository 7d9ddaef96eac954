//! The network page while a network runs here.

use potok_core::protocol::command::owner::{BanUser, KickUser};
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
