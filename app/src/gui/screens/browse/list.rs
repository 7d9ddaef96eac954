//! All files as one list, or one level of folders of everybody.

use eframe::egui::Ui;
use potok_core::model::file_kind::FileKind;
use potok_core::model::shown::Shown as ShownText;
use potok_core::protocol::reply::FolderEntry;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::screens::browse::asks::{RowAction, SameContent, menu};
use crate::gui::screens::browse::filters::kind_name;
use crate::gui::screens::browse::state::{BrowseState, LIST_TABLE};
use crate::gui::theme;
use crate::gui::widgets::table::{Column, Table};
use crate::human;
use crate::model::browse::Browse;
use crate::model::pages::RESULT_ROWS_MAX;
use crate::model::result::QueryResult;
use crate::model::row_order::SortColumn as By;

/// Draws the list of shares.
pub(super) fn show(
    ui: &mut Ui,
    browse: &Browse,
    result: &QueryResult,
    state: &mut BrowseState,
    height: f32,
    asked: &mut Vec<RowAction>,
    actions: &mut Vec<Action>,
) {
    // One more stands for what is not loaded, or says that there is more than is listed.
    let rows = result.len() + usize::from(!result.is_whole());
    let columns = columns();
    let table = Table { id: LIST_TABLE, columns: &columns, rows, sorted: Some(result.sort()), height: Some(height) };
    let mut selection = std::mem::take(&mut state.selection);
    let same_content = SameContent::of(&selection, browse);
    let happened = table.show(
        ui,
        &mut selection,
        |index| Some(FileRow { result, entry: result.row(index) }),
        |row| row.entry.map_or_else(|| rest(result), |entry| ShownText(entry.path().as_str()).to_string()),
        |ui, _| menu(ui, same_content.as_ref(), asked),
    );
    state.selection = selection;
    state.view = happened.view;
    state.take_wishes(happened.wishes, result.len());
    if let Some(by) = happened.sort {
        if result.is_sortable() {
            state.sort_by(ui.ctx(), by);
        } else {
            actions.push(Action::Tell(t!("window.browse.too-many-to-sort", count = RESULT_ROWS_MAX).into_owned()));
        }
    }
    match happened.opened.map(|row| result.row(row)) {
        Some(Some(FolderEntry::Folder(folder))) => state.query.folder = Some(folder.path.as_str().to_owned()),
        Some(Some(FolderEntry::File(_))) => asked.push(RowAction::Download),
        Some(None) | None => {}
    }
}

/// A file, or a folder, as a row.
struct FileRow<'a> {
    result: &'a QueryResult,
    /// None: what is not loaded.
    entry: Option<&'a FolderEntry>,
}

/// What the last row says.
fn rest(result: &QueryResult) -> String {
    if result.is_cut() {
        t!("window.browse.narrow", count = RESULT_ROWS_MAX).into_owned()
    } else {
        t!("window.browse.loading-more").into_owned()
    }
}

fn columns<'a>() -> [Column<FileRow<'a>, By>; 5] {
    [
        Column::new(
            "name",
            || t!("window.column.name"),
            0.0,
            |cell, row: &FileRow<'_>| {
                let Some(entry) = row.entry else {
                    return cell.text(&rest(row.result), theme::body(), cell.palette().weak);
                };
                let path = entry.path().as_str();
                let name = if row.result.is_level() { path.rsplit('/').next().unwrap_or(path) } else { path };
                let name = ShownText(name).to_string();
                match entry {
                    FolderEntry::Folder(_) => {
                        cell.icon_text(icons::FOLDER, &name, theme::medium(), cell.palette().text);
                    }
                    FolderEntry::File(_) => {
                        cell.icon_text(icons::of_file(&name), &name, theme::body(), cell.palette().text);
                    }
                }
            },
        )
        .by(By::Path),
        Column::number(
            "size",
            || t!("window.column.size"),
            100.0,
            |cell, row: &FileRow<'_>| {
                let size = match row.entry {
                    Some(FolderEntry::Folder(folder)) => human::size(folder.totals.bytes),
                    Some(FolderEntry::File(file)) => file.size.map_or_else(|| "–".to_owned(), human::size),
                    None => return,
                };
                cell.text(&size, theme::body(), cell.palette().weak);
            },
        )
        .by(By::Size),
        Column::new(
            "kind",
            || t!("window.column.kind"),
            110.0,
            |cell, row: &FileRow<'_>| {
                let kind = match row.entry {
                    Some(FolderEntry::Folder(folder)) => {
                        t!("window.browse.files", count = folder.totals.files).into_owned()
                    }
                    Some(FolderEntry::File(file)) => kind_name(FileKind::of(file.path.as_str())),
                    None => return,
                };
                cell.text(&kind, theme::body(), cell.palette().weak);
            },
        )
        .by(By::Kind)
        .drop(2),
        Column::new(
            "person",
            || t!("window.column.person"),
            150.0,
            |cell, row: &FileRow<'_>| {
                let username = match row.entry {
                    Some(FolderEntry::Folder(folder)) => folder.username.as_ref(),
                    Some(FolderEntry::File(file)) => Some(&file.username),
                    None => return,
                };
                match username {
                    Some(name) => {
                        cell.text(&ShownText(name.as_str()).to_string(), theme::body(), cell.palette().text);
                    }
                    None => cell.text(&t!("window.browse.several-people"), theme::body(), cell.palette().weak),
                }
            },
        )
        .by(By::Person),
        Column::number(
            "sources",
            || t!("window.column.sources"),
            84.0,
            |cell, row: &FileRow<'_>| {
                let Some(entry @ FolderEntry::File(_)) = row.entry else { return };
                let sources = row.result.sources_of(entry);
                let is_shared = sources.is_some_and(|count| count > 1);
                let color = if is_shared { cell.palette().good } else { cell.palette().weak };
                let sources = sources.map_or_else(|| "–".to_owned(), |count| count.to_string());
                cell.text(&sources, theme::body(), color);
            },
        )
        .by(By::Sources)
        .drop(1),
    ]
}
