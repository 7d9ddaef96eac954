//! The transfers page: the queue's order, and what is over.

use potok_core::node::intent::{QueueMove, TransferId};

use egui_kittest::kittest::NodeT;
use potok_core::model::transfer_details::{
    FileDetails, FilePage, FileStage, PartMap, PartState, SourceDetails, SourceStanding,
};
use potok_core::model::way::Way;
use potok_core::node::event::{PastTransfer, TransferDetails};
use potok_core::node::intent::FileQuery;

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
        more: 0,
    });
    assert!(test.is_seen("From anna to /tmp/x") && test.is_seen("Trip/x⟨U+202E⟩: you are in no network yet"));
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
fn what_came_in_the_way_is_asked_about_before_it_is_tried_again() {
    let mut test = Test::new(Screen::Transfers);
    let is_one = |existing| Intent::RetryWith { which: TransferSelection::One(TransferId(1)), existing };
    test.tell(NodeEvent::FileFailed {
        number: TransferId(1),
        remote_path: "Trip/x".into(),
        failure: Failure::NotComing { path: "Trip/x".into(), error: TransferError::Exists },
        more: 0,
    });
    test.tell(at(1, 1, TransferState::Running));
    test.tell(at(1, 1, TransferState::Failed(TransferError::Exists)));
    test.window.get_all_by_label("Try again").last().expect("in the message").click();
    test.steps();
    assert!(!test.was_asked(&Intent::Retry(TransferSelection::One(TransferId(1)))));
    test.click("Keep both");
    assert_eq!(test.last(), is_one(potok_core::node::intent::Existing::KeepBoth));
}

