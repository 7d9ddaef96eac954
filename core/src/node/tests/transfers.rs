//! Transfers as both sides see them: the queue of who takes, and what who shares is shown of it.

use super::*;
use crate::library::typed::LocalPath;
use crate::model::transfer::{QueueMove, Transfer, TransferError, TransferSelection};
use crate::model::transfer_details::{PartState, PastTransfer, TransferDetails};
use crate::model::way::Way;
use crate::node::intent::FileQuery;
use crate::node::intent::FolderOfAllRequest;
use crate::protocol::command::owner::ReleaseName;

fn transfers(client: &mut Client) -> Vec<Transfer> {
    match client.ask(Intent::ListTransfers) {
        Ok(Outcome::Transfers(transfers)) => transfers,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_upload_says_who_takes_what_and_how_much_of_it_they_have() {
    let (mut anna, tracker) = Client::host("anna");
    let (film, day) = (vec![7; 3 << 20], vec![8; 2 << 20]);
    share(&mut anna, &[("Trip/film.mkv", &film), ("Trip/day 2/b.bin", &day), ("Trip/c.txt", b"x")]);
    anna.apply(|settings| settings.upload_bytes_per_second = 1 << 20);
    let total_bytes = (5 << 20) + 1;
    let mut boris = Client::at("boris", &tracker);
    let number = download(&mut boris, "anna", "Trip/");

    let is_under_way = |event: &NodeEvent| match event {
        NodeEvent::Transfer(t) => {
            t.direction == Direction::Upload && t.files == 3 && t.done_bytes > 1 << 18 && t.bytes_per_second > 0
        }
        _ => false,
    };
    let NodeEvent::Transfer(upload) = anna.until(is_under_way) else { panic!("a transfer") };
    assert_eq!((upload.user.as_str(), upload.label.as_str(), upload.total_bytes), ("boris", "Trip/", total_bytes));
    assert!(upload.done_bytes < total_bytes && upload.state == TransferState::Running, "{upload:?}");
    assert_eq!(upload.way, Some(Way::Nearby));
    let is_download = |t: &Transfer| t.number == number && t.way == Some(Way::Nearby);
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if is_download(t)));
    let listed = transfers(&mut anna);
    assert_eq!(listed.iter().map(|t| (t.number, t.label.as_str())).collect::<Vec<_>>(), [(upload.number, "Trip/")]);

    // What is meant for downloads says so, and all downloads are no uploads.
    let one = TransferSelection::One(upload.number);
    assert_eq!(anna.ask(Intent::Pause(one)), Err(Failure::IsUpload { number: upload.number }));
    assert_eq!(anna.ask(Intent::Cancel(TransferSelection::All)), Ok(Outcome::Done));
    let nobody = TransferId(4711);
    let cancel_nobody = Intent::Cancel(TransferSelection::One(nobody));
    assert_eq!(anna.ask(cancel_nobody), Err(Failure::NoSuchTransfer { number: nobody }));

    // Stopped for this person: they hear it, and nothing more is sent.
    assert_eq!(anna.ask(Intent::Cancel(one)), Ok(Outcome::Done));
    let stopped = TransferState::Failed(TransferError::Stopped);
    anna.until(|event| matches!(event, NodeEvent::Transfer(t) if t.number == upload.number && t.state == stopped));
    let is_declined = |t: &Transfer| t.number == number && t.state == TransferState::Declined;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if is_declined(t)));

    // Taken back: they go on with the rest.
    anna.apply(|settings| settings.upload_bytes_per_second = 0);
    assert_eq!(anna.ask(Intent::Resume(one)), Ok(Outcome::Done));
    let is_finished = |t: &Transfer| t.number == number && t.state == TransferState::Finished;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if is_finished(t)));
    let is_whole = |t: &Transfer| t.number == upload.number && t.done_bytes == total_bytes && t.files_done == 3;
    let is_over = |t: &Transfer| t.state == TransferState::Finished && t.way == Some(Way::Nearby);
    anna.until(|event| matches!(event, NodeEvent::Transfer(t) if is_whole(t) && is_over(t)));
    assert_eq!(std::fs::read(boris.downloads().join("Trip/film.mkv")).expect("it is there"), film);
}

