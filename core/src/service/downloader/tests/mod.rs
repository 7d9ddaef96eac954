//! Downloads on loopback with real TLS, real files, and peers that are honest or not.

mod flights;
mod honest;
mod hostile;
mod last_word;
mod meeting;
mod metered;
mod trouble;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::engine::NEWS_EVERY;
use super::files::{Disk, RealDisk};
use super::{
    AddError, BoxFuture, DifferingFiles, Directory, DownloadSettings, Downloader, DownloaderSetup, Introduction,
    NewDownload, NoIntroduction,
};
use crate::disk::place::place_error::PlaceError;
use crate::disk::place::target::{Part, TargetDir};
use crate::model::existing::Existing;
use crate::model::hash::ContentHash;
use crate::model::local_name::LocalName;
use crate::model::relaying::NoRelay;
use crate::model::share_path::SharePath;
use crate::model::ticket::EncounterTicket;
use crate::model::transfer::{AlreadyThere, Transfer, TransferError, TransferId, TransferSelection, TransferState};
use crate::model::username::Username;
use crate::net::identity::Identity;
use crate::net::tls::{Encrypted, Purpose, TlsClient, TlsServer};
use crate::protocol::peer::{Answer, PeerRefusal, REQUEST_BYTES, Request};
use crate::protocol::reached;
use crate::service::arrivals::{self, Arrivals};
use crate::service::peer_server::UploadSettings;
use crate::service::testing::{MemoryContent, Server, bytes, content_of, list_of, serve, serve_as, user};
use crate::service::transfer_numbers::TransferNumbers;
use crate::store::Store;
use crate::store::downloads::{TargetName, WantedFile};
use crate::transfer::Contact;
use crate::transfer::downloads::{Announced, FoundUser};
use crate::transfer::event::TransferEvent;

const LONG: Duration = Duration::from_secs(180);

/// A tracker that the test fills.
#[derive(Default)]
struct Book {
    contacts: Mutex<HashMap<Username, Contact>>,
    sources: Mutex<HashMap<ContentHash, Vec<Contact>>>,
    /// By path, whoever shares it.
    announced: Mutex<HashMap<SharePath, Announced>>,
    /// Where those come whom it has asked to dial, and what they show.
    meets: Option<(Arc<Arrivals>, EncounterTicket)>,
    /// So many times it is asked too soon.
    introductions_too_soon: usize,
    introductions_asked: AtomicUsize,
    finds_asked: AtomicUsize,
    version: watch::Sender<u64>,
}

impl Book {
    fn of(contacts: &[&Contact]) -> Arc<Self> {
        let book = Self::default();
        for contact in contacts {
            book.contacts.lock().insert(contact.username.clone(), (*contact).clone());
        }
        Arc::new(book)
    }

    fn sources(&self, data: &[u8], contacts: &[&Contact]) {
        let contacts = contacts.iter().map(|contact| (*contact).clone()).collect();
        self.sources.lock().insert(content_of(data).hash, contacts);
    }

    fn is_now(&self, contact: &Contact) {
        self.contacts.lock().insert(contact.username.clone(), contact.clone());
        self.version.send_modify(|version| *version += 1);
    }

    fn left(&self, user: &Username) {
        self.contacts.lock().remove(user);
        self.version.send_modify(|version| *version += 1);
    }
}

impl Directory for Book {
    fn find(&self, user: &Username) -> FoundUser {
        self.finds_asked.fetch_add(1, Ordering::Relaxed);
        self.contacts.lock().get(user).cloned().map_or(FoundUser::Away, FoundUser::Here)
    }

    fn introduce(&self, _user: &Username) -> BoxFuture<'_, Result<Introduction, NoIntroduction>> {
        let asked = self.introductions_asked.fetch_add(1, Ordering::Relaxed);
        if asked < self.introductions_too_soon {
            return Box::pin(std::future::ready(Err(NoIntroduction::TooSoon)));
        }
        let met = self.meets.as_ref().map(|(_, ticket)| Introduction {
            ticket: *ticket,
            addresses: Vec::new(),
            meeting: None,
            are_dialled: false,
            relay: crate::model::relaying::RelayOffer::Off,
            relay_place: None,
        });
        Box::pin(std::future::ready(met.ok_or(NoIntroduction::Impossible)))
    }

    fn sources(&self, hash: ContentHash) -> BoxFuture<'_, Vec<Contact>> {
        let found = self.sources.lock().get(&hash).cloned().unwrap_or_default();
        Box::pin(std::future::ready(found))
    }

    fn announced(&self, _: Username, path: SharePath) -> BoxFuture<'_, Announced> {
        let announced = self.announced.lock().get(&path).copied().unwrap_or(Announced::Nothing);
        Box::pin(std::future::ready(announced))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

