//! The result machine as tables: what is told inside and outside of what is loaded, answers that come late, other orders.

use potok_core::protocol::command::Cursor;

use super::*;
use crate::model::made_up::{MadeUpNetwork, files};
use crate::model::pages::{FIRST_PAGE_ROWS, RESULT_ROWS_MAX};

/// Somebody who looks, a network that answers, and the time.
struct Looker {
    browse: Browse,
    network: MadeUpNetwork,
    query: Query,
    open: Open,
    view: Range<usize>,
    wants_all: bool,
    content: Option<ContentHash>,
    now: Instant,
    asked: Vec<(IntentId, Intent)>,
    so_far: u64,
    is_older: bool,
}

impl Looker {
    fn new(shared: Vec<FileLine>) -> Self {
        Self {
            browse: Browse::default(),
            network: MadeUpNetwork::new(shared),
            query: Query::default(),
            open: Open::new(),
            view: 0..20,
            wants_all: false,
            content: None,
            now: Instant::now(),
            asked: Vec::new(),
            so_far: 0,
            is_older: false,
        }
    }

    /// One look at it: what is asked waits.
    fn look(&mut self) -> Option<Duration> {
        let look = Look {
            query: &self.query,
            open: &self.open,
            view: self.view.clone(),
            wants_all: self.wants_all,
            content: self.content,
        };
        let (asked, so_far) = (&mut self.asked, &mut self.so_far);
        self.browse.turn(self.now, &look, &mut |intent| {
            *so_far += 1;
            asked.push((IntentId(*so_far), intent));
            IntentId(*so_far)
        })
    }

    fn answer(&mut self, (id, intent): (IntentId, Intent)) -> bool {
        let is_new = !matches!(intent, Intent::FindFiles { .. } | Intent::ListSources { .. });
        let answer = match self.network.answer(&intent) {
            _ if self.is_older && is_new => {
                Err(Failure::Refused { code: "unknown-command".into(), text: String::new() })
            }
            answer => Ok(answer.expect("only such things are asked")),
        };
        self.browse.answer(self.now, id, &mut Some(answer))
    }

    /// Looks until nothing more is asked. What was asked.
    fn settle(&mut self) -> Vec<Intent> {
        let mut all = Vec::new();
        loop {
            let later = self.look();
            if self.asked.is_empty() {
                match later {
                    Some(later) if later <= TYPING_PAUSE => self.now += later,
                    _ => return all,
                }
            }
            for (id, intent) in std::mem::take(&mut self.asked) {
                all.push(intent.clone());
                assert!(self.answer((id, intent)), "whoever asked takes the answer");
            }
        }
    }

    /// So long later.
    fn later(&mut self, seconds: u64) -> Vec<Intent> {
        self.now += Duration::from_secs(seconds);
        self.settle()
    }

    fn share(&mut self, file: &FileLine) {
        self.network.share(file.clone());
        self.browse.change(self.now, &ShareChange::Shared(file.clone()));
    }

    fn unshare(&mut self, file: &FileLine) {
        self.network.unshare(&file.username, &file.path);
        self.browse.change(self.now, &ShareChange::Unshared(file.username.clone(), file.path.clone()));
    }

    /// What is shown, each row as user and path; a folder ends in `/`, what is not loaded is `…`.
    fn rows(&self) -> Vec<String> {
        let word = |at| match self.browse.row(at) {
            Some(FolderEntry::File(file)) => format!("{} {}", file.username, file.path),
            Some(FolderEntry::Folder(folder)) => {
                let whose = folder.username.as_ref().map_or("*", |name| name.as_str());
                format!("{whose} {}/ {} {}", folder.path, folder.totals.files, folder.totals.bytes)
            }
            None => "…".to_owned(),
        };
        (0..self.browse.len()).map(word).collect()
    }

    fn result(&self) -> &QueryResult {
        self.browse.rows().expect("a list")
    }
}

