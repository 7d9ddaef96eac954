//! Downloads: from what a person asked for to the transfer engine, and from its words to the app's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::local_name::LocalName;
use crate::model::share_path::SharePath;
use crate::model::transfer::{QueueMove, Transfer, TransferId, TransferSelection};
use crate::model::transfer_details::FileQuery;
use crate::model::username::Username;
use crate::model::way::Way;
use crate::node::awaiting;
use crate::node::download_place::DownloadPlace;
use crate::node::event::{NodeEvent, Outcome};
use crate::node::failure::Failure;
use crate::node::intent::{DownloadRequest, Existing, IntentId, UnsafeNames};
use crate::node::lookup::FoundShares;
use crate::node::naming::{self, Naming};
use crate::node::outbox::Outbox;
use crate::node::placing;
use crate::node::tracker_session::SessionView;
use crate::node::work::{FailedWork, WorkFault};
use crate::protocol::peer::Content;
use crate::protocol::reply::FileLine;
use crate::service::downloader::{Downloader, NewDownload};
use crate::service::peer_server::PeerServer;
use crate::store::downloads::{TargetName, WantedFile};
use crate::transfer::event::TransferEvent;

/// Names that a question lists; more are only counted.
pub(super) const UNSAFE_NAMES_MAX: usize = 1_000;

/// A file that will not come, as its owner calls it, and why.
pub(super) type Refused = (String, Failure);

/// What intents about transfers work with.
pub(super) struct TransferHandles {
    pub(super) downloader: Downloader,
    pub(super) peer_server: Arc<PeerServer>,
    pub(super) session: SessionView,
    pub(super) outbox: Outbox,
}

impl TransferHandles {
    /// Queues a download; one that names no place goes into `folder`.
    pub(super) async fn download(
        self,
        id: IntentId,
        request: DownloadRequest,
        folder: PathBuf,
    ) -> Result<Outcome, Failure> {
        self.downloader.expect(&request.user);
        let local = request.local_path.clone();
        let place = on_disk(move || DownloadPlace::find(local.as_ref(), folder)).await?;
        let found = match awaiting::find(&self.session, &self.outbox, id, &request).await {
            Ok(found) => found,
            // What was asked for before goes on without its owner being there.
            Err(why) => return self.queued_before(&request.user, request.remote_path.as_str(), &place).ok_or(why),
        };
        let user = found.owner().clone();
        let place = match &found {
            FoundShares::Folder { path, .. } => place.where_it_was(|folder| self.is_queued(&user, path, folder)),
            FoundShares::File(_) => place,
        };
        // Whoever wants to be asked is told what the names would become.
        let rename_unsafe = request.unsafe_names != UnsafeNames::LeaveOut;
        let existing = request.existing;
        let to_make = place.clone();
        let new = on_disk(move || {
            let naming = Naming::new(place.folder(), rename_unsafe);
            new_download(user, place, naming, found, existing)
        });
        let New { download, refused, mut renamed } = new.await?;
        if request.unsafe_names == UnsafeNames::Ask && !renamed.is_empty() {
            let count = renamed.len();
            renamed.truncate(UNSAFE_NAMES_MAX);
            return Ok(Outcome::UnsafeNames { names: renamed, count });
        }
        let make = on_disk(move || to_make.make());
        let Some(number) = placing::add(&self.downloader, download, &mut renamed, make).await? else {
            return Ok(Outcome::NothingToFetch);
        };
        for (remote_path, failure) in refused {
            self.outbox.push(NodeEvent::FileFailed { number, remote_path, failure, more: 0 });
        }
        for (original, local_path) in renamed {
            self.outbox.push(NodeEvent::Renamed { number, original, local_path });
        }
        Ok(Outcome::Queued(number))
    }

    /// Whether a folder of theirs is on the list, and goes to this very folder.
    fn is_queued(&self, user: &Username, path: &SharePath, folder: &Path) -> bool {
        let same = |transfer: &Transfer| {
            transfer.user == *user
                && transfer.label.strip_suffix('/') == Some(path.as_str())
                && transfer.local_path.as_deref() == Some(folder)
        };
        self.downloader.find(same).is_some()
    }

