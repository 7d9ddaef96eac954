//! The pieces that pages are made of: each draws with the palette and has a name for a screen reader.

pub mod chosen;
pub mod column;
pub mod kept_rows;
pub mod menu;
pub mod message_line;
mod modal;
pub mod number;
pub mod qr;
pub mod scroll;
pub mod sections;
pub mod selection;
pub mod table;
mod table_header;
pub mod table_look;
pub mod text;

use eframe::egui::{
    self, Align2, Color32, Frame, Id, Key, Margin, Modifiers, Rect, Response, RichText, Sense, Stroke, StrokeKind,
    TextEdit, Ui, Vec2, WidgetInfo, accesskit::Role, pos2, vec2,
};

use rust_i18n::t;

use crate::gui::icons;
use crate::gui::theme::{self, GAP, Palette, RADIUS, RADIUS_CARD, palette};
pub use crate::gui::widgets::menu::{MenuGroups, menu_gap, menu_item};
pub use crate::gui::widgets::modal::{answers, default_button, modal};
use crate::model::KeyStanding;

/// A window that is narrower has no room for words at the edges.
const NARROW: f32 = 920.0;

/// How loud a button is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loud {
    /// The one thing to do here.
    Primary,
    /// One of several.
    Plain,
    /// Without a frame until the pointer is over it.
    Quiet,
    /// Takes something away.
    Danger,
}

/// An icon of so many points beside words that say the same: it is seen, and not read out.
pub fn glyph(ui: &mut Ui, icon: &str, points: f32, color: Color32) {
    let galley = ui.fonts_mut(|f| f.layout_no_wrap(icon.to_owned(), theme::icon(points), color));
    let (_, rect) = ui.allocate_space(galley.size());
    ui.painter().galley(rect.min, galley, color);
}

/// A button with an icon and a word.
pub fn button(ui: &mut Ui, loud: Loud, icon: &str, text: &str) -> Response {
    let p = palette(ui);
    let is_enabled = ui.is_enabled();
    let color = match loud {
        Loud::Primary if is_enabled => p.on_accent,
        Loud::Primary => p.text,
        Loud::Danger => p.bad,
        Loud::Plain | Loud::Quiet => p.text,
    };
    let text_galley = ui.fonts_mut(|f| f.layout_no_wrap(text.to_owned(), theme::medium(), color));
    let icon_galley = ui.fonts_mut(|f| f.layout_no_wrap(icon.to_owned(), theme::icon(16.0), color));
    let gap = if icon.is_empty() || text.is_empty() { 0.0 } else { 7.0 };
    let icon_width = if icon.is_empty() { 0.0 } else { 16.0 };
    let padding = if text.is_empty() { 8.0 } else { 13.0 };
    let size = vec2(padding * 2.0 + icon_width + gap + text_galley.size().x, theme::CONTROL_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    if ui.is_rect_visible(rect) {
        let hot = response.hovered() && is_enabled;
        let (fill, stroke) = match loud {
            // What cannot be done now is not the one thing to do.
            Loud::Primary if !is_enabled => (p.hover, Stroke::NONE),
            Loud::Primary => (if hot { p.accent_fill.gamma_multiply(0.9) } else { p.accent_fill }, Stroke::NONE),
            Loud::Plain | Loud::Danger => (if hot { p.hover } else { p.card }, Stroke::new(1.0, p.line)),
            Loud::Quiet => (if hot { p.hover } else { Color32::TRANSPARENT }, Stroke::NONE),
        };
        let fade = if is_enabled { 1.0 } else { 0.45 };
        let painter = ui.painter();
        painter.rect(rect, RADIUS, fill, stroke, StrokeKind::Inside);
        let left = rect.left() + padding;
        painter.galley_with_override_text_color(
            pos2(left, rect.center().y - icon_galley.size().y / 2.0),
            icon_galley,
            color.gamma_multiply(fade),
        );
        painter.galley_with_override_text_color(
            pos2(left + icon_width + gap, rect.center().y - text_galley.size().y / 2.0),
            text_galley,
            color.gamma_multiply(fade),
        );
    }
    focus_ring(ui, &response, rect);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, text));
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// How wide a button is that has an icon and a word.
pub fn button_width(ui: &Ui, icon: &str, text: &str) -> f32 {
    let beside = if icon.is_empty() { 0.0 } else { 23.0 };
    26.0 + beside + text_width(ui, text)
}

