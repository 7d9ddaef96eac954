//! Answers by datagrams that are none.

use std::net::Ipv4Addr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::net::UdpSocket;

use super::*;

/// A datagram that is made of a request.
type RouterAnswer = fn(&[u8]) -> Vec<u8>;

/// What a router was asked for.
type Requests = Arc<Mutex<Vec<Vec<u8>>>>;

/// Answers every request with these, each made of the request.
async fn router(answers: &'static [RouterAnswer]) -> Option<(SocketAddr, Requests, tokio::task::JoinHandle<()>)> {
    // An address of this test's own: the port is not for choosing.
    let ip = Ipv4Addr::from(0x7f4d_0000 | (rand::random::<u32>() & 0xffff));
    let at = SocketAddr::from((ip, 5351));
    let socket = UdpSocket::bind(at).await.ok()?;
    let requests = Requests::default();
    let noted = Arc::clone(&requests);
    let task = tokio::spawn(async move {
        let mut request = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut request).await {
            noted.lock().push(request[..length].to_vec());
            for answer in answers {
                let _gone = socket.send_to(&answer(&request[..length]), from).await;
            }
        }
    });
    Some((at, requests, task))
}

/// What a good router would answer to a request by PCP, but for the bytes from `at` on.
fn pcp(request: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut answer = request.to_vec();
    answer.resize(60, 0);
    answer[1] |= 0x80;
    answer[2..24].fill(0);
    answer[4..8].copy_from_slice(&600u32.to_be_bytes());
    answer[at..at + bytes.len()].copy_from_slice(bytes);
    answer
}

/// By NAT-PMP: the answer to a request for a port, for an address, or to give the port back.
fn nat_pmp(request: &[u8], port: u16) -> Vec<u8> {
    let head = [0, request[1] | 0x80, 0, 0, 0, 0, 0, 1];
    if request.len() == 2 {
        return [&head[..], &[203, 0, 113, 7]].concat();
    }
    let [seconds, port] = if gives_back(request) { [0, 0] } else { [600, port] };
    let seconds = u32::from(seconds).to_be_bytes();
    [&head[..], &request[4..6], &port.to_be_bytes(), &seconds].concat()
}

/// Whether a request is to give a port back: for no time at all.
fn gives_back(request: &[u8]) -> bool {
    match request.len() {
        60 => request[4..8] == [0; 4],
        12 => request[8..12] == [0; 4],
        _ => false,
    }
}

fn wish_of(router: SocketAddr) -> MappingWish {
    MappingWish { router, own: Ipv4Addr::LOCALHOST.into(), port: PeerPort::new(4001).expect("a port") }
}

async fn ask(by: MappingProtocol, answers: &'static [RouterAnswer]) -> Result<MappedPort, NoMapping> {
    let (router, _requests, task) = router(answers).await.expect("an address of its own");
    let wish = wish_of(router);
    let asked = timeout(2 * DATAGRAMS_MAX, RouterMapping::default().ask(by, wish)).await;
    task.abort();
    asked.expect("it ends by itself")
}

#[tokio::test]
async fn what_a_router_says_by_datagrams_is_believed_only_if_it_is_an_answer() {
    use MappingProtocol::{NatPmp, Pcp};
    let good = ask(Pcp, &[|request| pcp(request, 42, &4002u16.to_be_bytes())]).await.expect("mapped");
    assert_eq!((good.port.get(), good.lasts), (4002, Duration::from_secs(600)));
    let evil: &[(&str, MappingProtocol, &[RouterAnswer])] = &[
        ("nothing in it", Pcp, &[|_| Vec::new()]),
        ("one byte", Pcp, &[|_| vec![2]]),
        ("junk", Pcp, &[|_| vec![0xff; 1400]]),
        ("zeros", Pcp, &[|_| vec![0; 60]]),
        ("cut short", Pcp, &[|request| pcp(request, 42, &[7]).split_at(40).0.to_vec()]),
        ("the request itself", Pcp, &[<[u8]>::to_vec]),
        ("another's answer", Pcp, &[|request| pcp(request, 24, &[9; 12])]),
        ("no port", Pcp, &[|request| pcp(request, 42, &[0, 0])]),
        ("a port of a system", Pcp, &[|request| pcp(request, 42, &[0, 22])]),
        ("a code that is new", Pcp, &[|request| pcp(request, 3, &[200])]),
        ("nothing in it", NatPmp, &[|_| Vec::new()]),
        ("junk", NatPmp, &[|_| vec![0xff; 1400]]),
        ("cut short", NatPmp, &[|_| vec![0, 130, 0, 0, 0]]),
        ("no port", NatPmp, &[|_| vec![0, 130, 0, 0, 0, 0, 0, 1, 0x0f, 0xa1, 0, 0, 0, 0, 2, 0x58]]),
        ("a port of a system", NatPmp, &[|_| vec![0, 130, 0, 0, 0, 0, 0, 1, 0x0f, 0xa1, 0, 22, 0, 0, 2, 0x58]]),
    ];
    for (what, by, answers) in evil {
        assert!(ask(*by, answers).await.is_err(), "{what}, by {by:?}");
    }
}

