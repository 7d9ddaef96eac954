//! Roots as the person sees them: how they are, what is stopped of them and shared again, what would be shared.

use std::time::Duration;

use super::fixture::Fixture;
use crate::disk::walk::WhySkipped;
use crate::library::level::LevelEntry;
use crate::library::typed::ShareOrLocalPath;
use crate::model::share_path::SharePath;
use crate::protocol::reply::Totals;
use crate::service::share_indexer::event::{LeftOutReason, LibraryEvent};
use crate::service::share_indexer::root_status::{Absence, RootWatching, RootWork};
use crate::service::share_indexer::{ShareError, ShareExtent, ShareRequest, ShareRules};

fn request(fixture: &Fixture, typed: &str) -> ShareRequest {
    ShareRequest { typed: typed.to_owned(), cwd: fixture.cwd.clone(), share_as: None }
}

async fn share_again(fixture: &Fixture, item: &str) -> Result<Vec<String>, ShareError> {
    let item = ShareOrLocalPath::new(item, &fixture.cwd).expect("not empty");
    let shares = fixture.share_indexer.share_again(vec![item]).await?;
    Ok(shares.into_iter().map(|share| share.path.to_string()).collect())
}

fn stopped(fixture: &Fixture) -> Vec<String> {
    fixture.share_indexer.stopped(None, None, 100).into_iter().map(|place| place.path.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_says_how_it_is() {
    let mut fixture = Fixture::new().await;
    for name in ["Trip/a", "Trip/sub/b", "Trip/.netrc", "one"] {
        fixture.write(name, "12345");
    }
    fixture.share(&["Trip", "one"]).await.expect("shares");
    let roots = fixture.share_indexer.roots(None).roots;
    let told = |at: usize| (roots[at].share_as.as_str(), roots[at].is_folder, roots[at].totals, roots[at].work);
    assert_eq!(told(0), ("Trip", true, Totals { files: 2, bytes: 10 }, RootWork::Resting));
    assert_eq!(told(1), ("one", false, Totals { files: 1, bytes: 5 }, RootWork::Resting));
    assert_eq!(fixture.share_indexer.totals(), Totals { files: 3, bytes: 15 });
    let trip = &roots[0];
    assert_eq!(
        (trip.local.as_str(), &trip.watching),
        (fixture.cwd.join("Trip").to_str().expect("text"), &RootWatching::Whole)
    );
    assert!(trip.looked_at.is_some() && trip.paused.is_none());
    assert_eq!(trip.left_out, [(LeftOutReason::Skipped(WhySkipped::Secret), 1)]);
    let level = fixture.share_indexer.level(trip.id, trip.share_as.clone(), None, 10);
    let paths: Vec<&str> = level.entries.iter().map(|entry| entry.path().as_str()).collect();
    assert_eq!(paths, ["Trip/a", "Trip/sub"]);
    assert!(matches!(level.entries[1], LevelEntry::Folder { totals: Totals { files: 1, bytes: 5 }, .. }));
    assert_eq!(fixture.share_indexer.find(&["TRIP".into(), "b".into()], 10).0.len(), 1);

    std::fs::rename(fixture.cwd.join("Trip"), fixture.cwd.join("away")).expect("renames");
    fixture.event("missing", |event| matches!(event, LibraryEvent::Missing { .. }).then_some(())).await;
    let trip = fixture.share_indexer.roots(None).roots.remove(0);
    assert_eq!((trip.totals, trip.paused), (Totals::default(), Some(Absence::Gone)));
    fixture.unshare(&[trip.local.as_str()]).await.expect("is still a root");
    assert_eq!(fixture.share_indexer.roots(None).roots.len(), 1);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_stopped_stays_so_and_can_be_shared_again() {
    let mut fixture = Fixture::new().await;
    for name in ["Music/Album 000/1", "Music/Album 000/2", "Music/Album 001/1"] {
        fixture.write(name, name);
    }
    fixture.share(&["Music"]).await.expect("shares");
    fixture.unshare(&["Music/Album 000"]).await.expect("unshares");
    assert_eq!(fixture.shared(), ["Music/Album 001/1"]);
    // What is found behind a new file beside it shows that the folder was looked at.
    fixture.write("Music/Album 000/new", "x");
    fixture.write("Music/Album 001/new", "x");
    fixture.becomes(&["Music/Album 001/1", "Music/Album 001/new"]).await;
    let mut fixture = fixture.restart().await;
    fixture.becomes(&["Music/Album 001/1", "Music/Album 001/new"]).await;
    assert_eq!(stopped(&fixture), ["Music/Album 000"]);

    assert!(matches!(share_again(&fixture, "Music/Album 001").await, Err(ShareError::NotStopped { .. })));
    let again = share_again(&fixture, "Music/Album 000").await.expect("shares");
    assert_eq!(again, ["Music/Album 000/1", "Music/Album 000/2", "Music/Album 000/new"]);
    assert_eq!(stopped(&fixture), [""; 0]);
    let fixture = fixture.restart().await;
    assert_eq!((fixture.shared().len(), stopped(&fixture).len()), (5, 0));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_file_by_file_says_that_new_ones_are_shared() {
    let mut fixture = Fixture::new().await;
    for name in ["Music/Album 000/1", "Music/Album 000/2", "Music/x"] {
        fixture.write(name, name);
    }
    fixture.share(&["Music"]).await.expect("shares");
    let cwd = fixture.cwd.clone();
    let item = |item: &str| ShareOrLocalPath::new(item, &cwd).expect("not empty");
    let files = ["Music/Album 000/1", "Music/Album 000/2"].map(item);
    let unshared = fixture.share_indexer.unshare(files.into()).await.expect("unshares");
    assert_eq!(unshared.open_folders, [SharePath::new("Music/Album 000").expect("valid")]);
    fixture.write("Music/Album 000/3", "new");
    fixture.becomes(&["Music/Album 000/3", "Music/x"]).await;
    let unshared = fixture.share_indexer.unshare(vec![item("Music/Album 000")]).await.expect("unshares");
    assert_eq!(unshared.open_folders, [], "all of it was meant");
    for name in ["Music/Album 000/1", "Music/Album 000/2", "Music/Album 000/4"] {
        fixture.write(name, name);
    }
    let again = share_again(&fixture, "Music/Album 000").await.expect("shares");
    assert_eq!(again, ["Music/Album 000/3", "Music/Album 000/4"], "what was stopped by itself stays so");
    let files = ["Music/Album 000/3", "Music/Album 000/4"].map(item);
    fixture.share_indexer.unshare(files.into()).await.expect("unshares");
    assert!(fixture.shared().iter().all(|path| !path.contains("Album")));
    fixture.unshare(&["Music/Album 000"]).await.expect("nothing in it is shared, and it is still a folder of a root");
    fixture.write("Music/Album 000/5", "new");
    fixture.write("Music/y", "new");
    fixture.becomes(&["Music/x", "Music/y"]).await;
    let again = share_again(&fixture, fixture.cwd.join("Music").to_str().expect("text")).await.expect("shares");
    assert_eq!(again.len(), 7, "all that was stopped in it");
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_said_before_what_would_be_shared_and_what_fits() {
    let fixture = Fixture::new().await;
    for at in 0..2001 {
        fixture.write(&format!("many/{at:04}"), "xy");
    }
    fixture.write("many/.ssh/id", "secret");
    let preview = fixture.share_indexer.preview(vec![request(&fixture, "many")]).await.expect("looks");
    assert_eq!((preview.new_files, preview.room, preview.shares_max, preview.fits()), (2001, 2000, 2000, false));
    assert_eq!(preview.items[0].totals, Totals { files: 2001, bytes: 4002 });
    assert_eq!(preview.items[0].left_out, [(LeftOutReason::Skipped(WhySkipped::Secret), 1)]);
    assert_eq!(fixture.share_indexer.roots(None).roots, [], "only said");

    let refused = fixture.share(&["many"]).await.expect_err("too many").to_string();
    assert!(refused.contains("'many'") && refused.contains("2001") && refused.contains("2000"), "{refused}");
    let what_fits = fixture.share_indexer.share_to_extent(vec![request(&fixture, "many")], ShareExtent::WhatFits);
    assert_eq!(what_fits.await.expect("shares").len(), 2000);
    let root = fixture.share_indexer.roots(None).roots.remove(0);
    assert!(root.left_out.contains(&(LeftOutReason::TooMany, 1)), "{:?}", root.left_out);

    let mut fixture = fixture;
    let reconcile_every = Duration::from_secs(600);
    fixture.share_indexer.follow(ShareRules { leave_out_hidden: false, reconcile_every, shares_max: 3000 }).await;
    let whole = |indexer: &crate::service::share_indexer::ShareIndexer| indexer.totals().files == 2001;
    if !whole(&fixture.share_indexer) {
        let indexer = fixture.share_indexer.clone();
        fixture.event("the rest", |_| whole(&indexer).then_some(())).await;
    }
    fixture.stop().await;
}
