//! The people page: keys in three forms, sending away, shutting out and letting in again.

use potok_core::model::binding::{Ban, BanTarget};
use potok_core::node::warning::Warning;
use potok_core::protocol::command::owner::{BanUser, KickUser, LiftBan, ListBanned, OwnerCommand};

use super::*;

pub(crate) fn hosting() -> Outcome {
    Outcome::Status(Box::new(made_up::hosting(2)))
}

pub(crate) fn at_my_network(page: Screen) -> Test {
    let mut test = Test::new(page);
    test.go_online();
    test.answer(|i| matches!(i, Intent::Status), hosting());
    let line = UserLine { username: name("eve"), address: None, key: Some(PublicKey::from_bytes([9; 32])) };
    test.answer(|i| matches!(i, Intent::ListUsers), Outcome::Users(vec![line]));
    test
}

#[test]
fn the_owner_sends_away_and_shuts_out() {
    let mut test = at_my_network(Screen::People);
    test.click("eve");
    test.press(Modifiers::NONE, Key::Delete);
    assert_eq!(test.last(), Intent::Order(KickUser::of(name("eve")).into()));
    test.press(Modifiers::SHIFT, Key::F10);
    test.click("Shut out");
    assert_eq!(test.last(), Intent::Order(BanUser::of(name("eve")).into()));
    let ban = Ban::new(BanTarget::Key(PublicKey::from_bytes([9; 32])), Some(name("eve")));
    test.answer(|i| matches!(i, Intent::Order(OwnerCommand::BanUser(_))), Outcome::Bans(vec![ban.clone()]));
    test.answer(|i| *i == Intent::Order(ListBanned::default().into()), Outcome::Bans(vec![ban.clone()]));
    assert!(test.is_seen("eve is shut out"));
    test.click("Undo");
    let unban = Intent::Order(LiftBan { who: (&ban.target).into() }.into());
    assert!(test.was_asked(&unban));

    test.click("Shut out: 1");
    test.click(&format!("eve {}", ban.target));
    let before = test.asked_so_far();
    test.click("Let in again");
    assert_eq!(test.asked_since(before), [unban]);
}

/// Whoever proves another key than before is nowhere called verified.
#[test]
fn another_key_is_no_proof() {
    let mut test = at_my_network(Screen::People);
    test.click("eve");
    assert!(test.is_seen("Verified: the key behind this name was proven"));
    test.tell(NodeEvent::Warning(Warning::UserKeyChanged { user: name("eve") }));
    for form in ["Digits", "QR code"] {
        test.click(form);
        assert!(test.is_seen("Compare fingerprints before you accept the new key"), "{form}");
    }
    for page in [Screen::People, Screen::Tracker, Screen::Invite] {
        test.window.state_mut().state.screen = page;
        test.steps();
        assert!(!test.is_seen("Verified: "), "{page:?}");
    }
    test.window.state_mut().state.screen = Screen::People;
    test.steps();
    test.click("Accept the new key…");
    assert!(test.is_seen("Is this the same eve?"));
}

#[test]
fn a_ban_without_a_name_is_called_what_it_shuts_out() {
    let mut test = at_my_network(Screen::People);
    let address = Ban::new(BanTarget::Address([203, 0, 113, 7].into()), None);
    test.answer(|i| *i == Intent::Order(ListBanned::default().into()), Outcome::Bans(vec![address]));
    test.click("Shut out: 1");
    test.click("203.0.113.7");
}

#[test]
fn only_the_owner_can() {
    let mut test = Test::new(Screen::People);
    test.go_online();
    let line = UserLine { username: name("eve"), address: None, key: None };
    test.answer(|i| matches!(i, Intent::ListUsers), Outcome::Users(vec![line]));
    test.click("eve");
    test.press(Modifiers::SHIFT, Key::F10);
    assert!(test.is_seen("Their files") && !test.is_seen("Shut out"));
}

#[test]
fn since_when_is_known_of_those_who_came_after() {
    let mut test = at_my_network(Screen::People);
    let user = UserLine { username: name("anna"), address: None, key: None };
    test.tell(NodeEvent::Joined { user, at: std::time::SystemTime::now() });
    let since = |test: &Test, of: &str| test.window.state().model.people[&name(of)].since;
    assert!(since(&test, "anna").is_some() && since(&test, "eve").is_none());
    // A newer list does not forget it.
    let line = |user: &str| UserLine { username: name(user), address: None, key: None };
    test.answer(|i| matches!(i, Intent::ListUsers), Outcome::Users(vec![line("anna"), line("eve")]));
}

#[test]
fn a_key_can_be_a_picture() {
    let mut test = at_my_network(Screen::People);
    let me = Me { username: name("me"), address: None, key: PublicKey::from_bytes([7; 32]) };
    test.answer(|i| matches!(i, Intent::WhoAmI), Outcome::Me(me));
    test.click("eve");
    test.click("QR code");
    assert!(test.is_seen("QR code of the key: Theirs") && test.is_seen("QR code of the key: Mine"));
}
