//! The columns of the table of transfers. One more is one more value here, with its title in both translations.

use eframe::egui::{Id, Rect, pos2, vec2};
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
use potok_core::model::transfer::TransferError;
use potok_core::node::event::{Direction, Transfer, TransferState};
use potok_core::node::intent::{Intent, TransferSelection};
use rust_i18n::t;

use crate::gui::action::{Action, Confirm};
use crate::gui::icons;
use crate::gui::screens::transfers::{
    can_cancel, can_pause, can_resume, can_retry, can_stop, common_columns, finished_place,
};
use crate::gui::theme::{self, Palette};
use crate::gui::widgets::table::{Cell, Column};
use crate::gui::widgets::text::one_line;
use crate::gui::widgets::{self, icon_button_at};
use crate::human;
use crate::model::{natural_order, short};
use crate::render::tables;
use crate::texts;

/// A short bar and its per cent.
const PROGRESS_WIDTH_MIN: f32 = 88.0;
/// How fast, at least; the rest stands below the table.
const STATE_WIDTH_MIN: f32 = 118.0;

/// All of them, from left to right, those to be chosen too. What is clicked in a cell is an action.
pub(super) fn all<'a>() -> [Column<&'a Transfer, (), Action>; 11] {
    [
        common_columns::name(),
        common_columns::size().drop(3),
        common_columns::person().drop(2),
        common_columns::way().extra().drop(4),
        Column::new("progress", || t!("window.column.progress"), 134.0, |cell, t: &&Transfer| progress(cell, t))
            .compared(|a, b| part_done(a).cmp(&part_done(b)))
            .least(PROGRESS_WIDTH_MIN)
            .drop(1),
        Column::new(
            "state",
            || t!("window.column.state"),
            210.0,
            |cell, t: &&Transfer| {
                let p = cell.palette();
                let color = color(p, &t.state);
                cell.text(&state_words(t), theme::small(), if color == p.accent { p.text } else { color });
            },
        )
        .grow()
        .least(STATE_WIDTH_MIN)
        .compared(|a, b| (state_rank(a), a.bytes_per_second).cmp(&(state_rank(b), b.bytes_per_second))),
        Column::number(
            "speed",
            || t!("window.transfers.speed-tab"),
            100.0,
            |cell, t: &&Transfer| {
                let text = if t.bytes_per_second > 0 { human::speed(t.bytes_per_second) } else { String::new() };
                cell.text(&text, theme::small(), cell.palette().text);
            },
        )
        .compared(|a, b| a.bytes_per_second.cmp(&b.bytes_per_second))
        .extra()
        .drop(5),
        Column::number(
            "files",
            || t!("window.transfers.files-tab"),
            84.0,
            |cell, t: &&Transfer| {
                let text = format!("{}/{}", human::thousands(t.files_done), human::thousands(t.files));
                cell.text(&text, theme::small(), cell.palette().weak);
            },
        )
        .compared(|a, b| a.files.cmp(&b.files))
        .extra()
        .drop(6),
        Column::new(
            "place",
            || t!("window.transfers.place"),
            180.0,
            |cell, t: &&Transfer| {
                let path = t.local_path.as_ref().map(|path| ShownPath(path).to_string());
                cell.path(&path.unwrap_or_default(), theme::small(), cell.palette().weak);
            },
        )
        .grow()
        .compared(|a, b| {
            let path = |t: &&Transfer| t.local_path.as_ref().map(|path| path.to_string_lossy().into_owned());
            natural_order::compare(&path(a).unwrap_or_default(), &path(b).unwrap_or_default())
        })
        .extra()
        .drop(7),
        Column::number(
            "number",
            || t!("column.number"),
            56.0,
            |cell, t: &&Transfer| cell.text(&t.number.to_string(), theme::small(), cell.palette().weak),
        )
        .compared(|a, b| a.number.cmp(&b.number))
        .extra()
        .drop(8),
        Column::number("buttons", || "".into(), 80.0, |cell, t: &&Transfer| buttons(cell, t)),
    ]
}

/// What moves comes before what waits, and that before what is over.
fn state_rank(t: &Transfer) -> u8 {
    match &t.state {
        TransferState::Running => 0,
        TransferState::Checking | TransferState::Connecting => 1,
        TransferState::Paused | TransferState::Metered => 3,
        TransferState::Finished => 4,
        TransferState::Failed(_) => 5,
        _ => 2,
    }
}

/// How much of it is done, in parts of a million.
fn part_done(t: &Transfer) -> u128 {
    u128::from(t.done_bytes) * 1_000_000 / u128::from(t.total_bytes.max(1))
}

