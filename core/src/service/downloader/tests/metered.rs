//! A way to the Internet that is metered, on our side and on theirs: these tests are a local network, where nothing rests. What
//! does is shown by the machines alone, and by the built programs.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_nearby_is_fetched_from_and_served_all_the_same() {
    let file = bytes(1, 60 * BLOCK);
    let metered = UploadSettings { is_metered: true, ..UploadSettings::default() };
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), metered).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    fetching.settings.send_replace(DownloadSettings { is_metered: true, ..DownloadSettings::default() });
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_reached_nearby_is_not_reached_otherwise_until_a_person_says_so() {
    let file = bytes(1, 3 * BLOCK);
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), UploadSettings::default()).await;
    // Nobody answers at an address of the Internet.
    let elsewhere = Contact { address: Some(([198, 51, 100, 1], 9).into()), ..server.contact.clone() };
    let mut fetching = fetch(&Book::of(&[&elsewhere])).await;
    fetching.settings.send_replace(DownloadSettings { is_metered: true, ..DownloadSettings::default() });
    // What a person says counts from when it is known that it is metered.
    let id = fetching.add(&elsewhere, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.state == TransferState::Metered).await;
    fetching.downloader.pause(TransferSelection::One(id)).await;

    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &Book::of(&[&server.contact]), Arc::new(RealDisk)).await;
    fetching.until_state(id, |state| state.state == TransferState::Paused).await;
    fetching.downloader.resume(TransferSelection::One(id)).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}
