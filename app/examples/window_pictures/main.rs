//! Pictures of every page, in both themes and languages, of a real window in a real network: a tracker, six people with
//! generated files, downloads and uploads that go as slowly as their limits say.
//!
//! `window_pictures FOLDER [--size 1120x740] [--scale 1] [--looks dark-en,light-bg] [--more]` writes raw points into
//! `PAGE-THEME-LANGUAGE.rgba`, and tells name and size on standard output; `docs/pictures/make.sh` makes PNGs of them. With
//! `--more` also what is asked over the pages.

mod network;
mod views;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use eframe::egui::{self, ColorImage, Event, Key, Modifiers, Ui};
use potok_app::client::Client;
use potok_app::gui::action::Pick;
use potok_app::gui::picker::{Picker, WhenPicked};
use potok_app::gui::screen::Screen;
use potok_app::gui::window::{MainWindow, Parts};
use potok_app::texts;
use potok_core::node::Node;
use potok_core::node::event::{NodeEvent, TrackerConnection};
use potok_core::node::intent::{Intent, IntentId};
use potok_core::node::settings::Settings;

use crate::network::Network;
use crate::views::View;

/// How long a page must have stood: longer than anything fades, and than answers take.
const STILL: Duration = Duration::from_millis(1_200);
/// The graph has something to show by then.
const FIRST_AFTER: Duration = Duration::from_secs(45);
/// Themes and languages, the first of them last.
const LOOKS: &str = "light-bg,light-en,dark-bg,dark-en";

/// The engine outlives each of the windows that show it.
struct Lent(Arc<Node>);

impl Client for Lent {
    fn ask(&self, intent: Intent) -> IntentId {
        self.0.ask(intent)
    }

    fn notices(&self) -> &Receiver<NodeEvent> {
        self.0.notices()
    }
}

/// A client that is nowhere yet, for the first page.
struct Nowhere(Receiver<NodeEvent>);

impl Client for Nowhere {
    fn ask(&self, _intent: Intent) -> IntentId {
        IntentId(0)
    }

    fn notices(&self) -> &Receiver<NodeEvent> {
        &self.0
    }
}

/// Dialogs are there, and nobody opens one.
struct Unused;

impl Picker for Unused {
    fn pick(&mut self, _what: &Pick, _title: &str, _wake: WhenPicked) -> Receiver<Vec<PathBuf>> {
        crossbeam_channel::never()
    }

    fn is_there(&self) -> bool {
        true
    }
}

fn main() -> eframe::Result {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let after = |flag: &str| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    let folder = PathBuf::from(args.first().expect("a folder for the pictures"));
    let size = after("--size").and_then(|size| size.split_once('x'));
    let size = size.and_then(|(width, height)| Some([width.parse().ok()?, height.parse().ok()?]));
    let [width, height]: [f32; 2] = size.unwrap_or([1120.0, 740.0]);
    let scale: f32 = after("--scale").and_then(|scale| scale.parse().ok()).unwrap_or(1.0);
    let looks: Vec<String> = after("--looks").map_or(LOOKS, String::as_str).split(',').map(str::to_owned).collect();
    let has_more = args.iter().any(|arg| arg == "--more");
    let viewport = egui::ViewportBuilder::default().with_inner_size([width * scale, height * scale]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let make = move |cc: &eframe::CreationContext<'_>| {
        cc.egui_ctx.set_pixels_per_point(scale);
        let ctx = cc.egui_ctx.clone();
        let mut network = Network::start(Arc::new(move || ctx.request_repaint()));
        let mut looks = looks;
        let end = looks.pop().unwrap_or_default();
        let mut window = window(&cc.egui_ctx, &network, &end)?;
        for event in network.early.drain(..) {
            window.model.apply(Instant::now(), event);
        }
        let first = elsewhere(&cc.egui_ctx, &end)?;
        Ok(Box::new(Pictures {
            network,
            window,
            elsewhere: Some(first),
            looks,
            end,
            pages: pages(has_more),
            has_more,
            online: None,
            folder,
            since: Instant::now(),
            still: FIRST_AFTER,
            events: Vec::new(),
            taken: None,
        }) as Box<dyn eframe::App>)
    };
    eframe::run_native("Potok", options, Box::new(make))
}

/// The one that is shown is the last.
fn pages(has_more: bool) -> Vec<View> {
    let more: &[View] = if has_more { &views::MORE } else { &[] };
    views::PAGES.iter().chain(more).rev().copied().collect()
}

/// Theme and language.
fn parts(look: &str) -> (&str, &str) {
    look.split_once('-').unwrap_or(("dark", "en"))
}