#[test]
fn a_download_says_that_somebody_else_has_its_owners_name() {
    let (mut host, tracker) = Client::host("host");
    let bytes = vec![7; 1 << 20];
    let mut vera = Client::at("vera", &tracker);
    share(&mut vera, &[("a", &bytes)]);
    let mut guest = Client::at("guest", &tracker);
    guest.apply(|settings| settings.download_bytes_per_second = 1);
    let number = download(&mut guest, "vera", "a");
    drop(vera);
    guest.until(|event| matches!(event, NodeEvent::Left(user) if *user == name("vera")));
    assert_eq!(host.ask(Intent::Order(ReleaseName { username: name("vera") }.into())), Ok(Outcome::Done));

    let mut other = Client::at("vera", &tracker);
    share(&mut other, &[("a", &bytes)]);
    let is =
        |event: &NodeEvent, state| matches!(event, NodeEvent::Transfer(t) if t.number == number && t.state == state);
    guest.until(|event| is(event, TransferState::OtherKey));
    guest.apply(|settings| settings.download_bytes_per_second = 0);
    assert_eq!(guest.ask(Intent::Trust { user: name("vera") }), Ok(Outcome::Done));
    guest.until(|event| is(event, TransferState::Finished));
}

#[test]
fn the_order_of_downloads_is_kept() {
    let (mut host, tracker) = Client::host("host");
    let bytes = vec![7; 1 << 20];
    share(&mut host, &[("a", &bytes), ("b", &bytes), ("c", &bytes)]);
    let mut guest = Client::at("guest", &tracker);
    guest.apply(|settings| settings.download_bytes_per_second = 1);
    let numbers = ["a", "b", "c"].map(|path| download(&mut guest, "host", path));
    assert_eq!(labels(&mut guest), ["a", "b", "c"]);
    let reorder = |number, to| Intent::Reorder { number, to };
    assert_eq!(guest.ask(reorder(numbers[2], QueueMove::First)), Ok(Outcome::Done));
    assert_eq!(guest.ask(reorder(numbers[0], QueueMove::Later)), Ok(Outcome::Done));
    assert_eq!(labels(&mut guest), ["c", "b", "a"]);
    assert_eq!(
        guest.ask(reorder(TransferId(99), QueueMove::Last)),
        Err(Failure::NoSuchTransfer { number: TransferId(99) })
    );
    guest.restart();
    assert_eq!(labels(&mut guest), ["c", "b", "a"]);
}

