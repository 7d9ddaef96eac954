//! How a peer is reached: by whichever way opens first. What is tried when is for [`crate::reach`] to say.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::model::limits;
use crate::model::way::Way;
use crate::net::dial;
use crate::net::race::{Race, RaceEvent};
use crate::net::tls::{Encrypted, TlsClient};
use crate::reach::{DialCandidate, ReachAttempt};
use crate::service::downloader::Directory;
use crate::transfer::Contact;

/// How long the tracker may take to say where else somebody is.
const ADDRESSES_MAX: Duration = Duration::from_secs(2);

/// A connection to a peer that has proven its key, and how it came about.
pub(super) async fn reach(
    contact: &Contact,
    tls: &TlsClient,
    directory: &dyn Directory,
) -> io::Result<(Encrypted<TcpStream>, Way)> {
    let attempt = ReachAttempt::new(Instant::now().into_std()).awaiting_more();
    let mut race = Race::new(attempt);
    race.offer(DialCandidate::at(contact.address));
    let others = timeout(ADDRESSES_MAX, directory.addresses(&contact.username));
    tokio::pin!(others);
    let mut awaits_others = true;
    loop {
        let dial = |candidate: DialCandidate| {
            let (tls, key) = (tls.clone(), contact.key);
            in_time(async move {
                let stream = dial::address(candidate.address, limits::PEER_CONNECT_MAX).await?;
                tls.connect(stream, Some(key)).await.map(|(stream, _key)| stream)
            })
        };
        tokio::select! {
            event = race.next(dial) => match event {
                RaceEvent::Won(stream, candidate) => return Ok((stream, candidate.way)),
                RaceEvent::Lost(error) => return Err(error),
                RaceEvent::AskToBeDialled => race.introduction_failed(),
            },
            found = &mut others, if awaits_others => {
                awaits_others = false;
                found.unwrap_or_default().into_iter().for_each(|address| race.offer(DialCandidate::at(address)));
                race.expect_no_more();
            }
        }
    }
}

/// TCP and TLS together.
async fn in_time<T>(connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limits::PEER_CONNECT_MAX, connecting).await?
}
