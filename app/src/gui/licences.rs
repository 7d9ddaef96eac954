//! What the program is made of, and under which licences.

use eframe::egui::{Label, RichText, ScrollArea, TextStyle, Ui};
use rust_i18n::t;

use crate::gui::theme;
use crate::gui::theme::palette;
use crate::gui::widgets::{self, Loud};

/// Every crate in the program with its licence; `assets/licences.py` writes it.
const LICENCES: &str = include_str!("../../../assets/licences.txt");
/// The list, if the window is that high; and what is round it.
const LICENCES_HEIGHT_MAX: f32 = 380.0;
const ROUND_THE_LICENCES: f32 = 200.0;

/// Draws the list; whether it is over.
pub(super) fn show(ui: &mut Ui) -> bool {
    widgets::heading(ui, &t!("window.settings.licences"));
    let lines: Vec<&str> = LICENCES.lines().collect();
    let line_height = ui.text_style_height(&TextStyle::Monospace);
    let height = (ui.ctx().content_rect().height() - ROUND_THE_LICENCES).min(LICENCES_HEIGHT_MAX);
    let area = ScrollArea::vertical().max_height(height).auto_shrink(false);
    area.show_rows(ui, line_height, lines.len(), |ui, seen| {
        for line in lines.get(seen).unwrap_or_default() {
            ui.add(Label::new(RichText::new(*line).font(theme::mono()).color(palette(ui).text)).truncate());
        }
    });
    let mut is_over = false;
    widgets::answers(ui, |ui| is_over = widgets::default_button(ui, Loud::Plain, &t!("window.close")));
    is_over
}
