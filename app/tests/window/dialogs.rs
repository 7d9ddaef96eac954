//! What is asked over a page: Enter is its default button, Escape leaves it, and no key reaches what lies below.

use potok_app::desktop::purpose::StartPurpose;
use potok_app::gui::action::{Confirm, Dialog, KeepOut};
use potok_app::gui::questions::Question;
use potok_core::node::partly_there::PartlyThere;

use super::people::at_my_network;
use super::*;

fn press(test: &mut Test, key: Key) {
    test.press(Modifiers::NONE, key);
}

/// A folder is about to be shared.
fn share_preview() -> Test {
    let mut test = Test::new(Screen::Shared);
    test.click("Share a folder…");
    test.answer_preview(true, 4);
    assert!(test.is_seen("Share this? Files: 4"));
    test
}

/// A download whose place is taken: by a folder in part, or by a file each.
fn download(failures: &[Failure]) -> Test {
    let mut test = Test::new(Screen::Browse);
    test.list((1..=failures.len()).map(|n| file("anna", &format!("{n}.pdf"), n as u64, 1)).collect());
    test.press(Modifiers::COMMAND, Key::A);
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::D);
    let asked: Vec<IntentId> = test.asked.lock().expect("no panic")[before..].iter().map(|(id, _)| *id).collect();
    for (id, failure) in asked.into_iter().zip(failures) {
        test.tell.send(NodeEvent::Outcome { id, result: Err(failure.clone()) }).expect("there is room");
    }
    test.steps();
    test
}

fn several_taken() -> Test {
    let exists = |path: &str| Failure::Exists { path: path.into() };
    download(&[exists("/home/me/1.pdf"), exists("/home/me/2.pdf")])
}

fn partly_there() -> Test {
    let places = vec!["/home/me/T/a".into()];
    let there = PartlyThere { path: "/home/me/T".into(), files: 9, same: 8, differing: 1, places };
    download(&[Failure::ExistsInPart(Box::new(there))])
}

fn with_dialog(dialog: Dialog) -> Test {
    let mut test = at_my_network(Screen::People);
    let state = &mut test.window.state_mut().state;
    (state.dialog, state.dialog_is_new) = (Some(dialog), true);
    test.steps();
    test
}

fn keep_out() -> Test {
    with_dialog(Dialog::KeepOut(KeepOut { user: name("eve"), is_ban: true, minutes: None, reason: String::new() }))
}

fn rename() -> Test {
    with_dialog(Dialog::Rename { from: "a.jpg".into(), to: "b.jpg".into() })
}

fn shortcuts() -> Test {
    with_dialog(Dialog::Shortcuts)
}

fn confirm() -> Test {
    let mut test = Test::new(Screen::Transfers);
    test.tell(NodeEvent::Transfer(transfer(1, TransferState::Running)));
    test.window.state_mut().state.confirm = Some(Confirm::Cancel(vec![TransferId(1)]));
    test.steps();
    test
}

fn asked_from_outside(question: Question) -> Test {
    let mut test = Test::new(Screen::Browse);
    test.window.state_mut().desktop_bridge.question = Some(question);
    test.steps();
    test
}

fn join() -> Test {
    let key = PublicKey::from_bytes([7; 32]);
    asked_from_outside(Question::Join(format!("potok://tracker.example.org:7686/?key={key}").parse().expect("valid")))
}

fn close() -> Test {
    asked_from_outside(Question::Close { has_tray: false })
}

fn licences() -> Test {
    let mut test = Test::new(Screen::Settings);
    test.window.get_by_label("Licences").click_accesskit();
    test.steps();
    test
}

fn guide() -> Test {
    let mut test = Test::new(Screen::Browse);
    press(&mut test, Key::F1);
    test
}

