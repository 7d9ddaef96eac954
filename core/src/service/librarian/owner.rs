//! The librarian's task: one owner of the table, one loop. Jobs look and hash, and report to it; it decides what is
//! shared.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::library::changes::Changes;
use crate::library::root::RootId;
use crate::library::selection::Selection;
use crate::library::table::Library;
use crate::model::file_stamp::FileStamp;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::service::librarian::content::{Shared, Suspect};
use crate::service::librarian::dirty::{Dirty, is_at_or_below};
use crate::service::librarian::event::{LibraryEvent, Progress};
use crate::service::librarian::news::News;
use crate::service::librarian::plan::{Planned, accept, give_up, plan};
use crate::service::librarian::scan::{Board, Job, JobId, Outcome, Place, QUIET, Report, why_skipped};
use crate::service::librarian::watch::{Health, RootIndex, Touched, Touches, Watches};
use crate::service::librarian::{Ask, Item, LibrarianConfig, ShareError, ShareRequest};

/// A change rarely comes alone: wait so long after the first before looking.
const DEBOUNCE: Duration = Duration::from_millis(300);
/// How often it is looked whether a root that is not there came back.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// How often everything is looked at while some folder cannot be watched.
const RECONCILE_UNWATCHED_EVERY: Duration = Duration::from_secs(30);
/// The first pause after the system had more changes to tell than it could; doubled each time until the next
/// reconciliation, since looking at everything makes messages too.
const OVERFLOW_PAUSE_MIN: Duration = Duration::from_secs(2);
/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// Reports of jobs that wait to be read.
const REPORTS_MAX: usize = 16;

type ShareReply = oneshot::Sender<Result<Vec<Share>, ShareError>>;
type UnshareReply = oneshot::Sender<Result<Vec<SharePath>, ShareError>>;

/// The state of the task.
#[derive(Debug)]
pub(super) struct Owner {
    config: LibrarianConfig,
    shared: Arc<Shared>,
    watches: Arc<Mutex<Watches>>,
    index: RootIndex,
    board: Arc<Board>,
    cancel: CancellationToken,
    events: mpsc::Sender<LibraryEvent>,
    reports: mpsc::Sender<Report>,
    /// Everything that was begun and has not ended.
    tasks: JoinSet<Option<Ended>>,
    running: HashMap<JobId, Running>,
    next_job: u64,
    dirty: Dirty,
    /// Files that were being written to when they were seen last.
    unquiet: HashMap<Place, FileStamp>,
    missing: BTreeSet<RootId>,
    news: News,
    progress_at: Option<Instant>,
    reconcile_at: Instant,
    probe_at: Instant,
    overflow_pause: Duration,
    first_job: Option<JobId>,
}

/// Everything that wakes the task.
#[derive(Debug)]
pub(super) struct Inbox {
    asks: mpsc::Receiver<Ask>,
    suspects: mpsc::Receiver<Suspect>,
    reported: mpsc::Receiver<Report>,
    touches: Touches,
}

/// What a task of ours says at its end, if anything.
#[derive(Debug)]
enum Ended {
    /// The roots are in the library, and `save` is to be remembered.
    Accepted {
        planned: Vec<Planned>,
        save: Vec<RootId>,
        reply: ShareReply,
    },
    Withdrawn {
        changes: Changes,
    },
}

/// A job under way.
#[derive(Debug)]
struct Running {
    places: Vec<Place>,
    roots: HashSet<RootId>,
    /// Somebody waits for it.
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    planned: Vec<Planned>,
    reply: ShareReply,
}

