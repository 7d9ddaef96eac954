//! Everything that is shared: search, filters, folders, the tree of one person, and who else has it.

mod asks;
mod filters;
mod list;
mod tree;

use std::path::Path;
use std::sync::Arc;

use eframe::egui::{self, Key, Modifiers, RichText, Ui};
use potok_core::model::shown::Shown as ShownText;
use potok_core::node::intent::DownloadRequest;
use rust_i18n::t;

use crate::gui::action::{Action, Pick, download_request};
use crate::gui::icons;
use crate::gui::screen::{Screen, ScreenContext};
use crate::gui::sorter::Shown;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::selection::RowSelection;
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::human::thousands;
use crate::model::Model;
use crate::model::browse::{Query, SortColumn as By};
use crate::model::tree::{Open, Tree};

pub use filters::kind_name;

use asks::{RowAction, carry_out, keys};

/// Names in the line of who else has a file.
const OWNERS_SHOWN: usize = 6;
/// Chosen rows that are added up; of more only their number is told.
const ADDED_MAX: usize = 10_000;
/// Files of a tree in which a search opens every folder.
const OPENED_FILES_MAX: usize = 2_000;

/// What is typed and chosen here.
#[derive(Debug, Default)]
pub struct BrowseState {
    /// What the person wants to see.
    pub query: Query,
    /// What the sorter made of it.
    pub shown: Shown,
    /// The sorter or the grower is at work.
    pub is_busy: bool,
    /// The search field gets the keyboard.
    pub wants_focus: bool,
    by_folder: bool,
    /// The tree of one person, as the grower made it.
    tree: Tree,
    open: Arc<Open>,
    tree_sort: (By, bool),
    selection: RowSelection,
    owners: Option<Owners>,
}

/// Who else has the content of the chosen row.
#[derive(Debug)]
struct Owners {
    row: u32,
    count: usize,
    names: Vec<String>,
}

impl BrowseState {
    /// A view is ready.
    pub fn take(&mut self, shown: Shown) {
        if self.shown.view != shown.view {
            self.selection.clear();
        }
        self.owners = None;
        self.shown = shown;
        self.open_what_was_found();
    }

    /// A tree is ready.
    pub fn take_tree(&mut self, tree: Tree) {
        self.tree = tree;
    }

    /// What a tree is to be made of, while one is looked at.
    pub fn wanted_tree(&self) -> Option<(&Shown, &Arc<Open>, (By, bool))> {
        self.is_tree().then_some((&self.shown, &self.open, self.tree_sort))
    }

    /// Shows the files of one person as a tree.
    pub fn only_person(&mut self, name: String) {
        self.query = Query { person: Some(name), ..Query::default() };
        self.by_folder = true;
        self.open = Arc::default();
        self.selection.clear();
    }

    fn is_tree(&self) -> bool {
        self.by_folder && self.query.person.is_some()
    }

    /// Keeps the query in step with the way of looking: a tree needs all files in the order of their paths.
    fn settle(&mut self) {
        if !self.by_folder {
            self.query.folder = None;
        } else if self.is_tree() {
            self.query.folder = None;
            (self.query.sort, self.query.is_descending) = (By::Path, false);
        } else if self.query.folder.is_none() {
            self.query.folder = Some(String::new());
        }
    }

    /// Who searches in a tree sees what is found; a single folder at the top is opened for whoever comes.
    fn open_what_was_found(&mut self) {
        if !self.is_tree() || self.shown.view.files.len() > OPENED_FILES_MAX {
            return;
        }
        let catalog = &self.shown.catalog;
        let mut paths = self.shown.view.files.iter().map(|row| catalog.path(*row));
        if !self.query.text.trim().is_empty() {
            let folders =
                |path: String| path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect::<Vec<_>>();
            self.open = Arc::new(paths.flat_map(folders).collect());
        } else if self.open.is_empty()
            && let Some(top) = paths.next().and_then(|path| Some(path.split_once('/')?.0.to_owned()))
            && paths.all(|path| path.strip_prefix(&top).is_some_and(|rest| rest.starts_with('/')))
        {
            self.open = Arc::new(Open::from([top]));
        }
    }

