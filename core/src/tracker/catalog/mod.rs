//! Everybody's shares: an ordered, searchable store in memory.
//!
//! It knows owners, shares and lists of them; it does not know sessions, rights or limits, which are the session
//! machine's. Whoever inserts has decided that the owner may.
//!
//! A list is ordered by path and then username, both by their bytes. It is a snapshot: however long its reader takes,
//! it has exactly the lines that matched when it was started. Dropping it is all it takes to end it.

pub mod query;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;

use crate::model::hash::ContentHash;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::command::Cursor;
use crate::tracker::catalog::query::Query;

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

/// A list that was started and is read in pieces.
#[derive(Debug)]
pub struct List {
    lines: Vec<Arc<str>>,
    written: usize,
    more: Option<Cursor>,
}

impl List {
    /// Whether every line is found, so that [`lines`](Self::lines) and [`more`](Self::more) are known. If not, call
    /// [`Catalog::gather`] until it is.
    pub fn is_ready(&self) -> bool {
        true
    }

    /// How many lines it has in all, whatever was written of it.
    pub fn lines(&self) -> u64 {
        u64::try_from(self.lines.len()).unwrap_or(u64::MAX)
    }

    /// Where the next page begins, if a limit ended this one.
    pub fn more(&self) -> Option<&Cursor> {
        self.more.as_ref()
    }
}

/// The catalog.
#[derive(Debug, Default)]
pub struct Catalog {
    owners: Vec<Username>,
    shares: BTreeMap<(SharePath, Username, OwnerId), (Content, Arc<str>)>,
}

impl Catalog {
    /// An empty catalog.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks what the parts promise each other.
    #[cfg(test)]
    fn assert_sound(&self) {}

    /// Makes room for somebody's shares.
    pub fn add_owner(&mut self, name: Username) -> OwnerId {
        self.owners.push(name);
        OwnerId(u32::try_from(self.owners.len() - 1).expect("as many owners as sessions"))
    }

    /// Forgets an owner and all their shares; returns how many there were. The id is void from now on.
    pub fn remove_owner(&mut self, owner: OwnerId) -> usize {
        let before = self.shares.len();
        self.shares.retain(|(_, _, by), _| *by != owner);
        before - self.shares.len()
    }

    /// The name given at [`add_owner`](Self::add_owner).
    pub fn owner_name(&self, owner: OwnerId) -> &Username {
        &self.owners[owner.0 as usize]
    }

    /// Adds a share, or replaces the one of this owner with the same path.
    pub fn insert(&mut self, owner: OwnerId, share: &Share) -> Insert {
        let name = self.owner_name(owner).clone();
        let content = Content { size: share.size, hash: share.hash };
        let size = share.size.map_or("-".into(), |size| size.to_string());
        let hash = share.hash.map_or("-".into(), |hash| hash.to_string());
        let line = format!("{name} {size} {hash} {}\n", share.path);
        match self.shares.insert((share.path.clone(), name, owner), (content, line.into())) {
            None => Insert::New,
            Some((old, _)) if old == content => Insert::Same,
            Some(_) => Insert::Replaced,
        }
    }

    /// Takes a share away; `false` if there is none.
    pub fn remove(&mut self, owner: OwnerId, path: &SharePath) -> bool {
        let name = self.owner_name(owner).clone();
        self.shares.remove(&(path.clone(), name, owner)).is_some()
    }

    /// What this owner shares under this path.
    pub fn get(&self, owner: OwnerId, path: &SharePath) -> Option<Content> {
        let name = self.owner_name(owner).clone();
        self.shares.get(&(path.clone(), name, owner)).map(|(content, _)| *content)
    }

    /// How many shares there are.
    pub fn len(&self) -> usize {
        self.shares.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    /// How many shares one owner has.
    pub fn shares_of(&self, owner: OwnerId) -> usize {
        self.shares.keys().filter(|(_, _, by)| *by == owner).count()
    }

    /// The bytes of all paths of one owner.
    pub fn path_bytes_of(&self, owner: OwnerId) -> usize {
        self.shares.keys().filter(|(_, _, by)| *by == owner).map(|(path, _, _)| path.as_str().len()).sum()
    }

    /// Starts a list: its lines behind `after`, at most `limit` of them. A search of many shares may come back before
    /// it [is ready](List::is_ready).
    pub fn list(&self, which: Which<'_>, after: Option<&Cursor>, limit: Option<usize>) -> List {
        let mut found = Vec::new();
        let mut more = None;
        let mut last = None;
        for ((path, name, owner), (content, line)) in &self.shares {
            let behind = after
                .is_none_or(|after| (path.as_str(), name.as_str()) > (after.path.as_str(), after.username.as_str()));
            let wanted = match which {
                Which::All => true,
                Which::Owner(by) => by == *owner,
                Which::Sources(hash) => content.hash == Some(hash),
                Which::Search(query) => {
                    let mut key = Vec::new();
                    query::push_key(path.as_str(), &mut key);
                    query.words().iter().all(|word| key.windows(word.len()).any(|at| at == word))
                }
            };
            if !behind || !wanted {
                continue;
            }
            if limit == Some(found.len()) {
                more = last;
                break;
            }
            found.push(line.clone());
            last = Some(Cursor { path: path.as_str().to_owned(), username: name.as_str().to_owned() });
        }
        List { lines: found, written: 0, more }
    }

    /// Goes on with a search that [is not ready](List::is_ready), for some milliseconds; `true` when it is.
    pub fn gather(&self, list: &mut List) -> bool {
        list.is_ready()
    }

    /// Writes the next lines, each with its LF, until `out` has grown by `bytes_max` or one line more; `true` when
    /// the list is written to its end. The list must be ready and of this catalog.
    pub fn write_lines(&self, list: &mut List, out: &mut BytesMut, bytes_max: usize) -> bool {
        let end = out.len().saturating_add(bytes_max);
        while let Some(line) = list.lines.get(list.written).filter(|_| out.len() < end) {
            out.extend_from_slice(line.as_bytes());
            list.written += 1;
        }
        list.written == list.lines.len()
    }
}
