//! What comes from outside the window: links, the clipboard, closing; and the settings of it. No display, no bus.
#![cfg(feature = "gui")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::Key;
use eframe::egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use potok_app::client::Client;
use potok_app::gui::action::Pick;
use potok_app::gui::picker::{Picker, WhenPicked};
use potok_app::gui::questions::Question;
use potok_app::gui::screen::Screen;
use potok_app::gui::window::{MainWindow, Parts};
use potok_app::model::made_up;
use potok_app::texts;
use potok_core::model::share_path::SharePath;
use potok_core::node::event::{Direction, NodeEvent, TrackerConnection, Transfer, TransferState};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::node::settings::Settings;
use potok_core::protocol::reply::Totals;
use potok_tests::connection_refused;

const LINK: &str =
    "potok://tracker.example.org:7686/?key=cc892c02f64987b9c47ac971bf0dc5bab5788f63cff6529a185d06b7edccb441";

type Asked = Arc<Mutex<Vec<Intent>>>;

/// A client that does nothing but remember what it was asked.
struct Fake(Asked, Receiver<NodeEvent>);

impl Client for Fake {
    fn ask(&self, intent: Intent) -> IntentId {
        let mut asked = self.0.lock().expect("no panic");
        asked.push(intent);
        IntentId(asked.len() as u64)
    }

    fn notices(&self) -> &Receiver<NodeEvent> {
        &self.1
    }
}

struct NoPicker;

impl Picker for NoPicker {
    fn pick(&mut self, _what: &Pick, _title: &str, _wake: WhenPicked) -> Receiver<Vec<PathBuf>> {
        bounded(1).1
    }

    fn is_there(&self) -> bool {
        false
    }
}

struct Test {
    window: Harness<'static, MainWindow>,
    asked: Asked,
    tell: Sender<NodeEvent>,
    _alone: MutexGuard<'static, ()>,
}

/// The language is one of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

impl Test {
    fn new(page: Screen, settings: Settings) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        texts::use_language("en");
        let (tell, notices) = bounded(100);
        let asked = Asked::default();
        let settings = Settings { name: "me".parse().ok(), language: "en".into(), theme: "dark".into(), ..settings };
        let engine = Box::new(Fake(Arc::clone(&asked), notices));
        let parts = Parts { engine, picker: Box::new(NoPicker), settings, data_dir: None };
        // High enough to show all settings without scrolling.
        let harness = Harness::builder().with_size([1120.0, 2000.0]).with_max_steps(64);
        let window = harness.build_eframe(|cc| {
            let mut window = MainWindow::new(&cc.egui_ctx, parts).expect("a thread");
            window.state.screen = page;
            window
        });
        let mut test = Self { window, asked, tell, _alone: alone };
        test.steps();
        test
    }

    fn steps(&mut self) {
        for _ in 0..4 {
            self.window.step();
        }
    }

    fn click(&mut self, label: &str) {
        self.window.get_by_label(label).click();
        self.steps();
    }

    fn type_into(&mut self, label: &str, text: &str) {
        self.window.get_by_role_and_label(Role::TextInput, label).focus();
        self.window.step();
        self.window.key_press_modifiers(eframe::egui::Modifiers::COMMAND, Key::A);
        self.window.step();
        self.window.get_by_role_and_label(Role::TextInput, label).type_text(text);
        self.window.step();
        self.window.key_press(Key::Enter);
        self.steps();
    }

    fn is_seen(&self, label: &str) -> bool {
        self.window.query_all_by_label_contains(label).next().is_some()
    }

    fn applied(&self) -> Option<Settings> {
        let asked = self.asked.lock().expect("no panic");
        asked.iter().rev().find_map(|intent| match intent {
            Intent::Apply(settings) => Some((**settings).clone()),
            _ => None,
        })
    }

    fn joins(&self) -> usize {
        self.asked.lock().expect("no panic").iter().filter(|intent| matches!(intent, Intent::Join(_))).count()
    }

    fn tell(&mut self, notice: NodeEvent) {
        self.tell.send(notice).expect("there is room");
        self.steps();
    }

    fn go_online(&mut self) {
        let (tracker, network) = ("h:1".to_owned(), "Home\u{202e}".to_owned());
        self.tell(NodeEvent::Connection(TrackerConnection::Online {
            tracker,
            network,
            message_of_the_day: Vec::new(),
        }));
    }

    fn learn_invite(&mut self, link: &str) {
        self.window.state_mut().model.invite = Some(link.parse().expect("valid"));
        self.steps();
    }

    fn open_link(&mut self, link: &str) {
        self.window.state_mut().ask_about_link(link);
        self.steps();
    }

    fn begin_transfer(&mut self) {
        self.tell(NodeEvent::Transfer(Transfer {
            number: potok_core::model::transfer::TransferId(1),
            direction: Direction::Download,
            position: 0,
            user: "anna".parse().expect("a name"),
            label: "x".into(),
            local_path: None,
            files: 1,
            files_done: 0,
            total_bytes: 2,
            done_bytes: 1,
            bytes_per_second: 0,
            sources: 1,
            there: potok_core::model::transfer::AlreadyThere::default(),
            way: None,
            state: TransferState::Running,
        }));
    }

    fn close(&mut self) {
        let ctx = self.window.ctx.clone();
        self.window.state_mut().close_requested(&ctx);
        self.steps();
    }
}