    /// A row as whose and which path; folders end in `/`.
    fn remote(&self, row: usize) -> Option<(String, String)> {
        if self.is_tree() {
            let node = self.tree.nodes.get(row)?;
            let owner = self.tree.catalog.owner(*self.tree.view.files.get(node.files.start as usize)?);
            let end = if node.is_open.is_some() { "/" } else { "" };
            return Some((owner.to_owned(), format!("{}{end}", self.tree.path(node))));
        }
        let folders = &self.shown.view.folders;
        if let Some(folder) = folders.get(row) {
            return Some((folder.person.clone(), format!("{}/", folder.path)));
        }
        let file = *self.shown.view.files.get(row - folders.len())?;
        let catalog = &self.shown.catalog;
        Some((catalog.owner(file).to_owned(), catalog.path(file)))
    }

    /// A row as a row of the catalog, if it is a file.
    fn file(&self, row: usize) -> Option<u32> {
        if self.is_tree() {
            return self.tree.nodes.get(row).and_then(|node| self.tree.row(node));
        }
        let files = &self.shown.view.files;
        row.checked_sub(self.shown.view.folders.len()).and_then(|row| files.get(row)).copied()
    }

    fn bytes_of(&self, row: usize) -> u64 {
        if self.is_tree() {
            return self.tree.nodes.get(row).map_or(0, |node| self.tree.bytes(node));
        }
        match self.shown.view.folders.get(row) {
            Some(folder) => folder.bytes,
            None => self.file(row).and_then(|file| self.shown.catalog.size(file)).unwrap_or(0),
        }
    }

    /// What is chosen, as requests. What lies in a chosen folder is taken with it, not once more.
    fn requests(&self) -> Vec<DownloadRequest> {
        let mut requests: Vec<DownloadRequest> = Vec::new();
        for (user, path) in self.selection.rows.iter().take(asks::DOWNLOADS_MAX).filter_map(|row| self.remote(row)) {
            let is_inside = |other: &DownloadRequest| {
                other.user.as_str() == user
                    && other.remote_path.is_folder()
                    && path.starts_with(other.remote_path.as_str())
            };
            // In a tree a folder stands above what is in it.
            if !(self.is_tree() && requests.iter().any(is_inside)) {
                requests.extend(download_request(&user, path));
            }
        }
        requests
    }

    /// Made once for a row, not in every frame: it looks at the whole catalog.
    fn find_owners(&mut self) {
        let chosen = self.selection.head().filter(|_| self.selection.rows.len() == 1);
        let Some(row) = chosen.and_then(|row| self.file(row)) else {
            self.owners = None;
            return;
        };
        if self.owners.as_ref().is_some_and(|owners| owners.row == row) {
            return;
        }
        let catalog = if self.is_tree() { &self.tree.catalog } else { &self.shown.catalog };
        let is_shared = catalog.content(row).is_some_and(|content| self.shown.copies.contains_key(&content));
        // Most files have one owner; only the others are worth a look at all rows.
        let all = if is_shared { catalog.owners_of_content(row) } else { vec![catalog.owner(row)] };
        let names = all.iter().take(OWNERS_SHOWN).map(ToString::to_string).collect();
        self.owners = Some(Owners { row, count: all.len(), names });
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, context: ScreenContext<'_>, state: &mut BrowseState, actions: &mut Vec<Action>) {
    let ScreenContext { model, has_picker, .. } = context;
    let (files, bytes) = model.catalog.totals();
    let beside = t!("window.browse.totals", files = thousands(files), size = human::size(bytes));
    widgets::head(ui, &t!("window.page.browse"), &beside, |ui| search(ui, state));
    filters::show(ui, model, state);
    state.settle();
    crumbs(ui, state);
    if model.catalog.is_empty() {
        nothing_shared(ui, model, actions);
        return;
    }
    if state.shown.view.files.is_empty() && state.shown.view.folders.is_empty() && !state.is_busy {
        let (title, text) = (t!("window.browse.none-title"), t!("window.browse.none-text"));
        widgets::empty(ui, icons::MAGNIFYING_GLASS, &title, &text, |ui| {
            if widgets::button(ui, Loud::Plain, icons::ERASER, &t!("window.browse.clear")).clicked() {
                state.query = Query::default();
            }
        });
        return;
    }
    state.find_owners();
    let mut asked = Vec::new();
    let has_choice = !state.selection.rows.is_empty();
    let height = (ui.available_height() - if has_choice { 62.0 } else { 6.0 } - 42.0).max(80.0);
    if state.is_tree() {
        tree::show(ui, state, height, &mut asked);
    } else {
        list::show(ui, state, height, &mut asked);
    }
    keys(ui, &mut asked);
    if has_choice {
        below(ui, state, &mut asked);
    }
    let download_folder = model.status.as_ref().map_or(Path::new(""), |status| status.download_folder.as_path());
    for ask in asked {
        carry_out(ask, state, has_picker, download_folder, actions);
    }
}

fn search(ui: &mut Ui, state: &mut BrowseState) {
    let name = t!("window.browse.search");
    let hint = format!("{name}  (Ctrl+F)");
    let response = widgets::field(ui, &mut state.query.text, icons::MAGNIFYING_GLASS, &name, &hint, 260.0);
    if std::mem::take(&mut state.wants_focus) {
        response.request_focus();
    }
    if response.changed() && !state.query.text.is_empty() && !state.is_tree() {
        // Who searches means everything, not this folder.
        state.by_folder = false;
    }
    let goes_down = ui.input(|input| input.key_pressed(Key::Enter) || input.key_pressed(Key::ArrowDown));
    if goes_down && (response.has_focus() || response.lost_focus()) {
        response.surrender_focus();
        state.selection.only(0);
    }
}

fn crumbs(ui: &mut Ui, state: &mut BrowseState) {
    let Some(folder) = state.query.folder.clone() else { return };
    ui.horizontal_wrapped(|ui| {
        if widgets::button(ui, Loud::Quiet, icons::HARD_DRIVE, &t!("window.browse.everybody")).clicked() {
            state.query.folder = Some(String::new());
        }
        let mut whole = String::new();
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            if !whole.is_empty() {
                whole.push('/');
            }
            whole.push_str(part);
            ui.label(RichText::new(icons::CARET_RIGHT).font(theme::icon(12.0)).color(palette(ui).weak));
            if widgets::button(ui, Loud::Quiet, "", &ShownText(part).to_string()).clicked() {
                state.query.folder = Some(whole.clone());
            }
        }
        if !folder.is_empty() && widgets::keys_are_free(ui) && widgets::pressed(ui, Modifiers::NONE, Key::Backspace) {
            state.query.folder = Some(folder.rsplit_once('/').map_or(String::new(), |(up, _)| up.to_owned()));
        }
    });
}

