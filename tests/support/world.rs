//! A tracker and people around it in this process, over real sockets, and what is promised of each of them: whatever
//! somebody else does, a good client is served within a second.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use potok_core::library::typed::{LocalPath, RemotePath};
use potok_core::model::invite::{HostPort, TrackerAddress};
use potok_core::model::key::PublicKey;
use potok_core::model::or_empty::OrEmpty;
use potok_core::model::transfer::{TransferError, TransferId};
use potok_core::model::username::Username;
use potok_core::net::identity::Identity;
use potok_core::net::local;
use potok_core::node::event::{NodeEvent, Outcome, TrackerConnection, TransferState};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{DownloadRequest, Existing, Intent, IntentId, ShareRequest, UnsafeNames};
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};
use potok_core::protocol::reply::FileLine;
use potok_core::service::tracker_server::{self, TrackerHandle};
use potok_core::store::Store;
use potok_core::tracker::mesh::ListedTracker;
use potok_core::tracker::settings::TrackerSettings;
use tokio_util::sync::CancellationToken;

use crate::program::PATIENCE;

/// What a good client may wait for its answer while others do their worst.
pub const PROMISED: Duration = Duration::from_secs(1);
/// How often the promise is tried: the machine may be busy with something else than us.
const TRIES: usize = 6;

/// A tracker whose records outlive it.
#[derive(Debug)]
pub struct TestTracker {
    /// It runs.
    pub handle: TrackerHandle,
    identity: Arc<Identity>,
    settings: TrackerSettings,
    store: Arc<Store>,
    dir: tempfile::TempDir,
}

impl TestTracker {
    /// Starts one on loopback.
    pub async fn start(settings: TrackerSettings) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let store = Arc::new(Store::open(&dir.path().join("tracker.redb")).expect("opens").store);
        let identity = Arc::new(Identity::generate());
        let handle = run(&settings, &identity, &store, 0).await;
        Self { handle, identity, settings, store, dir }
    }

    /// Starts several that are one network: with one identity, linked to each other.
    pub async fn start_linked(count: usize) -> Vec<Self> {
        let identity = Arc::new(Identity::generate());
        let mut all = Vec::new();
        for _ in 0..count {
            let dir = tempfile::tempdir().expect("temporary folder");
            let store = Arc::new(Store::open(&dir.path().join("tracker.redb")).expect("opens").store);
            let mesh = OrEmpty(Some(([127, 0, 0, 1], 0).into()));
            let settings = TrackerSettings { mesh, ..TrackerSettings::default() };
            let handle = run(&settings, &identity, &store, 0).await;
            all.push(Self { handle, identity: Arc::clone(&identity), settings, store, dir });
        }
        let mut listed = Vec::new();
        for tracker in &all {
            listed.push(ListedTracker { at: tracker.mesh().await, key: tracker.handle.key() });
        }
        for tracker in &all {
            tracker.handle.set_trackers(listed.clone()).await;
        }
        all
    }

    /// Where other trackers link to it.
    pub async fn mesh(&self) -> SocketAddr {
        self.handle.mesh_address().await.expect("it is one of several")
    }

    /// What it proves.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The same one anew, at the same address, with what it had on its disk.
    pub async fn restart(self) -> Self {
        let Self { handle, identity, settings, store, dir } = self;
        let port = handle.address().port();
        handle.stop();
        handle.join().await;
        let handle = run(&settings, &identity, &store, port).await;
        Self { handle, identity, settings, store, dir }
    }

    /// Who owns each name, as it is on disk.
    pub fn bindings(&self) -> Vec<(String, PublicKey)> {
        let bindings = self.store.bindings().expect("read");
        bindings.into_iter().map(|binding| (binding.username.to_string(), binding.key)).collect()
    }

    /// Where it is and whom to expect there.
    pub fn address(&self) -> TrackerAddress {
        let at = self.handle.address();
        let address = HostPort::new(&at.ip().to_string(), at.port()).expect("an address");
        TrackerAddress { address: address.into(), key: Some(self.handle.key()), token: None }
    }
}

