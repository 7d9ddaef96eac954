//! Whoever has chosen Bulgarian reads Bulgarian: on every page and in every question no English word is seen, or read out.
//! A test program of its own: the language is that of the whole process.
#![cfg(feature = "gui")]

#[expect(dead_code, reason = "the other tests of the window use the rest of it")]
#[path = "window/harness.rs"]
mod harness;

use std::collections::BTreeSet;
use std::time::SystemTime;

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT;
use potok_app::gui::action::{Confirm, Dialog, KeepOut, Stopping};
use potok_app::gui::fingerprint;
use potok_app::gui::questions::Question;
use potok_app::gui::screen::Screen;
use potok_app::gui::screens::transfers::Only;
use potok_app::model::made_up;
use potok_app::model::wanted_download::WantedDownload;
use potok_core::disk::walk::WhySkipped;
use potok_core::library::typed::RemotePath;
use potok_core::model::absence::AbsenceReason;
use potok_core::model::keeping_away::KeptAway;
use potok_core::model::key::PublicKey;
use potok_core::model::name_fault::NameFault;
use potok_core::model::share_path::{BadSharePath, SharePath};
use potok_core::model::transfer::TransferError;
use potok_core::model::way::Way;
use potok_core::node::event::{
    Direction, Me, NodeEvent, Outcome, PastTransfer, TrackerConnection, Transfer, TransferState,
};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, TransferId};
use potok_core::node::not_shareable::NotShareable;
use potok_core::node::partly_there::PartlyThere;
use potok_core::node::settings::Settings;
use potok_core::node::warning::Warning;
use potok_core::node::work::{FailedWork, WorkFault};
use potok_core::protocol::code::Code;
use potok_core::protocol::line::Fault;
use potok_core::protocol::reply::{Totals, UserLine};
use potok_core::service::share_indexer::root_status::{Absence, RootWatching, SharedRoot};
use potok_core::service::share_indexer::watch_fault::WatchFault;
use potok_core::tracker::setting_fault::SettingFault;
use potok_core::tracker::settings::BadSetting;

use harness::{Test, file, name, transfer};

/// Latin words that are the same in every language: keys, programs, units.
const SAME_EVERYWHERE: &[&str] = &[
    "Alt",
    "Backspace",
    "Ctrl",
    "Del",
    "End",
    "English",
    "Enter",
    "Esc",
    "F1",
    "F2",
    "Home",
    "KiB",
    "MiB",
    "PgDn",
    "PgUp",
    "Potok",
    "Shift",
    "Space",
    "Tab",
    "KB",
    "MB",
    "GB",
];

/// Bytes of keys.
const ME: u8 = 7;
const THEY: u8 = 9;

/// English words in what a person sees, or has read out. What the translation itself says in Latin letters is meant so.
fn english(test: &Test) -> BTreeSet<String> {
    let translation = include_str!("../../assets/translations/bg.yml");
    let texts = translation.lines().filter_map(|line| line.split_once(": \"")).map(|(_, text)| text);
    let meant: BTreeSet<&str> = texts.flat_map(words).chain(SAME_EVERYWHERE.iter().copied()).collect();
    let mut found = BTreeSet::new();
    // Those of a key are the same for everybody, so that two people can compare them.
    let of_keys = [ME, THEY].map(|key| fingerprint::words(&PublicKey::from_bytes([key; 32])).join(" "));
    for node in test.window.root().children_recursive() {
        let node = node.accesskit_node();
        for text in [node.label(), node.value()].into_iter().flatten().filter(|text| !of_keys.contains(text)) {
            let english: Vec<&str> = words(&text).filter(|word| !meant.contains(word)).collect();
            if !english.is_empty() {
                found.insert(format!("{english:?} in {text:?}"));
            }
        }
    }
    found
}

