//! The speeds of the last two minutes.

use eframe::egui::{Color32, RichText, Sense, Ui, vec2};
use egui_plot::{Line, Plot, PlotPoints};
use rust_i18n::t;

use crate::gui::theme::{self, palette};
use crate::gui::widgets;
use crate::human;
use crate::model::{Model, SPEEDS_MAX};

const PLOT_HEIGHT: f32 = 78.0;
/// With less the graph would show noise as mountains, in bytes a second.
const TOP_MIN: f64 = 1024.0;

/// Draws the graph of speeds.
#[expect(clippy::cast_precision_loss, reason = "a picture of about a hundred points")]
pub(super) fn show(ui: &mut Ui, model: &Model) {
    let p = palette(ui);
    let line = |pick: fn(&(u64, u64)) -> u64| -> PlotPoints<'_> {
        let from = SPEEDS_MAX - model.speeds.len();
        model.speeds.iter().enumerate().map(|(n, s)| [(from + n) as f64, pick(s) as f64]).collect()
    };
    let frame = eframe::egui::Frame::new().fill(p.card).stroke(eframe::egui::Stroke::new(1.0, p.line));
    frame.corner_radius(theme::RADIUS_CARD).inner_margin(10).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 0.0;
            widgets::weak(ui, t!("window.transfers.speed"));
            legend(ui, p.accent, &t!("window.transfers.down"));
            legend(ui, p.good, &t!("window.transfers.up"));
        });
        ui.visuals_mut().override_text_color = Some(p.weak);
        Plot::new("speeds")
            .height(PLOT_HEIGHT)
            .show_background(false)
            .show_axes([false, true])
            .show_grid(false)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .include_x(0.0)
            .include_x(SPEEDS_MAX as f64)
            .include_y(0.0)
            .include_y(TOP_MIN)
            .y_axis_formatter(|mark, _range| {
                // Marks are never negative or larger than a speed can be.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mark on an axis")]
                human::speed(mark.value.max(0.0) as u64)
            })
            .show(ui, |plot| {
                plot.line(Line::new(t!("window.transfers.down"), line(|s| s.0)).color(p.accent).fill(0.0).width(2.0));
                plot.line(Line::new(t!("window.transfers.up"), line(|s| s.1)).color(p.good).width(2.0));
            });
    });
}

fn legend(ui: &mut Ui, color: Color32, text: &str) {
    let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().rect_filled(rect.shrink2(vec2(0.0, 3.5)), 1.5, color);
    ui.label(RichText::new(text).font(theme::small()).color(palette(ui).weak));
}
