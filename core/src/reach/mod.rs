//! How somebody is reached: which ways are tried, in which order and when, as a machine without sockets or clock.
//!
//! ```text
//!   0 ms  addresses in our own network
//!  50 ms  IPv6                                  each a little later than the one before, at once when nothing is
//! 250 ms  IPv4                                  under way any more (RFC 8305: happy eyeballs)
//! 300 ms  they are asked to dial us             at once when nothing is left to dial, or a tracker has found all closed;
//!                                               again each half second while the tracker says that it is too soon
//!   3 s   through the tracker                   if it offers that
//! ```
//!
//! Whoever drives it carries out each [`ReachStep`] and says what came of it; the first connection that is proven ends it.

pub mod mapper;
pub mod mapping;
pub mod nearby;
pub mod punch_schedule;
pub mod reachability;
pub mod upgrade;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::model::way::Way;

/// Addresses that are tried of one way: a name, or a tracker, that gives hundreds is an attack.
const ADDRESSES_OF_A_WAY_MAX: usize = 4;
/// Between two addresses of one way; those of another family are tried in between.
const NEXT_OF_A_WAY: Duration = Duration::from_millis(500);
/// How long those who can be dialled have before those who perhaps cannot are asked to dial us.
const INTRODUCTION_AFTER: Duration = Duration::from_millis(300);
/// How long all ways that are better than the tracker's relay have for themselves.
const RELAY_AFTER: Duration = Duration::from_secs(3);
/// How long it may take them to come; and how long a tracker is asked again to which it is too soon.
const INTRODUCTION_MAX: Duration = Duration::from_secs(8);
/// How long after a tracker has said that it is too soon it is asked again.
const INTRODUCTION_AGAIN: Duration = Duration::from_millis(500);

/// An address at which somebody may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialCandidate {
    /// Where it is dialled.
    pub address: SocketAddr,
    /// By which way it is reached then.
    pub way: Way,
    /// A tracker has dialled it in vain. We may be nearer, so it is tried all the same.
    pub is_closed: bool,
}

impl DialCandidate {
    /// An address that a tracker gave, or that a name stands for.
    pub fn at(address: SocketAddr) -> Self {
        Self { address, way: Way::of(address), is_closed: false }
    }
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachStep {
    /// Connect to it; [`ReachAttempt::failed`] if that comes to nothing.
    Dial(DialCandidate),
    /// Ask the tracker to have them dial us; [`ReachAttempt::introduction_failed`] if it cannot.
    AskToBeDialled,
    /// Come to the tracker's relay, where they come too; [`ReachAttempt::relay_failed`] if that comes to nothing.
    ComeToRelay,
}

/// One attempt to reach somebody.
#[derive(Debug)]
pub struct ReachAttempt {
    began: Instant,
    tries: Vec<Try>,
    /// Somebody is asked for further addresses.
    awaits_more: bool,
    introduction: Introduction,
    /// When they were asked to dial us first.
    first_asked: Option<Instant>,
    relay: RelayState,
}

#[derive(Debug)]
struct Try {
    candidate: DialCandidate,
    due: Instant,
    state: TryState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TryState {
    Waiting,
    Running,
    Failed,
}

/// Whether they are asked to dial us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Introduction {
    /// There is nobody who could ask them, or it came to nothing.
    None,
    /// Not asked yet.
    Possible,
    /// To the tracker it was too soon.
    AskAgain { at: Instant },
    /// They may come until then.
    Asked { until: Instant },
}

/// Whether the tracker's relay is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RelayState {
    /// There is none for us, or it came to nothing.
    None,
    /// Both may come to it, later.
    Possible,
    /// We are there, or on the way.
    Coming,
}

impl ReachAttempt {
    /// Nothing is tried yet.
    pub fn new(now: Instant) -> Self {
        Self {
            began: now,
            tries: Vec::new(),
            awaits_more: false,
            introduction: Introduction::None,
            first_asked: None,
            relay: RelayState::None,
        }
    }

    /// Somebody is asked for further addresses: [`ReachAttempt::offer`] them, then say [`ReachAttempt::expect_no_more`].
    pub fn awaiting_more(mut self) -> Self {
        self.awaits_more = true;
        self
    }

    /// There is a tracker that can ask them to dial us.
    pub fn with_introduction(mut self) -> Self {
        self.introduction = Introduction::Possible;
        self
    }

