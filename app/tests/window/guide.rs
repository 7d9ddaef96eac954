//! The guide: by F1, in the person's language, from page to page.

use super::*;

#[test]
fn f1_opens_the_guide_and_its_links_lead_on() {
    let mut test = Test::new(Screen::Browse);
    test.press(Modifiers::NONE, Key::F1);
    assert!(test.is_seen("Only looking?") && test.is_seen("When something is wrong"));
    test.window.get_by_role_and_label(Role::Button, "Sharing").click();
    test.steps();
    assert!(test.is_seen("What leaves your computer") && !test.is_seen("Only looking?"));
    test.press(Modifiers::NONE, Key::Escape);
    assert!(!test.is_seen("What leaves your computer"));
}

#[test]
fn the_guide_leads_to_the_shortcuts() {
    let mut test = Test::new(Screen::Browse);
    test.press(Modifiers::NONE, Key::F1);
    test.click("Shortcuts");
    assert!(test.is_seen("Select several") && !test.is_seen("Only looking?"));
}
