//! How a router is asked to let others in: which protocol is tried, when a mapping is renewed, what comes after a failure,
//! as a machine without sockets or clock. One for each family of addresses.
//!
//! ```text
//!   +-> PCP -> NAT-PMP -> UPnP-IGD -> none of them: again after 5, 10, 20 … 60 minutes
//!   |    |       |           |
//!   |    +-------+-----------+-> mapped -> renewed at half of its time -> mapped …
//!   |                                      not renewed: tried a few times more, then from the beginning
//!   +-- another router, network or port, or the computer was asleep: what there was is removed first
//! ```
//!
//! Whoever drives it carries out one [`MappingStep`] at a time and says what came of it.

use std::time::{Duration, Instant};

use crate::reach::mapping::{
    MappedPort, MappingProtocol, MappingState, MappingStep, MappingWish, NoMapping, is_global,
};

/// A mapping that a router has for less than this is renewed as if it were so long.
const LASTS_MIN: Duration = Duration::from_secs(60);
/// One that it has for longer, or for ever, is renewed as if it were so long: routers forget.
const LASTS_MAX: Duration = Duration::from_secs(20 * 60);
/// However often there is doubt, the router is asked no more often than this.
const DOUBTED_EVERY: Duration = Duration::from_secs(60);
/// Renewals that may fail in a row before everything begins anew.
const RENEWALS_FAILED_MAX: u32 = 3;
/// How long after a renewal that failed the next one is tried.
const RENEWAL_RETRY: Duration = Duration::from_secs(20);
/// When routers are asked again that did not help, at first and in the end.
const ASK_AGAIN_FIRST: Duration = Duration::from_secs(5 * 60);
const ASK_AGAIN_LAST: Duration = Duration::from_secs(60 * 60);

/// What is wanted of the routers of one family, and what of it there is.
#[derive(Debug)]
pub struct Mapper {
    protocols: &'static [MappingProtocol],
    wish: Option<MappingWish>,
    not_needed: bool,
    /// What the shell is doing.
    under_way: Option<MappingStep>,
    /// The computer was asleep since that was begun: what comes of it says nothing of now.
    slept_meanwhile: bool,
    /// What a router has for us, and by what wish.
    held: Option<(MappingProtocol, MappingWish, MappedPort)>,
    /// Which of the protocols is next.
    next: usize,
    due: Option<Instant>,
    failures: u32,
    why: NoMapping,
    pause: Duration,
    /// All were asked in vain, and it is not yet time to ask again.
    is_resting: bool,
    /// When there was an answer last, or none in time.
    asked_at: Option<Instant>,
    /// A router has had a mapping for this wish.
    has_helped: bool,
    is_doubted: bool,
    confirmed: u32,
}

impl Mapper {
    /// Nothing is wanted.
    pub fn new(protocols: &'static [MappingProtocol]) -> Self {
        Self {
            protocols,
            wish: None,
            not_needed: false,
            under_way: None,
            slept_meanwhile: false,
            held: None,
            next: 0,
            due: None,
            failures: 0,
            why: NoMapping::NoRouter,
            pause: ASK_AGAIN_FIRST,
            is_resting: false,
            asked_at: None,
            has_helped: false,
            is_doubted: false,
            confirmed: 0,
        }
    }

    /// What is wanted from now on; another one than before begins anew.
    pub fn want(&mut self, now: Instant, wish: Option<MappingWish>) {
        let not_needed = wish.is_some_and(|wish| wish.own.is_ipv4() && is_global(wish.own));
        let wish = wish.filter(|_| !not_needed);
        self.not_needed = not_needed;
        if self.wish != wish {
            self.wish = wish;
            (self.has_helped, self.is_doubted) = (false, false);
            self.begin(now);
        }
    }

    /// There is a sign that the router has forgotten what it promised, as one has that was switched off and on: it is asked
    /// once more, but one that has never helped is not.
    pub fn doubt(&mut self, now: Instant) {
        if !self.has_helped || self.asked_at.is_some_and(|at| now < at + DOUBTED_EVERY) {
            return;
        }
        self.is_doubted = true;
        if self.held.is_some() {
            self.due = Some(now);
        } else if self.is_resting {
            self.begin(now);
        }
    }

    /// Counts up when a router has promised, or promised again, what was in doubt.
    pub fn confirmed(&self) -> u32 {
        self.confirmed
    }

    /// The computer was asleep, or has come back to a network: the router may have forgotten us.
    pub fn wake(&mut self, now: Instant) {
        if self.wish.is_none() {
            return;
        }
        self.slept_meanwhile = self.under_way.is_some();
        match self.held {
            Some(_) => {
                self.due = Some(now);
                self.failures = RENEWALS_FAILED_MAX;
            }
            None => self.begin(now),
        }
    }

