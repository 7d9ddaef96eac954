//! The share indexer's task: hears what is asked and what the system says, and decides what is looked at when. The work is
//! done on blocking threads, which this task starts, limits and waits for.

mod jobs;
mod rearranging;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::library::root::RootId;
use crate::library::unsaved::Unsaved;
use crate::model::file_stamp::FileStamp;
use crate::model::share::Share;
use crate::service::share_indexer::content::{STEPS_PER_HOLD, SharedLibrary, Suspect};
use crate::service::share_indexer::dirty::Dirty;
use crate::service::share_indexer::event::{LibraryEvent, ShareWarning};
use crate::service::share_indexer::event_queue::EventQueue;
use crate::service::share_indexer::plan::{PlanRules, Planned, accept, plan, preview};
use crate::service::share_indexer::presence::Presence;
use crate::service::share_indexer::preview::SharePreview;
use crate::service::share_indexer::root_status::Absence;
use crate::service::share_indexer::scan_job::{Board, RootPlace, ScanReport};
use crate::service::share_indexer::watch::{Touched, Touches, WatchHealthChange, Watches};
use crate::service::share_indexer::{
    IndexerCommand, RenamedShares, ShareError, ShareExtent, ShareIndexerConfig, ShareRequest, ShareRules, UnsharedEach,
};

/// A change rarely comes alone: wait so long after the first before looking.
const DEBOUNCE: Duration = Duration::from_millis(300);
/// How often it is looked whether a root that is not there came back.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether the shared folders are there, which costs a moment each: a drive that is unplugged says
/// nothing.
const PRESENCE_EVERY: Duration = Duration::from_secs(2);
/// How often everything is looked at while some folder cannot be watched.
const RECONCILE_UNWATCHED_EVERY: Duration = Duration::from_secs(30);
/// The first pause after the system had more changes to tell than it could; doubled each time until the next
/// reconciliation, since looking at everything makes messages too.
const OVERFLOW_PAUSE_MIN: Duration = Duration::from_secs(2);
/// Looks at the same time, besides those that somebody waits for: a huge file must not hold up everything else.
const LOOKS_MAX: usize = 4;
/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

type ShareReply = oneshot::Sender<Result<Vec<Share>, ShareError>>;
type RenameReply = oneshot::Sender<Result<RenamedShares, ShareError>>;
type UnshareReply = oneshot::Sender<Result<UnsharedEach, ShareError>>;
type PreviewReply = oneshot::Sender<Result<SharePreview, ShareError>>;

/// Tells jobs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct JobId(u64);

/// The state of the task.
#[derive(Debug)]
pub(super) struct IndexerTask {
    config: ShareIndexerConfig,
    shared: Arc<SharedLibrary>,
    watches: Arc<Watches>,
    board: Arc<Board>,
    cancel: CancellationToken,
    events: mpsc::Sender<LibraryEvent>,
    /// Everything that was begun and has not ended.
    tasks: JoinSet<TaskEnd>,
    running: HashMap<JobId, Running>,
    next_job: u64,
    dirty: Dirty,
    /// Files that were being written to when they were seen last.
    unquiet: BTreeMap<RootPlace, FileStamp>,
    missing: BTreeMap<RootId, Absence>,
    /// Lent to the look that is under way.
    presence: Presence,
    /// There were more roots when it was last made sure that nothing else is watched.
    has_fewer_roots: bool,
    news: EventQueue,
    progress_at: Option<Instant>,
    reconcile_at: Instant,
    probe_at: Instant,
    /// When it is looked which folders are there; `None` while that is done.
    presence_at: Option<Instant>,
    overflow_pause: Duration,
}

/// Everything that wakes the task.
#[derive(Debug)]
pub(super) struct IndexerInbox {
    asks: mpsc::Receiver<IndexerCommand>,
    suspects: mpsc::Receiver<Suspect>,
    touches: Touches,
}

