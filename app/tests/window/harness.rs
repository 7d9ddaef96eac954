//! A window over a client that does nothing but remember what it was asked.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use potok_app::client::Client;
use potok_app::gui::action::Pick;
use potok_app::gui::picker::{Picker, WhenPicked};
use potok_app::gui::screen::Screen;
use potok_app::gui::window::{MainWindow, Parts};
use potok_app::model::made_up::{self, MadeUpNetwork};
use potok_app::texts;
use potok_core::model::hash::ContentHash;
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::node::event::{Direction, HereFile, NodeEvent, Outcome, TrackerConnection, Transfer, TransferState};
use potok_core::node::intent::{Intent, IntentId, TransferId};
use potok_core::node::settings::Settings;
use potok_core::protocol::command::owner::OwnerCommand;
use potok_core::protocol::reply::{FileLine, Totals};
use potok_core::service::share_indexer::event::LeftOutReason;
use potok_core::service::share_indexer::preview::{PreviewedShare, SharePreview};
use potok_core::service::share_indexer::root_status::SharedRoot;

/// A client that does nothing but remember what it was asked; what is asked of the network is answered by a made-up one.
pub(crate) struct Fake {
    pub(crate) asked: Arc<Mutex<Vec<(IntentId, Intent)>>>,
    pub(crate) network: Arc<Mutex<Option<MadeUpNetwork>>>,
    pub(crate) tell: Sender<NodeEvent>,
    pub(crate) notices: Receiver<NodeEvent>,
}

impl Client for Fake {
    fn ask(&self, intent: Intent) -> IntentId {
        let mut asked = self.asked.lock().expect("no panic");
        let id = IntentId(asked.len() as u64);
        if let Some(outcome) = self.network.lock().expect("no panic").as_ref().and_then(|here| here.answer(&intent)) {
            self.tell.send(NodeEvent::Outcome { id, result: Ok(outcome) }).expect("there is room");
        }
        asked.push((id, intent));
        id
    }

    fn notices(&self) -> &Receiver<NodeEvent> {
        &self.notices
    }
}

/// A dialog that answers at once.
pub(crate) struct Scripted(pub(crate) Vec<PathBuf>);

impl Picker for Scripted {
    fn pick(&mut self, _what: &Pick, _title: &str, wake: WhenPicked) -> Receiver<Vec<PathBuf>> {
        let (answer, chosen) = bounded(1);
        answer.send(self.0.clone()).expect("there is room");
        wake();
        chosen
    }

    fn is_there(&self) -> bool {
        true
    }
}

pub(crate) struct Test {
    pub(crate) window: Harness<'static, MainWindow>,
    pub(crate) asked: Arc<Mutex<Vec<(IntentId, Intent)>>>,
    pub(crate) network: Arc<Mutex<Option<MadeUpNetwork>>>,
    pub(crate) tell: Sender<NodeEvent>,
}

impl Test {
    pub(crate) fn new(page: Screen) -> Self {
        Self::with(
            page,
            Settings {
                name: "me".parse().ok(),
                language: "en".into(),
                theme: "dark".into(),
                tracker: "h:1".parse().ok(),
                ..Settings::default()
            },
        )
    }

    pub(crate) fn with(page: Screen, settings: Settings) -> Self {
        Self::made(page, settings, None)
    }

    /// With what is in this data folder, or will be.
    pub(crate) fn in_folder(page: Screen, data_dir: &std::path::Path) -> Self {
        let settings = Settings { name: "me".parse().ok(), language: "en".into(), ..Settings::default() };
        Self::made(page, settings, Some(data_dir.to_owned()))
    }

    pub(crate) fn made(page: Screen, settings: Settings, data_dir: Option<PathBuf>) -> Self {
        texts::use_language(if settings.language.is_empty() { "en" } else { &settings.language });
        let (tell, notices) = bounded(1_000);
        let asked: Arc<Mutex<Vec<_>>> = Arc::default();
        let network: Arc<Mutex<Option<MadeUpNetwork>>> = Arc::default();
        let engine = Fake { asked: Arc::clone(&asked), network: Arc::clone(&network), tell: tell.clone(), notices };
        let picker = Scripted(vec!["/home/me/снимка 1.jpg".into()]);
        let parts = Parts { engine: Box::new(engine), picker: Box::new(picker), settings, data_dir };
        let harness = Harness::builder().with_size([1120.0, 740.0]).with_max_steps(64);
        let window = harness.build_eframe(|cc| {
            let mut window = MainWindow::new(&cc.egui_ctx, parts).expect("a thread");
            window.state.screen = page;
            window
        });
        let mut test = Self { window, asked, network, tell };
        test.steps();
        test
    }

    pub(crate) fn tell(&mut self, notice: NodeEvent) {
        self.tell.send(notice).expect("there is room");
        self.steps();
    }

    /// Frames until the network has answered, if there is one.
    pub(crate) fn steps(&mut self) {
        self.window.step();
        self.window.step();
        for _ in 0..2_000 {
            let window = self.window.state();
            if !window.state.browse.is_busy || self.network.lock().expect("no panic").is_none() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
            self.window.step();
        }
        self.window.step();
        self.window.step();
    }

    pub(crate) fn type_into(&mut self, label: &str, text: &str) {
        self.window.get_by_label(label).focus();
        self.window.step();
        self.window.get_by_label(label).type_text(text);
        self.steps();
    }

