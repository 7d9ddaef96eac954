//! Downloads: from what a person asked for to the transfer engine, and from its words to the app's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::typed;
use crate::library::typed::LocalPath;
use crate::model::local_name::LocalName;
use crate::model::share_path::SharePath;
use crate::model::transfer::{QueueMove, Transfer, TransferId, TransferSelection};
use crate::model::username::Username;
use crate::node::beside;
use crate::node::event::{NodeEvent, Outcome};
use crate::node::failure::Failure;
use crate::node::intent::{DownloadRequest, Existing, IntentId, UnsafeNames};
use crate::node::lookup::{self, FoundShares};
use crate::node::naming::{self, Naming};
use crate::node::outbox::Outbox;
use crate::node::tracker_session::SessionView;
use crate::protocol::peer::Content;
use crate::protocol::reply::FileLine;
use crate::service::downloader::{AddError, Downloader, NewDownload};
use crate::service::peer_server::PeerServer;
use crate::store::downloads::{TargetName, WantedFile};
use crate::transfer::event::TransferEvent;

/// Names that a question lists; more are only counted.
const UNSAFE_NAMES_MAX: usize = 1_000;

/// A file that will not come, as its owner calls it, and why.
type Refused = (String, Failure);

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
        let user = request.user.clone();
        let (place, naming) = place_of(&request, folder).await?;
        let found = match self.find(id, &user, &request).await {
            Ok(found) => found,
            // What was asked for before goes on without its owner being there.
            Err(why) => return self.queued_before(&user, request.remote_path.as_str(), &place).ok_or(why),
        };
        let replace = request.existing == Existing::Replace;
        let New { download, refused, mut renamed } = new_download(user, place, naming, found, replace)?;
        if request.unsafe_names == UnsafeNames::Ask && !renamed.is_empty() {
            let count = renamed.len();
            renamed.truncate(UNSAFE_NAMES_MAX);
            return Ok(Outcome::UnsafeNames { names: renamed, count });
        }
        let number = match request.existing {
            Existing::Refuse | Existing::Replace => self.downloader.add(download).await,
            Existing::KeepBoth => beside::add(&self.downloader, download, &mut renamed).await,
        };
        let number = number.map_err(add_failed)?;
        for (remote_path, failure) in refused {
            self.outbox.push(NodeEvent::FileFailed { number, remote_path, failure });
        }
        for (original, local_path) in renamed {
            self.outbox.push(NodeEvent::Renamed { number, original, local_path });
        }
        Ok(Outcome::Queued(number))
    }

    async fn find(&self, id: IntentId, user: &Username, request: &DownloadRequest) -> Result<FoundShares, Failure> {
        let mut changes = self.session.changes();
        let mut is_told = false;
        loop {
            let client = self.session.client()?;
            let found = lookup::find(&client, user, &request.remote_path).await;
            match found {
                Err(Failure::NoSuchUser { .. } | Failure::Offline { .. }) if request.wait => {}
                Err(why) => return Err(why),
                Ok(found) => {
                    // A name without a key could be anybody's.
                    let verified = client.people().user(user).is_none_or(|user| user.key.is_some());
                    return if verified { Ok(found) } else { Err(Failure::Unverified { user: user.to_string() }) };
                }
            }
            if !std::mem::replace(&mut is_told, true) {
                self.outbox.push(NodeEvent::WaitingFor { id, user: user.to_string() });
            }
            // The sender lives as long as the engine.
            let _ = changes.changed().await;
        }
    }

    fn queued_before(&self, user: &Username, remote_path: &str, place: &Place) -> Option<Outcome> {
        let wanted = remote_path.trim_end_matches('/');
        let same = |transfer: &Transfer| {
            transfer.user == *user
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

    pub(super) async fn reorder(self, number: TransferId, to: QueueMove) -> Result<Outcome, Failure> {
        self.must_be_download(TransferSelection::One(number))?;
        self.downloader.reorder(number, to).await;
        Ok(Outcome::Done)
    }

    pub(super) async fn retry(self, which: TransferSelection) -> Result<Outcome, Failure> {
        self.must_be_download(which)?;
        self.downloader.retry(which).await;
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

async fn place_of(request: &DownloadRequest, folder: PathBuf) -> Result<(Place, Naming), Failure> {
    // Whoever wants to be asked is told what the names would become.
    let (local, rename_unsafe) = (request.local_path.clone(), request.unsafe_names != UnsafeNames::LeaveOut);
    let find = move || {
        let place = Place::find(local.as_ref(), folder)?;
        let (Place::Into(into) | Place::As(into, _)) = &place;
        let naming = Naming::new(into, rename_unsafe);
        Ok((place, naming))
    };
    let place = tokio::task::spawn_blocking(find).await;
    place
        .unwrap_or_else(|_panic| Err(Failure::Internal { what: "looking at the target".into(), why: "a panic".into() }))
}

/// What the app is told by the word of a transfer; `None` where it has been told the same.
pub(super) fn told_by(event: TransferEvent) -> Option<NodeEvent> {
    Some(match event {
        TransferEvent::Changed(transfer) => NodeEvent::Transfer(transfer),
        TransferEvent::FileFinished { id, target, size, hash } => {
            NodeEvent::Downloaded { number: id, local_path: target, size, hash }
        }
        TransferEvent::FileFailed { id, remote, error } => {
            let remote_path = remote.to_string();
            let failure = Failure::NotComing { path: remote_path.clone(), error };
            NodeEvent::FileFailed { number: id, remote_path, failure }
        }
        TransferEvent::Gone(number) => NodeEvent::TransferGone { number },
        TransferEvent::PeerLied(user) => NodeEvent::PeerLied { user },
        // The last `Changed` says the same.
        TransferEvent::Finished(_) | TransferEvent::Failed(..) => return None,
    })
}

/// Where a download goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// Into this folder, under its own name.
    Into(PathBuf),
    /// Under this name in this folder.
    As(PathBuf, std::ffi::OsString),
}

impl Place {
    /// Blocks: it looks at the disk.
    fn find(local: Option<&LocalPath>, fallback: PathBuf) -> Result<Self, Failure> {
        let Some(local) = local else {
            let made = std::fs::create_dir_all(&fallback);
            return match made {
                Ok(()) => Ok(Self::Into(fallback)),
                Err(_) => Err(Failure::Denied { path: fallback.display().to_string() }),
            };
        };
        let path = typed::path(local);
        let LocalPath { typed: local, cwd } = local;
        if path.is_dir() {
            return Ok(Self::Into(path));
        }
        let no_parent = || Failure::NoParent { path: local.to_owned() };
        if local.ends_with(std::path::is_separator) && !local.is_empty() {
            // A folder was meant: it is made below a folder that is there.
            let trimmed = PathBuf::from(local.trim_end_matches(std::path::is_separator));
            let path = typed::path(&LocalPath::new(trimmed.to_string_lossy(), cwd));
            return Self::named(&path).ok_or_else(no_parent);
        }
        Self::named(&path).ok_or_else(no_parent)
    }

    fn named(path: &Path) -> Option<Self> {
        let (parent, name) = (path.parent()?, path.file_name()?);
        parent.is_dir().then(|| Self::As(parent.to_owned(), name.to_owned()))
    }

    /// Whether a download that goes there may be one that goes here.
    fn may_be(&self, target: &Path) -> bool {
        match self {
            Self::Into(folder) => target == folder || target.parent() == Some(folder),
            Self::As(folder, name) => target == folder.join(name),
        }
    }
}

/// A download that is to be queued.
struct New {
    download: NewDownload,
    refused: Vec<Refused>,
    /// What is written under other names, and where.
    renamed: Vec<(String, PathBuf)>,
}

fn new_download(
    user: Username,
    place: Place,
    mut naming: Naming,
    found: FoundShares,
    overwrite: bool,
) -> Result<New, Failure> {
    match found {
        FoundShares::File(file) => {
            let mut renamed = Vec::new();
            let (into, name) = match place {
                Place::As(into, name) => (into, TargetName::Typed(name)),
                Place::Into(into) => {
                    let names = naming.names(None, file.path.file_name())?;
                    renamed.extend(naming::renamed(file.path.as_str(), &into, &names, 0));
                    (into, TargetName::Below(names))
                }
            };
            let label = file.path.to_string();
            let files = vec![WantedFile { content: content_of(&user, &file)?, remote: file.path, name }];
            let download = NewDownload { user, label, is_folder: false, into, overwrite, files };
            Ok(New { download, refused: Vec::new(), renamed })
        }
        FoundShares::Folder { path, files } => {
            let is_named = matches!(place, Place::As(..));
            let (into, top) = match place {
                Place::Into(into) => (into, naming.names(None, path.file_name())?.remove(0)),
                Place::As(into, name) => (into, local_name(&name.to_string_lossy())?),
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
            let download = NewDownload { user, label, is_folder: true, into, overwrite, files: wanted };
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
    LocalName::new(part).map_err(|why| Failure::UnsafeName { text: why.to_string() })
}

/// What is asked for. Without size and hash nobody could check what comes.
fn content_of(user: &Username, file: &FileLine) -> Result<Content, Failure> {
    match (file.size, file.hash) {
        (Some(size), Some(hash)) => Ok(Content { hash, size }),
        _ => Err(Failure::Unverified { user: user.to_string() }),
    }
}

fn add_failed(error: AddError) -> Failure {
    let why = error.to_string();
    match error {
        AddError::Exists { path } => Failure::Exists { path: path.display().to_string() },
        _ => Failure::Internal { what: "queueing the download".into(), why },
    }
}