/// The folder that a first download made is not a folder that the second is to go into.
#[test]
fn a_folder_that_is_asked_for_again_joins_its_transfer() {
    let (mut anna, tracker) = Client::host("anna");
    let large = vec![7; 8 << 20];
    share(&mut anna, &[("F/1.bin", &large), ("F/2.bin", b"2"), ("p.jpg", b"p")]);
    let mut boris = Client::at("boris", &tracker);
    boris.apply(|settings| settings.download_bytes_per_second = 1 << 20);
    std::fs::create_dir_all(boris.downloads()).expect("a folder");
    let request = |client: &Client, remote: &str, typed: &str| DownloadRequest {
        user: name("Anna"),
        remote_path: RemotePath::new(remote).expect("a path"),
        local_path: Some(LocalPath::new(typed, &client.downloads())),
        existing: Existing::Refuse,
        unsafe_names: UnsafeNames::LeaveOut,
        wait: true,
    };
    let queue = |client: &mut Client, remote: &str, typed: &str| {
        let request = request(client, remote, typed);
        match client.ask(Intent::Download(request)) {
            Ok(Outcome::Queued(number)) => number,
            other => panic!("{other:?}"),
        }
    };
    let number = queue(&mut boris, "F/", "got");
    let has_begun = |t: &Transfer| t.number == number && t.done_bytes > 1 << 19;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if has_begun(t)));
    boris.restart();
    assert_eq!(boris.ask(Intent::Join(tracker)), Ok(Outcome::Done));
    for typed in ["got", "got/", "./got", "got/."] {
        assert_eq!(queue(&mut boris, "F", typed), number, "{typed}");
    }
    share(&mut anna, &[("F/3.bin", b"3")]);
    boris.apply(|settings| settings.download_bytes_per_second = 0);
    assert_eq!(queue(&mut boris, "F/", "got"), number, "and what is new comes with it");
    let is_finished = |t: &Transfer| t.number == number && t.files_done == 3 && t.state == TransferState::Finished;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if is_finished(t)));
    let mut names: Vec<_> = std::fs::read_dir(boris.downloads().join("got")).expect("a folder").collect();
    names.sort_by_key(|entry| entry.as_ref().expect("an entry").file_name());
    let names: Vec<_> = names.into_iter().map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["1.bin", "2.bin", "3.bin"], "nothing nested");

    // Who is not told of it any more has asked for something new: into that folder.
    assert_eq!(boris.ask(Intent::Acknowledge(number)), Ok(Outcome::Done));
    let second = queue(&mut boris, "F/", "got");
    boris.until(
        |event| matches!(event, NodeEvent::Transfer(t) if t.number == second && t.state == TransferState::Finished),
    );
    assert_eq!(std::fs::read(boris.downloads().join("got/F/2.bin")).expect("it is there"), b"2");

    // What ends in a separator is a folder, there or not.
    let third = queue(&mut boris, "p.jpg", "photos/");
    boris.until(
        |event| matches!(event, NodeEvent::Transfer(t) if t.number == third && t.state == TransferState::Finished),
    );
    assert_eq!(std::fs::read(boris.downloads().join("photos/p.jpg")).expect("it is there"), b"p");
    assert_eq!(queue(&mut boris, "p.jpg", "photos/"), third);
    let none = request(&boris, "none.jpg", "unmade/");
    assert!(matches!(boris.ask(Intent::Download(none)), Err(Failure::NotShared { .. })));
    assert!(!boris.downloads().join("unmade").exists(), "nothing is made for what does not come");
}

fn details(client: &mut Client, number: TransferId) -> TransferDetails {
    match client.ask(Intent::DescribeTransfer { number, files: FileQuery::default() }) {
        Ok(Outcome::TransferDetails(details)) => *details,
        other => panic!("{other:?}"),
    }
}

