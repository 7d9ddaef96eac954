//! What menus are made of. A menu is as wide as its widest line, and has the lines that mean something here.

use eframe::egui::{Align2, Color32, FontId, Id, Response, Sense, Stroke, Ui, WidgetInfo, accesskit::Role, pos2, vec2};

use crate::gui::icons;
use crate::gui::theme::{self, palette};

const LINE_HEIGHT: f32 = 30.0;
/// The text begins here, behind its icon.
const TEXT_LEFT: f32 = 36.0;
/// Between a text and its shortcut.
const SHORTCUT_GAP: f32 = 28.0;
const LINE_MARGIN: f32 = 10.0;

/// The lines of a context menu in groups: what cannot be done is not there, and no line is drawn round an empty group.
#[derive(Debug, Default)]
pub struct MenuGroups {
    has_lines: bool,
    is_new_group: bool,
}

impl MenuGroups {
    /// What comes now is another group.
    pub fn next(&mut self) {
        self.is_new_group = self.has_lines;
    }

    /// A line, if it can be chosen; whether it was, which closes the menu.
    pub fn item(&mut self, ui: &mut Ui, can: bool, icon: &str, text: &str, shortcut: &str) -> bool {
        can && {
            self.begin_line(ui);
            menu_item(ui, icon, text, shortcut)
        }
    }

    /// A line that says what the next ones are.
    pub fn title(&mut self, ui: &mut Ui, text: &str) {
        self.begin_line(ui);
        let color = palette(ui).weak;
        let galley = ui.fonts_mut(|fonts| fonts.layout_no_wrap(text.to_owned(), theme::small(), color));
        let size = vec2(galley.size().x + 2.0 * LINE_MARGIN, LINE_HEIGHT);
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
        ui.painter().galley(pos2(rect.left() + LINE_MARGIN, rect.center().y - galley.size().y / 2.0), galley, color);
    }

    fn begin_line(&mut self, ui: &mut Ui) {
        if std::mem::take(&mut self.is_new_group) {
            menu_gap(ui);
        }
        self.has_lines = true;
    }
}

/// Lines of a menu touch each other; call it before the first.
pub fn begin_menu(ui: &mut Ui) {
    ui.spacing_mut().item_spacing.y = 0.0;
}

/// A line of a menu, with its shortcut; whether it was chosen, which closes the menu.
pub fn menu_item(ui: &mut Ui, icon: &str, text: &str, shortcut: &str) -> bool {
    let response = line(ui, icon, text, shortcut);
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::MenuItem, is_enabled, text));
    if response.clicked() {
        ui.close();
        return true;
    }
    false
}

/// A line that is on or off; whether it was clicked, which leaves the menu open.
pub fn menu_check(ui: &mut Ui, is_on: bool, text: &str) -> bool {
    let response = line(ui, if is_on { icons::CHECK } else { "" }, text, "");
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::MenuItemCheckBox, is_enabled, is_on, text));
    response.clicked()
}

/// A line between groups of a menu.
pub fn menu_gap(ui: &mut Ui) {
    let width = if ui.is_sizing_pass() { 0.0 } else { ui.available_width() };
    let (rect, _) = ui.allocate_exact_size(vec2(width, 9.0), Sense::hover());
    let stroke = Stroke::new(1.0, palette(ui).line);
    ui.painter().hline(rect.x_range().shrink(LINE_MARGIN.min(rect.width() / 2.0)), rect.center().y, stroke);
}

fn line(ui: &mut Ui, icon: &str, text: &str, shortcut: &str) -> Response {
    let p = palette(ui);
    let width = |text: &str, font: FontId| match text {
        "" => 0.0,
        _ => ui.fonts_mut(|fonts| fonts.layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER)).size().x,
    };
    let beside = if shortcut.is_empty() { 0.0 } else { SHORTCUT_GAP + width(shortcut, theme::small()) };
    let wanted = TEXT_LEFT + width(text, theme::body()) + beside + LINE_MARGIN;
    // The first, unseen frame of a menu finds out how wide it has to be.
    let width = if ui.is_sizing_pass() { wanted } else { ui.available_width().max(wanted) };
    let (rect, response) = ui.allocate_exact_size(vec2(width, LINE_HEIGHT), Sense::click());
    let is_enabled = ui.is_enabled();
    if is_enabled && ui.data_mut(|data| data.remove_temp::<bool>(menu_focus_id())).is_some() {
        response.request_focus();
    }
    if is_enabled && (response.hovered() || response.has_focus()) {
        ui.painter().rect_filled(rect, theme::RADIUS_SMALL, p.hover);
    }
    let fade = if is_enabled { 1.0 } else { 0.45 };
    let middle = rect.center().y;
    for (x, align, text, font, color) in [
        (rect.left() + LINE_MARGIN, Align2::LEFT_CENTER, icon, theme::icon(16.0), p.weak),
        (rect.left() + TEXT_LEFT, Align2::LEFT_CENTER, text, theme::body(), p.text),
        (rect.right() - LINE_MARGIN, Align2::RIGHT_CENTER, shortcut, theme::small(), p.weak),
    ] {
        ui.painter().text(pos2(x, middle), align, text, font, color.gamma_multiply(fade));
    }
    response
}

/// Set by whoever opens a menu with the keyboard: its first line takes the focus.
pub(super) fn menu_focus_id() -> Id {
    Id::unique("menu-focus")
}
