//! All downloads together: which request goes to which peer, when a download waits, runs, fails, is finished.
//!
//! What happened goes in by the methods, what is to be done comes out of [`Downloads::effects`]. It never sees bytes:
//! whoever runs it verifies and writes blocks, opens and finishes files, connects and asks the tracker, and says how it
//! went. `work` is about the files in work, `connecting` about who has a connection, `fetch` about peers and requests, `ahead`
//! about what is done before it is known to be needed, `metered` about what goes on while bytes cost something, `patience`
//! about those that send nothing of use, `search` about who has what, `verdict` about what its owner refuses, `order` about
//! what is begun first, `state` about what is told, `describe` about what is told to whoever looks closer.

mod ahead;
mod connecting;
mod describe;
mod fetch;
mod metered;
pub mod order;
mod patience;
mod search;
mod state;
#[cfg(test)]
mod tests;
mod verdict;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Instant;

pub use self::describe::Described;
use crate::model::block_list::BlockList;
use crate::model::hash::ContentHash;
use crate::model::keeping_away::KeptAway;
use crate::model::transfer::{TransferError, TransferId};
use crate::model::transfer_details::SourceStanding;
use crate::model::username::Username;
use crate::protocol::peer::{Content, PeerRefusal};
use crate::transfer::job::{Control, DownloadJob, FileId, FileState};
use crate::transfer::plan::{Blocks, Plan};
use crate::transfer::source::{Ask, SourceTable};
use crate::transfer::{Contact, SourceId};

/// Sources of one file that are used beside the user it was asked of; those that cannot be reached do not count.
const SOURCES_MAX: usize = 8;

/// What is to be done.
#[derive(Debug)]
pub enum DownloadEffect {
    /// Say with [`Downloads::user_found`] where this user is.
    FindUser(Username),
    /// Say with [`Downloads::sources_found`] who has this content, also when nobody has.
    FindSources(FileId, ContentHash),
    /// Say with [`Downloads::announced`] what the user whom it was asked of shares under the path of this file now.
    FindShare(FileId),
    /// A file is something else now at its owner, and is fetched as that; what it was is written down nowhere any more.
    Renewed(FileId, Content),
    /// Connect; say [`Downloads::connected`] or [`Downloads::disconnected`].
    Connect(SourceId, Contact),
    /// The same, but only within the local network.
    ConnectNearby(SourceId, Contact),
    /// Nobody wants anything of this source now. It is down already for this machine.
    Disconnect(SourceId),
    /// Send these requests; each is answered once with [`Downloads::answered`].
    Ask(SourceId, Vec<Ask>),
    /// The answers to these requests are of no use; they still count as answers.
    Cancel(SourceId, Vec<u32>),
    /// Open the part file and find out which blocks are in it: [`Downloads::checked`]. Only for files of more than one
    /// block.
    Check(FileId, BlockList),
    /// All blocks are written: flush and rename, and say [`Downloads::finished`].
    Finish(FileId),
    /// Nothing more is written to this file for now.
    Close(FileId),
    /// Something lies at the place of this file, which is held: look what it is and say [`Downloads::release`].
    Look(FileId),
    /// Say [`Downloads::room`] when so many bytes are free on the disk of this download.
    AwaitRoom(TransferId, u64),
    /// A file is not coming; it can be retried.
    FileFailed(FileId, TransferError),
    /// Nothing more is coming: every file is finished, or some failed.
    Over(TransferId),
    /// This user sent something else than was announced.
    Lied(Username),
}

/// What answered a request.
#[derive(Debug)]
pub enum AskOutcome {
    /// The list, proven to belong to the file.
    List(BlockList),
    /// The same, and nothing was here of the file: it is open for every block, and need not be checked.
    Begun,
    /// The block, verified and written.
    Written,
    /// The block, verified, but it could not be written.
    NotWritten(WriteFault),
    /// Data that nobody here wanted any more when it came.
    Unwanted,
    /// No data.
    Refused(PeerRefusal),
    /// Data that does not belong to the file.
    Wrong,
}

