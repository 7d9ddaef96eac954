//! About the program: its version, licences and key.

use eframe::egui::{Label, RichText, Ui, vec2};
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::gui::action::{Action, Dialog};
use crate::gui::fingerprint;
use crate::gui::icons;
use crate::gui::screens::settings::rows::switch;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::Model;

/// Which program this is, what it is made of, and whose key it has.
pub(super) fn about(ui: &mut Ui, model: &Model, draft: &mut Settings, actions: &mut Vec<Action>) -> bool {
    let p = palette(ui);
    ui.label(RichText::new(format!("Potok {}", env!("CARGO_PKG_VERSION"))).color(p.text));
    widgets::weak(ui, t!("window.settings.about-text"));
    let (newer, text) = (t!("window.settings.newer"), t!("window.settings.newer-text"));
    let is_done = switch(ui, &newer, &mut draft.tell_newer_version, &text);
    ui.horizontal(|ui| {
        if widgets::button(ui, Loud::Plain, icons::FILE_TEXT, &t!("window.guide.title")).clicked() {
            actions.push(Action::OpenGuide);
        }
        if widgets::button(ui, Loud::Plain, icons::FILE_TEXT, &t!("window.settings.licences")).clicked() {
            actions.push(Action::Dialog(Dialog::Licences));
        }
    });
    if let Some(me) = &model.me {
        let key = fingerprint_row(ui, &fingerprint::hex(&me.key));
        if key {
            actions.push(Action::Copy(me.key.to_string()));
        }
    }
    is_done
}

fn fingerprint_row(ui: &mut Ui, key: &str) -> bool {
    widgets::weak(ui, t!("window.settings.key"));
    ui.horizontal(|ui| {
        let text = RichText::new(key).font(theme::mono()).color(palette(ui).text);
        // The button beside it stays in a narrow window.
        let room = ui.available_width() - theme::CONTROL_HEIGHT - theme::GAP;
        ui.allocate_ui(vec2(room, 0.0), |ui| ui.add(Label::new(text).wrap()));
        widgets::icon_button(ui, icons::COPY, &t!("window.settings.copy-key")).clicked()
    })
    .inner
}