/// What a task of ours says at its end.
#[derive(Debug)]
enum TaskEnd {
    /// The roots are in the library, and `save` is to be remembered.
    Accepted { asked: AwaitedShare, save: Unsaved },
    /// Whoever asked was answered.
    Answered,
    /// A job did what it could; `None` if it broke.
    Looked { job: JobId, outcome: Option<Box<ScanReport>> },
    /// It was looked which folders are there; these came, went, are others now, or were not watched until now.
    Probed { presence: Presence, watch_news: Vec<WatchHealthChange>, changed: Vec<PathBuf> },
    /// There are fewer roots now, or others, which are to be looked at.
    Rearranged { look: Vec<RootId>, gone: Vec<RootId> },
}

impl TaskEnd {
    fn refused(reply: ShareReply, error: ShareError) -> Self {
        let _gave_up_waiting = reply.send(Err(error));
        Self::Answered
    }
}

/// What a job is for, besides looking.
#[derive(Debug, Default)]
struct ScanPurpose {
    save: Unsaved,
    asked: Option<AwaitedShare>,
    known: Option<oneshot::Sender<()>>,
}

/// A job under way.
#[derive(Debug)]
struct Running {
    places: Vec<RootPlace>,
    roots: HashSet<RootId>,
    /// Somebody waits for it.
    asked: Option<AwaitedShare>,
}

#[derive(Debug)]
struct AwaitedShare {
    planned: Vec<Planned>,
    reply: ShareReply,
}

impl IndexerTask {
    pub(super) fn new(
        config: ShareIndexerConfig,
        shared: Arc<SharedLibrary>,
        board: Arc<Board>,
        events: mpsc::Sender<LibraryEvent>,
        cancel: CancellationToken,
        asks: mpsc::Receiver<IndexerCommand>,
        suspects: mpsc::Receiver<Suspect>,
    ) -> (Self, IndexerInbox) {
        let now = Instant::now();
        let (watches, touches) = Watches::new();
        let indexer = Self {
            reconcile_at: now + config.reconcile_every,
            config,
            shared,
            watches: Arc::new(watches),
            board,
            cancel,
            events,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            next_job: 0,
            dirty: Dirty::default(),
            unquiet: BTreeMap::new(),
            missing: BTreeMap::new(),
            presence: Presence::default(),
            has_fewer_roots: false,
            news: EventQueue::default(),
            progress_at: None,
            probe_at: now,
            presence_at: Some(now),
            overflow_pause: OVERFLOW_PAUSE_MIN,
        };
        (indexer, IndexerInbox { asks, suspects, touches })
    }

    pub(super) async fn run(mut self, mut inbox: IndexerInbox) {
        let cancel = self.cancel.clone();
        let events = self.events.clone();
        let shared = Arc::clone(&self.shared);
        let mut loading = self.load();
        let (mut is_loaded, mut handles_left, mut listener_left) = (false, true, true);
        loop {
            let has_news = listener_left && (!self.news.is_empty() || shared.has_untold());
            let deadline = self.next_deadline();
            tokio::select! {
                () = cancel.cancelled() => break,
                _ = &mut loading, if !is_loaded => is_loaded = true,
                // Until it is known what is shared nothing can be added or taken out.
                ask = inbox.asks.recv(), if is_loaded && handles_left => match ask {
                    Some(ask) => self.hear(ask),
                    None => handles_left = false,
                },
                Some(ended) = self.tasks.join_next() => self.take_end(ended),
                Some(touched) = inbox.touches.next() => self.take_touched(touched),
                Some(place) = inbox.suspects.recv() => self.mark(place, Duration::ZERO),
                () = shared.changed.notified() => {}
                () = sleep_until(deadline) => self.tick(),
                permit = events.reserve(), if has_news => match permit {
                    Ok(permit) => if let Some(event) = self.news.next(&shared) {
                        permit.send(event);
                    },
                    Err(_closed) => listener_left = false,
                },
            }
        }
        while self.tasks.join_next().await.is_some() {}
    }

    /// Finds again what was shared when the program ended last.
    fn load(&mut self) -> oneshot::Receiver<()> {
        let (known, loading) = oneshot::channel();
        self.start(self.all_places(), ScanPurpose { known: Some(known), ..ScanPurpose::default() });
        loading
    }

    fn all_places(&self) -> Vec<RootPlace> {
        let (mut places, mut after) = (Vec::new(), RootId(0));
        loop {
            let roots = self.shared.library.read().roots_after(after, STEPS_PER_HOLD);
            let Some(last) = roots.last() else { return places };
            after = last.id;
            places.extend(roots.iter().map(|root| (root.id, root.start().to_owned())));
        }
    }