    fn queued_before(&self, user: &Username, remote_path: &str, place: &DownloadPlace) -> Option<Outcome> {
        let wanted = remote_path.trim_end_matches('/');
        let same = |transfer: &Transfer| {
            transfer.user.folded() == user.folded()
                && transfer.label.trim_end_matches('/') == wanted
                && transfer.local_path.as_deref().is_some_and(|path| place.may_be(path))
        };
        self.downloader.find(same).map(Outcome::Queued)
    }

    /// Downloads in the order of the queue, then uploads.
    pub(super) fn list(&self) -> Vec<Transfer> {
        let mut transfers = self.downloader.snapshot();
        transfers.extend(self.peer_server.uploads());
        transfers.sort_by_key(|transfer| (transfer.direction, transfer.position, transfer.number));
        transfers
    }

    /// How many transfers are connected by each way.
    pub(super) fn ways(&self) -> BTreeMap<Way, u64> {
        let mut ways = BTreeMap::new();
        for way in self.downloader.ways().into_iter().chain(self.peer_server.ways()) {
            *ways.entry(way).or_default() += 1;
        }
        ways
    }

    pub(super) async fn pause(self, which: TransferSelection) -> Result<Outcome, Failure> {
        self.must_be_download(which)?;
        self.downloader.pause(which).await;
        Ok(Outcome::Done)
    }

