//! Everything that is shared: search, filters, folders, and who else has it.

use eframe::egui::{self, Key, Modifiers, RichText, Ui};
use potok_core::model::shown::Shown as ShownText;
use rust_i18n::t;

use crate::gui::action::{Action, Page, Pick, download_request};
use crate::gui::icons;
use crate::gui::screens::{UiState, file_icon};
use crate::gui::shell::thousands;
use crate::gui::sorter::Shown;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::table::{Column, Selection, Table};
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::model::Model;
use crate::model::browse::{Column as By, Query};
use crate::model::catalog::Kind;

/// Files that one click downloads; more are taken as folders.
const DOWNLOADS_MAX: usize = 1_000;
/// Names in the line of who else has a file.
const OWNERS_SHOWN: usize = 6;
/// People in the filter's menu.
const PEOPLE_SHOWN: usize = 200;
const MIB: u64 = 1 << 20;

/// What is typed and chosen here.
#[derive(Debug, Default)]
pub struct State {
    /// What the person wants to see.
    pub query: Query,
    /// What the sorter made of it.
    pub shown: Shown,
    /// The sorter is at work.
    pub is_busy: bool,
    /// The search field gets the keyboard.
    pub wants_focus: bool,
    selection: Selection,
    owners: Option<(u32, usize, Vec<String>)>,
}

impl State {
    /// A view is ready.
    pub fn take(&mut self, shown: Shown) {
        if self.shown.view != shown.view {
            self.selection.clear();
        }
        self.owners = None;
        self.shown = shown;
    }

    /// Shows the folders of one person.
    pub fn only_person(&mut self, name: String) {
        self.query = Query { person: Some(name), folder: Some(String::new()), ..Query::default() };
    }

    /// A chosen row as whose and which path; folders end in `/`.
    fn remote(&self, row: usize) -> Option<(String, String)> {
        let folders = &self.shown.view.folders;
        if let Some(folder) = folders.get(row) {
            return Some((folder.person.clone(), format!("{}/", folder.path)));
        }
        let file = *self.shown.view.files.get(row - folders.len())?;
        let catalog = &self.shown.catalog;
        Some((catalog.owner(file).to_owned(), catalog.path(file).to_owned()))
    }

    fn download(&self) -> Vec<Action> {
        let chosen = self.selection.rows.iter().take(DOWNLOADS_MAX).filter_map(|row| self.remote(row));
        chosen.map(|(user, path)| Action::download(&user, path)).collect()
    }

