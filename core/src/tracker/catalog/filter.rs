//! Which shares a list is of, and how they are told from others with as little reading as can be.

use crate::model::file_kind::FileKind;
use crate::model::hash::ContentHash;
use crate::model::share_path::SharePath;
use crate::tracker::catalog::OwnerId;
use crate::tracker::catalog::leaf::{Leaf, Mask};
use crate::tracker::catalog::pending_delta::PendingDelta;
use crate::tracker::catalog::query::WordQuery;
use crate::tracker::catalog::term::Term;

/// Which shares are wanted: those to which everything here applies. An empty one means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShareFilter {
    /// Those of one owner.
    pub owner: Option<OwnerId>,
    /// Those of one content.
    pub hash: Option<ContentHash>,
    /// Those whose paths have some words.
    pub words: Option<WordQuery>,
    /// Those of one kind.
    pub kind: Option<FileKind>,
    /// Those with a size of at least so many bytes.
    pub size_min: Option<u64>,
    /// Those below a folder.
    pub folder: Option<SharePath>,
}

/// Looking for the ending of a path among those of kinds takes as long as looking through it so many times.
const KIND_LOOKS: usize = 3;

impl ShareFilter {
    /// Whether all shares are wanted.
    pub(super) fn is_everything(&self) -> bool {
        self.is_folder_only() && self.folder.is_none()
    }

    /// Whether all shares below the folder are wanted, or all if there is none.
    pub(super) fn is_folder_only(&self) -> bool {
        let Self { owner, hash, words, kind, size_min, folder: _ } = self;
        owner.is_none() && hash.is_none() && words.is_none() && kind.is_none() && size_min.is_none()
    }

    /// The owner, if that is all that is asked for.
    pub(super) fn only_owner(&self) -> Option<OwnerId> {
        let owner = self.owner?;
        Self { owner: None, ..self.clone() }.is_everything().then_some(owner)
    }

    /// What the signature indexes of leaves know of what is wanted.
    pub(super) fn terms(&self) -> Vec<Term> {
        let mut terms = self.segment_terms();
        terms.extend_from_slice(self.words.as_ref().map_or(&[], WordQuery::terms));
        terms
    }

    /// The terms that the signature index of segments has, too: not those of words.
    pub(super) fn segment_terms(&self) -> Vec<Term> {
        let owner = self.owner.map(Term::owner);
        owner.into_iter().chain(self.hash.as_ref().map(Term::hash)).collect()
    }

    /// How many times a text is looked through at worst.
    pub(super) fn looks(&self) -> usize {
        let kind = if self.kind.is_some() { KIND_LOOKS } else { 0 };
        (self.words.as_ref().map_or(0, WordQuery::words_len) + kind).max(1)
    }

    /// What of the shares that are not in a signature index yet can be wanted.
    pub(super) fn matches_pending(&self, pending: &PendingDelta) -> Mask {
        let mut mask = Mask::MAX;
        if let Some(owner) = self.owner {
            mask &= pending.with_value(Term::owner(owner));
        }
        if let Some(hash) = &self.hash {
            mask &= pending.with_value(Term::hash(hash));
        }
        match &self.words {
            Some(words) if mask != 0 => mask & words.matches_of(pending.keys()),
            _ => mask,
        }
    }

    /// The wanted shares of a leaf. What is nearest is looked at first: the texts only if any share is left. `scratch`
    /// is where search keys are made.
    pub(super) fn matches(&self, leaf: &Leaf, scratch: &mut Vec<u8>) -> Mask {
        let mut mask = leaf.all();
        if let Some(owner) = self.owner {
            mask &= leaf.of_owner(owner);
        }
        if let Some(hash) = &self.hash {
            mask &= leaf.of_hash(hash);
        }
        if let Some(size_min) = self.size_min {
            mask &= leaf.of_size(size_min);
        }
        if let Some(words) = self.words.as_ref().filter(|_| mask != 0) {
            mask &= words.matches(leaf, scratch);
        }
        if let Some(folder) = self.folder.as_ref().filter(|_| mask != 0) {
            mask = leaf.below(folder, mask);
        }
        if let Some(kind) = self.kind.filter(|_| mask != 0) {
            mask = leaf.of_kind(kind, mask);
        }
        mask
    }
}
