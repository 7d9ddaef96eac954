//! Every page once: what it is there for can be done.

use super::*;

#[test]
fn the_first_start_offers_two_choices_and_a_third() {
    let mut test = Test::with(Screen::Welcome, Settings { name: "me".parse().ok(), ..Settings::default() });
    assert!(test.is_seen("Try it alone"));
    test.click("Start a network here");
    assert_eq!(test.last(), Intent::HostTracker("[::]:7686".parse().expect("address")));

    test.click("Join one");
    test.type_into("Paste the invite or address", "tracker.example.org:7686");
    test.click("Join");
    let tracker = "tracker.example.org:7686".parse().expect("address");
    assert!(test.was_asked(&Intent::Join(tracker)));
    test.go_online();
    assert_eq!(test.window.state().state.screen, Screen::Browse, "what comes next is shown by itself");
}

#[test]
fn a_wrong_invite_is_explained_and_not_asked() {
    let mut test = Test::with(Screen::Welcome, Settings { name: "me".parse().ok(), ..Settings::default() });
    test.click("Join one");
    test.type_into("Paste the invite or address", "potok://half");
    test.click("Join");
    assert!(test.is_seen("no whole invite"));
    assert!(!test.asked.lock().expect("no panic").iter().any(|(_, i)| matches!(i, Intent::Join(_))));
}

#[test]
fn browse_finds_and_downloads() {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![
        file("anna", "Trip/изглед.jpg", 5, 1),
        file("ivan", "book.pdf", 7, 2),
        file("maria", "my book.pdf", 7, 2),
    ]);
    assert!(test.is_seen("Trip/изглед.jpg") && test.is_seen("book.pdf"));
    test.type_into("Search everything", "ИЗГЛЕД");
    assert!(test.is_seen("Trip/изглед.jpg") && !test.is_seen("book.pdf"));
    test.click("Trip/изглед.jpg");
    test.click("Download");
    let Intent::Download(request) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!((request.user.as_str(), request.remote_path.as_str()), ("anna", "Trip/изглед.jpg"));
    assert!(request.existing == Existing::Refuse && request.local_path.is_none());

    test.click("Clear filters");
    test.click("book.pdf");
    assert!(test.is_seen("Shared by ivan, maria"));
    test.click("Download as…");
    let Intent::Download(request) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!(request.local_path.as_ref().map(|path| path.typed.as_str()), Some("/home/me/снимка 1.jpg"));
}

#[test]
fn folders_are_taken_whole() {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![file("anna", "Trip/a.jpg", 5, 1), file("anna", "Trip/b.jpg", 5, 2), file("anna", "c.jpg", 5, 3)]);
    test.click("Folders");
    assert!(!test.is_seen("a.jpg"));
    test.click("Trip");
    test.click("Download");
    let Intent::Download(request) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!(request.remote_path.as_str(), "Trip/");
}

#[test]
fn names_of_strangers_cannot_deceive() {
    let mut test = Test::new(Screen::Browse);
    let zero_width = "in\u{200b}voice.exe";
    test.list(vec![file("anna", zero_width, 5, 1), file("anna", &"д".repeat(120), 5, 2)]);
    assert!(test.is_seen("in⟨U+200B⟩voice.exe"));
    assert!(!test.is_seen(zero_width));
}

#[test]
fn a_million_files_are_as_light_as_ten() {
    let mut test = Test::new(Screen::Browse);
    let files = (0..1_000_000_u32).map(|n| file("anna", &format!("f/{n:07}.txt"), u64::from(n), 1)).collect();
    test.list(files);
    assert!(test.is_seen("f/0000003.txt"));
    assert!(test.rows().len() < 1_000, "{} rows are loaded", test.rows().len());
    assert!(test.is_seen("Files: 1\u{a0}000\u{a0}000"), "it says how many there are");
    let rows = test.window.query_all_by_label_contains(".txt").count();
    assert!(rows < 60, "{rows} rows are drawn");

    // The end of what is listed says that there is more.
    test.press(Modifiers::NONE, Key::End);
    assert!(test.is_seen("f/0099999.txt"));
    assert!(test.is_seen(&format!("Only the first {}", potok_app::human::thousands(100_000))));
    test.window.get_by_role_and_label(Role::ColumnHeader, "Size").click();
    test.steps();
    assert!(test.is_seen("narrow the search to sort them") && test.is_seen("f/0099999.txt"));

    // Four million points down, the wheel still moves by single points.
    let top = |test: &Test| test.window.get_by_label("f/0099990.txt").rect().top();
    let before = top(&test);
    test.window.get_by_label("f/0099990.txt").hover();
    test.window.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, 3.0),
        source: MouseWheelSource::Unknown,
        phase: TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    for _ in 0..60 {
        test.window.step();
    }
    assert!((top(&test) - before - 3.0).abs() < 0.1, "moved by {}", top(&test) - before);

    // All that is listed is chosen at once.
    test.press(Modifiers::COMMAND, Key::A);
    assert!(test.is_seen("Selected: 100\u{a0}000"));
    test.type_into("Search everything", "0500000");
    assert_eq!(test.rows(), ["f/0500000.txt"], "narrowed, the rest is there");
}