fn file(user: &str, path: &str, size: u64) -> FileLine {
    files(&[(user, path, Some(size), 1)]).remove(0)
}

/// So many files of one person, `00000.txt` and so on.
fn many(count: usize) -> Vec<FileLine> {
    (0..count).map(|n| file("anna", &format!("{n:06}.txt"), n as u64)).collect()
}

fn trips() -> Vec<FileLine> {
    files(&[
        ("anna", "Trip/day 1.jpg", Some(10), 1),
        ("ivan", "Trip/day 1.jpg", Some(10), 1),
        ("anna", "Trip/day 2/ИЗГЛЕД.jpg", Some(30), 2),
        ("anna", "book.pdf", Some(20), 3),
        ("ivan", "notes", None, 0),
    ])
}

#[test]
fn one_page_is_asked_for_and_the_next_when_it_comes_into_view() {
    let mut looker = Looker::new(many(1_000));
    let asked = looker.settle();
    let pages = |asked: &[Intent]| asked.iter().filter(|intent| matches!(intent, Intent::FindFiles { .. })).count();
    assert_eq!((pages(&asked), looker.rows().len()), (1, FIRST_PAGE_ROWS));
    assert_eq!(looker.result().totals(), Some(&Totals { files: 1_000, bytes: (0..1_000).sum() }), "counted");
    assert!(!looker.result().is_whole());
    looker.view = 190..FIRST_PAGE_ROWS;
    let asked = looker.settle();
    assert_eq!((pages(&asked), looker.rows().len() > FIRST_PAGE_ROWS), (1, true));
    looker.wants_all = true;
    looker.settle();
    assert_eq!((looker.rows().len(), looker.result().is_whole()), (1_000, true));
    assert!(looker.later(60).is_empty(), "what does not change is not asked for again");
}

#[test]
fn filters_are_part_of_the_question() {
    let mut looker = Looker::new(trips());
    let mut of = |query: Query| {
        looker.query = query;
        looker.settle();
        looker.rows()
    };
    let by = |text: &str| Query { text: text.into(), ..Query::default() };
    assert_eq!(of(by("")).len(), 5);
    assert_eq!(of(by("DAY jpg")).len(), 3);
    assert_eq!(of(by("изглед")), ["anna Trip/day 2/ИЗГЛЕД.jpg"]);
    assert!(of(by("nothing")).is_empty());
    assert_eq!(of(Query { kind: Some(FileKind::Document), ..Query::default() }), ["anna book.pdf"]);
    let ivan = Username::new("ivan").ok();
    assert_eq!(of(Query { person: ivan, ..Query::default() }), ["ivan Trip/day 1.jpg", "ivan notes"]);
    assert_eq!(of(Query { size_min: 20, ..Query::default() }).len(), 2);
}

#[test]
fn what_is_told_is_applied_exactly() {
    let mut looker = Looker::new(many(3 * FIRST_PAGE_ROWS));
    looker.settle();
    looker.browse.take_edits();
    let total = |looker: &Looker| looker.result().totals().map(|totals| totals.files);

    // Inside of what is loaded.
    let new = file("ivan", "000003.txt", 7);
    looker.share(&new);
    assert_eq!(looker.rows()[4], "ivan 000003.txt");
    assert_eq!((looker.browse.take_edits(), total(&looker)), (vec![RowEdit::Inserted(4)], Some(601)));
    // Replaced: it stays one row.
    looker.share(&FileLine { size: Some(8), ..new.clone() });
    assert_eq!((looker.browse.take_edits(), looker.rows().len()), (vec![], FIRST_PAGE_ROWS + 1));
    assert!(matches!(looker.browse.row(4), Some(FolderEntry::File(file)) if file.size == Some(8)));
    looker.unshare(&new);
    assert_eq!((looker.browse.take_edits(), looker.rows().len()), (vec![RowEdit::Removed(4)], FIRST_PAGE_ROWS));

    // Behind it: only the count is asked for, and not at once.
    let before = looker.rows();
    looker.share(&file("ivan", "000500.txt", 7));
    assert!(looker.settle().is_empty());
    let asked = looker.later(1);
    assert!(asked.iter().all(|intent| matches!(intent, Intent::CountFiles { .. })), "{asked:?}");
    assert_eq!((looker.rows(), total(&looker)), (before, Some(601)));

    // What does not match is nobody's matter.
    looker.query.text = "txt 00001".into();
    looker.settle();
    looker.later(30);
    let before = looker.rows();
    looker.share(&file("ivan", "00001.pdf", 7));
    let asked = looker.later(60);
    assert_eq!(looker.rows(), before);
    assert!(asked.iter().all(|intent| *intent == Intent::CountFiles { selection: Selection::default() }), "{asked:?}");
}

