//! The browse page: the tree, several at once, typed paths, who else has it.

use potok_core::protocol::reply::PartialAnswer;

use super::*;

fn trips() -> Vec<FileLine> {
    vec![
        file("anna", "Trip/day 1/a.jpg", 5, 1),
        file("anna", "Trip/day 1/b.jpg", 5, 2),
        file("ivan", "Trip/day 1/a.jpg", 5, 1),
        file("anna", "book.pdf", 5, 3),
    ]
}

fn tree_of_anna() -> Test {
    let mut test = Test::new(Screen::Browse);
    test.list(trips());
    test.window.state_mut().state.browse.only_person(name("anna"));
    test.steps();
    test
}

#[test]
fn a_tree_is_opened_and_taken_in_part() {
    let mut test = tree_of_anna();
    assert!(test.is_seen("Trip") && test.is_seen("book.pdf") && !test.is_seen("day 1"));
    test.press(Modifiers::NONE, Key::ArrowDown);
    for _ in 0..3 {
        test.press(Modifiers::NONE, Key::ArrowRight);
    }
    assert!(test.is_seen("Trip/day 1/a.jpg") && test.is_seen("Trip/day 1/b.jpg"));
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::D);
    let Intent::Download(request) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!(request.remote_path.as_str(), "Trip/day 1/", "the folder that was opened last");
    assert_eq!(test.asked_since(before).len(), 1);

    // Left closes, and goes out to the folder above.
    test.press(Modifiers::NONE, Key::ArrowLeft);
    assert!(!test.is_seen("a.jpg"));
    test.press(Modifiers::NONE, Key::ArrowLeft);
    test.press(Modifiers::NONE, Key::ArrowLeft);
    assert!(!test.is_seen("day 1"));
}

#[test]
fn a_search_in_a_tree_opens_what_it_finds() {
    let mut test = tree_of_anna();
    test.type_into("Search everything", "b.jpg");
    test.steps();
    assert!(test.is_seen("Trip/day 1/b.jpg") && !test.is_seen("a.jpg") && !test.is_seen("book.pdf"));
}

#[test]
fn a_chosen_folder_is_taken_once_with_all_in_it() {
    let mut test = tree_of_anna();
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::ArrowRight);
    test.press(Modifiers::COMMAND, Key::A);
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::D);
    let paths = |intent: Intent| match intent {
        Intent::Download(request) => request.remote_path.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(test.asked_since(before).into_iter().map(paths).collect::<Vec<_>>(), ["Trip/", "book.pdf"]);
}

#[test]
fn several_go_into_the_folder_that_was_picked() {
    let mut test = Test::new(Screen::Browse);
    test.list(trips());
    test.press(Modifiers::COMMAND, Key::A);
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::S);
    let asked = test.asked_since(before);
    assert_eq!(asked.len(), 3, "what two people share is fetched once");
    for intent in asked {
        let Intent::Download(request) = intent else { panic!("{intent:?}") };
        assert_eq!(request.local_path.as_ref().map(|path| path.typed.as_str()), Some("/home/me/снимка 1.jpg"));
    }
}

#[test]
fn a_download_can_go_to_a_typed_path() {
    let mut test = Test::new(Screen::Browse);
    test.list(trips());
    test.click("book.pdf");
    test.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    test.type_into("Path on this computer", "/2");
    test.window.get_by_role_and_label(Role::CheckBox, "Replace what is there").click();
    test.steps();
    test.window.get_all_by_label("Download").last().expect("of the dialog").click();
    test.steps();
    let Intent::Download(request) = test.last() else { panic!("{:?}", test.last()) };
    let path = request.local_path.expect("a path").typed;
    assert!(path.contains("book.pdf") && path.contains("/2") && request.existing == Existing::Replace, "{path}");
    assert!(test.window.state().state.dialog.is_none());
}

#[test]
fn without_a_dialog_of_the_system_a_path_is_typed() {
    let mut test = Test::new(Screen::Browse);
    test.list(trips());
    test.window.state_mut().state.has_picker = false;
    test.click("book.pdf");
    test.click("Download as…");
    assert!(test.is_seen("Path on this computer"));
}

