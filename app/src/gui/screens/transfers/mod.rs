//! Downloads and uploads: what they do and why, in which order, and what can be done about it.

mod columns;
mod common_columns;
mod details;
mod graph;
mod history;
mod lists;
mod parts;
mod status_line;

use eframe::egui::{Key, Modifiers, Ui, vec2};
use potok_core::model::transfer::TransferError;
use potok_core::node::event::{Direction, Transfer, TransferState};
use potok_core::node::intent::{Intent, QueueMove, TransferId, TransferSelection};
use rust_i18n::t;

use crate::gui::action::{Action, Confirm};
use crate::gui::icons;
use crate::gui::screen::{Screen, ScreenContext};
use crate::gui::screens::transfers::columns::state_words;
use crate::gui::screens::transfers::details::DetailsState;
use crate::gui::theme;
use crate::gui::widgets::kept_rows::KeptRows;
use crate::gui::widgets::selection::RowSelection;
use crate::gui::widgets::table::{Column, Table, in_order};
use crate::gui::widgets::{self, Loud, MenuGroups};
use crate::model::looked_at::TransferLook;
use crate::model::{Model, short};

/// By which the look of its table is remembered.
const TABLE: &str = "transfers";
/// The titles of a table and what is round it.
const TABLE_FRAME: f32 = 44.0;
/// What lies below the table.
const DETAILS_HEIGHT: f32 = 178.0;
/// The same in a low window.
const DETAILS_LOW_HEIGHT: f32 = 136.0;
/// A page that is lower is that of a low window.
const LOW_PAGE: f32 = 560.0;
const ROWS_HEIGHT_MIN: f32 = 80.0;
/// A sentence and a button below it.
const NOTHING_HEIGHT: f32 = 68.0;
/// Lower details could not be read.
const DETAILS_HEIGHT_MIN: f32 = 112.0;
const STATUS_HEIGHT: f32 = 22.0;

/// Which transfers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Only {
    /// Every one in the list.
    #[default]
    All,
    /// Whose bytes move.
    Running,
    /// That are to move.
    Waiting,
    /// That came to their end.
    Finished,
    /// That came to another end.
    Failed,
    /// What has left the list too.
    History,
}

impl Only {
    fn has(self, transfer: &Transfer) -> bool {
        let is_running = matches!(transfer.state, TransferState::Running | TransferState::Checking);
        match self {
            Self::All => true,
            Self::Running => is_running,
            Self::Waiting => !is_running && !transfer.state.is_final(),
            Self::Finished => transfer.state == TransferState::Finished,
            Self::Failed => matches!(transfer.state, TransferState::Failed(_)),
            Self::History => false,
        }
    }
}

/// What is chosen here.
#[derive(Debug, Default)]
pub struct TransfersState {
    /// Which transfers are shown.
    pub only: Only,
    direction: Option<Direction>,
    rows: KeptRows<TransferId>,
    past: KeptRows<history::PastKey>,
    details: DetailsState,
}

impl TransfersState {
    /// What is asked of the engine while the page is shown.
    pub fn look(&self) -> TransferLook {
        let history = self.only == Only::History;
        let chosen = self.chosen().filter(|_| !history).map(|number| (number, self.details.query));
        TransferLook { chosen, history }
    }

    /// The one that is chosen.
    fn chosen(&self) -> Option<TransferId> {
        self.rows.head().copied().filter(|_| self.rows.selection.rows.len() == 1)
    }
}

