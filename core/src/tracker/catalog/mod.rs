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
mod leaf;
pub mod list;
mod owners;
mod pending_delta;
pub mod query;
mod scan;
pub mod scan_workers;
mod segment;
mod segments;
mod signature_index;
mod term;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::BytesMut;

use crate::model::hash::ContentHash;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::command::Cursor;
use crate::tracker::catalog::leaf::Key;
use crate::tracker::catalog::list::List;
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::query::Query;
use crate::tracker::catalog::scan::{Filter, Scan};
use crate::tracker::catalog::scan_workers::ScanWorkers;
use crate::tracker::catalog::segment::Place;
use crate::tracker::catalog::segments::Segments;
use crate::tracker::catalog::signature_index::Candidates;

/// One who has shares in the catalog, from [`Catalog::add_owner`] to [`Catalog::remove_owner`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct OwnerId(u32);

impl OwnerId {
    /// No owner has it, and it comes behind all that there are. A leaf has other uses for the highest bits.
    const MAX: Self = Self((1 << 30) - 1);
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
pub struct Content {
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Its content.
    pub hash: Option<ContentHash>,
}

/// Which shares a list is of.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// Everybody's.
    All,
    /// Those of one owner.
    Owner(OwnerId),
    /// Those whose path has every word.
    Search(&'a Query),
    /// Those with exactly this content.
    Sources(ContentHash),
}

/// The catalog.
#[derive(Debug, Default)]
pub struct Catalog {
    owners: Owners,
    segments: Segments,
    shares: usize,
    workers: Option<Arc<dyn ScanWorkers>>,
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
        let mut path_bytes = 0;
        let removed = self.segments.remove_owner(owner, wanted, |path| path_bytes += path.len());
        let counted = self.owners.get_mut(owner);
        counted.shares -= removed;
        counted.path_bytes -= path_bytes;
        self.shares -= removed;
        removed
    }

    /// The name given at [`add_owner`](Self::add_owner).
    pub fn owner_name(&self, owner: OwnerId) -> &Username {
        &self.owners.get(owner).name
    }

    /// Adds a share, or replaces the one of this owner with the same path.
    pub fn insert(&mut self, owner: OwnerId, share: &Share) -> Insert {
        let content = Content { size: share.size, hash: share.hash };
        let path = share.path.as_str();
        let key = Key { path, name: self.owners.name(owner), owner };
        let done = self.segments.insert(&key, content, &self.owners);
        if done == Insert::New {
            let counted = self.owners.get_mut(owner);
            counted.shares += 1;
            counted.path_bytes += path.len();
            self.shares += 1;
        }
        done
    }

    /// Takes a share away; `false` if there is none.
    pub fn remove(&mut self, owner: OwnerId, path: &SharePath) -> bool {
        let Some(found) = self.segments.find(&self.key(owner, path), &self.owners) else { return false };
        self.segments.remove(found);
        let counted = self.owners.get_mut(owner);
        counted.shares -= 1;
        counted.path_bytes -= path.as_str().len();
        self.shares -= 1;
        true
    }

    /// What this owner shares under this path.
    pub fn get(&self, owner: OwnerId, path: &SharePath) -> Option<Content> {
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

    /// The bytes of all paths of one owner.
    pub fn path_bytes_of(&self, owner: OwnerId) -> usize {
        self.owners.get(owner).path_bytes
    }

    /// Starts a list: its lines behind `after`, at most `limit` of them, which is at least 1. A search through very much
    /// may come back before it [is ready](List::is_ready).
    pub fn list(&self, which: Which<'_>, after: Option<&Cursor>, limit: Option<usize>) -> List {
        let behind = |after: &Cursor| {
            let key = Key { path: &after.path, name: &after.username, owner: OwnerId::MAX };
            self.segments.find_behind(&key, &self.owners)
        };
        let (at, from) = after.map_or_else(Default::default, behind);
        let segments = self.segments.all();
        let filter = match which {
            Which::All => return List::whole(&segments[at..], from, limit, &self.owners),
            Which::Owner(owner) => Filter::Owner(owner),
            Which::Sources(hash) => Filter::Hash(hash),
            Which::Search(query) => Filter::Words(query.clone()),
        };
        let mut candidates = Candidates::default();
        self.segments.find_segments(&filter.segment_terms(), &mut candidates);
        let places = candidates.places().skip_while(|place| *place < at);
        let segments = places.map(|place| (&segments[place], if place == at { from } else { Place::default() }));
        let segments: Vec<_> = segments.collect();
        let mut scan = Scan::new(filter, limit);
        let is_ready = scan.start(&segments, self.workers.as_deref());
        let mut list = List::scanning(scan, &self.owners);
        if is_ready {
            self.set_hits(&mut list);
        }
        list
    }

    /// Goes on with a list that [is not ready](List::is_ready), for some milliseconds; `true` when it is. What it finds
    /// is what there was when it was started.
    pub fn scan(&self, list: &mut List) -> bool {
        let Some(scan) = &mut list.scan else { return true };
        let same = |leaves: &_| self.segments.with_leaves(leaves, &self.owners);
        let is_ready = scan.go_on(same, self.workers.as_deref());
        if is_ready {
            self.set_hits(list);
        }
        is_ready
    }

    /// Writes the next lines, each with its LF, until `out` has grown by `bytes_max` or up to a line more; `true` when
    /// the list is written to its end. The list must be ready and of this catalog.
    pub fn write_lines(&self, list: &mut List, out: &mut BytesMut, bytes_max: usize) -> bool {
        list.write(&self.owners, out, bytes_max)
    }

    fn set_hits(&self, list: &mut List) {
        if let Some(scan) = list.scan.take() {
            list.set_hits(scan.into_hits(), &self.owners);
        }
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
