//! Who comes into a closed network: invites that are issued, and those who wait for an owner's word. Times are seconds
//! since 1970.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::household::household;
use crate::model::invite_token::{InviteToken, IssuedInvite};
use crate::model::key::PublicKey;
use crate::model::username::Username;

/// Most invites that are good at once.
pub const INVITES_MAX: usize = 10_000;
/// Most who wait at once; whoever comes then is told to come back.
pub const WAITING_USERS_MAX: usize = 1_000;
/// Most of them from one address, so that nobody fills the list.
pub const WAITING_PER_ADDRESS_MAX: usize = 8;

/// How long somebody waits who does not ask again: an owner may be away for a while, and a list that only grows is filled
/// once and for all.
const WAITING_LASTS_SECONDS: u64 = 30 * 24 * 3600;

/// Invites, and who waits.
#[derive(Debug, Default)]
pub struct Doors {
    invites: BTreeMap<u64, IssuedInvite>,
    waiting: BTreeMap<PublicKey, WaitingUser>,
    secret: Option<[u8; 32]>,
    last_number: u64,
}

/// Somebody who asks to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingUser {
    /// The name that they ask for.
    pub username: Username,
    /// From where they came.
    pub address: IpAddr,
    /// Since when they ask for it.
    pub since: u64,
    /// When they asked last.
    pub asked_at: u64,
}

/// Why nobody is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NobodyMeant {
    /// Nobody asks for this name, or nobody with this key does.
    NobodyWaits,
    /// So many ask for it, each with another key.
    SeveralWait(usize),
}

impl Doors {
    /// The invites as they were on disk.
    pub fn new(invites: impl IntoIterator<Item = IssuedInvite>) -> Self {
        let invites: BTreeMap<u64, IssuedInvite> = invites.into_iter().map(|invite| (invite.number, invite)).collect();
        Self { last_number: invites.keys().last().copied().unwrap_or(0), invites, ..Self::default() }
    }

    /// Tokens are made of these bytes, which nobody else may know. Without them none is issued.
    pub fn set_secret(&mut self, secret: [u8; 32]) {
        self.secret = Some(secret);
    }

