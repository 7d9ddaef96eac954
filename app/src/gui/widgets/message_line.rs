//! One line in the place below the page, where it covers nothing.

use eframe::egui::{Align, Color32, Layout, Sense, Stroke, StrokeKind, Ui, UiBuilder, vec2};

use crate::gui::theme::{self, palette};

/// How high it is.
pub const MESSAGE_LINE_HEIGHT: f32 = 36.0;

/// Draws it with a border of this colour, and what is added from the right.
pub fn message_line(ui: &mut Ui, border: Color32, add: impl FnOnce(&mut Ui)) {
    let size = vec2(ui.available_width(), MESSAGE_LINE_HEIGHT);
    let frame = ui.allocate_exact_size(size, Sense::hover()).0;
    ui.painter().rect(frame, theme::RADIUS, palette(ui).card, Stroke::new(1.0, border), StrokeKind::Inside);
    let inside = UiBuilder::new().max_rect(frame.shrink2(vec2(10.0, 2.0)));
    ui.scope_builder(inside.layout(Layout::right_to_left(Align::Center)), add);
}
