//! A download at the console: when its command returns, and what a signal does meanwhile.

use super::*;

fn download_intent() -> Intent {
    Intent::Download(potok_core::node::intent::DownloadRequest {
        user: name("ivan"),
        remote_path: RemotePath::new("Trip/").expect("a path"),
        local_path: None,
        existing: potok_core::node::intent::Existing::Refuse,
        unsafe_names: potok_core::node::intent::UnsafeNames::LeaveOut,
        wait: false,
    })
}

fn transfer(number: TransferId, state: TransferState) -> Transfer {
    Transfer {
        number,
        direction: Direction::Download,
        position: 0,
        user: name("ivan"),
        label: "Trip/".into(),
        local_path: None,
        files: 2,
        files_done: 0,
        total_bytes: 10,
        done_bytes: 0,
        bytes_per_second: 0,
        sources: 0,
        there: potok_core::model::transfer::AlreadyThere::default(),
        way: None,
        state,
    }
}

fn moved(state: TransferState) -> Then {
    Then::Tell(NodeEvent::Transfer(transfer(NUMBER, state)))
}

fn downloaded(number: TransferId, path: &str) -> Then {
    Then::Tell(NodeEvent::Downloaded { number, local_path: path.into(), size: 5, hash: HASH })
}

/// Queue, list, acknowledge; `early` comes before the number is known, `then` after it.
fn download_script(early: Vec<Then>, listed: Vec<Transfer>, then: Vec<Then>) -> Vec<(Intent, Vec<Then>)> {
    let mut queued = early;
    queued.push(Then::Outcome(Ok(Outcome::Queued(NUMBER))));
    let mut list = ok(Outcome::Transfers(listed));
    list.extend(then);
    vec![(download_intent(), queued), (Intent::ListTransfers, list), (Intent::Acknowledge(NUMBER), ok(Outcome::Done))]
}

const DOWNLOAD: &[&str] = &["download ivan Trip/"];

fn record(path: &str) -> String {
    format!("downloaded\t{path}\t5\t{}\n", hex())
}

#[test]
fn a_download_returns_when_it_is_finished() {
    let queued = || vec![transfer(TransferId(3), TransferState::Running), transfer(NUMBER, TransferState::Queued)];
    let then = vec![
        moved(TransferState::Connecting),
        downloaded(NUMBER, "/d/a"),
        downloaded(TransferId(3), "/d/other"),
        moved(TransferState::Running),
        downloaded(NUMBER, "/d/b"),
        moved(TransferState::Finished),
    ];
    let out = record("/d/a") + &record("/d/b");
    assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran(&out, "", true));

    // Faster than its number.
    let early = vec![downloaded(NUMBER, "/d/a"), downloaded(NUMBER, "/d/b"), moved(TransferState::Finished)];
    let mut script = download_script(early, vec![], vec![]);
    script.remove(1);
    assert_eq!(run(DOWNLOAD, script), ran(&out, "", true));

    // The list runs ahead of the facts.
    let then = vec![downloaded(NUMBER, "/d/a"), downloaded(NUMBER, "/d/b"), moved(TransferState::Finished)];
    let listed = vec![transfer(NUMBER, TransferState::Finished)];
    assert_eq!(run(DOWNLOAD, download_script(vec![], listed, then)), ran(&out, "", true));

    // Went on from an earlier run, and was half done when it was asked for again.
    let mut script =
        download_script(vec![], queued(), vec![downloaded(NUMBER, "/d/b"), moved(TransferState::Finished)]);
    script.insert(0, (Intent::ListShares, ok(Outcome::Shared(vec![]))));
    script[0].1.insert(0, downloaded(NUMBER, "/d/a"));
    script[0].1.insert(1, downloaded(TransferId(3), "/d/other"));
    assert_eq!(run(&["shares", DOWNLOAD[0]], script), ran(&out, "", true));

    // Too much was told at once, and the end was among what was left out.
    let mut script = download_script(vec![], queued(), vec![Then::Tell(NodeEvent::Lagged)]);
    let listed = vec![transfer(NUMBER, TransferState::Finished)];
    script.insert(2, (Intent::ListTransfers, ok(Outcome::Transfers(listed))));
    assert_eq!(run(DOWNLOAD, script), ran("", "", true));

    // Joined when it was finished already, its last fact on the way.
    let mut script = download_script(vec![], vec![transfer(NUMBER, TransferState::Finished)], vec![]);
    script[2].1.insert(0, downloaded(NUMBER, "/d/a"));
    assert_eq!(run(DOWNLOAD, script), ran(&record("/d/a"), "", true));
}

