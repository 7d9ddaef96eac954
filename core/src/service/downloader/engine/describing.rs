//! What is behind a download, for a person who looks closer.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Engine, now};
use crate::model::transfer::TransferId;
use crate::model::transfer_details::{FileDetails, FilePage, FileQuery, FileStage, TransferDetails};
use crate::transfer::job::FileState;

impl Engine {
    /// The machine is asked here; the disk and the record on a thread of their own.
    pub(super) fn describe(
        &mut self,
        id: TransferId,
        query: FileQuery,
        reply: oneshot::Sender<Option<TransferDetails>>,
    ) {
        let described = self.machine.describe(id, &query, now());
        let failed = self.machine.job(id).map_or(0, |job| job.counts().failed);
        let (Some(described), Some(job)) = (described, self.file_work.job(id)) else {
            let _nobody_waits = reply.send(None);
            return;
        };
        let (store, disk) = (self.record.store(), Arc::clone(&self.file_work.files().disk));
        self.tasks.spawn_blocking(move || {
            let indexes = described.files.iter().filter(|(_, state, _)| *state == FileState::Failed);
            let indexes: Vec<u32> = indexes.map(|(index, ..)| *index).collect();
            let mut reasons = store.download_failures(id, &indexes).unwrap_or_default();
            let file = |(index, state, done_bytes): (u32, FileState, u64)| {
                let saved = job.saved.files.get(index as usize)?;
                let stage = match state {
                    FileState::Pending => FileStage::Waiting,
                    FileState::Active => FileStage::UnderWay,
                    FileState::Held => FileStage::Held,
                    FileState::LeftOut => FileStage::LeftOut,
                    FileState::Done => FileStage::Finished,
                    FileState::Failed => FileStage::Failed(reasons.remove(&index)),
                };
                Some(FileDetails { path: saved.remote.to_string(), size: saved.content.size, done_bytes, stage })
            };
            let files = described.files.into_iter().filter_map(file).collect();
            let _nobody_waits = reply.send(Some(TransferDetails {
                number: id,
                sources: described.sources,
                sources_left_out: described.sources_left_out,
                map: described.map,
                files: FilePage { query, files, total: described.total, failed: failed as u64 },
                free_bytes: job.free_bytes(disk.as_ref()),
            }));
        });
    }
}