#[test]
fn a_link_asks_before_anything_happens() {
    let mut test = Test::new(Screen::Browse, Settings { tracker: "h:1".parse().ok(), ..Settings::default() });
    test.go_online();
    test.open_link(LINK);
    assert!(test.is_seen("tracker.example.org:7686"), "whose network");
    assert!(test.is_seen("cc89 2c02 f649"), "which key");
    assert!(test.is_seen("You leave Home⟨U+202E⟩."), "what is lost");
    assert_eq!(test.joins(), 0);
    test.click("Not now");
    assert!(!test.is_seen("tracker.example.org") && test.joins() == 0);

    test.open_link(LINK);
    test.click("Join");
    assert!(!test.is_seen("Join this network?"));
    assert_eq!(test.joins(), 1);
    test.tell(NodeEvent::Connection(TrackerConnection::Connecting {
        tracker: "tracker.example.org:7686".into(),
        why: None,
    }));
    test.open_link(LINK);
    assert!(test.is_seen("on its way into this network") && !test.is_seen("Join this network?"));
    assert_eq!(test.joins(), 1);

    test.tell(NodeEvent::Connection(TrackerConnection::None));
    test.open_link(LINK);
    assert!(test.is_seen("Join this network?"), "whoever has left may come back");
}

#[test]
fn a_network_that_we_are_in_is_not_joined_again() {
    let mut test = Test::new(Screen::Browse, Settings { tracker: "h:1".parse().ok(), ..Settings::default() });
    test.open_link(LINK);
    assert!(test.is_seen("Join this network?"), "nothing is known yet");
    test.go_online();
    assert!(test.is_seen("Join this network?"), "it may be another network");
    test.learn_invite(LINK);
    assert!(!test.is_seen("Join this network?") && test.is_seen("in this network already"));

    let elsewhere = LINK.replace("tracker.example.org:7686", "10.0.0.7:1");
    assert_ne!(elsewhere, LINK);
    test.open_link(&elsewhere);
    assert!(!test.is_seen("Join this network?"), "the same key at another address");
    test.open_link(&LINK.replace("cc", "cd"));
    assert!(test.is_seen("Join this network?"), "another key at the same address");
    assert_eq!(test.joins(), 0);
}

#[test]
fn a_hostile_link_is_only_explained() {
    let mut test = Test::new(Screen::Browse, Settings::default());
    for bad in
        ["potok://h:1", "potok:<script>", &format!("{LINK}&then=x"), &format!("{LINK} --x"), &"potok:".repeat(999)]
    {
        test.open_link(bad);
        assert!(test.is_seen("A link was opened that is no invite"), "{bad}");
        assert!(test.window.state().desktop_bridge.question.is_none() && test.joins() == 0, "{bad}");
    }
}

#[test]
fn an_invite_on_the_clipboard_is_one_click() {
    let mut test = Test::new(Screen::Welcome, Settings::default());
    let invite = || LINK.parse().expect("valid");
    test.window.state_mut().state.welcome.offer(invite());
    test.steps();
    assert!(test.is_seen("tracker.example.org:7686") && test.joins() == 0);
    test.click("Not this one");
    test.window.state_mut().state.welcome.offer(invite());
    test.steps();
    assert!(!test.is_seen("on your clipboard"), "once is enough");

    drop(test);
    let mut test = Test::new(Screen::Welcome, Settings::default());
    test.window.state_mut().state.welcome.offer(invite());
    test.steps();
    test.click("Join it");
    assert_eq!(test.joins(), 1);
}

#[test]
fn closing_asks_once_and_remembers() {
    let mut test = Test::new(Screen::Browse, Settings::default());
    test.close();
    assert_eq!(test.window.state().desktop_bridge.question, None, "nothing runs");
    test.begin_transfer();
    test.close();
    assert_eq!(test.window.state().desktop_bridge.question, Some(Question::Close { has_tray: false }));
    assert!(test.is_seen("the window is minimised"));
    test.click("Leave it open");
    assert_eq!(test.window.state().desktop_bridge.question, None);
    test.close();
    test.click("Keep running");
    test.close();
    assert_eq!(test.window.state().desktop_bridge.question, None, "the answer is known");
    test.window.state_mut().state.screen = Screen::Settings;
    test.steps();
    assert!(test.is_seen("Without a tray the window is minimised"));
    test.click("Ask if busy");
    test.close();
    assert!(test.window.state().desktop_bridge.question.is_some(), "asks again");
}

