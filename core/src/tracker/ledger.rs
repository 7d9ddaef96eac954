//! How the machine takes part in a cluster. What several trackers must agree on is in a ledger that they share; here is a
//! replica of it, which changes only by what is learned from there. So a name that somebody asks for is claimed in the
//! ledger, and its answer waits until the claim has its fate and the replica shows it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::model::binding::{Ban, Binding, NameClaim, Record};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::Refusal;
use crate::protocol::notice::Notice;
use crate::protocol::sentence::Sentence;
use crate::tracker::effect::{Effect, Effects};
use crate::tracker::input::{Learned, Ticket};
use crate::tracker::lasting::not_agreed;
use crate::tracker::machine::Tracker;
use crate::tracker::pending_save::LastingChange;

/// How old the replica may be for the owner of a name to be let in. It is less than a name rests that was given up, so that
/// nobody is let in by it under a name that is somebody else's by now.
const REPLICA_AGE_MAX: Duration = Duration::from_secs(5 * 60);
/// How long a name rests that was released or has lapsed: until then nobody gets it, whatever a tracker knows that is cut
/// off from the others.
pub const NAME_RESTS: Duration = Duration::from_secs(10 * 60);

impl Tracker {
    /// Has the tracker share a ledger with others from now on; what it remembers is a replica of it.
    pub fn share_ledger(&mut self, now: Instant) {
        self.replica_at = Some(now);
        self.names.share();
    }

    /// Whether names, bans and settings are shared with other trackers.
    pub fn is_sharing(&self) -> bool {
        self.replica_at.is_some()
    }

    /// When the replica was last known to be as the ledger is, if there is one.
    pub fn replica_at(&self) -> Option<Instant> {
        self.replica_at
    }

    /// Asks the ledger for a name.
    pub(super) fn claim_name(
        &mut self,
        username: &Username,
        key: PublicKey,
        invite: Option<u64>,
        effects: &mut Effects,
    ) -> Ticket {
        let ticket = self.next_ticket();
        self.expect(ticket, LastingChange::Name { folded: username.folded(), invite: None, waits: None });
        let binding = Binding { username: username.clone(), key, used_at: self.names.clock() };
        let claim = NameClaim { binding, names_max: self.settings.names_per_key, invite };
        effects.push(Effect::Claim { ticket, claim });
        ticket
    }

    /// Whether the owner of a name may come in by what the replica says.
    pub(super) fn judge_replica(&self, now: Instant) -> Result<(), Refusal> {
        match self.replica_at {
            Some(at) if now.saturating_duration_since(at) > REPLICA_AGE_MAX => Err(not_agreed()),
            _ => Ok(()),
        }
    }

    pub(super) fn learn(&mut self, now: Instant, learned: Learned, effects: &mut Effects) {
        match learned {
            Learned::Changes(records) => self.learn_all(now, records, effects),
            Learned::Names { after, up_to, names } => self.learn_names(now, (after, up_to), names, effects),
            Learned::Rules(records) => self.learn_rules(now, records, effects),
            Learned::UpToDate(at) => self.replica_at = self.replica_at.map(|before| before.max(at)),
        }
    }

    fn learn_all(&mut self, now: Instant, records: Vec<Record>, effects: &mut Effects) {
        let has_ordered = records.iter().any(|record| matches!(record, Record::Ordered { .. }));
        records.into_iter().for_each(|record| self.learn_one(now, record, effects));
        if has_ordered {
            self.use_configured(now, effects);
        }
    }