    pub(crate) fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.steps();
    }

    /// What was asked since then, but for what the window asks the network by itself.
    pub(crate) fn asked_since(&self, from: usize) -> Vec<Intent> {
        let asked = self.asked.lock().expect("no panic");
        asked[from..].iter().map(|(_, intent)| intent.clone()).filter(|intent| !is_look(intent)).collect()
    }

    pub(crate) fn asked_so_far(&self) -> usize {
        self.asked.lock().expect("no panic").len()
    }

    pub(crate) fn click(&mut self, label: &str) {
        self.window.get_by_label(label).click();
        self.steps();
    }

    pub(crate) fn is_seen(&self, label: &str) -> bool {
        self.window.query_all_by_label_contains(label).next().is_some()
    }

    pub(crate) fn was_asked(&self, intent: &Intent) -> bool {
        self.asked.lock().expect("no panic").iter().any(|(_, asked)| asked == intent)
    }

    pub(crate) fn last(&self) -> Intent {
        self.asked_since(0).pop().expect("something was asked")
    }

    /// Answers the newest intent that `is` describes.
    pub(crate) fn answer(&mut self, is: impl Fn(&Intent) -> bool, outcome: Outcome) {
        let id = self.asked.lock().expect("no panic").iter().rev().find(|(_, i)| is(i)).expect("was asked").0;
        self.tell(NodeEvent::Outcome { id, result: Ok(outcome) });
    }

    pub(crate) fn go_online(&mut self) {
        let (tracker, network) = ("h:1".to_owned(), "Home".to_owned());
        self.tell(NodeEvent::Connection(TrackerConnection::Online {
            tracker,
            network,
            message_of_the_day: Vec::new(),
        }));
    }

    /// Shares this and nothing else.
    pub(crate) fn shares(&mut self, roots: Vec<SharedRoot>) {
        self.window.state_mut().model.shares.ask_anew();
        self.steps();
        // A list that was under way is asked for once more.
        self.answer(|i| matches!(i, Intent::ListRoots { .. }), made_up::roots(roots.clone()));
        self.answer(|i| matches!(i, Intent::ListRoots { .. }), made_up::roots(roots));
    }

    /// What was asked about would be a file, or a folder, of so many files; at most five may be shared.
    pub(crate) fn answer_preview(&mut self, is_folder: bool, files: u64) {
        let item = PreviewedShare {
            local: "/home/me/x".into(),
            is_folder,
            share_as: SharePath::new("x").expect("valid"),
            totals: Totals { files, bytes: 50 },
            left_out: vec![(LeftOutReason::TooMany, 3)].into_iter().filter(|_| is_folder).collect(),
            empty_folders: 0,
            warning: None,
        };
        let preview = SharePreview { items: vec![item], new_files: files, room: 5, shares_max: 100 };
        self.answer(|i| matches!(i, Intent::PreviewShare(_)), Outcome::SharePreview(preview));
    }

    /// Is in a network in which this is shared.
    pub(crate) fn list(&mut self, files: Vec<FileLine>) {
        self.list_beside(files, Vec::new());
    }

    /// The same, while this is on the disk.
    pub(crate) fn list_beside(&mut self, files: Vec<FileLine>, here: Vec<HereFile>) {
        let mut network = MadeUpNetwork::new(files);
        network.here = here;
        // What was asked before is answered now; what was overtaken is nobody's.
        for (id, intent) in self.asked.lock().expect("no panic").iter() {
            if let Some(outcome) = network.answer(intent) {
                self.tell.send(NodeEvent::Outcome { id: *id, result: Ok(outcome) }).expect("there is room");
            }
        }
        *self.network.lock().expect("no panic") = Some(network);
        self.go_online();
    }

    /// Somebody shares this from now on, and the tracker tells it.
    pub(crate) fn share(&mut self, file: FileLine) {
        self.network.lock().expect("no panic").as_mut().expect("a network").share(file.clone());
        self.tell(NodeEvent::Shared(file));
    }

    /// The rows of Browse, as far as they are loaded.
    pub(crate) fn rows(&self) -> Vec<String> {
        let browse = &self.window.state().model.browse;
        (0..browse.len()).filter_map(|at| browse.row(at)).map(|entry| entry.path().as_str().to_owned()).collect()
    }
}

/// Whether it is asked by the window itself, while somebody looks.
pub(crate) fn is_look(intent: &Intent) -> bool {
    let is_about_shares = matches!(
        intent,
        Intent::ListRoots { .. } | Intent::ListLevel { .. } | Intent::ListStopped { .. } | Intent::FindShares { .. }
    );
    // What an owner sees of the network is read again when something has changed.
    let is_owners = matches!(
        intent,
        Intent::Order(OwnerCommand::ListBanned(_) | OwnerCommand::ListInvites(_) | OwnerCommand::ListWaiting(_))
    );
    is_about_shares || is_owners || MadeUpNetwork::default().answer(intent).is_some()
}

/// A file that I share by itself.
pub(crate) fn shared_file(id: u64, path: &str) -> SharedRoot {
    let path = SharePath::new(path).expect("valid");
    SharedRoot { is_folder: false, ..made_up::shared_root(id, path, Totals { files: 1, bytes: 5 }) }
}

pub(crate) fn name(text: &str) -> Username {
    Username::new(text).expect("a valid name")
}

pub(crate) fn file(user: &str, path: &str, size: u64, content: u8) -> FileLine {
    let hash = Some(ContentHash::from_bytes([content; 32]));
    FileLine { username: name(user), size: Some(size), hash, path: SharePath::new(path).expect("valid") }
}

pub(crate) fn transfer(number: u64, state: TransferState) -> Transfer {
    Transfer {
        number: TransferId(number),
        direction: Direction::Download,
        position: 0,
        user: name("anna"),
        label: format!("Trip/day {number}.jpg"),
        local_path: Some("/tmp/x".into()),
        files: 1,
        files_done: 0,
        total_bytes: 100,
        done_bytes: 50,
        bytes_per_second: 0,
        sources: 1,
        there: potok_core::model::transfer::AlreadyThere::default(),
        way: None,
        state,
    }
}
