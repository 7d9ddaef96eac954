//! The window: it hears what happens, draws the screen that is shown, and carries out what a person wants.

pub mod desktop_bridge;
mod network;
mod picking;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use eframe::egui::{self, Ui, ViewportCommand};
use parking_lot::Mutex;
use potok_core::library::typed::ShareOrLocalPath;
use potok_core::model::shown::Shown as ShownText;
use potok_core::node::intent::{Intent, TransferId, TransferSelection};
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::client::Client;
use crate::command_line::{self, LineRequest};
use crate::desktop::opening;
use crate::gui::action::{Action, Confirm, Pick};
use crate::gui::picker::Picker;
use crate::gui::questions::Question;
use crate::gui::screen::Screen;
use crate::gui::screens::UiState;
use crate::gui::widgets::table;
use crate::gui::widgets::table_look::TableLooks;
use crate::gui::window::desktop_bridge::DesktopBridge;
use crate::gui::window::network::Trial;
use crate::gui::{shell, theme};
use crate::model::share_questions::ChosenIn;
use crate::model::{AskedBy, LIST_LINES_MAX, Model, Tone};
use crate::render::tables;
use crate::{settings_file, texts};

/// Notices folded in one frame; the rest waits for the next, which is asked for.
const NOTICES_A_FRAME: usize = 2_000;
/// How long a message stays.
const TOAST_STAYS: Duration = Duration::from_secs(6);
/// How often the speed graph moves.
const SPEED_EVERY: Duration = Duration::from_secs(1);
/// Finished transfers that are cleared at once.
const CLEAR_MAX: usize = 10_000;

/// What a window is made of.
pub struct Parts {
    /// The running client, or a scripted one.
    pub engine: Box<dyn Client>,
    /// The system's dialogs, or scripted ones.
    pub picker: Box<dyn Picker>,
    /// As they are in the file.
    pub settings: Settings,
    /// Where the file is; none: nothing is saved.
    pub data_dir: Option<PathBuf>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

/// The window: the ring of events, model, screens and actions.
pub struct MainWindow {
    parts: Parts,
    /// What is known.
    pub model: Model,
    /// What the person is doing.
    pub state: UiState,
    picking: Option<(Pick, Receiver<Vec<PathBuf>>)>,
    trial: Trial,
    /// The network that is being started shows its invite next.
    goes_to_invite: bool,
    may_close: bool,
    /// What the desktop round the window is told, and tells.
    pub desktop_bridge: DesktopBridge,
    shown_on: Arc<Mutex<egui::Context>>,
}

impl std::fmt::Debug for MainWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl MainWindow {
    /// A window over a client. Fails only if no thread can be started.
    pub fn new(ctx: &egui::Context, parts: Parts) -> std::io::Result<Self> {
        theme::install(ctx);
        theme::choose(ctx, &parts.settings.theme);
        if let Some(data_dir) = &parts.data_dir {
            table::use_looks(ctx, TableLooks::load(data_dir));
        }
        let shown_on = Arc::new(Mutex::new(ctx.clone()));
        let mut state = UiState::new(&parts.settings);
        state.has_picker = parts.picker.is_there();
        let mut model = Model::default();
        model.recent = network::load_networks(parts.data_dir.as_deref());
        model.newer_version.want(parts.settings.tell_newer_version);
        let is_new = parts.settings.tracker.is_none() && parts.settings.host_tracker.is_none();
        state.screen = if is_new { Screen::Welcome } else { Screen::Browse };
        Ok(Self {
            parts,
            model,
            state,
            picking: None,
            trial: Trial::None,
            goes_to_invite: false,
            may_close: false,
            desktop_bridge: DesktopBridge::default(),
            shown_on,
        })
    }

    /// Another context shows it from now on: it was closed and is opened again.
    fn moved_to(&mut self, ctx: &egui::Context) {
        theme::install(ctx);
        let before = std::mem::replace(&mut *self.shown_on.lock(), ctx.clone());
        table::use_looks(ctx, table::looks_of(&before));
    }

