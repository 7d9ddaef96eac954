//! A table for any number of rows: only those in view are made. Rows are chosen as in any file manager, by mouse and by
//! keyboard; for the keyboard the whole table is one place.
//!
//! Why not `egui_table` or `egui_extras`: they place cells, in `f32` points. What makes a table here is left to their
//! users: one place for the keyboard, choosing as in a file manager, rows with a name and a state for a screen reader,
//! titles that sort, columns that go in a narrow window, a place that moves by single points behind millions of them. The
//! tests in `app/tests/window` show it (`a_million_files_are_as_light_as_ten`, `everywhere`).

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use eframe::egui::{
    self, Align2, Color32, EventFilter, FontId, Frame, Galley, Id, Key, Margin, Modifiers, Popup, Rect, Response,
    Sense, SetOpenCommand, Stroke, StrokeKind, Ui, WidgetInfo, accesskit::Role, pos2, vec2,
};

use crate::gui::icons;
use crate::gui::theme::{self, Palette, RADIUS, RADIUS_CARD, ROW_HEIGHT, palette};
use crate::gui::widgets::chosen::Chosen;
use crate::gui::widgets::selection::RowSelection;
use crate::gui::widgets::text::{middle_line, one_line};
use crate::gui::widgets::{self, menu_focus_id, scroll};

/// Between two cells.
const CELL_GAP: f32 = 20.0;
/// Less is too little for a name: columns that may go make room.
const REST_MIN: f32 = 180.0;
/// A level of a tree.
const INDENT: f32 = 18.0;
/// Deeper levels are not moved further to the right.
const INDENT_LEVELS_MAX: u16 = 14;

/// What has the keyboard when the table of a page has it; a page has one.
pub fn focus_id() -> Id {
    Id::unique("table-focus")
}

/// A column of a table whose rows are `R`: its title, its place, what it sorts by, and how a cell of it is drawn. What is
/// clicked in a cell is an `E`.
pub struct Column<R, K = (), E = ()> {
    /// Its title, in the person's language.
    pub title: fn() -> Cow<'static, str>,
    /// In points; 0 takes what is left.
    pub width: f32,
    /// Numbers stand on the right.
    pub is_right: bool,
    /// What it sorts by; none: it does not.
    pub key: Option<K>,
    /// 0 stays; in a narrow window the largest numbers go first.
    pub drop: u8,
    /// Draws the cell of a row; it is called only where there is room.
    pub cell: fn(&mut Cell<'_, E>, &R),
}

impl<R, K: std::fmt::Debug, E> std::fmt::Debug for Column<R, K, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Column").field("title", &(self.title)()).field("key", &self.key).finish_non_exhaustive()
    }
}

impl<R, K, E> Column<R, K, E> {
    /// A column of words, so many points wide; 0: what is left.
    pub fn new(title: fn() -> Cow<'static, str>, width: f32, cell: fn(&mut Cell<'_, E>, &R)) -> Self {
        Self { title, width, is_right: false, key: None, drop: 0, cell }
    }

    /// A column of numbers, so many points wide.
    pub fn number(title: fn() -> Cow<'static, str>, width: f32, cell: fn(&mut Cell<'_, E>, &R)) -> Self {
        Self { is_right: true, ..Self::new(title, width, cell) }
    }

    /// It sorts by this.
    pub fn by(self, key: K) -> Self {
        Self { key: Some(key), ..self }
    }

    /// It may go in a narrow window, the largest number first.
    pub fn drop(self, drop: u8) -> Self {
        Self { drop, ..self }
    }
}

/// What happened in a table.
#[derive(Debug)]
pub struct Happened<K, E> {
    /// The title of a column that sorts was clicked.
    pub sort: Option<K>,
    /// A row was opened, by double click or Enter.
    pub opened: Option<usize>,
    /// What was clicked in cells, each with its row.
    pub clicked: Vec<(usize, E)>,
    /// Rows that are in view.
    pub view: Range<usize>,
    /// What keys want of all rows, where not all are loaded.
    pub wishes: Wishes,
}

/// What keys want of all rows, where not all are loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// All of them are to be chosen.
    pub all: bool,
    /// The last of them is to be seen.
    pub end: bool,
}

/// Where the scrolling of a table of this name is kept.
pub fn scroll_id(name: &str) -> Id {
    Id::unique(("table", name))
}

/// A cell in view, to be drawn.
#[expect(missing_debug_implementations, reason = "it borrows the toolkit's `Ui`, which has none")]
pub struct Cell<'a, E> {
    /// What to draw with.
    pub ui: &'a mut Ui,
    /// Where to draw, in points.
    pub rect: Rect,
    row: &'a Response,
    is_right: bool,
    clicked: &'a mut Option<E>,
}

