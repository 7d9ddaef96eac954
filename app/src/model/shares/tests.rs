//! What is asked for, and what is shown of it.

use potok_core::library::level::{LevelEntry, LevelPage};
use potok_core::model::share_path::SharePath;

use super::*;
use crate::model::made_up;
use potok_core::service::share_indexer::root_status::RootPage;

fn path(text: &str) -> SharePath {
    SharePath::new(text).expect(text)
}

fn root(id: u64, share_as: &str, stopped_places: usize) -> SharedRoot {
    let is_folder = !share_as.contains('.');
    SharedRoot { is_folder, stopped_places, ..made_up::shared_root(id, path(share_as), Totals { files: 3, bytes: 30 }) }
}

fn file(text: &str) -> Share {
    Share { path: path(text), size: Some(10), hash: None }
}

/// What an engine answers that shares a folder with two files and a folder in it, and a file.
fn answer(intent: &Intent) -> Outcome {
    match intent {
        Intent::ListRoots { after: None } => {
            let (roots, more) = (vec![root(1, "Trip", 1)], Some((path("Trip"), RootId(1))));
            Outcome::Roots(RootPage { roots, more, count: 2, totals: Totals { files: 6, bytes: 60 } })
        }
        Intent::ListRoots { .. } => {
            let totals = Totals { files: 6, bytes: 60 };
            Outcome::Roots(RootPage { roots: vec![root(2, "x.txt", 0)], more: None, count: 2, totals })
        }
        Intent::ListLevel { folder, after, .. } => {
            let first = LevelEntry::File(file(&format!("{folder}/a")));
            let folder = LevelEntry::Folder { path: path(&format!("{folder}/sub")), totals: Totals::default() };
            match after {
                None => Outcome::Level(LevelPage { more: Some(first.cursor()), entries: vec![first] }),
                Some(_) => Outcome::Level(LevelPage { entries: vec![folder], more: None }),
            }
        }
        Intent::FindShares { .. } => Outcome::FoundShares { shares: vec![file("Trip/sub/a")], has_more: true },
        Intent::ListStopped { .. } => {
            let place = StoppedPlace { root: RootId(1), place: path("z"), path: path("Trip/z") };
            Outcome::Stopped { places: vec![place], more: None }
        }
        other => panic!("{other:?}"),
    }
}

/// Asks and answers until nothing is asked any more; how many questions there were.
fn settle(shares: &mut Shares, now: Instant, open: &BTreeSet<ShareFolder>, filter: &str) -> u64 {
    let mut asked = 0;
    loop {
        let mut questions = Vec::new();
        let view = 0..shares.rows().len();
        let look = SharesLook { is_shown: true, completes: false, open, filter, view: &view };
        shares.turn(now, look, &mut |intent| {
            asked += 1;
            questions.push((IntentId(asked), intent));
            IntentId(asked)
        });
        if questions.is_empty() {
            return asked;
        }
        for (id, intent) in questions {
            assert!(shares.answer(id, &mut Some(Ok(answer(&intent)))));
        }
    }
}

fn rows(shares: &Shares) -> Vec<String> {
    let row = |row: &ShareRow| {
        let kind = match &row.kind {
            ShareRowKind::Root { is_open, .. } => format!("root {is_open:?}"),
            ShareRowKind::Folder { is_open, .. } => format!("folder {is_open}"),
            ShareRowKind::File { .. } => "file".to_owned(),
            ShareRowKind::Stopped => "stopped".to_owned(),
            ShareRowKind::Rest(why) => format!("rest {why:?}"),
        };
        format!("{} {} {kind}", row.depth, row.path)
    };
    shares.rows().iter().map(row).collect()
}

#[test]
fn what_is_open_is_asked_for_and_shown() {
    let (mut shares, now) = (Shares::default(), Instant::now());
    let mut open = BTreeSet::new();
    assert_eq!(settle(&mut shares, now, &open, ""), 2, "two pages of roots");
    assert_eq!(rows(&shares), ["0 Trip root Some(false)", "0 x.txt root None"]);
    assert_eq!((shares.len(), shares.bytes(), shares.is_empty()), (6, 60, false));
    open.insert((RootId(1), path("Trip")));
    settle(&mut shares, now, &open, "");
    let opened =
        ["0 Trip root Some(true)", "1 Trip/sub folder false", "1 Trip/a file", "1 Trip/z stopped", "0 x.txt root None"];
    assert_eq!(rows(&shares), opened);
    open.insert((RootId(1), path("Trip/sub")));
    settle(&mut shares, now, &open, "");
    assert_eq!(
        rows(&shares)[1..5],
        ["1 Trip/sub folder true", "2 Trip/sub/sub folder false", "2 Trip/sub/a file", "1 Trip/a file"]
    );
    settle(&mut shares, now, &open, "A sub");
    assert_eq!((rows(&shares), shares.is_found_cut()), (vec!["0 Trip/sub/a file".to_owned()], true));
    settle(&mut shares, now, &open, "");
    assert_eq!(rows(&shares).len(), 7, "as it was");

    assert_eq!(settle(&mut shares, now, &open, ""), 0, "nothing is asked without a reason");
    shares.doubt(now);
    assert_eq!(settle(&mut shares, now, &open, ""), 0, "not at once");
    let later = now + Duration::from_secs(1);
    assert_eq!(settle(&mut shares, later, &open, ""), 7, "roots, levels and what was stopped");
    shares.ask_anew();
    assert_eq!(settle(&mut shares, later, &open, ""), 7, "the person did it");
}

