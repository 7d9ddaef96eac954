//! The result machine as tables: what is told inside and outside of what is loaded, answers that come late, other orders.

mod lists;

use potok_core::protocol::command::Cursor;

use super::*;
use crate::model::made_up::{MadeUpNetwork, files};
use crate::model::pages::{FIRST_PAGE_ROWS, RESULT_ROWS_MAX};
use crate::model::shown_rows::RowKind;

/// Somebody who looks, a network that answers, and the time.
struct Looker {
    browse: Browse,
    network: MadeUpNetwork,
    query: Query,
    open: Open,
    open_contents: OpenContents,
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
            open_contents: OpenContents::new(),
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
            open_contents: &self.open_contents,
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

    /// What is shown, each file as user and path, with its copies behind it; a folder ends in `/`, what is not loaded is
    /// `…`.
    fn rows(&self) -> Vec<String> {
        let word = |entry: &FolderEntry| match entry {
            FolderEntry::File(file) => format!("{} {}", file.username, file.path),
            FolderEntry::Folder(folder) => {
                let whose = folder.username.as_ref().map_or("*", |name| name.as_str());
                format!("{whose} {}/ {} {}", folder.path, folder.totals.files, folder.totals.bytes)
            }
        };
        let words = |at| match (self.browse.rows(), self.browse.row(at)) {
            (Some(rows), Some(_)) if rows.kind(at) == RowKind::Copy => Vec::new(),
            (Some(rows), Some(_)) => rows.entries(at).map(word).collect(),
            (_, entry) => vec![entry.map_or_else(|| "…".to_owned(), word)],
        };
        (0..self.browse.len()).flat_map(words).collect()
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
    looker.network.share(file("anna", "000050.pdf", 999));
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
    assert_eq!(looker.browse.take_edits(), [RowEdit::Mapped(vec![Some(0), Some(1), Some(2), None])]);
}

#[test]
fn a_content_is_one_row_whoever_comes_and_goes() {
    let mut looker = Looker::new(trips());
    looker.settle();
    let kinds = |looker: &Looker| (0..looker.result().len()).map(|at| looker.result().kind(at)).collect::<Vec<_>>();
    let closed = RowKind::Content { is_open: false };
    assert_eq!(kinds(&looker), [closed, RowKind::Single, RowKind::Single, RowKind::Single]);
    let people = |looker: &Looker, at| {
        let (names, count) = looker.result().people(at, 2);
        (names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", "), count)
    };
    assert_eq!(people(&looker, 0), ("anna, ivan".to_owned(), 2));
    // One more has it, under another name, and behind what is loaded in another folder.
    looker.browse.take_edits();
    looker.share(&file("maria", "zz/picture.jpg", 10));
    assert_eq!(kinds(&looker).len(), 5, "at first it is a row of its own");
    looker.settle();
    assert_eq!((kinds(&looker).len(), people(&looker, 0)), (4, ("anna, ivan".to_owned(), 3)));
    let mut place = Some(4);
    for edit in looker.browse.take_edits().iter().skip(1) {
        place = place.and_then(|place| edit.moved(place));
    }
    assert_eq!(place, Some(0), "whoever had chosen it has its content");
    looker.open_contents.insert(ContentHash::from_bytes([1; 32]));
    looker.settle();
    assert_eq!(kinds(&looker)[..4], [RowKind::Content { is_open: true }, RowKind::Copy, RowKind::Copy, RowKind::Copy]);
    // It stays open while its people come and go.
    looker.unshare(&file("anna", "Trip/day 1.jpg", 10));
    assert_eq!((kinds(&looker)[0], people(&looker, 0).1), (RowKind::Content { is_open: true }, 2));
    looker.browse.left(looker.now, &Username::new("ivan").expect("valid"));
    assert_eq!(kinds(&looker), [RowKind::Single; 3]);
    assert_eq!(looker.rows()[2], "maria zz/picture.jpg");
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
