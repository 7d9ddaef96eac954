//! Colours, sizes and fonts: the only place where they stand. Both themes meet WCAG AA for text, which a test checks.

use std::sync::Arc;

use eframe::egui::{
    self, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Stroke, TextStyle, Theme, Ui,
    Vec2,
};

/// The colours of a theme, by what they mean.
#[derive(Debug, Clone, Copy)]
pub struct Palette {
    /// The ground behind everything else.
    pub page: Color32,
    /// The bar of pages.
    pub side: Color32,
    /// Cards and tables.
    pub card: Color32,
    /// Fields to type in, tracks of bars.
    pub well: Color32,
    /// Lines round cards.
    pub line: Color32,
    /// Edges by which something is recognised: fields to type in, a switch that is off.
    pub edge: Color32,
    /// A row or button under the pointer.
    pub hover: Color32,
    /// A chosen row.
    pub selected: Color32,
    /// The colour of ordinary text.
    pub text: Color32,
    /// Text that matters less.
    pub weak: Color32,
    /// What can be done, what moves.
    pub accent: Color32,
    /// Behind [`Self::on_accent`].
    pub accent_fill: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// What went well.
    pub good: Color32,
    /// Needs a person.
    pub bad: Color32,
    /// What waits, or may go wrong.
    pub warn: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// The dark theme.
pub const DARK: Palette = Palette {
    page: rgb(0x14161b),
    side: rgb(0x101216),
    card: rgb(0x1b1e25),
    well: rgb(0x12141a),
    line: rgb(0x2a2e37),
    edge: rgb(0x6b7382),
    hover: rgb(0x242832),
    selected: rgb(0x1f2d4d),
    text: rgb(0xe6e9ef),
    weak: rgb(0x9aa2b1),
    accent: rgb(0x7aa2ff),
    accent_fill: rgb(0x3f6fe4),
    on_accent: rgb(0xffffff),
    good: rgb(0x4cc38a),
    bad: rgb(0xff7b83),
    warn: rgb(0xe5b454),
};

/// The light theme.
pub const LIGHT: Palette = Palette {
    page: rgb(0xf6f7f9),
    side: rgb(0xeceef2),
    card: rgb(0xffffff),
    well: rgb(0xf1f3f6),
    line: rgb(0xdfe2e8),
    edge: rgb(0x858d9b),
    hover: rgb(0xeef0f4),
    selected: rgb(0xe1eaff),
    text: rgb(0x1b1f27),
    weak: rgb(0x58606e),
    accent: rgb(0x2456d6),
    accent_fill: rgb(0x2f63e6),
    on_accent: rgb(0xffffff),
    good: rgb(0x0f7040),
    bad: rgb(0xbc2430),
    warn: rgb(0x855600),
};

/// Corners of buttons, fields and rows.
pub const RADIUS: CornerRadius = CornerRadius::same(8);
/// Corners of what lies in a button, field or menu.
pub const RADIUS_SMALL: CornerRadius = CornerRadius::same(6);
/// Corners of cards.
pub const RADIUS_CARD: CornerRadius = CornerRadius::same(12);
/// Round a page; below it is the place of messages.
pub const PAGE_MARGIN: Margin = Margin { left: 20, right: 20, top: 14, bottom: 2 };
/// A row of a table.
pub const ROW_HEIGHT: f32 = 36.0;
/// A button or field.
pub const CONTROL_HEIGHT: f32 = 32.0;
/// A bar of progress.
pub const BAR_HEIGHT: f32 = 6.0;
/// The bar of pages.
pub const SIDE_WIDTH: f32 = 208.0;
/// Between things that belong together.
pub const GAP: f32 = 8.0;
/// Between things that do not.
pub const GAP_WIDE: f32 = 16.0;

/// The palette of the theme that is shown.
pub fn palette(ui: &Ui) -> &'static Palette {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// The letters of ordinary text.
pub fn body() -> FontId {
    FontId::new(13.5, FontFamily::Proportional)
}

/// Weaker and smaller.
pub fn small() -> FontId {
    FontId::new(12.0, FontFamily::Proportional)
}

/// The letters of names and buttons.
pub fn medium() -> FontId {
    FontId::new(13.5, family("medium"))
}

/// The title of a page.
pub fn title() -> FontId {
    FontId::new(20.0, family("semibold"))
}

/// The title of a card.
pub fn heading() -> FontId {
    FontId::new(15.0, family("semibold"))
}

/// Keys, addresses, commands.
pub fn mono() -> FontId {
    FontId::new(12.5, FontFamily::Monospace)
}

/// An icon of this size.
pub fn icon(size: f32) -> FontId {
    FontId::new(size, family("icons"))
}

fn family(name: &str) -> FontFamily {
    FontFamily::Name(name.into())
}

/// Puts fonts and both themes into the toolkit.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    style(ctx, Theme::Dark, &DARK);
    style(ctx, Theme::Light, &LIGHT);
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let embedded: [(&str, &'static [u8]); 5] = [
        ("inter", include_bytes!("../../../assets/fonts/Inter-Regular.ttf")),
        ("inter-medium", include_bytes!("../../../assets/fonts/Inter-Medium.ttf")),
        ("inter-semibold", include_bytes!("../../../assets/fonts/Inter-SemiBold.ttf")),
        ("mono", include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf")),
        ("phosphor", include_bytes!("../../../assets/fonts/Phosphor.ttf")),
    ];
    for (name, bytes) in embedded {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let behind = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let with = |first: &str| {
        let mut names = vec![first.to_owned(), "phosphor".to_owned()];
        names.extend(behind.iter().cloned());
        names
    };
    fonts.families.insert(FontFamily::Proportional, with("inter"));
    fonts.families.insert(family("medium"), with("inter-medium"));
    fonts.families.insert(family("semibold"), with("inter-semibold"));
    fonts.families.insert(family("icons"), with("phosphor"));
    fonts.families.insert(FontFamily::Monospace, with("mono"));
    fonts
}

fn style(ctx: &egui::Context, theme: Theme, p: &Palette) {
    ctx.style_mut_of(theme, |style| {
        style.text_styles = [
            (TextStyle::Body, body()),
            (TextStyle::Button, medium()),
            (TextStyle::Small, small()),
            (TextStyle::Heading, title()),
            (TextStyle::Monospace, mono()),
        ]
        .into();
        style.interaction.selectable_labels = false;
        style.interaction.tooltip_delay = 0.4;
        let spacing = &mut style.spacing;
        spacing.item_spacing = Vec2::splat(GAP);
        spacing.button_padding = Vec2::new(12.0, 6.0);
        spacing.interact_size.y = CONTROL_HEIGHT;
        spacing.menu_margin = Margin::same(6);
        spacing.tooltip_width = 520.0;
        spacing.icon_width = 18.0;

        let v = &mut style.visuals;
        v.panel_fill = p.page;
        v.window_fill = p.card;
        v.window_stroke = Stroke::new(1.0, p.line);
        v.window_corner_radius = RADIUS_CARD;
        v.menu_corner_radius = RADIUS;
        v.extreme_bg_color = p.well;
        v.text_edit_bg_color = Some(p.well);
        v.faint_bg_color = p.hover;
        v.code_bg_color = p.well;
        v.hyperlink_color = p.accent;
        v.error_fg_color = p.bad;
        v.warn_fg_color = p.warn;
        v.weak_text_color = Some(p.weak);
        v.selection.bg_fill = p.accent_fill.gamma_multiply(0.45);
        v.selection.stroke = Stroke::new(1.5, p.accent);
        v.striped = false;
        let widgets = &mut v.widgets;
        for widget in [
            &mut widgets.noninteractive,
            &mut widgets.inactive,
            &mut widgets.hovered,
            &mut widgets.active,
            &mut widgets.open,
        ] {
            widget.corner_radius = RADIUS;
            widget.expansion = 0.0;
            widget.fg_stroke = Stroke::new(1.0, p.text);
            widget.bg_stroke = Stroke::new(1.0, p.line);
            widget.bg_fill = p.card;
            widget.weak_bg_fill = p.card;
        }
        widgets.inactive.bg_fill = p.well;
        widgets.inactive.bg_stroke = Stroke::new(1.0, p.edge);
        for widget in [&mut widgets.hovered, &mut widgets.active, &mut widgets.open] {
            widget.bg_fill = p.hover;
            widget.weak_bg_fill = p.hover;
            widget.bg_stroke = Stroke::new(1.0, p.edge);
        }
        widgets.active.bg_stroke = Stroke::new(1.0, p.accent);
    });
}

/// Uses the theme of this name; any other name: the system's.
pub fn choose(ctx: &egui::Context, name: &str) {
    ctx.set_theme(match name {
        "light" => egui::ThemePreference::Light,
        "dark" => egui::ThemePreference::Dark,
        _ => egui::ThemePreference::System,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(color: Color32) -> f32 {
        let part = |c: u8| {
            let c = f32::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(color.r()) + 0.7152 * part(color.g()) + 0.0722 * part(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        for (name, p) in [("dark", DARK), ("light", LIGHT)] {
            for ground in [p.page, p.side, p.card, p.well, p.hover, p.selected] {
                for text in [p.text, p.weak, p.accent, p.good, p.bad, p.warn] {
                    let contrast = contrast(text, ground);
                    assert!(contrast >= 4.5, "{name}: {text:?} on {ground:?} is {contrast}");
                }
            }
            assert!(contrast(p.on_accent, p.accent_fill) >= 4.5, "{name}: the primary button");
        }
    }

    #[test]
    fn what_is_drawn_can_be_recognised_in_both_themes() {
        for (name, p) in [("dark", DARK), ("light", LIGHT)] {
            for ground in [p.page, p.card, p.well] {
                // Edges of fields and switches, bars, lines of the graph, the ring round what has the keyboard.
                for drawn in [p.edge, p.accent, p.accent_fill, p.good, p.bad, p.warn] {
                    let contrast = contrast(drawn, ground);
                    assert!(contrast >= 3.0, "{name}: {drawn:?} on {ground:?} is {contrast}");
                }
            }
            assert!(contrast(p.on_accent, p.edge) >= 3.0, "{name}: the knob of a switch that is off");
        }
    }
}