/// A button that is only an icon; its name is in the tooltip.
pub fn icon_button(ui: &mut Ui, icon: &str, name: &str) -> Response {
    let size = Vec2::splat(28.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    paint_icon_button(ui, rect, &response, icon, name);
    response.on_hover_text(name)
}

/// The same in a place that is already there.
pub fn icon_button_at(ui: &mut Ui, rect: Rect, id: Id, icon: &str, name: &str) -> Response {
    let response = ui.interact(rect, id, Sense::click());
    paint_icon_button(ui, rect, &response, icon, name);
    response.on_hover_text(name)
}

fn paint_icon_button(ui: &Ui, rect: Rect, response: &Response, icon: &str, name: &str) {
    let p = palette(ui);
    let is_enabled = ui.is_enabled();
    if response.hovered() && is_enabled {
        ui.painter().rect_filled(rect, RADIUS, p.line);
    }
    let color = match (is_enabled, response.hovered()) {
        (false, _) => p.weak.gamma_multiply(0.5),
        (true, true) => p.text,
        (true, false) => p.weak,
    };
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon, theme::icon(17.0), color);
    focus_ring(ui, response, rect);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, name));
}

/// Shows where the keyboard is.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect) {
    if response.has_focus() {
        ui.painter().rect_stroke(rect.expand(2.0), RADIUS, Stroke::new(2.0, palette(ui).accent), StrokeKind::Inside);
    }
}

/// A card with rounded corners.
pub fn card<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    let p = palette(ui);
    let frame = Frame::new().fill(p.card).stroke(Stroke::new(1.0, p.line)).corner_radius(RADIUS_CARD);
    frame
        .inner_margin(Margin::same(18))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            add(ui)
        })
        .inner
}

/// A field to type in, with a name for screen readers and an icon in front.
pub fn field(ui: &mut Ui, text: &mut String, icon: &str, name: &str, hint: &str, width: f32) -> Response {
    field_as(ui, text, icon, name, hint, width, |edit| edit)
}

/// The same, with something special about it.
pub fn field_as(
    ui: &mut Ui,
    text: &mut String,
    icon: &str,
    name: &str,
    hint: &str,
    width: f32,
    special: impl FnOnce(TextEdit<'_>) -> TextEdit<'_>,
) -> Response {
    let p = palette(ui);
    let mut edit = TextEdit::singleline(text)
        .hint_text(RichText::new(hint).color(p.weak))
        .desired_width(width)
        .align(egui::Align2::LEFT_CENTER)
        .margin(Margin::symmetric(10, 7))
        .min_size(vec2(0.0, theme::CONTROL_HEIGHT));
    if !icon.is_empty() {
        edit = edit.prefix(RichText::new(icon).font(theme::icon(16.0)).color(p.weak));
    }
    let response = ui.add(special(edit));
    let value = text.clone();
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::TextInput, true, name);
        info.current_text_value = Some(value.clone());
        info
    });
    response
}

/// A switch: on or off.
pub fn switch(ui: &mut Ui, on: &mut bool, name: &str) -> Response {
    let p = palette(ui);
    let (rect, mut response) = ui.allocate_exact_size(vec2(38.0, 22.0), Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    let how = ui.ctx().animate_bool_responsive(response.id, *on);
    let fill = if *on { p.accent_fill } else { p.edge };
    ui.painter().rect_filled(rect, 11.0, fill);
    let x = egui::lerp((rect.left() + 11.0)..=(rect.right() - 11.0), how);
    ui.painter().circle_filled(pos2(x, rect.center().y), 8.0, p.on_accent);
    focus_ring(ui, &response, rect);
    let is_on = *on;
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_on, name));
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// One of a few, side by side.
pub fn choice<T: PartialEq + Clone>(ui: &mut Ui, value: &mut T, options: &[(T, &str, &str)]) -> bool {
    choice_as(ui, value, options, false)
}