fn history(client: &mut Client) -> Vec<PastTransfer> {
    match client.ask(Intent::ListHistory) {
        Ok(Outcome::History(past)) => past,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_behind_a_transfer_is_told_and_what_ended_is_remembered() {
    let (mut anna, tracker) = Client::host("anna");
    let film = vec![7; 4 << 20];
    share(&mut anna, &[("Trip/film.mkv", &film), ("Trip/c.txt", b"x")]);
    let mut boris = Client::at("boris", &tracker);
    boris.apply(|settings| settings.download_bytes_per_second = 256 << 10);
    let nobody = TransferId(4711);
    let about_nobody = Intent::DescribeTransfer { number: nobody, files: FileQuery::default() };
    assert_eq!(boris.ask(about_nobody), Err(Failure::NoSuchTransfer { number: nobody }));
    let number = download(&mut boris, "anna", "Trip/");
    let is_begun = |t: &Transfer| t.number == number && t.done_bytes > 256 << 10;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if is_begun(t)));

    let told = details(&mut boris, number);
    assert_eq!(told.sources.iter().map(|source| source.user.as_str()).collect::<Vec<_>>(), ["anna"]);
    assert!(told.free_bytes.is_some_and(|bytes| bytes > 0));
    let paths: Vec<&str> = told.files.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!((paths.as_slice(), told.files.total), (["Trip/c.txt", "Trip/film.mkv"].as_slice(), 2));
    let runs = told.map.runs();
    assert!(runs.iter().any(|(_, state)| *state == PartState::Here), "{runs:?}");
    assert!(runs.iter().any(|(_, state)| *state == PartState::Missing), "{runs:?}");
    assert_eq!(runs.iter().map(|(bytes, _)| bytes).sum::<u64>(), (4 << 20) + 1);
    let NodeEvent::Transfer(upload) =
        anna.until(|event| matches!(event, NodeEvent::Transfer(t) if t.direction == Direction::Upload))
    else {
        panic!("a transfer")
    };
    assert_eq!(details(&mut anna, upload.number).sources[0].user.as_str(), "boris");
    assert!(history(&mut boris).is_empty());

    boris.apply(|settings| settings.download_bytes_per_second = 0);
    let is_finished = |t: &Transfer| t.number == number && t.state == TransferState::Finished;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if is_finished(t)));
    // It is written down before anybody can ask for it, and once.
    let past = history(&mut boris);
    boris.restart();
    boris.restart();
    assert_eq!(history(&mut boris), past);
    let short =
        |past: &PastTransfer| (past.direction, past.user.to_string(), past.label.clone(), past.files, past.bytes);
    let expected = (Direction::Download, "anna".to_owned(), "Trip/".to_owned(), 2, (4 << 20) + 1);
    assert_eq!(past.iter().map(short).collect::<Vec<_>>(), [expected]);
    // By which way it came is known after the end too.
    let ways: Vec<_> = transfers(&mut boris).iter().map(|t| (t.number, t.way)).collect();
    assert_eq!((past[0].way, ways), (Some(Way::Nearby), vec![(number, Some(Way::Nearby))]));
    assert_eq!(past[0].local_path.as_deref(), Some(boris.downloads().join("Trip").as_path()));
    assert_eq!(boris.ask(Intent::ClearHistory), Ok(Outcome::Done));
    assert!(history(&mut boris).is_empty());
    assert!(matches!(boris.ask(Intent::FreeSpace), Ok(Outcome::FreeSpace(Some(bytes))) if bytes > 0));
}

/// Two equal files of one owner have a time each; what may be run is so here only if the person says it.
#[test]
fn a_file_has_the_time_that_it_had_at_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let (mut anna, tracker) = Client::host("anna");
    let large = vec![7; 1 << 20];
    let files: [(&str, &[u8]); 4] = [("F/a", b"same"), ("F/b", b"same"), ("F/large", &large), ("F/run.sh", b"#!")];
    for (name, data) in files {
        let path = anna.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
        std::fs::write(&path, data).expect("written");
    }
    let time = |n: u64| std::time::UNIX_EPOCH + Duration::new(1_000_000_000 + n, 5_000);
    let times = [("F/a", time(1)), ("F/b", time(2)), ("F/large", time(3)), ("F/run.sh", time(4))];
    for (name, time) in times {
        let file = std::fs::File::options().write(true).open(anna.dir.path().join(name)).expect("opens");
        file.set_modified(time).expect("set");
    }
    let script = anna.dir.path().join("F/run.sh");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("set");
    let request = ShareRequest { typed: "F".into(), cwd: anna.dir.path().to_owned(), share_as: None };
    assert!(matches!(anna.ask(Intent::Share(vec![request])), Ok(Outcome::Shared(_))));

    let mut boris = Client::at("boris", &tracker);
    let get = |boris: &mut Client| {
        let number = download(boris, "anna", "F/");
        let is_over = |t: &Transfer| t.number == number && t.state == TransferState::Finished;
        boris.until(|event| matches!(event, NodeEvent::Transfer(t) if is_over(t)));
        assert_eq!(boris.ask(Intent::Acknowledge(number)), Ok(Outcome::Done));
        let got = boris.downloads().join("F");
        let metadata = |name: &str| got.parent().expect("above").join(name).metadata().expect("is there");
        let kept = times.map(|(name, time)| metadata(name).modified().expect("has a time") == time);
        let can_run = metadata("F/run.sh").permissions().mode() & 0o111 != 0;
        std::fs::remove_dir_all(got).expect("removed");
        (kept, can_run)
    };
    assert_eq!(get(&mut boris), ([true; 4], false));
    boris.apply(|settings| settings.keep_executable = true);
    assert_eq!(get(&mut boris), ([true; 4], true));
    boris.apply(|settings| settings.keep_times = false);
    assert_eq!(get(&mut boris), ([false; 4], true));
}