    fn hear(&mut self, ask: IndexerCommand) {
        match ask {
            IndexerCommand::Preview { requests, reply } => self.preview(requests, reply),
            IndexerCommand::Share { requests, extent, reply } => self.share(requests, extent, reply),
            IndexerCommand::ShareAgain { items, reply } => self.share_again(items, reply),
            IndexerCommand::Follow { rules } => self.follow(rules),
            IndexerCommand::UnshareEach { commands, reply } => self.unshare_each(commands, reply),
            IndexerCommand::Rename { from, to, reply } => self.rename(from, to, reply),
            IndexerCommand::Loaded { reply } => _ = reply.send(()),
        }
    }

    fn plan_rules(&self) -> PlanRules {
        let ShareIndexerConfig { data_dir, leave_out_hidden, .. } = &self.config;
        PlanRules { data_dir: data_dir.clone(), leave_out_hidden: *leave_out_hidden }
    }

    fn preview(&mut self, requests: Vec<ShareRequest>, reply: PreviewReply) {
        let (shared, rules) = (Arc::clone(&self.shared), self.plan_rules());
        self.tasks.spawn_blocking(move || {
            let _gave_up_waiting = reply.send(preview(requests, &rules, &shared.library));
            TaskEnd::Answered
        });
    }

    /// What other rules let in is found by looking.
    fn follow(&mut self, ShareRules { leave_out_hidden, reconcile_every, shares_max }: ShareRules) {
        let before = (self.config.leave_out_hidden, self.config.shares_max);
        self.config.leave_out_hidden = leave_out_hidden;
        self.config.shares_max = shares_max;
        if self.config.reconcile_every != reconcile_every {
            self.config.reconcile_every = reconcile_every;
            self.reconcile_at = self.reconcile_at.min(Instant::now() + reconcile_every);
        }
        if before != (leave_out_hidden, shares_max) {
            self.shared.change(|library, _| library.set_shares_max(shares_max));
            self.mark_all(Duration::ZERO);
        }
    }

    fn share(&mut self, requests: Vec<ShareRequest>, extent: ShareExtent, reply: ShareReply) {
        let (shared, rules) = (Arc::clone(&self.shared), self.plan_rules());
        self.tasks.spawn_blocking(move || {
            let mut planned = match plan(requests, &rules, extent, &shared.library) {
                Ok(planned) => planned,
                Err(error) => return TaskEnd::refused(reply, error),
            };
            match accept(&mut planned, &shared) {
                Ok(save) => TaskEnd::Accepted { asked: AwaitedShare { planned, reply }, save },
                Err(error) => TaskEnd::refused(reply, error),
            }
        });
    }

    fn take_end(&mut self, ended: Result<TaskEnd, tokio::task::JoinError>) {
        match ended {
            Ok(TaskEnd::Accepted { asked, save }) => {
                for plan in &asked.planned {
                    if plan.empty_folders > 0 {
                        let (root, count) = (plan.root.local.clone(), plan.empty_folders);
                        self.news.tell(LibraryEvent::EmptyFolders { root, count });
                    }
                    if let Some(warning) = plan.warning {
                        self.news.tell(LibraryEvent::Warning { root: plan.root.local.clone(), warning });
                    }
                }
                let places = asked.planned.iter().map(|plan| (plan.root.id, plan.start.clone())).collect();
                self.start(places, ScanPurpose { save, asked: Some(asked), known: None });
            }
            Ok(TaskEnd::Looked { job, outcome }) => self.finish(job, outcome),
            Ok(TaskEnd::Rearranged { look, gone }) => {
                self.has_fewer_roots |= !gone.is_empty();
                self.board.roots.forget(gone);
                for id in look {
                    self.mark_root(id, Duration::ZERO);
                }
            }
            Ok(TaskEnd::Probed { presence, watch_news, changed }) => {
                self.tell_watched(watch_news);
                self.presence = presence;
                self.presence_at = Some(Instant::now() + PRESENCE_EVERY);
                for base in changed {
                    let mut after = None;
                    loop {
                        let roots = self.shared.library.read().roots_at(&base, after.as_ref(), STEPS_PER_HOLD);
                        let Some(last) = roots.last() else { break };
                        after = Some(last.clone());
                        roots.into_iter().for_each(|(_, id)| _ = self.mark_root(id, Duration::ZERO));
                    }
                }
            }
            Ok(TaskEnd::Answered) => {}
            Err(error) => tracing::error!(%error, "a task of the share_indexer failed"),
        }
    }

