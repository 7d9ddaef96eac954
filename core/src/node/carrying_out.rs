//! What is done about each intent: answered at once, a child task, or a move to another tracker.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::metering::Metering;
use crate::node::asking;
use crate::node::event::{NodeEvent, Outcome, Status};
use crate::node::failure::Failure;
use crate::node::fetching::TransferHandles;
use crate::node::here;
use crate::node::hosting;
use crate::node::intent::{Existing, Intent, IntentId};
use crate::node::known_users;
use crate::node::listing;
use crate::node::main_loop::NodeTask;
use crate::node::moves::{Move, SettingsChange};
use crate::node::owning;
use crate::node::past;
use crate::node::settings::Settings;
use crate::node::sharing;
use crate::node::starting;
use crate::service::share_indexer::ShareExtent;
use crate::service::tracker_client::TrackerClient;

impl NodeTask {
    /// Begins what an intent asks for. Its outcome is told once, now or later, and with its id.
    pub(super) fn carry_out(&mut self, id: IntentId, intent: Intent) {
        let (share_indexer, session) = (self.share_indexer.clone(), self.session.view());
        let (outbox, own) = (self.outbox.clone(), self.identity.public_key());
        match intent {
            Intent::Join(tracker) => self.ask_to_move(id, Move::Join(tracker)),
            Intent::Leave => self.ask_to_move(id, Move::Leave),
            Intent::HostTracker(at) => self.ask_to_move(id, Move::Host(at)),
            Intent::StopTracker => self.ask_to_move(id, Move::StopHosting),
            Intent::Apply(settings) => self.apply(id, *settings),

            Intent::ListUsers => self.ask_tracker(id, listing::list_users),
            Intent::ListFiles { user } => {
                self.ask_tracker(id, move |client| listing::list_files(client, outbox, id, user));
            }
            Intent::Search { words } => self.ask_tracker(id, move |client| listing::search(client, outbox, id, words)),
            Intent::FindFiles { selection, page } => {
                self.ask_tracker(id, move |client| asking::find_files(client, selection, page));
            }
            Intent::ListFolder { folder, selection, page } => {
                self.ask_tracker(id, move |client| asking::list_folder(client, folder, selection, page));
            }
            Intent::CountFiles { selection } => {
                self.ask_tracker(id, move |client| asking::count_files(client, selection));
            }
            Intent::ListTotals { usernames } => {
                self.ask_tracker(id, move |client| asking::list_totals(client, usernames));
            }
            Intent::ListSources { hash } => self.ask_tracker(id, move |client| asking::list_sources(client, hash)),
            Intent::WhoAmI => self.ask_tracker(id, move |client| listing::who_am_i(client, own)),
            Intent::TrackerVersion => self.ask_tracker(id, listing::tracker_version),
            Intent::SendLine(line) => self.ask_tracker(id, move |client| listing::send_line(client, line)),
            Intent::TapWire(is_on) => {
                self.tap.turn(is_on);
                self.answer(Some(id), Ok(Outcome::Done));
            }

            Intent::FindHere { contents } => {
                self.children.ask(id, here::find(share_indexer.table(), Arc::clone(&self.store), contents));
            }
            Intent::PreviewShare(requests) => self.children.ask(id, sharing::preview(share_indexer, requests)),
            Intent::Share(requests) => {
                self.children.ask(id, sharing::share(share_indexer, session, requests, ShareExtent::Whole));
            }
            Intent::ShareWhatFits(requests) => {
                self.children.ask(id, sharing::share(share_indexer, session, requests, ShareExtent::WhatFits));
            }
            Intent::ShareAgain { paths } => {
                self.children.ask(id, sharing::share_again(share_indexer, session, paths));
            }
            Intent::Unshare { paths } => {
                self.children.ask(id, sharing::unshare(share_indexer, session, outbox, paths));
            }
            Intent::UnshareEach { commands } => {
                self.children.ask(id, sharing::unshare_each(share_indexer, session, outbox, commands));
            }
            Intent::RenameShare { from, to } => {
                self.children.ask(id, sharing::rename_share(share_indexer, session, from, to));
            }
            Intent::ListShares => self.children.ask(id, async move { Ok(Outcome::Shared(share_indexer.shares())) }),
            Intent::ListRoots { after } => {
                self.children.ask(id, async move { Ok(Outcome::Roots(share_indexer.roots(after.as_ref()))) });
            }
            Intent::ListLevel { root, folder, after, most } => {
                let list = move || Outcome::Level(share_indexer.level(root, folder, after, most));
                self.children.ask(id, sharing::look(list));
            }
            Intent::FindShares { words, most } => self.children.ask(
                id,
                sharing::look(move || {
                    let (shares, has_more) = share_indexer.find(&words, most);
                    Outcome::FoundShares { shares, has_more }
                }),
            ),
            Intent::ListStopped { root, after } => {
                self.children.ask(id, sharing::look(move || sharing::stopped(&share_indexer, root, after.as_ref())));
            }

            Intent::Download(request) => {
                let folder = self.download_folder();
                self.ask_transfers(id, move |transfers| transfers.download(id, request, folder));
            }
            Intent::DownloadOfAll(request) => {
                let folder = self.download_folder();
                self.ask_transfers(id, move |transfers| transfers.download_of_all(request, folder, own));
            }
            Intent::ListTransfers => {
                self.ask_transfers(id, async |transfers| Ok(Outcome::Transfers(transfers.list())));
            }
            Intent::DescribeTransfer { number, files } => {
                self.ask_transfers(id, move |transfers| transfers.describe(number, files));
            }
            Intent::FreeSpace => {
                let folder = self.download_folder();
                self.children.ask(id, past::free_space(folder));
            }
            Intent::ListHistory => self.children.ask(id, self.history.clone().list()),
            Intent::ClearHistory => self.children.ask(id, self.history.clone().clear()),
            Intent::Pause(which) => self.ask_transfers(id, move |transfers| transfers.pause(which)),
            Intent::Resume(which) => self.ask_transfers(id, move |transfers| transfers.resume(which)),
            Intent::Cancel(which) => self.ask_transfers(id, move |transfers| transfers.cancel(which)),
            Intent::Retry(which) => self.ask_transfers(id, move |transfers| transfers.retry(which, Existing::Refuse)),
            Intent::RetryWith { which, existing } => {
                self.ask_transfers(id, move |transfers| transfers.retry(which, existing));
            }
            Intent::Acknowledge(number) => self.ask_transfers(id, move |transfers| transfers.acknowledge(number)),
            Intent::Reorder { number, to } => self.ask_transfers(id, move |transfers| transfers.reorder(number, to)),

            Intent::Invite => self.answer(Some(id), self.invite()),
            Intent::Status => self.ask_status(id),
            Intent::Reach => self.ask_reach(id),
            Intent::ListNearby => self.children.ask(id, self.list_nearby()),
            Intent::Trust { user } => {
                self.warned_of.remove(&user.folded());
                self.ask_tracker(id, move |client| known_users::trust(client, user));
            }
            Intent::Order(command) => {
                let invite = self.invite();
                self.ask_tracker(id, |client| owning::order(client, command, invite));
            }
        }
    }

