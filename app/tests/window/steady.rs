//! Under the hand nothing moves: in lists of 100,000 rows what is chosen stays chosen and what is in view stays where it
//! is, whatever others do meanwhile.

use std::time::{Duration, SystemTime};

use eframe::egui::accesskit::Toggled;
use egui_kittest::kittest::NodeT;
use potok_app::gui::theme::ROW_HEIGHT;
use potok_core::node::event::PastTransfer;

use super::*;

const ROWS: u64 = 100_000;
/// So far above the chosen row is the one that is looked at.
const ABOVE: u64 = 32;
/// Of these the one that is looked at is seen, and the chosen row is not.
const SCROLLED: f32 = 28.0 * ROW_HEIGHT;
/// The wheel has come to rest.
const FRAMES: usize = 30;

fn top(test: &Test, row: &str) -> f32 {
    test.window.get_by_role_and_label(Role::Row, row).rect().top()
}

fn is_in_view(test: &Test, row: &str) -> bool {
    test.window.query_by_role_and_label(Role::Row, row).is_some()
}

fn chosen_in_view(test: &Test) -> Vec<String> {
    let rows = test.window.query_all_by_role(Role::Row).map(|row| row.accesskit_node());
    rows.filter(|row| row.toggled() == Some(Toggled::True)).filter_map(|row| row.label()).collect()
}

/// Chooses the last row, scrolls it out of view, and lets others do something; then the keyboard goes on from there, and
/// last of all the chosen row itself goes away.
fn nothing_moves(
    mut test: Test,
    row: impl Fn(u64) -> String,
    others: impl FnOnce(&mut Test),
    takes: impl FnOnce(&mut Test, u64),
) {
    let (last, seen) = (ROWS - 1, row(ROWS - 1 - ABOVE));
    test.press(Modifiers::NONE, Key::End);
    assert_eq!(chosen_in_view(&test), [row(last)]);
    test.window.get_by_role_and_label(Role::Row, &row(last)).hover();
    test.window.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, SCROLLED),
        source: MouseWheelSource::Unknown,
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    (0..FRAMES).for_each(|_| test.window.step());
    assert!(is_in_view(&test, &seen) && !is_in_view(&test, &row(last)) && chosen_in_view(&test).is_empty());
    let before = top(&test, &seen);
    others(&mut test);
    let moved = top(&test, &seen) - before;
    assert!(moved.abs() < 0.5, "what is in view moved by {moved}");
    assert!(chosen_in_view(&test).is_empty(), "nothing else was chosen");
    test.press(Modifiers::NONE, Key::ArrowUp);
    assert_eq!(chosen_in_view(&test), [row(last - 1)], "the keyboard is where it was");
    takes(&mut test, last - 1);
    assert!(is_in_view(&test, &row(last)) && !is_in_view(&test, &row(last - 1)));
    assert!(chosen_in_view(&test).is_empty(), "what is gone is not chosen, nor another in its place");
}

#[test]
fn browse_stays() {
    let mut test = Test::new(Screen::Browse);
    let path = |n: u64| format!("Trip/{n:06}.jpg");
    // Of more than 100,000 the last would not be listed.
    test.list((10..ROWS).map(|n| file("anna", &path(n), n + 1, 1)).collect());
    let others = |test: &mut Test| {
        for n in 0..5 {
            test.share(file("boris", &format!("A/{n}.jpg"), n + 1, 2));
        }
        take(test, "anna", &path(17));
        take(test, "anna", &path(ROWS / 2));
        test.share(file("boris", &path(ROWS), ROWS, 2));
    };
    nothing_moves(test, path, others, |test, n| take(test, "anna", &path(n)));
}

/// Somebody no longer shares this.
fn take(test: &mut Test, user: &str, path: &str) {
    let path = SharePath::new(path).expect("valid");
    test.network.lock().expect("no panic").as_mut().expect("a network").unshare(&name(user), &path);
    test.tell(NodeEvent::Unshared { user: name(user), path });
}

#[test]
fn shared_stays() {
    let mut test = Test::new(Screen::Shared);
    let path = |n: u64| format!("{n:06}.jpg");
    let roots: Vec<SharedRoot> = (0..ROWS).map(|n| shared_file(n + 1, &path(n))).collect();
    test.shares(roots.clone());
    let mut now = roots.clone();
    let others = |test: &mut Test| {
        // Somebody takes some of it, and the person shares and stops more elsewhere.
        for n in 0..5 {
            now.push(shared_file(ROWS + 10 + n, &format!("!{n}.jpg")));
        }
        now.retain(|root| ![path(7), path(ROWS / 2)].contains(&root.share_as.to_string()));
        let upload = Transfer { direction: Direction::Upload, label: path(3), ..transfer(1, TransferState::Running) };
        test.tell(NodeEvent::Transfer(upload));
        test.shares(now.clone());
    };
    let takes = |test: &mut Test, n: u64| {
        let left = roots.iter().filter(|root| root.share_as.as_str() != path(n)).cloned().collect();
        test.shares(left);
    };
    nothing_moves(test, path, others, takes);
}

