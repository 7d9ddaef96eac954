//! Users of two trackers: where the other is, how they meet, and what only trackers may say.

use super::*;

/// Anna, whom the second tracker sees at home, and ivan elsewhere, at the first one.
fn two_at_two_trackers() -> (Net, SessionId, SessionId) {
    let mut net = Net::with(3, &TrackerSettings { relay: true, ..TrackerSettings::default() });
    let key = |n: u8| Some(PublicKey::from_bytes([n; 32]));
    let (anna, ivan) = (net.open_from(1, key(20), false, 1), net.open_from(0, key(21), false, 2));
    for (n, session, line) in [
        (1, anna, "register-user anna 4001"),
        (1, anna, "addresses 192.168.1.2:4001"),
        (0, ivan, "register-user ivan 4002"),
        (0, ivan, "addresses 192.168.1.9:4002"),
    ] {
        assert!(net.ask(n, session, line).ends_with("OK 0\n"), "{line}");
    }
    net.run(500);
    (net, anna, ivan)
}

/// The tickets of who asks and of who is asked, and the notice.
fn meet(net: &mut Net, asker: (usize, SessionId), target: (usize, SessionId), name: &str) -> (String, String, String) {
    net.take(target.0, target.1);
    let told = net.ask(asker.0, asker.1, &format!("connect {name}"));
    let own = told.lines().nth(1).and_then(|line| line.strip_prefix("ticket ")).unwrap_or_else(|| panic!("{told}"));
    let notice = net.take(target.0, target.1);
    let theirs = notice.strip_prefix("* connect ").and_then(|rest| rest.split(' ').next()).expect("a ticket");
    (own.to_owned(), theirs.to_owned(), notice.clone())
}

#[test]
fn users_of_two_trackers_are_told_where_the_other_is() {
    let (mut net, anna, ivan) = two_at_two_trackers();
    let vera = net.open_from(2, Some(PublicKey::from_bytes([22; 32])), false, 1);
    net.ask(2, vera, "register-user vera 4003");
    let guest = net.open_from(2, None, false, 1);
    net.ask(2, guest, "register-user guest");
    let (direct, lan) = ("direct 192.0.2.1:4001 unknown\n", "lan 192.168.1.2:4001 unknown\n");
    let elsewhere = format!("OK 1\n{direct}");
    assert_eq!(net.ask(0, ivan, "list-addresses anna"), elsewhere);
    assert_eq!(net.ask(2, vera, "list-addresses anna"), format!("OK 2\n{direct}{lan}"), "they are in one home");
    assert_eq!(net.ask(2, guest, "list-addresses anna"), elsewhere, "nobody has proven who this is");
    let (.., notice) = meet(&mut net, (0, ivan), (1, anna), "anna");
    assert!(notice.contains(" 192.0.2.2:4002 unknown back=") && !notice.contains("lan="), "{notice}");
    net.ask(2, vera, "addresses 192.168.1.7:4003");
    let (.., notice) = meet(&mut net, (2, vera), (1, anna), "anna");
    assert!(notice.contains(" 192.0.2.1:4003 ") && notice.contains("lan=192.168.1.7:4003"), "{notice}");
    // What their tracker does not say is told as far as it is known.
    net.is_silent[1] = true;
    net.take(0, ivan);
    net.say(0, ivan, "list-addresses anna");
    net.run(1100);
    assert_eq!(net.take(0, ivan), elsewhere);
    net.run(2000);
    net.say(0, ivan, "connect anna");
    net.run(1100);
    assert!(net.take(0, ivan).starts_with("ERR unreachable "));
}