impl Owner {
    pub(super) fn new(
        config: LibrarianConfig,
        shared: Arc<Shared>,
        events: mpsc::Sender<LibraryEvent>,
        cancel: CancellationToken,
        asks: mpsc::Receiver<Ask>,
        suspects: mpsc::Receiver<Suspect>,
    ) -> (Self, Inbox) {
        let now = Instant::now();
        let (reports, reported) = mpsc::channel(REPORTS_MAX);
        let (watches, touches) = Watches::new();
        let owner = Self {
            reconcile_at: now + config.reconcile_every,
            config,
            shared,
            watches: Arc::new(Mutex::new(watches)),
            index: RootIndex::default(),
            board: Arc::default(),
            cancel,
            events,
            reports,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            next_job: 0,
            dirty: Dirty::default(),
            unquiet: HashMap::new(),
            missing: BTreeSet::new(),
            news: News::default(),
            progress_at: None,
            probe_at: now,
            overflow_pause: OVERFLOW_PAUSE_MIN,
            first_job: None,
        };
        (owner, Inbox { asks, suspects, reported, touches })
    }

    pub(super) async fn run(mut self, mut inbox: Inbox) {
        let cancel = self.cancel.clone();
        let events = self.events.clone();
        self.load();
        let (mut handles_left, mut listener_left) = (true, true);
        loop {
            let is_loaded = self.first_job.is_none();
            let has_news = listener_left && !self.news.is_empty();
            let deadline = self.next_deadline();
            tokio::select! {
                () = cancel.cancelled() => break,
                // Until it is known what is shared nothing can be added or taken out.
                ask = inbox.asks.recv(), if is_loaded && handles_left => match ask {
                    Some(ask) => self.hear(ask),
                    None => handles_left = false,
                },
                Some(report) = inbox.reported.recv() => self.take_report(report),
                Some(ended) = self.tasks.join_next() => self.take_end(ended),
                Some(touched) = inbox.touches.next() => self.take_touched(touched),
                Some(place) = inbox.suspects.recv() => self.mark(place, Duration::ZERO),
                () = sleep_until(deadline) => self.tick(),
                permit = events.reserve(), if has_news => match permit {
                    Ok(permit) => if let Some(event) = self.news.next() {
                        permit.send(event);
                    },
                    Err(_closed) => listener_left = false,
                },
            }
        }
        // A job that has something to say must not wait for us.
        drop(inbox);
        while self.tasks.join_next().await.is_some() {}
    }

    /// Finds again what was shared when the program ended last.
    fn load(&mut self) {
        self.roots_changed();
        let places = self.all_places();
        self.first_job = Some(self.start(places, Vec::new(), None));
    }

    fn all_places(&self) -> Vec<Place> {
        self.shared.library.read().roots().map(|root| (root.id, root.start().to_owned())).collect()
    }

    fn roots_changed(&mut self) {
        self.index = RootIndex::of(self.shared.library.read().roots());
    }

    fn hear(&mut self, ask: Ask) {
        match ask {
            Ask::Share { requests, reply } => self.share(requests, reply),
            Ask::Unshare { items, reply } => self.unshare(items, reply),
            Ask::Loaded { reply } => _ = reply.send(()),
        }
    }

    fn share(&mut self, requests: Vec<ShareRequest>, reply: ShareReply) {
        let (shared, data_dir) = (Arc::clone(&self.shared), self.config.data_dir.clone());
        self.tasks.spawn_blocking(move || {
            let accepted = plan(requests, &data_dir, &shared.library).and_then(|mut planned| {
                let changed = accept(&mut planned, &mut shared.library.write())?;
                Ok((planned, changed))
            });
            match accepted {
                Ok((planned, save)) => Some(Ended::Accepted { planned, save, reply }),
                Err(error) => {
                    let _gave_up_waiting = reply.send(Err(error));
                    None
                }
            }
        });
    }