    /// Issues an invite; its number and hash are made here. None if there are too many, or no secret to make tokens of.
    pub fn issue(
        &mut self,
        with: impl FnOnce(u64, InviteToken) -> IssuedInvite,
    ) -> Option<(InviteToken, IssuedInvite)> {
        if self.invites.len() >= INVITES_MAX {
            return None;
        }
        self.last_number += 1;
        let mut hasher = blake3::Hasher::new_keyed(&self.secret?);
        hasher.update(b"invite").update(&self.last_number.to_le_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        let token = InviteToken::from_bytes(bytes);
        let invite = with(self.last_number, token);
        self.invites.insert(invite.number, invite.clone());
        Some((token, invite))
    }

    /// The invite of this token, if it is good.
    pub fn good(&self, unix_seconds: u64, token: InviteToken) -> Option<u64> {
        let hash = token.hash();
        let found = self.invites.values().rfind(|invite| invite.hash == hash)?;
        (!found.is_over(unix_seconds)).then_some(found.number)
    }

    /// Somebody has come in by an invite. Gives it as it is now; none: it is used up and gone.
    pub fn use_one(&mut self, number: u64) -> Option<IssuedInvite> {
        let invite = self.invites.get_mut(&number)?;
        if let Some(left) = &mut invite.uses_left {
            *left = left.saturating_sub(1);
        }
        if invite.uses_left == Some(0) {
            self.invites.remove(&number);
            return None;
        }
        Some(invite.clone())
    }

    /// Makes an invite useless; `false` if there is none of this number.
    pub fn revoke(&mut self, number: u64) -> bool {
        self.invites.remove(&number).is_some()
    }

    /// Forgets who has not asked for long, and invites that are over; gives the numbers of these.
    pub fn forget_past(&mut self, unix_seconds: u64) -> Vec<u64> {
        self.waiting.retain(|_, user| unix_seconds < user.asked_at.saturating_add(WAITING_LASTS_SECONDS));
        let past = self.invites.values().filter(|invite| invite.is_over(unix_seconds));
        let past: Vec<u64> = past.map(|invite| invite.number).collect();
        past.iter().for_each(|number| _ = self.invites.remove(number));
        past
    }

    /// The invites that are good.
    pub fn invites(&self, unix_seconds: u64) -> impl Iterator<Item = &IssuedInvite> {
        self.invites.values().filter(move |invite| !invite.is_over(unix_seconds))
    }

    /// Somebody asks to be let in; whether it is news: of them, or of that name. None if too many wait already. Who asks
    /// for the same name again has asked for it all the time.
    pub fn wait(&mut self, key: PublicKey, user: WaitingUser) -> Option<bool> {
        if let Some(before) = self.waiting.get_mut(&key) {
            let is_news = before.username != user.username;
            let since = if is_news { user.since } else { before.since };
            *before = WaitingUser { since, ..user };
            return Some(is_news);
        }
        let home = household(user.address);
        let from_there = self.waiting.values().filter(|other| household(other.address) == home).count();
        if self.waiting.len() >= WAITING_USERS_MAX || from_there >= WAITING_PER_ADDRESS_MAX {
            return None;
        }
        self.waiting.insert(key, user);
        Some(true)
    }

    /// Those who wait.
    pub fn waiting(&self) -> impl Iterator<Item = (&PublicKey, &WaitingUser)> {
        self.waiting.iter()
    }

    /// Whoever waits for this name is answered, and waits no more: the one with this key, or else the only one. Of several
    /// nobody is taken for the other.
    pub fn answer(
        &mut self,
        username: &Username,
        key: Option<PublicKey>,
    ) -> Result<(PublicKey, WaitingUser), NobodyMeant> {
        let folded = username.folded();
        let is_meant = |other: &PublicKey, user: &WaitingUser| {
            user.username.folded() == folded && key.is_none_or(|key| key == *other)
        };
        let mut meant = self.waiting.iter().filter(|(key, user)| is_meant(key, user)).map(|(key, _)| *key);
        let key = meant.next().ok_or(NobodyMeant::NobodyWaits)?;
        match meant.count() {
            0 => self.waiting.remove(&key).map(|user| (key, user)).ok_or(NobodyMeant::NobodyWaits),
            others => Err(NobodyMeant::SeveralWait(others + 1)),
        }
    }

    /// Somebody is in, or has another answer: they wait no more.
    pub fn stop_waiting(&mut self, key: PublicKey) {
        self.waiting.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors() -> Doors {
        let mut doors = Doors::default();
        doors.set_secret([7; 32]);
        doors
    }

    fn issue(doors: &mut Doors, uses_left: Option<u32>, until: Option<u64>) -> InviteToken {
        let issued = doors.issue(|number, token| {
            let hash = token.hash();
            IssuedInvite { number, hash, uses_left, until, by: None, note: None }
        });
        issued.expect("room").0
    }

    #[test]
    fn an_invite_is_good_as_often_and_as_long_as_it_says() {
        let mut doors = doors();
        let once = issue(&mut doors, Some(1), None);
        let twice = issue(&mut doors, Some(2), Some(100));
        let always = issue(&mut doors, None, None);
        assert!(once != twice && twice != always);
        assert_eq!((doors.good(0, once), doors.good(99, twice), doors.good(100, twice)), (Some(1), Some(2), None));
        assert_eq!(doors.use_one(1), None);
        assert_eq!(doors.good(0, once), None);
        assert_eq!(doors.use_one(2).and_then(|invite| invite.uses_left), Some(1));
        assert!(doors.use_one(3).is_some() && doors.use_one(3).is_some());
        assert_eq!(doors.good(0, InviteToken::from_bytes([1; 16])), None);
        assert_eq!(doors.forget_past(100), [2]);
        assert!(doors.revoke(3) && !doors.revoke(3) && doors.good(0, always).is_none());
        // What was issued before is known after a restart by its hash, and numbers go on.
        let before =
            IssuedInvite { number: 9, hash: once.hash(), uses_left: Some(1), until: None, by: None, note: None };
        let mut doors = Doors::new([before]);
        assert_eq!(doors.good(0, once), Some(9));
        assert!(doors.issue(|_, _| unreachable!("there is no secret")).is_none());
    }

    #[test]
    fn who_waits_is_bounded_for_each_household() {
        let mut doors = doors();
        let user = |name: &str, host: u8, since| WaitingUser {
            username: Username::new(name).expect(name),
            address: IpAddr::from([192, 0, 2, host]),
            since,
            asked_at: since,
        };
        let key = |n: u8| PublicKey::from_bytes([n; 32]);
        assert_eq!(doors.wait(key(1), user("anna", 1, 5)), Some(true));
        assert_eq!(doors.wait(key(1), user("anna", 1, 6)), Some(false));
        assert_eq!(doors.wait(key(1), user("Ana", 1, 6)), Some(true), "another name is news");
        for n in 2..=u8::try_from(WAITING_PER_ADDRESS_MAX).expect("few") {
            assert_eq!(doors.wait(key(n), user("anna", 1, u64::from(n))), Some(true));
        }
        assert_eq!(doors.wait(key(100), user("eve", 1, 7)), None);
        assert_eq!(doors.wait(key(101), user("eve", 2, 7)), Some(true));
        doors.stop_waiting(key(101));
        let eve = Username::new("eve").expect("a name");
        assert_eq!(doors.answer(&eve, None).map(|(found, _)| found), Err(NobodyMeant::NobodyWaits));
    }

    #[test]
    fn of_several_who_ask_for_a_name_nobody_is_taken_for_the_other() {
        let mut doors = doors();
        let name = |text: &str| Username::new(text).expect(text);
        let key = |n: u8| PublicKey::from_bytes([n; 32]);
        for (n, asked) in [(1, "anna"), (2, "ANNA"), (3, "boris")] {
            let address = IpAddr::from([192, 0, 2, n]);
            let user = WaitingUser { username: name(asked), address, since: 5, asked_at: 5 };
            assert_eq!(doors.wait(key(n), user), Some(true));
        }
        let mut answer = |asked: &str, n: Option<u8>| {
            doors.answer(&name(asked), n.map(key)).map(|(found, user)| (found, user.username.to_string()))
        };
        assert_eq!(answer("Anna", None), Err(NobodyMeant::SeveralWait(2)));
        assert_eq!(answer("anna", Some(3)), Err(NobodyMeant::NobodyWaits), "who asks for another name now");
        assert_eq!(answer("boris", None), Ok((key(3), "boris".to_owned())));
        assert_eq!(answer("anna", Some(2)), Ok((key(2), "ANNA".to_owned())));
        assert_eq!(answer("anna", None), Ok((key(1), "anna".to_owned())), "the only one now");
    }

    #[test]
    fn who_asks_again_has_waited_since_the_first_time_and_who_does_not_is_forgotten() {
        let mut doors = doors();
        let (anna, eve) = (PublicKey::from_bytes([2; 32]), PublicKey::from_bytes([1; 32]));
        let ask = |doors: &mut Doors, key, at| {
            let username = Username::new("anna").expect("a name");
            let user = WaitingUser { username, address: IpAddr::from([192, 0, 2, 1]), since: at, asked_at: at };
            doors.wait(key, user)
        };
        let waits = |doors: &Doors| doors.waiting().map(|(key, user)| (*key, user.since)).collect::<Vec<_>>();
        assert_eq!((ask(&mut doors, anna, 5), ask(&mut doors, eve, 6)), (Some(true), Some(true)));
        assert_eq!(ask(&mut doors, anna, 8), Some(false));
        assert_eq!(waits(&doors), [(eve, 6), (anna, 5)]);
        doors.forget_past(6 + WAITING_LASTS_SECONDS);
        assert_eq!(waits(&doors), [(anna, 5)]);
        doors.forget_past(8 + WAITING_LASTS_SECONDS);
        assert_eq!(waits(&doors), []);
    }
}
