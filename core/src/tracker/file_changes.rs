//! Changes of what somebody shares, worked off in slices: by the tracker with its own catalog, or by a shard.

use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::protocol::notice::Notice;
use crate::protocol::reply::FileLine;
use crate::tracker::catalog::{Catalog, Insert, OwnerId};
use crate::tracker::watched_folders::{TouchedFolders, WatchedFolders};

/// Items that are worked off at once.
pub(super) const SLICE_ITEMS: usize = 128;

/// As whom a session is registered.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) username: Username,
    pub(super) owner: OwnerId,
}

/// A list of files that is being announced. It was judged as a whole before it was begun.
#[derive(Debug)]
pub(super) struct Announcing {
    pub(super) user: User,
    pub(super) shares: std::vec::IntoIter<Share>,
    pub(super) changed: Changed,
    pub(super) touched: TouchedFolders,
}

impl Announcing {
    pub(super) fn new(user: User, shares: Vec<Share>) -> Self {
        let (shares, touched) = (shares.into_iter(), TouchedFolders::default());
        Self { user, shares, changed: Changed::Nothing, touched }
    }

    /// A slice more; `true` at the end of the list.
    pub(super) fn go_on(&mut self, catalog: &mut Catalog, folders: &WatchedFolders) -> bool {
        let Self { user, shares, changed, touched } = self;
        let some = shares.as_slice();
        let some = &some[..some.len().min(SLICE_ITEMS)];
        catalog.insert_all(user.owner, some, |share, inserted| {
            if inserted != Insert::Same {
                folders.touch(&share.path, touched);
                changed.add(|| Notice::Shared(line(user, share)));
            }
        });
        let done = some.len();
        shares.by_ref().take(done).for_each(drop);
        shares.as_slice().is_empty()
    }
}

fn line(user: &User, share: &Share) -> FileLine {
    FileLine { username: user.username.clone(), size: share.size, hash: share.hash, path: share.path.clone() }
}

/// A list of files that is being taken back: first all of them are looked for, then they are taken.
#[derive(Debug)]
pub(super) struct Withdrawing {
    pub(super) user: User,
    pub(super) paths: Vec<SharePath>,
    found: usize,
    taken: usize,
    pub(super) changed: Changed,
    pub(super) touched: TouchedFolders,
}

impl Withdrawing {
    pub(super) fn new(user: User, paths: Vec<SharePath>) -> Self {
        let (changed, touched) = (Changed::Nothing, TouchedFolders::default());
        Self { user, paths, found: 0, taken: 0, changed, touched }
    }

    /// A slice more; at the end of the list what came of it, or at the first path that is not shared, which it is then.
    pub(super) fn go_on(&mut self, catalog: &mut Catalog, folders: &WatchedFolders) -> Option<Result<(), SharePath>> {
        let user = &self.user;
        for path in self.paths.iter().skip(self.found).take(SLICE_ITEMS) {
            if catalog.get(user.owner, path).is_none() {
                return Some(Err(path.clone()));
            }
            self.found += 1;
        }
        if self.found < self.paths.len() {
            return None;
        }
        for path in self.paths.iter().skip(self.taken).take(SLICE_ITEMS) {
            self.taken += 1;
            // A path that stands twice in the list is gone the first time.
            if catalog.remove(user.owner, path) {
                folders.touch(path, &mut self.touched);
                self.changed.add(|| Notice::Unshared(user.username.clone(), path.clone()));
            }
        }
        (self.taken == self.paths.len()).then_some(Ok(()))
    }
}

/// What watchers will be told.
#[derive(Debug, Default)]
pub(super) enum Changed {
    #[default]
    Nothing,
    One(Notice),
    Many,
}

impl Changed {
    pub(super) fn add(&mut self, event: impl FnOnce() -> Notice) {
        *self = match self {
            Self::Nothing => Self::One(event()),
            Self::One(_) | Self::Many => Self::Many,
        };
    }
}
