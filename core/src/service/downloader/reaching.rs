//! How a peer is reached: by whichever way opens first. What is tried when is for [`crate::reach`] to say.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::model::address_family::AddressFamily;
use crate::model::attempt::{AttemptRecord, TryOutcome};
use crate::model::limits;
use crate::model::relaying::NoRelay;
use crate::model::way::Way;
use crate::net::outgoing::Outgoing;
use crate::net::race::{Race, RaceEvent};
use crate::net::tls::{Encrypted, TlsClient};
use crate::reach::{DialCandidate, ReachAttempt};
use crate::service::arrivals::{Arrivals, Expected};
use crate::service::downloader::{Directory, Introduction, NoIntroduction};
use crate::service::meeting::RelayPlace;
use crate::transfer::Contact;

/// How long the tracker may take to say where else somebody is, or to ask them to dial us.
const TRACKER_ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long those who can dial us have for themselves before both dial at once.
const PUNCH_AFTER: Duration = Duration::from_millis(500);

/// A connection to a peer that has proven its key, and how it came about.
pub(super) type Reached = (Encrypted<TcpStream>, Way);

/// Which ways are good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Whichever opens first.
    AnyWay,
    /// None that the tracker carries: it does already.
    BetterThanRelayed,
    /// Only what stays within the local network.
    Nearby,
}

impl Wanted {
    fn takes(self, candidate: DialCandidate) -> bool {
        self != Self::Nearby || candidate.way == Way::Nearby
    }
}

/// Nobody was reached.
#[derive(Debug)]
pub(super) struct NotReached {
    /// Why the last try failed.
    pub(super) error: io::Error,
    /// Why the tracker's relay did not help; `None` if it could not even have them meet us, or if a connection opened to
    /// somebody who did not prove to be them: then no router was in the way.
    pub(super) relay: Option<NoRelay>,
}

