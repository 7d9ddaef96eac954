//! A way to the Internet that is metered: what rests says so, and a click lets it go on.

use potok_core::model::metering::Metering;

use super::*;

#[test]
fn a_download_that_rests_says_why_and_goes_on_by_a_click() {
    let mut test = Test::with(Screen::Transfers, Settings { language: "en".into(), ..Settings::default() });
    test.tell(NodeEvent::Transfer(transfer(2, TransferState::Metered)));
    assert!(test.is_seen("The connection is metered; “Resume” lets it go on all the same"));
    test.click("Resume all");
    assert!(test.was_asked(&Intent::Resume(TransferSelection::All)));
}

#[test]
fn the_settings_say_what_the_system_says() {
    let mut test = Test::with(Screen::Settings, Settings { language: "en".into(), ..Settings::default() });
    assert!(!Settings::default().pause_while_metered, "who meets in the network of a telephone exchanges files there");
    assert!(test.is_seen("The system does not say whether your connection is metered. People in the same local network are never affected."));
    test.tell(NodeEvent::Metering(Metering::Metered));
    assert!(test.is_seen("Your connection is metered now. People in the same local network are not affected."));
    test.tell(NodeEvent::Metering(Metering::Unmetered));
    assert!(test.is_seen("Your connection is not metered now. People in the same local network are never affected."));
}
