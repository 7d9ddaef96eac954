//! What a person wants.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Engine;
use crate::disk::place::case::tells_case_apart;
use crate::model::transfer::{TransferId, TransferSelection};
use crate::protocol::peer::Content;
use crate::service::downloader::adding::{self, Added, LookedAtOver};
use crate::service::downloader::files::JobFiles;
use crate::service::downloader::{AddError, Command, Event, NewDownload};
use crate::store::downloads::{SavedDownload, SavedState};
use crate::transfer::event::TransferEvent;
use crate::transfer::job::{Control, FileId, FileState, Job};

impl Engine {
    pub(super) fn obey(&mut self, command: Command) {
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
                self.save(move |store| store.rank_downloads(&ranks));
                self.answer(reply);
            }
            Command::Acknowledge(id, reply) => {
                let chosen = self.chosen(TransferSelection::One(id), Job::is_over);
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

    fn chosen(&self, which: TransferSelection, is_meant: impl Fn(&Job) -> bool) -> Vec<TransferId> {
        match which {
            TransferSelection::One(id) => {
                self.machine.job(id).filter(|job| is_meant(job)).map(|_| id).into_iter().collect()
            }
            TransferSelection::All => self.machine.jobs().filter(|(_, job)| is_meant(job)).map(|(id, _)| id).collect(),
        }
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
            self.facts.push_back(TransferEvent::Gone(*id));
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
        let (store, numbers, events) = (Arc::clone(&self.store), Arc::clone(&self.numbers), self.events.clone());
        self.spawn_blocking(move || {
            let result = adding::save(&store, &numbers, &mut download, tells_case_apart);
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

    pub(super) fn looked_at_over(&mut self, looked: LookedAtOver) {
        let LookedAtOver { id, is_there, new, reply } = looked;
        if self.machine.job(id).is_some_and(Job::is_over) {
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
        let (Some(job), Some(files)) = (self.machine.job(id), self.files.job(id)) else { return Vec::new() };
        let done = (0u32..).zip(&job.files).filter(|(index, _)| job.state(*index) == FileState::Done);
        done.map(|(index, content)| (index, files.path(index), *content)).collect()
    }

    pub(super) fn added(&mut self, added: Added) {
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
    pub(super) fn take_in(&mut self, id: TransferId, download: SavedDownload) {
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

    /// Whether a download replaces what is at its targets.
    fn replaces(&self, id: TransferId) -> Option<bool> {
        self.files.job(id).map(|files| files.saved.overwrite)
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
