//! The names of owners as they were at some moment: a list writes those of when it was started, however long it runs and
//! on whatever thread.

use std::sync::Arc;

use crate::model::username::Username;
use crate::tracker::catalog::OwnerId;

/// Names that are copied together when one changes while a list holds them.
const CHUNK_NAMES: usize = 64;

/// Names by owner. A copy costs nothing, and a change only what a copy still holds.
#[derive(Debug, Clone, Default)]
pub(super) struct OwnerNames(Arc<Vec<Arc<Vec<Username>>>>);

impl OwnerNames {
    /// Gives an owner a name. Places are taken in their order before one is taken again.
    pub(super) fn set(&mut self, owner: OwnerId, name: Username) {
        let (chunk, at) = place(owner);
        let chunks = Arc::make_mut(&mut self.0);
        if chunk == chunks.len() {
            chunks.push(Arc::new(Vec::with_capacity(CHUNK_NAMES)));
        }
        let names = Arc::make_mut(&mut chunks[chunk]);
        if at == names.len() {
            names.push(name);
        } else {
            names[at] = name;
        }
    }

    pub(super) fn get(&self, owner: OwnerId) -> &str {
        let (chunk, at) = place(owner);
        self.0[chunk][at].as_str()
    }
}

fn place(owner: OwnerId) -> (usize, usize) {
    let at = owner.0 as usize;
    (at / CHUNK_NAMES, at % CHUNK_NAMES)
}
