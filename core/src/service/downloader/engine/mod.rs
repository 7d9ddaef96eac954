//! The downloader's one loop: everything that happens goes into the machine, everything it wants is carried out here.
//!
//! [`hearing`]: what happened. [`carrying`]: what the machine wants. [`obeying`]: what a person wants. [`telling`]: what
//! others are told, and what is written for the next start.

mod carrying;
mod hearing;
mod obeying;
mod telling;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::model::transfer::TransferId;
use crate::service::downloader::files::Files;
use crate::service::downloader::finisher::Finisher;
use crate::service::downloader::source::{Order, Surroundings};
use crate::service::downloader::{
    AddError, Command, Directory, DownloadSettings, DownloaderSetup, Event, List, NewDownload,
};
use crate::service::limiter::Limiter;
use crate::service::transfer_numbers::TransferNumbers;
use crate::store::Store;
use crate::transfer::SourceId;
use crate::transfer::downloads::Downloads;
use crate::transfer::event::TransferEvent;
use crate::transfer::job::FileId;

/// Words of connections and threads that wait to be heard; they wait too.
const EVENTS_MAX: usize = 256;
/// Those that are heard before what they lead to is carried out.
const EVENTS_TOGETHER: usize = 64;
/// Facts that wait for whoever listens; beyond it nothing more is heard until they are taken.
const FACTS_MAX: usize = 4096;
/// How often time passes for the machine, and what changed is told.
const TICK: Duration = Duration::from_millis(100);
const TICK_WAITING: Duration = Duration::from_millis(500);
/// How often a full disk is looked at.
const ROOM_EVERY: Duration = Duration::from_secs(2);
/// How often progress is written down, for people who look after a restart.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// The tracker's answer to who has something.
const SOURCES_MAX: Duration = Duration::from_secs(15);
/// What does not end by itself in this time is left behind.
const STOP_MAX: Duration = Duration::from_millis(1500);

pub(super) struct Engine {
    machine: Downloads,
    files: Arc<Files>,
    finisher: Finisher,
    finisher_task: JoinHandle<()>,
    store: Arc<Store>,
    numbers: Arc<TransferNumbers>,
    directory: Arc<dyn Directory>,
    settings: watch::Receiver<DownloadSettings>,
    around: Surroundings,
    list: Arc<List>,
    links: HashMap<SourceId, Link>,
    connections: u64,
    checks: HashMap<FileId, (u64, Arc<AtomicBool>)>,
    /// Which download goes to which path; `None` while it is being added.
    targets: HashMap<PathBuf, Option<TransferId>>,
    /// Asked for while another download to the same place is being added.
    deferred: Vec<(NewDownload, oneshot::Sender<Result<TransferId, AddError>>)>,
    rooms: HashMap<TransferId, u64>,
    unsaved: BTreeSet<TransferId>,
    told: BTreeSet<TransferId>,
    facts: VecDeque<TransferEvent>,
    heard: mpsc::Receiver<Event>,
    events: mpsc::Sender<Event>,
    listener: mpsc::Sender<TransferEvent>,
    tasks: JoinSet<()>,
    /// What is to be written down, and the thread that writes what came before.
    writes: VecDeque<Write>,
    saving: Option<JoinHandle<()>>,
    cancel: CancellationToken,
}

type Write = Box<dyn FnOnce(&Store) + Send>;

/// A connection, from here.
struct Link {
    connection: u64,
    orders: mpsc::Sender<Order>,
    cancel: CancellationToken,
}

