//! The window over a made-up client: for pictures, for looking at it, for measuring a million rows.
//!
//! `cargo run --example window_demo -- [--page NAME] [--theme dark] [--language bg] [--files N] [--first]`
//!
//! `--figures` measures frames with so many files instead; `benches/window.py` runs it. `--pictures FOLDER` takes a picture
//! of each page; `docs/pictures/make.sh` runs it.

mod figures;
mod pictures;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use potok_app::client::Client;
use potok_app::gui::picker::Native;
use potok_app::gui::screen::Screen;
use potok_app::gui::start;
use potok_app::gui::window::Parts;
use potok_app::model::made_up::{self, MadeUpNetwork};
use potok_app::texts;
use potok_core::model::binding::{Ban, BanTarget};
use potok_core::model::hash::ContentHash;
use potok_core::model::invite::Invite;
use potok_core::model::key::PublicKey;
use potok_core::model::share_path::SharePath;
use potok_core::model::username::Username;
use potok_core::model::way::Way;
use potok_core::node::event::{
    Direction, Hosted, Me, NodeEvent, Outcome, Status, TrackerConnection, Transfer, TransferState,
};
use potok_core::node::intent::{Intent, IntentId};
use potok_core::node::settings::Settings;
use potok_core::node::warning::Warning;
use potok_core::protocol::code::Code;
use potok_core::protocol::reply::{FileLine, Totals, UserLine};
use potok_core::service::share_indexer::root_status::{RootWork, SharedRoot};
use potok_core::tracker::log::LogEntry;

const SCREENS: [(&str, Screen); 7] = [
    ("browse", Screen::Browse),
    ("transfers", Screen::Transfers),
    ("shared", Screen::Shared),
    ("people", Screen::People),
    ("tracker", Screen::Tracker),
    ("console", Screen::Console),
    ("settings", Screen::Settings),
];
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

/// Direction, user, label, all bytes, verified bytes, bytes a second, sources, state.
type Row<'a> = (Direction, &'a str, &'a str, u64, u64, u64, u32, TransferState);

fn transfers() -> Vec<Transfer> {
    let rows = [
        (
            Direction::Download,
            "georgi",
            "debian-13.2.0-amd64-netinst.iso",
            790_000_000,
            493_000_000,
            11_400_000,
            3,
            TransferState::Running,
        ),
        (Direction::Download, "Мария", "Витоша 2026/", 340_000_000, 61_000_000, 6_900_000, 1, TransferState::Running),
        (
            Direction::Download,
            "nikolay-pc",
            "Лятна ваканция, част 2.mkv",
            3_328_599_654,
            2_100_000_000,
            0,
            0,
            TransferState::WaitingForUser,
        ),
        (
            Direction::Download,
            "Ана-Мария",
            "Music/Щурците/Конникът.flac",
            31_000_000,
            0,
            0,
            0,
            TransferState::WaitingForSlot { place: 2 },
        ),
        (Direction::Download, "Ελένη", "Ελληνικά έγγραφα.tar.gz", 4_800_000, 1_900_000, 0, 0, TransferState::Paused),
        (
            Direction::Download,
            "georgi",
            "invoice 2026-11.pdf",
            120_000,
            0,
            0,
            0,
            TransferState::Failed(potok_core::model::transfer::TransferError::Changed),
        ),
        (
            Direction::Download,
            "太郎",
            "日本語の資料/旅行の写真.zip",
            88_000_000,
            88_000_000,
            0,
            0,
            TransferState::Finished,
        ),
        (Direction::Upload, "Мария", "Books/Под игото.epub", 2_100_000, 1_300_000, 420_000, 1, TransferState::Running),
        (
            Direction::Upload,
            "georgi",
            "field recordings/2026-05-03 river.flac",
            212_000_000,
            212_000_000,
            0,
            0,
            TransferState::Finished,
        ),
    ];
    let transfer = |(n, row): (u64, Row<'_>)| Transfer {
        number: potok_core::model::transfer::TransferId(n + 1),
        direction: row.0,
        position: n,
        user: name(row.1),
        label: row.2.to_owned(),
        local_path: (row.0 == Direction::Download).then(|| PathBuf::from("/home/me/Downloads").join(row.2)),
        files: if row.2.ends_with('/') { 24 } else { 1 },
        files_done: 0,
        total_bytes: row.3,
        done_bytes: row.4,
        bytes_per_second: row.5,
        sources: row.6,
        way: (row.6 > 0).then_some(Way::Direct),
        state: row.7,
    };
    (0..).zip(rows).map(transfer).collect()
}

