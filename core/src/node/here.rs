//! Which contents are on this computer: what I share, and what was fetched and is still where it was put.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::hash::ContentHash;
use crate::node::event::{HereFile, Outcome};
use crate::node::failure::Failure;
use crate::node::work::{FailedWork, WorkFault};
use crate::service::share_indexer::content::SharedTable;
use crate::store::Store;

/// Contents of one question; a window has far fewer in view.
const CONTENTS_MAX: usize = 1_000;

/// Looks for them, on a thread that may wait for the disk.
pub(super) async fn find(
    table: SharedTable,
    store: Arc<Store>,
    mut contents: Vec<ContentHash>,
) -> Result<Outcome, Failure> {
    contents.truncate(CONTENTS_MAX);
    let look = tokio::task::spawn_blocking(move || look_for(&table, &store, &contents));
    let failed = |why: WorkFault| Failure::Internal { what: FailedWork::LookingForContents, why };
    let found = look.await.map_err(|_panic| failed(WorkFault::Panic))?;
    found.map(Outcome::Here).map_err(|error| failed(error.to_string().into()))
}

fn look_for(table: &SharedTable, store: &Store, contents: &[ContentHash]) -> Result<Vec<HereFile>, redb::Error> {
    let shared =
        |hash: &ContentHash| Some(HereFile { hash: *hash, local_path: table.local_path_of(*hash)?, is_shared: true });
    let mut here: Vec<HereFile> = contents.iter().filter_map(shared).collect();
    let known: HashSet<ContentHash> = here.iter().map(|file| file.hash).collect();
    let others: Vec<ContentHash> = contents.iter().filter(|hash| !known.contains(hash)).copied().collect();
    for file in store.fetched(&others)? {
        let is_there = |metadata: std::fs::Metadata| metadata.is_file() && metadata.len() == file.size;
        if file.local_path.symlink_metadata().is_ok_and(is_there) {
            here.push(HereFile { hash: file.hash, local_path: file.local_path, is_shared: false });
        }
    }
    Ok(here)
}
