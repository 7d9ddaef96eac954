//! A tracker that is one of several: what it tells the others, and their users among its own.
//!
//! A user of another tracker is in the roster as everybody, without a session here and without files: each tracker holds the
//! files of its own users only.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::command::Command;
use crate::protocol::mesh_line::MeshUser;
use crate::protocol::notice::Notice;
use crate::protocol::owner_line::{TrackerLine, TrackerStanding};
use crate::protocol::reply::Totals;
use crate::protocol::sentence::Sentence;
use crate::tracker::effect::{Effect, Effects, WantedAnswer};
use crate::tracker::handlers::Asker;
use crate::tracker::input::{SessionId, Ticket};
use crate::tracker::links::{Linked, MeshInput};
use crate::tracker::log::LogEntry;
use crate::tracker::machine::Tracker;
use crate::tracker::mesh::{LinkEffect, Mesh, MeshEffect, OwnUser};
use crate::tracker::roster::{Elsewhere, Online};
use crate::tracker::watched_folders::TouchedFolders;

impl Tracker {
    /// It is one of several trackers from now on. `epoch` tells this start from all others.
    pub fn join_mesh(&mut self, now: Instant, at: SocketAddr, epoch: u64, unix_millis: u64) {
        self.linked = Some(Box::new(Linked {
            mesh: Mesh::new(now, at, epoch, unix_millis),
            wanted: Vec::new(),
            partial_answers: 0,
        }));
    }

    /// The other trackers, as far as it is one of several.
    pub fn mesh(&self) -> Option<&Mesh> {
        self.linked.as_ref().map(|linked| &linked.mesh)
    }

    /// All trackers of the network, this one first; none if it is alone.
    pub fn cluster(&self, now: Instant) -> Vec<TrackerLine> {
        let Some(Linked { mesh, partial_answers, .. }) = self.linked.as_deref() else { return Vec::new() };
        let age = |at: Instant| u64::try_from(now.saturating_duration_since(at).as_millis()).unwrap_or(u64::MAX);
        let here = TrackerLine {
            at: mesh.at(),
            standing: TrackerStanding::Here,
            users: mesh.own_users(),
            replica_milliseconds: self.replica_at.map(age),
            partial_answers: Some(*partial_answers),
        };
        let others = mesh.trackers().map(|(at, is_linked)| TrackerLine {
            at,
            standing: if is_linked { TrackerStanding::Linked } else { TrackerStanding::Away },
            users: mesh.users_of(at),
            replica_milliseconds: None,
            partial_answers: None,
        });
        std::iter::once(here).chain(others).collect()
    }

    /// Something came from another tracker, or became of it.
    pub(super) fn hear_mesh(&mut self, now: Instant, input: MeshInput) {
        let Some(Linked { mesh, wanted, .. }) = self.linked.as_deref_mut() else { return };
        match input {
            MeshInput::Trackers(listed) => mesh.set_trackers(now, listed, wanted),
            MeshInput::Connected { link, key, peer, to } => {
                if to.is_some() || mesh.may_speak(key) {
                    mesh.connected(now, link, key, peer, to, wanted);
                } else {
                    wanted.push(MeshEffect::Link(LinkEffect::Cut(link)));
                }
            }
            MeshInput::NotReached(tracker) => mesh.not_reached(now, tracker),
            MeshInput::Cut(link) => mesh.cut(now, link),
            MeshInput::Passed { link, bytes } => mesh.passed(link, bytes, wanted),
            MeshInput::Heard { link, lines } => {
                lines.into_iter().for_each(|line| mesh.heard(now, link, line, wanted));
            }
        }
    }

    /// Lets the others know something, if there are others.
    pub(super) fn tell_mesh(&mut self, tell: impl FnOnce(&mut Mesh, &mut Vec<MeshEffect>)) {
        if let Some(Linked { mesh, wanted, .. }) = self.linked.as_deref_mut() {
            tell(mesh, wanted);
        }
    }

    /// Somebody has registered here.
    pub(super) fn tell_mesh_came(&mut self, now: Instant, online: &Online) {
        if self.linked.is_none() {
            return;
        }
        let seen = Some(online.seen).filter(|_| !online.is_on_this_host);
        let user = OwnUser { username: online.username.clone(), key: online.key, seen, port: online.port };
        self.tell_mesh(|mesh, wanted| mesh.came(now, user, wanted));
    }

    /// A user who has a session here, and not at another tracker.
    pub(super) fn own_online(&self, username: &Username) -> Option<&Online> {
        self.roster.get(username).filter(|online| online.elsewhere.is_none())
    }

    /// Has the other trackers do what an owner has ordered here.
    pub(super) fn forward(&mut self, asker: &Asker, command: Command, effects: &mut Effects) {
        let Some(linked) = self.linked.as_ref().filter(|_| !asker.is_tracker) else { return };
        let trackers: Vec<SocketAddr> =
            linked.mesh.trackers().filter(|(_, is_linked)| *is_linked).map(|(at, _)| at).collect();
        if !trackers.is_empty() {
            self.last_ticket += 1;
            effects.push(Effect::Ask {
                ticket: Ticket(self.last_ticket),
                trackers,
                line: command.to_string(),
                wants: WantedAnswer::Answer,
            });
        }
    }

