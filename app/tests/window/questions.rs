//! What is asked before a download begins.

use super::*;
use potok_core::node::intent::{DownloadRequest, UnsafeNames};
use potok_core::node::partly_there::PartlyThere;

impl Test {
    fn requests_since(&self, from: usize) -> Vec<DownloadRequest> {
        let request = |intent| match intent {
            Intent::Download(request) => request,
            other => panic!("{other:?}"),
        };
        self.asked_since(from).into_iter().map(request).collect()
    }

    /// Every download that was asked for since then comes to this.
    fn answer_downloads(&mut self, from: usize, result: impl Fn(usize) -> Result<Outcome, Failure>) {
        let asked: Vec<IntentId> = {
            let asked = self.asked.lock().expect("no panic");
            let downloads = asked[from..].iter().filter(|(_, intent)| matches!(intent, Intent::Download(_)));
            downloads.map(|(id, _)| *id).collect()
        };
        for (at, id) in asked.into_iter().enumerate() {
            self.tell.send(NodeEvent::Outcome { id, result: result(at) }).expect("there is room");
        }
        self.steps();
    }
}

fn books() -> Test {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![file("anna", "a.pdf", 5, 1), file("anna", "b.pdf", 5, 2)]);
    test
}

#[test]
fn a_place_that_is_taken_is_a_question() {
    let mut test = books();
    for (answer, existing) in
        [("Keep both", Some(Existing::KeepBoth)), ("Replace", Some(Existing::Replace)), ("Don't download", None)]
    {
        let before = test.asked_so_far();
        test.click("a.pdf");
        test.press(Modifiers::COMMAND, Key::D);
        test.answer_downloads(before, |_| Err(Failure::Exists { path: "/home/me/a.pdf".into() }));
        assert!(test.is_seen("“a.pdf” is there already") && test.is_seen("/home/me/a.pdf"));
        assert!(!test.is_seen("--overwrite"), "no option of a command line is named");
        let before = test.asked_so_far();
        test.click(answer);
        let again = test.requests_since(before);
        assert_eq!(again.first().map(|request| request.existing), existing, "{answer}");
        assert!(again.iter().all(|request| request.remote_path.as_str() == "a.pdf"));
        assert!(!test.is_seen("is there already"), "{answer}: it is asked once");
    }
}

#[test]
fn several_taken_places_are_one_question() {
    let mut test = books();
    test.press(Modifiers::COMMAND, Key::A);
    let before = test.asked_so_far();
    test.press(Modifiers::COMMAND, Key::D);
    test.answer_downloads(before, |at| Err(Failure::Exists { path: format!("/home/me/{at}") }));
    assert!(test.is_seen("Files that are there already: 2") && test.is_seen("/home/me/1"));
    let before = test.asked_so_far();
    test.click("Keep both");
    assert_eq!(test.requests_since(before).len(), 2);
    // What is asked again and refused again is asked again.
    test.answer_downloads(before, |_| Ok(Outcome::Queued(TransferId(1))));
    assert!(test.is_seen("Added to the transfers"));
}

#[test]
fn a_folder_that_is_there_in_part_is_one_question_with_its_counts() {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![file("anna", "Trip/a.txt", 5, 1), file("anna", "Trip/b.txt", 5, 2)]);
    let there = PartlyThere {
        path: "/home/me/Trip".into(),
        files: 1200,
        same: 1000,
        differing: 2,
        places: vec!["/home/me/Trip/a.txt".into(), "/home/me/Trip/sub/b.txt".into()],
    };
    for (answer, expected) in [
        ("Keep both", Some(Existing::KeepBoth)),
        ("Replace", Some(Existing::Replace)),
        ("Leave these out", Some(Existing::LeaveOut)),
        ("Don't download", None),
    ] {
        test.window.state_mut().state.browse.only_person(name("anna"));
        test.steps();
        test.press(Modifiers::NONE, Key::Home);
        let before = test.asked_so_far();
        test.press(Modifiers::COMMAND, Key::D);
        test.answer_downloads(before, |_| Err(Failure::ExistsInPart(Box::new(there.clone()))));
        assert!(test.is_seen("Part of “Trip” is there already") && test.is_seen("/home/me/Trip"));
        assert!(
            test.is_seen("1\u{a0}000 of 1\u{a0}200")
                && test.is_seen("with another content: 2")
                && test.is_seen("sub/b.txt")
        );
        let before = test.asked_so_far();
        test.click(answer);
        assert_eq!(test.requests_since(before).first().map(|request| request.existing), expected, "{answer}");
        assert!(!test.is_seen("is there already"), "{answer}: it is asked once");
    }
}

#[test]
fn names_are_changed_only_if_the_person_says_so() {
    let mut test = Test::new(Screen::Browse);
    test.list(vec![file("anna", "Trip/what?.txt", 5, 1), file("anna", "Trip/b.txt", 5, 2)]);
    for (answer, expected) in [
        ("Download under these names", Some(UnsafeNames::Rename)),
        ("Leave these out", Some(UnsafeNames::LeaveOut)),
        ("Don't download", None),
    ] {
        test.window.state_mut().state.browse.only_person(name("anna"));
        test.steps();
        test.press(Modifiers::NONE, Key::Home);
        let before = test.asked_so_far();
        test.press(Modifiers::COMMAND, Key::D);
        assert_eq!(test.requests_since(before)[0].unsafe_names, UnsafeNames::Ask);
        let names = vec![("Trip/what?.txt".to_owned(), PathBuf::from("/home/me/Trip/what_.txt"))];
        test.answer_downloads(before, |_| Ok(Outcome::UnsafeNames { names: names.clone(), count: 1 }));
        assert!(test.is_seen("Trip/what?.txt") && test.is_seen("Trip/what_.txt"), "both names are shown");
        let before = test.asked_so_far();
        test.click(answer);
        assert_eq!(test.requests_since(before).first().map(|request| request.unsafe_names), expected, "{answer}");
        assert!(!test.is_seen("Trip/what_.txt"));
    }
}
