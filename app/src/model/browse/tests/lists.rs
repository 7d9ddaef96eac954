//! Other orders, folders, trees, older trackers, and what goes wrong.

use super::*;

#[test]
fn every_column_sorts_what_is_whole() {
    let mut looker = Looker::new(trips());
    looker.settle();
    let mut first_and_last = |sort, is_descending| {
        (looker.query.sort, looker.query.is_descending) = (sort, is_descending);
        looker.settle();
        let first_of = |at| match looker.browse.row(at) {
            Some(FolderEntry::File(file)) => format!("{} {}", file.username, file.path),
            other => panic!("{other:?}"),
        };
        (first_of(0), first_of(looker.browse.len() - 1))
    };
    for (sort, least, most) in [
        (SortColumn::Path, "anna Trip/day 1.jpg", "ivan notes"),
        (SortColumn::Size, "ivan notes", "anna Trip/day 2/ИЗГЛЕД.jpg"),
        (SortColumn::Person, "anna Trip/day 1.jpg", "ivan notes"),
        (SortColumn::Sources, "anna Trip/day 2/ИЗГЛЕД.jpg", "anna Trip/day 1.jpg"),
    ] {
        assert_eq!(first_and_last(sort, false), (least.to_owned(), most.to_owned()), "{sort:?}");
        assert_eq!(first_and_last(sort, true), (most.to_owned(), least.to_owned()), "{sort:?}");
    }
}

#[test]
fn rows_find_their_place_in_every_order() {
    for (sort, is_descending) in [
        (SortColumn::Path, true),
        (SortColumn::Size, false),
        (SortColumn::Size, true),
        (SortColumn::Kind, false),
        (SortColumn::Person, true),
    ] {
        let mut looker = Looker::new(many(50));
        (looker.query.sort, looker.query.is_descending) = (sort, is_descending);
        looker.settle();
        let mut followed: Vec<String> = looker.rows();
        looker.browse.take_edits();
        for change in ["000017.jpg", "000003.txt", "zz", "000000", "000049.txt"] {
            // Without a hash it is nobody's copy.
            let new = FileLine { hash: None, ..file("boris", change, 25) };
            looker.share(&new);
            for edit in looker.browse.take_edits() {
                if let RowEdit::Inserted(at) = edit {
                    followed.insert(at, format!("boris {change}"));
                }
            }
            assert_eq!(looker.rows(), followed, "{sort:?} {is_descending} {change}");
        }
        let shown = looker.rows();
        let mut again = Looker::new(Vec::new());
        again.network = looker.network.clone();
        again.query = looker.query.clone();
        again.settle();
        assert_eq!(shown, again.rows(), "as if it had been asked for now");
        looker.unshare(&file("boris", "zz", 25));
        assert!(!looker.rows().contains(&"boris zz".to_owned()));
    }
}

#[test]
fn another_order_loads_all_that_fits_and_says_what_does_not() {
    let mut looker = Looker::new(many(RESULT_ROWS_MAX));
    looker.query.sort = SortColumn::Size;
    looker.query.is_descending = true;
    looker.settle();
    assert_eq!((looker.rows().len(), looker.rows()[0].as_str()), (RESULT_ROWS_MAX, "anna 099999.txt"));
    assert!(looker.result().is_whole() && !looker.result().is_cut());

    // One more than fits: the order of paths, cut where it says so.
    let mut looker = Looker::new(many(RESULT_ROWS_MAX + 1));
    looker.query.sort = SortColumn::Size;
    looker.settle();
    assert_eq!((looker.rows().len(), looker.result().sort()), (FIRST_PAGE_ROWS, Sort::default()));
    assert!(!looker.result().is_sortable());
    looker.wants_all = true;
    looker.settle();
    assert_eq!(looker.rows().len(), RESULT_ROWS_MAX);
    assert!(looker.result().is_cut() && !looker.result().is_sortable());
    assert_eq!(looker.result().totals().map(|totals| totals.files), Some(RESULT_ROWS_MAX as u64 + 1));
    looker.share(&file("eve", "000000.aaa", 1));
    assert_eq!(looker.rows().len(), RESULT_ROWS_MAX + 1);
    assert!(looker.result().is_cut());
}

#[test]
fn what_others_add_pushes_nothing_out() {
    let mut looker = Looker::new(many(RESULT_ROWS_MAX));
    looker.query.sort = SortColumn::Size;
    looker.query.is_descending = true;
    looker.wants_all = true;
    looker.settle();
    let last = looker.rows().pop().expect("many");
    looker.browse.take_edits();
    for at in 0..5 {
        looker.share(&FileLine { hash: None, ..file("eve", &format!("000000.{at}"), u64::MAX) });
    }
    looker.settle();
    let edits = looker.browse.take_edits();
    let chosen = edits.iter().try_fold(RESULT_ROWS_MAX - 1, |row, edit| edit.moved(row));
    let rows = looker.rows();
    assert_eq!(chosen.and_then(|row| rows.get(row)), Some(&last), "the last row was chosen and still is");
    assert_eq!(rows.len(), RESULT_ROWS_MAX + 5);
    assert!(looker.result().is_whole() && looker.result().is_sortable() && !looker.result().is_cut());
    assert_eq!(looker.result().sort().0, SortColumn::Size, "and they are sorted as before");
}

