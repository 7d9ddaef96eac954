//! Everything that is shared: search, filters, folders, the tree of one person, and who else has it. What is looked at is
//! asked of the tracker; see [`crate::model::browse`].

mod asks;
mod filters;
mod list;
mod mark;
mod state;
mod tree;

use std::path::Path;

use eframe::egui::{self, Key, Modifiers, RichText, Ui};
use potok_core::model::shown::Shown as ShownText;
use potok_core::protocol::reply::FolderEntry;
use rust_i18n::t;

use crate::gui::action::{Action, Pick};
use crate::gui::away;
use crate::gui::icons;
use crate::gui::screen::{Screen, ScreenContext};
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::human::thousands;
use crate::model::Model;
use crate::model::browse::{Browse, Listed, Query};
use crate::model::row_order::bytes_of;
use crate::texts;

pub use filters::kind_name;
pub use state::BrowseState;

use asks::{RowAction, SAME_CONTENT_SHOWN, carry_out, keys};
use mark::path_here;
use state::content_of;

/// The row of buttons below the list, with what is round it.
const BELOW_HEIGHT: f32 = 62.0;
/// The titles of the columns, with what is round the rows.
const TITLES_HEIGHT: f32 = 42.0;
/// Chosen rows that are added up; of more only their number is told.
const ADDED_MAX: usize = 10_000;

/// Draws the page.
pub fn show(ui: &mut Ui, context: ScreenContext<'_>, state: &mut BrowseState, actions: &mut Vec<Action>) {
    let ScreenContext { model, has_picker, .. } = context;
    let browse = &model.browse;
    let beside = browse.everything().map_or_else(String::new, |all| {
        t!("window.browse.totals", files = thousands(all.files), size = human::size(all.bytes)).into_owned()
    });
    widgets::head(ui, &t!("window.page.browse"), &beside, |ui| {
        search(ui, state);
        filters::clear(ui, state);
    });
    filters::show(ui, model, state);
    state.settle();
    crumbs(ui, state);
    if browse.is_empty() || is_nothing(browse) {
        nothing(ui, model, state, actions);
        return;
    }
    let mut asked = Vec::new();
    let has_choice = !state.selection.rows.is_empty();
    // What can be done with the chosen rows has its place before any is chosen: the list keeps its height.
    let height = (ui.available_height() - BELOW_HEIGHT - TITLES_HEIGHT).max(80.0);
    match browse.shown() {
        Listed::Tree(tree) => tree::show(ui, (model, tree), state, height, &mut asked),
        Listed::Rows(result) => list::show(ui, (model, result), state, height, &mut asked, actions),
    }
    let head = state.selection.head().filter(|_| state.selection.rows.len() == 1);
    let path_here = head.and_then(|at| path_here(model, at));
    keys(ui, path_here, &mut asked);
    if has_choice {
        below(ui, browse, state, path_here, &mut asked);
    } else if let Some(text) = browse.rows().and_then(filters::put_together) {
        ui.add_space(10.0);
        widgets::weak(ui, text);
    }
    let download_folder = model.status.as_ref().map_or(Path::new(""), |status| status.download_folder.as_path());
    for ask in asked {
        carry_out(ask, state, model, has_picker, download_folder, actions);
    }
}

/// Whether a tree has only the row that stands for what is not loaded.
fn is_nothing(browse: &Browse) -> bool {
    browse.tree().is_some_and(|tree| !tree.is_answered() || tree.failure().is_some())
}

fn search(ui: &mut Ui, state: &mut BrowseState) {
    let name = t!("window.browse.search");
    let hint = format!("{name}  (Ctrl+F)");
    let response = widgets::field(ui, &mut state.query.text, icons::MAGNIFYING_GLASS, &name, &hint, 260.0);
    if std::mem::take(&mut state.wants_focus) {
        response.request_focus();
    }
    if response.changed() && !state.query.text.is_empty() && !state.query.is_tree {
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
        if widgets::button(ui, Loud::Quiet, icons::USERS_THREE, &t!("window.browse.everybody")).clicked() {
            state.query.folder = Some(String::new());
        }
        let mut whole = String::new();
        for part in folder.split('/').filter(|part| !part.is_empty()) {
            if !whole.is_empty() {
                whole.push('/');
            }
            whole.push_str(part);
            widgets::glyph(ui, icons::CARET_RIGHT, 12.0, palette(ui).weak);
            if widgets::button(ui, Loud::Quiet, "", &ShownText(part).to_string()).clicked() {
                state.query.folder = Some(whole.clone());
            }
        }
        if !folder.is_empty() && widgets::keys_are_free(ui) && widgets::pressed(ui, Modifiers::NONE, Key::Backspace) {
            state.query.folder = Some(folder.rsplit_once('/').map_or(String::new(), |(up, _)| up.to_owned()));
        }
    });
}