#[test]
fn transfers_stay() {
    let mut test = Test::new(Screen::Transfers);
    let at = |number: u64| Transfer { position: 1_000 + number, ..transfer(number, TransferState::Queued) };
    test.answer(|i| *i == Intent::ListTransfers, Outcome::Transfers((0..ROWS).map(at).collect()));
    let others = |test: &mut Test| {
        for n in 0..5 {
            let first = Transfer { position: n, ..transfer(ROWS + n, TransferState::Connecting) };
            test.tell(NodeEvent::Transfer(first));
        }
        test.tell(NodeEvent::TransferGone { number: TransferId(7) });
        test.tell(NodeEvent::TransferGone { number: TransferId(ROWS / 2) });
        // One below the view runs, and one above it comes to its end, which is below all the others.
        test.tell(NodeEvent::Transfer(Transfer { state: TransferState::Running, ..at(ROWS - 3) }));
        test.tell(NodeEvent::Transfer(Transfer { state: TransferState::Finished, ..at(9) }));
    };
    let takes = |test: &mut Test, n: u64| test.tell(NodeEvent::TransferGone { number: TransferId(n) });
    nothing_moves(test, |n| format!("day {n}.jpg In the queue"), others, takes);
}

#[test]
fn history_stays() {
    let mut test = Test::new(Screen::Transfers);
    test.tell(NodeEvent::Transfer(transfer(1, TransferState::Running)));
    test.click("History");
    let ended = |n: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 - n);
    let past = |n: u64| PastTransfer {
        direction: Direction::Download,
        user: name("anna"),
        label: format!("{n:06}.jpg"),
        local_path: None,
        files: 1,
        bytes: 5,
        ended_at: ended(n),
        way: None,
    };
    let row = |n: u64| format!("{n:06}.jpg {}", potok_app::human::date_and_time(ended(n)));
    let is_it = |i: &Intent| *i == Intent::ListHistory;
    let list: Vec<PastTransfer> = (0..ROWS).map(past).collect();
    test.answer(is_it, Outcome::History(list.clone()));
    // Whenever something leaves the list of transfers, the history is read again.
    let now = |test: &mut Test, list: Vec<PastTransfer>| {
        test.tell(NodeEvent::TransferGone { number: TransferId(1) });
        test.answer(is_it, Outcome::History(list));
    };
    let mut newer = list.clone();
    let others = |test: &mut Test| {
        newer.retain(|past| ![7, ROWS / 2].contains(&ended_at(past)));
        let come = (0..5).map(|n| PastTransfer { user: name("boris"), label: format!("new {n}"), ..past(0) });
        newer.splice(0..0, come);
        now(test, newer.clone());
    };
    let takes = |test: &mut Test, n: u64| now(test, list.iter().filter(|past| ended_at(past) != n).cloned().collect());
    nothing_moves(test, row, others, takes);
}

/// By its label, which is its number.
fn ended_at(past: &PastTransfer) -> u64 {
    past.label.trim_end_matches(".jpg").parse().unwrap_or(u64::MAX)
}

#[test]
fn people_stay() {
    let mut test = Test::new(Screen::People);
    test.go_online();
    let user = |n: u64| format!("p{n:06}");
    let line = |user: &str| UserLine { username: name(user), address: None, key: None };
    test.answer(|i| *i == Intent::ListUsers, Outcome::Users((0..ROWS).map(|n| line(&user(n))).collect()));
    let others = |test: &mut Test| {
        for n in 0..5 {
            test.tell(NodeEvent::Joined { user: line(&format!("a{n}")), at: SystemTime::now() });
        }
        test.tell(NodeEvent::Left(name(&user(7))));
        test.tell(NodeEvent::Left(name(&user(ROWS / 2))));
        test.tell(NodeEvent::Joined { user: line("z"), at: SystemTime::now() });
    };
    let takes = |test: &mut Test, n: u64| test.tell(NodeEvent::Left(name(&user(n))));
    nothing_moves(test, user, others, takes);
}
