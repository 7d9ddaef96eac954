//! Messages in passing: what finished, what failed, and what can be done about it at once. What offers something has a place
//! of its own below the page, where it covers nothing; the rest is glass over the page's corner.

use eframe::egui::{
    self, Align, Align2, Color32, Frame, Id, Label, Layout, Margin, Panel, RichText, Sense, Stroke, Ui, vec2,
};
use potok_core::node::intent::{Intent, TransferSelection};
use potok_core::protocol::command::owner::LiftBan;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::{self, Palette, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::{Model, Remedy, Toast, Tone};

const TOAST_WIDTH: f32 = 380.0;
/// Between two messages, and between the newest and the place of those that offer something.
const TOAST_GAP: f32 = 8.0;
/// So much of a message is seen while the pointer is over it.
const UNDER_POINTER: f32 = 0.2;
const TEXT_WIDTH: f32 = 286.0;
/// The place below the page; it is there without a message too, so that nothing moves when one comes.
const PLACE_HEIGHT: f32 = 44.0;

/// Takes the place of those that offer something, and draws the newest of them.
pub(super) fn place(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let frame = Frame::new().fill(palette(ui).page).inner_margin(Margin { left: 20, right: 20, top: 0, bottom: 8 });
    let panel = Panel::bottom("messages").frame(frame).exact_size(PLACE_HEIGHT).resizable(false);
    panel.show_separator_line(false).show(ui, |ui| {
        let mut offering = model.toasts.iter().rev().filter(|toast| toast.remedy.is_some());
        if let Some((toast, remedy)) = offering.next().and_then(|toast| Some((toast, toast.remedy.as_ref()?))) {
            offer(ui, toast, remedy, offering.count(), actions);
        }
    });
}

/// Draws the others over the page.
pub(super) fn show(ui: &Ui, model: &Model) {
    // The newest is at the bottom.
    let mut above = PLACE_HEIGHT + TOAST_GAP;
    for toast in model.toasts.iter().rev().filter(|toast| toast.remedy.is_none()) {
        let id = Id::unique(("toast", toast.number));
        let area = egui::Area::new(id).anchor(Align2::RIGHT_BOTTOM, vec2(-20.0, -above));
        // Clicks go through it, and under the pointer it is glass.
        let was = egui::AreaState::load(ui.ctx(), id).map(|state| state.rect());
        let is_hovered =
            was.is_some_and(|rect| ui.input(|i| i.pointer.hover_pos()).is_some_and(|at| rect.contains(at)));
        let shown = area.order(egui::Order::Foreground).interactable(false).show(ui.ctx(), |ui| {
            ui.set_max_width(TOAST_WIDTH);
            ui.set_opacity(if is_hovered { UNDER_POINTER } else { 1.0 });
            one(ui, toast);
        });
        above += shown.response.rect.height() + TOAST_GAP;
    }
}

fn one(ui: &mut Ui, toast: &Toast) {
    let p = palette(ui);
    let (icon, color) = look(p, toast.tone);
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(theme::RADIUS_CARD);
    frame.shadow(ui.visuals().popup_shadow).inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.horizontal_top(|ui| {
            widgets::glyph(ui, icon, 18.0, color);
            ui.allocate_ui(vec2(TEXT_WIDTH, 0.0), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(TEXT_WIDTH);
                    ui.add(Label::new(RichText::new(&toast.text).color(p.text)).wrap());
                });
            });
        });
    });
}

/// A message in one line, with what can be done about it; `more` others wait behind it.
fn offer(ui: &mut Ui, toast: &Toast, remedy: &Remedy, more: usize, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let (icon, color) = look(p, toast.tone);
    let size = vec2(ui.available_width(), PLACE_HEIGHT - TOAST_GAP);
    let frame = ui.allocate_exact_size(size, Sense::hover()).0;
    ui.painter().rect(frame, theme::RADIUS, p.card, Stroke::new(1.0, p.line), egui::StrokeKind::Inside);
    let inside = egui::UiBuilder::new().max_rect(frame.shrink2(vec2(10.0, 2.0)));
    ui.scope_builder(inside.layout(Layout::right_to_left(Align::Center)), |ui| {
        if widgets::icon_button(ui, icons::X, &t!("window.close")).clicked() {
            actions.push(Action::CloseToast(toast.number));
        }
        if more > 0 {
            ui.label(RichText::new(format!("+{more}")).font(theme::small()).color(p.weak));
        }
        if button(ui, remedy, actions) {
            actions.push(Action::CloseToast(toast.number));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            widgets::glyph(ui, icon, 18.0, color);
            ui.add(Label::new(RichText::new(&toast.text).color(p.text)).truncate());
        });
    });
}

fn look(p: &Palette, tone: Tone) -> (&'static str, Color32) {
    match tone {
        Tone::Good => (icons::CHECK_CIRCLE, p.good),
        Tone::Bad => (icons::WARNING_CIRCLE, p.bad),
        Tone::Info | Tone::Command | Tone::Sent | Tone::Received => (icons::INFO, p.accent),
    }
}

/// What it offers; whether that was taken.
fn button(ui: &mut Ui, remedy: &Remedy, actions: &mut Vec<Action>) -> bool {
    let (icon, name) = match remedy {
        Remedy::Show(_) => (icons::FOLDER_OPEN, t!("window.transfers.reveal")),
        Remedy::Retry(_) => (icons::ARROW_CLOCKWISE, t!("window.transfers.retry")),
        Remedy::Unban(_) => (icons::ARROW_COUNTER_CLOCKWISE, t!("window.undo")),
    };
    let is_clicked = widgets::button(ui, Loud::Quiet, icon, &name).clicked();
    if is_clicked {
        match remedy {
            Remedy::Show(path) => actions.push(Action::Reveal(path.clone())),
            Remedy::Retry(number) => actions.push(Action::Ask(Intent::Retry(TransferSelection::One(*number)))),
            Remedy::Unban(who) => {
                actions.extend(who.iter().map(|who| Action::Ask(Intent::Order(LiftBan { who: who.clone() }.into()))));
            }
        }
    }
    is_clicked
}