/// What a transfer is doing, in words.
pub(super) fn state_words(transfer: &Transfer) -> String {
    match &transfer.state {
        TransferState::Queued => t!("window.state.queued").into_owned(),
        TransferState::WaitingForUser => {
            t!("window.state.waiting-for-user", user = Shown(transfer.user.as_str())).into_owned()
        }
        TransferState::WaitingForTracker => t!("window.state.waiting-for-tracker").into_owned(),
        TransferState::KeptAway(why) => tables::kept_away(why),
        TransferState::Unreachable { no_relay: Some(why), .. } => texts::of_no_relay(*why, &transfer.user),
        TransferState::Unreachable { address: Some(address), no_relay: None } => {
            t!("window.state.unreachable", user = Shown(transfer.user.as_str()), address = address).into_owned()
        }
        TransferState::Unreachable { address: None, no_relay: None } => texts::of_no_way(&transfer.user),
        TransferState::OtherKey => t!("window.state.other-key", user = Shown(transfer.user.as_str())).into_owned(),
        TransferState::Changing => t!("window.state.changing", user = Shown(transfer.user.as_str())).into_owned(),
        TransferState::Connecting => t!("window.state.connecting").into_owned(),
        TransferState::WaitingForSlot { place } if transfer.direction == Direction::Upload => {
            t!("window.state.in-our-queue", place = place).into_owned()
        }
        TransferState::WaitingForSlot { place } => t!("window.state.waiting-for-slot", place = place).into_owned(),
        TransferState::Declined => t!("window.state.declined", user = Shown(transfer.user.as_str())).into_owned(),
        TransferState::NotAsked => t!("window.state.not-asked").into_owned(),
        TransferState::Checking => {
            let percent = human::percent(transfer.done_bytes, transfer.total_bytes);
            t!("window.state.checking", percent = percent).into_owned()
        }
        TransferState::Running => running_words(transfer),
        TransferState::Paused => t!("window.state.paused").into_owned(),
        TransferState::Metered if transfer.direction == Direction::Upload => {
            t!("window.state.metered-upload").into_owned()
        }
        TransferState::Metered => t!("window.state.metered").into_owned(),
        TransferState::DiskFull => t!("window.state.disk-full").into_owned(),
        TransferState::Finished => {
            let mut words = vec![t!("window.state.finished").into_owned()];
            words.extend(transfer.way.map(texts::of_way));
            words.extend(tables::already_there(transfer.there));
            words.join(" · ")
        }
        TransferState::Failed(why) => texts::of_transfer_error(why),
    }
}

/// How fast, how long still, and by which way: its column has no room in a window of usual size.
fn running_words(transfer: &Transfer) -> String {
    let mut words = Vec::new();
    if transfer.bytes_per_second == 0 {
        words.push(t!("window.state.running").into_owned());
    } else {
        let missing = transfer.total_bytes.saturating_sub(transfer.done_bytes);
        words.push(human::speed(transfer.bytes_per_second));
        let left = human::time_left(missing, transfer.bytes_per_second);
        words.extend(left.map(|left| t!("window.state.left", time = left).into_owned()));
    }
    words.extend(transfer.way.map(texts::of_way));
    words.join(" · ")
}

pub(super) fn color(p: &Palette, state: &TransferState) -> eframe::egui::Color32 {
    match state {
        TransferState::Finished => p.good,
        TransferState::Failed(TransferError::Stopped)
        | TransferState::Paused
        | TransferState::Queued
        | TransferState::NotAsked => p.weak,
        TransferState::Failed(_) | TransferState::DiskFull => p.bad,
        TransferState::WaitingForUser
        | TransferState::WaitingForTracker
        | TransferState::KeptAway(_)
        | TransferState::Unreachable { .. }
        | TransferState::OtherKey
        | TransferState::Changing
        | TransferState::WaitingForSlot { .. }
        | TransferState::Metered
        | TransferState::Declined => p.warn,
        TransferState::Connecting | TransferState::Checking | TransferState::Running => p.accent,
    }
}

fn progress(cell: &Cell<'_, Action>, t: &Transfer) {
    let p = cell.palette();
    let percent = format!("{}%", human::percent(t.done_bytes, t.total_bytes));
    let percent = one_line(cell.ui, &percent, theme::small(), p.weak, 40.0);
    let bar = Rect::from_min_max(cell.rect.min, pos2(cell.rect.right() - 42.0, cell.rect.max.y));
    widgets::bar(cell.ui, bar, widgets::part(t.done_bytes, t.total_bytes), color(p, &t.state));
    let at = pos2(cell.rect.right() - percent.size().x, cell.rect.center().y - percent.size().y / 2.0);
    cell.ui.painter().galley(at, percent, p.weak);
}

fn buttons(cell: &mut Cell<'_, Action>, t: &Transfer) {
    let mut right = cell.rect.right();
    let mut clicked = None;
    let mut button = |what: &str, icon: &str, name: &str, action: Action| {
        let rect = Rect::from_center_size(pos2(right - 14.0, cell.rect.center().y), vec2(28.0, 28.0));
        right -= 30.0;
        let id = Id::unique(("transfer", t.number, what));
        if icon_button_at(cell.ui, rect, id, icon, &format!("{name}: {}", short(&t.label))).clicked() {
            clicked = Some(action);
        }
    };
    let one = TransferSelection::One(t.number);
    if can_cancel(t) {
        button("cancel", icons::X, &t!("window.transfers.cancel"), Action::Confirm(Confirm::Cancel(vec![t.number])));
    }
    if can_stop(t) {
        button("stop", icons::X, &t!("window.transfers.stop-for-person"), Action::Ask(Intent::Cancel(one)));
    }
    if can_pause(t) {
        button("pause", icons::PAUSE, &t!("window.transfers.pause"), Action::Ask(Intent::Pause(one)));
    }
    if can_resume(t) {
        button("resume", icons::PLAY, &t!("window.transfers.resume"), Action::Ask(Intent::Resume(one)));
    }
    if can_retry(t) {
        button("retry", icons::ARROW_CLOCKWISE, &t!("window.transfers.retry"), Action::Ask(Intent::Retry(one)));
    }
    if let Some(path) = finished_place(t) {
        button("reveal", icons::FOLDER_OPEN, &t!("window.transfers.reveal"), Action::Reveal(path.clone()));
        button("open", icons::ARROW_SQUARE_OUT, &t!("window.transfers.open"), Action::Open(path));
    }
    if let Some(action) = clicked {
        cell.click(action);
    }
}
