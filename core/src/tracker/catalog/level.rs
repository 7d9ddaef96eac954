//! One level of a folder: its files, and its folders with what is below each.
//!
//! If all shares are meant, a [`LevelWalk`] steps from child to child and adds whole leaves up. Otherwise a scan hands
//! every share that is meant to [`LevelLines`] in order, which adds up those of one folder.

use std::sync::Arc;

use crate::protocol::page::Cursor;
use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::owner_names::OwnerNames;
use crate::tracker::catalog::piece::{FolderSum, ListPiece};
use crate::tracker::catalog::span::{Span, SpanPlace};
use crate::tracker::catalog::sum::ShareSum;

/// How much one step of a walk does, a few milliseconds: a share looked at is one.
const WALK_STEP: usize = if cfg!(test) { 20 } else { 16 << 10 };
/// What finding the end of a folder costs, in shares looked at.
const SEEK_WORK: usize = if cfg!(test) { 5 } else { 32 };

/// The path with a `/` at its end of a folder, or nothing at the top: what the paths of its children begin with.
pub(super) type LevelPrefix = Box<str>;

/// The lines of a level, as they are found.
#[derive(Debug)]
pub(super) struct LevelLines {
    prefix: LevelPrefix,
    limit: usize,
    pieces: Vec<ListPiece>,
    lines: usize,
    /// There is one more than the limit allows.
    is_cut: bool,
}

impl LevelLines {
    pub(super) fn new(prefix: LevelPrefix, limit: usize) -> Self {
        Self { prefix, limit, pieces: Vec::new(), lines: 0, is_cut: false }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Takes the next shares that are meant, all of which are below the folder.
    pub(super) fn add_shares(&mut self, leaf: &Arc<Leaf>, mut mask: Mask) {
        while mask != 0 && !self.is_cut {
            let at = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            let path = leaf.path(at);
            let Some(slash) = path[self.prefix.len()..].find('/') else {
                self.add_file(leaf, at);
                continue;
            };
            let folder = &path[..self.prefix.len() + slash];
            if !matches!(self.pieces.last(), Some(ListPiece::Folder(last)) if *last.path == *folder) {
                self.add_folder(folder, ShareSum::default());
            }
            if let Some(ListPiece::Folder(last)) = self.pieces.last_mut().filter(|_| !self.is_cut) {
                last.sum.add(leaf.owner(at), leaf.content(at).size);
            }
        }
    }

    fn add_file(&mut self, leaf: &Arc<Leaf>, at: usize) {
        if self.begin_line() {
            match self.pieces.last_mut() {
                Some(ListPiece::Shares(last, mask)) if Arc::ptr_eq(last, leaf) => *mask |= 1 << at,
                _ => self.pieces.push(ListPiece::Shares(leaf.clone(), 1 << at)),
            }
        }
    }

    fn add_folder(&mut self, path: &str, sum: ShareSum) {
        if self.begin_line() {
            self.pieces.push(ListPiece::Folder(Box::new(FolderSum { path: path.into(), sum })));
        }
    }

    /// Whether there may be one more line.
    fn begin_line(&mut self) -> bool {
        self.is_cut |= self.lines == self.limit;
        self.lines += usize::from(!self.is_cut);
        !self.is_cut
    }

    /// How many lines they are, and where the next page begins if there are more.
    pub(super) fn end(&self, names: &OwnerNames) -> (usize, Option<Cursor>) {
        let more = self.pieces.last().filter(|_| self.is_cut).map(|last| match last {
            ListPiece::Shares(leaf, mask) => leaf.cursor(mask.ilog2() as usize, names),
            ListPiece::Folder(folder) => Cursor::behind_folder(&folder.path),
            ListPiece::Totals(_) => unreachable!("a level has none"),
        });
        (self.lines, more)
    }

    pub(super) fn into_pieces(self) -> Vec<ListPiece> {
        self.pieces
    }
}

/// A level of everything, on its way from child to child.
#[derive(Debug)]
pub(super) struct LevelWalk {
    span: Span,
    next: SpanPlace,
    lines: LevelLines,
}

impl LevelWalk {
    /// Begins at a place that is not before the first child.
    pub(super) fn new(span: Span, from: SpanPlace, lines: LevelLines) -> Self {
        Self { span, next: from, lines }
    }

    /// One more step; `true` if it was the last.
    pub(super) fn go_on(&mut self) -> bool {
        let Self { span, next, lines } = self;
        let mut work = 0;
        while work < WALK_STEP {
            let Some(leaf) = span.leaf_at(next) else { return true };
            let path = leaf.path(next.at);
            let Some(rest) = path.strip_prefix(&*lines.prefix) else { return true };
            match rest.find('/') {
                None => {
                    lines.add_file(leaf, next.at);
                    next.at += 1;
                    work += 1;
                }
                Some(slash) => {
                    let end = span.end_of(*next, &path[..=lines.prefix.len() + slash]);
                    let (sum, looked) = span.sum(*next, end);
                    lines.add_folder(&path[..lines.prefix.len() + slash], sum);
                    *next = end;
                    work += SEEK_WORK + looked;
                }
            }
            if lines.is_cut {
                return true;
            }
        }
        false
    }

