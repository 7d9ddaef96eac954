//! A way to the Internet that is metered, on our side and on theirs.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn downloads_rest_while_it_is_metered_but_for_those_that_a_person_lets_go_on() {
    let files = [bytes(1, 40 * BLOCK), bytes(2, 40 * BLOCK), bytes(3, 500)];
    let slow = UploadSettings { bytes_per_second: 5_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryContent::with(&files), slow).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let metered = DownloadSettings { is_metered: true, ..DownloadSettings::default() };
    let first = fetching.add(&server.contact, &[("a.bin", &files[0])]).await;
    fetching.until_state(first, |state| state.done_bytes > 0).await;
    fetching.settings.send_replace(metered);
    fetching.until_state(first, |state| state.state == TransferState::Metered).await;
    let second = fetching.add(&server.contact, &[("b.bin", &files[1])]).await;
    let third = fetching.add(&server.contact, &[("c.bin", &files[2])]).await;
    assert_eq!([second, third].map(|id| fetching.state(id)), [TransferState::Metered, TransferState::Metered]);
    server.settings.send_replace(UploadSettings::default());

    fetching.downloader.resume(TransferSelection::One(third)).await;
    fetching.over(third).await;
    fetching.downloader.pause(TransferSelection::One(second)).await;
    assert_eq!([first, second].map(|id| fetching.state(id)), [TransferState::Metered, TransferState::Paused]);

    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &Book::of(&[&server.contact]), Arc::new(RealDisk)).await;
    // It is known again after a restart, and nobody paused the first one.
    fetching.over(first).await;
    assert_eq!(read(&fetching.path("a.bin")), files[0]);
    assert_eq!(fetching.state(second), TransferState::Paused, "a person's word holds");
    fetching.settings.send_replace(metered);
    // What a person says counts from when it is known that it is metered.
    let other = fetching.add(&server.contact, &[("d.bin", &files[0])]).await;
    fetching.until_state(other, |state| state.state == TransferState::Metered).await;
    fetching.downloader.resume(TransferSelection::One(second)).await;
    fetching.over(second).await;
    assert_eq!(read(&fetching.path("b.bin")), files[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_it_is_metered_and_the_rest_comes_by_itself() {
    let file = bytes(1, 60 * BLOCK);
    let slow = UploadSettings { bytes_per_second: 5_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), slow).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 0).await;
    server.settings.send_replace(UploadSettings { is_metered: true, ..slow });
    let resting = fetching.until_state(id, |state| state.state == TransferState::Declined).await;
    assert!(resting.done_bytes < file.len() as u64);
    server.settings.send_replace(UploadSettings::default());
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}
