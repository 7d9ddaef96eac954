//! Many windows at one tracker, without screens: each has an engine of its own, and the model of the window asks it for
//! what Browse shows. Prints a line of JSON when all are there, and stays; `benches/large_network.py` runs it.
//!
//! `many_windows TRACKER FOLDER COUNT`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use potok_app::model::browse::{Look, Query};
use potok_app::model::shown_rows::OpenContents;
use potok_app::model::tree::Open;
use potok_app::model::{AskedBy, Model};
use potok_core::node::settings::Settings;
use potok_core::node::{Node, NodeStartError, Setup};

/// How soon a window hears what has happened: a frame.
const FRAME: Duration = Duration::from_millis(16);
/// Rows that fit into a window.
const ROWS_IN_VIEW: usize = 25;

struct HiddenWindow {
    node: Node,
    model: Model,
    query: Query,
    open: Open,
    due: Option<Instant>,
}

fn main() -> Result<(), NodeStartError> {
    let mut args = std::env::args().skip(1);
    let (tracker, folder) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    let count: usize = args.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let mut windows = Vec::new();
    for number in 0..count {
        windows.push(HiddenWindow::open(&tracker, &Path::new(&folder).join(number.to_string()), number)?);
    }
    let mut is_told = false;
    loop {
        let now = Instant::now();
        windows.iter_mut().for_each(|window| window.frame(now));
        if !is_told && windows.iter().all(|window| !window.model.browse.is_empty()) {
            is_told = true;
            say(&format!("{{\"windows\": {count}}}"));
        }
        std::thread::sleep(FRAME.saturating_sub(now.elapsed()));
    }
}

impl HiddenWindow {
    fn open(tracker: &str, folder: &Path, number: usize) -> Result<Self, NodeStartError> {
        let settings = Settings {
            name: format!("window{number}").parse().ok(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tracker: tracker.parse().ok(),
            hash_threads: 1,
            ..Settings::default()
        };
        let setup =
            Setup { data_dir: folder.into(), settings, download_folder: None, host_tracker: None, metering: None };
        let node = Node::start(setup, Arc::new(|| {}))?;
        Ok(Self { node, model: Model::default(), query: Query::default(), open: Open::default(), due: None })
    }

    /// What the window does in a frame, but for drawing; nothing if nothing has happened and nothing is due.
    fn frame(&mut self, now: Instant) {
        let mut has_heard = false;
        while let Ok(notice) = self.node.notices().try_recv() {
            self.model.apply(now, notice);
            has_heard = true;
        }
        if !has_heard && self.due.is_some_and(|due| due > now) {
            return;
        }
        drop(self.model.take_answers());
        let (wishes, later) = self.model.wishes(now);
        for intent in wishes {
            let id = self.node.ask(intent.clone());
            self.model.asked(id, &intent, AskedBy::Background);
        }
        let look = Look {
            query: &self.query,
            open: &self.open,
            open_contents: &OpenContents::new(),
            view: 0..ROWS_IN_VIEW,
            wants_all: false,
            content: None,
        };
        let again = self.model.look(now, &look, &mut |intent| self.node.ask(intent));
        drop(self.model.browse.take_edits());
        // Without anything due it still looks once a second, as the window does for its graph.
        let soonest = [later, again].into_iter().flatten().min().unwrap_or(Duration::from_secs(1));
        self.due = Some(now + soonest);
    }
}

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn say(line: &str) {
    println!("{line}");
}
