//! Which download goes where. A place is one download's, from the moment it is asked for until it is off the list.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::model::transfer::TransferId;
use crate::service::downloader::adding::{self, Added, LookedAtOver};
use crate::service::downloader::files::{Disk, JobFiles};
use crate::service::downloader::joining::{Grown, Growth};
use crate::service::downloader::{AddError, Event, NewDownload};
use crate::service::transfer_numbers::TransferNumbers;
use crate::store::Store;
use crate::store::downloads::SavedDownload;

/// Where the answer to a new download goes.
pub(super) type AddReply = oneshot::Sender<Result<TransferId, AddError>>;

/// The places of all downloads on the list, and the way onto it.
pub(super) struct Targets {
    store: Arc<Store>,
    disk: Arc<dyn Disk>,
    numbers: Arc<TransferNumbers>,
    /// Which download goes to which path; `None` while it is being added.
    taken: HashMap<PathBuf, Option<TransferId>>,
    /// Asked for while another download to the same place is being added.
    deferred: Vec<(NewDownload, AddReply)>,
    events: mpsc::Sender<Event>,
}

impl Targets {
    pub(super) fn new(
        store: Arc<Store>,
        disk: Arc<dyn Disk>,
        numbers: Arc<TransferNumbers>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self { store, disk, numbers, taken: HashMap::new(), deferred: Vec::new(), events }
    }

    /// The first of these paths that a download goes to already, and which one; `None` while that one is being added.
    pub(super) fn first_taken<'a>(&self, paths: &'a [PathBuf]) -> Option<(&'a PathBuf, Option<TransferId>)> {
        paths.iter().find_map(|path| Some((path, *self.taken.get(path)?)))
    }

    /// Waits until what is being added is on the list.
    pub(super) fn defer(&mut self, new: NewDownload, reply: AddReply) {
        self.deferred.push((new, reply));
    }

    /// Those that waited: each is to be asked for again.
    pub(super) fn take_deferred(&mut self) -> Vec<(NewDownload, AddReply)> {
        std::mem::take(&mut self.deferred)
    }

    /// Takes the places of a new download and writes it down; what comes of it is an [`Event::Added`].
    pub(super) fn add(
        &mut self,
        mut download: SavedDownload,
        paths: Vec<PathBuf>,
        reply: AddReply,
        tasks: &mut JoinSet<()>,
    ) {
        self.taken.extend(paths.into_iter().map(|path| (path, None)));
        let (store, numbers, events) = (Arc::clone(&self.store), Arc::clone(&self.numbers), self.events.clone());
        let disk = Arc::clone(&self.disk);
        tasks.spawn_blocking(move || {
            let tells_case_apart = |folder: &Path| disk.tells_case_apart(folder);
            let result = adding::save(&store, &numbers, &mut download, tells_case_apart);
            let _ended = events.blocking_send(Event::Added(Box::new(Added { download, result, reply })));
        });
    }

    /// A download that is over holds its targets until somebody was told. Looks whether its files, each with its length,
    /// are still there; the answer is an [`Event::LookedAtOver`].
    pub(super) fn look_at_over(
        &self,
        id: TransferId,
        done: Vec<(u32, PathBuf, u64)>,
        (new, reply): (NewDownload, AddReply),
        tasks: &mut JoinSet<()>,
    ) {
        let events = self.events.clone();
        tasks.spawn_blocking(move || {
            let looked = LookedAtOver { id, gone: adding::gone(&done), new, reply };
            let _ended = events.blocking_send(Event::LookedAtOver(Box::new(looked)));
        });
    }

    /// Takes the places of what a download gets besides, and writes it down; what comes of it is an [`Event::Grown`].
    pub(super) fn grow(&mut self, id: TransferId, mut growth: Growth, reply: AddReply, tasks: &mut JoinSet<()>) {
        for index in growth.added() {
            self.taken.insert(growth.path(index), None);
        }
        let (store, disk, events) = (Arc::clone(&self.store), Arc::clone(&self.disk), self.events.clone());
        tasks.spawn_blocking(move || {
            let result = growth.save(&store, id, |folder: &Path| disk.tells_case_apart(folder));
            let _ended = events.blocking_send(Event::Grown(Box::new(Grown { id, growth, result, reply })));
        });
    }

    /// What was asked for besides was refused, or is of no use any more: its places are free.
    pub(super) fn shrink(&mut self, growth: &Growth) {
        for index in growth.added() {
            self.taken.remove(&growth.path(index));
        }
    }

    /// A file of a download goes to another place; `false` if that is another's.
    pub(super) fn go_elsewhere(&mut self, id: TransferId, old: &Path, new: &Path) -> bool {
        if self.taken.get(new).is_some_and(|of| *of != Some(id)) {
            return false;
        }
        if self.taken.get(old) == Some(&Some(id)) {
            self.taken.remove(old);
        }
        self.taken.insert(new.to_owned(), Some(id));
        true
    }

    /// A download is on the list: its places have its number.
    pub(super) fn settle(&mut self, id: TransferId, files: &JobFiles) {
        for (index, _) in (0u32..).zip(&files.saved.files) {
            self.taken.insert(files.path(index), Some(id));
        }
    }

    /// A new download was refused: its places are free.
    pub(super) fn refused(&mut self, download: &SavedDownload) {
        for file in &download.files {
            self.taken.remove(&file.name.path_below(&download.into));
        }
    }

    /// A download is off the list: its places are free.
    pub(super) fn forget(&mut self, id: TransferId) {
        self.taken.retain(|_, other| *other != Some(id));
    }
}
