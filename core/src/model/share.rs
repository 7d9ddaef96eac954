//! What is announced.

use crate::model::hash::ContentHash;
use crate::model::share_path::SharePath;

/// One announced file. A person at telnet may leave size and hash out; such a share can be seen but not verified, so
/// no client downloads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The share path that it is announced under; unique among its owner's shares.
    pub path: SharePath,
    /// The length of the file in bytes, if it was announced.
    pub size: Option<u64>,
    /// The hash of the content, if it was announced.
    pub hash: Option<ContentHash>,
}
