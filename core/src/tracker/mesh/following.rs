//! What a tracker makes of what the others say: who greets, what each tells of its users, and what becomes of those whose
//! tracker has ended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::protocol::mesh_line::{KnownUpTo, MESH_VERSION, MeshLine, MeshUser};
use crate::tracker::mesh::claims::{Claim, ClaimSource, NameTurn};
use crate::tracker::mesh::mirror::{Heard, Mirror};
use crate::tracker::mesh::{BEAT_EVERY, Ended, LinkEffect, LinkId, Mesh, MeshEffect, Other, SHOWN_AFTER};

impl Mesh {
    /// Whether who says this is one whom we meet.
    pub(super) fn greet(
        &mut self,
        now: Instant,
        link: LinkId,
        tracker: SocketAddr,
        epoch: u64,
        known: KnownUpTo,
        effects: &mut Vec<MeshEffect>,
    ) -> bool {
        let Some(from) = self.links.get(&link) else { return false };
        let (key, host) = (from.key, from.peer);
        let is_who_was_dialled = from.tracker.is_none_or(|dialled| dialled == tracker);
        let Some(other) = self.others.get_mut(&tracker).filter(|other| other.is_listed_with(key) && is_who_was_dialled)
        else {
            return false;
        };
        if other.mirror.known.epoch != epoch {
            let names = std::mem::take(&mut other.mirror.names);
            let until = other.mirror.away_since.unwrap_or(now) + SHOWN_AFTER;
            other.mirror = Mirror::of(epoch);
            self.end(tracker, names.into_iter().collect(), until, effects);
        }
        let is_answered = self.links.get(&link).is_some_and(|from| from.tracker.is_some());
        if !is_answered {
            self.say_hello(link, tracker, effects);
        }
        let Some(other) = self.others.get_mut(&tracker) else { return false };
        other.mirror.begin();
        other.host = Some(host);
        let before = other.link.replace(link).filter(|before| *before != link);
        if let Some(before) = before {
            self.links.remove(&before);
            effects.push(MeshEffect::Link(LinkEffect::Cut(before)));
        }
        if let Some(from) = self.links.get_mut(&link) {
            from.told = self.telling.told(known, from.told.ahead());
        }
        self.tell(link, effects);
        true
    }

    pub(super) fn say_hello(&mut self, link: LinkId, to: SocketAddr, effects: &mut Vec<MeshEffect>) {
        let known = self.others.get(&to).map_or(KnownUpTo::NOTHING, |other| other.mirror.known);
        let hello = MeshLine::Hello { version: MESH_VERSION, tracker: self.at, epoch: self.telling.epoch(), known };
        if let Some(found) = self.links.get_mut(&link) {
            found.tracker = Some(to);
            found.send(link, &hello, effects);
        }
    }

    /// What another tracker tells of its users.
    pub(super) fn mirror(
        &mut self,
        now: Instant,
        link: LinkId,
        tracker: SocketAddr,
        line: MeshLine,
        effects: &mut Vec<MeshEffect>,
    ) {
        let Some(other) = self.others.get_mut(&tracker).filter(|other| other.link == Some(link)) else { return };
        let known = match other.mirror.hear(line) {
            Heard::Nothing => return,
            Heard::Here(user) => return self.set_theirs(tracker, user, effects),
            Heard::Gone(folded) => {
                let turn = self.claims.take(&folded, ClaimSource::Tracker(tracker));
                return self.settle(turn, effects);
            }
            Heard::All { users, gone } => {
                for folded in gone {
                    let turn = self.claims.take(&folded, ClaimSource::Tracker(tracker));
                    self.settle(turn, effects);
                }
                return users.into_iter().for_each(|user| self.set_theirs(tracker, user, effects));
            }
            Heard::Gap => other.mirror.known,
            Heard::Wrong => KnownUpTo::NOTHING,
        };
        // Whatever was under way when something was missed is missed too; it is asked for once.
        if other.mirror.asked_at.is_none_or(|at| at + BEAT_EVERY <= now) {
            other.mirror.asked_at = Some(now);
            if let Some(found) = self.links.get_mut(&link) {
                found.send(link, &MeshLine::Again(known), effects);
            }
        }
    }

    fn set_theirs(&mut self, tracker: SocketAddr, user: Arc<MeshUser>, effects: &mut Vec<MeshEffect>) {
        self.stamp = self.stamp.max(user.stamp);
        let (folded, source) = (user.username.folded(), ClaimSource::Tracker(tracker));
        if self.claims.of(&folded, source).is_some_and(|before| *before == user) {
            return;
        }
        let turn = self.claims.put(&folded, source, user);
        self.settle(turn, effects);
    }

    /// Tells what has become of a name.
    pub(super) fn settle(&self, NameTurn { before, after }: NameTurn, effects: &mut Vec<MeshEffect>) {
        let own = |claim: &Claim| claim.source.tracker() == self.at;
        if let (Some(before), Some(after)) = (&before, &after)
            && own(before)
            && !own(after)
        {
            effects.push(MeshEffect::Displaced { username: before.user.username.clone(), by: after.user.key });
        }
        let was = before.filter(|claim| !own(claim));
        match after.filter(|claim| !own(claim)) {
            Some(is) if was.as_ref() != Some(&is) => {
                let tracker = is.source.tracker();
                let host = self.others.get(&tracker).and_then(|other| other.host);
                effects.push(MeshEffect::Here { tracker, user: is.user, host });
            }
            Some(_) => {}
            None => effects.extend(was.map(|was| MeshEffect::Gone(was.user.username.clone()))),
        }
    }

    /// The users of a tracker that has ended are shown until then, unless they come back before.
    fn end(&mut self, tracker: SocketAddr, names: Vec<Box<str>>, until: Instant, effects: &mut Vec<MeshEffect>) {
        if names.is_empty() {
            return;
        }
        self.last_ended += 1;
        let (from, to) = (ClaimSource::Tracker(tracker), ClaimSource::Ended(tracker, self.last_ended));
        for folded in &names {
            if let Some(user) = self.claims.of(folded, from).cloned() {
                let before = self.claims.put(folded, to, user).before;
                let after = self.claims.take(folded, from).after;
                self.settle(NameTurn { before, after }, effects);
            }
        }
        let at = self.ended.partition_point(|ended| ended.until <= until);
        self.ended.insert(at, Ended { until, source: to, names });
    }

    pub(super) fn forget_the_dead(&mut self, now: Instant, effects: &mut Vec<MeshEffect>) {
        let is_dead = |other: &Other| other.mirror.away_since.is_some_and(|since| since + SHOWN_AFTER <= now);
        let dead: Vec<SocketAddr> =
            self.others.iter().filter(|(_, other)| is_dead(other)).map(|(name, _)| *name).collect();
        for tracker in dead {
            let Some(other) = self.others.get_mut(&tracker) else { continue };
            let names = std::mem::take(&mut other.mirror).names;
            for folded in names {
                let turn = self.claims.take(&folded, ClaimSource::Tracker(tracker));
                self.settle(turn, effects);
            }
        }
        while self.ended.front().is_some_and(|ended| ended.until <= now) {
            let Some(Ended { source, names, .. }) = self.ended.pop_front() else { break };
            for folded in names {
                let turn = self.claims.take(&folded, source);
                self.settle(turn, effects);
            }
        }
        self.others.retain(|_, other| other.listed.is_some() || other.link.is_some() || !other.mirror.names.is_empty());
    }
}
