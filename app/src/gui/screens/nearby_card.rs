//! The networks that are in the local network, on the first page: each by its name and key, and in with one click.

use eframe::egui::{Align, Label, Layout, RichText, Ui, WidgetInfo, accesskit::Role};
use potok_core::model::shown::Shown;
use potok_core::reach::nearby::NearbyNetwork;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::fingerprint;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};

/// Words of a fingerprint that stand in the list; the others are in its hint.
const WORDS_SHOWN: usize = 4;

/// Draws them, if there are any.
pub(super) fn show(ui: &mut Ui, networks: &[NearbyNetwork], actions: &mut Vec<Action>) {
    if networks.is_empty() {
        return;
    }
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.welcome.nearby"));
        for network in networks {
            row(ui, network, actions);
        }
    });
    ui.add_space(4.0);
}

/// Why there may be none, and what to do then.
pub(super) fn hint(ui: &mut Ui, networks: &[NearbyNetwork], is_on: bool) {
    if networks.is_empty() && is_on {
        ui.add_space(4.0);
        widgets::weak(ui, t!("window.welcome.none-nearby"));
    }
}

fn row(ui: &mut Ui, network: &NearbyNetwork, actions: &mut Vec<Action>) {
    let Some(invite) = network.invite() else { return };
    let p = palette(ui);
    let name = Shown(&network.name).to_string();
    ui.horizontal(|ui| {
        widgets::glyph(ui, icons::BROADCAST, 18.0, p.accent);
        ui.vertical(|ui| {
            ui.set_width((ui.available_width() - 130.0).max(100.0));
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.add(Label::new(RichText::new(&name).font(theme::medium()).color(p.text)).truncate());
            let words = fingerprint::words(&network.key);
            let text = t!(
                "window.welcome.nearby-at",
                address = Shown(&invite.address.to_string()),
                words = words[..WORDS_SHOWN].join(" ")
            );
            ui.add(Label::new(RichText::new(&*text).font(theme::small()).color(p.weak)).truncate())
                .on_hover_text(format!("{}\n{}", words.join(" "), fingerprint::hex(&network.key)));
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let join = widgets::button(ui, Loud::Primary, icons::SIGN_IN, &t!("window.welcome.join"));
            let is_enabled = ui.is_enabled();
            join.widget_info(|| {
                WidgetInfo::labeled(Role::Button, is_enabled, format!("{}: {name}", t!("window.welcome.join")))
            });
            if join.clicked() {
                actions.push(Action::Join(invite.into()));
            }
        });
    });
}
