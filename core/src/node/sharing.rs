//! Sharing and unsharing, and what the library says by itself.

use std::time::Duration;

use tokio::time::timeout;

use crate::disk::place::shared::ReadFault;
use crate::library::collision::Collision;
use crate::library::root::RootId;
use crate::library::typed::ShareOrLocalPath;
use crate::model::share::Share;
use crate::model::share_path::SharePath;
use crate::model::shown_path::usual_path;
use crate::node::event::{NodeEvent, Outcome};
use crate::node::failure::Failure;
use crate::node::main_loop::NodeTask;
use crate::node::not_shareable::NotShareable;
use crate::node::outbox::Outbox;
use crate::node::tracker_session::{SessionView, ask_failed};
use crate::node::warning::Warning;
use crate::node::work::FailedWork;
use crate::protocol::code::Code;
use crate::service::share_indexer::event::{self, LibraryEvent};
use crate::service::share_indexer::{ShareError, ShareExtent, ShareIndexer, ShareRequest, Unshared};
use crate::service::tracker_client::{AskError, TrackerClient};

/// Whoever stops sharing waits so long for the tracker to know of it. Nobody can fetch it any more, whatever the tracker says.
const WITHDRAWN_MAX: Duration = Duration::from_secs(3);
/// Most places of a page of what was stopped.
const STOPPED_PER_PAGE_MAX: usize = 1000;

/// Says what would be shared.
pub(super) async fn preview(share_indexer: ShareIndexer, requests: Vec<ShareRequest>) -> Result<Outcome, Failure> {
    share_indexer.preview(requests).await.map(Outcome::SharePreview).map_err(share_failed)
}

/// Looks at what is shared, which may take a moment where much is.
pub(super) async fn look(look: impl FnOnce() -> Outcome + Send + 'static) -> Result<Outcome, Failure> {
    tokio::task::spawn_blocking(look).await.map_err(|_ended| Failure::Cancelled)
}

/// A page of what was stopped.
pub(super) fn stopped(
    share_indexer: &ShareIndexer,
    root: Option<RootId>,
    after: Option<&(RootId, SharePath)>,
) -> Outcome {
    let places = share_indexer.stopped(root, after, STOPPED_PER_PAGE_MAX);
    let last = places.last().filter(|_| places.len() == STOPPED_PER_PAGE_MAX);
    let more = last.map(|last| (last.root, last.place.clone()));
    Outcome::Stopped { places, more }
}

/// Shares files and folders, and waits until the tracker knows of them.
pub(super) async fn share(
    share_indexer: ShareIndexer,
    session: SessionView,
    requests: Vec<ShareRequest>,
    extent: ShareExtent,
) -> Result<Outcome, Failure> {
    let shared = share_indexer.share_to_extent(requests, extent).await.map_err(share_failed)?;
    // The same change comes as an event too; the announcer tells each thing once. Here it is waited for.
    announce(&session, shared.clone(), Vec::new()).await?;
    Ok(Outcome::Shared(shared))
}

/// Shares again what was stopped, and waits until the tracker knows of it.
pub(super) async fn share_again(
    share_indexer: ShareIndexer,
    session: SessionView,
    paths: Vec<ShareOrLocalPath>,
) -> Result<Outcome, Failure> {
    let shared = share_indexer.share_again(paths).await.map_err(share_failed)?;
    announce(&session, shared.clone(), Vec::new()).await?;
    Ok(Outcome::Shared(shared))
}

/// Stops sharing, and waits a moment for the tracker to know of it: one that says nothing is told when it listens. Says so if
/// what comes into the same folders later is shared.
pub(super) async fn unshare(
    share_indexer: ShareIndexer,
    session: SessionView,
    outbox: Outbox,
    paths: Vec<ShareOrLocalPath>,
) -> Result<Outcome, Failure> {
    let unshared = share_indexer.unshare(paths).await.map_err(share_failed)?;
    let paths = told_open(unshared, &outbox);
    withdraw(&session, &outbox, paths.clone()).await?;
    Ok(Outcome::Unshared(paths))
}

