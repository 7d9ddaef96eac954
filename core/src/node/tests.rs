//! Whole clients on loopback: an intent goes in, and what follows from it is seen by its outcome and by the others.

mod away;
mod owning;
// Only there all of 127.0.0.0/8 is this computer: others listen at one address of it.
#[cfg(target_os = "linux")]
mod proxied;
#[cfg(target_os = "linux")]
mod reach;
mod transfers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::library::typed::{self, RemotePath};
use crate::model::invite::TrackerAddress;
use crate::model::username::Username;
use crate::node::event::{Direction, Hosted, Me, NodeEvent, Outcome, Status, TrackerConnection, TransferState};
use crate::node::failure::Failure;
use crate::node::intent::{DownloadRequest, Existing, Intent, IntentId, ShareRequest, TransferId, UnsafeNames};
use crate::node::settings::Settings;
use crate::node::{Node, Setup};

/// Longer than anything here takes; a test that waits so long has failed.
const TOO_LONG: Duration = Duration::from_secs(30);

/// A running client with a data folder of its own.
struct Client {
    node: Option<Node>,
    settings: Settings,
    dir: tempfile::TempDir,
    /// What was told and not looked for yet.
    heard: Vec<NodeEvent>,
}

impl Client {
    fn start(name: &str, hosts: bool) -> Self {
        let settings = Settings {
            name: Some(self::name(name)),
            listen: "127.0.0.1:0".parse().expect("an address"),
            local_discovery: false,
            ..Settings::default()
        };
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut client = Self { node: None, settings, dir, heard: Vec::new() };
        client.run(hosts);
        client
    }

    /// Hosts a tracker, and is there.
    fn host(name: &str) -> (Self, TrackerAddress) {
        let mut host = Self::start(name, true);
        host.until(is_online);
        let tracker = host.invite();
        (host, tracker)
    }

    /// Is at that tracker.
    fn at(name: &str, tracker: &TrackerAddress) -> Self {
        let mut client = Self::start(name, false);
        assert_eq!(client.ask(Intent::Join(tracker.clone())), Ok(Outcome::Done));
        client
    }

    fn run(&mut self, hosts: bool) {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let setup = Setup {
            data_dir: self.dir.path().join("data"),
            settings: self.settings.clone(),
            download_folder: Some(self.downloads()),
            host_tracker: hosts.then_some(loopback),
            metering: None,
        };
        self.node = Some(Node::start(setup, Arc::new(|| {})).expect("starts"));
    }

    fn restart(&mut self) {
        self.node.take().expect("runs").stop();
        self.heard.clear();
        self.run(false);
    }

    fn downloads(&self) -> PathBuf {
        self.dir.path().join("downloads")
    }

    fn invite(&mut self) -> TrackerAddress {
        match self.ask(Intent::Invite) {
            Ok(Outcome::Invite(invite)) => {
                TrackerAddress { address: invite.address, key: Some(invite.key), token: None }
            }
            other => panic!("{other:?}"),
        }
    }

    fn status(&mut self) -> Status {
        match self.ask(Intent::Status) {
            Ok(Outcome::Status(status)) => *status,
            other => panic!("{other:?}"),
        }
    }

    fn hosted(&mut self) -> Hosted {
        self.status().hosted.expect("hosts")
    }

    fn me(&mut self) -> Me {
        match self.ask(Intent::WhoAmI) {
            Ok(Outcome::Me(me)) => me,
            other => panic!("{other:?}"),
        }
    }

    fn apply(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        assert_eq!(self.ask(Intent::Apply(Box::new(self.settings.clone()))), Ok(Outcome::Done));
    }

    fn ask(&mut self, intent: Intent) -> Result<Outcome, Failure> {
        let id = self.send(intent);
        self.outcome(id)
    }

    fn send(&self, intent: Intent) -> IntentId {
        self.node.as_ref().expect("runs").ask(intent)
    }

    fn outcome(&mut self, of: IntentId) -> Result<Outcome, Failure> {
        match self.until(|notice| matches!(notice, NodeEvent::Outcome { id, .. } if *id == of)) {
            NodeEvent::Outcome { result, .. } => result,
            other => panic!("{other:?}"),
        }
    }

