//! The guide, by F1: the pages of `docs/guide` in the person's language, which are in the program with their pictures, so
//! that they are there without the internet too.

use std::fmt;

use eframe::egui::{
    self, ColorImage, Frame, Image, Label, Margin, RichText, ScrollArea, TextureHandle, TextureOptions, Theme, Ui, vec2,
};
use eframe::icon_data;
use egui_commonmark::{CommonMarkCache, CommonMarkViewer};
use rust_i18n::t;

use crate::gui::action::{Action, Dialog};
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};

/// Widest and narrowest that the whole of it becomes.
const WIDTH: std::ops::RangeInclusive<f32> = 480.0..=940.0;
/// What is left of the window round it.
const ROUND_THE_GUIDE: f32 = 96.0;
const PAGE_NAMES_WIDTH: f32 = 200.0;
/// What is not bold, beside what is.
const PALE: f32 = 0.78;
/// Where links lead that are neither pages nor addresses.
const SOURCES: &str = "https://github.com/potok-share/potok/blob/main/";

/// A page: the name of its file, and its text in English and Bulgarian.
struct Page {
    file: &'static str,
    texts: [&'static str; 2],
}

/// A page by the name of its file.
macro_rules! page {
    ($file:literal) => {
        Page {
            file: $file,
            texts: [
                include_str!(concat!("../../../docs/guide/en/", $file)),
                include_str!(concat!("../../../docs/guide/bg/", $file)),
            ],
        }
    };
}

/// Both themes of a picture.
macro_rules! picture {
    ($name:literal, $language:literal) => {
        (
            concat!($name, "-dark-", $language, ".png"),
            [
                include_bytes!(concat!("../../../docs/pictures/", $name, "-dark-", $language, ".png")).as_slice(),
                include_bytes!(concat!("../../../docs/pictures/", $name, "-light-", $language, ".png")).as_slice(),
            ],
        )
    };
}

const PAGES: [Page; 6] = [
    page!("first-network.md"),
    page!("sharing.md"),
    page!("what-others-see.md"),
    page!("reaching.md"),
    page!("tracker.md"),
    page!("trouble.md"),
];

/// By the name that the pages have for it: dark, light.
const PICTURES: [(&str, [&[u8]; 2]); 10] = [
    picture!("welcome", "en"),
    picture!("welcome", "bg"),
    picture!("browse", "en"),
    picture!("browse", "bg"),
    picture!("shared", "en"),
    picture!("shared", "bg"),
    picture!("people", "en"),
    picture!("people", "bg"),
    picture!("tracker", "en"),
    picture!("tracker", "bg"),
];

/// The guide, if it is open.
#[derive(Debug, Default)]
pub struct Guide {
    open: Option<OpenPage>,
}

struct OpenPage {
    page: usize,
    /// What the toolkit remembers of it.
    cache: CommonMarkCache,
    /// The pictures of this page as they are drawn, with what they were made of.
    pictures: Vec<(&'static str, Theme, TextureHandle)>,
    is_new: bool,
}

impl Guide {
    /// Shows it, on its first page.
    pub fn open(&mut self) {
        self.open = Some(OpenPage::new(0));
    }

    /// Whether it is shown.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

impl fmt::Debug for OpenPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenPage").field("page", &self.page).finish_non_exhaustive()
    }
}

impl OpenPage {
    fn new(page: usize) -> Self {
        let mut cache = CommonMarkCache::default();
        PAGES.iter().for_each(|page| cache.add_link_hook(page.file));
        Self { page, cache, pictures: Vec::new(), is_new: true }
    }

    /// The page that a link led to.
    fn followed(&self) -> Option<usize> {
        PAGES.iter().position(|page| self.cache.get_link_hook(page.file) == Some(true))
    }

    fn picture(&mut self, ctx: &egui::Context, file: &str) -> Option<TextureHandle> {
        let (name, made_of) = PICTURES.iter().find(|(name, _)| *name == file)?;
        let theme = ctx.theme();
        if let Some((.., drawn)) = self.pictures.iter().find(|(drawn, of, _)| drawn == name && *of == theme) {
            return Some(drawn.clone());
        }
        let png = made_of[usize::from(theme == Theme::Light)];
        let read = icon_data::from_png_bytes(png).ok()?;
        let size = [usize::try_from(read.width).ok()?, usize::try_from(read.height).ok()?];
        let image = ColorImage::from_rgba_unmultiplied(size, &read.rgba);
        let drawn = ctx.load_texture(*name, image, TextureOptions::LINEAR);
        self.pictures.push((name, theme, drawn.clone()));
        Some(drawn)
    }
}

/// What a page is drawn of. A picture stands on a line of its own.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Picture { title: &'a str, file: &'a str },
    Commands(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let blocks = text.split("```").enumerate();
    let pieces = blocks.flat_map(|(at, block)| match at % 2 {
        0 => text_and_pictures(block),
        // The first line says what language it is in.
        _ => vec![Piece::Commands(block.split_once('\n').map_or("", |(_, commands)| commands.trim_end()))],
    });
    pieces.collect()
}

fn text_and_pictures(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some(at) = text.find("\n![") {
        let (before, from) = text.split_at(at);
        let line = from[1..].lines().next().unwrap_or_default();
        pieces.push(Piece::Text(before));
        let inside = line.strip_prefix("![").and_then(|line| line.strip_suffix(')'));
        if let Some((title, path)) = inside.and_then(|inside| inside.split_once("](")) {
            pieces.push(Piece::Picture { title, file: path.rsplit('/').next().unwrap_or(path) });
        }
        text = &from[1 + line.len()..];
    }
    pieces.push(Piece::Text(text));
    pieces
}

/// The first line, which says what the page is about.
fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches(['#', ' '])
}

