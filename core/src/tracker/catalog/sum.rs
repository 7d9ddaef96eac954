//! What shares are together: how many, how many bytes, and whose.

use crate::protocol::reply::Totals;
use crate::tracker::catalog::OwnerId;

/// Whose some shares are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whose(u32);

impl Default for Whose {
    fn default() -> Self {
        Self::NOBODYS
    }
}

impl Whose {
    const NOBODYS: Self = Self(u32::MAX);
    const SEVERAL: Self = Self(u32::MAX - 1);

    /// The one owner, if there are not several.
    pub(super) fn owner(self) -> Option<OwnerId> {
        (self != Self::NOBODYS && self != Self::SEVERAL).then_some(OwnerId(self.0))
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NOBODYS, other) => other,
            (one, Self::NOBODYS) => one,
            (one, other) if one == other => one,
            _ => Self::SEVERAL,
        }
    }
}

/// What the shares of one leaf are together. Sixteen bytes: there is one for each leaf.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LeafSum {
    /// Sizes that do not fit are [`u64::MAX`] together; that of each leaf is worked out anew when one goes.
    bytes: u64,
    whose: Whose,
    shares: u32,
}

impl LeafSum {
    /// One more share.
    pub(super) fn add(&mut self, owner: OwnerId, size: Option<u64>) {
        self.bytes = self.bytes.saturating_add(size.unwrap_or(0));
        self.whose = self.whose.and(Whose(owner.0));
        self.shares += 1;
    }
}

/// What any number of shares are together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ShareSum {
    shares: u64,
    /// More than fits on the wire: each share may say that it has 2⁶⁴ bytes.
    bytes: u128,
    whose: Whose,
}

impl ShareSum {
    /// One more share.
    pub(super) fn add(&mut self, owner: OwnerId, size: Option<u64>) {
        self.shares += 1;
        self.bytes += u128::from(size.unwrap_or(0));
        self.whose = self.whose.and(Whose(owner.0));
    }

    /// The shares of one leaf more.
    pub(super) fn add_leaf(&mut self, leaf: &LeafSum) {
        self.shares += u64::from(leaf.shares);
        self.bytes += u128::from(leaf.bytes);
        self.whose = self.whose.and(leaf.whose);
    }

    /// Other shares, too.
    pub(super) fn add_all(&mut self, other: &Self) {
        self.shares += other.shares;
        self.bytes += other.bytes;
        self.whose = self.whose.and(other.whose);
    }

    /// Other shares, too, of owners of another catalog.
    pub(super) fn add_foreign(&mut self, other: &Self) {
        let whose = if self.whose == Whose::NOBODYS { other.whose } else { Whose::SEVERAL };
        self.add_all(other);
        self.whose = whose;
    }

    /// The one whose they are, if not of several.
    pub(super) fn owner(&self) -> Option<OwnerId> {
        self.whose.owner()
    }

    /// As it is said on the wire.
    pub(super) fn totals(&self) -> Totals {
        totals(self.shares, self.bytes)
    }
}

/// Files and bytes as they are said on the wire: what does not fit is the largest number.
pub(super) fn totals(files: u64, bytes: u128) -> Totals {
    Totals { files, bytes: u64::try_from(bytes).unwrap_or(u64::MAX) }
}
