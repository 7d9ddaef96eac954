//! A link into a network, to be given to somebody.

use eframe::egui::{Label, RichText, Ui};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud, qr};

/// The invite as a picture.
const QR_SIDE: f32 = 168.0;

/// A link into a network, as text and as a picture for a phone's camera, with what stands above and below the text.
pub(super) fn show(
    ui: &mut Ui,
    link: &str,
    actions: &mut Vec<Action>,
    above: impl FnOnce(&mut Ui, &mut Vec<Action>),
    below: impl FnOnce(&mut Ui),
) {
    widgets::card(ui, |ui| {
        ui.horizontal_top(|ui| {
            qr::show(ui, link, QR_SIDE, &t!("window.tracker.qr"));
            ui.add_space(theme::GAP);
            ui.vertical(|ui| {
                above(ui, actions);
                widgets::weak(ui, t!("window.tracker.invite-text"));
                let text = RichText::new(link).font(theme::mono()).color(palette(ui).text);
                ui.add(Label::new(text).selectable(true).wrap());
                ui.add_space(4.0);
                if widgets::button(ui, Loud::Primary, icons::COPY, &t!("window.tracker.copy")).clicked() {
                    actions.push(Action::Copy(link.to_owned()));
                }
                below(ui);
            });
        });
    });
}
