//! The sources and the files of the one transfer that is chosen: lists of lines, of which those in view are made.

use eframe::egui::{Align2, Color32, FontId, Rect, ScrollArea, Sense, Ui, WidgetInfo, accesskit::Role, pos2, vec2};
use potok_core::model::attempt::TryOutcome;
use potok_core::model::shown::Shown;
use potok_core::model::transfer_details::{FileStage, SourceStanding, TransferDetails};
use potok_core::node::event::Transfer;
use potok_core::node::intent::FileQuery;
use rust_i18n::t;

use crate::gui::icons;
use crate::gui::theme::{self, palette};
use crate::gui::widgets;
use crate::gui::widgets::text::{middle_line, one_line};
use crate::{human, texts};

const LIST_LINE_HEIGHT: f32 = 26.0;
const TRIED_LINE_HEIGHT: f32 = 20.0;
const TRIED_INDENT: f32 = 26.0;
const SIZE_WIDTH: f32 = 96.0;
const STATE_WIDTH: f32 = 250.0;
/// The next page is asked for so many files before its first one is in view.
const FILES_AHEAD: u64 = 50;

/// Who sends it, or takes it.
pub(super) fn sources(ui: &mut Ui, details: Option<&TransferDetails>) {
    let Some(details) = details else { return waiting(ui) };
    if details.sources.is_empty() {
        widgets::weak(ui, t!("window.transfers.no-sources"));
        return;
    }
    ScrollArea::vertical().id_salt("sources").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for source in &details.sources {
            let p = palette(ui);
            let name = Shown(source.user.as_str()).to_string();
            let state = texts::of_standing(source.standing);
            let way = source.way.map(texts::of_way).unwrap_or_default();
            let color = match source.standing {
                SourceStanding::Sending => p.good,
                SourceStanding::Lied | SourceStanding::GivenUp | SourceStanding::OtherKey => p.bad,
                SourceStanding::Waiting(_) | SourceStanding::Declines | SourceStanding::Unreachable => p.warn,
                _ => p.weak,
            };
            // What it sends for other transfers is not told here.
            let speed = match source.bytes_per_second {
                speed if speed > 0 && source.standing == SourceStanding::Sending => human::speed(speed),
                _ => String::new(),
            };
            let middle = if way.is_empty() { state } else { format!("{state} · {way}") };
            line(ui, icons::USER, &name, &speed, &middle, color);
            for tried in source.tried.iter().filter(|_| source.is_worth_telling()) {
                let color = if tried.outcome == TryOutcome::Reached { p.good } else { p.weak };
                tried_line(ui, &texts::of_tried(tried, source.tried_by_them), color);
            }
        }
        if details.sources_left_out > 0 {
            widgets::weak(ui, t!("window.transfers.more-sources", count = details.sources_left_out));
        }
    });
}

