//! `potok` without a subcommand: settings, engine, desktop and window put together.
//!
//! The window may be closed and opened again while the engine runs on: then Potok is in the tray, and this thread waits
//! for the desktop or the engine to say something.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use eframe::egui;
use parking_lot::Mutex;
use potok_core::node::event::NodeEvent;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::node::{Node, NodeStartError, Setup};
use rust_i18n::t;

use crate::client::Client;
use crate::desktop::instance::{self, HandedOver};
use crate::desktop::metering;
use crate::desktop::notification::{Message, Notifier};
use crate::desktop::place::{WindowPlace, fitted};
use crate::desktop::purpose::StartPurpose;
use crate::desktop::{self, Bell, Desktop, DesktopEvent, tray};
use crate::gui::icon;
use crate::gui::no_window;
use crate::gui::picker::Native;
use crate::gui::window::{MainWindow, Parts};
use crate::model::Tone;
use crate::render::output;
use crate::{logging, settings_file, signals, texts};

/// How long another Potok may take to start or to end before the data folder counts as in use.
const OTHER_START_MAX: Duration = Duration::from_secs(3);
/// Between two looks at it.
const OTHER_START_STEP: Duration = Duration::from_millis(100);
/// A panel that starts together with us may show its tray so late.
const TRAY_MAX: Duration = Duration::from_secs(10);

/// A window that was never moved, in points.
const WINDOW_SIZE: egui::Vec2 = egui::vec2(1120.0, 740.0);
/// Smaller, and pages have no room.
const WINDOW_SIZE_MIN: egui::Vec2 = egui::vec2(760.0, 500.0);
/// Larger than any screen, in points.
const SCREENS_MAX: egui::Vec2 = egui::vec2(16_000.0, 16_000.0);

/// What the arguments say.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// Where settings, identity and database are; none: the usual place.
    pub data_dir: Option<PathBuf>,
    /// A link that was clicked, files that were sent here.
    pub purpose: StartPurpose,
    /// Into the tray, without a window.
    pub in_background: bool,
}

/// Runs the window to its end.
pub fn start(start: Start) -> ExitCode {
    logging::start(logging::Default::Errors);
    match try_start(start) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, text)) => {
            // Who clicked an icon sees no terminal.
            Notifier::send_and_wait(Message { title: t!("notification.not-started").into_owned(), text: text.clone() });
            output::fail(code, &text)
        }
    }
}

fn try_start(start: Start) -> Result<(), (&'static str, String)> {
    let of_settings = |why: settings_file::SettingsError| ("settings", why.sentence());
    // A data folder of its own keeps everything below it.
    let download_folder = if start.data_dir.is_none() { settings_file::system_download_folder() } else { None };
    let is_usual = start.data_dir.is_none();
    let data_dir = settings_file::data_dir(start.data_dir).map_err(of_settings)?;
    let loaded = settings_file::load(&data_dir).map_err(of_settings)?;
    texts::use_language(&loaded.settings.language);
    if let Some(answer) = instance::hand_over(&data_dir, &start.purpose) {
        return handed_over(answer);
    }
    let mut settings = loaded.settings.clone();
    settings.name.get_or_insert_with(settings_file::default_name);
    let wake = Waker::new();
    let setup = Setup {
        data_dir: data_dir.clone(),
        settings: settings.clone(),
        download_folder,
        host_tracker: settings.host_tracker,
        metering: Some(metering::watch()),
    };
    let node = match start_node(&setup, &wake, &start.purpose)? {
        Started::Here(node) => Arc::new(node),
        Started::Elsewhere(answer) => return handed_over(answer),
    };
    // Only now is it certain that the data folder is ours; a file that cannot be written is told at the first change.
    let _ = settings_file::save(&data_dir, &loaded.settings, &settings);
    let (bell, heard) = Bell::new(wake.as_wake());
    forward_signals(&bell);
    let desktop = Desktop::start(bell, heard, &data_dir, icon::tray());
    let parts = Parts {
        engine: Box::new(Shared(Arc::clone(&node))),
        picker: Box::new(Native),
        settings,
        data_dir: Some(data_dir.clone()),
    };
    let hidden = egui::Context::default();
    let window = MainWindow::new(&hidden, parts).map_err(|why| ("internal", texts::of_io(&why)))?;
    let window = Rc::new(RefCell::new(window));
    {
        let mut window = window.borrow_mut();
        window.use_desktop(desktop, is_usual);
        if let Some(aside) = &loaded.set_aside {
            window.model.toast(Instant::now(), Tone::Bad, aside.sentence());
        }
        window.started_for(start.purpose);
    }
    let ran = run(&window, &wake, &data_dir, &hidden, start.in_background);
    drop(window);
    if let Some(node) = Arc::into_inner(node) {
        node.stop();
    }
    ran.map_err(|why| ("no-window", why))
}