impl Engine {
    pub(super) async fn restore(
        setup: DownloaderSetup,
        list: Arc<List>,
        listener: mpsc::Sender<TransferEvent>,
        cancel: CancellationToken,
    ) -> Result<Self, AddError> {
        let DownloaderSetup { store, tls, directory, settings, numbers, disk } = setup;
        let reader = Arc::clone(&store);
        let read = move || Ok::<_, redb::Error>((reader.downloads()?, reader.download_ranks()?));
        let (saved, ranks) = tokio::task::spawn_blocking(read).await.map_err(|_panic| AddError::Stopped)??;
        let now_settings = *settings.borrow();
        let (events, heard) = mpsc::channel(EVENTS_MAX);
        let files = Arc::new(Files::new(disk));
        let (finisher, finisher_task) = Finisher::start(Arc::clone(&files), Arc::clone(&store), events.clone());
        let limiter = Arc::new(Limiter::new(now_settings.bytes_per_second));
        let around = Surroundings { tls, limiter, files: Arc::clone(&files), finisher: finisher.clone() };
        let mut engine = Self {
            machine: Downloads::new(now_settings.at_once),
            files,
            finisher,
            finisher_task,
            store,
            numbers,
            directory,
            settings,
            around,
            list,
            links: HashMap::new(),
            connections: 0,
            checks: HashMap::new(),
            targets: HashMap::new(),
            deferred: Vec::new(),
            rooms: HashMap::new(),
            unsaved: BTreeSet::new(),
            told: BTreeSet::new(),
            facts: VecDeque::new(),
            heard,
            events,
            listener,
            tasks: JoinSet::new(),
            writes: VecDeque::new(),
            saving: None,
            cancel,
        };
        for (id, download) in saved {
            engine.take_in(id, download);
        }
        engine.machine.set_ranks(&ranks);
        engine.tell_changed();
        Ok(engine)
    }

    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let listener = self.listener.clone();
        let mut changes = self.directory.changes();
        let mut ticked = Instant::now();
        let mut looked_for_room = Instant::now();
        let mut saved = Instant::now();
        let (mut may_change, mut settings_may_change) = (true, true);
        let mut batch = Vec::with_capacity(EVENTS_TOGETHER);
        loop {
            self.carry_out();
            // Nobody to fetch from: it is only waited for.
            let tick = if self.links.is_empty() { TICK_WAITING } else { TICK };
            let is_resting = self.machine.is_at_rest() && self.told.is_empty() && self.rooms.is_empty();
            tokio::select! {
                () = self.cancel.cancelled() => break,
                Some(command) = commands.recv() => self.obey(command),
                _ = self.heard.recv_many(&mut batch, EVENTS_TOGETHER), if self.facts.len() < FACTS_MAX => {
                    for event in batch.drain(..) {
                        self.hear(event);
                    }
                }
                permit = listener.reserve(), if !self.facts.is_empty() => self.tell_facts(permit.ok()),
                changed = changes.changed(), if may_change => {
                    may_change = changed.is_ok();
                    self.machine.news(now());
                }
                changed = self.settings.changed(), if settings_may_change => {
                    settings_may_change = changed.is_ok();
                    let settings = *self.settings.borrow_and_update();
                    self.machine.set_at_once(settings.at_once);
                    self.around.limiter.set(settings.bytes_per_second);
                }
                Some(_ended) = self.tasks.join_next() => {}
                // Written one after the other: the last word is the last one written.
                () = ended(&mut self.saving) => self.save_next(),
                () = sleep_until(ticked + tick), if !is_resting => {
                    ticked = Instant::now();
                    self.machine.tick(now());
                    self.tell_changed();
                    if looked_for_room.elapsed() >= ROOM_EVERY {
                        looked_for_room = Instant::now();
                        self.look_for_room();
                    }
                    if saved.elapsed() >= SAVE_EVERY {
                        saved = Instant::now();
                        self.save_progress(false);
                    }
                }
            }
        }
        self.stop().await;
    }

    async fn stop(mut self) {
        for link in self.links.drain().map(|(_, link)| link) {
            link.cancel.cancel();
        }
        for (_, is_stopped) in self.checks.values() {
            is_stopped.store(true, Ordering::Relaxed);
        }
        self.save_progress(true);
        drop((self.finisher, self.around));
        let (mut heard, mut tasks) = (self.heard, self.tasks);
        let writes = std::mem::take(&mut self.writes);
        let store = Arc::clone(&self.store);
        let ending = async {
            while tasks.join_next().await.is_some() {}
            if let Some(write) = self.saving {
                let _panicked = write.await;
            }
            let _panicked =
                tokio::task::spawn_blocking(move || writes.into_iter().for_each(|write| write(&store))).await;
            let _panicked = self.finisher_task.await;
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
        if timeout(STOP_MAX, all).await.is_err() {
            tracing::warn!("a download's thread hangs, on its disk probably");
        }
    }
}

/// Waits for a write that is under way, for ever if none is.
async fn ended(saving: &mut Option<JoinHandle<()>>) {
    match saving {
        Some(write) => _ = write.await,
        None => std::future::pending().await,
    }
}

/// Tokio's clock, which tests can turn.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
