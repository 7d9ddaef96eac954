//! One row a content: as tables, and against a model that is made anew after every change.

use proptest::prelude::*;

use super::*;
use crate::model::made_up::files;
use crate::model::row_order::SortColumn;

fn entries(of: &[(&str, &str, Option<u64>, u8)]) -> Vec<FolderEntry> {
    files(of).into_iter().map(FolderEntry::File).collect()
}

fn books() -> Vec<FolderEntry> {
    entries(&[
        ("anna", "a.pdf", Some(5), 1),
        ("boris", "a.pdf", Some(5), 1),
        ("anna", "b.pdf", Some(9), 2),
        ("boris", "c.pdf", Some(5), 1),
        ("eve", "d.pdf", Some(5), 3),
        ("eve", "e.pdf", Some(6), 3),
        ("eve", "empty 1", Some(0), 4),
        ("eve", "empty 2", Some(0), 4),
        ("eve", "not hashed", None, 0),
    ])
}

const PLAIN: Option<RowOrder> = None;

fn shown(rows: &[FolderEntry], grouping: Grouping, order: Option<RowOrder>, open: &OpenContents) -> Vec<String> {
    let shown = ShownRows::new(rows, Arrangement { grouping, order, open });
    words(rows, &shown)
}

fn words(rows: &[FolderEntry], shown: &ShownRows) -> Vec<String> {
    let word = |at: usize| {
        let path = rows[shown.row(at).expect("there")].path();
        let names: Vec<&str> = shown.names(rows, at, 3).into_iter().map(Username::as_str).collect();
        let mark = match shown.kind(at) {
            RowKind::Single => "",
            RowKind::Content { is_open: false } => "> ",
            RowKind::Content { is_open: true } => "v ",
            RowKind::Copy => "  ",
        };
        format!("{mark}{path}: {}", names.join(", "))
    };
    (0..shown.len()).map(word).collect()
}

fn open(content: u8) -> OpenContents {
    OpenContents::from([ContentHash::from_bytes([content; 32])])
}

#[test]
fn a_content_is_one_row_with_its_people() {
    let rows = books();
    let closed = shown(&rows, Grouping::Content, PLAIN, &OpenContents::new());
    assert_eq!(
        closed,
        [
            "> a.pdf: anna, boris",
            "b.pdf: anna",
            "d.pdf: eve",
            "e.pdf: eve",
            "empty 1: eve",
            "empty 2: eve",
            "not hashed: eve"
        ],
        "another length is another content; empty files are alike in nothing"
    );
    let opened = shown(&rows, Grouping::Content, PLAIN, &open(1));
    let lines = ShownRows::new(&rows, Arrangement { grouping: Grouping::Content, order: PLAIN, open: &open(1) });
    assert_eq!((lines.people(0), lines.people(1)), (2, 1), "a copy is one person's");
    assert_eq!(opened[..4], ["v a.pdf: anna, boris", "  a.pdf: anna", "  a.pdf: boris", "  c.pdf: boris"]);
    let level = shown(&rows, Grouping::ContentAndPath, PLAIN, &OpenContents::new());
    assert_eq!(level[..3], ["> a.pdf: anna, boris", "b.pdf: anna", "c.pdf: boris"], "a folder shows every name");
    let whole =
        ShownRows::new(&rows, Arrangement { grouping: Grouping::Content, order: PLAIN, open: &OpenContents::new() });
    assert_eq!((whole.people(0), whole.people(1), whole.files(0), whole.grouped()), (2, 1, &[0, 1, 3][..], (1, 3)));
}

#[test]
fn rows_are_sorted_with_their_copies_below_them() {
    let rows = books();
    let sorted = |column, is_descending| {
        shown(&rows, Grouping::Content, Some(RowOrder { sort: (column, is_descending), is_whole: true }), &open(1))
    };
    let by_people = sorted(SortColumn::Sources, true);
    assert_eq!(by_people[..4], ["v a.pdf: anna, boris", "  a.pdf: anna", "  a.pdf: boris", "  c.pdf: boris"]);
    let by_size = sorted(SortColumn::Size, true);
    assert_eq!((&*by_size[0], &*by_size[1]), ("b.pdf: anna", "e.pdf: eve"));
    let at = by_size.iter().position(|row| row.starts_with('v')).expect("there");
    assert_eq!(by_size[at + 1], "  a.pdf: anna");
}

