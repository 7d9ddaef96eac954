//! Whether others can reach this computer, as the tracker has tried, and what to do if they cannot.

use eframe::egui::{Align, Label, Layout, RichText, Ui};
use potok_core::model::address_family::AddressFamily;
use potok_core::node::intent::Intent;
use potok_core::reach::reachability::Reachability;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::reach_sign;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::model::reach_advice::{self, Firewall};
use crate::texts;

/// Draws what is known, a button to have it tried anew, and what helps.
pub(super) fn show(ui: &mut Ui, reach: &Reachability, firewall: Firewall, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let verdict = reach.verdict();
    widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            widgets::glyph(ui, icons::GLOBE_SIMPLE, 26.0, reach_sign::color(p, verdict));
            ui.vertical(|ui| {
                ui.set_max_width(ui.available_width() - 150.0);
                widgets::heading(ui, &texts::capital(&texts::text("reach", reach_advice::verdict_word(verdict), &[])));
                for family in AddressFamily::ALL {
                    let trial = reach.by(family);
                    let address = trial.last.map_or_else(|| "-".to_owned(), |notice| notice.address.to_string());
                    let known = texts::text("reach-trial", reach_advice::trial_word(trial), &[("address", address)]);
                    let name = texts::text("reach-family", reach_advice::family_word(family), &[]);
                    widgets::weak(ui, format!("{name}: {known}"));
                }
                let router = texts::text("reach-family", "router", &[]);
                widgets::weak(ui, format!("{router}: {}", reach_advice::mapping_text(&reach.mapping_ipv4)));
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_enabled_ui(!reach.is_under_way(), |ui| {
                    if widgets::button(ui, Loud::Plain, icons::ARROW_CLOCKWISE, &t!("window.tracker.try-reach"))
                        .clicked()
                    {
                        actions.push(Action::Refresh(Intent::Reach));
                    }
                });
            });
        });
        for advice in reach_advice::advice(reach, firewall) {
            ui.add_space(4.0);
            widgets::weak(ui, advice.text);
            if let Some(command) = advice.command {
                ui.horizontal(|ui| {
                    let text = RichText::new(&command).font(theme::mono()).color(p.text);
                    if widgets::icon_button(ui, icons::COPY, &t!("window.tracker.copy-command")).clicked() {
                        actions.push(Action::Copy(command.clone()));
                    }
                    ui.add(Label::new(text).selectable(true).wrap());
                });
            }
        }
    });
}
