//! Scrolling over any number of equal rows. The place is an `f64`: with the `f32` of the toolkit's own scroll area, rows
//! beyond some 400,000 would move in steps of several points.

use std::ops::Range;

use eframe::egui::{Context, Id, Rect, Sense, Ui, UiBuilder, pos2, vec2};

use crate::gui::theme::{ROW_HEIGHT, palette};

/// What the bar takes on the right; rows stay out of it.
pub const BAR_WIDTH: f32 = 10.0;
/// A handle that can still be caught.
const HANDLE_MIN: f32 = 28.0;

/// Shows the rows that are in view in `height` points. `reveal` is brought into view; `held` stays in view when the
/// list becomes lower. Which rows are in view.
pub fn show_rows(
    ui: &mut Ui,
    id: Id,
    rows: usize,
    height: f32,
    reveal: Option<usize>,
    held: Option<usize>,
    mut add_row: impl FnMut(&mut Ui, usize),
) -> Range<usize> {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let seen = f64::from(rect.height());
    let lowest = (top_of(rows) - seen).max(0.0);
    let (mut top, seen_before) = ui.data(|data| data.get_temp::<(f64, f64)>(id)).unwrap_or_default();
    let was_seen = |row: &usize| top_of(*row) < top + seen_before && top_of(row + 1) > top;
    if let Some(row) = reveal.or(held.filter(|row| seen < seen_before && was_seen(row))) {
        top = top.min(top_of(row)).max(top_of(row + 1) - seen);
    }
    top = wheel(ui, id, rect, top, lowest);
    top = bar(ui, id, rect, top, lowest).clamp(0.0, lowest);
    ui.data_mut(|data| data.insert_temp(id, (top, seen)));

    let first = row_at(top);
    let until = (row_at(top + seen) + 1).min(rows);
    #[expect(clippy::cast_possible_truncation, reason = "less than a row, or less than the window")]
    let (cut, shown) = ((top - top_of(first)) as f32, (top_of(until) - top_of(first)) as f32);
    let inside = Rect::from_min_size(rect.min - vec2(0.0, cut), vec2(rect.width(), shown));
    let mut list = ui.new_child(UiBuilder::new().id_salt(id).max_rect(inside));
    list.shrink_clip_rect(rect);
    // A row keeps its name for the toolkit wherever it is on the screen.
    list.skip_ahead_auto_ids(first);
    for row in first..until {
        add_row(&mut list, row);
    }
    first..until
}

/// The list of this name begins at its top.
pub fn to_top(ctx: &Context, id: Id) {
    put(ctx, id, |_| 0.0);
}

/// The list of this name goes to its end.
pub fn to_end(ctx: &Context, id: Id) {
    put(ctx, id, |_| f64::MAX);
}

/// A row of the list of this name stands elsewhere than before: it stays where it is on the screen.
pub fn shift(ctx: &Context, id: Id, from: usize, to: usize) {
    put(ctx, id, |top| top + top_of(to) - top_of(from));
}

fn put(ctx: &Context, id: Id, top: impl FnOnce(f64) -> f64) {
    ctx.data_mut(|data| {
        let (before, seen) = data.get_temp::<(f64, f64)>(id).unwrap_or_default();
        data.insert_temp(id, (top(before), seen));
    });
}

/// Takes the wheel and the finger, if there is anywhere to go; otherwise they are for whom this list lies in.
fn wheel(ui: &Ui, id: Id, rect: Rect, top: f64, lowest: f64) -> f64 {
    let mut moved = top;
    if ui.is_enabled() && ui.rect_contains_pointer(rect) {
        moved -= f64::from(ui.input(|input| input.smooth_scroll_delta().y));
    }
    if ui.input(|input| input.has_touch_screen()) {
        moved -= f64::from(ui.interact(rect, id.with("finger"), Sense::drag()).drag_delta().y);
    }
    let moved = moved.clamp(0.0, lowest);
    if (moved - top).abs() > 0.0 {
        ui.input_mut(|input| input.smooth_scroll_delta.y = 0.0);
    }
    moved
}

#[expect(clippy::cast_possible_truncation, reason = "places in the window")]
fn bar(ui: &Ui, id: Id, rect: Rect, top: f64, lowest: f64) -> f64 {
    if lowest <= 0.0 {
        return top;
    }
    let seen = f64::from(rect.height());
    let track = Rect::from_min_max(pos2(rect.right() - BAR_WIDTH, rect.top()), rect.max);
    let length = (seen * seen / (seen + lowest)).max(f64::from(HANDLE_MIN)).min(seen);
    let room = seen - length;
    let mut top = top;
    let response = ui.interact(track, id.with("bar"), Sense::click_and_drag());
    if let Some(pointer) = response.interact_pointer_pos() {
        let at = f64::from(pointer.y - track.top());
        let handle_top = room * top / lowest;
        let grip_id = id.with("grip");
        if response.is_pointer_button_down_on() && ui.input(|input| input.pointer.any_pressed()) {
            let is_on_handle = (handle_top..=handle_top + length).contains(&at);
            let grip = if is_on_handle { at - handle_top } else { length / 2.0 };
            ui.data_mut(|data| data.insert_temp(grip_id, grip));
        }
        let grip = ui.data(|data| data.get_temp::<f64>(grip_id)).unwrap_or_default();
        top = if room > 0.0 { ((at - grip) / room * lowest).clamp(0.0, lowest) } else { top };
    }
    let p = palette(ui);
    let is_hot = response.hovered() || response.dragged();
    let handle = Rect::from_min_size(
        pos2(track.left() + 2.0, track.top() + (room * top / lowest) as f32),
        vec2(BAR_WIDTH - 4.0, length as f32),
    );
    ui.painter().rect_filled(handle, 3.0, if is_hot { p.weak } else { p.line });
    top
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 points")]
fn top_of(row: usize) -> f64 {
    row as f64 * f64::from(ROW_HEIGHT)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place is within the rows")]
fn row_at(top: f64) -> usize {
    (top.max(0.0) / f64::from(ROW_HEIGHT)) as usize
}
