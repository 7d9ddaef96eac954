//! The librarian's task: one owner of the table, one loop. Jobs look and hash, and report to it; it decides what is
//! shared.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
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
use crate::library::table::Selection;
use crate::model::file_stamp::FileStamp;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::service::librarian::content::{Shared, Suspect};
use crate::service::librarian::event::{LibraryEvent, Progress, SKIPPED_SHOWN_MAX, SkippedFile, WhyNotShared};
use crate::service::librarian::plan::{NEW, Planned, check, plan};
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
/// More changed places in one root than these, and all of it is looked at.
const DIRTY_PLACES_MAX: usize = 1000;
/// Announcements in one event.
const CHANGES_PER_EVENT: usize = 1000;
/// Events that wait; beyond it the oldest is lost. Changes of shares are kept apart and never lost.
const NOTICES_MAX: usize = 1024;
/// Skipped files that are remembered, so that each is told once.
const TOLD_MAX: usize = 100_000;

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
    next_root: u64,
    dirty: BTreeMap<RootId, Dirty>,
    /// Files that were being written to when they were seen last.
    unquiet: HashMap<Place, FileStamp>,
    missing: BTreeSet<RootId>,
    told: HashSet<Place>,
    changes: Changes,
    notices: VecDeque<LibraryEvent>,
    progress: Option<Progress>,
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
    Planned { planned: Result<Vec<Planned>, ShareError>, reply: ShareReply },
}

/// A job under way.
#[derive(Debug)]
struct Running {
    places: Vec<Place>,
    /// Somebody waits for it.
    asked: Option<Asked>,
}

#[derive(Debug)]
struct Asked {
    planned: Vec<Planned>,
    reply: ShareReply,
}

/// Places in a root that must be looked at.
#[derive(Debug)]
struct Dirty {
    due: Instant,
    /// The empty text is everything.
    starts: BTreeSet<String>,
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
        let last_root = shared.library.read().roots().map(|root| root.id.0).max().unwrap_or(NEW.0);
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
            next_root: last_root + 1,
            dirty: BTreeMap::new(),
            unquiet: HashMap::new(),
            missing: BTreeSet::new(),
            told: HashSet::new(),
            changes: Changes::default(),
            notices: VecDeque::new(),
            progress: None,
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
            let has_news = listener_left && self.has_news();
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
                Some((root, relative)) = inbox.suspects.recv() => self.mark(root, relative, Duration::ZERO),
                () = sleep_until(deadline) => self.tick(),
                permit = events.reserve(), if has_news => match permit {
                    Ok(permit) => if let Some(event) = self.next_event() {
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
            Ask::Share { requests, reply } => self.plan(requests, reply),
            Ask::Unshare { items, reply } => self.unshare(items, reply),
            Ask::Loaded { reply } => _ = reply.send(()),
        }
    }

    fn plan(&mut self, requests: Vec<ShareRequest>, reply: ShareReply) {
        let (shared, data_dir) = (Arc::clone(&self.shared), self.config.data_dir.clone());
        self.tasks.spawn_blocking(move || {
            // A copy: the person's disk may be slow, and nobody must wait for it with us.
            let library = shared.library.read().clone();
            let planned = plan(requests, &data_dir, &library);
            Some(Ended::Planned { planned, reply })
        });
    }

    fn take_end(&mut self, ended: Result<Option<Ended>, tokio::task::JoinError>) {
        match ended {
            Ok(Some(Ended::Planned { planned, reply })) => match planned.and_then(|planned| self.accept(planned)) {
                Ok((planned, changed)) => {
                    let places = planned.iter().map(|plan| (plan.root.id, plan.start.clone())).collect();
                    self.start(places, changed, Some(Asked { planned, reply }));
                }
                Err(error) => _ = reply.send(Err(error)),
            },
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a task of the librarian failed"),
        }
    }