#[test]
fn a_download_that_waits_says_for_what() {
    let then = vec![
        moved(TransferState::WaitingForUser),
        moved(TransferState::WaitingForUser),
        moved(TransferState::Running),
        moved(TransferState::DiskFull),
        moved(TransferState::Finished),
    ];
    let err = "warning: waiting for ivan to come back\nwarning: the disk is full; goes on when there is room\n";
    let listed = vec![transfer(NUMBER, TransferState::Queued)];
    assert_eq!(run(DOWNLOAD, download_script(vec![], listed, then)), ran("", err, true));
}

#[test]
fn a_download_that_fails_fails_its_command() {
    let changed = || Failure::NotComing { path: "Trip/a".into(), error: TransferError::Changed };
    let sentence = "it has changed at its owner since it was announced; ask again";
    // It stays on the list, so that it can be tried again.
    let download_script = |early, listed, then| {
        let mut script = download_script(early, listed, then);
        script.pop();
        script
    };
    let queued = || vec![transfer(NUMBER, TransferState::Queued)];
    let failed_file = |failure: Failure| {
        Then::Tell(NodeEvent::FileFailed { number: NUMBER, remote_path: "Trip/a".into(), failure, more: 0 })
    };

    let then = vec![moved(TransferState::Failed(TransferError::Changed))];
    let err = format!("error: changed: 'Trip/': {sentence}\n");
    assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran("", &err, false));

    // One file of the folder: told once, whatever the end of the whole.
    let err = format!("error: changed: 'Trip/a': {sentence}\n");
    for end in [TransferState::Finished, TransferState::Failed(TransferError::Changed)] {
        let then = vec![failed_file(changed()), downloaded(NUMBER, "/d/b"), moved(end)];
        assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran(&record("/d/b"), &err, false));
    }

    let io = Failure::Internal { what: FailedWork::QueueingDownload, why: "I/O error".to_owned().into() };
    let then = vec![failed_file(io), moved(TransferState::Finished)];
    let err = "error: internal: Trip/a: queueing the download failed: I/O error\n";
    assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran("", err, false));

    let then = vec![Then::Tell(NodeEvent::TransferGone { number: NUMBER })];
    let err = "error: cancelled: cancelled\n";
    assert_eq!(run(DOWNLOAD, download_script(vec![], queued(), then)), ran("", err, false));
    assert_eq!(run(DOWNLOAD, download_script(vec![], vec![], vec![])), ran("", err, false));

    let exists = Failure::Exists { path: "/d/a".into() };
    let script = vec![(download_intent(), vec![Then::Outcome(Err(exists))])];
    assert!(run(DOWNLOAD, script).err.starts_with("error: exists: '/d/a' exists"));
}

#[test]
fn a_folder_that_is_there_in_part_is_told_with_the_options_that_answer() {
    let there = potok_core::node::partly_there::PartlyThere {
        path: "/d/Trip".into(),
        files: 9,
        same: 3,
        differing: 4,
        places: ["a", "sub/b", "c", "d"].map(|name| std::path::Path::new("/d/Trip").join(name)).into(),
    };
    let script = vec![(download_intent(), vec![Then::Outcome(Err(Failure::ExistsInPart(Box::new(there))))])];
    let err = "error: exists: of 9 files, '/d/Trip' has 3 already, and at the places of 4 something else is: 'a', \
               'sub/b', 'c', …; add --keep-both, --overwrite or --skip-existing for these\n";
    assert_eq!(run(DOWNLOAD, script), ran("", err, false));
    let script = vec![(download_intent(), ok(Outcome::NothingToFetch))];
    assert_eq!(run(DOWNLOAD, script), ran("", "", true), "programs hear nothing of it");
}