/// Draws the page.
pub fn show(ui: &mut Ui, context: ScreenContext<'_>, state: &mut TransfersState, actions: &mut Vec<Action>) {
    let ScreenContext { model, settings, .. } = context;
    let columns = columns::all();
    let mut rows = rows(model, state);
    in_order(ui, TABLE, &columns, &mut rows);
    state.rows.follow(ui.ctx(), TABLE, rows.iter().map(|t| t.number).collect());
    widgets::head(ui, &t!("window.page.transfers"), "", |ui| {
        if state.only == Only::History {
            past(ui, model, actions);
        } else {
            all_of_them(ui, model, actions);
        }
    });
    let is_low = ui.available_height() < LOW_PAGE;
    filters(ui, state);
    ui.add_space(4.0);
    if state.only == Only::History {
        let height = ui.available_height() - TABLE_FRAME;
        history::show(ui, model, state.direction, &mut state.past, height, actions);
        return;
    }
    if model.transfers.is_empty() {
        let (title, text) = (t!("window.transfers.empty-title"), t!("window.transfers.empty-text"));
        widgets::empty(ui, icons::DOWNLOAD_SIMPLE, &title, &text, |ui| {
            if widgets::button(ui, Loud::Primary, icons::COMPASS, &t!("window.transfers.browse")).clicked() {
                actions.push(Action::Go(Screen::Browse));
            }
        });
        return;
    }
    let details_height = if is_low { DETAILS_LOW_HEIGHT } else { DETAILS_HEIGHT };
    // With a strip over the page, the smallest window has not even room for that.
    let most = ui.available_height() - ROWS_HEIGHT_MIN - STATUS_HEIGHT - 2.0 * theme::GAP - TABLE_FRAME;
    let has_details = most >= DETAILS_HEIGHT_MIN;
    let details_height = if has_details { details_height.min(most) } else { 0.0 };
    let below = details_height + STATUS_HEIGHT + 2.0 * theme::GAP + TABLE_FRAME;
    // What lies below keeps its place, however few rows there are.
    let top = ui.cursor().top();
    let room = (ui.available_height() - below).max(ROWS_HEIGHT_MIN);
    if rows.is_empty() {
        nothing_of_these(ui, state, room + TABLE_FRAME);
    } else {
        table(ui, state, &columns, &rows, room, actions);
    }
    ui.add_space((top + room + TABLE_FRAME - ui.cursor().top()).max(0.0));
    let chosen = state.chosen().and_then(|number| rows.iter().copied().find(|t| t.number == number));
    if has_details {
        details::show(ui, model, chosen, &mut state.details, details_height, actions);
    }
    let details = model.looked_at.details.as_ref().filter(|of| chosen.is_some_and(|t| t.number == of.number));
    let free_bytes = details.and_then(|details| details.free_bytes).or(model.looked_at.free_bytes);
    status_line::show(ui, model, settings, &rows, free_bytes);
}

/// Instead of the table, when there are transfers and none of those that are wanted.
fn nothing_of_these(ui: &mut Ui, state: &mut TransfersState, height: f32) {
    ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(((height - NOTHING_HEIGHT) / 2.0).max(0.0));
            widgets::heading(ui, &t!("window.transfers.none-title"));
            if widgets::button(ui, Loud::Plain, icons::LIST_BULLETS, &t!("window.transfers.show-all")).clicked() {
                (state.only, state.direction) = (Only::All, None);
            }
        });
    });
}

/// Which of them are shown.
fn filters(ui: &mut Ui, state: &mut TransfersState) {
    ui.horizontal(|ui| {
        let (both, d, u) =
            (t!("window.transfers.both"), t!("window.transfers.downloads"), t!("window.transfers.uploads"));
        let directions = [
            (None, icons::LIST_BULLETS, &*both),
            (Some(Direction::Download), icons::ARROW_DOWN, &*d),
            (Some(Direction::Upload), icons::ARROW_UP, &*u),
        ];
        let is_other = widgets::icon_choice(ui, &mut state.direction, &directions);
        let names = [
            t!("window.transfers.all"),
            t!("window.transfers.running"),
            t!("window.transfers.waiting"),
            t!("window.transfers.finished"),
            t!("window.transfers.failed"),
            t!("window.transfers.history"),
        ];
        let options = [
            (Only::All, icons::LIST_BULLETS, &*names[0]),
            (Only::Running, icons::PLAY, &*names[1]),
            (Only::Waiting, icons::HOURGLASS_MEDIUM, &*names[2]),
            (Only::Finished, icons::CHECK, &*names[3]),
            (Only::Failed, icons::WARNING, &*names[4]),
            (Only::History, icons::CLOCK, &*names[5]),
        ];
        if widgets::choice(ui, &mut state.only, &options) || is_other {
            state.rows.selection.clear();
            state.past.selection.clear();
        }
    });
}

