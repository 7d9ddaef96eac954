//! By which ways two clients reach each other.

use super::*;
use crate::model::relaying::NoRelay;
use crate::model::transfer::{Transfer, TransferId, TransferSelection};
use crate::model::transfer_details::FileQuery;
use crate::model::way::Way;

/// Each way that was tried to reach those who have it, and what came of it; several addresses count once.
fn tried(client: &mut Client, number: TransferId) -> Vec<(&'static str, &'static str)> {
    match client.ask(Intent::DescribeTransfer { number, files: FileQuery::default() }) {
        Ok(Outcome::TransferDetails(details)) => {
            let tried = details.sources.iter().flat_map(|source| &source.tried);
            let mut tried: Vec<_> = tried.map(|tried| (tried.way.key(), tried.outcome.key())).collect();
            tried.dedup();
            tried
        }
        other => panic!("no details: {other:?}"),
    }
}

/// A client that the tracker sees where nobody listens: at the address from which it dials.
fn undiallable(name: &str, tracker: &TrackerAddress) -> Client {
    let mut client = Client::at(name, tracker);
    client.apply(|settings| settings.listen = "127.0.0.2:0".parse().expect("an address"));
    client
}

#[test]
fn who_cannot_be_dialled_is_asked_to_dial() {
    let (_host, tracker) = Client::host("host");
    let mut anna = undiallable("anna", &tracker);
    let film = vec![7; 3 << 20];
    share(&mut anna, &[("film.mkv", &film)]);
    anna.apply(|settings| settings.upload_bytes_per_second = 2 << 20);
    let mut boris = Client::at("boris", &tracker);
    // Both would be tried side by side, and either may be the first.
    boris.apply(|settings| settings.punch = false);
    let number = download(&mut boris, "anna", "film.mkv");
    let is_reversed = |t: &Transfer| t.way == Some(Way::Reversed) && t.done_bytes > 0;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.number == number && is_reversed(t)));
    anna.until(|event| matches!(event, NodeEvent::Transfer(t) if t.direction == Direction::Upload && is_reversed(t)));
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.state == TransferState::Finished));
    assert_eq!(std::fs::read(boris.downloads().join("film.mkv")).expect("it is there"), film);
}

#[test]
fn where_nothing_else_goes_the_tracker_carries_it_until_something_does() {
    let (mut host, tracker) = Client::host("host");
    host.apply(|settings| {
        settings.host_relay = true;
        settings.host_relay_bytes_per_second = 4 << 20;
    });
    let mut anna = undiallable("anna", &tracker);
    let film = vec![7; 64 << 20];
    share(&mut anna, &[("film.mkv", &film)]);
    let mut boris = undiallable("boris", &tracker);
    boris.apply(|settings| settings.punch = false);
    let number = download(&mut boris, "anna", "film.mkv");
    let goes = |way: Way| move |t: &Transfer| t.way == Some(way) && t.done_bytes > 0;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.number == number && goes(Way::Relayed)(t)));
    anna.until(
        |event| matches!(event, NodeEvent::Transfer(t) if t.direction == Direction::Upload && goes(Way::Relayed)(t)),
    );
    assert_eq!(host.hosted().relays, 1);

    // Now both can dial at once: what follows goes by that way, and what the relay owes comes to its end.
    boris.apply(|settings| settings.punch = true);
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.number == number && goes(Way::Punched)(t)));
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.state == TransferState::Finished));
    assert_eq!(std::fs::read(boris.downloads().join("film.mkv")).expect("it is there"), film);
    let hosted = host.hosted();
    let [used] = hosted.relayed.as_slice() else { panic!("{hosted:?}") };
    assert_eq!(used.username.as_ref().map(Username::as_str), Some("boris"), "who asked");
    assert!(used.bytes > 256 << 10 && used.bytes < 48 << 20, "{used:?}");
}

#[test]
fn who_is_reached_by_no_way_is_said_to_be_and_why() {
    let (_host, tracker) = Client::host("host");
    let mut anna = undiallable("anna", &tracker);
    share(&mut anna, &[("film.mkv", &[7; 1000])]);
    let mut boris = undiallable("boris", &tracker);
    boris.apply(|settings| settings.punch = false);
    let number = download(&mut boris, "anna", "film.mkv");
    let is_told = |t: &Transfer| matches!(t.state, TransferState::Unreachable { no_relay: Some(NoRelay::Off), .. });
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.number == number && is_told(t)));
}

#[test]
fn two_who_cannot_be_dialled_dial_at_once() {
    let (_host, tracker) = Client::host("host");
    let mut anna = undiallable("anna", &tracker);
    let film = vec![7; 3 << 20];
    share(&mut anna, &[("film.mkv", &film)]);
    anna.apply(|settings| settings.upload_bytes_per_second = 2 << 20);
    let mut boris = undiallable("boris", &tracker);
    boris.apply(|settings| settings.punch = false);
    let number = download(&mut boris, "anna", "film.mkv");
    let waits = |t: &Transfer| t.number == number && matches!(t.state, TransferState::Unreachable { .. });
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if waits(t)));
    assert_eq!(
        tried(&mut boris, number),
        [("nearby", "refused"), ("reversed", "not-met"), ("punched", "switched-off")]
    );

    boris.apply(|settings| settings.punch = true);
    assert_eq!(boris.ask(Intent::Retry(TransferSelection::One(number))), Ok(Outcome::Done));
    let is_punched = |t: &Transfer| t.way == Some(Way::Punched) && t.done_bytes > 0;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.number == number && is_punched(t)));
    let (nearby, reversed) = (("nearby", "refused"), ("reversed", "under-way"));
    assert_eq!(tried(&mut boris, number), [nearby, reversed, ("punched", "reached")]);
    let is_upload = |event: &NodeEvent| matches!(event, NodeEvent::Transfer(t) if t.direction == Direction::Upload && is_punched(t));
    let NodeEvent::Transfer(upload) = anna.until(is_upload) else { panic!("an upload") };
    assert_eq!(tried(&mut anna, upload.number), [nearby, reversed], "as boris says: a better way was tried in vain");
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.state == TransferState::Finished));
    assert_eq!(std::fs::read(boris.downloads().join("film.mkv")).expect("it is there"), film);
}
