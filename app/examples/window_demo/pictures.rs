//! A picture of each page, taken as soon as the page stands still: raw points in `PAGE-THEME-LANGUAGE.rgba`; name and size
//! are told on standard output. `docs/pictures/make.sh` makes PNGs of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use eframe::egui::{self, ColorImage, Ui};
use potok_app::gui::screen::Screen;
use potok_app::gui::window::{MainWindow, Parts};

/// How long a page must have stood: longer than anything fades.
const STILL: Duration = Duration::from_millis(400);
/// How long the first one must: the fonts of the system come from a thread.
const FIRST_STILL: Duration = Duration::from_millis(1_200);

/// Takes the pictures of these pages into the folder, then ends the program.
pub(crate) fn run(parts: Parts, pages: Vec<(&'static str, Screen)>, folder: PathBuf) -> eframe::Result {
    let viewport = egui::ViewportBuilder::default().with_inner_size([1120.0, 740.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let end = format!("{}-{}", parts.settings.theme, parts.settings.language);
    let make = move |cc: &eframe::CreationContext<'_>| {
        let mut window = MainWindow::new(&cc.egui_ctx, parts)?;
        let pages: Vec<_> = pages.into_iter().rev().map(|(name, page)| (format!("{name}-{end}"), page)).collect();
        if let Some((_, page)) = pages.last() {
            window.state.screen = *page;
        }
        let since = Instant::now();
        Ok(Box::new(Pictures { window, pages, folder, since, still: FIRST_STILL, taken: None }) as Box<dyn eframe::App>)
    };
    eframe::run_native("Potok", options, Box::new(make))
}

struct Pictures {
    window: MainWindow,
    /// The one that is shown is the last.
    pages: Vec<(String, Screen)>,
    folder: PathBuf,
    since: Instant,
    still: Duration,
    taken: Option<Receiver<Arc<ColorImage>>>,
}

impl Pictures {
    fn step(&mut self, ctx: &egui::Context) {
        // Messages would lie over the page, and the graph has had no time.
        self.window.model.toasts.clear();
        if self.window.model.speeds.len() < 60 {
            let wave = |n: u64| 9_000_000 + 37 * (n * n * 977 % 90_000) + n * 60_000;
            self.window.model.speeds = (0..90).map(|n| (wave(n), wave(n + 31) / 9)).collect();
        }
        if let Some(image) = self.taken.as_ref().and_then(|taken| taken.try_recv().ok()) {
            self.taken = None;
            let Some((name, _)) = self.pages.pop() else { return };
            save(&self.folder, &name, &image);
            let Some((_, page)) = self.pages.last() else { std::process::exit(0) };
            self.window.state.screen = *page;
            (self.since, self.still) = (Instant::now(), STILL);
        } else if self.taken.is_none() && self.since.elapsed() > self.still && !self.window.state.browse.is_busy {
            let (send, taken) = bounded(1);
            ctx.request_screenshot(move |image| drop(send.send(image)));
            self.taken = Some(taken);
        }
    }
}

impl eframe::App for Pictures {
    /// The pointer of the display lies in its middle, over some row.
    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut egui::RawInput) {
        input.events.push(egui::Event::PointerGone);
    }

    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.window.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        self.window.ui(ui, frame);
        self.step(ui.ctx());
        ui.ctx().request_repaint();
    }
}

#[expect(clippy::print_stdout, reason = "read by the script that asked for the pictures")]
fn save(folder: &Path, name: &str, image: &ColorImage) {
    std::fs::write(folder.join(format!("{name}.rgba")), image.as_raw()).expect("the folder can be written");
    println!("{name} {}x{}", image.size[0], image.size[1]);
}
