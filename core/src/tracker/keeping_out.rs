//! Sessions that end because their user is not wanted here, for now or for good.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::model::ban_terms::Remark;
use crate::model::binding::{Ban, BanTarget};
use crate::model::key::PublicKey;
use crate::model::username::Username;
use crate::protocol::code::{Code, Refusal};
use crate::protocol::shut_out::{ShutOut, ShutOutKind};
use crate::tracker::derived::{away_text, ban_text};
use crate::tracker::effect::Effects;
use crate::tracker::input::SessionId;
use crate::tracker::log::LogEntry;
use crate::tracker::machine::Tracker;
use crate::tracker::session::SessionState;

impl Tracker {
    /// Ends a user's session; they may come back at once.
    pub(super) fn end_session_of(
        &mut self,
        now: Instant,
        username: &Username,
        reason: Option<&Remark>,
        effects: &mut Effects,
    ) {
        if let Some((session, user)) = self.own_online(username).map(|on| (on.session, on.username.clone())) {
            self.log.push(LogEntry::Kicked { user, minutes: 0 });
            let told = ShutOut { kind: ShutOutKind::Ended, minutes_left: None, reason: reason.cloned() };
            self.close(now, session, Some(&told.to_string()), effects);
        }
    }

    /// Ends the sessions of somebody, who is known by all of these, and keeps them away for a while.
    pub(super) fn send_away(
        &mut self,
        now: Instant,
        user: Username,
        bans: Vec<Ban>,
        minutes: u64,
        effects: &mut Effects,
    ) {
        self.log.push(LogEntry::Kicked { user, minutes });
        let until = now + Duration::from_secs(minutes.saturating_mul(60));
        for ban in bans {
            let away = (ban, until);
            let told = away_text(now, &away);
            self.sent_away.insert(now, away.0.clone(), until);
            self.close_those(now, &away.0.target, &told, effects);
        }
    }

    /// Ends the sessions of those whom a new ban is of.
    pub(super) fn close_banned(&mut self, now: Instant, ban: &Ban, effects: &mut Effects) {
        let told = ban_text(ban, self.unix_seconds(now));
        self.close_those(now, &ban.target, &told, effects);
    }

    /// Refuses those who are here and may be no more; an owner always may.
    fn close_those(&mut self, now: Instant, target: &BanTarget, told: &ShutOut, effects: &mut Effects) {
        let is_out = |session: &SessionState| {
            !session.is_owner && target.covers(session.key, session.peer.ip(), session.username())
        };
        let of = |id: SessionId, session: &SessionState| (id, session.peer.ip(), session.key);
        let out: Vec<(SessionId, IpAddr, Option<PublicKey>)> = match target {
            // Comparing names regardless of case costs more than a look at who has this one.
            BanTarget::Name(name) => {
                let online = self.own_online(name).and_then(|online| self.sessions.get_key_value(&online.session));
                online
                    .filter(|(_, session)| is_out(session))
                    .map(|(id, session)| of(*id, session))
                    .into_iter()
                    .collect()
            }
            _ => self
                .sessions
                .iter()
                .filter(|(_, session)| is_out(session))
                .map(|(id, session)| of(*id, session))
                .collect(),
        };
        if let BanTarget::Key(key) = target {
            self.end_relays_of(*key, effects);
        }
        let why = told.to_string();
        for (id, address, key) in out {
            key.into_iter().for_each(|key| self.end_relays_of(key, effects));
            self.note_refusal(address, &Refusal::new(Code::Banned, &why));
            self.close(now, id, Some(&why), effects);
        }
    }
}