    /// Settings that were ordered are used by who has this learned.
    fn learn_one(&mut self, now: Instant, record: Record, effects: &mut Effects) {
        match record {
            Record::Bound(binding) | Record::Used(binding) => {
                let (username, key) = (binding.username.clone(), binding.key);
                self.names.learn(binding);
                self.give_way(now, &username.folded(), Some(key), effects);
            }
            Record::Resting(username) => {
                self.give_way(now, &username.folded(), None, effects);
                self.names.rest(username);
            }
            Record::Released { folded } => {
                self.give_way(now, &folded, None, effects);
                self.names.release(&folded);
            }
            // What became of it is learned by what stands there then.
            Record::Lapsed { .. } | Record::BanOver { .. } => {}
            Record::LastInvite { number } => self.doors.learn_last(number),
            Record::Waits { key, user } => {
                let username = user.username.clone();
                if self.doors.learn_waiting(key, user) {
                    self.notify_owners(&Notice::Waiting(username), effects);
                }
            }
            Record::WaitsNoMore { key } => _ = self.doors.stop_waiting(key),
            Record::Banned(ban) => {
                if self.bans.insert(ban.clone()) {
                    self.close_banned(now, &ban, effects);
                }
            }
            Record::Unbanned(target) => {
                let folded = target.folded();
                match self.settings.bans.iter().find(|ban| ban.folded() == folded) {
                    // What this tracker's own configuration shuts out stays so.
                    Some(configured) => _ = self.bans.insert(Ban::new(configured.clone(), None)),
                    None => _ = self.bans.remove(&target),
                }
            }
            Record::Ordered { setting, value } => self.overrides.set(&setting, value),
            Record::Invited(invite) => self.doors.learn(invite),
            Record::Revoked { number } => _ = self.doors.revoke(number),
            Record::Clock { run_seconds } => self.names.set_clock(self.names.clock().max(run_seconds)),
        }
    }

    /// Whoever is here under a name that is not theirs any more, or never was, is here no more.
    fn give_way(&mut self, now: Instant, folded: &str, owner: Option<PublicKey>, effects: &mut Effects) {
        let Some(online) = self.roster.get_folded(folded).filter(|online| online.elsewhere.is_none()) else { return };
        let (session, username) = (online.session, online.username.clone());
        match online.key {
            Some(key) if owner == Some(key) => {}
            Some(_) => self.close(now, session, Some(&Sentence::NameFreed.to_string()), effects),
            // Who has no key has no claim to a name that is nobody's, nor has anybody else: they stay.
            None if owner.is_none() => {}
            None => {
                self.remove_user(now, session, true);
                self.notify(session, &Notice::Displaced(username), effects);
            }
        }
    }

    fn learn_names(
        &mut self,
        now: Instant,
        (after, up_to): (Option<String>, Option<String>),
        names: Vec<Record>,
        effects: &mut Effects,
    ) {
        let there: BTreeSet<String> = names.iter().filter_map(named).collect();
        let here = self.names.between(after.as_deref(), up_to.as_deref());
        for folded in here.into_iter().filter(|folded| !there.contains(folded)) {
            self.learn_one(now, Record::Released { folded }, effects);
        }
        names.into_iter().for_each(|record| self.learn_one(now, record, effects));
    }

    fn learn_rules(&mut self, now: Instant, records: Vec<Record>, effects: &mut Effects) {
        let gone = self.rules_not_in(&records);
        self.learn_all(now, gone.into_iter().chain(records).collect(), effects);
    }

    /// What takes away each ban, invite, ordered setting and who waits that is here and not among these.
    fn rules_not_in(&self, records: &[Record]) -> Vec<Record> {
        let (mut bans, mut invites, mut settings) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut waiting = BTreeSet::new();
        for record in records {
            match record {
                Record::Banned(ban) => _ = bans.insert(ban.target.to_string()),
                Record::Invited(invite) => _ = invites.insert(invite.number),
                Record::Ordered { setting, .. } => _ = settings.insert(setting.as_str()),
                Record::Waits { key, .. } => _ = waiting.insert(*key),
                _ => {}
            }
        }
        let unbanned = self.bans.iter().filter(|ban| !bans.contains(&ban.target.to_string()));
        let unbanned = unbanned.map(|ban| Record::Unbanned(ban.target.clone()));
        let revoked = self.doors.numbers().filter(|number| !invites.contains(number));
        let revoked = revoked.map(|number| Record::Revoked { number });
        let given_back = self.overrides.iter().filter(|(setting, _)| !settings.contains(setting));
        let given_back = given_back.map(|(setting, _)| Record::Ordered { setting: setting.to_owned(), value: None });
        let in_now = self.doors.waiting().filter(|(key, _)| !waiting.contains(*key));
        let in_now = in_now.map(|(key, _)| Record::WaitsNoMore { key: *key });
        unbanned.chain(revoked).chain(given_back).chain(in_now).collect()
    }
}

/// The name of a record, regardless of case.
fn named(record: &Record) -> Option<String> {
    match record {
        Record::Bound(binding) => Some(binding.username.folded()),
        Record::Resting(username) => Some(username.folded()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
