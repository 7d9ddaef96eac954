//! A table for any number of rows: only those in view are made. Rows are chosen as in any file manager.

use eframe::egui::{
    self, Align2, Color32, FontId, Frame, Key, Margin, Modifiers, Rect, Response, Sense, Stroke, Ui, WidgetInfo,
    accesskit::Role, pos2, vec2,
};

use crate::gui::icons;
use crate::gui::theme::{self, RADIUS, RADIUS_CARD, ROW_HEIGHT, palette};
use crate::gui::widgets::chosen::Chosen;
use crate::gui::widgets::{self, one_line, scroll};

/// Between two cells.
const CELL_GAP: f32 = 20.0;

/// A column.
#[derive(Debug, Clone)]
pub struct Column<K> {
    /// Its name.
    pub name: String,
    /// In points; 0 takes what is left.
    pub width: f32,
    /// Numbers stand on the right.
    pub is_right: bool,
    /// What it sorts by.
    pub key: Option<K>,
}

/// What is chosen.
#[derive(Debug, Default, Clone)]
pub struct Selection {
    /// Rows, by place.
    pub rows: Chosen,
    anchor: usize,
    head: usize,
}

/// What happened in a table.
#[derive(Debug)]
pub struct Happened<K> {
    /// A header was clicked.
    pub sort: Option<K>,
    /// A row was opened, by double click or Enter.
    pub opened: Option<usize>,
}

/// A row in view, to be drawn.
#[expect(missing_debug_implementations, reason = "it borrows the toolkit's `Ui`, which has none")]
pub struct Row<'a> {
    /// Where to draw.
    pub ui: &'a mut Ui,
    /// One place a column.
    pub cells: Vec<Rect>,
    /// The whole row.
    pub response: Response,
    /// It is chosen.
    pub is_selected: bool,
    rights: Vec<bool>,
}

impl Row<'_> {
    /// A line of text.
    pub fn text(&mut self, column: usize, text: &str, font: FontId, color: Color32) {
        self.text_after(column, 0.0, text, font, color);
    }

    /// An icon and a line of text.
    pub fn icon_text(&mut self, column: usize, icon: &str, text: &str, font: FontId, color: Color32) {
        let p = palette(self.ui);
        let at = self.cells[column].left_center();
        self.ui.painter().text(at, Align2::LEFT_CENTER, icon, theme::icon(18.0), p.weak);
        self.text_after(column, 28.0, text, font, color);
    }

    fn text_after(&mut self, column: usize, indent: f32, text: &str, font: FontId, color: Color32) {
        let cell = self.cells[column];
        let galley = one_line(self.ui, text, font, color, cell.width() - indent);
        let x = if self.rights[column] { cell.right() - galley.size().x } else { cell.left() + indent };
        let is_cut = galley.elided;
        self.ui.painter().galley(pos2(x, cell.center().y - galley.size().y / 2.0), galley, color);
        let over = is_cut && self.response.hovered() && self.ui.rect_contains_pointer(cell);
        if over {
            self.response.clone().on_hover_text_at_pointer(text);
        }
    }
}

/// How a table looks.
#[derive(Debug)]
pub struct Table<'a, K> {
    /// Names it.
    pub id: &'static str,
    /// Its columns.
    pub columns: &'a [Column<K>],
    /// How many rows.
    pub rows: usize,
    /// Sorted by this, and whether from the largest down.
    pub sorted: Option<(K, bool)>,
    /// All the height there is, or as much as the rows need.
    pub height: Option<f32>,
}

