//! What is asked for is put on the list, or joins what is there: the same to the same place is one download, also after a
//! restart, after failures, and when its owner shares more by now.

use std::path::PathBuf;

use super::Engine;
use crate::model::existing::Existing;
use crate::model::transfer::{TransferError, TransferId};
use crate::protocol::peer::Content;
use crate::service::downloader::adding::{self, LookedAtOver};
use crate::service::downloader::engine::targets::AddReply;
use crate::service::downloader::files::JobFiles;
use crate::service::downloader::joining::{Grown, Growth};
use crate::service::downloader::{AddError, NewDownload};
use crate::transfer::event::TransferEvent;
use crate::transfer::job::{Control, DownloadJob, FileId, FileState};

impl Engine {
    pub(super) fn add(&mut self, new: NewDownload, reply: AddReply) {
        let paths: Vec<PathBuf> = new.files.iter().map(|file| file.name.path_below(&new.into)).collect();
        match self.targets.first_taken(&paths) {
            Some((_, None)) => return self.targets.defer(new, reply),
            Some((_, Some(id))) if self.machine.job(id).is_some_and(DownloadJob::is_over) => {
                return self.look_at_over(id, new, reply);
            }
            Some((path, Some(id))) => {
                let path = path.clone();
                match self.growth(id, &[], &new) {
                    Some(growth) => self.grow(id, growth, new.existing, reply),
                    None => _ = reply.send(Err(AddError::Taken { path })),
                }
                return;
            }
            None => {}
        }
        let download = match adding::to_save(new) {
            Ok(download) => download,
            Err(error) => {
                let _nobody_waits = reply.send(Err(error));
                return;
            }
        };
        self.targets.add(download, paths, reply, &mut self.tasks);
    }

    fn look_at_over(&mut self, id: TransferId, new: NewDownload, reply: AddReply) {
        let done = self.done_files(id);
        let done = done.into_iter().map(|(index, target, content)| (index, target, content.size)).collect();
        self.targets.look_at_over(id, done, (new, reply), &mut self.tasks);
    }

    pub(super) fn looked_at_over(&mut self, looked: LookedAtOver) {
        let LookedAtOver { id, gone, new, reply } = looked;
        if let Some(job) = self.machine.job(id).filter(|job| job.is_over()) {
            // What is here is to be replaced: that is a download of its own.
            let is_replacing = job.counts().failed == 0 && self.replaces(id) != Some(new.existing.is_replace());
            match self.growth(id, &gone, &new).filter(|_| !is_replacing) {
                Some(growth) => return self.grow(id, growth, new.existing, reply),
                None => self.forget(&[id]),
            }
        }
        self.add(new, reply);
    }

    /// What a download on the list lacks of what is asked for; `None` if it is another one.
    fn growth(&self, id: TransferId, gone: &[u32], new: &NewDownload) -> Option<Growth> {
        let (job, files) = (self.machine.job(id)?, self.file_work.job(id)?);
        let is_finished = job.is_over() && job.counts().failed == 0;
        let said = if is_finished { Existing::Refuse } else { files.saved.existing };
        Growth::of(&files.saved_now(), |index| job.state(index), gone, said, new)
    }

    fn grow(&mut self, id: TransferId, growth: Growth, existing: Existing, reply: AddReply) {
        let is_folder = growth.download.is_folder;
        if is_folder && existing == Existing::Refuse {
            self.looks.will_be_asked(id, false, growth.changed.clone());
        } else if !is_folder {
            // Of one file it is all that was asked for.
            for file in growth.changed.iter().filter_map(|index| growth.download.files.get(*index as usize)) {
                let (remote, error) = (file.remote.clone(), TransferError::Exists);
                self.told.push(TransferEvent::FileFailed { id, remote, error, more: 0 });
            }
        }
        if growth.is_nothing() {
            self.join(id);
            let _nobody_waits = reply.send(Ok(id));
        } else {
            self.targets.grow(id, growth, reply, &mut self.tasks);
        }
    }

    pub(super) fn grown(&mut self, grown: Grown) {
        let Grown { id, growth, result, reply } = grown;
        // Cancelled in between: it is not on the list any more.
        let is_there = self.machine.job(id).is_some();
        let result = result.and(if is_there { Ok(()) } else { Err(AddError::Stopped) });
        let answer = match result {
            Ok(()) => {
                self.take_growth(id, growth);
                Ok(id)
            }
            Err(error) => {
                self.targets.shrink(&growth);
                Err(error)
            }
        };
        let _nobody_waits = reply.send(answer);
        self.add_deferred();
    }

    fn take_growth(&mut self, id: TransferId, growth: Growth) {
        let content = |index: u32| Some((index, growth.download.files.get(index as usize)?.content));
        let renewed: Vec<(u32, Content)> = growth.renewed.iter().copied().filter_map(content).collect();
        let added: Vec<Content> = growth.added().filter_map(content).map(|(_, content)| content).collect();
        let indexes: Vec<u32> = renewed.iter().map(|(index, _)| *index).chain(growth.added()).collect();
        let Growth { mut download, left_out, .. } = growth;
        download.states.clear();
        let files = JobFiles::new(download);
        self.targets.settle(id, &files);
        self.file_work.files().add_job(id, files);
        self.machine.grow(id, &renewed, added);
        self.machine.hold(id, &indexes);
        self.join(id);
        for (remote, error) in left_out {
            self.told.push(TransferEvent::FileFailed { id, remote, error, more: 0 });
        }
    }

    /// Those that waited for a place are asked for again.
    pub(super) fn add_deferred(&mut self) {
        for (new, reply) in self.targets.take_deferred() {
            self.add(new, reply);
        }
    }

    /// Somebody asks for what is in the list already: they are told what of it is here, perhaps since an earlier run.
    fn join(&mut self, id: TransferId) {
        for (index, _, _) in self.done_files(id) {
            self.finished_file(FileId { job: id, index });
        }
        self.go_on(id);
    }

    pub(super) fn done_files(&self, id: TransferId) -> Vec<(u32, PathBuf, Content)> {
        let (Some(job), Some(files)) = (self.machine.job(id), self.file_work.job(id)) else { return Vec::new() };
        let done = (0u32..).zip(&job.files).filter(|(index, _)| job.state(*index) == FileState::Done);
        done.map(|(index, content)| (index, files.path(index), *content)).collect()
    }

    /// Whether a download replaces what is at its targets.
    fn replaces(&self, id: TransferId) -> Option<bool> {
        self.file_work.job(id).map(|files| files.saved.existing.is_replace())
    }

    /// It was asked for again: what stands still goes on.
    fn go_on(&mut self, id: TransferId) {
        let Some(job) = self.machine.job(id) else { return };
        if job.counts().failed > 0 {
            self.retry(id);
        } else if job.control != Control::Go {
            self.resume(id);
        } else {
            self.look(id);
        }
        self.carry_out();
        self.tell_changed();
    }
}
