//! Messages in passing, in the corner: what finished, what failed, and what can be done about it at once.

use eframe::egui::{self, Align2, Frame, Id, Label, Margin, RichText, Stroke, Ui, vec2};
use potok_core::node::intent::{Intent, TransferSelection};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::{Model, Remedy, Toast, Tone};

const TOAST_WIDTH: f32 = 380.0;
const TEXT_WIDTH: f32 = 286.0;

/// Draws those that wait to be read.
pub(super) fn show(ui: &Ui, model: &Model, actions: &mut Vec<Action>) {
    let area = egui::Area::new(Id::unique("toasts")).anchor(Align2::RIGHT_BOTTOM, vec2(-20.0, -16.0));
    area.order(egui::Order::Foreground).show(ui.ctx(), |ui| {
        ui.set_max_width(TOAST_WIDTH);
        for toast in &model.toasts {
            one(ui, toast, actions);
        }
    });
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
            if widgets::icon_button(ui, icons::X, &t!("window.close")).clicked() {
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
                actions.extend(who.iter().map(|who| Action::Ask(Intent::Unban { who: who.clone() })));
            }
        }
    }
    is_clicked
}
