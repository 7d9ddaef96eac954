//! What the owner of the embedded tracker orders, and what those whom it concerns see of it.

use super::*;
use crate::model::ban_terms::{BanTerms, Remark};
use crate::model::binding::{Ban, BanQuery, BanTarget};
use crate::protocol::code::Code;
use crate::protocol::command::owner::{
    BanSubject, BanUser, Broadcast, KickUser, LiftBan, ListBanned, ListStats, Reload, RenameNetwork, SetLimits,
};
use crate::protocol::notice::Role;
use crate::tracker::log::LogEntry;

fn banned(who: &str) -> BanQuery {
    who.parse().expect(who)
}

fn kick(user: Username) -> Intent {
    Intent::Order(KickUser::of(user).into())
}

fn ban_user(user: Username) -> Intent {
    Intent::Order(BanUser::of(user).into())
}

fn lift(who: BanQuery) -> Intent {
    Intent::Order(LiftBan { who }.into())
}

/// The ban as it is listed when the host ordered it.
fn by_host(ban: Ban) -> Ban {
    Ban { terms: BanTerms { by: Some(name("host")), ..BanTerms::default() }, ..ban }
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
    assert_eq!(host.ask(kick(name("Guest"))), Ok(Outcome::Done));
    host.until(logs(|entry| matches!(entry, LogEntry::Kicked { minutes: 10, .. })));
    guest.until(is_refused);
    assert!(matches!(guest.ask(Intent::Join(tracker.clone())), Err(Failure::Refused { code, text })
        if code == Code::Banned && text.contains("in 10 minutes")));
    assert_eq!(host.ask(lift(banned("guest"))), Ok(Outcome::Done));
    assert_eq!(guest.ask(Intent::Join(tracker)), Ok(Outcome::Done));

    // Who is shut out stops, and is out after a restart of the tracker too.
    let key = guest.me().key;
    let ban = by_host(Ban::new(BanTarget::Key(key), Some("guest".parse().expect("a name"))));
    assert_eq!(host.ask(ban_user(name("guest"))), Ok(Outcome::Bans(vec![ban.clone()])));
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
    assert_eq!(host.ask(Intent::Order(ListBanned::default().into())), Ok(Outcome::Bans(vec![ban])));
    let tracker = host.invite();
    assert!(
        matches!(guest.ask(Intent::Join(tracker.clone())), Err(Failure::Refused { code, .. }) if code == Code::Banned)
    );

    assert_eq!(host.ask(lift(banned("GUEST"))), Ok(Outcome::Done));
    assert_eq!(host.ask(Intent::Order(ListBanned::default().into())), Ok(Outcome::Bans(vec![])));
    assert_eq!(guest.ask(Intent::Join(tracker)), Ok(Outcome::Done));
}

#[test]
fn orders_that_cannot_be_carried_out_say_why() {
    let (mut host, tracker) = Client::host("host");
    assert_eq!(host.ask(ban_user(name("host"))), Err(Failure::Yourself));
    assert_eq!(host.ask(kick(name("host"))), Err(Failure::Yourself));
    let nobody = Failure::NotAtYours { user: "nobody".into() };
    assert_eq!(host.ask(kick(name("nobody"))), Err(nobody.clone()));
    assert_eq!(host.ask(ban_user(name("nobody"))), Err(nobody));
    let unban = lift(banned("nobody"));
    assert_eq!(host.ask(unban), Err(Failure::NotBanned { who: "nobody".into() }));
    // What is no name at all never becomes an intent.
    assert!(Username::new("no name!").is_err() && "no name!".parse::<BanQuery>().is_err());
    let mut guest = Client::at("guest", &tracker);
    for intent in
        [kick(name("host")), ban_user(name("host")), lift(banned("host")), Intent::Order(ListBanned::default().into())]
    {
        assert_eq!(guest.ask(intent), Err(Failure::NotOwner));
    }
}

#[test]
fn a_user_without_a_key_is_shut_out_by_name() {
    let (mut host, tracker) = Client::host("host");
    let mut stranger = std::net::TcpStream::connect(tracker.address.to_string()).expect("connected");
    std::io::Write::write_all(&mut stranger, b"register-user stranger\n").expect("written");
    host.until(|notice| matches!(notice, NodeEvent::Joined { user, .. } if user.username.as_str() == "stranger"));
    // Not the address: it is our own too.
    let ban = by_host(Ban::new("@stranger".parse().expect("a name"), Some("stranger".parse().expect("a name"))));
    assert_eq!(host.ask(ban_user(name("stranger"))), Ok(Outcome::Bans(vec![ban])));
    host.until(|notice| matches!(notice, NodeEvent::Left(user) if user.as_str() == "stranger"));
    assert_eq!(host.ask(lift(banned("stranger"))), Ok(Outcome::Done));
}

#[test]
fn an_owner_says_why_and_for_how_long() {
    let (mut host, tracker) = Client::host("host");
    host.until(|notice| matches!(notice, NodeEvent::Role(Role::Owner)));
    let mut guest = Client::at("guest", &tracker);
    guest.until(is_online);
    let word = |text: &str| Remark::new(text).expect("a remark");
    assert_eq!(host.ask(Intent::Order(Broadcast { text: word("dinner") }.into())), Ok(Outcome::Done));
    guest.until(|notice| matches!(notice, NodeEvent::Broadcast { by: Some(by), text } if by.as_str() == "host" && text.as_str() == "dinner"));
    assert_eq!(host.ask(Intent::Order(RenameNetwork { name: Some(word("House")) }.into())), Ok(Outcome::Done));
    guest.until(|notice| {
        matches!(notice, NodeEvent::Connection(TrackerConnection::Online { network, .. }) if network == "House")
    });
    let limits = host.ask(Intent::Order(SetLimits { changes: vec![("names_per_key".into(), Some(3))] }.into()));
    assert!(
        matches!(limits, Ok(Outcome::Limits(all)) if all.iter().any(|one| (one.name.as_str(), one.value) == ("names_per_key", 3)))
    );
    let stats = host.ask(Intent::Order(ListStats.into()));
    assert!(
        matches!(stats, Ok(Outcome::Figures(all)) if all.iter().any(|one| (one.name.as_str(), one.value) == ("users", 2)))
    );
    assert!(
        matches!(host.ask(Intent::Order(Reload.into())), Err(Failure::Refused { code, .. }) if code == Code::BadConfiguration)
    );

    let subject = BanSubject::User(name("guest"));
    let ban = BanUser { subject, span: Some("2h".parse().expect("a time")), reason: Some(word("loud")) };
    let Ok(Outcome::Bans(bans)) = host.ask(Intent::Order(ban.into())) else { panic!("no bans") };
    assert_eq!((bans[0].terms.reason.as_ref(), bans.len()), (Some(&word("loud")), 1));
    let refused = host.status().connection;
    assert!(matches!(refused, TrackerConnection::Online { .. }), "an owner stays");
    guest.until(is_refused);
    assert!(matches!(guest.ask(Intent::Join(tracker)), Err(Failure::Refused { code, text })
        if code == Code::Banned && text.ends_with("you may come back in 120 minutes; reason: loud")));
}