/// Why something could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteFault {
    /// There is no room; it may come back.
    Full,
    /// Too many files are open here: it is tried again a little later.
    Overloaded,
    /// Anything else.
    File(TransferError),
}

/// What the tracker says of the user of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundUser {
    /// They are here.
    Here(Contact),
    /// Nobody of that name is here, or they have no key.
    Away,
    /// Somebody is here under that name who is not who we dealt with: nothing is asked of them.
    OtherKey,
    /// Nobody can say: the tracker is away.
    Unknown,
    /// Nobody says it to us: the owner of the network keeps us out.
    KeptAway(KeptAway),
}

/// What its owner shares under the path of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// Nobody can say: the tracker is away.
    Unknown,
    /// Nothing.
    Nothing,
    /// This content.
    Content(Content),
}

/// What is at a file's place on disk.
#[derive(Debug)]
pub enum Checked {
    /// A part file with these verified blocks, open for the rest.
    Part(Blocks),
    /// It cannot be written there now.
    Fault(WriteFault),
}

/// The machine.
#[derive(Debug)]
pub struct Downloads {
    /// Large files in work for one user at a time.
    at_once: usize,
    /// Nothing is fetched over the Internet but what a person lets go on: see [`Downloads::set_metered`].
    is_metered: bool,
    jobs: BTreeMap<TransferId, DownloadJob>,
    lanes: BTreeMap<Username, Lane>,
    /// Lanes of which more files may be brought into work than when it was looked last.
    to_activate: BTreeSet<Username>,
    active: HashMap<FileId, Active>,
    sources: SourceTable,
    /// Somebody may be worth a connection who was not when it was looked last.
    may_connect: bool,
    /// Counts what the tracker told: a search older than the news is worth repeating.
    news: u64,
    searching: VecDeque<Question>,
    searches_open: usize,
    searched_again_at: Option<Instant>,
    /// Nothing is begun while our own system is overloaded.
    overload: Overload,
    changed: BTreeSet<TransferId>,
    effects: Vec<DownloadEffect>,
}

/// Whether our own system had too many files open a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overload {
    None,
    /// It was said just now.
    Told,
    Since(Instant),
}

/// The downloads from one user, in the order they were asked for.
#[derive(Debug)]
struct Lane {
    jobs: Vec<TransferId>,
    source: Option<SourceId>,
    /// Why there is no source, for people.
    standing: SourceStanding,
    /// Why the owner of the network keeps us out, while that is why there is no source.
    kept_away: Option<KeptAway>,
    small: usize,
    large: usize,
}

impl Default for Lane {
    fn default() -> Self {
        let standing = SourceStanding::Unknown;
        Self { jobs: Vec::new(), source: None, standing, kept_away: None, small: 0, large: 0 }
    }
}

/// A file in work.
#[derive(Debug)]
struct Active {
    content: Content,
    user: Username,
    stage: Stage,
    /// Nothing of it is here, as far as we know.
    is_new: bool,
    /// Who has it, connected or not.
    offers: Vec<SourceId>,
    /// Who has it too, as the tracker says: those who are asked when others fail, the best ones first.
    reserve: VecDeque<SourceId>,
    /// Who says they have it not.
    refused: Vec<SourceId>,
    /// Why the user it was asked of does not send it.
    verdict: Option<TransferError>,
    /// How often it came to nobody having it.
    tries: u32,
    /// How often in a row its owner shared nothing under its path, or refused what they announce.
    unshared: u32,
    /// Its owner said that it has changed, and sent nothing since.
    is_changing: bool,
    /// What they share now is being asked.
    is_asking: bool,
    retry_at: Option<Instant>,
    /// When, and after which news.
    searched: Option<(Instant, u64)>,
    is_searching: bool,
}

/// What is to be asked of the tracker.
#[derive(Debug, Clone, Copy)]
enum Question {
    /// Who has the content of a file.
    Sources(FileId),
    /// What its owner shares under its path.
    Share(FileId),
}

