//! The one transfer that is chosen, in whole sentences: what it is, where it goes, why it waits.

use eframe::egui::{Frame, Label, Margin, RichText, ScrollArea, Stroke, Ui};
use potok_core::model::shown::Shown;
use potok_core::node::event::{Direction, Transfer};
use potok_core::node::intent::Intent;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::screens::transfers::columns::{color, state_words};
use crate::gui::screens::transfers::{QUEUE_MOVES, can_cancel, place_words};
use crate::gui::theme::{self, palette};
use crate::gui::widgets;
use crate::human::thousands;
use crate::model::Model;
use crate::texts;

const CARD_HEIGHT: f32 = 76.0;

/// Draws the details of one transfer.
pub(super) fn show(ui: &mut Ui, model: &Model, transfer: &Transfer, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(theme::RADIUS_CARD);
    frame.inner_margin(Margin::symmetric(14, 10)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 3.0;
        ScrollArea::vertical().id_salt("details").auto_shrink([false, false]).max_height(CARD_HEIGHT).show(ui, |ui| {
            let whole = Shown(&transfer.label).to_string();
            if can_cancel(transfer) {
                ui.horizontal(|ui| {
                    ui.spacing_mut().interact_size.y = 0.0;
                    places(ui, transfer, actions);
                    ui.add(Label::new(RichText::new(whole).font(theme::medium()).color(p.text)).truncate());
                });
            } else {
                ui.add(Label::new(RichText::new(whole).font(theme::medium()).color(p.text)).selectable(true).wrap());
            }
            let mut words = state_words(transfer);
            if transfer.sources > 1 {
                words += &format!(" · {}", t!("window.state.sources", count = transfer.sources));
            }
            let state = RichText::new(words).font(theme::small()).color(color(p, &transfer.state));
            ui.add(Label::new(state).selectable(true).wrap());
            widgets::weak(ui, who_and_where(transfer));
            if transfer.files > 1 {
                let (done, all) = (thousands(transfer.files_done), thousands(transfer.files));
                widgets::weak(ui, t!("window.transfers.files", done = done, all = all));
            }
            for (path, why) in model.failed_files.of(transfer.number) {
                let text = format!("{}: {}", Shown(path), texts::of_failure(why));
                ui.add(Label::new(RichText::new(text).font(theme::small()).color(p.bad)).wrap());
            }
        });
    });
}

/// Buttons for its place in the queue.
fn places(ui: &mut Ui, transfer: &Transfer, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = 0.0;
    for (to, icon, _, keys) in QUEUE_MOVES {
        let name = format!("{} ({keys})", place_words(to));
        if widgets::icon_button(ui, icon, &name).clicked() {
            actions.push(Action::Ask(Intent::Reorder { number: transfer.number, to }));
        }
    }
    ui.add_space(theme::GAP);
}

fn who_and_where(transfer: &Transfer) -> String {
    let user = Shown(transfer.user.as_str()).to_string();
    match (&transfer.local_path, transfer.direction) {
        (Some(path), Direction::Download) => {
            t!("window.transfers.from-to", user = user, path = Shown(&path.to_string_lossy())).into_owned()
        }
        (None, Direction::Download) => t!("window.transfers.from", user = user).into_owned(),
        (_, Direction::Upload) => t!("window.transfers.to", user = user).into_owned(),
    }
}
