//! Everybody's shares, as the tracker reaches them: in a catalog of its own, or in shards.

use std::time::Instant;

use crate::model::username::Username;
use crate::tracker::catalog::OwnerId;
use crate::tracker::quotas::Taken;
use crate::tracker::shards::ask::OwnerShares;
use crate::tracker::shards::parted::PartedCatalog;
use crate::tracker::tended::TendedCatalog;

/// Where the shares are.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a tracker has one of it")]
pub(super) enum TrackerShares {
    /// Here: whatever is asked is answered at once.
    Here(TendedCatalog),
    /// In shards, which are asked.
    Parted(PartedCatalog),
}

impl TrackerShares {
    /// Makes room for somebody's shares.
    pub(super) fn add_owner(&mut self, username: &Username) -> OwnerId {
        match self {
            Self::Here(tended) => tended.catalog.add_owner(username.clone()),
            Self::Parted(parted) => parted.add_owner(username),
        }
    }

    /// Forgets an owner with all their shares; the id is void from now on.
    pub(super) fn forget(&mut self, owner: OwnerId) {
        match self {
            Self::Here(tended) => _ = tended.forget(owner),
            Self::Parted(parted) => parted.forget(owner),
        }
    }

    /// Whether they are in a catalog of the tracker's own.
    pub(super) fn are_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }

    /// How many shares there are. What is being announced counts as if all of it were new.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Here(tended) => tended.catalog.len(),
            Self::Parted(parted) => parted.len(),
        }
    }

    /// What somebody shares, as they were told.
    pub(super) fn kept_of(&self, owner: OwnerId) -> OwnerShares {
        match self {
            Self::Here(TendedCatalog { catalog, .. }) => {
                OwnerShares { totals: catalog.totals_of(owner), path_bytes: catalog.path_bytes_of(owner) }
            }
            Self::Parted(parted) => parted.kept(owner),
        }
    }

    /// What somebody takes, with what they are announcing.
    pub(super) fn taken_by(&self, owner: OwnerId) -> Taken {
        match self {
            Self::Here(_) => self.kept_of(owner).taken(),
            Self::Parted(parted) => parted.taken(owner),
        }
    }

    /// Whether somebody's shares are being forgotten here, so that no list may be begun.
    pub(super) fn is_forgetting(&self) -> bool {
        if let Self::Here(tended) = self { tended.is_forgetting() } else { false }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Instant) {
        if let Self::Here(tended) = self {
            _ = tended.forget_some();
            tended.catch_up(now);
        }
    }

    /// When [`Self::tick`] must be called, besides at once while [`Self::is_forgetting`].
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        if let Self::Here(tended) = self { tended.catching_up_due() } else { None }
    }
}
