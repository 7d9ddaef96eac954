//! What came to its end: where it is, and when that was.

use std::time::SystemTime;

use eframe::egui::{Id, Key, Modifiers, Rect, Ui, pos2, vec2};
use potok_core::node::event::{Direction, PastTransfer};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::screens::transfers::common_columns;
use crate::gui::theme;
use crate::gui::widgets::kept_rows::KeptRows;
use crate::gui::widgets::table::{Cell, Column, Table, in_order};
use crate::gui::widgets::{self, MenuGroups, icon_button_at};
use crate::human;
use crate::model::{Model, short};

/// What ended, and when.
pub(super) type PastKey = (SystemTime, Direction, String, String);

/// Draws it in so much height.
pub(super) fn show(
    ui: &mut Ui,
    model: &Model,
    direction: Option<Direction>,
    kept: &mut KeptRows<PastKey>,
    height: f32,
    actions: &mut Vec<Action>,
) {
    let is_wanted = |past: &&PastTransfer| direction.is_none_or(|direction| direction == past.direction);
    let mut rows: Vec<&PastTransfer> = model.looked_at.history.iter().filter(is_wanted).collect();
    if rows.is_empty() {
        let (title, text) = (t!("window.history.empty-title"), t!("window.history.empty-text"));
        widgets::empty(ui, icons::CLOCK, &title, &text, |_| {});
        return;
    }
    let columns = columns();
    in_order(ui, "history", &columns, &mut rows);
    let title = t!("window.transfers.history");
    let table = Table { id: "history", title, columns: &columns, rows: rows.len(), sorted: None, height: Some(height) };
    let key = |past: &&PastTransfer| (past.ended_at, past.direction, past.user.to_string(), past.label.clone());
    kept.follow(ui.ctx(), "history", rows.iter().map(key).collect());
    let mut from_menu = Vec::new();
    let happened = table.show(
        ui,
        &mut kept.selection,
        |index| rows.get(index).copied(),
        |past| format!("{} {}", short(&past.label), human::date_and_time(past.ended_at)),
        |ui, chosen| {
            let place = chosen.head().and_then(|row| rows.get(row)).and_then(|past| past.local_path.clone());
            let mut lines = MenuGroups::default();
            if lines.item(ui, place.is_some(), icons::ARROW_SQUARE_OUT, &t!("window.transfers.open"), "Enter") {
                from_menu.extend(place.clone().map(Action::Open));
            }
            if lines.item(ui, place.is_some(), icons::FOLDER_OPEN, &t!("window.transfers.reveal"), "Ctrl+E") {
                from_menu.extend(place.map(Action::Reveal));
            }
            lines.next();
            if lines.item(ui, true, icons::COPY, &t!("window.browse.copy-path"), "") {
                let past = chosen.head().and_then(|row| rows.get(row));
                from_menu.extend(past.map(|past| Action::Copy(past.label.clone())));
            }
        },
    );
    kept.saw(happened.view);
    actions.append(&mut from_menu);
    actions.extend(happened.clicked.into_iter().map(|(_, action)| action));
    let place = |row: usize| rows.get(row).and_then(|past| past.local_path.clone());
    actions.extend(happened.opened.and_then(place).map(Action::Open));
    if widgets::keys_are_free(ui) && widgets::pressed(ui, Modifiers::COMMAND, Key::E) {
        actions.extend(kept.selection.head().and_then(place).map(Action::Reveal));
    }
}

fn columns<'a>() -> [Column<&'a PastTransfer, (), Action>; 6] {
    [
        common_columns::name(),
        common_columns::size().drop(2),
        common_columns::person().drop(1),
        common_columns::way().drop(3),
        Column::new(
            "ended",
            || t!("window.history.ended"),
            150.0,
            |cell, past: &&PastTransfer| {
                cell.text(&human::date_and_time(past.ended_at), theme::small(), cell.palette().weak);
            },
        )
        .least(150.0)
        .compared(|a, b| a.ended_at.cmp(&b.ended_at)),
        Column::number("buttons", || "".into(), 80.0, |cell, past: &&PastTransfer| buttons(cell, past)),
    ]
}

fn buttons(cell: &mut Cell<'_, Action>, past: &PastTransfer) {
    let Some(path) = &past.local_path else { return };
    let mut clicked = None;
    let reveal = (icons::FOLDER_OPEN, t!("window.transfers.reveal"), Action::Reveal(path.clone()));
    let open = (icons::ARROW_SQUARE_OUT, t!("window.transfers.open"), Action::Open(path.clone()));
    for (at, (icon, name, action)) in (0_u8..).zip([reveal, open]) {
        let right = cell.rect.right() - 14.0 - 30.0 * f32::from(at);
        let rect = Rect::from_center_size(pos2(right, cell.rect.center().y), vec2(28.0, 28.0));
        let id = Id::unique(("past", path, past.ended_at, at));
        if icon_button_at(cell.ui, rect, id, icon, &format!("{name}: {}", short(&past.label))).clicked() {
            clicked = Some(action);
        }
    }
    if let Some(action) = clicked {
        cell.click(action);
    }
}
