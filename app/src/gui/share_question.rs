//! What is read before something is shared: how many files, how large, and what is left out.

use eframe::egui::{self, Label, RichText, ScrollArea, Ui};
use potok_core::model::shown::Shown;
use potok_core::model::shown_path::ShownPath;
use potok_core::service::share_indexer::event::ShareWarning;
use potok_core::service::share_indexer::preview::{PreviewedShare, SharePreview};
use rust_i18n::t;

use crate::gui::action::Action;
use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets::{self, Loud};
use crate::human::{self, thousands};
use crate::model::Model;
use crate::model::share_questions::ShareAnswer;
use crate::render::tables;

const SHARE_QUESTION_WIDTH: f32 = 560.0;
/// What is listed before it scrolls.
const ITEMS_HEIGHT_MAX: f32 = 260.0;
/// Things that are listed; more are counted.
const ITEMS_SHOWN_MAX: usize = 50;

/// Draws the question that is open, if any.
pub fn show(ctx: &egui::Context, model: &Model, actions: &mut Vec<Action>) {
    let Some(question) = model.sharing.current() else { return };
    let preview = &question.preview;
    let mut answer = None;
    let is_left = widgets::modal(ctx, "share-question", SHARE_QUESTION_WIDTH, |ui| {
        title(ui, preview);
        ScrollArea::vertical().auto_shrink([false, true]).max_height(ITEMS_HEIGHT_MAX).show(ui, |ui| {
            preview.items.iter().take(ITEMS_SHOWN_MAX).for_each(|one| item(ui, one));
            if preview.items.len() > ITEMS_SHOWN_MAX {
                let more = (preview.items.len() - ITEMS_SHOWN_MAX) as u64;
                widgets::weak(ui, t!("window.ask.more", count = thousands(more)));
            }
        });
        if !preview.fits() {
            ui.add_space(theme::GAP);
            bad(ui, &too_many(preview));
        }
        widgets::answers(ui, |ui| answers(ui, preview, &mut answer));
    });
    let answer = answer.or_else(|| is_left.then_some(ShareAnswer::Leave));
    actions.extend(answer.map(Action::AnswerShare));
}

fn title(ui: &mut Ui, preview: &SharePreview) {
    let files = preview.items.iter().fold(0_u64, |sum, item| sum.saturating_add(item.totals.files));
    let bytes = preview.items.iter().fold(0_u64, |sum, item| sum.saturating_add(item.totals.bytes));
    ui.horizontal(|ui| {
        widgets::glyph(ui, icons::FOLDER_SIMPLE_PLUS, 20.0, palette(ui).accent);
        let text = t!("window.share.title", files = thousands(files), size = human::size(bytes));
        ui.add(Label::new(RichText::new(text).font(theme::heading()).color(palette(ui).text)).wrap());
    });
    ui.add_space(theme::GAP);
}

fn item(ui: &mut Ui, item: &PreviewedShare) {
    let p = palette(ui);
    let path = ShownPath(&item.local).to_string();
    ui.add(Label::new(RichText::new(path).font(theme::mono()).color(p.text)).truncate());
    let (files, size) = (thousands(item.totals.files), human::size(item.totals.bytes));
    let text = if item.is_folder {
        t!("window.share.folder", files = files, size = size, name = Shown(item.share_as.as_str()))
    } else {
        t!("window.share.file", size = size, name = Shown(item.share_as.as_str()))
    };
    widgets::weak(ui, text);
    for (reason, count) in &item.left_out {
        widgets::weak(ui, tables::left_out(*reason, *count));
    }
    if item.empty_folders > 0 {
        widgets::weak(ui, tables::empty_folders(item.empty_folders));
    }
    match item.warning {
        Some(ShareWarning::WholeDisk) => bad(ui, &t!("window.share.whole-disk")),
        Some(ShareWarning::WholeHome) => bad(ui, &t!("window.share.whole-home")),
        Some(ShareWarning::OtherFileSystem) | None => {}
    }
    ui.add_space(theme::GAP);
}

fn too_many(preview: &SharePreview) -> String {
    let [new, room, max] = [preview.new_files, preview.room, preview.shares_max].map(thousands);
    t!("window.share.too-many", new = new, room = room, max = max).into_owned()
}

fn answers(ui: &mut Ui, preview: &SharePreview, answer: &mut Option<ShareAnswer>) {
    let yes = if preview.fits() {
        t!("window.shared.share")
    } else {
        t!("window.share.what-fits", count = thousands(preview.room))
    };
    ui.add_enabled_ui(preview.fits() || preview.room > 0, |ui| {
        if widgets::default_button(ui, Loud::Primary, &yes) {
            *answer = Some(ShareAnswer::Share);
        }
    });
    if widgets::button(ui, Loud::Plain, "", &t!("window.share.leave")).clicked() {
        *answer = Some(ShareAnswer::Leave);
    }
}

fn bad(ui: &mut Ui, text: &str) {
    ui.add(Label::new(RichText::new(text).font(theme::small()).color(palette(ui).bad)).wrap());
}