#[test]
fn transfers_say_why_and_obey() {
    let mut test = Test::new(Screen::Transfers);
    assert!(test.is_seen("Nothing is moving"));
    test.tell(NodeEvent::Transfer(transfer(1, TransferState::Running)));
    test.tell(NodeEvent::Transfer(transfer(2, TransferState::Paused)));
    test.tell(NodeEvent::Transfer(transfer(3, TransferState::Failed(TransferError::Changed))));
    test.tell(NodeEvent::Transfer(transfer(4, TransferState::WaitingForSlot { place: 3 })));
    assert!(test.is_seen("has changed at its owner") && test.is_seen("In their queue, place 3"));
    test.click("Pause: day 1.jpg");
    assert_eq!(test.last(), Intent::Pause(TransferSelection::One(TransferId(1))));
    test.click("Resume: day 2.jpg");
    assert_eq!(test.last(), Intent::Resume(TransferSelection::One(TransferId(2))));
    test.click("Try again: day 3.jpg");
    assert_eq!(test.last(), Intent::Retry(TransferSelection::One(TransferId(3))));

    test.click("Cancel: day 1.jpg");
    assert!(!test.was_asked(&Intent::Cancel(TransferSelection::One(TransferId(1)))), "asked first");
    test.click("Keep");
    assert!(!test.was_asked(&Intent::Cancel(TransferSelection::One(TransferId(1)))));
    test.click("Cancel: day 1.jpg");
    test.click("Cancel downloads");
    assert!(test.was_asked(&Intent::Cancel(TransferSelection::One(TransferId(1)))));

    test.click("Clear finished");
    assert!(test.was_asked(&Intent::Acknowledge(TransferId(3))) && !test.is_seen("day 3.jpg"));
}

#[test]
fn shared_files_are_added_and_taken_back() {
    let mut test = Test::new(Screen::Shared);
    assert!(test.is_seen("You share nothing yet"));
    test.click("Share files…");
    test.answer_preview(false, 1);
    let Intent::Share(requests) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!(requests[0].typed, "/home/me/снимка 1.jpg");
    let share = Share { path: SharePath::new("снимка 1.jpg").expect("valid"), size: Some(5), hash: None };
    test.answer(|i| matches!(i, Intent::Share(_)), Outcome::Shared(vec![share]));
    test.shares(vec![shared_file(1, "снимка 1.jpg")]);
    test.tell(NodeEvent::Hashing { done_bytes: 1, total_bytes: 2, files_left: 1 });
    assert!(test.is_seen("1 left"));
    test.click("снимка 1.jpg");
    test.click("Stop sharing");
    assert!(!matches!(test.last(), Intent::Unshare { .. }), "asked first");
    test.window.get_all_by_label("Stop sharing").last().expect("the answer").click();
    test.steps();
    let Intent::Unshare { paths } = test.last() else { panic!("{:?}", test.last()) };
    assert!(paths.iter().map(|path| path.as_str()).eq(["снимка 1.jpg"]));
}

#[test]
fn a_typed_path_is_as_good_as_a_picked_one() {
    let mut test = Test::new(Screen::Shared);
    test.type_into("Path of a file or folder", "/tmp/a, b.txt");
    test.click("Share");
    test.answer_preview(false, 1);
    let Intent::Share(requests) = test.last() else { panic!("{:?}", test.last()) };
    assert_eq!(requests[0].typed, "/tmp/a, b.txt");
}