    fn take_end(&mut self, ended: Result<Option<Ended>, tokio::task::JoinError>) {
        match ended {
            Ok(Some(Ended::Accepted { planned, save, reply })) => {
                self.roots_changed();
                for plan in &planned {
                    if let Some(warning) = plan.warning {
                        self.news.tell(LibraryEvent::Warning { root: plan.root.local.clone(), warning });
                    }
                }
                let places = planned.iter().map(|plan| (plan.root.id, plan.start.clone())).collect();
                self.start(places, save, Some(Asked { planned, reply }));
            }
            Ok(Some(Ended::Withdrawn { changes })) => {
                self.roots_changed();
                self.news.changed(changes);
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a task of the librarian failed"),
        }
    }

    fn start(&mut self, places: Vec<Place>, save: Vec<RootId>, asked: Option<Asked>) -> JobId {
        let id = JobId(self.next_job);
        self.next_job += 1;
        let is_in =
            |place: &Place| places.iter().any(|(root, start)| *root == place.0 && is_at_or_below(&place.1, start));
        let seen_before: HashMap<Place, FileStamp> = if self.unquiet.is_empty() {
            HashMap::new()
        } else {
            self.unquiet.extract_if(|place, _| is_in(place)).collect()
        };
        let job = Job {
            id,
            places: places.clone(),
            save,
            is_asked: asked.is_some(),
            seen_before,
            shared: Arc::clone(&self.shared),
            watches: Arc::clone(&self.watches),
            board: Arc::clone(&self.board),
            data_dir: self.config.data_dir.clone(),
            reports: self.reports.clone(),
            cancel: self.cancel.clone(),
        };
        let roots = places.iter().map(|(root, _)| *root).collect();
        self.running.insert(id, Running { places, roots, asked });
        self.progress_at.get_or_insert_with(|| Instant::now() + PROGRESS_EVERY);
        self.tasks.spawn_blocking(move || {
            job.run();
            None
        });
        id
    }

    fn take_report(&mut self, report: Report) {
        match report {
            Report::Batch { gone, hashed } => {
                let mut changes = Changes::default();
                let mut library = self.shared.library.write();
                for (root, path) in gone {
                    library.withdraw(root, &[path], &mut changes);
                }
                for (path, entry) in hashed {
                    if !library.announce(path.clone(), entry, &mut changes) {
                        tracing::debug!(path = path.as_str(), "one share too many");
                    }
                }
                drop(library);
                self.changed(changes);
            }
            Report::Known { job } => self.is_loaded_by(job),
            Report::Done { job, outcome } => self.finish(job, outcome),
        }
    }

    fn is_loaded_by(&mut self, job: JobId) {
        if self.first_job == Some(job) {
            self.first_job = None;
        }
    }

    fn finish(&mut self, job: JobId, outcome: Outcome) {
        self.is_loaded_by(job);
        let Some(Running { places, asked, .. }) = self.running.remove(&job) else { return };
        let Outcome { present, missing, unquiet, mut skipped, failed, watch_news, watch_is_partial, save_error } =
            outcome;
        self.tell_watch_news(watch_news);
        if watch_is_partial {
            self.reconcile_at = self.reconcile_at.min(Instant::now() + RECONCILE_UNWATCHED_EVERY);
        }
        present.into_iter().for_each(|root| self.is_present(root));
        missing.iter().for_each(|root| self.is_missing(*root));
        for (place, stamp) in unquiet {
            self.mark(place.clone(), QUIET);
            self.unquiet.insert(place, stamp);
        }
        self.look_again_at_what_two_jobs_saw(&places);
        match asked {
            Some(asked) => {
                let problem = match save_error {
                    Some(error) => Some(error.into()),
                    None => problem_of(&asked.planned, &missing, &failed),
                };
                self.answer(asked, problem);
            }
            None => {
                if let Some(error) = save_error {
                    tracing::error!(%error, "the list of shares cannot be saved");
                }
            }
        }
        skipped.extend(failed.into_iter().filter_map(|(place, fault)| Some((place, why_skipped(&fault)?.into()))));
        self.news.skipped(skipped, &self.shared.library.read());
        if self.running.is_empty() {
            self.tell_progress();
            self.progress_at = None;
            self.board.hashed_bytes.store(0, Ordering::Relaxed);
            self.board.total_bytes.store(0, Ordering::Relaxed);
            self.board.files_left.store(0, Ordering::Relaxed);
        }
    }

    /// What one job saw may be older than what the other did.
    fn look_again_at_what_two_jobs_saw(&mut self, places: &[Place]) {
        for place in places {
            if self.is_busy(place.0) {
                self.mark(place.clone(), DEBOUNCE);
            }
        }
    }

    fn answer(&mut self, asked: Asked, problem: Option<ShareError>) {
        let Asked { planned, reply } = asked;
        let result = match problem {
            None => {
                let library = self.shared.library.read();
                let mut shares: Vec<Share> =
                    planned.iter().flat_map(|plan| library.shares_at(plan.root.id, &plan.start)).collect();
                shares.sort_by(|a, b| a.path.cmp(&b.path));
                shares.dedup();
                Ok(shares)
            }
            Some(problem) => {
                self.take_back(&planned);
                Err(problem)
            }
        };
        let _gave_up_waiting = reply.send(result);
    }

    /// Nothing of it is shared, if not all of it can be.
    fn take_back(&mut self, planned: &[Planned]) {
        let ids: Vec<RootId> = planned.iter().filter(|plan| plan.is_new).map(|plan| plan.root.id).collect();
        let given_up = move |library: &mut Library| {
            let mut changes = Changes::default();
            library.give_up(&Selection::of_roots(ids.iter().copied()), &mut changes);
            Ok((changes, ids))
        };
        self.withdraw(given_up, |result| {
            if let Err(error) = result {
                tracing::error!(%error, "the list of shares cannot be saved");
            }
        });
    }

    fn unshare(&mut self, items: Vec<Item>, reply: UnshareReply) {
        self.withdraw(|library| give_up(items, library), |result| _ = reply.send(result));
    }

    /// Takes something out of the table, remembers that, and only then answers: nothing of it is served any more then,
    /// not after a restart either.
    fn withdraw(
        &mut self,
        give_up: impl FnOnce(&mut Library) -> Result<(Changes, Vec<RootId>), ShareError> + Send + 'static,
        answer: impl FnOnce(Result<Vec<SharePath>, ShareError>) + Send + 'static,
    ) {
        let (shared, watches) = (Arc::clone(&self.shared), Arc::clone(&self.watches));
        self.tasks.spawn_blocking(move || {
            let given_up = give_up(&mut shared.library.write());
            let (changes, ids) = match given_up {
                Ok(given_up) => given_up,
                Err(error) => {
                    answer(Err(error));
                    return None;
                }
            };
            // From here on no upload goes on: each asks the table again.
            shared.withdrawals.fetch_add(1, Ordering::Release);
            let saved = shared.save_roots(&ids);
            let (_, removed) = changes.clone().into_parts();
            answer(saved.map(|()| removed).map_err(ShareError::from));
            let roots: Vec<_> = shared.library.read().roots().cloned().collect();
            watches.lock().follow(&roots);
            Some(Ended::Withdrawn { changes })
        });
    }

    /// Has it told, and has every running upload ask the table again: called after the table was changed.
    fn changed(&mut self, changes: Changes) {
        if !changes.is_empty() {
            self.shared.withdrawals.fetch_add(1, Ordering::Release);
            self.news.changed(changes);
        }
    }

    fn is_missing(&mut self, id: RootId) {
        let mut changes = Changes::default();
        self.shared.library.write().withdraw_all(id, &mut changes);
        self.changed(changes);
        if self.missing.insert(id)
            && let Some(root) = self.local_path(id)
        {
            self.news.tell(LibraryEvent::Missing { root });
        }
        self.probe_at = Instant::now() + PROBE_EVERY;
    }

    fn is_present(&mut self, id: RootId) {
        if self.missing.remove(&id)
            && let Some(root) = self.local_path(id)
        {
            self.news.tell(LibraryEvent::Back { root });
        }
    }

    fn local_path(&self, id: RootId) -> Option<String> {
        self.shared.library.read().root(id).map(|root| root.local.clone())
    }

    fn take_touched(&mut self, touched: Touched) {
        match touched {
            Touched::Paths(paths) => {
                let places: Vec<Place> = paths.iter().flat_map(|path| self.index.roots_of(path)).collect();
                places.into_iter().for_each(|place| self.mark(place, DEBOUNCE));
            }
            Touched::Everything => {
                self.mark_all(self.overflow_pause);
                self.overflow_pause = (self.overflow_pause * 2).min(self.config.reconcile_every);
            }
        }
    }

    fn mark_all(&mut self, delay: Duration) {
        for place in self.all_places() {
            self.mark(place, delay);
        }
    }

    fn mark(&mut self, place: Place, delay: Duration) {
        self.dirty.mark(Instant::now(), place, delay);
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if self.reconcile_at <= now {
            self.reconcile_at = now + self.config.reconcile_every;
            self.overflow_pause = OVERFLOW_PAUSE_MIN;
            self.mark_all(Duration::ZERO);
        }
        if !self.missing.is_empty() && self.probe_at <= now {
            self.probe_at = now + PROBE_EVERY;
            let missing: Vec<RootId> = self.missing.iter().copied().collect();
            for id in missing {
                let start = self.shared.library.read().root(id).map(|root| root.start().to_owned());
                match start {
                    Some(start) => self.mark((id, start), Duration::ZERO),
                    None => _ = self.missing.remove(&id),
                }
            }
        }
        if self.progress_at.is_some_and(|at| at <= now) {
            self.progress_at = Some(now + PROGRESS_EVERY);
            self.tell_progress();
        }
        self.rescan(now);
    }

    /// Starts a job for what is due, unless one is running: a second one would see the same.
    fn rescan(&mut self, now: Instant) {
        if !self.may_rescan() {
            return;
        }
        let running = &self.running;
        let places = self.dirty.take_due(now, |root| running.values().any(|job| job.roots.contains(&root)));
        if !places.is_empty() {
            self.start(places, Vec::new(), None);
        }
    }

    fn may_rescan(&self) -> bool {
        self.running.values().all(|running| running.asked.is_some())
    }

    fn is_busy(&self, root: RootId) -> bool {
        self.running.values().any(|job| job.roots.contains(&root))
    }

    fn next_deadline(&self) -> Instant {
        let probe = if self.missing.is_empty() { None } else { Some(self.probe_at) };
        let rescan = if self.may_rescan() { self.dirty.next_due(|root| self.is_busy(root)) } else { None };
        [probe, rescan, self.progress_at].into_iter().flatten().fold(self.reconcile_at, Instant::min)
    }

    fn tell_progress(&mut self) {
        let total_bytes = self.board.total_bytes.load(Ordering::Relaxed);
        let files_left = if self.running.is_empty() { 0 } else { self.board.files_left.load(Ordering::Relaxed) };
        if total_bytes == 0 && files_left == 0 {
            return;
        }
        self.news.progressed(Progress {
            hashed_bytes: self.board.hashed_bytes.load(Ordering::Relaxed).min(total_bytes),
            total_bytes,
            files_left,
            current: self.board.current.lock().clone(),
        });
    }

    fn tell_watch_news(&mut self, news: Vec<Health>) {
        for Health { folder, problem } in news {
            self.news.tell(LibraryEvent::WatchHealth { folder, problem });
        }
    }
}

/// Why not all that was asked for is shared, if so. A file in a folder is no reason: it is left out.
fn problem_of(
    planned: &[Planned],
    missing: &[RootId],
    failed: &[(Place, crate::disk::hash::HashFault)],
) -> Option<ShareError> {
    use crate::disk::hash::HashFault;
    use crate::disk::place::shared::ReadFault;
    for plan in planned {
        let typed = plan.typed.clone();
        if missing.contains(&plan.root.id) {
            return Some(ShareError::Unreadable { typed, why: ReadFault::Gone });
        }
        let own_fault = failed.iter().find(|((root, relative), _)| *root == plan.root.id && *relative == plan.start);
        match own_fault.map(|(_, fault)| fault) {
            None => {}
            Some(HashFault::Changed | HashFault::Stopped) => return Some(ShareError::Changing { typed }),
            Some(HashFault::Read(why)) => return Some(ShareError::Unreadable { typed, why: why.again() }),
        }
    }
    None
}
