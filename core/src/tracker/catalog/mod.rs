//! Everybody's shares: an ordered, searchable store in memory.
//!
//! It knows owners, shares and lists of them; it does not know sessions, rights or limits, which are the session
//! machine's. Whoever inserts has decided that the owner may.
//!
//! A list is ordered by path and then username, both by their bytes. It is a snapshot: however long its reader takes,
//! it has exactly the lines that matched when it was started. Dropping it is all it takes to end it.

mod bits;
mod common;
mod fences;
pub mod filter;
mod leaf;
mod leaf_row;
mod level;
pub mod list;
pub mod merged;
mod mix;
mod owner_names;
mod owners;
mod pending_delta;
mod piece;
pub mod query;
pub mod question;
mod row_hash;
mod scan;
pub mod scan_workers;
mod segment;
mod segments;
mod signature_index;
mod span;
mod sum;
mod term;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::model::hash::ContentHash;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::page::Cursor;
use crate::protocol::reply::Totals;
use crate::tracker::catalog::filter::ShareFilter;
use crate::tracker::catalog::leaf::Key;
use crate::tracker::catalog::level::{LevelLines, LevelWalk};
use crate::tracker::catalog::list::{LineSearch, ShareList};
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::question::{CatalogQuestion, QuestionForm};
use crate::tracker::catalog::scan::{Scan, ScanHits};
use crate::tracker::catalog::scan_workers::ScanWorkers;
use crate::tracker::catalog::segment::SharePlace;
use crate::tracker::catalog::segments::{LikelyPlace, Segments};
use crate::tracker::catalog::signature_index::Candidates;
use crate::tracker::catalog::span::{Span, SpanPlace};
use crate::tracker::catalog::sum::ShareSum;
use crate::tracker::catalog::term::Term;

/// One who has shares in the catalog, from [`Catalog::add_owner`] to [`Catalog::remove_owner`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct OwnerId(u32);

impl OwnerId {
    /// No owner has it, and it comes behind all that there are. A leaf has other uses for the highest bits.
    const MAX: Self = Self((1 << 30) - 1);

    /// Who is known by a number, where it is not a catalog that gives them out.
    pub(super) fn numbered(number: usize) -> Self {
        let number = u32::try_from(number).ok().filter(|number| *number < Self::MAX.0);
        Self(number.expect("fewer users than a thousand million fit into memory"))
    }

    pub(super) fn number(self) -> usize {
        self.0 as usize
    }
}

/// What an announcement did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Insert {
    /// The owner did not share this path before.
    New,
    /// The path was shared with another size or hash, which are forgotten.
    Replaced,
    /// Exactly this was shared already.
    Same,
}

/// What is known of a shared file besides its path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShareContent {
    /// Its length in bytes.
    pub size: Option<u64>,
    /// The hash of its content.
    pub hash: Option<ContentHash>,
}

/// Everybody's shares, and what they are together.
#[derive(Debug, Default)]
pub struct Catalog {
    owners: Owners,
    segments: Segments,
    shares: usize,
    /// The sum of the announced sizes.
    bytes: u128,
    workers: Option<Arc<dyn ScanWorkers>>,
    /// Where it is put down where shares that come belong.
    likely_places: Vec<LikelyPlace>,
}

impl Catalog {
    /// An empty catalog that scans alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has long scans shared with these workers from now on.
    pub fn set_workers(&mut self, workers: Arc<dyn ScanWorkers>) {
        self.workers = Some(workers);
    }

    /// Makes room for somebody's shares. Names should differ: lists cannot tell two owners of one name apart.
    pub fn add_owner(&mut self, name: Username) -> OwnerId {
        self.owners.add(name)
    }

    /// Forgets an owner and all their shares; returns how many there were. The id is void from now on. An owner of very
    /// many shares is better forgotten in steps, with [`clear_owner`](Self::clear_owner) before this.
    pub fn remove_owner(&mut self, owner: OwnerId) -> usize {
        let removed = self.clear_owner(owner, usize::MAX);
        self.owners.remove(owner);
        removed
    }

