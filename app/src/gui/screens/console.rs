//! The console page: the same commands as `potok console`; what is done by mouse appears here as its command.

use eframe::egui::{Frame, Key, Label, Margin, Modifiers, RichText, ScrollArea, Stroke, Ui};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets;
use crate::model::{Model, Tone};

/// Lines that the arrow keys bring back.
const HISTORY_MAX: usize = 200;
const LINE_HEIGHT: f32 = 19.0;

/// What is typed here.
#[derive(Debug, Default)]
pub struct State {
    line: String,
    history: Vec<String>,
    back: usize,
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut State, actions: &mut Vec<Action>) {
    let p = palette(ui);
    widgets::head(ui, &t!("window.page.console"), &t!("window.console.beside"), |_| {});
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(theme::RADIUS_CARD);
    frame.inner_margin(Margin::same(14)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let height = ui.available_height() - 48.0;
        ui.spacing_mut().item_spacing.y = 0.0;
        let area = ScrollArea::both().auto_shrink(false).stick_to_bottom(true).max_height(height);
        area.show_rows(ui, LINE_HEIGHT, model.log.len().max(1), |ui, range| {
            if model.log.is_empty() {
                widgets::weak(ui, t!("window.console.empty"));
            }
            for line in range.filter_map(|at| model.log.get(at)) {
                let (color, text) = match line.tone {
                    Tone::Command => (p.accent, format!("› {}", line.text)),
                    Tone::Good => (p.good, line.text.clone()),
                    Tone::Bad => (p.bad, line.text.clone()),
                    Tone::Info => (p.text, line.text.clone()),
                };
                ui.set_min_height(LINE_HEIGHT);
                let text = RichText::new(text).font(theme::mono()).color(color);
                ui.add(Label::new(text).selectable(true).extend());
            }
        });
        ui.add_space(theme::GAP);
        input(ui, state, actions);
    });
}

fn input(ui: &mut Ui, state: &mut State, actions: &mut Vec<Action>) {
    let name = t!("window.console.input");
    let hint = t!("window.console.hint");
    let width = ui.available_width();
    let response = widgets::field(ui, &mut state.line, icons::CARET_RIGHT, &name, &hint, width);
    if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        let line = std::mem::take(&mut state.line);
        response.request_focus();
        if line.trim().is_empty() {
            return;
        }
        state.history.retain(|old| *old != line);
        state.history.push(line.clone());
        if state.history.len() > HISTORY_MAX {
            state.history.remove(0);
        }
        state.back = 0;
        actions.push(Action::Run(line));
    }
    if response.has_focus() {
        if widgets::pressed(ui, Modifiers::NONE, Key::ArrowUp) {
            state.back = (state.back + 1).min(state.history.len());
            recall(state);
        } else if widgets::pressed(ui, Modifiers::NONE, Key::ArrowDown) {
            state.back = state.back.saturating_sub(1);
            recall(state);
        }
    }
}

fn recall(state: &mut State) {
    state.line = match state.back {
        0 => String::new(),
        back => state.history[state.history.len() - back].clone(),
    };
}