impl<E> Cell<'_, E> {
    /// The colours in use.
    pub fn palette(&self) -> &'static Palette {
        palette(self.ui)
    }

    /// This was clicked.
    pub fn click(&mut self, what: E) {
        *self.clicked = Some(what);
    }

    /// A line of text, cut at its end.
    pub fn text(&mut self, text: &str, font: FontId, color: Color32) {
        let galley = one_line(self.ui, text, font, color, self.rect.width());
        let is_cut = galley.elided;
        self.put(0.0, galley, is_cut, text);
    }

    /// An icon and a name, which is cut in its middle.
    pub fn icon_text(&mut self, icon: &str, text: &str, font: FontId, color: Color32) {
        self.icon_text_after(0.0, icon, text, font, color);
    }

    /// A mark in front of the text that is drawn next.
    pub fn mark(&mut self, icon: &str, color: Color32) {
        self.ui.painter().text(self.rect.left_center(), Align2::LEFT_CENTER, icon, theme::icon(16.0), color);
        self.rect.min.x += 24.0;
    }

    /// An icon and a name in a tree: so deep, with a caret where there is something to open. Whether the caret was clicked.
    pub fn tree_text(&mut self, depth: u16, is_open: Option<bool>, icon: &str, text: &str, color: Color32) -> bool {
        let indent = INDENT * f32::from(depth.min(INDENT_LEVELS_MAX));
        let font = if is_open.is_some() { theme::medium() } else { theme::body() };
        self.icon_text_after(indent + INDENT, icon, text, font, color);
        let Some(is_open) = is_open else { return false };
        let p = palette(self.ui);
        let rect =
            Rect::from_center_size(pos2(self.rect.left() + indent + 6.0, self.rect.center().y), vec2(22.0, 26.0));
        let response = self.ui.interact(rect, self.row.id.with("caret"), Sense::CLICK);
        let color = if response.hovered() { p.text } else { p.weak };
        let caret = if is_open { icons::CARET_DOWN } else { icons::CARET_RIGHT };
        self.ui.painter().text(rect.center(), Align2::CENTER_CENTER, caret, theme::icon(13.0), color);
        response.widget_info(|| WidgetInfo::selected(Role::DisclosureTriangle, true, is_open, text));
        response.clicked()
    }

    fn icon_text_after(&mut self, indent: f32, icon: &str, text: &str, font: FontId, color: Color32) {
        let p = palette(self.ui);
        let at = self.rect.left_center() + vec2(indent, 0.0);
        self.ui.painter().text(at, Align2::LEFT_CENTER, icon, theme::icon(18.0), p.weak);
        let indent = indent + 28.0;
        let (galley, is_cut) = middle_line(self.ui, text, font, color, self.rect.width() - indent);
        self.put(indent, galley, is_cut, text);
    }

    fn put(&self, indent: f32, galley: Arc<Galley>, is_cut: bool, whole: &str) {
        let cell = self.rect;
        let x = if self.is_right { cell.right() - galley.size().x } else { cell.left() + indent };
        self.ui.painter().galley(pos2(x, cell.center().y - galley.size().y / 2.0), galley, Color32::PLACEHOLDER);
        if is_cut && self.row.hovered() && self.ui.rect_contains_pointer(cell) {
            self.row.clone().on_hover_text_at_pointer(whole);
        }
    }
}

/// How a table looks.
#[derive(Debug)]
pub struct Table<'a, R, K = (), E = ()> {
    /// The name of the table, by which its state is kept.
    pub id: &'static str,
    /// The columns from left to right.
    pub columns: &'a [Column<R, K, E>],
    /// How many rows.
    pub rows: usize,
    /// Sorted by this, and whether from the largest down.
    pub sorted: Option<(K, bool)>,
    /// All the height there is, or as much as the rows need.
    pub height: Option<f32>,
}

