//! The catalog against a model too simple to be wrong: one sorted map, looked through from its beginning.

use std::collections::BTreeMap;

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::model::file_kind::FileKind;
use crate::protocol::reply::{FileLine, FolderLine};
use crate::protocol::selection::Selection;
use crate::tracker::catalog::query::WordQuery;

/// A thread besides the one that scans.
#[derive(Debug)]
struct Threads;

impl ScanWorkers for Threads {
    fn run(&self, work: &(dyn Fn() + Sync)) {
        std::thread::scope(|scope| {
            scope.spawn(work);
            work();
        });
    }
}

/// Sorted by path and username, as the protocol wants it.
#[derive(Default)]
struct Model {
    shares: BTreeMap<(String, String), (OwnerId, ShareContent)>,
}

/// What is asked.
#[derive(Debug, Clone)]
struct Wanted {
    /// Its user is one of [`OWNERS`].
    selection: Selection,
    hash: Option<u8>,
    form: Form,
}

/// What is made of the shares that are meant.
#[derive(Debug, Clone)]
enum Form {
    Lines,
    Level(Option<SharePath>),
    Count,
}

#[derive(Debug, Clone)]
enum Step {
    /// A path of the pool, a size, a hash of few.
    Insert(usize, String, Option<u64>, Option<u8>),
    /// The share at this place of those there are.
    Remove(prop::sample::Index),
    RemoveMissing(usize, String),
    /// All of one owner; somebody else of the same name comes at once.
    Leave(usize),
    /// Many in order below one folder, as an honest user announces them.
    Folder(usize, String, u16),
    /// Start a list, from a random place or the start, and check it later.
    Open(Wanted, Option<prop::sample::Index>, Option<usize>),
    /// Read some of every open list.
    Read(usize),
    /// Some of what is pending is worked in.
    CatchUp,
}

const OWNERS: [&str; 4] = ["anna", "Мария", "ivan", "a"];

impl Model {
    /// The shares that are meant, in order.
    fn files(&self, owners: &[OwnerId], wanted: &Wanted) -> Vec<FileLine> {
        let line = |((path, username), (owner, content)): (&(String, String), &(OwnerId, ShareContent))| {
            assert_eq!(owners[OWNERS.iter().position(|name| name == username).expect("of the pool")], *owner);
            FileLine {
                username: Username::new(username).expect("of the pool"),
                size: content.size,
                hash: content.hash,
                path: SharePath::new(path).expect("valid"),
            }
        };
        let hash = wanted.hash.map(|hash| ContentHash::from_bytes([hash; 32]));
        let files = self.shares.iter().map(line);
        files.filter(|file| wanted.selection.matches(file) && (hash.is_none() || file.hash == hash)).collect()
    }

    fn answer(&self, owners: &[OwnerId], wanted: &Wanted, after: Option<&Cursor>, limit: Option<usize>) -> Expected {
        let files = self.files(owners, wanted);
        let lines: Vec<(Cursor, Cursor, String)> = match &wanted.form {
            Form::Lines => files.iter().map(line_of).collect(),
            Form::Count => vec![(Cursor::before("~"), Cursor::before("~"), totals_of(files.iter()).to_string())],
            Form::Level(folder) => level(&files, folder.as_ref()),
        };
        let counts = matches!(wanted.form, Form::Count);
        let behind = lines.into_iter().filter(|(key, ..)| counts || after.is_none_or(|after| key > after));
        let mut lines: Vec<_> = behind.collect();
        let limit = if counts { None } else { limit };
        let cut = limit.is_some_and(|limit| lines.len() > limit);
        lines.truncate(limit.unwrap_or(usize::MAX));
        let more = lines.last().filter(|_| cut).map(|(_, cursor, _)| cursor.clone());
        Expected { lines: lines.len(), text: lines.into_iter().map(|(.., line)| line + "\n").collect(), more }
    }
}