/// Why there is nothing to see, and what can be done about it.
fn nothing(ui: &mut Ui, model: &Model, state: &mut BrowseState, actions: &mut Vec<Action>) {
    let browse = &model.browse;
    let (is_answered, failure) = match browse.shown() {
        Listed::Rows(rows) => (rows.is_answered(), rows.failure()),
        Listed::Tree(tree) => (tree.is_answered(), tree.failure()),
    };
    if !model.is_online() {
        away::empty_page(ui, model, actions);
    } else if !is_answered {
        widgets::empty(ui, icons::HOURGLASS_MEDIUM, &t!("window.browse.loading"), "", |_| {});
    } else if browse.everything().is_some_and(|all| all.files == 0) {
        let (title, text) = (t!("window.browse.empty-title"), t!("window.browse.empty-text"));
        widgets::empty(ui, icons::COMPASS, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::PLUS, &t!("window.shared.add-files")).clicked() {
                actions.extend([Action::Go(Screen::Shared), Action::Pick(Pick::ShareFiles)]);
            }
        });
    } else {
        let title = t!("window.browse.none-title");
        let text = failure.map_or_else(|| t!("window.browse.none-text").into_owned(), texts::of_failure);
        widgets::empty(ui, icons::MAGNIFYING_GLASS, &title, &text, |ui| {
            if widgets::button(ui, Loud::Plain, icons::ERASER, &t!("window.browse.clear")).clicked() {
                state.query = Query::default();
            }
        });
    }
}

/// What can be done with the chosen rows, and who else has the first of them.
fn below(ui: &mut Ui, browse: &Browse, state: &BrowseState, path_here: Option<&Path>, asked: &mut Vec<RowAction>) {
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        ui.set_height(40.0);
        if let Some(path) = path_here {
            if widgets::button(ui, Loud::Plain, icons::ARROW_SQUARE_OUT, &t!("window.browse.open")).clicked() {
                asked.push(RowAction::Open(path.to_owned()));
            }
            if widgets::icon_button(ui, icons::FOLDER_OPEN, &t!("window.browse.reveal")).clicked() {
                asked.push(RowAction::Reveal(path.to_owned()));
            }
        }
        if widgets::button(ui, Loud::Primary, icons::DOWNLOAD_SIMPLE, &t!("window.browse.download")).clicked() {
            asked.push(RowAction::Download);
        }
        if widgets::button(ui, Loud::Plain, icons::FLOPPY_DISK, &t!("window.browse.download-as")).clicked() {
            asked.push(RowAction::As);
        }
        if widgets::icon_button(ui, icons::KEYBOARD, &t!("window.browse.download-to")).clicked() {
            asked.push(RowAction::To);
        }
        let text = summary(browse, state);
        if !text.is_empty() {
            let text = RichText::new(text).font(theme::small()).color(palette(ui).weak);
            ui.add(egui::Label::new(text).truncate());
        }
    });
}

/// Who has the one chosen file, or how much the chosen rows are.
fn summary(browse: &Browse, state: &BrowseState) -> String {
    let chosen = || state.selection.rows.iter().filter_map(|row| browse.row(row));
    let count = state.selection.rows.len();
    if count == 1
        && let Some(FolderEntry::File(file)) = chosen().next()
    {
        let known = content_of(&state.selection, browse).and_then(|content| browse.sources(&content));
        let people = known.filter(|people| !people.is_empty()).unwrap_or(std::slice::from_ref(&file.username));
        let names: Vec<String> =
            people.iter().take(SAME_CONTENT_SHOWN).map(|name| ShownText(name.as_str()).to_string()).collect();
        let more = if people.len() > names.len() { ", …" } else { "" };
        return t!("window.browse.who-has", people = names.join(", ") + more).into_owned();
    }
    let mut text = t!("window.browse.chosen", count = thousands(count as u64)).into_owned();
    if count <= ADDED_MAX {
        let bytes = chosen().map(bytes_of).fold(0, u64::saturating_add);
        text += &format!("  ·  {}", human::size(bytes));
    }
    text
}
