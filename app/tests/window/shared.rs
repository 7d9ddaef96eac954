//! The shared page: what is shared with all in it, renaming, stopping and sharing again, who takes what, what is wrong with
//! shared folders, and what is said before something is shared.

use potok_app::desktop::purpose::StartPurpose;
use potok_core::disk::walk::WhySkipped;
use potok_core::library::level::{LevelEntry, LevelPage};
use potok_core::library::sharing_again::StoppedPlace;
use potok_core::node::warning::Warning;
use potok_core::service::share_indexer::root_status::Absence;
use potok_core::service::share_indexer::watch_fault::WatchFault;

use super::*;

fn sharing() -> Test {
    let mut test = Test::new(Screen::Shared);
    test.shares(vec![shared_file(1, "a.jpg"), shared_file(2, "b.jpg")]);
    test
}

fn path(text: &str) -> SharePath {
    SharePath::new(text).expect("valid")
}

/// A folder with a folder and a file in it, of which something was stopped.
fn with_folder() -> Test {
    let mut test = Test::new(Screen::Shared);
    let music = made_up::shared_root(1, path("Music"), Totals { files: 41, bytes: 41_000 });
    test.shares(vec![SharedRoot { stopped_places: 1, ..music }, shared_file(2, "b.jpg")]);
    test.window.get_all_by_label("Music").next().expect("its row").click();
    test.steps();
    test.press(Modifiers::NONE, Key::ArrowRight);
    let folder = LevelEntry::Folder { path: path("Music/Album 000"), totals: Totals { files: 40, bytes: 40_000 } };
    let file = LevelEntry::File(Share { path: path("Music/x.mp3"), size: Some(1000), hash: None });
    let level = LevelPage { entries: vec![folder, file], more: None };
    test.answer(|i| matches!(i, Intent::ListLevel { .. }), Outcome::Level(level));
    let root = potok_core::library::root::RootId(1);
    let places = vec![StoppedPlace { root, place: path("old"), path: path("Music/old") }];
    test.answer(|i| matches!(i, Intent::ListStopped { .. }), Outcome::Stopped { places, more: None });
    test
}

fn asks_to_stop(test: &mut Test) -> Vec<String> {
    test.press(Modifiers::NONE, Key::Delete);
    test.window.get_all_by_label("Stop sharing").last().expect("the answer").click();
    test.steps();
    let Intent::Unshare { paths } = test.last() else { panic!("{:?}", test.last()) };
    paths.iter().map(|path| path.as_str().to_owned()).collect()
}

#[test]
fn a_folder_is_one_row_and_opens_to_what_lies_in_it() {
    let mut test = with_folder();
    assert!(test.is_seen("Music/Album 000") && test.is_seen("Music/x.mp3"));
    assert!(test.is_seen("Music/old, not shared: you stopped it"));
    test.click("Music/Album 000");
    test.press(Modifiers::NONE, Key::Delete);
    assert!(test.is_seen("Stop sharing “Album 000”?") && test.is_seen("What comes into it later is not shared either"));
    test.click("Keep");
    assert_eq!(asks_to_stop(&mut test), ["Music/Album 000"]);
}

#[test]
fn stopping_a_file_says_what_becomes_of_new_ones_beside_it() {
    let mut test = with_folder();
    test.click("Music/x.mp3");
    test.press(Modifiers::NONE, Key::Delete);
    assert!(test.is_seen("Stop sharing “x.mp3”?") && test.is_seen("New files beside it will be shared all the same"));
    test.click("Keep");
    assert_eq!(asks_to_stop(&mut test), ["Music/x.mp3"]);
}

#[test]
fn a_whole_folder_is_stopped_by_its_place_on_the_disk() {
    let mut test = with_folder();
    test.press(Modifiers::COMMAND, Key::A);
    assert_eq!(asks_to_stop(&mut test), ["/home/me/Music", "b.jpg"], "what lies in it goes with it");
}

#[test]
fn what_was_stopped_is_shared_again() {
    let mut test = with_folder();
    test.click("Music/old, not shared: you stopped it");
    test.click("Share again");
    let Intent::ShareAgain { paths } = test.last() else { panic!("{:?}", test.last()) };
    assert!(paths.iter().map(|path| path.as_str()).eq(["Music/old"]));
}

#[test]
fn a_folder_that_is_not_there_says_so() {
    let mut test = Test::new(Screen::Shared);
    let gone = made_up::shared_root(1, path("Drive"), Totals::default());
    test.shares(vec![SharedRoot { paused: Some(Absence::Gone), ..gone.clone() }]);
    assert!(test.is_seen("Drive, not there; shared again when it is back"));
    test.shares(vec![SharedRoot { paused: Some(Absence::OtherFileSystem), ..gone }]);
    test.click("Drive, another drive is in its place; nothing of it is shared");
    test.click("Share again");
    assert!(matches!(test.last(), Intent::PreviewShare(requests) if requests[0].typed == "/home/me/Drive"));
}

