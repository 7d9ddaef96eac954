//! All files as one list, or one level of folders of everybody.

use eframe::egui::{Key, Modifiers, Ui};
use potok_core::model::file_kind::FileKind;
use potok_core::model::shown::Shown as ShownText;
use potok_core::protocol::reply::FolderEntry;
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::screens::browse::asks::{RowAction, SameContent, menu};
use crate::gui::screens::browse::filters::kind_name;
use crate::gui::screens::browse::mark::{MARK_WIDTH, draw_mark, mark_of, path_here, spoken};
use crate::gui::screens::browse::state::{BrowseState, LIST_TABLE};
use crate::gui::theme;
use crate::gui::widgets;
use crate::gui::widgets::table::{Column, Table};
use crate::human;
use crate::model::Model;
use crate::model::marks::FileMark;
use crate::model::pages::RESULT_ROWS_MAX;
use crate::model::result::QueryResult;
use crate::model::row_order::SortColumn as By;
use crate::model::shown_rows::RowKind;

/// Names in the cell of those who have a content; of more the number.
const NAMES_SHOWN: usize = 3;

/// Draws the list of shares.
pub(super) fn show(
    ui: &mut Ui,
    (model, result): (&Model, &QueryResult),
    state: &mut BrowseState,
    height: f32,
    asked: &mut Vec<RowAction>,
    actions: &mut Vec<Action>,
) {
    let mut toggled = keys(ui, result, state);
    // One more stands for what is not loaded, or says that there is more than is listed.
    let rows = result.len() + usize::from(!result.is_whole());
    let columns = columns();
    let title = t!("window.browse.list");
    let table =
        Table { id: LIST_TABLE, title, columns: &columns, rows, sorted: Some(result.sort()), height: Some(height) };
    let mut selection = std::mem::take(&mut state.selection);
    let same_content = SameContent::of(&selection, &model.browse);
    let happened = table.show(
        ui,
        &mut selection,
        |at| {
            let mark = mark_of(model, at).map(|(mark, _)| mark);
            Some(FileRow { result, at, kind: result.kind(at), entry: result.row(at), mark })
        },
        |row| row.entry.map_or_else(|| rest(result), |entry| spoken(entry.path().as_str(), row.mark)),
        |ui, chosen| menu(ui, chosen.head().and_then(|at| path_here(model, at)), same_content.as_ref(), asked),
    );
    state.selection = selection;
    state.view = happened.view;
    state.take_wishes(happened.wishes, result.len());
    toggled = happened.clicked.first().map(|(row, ToggleCopies)| *row).or(toggled);
    if let Some(by) = happened.sort {
        if result.is_sortable() {
            state.sort_by(ui.ctx(), by);
        } else {
            actions.push(Action::Tell(t!("window.browse.too-many-to-sort", count = RESULT_ROWS_MAX).into_owned()));
        }
    }
    match happened.opened.map(|row| result.row(row)) {
        Some(Some(FolderEntry::Folder(folder))) => state.query.folder = Some(folder.path.as_str().to_owned()),
        Some(Some(FolderEntry::File(_))) => {
            asked.push(RowAction::open(happened.opened.and_then(|at| path_here(model, at))));
        }
        Some(None) | None => {}
    }
    if let Some(row) = toggled {
        state.toggle_copies(result, row);
    }
}

/// The caret of a content was clicked.
#[derive(Clone, Copy)]
struct ToggleCopies;

/// Right shows the copies of a content, left hides them, as in a tree. The row to open or close.
fn keys(ui: &Ui, result: &QueryResult, state: &mut BrowseState) -> Option<usize> {
    let row = state.selection.head().filter(|_| widgets::keys_are_free(ui))?;
    let kind = result.kind(row);
    if widgets::pressed(ui, Modifiers::NONE, Key::ArrowRight) {
        match kind {
            RowKind::Content { is_open: false } => return Some(row),
            RowKind::Content { is_open: true } => state.selection.only(row + 1),
            RowKind::Single | RowKind::Copy => {}
        }
    }
    if widgets::pressed(ui, Modifiers::NONE, Key::ArrowLeft) {
        match kind {
            RowKind::Content { is_open: true } => return Some(row),
            RowKind::Copy => state.selection.only(result.head(row)),
            RowKind::Single | RowKind::Content { is_open: false } => {}
        }
    }
    None
}

/// A file, or a folder, as a row.
struct FileRow<'a> {
    result: &'a QueryResult,
    at: usize,
    kind: RowKind,
    /// None: what is not loaded.
    entry: Option<&'a FolderEntry>,
    mark: Option<FileMark>,
}

impl FileRow<'_> {
    /// Who has it.
    fn people(&self) -> String {
        let (names, count) = self.result.people(self.at, NAMES_SHOWN);
        let shown = names.len();
        let names: Vec<String> = names.into_iter().map(|name| ShownText(name.as_str()).to_string()).collect();
        let more = (count as usize).saturating_sub(shown);
        if more > 0 { format!("{} +{more}", names.join(", ")) } else { names.join(", ") }
    }
}

/// What the last row says.
fn rest(result: &QueryResult) -> String {
    if result.is_cut() {
        t!("window.browse.narrow", count = human::thousands(RESULT_ROWS_MAX as u64)).into_owned()
    } else {
        t!("window.browse.loading-more").into_owned()
    }
}

fn columns<'a>() -> [Column<FileRow<'a>, By, ToggleCopies>; 6] {
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
                let (depth, is_open) = match row.kind {
                    RowKind::Single => (0, None),
                    RowKind::Content { is_open } => (0, Some(is_open)),
                    RowKind::Copy => (1, None),
                };
                match entry {
                    FolderEntry::Folder(_) => {
                        cell.tree_text(depth, is_open, icons::FOLDER, &name, cell.palette().text);
                    }
                    FolderEntry::File(_) => {
                        let icon = icons::of_file(&name);
                        if cell.tree_text(depth, is_open, icon, &name, cell.palette().text) {
                            cell.click(ToggleCopies);
                        }
                    }
                }
            },
        )
        .by(By::Path),
        Column::new("mark", || "".into(), MARK_WIDTH, |cell, row: &FileRow<'_>| draw_mark(cell, row.mark)),
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
            |cell, row: &FileRow<'_>| match row.entry {
                Some(FolderEntry::Folder(folder)) if folder.username.is_none() => {
                    cell.text(&t!("window.browse.several-people"), theme::body(), cell.palette().weak);
                }
                Some(_) => cell.text(&row.people(), theme::body(), cell.palette().text),
                None => {}
            },
        )
        .by(By::Person)
        .grow(),
        Column::number(
            "sources",
            || t!("window.column.sources"),
            84.0,
            |cell, row: &FileRow<'_>| {
                if !matches!(row.entry, Some(FolderEntry::File(_))) || row.kind == RowKind::Copy {
                    return;
                }
                let (_, people) = row.result.people(row.at, 0);
                let color = if people > 1 { cell.palette().good } else { cell.palette().weak };
                // While not all rows are here, others may have it too.
                let or_more = if row.result.is_whole() { "" } else { "+" };
                cell.text(&format!("{people}{or_more}"), theme::body(), color);
            },
        )
        .by(By::Sources)
        .drop(1),
    ]
}
