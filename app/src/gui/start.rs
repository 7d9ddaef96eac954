//! `potok` without a subcommand: settings, engine and window put together.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use eframe::egui;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::node::notice::Notice;
use potok_core::node::{Node, Setup};
use rust_i18n::t;

use crate::engine::Engine;
use crate::gui::action::Page;
use crate::gui::picker::Native;
use crate::gui::{Parts, Window};
use crate::{console, logging, settings_file, texts};

/// The name by which desktops know the window: of its desktop entry and its icon.
pub const APP_ID: &str = "org.potok.Potok";

/// Runs the window to its end.
pub fn start(data_dir: Option<PathBuf>) -> ExitCode {
    logging::start(logging::Default::Errors);
    match try_start(data_dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, text)) => console::fail(code, &text),
    }
}

fn try_start(data_dir: Option<PathBuf>) -> Result<(), (&'static str, String)> {
    let of_settings = |why: settings_file::SettingsError| ("settings", texts::of_settings_error(&why));
    // A data folder of its own keeps everything below it.
    let download_folder = if data_dir.is_none() { settings_file::system_download_folder() } else { None };
    let data_dir = settings_file::data_dir(data_dir).map_err(of_settings)?;
    let loaded = settings_file::load(&data_dir).map_err(of_settings)?;
    texts::use_language(&loaded.settings.language);
    let mut settings = loaded.settings.clone();
    if settings.name.is_empty() {
        settings.name = console::default_name(whoami::username().ok().as_deref());
    }
    // The window is there only after the engine: until then there is nothing to wake.
    let context: Arc<OnceLock<egui::Context>> = Arc::default();
    let to_wake = Arc::clone(&context);
    let wake = Arc::new(move || {
        if let Some(context) = to_wake.get() {
            context.request_repaint();
        }
    });
    let setup = Setup {
        data_dir: data_dir.clone(),
        settings: settings.clone(),
        download_folder,
        host_tracker: settings.host_tracker.parse().ok(),
    };
    let node = Arc::new(Node::start(setup, wake).map_err(|why| texts::of_start_error(&why))?);
    // Only now is it certain that the data folder is ours; a file that cannot be written is told at the first change.
    let _ = settings_file::save(&data_dir, &loaded.settings, &settings);
    let parts = Parts {
        engine: Box::new(Shared(Arc::clone(&node))),
        picker: Box::new(Native),
        settings,
        data_dir: Some(data_dir),
    };
    let ran = open(parts, |ctx| drop(context.set(ctx.clone())));
    if let Some(node) = Arc::into_inner(node) {
        node.stop();
    }
    ran.map_err(|why| ("no-window", t!("window.no-display", why = why).into_owned()))
}

/// The window lives as long as the event loop, the engine a little longer.
struct Shared(Arc<Node>);

impl Engine for Shared {
    fn ask(&self, intent: Intent) -> IntentId {
        self.0.ask(intent)
    }

    fn notices(&self) -> &crossbeam_channel::Receiver<Notice> {
        self.0.notices()
    }
}

/// Opens the window and stays until it is closed.
pub fn open(parts: Parts, ready: impl FnOnce(&egui::Context)) -> eframe::Result {
    open_with(parts, |_| {}, ready)
}

/// The same, on a page of choice.
pub fn open_at(parts: Parts, page: Page, ready: impl FnOnce(&egui::Context)) -> eframe::Result {
    open_with(parts, |window| window.state.page = page, ready)
}

fn open_with(parts: Parts, prepare: impl FnOnce(&mut Window), ready: impl FnOnce(&egui::Context)) -> eframe::Result {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Potok")
        .with_app_id(APP_ID)
        .with_inner_size([1120.0, 740.0])
        .with_min_inner_size([760.0, 500.0])
        .with_icon(icon());
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let create = |cc: &eframe::CreationContext<'_>| {
        ready(&cc.egui_ctx);
        let mut window = Window::new(&cc.egui_ctx, parts)?;
        prepare(&mut window);
        Ok(Box::new(window) as Box<dyn eframe::App>)
    };
    eframe::run_native("Potok", options, Box::new(create))
}

/// The mark of Potok: three streams in a rounded square, as in `assets/desktop/org.potok.Potok.svg`.
fn icon() -> egui::IconData {
    const SIDE: u32 = 64;
    let mut rgba = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            rgba.extend(icon_point(x, y, SIDE));
        }
    }
    egui::IconData { rgba, width: SIDE, height: SIDE }
}

#[expect(clippy::cast_precision_loss, reason = "places in a small picture")]
fn icon_point(x: u32, y: u32, side: u32) -> [u8; 4] {
    let at = |v: u32| (v as f32 + 0.5) / side as f32;
    let (x, y) = (at(x), at(y));
    let corner = |v: f32| (0.22 - v).max(v - 0.78).max(0.0);
    if corner(x).hypot(corner(y)) > 0.22 {
        return [0; 4];
    }
    let wave = |base: f32| (y - base - 0.07 * ((x - 0.5) * std::f32::consts::TAU * 0.9).sin()).abs() < 0.045;
    let is_stream = (0.2..0.8).contains(&x) && [0.32, 0.5, 0.68].into_iter().any(wave);
    let fill = crate::gui::theme::LIGHT.accent_fill;
    if is_stream { [255; 4] } else { [fill.r(), fill.g(), fill.b(), 255] }
}
