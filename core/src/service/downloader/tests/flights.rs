//! How often one waits for an answer until the first block is here: each time is a round trip, which nothing makes shorter.

use super::*;

/// A peer that answers nothing before it was asked for the list of this file and its first block, then everything.
async fn patient(data: Vec<u8>) -> Contact {
    let identity = Identity::generate();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address");
    let tls = TlsServer::new(&identity, Purpose::Peer);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("connected");
        let (mut stream, _) = tls.accept(stream).await.expect("proven");
        let mut asked: Vec<Request> = Vec::new();
        let mut frame = [0; REQUEST_BYTES];
        let (mut has_list, mut has_block) = (false, false);
        while stream.read_exact(&mut frame).await.is_ok() {
            if reached::decode_tried(&frame).is_some() {
                continue;
            }
            let request = Request::decode(&frame).expect("a request");
            has_list |= matches!(request, Request::List { .. });
            has_block |= matches!(request, Request::Read { block: 0, .. });
            asked.push(request);
            if has_list && has_block {
                let answers: Vec<u8> = asked.drain(..).flat_map(|request| hostile::right(&data, request)).collect();
                stream.write_all(&answers).await.expect("taken");
                stream.flush().await.expect("taken");
            }
        }
    });
    Contact { username: user("anna"), address: Some(address), key: identity.public_key() }
}

#[tokio::test(flavor = "multi_thread")]
async fn list_and_first_block_are_one_flight() {
    let file = bytes(1, 9 * BLOCK + 3);
    let anna = patient(file.clone()).await;
    let mut fetching = fetch(&Book::of(&[&anna])).await;
    let id = fetching.add(&anna, &[("a.bin", &file)]).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

/// A part file lies there that this program knows nothing of: what came ahead is asked for once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_file_that_nobody_knows_of_is_looked_at() {
    let file = bytes(1, 9 * BLOCK + 3);
    let anna = patient(file.clone()).await;
    let mut fetching = fetch(&Book::of(&[&anna])).await;
    let mut here = file.clone();
    here[..BLOCK].fill(0);
    std::fs::write(fetching.path("a.bin.potok-part"), here).expect("written");
    let id = fetching.add(&anna, &[("a.bin", &file)]).await;
    fetching.over(id).await;
    assert_eq!(read(&fetching.path("a.bin")), file);
}

/// Nobody answers the tracker's question yet, and the connection is there.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_expected_is_reached_meanwhile() {
    let identity = Identity::generate();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address");
    let anna = Contact { username: user("anna"), address: Some(address), key: identity.public_key() };
    let fetching = fetch(&Book::of(&[&anna])).await;
    fetching.downloader.expect(&user("boris"));
    fetching.downloader.expect(&user("anna"));
    let (stream, _) = timeout(LONG, listener.accept()).await.expect("reached").expect("accepted");
    TlsServer::new(&identity, Purpose::Peer).accept(stream).await.expect("proven");
    fetching.stop().await;
}
