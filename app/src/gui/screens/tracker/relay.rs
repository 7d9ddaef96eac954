//! The relay of the network that runs here: whether it carries anything, how much it may, and for whom it did.

use eframe::egui::{Label, RichText, Ui};
use potok_core::model::shown::Shown;
use potok_core::node::event::Hosted;
use potok_core::node::settings::Settings;
use potok_core::tracker::relays::RelayUse;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, number};
use crate::human;
use crate::human::thousands;

const RATE_UNIT_BYTES: u64 = 1024;
const DAY_UNIT_BYTES: u64 = 1024 * 1024;
/// Those who are shown, who use it most.
const USERS_SHOWN: usize = 8;

/// Draws the card.
pub(super) fn card(ui: &mut Ui, hosted: &Hosted, settings: &Settings, actions: &mut Vec<Action>) {
    let mut changed = settings.clone();
    let mut is_done = false;
    widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            is_done |= widgets::switch(ui, &mut changed.host_relay, &t!("window.relay.title")).changed();
            ui.vertical(|ui| {
                widgets::heading(ui, &t!("window.relay.title"));
                widgets::weak(ui, t!("window.relay.text"));
            });
        });
        if settings.host_relay {
            ui.add_space(4.0);
            let rate = t!("window.relay.rate");
            is_done |= limit(ui, &rate, &mut changed.host_relay_bytes_per_second, RATE_UNIT_BYTES, " KiB/s");
            let day = t!("window.relay.day");
            is_done |= limit(ui, &day, &mut changed.host_relay_bytes_per_user_day, DAY_UNIT_BYTES, " MiB");
        }
        if settings.host_relay || !hosted.relayed.is_empty() {
            used(ui, hosted);
        }
    });
    if is_done && changed != *settings {
        actions.push(Action::Apply(Box::new(changed)));
    }
}

fn limit(ui: &mut Ui, name: &str, bytes: &mut u64, unit_bytes: u64, suffix: &str) -> bool {
    ui.horizontal(|ui| {
        widgets::weak(ui, name);
        number::bytes(ui, name, bytes, unit_bytes, 1..=1_000_000_000, suffix)
    })
    .inner
}

fn used(ui: &mut Ui, hosted: &Hosted) {
    widgets::weak(ui, t!("window.relay.now", count = thousands(hosted.relays)));
    for RelayUse { key, username, bytes } in hosted.relayed.iter().take(USERS_SHOWN) {
        ui.horizontal(|ui| {
            let who = username.as_ref().map_or_else(|| key.to_string(), |name| Shown(name.as_str()).to_string());
            let who = RichText::new(who).font(theme::medium()).color(palette(ui).text);
            ui.add(Label::new(who).truncate());
            widgets::weak(ui, t!("window.relay.used", size = human::size(*bytes)));
        });
    }
    let others = hosted.relayed.len().saturating_sub(USERS_SHOWN);
    if others > 0 {
        widgets::weak(ui, t!("window.relay.others", count = thousands(others as u64)));
    }
}
