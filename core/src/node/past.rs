//! What came to its end, and room for what is to come.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::mpsc;

use crate::disk::place::target::TargetDir;
use crate::model::transfer::Transfer;
use crate::model::transfer_details::PastTransfer;
use crate::node::event::Outcome;
use crate::node::failure::Failure;
use crate::node::work::{FailedWork, WorkFault};
use crate::store::Store;

/// What has ended and waits to be written down; what comes while so much waits is left out.
const PAST_WAITING_MAX: usize = 1_000;

/// Where what has ended is told.
pub(super) type PastSender = mpsc::Sender<PastTransfer>;

/// Writes down what is told to have ended, as long as somebody may tell it.
pub(super) fn keep(store: Arc<Store>) -> (PastSender, impl Future<Output = ()> + Send + 'static) {
    let (sender, mut ended) = mpsc::channel(PAST_WAITING_MAX);
    let keeping = async move {
        let mut batch = Vec::new();
        while ended.recv_many(&mut batch, PAST_WAITING_MAX).await > 0 {
            let (store, batch) = (Arc::clone(&store), std::mem::take(&mut batch));
            let written = tokio::task::spawn_blocking(move || store.add_history(&batch)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "what has ended cannot be written down");
            }
        }
    };
    (sender, keeping)
}

/// A transfer as it is remembered.
pub(super) fn past(ended: Transfer) -> PastTransfer {
    let Transfer { direction, user, label, local_path, files, total_bytes, .. } = ended;
    PastTransfer { direction, user, label, local_path, files, bytes: total_bytes, ended_at: SystemTime::now() }
}

/// What came to its end, as far as it is remembered.
pub(super) async fn list(store: Arc<Store>) -> Result<Outcome, Failure> {
    on_disk(move || store.history()).await.map(Outcome::History)
}

/// Forgets what came to its end.
pub(super) async fn clear(store: Arc<Store>) -> Result<Outcome, Failure> {
    on_disk(move || store.clear_history()).await.map(|()| Outcome::Done)
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, redb::Error> + Send + 'static,
) -> Result<T, Failure> {
    let failed = |why: WorkFault| Failure::Internal { what: FailedWork::KeepingHistory, why };
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| failed(error.to_string().into())),
        Err(_panic) => Err(failed(WorkFault::Panic)),
    }
}

/// Room in a folder, or where it would be made.
pub(super) async fn free_space(folder: PathBuf) -> Result<Outcome, Failure> {
    let look = move || {
        let there = folder.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned)?;
        TargetDir::open(&there).and_then(|folder| folder.free_bytes()).ok().flatten()
    };
    // A disk that does not answer says nothing.
    Ok(Outcome::FreeSpace(tokio::task::spawn_blocking(look).await.unwrap_or_default()))
}