#[tokio::test]
async fn a_port_that_cannot_be_used_is_given_back_by_datagrams() {
    use MappingProtocol::{NatPmp, Pcp};
    // By PCP what is given back is known by the words with which it was asked for.
    let nonce = |request: &Vec<u8>| request.get(24..36).map(<[u8]>::to_vec);
    let by_pcp: RouterAnswer = |request| match gives_back(request) {
        true => pcp(request, 4, &[0; 4]),
        false => pcp(request, 42, &[0, 22]),
    };
    for (by, answer) in [(Pcp, by_pcp), (NatPmp, |request| nat_pmp(request, 22))] {
        let answers: &'static [RouterAnswer] = Vec::leak(vec![answer]);
        let (router, requests, task) = router(answers).await.expect("an address of its own");
        let mut mapping = RouterMapping::default();
        assert_eq!(mapping.ask(by, wish_of(router)).await, Err(NoMapping::Rubbish));
        let asked = requests.lock().clone();
        let (first, last) = (asked.first().expect("asked"), asked.last().expect("asked"));
        assert!(!gives_back(first) && gives_back(last), "by {by:?}: {asked:?}");
        assert_eq!(nonce(first), nonce(last), "the same one");
        mapping.remove(DATAGRAMS_MAX).await;
        assert_eq!(requests.lock().len(), asked.len(), "nothing is held any more");
        task.abort();
    }
}

#[tokio::test]
async fn a_port_that_cannot_be_used_any_more_when_it_is_renewed_is_given_back() {
    use MappingProtocol::{NatPmp, Pcp};
    // A router that answers for another port than before when it is asked for the one that it gave.
    let by_pcp: RouterAnswer = |request| match (gives_back(request), &request[42..44]) {
        (true, _) => pcp(request, 4, &[0; 4]),
        (false, [0x0f, 0xa2]) => pcp(request, 42, &[0, 22]),
        (false, _) => pcp(request, 42, &4002u16.to_be_bytes()),
    };
    let by_nat_pmp: RouterAnswer = |request| match request.get(6..8) {
        Some([0x0f, 0xa2]) => nat_pmp(request, 22),
        _ => nat_pmp(request, 4002),
    };
    for (by, answer) in [(Pcp, by_pcp), (NatPmp, by_nat_pmp)] {
        let answers: &'static [RouterAnswer] = Vec::leak(vec![answer]);
        let (router, requests, task) = router(answers).await.expect("an address of its own");
        let mut mapping = RouterMapping::default();
        let mapped = mapping.ask(by, wish_of(router)).await.expect("mapped");
        assert_eq!(mapped.port.get(), 4002);
        assert_eq!(mapping.ask(by, wish_of(router)).await, Err(NoMapping::Rubbish), "by {by:?}");
        assert!(gives_back(requests.lock().last().expect("asked")), "by {by:?}");
        task.abort();
    }
}

#[tokio::test]
async fn what_is_renewed_by_nat_pmp_is_still_known_by_the_routers_address() {
    let answers: &'static [RouterAnswer] = &[|request| nat_pmp(request, 4001)];
    let (router, _requests, task) = router(answers).await.expect("an address of its own");
    let mut mapping = RouterMapping::default();
    for _ in 0..2 {
        let mapped = mapping.ask(MappingProtocol::NatPmp, wish_of(router)).await.expect("mapped");
        assert_eq!(mapped.address, Some(Ipv4Addr::new(203, 0, 113, 7).into()));
    }
    task.abort();
}

#[tokio::test]
async fn what_a_router_takes_back_from_nobody_lapses_soon() {
    let answers: &'static [RouterAnswer] = &[|request| match gives_back(request) {
        true => pcp(request, 3, &[2]),
        false => pcp(request, 42, &4001u16.to_be_bytes()),
    }];
    let (router, requests, task) = router(answers).await.expect("an address of its own");
    let mut mapping = RouterMapping::default();
    mapping.ask(MappingProtocol::Pcp, wish_of(router)).await.expect("mapped");
    mapping.remove(DATAGRAMS_MAX).await;
    task.abort();
    let requests = requests.lock().clone();
    let seconds = |request: &Vec<u8>| request.get(4..8).map(<[u8]>::to_vec);
    let asked: Vec<_> = requests.iter().filter_map(seconds).collect();
    assert_eq!(asked, [1200u32, 0, 1].map(|seconds| seconds.to_be_bytes().to_vec()));
    assert_eq!(requests[0].get(24..42), requests[2].get(24..42), "the same port, by the same words");
}
