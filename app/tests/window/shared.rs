//! The shared page: renaming, who takes what, what is wrong with shared folders.

use potok_core::node::warning::Warning;

use super::*;

fn sharing() -> Test {
    let mut test = Test::new(Screen::Shared);
    let share = |path: &str| Share { path: SharePath::new(path).expect("valid"), size: Some(5), hash: None };
    test.answer(|i| matches!(i, Intent::ListShares), Outcome::Shared(vec![share("a.jpg"), share("b.jpg")]));
    test
}

#[test]
fn a_share_gets_another_path() {
    let mut test = sharing();
    test.click("a.jpg");
    test.press(Modifiers::NONE, Key::F2);
    test.type_into("New path", "x");
    test.click("Rename");
    let Intent::RenameShare { from, to } = test.last() else { panic!("{:?}", test.last()) };
    let to = to.as_str();
    assert!(from.as_str() == "a.jpg" && to.contains("a.jpg") && to.contains('x'), "{to}");
    let from_now = test.asked_so_far();
    test.answer(|i| matches!(i, Intent::RenameShare { .. }), Outcome::Shared(Vec::new()));
    assert!(test.asked_since(from_now).contains(&Intent::ListShares), "the old path is gone");
}

#[test]
fn a_path_that_cannot_be_is_refused_at_once() {
    let mut test = sharing();
    test.click("a.jpg");
    test.press(Modifiers::NONE, Key::F2);
    test.type_into("New path", "/../");
    let before = test.asked_so_far();
    test.click("Rename");
    assert_eq!(test.asked_since(before), []);
}

#[test]
fn who_takes_what_is_seen() {
    let mut test = sharing();
    let taken = Transfer {
        direction: Direction::Upload,
        label: "b.jpg".into(),
        bytes_per_second: 2048,
        ..transfer(9, TransferState::Running)
    };
    test.tell(NodeEvent::Transfer(taken));
    assert!(test.is_seen("b.jpg, anna 2 KiB/s"), "in the words of the row");
}

#[test]
fn what_is_wrong_with_folders_is_listed() {
    let mut test = sharing();
    test.tell(NodeEvent::Warning(Warning::NotWatched { folder: "/x".into(), why: "limit".into() }));
    test.tell(NodeEvent::Skipped { path: "/x/y".into(), why: "it is a link".into(), more: 0 });
    test.click("Notes about shared folders: 2");
    assert!(test.is_seen("'/x' is not watched") && test.is_seen("it is a link"));
}
