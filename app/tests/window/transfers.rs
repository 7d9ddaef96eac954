//! The transfers page: the queue's order, and what is over.

use potok_core::node::intent::{QueueMove, TransferId};

use super::*;

fn at(number: u64, position: u64, state: TransferState) -> NodeEvent {
    NodeEvent::Transfer(Transfer { position, ..transfer(number, state) })
}

fn queue() -> Test {
    let mut test = Test::new(Screen::Transfers);
    for (number, position) in [(1, 30), (2, 10), (3, 20)] {
        test.tell(at(number, position, TransferState::Queued));
    }
    test
}

#[test]
fn the_queue_is_shown_in_its_order_and_reordered() {
    let mut test = queue();
    let tops: Vec<f32> =
        (1..=3).map(|n| test.window.get_by_label_contains(&format!("day {n}.jpg In")).rect().top()).collect();
    assert!(tops[1] < tops[2] && tops[2] < tops[0], "{tops:?}");
    test.click("day 3.jpg In the queue");
    for (key, to) in [
        (Key::Home, QueueMove::First),
        (Key::ArrowUp, QueueMove::Earlier),
        (Key::ArrowDown, QueueMove::Later),
        (Key::End, QueueMove::Last),
    ] {
        test.press(Modifiers::ALT, key);
        assert!(test.was_asked(&Intent::Reorder { number: TransferId(3), to }), "{key:?}");
    }
    let before = test.asked_so_far();
    test.click("Move earlier (Alt+↑)");
    assert!(test.asked_since(before).contains(&Intent::Reorder { number: TransferId(3), to: QueueMove::Earlier }));
}

#[test]
fn what_is_chosen_stays_chosen_when_the_order_changes() {
    let mut test = queue();
    test.click("day 2.jpg In the queue");
    test.tell(at(2, 99, TransferState::Queued));
    test.tell(at(4, 1, TransferState::Queued));
    test.press(Modifiers::NONE, Key::Space);
    assert_eq!(test.last(), Intent::Pause(TransferSelection::One(TransferId(2))));
}

#[test]
fn the_reason_is_told_in_whole() {
    let mut test = Test::new(Screen::Transfers);
    test.tell(at(1, 1, TransferState::WaitingForUser));
    test.click("day 1.jpg Waiting for anna to come back");
    test.tell(NodeEvent::FileFailed {
        number: TransferId(1),
        remote_path: "Trip/x\u{202e}".into(),
        failure: Failure::NoTracker,
    });
    assert!(test.is_seen("From anna to /tmp/x") && test.is_seen("Trip/x⟨U+202E⟩: no tracker"));
}

#[test]
fn a_message_offers_what_to_do() {
    let mut test = queue();
    test.tell(at(1, 30, TransferState::Failed(TransferError::Changed)));
    test.window.get_all_by_label("Try again").last().expect("in the message").click();
    test.steps();
    assert!(test.was_asked(&Intent::Retry(TransferSelection::One(TransferId(1)))));
}

#[test]
fn delete_takes_what_is_over_off_the_list() {
    let mut test = queue();
    test.tell(at(1, 30, TransferState::Finished));
    test.click("day 1.jpg Finished");
    test.press(Modifiers::NONE, Key::Delete);
    assert!(test.was_asked(&Intent::Acknowledge(TransferId(1))));
    assert!(!test.window.state().model.transfers.contains_key(&TransferId(1)));
}

#[test]
fn an_upload_is_stopped_for_its_taker_and_taken_back() {
    let mut test = Test::new(Screen::Transfers);
    let upload = |state| NodeEvent::Transfer(Transfer { direction: Direction::Upload, ..transfer(9, state) });
    let one = TransferSelection::One(TransferId(9));
    test.tell(upload(TransferState::Running));
    test.click("Stop for this person: day 9.jpg");
    assert_eq!(test.last(), Intent::Cancel(one));
    test.tell(upload(TransferState::Failed(TransferError::Stopped)));
    assert!(test.is_seen("you stopped it for this person"));
    test.click("Resume: day 9.jpg");
    assert_eq!(test.last(), Intent::Resume(one));
}