fn shared_roots() -> Vec<SharedRoot> {
    let root = |(id, (path, files, bytes)): (u64, (&str, u64, u64))| {
        made_up::shared_root(id, SharePath::new(path).expect("valid"), Totals { files, bytes })
    };
    let roots = [
        ("Books", 214, 1_310_000_000),
        ("Reports/2026 план.docx", 1, 182_000),
        ("field recordings", 58, 9_740_000_000),
        ("снимки", 3_405, 14_200_000_000),
    ];
    let mut roots: Vec<SharedRoot> = (1..).zip(roots).map(root).collect();
    roots[1].is_folder = false;
    roots[2].work = RootWork::Hashing { files_left: 12, bytes_left: 2_100_000_000 };
    roots[3].stopped_places = 2;
    roots
}

fn connection() -> TrackerConnection {
    TrackerConnection::Online {
        tracker: "192.168.1.7:7686".into(),
        network: "Семейство и приятели".into(),
        message_of_the_day: vec!["Добре дошли! Снимките от Витоша са вече тук.".into()],
    }
}

/// What a tracker's owner reads, and what a sharer does.
fn happened() -> Vec<NodeEvent> {
    let at = std::time::SystemTime::now();
    let address = "192.168.1.24".parse().expect("an address");
    let log = |entry| NodeEvent::TrackerLog { at, entry };
    let came = |(n, user): (usize, &&str)| {
        let user = users().into_iter().find(|line| line.username.as_str() == *user).expect("one of them");
        NodeEvent::Joined { user, at: at - std::time::Duration::from_secs(n as u64 * 1_371) }
    };
    let mut all: Vec<NodeEvent> = PEOPLE.iter().enumerate().take(4).map(came).collect();
    all.extend([
        log(LogEntry::Joined { user: name("Мария"), address }),
        log(LogEntry::Joined { user: name("georgi"), address }),
        log(LogEntry::Refused {
            address,
            code: Code::NameTaken,
            text: "the name 'georgi' belongs to another key".into(),
        }),
        log(LogEntry::Banned { who: "@spammer".into() }),
        NodeEvent::Hashing { done_bytes: 1_300_000_000, total_bytes: 4_100_000_000, files_left: 312 },
        NodeEvent::Warning(Warning::NotWatched {
            folder: "/home/me/снимки".into(),
            why: "the limit of watches".into(),
        }),
        NodeEvent::Skipped {
            path: "/home/me/снимки/.lock".into(), why: "it is being written to".into(), more: 0
        },
    ]);
    all
}

struct Made {
    notices: Receiver<NodeEvent>,
    send: Sender<NodeEvent>,
    next: AtomicU64,
    network: Arc<MadeUpNetwork>,
    is_first: bool,
}

/// Whether the made-up network answers it.
fn is_about_files(question: &Intent) -> bool {
    MadeUpNetwork::default().answer(question).is_some()
}

