//! What I share: adding, watching it being hashed, who takes it now, renaming it, and taking it back. Nothing else leaves
//! this computer.

use eframe::egui::{Key, Modifiers, Sense, Ui, vec2};
use potok_core::model::share::Share;
use potok_core::model::shown::Shown;
use potok_core::node::event::{Direction, Transfer, TransferState};
use potok_core::node::intent::{Intent, ShareRequest};
use rust_i18n::t;

use crate::gui::action::{Action, Confirm, Dialog, Pick};
use crate::gui::icons;
use crate::gui::screen::ScreenContext;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::selection::RowSelection;
use crate::gui::widgets::table::{Column, Table};
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::human::thousands;
use crate::model::Model;
use crate::model::shares::{ShareOrder, Shares};

/// Files that are not shared, and warnings, that are shown at once.
const NOTES_SHOWN: usize = 50;
/// Fewer shares need no filter.
const FILTER_FROM: usize = 12;

/// What is typed and chosen here.
#[derive(Debug, Default)]
pub struct SharedState {
    path: String,
    filter: String,
    shows_notes: bool,
    order: (ShareOrder, bool),
    selection: RowSelection,
    rows: Rows,
}

/// The shares that are shown, as places in the list of all; made anew only when something changed.
#[derive(Debug, Default)]
struct Rows {
    of: Option<(u64, String, (ShareOrder, bool))>,
    places: Vec<usize>,
}

impl Rows {
    /// Whether they are other rows than before.
    fn update(&mut self, shares: &Shares, filter: &str, order: (ShareOrder, bool)) -> bool {
        let of = Some((shares.version(), filter.to_lowercase(), order));
        if self.of == of {
            return false;
        }
        let words = filter.to_lowercase();
        let fits = |share: &Share| words.is_empty() || share.path.as_str().to_lowercase().contains(&words);
        self.places = shares.iter().enumerate().filter(|(_, share)| fits(share)).map(|(at, _)| at).collect();
        if order.0 == ShareOrder::Size {
            self.places.sort_by_key(|at| shares.get(*at).and_then(|share| share.size));
        }
        if order.1 {
            self.places.reverse();
        }
        self.of = of;
        true
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
    hashing(ui, model);
    notes(ui, model, state);
    ui.add_space(4.0);
    if model.shares.is_empty() {
        let (title, text) = (t!("window.shared.empty-title"), t!("window.shared.empty-text"));
        widgets::empty(ui, icons::FOLDER_OPEN, &title, &text, |_| {});
        return;
    }
    table(ui, model, state, actions);
}

fn typed(ui: &mut Ui, model: &Model, state: &mut SharedState, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let hint = t!("window.shared.path-hint");
        let name = t!("window.shared.path");
        let response = widgets::field(ui, &mut state.path, icons::FOLDER, &name, &hint, 380.0);
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let can_share = !state.path.trim().is_empty();
        let clicked = ui
            .add_enabled_ui(can_share, |ui| widgets::button(ui, Loud::Plain, "", &t!("window.shared.share")).clicked());
        if (entered || clicked.inner) && can_share {
            let typed = std::mem::take(&mut state.path).trim().to_owned();
            let cwd = std::env::current_dir().unwrap_or_default();
            actions.push(Action::Ask(Intent::Share(vec![ShareRequest { typed, cwd, share_as: None }])));
        }
        if model.shares.len() > FILTER_FROM {
            let name = t!("window.shared.filter");
            widgets::field(ui, &mut state.filter, icons::MAGNIFYING_GLASS, &name, &name, 180.0);
        }
    });
}

fn hashing(ui: &mut Ui, model: &Model) {
    let Some(hashing) = model.hashing else { return };
    ui.add_space(4.0);
    let (done, total) = (human::size(hashing.done_bytes), human::size(hashing.total_bytes));
    widgets::weak(ui, t!("window.shared.hashing", files = thousands(hashing.files_left), done = done, total = total));
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 8.0), Sense::hover());
    widgets::bar(ui, rect, widgets::part(hashing.done_bytes, hashing.total_bytes), palette(ui).accent);
}

/// The health of what is shared: what cannot be watched, and which files are left out and why.
fn notes(ui: &mut Ui, model: &Model, state: &mut SharedState) {
    let count = model.warnings.len() + model.skipped.len();
    if count == 0 {
        return;
    }
    ui.add_space(4.0);
    let icon = if state.shows_notes { icons::CARET_DOWN } else { icons::CARET_RIGHT };
    if widgets::button(ui, Loud::Quiet, icon, &t!("window.shared.notes", count = count)).clicked() {
        state.shows_notes = !state.shows_notes;
    }
    if !state.shows_notes {
        return;
    }
    widgets::card(ui, |ui| {
        eframe::egui::ScrollArea::vertical().max_height(150.0).show(ui, |ui| {
            for text in model.warnings.iter().rev().take(NOTES_SHOWN) {
                widgets::weak(ui, text);
            }
            for text in model.skipped.iter().rev().take(NOTES_SHOWN) {
                widgets::weak(ui, text);
            }
        });
    });
}

