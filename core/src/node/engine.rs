//! What every intent works on, and which part carries it out. The engine itself knows no loop; see
//! [`crate::node::supervisor`].

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::model::invite::TrackerAddress;
use crate::net::identity::Identity;
use crate::node::event::{Connection, NodeEvent, Outcome, Status};
use crate::node::failure::Failure;
use crate::node::hosting::Hosting;
use crate::node::intent::{Intent, IntentId};
use crate::node::outbox::Outbox;
use crate::node::settings::Settings;
use crate::node::starting;
use crate::node::tracker_session::TrackerSession;
use crate::service::downloader::{DownloadSettings, Downloader};
use crate::service::peer_server::{PeerServer, UploadSettings};
use crate::service::share_indexer::ShareIndexer;
use crate::service::tracker_client::tap::Tap;
use crate::store::Store;

/// Handles to everything that runs.
pub(super) struct Engine {
    pub(super) data_dir: PathBuf,
    pub(super) usual_download_folder: PathBuf,
    pub(super) settings: watch::Sender<Settings>,
    pub(super) store: Arc<Store>,
    pub(super) identity: Arc<Identity>,
    pub(super) share_indexer: ShareIndexer,
    pub(super) downloader: Downloader,
    pub(super) peer_server: PeerServer,
    pub(super) uploading: watch::Sender<UploadSettings>,
    pub(super) downloading: watch::Sender<DownloadSettings>,
    pub(super) tracker_session: Arc<TrackerSession>,
    pub(super) tap: Arc<Tap>,
    pub(super) connection: watch::Sender<Connection>,
    /// The tracker that we are at, or on the way to.
    pub(super) at_tracker: Mutex<Option<TrackerAddress>>,
    /// Held while one tracker is exchanged for another.
    pub(super) joining: tokio::sync::Mutex<()>,
    /// The newest intent that says where to be: an older one that comes to its turn later has been overtaken.
    pub(super) newest_move: AtomicU64,
    pub(super) hosting: Mutex<Option<Hosting>>,
    pub(super) files_to_hash: AtomicU64,
    pub(super) outbox: Outbox,
    pub(super) tasks: TaskTracker,
    pub(super) cancel: CancellationToken,
}

impl Engine {
    /// Carries one intent out in a task of its own; its outcome is told with its id.
    pub(super) fn carry_out(self: &Arc<Self>, id: IntentId, intent: Intent) {
        if matches!(intent, Intent::Join(_) | Intent::Leave | Intent::HostTracker(_) | Intent::StopTracker) {
            self.newest_move.store(id.0, Ordering::Relaxed);
        }
        let engine = Arc::clone(self);
        let cancelled = self.cancel.clone();
        self.tasks.spawn(async move {
            let result = tokio::select! {
                result = engine.outcome_of(id, intent) => result,
                () = cancelled.cancelled() => Err(Failure::Cancelled),
            };
            engine.outbox.push(NodeEvent::Outcome { id, result });
        });
    }

    async fn outcome_of(self: &Arc<Self>, id: IntentId, intent: Intent) -> Result<Outcome, Failure> {
        match intent {
            Intent::Join(tracker) => self.join(id, tracker).await,
            Intent::Leave => self.leave(id).await,
            Intent::HostTracker(at) => self.host_tracker(id, at).await,
            Intent::StopTracker => self.stop_tracker(id).await,
            Intent::ListUsers => self.list_users().await,
            Intent::ListFiles { user } => self.list_files(id, user).await,
            Intent::Search { words } => self.search(id, words).await,
            Intent::Share(requests) => self.share(requests).await,
            Intent::Unshare { paths, cwd } => self.unshare(paths, cwd).await,
            Intent::ListShares => Ok(Outcome::Shared(self.share_indexer.shares())),
            Intent::Download(request) => self.download(id, request).await,
            Intent::ListTransfers => Ok(Outcome::Transfers(self.transfers())),
            Intent::Pause(which) => self.pause(which).await,
            Intent::Resume(which) => self.resume(which).await,
            Intent::Cancel(which) => self.cancel_transfers(which).await,
            Intent::Retry(which) => self.retry(which).await,
            Intent::Acknowledge(number) => self.acknowledge(number).await,
            Intent::WhoAmI => self.who_am_i().await,
            Intent::Invite => self.invite(),
            Intent::Status => Ok(Outcome::Status(Box::new(self.status().await))),
            Intent::Apply(settings) => self.apply(id, *settings).await,
            Intent::Kick { user } => self.kick(user).await,
            Intent::Ban { user } => self.ban(user).await,
            Intent::Unban { who } => self.unban(who).await,
            Intent::ListBans => self.list_bans().await,
            Intent::TapWire(is_on) => {
                self.tap.turn(is_on);
                Ok(Outcome::Done)
            }
            Intent::SendLine(line) => self.send_line(line).await,
            Intent::Reorder { number, to } => self.reorder(number, to).await,
            Intent::RenameShare { from, to } => self.rename_share(from, to).await,
        }
    }