/// Each of them, something that is seen of it alone, and what its default button asks for.
type Asked = (fn() -> Test, &'static str, Option<fn(&Intent) -> bool>);

const ASKED: &[Asked] = &[
    (share_preview, "Don't share", Some(|i| matches!(i, Intent::Share(_)))),
    (several_taken, "Files that are there already: 2", Some(is_kept_beside)),
    (partly_there, "is there already", Some(is_kept_beside)),
    (keep_out, "Keep eve out", Some(|i| matches!(i, Intent::Order(OwnerCommand::BanUser(_))))),
    (rename, "Share under another name", Some(|i| matches!(i, Intent::RenameShare { .. }))),
    (shortcuts, "Menu of the selected row", None),
    (confirm, "Cancel “day 1.jpg”?", None),
    (join, "Join this network?", None),
    (close, "Close Potok, or let it run on?", None),
    (licences, "It is built from these crates", None),
];

fn is_kept_beside(intent: &Intent) -> bool {
    matches!(intent, Intent::Download(request) if request.existing == Existing::KeepBoth)
}

#[test]
fn enter_is_the_default_button_and_escape_leaves() {
    for (open, seen, wanted) in ASKED {
        for key in [Key::Enter, Key::Escape] {
            let mut test = open();
            assert!(test.is_seen(seen), "{seen}");
            let before = test.asked_so_far();
            press(&mut test, key);
            assert!(!test.is_seen(seen), "{seen}: {key:?} closes it");
            let asked = test.asked_since(before);
            match wanted.filter(|_| key == Key::Enter) {
                Some(wanted) => assert!(asked.iter().any(wanted), "{seen}: {asked:?}"),
                None => assert_eq!(asked, [], "{seen}: {key:?} without a look does nothing"),
            }
        }
    }
    let mut test = guide();
    assert!(test.window.state().state.guide.is_open());
    press(&mut test, Key::Escape);
    assert!(!test.window.state().state.guide.is_open());
}

#[test]
fn enter_at_another_button_is_that_button() {
    for (mut test, other) in [(share_preview(), "Don't share"), (keep_out(), "Close"), (rename(), "Close")] {
        let before = test.asked_so_far();
        test.window.get_by_role_and_label(Role::Button, other).focus();
        test.window.step();
        press(&mut test, Key::Enter);
        assert_eq!(test.asked_since(before), []);
        assert!(test.window.query_by_role_and_label(Role::Button, other).is_none(), "{other}");
    }
}

#[test]
fn what_cannot_be_done_is_not_done_by_enter() {
    let mut test = with_dialog(Dialog::Rename { from: "a.jpg".into(), to: "/../".into() });
    let before = test.asked_so_far();
    press(&mut test, Key::Enter);
    assert_eq!(test.asked_since(before), []);
    assert!(test.is_seen("Share under another name"), "it can be mended");
}

#[test]
fn enter_that_was_meant_for_the_page_answers_nothing() {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![file("anna", "a.pdf", 5, 1)]);
    let path = std::env::temp_dir().join("x");
    test.window.state_mut().started_for(StartPurpose::Share(vec![path]));
    test.steps();
    let id = {
        let asked = test.asked.lock().expect("no panic");
        asked.iter().rev().find(|(_, i)| matches!(i, Intent::PreviewShare(_))).expect("was asked").0
    };
    let item = PreviewedShare {
        local: "/home/me/x".into(),
        is_folder: true,
        share_as: SharePath::new("x").expect("valid"),
        totals: Totals { files: 1, bytes: 50 },
        left_out: Vec::new(),
        empty_folders: 0,
        warning: None,
    };
    let preview = SharePreview { items: vec![item], new_files: 1, room: 5, shares_max: 100 };
    let before = test.asked_so_far();
    // Both come in one frame.
    test.tell.send(NodeEvent::Outcome { id, result: Ok(Outcome::SharePreview(preview)) }).expect("there is room");
    press(&mut test, Key::Enter);
    assert!(test.is_seen("Don't share") && test.asked_since(before).is_empty());
    press(&mut test, Key::Enter);
    assert!(matches!(test.last(), Intent::Share(_)), "now it was read");
}

#[test]
fn no_shortcut_reaches_the_page_below() {
    for (open, seen, _) in ASKED {
        let mut test = open();
        let (screen, before) = (test.window.state().state.screen, test.asked_so_far());
        for (modifiers, key) in [
            (Modifiers::ALT, Key::Num7),
            (Modifiers::COMMAND, Key::F),
            (Modifiers::COMMAND, Key::O),
            (Modifiers::COMMAND, Key::I),
            (Modifiers::COMMAND, Key::D),
            (Modifiers::NONE, Key::F1),
            (Modifiers::NONE, Key::Delete),
        ] {
            test.press(modifiers, key);
        }
        assert_eq!((test.window.state().state.screen, test.asked_since(before)), (screen, vec![]), "{seen}");
        assert!(test.is_seen(seen), "{seen}");
    }
}

#[test]
fn whoever_wants_to_quit_is_asked_that_first_and_finds_the_rest_again() {
    let closing = "Close Potok, or let it run on?";
    for (open, seen, _) in ASKED.iter().filter(|(_, seen, _)| *seen != closing) {
        let mut test = open();
        test.tell(NodeEvent::Transfer(transfer(1, TransferState::Running)));
        test.press(Modifiers::COMMAND, Key::Q);
        assert!(test.is_seen("Transfers are running") && !test.is_seen(seen), "{seen}: one question at a time");
        press(&mut test, Key::Enter);
        assert!(!test.is_seen("Transfers are running"), "{seen}");
        // Only what would have destroyed something is not asked again by itself.
        assert_eq!(test.is_seen(seen), !seen.starts_with("Cancel"), "{seen}");
    }
    let mut test = close();
    test.tell(NodeEvent::Transfer(transfer(1, TransferState::Running)));
    test.press(Modifiers::COMMAND, Key::Q);
    assert!(test.is_seen(closing) && !test.is_seen("Transfers are running"));
}