    fn download_as(&self) -> Option<Action> {
        let (user, path) = self.remote(self.selection.rows.first()?)?;
        Some(Action::Pick(Pick::SaveAs(Box::new(download_request(&user, path)))))
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut UiState, actions: &mut Vec<Action>) {
    let has_picker = state.has_picker;
    let state = &mut state.browse;
    let (files, bytes) = model.catalog.totals();
    let beside = t!("window.browse.totals", files = thousands(files), size = human::size(bytes));
    widgets::head(ui, &t!("window.page.browse"), &beside, |ui| search(ui, state));
    filters(ui, model, state);
    crumbs(ui, state);
    if model.catalog.is_empty() {
        nothing_shared(ui, model, actions);
        return;
    }
    if state.shown.view.files.is_empty() && state.shown.view.folders.is_empty() && !state.is_busy {
        widgets::empty(
            ui,
            icons::MAGNIFYING_GLASS,
            &t!("window.browse.none-title"),
            &t!("window.browse.none-text"),
            |ui| {
                if widgets::button(ui, Loud::Plain, icons::ERASER, &t!("window.browse.clear")).clicked() {
                    state.query = Query::default();
                }
            },
        );
        return;
    }
    table(ui, state, has_picker, actions);
}

fn search(ui: &mut Ui, state: &mut State) {
    let name = t!("window.browse.search");
    let hint = format!("{name}  (Ctrl+F)");
    let response = widgets::field(ui, &mut state.query.text, icons::MAGNIFYING_GLASS, &name, &hint, 260.0);
    if std::mem::take(&mut state.wants_focus) {
        response.request_focus();
    }
    if response.changed() && !state.query.text.is_empty() {
        // Who searches means everything, not this folder.
        state.query.folder = None;
    }
}

fn filters(ui: &mut Ui, model: &Model, state: &mut State) {
    ui.horizontal(|ui| {
        let kinds = |kind: Option<Kind>| kind.map_or(t!("window.kind.any").into_owned(), kind_name);
        menu(ui, &t!("window.browse.kind"), &kinds(state.query.kind), |ui| {
            for kind in std::iter::once(None).chain(Kind::ALL.map(Some)) {
                if widgets::menu_item(ui, if state.query.kind == kind { icons::CHECK } else { "" }, &kinds(kind), "") {
                    state.query.kind = kind;
                }
            }
        });
        let person = state.query.person.clone();
        let who = person.clone().map_or(t!("window.browse.everybody").into_owned(), |p| ShownText(&p).to_string());
        menu(ui, &t!("window.browse.person"), &who, |ui| {
            if widgets::menu_item(
                ui,
                if person.is_none() { icons::CHECK } else { "" },
                &t!("window.browse.everybody"),
                "",
            ) {
                state.query.person = None;
            }
            let mut owners: Vec<&str> = model.catalog.owners().take(PEOPLE_SHOWN).collect();
            owners.sort_unstable();
            egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                for owner in owners {
                    let is_chosen = person.as_deref() == Some(owner);
                    let icon = if is_chosen { icons::CHECK } else { icons::USER };
                    if widgets::menu_item(ui, icon, &ShownText(owner).to_string(), "") {
                        state.query.person = Some(owner.to_owned());
                    }
                }
            });
        });
        let sizes = [0, MIB, 100 * MIB, 1024 * MIB];
        let size_name = |size: u64| match size {
            0 => t!("window.browse.any-size").into_owned(),
            size => format!("≥ {}", human::size(size)),
        };
        menu(ui, &t!("window.browse.size"), &size_name(state.query.size_min), |ui| {
            for size in sizes {
                let is_chosen = state.query.size_min == size;
                if widgets::menu_item(ui, if is_chosen { icons::CHECK } else { "" }, &size_name(size), "") {
                    state.query.size_min = size;
                }
            }
        });
        let mut is_tree = state.query.folder.is_some();
        let (list, tree) = (t!("window.browse.list"), t!("window.browse.folders"));
        let options = [(false, icons::LIST_BULLETS, &*list), (true, icons::TREE_STRUCTURE, &*tree)];
        if widgets::choice(ui, &mut is_tree, &options) {
            state.query.folder = is_tree.then(String::new);
        }
        let is_filtered = state.query
            != Query { sort: state.query.sort, is_descending: state.query.is_descending, ..Query::default() };
        if is_filtered {
            let count = thousands((state.shown.view.files.len() + state.shown.view.folders.len()) as u64);
            let text = format!("{count}  ·  {}", human::size(state.shown.view.bytes));
            if widgets::button(ui, Loud::Quiet, icons::X, &t!("window.browse.clear")).clicked() {
                state.query =
                    Query { sort: state.query.sort, is_descending: state.query.is_descending, ..Query::default() };
            }
            widgets::weak(ui, text);
        }
    });
    ui.add_space(4.0);
}

fn menu(ui: &mut Ui, name: &str, value: &str, add: impl FnOnce(&mut Ui)) {
    let response = widgets::button(ui, Loud::Plain, icons::CARET_DOWN, &format!("{name}: {value}"));
    egui::Popup::menu(&response).show(add);
}

/// What a kind is called.
pub fn kind_name(kind: Kind) -> String {
    match kind {
        Kind::Audio => t!("window.kind.audio"),
        Kind::Video => t!("window.kind.video"),
        Kind::Picture => t!("window.kind.picture"),
        Kind::Document => t!("window.kind.document"),
        Kind::Archive => t!("window.kind.archive"),
        Kind::Program => t!("window.kind.program"),
        Kind::Other => t!("window.kind.other"),
    }
    .into_owned()
}

