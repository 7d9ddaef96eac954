//! What I share: files and folders with their place on this computer, how they are, who takes what of them, what lies in
//! them and what was stopped of it. Nothing else leaves this computer.

mod list;

use std::collections::BTreeSet;

use eframe::egui::{Align, Key, Label, Layout, RichText, ScrollArea, Sense, Ui, vec2};
use potok_core::node::intent::ShareRequest;
use rust_i18n::t;

use crate::command_line::typed_path::typed_path;
use crate::gui::action::{Action, Pick};
use crate::gui::icons;
use crate::gui::screen::ScreenContext;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::kept_rows::KeptRows;
use crate::gui::widgets::{self, Loud};
use crate::human::{self, thousands};
use crate::model::Model;
use crate::model::shares::{FOUND_MAX, ROOTS_KEPT_MAX, ShareFolder, ShareRowKey, SharesLook};
use crate::texts;

/// Files that are not shared, and warnings, that are shown at once.
const NOTES_SHOWN: usize = 50;
/// Fewer shares need no filter.
const FILTER_FROM: usize = 12;
/// Two lines of small letters.
const NOW_HEIGHT: f32 = 34.0;
const HASHING_WIDTH: f32 = 120.0;

/// What is typed and chosen here.
#[derive(Debug, Default)]
pub struct SharedState {
    /// What is typed of a path; it stays until it is shared.
    pub path: String,
    filter: String,
    shows_notes: bool,
    open: BTreeSet<ShareFolder>,
    rows: KeptRows<ShareRowKey>,
    /// The version of the model that they are of.
    version: u64,
}

impl SharedState {
    /// What is looked at.
    pub fn look(&self, is_shown: bool, completes: bool) -> SharesLook<'_> {
        SharesLook { is_shown, completes, open: &self.open, filter: &self.filter, view: self.rows.view() }
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, context: ScreenContext<'_>, state: &mut SharedState, actions: &mut Vec<Action>) {
    let ScreenContext { model, has_picker, .. } = context;
    let count = thousands(model.shares.len() as u64);
    let beside = t!("window.browse.totals", files = count, size = human::size(model.shares.bytes()));
    widgets::head(ui, &t!("window.page.shared"), &beside, |ui| {
        ui.add_enabled_ui(has_picker, |ui| {
            if widgets::edge_button(ui, Loud::Primary, icons::PLUS, &t!("window.shared.add-files")).clicked() {
                actions.push(Action::Pick(Pick::ShareFiles));
            }
            if widgets::edge_button(ui, Loud::Plain, icons::FOLDER_SIMPLE_PLUS, &t!("window.shared.add-folder"))
                .clicked()
            {
                actions.push(Action::Pick(Pick::ShareFolder));
            }
        });
    });
    typed(ui, model, state, actions);
    now(ui, model, state);
    ui.add_space(4.0);
    if model.shares.is_empty() {
        let (title, text) = (t!("window.shared.empty-title"), t!("window.shared.empty-text"));
        widgets::empty(ui, icons::FOLDER_OPEN, &title, &text, |_| {});
        return;
    }
    list::show(ui, model, state, actions);
}

fn typed(ui: &mut Ui, model: &Model, state: &mut SharedState, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let hint = t!("window.shared.path-hint");
        let name = t!("window.shared.path");
        let response = widgets::field(ui, &mut state.path, icons::FOLDER, &name, &hint, 380.0);
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let can_share = !state.path.trim().is_empty() && !model.sharing.is_looking();
        let clicked = ui
            .add_enabled_ui(can_share, |ui| widgets::button(ui, Loud::Plain, "", &t!("window.shared.share")).clicked());
        if (entered || clicked.inner) && can_share {
            let typed = typed_path(state.path.trim().to_owned());
            let cwd = std::env::current_dir().unwrap_or_default();
            actions.push(Action::Share(vec![ShareRequest { typed, cwd, share_as: None }]));
        }
        if model.shares.len() > FILTER_FROM || !state.filter.is_empty() {
            let name = t!("window.shared.filter");
            let response = widgets::field(ui, &mut state.filter, icons::MAGNIFYING_GLASS, &name, &name, 180.0);
            if response.changed() {
                ui.request_repaint();
            }
        }
    });
}

/// What comes without being asked for has one line, which is there before it comes: the list below it does not move.
fn now(ui: &mut Ui, model: &Model, state: &mut SharedState) {
    let size = vec2(ui.available_width(), NOW_HEIGHT);
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_size(size);
        notes_button(ui, model, state);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| doing(ui, model));
    });
    notes(ui, model, state);
}

/// What is being done, or why it was not; else what of the list is left out.
fn doing(ui: &mut Ui, model: &Model) {
    let p = palette(ui);
    if let Some(why) = model.sharing.failed().filter(|_| !model.sharing.is_looking()) {
        ui.add(Label::new(RichText::new(texts::in_window(why)).font(theme::small()).color(p.bad)).wrap());
        return;
    }
    if model.sharing.is_looking() {
        widgets::weak(ui, t!("window.shared.looking"));
        return;
    }
    if let Some(hashing) = model.hashing {
        let (done, total) = (human::size(hashing.done_bytes), human::size(hashing.total_bytes));
        let (rect, _) = ui.allocate_exact_size(vec2(HASHING_WIDTH, 8.0), Sense::hover());
        widgets::bar(ui, rect, widgets::part(hashing.done_bytes, hashing.total_bytes), p.accent);
        let files = thousands(hashing.files_left);
        weak_line(ui, t!("window.shared.hashing", files = files, done = done, total = total));
    } else if let Some(all) = model.shares.more_roots_than_listed() {
        let (count, all) = (thousands(ROOTS_KEPT_MAX as u64), thousands(all as u64));
        weak_line(ui, t!("window.shared.roots-cut", count = count, all = all));
    } else if model.shares.is_found_cut() {
        weak_line(ui, t!("window.shared.found-cut", count = thousands(FOUND_MAX as u64)));
    }
}

/// As much of a text as there is room for; the rest is in its hint.
fn weak_line(ui: &mut Ui, text: impl AsRef<str>) {
    let text = text.as_ref();
    let label = Label::new(RichText::new(text).font(theme::small()).color(palette(ui).weak)).truncate();
    ui.add(label).on_hover_text(text);
}

/// Shows and hides the notes; nothing if there are none.
fn notes_button(ui: &mut Ui, model: &Model, state: &mut SharedState) {
    let count = model.warnings.len() + model.skipped.len();
    if count == 0 {
        return;
    }
    let icon = if state.shows_notes { icons::CARET_DOWN } else { icons::CARET_RIGHT };
    if widgets::button(ui, Loud::Quiet, icon, &t!("window.shared.notes", count = count)).clicked() {
        state.shows_notes = !state.shows_notes;
    }
}

/// The health of what is shared: what cannot be watched, and which files are left out and why.
fn notes(ui: &mut Ui, model: &Model, state: &SharedState) {
    if !state.shows_notes || model.warnings.len() + model.skipped.len() == 0 {
        return;
    }
    widgets::card(ui, |ui| {
        ScrollArea::vertical().max_height(150.0).show(ui, |ui| {
            for text in model.warnings.iter().rev().take(NOTES_SHOWN) {
                widgets::weak(ui, text);
            }
            for text in model.skipped.iter().rev().take(NOTES_SHOWN) {
                widgets::weak(ui, text);
            }
        });
    });
}
