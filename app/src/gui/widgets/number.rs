//! Fields for numbers, which are typed or dragged. What is told when one is done is told once, not at every step of a drag.

use std::ops::RangeInclusive;

use eframe::egui::{DragValue, Response, Ui, WidgetInfo, accesskit::Role};

/// Draws the field under this name; whether a new number is there.
pub fn of(ui: &mut Ui, name: &str, value: DragValue<'_>) -> bool {
    let response = ui.add(value);
    response.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, name));
    is_finished(&response)
}

/// The same for bytes that are shown in a larger unit, of which there may be so many. Bytes that are no whole number of
/// units stay as they are until another number is chosen.
pub fn bytes(
    ui: &mut Ui,
    name: &str,
    bytes: &mut u64,
    unit_bytes: u64,
    range: RangeInclusive<u64>,
    suffix: &str,
) -> bool {
    let before = *bytes / unit_bytes;
    let mut units = before;
    let is_done = of(ui, name, DragValue::new(&mut units).range(range).speed(16).suffix(suffix));
    if units != before {
        *bytes = units.saturating_mul(unit_bytes);
    }
    is_done
}

fn is_finished(response: &Response) -> bool {
    response.drag_stopped()
        || response.lost_focus()
        || (response.changed() && !response.dragged() && !response.has_focus())
}