    /// Takes about `max` shares away from an owner, a few more or all that there are; returns how many.
    pub fn clear_owner(&mut self, owner: OwnerId, max: usize) -> usize {
        let wanted = max.min(self.shares_of(owner));
        let (mut path_bytes, mut bytes) = (0, 0);
        let removed = self.segments.remove_owner(owner, wanted, |path, size| {
            path_bytes += path.len();
            bytes += u128::from(size.unwrap_or(0));
        });
        let counted = self.owners.get_mut(owner);
        counted.shares -= removed;
        counted.path_bytes -= path_bytes;
        counted.bytes -= bytes;
        self.shares -= removed;
        self.bytes -= bytes;
        removed
    }

    /// The name given at [`add_owner`](Self::add_owner).
    pub fn owner_name(&self, owner: OwnerId) -> &Username {
        &self.owners.get(owner).name
    }

    /// Adds a share, or replaces the one of this owner with the same path.
    pub fn insert(&mut self, owner: OwnerId, share: &Share) -> Insert {
        self.insert_at(owner, share, None)
    }

    /// The same for several, and `each` is told what came of it. Most of what it costs is waiting for memory, for one share
    /// behind the other: so all places are looked up and fetched before.
    pub fn insert_all(&mut self, owner: OwnerId, shares: &[Share], mut each: impl FnMut(&Share, Insert)) {
        let mut places = std::mem::take(&mut self.likely_places);
        let paths = shares.iter().map(|share| (share.path.as_str(), share.hash.as_ref().map(Term::hash)));
        self.segments.fetch(paths, &mut places);
        for (share, place) in shares.iter().zip(&places) {
            each(share, self.insert_at(owner, share, Some(*place)));
        }
        self.likely_places = places;
    }

    fn insert_at(&mut self, owner: OwnerId, share: &Share, likely: Option<LikelyPlace>) -> Insert {
        let content = ShareContent { size: share.size, hash: share.hash };
        let path = share.path.as_str();
        let key = Key { path, name: self.owners.name(owner), owner };
        let before = self.segments.insert(&key, content, likely, &self.owners);
        let counted = self.owners.get_mut(owner);
        if before.is_none() {
            counted.shares += 1;
            counted.path_bytes += path.len();
            self.shares += 1;
        }
        for (bytes, size) in [(&mut counted.bytes, share.size), (&mut self.bytes, share.size)] {
            *bytes += u128::from(size.unwrap_or(0));
            *bytes -= u128::from(before.and_then(|before| before.size).unwrap_or(0));
        }
        match before {
            None => Insert::New,
            Some(before) if before == content => Insert::Same,
            Some(_) => Insert::Replaced,
        }
    }

    /// Takes a share away; `false` if there is none.
    pub fn remove(&mut self, owner: OwnerId, path: &SharePath) -> bool {
        let Some(found @ (at, place)) = self.segments.find(&self.key(owner, path), &self.owners) else { return false };
        let size = self.segments.all()[at].content(place).size.unwrap_or(0);
        self.segments.remove(found);
        let counted = self.owners.get_mut(owner);
        counted.shares -= 1;
        counted.path_bytes -= path.as_str().len();
        counted.bytes -= u128::from(size);
        self.shares -= 1;
        self.bytes -= u128::from(size);
        true
    }

    /// What this owner shares under this path.
    pub fn get(&self, owner: OwnerId, path: &SharePath) -> Option<ShareContent> {
        let (at, place) = self.segments.find(&self.key(owner, path), &self.owners)?;
        Some(self.segments.all()[at].content(place))
    }

    /// Whether shares have come that make searching slower until [`catch_up`](Self::catch_up) has worked them in.
    pub fn is_pending(&self) -> bool {
        self.segments.is_pending()
    }

    /// Works some of them in: a fraction of a millisecond.
    pub fn catch_up(&mut self) {
        self.segments.catch_up();
    }

    /// How many shares there are.
    pub fn len(&self) -> usize {
        self.shares
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shares == 0
    }