#[test]
fn closing_asks_who_shares_and_who_hosts() {
    let mut test = Test::new(Screen::Browse, Settings::default());
    let shared = made_up::shared_root(1, SharePath::new("a").expect("valid"), Totals { files: 2, bytes: 2 });
    test.window.state_mut().model.shares.replace(vec![shared]);
    test.close();
    assert_eq!(test.window.state().desktop_bridge.question, None, "nobody sees it");
    test.go_online();
    test.close();
    assert!(test.is_seen("You share with Home⟨U+202E⟩; files: 2"));
    test.click("Leave it open");

    test.window.state_mut().model.shares.replace(Vec::new());
    test.window.state_mut().model.status = Some(made_up::hosting(1));
    test.close();
    assert!(test.is_seen("Home⟨U+202E⟩ runs on this computer; nobody else is in it now"));
    test.click("Leave it open");

    // Ctrl+Q asks a host, and a sharer not: they said it.
    test.window.key_press_modifiers(eframe::egui::Modifiers::COMMAND, Key::Q);
    test.steps();
    assert!(test.is_seen("Your network ends with Potok"));
    test.click("Keep");
    assert!(!test.is_seen("Your network ends with Potok"));
    // A trial is nobody else's.
    test.window.state_mut().state.is_trial = true;
    test.close();
    assert_eq!(test.window.state().desktop_bridge.question, None);
}

#[test]
fn a_remembered_answer_does_not_end_what_is_on_its_way() {
    let mut test = Test::new(Screen::Browse, Settings { when_closed: "quit".into(), ..Settings::default() });
    test.go_online();
    let shared = made_up::shared_root(1, SharePath::new("a").expect("valid"), Totals { files: 1, bytes: 1 });
    test.window.state_mut().model.shares.replace(vec![shared]);
    test.close();
    assert_eq!(test.window.state().desktop_bridge.question, None, "that was decided");
    test.begin_transfer();
    test.close();
    assert!(test.is_seen("Downloads under way: 1") && !test.is_seen("Your answer is remembered"));
    test.click("Keep running");
    test.close();
    assert!(test.window.state().desktop_bridge.question.is_some(), "it was an answer for once");
}

#[test]
fn settings_take_right_values_and_keep_wrong_ones() {
    let mut test = Test::new(Screen::Settings, Settings::default());
    test.type_into("Where others reach you", "7301");
    assert!(test.is_seen("Expected IP:PORT") && test.applied().is_none());
    test.window.get_by_role_and_label(Role::CheckBox, "Notifications").click();
    test.steps();
    let applied = test.applied().expect("takes effect at once");
    assert!(!applied.notifications && applied.listen.to_string() == "[::]:0");
    assert!(test.is_seen("Expected IP:PORT"), "what was typed is still there");
    test.type_into("Where others reach you", "127.0.0.1:7301");
    assert_eq!(test.applied().expect("applied").listen.to_string(), "127.0.0.1:7301");
    assert!(!test.is_seen("Expected IP:PORT"));

    test.type_into("Name", "two words");
    assert_eq!(test.applied().expect("applied").name, "me".parse().ok());
    test.type_into("Name", "Мария");
    assert_eq!(test.applied().expect("applied").name, "Мария".parse().ok());
    let folder = tempfile::tempdir().expect("folder");
    test.type_into("Download folder", folder.path().join("gone").to_str().expect("text"));
    assert!(test.is_seen("There is no such folder"));
    test.type_into("Download folder", folder.path().to_str().expect("text"));
    assert_eq!(test.applied().expect("applied").download_folder, folder.path());
}

#[test]
fn licences_of_all_crates_can_be_read() {
    let mut test = Test::new(Screen::Settings, Settings::default());
    test.click("Licences");
    assert!(test.is_seen("ab_glyph"));
    test.click("Close");
    assert!(!test.is_seen("ab_glyph"));
}

#[test]
fn the_language_changes_at_once() {
    let mut test = Test::new(Screen::Settings, Settings::default());
    test.click("Български");
    assert!(test.is_seen("Настройки") && test.is_seen("Известия"));
    // Also of what was told before.
    let why = Failure::Offline { tracker: "h:1".into(), why: connection_refused().into() };
    test.tell(NodeEvent::Connection(TrackerConnection::Connecting { tracker: "h:1".into(), why: Some(why) }));
    test.window.state_mut().state.screen = Screen::Welcome;
    test.steps();
    assert!(test.is_seen("там никой не отговаря"));
    test.window.state_mut().state.screen = Screen::Settings;
    test.steps();
    test.click("English");
    assert!(test.is_seen("Notifications"));
    test.window.state_mut().state.screen = Screen::Welcome;
    test.steps();
    assert!(test.is_seen("nobody answers there"));
}
