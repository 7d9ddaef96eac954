//! A table for any number of rows: only those in view are made. Rows are chosen as in any file manager, by mouse and by
//! keyboard; for the keyboard the whole table is one place.
//!
//! Why not `egui_table` or `egui_extras`: they place cells, in `f32` points. What makes a table here is left to their
//! users: one place for the keyboard, choosing as in a file manager, rows with a name and a state for a screen reader,
//! titles that sort, columns that go in a narrow window, a place that moves by single points behind millions of them. The
//! tests in `app/tests/window` show it (`a_million_files_are_as_light_as_ten`, `everywhere`).

use std::borrow::Cow;
use std::ops::Range;

use eframe::egui::{
    self, EventFilter, Frame, Id, Key, Margin, Modifiers, Popup, Rect, Response, Sense, SetOpenCommand, Stroke,
    StrokeKind, Ui, WidgetInfo, accesskit::Role, pos2, vec2,
};

use crate::gui::theme::{RADIUS, RADIUS_CARD, ROW_HEIGHT, palette};
use crate::gui::widgets::chosen::Chosen;
pub use crate::gui::widgets::column::{Cell, Column};
use crate::gui::widgets::menu::{begin_menu, menu_focus_id};
use crate::gui::widgets::selection::RowSelection;
use crate::gui::widgets::table_header::{self, CELL_GAP, CELLS_LEFT};
use crate::gui::widgets::table_look::{TableLook, TableLooks};
use crate::gui::widgets::{self, scroll};

/// What has the keyboard when the table of a page has it; a page has one.
pub fn focus_id() -> Id {
    Id::unique("table-focus")
}

/// How the person wants all tables: kept by the toolkit, because every table is drawn with it.
pub fn looks_of(ctx: &egui::Context) -> TableLooks {
    ctx.data_mut(|data| data.get_temp_mut_or_default::<TableLooks>(looks_id()).clone())
}

/// Draws tables like this from now on.
pub fn use_looks(ctx: &egui::Context, looks: TableLooks) {
    ctx.data_mut(|data| data.insert_temp(looks_id(), looks));
}

fn looks_id() -> Id {
    Id::unique("table-looks")
}

fn look_of(ui: &Ui, table: &str) -> TableLook {
    ui.data_mut(|data| data.get_temp_mut_or_default::<TableLooks>(looks_id()).of(table).clone())
}

/// Puts rows into the order that the person chose for the table of this name, if a column compares by it; rows that are
/// the same to it stay in the order they have.
pub fn in_order<R, K, E>(ui: &Ui, table: &str, columns: &[Column<R, K, E>], rows: &mut [R]) {
    let look = look_of(ui, table);
    let Some(by) = look.sorted() else { return };
    let Some(compare) = columns.iter().find(|column| column.name == by.column).and_then(|column| column.compare) else {
        return;
    };
    if by.is_descending {
        rows.sort_by(|one, other| compare(other, one));
    } else {
        rows.sort_by(compare);
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

/// How a table looks.
#[derive(Debug)]
pub struct Table<'a, R, K = (), E = ()> {
    /// The name of the table, by which its state is kept.
    pub id: &'static str,
    /// What it is called, for who hears it.
    pub title: Cow<'a, str>,
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
            let mut look = look_of(ui, self.id);
            let before = look.clone();
            let widths =
                look.widths(&table_header::places(self.columns), ui.available_width() - scroll::BAR_WIDTH - 20.0);
            happened.sort = table_header::show(ui, self.columns, &widths, self.sorted, &mut look);
            if look != before {
                ui.data_mut(|data| *data.get_temp_mut_or_default::<TableLooks>(looks_id()).of(self.id) = look);
                ui.request_repaint();
            }
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
        response.widget_info(|| WidgetInfo::labeled(Role::Table, true, &*self.title));
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(focus_id(), filter));
            if response.gained_focus() && selection.rows.is_empty() && self.rows > 0 {
                selection.only(0);
            }
            ui.painter().rect_stroke(rect, RADIUS_CARD, Stroke::new(2.0, palette(ui).accent), StrokeKind::Inside);
        }
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
        let mut x = rect.left() + CELLS_LEFT;
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
        let menu = |ui: &mut Ui| {
            begin_menu(ui);
            menu(ui);
        };
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