/// The same with icons only; their names are under the pointer.
pub fn icon_choice<T: PartialEq + Clone>(ui: &mut Ui, value: &mut T, options: &[(T, &str, &str)]) -> bool {
    choice_as(ui, value, options, true)
}

fn choice_as<T: PartialEq + Clone>(ui: &mut Ui, value: &mut T, options: &[(T, &str, &str)], are_icons: bool) -> bool {
    let p = palette(ui);
    let mut changed = false;
    // Without room the icons have to do, or words without icons, closer together. A page that was made too wide by
    // something else has no more room for it.
    let words: f32 = options.iter().map(|(_, _, name)| 48.0 + text_width(ui, name)).sum();
    let room = ui.available_size_before_wrap().x.min(ui.clip_rect().right() - ui.cursor().left());
    let is_tight = words > room;
    let has_icons = options.iter().all(|(_, icon, _)| !icon.is_empty());
    let are_icons = are_icons || (has_icons && is_tight);
    let padding = if is_tight && !are_icons { 7.0 } else { 12.0 };
    let frame = Frame::new().fill(p.well).corner_radius(RADIUS).inner_margin(Margin::same(3));
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().interact_size.y = theme::CONTROL_HEIGHT - 6.0;
        ui.horizontal(|ui| {
            for (option, icon, name) in options {
                let is_chosen = value == option;
                let color = if is_chosen { p.text } else { p.weak };
                let word = if are_icons { "" } else { *name };
                let galley = ui.fonts_mut(|f| f.layout_no_wrap(word.to_owned(), theme::medium(), color));
                let icon = if is_tight && !are_icons { "" } else { *icon };
                let icon_width = match (icon.is_empty(), are_icons) {
                    (true, _) => 0.0,
                    (false, false) => 22.0,
                    (false, true) => 16.0,
                };
                let size = vec2(galley.size().x + 2.0 * padding + icon_width, theme::CONTROL_HEIGHT - 6.0);
                let (rect, response) = ui.allocate_exact_size(size, Sense::click());
                if is_chosen {
                    ui.painter().rect(rect, theme::RADIUS_SMALL, p.card, Stroke::new(1.0, p.line), StrokeKind::Inside);
                } else if response.hovered() {
                    ui.painter().rect_filled(rect, theme::RADIUS_SMALL, p.hover);
                }
                let left = rect.left() + padding;
                ui.painter().text(pos2(left, rect.center().y), Align2::LEFT_CENTER, icon, theme::icon(15.0), color);
                let at = pos2(left + icon_width, rect.center().y - galley.size().y / 2.0);
                ui.painter().galley(at, galley, color);
                focus_ring(ui, &response, rect);
                response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_chosen, *name));
                if response.clicked() && !is_chosen {
                    *value = option.clone();
                    changed = true;
                }
                if are_icons {
                    response.on_hover_text(*name);
                }
            }
        });
    });
    changed
}

fn text_width(ui: &Ui, text: &str) -> f32 {
    ui.fonts_mut(|f| f.layout_no_wrap(text.to_owned(), theme::medium(), Color32::PLACEHOLDER)).size().x
}

/// What a page without content says: what it is for, and what to do next.
pub fn empty(ui: &mut Ui, icon: &str, title: &str, text: &str, add: impl FnOnce(&mut Ui)) {
    let p = palette(ui);
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.28).max(GAP));
        glyph(ui, icon, 44.0, p.weak);
        ui.add_space(4.0);
        ui.label(RichText::new(title).font(theme::heading()).color(p.text));
        ui.label(RichText::new(text).color(p.weak));
        ui.add_space(GAP);
        add(ui);
    });
}

/// Whether a page has so little room that buttons at its edge are only icons.
pub fn is_narrow(ui: &Ui) -> bool {
    ui.ctx().content_rect().width() < NARROW
}

