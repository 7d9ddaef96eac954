//! Tests of invites and addresses.

use super::*;
use crate::vectors;

#[test]
fn reads_what_people_paste() {
    for (text, host, port) in [
        ("127.0.0.1:7300", "127.0.0.1", 7300),
        ("tracker.example.org", "tracker.example.org", limits::TRACKER_PORT),
        ("HOST:1", "host", 1),
        ("[::1]:7686", "::1", 7686),
        ("[fe80::1]", "fe80::1", limits::TRACKER_PORT),
    ] {
        let parsed: HostPort = text.parse().unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!((parsed.host(), parsed.port()), (host, port));
        assert_eq!(parsed.to_string().parse(), Ok(parsed));
    }
    let named_so: TrackerAddress = "potok:7686".parse().expect("an address");
    assert_eq!((named_so.address.to_string().as_str(), named_so.key), ("potok:7686", None));
    let invite =
        Invite { address: "[::1]:9".parse().expect("address"), key: PublicKey::from_bytes([9; 32]), token: None };
    assert_eq!(invite.to_string().parse(), Ok(invite.clone()));
    let joined: TrackerAddress = format!("  {invite}\n").parse().expect("invite");
    assert_eq!(joined, TrackerAddress { address: invite.address.clone(), key: Some(invite.key), token: None });
    let text = format!("{invite}&invite=-_v7-_v7-_v7-_v7-_v7-w");
    let joined: TrackerAddress = text.parse().expect("an invite with a token");
    assert_eq!((joined.token.is_some(), joined.to_string()), (true, text));
}

#[test]
fn an_invite_may_name_several_trackers() {
    let key = PublicKey::from_bytes([7; 32]);
    let link = |addresses: &str| format!("potok://{addresses}/?key={key}");
    let invite: Invite = link("h1:7686,[::1]:9,H1,h2").parse().expect("three addresses");
    assert_eq!(invite.to_string(), link("h1:7686,[::1]:9,h2:7686"), "each once");
    assert_eq!((invite.address.first().host(), invite.address.iter().count()), ("h1", 3));
    let many = |count: usize| (0..count).map(|n| format!("h{n}:1")).collect::<Vec<_>>().join(",");
    let most: Invite = link(&many(limits::NETWORK_ADDRESSES_MAX)).parse().expect("as many as there may be");
    assert_eq!(most.to_string().parse(), Ok(most));
    assert_eq!(link(&many(limits::NETWORK_ADDRESSES_MAX + 1)).parse::<Invite>(), Err(BadInvite::TooMany));
    for bad in ["", ",", "h1,", ",h1", "h1,,h2", "h1, h2", "h1:0,h2", "h1/,h2"] {
        assert!(link(bad).parse::<Invite>().is_err(), "{bad}");
    }
    // Without a key nothing says that they are one network.
    assert!("h1:1,h2:1".parse::<TrackerAddress>().is_err());
}

#[test]
fn refuses_everything_else() {
    let key = "0".repeat(64);
    for bad in [
        "",
        ":",
        "host:",
        "host:0",
        "host:65536",
        "host:+1",
        "a b:1",
        "::1:1",
        "[::1",
        "[::1]x",
        "[x]:1",
        "-a:1",
        "хост:1",
        "http://h:1",
        "h:1/x",
        "user@h:1",
        "potok://",
        "potok:h:1",
        "potok://h:1",
        "potok://h:1/?key=00",
    ] {
        assert!(bad.parse::<TrackerAddress>().is_err(), "{bad}");
    }
    for bad in [
        format!("potok://h:1/?key={key}&x=1"),
        format!("potok://h:1/?key={key}&invite="),
        format!("potok://h:1/?key={key}&invite=-_v7-_v7-_v7-_v7-_v7-x"),
        format!("potok://h:1/?key={key}&invite=-_v7-_v7-_v7-_v7-_v7-w&x=1"),
        format!("potok://h:1/?invite=-_v7-_v7-_v7-_v7-_v7-w&key={key}"),
        format!("potok://h:1?key={key}"),
        format!("potok://h:1/?key={key} --x"),
    ] {
        assert!(bad.parse::<TrackerAddress>().is_err(), "{bad}");
    }
    assert!("a".repeat(5000).parse::<TrackerAddress>().is_err());
}

#[test]
fn every_text_of_the_vectors_is_read_as_it_stands_there() {
    let mut wrong = Vec::new();
    for row in vectors::rows(include_str!("../../../../tests/vectors/invites.tsv")) {
        let found = row.text(1).parse::<TrackerAddress>().map_or("bad".to_owned(), |to| match to.key {
            Some(key) => Invite { address: to.address, key, token: to.token }.to_string(),
            None => to.address.to_string(),
        });
        if found != row.text_or_same(0, 1) {
            wrong.push(format!("{:?} is {found}", row.text(1)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
        if let Ok(invite) = text.parse::<Invite>() {
            proptest::prop_assert_eq!(invite.to_string().parse::<Invite>(), Ok(invite));
        }
    }
}

#[test]
fn an_invite_names_all_of_the_network() {
    let address = |text: &str| text.parse::<NetworkAddress>().expect(text);
    for (joined, named, expected) in [
        ("a:1", "a:1,b:1,c:1", "a:1,b:1,c:1"),
        ("b:1", "a:1,b:1", "b:1,a:1"),
        ("192.168.1.5:7686", "h.example.org:7686", "192.168.1.5:7686,h.example.org:7686"),
        ("127.0.0.1:1", "a:1", "a:1"),
        ("[::1]:1,localhost:1", "b:1", "b:1"),
        ("127.0.0.1:1", "127.0.0.1:1,127.0.0.1:2", "127.0.0.1:1,127.0.0.1:2"),
    ] {
        let all = address(joined).with_those_of_network(&address(named));
        assert_eq!(all.to_string(), expected, "{joined} {named}");
    }
    let host = |n: usize, letters: usize| format!("{n}.{}.example:1", "x".repeat(letters));
    let many = |from: usize| {
        let hosts = (from..from + limits::NETWORK_ADDRESSES_MAX).map(|n| host(n, 60));
        address(&hosts.collect::<Vec<_>>().join(","))
    };
    // What both name has its room once.
    let long = (1..limits::NETWORK_ADDRESSES_MAX).map(|n| host(n, 60)).collect::<Vec<_>>().join(",");
    let all = address(&long).with_those_of_network(&address(&format!("{long},b:1")));
    assert_eq!(all.to_string(), format!("{long},b:1"));
    assert!(2 * long.len() > limits::INVITE_BYTES_MAX, "twice it would have none");
    let all = many(0).with_those_of_network(&many(10));
    assert_eq!(all, many(0), "as many as there may be");
    let invite = Invite { address: all, key: PublicKey::from_bytes([7; 32]), token: None };
    assert_eq!(invite.to_string().parse(), Ok(invite));
}
