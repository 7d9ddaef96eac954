//! The downloader's one loop: everything that happens goes into the machine, everything it wants is carried out here.
//!
//! | module | what it owns |
//! |---|---|
//! | [`connections`] | connections to sources |
//! | [`file_work`] | files that are checked, written and finished |
//! | [`looking`] | what lies at the places of files before they come |
//! | [`targets`] | which download goes where, and those that are being added |
//! | [`record`] | what is written for the next start |
//! | [`told`] | what others are told |
//!
//! None of them knows another, or the loop. [`hearing`]: what happened. [`carrying`]: what the machine wants.
//! [`obeying`], [`joining`]: what a person wants. [`describing`]: what they want to know.

mod carrying;
mod connections;
mod describing;
mod file_work;
mod hearing;
mod joining;
mod looking;
mod obeying;
mod record;
mod targets;
mod told;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::service::downloader::engine::connections::Connections;
use crate::service::downloader::engine::file_work::FileWork;
use crate::service::downloader::engine::looking::Looks;
use crate::service::downloader::engine::record::QueueRecord;
use crate::service::downloader::engine::targets::Targets;
use crate::service::downloader::engine::told::DownloadNews;
use crate::service::downloader::files::Files;
use crate::service::downloader::finisher::Finisher;
use crate::service::downloader::link::DownloadResources;
use crate::service::downloader::{AddError, Command, DownloadSettings, DownloaderSetup, Event, List};
use crate::service::limiter::Limiter;
use crate::transfer::downloads::Downloads;
use crate::transfer::event::TransferEvent;

/// Words of connections and threads that wait to be heard; they wait too.
const EVENTS_MAX: usize = 256;
/// Those that are heard before what they lead to is carried out.
const EVENTS_TOGETHER: usize = 64;
/// How often time passes for the machine, and what changed is told.
const TICK: Duration = Duration::from_millis(100);
const TICK_WAITING: Duration = Duration::from_millis(500);
/// What changes at the tracker is taken up at once, and then not more often: all that is waited for is gone through, and on a
/// large network somebody always does something.
pub(super) const NEWS_EVERY: Duration = Duration::from_millis(100);
/// How often a full disk is looked at.
const ROOM_EVERY: Duration = Duration::from_secs(2);
/// How often progress is written down, for people who look after a restart.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// What does not end by itself in this time is left behind.
const ENGINE_STOP_MAX: Duration = Duration::from_millis(1500);

/// The machine, and the parts that carry out what it wants. Each part owns what it works with; what belongs to another,
/// and the tasks that it starts, it is handed.
pub(super) struct Engine {
    machine: Downloads,
    connections: Connections,
    file_work: FileWork,
    looks: Looks,
    targets: Targets,
    record: QueueRecord,
    told: DownloadNews,
    settings: watch::Receiver<DownloadSettings>,
    heard: mpsc::Receiver<Event>,
    tasks: JoinSet<()>,
    finisher_task: JoinHandle<()>,
    cancel: CancellationToken,
}

