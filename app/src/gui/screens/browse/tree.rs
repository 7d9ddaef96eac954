//! The tree of one person's files: opened and closed by mouse or with the arrow keys, as in any file manager.

use std::borrow::Cow;

use eframe::egui::{Key, Modifiers, Ui};
use potok_core::model::shown::Shown as ShownText;
use potok_core::protocol::reply::FolderEntry;
use rust_i18n::t;

use crate::gui::icons;
use crate::gui::screens::browse::asks::{RowAction, SameContent, menu};
use crate::gui::screens::browse::filters::kind_name;
use crate::gui::screens::browse::mark::{MARK_WIDTH, draw_mark, mark_of, path_here, spoken};
use crate::gui::screens::browse::state::{BrowseState, TREE_TABLE};
use crate::gui::theme;
use crate::gui::widgets;
use crate::gui::widgets::table::{Column, Table};
use crate::human;
use crate::human::thousands;
use crate::model::Model;
use crate::model::marks::FileMark;
use crate::model::row_order::{SortColumn as By, bytes_of};
use crate::model::tree::{Tree, TreeNode};

/// Draws the tree of folders.
pub(super) fn show(
    ui: &mut Ui,
    (model, tree): (&Model, &Tree),
    state: &mut BrowseState,
    height: f32,
    asked: &mut Vec<RowAction>,
) {
    let mut toggled = keys(ui, tree, state);
    let mut selection = std::mem::take(&mut state.selection);
    let nodes = tree.nodes();
    let columns = columns();
    let sorted = Some((state.query.sort, state.query.is_descending));
    let title = t!("window.browse.folders");
    let table = Table { id: TREE_TABLE, title, columns: &columns, rows: nodes.len(), sorted, height: Some(height) };
    let same_content = SameContent::of(&selection, &model.browse);
    let happened = table.show(
        ui,
        &mut selection,
        |at| Some(NodeRow { node: nodes.get(at)?, mark: mark_of(model, at).map(|(mark, _)| mark) }),
        |row| match row.node.entry {
            Some(_) => spoken(row.node.path(), row.mark),
            None => rest(row.node).into_owned(),
        },
        |ui, chosen| menu(ui, chosen.head().and_then(|at| path_here(model, at)), same_content.as_ref(), asked),
    );
    state.selection = selection;
    state.view = happened.view;
    state.take_wishes(happened.wishes, nodes.len());
    toggled = happened.clicked.first().map(|(row, Toggle)| *row).or(toggled);
    if let Some(by) = happened.sort {
        state.sort_by(ui.ctx(), by);
    }
    match happened.opened {
        Some(row) if nodes.get(row).is_some_and(|node| node.is_open.is_some()) => toggled = Some(row),
        Some(row) => asked.push(RowAction::open(path_here(model, row))),
        None => {}
    }
    if let Some(row) = toggled {
        toggle(state, tree, row);
    }
}

/// The caret of a folder was clicked.
#[derive(Clone, Copy)]
struct Toggle;

/// A line of the tree as a row.
struct NodeRow<'a> {
    node: &'a TreeNode,
    mark: Option<FileMark>,
}

/// Why the rest of a folder is not here.
fn rest(node: &TreeNode) -> Cow<'static, str> {
    if node.is_cut { t!("window.browse.too-many-open") } else { t!("window.browse.loading-more") }
}

fn columns<'a>() -> [Column<NodeRow<'a>, By, Toggle>; 5] {
    [
        Column::new(
            "name",
            || t!("window.column.name"),
            0.0,
            |cell, row: &NodeRow<'_>| {
                let node = row.node;
                let p = cell.palette();
                if node.entry.is_none() {
                    cell.tree_text(node.depth, None, icons::HOURGLASS_MEDIUM, &rest(node), p.weak);
                    return;
                }
                let name = ShownText(node.name()).to_string();
                let icon = match node.is_open {
                    Some(true) => icons::FOLDER_OPEN,
                    Some(false) => icons::FOLDER,
                    None => icons::of_file(&name),
                };
                if cell.tree_text(node.depth, node.is_open, icon, &name, p.text) {
                    cell.click(Toggle);
                }
            },
        )
        .by(By::Path),
        Column::new("mark", || "".into(), MARK_WIDTH, |cell, row: &NodeRow<'_>| draw_mark(cell, row.mark)),
        Column::number(
            "files",
            || t!("window.people.files"),
            100.0,
            |cell, row: &NodeRow<'_>| {
                let node = row.node;
                if let Some(FolderEntry::Folder(folder)) = &node.entry {
                    cell.text(&thousands(folder.totals.files), theme::body(), cell.palette().weak);
                }
            },
        )
        .drop(1),
        Column::number(
            "size",
            || t!("window.column.size"),
            110.0,
            |cell, row: &NodeRow<'_>| {
                let node = row.node;
                if let Some(entry) = &node.entry {
                    cell.text(&human::size(bytes_of(entry)), theme::body(), cell.palette().weak);
                }
            },
        )
        .by(By::Size),
        Column::new(
            "kind",
            || t!("window.column.kind"),
            130.0,
            |cell, row: &NodeRow<'_>| {
                let node = row.node;
                let kind = match &node.entry {
                    Some(FolderEntry::Folder(_)) => t!("window.kind.folder").into_owned(),
                    Some(FolderEntry::File(_)) => kind_name(node.kind()),
                    None => return,
                };
                cell.text(&kind, theme::body(), cell.palette().weak);
            },
        )
        .by(By::Kind)
        .drop(2),
    ]
}

/// Right opens, or goes in; left closes, or goes out. The row to open or close.
fn keys(ui: &Ui, tree: &Tree, state: &mut BrowseState) -> Option<usize> {
    let row = state.selection.head().filter(|_| widgets::keys_are_free(ui))?;
    let is_open = tree.nodes().get(row)?.is_open;
    if widgets::pressed(ui, Modifiers::NONE, Key::ArrowRight) {
        match is_open {
            Some(false) => return Some(row),
            Some(true) => state.selection.only(row + 1),
            None => {}
        }
    }
    if widgets::pressed(ui, Modifiers::NONE, Key::ArrowLeft) {
        if is_open == Some(true) {
            return Some(row);
        }
        if let Some(parent) = tree.parent(row) {
            state.selection.only(parent);
        }
    }
    None
}

/// What is below a row changes; the row itself stays where it is.
fn toggle(state: &mut BrowseState, tree: &Tree, row: usize) {
    let Some(node) = tree.nodes().get(row).filter(|node| node.is_open.is_some()) else { return };
    let path = node.path().to_owned();
    if !state.open.remove(&path) {
        state.open.insert(path);
    }
    state.selection.only(row);
}
