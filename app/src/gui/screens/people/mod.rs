//! Who is here and since when, whether they are who they say, and who is shut out.

mod bans;
mod compare;

use std::collections::HashMap;
use std::time::SystemTime;

use eframe::egui::{Key, Modifiers, ScrollArea, Ui};
use potok_core::model::username::Username;
use potok_core::model::way::Way;
use potok_core::node::intent::Intent;
use potok_core::protocol::command::owner::{BanUser, KickUser, ListBanned};
use potok_core::protocol::reply::Totals;
use rust_i18n::t;

use crate::gui::action::{Action, Confirm, Dialog, KeepOut};
use crate::gui::away;
use crate::gui::icons;
use crate::gui::screen::Screen;
use crate::gui::theme::{self};
use crate::gui::widgets::kept_rows::KeptRows;
use crate::gui::widgets::table::{Column, Table, in_order};
use crate::gui::widgets::{self, Loud, MenuGroups};
use crate::human;
use crate::human::thousands;
use crate::model::natural_order;
use crate::model::{KeyStanding, Model, Person};
use crate::texts;

/// What is said about the one who is chosen, with the gap above it.
const COMPARE_HEIGHT: f32 = 216.0;

/// What is chosen here.
#[derive(Debug, Default)]
pub struct PeopleState {
    rows: KeptRows<String>,
    bans: KeptRows<String>,
    shows_bans: bool,
    form: compare::Form,
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut PeopleState, actions: &mut Vec<Action>) {
    let is_hosting = model.can_order();
    state.shows_bans &= is_hosting;
    let beside = t!("window.people.count", count = thousands(model.people.len() as u64));
    widgets::head(ui, &t!("window.page.people"), &beside, |ui| {
        if !is_hosting {
            return;
        }
        let (here, out) = (t!("window.people.here"), t!("window.people.bans", count = model.bans.len()));
        // Laid out from the right.
        let options = [(true, icons::PROHIBIT, &*out), (false, icons::USERS_THREE, &*here)];
        if widgets::choice(ui, &mut state.shows_bans, &options) && state.shows_bans {
            actions.push(Action::Refresh(Intent::Order(ListBanned::default().into())));
        }
    });
    if state.shows_bans {
        bans::show(ui, model, &mut state.bans, actions);
    } else {
        here(ui, model, state, actions);
    }
}

fn here(ui: &mut Ui, model: &Model, state: &mut PeopleState, actions: &mut Vec<Action>) {
    let now = SystemTime::now();
    let ways = model.ways();
    let person = |person| PersonRow { model, person, now, ways: &ways };
    let mut rows: Vec<PersonRow<'_>> = model.people.values().map(person).collect();
    in_order(ui, "people", &columns(), &mut rows);
    let rows: Vec<&Person> = rows.into_iter().map(|row| row.person).collect();
    if rows.is_empty() && !model.is_online() {
        return away::empty_page(ui, model, actions);
    }
    if rows.is_empty() {
        let (title, text) = (t!("window.people.empty-title"), t!("window.people.empty-text"));
        widgets::empty(ui, icons::USERS_THREE, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::LINK, &t!("window.people.invite")).clicked() {
                actions.push(Action::Go(Screen::Invite));
            }
        });
        return;
    }
    let names = rows.iter().map(|person| person.line.username.to_string()).collect();
    state.rows.follow(ui.ctx(), "people", names);
    table(ui, model, state, &rows, &ways, actions);
    ui.add_space(theme::GAP);
    let chosen = state.rows.selection.head().and_then(|row| rows.get(row).copied());
    // A banner above the page, and it would be cut off in a low window.
    let rest = ScrollArea::vertical().id_salt("compare").auto_shrink([false, true]);
    rest.show(ui, |ui| compare::show(ui, model, chosen, &mut state.form, actions));
}

fn table(
    ui: &mut Ui,
    model: &Model,
    state: &mut PeopleState,
    rows: &[&Person],
    ways: &HashMap<&Username, Way>,
    actions: &mut Vec<Action>,
) {
    let now = SystemTime::now();
    let height = (ui.available_height() - COMPARE_HEIGHT - 42.0).max(120.0);
    let title = t!("window.page.people");
    let table =
        Table { id: "people", title, columns: &columns(), rows: rows.len(), sorted: None, height: Some(height) };
    let mut asked = Vec::new();
    let can_send_away = model.can_order();
    let happened = table.show(
        ui,
        &mut state.rows.selection,
        |index| rows.get(index).map(|person| PersonRow { model, person, now, ways }),
        |row| model.name_of(row.person),
        |ui, chosen| {
            let person = chosen.head().and_then(|row| rows.get(row).copied());
            if let Some(person) = person {
                menu(ui, model, person, can_send_away && !model.is_me(person), &mut asked);
            }
        },
    );
    state.rows.saw(happened.view);
    if let Some(person) = happened.opened.and_then(|row| rows.get(row)) {
        actions.push(Action::BrowsePerson(person.line.username.clone()));
    }
    let chosen = state.rows.selection.head().and_then(|row| rows.get(row)).filter(|person| !model.is_me(person));
    if let Some(person) = chosen.filter(|_| can_send_away && widgets::keys_are_free(ui))
        && widgets::pressed(ui, Modifiers::NONE, Key::Delete)
    {
        asked.push(Action::Ask(Intent::Order(KickUser::of(person.line.username.clone()).into())));
    }
    actions.append(&mut asked);
}

/// Somebody, as a row.
struct PersonRow<'a> {
    model: &'a Model,
    person: &'a Person,
    now: SystemTime,
    ways: &'a HashMap<&'a Username, Way>,
}

