//! A column of a table, and what its cells are drawn with.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use eframe::egui::{
    Align2, Color32, FontId, Galley, Rect, Response, Sense, Ui, WidgetInfo, accesskit::Role, pos2, vec2,
};

use rust_i18n::t;

use crate::gui::icons;
use crate::gui::theme::{self, Palette, palette};
use crate::gui::widgets::text::{middle_line, one_line};

/// A level of a tree.
const INDENT: f32 = 18.0;
/// Deeper levels are not moved further to the right.
const INDENT_LEVELS_MAX: u16 = 14;

/// A column of a table whose rows are `R`: its name, its title, its place, what it sorts by, and how a cell of it is drawn.
/// What is clicked in a cell is an `E`.
pub struct Column<R, K = (), E = ()> {
    /// By which its width and whether it is shown are remembered; it is never translated.
    pub name: &'static str,
    /// Its title, in the person's language; without one it always stays.
    pub title: fn() -> Cow<'static, str>,
    /// In points, unless a person made it wider or narrower; 0 takes what is left.
    pub width: f32,
    /// Numbers stand on the right.
    pub is_right: bool,
    /// What it sorts by; none: whoever draws the table does not sort by it.
    pub key: Option<K>,
    /// How two rows compare, where the table itself puts them into order ([`super::table::in_order`]).
    pub compare: Option<fn(&R, &R) -> Ordering>,
    /// Shown only to those who choose it.
    pub is_extra: bool,
    /// 0 stays; in a narrow window the largest numbers go first.
    pub drop: u8,
    /// In a wide window it gets some of what the names do not need.
    pub grows: bool,
    /// Its width where names need the room, if it is not a usual part of its width.
    pub least: Option<f32>,
    /// Draws the cell of a row; it is called only where there is room.
    pub cell: fn(&mut Cell<'_, E>, &R),
}

impl<R, K: std::fmt::Debug, E> std::fmt::Debug for Column<R, K, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Column").field("name", &self.name).field("key", &self.key).finish_non_exhaustive()
    }
}

impl<R, K, E> Column<R, K, E> {
    /// A column of words, so many points wide; 0: what is left.
    pub fn new(
        name: &'static str,
        title: fn() -> Cow<'static, str>,
        width: f32,
        cell: fn(&mut Cell<'_, E>, &R),
    ) -> Self {
        Self {
            name,
            title,
            width,
            is_right: false,
            key: None,
            compare: None,
            is_extra: false,
            drop: 0,
            grows: false,
            least: None,
            cell,
        }
    }

    /// A column of numbers, so many points wide.
    pub fn number(
        name: &'static str,
        title: fn() -> Cow<'static, str>,
        width: f32,
        cell: fn(&mut Cell<'_, E>, &R),
    ) -> Self {
        // Half a number is another number.
        Self { is_right: true, least: Some(width), ..Self::new(name, title, width, cell) }
    }

    /// It sorts by this.
    pub fn by(self, key: K) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The table puts its rows into this order when its title is clicked.
    pub fn compared(self, compare: fn(&R, &R) -> Ordering) -> Self {
        Self { compare: Some(compare), ..self }
    }

    /// It is there for those who choose it.
    pub fn extra(self) -> Self {
        Self { is_extra: true, ..self }
    }

    /// It gets some of what there is in a wide window.
    pub fn grow(self) -> Self {
        Self { grows: true, ..self }
    }

    /// Where names need the room it is still so many points wide.
    pub fn least(self, least: f32) -> Self {
        Self { least: Some(least), ..self }
    }

    /// It may go in a narrow window, the largest number first.
    pub fn drop(self, drop: u8) -> Self {
        Self { drop, ..self }
    }
}

/// A cell in view, to be drawn.
#[expect(missing_debug_implementations, reason = "it borrows the toolkit's `Ui`, which has none")]
pub struct Cell<'a, E> {
    /// What to draw with.
    pub ui: &'a mut Ui,
    /// Where to draw, in points.
    pub rect: Rect,
    pub(super) row: &'a Response,
    pub(super) is_right: bool,
    pub(super) clicked: &'a mut Option<E>,
}

impl<E> Cell<'_, E> {
    /// The colours in use.
    pub fn palette(&self) -> &'static Palette {
        palette(self.ui)
    }

    /// What the cell means, in words, for a pointer that rests on it.
    pub fn hint(&self, text: &str) {
        if self.row.hovered() && self.ui.rect_contains_pointer(self.rect) {
            self.row.clone().on_hover_text_at_pointer(text);
        }
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

    /// A path, which is cut in its middle.
    pub fn path(&mut self, path: &str, font: FontId, color: Color32) {
        let (galley, is_cut) = middle_line(self.ui, path, font, color, self.rect.width());
        self.put(0.0, galley, is_cut, path);
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
        response.widget_info(|| {
            WidgetInfo::selected(Role::DisclosureTriangle, true, is_open, t!("window.table.caret", name = text))
        });
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
