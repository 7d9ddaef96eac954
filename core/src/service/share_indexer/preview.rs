//! What would be shared, said before anything is: how much it is, and what of it would be left out and why.

use crate::model::share_path::SharePath;
use crate::protocol::reply::Totals;
use crate::service::share_indexer::event::{LeftOutReason, ShareWarning};

/// What would be shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharePreview {
    /// Each thing that was asked for, in that order.
    pub items: Vec<PreviewedShare>,
    /// How many files of them are not shared yet.
    pub new_files: u64,
    /// How many more files may be shared.
    pub room: u64,
    /// How many files may be shared in all.
    pub shares_max: u64,
}

/// One file or folder that would be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewedShare {
    /// Where it lies on this disk.
    pub local: String,
    /// Whether it is a folder, which would be shared with all that comes into it later.
    pub is_folder: bool,
    /// What it would be announced under.
    pub share_as: SharePath,
    /// The files that would be shared, and their sizes as they are now.
    pub totals: Totals,
    /// What would be left out, and why.
    pub left_out: Vec<(LeftOutReason, u64)>,
    /// How many folders in it have no file to share: others do not get them.
    pub empty_folders: u64,
    /// What the person may not have meant.
    pub warning: Option<ShareWarning>,
}

impl SharePreview {
    /// Whether all of it may be shared.
    pub fn fits(&self) -> bool {
        self.new_files <= self.room
    }
}
