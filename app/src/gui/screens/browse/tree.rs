//! The tree of one person's files: opened and closed by mouse or with the arrow keys, as in any file manager.

use std::sync::Arc;

use eframe::egui::{Key, Modifiers, Ui};
use potok_core::model::shown::Shown as ShownText;
use rust_i18n::t;

use crate::gui::icons;
use crate::gui::screens::browse::asks::{RowAction, menu};
use crate::gui::screens::browse::{BrowseState, kind_name};
use crate::gui::theme;
use crate::gui::widgets;
use crate::gui::widgets::table::{Column, Table};
use crate::human;
use crate::human::thousands;
use crate::model::browse::SortColumn as By;
use crate::model::catalog::Kind;
use crate::model::tree::{Node, Tree};

/// Draws it.
pub(super) fn show(ui: &mut Ui, state: &mut BrowseState, height: f32, asked: &mut Vec<RowAction>) {
    let mut toggled = keys(ui, state);
    let mut selection = std::mem::take(&mut state.selection);
    let tree = &state.tree;
    let rows = tree.nodes.len();
    let columns = columns();
    let table = Table { id: "tree", columns: &columns, rows, sorted: Some(state.tree_sort), height: Some(height) };
    let owners = state.owners.as_ref();
    let happened = table.show(
        ui,
        &mut selection,
        |index| tree.nodes.get(index).map(|node| (tree, node)),
        |(tree, node)| ShownText(&tree.path(node)).to_string(),
        |ui, _| menu(ui, owners, asked),
    );
    state.selection = selection;
    toggled = happened.clicked.first().map(|(row, Toggle)| *row).or(toggled);
    if let Some(by) = happened.sort {
        state.tree_sort = (by, state.tree_sort.0 == by && !state.tree_sort.1);
    }
    match happened.opened {
        Some(row) if state.tree.nodes.get(row).is_some_and(|node| node.is_open.is_some()) => toggled = Some(row),
        Some(_) => asked.push(RowAction::Download),
        None => {}
    }
    if let Some(row) = toggled {
        toggle(state, row);
    }
}

/// The caret of a folder was clicked.
#[derive(Clone, Copy)]
struct Toggle;

fn columns<'a>() -> [Column<(&'a Tree, &'a Node), By, Toggle>; 4] {
    [
        Column::new(
            || t!("window.column.name"),
            0.0,
            |cell, (tree, node): &(&Tree, &Node)| {
                let name = ShownText(&tree.name(node)).to_string();
                let icon = match node.is_open {
                    Some(true) => icons::FOLDER_OPEN,
                    Some(false) => icons::FOLDER,
                    None => icons::of_file(&name),
                };
                if cell.tree_text(node.depth, node.is_open, icon, &name, cell.palette().text) {
                    cell.click(Toggle);
                }
            },
        )
        .by(By::Path),
        Column::number(
            || t!("window.people.files"),
            100.0,
            |cell, (_, node): &(&Tree, &Node)| {
                if node.is_open.is_some() {
                    cell.text(&thousands(Tree::count(node)), theme::body(), cell.palette().weak);
                }
            },
        )
        .drop(1),
        Column::number(
            || t!("window.column.size"),
            110.0,
            |cell, (tree, node): &(&Tree, &Node)| {
                cell.text(&human::size(tree.bytes(node)), theme::body(), cell.palette().weak);
            },
        )
        .by(By::Size),
        Column::new(
            || t!("window.column.kind"),
            130.0,
            |cell, (tree, node): &(&Tree, &Node)| {
                let kind = match node.is_open {
                    Some(_) => t!("window.kind.folder").into_owned(),
                    None => kind_name(Kind::of(&tree.name(node))),
                };
                cell.text(&kind, theme::body(), cell.palette().weak);
            },
        )
        .by(By::Kind)
        .drop(2),
    ]
}

/// Right opens, or goes in; left closes, or goes out. The row to open or close.
fn keys(ui: &Ui, state: &mut BrowseState) -> Option<usize> {
    let row = state.selection.head().filter(|_| widgets::keys_are_free(ui))?;
    let is_open = state.tree.nodes.get(row)?.is_open;
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
        if let Some(parent) = state.tree.parent(row) {
            state.selection.only(parent);
        }
    }
    None
}

/// What is below a row changes; the row itself stays where it is.
fn toggle(state: &mut BrowseState, row: usize) {
    let Some(node) = state.tree.nodes.get(row) else { return };
    let path = state.tree.path(node);
    let open = Arc::make_mut(&mut state.open);
    if !open.remove(&path) {
        open.insert(path);
    }
    state.selection.only(row);
}
