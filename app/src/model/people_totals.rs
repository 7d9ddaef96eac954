//! How much each person shares, for as long as somebody looks at it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use potok_core::model::username::Username;
use potok_core::node::event::Outcome;
use potok_core::node::failure::Failure;
use potok_core::node::intent::{Intent, IntentId};
use potok_core::protocol::code::Code;
use potok_core::protocol::reply::Totals;

use crate::model::pace::Pace;

/// People that are asked for by name; if more have changed, all are asked for.
const TOTALS_NAMED_MAX: usize = 32;

/// The totals of people.
#[derive(Debug, Default)]
pub struct PeopleTotals {
    known: BTreeMap<Username, Totals>,
    /// Those of everybody have come.
    is_begun: bool,
    changed: BTreeSet<Username>,
    /// More have changed than are named.
    is_doubtful: bool,
    asked: Option<(IntentId, bool)>,
    pace: Pace,
    is_refused: bool,
}

impl PeopleTotals {
    /// Files and bytes of one person, once they are known.
    pub fn of(&self, user: &Username) -> Option<&Totals> {
        self.known.get(user)
    }

    /// Asks for what is missing or has changed; when to come again.
    pub fn turn(&mut self, now: Instant, ask: &mut dyn FnMut(Intent) -> IntentId) -> Option<Duration> {
        if self.asked.is_some() || self.is_refused {
            return None;
        }
        let is_all = !self.is_begun || self.is_doubtful;
        if self.pace.was_asked() && !self.pace.is_due(now) {
            return self.pace.due_at().map(|at| at.saturating_duration_since(now));
        }
        let usernames = if is_all { Vec::new() } else { self.changed.iter().cloned().collect() };
        self.asked = Some((ask(Intent::ListTotals { usernames }), is_all));
        self.pace.asked(now);
        self.changed.clear();
        self.is_doubtful = false;
        None
    }

    /// Takes an answer, if it was asked for here; whether it was.
    pub fn answer(&mut self, now: Instant, id: IntentId, answer: &mut Option<Result<Outcome, Failure>>) -> bool {
        let Some((_, is_all)) = self.asked.take_if(|(asked, _)| *asked == id) else { return false };
        match answer.take() {
            Some(Ok(Outcome::UserTotals(lines))) => {
                if is_all {
                    self.known.clear();
                    self.is_begun = true;
                }
                self.known.extend(lines.into_iter().map(|line| (line.username, line.totals)));
            }
            // An older tracker does not know them.
            Some(Err(Failure::Refused { code, .. })) if code == Code::UnknownCommand => self.is_refused = true,
            _ => {
                self.is_doubtful = true;
                self.pace.doubt(now);
            }
        }
        true
    }

    /// What this user shares has changed; without one, what everybody does.
    pub fn doubt(&mut self, now: Instant, user: Option<&Username>) {
        if !self.is_begun && self.asked.is_none() {
            return;
        }
        match user.filter(|_| self.changed.len() < TOTALS_NAMED_MAX) {
            Some(user) => drop(self.changed.insert(user.clone())),
            None => self.is_doubtful = true,
        }
        self.pace.doubt(now);
    }

    /// They are gone, and what they shared with them.
    pub fn left(&mut self, user: &Username) {
        self.known.remove(user);
        self.changed.remove(user);
    }

    /// Another tracker, or the same after it was away.
    pub fn begin_anew(&mut self) {
        *self = Self::default();
    }
}
