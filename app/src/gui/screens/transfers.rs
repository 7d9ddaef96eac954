//! Downloads and uploads: what they do and why, and what can be done about it.

use eframe::egui::{Id, Key, Modifiers, Rect, Ui, pos2, vec2};
use egui_plot::{Line, Plot, PlotPoints};
use potok_core::model::shown::Shown;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, TransferNumber, Which};
use potok_core::node::notice::{Direction, Transfer, TransferState};
use rust_i18n::t;

use crate::gui::action::{Action, Confirm, Page};
use crate::gui::icons;
use crate::gui::screens::file_icon;
use crate::gui::theme::{self, Palette, palette};
use crate::gui::widgets::table::{Column, Row, Selection, Table};
use crate::gui::widgets::{self, Loud, icon_button_at, one_line};
use crate::human;
use crate::model::{Model, SPEEDS_MAX, short};
use crate::texts;

/// Which transfers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Only {
    #[default]
    All,
    Downloads,
    Uploads,
}

/// What is chosen here.
#[derive(Debug, Default)]
pub struct State {
    only: Only,
    selection: Selection,
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut State, actions: &mut Vec<Action>) {
    let all: Vec<&Transfer> = model.transfers.values().collect();
    let rows: Vec<&Transfer> = all
        .iter()
        .filter(|t| match state.only {
            Only::All => true,
            Only::Downloads => t.direction == Direction::Download,
            Only::Uploads => t.direction == Direction::Upload,
        })
        .copied()
        .rev()
        .collect();
    let (down, up) = model.speed();
    let beside = format!("↓ {}    ↑ {}", human::speed(down), human::speed(up));
    widgets::head(ui, &t!("window.page.transfers"), &beside, |ui| {
        let has_over = all.iter().any(|t| t.state.is_final());
        ui.add_enabled_ui(has_over, |ui| {
            if widgets::button(ui, Loud::Quiet, icons::BROOM, &t!("window.transfers.clear")).clicked() {
                actions.push(Action::ClearFinished);
            }
        });
        ui.add_enabled_ui(all.iter().any(|t| can_resume(t)), |ui| {
            if widgets::button(ui, Loud::Quiet, icons::PLAY, &t!("window.transfers.resume-all")).clicked() {
                actions.push(Action::Ask(Intent::Resume(Which::All)));
            }
        });
        ui.add_enabled_ui(all.iter().any(|t| can_pause(t)), |ui| {
            if widgets::button(ui, Loud::Quiet, icons::PAUSE, &t!("window.transfers.pause-all")).clicked() {
                actions.push(Action::Ask(Intent::Pause(Which::All)));
            }
        });
    });
    if all.is_empty() {
        let (title, text) = (t!("window.transfers.empty-title"), t!("window.transfers.empty-text"));
        widgets::empty(ui, icons::DOWNLOAD_SIMPLE, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::COMPASS, &t!("window.transfers.browse")).clicked() {
                actions.push(Action::Go(Page::Browse));
            }
        });
        return;
    }
    ui.horizontal(|ui| {
        let (a, d, u) = (t!("window.transfers.all"), t!("window.transfers.downloads"), t!("window.transfers.uploads"));
        let options =
            [(Only::All, "", &*a), (Only::Downloads, icons::ARROW_DOWN, &*d), (Only::Uploads, icons::ARROW_UP, &*u)];
        if widgets::choice(ui, &mut state.only, &options) {
            state.selection.clear();
        }
        widgets::weak(ui, totals(&rows));
    });
    ui.add_space(4.0);
    let graph = model.speeds.len() > 1 && ui.available_height() > 380.0;
    let height = ui.available_height() - 48.0 - if graph { 128.0 } else { 0.0 };
    table(ui, state, &rows, height.max(80.0), actions);
    if graph {
        ui.add_space(theme::GAP);
        speeds(ui, model);
    }
}

