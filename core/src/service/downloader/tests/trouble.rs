//! Sources that leave, disks that are full, leftovers of earlier runs.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_source_leaves_its_work_to_the_other() {
    let file = bytes(1, 120 * BLOCK);
    let slow = UploadSettings { bytes_per_second: 8_000_000, ..UploadSettings::default() };
    let content_source = MemoryContent::with(std::slice::from_ref(&file));
    let first = serve("anna", content_source.clone(), slow).await;
    let second = serve("ivan", content_source, slow).await;
    let book = Book::of(&[&first.contact, &second.contact]);
    book.sources(&file, &[&first.contact, &second.contact]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&first.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.sources == 2 && state.done_bytes > 3_000_000).await;
    first.running.stop().await;
    book.left(&first.contact.username);
    second.settings.send_replace(UploadSettings::default());
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unshared_meanwhile_fails_after_a_while() {
    let file = bytes(1, 100 * BLOCK);
    let content_source = MemoryContent::with(std::slice::from_ref(&file));
    let slow = UploadSettings { bytes_per_second: 10_000_000, ..UploadSettings::default() };
    let server = serve("anna", content_source.clone(), slow).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 0).await;
    content_source.unshare_all();
    let events = fetching.over(id).await;
    assert_eq!(failures(&events), [&TransferError::NotShared]);
    content_source.share(&file);
    server.settings.send_replace(UploadSettings::default());
    fetching.downloader.retry(TransferSelection::One(id), Existing::Refuse).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

/// A disk that is full when the test says so.
struct FullDisk {
    is_full: AtomicBool,
}

impl Disk for FullDisk {
    fn write_at(&self, part: &Part, data: &[u8], offset: u64) -> Result<(), PlaceError> {
        if self.is_full.load(Ordering::Relaxed) && offset > 0 {
            return Err(PlaceError::NoSpace);
        }
        part.write_at(data, offset)
    }

    fn free_bytes(&self, _folder: &TargetDir) -> Result<Option<u64>, PlaceError> {
        Ok(Some(if self.is_full.load(Ordering::Relaxed) { 1000 } else { u64::MAX }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let file = bytes(1, 60 * BLOCK);
    let slow = UploadSettings { bytes_per_second: 20_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), slow).await;
    let disk = Arc::new(FullDisk { is_full: AtomicBool::new(false) });
    let home = tempfile::tempdir().expect("folder");
    let mut fetching = fetch_in(home, &Book::of(&[&server.contact]), disk.clone()).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 0).await;
    disk.is_full.store(true, Ordering::Relaxed);
    fetching.until_state(id, |state| state.state == TransferState::DiskFull).await;
    disk.is_full.store(false, Ordering::Relaxed);
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_in_the_queue_is_shown() {
    let file = bytes(1, 200 * BLOCK);
    let settings = UploadSettings { slots: 1, bytes_per_second: 5_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), settings).await;
    let book = Book::of(&[&server.contact]);
    let (mut first, mut second) = (fetch(&book).await, fetch(&book).await);
    let one = first.add(&server.contact, &[("a.bin", &file)]).await;
    first.until_state(one, |state| state.state == TransferState::Running && state.done_bytes > 0).await;
    let two = second.add(&server.contact, &[("a.bin", &file)]).await;
    second.until_state(two, |state| state.state == TransferState::WaitingForSlot { place: 1 }).await;
    first.downloader.cancel(TransferSelection::One(one)).await;
    second.until_state(two, |state| state.state == TransferState::Running).await;
    server.settings.send_replace(UploadSettings::default());
    second.over(two).await;
    assert_eq!(read(&second.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_limit_is_kept_and_lifted_at_once() {
    let file = bytes(1, 40 * BLOCK);
    let server = honest(std::slice::from_ref(&file)).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    fetching.settings.send_replace(DownloadSettings { bytes_per_second: 1_000_000, ..DownloadSettings::default() });
    let begun = tokio::time::Instant::now();
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    let state = fetching.until_state(id, |state| state.done_bytes >= 1_500_000).await;
    let seconds = begun.elapsed().as_secs_f64();
    assert!(state.done_bytes as f64 <= 1_000_000.0 * (seconds + 1.0) + 500_000.0, "{} in {seconds}", state.done_bytes);
    fetching.settings.send_replace(DownloadSettings::default());
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_file_of_something_else_is_not_believed() {
    let file = bytes(1, 20 * BLOCK + 5);
    let server = honest(std::slice::from_ref(&file)).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let mut leftover = bytes(9, 30 * BLOCK);
    leftover[..BLOCK].copy_from_slice(&file[..BLOCK]);
    std::fs::write(fetching.path("a.bin.potok-part"), &leftover).expect("written");
    std::fs::write(fetching.path("s.potok-part"), "longer than the file").expect("written");
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    let small = bytes(3, 5);
    let server = honest(std::slice::from_ref(&small)).await;
    let fetched = Book::of(&[&server.contact]);
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &fetched, Arc::new(RealDisk)).await;
    let id = fetching.add(&server.contact, &[("s", &small)]).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("s")), small);
}

/// A kill between the last rename and the note about it: the finished file is there, the queue does not know.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_finished_unnoticed_is_found_to_be_whole() {
    let (small, large) = (bytes(1, 100), bytes(2, 5 * BLOCK));
    let content_source = MemoryContent::with(&[small.clone(), large.clone()]);
    let server = serve("anna", content_source.clone(), UploadSettings::default()).await;
    let book = Book::of(&[]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("d/s", &small), ("d/l", &large), ("d/x", &small)]).await;
    fetching.until_state(id, |state| state.state == TransferState::WaitingForUser).await;
    std::fs::create_dir(fetching.path("d")).expect("folder");
    std::fs::write(fetching.path("d/s"), &small).expect("written");
    std::fs::write(fetching.path("d/l"), &large).expect("written");
    std::fs::write(fetching.path("d/x"), "something else").expect("written");
    book.is_now(&server.contact);
    let events = fetching.over(id).await;
    assert_eq!(failures(&events), [&TransferError::Exists]);
    assert_eq!(events.iter().filter(|event| matches!(event, TransferEvent::FileFinished { .. })).count(), 2);
    assert!(*content_source.reads.lock() < 2 + 5, "the large one was not fetched, but for what was asked for ahead");
    assert_eq!(read(&fetching.path("d/x")), b"something else");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_an_earlier_run_is_told_again_in_one_word() {
    let file = bytes(1, 10);
    let server = honest(std::slice::from_ref(&file)).await;
    let book = Book::of(&[&server.contact]);
    let fetching = fetch(&book).await;
    std::fs::create_dir(fetching.path("d")).expect("folder");
    let names: Vec<String> = (0..50).map(|n| format!("d/{n}")).collect();
    let wanted: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), file.as_slice())).collect();
    names.iter().for_each(|name| std::fs::write(fetching.path(name), "mine").expect("written"));
    let id = fetching.add(&server.contact, &wanted).await;
    // After a restart nobody waits for an answer.
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    assert_eq!(failures(&fetching.over(id).await), [&TransferError::Exists; 50]);
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    let events = fetching.over(id).await;
    let told = events.iter().filter_map(|event| match event {
        TransferEvent::FileFailed { error, more, .. } => Some((error, *more)),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [(&TransferError::Exists, 49)]);
}