    /// Takes planned roots into the library; says which must be remembered.
    fn accept(&mut self, mut planned: Vec<Planned>) -> Result<(Vec<Planned>, Vec<RootId>), ShareError> {
        let mut library = self.shared.library.write();
        // Something else may have been shared while this was planned.
        check(&planned, &library)?;
        let mut changed = Vec::new();
        let mut numbers: HashMap<(String, SharePath), RootId> = HashMap::new();
        for plan in &mut planned {
            let known =
                library.roots().find(|root| root.local == plan.root.local && root.share_as == plan.root.share_as);
            if let Some(known) = known {
                plan.root.id = known.id;
            }
            if plan.root.id == NEW {
                let name = (plan.root.local.clone(), plan.root.share_as.clone());
                plan.root.id = *numbers.entry(name).or_insert_with(|| {
                    let id = RootId(self.next_root);
                    self.next_root += 1;
                    id
                });
            }
            if library.root(plan.root.id) != Some(&plan.root) {
                changed.push(plan.root.id);
                library.set_root(plan.root.clone());
            }
            if let Some(warning) = plan.warning {
                self.notices.push_back(LibraryEvent::Warning { root: plan.root.local.clone(), warning });
            }
        }
        drop(library);
        self.roots_changed();
        Ok((planned, changed))
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
        self.running.insert(id, Running { places, asked });
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
        let Some(Running { places, asked }) = self.running.remove(&job) else { return };
        let Outcome { present, missing, unquiet, mut skipped, failed, watch_news, watch_is_partial, save_error } =
            outcome;
        self.tell_watch_news(watch_news);
        if watch_is_partial {
            self.reconcile_at = self.reconcile_at.min(Instant::now() + RECONCILE_UNWATCHED_EVERY);
        }
        present.into_iter().for_each(|root| self.is_present(root));
        missing.iter().for_each(|root| self.is_missing(*root));
        for (place, stamp) in unquiet {
            self.mark(place.0, place.1.clone(), QUIET);
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
        self.tell_skipped(skipped);
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
        let others: HashSet<RootId> =
            self.running.values().flat_map(|running| running.places.iter().map(|(root, _)| *root)).collect();
        for (root, start) in places {
            if others.contains(root) {
                self.mark(*root, start.clone(), DEBOUNCE);
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
        let mut changes = Changes::default();
        let ids: Vec<RootId> = planned.iter().filter(|plan| plan.is_new).map(|plan| plan.root.id).collect();
        {
            let mut library = self.shared.library.write();
            library.give_up(&Selection::of_roots(ids.iter().copied()), &mut changes);
        }
        self.changed(changes);
        self.roots_changed();
        self.save(ids, None);
    }

    fn unshare(&mut self, items: Vec<Item>, reply: UnshareReply) {
        let selections: Result<Vec<Selection>, ShareError> = {
            let library = self.shared.library.read();
            let select = |item: Item| {
                let by_path = item.path.as_ref().and_then(|path| library.select_share_path(path));
                let by_local = || item.locals.iter().find_map(|local| library.select_local(local));
                by_path.or_else(by_local).ok_or(ShareError::NotShared { item: item.typed })
            };
            items.into_iter().map(select).collect()
        };
        let selections = match selections {
            Ok(selections) => selections,
            Err(error) => {
                let _gave_up_waiting = reply.send(Err(error));
                return;
            }
        };
        let mut changes = Changes::default();
        {
            let mut library = self.shared.library.write();
            selections.iter().for_each(|selection| library.give_up(selection, &mut changes));
        }
        let (_, removed) = changes.clone().into_parts();
        self.changed(changes);
        self.roots_changed();
        let ids = selections.iter().flat_map(Selection::roots).collect();
        self.save(ids, Some((removed, reply)));
    }

    /// Remembers these roots as they are now, and then answers.
    fn save(&mut self, ids: Vec<RootId>, answer: Option<(Vec<SharePath>, UnshareReply)>) {
        let (shared, watches) = (Arc::clone(&self.shared), Arc::clone(&self.watches));
        self.tasks.spawn_blocking(move || {
            let saved = shared.save_roots(&ids);
            match (saved, answer) {
                (Ok(()), Some((removed, reply))) => _ = reply.send(Ok(removed)),
                (Err(error), Some((_, reply))) => _ = reply.send(Err(error.into())),
                (Err(error), None) => tracing::error!(%error, "the list of shares cannot be saved"),
                (Ok(()), None) => {}
            }
            let roots: Vec<_> = shared.library.read().roots().cloned().collect();
            watches.lock().follow(&roots);
            None
        });
    }

    /// Has it told, and has every running upload ask the table again: called after the table was changed.
    fn changed(&mut self, changes: Changes) {
        if !changes.is_empty() {
            self.shared.withdrawals.fetch_add(1, Ordering::Release);
            self.changes.then(changes);
        }
    }

    fn is_missing(&mut self, id: RootId) {
        let mut changes = Changes::default();
        self.shared.library.write().withdraw_all(id, &mut changes);
        self.changed(changes);
        if self.missing.insert(id)
            && let Some(root) = self.local_path(id)
        {
            self.notices.push_back(LibraryEvent::Missing { root });
        }
        self.probe_at = Instant::now() + PROBE_EVERY;
    }

    fn is_present(&mut self, id: RootId) {
        if self.missing.remove(&id)
            && let Some(root) = self.local_path(id)
        {
            self.notices.push_back(LibraryEvent::Back { root });
        }
    }

    fn local_path(&self, id: RootId) -> Option<String> {
        self.shared.library.read().root(id).map(|root| root.local.clone())
    }

    fn take_touched(&mut self, touched: Touched) {
        match touched {
            Touched::Paths(paths) => {
                let places: Vec<Place> = paths.iter().flat_map(|path| self.index.roots_of(path)).collect();
                places.into_iter().for_each(|(root, start)| self.mark(root, start, DEBOUNCE));
            }
            Touched::Everything => {
                self.mark_all(self.overflow_pause);
                self.overflow_pause = (self.overflow_pause * 2).min(self.config.reconcile_every);
            }
        }
    }

    fn mark_all(&mut self, delay: Duration) {
        for (root, start) in self.all_places() {
            self.mark(root, start, delay);
        }
    }

    /// Has a place looked at after so long; what is due sooner stays so.
    fn mark(&mut self, root: RootId, start: String, delay: Duration) {
        let due = Instant::now() + delay;
        let dirty = self.dirty.entry(root).or_insert_with(|| Dirty { due, starts: BTreeSet::new() });
        dirty.due = dirty.due.min(due);
        let is_too_much = dirty.starts.len() >= DIRTY_PLACES_MAX;
        if is_too_much {
            dirty.starts.clear();
        }
        dirty.starts.insert(if is_too_much { String::new() } else { start });
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
                    Some(start) => self.mark(id, start, Duration::ZERO),
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
        let busy = self.busy_roots();
        let due = self.dirty.extract_if(.., |root, dirty| dirty.due <= now && !busy.contains(root));
        let places: Vec<Place> =
            due.flat_map(|(root, dirty)| topmost(dirty.starts).map(move |start| (root, start))).collect();
        if !places.is_empty() {
            self.start(places, Vec::new(), None);
        }
    }

    fn may_rescan(&self) -> bool {
        self.running.values().all(|running| running.asked.is_some())
    }

    fn busy_roots(&self) -> HashSet<RootId> {
        self.running.values().flat_map(|running| running.places.iter().map(|(root, _)| *root)).collect()
    }

    fn next_deadline(&self) -> Instant {
        let probe = if self.missing.is_empty() { None } else { Some(self.probe_at) };
        let rescan = if self.may_rescan() && !self.dirty.is_empty() {
            let busy = self.busy_roots();
            self.dirty.iter().filter(|(root, _)| !busy.contains(root)).map(|(_, dirty)| dirty.due).min()
        } else {
            None
        };
        [probe, rescan, self.progress_at].into_iter().flatten().fold(self.reconcile_at, Instant::min)
    }

    fn tell_progress(&mut self) {
        let total_bytes = self.board.total_bytes.load(Ordering::Relaxed);
        let files_left = if self.running.is_empty() { 0 } else { self.board.files_left.load(Ordering::Relaxed) };
        if total_bytes == 0 && files_left == 0 {
            return;
        }
        self.progress = Some(Progress {
            hashed_bytes: self.board.hashed_bytes.load(Ordering::Relaxed).min(total_bytes),
            total_bytes,
            files_left,
            current: self.board.current.lock().clone(),
        });
    }

    fn tell_watch_news(&mut self, news: Vec<Health>) {
        for Health { folder, problem } in news {
            self.notices.push_back(LibraryEvent::WatchHealth { folder, problem });
        }
    }

    /// Tells of each file once.
    fn tell_skipped(&mut self, skipped: Vec<(Place, WhyNotShared)>) {
        let mut by_root: BTreeMap<RootId, (Vec<SkippedFile>, usize)> = BTreeMap::new();
        for (place, why) in skipped {
            if self.told.len() >= TOLD_MAX {
                self.told.clear();
            }
            if !self.told.insert(place.clone()) {
                continue;
            }
            let (files, count) = by_root.entry(place.0).or_default();
            *count += 1;
            if files.len() < SKIPPED_SHOWN_MAX {
                let library = self.shared.library.read();
                let path = library.root(place.0).map_or(place.1.clone(), |root| root.local_path(&place.1));
                files.push(SkippedFile { path, why });
            }
        }
        for (id, (files, count)) in by_root {
            if let Some(root) = self.local_path(id) {
                self.notices.push_back(LibraryEvent::Skipped { root, files, count });
            }
        }
        while self.notices.len() > NOTICES_MAX {
            self.notices.pop_front();
        }
    }

    fn has_news(&self) -> bool {
        !self.notices.is_empty() || !self.changes.is_empty() || self.progress.is_some()
    }

    fn next_event(&mut self) -> Option<LibraryEvent> {
        if let Some(notice) = self.notices.pop_front() {
            return Some(notice);
        }
        if !self.changes.is_empty() {
            let (added, removed) = self.changes.take(CHANGES_PER_EVENT);
            return Some(LibraryEvent::Changed { added, removed });
        }
        self.progress.take().map(LibraryEvent::Progress)
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

fn is_at_or_below(relative: &str, start: &str) -> bool {
    start.is_empty() || relative.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Leaves out the places that lie below another one.
fn topmost(starts: BTreeSet<String>) -> impl Iterator<Item = String> {
    let mut above: Vec<String> = Vec::new();
    starts.into_iter().filter(move |start| {
        let is_covered = above.iter().any(|above| is_at_or_below(start, above));
        if !is_covered {
            above.push(start.clone());
        }
        !is_covered
    })
}
