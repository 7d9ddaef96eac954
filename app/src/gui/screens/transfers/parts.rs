//! Which parts of a transfer are here, as a bar: one drawing, however many blocks there are.

use eframe::egui::{Rect, Sense, Ui, WidgetInfo, accesskit::Role, pos2, vec2};
use potok_core::model::transfer_details::{PartMap, PartState};
use rust_i18n::t;

use crate::gui::theme::palette;

const PARTS_HEIGHT: f32 = 14.0;
/// A part that is narrower could not be seen, in points.
const PART_WIDTH_MIN: f32 = 1.0;

/// Draws the bar over the whole width; `None` while nothing is known.
pub(super) fn show(ui: &mut Ui, map: Option<&PartMap>, percent: u64) {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), PARTS_HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, t!("window.transfers.parts", percent = percent)));
    ui.painter().rect_filled(rect, 3.0, p.line);
    let runs = map.map(PartMap::runs).unwrap_or_default();
    let total: u64 = runs.iter().map(|(bytes, _)| *bytes).fold(0, u64::saturating_add);
    let mut from = 0_u64;
    for (bytes, state) in runs {
        let (left, right) = (place(rect, from, total), place(rect, from.saturating_add(bytes), total));
        from = from.saturating_add(bytes);
        let color = match state {
            PartState::Missing => continue,
            PartState::Here => p.accent,
            PartState::UnderWay => p.warn,
            PartState::Mixed(percent) => p.line.lerp_to_gamma(p.accent, f32::from(percent) / 100.0),
        };
        let right = right.max(left + PART_WIDTH_MIN);
        let part = Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom()));
        ui.painter().rect_filled(part.intersect(rect), if bytes == total { 3.0 } else { 0.0 }, color);
    }
    response.on_hover_text(t!("window.transfers.parts-hint"));
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a place in the window")]
fn place(rect: Rect, bytes: u64, total: u64) -> f32 {
    rect.left() + (f64::from(rect.width()) * bytes as f64 / total.max(1) as f64) as f32
}
