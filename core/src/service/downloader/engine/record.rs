//! The record that is kept for the next start.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::model::transfer::TransferId;
use crate::model::way::Way;
use crate::store::Store;
use crate::store::downloads::{SavedDownload, WantedFile};
use crate::store::saved_state::SavedState;
use crate::transfer::downloads::Downloads;

/// Writes down what changed, one after the other: the last word is the last one written.
pub(super) struct QueueRecord {
    store: Arc<Store>,
    /// Whose progress is not written down.
    unsaved: BTreeSet<TransferId>,
    /// By which way each was last written to have come.
    ways: HashMap<TransferId, Way>,
    /// What is to be written down, and the thread that writes what came before.
    writes: VecDeque<Write>,
    saving: Option<JoinHandle<()>>,
}

type Write = Box<dyn FnOnce(&Store) + Send>;

impl QueueRecord {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store, unsaved: BTreeSet::new(), ways: HashMap::new(), writes: VecDeque::new(), saving: None }
    }

    /// What it is written to.
    pub(super) fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// Notes that these moved on; [`QueueRecord::save_progress`] writes it down.
    pub(super) fn changed(&mut self, ids: &BTreeSet<TransferId>) {
        self.unsaved.extend(ids);
    }

    /// How far each has come, and by which way, for people who look after a restart.
    pub(super) fn save_progress(&mut self, machine: &Downloads, wait_for_disk: bool) {
        let (mut partial, mut ways) = (Vec::new(), Vec::new());
        for id in std::mem::take(&mut self.unsaved) {
            let Some(job) = machine.job(id) else { continue };
            partial.extend(job.partial().map(|(index, bytes)| (id, index, SavedState::Partial(bytes))));
            ways.extend(job.last_way.map(|way| (id, way)));
        }
        self.save_ways(&ways, wait_for_disk);
        if !partial.is_empty() {
            self.save(move |store| store.record_download(&partial, wait_for_disk));
        }
    }

    /// How the last bytes of these came.
    pub(super) fn save_ways(&mut self, ways: &[(TransferId, Way)], wait_for_disk: bool) {
        let changed = ways.iter().filter(|(id, way)| self.ways.insert(*id, *way) != Some(*way));
        let changed: Vec<(TransferId, Way)> = changed.copied().collect();
        if !changed.is_empty() {
            self.save(move |store| store.record_ways(&changed, wait_for_disk));
        }
    }

    pub(super) fn save_paused(&mut self, id: TransferId, is_paused: bool) {
        self.save(move |store| store.pause_download(id, is_paused));
    }

    pub(super) fn save_files(&mut self, changes: Vec<(TransferId, u32, SavedState)>) {
        self.save(move |store| store.record_download(&changes, true));
    }

    /// A file is something else now.
    pub(super) fn save_file(&mut self, id: TransferId, index: u32, file: WantedFile) {
        self.save(move |store| store.write_file(id, index, &file));
    }

    /// These files of a download go elsewhere, or what becomes of what is in their way was said.
    pub(super) fn save_wanted(&mut self, id: TransferId, download: SavedDownload, indexes: Vec<u32>) {
        self.save(move |store| store.write_files(id, &download, &indexes));
    }

    pub(super) fn save_ranks(&mut self, ranks: Vec<(TransferId, u64)>) {
        self.save(move |store| store.rank_downloads(&ranks));
    }

    /// What came of it is known when it is off the list.
    pub(super) fn remember_fetched(&mut self, id: TransferId) {
        self.save(move |store| store.remember_fetched(id));
    }

    /// They are off the list.
    pub(super) fn forget(&mut self, ids: Vec<TransferId>) {
        for id in &ids {
            self.unsaved.remove(id);
            self.ways.remove(id);
        }
        self.save(move |store| store.forget_downloads(&ids));
    }

    fn save(&mut self, write: impl FnOnce(&Store) -> Result<(), redb::Error> + Send + 'static) {
        self.writes.push_back(Box::new(move |store: &Store| {
            if let Err(error) = write(store) {
                tracing::warn!(%error, "the queue of downloads cannot be saved");
            }
        }));
        if self.saving.is_none() {
            self.save_next();
        }
    }

    /// Waits for a write that is under way, for ever if none is; then [`QueueRecord::save_next`] is to be called.
    pub(super) async fn written(&mut self) {
        match &mut self.saving {
            Some(write) => _ = write.await,
            None => std::future::pending().await,
        }
    }

    /// Begins to write what came in the meantime.
    pub(super) fn save_next(&mut self) {
        let writes = std::mem::take(&mut self.writes);
        self.saving = (!writes.is_empty()).then(|| self.write(writes));
    }

    fn write(&self, writes: VecDeque<Write>) -> JoinHandle<()> {
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || writes.into_iter().for_each(|write| write(&store)))
    }

    /// Writes all that is left.
    pub(super) async fn finish(mut self) {
        if let Some(write) = self.saving.take() {
            let _panicked = write.await;
        }
        let writes = std::mem::take(&mut self.writes);
        let _panicked = self.write(writes).await;
    }
}
