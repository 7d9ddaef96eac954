//! One page out of several: what one catalog with everything would answer, made of the answers of catalogs that have a
//! part each, as those of the trackers of one network.
//!
//! Each is asked the same question with the same cursor and limit, and [`merge`] makes one page of their pages: lines in
//! order, no more than the limit, the sums of folders that several have, and the cursor behind the last line. A count is
//! [`sum`]. That is exact if every user is in one catalog only, which is the caller's to see to. Which lines a page has
//! needs no other page: no catalog keeps anything between two of them.
//!
//! ```
//! use potok_core::protocol::reply::FolderEntry;
//! use potok_core::tracker::merge::{LinePage, merge};
//!
//! let page = |lines: &[&str]| {
//!     let lines = lines.iter().map(|line| FolderEntry::parse(line)).collect::<Result<Vec<_>, _>>()?;
//!     Ok::<_, potok_core::protocol::reply::BadReply>(LinePage { lines, more: None })
//! };
//! let pages = [page(&["anna 3 1 Trip/", "anna 4 - z"])?, page(&["ivan 2 - A", "ivan 5 2 Trip/"])?];
//! let merged = merge(pages, Some(2));
//! let lines: Vec<String> = merged.lines.iter().map(ToString::to_string).collect();
//! assert_eq!(lines, ["ivan 2 - A", "* 8 3 Trip/"]);
//! assert_eq!(merged.more.expect("there is one more").path, "Trip0");
//! # Ok::<(), potok_core::protocol::reply::BadReply>(())
//! ```

use std::fmt;

use crate::protocol::page::Cursor;
use crate::protocol::reply::{FileLine, FolderEntry, FolderLine, Totals, UserTotals};
use crate::tracker::line_key::LineKey;

/// A page as it was answered, or as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePage<L> {
    /// Its lines in order.
    pub lines: Vec<L>,
    /// Where the next page begins, if there are more lines.
    pub more: Option<Cursor>,
}

/// What merging needs to know of a line.
pub trait PageLine {
    /// Where it is in the order of its list.
    fn key(&self) -> LineKey<'_>;

    /// The cursor that goes on behind it.
    fn cursor(&self) -> Cursor;

    /// Takes over what another catalog says in the same line; `false` if that is a line of its own.
    fn absorb(&mut self, other: &Self) -> bool;
}

/// The page that one catalog with everything would have given, out of those that catalogs with a part each gave to the
/// same question. `limit` is what they were asked with; whoever gave less than that and has more is no hindrance, the page
/// then ends where not all of them are known any further. Equal keys keep the order of the pages.
pub fn merge<L: PageLine>(pages: impl IntoIterator<Item = LinePage<L>>, limit: Option<usize>) -> LinePage<L> {
    let (mut lines, mut known_to) = (Vec::new(), None::<Cursor>);
    for page in pages {
        lines.extend(page.lines);
        known_to = match (known_to, page.more) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    // Of runs in order this is a merge.
    lines.sort_by(|one, other| one.key().cmp(&other.key()));
    lines.dedup_by(|next, line| line.absorb(next));
    let is_known = |line: &L| known_to.as_ref().is_none_or(|to| line.key() <= LineKey::at(to));
    let len = lines.partition_point(is_known).min(limit.unwrap_or(usize::MAX));
    let is_cut = known_to.is_some() || len < lines.len();
    lines.truncate(len);
    let more = if is_cut { lines.last().map(PageLine::cursor).or(known_to) } else { None };
    LinePage { lines, more }
}

/// What one catalog with everything would have counted.
pub fn sum(counts: impl IntoIterator<Item = Totals>) -> Totals {
    counts.into_iter().fold(Totals::default(), Totals::plus)
}

impl PageLine for FileLine {
    fn key(&self) -> LineKey<'_> {
        LineKey::file(self.path.as_str(), self.username.as_str())
    }

    fn cursor(&self) -> Cursor {
        Cursor { path: self.path.as_str().to_owned(), username: self.username.as_str().to_owned() }
    }

    fn absorb(&mut self, _other: &Self) -> bool {
        false
    }
}

/// The line of a file as it was written, of which only the order matters here. Whoever brings one of another tracker has seen
/// that it is one, down to the name and the path: [`crate::tracker::effect::WantedAnswer::Files`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    text: String,
    username_len: usize,
    path_at: usize,
}

