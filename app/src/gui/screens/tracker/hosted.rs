//! The network that runs here: who can reach it, who is in it, what it says and what happened.

use std::net::IpAddr;
use std::time::SystemTime;

use eframe::egui::{Label, RichText, ScrollArea, Ui, vec2};
use potok_core::model::shown::Shown;
use potok_core::node::event::Hosted;
use potok_core::node::intent::Intent;
use potok_core::protocol::command::owner::{BanUser, KickUser};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::screen::Screen;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::text::middle_line;
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::human::thousands;
use crate::model::{Model, Person};

const PERSON_HEIGHT: f32 = 34.0;
const PEOPLE_HEIGHT: f32 = 180.0;
const LOG_LINE_HEIGHT: f32 = 18.0;
const LOG_HEIGHT: f32 = 160.0;
const FIGURE_WIDTH: f32 = 118.0;

/// Address, who can use it, and what passes.
pub(super) fn figures(ui: &mut Ui, model: &Model, hosted: &Hosted) {
    let p = palette(ui);
    ui.horizontal(|ui| {
        widgets::weak(ui, t!("window.tracker.listen"));
        ui.label(RichText::new(hosted.address.to_string()).font(theme::mono()).color(p.text));
    });
    widgets::weak(ui, reach(model, hosted));
    ui.add_space(theme::GAP);
    ui.horizontal_wrapped(|ui| {
        let since = human::time_of_day(hosted.since, SystemTime::now());
        for (name, value) in [
            (t!("window.tracker.people"), thousands(hosted.users)),
            (t!("window.tracker.connections"), thousands(hosted.connections)),
            (t!("window.tracker.files"), thousands(hosted.files)),
            (t!("window.tracker.in"), human::size(hosted.bytes_in)),
            (t!("window.tracker.out"), human::size(hosted.bytes_out)),
            (t!("window.tracker.since"), since),
        ] {
            ui.allocate_ui(vec2(FIGURE_WIDTH, 40.0), |ui| {
                ui.vertical(|ui| {
                    ui.set_width(FIGURE_WIDTH);
                    ui.spacing_mut().item_spacing.y = 1.0;
                    ui.label(RichText::new(value).font(theme::heading()).color(p.text));
                    widgets::weak(ui, &*name);
                });
            });
        }
    });
}

/// Who can reach it, as far as that is known here. Nothing was asked outside.
pub(in crate::gui::screens) fn reach(model: &Model, hosted: &Hosted) -> String {
    let port = hosted.address.port();
    let invited = model.invite.as_ref().map(|invite| invite.address.first().host().to_owned());
    let ip = invited.as_deref().and_then(|host| host.parse().ok()).unwrap_or(hosted.address.ip());
    let shown = invited.map_or_else(|| hosted.address.to_string(), |host| format!("{host}:{port}"));
    if hosted.address.ip().is_loopback() || ip.is_loopback() {
        t!("window.tracker.reach-here")
    } else if is_local(ip) {
        t!("window.tracker.reach-local", at = Shown(&shown), port = port)
    } else {
        t!("window.tracker.reach-outside", at = Shown(&shown), port = port)
    }
    .into_owned()
}

/// An address that means something only near by.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}

/// Who is connected, with what only the owner of a network can do.
pub(super) fn people(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let rows: Vec<&Person> = model.people.values().collect();
    widgets::card(ui, |ui| {
        ui.horizontal(|ui| {
            widgets::heading(ui, &t!("window.tracker.connected"));
            ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                if widgets::button(ui, Loud::Quiet, icons::USERS_THREE, &t!("window.page.people")).clicked() {
                    actions.push(Action::Go(Screen::People));
                }
            });
        });
        let area = ScrollArea::vertical().id_salt("connected").max_height(PEOPLE_HEIGHT).auto_shrink([false, true]);
        // Else a list in a page that scrolls shrinks to two lines.
        let area = area.min_scrolled_height(PEOPLE_HEIGHT);
        area.show_rows(ui, PERSON_HEIGHT, rows.len(), |ui, range| {
            for person in rows.get(range).into_iter().flatten() {
                one_person(ui, model, person, actions);
            }
        });
    });
}

fn one_person(ui: &mut Ui, model: &Model, person: &Person, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let name = model.name_of(person);
    let user = || person.line.username.clone();
    ui.allocate_ui(vec2(ui.available_width(), PERSON_HEIGHT - theme::GAP), |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = PERSON_HEIGHT - theme::GAP;
            widgets::verified_mark(ui, model.key_standing(person));
            let (galley, is_cut) = middle_line(ui, &name, theme::medium(), p.text, 260.0);
            let label = ui.add(Label::new(galley));
            if is_cut {
                label.on_hover_text(&name);
            }
            let totals = model.totals.of(&person.line.username).copied().unwrap_or_default();
            let files = t!("window.browse.totals", files = thousands(totals.files), size = human::size(totals.bytes));
            widgets::weak(ui, files);
            if let Some(address) = person.line.address {
                ui.label(RichText::new(address.to_string()).font(theme::mono()).color(p.weak));
            }
            if model.is_me(person) {
                return;
            }
            ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                let ban = format!("{}: {name}", t!("window.people.ban"));
                if widgets::icon_button(ui, icons::PROHIBIT, &ban).clicked() {
                    actions.push(Action::Ask(Intent::Order(BanUser::of(user()).into())));
                }
                let kick = format!("{}: {name}", t!("window.people.kick"));
                if widgets::icon_button(ui, icons::USER_MINUS, &kick).clicked() {
                    actions.push(Action::Ask(Intent::Order(KickUser::of(user()).into())));
                }
            });
        });
    });
}

/// What happened, the newest last.
pub(super) fn log(ui: &mut Ui, model: &Model) {
    let p = palette(ui);
    widgets::card(ui, |ui| {
        widgets::heading(ui, &t!("window.tracker.log"));
        if model.tracker_log.is_empty() {
            widgets::weak(ui, t!("window.tracker.log-empty"));
            return;
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        let now = SystemTime::now();
        let area = ScrollArea::vertical().id_salt("tracker-log").stick_to_bottom(true).auto_shrink([false, true]);
        area.max_height(LOG_HEIGHT).min_scrolled_height(LOG_HEIGHT).show_rows(
            ui,
            LOG_LINE_HEIGHT,
            model.tracker_log.len(),
            |ui, range| {
                for (at, text) in model.tracker_log.range(range) {
                    ui.horizontal(|ui| {
                        ui.set_height(LOG_LINE_HEIGHT);
                        ui.spacing_mut().interact_size.y = LOG_LINE_HEIGHT;
                        ui.label(RichText::new(human::time_of_day(*at, now)).font(theme::mono()).color(p.weak));
                        let text = RichText::new(text).font(theme::small()).color(p.text);
                        ui.add(Label::new(text).selectable(true).truncate());
                    });
                }
            },
        );
    });
}
