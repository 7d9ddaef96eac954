//! Sharing and unsharing, and what the library says by itself.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::disk::place::shared::ReadFault;
use crate::library::table::Collision;
use crate::node::engine::Engine;
use crate::node::event::{NodeEvent, Outcome};
use crate::node::failure::Failure;
use crate::node::intent::ShareRequest;
use crate::node::tracker_session::ask_failed;
use crate::node::warning::Warning;
use crate::service::share_indexer::event::{self, LibraryEvent};
use crate::service::share_indexer::{self, ShareError};

impl Engine {
    pub(super) async fn share(&self, requests: Vec<ShareRequest>) -> Result<Outcome, Failure> {
        let requests = requests.into_iter().map(|ShareRequest { typed, cwd, share_as }| share_indexer::ShareRequest {
            typed,
            cwd,
            share_as,
        });
        let shared = self.share_indexer.share(requests.collect()).await.map_err(share_failed)?;
        // The same change comes as an event too; the announcer tells each thing once. Here it is waited for.
        if let Ok(client) = self.tracker_session.client() {
            client.announce(shared.clone(), Vec::new()).await.map_err(|error| ask_failed(&client, error))?;
        }
        Ok(Outcome::Shared(shared))
    }

    pub(super) async fn unshare(&self, paths: Vec<String>, cwd: PathBuf) -> Result<Outcome, Failure> {
        let removed = self.share_indexer.unshare(paths, cwd).await.map_err(share_failed)?;
        if let Ok(client) = self.tracker_session.client() {
            client.announce(Vec::new(), removed.clone()).await.map_err(|error| ask_failed(&client, error))?;
        }
        Ok(Outcome::Unshared(removed))
    }

    pub(super) async fn rename_share(&self, from: String, to: String) -> Result<Outcome, Failure> {
        let (added, removed) = self.share_indexer.rename(from, to).await.map_err(share_failed)?;
        if let Ok(client) = self.tracker_session.client() {
            client.announce(added.clone(), removed).await.map_err(|error| ask_failed(&client, error))?;
        }
        Ok(Outcome::Shared(added))
    }

    /// Passes on what the library says, until it ends.
    pub(super) async fn hear_library(self: Arc<Self>, mut heard: mpsc::Receiver<LibraryEvent>) {
        while let Some(event) = heard.recv().await {
            match event {
                LibraryEvent::Changed { added, removed } => {
                    if let Ok(client) = self.tracker_session.client() {
                        // What a tracker refuses of it, it refuses again at the next session; the person is told.
                        if let Err(error) = client.announce(added.clone(), removed.clone()).await {
                            self.warn(Warning::NotAnnounced { why: ask_failed(&client, error) });
                        }
                    }
                    self.outbox.push(NodeEvent::SharesChanged { added, removed });
                }
                LibraryEvent::Progress(progress) => {
                    self.files_to_hash.store(progress.files_left, std::sync::atomic::Ordering::Relaxed);
                    self.outbox.push(NodeEvent::Hashing {
                        done_bytes: progress.hashed_bytes,
                        total_bytes: progress.total_bytes,
                        files_left: progress.files_left,
                    });
                }
                LibraryEvent::Skipped { files, count, .. } => {
                    let more = count.saturating_sub(files.len());
                    for file in files {
                        self.outbox.push(NodeEvent::Skipped { path: file.path, why: file.why.to_string() });
                    }
                    if more > 0 {
                        self.warn(Warning::MoreSkipped { count: more });
                    }
                }
                LibraryEvent::Warning { root: folder, warning } => self.warn(match warning {
                    event::ShareWarning::WholeDisk => Warning::WholeDisk { folder },
                    event::ShareWarning::WholeHome => Warning::WholeHome { folder },
                }),
                LibraryEvent::Missing { root: path } => self.warn(Warning::Missing { path }),
                LibraryEvent::Back { root: path } => self.warn(Warning::Back { path }),
                LibraryEvent::WatchHealth { folder, problem: Some(why) } => {
                    self.warn(Warning::NotWatched { folder, why });
                }
                LibraryEvent::WatchHealth { problem: None, .. } => {}
            }
        }
    }

    fn warn(&self, warning: Warning) {
        self.outbox.push(NodeEvent::Warning(warning));
    }
}

fn share_failed(error: ShareError) -> Failure {
    let why = error.to_string();
    match error {
        ShareError::Unreadable { typed: path, why: ReadFault::Gone } => Failure::NoSuchFile { path },
        ShareError::Unreadable { typed: path, why: ReadFault::Denied } => Failure::Denied { path },
        ShareError::Unreadable { typed: path, why } => Failure::NotShareable { path, why: why.to_string() },
        ShareError::BadName { typed: path, why } => Failure::NotShareable { path, why: why.to_string() },
        ShareError::NotUnicode { typed: path } => Failure::NotShareable { path, why: "its path is not Unicode".into() },
        ShareError::Changing { typed: path } => {
            Failure::NotShareable { path, why: "it is being written to; share it when it is finished".into() }
        }
        ShareError::Collision(Collision { path, first, second }) => {
            Failure::PathTaken { first, second, path: path.to_string() }
        }
        ShareError::TooMany { .. } => Failure::Refused { code: "limit".into(), text: why },
        ShareError::NotShared { item: path } => Failure::NotYours { path },
        ShareError::Unfinished { typed: path } => {
            Failure::NotShareable { path, why: "it is a download that is not finished".into() }
        }
        ShareError::DataFolder(_) => Failure::Internal { what: "sharing".into(), why },
        ShareError::Save(_) => Failure::Internal { what: "saving the list of shares".into(), why },
        ShareError::Stopped => Failure::Cancelled,
    }
}