    pub(super) fn tell_watched(&mut self, news: Vec<WatchHealthChange>) {
        self.board.roots.watched(&news);
        self.news.watched(news);
    }

    fn note_missing(&mut self, id: RootId, why: Absence) {
        self.board.roots.pause(id, Some(why));
        if self.missing.insert(id, why) != Some(why)
            && let Some(root) = self.local_path(id)
        {
            self.news.tell(match why {
                Absence::Gone => LibraryEvent::Missing { root },
                Absence::OtherFileSystem => LibraryEvent::Warning { root, warning: ShareWarning::OtherFileSystem },
            });
        }
        self.probe_at = Instant::now() + PROBE_EVERY;
    }

    fn note_present(&mut self, id: RootId) {
        self.board.roots.pause(id, None);
        if self.missing.remove(&id).is_some()
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
                let find = |path: &PathBuf| self.shared.library.read().places_at(path);
                let places: Vec<RootPlace> = paths.iter().flat_map(find).collect();
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

    /// Has all of a root looked at; whether there is such a root.
    fn mark_root(&mut self, id: RootId, delay: Duration) -> bool {
        let start = self.shared.library.read().root(id).map(|root| root.start().to_owned());
        let is_there = start.is_some();
        if let Some(start) = start {
            self.mark((id, start), delay);
        }
        is_there
    }

    fn mark(&mut self, place: RootPlace, delay: Duration) {
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
            let missing: Vec<RootId> = self.missing.keys().copied().collect();
            for id in missing {
                if !self.mark_root(id, Duration::ZERO) {
                    self.missing.remove(&id);
                }
            }
        }
        if self.presence_at.is_some_and(|at| at <= now) {
            self.presence_at = None;
            let (shared, mut presence) = (Arc::clone(&self.shared), std::mem::take(&mut self.presence));
            // Roots that go one by one must not have all that is watched looked through at each.
            let watches = std::mem::take(&mut self.has_fewer_roots).then(|| Arc::clone(&self.watches));
            self.tasks.spawn_blocking(move || {
                let mut changed = presence.look(shared.bases());
                let (watch_news, new) = watches.map(|watches| watches.watch_only(&shared.library)).unwrap_or_default();
                changed.extend(new);
                TaskEnd::Probed { presence, watch_news, changed }
            });
        }
        if self.progress_at.is_some_and(|at| at <= now) {
            self.progress_at = Some(now + PROGRESS_EVERY);
            self.tell_progress();
        }
        self.rescan(now);
    }

    /// Starts a job for what is due.
    fn rescan(&mut self, now: Instant) {
        if !self.may_rescan() {
            return;
        }
        // A second look at a root while one is under way would see the same.
        let running = &self.running;
        let places = self.dirty.take_due(now, |root| running.values().any(|job| job.roots.contains(&root)));
        if !places.is_empty() {
            self.start(places, ScanPurpose::default());
        }
    }

    fn may_rescan(&self) -> bool {
        self.running.values().filter(|running| running.asked.is_none()).count() < LOOKS_MAX
    }

    fn is_busy(&self, root: RootId) -> bool {
        self.running.values().any(|job| job.roots.contains(&root))
    }

    fn next_deadline(&self) -> Instant {
        let probe = if self.missing.is_empty() { None } else { Some(self.probe_at) };
        let rescan = if self.may_rescan() { self.dirty.next_due(|root| self.is_busy(root)) } else { None };
        [probe, rescan, self.progress_at, self.presence_at].into_iter().flatten().fold(self.reconcile_at, Instant::min)
    }

    fn tell_progress(&mut self) {
        if let Some(progress) = self.board.progress(!self.running.is_empty()) {
            self.news.progressed(progress);
        }
    }
}
