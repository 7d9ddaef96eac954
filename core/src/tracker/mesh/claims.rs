//! Who says that a name is theirs, at which tracker, and whose it is then. All trackers that know the same claims find the
//! same, in whatever order they came.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::protocol::mesh_line::MeshUser;

/// Where a claim comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ClaimSource {
    /// A tracker has this user now.
    Tracker(SocketAddr),
    /// A tracker had them before it ended: who has gone with it, and is shown for a moment in which they may come back.
    Ended(SocketAddr, u64),
}

impl ClaimSource {
    pub(super) fn tracker(self) -> SocketAddr {
        match self {
            Self::Tracker(tracker) | Self::Ended(tracker, _) => tracker,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) source: ClaimSource,
    pub(super) user: Arc<MeshUser>,
}

impl Claim {
    /// The largest one has the name. A key comes before none; of one key the later registration counts, and without keys the
    /// earlier: nobody takes a name away without proving something.
    fn rank(&self) -> (bool, bool, u64, Reverse<u64>, SocketAddr) {
        let is_here = matches!(self.source, ClaimSource::Tracker(_));
        let (with_key, stamp) = (self.user.key.is_some(), self.user.stamp);
        let (late, early) = if with_key { (stamp, 0) } else { (0, stamp) };
        (is_here, with_key, late, Reverse(early), self.source.tracker())
    }
}

/// What a change of claims did to a name.
#[derive(Debug)]
pub(super) struct NameTurn {
    pub(super) before: Option<Claim>,
    pub(super) after: Option<Claim>,
}

/// By name, case folded.
#[derive(Debug, Default)]
pub(super) struct Claims {
    by_name: BTreeMap<Box<str>, Vec<Claim>>,
}

impl Claims {
    /// What a source says of a name, if it claims it.
    pub(super) fn of(&self, folded: &str, source: ClaimSource) -> Option<&Arc<MeshUser>> {
        self.by_name.get(folded)?.iter().find(|claim| claim.source == source).map(|claim| &claim.user)
    }

    /// Who has a name.
    pub(super) fn winner(&self, folded: &str) -> Option<&Claim> {
        self.by_name.get(folded)?.iter().max_by(|a, b| a.rank().cmp(&b.rank()))
    }

    /// Everybody who has a name, by name.
    pub(super) fn winners(&self) -> impl Iterator<Item = &Claim> {
        self.by_name.values().filter_map(|claims| claims.iter().max_by(|a, b| a.rank().cmp(&b.rank())))
    }

    /// A source claims a name, or says something else of it than before.
    pub(super) fn put(&mut self, folded: &str, source: ClaimSource, user: Arc<MeshUser>) -> NameTurn {
        let before = self.winner(folded).cloned();
        if !self.by_name.contains_key(folded) {
            self.by_name.insert(folded.into(), Vec::with_capacity(1));
        }
        if let Some(claims) = self.by_name.get_mut(folded) {
            claims.retain(|claim| claim.source != source);
            claims.push(Claim { source, user });
        }
        NameTurn { before, after: self.winner(folded).cloned() }
    }

    /// A source claims a name no longer.
    pub(super) fn take(&mut self, folded: &str, source: ClaimSource) -> NameTurn {
        let before = self.winner(folded).cloned();
        if let Some(claims) = self.by_name.get_mut(folded) {
            claims.retain(|claim| claim.source != source);
            if claims.is_empty() {
                self.by_name.remove(folded);
            }
        }
        NameTurn { before, after: self.winner(folded).cloned() }
    }
}
