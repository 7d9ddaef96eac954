//! A network on this computer: whoever looks at the window hosts its tracker; five others share files and take some.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use potok_core::library::typed::RemotePath;
use potok_core::library::typed::ShareOrLocalPath;
use potok_core::model::invite::TrackerAddress;
use potok_core::node::event::{NodeEvent, Outcome, Transfer};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{
    DownloadRequest, Existing, Intent, IntentId, ShareRequest, TransferId, TransferSelection, UnsafeNames,
};
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// Longer than any answer takes here.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// What each of the others shares: path and length in bytes.
const OTHERS: [(&str, &[(&str, u64)]); 5] = [
    (
        "Мария",
        &[
            ("Витоша 2026/Изгрев над Черни връх.jpg", 4 * MIB),
            ("Витоша 2026/Група.jpg", 3 * MIB),
            ("Витоша 2026/Панорама, зима.png", 11 * MIB),
            ("Витоша 2026/Пътят надолу.mp4", 40 * MIB),
            ("Рецепти на баба.docx", 90 * KIB),
        ],
    ),
    (
        "georgi",
        &[
            ("debian-13.2.0-amd64-netinst.iso", 56 * MIB),
            ("Music/Щурците/Вкусът на времето.flac", 29 * MIB),
            ("Music/Щурците/Конникът.flac", 31 * MIB),
            ("Music/Nina Simone/Feeling Good.flac", 24 * MIB),
            ("invoice 2026-11.pdf", 12 * MIB),
        ],
    ),
    (
        "nikolay-pc",
        &[
            ("debian-13.2.0-amd64-netinst.iso", 56 * MIB),
            ("Лятна ваканция, част 2.mkv", 64 * MIB),
            ("source/potok-0.1.0.tar.xz", 2 * MIB),
        ],
    ),
    (
        "Ελένη",
        &[
            ("Ελληνικά έγγραφα.tar.gz", 5 * MIB),
            ("Books/Under the Yoke.epub", 700 * KIB),
            ("debian-13.2.0-amd64-netinst.iso", 56 * MIB),
        ],
    ),
    (
        "ivan",
        &[
            ("Семейни видеа/1998 касета 3 - рожден ден, море, първият учебен ден и още.mp4", 18 * MIB),
            ("Maps/Rila 1-50000.pdf", 3 * MIB),
            ("notes.txt", 4 * KIB),
        ],
    ),
];
/// What whoever looks shares.
const MINE: [(&str, u64); 5] = [
    ("Книги/Под игото.epub", 2 * MIB),
    ("Книги/Under the Yoke.epub", 700 * KIB),
    ("field recordings/2026-05-03 river.flac", 40 * MIB),
    ("field recordings/2026-05-04 frogs at dusk.flac", 22 * MIB),
    ("снимки/море.jpg", 4 * MIB),
];