#[test]
fn a_file_that_no_longer_matches_leaves() {
    let mut looker = Looker::new(trips());
    looker.query.size_min = 20;
    looker.settle();
    looker.share(&file("anna", "book.pdf", 5));
    assert_eq!(looker.rows(), ["anna Trip/day 2/ИЗГЛЕД.jpg"]);
    looker.share(&file("anna", "book.pdf", 50));
    assert_eq!(looker.rows().len(), 2);
}

#[test]
fn what_is_told_while_a_page_is_under_way_is_in_it() {
    let (old, new) = (file("anna", "000005.txt", 5), file("eve", "000005.txt", 5));
    let mut looker = Looker::new(many(10));
    looker.look();
    let under_way = std::mem::take(&mut looker.asked);
    let page = under_way.into_iter().find(|(_, intent)| matches!(intent, Intent::FindFiles { .. })).expect("asked");
    // The page was made before, and comes behind what was told since.
    let mut late = looker.network.answer(&page.1).map(Ok);
    looker.share(&new);
    looker.unshare(&old);
    assert!(looker.browse.answer(looker.now, page.0, &mut late));
    assert_eq!((looker.rows().len(), looker.rows()[5].as_str()), (10, "eve 000005.txt"));
}

#[test]
fn what_cannot_be_applied_is_asked_for_again_and_less_and_less_often() {
    let mut looker = Looker::new(many(100));
    looker.settle();
    looker.browse.take_edits();
    let anna = Username::new("anna").expect("valid");
    looker.network.unshare(&anna, &file("anna", "000007.txt", 0).path);
    looker.network.share(file("anna", "000050.pdf", 9));
    looker.browse.doubt(looker.now, Some(&anna));
    assert!(looker.settle().is_empty(), "not at once");
    assert!(looker.later(1).iter().any(|intent| matches!(intent, Intent::FindFiles { .. })));
    assert_eq!((looker.rows().len(), looker.rows()[49].as_str()), (100, "anna 000050.pdf"));
    let [RowEdit::Mapped(map)] = &*looker.browse.take_edits() else { panic!("rows keep who they are") };
    assert_eq!((map[6], map[7], map[8], map[99]), (Some(6), None, Some(7), Some(99)));

    // Ten minutes of changes, ten a second.
    let mut pages = 0;
    for step in 0..6_000 {
        looker.browse.doubt(looker.now, Some(&anna));
        looker.now += Duration::from_millis(100);
        pages += looker.settle().iter().filter(|intent| matches!(intent, Intent::FindFiles { .. })).count();
        assert!(step > 100 || pages < 8, "{pages} in {step} tenths of a second");
    }
    assert!((50..80).contains(&pages), "{pages}");

    // What somebody else does is no matter in a list of one person.
    looker.query.person = Some(anna);
    looker.settle();
    looker.later(30);
    looker.browse.doubt(looker.now, Some(&Username::new("eve").expect("valid")));
    assert!(!looker.later(30).iter().any(|intent| matches!(intent, Intent::FindFiles { .. })));
}