#[test]
fn the_menu_says_who_else_has_it() {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![file("anna", "a.jpg", 5, 1), file("ivan", "b.jpg", 5, 1), file("ivan", "c.jpg", 5, 2)]);
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::SHIFT, Key::F10);
    assert!(test.is_seen("The same content at 2 people"));
    test.window.get_all_by_role_and_label(Role::MenuItem, "ivan").next().expect("a line of the menu").click();
    test.steps();
    assert_eq!(test.window.state().state.browse.query.person, Some(name("ivan")));
}

#[test]
fn every_column_sorts() {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![file("ivan", "a.pdf", 5, 1), file("anna", "b.jpg", 9, 2), file("maria", "c.zip", 1, 2)]);
    let first = |test: &Test| test.rows()[0].clone();
    let sort = |test: &mut Test, column: &str| {
        test.window.get_by_role_and_label(Role::ColumnHeader, column).click();
        test.steps();
        test.steps();
    };
    for (column, least, most) in [
        ("Size", "c.zip", "b.jpg"),
        ("Kind", "b.jpg", "c.zip"),
        ("Person", "b.jpg", "c.zip"),
        ("Copies", "a.pdf", "c.zip"),
    ] {
        sort(&mut test, column);
        assert_eq!(first(&test), least, "{column}");
        sort(&mut test, column);
        assert_eq!(first(&test), most, "{column}, descending");
    }
}

#[test]
fn a_folder_of_a_million_files_opens() {
    let mut test = Test::new(Screen::Browse);
    let files = (0..1_000_000_u32).map(|n| file("anna", &format!("f/{n:07}.txt"), u64::from(n), 1)).collect();
    test.list(files);
    test.window.state_mut().state.browse.only_person(name("anna"));
    test.steps();
    assert!(test.is_seen("f") && test.is_seen("1\u{a0}000\u{a0}000"));
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::ArrowRight);
    assert!(test.is_seen("f/0000003.txt"));
    assert!(test.rows().len() < 1_000, "{} rows are loaded", test.rows().len());
    // Further down there is more, a page at a time.
    let loaded = test.rows().len();
    test.press(Modifiers::NONE, Key::End);
    assert!(test.rows().len() > loaded);
}

#[test]
fn what_others_do_moves_nothing_under_the_hand() {
    let mut test = Test::new(Screen::Browse);
    test.list((0..150).map(|n| file("anna", &format!("{n:03}.txt"), n, 1)).collect());
    for _ in 0..60 {
        test.press(Modifiers::NONE, Key::ArrowDown);
    }
    let place = |test: &Test| test.window.get_by_label("059.txt").rect().top();
    let before = place(&test);
    for n in 0..5 {
        test.share(file("ivan", &format!("00{n}.txt"), 1_000 + n, 1));
    }
    assert!((place(&test) - before).abs() < 0.5, "moved by {}", place(&test) - before);
    assert_eq!(test.rows().len(), 155);
    test.press(Modifiers::COMMAND, Key::D);
    let Intent::Download(request) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!(request.remote_path.as_str(), "059.txt", "it is still the one that was chosen");
    test.tell(NodeEvent::Left(name("ivan")));
    assert!((place(&test) - before).abs() < 0.5, "moved by {}", place(&test) - before);
    assert_eq!(test.rows().len(), 150);
}

#[test]
fn a_new_search_begins_at_the_top() {
    let mut test = Test::new(Screen::Browse);
    test.list((0..150).map(|n| file("anna", &format!("{n:03}.txt"), n, 1)).collect());
    test.press(Modifiers::NONE, Key::End);
    assert!(test.is_seen("149.txt") && !test.is_seen("000.txt"));
    test.type_into("Search everything", "txt");
    assert!(test.is_seen("000.txt") && !test.is_seen("Selected"));
}