/// A row for a screen reader.
fn in_words(share: &Share, uploads: &[&Transfer]) -> String {
    let (path, takers) = (Shown(share.path.as_str()), takers(share, uploads));
    if takers.is_empty() { path.to_string() } else { format!("{path}, {takers}") }
}

/// Who takes this file now, and how fast.
fn takers(share: &Share, uploads: &[&Transfer]) -> String {
    let path = share.path.as_str();
    let is_this = |t: &&&Transfer| t.label == path || (t.label.ends_with('/') && path.starts_with(&t.label));
    let words = |t: &&Transfer| format!("{} {}", Shown(t.user.as_str()), human::speed(t.bytes_per_second));
    uploads.iter().filter(is_this).map(words).collect::<Vec<_>>().join(", ")
}

/// A share, as a row.
struct SharedRow<'a> {
    share: &'a Share,
    /// What runs now.
    uploads: &'a [&'a Transfer],
}

fn columns<'a>() -> [Column<SharedRow<'a>, ShareOrder>; 4] {
    [
        Column::new(
            "name",
            || t!("window.column.name"),
            0.0,
            |cell, row: &SharedRow<'_>| {
                let name = Shown(row.share.path.as_str()).to_string();
                cell.icon_text(icons::of_file(&name), &name, theme::body(), cell.palette().text);
            },
        )
        .by(ShareOrder::Path),
        Column::number(
            "size",
            || t!("window.column.size"),
            110.0,
            |cell, row: &SharedRow<'_>| {
                let size = row.share.size.map_or_else(|| "–".to_owned(), human::size);
                cell.text(&size, theme::body(), cell.palette().weak);
            },
        )
        .by(ShareOrder::Size),
        Column::new(
            "takers",
            || t!("window.shared.takers"),
            190.0,
            |cell, row: &SharedRow<'_>| {
                cell.text(&takers(row.share, row.uploads), theme::small(), cell.palette().accent);
            },
        )
        .drop(1),
        Column::new(
            "content",
            || t!("window.column.content"),
            140.0,
            |cell, row: &SharedRow<'_>| {
                let hash = row.share.hash.map_or_else(|| "–".to_owned(), |hash| hash.to_string());
                cell.text(&hash, theme::mono(), cell.palette().weak);
            },
        )
        .drop(2),
    ]
}

fn table(ui: &mut Ui, model: &Model, state: &mut SharedState, actions: &mut Vec<Action>) {
    if state.rows.update(&model.shares, &state.filter, state.order) {
        state.selection.clear();
    }
    let rows = &state.rows.places;
    let share = |index: usize| rows.get(index).and_then(|at| model.shares.get(*at));
    let uploads = model.transfers.values();
    let uploads: Vec<&Transfer> =
        uploads.filter(|t| t.direction == Direction::Upload && t.state == TransferState::Running).collect();
    let height = (ui.available_height() - 92.0).max(80.0);
    let sorted = Some(state.order);
    let table = Table { id: "shared", columns: &columns(), rows: rows.len(), sorted, height: Some(height) };
    let (mut stop, mut copy, mut rename) = (false, false, false);
    let is_one = state.selection.rows.len() == 1;
    let happened = table.show(
        ui,
        &mut state.selection,
        |index| share(index).map(|share| SharedRow { share, uploads: &uploads }),
        |row| in_words(row.share, row.uploads),
        |ui, _| {
            ui.add_enabled_ui(is_one, |ui| {
                rename |= widgets::menu_item(ui, icons::PENCIL_SIMPLE, &t!("window.shared.rename"), "F2");
            });
            copy |= widgets::menu_item(ui, icons::COPY, &t!("window.browse.copy-path"), "Ctrl+C");
            stop |= widgets::menu_item(ui, icons::MINUS_CIRCLE, &t!("window.shared.stop"), "Del");
        },
    );
    let chosen: Vec<String> =
        state.selection.rows.iter().filter_map(share).map(|share| share.path.as_str().to_owned()).collect();
    if widgets::keys_are_free(ui) {
        stop |= widgets::pressed(ui, Modifiers::NONE, Key::Delete);
        rename |= widgets::pressed(ui, Modifiers::NONE, Key::F2);
        copy |= ui.input(|input| input.events.contains(&eframe::egui::Event::Copy));
    }
    ui.horizontal(|ui| {
        ui.set_height(40.0);
        ui.add_enabled_ui(!chosen.is_empty(), |ui| {
            stop |= widgets::button(ui, Loud::Danger, icons::MINUS_CIRCLE, &t!("window.shared.stop")).clicked();
        });
        ui.add_enabled_ui(chosen.len() == 1, |ui| {
            rename |= widgets::button(ui, Loud::Plain, icons::PENCIL_SIMPLE, &t!("window.shared.rename")).clicked();
        });
        widgets::weak(ui, t!("window.shared.only-this"));
    });
    if let Some(by) = happened.sort {
        state.order = (by, state.order.0 == by && !state.order.1);
    }
    let Some(first) = chosen.first() else { return };
    if copy {
        actions.push(Action::Copy(first.clone()));
    }
    if rename && chosen.len() == 1 {
        actions.push(Action::Dialog(Dialog::Rename { from: first.clone(), to: first.clone() }));
    }
    if stop {
        actions.push(Action::Confirm(Confirm::Unshare(chosen)));
    }
}
