//! All files as one list, or one level of folders of everybody.

use eframe::egui::Ui;
use potok_core::model::shown::Shown as ShownText;
use rust_i18n::t;

use crate::gui::icons;
use crate::gui::screens::browse::asks::{RowAction, menu};
use crate::gui::screens::browse::{BrowseState, kind_name};
use crate::gui::theme::{self, palette};
use crate::gui::widgets::table::{Column, Table};
use crate::human;
use crate::model::browse::SortColumn as By;
use crate::model::catalog::Kind;

/// Draws it.
pub(super) fn show(ui: &mut Ui, state: &mut BrowseState, height: f32, asked: &mut Vec<RowAction>) {
    let p = palette(ui);
    let columns = [
        Column::new(&t!("window.column.name"), 0.0).by(By::Path),
        Column::new(&t!("window.column.size"), 100.0).right().by(By::Size),
        Column::new(&t!("window.column.kind"), 110.0).by(By::Kind).drop(2),
        Column::new(&t!("window.column.person"), 150.0).by(By::Person),
        Column::new(&t!("window.column.sources"), 84.0).right().by(By::Sources).drop(1),
    ];
    let shown = state.shown.clone();
    let (view, catalog) = (&shown.view, &shown.catalog);
    let is_level = state.query.folder.is_some();
    let rows = view.folders.len() + view.files.len();
    let sorted = Some((state.query.sort, state.query.is_descending));
    let table = Table { id: "browse", columns: &columns, rows, sorted, height: Some(height) };
    let mut selection = std::mem::take(&mut state.selection);
    let path_of = |index: usize| match view.folders.get(index) {
        Some(folder) => folder.path.clone(),
        None => view.files.get(index - view.folders.len()).map_or(String::new(), |row| catalog.path(*row)),
    };
    let owners = state.owners.as_ref();
    let happened = table.show(
        ui,
        &mut selection,
        |index| ShownText(&path_of(index)).to_string(),
        |index, row| {
            let path = path_of(index);
            let name = if is_level { path.rsplit('/').next().unwrap_or(&path) } else { &path };
            let name = ShownText(name).to_string();
            if let Some(folder) = view.folders.get(index) {
                row.icon_text(0, icons::FOLDER, &name, theme::medium(), p.text);
                row.text(1, &human::size(folder.bytes), theme::body(), p.weak);
                row.text(2, &t!("window.browse.files", count = folder.files), theme::body(), p.weak);
                row.text(3, &ShownText(&folder.person).to_string(), theme::body(), p.text);
                return;
            }
            let Some(file) = view.files.get(index - view.folders.len()).copied() else { return };
            row.icon_text(0, icons::of_file(&name), &name, theme::body(), p.text);
            let size = catalog.size(file).map_or_else(|| "–".to_owned(), human::size);
            row.text(1, &size, theme::body(), p.weak);
            row.text(2, &kind_name(Kind::of(&path)), theme::body(), p.weak);
            row.text(3, &ShownText(catalog.owner(file)).to_string(), theme::body(), p.text);
            let sources = catalog.content(file).and_then(|c| shown.copies.get(&c)).copied().unwrap_or(1);
            let color = if sources > 1 { p.good } else { p.weak };
            row.text(4, &sources.to_string(), theme::body(), color);
        },
        |ui, _| menu(ui, owners, asked),
    );
    state.selection = selection;
    if let Some(by) = happened.sort {
        state.query.is_descending = state.query.sort == by && !state.query.is_descending;
        state.query.sort = by;
    }
    match happened.opened.map(|row| view.folders.get(row)) {
        Some(Some(folder)) => {
            state.query.folder = Some(folder.path.clone());
            state.selection.clear();
        }
        Some(None) => asked.push(RowAction::Download),
        None => {}
    }
}