#[derive(Debug)]
enum Stage {
    NeedsList,
    /// Of somebody, and so many of its first blocks with it.
    ListAsked(SourceId, u32),
    Checking,
    Blocks(Plan),
    Finishing,
}

impl Downloads {
    /// Nothing to do yet. `at_once`: large files that are fetched from one user at a time.
    pub fn new(at_once: usize) -> Self {
        Self {
            at_once: at_once.max(1),
            is_metered: false,
            jobs: BTreeMap::new(),
            lanes: BTreeMap::new(),
            active: HashMap::new(),
            to_activate: BTreeSet::new(),
            sources: SourceTable::default(),
            may_connect: false,
            news: 0,
            searching: VecDeque::new(),
            searches_open: 0,
            searched_again_at: None,
            overload: Overload::None,
            changed: BTreeSet::new(),
            effects: Vec::new(),
        }
    }

    /// Another setting; what is in work stays so.
    pub fn set_at_once(&mut self, at_once: usize) {
        self.at_once = at_once.max(1);
        self.to_activate.extend(self.lanes.keys().cloned());
    }

    /// A new download, or one of an earlier run.
    pub fn add(&mut self, id: TransferId, mut job: DownloadJob) {
        job.rank = id.0;
        if job.control == Control::Go && !job.is_over() {
            job.control = self.going();
        }
        if !self.lanes.contains_key(&job.user) {
            self.effects.push(DownloadEffect::FindUser(job.user.clone()));
        }
        let lane = self.lanes.entry(job.user.clone()).or_default();
        lane.jobs.push(id);
        self.to_activate.insert(job.user.clone());
        self.jobs.insert(id, job);
        self.changed.insert(id);
    }

    /// Forgets a download; its requests are cancelled.
    pub fn remove(&mut self, id: TransferId) -> Option<DownloadJob> {
        self.put_down(id);
        let job = self.jobs.remove(&id)?;
        if let Some(lane) = self.lanes.get_mut(&job.user) {
            lane.jobs.retain(|other| *other != id);
            if lane.jobs.is_empty() {
                self.lanes.remove(&job.user);
            }
        }
        self.changed.remove(&id);
        Some(job)
    }

    /// A person pauses a download.
    pub fn pause(&mut self, id: TransferId) {
        self.control(id, Control::Paused);
    }

    /// A download goes on.
    pub fn resume(&mut self, id: TransferId) {
        self.control(id, Control::Go);
        if self.is_metered {
            self.reach_anew();
        }
    }

    /// There is room on the disk of a download that waited for it.
    pub fn room(&mut self, id: TransferId) {
        if self.jobs.get(&id).is_some_and(|job| matches!(job.control, Control::DiskFull { .. })) {
            self.control(id, self.going());
        }
    }

    /// Lets the files of a download that failed be tried once more, also by those who lied. Which ones they are.
    pub fn retry(&mut self, id: TransferId) -> Vec<u32> {
        let Some(job) = self.jobs.get_mut(&id) else { return Vec::new() };
        let failed = job.retry();
        if !failed.is_empty() {
            for (_, source) in self.sources.iter_mut() {
                source.forgive();
            }
        }
        self.control(id, Control::Go);
        failed
    }

    /// Files of a download are something else now, or are to be fetched again; and it gets others besides, which stand
    /// behind those that it has.
    pub fn grow(&mut self, id: TransferId, renewed: &[(u32, Content)], added: Vec<Content>) {
        for (index, _) in renewed {
            let file = FileId { job: id, index: *index };
            self.cancel_asks(|open| open.file == file);
            self.put_away(file, FileState::Pending);
        }
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.grow(renewed, added);
        let control = job.control;
        self.control(id, control);
    }

    /// What was found at a file's place.
    pub fn checked(&mut self, file: FileId, found: Checked) {
        if !self.active.get(&file).is_some_and(|active| matches!(active.stage, Stage::Checking)) {
            return;
        }
        match found {
            Checked::Part(blocks) => self.fill_in(file, blocks),
            Checked::Fault(fault) => self.not_written(file, fault),
        }
    }

