//! Answers by datagrams that are none.

use std::net::Ipv4Addr;

use tokio::net::UdpSocket;

use super::*;

/// A datagram that is made of a request.
type RouterAnswer = fn(&[u8]) -> Vec<u8>;

/// Answers every request with these, each made of the request.
async fn router(answers: &'static [RouterAnswer]) -> Option<(SocketAddr, tokio::task::JoinHandle<()>)> {
    // An address of this test's own: the port is not for choosing.
    let ip = Ipv4Addr::from(0x7f4d_0000 | (rand::random::<u32>() & 0xffff));
    let at = SocketAddr::from((ip, 5351));
    let socket = UdpSocket::bind(at).await.ok()?;
    let task = tokio::spawn(async move {
        let mut request = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut request).await {
            for answer in answers {
                let _gone = socket.send_to(&answer(&request[..length]), from).await;
            }
        }
    });
    Some((at, task))
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

async fn ask(by: MappingProtocol, answers: &'static [RouterAnswer]) -> Result<MappedPort, NoMapping> {
    let (router, task) = router(answers).await.expect("an address of its own");
    let wish = MappingWish { router, own: Ipv4Addr::LOCALHOST.into(), port: PeerPort::new(4001).expect("a port") };
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
