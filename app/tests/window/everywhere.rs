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

/// What moves begins and ends all the time.
#[test]
fn the_bar_stays_as_it_is_when_something_moves() {
    let mut test = busy();
    let places = |test: &Test| {
        let buttons =
            ["Invite", "Home Connected"].map(|name| test.window.get_by_role_and_label(Role::Button, name).rect());
        buttons.map(|rect| rect.top())
    };
    let before = places(&test);
    test.tell(NodeEvent::Transfer(Transfer { bytes_per_second: 5_000, ..transfer(1, TransferState::Running) }));
    assert!(test.is_seen("↓ 4.9 KiB/s"));
    assert_eq!(places(&test), before);
}

/// A message that fits into a line stands below the page, and can be closed.
#[test]
fn a_message_covers_nothing() {
    let mut test = busy();
    // On the other pages some of what is called so lies below the edge, out of sight.
    for page in [Screen::Browse, Screen::Transfers, Screen::Shared, Screen::People, Screen::Console] {
        test.window.state_mut().state.screen = page;
        let text = format!("a word on {page:?}");
        let now = std::time::Instant::now();
        test.window.state_mut().model.toast(now, potok_app::model::Tone::Info, text.clone());
        test.steps();
        // The console has it in its lines too.
        let all = test.window.query_all_by_label(&text).map(|node| node.rect());
        let place = all.max_by(|a, b| a.bottom().total_cmp(&b.bottom())).expect("it is seen");
        for node in test.window.root().children_recursive() {
            let of = node.accesskit_node();
            if USED.contains(&of.role()) && of.bounding_box().is_some() {
                let rect = node.rect();
                assert!(!rect.is_positive() || !rect.intersects(place), "{page:?}: {:?}", of.label());
            }
        }
        test.click("Close");
        assert!(test.window.state().model.toasts.is_empty(), "{page:?}");
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

#[test]
fn what_a_message_offers_covers_nothing_at_any_size() {
    let mut test = busy();
    let offers: Vec<&str> = vec!["Show in folder", "Close"];
    for size in [vec2(760.0, 500.0), vec2(1280.0, 800.0), vec2(1920.0, 1080.0)] {
        test.window.set_size(size);
        test.tell(NodeEvent::Transfer(transfer(9, TransferState::Running)));
        test.tell(NodeEvent::Transfer(transfer(9, TransferState::Finished)));
        assert!(test.is_seen("day 9.jpg is here"));
        // The others scroll: what goes on below them is cut off where the message begins.
        for page in [Screen::Browse, Screen::Transfers, Screen::Shared, Screen::People, Screen::Console] {
            test.window.state_mut().state.screen = page;
            test.steps();
            let offered = test.window.get_by_role_and_label(Role::Button, "Show in folder").rect();
            let place = offered.expand2(vec2(size.x, 4.0));
            for node in test.window.root().children_recursive() {
                if !USED.contains(&node.accesskit_node().role()) {
                    continue;
                }
                let (rect, label) = (node.rect(), node.accesskit_node().label().unwrap_or_default());
                let is_of_message = offers.contains(&&*label) && (rect.center().y - offered.center().y).abs() < 1.0;
                assert!(
                    rect.left() < potok_app::gui::theme::SIDE_WIDTH || is_of_message || !rect.intersects(place),
                    "{page:?} at {size:?}: {label:?} at {rect:?} lies under the message at {place:?}"
                );
            }
        }
    }
    test.window.state_mut().state.screen = Screen::Browse;
    test.steps();
    test.click("Close");
    assert!(!test.is_seen("day 9.jpg is here"), "it is read");
}