/// Carries out several commands to stop sharing: the disk and the tracker are waited for once, for all of them.
pub(super) async fn unshare_each(
    share_indexer: ShareIndexer,
    session: SessionView,
    outbox: Outbox,
    commands: Vec<Vec<ShareOrLocalPath>>,
) -> Result<Outcome, Failure> {
    let each = share_indexer.unshare_each(commands).await.map_err(share_failed)?;
    let each: Vec<Result<Vec<SharePath>, Failure>> = each
        .into_iter()
        .map(|unshared| unshared.map(|unshared| told_open(unshared, &outbox)).map_err(share_failed))
        .collect();
    let all = each.iter().flatten().flatten().cloned().collect();
    let withdrawn = withdraw(&session, &outbox, all).await;
    Ok(Outcome::UnsharedEach(
        each.into_iter().map(|paths| paths.and_then(|paths| withdrawn.clone().map(|()| paths))).collect(),
    ))
}

/// The paths, after it was said which folders are open still.
fn told_open(Unshared { paths, open_folders }: Unshared, outbox: &Outbox) -> Vec<SharePath> {
    if let Some((folder, others)) = open_folders.split_first() {
        outbox.push(NodeEvent::Warning(Warning::FolderStillShared { folder: folder.clone(), more: others.len() }));
    }
    paths
}

async fn withdraw(session: &SessionView, outbox: &Outbox, paths: Vec<SharePath>) -> Result<(), Failure> {
    // The same change comes as an event too, so nothing is lost by not waiting.
    let Ok(told) = timeout(WITHDRAWN_MAX, announce(session, Vec::new(), paths)).await else {
        outbox.push(NodeEvent::Warning(Warning::StillListed));
        return Ok(());
    };
    told
}

/// Announces what is shared under another share path.
pub(super) async fn rename_share(
    share_indexer: ShareIndexer,
    session: SessionView,
    from: SharePath,
    to: SharePath,
) -> Result<Outcome, Failure> {
    let (added, removed) = share_indexer.rename(from, to).await.map_err(share_failed)?;
    announce(&session, added.clone(), removed).await?;
    Ok(Outcome::Shared(added))
}

/// Without a tracker there is nobody to tell.
async fn announce(session: &SessionView, added: Vec<Share>, removed: Vec<SharePath>) -> Result<(), Failure> {
    let Ok(client) = session.client() else { return Ok(()) };
    let first = added.first().map(|share| share.path.clone());
    client.announce(added, removed).await.map_err(|error| announce_failed(&client, first.as_ref(), error))
}

/// What a tracker has no room for is shared all the same.
fn announce_failed(client: &TrackerClient, first: Option<&SharePath>, error: AskError) -> Failure {
    match (ask_failed(client, error), first) {
        (Failure::Refused { code, text }, Some(path)) if code == Code::Limit => {
            Failure::NotListed { path: path.to_string(), why: text }
        }
        (failure, _) => failure,
    }
}

/// Tells the tracker, and then the app, what has changed by itself.
async fn announce_change(client: Option<TrackerClient>, outbox: Outbox, added: Vec<Share>, removed: Vec<SharePath>) {
    if let Some(client) = client
        // What a tracker refuses of it, it refuses again at the next session; the person is told.
        && let Err(error) = client.announce(added.clone(), removed.clone()).await
    {
        let why = announce_failed(&client, added.first().map(|share| &share.path), error);
        outbox.push(NodeEvent::Warning(Warning::NotAnnounced { why }));
    }
    outbox.push(NodeEvent::SharesChanged { added, removed });
}

