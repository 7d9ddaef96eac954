//! The browse page: the tree, several at once, typed paths, who else has it.

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
    test.window.state_mut().state.browse.only_person("anna".into());
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
    assert_eq!(asked.len(), 4);
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
    assert!(path.contains("book.pdf") && path.contains("/2") && request.overwrite, "{path}");
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
    assert_eq!(test.window.state().state.browse.query.person.as_deref(), Some("ivan"));
}

#[test]
fn every_column_sorts() {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![file("ivan", "a.pdf", 5, 1), file("anna", "b.jpg", 9, 2), file("maria", "c.zip", 1, 2)]);
    let first = |test: &Test| {
        let browse = &test.window.state().state.browse;
        browse.shown.catalog.path(browse.shown.view.files[0])
    };
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
    test.window.state_mut().state.browse.only_person("anna".into());
    for _ in 0..2_000 {
        test.steps();
        if test.is_seen("f") && !test.window.state().state.browse.is_busy {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    test.press(Modifiers::NONE, Key::ArrowDown);
    test.press(Modifiers::NONE, Key::ArrowRight);
    for _ in 0..2_000 {
        if test.is_seen("f/0000003.txt") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
        test.steps();
    }
    test.press(Modifiers::NONE, Key::End);
    assert!(test.is_seen("f/0999999.txt"));
}