    fn begin(&mut self, now: Instant) {
        (self.next, self.failures, self.pause, self.is_resting) = (0, 0, ASK_AGAIN_FIRST, false);
        self.due = self.wish.map(|_| now);
    }

    /// What is to be done now; nothing while something is being done.
    pub fn next_step(&mut self, now: Instant) -> Option<MappingStep> {
        if self.under_way.is_some() {
            return None;
        }
        let step = match (self.held, self.wish) {
            (Some((_, of, _)), wish) if Some(of) != wish => Some(MappingStep::Remove),
            (_, None) => None,
            (Some((by, ..)), Some(wish)) => self.is_due(now).then_some(MappingStep::Map(by, wish)),
            (None, Some(wish)) => {
                let by = self.protocols.get(self.next).copied().filter(|_| self.is_due(now));
                by.map(|by| MappingStep::Map(by, wish))
            }
        };
        self.under_way = step;
        step
    }

    fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// When [`Mapper::next_step`] has something at the latest.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.due.filter(|_| self.under_way.is_none() && self.wish.is_some())
    }

    /// What came of asking.
    pub fn done(&mut self, now: Instant, result: Result<MappedPort, NoMapping>) {
        let Some(MappingStep::Map(by, wish)) = self.under_way.take() else { return };
        self.asked_at = Some(now);
        let is_of_before = std::mem::take(&mut self.slept_meanwhile) && self.wish == Some(wish);
        match result {
            // It is to be removed some day, and is asked for anew at once.
            Ok(mapped) if is_of_before => self.held = Some((by, wish, mapped)),
            Err(_) if is_of_before => {}
            Ok(mapped) => {
                self.held = Some((by, wish, mapped));
                if self.wish == Some(wish) {
                    (self.failures, self.pause, self.has_helped) = (0, ASK_AGAIN_FIRST, true);
                    if std::mem::take(&mut self.is_doubted) {
                        self.confirmed = self.confirmed.wrapping_add(1);
                    }
                    self.due = Some(now + renewed_after(mapped.lasts));
                }
            }
            // Something else is wanted meanwhile.
            Err(_) if self.wish != Some(wish) => {}
            Err(why) if self.held.is_some() => {
                self.failures += 1;
                self.due = Some(now + RENEWAL_RETRY);
                if self.failures > RENEWALS_FAILED_MAX {
                    self.held = None;
                    self.why = why;
                    self.begin(now);
                }
            }
            Err(why) => self.try_next(now, why),
        }
    }

    fn try_next(&mut self, now: Instant, why: NoMapping) {
        // Of several reasons a refusal says most, and silence least.
        if self.next == 0 || why == NoMapping::Refused || self.why == NoMapping::NoAnswer {
            self.why = why;
        }
        self.next += 1;
        self.due = Some(now);
        self.is_resting = self.next >= self.protocols.len();
        if self.is_resting {
            self.due = Some(now + self.pause);
            self.pause = (self.pause * 2).min(ASK_AGAIN_LAST);
            self.next = 0;
        }
    }

    /// The mapping that was held is given back, or that was tried.
    pub fn removed(&mut self, now: Instant) {
        if self.under_way.take() == Some(MappingStep::Remove) {
            self.slept_meanwhile = false;
            self.held = None;
            self.begin(now);
        }
    }

    /// How it stands.
    pub fn state(&self) -> MappingState {
        match (self.wish, self.held) {
            (Some(wish), Some((by, of, mapped))) if of == wish => MappingState::Mapped(by, mapped),
            (None, _) if self.not_needed => MappingState::NotNeeded,
            (None, _) => MappingState::Off,
            (Some(_), _) => match self.under_way {
                Some(MappingStep::Map(by, _)) => MappingState::Asking(by),
                _ if self.is_resting => MappingState::Failed(self.why),
                _ => self.protocols.get(self.next).map_or(MappingState::Off, |by| MappingState::Asking(*by)),
            },
        }
    }
}

