//! All files as one list, or one level of folders of everybody.

use eframe::egui::Ui;
use potok_core::model::shown::Shown as ShownText;
use rust_i18n::t;

use crate::gui::icons;
use crate::gui::screens::browse::asks::{RowAction, menu};
use crate::gui::screens::browse::{BrowseState, kind_name};
use crate::gui::sorter::Shown;
use crate::gui::theme;
use crate::gui::widgets::table::{Column, Table};
use crate::human;
use crate::model::browse::{Folder, SortColumn as By};
use crate::model::catalog::Kind;

/// Draws it.
pub(super) fn show(ui: &mut Ui, state: &mut BrowseState, height: f32, asked: &mut Vec<RowAction>) {
    let shown = state.shown.clone();
    let (view, catalog) = (&shown.view, &shown.catalog);
    let is_level = state.query.folder.is_some();
    let rows = view.folders.len() + view.files.len();
    let sorted = Some((state.query.sort, state.query.is_descending));
    let table = Table { id: "browse", columns: &columns(), rows, sorted, height: Some(height) };
    let mut selection = std::mem::take(&mut state.selection);
    let owners = state.owners.as_ref();
    let happened = table.show(
        ui,
        &mut selection,
        |index| {
            let folder = view.folders.get(index);
            let file = index.checked_sub(view.folders.len()).and_then(|index| view.files.get(index)).copied();
            let path = folder.map(|folder| folder.path.clone()).or_else(|| file.map(|file| catalog.path(file)))?;
            Some(FileRow { shown: &shown, folder, file: file.unwrap_or_default(), path, is_level })
        },
        |row| ShownText(&row.path).to_string(),
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

/// A file, or a folder of somebody, as a row.
struct FileRow<'a> {
    shown: &'a Shown,
    folder: Option<&'a Folder>,
    /// The row of the catalog, unless it is a folder.
    file: u32,
    path: String,
    /// Rows are one level of folders, and are called by their last part.
    is_level: bool,
}

fn columns<'a>() -> [Column<FileRow<'a>, By>; 5] {
    [
        Column::new(
            || t!("window.column.name"),
            0.0,
            |cell, row: &FileRow<'_>| {
                let name = if row.is_level { row.path.rsplit('/').next().unwrap_or(&row.path) } else { &row.path };
                let name = ShownText(name).to_string();
                match row.folder {
                    Some(_) => cell.icon_text(icons::FOLDER, &name, theme::medium(), cell.palette().text),
                    None => cell.icon_text(icons::of_file(&name), &name, theme::body(), cell.palette().text),
                }
            },
        )
        .by(By::Path),
        Column::number(
            || t!("window.column.size"),
            100.0,
            |cell, row: &FileRow<'_>| {
                let size = row.folder.map_or_else(|| row.shown.catalog.size(row.file), |folder| Some(folder.bytes));
                let size = size.map_or_else(|| "–".to_owned(), human::size);
                cell.text(&size, theme::body(), cell.palette().weak);
            },
        )
        .by(By::Size),
        Column::new(
            || t!("window.column.kind"),
            110.0,
            |cell, row: &FileRow<'_>| {
                let kind = match row.folder {
                    Some(folder) => t!("window.browse.files", count = folder.files).into_owned(),
                    None => kind_name(Kind::of(&row.path)),
                };
                cell.text(&kind, theme::body(), cell.palette().weak);
            },
        )
        .by(By::Kind)
        .drop(2),
        Column::new(
            || t!("window.column.person"),
            150.0,
            |cell, row: &FileRow<'_>| {
                let person = row.folder.map_or_else(|| row.shown.catalog.owner(row.file), |folder| &folder.person);
                cell.text(&ShownText(person).to_string(), theme::body(), cell.palette().text);
            },
        )
        .by(By::Person),
        Column::number(
            || t!("window.column.sources"),
            84.0,
            |cell, row: &FileRow<'_>| {
                if row.folder.is_some() {
                    return;
                }
                let content = row.shown.catalog.content(row.file);
                let sources = content.and_then(|content| row.shown.copies.get(&content)).copied().unwrap_or(1);
                let color = if sources > 1 { cell.palette().good } else { cell.palette().weak };
                cell.text(&sources.to_string(), theme::body(), color);
            },
        )
        .by(By::Sources)
        .drop(1),
    ]
}