impl PersonRow<'_> {
    /// By which way a transfer is connected to them.
    fn way(&self) -> Option<Way> {
        self.ways.get(&self.person.line.username).copied()
    }

    /// Whether they are who they were.
    fn key_standing(&self) -> KeyStanding {
        self.model.key_standing(self.person)
    }

    /// How much they share, once it is known.
    fn totals(&self) -> Option<&Totals> {
        self.model.totals.of(&self.person.line.username)
    }
}

/// The mark and its word, in the longer language.
const IDENTITY_WIDTH_MIN: f32 = 128.0;

fn columns<'a>() -> [Column<PersonRow<'a>>; 7] {
    [
        Column::new(
            "name",
            || t!("window.column.person"),
            0.0,
            |cell, row: &PersonRow<'_>| {
                cell.icon_text(icons::USER, &row.model.name_of(row.person), theme::medium(), cell.palette().text);
            },
        )
        .compared(|a, b| {
            let key = |row: &PersonRow<'_>| natural_order::key_of(row.person.line.username.as_str());
            key(a).cmp(&key(b))
        }),
        Column::new(
            "identity",
            || t!("window.people.identity"),
            140.0,
            |cell, row: &PersonRow<'_>| {
                let text = match row.key_standing() {
                    KeyStanding::Changed => t!("window.people.changed-short"),
                    KeyStanding::Proven => t!("window.people.verified-short"),
                    KeyStanding::None => t!("window.people.unverified-short"),
                };
                let p = cell.palette();
                let (icon, color) = widgets::key_look(p, row.key_standing());
                cell.mark(icon, color);
                cell.text(&text, theme::small(), p.weak);
            },
        )
        .least(IDENTITY_WIDTH_MIN)
        .compared(|a, b| a.key_standing().cmp(&b.key_standing())),
        Column::new(
            "since",
            || t!("window.people.since"),
            130.0,
            |cell, row: &PersonRow<'_>| {
                let since = match row.person.since {
                    Some(at) => human::time_of_day(at, row.now),
                    None => t!("window.people.before-you").into_owned(),
                };
                cell.text(&since, theme::small(), cell.palette().weak);
            },
        )
        .compared(|a, b| a.person.since.cmp(&b.person.since))
        .drop(3),
        Column::new(
            "connection",
            || t!("column.way"),
            104.0,
            |cell, row: &PersonRow<'_>| {
                cell.text(&row.way().map(texts::of_way).unwrap_or_default(), theme::small(), cell.palette().weak);
            },
        )
        .compared(|a, b| a.way().cmp(&b.way()))
        .drop(4),
        Column::number(
            "files",
            || t!("window.people.files"),
            80.0,
            |cell, row: &PersonRow<'_>| {
                let files = row.totals().map_or_else(|| "–".to_owned(), |totals| thousands(totals.files));
                cell.text(&files, theme::body(), cell.palette().weak);
            },
        )
        .compared(|a, b| a.totals().map(|of| of.files).cmp(&b.totals().map(|of| of.files))),
        Column::number(
            "size",
            || t!("window.column.size"),
            104.0,
            |cell, row: &PersonRow<'_>| {
                let bytes = row.totals().map_or_else(|| "–".to_owned(), |totals| human::size(totals.bytes));
                cell.text(&bytes, theme::body(), cell.palette().weak);
            },
        )
        .compared(|a, b| a.totals().map(|of| of.bytes).cmp(&b.totals().map(|of| of.bytes)))
        .drop(1),
        Column::new(
            "address",
            || t!("window.people.address"),
            178.0,
            |cell, row: &PersonRow<'_>| {
                let address = row.person.line.address.map_or_else(|| "–".to_owned(), |address| address.to_string());
                cell.text(&address, theme::mono(), cell.palette().weak);
            },
        )
        .compared(|a, b| a.person.line.address.cmp(&b.person.line.address))
        .drop(2),
    ]
}

fn menu(ui: &mut Ui, model: &Model, person: &Person, can_send_away: bool, actions: &mut Vec<Action>) {
    let user = &person.line.username;
    let mut lines = MenuGroups::default();
    if lines.item(ui, true, icons::FOLDER, &t!("window.browse.their-files"), "Enter") {
        actions.push(Action::BrowsePerson(user.clone()));
    }
    let key = person.line.key.as_ref();
    if lines.item(ui, key.is_some(), icons::FINGERPRINT, &t!("window.settings.copy-key"), "") {
        actions.extend(key.map(|key| Action::Copy(key.to_string())));
    }
    let is_other_key = model.key_standing(person) == KeyStanding::Changed;
    if lines.item(ui, is_other_key, icons::SHIELD_WARNING, &t!("window.people.trust"), "") {
        actions.push(Action::Confirm(Confirm::Trust(user.clone())));
    }
    lines.next();
    if lines.item(ui, can_send_away, icons::USER_MINUS, &t!("window.people.kick"), "Del") {
        actions.push(Action::Ask(Intent::Order(KickUser::of(user.clone()).into())));
    }
    if lines.item(ui, can_send_away, icons::HOURGLASS_MEDIUM, &t!("window.people.keep-out"), "") {
        actions.push(Action::Dialog(Dialog::KeepOut(KeepOut::of(user.clone()))));
    }
    if lines.item(ui, can_send_away, icons::PROHIBIT, &t!("window.people.ban"), "") {
        actions.push(Action::Ask(Intent::Order(BanUser::of(user.clone()).into())));
    }
}
