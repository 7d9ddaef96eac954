//! What the machine wants, carried out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Engine, Link, SOURCES_MAX, now};
use crate::model::transfer::{TransferError, TransferId};
use crate::service::downloader::Event;
use crate::service::downloader::finisher::finish_large;
use crate::service::downloader::source::{self, ORDERS_MAX, Order, Reporter};
use crate::store::downloads::SavedState;
use crate::transfer::SourceId;
use crate::transfer::downloads::{Checked, Effect};
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

    fn carry_out_one(&mut self, effect: Effect) {
        match effect {
            Effect::FindUser(user) => {
                let contact = self.directory.contact(&user);
                self.machine.user_found(&user, contact.as_ref(), now());
            }
            Effect::FindSources(file, hash) => {
                let (directory, events) = (Arc::clone(&self.directory), self.events.clone());
                self.spawn(async move {
                    let found = timeout(SOURCES_MAX, directory.sources(hash)).await.unwrap_or_default();
                    let _ended = events.send(Event::Sources(file, found)).await;
                });
            }
            Effect::Connect(id, contact) => {
                self.connections += 1;
                let (orders, ordered) = mpsc::channel(ORDERS_MAX);
                let cancel = self.cancel.child_token();
                let reporter = Reporter { source: id, connection: self.connections, events: self.events.clone() };
                let link = Link { connection: self.connections, orders, cancel: cancel.clone() };
                self.links.insert(id, link);
                self.tasks.spawn(source::run(contact, self.around.clone(), ordered, reporter, cancel));
            }
            Effect::Disconnect(id) => {
                if let Some(link) = self.links.remove(&id) {
                    link.cancel.cancel();
                }
            }
            Effect::Ask(id, asks) => self.order(id, Order::Ask(asks)),
            Effect::Cancel(id, ids) => self.order(id, Order::Cancel(ids)),
            Effect::Check(file, list) => {
                self.connections += 1;
                let check = self.connections;
                let is_stopped = Arc::new(AtomicBool::new(false));
                self.checks.insert(file, (check, Arc::clone(&is_stopped)));
                let (files, events) = (Arc::clone(&self.files), self.events.clone());
                let (store, job) = (Arc::clone(&self.store), file.job);
                self.spawn_blocking(move || {
                    let found = files.check(file, list, &|| is_stopped.load(Ordering::Relaxed));
                    if matches!(found.checked, Checked::Whole) {
                        let _found_again = store.record_download(&[(job, file.index, SavedState::Done)], true);
                    }
                    let _ended = events.blocking_send(Event::Checked(file, check, found));
                });
            }
            Effect::Finish(file) => {
                // A small file is on its way to the finisher already.
                if let Some(open) = self.files.close(file) {
                    let (files, store, events) =
                        (Arc::clone(&self.files), Arc::clone(&self.store), self.events.clone());
                    self.spawn_blocking(move || {
                        let finished = finish_large(&files, &store, file, &open);
                        drop(open);
                        let _ended = events.blocking_send(Event::Finished(finished));
                    });
                }
            }
            Effect::Close(file) => {
                self.files.close(file);
                if let Some((_, is_stopped)) = self.checks.remove(&file) {
                    is_stopped.store(true, Ordering::Relaxed);
                }
            }
            Effect::AwaitRoom(id, needed) => _ = self.rooms.insert(id, needed),
            Effect::FileFailed(file, error) => self.file_failed(file, error),
            Effect::Over(id) => self.over(id),
            Effect::Lied(user) => self.facts.push_back(TransferEvent::PeerLied(user)),
        }
    }

    fn order(&mut self, id: SourceId, order: Order) {
        let Some(link) = self.links.get(&id) else { return };
        if link.orders.try_send(order).is_err() {
            // It hangs, or it ends and its last word is on the way.
            link.cancel.cancel();
            self.links.remove(&id);
            self.machine.disconnected(id, now());
        }
    }

    fn file_failed(&mut self, file: FileId, error: TransferError) {
        let Some(job) = self.files.job(file.job) else { return };
        self.record(vec![(file.job, file.index, SavedState::Failed(error.clone()))]);
        if let Some(saved) = job.saved.files.get(file.index as usize) {
            let remote = saved.remote.clone();
            self.facts.push_back(TransferEvent::FileFailed { id: file.job, remote, error });
        }
    }

    pub(super) fn over(&mut self, id: TransferId) {
        let Some(job) = self.machine.job(id) else { return };
        let fact = match &job.last_error {
            Some(error) if job.counts().failed > 0 => TransferEvent::Failed(id, error.clone()),
            _ => TransferEvent::Finished(id),
        };
        if let Some(files) = self.files.job(id) {
            files.let_go();
        }
        self.facts.push_back(fact);
        // Whoever hears that it is over may look at the list at once.
        self.tell_changed();
    }
}