#[test]
fn what_was_there_is_told_at_the_end() {
    let mut test = Test::new(Screen::Transfers);
    let there = potok_core::model::transfer::AlreadyThere { same: 3, left_out: 2 };
    test.tell(NodeEvent::Transfer(Transfer { there, ..transfer(1, TransferState::Finished) }));
    assert!(test.is_seen("Finished · already there: 3; left out because something else is there: 2"));
    // What came says by which way, also when it is over.
    test.tell(NodeEvent::Transfer(Transfer { way: Some(Way::Relayed), ..transfer(1, TransferState::Finished) }));
    assert!(test.is_seen("Finished · relayed"));
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

fn described(number: u64) -> TransferDetails {
    let mut map = PartMap::of(100);
    map.push(50, PartState::Here);
    map.push(50, PartState::Missing);
    let source = |user, standing, bytes_per_second| SourceDetails {
        user: name(user),
        standing,
        way: None,
        tried: Vec::new(),
        tried_by_them: false,
        bytes_per_second,
    };
    let file = |path: &str, stage| FileDetails { path: path.into(), size: 50, done_bytes: 0, stage };
    TransferDetails {
        number: TransferId(number),
        sources: vec![source("vera", SourceStanding::Sending, 2048), source("anna", SourceStanding::Waiting(3), 0)],
        sources_left_out: 0,
        map,
        files: FilePage {
            query: FileQuery::default(),
            files: vec![
                file("Trip/a\u{202e}.jpg", FileStage::Finished),
                file("Trip/b.jpg", FileStage::Failed(Some(TransferError::Changed))),
            ],
            total: 1_000_000,
            failed: 1,
        },
        free_bytes: Some(7 << 30),
    }
}

#[test]
fn what_is_behind_a_transfer_is_seen_when_it_is_chosen() {
    let mut test = Test::new(Screen::Transfers);
    test.tell(at(1, 1, TransferState::Running));
    assert!(!test.asked_since(0).iter().any(|i| matches!(i, Intent::DescribeTransfer { .. })), "nobody looks");
    test.window.get_all_by_role(Role::Row).next().expect("a row").click();
    test.steps();
    let about = |i: &Intent| matches!(i, Intent::DescribeTransfer { number: TransferId(1), .. });
    assert_eq!(test.asked_since(0).iter().filter(|i| about(i)).count(), 1, "one question at a time");
    test.answer(about, Outcome::TransferDetails(Box::new(described(1))));
    assert!(test.is_seen("Here: 50%") && test.is_seen("Free: 7 GiB"));
    test.click("Sources");
    assert!(test.is_seen("vera 2 KiB/s Sends") && test.is_seen("anna  Serves others first: place 3"));
    test.click("Files");
    test.answer(about, Outcome::TransferDetails(Box::new(described(1))));
    assert!(test.is_seen("Trip/a⟨U+202E⟩.jpg") && test.is_seen("it has changed at its owner"));
    let lines = test.window.query_all_by_role(Role::ListItem).count();
    assert!(lines < 20, "{lines} of a million lines are drawn");
    assert!(test.is_seen("Only failed: 1"));
}

#[test]
fn the_only_file_is_called_what_its_transfer_is() {
    let mut test = Test::new(Screen::Transfers);
    test.tell(at(1, 1, TransferState::Running));
    test.window.get_all_by_role(Role::Row).next().expect("a row").click();
    test.steps();
    let about = |i: &Intent| matches!(i, Intent::DescribeTransfer { number: TransferId(1), .. });
    let label = transfer(1, TransferState::Running).label;
    let mut details = described(1);
    details.files.files =
        vec![FileDetails { path: label.as_str().into(), size: 50, done_bytes: 0, stage: FileStage::UnderWay }];
    details.files.total = 1;
    // It sends for somebody else, not for this one.
    details.sources[0].standing = SourceStanding::Connected;
    test.answer(about, Outcome::TransferDetails(Box::new(details.clone())));
    test.click("Files");
    test.answer(about, Outcome::TransferDetails(Box::new(details)));
    assert!(test.is_seen("day 1.jpg 50 B 0%"));
    test.click("Sources");
    assert!(test.is_seen("vera  Connected"));
}

#[test]
fn a_filter_that_leaves_nothing_says_so() {
    let mut test = Test::new(Screen::Transfers);
    test.tell(at(1, 1, TransferState::Running));
    test.window.get_by_role_and_label(Role::RadioButton, "Failed").click();
    test.steps();
    assert!(test.is_seen("No transfer is like that now") && test.window.query_all_by_role(Role::Row).next().is_none());
    test.click("Show all");
    assert!(test.window.query_all_by_role(Role::Row).next().is_some());
}

/// In the smallest window the bar is there: it is what a person looks for.
#[test]
fn a_narrow_window_shows_how_far_it_is() {
    let mut test = Test::new(Screen::Transfers);
    test.window.set_size(eframe::egui::vec2(760.0, 500.0));
    test.tell(at(1, 1, TransferState::Running));
    assert!(test.window.query_by_role_and_label(Role::ColumnHeader, "Progress").is_some());
}

#[test]
fn states_filter_and_columns_sort() {
    let mut test = Test::new(Screen::Transfers);
    let failed = || TransferState::Failed(TransferError::Changed);
    for (number, state) in
        [(1, TransferState::Running), (2, TransferState::Paused), (3, TransferState::Finished), (4, failed())]
    {
        test.tell(at(number, number, state));
    }
    for (filter, seen) in
        [("Running", [1].as_slice()), ("Waiting", &[2]), ("Finished", &[3]), ("Failed", &[4]), ("All", &[1, 2, 3, 4])]
    {
        test.window.get_by_role_and_label(Role::RadioButton, filter).click();
        test.steps();
        for number in 1..=4 {
            let row = test.window.query_all_by_role(Role::Row);
            let is_there = row.into_iter().any(|row| {
                row.accesskit_node().label().is_some_and(|label| label.starts_with(&format!("day {number}.jpg")))
            });
            assert_eq!(is_there, seen.contains(&number), "{filter}, {number}");
        }
    }
    let first = |test: &Test| {
        let rows = test.window.query_all_by_role(Role::Row);
        let first = rows.into_iter().min_by(|a, b| a.rect().top().total_cmp(&b.rect().top())).expect("rows");
        first.accesskit_node().label().expect("a name")
    };
    assert!(first(&test).starts_with("day 1"));
    for _ in 0..2 {
        test.window.get_by_role_and_label(Role::ColumnHeader, "State").click();
        test.steps();
    }
    assert!(first(&test).starts_with("day 4"), "what failed comes first from the end");
}

#[test]
fn what_came_to_its_end_is_listed_and_forgotten() {
    let mut test = Test::new(Screen::Transfers);
    test.window.get_by_role_and_label(Role::RadioButton, "History").click();
    test.steps();
    let past = PastTransfer {
        direction: Direction::Download,
        user: name("anna"),
        label: "Trip/изглед.jpg".into(),
        local_path: Some("/tmp/изглед.jpg".into()),
        files: 1,
        bytes: 5,
        ended_at: std::time::SystemTime::UNIX_EPOCH,
        way: Some(Way::Punched),
    };
    test.answer(|i| *i == Intent::ListHistory, Outcome::History(vec![past]));
    assert!(test.is_seen("изглед.jpg 1970-01-01") || test.is_seen("изглед.jpg 1969-12-31"));
    assert!(test.window.query_by_role_and_label(Role::ColumnHeader, "Connection").is_some(), "by which way it came");
    test.click("Clear history");
    assert!(test.is_seen("Forget 1 past transfers?"));
    test.window.get_all_by_label("Clear history").last().expect("in the question").click();
    test.steps();
    assert!(test.was_asked(&Intent::ClearHistory) && test.is_seen("Nothing has come to its end yet"));
}

#[test]
fn a_question_names_what_it_is_about() {
    let mut test = Test::new(Screen::Transfers);
    test.tell(at(1, 1, TransferState::Running));
    test.tell(at(2, 2, TransferState::Running));
    test.click("Cancel: day 1.jpg");
    assert!(test.is_seen("Cancel “day 1.jpg”?"));
    test.click("Keep");
    test.window.get_all_by_role(Role::Row).next().expect("a row").click();
    test.steps();
    test.press(Modifiers::COMMAND, Key::A);
    test.press(Modifiers::NONE, Key::Delete);
    assert!(test.is_seen("Cancel “day 1.jpg” and 1 more?"));
}

#[test]
fn a_menu_has_what_can_be_done() {
    let mut test = Test::new(Screen::Transfers);
    test.tell(at(1, 1, TransferState::Running));
    let upload = Transfer { direction: Direction::Upload, ..transfer(2, TransferState::Running) };
    test.tell(NodeEvent::Transfer(upload));
    test.tell(at(3, 3, TransferState::Finished));
    let moves = ["Move to the front", "Move earlier", "Move later", "Move to the end"];
    for (row, lines) in [
        ("day 1.jpg Under way", [["Pause"].as_slice(), &moves, &["Cancel"]].concat()),
        ("day 2.jpg Under way", vec!["Stop for this person"]),
        ("day 3.jpg Finished", vec!["Open", "Show in folder", "Remove from the list"]),
    ] {
        test.window.get_by_label(row).click();
        test.steps();
        test.press(Modifiers::SHIFT, Key::F10);
        let lines_of =
            test.window.query_all_by_role(Role::MenuItem).map(|line| (line.rect(), line.accesskit_node().label()));
        let mut seen: Vec<_> = lines_of.map(|(rect, label)| (rect, label.unwrap_or_default())).collect();
        seen.sort_by(|(one, _), (other, _)| one.top().total_cmp(&other.top()));
        assert_eq!(seen.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(), lines, "{row}");
        assert!(seen.iter().all(|(rect, _)| rect.width() < 260.0), "no wider than what it says: {seen:?}");
        test.press(Modifiers::NONE, Key::Escape);
    }
}
