//! Tests of the queue of downloads on the disk.

use super::*;
use crate::model::way::Way;

fn download(files: u32) -> SavedDownload {
    let file = |n: u32| WantedFile {
        remote: SharePath::new(&format!("Trip/{n}")).expect("valid"),
        content: Content { hash: ContentHash::from_bytes([7; 32]), size: u64::from(n) << 33 },
        name: TargetName::Below(vec![
            LocalName::new("Trip").expect("harmless"),
            LocalName::new(&n.to_string()).expect("harmless"),
        ]),
    };
    SavedDownload {
        user: Username::new("Мария").expect("valid"),
        label: "Trip/".to_owned(),
        is_folder: true,
        into: PathBuf::from("/home/маша/Downloads"),
        existing: Existing::Refuse,
        is_paused: false,
        files: (0..files).map(file).collect(),
        states: vec![(1, SavedState::Failed(TransferError::Exists))],
    }
}

#[test]
fn what_was_said_of_what_is_there_comes_back() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("potok.redb");
    let said = [Existing::Refuse, Existing::Replace, Existing::KeepBoth, Existing::LeaveOut];
    let store = Store::open(&path).expect("opens").store;
    for (at, existing) in (1..).zip(said) {
        store.save_download(TransferId(at), &SavedDownload { existing, ..download(2) }).expect("saved");
    }
    store.pause_download(TransferId(4), true).expect("paused");
    drop(store);
    let store = Store::open(&path).expect("opens again").store;
    let read = |store: &Store| store.downloads().expect("read").into_iter().map(|(_, saved)| saved.existing);
    assert!(read(&store).eq(said));
    // Another word later is the one that counts.
    let later = SavedDownload { existing: Existing::Refuse, ..download(2) };
    store.write_files(TransferId(3), &later, &[]).expect("written");
    store.forget_downloads(&[TransferId(4)]).expect("forgotten");
    store.save_download(TransferId(4), &download(2)).expect("saved");
    assert!(read(&store).eq([Existing::Refuse, Existing::Replace, Existing::Refuse, Existing::Refuse]));
}

#[test]
fn the_way_of_the_last_bytes_comes_back_and_goes_with_the_download() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = Store::open(&dir.path().join("potok.redb")).expect("opens").store;
    assert_eq!(store.download_ways().expect("read"), [], "no table yet");
    let (one, two) = (TransferId(1), TransferId(2));
    store.save_download(one, &download(1)).expect("saved");
    store.record_ways(&[(one, Way::Relayed), (two, Way::Direct)], false).expect("written");
    store.record_ways(&[(one, Way::Punched)], true).expect("written");
    assert_eq!(store.download_ways().expect("read"), [(one, Way::Punched), (two, Way::Direct)]);
    store.forget_downloads(&[one]).expect("forgotten");
    assert_eq!(store.download_ways().expect("read"), [(two, Way::Direct)]);
}

#[test]
fn the_queue_comes_back() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("potok.redb");
    let store = Store::open(&path).expect("opens").store;
    assert_eq!(store.downloads().expect("read"), []);
    let mut trip = download(20);
    let mut typed = download(0);
    typed.files.push(WantedFile {
        remote: SharePath::new("x").expect("valid"),
        content: Content { hash: ContentHash::from_bytes([1; 32]), size: 5 },
        name: TargetName::Typed(OsString::from(".named by me")),
    });
    assert_eq!(store.next_transfer_id().expect("read"), TransferId(1));
    // Between them an upload had a number.
    let (first, second) = (TransferId(1), TransferId(3));
    store.save_download(second, &typed).expect("saved");
    store.save_download(first, &trip).expect("saved");
    let lied = SavedState::Failed(TransferError::Lied { user: trip.user.clone() });
    let disk = SavedState::Failed(TransferError::Disk("no such folder".into()));
    let changes = [
        (first, 5, SavedState::Here),
        (first, 6, SavedState::LeftOut),
        (first, 7, SavedState::Held),
        (first, 8, SavedState::Done),
        (first, 0, SavedState::Done),
        (first, 1, SavedState::Open),
        (first, 2, SavedState::Partial(99)),
        (first, 3, lied.clone()),
        (first, 4, disk.clone()),
    ];
    store.record_download(&changes, false).expect("recorded");
    let late = [(first, 5, SavedState::Held), (first, 8, SavedState::Held), (first, 9, SavedState::Held)];
    store.record_download(&late, false).expect("recorded");
    store.pause_download(second, true).expect("paused");
    assert_eq!(store.download_ranks().expect("read"), []);
    store.rank_downloads(&[(first, 2), (second, 1)]).expect("ranked");
    drop(store);

    let store = Store::open(&path).expect("opens again").store;
    trip.states = vec![(0, SavedState::Done), (2, SavedState::Partial(99)), (3, lied), (4, disk)];
    let rest = [SavedState::Here, SavedState::LeftOut, SavedState::Held, SavedState::Done, SavedState::Held];
    trip.states.extend((5..).zip(rest));
    typed.is_paused = true;
    assert_eq!(store.downloads().expect("read"), [(first, trip), (second, typed.clone())]);
    assert_eq!(store.download_ranks().expect("read"), [(first, 2), (second, 1)]);
    store.forget_downloads(&[first]).expect("forgotten");
    assert_eq!(store.download_ranks().expect("read"), [(second, 1)]);
    assert_eq!(store.downloads().expect("read"), [(second, typed)]);
    store.forget_downloads(&[second]).expect("forgotten");
    assert!(store.next_transfer_id().expect("read") > second, "a number is not used twice");
}

#[test]
fn every_error_comes_back() {
    let user = Username::new("anna").expect("valid");
    // What is stopped is an upload, which is not written down.
    let errors = TransferError::one_of_each(&user).into_iter().filter(|error| *error != TransferError::Stopped);
    let states: Vec<(u32, SavedState)> = (0..).zip(errors.map(SavedState::Failed)).collect();
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = Store::open(&dir.path().join("potok.redb")).expect("opens").store;
    let mut saved = download(states.len().try_into().expect("few"));
    saved.states = states;
    let id = store.next_transfer_id().expect("read");
    store.save_download(id, &saved).expect("saved");
    assert_eq!(store.downloads().expect("read"), [(id, saved)]);
}