impl FileText {
    /// None if it is no such line.
    pub fn read(text: String) -> Option<Self> {
        let (username, rest) = text.split_once(' ')?;
        let (size, rest) = rest.split_once(' ')?;
        let (hash, path) = rest.split_once(' ')?;
        let is_size = size == "-" || (!size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit()));
        let is_hash = hash == "-" || (!hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let is_line = !username.is_empty() && is_size && is_hash && !path.is_empty();
        let (username_len, path_at) = (username.len(), text.len() - path.len());
        is_line.then_some(Self { text, username_len, path_at })
    }
}

impl fmt::Display for FileText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PageLine for FileText {
    fn key(&self) -> LineKey<'_> {
        LineKey::file(&self.text[self.path_at..], &self.text[..self.username_len])
    }

    fn cursor(&self) -> Cursor {
        let (path, username) = (&self.text[self.path_at..], &self.text[..self.username_len]);
        Cursor { path: path.to_owned(), username: username.to_owned() }
    }

    fn absorb(&mut self, _other: &Self) -> bool {
        false
    }
}

impl PageLine for FolderEntry {
    fn key(&self) -> LineKey<'_> {
        match self {
            Self::File(file) => file.key(),
            Self::Folder(folder) => LineKey::folder(folder.path.as_str()),
        }
    }

    fn cursor(&self) -> Cursor {
        match self {
            Self::File(file) => file.cursor(),
            Self::Folder(folder) => Cursor::behind_folder(folder.path.as_str()),
        }
    }

    fn absorb(&mut self, other: &Self) -> bool {
        let (Self::Folder(one), Self::Folder(other)) = (self, other) else { return false };
        let is_same = one.path == other.path;
        if is_same {
            let FolderLine { username, totals, path: _ } = one;
            *totals = totals.plus(other.totals);
            *username = username.take().filter(|username| other.username.as_ref() == Some(username));
        }
        is_same
    }
}