#[test]
fn a_folder_of_several_people_is_taken_from_each_or_from_one_of_them() {
    let mut test = Test::new(Screen::Browse);
    test.list(trips());
    test.click("Folders");
    test.click("Trip");
    let before = test.asked_so_far();
    test.click("Download");
    let of_all = |test: &Test, from: usize| match &*test.asked_since(from) {
        [Intent::DownloadOfAll(request)] => {
            (request.folder.to_string(), request.local_path.as_ref().map(|place| place.typed.clone()))
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(of_all(&test, before), ("Trip".to_owned(), None));
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::S);
    assert_eq!(of_all(&test, before), ("Trip".to_owned(), Some("/home/me/снимка 1.jpg".to_owned())));
    test.window.state_mut().state.browse.query.person = Some(name("ivan"));
    test.steps();
    test.window.get_by_role_and_label(Role::Row, "Trip").click();
    test.steps();
    test.click("Download");
    let Intent::Download(request) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!((request.user.as_str(), request.remote_path.as_str()), ("ivan", "Trip/"));
}

#[test]
fn an_older_tracker_is_named_once_and_used() {
    let mut test = Test::new(Screen::Browse);
    test.go_online();
    let unknown = || Err(Failure::Refused { code: "unknown-command".into(), text: "no such command".into() });
    let id = test
        .asked
        .lock()
        .expect("no panic")
        .iter()
        .rev()
        .find(|(_, i)| matches!(i, Intent::CountFiles { .. }))
        .expect("asked")
        .0;
    test.tell.send(NodeEvent::Outcome { id, result: unknown() }).expect("there is room");
    *test.network.lock().expect("no panic") = Some(MadeUpNetwork::new(trips()));
    test.steps();
    assert!(test.is_seen("of an older version") && test.is_seen("Trip/day 1/b.jpg"));
    test.type_into("Search everything", "book");
    assert_eq!(test.rows(), ["book.pdf"]);
    let before = test.asked_so_far();
    test.click("Folders");
    assert!(test.asked_since(before).is_empty() && test.is_seen("book.pdf"), "it is off");
}

fn copies() -> Vec<FileLine> {
    vec![
        file("anna", "a.jpg", 5, 1),
        file("boris", "a.jpg", 5, 1),
        file("ivan", "mine.jpg", 5, 1),
        file("ivan", "z.pdf", 7, 2),
    ]
}

#[test]
fn a_content_of_several_people_is_one_row() {
    let mut test = Test::new(Screen::Browse);
    test.list(copies());
    assert_eq!(test.rows(), ["a.jpg", "z.pdf"]);
    assert!(test.is_seen("Copies among them: 2"), "what is put together is said");
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::ArrowRight);
    assert_eq!(test.rows(), ["a.jpg", "a.jpg", "a.jpg", "mine.jpg", "z.pdf"]);
    assert!(test.is_seen("mine.jpg"));
    // It stays open, and what is chosen stays chosen, whatever others do.
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.share(file("eve", "0.jpg", 1, 9));
    test.share(file("eve", "aa.jpg", 5, 1));
    assert_eq!(test.rows(), ["0.jpg", "a.jpg", "a.jpg", "a.jpg", "aa.jpg", "mine.jpg", "z.pdf"]);
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::D);
    let [Intent::Download(request)] = &*test.asked_since(before) else { panic!("one download") };
    assert_eq!((request.user.as_str(), request.remote_path.as_str()), ("ivan", "mine.jpg"), "this very file");
    test.press(Modifiers::NONE, Key::ArrowLeft);
    test.press(Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(test.rows(), ["0.jpg", "a.jpg", "z.pdf"]);
    // The content is fetched once, from whoever has it.
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::A);
    test.press(Modifiers::COMMAND, Key::D);
    assert_eq!(test.asked_since(before).len(), 3);
}

