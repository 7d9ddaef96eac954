//! A catalog with the work that it leaves for later: who has left and shared very much is forgotten in steps, and shares
//! that came are worked into the index a few at a time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::tracker::catalog::{Catalog, OwnerId};

/// Users of more shares than this are forgotten in steps of it, a millisecond or two each.
pub(super) const FORGOTTEN_AT_ONCE: usize = 4 * 1024;
/// How often some of the shares that came are worked into the catalog: seldom enough that many come together.
const CATCH_UP_EVERY: Duration = Duration::from_millis(2);

/// A catalog, and who sees to it.
#[derive(Debug)]
pub(super) struct TendedCatalog {
    pub(super) catalog: Catalog,
    /// Those who have left and whose shares are still being forgotten. No list is begun meanwhile.
    leaving: VecDeque<OwnerId>,
    caught_up_at: Instant,
}

impl TendedCatalog {
    pub(super) fn new(now: Instant) -> Self {
        Self { catalog: Catalog::new(), leaving: VecDeque::new(), caught_up_at: now }
    }

    /// Forgets an owner, if they share very much step by step; `true` if it is done.
    pub(super) fn forget(&mut self, owner: OwnerId) -> bool {
        let is_done = self.catalog.shares_of(owner) <= FORGOTTEN_AT_ONCE;
        if is_done {
            self.catalog.remove_owner(owner);
        } else {
            self.leaving.push_back(owner);
        }
        is_done
    }

    /// Whether somebody is still being forgotten.
    pub(super) fn is_forgetting(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// The next step of forgetting; who is forgotten with it.
    pub(super) fn forget_some(&mut self) -> Option<OwnerId> {
        let owner = self.leaving.front().copied()?;
        self.catalog.clear_owner(owner, FORGOTTEN_AT_ONCE);
        if self.catalog.shares_of(owner) > 0 {
            return None;
        }
        self.catalog.remove_owner(owner);
        self.leaving.pop_front()
    }

    /// Works some of the shares that came into the index, if it is time to.
    pub(super) fn catch_up(&mut self, now: Instant) {
        if self.catching_up_due().is_some_and(|due| due <= now) {
            self.catalog.catch_up();
            self.caught_up_at = now;
        }
    }

    /// When some of the pending shares are worked into the index.
    pub(super) fn catching_up_due(&self) -> Option<Instant> {
        self.catalog.is_pending().then(|| self.caught_up_at + CATCH_UP_EVERY)
    }
}
