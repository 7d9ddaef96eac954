//! Several connections that are tried at once, as a [`ReachAttempt`] says; the first that is made wins.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::model::attempt::{AttemptRecord, TryOutcome};
use crate::model::way::Way;
use crate::net::tls;
use crate::reach::{DialCandidate, ReachAttempt, ReachStep};

/// What a race came to, or wants.
#[derive(Debug)]
pub enum RaceEvent<T> {
    /// Connected; the others are given up when the race is dropped.
    Won(T, Way),
    /// They are to be asked to dial us; [`Race::introduction_failed`] if they cannot be, and
    /// [`Race::introduction_too_soon`] if not yet.
    AskToBeDialled,
    /// One is to come to the tracker's relay: [`Race::join`] what comes of it.
    ComeToRelay,
    /// Nothing is left to try: why the last one failed.
    Lost(io::Error),
}

/// A race. Dropping it ends every connection that has not won.
#[derive(Debug)]
pub struct Race<T> {
    attempt: ReachAttempt,
    running: JoinSet<(Connecting, io::Result<T>)>,
    last_error: Option<io::Error>,
    record: AttemptRecord,
    /// The try of those who were asked to dial us, until they come.
    awaited: Option<u32>,
}

/// A connection that is being made.
#[derive(Debug)]
struct Connecting {
    way: Way,
    /// Of its try.
    number: u32,
    /// Where to, if it is dialled.
    address: Option<SocketAddr>,
}

impl<T: Send + 'static> Race<T> {
    /// Nothing is tried yet. The attempt has begun now.
    pub fn new(attempt: ReachAttempt) -> Self {
        Self { attempt, running: JoinSet::new(), last_error: None, record: AttemptRecord::default(), awaited: None }
    }

    /// One more address.
    pub fn offer(&mut self, candidate: DialCandidate) {
        self.attempt.offer(candidate);
    }

    /// One more connection that is on its way, by a way that nothing is dialled for. It must end by itself.
    pub fn join(&mut self, way: Way, making: impl Future<Output = io::Result<T>> + Send + 'static) {
        self.spawn(way, None, making);
    }

    fn spawn(
        &mut self,
        way: Way,
        address: Option<SocketAddr>,
        making: impl Future<Output = io::Result<T>> + Send + 'static,
    ) {
        if way == Way::Reversed
            && let Some(awaited) = self.awaited.take()
        {
            self.record.forget(awaited);
        }
        let what = Connecting { way, number: self.record.begin(way, address), address };
        self.running.spawn(async move { (what, making.await) });
    }

    /// They were asked to dial us. [`Race::join`] those who come.
    pub fn await_arrival(&mut self) {
        if self.awaited.is_none() {
            self.awaited = Some(self.record.begin(Way::Reversed, None));
        }
    }

    /// There are no further addresses.
    pub fn expect_no_more(&mut self) {
        self.attempt.expect_no_more();
    }

    /// Nobody can ask them to dial us.
    pub fn introduction_failed(&mut self) {
        self.attempt.introduction_failed();
    }

    /// They cannot be asked to dial us yet. Whether they are to be asked again.
    pub fn introduction_too_soon(&mut self) -> bool {
        self.attempt.introduction_too_soon(now())
    }

    /// They were asked to come to the tracker's relay too.
    pub fn offer_relay(&mut self) {
        self.attempt.offer_relay();
    }

    /// A way that is not tried, and why.
    pub fn leave_out(&mut self, way: Way, why: TryOutcome) {
        self.record.note(way, why);
    }

    /// What was tried, and what came of it until now.
    pub fn into_record(self) -> AttemptRecord {
        self.record
    }

    /// What comes next. `dial` makes a connection and must end by itself. Nothing is lost if the future is dropped.
    pub async fn next<F>(&mut self, dial: impl Fn(DialCandidate) -> F) -> RaceEvent<T>
    where
        F: Future<Output = io::Result<T>> + Send + 'static,
    {
        loop {
            while let Some(step) = self.attempt.next_step(now()) {
                match step {
                    ReachStep::AskToBeDialled => return RaceEvent::AskToBeDialled,
                    ReachStep::ComeToRelay => return RaceEvent::ComeToRelay,
                    ReachStep::Dial(candidate) => {
                        let dialling = dial(candidate);
                        self.spawn(candidate.way, Some(candidate.address), dialling);
                    }
                }
            }
            if self.attempt.is_hopeless() {
                self.record.give_up();
                let nowhere = || io::Error::new(io::ErrorKind::NotFound, "there is no address to connect to");
                return RaceEvent::Lost(self.last_error.take().unwrap_or_else(nowhere));
            }
            let deadline = self.attempt.next_deadline();
            let wake = deadline.unwrap_or_else(now).into();
            tokio::select! {
                Some(ended) = self.running.join_next() => match ended {
                    Ok((what, Ok(made))) => {
                        self.record.end(what.number, TryOutcome::Reached);
                        return RaceEvent::Won(made, what.way);
                    }
                    Ok((what, Err(error))) => {
                        if let Some(address) = what.address {
                            self.attempt.failed(address);
                        }
                        if what.way == Way::Relayed {
                            self.attempt.relay_failed();
                        }
                        match outcome_of(&error, what.way) {
                            Some(outcome) => self.record.end(what.number, outcome),
                            None => self.record.forget(what.number),
                        }
                        self.last_error = Some(error);
                    }
                    // It panicked, which is a fault of ours.
                    Err(error) => return RaceEvent::Lost(io::Error::other(error)),
                },
                () = sleep_until(wake), if deadline.is_some() => {}
                // Until there are more addresses, which is said to another call of this.
                else => std::future::pending().await,
            }
        }
    }
}