impl Client for Made {
    fn ask(&self, intent: Intent) -> IntentId {
        let id = IntentId(self.next.fetch_add(1, Ordering::Relaxed));
        let online = !self.is_first;
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
            Intent::ListRoots { .. } => made_up::roots(if online { shared_roots() } else { Vec::new() }),
            Intent::ListTransfers => Outcome::Transfers(if online { transfers() } else { Vec::new() }),
            Intent::ListBans => Outcome::Bans(vec![
                Ban { target: BanTarget::Key(key(7)), username: Some(name("spammer")) },
                Ban { target: BanTarget::Address("203.0.113.9".parse().expect("an address")), username: None },
            ]),
            Intent::TapWire(true) => {
                let lines = [(true, "list-users"), (false, "user georgi 192.168.1.21:42013"), (false, "OK 1")];
                for (sent, line) in lines {
                    let _ = self.send.try_send(NodeEvent::Wire { sent, line: line.into() });
                }
                Outcome::Done
            }
            Intent::WhoAmI => Outcome::Me(Me { username: name("me"), address: None, key: key(99) }),
            Intent::Invite if online => {
                Outcome::Invite(Invite { address: "192.168.1.7:7686".parse().expect("valid"), key: key(3) })
            }
            Intent::Status => Outcome::Status(Box::new(Status {
                connection: if online { connection() } else { TrackerConnection::None },
                listening: "[::]:42001".parse().ok(),
                hosted: "[::]:7686".parse().ok().filter(|_| online).map(|address| Hosted {
                    address,
                    connections: 6,
                    users: 5,
                    files: 1_234,
                    bytes_in: 345_678,
                    bytes_out: 1_234_567,
                    since: std::time::SystemTime::now(),
                }),
                shares: 6,
                share_bytes: 0,
                files_to_hash: 0,
                downloads: 0,
                uploads: 0,
                down_bytes_per_second: 0,
                up_bytes_per_second: 0,
                download_folder: "/home/me/Downloads".into(),
            })),
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
    let after = |flag: &str| {
        args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1)).cloned().unwrap_or_default()
    };
    let is_first = args.iter().any(|arg| arg == "--first");
    let settings = Settings {
        name: "me".parse().ok(),
        theme: after("--theme"),
        language: after("--language"),
        host_tracker: if is_first { None } else { "[::]:7686".parse().ok() },
        ..Settings::default()
    };
    texts::use_language(&settings.language);
    let (send, notices) = bounded(1_000);
    if !is_first {
        let _ = send.send(NodeEvent::Connection(connection()));
        for notice in happened() {
            let _ = send.send(notice);
        }
    }
    let wanted = after("--page");
    let page = SCREENS.iter().find(|(name, _)| *name == wanted).map_or(Screen::Browse, |(_, page)| *page);
    let files = after("--files").parse().unwrap_or(0);
    let network = Arc::new(MadeUpNetwork::new(self::files(files)));
    let engine = Made { notices, send: send.clone(), next: AtomicU64::new(1), network, is_first };
    let parts = Parts { engine: Box::new(engine), picker: Box::new(Native), settings, data_dir: None };
    if args.iter().any(|arg| arg == "--figures") {
        return figures::run(parts, files, send);
    }
    if args.iter().any(|arg| arg == "--pictures") {
        let pages = if is_first { vec![("welcome", Screen::Welcome)] } else { SCREENS.to_vec() };
        return pictures::run(parts, pages, PathBuf::from(after("--pictures")));
    }
    let page = if is_first { Screen::Welcome } else { page };
    start::open_at(parts, page, |ctx| {
        let (ctx, send) = (ctx.clone(), send);
        std::thread::spawn(move || demo(&ctx, &send, is_first));
    })
}

/// Some life: progress that moves for a while, then nothing, so that idling can be measured.
fn demo(ctx: &eframe::egui::Context, send: &Sender<NodeEvent>, is_first: bool) {
    for step in 0_u64..40 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        if is_first || std::env::var_os("POTOK_DEMO_STILL").is_some() {
            ctx.request_repaint();
            continue;
        }
        for mut transfer in transfers().into_iter().filter(|t| t.state == TransferState::Running) {
            transfer.done_bytes += step * transfer.bytes_per_second / 40;
            transfer.bytes_per_second += step * 7_919 * 13 % 700_000;
            let _ = send.send(NodeEvent::Transfer(transfer));
        }
        ctx.request_repaint();
    }
}