enum Started {
    Here(Node),
    Elsewhere(HandedOver),
}

/// Starts the engine. Two starts at the same moment: one gets the data folder, the other hands over to it.
fn start_node(setup: &Setup, wake: &Waker, purpose: &StartPurpose) -> Result<Started, (&'static str, String)> {
    let until = Instant::now() + OTHER_START_MAX;
    loop {
        match Node::start(setup.clone(), wake.as_wake()) {
            Ok(node) => return Ok(Started::Here(node)),
            Err(NodeStartError::InUse(_)) if Instant::now() < until => {}
            Err(why) => return Err(texts::of_start_error(&why)),
        }
        if let Some(answer) = instance::hand_over(&setup.data_dir, purpose) {
            return Ok(Started::Elsewhere(answer));
        }
        std::thread::sleep(OTHER_START_STEP);
    }
}

/// The window that runs already has been told.
fn handed_over(answer: HandedOver) -> Result<(), (&'static str, String)> {
    let text = match answer {
        HandedOver::Shown => t!("start.shown"),
        HandedOver::Asked => t!("start.asked"),
        HandedOver::Busy => return Err(("busy", t!("start.busy").into_owned())),
    };
    output::say(&text);
    Ok(())
}

/// Window, tray, window, … until Potok ends.
fn run(
    window: &Rc<RefCell<MainWindow>>,
    wake: &Waker,
    data_dir: &Path,
    hidden: &egui::Context,
    in_background: bool,
) -> Result<(), String> {
    let mut is_closed = in_background && !tray::NEEDS_EVENT_LOOP;
    if in_background && tray::NEEDS_EVENT_LOOP {
        let bridge = &mut window.borrow_mut().desktop_bridge;
        (bridge.is_hidden, bridge.is_minimized) = (true, true);
    }
    loop {
        if is_closed && !wait_in_background(&mut window.borrow_mut(), wake, hidden) {
            return Ok(());
        }
        if let Some(why) = no_window::foreseen() {
            return Err(why);
        }
        let place = WindowPlace::load(data_dir);
        let shared = Rc::clone(window);
        let ran = show(viewport(place), |cc| {
            shared.borrow_mut().opened(&cc.egui_ctx, place);
            wake.use_window(Some(cc.egui_ctx.clone()));
            Ok(Box::new(Lent(Rc::clone(&shared))))
        });
        wake.use_window(None);
        window.borrow().closed();
        ran.map_err(|why| no_window::why(&why))?;
        is_closed = window.borrow().desktop_bridge.goes_on;
        if !is_closed {
            return Ok(());
        }
    }
}

/// Hears engine and desktop without a window; whether it shall be opened again, rather than Potok end.
fn wait_in_background(window: &mut MainWindow, wake: &Waker, hidden: &egui::Context) -> bool {
    let mut give_up = None;
    window.desktop_bridge.goes_on = true;
    loop {
        window.hear(hidden);
        window.attend(hidden, false);
        if window.desktop_bridge.wants_window || window.model.stopped {
            return true;
        }
        if !window.desktop_bridge.goes_on {
            return false;
        }
        // A tray may come late or be away for a moment; without one nothing leads back to the window.
        give_up = if window.has_tray() { None } else { give_up.or_else(|| Instant::now().checked_add(TRAY_MAX)) };
        if give_up.is_some_and(|at| Instant::now() >= at) {
            window.desktop_bridge.is_minimized = true;
            return true;
        }
        wake.wait([give_up, window.next_news()].into_iter().flatten().min());
    }
}