/// A button at the edge of a page or card: in a narrow window only its icon, with its name under the pointer.
pub fn edge_button(ui: &mut Ui, loud: Loud, icon: &str, text: &str) -> Response {
    if !is_narrow(ui) {
        return button(ui, loud, icon, text);
    }
    let response = button(ui, loud, icon, "");
    let is_enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, text));
    response.on_hover_text(text)
}

/// The head of a page: title and a weak line beside it on the left; `right` is laid out from the right.
pub fn head(ui: &mut Ui, title: &str, beside: &str, right: impl FnOnce(&mut Ui)) {
    let p = palette(ui);
    ui.horizontal(|ui| {
        ui.set_height(theme::CONTROL_HEIGHT + 4.0);
        let label = ui.label(RichText::new(title).font(theme::title()).color(p.text));
        label.widget_info(|| WidgetInfo::labeled(Role::Heading, true, title));
        if !beside.is_empty() && !is_narrow(ui) {
            ui.add(egui::Label::new(RichText::new(beside).font(theme::small()).color(p.weak)).truncate());
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), right);
    });
    ui.add_space(6.0);
}

/// A weak explanation.
pub fn weak(ui: &mut Ui, text: impl Into<String>) -> Response {
    let color = palette(ui).weak;
    ui.add(egui::Label::new(RichText::new(text).font(theme::small()).color(color)).wrap())
}

/// The title of a card.
pub fn heading(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).font(theme::heading()).color(palette(ui).text));
}

/// Whether this shortcut was pressed, with these modifiers and no others; it is used up.
pub fn pressed(ui: &Ui, modifiers: Modifiers, key: Key) -> bool {
    let is_it = |event: &egui::Event| {
        matches!(event, egui::Event::Key { key: of, pressed: true, modifiers: with, .. }
            if *of == key && with.matches_exact(modifiers))
    };
    ui.input_mut(|input| {
        let before = input.events.len();
        input.events.retain(|event| !is_it(event));
        input.events.len() < before
    })
}

/// Whether plain keys mean the page: nothing has the keyboard, or its table has.
pub fn keys_are_free(ui: &Ui) -> bool {
    let focused = ui.memory(|memory| memory.focused());
    let is_free = focused.is_none_or(|id| id == table::focus_id());
    is_free && !egui::Popup::is_any_open(ui.ctx()) && ui.memory(|memory| memory.top_modal_layer().is_none())
}

/// A bar of progress.
pub fn bar(ui: &Ui, rect: Rect, part: f32, color: Color32) {
    let p = palette(ui);
    let rect = Rect::from_center_size(rect.center(), vec2(rect.width(), theme::BAR_HEIGHT));
    ui.painter().rect_filled(rect, 3.0, p.line);
    let width = rect.width() * part.clamp(0.0, 1.0);
    if width > 0.0 {
        let done = Rect::from_min_size(rect.min, vec2(width.max(theme::BAR_HEIGHT), rect.height()));
        ui.painter().rect_filled(done, 3.0, color);
    }
}

/// The mark behind a name whose key was proven. It is drawn, not a character: nobody can put it into a name.
pub fn verified_mark(ui: &mut Ui, standing: KeyStanding) {
    let (icon, color) = key_look(palette(ui), standing);
    let text = match standing {
        KeyStanding::Proven => t!("window.people.verified"),
        KeyStanding::Changed => t!("window.people.changed-short"),
        KeyStanding::None => t!("window.people.unverified"),
    };
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(18.0), Sense::hover());
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon, theme::icon(16.0), color);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &*text));
    response.on_hover_text(&*text);
}

/// Icon and colour of what is known of somebody's key.
pub fn key_look(p: &Palette, standing: KeyStanding) -> (&'static str, Color32) {
    match standing {
        KeyStanding::Proven => (icons::SEAL_CHECK, p.accent),
        KeyStanding::Changed => (icons::SHIELD_WARNING, p.bad),
        KeyStanding::None => (icons::WARNING, p.warn),
    }
}

/// A share of the whole as a number for drawing.
#[expect(clippy::cast_precision_loss, reason = "a bar is a few hundred points wide")]
pub fn part(done: u64, total: u64) -> f32 {
    if total == 0 { 1.0 } else { done as f32 / total as f32 }
}
