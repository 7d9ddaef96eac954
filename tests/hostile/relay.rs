//! Those who would use the relay for something else, or keep others from it: each row is done to one tracker, and two who
//! may are relayed after each.

use potok_core::tracker::settings::TrackerSettings;
use potok_tests::encounter::{show, tickets, user};
use potok_tests::lines::Lines;
use potok_tests::world::TestTracker;

/// A connection that has come to the relay with a ticket.
async fn comes(tracker: &TestTracker, from: u8, ticket: &str) -> Lines {
    show(tracker, &format!("relay {ticket}"), from).await.0
}

async fn answer(lines: &mut Lines) -> String {
    lines.reply().await.expect("an answer")
}

/// Two who may are relayed, and what one says the other hears, not a byte more.
async fn relayed(tracker: &TestTracker, number: u8, after: &str) {
    let name = format!("two{number}");
    let mut asker = user(tracker, &format!("one{number}"), 1).await;
    let mut target = user(tracker, &name, 2).await;
    let (asked, told) = tickets(&mut asker, &name, &mut target).await;
    let mut one = comes(tracker, 1, &asked).await;
    let mut two = comes(tracker, 2, &told).await;
    assert_eq!((answer(&mut one).await, answer(&mut two).await), ("OK 0".into(), "OK 0".into()), "after {after}");
    let said = b"ping\nregister-user mallory\n";
    assert!(one.send(said).await, "after {after}");
    one.shut().await;
    assert_eq!(two.rest().await, said, "after {after}: it is no command any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_serves_the_two_of_an_encounter_and_nobody_else() {
    let settings = TrackerSettings { relay: true, ..TrackerSettings::default() };
    let tracker = TestTracker::start(settings).await;
    let (mut anna, mut ivan) = (user(&tracker, "anna", 1).await, user(&tracker, "ivan", 2).await);
    let mut mallory = user(&tracker, "mallory", 66).await;
    relayed(&tracker, 1, "nothing").await;

    // A tunnel to elsewhere, and what is no ticket of anybody.
    for line in [
        "relay",
        "relay 192.0.2.1:80",
        "relay AAAAAAAAAAAAAAAAAAAAAA",
        "relay AAAAAAAAAAAAAAAAAAAAAA 192.0.2.1:80",
        "relay http://192.0.2.1/",
        "relay localhost:22",
        "CONNECT 192.0.2.1:80 HTTP/1.1",
        "relay ivan",
    ] {
        let said = show(&tracker, line, 66).await.0.reply().await;
        assert!(said.as_ref().is_none_or(|said| said.starts_with("ERR ")), "{line}: {said:?}");
    }
    relayed(&tracker, 2, "tunnels to elsewhere").await;

    // Tickets of two encounters do not fit together; one that was shown is worth nothing.
    let (to_ivan, of_ivan) = tickets(&mut mallory, "ivan", &mut ivan).await;
    let (to_anna, _of_anna) = tickets(&mut mallory, "anna", &mut anna).await;
    let mut waits = comes(&tracker, 66, &to_anna).await;
    let mut stolen = comes(&tracker, 66, &to_anna).await;
    assert!(answer(&mut stolen).await.starts_with("ERR gone"), "one side is not both");
    let mut other = comes(&tracker, 66, &to_ivan).await;
    let mut thief = comes(&tracker, 67, &of_ivan).await;
    // Whoever stole both tickets of an encounter has a connection between two sockets of their own.
    assert_eq!((answer(&mut other).await, answer(&mut thief).await), ("OK 0".into(), "OK 0".into()));
    for ticket in [&to_ivan, &of_ivan] {
        let mut again = comes(&tracker, 67, ticket).await;
        assert!(answer(&mut again).await.starts_with("ERR gone"), "shown again");
    }
    assert!(answer(&mut waits).await.starts_with("ERR gone"), "nobody came");
    drop((other, thief));
    relayed(&tracker, 3, "stolen tickets").await;

    // Floods: by thousands of lines on one connection, and by many that wait.
    let flood = format!("{}\n", vec!["relay AAAAAAAAAAAAAAAAAAAAAA"; 2_000].join("\n"));
    let (mut stream, _) = show(&tracker, "ping", 66).await;
    stream.send(flood.as_bytes()).await;
    assert_eq!(answer(&mut stream).await, "OK 0");
    let (flooding, _of_anna) = tickets(&mut mallory, "anna", &mut anna).await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(comes(&tracker, 66, &flooding).await);
    }
    relayed(&tracker, 4, "floods").await;
    for lines in &mut crowd {
        let said = lines.reply().await;
        assert!(said.as_ref().is_none_or(|said| said.starts_with("ERR ")), "one of a crowd: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_with_many_keys_does_not_take_it_all() {
    let settings = TrackerSettings {
        relay: true,
        relays: 12,
        relay_bytes_per_user_per_day: 100_000,
        ..TrackerSettings::default()
    };
    let tracker = TestTracker::start(settings).await;
    let mut held = Vec::new();
    let mut targets = Vec::new();
    for name in ["t1", "t2"] {
        targets.push((name, user(&tracker, name, 66).await));
    }
    for name in ["m1", "m2", "m3", "m4", "m5", "m6"] {
        let mut key = user(&tracker, name, 66).await;
        for (name, target) in &mut targets {
            let (one, two) = tickets(&mut key, name, target).await;
            let mut one = comes(&tracker, 66, &one).await;
            let mut two = comes(&tracker, 66, &two).await;
            let said = (answer(&mut one).await, answer(&mut two).await);
            let is_relayed = said.0 == "OK 0";
            assert!(is_relayed || said.0.starts_with("ERR limit"), "{said:?}");
            held.extend(is_relayed.then_some((one, two)));
        }
    }
    assert_eq!(held.len(), 8, "four users of one household, two relays each, however many keys there are");
    relayed(&tracker, 5, "one who holds relays and says nothing").await;

    // What a day has for one user ends in the middle of a relay.
    let (mut one, mut two) = held.pop().expect("one of them");
    let sending = tokio::spawn(async move { while one.send(&[7; 10_000]).await {} });
    let came = two.rest().await;
    assert!(came.len() >= 100_000, "all of it: {}", came.len());
    sending.abort();
    relayed(&tracker, 6, "one who has used up their day").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_closes_half_or_does_not_read_keeps_nobody_out() {
    let settings = TrackerSettings { relay: true, ..TrackerSettings::default() };
    let tracker = TestTracker::start(settings).await;
    // Those who pour without end into somebody who reads nothing, as many as one household may have.
    let mut pouring = Vec::new();
    for n in 0..4 {
        let name = format!("deaf{n}");
        let (mut asker, mut deaf) = (user(&tracker, &format!("pours{n}"), 66).await, user(&tracker, &name, 66).await);
        let (asked, told) = tickets(&mut asker, &name, &mut deaf).await;
        let (mut one, mut two) = (comes(&tracker, 66, &asked).await, comes(&tracker, 66, &told).await);
        assert_eq!((answer(&mut one).await, answer(&mut two).await), ("OK 0".into(), "OK 0".into()));
        let pours = tokio::spawn(async move { while one.send(&[7; 100_000]).await {} });
        pouring.push((pours, two, asker, deaf));
    }

    // More than one household may have at once: each side closes its half when it has said what it wants, and the place of
    // the two is another's then.
    for n in 10..22 {
        let name = format!("two{n}");
        let (mut asker, mut target) = (user(&tracker, &format!("one{n}"), 1).await, user(&tracker, &name, 2).await);
        let (asked, told) = tickets(&mut asker, &name, &mut target).await;
        let (mut one, mut two) = (comes(&tracker, 1, &asked).await, comes(&tracker, 2, &told).await);
        assert_eq!((answer(&mut one).await, answer(&mut two).await), ("OK 0".into(), "OK 0".into()), "{n}");
        assert!(one.send(b"question").await);
        one.shut().await;
        assert_eq!(two.rest().await, b"question");
        assert!(two.send(b"answer").await, "one half is closed, the other is not");
        two.shut().await;
        assert_eq!(one.rest().await, b"answer");
    }
    relayed(&tracker, 7, "those who do not read").await;
    for (pours, ..) in pouring {
        pours.abort();
    }
}
