//! What a person wants.

use tokio::sync::oneshot;

use super::{Engine, now};
use crate::model::existing::Existing;
use crate::model::transfer::{TransferId, TransferSelection};
use crate::service::downloader::Command;
use crate::service::downloader::adding::{self, Added};
use crate::service::downloader::files::JobFiles;
use crate::store::downloads::SavedDownload;
use crate::store::saved_state::SavedState;
use crate::transfer::downloads::FoundUser;
use crate::transfer::event::TransferEvent;
use crate::transfer::job::{Control, DownloadJob, FileState};

impl Engine {
    pub(super) fn obey(&mut self, command: Command) {
        // Whoever does not wait for the answer does not need it.
        match command {
            Command::Expect(user) => {
                if let FoundUser::Here(contact) = self.connections.find(&user) {
                    self.machine.expect(&contact, now());
                }
            }
            Command::Add(new, reply) => self.add(new, reply),
            Command::Settle(ids, reply) => self.settle(ids, reply),
            Command::Pause(which, reply) => {
                for id in self.chosen(which, |job| !job.is_over()) {
                    self.machine.pause(id);
                    self.looks.stop(id);
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
            Command::Retry(which, existing, reply) => {
                self.retry_with(which, existing);
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
            Command::Describe(id, query, reply) => self.describe(id, query, reply),
        }
    }

    fn answer(&mut self, reply: oneshot::Sender<()>) {
        self.carry_out();
        self.tell_changed();
        let _nobody_waits = reply.send(());
    }

    pub(super) fn chosen(&self, which: TransferSelection, is_meant: impl Fn(&DownloadJob) -> bool) -> Vec<TransferId> {
        match which {
            TransferSelection::One(id) => {
                self.machine.job(id).filter(|job| is_meant(job)).map(|_| id).into_iter().collect()
            }
            TransferSelection::All => self.machine.jobs().filter(|(_, job)| is_meant(job)).map(|(id, _)| id).collect(),
        }
    }

    pub(super) fn resume(&mut self, id: TransferId) {
        self.file_work.leave_room(id);
        if let Some(files) = self.file_work.job(id) {
            files.let_go();
        }
        self.machine.resume(id);
        self.record.save_paused(id, false);
        self.look(id);
    }

    /// What failed is tried once more. What lies at the places of these files by now is looked at first.
    pub(super) fn retry(&mut self, id: TransferId) {
        self.looks.forgive(id);
        let again = self.machine.retry(id);
        self.machine.hold(id, &again);
        self.record.save_files(again.into_iter().map(|index| (id, index, SavedState::Held)).collect());
        self.resume(id);
    }

    pub(super) fn forget(&mut self, ids: &[TransferId]) {
        for id in ids {
            let Some(job) = self.machine.remove(*id) else { continue };
            let all = 0..u32::try_from(job.files.len()).unwrap_or(u32::MAX);
            let unfinished: Vec<u32> = all.filter(|index| job.state(*index) != FileState::Done).collect();
            self.targets.forget(*id);
            self.looks.forget(*id);
            self.file_work.forget(*id, unfinished, &mut self.tasks);
            self.told.forget(*id);
        }
        self.record.forget(ids.to_vec());
        self.tell_askers();
    }

    pub(super) fn added(&mut self, added: Added) {
        let Added { download, result, reply } = added;
        match &result {
            Ok(id) => {
                let is_asked = download.is_folder && download.existing == Existing::Refuse;
                for (remote, error) in download.failed() {
                    let (id, remote, error) = (*id, remote.clone(), error.clone());
                    self.told.push(TransferEvent::FileFailed { id, remote, error, more: 0 });
                }
                self.take_in(*id, download);
                if is_asked {
                    self.hold_all(*id);
                }
                self.look(*id);
            }
            Err(_) => self.targets.refused(&download),
        }
        self.carry_out();
        self.tell_changed();
        let _nobody_waits = reply.send(result);
        self.add_deferred();
    }

    /// Nothing of a download is begun before its asker has said what becomes of what is there.
    fn hold_all(&mut self, id: TransferId) {
        let Some(job) = self.machine.job(id).filter(|job| job.counts().held > 0) else { return };
        let others = job.those(FileState::Pending);
        self.machine.hold(id, &others);
        self.looks.will_be_asked(id, true, Vec::new());
    }

    /// What failed in an earlier run is told again: nobody may have heard it. One stands for all, which may be very many.
    pub(super) fn tell_failed_before(&mut self, id: TransferId, download: &SavedDownload) {
        let mut failed = download.failed();
        if let Some((remote, error)) = failed.next() {
            let (remote, error, more) = (remote.clone(), error.clone(), failed.count() as u64);
            self.told.push(TransferEvent::FileFailed { id, remote, error, more });
        }
    }

    /// A download that is on disk.
    pub(super) fn take_in(&mut self, id: TransferId, download: SavedDownload) {
        let job = adding::job_of(&download);
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
}
