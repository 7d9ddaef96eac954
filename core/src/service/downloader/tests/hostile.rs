//! Peers that lie, break off, or are somebody else.

use super::*;

/// A peer that answers each request as the test says: bytes to send, or nothing more at all.
async fn hostile(name: &str, mut answer: impl FnMut(Request) -> Vec<u8> + Send + Clone + 'static) -> Contact {
    let identity = Identity::generate();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address");
    let tls = TlsServer::new(&identity, Purpose::Peer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok((mut stream, _)) = tls.accept(stream).await else { continue };
            let mut frame = [0; REQUEST_BYTES];
            while stream.read_exact(&mut frame).await.is_ok() {
                if reached::decode_tried(&frame).is_some() {
                    continue;
                }
                let bytes = answer(Request::decode(&frame).expect("a request"));
                if send(&mut stream, &bytes).await.is_err() || bytes.is_empty() {
                    break;
                }
            }
        }
    });
    Contact { username: user(name), address: Some(address), key: identity.public_key() }
}

async fn send(stream: &mut Encrypted<TcpStream>, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// What an honest peer would send.
pub(super) fn right(data: &[u8], request: Request) -> Vec<u8> {
    match request {
        Request::List { id, .. } => {
            let list = list_of(data);
            let list = list.as_slice().as_flattened();
            let bytes = u32::try_from(list.len()).expect("small");
            [&Answer::List { id, bytes }.encode(), list].concat()
        }
        Request::Read { id, block, .. } => {
            let from = block as usize * BLOCK;
            let block = &data[from..data.len().min(from + BLOCK)];
            let bytes = u32::try_from(block.len()).expect("small");
            [&Answer::Data { id, bytes }.encode(), block].concat()
        }
        Request::Cancel { .. } => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_peers_are_dropped_and_named() {
    let file = bytes(1, 5 * BLOCK + 3);
    let other = bytes(2, 5 * BLOCK + 3);
    type Answers = Box<dyn Fn(Request) -> Vec<u8> + Send + Sync>;
    let data = file.clone();
    let with = |change: fn(&mut Vec<u8>)| -> Answers {
        let data = data.clone();
        Box::new(move |request| {
            let mut bytes = right(&data, request);
            if matches!(request, Request::Read { block: 3, .. }) {
                change(&mut bytes);
            }
            bytes
        })
    };
    let cases: Vec<(&str, Answers)> = vec![
        ("one wrong bit", with(|bytes| *bytes.last_mut().expect("data") ^= 1)),
        ("another file", {
            let other = other.clone();
            Box::new(move |request| right(&other, request))
        }),
        ("a list that is too short", {
            let data = data.clone();
            Box::new(move |request| match request {
                Request::List { id, .. } => [&Answer::List { id, bytes: 32 }.encode()[..], &[1; 32]].concat(),
                _ => right(&data, request),
            })
        }),
        (
            "a shorter block",
            with(|bytes| {
                let id = u32::from_be_bytes(bytes[1..5].try_into().expect("4 bytes"));
                bytes.truncate(9 + 1000);
                bytes[..9].copy_from_slice(&Answer::Data { id, bytes: 1000 }.encode());
            }),
        ),
        ("a huge length", with(|bytes| bytes[5..9].copy_from_slice(&u32::MAX.to_be_bytes()))),
        ("an answer that nobody asked for", with(|bytes| bytes[1..5].copy_from_slice(&77_777u32.to_be_bytes()))),
        ("garbage", with(|bytes| bytes.fill(0xaa))),
        ("endless data", Box::new(|_| vec![0x55; 4 << 20])),
    ];
    for (what, answers) in cases {
        let answers = Arc::new(answers);
        let liar = hostile("mallory", move |request| answers(request)).await;
        let server = honest(std::slice::from_ref(&file)).await;
        let book = Book::of(&[&liar, &server.contact]);
        let mut fetching = fetch(&book).await;
        // Alone: nothing is written that is not what was announced.
        let id = fetching.add(&liar, &[("alone.bin", &file)]).await;
        let events = fetching.over(id).await;
        assert_eq!(failures(&events), [&TransferError::Lied { user: user("mallory") }], "{what}");
        assert!(events.contains(&TransferEvent::PeerLied(user("mallory"))), "{what}");
        assert!(!fetching.path("alone.bin").exists(), "{what}");
        fetching.stop().await;

        // With one honest source it is enough.
        book.sources(&file, &[&liar, &server.contact]);
        let mut fetching = fetch(&book).await;
        let id = fetching.add(&liar, &[("a.bin", &file)]).await;
        fetching.over(id).await;
        assert_eq!(fetching.state(id), TransferState::Finished, "{what}");
        assert_eq!(read(&fetching.path("a.bin")), file, "{what}");
        fetching.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_off_is_made_again() {
    let file = bytes(1, 12 * BLOCK);
    let answers = Arc::new(AtomicUsize::new(0));
    let (data, counter) = (file.clone(), answers.clone());
    let flaky = hostile("anna", move |request| {
        let mut bytes = right(&data, request);
        if counter.fetch_add(1, Ordering::Relaxed) % 9 == 7 {
            // In the middle of an answer; then the connection ends.
            bytes.truncate(bytes.len() / 2);
            bytes.clear();
        }
        bytes
    })
    .await;
    let mut fetching = fetch(&Book::of(&[&flaky])).await;
    let id = fetching.add(&flaky, &[("a.bin", &file)]).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
    assert!(answers.load(Ordering::Relaxed) > 9, "it did break off");
}

/// A peer that answers every request for free is asked a few times, not as fast as it can answer.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_for_free_loses_its_turn() {
    let refused = |why: PeerRefusal| move |id: u32| Answer::Refused { id, why }.encode().to_vec();
    let flapping = |_: u32| [Answer::Queued { place: 1 }.encode(), Answer::Granted.encode()].concat().repeat(4096);
    let (cancelled, busy) = (refused(PeerRefusal::Cancelled), refused(PeerRefusal::Busy));
    for (what, answer) in [
        ("cancelled", Arc::new(cancelled) as Arc<dyn Fn(u32) -> Vec<u8> + Send + Sync>),
        ("busy", Arc::new(busy)),
        ("queued and granted", Arc::new(flapping)),
    ] {
        let file = bytes(1, 5 * BLOCK + 3);
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let peer = hostile("mallory", move |request| {
            counter.fetch_add(1, Ordering::Relaxed);
            answer(request.id())
        })
        .await;
        let server = honest(std::slice::from_ref(&file)).await;
        let book = Book::of(&[&peer, &server.contact]);
        let mut fetching = fetch(&book).await;
        let id = fetching.add(&peer, &[("a.bin", &file)]).await;
        fetching.until_state(id, |state| state.state == TransferState::Declined).await;
        assert!(asked.load(Ordering::Relaxed) <= 20, "{what}: asked {} times", asked.load(Ordering::Relaxed));
        // Somebody else who has it is enough.
        book.sources(&file, &[&peer, &server.contact]);
        book.is_now(&server.contact);
        fetching.over(id).await;
        assert_eq!(read(&fetching.path("a.bin")), file, "{what}");
        fetching.stop().await;
    }
}

/// A folder that several people share, of which each is asked for a part: one of them sends wrong bytes for one content. All of
/// it comes right from the others, and who lied is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_several_owners_comes_right_though_one_of_them_lies() {
    let sizes = [10, BLOCK, 3 * BLOCK + 7, 100, 2 * BLOCK, 5, 4 * BLOCK, 77];
    for lied_about in [0, 1, 2] {
        let files: Vec<Vec<u8>> = sizes.into_iter().enumerate().map(|(n, size)| bytes(n, size)).collect();
        let (data, wrong) = (files.clone(), content_of(&files[lied_about]));
        // Nobody else is known to have its files before it lies.
        let others: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>> = Arc::default();
        let appear = others.clone();
        let liar = hostile("mallory", move |request| {
            let (Request::List { content, .. } | Request::Read { content, .. }) = request else { return Vec::new() };
            let data = data.iter().find(|data| content_of(data) == content).expect("was announced");
            let mut answer = right(data, request);
            if content == wrong && matches!(request, Request::Read { .. }) {
                appear.get().expect("set")();
                *answer.last_mut().expect("data") ^= 1;
            }
            answer
        })
        .await;
        let server = honest(&files).await;
        let book = Book::of(&[&liar, &server.contact]);
        let (all, known, honest_one, lying_one) = (files.clone(), book.clone(), server.contact.clone(), liar.clone());
        let tell = move || all.iter().for_each(|data| known.sources(data, &[&lying_one, &honest_one]));
        assert!(others.set(Box::new(tell)).is_ok());
        let mut fetching = fetch(&book).await;
        let names: Vec<String> = (0..files.len()).map(|n| format!("F/{n}.bin")).collect();
        let part = |range: std::ops::Range<usize>| -> Vec<(&str, &[u8])> {
            range.map(|n| (names[n].as_str(), files[n].as_slice())).collect()
        };
        let of_liar = fetching.add(&liar, &part(0..4)).await;
        let of_other = fetching.add(&server.contact, &part(4..8)).await;
        let mut events = fetching.until(|event| matches!(event, TransferEvent::PeerLied(_))).await;
        for id in [of_liar, of_other] {
            if fetching.state(id) != TransferState::Finished {
                events.extend(fetching.over(id).await);
            }
            assert_eq!(fetching.state(id), TransferState::Finished, "{lied_about}");
        }
        assert_eq!(failures(&events), [] as [&TransferError; 0], "{lied_about}");
        assert!(events.contains(&TransferEvent::PeerLied(user("mallory"))), "{lied_about}");
        for (name, data) in names.iter().zip(&files) {
            assert_eq!(read(&fetching.path(name)), *data, "{lied_about}: {name}");
        }
        fetching.stop().await;
    }
}
