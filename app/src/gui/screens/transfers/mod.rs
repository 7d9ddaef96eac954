//! Downloads and uploads: what they do and why, in which order, and what can be done about it.

mod columns;
mod details;
mod graph;

use eframe::egui::{Key, Modifiers, Ui};
use potok_core::model::transfer::TransferError;
use potok_core::node::event::{Direction, Transfer, TransferState};
use potok_core::node::intent::{Intent, QueueMove, TransferId, TransferSelection};
use rust_i18n::t;

use crate::gui::action::{Action, Confirm};
use crate::gui::icons;
use crate::gui::screen::Screen;
use crate::gui::screens::transfers::columns::state_words;
use crate::gui::theme;
use crate::gui::widgets::selection::RowSelection;
use crate::gui::widgets::table::Table;
use crate::gui::widgets::{self, Loud};
use crate::human;
use crate::model::{Model, short};

/// The graph of speeds, with the gap above it.
const GRAPH_HEIGHT: f32 = 166.0;
/// What is said about the one that is chosen, with the gap above it.
const DETAILS_HEIGHT: f32 = 120.0;

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
pub struct TransfersState {
    only: Only,
    selection: RowSelection,
    /// What the rows were when something was chosen.
    keys: Vec<TransferId>,
}

/// Draws the page.
pub fn show(ui: &mut Ui, model: &Model, state: &mut TransfersState, actions: &mut Vec<Action>) {
    let rows = rows(model, state.only);
    let keys: Vec<TransferId> = rows.iter().map(|t| t.number).collect();
    if keys != state.keys {
        state.selection.follow(&state.keys, &keys);
        state.keys = keys;
    }
    let (down, up) = model.speed();
    widgets::head(ui, &t!("window.page.transfers"), "", |ui| all_of_them(ui, model, actions));
    if model.transfers.is_empty() {
        let (title, text) = (t!("window.transfers.empty-title"), t!("window.transfers.empty-text"));
        widgets::empty(ui, icons::DOWNLOAD_SIMPLE, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::COMPASS, &t!("window.transfers.browse")).clicked() {
                actions.push(Action::Go(Screen::Browse));
            }
        });
        return;
    }
    ui.horizontal(|ui| {
        let (a, d, u) = (t!("window.transfers.all"), t!("window.transfers.downloads"), t!("window.transfers.uploads"));
        let options = [
            (Only::All, icons::LIST_BULLETS, &*a),
            (Only::Downloads, icons::ARROW_DOWN, &*d),
            (Only::Uploads, icons::ARROW_UP, &*u),
        ];
        if widgets::choice(ui, &mut state.only, &options) {
            state.selection.clear();
        }
        let mut text = totals(&rows);
        if !widgets::is_narrow(ui) {
            text += &format!("    ↓ {}  ↑ {}", human::speed(down), human::speed(up));
        }
        widgets::weak(ui, text);
    });
    ui.add_space(4.0);
    let has_graph = model.speeds.len() > 1 && ui.available_height() > 420.0;
    let chosen = state.selection.head().filter(|_| state.selection.rows.len() == 1);
    let chosen = chosen.and_then(|row| rows.get(row).copied());
    let below = if has_graph { GRAPH_HEIGHT } else { 0.0 } + if chosen.is_some() { DETAILS_HEIGHT } else { 0.0 };
    table(ui, state, &rows, (ui.available_height() - 48.0 - below).max(80.0), actions);
    if let Some(transfer) = chosen {
        ui.add_space(theme::GAP);
        details::show(ui, model, transfer, actions);
    }
    if has_graph {
        ui.add_space(theme::GAP);
        graph::show(ui, model);
    }
}

/// What is to come in the order in which it comes, then what leaves, then what is over, the newest first.
fn rows(model: &Model, only: Only) -> Vec<&Transfer> {
    let is_wanted = |t: &&Transfer| match only {
        Only::All => true,
        Only::Downloads => t.direction == Direction::Download,
        Only::Uploads => t.direction == Direction::Upload,
    };
    let mut rows: Vec<&Transfer> = model.transfers.values().filter(is_wanted).collect();
    rows.sort_by_key(|t| {
        if t.state.is_final() {
            (2, u64::MAX - t.number.0)
        } else {
            (u8::from(t.direction == Direction::Upload), t.position)
        }
    });
    rows
}

/// What can be done with all of them.
fn all_of_them(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let any = |is: fn(&Transfer) -> bool| model.transfers.values().any(is);
    ui.add_enabled_ui(any(|t| t.state.is_final()), |ui| {
        if widgets::edge_button(ui, Loud::Quiet, icons::BROOM, &t!("window.transfers.clear")).clicked() {
            actions.push(Action::ClearFinished);
        }
    });
    ui.add_enabled_ui(any(can_resume), |ui| {
        if widgets::edge_button(ui, Loud::Quiet, icons::PLAY, &t!("window.transfers.resume-all")).clicked() {
            actions.push(Action::Ask(Intent::Resume(TransferSelection::All)));
        }
    });
    ui.add_enabled_ui(any(can_pause), |ui| {
        if widgets::edge_button(ui, Loud::Quiet, icons::PAUSE, &t!("window.transfers.pause-all")).clicked() {
            actions.push(Action::Ask(Intent::Pause(TransferSelection::All)));
        }
    });
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
    match t.direction {
        Direction::Download => t.state == TransferState::Paused,
        Direction::Upload => t.state == TransferState::Failed(TransferError::Stopped),
    }
}

fn can_retry(t: &Transfer) -> bool {
    t.direction == Direction::Download && matches!(t.state, TransferState::Failed(_))
}