#[test]
fn what_is_shared_is_listed_as_people_count() {
    let mut shares = Shares::default();
    shares.replace(vec![root(1, "10.txt", 0), root(2, "2.txt", 0), root(3, "Trip", 0)]);
    shares.grow();
    assert_eq!(rows(&shares), ["0 2.txt root None", "0 10.txt root None", "0 Trip root Some(false)"]);

    let file = |name: &str| LevelEntry::File(file(&format!("Trip/{name}")));
    let folder = |name: &str| LevelEntry::Folder { path: path(&format!("Trip/{name}")), totals: Totals::default() };
    let all = || vec![file("10"), folder("11"), file("2"), folder("3")];
    let names = |level: &Level| level.in_order().iter().map(|entry| entry.path().to_string()).collect::<Vec<_>>();
    let mut level = Level::default();
    level.take(LevelPage { entries: all(), more: None }, false);
    assert_eq!(names(&level), ["Trip/3", "Trip/11", "Trip/2", "Trip/10"], "folders first");
    level.take(LevelPage { more: all().pop().map(|last| last.cursor()), entries: all() }, false);
    assert_eq!(names(&level), ["Trip/10", "Trip/11", "Trip/2", "Trip/3"], "while more comes, nothing is moved about");
}

/// A page of an engine that shares so many files one by one.
fn page_of_many(from: usize, count: usize) -> Outcome {
    let to = count.min(from + 1000);
    let roots: Vec<SharedRoot> = (from..to).map(|at| root(at as u64 + 1, &format!("{at:06}.txt"), 0)).collect();
    let more = roots.last().filter(|_| to < count).map(|last| (last.share_as.clone(), last.id));
    let totals = Totals { files: count as u64, bytes: 10 * count as u64 };
    Outcome::Roots(RootPage { roots, more, count, totals })
}

#[test]
fn what_is_not_listed_is_told() {
    for (count, listed, more) in
        [(ROOTS_KEPT_MAX, ROOTS_KEPT_MAX, None), (ROOTS_KEPT_MAX + 1, ROOTS_KEPT_MAX, Some(ROOTS_KEPT_MAX + 1))]
    {
        let (mut shares, now, open) = (Shares::default(), Instant::now(), BTreeSet::new());
        let view = 0..0;
        let look = SharesLook { is_shown: true, completes: false, open: &open, filter: "", view: &view };
        for page in 0.. {
            let mut asked = false;
            shares.turn(now, look, &mut |_| {
                asked = true;
                IntentId(page)
            });
            if !asked {
                break;
            }
            let answer = page_of_many(usize::try_from(page).expect("small") * 1000, count);
            assert!(shares.answer(IntentId(page), &mut Some(Ok(answer))));
        }
        shares.turn(now, look, &mut |intent| panic!("{intent:?}"));
        assert_eq!((shares.rows().len(), shares.more_roots_than_listed()), (listed, more));
        assert_eq!((shares.len(), shares.bytes()), (count, 10 * count as u64), "all is counted");
        // A file of which the root is not listed is found all the same.
        let look = SharesLook { filter: "x", ..look };
        shares.turn(now, look, &mut |_| IntentId(1_000));
        let found = vec![file("zz/x")];
        let answer = Outcome::FoundShares { shares: found, has_more: false };
        assert!(shares.answer(IntentId(1_000), &mut Some(Ok(answer))));
        shares.turn(now, look, &mut |_| IntentId(1_001));
        assert_eq!(rows(&shares), ["0 zz/x file"]);
    }
}

#[test]
fn what_is_too_much_of_a_folder_is_told() {
    let now = Instant::now();
    let shown = |open: &BTreeSet<ShareFolder>| {
        let mut shares = Shares { is_known: true, ..Shares::default() };
        shares.replace(vec![root(1, "Trip", 3)]);
        settle(&mut shares, now, open, "");
        rows(&shares)
    };
    let mut open = BTreeSet::from([(RootId(1), path("Trip"))]);
    assert_eq!(shown(&open)[3..], ["1 Trip/z stopped", "1 Trip rest Stopped(2)"], "one of three is listed");

    open.extend((0..LEVELS_SHOWN_MAX).map(|at| (RootId(1), path(&format!("A{at:03}")))));
    assert_eq!(shown(&open)[1..], ["1 Trip rest TooManyOpen"]);
}
