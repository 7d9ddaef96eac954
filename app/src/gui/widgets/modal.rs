//! A small window over the page, and what its keys do: Escape leaves it, Enter is its default button.
//!
//! Only one is open at a time that a person can act on; `gui/shell.rs` says which.

use eframe::egui::{self, Align, Frame, Id, Key, Layout, Margin, Stroke, Ui, vec2};

use crate::gui::theme::{self, RADIUS_CARD};
use crate::gui::widgets::{self, Loud};

/// What is left of the window on both sides together, with the frame's own margin.
const ROUND_A_DIALOG: f32 = 80.0;
/// Many of them come unasked. Enter and Space that follow so soon, in seconds, were meant for what was there before.
const DEAF_SECONDS: f64 = 0.3;

/// A small window over the page; whether it was left, by Escape or by a click beside it.
pub fn modal(ctx: &egui::Context, name: &str, width: f32, add: impl FnOnce(&mut Ui)) -> bool {
    let id = Id::unique(("modal", name));
    begin(ctx, id);
    let p = if ctx.theme() == egui::Theme::Dark { &theme::DARK } else { &theme::LIGHT };
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(RADIUS_CARD);
    let modal = egui::Modal::new(id).frame(frame.inner_margin(Margin::same(20)));
    let response = modal.show(ctx, |ui| {
        ui.set_width(width.min(ctx.content_rect().width() - ROUND_A_DIALOG));
        add(ui);
    });
    response.should_close()
}

/// When a window was drawn last, and since when it is open, in seconds.
#[derive(Debug, Clone, Copy)]
struct Open {
    drawn: u64,
    since: f64,
}

/// What has the keyboard below a new window loses it, and what was pressed for it presses nothing here.
fn begin(ctx: &egui::Context, id: Id) {
    let (pass, now) = (ctx.cumulative_pass_nr(), ctx.input(|input| input.time));
    let before = ctx.data(|data| data.get_temp::<Open>(id)).filter(|open| open.drawn + 1 >= pass);
    let since = before.map_or(now, |open| open.since);
    ctx.data_mut(|data| data.insert_temp(id, Open { drawn: pass, since }));
    if before.is_none() {
        ctx.memory_mut(|memory| memory.focused().into_iter().for_each(|focused| memory.surrender_focus(focused)));
    }
    let is_deaf = now - since < DEAF_SECONDS;
    ctx.input_mut(|input| {
        input.events.retain(|event| {
            let egui::Event::Key { key: Key::Enter | Key::Space, pressed: true, repeat, .. } = event else {
                return true;
            };
            !is_deaf && !repeat
        });
    });
}

/// The default button of a small window: Enter presses it wherever the keyboard is, but for what takes Enter itself.
/// Without a field to type in the keyboard is here.
pub fn default_button(ui: &mut Ui, loud: Loud, text: &str) -> bool {
    let response = widgets::button(ui, loud, "", text);
    if !ui.is_enabled() {
        return false;
    }
    // A field lets go of the keyboard on Enter.
    let is_free = ui.memory(|memory| memory.focused().is_none());
    if is_free {
        response.request_focus();
    }
    response.clicked() || (is_free && ui.input(|input| input.key_pressed(Key::Enter)))
}

/// The row of buttons at the end of a small window, from the right; a second one where they have no room.
pub fn answers(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(theme::GAP_WIDE);
    let size = vec2(ui.available_width(), theme::CONTROL_HEIGHT);
    let layout = Layout::right_to_left(Align::Center).with_main_wrap(true);
    ui.allocate_ui_with_layout(size, layout, add);
}
