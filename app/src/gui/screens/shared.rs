//! What I share: adding, watching it being hashed, and taking it back. Nothing else leaves this computer.

use eframe::egui::{Key, Modifiers, Ui, vec2};
use potok_core::model::share::Share;
use potok_core::model::shown::Shown;
use potok_core::node::intent::{Intent, ShareRequest};
use potok_core::node::notice::{Direction, TransferState};
use rust_i18n::t;

use crate::gui::action::{Action, Confirm, Pick};
use crate::gui::icons;
use crate::gui::screens::{UiState, file_icon};
use crate::gui::shell::thousands;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::table::{Column, Selection, Table};
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::model::{Model, short};

/// What is typed and chosen here.
#[derive(Debug, Default)]
pub struct State {
    path: String,
    filter: String,
    selection: Selection,
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut UiState, actions: &mut Vec<Action>) {
    let has_picker = state.has_picker;
    let state = &mut state.shared;
    let bytes = model.shares.values().filter_map(|share| share.size).fold(0, u64::saturating_add);
    let count = thousands(model.shares.len() as u64);
    let beside = t!("window.browse.totals", files = count, size = human::size(bytes));
    widgets::head(ui, &t!("window.page.shared"), &beside, |ui| {
        ui.add_enabled_ui(has_picker, |ui| {
            if widgets::button(ui, Loud::Primary, icons::PLUS, &t!("window.shared.add-files")).clicked() {
                actions.push(Action::Pick(Pick::ShareFiles));
            }
            if widgets::button(ui, Loud::Plain, icons::FOLDER_OPEN, &t!("window.shared.add-folder")).clicked() {
                actions.push(Action::Pick(Pick::ShareFolder));
            }
        });
    });
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
        if model.shares.len() > 12 {
            let name = t!("window.shared.filter");
            widgets::field(ui, &mut state.filter, icons::MAGNIFYING_GLASS, &name, &name, 180.0);
        }
    });
    if let Some(hashing) = model.hashing {
        ui.add_space(4.0);
        let done = human::size(hashing.done_bytes);
        let total = human::size(hashing.total_bytes);
        widgets::weak(
            ui,
            t!("window.shared.hashing", files = thousands(hashing.files_left), done = done, total = total),
        );
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 8.0), eframe::egui::Sense::hover());
        widgets::bar(ui, rect, widgets::part(hashing.done_bytes, hashing.total_bytes), palette(ui).accent);
    }
    ui.add_space(4.0);
    if model.shares.is_empty() {
        let (title, text) = (t!("window.shared.empty-title"), t!("window.shared.empty-text"));
        widgets::empty(ui, icons::FOLDER_OPEN, &title, &text, |_| {});
        return;
    }
    takers(ui, model);
    table(ui, model, state, actions);
}

/// Who takes what now.
fn takers(ui: &mut Ui, model: &Model) {
    let uploads =
        model.transfers.values().filter(|t| t.direction == Direction::Upload && t.state == TransferState::Running);
    let words: Vec<String> = uploads
        .map(|t| format!("{} ← {} ({})", Shown(t.user.as_str()), short(&t.label), human::speed(t.bytes_per_second)))
        .collect();
    if !words.is_empty() {
        widgets::weak(ui, t!("window.shared.takers", who = words.join(" · ")));
    }
    if let Some((path, why)) = model.skipped.back() {
        widgets::weak(ui, t!("console.skipped", path = path, why = why));
    }
}

fn table(ui: &mut Ui, model: &Model, state: &mut State, actions: &mut Vec<Action>) {
    let p = palette(ui);
    let words = state.filter.to_lowercase();
    let rows: Vec<&Share> =
        model.shares.values().filter(|s| words.is_empty() || s.path.as_str().to_lowercase().contains(&words)).collect();
    let column = |name: &str, width, is_right| Column::<()> { name: name.to_owned(), width, is_right, key: None };
    let columns = [
        column(&t!("window.column.name"), 0.0, false),
        column(&t!("window.column.size"), 110.0, true),
        column(&t!("window.column.content"), 170.0, false),
    ];
    let height = (ui.available_height() - 92.0).max(80.0);
    let table = Table { id: "shared", columns: &columns, rows: rows.len(), sorted: None, height: Some(height) };
    let mut stop = false;
    let mut copy = false;
    table.show(
        ui,
        &mut state.selection,
        |index| rows.get(index).map_or(String::new(), |share| Shown(share.path.as_str()).to_string()),
        |index, row| {
            let Some(share) = rows.get(index) else { return };
            let name = Shown(share.path.as_str()).to_string();
            row.icon_text(0, file_icon(&name), &name, theme::body(), p.text);
            row.text(1, &share.size.map_or_else(|| "–".to_owned(), human::size), theme::body(), p.weak);
            let hash = share.hash.map_or_else(|| "–".to_owned(), |hash| hash.to_string());
            row.text(2, &hash, theme::mono(), p.weak);
        },
        |ui, _| {
            stop |= widgets::menu_item(ui, icons::MINUS_CIRCLE, &t!("window.shared.stop"), "Del");
            copy |= widgets::menu_item(ui, icons::COPY, &t!("window.browse.copy-path"), "");
        },
    );
    let chosen: Vec<String> = state
        .selection
        .rows
        .iter()
        .filter_map(|row| rows.get(row))
        .map(|share| share.path.as_str().to_owned())
        .collect();
    if widgets::keys_are_free(ui) && widgets::pressed(ui, Modifiers::NONE, Key::Delete) {
        stop = true;
    }
    ui.horizontal(|ui| {
        ui.set_height(40.0);
        ui.add_enabled_ui(!chosen.is_empty(), |ui| {
            stop |= widgets::button(ui, Loud::Danger, icons::MINUS_CIRCLE, &t!("window.shared.stop")).clicked();
        });
        widgets::weak(ui, t!("window.shared.only-this"));
    });
    if copy && let Some(path) = chosen.first() {
        actions.push(Action::Copy(path.clone()));
    }
    if stop && !chosen.is_empty() {
        actions.push(Action::Confirm(Confirm::Unshare(chosen)));
    }
}