/// A disk to which two names that differ by case alone are one.
struct CaselessDisk;

impl Disk for CaselessDisk {
    fn tells_case_apart(&self, _folder: &Path) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_name_that_is_another_on_this_disk_is_told() {
    let file = bytes(1, 10);
    let server = honest(std::slice::from_ref(&file)).await;
    let home = tempfile::tempdir().expect("folder");
    let mut fetching = fetch_in(home, &Book::of(&[&server.contact]), Arc::new(CaselessDisk)).await;
    let wanted: Vec<(&str, &[u8])> =
        ["d/a", "d/A", "d/b", "d/B", "d/c"].iter().map(|name| (*name, file.as_slice())).collect();
    let id = fetching.add(&server.contact, &wanted).await;
    let events = fetching.over(id).await;
    let told = events.iter().filter_map(|event| match event {
        TransferEvent::FileFailed { remote, error: TransferError::SameName, more: 0, .. } => Some(remote.as_str()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["d/A", "d/B"]);
    assert_eq!(read(&fetching.path("d/c")), file);
}

/// On a large network somebody always does something: what is waited for is not gone through each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_network_is_heard_of_now_and_then_and_who_comes_is_found() {
    let file = bytes(1, 1000);
    let server = honest(std::slice::from_ref(&file)).await;
    let book = Book::of(&[]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |told| told.state == TransferState::WaitingForUser).await;
    let (begun, before) = (std::time::Instant::now(), book.finds_asked.load(Ordering::Relaxed));
    for change in 0..300 {
        book.version.send_modify(|version| *version += 1);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(book.finds_asked.load(Ordering::Relaxed) > before || change < 200, "the first is heard at once");
    }
    let asked = book.finds_asked.load(Ordering::Relaxed) - before;
    let most = begun.elapsed().as_millis() / NEWS_EVERY.as_millis() + 1;
    assert!(asked as u128 <= most, "{asked} of {most}");
    book.contacts.lock().insert(server.contact.username.clone(), server.contact.clone());
    book.version.send_modify(|version| *version += 1);
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}
