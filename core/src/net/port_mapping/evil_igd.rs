//! A router that takes questions by UPnP and means no good, or knows no better.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::*;
use crate::reach::mapping::MappingState;

/// What is asked of it: a document, or an action.
struct Question<'a> {
    path: &'a str,
    action: &'a str,
    /// Where nobody of this home may be led.
    elsewhere: SocketAddr,
}

/// What it says to that.
enum Reply {
    Document(String),
    Failure(u16),
    MovedTo(String),
    Endless(&'static [u8]),
    /// A byte now and then.
    Drip,
}

type Answers = fn(&Question<'_>) -> Reply;
/// The answers to a search, as many times as that.
type Location = (fn(router: SocketAddr, elsewhere: SocketAddr) -> String, usize);

const ROOT: &str = "/root.xml";
const ACTIONS: &str = "/actions.xml";
const CONTROL: &str = "/control";
/// More than anything that is believed of a router.
const BYTES_TAKEN_MAX: u64 = 16 << 20;

fn root(control: &str) -> Reply {
    let nested = |kind: &str, inner: String| {
        format!("<device><deviceType>urn:schemas-upnp-org:device:{kind}:1</deviceType>{inner}</device>")
    };
    let service = format!(
        "<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>\
         <controlURL>{control}</controlURL><SCPDURL>{ACTIONS}</SCPDURL></service></serviceList>"
    );
    let connection = format!("<deviceList>{}</deviceList>", nested("WANConnectionDevice", service));
    let wan = format!("<deviceList>{}</deviceList>", nested("WANDevice", connection));
    Reply::Document(format!("<root>{}</root>", nested("InternetGatewayDevice", wan)))
}

fn actions() -> Reply {
    let action = |name: &str, arguments: &[&str]| {
        let argument = |name| format!("<argument><name>{name}</name><direction>in</direction></argument>");
        let arguments: String = arguments.iter().map(argument).collect();
        format!("<action><name>{name}</name><argumentList>{arguments}</argumentList></action>")
    };
    let port = ["NewRemoteHost", "NewExternalPort", "NewProtocol"];
    let more = ["NewInternalPort", "NewInternalClient", "NewEnabled", "NewPortMappingDescription", "NewLeaseDuration"];
    let add = action("AddPortMapping", &[&port[..], &more[..]].concat());
    let delete = action("DeletePortMapping", &port);
    Reply::Document(format!("<scpd><actionList>{add}{delete}</actionList></scpd>"))
}

fn done(action: &str, inner: &str) -> Reply {
    let response = format!("<u:{action}Response xmlns:u=\"urn:x\">{inner}</u:{action}Response>");
    Reply::Document(format!("<s:Envelope xmlns:s=\"urn:s\"><s:Body>{response}</s:Body></s:Envelope>"))
}

fn external(address: &str) -> Reply {
    done("GetExternalIPAddress", &format!("<NewExternalIPAddress>{address}</NewExternalIPAddress>"))
}

/// One that does what it is asked for.
fn honest(question: &Question<'_>) -> Reply {
    match (question.path, question.action) {
        (ROOT, _) => root(CONTROL),
        (ACTIONS, _) => actions(),
        (_, "GetExternalIPAddress") => external("203.0.113.7"),
        (_, action) => done(action, ""),
    }
}

fn at_root(router: SocketAddr, _elsewhere: SocketAddr) -> String {
    format!("http://{router}{ROOT}")
}

fn led_elsewhere(_router: SocketAddr, elsewhere: SocketAddr) -> String {
    format!("http://{elsewhere}{ROOT}")
}

/// What a router notes.
#[derive(Default)]
struct Notes {
    /// The documents and actions that it was asked for.
    asked: Mutex<Vec<String>>,
    /// The most bytes of a document without end that were taken of it.
    taken: AtomicU64,
    /// Those who were led elsewhere.
    led: AtomicU64,
}

/// A home whose router answers like this: what came of asking it, and what it noted.
async fn ask(location: Location, answers: Answers) -> (Result<MappedPort, NoMapping>, Arc<Notes>) {
    // An address of this test's own: the port of searches is not for choosing.
    let ip = Ipv4Addr::from(0x7f4e_0000 | (rand::random::<u32>() & 0xffff));
    let search = UdpSocket::bind((ip, SSDP_PORT)).expect("an address of its own");
    let http = TcpListener::bind((ip, 0)).expect("listens");
    let trap = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listens");
    let (at, elsewhere) = (http.local_addr().expect("bound"), trap.local_addr().expect("bound"));
    let notes = Arc::new(Notes::default());
    let noted = Arc::clone(&notes);
    // These threads wait for who never comes, and end with the program.
    thread::spawn(move || {
        for _somebody in trap.incoming() {
            noted.led.fetch_add(1, Ordering::Relaxed);
        }
    });
    let noted = Arc::clone(&notes);
    thread::spawn(move || {
        for client in http.incoming().flatten() {
            let noted = Arc::clone(&noted);
            thread::spawn(move || drop(serve(client, elsewhere, answers, &noted)));
        }
    });
    thread::spawn(move || {
        let (mut request, (to, times)) = ([0; 1500], location);
        while let Ok((_, from)) = search.recv_from(&mut request) {
            let answer = format!("HTTP/1.1 200 OK\r\nLOCATION: {}\r\n\r\n", to(at, elsewhere));
            (0..times).for_each(|_| drop(search.send_to(answer.as_bytes(), from)));
        }
    });
    let (router, own) = (SocketAddr::new(ip.into(), 5351), Ipv4Addr::LOCALHOST.into());
    let wish = MappingWish { router, own, port: PeerPort::new(4001).expect("a port") };
    let mut mapping = RouterMapping::default();
    let asking = timeout(4 * (IGD_SEARCH_MAX + IGD_ANSWERS_MAX), mapping.ask(MappingProtocol::Igd, wish));
    let result = asking.await.expect("it ends by itself");
    mapping.remove(IGD_ANSWERS_MAX).await;
    (result, notes)
}

/// Whoever asks breaks off whenever they like.
fn serve(client: TcpStream, elsewhere: SocketAddr, answers: Answers, asked: &Notes) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut first, mut action, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let lower = line.trim().to_ascii_lowercase();
        if lower.is_empty() {
            break;
        }
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if lower.starts_with("soapaction:") {
            action = line.rsplit('#').next().unwrap_or_default().trim().trim_end_matches('"').to_owned();
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    let path = first.split(' ').nth(1).unwrap_or_default();
    asked.asked.lock().push(if action.is_empty() { path.to_owned() } else { action.clone() });
    let mut client = client;
    match answers(&Question { path, action: &action, elsewhere }) {
        Reply::Document(text) => write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()),
        Reply::Failure(code) => {
            let text = format!(
                "<s:Envelope xmlns:s=\"urn:s\"><s:Body><s:Fault><detail><UPnPError><errorCode>{code}</errorCode>\
                 <errorDescription>no</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>"
            );
            write!(client, "HTTP/1.1 500 No\r\nContent-Length: {}\r\n\r\n{text}", text.len())
        }
        Reply::MovedTo(to) => write!(client, "HTTP/1.1 302 Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"),
        Reply::Endless(piece) => {
            write!(client, "HTTP/1.1 200 OK\r\n\r\n")?;
            let piece = piece.repeat(1 << 10);
            // Each search is answered, and each answer may be looked at: what counts is how much of one.
            let mut taken = 0;
            while taken < BYTES_TAKEN_MAX {
                client.write_all(&piece)?;
                taken += piece.len() as u64;
                asked.taken.fetch_max(taken, Ordering::Relaxed);
            }
            Ok(())
        }
        Reply::Drip => {
            write!(client, "HTTP/1.1 200 OK\r\n\r\n<root>")?;
            loop {
                client.write_all(b" ")?;
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_router_says_by_upnp_leads_nowhere_else_and_comes_to_an_end() {
    const ONCE: Location = (at_root, 1);
    let evil: &[(&str, Location, Answers)] = &[
        ("another host is named", (led_elsewhere, 1), honest),
        ("another host is named without end", (led_elsewhere, 20_000), honest),
        ("a document that is elsewhere", ONCE, |question| {
            Reply::MovedTo(format!("http://{}{ROOT}", question.elsewhere))
        }),
        ("actions that are elsewhere", ONCE, |question| match question.path {
            ROOT => root(&format!("http://{}{CONTROL}", question.elsewhere)),
            _ => honest(question),
        }),
        ("actions that have moved", ONCE, |question| match question.path {
            CONTROL => Reply::MovedTo(format!("http://{}{CONTROL}", question.elsewhere)),
            _ => honest(question),
        }),
        ("a document without end", ONCE, |_| Reply::Endless(b"<device>text</device>")),
        ("a document as deep as it is long", ONCE, |_| Reply::Endless(b"<device>")),
        ("a deep document", ONCE, |_| Reply::Document("<device>".repeat(100_000))),
        ("an answer without end", ONCE, |question| match question.path {
            CONTROL => Reply::Endless(b"<a>"),
            _ => honest(question),
        }),
        ("a deep answer", ONCE, |question| match question.path {
            CONTROL => Reply::Document("<a>".repeat(300_000)),
            _ => honest(question),
        }),
        ("a document that drips", ONCE, |_| Reply::Drip),
        ("an answer that drips", ONCE, |question| match question.path {
            CONTROL => Reply::Drip,
            _ => honest(question),
        }),
        ("nothing of use", ONCE, |_| Reply::Document("<root/>".into())),
        ("no XML", ONCE, |_| Reply::Document("\u{0}\u{ffff}&lol;".into())),
        ("every port is taken", ONCE, |question| match question.action {
            "AddPortMapping" => Reply::Failure(718),
            _ => honest(question),
        }),
        ("nobody may", ONCE, |question| match question.action {
            "AddPortMapping" => Reply::Failure(606),
            _ => honest(question),
        }),
    ];
    let mut homes = JoinSet::new();
    for &(what, location, answers) in evil {
        homes.spawn(async move { (what, ask(location, answers).await) });
    }
    while let Some(home) = homes.join_next().await {
        let (what, (result, notes)) = home.expect("no panic");
        assert!(result.is_err(), "{what}: {result:?}");
        assert_eq!(notes.led.load(Ordering::Relaxed), 0, "{what}: somebody was led elsewhere");
        assert!(notes.taken.load(Ordering::Relaxed) < BYTES_TAKEN_MAX, "{what}: it is read without end");
        let asked = notes.asked.lock().len();
        assert!(asked < 64, "{what}: asked {asked} times");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_router_says_of_itself_by_upnp_is_no_more_than_its_word() {
    let (mapped, notes) = ask((at_root, 1), honest).await;
    let mapped = mapped.expect("an honest one");
    assert_eq!((mapped.port.get(), mapped.lasts), (4001, IGD_LASTS));
    assert_eq!(mapped.address, Some("203.0.113.7".parse().expect("an address")));
    let asked = notes.asked.lock().clone();
    assert_eq!(asked, [ROOT, ACTIONS, "AddPortMapping", "GetExternalIPAddress", "DeletePortMapping"], "and given back");

    let below: &[(&str, Answers)] = &[
        ("192.168.0.7", |question| match question.action {
            "GetExternalIPAddress" => external("192.168.0.7"),
            _ => honest(question),
        }),
        ("100.64.0.7", |question| match question.action {
            "GetExternalIPAddress" => external("100.64.0.7"),
            _ => honest(question),
        }),
        ("127.0.0.1", |question| match question.action {
            "GetExternalIPAddress" => external("127.0.0.1"),
            _ => honest(question),
        }),
        ("0.0.0.0", |question| match question.action {
            "GetExternalIPAddress" => external("0.0.0.0"),
            _ => honest(question),
        }),
    ];
    for (address, answers) in below {
        let (mapped, ..) = ask((at_root, 1), *answers).await;
        let state = MappingState::Mapped(MappingProtocol::Igd, mapped.expect("mapped"));
        assert!(state.is_below_another_router(), "{address} is nowhere in the world");
    }

    let (mapped, ..) = ask((at_root, 1), |question| match question.action {
        "GetExternalIPAddress" => external("here"),
        _ => honest(question),
    })
    .await;
    assert_eq!(mapped.expect("mapped all the same").address, None);

    // It gives a port for ever, or not at all: so it is, and it is given back in the end.
    static FIRST: AtomicU64 = AtomicU64::new(0);
    let (mapped, notes) = ask((at_root, 1), |question| match question.action {
        "AddPortMapping" if FIRST.fetch_add(1, Ordering::Relaxed) == 0 => Reply::Failure(725),
        _ => honest(question),
    })
    .await;
    assert_eq!(mapped.expect("mapped").lasts, Duration::ZERO);
    assert_eq!(notes.asked.lock().last().map(String::as_str), Some("DeletePortMapping"));
}