async fn run(settings: &TrackerSettings, identity: &Identity, store: &Arc<Store>, port: u16) -> TrackerHandle {
    let listener = local::listen(([127, 0, 0, 1], port).into()).expect("listens");
    let started = tracker_server::start(listener, settings.clone(), identity, store.clone(), CancellationToken::new());
    started.await.expect("starts")
}

/// Tries something until it is done within the promised time; a machine that is busy gets a few tries.
pub async fn promised<F: Future<Output = ()>>(what: &str, mut attempt: impl FnMut() -> F) {
    let mut took = Vec::new();
    for _ in 0..TRIES {
        let begun = Instant::now();
        tokio::time::timeout(PATIENCE, attempt()).await.unwrap_or_else(|_| panic!("{what}: nobody is served"));
        if begun.elapsed() <= PROMISED {
            return;
        }
        took.push(begun.elapsed());
    }
    panic!("{what}: a good client waited {took:?}");
}

/// A whole client, as the window and the console have it.
#[derive(Debug)]
pub struct Person {
    node: Option<Node>,
    heard: Arc<Heard>,
    home: tempfile::TempDir,
}

#[derive(Debug, Default)]
struct Heard {
    log: Mutex<Log>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Log {
    outcomes: Vec<(IntentId, Result<Outcome, Failure>)>,
    files: Vec<(IntentId, Vec<FileLine>)>,
    connection: Option<TrackerConnection>,
    over: Vec<(TransferId, Option<TransferError>)>,
    liars: Vec<String>,
    notices: u64,
}

impl Person {
    /// Starts a client that has not joined anything.
    pub fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    /// The same with other settings.
    pub fn with(name: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let home = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(home.path().join("files")).expect("folder");
        let mut settings = Settings {
            name: Some(Username::new(name).expect(name)),
            listen: "127.0.0.1:0".parse().expect("an address"),
            local_discovery: false,
            ..Settings::default()
        };
        settings.download_folder = home.path().join("downloads");
        change(&mut settings);
        let data_dir = home.path().join("data");
        let setup = Setup { data_dir, settings, download_folder: None, host_tracker: None, metering: None };
        let node = Node::start(setup, Arc::new(|| {})).expect("starts");
        let heard = Arc::new(Heard::default());
        let (notices, hearing) = (node.notices().clone(), heard.clone());
        std::thread::spawn(move || {
            for notice in notices {
                hearing.note(notice);
            }
        });
        Self { node: Some(node), heard, home }
    }

    /// Where their own files are.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("files").join(name)
    }

    /// Everything of theirs: files, downloads, data.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where downloads go.
    pub fn downloads(&self) -> PathBuf {
        self.home.path().join("downloads")
    }

    /// Writes a file of theirs.
    pub fn write(&self, name: &str, data: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("folder");
        std::fs::write(&path, data).expect("written");
        path
    }

    /// Sends a wish and goes on.
    pub fn begin(&self, intent: Intent) -> IntentId {
        self.node.as_ref().expect("runs").ask(intent)
    }

    /// The outcome of a wish, if it comes in this time.
    pub fn outcome(&self, id: IntentId, within: Duration) -> Option<Result<Outcome, Failure>> {
        self.heard.wait(within, |log| {
            let at = log.outcomes.iter().position(|(of, _)| *of == id)?;
            Some(log.outcomes.swap_remove(at).1)
        })
    }

    /// A wish and its outcome, which must come.
    pub fn ask(&self, intent: Intent) -> Result<Outcome, Failure> {
        let text = format!("{intent:?}");
        let id = self.begin(intent);
        self.outcome(id, PATIENCE).unwrap_or_else(|| panic!("no outcome: {text}"))
    }

