//! Peers that keep their word, and a person who changes their mind.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn files_of_every_size_arrive() {
    let sizes = [0, 1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 40 * BLOCK + 17];
    let files: Vec<Vec<u8>> = sizes.iter().map(|size| bytes(*size, *size)).collect();
    let server = honest(&files).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    for (file, n) in files.iter().zip(0..) {
        let name = format!("{n}.bin");
        let id = fetching.add(&server.contact, &[(&name, file)]).await;
        let events = fetching.over(id).await;
        assert_eq!(fetching.state(id), TransferState::Finished, "{events:?}");
        assert_eq!(read(&fetching.path(&name)), *file);
        assert!(events.contains(&TransferEvent::FileFinished {
            id,
            target: fetching.path(&name),
            size: file.len() as u64,
            hash: content_of(file).hash,
        }));
    }
    assert_eq!(fetching.listing().len(), files.len(), "no unfinished file is left");
    fetching.stop().await;
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_a_thousand_files_arrives() {
    let files: Vec<Vec<u8>> = (0..1000).map(|n| bytes(n, if n % 100 == 0 { 3 * BLOCK + n } else { n * 7 })).collect();
    let server = honest(&files).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let names: Vec<String> = (0..1000).map(|n| format!("Trip/{}/{n}", n % 7)).collect();
    let wanted: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(files.iter().map(Vec::as_slice)).collect();
    let id = fetching.add(&server.contact, &wanted).await;
    let events = fetching.over(id).await;
    assert_eq!(fetching.state(id), TransferState::Finished);
    assert_eq!(events.iter().filter(|event| matches!(event, TransferEvent::FileFinished { .. })).count(), 1000);
    for (name, data) in wanted {
        assert_eq!(read(&fetching.path(name)), data);
    }
    let state = fetching.downloader.snapshot().pop().expect("listed");
    assert_eq!((state.files, state.files_done), (1000, 1000));
    assert_eq!(state.done_bytes, state.total_bytes);
    assert_eq!(state.local_path, Some(fetching.path("Trip")));
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_joins_what_is_there() {
    let file = bytes(1, 20 * BLOCK);
    let server = honest(std::slice::from_ref(&file)).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let wanted: [(&str, &[u8]); 1] = [("a.bin", &file)];
    let (first, second) = tokio::join!(fetching.add(&server.contact, &wanted), fetching.add(&server.contact, &wanted));
    assert_eq!(first, second);
    let other = bytes(2, 5);
    let taken = fetching.downloader.add(fetching.wanted(&server.contact, &[("a.bin", &other)])).await;
    assert!(matches!(taken, Err(AddError::Taken { .. })), "{taken:?}");
    fetching.over(first).await;
    assert_eq!(fetching.add(&server.contact, &wanted).await, first, "finished, and nobody has said they know");
    fetching.downloader.acknowledge(first).await;
    assert!(fetching.downloader.snapshot().is_empty());
    let exists = fetching.downloader.add(fetching.wanted(&server.contact, &wanted)).await;
    assert!(matches!(exists, Err(AddError::Exists { .. })), "{exists:?}");
    let mut again = fetching.wanted(&server.contact, &wanted);
    again.existing = Existing::Replace;
    std::fs::write(fetching.path("a.bin"), "something else").expect("written");
    let id = fetching.downloader.add(again).await.expect("added");
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    let nowhere = NewDownload { into: fetching.path("none"), ..fetching.wanted(&server.contact, &[("b", &file)]) };
    assert!(matches!(fetching.downloader.add(nowhere).await, Err(AddError::Folder { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_asked_for_again_gets_what_is_missing_and_what_is_new() {
    let files: Vec<Vec<u8>> = [10, 20, 3 * BLOCK, 30, 40].map(|size| bytes(size, size)).to_vec();
    let [a, b, c, d, newer] = [0, 1, 2, 3, 4].map(|n| files[n].as_slice());
    let content_source = MemoryContent::with(&files);
    let server = serve("anna", content_source.clone(), UploadSettings::default()).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    let folder = |fetching: &Fetching, files: &[(&str, &[u8])]| NewDownload {
        label: "F/".into(),
        is_folder: true,
        ..fetching.wanted(&server.contact, files)
    };
    let wanted = folder(&fetching, &[("F/a", a), ("F/b", b), ("F/c", c)]);
    let id = fetching.downloader.add(wanted).await.expect("added");
    fetching.over(id).await;
    // Also after a restart: a file was deleted, one is something else at its owner, and one is new.
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    std::fs::remove_file(fetching.path("F/c")).expect("removed");
    let reads_before = *content_source.reads.lock();
    let wanted = folder(&fetching, &[("F/a", newer), ("F/b", b), ("F/c", c), ("F/d", d)]);
    assert_eq!(fetching.downloader.add(wanted).await.expect("added"), id, "it joins");
    let asked = fetching.downloader.settle(vec![id]).await;
    let Err(AddError::Differing(asked)) = asked else { panic!("{asked:?}") };
    assert_eq!(asked.places, [fetching.path("F/a")], "what is here is never replaced unasked");
    let is_whole = |event: &TransferEvent| matches!(event, TransferEvent::Changed(state) if state.files_done == 4 && state.state == TransferState::Finished);
    let events = fetching.until(is_whole).await;
    assert!(failures(&events).is_empty(), "the rest goes on: {events:?}");
    assert_eq!(*content_source.reads.lock() - reads_before, 4, "three blocks of one and the new one");
    for (name, data) in [("F/a", a), ("F/b", b), ("F/c", c), ("F/d", d)] {
        assert_eq!(read(&fetching.path(name)), data, "{name}");
    }
    // It stays so over another restart.
    let home = fetching.stop().await;
    let fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    let state = fetching.downloader.snapshot().pop().expect("listed");
    assert_eq!((state.number, state.files, state.files_done), (id, 4, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_folder_that_is_there_in_part_only_the_rest_is_fetched() {
    let files: Vec<Vec<u8>> = [10, 20, 3 * BLOCK, 30].map(|size| bytes(size, size)).to_vec();
    let [same, other, large, new] = [0, 1, 2, 3].map(|n| files[n].as_slice());
    let wanted: [(&str, &[u8]); 4] = [("F/same", same), ("F/other", other), ("F/large", large), ("F/new", new)];
    for (existing, blocks, kept) in [
        (Existing::Replace, 2, &[("F/other", other)][..]),
        (Existing::KeepBoth, 2, &[("F/other", b"mine"), ("F/other (2)", other)]),
        (Existing::LeaveOut, 1, &[("F/other", b"mine")]),
    ] {
        let content_source = MemoryContent::with(&files);
        let server = serve("anna", content_source.clone(), UploadSettings::default()).await;
        let book = Book::of(&[&server.contact]);
        let mut fetching = fetch(&book).await;
        std::fs::create_dir(fetching.path("F")).expect("made");
        for (name, data) in [("F/same", same), ("F/large", large), ("F/other", b"mine")] {
            std::fs::write(fetching.path(name), data).expect("written");
        }
        let folder = |fetching: &Fetching, existing, files: &[(&str, &[u8])]| {
            let wanted = fetching.wanted(&server.contact, files);
            NewDownload { label: "F/".into(), is_folder: true, existing, ..wanted }
        };
        let id = fetching.downloader.add(folder(&fetching, Existing::Refuse, &wanted)).await.expect("added");
        let asked = fetching.downloader.settle(vec![id]).await;
        let Err(AddError::Differing(asked)) = asked else { panic!("{asked:?}") };
        let places = vec![fetching.path("F/other")];
        assert_eq!(*asked, DifferingFiles { files: 4, same: 2, differing: 1, places });
        assert!(fetching.downloader.snapshot().is_empty() && !fetching.path("F/new").exists(), "nothing is begun");
        let id = fetching.downloader.add(folder(&fetching, existing, &wanted)).await.expect("added");
        let events = fetching.over(id).await;
        assert_eq!(fetching.state(id), TransferState::Finished, "{events:?}");
        let told = fetching.downloader.snapshot().pop().expect("listed");
        let left_out = u64::from(existing == Existing::LeaveOut);
        assert_eq!(told.there, AlreadyThere { same: 2, left_out }, "{existing:?}");
        assert_eq!((told.files, told.files_done), (4 - left_out, 4 - left_out), "{existing:?}");
        assert_eq!(told.done_bytes, told.total_bytes, "{existing:?}");
        assert_eq!(*content_source.reads.lock(), blocks, "{existing:?}: what is the same is not fetched");
        let told = events.iter().filter(|event| matches!(event, TransferEvent::FileFinished { .. })).count();
        assert_eq!(told, 2 + blocks, "what was there is told as what came is");
        for (name, data) in kept.iter().chain(&[("F/same", same), ("F/large", large), ("F/new", new)]) {
            assert_eq!(read(&fetching.path(name)), *data, "{existing:?} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_what_is_there_holds_after_a_restart() {
    let files: Vec<Vec<u8>> = [20, 30, 40].map(|size| bytes(size, size)).to_vec();
    let [other, new, later] = [0, 1, 2].map(|n| files[n].as_slice());
    let nobodys = bytes(9, 50);
    for (existing, left_out, comes) in [
        (Existing::Replace, 0, "F/later"),
        (Existing::KeepBoth, 0, "F/later (2)"),
        (Existing::LeaveOut, 2, "F/later still"),
    ] {
        let server = honest(&files).await;
        let book = Book::of(&[&server.contact]);
        let mut fetching = fetch(&book).await;
        std::fs::create_dir(fetching.path("F")).expect("made");
        std::fs::write(fetching.path("F/other"), "mine").expect("written");
        let folder = |fetching: &Fetching, existing, files: &[(&str, &[u8])]| {
            let wanted = fetching.wanted(&server.contact, files);
            NewDownload { label: "F/".into(), is_folder: true, existing, ..wanted }
        };
        let comes_to = |path: PathBuf| move |event: &TransferEvent| matches!(event, TransferEvent::FileFinished { target, .. } if *target == path);
        // One that nobody has keeps it from its end.
        let wanted: [(&str, &[u8]); 3] = [("F/other", other), ("F/new", new), ("F/nobody's", &nobodys)];
        let id = fetching.downloader.add(folder(&fetching, existing, &wanted)).await.expect("added");
        fetching.until(comes_to(fetching.path("F/new"))).await;
        let home = fetching.stop().await;
        let mut fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
        std::fs::write(fetching.path("F/later"), "mine").expect("written");
        let more = [("F/later", later), ("F/later still", later)];
        let more: Vec<(&str, &[u8])> = wanted.into_iter().chain(more).collect();
        let again = fetching.downloader.add(folder(&fetching, Existing::Refuse, &more)).await.expect("added");
        assert_eq!(again, id, "it joins");
        let settled = fetching.downloader.settle(vec![id]).await;
        assert!(settled.is_ok(), "{existing:?}: nobody is asked again: {settled:?}");
        fetching.until(comes_to(fetching.path(comes))).await;
        let is_mine = |name: &str| read(&fetching.path(name)) == b"mine";
        assert_eq!(is_mine("F/later"), existing != Existing::Replace, "{existing:?}");
        let told = fetching.downloader.snapshot().pop().expect("listed");
        assert_eq!((told.there.left_out, told.files), (left_out, 5 - left_out), "{existing:?}");
    }
}

/// What comes to the place of a file after it was asked for is dealt with as was said, or is one question at the end.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_the_way_later_follows_the_same_answer() {
    let files: Vec<Vec<u8>> = [10, 20, 3 * BLOCK, 3 * BLOCK + 1, 40].map(|size| bytes(size, size)).to_vec();
    let wanted: Vec<(String, &[u8])> =
        files.iter().enumerate().map(|(n, data)| (format!("F/{n}"), data.as_slice())).collect();
    let wanted: Vec<(&str, &[u8])> = wanted.iter().map(|(name, data)| (name.as_str(), *data)).collect();
    for existing in [Existing::Refuse, Existing::Replace, Existing::KeepBoth, Existing::LeaveOut] {
        let server = honest(&files).await;
        // Its owner is away until something has come in the way: a small file and a large one, one of them the very file.
        let book = Book::of(&[]);
        let mut fetching = fetch(&book).await;
        let folder =
            NewDownload { label: "F/".into(), is_folder: true, existing, ..fetching.wanted(&server.contact, &wanted) };
        let id = fetching.downloader.add(folder).await.expect("added");
        fetching.downloader.settle(vec![id]).await.expect("nothing is there");
        std::fs::create_dir(fetching.path("F")).expect("made");
        for (name, data) in [("F/0", b"mine".as_slice()), ("F/2", b"mine"), ("F/3", &files[3])] {
            std::fs::write(fetching.path(name), data).expect("written");
        }
        book.is_now(&server.contact);
        let mut events = fetching.over(id).await;
        let expected = match existing {
            Existing::Refuse => {
                assert_eq!(failures(&events), [&TransferError::Exists; 2], "{events:?}");
                assert_eq!(fetching.state(id), TransferState::Failed(TransferError::Exists));
                // One answer for all of them.
                fetching.downloader.retry(TransferSelection::One(id), Existing::KeepBoth).await;
                events = fetching.over(id).await;
                Existing::KeepBoth
            }
            said => said,
        };
        assert_eq!(fetching.state(id), TransferState::Finished, "{existing:?} {events:?}");
        let renamed = events.iter().filter(|event| matches!(event, TransferEvent::Renamed { .. })).count();
        assert_eq!(renamed, if expected == Existing::KeepBoth { 2 } else { 0 }, "{existing:?}");
        for n in [0, 2] {
            let (there, beside) = (fetching.path(&format!("F/{n}")), fetching.path(&format!("F/{n} (2)")));
            let is_replaced = expected == Existing::Replace;
            assert_eq!(read(&there), if is_replaced { files[n].as_slice() } else { b"mine" }, "{existing:?} {n}");
            assert_eq!(beside.exists(), expected == Existing::KeepBoth, "{existing:?} {n}");
            assert!(!beside.exists() || read(&beside) == files[n], "{existing:?} {n}");
        }
        for n in [1, 3, 4] {
            assert_eq!(read(&fetching.path(&format!("F/{n}"))), files[n], "{existing:?} {n}");
        }
        let left_out = if expected == Existing::LeaveOut { 2 } else { 0 };
        assert_eq!(fetching.downloader.snapshot().pop().expect("listed").there.left_out, left_out, "{existing:?}");
        let inside = std::fs::read_dir(fetching.path("F")).expect("lists");
        let names = inside.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        assert_eq!(names.filter(|name| name.ends_with("potok-part")).count(), 0, "{existing:?}");
        // It stays so over a restart.
        let before = fetching.downloader.snapshot();
        let home = fetching.stop().await;
        let fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
        let after = fetching.downloader.snapshot();
        assert_eq!(after[0].there.left_out, before[0].there.left_out, "{existing:?}");
        assert_eq!((after[0].files_done, &after[0].state), (before[0].files_done, &before[0].state), "{existing:?}");
    }
}

/// A file so large that looking at it comes to no end here: it is seen, paused, goes on after a restart, and is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_looked_at_in_sight() {
    let new = bytes(1, 10);
    let server = honest(std::slice::from_ref(&new)).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    std::fs::create_dir(fetching.path("F")).expect("made");
    let size = 1 << 40;
    let huge = std::fs::File::create(fetching.path("F/huge")).expect("made");
    huge.set_len(size).expect("a sparse file");
    let folder = |fetching: &Fetching, existing| {
        let mut folder = NewDownload {
            label: "F/".into(),
            is_folder: true,
            existing,
            ..fetching.wanted(&server.contact, &[("F/huge", b"x"), ("F/new", &new)])
        };
        folder.files[0].content.size = size;
        folder
    };
    let id = fetching.downloader.add(folder(&fetching, Existing::Refuse)).await.expect("added");
    let asker = fetching.downloader.clone();
    let asked = tokio::spawn(async move { asker.settle(vec![id]).await });
    let is_moving = |state: &Transfer| state.state == TransferState::Checking && state.done_bytes > 0;
    fetching.until_state(id, is_moving).await;
    fetching.downloader.pause(TransferSelection::One(id)).await;
    assert_eq!(fetching.state(id), TransferState::Paused);
    assert!(!fetching.path("F/new").exists(), "nothing is begun before it is known");
    fetching.downloader.resume(TransferSelection::One(id)).await;
    fetching.until_state(id, is_moving).await;
    fetching.downloader.cancel(TransferSelection::One(id)).await;
    let answer = asked.await.expect("told");
    assert!(matches!(answer, Err(AddError::Cancelled)), "{answer:?}");
    assert!(fetching.downloader.snapshot().is_empty());

    // Whoever has said what becomes of it has the rest at once.
    let id = fetching.downloader.add(folder(&fetching, Existing::KeepBoth)).await.expect("added");
    let is_rest_here = |state: &Transfer| state.files_done == 1 && is_moving(state);
    fetching.until_state(id, is_rest_here).await;
    assert_eq!(read(&fetching.path("F/new")), new);
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    fetching.until_state(id, is_rest_here).await;
    fetching.downloader.pause(TransferSelection::One(id)).await;
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    assert_eq!(fetching.state(id), TransferState::Paused);
    // By now it is something else: of another length.
    huge.set_len(7).expect("cut");
    fetching.downloader.resume(TransferSelection::One(id)).await;
    let is_beside =
        |event: &TransferEvent| matches!(event, TransferEvent::Renamed { target, .. } if target.ends_with("huge (2)"));
    fetching.until(is_beside).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_owner_has_changed_is_fetched_as_it_is_now() {
    let (before, now) = (bytes(1, 3 * BLOCK), bytes(2, 5 * BLOCK));
    let server = honest(std::slice::from_ref(&now)).await;
    let book = Book::of(&[&server.contact]);
    let path = SharePath::new("app.log").expect("valid");
    book.announced.lock().insert(path, Announced::Content(content_of(&now)));
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("app.log", &before)]).await;
    let events = fetching.over(id).await;
    assert_eq!(fetching.state(id), TransferState::Finished, "{events:?}");
    assert_eq!(read(&fetching.path("app.log")), now);
    let content = content_of(&now);
    let told = |event: &TransferEvent| matches!(event, TransferEvent::FileFinished { size, hash, .. } if (*size, *hash) == (content.size, content.hash));
    assert!(events.iter().any(told));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_way_fails_alone() {
    let files: Vec<Vec<u8>> = [10, 20, 3 * BLOCK].map(|size| bytes(size, size)).to_vec();
    let server = honest(&files).await;
    let book = Book::of(&[&server.contact]);
    let fetching = fetch(&book).await;
    std::fs::create_dir(fetching.path("d")).expect("folder");
    std::fs::write(fetching.path("d/b"), "mine").expect("written");
    let wanted: [(&str, &[u8]); 3] = [("d/a", &files[0]), ("d/b", &files[1]), ("d/c", &files[2])];
    let id = fetching.add(&server.contact, &wanted).await;
    // After a restart nobody waits for an answer.
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    let events = fetching.over(id).await;
    assert_eq!(failures(&events), [&TransferError::Exists]);
    assert_eq!(fetching.state(id), TransferState::Failed(TransferError::Exists));
    assert_eq!(read(&fetching.path("d/b")), b"mine");
    assert_eq!(read(&fetching.path("d/c")), files[2]);

    std::fs::remove_file(fetching.path("d/b")).expect("removed");
    fetching.downloader.retry(TransferSelection::One(id), Existing::Refuse).await;
    fetching.over(id).await;
    assert_eq!(fetching.state(id), TransferState::Finished);
    assert_eq!(read(&fetching.path("d/b")), files[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_costs_little() {
    let file = bytes(1, 200 * BLOCK);
    let content_source = MemoryContent::with(std::slice::from_ref(&file));
    let slow = UploadSettings { bytes_per_second: 20_000_000, ..UploadSettings::default() };
    let server = serve("anna", content_source.clone(), slow).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    let wanted: [(&str, &[u8]); 1] = [("a.bin", &file)];
    let id = fetching.add(&server.contact, &wanted).await;
    fetching.until_state(id, |state| state.done_bytes > 10_000_000).await;
    // As after a kill: the task is gone in the middle, nothing is written down.
    fetching.task.abort();
    let _killed = (&mut fetching.task).await;
    let Fetching { home, downloader, events, cancel, .. } = fetching;
    drop((downloader, events));
    cancel.cancel();
    let mut fetching = loop {
        // The threads of the first one hold the database until they notice.
        match Store::open(&home.path().join("potok.redb")) {
            Ok(opened) => {
                drop(opened);
                break fetch_in(home, &book, Arc::new(RealDisk)).await;
            }
            Err(_in_use) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    server.settings.send_replace(UploadSettings::default());
    let reads_before = *content_source.reads.lock();
    assert_eq!(fetching.add(&server.contact, &wanted).await, id, "it goes on by itself, and asking joins it");
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    let again = *content_source.reads.lock() - reads_before;
    assert!(again * BLOCK < file.len() - 10_000_000 + 16 * 1024 * 1024, "{again} blocks were fetched after the kill");
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_stops_and_resuming_goes_on() {
    let file = bytes(1, 100 * BLOCK);
    let slow = UploadSettings { bytes_per_second: 10_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), slow).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 1_000_000).await;
    fetching.downloader.pause(TransferSelection::One(id)).await;
    assert_eq!(fetching.state(id), TransferState::Paused);
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    assert_eq!(fetching.state(id), TransferState::Paused, "over a restart too");
    assert!(fetching.downloader.snapshot()[0].done_bytes > 1_000_000, "and what was here is shown");
    server.settings.send_replace(UploadSettings::default());
    fetching.downloader.resume(TransferSelection::One(id)).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    fetching.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_leaves_nothing_behind() {
    let file = bytes(1, 100 * BLOCK);
    let slow = UploadSettings { bytes_per_second: 5_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), slow).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 0).await;
    assert_eq!(fetching.listing(), ["a.bin.potok-part"]);
    fetching.downloader.cancel(TransferSelection::One(id)).await;
    fetching.until(|event| matches!(event, TransferEvent::Gone(..))).await;
    assert!(fetching.downloader.snapshot().is_empty());
    let into = fetching.folder();
    let home = fetching.stop().await;
    assert_eq!(std::fs::read_dir(into).expect("lists").count(), 0);
    let fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    assert!(fetching.downloader.snapshot().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_leaves_is_waited_for() {
    let file = bytes(1, 60 * BLOCK);
    let identity = Identity::generate();
    let content_source = MemoryContent::with(std::slice::from_ref(&file));
    let slow = UploadSettings { bytes_per_second: 10_000_000, ..UploadSettings::default() };
    let address = "127.0.0.1:0".parse().expect("address");
    let server = serve_as(&identity, "anna", content_source.clone(), slow, address, |_| Some(user("guest"))).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 1_000_000).await;
    book.left(&server.contact.username);
    server.running.stop().await;
    fetching.until_state(id, |state| state.state == TransferState::WaitingForUser).await;
    let server =
        serve_as(&identity, "anna", content_source, UploadSettings::default(), address, |_| Some(user("guest"))).await;
    book.is_now(&server.contact);
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_key_gets_nothing() {
    let file = bytes(1, 1000);
    let server = honest(std::slice::from_ref(&file)).await;
    let impostor = Contact { key: Identity::generate().public_key(), ..server.contact.clone() };
    let mut fetching = fetch(&Book::of(&[&impostor])).await;
    let id = fetching.add(&impostor, &[("a.bin", &file)]).await;
    let address = impostor.address;
    fetching.until_state(id, |state| state.state == TransferState::Unreachable { address, no_relay: None }).await;
    assert!(fetching.listing().is_empty());
}