#[test]
fn what_was_left_out_is_told_at_the_end() {
    let ended = |same, left_out| {
        let there = potok_core::model::transfer::AlreadyThere { same, left_out };
        Then::Tell(NodeEvent::Transfer(Transfer { there, ..transfer(NUMBER, TransferState::Finished) }))
    };
    let script = |end| download_script(vec![], vec![transfer(NUMBER, TransferState::Checking)], vec![end]);
    assert_eq!(run(DOWNLOAD, script(ended(3, 2))), ran("left-out\t2\tTrip/\n", "", true));
    assert_eq!(run(DOWNLOAD, script(ended(3, 0))), ran("", "", true), "what is the same is told as what came is");
    let engine = Scripted::new(script(ended(3, 2)));
    let for_people = run_with(&engine, Audience::People, options(false), DOWNLOAD);
    assert_eq!(for_people.out, "already there: 3; left out because something else is there: 2\n");

    // What came in the way later is one question, of which the answer is told.
    let failed_file = |path: &str| {
        let failure = Failure::NotComing { path: path.into(), error: TransferError::Exists };
        Then::Tell(NodeEvent::FileFailed { number: NUMBER, remote_path: path.into(), failure, more: 0 })
    };
    let end = moved(TransferState::Failed(TransferError::Exists));
    let then = vec![failed_file("Trip/a"), failed_file("Trip/b"), end];
    let mut script = download_script(vec![], vec![transfer(NUMBER, TransferState::Running)], then);
    script.pop();
    let ran_by_now = run(DOWNLOAD, script);
    assert!(!ran_by_now.succeeded);
    let last = ran_by_now.err.lines().last().expect("told");
    assert!(last.starts_with("warning: at the places of files is something else (2)"), "{last}");
    assert!(last.contains("'retry 7 --keep-both'"), "{last}");
}

#[test]
fn a_signal_ends_a_download_and_the_program() {
    let mut script = download_script(vec![], vec![transfer(NUMBER, TransferState::Running)], vec![]);
    script.pop();
    script[1].1.push(Then::Signal(Interrupt::Terminate));
    let err = "error: interrupted: stopped before it was done; what is in the queue goes on at the next start\n";
    let engine = Scripted::new(script);
    let ran_by_now = run_with(&engine, Audience::Programs, options(true), &[DOWNLOAD[0], "list-users"]);
    assert_eq!(ran_by_now, ran("", err, false));
}

#[test]
fn at_a_prompt_ctrl_c_pauses_and_the_next_command_follows() {
    let mut script = download_script(vec![], vec![transfer(NUMBER, TransferState::Running)], vec![]);
    script.pop();
    script[1].1.push(Then::Signal(Interrupt::CtrlC));
    script.push((Intent::Pause(TransferSelection::One(NUMBER)), ok(Outcome::Done)));
    script.push((Intent::ListUsers, ok(Outcome::Users(vec![anna()]))));
    let engine = Scripted::new(script);
    let ran_by_now = run_with(&engine, Audience::People, options(false), &[DOWNLOAD[0], "list-users"]);
    assert!(ran_by_now.succeeded && ran_by_now.out.starts_with("paused; 'resume 7' goes on\n"), "{ran_by_now:?}");
}

#[test]
fn a_ctrl_c_that_comes_too_late_does_not_end_the_prompt() {
    let engine = Scripted::new(vec![(Intent::ListUsers, ok(Outcome::Users(vec![])))]);
    engine.signals.0.send(Interrupt::CtrlC).expect("room");
    let (ready, is_ready) = crossbeam_channel::bounded(1);
    let (sender, lines) = crossbeam_channel::bounded(1);
    let input = ConsoleInput { lines, wants: crossbeam_channel::never(), ready: Some(ready) };
    let (signals, pending) = (engine.signals.1.clone(), engine.signals.1.clone());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            is_ready.recv().expect("asked for a line");
            while !pending.is_empty() {
                std::thread::yield_now();
            }
            sender.send(vec![Ok("list-users".to_owned())]).expect("still there");
            is_ready.recv().expect("asked for a line");
            drop(sender);
        });
        let out = Sink::default();
        let output = Output::new(Audience::People, Box::new(out.clone()), Box::new(Sink::default()));
        let session = ConsoleSession::new(&engine, output, signals, Completions::default(), options(false));
        assert!(session.run(&input));
        assert_eq!(out.text(), "nothing\n");
    });
}