fn totals(rows: &[&Transfer]) -> String {
    let done = rows.iter().map(|t| t.done_bytes).fold(0, u64::saturating_add);
    let total = rows.iter().map(|t| t.total_bytes).fold(0, u64::saturating_add);
    t!("window.transfers.totals", done = human::size(done), total = human::size(total)).into_owned()
}

fn can_pause(t: &Transfer) -> bool {
    t.direction == Direction::Download && !t.state.is_final() && t.state != TransferState::Paused
}

fn can_resume(t: &Transfer) -> bool {
    t.direction == Direction::Download && t.state == TransferState::Paused
}

fn can_retry(t: &Transfer) -> bool {
    t.direction == Direction::Download && matches!(t.state, TransferState::Failed(_))
}

fn can_cancel(t: &Transfer) -> bool {
    t.direction == Direction::Download && !t.state.is_final()
}

/// What a transfer is doing, in words.
pub fn state_words(transfer: &Transfer) -> String {
    match &transfer.state {
        TransferState::Queued => t!("window.state.queued").into_owned(),
        TransferState::WaitingForUser => {
            t!("window.state.waiting-for-user", user = Shown(transfer.user.as_str())).into_owned()
        }
        TransferState::Connecting => t!("window.state.connecting").into_owned(),
        TransferState::WaitingForSlot { place } => t!("window.state.waiting-for-slot", place = place).into_owned(),
        TransferState::Checking => t!("window.state.checking").into_owned(),
        TransferState::Running => running_words(transfer),
        TransferState::Paused => t!("window.state.paused").into_owned(),
        TransferState::DiskFull => t!("window.state.disk-full").into_owned(),
        TransferState::Finished => t!("window.state.finished").into_owned(),
        TransferState::Failed(Failure::Cancelled) => t!("window.state.cancelled").into_owned(),
        TransferState::Failed(why) => texts::of_failure(why),
    }
}

fn running_words(transfer: &Transfer) -> String {
    let mut words = human::speed(transfer.bytes_per_second);
    let missing = transfer.total_bytes.saturating_sub(transfer.done_bytes);
    if let Some(left) = human::time_left(missing, transfer.bytes_per_second) {
        words += &format!(" · {left}");
    }
    if transfer.sources > 1 {
        words += &format!(" · {}", t!("window.state.sources", count = transfer.sources));
    }
    words
}

fn color(p: &Palette, state: &TransferState) -> eframe::egui::Color32 {
    match state {
        TransferState::Finished => p.good,
        TransferState::Failed(Failure::Cancelled) | TransferState::Paused | TransferState::Queued => p.weak,
        TransferState::Failed(_) | TransferState::DiskFull => p.bad,
        TransferState::WaitingForUser | TransferState::WaitingForSlot { .. } => p.warn,
        TransferState::Connecting | TransferState::Checking | TransferState::Running => p.accent,
    }
}

fn table(ui: &mut Ui, state: &mut State, rows: &[&Transfer], height: f32, actions: &mut Vec<Action>) {
    let column = |name: &str, width, is_right| Column::<()> { name: name.to_owned(), width, is_right, key: None };
    let columns = [
        column(&t!("window.column.name"), 0.0, false),
        column(&t!("window.column.size"), 92.0, true),
        column(&t!("window.column.person"), 118.0, false),
        column(&t!("window.column.progress"), 134.0, false),
        column(&t!("window.column.state"), 200.0, false),
        column("", 80.0, true),
    ];
    let table = Table { id: "transfers", columns: &columns, rows: rows.len(), sorted: None, height: Some(height) };
    let mut from_menu = Vec::new();
    let mut from_rows = Vec::new();
    let happened = table.show(
        ui,
        &mut state.selection,
        |index| rows.get(index).map_or(String::new(), |t| format!("{} {}", short(&t.label), state_words(t))),
        |index, row| {
            if let Some(transfer) = rows.get(index) {
                draw(row, transfer, &mut from_rows);
            }
        },
        |ui, chosen| menu(ui, &of(rows, chosen), &mut from_menu),
    );
    actions.append(&mut from_menu);
    actions.append(&mut from_rows);
    let chosen = of(rows, &state.selection);
    if let Some(path) = happened.opened.and_then(|row| rows.get(row)).and_then(|t| finished_place(t)) {
        actions.push(Action::Open(path));
    }
    if widgets::keys_are_free(ui) {
        if widgets::pressed(ui, Modifiers::NONE, Key::Delete) {
            cancel(&chosen, actions);
        }
        if widgets::pressed(ui, Modifiers::NONE, Key::Space) {
            let running = numbers(&chosen, can_pause);
            let paused = numbers(&chosen, can_resume);
            actions.extend(Action::each(&running, Intent::Pause));
            actions.extend(Action::each(&paused, Intent::Resume));
        }
    }
}