fn crumbs(ui: &mut Ui, state: &mut State) {
    let Some(folder) = state.query.folder.clone() else { return };
    ui.horizontal_wrapped(|ui| {
        let top = state
            .query
            .person
            .clone()
            .map_or(t!("window.browse.everybody").into_owned(), |p| ShownText(&p).to_string());
        if widgets::button(ui, Loud::Quiet, icons::HARD_DRIVE, &top).clicked() {
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
                actions.push(Action::Go(Page::Welcome));
            }
        });
    } else if !model.catalog_known {
        widgets::empty(ui, icons::HOURGLASS_MEDIUM, &t!("window.browse.loading"), "", |_| {});
    } else {
        let (title, text) = (t!("window.browse.empty-title"), t!("window.browse.empty-text"));
        widgets::empty(ui, icons::COMPASS, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::PLUS, &t!("window.shared.add-files")).clicked() {
                actions.extend([Action::Go(Page::Shared), Action::Pick(Pick::ShareFiles)]);
            }
        });
    }
}

fn table(ui: &mut Ui, state: &mut State, has_picker: bool, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let column = |name: &str, width, is_right, key| Column { name: name.to_owned(), width, is_right, key: Some(key) };
    let columns = [
        column(&t!("window.column.name"), 0.0, false, By::Path),
        column(&t!("window.column.size"), 100.0, true, By::Size),
        column(&t!("window.column.kind"), 110.0, false, By::Kind),
        column(&t!("window.column.person"), 150.0, false, By::Person),
        column(&t!("window.column.sources"), 84.0, true, By::Sources),
    ];
    let shown = state.shown.clone();
    let (view, catalog) = (&shown.view, &shown.catalog);
    let is_tree = state.query.folder.is_some();
    let rows = view.folders.len() + view.files.len();
    let has_choice = !state.selection.rows.is_empty();
    let table_height = ui.available_height() - if has_choice { 62.0 } else { 6.0 } - 42.0;
    let sort = Table {
        id: "browse",
        columns: &columns,
        rows,
        sorted: Some((state.query.sort, state.query.is_descending)),
        height: Some(table_height.max(80.0)),
    };
    let mut selection = std::mem::take(&mut state.selection);
    let mut asked: Vec<MenuAsk> = Vec::new();
    let path_of = |index: usize| match view.folders.get(index) {
        Some(folder) => folder.path.as_str(),
        None => view.files.get(index - view.folders.len()).map_or("", |row| catalog.path(*row)),
    };
    let happened = sort.show(
        ui,
        &mut selection,
        |index| ShownText(path_of(index)).to_string(),
        |index, row| {
            let path = path_of(index);
            let name = if is_tree { path.rsplit('/').next().unwrap_or(path) } else { path };
            let name = ShownText(name).to_string();
            if let Some(folder) = view.folders.get(index) {
                row.icon_text(0, icons::FOLDER, &name, theme::medium(), p.text);
                row.text(1, &human::size(folder.bytes), theme::body(), p.weak);
                row.text(2, &t!("window.browse.files", count = folder.files), theme::body(), p.weak);
                row.text(3, &ShownText(&folder.person).to_string(), theme::body(), p.text);
                return;
            }
            let Some(file) = view.files.get(index - view.folders.len()).copied() else { return };
            row.icon_text(0, file_icon(&name), &name, theme::body(), p.text);
            let size = catalog.size(file).map_or_else(|| "–".to_owned(), human::size);
            row.text(1, &size, theme::body(), p.weak);
            row.text(2, &kind_name(Kind::of(path)), theme::body(), p.weak);
            row.text(3, &ShownText(catalog.owner(file)).to_string(), theme::body(), p.text);
            let sources = catalog.content(file).and_then(|c| shown.copies.get(&c)).copied().unwrap_or(1);
            let color = if sources > 1 { p.good } else { p.weak };
            row.text(4, &sources.to_string(), theme::body(), color);
        },
        |ui, chosen| {
            if widgets::menu_item(ui, icons::DOWNLOAD_SIMPLE, &t!("window.browse.download"), "Ctrl+D") {
                asked.push(MenuAsk::Download);
            }
            ui.add_enabled_ui(chosen.rows.len() == 1 && has_picker, |ui| {
                if widgets::menu_item(ui, icons::FLOPPY_DISK, &t!("window.browse.download-as"), "Ctrl+S") {
                    asked.push(MenuAsk::As);
                }
            });
            if widgets::menu_item(ui, icons::USER, &t!("window.browse.their-files"), "") {
                asked.push(MenuAsk::Person);
            }
            if widgets::menu_item(ui, icons::COPY, &t!("window.browse.copy-path"), "Ctrl+C") {
                asked.push(MenuAsk::Copy);
            }
        },
    );
    state.selection = selection;
    keys(ui, &mut asked);
    if let Some(by) = happened.sort {
        if state.query.sort == by {
            state.query.is_descending = !state.query.is_descending;
        } else {
            (state.query.sort, state.query.is_descending) = (by, false);
        }
    }
    match happened.opened.map(|row| (row, view.folders.get(row))) {
        Some((_, Some(folder))) => state.query.folder = Some(folder.path.clone()),
        Some((_, None)) => asked.push(MenuAsk::Download),
        None => {}
    }
    if has_choice {
        below(ui, state, has_picker, &mut asked);
    }
    for ask in asked {
        carry_out(ask, state, actions);
    }
}

