//! What holds on every page: names for screen readers, names of strangers, shortcuts.

use egui_kittest::kittest::NodeT;

use potok_core::library::collision::Collision;
use potok_core::model::share_path::SharePath;

use super::people::at_my_network;
use super::*;

const SCREENS: [Screen; 9] = [
    Screen::Welcome,
    Screen::Invite,
    Screen::Browse,
    Screen::Transfers,
    Screen::Shared,
    Screen::People,
    Screen::Tracker,
    Screen::Console,
    Screen::Settings,
];

/// What a person uses.
const USED: [Role; 10] = [
    Role::Button,
    Role::CheckBox,
    Role::RadioButton,
    Role::Tab,
    Role::MenuItem,
    Role::TextInput,
    Role::MultilineTextInput,
    Role::ColumnHeader,
    Role::Row,
    Role::Table,
];

/// A network with something on every page, shared by somebody with a name that would like to deceive.
fn busy() -> Test {
    let mut test = at_my_network(Screen::Browse);
    let path = "in\u{200b}voice.exe";
    test.list(vec![file("eve", path, 5, 1), file("anna", "b.jpg", 5, 2)]);
    test.tell(NodeEvent::Transfer(Transfer { label: path.into(), ..transfer(1, TransferState::Running) }));
    test.tell(NodeEvent::Transfer(Transfer { label: path.into(), ..transfer(2, TransferState::Finished) }));
    test.shares(vec![shared_file(1, path)]);
    let first = SharePath::new("x").expect("a path");
    let why = Collision { path: first, first: path.into(), second: path.into() };
    test.tell(NodeEvent::Skipped { path: path.into(), why: why.into(), more: 0 });
    test
}

#[test]
fn everything_that_can_be_clicked_has_a_name() {
    let mut test = busy();
    for page in SCREENS {
        test.window.state_mut().state.screen = page;
        test.steps();
        test.steps();
        for node in test.window.root().children_recursive() {
            let node = node.accesskit_node();
            let is_used = USED.contains(&node.role());
            let has_name = node.label().is_some_and(|label| !label.trim().is_empty());
            assert!(!is_used || has_name, "{page:?}: a {:?} without a name", node.role());
        }
    }
}

#[test]
fn names_of_strangers_are_harmless_on_every_page() {
    let mut test = busy();
    assert!(test.is_seen("in⟨U+200B⟩voice.exe"));
    for page in SCREENS {
        test.window.state_mut().state.screen = page;
        test.steps();
        assert!(!test.is_seen("\u{200b}"), "{page:?}");
    }
}

#[test]
fn shortcuts_are_listed() {
    let mut test = Test::new(Screen::Transfers);
    test.window.event(Event::Text("?".to_owned()));
    test.steps();
    assert!(test.is_seen("Alt+↑ ↓") && test.is_seen("Earlier or later in the queue"));
    test.press(Modifiers::NONE, Key::Escape);
    assert!(!test.is_seen("Earlier or later in the queue"));
}

#[test]
fn a_narrow_window_keeps_what_matters() {
    let mut test = busy();
    test.window.set_size(eframe::egui::vec2(760.0, 500.0));
    for page in SCREENS {
        test.window.state_mut().state.screen = page;
        test.steps();
    }
}
