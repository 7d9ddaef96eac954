//! The window with its engine at a running tracker, used by a script: how soon there are rows. Prints a line of JSON for each
//! figure; `benches/large_network.py` runs it.
//!
//! `window_script TRACKER FOLDER [WORDS]` joins with a data folder of its own, and prints how long after that Browse has
//! rows. Of a file of words, one a line, it then types each, and prints how long after the last letter its rows are in a
//! frame. Otherwise it stays open.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{self, Event, Key, Modifiers, RawInput, Ui};
use potok_app::gui::picker::Native;
use potok_app::gui::window::{MainWindow, Parts};
use potok_app::texts;
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};

/// Between two letters: a fast typist.
const LETTER_EVERY: Duration = Duration::from_millis(80);
/// Words that are typed at most: two minutes.
const WORDS_MAX: usize = 180;
/// Between two words, when everything has come to rest.
const REST: Duration = Duration::from_millis(200);

/// What the script is at.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The tracker has not let us in yet.
    Joining,
    /// Browse has no rows yet.
    Opening { since: Instant },
    /// Stays as it is.
    Open,
    /// The search field is emptied, and its list comes to rest.
    Resting { until: Instant },
    /// So many letters of the word are typed.
    Typing { letters: usize, due: Instant },
    /// All letters are typed, their rows are not there yet; `number` is of the list that was shown when the field had them.
    Waiting { since: Instant, number: Option<u64> },
}

struct Script {
    window: MainWindow,
    words: Vec<String>,
    step: Step,
    typed: Vec<Duration>,
    events: Vec<Event>,
}

fn main() -> eframe::Result {
    let mut args = std::env::args().skip(1);
    let (tracker, folder) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    let words = args.next().map_or_else(Vec::new, |path| words_of(&path));
    let settings = Settings {
        name: format!("viewer{}", std::process::id()).parse().ok(),
        language: "en".into(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        tracker: tracker.parse().ok(),
        ..Settings::default()
    };
    texts::use_language(&settings.language);
    let viewport = egui::ViewportBuilder::default().with_inner_size([1120.0, 740.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let make = move |cc: &eframe::CreationContext<'_>| {
        let ctx = cc.egui_ctx.clone();
        let setup = Setup {
            data_dir: folder.into(),
            settings: settings.clone(),
            download_folder: None,
            host_tracker: None,
            metering: None,
        };
        let engine = Node::start(setup, Arc::new(move || ctx.request_repaint()))?;
        let parts = Parts { engine: Box::new(engine), picker: Box::new(Native), settings, data_dir: None };
        let window = MainWindow::new(&cc.egui_ctx, parts)?;
        let (typed, events) = (Vec::new(), Vec::new());
        Ok(Box::new(Script { window, words, step: Step::Joining, typed, events }) as Box<dyn eframe::App>)
    };
    eframe::run_native("Potok", options, Box::new(make))
}

/// Some of all kinds: the file has them in order.
fn words_of(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let words: Vec<&str> = text.lines().collect();
    let step = (words.len() * 7 / 11) | 1;
    (0..words.len()).take(WORDS_MAX).map(|n| words[n * step % words.len()].to_owned()).collect()
}

impl Script {
    /// What is typed now; called before each frame.
    fn press(&mut self, ctx: &egui::Context) {
        let now = Instant::now();
        match self.step {
            Step::Typing { letters, due } if due <= now => {
                let word = &self.words[self.typed.len()];
                self.events.extend(word.chars().nth(letters).map(|letter| Event::Text(letter.into())));
                self.step = if letters + 1 < word.chars().count() {
                    Step::Typing { letters: letters + 1, due: due + LETTER_EVERY }
                } else {
                    Step::Waiting { since: now, number: None }
                };
                ctx.request_repaint_after(LETTER_EVERY);
            }
            Step::Typing { due, .. } => ctx.request_repaint_after(due - now),
            _ => {}
        }
    }

    /// Looks at what a frame has shown.
    fn see(&mut self, ctx: &egui::Context) {
        let now = Instant::now();
        let browse = &self.window.model.browse;
        match self.step {
            Step::Joining if self.window.model.is_online() => self.step = Step::Opening { since: now },
            Step::Opening { since } if !browse.is_empty() => {
                say(&format!("{{\"rows_ms\": {}}}", milliseconds(since.elapsed())));
                self.step = if self.words.is_empty() { Step::Open } else { self.rest(ctx) };
            }
            Step::Resting { until } if until <= now && !browse.is_busy() => {
                let key = Event::Key {
                    key: Key::F,
                    physical_key: None,
                    pressed: true,
                    repeat: false,
                    modifiers: Modifiers::COMMAND,
                };
                self.events.push(key);
                self.step = Step::Typing { letters: 0, due: now + LETTER_EVERY };
                ctx.request_repaint();
            }
            Step::Resting { until } => ctx.request_repaint_after(until.saturating_duration_since(now).max(REST / 10)),
            // The field has the letters now; the model follows before the next frame.
            Step::Waiting { since, number: None } if self.events.is_empty() => {
                self.step = Step::Waiting { since, number: Some(browse.number()) };
            }
            Step::Waiting { since, number: Some(number) } if browse.number() != number && !browse.is_busy() => {
                self.typed.push(since.elapsed());
                debug_assert_eq!(self.window.state.browse.query.text, self.words[self.typed.len() - 1]);
                if self.typed.len() == self.words.len() {
                    self.finish();
                }
                self.step = self.rest(ctx);
            }
            _ => {}
        }
    }

    fn rest(&mut self, ctx: &egui::Context) -> Step {
        self.window.state.browse.query.text.clear();
        ctx.request_repaint();
        Step::Resting { until: Instant::now() + REST }
    }

    fn finish(&mut self) {
        self.typed.sort_unstable();
        let at = |per_cent: usize| milliseconds(self.typed[(self.typed.len() - 1) * per_cent / 100]);
        say(&format!(
            "{{\"p50_ms\": {}, \"p99_ms\": {}, \"max_ms\": {}, \"words\": {}}}",
            at(50),
            at(99),
            at(100),
            self.typed.len()
        ));
        std::process::exit(0);
    }
}

impl eframe::App for Script {
    fn raw_input_hook(&mut self, ctx: &egui::Context, input: &mut RawInput) {
        self.press(ctx);
        input.events.append(&mut self.events);
        input.focused = true;
    }

    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.window.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        self.window.ui(ui, frame);
        self.see(ui.ctx());
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn say(line: &str) {
    println!("{line}");
}