impl<K: Copy + PartialEq> Table<'_, K> {
    /// Draws it. `draw` gets rows in view; `name` says a row in words; `menu` is its context menu.
    pub fn show(
        self,
        ui: &mut Ui,
        selection: &mut Selection,
        mut name: impl FnMut(usize) -> String,
        mut draw: impl FnMut(usize, &mut Row<'_>),
        mut menu: impl FnMut(&mut Ui, &Selection),
    ) -> Happened<K> {
        let p = palette(ui);
        let mut happened = Happened { sort: None, opened: None };
        selection.rows.truncate(self.rows);
        let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(RADIUS_CARD);
        frame.inner_margin(Margin::symmetric(6, 6)).show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
            ui.set_width(ui.available_width());
            let widths = self.widths(ui.available_width() - scroll::BAR_WIDTH - 20.0);
            happened.sort = self.header(ui, &widths);
            let height = self.height.map_or(ui.available_height(), |height| height.min(self.whole_height()));
            let moved = self.keys(ui, selection, &mut happened);
            let id = egui::Id::unique(("table", self.id));
            let held = (!selection.rows.is_empty()).then_some(selection.head);
            scroll::show_rows(ui, id, self.rows, height, moved, held, |ui, index| {
                self.row(ui, index, &widths, selection, &mut happened, &mut name, &mut draw, &mut menu);
            });
        });
        happened
    }

    #[expect(clippy::cast_precision_loss, reason = "compared with the height of a window")]
    fn whole_height(&self) -> f32 {
        self.rows as f32 * ROW_HEIGHT
    }

    fn widths(&self, available: f32) -> Vec<f32> {
        let fixed: f32 = self.columns.iter().map(|column| column.width).sum();
        let rest = (available - fixed).max(160.0);
        self.columns.iter().map(|column| if column.width == 0.0 { rest } else { column.width }).collect()
    }

    fn header(&self, ui: &mut Ui, widths: &[f32]) -> Option<K> {
        let p = palette(ui);
        let mut clicked = None;
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
        let mut x = rect.left() + 10.0;
        for (column, width) in self.columns.iter().zip(widths) {
            let cell = Rect::from_min_size(pos2(x, rect.top()), vec2(width - CELL_GAP, rect.height()));
            x += width;
            let is_sorted = self.sorted.filter(|(key, _)| Some(*key) == column.key);
            let mut color = if is_sorted.is_some() { p.text } else { p.weak };
            if let Some(key) = column.key {
                let response = ui.interact(cell, ui.scope_id().with(("sort", &column.name)), Sense::click());
                response.widget_info(|| WidgetInfo::labeled(Role::ColumnHeader, true, &column.name));
                if response.hovered() {
                    color = p.text;
                }
                widgets::focus_ring(ui, &response, cell.shrink2(vec2(-4.0, 3.0)));
                if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
                    clicked = Some(key);
                }
            }
            let arrow = if column.is_right { 14.0 } else { 0.0 };
            let galley = one_line(ui, &column.name, theme::small(), color, cell.width());
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
    fn keys(&self, ui: &Ui, selection: &mut Selection, happened: &mut Happened<K>) -> Option<usize> {
        if self.rows == 0 || !widgets::keys_are_free(ui) {
            return None;
        }
        let last = self.rows - 1;
        if widgets::pressed(ui, Modifiers::COMMAND, Key::A) {
            selection.rows = Chosen::from(0..self.rows);
            return None;
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
                return Some(to);
            }
        }
        None
    }

    #[expect(clippy::too_many_arguments, reason = "the closures of `show`, handed on")]
    fn row(
        &self,
        ui: &mut Ui,
        index: usize,
        widths: &[f32],
        selection: &mut Selection,
        happened: &mut Happened<K>,
        name: &mut impl FnMut(usize) -> String,
        draw: &mut impl FnMut(usize, &mut Row<'_>),
        menu: &mut impl FnMut(&mut Ui, &Selection),
    ) {
        let p = palette(ui);
        let width = ui.available_width() - scroll::BAR_WIDTH;
        let (rect, response) = ui.allocate_exact_size(vec2(width, ROW_HEIGHT), Sense::click());
        let is_selected = selection.rows.contains(index);
        if is_selected {
            ui.painter().rect_filled(rect.shrink2(vec2(0.0, 1.0)), RADIUS, p.selected);
        } else if response.hovered() {
            ui.painter().rect_filled(rect.shrink2(vec2(0.0, 1.0)), RADIUS, p.hover);
        }
        widgets::focus_ring(ui, &response, rect.shrink(2.0));
        let label = name(index);
        response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &label));
        let mut x = rect.left() + 10.0;
        let mut cells = Vec::with_capacity(widths.len());
        for width in widths {
            cells.push(Rect::from_min_size(pos2(x, rect.top()), vec2(width - CELL_GAP, rect.height())));
            x += width;
        }
        let rights = self.columns.iter().map(|column| column.is_right).collect();
        draw(index, &mut Row { ui, cells, response: response.clone(), is_selected, rights });
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
        response.context_menu(|ui| menu(ui, selection));
    }
}

impl Selection {
    /// This one alone.
    pub fn only(&mut self, row: usize) {
        self.rows = Chosen::from(row..row + 1);
        (self.anchor, self.head) = (row, row);
    }

    /// Nothing.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn toggle(&mut self, row: usize) {
        self.rows.toggle(row);
        (self.anchor, self.head) = (row, row);
    }

    fn extend_to(&mut self, row: usize) {
        self.rows = Chosen::from(self.anchor.min(row)..self.anchor.max(row) + 1);
        self.head = row;
    }
}
