//! Which tracker of a network is tried next.
//!
//! A network may have several trackers, any of which will do. They are tried in random order, so that those whom one lost
//! spread over the others, each once: then the round is over, and there is a longer wait.

use std::time::Duration;

use rand::RngExt;
use rand::seq::SliceRandom;

use crate::model::invite::{HostPort, NetworkAddress};
use crate::service::tracker_client::AwayReason;

/// Everybody whom a tracker has lost comes to the next one within this time, and not in one moment.
const NEXT_TRACKER_WAIT_MAX: Duration = Duration::from_millis(500);

/// The trackers that are not tried yet.
#[derive(Debug)]
pub(super) struct Round {
    /// The last of these is the next.
    left: Vec<HostPort>,
    /// None of those that were tried would do, and all of them because somebody else answered there.
    is_usurped: bool,
}

impl Round {
    /// All of them.
    pub(super) fn new(network: &NetworkAddress) -> Self {
        let mut left: Vec<HostPort> = network.iter().cloned().collect();
        left.shuffle(&mut rand::rng());
        Self { left, is_usurped: true }
    }

    /// All of them; the one that was lost just now comes last.
    pub(super) fn after_loss_of(lost: &HostPort, network: &NetworkAddress) -> Self {
        let mut round = Self::new(network);
        if let Some(at) = round.left.iter().position(|address| address == lost) {
            let lost = round.left.remove(at);
            round.left.insert(0, lost);
        }
        round
    }

    /// One that is known to be there is the next.
    pub(super) fn begin_with(&mut self, address: &HostPort) {
        if let Some(at) = self.left.iter().position(|other| other == address) {
            let address = self.left.remove(at);
            self.left.push(address);
        }
    }

    /// The next one, unless all were tried.
    pub(super) fn next(&mut self) -> Option<HostPort> {
        self.left.pop()
    }

    /// Whether all were tried.
    pub(super) fn is_over(&self) -> bool {
        self.left.is_empty()
    }

    /// The last one would not do. Whether only a person can tell how to go on: somebody else answers wherever we try.
    pub(super) fn fails(&mut self, why: &AwayReason) -> bool {
        self.is_usurped &= *why == AwayReason::KeyChanged;
        self.is_usurped && self.is_over()
    }

    /// How long until the next one is tried.
    pub(super) fn next_wait() -> Duration {
        rand::rng().random_range(Duration::ZERO..=NEXT_TRACKER_WAIT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::absence::AbsenceReason;

    fn network() -> NetworkAddress {
        "a:1,b:1,c:1,d:1".parse().expect("addresses")
    }

    fn order(mut round: Round) -> String {
        std::iter::from_fn(|| round.next()).map(|address| address.host().to_owned()).collect()
    }

    #[test]
    fn each_is_tried_once_in_any_order_and_the_lost_one_last() {
        let lost = network().iter().nth(1).cloned().expect("b");
        let orders: BTreeSet<String> = (0..500).map(|_| order(Round::new(&network()))).collect();
        assert!(orders.len() > 12, "{orders:?}");
        for order in &orders {
            assert_eq!(order.chars().collect::<BTreeSet<_>>().len(), 4, "{order}");
        }
        for _ in 0..100 {
            let order = order(Round::after_loss_of(&lost, &network()));
            assert!(order.len() == 4 && order.ends_with('b'), "{order}");
        }
        for known in network().iter() {
            let mut round = Round::after_loss_of(&lost, &network());
            round.begin_with(known);
            let order = order(round);
            assert!(order.len() == 4 && order.starts_with(known.host()), "{order}");
        }
        assert_eq!(order(Round::new(&lost.into())), "b");
        assert!((0..100).all(|_| Round::next_wait() <= NEXT_TRACKER_WAIT_MAX));
    }

    #[test]
    fn only_where_somebody_else_answers_everywhere_a_person_is_asked() {
        let silent = AwayReason::Unreachable(AbsenceReason::Silent);
        for (whys, expected) in [("kkkk", true), ("kkks", false), ("skkk", false), ("ssss", false)] {
            let mut round = Round::new(&network());
            let mut is_usurped = false;
            for why in whys.chars() {
                assert!(!is_usurped && round.next().is_some(), "{whys}");
                is_usurped = round.fails(if why == 'k' { &AwayReason::KeyChanged } else { &silent });
            }
            assert_eq!((is_usurped, round.is_over()), (expected, true), "{whys}");
        }
    }
}