impl<R, K: Copy + PartialEq, E> Table<'_, R, K, E> {
    /// Draws it. `at` makes the row at a place, of those in view only; `name` says a row in words; `menu` is its context
    /// menu.
    pub fn show(
        self,
        ui: &mut Ui,
        selection: &mut RowSelection,
        mut at: impl FnMut(usize) -> Option<R>,
        name: impl Fn(&R) -> String,
        mut menu: impl FnMut(&mut Ui, &RowSelection),
    ) -> Happened<K, E> {
        let p = palette(ui);
        let mut happened =
            Happened { sort: None, opened: None, clicked: Vec::new(), view: 0..0, wishes: Wishes::default() };
        selection.rows.truncate(self.rows);
        let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(RADIUS_CARD);
        frame.inner_margin(Margin::symmetric(6, 6)).show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
            ui.set_width(ui.available_width());
            let widths = self.widths(ui.available_width() - scroll::BAR_WIDTH - 20.0);
            happened.sort = self.header(ui, &widths);
            self.focus(ui, selection);
            let height = self.height.map_or(ui.available_height(), |height| height.min(self.whole_height()));
            let moved = self.keys(ui, selection, &mut happened);
            let held = (!selection.rows.is_empty()).then_some(selection.head);
            happened.view = scroll::show_rows(ui, scroll_id(self.id), self.rows, height, moved, held, |ui, index| {
                // A row that is gone is gone from the next frame.
                let Some(row) = at(index) else { return };
                let response = self.row(ui, index, (&row, name(&row)), &widths, selection, &mut happened);
                self.row_menu(ui, index, &response, |ui| menu(ui, selection));
            });
        });
        happened
    }

    #[expect(clippy::cast_precision_loss, reason = "compared with the height of a window")]
    fn whole_height(&self) -> f32 {
        self.rows as f32 * ROW_HEIGHT
    }

    fn menu_id(&self) -> Id {
        Id::unique(("table-menu", self.id))
    }

    /// A place for the keyboard, with a ring while it is there.
    fn focus(&self, ui: &Ui, selection: &mut RowSelection) {
        let rect = ui.max_rect().expand(4.0);
        let response = ui.interact(rect, focus_id(), Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::Table, true, self.id));
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(focus_id(), filter));
            if response.gained_focus() && selection.rows.is_empty() && self.rows > 0 {
                selection.only(0);
            }
            ui.painter().rect_stroke(rect, RADIUS_CARD, Stroke::new(2.0, palette(ui).accent), StrokeKind::Inside);
        }
    }

    /// What a column gets; 0 if there is no room for it.
    fn widths(&self, available: f32) -> Vec<f32> {
        let mut widths: Vec<f32> = self.columns.iter().map(|column| column.width).collect();
        while available - widths.iter().sum::<f32>() < REST_MIN {
            let there = self.columns.iter().zip(&widths).enumerate();
            let first = there.filter(|(_, (column, width))| column.drop > 0 && **width > 0.0);
            let Some((at, _)) = first.max_by_key(|(_, (column, _))| column.drop) else { break };
            widths[at] = 0.0;
        }
        let rest = (available - widths.iter().sum::<f32>()).max(REST_MIN / 2.0);
        for (width, column) in widths.iter_mut().zip(self.columns) {
            if column.width == 0.0 {
                *width = rest;
            }
        }
        widths
    }

    fn header(&self, ui: &mut Ui, widths: &[f32]) -> Option<K> {
        let p = palette(ui);
        let mut clicked = None;
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
        let mut x = rect.left() + 10.0;
        for (column, width) in self.columns.iter().zip(widths) {
            if *width <= 0.0 {
                continue;
            }
            let cell = Rect::from_min_size(pos2(x, rect.top()), vec2(width - CELL_GAP, rect.height()));
            x += width;
            let title = (column.title)();
            let is_sorted = self.sorted.filter(|(key, _)| Some(*key) == column.key);
            let mut color = if is_sorted.is_some() { p.text } else { p.weak };
            if let Some(key) = column.key {
                let response = ui.interact(cell, ui.scope_id().with(("sort", &*title)), Sense::click());
                response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, &*title));
                if response.hovered() {
                    color = p.text;
                }
                widgets::focus_ring(ui, &response, cell.shrink2(vec2(-4.0, 3.0)));
                if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
                    clicked = Some(key);
                }
            }
            let arrow = if column.is_right { 14.0 } else { 0.0 };
            let galley = one_line(ui, &title, theme::small(), color, cell.width());
            let left = if column.is_right {
                cell.right() - galley.size().x - if is_sorted.is_some() { arrow } else { 0.0 }
            } else {
                cell.left()
            };
            let end = left + galley.size().x;
            ui.painter().galley(pos2(left, cell.center().y - galley.size().y / 2.0), galley, color);
            if let Some((_, is_descending)) = is_sorted {
                let icon = if is_descending { icons::CARET_DOWN } else { icons::CARET_UP };
                ui.painter().text(
                    pos2(end + 4.0, cell.center().y),
                    Align2::LEFT_CENTER,
                    icon,
                    theme::icon(11.0),
                    p.text,
                );
            }
        }
        clicked
    }

    /// Arrows, Home, End, Enter, Ctrl+A; the row that must be in view.
    fn keys(&self, ui: &Ui, selection: &mut RowSelection, happened: &mut Happened<K, E>) -> Option<usize> {
        if self.rows == 0 || !widgets::keys_are_free(ui) {
            return None;
        }
        let last = self.rows - 1;
        if widgets::pressed(ui, Modifiers::COMMAND, Key::A) {
            selection.rows = Chosen::from(0..self.rows);
            happened.wishes.all = true;
            return None;
        }
        if widgets::pressed(ui, Modifiers::NONE, Key::Escape) {
            selection.clear();
            return None;
        }
        if widgets::pressed(ui, Modifiers::SHIFT, Key::F10) || widgets::pressed(ui, Modifiers::NONE, Key::Menu) {
            ui.data_mut(|data| {
                data.insert_temp(self.menu_id(), selection.head);
                data.insert_temp(menu_focus_id(), true);
            });
        }
        if widgets::pressed(ui, Modifiers::NONE, Key::Enter) && !selection.rows.is_empty() {
            happened.opened = Some(selection.head);
            return None;
        }
        for (key, to) in [
            (Key::ArrowDown, if selection.rows.is_empty() { 0 } else { (selection.head + 1).min(last) }),
            (Key::ArrowUp, selection.head.saturating_sub(1)),
            (Key::PageDown, (selection.head + 12).min(last)),
            (Key::PageUp, selection.head.saturating_sub(12)),
            (Key::Home, 0),
            (Key::End, last),
        ] {
            if widgets::pressed(ui, Modifiers::SHIFT, key) {
                selection.extend_to(to);
                return Some(to);
            }
            if widgets::pressed(ui, Modifiers::NONE, key) {
                selection.only(to);
                happened.wishes.end = key == Key::End;
                return Some(to);
            }
        }
        None
    }

    fn row(
        &self,
        ui: &mut Ui,
        index: usize,
        (row, label): (&R, String),
        widths: &[f32],
        selection: &mut RowSelection,
        happened: &mut Happened<K, E>,
    ) -> Response {
        let p = palette(ui);
        let width = ui.available_width() - scroll::BAR_WIDTH;
        let (rect, response) = ui.allocate_exact_size(vec2(width, ROW_HEIGHT), Sense::CLICK);
        let is_selected = selection.rows.contains(index);
        if is_selected {
            ui.painter().rect_filled(rect.shrink2(vec2(0.0, 1.0)), RADIUS, p.selected);
        } else if response.hovered() {
            ui.painter().rect_filled(rect.shrink2(vec2(0.0, 1.0)), RADIUS, p.hover);
        }
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &label));
        let mut x = rect.left() + 10.0;
        let mut clicked = None;
        for (column, width) in self.columns.iter().zip(widths) {
            let rect = Rect::from_min_size(pos2(x, rect.top()), vec2((width - CELL_GAP).max(0.0), rect.height()));
            x += width;
            if rect.width() > 0.0 {
                let is_right = column.is_right;
                (column.cell)(&mut Cell { ui, rect, row: &response, is_right, clicked: &mut clicked }, row);
            }
        }
        happened.clicked.extend(clicked.map(|what| (index, what)));
        if response.clicked() {
            let modifiers = ui.input(|input| input.modifiers);
            if modifiers.shift {
                selection.extend_to(index);
            } else if modifiers.command {
                selection.toggle(index);
            } else {
                selection.only(index);
            }
        }
        if response.double_clicked() {
            happened.opened = Some(index);
        }
        if response.secondary_clicked() && !is_selected {
            selection.only(index);
        }
        response
    }

    /// The context menu: where the pointer is, or at the row when the keyboard asked for it.
    fn row_menu(&self, ui: &Ui, index: usize, response: &Response, menu: impl FnOnce(&mut Ui)) {
        let asked: Option<usize> = ui.data(|data| data.get_temp(self.menu_id()));
        if asked != Some(index) {
            response.context_menu(menu);
            return;
        }
        let popup =
            Popup::from_response(response).kind(egui::PopupKind::Menu).style(egui::containers::menu::menu_style);
        let is_new = ui.data(|data| data.get_temp::<bool>(menu_focus_id()).is_some());
        let popup = popup.layout(egui::Layout::top_down_justified(egui::Align::Min));
        let popup = popup.open_memory(is_new.then_some(SetOpenCommand::Bool(true)));
        if popup.show(menu).is_none() {
            ui.data_mut(|data| data.remove_temp::<usize>(self.menu_id()));
        }
    }
}