fn of<'a>(rows: &[&'a Transfer], chosen: &Selection) -> Vec<&'a Transfer> {
    chosen.rows.iter().filter_map(|row| rows.get(row).copied()).collect()
}

fn numbers(chosen: &[&Transfer], can: impl Fn(&Transfer) -> bool) -> Vec<TransferNumber> {
    chosen.iter().filter(|t| can(t)).map(|t| t.number).collect()
}

fn cancel(chosen: &[&Transfer], actions: &mut Vec<Action>) {
    let numbers = numbers(chosen, can_cancel);
    if !numbers.is_empty() {
        actions.push(Action::Confirm(Confirm::Cancel(numbers)));
    }
}

fn finished_place(t: &Transfer) -> Option<std::path::PathBuf> {
    (t.state == TransferState::Finished).then(|| t.local_path.clone()).flatten()
}

fn draw(row: &mut Row<'_>, t: &Transfer, actions: &mut Vec<Action>) {
    let p = palette(row.ui);
    let name = short(&t.label);
    let icon = if t.label.ends_with('/') || t.files > 1 { icons::FOLDER } else { file_icon(&name) };
    row.icon_text(0, icon, &name, theme::body(), p.text);
    row.text(1, &human::size(t.total_bytes), theme::body(), p.weak);
    let arrow = if t.direction == Direction::Download { "↓" } else { "↑" };
    row.text(2, &format!("{arrow} {}", Shown(t.user.as_str())), theme::body(), p.text);
    let cell = row.cells[3];
    let color = color(p, &t.state);
    let percent =
        one_line(row.ui, &format!("{}%", human::percent(t.done_bytes, t.total_bytes)), theme::small(), p.weak, 40.0);
    let bar = Rect::from_min_max(cell.min, pos2(cell.right() - 42.0, cell.max.y));
    widgets::bar(row.ui, bar, widgets::part(t.done_bytes, t.total_bytes), color);
    let at = pos2(cell.right() - percent.size().x, cell.center().y - percent.size().y / 2.0);
    row.ui.painter().galley(at, percent, p.weak);
    row.text(4, &state_words(t), theme::small(), if color == p.accent { p.text } else { color });
    buttons(row, t, actions);
}

fn buttons(row: &mut Row<'_>, t: &Transfer, actions: &mut Vec<Action>) {
    let cell = row.cells[5];
    let ui = &mut *row.ui;
    let mut right = cell.right();
    let mut button = |what: &str, icon: &str, name: &str| {
        let rect = Rect::from_center_size(pos2(right - 14.0, cell.center().y), vec2(28.0, 28.0));
        right -= 30.0;
        let id = Id::unique(("transfer", t.direction, t.number, what));
        icon_button_at(ui, rect, id, icon, &format!("{name}: {}", short(&t.label))).clicked()
    };
    if can_cancel(t) && button("cancel", icons::X, &t!("window.transfers.cancel")) {
        cancel(&[t], actions);
    }
    let one = Which::One(t.number);
    if can_pause(t) && button("pause", icons::PAUSE, &t!("window.transfers.pause")) {
        actions.push(Action::Ask(Intent::Pause(one)));
    }
    if can_resume(t) && button("resume", icons::PLAY, &t!("window.transfers.resume")) {
        actions.push(Action::Ask(Intent::Resume(one)));
    }
    if can_retry(t) && button("retry", icons::ARROW_CLOCKWISE, &t!("window.transfers.retry")) {
        actions.push(Action::Ask(Intent::Retry(one)));
    }
    if let Some(path) = finished_place(t) {
        if button("reveal", icons::FOLDER_OPEN, &t!("window.transfers.reveal")) {
            actions.push(Action::Reveal(path.clone()));
        }
        if button("open", icons::ARROW_SQUARE_OUT, &t!("window.transfers.open")) {
            actions.push(Action::Open(path));
        }
    }
}

