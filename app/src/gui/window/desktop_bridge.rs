//! The window's side of the desktop: links, tray, notifications, closing. What the person is asked is in
//! [`crate::gui::questions`], how the system is spoken to in [`crate::desktop`].

use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use eframe::egui::{self, UserAttentionType, ViewportCommand};
use potok_core::model::invite::Invite;
use potok_core::node::event::{Direction, NodeEvent, TrackerConnection, Transfer, TransferState};
use potok_core::node::intent::{Intent, TransferSelection};
use potok_core::node::settings::Settings;
use rust_i18n::t;

use crate::desktop::color_scheme::ColorScheme;
use crate::desktop::instance::HandedOver;
use crate::desktop::notification::Message;
use crate::desktop::place::{WindowPlace, brought_back};
use crate::desktop::purpose::StartPurpose;
use crate::desktop::tray::{self, Wish};
use crate::desktop::{Desktop, DesktopEvent, autostart};
use crate::gui::action::{Action, Confirm};
use crate::gui::questions::{self, Choice, Question};
use crate::gui::screen::Screen;
use crate::gui::theme;
use crate::gui::widgets::table;
use crate::gui::window::MainWindow;
use crate::model::share_questions::ChosenIn;
use crate::model::{self, AskedBy, Model, Tone};
use crate::texts;

/// What finishes in so short a time is told in one message.
const GATHER: Duration = Duration::from_secs(2);
/// A window that was just opened stands where it should only after its first frames.
const FRAMES_TO_SETTLE: u32 = 3;

/// What the window keeps about the desktop.
#[derive(Debug, Default)]
pub struct DesktopBridge {
    desktop: Option<Desktop>,
    /// What is asked now.
    pub question: Option<Question>,
    /// Another start, waiting for its answer.
    unanswered: Option<Sender<HandedOver>>,
    scheme: Option<ColorScheme>,
    news: News,
    place: Option<WindowPlace>,
    frames: u32,
    had_focus: bool,
    has_usual_data_dir: bool,
    /// The screen of the last frame.
    screen: Option<Screen>,
    /// The window closes now, and Potok runs on.
    pub goes_on: bool,
    /// The window shall be opened (again).
    pub wants_window: bool,
    /// It opens minimised.
    pub is_minimized: bool,
    /// It opens without being seen, into the tray, where that needs its event loop.
    pub is_hidden: bool,
}

/// What has happened to downloads since the last message of the desktop.
#[derive(Debug, Default)]
struct News {
    finished: Vec<String>,
    failed: Vec<String>,
    since: Option<Instant>,
}

impl DesktopBridge {
    /// Looks at a notice before the model takes it in: what ends now is news.
    pub fn note(&mut self, model: &Model, notice: &NodeEvent) {
        let NodeEvent::Transfer(new) = notice else { return };
        let before = model.transfers.get(&new.number);
        if new.direction == Direction::Download && before.is_some_and(|before| !before.state.is_final()) {
            self.news.add(new);
        }
    }
}

impl News {
    fn add(&mut self, transfer: &Transfer) {
        let name = model::short(&transfer.label);
        match &transfer.state {
            TransferState::Finished => self.finished.push(name),
            TransferState::Failed(why) => self.failed.push(format!("{name}: {}", texts::of_transfer_error(why))),
            _ => return,
        }
        self.since.get_or_insert_with(Instant::now);
    }

    /// One message of each kind, however many there are.
    fn messages(self) -> Vec<Message> {
        let mut messages = Vec::new();
        if let [first, rest @ ..] = &self.finished[..] {
            let (title, count) = (t!("notification.finished").into_owned(), rest.len());
            let text = if rest.is_empty() {
                first.clone()
            } else {
                t!("notification.more", first = first, count = count).into_owned()
            };
            messages.push(Message { title, text });
        }
        if let [first, rest @ ..] = &self.failed[..] {
            let (title, count) = (t!("notification.failed").into_owned(), rest.len());
            let text = if rest.is_empty() {
                first.clone()
            } else {
                t!("notification.more", first = first, count = count).into_owned()
            };
            messages.push(Message { title, text });
        }
        messages
    }
}