/// Draws it, if it is open.
pub fn show(ctx: &egui::Context, guide: &mut Guide, actions: &mut Vec<Action>) {
    let Some(open) = &mut guide.open else { return };
    let room = ctx.content_rect().size() - vec2(ROUND_THE_GUIDE, ROUND_THE_GUIDE);
    let width = room.x.clamp(*WIDTH.start(), *WIDTH.end());
    let language = usize::from(&*rust_i18n::locale() == "bg");
    let mut wanted = None;
    let mut is_over = false;
    let is_left = widgets::modal(ctx, "guide", width, |ui| {
        ui.set_height(room.y);
        ui.horizontal_top(|ui| {
            ui.vertical(|ui| {
                ui.set_width(PAGE_NAMES_WIDTH);
                wanted = names(ui, open, language);
                ui.add_space(theme::GAP_WIDE);
                if widgets::button(ui, Loud::Quiet, "", &t!("window.keys.title")).clicked() {
                    actions.push(Action::Dialog(Dialog::Shortcuts));
                    is_over = true;
                }
                is_over |= widgets::button(ui, Loud::Plain, "", &t!("window.close")).clicked();
            });
            ui.vertical(|ui| page(ui, open, language));
        });
    });
    if let Some(page) = wanted.or_else(|| open.followed()) {
        guide.open = Some(OpenPage::new(page));
    } else if is_over || is_left {
        guide.open = None;
    }
}

/// The names of the pages; the one that was clicked.
fn names(ui: &mut Ui, open: &mut OpenPage, language: usize) -> Option<usize> {
    let mut wanted = None;
    widgets::heading(ui, &t!("window.guide.title"));
    ui.add_space(theme::GAP);
    for (at, page) in PAGES.iter().enumerate() {
        let name = RichText::new(title(page.texts[language])).font(theme::medium());
        let button = ui.selectable_label(at == open.page, name);
        if at == open.page && std::mem::take(&mut open.is_new) {
            button.request_focus();
        }
        if button.clicked() {
            wanted = Some(at);
        }
    }
    wanted
}

fn page(ui: &mut Ui, open: &mut OpenPage, language: usize) {
    let text = PAGES[open.page].texts[language].replace("](../../../", &format!("]({SOURCES}"));
    ScrollArea::vertical().id_salt(("guide", open.page)).auto_shrink(false).show(ui, |ui| {
        // The bar lies over the right edge.
        ui.set_max_width(ui.available_width() - theme::GAP_WIDE);
        // Words of the window are bold in the pages; here they stand out by being less pale.
        let text_color = palette(ui).text;
        let visuals = ui.visuals_mut();
        visuals.override_text_color = None;
        visuals.widgets.noninteractive.fg_stroke.color = text_color.gamma_multiply(PALE);
        visuals.widgets.active.fg_stroke.color = text_color;
        for (at, piece) in pieces(&text).into_iter().enumerate() {
            match piece {
                Piece::Text(text) => {
                    ui.push_id(at, |ui| {
                        CommonMarkViewer::new().show(ui, &mut open.cache, text);
                    });
                }
                Piece::Commands(commands) => {
                    let text = RichText::new(commands).font(theme::mono()).color(palette(ui).text);
                    let frame = Frame::new().fill(palette(ui).page).corner_radius(theme::RADIUS);
                    frame.inner_margin(Margin::same(10)).show(ui, |ui| {
                        ui.set_width(ui.available_width());
                        ui.add(Label::new(text).selectable(true));
                    });
                    ui.add_space(theme::GAP);
                }
                Piece::Picture { title, file } => {
                    if let Some(drawn) = open.picture(ui.ctx(), file) {
                        ui.add(Image::new(&drawn).max_width(ui.available_width()).alt_text(title));
                    }
                    ui.label(RichText::new(title).font(theme::small()).color(palette(ui).weak));
                }
            }
            // What follows would forget that a link was clicked.
            if open.followed().is_some() {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_of_a_page_is_in_the_program() {
        let mut seen = 0;
        for text in PAGES.iter().flat_map(|page| page.texts) {
            assert!(!title(text).is_empty() && text.matches("![").count() < pieces(text).len(), "{}", title(text));
            for piece in pieces(text) {
                let Piece::Picture { title, file } = piece else { continue };
                seen += 1;
                let (_, made_of) = PICTURES.iter().find(|(name, _)| *name == file).expect(file);
                assert!(
                    !title.is_empty() && made_of.iter().all(|png| icon_data::from_png_bytes(png).is_ok()),
                    "{file}"
                );
            }
        }
        assert!(seen >= PICTURES.len(), "{seen}");
    }

    #[test]
    fn a_picture_stands_on_a_line_of_its_own() {
        let text = "# A\n\ntext\n\n![P](../../pictures/p-dark-en.png)\n\nmore ![not a picture] (x)\n";
        assert_eq!(
            pieces(text),
            [
                Piece::Text("# A\n\ntext\n"),
                Piece::Picture { title: "P", file: "p-dark-en.png" },
                Piece::Text("\n\nmore ![not a picture] (x)\n"),
            ]
        );
        let commands = "a\n\n```console\n> x\n> y\n```\n\nb";
        assert_eq!(pieces(commands), [Piece::Text("a\n\n"), Piece::Commands("> x\n> y"), Piece::Text("\n\nb")]);
        assert_eq!(title("# A b\n\nc"), "A b");
        assert_eq!(pieces("\n![broken\nx"), [Piece::Text(""), Piece::Text("\nx")]);
    }
}