/// Reaches a peer; and what was tried.
pub(super) async fn reach(
    contact: &Contact,
    wanted: Wanted,
    tls: &TlsClient,
    outgoing: &Outgoing,
    directory: &dyn Directory,
    arrivals: &Arc<Arrivals>,
) -> (Result<Reached, NotReached>, AttemptRecord) {
    let attempt = ReachAttempt::new(Instant::now().into_std()).awaiting_more();
    // Whoever is asked to dial us may come from anywhere.
    let attempt = if wanted == Wanted::Nearby { attempt } else { attempt.with_introduction() };
    let mut race = Race::new(attempt);
    // The tracker's word first: whatever else is said in the local network must not take the place of it.
    let told = contact.address.map(DialCandidate::at).into_iter().chain(directory.nearby(contact));
    told.filter(|candidate| wanted.takes(*candidate)).for_each(|candidate| race.offer(candidate));
    let others = timeout(TRACKER_ANSWER_MAX, directory.addresses(&contact.username));
    tokio::pin!(others);
    let mut awaits_others = true;
    let mut introducing = None;
    let mut expected: Option<Expected> = None;
    let mut relay_place: Option<RelayPlace> = None;
    let mut no_relay = None;
    let (tls, key) = (tls.clone(), contact.key);
    let prove = move |stream: TcpStream| {
        let tls = tls.clone();
        async move { tls.connect(stream, Some(key)).await.map(|(stream, _key)| stream) }
    };
    loop {
        let dial = |candidate: DialCandidate| {
            let prove = prove.clone();
            let outgoing = outgoing.clone();
            let until = Instant::now() + outgoing.patience(limits::PEER_CONNECT_MAX);
            async move {
                let connecting = outgoing.address(candidate.address, limits::PEER_CONNECT_MAX);
                let stream = timeout_at(until, connecting).await??;
                proven_until(until, prove(stream)).await
            }
        };
        tokio::select! {
            event = race.next(dial) => match event {
                RaceEvent::Won(stream, way) => return (Ok((stream, way)), race.into_record()),
                RaceEvent::Lost(error) => {
                    let record = race.into_record();
                    let relay = no_relay.filter(|_| !record.has_opened());
                    return (Err(NotReached { error, relay }), record);
                }
                RaceEvent::AskToBeDialled => {
                    introducing = Some(Box::pin(timeout(TRACKER_ANSWER_MAX, directory.introduce(&contact.username))));
                }
                RaceEvent::ComeToRelay => {
                    let (prove, place, outgoing) = (prove.clone(), relay_place.take(), outgoing.clone());
                    let within = outgoing.patience(limits::PEER_CONNECT_MAX);
                    race.join(Way::Relayed, async move {
                        let place = place.ok_or(io::ErrorKind::NotFound)?;
                        let stream = place.enter(&outgoing).await?;
                        proven_until(Instant::now() + within, prove(stream)).await
                    });
                }
            },
            found = &mut others, if awaits_others => {
                awaits_others = false;
                let found = found.unwrap_or_default().into_iter().filter(|candidate| wanted.takes(*candidate));
                found.for_each(|candidate| race.offer(candidate));
                race.expect_no_more();
            }
            introduced = ready(&mut introducing) => {
                introducing = None;
                match introduced.unwrap_or(Err(NoIntroduction::Impossible)) {
                    Ok(Introduction { ticket, addresses, meeting, are_dialled, relay, relay_place: place }) => {
                        expected = Some(arrivals.expect(ticket));
                        race.await_arrival();
                        addresses.into_iter().for_each(|candidate| race.offer(candidate));
                        if meeting.is_none() {
                            race.leave_out(Way::Punched, TryOutcome::SwitchedOff);
                        }
                        let families = AddressFamily::ALL;
                        for (meeting, by) in meeting.iter().flat_map(|meeting| families.map(|by| (meeting.clone(), by))) {
                            let (prove, outgoing) = (prove.clone(), outgoing.clone());
                            race.join(Way::Punched, async move {
                                if are_dialled {
                                    sleep(PUNCH_AFTER).await;
                                }
                                let stream = meeting.meet(by, &outgoing).await?;
                                proven_until(Instant::now() + limits::PEER_CONNECT_MAX, prove(stream)).await
                            });
                        }
                        no_relay = Some(NoRelay::after(relay, place.is_some()));
                        if no_relay == Some(NoRelay::NotUsed) {
                            race.leave_out(Way::Relayed, TryOutcome::SwitchedOff);
                        }
                        relay_place = place.filter(|_| wanted == Wanted::AnyWay);
                        if relay_place.is_some() {
                            race.offer_relay();
                        }
                    }
                    Err(NoIntroduction::TooSoon) if race.introduction_too_soon() => {}
                    Err(_) => {
                        race.leave_out(Way::Reversed, TryOutcome::NotIntroduced);
                        race.introduction_failed();
                    }
                }
            }
            came = arrival(&mut expected) => match came {
                // Whoever has seen the ticket may come too: who proves the key is the one.
                Ok(stream) => {
                    let until = Instant::now() + limits::PEER_CONNECT_MAX;
                    race.join(Way::Reversed, proven_until(until, prove(stream)));
                }
                Err(error) => tracing::debug!(%error, "a connection that was waited for is gone"),
            }
        }
    }
}

/// Whoever is connected has as long to prove their key. That they do not is another thing than that nothing answers.
async fn proven_until<T>(until: Instant, proving: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let unproven = |_elapsed| io::Error::new(io::ErrorKind::ConnectionAborted, "nobody proved who they are in time");
    timeout_at(until, proving).await.map_err(unproven)?
}

/// What a future comes to, if there is one.
pub(super) async fn ready<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

/// The next connection that is waited for.
async fn arrival(expected: &mut Option<Expected>) -> io::Result<TcpStream> {
    match expected {
        Some(expected) => expected.next().await,
        None => pending().await,
    }
}