/// What is to come in the order in which it comes, then what leaves, then what is over, the newest first.
fn rows<'a>(model: &'a Model, state: &TransfersState) -> Vec<&'a Transfer> {
    let is_wanted = |t: &&Transfer| state.only.has(t) && state.direction.is_none_or(|way| way == t.direction);
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

/// What can be done with what came to its end.
fn past(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    ui.add_enabled_ui(!model.looked_at.history.is_empty(), |ui| {
        if widgets::edge_button(ui, Loud::Quiet, icons::BROOM, &t!("window.history.clear")).clicked() {
            actions.push(Action::Confirm(Confirm::ClearHistory(model.looked_at.history.len())));
        }
    });
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

fn can_pause(t: &Transfer) -> bool {
    t.direction == Direction::Download && !t.state.is_final() && t.state != TransferState::Paused
}

fn can_resume(t: &Transfer) -> bool {
    match t.direction {
        Direction::Download => matches!(t.state, TransferState::Paused | TransferState::Metered),
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

fn table<'a>(
    ui: &mut Ui,
    state: &mut TransfersState,
    columns: &[Column<&'a Transfer, (), Action>],
    rows: &[&'a Transfer],
    height: f32,
    actions: &mut Vec<Action>,
) {
    let title = t!("window.page.transfers");
    let table = Table { id: TABLE, title, columns, rows: rows.len(), sorted: None, height: Some(height) };
    let mut from_menu = Vec::new();
    let happened = table.show(
        ui,
        &mut state.rows.selection,
        |index| rows.get(index).copied(),
        |t| format!("{} {}", short(&t.label), state_words(t)),
        |ui, chosen| menu(ui, &of(rows, chosen), &mut from_menu),
    );
    state.rows.saw(happened.view);
    actions.append(&mut from_menu);
    actions.extend(happened.clicked.into_iter().map(|(_, action)| action));
    let chosen = of(rows, &state.rows.selection);
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
    let mut lines = MenuGroups::default();
    if lines.item(ui, place.is_some(), icons::ARROW_SQUARE_OUT, &t!("window.transfers.open"), "Enter") {
        actions.extend(place.clone().map(Action::Open));
    }
    if lines.item(ui, place.is_some(), icons::FOLDER_OPEN, &t!("window.transfers.reveal"), "Ctrl+E") {
        actions.extend(place.map(Action::Reveal));
    }
    lines.next();
    let (pause, resume, retry, stop) = (can(can_pause), can(can_resume), can(can_retry), can(can_cancel));
    if lines.item(ui, !pause.is_empty(), icons::PAUSE, &t!("window.transfers.pause"), "Space") {
        actions.extend(Action::each(&pause, Intent::Pause));
    }
    if lines.item(ui, !resume.is_empty(), icons::PLAY, &t!("window.transfers.resume"), "Space") {
        actions.extend(Action::each(&resume, Intent::Resume));
    }
    if lines.item(ui, !retry.is_empty(), icons::ARROW_CLOCKWISE, &t!("window.transfers.retry"), "") {
        actions.extend(Action::each(&retry, Intent::Retry));
    }
    lines.next();
    for (to, icon, _, keys) in QUEUE_MOVES {
        if lines.item(ui, !stop.is_empty(), icon, &place_words(to), keys) {
            reorder(chosen, to, actions);
        }
    }
    lines.next();
    if lines.item(ui, !stop.is_empty(), icons::X, &t!("window.transfers.cancel"), "Del") {
        actions.push(Action::Confirm(Confirm::Cancel(stop)));
    }
    if lines.item(ui, !can(can_stop).is_empty(), icons::X, &t!("window.transfers.stop-for-person"), "Del") {
        self::stop(chosen, actions);
    }
    let over: Vec<TransferId> = chosen.iter().filter(|t| t.state.is_final()).map(|t| t.number).collect();
    if lines.item(ui, !over.is_empty(), icons::BROOM, &t!("window.transfers.forget"), "Del") {
        actions.push(Action::Forget(over));
    }
}
