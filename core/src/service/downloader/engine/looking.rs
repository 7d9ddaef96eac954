//! Files at whose places something lies: what it is, and what becomes of it, is known before they are begun. It takes as
//! long as reading them does, and so it is seen, paused and taken off the list as all else is, and goes on after a restart.
//!
//! Whoever has just asked for a folder without saying what becomes of other files is asked, once and before anything of it
//! is begun ([`Command::Settle`](crate::service::downloader::Command::Settle)). Nobody waits for an answer after a restart,
//! or when something came to its place later: what differs then fails, and a person can say at the end what becomes of
//! all of it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::Engine;
use crate::model::existing::Existing;
use crate::model::transfer::{TransferId, TransferSelection};
use crate::service::downloader::files::JobFiles;
use crate::service::downloader::presence::{PlaceLook, Verdict};
use crate::service::downloader::{AddError, DifferingFiles, Event};
use crate::store::Store;
use crate::store::downloads::TargetName;
use crate::store::saved_state::SavedState;
use crate::transfer::event::TransferEvent;
use crate::transfer::job::{Control, FileId, FileState};

/// Places of differing files that are told; more are only counted.
const PLACES_TOLD_MAX: usize = 1_000;

/// Where goes what came of a look.
pub(super) type SettleReply = oneshot::Sender<Result<(), AddError>>;

/// What is looked at, and who waits for it.
pub(super) struct Looks {
    store: Arc<Store>,
    events: mpsc::Sender<Event>,
    running: HashMap<TransferId, Running>,
    /// How many there have been; the number of the newest.
    count: u64,
    /// Downloads whose asker is told before anything is done with what differs.
    asked: HashMap<TransferId, Asked>,
    askers: Vec<Asker>,
    /// Files to whose places something came when they were finished: once each.
    late: HashSet<FileId>,
    /// Names that were taken by other downloads when they were to be used.
    avoid: HashSet<PathBuf>,
}

/// A look under way.
struct Running {
    number: u64,
    is_stopped: Arc<AtomicBool>,
    looked: Arc<AtomicU64>,
    /// More is to be looked at by now.
    is_too_little: bool,
}

/// A download of which somebody waits to hear.
#[derive(Default)]
struct Asked {
    /// It was not on the list before.
    is_new: bool,
    /// Finished files that are something else at their owner by now.
    changed: Vec<u32>,
    verdicts: Option<Vec<(u32, Verdict)>>,
}

/// Somebody who waits until these are looked at.
struct Asker {
    ids: Vec<TransferId>,
    reply: SettleReply,
}

impl Looks {
    pub(super) fn new(store: Arc<Store>, events: mpsc::Sender<Event>) -> Self {
        Self {
            store,
            events,
            running: HashMap::new(),
            count: 0,
            asked: HashMap::new(),
            askers: Vec::new(),
            late: HashSet::new(),
            avoid: HashSet::new(),
        }
    }

    pub(super) fn are_none(&self) -> bool {
        self.running.is_empty()
    }

    /// How many bytes were looked at of each.
    pub(super) fn progress(&self) -> impl Iterator<Item = (TransferId, u64)> {
        self.running.iter().map(|(id, look)| (*id, look.looked.load(Ordering::Relaxed)))
    }

    /// Somebody will wait to hear of it; `changed` are finished files of which its owner has another content by now.
    pub(super) fn will_be_asked(&mut self, id: TransferId, is_new: bool, changed: Vec<u32>) {
        let asked = self.asked.entry(id).or_insert(Asked { is_new, ..Asked::default() });
        asked.changed.extend(changed);
    }

