//! What a transaction would change, judged by what stands in etcd: pure, and judged anew when it stands there otherwise by
//! the time that it is written.

use std::collections::BTreeMap;

use potok_core::model::binding::{Binding, ClaimFate, NameClaim, Record};
use potok_core::model::key::PublicKey;
use potok_core::model::username::Username;

use super::keys::{self, NameValue};

/// What stands at some keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    seen: BTreeMap<String, Seen>,
    /// As of which revision: whoever knows everything up to it knows also what is not there any more. 0: it is guessed.
    read_at: i64,
}

/// What stands at one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The revision that wrote it; 0: there is nothing.
    pub(super) revision: i64,
    pub(super) value: Option<String>,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: it is so already, or cannot be. What says so was written at this revision at the latest.
    Known(ClaimFate, i64),
    /// Write these, if everything that was looked at still stands there.
    Write(Vec<Change>),
}

/// One key that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Put(String, String),
    /// Until a lease lets it go.
    Lend(String, String),
    Delete(String),
}

impl View {
    /// Nothing stands there: it is guessed first, as most who claim a name are new.
    pub(super) fn empty(keys: impl IntoIterator<Item = String>) -> Self {
        Self { seen: keys.into_iter().map(|key| (key, Seen::default())).collect(), read_at: 0 }
    }

    /// Nothing yet, as of a revision.
    pub(super) fn at(read_at: i64) -> Self {
        Self { seen: BTreeMap::new(), read_at }
    }

    pub(super) fn put(&mut self, key: String, seen: Seen) {
        self.seen.insert(key, seen);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Seen)> {
        self.seen.iter()
    }

    /// As of which revision it is.
    pub(super) fn read_at(&self) -> i64 {
        self.read_at
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.seen.get(key)?.value.as_deref()
    }

    /// What stands at a key, or that nothing does, was written at this revision at the latest.
    fn revision(&self, key: &str) -> i64 {
        self.seen.get(key).filter(|seen| seen.value.is_some()).map_or(self.read_at, |seen| seen.revision)
    }

    pub(super) fn name(&self, key: &str) -> Option<(Username, NameValue)> {
        NameValue::read(self.value(key)?)
    }