impl NodeTask {
    /// Passes on what the library says.
    pub(super) fn hear_library(&mut self, event: LibraryEvent) {
        match event {
            LibraryEvent::Changed { added, removed } => {
                self.is_announcing = true;
                let (client, outbox) = (self.session.client().ok(), self.outbox.clone());
                self.children.announce(announce_change(client, outbox, added, removed));
            }
            LibraryEvent::Progress(progress) => {
                self.files_to_hash = progress.files_left;
                self.outbox.push(NodeEvent::Hashing {
                    done_bytes: progress.hashed_bytes,
                    total_bytes: progress.total_bytes,
                    files_left: progress.files_left,
                });
            }
            LibraryEvent::Skipped { files, reasons, .. } => {
                for (reason, count) in reasons {
                    let Some(first) = files.iter().find(|file| file.why.reason() == reason) else { continue };
                    self.outbox.push(NodeEvent::Skipped {
                        path: first.path.clone(),
                        why: first.why.clone(),
                        more: count.saturating_sub(1),
                    });
                }
            }
            LibraryEvent::Warning { root: folder, warning } => self.warn(match warning {
                event::ShareWarning::WholeDisk => Warning::WholeDisk { folder },
                event::ShareWarning::WholeHome => Warning::WholeHome { folder },
                event::ShareWarning::OtherFileSystem => Warning::OtherFileSystem { folder },
            }),
            LibraryEvent::EmptyFolders { root: folder, count } => self.warn(Warning::EmptyFolders { folder, count }),
            LibraryEvent::Missing { root: path } => self.warn(Warning::Missing { path }),
            LibraryEvent::Back { root: path } => self.warn(Warning::Back { path }),
            LibraryEvent::WatchHealth { folder, problem: Some(why) } => self.warn(Warning::NotWatched { folder, why }),
            LibraryEvent::WatchHealth { problem: None, .. } => {}
        }
    }

    fn warn(&self, warning: Warning) {
        self.outbox.push(NodeEvent::Warning(warning));
    }
}

fn share_failed(error: ShareError) -> Failure {
    match error {
        ShareError::Unreadable { typed: path, why: ReadFault::Gone } => Failure::NoSuchFile { path },
        ShareError::Unreadable { typed: path, why: ReadFault::Denied } => Failure::Denied { path },
        ShareError::Unreadable { typed: path, why } => Failure::NotShareable { path, why: not_shareable(why) },
        ShareError::BadName { typed: path, why } => Failure::NotShareable { path, why: NotShareable::BadName(why) },
        ShareError::NotUnicode { typed: path } => Failure::NotShareable { path, why: NotShareable::NotUnicode },
        ShareError::Changing { typed: path } => Failure::NotShareable { path, why: NotShareable::Changing },
        ShareError::Collision(Collision { path, first, second }) => {
            let usual = |local: String| usual_path(local.as_ref()).into_owned();
            Failure::PathTaken { first: usual(first), second: usual(second), path: path.to_string() }
        }
        ShareError::TooMany { typed: path, new_files, room, max } => {
            Failure::TooManyShares { path, new_files, room, max }
        }
        ShareError::NotStopped { item: path } => Failure::NotStopped { path },
        ShareError::NotShared { item: path } => Failure::NotYours { path },
        ShareError::Unfinished { typed: path } => Failure::NotShareable { path, why: NotShareable::Unfinished },
        ShareError::DataFolder(why) => {
            Failure::Internal { what: FailedWork::OpeningDataFolder, why: why.to_string().into() }
        }
        ShareError::Save(why) => Failure::Internal { what: FailedWork::SavingShares, why: why.to_string().into() },
        ShareError::Stopped => Failure::Cancelled,
    }
}

fn not_shareable(why: ReadFault) -> NotShareable {
    match why {
        ReadFault::NotRegular => NotShareable::NotRegular,
        ReadFault::Own => NotShareable::Own,
        ReadFault::NoSize => NotShareable::NoSize,
        ReadFault::Gone | ReadFault::Denied | ReadFault::Io(_) => NotShareable::Told(why.to_string()),
    }
}