#[test]
fn what_is_mine_here_or_on_its_way_is_marked() {
    let mut test = Test::new(Screen::Browse);
    let shared = vec![
        file("anna", "fetched.jpg", 5, 1),
        file("anna", "other.jpg", 5, 2),
        file("anna", "running.jpg", 5, 3),
        file("anna", "shared too.jpg", 5, 4),
        file("me", "mine.jpg", 5, 5),
    ];
    let here = |content: u8, is_shared| HereFile {
        hash: ContentHash::from_bytes([content; 32]),
        local_path: PathBuf::from(format!("/home/me/{content}.jpg")),
        is_shared,
    };
    test.list_beside(shared, vec![here(1, false), here(4, true), here(5, true)]);
    let me = Me { username: name("me"), address: None, key: PublicKey::from_bytes([7; 32]) };
    test.answer(|i| matches!(i, Intent::WhoAmI), Outcome::Me(me));
    test.tell(NodeEvent::Transfer(Transfer { label: "running.jpg".into(), ..transfer(1, TransferState::Running) }));
    for row in [
        "fetched.jpg, it is on this computer",
        "running.jpg, it is on its way",
        "shared too.jpg, you share it",
        "mine.jpg, you share it",
    ] {
        assert!(test.is_seen(row), "{row}");
    }
    assert!(!test.is_seen("other.jpg, "));
    // What is mine is not fetched from me.
    test.click("mine.jpg, you share it");
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::D);
    assert!(test.asked_since(before).is_empty() && test.is_seen("You share this yourself"));
    // What is here can be opened from here.
    test.click("fetched.jpg, it is on this computer");
    assert!(test.is_seen("Open") && test.is_seen("Show in folder"));
    test.click("other.jpg");
    assert!(!test.is_seen("Show in folder"));
    // What comes is marked when it is there.
    test.tell(NodeEvent::Downloaded {
        number: TransferId(1),
        local_path: "/home/me/3.jpg".into(),
        size: 5,
        hash: ContentHash::from_bytes([3; 32]),
    });
    test.tell(NodeEvent::Transfer(Transfer { label: "running.jpg".into(), ..transfer(1, TransferState::Finished) }));
    assert!(test.is_seen("running.jpg, it is on this computer"));
}

#[test]
fn a_filter_does_not_move_the_list() {
    let mut test = Test::new(Screen::Browse);
    test.list(trips());
    let place = |test: &Test| test.window.get_by_label("book.pdf").rect().top();
    let before = place(&test);
    test.type_into("Search everything", "book");
    assert!((place(&test) - before).abs() < 0.5 || test.rows() == ["book.pdf"]);
    let top = place(&test);
    test.click("book.pdf");
    assert!((place(&test) - top).abs() < 0.5, "choosing moves nothing");
    test.click("Clear filters");
    assert!((place(&test) - before).abs() < 0.5);
    let first = test.window.get_by_label("Trip/day 1/a.jpg").rect().top();
    assert!((first - top).abs() < 0.5, "the first row stands where the first row stood");
}

#[test]
fn what_is_here_is_not_fetched_once_more_without_a_question() {
    let mut test = Test::new(Screen::Browse);
    let here = HereFile {
        hash: ContentHash::from_bytes([1; 32]),
        local_path: PathBuf::from("/home/me/Downloads/book.pdf"),
        is_shared: false,
    };
    test.list_beside(vec![file("anna", "Books/book.pdf", 5, 1), file("anna", "b.pdf", 5, 2)], vec![here]);
    test.answer(|i| matches!(i, Intent::Status), Outcome::Status(Box::new(made_up::status())));
    test.click("Books/book.pdf, it is on this computer");
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::D);
    assert!(test.asked_since(before).is_empty() && test.is_seen("“book.pdf” is there already"));
    test.click("Keep both");
    let Intent::Download(request) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!(request.existing, Existing::KeepBoth);
}

/// Whether all trackers of a network answered changes with every letter that is typed.
#[test]
fn what_is_missing_is_said_where_nothing_moves_for_it() {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![file("anna", "a", 1, 1)]);
    let field = |test: &Test| test.window.get_by_label("Search everything").rect();
    let before = field(&test);
    test.window.state_mut().model.partial = Some(PartialAnswer { missing: 1, of: 3 });
    test.steps();
    assert!(test.is_seen("Not everything is listed: 1 of 3 trackers"));
    assert_eq!(field(&test), before);
}