impl Engine {
    pub(super) async fn restore(
        setup: DownloaderSetup,
        list: Arc<List>,
        networks: watch::Receiver<u64>,
        listener: mpsc::Sender<TransferEvent>,
        cancel: CancellationToken,
    ) -> Result<Self, AddError> {
        let DownloaderSetup { store, tls, directory, arrivals, outgoing, settings, numbers, disk } = setup;
        let reader = Arc::clone(&store);
        let read =
            move || Ok::<_, redb::Error>((reader.downloads()?, reader.download_ranks()?, reader.download_ways()?));
        let (saved, ranks, ways) = tokio::task::spawn_blocking(read).await.map_err(|_panic| AddError::Stopped)??;
        let now_settings = *settings.borrow();
        let (events, heard) = mpsc::channel(EVENTS_MAX);
        let files = Arc::new(Files::new(Arc::clone(&disk), settings.clone()));
        let (finisher, finisher_task) = Finisher::start(Arc::clone(&files), Arc::clone(&store), events.clone());
        let limiter = Arc::new(Limiter::new(now_settings.bytes_per_second));
        let around = DownloadResources {
            tls,
            directory,
            arrivals,
            outgoing,
            networks,
            limiter,
            files: Arc::clone(&files),
            finisher,
        };
        let mut engine = Self {
            machine: Downloads::new(now_settings.at_once),
            connections: Connections::new(around, events.clone(), cancel.clone()),
            file_work: FileWork::new(files, Arc::clone(&store), events.clone()),
            looks: Looks::new(Arc::clone(&store), events.clone()),
            targets: Targets::new(Arc::clone(&store), disk, numbers, events),
            record: QueueRecord::new(store),
            told: DownloadNews::new(list, listener),
            settings,
            heard,
            tasks: JoinSet::new(),
            finisher_task,
            cancel,
        };
        engine.machine.set_metered(now_settings.is_metered);
        for (id, download) in saved {
            engine.tell_failed_before(id, &download);
            engine.take_in(id, download);
            engine.look(id);
        }
        engine.machine.set_ranks(&ranks);
        for (id, way) in ways {
            if let Some(job) = engine.machine.job_mut(id) {
                job.last_way = Some(way);
            }
        }
        engine.tell_changed();
        Ok(engine)
    }

    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let listener = self.told.listener();
        let (mut changes, mut networks) = (self.connections.changes(), self.connections.networks());
        let mut ticked = Instant::now();
        let mut looked_for_room = Instant::now();
        let mut saved = Instant::now();
        let mut next_news = Instant::now();
        let (mut may_change, mut settings_may_change) = (true, true);
        let mut batch = Vec::with_capacity(EVENTS_TOGETHER);
        loop {
            self.carry_out();
            // Nobody to fetch from: it is only waited for.
            let tick = if self.connections.is_empty() { TICK_WAITING } else { TICK };
            let is_resting = self.machine.is_at_rest()
                && self.told.is_at_rest()
                && self.looks.are_none()
                && !self.file_work.awaits_room();
            tokio::select! {
                () = self.cancel.cancelled() => break,
                Some(command) = commands.recv() => self.obey(command),
                _ = self.heard.recv_many(&mut batch, EVENTS_TOGETHER), if self.told.has_room() => {
                    for event in batch.drain(..) {
                        self.hear(event);
                    }
                }
                permit = listener.reserve(), if self.told.has_facts() => {
                    if self.told.tell_facts(permit.ok()) {
                        self.tell_changed();
                    }
                }
                changed = async { sleep_until(next_news).await; changes.changed().await }, if may_change => {
                    may_change = changed.is_ok();
                    next_news = Instant::now() + NEWS_EVERY;
                    self.machine.news(now());
                }
                Ok(()) = networks.changed() => self.machine.network_changed(),
                changed = self.settings.changed(), if settings_may_change => {
                    settings_may_change = changed.is_ok();
                    let settings = *self.settings.borrow_and_update();
                    self.machine.set_at_once(settings.at_once);
                    self.machine.set_metered(settings.is_metered);
                    self.connections.set_limit(settings.bytes_per_second);
                    self.tell_changed();
                }
                Some(_ended) = self.tasks.join_next() => {}
                () = self.record.written() => self.record.save_next(),
                () = sleep_until(ticked + tick), if !is_resting => {
                    ticked = Instant::now();
                    self.machine.tick(now());
                    for (id, bytes) in self.looks.progress() {
                        self.machine.looked(id, bytes);
                    }
                    self.tell_changed();
                    if looked_for_room.elapsed() >= ROOM_EVERY {
                        looked_for_room = Instant::now();
                        self.file_work.look_for_room(&mut self.tasks);
                    }
                    if saved.elapsed() >= SAVE_EVERY {
                        saved = Instant::now();
                        self.record.save_progress(&self.machine, false);
                    }
                }
            }
        }
        self.stop().await;
    }

    /// Puts what changed on the list, and has it told and written down.
    fn tell_changed(&mut self) {
        let changed = self.machine.take_changed();
        self.record.changed(&changed);
        self.told.tell_changed(changed, &mut self.machine, self.file_work.files(), now());
    }

    async fn stop(self) {
        let Self {
            machine, mut connections, file_work, looks, mut record, mut heard, mut tasks, finisher_task, ..
        } = self;
        connections.disconnect_all();
        file_work.stop_checks();
        looks.stop_all();
        // Whoever waits for a look hears that all ends.
        drop(looks);
        record.save_progress(&machine, true);
        // The finisher ends when nobody has a handle on it.
        drop(connections);
        let ending = async {
            while tasks.join_next().await.is_some() {}
            record.finish().await;
            let _panicked = finisher_task.await;
        };
        // Threads that have something to say are heard, or they would never end.
        let hearing = async {
            while heard.recv().await.is_some() {}
            std::future::pending::<()>().await;
        };
        let all = async {
            tokio::select! {
                () = ending => {}
                () = hearing => {}
            }
        };
        if timeout(ENGINE_STOP_MAX, all).await.is_err() {
            tracing::warn!("a download's thread hangs, on its disk probably");
        }
    }
}

/// Tokio's clock, which tests can turn.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
