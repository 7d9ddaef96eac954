//! What the owner of the embedded tracker orders, and what those whom it concerns see of it.

use super::*;
use crate::model::binding::{Ban, BanQuery, BanTarget};
use crate::protocol::code::Code;
use crate::tracker::log::LogEntry;

fn banned(who: &str) -> BanQuery {
    who.parse().expect(who)
}

fn is_refused(notice: &NodeEvent) -> bool {
    matches!(notice, NodeEvent::Connection(TrackerConnection::Refused { .. }))
}

fn logs(expected: impl Fn(&LogEntry) -> bool) -> impl Fn(&NodeEvent) -> bool {
    move |notice| matches!(notice, NodeEvent::TrackerLog { entry, .. } if expected(entry))
}

#[test]
fn the_owner_of_a_tracker_sees_kicks_and_bans() {
    let (mut host, tracker) = Client::host("host");
    let mut guest = Client::at("guest", &tracker);
    host.until(logs(|entry| matches!(entry, LogEntry::Joined { user, .. } if user.as_str() == "guest")));
    let hosted = host.hosted();
    assert_eq!((hosted.connections, hosted.users, hosted.files), (2, 2, 0));
    assert!(hosted.bytes_in > 0 && hosted.bytes_out > 0 && hosted.since <= std::time::SystemTime::now());

    // Who was sent away reads so and stays away, unless they are let in again.
    guest.until(is_online);
    assert_eq!(host.ask(Intent::Kick { user: name("Guest") }), Ok(Outcome::Done));
    host.until(logs(|entry| matches!(entry, LogEntry::Kicked { minutes: 10, .. })));
    guest.until(is_refused);
    assert!(matches!(guest.ask(Intent::Join(tracker.clone())), Err(Failure::Refused { code, text })
        if code == Code::Banned && text.contains("in 10 minutes")));
    assert_eq!(host.ask(Intent::Unban { who: banned("guest") }), Ok(Outcome::Done));
    assert_eq!(guest.ask(Intent::Join(tracker)), Ok(Outcome::Done));

    // Who is shut out stops, and is out after a restart of the tracker too.
    let key = guest.me().key;
    let ban = Ban { target: BanTarget::Key(key), username: Some("guest".parse().expect("a name")) };
    assert_eq!(host.ask(Intent::Ban { user: name("guest") }), Ok(Outcome::Bans(vec![ban.clone()])));
    // What it heard of the time before is no answer yet.
    let refused = |client: &mut Client| loop {
        match client.status().connection {
            TrackerConnection::Refused { why: Failure::Refused { code, .. }, .. } => break code,
            _ => client.until(is_refused),
        };
    };
    assert_eq!(refused(&mut guest), Code::Banned);
    host.until(logs(|entry| matches!(entry, LogEntry::Refused { code, .. } if *code == Code::Banned)));
    host.restart();
    let at = SocketAddr::from(([127, 0, 0, 1], 0));
    assert_eq!(host.ask(Intent::HostTracker(at)), Ok(Outcome::Done));
    assert_eq!(host.ask(Intent::ListBans), Ok(Outcome::Bans(vec![ban])));
    let tracker = host.invite();
    assert!(
        matches!(guest.ask(Intent::Join(tracker.clone())), Err(Failure::Refused { code, .. }) if code == Code::Banned)
    );

    assert_eq!(host.ask(Intent::Unban { who: banned("GUEST") }), Ok(Outcome::Done));
    assert_eq!(host.ask(Intent::ListBans), Ok(Outcome::Bans(vec![])));
    assert_eq!(guest.ask(Intent::Join(tracker)), Ok(Outcome::Done));
}

#[test]
fn orders_that_cannot_be_carried_out_say_why() {
    let (mut host, tracker) = Client::host("host");
    assert_eq!(host.ask(Intent::Ban { user: name("host") }), Err(Failure::Yourself));
    assert_eq!(host.ask(Intent::Kick { user: name("host") }), Err(Failure::Yourself));
    let nobody = Failure::NotAtYours { user: "nobody".into() };
    assert_eq!(host.ask(Intent::Kick { user: name("nobody") }), Err(nobody.clone()));
    assert_eq!(host.ask(Intent::Ban { user: name("nobody") }), Err(nobody));
    let unban = Intent::Unban { who: banned("nobody") };
    assert_eq!(host.ask(unban), Err(Failure::NotBanned { who: "nobody".into() }));
    // What is no name at all never becomes an intent.
    assert!(Username::new("no name!").is_err() && "no name!".parse::<BanQuery>().is_err());
    let mut guest = Client::at("guest", &tracker);
    for intent in [
        Intent::Kick { user: name("host") },
        Intent::Ban { user: name("host") },
        Intent::Unban { who: banned("host") },
        Intent::ListBans,
    ] {
        assert_eq!(guest.ask(intent), Err(Failure::NotHosting));
    }
}

#[test]
fn a_user_without_a_key_is_shut_out_by_name() {
    let (mut host, tracker) = Client::host("host");
    let mut stranger = std::net::TcpStream::connect(tracker.address.to_string()).expect("connected");
    std::io::Write::write_all(&mut stranger, b"register-user stranger\n").expect("written");
    host.until(|notice| matches!(notice, NodeEvent::Joined { user, .. } if user.username.as_str() == "stranger"));
    // Not the address: it is our own too.
    let ban = Ban { target: "@stranger".parse().expect("a name"), username: Some("stranger".parse().expect("a name")) };
    assert_eq!(host.ask(Intent::Ban { user: name("stranger") }), Ok(Outcome::Bans(vec![ban])));
    host.until(|notice| matches!(notice, NodeEvent::Left(user) if user.as_str() == "stranger"));
    assert_eq!(host.ask(Intent::Unban { who: banned("stranger") }), Ok(Outcome::Done));
}
