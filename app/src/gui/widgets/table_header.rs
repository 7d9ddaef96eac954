//! The titles of a table: a click sorts, an edge is dragged, and a menu says which columns are shown.

use eframe::egui::{
    Align2, CursorIcon, Popup, PopupCloseBehavior, Rect, Response, Sense, Ui, WidgetInfo, accesskit::Role, pos2, vec2,
};
use rust_i18n::t;

use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::column::Column;
use crate::gui::widgets::menu::{begin_menu, menu_check, menu_gap, menu_item};
use crate::gui::widgets::table_look::{ColumnPlace, TableLook};
use crate::gui::widgets::text::one_line;
use crate::gui::widgets::{focus_ring, icon_button_at};

/// Between two cells.
pub(super) const CELL_GAP: f32 = 20.0;
/// In front of the first cell.
pub(super) const CELLS_LEFT: f32 = 10.0;
const HEADER_HEIGHT: f32 = 30.0;
/// An edge can be caught so far to its left and right.
const EDGE_REACH: f32 = 5.0;
/// What is left of a column where names need the room.
const NARROWEST_PART: f32 = 0.72;
/// Beside the title that sorts.
const ARROW_WIDTH: f32 = 14.0;

/// The places of these columns.
pub(super) fn places<R, K, E>(columns: &[Column<R, K, E>]) -> Vec<ColumnPlace> {
    let place = |column: &Column<R, K, E>| ColumnPlace {
        name: column.name,
        width: column.width,
        drop: column.drop,
        is_extra: column.is_extra,
        // What has no title has buttons or marks in it, which are as wide as they are.
        least: match column.least {
            Some(least) => least.min(column.width),
            None if (column.title)().is_empty() => column.width,
            None => column.width * NARROWEST_PART,
        },
        grows: column.grows,
    };
    columns.iter().map(place).collect()
}

/// Draws the titles. `sorted` is what whoever draws the table sorts by; the key that was clicked comes back.
pub(super) fn show<R, K: Copy + PartialEq, E>(
    ui: &mut Ui,
    columns: &[Column<R, K, E>],
    widths: &[f32],
    sorted: Option<(K, bool)>,
    look: &mut TableLook,
) -> Option<K> {
    let mut clicked = None;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEADER_HEIGHT), Sense::CLICK);
    let mut x = rect.left() + CELLS_LEFT;
    for (column, width) in columns.iter().zip(widths).filter(|(_, width)| **width > 0.0) {
        let cell = Rect::from_min_size(pos2(x, rect.top()), vec2(width - CELL_GAP, rect.height()));
        x += width;
        let is_descending = match (&column.compare, look.sorted()) {
            (Some(_), Some(by)) if by.column == column.name => Some(by.is_descending),
            _ => sorted.filter(|(key, _)| Some(*key) == column.key).map(|(_, is_descending)| is_descending),
        };
        let is_clicked = title(ui, cell, column, is_descending);
        if is_clicked && column.compare.is_some() {
            look.sort_next(column.name);
        } else if is_clicked {
            clicked = column.key;
        }
    }
    let places = places(columns);
    edges(ui, rect, &places, widths, look);
    choice(ui, rect, &response, columns, &places, look);
    clicked
}

/// A title; whether it was clicked, if it can be.
fn title<R, K, E>(ui: &Ui, cell: Rect, column: &Column<R, K, E>, is_descending: Option<bool>) -> bool {
    let p = palette(ui);
    let title = (column.title)();
    let mut is_clicked = false;
    let mut color = if is_descending.is_some() { p.text } else { p.weak };
    if column.key.is_some() || column.compare.is_some() {
        let response = ui.interact(cell, ui.scope_id().with(("sort", column.name)), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, &*title));
        if response.hovered() {
            color = p.text;
        }
        focus_ring(ui, &response, cell.shrink2(vec2(-4.0, 3.0)));
        is_clicked = response.on_hover_cursor(CursorIcon::PointingHand).clicked();
    }
    let arrow = if is_descending.is_some() { ARROW_WIDTH } else { 0.0 };
    let galley = one_line(ui, &title, theme::small(), color, cell.width() - arrow);
    let left = if column.is_right { cell.right() - galley.size().x - arrow } else { cell.left() };
    let end = left + galley.size().x;
    ui.painter().galley(pos2(left, cell.center().y - galley.size().y / 2.0), galley, color);
    if let Some(is_descending) = is_descending {
        let icon = if is_descending { icons::CARET_DOWN } else { icons::CARET_UP };
        let at = pos2(end + 4.0, cell.center().y);
        ui.painter().text(at, Align2::LEFT_CENTER, icon, theme::icon(11.0), p.text);
    }
    is_clicked
}

/// What can be dragged between two columns; a double click makes them as wide as they were.
fn edges(ui: &Ui, rect: Rect, places: &[ColumnPlace], widths: &[f32], look: &mut TableLook) {
    let Some(last) = widths.iter().rposition(|width| *width > 0.0) else { return };
    let mut x = rect.left() + CELLS_LEFT;
    for at in 0..last {
        if widths[at] <= 0.0 {
            continue;
        }
        x += widths[at];
        let middle = x - CELL_GAP / 2.0;
        let reach = Rect::from_x_y_ranges(middle - EDGE_REACH..=middle + EDGE_REACH, rect.y_range());
        let response = ui.interact(reach, ui.scope_id().with(("edge", places[at].name)), Sense::CLICK | Sense::DRAG);
        if response.hovered() || response.dragged() {
            let stroke = eframe::egui::Stroke::new(1.0, palette(ui).edge);
            ui.painter().vline(middle, rect.y_range().shrink(6.0), stroke);
        }
        if response.double_clicked() {
            look.reset_edge(places, widths, at);
        } else if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
            look.move_edge(places, widths, at, pointer.x - middle);
        }
        response.on_hover_cursor(CursorIcon::ResizeHorizontal);
    }
}

/// Which columns are shown: a button at the end of the titles, and their context menu.
fn choice<R, K, E>(
    ui: &mut Ui,
    rect: Rect,
    header: &Response,
    columns: &[Column<R, K, E>],
    places: &[ColumnPlace],
    look: &mut TableLook,
) {
    let at = Rect::from_center_size(pos2(rect.right() - 15.0, rect.center().y), vec2(26.0, 26.0));
    let button =
        icon_button_at(ui, at, ui.scope_id().with("columns"), icons::SLIDERS_HORIZONTAL, &t!("window.columns.title"));
    let mut items = |ui: &mut Ui| {
        begin_menu(ui);
        for (column, place) in columns.iter().zip(places) {
            let title = (column.title)();
            if title.is_empty() {
                continue;
            }
            // The names of rows are what a table is about.
            let may_go = place.width > 0.0;
            ui.add_enabled_ui(may_go, |ui| {
                let is_shown = look.is_shown(place);
                if menu_check(ui, is_shown, &title) {
                    look.show(place, !is_shown);
                }
            });
        }
        menu_gap(ui);
        if menu_item(ui, icons::ARROW_COUNTER_CLOCKWISE, &t!("window.columns.reset"), "") {
            *look = TableLook::default();
        }
    };
    let stays = PopupCloseBehavior::CloseOnClickOutside;
    Popup::menu(&button).close_behavior(stays).show(&mut items);
    Popup::context_menu(header).close_behavior(stays).show(&mut items);
}
