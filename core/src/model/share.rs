//! What is announced.

use crate::model::hash::ContentHash;
use crate::model::share_path::SharePath;

/// One announced file. A person at telnet may leave size and hash out; such a share can be seen but not verified, so
/// no client downloads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Under which name.
    pub path: SharePath,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// Its content.
    pub hash: Option<ContentHash>,
}