/// A running downloader with its folders.
struct Fetching {
    downloader: Downloader,
    events: mpsc::Receiver<TransferEvent>,
    task: JoinHandle<()>,
    cancel: CancellationToken,
    settings: watch::Sender<DownloadSettings>,
    home: tempfile::TempDir,
}

async fn fetch(book: &Arc<Book>) -> Fetching {
    fetch_in(tempfile::tempdir().expect("folder"), book, Arc::new(RealDisk)).await
}

async fn fetch_in(home: tempfile::TempDir, book: &Arc<Book>, disk: Arc<dyn Disk>) -> Fetching {
    std::fs::create_dir_all(home.path().join("into")).expect("folder");
    let store = Store::open(&home.path().join("potok.redb")).expect("opens").store;
    let settings = watch::Sender::new(DownloadSettings::default());
    let setup = DownloaderSetup {
        numbers: Arc::new(TransferNumbers::after(&store).expect("read")),
        store: Arc::new(store),
        tls: TlsClient::new(&Identity::generate(), Purpose::Peer),
        arrivals: book.meets.as_ref().map(|(arrivals, _)| Arc::clone(arrivals)).unwrap_or_default(),
        outgoing: watch::Sender::default().subscribe(),
        directory: book.clone(),
        settings: settings.subscribe(),
        disk,
    };
    let (sender, events) = mpsc::channel(4096);
    let cancel = CancellationToken::new();
    let (downloader, task) = Downloader::start(setup, sender, cancel.clone()).await.expect("starts");
    Fetching { downloader, events, task, cancel, settings, home }
}

impl Fetching {
    fn folder(&self) -> PathBuf {
        self.home.path().join("into")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn wanted(&self, from: &Contact, files: &[(&str, &[u8])]) -> NewDownload {
        let file = |(name, data): &(&str, &[u8])| WantedFile {
            remote: SharePath::new(name).expect("valid"),
            content: content_of(data),
            name: TargetName::Below(name.split('/').map(|part| LocalName::new(part).expect("harmless")).collect()),
        };
        NewDownload {
            user: from.username.clone(),
            label: files[0].0.to_owned(),
            is_folder: files.len() > 1,
            into: self.folder(),
            existing: Existing::Refuse,
            files: files.iter().map(file).collect(),
        }
    }

    async fn add(&self, from: &Contact, files: &[(&str, &[u8])]) -> TransferId {
        self.downloader.add(self.wanted(from, files)).await.expect("added")
    }

    /// Everything that is told until this download is over.
    async fn over(&mut self, id: TransferId) -> Vec<TransferEvent> {
        self.until(|event| {
            matches!(event, TransferEvent::Changed(state) if state.number == id
                && matches!(state.state, TransferState::Finished | TransferState::Failed(_)))
        })
        .await
    }

    async fn until(&mut self, is_last: impl Fn(&TransferEvent) -> bool) -> Vec<TransferEvent> {
        let mut heard = Vec::new();
        let hear = async {
            while let Some(event) = self.events.recv().await {
                let is_last = is_last(&event);
                heard.push(event);
                if is_last {
                    return;
                }
            }
        };
        if timeout(LONG, hear).await.is_err() {
            panic!("not in time: {:?}", heard.iter().rev().take(20).collect::<Vec<_>>());
        }
        heard
    }

    async fn until_state(&mut self, id: TransferId, is_meant: impl Fn(&Transfer) -> bool) -> Transfer {
        let events = self
            .until(|event| matches!(event, TransferEvent::Changed(state) if state.number == id && is_meant(state)))
            .await;
        let Some(TransferEvent::Changed(state)) = events.last() else { panic!("{events:?}") };
        state.clone()
    }

    fn state(&self, id: TransferId) -> TransferState {
        let all = self.downloader.snapshot();
        all.into_iter().find(|state| state.number == id).expect("listed").state
    }

    fn listing(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder())
            .expect("lists")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    async fn stop(self) -> tempfile::TempDir {
        self.cancel.cancel();
        timeout(Duration::from_secs(2), self.task).await.expect("stops in time").expect("no panic");
        self.home
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn failures(events: &[TransferEvent]) -> Vec<&TransferError> {
    let failed = events.iter().filter_map(|event| match event {
        TransferEvent::FileFailed { error, .. } => Some(error),
        _ => None,
    });
    failed.collect()
}

async fn honest(files: &[Vec<u8>]) -> Server {
    serve("anna", MemoryContent::with(files), UploadSettings::default()).await
}

const BLOCK: usize = 256 * 1024;
