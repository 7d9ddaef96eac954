//! What the machine wants, carried out.

use super::{Engine, now};
use crate::model::transfer::{TransferError, TransferId};
use crate::protocol::peer::Content;
use crate::service::downloader::engine::connections::LeftConnection;
use crate::service::downloader::link::Order;
use crate::service::downloader::reaching::Wanted;
use crate::store::downloads::WantedFile;
use crate::store::saved_state::SavedState;
use crate::transfer::SourceId;
use crate::transfer::downloads::{Announced, DownloadEffect};
use crate::transfer::event::TransferEvent;
use crate::transfer::job::FileId;

impl Engine {
    pub(super) fn carry_out(&mut self) {
        loop {
            let effects = self.machine.effects(now());
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.carry_out_one(effect);
            }
        }
    }

    fn carry_out_one(&mut self, effect: DownloadEffect) {
        match effect {
            DownloadEffect::FindUser(user) => {
                let found = self.connections.find(&user);
                self.machine.user_found(&user, &found, now());
            }
            DownloadEffect::FindSources(file, hash) => self.connections.find_sources(file, hash, &mut self.tasks),
            DownloadEffect::FindShare(file) => self.find_share(file),
            DownloadEffect::Renewed(file, content) => self.renewed(file, content),
            DownloadEffect::Connect(id, contact) => {
                self.connections.connect(id, contact, Wanted::AnyWay, &mut self.tasks);
            }
            DownloadEffect::ConnectNearby(id, contact) => {
                self.connections.connect(id, contact, Wanted::Nearby, &mut self.tasks);
            }
            DownloadEffect::Disconnect(id) => self.connections.disconnect(id),
            DownloadEffect::Ask(id, asks) => self.order(id, Order::Ask(asks)),
            DownloadEffect::Cancel(id, ids) => self.order(id, Order::Cancel(ids)),
            DownloadEffect::Check(file, list) => self.file_work.check(file, list, &mut self.tasks),
            DownloadEffect::Finish(file) => self.file_work.finish(file, &mut self.tasks),
            DownloadEffect::Close(file) => self.file_work.close(file),
            DownloadEffect::Look(file) => self.look_at_late(file),
            DownloadEffect::AwaitRoom(id, needed) => self.file_work.await_room(id, needed),
            DownloadEffect::FileFailed(file, error) => self.file_failed(file, error),
            DownloadEffect::Over(id) => {
                self.over(id);
                if self.machine.job(id).is_some_and(|job| job.counts().failed == 0) {
                    self.told.ended(id, &mut self.machine, self.file_work.files(), now());
                }
            }
            DownloadEffect::Lied(user) => self.told.push(TransferEvent::PeerLied(user)),
        }
    }

    fn order(&mut self, id: SourceId, order: Order) {
        if let Err(LeftConnection) = self.connections.order(id, order) {
            self.machine.disconnected(id, now());
        }
    }

    fn find_share(&mut self, file: FileId) {
        let job = self.file_work.job(file.job);
        let wanted = job.as_ref().and_then(|job| Some((&job.saved.user, job.saved.files.get(file.index as usize)?)));
        match wanted {
            Some((user, wanted)) => {
                self.connections.find_share(file, user.clone(), wanted.remote.clone(), &mut self.tasks);
            }
            None => self.machine.announced(file, Announced::Unknown, now()),
        }
    }

    fn renewed(&mut self, file: FileId, content: Content) {
        let Some(job) = self.file_work.job(file.job) else { return };
        job.renew(file.index, content);
        if let Some(wanted) = job.saved.files.get(file.index as usize) {
            self.record.save_file(file.job, file.index, WantedFile { content, ..wanted.clone() });
        }
    }

    fn file_failed(&mut self, file: FileId, error: TransferError) {
        let Some(job) = self.file_work.job(file.job) else { return };
        self.record.save_files(vec![(file.job, file.index, SavedState::Failed(error.clone()))]);
        if let Some(saved) = job.saved.files.get(file.index as usize) {
            let remote = saved.remote.clone();
            self.told.push(TransferEvent::FileFailed { id: file.job, remote, error, more: 0 });
        }
    }

    pub(super) fn over(&mut self, id: TransferId) {
        let Some(job) = self.machine.job(id) else { return };
        let fact = match &job.last_error {
            Some(error) if job.counts().failed > 0 => TransferEvent::Failed(id, error.clone()),
            _ => TransferEvent::Finished(id),
        };
        let way = job.last_way.map(|way| (id, way));
        if let Some(files) = self.file_work.job(id) {
            files.let_go();
        }
        self.record.save_ways(way.as_slice(), false);
        self.record.remember_fetched(id);
        self.told.push(fact);
        // Whoever hears that it is over may look at the list at once.
        self.tell_changed();
    }
}