impl MainWindow {
    /// From now on the window hears of the desktop. A data folder that is not the usual one is named where the system
    /// starts Potok.
    pub fn use_desktop(&mut self, desktop: Desktop, has_usual_data_dir: bool) {
        self.desktop_bridge.desktop = Some(desktop);
        self.desktop_bridge.has_usual_data_dir = has_usual_data_dir;
        self.follow_settings();
    }

    /// What this start, or another one, is for.
    pub fn started_for(&mut self, purpose: StartPurpose) {
        match purpose {
            StartPurpose::Open => {}
            StartPurpose::Link(link) => self.ask_about_link(&link),
            StartPurpose::Share(paths) => {
                self.state.screen = Screen::Shared;
                self.share(&paths, ChosenIn::OtherProgram);
            }
        }
    }

    /// Asks whether to join what a link leads to. A link that is none is explained.
    pub fn ask_about_link(&mut self, link: &str) {
        let invite = match link.parse::<Invite>() {
            Ok(invite) => invite,
            Err(why) => {
                let text = t!("window.link.bad", why = texts::of_bad_invite(why));
                self.model.toast(Instant::now(), Tone::Bad, text.into_owned());
                return;
            }
        };
        if let Some(text) = self.needless(&invite) {
            self.model.toast(Instant::now(), Tone::Info, text);
            return;
        }
        self.desktop_bridge.question = Some(Question::Join(invite));
    }

    /// Why an invite need not be asked about, if it leads where we are or are going anyway. Whoever has left, or was
    /// refused, is asked.
    fn needless(&self, invite: &Invite) -> Option<String> {
        match &self.model.connection {
            // A tracker is its key, whatever address it was found at.
            TrackerConnection::Online { .. } => {
                let now = self.model.invite.as_ref()?;
                (now.key == invite.key).then(|| t!("window.link.here").into_owned())
            }
            TrackerConnection::Connecting { .. } => {
                let chosen = self.parts.settings.tracker.as_ref()?;
                let is_it = chosen.address == invite.address && chosen.key == Some(invite.key);
                is_it.then(|| t!("window.link.bound").into_owned())
            }
            TrackerConnection::None | TrackerConnection::Refused { .. } => None,
        }
    }

    /// Hears what the desktop has told. Without a window `ctx` is one that nobody sees.
    pub fn attend(&mut self, ctx: &egui::Context, has_window: bool) {
        while let Some(event) = self.desktop_bridge.desktop.as_ref().and_then(|desktop| desktop.heard.try_recv().ok()) {
            self.happened(ctx, has_window, event);
        }
        self.tell_news(ctx, has_window);
    }

    fn happened(&mut self, ctx: &egui::Context, has_window: bool, event: DesktopEvent) {
        match event {
            DesktopEvent::Started { purpose, answer } => {
                self.started_for(purpose);
                self.desktop_bridge.unanswered = Some(answer);
                self.come_to_front(ctx, has_window);
            }
            DesktopEvent::Tray(Wish::Open) => self.come_to_front(ctx, has_window),
            DesktopEvent::Tray(Wish::PauseAll) => self.ask(Intent::Pause(TransferSelection::All), AskedBy::Mouse),
            DesktopEvent::Tray(Wish::ResumeAll) => self.ask(Intent::Resume(TransferSelection::All), AskedBy::Mouse),
            DesktopEvent::Tray(Wish::Quit) => {
                self.run(ctx, Action::WantsQuit);
                if self.state.confirm.is_some() {
                    self.come_to_front(ctx, has_window);
                } else {
                    self.desktop_bridge.goes_on = false;
                }
            }
            DesktopEvent::Terminate => {
                self.desktop_bridge.goes_on = false;
                self.run(ctx, Action::Quit);
            }
            DesktopEvent::TrayIsThere(_) => {}
            DesktopEvent::Clipboard(invite) => self.state.welcome.offer(invite),
            DesktopEvent::ColorScheme(scheme) => {
                self.desktop_bridge.scheme = Some(scheme);
                self.show_theme(ctx);
            }
        }
    }