    pub(super) fn hear(&mut self, ctx: &egui::Context) {
        let now = Instant::now();
        let was_online = self.model.is_online();
        let mut heard = 0;
        while heard < NOTICES_A_FRAME {
            let Ok(notice) = self.parts.engine.notices().try_recv() else { break };
            self.desktop_bridge.note(&self.model, &notice);
            self.model.apply(now, notice);
            for outcome in self.model.take_answers() {
                for line in tables::lines_of(&outcome, LIST_LINES_MAX) {
                    self.model.push_log(Tone::Info, line);
                }
            }
            heard += 1;
        }
        if heard == NOTICES_A_FRAME {
            ctx.request_repaint();
        }
        self.follow_connection(was_online);
        let (wishes, later) = self.model.wishes(now);
        for intent in wishes {
            self.ask(intent, AskedBy::Background);
        }
        if let Some(later) = later {
            ctx.request_repaint_after(later);
        }
        if self.state.screen == Screen::Tracker {
            let (intent, later) = self.model.watch_figures(now);
            if let Some(intent) = intent {
                self.ask(intent, AskedBy::Background);
            }
            if let Some(later) = later {
                ctx.request_repaint_after(later);
            }
        }
        if self.model.tick(now) {
            ctx.request_repaint_after(SPEED_EVERY);
        }
        self.model.toasts.retain(|toast| now.duration_since(toast.since) < TOAST_STAYS);
        if let Some(first) = self.model.toasts.front() {
            ctx.request_repaint_after(TOAST_STAYS.saturating_sub(now.duration_since(first.since)));
        }
        self.share_what_is_ready();
        self.attend_trial(ctx, now);
        self.look(ctx, now);
    }

    /// Asks for what is looked at. Browse is kept current behind other screens too: whoever comes back sees it at once.
    fn look(&mut self, ctx: &egui::Context, now: Instant) {
        let engine = &self.parts.engine;
        let ask = &mut |intent: Intent| engine.ask(intent);
        let look = self.state.browse.look(&self.model.browse);
        let mut later = vec![self.model.look(now, &look, ask)];
        let screen = self.state.screen;
        let look = self.state.shared.look(screen == Screen::Shared, screen == Screen::Console);
        later.push(self.model.shares.turn(now, look, ask));
        if matches!(self.state.screen, Screen::People | Screen::Tracker) {
            later.push(self.model.look_at_people(now, ask));
        }
        if self.state.screen == Screen::Transfers {
            later.push(self.model.look_at_transfers(now, &self.state.transfers.look(), ask));
        }
        self.state.browse.follow(ctx, &mut self.model.browse);
        if let Some(later) = later.into_iter().flatten().min() {
            ctx.request_repaint_after(later);
        }
    }

    fn ask(&mut self, intent: Intent, asker: AskedBy) {
        let copy = intent.clone();
        let id = self.parts.engine.ask(intent);
        self.model.asked(id, &copy, asker);
    }

    /// Whether a person is asked something before this is done: what becomes of what is in the way of a transfer.
    fn asks_before(&mut self, intent: &Intent) -> bool {
        let Intent::Retry(TransferSelection::One(number)) = intent else { return false };
        let Some((transfer, there)) = self.model.question_of_retry(*number) else { return false };
        let label = transfer.label.clone();
        self.model.questions.add_listed(*number, &label, there);
        true
    }

