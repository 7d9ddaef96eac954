//! Which files are in work: brought into it in the order of the queue, and out of it again, finished, failed or for later.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Active, DownloadEffect, Downloads, Overload, Stage, WriteFault};
use crate::model::transfer::{TransferError, TransferId};
use crate::protocol::peer::FILE_BYTES_MAX;
use crate::transfer::SourceId;
use crate::transfer::job::{Control, DownloadJob, FileId, FileState, is_large};
use crate::transfer::plan::{Blocks, Plan};

/// Files of one block that are in work for one user at a time: enough that no request waits for one to finish.
const SMALL_ACTIVE_MAX: usize = 2048;
/// Files of more blocks that one download has in work at a time: while one runs, the list of the next is fetched.
const LARGE_ACTIVE_PER_JOB: usize = 2;
/// How long nothing is begun after our own system had too many files open.
const OVERLOAD_PAUSE: Duration = Duration::from_millis(500);

impl Downloads {
    /// Takes every file of a download out of work.
    pub(super) fn put_down(&mut self, id: TransferId) {
        let Some(job) = self.jobs.get(&id) else { return };
        let active: Vec<FileId> = job.active.iter().map(|index| FileId { job: id, index: *index }).collect();
        self.cancel_asks(|open| open.file.job == id);
        for file in active {
            self.put_away(file, FileState::Pending);
        }
    }

    /// Brings files into work, download by download in their order.
    pub(super) fn activate(&mut self, now: Instant) {
        self.overload = match self.overload {
            Overload::Told => Overload::Since(now),
            Overload::Since(since) if now.saturating_duration_since(since) >= OVERLOAD_PAUSE => Overload::None,
            as_it_was => as_it_was,
        };
        if self.overload != Overload::None {
            return;
        }
        let mut begun = Vec::new();
        for user in std::mem::take(&mut self.to_activate) {
            let Some(lane) = self.lanes.get_mut(&user) else { continue };
            for id in &lane.jobs {
                let Some(job) = self.jobs.get_mut(id).filter(|job| job.may_work()) else { continue };
                while let Some(index) = job.next_pending() {
                    let large = is_large(&job.files[index as usize]);
                    let has_room = if large {
                        lane.large < self.at_once && job.active_large < LARGE_ACTIVE_PER_JOB
                    } else {
                        lane.small < SMALL_ACTIVE_MAX
                    };
                    if !has_room {
                        break;
                    }
                    *(if large { &mut lane.large } else { &mut lane.small }) += 1;
                    job.set(index, FileState::Active);
                    begun.push((FileId { job: *id, index }, lane.source));
                }
            }
        }
        for (file, source) in begun {
            self.begin(file, source, now);
        }
    }

    pub(super) fn begin(&mut self, file: FileId, source: Option<SourceId>, now: Instant) {
        let Some(job) = self.jobs.get(&file.job) else { return };
        let content = job.files[file.index as usize];
        let stage = if is_large(&content) {
            Stage::NeedsList
        } else {
            Stage::Blocks(Plan::new(content.geometry(), Blocks::none(content.geometry())))
        };
        let active = Active {
            content,
            user: job.user.clone(),
            stage,
            is_new: !job.has_part_of(file.index),
            offers: Vec::new(),
            reserve: VecDeque::new(),
            refused: Vec::new(),
            verdict: None,
            tries: 0,
            unshared: 0,
            is_changing: false,
            is_asking: false,
            retry_at: None,
            searched: None,
            is_searching: false,
        };
        self.active.insert(file, active);
        self.changed.insert(file.job);
        if content.size > FILE_BYTES_MAX {
            return self.fail(file, TransferError::TooLarge);
        }
        if let Some(source) = source {
            self.offer(file, source);
        }
        self.consider_search(file, now);
    }

    pub(super) fn not_written(&mut self, file: FileId, fault: WriteFault) {
        match fault {
            // It may be the very file, and what becomes of another was said perhaps.
            WriteFault::File(TransferError::Exists) => {
                self.hold(file.job, &[file.index]);
                self.effects.push(DownloadEffect::Look(file));
            }
            WriteFault::File(error) => self.fail(file, error),
            WriteFault::Overloaded => {
                self.cancel_asks(|open| open.file == file);
                self.put_away(file, FileState::Pending);
                self.overload = Overload::Told;
            }
            WriteFault::Full => {
                let Some(job) = self.jobs.get(&file.job) else { return };
                let size = job.files[file.index as usize].size;
                let here = job.partial().find(|(index, _)| *index == file.index).map_or(0, |(_, bytes)| bytes);
                // An empty file needs its name at least.
                let needed = size.saturating_sub(here).max(1);
                self.control(file.job, Control::DiskFull { needed });
                self.effects.push(DownloadEffect::AwaitRoom(file.job, needed));
            }
        }
    }

    pub(super) fn fail(&mut self, file: FileId, error: TransferError) {
        self.cancel_asks(|open| open.file == file);
        if let Some(job) = self.jobs.get_mut(&file.job) {
            job.last_error = Some(error.clone());
        }
        self.effects.push(DownloadEffect::FileFailed(file, error));
        self.settle(file, FileState::Failed);
    }

    /// A file is done or failed; perhaps its download is over.
    pub(super) fn settle(&mut self, file: FileId, state: FileState) {
        self.put_away(file, state);
        if self.jobs.get(&file.job).is_some_and(DownloadJob::is_over) {
            self.effects.push(DownloadEffect::Over(file.job));
        }
    }

    /// Takes a file out of work.
    pub(super) fn put_away(&mut self, file: FileId, state: FileState) {
        if let Some(job) = self.jobs.get_mut(&file.job).filter(|job| job.state(file.index) != state) {
            job.set(file.index, state);
        }
        self.changed.insert(file.job);
        let Some(active) = self.active.remove(&file) else { return };
        for id in &active.offers {
            if let Some(source) = self.sources.get_mut(*id) {
                source.offers = source.offers.saturating_sub(1);
            }
        }
        if let Some(lane) = self.lanes.get_mut(&active.user) {
            let large = is_large(&active.content);
            let count = if large { &mut lane.large } else { &mut lane.small };
            *count = count.saturating_sub(1);
            if large || *count < SMALL_ACTIVE_MAX / 4 * 3 {
                self.to_activate.insert(active.user.clone());
            }
        }
        if state != FileState::Done && is_large(&active.content) {
            self.effects.push(DownloadEffect::Close(file));
        }
    }

    pub(super) fn progressed(&mut self, file: FileId, done_bytes: u64) {
        if let Some(job) = self.jobs.get_mut(&file.job) {
            job.progressed(file.index, done_bytes);
        }
        self.changed.insert(file.job);
    }
}
