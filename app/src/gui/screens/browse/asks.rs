//! What can be asked for the chosen rows, by menu, key or button, and what comes of it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use eframe::egui::{self, Key, Modifiers, Ui};
use potok_core::model::shown::Shown as ShownText;
use potok_core::model::username::Username;
use potok_core::protocol::reply::FolderEntry;
use rust_i18n::t;

use crate::gui::action::{Action, Dialog, Pick};
use crate::gui::icons;
use crate::gui::screens::browse::mark::path_here;
use crate::gui::screens::browse::state::{BrowseState, DOWNLOADS_MAX, content_of};
use crate::gui::widgets;
use crate::gui::widgets::MenuGroups;
use crate::gui::widgets::selection::RowSelection;
use crate::model::Model;
use crate::model::browse::Browse;
use crate::model::row_order::username_of;
use crate::model::wanted_download::WantedDownload;

/// Names of those who have the same content.
pub(super) const SAME_CONTENT_SHOWN: usize = 6;

/// What was asked for, by menu, key or button.
pub(super) enum RowAction {
    Download,
    /// Open the file that is here.
    Open(PathBuf),
    /// Show the file that is here in its folder.
    Reveal(PathBuf),
    /// With the system's dialog.
    As,
    /// With a typed path.
    To,
    Person(Option<Username>),
    Copy,
}

impl RowAction {
    /// What opening a row means: what is here is opened, the rest fetched.
    pub(super) fn open(path_here: Option<&Path>) -> Self {
        path_here.map_or(Self::Download, |path| Self::Open(path.to_owned()))
    }
}

/// Everybody who shares the content of the chosen row.
pub(super) struct SameContent {
    /// Their usernames, in order.
    pub(super) people: Vec<Username>,
}

/// The context menu of both tables.
pub(super) fn menu(
    ui: &mut Ui,
    path_here: Option<&Path>,
    same_content: Option<&SameContent>,
    asked: &mut Vec<RowAction>,
) {
    let mut lines = MenuGroups::default();
    if let Some(path) = path_here {
        if lines.item(ui, true, icons::ARROW_SQUARE_OUT, &t!("window.browse.open"), "Enter") {
            asked.push(RowAction::Open(path.to_owned()));
        }
        if lines.item(ui, true, icons::FOLDER_OPEN, &t!("window.browse.reveal"), "Ctrl+E") {
            asked.push(RowAction::Reveal(path.to_owned()));
        }
    }
    lines.next();
    if lines.item(ui, true, icons::DOWNLOAD_SIMPLE, &t!("window.browse.download"), "Ctrl+D") {
        asked.push(RowAction::Download);
    }
    if lines.item(ui, true, icons::FLOPPY_DISK, &t!("window.browse.download-as"), "Ctrl+S") {
        asked.push(RowAction::As);
    }
    if lines.item(ui, true, icons::KEYBOARD, &t!("window.browse.download-to"), "Ctrl+Shift+S") {
        asked.push(RowAction::To);
    }
    lines.next();
    if lines.item(ui, true, icons::USER, &t!("window.browse.their-files"), "") {
        asked.push(RowAction::Person(None));
    }
    if lines.item(ui, true, icons::COPY, &t!("window.browse.copy-path"), "Ctrl+C") {
        asked.push(RowAction::Copy);
    }
    lines.next();
    if let Some(same) = same_content.filter(|same| same.people.len() > 1) {
        lines.title(ui, &t!("window.browse.same-content", count = same.people.len()));
        for name in same.people.iter().take(SAME_CONTENT_SHOWN) {
            if lines.item(ui, true, icons::USER, &ShownText(name.as_str()).to_string(), "") {
                asked.push(RowAction::Person(Some(name.clone())));
            }
        }
    }
}

pub(super) fn keys(ui: &Ui, path_here: Option<&Path>, asked: &mut Vec<RowAction>) {
    if !widgets::keys_are_free(ui) {
        return;
    }
    if let Some(path) = path_here.filter(|_| widgets::pressed(ui, Modifiers::COMMAND, Key::E)) {
        asked.push(RowAction::Reveal(path.to_owned()));
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
    model: &Model,
    has_picker: bool,
    download_folder: &Path,
    actions: &mut Vec<Action>,
) {
    let (browse, me) = (&model.browse, model.me.as_ref().map(|me| &me.username));
    let ask = match ask {
        RowAction::Person(Some(name)) => return state.only_person(name),
        RowAction::Open(path) => return actions.push(Action::Open(path)),
        RowAction::Reveal(path) => return actions.push(Action::Reveal(path)),
        ask => ask,
    };
    let is_download = matches!(ask, RowAction::Download | RowAction::As | RowAction::To);
    if is_download && state.selection.rows.len() > DOWNLOADS_MAX {
        let text = t!("window.browse.too-many", count = DOWNLOADS_MAX, all = state.selection.rows.len());
        actions.push(Action::Tell(text.into_owned()));
    }
    let chosen = || state.selection.rows.iter().filter_map(|row| browse.row(row));
    let Some(first) = chosen().next() else { return };
    match ask {
        RowAction::Copy => return actions.push(Action::Copy(path_of(first))),
        RowAction::Person(_) => return username_of(first).cloned().map_or((), |name| state.only_person(name)),
        _ => {}
    }
    let wanted = state.wanted(browse, me);
    if wanted.is_empty() {
        if chosen().all(|entry| username_of(entry).is_some_and(|user| Some(user) == me)) {
            actions.push(Action::Tell(t!("window.browse.yours-already").into_owned()));
        }
        return;
    }
    match ask {
        RowAction::Download => {
            let here: HashSet<&Path> =
                state.selection.rows.iter().take(DOWNLOADS_MAX).filter_map(|at| path_here(model, at)).collect();
            actions.extend(wanted.into_iter().map(|one| start(one, &here, download_folder)));
        }
        RowAction::As if has_picker => actions.push(Action::Pick(Pick::of_downloads(wanted))),
        _ => actions.push(Action::Dialog(Dialog::save_as(wanted, download_folder))),
    }
}

/// Begins a download; what is where it would go already is asked about.
fn start(wanted: WantedDownload, here: &HashSet<&Path>, download_folder: &Path) -> Action {
    let path = wanted.path();
    let place = download_folder.join(path.rsplit('/').next().unwrap_or(&path));
    if !wanted.is_folder() && here.contains(place.as_path()) {
        return Action::AskTaken(Box::new(wanted), place);
    }
    Action::start(wanted)
}

fn path_of(entry: &FolderEntry) -> String {
    match entry {
        FolderEntry::Folder(folder) => format!("{}/", folder.path),
        FolderEntry::File(file) => file.path.as_str().to_owned(),
    }
}

impl SameContent {
    /// Of the one row that is chosen, once the tracker has said who it is.
    pub(super) fn of(selection: &RowSelection, browse: &Browse) -> Option<Self> {
        let people = browse.sources(&content_of(selection, browse)?)?;
        Some(Self { people: people.to_vec() })
    }
}