    /// Time has passed for the links.
    pub(super) fn tick_mesh(&mut self, now: Instant, effects: &mut Effects) {
        self.tell_mesh(|mesh, wanted| mesh.tick(now, wanted));
        self.follow_mesh(now, effects);
    }

    /// Carries out what came of it, until nothing more does.
    pub(super) fn follow_mesh(&mut self, now: Instant, effects: &mut Effects) {
        while let Some(linked) = self.linked.as_deref_mut().filter(|linked| !linked.wanted.is_empty()) {
            for wanted in std::mem::take(&mut linked.wanted) {
                match wanted {
                    MeshEffect::Link(effect) => effects.push(Effect::Link(effect)),
                    MeshEffect::Here { tracker, user, host } => self.theirs(now, tracker, &user, host),
                    MeshEffect::Gone(username) => self.theirs_gone(now, &username, false),
                    MeshEffect::Displaced { username, by } => self.displaced(now, &username, by, effects),
                }
            }
        }
    }

    /// Another tracker has this user, or has them otherwise than before.
    fn theirs(&mut self, now: Instant, tracker: SocketAddr, user: &MeshUser, host: Option<IpAddr>) {
        let before = self.roster.get(&user.username).cloned();
        // Nobody takes a name here, by whatever tracker, that a key owns which they have not proven.
        let is_owners = self.names.owner(&user.username).is_none_or(|owner| user.key == Some(owner));
        let is_mine = before.as_ref().is_some_and(|online| online.elsewhere.is_none());
        let Some(seen) = user.seen.or(host).filter(|_| is_owners && !is_mine) else {
            self.log.push(LogEntry::NotBelieved { user: user.username.clone(), tracker });
            return;
        };
        let totals = Totals { files: user.files, bytes: user.bytes };
        let session = SessionId::elsewhere(user.stamp);
        let elsewhere = Some(Elsewhere { tracker, totals, revision: user.revision });
        if let Some(mut online) = before.filter(|online| online.session == session && online.username == user.username)
        {
            let has_changed_shares =
                online.elsewhere.as_ref().is_some_and(|elsewhere| elsewhere.revision != user.revision);
            let username = online.username.clone();
            if (online.seen, online.port) == (seen, user.port) {
                self.roster.set_elsewhere(&username, elsewhere);
            } else {
                self.changes.moved(now, &online);
                (online.seen, online.port, online.elsewhere) = (seen, user.port, elsewhere);
                self.roster.remove(&username);
                self.roster.add(online);
            }
            if has_changed_shares {
                self.changes.shared_many(now, &username, TouchedFolders::anywhere());
            }
            return;
        }
        self.theirs_gone(now, &user.username, true);
        self.changes.joined(now, &user.username);
        if totals.files > 0 {
            self.changes.shared_many(now, &user.username, TouchedFolders::anywhere());
        }
        self.roster.add(Online {
            session,
            username: user.username.clone(),
            key: user.key,
            seen,
            is_on_this_host: false,
            port: user.port,
            second: None,
            lan: Vec::new(),
            openness: Vec::new(),
            owner: self.shares.add_owner(&user.username),
            elsewhere,
        });
    }

    /// No other tracker has this user any more. Who comes back in the same moment has not been seen away.
    pub(super) fn theirs_gone(&mut self, now: Instant, username: &Username, comes_back: bool) {
        let Some(online) = self.roster.get(username).filter(|online| online.elsewhere.is_some()).cloned() else {
            return;
        };
        self.roster.remove(&online.username);
        self.shares.forget(online.owner);
        let files = online.elsewhere.as_ref().map_or(0, |elsewhere| elsewhere.totals.files);
        self.changes.left(now, &online, usize::try_from(files).unwrap_or(usize::MAX), comes_back);
    }

    /// A user of ours has registered at another tracker since.
    fn displaced(&mut self, now: Instant, username: &Username, by: Option<PublicKey>, effects: &mut Effects) {
        let own = self.roster.get(username).filter(|online| online.elsewhere.is_none());
        let Some((session, username, key)) = own.map(|own| (own.session, own.username.clone(), own.key)) else {
            return;
        };
        // Who owns the name keeps it, whatever another tracker says.
        let may_have_it = match self.names.owner(&username) {
            Some(owner) => by == Some(owner),
            None => key.is_none() || by == key,
        };
        if !may_have_it {
            return;
        }
        self.remove_user(now, session, true);
        if key.is_some() && key == by {
            self.close(now, session, Some(&Sentence::TakenOver.to_string()), effects);
        } else {
            self.notify(session, &Notice::Displaced(username), effects);
        }
    }
}

#[cfg(test)]
mod tests;
