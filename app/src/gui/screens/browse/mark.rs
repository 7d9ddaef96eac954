//! The mark of a row: it is mine, it is here, it is on its way.

use std::path::Path;

use potok_core::model::shown::Shown as ShownText;
use rust_i18n::t;

use crate::gui::icons;
use crate::gui::widgets::column::Cell;
use crate::model::Model;
use crate::model::browse::Listed;
use crate::model::marks::FileMark;

/// Room for one icon.
pub(super) const MARK_WIDTH: f32 = 44.0;

/// How a row stands with this computer, and where it is on its disk.
pub(super) fn mark_of(model: &Model, at: usize) -> Option<(FileMark, Option<&Path>)> {
    let me = model.me.as_ref().map(|me| &me.username);
    match model.browse.shown() {
        Listed::Rows(rows) => model.marks.of(rows.entries(at), me),
        Listed::Tree(tree) => model.marks.of(tree.nodes().get(at)?.entry.iter(), me),
    }
}

/// Where a row is on this disk, if it is whole and here.
pub(super) fn path_here(model: &Model, at: usize) -> Option<&Path> {
    mark_of(model, at).filter(|(mark, _)| *mark != FileMark::OnItsWay).and_then(|(_, path)| path)
}

/// Draws the mark of a row, and says it to a pointer that rests there.
pub(super) fn draw_mark<E>(cell: &mut Cell<'_, E>, mark: Option<FileMark>) {
    let Some(mark) = mark else { return };
    let p = cell.palette();
    let (icon, color) = match mark {
        FileMark::Mine => (icons::SHARE_NETWORK, p.accent),
        FileMark::Here => (icons::CHECK_CIRCLE, p.good),
        FileMark::OnItsWay => (icons::DOWNLOAD_SIMPLE, p.accent),
    };
    cell.hint(&word_of(mark));
    cell.mark(icon, color);
}

/// A path and its mark in words.
pub(super) fn spoken(path: &str, mark: Option<FileMark>) -> String {
    let path = ShownText(path).to_string();
    mark.map_or(path.clone(), |mark| format!("{path}, {}", word_of(mark)))
}

fn word_of(mark: FileMark) -> String {
    match mark {
        FileMark::Mine => t!("window.browse.mark-mine"),
        FileMark::Here => t!("window.browse.mark-here"),
        FileMark::OnItsWay => t!("window.browse.mark-on-its-way"),
    }
    .into_owned()
}
