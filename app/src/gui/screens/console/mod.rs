//! The console page: the same commands as `potok console`; what is done by mouse appears here as its command. The wire to
//! the tracker can be watched, and written to.

mod complete;

use eframe::egui::{
    Color32, FocusDirection, Frame, Id, Key, Label, Margin, Modifiers, RichText, ScrollArea, Stroke, TextEdit, Ui,
    text::CCursor, text::CCursorRange,
};
use potok_core::node::intent::Intent;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::{self, Palette, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::{LogLine, Model, Tone};

/// Lines that the arrow keys bring back.
const HISTORY_MAX: usize = 200;
/// A line of the log or of what is offered, in points.
const CONSOLE_LINE_HEIGHT: f32 = 19.0;
/// The line to type in, with the gap above it.
const INPUT_HEIGHT: f32 = 48.0;

/// What is typed here.
#[derive(Debug, Default)]
pub struct ConsoleState {
    /// The page was just opened: whoever opens it wants to type.
    pub wants_focus: bool,
    line: String,
    history: Vec<String>,
    back: usize,
    completion: complete::Completion,
    /// The wire is watched.
    is_tapped: bool,
    /// What is typed goes to the tracker as it is.
    is_raw: bool,
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut ConsoleState, actions: &mut Vec<Action>) {
    let p = palette(ui);
    widgets::head(ui, &t!("window.page.console"), &t!("window.console.beside"), |ui| {
        if widgets::edge_button(ui, Loud::Quiet, icons::ERASER, &t!("window.console.clear")).clicked() {
            actions.push(Action::ClearLog);
        }
        wire(ui, state, actions);
    });
    if widgets::pressed(ui, Modifiers::COMMAND, Key::L) {
        actions.push(Action::ClearLog);
    }
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(theme::RADIUS_CARD);
    frame.inner_margin(Margin::same(14)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let height = ui.available_height() - INPUT_HEIGHT - state.completion.height();
        ui.spacing_mut().item_spacing.y = 0.0;
        let area = ScrollArea::both().auto_shrink(false).stick_to_bottom(true).max_height(height);
        area.show_rows(ui, CONSOLE_LINE_HEIGHT, model.log.len().max(1), |ui, range| {
            if model.log.is_empty() {
                widgets::weak(ui, t!("window.console.empty"));
            }
            for line in range.filter_map(|at| model.log.get(at)) {
                ui.set_min_height(CONSOLE_LINE_HEIGHT);
                let (color, text) = look(p, line);
                let text = RichText::new(text).font(theme::mono()).color(color);
                ui.add(Label::new(text).selectable(true).extend());
            }
        });
        state.completion.show(ui);
        ui.add_space(theme::GAP);
        input(ui, model, state, actions);
    });
}

fn look(p: &Palette, line: &LogLine) -> (Color32, String) {
    match line.tone {
        Tone::Command => (p.accent, format!("› {}", line.text)),
        Tone::Good => (p.good, line.text.clone()),
        Tone::Bad => (p.bad, line.text.clone()),
        Tone::Info => (p.text, line.text.clone()),
        Tone::Sent => (p.warn, format!("→ {}", line.text)),
        Tone::Received => (p.weak, format!("← {}", line.text)),
    }
}

/// The switch for the wire, and where the typed line goes; laid out from the right.
fn wire(ui: &mut Ui, state: &mut ConsoleState, actions: &mut Vec<Action>) {
    let name = t!("window.console.wire");
    let response = widgets::switch(ui, &mut state.is_tapped, &name).on_hover_text(t!("window.console.wire-text"));
    if response.changed() {
        state.is_raw &= state.is_tapped;
        actions.push(Action::Refresh(Intent::TapWire(state.is_tapped)));
    }
    widgets::weak(ui, &*name);
    if state.is_tapped {
        let (potok, tracker) = (t!("window.console.to-potok"), t!("window.console.to-tracker"));
        let options = [(true, icons::BROADCAST, &*tracker), (false, icons::TERMINAL_WINDOW, &*potok)];
        widgets::choice(ui, &mut state.is_raw, &options);
    }
}

fn input(ui: &mut Ui, model: &Model, state: &mut ConsoleState, actions: &mut Vec<Action>) {
    let (name, hint) = if state.is_raw {
        (t!("window.console.raw"), t!("window.console.raw-hint"))
    } else {
        (t!("window.console.input"), t!("window.console.hint"))
    };
    let id = Id::unique("console-input");
    let has_focus = ui.memory(|memory| memory.has_focus(id));
    let mut moved = false;
    if has_focus {
        // Before the field sees them.
        if widgets::pressed(ui, Modifiers::SHIFT, Key::Tab) {
            ui.memory_mut(|memory| memory.move_focus(FocusDirection::Previous));
        }
        if !state.is_raw && widgets::pressed(ui, Modifiers::NONE, Key::Tab) {
            state.completion.tab(&mut state.line);
            moved = true;
        }
        if widgets::pressed(ui, Modifiers::NONE, Key::ArrowUp) {
            state.back = (state.back + 1).min(state.history.len());
            recall(state);
            moved = true;
        } else if widgets::pressed(ui, Modifiers::NONE, Key::ArrowDown) {
            state.back = state.back.saturating_sub(1);
            recall(state);
            moved = true;
        }
    }
    state.completion.look(ui.ctx(), model, actions);
    moved |= state.completion.take(&mut state.line);
    if moved {
        cursor_to_the_end(ui, id, &state.line);
    }
    let icon = if state.is_raw { icons::BROADCAST } else { icons::CARET_RIGHT };
    let response = widgets::field_as(ui, &mut state.line, icon, &name, &hint, ui.available_width(), |edit| {
        edit.id(id).font(theme::mono()).lock_focus(true)
    });
    if std::mem::take(&mut state.wants_focus) {
        response.request_focus();
    }
    if response.changed() {
        state.completion.forget();
    }
    if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
        response.request_focus();
        enter(state, actions);
    }
}

fn enter(state: &mut ConsoleState, actions: &mut Vec<Action>) {
    state.completion.forget();
    let line = std::mem::take(&mut state.line);
    if line.trim().is_empty() {
        return;
    }
    state.history.retain(|old| *old != line);
    state.history.push(line.clone());
    if state.history.len() > HISTORY_MAX {
        state.history.remove(0);
    }
    state.back = 0;
    actions.push(if state.is_raw { Action::Send(line) } else { Action::Run(line) });
}

fn recall(state: &mut ConsoleState) {
    state.completion.forget();
    state.line = match state.back {
        0 => String::new(),
        back => state.history[state.history.len() - back].clone(),
    };
}

fn cursor_to_the_end(ui: &Ui, id: Id, line: &str) {
    let mut edit = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
    let end = CCursor::new(line.chars().count());
    edit.cursor.set_char_range(Some(CCursorRange::one(end)));
    edit.store(ui.ctx(), id);
}
