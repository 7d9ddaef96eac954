//! The tracker of this network: host one with a switch, let others in with a link, or join another.

mod greeting;
mod hosted;
mod owner;
mod reach_card;
mod relay;

pub(super) use hosted::reach;

use eframe::egui::{self, Ui};
use potok_core::model::shown::Shown;
use potok_core::node::event::TrackerConnection;
use rust_i18n::t;

use crate::gui::action::{Action, Confirm};
use crate::gui::icons;
use crate::gui::screen::ScreenContext;
use crate::gui::screens::join_field::{JoinField, complain};
use crate::gui::screens::link_card;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud, sections};
use crate::model::Model;
use crate::model::reach_advice::Firewall;
use crate::texts;

/// What is typed here.
#[derive(Debug, Default)]
pub struct TrackerState {
    /// Where to host.
    pub host_at: String,
    join: JoinField,
    greeting: greeting::Greeting,
    owner: owner::OwnerForms,
    /// What filters connections on this computer.
    firewall: Option<Firewall>,
}

impl TrackerState {
    /// Nothing typed yet.
    pub fn new(host_at: String) -> Self {
        Self { host_at, firewall: Some(Firewall::here()), ..Self::default() }
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, context: ScreenContext<'_>, state: &mut TrackerState, actions: &mut Vec<Action>) {
    let ScreenContext { model, settings, is_trial, .. } = context;
    let is_typed_here = state.join.is_of(model);
    if is_typed_here && model.is_online() {
        state.join.clear();
    }
    widgets::head(ui, &t!("window.page.tracker"), "", |_| {});
    sections::show(ui, "tracker", |ui, sections| {
        // The bar lies over the right edge.
        ui.set_max_width(ui.available_width() - 8.0);
        now(ui, model, !is_typed_here, actions);
        ui.add_space(theme::GAP);
        if model.can_order() {
            owner::waiting(ui, model, actions);
        }
        let firewall = state.firewall.unwrap_or(Firewall::Unknown);
        // Whoever hosts the network looks after that first.
        let hosts = model.hosted().is_some();
        if model.is_online() && !is_trial && !hosts {
            sections.part(ui, "reach");
            reach_card::show(ui, &model.reach, firewall, actions);
            ui.add_space(theme::GAP);
        }
        sections.part(ui, "host");
        host(ui, model, state, actions);
        ui.add_space(theme::GAP);
        if let Some(invite) = model.invite.as_ref().filter(|_| !is_trial) {
            sections.part(ui, "invite");
            self::invite(ui, &invite.to_string(), actions);
            ui.add_space(theme::GAP);
        }
        if model.hosted().is_some() {
            sections.part(ui, "people");
            hosted::people(ui, model, actions);
            ui.add_space(theme::GAP);
        }
        if model.can_order() {
            sections.part(ui, "greeting");
            greeting::show(ui, model, &mut state.greeting, settings, actions);
            ui.add_space(theme::GAP);
        }
        if let Some(hosted) = model.hosted() {
            sections.part(ui, "relay");
            relay::card(ui, hosted, settings, actions);
            ui.add_space(theme::GAP);
            sections.part(ui, "log");
            hosted::log(ui, model);
            ui.add_space(theme::GAP);
        }
        if model.is_online() && !is_trial && hosts {
            sections.part(ui, "reach");
            reach_card::show(ui, &model.reach, firewall, actions);
            ui.add_space(theme::GAP);
        }
        if model.can_order() {
            owner::show(ui, model, &mut state.owner, sections, actions);
        }
        sections.part(ui, "join");
        join(ui, model, state, is_typed_here, actions);
    });
}

/// Where we are. Why not elsewhere is said here unless it stands beside what was typed.
fn now(ui: &mut Ui, model: &Model, says_why: bool, actions: &mut Vec<Action>) {
    let p = palette(ui);
    widgets::card(ui, |ui| {
        let (icon, color, title, text) = match &model.connection {
            TrackerConnection::Online { tracker, network, message_of_the_day } => {
                let mut text = Shown(tracker).to_string();
                for line in message_of_the_day {
                    text += &format!("\n{}", Shown(line));
                }
                (icons::PLUGS_CONNECTED, p.good, Shown(network).to_string(), text)
            }
            TrackerConnection::Connecting { tracker, why } => {
                let why = why.as_ref().filter(|_| says_why).map_or(String::new(), texts::sentence_of);
                let network = model.network_name().unwrap_or_else(|| Shown(tracker).to_string());
                let title = match model.connection.awaits_approval() {
                    true => t!("window.away.awaits-approval", network = network).into_owned(),
                    false => t!("window.tracker.connecting", tracker = network).into_owned(),
                };
                (icons::HOURGLASS_MEDIUM, p.warn, title, why)
            }
            TrackerConnection::Refused { why, .. } => {
                let why = if says_why { texts::sentence_of(why) } else { String::new() };
                (icons::SHIELD_WARNING, p.bad, t!("window.side.refused").into_owned(), why)
            }
            TrackerConnection::None => {
                (icons::PLUGS, p.weak, t!("window.side.none").into_owned(), t!("window.tracker.none-text").into_owned())
            }
        };
        ui.horizontal(|ui| {
            widgets::glyph(ui, icon, 26.0, color);
            ui.vertical(|ui| {
                ui.set_max_width(ui.available_width() - 150.0);
                widgets::heading(ui, &title);
                widgets::weak(ui, text);
            });
            if model.connection != TrackerConnection::None && model.hosted().is_none() {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if widgets::button(ui, Loud::Plain, "", &t!("window.tracker.leave")).clicked() {
                        actions.push(Action::Leave);
                    }
                });
            }
        });
    });
}