/// Its files; `query` follows what is in view.
pub(super) fn files(ui: &mut Ui, transfer: &Transfer, details: Option<&TransferDetails>, query: &mut FileQuery) {
    let page = details.map(|details| &details.files).filter(|page| page.query.only_failed == query.only_failed);
    let Some(page) = page else { return waiting(ui) };
    if page.total == 0 {
        widgets::weak(ui, t!("window.transfers.no-files"));
        return;
    }
    let rows = usize::try_from(page.total).unwrap_or(usize::MAX);
    let id = ("files", transfer.number, query.only_failed);
    let scroll = ScrollArea::vertical().id_salt(id).auto_shrink([false, false]);
    ui.spacing_mut().item_spacing.y = 0.0;
    scroll.show_rows(ui, LIST_LINE_HEIGHT, rows, |ui, view| {
        let (first, last) = (view.start as u64, view.end as u64);
        let behind = page.query.from + page.files.len() as u64;
        if first < page.query.from || (last > behind && behind < page.total) {
            query.from = first.saturating_sub(FILES_AHEAD);
        }
        for row in view {
            let file =
                (row as u64).checked_sub(page.query.from).and_then(|at| page.files.get(usize::try_from(at).ok()?));
            let Some(file) = file else {
                line(ui, icons::FILE, "…", "", "", Color32::TRANSPARENT);
                continue;
            };
            let p = palette(ui);
            let name = Shown(name_in(transfer, &file.path)).to_string();
            let (state, color) = match &file.stage {
                FileStage::Waiting if file.done_bytes == 0 => (t!("window.state.queued").into_owned(), p.weak),
                FileStage::Waiting | FileStage::UnderWay => {
                    (format!("{}%", human::percent(file.done_bytes, file.size)), p.accent)
                }
                FileStage::Held => (t!("window.transfers.held").into_owned(), p.accent),
                FileStage::LeftOut => (t!("window.transfers.left-out").into_owned(), p.weak),
                FileStage::Finished => (t!("window.state.finished").into_owned(), p.good),
                FileStage::Failed(Some(why)) => (texts::of_transfer_error(why), p.bad),
                FileStage::Failed(None) => (t!("window.transfers.failed").into_owned(), p.bad),
            };
            line(ui, icons::of_file(&name), &name, &human::size(file.size), &state, color);
        }
    });
}

/// What a file is called in the list of a transfer's files: what all of them begin with is above. The only file of a
/// transfer is called what the transfer is.
fn name_in<'a>(transfer: &Transfer, path: &'a str) -> &'a str {
    match path.strip_prefix(&transfer.label) {
        Some("") => path.rsplit('/').next().unwrap_or(path),
        rest => rest.unwrap_or(path),
    }
}

fn waiting(ui: &mut Ui) {
    widgets::weak(ui, t!("window.browse.loading-more"));
}

/// An icon and a name, a number, and a word about it.
fn line(ui: &mut Ui, icon: &str, name: &str, number: &str, state: &str, color: Color32) {
    let p = palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LIST_LINE_HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, format!("{name} {number} {state}")));
    let y = rect.center().y;
    let state_width = STATE_WIDTH.min(rect.width() * 0.4);
    let state_left = rect.right() - state_width;
    let number_right = state_left - 20.0;
    let name_width = number_right - SIZE_WIDTH - rect.left() - 26.0;
    ui.painter().text(pos2(rect.left() + 2.0, y), Align2::LEFT_CENTER, icon, theme::icon(16.0), p.weak);
    let (galley, is_cut) = middle_line(ui, name, theme::body(), p.text, name_width.max(20.0));
    ui.painter().galley(pos2(rect.left() + 26.0, y - galley.size().y / 2.0), galley, p.text);
    put(ui, Rect::from_x_y_ranges(number_right - SIZE_WIDTH..=number_right, rect.y_range()), number, p.weak, true);
    put(ui, Rect::from_x_y_ranges(state_left..=rect.right() - 8.0, rect.y_range()), state, color, false);
    if is_cut {
        response.on_hover_text(name);
    } else if state.chars().count() > 36 {
        response.on_hover_text(state);
    }
}

/// What came of a try to reach the one above.
fn tried_line(ui: &mut Ui, text: &str, color: Color32) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), TRIED_LINE_HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, text));
    let galley = one_line(ui, text, theme::small(), color, rect.width() - TRIED_INDENT);
    let at = pos2(rect.left() + TRIED_INDENT, rect.center().y - galley.size().y / 2.0);
    let is_cut = galley.elided;
    ui.painter().galley(at, galley, color);
    if is_cut {
        response.on_hover_text(text);
    }
}

fn put(ui: &Ui, cell: Rect, text: &str, color: Color32, is_right: bool) {
    let font: FontId = theme::small();
    let galley = one_line(ui, text, font, color, cell.width());
    let x = if is_right { cell.right() - galley.size().x } else { cell.left() };
    ui.painter().galley(pos2(x, cell.center().y - galley.size().y / 2.0), galley, color);
}
