//! What the model makes of notices.

use potok_core::model::hash::ContentHash;
use potok_core::node::event::{Direction, Outcome, TransferState};
use potok_core::node::failure::Failure;
use potok_core::service::share_indexer::event::WhyNotShared;

use super::messages::TOASTS_MAX;
use super::*;
use crate::model::browse::Query;
use crate::model::made_up::{MadeUpNetwork, files};
use crate::model::tree::Open;

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
        there: potok_core::model::transfer::AlreadyThere::default(),
        way: None,
        state,
    }
}

fn online() -> NodeEvent {
    let (tracker, network) = ("h:1".to_owned(), "n".to_owned());
    NodeEvent::Connection(TrackerConnection::Online { tracker, network, message_of_the_day: Vec::new() })
}

#[test]
fn what_is_looked_at_is_asked_for_and_taken() {
    let (mut model, now) = (Model::default(), Instant::now());
    let network = MadeUpNetwork::new(files(&[("anna", "a", Some(5), 1)]));
    let (query, open) = (Query::default(), Open::new());
    let contents = crate::model::shown_rows::OpenContents::new();
    let look =
        Look { query: &query, open: &open, open_contents: &contents, view: 0..20, wants_all: false, content: None };
    let mut asked = Vec::new();
    let mut ask = |model: &mut Model| {
        let mut ask = |intent| {
            asked.push(intent);
            IntentId(asked.len() as u64)
        };
        model.look(now, &look, &mut ask);
        model.look_at_people(now, &mut ask);
        std::mem::take(&mut asked)
    };
    assert!(ask(&mut model).is_empty(), "nobody is asked while there is no tracker");
    model.apply(now, online());
    assert!(model.wishes(now).0.contains(&Intent::ListUsers));
    for (id, intent) in (1..).map(IntentId).zip(ask(&mut model)) {
        model.apply(now, NodeEvent::Outcome { id, result: Ok(network.answer(&intent).expect("one of these")) });
    }
    let anna = Username::new("anna").expect("valid");
    assert_eq!((model.browse.len(), model.browse.everything().map(|all| all.files)), (1, Some(1)));
    assert_eq!(model.totals.of(&anna).map(|totals| totals.bytes), Some(5));

    // What is told is seen at once; somebody's totals are asked for by name, and later.
    let new = files(&[("anna", "b", Some(5), 1)]).remove(0);
    model.apply(now, NodeEvent::Shared(new));
    assert_eq!(model.browse.len(), 2);
    let contents = vec![ContentHash::from_bytes([1; 32])];
    assert_eq!(ask(&mut model), [Intent::FindHere { contents }], "only this computer is asked");
    model.apply(now, NodeEvent::Left(anna));
    assert_eq!(model.browse.len(), 0);
}

#[test]
fn a_list_of_people_that_was_overtaken_is_asked_for_again() {
    let (mut model, now) = (Model::default(), Instant::now());
    model.apply(now, online());
    model.wishes(now);
    let later = now + Duration::from_secs(1);
    let line = UserLine { username: Username::new("anna").expect("valid"), address: None, key: None };
    let joined = NodeEvent::Joined { user: line, at: SystemTime::now() };
    model.apply(now, joined.clone());
    assert!(model.wishes(later).0.is_empty(), "whoever comes is known by that");
    let id = asked(&mut model, 1, Intent::ListUsers, AskedBy::Background);
    model.apply(now, joined);
    model.apply(now, NodeEvent::Outcome { id, result: Ok(Outcome::Users(Vec::new())) });
    assert_eq!(model.wishes(later).0, [Intent::ListUsers]);
}

#[test]
fn many_changes_are_one_refresh() {
    let (mut model, now) = (Model::default(), Instant::now());
    model.apply(now, online());
    model.wishes(now);
    model.apply(now, NodeEvent::Resync);
    model.apply(now, NodeEvent::Resync);
    let (wishes, later) = model.wishes(now);
    let later = later.expect("it is asked for again");
    assert!(wishes.is_empty() && later > Duration::ZERO);
    let (wishes, next) = model.wishes(now + later);
    assert_eq!((wishes.len(), next), (1, None));
    assert!(model.wishes(now + later * 9).0.is_empty());
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
        model.apply(now, NodeEvent::Skipped { path: "p".into(), why: WhyNotShared::TooMany, more: 0 });
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