enum MenuAsk {
    Download,
    As,
    Person,
    Copy,
}

fn keys(ui: &Ui, asked: &mut Vec<MenuAsk>) {
    if !widgets::keys_are_free(ui) {
        return;
    }
    if widgets::pressed(ui, Modifiers::COMMAND, Key::D) {
        asked.push(MenuAsk::Download);
    }
    if widgets::pressed(ui, Modifiers::COMMAND, Key::S) {
        asked.push(MenuAsk::As);
    }
    if ui.input(|input| input.events.contains(&egui::Event::Copy)) {
        asked.push(MenuAsk::Copy);
    }
}

fn carry_out(ask: MenuAsk, state: &mut State, actions: &mut Vec<Action>) {
    let first = state.selection.rows.first().and_then(|row| state.remote(row));
    match (ask, first) {
        (MenuAsk::Download, _) => actions.extend(state.download()),
        (MenuAsk::As, _) => actions.extend(state.download_as()),
        (MenuAsk::Person, Some((user, _))) => state.only_person(user),
        (MenuAsk::Copy, Some((_, path))) => actions.push(Action::Copy(path)),
        (_, None) => {}
    }
}

/// What can be done with the chosen rows, and who else has the first of them.
fn below(ui: &mut Ui, state: &mut State, has_picker: bool, asked: &mut Vec<MenuAsk>) {
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        ui.set_height(40.0);
        let count = state.selection.rows.len();
        if widgets::button(ui, Loud::Primary, icons::DOWNLOAD_SIMPLE, &t!("window.browse.download")).clicked() {
            asked.push(MenuAsk::Download);
        }
        ui.add_enabled_ui(count == 1 && has_picker, |ui| {
            if widgets::button(ui, Loud::Plain, icons::FLOPPY_DISK, &t!("window.browse.download-as")).clicked() {
                asked.push(MenuAsk::As);
            }
        });
        let text = if count == 1 { who_has_it(state) } else { t!("window.browse.chosen", count = count).into_owned() };
        ui.add(egui::Label::new(RichText::new(text).font(theme::small()).color(palette(ui).weak)).truncate());
    });
}

fn who_has_it(state: &mut State) -> String {
    let folders = state.shown.view.folders.len();
    let row = state.selection.rows.first().and_then(|row| row.checked_sub(folders));
    let Some(file) = row.and_then(|row| state.shown.view.files.get(row)).copied() else { return String::new() };
    // Made once for a row, not in every frame: it looks at the whole catalog.
    if state.owners.as_ref().is_none_or(|(of, _, _)| *of != file) {
        let owners = state.shown.catalog.owners_of_content(file);
        let names = owners.iter().take(OWNERS_SHOWN).map(|name| ShownText(name).to_string()).collect();
        state.owners = Some((file, owners.len(), names));
    }
    let Some((_, count, names)) = &state.owners else { return String::new() };
    let more = if *count > names.len() { ", …" } else { "" };
    t!("window.browse.who-has", people = names.join(", ") + more).into_owned()
}
