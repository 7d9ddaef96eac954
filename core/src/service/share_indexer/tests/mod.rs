//! The share indexer with real files: what is shared, what is not, and what is told of it. Waits are for events, with a
//! generous deadline.

mod fixture;
mod rearranged;
mod roots;

use std::os::unix::fs::symlink;
use std::path::Path;

use super::event::{ShareWarning, WhyNotShared};
use super::*;
use crate::disk::at;
use crate::disk::walk::WhySkipped;
use crate::model::hash::ContentHash;
use crate::service::share_indexer::content::{OpenError, ReadError};
use crate::service::share_indexer::tests::fixture::{DEADLINE, Fixture, data, fetch};

#[tokio::test(flavor = "multi_thread")]
async fn files_and_folders_are_shared_as_typed() {
    let mut fixture = Fixture::new().await;
    fixture.write("a.txt", "a");
    fixture.write("docs/b.txt", "b");
    fixture.write("docs/deep/c.txt", data(1, 700_000));
    fixture.write("Trip/day 1.jpg", "d");
    fixture.write("Trip/unfinished.potok-part", "x");
    let absolute = fixture.cwd.join("docs/deep/c.txt");
    assert_eq!(fixture.share(&["a.txt", "./docs/../docs/b.txt"]).await.expect("shares"), ["a.txt", "docs/b.txt"]);
    assert_eq!(fixture.share(&[absolute.to_str().expect("text")]).await.expect("shares"), ["c.txt"]);
    assert_eq!(
        fixture.share(&["Trip/", "a.txt as Reports/y.pdf"]).await.expect("shares"),
        ["Reports/y.pdf", "Trip/day 1.jpg"]
    );
    assert_eq!(fixture.share(&["a.txt", "a.txt"]).await.expect("is shared already"), ["a.txt"]);
    assert_eq!(fixture.share(&["Trip/day 1.jpg"]).await.expect("is shared already"), ["Trip/day 1.jpg"]);
    assert_eq!(fixture.share(&[]).await.expect("nothing to do"), [""; 0]);
    let all = ["Reports/y.pdf", "Trip/day 1.jpg", "a.txt", "c.txt", "docs/b.txt"];
    assert_eq!(fixture.shared(), all);
    assert_eq!(fixture.hash_of("a.txt"), blake3::hash(b"a").into());
    assert_eq!(fetch(&fixture, fixture.hash_of("c.txt")).expect("reads"), data(1, 700_000));

    let mut told = std::collections::BTreeSet::new();
    fixture
        .event("all are announced", |event| {
            if let LibraryEvent::Changed { added, .. } = event {
                told.extend(added.into_iter().map(|share| share.path.to_string()));
            }
            (told.len() == all.len()).then_some(())
        })
        .await;

    let fixture = fixture.restart().await;
    assert_eq!(fixture.shared(), all, "they come back");
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shared_is_named_and_nothing_else_is_shared() {
    let fixture = Fixture::new().await;
    fixture.write("a.txt", "1");
    fixture.write("other/a.txt", "2");
    fixture.write("Trip/a.txt", "3");
    fixture.write("data/identity.key", "secret");
    fixture.write("bad\nname", "4");
    symlink("data/identity.key", fixture.cwd.join("innocent")).expect("link");
    let other = fixture.cwd.join("other/a.txt").to_str().expect("text").to_owned();

    let collision = fixture.share(&["a.txt", &other]).await.expect_err("collide");
    let text = collision.to_string();
    assert!(matches!(collision, ShareError::Collision(_)) && text.contains("other/a.txt"), "{text}");
    assert_eq!(fixture.shared(), [""; 0]);
    fixture.share(&["a.txt", "Trip"]).await.expect("shares");
    assert!(matches!(fixture.share(&[&other]).await, Err(ShareError::Collision(_))));
    assert!(matches!(fixture.share(&["other/a.txt as Trip/a.txt"]).await, Err(ShareError::Collision(_))));
    assert!(matches!(fixture.share(&["other/a.txt", "none.txt"]).await, Err(ShareError::Unreadable { .. })));
    for own in ["data", "data/identity.key", "innocent", "data/potok.redb"] {
        let refused = fixture.share(&[own]).await.expect_err(own);
        assert!(matches!(refused, ShareError::Unreadable { why: ReadFault::Own, .. }), "{own}: {refused}");
    }
    #[cfg(target_os = "linux")]
    {
        let refused = fixture.share(&["/proc/version"]).await.expect_err("has no size");
        assert!(matches!(refused, ShareError::Unreadable { why: ReadFault::NoSize, .. }), "{refused}");
    }
    assert!(matches!(fixture.share(&["bad\nname"]).await, Err(ShareError::BadName { .. })));
    assert!(matches!(fixture.share(&["a.txt as ../x"]).await, Err(ShareError::BadName { .. })));
    assert_eq!(fixture.shared(), ["Trip/a.txt", "a.txt"]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_shared_without_what_must_not_leave() {
    use std::os::unix::ffi::OsStrExt;
    let mut fixture = Fixture::new().await;
    fixture.write("good", "1");
    fixture.write(".hidden", "2");
    fixture.write("data/identity.key", "secret");
    symlink("/etc/passwd", fixture.cwd.join("link")).expect("link");
    std::fs::write(fixture.cwd.join(std::ffi::OsStr::from_bytes(b"\xff")), "x").expect("writes");
    assert_eq!(fixture.share(&[". as all"]).await.expect("shares"), ["all/.hidden", "all/good"]);
    let (files, count) = fixture
        .event("skipped", |event| match event {
            LibraryEvent::Skipped { files, count, .. } => Some((files, count)),
            _ => None,
        })
        .await;
    assert_eq!((files.len(), count), (3, 3));
    for why in [WhySkipped::Link, WhySkipped::Own, WhySkipped::NotUnicode] {
        assert!(files.iter().any(|file| file.why == WhyNotShared::Skipped(why)), "{why}");
    }
    let secret = ContentHash::from(blake3::hash(b"secret"));
    assert!(fixture.share_indexer.table().find(secret).is_none());
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_any_potok_and_secrets_never_leave() {
    let mut fixture = Fixture::new().await;
    for name in ["home/x", "home/.ssh/id", "home/.config/potok-tracker/identity.key", "home/later/identity.key"] {
        fixture.write(name, name);
    }
    fixture.write("home/.config/potok-tracker/tracker.redb", "names");
    let shared = ["home/later/identity.key", "home/x"];
    assert_eq!(fixture.share(&["home"]).await.expect("shares"), shared, "it is no key, and nothing lies beside it");
    let hash = fixture.hash_of("home/later/identity.key");
    let content = fixture.share_indexer.table().find(hash).expect("is shared");
    // Another program makes it a data folder; whatever was looked at when, none of it is served.
    fixture.write("home/later/potok.redb", "shares");
    assert!(content.open().is_err());
    fixture.becomes(&["home/x"]).await;
    for own in ["home/.config/potok-tracker", "home/.config/potok-tracker/tracker.redb", "home/later"] {
        let refused = fixture.share(&[own]).await.expect_err(own);
        assert!(matches!(refused, ShareError::Unreadable { why: ReadFault::Own, .. }), "{own}: {refused}");
    }
    assert_eq!(fixture.share(&["home/.ssh"]).await.expect("it was asked for"), [".ssh/id"]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_forms_of_one_name_do_not_keep_the_others_back() {
    let mut fixture = Fixture::new().await;
    for name in ["N/caf\u{e9}", "N/cafe\u{301}", "N/other"] {
        fixture.write(name, name);
    }
    assert_eq!(fixture.share(&["N"]).await.expect("shares"), ["N/caf\u{e9}", "N/other"]);
    let left_out = fixture
        .event("skipped", |event| match event {
            LibraryEvent::Skipped { files, .. } => Some(files[0].why.to_string()),
            _ => None,
        })
        .await;
    assert!(left_out.contains(r"cafe\u{301}") && left_out.contains(r"caf\u{e9}"), "{left_out}");
    fixture.stop().await;
}

/// The one that was shared stays so, and the other is told; once the first is gone the other has its path.
#[tokio::test(flavor = "multi_thread")]
async fn another_form_of_a_name_that_comes_later_is_told() {
    let mut fixture = Fixture::new().await;
    for name in ["N/sub/caf\u{e9}", "N/other"] {
        fixture.write(name, name);
    }
    assert_eq!(fixture.share(&["N"]).await.expect("shares"), ["N/other", "N/sub/caf\u{e9}"]);
    let first = fixture.hash_of("N/sub/caf\u{e9}");
    fixture.write("N/sub/cafe\u{301}", "later");
    let left_out = fixture
        .event("skipped", |event| match event {
            LibraryEvent::Skipped { files, .. } => Some(files[0].why.to_string()),
            _ => None,
        })
        .await;
    assert!(left_out.contains(r"cafe\u{301}") && left_out.contains(r"caf\u{e9}"), "{left_out}");
    assert_eq!(fixture.hash_of("N/sub/caf\u{e9}"), first);
    std::fs::remove_file(fixture.cwd.join("N/sub/caf\u{e9}")).expect("removed");
    let later = ContentHash::from(blake3::hash(b"later"));
    let is_later = |event| match event {
        LibraryEvent::Changed { added, .. } => added.iter().any(|share| share.hash == Some(later)).then_some(()),
        _ => None,
    };
    fixture.event("the other", is_later).await;
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsharing_ends_it_for_good() {
    let mut fixture = Fixture::new().await;
    for name in ["Trip/a", "Trip/b", "Trip/sub/c", "Trip/sub/d", "x", "docs/y", "docs/z"] {
        fixture.write(name, name);
    }
    fixture.share(&["Trip", "x", "docs/y", "docs/z as Z/z", "Trip/sub"]).await.expect("shares");
    let hash = fixture.hash_of("x");
    let open = fixture.share_indexer.table().find(hash).expect("is shared").open().expect("opens");
    let mut buffer = Vec::new();
    open.read_block(0, &mut buffer).expect("reads");

    assert!(matches!(fixture.unshare(&["x", "nothing"]).await, Err(ShareError::NotShared { .. })));
    assert!(fixture.shared().contains(&"x".to_owned()), "all or nothing");
    assert_eq!(fixture.unshare(&["x"]).await.expect("unshares"), ["x"]);
    assert!(matches!(open.read_block(0, &mut buffer), Err(ReadError::NotShared)), "a running upload ends");
    assert!(!open.is_still_shared());
    drop(open);
    assert!(fixture.share_indexer.table().find(hash).is_none());

    assert_eq!(fixture.unshare(&["Trip/a"]).await.expect("a file of a folder"), ["Trip/a"]);
    assert_eq!(fixture.unshare(&["Trip/sub/"]).await.expect("a folder in it"), ["Trip/sub/c", "Trip/sub/d"]);
    assert_eq!(fixture.unshare(&["docs/z"]).await.expect("by its local path"), ["Z/z"]);
    let gone = fixture.cwd.join("docs/y");
    std::fs::remove_file(&gone).expect("removed");
    fixture.becomes(&["Trip/b", "sub/c", "sub/d"]).await;
    assert_eq!(
        fixture.unshare(&[gone.to_str().expect("text")]).await.expect("by the path of a file that is gone"),
        [""; 0]
    );
    let left = ["Trip/b", "sub/c", "sub/d"];
    assert_eq!(fixture.shared(), left);

    fixture.write("Trip/a", "new content");
    fixture.write("Trip/new", "n");
    fixture.becomes(&["Trip/b", "Trip/new", "sub/c", "sub/d"]).await;
    let fixture = fixture.restart().await;
    assert_eq!(fixture.shared(), ["Trip/b", "Trip/new", "sub/c", "sub/d"], "what was taken out stays out");
    assert_eq!(fixture.unshare(&["Trip", "sub"]).await.expect("unshares").len(), 4);
    fixture.share(&["Trip"]).await.expect("shares");
    assert_eq!(fixture.shared().len(), 5, "sharing the folder again shares all of it");
    let fixture = fixture.restart().await;
    assert_eq!(fixture.shared().len(), 5);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_on_the_disk_are_announced() {
    let mut fixture = Fixture::new().await;
    fixture.write("Trip/a", "1");
    fixture.write("single", "1");
    fixture.write("neighbour", "private");
    fixture.share(&["Trip", "single"]).await.expect("shares");
    fixture.write("Trip/b", "2");
    fixture.becomes(&["Trip/a", "Trip/b", "single"]).await;
    fixture.write("Trip/new folder/deep/c", "3");
    fixture.becomes(&["Trip/a", "Trip/b", "Trip/new folder/deep/c", "single"]).await;
    std::fs::rename(fixture.cwd.join("Trip/new folder"), fixture.cwd.join("Trip/renamed")).expect("renames");
    fixture.becomes(&["Trip/a", "Trip/b", "Trip/renamed/deep/c", "single"]).await;
    std::fs::remove_file(fixture.cwd.join("Trip/a")).expect("removed");
    fixture.becomes(&["Trip/b", "Trip/renamed/deep/c", "single"]).await;

    fixture.write("neighbour", "still private");
    fixture.write("next", "saved over");
    std::fs::rename(fixture.cwd.join("next"), fixture.cwd.join("single")).expect("renames");
    fixture.write("Trip/b", "another");
    let mut expected = vec![ContentHash::from(blake3::hash(b"saved over")), blake3::hash(b"another").into()];
    fixture
        .event("new content of both", |event| {
            if let LibraryEvent::Changed { added, .. } = event {
                expected.retain(|hash| !added.iter().any(|share| share.hash == Some(*hash)));
            }
            expected.is_empty().then_some(())
        })
        .await;
    assert_eq!(fixture.shared(), ["Trip/b", "Trip/renamed/deep/c", "single"]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_announced_bytes_leave() {
    let mut fixture = Fixture::new().await;
    let (old, new) = (data(1, 600_000), data(2, 600_000));
    fixture.write("a", &old);
    fixture.share(&["a"]).await.expect("shares");
    let hash = fixture.hash_of("a");
    let content = fixture.share_indexer.table().find(hash).expect("is shared");
    assert_eq!(content.size(), 600_000);
    let open = content.open().expect("opens");
    let file = std::fs::File::options().write(true).open(fixture.cwd.join("a")).expect("opens");
    at::write_all_at(&file, &new, 0).expect("writes");
    let mut buffer = Vec::new();
    assert!(matches!(open.read_block(1, &mut buffer), Err(ReadError::Changed)));
    assert!(buffer.is_empty());
    assert!(matches!(content.open(), Err(OpenError::Changed | OpenError::NotShared)));
    let new_hash = ContentHash::from(blake3::hash(&new));
    fixture
        .event("announced anew", |event| match event {
            LibraryEvent::Changed { added, .. } => added.iter().any(|share| share.hash == Some(new_hash)).then_some(()),
            _ => None,
        })
        .await;
    assert_eq!(fetch(&fixture, new_hash).expect("reads"), new);
    assert!(matches!(fetch(&fixture, hash), Err(ReadError::NotShared)));
    file.set_len(300_000).expect("cuts");
    assert!(fetch(&fixture, new_hash).is_err());
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_file_is_read_once() {
    let fixture = Fixture::new().await;
    for at in 0..300u32 {
        fixture.write(&format!("Trip/{at}"), at.to_string());
    }
    fixture.write("Trip/large", data(3, 5_000_000));
    // Old enough for their stamps to be trusted.
    let newest = std::fs::metadata(fixture.cwd.join("Trip/large")).expect("asks").modified().expect("has one");
    while newest.elapsed().expect("in the past") < crate::model::file_stamp::FileStamp::FINE_TICK * 2 {
        tokio::task::yield_now().await;
    }
    fixture.share(&["Trip"]).await.expect("shares");
    assert_eq!(fixture.share_indexer.files_hashed(), 301);
    fixture.share(&["Trip", "Trip as again"]).await.expect("shares");
    assert_eq!(fixture.share_indexer.files_hashed(), 301, "another name is no other content");
    let fixture = fixture.restart().await;
    assert_eq!(fixture.shared().len(), 602);
    assert_eq!(fixture.share_indexer.files_hashed(), 0);
    assert_eq!(fetch(&fixture, fixture.hash_of("Trip/large")).expect("reads"), data(3, 5_000_000));
    assert_eq!(fixture.share_indexer.files_hashed(), 0);

    let folder = fixture.stop().await;
    let changed = folder.path().join("Trip/7");
    let modified = std::fs::metadata(&changed).expect("asks").modified().expect("has one");
    std::fs::write(&changed, "8").expect("writes");
    std::fs::File::options().write(true).open(&changed).and_then(|file| file.set_modified(modified)).expect("sets");
    let mut fixture = Fixture::start(folder).await;
    let new = ContentHash::from(blake3::hash(b"8"));
    fixture
        .event("the same size and time do not hide a change", |event| match event {
            LibraryEvent::Changed { added, .. } => {
                added.iter().any(|share| share.path.as_str() == "Trip/7" && share.hash == Some(new)).then_some(())
            }
            _ => None,
        })
        .await;
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_root_waits_and_comes_back() {
    let mut fixture = Fixture::new().await;
    fixture.write("drive/Trip/a", "1");
    fixture.share(&["drive/Trip"]).await.expect("shares");
    std::fs::rename(fixture.cwd.join("drive/Trip"), fixture.cwd.join("drive/unplugged")).expect("renames");
    fixture.event("missing", |event| matches!(event, LibraryEvent::Missing { .. }).then_some(())).await;
    fixture.becomes(&[]).await;
    let mut fixture = fixture.restart().await;
    assert_eq!(fixture.shared(), [""; 0]);
    // A link in its place is not what was shared.
    std::fs::create_dir(fixture.cwd.join("private")).expect("folder");
    fixture.write("private/secret", "secret");
    symlink("../private", fixture.cwd.join("drive/Trip")).expect("link");
    fixture.event("missing", |event| matches!(event, LibraryEvent::Missing { .. }).then_some(())).await;
    std::fs::remove_file(fixture.cwd.join("drive/Trip")).expect("removed");
    std::fs::rename(fixture.cwd.join("drive/unplugged"), fixture.cwd.join("drive/Trip")).expect("renames");
    fixture.event("back", |event| matches!(event, LibraryEvent::Back { .. }).then_some(())).await;
    fixture.becomes(&["Trip/a"]).await;
    fixture.write("drive/Trip/b", "watched again");
    fixture.becomes(&["Trip/a", "Trip/b"]).await;
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_never_too_many() {
    let fixture = Fixture::new().await;
    for at in 0..2001 {
        fixture.write(&format!("many/{at}"), "x");
    }
    assert!(matches!(fixture.share(&["many"]).await, Err(ShareError::TooMany { max: 2000, .. })));
    assert_eq!(fixture.shared(), [""; 0]);
    std::fs::remove_file(fixture.cwd.join("many/7")).expect("removed");
    assert_eq!(fixture.share(&["many"]).await.expect("shares").len(), 2000);
    fixture.write("one more", "x");
    assert!(matches!(fixture.share(&["one more"]).await, Err(ShareError::TooMany { max: 2000, .. })));
    // All have one content: each is found, one is taken out, the others stay.
    let hash = fixture.hash_of("many/1");
    fixture.unshare(&["many/1"]).await.expect("unshares");
    assert_eq!(fetch(&fixture, hash).expect("reads"), b"x");
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_disk_is_warned_of() {
    let home = std::env::home_dir().expect("has one");
    assert_eq!(plan::warning_for(Path::new("/")), Some(ShareWarning::WholeDisk));
    assert_eq!(plan::warning_for(&home.canonicalize().expect("resolves")), Some(ShareWarning::WholeHome));
    assert_eq!(plan::warning_for(Path::new("/usr/share")), None);
}

/// Whoever hears the events in their order knows what is shared, whatever happens at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_adds_up() {
    let mut fixture = Fixture::new().await;
    for at in 0..40 {
        fixture.write(&format!("Trip/{at}"), at.to_string());
        fixture.write(&format!("single {at}"), at.to_string());
    }
    let share_indexer = fixture.share_indexer.clone();
    let cwd = fixture.cwd.clone();
    let work = tokio::spawn(async move {
        let item = |typed: String| ShareOrLocalPath::new(typed, &cwd).expect("not empty");
        for round in 0..10u32 {
            let request = |typed: String| ShareRequest { typed, cwd: cwd.clone(), share_as: None };
            let singles = (0..40).map(|at| request(format!("single {at}"))).collect();
            let (folder, files) =
                tokio::join!(share_indexer.share(vec![request("Trip".to_owned())]), share_indexer.share(singles),);
            folder.expect("shares");
            files.expect("shares");
            std::fs::write(cwd.join(format!("Trip/{round}")), format!("new {round}")).expect("writes");
            std::fs::remove_file(cwd.join(format!("Trip/{}", 39 - round))).expect("removed");
            let gone = vec![item("Trip".to_owned()), item(format!("single {round}"))];
            share_indexer.unshare(gone).await.expect("unshares");
            let again = share_indexer.share(vec![request("Trip".to_owned()), request(format!("single {round}"))]).await;
            again.expect("shares");
        }
        share_indexer.unshare((0..20).map(|at| item(format!("single {at}"))).collect()).await.expect("unshares");
    });
    let mut heard = std::collections::BTreeMap::new();
    let adds_up = async {
        while !work.is_finished() || heard.values().cloned().collect::<Vec<_>>() != fixture.share_indexer.shares() {
            let event = tokio::time::timeout(Duration::from_millis(50), fixture.events.recv()).await;
            if let Ok(Some(LibraryEvent::Changed { added, removed })) = event {
                heard.extend(added.into_iter().map(|share| (share.path.clone(), share)));
                removed.iter().for_each(|path| _ = heard.remove(path));
            }
        }
    };
    tokio::time::timeout(DEADLINE, adds_up).await.expect("in time");
    work.await.expect("went well");
    assert_eq!(fixture.shared().len(), 30 + 20);
    fixture.stop().await;
}

/// Somebody puts a link to a secret, and another file of the same size, in the place of a shared file, again and again.
#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_place_of_a_shared_file_does_not_leave() {
    let fixture = Fixture::new().await;
    let (honest, secret) = (data(1, 300_000), data(2, 300_000));
    fixture.write("share/file", &honest);
    fixture.write("secret", &secret);
    fixture.share(&["share/file as file"]).await.expect("shares");
    let hash = fixture.hash_of("file");
    let place = fixture.cwd.join("share/file");
    let aside = fixture.cwd.join("aside");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut sent = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                std::fs::rename(&place, &aside).expect("aside");
                symlink(fixture.cwd.join("secret"), &place).expect("link");
                std::fs::remove_file(&place).expect("removed");
                std::fs::rename(&aside, &place).expect("back");
            }
        });
        let fetched: Vec<_> = (0..500).filter_map(|_| fetch(&fixture, hash).ok()).collect();
        // Before anything can fail here: the scope waits for the other thread.
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(fetched.iter().all(|whole| *whole == honest));
        sent = fetched.len();
    });
    assert!(fixture.share_indexer.table().find(blake3::hash(&secret).into()).is_none());
    let _how_often_depends_on_luck = sent;
    fixture.stop().await;
}
