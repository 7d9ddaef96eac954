//! Who was sent away for a while. It is not kept over a restart: whoever is to stay out is banned.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use crate::model::binding::{Ban, BanQuery, BanTarget};
use crate::model::key::PublicKey;
use crate::model::username::Username;

/// Most that are sent away at once; of more the one who may come back first makes room.
const SENT_AWAY_MAX: usize = 1_000;

/// Everybody who is sent away, each with when they may come back.
#[derive(Debug, Default)]
pub struct SentAway {
    bans: BTreeMap<BanTarget, (Ban, Instant)>,
}

impl SentAway {
    /// Somebody stays away until then.
    pub fn insert(&mut self, now: Instant, ban: Ban, until: Instant) {
        self.bans.retain(|_, (_, until)| *until > now);
        if self.bans.len() >= SENT_AWAY_MAX {
            let first = self.bans.iter().min_by_key(|(_, (_, until))| *until).map(|(target, _)| target.clone());
            first.iter().for_each(|first| _ = self.bans.remove(first));
        }
        self.bans.insert(ban.target.clone(), (ban, until));
    }

    /// Lets somebody come back before their time; `false` if they were not sent away.
    pub fn remove(&mut self, target: &BanTarget) -> bool {
        self.bans.remove(target).is_some()
    }

    /// Why and until when a connection is not let in.
    pub fn connection(&self, now: Instant, key: Option<PublicKey>, address: IpAddr) -> Option<&(Ban, Instant)> {
        let away = |target| self.bans.get(&target).filter(|(_, until)| *until > now);
        key.and_then(|key| away(BanTarget::Key(key))).or_else(|| away(BanTarget::Address(address)))
    }

    /// Why and until when nobody may have this name.
    pub fn name(&self, now: Instant, name: &Username) -> Option<&(Ban, Instant)> {
        let is_name = |target: &BanTarget| matches!(target, BanTarget::Name(other) if other.folded() == name.folded());
        self.bans.iter().find(|(target, (_, until))| is_name(target) && *until > now).map(|(_, away)| away)
    }

    /// Those that a person can mean.
    pub fn meant_by(&self, who: &BanQuery) -> Vec<BanTarget> {
        self.bans.values().filter(|(ban, _)| who.means(ban)).map(|(ban, _)| ban.target.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn they_may_come_back_when_it_is_over() {
        let now = Instant::now();
        let until = now + Duration::from_secs(600);
        let key = PublicKey::from_bytes([7; 32]);
        let ban =
            |target: &str, name: &str| Ban::new(target.parse().expect(target), Some(Username::new(name).expect(name)));
        let name = |text: &str| Username::new(text).expect(text);
        let here = |n: u8| IpAddr::from([192, 0, 2, n]);
        let ends = |away: Option<&(Ban, Instant)>| away.map(|(_, until)| *until);
        let mut away = SentAway::default();
        away.insert(now, ban(&key.to_string(), "anna"), until);
        away.insert(now, ban("@guest", "guest"), until);
        away.insert(now, ban("192.0.2.7", "guest"), until);
        assert_eq!(ends(away.connection(now, Some(key), here(1))), Some(until));
        assert_eq!(ends(away.connection(now, None, here(7))), Some(until));
        assert_eq!(ends(away.connection(now, None, here(1))), None);
        assert_eq!(ends(away.name(now, &name("GUEST"))), Some(until));
        assert_eq!(ends(away.connection(until, Some(key), here(7))), None);
        assert_eq!(ends(away.name(until, &name("guest"))), None);
        assert_eq!(away.meant_by(&"anna".parse().expect("a name")), [BanTarget::Key(key)]);
        assert!(away.remove(&BanTarget::Key(key)) && !away.remove(&BanTarget::Key(key)));
        for n in 0..2 * SENT_AWAY_MAX {
            away.insert(now, ban(&format!("@n{n}"), "x"), until);
        }
        assert!(away.bans.len() <= SENT_AWAY_MAX);
    }
}