fn host(ui: &mut Ui, model: &Model, state: &mut TrackerState, actions: &mut Vec<Action>) {
    widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            let mut is_on = model.hosted().is_some();
            if widgets::switch(ui, &mut is_on, &t!("window.tracker.host")).changed() {
                actions.push(if is_on {
                    Action::Host(Some(state.host_at.trim().to_owned()))
                } else {
                    Action::Confirm(Confirm::StopTracker)
                });
            }
            ui.vertical(|ui| {
                widgets::heading(ui, &t!("window.tracker.host"));
                widgets::weak(ui, t!("window.tracker.host-text"));
            });
        });
        ui.add_space(4.0);
        match model.hosted() {
            Some(hosted) => hosted::figures(ui, model, hosted),
            None => {
                ui.horizontal(|ui| {
                    let name = t!("window.tracker.listen");
                    widgets::weak(ui, &*name);
                    let response = widgets::field(ui, &mut state.host_at, "", &name, "[::]:7686", 180.0);
                    if response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter)) {
                        actions.push(Action::Host(Some(state.host_at.trim().to_owned())));
                    }
                });
                if let Some(why) = &model.host_failed {
                    complain(ui, &texts::sentence_of(why));
                }
            }
        }
    });
}

/// The link into the network that is hosted here.
fn invite(ui: &mut Ui, link: &str, actions: &mut Vec<Action>) {
    let above = |ui: &mut Ui, _: &mut Vec<Action>| widgets::heading(ui, &t!("window.tracker.invite"));
    link_card::show(ui, link, actions, above, |_| {});
}

fn join(ui: &mut Ui, model: &Model, state: &mut TrackerState, is_typed_here: bool, actions: &mut Vec<Action>) {
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.tracker.join"));
        widgets::weak(ui, t!("window.tracker.join-text"));
        ui.add_space(4.0);
        state.join.show(ui, Loud::Plain, false, actions);
        if let Some(why) = model.join_failure().filter(|_| is_typed_here) {
            complain(ui, &texts::sentence_of(why));
        }
    });
}
