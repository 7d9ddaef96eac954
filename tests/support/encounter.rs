//! Users whom a tracker has meet, and the connections that show a ticket.

use std::net::SocketAddr;

use potok_core::net::identity::Identity;

use crate::lines::{Lines, connect};
use crate::world::TestTracker;

/// Somebody with a name and a key, whom this tracker sees at 127.0.0.`from`.
pub async fn user(tracker: &TestTracker, name: &str, from: u8) -> Lines {
    let mut session =
        Lines::tls_from(from, tracker.handle.address(), tracker.handle.key(), &Identity::generate()).await;
    session.expect(&format!("register-user {name} 4001"), "OK 0").await;
    session
}

/// The tickets of an encounter: of who asks, and of who is asked.
pub async fn tickets(asker: &mut Lines, name: &str, target: &mut Lines) -> (String, String) {
    let (head, lines) = asker.list(&format!("connect {name}")).await.expect("an answer");
    let own = lines.first().and_then(|line| line.strip_prefix("ticket ")).unwrap_or_else(|| panic!("{head}"));
    loop {
        let told = target.line().await.expect("a notice");
        if let Some(ticket) = told.strip_prefix("* connect ").and_then(|rest| rest.split(' ').next()) {
            return (own.to_owned(), ticket.to_owned());
        }
    }
}

/// A plain connection from 127.0.0.`from` that has said a line, as one with a ticket does, and was greeted; its address.
pub async fn show(tracker: &TestTracker, line: &str, from: u8) -> (Lines, SocketAddr) {
    let stream = connect(tracker.handle.address(), from).await.expect("connected");
    let address = stream.local_addr().expect("bound");
    let mut lines = Lines::on(stream);
    lines.send(format!("{line}\n").as_bytes()).await;
    let _greeting = lines.line().await;
    (lines, address)
}
