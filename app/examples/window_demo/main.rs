//! Figures of the window over a made-up client with so many files: `window_demo --figures --files N`, as
//! `benches/window.py` runs it. How Potok looks is shown by `window_pictures`.

mod figures;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use potok_app::client::Client;
use potok_app::gui::picker::Native;
use potok_app::gui::window::Parts;
use potok_app::model::made_up::MadeUpNetwork;
use potok_app::texts;
use potok_core::model::hash::ContentHash;
use potok_core::model::key::PublicKey;
use potok_core::model::share_path::SharePath;
use potok_core::model::transfer::TransferId;
use potok_core::model::username::Username;
use potok_core::node::event::{Direction, NodeEvent, Outcome, TrackerConnection, Transfer, TransferState};
use potok_core::node::intent::{Intent, IntentId};
use potok_core::node::settings::Settings;
use potok_core::protocol::reply::{FileLine, UserLine};

const PEOPLE: [&str; 7] = ["Мария", "georgi", "Ана-Мария", "nikolay-pc", "Ελένη", "太郎", "telnet-guest"];
const FILES: [&str; 22] = [
    "Витоша 2026/Изгрев над Черни връх.jpg",
    "Витоша 2026/Група.jpg",
    "Витоша 2026/Панорама, зима.png",
    "Годишен отчет — чернова.pdf",
    "debian-13.2.0-amd64-netinst.iso",
    "Лятна ваканция, част 2.mkv",
    "日本語の資料/旅行の写真.zip",
    "Ελληνικά έγγραφα.tar.gz",
    "field recordings/2026-05-03 river.flac",
    "field recordings/2026-05-04 frogs at dusk.flac",
    "Рецепти на баба 🍰.docx",
    "Music/Щурците/Вкусът на времето.flac",
    "Music/Щурците/Конникът.flac",
    "Music/Nina Simone/Feeling Good.flac",
    "Books/Under the Yoke.epub",
    "Books/Под игото.epub",
    "source/potok-0.1.0.tar.xz",
    "Семейни видеа/1998 касета 3 - рожден ден, море, първият учебен ден и още много други неща.mp4",
    "invoice 2026-11.pdf",
    "한국어 문서.hwp",
    "setup.exe",
    "notes.txt",
];

fn name(text: &str) -> Username {
    Username::new(text).expect("a valid name")
}

fn key(n: u8) -> PublicKey {
    PublicKey::from_bytes(std::array::from_fn(|i| {
        n.wrapping_mul(37).wrapping_add(u8::try_from(i).unwrap_or(0).wrapping_mul(91))
    }))
}

fn users() -> Vec<UserLine> {
    let line = |(n, user): (u8, &&str)| UserLine {
        username: name(user),
        address: (*user != "telnet-guest")
            .then(|| SocketAddr::from(([192, 168, 1, 20 + n], 42_000 + u16::from(n) * 13))),
        key: (*user != "telnet-guest").then(|| key(n)),
    };
    let mut users: Vec<UserLine> = (0..).zip(&PEOPLE).map(line).collect();
    users.push(UserLine { username: name("me"), address: "192.168.1.7:42001".parse().ok(), key: Some(key(99)) });
    users.sort_by(|a, b| a.username.cmp(&b.username));
    users
}

fn files(many: usize) -> Vec<FileLine> {
    let mut files: Vec<FileLine> = Vec::new();
    for (n, path) in (0_u8..).zip(FILES) {
        for (m, user) in PEOPLE.iter().enumerate() {
            if (usize::from(n) * 5 + m * 3) % 7 < 2 {
                let size = 1_000 + u64::from(n).pow(5) * 97 + u64::from(n) * 31_337;
                let hash = ContentHash::from_bytes([n + 1; 32]);
                files.push(FileLine {
                    username: name(user),
                    size: Some(size),
                    hash: Some(hash),
                    path: SharePath::new(path).expect("valid"),
                });
            }
        }
    }
    for n in files.len()..many {
        let path =
            format!("archive/{:03}/{:03}/file number {n}.{}", n / 10_000, n / 100 % 100, ["jpg", "pdf", "flac"][n % 3]);
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&(n as u64 + 1_000).to_le_bytes());
        files.push(FileLine {
            username: name(PEOPLE[n % 6]),
            size: Some((n as u64 * 7_919) % 50_000_000),
            hash: Some(ContentHash::from_bytes(hash)),
            path: SharePath::new(&path).expect("valid"),
        });
    }
    files.sort_by(|a, b| (&a.path, &a.username).cmp(&(&b.path, &b.username)));
    files
}

/// A download that goes on.
fn running() -> Transfer {
    Transfer {
        number: TransferId(1),
        direction: Direction::Download,
        position: 0,
        user: name("georgi"),
        label: FILES[4].to_owned(),
        local_path: Some(PathBuf::from("/home/me/Downloads").join(FILES[4])),
        files: 1,
        files_done: 0,
        total_bytes: 790_000_000,
        done_bytes: 493_000_000,
        bytes_per_second: 11_400_000,
        sources: 3,
        there: potok_core::model::transfer::AlreadyThere::default(),
        way: None,
        state: TransferState::Running,
    }
}

fn connection() -> TrackerConnection {
    TrackerConnection::Online {
        tracker: "192.168.1.7:7686".into(),
        network: "Семейство и приятели".into(),
        message_of_the_day: vec!["Добре дошли! Снимките от Витоша са вече тук.".into()],
    }
}

struct Made {
    notices: Receiver<NodeEvent>,
    send: Sender<NodeEvent>,
    next: AtomicU64,
    network: Arc<MadeUpNetwork>,
}

/// Whether the made-up network answers it.
fn is_about_files(question: &Intent) -> bool {
    MadeUpNetwork::default().answer(question).is_some()
}

impl Client for Made {
    fn ask(&self, intent: Intent) -> IntentId {
        let id = IntentId(self.next.fetch_add(1, Ordering::Relaxed));
        let outcome = match intent {
            Intent::ListUsers => Outcome::Users(users()),
            question if is_about_files(&question) => {
                // As slow as a tracker, in a thread of its own.
                let (send, network) = (self.send.clone(), Arc::clone(&self.network));
                std::thread::spawn(move || {
                    let answer = network.answer(&question).unwrap_or(Outcome::Done);
                    let _ = send.send(NodeEvent::Outcome { id, result: Ok(answer) });
                });
                return id;
            }
            Intent::ListTransfers => Outcome::Transfers(vec![running()]),
            _ => Outcome::Done,
        };
        let _ = self.send.try_send(NodeEvent::Outcome { id, result: Ok(outcome) });
        id
    }

    fn notices(&self) -> &Receiver<NodeEvent> {
        &self.notices
    }
}

fn main() -> eframe::Result {
    let args: Vec<String> = std::env::args().collect();
    let files = args.iter().position(|arg| arg == "--files").and_then(|at| args.get(at + 1));
    let files = files.and_then(|files| files.parse().ok()).unwrap_or(0);
    let settings =
        Settings { name: "me".parse().ok(), tracker: "192.168.1.7:7686".parse().ok(), ..Settings::default() };
    texts::use_language(&settings.language);
    let (send, notices) = bounded(1_000);
    let _ = send.send(NodeEvent::Connection(connection()));
    let network = Arc::new(MadeUpNetwork::new(self::files(files)));
    let engine = Made { notices, send: send.clone(), next: AtomicU64::new(1), network };
    let parts = Parts { engine: Box::new(engine), picker: Box::new(Native), settings, data_dir: None };
    figures::run(parts, files, send)
}