#[test]
fn it_is_said_before_what_a_folder_would_be() {
    let mut test = sharing();
    test.click("Share a folder…");
    test.answer_preview(true, 4);
    assert!(test.is_seen("Share this? Files: 4, 50 B") && test.is_seen("left out: 3"));
    test.click("Don't share");
    assert!(matches!(test.last(), Intent::PreviewShare(_)));
    test.click("Share a folder…");
    test.answer_preview(true, 7);
    assert!(test.is_seen("7 new files, and there is room for 5: at most 100"));
    test.click("Share 5 of them");
    assert!(matches!(test.last(), Intent::ShareWhatFits(_)));
}

#[test]
fn what_another_program_hands_over_is_asked_about() {
    let mut test = Test::new(Screen::Browse);
    let path = std::env::temp_dir().join("снимка 1.jpg");
    test.window.state_mut().started_for(StartPurpose::Share(vec![path.clone()]));
    test.steps();
    assert!(matches!(test.last(), Intent::PreviewShare(requests) if std::path::Path::new(&requests[0].typed) == path));
    // Chosen in the window it would be shared at once.
    test.answer_preview(false, 1);
    assert!(test.is_seen("Share this? Files: 1, 50 B") && matches!(test.last(), Intent::PreviewShare(_)));
    assert_eq!(test.window.state().state.screen, Screen::Shared);
    test.click("Don't share");
    test.window.state_mut().started_for(StartPurpose::Share(vec![path]));
    test.answer_preview(false, 1);
    // The page below the question has a button of the same name.
    test.window.query_all_by_label("Share").last().expect("a question").click();
    test.steps();
    assert!(matches!(test.last(), Intent::Share(_)));
}

#[test]
fn a_wrongly_typed_path_stays_to_be_mended() {
    let mut test = sharing();
    test.type_into("Path of a file or folder", "/tmp/wrnog");
    test.click("Share");
    let id = {
        let asked = test.asked.lock().expect("no panic");
        asked.iter().rev().find(|(_, i)| matches!(i, Intent::PreviewShare(_))).expect("was asked").0
    };
    test.tell(NodeEvent::Outcome { id, result: Err(Failure::NoSuchFile { path: "/tmp/wrnog".into() }) });
    assert!(test.is_seen("there is no file or folder '/tmp/wrnog'"));
    assert_eq!(test.window.state().state.shared.path, "/tmp/wrnog");
    test.type_into("Path of a file or folder", "x");
    test.click("Share");
    test.answer_preview(false, 1);
    assert!(matches!(test.last(), Intent::Share(_)));
    assert_eq!(test.window.state().state.shared.path, "", "it is shared");
}

#[test]
fn a_share_gets_another_path() {
    let mut test = sharing();
    test.click("a.jpg");
    test.press(Modifiers::NONE, Key::F2);
    test.type_into("New path", "x");
    test.click("Rename");
    let Intent::RenameShare { from, to } = test.last() else { panic!("{:?}", test.last()) };
    let to = to.as_str();
    assert!(from.as_str() == "a.jpg" && to.contains("a.jpg") && to.contains('x'), "{to}");
    let from_now = test.asked_so_far();
    test.answer(|i| matches!(i, Intent::RenameShare { .. }), Outcome::Shared(Vec::new()));
    let asked = test.asked.lock().expect("no panic");
    let asked: Vec<&Intent> = asked[from_now..].iter().map(|(_, intent)| intent).collect();
    assert!(asked.contains(&&Intent::ListRoots { after: None }), "the old path is gone");
}

#[test]
fn a_path_that_cannot_be_is_refused_at_once() {
    let mut test = sharing();
    test.click("a.jpg");
    test.press(Modifiers::NONE, Key::F2);
    test.type_into("New path", "/../");
    let before = test.asked_so_far();
    test.click("Rename");
    assert_eq!(test.asked_since(before), []);
}

#[test]
fn who_takes_what_is_seen() {
    let mut test = sharing();
    let taken = Transfer {
        direction: Direction::Upload,
        label: "b.jpg".into(),
        bytes_per_second: 2048,
        ..transfer(9, TransferState::Running)
    };
    test.tell(NodeEvent::Transfer(taken));
    assert!(test.is_seen("b.jpg, anna 2 KiB/s"), "in the words of the row");
}

#[test]
fn what_is_wrong_with_folders_is_listed() {
    let mut test = sharing();
    test.tell(NodeEvent::Warning(Warning::NotWatched { folder: "/x".into(), why: WatchFault::TooMany }));
    test.tell(NodeEvent::Skipped { path: "/x/y".into(), why: WhySkipped::Link.into(), more: 0 });
    test.click("Notes about shared folders: 2");
    assert!(test.is_seen("'/x' is not watched") && test.is_seen("it is a link"));
}
