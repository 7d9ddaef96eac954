//! What a person wants.

use std::path::PathBuf;

use tokio::sync::oneshot;

use super::Engine;
use crate::model::transfer::{TransferId, TransferSelection};
use crate::protocol::peer::Content;
use crate::service::downloader::adding::{self, Added, LookedAtOver};
use crate::service::downloader::engine::targets::AddReply;
use crate::service::downloader::files::JobFiles;
use crate::service::downloader::{AddError, Command, NewDownload};
use crate::store::downloads::{SavedDownload, SavedState};
use crate::transfer::event::TransferEvent;
use crate::transfer::job::{Control, DownloadJob, FileId, FileState};

impl Engine {
    pub(super) fn obey(&mut self, command: Command) {
        // Whoever does not wait for the answer does not need it.
        match command {
            Command::Add(new, reply) => self.add(new, reply),
            Command::Pause(which, reply) => {
                for id in self.chosen(which, |job| !job.is_over()) {
                    self.machine.pause(id);
                    self.file_work.leave_room(id);
                    self.record.save_paused(id, true);
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
                let is_named = matches!(which, TransferSelection::One(_));
                let chosen = self.chosen(which, |job| is_named || !job.is_over());
                self.forget(&chosen);
                self.answer(reply);
            }
            Command::Retry(which, reply) => {
                for id in self.chosen(which, |job| job.counts().failed > 0) {
                    self.retry(id);
                }
                self.answer(reply);
            }
            Command::Reorder(id, to, reply) => {
                let ranks = self.machine.reorder(id, to);
                self.record.save_ranks(ranks);
                self.answer(reply);
            }
            Command::Acknowledge(id, reply) => {
                let chosen = self.chosen(TransferSelection::One(id), DownloadJob::is_over);
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

    fn chosen(&self, which: TransferSelection, is_meant: impl Fn(&DownloadJob) -> bool) -> Vec<TransferId> {
        match which {
            TransferSelection::One(id) => {
                self.machine.job(id).filter(|job| is_meant(job)).map(|_| id).into_iter().collect()
            }
            TransferSelection::All => self.machine.jobs().filter(|(_, job)| is_meant(job)).map(|(id, _)| id).collect(),
        }
    }

    fn resume(&mut self, id: TransferId) {
        self.file_work.leave_room(id);
        if let Some(files) = self.file_work.job(id) {
            files.let_go();
        }
        self.machine.resume(id);
        self.record.save_paused(id, false);
    }

    fn retry(&mut self, id: TransferId) {
        self.resume(id);
        let again = self.machine.retry(id);
        self.record.save_files(again.into_iter().map(|index| (id, index, SavedState::Open)).collect());
    }

    fn forget(&mut self, ids: &[TransferId]) {
        for id in ids {
            let Some(job) = self.machine.remove(*id) else { continue };
            let all = 0..u32::try_from(job.files.len()).unwrap_or(u32::MAX);
            let unfinished: Vec<u32> = all.filter(|index| job.state(*index) != FileState::Done).collect();
            self.targets.forget(*id);
            self.file_work.forget(*id, unfinished, &mut self.tasks);
            self.told.forget(*id);
        }
        self.record.forget(ids.to_vec());
    }

    fn add(&mut self, new: NewDownload, reply: AddReply) {
        let paths: Vec<PathBuf> = new.files.iter().map(|file| file.name.path_below(&new.into)).collect();
        match self.targets.first_taken(&paths) {
            Some((_, None)) => return self.targets.defer(new, reply),
            Some((_, Some(id))) if self.machine.job(id).is_some_and(DownloadJob::is_over) => {
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
        let done = done.into_iter().map(|(_, target, content)| (target, content.size)).collect();
        self.targets.look_at_over(id, done, (new, reply), &mut self.tasks);
    }

    pub(super) fn looked_at_over(&mut self, looked: LookedAtOver) {
        let LookedAtOver { id, is_there, new, reply } = looked;
        if self.machine.job(id).is_some_and(DownloadJob::is_over) {
            if is_there && self.is_same(id, &new) && self.replaces(id) == Some(new.overwrite) {
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
        let (Some(job), Some(files)) = (self.machine.job(id), self.file_work.job(id)) else { return Vec::new() };
        let done = (0u32..).zip(&job.files).filter(|(index, _)| job.state(*index) == FileState::Done);
        done.map(|(index, content)| (index, files.path(index), *content)).collect()
    }

    pub(super) fn added(&mut self, added: Added) {
        let Added { download, result, reply } = added;
        match &result {
            Ok(id) => self.take_in(*id, download),
            Err(_) => self.targets.refused(&download),
        }
        self.carry_out();
        self.tell_changed();
        let _nobody_waits = reply.send(result);
        for (new, reply) in self.targets.take_deferred() {
            self.add(new, reply);
        }
    }

    /// A download that is on disk.
    pub(super) fn take_in(&mut self, id: TransferId, download: SavedDownload) {
        let job = adding::job_of(&download);
        for (index, state) in &download.states {
            // Told again after a restart: nobody may have heard it.
            if let (SavedState::Failed(error), Some(file)) = (state, download.files.get(*index as usize)) {
                let (remote, error) = (file.remote.clone(), error.clone());
                self.told.push(TransferEvent::FileFailed { id, remote, error });
            }
        }
        let (is_paused, is_over) = (download.is_paused, job.is_over());
        let files = JobFiles::new(download);
        self.targets.settle(id, &files);
        self.file_work.files().add_job(id, files);
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
        let Some(files) = self.file_work.job(id) else { return false };
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

    /// Whether a download replaces what is at its targets.
    fn replaces(&self, id: TransferId) -> Option<bool> {
        self.file_work.job(id).map(|files| files.saved.overwrite)
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
}