    /// Looks at these files; what is found is an [`Event::Looked`].
    fn start(&mut self, id: TransferId, job: Arc<JobFiles>, indexes: Vec<u32>, tasks: &mut JoinSet<()>) {
        self.count += 1;
        let (number, is_stopped, looked) = (self.count, Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let look = PlaceLook {
            store: Arc::clone(&self.store),
            job,
            indexes,
            avoid: self.avoid.clone(),
            looked: Arc::clone(&looked),
            is_stopped: Arc::clone(&is_stopped),
        };
        self.running.insert(id, Running { number, is_stopped, looked, is_too_little: false });
        let events = self.events.clone();
        tasks.spawn_blocking(move || {
            if let Some(verdicts) = look.look() {
                let _ended = events.blocking_send(Event::Looked(id, number, verdicts));
            }
        });
    }

    /// What is found is of no use any more.
    pub(super) fn stop(&mut self, id: TransferId) {
        if let Some(look) = self.running.remove(&id) {
            look.is_stopped.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn stop_all(&self) {
        self.running.values().for_each(|look| look.is_stopped.store(true, Ordering::Relaxed));
    }

    pub(super) fn forget(&mut self, id: TransferId) {
        self.stop(id);
        self.asked.remove(&id);
        self.forgive(id);
    }

    /// Its files are tried once more.
    pub(super) fn forgive(&mut self, id: TransferId) {
        self.late.retain(|file| file.job != id);
    }
}

impl Engine {
    /// Looks at what lies at the places of the files that are held.
    pub(super) fn look(&mut self, id: TransferId) {
        if let Some(look) = self.looks.running.get_mut(&id) {
            look.is_too_little = true;
            return;
        }
        let Some(job) = self.machine.job(id).filter(|job| job.counts().held > 0) else { return };
        let may_look = job.control != Control::Paused;
        if let Some(files) = self.file_work.job(id).filter(|_| may_look) {
            self.looks.start(id, files, job.those(FileState::Held), &mut self.tasks);
        }
    }

    /// Something lies where a file was to be finished.
    pub(super) fn look_at_late(&mut self, file: FileId) {
        if self.looks.late.insert(file) {
            self.look(file.job);
        } else {
            self.machine.release(file, FileState::Failed);
        }
    }

    pub(super) fn looked(&mut self, id: TransferId, number: u64, verdicts: Vec<(u32, Verdict)>) {
        if self.looks.running.get(&id).is_none_or(|look| look.number != number) {
            return;
        }
        let Some(look) = self.looks.running.remove(&id) else { return };
        self.machine.looked(id, 0);
        match self.looks.asked.get_mut(&id) {
            Some(asked) => asked.verdicts.get_or_insert_default().extend(verdicts),
            None => self.apply(id, verdicts),
        }
        if look.is_too_little {
            self.look(id);
        }
        self.tell_askers();
    }

    /// Waits until these are looked at.
    pub(super) fn settle(&mut self, ids: Vec<TransferId>, reply: SettleReply) {
        self.looks.askers.push(Asker { ids, reply });
        self.tell_askers();
    }

    /// Those who wait for nothing any more are told.
    pub(super) fn tell_askers(&mut self) {
        let is_settled = |id: &TransferId| {
            let has_verdicts = self.looks.asked.get(id).is_some_and(|asked| asked.verdicts.is_some());
            let is_held = self.machine.job(*id).is_some_and(|job| job.counts().held > 0);
            !is_held || has_verdicts && !self.looks.running.contains_key(id)
        };
        let settled: Vec<bool> = self.looks.askers.iter().map(|asker| asker.ids.iter().all(is_settled)).collect();
        let mut settled = settled.into_iter();
        let ready: Vec<Asker> = self.looks.askers.extract_if(.., |_| settled.next() == Some(true)).collect();
        for Asker { ids, reply } in ready {
            let answer = self.decide(&ids);
            self.carry_out();
            self.tell_changed();
            let _nobody_waits = reply.send(answer);
        }
    }

    /// All of it is one question, if there is one; otherwise it goes on.
    fn decide(&mut self, ids: &[TransferId]) -> Result<(), AddError> {
        let asked: Vec<(TransferId, Asked)> =
            ids.iter().map(|id| (*id, self.looks.asked.remove(id).unwrap_or_default())).collect();
        let differing = self.differing(&asked);
        if ids.iter().all(|id| self.machine.job(*id).is_none()) {
            return Err(AddError::Cancelled);
        }
        for (id, Asked { is_new, verdicts, .. }) in asked {
            if differing.is_some() && is_new {
                self.forget(&[id]);
            } else {
                self.apply(id, verdicts.unwrap_or_default());
            }
        }
        differing.map_or(Ok(()), |differing| Err(AddError::Differing(Box::new(differing))))
    }

    /// What differs of these, if anything does.
    fn differing(&self, asked: &[(TransferId, Asked)]) -> Option<DifferingFiles> {
        let mut all = DifferingFiles::default();
        for (id, Asked { changed, verdicts, .. }) in asked {
            let (Some(job), Some(files)) = (self.machine.job(*id), self.file_work.job(*id)) else { continue };
            let verdicts = verdicts.iter().flatten();
            let of_this =
                verdicts.clone().filter(|(_, verdict)| *verdict == Verdict::Differing).map(|(index, _)| *index);
            let of_this: Vec<u32> = of_this.chain(changed.iter().copied()).collect();
            all.files += job.files.len() as u64;
            all.same += verdicts.filter(|(_, verdict)| *verdict == Verdict::Here).count() as u64;
            all.same += (job.counts().done - changed.len().min(job.counts().done)) as u64;
            all.differing += of_this.len() as u64;
            let room = PLACES_TOLD_MAX.saturating_sub(all.places.len());
            all.places.extend(of_this.into_iter().take(room).map(|index| files.path(index)));
        }
        (all.differing > 0).then_some(all)
    }

    /// Does with files that were held what was found to be right.
    fn apply(&mut self, id: TransferId, verdicts: Vec<(u32, Verdict)>) {
        let (mut saved, mut renamed) = (Vec::new(), Vec::new());
        for (index, verdict) in verdicts {
            let file = FileId { job: id, index };
            if self.machine.job(id).is_none_or(|job| job.state(index) != FileState::Held) {
                continue;
            }
            let (state, row) = match verdict {
                // It stays written down as held: after a restart it is looked at once more.
                Verdict::Wanted => {
                    self.machine.release(file, FileState::Pending);
                    continue;
                }
                Verdict::Here => (FileState::Done, SavedState::Here),
                Verdict::LeftOut => (FileState::LeftOut, SavedState::LeftOut),
                Verdict::Beside(name, is_here) => {
                    renamed.push((index, name, is_here));
                    continue;
                }
                // It is written down with the reason.
                Verdict::Differing => {
                    self.machine.release(file, FileState::Failed);
                    continue;
                }
            };
            self.machine.release(file, state);
            saved.push((id, index, row));
            if state == FileState::Done {
                self.finished_file(file);
            }
        }
        if !saved.is_empty() {
            self.record.save_files(saved);
        }
        self.apply_names(id, renamed);
    }

    /// Files go elsewhere. One whose other name is somebody else's by now is looked at once more.
    fn apply_names(&mut self, id: TransferId, renamed: Vec<(u32, TargetName, bool)>) {
        let Some(files) = self.file_work.job(id).filter(|_| !renamed.is_empty()) else { return };
        let mut saved = files.saved_now().into_owned();
        saved.states.clear();
        let mut released = Vec::new();
        for (index, name, is_here) in renamed {
            let Some(file) = saved.files.get_mut(index as usize) else { continue };
            let (old, new) = (file.name.path_below(&saved.into), name.path_below(&saved.into));
            if !self.targets.go_elsewhere(id, &old, &new) {
                self.looks.avoid.insert(new);
                continue;
            }
            file.name = name;
            if is_here {
                saved.states.push((index, SavedState::Here));
            }
            released.push((index, file.remote.clone(), new, is_here));
        }
        let indexes: Vec<u32> = released.iter().map(|(index, ..)| *index).collect();
        self.file_work.files().add_job(id, JobFiles::new(saved.clone()));
        self.record.save_wanted(id, saved, indexes);
        for (index, remote, target, is_here) in released {
            let file = FileId { job: id, index };
            self.told.push(TransferEvent::Renamed { id, remote, target });
            self.machine.release(file, if is_here { FileState::Done } else { FileState::Pending });
            if is_here {
                self.finished_file(file);
            }
        }
        self.look(id);
    }

    /// A person says what becomes of files at whose places something else is, and has them tried once more.
    pub(super) fn retry_with(&mut self, which: TransferSelection, existing: Existing) {
        for id in self.chosen(which, |job| job.counts().failed > 0) {
            if let Some(files) = self.file_work.job(id) {
                let saved = crate::store::downloads::SavedDownload {
                    existing: existing.or(files.saved.existing),
                    ..files.saved_now().into_owned()
                };
                self.file_work.files().add_job(id, JobFiles::new(saved.clone()));
                self.record.save_wanted(id, saved, Vec::new());
            }
            self.retry(id);
        }
    }
}
