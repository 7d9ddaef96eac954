//! A newer version: nobody is asked unless the person wants it, and then the tracker alone.

use super::*;

fn wanting(tell_newer_version: bool) -> Test {
    let settings = Settings { tracker: "h:1".parse().ok(), language: "en".into(), ..Settings::default() };
    let mut test = Test::with(Screen::Settings, Settings { tell_newer_version, ..settings });
    test.go_online();
    test
}

#[test]
fn nobody_is_asked_unless_the_person_wants_it() {
    assert!(!Settings::default().tell_newer_version);
    assert!(!wanting(false).was_asked(&Intent::TrackerVersion));
    assert!(wanting(true).was_asked(&Intent::TrackerVersion));
}

#[test]
fn one_quiet_line_tells_of_a_newer_version() {
    let is = |intent: &Intent| *intent == Intent::TrackerVersion;
    let mut test = wanting(true);
    test.answer(is, Outcome::TrackerVersion(potok_core::model::program_version::ProgramVersion::here()));
    assert!(!test.is_seen("is there"), "this very version");
    test.answer(is, Outcome::TrackerVersion("999.1.0".parse().expect("a version")));
    assert!(test.is_seen("Potok 999.1.0 is there"));
}
