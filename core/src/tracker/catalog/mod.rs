//! Everybody's shares: an ordered, searchable store in memory.
//!
//! It knows owners, shares and lists of them; it does not know sessions, rights or limits, which are the session
//! machine's. Whoever inserts has decided that the owner may.
//!
//! A list is ordered by path and then username, both by their bytes. It is a snapshot: however long its reader takes,
//! it has exactly the lines that matched when it was started. Dropping it is all it takes to end it.

mod gather;
mod grid;
mod leaf;
pub mod list;
mod owners;
pub mod query;
mod segment;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::BytesMut;

use crate::model::hash::ContentHash;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::command::Cursor;
use crate::tracker::catalog::gather::{Filter, Gathering};
use crate::tracker::catalog::leaf::Key;
use crate::tracker::catalog::list::List;
use crate::tracker::catalog::owners::Owners;
use crate::tracker::catalog::query::Query;
use crate::tracker::catalog::segment::{Leaves, Place, Segment};

/// One who has shares in the catalog, from [`Catalog::add_owner`] to [`Catalog::remove_owner`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct OwnerId(u32);

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
    /// In order.
    segments: Vec<Segment>,
    shares: usize,
    /// How many segments were ever made.
    seeds: u64,
}

impl Catalog {
    /// An empty catalog.
    pub fn new() -> Self {
        Self::default()
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
        let (mut removed, mut path_bytes) = (0, 0);
        for segment in &mut self.segments {
            if removed >= wanted {
                break;
            }
            removed += segment.remove_owner(owner, wanted - removed, |path| path_bytes += path.len());
        }
        if removed > 0 {
            self.segments.retain(|segment| segment.shares() > 0);
            for at in (1..self.segments.len()).rev() {
                self.join_segments(at - 1);
            }
        }
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
        loop {
            let Some(at) = segment_of(&self.segments, &key, &self.owners) else {
                self.seeds += 1;
                self.segments.push(Segment::new(self.seeds, path, owner, content));
                break;
            };
            let segment = &mut self.segments[at];
            match segment.find(&key, &self.owners) {
                Ok(place) if segment.content(place) == content => return Insert::Same,
                Ok(place) => {
                    segment.replace(place, content);
                    return Insert::Replaced;
                }
                Err(place) if !segment.is_full_for(place, path) => {
                    segment.insert(place, path, owner, content);
                    break;
                }
                // Shares often come in order: a segment that was filled from the front stays full.
                Err(place) if segment.is_end(place) => {
                    self.seeds += 1;
                    self.segments.insert(at + 1, Segment::new(self.seeds, path, owner, content));
                    break;
                }
                Err(_) => {
                    self.seeds += 2;
                    let right = segment.split(self.seeds);
                    self.segments.insert(at + 1, right);
                }
            }
        }
        let counted = self.owners.get_mut(owner);
        counted.shares += 1;
        counted.path_bytes += path.len();
        self.shares += 1;
        Insert::New
    }

    /// Takes a share away; `false` if there is none.
    pub fn remove(&mut self, owner: OwnerId, path: &SharePath) -> bool {
        let Some((at, place)) = self.place_of(owner, path) else { return false };
        let segment = &mut self.segments[at];
        segment.remove(place);
        if segment.shares() == 0 {
            self.segments.remove(at);
        } else if at == 0 || !self.join_segments(at - 1) {
            self.join_segments(at);
        }
        let counted = self.owners.get_mut(owner);
        counted.shares -= 1;
        counted.path_bytes -= path.as_str().len();
        self.shares -= 1;
        true
    }