/// What an error says of the way; `None`: there was nothing to try.
fn outcome_of(error: &io::Error, way: Way) -> Option<TryOutcome> {
    use io::ErrorKind as Kind;
    if tls::is_wrong_key(error) {
        return Some(TryOutcome::OtherKey);
    }
    match error.kind() {
        Kind::NotFound => None,
        Kind::ConnectionRefused => Some(TryOutcome::Refused),
        Kind::TimedOut => Some(TryOutcome::Silent),
        // Both families are tried, whichever this computer has.
        Kind::NetworkUnreachable if way == Way::Punched => None,
        Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => Some(TryOutcome::NoNetwork),
        Kind::NotConnected => Some(TryOutcome::NotMet),
        Kind::PermissionDenied => Some(TryOutcome::NotAllowed),
        _ => Some(TryOutcome::Broken),
    }
}

/// Tokio's clock, which tests can turn.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    /// What comes of addresses that answer after so many milliseconds, or fail then.
    async fn won(addresses: &'static [(&str, u64, bool)]) -> Option<&'static str> {
        let mut attempt = ReachAttempt::new(now());
        addresses.iter().for_each(|(at, ..)| attempt.offer(DialCandidate::at(at.parse().expect("an address"))));
        let mut race = Race::new(attempt);
        let dial = |candidate: DialCandidate| async move {
            let known = addresses.iter().find(|(at, ..)| candidate.address.to_string() == *at);
            let (at, millis, answers) = known.expect("one of them");
            sleep(Duration::from_millis(*millis)).await;
            if *answers { Ok(*at) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
        };
        match race.next(dial).await {
            RaceEvent::Won(at, _way) => Some(at),
            RaceEvent::Lost(_) => None,
            RaceEvent::AskToBeDialled | RaceEvent::ComeToRelay => panic!("nobody could be asked"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_that_is_made_wins() {
        const V4: &str = "192.0.2.1:1";
        const V6: &str = "[2001:db8::1]:1";
        for (addresses, winner) in [
            (&[(V4, 10, true), (V6, 10, true)][..], Some(V6)),
            (&[(V4, 10, true), (V6, 5000, false)], Some(V4)),
            (&[(V4, 5000, true), (V6, 1, false)], Some(V4)),
            (&[(V4, 10, false), (V6, 10, false)], None),
            (&[], None),
        ] {
            assert_eq!(won(addresses).await, winner, "{addresses:?}");
        }
    }
}