#[test]
fn what_is_chosen_goes_to_the_row_that_stands_for_it() {
    let rows = books();
    let arrange =
        |open: &OpenContents| ShownRows::new(&rows, Arrangement { grouping: Grouping::Content, order: PLAIN, open });
    let (closed, opened) = (arrange(&OpenContents::new()), arrange(&open(1)));
    assert_eq!(closed.since(&closed, &[]), None);
    let Some(RowEdit::Mapped(map)) = opened.since(&closed, &[]) else { panic!("rows moved") };
    assert_eq!(map[..3], [Some(0), Some(4), Some(5)]);
    let Some(RowEdit::Mapped(map)) = closed.since(&opened, &[]) else { panic!("rows moved") };
    assert_eq!(map[..5], [Some(0), Some(0), Some(0), Some(0), Some(1)], "copies that are closed are their content");
    assert_eq!((opened.head(3), opened.head(0), opened.head(4)), (0, 0, 4));
    // The first file of it goes: the row is that of the next.
    let left = rows[1..].to_vec();
    let after =
        ShownRows::new(&left, Arrangement { grouping: Grouping::Content, order: PLAIN, open: &OpenContents::new() });
    assert_eq!(after.since(&closed, &[RowEdit::Removed(0)]), None, "every row stands where it stood");
}

#[test]
fn the_last_but_one_copy_leaves_a_single_file() {
    let mut rows = books();
    let mut shown = ShownRows::new(&rows, Arrangement { grouping: Grouping::Content, order: PLAIN, open: &open(1) });
    rows.remove(0);
    assert_eq!(shown.remove(&rows, 0), [RowEdit::Removed(1)]);
    assert_eq!(words(&rows, &shown)[..4], ["v a.pdf: boris", "  a.pdf: boris", "  c.pdf: boris", "b.pdf: anna"]);
    rows.remove(0);
    assert_eq!(shown.remove(&rows, 0), [RowEdit::Removed(1), RowEdit::Removed(1)]);
    assert_eq!(words(&rows, &shown)[..2], ["c.pdf: boris", "b.pdf: anna"]);
}

proptest! {
    /// Rows that come and go one by one are those that would be there if all were made anew, but for equal contents
    /// that are put together later.
    #[test]
    fn changes_one_by_one_end_where_all_at_once_does(
        first in proptest::collection::btree_set((0..12_u8, 0..3_u8), 0..12),
        changes in proptest::collection::vec((0..12_u8, 0..3_u8), 0..20),
        opened in proptest::option::of(1..4_u8),
    ) {
        let line = |(path, user): &(u8, u8)| {
            let (user, path) = (["anna", "boris", "eve"][usize::from(*user)], format!("{path:02}"));
            entries(&[(user, &path, Some(5), 1 + path.as_bytes()[1] % 3)]).remove(0)
        };
        let opened = opened.map(open).unwrap_or_default();
        let arrangement = Arrangement { grouping: Grouping::Content, order: PLAIN, open: &opened };
        let mut keys: Vec<(u8, u8)> = first.into_iter().collect();
        let mut rows: Vec<FolderEntry> = keys.iter().map(line).collect();
        let mut shown = ShownRows::new(&rows, arrangement);
        let mut length = shown.len();
        for change in changes {
            match keys.binary_search(&change) {
                Ok(at) => {
                    keys.remove(at);
                    rows.remove(at);
                    let edits = shown.remove(&rows, at);
                    length -= edits.len();
                }
                Err(at) => {
                    keys.insert(at, change);
                    rows.insert(at, line(&change));
                    let place = shown.insert(at, |other| other < at);
                    prop_assert_eq!(place.and_then(|place| shown.row(place)), Some(at));
                    length += 1;
                }
            }
            prop_assert_eq!(shown.len(), length);
            // Every loaded row is in exactly one group or line.
            let heads = (0..shown.len()).filter(|at| shown.kind(*at) != RowKind::Copy);
            let mut covered: Vec<u32> = heads.flat_map(|at| shown.files(at).to_vec()).collect();
            covered.sort_unstable();
            prop_assert_eq!(covered, (0..u32::try_from(rows.len()).expect("few")).collect::<Vec<_>>());
        }
        let anew = ShownRows::new(&rows, arrangement);
        let since = anew.since(&shown, &[]);
        if let Some(RowEdit::Mapped(map)) = &since {
            prop_assert!(map.iter().all(Option::is_some), "nobody is lost when equal contents are put together");
        }
    }
}