    /// Joins a tracker; it must work.
    pub fn join(&self, tracker: &TrackerAddress) {
        self.ask(Intent::Join(tracker.clone())).expect("joins");
    }

    /// Shares a file or folder.
    pub fn share(&self, path: &Path) -> Result<Outcome, Failure> {
        let typed = path.to_str().expect("text").to_owned();
        self.ask(Intent::Share(vec![ShareRequest { typed, cwd: self.home.path().into(), share_as: None }]))
    }

    /// Begins a download into a file of this name; the number of the transfer.
    pub fn download(&self, user: &str, remote_path: &str, local: &str) -> Result<TransferId, Failure> {
        let request = DownloadRequest {
            user: Username::new(user).expect(user),
            remote_path: RemotePath::new(remote_path).expect(remote_path),
            local_path: Some(LocalPath::new(self.path(local).to_str().expect("text"), self.home.path())),
            existing: Existing::Refuse,
            unsafe_names: UnsafeNames::LeaveOut,
            wait: false,
        };
        match self.ask(Intent::Download(request))? {
            Outcome::Queued(number) => Ok(number),
            other => panic!("{other:?}"),
        }
    }

    /// How a transfer ended, if it does in this time: `Ok(None)` is finished.
    pub fn over(&self, number: TransferId, within: Duration) -> Option<Option<TransferError>> {
        self.heard.wait(within, |log| log.over.iter().find(|(of, _)| *of == number).map(|(_, how)| how.clone()))
    }

    /// What they were listed by this question.
    pub fn files(&self, id: IntentId) -> Vec<FileLine> {
        let log = self.heard.log.lock();
        log.files.iter().filter(|(of, _)| *of == id).flat_map(|(_, files)| files.clone()).collect()
    }

    /// Where they stand with their tracker.
    pub fn connection(&self) -> Option<TrackerConnection> {
        self.heard.log.lock().connection.clone()
    }

    /// Who was found to lie.
    pub fn liars(&self) -> Vec<String> {
        self.heard.log.lock().liars.clone()
    }

    /// Everything that was told so far.
    pub fn notices(&self) -> u64 {
        self.heard.log.lock().notices
    }

    /// Ends it in order.
    pub fn stop(mut self) -> tempfile::TempDir {
        self.node.take().expect("runs").stop();
        std::mem::replace(&mut self.home, tempfile::tempdir().expect("temporary folder"))
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop();
        }
    }
}

impl Heard {
    fn note(&self, notice: NodeEvent) {
        let mut log = self.log.lock();
        log.notices += 1;
        match notice {
            NodeEvent::Outcome { id, result } => log.outcomes.push((id, result)),
            NodeEvent::Files { id, files } => log.files.push((id, files)),
            NodeEvent::Connection(connection) => log.connection = Some(connection),
            NodeEvent::PeerLied { user } => log.liars.push(user.to_string()),
            NodeEvent::Transfer(transfer) => match transfer.state {
                TransferState::Finished => log.over.push((transfer.number, None)),
                TransferState::Failed(why) => log.over.push((transfer.number, Some(why))),
                _ => {}
            },
            _ => {}
        }
        self.news.notify_all();
    }

    fn wait<T>(&self, within: Duration, mut look: impl FnMut(&mut Log) -> Option<T>) -> Option<T> {
        let until = Instant::now() + within;
        let mut log = self.log.lock();
        loop {
            if let Some(found) = look(&mut log) {
                return Some(found);
            }
            if self.news.wait_until(&mut log, until).timed_out() {
                return look(&mut log);
            }
        }
    }
}

/// Bytes that look like nothing else, different for each seed.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(bytes).collect()
}

/// A size that a long run makes larger: `POTOK_HOSTILE=20` is twenty times as much.
pub fn scaled(ordinary: usize) -> usize {
    let factor = std::env::var("POTOK_HOSTILE").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    ordinary * factor
}