    /// One more address, or that a known one is closed. Too many of one way are left out.
    pub fn offer(&mut self, candidate: DialCandidate) {
        let same_way = self.tries.iter().filter(|known| known.candidate.way == candidate.way).count();
        let known = self.tries.iter_mut().find(|known| known.candidate.address == candidate.address);
        let is_known = known.map(|known| known.candidate.is_closed |= candidate.is_closed).is_some();
        if is_known || same_way >= ADDRESSES_OF_A_WAY_MAX {
            return;
        }
        let later = NEXT_OF_A_WAY * u32::try_from(same_way).unwrap_or(u32::MAX);
        let due = self.began + head_start_before(candidate.way) + later;
        self.tries.push(Try { candidate, due, state: TryState::Waiting });
    }

    /// There are no further addresses.
    pub fn expect_no_more(&mut self) {
        self.awaits_more = false;
    }

    /// A dialled address came to nothing.
    pub fn failed(&mut self, address: SocketAddr) {
        for tried in self.tries.iter_mut().filter(|tried| tried.candidate.address == address) {
            tried.state = TryState::Failed;
        }
    }

    /// Nobody can ask them to dial us.
    pub fn introduction_failed(&mut self) {
        self.introduction = Introduction::None;
    }

    /// The tracker may ask them to dial us, but not yet. Whether it is asked again.
    pub fn introduction_too_soon(&mut self, now: Instant) -> bool {
        let at = now + INTRODUCTION_AGAIN;
        let is_in_time = self.first_asked.is_some_and(|first| at <= first + INTRODUCTION_MAX);
        self.introduction = if is_in_time { Introduction::AskAgain { at } } else { Introduction::None };
        is_in_time
    }

    /// They were asked to come to the tracker's relay too, if nothing better is found.
    pub fn offer_relay(&mut self) {
        if self.relay == RelayState::None {
            self.relay = RelayState::Possible;
        }
    }

    /// Nobody is met at the relay.
    pub fn relay_failed(&mut self) {
        self.relay = RelayState::None;
    }

    /// What is due now, one step after the other; `None`: nothing until [`ReachAttempt::next_deadline`].
    pub fn next_step(&mut self, now: Instant) -> Option<ReachStep> {
        if matches!(self.introduction, Introduction::Asked { until } if until <= now) {
            self.introduction = Introduction::None;
        }
        if self.relay == RelayState::Possible && self.began + RELAY_AFTER <= now {
            self.relay = RelayState::Coming;
            return Some(ReachStep::ComeToRelay);
        }
        if matches!(self.introduction, Introduction::AskAgain { at } if at <= now) {
            return Some(self.ask(now));
        }
        let is_quiet = self.is_quiet();
        let next = self.tries.iter_mut().filter(|tried| tried.state == TryState::Waiting).min_by_key(|tried| tried.due);
        if let Some(next) = next {
            if is_quiet || next.due <= now {
                next.state = TryState::Running;
                return Some(ReachStep::Dial(next.candidate));
            }
        } else if self.introduction == Introduction::Possible && is_quiet && !self.awaits_more {
            return Some(self.ask(now));
        }
        let is_due = self.introduction == Introduction::Possible
            && (self.began + INTRODUCTION_AFTER <= now || self.is_closed_everywhere());
        is_due.then(|| self.ask(now))
    }

    /// When [`ReachAttempt::next_step`] may have something at the latest, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Instant> {
        let waiting = self.tries.iter().filter(|tried| tried.state == TryState::Waiting).map(|tried| tried.due);
        let introduction = match self.introduction {
            Introduction::None => None,
            Introduction::Possible => Some(self.began + INTRODUCTION_AFTER),
            Introduction::AskAgain { at } => Some(at),
            Introduction::Asked { until } => Some(until),
        };
        let relay = (self.relay == RelayState::Possible).then(|| self.began + RELAY_AFTER);
        waiting.chain(introduction).chain(relay).min()
    }

    /// Whether nothing is under way and nothing left to try.
    pub fn is_hopeless(&self) -> bool {
        let is_over = self.tries.iter().all(|tried| tried.state == TryState::Failed);
        let is_over = is_over && self.relay == RelayState::None;
        is_over && !self.awaits_more && self.introduction == Introduction::None
    }

    fn ask(&mut self, now: Instant) -> ReachStep {
        self.first_asked.get_or_insert(now);
        self.introduction = Introduction::Asked { until: now + INTRODUCTION_MAX };
        ReachStep::AskToBeDialled
    }

    /// A tracker has found closed what is not in vain already.
    fn is_closed_everywhere(&self) -> bool {
        let is_closed = |tried: &Try| tried.candidate.is_closed;
        let is_hopeless = |tried: &Try| is_closed(tried) || tried.state == TryState::Failed;
        !self.awaits_more && self.tries.iter().any(is_closed) && self.tries.iter().all(is_hopeless)
    }

    /// No dialled address may still answer.
    fn is_quiet(&self) -> bool {
        self.tries.iter().all(|tried| tried.state != TryState::Running)
    }
}