fn renewed_after(lasts: Duration) -> Duration {
    let lasts = if lasts.is_zero() { LASTS_MAX } else { lasts.clamp(LASTS_MIN, LASTS_MAX) };
    lasts / 2
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use super::*;
    use crate::model::port::PeerPort;

    struct Virtual {
        mapper: Mapper,
        start: Instant,
        seconds: u64,
    }

    fn wish(router: &str, own: &str) -> MappingWish {
        let (router, own): (IpAddr, IpAddr) = (router.parse().expect(router), own.parse().expect(own));
        MappingWish { router: SocketAddr::new(router, 5351), own, port: PeerPort::new(4001).expect("a port") }
    }

    fn mapped(seconds: u64) -> Result<MappedPort, NoMapping> {
        let address = Some("203.0.113.7".parse().expect("an address"));
        let port = PeerPort::new(4002).expect("a port");
        Ok(MappedPort { address, port, lasts: Duration::from_secs(seconds) })
    }

    impl Virtual {
        fn new() -> Self {
            let mut this = Self { mapper: Mapper::new(MappingProtocol::OF_IPV4), start: Instant::now(), seconds: 0 };
            this.want(Some(wish("192.168.1.1", "192.168.1.2")));
            this
        }

        fn now(&self) -> Instant {
            self.start + Duration::from_secs(self.seconds)
        }

        fn want(&mut self, wish: Option<MappingWish>) {
            self.mapper.want(self.now(), wish);
        }

        /// What the routers are asked until then, if this comes of it each time: the second, and the protocol.
        fn until(
            &mut self,
            seconds: u64,
            answer: impl Fn(MappingProtocol) -> Result<MappedPort, NoMapping>,
        ) -> Vec<String> {
            let mut done = Vec::new();
            loop {
                let now = self.now();
                while let Some(step) = self.mapper.next_step(now) {
                    match step {
                        MappingStep::Map(by, _) => {
                            done.push(format!("{} {by:?}", self.seconds));
                            assert_eq!(self.mapper.next_step(now), None, "one at a time");
                            self.mapper.done(now, answer(by));
                        }
                        MappingStep::Remove => {
                            done.push(format!("{} remove", self.seconds));
                            self.mapper.removed(now);
                        }
                    }
                }
                let next = self.mapper.next_deadline().map(|at| at.duration_since(self.start).as_secs());
                match next.filter(|at| *at <= seconds && *at > self.seconds) {
                    Some(at) => self.seconds = at,
                    None => break,
                }
            }
            self.seconds = seconds;
            done
        }
    }

    #[test]
    fn the_first_that_answers_is_renewed_at_half_of_its_time() {
        use MappingProtocol::NatPmp;
        let mut home = Virtual::new();
        let only_nat_pmp = |by| if by == NatPmp { mapped(1200) } else { Err(NoMapping::NoAnswer) };
        assert_eq!(home.until(1300, only_nat_pmp), ["0 Pcp", "0 NatPmp", "600 NatPmp", "1200 NatPmp"]);
        assert!(matches!(home.mapper.state(), MappingState::Mapped(NatPmp, _)));
        // The router says no more: some tries, then from the beginning.
        let nobody = |_| Err(NoMapping::NoAnswer);
        let expected =
            ["1800 NatPmp", "1820 NatPmp", "1840 NatPmp", "1860 NatPmp", "1860 Pcp", "1860 NatPmp", "1860 Igd"];
        assert_eq!(home.until(1900, nobody), expected);
        assert_eq!(home.mapper.state(), MappingState::Failed(NoMapping::NoAnswer));
    }

    #[test]
    fn a_router_that_does_not_help_is_asked_less_and_less_often() {
        let mut home = Virtual::new();
        let refuses = |by| Err(if by == MappingProtocol::Igd { NoMapping::NoAnswer } else { NoMapping::Refused });
        let asked = home.until(24 * 3600, refuses);
        let rounds: Vec<&str> = asked.iter().filter_map(|line| line.strip_suffix(" Pcp")).take(7).collect();
        assert_eq!(rounds, ["0", "300", "900", "2100", "4500", "8100", "11700"]);
        assert_eq!(home.mapper.state(), MappingState::Failed(NoMapping::Refused));
        assert!(asked.len() < 90, "{}", asked.len());
    }

    #[test]
    fn what_was_made_for_another_network_is_removed_first() {
        let mut home = Virtual::new();
        assert_eq!(home.until(10, |_| mapped(1200)), ["0 Pcp"]);
        home.want(Some(wish("10.0.0.1", "10.0.0.9")));
        assert_eq!(home.until(20, |_| mapped(1200)), ["10 remove", "10 Pcp"]);
        home.want(Some(wish("10.0.0.1", "10.0.0.9")));
        assert_eq!(home.until(30, |_| mapped(1200)), [""; 0], "the same");
        home.want(None);
        assert_eq!(home.until(40, |_| mapped(1200)), ["30 remove"]);
        assert_eq!((home.mapper.state(), home.mapper.next_deadline()), (MappingState::Off, None));

        // It comes while something else is wanted already.
        home.want(Some(wish("192.168.1.1", "192.168.1.2")));
        let now = home.now();
        assert!(matches!(home.mapper.next_step(now), Some(MappingStep::Map(..))));
        home.want(None);
        home.mapper.done(now, mapped(1200));
        assert_eq!(home.until(50, |_| mapped(1200)), ["40 remove"]);
    }

    #[test]
    fn after_a_sleep_it_is_made_anew() {
        let mut home = Virtual::new();
        assert_eq!(home.until(10, |_| mapped(1200)), ["0 Pcp"]);
        home.mapper.wake(home.now());
        assert_eq!(home.until(20, |_| mapped(1200)), ["10 Pcp"]);
        home.mapper.wake(home.now());
        let other = |by| if by == MappingProtocol::Igd { mapped(0) } else { Err(NoMapping::NoAnswer) };
        assert_eq!(home.until(30, other), ["20 Pcp", "20 Pcp", "20 NatPmp", "20 Igd"]);
        assert_eq!(home.until(700, other), ["620 Igd"], "for ever is looked at too");
    }

    #[test]
    fn what_was_asked_before_a_sleep_says_nothing_of_now() {
        use MappingProtocol::Pcp;
        // All three are asked anew, whichever was being asked in vain.
        for asked_before in 0..3 {
            let mut home = Virtual::new();
            let now = home.now();
            for _ in 0..asked_before {
                home.mapper.next_step(now).expect("one more");
                home.mapper.done(now, Err(NoMapping::NoAnswer));
            }
            home.mapper.next_step(now).expect("one more");
            home.seconds = 1000;
            home.mapper.wake(home.now());
            home.mapper.done(home.now(), Err(NoMapping::NoAnswer));
            let refuses = |_| Err(NoMapping::Refused);
            assert_eq!(home.until(1000, refuses), ["1000 Pcp", "1000 NatPmp", "1000 Igd"], "{asked_before}");
        }
        // What was promised is asked for once more.
        let mut home = Virtual::new();
        home.mapper.next_step(home.now()).expect("the first");
        home.seconds = 1000;
        home.mapper.wake(home.now());
        home.mapper.done(home.now(), mapped(1200));
        assert_eq!(home.until(1700, |_| mapped(1200)), ["1000 Pcp", "1600 Pcp"]);
        assert!(matches!(home.mapper.state(), MappingState::Mapped(Pcp, _)));
    }

    #[test]
    fn what_is_in_doubt_is_asked_for_once_more() {
        let mut home = Virtual::new();
        assert_eq!(home.until(10, |_| mapped(1200)), ["0 Pcp"]);
        home.mapper.doubt(home.now());
        assert_eq!(home.until(90, |_| mapped(1200)), [""; 0], "it has just answered");
        home.mapper.doubt(home.now());
        home.mapper.doubt(home.now());
        assert_eq!((home.until(100, |_| mapped(1200)), home.mapper.confirmed()), (vec!["90 Pcp".to_owned()], 1));
        assert_eq!((home.until(700, |_| mapped(1200)), home.mapper.confirmed()), (vec!["690 Pcp".to_owned()], 1));

        // A router that is being switched off and on says nothing for a while.
        let nobody = |_| Err(NoMapping::NoAnswer);
        home.seconds = 800;
        home.mapper.doubt(home.now());
        assert_eq!(home.until(900, nobody).len(), 4 + 3, "some tries, and from the beginning");
        assert_eq!(home.mapper.state(), MappingState::Failed(NoMapping::NoAnswer));
        home.mapper.doubt(home.now());
        assert_eq!(home.until(930, |_| mapped(1200)), [""; 0], "asked a moment ago");
        home.mapper.doubt(home.now());
        assert_eq!((home.until(940, |_| mapped(1200)), home.mapper.confirmed()), (vec!["930 Pcp".to_owned()], 2));
    }

    #[test]
    fn who_never_helped_is_asked_no_more_often_for_doubt() {
        let mut home = Virtual::new();
        let refuses = |_| Err(NoMapping::Refused);
        let mut asked = 0;
        for seconds in (0..3600).step_by(10) {
            asked += home.until(seconds, refuses).len();
            home.mapper.doubt(home.now());
        }
        assert_eq!(asked, 4 * 3, "at 0, 300, 900 and 2,100 seconds");
    }

    #[test]
    fn a_router_cannot_make_us_ask_without_end() {
        for seconds in [1, 2, 59, 60] {
            let mut home = Virtual::new();
            assert!(home.until(3600, |_| mapped(seconds)).len() <= 1 + 3600 / 30, "{seconds}");
        }
        let mut home = Virtual::new();
        assert_eq!(home.until(7200, |_| mapped(u64::from(u32::MAX))).len(), 1 + 7200 / 600);
    }

    #[test]
    fn who_is_on_the_internet_needs_none() {
        let mut home = Virtual::new();
        home.want(Some(wish("198.51.100.1", "198.51.100.7")));
        assert_eq!((home.until(10, |_| mapped(9)), home.mapper.state()), (Vec::new(), MappingState::NotNeeded));
    }
}
