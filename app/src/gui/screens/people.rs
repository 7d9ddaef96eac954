//! Who is here, and whether they are who they say.

use eframe::egui::{RichText, Ui};
use potok_core::model::key::PublicKey;
use potok_core::model::shown::Shown;
use rust_i18n::t;

use crate::gui::action::{Action, Page};
use crate::gui::icons;
use crate::gui::screens::UiState;
use crate::gui::shell::thousands;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::table::{Column, Table};
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::model::{Model, Person};

/// A key in groups that two people can read to each other.
pub fn fingerprint(key: &PublicKey) -> String {
    let hex = key.to_string();
    let groups: Vec<&str> = (0..hex.len()).step_by(4).filter_map(|at| hex.get(at..at + 4)).collect();
    groups.join(" ")
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut UiState, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let rows: Vec<&Person> = model.people.values().collect();
    let beside = t!("window.people.count", count = rows.len());
    widgets::head(ui, &t!("window.page.people"), &beside, |_| {});
    if rows.is_empty() {
        let (title, text) = (t!("window.people.empty-title"), t!("window.people.empty-text"));
        widgets::empty(ui, icons::USERS_THREE, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::LINK, &t!("window.people.invite")).clicked() {
                actions.push(Action::Go(Page::Tracker));
            }
        });
        return;
    }
    let column = |name: &str, width, is_right| Column::<()> { name: name.to_owned(), width, is_right, key: None };
    let columns = [
        column(&t!("window.column.person"), 0.0, false),
        column(&t!("window.people.identity"), 150.0, false),
        column(&t!("window.people.files"), 90.0, true),
        column(&t!("window.column.size"), 110.0, true),
        column(&t!("window.people.address"), 190.0, false),
    ];
    let me = model.me.as_ref().map(|me| me.username.clone());
    let height = (ui.available_height() - 210.0).max(120.0);
    let table = Table { id: "people", columns: &columns, rows: rows.len(), sorted: None, height: Some(height) };
    let name_of = |person: &Person| {
        let name = Shown(person.line.username.as_str()).to_string();
        if me.as_ref() == Some(&person.line.username) { format!("{name} ({})", t!("window.people.you")) } else { name }
    };
    let mut from_menu = None;
    let happened = table.show(
        ui,
        &mut state.people,
        |index| rows.get(index).map_or(String::new(), |person| name_of(person)),
        |index, row| {
            let Some(person) = rows.get(index) else { return };
            row.icon_text(0, icons::USER, &name_of(person), theme::medium(), p.text);
            let (icon, text, color) = match person.line.key {
                Some(_) => (icons::SEAL_CHECK, t!("window.people.verified-short"), p.accent),
                None => (icons::WARNING, t!("window.people.unverified-short"), p.warn),
            };
            let at = row.cells[1].left_center();
            row.ui.painter().text(at, eframe::egui::Align2::LEFT_CENTER, icon, theme::icon(16.0), color);
            row.cells[1].min.x += 24.0;
            row.text(1, &text, theme::small(), p.weak);
            row.text(2, &thousands(person.files), theme::body(), p.weak);
            row.text(3, &human::size(person.bytes), theme::body(), p.weak);
            let address = person.line.address.map_or_else(|| "–".to_owned(), |address| address.to_string());
            row.text(4, &address, theme::mono(), p.weak);
        },
        |ui, chosen| {
            if widgets::menu_item(ui, icons::FOLDER, &t!("window.browse.their-files"), "Enter") {
                from_menu = chosen.rows.first();
            }
        },
    );
    let opened = happened.opened.or(from_menu).and_then(|row| rows.get(row));
    if let Some(person) = opened {
        actions.push(Action::BrowsePerson(person.line.username.to_string()));
    }
    ui.add_space(theme::GAP);
    let chosen = state.people.rows.first().and_then(|row| rows.get(row));
    compare(ui, model, chosen.copied(), actions);
}

/// My key and theirs, to be read to each other.
fn compare(ui: &mut Ui, model: &Model, person: Option<&Person>, actions: &mut Vec<Action>) {
    let p = palette(ui);
    widgets::card(ui, |ui| {
        let Some(person) = person else {
            widgets::heading(ui, &t!("window.people.compare"));
            widgets::weak(ui, t!("window.people.choose"));
            return;
        };
        ui.horizontal(|ui| {
            widgets::heading(ui, &Shown(person.line.username.as_str()).to_string());
            widgets::verified_mark(ui, person.line.key.is_some());
            ui.with_layout(eframe::egui::Layout::right_to_left(eframe::egui::Align::Center), |ui| {
                if widgets::button(ui, Loud::Plain, icons::FOLDER, &t!("window.browse.their-files")).clicked() {
                    actions.push(Action::BrowsePerson(person.line.username.to_string()));
                }
            });
        });
        let theirs = person.line.key.as_ref().map_or(t!("window.people.unverified").into_owned(), fingerprint);
        let mine = model.me.as_ref().map_or(String::new(), |me| fingerprint(&me.key));
        for (whose, key) in [(t!("window.people.theirs"), theirs), (t!("window.people.mine"), mine)] {
            ui.horizontal(|ui| {
                ui.allocate_ui(eframe::egui::vec2(70.0, 18.0), |ui| widgets::weak(ui, whose));
                ui.add(
                    eframe::egui::Label::new(RichText::new(key).font(theme::mono()).color(p.text))
                        .selectable(true)
                        .wrap(),
                );
            });
        }
        widgets::weak(ui, t!("window.people.compare-text"));
    });
}
