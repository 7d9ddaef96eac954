//! What can be asked for the chosen rows, by menu, key or button, and what comes of it.

use std::path::Path;

use eframe::egui::{self, Key, Modifiers, Ui};
use potok_core::model::shown::Shown as ShownText;
use rust_i18n::t;

use crate::gui::action::{Action, Dialog, Pick};
use crate::gui::icons;
use crate::gui::screens::browse::{BrowseState, Owners};
use crate::gui::widgets;

/// Files that one click downloads; more are taken as folders.
pub(super) const DOWNLOADS_MAX: usize = 1_000;

/// What was asked for, by menu, key or button.
pub(super) enum RowAction {
    Download,
    /// With the system's dialog.
    As,
    /// With a typed path.
    To,
    Person(Option<String>),
    Copy,
}

/// The context menu of both tables.
pub(super) fn menu(ui: &mut Ui, owners: Option<&Owners>, asked: &mut Vec<RowAction>) {
    if widgets::menu_item(ui, icons::DOWNLOAD_SIMPLE, &t!("window.browse.download"), "Ctrl+D") {
        asked.push(RowAction::Download);
    }
    if widgets::menu_item(ui, icons::FLOPPY_DISK, &t!("window.browse.download-as"), "Ctrl+S") {
        asked.push(RowAction::As);
    }
    if widgets::menu_item(ui, icons::KEYBOARD, &t!("window.browse.download-to"), "Ctrl+Shift+S") {
        asked.push(RowAction::To);
    }
    if widgets::menu_item(ui, icons::USER, &t!("window.browse.their-files"), "") {
        asked.push(RowAction::Person(None));
    }
    if widgets::menu_item(ui, icons::COPY, &t!("window.browse.copy-path"), "Ctrl+C") {
        asked.push(RowAction::Copy);
    }
    if let Some(owners) = owners.filter(|owners| owners.count > 1) {
        ui.add_space(4.0);
        widgets::weak(ui, t!("window.browse.same-content", count = owners.count));
        for name in &owners.names {
            if widgets::menu_item(ui, icons::USER, &ShownText(name).to_string(), "") {
                asked.push(RowAction::Person(Some(name.clone())));
            }
        }
    }
}

pub(super) fn keys(ui: &Ui, asked: &mut Vec<RowAction>) {
    if !widgets::keys_are_free(ui) {
        return;
    }
    if widgets::pressed(ui, Modifiers::COMMAND, Key::D) {
        asked.push(RowAction::Download);
    }
    if widgets::pressed(ui, Modifiers::COMMAND | Modifiers::SHIFT, Key::S) {
        asked.push(RowAction::To);
    } else if widgets::pressed(ui, Modifiers::COMMAND, Key::S) {
        asked.push(RowAction::As);
    }
    if ui.input(|input| input.events.contains(&egui::Event::Copy)) {
        asked.push(RowAction::Copy);
    }
}

pub(super) fn carry_out(
    ask: RowAction,
    state: &mut BrowseState,
    has_picker: bool,
    download_folder: &Path,
    actions: &mut Vec<Action>,
) {
    if let RowAction::Person(Some(name)) = ask {
        return state.only_person(name);
    }
    let Some((user, path)) = state.selection.rows.first().and_then(|row| state.remote(row)) else { return };
    if matches!(ask, RowAction::Download | RowAction::As | RowAction::To) && state.selection.rows.len() > DOWNLOADS_MAX
    {
        let text = t!("window.browse.too-many", count = DOWNLOADS_MAX, all = state.selection.rows.len());
        actions.push(Action::Tell(text.into_owned()));
    }
    match ask {
        RowAction::Download => actions.extend(state.requests().into_iter().map(Action::start)),
        RowAction::As if has_picker => actions.push(Action::Pick(Pick::of_downloads(state.requests()))),
        RowAction::As | RowAction::To => {
            actions.push(Action::Dialog(Dialog::save_as(state.requests(), download_folder)));
        }
        RowAction::Copy => actions.push(Action::Copy(path)),
        RowAction::Person(_) => state.only_person(user),
    }
}
