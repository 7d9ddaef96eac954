//! A client whose connections leave through a proxy, and no other way.

use std::io::{Read, Write, copy};
use std::net::{IpAddr, TcpListener, TcpStream};

use parking_lot::Mutex;

use super::*;
use crate::model::invite::HostPort;
use crate::model::transfer::Transfer;
use crate::model::way::Way;
use crate::protocol::reply::UserLine;
use crate::tracker::log::LogEntry;

/// From where the proxy dials, so that others see whether somebody came through it.
const PROXY_IP: [u8; 4] = [127, 0, 0, 3];
/// A name that nobody but the proxy knows: it stands for this computer.
const PROXIED_NAME: &str = "tracker.invalid";

/// A SOCKS5 server that writes down what it is asked for.
struct Proxy {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let (at, asked) = (listener.local_addr().expect("bound"), Arc::new(Mutex::new(Vec::new())));
        let asked_too = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, asked) = (client.expect("accepted"), Arc::clone(&asked_too));
                std::thread::spawn(move || serve(client, &asked));
            }
        });
        Self { at, asked }
    }

    fn setting(&self) -> Option<crate::model::proxy::ProxyAddress> {
        Some(format!("anna:secret@{}", self.at).parse().expect("an address"))
    }

    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

/// Whoever asks breaks off whenever they like.
fn serve(mut client: TcpStream, asked: &Mutex<Vec<String>>) -> Option<()> {
    let methods = read(&mut client, 2)?[1].into();
    assert!(read(&mut client, methods)?.contains(&2), "it comes with its password");
    client.write_all(&[5, 2]).ok()?;
    let user = read(&mut client, 2)?[1].into();
    assert_eq!(read(&mut client, user)?, b"anna");
    let password = read(&mut client, 1)?[0].into();
    assert_eq!(read(&mut client, password)?, b"secret");
    client.write_all(&[1, 0]).ok()?;
    let kind = read(&mut client, 4)?[3];
    let host = match kind {
        1 => IpAddr::from(<[u8; 4]>::try_from(read(&mut client, 4)?).ok()?).to_string(),
        3 => {
            let length = read(&mut client, 1)?[0].into();
            String::from_utf8(read(&mut client, length)?).ok()?
        }
        _ => return None,
    };
    let port = u16::from_be_bytes(read(&mut client, 2)?.try_into().ok()?);
    asked.lock().push(format!("{host}:{port}"));
    let ip = if host == PROXIED_NAME { [127, 0, 0, 1].into() } else { host.parse::<IpAddr>().ok()? };
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).ok()?;
    socket.bind(&SocketAddr::from((PROXY_IP, 0)).into()).ok()?;
    socket.connect(&SocketAddr::new(ip, port).into()).ok()?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).ok()?;
    let other = TcpStream::from(socket);
    let (mut from, mut to) = (client.try_clone().ok()?, other.try_clone().ok()?);
    std::thread::spawn(move || {
        let _broken = copy(&mut from, &mut to);
        let _gone = to.shutdown(std::net::Shutdown::Write);
    });
    let (mut from, mut to) = (other, client);
    let _broken = copy(&mut from, &mut to);
    let _gone = to.shutdown(std::net::Shutdown::Both);
    Some(())
}

/// The next bytes.
fn read(client: &mut TcpStream, count: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).ok().map(|()| bytes)
}

fn saw(host: &mut Client, user: &str) -> IpAddr {
    let is_meant = |event: &NodeEvent| matches!(event, NodeEvent::TrackerLog { entry: LogEntry::Joined { user: who, .. }, .. } if who.as_str() == user);
    match host.until(is_meant) {
        NodeEvent::TrackerLog { entry: LogEntry::Joined { address, .. }, .. } => address,
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_leaves_through_the_proxy() {
    let (mut host, tracker) = Client::host("host");
    let film = vec![7; 3 << 20];
    share(&mut host, &[("film.mkv", &film)]);
    let mut boris = Client::at("boris", &tracker);
    assert_eq!(saw(&mut host, "boris"), IpAddr::from([127, 0, 0, 1]));
    let proxy = Proxy::start();
    boris.heard.clear();
    boris.apply(|settings| {
        settings.socks5 = proxy.setting();
        settings.listen = crate::model::listen::everywhere(0);
    });
    boris.until(is_online);
    assert!(
        boris.status().listening.is_some_and(|at| at.ip().is_loopback()),
        "who comes would learn whose address it is"
    );
    assert_eq!(saw(&mut host, "boris"), IpAddr::from(PROXY_IP), "it came again, and by the proxy");
    assert_eq!(boris.me().address, None, "nobody is sent to the proxy");
    download(&mut boris, "host", "film.mkv");
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.state == TransferState::Finished));
    assert_eq!(std::fs::read(boris.downloads().join("film.mkv")).expect("it is there"), film);
    let mut expected = vec![tracker.address.to_string(), host.me().address.expect("listens").to_string()];
    expected.sort();
    assert_eq!(proxy.asked(), expected);
}

#[test]
fn who_is_behind_a_proxy_is_fetched_from_all_the_same() {
    let (mut host, tracker) = Client::host("host");
    let mut boris = Client::at("boris", &tracker);
    let proxy = Proxy::start();
    boris.heard.clear();
    boris.apply(|settings| {
        settings.socks5 = proxy.setting();
        settings.upload_bytes_per_second = 2 << 20;
    });
    boris.until(is_online);
    let film = vec![7; 3 << 20];
    share(&mut boris, &[("film.mkv", &film)]);
    // He is known with the address of before until he is told to be nowhere.
    let is_nowhere = |user: &UserLine| user.username.as_str() == "boris" && user.address.is_none();
    host.until(|event| matches!(event, NodeEvent::Joined { user, .. } if is_nowhere(user)));
    let number = download(&mut host, "boris", "film.mkv");
    let is_meant = |t: &Transfer| t.number == number;
    // Nobody can dial him: he is asked to, and does so through the proxy.
    let is_reversed = |t: &Transfer| t.way == Some(Way::Reversed);
    host.until(|event| matches!(event, NodeEvent::Transfer(t) if is_meant(t) && is_reversed(t)));
    host.until(|event| matches!(event, NodeEvent::Transfer(t) if is_meant(t) && t.state == TransferState::Finished));
    assert_eq!(std::fs::read(host.downloads().join("film.mkv")).expect("it is there"), film);
    assert!(proxy.asked().contains(&host.me().address.expect("listens").to_string()), "{:?}", proxy.asked());
}

#[test]
fn names_are_looked_up_by_the_proxy_and_no_tracker_sends_us_past_it() {
    let (mut host, tracker) = Client::host("host");
    share(&mut host, &[("film.mkv", b"film")]);
    let proxy = Proxy::start();
    let mut boris = Client::start("boris", false);
    boris.apply(|settings| settings.socks5 = proxy.setting());
    let address = HostPort::new(PROXIED_NAME, tracker.address.first().port()).expect("a name");
    let named = TrackerAddress { address: address.clone().into(), ..tracker };
    assert_eq!(boris.ask(Intent::Join(named)), Ok(Outcome::Done));
    assert_eq!(saw(&mut host, "boris"), IpAddr::from(PROXY_IP));
    // The tracker says that somebody is at 127.0.0.1. A tracker elsewhere, as this one seems to be, must not say that.
    let number = download(&mut boris, "host", "film.mkv");
    let waits = |t: &Transfer| t.number == number && t.state != TransferState::Queued;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if waits(t)));
    boris.me();
    assert_eq!(proxy.asked(), [address.to_string()]);
}