    fn come_to_front(&mut self, ctx: &egui::Context, has_window: bool) {
        self.desktop_bridge.is_minimized = false;
        if !has_window {
            // Answered when it is open.
            self.desktop_bridge.wants_window = true;
            return;
        }
        if tray::NEEDS_EVENT_LOOP {
            ctx.send_viewport_cmd(ViewportCommand::Visible(true));
        }
        ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
        ctx.send_viewport_cmd(ViewportCommand::Focus);
        ctx.request_repaint();
        // There a window comes to the front only if the desktop finds that a person meant it.
        if is_wayland() {
            ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(UserAttentionType::Informational));
        }
        self.answer(if is_wayland() { HandedOver::Asked } else { HandedOver::Shown });
    }

    fn answer(&mut self, answer: HandedOver) {
        if let Some(unanswered) = self.desktop_bridge.unanswered.take() {
            // The other start may have given up.
            let _ = unanswered.try_send(answer);
        }
    }

    /// Messages of the desktop, if nobody looks at the window and they are wanted.
    fn tell_news(&mut self, ctx: &egui::Context, has_window: bool) {
        let Some(since) = self.desktop_bridge.news.since else { return };
        let is_seen = has_window && ctx.input(|input| input.viewport().focused == Some(true));
        if is_seen || !self.parts.settings.notifications {
            self.desktop_bridge.news = News::default();
            return;
        }
        let left = GATHER.saturating_sub(since.elapsed());
        if !left.is_zero() {
            ctx.request_repaint_after(left);
            return;
        }
        let news = std::mem::take(&mut self.desktop_bridge.news);
        if let Some(desktop) = &mut self.desktop_bridge.desktop {
            news.messages().into_iter().for_each(|message| desktop.notifier.send(message));
        }
    }

    /// When the next message is due, for who waits without a window.
    pub fn next_news(&self) -> Option<Instant> {
        self.desktop_bridge.news.since.map(|since| since + GATHER)
    }

    /// The theme of the settings, or of the desktop.
    pub fn show_theme(&self, ctx: &egui::Context) {
        let theme = match (self.parts.settings.theme.as_str(), self.desktop_bridge.scheme) {
            ("", Some(ColorScheme::Light)) => "light",
            ("", Some(ColorScheme::Dark)) => "dark",
            (theme, _) => theme,
        };
        theme::choose(ctx, theme);
    }

    /// What depends on the settings outside the window.
    pub fn follow_settings(&mut self) {
        let is_wanted = self.parts.settings.tray;
        if let Some(desktop) = &mut self.desktop_bridge.desktop {
            desktop.tray.show(is_wanted);
            desktop.tray.translate();
        }
        self.state.settings.has_tray = self.has_tray();
    }

    /// Starts with the system from now on, or no longer.
    pub fn start_with_system(&mut self, on: bool) {
        let Some(data_dir) = &self.parts.data_dir else { return };
        if let Err(why) = autostart::set(data_dir, self.desktop_bridge.has_usual_data_dir, on) {
            self.model.toast(
                Instant::now(),
                Tone::Bad,
                t!("window.settings.no-autostart", why = texts::of_io(&why)).into_owned(),
            );
        }
        self.see_autostart();
    }

    /// As it is in truth: the desktop's own settings may have changed it.
    fn see_autostart(&mut self) {
        if let (Some(_), Some(data_dir)) = (&self.desktop_bridge.desktop, &self.parts.data_dir) {
            self.state.settings.autostart = Some(autostart::is_on(data_dir, self.desktop_bridge.has_usual_data_dir));
        }
    }

    pub(in crate::gui) fn has_tray(&self) -> bool {
        self.desktop_bridge.desktop.as_ref().is_some_and(|desktop| desktop.tray.is_there())
    }

    /// Every frame: where the window is, whether it has come to the front.
    pub fn watch_window(&mut self, ctx: &egui::Context, frame: &eframe::Frame) {
        let has_focus = ctx.input(|input| input.viewport().focused == Some(true));
        let came_to_front = has_focus && !self.desktop_bridge.had_focus;
        self.desktop_bridge.had_focus = has_focus;
        if came_to_front
            && self.state.screen == Screen::Welcome
            && let Some(desktop) = &self.desktop_bridge.desktop
        {
            desktop.clipboard.look();
        }
        self.state.settings.has_tray = self.has_tray();
        let has_come =
            self.desktop_bridge.screen.replace(self.state.screen) != Some(self.state.screen) || came_to_front;
        if has_come && self.state.screen == Screen::Settings {
            self.see_autostart();
        }
        self.desktop_bridge.frames = self.desktop_bridge.frames.saturating_add(1);
        if self.desktop_bridge.frames == FRAMES_TO_SETTLE {
            bring_back(ctx, frame);
        } else if self.desktop_bridge.frames < FRAMES_TO_SETTLE && self.desktop_bridge.desktop.is_some() {
            ctx.request_repaint();
        }
        self.remember_place(ctx);
    }

    fn remember_place(&mut self, ctx: &egui::Context) {
        let info = ctx.input(|input| input.viewport().clone());
        let Some(inner) = info.inner_rect else { return };
        if info.minimized == Some(true)
            || info.fullscreen == Some(true)
            || self.desktop_bridge.frames < FRAMES_TO_SETTLE
        {
            return;
        }
        let is_maximized = info.maximized == Some(true);
        let at = info.outer_rect.map(|rect| [rect.left(), rect.top()]);
        let now = WindowPlace { at, size: [inner.width(), inner.height()], is_maximized };
        // A window that fills the screen keeps the place that it has otherwise.
        let otherwise =
            self.desktop_bridge.place.filter(|_| is_maximized).map(|place| WindowPlace { is_maximized, ..place });
        self.desktop_bridge.place = Some(otherwise.unwrap_or(now));
    }

    /// The window opens (again).
    pub fn opened(&mut self, ctx: &egui::Context, place: Option<WindowPlace>) {
        self.moved_to(ctx);
        self.desktop_bridge.place = place;
        self.desktop_bridge.frames = 0;
        self.desktop_bridge.had_focus = false;
        self.desktop_bridge.goes_on = false;
        self.desktop_bridge.wants_window = false;
        self.answer(HandedOver::Shown);
        if let Some(desktop) = &mut self.desktop_bridge.desktop {
            desktop.tray.use_event_loop();
        }
        self.follow_settings();
        if std::mem::take(&mut self.desktop_bridge.is_hidden) && self.has_tray() {
            ctx.send_viewport_cmd(ViewportCommand::Visible(false));
        } else if std::mem::take(&mut self.desktop_bridge.is_minimized) {
            ctx.send_viewport_cmd(ViewportCommand::Minimized(true));
        }
        self.may_close = false;
        self.show_theme(ctx);
    }

    /// The window has closed.
    pub fn closed(&self) {
        let Some(data_dir) = &self.parts.data_dir else { return };
        if let Some(place) = self.desktop_bridge.place {
            place.save(data_dir);
        }
        table::looks_of(&self.shown_on.lock()).save(data_dir);
    }

    /// The window is being closed: it may, it hides, or the person is asked.
    pub fn close_requested(&mut self, ctx: &egui::Context) {
        let busy = self.model.busy(self.state.is_trial);
        if self.may_close || busy.is_nothing() {
            return;
        }
        let asks = match self.parts.settings.when_closed.as_str() {
            "keep" => return self.keep_running(ctx),
            // Whoever once let sharing end has not thereby given up what is on its way now.
            "quit" => busy.is_moving(),
            _ => true,
        };
        if asks {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            // The same in fewer words.
            self.state.confirm.take_if(|asked| *asked == Confirm::Quit);
            self.desktop_bridge.question = Some(Question::Close { has_tray: self.has_tray() });
        }
    }

    /// Without the window: in the tray, or minimised where there is none. Where the tray needs its event loop it is hidden.
    fn keep_running(&mut self, ctx: &egui::Context) {
        if self.has_tray() && tray::NEEDS_EVENT_LOOP {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            ctx.send_viewport_cmd(ViewportCommand::Visible(false));
            self.closed();
        } else if self.has_tray() {
            self.desktop_bridge.goes_on = true;
            self.may_close = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        } else {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            ctx.send_viewport_cmd(ViewportCommand::Minimized(true));
        }
    }

    /// Draws the question that is open, and does what was chosen.
    pub fn ask_question(&mut self, ctx: &egui::Context) {
        // Whoever wants to quit is asked that alone.
        if self.state.confirm == Some(Confirm::Quit) {
            return;
        }
        let Some(question) = &self.desktop_bridge.question else { return };
        // What was asked at the start may have answered itself since.
        if let Question::Join(invite) = question
            && let Some(text) = self.needless(invite)
        {
            self.desktop_bridge.question = None;
            self.model.toast(Instant::now(), Tone::Info, text);
            return;
        }
        let busy = self.model.busy(self.state.is_trial);
        let is_decided = !self.parts.settings.when_closed.is_empty();
        let Some(choice) = questions::show(ctx, question, &self.model, &busy, !is_decided) else { return };
        let Some(question) = self.desktop_bridge.question.take() else { return };
        match (choice, question) {
            (Choice::Join, Question::Join(invite)) => {
                if questions::is_hosting(&self.model) && !self.state.is_trial {
                    self.ask(Intent::StopTracker, AskedBy::Mouse);
                }
                self.join(invite.into());
            }
            (Choice::KeepRunning, _) => {
                if !is_decided {
                    self.save(Settings { when_closed: "keep".into(), ..self.parts.settings.clone() });
                }
                self.keep_running(ctx);
            }
            (Choice::Quit, _) => {
                if !is_decided {
                    self.save(Settings { when_closed: "quit".into(), ..self.parts.settings.clone() });
                }
                self.run(ctx, Action::Quit);
            }
            (Choice::Nothing | Choice::Join, _) => {}
        }
        ctx.request_repaint();
    }
}

/// Whether the window is one of Wayland, where programs cannot place or raise their windows.
fn is_wayland() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "linux") && (is_set("WAYLAND_DISPLAY") || is_set("WAYLAND_SOCKET"))
}

/// A window whose screen is not there any more comes to one that is.
fn bring_back(ctx: &egui::Context, frame: &eframe::Frame) {
    let Some(window) = frame.winit_window() else { return };
    let Some(outer) = ctx.input(|input| input.viewport().outer_rect) else { return };
    let points = |monitor: &winit::monitor::MonitorHandle| {
        let (at, size) = (monitor.position(), monitor.size());
        let scale = monitor.scale_factor();
        let at = at.to_logical::<f32>(scale);
        let size = size.to_logical::<f32>(scale);
        [at.x, at.y, size.width, size.height]
    };
    let screens: Vec<_> = window.available_monitors().map(|monitor| points(&monitor)).collect();
    if let Some([x, y]) = brought_back([outer.left(), outer.top()], [outer.width(), outer.height()], &screens) {
        ctx.send_viewport_cmd(ViewportCommand::OuterPosition(egui::pos2(x, y)));
    }
}