/// Wakes the window, or whoever waits while there is none.
#[derive(Clone)]
struct Waker {
    window: Arc<Mutex<Option<egui::Context>>>,
    ring: Sender<()>,
    rung: Receiver<()>,
}

impl Waker {
    fn new() -> Self {
        let (ring, rung) = crossbeam_channel::bounded(1);
        Self { window: Arc::default(), ring, rung }
    }

    fn use_window(&self, window: Option<egui::Context>) {
        *self.window.lock() = window;
        // What was said in between is heard.
        let _ = self.ring.try_send(());
    }

    fn as_wake(&self) -> crate::desktop::Ring {
        let (window, ring) = (Arc::clone(&self.window), self.ring.clone());
        Arc::new(move || match &*window.lock() {
            Some(window) => window.request_repaint(),
            // Full: it is being woken.
            None => drop(ring.try_send(())),
        })
    }

    fn wait(&self, until: Option<Instant>) {
        // Both ways of waking up lead to the same look at everything.
        let _ = match until {
            Some(until) => self.rung.recv_deadline(until).is_ok(),
            None => self.rung.recv().is_ok(),
        };
    }
}

/// SIGTERM and its like end Potok as *Quit* does.
fn forward_signals(bell: &Bell) {
    let Ok(interrupts) = signals::listen(false) else { return };
    let bell = bell.clone();
    let forward = move || {
        for _wish in interrupts {
            bell.ring(DesktopEvent::Terminate);
        }
    };
    // Without a thread the system's own way of ending remains.
    let _ = std::thread::Builder::new().name("potok-signals".into()).spawn(forward);
}

/// The window lives as long as the program, its picture on the screen only until it is closed.
struct Lent(Rc<RefCell<MainWindow>>);

impl eframe::App for Lent {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.0.borrow_mut().logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.0.borrow_mut().ui(ui, frame);
    }
}

/// The window lives as long as the event loop, the engine a little longer.
struct Shared(Arc<Node>);

impl Client for Shared {
    fn ask(&self, intent: Intent) -> IntentId {
        self.0.ask(intent)
    }

    fn notices(&self) -> &Receiver<NodeEvent> {
        self.0.notices()
    }
}

type WindowBuilder = Box<dyn FnOnce(egui::ViewportBuilder) -> egui::ViewportBuilder>;

type Made<'a> = Result<Box<dyn eframe::App + 'a>, Box<dyn std::error::Error + Send + Sync>>;

fn show<'a>(
    viewport: egui::ViewportBuilder,
    make: impl FnOnce(&eframe::CreationContext<'_>) -> Made<'a> + 'a,
) -> eframe::Result {
    let size = viewport.inner_size.unwrap_or(WINDOW_SIZE);
    // Asked for more than any screen has, eframe says how much there is.
    let viewport = viewport.with_inner_size(SCREENS_MAX);
    let window_builder: WindowBuilder = Box::new(move |viewport| {
        let screen = viewport.inner_size.unwrap_or(SCREENS_MAX);
        let (width, least_width) = fitted(size.x, WINDOW_SIZE_MIN.x, screen.x);
        let (height, least_height) = fitted(size.y, WINDOW_SIZE_MIN.y, screen.y);
        viewport.with_inner_size([width, height]).with_min_inner_size([least_width, least_height])
    });
    let options = eframe::NativeOptions { viewport, window_builder: Some(window_builder), ..Default::default() };
    eframe::run_native("Potok", options, Box::new(make))
}

/// A window as large and where it was.
fn viewport(place: Option<WindowPlace>) -> egui::ViewportBuilder {
    let viewport =
        egui::ViewportBuilder::default().with_title("Potok").with_app_id(desktop::APP_ID).with_icon(icon::window());
    let Some(place) = place else { return viewport.with_inner_size(WINDOW_SIZE) };
    let viewport = viewport.with_inner_size(place.size).with_maximized(place.is_maximized);
    place.at.into_iter().fold(viewport, |viewport, at| viewport.with_position(at))
}
