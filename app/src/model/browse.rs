//! Which rows of the catalog are shown, in which order. Pure, and for a million rows too slow for a frame: it runs on
//! a thread of its own.

use std::collections::{BTreeMap, HashMap};

use crate::model::catalog::{Catalog, Kind};

/// What the person wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Every word occurs in the path.
    pub text: String,
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only this person.
    pub person: Option<String>,
    /// At least so many bytes.
    pub size_min: u64,
    /// By which column.
    pub sort: SortColumn,
    /// From the largest down.
    pub is_descending: bool,
    /// One level of folders instead of all files: `Some("")` is the top, `Some("Trip")` what is in `Trip`.
    pub folder: Option<String>,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortColumn {
    /// The whole path: the order of the tracker.
    #[default]
    Path,
    /// How large.
    Size,
    /// What for.
    Kind,
    /// Whose.
    Person,
    /// How many have it.
    Sources,
}

/// A folder of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Whose, as the number in the catalog.
    pub person: String,
    /// Its whole path, without `/` at the end.
    pub path: String,
    /// How many files are below it.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// What is shown.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct View {
    /// Folders come first.
    pub folders: Vec<Folder>,
    /// Then files, as rows of the catalog.
    pub files: Vec<u32>,
    /// The bytes of all these files.
    pub bytes: u64,
}

/// How many different people share each content.
pub type Copies = HashMap<u32, u16>;

/// Counts contents that more than one person shares; the rest is not kept.
pub fn copies(catalog: &Catalog) -> Copies {
    let owned = |(row, content)| Some((content, catalog.owner_number(row)?));
    let mut all: Vec<(u32, u16)> = catalog.contents().filter_map(owned).collect();
    all.sort_unstable();
    all.dedup();
    let groups = all.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
    groups.map(|group| (group[0].0, u16::try_from(group.len()).unwrap_or(u16::MAX))).collect()
}

/// Filters and sorts.
pub fn view(catalog: &Catalog, copies: &Copies, query: &Query) -> View {
    let words: Vec<String> = query.text.split_whitespace().map(str::to_lowercase).collect();
    let person = match &query.person {
        Some(name) => match catalog.number_of(name) {
            Some(number) => Some(number),
            None => return View::default(),
        },
        None => None,
    };
    let mut lower = String::new();
    let mut paths = catalog.paths();
    let mut is_wanted = |row: &u32| {
        person.is_none_or(|person| catalog.owner_number(*row) == Some(person))
            && (query.size_min == 0 || catalog.size(*row).is_some_and(|size| size >= query.size_min))
            && query.kind.is_none_or(|kind| Kind::of(paths.get(*row)) == kind)
            && (words.is_empty() || has_words(paths.get(*row), &words, &mut lower))
    };
    let rows = 0..u32::try_from(catalog.len()).unwrap_or(u32::MAX);
    let wanted = rows.filter(|row| is_wanted(row));
    let mut view = match &query.folder {
        None => View { files: wanted.collect(), ..View::default() },
        Some(folder) => level(catalog, wanted, folder),
    };
    view.bytes = view.files.iter().filter_map(|row| catalog.size(*row)).fold(0, u64::saturating_add);
    view.bytes = view.folders.iter().fold(view.bytes, |sum, folder| sum.saturating_add(folder.bytes));
    sort(catalog, copies, query, &mut view);
    view
}

/// Everything directly in `folder`.
fn level(catalog: &Catalog, rows: impl Iterator<Item = u32>, folder: &str) -> View {
    let mut view = View::default();
    // By name, then by person, with one row of each to find its name again.
    let mut folders: BTreeMap<(String, u16), (u32, u64, u64)> = BTreeMap::new();
    let mut paths = catalog.paths();
    for row in rows {
        let path = paths.get(row);
        let below = if folder.is_empty() {
            Some(path)
        } else {
            path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))
        };
        let Some(below) = below else { continue };
        match below.split_once('/') {
            None => view.files.push(row),
            Some((name, _)) => {
                let sums =
                    folders.entry((name.to_owned(), catalog.owner_number(row).unwrap_or(0))).or_insert((row, 0, 0));
                sums.1 += 1;
                sums.2 = sums.2.saturating_add(catalog.size(row).unwrap_or(0));
            }
        }
    }
    let whole = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let as_folder = |((name, _), (row, files, bytes)): ((String, u16), (u32, u64, u64))| Folder {
        person: catalog.owner(row).to_owned(),
        path: whole(&name),
        files,
        bytes,
    };
    view.folders = folders.into_iter().map(as_folder).collect();
    view
}