#[test]
fn people_show_whose_key_was_proven() {
    let mut test = Test::new(Screen::People);
    test.go_online();
    let line = |user: &str, key: Option<u8>| UserLine {
        username: name(user),
        address: None,
        key: key.map(|n| PublicKey::from_bytes([n; 32])),
    };
    test.answer(|i| matches!(i, Intent::ListUsers), Outcome::Users(vec![line("anna", Some(7)), line("guest", None)]));
    let me = Me { username: name("anna"), address: None, key: PublicKey::from_bytes([7; 32]) };
    test.answer(|i| matches!(i, Intent::WhoAmI), Outcome::Me(me));
    test.click("guest");
    assert!(test.is_seen("this name has no key"));
    test.click("anna (you)");
    assert!(test.is_seen("alpha deal scrub"), "words are read more easily than digits");
    test.click("Digits");
    assert!(test.is_seen("0707 0707"));
    test.click("Their files");
    assert_eq!(test.window.state().state.screen, Screen::Browse);
}

#[test]
fn the_network_page_hosts_and_invites() {
    let mut test = Test::new(Screen::Tracker);
    test.window.get_by_role_and_label(Role::CheckBox, "Host a network on this computer").click();
    test.steps();
    assert!(test.was_asked(&Intent::HostTracker("[::]:7686".parse().expect("address"))));
    let invite = Invite { address: "h:7686".parse().expect("valid"), key: PublicKey::from_bytes([7; 32]), token: None };
    test.answer(|i| matches!(i, Intent::Invite), Outcome::Invite(invite.clone()));
    assert!(test.is_seen(&invite.to_string()) && test.is_seen("The invite as a QR code"));
    test.click("Copy the invite");
    assert!(test.is_seen("Copied"));
}

#[test]
fn the_console_runs_lines_and_shows_clicks() {
    let mut test = Test::new(Screen::Console);
    let input = test.window.get_by_label("Command");
    input.focus();
    input.type_text("pause 7");
    test.window.step();
    test.window.key_press(Key::Enter);
    test.steps();
    assert_eq!(test.last(), Intent::Pause(TransferSelection::One(TransferId(7))));
    let id = test.asked.lock().expect("no panic").last().expect("asked").0;
    test.tell(NodeEvent::Outcome { id, result: Err(Failure::NoSuchTransfer { number: TransferId(7) }) });
    assert!(test.is_seen("there is no transfer 7"));
}

#[test]
fn settings_take_effect_at_once() {
    let mut test = Test::new(Screen::Settings);
    test.click("Light");
    assert_eq!(test.window.ctx.theme(), eframe::egui::Theme::Light);
    let Some((_, Intent::Apply(settings))) =
        test.asked.lock().expect("no panic").iter().rev().find(|(_, i)| matches!(i, Intent::Apply(_))).cloned()
    else {
        panic!("not applied")
    };
    assert_eq!(settings.theme, "light");
}

#[test]
fn closing_while_something_moves_asks() {
    let mut test = Test::new(Screen::Browse);
    test.tell(NodeEvent::Transfer(transfer(1, TransferState::Running)));
    test.window.key_press_modifiers(Modifiers::COMMAND, Key::Q);
    test.steps();
    assert!(test.is_seen("Transfers are running"));
}

#[test]
fn shortcuts_show_pages() {
    let mut test = Test::new(Screen::Browse);
    for (key, page) in [(Key::Num2, Screen::Transfers), (Key::Num4, Screen::People), (Key::Num7, Screen::Settings)] {
        test.window.key_press_modifiers(Modifiers::ALT, key);
        test.steps();
        assert_eq!(test.window.state().state.screen, page);
    }
}

/// The field is the last of its page: what is said below it would be out of sight.
#[test]
fn what_is_wrong_with_an_invite_comes_into_view() {
    let mut test = Test::new(Screen::Tracker);
    test.window.set_size(vec2(760.0, 500.0));
    test.go_online();
    test.type_into("Paste the invite or address", "potok://nonsense");
    test.window.get_by_role_and_label(Role::Button, "Join").click_accesskit();
    for _ in 0..20 {
        test.steps();
    }
    let said = test.window.get_by_label_contains("no whole invite").rect();
    assert!(said.is_positive() && said.bottom() < 500.0 && said.top() > 0.0, "{said:?}");
}