fn window(ctx: &egui::Context, network: &Network, look: &str) -> std::io::Result<MainWindow> {
    let (theme, language) = parts(look);
    texts::use_language(language);
    let settings = Settings { theme: theme.into(), language: language.into(), ..network.settings.clone() };
    let engine = Box::new(Lent(Arc::clone(&network.me)));
    MainWindow::new(ctx, Parts { engine, picker: Box::new(Unused), settings, data_dir: None })
}

/// The first page is that of somebody else.
fn elsewhere(ctx: &egui::Context, look: &str) -> std::io::Result<MainWindow> {
    let (theme, language) = parts(look);
    let settings =
        Settings { name: "maria".parse().ok(), theme: theme.into(), language: language.into(), ..Settings::default() };
    let engine = Box::new(Nowhere(crossbeam_channel::never()));
    MainWindow::new(ctx, Parts { engine, picker: Box::new(Unused), settings, data_dir: None })
}

struct Pictures {
    network: Network,
    window: MainWindow,
    elsewhere: Option<MainWindow>,
    /// Themes and languages that are to come.
    looks: Vec<String>,
    end: String,
    /// The one that is shown is the last.
    pages: Vec<View>,
    has_more: bool,
    /// The connection, before something else was made up for a picture.
    online: Option<TrackerConnection>,
    folder: PathBuf,
    since: Instant,
    still: Duration,
    /// What is typed before the next frame.
    events: Vec<Event>,
    taken: Option<Receiver<Arc<ColorImage>>>,
}

impl Pictures {
    fn turn_to(&mut self, ctx: &egui::Context) {
        let Some((name, page, arrange)) = self.pages.last().copied() else { return };
        self.since = Instant::now();
        views::clear(&mut self.window);
        self.window.state.screen = page;
        if self.window.model.is_online() {
            self.online = Some(self.window.model.connection.clone());
        }
        arrange(&mut self.window, &self.network);
        self.elsewhere = (name == "welcome").then(|| elsewhere(ctx, &self.end).ok()).flatten();
        if let Screen::Browse | Screen::Transfers | Screen::Shared | Screen::People = page {
            let key = |pressed| Event::Key {
                key: Key::ArrowDown,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers: Modifiers::NONE,
            };
            self.events.extend([key(true), key(false)]);
        }
    }

    fn step(&mut self, ctx: &egui::Context) {
        // Messages would lie over the page.
        self.window.model.toasts.clear();
        if let Some(image) = self.taken.as_ref().and_then(|taken| taken.try_recv().ok()) {
            self.taken = None;
            let Some((name, ..)) = self.pages.pop() else { return };
            save(&self.folder, &format!("{name}-{}", self.end), &image);
            self.still = STILL;
            if self.pages.is_empty() {
                self.next_look(ctx);
            }
            self.turn_to(ctx);
        } else if self.taken.is_none() && self.since.elapsed() > self.still && !self.window.state.browse.is_busy {
            let (send, taken) = bounded(1);
            ctx.request_screenshot(move |image| drop(send.send(image)));
            self.taken = Some(taken);
        } else if self.still == FIRST_AFTER {
            self.network.live(self.since.elapsed(), &self.window.model.transfers);
        }
    }

    /// Another theme or language, of the same network and what is known of it.
    fn next_look(&mut self, ctx: &egui::Context) {
        let Some(look) = self.looks.pop() else {
            self.network.stop();
            std::process::exit(0)
        };
        if let Ok(mut window) = window(ctx, &self.network, &look) {
            window.model = std::mem::take(&mut self.window.model);
            // What was made of it for the last pictures.
            if let Some(online) = self.online.take() {
                window.model.connection = online;
            }
            self.window = window;
        }
        self.end = look;
        self.pages = pages(self.has_more);
    }
}

impl eframe::App for Pictures {
    /// The pointer of the display lies in its middle, over some row.
    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut egui::RawInput) {
        input.events.push(Event::PointerGone);
        input.events.append(&mut self.events);
        input.focused = true;
    }

    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.window.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        match &mut self.elsewhere {
            Some(elsewhere) => elsewhere.ui(ui, frame),
            None => self.window.ui(ui, frame),
        }
        self.step(ui.ctx());
        ui.ctx().request_repaint();
    }
}

#[expect(clippy::print_stdout, reason = "read by the script that asked for the pictures")]
fn save(folder: &Path, name: &str, image: &ColorImage) {
    std::fs::write(folder.join(format!("{name}.rgba")), image.as_raw()).expect("the folder can be written");
    println!("{name} {}x{}", image.size[0], image.size[1]);
}
