//! What is pictured: the pages, and what is asked over them.

use std::time::Instant;

use potok_app::desktop::purpose::StartPurpose;
use potok_app::gui::action::{Confirm, Dialog, KeepOut, Stopping};
use potok_app::gui::questions::Question;
use potok_app::gui::screen::Screen;
use potok_app::gui::screens::transfers::Only;
use potok_app::gui::window::MainWindow;
use potok_app::model::wanted_download::WantedDownload;
use potok_core::library::typed::RemotePath;
use potok_core::node::event::{NodeEvent, Outcome, TrackerConnection};
use potok_core::node::failure::Failure;
use potok_core::node::partly_there::PartlyThere;

use crate::network::Network;

/// The name of a picture, the page that is shown, and what is to be done for it.
pub(crate) type View = (&'static str, Screen, fn(&mut MainWindow, &Network));

/// Those of the documents.
pub(crate) const PAGES: [View; 8] = [
    ("welcome", Screen::Welcome, |_, _| {}),
    ("browse", Screen::Browse, |_, _| {}),
    ("transfers", Screen::Transfers, |_, _| {}),
    ("shared", Screen::Shared, |_, _| {}),
    ("people", Screen::People, |_, _| {}),
    ("tracker", Screen::Tracker, |_, _| {}),
    ("console", Screen::Console, |_, _| {}),
    ("settings", Screen::Settings, |_, _| {}),
];

/// What somebody who changes the window wants to look at besides.
pub(crate) const MORE: [View; 20] = [
    ("invite", Screen::Invite, |_, _| {}),
    ("history", Screen::Transfers, |window, _| window.state.transfers.only = Only::History),
    ("asked-closing", Screen::Transfers, |window, _| {
        window.desktop_bridge.question = Some(Question::Close { has_tray: true });
    }),
    ("asked-join", Screen::Browse, |window, _| {
        let invite = format!("potok://potok.example.org:7686/?key={}", "5a".repeat(32));
        window.desktop_bridge.question = invite.parse().ok().map(Question::Join);
    }),
    ("asked-keep-out", Screen::People, |window, _| {
        let user = "georgi".parse().expect("a name");
        dialog(window, Dialog::KeepOut(KeepOut { user, is_ban: true, minutes: None, reason: String::new() }));
    }),
    ("asked-other-key", Screen::People, |window, _| {
        window.state.confirm = Some(Confirm::Trust("georgi".parse().expect("a name")));
    }),
    ("asked-unshare", Screen::Shared, |window, _| {
        let name = "field recordings".to_owned();
        let stopping = Stopping { paths: vec![name.clone()], name, has_folders: true, leaves_folders: false };
        window.state.confirm = Some(Confirm::Unshare(stopping));
    }),
    ("asked-stop", Screen::Tracker, |window, _| window.state.confirm = Some(Confirm::StopTracker)),
    ("asked-quit", Screen::Browse, |window, _| window.state.confirm = Some(Confirm::Quit)),
    ("asked-taken", Screen::Browse, |window, network| {
        let place = network.settings.download_folder.join("Изгрев над Черни връх.jpg");
        window.model.questions.add_taken(wanted("Мария", "Витоша 2026/Изгрев над Черни връх.jpg"), place);
    }),
    ("asked-in-part", Screen::Browse, |window, network| {
        let folder = network.settings.download_folder.join("Витоша 2026");
        let places = ["Група.jpg", "Панорама, зима.png"].map(|name| folder.join(name)).to_vec();
        let path = folder.to_string_lossy().into_owned();
        let there = PartlyThere { path, files: 1204, same: 812, differing: 2, places };
        window.model.questions.take(wanted("Мария", "Витоша 2026/"), Err(Failure::ExistsInPart(Box::new(there))));
    }),
    ("asked-names", Screen::Browse, |window, network| {
        let folder = network.settings.download_folder.join("What now");
        let name = |theirs: &str, here: &str| (theirs.to_owned(), folder.join(here));
        let names = vec![name("What now/Why?.md", "Why_.md"), name("What now/con.txt", "_con.txt")];
        let outcome = Outcome::UnsafeNames { names, count: 2 };
        window.model.questions.take(wanted("ivan", "What now/"), Ok(outcome));
    }),
    ("asked-share", Screen::Shared, |window, network| {
        window.started_for(StartPurpose::Share(vec![network.home().join("Public"), network.secrets()]));
    }),
    ("asked-rename", Screen::Shared, |window, _| {
        let from = "снимки/море.jpg".to_owned();
        dialog(window, Dialog::Rename { to: from.clone(), from });
    }),
    ("asked-save-as", Screen::Browse, |window, network| {
        let wanted = vec![wanted("georgi", "debian-13.2.0-amd64-netinst.iso")];
        dialog(window, Dialog::save_as(wanted, &network.settings.download_folder));
    }),
    ("shortcuts", Screen::Browse, |window, _| dialog(window, Dialog::Shortcuts)),
    ("licences", Screen::Settings, |window, _| dialog(window, Dialog::Licences)),
    ("guide", Screen::Browse, |window, _| window.state.guide.open()),
    ("waiting", Screen::Browse, |window, _| away(window, None)),
    ("refused", Screen::People, |window, _| {
        let text = "the owner of this tracker has shut you out; you may come back in 10080 minutes; reason: шум".into();
        away(window, Some(Failure::Refused { code: "banned".into(), text }));
    }),
];

/// As it is before each of them.
pub(crate) fn clear(window: &mut MainWindow) {
    (window.state.confirm, window.state.dialog, window.desktop_bridge.question) = (None, None, None);
    window.state.guide = Default::default();
    window.state.transfers.only = Only::All;
    while window.model.questions.current().is_some() {
        window.model.questions.answer(potok_app::model::download_questions::DownloadAnswer::Leave);
    }
    while window.model.sharing.current().is_some() {
        window.model.sharing.answer(potok_app::model::share_questions::ShareAnswer::Leave);
    }
}

fn dialog(window: &mut MainWindow, dialog: Dialog) {
    (window.state.dialog, window.state.dialog_is_new) = (Some(dialog), true);
}

fn wanted(user: &str, path: &str) -> WantedDownload {
    WantedDownload::of(user.parse().expect("a name"), RemotePath::new(path).expect("a path"))
}

/// The tracker is away, or does not let us in.
fn away(window: &mut MainWindow, why: Option<Failure>) {
    let tracker = match &window.model.connection {
        TrackerConnection::None => return,
        TrackerConnection::Online { tracker, .. }
        | TrackerConnection::Connecting { tracker, .. }
        | TrackerConnection::Refused { tracker, .. } => tracker.clone(),
    };
    let connection = match why {
        Some(why) => TrackerConnection::Refused { tracker, why },
        None => {
            let why = Failure::Offline { tracker: tracker.clone(), why: "Connection refused (os error 111)".into() };
            TrackerConnection::Connecting { tracker, why: Some(why) }
        }
    };
    window.model.apply(Instant::now(), NodeEvent::Connection(connection));
}
