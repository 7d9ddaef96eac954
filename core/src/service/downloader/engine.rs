//! The downloader's one loop: everything that happens goes into the machine, everything it wants is carried out here.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::protocol::peer::Content;
use crate::service::downloader::adding::{self, Added, LookedAtOver};
use crate::service::downloader::files::{Files, JobFiles};
use crate::service::downloader::finisher::{Finisher, finish_large};
use crate::service::downloader::source::{self, ORDERS_MAX, Order, Report, Reporter, Surroundings, Why};
use crate::service::downloader::{
    AddError, Command, Directory, DownloadSettings, DownloaderSetup, Event, List, NewDownload, Which,
};
use crate::service::limiter::Limiter;
use crate::store::Store;
use crate::store::downloads::{SavedDownload, SavedState};
use crate::transfer::SourceId;
use crate::transfer::downloads::{Checked, Downloads, Effect};
use crate::transfer::job::{Control, FileId, FileState, Job};
use crate::transfer::status::{Direction, FileError, State, TransferEvent, TransferId, TransferState};

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
        let DownloaderSetup { store, tls, directory, settings, disk } = setup;
        let reader = Arc::clone(&store);
        let saved =
            tokio::task::spawn_blocking(move || reader.downloads()).await.map_err(|_panic| AddError::Stopped)??;
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

    // What is heard

    fn hear(&mut self, event: Event) {
        match event {
            Event::Source(id, connection, report) => {
                if self.links.get(&id).is_some_and(|link| link.connection == connection) {
                    self.hear_source(id, report);
                }
            }
            Event::Sources(file, contacts) => self.machine.sources_found(file, &contacts, now()),
            Event::Checked(file, check, found) => {
                if self.checks.get(&file).is_some_and(|(current, _)| *current == check) {
                    self.checks.remove(&file);
                    if let Some(open) = found.open {
                        self.files.open(file, open);
                    }
                    let is_whole = matches!(found.checked, Checked::Whole);
                    self.machine.checked(file, found.checked);
                    if is_whole {
                        self.finished_file(file);
                    }
                }
            }
            Event::Finished(finished) => {
                for (file, result) in finished {
                    let is_done = result.is_ok() && self.is_open(file);
                    self.machine.finished(file, result);
                    if is_done {
                        self.files.close(file);
                        self.finished_file(file);
                    }
                }
            }
            Event::Added(added) => self.added(*added),
            Event::LookedAtOver(looked) => self.looked_at_over(*looked),
            Event::Free(id, free) => {
                let has_room = |needed: &u64| free.is_none_or(|free| free >= *needed);
                if self.rooms.get(&id).is_some_and(has_room) {
                    self.rooms.remove(&id);
                    self.machine.room(id);
                }
            }
        }
    }

    fn hear_source(&mut self, id: SourceId, report: Report) {
        let now = now();
        match report {
            Report::Up => self.machine.connected(id, now),
            Report::Queued(place) => self.machine.queued(id, place),
            Report::Granted => self.machine.granted(id),
            Report::Answered(outcomes) => {
                for (request, outcome) in outcomes {
                    self.machine.answered(id, request, outcome, now);
                }
            }
            Report::Down(why) => {
                self.links.remove(&id);
                match why {
                    Why::Misbehaved => self.machine.misbehaved(id, now),
                    _ => self.machine.disconnected(id, now),
                }
            }
        }
    }

    fn is_open(&self, file: FileId) -> bool {
        let state = self.machine.job(file.job).map(|job| job.state(file.index));
        matches!(state, Some(FileState::Pending | FileState::Active))
    }

    fn finished_file(&mut self, file: FileId) {
        let Some(job) = self.files.job(file.job) else { return };
        let Some(content) = job.content(file.index) else { return };
        let target = job.path(file.index);
        self.facts.push_back(TransferEvent::FileFinished {
            id: file.job,
            target,
            size: content.size,
            hash: content.hash,
        });
    }

    // What is wanted

    fn carry_out(&mut self) {
        loop {
            let effects = self.machine.effects(now());
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.carry_out_one(effect);
            }
        }
    }

    fn carry_out_one(&mut self, effect: Effect) {
        match effect {
            Effect::FindUser(user) => {
                let contact = self.directory.contact(&user);
                self.machine.user_found(&user, contact.as_ref(), now());
            }
            Effect::FindSources(file, hash) => {
                let (directory, events) = (Arc::clone(&self.directory), self.events.clone());
                self.spawn(async move {
                    let found = timeout(SOURCES_MAX, directory.sources(hash)).await.unwrap_or_default();
                    let _ended = events.send(Event::Sources(file, found)).await;
                });
            }
            Effect::Connect(id, contact) => {
                self.connections += 1;
                let (orders, ordered) = mpsc::channel(ORDERS_MAX);
                let cancel = self.cancel.child_token();
                let reporter = Reporter { source: id, connection: self.connections, events: self.events.clone() };
                let link = Link { connection: self.connections, orders, cancel: cancel.clone() };
                self.links.insert(id, link);
                self.tasks.spawn(source::run(contact, self.around.clone(), ordered, reporter, cancel));
            }
            Effect::Disconnect(id) => {
                if let Some(link) = self.links.remove(&id) {
                    link.cancel.cancel();
                }
            }
            Effect::Ask(id, asks) => self.order(id, Order::Ask(asks)),
            Effect::Cancel(id, ids) => self.order(id, Order::Cancel(ids)),
            Effect::Check(file, list) => {
                self.connections += 1;
                let check = self.connections;
                let is_stopped = Arc::new(AtomicBool::new(false));
                self.checks.insert(file, (check, Arc::clone(&is_stopped)));
                let (files, events) = (Arc::clone(&self.files), self.events.clone());
                let (store, job) = (Arc::clone(&self.store), file.job);
                self.spawn_blocking(move || {
                    let found = files.check(file, list, &|| is_stopped.load(Ordering::Relaxed));
                    if matches!(found.checked, Checked::Whole) {
                        let _found_again = store.record_download(&[(job, file.index, SavedState::Done)], true);
                    }
                    let _ended = events.blocking_send(Event::Checked(file, check, found));
                });
            }
            Effect::Finish(file) => {
                // A small file is on its way to the finisher already.
                if let Some(open) = self.files.close(file) {
                    let (files, store, events) =
                        (Arc::clone(&self.files), Arc::clone(&self.store), self.events.clone());
                    self.spawn_blocking(move || {
                        let finished = finish_large(&files, &store, file, &open);
                        drop(open);
                        let _ended = events.blocking_send(Event::Finished(finished));
                    });
                }
            }
            Effect::Close(file) => {
                self.files.close(file);
                if let Some((_, is_stopped)) = self.checks.remove(&file) {
                    is_stopped.store(true, Ordering::Relaxed);
                }
            }
            Effect::AwaitRoom(id, needed) => _ = self.rooms.insert(id, needed),
            Effect::FileFailed(file, error) => self.file_failed(file, error),
            Effect::Over(id) => self.over(id),
            Effect::Lied(user) => self.facts.push_back(TransferEvent::PeerLied(user)),
        }
    }

    fn order(&mut self, id: SourceId, order: Order) {
        let Some(link) = self.links.get(&id) else { return };
        if link.orders.try_send(order).is_err() {
            // It hangs, or it ends and its last word is on the way.
            link.cancel.cancel();
            self.links.remove(&id);
            self.machine.disconnected(id, now());
        }
    }

    fn file_failed(&mut self, file: FileId, error: FileError) {
        let Some(job) = self.files.job(file.job) else { return };
        self.record(vec![(file.job, file.index, SavedState::Failed(error.clone()))]);
        if let Some(saved) = job.saved.files.get(file.index as usize) {
            let remote = saved.remote.clone();
            self.facts.push_back(TransferEvent::FileFailed { id: file.job, remote, error });
        }
    }

    fn over(&mut self, id: TransferId) {
        let Some(job) = self.machine.job(id) else { return };
        let fact = match &job.last_error {
            Some(error) if job.counts().failed > 0 => TransferEvent::Failed(id, error.clone()),
            _ => TransferEvent::Finished(id),
        };
        if let Some(files) = self.files.job(id) {
            files.let_go();
        }
        self.facts.push_back(fact);
        // Whoever hears that it is over may look at the list at once.
        self.tell_changed();
    }

    // What a person wants

    fn obey(&mut self, command: Command) {
        // Whoever does not wait for the answer does not need it.
        match command {
            Command::Add(new, reply) => self.add(new, reply),
            Command::Pause(which, reply) => {
                for id in self.chosen(which, |job| !job.is_over()) {
                    self.machine.pause(id);
                    self.rooms.remove(&id);
                    self.save_paused(id, true);
                }
                self.answer(reply);
            }
            Command::Resume(which, reply) => {
                for id in self.chosen(which, |job| job.control != Control::Go) {
                    self.resume(id);
                }
                self.answer(reply);
            }
            Command::Cancel(which, reply) => {
                let chosen = self.chosen(which, |job| !job.is_over());
                let chosen = if let Which::One(id) = which { vec![id] } else { chosen };
                self.forget(&chosen);
                self.answer(reply);
            }
            Command::Retry(which, reply) => {
                for id in self.chosen(which, |job| job.counts().failed > 0) {
                    self.retry(id);
                }
                self.answer(reply);
            }
            Command::Acknowledge(which, reply) => {
                let chosen = self.chosen(which, Job::is_over);
                self.forget(&chosen);
                self.answer(reply);
            }
        }
    }

    fn answer(&mut self, reply: oneshot::Sender<()>) {
        self.carry_out();
        self.tell_changed();
        let _nobody_waits = reply.send(());
    }

    fn chosen(&self, which: Which, is_meant: impl Fn(&Job) -> bool) -> Vec<TransferId> {
        let is_chosen = |id: TransferId| match which {
            Which::One(one) => one == id,
            Which::All => true,
        };
        self.machine.jobs().filter(|(id, job)| is_chosen(*id) && is_meant(job)).map(|(id, _)| id).collect()
    }

    fn resume(&mut self, id: TransferId) {
        self.rooms.remove(&id);
        if let Some(files) = self.files.job(id) {
            files.let_go();
        }
        self.machine.resume(id);
        self.save_paused(id, false);
    }

    fn retry(&mut self, id: TransferId) {
        self.resume(id);
        let again = self.machine.retry(id);
        self.record(again.into_iter().map(|index| (id, index, SavedState::Open)).collect());
    }

    fn forget(&mut self, ids: &[TransferId]) {
        for id in ids {
            let Some(job) = self.machine.remove(*id) else { continue };
            let all = 0..u32::try_from(job.files.len()).unwrap_or(u32::MAX);
            let unfinished: Vec<u32> = all.filter(|index| job.state(*index) != FileState::Done).collect();
            self.rooms.remove(id);
            self.unsaved.remove(id);
            self.told.remove(id);
            self.list.lock().remove(id);
            self.targets.retain(|_, other| *other != Some(*id));
            if let Some(files) = self.files.remove_job(*id)
                && !unfinished.is_empty()
            {
                self.spawn_blocking(move || files.remove_parts(&unfinished));
            }
            self.facts.push_back(TransferEvent::Gone(Direction::Download, *id));
        }
        let ids = ids.to_vec();
        self.save(move |store| store.forget_downloads(&ids));
    }

    fn add(&mut self, new: NewDownload, reply: oneshot::Sender<Result<TransferId, AddError>>) {
        let paths: Vec<PathBuf> = new.files.iter().map(|file| file.name.path_below(&new.into)).collect();
        match paths.iter().find_map(|path| Some((path, *self.targets.get(path)?))) {
            Some((_, None)) => return self.deferred.push((new, reply)),
            Some((_, Some(id))) if self.machine.job(id).is_some_and(Job::is_over) => {
                return self.look_at_over(id, new, reply);
            }
            Some((path, Some(id))) => {
                let joined = if self.is_same(id, &new) {
                    self.join(id);
                    Ok(id)
                } else {
                    Err(AddError::Taken { path: path.clone() })
                };
                let _nobody_waits = reply.send(joined);
                return;
            }
            None => {}
        }
        let mut download = match adding::to_save(new) {
            Ok(download) => download,
            Err(error) => {
                let _nobody_waits = reply.send(Err(error));
                return;
            }
        };
        self.targets.extend(paths.into_iter().map(|path| (path, None)));
        let (store, events) = (Arc::clone(&self.store), self.events.clone());
        self.spawn_blocking(move || {
            let result = adding::save(&store, &mut download);
            let _ended = events.blocking_send(Event::Added(Box::new(Added { download, result, reply })));
        });
    }

    /// A download that is over holds its targets until somebody was told; after that they are free.
    fn look_at_over(&mut self, id: TransferId, new: NewDownload, reply: oneshot::Sender<Result<TransferId, AddError>>) {
        let done = self.done_files(id);
        let done = done.into_iter().map(|(_, target, content)| (target, content.size)).collect::<Vec<_>>();
        let events = self.events.clone();
        self.spawn_blocking(move || {
            let is_there = adding::are_there(&done);
            let looked = LookedAtOver { id, is_there, new, reply };
            let _ended = events.blocking_send(Event::LookedAtOver(Box::new(looked)));
        });
    }

    fn looked_at_over(&mut self, looked: LookedAtOver) {
        let LookedAtOver { id, is_there, new, reply } = looked;
        if self.machine.job(id).is_some_and(Job::is_over) {
            if is_there && self.is_same(id, &new) {
                self.join(id);
                let _nobody_waits = reply.send(Ok(id));
                return;
            }
            self.forget(&[id]);
        }
        self.add(new, reply);
    }

    /// Somebody asks for what is in the list already: they are told what of it is here, perhaps since an earlier run.
    fn join(&mut self, id: TransferId) {
        for (index, _, _) in self.done_files(id) {
            self.finished_file(FileId { job: id, index });
        }
        self.go_on(id);
    }

    fn done_files(&self, id: TransferId) -> Vec<(u32, PathBuf, Content)> {
        let (Some(job), Some(files)) = (self.machine.job(id), self.files.job(id)) else { return Vec::new() };
        let done = (0u32..).zip(&job.files).filter(|(index, _)| job.state(*index) == FileState::Done);
        done.map(|(index, content)| (index, files.path(index), *content)).collect()
    }

    fn added(&mut self, added: Added) {
        let Added { download, result, reply } = added;
        match &result {
            Ok(id) => self.take_in(*id, download),
            Err(_) => {
                for file in &download.files {
                    self.targets.remove(&file.name.path_below(&download.into));
                }
            }
        }
        self.carry_out();
        self.tell_changed();
        let _nobody_waits = reply.send(result);
        for (new, reply) in std::mem::take(&mut self.deferred) {
            self.add(new, reply);
        }
    }

    /// A download that is on disk.
    fn take_in(&mut self, id: TransferId, download: SavedDownload) {
        let job = adding::job_of(&download);
        for (index, state) in &download.states {
            // Told again after a restart: nobody may have heard it.
            if let (SavedState::Failed(error), Some(file)) = (state, download.files.get(*index as usize)) {
                let (remote, error) = (file.remote.clone(), error.clone());
                self.facts.push_back(TransferEvent::FileFailed { id, remote, error });
            }
        }
        let (is_paused, is_over) = (download.is_paused, job.is_over());
        let files = JobFiles::new(download);
        for (index, _) in (0u32..).zip(&files.saved.files) {
            self.targets.insert(files.path(index), Some(id));
        }
        self.files.add_job(id, files);
        self.machine.add(id, job);
        if is_paused {
            self.machine.pause(id);
        }
        if is_over {
            self.over(id);
        }
    }

    /// Whether what is asked for is what this download fetches already.
    fn is_same(&self, id: TransferId, new: &NewDownload) -> bool {
        let Some(files) = self.files.job(id) else { return false };
        let saved = &files.saved;
        saved.user == new.user
            && saved.into == new.into
            && saved.files.len() == new.files.len()
            && saved
                .files
                .iter()
                .zip(&new.files)
                .all(|(one, other)| one.content == other.content && one.name == other.name)
    }

    /// It was asked for again: what stands still goes on.
    fn go_on(&mut self, id: TransferId) {
        let Some(job) = self.machine.job(id) else { return };
        if job.counts().failed > 0 {
            self.retry(id);
        } else if job.control != Control::Go {
            self.resume(id);
        }
        self.carry_out();
        self.tell_changed();
    }

    // What is told and written

    fn tell_facts(&mut self, permit: Option<mpsc::Permit<'_, TransferEvent>>) {
        let Some(permit) = permit else { return self.facts.clear() };
        if let Some(fact) = self.facts.pop_front() {
            permit.send(fact);
        }
        while let Some(fact) = self.facts.pop_front() {
            if let Err(TrySendError::Full(fact)) = self.listener.try_send(fact) {
                self.facts.push_front(fact);
                return;
            }
        }
        self.tell_changed();
    }

    /// Puts the states of what changed on the list. They are told after all facts, when there is room: the next ones say
    /// it better.
    fn tell_changed(&mut self) {
        let changed = self.machine.take_changed();
        self.unsaved.extend(&changed);
        self.told.extend(changed);
        let now = now();
        let mut moving = BTreeSet::new();
        for id in std::mem::take(&mut self.told) {
            let Some(state) = self.state_of(id, now) else { continue };
            if state.bytes_per_second > 0 {
                moving.insert(id);
            }
            self.list.lock().insert(id, state.clone());
            let is_told = self.facts.is_empty() && self.listener.try_send(TransferEvent::Changed(state)).is_ok();
            if !is_told {
                moving.insert(id);
            }
        }
        self.told = moving;
    }

    fn state_of(&mut self, id: TransferId, now: std::time::Instant) -> Option<TransferState> {
        let files = self.files.job(id)?;
        let (state, sources) = self.machine.state(id);
        let job = self.machine.job_mut(id)?;
        let speed = job.speed(now);
        Some(TransferState {
            id,
            direction: Direction::Download,
            user: job.user.clone(),
            label: files.saved.label.clone(),
            target: Some(files.shown_path()),
            files: job.files.len() as u64,
            files_done: job.counts().done as u64,
            total_bytes: job.total_bytes(),
            done_bytes: job.done_bytes(),
            bytes_per_second: if state == State::Running { speed } else { 0 },
            sources,
            state,
        })
    }

    fn look_for_room(&mut self) {
        for id in self.rooms.keys() {
            let Some(job) = self.files.job(*id) else { continue };
            let (disk, events, id) = (Arc::clone(&self.files.disk), self.events.clone(), *id);
            self.tasks.spawn_blocking(move || {
                let _ended = events.blocking_send(Event::Free(id, job.free_bytes(disk.as_ref())));
            });
        }
    }

    fn save_progress(&mut self, wait_for_disk: bool) {
        let mut partial = Vec::new();
        for id in std::mem::take(&mut self.unsaved) {
            let Some(job) = self.machine.job(id) else { continue };
            partial.extend(job.partial().map(|(index, bytes)| (id, index, SavedState::Partial(bytes))));
        }
        if !partial.is_empty() {
            self.save(move |store| store.record_download(&partial, wait_for_disk));
        }
    }

    fn save_paused(&mut self, id: TransferId, is_paused: bool) {
        self.save(move |store| store.pause_download(id, is_paused));
    }

    fn record(&mut self, changes: Vec<(TransferId, u32, SavedState)>) {
        self.save(move |store| store.record_download(&changes, true));
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

    fn save_next(&mut self) {
        let writes = std::mem::take(&mut self.writes);
        let store = Arc::clone(&self.store);
        self.saving = (!writes.is_empty())
            .then(|| tokio::task::spawn_blocking(move || writes.into_iter().for_each(|write| write(&store))));
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    fn spawn_blocking(&mut self, work: impl FnOnce() + Send + 'static) {
        self.tasks.spawn_blocking(work);
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