#[test]
fn only_what_is_in_view_is_asked_for_again() {
    let mut looker = Looker::new(many(2_000));
    looker.view = 0..900;
    looker.settle();
    looker.view = 0..20;
    looker.later(60);
    looker.browse.doubt(looker.now, None);
    let asked = looker.later(1);
    let limits: Vec<_> = asked
        .iter()
        .filter_map(|intent| match intent {
            Intent::FindFiles { page, .. } => Some((page.after.clone(), page.limit.expect("there is one"))),
            _ => None,
        })
        .collect();
    assert_eq!(limits.len(), 1, "{limits:?}");
    assert!(limits[0].0.is_none() && limits[0].1 < FIRST_PAGE_ROWS + 50);
}

#[test]
fn who_leaves_takes_their_files_along() {
    let mut looker = Looker::new(trips());
    looker.settle();
    looker.browse.take_edits();
    let ivan = Username::new("ivan").expect("valid");
    looker.browse.left(looker.now, &ivan);
    assert_eq!(looker.rows(), ["anna Trip/day 1.jpg", "anna Trip/day 2/ИЗГЛЕД.jpg", "anna book.pdf"]);
    assert_eq!(looker.browse.take_edits(), [RowEdit::Mapped(vec![Some(0), None, Some(1), Some(2), None])]);
}

#[test]
fn the_answers_of_an_overtaken_question_are_nobodys() {
    let mut looker = Looker::new(trips());
    looker.settle();
    looker.query.text = "book".into();
    looker.look();
    looker.now += TYPING_PAUSE;
    looker.look();
    let overtaken = std::mem::take(&mut looker.asked);
    assert_eq!(overtaken.len(), 1);
    assert_eq!(looker.rows().len(), 5, "the old list stays until the new one comes");
    looker.query.text = "notes".into();
    looker.look();
    looker.now += TYPING_PAUSE;
    looker.look();
    let current = std::mem::take(&mut looker.asked);
    let number = looker.browse.number();
    assert!(!looker.answer(overtaken[0].clone()));
    assert_eq!((looker.rows().len(), looker.browse.number()), (5, number));
    assert!(looker.answer(current[0].clone()));
    assert_eq!((looker.rows(), looker.browse.number()), (vec!["ivan notes".to_owned()], number + 1));
}

#[test]
fn typing_asks_after_a_pause() {
    let mut looker = Looker::new(trips());
    looker.settle();
    for text in ["b", "bo", "boo", "book"] {
        looker.query.text = text.into();
        assert_eq!(looker.look(), Some(TYPING_PAUSE));
        looker.now += TYPING_PAUSE / 2;
        looker.look();
        assert!(looker.asked.is_empty(), "{text}");
    }
    looker.now += TYPING_PAUSE / 2;
    looker.look();
    assert_eq!(looker.asked.len(), 1);
    // A filter is chosen once, and waits for nothing.
    looker.asked.clear();
    looker.query.size_min = 5;
    looker.look();
    assert_eq!(looker.asked.len(), 1);
}

#[test]
fn every_column_sorts_what_is_whole() {
    let mut looker = Looker::new(trips());
    looker.settle();
    let mut first_and_last = |sort, is_descending| {
        (looker.query.sort, looker.query.is_descending) = (sort, is_descending);
        looker.settle();
        let rows = looker.rows();
        (rows[0].clone(), rows[rows.len() - 1].clone())
    };
    for (sort, least, most) in [
        (SortColumn::Path, "anna Trip/day 1.jpg", "ivan notes"),
        (SortColumn::Size, "ivan notes", "anna Trip/day 2/ИЗГЛЕД.jpg"),
        (SortColumn::Person, "anna Trip/day 1.jpg", "ivan notes"),
        (SortColumn::Sources, "anna Trip/day 2/ИЗГЛЕД.jpg", "ivan Trip/day 1.jpg"),
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
            let new = file("boris", change, 25);
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
    assert_eq!(looker.rows().len(), RESULT_ROWS_MAX, "nobody makes it longer");
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
