//! What the table of transfers and that of what came to its end show of each.

use potok_core::model::shown::Shown;
use potok_core::model::username::Username;
use potok_core::model::way::Way;
use potok_core::node::event::{Direction, PastTransfer, Transfer};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme;
use crate::gui::widgets::table::{Cell, Column};
use crate::human;
use crate::model::{last_part, natural_order, short};
use crate::texts;

/// A row of one of the two tables.
pub(super) trait Moved {
    /// What it is called; that of a folder ends in a slash.
    fn label(&self) -> &str;
    /// Whether it is several files.
    fn is_folder(&self) -> bool;
    /// Its length in bytes.
    fn bytes(&self) -> u64;
    /// From whom, or for whom.
    fn user(&self) -> &Username;
    /// Whether it comes or leaves.
    fn direction(&self) -> Direction;
    /// From how many people it comes.
    fn sources(&self) -> u32;
    /// By which way its bytes go, or went.
    fn way(&self) -> Option<Way>;
}

impl Moved for &Transfer {
    fn label(&self) -> &str {
        &self.label
    }

    fn is_folder(&self) -> bool {
        self.label.ends_with('/') || self.files > 1
    }

    fn bytes(&self) -> u64 {
        self.total_bytes
    }

    fn user(&self) -> &Username {
        &self.user
    }

    fn direction(&self) -> Direction {
        self.direction
    }

    fn sources(&self) -> u32 {
        self.sources
    }

    fn way(&self) -> Option<Way> {
        self.way
    }
}

impl Moved for &PastTransfer {
    fn label(&self) -> &str {
        &self.label
    }

    fn is_folder(&self) -> bool {
        self.label.ends_with('/') || self.files > 1
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn user(&self) -> &Username {
        &self.user
    }

    fn direction(&self) -> Direction {
        self.direction
    }

    fn sources(&self) -> u32 {
        1
    }

    fn way(&self) -> Option<Way> {
        self.way
    }
}

/// An icon and the last part of what it is called, in the order in which people count.
pub(super) fn name<R: Moved>() -> Column<R, (), Action> {
    let cell = |cell: &mut Cell<'_, Action>, row: &R| {
        let name = short(row.label());
        let icon = if row.is_folder() { icons::FOLDER } else { icons::of_file(&name) };
        cell.icon_text(icon, &name, theme::body(), cell.palette().text);
    };
    let column = Column::new("name", || t!("window.column.name"), 0.0, cell);
    column.compared(|a, b| natural_order::compare(last_part(a.label()), last_part(b.label())))
}

/// How long it is.
pub(super) fn size<R: Moved>() -> Column<R, (), Action> {
    let cell = |cell: &mut Cell<'_, Action>, row: &R| {
        cell.text(&human::size(row.bytes()), theme::body(), cell.palette().weak);
    };
    Column::number("size", || t!("window.column.size"), 92.0, cell).compared(|a, b| a.bytes().cmp(&b.bytes()))
}

/// From whom it comes, or to whom it goes.
pub(super) fn person<R: Moved>() -> Column<R, (), Action> {
    let cell = |cell: &mut Cell<'_, Action>, row: &R| {
        let arrow = if row.direction() == Direction::Download { "↓" } else { "↑" };
        let others = if row.sources() > 1 { format!(" +{}", row.sources() - 1) } else { String::new() };
        let text = format!("{arrow} {}{others}", Shown(row.user().as_str()));
        cell.text(&text, theme::body(), cell.palette().text);
    };
    Column::new("person", || t!("window.column.person"), 118.0, cell).compared(|a, b| {
        let by_name = natural_order::compare(a.user().as_str(), b.user().as_str());
        by_name.then(a.direction().cmp(&b.direction()))
    })
}

/// By which way its bytes go, or went.
pub(super) fn way<R: Moved>() -> Column<R, (), Action> {
    let cell = |cell: &mut Cell<'_, Action>, row: &R| {
        cell.text(&row.way().map(texts::of_way).unwrap_or_default(), theme::small(), cell.palette().weak);
    };
    Column::new("connection", || t!("column.way"), 104.0, cell).compared(|a, b| a.way().cmp(&b.way()))
}