#[test]
fn a_folder_of_several_people_comes_whole() {
    let (mut anna, tracker) = Client::host("anna");
    let mut boris = Client::at("boris", &tracker);
    let mut carol = Client::at("carol", &tracker);
    share(&mut anna, &[("T/1", b"one"), ("T/2", b"two"), ("T/same name", b"of anna")]);
    share(&mut boris, &[("T/2", b"two"), ("T/sub/3", b"three"), ("T/same name", b"of boris"), ("other", b"x")]);
    share(&mut carol, &[("T/4", b"her own")]);
    let get = |carol: &mut Client, local: Option<&str>, existing| {
        let local_path = local.map(|typed| LocalPath::new(typed, &carol.downloads()));
        let folder = crate::model::share_path::SharePath::new("T").expect("a path");
        let request = FolderOfAllRequest { folder, local_path, existing, unsafe_names: UnsafeNames::LeaveOut };
        match carol.ask(Intent::DownloadOfAll(request)) {
            Ok(Outcome::QueuedAll(numbers)) => numbers,
            other => panic!("{other:?}"),
        }
    };
    let wait = |carol: &mut Client, numbers: &[TransferId]| {
        for number in numbers {
            carol.until(|event| matches!(event, NodeEvent::Transfer(t) if t.number == *number && t.state.is_final()));
        }
    };
    let read = |carol: &Client, name: &str| std::fs::read_to_string(carol.downloads().join(name)).ok();
    let numbers = get(&mut carol, None, Existing::Refuse);
    wait(&mut carol, &numbers);
    assert_eq!(numbers.len(), 2, "one a person, and none of one's own");
    let failed = carol.until(|event| matches!(event, NodeEvent::FileFailed { .. }));
    assert!(matches!(failed, NodeEvent::FileFailed { remote_path, failure, .. }
        if remote_path == "T/same name" && failure.code() == "exists"));
    for (name, data) in [("T/1", "one"), ("T/2", "two"), ("T/sub/3", "three"), ("T/same name", "of anna")] {
        assert_eq!(read(&carol, name).as_deref(), Some(data), "{name}");
    }
    assert_eq!(read(&carol, "T/4"), None);
    assert_eq!(get(&mut carol, None, Existing::Refuse), numbers, "asked for again, they are joined");

    let both = get(&mut carol, Some("all"), Existing::KeepBoth);
    wait(&mut carol, &both);
    assert_ne!(both, numbers);
    assert_eq!(read(&carol, "all/same name").as_deref(), Some("of anna"));
    assert_eq!(read(&carol, "all/same name (2)").as_deref(), Some("of boris"));

    // Whoever wants to be asked about names is asked about the second of two as well.
    let request = FolderOfAllRequest {
        folder: crate::model::share_path::SharePath::new("T").expect("a path"),
        local_path: Some(LocalPath::new("asked", &carol.downloads())),
        existing: Existing::Refuse,
        unsafe_names: UnsafeNames::Ask,
    };
    let Ok(Outcome::UnsafeNames { names, count: 1 }) = carol.ask(Intent::DownloadOfAll(request)) else {
        panic!("a question");
    };
    assert!(names[0].0 == "T/same name" && names[0].1.ends_with("same name (2)"), "{names:?}");
}