/// Each line of a level with its sort key and the cursor behind it.
fn level(files: &[FileLine], folder: Option<&SharePath>) -> Vec<(Cursor, Cursor, String)> {
    let mut lines = Vec::new();
    let mut folders: BTreeMap<String, Vec<&FileLine>> = BTreeMap::new();
    for file in files {
        let below = folder.map_or(Some(file.path.as_str()), |folder| file.path.below(folder.as_str()));
        match below.map(|below| below.split_once('/')) {
            None => {}
            Some(None) => lines.push(line_of(file)),
            Some(Some((name, _))) => {
                let path = folder.map_or(name.to_owned(), |folder| format!("{folder}/{name}"));
                folders.entry(path).or_default().push(file);
            }
        }
    }
    for (path, files) in folders {
        let owner = files[0].username.clone();
        let is_one = files.iter().all(|file| file.username == owner);
        let line = FolderLine {
            username: is_one.then_some(owner),
            totals: totals_of(files.into_iter()),
            path: SharePath::new(&path).expect("a part of a path"),
        };
        lines.push((Cursor::before(format!("{path}/")), Cursor::before(format!("{path}0")), line.to_string()));
    }
    lines.sort();
    lines
}

fn totals_of<'a>(files: impl Iterator<Item = &'a FileLine>) -> Totals {
    files.fold(Totals::default(), |sum, file| Totals {
        files: sum.files + 1,
        bytes: sum.bytes.saturating_add(file.size.unwrap_or(0)),
    })
}

fn line_of(file: &FileLine) -> (Cursor, Cursor, String) {
    let cursor = Cursor { path: file.path.as_str().to_owned(), username: file.username.as_str().to_owned() };
    (cursor.clone(), cursor, file.to_string())
}

#[derive(Debug, PartialEq, Eq)]
struct Expected {
    text: String,
    lines: usize,
    more: Option<Cursor>,
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[abAB]{1,3}(/[abA]{1,2}){0,2}",
        2 => "(Снимки|снимки)/[мМ]оре [0-9]{1,2}",
        1 => "[a-c]{1,2}/(Straße|ταΐζω|ς|J\u{30c}|İ)[a-b]{0,2}",
        1 => "[ab]/[xyz]{200,255}/[xyz]{200,255}/[xyz]{200,255}",
        1 => Just("b".to_owned()),
        3 => "(a|b)(|-b|\\.b|0|/a|/a-b|/a\\.b|/a0|/a/b|/a/b/c)(|\\.mp3|\\.JPG)",
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let word = prop_oneof!["[abAB/]{1,4}", "МОРЕ|оре 1|STRASSE|ss|Σ|ΪΖ|е|x{1,50}|/b/|файл 1|ФАЙЛ_[0-9]"];
    let selection = (
        prop_oneof![3 => Just(Vec::new()), 2 => prop::collection::vec(word, 1..4)],
        prop::option::weighted(0.3, prop::sample::select(&OWNERS)),
        prop::option::weighted(0.2, prop::sample::select(&FileKind::ALL)),
        prop::option::weighted(0.2, prop_oneof![0..3u64, any::<u64>()]),
        prop::option::weighted(0.3, "[ab]|a/a|a/a/b|Снимки|b/файл"),
    );
    let selection = selection.prop_map(|(words, username, kind, size_min, folder)| Selection {
        words,
        username: username.map(|name| Username::new(name).expect("valid")),
        kind,
        size_min,
        folder: folder.map(|folder| SharePath::new(&folder).expect("valid")),
    });
    let form = prop_oneof![
        3 => Just(Form::Lines),
        3 => prop::option::of("[ab]|a/a|Снимки").prop_map(|folder| {
            Form::Level(folder.map(|folder| SharePath::new(&folder).expect("valid")))
        }),
        2 => Just(Form::Count),
    ];
    prop_oneof![
        1 => form.clone().prop_map(|form| Wanted { selection: Selection::default(), hash: None, form }),
        1 => (0..3u8).prop_map(|hash| Wanted { selection: Selection::default(), hash: Some(hash), form: Form::Lines }),
        4 => (selection, form).prop_map(|(selection, form)| match form {
            Form::Level(_) => Wanted { selection: Selection { folder: None, ..selection }, hash: None, form },
            form => Wanted { selection, hash: None, form },
        }),
    ]
}

