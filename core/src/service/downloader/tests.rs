//! Downloads on loopback with real TLS, real files, and peers that are honest or not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::files::{Disk, RealDisk};
use super::{AddError, BoxFuture, Directory, DownloadSettings, Downloader, DownloaderSetup, NewDownload, NewFile};
use crate::disk::place::target::{Part, PlaceError, TargetDir};
use crate::model::hash::ContentHash;
use crate::model::local_name::LocalName;
use crate::model::share_path::SharePath;
use crate::model::username::Username;
use crate::net::identity::Identity;
use crate::net::tls::{Encrypted, Purpose, TlsClient, TlsServer};
use crate::protocol::peer::{Answer, REQUEST_BYTES, Request};
use crate::service::peer_server::UploadSettings;
use crate::service::testing::{MemoryShelf, Server, bytes, content_of, list_of, serve, serve_as, user};
use crate::store::Store;
use crate::store::downloads::TargetName;
use crate::transfer::Contact;
use crate::transfer::status::{FileError, State, TransferEvent, TransferId, TransferState};

const LONG: Duration = Duration::from_secs(60);

/// A tracker that the test fills.
#[derive(Default)]
struct Book {
    contacts: Mutex<HashMap<Username, Contact>>,
    sources: Mutex<HashMap<ContentHash, Vec<Contact>>>,
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
    fn contact(&self, user: &Username) -> Option<Contact> {
        self.contacts.lock().get(user).cloned()
    }

