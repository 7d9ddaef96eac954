//! Downloads: from what a person asked for to the transfer engine, and from its words to the app's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::typed;
use crate::library::typed::LocalPath;
use crate::model::local_name::LocalName;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::node::event::{self, NodeEvent, Outcome, Transfer};
use crate::node::failure::Failure;
use crate::node::intent::{self, DownloadRequest, IntentId, TransferNumber, Which};
use crate::node::lookup::{self, Found};
use crate::node::outbox::Outbox;
use crate::node::tracker_session::SessionView;
use crate::protocol::code::Code;
use crate::protocol::peer::Content;
use crate::protocol::reply::FileLine;
use crate::service::downloader::{AddError, Downloader, NewDownload, NewFile};
use crate::service::peer_server::PeerServer;
use crate::store::downloads::TargetName;
use crate::transfer::downloads::order;
use crate::transfer::status::{self, FileError, State, TransferEvent, TransferId, TransferState};

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
        let place = place_of(&request, folder).await?;
        let found = match self.find(id, &user, &request).await {
            Ok(found) => found,
            // What was asked for before goes on without its owner being there.
            Err(why) => return self.queued_before(&user, request.remote_path.as_str(), &place).ok_or(why),
        };
        let (download, refused) = new_download(user, place, found, request.overwrite)?;
        let number = self.downloader.add(download).await.map_err(add_failed)?.0;
        for (remote_path, failure) in refused {
            self.outbox.push(NodeEvent::FileFailed { number, remote_path, failure });
        }
        Ok(Outcome::Queued(number))
    }

    async fn find(&self, id: IntentId, user: &Username, request: &DownloadRequest) -> Result<Found, Failure> {
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
            transfer.direction == event::Direction::Download
                && transfer.user == *user
                && transfer.label.trim_end_matches('/') == wanted
                && transfer.local_path.as_deref().is_some_and(|path| place.may_be(path))
        };
        self.list().into_iter().find(same).map(|transfer| Outcome::Queued(transfer.number))
    }

    /// Downloads in the order of the queue, then uploads.
    pub(super) fn list(&self) -> Vec<Transfer> {
        let both = self.downloader.snapshot().into_iter().chain(self.peer_server.uploads());
        let mut transfers: Vec<Transfer> = both.map(transfer_of).collect();
        transfers.sort_by_key(|transfer| (transfer.direction, transfer.position, transfer.number));
        transfers
    }

    pub(super) async fn pause(self, which: Which) -> Result<Outcome, Failure> {
        match which {
            Which::One(number) => self.downloader.pause(self.known(number)?).await,
            Which::All => self.downloader.pause_all().await,
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn resume(self, which: Which) -> Result<Outcome, Failure> {
        match which {
            Which::One(number) => self.downloader.resume(self.known(number)?).await,
            Which::All => self.downloader.resume_all().await,
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn cancel(self, which: Which) -> Result<Outcome, Failure> {
        for id in self.chosen(which)? {
            self.downloader.cancel(id).await;
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn reorder(self, number: TransferNumber, to: intent::Place) -> Result<Outcome, Failure> {
        let to = match to {
            intent::Place::First => order::Place::First,
            intent::Place::Earlier => order::Place::Earlier,
            intent::Place::Later => order::Place::Later,
            intent::Place::Last => order::Place::Last,
        };
        self.downloader.reorder(self.known(number)?, to).await;
        Ok(Outcome::Done)
    }

    pub(super) async fn retry(self, which: Which) -> Result<Outcome, Failure> {
        for id in self.chosen(which)? {
            self.downloader.retry(id).await;
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn acknowledge(self, number: TransferNumber) -> Result<Outcome, Failure> {
        self.downloader.acknowledge(self.known(number)?).await;
        Ok(Outcome::Done)
    }

    fn chosen(&self, which: Which) -> Result<Vec<TransferId>, Failure> {
        match which {
            Which::One(number) => Ok(vec![self.known(number)?]),
            Which::All => Ok(self.downloader.snapshot().into_iter().map(|transfer| transfer.id).collect()),
        }
    }

    fn known(&self, number: TransferNumber) -> Result<TransferId, Failure> {
        let id = TransferId(number);
        let known = self.downloader.snapshot().iter().any(|transfer| transfer.id == id);
        if known { Ok(id) } else { Err(Failure::NoSuchTransfer { number }) }
    }
}

async fn place_of(request: &DownloadRequest, folder: PathBuf) -> Result<Place, Failure> {
    let local = request.local_path.clone();
    let place = tokio::task::spawn_blocking(move || Place::find(local.as_ref(), folder)).await;
    place
        .unwrap_or_else(|_panic| Err(Failure::Internal { what: "looking at the target".into(), why: "a panic".into() }))
}

/// What the app is told by the word of a transfer; `None` where it has been told the same.
pub(super) fn told_by(event: TransferEvent) -> Option<NodeEvent> {
    Some(match event {
        TransferEvent::Changed(state) => NodeEvent::Transfer(transfer_of(state)),
        TransferEvent::FileFinished { id, target, size, hash } => {
            NodeEvent::Downloaded { number: id.0, local_path: target, size, hash }
        }
        TransferEvent::FileFailed { id, remote, error } => {
            let remote_path = remote.to_string();
            let failure = file_failed(error, &remote_path);
            NodeEvent::FileFailed { number: id.0, remote_path, failure }
        }
        TransferEvent::Gone(direction, id) => {
            NodeEvent::TransferGone { direction: direction_of(direction), number: id.0 }
        }
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

fn new_download(
    user: Username,
    place: Place,
    found: Found,
    overwrite: bool,
) -> Result<(NewDownload, Vec<Refused>), Failure> {
    match found {
        Found::File(file) => {
            let (into, name) = match place {
                Place::As(into, name) => (into, TargetName::Typed(name)),
                Place::Into(into) => (into, TargetName::Below(vec![local_name(file.path.file_name())?])),
            };
            let label = file.path.to_string();
            let files = vec![NewFile { content: content_of(&user, &file)?, remote: file.path, name }];
            Ok((NewDownload { user, label, is_folder: false, into, overwrite, files }, Vec::new()))
        }
        Found::Folder { path, files } => {
            let (into, top) = match place {
                Place::Into(into) => (into, local_name(path.file_name())?),
                Place::As(into, name) => (into, local_name(&name.to_string_lossy())?),
            };
            let mut wanted = Vec::with_capacity(files.len());
            let mut refused = Vec::new();
            for file in files {
                match folder_file(&user, &path, &top, file) {
                    Ok(file) => wanted.push(file),
                    Err(why) => refused.push(why),
                }
            }
            if wanted.is_empty() {
                let first = refused.into_iter().next().map(|(_, why)| why);
                return Err(first.unwrap_or(Failure::NotShared { user: user.to_string(), path: path.to_string() }));
            }
            let label = format!("{path}/");
            Ok((NewDownload { user, label, is_folder: true, into, overwrite, files: wanted }, refused))
        }
    }
}

fn folder_file(user: &Username, folder: &SharePath, top: &LocalName, file: FileLine) -> Result<NewFile, Refused> {
    let refuse = |why| (file.path.to_string(), why);
    let below = file.path.below(folder.as_str()).unwrap_or(file.path.as_str());
    let mut names = vec![top.clone()];
    for part in below.split('/') {
        names.push(local_name(part).map_err(refuse)?);
    }
    let content = content_of(user, &file).map_err(refuse)?;
    Ok(NewFile { content, remote: file.path, name: TargetName::Below(names) })
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

fn file_failed(error: FileError, path: &str) -> Failure {
    let path = path.to_owned();
    match error {
        FileError::Exists => Failure::Exists { path },
        FileError::Changed => Failure::Changed { path },
        FileError::NotShared => {
            Failure::Refused { code: Code::NotShared.into(), text: format!("'{path}' is not shared any more") }
        }
        other => Failure::Internal { what: format!("downloading '{path}'"), why: other.to_string() },
    }
}

fn direction_of(direction: status::Direction) -> event::Direction {
    match direction {
        status::Direction::Download => event::Direction::Download,
        status::Direction::Upload => event::Direction::Upload,
    }
}

fn transfer_of(state: TransferState) -> Transfer {
    let label = state.label;
    Transfer {
        number: state.id.0,
        direction: direction_of(state.direction),
        position: state.position,
        user: state.user,
        local_path: state.target,
        files: state.files,
        files_done: state.files_done,
        total_bytes: state.total_bytes,
        done_bytes: state.done_bytes,
        bytes_per_second: state.bytes_per_second,
        sources: state.sources,
        state: match state.state {
            State::Queued => event::TransferState::Queued,
            State::Looking => event::TransferState::WaitingForUser,
            State::Connecting => event::TransferState::Connecting,
            State::WaitingForSlot(place) => event::TransferState::WaitingForSlot { place },
            State::Verifying => event::TransferState::Checking,
            State::Running => event::TransferState::Running,
            State::Paused => event::TransferState::Paused,
            State::DiskFull => event::TransferState::DiskFull,
            State::Finished => event::TransferState::Finished,
            State::Failed(error) => event::TransferState::Failed(file_failed(error, &label)),
        },
        label,
    }
}
