//! The console page: completion, history, the wire.

use super::*;

fn typed(test: &mut Test, text: &str) {
    test.window.get_by_label("Command").focus();
    test.window.step();
    test.window.get_by_label("Command").type_text(text);
    test.steps();
}

fn line(test: &Test) -> String {
    test.window.get_by_label("Command").value().unwrap_or_default()
}

/// Tab, and the moments that the look for words takes.
fn tab(test: &mut Test) {
    let before = line(test);
    test.press(Modifiers::NONE, Key::Tab);
    for _ in 0..400 {
        if line(test) != before {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
        test.steps();
    }
}

#[test]
fn whoever_opens_the_page_can_type() {
    let mut test = Test::new(Screen::Browse);
    test.press(Modifiers::ALT, Key::Num6);
    test.steps();
    test.window.event(Event::Text("help".into()));
    test.steps();
    assert_eq!(line(&test), "help");
    // Who has left the field is not called back into it.
    test.press(Modifiers::SHIFT, Key::Tab);
    test.steps();
    assert!(!test.window.get_by_label("Command").is_focused());
}

#[test]
fn tab_completes_from_what_is_known() {
    let mut test = Test::new(Screen::Console);
    test.list(vec![file("anna", "my trip/a.jpg", 5, 1)]);
    let anna = UserLine { username: name("anna"), address: None, key: None };
    test.answer(|i| matches!(i, Intent::ListUsers), Outcome::Users(vec![anna]));
    typed(&mut test, "dow");
    tab(&mut test);
    assert_eq!(line(&test), "download ");
    tab(&mut test);
    assert_eq!(line(&test), "download anna ");
    tab(&mut test);
    assert_eq!(line(&test), "download anna \"my trip/");
    tab(&mut test);
    assert_eq!(line(&test), "download anna \"my trip/a.jpg\" ");
}

#[test]
fn tab_goes_through_what_it_offers() {
    let mut test = Test::new(Screen::Console);
    typed(&mut test, "lis");
    tab(&mut test);
    assert_eq!(line(&test), "list-");
    tab(&mut test);
    assert_eq!(line(&test), "list-users ");
    tab(&mut test);
    assert_eq!(line(&test), "list-files ");
}

#[test]
fn earlier_lines_come_back() {
    let mut test = Test::new(Screen::Console);
    for command in ["pause 1", "pause 2"] {
        typed(&mut test, command);
        test.press(Modifiers::NONE, Key::Enter);
    }
    test.press(Modifiers::NONE, Key::ArrowUp);
    test.press(Modifiers::NONE, Key::ArrowUp);
    assert_eq!(line(&test), "pause 1");
    test.press(Modifiers::NONE, Key::ArrowDown);
    assert_eq!(line(&test), "pause 2");
}

#[test]
fn the_wire_is_seen_and_written_to() {
    let mut test = Test::new(Screen::Console);
    test.window.get_by_role_and_label(Role::CheckBox, "Wire").click();
    test.steps();
    assert!(test.was_asked(&Intent::TapWire(true)));
    test.tell(NodeEvent::Wire { sent: true, line: "list-users".into() });
    test.tell(NodeEvent::Wire { sent: false, line: "user e\u{202e}ve".into() });
    assert!(test.is_seen("→ list-users") && test.is_seen("← user e⟨U+202E⟩ve"));
    test.click("Tracker");
    test.window.get_by_label("Line for the tracker").focus();
    test.window.step();
    test.window.get_by_label("Line for the tracker").type_text("list-files anna");
    test.window.step();
    test.press(Modifiers::NONE, Key::Enter);
    assert_eq!(test.last(), Intent::SendLine("list-files anna".into()));
    let lines = test.window.state().model.log.len();
    test.answer(|i| matches!(i, Intent::SendLine(_)), Outcome::Done);
    assert_eq!(test.window.state().model.log.len(), lines, "the wire has told it");
}
