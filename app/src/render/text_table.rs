//! A table as text: aligned, and as wide as the terminal. A column is a value: its title, and how a cell of it reads.

use std::borrow::Cow;
use std::io::{self, Write};

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

/// A column of a table whose rows are `R`.
pub(super) struct TextColumn<R> {
    title: fn() -> Cow<'static, str>,
    alignment: CellAlignment,
    cell: fn(&R) -> String,
}

impl<R> TextColumn<R> {
    /// A column of words: its title in the person's language, and how a cell of it reads.
    pub(super) const fn new(title: fn() -> Cow<'static, str>, cell: fn(&R) -> String) -> Self {
        Self { title, alignment: CellAlignment::Left, cell }
    }

    /// The same of numbers, which stand on the right.
    pub(super) const fn number(title: fn() -> Cow<'static, str>, cell: fn(&R) -> String) -> Self {
        Self { alignment: CellAlignment::Right, ..Self::new(title, cell) }
    }
}

/// Writes rows below the titles of their columns. A list that comes in parts has its titles once.
pub(super) fn write<'a, R: 'a>(
    out: &mut impl Write,
    columns: &[TextColumn<R>],
    rows: impl IntoIterator<Item = &'a R>,
    has_titles: bool,
) -> io::Result<()> {
    let mut table = plain();
    if has_titles {
        table.set_header(columns.iter().map(|column| Cell::new((column.title)()).add_attribute(Attribute::Bold)));
    }
    for row in rows {
        table.add_row(columns.iter().map(|column| Cell::new((column.cell)(row)).set_alignment(column.alignment)));
    }
    writeln!(out, "{}", table.trim_fmt())
}

/// Writes names, each with its value behind it.
pub(super) fn write_pairs(out: &mut impl Write, pairs: impl IntoIterator<Item = [String; 2]>) -> io::Result<()> {
    let mut table = plain();
    for pair in pairs {
        table.add_row(pair);
    }
    writeln!(out, "{}", table.trim_fmt())
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
}
