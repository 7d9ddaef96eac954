//! Trials: users who ask to be dialled, to learn whether others can reach them. How many there may be is kept here, so
//! that a tracker is of no use to whoever would knock at doors.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::model::username::Username;
use crate::tracker::budget::{Allowance, Budgets};
use crate::tracker::input::{SessionId, TrialId};

/// What a household may have tried: three at once, for both families and a change, then one a minute.
const OF_HOUSEHOLD: Allowance = Allowance { burst: 3, per_hour: 60 };
/// Trials under way at once: each is a socket and a handshake.
const TRIALS_MAX: usize = 32;
/// A trial of which nothing was heard is over. Dialling takes at most half of this.
const TRIAL_LASTS: Duration = Duration::from_secs(10);

/// All that are under way.
#[derive(Debug)]
pub struct Trials {
    open: BTreeMap<TrialId, OpenTrial>,
    last: u64,
    of_households: Budgets,
}

/// Who is dialled, and who wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTrial {
    /// The session that asked.
    pub session: SessionId,
    /// Who they are.
    pub username: Username,
    /// Where they are dialled.
    pub address: SocketAddr,
    until: Instant,
}

/// Why nobody is dialled now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTrial {
    /// It was asked too often from there.
    TooOften,
    /// Too many are under way.
    TooMany,
}

impl Default for Trials {
    fn default() -> Self {
        Self { open: BTreeMap::new(), last: 0, of_households: Budgets::new(OF_HOUSEHOLD) }
    }
}

impl Trials {
    /// Somebody is to be dialled at their own address.
    pub fn begin(
        &mut self,
        now: Instant,
        session: SessionId,
        username: Username,
        address: SocketAddr,
    ) -> Result<TrialId, NoTrial> {
        while self.open.first_key_value().is_some_and(|(_, trial)| trial.until <= now) {
            self.open.pop_first();
        }
        if self.open.len() >= TRIALS_MAX {
            return Err(NoTrial::TooMany);
        }
        if !self.of_households.has_left(now, address.ip()) {
            return Err(NoTrial::TooOften);
        }
        self.of_households.charge(now, address.ip(), 1);
        self.last += 1;
        let id = TrialId::new(self.last);
        self.open.insert(id, OpenTrial { session, username, address, until: now + TRIAL_LASTS });
        Ok(id)
    }

    /// What came of one is known. `None`: it was over.
    pub fn end(&mut self, id: TrialId) -> Option<OpenTrial> {
        self.open.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], port))
    }

    fn anna() -> Username {
        Username::new("anna").expect("a name")
    }

    #[test]
    fn a_household_is_dialled_three_times_then_once_a_minute() {
        let (mut trials, start) = (Trials::default(), Instant::now());
        let mut begun = 0;
        for second in 0..600 {
            let now = start + Duration::from_secs(second);
            for port in 1024..1034 {
                match trials.begin(now, SessionId::new(1), anna(), address(1, port)) {
                    Ok(id) => {
                        begun += 1;
                        assert_eq!(trials.end(id).map(|trial| trial.address), Some(address(1, port)));
                        assert_eq!(trials.end(id), None, "told twice");
                    }
                    Err(why) => assert_eq!(why, NoTrial::TooOften),
                }
            }
        }
        assert_eq!(begun, 3 + 9);
        let neighbour = "[2001:db8:0:100::1]:4001".parse().expect("an address");
        assert!(trials.begin(start, SessionId::new(1), anna(), neighbour).is_ok(), "another household");
    }

    #[test]
    fn few_are_dialled_at_once_and_none_for_ever() {
        let (mut trials, start) = (Trials::default(), Instant::now());
        for last in 0..32 {
            trials.begin(start, SessionId::new(1), anna(), address(last, 4001)).expect("room");
        }
        let one_more = |trials: &mut Trials, seconds| {
            trials.begin(start + Duration::from_secs(seconds), SessionId::new(2), anna(), address(99, 4001))
        };
        assert_eq!(one_more(&mut trials, 9), Err(NoTrial::TooMany));
        assert!(one_more(&mut trials, 10).is_ok(), "of the others nothing was heard");
        assert_eq!(trials.open.len(), 1);
    }
}
