//! Messages in passing, in the corner: what finished, what failed, and what can be done about it at once.

use eframe::egui::{self, Align2, Frame, Id, Label, Margin, RichText, Stroke, Ui, vec2};
use potok_core::node::intent::{Intent, TransferSelection};
use potok_core::protocol::command::owner::LiftBan;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::{Model, Remedy, Toast, Tone};

const TOAST_WIDTH: f32 = 380.0;
/// Below the newest one.
const TOASTS_BOTTOM: f32 = 16.0;
/// So much of a message is seen while the pointer is over it.
const UNDER_POINTER: f32 = 0.2;
const TEXT_WIDTH: f32 = 286.0;

/// Draws those that wait to be read.
pub(super) fn show(ui: &Ui, model: &Model, actions: &mut Vec<Action>) {
    // The newest is at the bottom.
    let mut above = TOASTS_BOTTOM;
    for toast in model.toasts.iter().rev() {
        let id = Id::unique(("toast", toast.number));
        let area = egui::Area::new(id).anchor(Align2::RIGHT_BOTTOM, vec2(-20.0, -above));
        // What offers nothing is in nobody's way: clicks go through it, and under the pointer it is glass.
        let is_glass = toast.remedy.is_none();
        let was = egui::AreaState::load(ui.ctx(), id).map(|state| state.rect());
        let is_hovered =
            was.is_some_and(|rect| ui.input(|i| i.pointer.hover_pos()).is_some_and(|at| rect.contains(at)));
        let area = area.order(egui::Order::Foreground).interactable(!is_glass);
        let shown = area.show(ui.ctx(), |ui| {
            ui.set_max_width(TOAST_WIDTH);
            ui.set_opacity(if is_glass && is_hovered { UNDER_POINTER } else { 1.0 });
            one(ui, toast, actions);
        });
        above += shown.response.rect.height() + theme::GAP;
    }
}

fn one(ui: &mut Ui, toast: &Toast, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let (icon, color) = match toast.tone {
        Tone::Good => (icons::CHECK_CIRCLE, p.good),
        Tone::Bad => (icons::WARNING_CIRCLE, p.bad),
        Tone::Info | Tone::Command | Tone::Sent | Tone::Received => (icons::INFO, p.accent),
    };
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(theme::RADIUS_CARD);
    frame.shadow(ui.visuals().popup_shadow).inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(icon).font(theme::icon(18.0)).color(color));
            ui.allocate_ui(vec2(TEXT_WIDTH, 0.0), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(TEXT_WIDTH);
                    ui.add(Label::new(RichText::new(&toast.text).color(p.text)).wrap());
                    if let Some(remedy) = &toast.remedy
                        && offer(ui, remedy, actions)
                    {
                        actions.push(Action::CloseToast(toast.number));
                    }
                });
            });
            if toast.remedy.is_some() && widgets::icon_button(ui, icons::X, &t!("window.close")).clicked() {
                actions.push(Action::CloseToast(toast.number));
            }
        });
    });
}

fn offer(ui: &mut Ui, remedy: &Remedy, actions: &mut Vec<Action>) -> bool {
    let (icon, name) = match remedy {
        Remedy::Show(_) => (icons::FOLDER_OPEN, t!("window.transfers.reveal")),
        Remedy::Retry(_) => (icons::ARROW_CLOCKWISE, t!("window.transfers.retry")),
        Remedy::Unban(_) => (icons::ARROW_COUNTER_CLOCKWISE, t!("window.undo")),
    };
    let is_clicked = widgets::button(ui, Loud::Plain, icon, &name).clicked();
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