    fn sources(&self, hash: ContentHash) -> BoxFuture<'_, Vec<Contact>> {
        let found = self.sources.lock().get(&hash).cloned().unwrap_or_default();
        Box::pin(std::future::ready(found))
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
        store: Arc::new(store),
        tls: TlsClient::new(&Identity::generate(), Purpose::Peer),
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
        let file = |(name, data): &(&str, &[u8])| NewFile {
            remote: SharePath::new(name).expect("valid"),
            content: content_of(data),
            name: TargetName::Below(name.split('/').map(|part| LocalName::new(part).expect("harmless")).collect()),
        };
        NewDownload {
            user: from.username.clone(),
            label: files[0].0.to_owned(),
            is_folder: files.len() > 1,
            into: self.folder(),
            overwrite: false,
            files: files.iter().map(file).collect(),
        }
    }

    async fn add(&self, from: &Contact, files: &[(&str, &[u8])]) -> TransferId {
        self.downloader.add(self.wanted(from, files)).await.expect("added")
    }

    /// Everything that is told until this download is over.
    async fn over(&mut self, id: TransferId) -> Vec<TransferEvent> {
        self.until(|event| {
            matches!(event, TransferEvent::Changed(state) if state.id == id
                && matches!(state.state, State::Finished | State::Failed(_)))
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

    async fn until_state(&mut self, id: TransferId, is_meant: impl Fn(&TransferState) -> bool) -> TransferState {
        let events = self
            .until(|event| matches!(event, TransferEvent::Changed(state) if state.id == id && is_meant(state)))
            .await;
        let Some(TransferEvent::Changed(state)) = events.last() else { panic!("{events:?}") };
        state.clone()
    }

    fn state(&self, id: TransferId) -> State {
        let all = self.downloader.snapshot();
        all.into_iter().find(|state| state.id == id).expect("listed").state
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

fn failures(events: &[TransferEvent]) -> Vec<&FileError> {
    let failed = events.iter().filter_map(|event| match event {
        TransferEvent::FileFailed { error, .. } => Some(error),
        _ => None,
    });
    failed.collect()
}

async fn honest(files: &[Vec<u8>]) -> Server {
    serve("anna", MemoryShelf::with(files), UploadSettings::default()).await
}

const BLOCK: usize = 256 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn files_of_every_size_arrive() {
    let sizes = [0, 1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 40 * BLOCK + 17];
    let files: Vec<Vec<u8>> = sizes.iter().map(|size| bytes(*size, *size)).collect();
    let server = honest(&files).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    for (file, n) in files.iter().zip(0..) {
        let name = format!("{n}.bin");
        let id = fetching.add(&server.contact, &[(&name, file)]).await;
        let events = fetching.over(id).await;
        assert_eq!(fetching.state(id), State::Finished, "{events:?}");
        assert_eq!(read(&fetching.path(&name)), *file);
        assert!(events.contains(&TransferEvent::FileFinished {
            id,
            target: fetching.path(&name),
            size: file.len() as u64,
            hash: content_of(file).hash,
        }));
    }
    assert_eq!(fetching.listing().len(), files.len(), "no unfinished file is left");
    fetching.stop().await;
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_a_thousand_files_arrives() {
    let files: Vec<Vec<u8>> = (0..1000).map(|n| bytes(n, if n % 100 == 0 { 3 * BLOCK + n } else { n * 7 })).collect();
    let server = honest(&files).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let names: Vec<String> = (0..1000).map(|n| format!("Trip/{}/{n}", n % 7)).collect();
    let wanted: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(files.iter().map(Vec::as_slice)).collect();
    let id = fetching.add(&server.contact, &wanted).await;
    let events = fetching.over(id).await;
    assert_eq!(fetching.state(id), State::Finished);
    assert_eq!(events.iter().filter(|event| matches!(event, TransferEvent::FileFinished { .. })).count(), 1000);
    for (name, data) in wanted {
        assert_eq!(read(&fetching.path(name)), data);
    }
    let state = fetching.downloader.snapshot().pop().expect("listed");
    assert_eq!((state.files, state.files_done), (1000, 1000));
    assert_eq!(state.done_bytes, state.total_bytes);
    assert_eq!(state.target, Some(fetching.path("Trip")));
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_joins_what_is_there() {
    let file = bytes(1, 20 * BLOCK);
    let server = honest(std::slice::from_ref(&file)).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let wanted: [(&str, &[u8]); 1] = [("a.bin", &file)];
    let (first, second) = tokio::join!(fetching.add(&server.contact, &wanted), fetching.add(&server.contact, &wanted));
    assert_eq!(first, second);
    let other = bytes(2, 5);
    let taken = fetching.downloader.add(fetching.wanted(&server.contact, &[("a.bin", &other)])).await;
    assert!(matches!(taken, Err(AddError::Taken { .. })), "{taken:?}");
    fetching.over(first).await;
    assert_eq!(fetching.add(&server.contact, &wanted).await, first, "finished, and nobody has said they know");
    fetching.downloader.acknowledge(first).await;
    assert!(fetching.downloader.snapshot().is_empty());
    let exists = fetching.downloader.add(fetching.wanted(&server.contact, &wanted)).await;
    assert!(matches!(exists, Err(AddError::Exists { .. })), "{exists:?}");
    let mut again = fetching.wanted(&server.contact, &wanted);
    again.overwrite = true;
    std::fs::write(fetching.path("a.bin"), "something else").expect("written");
    let id = fetching.downloader.add(again).await.expect("added");
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    let nowhere = NewDownload { into: fetching.path("none"), ..fetching.wanted(&server.contact, &[("b", &file)]) };
    assert!(matches!(fetching.downloader.add(nowhere).await, Err(AddError::Folder { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_way_fails_alone() {
    let files: Vec<Vec<u8>> = [10, 20, 3 * BLOCK].map(|size| bytes(size, size)).to_vec();
    let server = honest(&files).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    std::fs::create_dir(fetching.path("d")).expect("folder");
    std::fs::write(fetching.path("d/b"), "mine").expect("written");
    let wanted: [(&str, &[u8]); 3] = [("d/a", &files[0]), ("d/b", &files[1]), ("d/c", &files[2])];
    let id = fetching.add(&server.contact, &wanted).await;
    let events = fetching.over(id).await;
    assert_eq!(failures(&events), [&FileError::Exists]);
    assert_eq!(fetching.state(id), State::Failed(FileError::Exists));
    assert_eq!(read(&fetching.path("d/b")), b"mine");
    assert_eq!(read(&fetching.path("d/c")), files[2]);

    std::fs::remove_file(fetching.path("d/b")).expect("removed");
    fetching.downloader.retry(id).await;
    fetching.over(id).await;
    assert_eq!(fetching.state(id), State::Finished);
    assert_eq!(read(&fetching.path("d/b")), files[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_moment_costs_little() {
    let file = bytes(1, 200 * BLOCK);
    let shelf = MemoryShelf::with(std::slice::from_ref(&file));
    let slow = UploadSettings { bytes_per_second: 20_000_000, ..UploadSettings::default() };
    let server = serve("anna", shelf.clone(), slow).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    let wanted: [(&str, &[u8]); 1] = [("a.bin", &file)];
    let id = fetching.add(&server.contact, &wanted).await;
    fetching.until_state(id, |state| state.done_bytes > 10_000_000).await;
    // As after a kill: the task is gone in the middle, nothing is written down.
    fetching.task.abort();
    let _killed = (&mut fetching.task).await;
    let Fetching { home, downloader, events, cancel, .. } = fetching;
    drop((downloader, events));
    cancel.cancel();
    let mut fetching = loop {
        // The threads of the first one hold the database until they notice.
        match Store::open(&home.path().join("potok.redb")) {
            Ok(opened) => {
                drop(opened);
                break fetch_in(home, &book, Arc::new(RealDisk)).await;
            }
            Err(_in_use) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    server.settings.send_replace(UploadSettings::default());
    let reads_before = *shelf.reads.lock();
    assert_eq!(fetching.add(&server.contact, &wanted).await, id, "it goes on by itself, and asking joins it");
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    let again = *shelf.reads.lock() - reads_before;
    assert!(again * BLOCK < file.len() - 10_000_000 + 16 * 1024 * 1024, "{again} blocks were fetched after the kill");
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_stops_and_resuming_goes_on() {
    let file = bytes(1, 100 * BLOCK);
    let slow = UploadSettings { bytes_per_second: 10_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryShelf::with(std::slice::from_ref(&file)), slow).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 1_000_000).await;
    fetching.downloader.pause(id).await;
    assert_eq!(fetching.state(id), State::Paused);
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    assert_eq!(fetching.state(id), State::Paused, "over a restart too");
    assert!(fetching.downloader.snapshot()[0].done_bytes > 1_000_000, "and what was here is shown");
    server.settings.send_replace(UploadSettings::default());
    fetching.downloader.resume(id).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    fetching.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_leaves_nothing_behind() {
    let file = bytes(1, 100 * BLOCK);
    let slow = UploadSettings { bytes_per_second: 5_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryShelf::with(std::slice::from_ref(&file)), slow).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 0).await;
    assert_eq!(fetching.listing(), ["a.bin.potok-part"]);
    fetching.downloader.cancel(id).await;
    fetching.until(|event| matches!(event, TransferEvent::Gone(..))).await;
    assert!(fetching.downloader.snapshot().is_empty());
    let into = fetching.folder();
    let home = fetching.stop().await;
    assert_eq!(std::fs::read_dir(into).expect("lists").count(), 0);
    let fetching = fetch_in(home, &book, Arc::new(RealDisk)).await;
    assert!(fetching.downloader.snapshot().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_leaves_is_waited_for() {
    let file = bytes(1, 60 * BLOCK);
    let identity = Identity::generate();
    let shelf = MemoryShelf::with(std::slice::from_ref(&file));
    let slow = UploadSettings { bytes_per_second: 10_000_000, ..UploadSettings::default() };
    let address = "127.0.0.1:0".parse().expect("address");
    let server = serve_as(&identity, "anna", shelf.clone(), slow, address, |_| Some(user("guest"))).await;
    let book = Book::of(&[&server.contact]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 1_000_000).await;
    book.left(&server.contact.username);
    server.running.stop().await;
    fetching.until_state(id, |state| state.state == State::Looking).await;
    let server = serve_as(&identity, "anna", shelf, UploadSettings::default(), address, |_| Some(user("guest"))).await;
    book.is_now(&server.contact);
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_key_gets_nothing() {
    let file = bytes(1, 1000);
    let server = honest(std::slice::from_ref(&file)).await;
    let impostor = Contact { key: Identity::generate().public_key(), ..server.contact.clone() };
    let mut fetching = fetch(&Book::of(&[&impostor])).await;
    let id = fetching.add(&impostor, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.state == State::Looking).await;
    assert!(fetching.listing().is_empty());
}

/// A peer that answers each request as the test says: bytes to send, or nothing more at all.
async fn hostile(name: &str, mut answer: impl FnMut(Request) -> Vec<u8> + Send + Clone + 'static) -> Contact {
    let identity = Identity::generate();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address");
    let tls = TlsServer::new(&identity, Purpose::Peer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok((mut stream, _)) = tls.accept(stream).await else { continue };
            let mut frame = [0; REQUEST_BYTES];
            while stream.read_exact(&mut frame).await.is_ok() {
                let bytes = answer(Request::decode(&frame).expect("a request"));
                if send(&mut stream, &bytes).await.is_err() || bytes.is_empty() {
                    break;
                }
            }
        }
    });
    Contact { username: user(name), address, key: identity.public_key() }
}

async fn send(stream: &mut Encrypted<TcpStream>, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// What an honest peer would send.
fn right(data: &[u8], request: Request) -> Vec<u8> {
    match request {
        Request::List { id, .. } => {
            let list = list_of(data);
            let list = list.as_slice().as_flattened();
            let bytes = u32::try_from(list.len()).expect("small");
            [&Answer::List { id, bytes }.encode(), list].concat()
        }
        Request::Read { id, block, .. } => {
            let from = block as usize * BLOCK;
            let block = &data[from..data.len().min(from + BLOCK)];
            let bytes = u32::try_from(block.len()).expect("small");
            [&Answer::Data { id, bytes }.encode(), block].concat()
        }
        Request::Cancel { .. } => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_peers_are_dropped_and_named() {
    let file = bytes(1, 5 * BLOCK + 3);
    let other = bytes(2, 5 * BLOCK + 3);
    type Answers = Box<dyn Fn(Request) -> Vec<u8> + Send + Sync>;
    let data = file.clone();
    let with = |change: fn(&mut Vec<u8>)| -> Answers {
        let data = data.clone();
        Box::new(move |request| {
            let mut bytes = right(&data, request);
            if matches!(request, Request::Read { block: 3, .. }) {
                change(&mut bytes);
            }
            bytes
        })
    };
    let cases: Vec<(&str, Answers)> = vec![
        ("one wrong bit", with(|bytes| *bytes.last_mut().expect("data") ^= 1)),
        ("another file", {
            let other = other.clone();
            Box::new(move |request| right(&other, request))
        }),
        ("a list that is too short", {
            let data = data.clone();
            Box::new(move |request| match request {
                Request::List { id, .. } => [&Answer::List { id, bytes: 32 }.encode()[..], &[1; 32]].concat(),
                _ => right(&data, request),
            })
        }),
        (
            "a shorter block",
            with(|bytes| {
                let id = u32::from_be_bytes(bytes[1..5].try_into().expect("4 bytes"));
                bytes.truncate(9 + 1000);
                bytes[..9].copy_from_slice(&Answer::Data { id, bytes: 1000 }.encode());
            }),
        ),
        ("a huge length", with(|bytes| bytes[5..9].copy_from_slice(&u32::MAX.to_be_bytes()))),
        ("an answer that nobody asked for", with(|bytes| bytes[1..5].copy_from_slice(&77_777u32.to_be_bytes()))),
        ("garbage", with(|bytes| bytes.fill(0xaa))),
        ("endless data", Box::new(|_| vec![0x55; 4 << 20])),
    ];
    for (what, answers) in cases {
        let answers = Arc::new(answers);
        let liar = hostile("mallory", move |request| answers(request)).await;
        let server = honest(std::slice::from_ref(&file)).await;
        let book = Book::of(&[&liar, &server.contact]);
        let mut fetching = fetch(&book).await;
        // Alone: nothing is written that is not what was announced.
        let id = fetching.add(&liar, &[("alone.bin", &file)]).await;
        let events = fetching.over(id).await;
        assert_eq!(failures(&events), [&FileError::Lied { user: user("mallory") }], "{what}");
        assert!(events.contains(&TransferEvent::PeerLied(user("mallory"))), "{what}");
        assert!(!fetching.path("alone.bin").exists(), "{what}");
        fetching.stop().await;

        // With one honest source it is enough.
        book.sources(&file, &[&liar, &server.contact]);
        let mut fetching = fetch(&book).await;
        let id = fetching.add(&liar, &[("a.bin", &file)]).await;
        fetching.over(id).await;
        assert_eq!(fetching.state(id), State::Finished, "{what}");
        assert_eq!(read(&fetching.path("a.bin")), file, "{what}");
        fetching.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_off_is_made_again() {
    let file = bytes(1, 12 * BLOCK);
    let answers = Arc::new(AtomicUsize::new(0));
    let (data, counter) = (file.clone(), answers.clone());
    let flaky = hostile("anna", move |request| {
        let mut bytes = right(&data, request);
        if counter.fetch_add(1, Ordering::Relaxed) % 9 == 7 {
            // In the middle of an answer; then the connection ends.
            bytes.truncate(bytes.len() / 2);
            bytes.clear();
        }
        bytes
    })
    .await;
    let mut fetching = fetch(&Book::of(&[&flaky])).await;
    let id = fetching.add(&flaky, &[("a.bin", &file)]).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    assert!(answers.load(Ordering::Relaxed) > 9, "it did break off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_source_leaves_its_work_to_the_other() {
    let file = bytes(1, 120 * BLOCK);
    let slow = UploadSettings { bytes_per_second: 8_000_000, ..UploadSettings::default() };
    let shelf = MemoryShelf::with(std::slice::from_ref(&file));
    let first = serve("anna", shelf.clone(), slow).await;
    let second = serve("ivan", shelf, slow).await;
    let book = Book::of(&[&first.contact, &second.contact]);
    book.sources(&file, &[&first.contact, &second.contact]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&first.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.sources == 2 && state.done_bytes > 3_000_000).await;
    first.running.stop().await;
    book.left(&first.contact.username);
    second.settings.send_replace(UploadSettings::default());
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unshared_meanwhile_fails_after_a_while() {
    let file = bytes(1, 100 * BLOCK);
    let shelf = MemoryShelf::with(std::slice::from_ref(&file));
    let slow = UploadSettings { bytes_per_second: 10_000_000, ..UploadSettings::default() };
    let server = serve("anna", shelf.clone(), slow).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 0).await;
    shelf.unshare_all();
    let events = fetching.over(id).await;
    assert_eq!(failures(&events), [&FileError::NotShared]);
    shelf.share(&file);
    server.settings.send_replace(UploadSettings::default());
    fetching.downloader.retry(id).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

/// A disk that is full when the test says so.
struct FullDisk {
    is_full: AtomicBool,
}

impl Disk for FullDisk {
    fn write_at(&self, part: &Part, data: &[u8], offset: u64) -> Result<(), PlaceError> {
        if self.is_full.load(Ordering::Relaxed) && offset > 0 {
            return Err(PlaceError::NoSpace);
        }
        part.write_at(data, offset)
    }

    fn free_bytes(&self, _folder: &TargetDir) -> Result<Option<u64>, PlaceError> {
        Ok(Some(if self.is_full.load(Ordering::Relaxed) { 1000 } else { u64::MAX }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let file = bytes(1, 60 * BLOCK);
    let slow = UploadSettings { bytes_per_second: 20_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryShelf::with(std::slice::from_ref(&file)), slow).await;
    let disk = Arc::new(FullDisk { is_full: AtomicBool::new(false) });
    let home = tempfile::tempdir().expect("folder");
    let mut fetching = fetch_in(home, &Book::of(&[&server.contact]), disk.clone()).await;
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.until_state(id, |state| state.done_bytes > 0).await;
    disk.is_full.store(true, Ordering::Relaxed);
    fetching.until_state(id, |state| state.state == State::DiskFull).await;
    disk.is_full.store(false, Ordering::Relaxed);
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_in_the_queue_is_shown() {
    let file = bytes(1, 200 * BLOCK);
    let settings = UploadSettings { slots: 1, bytes_per_second: 5_000_000, ..UploadSettings::default() };
    let server = serve("anna", MemoryShelf::with(std::slice::from_ref(&file)), settings).await;
    let book = Book::of(&[&server.contact]);
    let (mut first, mut second) = (fetch(&book).await, fetch(&book).await);
    let one = first.add(&server.contact, &[("a.bin", &file)]).await;
    first.until_state(one, |state| state.state == State::Running && state.done_bytes > 0).await;
    let two = second.add(&server.contact, &[("a.bin", &file)]).await;
    second.until_state(two, |state| state.state == State::WaitingForSlot(1)).await;
    first.downloader.cancel(one).await;
    second.until_state(two, |state| state.state == State::Running).await;
    server.settings.send_replace(UploadSettings::default());
    second.over(two).await;
    assert_eq!(read(&second.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_limit_is_kept_and_lifted_at_once() {
    let file = bytes(1, 40 * BLOCK);
    let server = honest(std::slice::from_ref(&file)).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    fetching.settings.send_replace(DownloadSettings { bytes_per_second: 1_000_000, ..DownloadSettings::default() });
    let begun = tokio::time::Instant::now();
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    let state = fetching.until_state(id, |state| state.done_bytes >= 1_500_000).await;
    let seconds = begun.elapsed().as_secs_f64();
    assert!(state.done_bytes as f64 <= 1_000_000.0 * (seconds + 1.0) + 500_000.0, "{} in {seconds}", state.done_bytes);
    fetching.settings.send_replace(DownloadSettings::default());
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_file_of_something_else_is_not_believed() {
    let file = bytes(1, 20 * BLOCK + 5);
    let server = honest(std::slice::from_ref(&file)).await;
    let mut fetching = fetch(&Book::of(&[&server.contact])).await;
    let mut leftover = bytes(9, 30 * BLOCK);
    leftover[..BLOCK].copy_from_slice(&file[..BLOCK]);
    std::fs::write(fetching.path("a.bin.potok-part"), &leftover).expect("written");
    std::fs::write(fetching.path("s.potok-part"), "longer than the file").expect("written");
    let id = fetching.add(&server.contact, &[("a.bin", &file)]).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    let small = bytes(3, 5);
    let server = honest(std::slice::from_ref(&small)).await;
    let fetched = Book::of(&[&server.contact]);
    let home = fetching.stop().await;
    let mut fetching = fetch_in(home, &fetched, Arc::new(RealDisk)).await;
    let id = fetching.add(&server.contact, &[("s", &small)]).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("s")), small);
}

/// A kill between the last rename and the note about it: the finished file is there, the queue does not know.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_finished_unnoticed_is_found_to_be_whole() {
    let (small, large) = (bytes(1, 100), bytes(2, 5 * BLOCK));
    let shelf = MemoryShelf::with(&[small.clone(), large.clone()]);
    let server = serve("anna", shelf.clone(), UploadSettings::default()).await;
    let book = Book::of(&[]);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&server.contact, &[("d/s", &small), ("d/l", &large), ("d/x", &small)]).await;
    fetching.until_state(id, |state| state.state == State::Looking).await;
    std::fs::create_dir(fetching.path("d")).expect("folder");
    std::fs::write(fetching.path("d/s"), &small).expect("written");
    std::fs::write(fetching.path("d/l"), &large).expect("written");
    std::fs::write(fetching.path("d/x"), "something else").expect("written");
    book.is_now(&server.contact);
    let events = fetching.over(id).await;
    assert_eq!(failures(&events), [&FileError::Exists]);
    assert_eq!(events.iter().filter(|event| matches!(event, TransferEvent::FileFinished { .. })).count(), 2);
    assert!(*shelf.reads.lock() <= 2, "nothing of the large one was fetched");
    assert_eq!(read(&fetching.path("d/x")), b"something else");
}