    /// What this owner shares under this path.
    pub fn get(&self, owner: OwnerId, path: &SharePath) -> Option<Content> {
        self.place_of(owner, path).map(|(at, place)| self.segments[at].content(place))
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
        let (at, from) = after.map_or((0, Place::default()), |after| self.place_behind(after));
        let segments = &self.segments[at..];
        let filter = match which {
            Which::All => return List::whole(segments, from, limit, &self.owners),
            Which::Owner(owner) => Filter::Owner(owner),
            Which::Sources(hash) => Filter::Hash(hash),
            Which::Search(query) => Filter::Words(query.clone()),
        };
        let mut gathering = Gathering::new(filter, limit);
        let is_ready = gathering.start(segments, from);
        let mut list = List::gathering(gathering, &self.owners);
        if is_ready {
            self.set_found(&mut list);
        }
        list
    }

    /// Goes on with a list that [is not ready](List::is_ready), for some milliseconds; `true` when it is. What it finds
    /// is what there was when it was started.
    pub fn gather(&self, list: &mut List) -> bool {
        let Some(gathering) = &mut list.gathering else { return true };
        let is_ready = gathering.go_on(|leaves| self.segment_with(leaves));
        if is_ready {
            self.set_found(list);
        }
        is_ready
    }

    /// Writes the next lines, each with its LF, until `out` has grown by `bytes_max` or up to a line more; `true` when
    /// the list is written to its end. The list must be ready and of this catalog.
    pub fn write_lines(&self, list: &mut List, out: &mut BytesMut, bytes_max: usize) -> bool {
        list.write(&self.owners, out, bytes_max)
    }

    /// Checks what the parts promise each other.
    #[cfg(test)]
    fn assert_sound(&self) {
        assert_eq!(self.shares, self.segments.iter().map(Segment::shares).sum::<usize>());
        let leaves: Vec<_> = self.segments.iter().flat_map(|segment| segment.leaves().iter()).collect();
        for pair in leaves.windows(2) {
            let first = pair[1].key(0, &self.owners);
            assert_eq!(pair[0].compare(pair[0].len() - 1, &first, &self.owners), std::cmp::Ordering::Less);
        }
        self.segments.iter().for_each(|segment| segment.assert_sound(&self.owners));
    }

    fn set_found(&self, list: &mut List) {
        if let Some(gathering) = list.gathering.take() {
            list.set_found(gathering.into_found(), &self.owners);
        }
    }

    fn place_of(&self, owner: OwnerId, path: &SharePath) -> Option<(usize, Place)> {
        let key = Key { path: path.as_str(), name: self.owners.name(owner), owner };
        let at = segment_of(&self.segments, &key, &self.owners)?;
        self.segments[at].find(&key, &self.owners).ok().map(|place| (at, place))
    }

    fn place_behind(&self, after: &Cursor) -> (usize, Place) {
        let key = Key { path: &after.path, name: &after.username, owner: OwnerId(u32::MAX) };
        segment_of(&self.segments, &key, &self.owners).map_or_else(Default::default, |at| {
            let (Ok(place) | Err(place)) = self.segments[at].find(&key, &self.owners);
            (at, place)
        })
    }

    /// The segment that has exactly these leaves.
    fn segment_with(&self, leaves: &Leaves) -> Option<&Segment> {
        let key = leaves.first()?.key(0, &self.owners);
        let segment = &self.segments[segment_of(&self.segments, &key, &self.owners)?];
        Arc::ptr_eq(segment.leaves(), leaves).then_some(segment)
    }

    /// Makes one of this segment and the next, if both are small.
    fn join_segments(&mut self, at: usize) -> bool {
        let [one, next, ..] = &self.segments[at..] else { return false };
        let is_small = one.can_take(next);
        if is_small {
            let next = self.segments.remove(at + 1);
            self.segments[at].append(next);
        }
        is_small
    }
}

/// The segment that has or should have a key; `None` if there is no segment.
fn segment_of(segments: &[Segment], key: &Key<'_>, owners: &Owners) -> Option<usize> {
    let behind = segments.partition_point(|segment| !segment.is_behind(0, key, owners));
    if segments.is_empty() { None } else { Some(behind.saturating_sub(1)) }
}
