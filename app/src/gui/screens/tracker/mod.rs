//! The tracker of this network: host one with a switch, let others in with a link, or join another.

mod hosted;

use eframe::egui::{self, Label, RichText, ScrollArea, Ui};
use potok_core::model::shown::Shown;
use potok_core::node::event::TrackerConnection;
use potok_core::node::intent::Intent;
use rust_i18n::t;

use crate::gui::action::{Action, Confirm};
use crate::gui::icons;
use crate::gui::screen::ScreenContext;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud, qr};
use crate::model::Model;
use crate::texts;

/// The invite as a picture.
const INVITE_QR_SIDE: f32 = 148.0;

/// What is typed here.
#[derive(Debug, Default)]
pub struct TrackerState {
    /// Where to host.
    pub host_at: String,
    join: String,
    greeting: hosted::Greeting,
}

impl TrackerState {
    /// Nothing typed yet.
    pub fn new(host_at: String) -> Self {
        Self { host_at, ..Self::default() }
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, context: ScreenContext<'_>, state: &mut TrackerState, actions: &mut Vec<Action>) {
    let ScreenContext { model, settings, join_failed, .. } = context;
    widgets::head(ui, &t!("window.page.tracker"), "", |_| {});
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // The bar lies over the right edge.
        ui.set_max_width(ui.available_width() - 8.0);
        now(ui, model, actions);
        ui.add_space(theme::GAP);
        host(ui, model, state, actions);
        ui.add_space(theme::GAP);
        if let Some(invite) = &model.invite {
            self::invite(ui, &invite.to_string(), actions);
            ui.add_space(theme::GAP);
        }
        if model.hosted().is_some() {
            hosted::people(ui, model, actions);
            ui.add_space(theme::GAP);
            hosted::greeting(ui, &mut state.greeting, settings, actions);
            ui.add_space(theme::GAP);
            hosted::log(ui, model);
            ui.add_space(theme::GAP);
        }
        join(ui, state, join_failed, actions);
    });
}

fn now(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
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
                let why = why.as_ref().map_or(String::new(), texts::of_failure);
                let title = t!("window.tracker.connecting", tracker = Shown(tracker)).into_owned();
                (icons::HOURGLASS_MEDIUM, p.warn, title, why)
            }
            TrackerConnection::Refused { why, .. } => {
                (icons::SHIELD_WARNING, p.bad, t!("window.side.refused").into_owned(), texts::of_failure(why))
            }
            TrackerConnection::None => {
                (icons::PLUGS, p.weak, t!("window.side.none").into_owned(), t!("window.tracker.none-text").into_owned())
            }
        };
        ui.horizontal(|ui| {
            ui.label(RichText::new(icon).font(theme::icon(26.0)).color(color));
            ui.vertical(|ui| {
                ui.set_max_width(ui.available_width() - 150.0);
                widgets::heading(ui, &title);
                widgets::weak(ui, text);
            });
            if model.connection != TrackerConnection::None && model.hosted().is_none() {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if widgets::button(ui, Loud::Plain, "", &t!("window.tracker.leave")).clicked() {
                        actions.push(Action::Ask(Intent::Leave));
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
            }
        }
    });
}

/// The link, as text and as a picture for a phone's camera.
fn invite(ui: &mut Ui, link: &str, actions: &mut Vec<Action>) {
    let p = palette(ui);
    widgets::card(ui, |ui| {
        ui.horizontal_top(|ui| {
            qr::show(ui, link, INVITE_QR_SIDE, &t!("window.tracker.qr"));
            ui.add_space(theme::GAP);
            ui.vertical(|ui| {
                widgets::heading(ui, &t!("window.tracker.invite"));
                widgets::weak(ui, t!("window.tracker.invite-text"));
                let text = RichText::new(link).font(theme::mono()).color(p.text);
                ui.add(Label::new(text).selectable(true).wrap());
                ui.add_space(4.0);
                if widgets::button(ui, Loud::Primary, icons::COPY, &t!("window.tracker.copy")).clicked() {
                    actions.push(Action::Copy(link.to_owned()));
                }
            });
        });
    });
}

fn join(ui: &mut Ui, state: &mut TrackerState, join_failed: Option<&str>, actions: &mut Vec<Action>) {
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.tracker.join"));
        widgets::weak(ui, t!("window.tracker.join-text"));
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let name = t!("window.welcome.paste");
            let response = widgets::field(ui, &mut state.join, icons::LINK, &name, "potok://…", 420.0);
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let is_typed = !state.join.trim().is_empty();
            let clicked = ui.add_enabled_ui(is_typed, |ui| {
                widgets::button(ui, Loud::Plain, icons::SIGN_IN, &t!("window.welcome.join")).clicked()
            });
            if (entered || clicked.inner) && is_typed {
                actions.push(Action::Join(std::mem::take(&mut state.join)));
            }
        });
        if let Some(why) = join_failed {
            ui.label(RichText::new(why).font(theme::small()).color(palette(ui).bad));
        }
    });
}
