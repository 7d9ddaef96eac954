//! The mark of Potok as a picture: three streams in a rounded square, as in `assets/desktop/org.potok.Potok.svg`.

use eframe::egui;

use crate::desktop::tray;
use crate::gui::theme;

/// Points a side; desktops make smaller ones of it.
const SIDE: u32 = 64;
/// Panels are small.
const TRAY_SIDE: u32 = 32;

/// For the window.
pub fn window() -> egui::IconData {
    egui::IconData { rgba: picture(SIDE), width: SIDE, height: SIDE }
}

/// For the tray.
pub fn tray() -> tray::Icon {
    tray::Icon { side: TRAY_SIDE, rgba: picture(TRAY_SIDE) }
}

fn picture(side: u32) -> Vec<u8> {
    (0..side).flat_map(|y| (0..side).flat_map(move |x| point(x, y, side))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "places in a small picture")]
fn point(x: u32, y: u32, side: u32) -> [u8; 4] {
    let at = |v: u32| (v as f32 + 0.5) / side as f32;
    let (x, y) = (at(x), at(y));
    let corner = |v: f32| (0.22 - v).max(v - 0.78).max(0.0);
    if corner(x).hypot(corner(y)) > 0.22 {
        return [0; 4];
    }
    let wave = |base: f32| (y - base - 0.07 * ((x - 0.5) * std::f32::consts::TAU * 0.9).sin()).abs() < 0.045;
    let is_stream = (0.2..0.8).contains(&x) && [0.32, 0.5, 0.68].into_iter().any(wave);
    let fill = theme::LIGHT.accent_fill;
    if is_stream { [255; 4] } else { [fill.r(), fill.g(), fill.b(), 255] }
}