    /// What finishing a file came to.
    pub fn finished(&mut self, file: FileId, result: Result<(), WriteFault>) {
        let is_finishing = self.active.get(&file).is_some_and(|active| matches!(active.stage, Stage::Finishing));
        let is_open = matches!(
            self.jobs.get(&file.job).map(|job| job.state(file.index)),
            Some(FileState::Pending | FileState::Active)
        );
        match result {
            // Also when it was paused in the last moment: it is there.
            Ok(()) if is_open => self.settle(file, FileState::Done),
            Err(fault) if is_finishing => self.not_written(file, fault),
            _ => {}
        }
    }

    /// Files of a download are not begun before it is known what lies at their places: [`Downloads::release`].
    pub fn hold(&mut self, id: TransferId, indexes: &[u32]) {
        let files = indexes.iter().map(|index| FileId { job: id, index: *index });
        let in_work: HashSet<FileId> = files.clone().filter(|file| self.active.contains_key(file)).collect();
        if !in_work.is_empty() {
            self.cancel_asks(|open| in_work.contains(&open.file));
        }
        for file in files {
            self.put_away(file, FileState::Held);
        }
    }

    /// It is known what lies at the place of a file that was held. `Pending`: it is to be fetched; `Done`: it lies there
    /// itself; `LeftOut`: something else does, and stays; `Failed`: something else does, and nobody has said what becomes
    /// of it.
    pub fn release(&mut self, file: FileId, state: FileState) {
        let Some(job) = self.jobs.get_mut(&file.job) else { return };
        if job.state(file.index) != FileState::Held {
            return;
        }
        match state {
            FileState::Failed => self.fail(file, TransferError::Exists),
            FileState::Done | FileState::LeftOut => {
                if state == FileState::Done {
                    job.restore_here(file.index);
                }
                self.settle(file, state);
            }
            FileState::Pending | FileState::Active | FileState::Held => {
                job.set(file.index, FileState::Pending);
                self.to_activate.insert(job.user.clone());
                self.changed.insert(file.job);
            }
        }
    }

    /// So many bytes at the places of held files were looked at.
    pub fn looked(&mut self, id: TransferId, bytes: u64) {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.looked(bytes);
            self.changed.insert(id);
        }
    }

    /// This computer is in another network: that somebody was not reached before says nothing of now.
    pub fn network_changed(&mut self) {
        self.sources.iter_mut().for_each(|(_, source)| source.backoff.reset());
    }

    /// Time has passed. To be called a few times a second while anything is in work.
    pub fn tick(&mut self, now: Instant) {
        self.tick_search(now);
        self.tick_sources(now);
    }

    /// What is to be done now, after everything that was put in.
    pub fn effects(&mut self, now: Instant) -> Vec<DownloadEffect> {
        self.activate(now);
        self.connect(now);
        self.search();
        self.fill_all(now);
        std::mem::take(&mut self.effects)
    }

    /// The downloads of which something changed since this was asked last.
    pub fn take_changed(&mut self) -> BTreeSet<TransferId> {
        std::mem::take(&mut self.changed)
    }

    /// One download.
    pub fn job(&self, id: TransferId) -> Option<&DownloadJob> {
        self.jobs.get(&id)
    }

    /// One download, for its speed.
    pub fn job_mut(&mut self, id: TransferId) -> Option<&mut DownloadJob> {
        self.jobs.get_mut(&id)
    }

    /// All downloads.
    pub fn jobs(&self) -> impl Iterator<Item = (TransferId, &DownloadJob)> {
        self.jobs.iter().map(|(id, job)| (*id, job))
    }

    /// Whether there is anything to wait for but a person.
    pub fn is_at_rest(&self) -> bool {
        self.active.is_empty() && self.overload == Overload::None && self.sources.linked().next().is_none()
    }

    fn control(&mut self, id: TransferId, control: Control) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let before = std::mem::replace(&mut job.control, control);
        self.to_activate.insert(job.user.clone());
        self.changed.insert(id);
        if control != Control::Go {
            self.put_down(id);
        } else if before == Control::Metered {
            self.goes_by_every_way(id);
        }
    }
}