    /// How many shares one owner has.
    pub fn shares_of(&self, owner: OwnerId) -> usize {
        self.owners.get(owner).shares
    }

    /// How many shares one owner has, and how many bytes they are.
    pub fn totals_of(&self, owner: OwnerId) -> Totals {
        let owner = self.owners.get(owner);
        sum::totals(owner.shares as u64, owner.bytes)
    }

    /// The bytes of all paths of one owner.
    pub fn path_bytes_of(&self, owner: OwnerId) -> usize {
        self.owners.get(owner).path_bytes
    }

    /// Starts a list of shares: its lines behind `after`, at most `limit` of them, which is at least 1. A search through
    /// very much may come back before it [is ready](ShareList::is_ready).
    pub fn list(&self, filter: ShareFilter, after: Option<&Cursor>, limit: Option<usize>) -> ShareList {
        let below = filter.folder.as_ref().map(|folder| Cursor::before(format!("{folder}/")));
        let (at, from) = self.place_behind(after.max(below.as_ref()));
        if filter.is_everything() {
            return ShareList::whole(&self.segments.all()[at..], from, limit, self.owners.names());
        }
        self.start_scan(filter, (at, from), ScanHits::shares(limit))
    }

    /// The same with one line an owner, their first.
    pub fn list_owners(&self, filter: ShareFilter, after: Option<&Cursor>, limit: usize) -> ShareList {
        let place = self.place_behind(after);
        self.start_scan(filter, place, ScanHits::owners(limit))
    }