#[test]
fn users_of_two_trackers_meet_by_their_own_and_are_relayed_by_both() {
    let (mut net, anna, ivan) = two_at_two_trackers();
    let (of_ivan, of_anna, notice) = meet(&mut net, (0, ivan), (1, anna), "anna");
    assert!(notice.ends_with(&format!("back={of_ivan} relay=open\n")), "{notice}");
    assert!(net.ask(0, ivan, "connect anna").starts_with("ERR slow-down "), "no knocking");
    // Each shows their port to their own tracker.
    let (a, i) = (net.open_from(1, None, false, 1), net.open_from(0, None, false, 2));
    assert_eq!(net.ask(1, a, &format!("probe {of_anna}")), "");
    let thief = net.open_from(1, None, false, 66);
    assert!(net.ask(1, thief, &format!("probe {of_anna}")).starts_with("ERR gone "), "seen on its way");
    assert_eq!(net.ask(0, i, &format!("probe {of_ivan}")), "OK 1\n192.0.2.1:50000\n");
    net.run(50);
    assert_eq!(net.take(1, a), "OK 1\n192.0.2.2:50000\n");
    // Then both are carried by the two.
    let (a, i) = (net.open_from(1, None, false, 1), net.open_from(0, None, false, 2));
    assert_eq!(net.ask(0, i, &format!("relay {of_ivan}")), "");
    assert_eq!(net.ask(1, a, &format!("relay {of_anna}")), "OK 0\n");
    assert_eq!((net.take(0, i).as_str(), net.relays.as_slice()), ("OK 0\n", &[0, 1][..]));
    assert_eq!([0, 1].map(|n| net.trackers[n].relays().0), [1, 1]);
    // Who comes alone hears so after a while.
    net.run(2000);
    let (_, of_anna, notice) = meet(&mut net, (0, ivan), (1, anna), "anna");
    assert!(!notice.contains("relay="), "there is one: {notice}");
    let a = net.open_from(1, None, false, 1);
    net.ask(1, a, &format!("probe {of_anna}"));
    net.run(10_500);
    assert!(net.take(1, a).starts_with("ERR gone "));
}

#[test]
fn what_only_trackers_say_is_refused_of_others_and_tickets_are_good_where_they_were_given() {
    let (mut net, anna, ivan) = two_at_two_trackers();
    let (of_ivan, of_anna, _) = meet(&mut net, (0, ivan), (1, anna), "anna");
    let key = "15".repeat(32);
    let forged = format!("connect anna {} {key} 192.0.2.1 {of_anna} boris {key} 192.0.2.66:4001 open", at(0));
    for line in [forged.as_str(), "list-addresses anna from=192.0.2.1"] {
        let told = net.ask(0, ivan, line);
        assert!(told.starts_with("ERR usage "), "{line}: {told}");
    }
    for (n, line, code) in [
        (1, format!("probe {of_anna} 192.0.2.66:4001"), "usage"),
        (2, format!("probe {of_anna}"), "gone"),
        (2, format!("relay {of_anna}"), "gone"),
        (1, format!("probe {of_ivan}"), "gone"),
        (1, format!("relay {of_ivan}"), "gone"),
    ] {
        let plain = net.open_from(n, None, false, 66);
        let told = net.ask(n, plain, &line);
        assert!(told.starts_with(&format!("ERR {code} ")), "{n}: {line}: {told}");
    }
    assert!(net.ask(1, anna, &format!("relay {of_anna}")).starts_with("ERR usage "), "not in a session with a name");
    // A tracker forwards nothing for one that is not in the list, nor to a name that is another key's by now.
    for (tracker, target, code) in
        [("192.0.2.250:1".to_owned(), "14", "unreachable"), (at(0).to_string(), "16", "no-such-user")]
    {
        let other = net.open(1, Some(KEY), true);
        let target = target.repeat(32);
        let line = format!("connect anna {tracker} {target} - AAAAAAAAAAAAAAAAAAAAAQ eve {key} 192.0.2.66:4001 open");
        net.take(1, anna);
        let told = net.ask(1, other, &line);
        assert!(told.contains(&format!("ERR {code} ")), "{line}: {told}");
        assert_eq!(net.take(1, anna), "");
    }
    net.ask(1, anna, "quit");
    net.run(3000);
    assert!(net.ask(0, ivan, "connect anna").starts_with("ERR no-such-user "));
}
