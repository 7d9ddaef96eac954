//! Puts records on disk, on a thread of its own: a durable commit waits for the disk. Records that came meanwhile go
//! together into the next commit.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use crate::model::binding::Record;
use crate::service::tracker_server::Message;
use crate::store::Store;
use crate::tracker::input::{Input, SessionId, Ticket};

/// Jobs that wait for the disk. Beyond it a registration is refused: the disk is too slow or stuck.
const WAITING_RECORDS_MAX: usize = 16 * 1024;
/// Jobs of one commit.
const COMMIT_MAX: usize = 4096;

/// Records to be written, all of them or none.
pub(super) struct SaveJob {
    pub(super) ticket: Ticket,
    pub(super) records: Vec<Record>,
}

/// The thread, as its owner sees it.
pub(super) struct RecordWriter {
    jobs: mpsc::Sender<SaveJob>,
    thread: JoinHandle<()>,
}

/// Starts the thread. It says how each job fared to `answers`.
pub(super) fn start(store: Arc<Store>, answers: mpsc::Sender<Message>) -> io::Result<RecordWriter> {
    let (jobs, waiting) = mpsc::channel(WAITING_RECORDS_MAX);
    let name = "potok-tracker-records".to_owned();
    let thread = std::thread::Builder::new().name(name).spawn(move || run(&store, waiting, &answers))?;
    Ok(RecordWriter { jobs, thread })
}

impl RecordWriter {
    /// Hands a job over; `false` if too many wait.
    pub(super) fn write(&self, job: SaveJob) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self) {
        drop(self.jobs);
        let _ended = tokio::task::spawn_blocking(move || self.thread.join()).await;
    }
}

fn run(store: &Store, mut waiting: mpsc::Receiver<SaveJob>, answers: &mpsc::Sender<Message>) {
    let mut jobs = Vec::new();
    while waiting.blocking_recv_many(&mut jobs, COMMIT_MAX) > 0 {
        let tickets: Vec<Ticket> = jobs.iter().map(|job| job.ticket).collect();
        let records: Vec<Record> = jobs.drain(..).flat_map(|job| job.records).collect();
        let written = store.change_names(&records);
        if let Err(error) = &written {
            tracing::error!(%error, count = records.len(), "records could not be written");
        }
        for ticket in tickets {
            let stored = Input::Stored { ticket, done: written.is_ok() };
            // After the end of the driver nobody wants to know.
            let _stopped = answers.blocking_send(Message::Input(SessionId::NONE, stored));
        }
    }
}
