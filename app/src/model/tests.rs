//! What the model makes of notices.

use potok_core::node::event::Outcome;

use super::messages::TOASTS_MAX;
use super::*;
use crate::model::catalog::made_up;

fn asked(model: &mut Model, number: u64, intent: Intent, by: AskedBy) -> IntentId {
    let id = IntentId(number);
    model.asked(id, &intent, by);
    id
}

fn transfer(state: TransferState) -> Transfer {
    Transfer {
        number: potok_core::node::intent::TransferId(1),
        direction: Direction::Download,
        position: 0,
        user: Username::new("anna").expect("valid"),
        label: "Trip/day\u{202e}1.jpg".into(),
        local_path: None,
        files: 1,
        files_done: 0,
        total_bytes: 10,
        done_bytes: 5,
        bytes_per_second: 7,
        sources: 1,
        state,
    }
}

fn online() -> NodeEvent {
    let (tracker, network) = ("h:1".to_owned(), "n".to_owned());
    NodeEvent::Connection(TrackerConnection::Online { tracker, network, message_of_the_day: Vec::new() })
}

#[test]
fn a_list_is_shown_when_it_is_whole() {
    let (mut model, now) = (Model::default(), Instant::now());
    model.apply(now, online());
    assert!(model.wishes(now).0.contains(&Intent::ListFiles { user: None }));
    let id = asked(&mut model, 1, Intent::ListFiles { user: None }, AskedBy::Background);
    model.apply(now, NodeEvent::Files { id, files: made_up(&[("anna", "a", Some(5), 1)]) });
    assert!(model.catalog.is_empty() && model.catalog_loading);
    model.apply(now, NodeEvent::Files { id: IntentId(99), files: made_up(&[("eve", "b", Some(5), 1)]) });
    model.apply(now, NodeEvent::Outcome { id, result: Ok(Outcome::Done) });
    while model.take_catalog() {
        std::thread::yield_now();
    }
    assert_eq!((model.catalog.len(), model.catalog_known, model.catalog_loading), (1, true, false));
}

#[test]
fn many_changes_are_one_refresh() {
    let (mut model, now) = (Model::default(), Instant::now());
    model.wishes(now);
    model.apply(now, NodeEvent::Resync);
    model.apply(now, NodeEvent::Resync);
    let (wishes, later) = model.wishes(now);
    assert!(wishes.is_empty() && later == Some(REFRESH_AFTER));
    let (wishes, later) = model.wishes(now + REFRESH_AFTER);
    assert_eq!((wishes.len(), later), (2, None));
    assert!(model.wishes(now + REFRESH_AFTER * 9).0.is_empty());
}

#[test]
fn who_asked_is_told() {
    let (mut model, now) = (Model::default(), Instant::now());
    let failure = || Err(Failure::NoTracker);
    let id = asked(&mut model, 1, Intent::Invite, AskedBy::Background);
    model.apply(now, NodeEvent::Outcome { id, result: failure() });
    assert!(model.toasts.is_empty() && model.log.is_empty());
    let id = asked(&mut model, 2, Intent::Status, AskedBy::Console);
    model.apply(now, NodeEvent::Outcome { id, result: failure() });
    assert!(model.toasts.is_empty() && model.log.len() == 1);
    let id = asked(&mut model, 3, Intent::Pause(potok_core::node::intent::TransferSelection::All), AskedBy::Mouse);
    assert_eq!(model.log[1].text, "pause all");
    model.apply(now, NodeEvent::Outcome { id, result: failure() });
    assert_eq!(model.toasts.len(), 1);
}

#[test]
fn a_strangers_name_is_made_visible() {
    let (mut model, now) = (Model::default(), Instant::now());
    model.apply(now, NodeEvent::Transfer(transfer(TransferState::Running)));
    assert_eq!(model.speed(), (7, 0));
    assert!(model.tick(now));
    model.apply(now, NodeEvent::Transfer(transfer(TransferState::Finished)));
    let toast = &model.toasts[0].text;
    assert!(toast.contains("day⟨U+202E⟩1.jpg"), "{toast}");
    assert_eq!(model.unfinished(), 0);
}

#[test]
fn nothing_grows_without_end() {
    let (mut model, now) = (Model::default(), Instant::now());
    for n in 0..3 * LOG_LINES_MAX {
        model.toast(now, Tone::Info, format!("{n}"));
        model.apply(now, NodeEvent::Skipped { path: "p".into(), why: "w".into() });
    }
    assert_eq!((model.toasts.len(), model.log.len(), model.skipped.len()), (TOASTS_MAX, LOG_LINES_MAX, LIST_LINES_MAX));
}

#[test]
fn another_tracker_is_another_world() {
    let (mut model, now) = (Model::default(), Instant::now());
    model.apply(now, online());
    let line = UserLine { username: Username::new("anna").expect("valid"), address: None, key: None };
    model.apply(now, NodeEvent::Joined { user: line, at: std::time::SystemTime::now() });
    assert_eq!(model.people.len(), 1);
    model.apply(now, NodeEvent::Connection(TrackerConnection::None));
    assert!(model.people.is_empty());
}
