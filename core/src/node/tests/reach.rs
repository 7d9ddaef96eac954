//! By which ways two clients reach each other.

use super::*;
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
#[cfg(target_os = "linux")]
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
#[cfg(target_os = "linux")]
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
    assert_eq!(tried(&mut boris, number), [("nearby", "refused"), ("punched", "switched-off")]);

    boris.apply(|settings| settings.punch = true);
    assert_eq!(boris.ask(Intent::Retry(TransferSelection::One(number))), Ok(Outcome::Done));
    let is_punched = |t: &Transfer| t.way == Some(Way::Punched) && t.done_bytes > 0;
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.number == number && is_punched(t)));
    assert_eq!(tried(&mut boris, number), [("nearby", "refused"), ("punched", "reached")]);
    anna.until(|event| matches!(event, NodeEvent::Transfer(t) if t.direction == Direction::Upload && is_punched(t)));
    boris.until(|event| matches!(event, NodeEvent::Transfer(t) if t.state == TransferState::Finished));
    assert_eq!(std::fs::read(boris.downloads().join("film.mkv")).expect("it is there"), film);
}
