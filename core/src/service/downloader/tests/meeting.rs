//! Peers who were asked to dial us: the right one is served from, whoever else shows their ticket is not.

use super::*;

/// A connection to a peer server that begins with a ticket, as if the peer server had dialled.
async fn dial_from(server: &Contact, ticket: EncounterTicket, to: SocketAddr) {
    let mut from = TcpStream::connect(server.address.expect("can be dialled")).await.expect("connects");
    let mut dialled = TcpStream::connect(to).await.expect("connects");
    dialled.write_all(&arrivals::first_bytes(ticket)).await.expect("sent");
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut dialled).await });
}

/// Takes connections in, as the peer server of the downloader's owner does.
async fn door(arrivals: &Arc<Arrivals>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let at = listener.local_addr().expect("bound");
    let arrivals = Arc::clone(arrivals);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let arrivals = Arc::clone(&arrivals);
            tokio::spawn(async move { arrivals.bring(stream).await });
        }
    });
    at
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_ticket_keeps_nobody_from_coming() {
    let file = bytes(1, 1000);
    let server = honest(std::slice::from_ref(&file)).await;
    let stranger = honest(&[bytes(2, 1000)]).await;
    let nowhere = TcpListener::bind("127.0.0.1:0").await.expect("listens").local_addr().expect("bound");
    let shut = Contact { address: Some(nowhere), ..server.contact.clone() };

    let (arrivals, ticket) = (Arc::new(Arrivals::default()), EncounterTicket::from_bytes([7; 16]));
    let at = door(&arrivals).await;
    let mut book = Book { meets: Some((Arc::clone(&arrivals), ticket)), ..Book::default() };
    book.contacts.get_mut().insert(shut.username.clone(), shut.clone());
    let mut fetching = fetch(&Arc::new(book)).await;
    let id = fetching.add(&shut, &[("a.bin", &file)]).await;
    // Whoever has seen it on its way is first, twice; then comes who was asked, and proves the key.
    dial_from(&stranger.contact, ticket, at).await;
    dial_from(&stranger.contact, ticket, at).await;
    dial_from(&stranger.contact, EncounterTicket::from_bytes([8; 16]), at).await;
    dial_from(&server.contact, ticket, at).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_to_which_it_is_too_soon_is_asked_again_in_the_same_attempt() {
    let file = bytes(1, 1000);
    let server = honest(std::slice::from_ref(&file)).await;
    let closed = Contact { address: None, ..server.contact.clone() };
    let (arrivals, ticket) = (Arc::new(Arrivals::default()), EncounterTicket::from_bytes([7; 16]));
    let at = door(&arrivals).await;
    let book = Book {
        meets: Some((Arc::clone(&arrivals), ticket)),
        contacts: Mutex::new([(closed.username.clone(), closed.clone())].into()),
        introductions_too_soon: 2,
        ..Book::default()
    };
    let book = Arc::new(book);
    let mut fetching = fetch(&book).await;
    let id = fetching.add(&closed, &[("a.bin", &file)]).await;
    // Whoever comes before they are waited for is let go after a while: they come when they have been asked.
    let asked = Arc::clone(&book);
    let comes = tokio::spawn(async move {
        while asked.introductions_asked.load(Ordering::Relaxed) < 3 {
            tokio::task::yield_now().await;
        }
        dial_from(&server.contact, ticket, at).await;
        server
    });
    fetching.over(id).await;
    let _server = comes.await.expect("ran");
    assert_eq!(read(&fetching.path("a.bin")), file);
    assert_eq!(book.introductions_asked.load(Ordering::Relaxed), 3, "and no more");
}

/// A program that hangs still has its connections opened by the system: no router is in the way, and the relay of the network
/// would not help.
#[tokio::test(flavor = "multi_thread")]
async fn who_lets_one_in_and_says_nothing_is_not_behind_a_router() {
    let server = honest(&[bytes(1, 1000)]).await;
    let hangs = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("listens").local_addr().expect("bound");
    for (address, expected) in [(hangs.local_addr().expect("bound"), None), (gone, Some(NoRelay::Off))] {
        let address = Some(address);
        let contact = Contact { address, ..server.contact.clone() };
        let meets = Some((Arc::new(Arrivals::default()), EncounterTicket::from_bytes([7; 16])));
        let mut book = Book { meets, ..Book::default() };
        book.contacts.get_mut().insert(contact.username.clone(), contact.clone());
        let mut fetching = fetch(&Arc::new(book)).await;
        let id = fetching.add(&contact, &[("a.bin", &bytes(1, 1000))]).await;
        let told = fetching.until_state(id, |told| matches!(told.state, TransferState::Unreachable { .. })).await;
        assert_eq!(told.state, TransferState::Unreachable { address, no_relay: expected });
    }
}