    /// Asks the tracker that we are at.
    fn ask_tracker<Asking>(&mut self, id: IntentId, ask: impl FnOnce(TrackerClient) -> Asking)
    where
        Asking: Future<Output = Result<Outcome, Failure>> + Send + 'static,
    {
        match self.session.client() {
            Ok(client) => self.children.ask(id, ask(client)),
            Err(why) => self.answer(Some(id), Err(why)),
        }
    }

    /// Asks those who download and upload.
    fn ask_transfers<Asking>(&mut self, id: IntentId, ask: impl FnOnce(TransferHandles) -> Asking)
    where
        Asking: Future<Output = Result<Outcome, Failure>> + Send + 'static,
    {
        let asking = ask(self.transfer_handles());
        self.children.ask(id, asking);
    }

    fn transfer_handles(&self) -> TransferHandles {
        TransferHandles {
            downloader: self.downloader.clone(),
            peer_server: Arc::clone(&self.peer_server),
            session: self.session.view(),
            outbox: self.outbox.clone(),
        }
    }

    /// Uses other settings from now on, and everything that depends on them.
    fn apply(&mut self, id: IntentId, settings: Settings) {
        self.uploading.send_replace(starting::upload_settings(&settings, self.metering));
        self.may_punch.send_replace(settings.may_punch());
        self.outgoing.send_if_modified(|before| {
            let now = settings.outgoing();
            std::mem::replace(before, now.clone()) != now
        });
        self.tells_local_addresses.send_replace(settings.tells_local_addresses());
        self.may_use_relay.send_replace(settings.use_relay);
        self.downloading.send_replace(starting::download_settings(&settings, self.metering));
        let before = std::mem::replace(&mut self.settings, settings.clone());
        self.say_nearby();
        self.ask_to_move(id, Move::Follow(Box::new(SettingsChange { before, now: settings })));
    }

    /// The system says whether the way to the Internet is metered.
    pub(super) fn hear_metering(&mut self, metering: Metering) {
        self.metering = metering;
        self.uploading.send_replace(starting::upload_settings(&self.settings, metering));
        self.downloading.send_replace(starting::download_settings(&self.settings, metering));
        self.outbox.push(NodeEvent::Metering(metering));
    }

    fn ask_status(&mut self, id: IntentId) {
        let transfers = self.transfer_handles();
        let share_indexer = self.share_indexer.clone();
        let hosted = self.hosting.as_ref().map(|hosting| Arc::clone(&hosting.handle));
        let (connection, files_to_hash) = (self.connection.clone(), self.files_to_hash);
        let download_folder = self.download_folder();
        let reach = self.reaching_us.known();
        let metering = self.metering;
        self.children.ask(id, async move {
            let shared = share_indexer.totals();
            let (downloads, down_bytes_per_second) = transfers.downloader.running();
            let (uploads, up_bytes_per_second) = transfers.peer_server.running();
            let ways = transfers.ways();
            let hosted = match hosted {
                Some(tracker) => hosting::condition(tracker).await,
                None => None,
            };
            Ok(Outcome::Status(Box::new(Status {
                connection,
                listening: Some(transfers.peer_server.address()),
                reach,
                hosted,
                shares: shared.files,
                share_bytes: shared.bytes,
                files_to_hash,
                downloads,
                uploads,
                ways,
                down_bytes_per_second,
                up_bytes_per_second,
                download_folder,
                metering,
            })))
        });
    }

    /// Where downloads go that name no place.
    fn download_folder(&self) -> PathBuf {
        let chosen = &self.settings.download_folder;
        if chosen.as_os_str().is_empty() { self.usual_download_folder.clone() } else { chosen.clone() }
    }
}