/// Whether it can be given up, or moved in the queue.
fn can_cancel(t: &Transfer) -> bool {
    t.direction == Direction::Download && !t.state.is_final()
}

/// Whether its taker can be stopped.
fn can_stop(t: &Transfer) -> bool {
    t.direction == Direction::Upload && !t.state.is_final()
}

fn table(ui: &mut Ui, state: &mut TransfersState, rows: &[&Transfer], height: f32, actions: &mut Vec<Action>) {
    let table =
        Table { id: "transfers", columns: &columns::all(), rows: rows.len(), sorted: None, height: Some(height) };
    let mut from_menu = Vec::new();
    let happened = table.show(
        ui,
        &mut state.selection,
        |index| rows.get(index).copied(),
        |t| format!("{} {}", short(&t.label), state_words(t)),
        |ui, chosen| menu(ui, &of(rows, chosen), &mut from_menu),
    );
    actions.append(&mut from_menu);
    actions.extend(happened.clicked.into_iter().map(|(_, action)| action));
    let chosen = of(rows, &state.selection);
    if let Some(path) = happened.opened.and_then(|row| rows.get(row)).and_then(|t| finished_place(t)) {
        actions.push(Action::Open(path));
    }
    if widgets::keys_are_free(ui) {
        keys(ui, &chosen, actions);
    }
}

fn keys(ui: &Ui, chosen: &[&Transfer], actions: &mut Vec<Action>) {
    if widgets::pressed(ui, Modifiers::NONE, Key::Delete) {
        cancel(chosen, actions);
        let over = chosen.iter().filter(|t| t.state.is_final()).map(|t| t.number);
        actions.push(Action::Forget(over.collect()));
    }
    if widgets::pressed(ui, Modifiers::NONE, Key::Space) {
        actions.extend(Action::each(&numbers(chosen, can_pause), Intent::Pause));
        actions.extend(Action::each(&numbers(chosen, can_resume), Intent::Resume));
    }
    if widgets::pressed(ui, Modifiers::COMMAND, Key::E) {
        actions.extend(chosen.first().and_then(|t| finished_place(t)).map(Action::Reveal));
    }
    for (place, _, key, _) in QUEUE_MOVES {
        if widgets::pressed(ui, Modifiers::ALT, key) {
            reorder(chosen, place, actions);
        }
    }
}

/// Places in the queue: icons, keys with Alt.
const QUEUE_MOVES: [(QueueMove, &str, Key, &str); 4] = [
    (QueueMove::First, icons::ARROW_LINE_UP, Key::Home, "Alt+Home"),
    (QueueMove::Earlier, icons::ARROW_UP, Key::ArrowUp, "Alt+↑"),
    (QueueMove::Later, icons::ARROW_DOWN, Key::ArrowDown, "Alt+↓"),
    (QueueMove::Last, icons::ARROW_LINE_DOWN, Key::End, "Alt+End"),
];

fn place_words(place: QueueMove) -> String {
    match place {
        QueueMove::First => t!("window.transfers.first"),
        QueueMove::Earlier => t!("window.transfers.earlier"),
        QueueMove::Later => t!("window.transfers.later"),
        QueueMove::Last => t!("window.transfers.last"),
    }
    .into_owned()
}

/// Several keep their order among themselves.
fn reorder(chosen: &[&Transfer], to: QueueMove, actions: &mut Vec<Action>) {
    let mut numbers = numbers(chosen, can_cancel);
    if matches!(to, QueueMove::First | QueueMove::Later) {
        numbers.reverse();
    }
    actions.extend(numbers.into_iter().map(|number| Action::Ask(Intent::Reorder { number, to })));
}

fn of<'a>(rows: &[&'a Transfer], chosen: &RowSelection) -> Vec<&'a Transfer> {
    chosen.rows.iter().filter_map(|row| rows.get(row).copied()).collect()
}

fn numbers(chosen: &[&Transfer], can: impl Fn(&Transfer) -> bool) -> Vec<TransferId> {
    chosen.iter().filter(|t| can(t)).map(|t| t.number).collect()
}

fn cancel(chosen: &[&Transfer], actions: &mut Vec<Action>) {
    let numbers = numbers(chosen, can_cancel);
    if !numbers.is_empty() {
        actions.push(Action::Confirm(Confirm::Cancel(numbers)));
    }
    stop(chosen, actions);
}

/// Nothing is lost by it, and it can be taken back: it is not asked about.
fn stop(chosen: &[&Transfer], actions: &mut Vec<Action>) {
    actions.extend(Action::each(&numbers(chosen, can_stop), Intent::Cancel));
}

fn finished_place(t: &Transfer) -> Option<std::path::PathBuf> {
    (t.state == TransferState::Finished).then(|| t.local_path.clone()).flatten()
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
    if item(ui, place.is_some(), icons::FOLDER_OPEN, &t!("window.transfers.reveal"), "Ctrl+E") {
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
    for (to, icon, _, keys) in QUEUE_MOVES {
        if item(ui, !stop.is_empty(), icon, &place_words(to), keys) {
            reorder(chosen, to, actions);
        }
    }
    if item(ui, !stop.is_empty(), icons::X, &t!("window.transfers.cancel"), "Del") {
        actions.push(Action::Confirm(Confirm::Cancel(stop)));
    }
    if item(ui, !can(can_stop).is_empty(), icons::X, &t!("window.transfers.stop-for-person"), "Del") {
        self::stop(chosen, actions);
    }
    let over: Vec<TransferId> = chosen.iter().filter(|t| t.state.is_final()).map(|t| t.number).collect();
    if item(ui, !over.is_empty(), icons::BROOM, &t!("window.transfers.forget"), "Del") {
        actions.push(Action::Forget(over));
    }
}