    pub(super) async fn resume(self, which: TransferSelection) -> Result<Outcome, Failure> {
        if !self.is_upload_and(which, |id| self.peer_server.let_taker_go_on(id)) {
            self.must_be_download(which)?;
            self.downloader.resume(which).await;
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn cancel(self, which: TransferSelection) -> Result<Outcome, Failure> {
        if !self.is_upload_and(which, |id| self.peer_server.stop_taker(id)) {
            self.must_be_download(which)?;
            self.downloader.cancel(which).await;
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn describe(self, number: TransferId, files: FileQuery) -> Result<Outcome, Failure> {
        let details = match self.peer_server.describe(number) {
            Some(details) => Some(details),
            None => self.downloader.describe(number, files).await,
        };
        let details = details.ok_or(Failure::NoSuchTransfer { number })?;
        Ok(Outcome::TransferDetails(Box::new(details)))
    }

    pub(super) async fn reorder(self, number: TransferId, to: QueueMove) -> Result<Outcome, Failure> {
        self.must_be_download(TransferSelection::One(number))?;
        self.downloader.reorder(number, to).await;
        Ok(Outcome::Done)
    }

    pub(super) async fn retry(self, which: TransferSelection, existing: Existing) -> Result<Outcome, Failure> {
        self.must_be_download(which)?;
        self.downloader.retry(which, existing).await;
        Ok(Outcome::Done)
    }

    pub(super) async fn acknowledge(self, number: TransferId) -> Result<Outcome, Failure> {
        let which = TransferSelection::One(number);
        if !self.is_upload_and(which, |id| self.peer_server.acknowledge(id)) {
            self.must_be_download(which)?;
            self.downloader.acknowledge(number).await;
        }
        Ok(Outcome::Done)
    }

    /// Carries something out that is wished of one upload; `false` if none is meant.
    fn is_upload_and(&self, which: TransferSelection, carry_out: impl FnOnce(TransferId) -> bool) -> bool {
        match which {
            TransferSelection::One(id) => carry_out(id),
            TransferSelection::All => false,
        }
    }

    fn must_be_download(&self, which: TransferSelection) -> Result<(), Failure> {
        match which {
            TransferSelection::One(number) if self.peer_server.has(number) => Err(Failure::IsUpload { number }),
            TransferSelection::One(number) if !self.downloader.has(number) => Err(Failure::NoSuchTransfer { number }),
            TransferSelection::One(_) | TransferSelection::All => Ok(()),
        }
    }
}

/// Carries out something that looks at the disk, off the engine's threads.
pub(super) async fn on_disk<T: Send + 'static>(
    look: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let looked = tokio::task::spawn_blocking(look).await;
    looked.unwrap_or_else(|_panic| Err(Failure::Internal { what: FailedWork::LookingAtTarget, why: WorkFault::Panic }))
}

/// What the app is told by the word of a transfer; `None` where it has been told the same.
pub(super) fn told_by(event: TransferEvent) -> Option<NodeEvent> {
    Some(match event {
        TransferEvent::Changed(transfer) => NodeEvent::Transfer(transfer),
        TransferEvent::FileFinished { id, target, size, hash } => {
            NodeEvent::Downloaded { number: id, local_path: target, size, hash }
        }
        TransferEvent::FileFailed { id, remote, error, more } => {
            let remote_path = remote.to_string();
            let failure = Failure::NotComing { path: remote_path.clone(), error };
            NodeEvent::FileFailed { number: id, remote_path, failure, more }
        }
        TransferEvent::Renamed { id, remote, target } => {
            NodeEvent::Renamed { number: id, original: remote.to_string(), local_path: target }
        }
        TransferEvent::Gone(number) => NodeEvent::TransferGone { number },
        TransferEvent::PeerLied(user) => NodeEvent::PeerLied { user },
        // The last `Changed` says the same.
        TransferEvent::Finished(_) | TransferEvent::Failed(..) | TransferEvent::Ended(_) => return None,
    })
}

/// A download that is to be queued.
pub(super) struct New {
    pub(super) download: NewDownload,
    pub(super) refused: Vec<Refused>,
    /// What is written under other names, and where.
    pub(super) renamed: Vec<(String, PathBuf)>,
}

pub(super) fn new_download(
    user: Username,
    place: DownloadPlace,
    mut naming: Naming,
    found: FoundShares,
    existing: Existing,
) -> Result<New, Failure> {
    match found {
        FoundShares::File(file) => {
            let mut renamed = Vec::new();
            let (into, name) = match place {
                DownloadPlace::As(into, name) => (into, TargetName::Typed(name)),
                DownloadPlace::Into(into) | DownloadPlace::IntoNew(into) => {
                    let names = naming.names(None, file.path.file_name())?;
                    renamed.extend(naming::renamed(file.path.as_str(), &into, &names, 0));
                    (into, TargetName::Below(names))
                }
            };
            let label = file.path.to_string();
            let files = vec![WantedFile { content: content_of(&user, &file)?, remote: file.path, name }];
            let download = NewDownload { user, label, is_folder: false, into, existing, files };
            Ok(New { download, refused: Vec::new(), renamed })
        }
        FoundShares::Folder { path, files } => {
            let is_named = matches!(place, DownloadPlace::As(..));
            let (into, top) = match place {
                DownloadPlace::Into(into) | DownloadPlace::IntoNew(into) => (into, naming.top(path.file_name())?),
                DownloadPlace::As(into, name) => (into, local_name(&name.to_string_lossy())?),
            };
            naming.go_into(&top);
            let chosen = usize::from(is_named);
            let mut renamed = Vec::new();
            let mut wanted = Vec::with_capacity(files.len());
            let mut refused = Vec::new();
            for file in files {
                match folder_file(&user, &path, &top, &mut naming, file) {
                    Ok(file) => {
                        if let TargetName::Below(names) = &file.name {
                            renamed.extend(naming::renamed(file.remote.as_str(), &into, names, chosen));
                        }
                        wanted.push(file);
                    }
                    Err(why) => refused.push(why),
                }
            }
            if wanted.is_empty() {
                let first = refused.into_iter().next().map(|(_, why)| why);
                return Err(first.unwrap_or(Failure::NotShared { user: user.to_string(), path: path.to_string() }));
            }
            let label = format!("{path}/");
            let download = NewDownload { user, label, is_folder: true, into, existing, files: wanted };
            Ok(New { download, refused, renamed })
        }
    }
}

fn folder_file(
    user: &Username,
    folder: &SharePath,
    top: &LocalName,
    naming: &mut Naming,
    file: FileLine,
) -> Result<WantedFile, Refused> {
    let refuse = |why| (file.path.to_string(), why);
    let below = file.path.below(folder.as_str()).unwrap_or(file.path.as_str());
    let names = naming.names(Some(top), below).map_err(refuse)?;
    let content = content_of(user, &file).map_err(refuse)?;
    Ok(WantedFile { content, remote: file.path, name: TargetName::Below(names) })
}

fn local_name(part: &str) -> Result<LocalName, Failure> {
    LocalName::new(part).map_err(Failure::from)
}

/// What is asked for. Without size and hash nobody could check what comes.
fn content_of(user: &Username, file: &FileLine) -> Result<Content, Failure> {
    match (file.size, file.hash) {
        (Some(size), Some(hash)) => Ok(Content { hash, size }),
        _ => Err(Failure::Unverified { user: user.to_string() }),
    }
}