    /// The first notice of this kind that was not looked for yet; those of other kinds wait.
    fn until(&mut self, is_meant: impl Fn(&NodeEvent) -> bool) -> NodeEvent {
        let until = Instant::now() + TOO_LONG;
        if let Some(at) = self.heard.iter().position(&is_meant) {
            return self.heard.remove(at);
        }
        loop {
            let next = self.node.as_ref().expect("runs").notices().recv_deadline(until);
            let notice = next.unwrap_or_else(|why| panic!("{why}; heard {:#?}", self.heard));
            if is_meant(&notice) {
                return notice;
            }
            self.heard.push(notice);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop();
        }
    }
}

fn name(user: &str) -> Username {
    Username::new(user).expect(user)
}

/// As somebody joins who has no invite.
fn by_address(tracker: &TrackerAddress) -> TrackerAddress {
    TrackerAddress { address: tracker.address.clone(), key: None, token: None }
}

fn is_online(notice: &NodeEvent) -> bool {
    matches!(notice, NodeEvent::Connection(TrackerConnection::Online { .. }))
}

/// What the wire shows until that line.
fn wire(client: &mut Client, last: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| line != last) {
        match client.until(|notice| matches!(notice, NodeEvent::Wire { .. })) {
            NodeEvent::Wire { sent: true, line } => lines.push(format!("> {line}")),
            NodeEvent::Wire { sent: false, line } => lines.push(format!("< {line}")),
            other => panic!("{other:?}"),
        }
    }
    lines
}

#[test]
fn a_person_reads_the_wire_and_types_on_it() {
    let (mut host, tracker) = Client::host("host");
    // Typed lines are shown with their answers, and nothing else is while it is not wanted.
    assert_eq!(host.ask(Intent::SendLine("whoami".into())), Ok(Outcome::Done));
    let me = host.me();
    let own = format!("< host {} {}", me.address.expect("has one"), me.key);
    assert_eq!(wire(&mut host, &own), ["> whoami", "< OK 1", &own]);

    // Among the client's own questions each has its own answer.
    let sent: Vec<IntentId> = (0..30)
        .map(|n| match n % 3 {
            0 => host.send(Intent::SendLine("frobnicate".into())),
            1 => host.send(Intent::SendLine("list-users".into())),
            _ => host.send(Intent::WhoAmI),
        })
        .collect();
    for (n, id) in sent.into_iter().enumerate() {
        let expected = if n % 3 == 2 { Outcome::Me(me.clone()) } else { Outcome::Done };
        assert_eq!(host.outcome(id), Ok(expected));
    }
    let shown = host.heard.iter().filter(|notice| matches!(notice, NodeEvent::Wire { .. })).count();
    assert_eq!(shown, 10 * 2 + 10 * 3, "a question or two lines, and their answers");
    host.heard.clear();

    assert_eq!(host.ask(Intent::TapWire(true)), Ok(Outcome::Done));
    let _guest = Client::at("guest", &tracker);
    let joined = |line: &str| line.starts_with("< * joined guest ");
    host.until(|notice| matches!(notice, NodeEvent::Wire { sent: false, line } if joined(&format!("< {line}"))));
    assert_eq!(host.ask(Intent::TapWire(false)), Ok(Outcome::Done));

    for (line, why) in [
        ("quit", "sent-by-itself"),
        ("REGISTER-user anna", "sent-by-itself"),
        ("\"unregister-files\" host x", "sent-by-itself"),
        ("", "not-one-line"),
        (" ", "not-one-line"),
        ("ping\nquit", "not-one-line"),
        ("ping\u{1b}", "bad-line"),
        ("GET / HTTP/1.1", "bad-line"),
    ] {
        let failure = host.ask(Intent::SendLine(line.into())).expect_err(line);
        assert_eq!(failure.key(), why, "{line:?}");
    }
    assert_eq!(Client::start("alone", false).ask(Intent::SendLine("ping".into())), Err(Failure::NoTracker));
}