    pub(super) fn into_lines(self) -> LevelLines {
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use crate::model::share::Share;
    use crate::model::share_path::SharePath;
    use crate::model::username::Username;
    use crate::tracker::catalog::filter::ShareFilter;
    use crate::tracker::catalog::{Catalog, Insert};

    /// Every page of a level, one behind the other.
    fn pages(catalog: &Catalog, folder: Option<&str>, filter: &ShareFilter, limit: usize) -> Vec<String> {
        let folder = folder.map(|folder| SharePath::new(folder).expect("valid"));
        let (mut lines, mut after) = (Vec::new(), None);
        loop {
            let mut list = catalog.list_level(folder.as_ref(), filter.clone(), after.as_ref(), limit);
            while !catalog.scan(&mut list) {}
            let mut text = BytesMut::new();
            assert!(list.write_lines(&mut text, usize::MAX));
            lines.extend(std::str::from_utf8(&text).expect("text").lines().map(str::to_owned));
            after = list.more().cloned();
            if after.is_none() {
                return lines;
            }
        }
    }

    #[test]
    fn a_level_in_order_whatever_names_begin_alike() {
        let mut catalog = Catalog::new();
        let [anna, ivan] = ["anna", "ivan"].map(|name| catalog.add_owner(Username::new(name).expect("valid")));
        for (owner, path, size) in [
            (anna, "A", Some(1)),
            (ivan, "A", None),
            (anna, "A-b", Some(2)),
            (ivan, "A-b/x", Some(3)),
            (anna, "A.b/y", None),
            (anna, "A/1", Some(4)),
            (anna, "A/2/3", Some(5)),
            (ivan, "A/2/4", Some(6)),
            (ivan, "A0", Some(7)),
            (anna, "A0/z", Some(u64::MAX)),
            (anna, "A0/zz", Some(u64::MAX)),
        ] {
            let share = Share { path: SharePath::new(path).expect("valid"), size, hash: None };
            assert_eq!(catalog.insert(owner, &share), Insert::New);
        }
        let anna_only = ShareFilter { owner: Some(anna), ..ShareFilter::default() };
        let all = ShareFilter::default();
        let large = ShareFilter { size_min: Some(5), ..ShareFilter::default() };
        let top = [
            "anna 1 - A",
            "ivan - - A",
            "anna 2 - A-b",
            "ivan 3 1 A-b/",
            "anna 0 1 A.b/",
            "* 15 3 A/",
            "ivan 7 - A0",
            "anna 18446744073709551615 2 A0/",
        ];
        let hers = ["anna 1 - A", "anna 2 - A-b", "anna 0 1 A.b/", "anna 9 2 A/", "anna 18446744073709551615 2 A0/"];
        for limit in 1..=9 {
            assert_eq!(pages(&catalog, None, &all, limit), top, "{limit}");
            assert_eq!(pages(&catalog, None, &anna_only, limit), hers, "{limit}");
            assert_eq!(pages(&catalog, Some("A"), &all, limit), ["anna 4 - A/1", "* 11 2 A/2/"]);
            assert_eq!(pages(&catalog, Some("A/2"), &large, limit), ["anna 5 - A/2/3", "ivan 6 - A/2/4"]);
            assert!(
                pages(&catalog, Some("B"), &all, limit).is_empty()
                    && pages(&catalog, Some("A-"), &all, limit).is_empty()
            );
        }
        // Another size, and nobody's size any more.
        let share = Share { path: SharePath::new("A/2/4").expect("valid"), size: Some(60), hash: None };
        assert_eq!(catalog.insert(ivan, &share), Insert::Replaced);
        assert_eq!(pages(&catalog, Some("A"), &all, 9)[1], "* 65 2 A/2/");
        catalog.remove_owner(ivan);
        assert_eq!(pages(&catalog, Some("A"), &all, 9)[1], "anna 5 1 A/2/");
        assert_eq!(pages(&catalog, None, &all, 9), hers);
        assert!(catalog.remove(anna, &SharePath::new("A0/zz").expect("valid")));
        assert_eq!(pages(&catalog, None, &all, 9)[4], "anna 18446744073709551615 1 A0/");
        catalog.assert_sound();
    }

    /// Many children, many folders, and deep ones: each in several segments.
    #[test]
    fn a_level_over_many_segments() {
        let mut catalog = Catalog::new();
        let owners = ["anna", "ivan"].map(|name| catalog.add_owner(Username::new(name).expect("valid")));
        let mut put = |n: usize, path: String| {
            let share = Share { path: SharePath::new(&path).expect("valid"), size: Some(1), hash: None };
            assert_eq!(catalog.insert(owners[n % 2], &share), Insert::New);
        };
        (0..1500).for_each(|n| put(n, format!("flat/{n:05}")));
        (0..1500).for_each(|n| put(n, format!("many/{:04}/{}", n / 5, n % 5)));
        (0..1500).for_each(|n| put(0, format!("deep/{}", format!("{}/", n % 7).repeat(n % 20) + &format!("{n}.txt"))));
        for filter in [ShareFilter::default(), ShareFilter { size_min: Some(1), ..ShareFilter::default() }] {
            let top = ["anna 1500 1500 deep/", "* 1500 1500 flat/", "* 1500 1500 many/"];
            assert_eq!(pages(&catalog, None, &filter, 2), top);
            let flat = pages(&catalog, Some("flat"), &filter, 100);
            assert!((0..1500).all(|n| flat[n].ends_with(&format!(" 1 - flat/{n:05}"))) && flat.len() == 1500);
            let many = pages(&catalog, Some("many"), &filter, 7);
            assert!((0..300).all(|n| many[n] == format!("* 5 5 many/{n:04}/")) && many.len() == 300);
            let deep = pages(&catalog, Some("deep"), &filter, 1000);
            let (folders, files): (Vec<_>, Vec<_>) = deep.iter().partition(|line| line.ends_with('/'));
            assert_eq!((folders.len(), files.len()), (7, 75));
            let count = |line: &&String| line.split(' ').nth(2).and_then(|files| files.parse::<u64>().ok());
            assert_eq!(folders.iter().filter_map(count).sum::<u64>(), 1425);
        }
    }
}