    /// Uses other settings from now on, and everything that depends on them.
    async fn apply(self: &Arc<Self>, id: IntentId, settings: Settings) -> Result<Outcome, Failure> {
        self.uploading.send_replace(starting::upload_settings(&settings));
        self.downloading.send_replace(starting::download_settings(&settings));
        self.apply_to_tracker(&settings).await;
        let before = self.settings.send_replace(settings.clone());
        let moved = if before.listen == settings.listen { Ok(false) } else { self.listen_at(&settings.listen).await };
        self.go_where_settings_say(id, &before, &settings, moved == Ok(true)).await?;
        moved.map(|_| Outcome::Done)
    }

    /// Serves peers at another place from now on; whether it is another one.
    async fn listen_at(&self, setting: &str) -> Result<bool, Failure> {
        let before = self.peer_server.address();
        let moved = self.peer_server.move_to(|| starting::listen(&self.store, setting)).await;
        moved.map_err(|why| Failure::Internal { what: format!("listening at {setting}"), why: why.to_string() })?;
        Ok(self.peer_server.address() != before)
    }

    /// Joins or leaves if other settings say so. We may be elsewhere than the settings before said: where an intent
    /// brought us. Another name or peer port is another registration, wherever we are.
    async fn go_where_settings_say(
        self: &Arc<Self>,
        id: IntentId,
        before: &Settings,
        now: &Settings,
        has_moved: bool,
    ) -> Result<(), Failure> {
        let here = self.at_tracker.lock().clone();
        let wanted = match now.tracker.parse() {
            _ if before.tracker == now.tracker => here.clone(),
            Ok(tracker) => Some(tracker),
            // Who hosts a tracker is there without a setting.
            Err(_no_tracker) if self.hosted_invite().is_some() => here.clone(),
            Err(_no_tracker) => None,
        };
        let is_other = before.name != now.name || has_moved;
        match wanted {
            Some(tracker) if is_other || !self.is_at(&tracker) => self.begin_join(Some(id), tracker).await,
            None if here.is_some() => self.leave(id).await.map(drop),
            _ => Ok(()),
        }
    }

    /// Whether it is the tracker that we are at, or are on the way to.
    fn is_at(&self, tracker: &TrackerAddress) -> bool {
        let Some(here) = self.at_tracker.lock().clone() else { return false };
        let proven = || self.tracker_session.client().ok().and_then(|client| client.tracker_key());
        here.address == tracker.address && (tracker.key.is_none() || tracker.key == here.key.or_else(proven))
    }

    async fn status(&self) -> Status {
        let shares = self.share_indexer.shares();
        let transfers = self.transfers();
        let sum = |direction| {
            let of = transfers.iter().filter(move |t| t.direction == direction && !t.state.is_final());
            of.fold((0, 0), |(count, speed), t| (count + 1, speed + t.bytes_per_second))
        };
        use crate::node::event::Direction::{Download, Upload};
        let ((downloads, down_bytes_per_second), (uploads, up_bytes_per_second)) = (sum(Download), sum(Upload));
        let hosted = self.hosted().await;
        Status {
            connection: self.connection.borrow().clone(),
            listening: Some(self.peer_server.address()),
            hosted,
            shares: shares.len() as u64,
            share_bytes: shares.iter().filter_map(|share| share.size).fold(0, u64::saturating_add),
            files_to_hash: self.files_to_hash.load(Ordering::Relaxed),
            downloads,
            uploads,
            down_bytes_per_second,
            up_bytes_per_second,
            download_folder: self.download_folder(),
        }
    }

    /// Where downloads go that name no place.
    pub(super) fn download_folder(&self) -> PathBuf {
        let chosen = self.settings.borrow().download_folder.clone();
        if chosen.as_os_str().is_empty() { self.usual_download_folder.clone() } else { chosen }
    }
}
