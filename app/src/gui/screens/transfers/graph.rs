//! The speeds of the last two minutes, with numbers at both axes.

use eframe::egui::{
    Align2, Color32, Mesh, Pos2, Rect, Sense, Shape, Stroke, Ui, WidgetInfo, accesskit::Role, pos2, vec2,
};
use rust_i18n::t;

use crate::gui::theme::{self, palette};
use crate::human;
use crate::model::{Model, SPEEDS_MAX};

/// Room for the numbers on the left, in points.
const NUMBERS_WIDTH: f32 = 74.0;
/// Room for those below.
const TIMES_HEIGHT: f32 = 18.0;
/// With less the graph would show noise as mountains, in bytes a second.
const TOP_MIN: u64 = 1024;
/// Lines across, the ground not counted.
const LINES_MAX: u64 = 4;

/// Draws the graph in all the room there is.
pub(super) fn show(ui: &mut Ui, model: &Model) {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let (down, up) = model.speed();
    let words = format!("{}: ↓ {} ↑ {}", t!("window.transfers.speed"), human::speed(down), human::speed(up));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
    let plot = Rect::from_min_max(rect.min + vec2(NUMBERS_WIDTH, 8.0), rect.max - vec2(6.0, TIMES_HEIGHT));
    if !plot.is_positive() {
        return;
    }
    let highest = model.speeds.iter().map(|(down, up)| *down.max(up)).max().unwrap_or(0);
    let step = step_below(highest.max(TOP_MIN));
    let top = highest.max(TOP_MIN).div_ceil(step) * step;
    for line in 0..=top / step {
        let y = plot.bottom() - plot.height() * part(line * step, top);
        ui.painter().hline(plot.x_range(), y, Stroke::new(1.0, p.line));
        let at = pos2(plot.left() - 8.0, y);
        let speed = human::speed_beside(line * step, top);
        ui.painter().text(at, Align2::RIGHT_CENTER, speed, theme::small(), p.weak);
    }
    let middle = pos2(plot.center().x, rect.bottom());
    for (at, align, text) in [
        (pos2(plot.left(), rect.bottom()), Align2::LEFT_BOTTOM, t!("window.transfers.minutes-ago", minutes = 2)),
        (middle, Align2::CENTER_BOTTOM, t!("window.transfers.minutes-ago", minutes = 1)),
        (pos2(plot.right(), rect.bottom()), Align2::RIGHT_BOTTOM, t!("window.transfers.now")),
    ] {
        ui.painter().text(at, align, text, theme::small(), p.weak);
    }
    line(ui, plot, top, p.accent, model.speeds.iter().map(|(down, _)| *down), true);
    line(ui, plot, top, p.good, model.speeds.iter().map(|(_, up)| *up), false);
}

/// What its lines mean, beside each other.
pub(super) fn legend(ui: &mut Ui) {
    let p = palette(ui);
    for (color, text) in [(p.accent, t!("window.transfers.down")), (p.good, t!("window.transfers.up"))] {
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
        ui.painter().rect_filled(rect.shrink2(vec2(0.0, 3.5)), 1.5, color);
        crate::gui::widgets::weak(ui, text);
    }
}

#[expect(clippy::cast_precision_loss, reason = "places in the window")]
fn line(ui: &Ui, plot: Rect, top: u64, color: Color32, speeds: impl ExactSizeIterator<Item = u64>, is_filled: bool) {
    let from = SPEEDS_MAX - speeds.len().min(SPEEDS_MAX);
    let last = (SPEEDS_MAX - 1) as f32;
    let place = |(n, speed): (usize, u64)| {
        let x = plot.left() + plot.width() * (from + n) as f32 / last;
        pos2(x, plot.bottom() - plot.height() * part(speed, top))
    };
    let points: Vec<Pos2> = speeds.enumerate().map(place).collect();
    if is_filled {
        let mut mesh = Mesh::default();
        let fill = color.gamma_multiply(0.12);
        for (n, at) in (0u32..).zip(&points) {
            mesh.colored_vertex(*at, fill);
            mesh.colored_vertex(pos2(at.x, plot.bottom()), fill);
            if n > 0 {
                mesh.add_triangle(2 * n - 2, 2 * n - 1, 2 * n);
                mesh.add_triangle(2 * n - 1, 2 * n, 2 * n + 1);
            }
        }
        ui.painter().add(Shape::mesh(mesh));
    }
    ui.painter().line(points, Stroke::new(2.0, color));
}

#[expect(clippy::cast_precision_loss, reason = "a place in the window")]
fn part(speed: u64, top: u64) -> f32 {
    (speed as f32 / top as f32).min(1.0)
}

/// A round number of which at most [`LINES_MAX`] reach this speed: 1, 2, 5, 10, … 200 of B, KiB, MiB or GiB, or half of the
/// next unit. So all lines are whole in the unit of the topmost, or halves.
fn step_below(highest: u64) -> u64 {
    let least = highest.div_ceil(LINES_MAX);
    let mut unit = 1_u64;
    while unit < 1 << 50 {
        for round in [1, 2, 5, 10, 20, 50, 100, 200, 512] {
            if round * unit >= least {
                return round * unit;
            }
        }
        unit *= 1024;
    }
    least.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_few_round_numbers() {
        for (highest, step) in [
            (1024, 512),
            (4 << 10, 1 << 10),
            (5 << 10, 2 << 10),
            (900 << 10, 512 << 10),
            (11 << 20, 5 << 20),
            (3 << 30, 1 << 30),
        ] {
            assert_eq!(step_below(highest), step, "{highest}");
            assert!(highest.div_ceil(step) <= LINES_MAX);
        }
        assert!(step_below(u64::MAX) > 0);
    }

    #[test]
    fn the_numbers_of_an_axis_have_one_unit() {
        for highest in (10..40).flat_map(|bits| [1_u64 << bits, 3 << (bits - 1), (1 << bits) - 1]) {
            let step = step_below(highest.max(TOP_MIN));
            let top = highest.max(TOP_MIN).div_ceil(step) * step;
            let shown: Vec<String> = (1..=top / step).map(|line| human::speed_beside(line * step, top)).collect();
            // Nothing is rounded away: each is a multiple of the first.
            let number = |text: &str| text.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
            for (line, text) in (1_u32..).zip(&shown) {
                assert!((number(text) - f64::from(line) * number(&shown[0])).abs() < 0.01, "{highest}: {shown:?}");
            }
            assert!(number(&shown[0]) > 0.0, "{highest}: {shown:?}");
        }
    }
}