fn menu(ui: &mut Ui, chosen: &[&Transfer], actions: &mut Vec<Action>) {
    let place = chosen.first().and_then(|t| finished_place(t));
    let can = |can: fn(&Transfer) -> bool| numbers(chosen, can);
    let item = |ui: &mut Ui, is_enabled: bool, icon: &str, text: &str, keys: &str| {
        ui.add_enabled_ui(is_enabled, |ui| widgets::menu_item(ui, icon, text, keys)).inner
    };
    if item(ui, place.is_some(), icons::ARROW_SQUARE_OUT, &t!("window.transfers.open"), "Enter") {
        actions.extend(place.clone().map(Action::Open));
    }
    if item(ui, place.is_some(), icons::FOLDER_OPEN, &t!("window.transfers.reveal"), "") {
        actions.extend(place.map(Action::Reveal));
    }
    let (pause, resume, retry, stop) = (can(can_pause), can(can_resume), can(can_retry), can(can_cancel));
    if item(ui, !pause.is_empty(), icons::PAUSE, &t!("window.transfers.pause"), "Space") {
        actions.extend(Action::each(&pause, Intent::Pause));
    }
    if item(ui, !resume.is_empty(), icons::PLAY, &t!("window.transfers.resume"), "Space") {
        actions.extend(Action::each(&resume, Intent::Resume));
    }
    if item(ui, !retry.is_empty(), icons::ARROW_CLOCKWISE, &t!("window.transfers.retry"), "") {
        actions.extend(Action::each(&retry, Intent::Retry));
    }
    if item(ui, !stop.is_empty(), icons::X, &t!("window.transfers.cancel"), "Del") {
        actions.push(Action::Confirm(Confirm::Cancel(stop)));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a picture of about a hundred points")]
fn speeds(ui: &mut Ui, model: &Model) {
    let p = palette(ui);
    let line = |pick: fn(&(u64, u64)) -> u64| -> PlotPoints<'_> {
        let from = SPEEDS_MAX - model.speeds.len();
        model.speeds.iter().enumerate().map(|(n, s)| [(from + n) as f64, pick(s) as f64]).collect()
    };
    let frame = eframe::egui::Frame::new().fill(p.card).stroke(eframe::egui::Stroke::new(1.0, p.line));
    frame.corner_radius(theme::RADIUS_CARD).inner_margin(8).show(ui, |ui| {
        Plot::new("speeds")
            .height(ui.available_height().min(104.0))
            .show_background(false)
            .show_axes([false, true])
            .show_grid(false)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .include_x(0.0)
            .include_x(SPEEDS_MAX as f64)
            .include_y(0.0)
            .include_y(1024.0)
            .y_axis_formatter(|mark, _range| {
                // Marks are never negative or larger than a speed can be.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mark on an axis")]
                human::speed(mark.value.max(0.0) as u64)
            })
            .show(ui, |plot| {
                plot.line(Line::new(t!("window.transfers.down"), line(|s| s.0)).color(p.accent).fill(0.0).width(2.0));
                plot.line(Line::new(t!("window.transfers.up"), line(|s| s.1)).color(p.good).width(2.0));
            });
    });
}