fn nothing_shared(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    if !model.is_online() {
        let (title, text) = (t!("window.browse.offline-title"), t!("window.browse.offline-text"));
        widgets::empty(ui, icons::PLUGS, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::SIGN_IN, &t!("window.browse.choose-network")).clicked() {
                actions.push(Action::Go(Screen::Welcome));
            }
        });
    } else if !model.catalog_known {
        widgets::empty(ui, icons::HOURGLASS_MEDIUM, &t!("window.browse.loading"), "", |_| {});
    } else {
        let (title, text) = (t!("window.browse.empty-title"), t!("window.browse.empty-text"));
        widgets::empty(ui, icons::COMPASS, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::PLUS, &t!("window.shared.add-files")).clicked() {
                actions.extend([Action::Go(Screen::Shared), Action::Pick(Pick::ShareFiles)]);
            }
        });
    }
}

/// What can be done with the chosen rows, and who else has the first of them.
fn below(ui: &mut Ui, state: &BrowseState, asked: &mut Vec<RowAction>) {
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        ui.set_height(40.0);
        if widgets::button(ui, Loud::Primary, icons::DOWNLOAD_SIMPLE, &t!("window.browse.download")).clicked() {
            asked.push(RowAction::Download);
        }
        if widgets::button(ui, Loud::Plain, icons::FLOPPY_DISK, &t!("window.browse.download-as")).clicked() {
            asked.push(RowAction::As);
        }
        if widgets::icon_button(ui, icons::KEYBOARD, &t!("window.browse.download-to")).clicked() {
            asked.push(RowAction::To);
        }
        let text = RichText::new(summary(state)).font(theme::small()).color(palette(ui).weak);
        ui.add(egui::Label::new(text).truncate());
    });
}

/// Who has the one chosen file, or how much the chosen rows are.
fn summary(state: &BrowseState) -> String {
    if let Some(owners) = &state.owners {
        let names: Vec<String> = owners.names.iter().map(|name| ShownText(name).to_string()).collect();
        let more = if owners.count > names.len() { ", …" } else { "" };
        return t!("window.browse.who-has", people = names.join(", ") + more).into_owned();
    }
    let count = state.selection.rows.len();
    let mut text = t!("window.browse.chosen", count = thousands(count as u64)).into_owned();
    if count <= ADDED_MAX {
        let bytes = state.selection.rows.iter().map(|row| state.bytes_of(row)).fold(0, u64::saturating_add);
        text += &format!("  ·  {}", human::size(bytes));
    }
    text
}