/// Words of nothing but Latin letters: no paths, addresses, keys, numbers.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| c.is_whitespace() || "„“”()[],;:!?…·".contains(c));
    let words = words.map(|word| word.trim_matches(|c: char| ".'\"`+".contains(c)));
    words.filter(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

fn is_all_bulgarian(test: &Test, state: &str) {
    let english = english(test);
    assert!(english.is_empty(), "{state}: {english:#?}");
}

fn window(screen: Screen) -> Test {
    let settings = Settings {
        name: "аз".parse().ok(),
        language: "bg".into(),
        theme: "dark".into(),
        tracker: "h:1".parse().ok(),
        ..Settings::default()
    };
    Test::with(screen, settings)
}

/// An owner among people, with something of every kind.
fn busy(screen: Screen) -> Test {
    let mut test = window(screen);
    test.list(vec![file("ана", "Пътуване/ден.jpg", 5, 1), file("иван", "книга.pdf", 5, 2)]);
    let network = "Дом".to_owned();
    let online =
        TrackerConnection::Online { tracker: "h:1".into(), network, message_of_the_day: vec!["Здравей".into()] };
    test.tell(NodeEvent::Connection(online));
    test.answer(|i| matches!(i, Intent::Status), Outcome::Status(Box::new(made_up::hosting(2))));
    let key = PublicKey::from_bytes([THEY; 32]);
    let line =
        |user: &str| UserLine { username: name(user), address: Some(([10, 0, 0, 1], 4001).into()), key: Some(key) };
    test.answer(|i| matches!(i, Intent::ListUsers), Outcome::Users(vec![line("ана"), line("иван")]));
    let me = Me { username: name("аз"), address: None, key: PublicKey::from_bytes([ME; 32]) };
    test.answer(|i| matches!(i, Intent::WhoAmI), Outcome::Me(me));
    let states = [
        TransferState::Queued,
        TransferState::Running,
        TransferState::WaitingForUser,
        TransferState::WaitingForTracker,
        TransferState::KeptAway(KeptAway { until: Some(std::time::SystemTime::now()), reason: None }),
        TransferState::KeptAway(KeptAway::default()),
        TransferState::Connecting,
        TransferState::Checking,
        TransferState::Paused,
        TransferState::Metered,
        TransferState::DiskFull,
        TransferState::NotAsked,
        TransferState::Finished,
        TransferState::Failed(TransferError::Changed),
        TransferState::Failed(TransferError::Disk(std::io::Error::from_raw_os_error(13).to_string())),
    ];
    for (number, state) in (1..).zip(states) {
        let label = format!("Пътуване/ден {number}.jpg");
        test.tell(NodeEvent::Transfer(Transfer { user: name("ана"), label, ..transfer(number, state) }));
    }
    let upload = Transfer {
        direction: Direction::Upload,
        user: name("иван"),
        label: "море.jpg".into(),
        ..transfer(99, TransferState::Running)
    };
    test.tell(NodeEvent::Transfer(upload));
    let path = |text: &str| SharePath::new(text).expect("valid");
    let root = |id, text: &str| made_up::shared_root(id, path(text), Totals { files: 3, bytes: 50 });
    test.shares(vec![
        root(1, "Музика"),
        SharedRoot { paused: Some(Absence::Gone), ..root(2, "Флашка") },
        SharedRoot { paused: Some(Absence::OtherFileSystem), ..root(3, "Диск") },
        SharedRoot { watching: RootWatching::Partly { why: WatchFault::TooMany }, ..root(4, "Много") },
    ]);
    test.tell(NodeEvent::Warning(Warning::NotWatched { folder: "/х".into(), why: WatchFault::TooMany }));
    test.tell(NodeEvent::Skipped { path: "/х/у".into(), why: WhySkipped::Link.into(), more: 2 });
    test
}

#[test]
fn every_page_is_in_bulgarian() {
    for screen in [
        Screen::Welcome,
        Screen::Invite,
        Screen::Browse,
        Screen::Transfers,
        Screen::Shared,
        Screen::People,
        Screen::Tracker,
        Screen::Console,
        Screen::Settings,
    ] {
        is_all_bulgarian(&window(screen), &format!("{screen:?} at the first start"));
        let mut test = busy(screen);
        is_all_bulgarian(&test, &format!("{screen:?}"));
        test.press(Modifiers::NONE, Key::ArrowDown);
        test.press(Modifiers::SHIFT, Key::F10);
        is_all_bulgarian(&test, &format!("{screen:?} with a menu"));
    }
    let mut test = busy(Screen::Transfers);
    test.window.state_mut().state.transfers.only = Only::History;
    test.steps();
    let past = PastTransfer {
        direction: Direction::Download,
        user: name("ана"),
        label: "изглед.jpg".into(),
        local_path: Some("/х".into()),
        files: 1,
        bytes: 5,
        ended_at: SystemTime::UNIX_EPOCH,
        way: Some(Way::Punched),
    };
    test.answer(|i| *i == Intent::ListHistory, Outcome::History(vec![past]));
    is_all_bulgarian(&test, "the history");
}

#[test]
fn every_question_is_in_bulgarian() {
    let ask = |screen, state: &str, arrange: &dyn Fn(&mut Test)| {
        let mut test = busy(screen);
        arrange(&mut test);
        test.steps();
        is_all_bulgarian(&test, state);
    };
    let dialog = |test: &mut Test, dialog: Dialog| test.window.state_mut().state.dialog = Some(dialog);
    let wanted = |path: &str| WantedDownload::of(name("ана"), RemotePath::new(path).expect("a path"));
    ask(Screen::Shared, "sharing", &|test| {
        test.window.state_mut().state.screen = Screen::Shared;
        test.click("Сподели папка…");
        test.answer_preview(true, 7);
    });
    ask(Screen::People, "keeping out", &|test| {
        dialog(
            test,
            Dialog::KeepOut(KeepOut { user: name("ана"), is_ban: true, minutes: None, reason: String::new() }),
        );
    });
    ask(Screen::Shared, "renaming", &|test| {
        dialog(test, Dialog::Rename { from: "море.jpg".into(), to: "/../".into() });
    });
    ask(Screen::Browse, "a place to save", &|test| {
        dialog(test, Dialog::SaveAs { wanted: vec![wanted("книга.pdf")], path: "/х".into(), overwrite: false });
    });
    ask(Screen::Browse, "the shortcuts", &|test| dialog(test, Dialog::Shortcuts));
    ask(Screen::Browse, "a taken place", &|test| {
        test.window.state_mut().model.questions.add_taken(wanted("книга.pdf"), "/х/книга.pdf".into());
    });
    ask(Screen::Browse, "a folder that is there in part", &|test| {
        let there = PartlyThere { path: "/х".into(), files: 9, same: 2, differing: 1, places: vec!["/х/а".into()] };
        let failure = Failure::ExistsInPart(Box::new(there));
        test.window.state_mut().model.questions.take(wanted("Пътуване/"), Err(failure));
    });
    ask(Screen::Browse, "names", &|test| {
        let outcome = Outcome::UnsafeNames { names: vec![("а?".into(), "/х/а_".into())], count: 1 };
        test.window.state_mut().model.questions.take(wanted("а?"), Ok(outcome));
    });
    for confirm in [
        Confirm::Cancel(vec![TransferId(1), TransferId(2)]),
        Confirm::Unshare(Stopping {
            paths: vec!["х".into()],
            name: "х".into(),
            has_folders: true,
            leaves_folders: true,
        }),
        Confirm::ClearHistory(3),
        Confirm::Trust(name("ана")),
        Confirm::StopTracker,
        Confirm::Quit,
    ] {
        let state = format!("{confirm:?}");
        ask(Screen::Browse, &state, &|test| test.window.state_mut().state.confirm = Some(confirm.clone()));
    }
    let key = PublicKey::from_bytes([ME; 32]);
    let invite = format!("potok://192.0.2.1:7686/?key={key}").parse().expect("an invite");
    for question in [Question::Close { has_tray: true }, Question::Close { has_tray: false }, Question::Join(invite)] {
        let state = format!("{question:?}");
        ask(Screen::Browse, &state, &|test| test.window.state_mut().desktop_bridge.question = Some(question.clone()));
    }
}

/// Why something did not happen, as a person meets it: on Shared, in a message, in the list of transfers.
#[test]
fn every_fault_is_in_bulgarian() {
    let refused = |code: Code, text: String| Failure::Refused { code: code.into(), text };
    let offline = |why| Failure::Offline { tracker: "192.0.2.1:7686".into(), why };
    let denied = || std::io::Error::from_raw_os_error(13).to_string();
    let setting = BadSetting { setting: "network_name", what: SettingFault::Line };
    let internal = |why| Failure::Internal { what: FailedWork::StartingTracker, why };
    let mut failures = vec![
        internal(WorkFault::Setting(setting.clone())),
        internal(WorkFault::Panic),
        internal(WorkFault::Told(format!("0.0.0.0:7686: {}", std::io::Error::from_raw_os_error(98)))),
        refused(Code::BadConfiguration, setting.to_string()),
        refused(Code::BadPath, BadSharePath::Dots.to_string()),
        refused(Code::BadName, potok_core::model::username::BadUsername::First.to_string()),
        Failure::NoSuchFile { path: "/х".into() },
        Failure::Denied { path: "/х".into() },
        Failure::NotShareable { path: "/х".into(), why: NotShareable::Own },
        Failure::NotShareable { path: "/х".into(), why: NotShareable::Told(denied()) },
        Failure::NotShareable { path: "/х".into(), why: NotShareable::BadName(BadSharePath::Character) },
        Failure::UnsafeName { name: "х".into(), why: NameFault::Blank },
        Failure::NotComing { path: "х".into(), error: TransferError::Disk(denied()) },
        Failure::NotOneLine,
        offline(AbsenceReason::NoSuchHost),
        offline(AbsenceReason::NotATracker),
        offline(AbsenceReason::CutOff),
        offline(AbsenceReason::Silent),
        offline(std::io::Error::from_raw_os_error(111).to_string().into()),
    ];
    failures.extend(Fault::ALL.map(|why| Failure::BadLine { why }));
    for failure in failures {
        let mut test = busy(Screen::Shared);
        test.type_into("Път до файл или папка", "/х");
        test.click("Сподели");
        let id = {
            let asked = test.asked.lock().expect("no panic");
            asked.iter().rev().find(|(_, i)| matches!(i, Intent::PreviewShare(_))).expect("was asked").0
        };
        test.tell(NodeEvent::Outcome { id, result: Err(failure.clone()) });
        is_all_bulgarian(&test, &format!("sharing: {failure:?}"));
        let away = TrackerConnection::Refused { tracker: "192.0.2.1:7686".into(), why: failure.clone() };
        test.tell(NodeEvent::Connection(away));
        for screen in [Screen::Browse, Screen::Tracker, Screen::Console] {
            test.window.state_mut().state.screen = screen;
            test.steps();
            is_all_bulgarian(&test, &format!("{screen:?}: {failure:?}"));
        }
    }
}