    /// The names that a key owns.
    fn owned(&self, key: PublicKey) -> Vec<String> {
        self.value(&keys::owner(key)).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// The keys that a claim is about.
pub(super) fn keys_of_claim(claim: &NameClaim) -> Vec<String> {
    let NameClaim { binding, invite, .. } = claim;
    let mut all = vec![keys::name(&binding.username.folded()), keys::owner(binding.key), keys::waiting(binding.key)];
    all.extend(keys::looks(&binding.username));
    all.extend(invite.map(keys::invite));
    all
}

/// Judges a claim.
pub(super) fn claim(claim: &NameClaim, view: &View) -> Step {
    let Binding { username, key, .. } = &claim.binding;
    let folded = username.folded();
    let at = keys::name(&folded);
    let before = view.name(&at);
    if view.value(&at).is_some() {
        match &before {
            Some((written, value)) if value.key == Some(*key) => {
                if written == username {
                    return Step::Known(ClaimFate::Done, view.revision(&at));
                }
            }
            // Also what cannot be read is somebody's.
            _ => return Step::Known(ClaimFate::Lost, view.revision(&at)),
        }
    }
    let looks = keys::looks(username);
    for look in &looks {
        if view.value(look).is_some_and(|other| other != folded) {
            return Step::Known(ClaimFate::Lost, view.revision(look));
        }
    }
    let mut changes = vec![Change::Put(at, keys::json(&NameValue::of(&claim.binding)))];
    if let Some((written, _)) = &before {
        let other_looks = keys::looks(written).into_iter().filter(|look| !looks.contains(look));
        changes.extend(other_looks.map(Change::Delete));
    }
    changes.extend(looks.into_iter().map(|look| Change::Put(look, folded.clone())));
    let mut owned = view.owned(*key);
    if !owned.contains(&folded) {
        if owned.len() >= claim.names_max {
            return Step::Known(ClaimFate::Lost, view.revision(&keys::owner(*key)));
        }
        owned.push(folded);
        changes.push(Change::Put(keys::owner(*key), keys::json(&owned)));
    }
    // Whoever comes in waits no more.
    let waits = keys::waiting(*key);
    if view.value(&waits).is_some() {
        changes.push(Change::Delete(waits));
    }
    // Who has the name already needs no invite for its other spelling.
    if let (Some(number), None) = (claim.invite, before) {
        match use_invite(number, view) {
            Some(change) => changes.push(change),
            None => return Step::Known(ClaimFate::Lost, view.revision(&keys::invite(number))),
        }
    }
    Step::Write(changes)
}

/// An invite with one use less; none if it is used up.
fn use_invite(number: u64, view: &View) -> Option<Change> {
    let at = keys::invite(number);
    let mut invite = keys::read_invite(number, view.value(&at)?)?;
    match &mut invite.uses_left {
        None => {}
        Some(0) => return None,
        Some(1) => return Some(Change::Delete(at)),
        Some(left) => *left -= 1,
    }
    Some(Change::Put(at, keys::write_invite(&invite)))
}

/// Judges that a name is nobody's any more; with `used_at`, only if it was not used after that. `key` is its owner's.
pub(super) fn release(folded: &str, key: PublicKey, used_at: Option<u64>, view: &View) -> Step {
    let at = keys::name(folded);
    let (username, value) = match view.name(&at) {
        Some((username, value)) if value.key == Some(key) => (username, value),
        _ => return Step::Known(ClaimFate::Done, view.revision(&at)),
    };
    if used_at.is_some_and(|used_at| value.used_at != used_at) {
        return Step::Known(ClaimFate::Lost, view.revision(&at));
    }
    let mut changes = vec![Change::Lend(at, keys::json(&NameValue::resting(&username)))];
    changes.extend(keys::looks(&username).into_iter().map(|look| Change::Lend(look, folded.to_owned())));
    let mut owned = view.owned(key);
    owned.retain(|other| other != folded);
    let owner = keys::owner(key);
    changes.push(if owned.is_empty() { Change::Delete(owner) } else { Change::Put(owner, keys::json(&owned)) });
    Step::Write(changes)
}

/// Judges that the owner of a name has used it.
pub(super) fn use_name(binding: &Binding, view: &View) -> Step {
    let at = keys::name(&binding.username.folded());
    match view.name(&at) {
        Some((_, value)) if value.key == Some(binding.key) && value.used_at < binding.used_at => {
            Step::Write(vec![Change::Put(at, keys::json(&NameValue { used_at: binding.used_at, ..value }))])
        }
        _ => Step::Known(ClaimFate::Done, view.revision(&at)),
    }
}

/// Judges that a key is to have this value.
pub(super) fn set(at: &str, value: Option<&str>, view: &View) -> Step {
    match value {
        now if now == view.value(at) => Step::Known(ClaimFate::Done, view.revision(at)),
        Some(text) => Step::Write(vec![Change::Put(at.to_owned(), text.to_owned())]),
        None => Step::Write(vec![Change::Delete(at.to_owned())]),
    }
}

/// Judges that a ban has ended that was to end then; another one of the same stays.
pub(super) fn end_ban(at: &str, until: u64, view: &View) -> Step {
    match view.value(at).and_then(|text| keys::record(at, Some(text))) {
        Some(Record::Banned(ban)) if ban.terms.until == Some(until) => Step::Write(vec![Change::Delete(at.to_owned())]),
        _ => Step::Known(ClaimFate::Done, view.revision(at)),
    }
}

/// Judges that keys are to have these values, all of them.
pub(super) fn set_all(all: &[(String, Option<String>)], view: &View) -> Step {
    let (mut changes, mut revision) = (Vec::new(), 0);
    for (at, value) in all {
        match set(at, value.as_deref(), view) {
            Step::Write(change) => changes.extend(change),
            Step::Known(_, known) => revision = revision.max(known),
        }
    }
    if changes.is_empty() { Step::Known(ClaimFate::Done, revision) } else { Step::Write(changes) }
}

/// Where the clock of the cluster stands, as far as it can be read.
fn clock(view: &View) -> Option<u64> {
    view.value(keys::CLOCK)?.parse().ok()
}

/// Judges where the clock stands from which all trackers count on: whoever is first says it.
pub(super) fn first_clock(run_seconds: u64, view: &View) -> Step {
    match clock(view) {
        Some(_) => Step::Known(ClaimFate::Done, view.revision(keys::CLOCK)),
        None => Step::Write(vec![Change::Put(keys::CLOCK.to_owned(), run_seconds.to_string())]),
    }
}

/// Judges that the clock stands here now: it never goes back, whichever tracker is late with its word.
pub(super) fn advance_clock(run_seconds: u64, view: &View) -> Step {
    match clock(view) {
        Some(now) if now >= run_seconds => Step::Known(ClaimFate::Done, view.revision(keys::CLOCK)),
        _ => Step::Write(vec![Change::Put(keys::CLOCK.to_owned(), run_seconds.to_string())]),
    }
}

/// Judges that a key that nobody has is to have this value.
pub(super) fn create(at: &str, text: &str, view: &View) -> Step {
    match view.value(at) {
        None => Step::Write(vec![Change::Put(at.to_owned(), text.to_owned())]),
        Some(now) if now == text => Step::Known(ClaimFate::Done, view.revision(at)),
        Some(_) => Step::Known(ClaimFate::Lost, view.revision(at)),
    }
}

/// The keys of an invite that is to be issued.
pub(super) fn keys_of_invite(number: u64) -> [String; 2] {
    [keys::invite(number), keys::LAST_INVITE.to_owned()]
}

/// Judges that an invite is issued under a number that none ever had.
pub(super) fn issue(number: u64, text: &str, view: &View) -> Step {
    let [at, last] = keys_of_invite(number);
    if view.value(&at).is_some_and(|now| now == text) {
        return Step::Known(ClaimFate::Done, view.revision(&at));
    }
    let largest = view.value(&last).and_then(|text| text.parse().ok()).unwrap_or(0);
    if view.value(&at).is_some() || number <= largest {
        return Step::Known(ClaimFate::Lost, view.revision(&last).max(view.revision(&at)));
    }
    Step::Write(vec![Change::Put(at, text.to_owned()), Change::Put(last, number.to_string())])
}

#[cfg(test)]
mod tests;