    fn run(&mut self, ctx: &egui::Context, action: Action) {
        let now = Instant::now();
        match action {
            Action::Ask(intent) => {
                if !self.asks_before(&intent) {
                    self.ask(intent, AskedBy::Mouse);
                }
            }
            Action::OfferFiles(want) => {
                let engine = &self.parts.engine;
                self.model.offered.ask(&want, |intent| engine.ask(intent));
            }
            Action::Refresh(intent) => self.ask(intent, AskedBy::Background),
            Action::Share(requests) => self.preview(requests, ChosenIn::Window),
            Action::AnswerShare(answer) => {
                self.model.sharing.answer(answer);
                self.share_what_is_ready();
            }
            Action::Go(page) => {
                self.model.look_at_page(page == Screen::Tracker);
                self.state.screen = page;
            }
            Action::BrowsePerson(name) => {
                self.state.browse.only_person(name);
                self.state.screen = Screen::Browse;
            }
            Action::Pick(pick) => self.pick(ctx, pick),
            Action::AskTaken(wanted, path) => self.model.questions.add_taken(*wanted, path),
            Action::AnswerDownload(answer) => {
                for intent in self.model.questions.answer(answer) {
                    self.ask(intent, AskedBy::Mouse);
                }
            }
            Action::Copy(text) => {
                ctx.copy_text(text);
                self.model.toast(now, Tone::Good, t!("window.toast.copied").into());
            }
            Action::Open(path) => self.open(now, opening::open(&path)),
            Action::Reveal(path) => {
                let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(&path) };
                self.open(now, opening::open(folder));
            }
            Action::Tell(text) => self.model.toast(now, Tone::Info, text),
            Action::Confirm(confirm) => self.state.confirm = Some(confirm),
            Action::Dialog(dialog) => {
                self.state.dialog = Some(dialog);
                self.state.dialog_is_new = true;
            }
            Action::OpenGuide => self.state.guide.open(),
            Action::Apply(settings) => _ = self.apply_settings(*settings),
            Action::SaveGreeting(settings) => {
                if self.apply_settings(*settings) {
                    self.model.toast(now, Tone::Good, t!("window.tracker.saved").into());
                }
            }
            Action::StartWithSystem(on) => self.start_with_system(on),
            Action::Join(tracker) => self.join(tracker),
            Action::ForgetNetwork(invite) => {
                self.model.recent.forget(&invite);
                self.save_networks();
            }
            Action::Leave => self.leave(),
            Action::Host(at) => self.host(now, at),
            Action::TryAlone => self.try_alone(),
            Action::Run(line) => self.run_line(ctx, &line),
            Action::Send(line) => self.ask(Intent::SendLine(line), AskedBy::Console),
            Action::ClearLog => self.model.log.clear(),
            Action::CloseToast(number) => self.model.toasts.retain(|toast| toast.number != number),
            Action::ClearFinished => {
                let over = self.model.transfers.values().filter(|t| t.state.is_final());
                let over = over.map(|t| t.number).take(CLEAR_MAX).collect();
                self.forget(over);
            }
            Action::Forget(over) => self.forget(over),
            Action::WantsQuit => self.close(ctx),
            Action::Quit => {
                self.may_close = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    fn forget(&mut self, over: Vec<TransferId>) {
        for number in over {
            self.model.push_log(Tone::Command, format!("forget {number}"));
            self.ask(Intent::Acknowledge(number), AskedBy::Background);
            self.model.transfers.remove(&number);
        }
    }

    fn open(&mut self, now: Instant, result: Result<(), String>) {
        if let Err(why) = result {
            self.model.toast(now, Tone::Bad, why);
        }
    }

    /// Uses settings at once, and saves them; whether they are on disk.
    fn apply_settings(&mut self, settings: Settings) -> bool {
        self.ask(Intent::Apply(Box::new(settings.clone())), AskedBy::Background);
        if settings.tell_newer_version && !self.parts.settings.tell_newer_version && self.model.is_online() {
            self.ask(Intent::TrackerVersion, AskedBy::Background);
        }
        self.model.newer_version.want(settings.tell_newer_version);
        self.save(settings)
    }

    fn save(&mut self, settings: Settings) -> bool {
        let mut is_saved = true;
        if let Some(data_dir) = &self.parts.data_dir
            && let Err(why) = settings_file::save(data_dir, &self.parts.settings, &settings)
        {
            self.model.toast(Instant::now(), Tone::Bad, why.sentence());
            is_saved = false;
        }
        self.parts.settings = settings;
        is_saved
    }

    fn run_line(&mut self, ctx: &egui::Context, line: &str) {
        self.model.push_log(Tone::Command, ShownText(line).to_string());
        let cwd = std::env::current_dir().unwrap_or_default();
        match command_line::parse(line, &cwd) {
            Ok(None) => {}
            Ok(Some(line)) => match line.request {
                LineRequest::Ask(intent) => self.ask(intent, AskedBy::Console),
                LineRequest::Quit => self.close(ctx),
                LineRequest::Help(None) => {
                    for command in command_line::commands::all() {
                        let text = format!("{}: {}", command.usage(), command.explanation());
                        self.model.push_log(Tone::Info, text);
                    }
                }
                LineRequest::Help(Some(command)) => {
                    let text = format!("{}: {}", command.usage(), command.explanation());
                    self.model.push_log(Tone::Info, text);
                }
            },
            Err(bad) => self.model.push_log(Tone::Bad, bad.sentence()),
        }
    }

    /// Closes, or asks first while something moves or others use the network that runs here.
    fn close(&mut self, ctx: &egui::Context) {
        // It is asked already, with one answer more.
        if matches!(self.desktop_bridge.question, Some(Question::Close { .. })) {
            return;
        }
        let busy = self.model.busy(self.state.is_trial);
        if busy.is_moving() || busy.hosted.is_some() {
            self.state.confirm = Some(Confirm::Quit);
        } else {
            self.run(ctx, Action::Quit);
        }
    }

    fn confirmed(&mut self, ctx: &egui::Context, confirm: Confirm) {
        match confirm {
            Confirm::Cancel(numbers) => {
                for number in numbers {
                    self.ask(Intent::Cancel(TransferSelection::One(number)), AskedBy::Mouse);
                }
            }
            Confirm::Unshare(stopping) => {
                let cwd = std::env::current_dir().unwrap_or_default();
                let paths =
                    stopping.paths.into_iter().filter_map(|path| ShareOrLocalPath::new(path, &cwd).ok()).collect();
                self.ask(Intent::Unshare { paths }, AskedBy::Mouse);
            }
            Confirm::Trust(user) => self.ask(Intent::Trust { user }, AskedBy::Mouse),
            Confirm::ClearHistory(_) => {
                self.ask(Intent::ClearHistory, AskedBy::Mouse);
                self.model.looked_at.history.clear();
                self.model.looked_at.doubt_history();
            }
            Confirm::StopTracker => self.run(ctx, Action::Host(None)),
            Confirm::Quit => self.run(ctx, Action::Quit),
        }
    }
}

impl eframe::App for MainWindow {
    /// Also while the window is minimised or covered: notices go on coming.
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        let since = Instant::now();
        self.hear(ctx);
        self.attend(ctx, true);
        self.watch_window(ctx, frame);
        // These lines are for `benches/window.py`.
        tracing::trace!(target: "potok::frame", logic_micros = since.elapsed().as_micros());
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let since = Instant::now();
        let ctx = ui.ctx().clone();
        self.picked();
        let dropped =
            ctx.input(|input| input.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect::<Vec<PathBuf>>());
        if !dropped.is_empty() {
            self.state.screen = Screen::Shared;
            self.share(&dropped, ChosenIn::Window);
        }
        if ctx.input(|input| input.viewport().close_requested()) {
            self.close_requested(&ctx);
        }
        self.state.is_asked = self.desktop_bridge.question.is_some() && self.state.confirm != Some(Confirm::Quit);
        let actions = shell::show(ui, &self.model, &mut self.state, &self.parts.settings);
        if let Some(confirm) = shell::confirm(&ctx, &self.model, &mut self.state) {
            self.confirmed(&ctx, confirm);
        }
        self.ask_question(&ctx);
        let language = self.parts.settings.language.clone();
        let theme = self.parts.settings.theme.clone();
        let any = !actions.is_empty();
        for action in actions {
            self.run(&ctx, action);
        }
        if language != self.parts.settings.language {
            texts::use_language(&self.parts.settings.language);
        }
        if theme != self.parts.settings.theme {
            self.show_theme(&ctx);
        }
        if any {
            self.follow_settings();
            // What was done is seen at once.
            ctx.request_repaint();
        }
        tracing::trace!(target: "potok::frame", ui_micros = since.elapsed().as_micros());
    }
}
