//! A client whose tracker says nothing any more, and which has not noticed.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use parking_lot::{Condvar, Mutex};

use super::*;
use crate::model::absence::AbsenceReason;
use crate::model::invite::HostPort;
use crate::node::warning::Warning;

/// The way to a tracker, which can be cut: nothing passes then, and neither side is told.
struct Line {
    at: SocketAddr,
    cut: Arc<Cut>,
}

#[derive(Default)]
struct Cut {
    is_cut: Mutex<bool>,
    mended: Condvar,
}

impl Line {
    fn to(tracker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let (at, cut) = (listener.local_addr().expect("bound"), Arc::<Cut>::default());
        let cut_too = Arc::clone(&cut);
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (near, far) = (near.expect("accepted"), TcpStream::connect(tracker).expect("connected"));
                for (from, to) in [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))] {
                    let (from, to, cut) = (from.expect("cloned"), to.expect("cloned"), Arc::clone(&cut_too));
                    std::thread::spawn(move || cut.carry(from, &to));
                }
            }
        });
        Self { at, cut }
    }

    fn set_cut(&self, is_cut: bool) {
        *self.cut.is_cut.lock() = is_cut;
        self.cut.mended.notify_all();
    }
}

impl Cut {
    fn carry(&self, mut from: TcpStream, mut to: &TcpStream) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let mut is_cut = self.is_cut.lock();
            while *is_cut {
                self.mended.wait(&mut is_cut);
            }
            drop(is_cut);
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        // The other side may have gone before.
        let _gone = to.shutdown(Shutdown::Both);
    }
}

#[test]
fn sharing_is_stopped_beside_a_tracker_that_says_nothing() {
    let (mut host, tracker) = Client::host("host");
    let at = SocketAddr::new([127, 0, 0, 1].into(), tracker.address.first().port());
    let line = Line::to(at);
    let through_it = HostPort::new("127.0.0.1", line.at.port()).expect("an address");
    let mut boris = Client::at("boris", &TrackerAddress { address: through_it.into(), ..tracker });
    boris.until(is_online);
    share(&mut boris, &[("film.mkv", b"film")]);
    let listed = |host: &mut Client| {
        let id = host.send(Intent::ListFiles { user: Some(name("boris")) });
        let is_there = |notice: &NodeEvent| match notice {
            NodeEvent::Files { id: of, files } => *of == id && !files.is_empty(),
            _ => false,
        };
        assert_eq!(host.outcome(id), Ok(Outcome::Done));
        host.heard.iter().any(is_there)
    };
    assert!(listed(&mut host));

    line.set_cut(true);
    let film = typed::ShareOrLocalPath::new("film.mkv", boris.dir.path()).expect("a path");
    let unshared = boris.ask(Intent::Unshare { paths: vec![film] });
    assert!(matches!(&unshared, Ok(Outcome::Unshared(paths)) if paths.len() == 1), "{unshared:?}");
    boris.until(|notice| matches!(notice, NodeEvent::Warning(Warning::StillListed)));
    assert!(listed(&mut host), "it does not know yet");
    assert_eq!(boris.ask(Intent::ListShares), Ok(Outcome::Shared(Vec::new())));
    line.set_cut(false);
    let until = Instant::now() + TOO_LONG;
    while listed(&mut host) {
        assert!(Instant::now() < until, "the tracker is not told");
    }

    boris.restart();
    assert_eq!(boris.ask(Intent::ListShares), Ok(Outcome::Shared(Vec::new())), "not after a restart either");
}

#[test]
fn a_proxy_that_is_away_is_named_and_not_gone_past() {
    let (mut host, tracker) = Client::host("host");
    let mut boris = Client::start("boris", false);
    // Nobody listens there any more.
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    boris.apply(|settings| settings.socks5 = Some(closed.to_string().parse().expect("an address")));
    boris.send(Intent::Join(tracker));
    let is_away = |event: &NodeEvent| {
        let NodeEvent::Connection(TrackerConnection::Connecting { why: Some(Failure::Offline { why, .. }), .. }) =
            event
        else {
            return false;
        };
        matches!(why, AbsenceReason::ProxyAway { proxy, .. } if *proxy == closed.to_string())
    };
    boris.until(is_away);
    assert_eq!(host.hosted().users, 1, "the host alone");
}
