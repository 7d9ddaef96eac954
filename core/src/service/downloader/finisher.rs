//! Gives files their names when all of them is written: small ones many at a time, with one wait for the disk and one
//! commit; and writes down that they are done before anybody is told.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::disk::place::place_error::PlaceError;
use crate::disk::place::target::{Part, finish_many};
use crate::model::transfer::TransferError;
use crate::service::downloader::Event;
use crate::service::downloader::files::{Files, OpenPart, SmallRoom, fault_of, is_whole};
use crate::store::Store;
use crate::store::saved_state::SavedState;
use crate::transfer::downloads::WriteFault;
use crate::transfer::job::FileId;

/// Small files that wait to be finished; whoever writes more of them waits. Each is an open file.
const SMALL_WAITING_MAX: usize = 128;
/// Small files that are finished together.
const TOGETHER_MAX: usize = 256;

/// A small file that is written and verified.
pub(super) struct Small {
    pub(super) file: FileId,
    pub(super) part: Part,
    /// Whether a file of its name is replaced.
    pub(super) replace: bool,
    /// Held until it is closed.
    pub(super) room: Option<SmallRoom>,
}

/// A handle on the thread that finishes small files.
#[derive(Clone)]
pub(super) struct Finisher {
    small: mpsc::Sender<Small>,
}

/// What finishing came to.
pub(super) type Finished = Vec<(FileId, Result<(), WriteFault>)>;

impl Finisher {
    /// Starts the thread. It ends when no handle is left.
    pub(super) fn start(files: Arc<Files>, store: Arc<Store>, events: mpsc::Sender<Event>) -> (Self, JoinHandle<()>) {
        let (small, waiting) = mpsc::channel(SMALL_WAITING_MAX);
        let task = tokio::task::spawn_blocking(move || finish_small_ones(waiting, &files, &store, &events));
        (Self { small }, task)
    }

    /// Has a small file finished. Waits while too many do.
    pub(super) async fn finish(&self, small: Small) {
        // The thread ends only after every handle is gone, this one too.
        let _never = self.small.send(small).await;
    }
}

fn finish_small_ones(mut waiting: mpsc::Receiver<Small>, files: &Files, store: &Store, events: &mpsc::Sender<Event>) {
    let mut together = Vec::new();
    while let Some(first) = waiting.blocking_recv() {
        together.push(first);
        while together.len() < TOGETHER_MAX
            && let Ok(next) = waiting.try_recv()
        {
            together.push(next);
        }
        let mut finished = Finished::new();
        for replace in [false, true] {
            let chosen = together.extract_if(.., |small| small.replace == replace);
            let (parts, of): (Vec<Part>, Vec<(FileId, Option<SmallRoom>)>) =
                chosen.map(|small| (small.part, (small.file, small.room))).unzip();
            let results = finish_many(&parts, replace);
            for ((part, (id, room)), result) in parts.into_iter().zip(of).zip(results) {
                finished.push((id, settle(files, id, part, result.map(drop))));
                files.release_small(id);
                drop(room);
            }
        }
        record(store, &finished);
        if events.blocking_send(Event::Finished(finished)).is_err() {
            return;
        }
    }
}

/// Finishes one large file. Blocks.
pub(super) fn finish_large(files: &Files, store: &Store, file: FileId, open: &OpenPart) -> Finished {
    let replace = files.job(file.job).is_some_and(|job| job.saved.existing.is_replace());
    open.part.keep(files.take_kept(file));
    let result = open.part.finish(replace).map(drop);
    let finished = vec![(file, result.map_err(fault_of))];
    record(store, &finished);
    finished
}

/// A file that is there already, with the very content, was finished by an earlier run.
fn settle(files: &Files, file: FileId, part: Part, result: Result<(), PlaceError>) -> Result<(), WriteFault> {
    match result {
        Err(PlaceError::Exists) => {
            let content = files.job(file.job).and_then(|job| job.content(file.index));
            let is_here = content.is_some_and(|content| is_whole(part.target(), content));
            if let Err(error) = part.remove() {
                tracing::warn!(%error, "an unfinished file of no use stays");
            }
            if is_here { Ok(()) } else { Err(WriteFault::File(TransferError::Exists)) }
        }
        other => other.map_err(fault_of),
    }
}

/// What is not written down is found to be there at the next start.
fn record(store: &Store, finished: &Finished) {
    let done: Vec<_> = finished
        .iter()
        .filter(|(_, result)| result.is_ok())
        .map(|(file, _)| (file.job, file.index, SavedState::Done))
        .collect();
    if !done.is_empty()
        && let Err(error) = store.record_download(&done, true)
    {
        tracing::warn!(%error, "finished files cannot be written down");
    }
}