    /// Starts a list of the children of a folder, or of those at the top: files, and folders with what the shares below
    /// them that are meant are together. The folder of the filter is not looked at. A child with the cursor among the
    /// shares below it is before the cursor.
    pub fn list_level(
        &self,
        folder: Option<&SharePath>,
        filter: ShareFilter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> ShareList {
        let prefix = folder.map(|folder| format!("{folder}/")).unwrap_or_default();
        let child = |path: &str| Some(prefix.len() + path.strip_prefix(&*prefix)?.find('/')?);
        let behind = after.map(|after| match child(&after.path) {
            Some(slash) => Cursor::behind_folder(&after.path[..slash]),
            None => after.clone(),
        });
        let below = folder.is_some().then(|| Cursor::before(&*prefix));
        let (at, from) = self.place_behind(behind.as_ref().max(below.as_ref()));
        let lines = LevelLines::new(prefix.into(), limit);
        if filter.is_folder_only() {
            let segments = self.segments.all().iter().take(self.end_of(folder)).skip(at);
            let rows = segments.map(|segment| segment.leaves().clone());
            let place = SpanPlace { row: 0, leaf: from.leaf, at: from.at };
            let walk = LevelWalk::new(Span::new(rows.collect()), place, lines);
            return self.begin(LineSearch::Walk(walk));
        }
        let filter = ShareFilter { folder: folder.cloned(), ..filter };
        self.start_scan(filter, (at, from), ScanHits::Level(lines))
    }

    /// Starts the list that answers a question.
    pub fn ask(&self, question: &CatalogQuestion) -> ShareList {
        let CatalogQuestion { form, filter, after, limit } = question;
        let (filter, after) = (filter.clone(), after.as_ref());
        match form {
            QuestionForm::Files => self.list(filter, after, *limit),
            QuestionForm::Owners => self.list_owners(filter, after, limit.unwrap_or(usize::MAX)),
            QuestionForm::Level(folder) => self.list_level(folder.as_ref(), filter, after, limit.unwrap_or(usize::MAX)),
            QuestionForm::Count => self.count(filter),
        }
    }

    /// Starts a list of one line: how many shares there are, and how many bytes they are.
    pub fn count(&self, filter: ShareFilter) -> ShareList {
        if filter.is_everything() {
            return ShareList::totals(sum::totals(self.shares as u64, self.bytes), self.owners.names());
        }
        if let Some(owner) = filter.only_owner() {
            return ShareList::totals(self.totals_of(owner), self.owners.names());
        }
        let below = filter.folder.as_ref().map(|folder| Cursor::before(format!("{folder}/")));
        let (at, from) = self.place_behind(below.as_ref());
        if let Some(folder) = filter.folder.as_ref().filter(|_| filter.is_folder_only()) {
            let (end, to) = self.place_behind(Some(&Cursor::behind_folder(folder.as_str())));
            let rows = self.segments.all().iter().take(end + 1).skip(at).map(|segment| segment.leaves().clone());
            let from = SpanPlace { row: 0, leaf: from.leaf, at: from.at };
            let to = SpanPlace { row: end - at, leaf: to.leaf, at: to.at };
            let (sum, _looked) = Span::new(rows.collect()).sum(from, to);
            return ShareList::totals(sum.totals(), self.owners.names());
        }
        self.start_scan(filter, (at, from), ScanHits::Totals(ShareSum::default()))
    }

    /// Looks for the shares of a filter from a place on.
    fn start_scan(&self, filter: ShareFilter, (at, from): (usize, SharePlace), hits: ScanHits) -> ShareList {
        let end = self.end_of(filter.folder.as_ref());
        let mut candidates = Candidates::default();
        self.segments.find_segments(&filter.segment_terms(), &mut candidates);
        let segments = self.segments.all();
        let places = candidates.places().skip_while(|place| *place < at).take_while(|place| *place < end);
        let segments = places.map(|place| (&segments[place], if place == at { from } else { SharePlace::default() }));
        let segments: Vec<_> = segments.collect();
        let mut scan = Scan::new(filter, hits);
        let is_ready = scan.start(&segments, self.workers.as_deref());
        let search = LineSearch::Scan(scan);
        if is_ready { self.ready(search) } else { ShareList::searching(search, self.owners.names()) }
    }

    /// Does the first step of a search.
    fn begin(&self, mut search: LineSearch) -> ShareList {
        if self.go_on(&mut search) { self.ready(search) } else { ShareList::searching(search, self.owners.names()) }
    }

    fn ready(&self, search: LineSearch) -> ShareList {
        let mut list = ShareList::searching(search, self.owners.names());
        list.end_search();
        list
    }

    fn go_on(&self, search: &mut LineSearch) -> bool {
        match search {
            LineSearch::Scan(scan) => {
                let same = |leaves: &_| self.segments.with_leaves(leaves, &self.owners);
                scan.go_on(same, self.workers.as_deref())
            }
            LineSearch::Walk(walk) => walk.go_on(),
        }
    }

    /// Goes on with a list that [is not ready](ShareList::is_ready), for some milliseconds; `true` when it is. What it
    /// finds is what there was when it was started.
    pub fn scan(&self, list: &mut ShareList) -> bool {
        let Some(search) = &mut list.search else { return true };
        let is_ready = self.go_on(search);
        if is_ready {
            list.end_search();
        }
        is_ready
    }

    /// The segment and the place in it where the shares behind a cursor begin.
    fn place_behind(&self, cursor: Option<&Cursor>) -> (usize, SharePlace) {
        cursor.map_or_else(Default::default, |cursor| {
            let key = Key { path: &cursor.path, name: &cursor.username, owner: OwnerId::MAX };
            self.segments.find_behind(&key, &self.owners)
        })
    }

    /// The number of segments up to the last that can have shares below a folder, or of all.
    fn end_of(&self, folder: Option<&SharePath>) -> usize {
        let count = self.segments.all().len();
        let behind = folder.map(|folder| self.place_behind(Some(&Cursor::behind_folder(folder.as_str()))));
        behind.map_or(count, |(last, _)| count.min(last + 1))
    }

    fn key<'a>(&'a self, owner: OwnerId, path: &'a SharePath) -> Key<'a> {
        Key { path: path.as_str(), name: self.owners.name(owner), owner }
    }

    /// Checks what the parts promise each other.
    #[cfg(test)]
    fn assert_sound(&self) {
        assert_eq!(self.shares, self.segments.all().iter().map(segment::Segment::shares).sum::<usize>());
        self.segments.assert_sound(&self.owners);
    }
}
