//! What the window's own work of a frame costs while it is used: a script scrolls, types and sorts in a long list while
//! eight downloads report progress as often as the real client does. Prints a line for each, fields ended by tabs.

use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use eframe::egui::{
    self, Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, RawInput, TouchPhase, Ui, pos2, vec2,
};
use potok_app::gui::window::{MainWindow, Parts};
use potok_app::model::row_order::SortColumn;
use potok_core::node::event::NodeEvent;

/// Frames of each part of the script.
const FRAMES: usize = 600;
/// Progress of the real client comes about thirty times a second.
const PROGRESS_EVERY: Duration = Duration::from_millis(33);
const DOWNLOADS: u64 = 8;
/// What is searched, letter by letter.
const SEARCHED: &str = "file number 12 flac";

/// Runs the script over `files` rows and ends the program.
pub(crate) fn run(parts: Parts, files: usize, send: Sender<NodeEvent>) -> eframe::Result {
    let viewport = egui::ViewportBuilder::default().with_inner_size([1120.0, 740.0]);
    // As fast as it can: waiting for the screen is no work.
    let mut options = eframe::NativeOptions { viewport, ..Default::default() };
    options.glow_options.vsync = false;
    let make = move |cc: &eframe::CreationContext<'_>| {
        let ctx = cc.egui_ctx.clone();
        std::thread::spawn(move || report_progress(&ctx, &send));
        let window = MainWindow::new(&cc.egui_ctx, parts)?;
        Ok(Box::new(Figures::new(window, files)) as Box<dyn eframe::App>)
    };
    eframe::run_native("Potok", options, Box::new(make))
}

fn report_progress(ctx: &egui::Context, send: &Sender<NodeEvent>) {
    let like = super::running();
    for step in 1.. {
        for number in 0..DOWNLOADS {
            let mut transfer = like.clone();
            transfer.number = potok_core::model::transfer::TransferId(100 + number);
            transfer.done_bytes = step * 350_000 % transfer.total_bytes;
            transfer.bytes_per_second += step * 7_919 * (number + 1) % 900_000;
            let _ = send.send(NodeEvent::Transfer(transfer));
        }
        ctx.request_repaint();
        std::thread::sleep(PROGRESS_EVERY);
    }
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Listing,
    Scrolling,
    Typing,
    Sorting,
}

struct Figures {
    window: MainWindow,
    files: usize,
    part: Part,
    frame: usize,
    events: Vec<Event>,
    logic: Duration,
    own: Vec<Duration>,
    began: Instant,
}

impl Figures {
    fn new(window: MainWindow, files: usize) -> Self {
        let (events, own) = (Vec::new(), Vec::new());
        Self { window, files, part: Part::Listing, frame: 0, events, logic: Duration::ZERO, own, began: Instant::now() }
    }

    /// The next step of the script.
    fn step(&mut self) {
        self.frame += 1;
        let browse = &mut self.window.state.browse;
        match self.part {
            Part::Listing => {
                let known = self.window.model.browse.everything().map_or(0, |all| all.files);
                if known == self.files as u64 && !self.window.model.browse.is_empty() {
                    self.next("listing", Part::Scrolling);
                }
            }
            Part::Scrolling => {
                self.events.push(Event::PointerMoved(pos2(600.0, 400.0)));
                self.events.push(Event::MouseWheel {
                    unit: MouseWheelUnit::Line,
                    delta: vec2(0.0, if self.frame > FRAMES / 2 { 3.0 } else { -3.0 }),
                    source: MouseWheelSource::Wheel,
                    phase: TouchPhase::Move,
                    modifiers: Modifiers::NONE,
                });
                if self.frame == FRAMES / 2 {
                    self.events.push(key(Key::End, Modifiers::NONE));
                }
                if self.frame == FRAMES {
                    self.next("scrolling", Part::Typing);
                    self.events.push(key(Key::F, Modifiers::COMMAND));
                }
            }
            Part::Typing => {
                let letter = self.frame.is_multiple_of(12).then(|| SEARCHED.chars().nth(self.frame / 12 - 1)).flatten();
                self.events.extend(letter.map(|letter| Event::Text(letter.into())));
                if self.frame == FRAMES {
                    self.window.state.browse.query.text.clear();
                    self.next("typing a search", Part::Sorting);
                }
            }
            Part::Sorting => {
                if self.frame.is_multiple_of(60) {
                    let columns =
                        [SortColumn::Size, SortColumn::Person, SortColumn::Kind, SortColumn::Sources, SortColumn::Path];
                    browse.query.sort = columns[self.frame / 60 % columns.len()];
                    browse.query.is_descending = self.frame.is_multiple_of(120);
                }
                if self.frame == FRAMES {
                    self.next("sorting", Part::Sorting);
                    std::process::exit(0);
                }
            }
        }
    }

    #[expect(clippy::print_stdout, reason = "this is what it is for")]
    fn next(&mut self, what: &str, part: Part) {
        self.own.sort_unstable();
        let millis = |per_mille: usize| self.own[(self.own.len() - 1) * per_mille / 1000].as_secs_f64() * 1000.0;
        let frames_a_second = self.own.len() as f64 / self.began.elapsed().as_secs_f64();
        println!(
            "own work of a frame while {what}, {} rows, p50 / p99 / max\t{:.2} / {:.2} / {:.2} ms\tgoal: p99 4 ms; {} frames, \
             with the software renderer {frames_a_second:.0} a second\t",
            self.files,
            millis(500),
            millis(990),
            millis(1000),
            self.own.len(),
        );
        (self.part, self.frame, self.began) = (part, 0, Instant::now());
        self.own.clear();
    }
}

impl eframe::App for Figures {
    fn raw_input_hook(&mut self, _ctx: &egui::Context, input: &mut RawInput) {
        input.events.append(&mut self.events);
        input.focused = true;
    }

    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        let since = now();
        self.window.logic(ctx, frame);
        self.logic += now() - since;
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        let since = now();
        self.window.ui(ui, frame);
        self.own.push(std::mem::take(&mut self.logic) + (now() - since));
        self.step();
        ui.ctx().request_repaint();
    }
}

fn key(key: Key, modifiers: Modifiers) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
}

/// What this thread has had of the processor: of wall time, other programs have their part.
#[cfg(unix)]
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Wall time.
#[cfg(not(unix))]
fn now() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}
