//! A share indexer with a folder of its own to work on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::library::typed::ShareOrLocalPath;
use crate::model::hash::ContentHash;
use crate::service::share_indexer::content::{OpenError, ReadError};
use crate::service::share_indexer::event::LibraryEvent;
use crate::service::share_indexer::{ShareError, ShareIndexer, ShareIndexerConfig, ShareRequest};
use crate::store::Store;

/// Generous: a loaded machine is slow, one whose watchers are all in use looks every half minute, and only a failure waits
/// so long.
pub(super) const DEADLINE: Duration = Duration::from_secs(90);

/// A folder with a data folder in it, and a share indexer at work on it.
pub(super) struct Fixture {
    folder: tempfile::TempDir,
    pub(super) cwd: PathBuf,
    store: Option<Arc<Store>>,
    pub(super) share_indexer: ShareIndexer,
    pub(super) events: mpsc::Receiver<LibraryEvent>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::create_dir(folder.path().join("data")).expect("folder");
        Self::start(folder).await
    }

    pub(super) async fn start(folder: tempfile::TempDir) -> Self {
        let cwd = folder.path().canonicalize().expect("resolves");
        let data_dir = cwd.join("data");
        let store = Arc::new(Store::open(&data_dir.join("potok.redb")).expect("opens").store);
        let (sender, events) = mpsc::channel(64);
        let cancel = CancellationToken::new();
        let config = ShareIndexerConfig {
            hash_threads: 2,
            shares_max: 2000,
            ..ShareIndexerConfig::new(Arc::clone(&store), data_dir)
        };
        let (share_indexer, task) = ShareIndexer::start(config, sender, cancel.clone()).expect("starts");
        share_indexer.loaded().await;
        Self { folder, cwd, store: Some(store), share_indexer, events, cancel, task }
    }

    pub(super) async fn stop(self) -> tempfile::TempDir {
        let Self { folder, store, share_indexer, cancel, task, .. } = self;
        cancel.cancel();
        task.await.expect("ends");
        drop((store, share_indexer));
        folder
    }

    /// What is on the disk.
    pub(super) fn store(&self) -> Arc<Store> {
        Arc::clone(self.store.as_ref().expect("is open"))
    }

    pub(super) async fn restart(self) -> Self {
        Self::start(self.stop().await).await
    }

    pub(super) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.cwd.join(name);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("folders");
        std::fs::write(path, contents).expect("writes");
    }

    pub(super) async fn share(&self, typed: &[&str]) -> Result<Vec<String>, ShareError> {
        let request = |typed: &&str| {
            let (typed, share_as) = typed.split_once(" as ").map_or((*typed, None), |(a, b)| (a, Some(b.to_owned())));
            ShareRequest { typed: typed.to_owned(), cwd: self.cwd.clone(), share_as }
        };
        let shares = self.share_indexer.share(typed.iter().map(request).collect()).await?;
        Ok(shares.into_iter().map(|share| share.path.to_string()).collect())
    }

    pub(super) async fn unshare(&self, items: &[&str]) -> Result<Vec<String>, ShareError> {
        let item = |item: &&str| ShareOrLocalPath::new(*item, &self.cwd).expect("not empty");
        let removed = self.share_indexer.unshare(items.iter().map(item).collect()).await?;
        Ok(removed.paths.into_iter().map(|path| path.to_string()).collect())
    }

    pub(super) fn shared(&self) -> Vec<String> {
        self.share_indexer.shares().into_iter().map(|share| share.path.to_string()).collect()
    }

    pub(super) fn hash_of(&self, path: &str) -> ContentHash {
        let shares = self.share_indexer.shares();
        let share = shares.iter().find(|share| share.path.as_str() == path).expect("is shared");
        share.hash.expect("was hashed")
    }

    /// Takes events until one is the right one.
    pub(super) async fn event<T>(&mut self, what: &str, mut is_right: impl FnMut(LibraryEvent) -> Option<T>) -> T {
        let wait = async {
            loop {
                let event = self.events.recv().await.expect("is running");
                if let Some(found) = is_right(event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("no event: {what}"))
    }

    /// Waits until these are announced and nothing else is.
    pub(super) async fn becomes(&mut self, shared: &[&str]) {
        let share_indexer = self.share_indexer.clone();
        let now =
            move || -> Vec<String> { share_indexer.shares().iter().map(|share| share.path.to_string()).collect() };
        if now() != shared {
            let what = format!("{shared:?}");
            self.event(&what, |_| (now() == shared).then_some(())).await;
        }
    }
}

pub(super) fn data(seed: u8, bytes: usize) -> Vec<u8> {
    let mut data = vec![seed; bytes];
    data.iter_mut().step_by(977).enumerate().for_each(|(at, byte)| *byte = at.to_le_bytes()[0] ^ seed);
    data
}

/// Everything of it, as a peer would get it.
pub(super) fn fetch(fixture: &Fixture, hash: ContentHash) -> Result<Vec<u8>, ReadError> {
    let Some(content) = fixture.share_indexer.table().find(hash) else { return Err(ReadError::NotShared) };
    let open = content.open().map_err(|why| match why {
        OpenError::NotShared => ReadError::NotShared,
        OpenError::Changed => ReadError::Changed,
        OpenError::Unreadable => ReadError::Io(std::io::ErrorKind::Other.into()),
    })?;
    let (mut whole, mut buffer) = (Vec::new(), Vec::new());
    for block in 0..open.block_list().geometry().blocks() {
        open.read_block(block, &mut buffer)?;
        whole.extend_from_slice(&buffer);
    }
    assert!(matches!(open.read_block(u32::MAX, &mut buffer), Err(ReadError::NoSuchBlock)));
    assert!(buffer.is_empty());
    Ok(whole)
}