/// A selection in the words of the catalog.
fn filter(owners: &[OwnerId], wanted: &Wanted) -> ShareFilter {
    let Selection { words, username, kind, size_min, folder } = &wanted.selection;
    let owner = |name: &Username| owners[OWNERS.iter().position(|owner| *owner == name.as_str()).expect("of the pool")];
    ShareFilter {
        owner: username.as_ref().map(owner),
        hash: wanted.hash.map(|hash| ContentHash::from_bytes([hash; 32])),
        words: (!words.is_empty()).then(|| WordQuery::new(words)),
        kind: *kind,
        size_min: *size_min,
        folder: folder.clone(),
    }
}

fn start(
    catalog: &Catalog,
    owners: &[OwnerId],
    wanted: &Wanted,
    after: Option<&Cursor>,
    limit: Option<usize>,
) -> ShareList {
    let filter = filter(owners, wanted);
    match &wanted.form {
        Form::Lines => catalog.list(filter, after, limit),
        Form::Level(folder) => catalog.list_level(folder.as_ref(), filter, after, limit.unwrap_or(usize::MAX)),
        Form::Count => catalog.count(filter),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let owner = 0..OWNERS.len();
    let hash = prop::option::weighted(0.8, 0..3u8);
    prop_oneof![
        12 => (owner.clone(), path(), prop::option::of(prop_oneof![0..3u64, any::<u64>()]), hash)
            .prop_map(|(owner, path, size, hash)| Step::Insert(owner, path, size, hash)),
        6 => any::<prop::sample::Index>().prop_map(Step::Remove),
        1 => (owner.clone(), path()).prop_map(|(owner, path)| Step::RemoveMissing(owner, path)),
        1 => owner.clone().prop_map(Step::Leave),
        2 => (owner, "[ab]{1,2}", 0..400u16).prop_map(|(owner, folder, n)| Step::Folder(owner, folder, n)),
        4 => (wanted(), prop::option::of(any::<prop::sample::Index>()), prop::option::of(1..30usize))
            .prop_map(|(wanted, after, limit)| Step::Open(wanted, after, limit)),
        2 => (1..3000usize).prop_map(Step::Read),
        2 => Just(Step::CatchUp),
    ]
}

fn check(steps: Vec<Step>) {
    let mut model = Model::default();
    let mut catalog = Catalog::new();
    catalog.set_workers(Arc::new(Threads));
    let mut owners: Vec<OwnerId> =
        OWNERS.iter().map(|name| catalog.add_owner(Username::new(name).expect("valid"))).collect();
    let mut open: Vec<(ShareList, BytesMut, Expected)> = Vec::new();
    for (n, step) in steps.into_iter().enumerate() {
        match step {
            Step::Insert(owner, path, size, hash) => {
                insert(&mut model, &mut catalog, &owners, owner, &path, size, hash);
            }
            Step::Folder(owner, folder, n) => {
                for i in 0..n {
                    let path = format!("{folder}/Файл_{i}.txt");
                    insert(&mut model, &mut catalog, &owners, owner, &path, Some(i.into()), None);
                }
            }
            Step::Remove(at) if !model.shares.is_empty() => {
                let key = model.shares.keys().nth(at.index(model.shares.len())).expect("in range").clone();
                let (owner, _) = model.shares.remove(&key).expect("just seen");
                let path = SharePath::new(&key.0).expect("valid");
                assert!(catalog.remove(owner, &path));
                assert_eq!(catalog.get(owner, &path), None);
            }
            Step::Remove(_) => {}
            Step::RemoveMissing(owner, path) => {
                if !model.shares.contains_key(&(path.clone(), OWNERS[owner].to_owned())) {
                    assert!(!catalog.remove(owners[owner], &SharePath::new(&path).expect("valid")));
                }
            }
            Step::Leave(owner) => {
                let left = catalog.remove_owner(owners[owner]);
                let before = model.shares.len();
                model.shares.retain(|_, (by, _)| *by != owners[owner]);
                assert_eq!(left, before - model.shares.len());
                owners[owner] = catalog.add_owner(Username::new(OWNERS[owner]).expect("valid"));
            }
            Step::Open(wanted, after, limit) => {
                let after = after.filter(|_| !model.shares.is_empty()).map(|at| {
                    let (path, username) = model.shares.keys().nth(at.index(model.shares.len())).expect("in range");
                    Cursor { path: path.clone(), username: username.clone() }
                });
                let expected = model.answer(&owners, &wanted, after.as_ref(), limit);
                let list = start(&catalog, &owners, &wanted, after.as_ref(), limit);
                open.push((list, BytesMut::new(), expected));
            }
            Step::Read(bytes_max) => {
                open.retain_mut(|(list, text, expected)| !read(&catalog, list, text, expected, bytes_max));
            }
            Step::CatchUp => catalog.catch_up(),
        }
        assert_eq!(catalog.len(), model.shares.len());
        if n % 5 == 0 {
            catalog.assert_sound();
        }
    }
    catalog.assert_sound();
    for _ in 0..=catalog.segments.all().len() {
        catalog.catch_up();
    }
    assert!(!catalog.is_pending());
    catalog.assert_sound();
    for (owner, name) in owners.iter().zip(OWNERS) {
        let paths = || model.shares.iter().filter(|(_, (by, _))| by == owner).map(|((path, _), _)| path);
        assert_eq!(catalog.shares_of(*owner), paths().count());
        let sizes = model.shares.values().filter(|(by, _)| by == owner).filter_map(|(_, content)| content.size);
        assert_eq!(catalog.totals_of(*owner).bytes, sizes.fold(0, u64::saturating_add));
        assert_eq!(catalog.path_bytes_of(*owner), paths().map(String::len).sum::<usize>());
        assert_eq!(catalog.owner_name(*owner).as_str(), name);
    }
    while !open.is_empty() {
        open.retain_mut(|(list, text, expected)| !read(&catalog, list, text, expected, 1 << 16));
    }
}

fn insert(
    model: &mut Model,
    catalog: &mut Catalog,
    owners: &[OwnerId],
    owner: usize,
    path: &str,
    size: Option<u64>,
    hash: Option<u8>,
) {
    let hash = hash.map(|hash| ContentHash::from_bytes([hash; 32]));
    let content = ShareContent { size, hash };
    let share = Share { path: SharePath::new(path).expect("valid"), size, hash };
    let expected = match model.shares.insert((path.to_owned(), OWNERS[owner].to_owned()), (owners[owner], content)) {
        None => Insert::New,
        Some((_, old)) if old == content => Insert::Same,
        Some(_) => Insert::Replaced,
    };
    assert_eq!(catalog.insert(owners[owner], &share), expected);
    assert_eq!(catalog.get(owners[owner], &share.path), Some(content));
}

/// Reads on; `true` when all was read and was right.
fn read(catalog: &Catalog, list: &mut ShareList, text: &mut BytesMut, expected: &Expected, bytes_max: usize) -> bool {
    if !list.is_ready() && !catalog.scan(list) {
        return false;
    }
    assert_eq!(list.lines(), expected.lines as u64);
    assert_eq!(list.more(), expected.more.as_ref());
    let before = text.len();
    let done = list.write_lines(text, bytes_max);
    let line_max = 1200;
    assert!(text.len() - before < bytes_max + line_max);
    assert!(done || text.len() - before >= bytes_max);
    if done {
        assert_eq!(std::str::from_utf8(text).expect("text"), expected.text);
    }
    done
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_catalog_does_what_the_model_does(steps in prop::collection::vec(step(), 1..80)) {
        check(steps);
    }
}

/// A session that was taken over leaves its shares behind for a while.
#[test]
fn two_owners_of_one_name_do_not_touch_each_other() {
    let mut catalog = Catalog::new();
    let [old, new] = [(); 2].map(|()| catalog.add_owner(Username::new("anna").expect("valid")));
    let share = |n: u32| {
        let path = SharePath::new(&format!("{n:04}.txt")).expect("valid");
        Share { path, size: Some(n.into()), hash: None }
    };
    for n in 0..200 {
        assert_eq!(catalog.insert(old, &share(n)), Insert::New);
        assert_eq!(catalog.insert(new, &share(n)), Insert::New);
        assert_eq!(catalog.insert(new, &share(n)), Insert::Same);
    }
    catalog.assert_sound();
    let mut left = 0;
    while catalog.shares_of(old) > 0 {
        let removed = catalog.clear_owner(old, 50);
        assert!((1..100).contains(&removed), "{removed}");
        left += removed;
        catalog.assert_sound();
    }
    assert_eq!((left, catalog.remove_owner(old), catalog.len()), (200, 0, 200));
    assert!((0..200).all(|n| catalog.get(new, &share(n).path).is_some()));
}

/// Whoever comes and goes with the same files all day leaves no traces that add up.
#[test]
fn coming_and_going_wears_nothing_out() {
    let mut catalog = Catalog::new();
    let stays = catalog.add_owner(Username::new("stays").expect("valid"));
    let share = |n: u32| Share { path: SharePath::new(&format!("{n:04}")).expect("valid"), size: None, hash: None };
    (0..40).for_each(|n| _ = catalog.insert(stays, &share(n * 3)));
    for _ in 0..5_000 {
        let comes = catalog.add_owner(Username::new("comes").expect("valid"));
        (0..20).for_each(|n| _ = catalog.insert(comes, &share(n * 3 + 1)));
        assert_eq!(catalog.remove_owner(comes), 20);
    }
    catalog.assert_sound();
    assert_eq!(catalog.owners.len(), 2);
}

/// What is rare may be looked for by several threads at once; what they find is in order all the same, and each line once.
#[test]
fn a_search_through_many_segments_finds_its_lines_in_order() {
    const FEW: u32 = 500;
    let mut catalog = Catalog::new();
    let owner = catalog.add_owner(Username::new("anna").expect("valid"));
    let path = |n: u32| format!("{n:05}{}.txt", if n.is_multiple_of(FEW) { " needle" } else { "" });
    for n in 0..20 * FEW {
        let path = SharePath::new(&path(n)).expect("valid");
        assert_eq!(catalog.insert(owner, &Share { path, size: None, hash: None }), Insert::New);
    }
    let all: Vec<String> = (0..20).map(|n| path(n * FEW)).collect();
    assert_finds(&catalog, &all);
    catalog.set_workers(Arc::new(Threads));
    assert_finds(&catalog, &all);
}

fn words(words: &[&str]) -> ShareFilter {
    ShareFilter { words: Some(WordQuery::new(words)), ..ShareFilter::default() }
}

fn assert_finds(catalog: &Catalog, all: &[String]) {
    for limit in [None, Some(1), Some(7), Some(19), Some(20)] {
        let mut list = catalog.list(words(&["needle"]), None, limit);
        while !catalog.scan(&mut list) {}
        let mut text = BytesMut::new();
        assert!(list.write_lines(&mut text, usize::MAX));
        let text = std::str::from_utf8(&text).expect("text");
        let found: Vec<&str> = text.lines().filter_map(|line| line.splitn(4, ' ').nth(3)).collect();
        assert_eq!(found, all[..limit.unwrap_or(all.len())], "{limit:?}");
        assert_eq!(
            list.more().map(|after| after.path.as_str()),
            limit.filter(|n| *n < all.len()).map(|n| all[n - 1].as_str())
        );
    }
}
