//! What the window knows of a network, with real clients and a real tracker: one of them shares and unshares while the
//! other one looks.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use potok_app::model::Model;
use potok_app::model::browse::{Look, Query};
use potok_app::model::shown_rows::OpenContents;
use potok_app::model::tree::Open;
use potok_core::library::typed::ShareOrLocalPath;
use potok_core::model::invite::TrackerAddress;
use potok_core::model::username::Username;
use potok_core::node::event::{NodeEvent, Outcome};
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, ShareRequest};
use potok_core::node::settings::Settings;
use potok_core::node::{Node, Setup};
use potok_core::protocol::reply::FolderEntry;

/// Longer than anything here takes.
const TOO_LONG: Duration = Duration::from_secs(30);

/// A running client.
struct Running {
    node: Node,
    dir: tempfile::TempDir,
}

impl Running {
    fn start(name: &str, hosts: bool) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let setup = Setup {
            data_dir: dir.path().join("data"),
            settings: Settings {
                name: Username::new(name).ok(),
                listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                ..Settings::default()
            },
            download_folder: Some(dir.path().join("downloads")),
            host_tracker: hosts.then_some(SocketAddr::from(([127, 0, 0, 1], 0))),
            metering: None,
        };
        Self { node: Node::start(setup, Arc::new(|| {})).expect("starts"), dir }
    }

    fn ask(&self, intent: Intent) -> Result<Outcome, Failure> {
        let id = self.node.ask(intent);
        let until = Instant::now() + TOO_LONG;
        loop {
            match self.node.notices().recv_deadline(until).expect("it answers") {
                NodeEvent::Outcome { id: of, result } if of == id => return result,
                _ => {}
            }
        }
    }

    /// A file of this name is shared.
    fn share(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, name).expect("can be written");
        let typed = path.to_string_lossy().into_owned();
        let request = ShareRequest { typed, cwd: PathBuf::new(), share_as: None };
        let shared = self.ask(Intent::Share(vec![request]));
        assert!(matches!(&shared, Ok(Outcome::Shared(shares)) if shares.len() == 1), "{shared:?}");
        path
    }
}

/// A client with what its window knows.
struct Watching {
    running: Running,
    model: Model,
    query: Query,
}

impl Watching {
    /// Looks until it is so.
    fn until(&mut self, what: &str, is_so: impl Fn(&Model) -> bool) {
        let until = Instant::now() + TOO_LONG;
        while !is_so(&self.model) {
            let (open, open_contents) = (Open::new(), OpenContents::new());
            let look = Look {
                query: &self.query,
                open: &open,
                open_contents: &open_contents,
                view: 0..20,
                wants_all: false,
                content: None,
            };
            let node = &self.running.node;
            let later = self.model.look(Instant::now(), &look, &mut |intent| node.ask(intent));
            let wake = later.map_or(until, |later| until.min(Instant::now() + later));
            match node.notices().recv_deadline(wake) {
                Ok(event) => self.model.apply(Instant::now(), event),
                Err(_time) => assert!(Instant::now() < until, "not so: {what}; {:?}", rows(&self.model)),
            }
        }
    }
}

fn rows(model: &Model) -> Vec<String> {
    let row = |at| match model.browse.row(at)? {
        FolderEntry::File(file) => Some(format!("{} {}", file.username, file.path)),
        FolderEntry::Folder(folder) => Some(format!("{}/ {}", folder.path, folder.totals.files)),
    };
    (0..model.browse.len()).filter_map(row).collect()
}

#[test]
fn what_others_share_is_seen_while_it_is_looked_at() {
    let host = Running::start("host", true);
    let invite = match host.ask(Intent::Invite) {
        Ok(Outcome::Invite(invite)) => invite,
        other => panic!("{other:?}"),
    };
    host.share("a.txt");
    let running = Running::start("guest", false);
    let tracker = TrackerAddress::from(invite);
    running.node.ask(Intent::Join(tracker));
    let mut guest = Watching { running, model: Model::default(), query: Query::default() };
    guest.until("the first file", |model| rows(model) == ["host a.txt"]);

    // What is told is seen.
    guest.until("the sum", |model| model.browse.everything().is_some_and(|all| all.files == 1));
    let path = host.share("b.txt");
    guest.until("a second file", |model| rows(model) == ["host a.txt", "host b.txt"]);
    let unshare = ShareOrLocalPath::new(path.to_string_lossy(), host.dir.path()).expect("a path");
    assert!(matches!(host.ask(Intent::Unshare { paths: vec![unshare] }), Ok(Outcome::Unshared(_))));
    guest.until("one file again", |model| rows(model) == ["host a.txt"]);

    // Words and folders are asked of the tracker.
    guest.query.text = "nothing like it".into();
    guest.until("nothing", |model| rows(model).is_empty());
    guest.query = Query { folder: Some(String::new()), ..Query::default() };
    guest.until("the top", |model| rows(model) == ["host a.txt"]);

    guest.running.node.stop();
    host.node.stop();
}
