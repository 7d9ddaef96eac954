//! The server on loopback, with real TLS, and peers that ask what they like.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::UploadSettings;
use crate::model::geometry::BLOCK_BYTES_MIN;
use crate::model::key::PublicKey;
use crate::net::identity::Identity;
use crate::net::local;
use crate::protocol::peer::{Content, PeerRefusal, REQUEST_BYTES, Request};
use crate::service::testing::{Got, MemoryContent, TestClient, bytes, content_of, list_of, serve, serve_as, user};
use crate::transfer::Contact;

const LONG: Duration = Duration::from_secs(20);

fn read(id: u32, data: &[u8], block: u32) -> Request {
    Request::Read { id, content: content_of(data), block }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shared_is_sent_and_nothing_else() {
    let large = bytes(1, usize::try_from(BLOCK_BYTES_MIN * 2 + 5).expect("small"));
    let (small, empty, secret) = (bytes(2, 1000), Vec::new(), bytes(3, 1000));
    let content_source = MemoryContent::with(&[large.clone(), small.clone(), empty.clone()]);
    let server = serve("anna", content_source.clone(), UploadSettings::default()).await;
    let mut client = TestClient::connect(&server.contact).await;
    let block = usize::try_from(BLOCK_BYTES_MIN).expect("small");

    let wrong_size = Content { size: 999, ..content_of(&small) };
    let cases = [
        (read(1, &small, 0), Got::Data(1, small.clone())),
        (read(2, &large, 1), Got::Data(2, large[block..2 * block].to_vec())),
        (read(3, &large, 2), Got::Data(3, large[2 * block..].to_vec())),
        (read(4, &empty, 0), Got::Data(4, Vec::new())),
        (
            Request::List { id: 5, content: content_of(&large) },
            Got::List(5, list_of(&large).as_slice().as_flattened().to_vec()),
        ),
        (Request::List { id: 6, content: content_of(&small) }, Got::Refused(6, PeerRefusal::BadRequest)),
        (read(7, &large, 3), Got::Refused(7, PeerRefusal::BadRequest)),
        (read(8, &secret, 0), Got::Refused(8, PeerRefusal::NotShared)),
        (Request::Read { id: 9, content: wrong_size, block: 0 }, Got::Refused(9, PeerRefusal::NotShared)),
        (Request::List { id: 10, content: content_of(&secret) }, Got::Refused(10, PeerRefusal::NotShared)),
    ];
    for (request, expected) in cases {
        client.ask(&[request]).await;
        assert_eq!(timeout(LONG, client.got()).await.expect("in time"), expected);
    }
    content_source.unshare(&small);
    client.ask(&[read(11, &small, 0)]).await;
    assert_eq!(client.got().await, Got::Refused(11, PeerRefusal::NotShared), "as if it had never been");
    server.running.stop().await;
    assert_eq!(client.got().await, Got::End);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_place_to_listen_interrupts_nobody() {
    let file = bytes(1, 1000);
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), UploadSettings::default()).await;
    let mut client = TestClient::connect(&server.contact).await;
    let before = server.running.address();
    let elsewhere = || local::listen(SocketAddr::new(before.ip(), 0));
    server.running.move_to(elsewhere).await.expect("there is a free port");
    let now = server.running.address();
    assert_ne!(now, before);
    assert!(TcpStream::connect(before).await.is_err(), "nobody is at the old place");
    client.ask(&[read(1, &file, 0)]).await;
    assert_eq!(timeout(LONG, client.got()).await.expect("in time"), Got::Data(1, file.clone()), "still served");
    let mut other = TestClient::connect(&Contact { address: Some(now), ..server.contact.clone() }).await;
    other.ask(&[read(2, &file, 0)]).await;
    assert_eq!(timeout(LONG, other.got()).await.expect("in time"), Got::Data(2, file.clone()));

    let nowhere = || Err(std::io::Error::other("no such place"));
    server.running.move_to(nowhere).await.expect_err("it cannot listen there");
    assert_eq!(server.running.address(), now, "and stays where it was");
    assert!(TcpStream::connect(now).await.is_ok());
    // The same port at the same address is free for the move itself.
    server.running.move_to(|| local::listen(now)).await.expect("free meanwhile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_requests_in_a_row_are_all_answered() {
    let files: Vec<Vec<u8>> = (0..2000).map(|n| bytes(n, 10 + n % 4000)).collect();
    let server = serve("anna", MemoryContent::with(&files), UploadSettings::default()).await;
    let mut client = TestClient::connect(&server.contact).await;
    let requests: Vec<Request> = files.iter().zip(0..).map(|(file, id)| read(id, file, 0)).collect();
    client.ask(&requests).await;
    for (file, id) in files.iter().zip(0..) {
        assert_eq!(timeout(LONG, client.got()).await.expect("in time"), Got::Data(id, file.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told_the_place_and_gets_a_turn() {
    let file = bytes(1, 3_000_000);
    let settings = UploadSettings { slots: 1, ..UploadSettings::default() };
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), settings).await;
    let mut first = TestClient::connect(&server.contact).await;
    // It takes nothing, so it holds the slot.
    first.ask(&(0..12).cycle().take(200).zip(0..).map(|(block, id)| read(id, &file, block)).collect::<Vec<_>>()).await;
    let Got::Data(..) = timeout(LONG, first.got()).await.expect("in time") else { panic!("no data") };
    let mut second = TestClient::connect(&server.contact).await;
    second.ask(&[read(7, &file, 0)]).await;
    assert_eq!(timeout(LONG, second.got()).await.expect("in time"), Got::Queued(1));
    let mut third = TestClient::connect(&server.contact).await;
    third.ask(&[read(8, &file, 0)]).await;
    assert_eq!(timeout(LONG, third.got()).await.expect("in time"), Got::Queued(2));
    second.ask(&[Request::Cancel { id: 7 }]).await;
    assert_eq!(timeout(LONG, third.got()).await.expect("in time"), Got::Queued(1), "one has left the queue");
    assert_eq!(timeout(LONG, second.got()).await.expect("in time"), Got::Refused(7, PeerRefusal::Cancelled));

    drop(first);
    assert_eq!(timeout(LONG, third.got()).await.expect("in time"), Got::Granted);
    assert!(matches!(timeout(LONG, third.got()).await.expect("in time"), Got::Data(8, _)));
    second.ask(&[read(9, &file, 0)]).await;
    server.settings.send_replace(UploadSettings { slots: 2, ..settings });
    loop {
        match timeout(LONG, second.got()).await.expect("in time") {
            Got::Queued(_) | Got::Granted => {}
            got => break assert!(matches!(got, Got::Data(9, _))),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unsharing_stops_what_is_being_sent() {
    let file = bytes(1, 8_000_000);
    let content_source = MemoryContent::with(std::slice::from_ref(&file));
    let server = serve("anna", content_source.clone(), UploadSettings::default()).await;
    let mut client = TestClient::connect(&server.contact).await;
    client.ask(&(0..30).cycle().take(500).zip(0..).map(|(block, id)| read(id, &file, block)).collect::<Vec<_>>()).await;
    let Got::Data(..) = timeout(LONG, client.got()).await.expect("in time") else { panic!("no data") };
    // The buffers are full now: the server is in the middle of a block that the client does not take.
    sleep(Duration::from_millis(300)).await;
    content_source.unshare_all();
    sleep(Duration::from_millis(900)).await;
    let reads = *content_source.reads.lock();
    let mut received = 0;
    while let Got::Data(..) = timeout(LONG, client.got()).await.expect("in time") {
        received += 1;
    }
    assert!(received < 500);
    assert_eq!(*content_source.reads.lock(), reads, "nothing was read after it was unshared");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_ends_the_connection() {
    let server = serve("anna", MemoryContent::with(&[]), UploadSettings::default()).await;
    for garbage in
        [[0xff; REQUEST_BYTES], [0; REQUEST_BYTES], *b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n."]
    {
        let mut client = TestClient::connect(&server.contact).await;
        client.stream.write_all(&garbage).await.expect("written");
        client.stream.flush().await.expect("flushed");
        assert_eq!(timeout(LONG, client.got()).await.expect("in time"), Got::End);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_nothing() {
    let file = bytes(1, 1000);
    let content_source = MemoryContent::with(std::slice::from_ref(&file));
    let (known, stranger) = (Identity::generate(), Identity::generate());
    let key = known.public_key();
    let address = "127.0.0.1:0".parse().expect("address");
    let server =
        serve_as(&Identity::generate(), "anna", content_source, UploadSettings::default(), address, move |asker| {
            (*asker == key).then(|| user("ivan"))
        })
        .await;
    for (identity, expected) in [(known, Got::Data(1, file.clone())), (stranger, Got::End)] {
        let mut client = TestClient::connect_as(&identity, &server.contact).await.expect("connected");
        client.ask(&[read(1, &file, 0)]).await;
        assert_eq!(timeout(LONG, client.got()).await.expect("in time"), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_served_no_more() {
    let file = bytes(1, 8_000_000);
    let content_source = MemoryContent::with(std::slice::from_ref(&file));
    let (leaves, stays) = (Identity::generate(), Identity::generate());
    let here = Arc::new(Mutex::new(vec![leaves.public_key(), stays.public_key()]));
    let address = "127.0.0.1:0".parse().expect("address");
    let known = Arc::clone(&here);
    let admit = move |asker: &PublicKey| known.lock().contains(asker).then(|| user("ivan"));
    let settings = UploadSettings::default();
    let server = serve_as(&Identity::generate(), "anna", content_source.clone(), settings, address, admit).await;
    let mut clients = Vec::new();
    for identity in [&leaves, &stays] {
        let mut client = TestClient::connect_as(identity, &server.contact).await.expect("connected");
        client.ask(&[read(1, &file, 0)]).await;
        assert!(matches!(timeout(LONG, client.got()).await.expect("in time"), Got::Data(1, _)));
        clients.push(client);
    }
    // Neither one who takes nothing nor one who goes on asking is sent anything more.
    let requests =
        |from: u32| (0..30).cycle().take(300).zip(from..).map(|(b, id)| read(id, &file, b)).collect::<Vec<_>>();
    clients[0].ask(&requests(2)).await;
    here.lock().remove(0);
    let all = async { while !matches!(clients[0].got().await, Got::End) {} };
    timeout(LONG, all).await.expect("the connection ends");
    clients[1].ask(&[read(2, &file, 1)]).await;
    assert!(matches!(timeout(LONG, clients[1].got()).await.expect("in time"), Got::Data(2, _)), "others go on");
    let again = TestClient::connect_as(&leaves, &server.contact).await;
    if let Ok(mut client) = again {
        client.ask(&[read(3, &file, 0)]).await;
        assert_eq!(timeout(LONG, client.got()).await.expect("in time"), Got::End, "nor do they come in again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_is_told_as_gone() {
    let file = bytes(1, 8_000_000);
    let mut server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), UploadSettings::default()).await;
    let mut client = TestClient::connect(&server.contact).await;
    client.ask(&(0..30).cycle().take(500).zip(0..).map(|(block, id)| read(id, &file, block)).collect::<Vec<_>>()).await;
    assert!(matches!(timeout(LONG, client.got()).await.expect("in time"), Got::Data(0, _)));
    // The server is in the middle of a block that nobody takes any more.
    drop(client);
    loop {
        let told = timeout(LONG, server.events.recv()).await.expect("in time").expect("told");
        if matches!(told, crate::transfer::event::TransferEvent::Gone(..)) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_told() {
    let file = bytes(1, 3_000_000);
    let mut server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), UploadSettings::default()).await;
    let mut client = TestClient::connect(&server.contact).await;
    client.ask(&(0..12).map(|block| read(block, &file, block)).collect::<Vec<_>>()).await;
    for _ in 0..12 {
        assert!(matches!(timeout(LONG, client.got()).await.expect("in time"), Got::Data(..)));
    }
    let told = timeout(LONG, server.events.recv()).await.expect("in time").expect("told");
    let crate::transfer::event::TransferEvent::Changed(state) = told else { panic!("{told:?}") };
    assert_eq!((state.user.as_str(), state.label), ("guest", format!("Shared/{}", content_of(&file).hash)));
    assert!(state.done_bytes > 0 && state.done_bytes <= state.total_bytes);
    assert_eq!(state.total_bytes, 3_000_000);
    drop(client);
    loop {
        let told = timeout(LONG, server.events.recv()).await.expect("in time").expect("told");
        if matches!(told, crate::transfer::event::TransferEvent::Gone(..)) {
            break;
        }
    }
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_prove_nothing_keep_no_peer_out() {
    let file = bytes(1, 1000);
    for (addresses, each) in [(5, 50), (4, 64)] {
        let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), UploadSettings::default()).await;
        let to = server.running.address();
        let mut stuck = Vec::new();
        for from in (2..2 + addresses).flat_map(|last: u8| std::iter::repeat_n(last, each)) {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).expect("a loopback address");
            let mut stream = socket.connect(to).await.expect("connected");
            stream.write_all(&[0x16]).await.expect("sent");
            stuck.push(stream);
        }
        let mut client = TestClient::connect(&server.contact).await;
        client.ask(&[read(1, &file, 0)]).await;
        assert_eq!(timeout(LONG, client.got()).await.expect("in time"), Got::Data(1, file.clone()), "{addresses}");
        drop(stuck);
        server.running.stop().await;
    }
}

/// Keys cost nothing: sixty of them at one address are one household, which takes turns with a newcomer's.
#[tokio::test(flavor = "multi_thread")]
async fn many_keys_of_one_address_keep_no_newcomer_waiting() {
    let file = bytes(1, 3_000_000);
    let server = serve("anna", MemoryContent::with(std::slice::from_ref(&file)), UploadSettings::default()).await;
    let (served, mut was_served) = tokio::sync::mpsc::channel(1);
    let mut crowd = tokio::task::JoinSet::new();
    for n in 0..60 {
        let mut client = TestClient::connect(&server.contact).await;
        client
            .ask(&(0..12).cycle().take(200).zip(0..).map(|(block, id)| read(id, &file, block)).collect::<Vec<_>>())
            .await;
        let served = served.clone();
        crowd.spawn(async move {
            loop {
                match client.got().await {
                    Got::End => return,
                    Got::Data(..) => _ = served.try_send(n),
                    _ => {}
                }
            }
        });
    }
    timeout(LONG, was_served.recv()).await.expect("in time").expect("somebody of the crowd is served");
    let newcomer = Identity::generate();
    let from = Ipv4Addr::new(127, 0, 0, 9);
    let mut client = TestClient::connect_from(from, &newcomer, &server.contact).await.expect("connected");
    client.ask(&[read(1, &file, 0)]).await;
    let mut place = 0;
    loop {
        match timeout(LONG, client.got()).await.expect("in time") {
            Got::Queued(at) => place = place.max(at),
            Got::Granted => {}
            got => break assert!(matches!(got, Got::Data(1, _)), "{got:?}"),
        }
    }
    assert!(place <= 1, "behind none of the crowd, but at place {place}");
    crowd.shutdown().await;
    server.running.stop().await;
}