fn share(client: &mut Client, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = client.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }
    let cwd = client.dir.path().to_owned();
    let tops: std::collections::BTreeSet<&str> =
        files.iter().map(|(name, _)| name.split_once('/').map_or(*name, |(top, _)| top)).collect();
    let request = |top: &str| ShareRequest { typed: top.to_owned(), cwd: cwd.clone(), share_as: None };
    let requests = tops.into_iter().map(request).collect();
    assert!(matches!(client.ask(Intent::Share(requests)), Ok(Outcome::Shared(_))));
}

fn download(client: &mut Client, user: &str, path: &str) -> TransferId {
    let request = DownloadRequest {
        user: name(user),
        remote_path: RemotePath::new(path).expect(path),
        local_path: None,
        existing: Existing::Refuse,
        unsafe_names: UnsafeNames::LeaveOut,
        wait: true,
    };
    match client.ask(Intent::Download(request)) {
        Ok(Outcome::Queued(number)) => number,
        other => panic!("{path}: {other:?}"),
    }
}

fn labels(client: &mut Client) -> Vec<String> {
    match client.ask(Intent::ListTransfers) {
        Ok(Outcome::Transfers(transfers)) => {
            transfers.into_iter().filter(|t| t.direction == Direction::Download).map(|t| t.label).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_waits_for_a_user_is_told_so() {
    let (host, tracker) = Client::host("host");
    let mut guest = Client::at("guest", &tracker);
    let request = DownloadRequest {
        user: name("late"),
        remote_path: RemotePath::new("a").expect("a path"),
        local_path: None,
        existing: Existing::Refuse,
        unsafe_names: UnsafeNames::LeaveOut,
        wait: true,
    };
    let asked = guest.send(Intent::Download(request));
    guest.until(|notice| matches!(notice, NodeEvent::WaitingFor { id, user } if *id == asked && user == "late"));
    let mut late = Client::at("late", &tracker);
    // They are here, and share nothing yet.
    std::thread::sleep(Duration::from_millis(300));
    share(&mut late, &[("a", b"one")]);
    assert!(matches!(guest.outcome(asked), Ok(Outcome::Queued(_))));
    guest.until(|notice| matches!(notice, NodeEvent::Downloaded { .. }));
    assert!(!guest.heard.iter().any(|notice| matches!(notice, NodeEvent::WaitingFor { .. })), "told once");
    drop(host);
}

#[test]
fn what_is_renamed_is_fetched_under_its_new_name() {
    let (mut host, tracker) = Client::host("host");
    share(&mut host, &[("Trip/a", b"one"), ("Trip/sub/b", b"two"), ("c", b"three")]);
    let path = |typed: &str| typed::share_path(typed).expect(typed);
    let rename = |from: &str, to: &str| Intent::RenameShare { from: path(from), to: path(to) };
    let paths = |outcome| match outcome {
        Ok(Outcome::Shared(shares)) => shares.into_iter().map(|share| share.path.to_string()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(paths(host.ask(rename("Trip/", "Summer/"))), ["Summer/a", "Summer/sub/b"]);
    assert_eq!(paths(host.ask(rename("Summer/sub/b", "Best"))), ["Best"]);
    assert!(matches!(host.ask(rename("c", "Summer/a")), Err(Failure::PathTaken { .. })));
    // Nobody is announced above their own shares: that is no share path.
    assert!(typed::share_path("../c").is_err());
    assert_eq!(host.ask(rename("Trip", "x")), Err(Failure::NotYours { path: "Trip".into() }));
    let after = ["Best", "Summer/a", "c"];
    assert_eq!(paths(host.ask(Intent::ListShares)), after);

    let mut guest = Client::at("guest", &tracker);
    let id = guest.send(Intent::ListFiles { user: None });
    match guest.until(|notice| matches!(notice, NodeEvent::Files { .. })) {
        NodeEvent::Files { files, .. } => assert!(files.iter().map(|file| file.path.as_str()).eq(after)),
        other => panic!("{other:?}"),
    }
    assert_eq!(guest.outcome(id), Ok(Outcome::Done));
    download(&mut guest, "host", "Best");
    guest.until(|notice| matches!(notice, NodeEvent::Downloaded { .. }));
    assert_eq!(std::fs::read(guest.downloads().join("Best")).expect("there"), b"two");

    host.restart();
    let until = Instant::now() + TOO_LONG;
    while paths(host.ask(Intent::ListShares)) != after {
        assert!(Instant::now() < until, "the names are not kept");
    }
}

#[test]
fn another_greeting_is_seen_by_everybody_at_once() {
    let (mut host, tracker) = Client::host("host");
    let mut guest = Client::at("guest", &tracker);
    guest.until(is_online);
    host.apply(|settings| {
        settings.network_name = "Our house".into();
        settings.message_of_the_day = "Hello\nall".into();
    });
    for client in [&mut host, &mut guest] {
        client.until(|notice| match notice {
            NodeEvent::Connection(TrackerConnection::Online { network, message_of_the_day, .. }) => {
                network == "Our house" && message_of_the_day == &["Hello", "all"]
            }
            _ => false,
        });
    }
}

#[test]
fn settings_bring_us_elsewhere_only_when_they_say_so() {
    let (mut one, first) = Client::host("one");
    let (_other, second) = Client::host("other");
    let mut guest = Client::at("guest", &first);
    guest.until(is_online);
    guest.heard.clear();
    one.heard.clear();
    // Where an intent brought us the settings agree, or do not say otherwise.
    guest.apply(|settings| settings.upload_slots = 7);
    guest.apply(|settings| settings.tracker = Some(by_address(&first)));
    guest.apply(|settings| settings.tracker = Some(first.clone()));
    one.apply(|settings| settings.upload_slots = 7);
    assert!(!guest.heard.iter().chain(&one.heard).any(|notice| matches!(notice, NodeEvent::Connection(_))));

    // Another name is another registration, wherever we are.
    guest.apply(|settings| settings.name = Some(name("renamed")));
    guest.until(is_online);
    assert_eq!(guest.me().username.as_str(), "renamed");
    one.apply(|settings| settings.name = Some(name("uno")));
    one.until(is_online);
    assert_eq!(one.me().username.as_str(), "uno");

    guest.apply(|settings| settings.tracker = Some(by_address(&second)));
    guest.until(is_online);
    assert_eq!(guest.invite(), second);
    guest.apply(|settings| settings.tracker = None);
    assert_eq!(guest.status().connection, TrackerConnection::None);
}

#[test]
fn of_several_joins_the_last_one_counts() {
    let (_anna, first) = Client::host("anna");
    let (_boris, second) = Client::host("boris");
    let mut carol = Client::start("carol", false);
    for _ in 0..20 {
        carol.send(Intent::Join(first.clone()));
        let last = carol.send(Intent::Join(second.clone()));
        assert_eq!(carol.outcome(last), Ok(Outcome::Done));
        let TrackerConnection::Online { tracker, .. } = carol.status().connection else { panic!("not online") };
        assert_eq!(tracker, second.address.to_string());
    }
}

#[test]
fn a_download_that_goes_on_at_the_start_finds_who_is_there() {
    let (mut anna, tracker) = Client::host("anna");
    share(&mut anna, &[("a.bin", &[7; 300_000])]);
    let mut boris = Client::at("boris", &tracker);
    boris.settings.tracker = Some(by_address(&tracker));
    for _ in 0..8 {
        boris.apply(|settings| settings.download_bytes_per_second = 1);
        let number = download(&mut boris, "anna", "a.bin");
        boris.settings.download_bytes_per_second = 0;
        boris.restart();
        let is_over = |notice: &NodeEvent| match notice {
            NodeEvent::Transfer(transfer) => transfer.number == number && transfer.state == TransferState::Finished,
            _ => false,
        };
        boris.until(is_over);
        std::fs::remove_dir_all(boris.downloads()).expect("removed");
        assert_eq!(boris.ask(Intent::Acknowledge(number)), Ok(Outcome::Done));
    }
}
