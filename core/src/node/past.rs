//! What came to its end, and room for what is to come.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot};

use crate::disk::place::target::TargetDir;
use crate::model::transfer::Transfer;
use crate::model::transfer_details::PastTransfer;
use crate::node::event::Outcome;
use crate::node::failure::Failure;
use crate::node::work::{FailedWork, WorkFault};
use crate::store::Store;

/// What has ended and waits to be written down; what comes while so much waits is left out.
const PAST_WAITING_MAX: usize = 1_000;

/// What ended, and who writes it down: in the order in which it is told.
#[derive(Clone)]
pub(super) struct History {
    messages: mpsc::Sender<HistoryMessage>,
    store: Arc<Store>,
}

/// What the task that writes is told.
enum HistoryMessage {
    Ended(PastTransfer),
    /// All that was told before is to be written down; then this is answered.
    Flush(oneshot::Sender<()>),
}

impl History {
    /// What is told to it, and the task that writes it down as long as somebody may tell it.
    pub(super) fn keep(store: Arc<Store>) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (messages, mut told) = mpsc::channel(PAST_WAITING_MAX);
        let history = Self { messages, store: Arc::clone(&store) };
        let keeping = async move {
            let mut batch = Vec::new();
            while told.recv_many(&mut batch, PAST_WAITING_MAX).await > 0 {
                let (mut ended, mut waiting) = (Vec::new(), Vec::new());
                for message in batch.drain(..) {
                    match message {
                        HistoryMessage::Ended(transfer) => ended.push(transfer),
                        HistoryMessage::Flush(flushed) => waiting.push(flushed),
                    }
                }
                if !ended.is_empty() {
                    let store = Arc::clone(&store);
                    let written = tokio::task::spawn_blocking(move || store.add_history(&ended)).await;
                    if let Ok(Err(error)) = written {
                        tracing::warn!(%error, "what has ended cannot be written down");
                    }
                }
                for flushed in waiting {
                    let _gone = flushed.send(());
                }
            }
        };
        (history, keeping)
    }

    /// Notes what has ended; what comes faster than a disk writes is left out.
    pub(super) fn note(&self, transfer: Transfer) {
        let _full = self.messages.try_send(HistoryMessage::Ended(past(transfer)));
    }

    /// What came to its end, as far as it is remembered.
    pub(super) async fn list(self) -> Result<Outcome, Failure> {
        self.after_flush(|store| store.history()).await.map(Outcome::History)
    }

    /// Forgets what came to its end.
    pub(super) async fn clear(self) -> Result<Outcome, Failure> {
        self.after_flush(|store| store.clear_history()).await.map(|()| Outcome::Done)
    }

    async fn after_flush<T: Send + 'static>(
        self,
        work: impl FnOnce(&Store) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let (flushed, written) = oneshot::channel();
        if self.messages.send(HistoryMessage::Flush(flushed)).await.is_ok() {
            let _stopped = written.await;
        }
        let failed = |why: WorkFault| Failure::Internal { what: FailedWork::KeepingHistory, why };
        match tokio::task::spawn_blocking(move || work(&self.store)).await {
            Ok(result) => result.map_err(|error| failed(error.to_string().into())),
            Err(_panic) => Err(failed(WorkFault::Panic)),
        }
    }
}

/// A transfer as it is remembered.
fn past(ended: Transfer) -> PastTransfer {
    let Transfer { direction, user, label, local_path, files, total_bytes: bytes, way, .. } = ended;
    PastTransfer { direction, user, label, local_path, files, bytes, ended_at: SystemTime::now(), way }
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