/// A name, when it comes in seconds, and what happens.
type Step = (&'static str, u64, fn(&Network, &BTreeMap<TransferId, Transfer>));

/// The network, while it runs.
pub(crate) struct Network {
    /// Whoever looks.
    pub(crate) me: Arc<Node>,
    /// Their settings.
    pub(crate) settings: Settings,
    /// What was told before there was a window.
    pub(crate) early: Vec<NodeEvent>,
    others: Vec<(&'static str, Node)>,
    begun: Vec<&'static str>,
    folder: tempfile::TempDir,
}

impl Network {
    /// Starts everybody, and has them share.
    pub(crate) fn start(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let folder = tempfile::Builder::new().prefix("potok-").tempdir().expect("a folder");
        let home = folder.path().join("ana");
        let settings = Settings {
            name: "Ана".parse().ok(),
            listen: loopback(),
            download_folder: home.join("Downloads"),
            upload_bytes_per_second: 900 * KIB,
            download_bytes_per_second: 700 * KIB,
            host_tracker: Some(loopback()),
            network_name: "Семейство и приятели".into(),
            message_of_the_day: "Добре дошли! Снимките от Витоша са вече тук.".into(),
            ..Settings::default()
        };
        let me = node(&home, &settings, wake);
        let mut early = Vec::new();
        let tracker = loop {
            if let Ok(Outcome::Invite(invite)) = ask(&me, Intent::Invite, &mut early) {
                break TrackerAddress::from(invite);
            }
        };
        share(&me, &home, &MINE, &mut early);
        let other = |(name, files): (&'static str, &[(&str, u64)])| {
            let home = folder.path().join(format!("home of {name}"));
            let settings = Settings {
                name: name.parse().ok(),
                listen: loopback(),
                upload_slots: 2,
                upload_bytes_per_second: 400 * KIB,
                download_bytes_per_second: 250 * KIB,
                ..Settings::default()
            };
            let node = node(&home, &settings, Arc::new(|| {}));
            let mut unheard = Vec::new();
            ask(&node, Intent::Join(tracker.clone()), &mut unheard).expect("lets them in");
            share(&node, &home, files, &mut unheard);
            (name, node)
        };
        let others = OTHERS.into_iter().map(other).collect();
        Self { me: Arc::new(me), settings, early, others, begun: Vec::new(), folder }
    }

    /// What happens while the graph fills: each step once, when its time has come. Whoever draws hears what comes of it.
    pub(crate) fn live(&mut self, age: Duration, transfers: &BTreeMap<TransferId, Transfer>) {
        let steps: [Step; 7] = [
            ("small", 1, |here, _| {
                here.fetch("ivan", "Maps/Rila 1-50000.pdf");
                here.fetch("Ελένη", "Books/Under the Yoke.epub");
            }),
            ("large", 2, |here, _| {
                here.fetch("georgi", "debian-13.2.0-amd64-netinst.iso");
                here.fetch("Мария", "Витоша 2026/");
                here.fetch("nikolay-pc", "Лятна ваканция, част 2.mkv");
            }),
            ("taken", 4, |here, _| {
                here.take("Мария", "Книги/");
                here.take("georgi", "field recordings/");
                here.take("Ελένη", "снимки/море.jpg");
            }),
            ("more", 8, |here, _| {
                here.fetch("georgi", "invoice 2026-11.pdf");
                here.fetch("georgi", "Music/");
                here.fetch("Ελένη", "Ελληνικά έγγραφα.tar.gz");
            }),
            ("paused", 14, |here, transfers| {
                let meant = transfers.values().filter(|transfer| transfer.label == "Music/");
                meant.for_each(|t| _ = here.me.ask(Intent::Pause(TransferSelection::One(t.number))));
            }),
            ("unshared", 16, |here, _| {
                let path = ShareOrLocalPath::new("invoice 2026-11.pdf", here.folder.path());
                let paths: Vec<ShareOrLocalPath> = path.into_iter().collect();
                here.others.iter().filter(|(name, _)| *name == "georgi").for_each(|(_, node)| {
                    node.ask(Intent::Unshare { paths: paths.clone() });
                });
            }),
            ("away", 20, |here, _| {
                let gone = here.others.iter().filter(|(name, _)| *name == "nikolay-pc");
                gone.for_each(|(_, node)| _ = node.ask(Intent::Leave));
            }),
        ];
        for (name, at, step) in steps {
            if age >= Duration::from_secs(at) && !self.begun.contains(&name) {
                self.begun.push(name);
                step(self, transfers);
            }
        }
    }

    /// Everybody goes.
    pub(crate) fn stop(&mut self) {
        self.others.drain(..).for_each(|(_, node)| node.stop());
        // What is left of it is in the folder of temporary files.
        let _ = std::fs::remove_dir_all(self.folder.path());
    }

    /// Where everything of whoever looks is.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("ana")
    }

    /// A folder of theirs with something in it that is left out.
    pub(crate) fn secrets(&self) -> PathBuf {
        let folder = self.home().join("Проекти");
        for path in ["план.md", ".ssh/id_ed25519", "Снимки/1.jpg"] {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&folder)).expect("a folder");
            generate(&path, 300 * KIB).expect("written");
        }
        folder
    }

    fn fetch(&self, user: &str, path: &str) {
        self.me.ask(Intent::Download(request(user, path)));
    }

    fn take(&self, taker: &str, path: &str) {
        for (_, node) in self.others.iter().filter(|(name, _)| *name == taker) {
            node.ask(Intent::Download(request("Ана", path)));
        }
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn node(home: &Path, settings: &Settings, wake: Arc<dyn Fn() + Send + Sync>) -> Node {
    let setup = Setup {
        data_dir: home.join(".local/share/potok"),
        settings: settings.clone(),
        download_folder: Some(home.join("Downloads")),
        host_tracker: settings.host_tracker,
        metering: None,
    };
    Node::start(setup, wake).expect("starts")
}

fn request(user: &str, path: &str) -> DownloadRequest {
    DownloadRequest {
        user: user.parse().expect("a name"),
        remote_path: RemotePath::new(path).expect("a path"),
        local_path: None,
        existing: Existing::Refuse,
        unsafe_names: UnsafeNames::Rename,
        wait: true,
    }
}

/// Makes the files and shares what lies at the top.
fn share(node: &Node, home: &Path, files: &[(&str, u64)], unheard: &mut Vec<NodeEvent>) {
    let folder = home.join("Public");
    for (path, bytes) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&folder)).expect("a folder");
        generate(&path, *bytes).expect("written");
    }
    let mut tops: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    tops.sort();
    let share =
        |top: PathBuf| ShareRequest { typed: top.to_string_lossy().into_owned(), cwd: folder.clone(), share_as: None };
    ask(node, Intent::Share(tops.into_iter().map(share).collect()), unheard).expect("shared");
}

/// Writes bytes that are the same for files of the same name.
fn generate(path: &Path, bytes: u64) -> std::io::Result<()> {
    let mut state = path.file_name().map_or(1, |name| name.len() as u64) | 1;
    let mut piece = vec![0; 64 * 1024];
    for word in piece.chunks_exact_mut(8) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        word.copy_from_slice(&state.to_le_bytes());
    }
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut left = bytes;
    while left > 0 {
        piece[..8].copy_from_slice(&left.to_le_bytes());
        let some = left.min(piece.len() as u64);
        file.write_all(&piece[..usize::try_from(some).unwrap_or(0)])?;
        left -= some;
    }
    file.flush()
}

/// Waits for what comes of it; what else is told meanwhile is kept.
fn ask(node: &Node, intent: Intent, unheard: &mut Vec<NodeEvent>) -> Result<Outcome, Failure> {
    let asked: IntentId = node.ask(intent);
    let until = Instant::now() + ANSWER_MAX;
    loop {
        match node.notices().recv_deadline(until).expect("an answer") {
            NodeEvent::Outcome { id, result } if id == asked => return result,
            other => unheard.push(other),
        }
    }
}