fn sort(catalog: &Catalog, copies: &Copies, query: &Query, view: &mut View) {
    let mut paths = catalog.paths();
    let sources = |row: u32| catalog.content(row).and_then(|c| copies.get(&c).copied()).unwrap_or(1);
    // The rows are in path order already; a stable sort keeps it among equals.
    match query.sort {
        SortColumn::Path => {}
        SortColumn::Size => view.files.sort_by_key(|row| catalog.size(*row).unwrap_or(0)),
        SortColumn::Kind => view.files.sort_by_cached_key(|row| Kind::of(paths.get(*row))),
        SortColumn::Person => view.files.sort_by(|a, b| catalog.owner(*a).cmp(catalog.owner(*b))),
        SortColumn::Sources => view.files.sort_by_key(|row| sources(*row)),
    }
    match query.sort {
        SortColumn::Size => view.folders.sort_by_key(|folder| folder.bytes),
        SortColumn::Person => view.folders.sort_by(|a, b| a.person.cmp(&b.person)),
        _ => {}
    }
    if query.is_descending {
        view.files.reverse();
        view.folders.reverse();
    }
}

fn has_words(path: &str, words: &[String], lower: &mut String) -> bool {
    lower.clear();
    if path.is_ascii() {
        lower.extend(path.bytes().map(|b| char::from(b.to_ascii_lowercase())));
    } else {
        lower.extend(path.chars().flat_map(char::to_lowercase));
    }
    words.iter().all(|word| lower.contains(word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{CatalogBuilder, made_up};

    fn catalog() -> Catalog {
        let mut builder = CatalogBuilder::default();
        builder.extend(&made_up(&[
            ("anna", "Trip/day 1.jpg", Some(10), 1),
            ("ivan", "Trip/day 1.jpg", Some(10), 1),
            ("anna", "Trip/day 2/ИЗГЛЕД.jpg", Some(30), 2),
            ("anna", "book.pdf", Some(20), 3),
            ("ivan", "notes", None, 0),
        ]));
        builder.finish()
    }

    fn files(query: Query) -> Vec<u32> {
        let catalog = catalog();
        view(&catalog, &copies(&catalog), &query).files
    }

    #[test]
    fn filters() {
        let by = |text: &str| Query { text: text.into(), ..Query::default() };
        assert_eq!(files(by("")), [0, 1, 2, 3, 4]);
        assert_eq!(files(by("DAY jpg")), [0, 1, 2]);
        assert_eq!(files(by("изглед")), [2]);
        assert_eq!(files(by("nothing")), []);
        assert_eq!(files(Query { kind: Some(Kind::Document), ..Query::default() }), [3]);
        assert_eq!(files(Query { person: Some("ivan".into()), ..Query::default() }), [1, 4]);
        assert_eq!(files(Query { person: Some("gone".into()), ..Query::default() }), []);
        assert_eq!(files(Query { size_min: 20, ..Query::default() }), [2, 3]);
    }

    #[test]
    fn sorts() {
        let by = |sort, is_descending| files(Query { sort, is_descending, ..Query::default() });
        assert_eq!(by(SortColumn::Path, true), [4, 3, 2, 1, 0]);
        assert_eq!(by(SortColumn::Size, false), [4, 0, 1, 3, 2]);
        assert_eq!(by(SortColumn::Person, false), [0, 2, 3, 1, 4]);
        assert_eq!(by(SortColumn::Sources, false), [2, 3, 4, 0, 1]);
    }

    #[test]
    fn one_level_of_folders() {
        let catalog = catalog();
        let at = |folder: &str, person: Option<&str>| {
            let query = Query { folder: Some(folder.into()), person: person.map(str::to_owned), ..Query::default() };
            view(&catalog, &Copies::default(), &query)
        };
        let top = at("", Some("anna"));
        let trip = Folder { person: "anna".into(), path: "Trip".into(), files: 2, bytes: 40 };
        assert_eq!((top.folders, top.files, top.bytes), (vec![trip], vec![3], 60));
        let inside = at("Trip", Some("anna"));
        let day = Folder { person: "anna".into(), path: "Trip/day 2".into(), files: 1, bytes: 30 };
        assert_eq!((inside.folders, inside.files), (vec![day], vec![0]));
        assert_eq!(at("Tri", None).files, []);
        assert_eq!(at("", None).folders.len(), 2, "the folders of two people stay two");
    }
}
