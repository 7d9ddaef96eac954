//! Until when, and why, the owner of a network keeps somebody out of it, as the one who is kept out knows it.

use std::time::SystemTime;

use crate::model::ban_terms::Remark;

/// What we know of why we are not let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptAway {
    /// When we may come back by this computer's clock; none if nobody has said.
    pub until: Option<SystemTime>,
    /// What the owner says of why: a stranger's text.
    pub reason: Option<Remark>,
}