impl PageLine for UserTotals {
    fn key(&self) -> LineKey<'_> {
        LineKey::file("", self.username.as_str())
    }

    fn cursor(&self) -> Cursor {
        Cursor { path: String::new(), username: self.username.as_str().to_owned() }
    }

    fn absorb(&mut self, _other: &Self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::{Debug, Display};

    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;
    use crate::model::share::Share;
    use crate::model::share_path::SharePath;
    use crate::model::username::Username;
    use crate::protocol::reply::BadReply;
    use crate::tracker::catalog::filter::ShareFilter;
    use crate::tracker::catalog::list::ShareList;
    use crate::tracker::catalog::merged::MergedList;
    use crate::tracker::catalog::query::WordQuery;
    use crate::tracker::catalog::question::{CatalogQuestion, QuestionForm};
    use crate::tracker::catalog::{Catalog, OwnerId};

    const USERS: [&str; 6] = ["a", "anna", "Мария", "ivan", "z", "Пешо"];
    /// Catalogs that have a part each.
    const PARTS: usize = 3;

    #[derive(Debug, Clone)]
    struct Question {
        word: Option<String>,
        user: Option<usize>,
        size_min: Option<u64>,
        form: Form,
        after: Option<Cursor>,
    }

    #[derive(Debug, Clone)]
    enum Form {
        Files,
        Owners,
        Level(Option<SharePath>),
        Count,
    }

    /// Everything in one catalog, or the part of some of the users.
    struct Part {
        catalog: Catalog,
        owners: BTreeMap<usize, OwnerId>,
    }

    impl Part {
        fn new(shares: &BTreeMap<(usize, String), Option<u64>>, has: impl Fn(usize) -> bool) -> Self {
            let (mut catalog, mut owners) = (Catalog::new(), BTreeMap::new());
            for (user, name) in USERS.iter().enumerate().filter(|(user, _)| has(*user)) {
                owners.insert(user, catalog.add_owner(Username::new(name).expect("valid")));
            }
            for ((user, path), size) in shares {
                if let Some(owner) = owners.get(user) {
                    catalog.insert(*owner, &Share { path: path_of(path), size: *size, hash: None });
                }
            }
            Self { catalog, owners }
        }

        /// The lines of an answer and its cursor; `None` if the user is not here.
        fn ask(&self, asked: &Question, limit: Option<usize>) -> Option<LinePage<String>> {
            let mut list = self.list(asked, limit)?;
            let mut text = BytesMut::new();
            assert!(list.write_lines(&mut text, usize::MAX));
            Some(page_of(&text, list.lines(), list.more()))
        }

        fn list(&self, asked: &Question, limit: Option<usize>) -> Option<ShareList> {
            let owner = asked.user.map(|user| self.owners.get(&user).copied().ok_or(())).transpose().ok()?;
            let words = asked.word.as_ref().map(|word| WordQuery::new(&[word]));
            let filter = ShareFilter { owner, words, size_min: asked.size_min, ..ShareFilter::default() };
            let form = match &asked.form {
                Form::Files => QuestionForm::Files,
                Form::Owners => QuestionForm::Owners,
                Form::Level(folder) => QuestionForm::Level(folder.clone()),
                Form::Count => QuestionForm::Count,
            };
            let mut list = self.catalog.ask(&CatalogQuestion { form, filter, after: asked.after.clone(), limit });
            while !self.catalog.scan(&mut list) {}
            Some(list)
        }
    }

    fn page_of(text: &[u8], count: u64, more: Option<&Cursor>) -> LinePage<String> {
        let text = std::str::from_utf8(text).expect("text");
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(lines.len() as u64, count, "as many as the head says");
        LinePage { lines, more: more.cloned() }
    }

    /// The lists of the parts, made one before they are written, some bytes at a time.
    fn merged_list(parts: &[Part], asked: &Question, limit: Option<usize>) -> LinePage<String> {
        let lists: Vec<ShareList> = parts.iter().filter_map(|part| part.list(asked, limit)).collect();
        let mut list = match asked.form {
            Form::Count => MergedList::sum(lists),
            // A level has a limit always.
            Form::Level(_) | Form::Owners => MergedList::new(lists, Some(limit.unwrap_or(1_000))),
            Form::Files => MergedList::new(lists, limit),
        };
        let mut text = BytesMut::new();
        while !list.write_lines(&mut text, 40) {}
        page_of(&text, list.lines(), list.more())
    }

    fn path_of(path: &str) -> SharePath {
        SharePath::new(path).expect("valid")
    }

    /// The pages of the parts, of which each may have a limit of its own, made one.
    fn merged(parts: &[Part], asked: &Question, limit: Option<usize>, own: &[usize; PARTS]) -> LinePage<String> {
        let pages = parts.iter().zip(own).map(|(part, own)| part.ask(asked, limit.map(|limit| limit.min(*own))));
        let pages: Vec<LinePage<String>> = pages.flatten().collect();
        match asked.form {
            Form::Files | Form::Owners => {
                merged_as(pages, limit, |line| FileText::read(line.to_owned()).ok_or(BadReply))
            }
            Form::Level(_) => merged_as(pages, limit, FolderEntry::parse),
            Form::Count => {
                let counts = pages.iter().map(|page| Totals::parse(&page.lines[0]).expect("a count"));
                LinePage { lines: vec![sum(counts).to_string()], more: None }
            }
        }
    }

    fn merged_as<L: PageLine + Display + Debug>(
        pages: Vec<LinePage<String>>,
        limit: Option<usize>,
        parse: impl Fn(&str) -> Result<L, BadReply>,
    ) -> LinePage<String> {
        let read = |page: LinePage<String>| {
            let lines = page.lines.iter().map(|line| parse(line).expect("of a catalog")).collect();
            LinePage { lines, more: page.more }
        };
        let LinePage { lines, more } = merge(pages.into_iter().map(read), limit);
        LinePage { lines: lines.iter().map(ToString::to_string).collect(), more }
    }

    fn path() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => "(a|b)(|-b|\\.b|0|/|/a|/a-b|/a\\.b|/a0|/a/b|/a/b/c)(x|\\.mp3|Я)",
            1 => "[ab]{1,2}(/[ab]){0,3}",
        ]
    }

    fn question() -> impl Strategy<Value = Question> {
        let form = prop_oneof![
            2 => Just(Form::Files),
            1 => Just(Form::Owners),
            3 => prop::option::of("[ab]|a/a|a/a/b").prop_map(|folder| Form::Level(folder.as_deref().map(path_of))),
            1 => Just(Form::Count),
        ];
        (
            prop::option::weighted(0.3, "[ab/]{1,2}|MP3|я"),
            prop::option::weighted(0.2, 0..USERS.len()),
            prop::option::weighted(0.2, prop_oneof![0..4u64, any::<u64>()]),
            form,
            prop::option::of((path(), prop::sample::select(&USERS))),
        )
            .prop_map(|(word, user, size_min, form, after)| {
                let after = after.map(|(path, username)| Cursor { path, username: username.to_owned() });
                Question { word, user, size_min, form, after }
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn pages_of_parts_are_the_page_of_the_whole(
            shares in prop::collection::btree_map(
                (0..USERS.len(), path()), prop::option::of(prop_oneof![0..5u64, any::<u64>()]), 0..120),
            part_of in prop::array::uniform6(0..PARTS),
            asked in prop::collection::vec((question(), prop::option::of(1..12usize)), 1..12),
            own in prop::array::uniform3(1..12usize),
        ) {
            let whole = Part::new(&shares, |_user| true);
            let parts: Vec<Part> = (0..PARTS).map(|part| Part::new(&shares, |user| part_of[user] == part)).collect();
            for (mut asked, limit) in asked {
                let expected = whole.ask(&asked, limit).expect("everybody is here");
                prop_assert_eq!(&merged(&parts, &asked, limit, &[usize::MAX; PARTS]), &expected);
                prop_assert_eq!(&merged_list(&parts, &asked, limit), &expected);
                // Parts that give less at once than was asked for: page by page it is the same list. Of owners only each
                // page has everybody once.
                if matches!(asked.form, Form::Owners | Form::Count) || limit.is_none() {
                    continue;
                }
                let expected = whole.ask(&asked, None).expect("everybody is here").lines;
                let mut lines = Vec::new();
                loop {
                    let page = merged(&parts, &asked, limit, &own);
                    lines.extend(page.lines);
                    asked.after = page.more;
                    if asked.after.is_none() {
                        break;
                    }
                }
                prop_assert_eq!(lines, expected);
            }
        }
    }

    #[test]
    fn users_of_several_trackers_are_one_list() {
        let page = |lines: &[&str], more: Option<&str>| LinePage {
            lines: lines.iter().map(|line| UserTotals::parse(line).expect("valid")).collect(),
            more: more.map(|name| Cursor { path: String::new(), username: name.to_owned() }),
        };
        let pages = || [page(&["anna 1 1", "maria 0 0"], None), page(&["a 2 2", "ivan 3 9"], Some("ivan"))];
        assert_eq!(merge(pages(), Some(3)), page(&["a 2 2", "anna 1 1", "ivan 3 9"], Some("ivan")));
        assert_eq!(merge(pages(), Some(2)), page(&["a 2 2", "anna 1 1"], Some("anna")));
        // Whom the second has between `ivan` and `maria` is not known.
        assert_eq!(merge(pages(), None), page(&["a 2 2", "anna 1 1", "ivan 3 9"], Some("ivan")));
        let nothing_yet = || [page(&[], Some("b")), page(&["c 1 1"], None)];
        assert_eq!(merge(nothing_yet(), None), page(&[], Some("b")));
    }

    #[test]
    fn what_is_no_line_of_a_file_is_not_taken_for_one() {
        let read = |text: &str| FileText::read(text.to_owned());
        for good in ["anna 3 - Trip/a b.txt", "anna - 0aF9 x", "anna - - x"] {
            assert_eq!(read(good).expect(good).to_string(), good);
        }
        for bad in ["", "anna", "anna 3", "anna 3 -", "anna 3 - ", " 3 - x", "anna -3 - x", "anna  - x", "anna 3 xyz x"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
        let line = read("anna 3 - Trip/a b.txt").expect("valid");
        assert_eq!(line.cursor(), Cursor { path: "Trip/a b.txt".to_owned(), username: "anna".to_owned() });
    }

    #[test]
    fn what_does_not_fit_is_the_largest_number() {
        let totals = |bytes| Totals { files: 1, bytes };
        assert_eq!(sum([]), Totals::default());
        assert_eq!(sum([totals(u64::MAX), totals(0), totals(u64::MAX)]), Totals { files: 3, bytes: u64::MAX });
    }
}
