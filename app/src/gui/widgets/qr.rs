//! A text as a picture for a phone's camera.

use std::sync::Arc;

use eframe::egui::{Color32, Id, Rect, Sense, Ui, WidgetInfo, accesskit::Role, pos2, vec2};

use crate::gui::theme;

/// Empty squares round the code, without which cameras do not find it.
const QUIET_MODULES: f32 = 3.0;

/// Its squares, row by row, and how many a row has.
type Code = Arc<(usize, Vec<bool>)>;

/// Dark on light in both themes: not every camera reads the other way round.
#[expect(clippy::cast_precision_loss, reason = "some tens of squares")]
pub fn show(ui: &mut Ui, text: &str, side: f32, name: &str) {
    let Some(code) = code(ui, text) else { return };
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    let module = side / (code.0 as f32 + 2.0 * QUIET_MODULES);
    ui.painter().rect_filled(rect, theme::RADIUS, Color32::WHITE);
    for at in (0..code.1.len()).filter(|at| code.1[*at]) {
        let (x, y) = ((at % code.0) as f32 + QUIET_MODULES, (at / code.0) as f32 + QUIET_MODULES);
        let min = rect.min + vec2(x * module, y * module);
        // A little larger than its place, so that no light line is left between two.
        let square = Rect::from_min_max(min, pos2(min.x + module + 0.3, min.y + module + 0.3));
        ui.painter().rect_filled(square, 0.0, Color32::BLACK);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
}

/// Made once, not in every frame.
fn code(ui: &Ui, text: &str) -> Option<Code> {
    let id = Id::unique("qr-code");
    if let Some((of, code)) = ui.data(|data| data.get_temp::<(String, Code)>(id))
        && of == text
    {
        return Some(code);
    }
    let made = qrcode::QrCode::new(text).ok()?;
    let dark = made.to_colors().into_iter().map(|color| color == qrcode::Color::Dark).collect();
    let code = Arc::new((made.width(), dark));
    ui.data_mut(|data| data.insert_temp(id, (text.to_owned(), Arc::clone(&code))));
    Some(code)
}