/// How long the ways that are better than this one have for themselves.
fn head_start_before(way: Way) -> Duration {
    match way {
        Way::Nearby => Duration::ZERO,
        Way::Ipv6 => Duration::from_millis(50),
        Way::Direct | Way::Mapped => Duration::from_millis(250),
        // These are not dialled.
        Way::Reversed | Way::Punched | Way::Relayed => INTRODUCTION_AFTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: &str = "192.0.2.1:4001";
    const V4_TOO: &str = "192.0.2.2:4001";
    const V6: &str = "[2001:db8::1]:4001";
    const LAN: &str = "192.168.1.2:4001";

    struct Virtual {
        attempt: ReachAttempt,
        start: Instant,
        millis: u64,
    }

    impl Virtual {
        fn new(addresses: &[&str], can_ask: bool) -> Self {
            let start = Instant::now();
            let attempt = ReachAttempt::new(start);
            let attempt = if can_ask { attempt.with_introduction() } else { attempt };
            let mut this = Self { attempt, start, millis: 0 };
            addresses.iter().for_each(|address| this.offer(address));
            this
        }

        fn offer(&mut self, address: &str) {
            self.attempt.offer(DialCandidate::at(address.parse().expect(address)));
        }

        fn fail(&mut self, address: &str) {
            self.attempt.failed(address.parse().expect(address));
        }

        fn too_soon(&mut self) -> bool {
            self.attempt.introduction_too_soon(self.start + Duration::from_millis(self.millis))
        }

        /// What is done until then, each with its millisecond.
        fn until(&mut self, millis: u64) -> Vec<String> {
            let mut done = Vec::new();
            loop {
                let now = self.start + Duration::from_millis(self.millis);
                while let Some(step) = self.attempt.next_step(now) {
                    done.push(match step {
                        ReachStep::Dial(candidate) => format!("{} {}", self.millis, candidate.address),
                        ReachStep::AskToBeDialled => format!("{} ask", self.millis),
                        ReachStep::ComeToRelay => format!("{} relay", self.millis),
                    });
                }
                let next = self.attempt.next_deadline().map(|at| at.duration_since(self.start).as_millis());
                let next = next.and_then(|at| u64::try_from(at).ok()).filter(|at| *at <= millis && *at > self.millis);
                match next {
                    Some(at) => self.millis = at,
                    None => break,
                }
            }
            self.millis = millis;
            done
        }
    }

    #[test]
    fn who_is_known_to_be_closed_is_asked_to_dial_at_once() {
        let closed = |at: &str| DialCandidate { is_closed: true, ..DialCandidate::at(at.parse().expect(at)) };
        let mut one = Virtual::new(&[V4], true);
        one.attempt = ReachAttempt { awaits_more: true, ..one.attempt };
        assert_eq!(one.until(20), lines(&[(0, V4)]));
        one.attempt.offer(closed(V4));
        assert_eq!(one.until(30), lines(&[]), "there may be another address");
        one.attempt.expect_no_more();
        assert_eq!(one.until(30), lines(&[(30, "ask")]));

        let mut two = Virtual::new(&[V4, V6], true);
        two.attempt.offer(closed(V4));
        assert_eq!(two.until(9000), lines(&[(0, V6), (250, V4), (300, "ask")]), "the other one is perhaps open");
        let mut failed = Virtual::new(&[V6], true);
        failed.attempt.offer(closed(V4));
        assert_eq!(failed.until(60), lines(&[(0, V6)]));
        failed.fail(V6);
        assert_eq!(failed.until(60), lines(&[(60, V4), (60, "ask")]));
    }

    fn lines(steps: &[(u64, &str)]) -> Vec<String> {
        steps.iter().map(|(at, what)| format!("{at} {what}")).collect()
    }

    #[test]
    fn better_ways_have_a_head_start() {
        let mut all = Virtual::new(&[V4, V4_TOO, V6, LAN], true);
        assert_eq!(all.until(200), lines(&[(0, LAN), (50, V6)]));
        assert_eq!(all.until(9000), lines(&[(250, V4), (300, "ask"), (750, V4_TOO)]));
        assert!(!all.attempt.is_hopeless(), "four may still answer");
        [LAN, V6, V4, V4_TOO].iter().for_each(|address| all.fail(address));
        assert!(all.attempt.is_hopeless());
    }

    #[test]
    fn nothing_is_waited_for_when_nothing_is_under_way() {
        let mut one = Virtual::new(&[V4, V6], true);
        assert_eq!(one.until(10), lines(&[(0, V6)]), "IPv6 need not wait for a network that is not there");
        one.fail(V6);
        assert_eq!(one.until(20), lines(&[(10, V4)]));
        one.fail(V4);
        assert_eq!(one.until(30), lines(&[(20, "ask")]));
        assert!(!one.attempt.is_hopeless() && one.until(8019).is_empty() && !one.attempt.is_hopeless());
        assert!(one.until(8020).is_empty() && one.attempt.is_hopeless(), "they did not come");

        let mut nobody = Virtual::new(&[], true);
        assert_eq!(nobody.until(10), lines(&[(0, "ask")]));
        nobody.attempt.introduction_failed();
        assert!(nobody.attempt.is_hopeless());
        assert!(Virtual::new(&[], false).attempt.is_hopeless());
    }

    #[test]
    fn a_tracker_to_which_it_is_too_soon_is_asked_again() {
        let mut soon = Virtual::new(&[], true);
        assert_eq!(soon.until(10), lines(&[(0, "ask")]));
        for (from, at) in [(10, 510), (600, 1100)] {
            assert!(soon.until(from).is_empty() && soon.too_soon());
            assert_eq!(soon.until(at), lines(&[(at, "ask")]));
        }
        assert!(soon.until(9099).is_empty() && !soon.attempt.is_hopeless(), "they have as long as others");
        assert!(soon.until(9100).is_empty() && soon.attempt.is_hopeless());

        let mut never = Virtual::new(&[V4], true);
        let mut asked = never.until(500).into_iter().skip(1).collect::<Vec<_>>();
        while never.too_soon() {
            asked.extend(never.until(never.millis + 500));
        }
        assert_eq!((asked.len(), &asked[..2]), (16, &lines(&[(300, "ask"), (1000, "ask")])[..]));
        assert!(never.until(20_000).is_empty() && !never.attempt.is_hopeless(), "who is dialled may still answer");
        never.fail(V4);
        assert!(never.attempt.is_hopeless());
    }

    #[test]
    fn the_relay_is_later_than_all_else_and_does_not_end_it() {
        let mut both = Virtual::new(&[V4], true);
        assert_eq!(both.until(400), lines(&[(0, V4), (300, "ask")]));
        both.attempt.offer_relay();
        both.fail(V4);
        assert!(both.until(2999).is_empty());
        both.offer(V6);
        assert_eq!(both.until(9000), lines(&[(2999, V6), (3000, "relay")]));
        both.fail(V6);
        assert!(!both.attempt.is_hopeless(), "they may still come to it, though they dial no more");
        both.attempt.relay_failed();
        assert!(both.attempt.is_hopeless());

        let mut late = Virtual::new(&[], true);
        assert_eq!(late.until(5000), lines(&[(0, "ask")]));
        late.attempt.offer_relay();
        assert_eq!(late.until(5000), lines(&[(5000, "relay")]));
        late.attempt.offer_relay();
        assert!(late.until(7999).is_empty() && !late.attempt.is_hopeless());
    }

    #[test]
    fn what_is_learnt_later_is_tried_too_and_nothing_twice() {
        let mut late = Virtual::new(&[V4], false);
        assert_eq!(late.until(100), lines(&[(0, V4)]));
        late.offer(V6);
        late.offer(V4);
        assert_eq!(late.until(9000), lines(&[(100, V6)]));

        let mut waiting = Virtual::new(&[V4], true);
        waiting.attempt = waiting.attempt.awaiting_more();
        assert_eq!(waiting.until(10), lines(&[(0, V4)]));
        waiting.fail(V4);
        assert!(waiting.until(20).is_empty(), "another address may do");
        waiting.attempt.expect_no_more();
        assert_eq!(waiting.until(20), lines(&[(20, "ask")]));

        let many: Vec<String> = (1..100).map(|n| format!("192.0.2.{n}:4001")).collect();
        let mut many = Virtual::new(&many.iter().map(String::as_str).collect::<Vec<_>>(), false);
        assert_eq!(many.until(60_000).len(), ADDRESSES_OF_A_WAY_MAX);
    }
}