#[test]
fn a_level_of_folders_is_one_line_a_folder() {
    let mut looker = Looker::new(trips());
    looker.query.folder = Some(String::new());
    looker.settle();
    assert_eq!(looker.rows(), ["* Trip/ 3 50", "anna book.pdf", "ivan notes"]);
    looker.query.person = Username::new("anna").ok();
    looker.settle();
    assert_eq!(looker.rows(), ["anna Trip/ 2 40", "anna book.pdf"]);
    looker.query.folder = Some("Trip".into());
    looker.settle();
    assert_eq!(looker.rows(), ["anna Trip/day 2/ 1 30", "anna Trip/day 1.jpg"]);

    // A file in it is exact, one further below is asked for.
    looker.share(&file("anna", "Trip/a", 1));
    assert_eq!(looker.rows(), ["anna Trip/day 2/ 1 30", "anna Trip/a", "anna Trip/day 1.jpg"]);
    looker.share(&file("anna", "Trip/day 2/b", 1));
    looker.later(1);
    assert_eq!(looker.rows()[0], "anna Trip/day 2/ 2 31");
    looker.share(&file("anna", "elsewhere/b", 1));
    assert!(!looker.later(60).iter().any(|intent| matches!(intent, Intent::ListFolder { .. })));
}

#[test]
fn a_tree_is_loaded_as_it_is_opened() {
    let mut looker = Looker::new(trips());
    looker.query = Query { person: Username::new("anna").ok(), is_tree: true, ..Query::default() };
    looker.settle();
    assert_eq!(looker.rows(), ["anna Trip/ 2 40", "anna book.pdf"]);
    looker.open.insert("Trip".into());
    let asked = looker.settle();
    assert_eq!(asked.len(), 1, "one level is one question");
    let open = ["anna Trip/ 2 40", "anna Trip/day 2/ 1 30", "anna Trip/day 1.jpg", "anna book.pdf"];
    assert_eq!(looker.rows(), open);
    let tree = looker.browse.tree().expect("a tree");
    assert_eq!((tree.parent(2), tree.parent(0), tree.nodes()[1].depth), (Some(0), None, 1));
    assert_eq!(tree.totals(), Some(Totals { files: 3, bytes: 60 }));
    looker.query.sort = SortColumn::Size;
    looker.query.is_descending = true;
    looker.settle();
    assert_eq!(looker.rows(), open, "folders stay first");
    looker.share(&file("anna", "Trip/day 3.jpg", 90));
    looker.settle();
    assert_eq!(looker.rows()[2], "anna Trip/day 3.jpg");
    looker.open.clear();
    looker.settle();
    looker.later(1);
    assert_eq!(looker.rows(), ["anna Trip/ 3 130", "anna book.pdf"]);
}

#[test]
fn a_folder_with_very_many_files_is_loaded_in_part() {
    let shared = (0..3_000).map(|n| file("anna", &format!("f/{n:06}.txt"), 1)).collect();
    let mut looker = Looker::new(shared);
    looker.query = Query { person: Username::new("anna").ok(), is_tree: true, ..Query::default() };
    looker.open.insert("f".into());
    looker.settle();
    assert_eq!((looker.rows().len(), looker.rows()[201].as_str()), (202, "…"));
    looker.view = 180..202;
    looker.settle();
    assert!(looker.rows().len() > 350);
}

#[test]
fn who_has_the_same_is_asked_for_the_chosen_one() {
    let mut looker = Looker::new(trips());
    looker.settle();
    let content = ContentHash::from_bytes([1; 32]);
    looker.content = Some(content);
    assert_eq!(looker.settle(), [Intent::ListSources { hash: content }]);
    let names = |looker: &Looker| looker.browse.sources(&content).map(<[Username]>::len);
    assert_eq!(names(&looker), Some(2));
    looker.share(&file("maria", "x", 10));
    looker.later(1);
    assert_eq!(names(&looker), Some(3));
    looker.content = None;
    looker.settle();
    assert_eq!(names(&looker), None);
}

#[test]
fn an_older_tracker_is_asked_in_its_words() {
    let mut looker = Looker::new(trips());
    looker.is_older = true;
    looker.settle();
    assert!(looker.browse.is_older_tracker());
    assert_eq!(looker.rows().len(), 5);
    looker.query = Query { folder: Some("Trip".into()), size_min: 20, text: "day".into(), ..Query::default() };
    let asked = looker.settle();
    let words = Selection::of_words(vec!["day".into()]);
    assert!(asked.iter().all(|i| matches!(i, Intent::FindFiles { selection, .. } if *selection == words)), "{asked:?}");
    assert_eq!(looker.rows().len(), 3);
    // It was exchanged for a newer one.
    looker.is_older = false;
    looker.browse.came_back(looker.now);
    looker.settle();
    assert_eq!(looker.rows(), ["anna Trip/day 2/ 1 30"]);
}

#[test]
fn a_tracker_that_does_not_go_forward_ends_the_list() {
    let mut looker = Looker::new(Vec::new());
    looker.look();
    let page = looker.asked.iter().find(|(_, intent)| matches!(intent, Intent::FindFiles { .. })).expect("asked").0;
    let mut listed = trips();
    listed.reverse();
    let more = Some(Cursor { path: String::new(), username: String::new() });
    let answer = Ok(Outcome::FilePage { files: listed, more });
    looker.browse.answer(looker.now, page, &mut Some(answer));
    looker.view = 0..1_000;
    looker.asked.clear();
    looker.look();
    let pages = looker.asked.iter().filter(|(_, intent)| matches!(intent, Intent::FindFiles { .. }));
    assert!(pages.count() <= 1, "it is not asked for ever");
}

#[test]
fn a_failure_is_said_and_tried_again_later() {
    let mut looker = Looker::new(trips());
    looker.look();
    for (id, _) in std::mem::take(&mut looker.asked) {
        looker.browse.answer(looker.now, id, &mut Some(Err(Failure::NoTracker)));
    }
    assert_eq!(looker.result().failure(), Some(&Failure::NoTracker));
    looker.look();
    assert!(looker.asked.is_empty(), "not at once");
    looker.later(4);
    assert_eq!((looker.rows().len(), looker.result().failure()), (5, None));
}
